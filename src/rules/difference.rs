//! How two sets of conditions differ, told in words: those of which one stands in every mail that they may answer
//! differently.
//!
//! A keyword more in a list is asked for in the mails that have this keyword, and in no other. Where it is not so plain,
//! all words without which the conditions cannot hold are told (see `gate`): without them neither holds.

use std::collections::BTreeSet;

use super::Rules;
use super::condition::{Condition, When};
use super::gate;
use super::rule::{Boost, Rule};
use super::sequence::SequenceIn;
use super::vocabulary::{Look, Needle};
use super::words::WordsIn;

/// A word and where it is looked for.
pub(super) type Word<'r> = (Look, &'r str);

/// Words; none if the conditions may be answered differently without any.
pub(super) type Difference<'r> = Option<Vec<Word<'r>>>;

/// The two sets of rules whose conditions are compared, by their words and ids: the one on the left, and the other.
#[derive(Clone, Copy)]
pub(super) struct Between<'r>(pub(super) &'r Rules, pub(super) &'r Rules);

impl<'r> Between<'r> {
    /// Of two rules that differ in nothing but their conditions and boosts.
    pub(super) fn rules(self, one: &'r Rule, other: &'r Rule) -> Difference<'r> {
        let conditions = if one.scope == other.scope { self.whens(&one.when, &other.when) } else { None };
        let difference = conditions.and_then(|mut words| {
            words.extend(self.boosts(&one.boosts, &other.boosts)?);
            Some(words)
        });
        difference.or_else(|| self.both(gate::of_rule(one), gate::of_rule(other)))
    }

    /// The words of these needles, of the one on the left.
    pub(super) fn words(self, needles: &[Needle]) -> Vec<Word<'r>> {
        words(self.0, needles)
    }

    /// Of the groups of two rules.
    pub(super) fn whens(self, one: &'r When, other: &'r When) -> Difference<'r> {
        if one.all.len() != other.all.len() || one.any.is_empty() != other.any.is_empty() {
            return None;
        }
        let groups =
            [(&one.all, &other.all), (&one.any, &other.any), (&one.none, &other.none), (&one.except, &other.except)];
        let mut words = Vec::new();
        for (one, other) in groups {
            for (one, other) in one.iter().zip(other) {
                words.extend(self.conditions(one, other)?);
            }
            // What the other has not is there as what never holds.
            let common = one.len().min(other.len());
            words.extend(self.both(of_all(&one[common..]), of_all(&other[common..]))?);
        }
        Some(words)
    }

    pub(super) fn conditions(self, one: &'r Condition, other: &'r Condition) -> Difference<'r> {
        let told = match (one, other) {
            (Condition::Words(one), Condition::Words(other)) => self.keywords(one, other),
            (Condition::Group(one), Condition::Group(other)) => self.whens(one, other),
            (Condition::Pattern(one), Condition::Pattern(other)) => {
                let same = one.regex.as_str() == other.regex.as_str() && one.segments == other.segments;
                same.then(Vec::new)
            }
            (Condition::Sequence(one), Condition::Sequence(other)) => {
                let asked = |sequence: &SequenceIn| (sequence.within, sequence.look, sequence.edges, sequence.segments);
                let steps = |rules, sequence: &'r SequenceIn| -> Vec<Vec<Word<'r>>> {
                    sequence.steps.iter().map(|step| words(rules, step)).collect()
                };
                (asked(one) == asked(other) && steps(self.0, one) == steps(self.1, other)).then(Vec::new)
            }
            // How that rule differs is told of it.
            (Condition::Rule(one), Condition::Rule(other)) => {
                (self.0.rules[*one].id == self.1.rules[*other].id).then(Vec::new)
            }
            (one, other) => (format!("{one:?}") == format!("{other:?}")).then(Vec::new),
        };
        told.or_else(|| self.both(gate::of_condition(one), gate::of_condition(other)))
    }

    fn keywords(self, one: &'r WordsIn, other: &'r WordsIn) -> Difference<'r> {
        let asked = |words: &WordsIn| (words.look, words.edges, words.min, words.segments, words.drop_denied);
        if asked(one) != asked(other) {
            return None;
        }
        let (ours, theirs) = (words(self.0, &one.needles), words(self.1, &other.needles));
        let (known, wanted): (BTreeSet<_>, BTreeSet<_>) = (ours.iter().collect(), theirs.iter().collect());
        let shared = |words: &[Word<'r>], others: &BTreeSet<&Word<'r>>| {
            words.iter().filter(|word| others.contains(word)).copied().collect::<Vec<_>>()
        };
        // The first pieces of evidence are kept: in another order they may be others.
        let same_order = shared(&ours, &wanted) == shared(&theirs, &known);
        same_order.then(|| known.symmetric_difference(&wanted).map(|word| **word).collect())
    }

    fn boosts(self, one: &'r [Boost], other: &'r [Boost]) -> Difference<'r> {
        let mut words = Vec::new();
        for (one, other) in one.iter().zip(other) {
            words.extend(match one.weight == other.weight && one.capture == other.capture {
                true => self.conditions(&one.condition, &other.condition)?,
                false => self.both(gate::of_condition(&one.condition), gate::of_condition(&other.condition))?,
            });
        }
        let common = one.len().min(other.len());
        for (rules, more) in [(self.0, &one[common..]), (self.1, &other[common..])] {
            for boost in more {
                words.extend(self::words(rules, &gate::of_condition(&boost.condition)?));
            }
        }
        Some(words)
    }

    /// The words of both; none if either may hold without.
    fn both(self, one: Option<Vec<Needle>>, other: Option<Vec<Needle>>) -> Difference<'r> {
        let mut all = words(self.0, &one?);
        all.extend(words(self.1, &other?));
        Some(all)
    }
}

fn words<'r>(rules: &'r Rules, needles: &[Needle]) -> Vec<Word<'r>> {
    needles.iter().map(|needle| (rules.vocabulary.look(*needle), rules.vocabulary.word(*needle))).collect()
}

fn of_all(conditions: &[Condition]) -> Option<Vec<Needle>> {
    conditions.iter().map(gate::of_condition).collect::<Option<Vec<_>>>().map(|sets| sets.concat())
}
