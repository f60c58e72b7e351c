//! What is kept how long: mails leave the archive when their time is over. Cases, decisions and why stay in the journal.
//!
//! A mail stays as long as its case is open, and for some time after that. Its end is written down before its file is
//! removed, so that a backup knows that nothing was lost; what a crash leaves in between, the next pass finds again.

use super::record::{Outcome, Record};
use super::{Store, StoreError};
use crate::case::CaseState;
use crate::config::Keep;
use crate::ids::{CaseNumber, MailHash};
use crate::time::{Timestamp, of_days};

/// Mails named in one record.
const MOST_NAMED: usize = 256;

impl Store {
    /// Removes from the archive what has been kept long enough. Returns how many mails those were. Takes long where the
    /// archive is large, and keeps nobody waiting.
    pub fn forget(&self, keep: &Keep, now: Timestamp) -> Result<u64, StoreError> {
        let Some(shortest) = [keep.mail_days, keep.quarantine_days].into_iter().filter(|days| *days > 0).min() else {
            return Ok(0);
        };
        // What came later is not even looked up.
        let Ok(before) = now.checked_sub(of_days(shortest)) else { return Ok(0) };
        let mut forgotten = 0;
        for folder in self.archive().folders()? {
            let mut over = Vec::new();
            for (hash, _) in self.archive().mails_in(&folder)?.into_iter().filter(|(_, since)| *since <= before) {
                if self.is_over(&hash, keep, now)? {
                    over.push(hash);
                }
            }
            for mails in over.chunks(MOST_NAMED) {
                self.append(Record::Forgotten { at: now, mails: mails.to_vec() })?;
                self.sync()?;
                mails.iter().try_for_each(|hash| self.archive().remove(hash))?;
                forgotten += mails.len() as u64;
            }
        }
        Ok(forgotten)
    }

    /// Has this mail been kept long enough? Never one that is not decided, or whose case is open or has mail to send.
    fn is_over(&self, hash: &MailHash, keep: &Keep, now: Timestamp) -> Result<bool, StoreError> {
        let Some(known) = self.taken(hash)? else { return Ok(false) };
        let kept = match known.outcome {
            Outcome::Quarantined(_) => keep.quarantine_days,
            _ => keep.mail_days,
        };
        let since = match known.outcome.case() {
            None => known.at,
            // A mail of a merged case belongs to the one that goes on.
            Some(number) => match self.goes_on(number)? {
                Some(case) if case.state == CaseState::Closed && !self.has_queue(&[number, case.number])? => {
                    case.work.closed.unwrap_or(case.touched).max(known.at)
                }
                // Its case is erased.
                None => known.at,
                _ => return Ok(false),
            },
        };
        Ok(kept > 0 && since.checked_add(of_days(kept)).is_ok_and(|end| end <= now))
    }

    /// Has mail that has not left yet been written down in any of these cases?
    fn has_queue(&self, cases: &[CaseNumber]) -> Result<bool, StoreError> {
        self.ask(|state| cases.iter().try_fold(false, |found, number| Ok(found || state.has_queue(*number)?)))
    }
}
