//! The past as the journal tells it, read beside a running bot: no lock is taken and nothing is written.

use std::collections::HashMap;
use std::path::Path;

use super::frame::{self, End};
use super::record::{Outcome, Record};
use super::{StoreError, schema, segments};
use crate::case::Case;
use crate::ids::{CaseNumber, MailHash, MailboxName};
use crate::time::Timestamp;

/// A mail that was decided, with what was known when it came.
#[derive(Debug, Clone, PartialEq)]
pub struct PastMail {
    pub hash: MailHash,
    pub mailbox: MailboxName,
    pub at: Timestamp,
    pub delivered: Timestamp,
    /// The case as it stood before this mail; none where the mail opened it.
    pub before: Option<Box<Case>>,
    /// The case it went to.
    pub case: CaseNumber,
}

/// Hands over every mail in a data folder that opened a case or joined one, in the order in which they were decided.
/// Twins, our own mails and quarantined ones are left out: there was nothing to decide about them by rules.
pub fn past(dir: &Path, mut each: impl FnMut(PastMail)) -> Result<(), StoreError> {
    let dir = dir.join("journal");
    if !dir.exists() {
        return Ok(());
    }
    let starts = segments::starts_in(&dir)?;
    let mut cases: HashMap<CaseNumber, Case> = HashMap::new();
    for (at, start) in starts.iter().enumerate() {
        let path = segments::path_of(&dir, *start);
        let bytes = std::fs::read(&path).map_err(|e| StoreError::at(&path, "read", &e))?;
        let walked = frame::walk(&bytes, *start, None, |frame| {
            let record =
                schema::decode(frame.payload).map_err(|why| segments::damaged(&path, *start, frame.position, &why))?;
            match record.into_plain() {
                Record::Decided(decided) => {
                    let decided = *decided;
                    let (Outcome::Opened(number) | Outcome::Appended(number)) = decided.outcome else { return Ok(()) };
                    let before = decided.case.and_then(|case| cases.insert(number, case)).map(Box::new);
                    let (hash, mailbox) = (decided.hash, decided.mailbox);
                    each(PastMail {
                        hash,
                        mailbox,
                        at: decided.at,
                        delivered: decided.delivered,
                        before,
                        case: number,
                    });
                }
                Record::Changed(changed) => {
                    cases.insert(changed.case.number, changed.case);
                }
                _ => {}
            }
            Ok::<(), StoreError>(())
        })?;
        match walked {
            // A frame that the bot is writing right now.
            End::Fault(_) if at + 1 == starts.len() => {}
            End::Fault(position) => {
                return Err(segments::damaged(&path, *start, position, "no valid frame begins here"));
            }
            End::Whole => {}
        }
    }
    Ok(())
}
