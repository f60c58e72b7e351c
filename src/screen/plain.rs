//! Text in the one form the patterns are written for, and the patterns themselves, compiled once.

use regex::RegexSet;
use unicode_normalization::UnicodeNormalization;

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

/// Compiles patterns that are part of the program.
pub fn patterns(list: &[&str]) -> RegexSet {
    RegexSet::new(list).expect("the patterns are tested with the program")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_without_its_dress() {
        assert_eq!(plain("  ＡＵＴＯ：\u{a0} I’m  away \r\n\t自动回复：", 99), "auto: i'm away\n自动回复:");
        assert_eq!(plain("abcdef", 3), "abc");
    }
}
