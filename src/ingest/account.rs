//! Why a case is where it is, for the agent who asks: its mails are taken out of journal and archive once more.

use super::reader;
use crate::case::{Account, Case};
use crate::decide::{self, Mail, Remembered, Shown};
use crate::ids::GroupId;
use crate::language::Language;
use crate::message::{self, Limits};
use crate::playbook::Playbook;
use crate::screen::Kind;
use crate::store::{Archive, Decided, Outcome, Record};

/// Mails that are told of: the last one, and some before it in a line each.
const MOST: usize = 5;

/// The lines for the agent. A mail that retention has taken, or that cannot be read any more, is left out.
pub(super) fn of(
    history: &[Record],
    group: &GroupId,
    archive: &Archive,
    playbook: &Playbook,
    language: Language,
) -> Account {
    let mut before: Option<&Case> = None;
    let mut mails: Vec<(&Decided, Option<&Case>)> = Vec::new();
    for record in history {
        match record.plain() {
            Record::Decided(decided) => {
                if is_a_persons(decided, before) {
                    mails.push((decided, before.filter(|_| !matches!(decided.outcome, Outcome::Opened(_)))));
                }
                before = decided.case.as_ref().or(before);
            }
            Record::Changed(changed) => before = Some(&changed.case),
            _ => {}
        }
    }
    mails.drain(..mails.len().saturating_sub(MOST));
    let read = reader::on_all_cores(&mails, |(decided, _)| {
        let bytes = archive.get(&decided.hash).map_err(|error| error.to_string())?;
        Ok(message::read(&bytes, &Limits::default()))
    });
    let read: Vec<_> = read.into_iter().zip(&mails).filter_map(|(message, mail)| Some((message.ok()?, mail))).collect();
    let remembered = read.iter().filter_map(|(message, (decided, before))| {
        // A mailbox that is watched no more is stood for by the first.
        let mailbox = playbook.config().mailbox(&decided.mailbox).or(playbook.config().mailboxes.first())?;
        let mail = Mail {
            mailbox,
            hash: decided.hash,
            message,
            findings: None,
            delivered: decided.delivered,
            junk: false,
            baseline: false,
        };
        Some(Remembered { mail, before: *before, at: decided.at, why: &decided.why.0 })
    });
    decide::account(&remembered.collect::<Vec<_>>(), group, playbook, language)
}

/// A mail that a person wrote who is no agent, and of which it is known how it found its case.
fn is_a_persons(decided: &Decided, before: Option<&Case>) -> bool {
    let line = |wanted: &str| decided.why.0.iter().find(|(key, _)| key == wanted).map(|(_, text)| text.as_str());
    let found = match decided.outcome {
        Outcome::Opened(_) => true,
        Outcome::Appended(_) => before.is_some(),
        _ => false,
    };
    found && line("kind") == Some(Kind::Human.as_str()) && line("shown").and_then(Shown::parse).is_some()
}
