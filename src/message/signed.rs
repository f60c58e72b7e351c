//! What lies inside a signature: S/MIME mail signed as one block (RFC 8551 §3.5.2), and text signed inline with
//! OpenPGP (RFC 9580 §7).
//!
//! Only as much is read as it takes to find the content; no signature is checked, so nothing is believed for being
//! signed.

use std::borrow::Cow;

/// The signed content, if `octets` are a SignedData of CMS (RFC 5652 §5) with its content inside.
pub(super) fn signed_content(octets: &[u8]) -> Option<Vec<u8>> {
    const SEQUENCE: u8 = 0x30;
    const SET: u8 = 0x31;
    const INTEGER: u8 = 0x02;
    const OBJECT_IDENTIFIER: u8 = 0x06;
    const EXPLICIT: u8 = 0xA0;
    // 1.2.840.113549.1.7.2
    const SIGNED_DATA: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];

    let info = enter(octets, SEQUENCE)?;
    let (kind, rest) = element(info, OBJECT_IDENTIFIER)?;
    if kind != SIGNED_DATA {
        return None;
    }
    let signed = enter(enter(rest, EXPLICIT)?, SEQUENCE)?;
    let (_version, rest) = element(signed, INTEGER)?;
    let (_digest_algorithms, rest) = element(rest, SET)?;
    let content_info = enter(rest, SEQUENCE)?;
    let (_content_type, rest) = element(content_info, OBJECT_IDENTIFIER)?;
    octet_string(enter(rest, EXPLICIT)?)
}

/// A text without the armour of OpenPGP around what is signed in it.
pub(super) fn without_armour(text: &str) -> Cow<'_, str> {
    const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----\n";
    const SIGNATURE: &str = "\n-----BEGIN PGP SIGNATURE-----";
    const END: &str = "-----END PGP SIGNATURE-----";
    let Some(begin) = text.find(BEGIN) else {
        return Cow::Borrowed(text);
    };
    let (before, armoured) = (&text[..begin], &text[begin + BEGIN.len()..]);
    let Some((header, signed)) = armoured.split_once("\n\n") else {
        return Cow::Borrowed(text);
    };
    let armour_header = header.lines().all(|line| line.contains(": "));
    let signed = if armour_header { signed } else { armoured };
    let (signed, rest) = signed.split_once(SIGNATURE).unwrap_or((signed, ""));
    let after = rest.split_once(END).map_or("", |(_, after)| after);
    // §7.2: a line that begins with a dash has a dash and a blank before it.
    let lines: Vec<&str> = signed.split('\n').map(|line| line.strip_prefix("- ").unwrap_or(line)).collect();
    Cow::Owned(format!("{before}{}\n{after}", lines.join("\n")))
}

/// The content of an octet string, which may come in pieces (X.690 §8.7.3).
fn octet_string(octets: &[u8]) -> Option<Vec<u8>> {
    const WHOLE: u8 = 0x04;
    const IN_PIECES: u8 = 0x24;
    if let Some((content, _)) = element(octets, WHOLE) {
        return Some(content.to_vec());
    }
    let (length, inside) = header(octets, IN_PIECES)?;
    let mut rest = match length {
        Some(length) => inside.get(..length)?,
        None => inside,
    };
    let mut content = Vec::new();
    // Ends with the string, or with the two zero octets that close an indefinite length.
    while let Some((piece, after)) = element(rest, WHOLE) {
        content.extend_from_slice(piece);
        rest = after;
    }
    Some(content)
}

/// An element with a definite length, and what follows it.
fn element(octets: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (length, inside) = header(octets, tag)?;
    inside.split_at_checked(length?)
}

/// The inside of an element, whether its end is known or not.
fn enter(octets: &[u8], tag: u8) -> Option<&[u8]> {
    let (_, inside) = header(octets, tag)?;
    Some(inside)
}

/// The length of an element with this tag (X.690 §8.1.3), `None` if indefinite, and what follows the length.
fn header(octets: &[u8], tag: u8) -> Option<(Option<usize>, &[u8])> {
    let (found, rest) = octets.split_first()?;
    let (first, rest) = rest.split_first()?;
    if *found != tag {
        return None;
    }
    match first {
        0x80 => Some((None, rest)),
        0..0x80 => Some((Some(usize::from(*first)), rest)),
        _ => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            if length.len() > 4 {
                return None;
            }
            let length = length.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet));
            Some((Some(length), rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut octets = vec![tag];
        match u8::try_from(content.len()).ok().filter(|length| *length < 0x80) {
            Some(length) => octets.push(length),
            None => octets.extend([0x82, (content.len() >> 8) as u8, content.len() as u8]),
        }
        octets.extend_from_slice(content);
        octets
    }

    fn signed(content: &[u8]) -> Vec<u8> {
        let data = tlv(0x06, &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01]);
        let info = tlv(0x30, &[data, tlv(0xA0, content)].concat());
        let signed = tlv(0x30, &[tlv(0x02, &[1]), tlv(0x31, &[]), info].concat());
        let kind = tlv(0x06, &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02]);
        tlv(0x30, &[kind, tlv(0xA0, &signed)].concat())
    }

    #[test]
    fn the_content_is_found_whole_or_in_pieces() {
        let text = "Content-Type: text/plain\r\n\r\n您好".repeat(20);
        let whole = signed(&tlv(0x04, text.as_bytes()));
        assert_eq!(signed_content(&whole).as_deref(), Some(text.as_bytes()));
        let pieces = [vec![0x24, 0x80], tlv(0x04, b"ab"), tlv(0x04, b"c"), vec![0, 0]].concat();
        assert_eq!(signed_content(&signed(&pieces)).as_deref(), Some(&b"abc"[..]));
        for end in 0..whole.len() {
            signed_content(&whole[..end]);
        }
        assert_eq!(signed_content(b"\x30\x84\xFF\xFF\xFF\xFF"), None);
        assert_eq!(signed_content(b"hello"), None);
    }
}
