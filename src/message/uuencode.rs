//! Files written into the text as mail programs did before MIME, and some robots still do: `begin 644 name`, lines of
//! letters, `end` (POSIX uuencode).
//!
//! Such a block is a file like any attached one, and no word of its sender.

use std::borrow::Cow;

use super::{Attachment, Limits};

/// A text without the files in it; they are added to `files`, up to [`Limits::parts`].
pub(super) fn taken_out<'a>(text: &'a str, limits: &Limits, files: &mut Vec<Attachment>) -> Cow<'a, str> {
    let mut kept = String::new();
    // Up to where the text is kept or left out; from where the next block is looked for.
    let (mut done, mut from) = (0, 0);
    while let Some(found) = text[from..].find("begin ") {
        let at = from + found;
        from = at + "begin ".len();
        if !(at == 0 || text.as_bytes()[at - 1] == b'\n') || files.len() >= limits.parts {
            continue;
        }
        let Some((name, octets, length)) = block(&text[at..]) else { continue };
        files.push(Attachment::new(name, "application/octet-stream", &octets));
        kept.push_str(&text[done..at]);
        (done, from) = (at + length, at + length);
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(&text[done..]);
    Cow::Owned(kept)
}

/// The file that begins here: its name, what is in it, and the length of the block. A block whose end is missing ends
/// with its last line; one without a single line is a sentence that begins so.
fn block(text: &str) -> Option<(&str, Vec<u8>, usize)> {
    let (head, rest) = text.split_once('\n')?;
    let (mode, name) = head.strip_prefix("begin ")?.trim_end_matches('\r').split_once(' ')?;
    if !(3..=4).contains(&mode.len()) || !mode.bytes().all(|digit| (b'0'..=b'7').contains(&digit)) {
        return None;
    }
    let mut octets = Vec::new();
    let mut length = head.len() + 1;
    for line in rest.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        if bare == "end" {
            length += line.len();
            break;
        }
        if decode(bare, &mut octets).is_none() {
            break;
        }
        length += line.len();
    }
    (!octets.is_empty()).then_some((name, octets, length))
}

/// One line: how many octets, and four letters for each three of them. Blanks at the end are often lost on the way.
fn decode(line: &str, octets: &mut Vec<u8>) -> Option<()> {
    let letters = line.as_bytes();
    let value = |letter: u8| (b' '..=b'`').contains(&letter).then(|| (letter - b' ') & 0x3F);
    // The line before `end` counts no octets.
    let count = usize::from(letters.first().map_or(Some(0), |letter| value(*letter))?);
    let letters = letters.get(1..).unwrap_or_default();
    // One letter more is a checksum of some old programs.
    if letters.len() > count.div_ceil(3) * 4 + 1
        || letters.len() < count
        || !letters.iter().all(|l| value(*l).is_some())
    {
        return None;
    }
    let start = octets.len();
    for group in letters.chunks(4) {
        let number = (0..4).fold(0_u32, |number, at| {
            number << 6 | u32::from(group.get(at).and_then(|letter| value(*letter)).unwrap_or(0))
        });
        octets.extend_from_slice(&number.to_be_bytes()[1..]);
    }
    octets.truncate(start + count);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, Vec<(String, usize)>) {
        let mut files = Vec::new();
        let kept = taken_out(text, &Limits::default(), &mut files).into_owned();
        (kept, files.into_iter().map(|file| (file.name, file.size)).collect())
    }

    #[test]
    fn a_file_in_the_text_is_a_file() {
        let (kept, files) = read("Hi,\nbegin 644 cat.txt\n#0V%T\n`\nend\nbye\n");
        assert_eq!((kept.as_str(), files), ("Hi,\nbye\n", vec![("cat.txt".to_owned(), 3)]));
        let (kept, files) = read("begin 0755 ../../报告 1.exe\r\n#0V%T\r\n\r\nend\r\nbegin 644 b\n\"86 \n");
        assert_eq!((kept.as_str(), files.len()), ("", 2));
        assert_eq!(files[0], ("报告 1.exe".to_owned(), 3));
        let mut files = Vec::new();
        let program = "begin 600 invoice.pdf\n%35J0  ,\n \nend\n";
        assert_eq!(taken_out(program, &Limits::default(), &mut files), "");
        assert_eq!(files[0].sniffed, Some("application/vnd.microsoft.portable-executable"));
        assert!(files[0].is_disguised());
    }

    #[test]
    fn a_sentence_that_begins_so_is_a_sentence() {
        for text in [
            "begin 644",
            "begin 644 x",
            "begin 644 people\nwrote to us\n",
            "begin 999 x\n#0V%T\nend\n",
            "begin with this\n#0V%T\nend\n",
            "> begin 644 x\n> #0V%T\n> end\n",
            "we begin 644 x\n#0V%T\nend\n",
            "begin 644 x\nend\n",
            "",
        ] {
            assert_eq!(read(text), (text.to_owned(), Vec::new()), "{text:?}");
        }
        let many = "begin 644 x\n#0V%T\n".repeat(2_000);
        assert_eq!(read(&many).1.len(), Limits::default().parts);
    }
}
