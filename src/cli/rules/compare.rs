//! Two playbooks over the same mails: what `backtest` prints, and what `apply` asks about.

use std::collections::BTreeMap;
use std::time::Instant;

use super::super::terminal::{Progress, one_line};
use crate::playbook::Playbook;
use crate::replay::{Past, Replayed, Shifts};
use crate::rules::Change;

/// Columns of a subject.
const SUBJECT: usize = 60;

/// How a comparison went.
pub struct Comparison {
    pub shifts: Shifts,
    /// Mails that could not be read, and why the first could not.
    pub unread: usize,
    pub why_unread: Option<String>,
    /// Subjects of the examples, by the places of the mails.
    subjects: BTreeMap<usize, String>,
    seconds: f64,
}

/// Decides every mail under both, where it may make a difference.
pub fn compare(past: &Past, before: &Playbook, after: &Playbook) -> Comparison {
    let mut comparison =
        Comparison { shifts: Shifts::default(), unread: 0, why_unread: None, subjects: BTreeMap::new(), seconds: 0.0 };
    let (begun, mut progress) = (Instant::now(), Progress::new(past.len(), "deciding"));
    let change = Change::between(before.rules(), after.rules());
    let decide = |replayed: &Replayed<'_>| {
        let (from, to) = replayed.foresight(after).shift(before, after, &change)?;
        Some((from, to, one_line(&replayed.shown(after).subject, SUBJECT)))
    };
    past.replay(after, decide, |place, result| {
        match result {
            Ok(None) => comparison.shifts.add_same(),
            Ok(Some((from, to, subject))) => {
                if comparison.shifts.add(place, &from, &to) {
                    comparison.subjects.insert(place, subject);
                }
            }
            Err(why) => {
                comparison.unread += 1;
                comparison.why_unread.get_or_insert(why);
            }
        }
        progress.step();
    });
    comparison.seconds = begun.elapsed().as_secs_f64();
    comparison
}

impl Comparison {
    /// Groups with examples, then the figures.
    pub fn print(&self, past: &Past) {
        for shift in self.shifts.all() {
            let mails = super::count(shift.mails, "mail");
            println!("{:9} {} → {}: {mails}", shift.aspect.as_str(), shift.from, shift.to);
            for place in &shift.examples {
                let subject = self.subjects.get(place).map_or("", String::as_str);
                println!("            {}  {subject}", past.name(*place));
            }
        }
        println!("{}", self.told());
    }

    pub fn told(&self) -> String {
        let (shifts, per_second) = (&self.shifts, self.shifts.mails as f64 / self.seconds.max(0.001));
        let unread = match &self.why_unread {
            None => String::new(),
            Some(why) => format!("; {} could not be read, the first because {why}", self.unread),
        };
        format!(
            "{} of {} would be decided otherwise ({:.1} %); {:.1} s, {per_second:.0} mails/s{unread}",
            shifts.changed,
            super::count(shifts.mails, "mail"),
            shifts.percent(),
            self.seconds,
        )
    }
}
