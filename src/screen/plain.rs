//! Text in the one form the phrases are written for.

use unicode_normalization::UnicodeNormalization;

use crate::fold::is_plain;

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
}
