//! `winmail.dat` ([MS-OXTNEF]): the text and the files that Outlook puts into one block where it takes the receiver
//! for another Outlook.
//!
//! A TNEF stream is a row of attributes, each with its length and a checksum; the text and the name of a file may stand
//! in a list of MAPI properties inside one of them. One pass reads what we ask for and steps over the rest. A wrong
//! checksum is a defect and no more; a length beyond the end takes what there is. A mail that is enclosed as a file is
//! listed as one and not opened.

use std::borrow::Cow;

use super::{Attachment, Limits, rtf, text};

/// What lies in a `winmail.dat`.
#[derive(Debug, Default)]
pub(super) struct Enclosed {
    pub(super) text: Option<Text>,
    pub(super) files: Vec<Attachment>,
    /// A wrong checksum, a length that cannot be, an end before its time.
    pub(super) damaged: bool,
    /// More files than [`Limits::parts`].
    pub(super) too_many: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    Plain(String),
    Html(String),
}

/// How every stream begins (§2.1.3.1).
const SIGNATURE: [u8; 4] = [0x78, 0x9F, 0x3E, 0x22];

/// The attributes that are asked for, by the lower half of their numbers (§2.1.3.2).
mod attribute {
    pub const BODY: u16 = 0x800C;
    pub const ATTACH_DATA: u16 = 0x800F;
    pub const ATTACH_TITLE: u16 = 0x8010;
    pub const ATTACH_RENDER_DATA: u16 = 0x9002;
    pub const MAPI_PROPERTIES: u16 = 0x9003;
    pub const ATTACHMENT: u16 = 0x9005;
    pub const OEM_CODE_PAGE: u16 = 0x9007;
}

/// The properties that are asked for ([MS-OXPROPS]).
mod property {
    pub const BODY: u16 = 0x1000;
    pub const RTF_COMPRESSED: u16 = 0x1009;
    pub const HTML: u16 = 0x1013;
    pub const DISPLAY_NAME: u16 = 0x3001;
    pub const ATTACH_DATA: u16 = 0x3701;
    pub const ATTACH_FILE_NAME: u16 = 0x3704;
    pub const ATTACH_LONG_FILE_NAME: u16 = 0x3707;
    pub const ATTACH_MIME_TAG: u16 = 0x370E;
    pub const INTERNET_CODE_PAGE: u16 = 0x3FDE;
}

/// Octets of a name that is looked at; longer ones are cut anyway.
const MOST_NAME: usize = 1_024;

/// Octets of RTF: Word writes many times what a text has.
const MOST_RTF: usize = 4 << 20;

/// Does a stream begin here?
pub(super) fn is_tnef(octets: &[u8]) -> bool {
    octets.starts_with(&SIGNATURE)
}

/// Reads a stream as far as it can be read.
pub(super) fn open(octets: &[u8], limits: &Limits) -> Enclosed {
    let mut reader = Reader { limits, sheet: Sheet::default(), file: None, enclosed: Enclosed::default() };
    if is_tnef(octets) {
        // A key of two octets follows the signature; nobody has a use for it.
        reader.attributes(octets.get(6..).unwrap_or_default());
    } else {
        reader.enclosed.damaged = true;
    }
    reader.finish()
}

struct Reader<'a> {
    limits: &'a Limits,
    sheet: Sheet<'a>,
    file: Option<File<'a>>,
    enclosed: Enclosed,
}

/// The mail itself, as far as it has been read.
#[derive(Default)]
struct Sheet<'a> {
    code_page: Option<u32>,
    internet_code_page: Option<u32>,
    /// attBody, in the code page of the writer.
    plain: Option<&'a [u8]>,
    body: Option<Value<'a>>,
    html: Option<Value<'a>>,
    rtf: Option<&'a [u8]>,
}

/// The file whose attributes are being read.
#[derive(Default)]
struct File<'a> {
    title: Option<&'a [u8]>,
    octets: Option<&'a [u8]>,
    long_name: Option<Value<'a>>,
    name: Option<Value<'a>>,
    display_name: Option<Value<'a>>,
    media_type: Option<Value<'a>>,
    /// An enclosed mail or OLE object; the interface it speaks stands before it.
    object: Option<&'a [u8]>,
}

/// A text or some octets in a property.
#[derive(Debug, Clone, Copy)]
struct Value<'a> {
    wide: bool,
    octets: &'a [u8],
}

impl<'a> Reader<'a> {
    /// §2.1.1: level, number, length, content and checksum.
    fn attributes(&mut self, mut rest: &'a [u8]) {
        while !rest.is_empty() {
            let (Some([_level, number_low, number_high, ..]), Some(length)) = (rest.get(..4), u32_at(rest, 5)) else {
                self.enclosed.damaged = true;
                return;
            };
            let number = u16::from_le_bytes([*number_low, *number_high]);
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let content = &rest[9..];
            let (content, after) = content.split_at_checked(length).unwrap_or((content, &[]));
            let sum = content.iter().fold(0_u16, |sum, octet| sum.wrapping_add(u16::from(*octet)));
            self.enclosed.damaged |= content.len() < length || u16_at(after, 0) != Some(sum);
            self.attribute(number, content);
            rest = after.get(2..).unwrap_or_default();
        }
    }

    fn attribute(&mut self, number: u16, content: &'a [u8]) {
        // Whatever of a file stands before the attribute that begins one begins one too.
        let in_file = matches!(number, attribute::ATTACH_DATA | attribute::ATTACH_TITLE | attribute::ATTACHMENT);
        if number == attribute::ATTACH_RENDER_DATA {
            self.end_file();
        }
        if in_file || number == attribute::ATTACH_RENDER_DATA {
            self.file.get_or_insert_default();
        }
        match (number, &mut self.file) {
            (attribute::OEM_CODE_PAGE, _) => self.sheet.code_page = u32_at(content, 0),
            (attribute::BODY, _) => self.sheet.plain = Some(content),
            (attribute::MAPI_PROPERTIES, _) => self.properties(content),
            (attribute::ATTACHMENT, _) => self.properties_of_file(content),
            (attribute::ATTACH_DATA, Some(file)) => file.octets = Some(content),
            (attribute::ATTACH_TITLE, Some(file)) => file.title = Some(content),
            _ => {}
        }
    }

    fn properties(&mut self, content: &'a [u8]) {
        let sheet = &mut self.sheet;
        let whole = properties(content, |number, value| match number {
            property::BODY => sheet.body = Some(value),
            property::HTML => sheet.html = Some(value),
            property::RTF_COMPRESSED => sheet.rtf = Some(value.octets),
            property::INTERNET_CODE_PAGE => sheet.internet_code_page = u32_at(value.octets, 0),
            _ => {}
        });
        self.enclosed.damaged |= !whole;
    }

    fn properties_of_file(&mut self, content: &'a [u8]) {
        let Some(file) = &mut self.file else { return };
        let whole = properties(content, |number, value| match number {
            property::ATTACH_LONG_FILE_NAME => file.long_name = Some(value),
            property::ATTACH_FILE_NAME => file.name = Some(value),
            property::DISPLAY_NAME => file.display_name = Some(value),
            property::ATTACH_MIME_TAG => file.media_type = Some(value),
            property::ATTACH_DATA => file.object = value.octets.get(INTERFACE..),
            _ => {}
        });
        self.enclosed.damaged |= !whole;
    }

    fn end_file(&mut self) {
        let Some(file) = self.file.take() else { return };
        if self.enclosed.files.len() >= self.limits.parts {
            self.enclosed.too_many = true;
            return;
        }
        let octets = file.octets.or(file.object).unwrap_or_default();
        let name = [file.long_name, file.title.map(Value::narrow), file.name, file.display_name]
            .into_iter()
            .flatten()
            .map(|value| value.cut(MOST_NAME).text(self.sheet.code_page))
            .find(|name| !name.trim().is_empty())
            .unwrap_or_default();
        let media_type = match file.media_type {
            Some(value) => value.cut(MOST_NAME).text(self.sheet.code_page).trim().to_ascii_lowercase(),
            None if is_tnef(octets) => "application/ms-tnef".to_owned(),
            None => "application/octet-stream".to_owned(),
        };
        self.enclosed.files.push(Attachment::new(&name, &text::one_line(&media_type, 100), octets));
    }

    /// The text in the form that says most about itself: as written, else made of markup.
    fn finish(mut self) -> Enclosed {
        self.end_file();
        let (sheet, limits) = (&self.sheet, self.limits);
        // No charset in use needs more than two octets for what is one octet in UTF-8.
        let plain = |value: Value<'a>| value.cut(2 * limits.text + 4).text(sheet.code_page);
        let is_said = |text: &String| !text.trim().is_empty();
        self.enclosed.text = (sheet.body.map(plain).filter(is_said))
            .or_else(|| sheet.plain.map(Value::narrow).map(plain).filter(is_said))
            .map(Text::Plain)
            .or_else(|| {
                let html = sheet.html?.cut(2 * limits.html + 4).text(sheet.internet_code_page.or(sheet.code_page));
                Some(Text::Html(html)).filter(|_| !sheet.html.is_some_and(|html| html.octets.is_empty()))
            })
            .or_else(|| {
                let rtf = rtf::decompressed(sheet.rtf?, MOST_RTF);
                self.enclosed.damaged |= rtf.is_none();
                Some(rtf::text(&rtf?, limits.text)).filter(is_said).map(Text::Plain)
            });
        self.enclosed
    }
}

impl<'a> Value<'a> {
    fn narrow(octets: &'a [u8]) -> Value<'a> {
        Value { wide: false, octets }
    }

    fn cut(self, most: usize) -> Value<'a> {
        Value { octets: &self.octets[..self.octets.len().min(most)], ..self }
    }

    /// As text, without the zero at its end.
    fn text(self, code_page: Option<u32>) -> String {
        if self.wide {
            let units: Vec<u16> = self.octets.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
            let text = String::from_utf16_lossy(&units);
            return text.trim_end_matches('\0').to_owned();
        }
        let end = self.octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
        text::decode(&self.octets[..end], code_page.map(charset).as_deref()).text
    }
}

/// The name of a Windows code page that [`text::encoding`] knows.
pub(super) fn charset(code_page: u32) -> Cow<'static, str> {
    match code_page {
        1200 => "utf-16le".into(),
        1250..=1258 | 874 => format!("windows-{code_page}").into(),
        10_000 => "macintosh".into(),
        20_127 => "us-ascii".into(),
        20_866 => "koi8-r".into(),
        20_932 => "euc-jp".into(),
        21_866 => "koi8-u".into(),
        28_591..=28_606 => format!("iso-8859-{}", code_page - 28_590).into(),
        50_220..=50_222 => "iso-2022-jp".into(),
        51_949 => "euc-kr".into(),
        54_936 => "gb18030".into(),
        other => format!("cp{other}").into(),
    }
}

/// Octets of the interface identifier before an object.
const INTERFACE: usize = 16;

/// Calls `found` for each property with one value (§2.1.3.4); says whether the list could be read to its end.
fn properties<'a>(content: &'a [u8], mut found: impl FnMut(u16, Value<'a>)) -> bool {
    let Some(count) = u32_at(content, 0) else { return false };
    let mut rest = &content[4..];
    // Each takes at least eight octets, so the count cannot keep us longer than the content.
    for _ in 0..count {
        let Some(after) = property(rest, &mut found) else { return false };
        rest = after;
    }
    true
}

/// One property; what follows it.
fn property<'a>(octets: &'a [u8], found: &mut impl FnMut(u16, Value<'a>)) -> Option<&'a [u8]> {
    const SEVERAL: u16 = 0x1000;
    const OBJECT: u16 = 0x0D;
    const TEXT: u16 = 0x1E;
    const WIDE_TEXT: u16 = 0x1F;
    const BINARY: u16 = 0x102;
    let (kind, number) = (u16_at(octets, 0)?, u16_at(octets, 2)?);
    let rest = octets.get(4..)?;
    let rest = if number >= 0x8000 { without_name(rest)? } else { rest };
    let width = match kind & !SEVERAL {
        // Numbers of two and four octets, both with room for four.
        0x01..=0x04 | 0x0A | 0x0B => 4,
        0x05..=0x07 | 0x14 | 0x40 => 8,
        0x48 => 16,
        OBJECT | TEXT | WIDE_TEXT | BINARY => return lengthy(kind, number, rest, found),
        _ => return None,
    };
    if kind & SEVERAL == 0 {
        let (octets, rest) = rest.split_at_checked(width)?;
        found(number, Value::narrow(octets));
        return Some(rest);
    }
    let several = usize::try_from(u32_at(rest, 0)?).ok()?.checked_mul(width)?;
    rest.get(4..)?.get(several..)
}

/// Values of any length, counted even where there can be only one.
fn lengthy<'a>(kind: u16, number: u16, octets: &'a [u8], found: &mut impl FnMut(u16, Value<'a>)) -> Option<&'a [u8]> {
    let count = u32_at(octets, 0)?;
    let mut rest = octets.get(4..)?;
    for _ in 0..count {
        let length = usize::try_from(u32_at(rest, 0)?).ok()?;
        let value = rest.get(4..)?;
        let (value, after) = match value.split_at_checked(length) {
            Some(parts) => parts,
            None => {
                // Cut short: what there is may be most of the text.
                found(number, Value { wide: kind & 0xFF == 0x1F, octets: value });
                return None;
            }
        };
        found(number, Value { wide: kind & 0xFF == 0x1F, octets: value });
        rest = after.get(padding(length)..).unwrap_or_default();
    }
    Some(rest)
}

/// A property of a number above 0x8000 carries the name that explains the number.
fn without_name(octets: &[u8]) -> Option<&[u8]> {
    const BY_NUMBER: u32 = 0;
    let rest = octets.get(16..)?;
    if u32_at(rest, 0)? == BY_NUMBER {
        return rest.get(8..);
    }
    let length = usize::try_from(u32_at(rest, 4)?).ok()?;
    rest.get(8..)?.get(length.checked_add(padding(length))?..)
}

/// Octets up to the next multiple of four.
fn padding(length: usize) -> usize {
    length.wrapping_neg() % 4
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    let two = octets.get(at..at + 2)?;
    Some(u16::from_le_bytes([two[0], two[1]]))
}

fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    let four = octets.get(at..at + 4)?;
    Some(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(level: u8, number: u16, content: &[u8]) -> Vec<u8> {
        let sum = content.iter().fold(0_u16, |sum, octet| sum.wrapping_add(u16::from(*octet)));
        let mut octets = vec![level];
        octets.extend(number.to_le_bytes());
        octets.extend([0, 0]);
        octets.extend((content.len() as u32).to_le_bytes());
        octets.extend_from_slice(content);
        octets.extend(sum.to_le_bytes());
        octets
    }

    fn stream(attributes: &[Vec<u8>]) -> Vec<u8> {
        [SIGNATURE.to_vec(), vec![1, 0], attributes.concat()].concat()
    }

    fn lengthy_property(kind: u16, number: u16, value: &[u8]) -> Vec<u8> {
        let mut octets = [kind.to_le_bytes(), number.to_le_bytes()].concat();
        octets.extend(1_u32.to_le_bytes());
        octets.extend((value.len() as u32).to_le_bytes());
        octets.extend_from_slice(value);
        octets.resize(octets.len() + padding(value.len()), 0);
        octets
    }

    fn list(properties: &[Vec<u8>]) -> Vec<u8> {
        [(properties.len() as u32).to_le_bytes().to_vec(), properties.concat()].concat()
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    }

    fn gbk(text: &str) -> Vec<u8> {
        encoding_rs::GBK.encode(text).0.into_owned()
    }

    /// A mail in Chinese with two files, each named in its own way, and a property with a name before the text.
    fn sample() -> Vec<u8> {
        let named = [vec![3, 0, 0x05, 0x80], vec![7; 16], 1_u32.to_le_bytes().to_vec(), 6_u32.to_le_bytes().to_vec()];
        let named = [named.concat(), wide("ab"), vec![0, 0], 9_u32.to_le_bytes().to_vec()].concat();
        let several = [vec![3, 0x10, 0x10, 0x30], 2_u32.to_le_bytes().to_vec(), vec![0; 8]].concat();
        let text = lengthy_property(0x1F, property::BODY, &wide("请看附件。\r\n"));
        let long = lengthy_property(0x1F, property::ATTACH_LONG_FILE_NAME, &wide("..\\报价单.pdf"));
        let mime = lengthy_property(0x1E, property::ATTACH_MIME_TAG, b"Application/PDF\0");
        stream(&[
            attribute(1, attribute::OEM_CODE_PAGE, &936_u64.to_le_bytes()),
            attribute(1, attribute::BODY, &gbk("您好\0")),
            attribute(1, attribute::MAPI_PROPERTIES, &list(&[named, several, text])),
            attribute(2, attribute::ATTACH_RENDER_DATA, &[0; 14]),
            attribute(2, attribute::ATTACH_TITLE, b"QUOTE~1.PDF\0"),
            attribute(2, attribute::ATTACH_DATA, b"%PDF-1.7"),
            attribute(2, attribute::ATTACHMENT, &list(&[long, mime])),
            attribute(2, attribute::ATTACH_RENDER_DATA, &[0; 14]),
            attribute(2, attribute::ATTACH_TITLE, &gbk("说明.txt\0")),
            attribute(2, attribute::ATTACH_DATA, b"x"),
        ])
    }

    fn told(enclosed: &Enclosed) -> Vec<(&str, &str, usize)> {
        enclosed.files.iter().map(|file| (file.name.as_str(), file.media_type.as_str(), file.size)).collect()
    }

    #[test]
    fn the_text_and_the_files_of_outlook_are_read() {
        let enclosed = open(&sample(), &Limits::default());
        assert_eq!(enclosed.text, Some(Text::Plain("请看附件。\r\n".into())));
        let files = [("报价单.pdf", "application/pdf", 8), ("说明.txt", "application/octet-stream", 1)];
        assert_eq!(told(&enclosed), files);
        assert_eq!(enclosed.files[0].sniffed, Some("application/pdf"));
        assert!(!enclosed.damaged && !enclosed.too_many);
    }

    #[test]
    fn the_text_is_taken_in_the_form_that_there_is() {
        let page = attribute(1, attribute::OEM_CODE_PAGE, &936_u64.to_le_bytes());
        let with = |property: Vec<u8>| {
            let stream = stream(&[page.clone(), attribute(1, attribute::MAPI_PROPERTIES, &list(&[property]))]);
            open(&stream, &Limits::default()).text
        };
        let plain = stream(&[page.clone(), attribute(1, attribute::BODY, &gbk("您好\0\0"))]);
        assert_eq!(open(&plain, &Limits::default()).text, Some(Text::Plain("您好".into())));
        assert_eq!(with(lengthy_property(0x1E, property::BODY, &gbk("您好"))), Some(Text::Plain("您好".into())));
        let html = with(lengthy_property(0x102, property::HTML, &gbk("<p>您好</p>")));
        assert_eq!(html, Some(Text::Html("<p>您好</p>".into())));
        let rtf = rtf::stored(br"{\rtf1\ansi\ansicpg936 \'c4\'fa\'ba\'c3\par}");
        assert_eq!(with(lengthy_property(0x102, property::RTF_COMPRESSED, &rtf)), Some(Text::Plain("您好\n".into())));
        assert_eq!(with(lengthy_property(0x1E, property::BODY, b" \r\n\0")), None);
    }

    #[test]
    fn damage_costs_what_is_damaged_and_no_more() {
        let whole = sample();
        let mut wrong_sum = whole.clone();
        let at = whole.len() - 2;
        wrong_sum[at] ^= 1;
        let enclosed = open(&wrong_sum, &Limits::default());
        assert!(enclosed.damaged);
        assert_eq!(enclosed.files.len(), 2);
        for end in 0..whole.len() {
            open(&whole[..end], &Limits::default());
            let mut flipped = whole.clone();
            flipped[end] ^= 0xFF;
            open(&flipped, &Limits::default());
        }
        let cut = open(&whole[..whole.len() - 3], &Limits::default());
        assert!(cut.damaged && cut.files.len() == 2, "{cut:?}");
        assert!(open(b"no such thing", &Limits::default()).damaged);
    }

    #[test]
    fn an_enclosed_mail_is_a_file_and_files_have_a_limit() {
        let inner = [vec![9; INTERFACE], sample()].concat();
        let mail = list(&[
            lengthy_property(0x0D, property::ATTACH_DATA, &inner),
            lengthy_property(0x1F, property::DISPLAY_NAME, &wide("Re: 报价")),
        ]);
        let file = [attribute(2, attribute::ATTACH_RENDER_DATA, &[]), attribute(2, attribute::ATTACHMENT, &mail)];
        let enclosed = open(&stream(&file), &Limits::default());
        assert_eq!(told(&enclosed), [("Re_ 报价", "application/ms-tnef", sample().len())]);
        let many = vec![attribute(2, attribute::ATTACH_RENDER_DATA, &[]); 11];
        let enclosed = open(&stream(&many), &Limits { parts: 10, ..Limits::default() });
        assert!(enclosed.too_many && enclosed.files.len() == 10);
    }
}
