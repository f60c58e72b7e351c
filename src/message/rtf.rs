//! RTF as Outlook encloses it: unpacked ([MS-OXRTFCP]) and read as text.
//!
//! The one crate that unpacks it takes sizes from the stream on trust and refuses what has a wrong checksum; the
//! algorithm is shorter than what would guard it. Of RTF itself as much is read as makes a text: paragraphs, characters
//! in the code pages of their fonts, and which groups are no text.

use std::collections::HashMap;

use encoding_rs::{Encoding, WINDOWS_1252};

use super::{text, tnef};

/// What the dictionary holds before the first octet (§2.1.2.1).
const PRELOADED: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \
                           \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \
                           \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
/// Octets that a reference can reach back.
const WINDOW: usize = 4_096;
/// Groups in groups; RTF of programs stays below ten. What is deeper gets the state of this depth.
const MOST_DEPTH: usize = 64;
/// Fonts of one text.
const MOST_FONTS: usize = 1_000;

/// Unpacks RTF up to `most` octets; `None` where the header is none that we know. An end before its time, and a wrong
/// checksum, cost nothing but what is missing.
pub(super) fn decompressed(packed: &[u8], most: usize) -> Option<Vec<u8>> {
    const HEADER: usize = 16;
    let kind = packed.get(8..12)?;
    let content = packed.get(HEADER..)?;
    match kind {
        b"LZFu" => Some(unpacked(content, most)),
        b"MELA" => Some(content[..content.len().min(most)].to_vec()),
        _ => None,
    }
}

/// §3.1.1: eight items to each control octet, lowest bit first; an octet, or a place in the window and a length.
fn unpacked(content: &[u8], most: usize) -> Vec<u8> {
    let mut window = [0; WINDOW];
    window[..PRELOADED.len()].copy_from_slice(PRELOADED);
    let mut write = PRELOADED.len();
    let mut out = Vec::new();
    let mut octets = content.iter().copied();
    while let Some(control) = octets.next() {
        for bit in 0..8 {
            if control >> bit & 1 == 0 {
                let Some(octet) = octets.next() else { return out };
                put(&mut window, &mut write, &mut out, octet);
            } else {
                let (Some(high), Some(low)) = (octets.next(), octets.next()) else { return out };
                let (from, length) = (usize::from(high) << 4 | usize::from(low) >> 4, usize::from(low & 0xF) + 2);
                // The place where the next octet will stand marks the end.
                if from == write {
                    return out;
                }
                for at in from..from + length {
                    let octet = window[at % WINDOW];
                    put(&mut window, &mut write, &mut out, octet);
                }
            }
            if out.len() >= most {
                out.truncate(most);
                return out;
            }
        }
    }
    out
}

fn put(window: &mut [u8; WINDOW], write: &mut usize, out: &mut Vec<u8>, octet: u8) {
    window[*write] = octet;
    *write = (*write + 1) % WINDOW;
    out.push(octet);
}

/// The text of an RTF document, up to about `most` octets.
pub(super) fn text(rtf: &[u8], most: usize) -> String {
    let mut reader = Reader {
        text: String::new(),
        octets: Vec::new(),
        units: Vec::new(),
        page: WINDOWS_1252,
        fonts: HashMap::new(),
        state: State { replaced: 1, ..State::default() },
        outer: Vec::new(),
        beyond: 0,
        skip: 0,
    };
    let mut rest = rtf;
    while let Some((&first, after)) = rest.split_first() {
        rest = match first {
            b'{' => reader.open(after),
            b'}' => reader.close(after),
            b'\\' => reader.control(after),
            b'\r' | b'\n' | 0 => after,
            octet => {
                reader.octet(octet);
                after
            }
        };
        if reader.text.len() + reader.octets.len() >= most {
            break;
        }
    }
    reader.flush();
    reader.text
}

/// What ends with the group.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// No text of the document: a table of fonts, a picture, what older readers do not know.
    is_other: bool,
    /// A table of fonts: `\f` names one and `\fcharset` explains it.
    is_fonts: bool,
    /// Written so as not to be seen.
    hidden: bool,
    font: i32,
    /// Octets after `\u` for readers that do not know it.
    replaced: usize,
}

struct Reader {
    text: String,
    /// Text that is not decoded yet: two octets of one character may be written in two ways.
    octets: Vec<u8>,
    /// UTF-16 that is not decoded yet.
    units: Vec<u16>,
    page: &'static Encoding,
    fonts: HashMap<i32, &'static Encoding>,
    state: State,
    outer: Vec<State>,
    /// Groups opened beyond [`MOST_DEPTH`].
    beyond: usize,
    /// Octets still to be left out after `\u`.
    skip: usize,
}

impl Reader {
    fn open<'a>(&mut self, after: &'a [u8]) -> &'a [u8] {
        self.skip = 0;
        if self.outer.len() < MOST_DEPTH {
            self.outer.push(self.state);
        } else {
            self.beyond += 1;
        }
        after
    }

    fn close<'a>(&mut self, after: &'a [u8]) -> &'a [u8] {
        self.flush();
        self.skip = 0;
        if self.beyond > 0 {
            self.beyond -= 1;
        } else if let Some(state) = self.outer.pop() {
            self.state = state;
        }
        after
    }

    /// What follows a backslash: a word with a number, a character, or `'` and two digits.
    fn control<'a>(&mut self, after: &'a [u8]) -> &'a [u8] {
        let letters = after.iter().take_while(|octet| octet.is_ascii_alphabetic()).count();
        if letters > 0 {
            let (word, rest) = after.split_at(letters);
            let signed = usize::from(rest.first() == Some(&b'-'));
            let digits = rest[signed..].iter().take_while(|octet| octet.is_ascii_digit()).count();
            let (number, rest) = if digits > 0 { rest.split_at(signed + digits) } else { (&rest[..0], rest) };
            let number = std::str::from_utf8(number).ok().and_then(|number| number.parse::<i32>().ok());
            let rest = rest.strip_prefix(b" ").unwrap_or(rest);
            return self.word(word, number, rest);
        }
        let Some((&symbol, rest)) = after.split_first() else { return after };
        match symbol {
            b'\'' => {
                let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                let Some(octet) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else { return rest };
                self.octet(octet);
                return &rest[2..];
            }
            b'*' => self.state.is_other = true,
            b'~' => self.octet(b' '),
            b'_' => self.octet(b'-'),
            b'\\' | b'{' | b'}' => self.octet(symbol),
            b'\r' | b'\n' => self.say("\n"),
            _ => {}
        }
        rest
    }

    fn word<'a>(&mut self, word: &[u8], number: Option<i32>, rest: &'a [u8]) -> &'a [u8] {
        match word {
            b"par" | b"line" | b"sect" | b"page" | b"row" => self.say("\n"),
            b"tab" | b"cell" | b"nestcell" => self.say("\t"),
            b"emdash" => self.say("—"),
            b"endash" => self.say("–"),
            b"lquote" => self.say("‘"),
            b"rquote" => self.say("’"),
            b"ldblquote" => self.say("“"),
            b"rdblquote" => self.say("”"),
            b"bullet" => self.say("•"),
            b"emspace" | b"enspace" | b"qmspace" => self.say(" "),
            b"u" => {
                // Numbers above 32767 are written as negative ones.
                self.unit(number.unwrap_or_default() as u16);
                self.skip = self.state.replaced;
            }
            b"uc" => self.state.replaced = usize::try_from(number.unwrap_or(1)).unwrap_or(0).min(16),
            b"bin" => {
                let length = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
                return &rest[length.min(rest.len())..];
            }
            b"v" => self.state.hidden = number != Some(0),
            b"plain" => self.state.hidden = false,
            b"f" => {
                self.flush();
                self.state.font = number.unwrap_or_default();
            }
            b"fcharset" if self.state.is_fonts && self.fonts.len() < MOST_FONTS => {
                if let Some(page) = number.and_then(page_of_font) {
                    self.fonts.insert(self.state.font, page);
                }
            }
            b"ansicpg" => {
                self.flush();
                self.page = number.and_then(|page| page_of(u32::try_from(page).ok()?)).unwrap_or(self.page);
            }
            b"fonttbl" => (self.state.is_other, self.state.is_fonts) = (true, true),
            b"colortbl" | b"stylesheet" | b"info" | b"pict" | b"object" | b"objdata" | b"fldinst" | b"header"
            | b"headerl" | b"headerr" | b"headerf" | b"footer" | b"footerl" | b"footerr" | b"footerf" | b"footnote"
            | b"annotation" | b"xe" | b"tc" | b"bkmkstart" | b"bkmkend" | b"nonshppict" | b"listtable"
            | b"listoverridetable" | b"revtbl" | b"themedata" | b"datastore" | b"filetbl" | b"private" => {
                self.state.is_other = true;
            }
            _ => {}
        }
        rest
    }

    /// One octet of text, in the code page of its font.
    fn octet(&mut self, octet: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if !self.state.is_other && !self.state.hidden {
            self.flush_units();
            self.octets.push(octet);
        }
    }

    fn unit(&mut self, unit: u16) {
        if !self.state.is_other && !self.state.hidden {
            self.flush_octets();
            self.units.push(unit);
        }
    }

    fn say(&mut self, said: &str) {
        if !self.state.is_other && !self.state.hidden {
            self.flush();
            self.text.push_str(said);
        }
    }

    fn flush(&mut self) {
        self.flush_octets();
        self.flush_units();
    }

    fn flush_octets(&mut self) {
        if !self.octets.is_empty() {
            let page = self.fonts.get(&self.state.font).unwrap_or(&self.page);
            self.text.push_str(&page.decode_without_bom_handling(&self.octets).0);
            self.octets.clear();
        }
    }

    fn flush_units(&mut self) {
        if !self.units.is_empty() {
            self.text.push_str(&String::from_utf16_lossy(&self.units));
            self.units.clear();
        }
    }
}

fn page_of(code_page: u32) -> Option<&'static Encoding> {
    text::encoding(&tnef::charset(code_page))
}

/// The code page behind `\fcharset`; none for that of the document, and for symbols, which say nothing.
fn page_of_font(charset: i32) -> Option<&'static Encoding> {
    page_of(match charset {
        77 => 10_000,
        128 => 932,
        129 | 130 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    })
}

/// Wraps RTF as it is, uncompressed.
#[cfg(test)]
pub(super) fn stored(rtf: &[u8]) -> Vec<u8> {
    let size = |size: usize| (size as u32).to_le_bytes();
    [&size(rtf.len() + 12)[..], &size(rtf.len()), b"MELA", &[0; 4], rtf].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        // The examples of [MS-OXRTFCP] §4.1.
        let simple = b"\x2d\0\0\0\x2b\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\x0a\0rcpg125B2\x0a\xf3 hel\x09\0 bw\x05\xb0ld}\x0a\x80\x0f\xa0";
        assert_eq!(decompressed(simple, 1_000).unwrap(), b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        let crossing = b"\x1a\0\0\0\x1c\0\0\0LZFu\xe2\xd4\x4b\x51\x41\0\x04 WXYZ\x0dn}\x01\x0e\xb0";
        assert_eq!(decompressed(crossing, 1_000).unwrap(), b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
        assert_eq!(decompressed(simple, 5).unwrap(), b"{\\rtf");
        assert_eq!(decompressed(&stored(b"{\\rtf1}"), 1_000).unwrap(), b"{\\rtf1}");
        for end in 0..simple.len() {
            decompressed(&simple[..end], 1_000);
        }
        assert_eq!(decompressed(b"no such thing at all", 1_000), None);
        let bomb = [
            &stored(b"")[..8],
            b"LZFu\0\0\0\0",
            &b"\xff\0\x0f\0\x0f\0\x0f\0\x0f\0\x0f\0\x0f\0\x0f\0\x0f".repeat(10_000),
        ]
        .concat();
        let unpacked = decompressed(&bomb, 40_000).unwrap();
        assert_eq!(unpacked.len(), 40_000);
    }

    #[test]
    fn rtf_is_read_as_its_reader_would() {
        let cases: [(&[u8], &str); 14] = [
            (
                br"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Arial;}}\f0 Hello\par World\'21\par}",
                "Hello\nWorld!\n",
            ),
            (br"{\rtf1\ansi\ansicpg936 \'c4\'fa\'ba\'c3}", "您好"),
            (br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}{\f1\fcharset134 SimSun;}}a{\f1\'c4\'fa}\'e9}", "a您é"),
            // The second octet of a character may be written as a letter.
            (br"{\rtf1\ansi\ansicpg932 \'83\\\'83A}", "ソア"),
            (br"{\rtf1\uc1\u24744?\u22909 ?}", "您好"),
            (br"{\rtf1\uc2\u24744\'c4\'fa\u-10179?? \u-8704??}", "您\u{FFFD} \u{FFFD}"),
            (br"{\rtf1\uc1\u-10179?\u-8704?}", "😀"),
            (br"{\rtf1{\*\generator x;}{\info{\author y}}a\{b\}\\{\v hidden}\~c\tab d}", "a{b}\\ c\td"),
            (br"{\rtf1{\field{\*\fldinst HYPERLINK x}{\fldrslt y}}{\pict\bin3 }}}}z}", "yz"),
            (
                br"{\rtf1\fromhtml1{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Hi{\*\htmltag72 </p>}\htmlrtf\par}\htmlrtf0}",
                "Hi\n",
            ),
            (br"\'", ""),
            (br"\'zz\u\uc-5\bin99999", "zz\0"),
            (b"}}}{{{", ""),
            (b"", ""),
        ];
        for (rtf, want) in cases {
            assert_eq!(text(rtf, 1_000), want, "{}", String::from_utf8_lossy(rtf));
        }
        assert_eq!(text(&[&b"{".repeat(1_000)[..], b"x"].concat(), 1_000), "x");
        assert!(text(&b"x".repeat(1_000), 10).len() <= 10);
    }
}
