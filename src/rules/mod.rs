//! What is this mail about, and what do the rules of this organisation say to do?
//!
//! `load` compiles the files of rules/ into [`Rules`]; [`Rules::judge`] asks them about one mail. Both are
//! functions of values. docs/rules-reference.md is the reference of the format; the order of judging is told in
//! `engine`.

mod taxonomy;
mod field;
mod judgement;
mod rule;
mod operand;
mod reason;
mod condition;
mod attachment;
mod code;
mod sequence;
mod words;
mod skeleton;
mod negation;
mod secrets;
mod segment;
mod pattern;
mod tree;
mod vocabulary;
mod gate;
mod said;
mod engine;
mod score;
mod lint;
mod load;
mod inline_test;
mod tell;
mod trace;
mod coverage;
mod format;
mod book;
mod difference;
mod change;
#[cfg(test)]
mod tests;

pub use book::{Page, book};
pub use change::Change;
pub use coverage::{Coverage, Matcher, RuleCoverage};
pub use field::Field;
pub use format::format;
pub use inline_test::{Difference, TestOutcome, TestRun, TestSummary};
pub use judgement::{
    Ambiguity, CaseMoment, CategoryScore, Contribution, Evidence, Handoff, Hit, Input, Judgement, Notified, Proof,
    Proofs, Wish, Won,
};
pub use load::load;
pub use rule::{Phase, Rule, Status};
pub use segment::Segment;
pub use taxonomy::{Category, Group, Label, Priority, Taxonomy, UNCLASSIFIED};
pub use trace::{Asked, Failure, Trace};

use std::collections::BTreeMap;
use std::ops::Range;

use self::engine::{Depth, Supposing};

use crate::address::Address;
use crate::ids::{RuleId, TemplateName};
use crate::message::Message;
use crate::patterns;
use crate::problem::{Problems, SourceText};
use crate::time::Date;

/// The rules of one organisation, compiled. Made by [`load`]; never changed.
#[derive(Debug, Default)]
pub struct Rules {
    taxonomy: Taxonomy,
    form: field::Form,
    /// By id.
    rules: Vec<Rule>,
    /// Places in `rules` of each phase, in the order in which they are asked.
    guards: Vec<usize>,
    classifiers: Vec<usize>,
    routes: Vec<usize>,
    vocabulary: vocabulary::Vocabulary,
    gates: gate::Gates,
    /// For each rule, does it hold or not whatever other rules say? Then it is asked once a mail.
    settled: Vec<bool>,
    /// Tiers that conditions ask for, and where.
    tiers: Vec<(String, SourceText, Range<usize>)>,
    /// All segments that any rule looks into.
    segments: segment::Segments,
    makings: change::Makings,
}

/// A change to one rule that is only supposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppose<'a> {
    /// A draft or a shadow counts as stable.
    InForce(&'a RuleId),
    /// The rule is not there.
    Absent(&'a RuleId),
}

impl Rules {
    /// What the rules say about a mail. Pure: same rules, same input, same judgement.
    pub fn judge(&self, input: &Input<'_>) -> Judgement {
        engine::judge(self, input, Supposing::Nothing, Depth::Whole)
    }

    /// The same but for the scores, which only a person who asks why wants to see.
    pub fn judge_without_scores(&self, input: &Input<'_>) -> Judgement {
        engine::judge(self, input, Supposing::Nothing, Depth::WithoutScores)
    }

    /// What the rules would say if this rule had effect, or had none; it must be one of ours.
    pub fn judge_as_if(&self, input: &Input<'_>, suppose: Suppose<'_>) -> Judgement {
        let place = |id: &RuleId| self.index_of(id);
        let supposing = match suppose {
            Suppose::InForce(id) => place(id).map(Supposing::InForce),
            Suppose::Absent(id) => place(id).map(Supposing::Absent),
        };
        engine::judge(self, input, supposing.unwrap_or(Supposing::Nothing), Depth::Whole)
    }

    /// Why this rule holds for a mail, or the first of its conditions that does not.
    pub fn trace(&self, input: &Input<'_>, rule: &RuleId) -> Option<Trace> {
        trace::trace(self, input, self.index_of(rule)?)
    }

    /// The rules that came closest to holding, the closest first.
    pub fn near_misses(&self, input: &Input<'_>, most: usize) -> Vec<Trace> {
        trace::near_misses(self, input, most)
    }

    pub fn taxonomy(&self) -> &Taxonomy {
        &self.taxonomy
    }

    /// All rules, by id.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    pub fn rule(&self, id: &RuleId) -> Option<&Rule> {
        self.index_of(id).map(|index| &self.rules[index])
    }

    /// Every template that a rule may reply with, and where it is named. `handoff/{hours}` is two.
    pub fn templates(&self) -> Vec<(TemplateName, SourceText, Range<usize>)> {
        let mut templates = Vec::new();
        for rule in &self.rules {
            for reply in rule.actions.reply.iter().chain(&rule.actions.ask_template) {
                let mut add = |name: &TemplateName| {
                    templates.push((name.clone(), rule.source.clone(), reply.span.clone()));
                };
                add(&reply.open);
                if reply.closed != reply.open {
                    add(&reply.closed);
                }
            }
        }
        templates
    }

    /// Rules that somebody was to look at by now (W14).
    pub fn due_for_review(&self, today: Date) -> Problems {
        let due = self.rules.iter().filter_map(|rule| {
            let (date, span) = rule.review_by.as_ref().filter(|(date, _)| *date < today)?;
            let what = format!("`{}` was to be reviewed by {date}", rule.id);
            let problem = rule.source.warning(span.clone(), what).code("W14");
            (!rule.allows("W14")).then(|| problem.help("look whether it is still right, and set a new date"))
        });
        Problems(due.collect())
    }

    /// Does this rule want anybody notified?
    pub fn notifies(&self, id: &RuleId) -> bool {
        self.rule(id).is_some_and(|rule| !rule.actions.notify.is_empty())
    }

    /// The addresses that rules name themselves.
    pub fn notified(&self) -> impl Iterator<Item = &Address> {
        self.rules.iter().flat_map(|rule| &rule.actions.notify).filter_map(|notified| match notified {
            Notified::Address(address) => Some(address),
            Notified::Group(_) => None,
        })
    }

    /// Every kind of customer that a condition asks for, and where it does.
    pub fn tiers(&self) -> &[(String, SourceText, Range<usize>)] {
        &self.tiers
    }

    /// Judges the mail of every `[[rule.test]]` and compares. `read` reads a mail from its bytes; `mails` are the
    /// files that tests name.
    pub fn run_tests(
        &self,
        read: &dyn Fn(&[u8]) -> Message,
        mails: &BTreeMap<String, Vec<u8>>,
    ) -> (TestSummary, Problems) {
        inline_test::run(self, read, mails)
    }

    /// The tests have passed: gives back what they take. They ask every regex; mails will ask a few.
    pub fn drop_tests(&mut self) {
        self.rules.iter_mut().for_each(|rule| rule.tests = Vec::new());
        patterns::put_away();
    }

    /// The tests of all rules, or of one, run one by one as they are asked for.
    pub fn each_test<'a>(
        &'a self,
        only: Option<&'a RuleId>,
        read: &'a dyn Fn(&[u8]) -> Message,
        mails: &'a BTreeMap<String, Vec<u8>>,
    ) -> impl Iterator<Item = TestRun> + 'a {
        inline_test::each(self, only, read, mails)
    }

    /// What the tests that pass have shown to work, rule by rule. `step` is called after each test.
    pub fn coverage(
        &self,
        read: &dyn Fn(&[u8]) -> Message,
        mails: &BTreeMap<String, Vec<u8>>,
        step: &mut dyn FnMut(),
    ) -> Coverage {
        coverage::of(self, read, mails, step)
    }

    /// How many tests there are, of all rules or of one.
    pub fn count_tests(&self, only: Option<&RuleId>) -> usize {
        self.rules.iter().filter(|rule| only.is_none_or(|only| *only == rule.id)).map(|rule| rule.tests.len()).sum()
    }

    fn index_of(&self, id: &RuleId) -> Option<usize> {
        self.rules.binary_search_by(|rule| rule.id.cmp(id)).ok()
    }
}
