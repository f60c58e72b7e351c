//! How a rule stands after so many mails: how often it held, how often it mattered, what to do about it.

use std::time::Duration;

use crate::time::Timestamp;

/// What is counted of one rule.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Standing {
    /// Mails for which it held, with effect.
    pub hits: usize,
    /// Mails that would have been decided otherwise without it.
    pub decisive: usize,
    /// Of these, those whose case had another mail within [`AGAIN`].
    pub again: usize,
    /// Of the cases for which it chose the category, those that an agent put into another.
    pub corrected: usize,
    /// Its answers that agents called right, and wrong.
    pub praised: usize,
    pub blamed: usize,
    /// Its answers that waited for an agent's word, and those of them that left as they were.
    pub drafts: usize,
    pub accepted: usize,
    pub last: Option<Timestamp>,
}

/// What an admin is advised to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    Keep,
    /// It holds and seldom matters, or those it answered write again.
    Tune,
    /// It never held.
    Retire,
    /// Too few mails to tell.
    Wait,
}

/// A requester who writes again so soon was not helped.
pub const AGAIN: Duration = Duration::from_secs(72 * 60 * 60);

/// Mails below which a rule that never held may still be waiting for its first.
const ENOUGH_MAILS: usize = 1_000;
/// Hits below which shares say nothing.
const ENOUGH_HITS: usize = 10;
/// Drafts below which the share of those accepted says nothing.
const ENOUGH_DRAFTS: usize = 5;

impl Standing {
    /// `mails` were looked at in all.
    pub fn advice(&self, mails: usize) -> Advice {
        match self.hits {
            0 if mails < ENOUGH_MAILS => Advice::Wait,
            0 => Advice::Retire,
            hits if hits < ENOUGH_HITS => Advice::Wait,
            // One in ten: the others would have been decided just so without it.
            hits if self.decisive * 10 < hits => Advice::Tune,
            _ if self.again * 2 > self.decisive => Advice::Tune,
            // Agents know better.
            _ if self.corrected * 4 > self.decisive || self.blamed > self.praised => Advice::Tune,
            _ if self.drafts >= ENOUGH_DRAFTS && self.accepted * 2 < self.drafts => Advice::Tune,
            _ => Advice::Keep,
        }
    }
}

impl Advice {
    pub fn as_str(self) -> &'static str {
        match self {
            Advice::Keep => "keep",
            Advice::Tune => "tune",
            Advice::Retire => "retire",
            Advice::Wait => "wait",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_needs_enough_mail_and_looks_at_what_mattered() {
        let cases = [
            (0, 0, 0, 100, Advice::Wait),
            (0, 0, 0, 5_000, Advice::Retire),
            (5, 0, 0, 5_000, Advice::Wait),
            (100, 9, 0, 5_000, Advice::Tune),
            (100, 80, 41, 5_000, Advice::Tune),
            (100, 80, 40, 5_000, Advice::Keep),
        ];
        for (hits, decisive, again, mails, want) in cases {
            let standing = Standing { hits, decisive, again, ..Standing::default() };
            assert_eq!(standing.advice(mails), want, "{standing:?}");
        }
        let good = Standing { hits: 100, decisive: 80, ..Standing::default() };
        assert_eq!(Standing { corrected: 21, ..good.clone() }.advice(5_000), Advice::Tune);
        assert_eq!(Standing { blamed: 2, praised: 1, ..good.clone() }.advice(5_000), Advice::Tune);
        assert_eq!(Standing { drafts: 10, accepted: 4, ..good.clone() }.advice(5_000), Advice::Tune);
        assert_eq!(Standing { drafts: 10, accepted: 5, ..good }.advice(5_000), Advice::Keep);
    }
}
