//! Mail damaged on the way in the few forms that are common and can be put right without guessing.

use std::borrow::Cow;

/// The mail as it was before other programs handled its octets.
pub(super) fn repaired(raw: &[u8]) -> Cow<'_, [u8]> {
    with_parameters_folded(without_mbox_line(raw))
}

/// IMAP never delivers the `From ` line of an mbox file, but people feed such files to the bot.
fn without_mbox_line(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw);
    let is_mbox = raw.starts_with(b"From ") || raw.starts_with(b">From ");
    if !is_mbox {
        return raw;
    }
    memchr::memchr(b'\n', raw).map_or(raw, |end| &raw[end + 1..])
}

/// Mail that went through a text editor has lost the blanks before folded parameters:
/// `Content-Type: multipart/mixed;` and on the next line `boundary="…"`. They are put back.
fn with_parameters_folded(raw: &[u8]) -> Cow<'_, [u8]> {
    const PARAMETERS: [&[u8]; 5] = [b"boundary=", b"charset=", b"name=", b"filename=", b"report-type="];
    let is_lost = |at: &usize| {
        let line = &raw[*at..];
        let begins = |name: &&[u8]| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        PARAMETERS.iter().any(begins) && !raw[..*at].ends_with(b"\n\n") && !raw[..*at].ends_with(b"\n\r\n")
    };
    let lost: Vec<usize> = semicolons(raw).filter_map(|at| line_below(raw, at + 1)).filter(is_lost).collect();
    if lost.is_empty() {
        return Cow::Borrowed(raw);
    }
    let mut folded = Vec::with_capacity(raw.len() + lost.len());
    let mut start = 0;
    for at in lost {
        folded.extend_from_slice(&raw[start..at]);
        folded.push(b' ');
        start = at;
    }
    folded.extend_from_slice(&raw[start..]);
    Cow::Owned(folded)
}

/// The boundary of a multipart that declares none, or another one: the first line that begins with two dashes and
/// has a Content- field below it.
pub(super) fn boundary_inside(body: &[u8]) -> Option<&[u8]> {
    line_starts(body).chain([0]).find_map(|at| {
        let mut lines = body[at..].split(|octet| *octet == b'\n');
        let boundary = lines.next()?.strip_prefix(b"--")?.trim_ascii_end();
        let below = lines.next()?;
        let is_field = below.get(..8)?.eq_ignore_ascii_case(b"content-");
        // RFC 2046 §5.1.1: at most 70 characters.
        let is_boundary =
            (1..=70).contains(&boundary.len()) && boundary.iter().all(|octet| (b' '..=b'~').contains(octet));
        (is_field && is_boundary && !boundary.contains(&b'"') && !boundary.contains(&b'\\')).then_some(boundary)
    })
}

/// Where semicolons stand. In what fills large mails there are none, and a block is seen to have none much faster than
/// octet by octet.
fn semicolons(raw: &[u8]) -> impl Iterator<Item = usize> + '_ {
    const BLOCK: usize = 4_096;
    let blocks = raw.chunks(BLOCK).enumerate().filter(|(_, block)| block.contains(&b';'));
    blocks.flat_map(|(n, block)| {
        let within = block.iter().enumerate().filter(|(_, octet)| **octet == b';');
        within.map(move |(at, _)| n * BLOCK + at)
    })
}

/// Where the text goes on behind blanks, if that is the beginning of a line.
fn line_below(raw: &[u8], from: usize) -> Option<usize> {
    let blanks = raw[from..].iter().take_while(|octet| octet.is_ascii_whitespace()).count();
    raw[from..from + blanks].ends_with(b"\n").then_some(from + blanks)
}

/// Where lines begin, the first left out.
fn line_starts(raw: &[u8]) -> impl Iterator<Item = usize> + '_ {
    memchr::memchr_iter(b'\n', raw).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_of_editors_and_mbox_files_is_undone() {
        let cases = [
            ("From a@b Mon Nov  2\nSubject: x\n\ny", "Subject: x\n\ny"),
            ("\u{FEFF}Subject: x\n\ny", "Subject: x\n\ny"),
            ("From: a@b\n\ny", "From: a@b\n\ny"),
            (
                "Content-Type: text/plain;\r\ncharset=utf-8\r\n\r\ny",
                "Content-Type: text/plain;\r\n charset=utf-8\r\n\r\ny",
            ),
            ("Subject: x;\n\nname=Ann", "Subject: x;\n\nname=Ann"),
            ("Subject: x\nname=Ann\n\ny", "Subject: x\nname=Ann\n\ny"),
        ];
        for (raw, want) in cases {
            assert_eq!(String::from_utf8_lossy(&repaired(raw.as_bytes())), want, "{raw:?}");
        }
    }

    #[test]
    fn a_boundary_is_found_in_the_body() {
        let cases: [(&[u8], Option<&[u8]>); 5] = [
            (b"--b\r\nContent-Type: text/plain\r\n", Some(b"b")),
            (b"preamble\n--b=_1 \ncontent-type: x", Some(b"b=_1")),
            (b"-- \nAnn", None),
            (b"--\nContent-Type: x", None),
            (b"--b", None),
        ];
        for (body, boundary) in cases {
            assert_eq!(boundary_inside(body), boundary);
        }
    }
}
