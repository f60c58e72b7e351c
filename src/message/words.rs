//! Encoded-words in header fields (RFC 2047), broken forms included.
//!
//! Decoded here and not by mail-parser because what fails in the wild is the charset: words in raw octets,
//! under a wrong or unknown name, with a character split between two words, with a shift sequence left open.

use std::borrow::Cow;

use super::defect::Defects;
use super::text;

/// Decodes the encoded-words of a text; what is none stays as it is.
pub(super) fn decode<'a>(written: &'a str, defects: &mut Defects) -> Cow<'a, str> {
    if !written.contains("=?") {
        return Cow::Borrowed(written);
    }
    let mut decoder =
        Decoder { decoded: String::with_capacity(written.len()), label: String::new(), octets: Vec::new(), defects };
    let mut rest = written;
    while let Some(at) = rest.find("=?") {
        let (before, from) = rest.split_at(at);
        match Word::read(from) {
            Some((word, after)) => {
                // §6.2: blanks between two words are not part of the text.
                if !(before.trim().is_empty() && decoder.is_open()) {
                    decoder.push(before);
                }
                decoder.word(&word);
                rest = after;
            }
            None => {
                decoder.push(before);
                decoder.push("=?");
                rest = &from[2..];
            }
        }
    }
    decoder.push(rest);
    decoder.flush();
    Cow::Owned(decoder.decoded)
}

/// Writes raw octets inside `Q` words as `=XX`: they are in the charset of their word, whatever the octets
/// around them are.
pub(super) fn quote_raw(octets: &[u8]) -> Cow<'_, [u8]> {
    if octets.is_ascii() || !octets.windows(2).any(|two| two == b"=?") {
        return Cow::Borrowed(octets);
    }
    let mut quoted = Vec::with_capacity(octets.len() * 2);
    // Question marks seen in the word: `=?` charset `?` encoding `?` text `?=`.
    let mut marks = 0;
    for (at, octet) in octets.iter().copied().enumerate() {
        match octet {
            b'?' if at > 0 && octets[at - 1] == b'=' && marks == 0 => marks = 1,
            b'?' if marks > 0 => marks = if marks == 3 { 0 } else { marks + 1 },
            _ => {}
        }
        if marks == 3 && !octet.is_ascii() {
            quoted.extend(format!("={octet:02X}").bytes());
        } else {
            quoted.push(octet);
        }
    }
    Cow::Owned(quoted)
}

struct Decoder<'d> {
    decoded: String,
    /// Octets of the words before, in one charset: a character may go on in the next word.
    label: String,
    octets: Vec<u8>,
    defects: &'d mut Defects,
}

impl Decoder<'_> {
    /// Is a word the last thing read?
    fn is_open(&self) -> bool {
        !self.label.is_empty()
    }

    fn word(&mut self, word: &Word) {
        if !self.label.eq_ignore_ascii_case(word.label) {
            self.flush();
            self.label = word.label.to_owned();
        }
        word.decode(&mut self.octets);
    }

    fn push(&mut self, text: &str) {
        if !text.is_empty() {
            self.flush();
            self.decoded.push_str(text);
        }
    }

    fn flush(&mut self) {
        if self.is_open() {
            let decoded = text::decode(&self.octets, Some(&self.label));
            // A word in ASCII needs no better name than the one it has.
            if let Some(defect) = decoded.defect.filter(|_| !self.octets.is_ascii()) {
                self.defects.add(defect);
            }
            self.decoded.push_str(&decoded.text);
            self.octets.clear();
            self.label.clear();
        }
    }
}

struct Word<'a> {
    label: &'a str,
    base64: bool,
    text: &'a str,
}

/// Characters of a charset name.
const MAX_LABEL: usize = 60;

impl<'a> Word<'a> {
    /// Reads the word at the beginning of a text, and gives what comes after it. Words longer than the 75
    /// characters of §2, with blanks inside or without an end are read as well.
    fn read(text: &'a str) -> Option<(Word<'a>, &'a str)> {
        let inside = text.strip_prefix("=?")?;
        let window = text::cut(inside, MAX_LABEL);
        let end = window.find('?')?;
        let label = &window[..end];
        let named = !label.is_empty() && label.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'=');
        let mut rest = inside[end + 1..].chars();
        let base64 = match rest.next()? {
            'B' | 'b' => true,
            'Q' | 'q' => false,
            _ => return None,
        };
        let inside = rest.as_str().strip_prefix('?').filter(|_| named)?;
        // A word that was never closed ends where the next one begins. In one pass: both may be far away.
        let (end, next) = inside
            .as_bytes()
            .windows(2)
            .enumerate()
            .find_map(|(at, two)| match two {
                b"?=" => Some((at, at + 2)),
                b"=?" if inside.as_bytes().get(at + 2) == Some(&b'=') => Some((at + 1, at + 3)),
                b"=?" => Some((at, at)),
                _ => None,
            })
            .unwrap_or((inside.len(), inside.len()));
        let (text, after) = (&inside[..end], &inside[next..]);
        // RFC 2231 §5: `utf-8*en` names a language too.
        let label = label.split('*').next().unwrap_or(label);
        Some((Word { label, base64, text }, after))
    }

    fn decode(&self, octets: &mut Vec<u8>) {
        if self.base64 {
            decode_base64(self.text, octets);
        } else {
            decode_q(self.text, octets);
        }
    }
}

/// §4.1, with junk and missing padding.
fn decode_base64(text: &str, octets: &mut Vec<u8>) {
    let (mut bits, mut count) = (0_u32, 0);
    for octet in text.bytes() {
        let value = match octet {
            b'A'..=b'Z' => octet - b'A',
            b'a'..=b'z' => octet - b'a' + 26,
            b'0'..=b'9' => octet - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            // Padding ends one run; some programs put several into one word.
            b'=' => {
                (bits, count) = (0, 0);
                continue;
            }
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            octets.push((bits >> count) as u8);
        }
    }
}

/// §4.2.
fn decode_q(text: &str, octets: &mut Vec<u8>) {
    let written = text.as_bytes();
    let hex = |at: usize| written.get(at).and_then(|octet| char::from(*octet).to_digit(16));
    let mut at = 0;
    while let Some(octet) = written.get(at) {
        match (octet, hex(at + 1), hex(at + 2)) {
            (b'=', Some(high), Some(low)) => {
                octets.push((high * 16 + low) as u8);
                at += 3;
                continue;
            }
            (b'_', ..) => octets.push(b' '),
            _ => octets.push(*octet),
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Defect;
    use super::*;

    #[test]
    fn encoded_words_are_read_in_good_and_in_broken_forms() {
        let cases = [
            ("plain =? text", "plain =? text"),
            ("=?utf-8?B?5oKo5aW9?=", "您好"),
            ("=?UTF-8?q?=E6=82=A8_=E5=A5=BD?= x", "您 好 x"),
            ("=?utf-8?B?5oKo?= =?utf-8?B?5aW9?=", "您好"),
            ("=?gb2312?B?xPq6ww==?= =?utf-8?Q?!?=", "您好!"),
            ("=?cp932?B?g4GBW4OL?=", "メール"),
            ("=?utf-8*zh?Q?=E6=82=A8?=", "您"),
            // One character in two words.
            ("=?utf-8?B?5oI=?= =?utf-8?B?qOWlvQ==?=", "您好"),
            // Each word shifts for itself.
            ("=?ISO-2022-JP?B?GyRCN29MPhsoQg==?= =?ISO-2022-JP?B?GyRCN29MPhsoQg==?=", "件名件名"),
            // No blank round the words, blanks inside them, no padding, no end.
            ("a=?utf-8?Q?b?=c=?utf-8?Q?d?=", "abcd"),
            ("=?utf-8?Q?a b?=", "a b"),
            ("=?utf-8?B?5oKo5aW?=", "您\u{FFFD}"),
            ("=?utf-8?B?5oKo", "您"),
            ("=?utf-8?Q?a =?utf-8?Q?b?=", "a b"),
            // A charset that is not the one, or is none.
            ("=?us-ascii?Q?=E6=82=A8=E5=A5=BD?=", "您好"),
            ("=?iso-8859-1?Q?=E6=82=A8=E5=A5=BD?=", "您好"),
            ("=?x-unknown?B?5oKo5aW9?=", "您好"),
            ("=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
            ("=??Q?abc?=", "=??Q?abc?="),
        ];
        for (written, want) in cases {
            assert_eq!(decode(written, &mut Defects::default()), want, "{written}");
        }
        let mut defects = Defects::default();
        decode("=?us-ascii?Q?=E6=82=A8?=", &mut defects);
        assert_eq!(defects.0, [Defect::WrongCharset]);
    }

    #[test]
    fn raw_octets_in_a_word_are_in_the_charset_of_the_word() {
        let quoted = quote_raw(b"\xe4 =?iso-8859-1?Q?Fr\xf6sche?= \xe4");
        assert_eq!(quoted.as_ref(), b"\xe4 =?iso-8859-1?Q?Fr=F6sche?= \xe4");
        assert!(matches!(quote_raw(b"=?utf-8?Q?a?="), Cow::Borrowed(_)));
    }

    #[test]
    fn many_open_words_are_read_in_linear_time() {
        let hostile = "=?a?q?x".repeat(50_000);
        assert_eq!(decode(&hostile, &mut Defects::default()).len(), 50_000);
        let hostile = "=?utf-8?".repeat(50_000);
        assert_eq!(decode(&hostile, &mut Defects::default()).len(), hostile.len());
    }
}
