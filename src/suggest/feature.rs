//! What in a text can be a keyword.
//!
//! Texts are looked at as rules will see them, folded. In writing with blanks a keyword is a word, two or three
//! words in a row, or the beginning of a word (`declin*` for decline, declined, declining); in Han and kana,
//! which have no blanks, it is one to four characters in a row: 退 alone is weak evidence, and often all there is. A text has a keyword or has it not: how often
//! does not count, as it does not in a rule.

use std::collections::HashMap;

use crate::fold::{fold, is_han_or_kana};

/// The keywords that could be, and which texts have them.
pub(super) struct Features {
    /// As a rule would write them.
    pub(super) names: Vec<String>,
    /// For each keyword the texts that have it, in order.
    pub(super) holders: Vec<Vec<u32>>,
    /// For each text the keywords it has, in order.
    pub(super) texts: Vec<Vec<u32>>,
}

/// A word, or one character of a writing without blanks: octets of the folded text.
#[derive(Clone, Copy)]
struct Token {
    start: usize,
    end: usize,
    han: bool,
}

/// A text, and for each of its tokens the keyword that begins there, of as many tokens as looked at last.
struct Line {
    text: String,
    tokens: Vec<Token>,
    grams: Vec<Option<u32>>,
}

/// Words in one keyword. Four in a row are hardly ever said twice.
const MAX_WORDS: usize = 3;
/// Characters in one keyword of a writing without blanks.
const MAX_HAN: usize = 4;
/// Letters of the beginning of a word: fewer are the beginning of anything.
const MIN_STEM: usize = 4;
/// Octets of a text that are read, as in a rule.
const MAX_TEXT: usize = 64 * 1024;
/// What may stand between the words of a keyword: can't, top-up, e.g. sign/in.
const JOINTS: [&str; 9] = [" ", "-", "'", "’", "/", ".", "_", "&", "@"];

impl Features {
    /// The keywords that at least `least` of the texts have.
    pub(super) fn of<'t>(texts: impl Iterator<Item = &'t str>, least: usize) -> Features {
        let mut lines: Vec<Line> = texts.map(Line::of).collect();
        let mut found = Features { names: Vec::new(), holders: Vec::new(), texts: vec![Vec::new(); lines.len()] };
        // A keyword that is frequent consists of keywords that are: so they are grown token by token.
        for length in 1..=MAX_HAN + 1 {
            found.add_grams(&mut lines, length, least);
            if length == 1 {
                found.add_stems(&lines, least);
            }
        }
        for (feature, holders) in found.holders.iter().enumerate() {
            holders.iter().for_each(|text| found.texts[*text as usize].push(feature as u32));
        }
        found
    }

    fn add_grams(&mut self, lines: &mut [Line], length: usize, least: usize) {
        let mut ids: HashMap<&str, u32> = HashMap::new();
        let mut holders: Vec<Vec<u32>> = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        // The t of can't is no word of its own: how often it is one, less how often it is not.
        let mut whole: Vec<i32> = Vec::new();
        let mut grams: Vec<Vec<Option<u32>>> = Vec::with_capacity(lines.len());
        for (place, line) in lines.iter().enumerate() {
            let here = (0..line.tokens.len()).map(|first| {
                let name = line.gram(first, length)?;
                let id = *ids.entry(name).or_insert_with(|| {
                    names.push(name);
                    holders.push(Vec::new());
                    whole.push(0);
                    holders.len() as u32 - 1
                });
                whole[id as usize] += if line.is_behind_apostrophe(first) { -1 } else { 1 };
                let holders = &mut holders[id as usize];
                if holders.last() != Some(&(place as u32)) {
                    holders.push(place as u32);
                }
                Some(id)
            });
            grams.push(here.collect());
        }
        for ((name, holders), whole) in names.into_iter().zip(&holders).zip(whole) {
            if holders.len() >= least && whole > 0 {
                self.names.push(name.to_owned());
                self.holders.push(holders.clone());
            }
        }
        for (line, grams) in lines.iter_mut().zip(grams) {
            line.grams = grams.into_iter().map(|gram| gram.filter(|id| holders[*id as usize].len() >= least)).collect();
        }
    }

    /// The beginnings that words have in common. In the sorted list of all words they are what neighbours
    /// share, and every other beginning is that of the same words as a longer one.
    fn add_stems(&mut self, lines: &[Line], least: usize) {
        let mut words: Vec<(&str, u32)> = Vec::new();
        for (place, line) in lines.iter().enumerate() {
            let here = line.tokens.iter().map(|token| &line.text[token.start..token.end]);
            let here = here.filter(|word| word.len() >= MIN_STEM && word.bytes().all(|b| b.is_ascii_alphabetic()));
            words.extend(here.map(|word| (word, place as u32)));
        }
        words.sort_unstable();
        words.dedup();
        let mut stems: Vec<&str> = words.windows(2).map(|pair| shared(pair[0].0, pair[1].0)).collect();
        // What a word shares with itself is the word.
        let whole: Vec<bool> = words.windows(2).map(|pair| pair[0].0 == pair[1].0).collect();
        let mut whole = whole.into_iter();
        stems.retain(|stem| !whole.next().unwrap_or(true) && stem.len() >= MIN_STEM);
        stems.sort_unstable();
        stems.dedup();
        for stem in stems {
            let from = words.partition_point(|(word, _)| *word < stem);
            let behind = words[from..].iter().take_while(|(word, _)| word.starts_with(stem));
            let mut holders: Vec<u32> = behind.map(|(_, place)| *place).collect();
            holders.sort_unstable();
            holders.dedup();
            if holders.len() >= least {
                self.names.push(format!("{stem}*"));
                self.holders.push(holders);
            }
        }
    }
}

impl Line {
    fn of(text: &str) -> Line {
        let text = &text[..text.floor_char_boundary(MAX_TEXT)];
        let text = fold(text).text().replace('\n', " ");
        let mut tokens: Vec<Token> = Vec::new();
        let mut in_word = false;
        for (start, c) in text.char_indices() {
            let (end, han) = (start + c.len_utf8(), is_han_or_kana(c));
            match tokens.last_mut() {
                Some(word) if in_word && !han && c.is_alphanumeric() => word.end = end,
                _ if han || c.is_alphanumeric() => tokens.push(Token { start, end, han }),
                _ => {}
            }
            in_word = !han && c.is_alphanumeric();
        }
        Line { grams: vec![None; tokens.len()], text, tokens }
    }

    fn is_behind_apostrophe(&self, token: usize) -> bool {
        self.text[..self.tokens[token].start].ends_with(['\'', '’'])
    }

    /// The keyword of so many tokens that begins at this one, if there can be one.
    fn gram(&self, first: usize, length: usize) -> Option<&str> {
        let tokens = self.tokens.get(first..first + length)?;
        let name = &self.text[tokens[0].start..tokens[length - 1].end];
        if length == 1 {
            return Some(name);
        }
        // Its two shorter halves are frequent.
        self.grams[first].and(self.grams[first + 1])?;
        let [.., one, other] = tokens else { return None };
        let between = &self.text[one.end..other.start];
        let joined = match one.han || other.han {
            true => between.is_empty(),
            false => JOINTS.contains(&between),
        };
        let han = tokens.iter().filter(|token| token.han).count();
        let words = length - han;
        let fits = if han == 0 { words <= MAX_WORDS } else { han <= MAX_HAN && words <= 1 };
        (joined && fits).then_some(name)
    }
}

/// The beginning that two words have in common.
fn shared<'w>(one: &'w str, other: &str) -> &'w str {
    let length = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    one.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str], least: usize) -> Vec<String> {
        let mut names = Features::of(texts.iter().copied(), least).names;
        names.sort();
        names
    }

    #[test]
    fn words_and_words_in_a_row_are_keywords() {
        let texts = ["My CARD can't pay", "my card, can't wait"];
        assert_eq!(names(&texts, 2), ["can", "can't", "card", "my", "my card"]);
    }

    #[test]
    fn writing_without_blanks_is_taken_by_one_to_four_characters() {
        let texts = ["郵件被退回", "邮件被退", "QQ邮件"];
        let want = ["件", "件被", "件被退", "被", "被退", "退", "邮", "邮件", "邮件被", "邮件被退"];
        assert_eq!(names(&texts, 2), want);
        assert_eq!(names(&["qq邮箱", "用QQ邮箱"], 2), ["qq", "qq邮", "qq邮箱", "箱", "邮", "邮箱"]);
    }

    #[test]
    fn a_beginning_that_words_share_is_a_keyword() {
        let texts = ["it was declined", "they decline", "declining", "the decline"];
        let names = names(&texts, 2);
        assert!(names.contains(&"declin*".to_owned()) && names.contains(&"decline*".to_owned()), "{names:?}");
        assert!(!names.iter().any(|name| name == "decl*" || name == "the*"), "{names:?}");
    }

    #[test]
    fn a_text_knows_its_keywords_and_a_keyword_its_texts() {
        let features = Features::of(["a b", "b", "a a"].into_iter(), 1);
        for (text, keywords) in features.texts.iter().enumerate() {
            for (keyword, holders) in features.holders.iter().enumerate() {
                assert_eq!(keywords.contains(&(keyword as u32)), holders.contains(&(text as u32)));
            }
        }
        assert_eq!(features.holders[0], [0, 2]);
    }
}
