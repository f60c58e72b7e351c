//! What an operator decides about a mail in quarantine.

use std::sync::Arc;

use super::{Answer, Change};
use crate::case::CaseState;
use crate::ids::{CaseNumber, MailHash};
use crate::ingest::reader::read_all;
use crate::ingest::{Again, again};
use crate::message::{Limits, Message};
use crate::playbook::Playbook;
use crate::store::{Changed, DROPPED, Decided, Outcome, Record, StartMark, Store, StoreError, View, Why};
use crate::time::Timestamp;

/// A mail in quarantine that can be read now.
pub(super) struct Read {
    hash: MailHash,
    message: Message,
    first: Decided,
    mark: Option<StartMark>,
    playbook: Arc<Playbook>,
}

/// Reads it again, beside the work; the inner error is for the operator.
pub(super) fn read(
    store: &Store,
    hash: &MailHash,
    playbook: &dyn Fn() -> Result<Arc<Playbook>, String>,
) -> Result<Result<Read, String>, StoreError> {
    let bytes = match store.archive().get(hash) {
        Err(error @ (StoreError::Missing(_) | StoreError::Altered(_))) => return Ok(Err(error.to_string())),
        bytes => bytes?,
    };
    let Some(first) = store.decided(hash)? else { return Ok(Err(not_there(hash))) };
    let message = match read_all(&[&bytes], &Limits::default()).pop() {
        Some(Ok(message)) => message,
        Some(Err(why)) => return Ok(Err(format!("it still cannot be read: {why}; nothing was changed"))),
        None => return Ok(Err("it was not read; nothing was changed".into())),
    };
    let playbook = match playbook() {
        Ok(playbook) => playbook,
        Err(why) => return Ok(Err(why)),
    };
    let mark = store.mailbox(&first.mailbox)?.started;
    Ok(Ok(Read { hash: *hash, message, first, mark, playbook }))
}

/// It is decided anew.
pub(super) fn retry(view: &View<'_>, read: &Read, by: &str, now: Timestamp) -> Result<Change, StoreError> {
    let case = match quarantined(view, &read.hash)? {
        Ok(case) => case,
        Err(answer) => return Ok(Change::Leave(answer)),
    };
    if view.case(case)?.is_some_and(|case| case.answers > 0) {
        let why = format!("case {case} has been answered already; nothing was changed");
        return Ok(Change::Leave(Answer::Refused(why)));
    }
    let configured = &read.playbook.config().mailboxes;
    let Some(mailbox) = configured.iter().find(|mailbox| mailbox.name == read.first.mailbox) else {
        let why = format!("mailbox {} is not in the configuration any more", read.first.mailbox);
        return Ok(Change::Leave(Answer::Refused(why)));
    };
    let mail = Again {
        hash: read.hash,
        message: &read.message,
        first: &read.first,
        mailbox,
        mark: read.mark,
        playbook: &read.playbook,
        case,
        asked: &format!("read again, {by} asked for it"),
    };
    let record = again(view, &mail, now)?;
    let said = match &record {
        Record::Decided(decided) => said(&read.hash, case, decided),
        _ => String::new(),
    };
    Ok(Change::Write(Box::new(record), said))
}

/// It needs nothing more: its case is closed. Its bytes stay as long as those of any mail.
pub(super) fn drop(
    view: &View<'_>,
    hash: &MailHash,
    reason: &str,
    by: &str,
    now: Timestamp,
) -> Result<Change, StoreError> {
    let number = match quarantined(view, hash)? {
        Ok(number) => number,
        Err(answer) => return Ok(Change::Leave(answer)),
    };
    let Some(mut case) = view.case(number)? else {
        return Ok(Change::Leave(Answer::Refused(format!("case {number} is not there"))));
    };
    (case.state, case.touched) = (CaseState::Closed, now);
    let why = Why(vec![(DROPPED.to_owned(), format!("by {by}: {reason}"))]);
    let changed = Changed { at: now, case, outgoing: Vec::new(), spent: Vec::new(), why };
    let said = format!("{} is dropped, and case {number} closed; its bytes are kept", hash.short());
    Ok(Change::Write(Box::new(Record::Changed(Box::new(changed))), said))
}

/// The case of a mail that is in quarantine.
fn quarantined(view: &View<'_>, hash: &MailHash) -> Result<Result<CaseNumber, Answer>, StoreError> {
    Ok(match view.taken(hash)?.map(|ledgered| ledgered.outcome) {
        Some(Outcome::Quarantined(Some(case))) => Ok(case),
        _ => Err(Answer::Refused(not_there(hash))),
    })
}

fn not_there(hash: &MailHash) -> String {
    format!("{} is not in quarantine any more; nothing was changed", hash.short())
}

fn said(hash: &MailHash, case: CaseNumber, decided: &Decided) -> String {
    let mails = match decided.outgoing.len() {
        0 => "no mail leaves".to_owned(),
        1 => "1 mail leaves".to_owned(),
        many => format!("{many} mails leave"),
    };
    let went = match decided.outcome.case() {
        Some(other) if other != case => format!("it belongs to case {other}; case {case} stays with its group"),
        _ => format!("it is in case {case}"),
    };
    format!("{} was read: {went}, {mails}", hash.short())
}
