//! The ledger as the journal tells it, beside a running bot: every mail that was taken and what became of it.

use std::collections::BTreeMap;
use std::path::Path;

use super::record::{Decided, Outcome, Record};
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

/// A mail that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    pub hash: MailHash,
    pub mailbox: MailboxName,
    pub place: Place,
    pub at: Timestamp,
    pub delivered: Timestamp,
    /// The minimal case that was opened for it.
    pub case: Option<CaseNumber>,
    /// None in a journal of an early version.
    pub why: Option<String>,
}

/// Hands over every entry of the ledger in the order in which it was written down, those not decided yet at last.
pub fn ledger(data: &Path, mut each: impl FnMut(LedgerEntry)) -> Result<(), StoreError> {
    let mut pending: BTreeMap<(MailboxName, Place), LedgerEntry> = BTreeMap::new();
    beside::records(data, |_, record| {
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
        each(entry);
        Ok(())
    })?;
    pending.into_values().for_each(each);
    Ok(())
}

/// The mails in quarantine, in the order in which they came.
pub fn quarantined(data: &Path) -> Result<Vec<Quarantined>, StoreError> {
    let mut found = Vec::new();
    beside::records(data, |_, record| {
        if let Record::Decided(decided) = record
            && let Outcome::Quarantined(case) = decided.outcome
        {
            let why = decided.why.0.into_iter().find(|(key, _)| key == QUARANTINED).map(|(_, why)| why);
            let Decided { hash, mailbox, place, at, delivered, .. } = *decided;
            found.push(Quarantined { hash, mailbox, place, at, delivered, case, why });
        }
        Ok(())
    })?;
    Ok(found)
}

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
