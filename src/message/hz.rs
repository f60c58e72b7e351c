//! HZ (RFC 1843), the seven-bit Chinese of the nineties, which WHATWG refuses: between `~{` and `~}` two letters are one
//! character of GB 2312 without its high bits.

use encoding_rs::GB18030;

/// Is this the label of it?
pub(super) fn is_label(label: &str) -> bool {
    matches!(label.trim().to_ascii_lowercase().as_str(), "hz-gb-2312" | "hz" | "hz-gb2312" | "cp52936")
}

/// The text; `None` if octets above 127 say that it is something else.
pub(super) fn decode(octets: &[u8]) -> Option<String> {
    if !octets.is_ascii() {
        return None;
    }
    let mut plain = Vec::with_capacity(octets.len());
    let (mut shifted, mut rest) = (false, octets);
    loop {
        rest = match rest {
            [] => return Some(GB18030.decode_without_bom_handling(&plain).0.into_owned()),
            [b'~', b'{', rest @ ..] if !shifted => {
                shifted = true;
                rest
            }
            [b'~', b'}', rest @ ..] if shifted => {
                shifted = false;
                rest
            }
            [b'~', b'~', rest @ ..] if !shifted => {
                plain.push(b'~');
                rest
            }
            // A line of the text goes on in the next line of the mail.
            [b'~', b'\r', b'\n', rest @ ..] | [b'~', b'\n', rest @ ..] if !shifted => rest,
            [high @ 0x21..=0x7E, low @ 0x21..=0x7E, rest @ ..] if shifted => {
                plain.extend([high | 0x80, low | 0x80]);
                rest
            }
            [octet, rest @ ..] => {
                // The end of a line ends the Chinese, whatever was forgotten.
                shifted &= *octet != b'\n';
                plain.push(*octet);
                rest
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hz_is_read_between_its_braces() {
        let cases: [(&[u8], &str); 6] = [
            (b"Hi ~{VPND~}!", "Hi 中文!"),
            (b"~{VPND\r\nplain ~~ ~\r\nline", "中文\r\nplain ~ line"),
            (b"~{VP", "中"),
            (b"~{V", "V"),
            (b"~", "~"),
            (b"a~b", "a~b"),
        ];
        for (octets, text) in cases {
            assert_eq!(decode(octets).as_deref(), Some(text), "{octets:?}");
        }
        assert_eq!(decode(b"~{\xd6\xd0~}"), None);
        assert!(is_label("HZ-GB-2312"));
    }
}
