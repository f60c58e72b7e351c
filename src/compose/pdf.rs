//! A text as a PDF: lines on pages of A4, in any script, with no font in the file.
//!
//! The fonts are those that every reader brings, named and not embedded: for Chinese and Japanese (ISO 32000-1 §9.7.5.2:
//! the predefined CMaps UniGB-UTF16-H and UniJIS-UTF16-H take UTF-16 as it is), and Courier for Latin letters (§9.6.2.2),
//! of which the others lack é, ß and many more. So the file is small, and its text can be searched and copied.

use encoding_rs::{Encoding, GBK, SHIFT_JIS, WINDOWS_1252};
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo};
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

use crate::language::Language;

/// A4 in points.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 56.0;
const SIZE: f32 = 10.5;
const LEADING: f32 = 16.0;
/// Half widths in a line: a Chinese character is two, a Latin one is one.
const COLUMNS: usize = ((PAGE.0 - 2.0 * MARGIN) / SIZE * 2.0) as usize;
const LINES: usize = ((PAGE.1 - 2.0 * MARGIN) / LEADING) as usize;

/// A letter of Courier is 0.6 of the size wide; at this one it is half as wide as a Chinese character.
const LATIN_SIZE: f32 = SIZE * 0.5 / 0.6;

/// A font that readers bring for Chinese or Japanese: its names, its collection, which of its characters are half as wide,
/// a code that has most of what it has, and from where to where it has what the code has not.
struct Face {
    name: Name<'static>,
    font: &'static [u8],
    cmap: &'static [u8],
    ordering: &'static [u8],
    supplement: i32,
    half: &'static [(u16, u16)],
    code: &'static Encoding,
    more: &'static [(char, char)],
}

const LATIN: Name<'static> = Name(b"L");

static SONG: Face = Face {
    name: Name(b"C"),
    font: b"STSong-Light",
    cmap: b"UniGB-UTF16-H",
    ordering: b"GB1",
    supplement: 5,
    half: &[(1, 95), (814, 939)],
    code: GBK,
    more: &[],
};

static MINCHO: Face = Face {
    name: Name(b"J"),
    font: b"HeiseiMin-W3",
    cmap: b"UniJIS-UTF16-H",
    ordering: b"Japan1",
    supplement: 6,
    half: &[(1, 230), (231, 632)],
    code: SHIFT_JIS,
    // Latin letters with marks, of which GBK has those of pinyin alone.
    more: &[('\u{100}', '\u{24f}')],
};

/// The text as a document of this title. The same text gives the same bytes.
pub fn pdf(title: &str, text: &str, language: Language) -> Vec<u8> {
    let lines: Vec<String> = text.lines().flat_map(wrapped).collect();
    let pages: Vec<&[String]> = lines.chunks(LINES).collect();
    let (catalog, tree, info, latin) = (Ref::new(1), Ref::new(2), Ref::new(3), Ref::new(4));
    let fonts = [(&SONG, Ref::new(5)), (&MINCHO, Ref::new(8))];
    let page_id = |at: usize| Ref::new(11 + 2 * at as i32);
    let content_id = |at: usize| Ref::new(12 + 2 * at as i32);

    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    pdf.document_info(info).title(TextStr(title));
    pdf.pages(tree).kids((0..pages.len()).map(page_id)).count(pages.len() as i32);
    pdf.type1_font(latin).base_font(Name(b"Courier")).encoding_predefined(Name(b"WinAnsiEncoding"));
    for (face, id) in fonts {
        face.describe(&mut pdf, id);
    }
    for (at, page) in pages.iter().enumerate() {
        let mut written = pdf.page(page_id(at));
        written.media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).parent(tree).contents(content_id(at));
        let mut resources = written.resources();
        let mut named = resources.fonts();
        named.pair(LATIN, latin);
        for (face, id) in fonts {
            named.pair(face.name, id);
        }
        named.finish();
        resources.finish();
        written.finish();
        pdf.stream(content_id(at), &shown(page, language));
    }
    pdf.finish()
}

impl Face {
    /// Writes the font as the objects from `id` to two behind it.
    fn describe(&self, pdf: &mut Pdf, id: Ref) {
        let (cid_font, descriptor) = (Ref::new(id.get() + 1), Ref::new(id.get() + 2));
        pdf.type0_font(id).base_font(Name(self.font)).encoding_predefined(Name(self.cmap)).descendant_font(cid_font);
        let collection =
            SystemInfo { registry: Str(b"Adobe"), ordering: Str(self.ordering), supplement: self.supplement };
        let mut cid = pdf.cid_font(cid_font);
        cid.subtype(CidFontType::Type0).base_font(Name(self.font)).system_info(collection).font_descriptor(descriptor);
        cid.default_width(1000.0);
        let mut widths = cid.widths();
        for (first, last) in self.half {
            widths.same(*first, *last, 500.0);
        }
        widths.finish();
        cid.finish();
        // ISO 32000-1 §9.8: of a font that is not in the file these tell the reader what to put in its place.
        pdf.font_descriptor(descriptor)
            .name(Name(self.font))
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(-25.0, -254.0, 1000.0, 880.0))
            .italic_angle(0.0)
            .ascent(880.0)
            .descent(-120.0)
            .cap_height(880.0)
            .stem_v(93.0);
    }

    /// The one that has this character, best that of the language.
    fn of(c: char, language: Language) -> &'static Face {
        let faces = if language == Language::Ja { [&MINCHO, &SONG] } else { [&SONG, &MINCHO] };
        faces.into_iter().find(|face| face.has(c)).unwrap_or(faces[0])
    }

    fn has(&self, c: char) -> bool {
        has(self.code, c) || self.more.iter().any(|(first, last)| (*first..=*last).contains(&c))
    }
}

fn has(code: &'static Encoding, c: char) -> bool {
    !code.encode(c.encode_utf8(&mut [0; 4])).2
}

/// The lines of a page, one below the other.
fn shown(lines: &[String], language: Language) -> Vec<u8> {
    let mut content = Content::new();
    content.begin_text().set_leading(LEADING).next_line(MARGIN, PAGE.1 - MARGIN - SIZE);
    for line in lines {
        let among_wide = has_wide(line);
        let font = |c: char| match is_latin(c, among_wide) {
            true => LATIN,
            false => Face::of(c, language).name,
        };
        let letters: Vec<char> = line.chars().collect();
        for run in letters.chunk_by(|one, next| font(*one) == font(*next)) {
            let text: String = run.iter().collect();
            match font(run[0]) {
                LATIN => content.set_font(LATIN, LATIN_SIZE).show(Str(&WINDOWS_1252.encode(&text).0)),
                name => {
                    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
                    content.set_font(name, SIZE).show(Str(&utf16))
                }
            };
        }
        content.next_line_using_leading();
    }
    content.end_text();
    content.finish().to_vec()
}

/// Is it written in Courier? Quotation marks, dashes and dots are as wide as the letters around them.
fn is_latin(c: char, among_wide: bool) -> bool {
    c.is_ascii() || has(WINDOWS_1252, c) && (c.is_alphabetic() || !among_wide || !has(GBK, c))
}

/// Is there in the line what is as wide as a Chinese character: one of these, a kana, Hangul, their marks, a full-width form?
fn has_wide(line: &str) -> bool {
    line.chars().any(|c| matches!(c, '\u{2e80}'..='\u{ff60}' | '\u{20000}'..='\u{3ffff}'))
}

/// What no line begins with: it stands in the margin behind the line before (GB/T 15834, JIS X 4051).
const CLOSING: &str = "。，、；：！？）」』】〉》”’．";
/// What no line ends with.
const OPENING: &str = "（「『【〈《“‘";

/// A line in pieces that fit into the page; an empty one is one piece. Latin words are kept whole where they fit.
fn wrapped(line: &str) -> Vec<String> {
    let (mut pieces, mut piece, mut width) = (Vec::new(), String::new(), 0);
    let among_wide = has_wide(line);
    let is_half = |c: char| is_latin(c, among_wide) || ('\u{ff61}'..='\u{ff9f}').contains(&c);
    for c in line.chars() {
        let wide = if is_half(c) { 1 } else { 2 };
        let hangs = CLOSING.contains(c) && width <= COLUMNS + 4;
        if width + wide > COLUMNS && !hangs {
            let break_at = match piece.char_indices().next_back() {
                Some((at, last)) if at > 0 && OPENING.contains(last) => Some(at),
                _ => piece.rfind(' ').filter(|at| is_half(c) && c != ' ' && *at > piece.len() / 2),
            };
            let rest = break_at.map(|at| piece.split_off(at).trim_start().to_owned()).unwrap_or_default();
            pieces.push(std::mem::replace(&mut piece, rest));
            width = piece.chars().map(|c| if is_half(c) { 1 } else { 2 }).sum();
        }
        piece.push(c);
        width += wide;
    }
    pieces.push(piece);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_wrapped_by_what_they_are_wide() {
        assert_eq!(wrapped(""), [""]);
        assert_eq!(wrapped(&"字".repeat(COLUMNS / 2 + 1)), ["字".repeat(COLUMNS / 2), "字".into()]);
        let full = "字".repeat(COLUMNS / 2);
        assert_eq!(
            wrapped(&format!("{full}。下")),
            [format!("{full}。"), "下".into()],
            "no line begins with a full stop"
        );
        let nearly = "字".repeat(COLUMNS / 2 - 1);
        assert_eq!(wrapped(&format!("{nearly}（下）")), [nearly, "（下）".into()], "no line ends with a bracket");
        let words = format!("{} wonderful", "x".repeat(COLUMNS - 4));
        assert_eq!(wrapped(&words), ["x".repeat(COLUMNS - 4), "wonderful".into()]);
    }

    #[test]
    fn a_letter_is_set_in_the_font_of_the_language_if_that_has_it() {
        let set = |letters: &str, language, face: &Face| {
            for c in letters.chars() {
                assert_eq!(Face::of(c, language).font, face.font, "{c}");
            }
        };
        let pinyin = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜüńň";
        set(pinyin, Language::Zh, &SONG);
        set("发票か", Language::Zh, &SONG);
        set("őşž", Language::Zh, &MINCHO);
        set("ōūž請求書", Language::Ja, &MINCHO);
        set("发", Language::Ja, &SONG);
    }

    #[test]
    fn a_document_names_its_font_and_holds_its_text_in_utf_16() {
        let text = format!("案号 K7F3\n{}", "第二行\n".repeat(LINES));
        let made = pdf("记录", &text, Language::Zh);
        assert_eq!(made, pdf("记录", &text, Language::Zh));
        let holds = |wanted: &[u8]| made.windows(wanted.len()).any(|window| window == wanted);
        for wanted in ["%PDF-1.7", "/STSong-Light", "/UniGB-UTF16-H", "/Count 2", "%%EOF"] {
            assert!(holds(wanted.as_bytes()), "{wanted}");
        }
        assert!(!holds(b"/FontFile"), "no font is shipped");
        let japanese = pdf("記録", "受付番号", Language::Ja);
        assert!(japanese.windows(14).any(|window| window == b"UniJIS-UTF16-H"));
        assert!(pdf("", "", Language::En).starts_with(b"%PDF"));
    }
}
