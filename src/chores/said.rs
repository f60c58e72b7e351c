//! What was said in a case, gathered from the journal and the archive, outside the store's critical section.

use std::collections::HashSet;
use std::thread;

use crate::case::Case;
use crate::decide::{self, Utterance};
use crate::ids::MessageId;
use crate::message::{self, Limits, Message};
use crate::outgoing::Outgoing;
use crate::playbook::Playbook;
use crate::store::{Decided, Outcome, Record, Store, StoreError};

/// Octets of the stack on which a mail is read once more: as much as when it was read first.
const STACK: usize = 16 * 1024 * 1024;
/// What the reasons of a decision say of a sender who was proven false.
const FORGED: &str = "fail";

/// Mails of the requester and what left to them, in order.
pub(super) fn said(store: &Store, case: &Case, playbook: &Playbook) -> Result<Vec<Utterance>, StoreError> {
    let history = store.history(case.number)?;
    let left: HashSet<&MessageId> = history
        .iter()
        .filter_map(|(_, record)| match record {
            Record::Sent { message_id, .. } => Some(message_id),
            _ => None,
        })
        .collect();
    let mut said = Vec::new();
    for (_, record) in &history {
        if let Record::Decided(decided) = record.plain()
            && is_heard(decided)
        {
            // What retention has taken is not in the transcript either.
            let bytes = store.archive().get(&decided.hash).ok();
            let message = bytes.and_then(|bytes| read(&bytes));
            said.extend(message.and_then(|mail| decide::heard_from(&mail, case, playbook, decided.delivered)));
        }
        for (at, mail) in sent(record) {
            let to_requester = Some(&mail.envelope.to) == case.requester.as_ref() && mail.content.original.is_none();
            // As is what retention has taken of our own letters.
            if to_requester && !mail.content.is_forgotten() && left.contains(&mail.message_id) {
                let message = read(&mail.content.bytes(None));
                said.extend(message.and_then(|message| decide::said_to(&message, mail.purpose, playbook, at)));
            }
        }
    }
    said.sort_by_key(|piece: &Utterance| piece.at);
    Ok(said)
}

/// A mail that came into the case and was not proven false.
fn is_heard(decided: &Decided) -> bool {
    let forged = decided.why.0.iter().any(|(key, text)| key == "authentication" && text.starts_with(FORGED));
    matches!(decided.outcome, Outcome::Opened(_) | Outcome::Appended(_)) && !forged
}

fn sent(record: &Record) -> impl Iterator<Item = (crate::time::Timestamp, &Outgoing)> {
    let at = match record.plain() {
        Record::Decided(decided) => Some(decided.at),
        Record::Changed(changed) => Some(changed.at),
        _ => None,
    };
    at.into_iter().flat_map(|at| record.outgoing().iter().map(move |mail| (at, mail)))
}

/// Reads a mail where a panic, or a stack that runs out of its guard, costs no more than this one mail.
fn read(bytes: &[u8]) -> Option<Message> {
    thread::scope(|scope| {
        let reader = || message::read(bytes, &Limits::default());
        let reader = thread::Builder::new().name("reader".into()).stack_size(STACK).spawn_scoped(scope, reader);
        reader.ok()?.join().ok()
    })
}
