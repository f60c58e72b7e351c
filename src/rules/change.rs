//! In which mails two sets of rules can come to different decisions, told before anything is judged.
//!
//! A change is small, mostly: a word more, a weight, a threshold. Nearly every rule needs a word to hold (see `gate`),
//! so a mail that has no word of any rule that changed is decided alike by both sets, whatever it is about. To find
//! that out costs a tenth of judging it.

use std::collections::BTreeMap;

use super::difference::Between;
use super::engine::{self, Known};
use super::gate;
use super::judgement::{Input, Judgement};
use super::rule::Boost;
use super::segment::Views;
use super::vocabulary::{Union, Vocabulary, Words};
use super::{Rule, Rules};
use crate::ids::RuleId;

/// Two sets of rules, and what is different between them.
#[derive(Debug)]
pub struct Change<'r> {
    one: &'r Rules,
    other: &'r Rules,
    /// The words by which rules wake that stand in one set only, or otherwise in the other; none if any mail may be
    /// judged otherwise.
    words: Option<Vocabulary>,
    /// The words of both; none where they look into different segments, so that each must read the mail itself.
    union: Option<Union>,
    /// For each rule of the other set the one in the one set that holds for the same mails, if there is any.
    alike: Vec<Option<usize>>,
    /// For each boost of the one set, by its place among all, the one in the other set that holds for the same mails.
    boosts_alike: Vec<Option<usize>>,
    /// Do both find the same fields in a mail?
    same_fields: bool,
}

/// What rules were made of, in one spelling: two that were made of the same say the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Makings {
    /// Groups, calendars, fields: what every judgement may ask for.
    pub(super) common: String,
    /// Each rule without its conditions, which are compared as they were compiled, and its tests, with the categories
    /// that it names.
    pub(super) rules: BTreeMap<RuleId, String>,
}

impl<'r> Change<'r> {
    pub fn between(one: &'r Rules, other: &'r Rules) -> Change<'r> {
        // Codes are read out of every segment that any rule looks into.
        let alike = one.segments == other.segments;
        let words = if alike { changed_words(one, other) } else { None };
        let union = if alike { Some(Union::of(&one.vocabulary, &other.vocabulary)) } else { None };
        Change {
            one,
            other,
            words,
            union,
            alike: rules_alike(one, other),
            boosts_alike: boosts_alike(one, other),
            same_fields: one.makings.common == other.makings.common,
        }
    }

    /// What the two sets say is to be done about a mail, without evidence and scores; none if it can be told beforehand that they say the same.
    pub fn judge(&self, input: &Input<'_>) -> Option<(Judgement, Judgement)> {
        if self.words.as_ref().is_some_and(|words| words.len() == 0) {
            return None;
        }
        let Some(union) = &self.union else {
            return Some((self.one.judge(input), self.other.judge(input)));
        };
        let views = Views::of(input.message, self.one.segments, !input.subject_unchanged);
        if self.words.as_ref().is_some_and(|words| !words.is_in(views.all())) {
            return None;
        }
        let [of_one, of_other] = union.read(views.all());
        let (one, found) = engine::gist(self.one, input, &views, of_one, Known::default());
        let (other, _) = engine::gist(self.other, input, &views, of_other, self.known(found));
        Some((one, other))
    }

    /// What the other set need not find out again.
    fn known(&self, found: Known) -> Known {
        let reasons = self.alike.iter().map(|alike| alike.and_then(|at| found.reasons.get(at)?.clone())).collect();
        let there = |(place, factor): (usize, _)| Some((self.boosts_alike[place]?, factor));
        let boosts = found.boosts.into_iter().filter_map(there).collect();
        Known { reasons, boosts, fields: found.fields.filter(|_| self.same_fields) }
    }
}

/// Of these words one stands in every mail that the two sets may judge differently. None if that can be any mail: what
/// all rules share has changed, or a rule that needs no word.
fn changed_words(one: &Rules, other: &Rules) -> Option<Vocabulary> {
    if one.makings.common != other.makings.common {
        return None;
    }
    let mut words = Words::default();
    for (rules, others) in [(one, other), (other, one)] {
        for rule in rules.rules.iter().filter(|rule| rule.in_force()) {
            let between = Between(rules, others);
            let difference = match others.rule(&rule.id).filter(|_| rules.makes_alike(others, &rule.id)) {
                Some(other) => between.rules(rule, other)?,
                None => between.words(&gate::of_rule(rule)?),
            };
            for (look, word) in difference {
                words.needle(look, word);
            }
        }
    }
    Some(words.build())
}

/// See [`Change::alike`]. What other rules say may be different in both sets.
fn rules_alike(one: &Rules, other: &Rules) -> Vec<Option<usize>> {
    let between = Between(one, other);
    let is_alike = |at: &usize, rule: &Rule| {
        let counterpart = &one.rules[*at];
        one.settled[*at]
            && counterpart.scope == rule.scope
            && between.whens(&counterpart.when, &rule.when).is_some_and(|words| words.is_empty())
    };
    other.rules.iter().map(|rule| one.index_of(&rule.id).filter(|at| is_alike(at, rule))).collect()
}

/// See [`Change::boosts_alike`].
fn boosts_alike(one: &Rules, other: &Rules) -> Vec<Option<usize>> {
    let between = Between(one, other);
    let mut alike = Vec::new();
    for rule in &one.rules {
        let there = other.index_of(&rule.id).filter(|there| other.rules[*there].scope == rule.scope);
        let counterpart = |(at, boost): (usize, &Boost)| {
            let condition = &other.rules[there?].boosts.get(at)?.condition;
            let no_difference = between.conditions(&boost.condition, condition)?.is_empty();
            let place = other.gates.boosts_of(there?).nth(at);
            place.filter(|_| no_difference && boost.condition.is_settled())
        };
        alike.extend(rule.boosts.iter().enumerate().map(counterpart));
    }
    alike
}

impl Rules {
    /// Is this rule the same in the other set, but for its conditions?
    fn makes_alike(&self, other: &Rules, id: &RuleId) -> bool {
        self.makings.rules.get(id) == other.makings.rules.get(id)
    }
}
