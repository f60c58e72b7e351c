//! The lines of our answers in a case, so that they are known again in a mail that repeats them without quote marks.

use std::collections::BTreeSet;
use std::fmt;

use crate::fold;
use crate::ids::MailHash;

/// Characters of the shortest line that is ours beyond doubt: anybody writes `您好` or `Thank you`.
const LEAST_CHARS: usize = 10;
/// Lines remembered of one case: its answers are few and short, and a case is written down with every mail in it.
const MOST_LINES: usize = 200;

/// Lines that were sent, each as a few bits of its hash: a line of somebody else's is taken for ours once in a
/// hundred million.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said(BTreeSet<u32>);

impl Said {
    /// Remembers the lines of an answer.
    pub fn add(&mut self, text: &str) {
        for mark in text.lines().filter_map(mark) {
            if self.0.len() < MOST_LINES {
                self.0.insert(mark);
            }
        }
    }

    /// Is it a line that we have sent, whatever became of its blanks on the way?
    pub fn holds(&self, line: &str) -> bool {
        !self.0.is_empty() && mark(line).is_some_and(|mark| self.0.contains(&mark))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the digits that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Said> {
        if !text.is_ascii() || !text.len().is_multiple_of(8) {
            return None;
        }
        let digits = (0..text.len()).step_by(8).map(|at| u32::from_str_radix(&text[at..at + 8], 16).ok());
        digits.collect::<Option<BTreeSet<u32>>>().map(Said)
    }
}

/// Eight hexadecimal digits for each line.
impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|mark| write!(f, "{mark:08x}"))
    }
}

/// The hash of a line; none where the line is too short to be anybody's.
fn mark(line: &str) -> Option<u32> {
    // Nothing of ours is so long, and nothing is folded for it.
    if line.len() > 4_000 {
        return None;
    }
    let folded: String = fold::fold_words(line).split_whitespace().collect();
    if folded.chars().count() < LEAST_CHARS {
        return None;
    }
    let hash = MailHash::of(folded.as_bytes());
    let first = hash.as_bytes().first_chunk::<4>()?;
    Some(u32::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_known_again_however_a_mail_program_has_set_it() {
        let mut said = Said::default();
        said.add("您好：\n\n需要人工协助时，请回复“转人工”。\nPlease answer with HUMAN.\n");
        for line in [
            "需要人工协助时，请回复“转人工”。",
            "\u{3000}需要人工协助时,请回复“转人工”。 ",
            "please  answer with human.",
        ] {
            assert!(said.holds(line), "{line}");
        }
        for line in ["您好：", "转人工", "需要人工协助时，请回复“转人工”。谢谢", "", &"长".repeat(5_000)]
        {
            assert!(!said.holds(line), "{line}");
        }
        assert_eq!(Said::parse(&said.to_string()), Some(said));
        assert_eq!(Said::parse(""), Some(Said::default()));
        for wrong in ["1", "0123456x", "é1234567"] {
            assert_eq!(Said::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_case_stays_small_whatever_is_said_in_it() {
        let mut said = Said::default();
        (0..5_000).for_each(|n| said.add(&format!("line number {n} of an answer")));
        assert_eq!(said.to_string().len(), 8 * MOST_LINES);
    }
}
