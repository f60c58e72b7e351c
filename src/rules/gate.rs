//! Which rules a mail can wake, by the words that were seen in it.
//!
//! Nearly every rule needs a word: without one of its keywords, or of the words of its regex, it cannot hold. So
//! with ten thousand rules a mail asks the dozen whose words it has, and those that need none. The same goes for the
//! boosts of a rule: one that was learnt has a hundred and sixty, of which a mail has a few.

use std::ops::Range;

use super::condition::{Condition, When};
use super::rule::Rule;
use super::vocabulary::Needle;

#[derive(Debug, Default)]
pub(super) struct Gates {
    pub(super) rules: Gate,
    /// Of all rules, one after another.
    pub(super) boosts: Gate,
    /// Where the boosts of each rule begin, and where the last one's end.
    begins: Vec<usize>,
}

/// Things that need a word, by their places.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// For each: it is asked whatever was seen.
    always: Vec<bool>,
    /// The places of each needle, one after another, and where those of each begin.
    places: Vec<u32>,
    begins: Vec<u32>,
}

impl Gates {
    /// `needles` is how many there are.
    pub(super) fn of_rules(rules: &[Rule], needles: usize) -> Gates {
        let boosts = rules.iter().flat_map(|rule| &rule.boosts).map(|boost| of_condition(&boost.condition));
        let mut begins = vec![0];
        for rule in rules {
            begins.push(begins[begins.len() - 1] + rule.boosts.len());
        }
        Gates { rules: Gate::of(rules.iter().map(of_rule), needles), boosts: Gate::of(boosts, needles), begins }
    }

    /// The places of a rule's boosts among all.
    pub(super) fn boosts_of(&self, rule: usize) -> Range<usize> {
        self.begins[rule]..self.begins[rule + 1]
    }
}

impl Gate {
    /// Of each thing the words of which one must be seen; none if it may hold without.
    fn of(things: impl Iterator<Item = Option<Vec<Needle>>>, needles: usize) -> Gate {
        let (mut always, mut woken) = (Vec::new(), Vec::new());
        for (place, words) in things.enumerate() {
            always.push(words.is_none());
            woken.extend(words.into_iter().flatten().map(|needle| (needle.index(), place as u32)));
        }
        woken.sort_unstable();
        woken.dedup();
        let begins = (0..=needles).map(|needle| woken.partition_point(|(of, _)| *of < needle) as u32).collect();
        Gate { always, places: woken.into_iter().map(|(_, place)| place).collect(), begins }
    }

    /// For each, may it hold in a mail in which these words were seen?
    pub(super) fn awake(&self, seen: &[Needle]) -> Vec<bool> {
        let mut awake = self.always.clone();
        for needle in seen {
            self.woken_by(*needle).iter().for_each(|place| awake[*place as usize] = true);
        }
        awake
    }

    fn woken_by(&self, needle: Needle) -> &[u32] {
        let begin = |index: usize| self.begins.get(index).map_or(0, |begin| *begin as usize);
        self.places.get(begin(needle.index())..begin(needle.index() + 1)).unwrap_or_default()
    }
}

/// Words of which one must be seen for the rule to hold; none if it may hold without.
pub(super) fn of_rule(rule: &Rule) -> Option<Vec<Needle>> {
    of_when(&rule.when)
}

/// The same for its groups.
fn of_when(when: &When) -> Option<Vec<Needle>> {
    let any = match when.any.is_empty() {
        true => None,
        false => when.any.iter().map(of_condition).collect::<Option<Vec<_>>>().map(|sets| sets.concat()),
    };
    let all = when.all.iter().filter_map(of_condition);
    all.chain(any).min_by_key(Vec::len)
}

pub(super) fn of_condition(condition: &Condition) -> Option<Vec<Needle>> {
    match condition {
        Condition::Words(words) => Some(words.needles.clone()),
        Condition::Pattern(pattern) => pattern.skeleton.telling().map(<[Needle]>::to_vec),
        Condition::Sequence(sequence) => sequence.steps.iter().min_by_key(|step| step.len()).cloned(),
        Condition::Group(when) => of_when(when),
        _ => None,
    }
}
