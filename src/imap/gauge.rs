//! Counts what a server sends before anyone makes room for it (I12): a literal announced larger than what
//! was asked for, and a line without end, are refused where they begin.
//!
//! The parser behind makes room for a literal as soon as it is announced, up to 512 MiB. This reads just
//! enough of the grammar (RFC 9051 §9 `literal`, `resp-text`) to know where a literal is announced.

/// Octets of one response without its literals (I12). A SEARCH of a hundred thousand mails would fit.
const MAX_LINE: usize = 1024 * 1024;
/// Octets of a literal nobody asked for: a folder name, a value of ID.
pub const STRAY_LITERAL: usize = 64 * 1024;
/// Octets of a line's beginning in which `*`, `+` or one of our tags ends.
const MAX_TAG: usize = 16;
/// Octets of a line's end that can hold `{4294967295}` and CR.
const TAIL: usize = 24;

/// More than was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    #[error("a literal of {0} octets")]
    Literal(u64),
    #[error("a line of more than {MAX_LINE} octets")]
    Line,
    #[error("a tag that is not ours")]
    Tag,
}

#[derive(Debug)]
pub struct Gauge {
    /// The largest literal that may come now.
    most: usize,
    /// Octets of the current literal yet to come.
    literal: usize,
    /// Octets of the current response so far, without literals.
    line: usize,
    /// How the current response begins, and how the current line ends so far.
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Gauge {
    pub fn new() -> Gauge {
        Gauge { most: STRAY_LITERAL, literal: 0, line: 0, head: Vec::new(), tail: Vec::new() }
    }

    /// From now on literals of so many octets may come.
    pub fn allow(&mut self, literal: usize) {
        self.most = literal.max(STRAY_LITERAL);
    }

    /// Counts what came, in whatever pieces. Of these octets so many are as they should be; behind them, there
    /// may be too much.
    pub fn count(&mut self, octets: &[u8]) -> (usize, Result<(), Excess>) {
        let mut counted = 0;
        while counted < octets.len() {
            let rest = &octets[counted..];
            let skipped = self.literal.min(rest.len());
            self.literal -= skipped;
            counted += skipped;
            let rest = &rest[skipped..];
            let end = rest.iter().position(|octet| *octet == b'\n');
            let piece = &rest[..end.map_or(rest.len(), |end| end + 1)];
            if let Err(excess) = self.piece(piece) {
                return (counted, Err(excess));
            }
            counted += piece.len();
        }
        (counted, Ok(()))
    }

    /// A line, or a part of one.
    fn piece(&mut self, piece: &[u8]) -> Result<(), Excess> {
        self.line += piece.len();
        if self.line > MAX_LINE {
            return Err(Excess::Line);
        }
        // Room for the tag, and for the longest status word behind it.
        let room = (MAX_TAG + "PREAUTH".len()).saturating_sub(self.head.len());
        self.head.extend(piece.iter().take(room));
        self.tail.extend(&piece[piece.len().saturating_sub(TAIL)..]);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        if piece.ends_with(b"\n") { self.line_ends() } else { Ok(()) }
    }

    fn line_ends(&mut self) -> Result<(), Excess> {
        let announced = announced(&self.tail);
        self.tail.clear();
        if let Some(octets) = announced.filter(|octets| *octets > self.most as u64) {
            return Err(Excess::Literal(octets));
        }
        // In the text that a human reads, braces are braces.
        match announced {
            Some(octets) if !is_status(&self.head)? => self.literal = octets as usize,
            _ => {
                self.line = 0;
                self.head.clear();
            }
        }
        Ok(())
    }
}

/// The octets of the literal that a line announces at its end: `{123}` CRLF.
fn announced(tail: &[u8]) -> Option<u64> {
    let digits = tail.strip_suffix(b"}\r\n")?;
    let open = digits.iter().rposition(|octet| *octet == b'{')?;
    let digits = digits[open + 1..].strip_suffix(b"+").unwrap_or(&digits[open + 1..]);
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Does a response end in text for a human: `+ …`, `* OK …`, `a1 NO …`?
fn is_status(head: &[u8]) -> Result<bool, Excess> {
    if head.first() == Some(&b'+') {
        return Ok(true);
    }
    let space = head.iter().take(MAX_TAG).position(|octet| *octet == b' ');
    let word = &head[space.ok_or(Excess::Tag)? + 1..];
    Ok(["OK", "NO", "BAD", "BYE", "PREAUTH"]
        .iter()
        .any(|status| word.get(..status.len()).is_some_and(|word| word.eq_ignore_ascii_case(status.as_bytes()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts `text` whole and octet by octet; both must agree.
    fn count(text: &str) -> Result<(), Excess> {
        let mut whole = Gauge::new();
        let (good, result) = whole.count(text.as_bytes());
        assert_eq!(good == text.len(), result.is_ok());
        let mut piecemeal = Gauge::new();
        let results = text.as_bytes().iter().map(|octet| piecemeal.count(&[*octet]).1);
        assert_eq!(results.collect::<Result<(), Excess>>(), result, "{text:?}");
        result
    }

    #[test]
    fn a_literal_is_refused_where_it_is_announced() {
        let cases = [
            ("* 1 FETCH (BODY[] {4294967295}\r\n", 4_294_967_295),
            ("* 1 FETCH (BODY[] {18446744073709551615}\r\n", 18_446_744_073_709_551_615),
            ("* 1 FETCH (BODY[] {65537}\r\n", 65_537),
            ("* 1 FETCH (BODY[] {3}\r\nabc BODY[TEXT] {65537}\r\n", 65_537),
            ("* 1 FETCH (BODY[] {99999+}\r\n", 99_999),
            ("* OK hello {99999}\r\n", 99_999),
        ];
        for (text, octets) in cases {
            assert_eq!(count(text), Err(Excess::Literal(octets)), "{text:?}");
        }
    }

    #[test]
    fn what_was_asked_for_passes() {
        let cases = [
            "* OK ready\r\n",
            "* 1 FETCH (BODY[] {65536}\r\n",
            // A mail that quotes IMAP is a mail.
            "* 1 FETCH (BODY[] {14}\r\na {99999999}\r\n)\r\n* 2 EXISTS\r\n",
            // Braces in a human's text announce nothing, so the next line is a line.
            "* OK see {10}\r\n* OK\r\n* 1 FETCH (X {2}\r\nab)\r\n",
            "+ {10}\r\na1 NO [ALERT] {10}\r\n* BYE\r\n",
            "* 1 FETCH (BODY[] {0}\r\n)\r\n",
            "{5}",
            "\r\n",
        ];
        for text in cases {
            assert_eq!(count(text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn a_larger_literal_passes_once_it_is_allowed() {
        let mut gauge = Gauge::new();
        gauge.allow(100_000);
        assert_eq!(gauge.count(b"* 1 FETCH (BODY[] {100000}\r\n").1, Ok(()));
        assert_eq!(gauge.count(&[b'\n'; 100_000]).1, Ok(()));
        gauge.allow(0);
        // What came before it is good.
        assert_eq!(gauge.count(b")\r\n* 1 FETCH (BODY[] {100000}\r\n"), (3, Err(Excess::Literal(100_000))));
    }

    #[test]
    fn a_line_ends_somewhere() {
        let mut gauge = Gauge::new();
        let results = (0..300).map(|_| gauge.count(&[b'a'; 4096]).1);
        assert_eq!(results.collect::<Result<(), Excess>>(), Err(Excess::Line));
        let long_tag = format!("{} {{10}}\r\n", "a".repeat(MAX_TAG));
        assert_eq!(count(&long_tag), Err(Excess::Tag));
    }
}
