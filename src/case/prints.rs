//! Fingerprints of internal texts, so that a mail to the requester that repeats one is known.
//!
//! Winnowing (Schleimer, Wilkerson, Aiken, SIGMOD 2003): of all stretches of [`STRETCH`] letters the one with the
//! least hash in every run of [`RUN`] is remembered. A text that shares [`Prints::CERTAIN`] letters with another has
//! one of its fingerprints for certain, and an eighth of the room of all stretches does. A Chinese character or a kana
//! says as much as two letters, and counts as two; a short text keeps one fingerprint.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use crate::fold;

/// Letters of a stretch.
const STRETCH: usize = 32;
/// Stretches of which one is remembered at least.
const RUN: usize = Prints::CERTAIN - STRETCH + 1;
/// Fingerprints kept of one text: some 15,000 characters. The longest notes are cut by their end.
const MOST: usize = 900;

/// Fingerprints of a text. What is compared is folded and without blanks and marks, since mail programs break lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prints(BTreeSet<u32>);

impl Prints {
    /// Letters that two texts must share to be found out for certain. Fewer may be found as well.
    pub const CERTAIN: usize = 64;

    pub fn of(text: &str) -> Prints {
        let hashes: Vec<u32> = hashes(text).collect();
        let mut prints = BTreeSet::new();
        // The places of the run's hashes that may still become the least, in order; the first is the least.
        let mut least: VecDeque<usize> = VecDeque::new();
        for (at, hash) in hashes.iter().enumerate() {
            while least.back().is_some_and(|last| hashes[*last] >= *hash) {
                least.pop_back();
            }
            least.push_back(at);
            if least[0] + RUN <= at {
                least.pop_front();
            }
            if at + 1 >= RUN && prints.len() < MOST {
                prints.insert(hashes[least[0]]);
            }
        }
        if prints.is_empty() {
            prints.extend(hashes.iter().min());
        }
        Prints(prints)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Does this text repeat a stretch of what these are the fingerprints of?
    pub fn are_found_in(&self, text: &str) -> bool {
        !self.is_empty() && hashes(text).any(|hash| self.0.contains(&hash))
    }

    /// Those of them that none of these texts has: what a customer wrote is no secret from them, wherever it is told again.
    pub fn without<'t>(mut self, theirs: impl IntoIterator<Item = &'t str>) -> Prints {
        for text in theirs {
            hashes(text).for_each(|hash| {
                self.0.remove(&hash);
            });
        }
        self
    }

    pub fn extend(&mut self, other: &Prints) {
        self.0.extend(&other.0);
    }

    /// Reads the digits that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Prints> {
        if !text.is_ascii() || !text.len().is_multiple_of(8) {
            return None;
        }
        let digits = (0..text.len()).step_by(8).map(|at| u32::from_str_radix(&text[at..at + 8], 16).ok());
        digits.collect::<Option<BTreeSet<u32>>>().map(Prints)
    }
}

/// Eight hexadecimal digits for each fingerprint.
impl fmt::Display for Prints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|print| write!(f, "{print:08x}"))
    }
}

/// The hashes of all stretches of a text.
fn hashes(text: &str) -> impl Iterator<Item = u32> {
    let folded = fold::fold(text);
    let counted = |c: char| std::iter::repeat_n(c, if is_wide(c) { 2 } else { 1 });
    let letters: Vec<char> = folded.text().chars().filter(|c| c.is_alphanumeric()).flat_map(counted).collect();
    let last = (letters.len() + 1).saturating_sub(STRETCH);
    (0..last).map(move |at| hash(&letters[at..at + STRETCH]))
}

/// Kana, Han characters and Hangul.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3ffff}')
}

/// FNV-1a over the characters, folded to 32 bits: it need not withstand an attacker, who would only be asked back.
fn hash(letters: &[char]) -> u32 {
    let mixed = letters.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, letter| {
        (hash ^ u64::from(u32::from(*letter))).wrapping_mul(0x0100_0000_01b3)
    });
    (mixed ^ (mixed >> 32)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOTE: &str = "客户是重点客户，合同下月到期，销售那边希望先不要告诉他我们已经发现是机房交换机的问题，等财务确认赔付方案之后再统一答复，\
                        务必不要在邮件里提到赔付二字。";

    #[test]
    fn a_shared_stretch_is_found_however_it_is_broken_into_lines() {
        let note = Prints::of(NOTE);
        let broken: String =
            NOTE.chars().enumerate().flat_map(|(at, c)| [Some(c), (at % 9 == 8).then_some('\n')]).flatten().collect();
        assert!(note.are_found_in(&format!("您好，\n{broken}\n谢谢")));
        assert!(!note.are_found_in("您好，机房交换机的问题已经修复，请重新登录客户端再试一次；如果还有问题请直接回复这封邮件，我们会继续为您处理，谢谢您的耐心等待和理解支持。"));
        let short = "合同下月到期，不要承诺赔偿时间";
        assert!(Prints::of(short).is_empty(), "fourteen characters are anybody's");
        let short = "他合同下月到期，先不要承诺赔偿和时间";
        assert!(Prints::of(short).are_found_in(&format!("您好！{short}，谢谢。")));
        assert!(Prints::of("短").is_empty());
    }

    #[test]
    fn what_the_customer_wrote_is_internal_nowhere() {
        let theirs = "我们公司的所有客户端从今天早上开始都提示“连接被重置”，重新启动之后还是一样，请问是不是你们的服务器有问题？";
        let prints = Prints::of(&format!("{NOTE}\n依据：{theirs}")).without([theirs]);
        assert!(!prints.are_found_in(theirs));
        assert!(prints.are_found_in(NOTE));
    }

    #[test]
    fn fingerprints_read_back_and_stay_few() {
        let prints = Prints::of(&(0..40_000).map(|n| format!("{n} ")).collect::<String>());
        assert_eq!(prints.0.len(), MOST);
        assert_eq!(Prints::parse(&prints.to_string()), Some(prints));
        assert_eq!(Prints::parse("xyz"), None);
    }

    proptest! {
        #[test]
        fn whatever_stands_around_it_a_long_stretch_is_found(
            shared in "[a-z0-9]{64,90}", before in "[a-zA-Z ]{0,200}", after in "[a-zA-Z ]{0,200}", other in "[a-z ]{0,200}",
        ) {
            let one = Prints::of(&format!("{before}{shared}{after}"));
            let two = format!("{other}{shared}");
            prop_assert!(one.are_found_in(&two));
        }
    }
}
