//! Which rules a mail can wake, by the words that were seen in it.
//!
//! Nearly every rule needs a word: without one of its keywords, or of the literals of its regex, it cannot hold. So
//! with ten thousand rules a mail asks the dozen whose words it has, and those that need none.

use super::condition::{Condition, When};
use super::rule::Rule;
use super::vocabulary::Needle;

#[derive(Debug, Default)]
pub(super) struct Gates {
    /// For each rule: it is asked whatever was seen.
    pub(super) always: Vec<bool>,
    /// The rules of each needle, one after another, and where those of each begin.
    places: Vec<u32>,
    begins: Vec<u32>,
}

impl Gates {
    /// `needles` is how many there are.
    pub(super) fn of_rules(rules: &[Rule], needles: usize) -> Gates {
        let mut always = vec![false; rules.len()];
        let mut woken: Vec<(usize, u32)> = Vec::new();
        for (place, rule) in rules.iter().enumerate() {
            match of_rule(rule) {
                Some(words) => woken.extend(words.into_iter().map(|needle| (needle.index(), place as u32))),
                None => always[place] = true,
            }
        }
        woken.sort_unstable();
        woken.dedup();
        let begins = (0..=needles).map(|needle| woken.partition_point(|(of, _)| *of < needle) as u32).collect();
        Gates { always, places: woken.into_iter().map(|(_, place)| place).collect(), begins }
    }

    pub(super) fn of(&self, needle: Needle) -> &[u32] {
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

fn of_condition(condition: &Condition) -> Option<Vec<Needle>> {
    match condition {
        Condition::Words(words) => Some(words.needles.clone()),
        Condition::Pattern(pattern) => pattern.literals.first().cloned(),
        Condition::Sequence(sequence) => sequence.steps.iter().min_by_key(|step| step.len()).cloned(),
        Condition::Group(when) => of_when(when),
        _ => None,
    }
}
