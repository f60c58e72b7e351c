//! Text in the one form the phrases are written for, and the phrases, compiled once.

use regex::{Captures, Regex};
use unicode_normalization::UnicodeNormalization;

use crate::fold::is_plain;

/// Phrases of which any one is looked for.
///
/// What a word is outside ASCII (`\b`), and how far two words are apart (`.{0,60}`), is slow to find out, and hardly
/// any mail has a robot's words at all. So the words are looked for first, wherever they stand, and only then the
/// phrase as it is meant.
pub struct Phrases {
    words: Regex,
    meant: Regex,
}

impl Phrases {
    /// Compiles phrases that are part of the program.
    pub fn new(lists: &[&[&str]]) -> Phrases {
        let regex = |pattern: &str| Regex::new(pattern).expect("the phrases are tested with the program");
        let all: Vec<String> = lists.concat().iter().map(|phrase| format!("(?:{phrase})")).collect();
        let meant = all.join("|");
        let words =
            regex(r"\\b|(?<distance>\{0,\d+\})").replace_all(&meant, |found: &Captures| match found.name("distance") {
                Some(_) => "*",
                None => "",
            });
        Phrases { words: regex(&words), meant: regex(&meant) }
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
    let mut plain = Plain { text: String::with_capacity(text.len().min(4 * most)), blank: true };
    let mut rest = text.chars().take(most).peekable();
    let mut cluster = String::new();
    while let Some(c) = rest.next() {
        // Nothing to make narrow and nothing to combine with, which is nearly all of it.
        if is_plain(c) && rest.peek().is_none_or(|next| is_plain(*next)) {
            plain.push(c.to_ascii_lowercase());
            continue;
        }
        cluster.clear();
        cluster.push(c);
        while let Some(next) = rest.next_if(|next| !is_plain(*next)) {
            cluster.push(next);
        }
        cluster.nfkc().flat_map(char::to_lowercase).for_each(|c| plain.push(c));
    }
    plain.text
}

struct Plain {
    text: String,
    /// Nothing, a blank or a line break is the last of it.
    blank: bool,
}

impl Plain {
    fn push(&mut self, c: char) {
        match c {
            '‘' | '’' | '´' | '`' => self.push_visible('\''),
            '“' | '”' | '„' => self.push_visible('"'),
            '\r' | '\u{200b}' | '\u{feff}' | '\u{ad}' => {}
            '\n' => {
                self.text.truncate(self.text.trim_end_matches(' ').len());
                self.text.push('\n');
                self.blank = true;
            }
            c if c.is_whitespace() => {
                if !self.blank {
                    self.text.push(' ');
                }
                self.blank = true;
            }
            c => self.push_visible(c),
        }
    }

    fn push_visible(&mut self, c: char) {
        self.text.push(c);
        self.blank = false;
    }
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
