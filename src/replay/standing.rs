//! How a rule stands after so many mails: how often it held, how often it mattered, what to do about it.

use std::time::Duration;

use crate::problem::Problem;
use crate::rules::{Phase, Rule};
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
    pub last: Option<Timestamp>,
    /// Of the cases for which it chose the category, and of its answers.
    pub taught: Taught,
}

/// What agents taught about a rule, or about a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taught {
    /// Cases that an agent put into another category.
    pub corrected: usize,
    /// Answers that agents called right, and wrong.
    pub praised: usize,
    pub blamed: usize,
    /// Answers that waited for an agent's word, and those of them that left as they were.
    pub drafts: usize,
    pub accepted: usize,
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
        let taught = &self.taught;
        match self.hits {
            0 if mails < ENOUGH_MAILS => Advice::Wait,
            0 => Advice::Retire,
            hits if hits < ENOUGH_HITS => Advice::Wait,
            // One in ten: the others would have been decided just so without it.
            hits if self.decisive * 10 < hits => Advice::Tune,
            _ if self.again * 2 > self.decisive => Advice::Tune,
            // Agents know better.
            _ if taught.corrected * 4 > self.decisive || taught.blamed > taught.praised => Advice::Tune,
            _ if taught.drafts >= ENOUGH_DRAFTS && taught.accepted * 2 < taught.drafts => Advice::Tune,
            _ => Advice::Keep,
        }
    }
}

/// Mails below which the share that a rule holds for says nothing.
const ENOUGH_FOR_A_SHARE: usize = 100;

impl Standing {
    /// What past mail says against a rule in force, unless the rule allows it. `mails` were looked at in all.
    pub fn findings(&self, rule: &Rule, mails: usize) -> Vec<Problem> {
        let hits = self.hits;
        // What decides is category, reply, group and handoff; tags, fields and the like of other phases are not told.
        let in_vain = rule.phase == Phase::Classify && hits >= ENOUGH_HITS && self.decisive == 0;
        let too_wide = !rule.only_weighs() && mails >= ENOUGH_FOR_A_SHARE && hits * 5 > mails;
        let unused = hits == 0 && mails >= ENOUGH_MAILS;
        let findings = [
            (
                in_vain,
                "W09",
                format!("`{}` held for {hits} of {mails} mails, and mattered for none", rule.id),
                "other rules decide all of that: take it out, or give it more weight",
            ),
            (
                too_wide,
                "W15",
                format!("`{}` holds for {hits} of {mails} mails, more than a fifth", rule.id),
                "ask for more than this, or allow it with a reason",
            ),
            (
                unused,
                "W16",
                format!("`{}` held for none of {mails} mails", rule.id),
                "nobody writes so: take it out, or write down what they write instead",
            ),
        ];
        let told = findings.into_iter().filter(|(found, code, ..)| *found && !rule.allows(code));
        told.map(|(_, code, what, help)| rule.source.warning(rule.span.clone(), what).code(code).help(help)).collect()
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
    use crate::problem::SourceText;

    /// The codes of a rule's findings, written as `key = value` lines of it.
    fn codes(of_the_rule: &str, standing: &Standing, mails: usize) -> Vec<&'static str> {
        let text = format!(
            "schema = 1\n[[category]]\nid = \"a\"\nthreshold = 1.0\n[[category]]\nid = \"other\"\n[[rule]]\nid = \"r\"\n{of_the_rule}"
        );
        let (rules, problems) = crate::rules::load(&[SourceText::new("r.toml", text)]);
        assert!(!problems.has_errors(), "{problems:?}");
        standing.findings(&rules.rules()[0], mails).iter().filter_map(|problem| problem.code).collect()
    }

    #[test]
    fn past_mail_speaks_against_rules_that_never_matter_hold_too_often_or_never() {
        let classify = "category = \"a\"\nweight = 2.0\n[rule.when]\nany = [{ kw = [\"x-ray\"] }]\n";
        let route = "phase = \"route\"\n[rule.when]\nany = [{ kw = [\"x-ray\"] }]\n[rule.do]\ntags = [\"t\"]\n";
        let weigh = "category = \"a\"\n[rule.weigh]\n\"x-ray\" = 1.0\n";
        let allowed = format!("allow = [{{ code = \"W15\", reason = \"most write so\" }}]\n{classify}");
        let cases: [(&str, usize, usize, usize, &[&str]); 11] = [
            (classify, 50, 20, 1_000, &[]),
            (classify, 50, 0, 1_000, &["W09"]),
            (classify, 9, 0, 1_000, &[]),
            (route, 50, 0, 1_000, &[]),
            (classify, 201, 20, 1_000, &["W15"]),
            (classify, 200, 20, 1_000, &[]),
            (classify, 50, 20, 99, &[]),
            (weigh, 900, 20, 1_000, &[]),
            (&allowed, 900, 20, 1_000, &[]),
            (classify, 0, 0, 1_000, &["W16"]),
            (classify, 0, 0, 999, &[]),
        ];
        for (rule, hits, decisive, mails, want) in cases {
            let standing = Standing { hits, decisive, ..Standing::default() };
            assert_eq!(codes(rule, &standing, mails), want, "{hits} hits, {decisive} decisive, {mails} mails: {rule}");
        }
    }

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
        for (taught, want) in [
            (Taught { corrected: 21, ..Taught::default() }, Advice::Tune),
            (Taught { blamed: 2, praised: 1, ..Taught::default() }, Advice::Tune),
            (Taught { drafts: 10, accepted: 4, ..Taught::default() }, Advice::Tune),
            (Taught { drafts: 10, accepted: 5, ..Taught::default() }, Advice::Keep),
        ] {
            assert_eq!(Standing { taught, ..good.clone() }.advice(5_000), want, "{taught:?}");
        }
    }
}
