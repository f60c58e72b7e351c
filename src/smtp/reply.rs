//! What an SMTP server says: a code, perhaps an enhanced code, and a text for humans (RFC 5321 §4.2).
//!
//! Read leniently, since a reply that cannot be read costs more than an odd one: a bare `250` without text,
//! a second digit above 5 (`571`), a text in GBK.

use std::fmt;

/// Octets of one reply. Postfix stops at 100,000 (`smtp_response_limit`); a reply for humans is a few lines.
pub const MAX_REPLY: usize = 64 * 1024;
/// Characters of a reply that are kept: it goes into the journal and to the operator.
const MAX_TEXT: usize = 500;

/// One whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    /// The text of each line, without the code.
    lines: Vec<String>,
}

/// These bytes are not the reply of an SMTP server.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an SMTP reply: {0:?}")]
pub struct Garbled(String);

impl Reply {
    /// Takes one reply from the beginning of `bytes`, with the number of octets it has. `None` when its last
    /// line has not yet come.
    pub fn take(bytes: &[u8]) -> Result<Option<(Reply, usize)>, Garbled> {
        let mut lines = Vec::new();
        let mut taken = 0;
        while let Some(end) = bytes[taken..].iter().position(|b| *b == b'\n') {
            let line = bytes[taken..taken + end].trim_ascii_end();
            taken += end + 1;
            let (code, last, text) = line_of(line).ok_or_else(|| Garbled(readable(line)))?;
            lines.push(text);
            if last {
                return Ok(Some((Reply { code, lines }, taken)));
            }
        }
        Ok(None)
    }

    /// RFC 5321 §4.2.1: the first digit says whether it went well.
    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// The lines after the first of an EHLO reply: one extension each (RFC 5321 §4.1.1.1).
    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().skip(1).map(String::as_str)
    }

    /// The subject and detail of an enhanced code whose class is that of the code: `5.7.60` gives `(7, 60)`
    /// (RFC 2034 §4).
    pub fn enhanced(&self) -> Option<(u16, u16)> {
        let word = self.lines.first()?.split_ascii_whitespace().next()?;
        let mut numbers = word.split('.').map(|n| n.parse::<u16>());
        match (numbers.next()?, numbers.next()?, numbers.next()?, numbers.next()) {
            (Ok(class), Ok(subject), Ok(detail), None) if class == self.code / 100 => Some((subject, detail)),
            _ => None,
        }
    }
}

/// The code, whether it is the last line, and the text.
fn line_of(line: &[u8]) -> Option<(u16, bool, String)> {
    let code = line.get(..3)?;
    if !code.iter().all(u8::is_ascii_digit) || !(b'2'..=b'5').contains(&code[0]) {
        return None;
    }
    let code = code.iter().fold(0, |n, digit| n * 10 + u16::from(digit - b'0'));
    let text = readable(line.get(4..).unwrap_or_default());
    match line.get(3) {
        None | Some(b' ') => Some((code, true, text)),
        Some(b'-') => Some((code, false, text)),
        Some(_) => None,
    }
}

/// One line without control characters. RFC 5321 §4.2 allows ASCII, RFC 6531 §3.7.4 UTF-8; some servers in
/// China answer in GBK.
fn readable(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => encoding_rs::GB18030.decode_without_bom_handling(bytes).0,
    };
    text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect::<String>().trim().to_owned()
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.lines.join(" ");
        let mut text: String = text.trim().chars().take(MAX_TEXT).collect();
        text.insert(0, ' ');
        write!(f, "{}{}", self.code, text.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> Option<(String, usize)> {
        Reply::take(bytes).unwrap().map(|(reply, taken)| (reply.to_string(), taken))
    }

    #[test]
    fn a_reply_is_read_to_its_last_line_and_no_further() {
        type Case = (&'static [u8], Option<(&'static str, usize)>);
        let cases: [Case; 9] = [
            (b"250 ok\r\n", Some(("250 ok", 8))),
            (b"250\r\n", Some(("250", 5))),
            (b"250 \r\n", Some(("250", 6))),
            (b"250-a\r\n250 b\r\n250 c\r\n", Some(("250 a b", 14))),
            (b"571 5.7.1 blocked\r\n", Some(("571 5.7.1 blocked", 19))),
            (b"550 \xd3\xc3\xbb\xa7\r\n", Some(("550 用户", 10))),
            (b"250 a\x1b[31m\r\n", Some(("250 a[31m", 12))),
            (b"250-a\r\n250 b", None),
            (b"", None),
        ];
        for (bytes, want) in cases {
            assert_eq!(shown(bytes), want.map(|(text, n)| (text.to_owned(), n)), "{bytes:?}");
        }
    }

    #[test]
    fn what_no_smtp_server_says_is_garbled() {
        for bytes in [&b"* OK IMAP ready\r\n"[..], b"150 x\r\n", b"2506-x\r\n", b"25\r\n", b"\r\n", b"650 x\n"] {
            assert!(Reply::take(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn the_enhanced_code_counts_only_in_its_own_class() {
        for (text, want) in [
            ("550 5.7.60 SMTP; no permission\r\n", Some((7, 60))),
            ("250 2.0.0 Ok\r\n", Some((0, 0))),
            ("550 4.7.1 odd\r\n", None),
            ("550 5.7 odd\r\n", None),
            ("550 5.7.1.2 odd\r\n", None),
            ("550 no\r\n", None),
            ("550\r\n", None),
        ] {
            assert_eq!(Reply::take(text.as_bytes()).unwrap().unwrap().0.enhanced(), want, "{text}");
        }
    }
}
