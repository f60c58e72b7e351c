//! Text as it is compared: one spelling for what readers take to be the same word.
//!
//! `ＤＴ：ＳＰＭ`, `dt:spm` and `D\u{200B}T:SPM` are one code, 轉人工 and 转人工 one wish. [`fold`] drops what
//! cannot be seen, applies NFKC (Unicode Annex 15), folds case, maps traditional to simplified characters and
//! collapses blanks; every byte of the result knows where in the original it came from. The same fold is
//! applied to the words of a rule and to the text of a mail, so it may lose distinctions, but it must never
//! lose containment: what lies inside a text before folding lies inside it afterwards. That is why characters
//! are mapped one by one and never as phrases.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use ferrous_opencc::OpenCC;
use ferrous_opencc::config::BuiltinConfig;
use unicode_normalization::char::{canonical_combining_class, decompose_compatible};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// A folded text, and the way back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folded {
    text: String,
    /// Where each piece of `text` begins and what it was made of, in order. A piece is a character of the
    /// original with the marks that belong to it.
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    folded: u32,
    start: u32,
    end: u32,
}

/// Folds a text. A run of blanks becomes one blank, or one line break if there is a line break in it.
pub fn fold(original: &str) -> Folded {
    let mut folded =
        Folded { text: String::with_capacity(original.len()), pieces: Vec::with_capacity(original.len() / 2) };
    let mut rest = original.char_indices().peekable();
    let mut cluster = String::new();
    while let Some((start, first)) = rest.next() {
        if is_ignorable(first) {
            continue;
        }
        let mut end = start + first.len_utf8();
        // Characters with a fixed shape and nothing to combine with, which is nearly all of them.
        if is_alone(first) && rest.peek().is_none_or(|(_, next)| is_alone(*next)) {
            folded.push(folded_alone(first), start, end);
            continue;
        }
        cluster.clear();
        cluster.push(first);
        while let Some((at, next)) = rest.next_if(|(_, next)| is_ignorable(*next) || !begins_cluster(*next)) {
            if !is_ignorable(next) && cluster.len() < MAX_CLUSTER {
                cluster.push(next);
                end = at + next.len_utf8();
            }
        }
        for c in cluster.chars().nfkc() {
            match c {
                'ß' | 'ẞ' => "ss".chars().for_each(|s| folded.push(s, start, end)),
                'ς' => folded.push('σ', start, end),
                c => c.to_lowercase().for_each(|lower| folded.push(simplify(lower), start, end)),
            }
        }
    }
    folded
}

/// Folds the words of a rule: what is compared has no blanks at its ends.
pub fn fold_words(words: &str) -> String {
    fold(words).text.trim().to_owned()
}

impl Folded {
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the original that this range of the folded text was made of.
    pub fn original(&self, range: Range<usize>) -> Range<usize> {
        let piece_at = |byte: usize| {
            let next = self.pieces.partition_point(|piece| piece.folded as usize <= byte);
            next.checked_sub(1).map(|index| self.pieces[index])
        };
        if range.is_empty() {
            let at = piece_at(range.start).map_or(0, |piece| piece.start as usize);
            return at..at;
        }
        match (piece_at(range.start), piece_at(range.end - 1)) {
            (Some(first), Some(last)) => first.start as usize..last.end as usize,
            _ => 0..0,
        }
    }

    /// The same text as part of a longer original, which it stands `offset` bytes into.
    pub fn within(mut self, offset: usize) -> Folded {
        for piece in &mut self.pieces {
            piece.start += offset as u32;
            piece.end += offset as u32;
        }
        self
    }

    /// This text without the separators between Han characters or kana, by which words are hidden from
    /// keyword filters: `转 人 工`, `转*人*工`. Sentence marks and line breaks stay: `请转。人工` is two thoughts.
    pub fn squeeze(&self) -> Cow<'_, Folded> {
        if !self.is_spread() {
            return Cow::Borrowed(self);
        }
        let mut squeezed =
            Folded { text: String::with_capacity(self.text.len()), pieces: Vec::with_capacity(self.pieces.len()) };
        let mut before = None;
        let mut pieces = self.pieces.iter().copied().peekable();
        let mut piece = Piece { folded: 0, start: 0, end: 0 };
        let mut rest = self.text.char_indices().peekable();
        while let Some((index, c)) = rest.next() {
            let run_end = match is_separator(c) {
                true => {
                    while rest.next_if(|(_, next)| is_separator(*next)).is_some() {}
                    rest.peek().map_or(self.text.len(), |(at, _)| *at)
                }
                false => index + c.len_utf8(),
            };
            let hidden = is_separator(c)
                && before.is_some_and(is_han_or_kana)
                && rest.peek().is_some_and(|(_, next)| is_han_or_kana(*next));
            if !hidden {
                for (at, kept) in self.text[index..run_end].char_indices() {
                    while let Some(next) = pieces.next_if(|next| next.folded as usize <= index + at) {
                        piece = next;
                    }
                    squeezed.push_exactly(kept, piece.start as usize, piece.end as usize);
                }
            }
            before = Some(c);
        }
        Cow::Owned(squeezed)
    }

    /// Does a separator stand between two Han characters or kana anywhere?
    fn is_spread(&self) -> bool {
        let (mut before, mut separated) = (false, false);
        for c in self.text.chars() {
            let is_one = is_han_or_kana(c);
            match is_separator(c) {
                true => separated = before,
                false if separated && is_one => return true,
                false => (before, separated) = (is_one, false),
            }
        }
        false
    }

    fn push(&mut self, c: char, start: usize, end: usize) {
        let blank = match c {
            '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
            c if c.is_whitespace() => Some(' '),
            _ => None,
        };
        match (blank, self.text.as_bytes().last()) {
            (Some('\n'), Some(b' ')) => {
                self.text.pop();
                self.text.push('\n');
            }
            (Some(_), Some(b' ' | b'\n')) => {}
            (blank, _) => return self.push_exactly(blank.unwrap_or(c), start, end),
        }
        // The run of blanks has grown.
        if let Some(last) = self.pieces.last_mut() {
            last.end = end as u32;
        }
    }

    fn push_exactly(&mut self, c: char, start: usize, end: usize) {
        self.pieces.push(Piece { folded: self.text.len() as u32, start: start as u32, end: end as u32 });
        self.text.push(c);
    }
}

/// Octets of one character with its marks that are looked at; a longer pile of marks is not writing.
const MAX_CLUSTER: usize = 64;

/// Nothing before or after changes it under NFKC, and NFKC does not change it.
pub fn is_plain(c: char) -> bool {
    c.is_ascii() || matches!(c, '\u{4E00}'..='\u{9FFF}' | '、' | '。' | '“' | '”')
}

/// Neither what stands before it nor what stands behind it changes what becomes of it, if that is another such character.
fn is_alone(c: char) -> bool {
    is_plain(c) || matches!(c, '\u{FF01}'..='\u{FF5E}')
}

/// What becomes of such a character.
fn folded_alone(c: char) -> char {
    match c {
        // Full-width forms of ASCII stand in its order (Unicode: Halfwidth and Fullwidth Forms).
        '\u{FF01}'..='\u{FF5E}' => char::from(((c as u32 - 0xFF01) as u8 + b'!').to_ascii_lowercase()),
        c => simplify(c.to_ascii_lowercase()),
    }
}

/// A character that never combines with the one before it.
fn begins_cluster(c: char) -> bool {
    if is_plain(c) {
        return true;
    }
    let mut first = None;
    decompose_compatible(c, |part| {
        first.get_or_insert(part);
    });
    first.is_none_or(|first| {
        canonical_combining_class(first) == 0 && is_nfc_quick(std::iter::once(first)) == IsNormalized::Yes
    })
}

/// Default_Ignorable_Code_Point (Unicode 4.4): what is not shown, and so splits a word only for a machine.
pub fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// What people put between the characters of one word: blanks within the line and a few marks.
fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '*' | '_' | '-' | '·' | '・' | '•' | '.' | '|' | '/')
}

/// Writing without blanks between its words.
pub fn is_han_or_kana(c: char) -> bool {
    matches!(c,
        '\u{3041}'..='\u{309F}' | '\u{30A1}'..='\u{30FA}' | '\u{30FC}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}'
        | '々' | '〆' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3134F}')
}

fn simplify(c: char) -> char {
    let usual = match (c as usize).checked_sub(FIRST_HAN) {
        Some(at) if at < USUAL_HAN => SIMPLIFIED.usual[at],
        Some(_) => SIMPLIFIED.rare.get(&c).copied(),
        None => None,
    };
    usual.unwrap_or(c)
}

/// Traditional characters with their simplified form.
struct Simplified {
    /// Of the characters from [`FIRST_HAN`] on, which stand in every mail: looked up by their place.
    usual: Vec<Option<char>>,
    rare: HashMap<char, char>,
}

const FIRST_HAN: usize = 0x3400;
/// Up to U+9FFF.
const USUAL_HAN: usize = 0xA000 - FIRST_HAN;

/// Made once from the character table of OpenCC.
static SIMPLIFIED: LazyLock<Simplified> = LazyLock::new(|| {
    let han = || ('\u{3400}'..='\u{9FFF}').chain('\u{20000}'..='\u{2FFFF}');
    let mut table: HashMap<char, char> = HashMap::with_capacity(5_000);
    // A line for each character: no phrase reaches over a line break. Without the converter nothing would
    // be folded, on neither side: rules would still match what is written as they are.
    if let Ok(converter) = OpenCC::from_config(BuiltinConfig::T2s) {
        let lines: String = han().flat_map(|c| [c, '\n']).collect();
        for (c, simple) in han().zip(converter.convert(&lines).lines()) {
            let mut simple = simple.chars();
            if let (Some(simple), None) = (simple.next(), simple.next())
                && simple != c
            {
                table.insert(c, simple);
            }
        }
    }
    for (variant, usual) in VARIANTS {
        table.insert(variant, usual);
    }
    // 賬 → 账, 帳 → 帐 → 账: follow to the end, so that folding twice is folding once.
    let last = |c: char| {
        let mut end = c;
        for _ in 0..4 {
            match table.get(&end) {
                Some(next) => end = *next,
                None => break,
            }
        }
        end
    };
    let (mut usual, mut rare) = (vec![None; USUAL_HAN], HashMap::new());
    for c in table.keys() {
        match usual.get_mut((*c as usize).wrapping_sub(FIRST_HAN)) {
            Some(place) => *place = Some(last(*c)),
            None => drop(rare.insert(*c, last(*c))),
        }
    }
    Simplified { usual, rare }
});

/// Spellings that live side by side and are not a matter of the script: 帐号 and 账号 are one thing.
const VARIANTS: [(char, char); 1] = [('帐', '账')];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_what_readers_take_to_be_the_same() {
        let cases = [
            ("５５４　ＤＴ：ＳＰＭ", "554 dt:spm"),
            ("D\u{200B}T\u{AD}:S\u{FEFF}PM", "dt:spm"),
            ("ﾒｰﾙが送信ﾃﾞｷない", "メールが送信デキない"),
            ("か\u{3099}", "が"),
            ("轉人工客服，謝謝", "转人工客服,谢谢"),
            ("郵件被退回", "邮件被退回"),
            ("帳號 賬號 帐号", "账号 账号 账号"),
            ("⼈工", "人工"),
            ("a  \t b\r\n\r\n  c\u{A0}\u{3000}d", "a b\nc d"),
            ("STRASSE Straße \u{212A}elvin ſ", "strasse strasse kelvin s"),
            ("e\u{200B}\u{301}É", "éé"),
            ("㈱…①②", "(株)...12"),
            ("❗\u{FE0F}急", "❗急"),
            ("互動查詢", "互动查询"),
        ];
        for (text, want) in cases {
            assert_eq!(fold(text).text(), want, "{text}");
        }
    }

    #[test]
    fn folding_twice_is_folding_once() {
        for c in ('\u{3400}'..='\u{9FFF}').chain('\u{F900}'..='\u{FFEF}') {
            let once = fold(&c.to_string());
            assert_eq!(fold(once.text()).text(), once.text(), "{c}");
        }
    }

    #[test]
    fn what_is_folded_alone_is_folded_alike_the_long_way() {
        // A mark that cannot be seen, behind a character, sends it the long way.
        for c in '\0'..=char::MAX {
            if is_alone(c) {
                assert_eq!(fold(&format!("{c}\u{200B}")).text(), fold(&c.to_string()).text(), "{c:?}");
                assert!(begins_cluster(c), "{c:?}");
            }
        }
    }

    #[test]
    fn every_folded_byte_knows_where_it_came_from() {
        let original = "提示 ５５４\u{200B}　DT：ＳＰＭ，㈱ 轉人工";
        let folded = fold(original);
        for (found, came_from) in [
            ("554", "５５４"),
            ("554 dt", "５５４\u{200B}　DT"),
            ("dt:spm", "DT：ＳＰＭ"),
            ("株", "㈱"),
            ("转人工", "轉人工"),
        ] {
            let at = folded.text().find(found).unwrap();
            let range = folded.original(at..at + found.len());
            assert_eq!(&original[range], came_from);
        }
        assert_eq!(folded.original(0..0), 0..0);
        assert_eq!(fold("").original(0..0), 0..0);
    }

    #[test]
    fn separators_between_han_are_squeezed_out_and_sentence_marks_are_not() {
        let cases = [
            ("转 人 工！！", "转人工!!"),
            ("转*人-_工", "转人工"),
            ("有人 対 応", "有人対応"),
            ("请转。人工", "请转。人工"),
            ("转\n人工", "转\n人工"),
            ("error 550 in 5.7.1", "error 550 in 5.7.1"),
            ("代码 550 错误", "代码 550 错误"),
            ("结尾 ", "结尾 "),
        ];
        for (text, want) in cases {
            assert_eq!(fold(text).squeeze().text(), want, "{text}");
        }
        let original = "请 轉 * 人 工";
        let folded = fold(original);
        let squeezed = folded.squeeze();
        let at = squeezed.text().find("转人工").unwrap();
        assert_eq!(&original[squeezed.original(at..at + 9)], "轉 * 人 工");
    }

    #[test]
    fn a_word_inside_a_text_stays_inside_it() {
        let texts =
            ["我發送郵件被退回，提示“554 DT:SPM”", "乾隆頭髮著作權登入網路伺服器", "ﾒｰﾙが送れない。Ａｎｇｅｂｏｔ"];
        for text in texts {
            let whole = fold(text);
            let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            for (i, start) in starts.iter().enumerate() {
                for end in starts[i + 1..].iter().chain([&text.len()]) {
                    let part = fold_words(&text[*start..*end]);
                    assert!(whole.text().contains(&part), "{part} in {text}");
                }
            }
        }
    }
}
