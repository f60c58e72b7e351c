//! Mails that agents have put into a category: what `suggest` learns from, and what `backtest` is measured by.

use std::path::Path;

use super::super::{Exit, Trouble};
use super::{configured, data, playbook, present};
use crate::ids::CategoryId;
use crate::playbook::Playbook;
use crate::replay::{Past, Replayed};

/// A mail and what an agent says that it is about.
pub struct Labelled {
    pub text: String,
    pub category: CategoryId,
}

/// All labelled mails of the bot that this configuration names.
pub fn of(config: &Path) -> Result<Vec<Labelled>, Trouble> {
    let configured = configured(config)?;
    let playbook = playbook(&configured, &present(&configured)?)?;
    let past = Past::archived(&data(&configured), None).map_err(|error| Trouble::new(Exit::IoErr, error))?;
    let text = |replayed: &Replayed<'_>| {
        // Some of it becomes tests in a file of rules, which colleagues read.
        let message = replayed.shown(&playbook);
        format!("{}\n{}", message.subject, message.segments.fresh)
    };
    Ok(past.replay_labelled(&playbook, text).into_iter().map(|(text, category)| Labelled { text, category }).collect())
}

/// How many mails that agents sorted the two playbooks would put where the agents did.
pub fn print(past: &Past, before: &Playbook, after: &Playbook) {
    let right = |replayed: &Replayed<'_>| {
        let foresight = replayed.foresight(after);
        [before, after]
            .map(|playbook| foresight.under(playbook, None).judgement.category.as_ref().map(|won| won.category.clone()))
    };
    let sorted = past.replay_labelled(after, right);
    if sorted.is_empty() {
        return;
    }
    let count = |which: usize| sorted.iter().filter(|(found, label)| found[which].as_ref() == Some(label)).count();
    println!(
        "{} sorted by agents: {} as they did before, {} after",
        super::count(sorted.len(), "mail"),
        count(0),
        count(1)
    );
}
