//! The ledger as the journal tells it, beside a running bot: every mail that was taken and what became of it; and those
//! of the quarantine, which the state knows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::record::{Decided, Outcome, Record, Why};
use super::state::Aside;
use super::{StoreError, beside};
use crate::ids::{CaseNumber, MailHash, MailboxName};
use crate::mailbox::Place;
use crate::time::Timestamp;

/// One mail in one place, and what became of it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    pub mailbox: MailboxName,
    pub place: Place,
    /// Its name in the archive; none for a mail that was gone before it could be fetched.
    pub hash: Option<MailHash>,
    pub at: Timestamp,
    pub fate: Fate,
}

/// What became of a mail in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    Decided(Outcome),
    /// The same mail was decided in another place before.
    Again,
    /// Gone before it could be fetched.
    Vanished,
    /// In the archive and not decided yet, after so many attempts to read it.
    Pending(u32),
}

/// A mail that could not be handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    pub hash: MailHash,
    pub mailbox: MailboxName,
    pub place: Place,
    pub at: Timestamp,
    pub delivered: Timestamp,
    /// The minimal case that was opened for it.
    pub case: Option<CaseNumber>,
    /// A code, a colon, and what happened in words. None in a journal of an early version.
    pub why: Option<String>,
    /// By whom it was dropped and why, if it was.
    pub dropped: Option<String>,
}

/// What was decided about mails when they came, beside a running bot.
pub struct Decisions {
    data: PathBuf,
    state: Aside,
}

impl Decisions {
    /// None if no bot was ever started in this folder.
    pub fn beside(data: &Path) -> Result<Option<Decisions>, StoreError> {
        match data.join("journal").exists() {
            true => Ok(Some(Decisions { data: data.to_owned(), state: beside::state(data)? })),
            false => Ok(None),
        }
    }

    /// The decision about the mail with these bytes; none if there was none, or the journal has been made thinner since.
    pub fn of(&self, mail: &MailHash) -> Result<Option<Decided>, StoreError> {
        let Some(ledgered) = self.state.taken(mail)? else { return Ok(None) };
        match beside::record(&self.data, ledgered.position)? {
            Some(Record::Decided(decided)) => Ok(Some(*decided)),
            _ => Ok(None),
        }
    }
}

/// Hands over every entry of the ledger in the order in which it was written down, those not decided yet at last.
pub fn ledger(data: &Path, each: impl FnMut(LedgerEntry)) -> Result<(), StoreError> {
    ledger_since(data, Timestamp::MIN, each)
}

/// The entries that were written down since then. Older ones are not even read, but for some.
pub fn ledger_since(data: &Path, since: Timestamp, mut each: impl FnMut(LedgerEntry)) -> Result<(), StoreError> {
    let mut pending: BTreeMap<(MailboxName, Place), LedgerEntry> = BTreeMap::new();
    beside::records_since(data, since, |_, record| {
        let entry = match record {
            Record::Taken { mailbox, place, hash, attempt, at } => {
                let key = (mailbox.clone(), place.clone());
                let fate = Fate::Pending(attempt);
                pending.insert(key, LedgerEntry { mailbox, place, hash: Some(hash), at, fate });
                return Ok(());
            }
            Record::Decided(decided) => {
                let Decided { mailbox, place, hash, at, outcome, .. } = *decided;
                LedgerEntry { mailbox, place, hash: Some(hash), at, fate: Fate::Decided(outcome) }
            }
            Record::Again { mailbox, place, hash, at } => {
                LedgerEntry { mailbox, place, hash: Some(hash), at, fate: Fate::Again }
            }
            Record::Vanished { mailbox, place, at } => {
                LedgerEntry { mailbox, place, hash: None, at, fate: Fate::Vanished }
            }
            _ => return Ok(()),
        };
        pending.remove(&(entry.mailbox.clone(), entry.place.clone()));
        if entry.at >= since {
            each(entry);
        }
        Ok(())
    })?;
    pending.into_values().filter(|entry| entry.at >= since).for_each(each);
    Ok(())
}

/// The mails in quarantine, in the order in which they came; those that were read later are not among them.
pub fn quarantined(data: &Path) -> Result<Vec<Quarantined>, StoreError> {
    let state = beside::state(data)?;
    let mut found = Vec::new();
    for (position, case) in state.quarantined()? {
        // One that has left was erased a moment ago.
        let Some(Record::Decided(decided)) = beside::record(data, position)? else { continue };
        let mut dropped = None;
        for entry in case.map(|case| state.entries(case)).transpose()?.unwrap_or_default() {
            if entry > position
                && let Some(Record::Changed(changed)) = beside::record(data, entry)?
                && Some(changed.case.number) == case
            {
                dropped = line(changed.why, DROPPED).or(dropped);
            }
        }
        let Decided { hash, mailbox, place, at, delivered, why, .. } = *decided;
        let why = line(why, QUARANTINED);
        found.push(Quarantined { hash, mailbox, place, at, delivered, case, why, dropped });
    }
    Ok(found)
}

fn line(why: Why, key: &str) -> Option<String> {
    why.0.into_iter().find(|(found, _)| found == key).map(|(_, text)| text)
}

/// The key of the line that says who dropped a mail of the quarantine, and why.
pub const DROPPED: &str = "dropped";

/// The key of the line in a decision's why that says what defeated the reading.
pub const QUARANTINED: &str = "quarantined";

impl Fate {
    pub fn as_str(&self) -> &'static str {
        match self {
            Fate::Decided(outcome) => outcome.as_str(),
            Fate::Again => "again",
            Fate::Vanished => "vanished",
            Fate::Pending(_) => "pending",
        }
    }

    pub fn case(&self) -> Option<CaseNumber> {
        match self {
            Fate::Decided(outcome) => outcome.case(),
            _ => None,
        }
    }
}
