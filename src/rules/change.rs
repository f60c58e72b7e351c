//! In which mails two sets of rules can come to different decisions, told before anything is judged.
//!
//! A change is small, mostly: a word more, a weight, a threshold. Nearly every rule needs a word to hold (see `gate`),
//! so a mail that has no word of any rule that changed is decided alike by both sets, whatever it is about. To find
//! that out costs a tenth of judging it.

use std::collections::BTreeMap;

use super::engine;
use super::gate;
use super::judgement::{Input, Judgement};
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
}

/// What rules were made of, in one spelling: two that were made of the same say the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Makings {
    /// Groups, calendars, fields: what every judgement may ask for.
    pub(super) common: String,
    /// Each rule without its tests, with the lists and the categories that it names.
    pub(super) rules: BTreeMap<RuleId, String>,
}

impl<'r> Change<'r> {
    pub fn between(one: &'r Rules, other: &'r Rules) -> Change<'r> {
        // Codes are read out of every segment that any rule looks into.
        let alike = one.segments == other.segments;
        let words = if alike { changed_words(one, other) } else { None };
        let union = if alike { Some(Union::of(&one.vocabulary, &other.vocabulary)) } else { None };
        Change { one, other, words, union }
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
        Some((engine::gist(self.one, input, &views, of_one), engine::gist(self.other, input, &views, of_other)))
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
        for rule in rules.changed_from(others) {
            for needle in gate::of_rule(rule)? {
                words.needle(rules.vocabulary.look(needle), rules.vocabulary.word(needle));
            }
        }
    }
    Some(words.build())
}

impl Rules {
    /// The rules in force that the other set does not have just so. What is not in force decides nothing.
    fn changed_from(&self, other: &Rules) -> impl Iterator<Item = &Rule> {
        let same = |rule: &&Rule| self.makings.rules.get(&rule.id) == other.makings.rules.get(&rule.id);
        self.rules.iter().filter(|rule| rule.in_force()).filter(move |rule| !same(rule))
    }
}
