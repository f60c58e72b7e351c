//! Text that can do no harm: one line for a header or a value, a block of lines for a body.
//!
//! Whatever goes into a mail goes through one of these two types, so no place in the house has to remember
//! to take line breaks and invisible characters out (RFC 5322 §2.2, CWE-93).

use std::fmt;

/// One line: no line break, no control, bidirectional or zero-width character, no run of blanks, nothing
/// that reads as an encoded word (RFC 2047 §2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line(String);

impl Line {
    /// `text` on one line, at most `most` characters of it.
    pub fn new(text: &str, most: usize) -> Line {
        let mut line = String::new();
        for c in text.chars().filter(|c| !is_invisible(*c)) {
            let blank = c.is_whitespace() || c.is_control();
            match c {
                _ if blank && (line.is_empty() || line.ends_with(' ')) => {}
                _ if blank => line.push(' '),
                // `=?utf-8?b?…?=` in a plain word would be decoded into something else by the reader.
                '?' if line.ends_with('=') => line.push_str(" ?"),
                c => line.push(c),
            }
        }
        Line(first(&line, most).trim_end().to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Lines ended by LF, without control, bidirectional or zero-width characters, at most one empty line
/// between two others and none at either end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Block(String);

impl Block {
    pub fn new(text: &str) -> Block {
        let mut block = String::with_capacity(text.len());
        let mut after_cr = false;
        for c in text.chars().filter(|c| !is_invisible(*c)) {
            match c {
                '\n' if after_cr => {}
                // Everything that some program takes for a line break is one here (UAX #14, class BK).
                '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                    if !block.is_empty() && !block.ends_with("\n\n") {
                        block.push('\n');
                    }
                }
                '\t' => block.push(' '),
                c if c.is_control() => {}
                c => block.push(c),
            }
            after_cr = c == '\r';
        }
        block.truncate(block.trim_end_matches('\n').len());
        Block(block)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.lines()
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first `most` characters.
fn first(text: &str, most: usize) -> &str {
    match text.char_indices().nth(most) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// Characters that nobody sees and that turn, hide or mark what stands beside them: soft hyphen, zero-width
/// characters, bidirectional controls, interlinear annotations, tags (Unicode §23.2).
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_was_written() {
        for (text, want) in [
            ("", ""),
            ("  a \t b  ", "a b"),
            ("a\r\nBcc: x@example.com", "a Bcc: x@example.com"),
            ("a\0b\u{7f}c\u{85}d\u{2028}e", "a b c d e"),
            ("退\u{200b}款\u{202e}fdp.exe", "退款fdp.exe"),
            ("=?utf-8?b?YQ==?=", "= ?utf-8?b?YQ== ?="),
            ("=\u{200b}?", "= ?"),
            ("一二三四五六七八九十十一", "一二三四五六七八九十"),
            ("123456789 123", "123456789"),
        ] {
            assert_eq!(Line::new(text, 10.max(want.chars().count())).as_str(), want, "{text:?}");
        }
    }

    #[test]
    fn a_block_has_plain_lines_and_single_gaps() {
        for (text, want) in [
            ("", ""),
            ("\r\n\n a\r\rb\r\n\r\n\r\n\r\nc \n\n", " a\n\nb\n\nc "),
            ("a\u{2028}| b\u{c}c\u{85}d", "a\n| b\nc\nd"),
            ("a\tb\u{1b}[31m\0\u{202e}c", "a b[31mc"),
        ] {
            assert_eq!(Block::new(text).as_str(), want, "{text:?}");
        }
    }
}
