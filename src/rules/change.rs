//! In which mails two sets of rules can come to different decisions, told before anything is judged.
//!
//! A change is small, mostly: a word more, a weight, a threshold. Nearly every rule needs a word to hold (see `gate`),
//! so a mail that has no word of any rule that changed is decided alike by both sets, whatever it is about. To find
//! that out costs a tenth of judging it.

use std::collections::BTreeMap;

use super::gate;
use super::segment::{Segments, Views};
use super::vocabulary::{Vocabulary, Words};
use super::{Rule, Rules};
use crate::ids::RuleId;
use crate::message::Message;

/// The words by which rules wake that stand in one of two sets only, or otherwise in the other.
#[derive(Debug)]
pub struct Change {
    words: Vocabulary,
    segments: Segments,
}

/// What rules were made of, in one spelling: two that were made of the same say the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Makings {
    /// Groups, calendars, fields: what every judgement may ask for.
    pub(super) common: String,
    /// Each rule without its tests, with the lists and the categories that it names.
    pub(super) rules: BTreeMap<RuleId, String>,
}

impl Change {
    /// None if any mail may be decided otherwise: what all rules share has changed, or a rule that needs no word.
    pub fn between(one: &Rules, other: &Rules) -> Option<Change> {
        // Codes are read out of every segment that any rule looks into.
        if one.makings.common != other.makings.common || one.segments != other.segments {
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
        Some(Change { words: words.build().ok()?, segments: one.segments })
    }

    /// May the two sets decide this mail differently?
    pub fn may_matter(&self, message: &Message) -> bool {
        self.words.len() > 0 && self.words.is_in(Views::of(message, self.segments, self.words.squeezes(), true).all())
    }
}

impl Rules {
    /// The rules in force that the other set does not have just so. What is not in force decides nothing.
    fn changed_from(&self, other: &Rules) -> impl Iterator<Item = &Rule> {
        let same = |rule: &&Rule| self.makings.rules.get(&rule.id) == other.makings.rules.get(&rule.id);
        self.rules.iter().filter(|rule| rule.in_force()).filter(move |rule| !same(rule))
    }
}
