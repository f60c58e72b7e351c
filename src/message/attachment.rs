//! An attachment: what is said about it, never what is in it. Nothing is unpacked, nothing fetched.

use unicode_normalization::UnicodeNormalization;

use super::text;

/// A part that is not the text of the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// A file name that is safe to show and to store (RFC 2183 §2.3); may be empty.
    pub name: String,
    /// The declared media type in lower case.
    pub media_type: String,
    /// Octets after decoding.
    pub size: usize,
}

/// Octets of a file name: room for a prefix of ours within the 255 of common file systems.
const MAX_NAME: usize = 100;
/// Characters of an extension that survives when a name is cut.
const MAX_EXTENSION: usize = 10;
/// Names that Windows keeps for devices, with or without an extension.
const RESERVED: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// Makes a stranger's file name safe (C10). Invisible characters go first: a zero-width space before
/// `.htaccess` has passed a check that looked for a leading dot, and was gone when the file was written.
pub(super) fn safe_name(written: &str) -> String {
    if written.is_empty() {
        return String::new();
    }
    // NFKC may bring separators to light (U+2044 stays, U+FF0F becomes a slash), so it comes before the cutting.
    let visible: String = written.nfkc().filter(|c| !text::is_invisible(*c)).collect();
    let last = visible.rsplit(['/', '\\']).next().unwrap_or_default();
    // What is left of `C:name` and of NTFS streams; and what shells and file systems forbid.
    let name: String = last
        .chars()
        .map(|c| match c {
            ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
            c if c.is_whitespace() => ' ',
            c => c,
        })
        .collect();
    let name = name.trim_start_matches([' ', '.', '~']).trim_end_matches([' ', '.']);
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let upper = stem.to_ascii_uppercase();
    let device = RESERVED.contains(&upper.as_str())
        || upper
            .strip_prefix("COM")
            .or(upper.strip_prefix("LPT"))
            .is_some_and(|rest| rest.chars().count() == 1 && rest.chars().all(char::is_numeric));
    let name = if device { format!("_{name}") } else { name.to_owned() };
    shorten(&name).trim_end_matches([' ', '.']).to_owned()
}

/// Cuts a name to [`MAX_NAME`] octets and keeps its extension.
fn shorten(name: &str) -> String {
    if name.len() <= MAX_NAME {
        return name.to_owned();
    }
    let extension = name
        .rfind('.')
        .map(|dot| &name[dot..])
        .filter(|extension| extension.len() > 1 && extension.chars().count() <= MAX_EXTENSION)
        .unwrap_or_default();
    let room = MAX_NAME.saturating_sub(extension.len());
    format!("{}{extension}", text::cut(name, room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_file_name_is_made_safe() {
        let cases = [
            ("报告.pdf", "报告.pdf"),
            ("  a  b.txt  ", "a  b.txt"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("\\\\host\\share\\x.doc", "x.doc"),
            ("C:\\temp\\x.doc", "x.doc"),
            ("C:x.doc", "C_x.doc"),
            ("\u{200B}.htaccess", "htaccess"),
            (".\u{200D}htaccess", "htaccess"),
            ("invoice\u{202E}fdp.exe", "invoicefdp.exe"),
            ("a\0b\r\n.txt", "ab.txt"),
            ("ｅｖｉｌ．ｅｘｅ", "evil.exe"),
            ("a／b.txt", "b.txt"),
            ("name. . .", "name"),
            ("...", ""),
            ("", ""),
            ("con", "_con"),
            ("NUL.txt", "_NUL.txt"),
            ("com1.log", "_com1.log"),
            ("COM¹", "_COM1"),
            ("console.txt", "console.txt"),
            ("a<b>|c?.txt", "a_b__c_.txt"),
            ("re\u{301}sume\u{301}.doc", "résumé.doc"),
        ];
        for (written, safe) in cases {
            assert_eq!(safe_name(written), safe, "{written:?}");
        }
        let long = safe_name(&format!("{}.pdf", "长".repeat(400)));
        assert!(long.len() <= MAX_NAME && long.ends_with("长.pdf"), "{long}");
        assert!(safe_name(&"x.".repeat(4_000)).len() <= MAX_NAME);
    }
}
