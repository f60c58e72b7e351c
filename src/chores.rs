//! What time brings: work that no mail starts.
//!
//! One step looks what is due and writes it down; what is to be sent goes by the outbox like everything else.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::decide;
use crate::maillog;
use crate::playbook::Playbook;
use crate::store::{Record, Store, StoreError};
use crate::time::{Clock, Timestamp};

/// Between two looks. A digest may be late by so much.
const LOOK: Duration = Duration::from_secs(30);
/// Mails named in one digest: a mail of a megabyte or so at the most. The others wait for the next.
const IN_A_DIGEST: u64 = 10_000;

/// See the module text.
pub struct Chores {
    pub store: Store,
    pub playbook: watch::Receiver<Arc<Playbook>>,
    pub clock: Clock,
}

impl Chores {
    /// Repeats the step until `shutdown`. An error is one that only a restart or a person can mend.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), StoreError> {
        while shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            match self.step() {
                Ok(_) => {}
                Err(error) if error.is_temporary() => tracing::error!("{error}; the chores wait"),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes the digests that are due. Gives their number.
    pub fn step(&self) -> Result<usize, StoreError> {
        let (playbook, now) = (self.playbook.borrow().clone(), (self.clock)());
        let between = Duration::from_secs(u64::from(playbook.config().budget.digest_minutes) * 60);
        let mut written = 0;
        for (to, line) in self.store.digests()? {
            // A digest that seems to have been sent in the future was sent under a clock that was ahead.
            let waits = line.since <= now && now < line.since.checked_add(between).unwrap_or(Timestamp::MAX);
            if waits {
                continue;
            }
            let (mails, through) = self.store.folded(&to, IN_A_DIGEST)?;
            let Some(mail) = decide::digest(&to, &mails, &playbook, now) else { continue };
            maillog!("digest", to = maillog::person(self.store.key(), &to), mails = mails.len());
            self.store.append(Record::Digested { at: now, to, through, mail })?;
            written += 1;
        }
        Ok(written)
    }
}
