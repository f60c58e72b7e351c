//! Mails of which agents have said something: what `suggest` learns from, and what `backtest` is measured by.

use std::collections::HashSet;
use std::path::Path;

use super::super::terminal::one_line;
use super::super::{Exit, Trouble};
use super::{configured, count, data, playbook, present};
use crate::ids::CaseNumber;
use crate::playbook::Playbook;
use crate::replay::{Label, Labelled, Past, Replayed};
use crate::suggest::Example;

/// Mails that tell categories apart, as far as agents have said.
#[derive(Default)]
pub struct Taught {
    /// About their label: sorted there, or answered rightly with an entry of it.
    pub examples: Vec<Example>,
    /// Not about their label: answered wrongly with an entry of it.
    pub refused: Vec<Example>,
    /// Of the examples, those that were sorted.
    pub sorted: usize,
}

/// All that agents taught the bot that this configuration names. What they said of an entry counts for the category that the
/// mail was answered as, unless they said outright what the case is about.
pub fn of(config: &Path) -> Result<Taught, Trouble> {
    let configured = configured(config)?;
    let playbook = playbook(&configured, &present(&configured)?)?;
    let past = Past::archived(&data(&configured), None).map_err(|error| Trouble::new(Exit::IoErr, error))?;
    let mut labels = past.labels();
    let is_sorted = |one: &&Labelled| matches!(one.label, Label::Category(_));
    let sorted: HashSet<CaseNumber> = labels.iter().filter(is_sorted).map(|one| one.case).collect();
    labels.retain(|one| is_sorted(&one) || !sorted.contains(&one.case));
    let read = |replayed: &Replayed<'_>| {
        // Some of it becomes tests in a file of rules, which colleagues read.
        let message = replayed.shown(&playbook);
        (format!("{}\n{}", message.subject, message.segments.fresh), replayed.recorded.category.clone())
    };
    let mut taught = Taught::default();
    for (labelled, read) in labels.iter().zip(past.replay_labelled(&labels, &playbook, read)) {
        let Some((text, answered_as)) = read else { continue };
        match (&labelled.label, answered_as) {
            (Label::Category(category), _) => {
                taught.sorted += 1;
                taught.examples.push(Example { label: category.to_string(), text });
            }
            (Label::Entry { good }, Some(category)) => {
                let to = if *good { &mut taught.examples } else { &mut taught.refused };
                to.push(Example { label: category.to_string(), text });
            }
            (Label::Entry { .. }, None) => {}
        }
    }
    Ok(taught)
}

/// What two playbooks make of the mails of which agents have said something.
#[derive(Default)]
pub struct Compared {
    sorted: Kept,
    /// Of entries that agents called right, and wrong.
    right: Kept,
    wrong: Kept,
}

/// Mails, and those of them for which each playbook would do what was done or said then.
#[derive(Default)]
struct Kept {
    all: usize,
    before: usize,
    after: usize,
    /// Places and subjects of those for which only the first would, and only the second.
    lost: Vec<(usize, String)>,
    gained: usize,
}

/// Columns of a subject.
const SUBJECT: usize = 60;
/// Mails named.
const EXAMPLES: usize = 3;

impl Compared {
    pub fn of(past: &Past, before: &Playbook, after: &Playbook) -> Compared {
        let labels = past.labels();
        let found = |replayed: &Replayed<'_>| {
            let foresight = replayed.foresight(after);
            let under = |playbook| {
                let foreseen = foresight.under(playbook, None);
                let category = foreseen.judgement.category.map(|won| won.category);
                // Without a word of the journal of what the entry was, nothing can be held against it.
                let entry = replayed.recorded.entry();
                (category, entry.is_some() && foreseen.upshot.reply.as_ref() == entry)
            };
            let subject = one_line(&replayed.shown(after).subject, SUBJECT);
            ([before, after].map(under), subject)
        };
        let mut compared = Compared::default();
        for (labelled, found) in labels.iter().zip(past.replay_labelled(&labels, after, found)) {
            let Some((found, subject)) = found else { continue };
            let holds = found.map(|(category, is_given)| match &labelled.label {
                Label::Category(wanted) => category.as_ref() == Some(wanted),
                Label::Entry { .. } => is_given,
            });
            let kept = match &labelled.label {
                Label::Category(_) => &mut compared.sorted,
                Label::Entry { good: true } => &mut compared.right,
                Label::Entry { good: false } => &mut compared.wrong,
            };
            kept.add(holds, labelled.mail, subject);
        }
        compared
    }

    /// Answers called right that would be given no more.
    pub fn lost(&self) -> usize {
        self.right.lost.len()
    }

    /// Answers called wrong that would still be given.
    pub fn still_wrong(&self) -> usize {
        self.wrong.after
    }

    pub fn print(&self, past: &Past) {
        let Kept { all, before, after, .. } = self.sorted;
        if all > 0 {
            println!("{} sorted by agents: {before} as they did before, {after} after", count(all, "mail"));
        }
        let right = [
            (&self.right, "right", format!("{} lost", self.right.lost.len())),
            (&self.wrong, "wrong", format!("{} answered otherwise now", self.wrong.lost.len())),
        ];
        for (kept, word, moved) in right.into_iter().filter(|(kept, ..)| kept.all > 0) {
            let (all, before, after) = (count(kept.all, "answer"), kept.before, kept.after);
            let gained = if kept.gained > 0 { format!(", {} given anew", kept.gained) } else { String::new() };
            println!("{all} that agents called {word}: {before} given before, {after} after; {moved}{gained}");
            for (place, subject) in kept.lost.iter().take(EXAMPLES) {
                println!("            {}  {subject}", past.name(*place));
            }
        }
    }
}

impl Kept {
    fn add(&mut self, [before, after]: [bool; 2], place: usize, subject: String) {
        self.all += 1;
        self.before += usize::from(before);
        self.after += usize::from(after);
        match (before, after) {
            (true, false) => self.lost.push((place, subject)),
            (false, true) => self.gained += 1,
            _ => {}
        }
    }
}
