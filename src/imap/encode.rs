//! How words of bot.toml become part of a command (RFC 9051 §4), and what cannot.

use secrecy::zeroize::Zeroizing;

/// RFC 4648 §4.
const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// RFC 3501 §5.1.3: `,` instead of `/`, which separates folders.
const FOLDERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/// A quoted string (RFC 9051 §9 `quoted`), or `None` where its octets cannot carry the text.
pub fn quoted(text: &str) -> Option<Zeroizing<String>> {
    let mut quoted = Zeroizing::new(String::with_capacity(text.len() * 2 + 2));
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            _ => return None,
        }
    }
    quoted.push('"');
    Some(quoted)
}

/// A folder's name as a quoted string in modified UTF-7 (RFC 3501 §5.1.3), which every server understands,
/// also those that speak UTF-8 once it is enabled. A control character comes out encoded, so no name can
/// end the command.
pub fn folder(name: &str) -> String {
    let mut quoted = String::from("\"");
    let mut shifted = Vec::new();
    let shift_back = |quoted: &mut String, shifted: &mut Vec<u8>| {
        if !shifted.is_empty() {
            quoted.push('&');
            quoted.push_str(&base64(shifted, FOLDERS, false));
            quoted.push('-');
            shifted.clear();
        }
    };
    for c in name.chars() {
        if !(' '..='~').contains(&c) {
            let mut units = [0; 2];
            shifted.extend(c.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
            continue;
        }
        shift_back(&mut quoted, &mut shifted);
        match c {
            '&' => quoted.push_str("&-"),
            '"' | '\\' => quoted.extend(['\\', c]),
            _ => quoted.push(c),
        }
    }
    shift_back(&mut quoted, &mut shifted);
    quoted.push('"');
    quoted
}

/// RFC 9051 §9 `flag-keyword`: an atom. `]` is one of the `resp-specials` that an atom excludes.
pub fn is_keyword(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !"(){%*\"\\]".contains(c))
}

/// What `AUTHENTICATE PLAIN` sends: RFC 4616 §2, no authorization identity.
pub fn plain(user: &str, password: &str) -> Zeroizing<String> {
    let answer = Zeroizing::new(format!("\0{user}\0{password}"));
    Zeroizing::new(base64(answer.as_bytes(), STANDARD, true))
}

/// What `AUTHENTICATE XOAUTH2` sends, as Google and Microsoft write it down.
pub fn xoauth2(user: &str, token: &str) -> Zeroizing<String> {
    let answer = Zeroizing::new(format!("user={user}\x01auth=Bearer {token}\x01\x01"));
    Zeroizing::new(base64(answer.as_bytes(), STANDARD, true))
}

fn base64(octets: &[u8], alphabet: &[u8; 64], pad: bool) -> String {
    let mut text = String::with_capacity(octets.len().div_ceil(3) * 4);
    for group in octets.chunks(3) {
        let mut bits = [0; 4];
        bits[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(bits);
        for digit in 0..4 {
            if digit <= group.len() {
                text.push(char::from(alphabet[(bits >> (18 - 6 * digit)) as usize & 63]));
            } else if pad {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_string_holds_what_fits_between_quotes() {
        let good = [("", r#""""#), ("a b", r#""a b""#), (r#"a"b\c"#, r#""a\"b\\c""#)];
        for (text, expected) in good {
            assert_eq!(quoted(text).unwrap().as_str(), expected);
        }
        for bad in ["a\r\nA1 LOGOUT", "a\n", "a\0", "密码", "a\x7f"] {
            assert!(quoted(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn folders_are_named_in_modified_utf_7() {
        let names = [
            ("INBOX", r#""INBOX""#),
            ("A&B", r#""A&-B""#),
            ("Work/R\"D", r#""Work/R\"D""#),
            // The examples of RFC 3501 §5.1.3.
            ("~peter/mail/台北/日本語", r#""~peter/mail/&U,BTFw-/&ZeVnLIqe-""#),
            ("☺", r#""&Jjo-""#),
            ("已处理", r#""&XfJZBHQG-""#),
            ("a\r\nb", r#""a&AA0ACg-b""#),
            // Past the first plane, as a pair of surrogates.
            ("𠀀", r#""&2EDcAA-""#),
        ];
        for (name, expected) in names {
            assert_eq!(folder(name), expected);
        }
    }

    #[test]
    fn a_keyword_is_an_atom() {
        for good in ["$Huixin", "huixin", "Done-1", "$MDNSent"] {
            assert!(is_keyword(good), "{good}");
        }
        for bad in ["", "\\Seen", "a b", "a)", "案", "a]", "a\r\n", "*"] {
            assert!(!is_keyword(bad), "{bad:?}");
        }
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let pairs = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
        for (octets, text) in pairs {
            assert_eq!(base64(octets.as_bytes(), STANDARD, true), text);
        }
        assert_eq!(plain("a", "b").as_str(), "AGEAYg==");
        assert_eq!(xoauth2("u@example.com", "t").as_str(), "dXNlcj11QGV4YW1wbGUuY29tAWF1dGg9QmVhcmVyIHQBAQ==");
    }
}
