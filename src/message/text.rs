//! From octets to text: the charset as declared, as meant, or as guessed (C08); line ends, invisible
//! characters, and the soft line breaks of `format=flowed` (RFC 3676).

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252,
};

use super::{Defect, hz};

/// What octets say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) text: String,
    /// What was wrong with the declaration or with the octets.
    pub(super) defect: Option<Defect>,
}

/// The encoding for a charset label; `None` for an unknown one, and for those WHATWG refuses to decode.
pub(super) fn encoding(label: &str) -> Option<&'static Encoding> {
    let label = label.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | ','));
    let label = label.to_ascii_lowercase();
    let found = known(&label)
        .or_else(|| known(&label.replace('_', "-")))
        .or_else(|| known(label.strip_prefix("x-")?))
        .or_else(|| known(label.strip_prefix("charset=")?));
    // Mail labelled `gb2312` or `gbk` uses the characters of GB18030 as a matter of course.
    found.map(|encoding| if encoding == encoding_rs::GBK { GB18030 } else { encoding })
}

fn known(label: &str) -> Option<&'static Encoding> {
    match label {
        "cp932" | "ms932" | "windows-932" | "sjis-win" | "shift-jis" | "cswindows31j" => Some(SHIFT_JIS),
        "cp936" | "ms936" | "windows-936" | "gb-2312" | "gb2312-80" | "gb-18030" | "gb18030-2000" => Some(GB18030),
        "cp949" | "ms949" => Some(EUC_KR),
        "cp950" | "ms950" | "windows-950" | "big5-eten" => Some(BIG5),
        "cp51932" | "eucjp" | "eucjp-win" | "eucjp-ms" => Some(EUC_JP),
        "cp50220" | "cp50221" | "iso-2022-jp-1" | "iso-2022-jp-2" | "iso-2022-jp-3" | "iso-2022-jp-ms" => {
            Some(ISO_2022_JP)
        }
        "utf8mb4" | "utf-8-mac" | "cp65001" => Some(UTF_8),
        "cp-1252" | "ansi" | "latin-1" => Some(WINDOWS_1252),
        label => Encoding::for_label_no_replacement(label.as_bytes()),
    }
}

/// Decodes a text of which `label` is said.
pub(super) fn decode(octets: &[u8], label: Option<&str>) -> Decoded {
    if let Some((encoding, mark)) = Encoding::for_bom(octets) {
        return clean_or_broken(encoding, &octets[mark..], None);
    }
    let declared = label.and_then(encoding);
    let ascii_label = label.is_none_or(|label| label.to_ascii_lowercase().contains("ascii"));
    let unknown = label.is_some() && declared.is_none();
    let seven_bit = octets.is_ascii();
    match declared {
        None if label.is_some_and(is_utf7) => match utf7(octets) {
            Some(text) => clean(text),
            None => guess(octets, Defect::WrongCharset),
        },
        None if label.is_some_and(hz::is_label) => match hz::decode(octets) {
            Some(text) => clean(text),
            None => guess(octets, Defect::WrongCharset),
        },
        _ if seven_bit && !octets.contains(&0x1B) && !is_wide(declared) => Decoded {
            text: String::from_utf8_lossy(octets).into_owned(),
            defect: unknown.then_some(Defect::WrongCharset),
        },
        // `us-ascii` says no more than nothing at all.
        None => guess(octets, guess_defect(unknown)),
        Some(_) if ascii_label => guess(octets, guess_defect(label.is_some())),
        Some(encoding) => decode_declared(octets, encoding),
    }
}

/// RFC 2152, which WHATWG refuses and which Outlook has written.
fn is_utf7(label: &str) -> bool {
    matches!(label.to_ascii_lowercase().as_str(), "utf-7" | "utf7" | "unicode-1-1-utf-7")
}

fn utf7(octets: &[u8]) -> Option<String> {
    let written = std::str::from_utf8(octets).ok().filter(|text| text.is_ascii())?;
    let mut text = String::with_capacity(written.len());
    let mut rest = written;
    while let Some((before, shifted)) = rest.split_once('+') {
        text.push_str(before);
        let end = shifted.find(|c: char| !(c.is_ascii_alphanumeric() || c == '/' || c == '+')).unwrap_or(shifted.len());
        let (mut bits, mut count, mut units) = (0_u32, 0, Vec::new());
        for octet in shifted[..end].bytes() {
            let value = match octet {
                b'A'..=b'Z' => octet - b'A',
                b'a'..=b'z' => octet - b'a' + 26,
                b'0'..=b'9' => octet - b'0' + 52,
                b'+' => 62,
                _ => 63,
            };
            bits = (bits << 6 | u32::from(value)) & 0x3F_FFFF;
            count += 6;
            if count >= 16 {
                count -= 16;
                units.push((bits >> count) as u16);
            }
        }
        rest = &shifted[end..];
        if let Some(after) = rest.strip_prefix('-') {
            text.push_str(if end == 0 { "+" } else { "" });
            rest = after;
        }
        text.push_str(&String::from_utf16(&units).ok()?);
    }
    text.push_str(rest);
    Some(text)
}

fn guess_defect(declared: bool) -> Defect {
    if declared { Defect::WrongCharset } else { Defect::UndeclaredCharset }
}

/// UTF-16 looks like ASCII with NUL octets.
fn is_wide(encoding: Option<&'static Encoding>) -> bool {
    matches!(encoding, Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE)
}

/// Trusts a declaration unless the octets contradict it.
fn decode_declared(octets: &[u8], encoding: &'static Encoding) -> Decoded {
    if encoding == UTF_8 {
        return match std::str::from_utf8(octets) {
            Ok(text) => clean(text.to_owned()),
            // Only the last character is incomplete.
            Err(error) if error.error_len().is_none() && !octets[..error.valid_up_to()].is_ascii() => {
                broken(encoding, octets)
            }
            Err(_) if is_mostly(encoding, octets) => broken(encoding, octets),
            Err(_) => guess(octets, Defect::WrongCharset),
        };
    }
    let utf8 = std::str::from_utf8(octets).ok().filter(|text| !text.is_ascii());
    if encoding.is_single_byte() {
        // Two octets that form UTF-8 by chance are rare, and three or more hardly happen.
        if let Some(text) = utf8 {
            return wrong(text.to_owned());
        }
        if encoding == WINDOWS_1252 && has_long_runs(octets) {
            let (guessed, text) = detect(octets);
            if is_east_asian(guessed) && !text.contains('\u{FFFD}') {
                return wrong(text);
            }
        }
        return clean(convert(encoding, octets).0);
    }
    match convert(encoding, octets) {
        (text, false) => clean(text),
        _ => match utf8 {
            Some(text) => wrong(text.to_owned()),
            None if is_mostly(encoding, octets) => broken(encoding, octets),
            None => match detect(octets) {
                (guessed, text) if is_east_asian(guessed) && !text.contains('\u{FFFD}') => wrong(text),
                _ => broken(encoding, octets),
            },
        },
    }
}

fn clean(text: String) -> Decoded {
    Decoded { text, defect: None }
}

fn wrong(text: String) -> Decoded {
    Decoded { text, defect: Some(Defect::WrongCharset) }
}

fn broken(encoding: &'static Encoding, octets: &[u8]) -> Decoded {
    Decoded { text: convert(encoding, octets).0, defect: Some(Defect::BrokenCharset) }
}

fn clean_or_broken(encoding: &'static Encoding, octets: &[u8], defect: Option<Defect>) -> Decoded {
    let (text, errors) = convert(encoding, octets);
    Decoded { text, defect: if errors { Some(Defect::BrokenCharset) } else { defect } }
}

/// Converts octets; says whether some could not be.
fn convert(encoding: &'static Encoding, octets: &[u8]) -> (String, bool) {
    let octets = if encoding == ISO_2022_JP { without_idle_shifts(octets) } else { Cow::Borrowed(octets) };
    let (text, errors) = encoding.decode_without_bom_handling(&octets);
    (text.into_owned(), errors)
}

/// Drops a shift sequence of ISO-2022-JP that another one follows at once. Two encoded-words put together have
/// them, and WHATWG decoders report them as an error.
fn without_idle_shifts(octets: &[u8]) -> Cow<'_, [u8]> {
    let is_shift =
        |at: usize| octets.get(at..at + 3).is_some_and(|three| three[0] == 0x1B && matches!(three[1], b'(' | b'$'));
    if !(0..octets.len()).any(|at| is_shift(at) && is_shift(at + 3)) {
        return Cow::Borrowed(octets);
    }
    let mut kept = Vec::with_capacity(octets.len());
    let mut at = 0;
    while at < octets.len() {
        if is_shift(at) && is_shift(at + 3) {
            at += 3;
        } else {
            kept.push(octets[at]);
            at += 1;
        }
    }
    Cow::Owned(kept)
}

/// One broken character in fifty: a damaged text, not a text in another charset.
fn is_mostly(encoding: &'static Encoding, octets: &[u8]) -> bool {
    let (text, _) = convert(encoding, octets);
    let broken = text.chars().filter(|c| *c == '\u{FFFD}').count();
    let beyond_ascii = text.chars().filter(|c| !c.is_ascii()).count();
    broken * 50 <= beyond_ascii
}

/// Four octets above 127 in a row: usual in East Asian text, rare in Western European.
fn has_long_runs(octets: &[u8]) -> bool {
    octets.windows(4).any(|four| four.iter().all(|octet| *octet >= 0x80))
}

fn is_east_asian(encoding: &'static Encoding) -> bool {
    [GB18030, encoding_rs::GBK, BIG5, SHIFT_JIS, EUC_JP, EUC_KR, ISO_2022_JP].contains(&encoding)
}

/// Decodes what nothing is (rightly) said about: UTF-8 if it is UTF-8, else what the detector finds.
fn guess(octets: &[u8], defect: Defect) -> Decoded {
    match std::str::from_utf8(octets) {
        Ok(text) if !octets.contains(&0x1B) => Decoded { text: text.to_owned(), defect: Some(defect) },
        _ => {
            let (encoding, _) = detect(octets);
            clean_or_broken(encoding, octets, Some(defect))
        }
    }
}

/// Octets that a charset is guessed from; it shows early, and guessing is slower than reading.
const DETECTED_OCTETS: usize = 64 << 10;

/// No hint of a top-level domain: with `cn` it takes Big5, Shift_JIS and EUC-KR for GBK.
fn detect(octets: &[u8]) -> (&'static Encoding, String) {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    let looked_at = &octets[..octets.len().min(DETECTED_OCTETS)];
    detector.feed(looked_at, looked_at.len() == octets.len());
    let encoding = detector.guess(None, Utf8Detection::Allow);
    let encoding = if encoding == encoding_rs::GBK { GB18030 } else { encoding };
    (encoding, convert(encoding, octets).0)
}

/// Decodes a header field: UTF-8 (RFC 6532), else the charset of the body if the octets fit it, else a guess.
/// Mail programs that write raw octets in a Subject use one charset throughout.
pub(super) fn decode_header(octets: &[u8], body_label: Option<&str>) -> Decoded {
    if let Ok(text) = std::str::from_utf8(octets) {
        if !octets.contains(&0x1B) {
            return clean(text.to_owned());
        }
        // Shift sequences of ISO-2022-JP outside an encoded-word.
        let (text, errors) = convert(ISO_2022_JP, octets);
        return Decoded { text, defect: Some(if errors { Defect::BrokenCharset } else { Defect::RawHeader }) };
    }
    let fitting = body_label
        .and_then(encoding)
        .filter(|encoding| is_east_asian(encoding))
        .map(|encoding| convert(encoding, octets))
        .filter(|(_, errors)| !errors)
        .map(|(text, _)| text);
    let text = fitting.unwrap_or_else(|| detect(octets).1);
    Decoded { text, defect: Some(Defect::RawHeader) }
}

/// The charset an HTML text names itself, looked for where it must stand: in its first kilobyte.
pub(super) fn html_charset(octets: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&octets[..octets.len().min(1_024)]).to_ascii_lowercase();
    let meta = &head[head.find("<meta")?..];
    let label = &meta[meta.find("charset=")? + "charset=".len()..];
    let label = label.trim_start_matches(['"', '\'', ' ']);
    let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).unwrap_or(label.len());
    (end > 0).then(|| label[..end].to_owned())
}

/// Line ends become `\n`; control characters, and marks that turn the reading direction, go.
pub(super) fn tidy(text: &str) -> String {
    // The first octets of all characters below; most of the text is between them, and copied as it is.
    let is_plain = |octet: u8| octet >= b' ' && !matches!(octet, 0x7F | 0xC2 | 0xD8 | 0xE2 | 0xEF);
    let mut tidied = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let plain = rest.bytes().position(|octet| !is_plain(octet)).unwrap_or(rest.len());
        tidied.push_str(&rest[..plain]);
        let mut chars = rest[plain..].chars();
        let Some(c) = chars.next() else {
            return tidied;
        };
        rest = chars.as_str();
        match c {
            '\r' => {
                if !rest.starts_with('\n') {
                    tidied.push('\n');
                }
            }
            '\n' | '\t' => tidied.push(c),
            '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{0C}' => tidied.push('\n'),
            '\u{FEFF}' => {}
            c if c.is_control() || is_bidi(c) => {}
            c => tidied.push(c),
        }
    }
}

/// One line for people and logs: no controls, no tricks with the reading direction, blanks collapsed, at most
/// `most` characters.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let mut line = String::with_capacity(text.len().min(4 * most));
    let (mut count, mut blank) = (0, false);
    for c in text.chars().filter(|c| !is_bidi(*c) && !matches!(c, '\u{FEFF}' | '\u{200B}')) {
        if c.is_control() || c.is_whitespace() {
            blank = count > 0;
            continue;
        }
        if std::mem::take(&mut blank) && count < most {
            line.push(' ');
            count += 1;
        }
        if count >= most {
            break;
        }
        line.push(c);
        count += 1;
    }
    line
}

/// Marks that turn the reading direction (UAX #9): an `exe` can look like a `pdf` with them.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Characters that are not seen: controls, reading direction, zero width, fillers, tags, private use.
pub(super) fn is_invisible(c: char) -> bool {
    c.is_control()
        || is_bidi(c)
        || matches!(
            c,
            '\u{00AD}' | '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200D}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{E000}'..='\u{F8FF}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFD}' | '\u{E0000}'..='\u{E0FFF}'
        )
}

/// The longest beginning of at most `most` octets that ends on a character.
pub(super) fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// Joins the soft line breaks of `format=flowed` (RFC 3676 §4.1): a line that ends in a blank goes on in the
/// next, if that is quoted as deeply; `del_sp` says that the blank itself is not part of the text.
pub(super) fn unflow(text: &str, del_sp: bool) -> String {
    let mut whole = String::with_capacity(text.len());
    // The quote depth of a line that waits for its continuation.
    let mut open: Option<usize> = None;
    for line in text.split('\n') {
        let depth = line.bytes().take_while(|byte| *byte == b'>').count();
        let content = &line[depth..];
        // §4.4: a blank was stuffed before lines that begin with a blank, `>` or `From `.
        let content = content.strip_prefix(' ').unwrap_or(content);
        // §4.3: the signature mark ends in a blank and is no soft break.
        let mark = content == "-- ";
        if open != Some(depth) || mark {
            if open.is_some() {
                whole.push('\n');
            }
            whole.extend(std::iter::repeat_n('>', depth));
            if depth > 0 && !content.is_empty() {
                whole.push(' ');
            }
        }
        let soft = content.ends_with(' ') && !mark;
        whole.push_str(match content.strip_suffix(' ') {
            Some(shorter) if soft && del_sp => shorter,
            _ => content,
        });
        if soft {
            open = Some(depth);
        } else {
            open = None;
            whole.push('\n');
        }
    }
    if open.is_none() {
        whole.pop();
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gbk(text: &str) -> Vec<u8> {
        GB18030.encode(text).0.into_owned()
    }

    #[test]
    fn a_charset_is_believed_unless_the_octets_say_otherwise() {
        let zh = "您好，我的邮件发送失败，请帮忙看一下原因，谢谢。";
        let ja = "お世話になっております。メールが送信できません。";
        let sjis = SHIFT_JIS.encode(ja).0.into_owned();
        let jis = ISO_2022_JP.encode(ja).0.into_owned();
        type Case<'a> = (&'a [u8], Option<&'a str>, &'a str, Option<Defect>);
        let cases: [Case; 16] = [
            (b"plain", None, "plain", None),
            (b"plain", Some("us-ascii"), "plain", None),
            (b"plain", Some("x-nonsense"), "plain", Some(Defect::WrongCharset)),
            (zh.as_bytes(), Some("utf-8"), zh, None),
            (zh.as_bytes(), None, zh, Some(Defect::UndeclaredCharset)),
            (zh.as_bytes(), Some("us-ascii"), zh, Some(Defect::WrongCharset)),
            (zh.as_bytes(), Some("iso-8859-1"), zh, Some(Defect::WrongCharset)),
            (zh.as_bytes(), Some("gb2312"), zh, Some(Defect::WrongCharset)),
            (&gbk(zh), Some("gb2312"), zh, None),
            (&gbk("朱镕基 㐀"), Some("GBK"), "朱镕基 㐀", None),
            (&gbk(zh), Some("utf-8"), zh, Some(Defect::WrongCharset)),
            (&gbk(zh), Some("iso-8859-1"), zh, Some(Defect::WrongCharset)),
            (&gbk(zh), None, zh, Some(Defect::UndeclaredCharset)),
            (&sjis, Some("cp932"), ja, None),
            (&jis, Some("iso-2022-jp"), ja, None),
            (&jis, None, ja, Some(Defect::UndeclaredCharset)),
        ];
        for (octets, label, text, defect) in cases {
            let decoded = decode(octets, label);
            assert_eq!((decoded.text.as_str(), decoded.defect), (text, defect), "{label:?}");
        }
        assert_eq!(decode(b"Fr+APY-sche 1 +- 1", Some("UTF-7")).text, "Frösche 1 + 1");
        let cafe = decode(b"caf\xe9 cr\xe8me", Some("iso-8859-1"));
        assert_eq!((cafe.text.as_str(), cafe.defect), ("café crème", None));
        let cut = decode(&zh.repeat(3).as_bytes()[..zh.len() * 2 + 1], Some("utf-8"));
        assert_eq!(cut.defect, Some(Defect::BrokenCharset), "the last character is cut, no more");
    }

    #[test]
    fn raw_headers_are_guessed() {
        let zh = gbk("邮件被退回");
        assert_eq!(decode_header(&zh, None).text, "邮件被退回");
        assert_eq!(decode_header(&zh, Some("gb2312")).text, "邮件被退回");
        assert_eq!(decode_header("邮件".as_bytes(), Some("gb2312")).defect, None);
        assert_eq!(decode_header(b"R\xe9ponse automatique", None).text, "Réponse automatique");
        let jis = ISO_2022_JP.encode("件名").0.into_owned();
        assert_eq!(decode_header(&jis, None).text, "件名");
    }

    #[test]
    fn flowed_lines_are_joined_at_their_quote_depth() {
        let cases = [
            ("a \nb\nc", false, "a b\nc"),
            ("你好， \n世界", true, "你好，世界"),
            ("> a \n> b\n>> c", false, "> a b\n>> c"),
            ("> a \nb", false, "> a \nb"),
            (" >no quote", false, ">no quote"),
            ("bye\n-- \nAnn", false, "bye\n-- \nAnn"),
            ("a\n\nb\n", false, "a\n\nb\n"),
        ];
        for (flowed, del_sp, text) in cases {
            assert_eq!(unflow(flowed, del_sp), text, "{flowed:?}");
        }
    }

    #[test]
    fn a_line_for_people_has_no_tricks_in_it() {
        assert_eq!(one_line(" a\r\n\tb\0c\u{202E}d  ", 100), "a b cd");
        assert_eq!(one_line("一二三四", 2), "一二");
        assert_eq!(tidy("a\r\nb\rc\u{7}\u{202E}d"), "a\nb\ncd");
        assert_eq!(html_charset(b"<html><META content='text/html; charset=GB2312'>"), Some("gb2312".into()));
        assert_eq!(html_charset(b"<p>charset=x"), None);
    }
}
