//! Text in the one form the phrases are written for, and the phrases, compiled once.

use regex::{Regex, RegexSet};
use unicode_normalization::UnicodeNormalization;

/// Phrases of which any one is looked for.
///
/// What a word is outside ASCII (`\b`) is slow to find out, and hardly any mail has a robot's words at all. So the
/// words are looked for first, wherever they stand, and only then the phrase as it is meant.
pub struct Phrases {
    words: Regex,
    meant: RegexSet,
}

impl Phrases {
    /// Compiles phrases that are part of the program.
    pub fn new(lists: &[&[&str]]) -> Phrases {
        const TESTED: &str = "the phrases are tested with the program";
        let all = lists.concat();
        let words: Vec<String> = all.iter().map(|phrase| format!("(?:{})", phrase.replace(r"\b", ""))).collect();
        Phrases { words: Regex::new(&words.join("|")).expect(TESTED), meant: RegexSet::new(&all).expect(TESTED) }
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.words_in(text) && self.meant.is_match(text)
    }

    /// Are the words of a phrase in a text? Without them the phrase is not.
    pub fn words_in(&self, text: &str) -> bool {
        self.words.is_match(text)
    }
}

/// The first `most` characters in lower case, full-width forms made narrow (NFKC), typographic quotation
/// marks made plain, blanks collapsed. Line breaks stay.
pub fn plain(text: &str, most: usize) -> String {
    let mut plain = String::with_capacity(text.len().min(4 * most));
    let mut blank = true;
    for c in text.chars().take(most).nfkc().flat_map(char::to_lowercase) {
        let c = match c {
            '‘' | '’' | '´' | '`' => '\'',
            '“' | '”' | '„' => '"',
            '\r' | '\u{200b}' | '\u{feff}' | '\u{ad}' => continue,
            c => c,
        };
        if c == '\n' {
            plain.truncate(plain.trim_end_matches(' ').len());
            plain.push('\n');
            blank = true;
        } else if c.is_whitespace() {
            if !blank {
                plain.push(' ');
            }
            blank = true;
        } else {
            plain.push(c);
            blank = false;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_without_its_dress() {
        assert_eq!(plain("  ＡＵＴＯ：\u{a0} I’m  away \r\n\t自动回复：", 99), "auto: i'm away\n自动回复:");
        assert_eq!(plain("abcdef", 3), "abc");
    }

    #[test]
    fn a_phrase_is_found_only_where_its_words_are_whole() {
        let phrases = Phrases::new(&[&[r"\bbin ich\b"], &["自动"]]);
        let cases = [("da bin ich wieder", true), ("da bin ichs", false), ("ärbin ich", false), ("请勿自动回复", true)];
        for (text, found) in cases {
            assert_eq!(phrases.is_match(text), found, "{text}");
        }
        assert!(phrases.words_in("da bin ichs") && !phrases.words_in("da bin es"));
    }
}
