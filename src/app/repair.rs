//! After a repair of the journal: the mails whose decision was lost are taken again from the archive, and mails that
//! were altered in the archive are fetched again from the mailbox.
//!
//! A mail whose answer had begun to leave is not answered twice: it goes to the quarantine, where a person sees it.

use std::collections::HashSet;

use super::doors;
use super::files::Configured;
use crate::case::Case;
use crate::config::Mailbox;
use crate::decide;
use crate::ids::{CaseNumber, MailHash, MessageId};
use crate::ingest::reader::read_all;
use crate::mailbox::{Fetched, Listed, Place, Source};
use crate::message::Limits;
use crate::outgoing::Purpose;
use crate::store::{Decided, Outcome, QUARANTINED, Record, Repair, Store, StoreError, Why};
use crate::thread;
use crate::time::Timestamp;

/// What became of the mails that no record names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retaken {
    /// The bot decides about these when it runs.
    pub taken: Vec<MailHash>,
    /// In quarantine, with their cases: an answer to them had begun to leave.
    pub shown: Vec<(MailHash, CaseNumber)>,
}

/// Takes the mails again that no record names.
pub fn retake(store: &Store, configured: &Configured, repair: &Repair, now: Timestamp) -> Result<Retaken, StoreError> {
    let mut retaken = Retaken::default();
    let key = store.key().clone();
    let is_answer = |id: &&MessageId| id.own(&key).is_some_and(|own| own.name.starts_with(Purpose::Answer.as_str()));
    let answered: HashSet<CaseNumber> =
        repair.orphans.iter().filter(is_answer).filter_map(|id| id.own_case(&key)).collect();
    for (hash, since) in &repair.strays {
        let bytes = match store.archive().get(hash) {
            Err(StoreError::Altered(_) | StoreError::Missing(_)) => continue,
            bytes => bytes?,
        };
        let Some(mailbox) = mailbox_of(configured, &bytes) else { continue };
        let place = Place::archived(*since, &hash.to_string());
        match thread::candidates(hash, &key).into_iter().find(|number| answered.contains(number)) {
            Some(number) => {
                let case = match store.case(number)? {
                    Some(case) => case,
                    // An answer had begun to leave.
                    None => Case { answers: 1, ..decide::unread(number, mailbox, now) },
                };
                store.append(shown(*hash, place, *since, case, now))?;
                retaken.shown.push((*hash, number));
            }
            None => {
                let mailbox = mailbox.name.clone();
                store.append(Record::Taken { mailbox, place, hash: *hash, attempt: 1, at: now })?;
                retaken.taken.push(*hash);
            }
        }
    }
    store.sync()?;
    Ok(retaken)
}

/// The mails of the archive whose bytes are no longer what was put there, with the place where each was found.
pub fn altered(store: &Store) -> Result<Vec<(MailHash, Option<Place>)>, StoreError> {
    let mut found = Vec::new();
    for (hash, _) in store.archive().all()? {
        match store.archive().get(&hash) {
            Err(StoreError::Altered(_)) => {
                found.push((hash, store.taken(&hash)?.map(|ledgered| ledgered.place)));
            }
            other => {
                other?;
            }
        }
    }
    Ok(found)
}

/// Fetches altered mails again where they still lie in a mailbox; those that are whole again.
pub async fn fetch_again(
    store: &Store,
    configured: &Configured,
    altered: &[(MailHash, Option<Place>)],
) -> anyhow::Result<Vec<MailHash>> {
    let mut healed = Vec::new();
    for mailbox in &configured.config.mailboxes {
        let mut source = doors::source(configured, mailbox)?;
        for (hash, place) in altered {
            let found = store.taken(hash)?.is_some_and(|ledgered| ledgered.mailbox == mailbox.name);
            let Some(place) = place.clone().filter(|_| found) else { continue };
            let listed = Listed { place, size: 0, delivered: Timestamp::UNIX_EPOCH, junk: false };
            // A server that is not there, or has the mail no longer, leaves it as it is.
            let Ok(fetched) = source.fetch(&[listed]).await else { continue };
            for (_, content) in fetched {
                if let Fetched::Whole(bytes) = content
                    && MailHash::of(&bytes) == *hash
                {
                    store.archive().put(&bytes)?;
                    healed.push(*hash);
                }
            }
        }
    }
    Ok(healed)
}

/// The mailbox that a mail was sent to, as far as the mail tells; else the first.
fn mailbox_of<'a>(configured: &'a Configured, bytes: &[u8]) -> Option<&'a Mailbox> {
    let mailboxes = &configured.config.mailboxes;
    let read = read_all(&[bytes], &Limits::default()).pop().and_then(Result::ok);
    let sent_to = |mailbox: &&Mailbox| {
        read.as_ref().is_some_and(|message| message.recipients().any(|to| mailbox.addresses.contains(to)))
    };
    mailboxes.iter().find(sent_to).or(mailboxes.first())
}

fn shown(hash: MailHash, place: Place, delivered: Timestamp, case: Case, at: Timestamp) -> Record {
    let lost =
        "decision-lost: an answer to it had begun to leave, and its decision stood in a damaged part of the journal";
    let (mailbox, outcome) = (case.mailbox.clone(), Outcome::Quarantined(Some(case.number)));
    Record::Decided(Box::new(Decided {
        delivered,
        case: Some(case),
        why: Why(vec![(QUARANTINED.to_owned(), lost.to_owned())]),
        ..Decided::new(mailbox, place, hash, outcome, at)
    }))
}
