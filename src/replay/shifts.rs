//! What changes between two ways to decide the same mails, grouped: so many mails from this to that.

use std::collections::BTreeMap;

use crate::decide::{Aspect, Upshot};

/// See the module text.
#[derive(Debug, Clone, Default)]
pub struct Shifts {
    /// Mails compared.
    pub mails: usize,
    /// Mails of which anything changes.
    pub changed: usize,
    groups: BTreeMap<(Aspect, String, String), Shift>,
}

/// Mails that change in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    pub aspect: Aspect,
    pub from: String,
    pub to: String,
    pub mails: usize,
    /// Places of the first of them.
    pub examples: Vec<usize>,
}

/// Examples of one shift: one may be odd, three show what they have in common.
const EXAMPLES: usize = 3;

impl Shifts {
    /// One more mail of which nothing changes.
    pub fn add_same(&mut self) {
        self.mails += 1;
    }

    /// One more mail, by its place. True if it is an example that somebody will want to see.
    pub fn add(&mut self, place: usize, from: &Upshot, to: &Upshot) -> bool {
        self.mails += 1;
        let (mut changed, mut shown) = (false, false);
        for aspect in from.changes(to) {
            changed = true;
            let (from, to) = (from.told(aspect).to_owned(), to.told(aspect).to_owned());
            let group = self.groups.entry((aspect, from.clone(), to.clone()));
            let shift = group.or_insert(Shift { aspect, from, to, mails: 0, examples: Vec::new() });
            shift.mails += 1;
            if shift.examples.len() < EXAMPLES {
                shift.examples.push(place);
                shown = true;
            }
        }
        self.changed += usize::from(changed);
        shown
    }

    /// By aspect, the largest first.
    pub fn all(&self) -> Vec<&Shift> {
        let mut shifts: Vec<&Shift> = self.groups.values().collect();
        shifts.sort_by_key(|shift| (shift.aspect, std::cmp::Reverse(shift.mails)));
        shifts
    }

    /// The share of mails that change, in percent.
    pub fn percent(&self) -> f64 {
        if self.mails == 0 { 0.0 } else { self.changed as f64 * 100.0 / self.mails as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CategoryId, GroupId};

    #[test]
    fn mails_that_change_alike_are_counted_together() {
        let upshot = |category: &str, handoff| Upshot {
            category: CategoryId::parse(category).ok(),
            reply: None,
            group: GroupId::parse("g").unwrap(),
            handoff,
        };
        let mut shifts = Shifts::default();
        assert!(!shifts.add(0, &upshot("a", true), &upshot("a", true)));
        for place in 1..=5 {
            shifts.add(place, &upshot("a", false), &upshot("b", false));
        }
        shifts.add(6, &upshot("c", false), &upshot("b", true));
        let told: Vec<_> = shifts
            .all()
            .into_iter()
            .map(|shift| (shift.aspect.as_str(), shift.from.as_str(), shift.to.as_str(), shift.mails))
            .collect();
        let want = [("category", "a", "b", 5), ("category", "c", "b", 1), ("handoff", "no humans", "to humans", 1)];
        assert_eq!(told, want);
        assert_eq!(shifts.all()[0].examples, [1, 2, 3]);
        assert_eq!((shifts.mails, shifts.changed, shifts.percent().round()), (7, 6, 86.0));
    }
}
