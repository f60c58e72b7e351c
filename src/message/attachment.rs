//! An attachment: what is said about it and how it begins. Nothing is unpacked, nothing fetched.

use unicode_normalization::UnicodeNormalization;

use super::{sniff, text};
use crate::ids::FileHash;

/// A part that is not the text of the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// A file name that is safe to show and to store (RFC 2183 §2.3); may be empty.
    pub name: String,
    /// Further names that the same part is given, made safe too: what another mail program may call it.
    pub other_names: Vec<String>,
    /// The declared media type in lower case.
    pub media_type: String,
    /// Octets after decoding.
    pub size: usize,
    /// The media type by its first octets; none for texts and for what is not known.
    pub sniffed: Option<&'static str>,
    pub hash: FileHash,
    /// What stands in it, where it is plain text: a log, a table. The beginning, at most [`MAX_TEXT`] octets of it.
    pub text: String,
}

impl Attachment {
    /// `octets` are the decoded ones, `name` any name a stranger gave.
    pub fn new(name: &str, media_type: &str, octets: &[u8]) -> Attachment {
        Attachment::named(&[name.to_owned()], media_type, octets)
    }

    /// The same with all names it was given, the one that people see first.
    pub(super) fn named(names: &[String], media_type: &str, octets: &[u8]) -> Attachment {
        let mut safe = names.iter().map(|name| safe_name(name));
        let name = safe.next().unwrap_or_default();
        let mut other_names: Vec<String> = safe.filter(|other| *other != name).collect();
        other_names.dedup();
        let text = plain_text(&name, media_type, octets);
        Attachment {
            name,
            other_names,
            media_type: media_type.to_owned(),
            size: octets.len(),
            sniffed: sniff::sniff(octets),
            hash: FileHash::of(octets),
            text,
        }
    }

    /// All its names, the one that people see first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.other_names).map(String::as_str)
    }

    /// Does a name promise another kind of file than it is?
    pub fn is_disguised(&self) -> bool {
        self.sniffed.is_some_and(|sniffed| self.names().any(|name| sniff::contradicts(sniffed, name)))
    }
}

/// Octets of an attachment that are read as text: a log says at its beginning what it is about, and rules look at no
/// more of any text.
const MAX_TEXT: usize = 64 * 1024;
/// What is read as text, by media type or by the ending of the name; text/html and scripts are not.
const TEXT_TYPES: [&str; 4] = ["text/plain", "text/csv", "text/tab-separated-values", "text/x-log"];
const TEXT_ENDINGS: [&str; 5] = [".txt", ".log", ".csv", ".tsv", ".out"];

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

/// The text of an attachment that is nothing but text; no charset is declared that one could believe.
fn plain_text(name: &str, media_type: &str, octets: &[u8]) -> String {
    let name = name.to_ascii_lowercase();
    let is_text = TEXT_TYPES.contains(&media_type) || TEXT_ENDINGS.iter().any(|ending| name.ends_with(ending));
    // A text has no null octets, but for UTF-16, whose byte order mark is looked at by `decode`.
    let is_wide = octets.starts_with(&[0xFF, 0xFE]) || octets.starts_with(&[0xFE, 0xFF]);
    let octets = match octets.get(..MAX_TEXT) {
        // Cut at a line: half a character at the end would speak against every charset.
        Some(begin) => &begin[..begin.iter().rposition(|octet| *octet == b'\n').map_or(MAX_TEXT, |end| end + 1)],
        None => octets,
    };
    if !is_text || sniff::sniff(octets).is_some() || (octets.contains(&0) && !is_wide) {
        return String::new();
    }
    text::cut(&text::tidy(&text::decode(octets, None).text), MAX_TEXT).to_owned()
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
