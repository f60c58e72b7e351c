//! From the mailbox to the commit: one step takes what is new, decides it, writes it down, and only then
//! touches the mailbox.
//!
//! One task for each mailbox; the order within a mailbox is the order of its mails. Whatever ends a step
//! early (a cut, a full disk, the process) leaves the mailbox as it was: the next step starts from the last
//! commit.

mod account;
mod again;
mod batch;
mod desk;
mod effects;
pub mod reader;
mod transcript;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::batch::{Batch, Fetch, Stages, batches};
use self::desk::Desk;
use crate::config::{Existing, Mailbox};
use crate::dns::Dns;
use crate::failpoint;
use crate::ids::{MailHash, MailboxName};
use crate::mailbox::{Cursor, Fetched, Known, Listed, Listing, Place, Source, SourceError};
use crate::maillog;
use crate::playbook::Playbook;
use crate::store::{MailboxState, Record, StartMark, Store, StoreError};
use crate::time::Clock;

pub use again::{Again, again};

/// Mails listed at a time: what one step takes.
const LISTED_MAILS: usize = 1024;
/// Mails fetched and committed together. They share two fdatasyncs.
const BATCH_MAILS: usize = 128;
/// Octets fetched together. Three batches are in hand at a time, which bounds the memory of a step.
const BATCH_OCTETS: u64 = 8 * 1024 * 1024;
/// How long a batch may be read. No mail takes a second of it; where one never ends, the process does, and the mail is
/// alone with its reader after the restart, and in quarantine after the third.
const LONGEST_READ: Duration = Duration::from_secs(5 * 60);
/// A mail that stopped us this often before is not tried again.
const MAX_ATTEMPTS: u32 = 3;
/// How long to leave a mailbox alone after trouble. The source has a back-off of its own for connecting.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);
/// How long to wait for space on a full disk.
const AFTER_FULL_DISK: Duration = Duration::from_secs(10);

/// Takes mail from one mailbox.
pub struct Ingest<S> {
    pub source: S,
    pub store: Store,
    pub playbook: watch::Receiver<Arc<Playbook>>,
    pub clock: Clock,
    /// By whom the signatures of mail are checked; none where nobody shall look.
    pub dns: Option<Dns>,
    /// The longest time between two looks.
    pub longest_wait: Duration,
    /// Ends the waiting of the source, which may be long.
    shutdown: CancellationToken,
    /// How often each mail could not be fetched, since the start of the process.
    unfetched: HashMap<Place, u32>,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Mails whose decision is now on disk.
    pub committed: usize,
    /// More was there than one step takes.
    pub more: bool,
}

/// Why a step ended early.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("stopped")]
    Stopped,
    #[error("a part of the work stopped: {0}")]
    Work(String),
    #[error("mailbox {0} is not in the configuration any more")]
    Unconfigured(MailboxName),
}

impl<S: Source> Ingest<S> {
    pub fn new(
        source: S,
        store: Store,
        playbook: watch::Receiver<Arc<Playbook>>,
        clock: Clock,
        longest_wait: Duration,
        shutdown: CancellationToken,
    ) -> Self {
        Ingest { source, store, playbook, clock, dns: None, longest_wait, shutdown, unfetched: HashMap::new() }
    }

    /// Repeats the step until shutdown. An error is one that only a restart or a person can mend.
    pub async fn run(mut self) -> Result<(), IngestError> {
        let shutdown = self.shutdown.clone();
        loop {
            let pause = match self.step().await {
                Ok(Progress { more: true, .. }) => continue,
                Ok(_) => match self.wait().await {
                    Ok(()) => continue,
                    Err(error) => self.report(&error),
                },
                Err(IngestError::Store(error)) if error.is_temporary() => {
                    tracing::error!(mailbox = %self.source.name(), "{error}; taking no mail for now");
                    AFTER_FULL_DISK
                }
                Err(IngestError::Source(error)) => self.report(&error),
                Err(IngestError::Stopped) => return Ok(()),
                Err(error) => return Err(error),
            };
            if shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return Ok(());
            }
        }
    }

    async fn wait(&mut self) -> Result<(), SourceError> {
        let (shutdown, longest) = (self.shutdown.clone(), self.longest_wait);
        shutdown.run_until_cancelled(self.source.wait(longest)).await.unwrap_or(Ok(()))
    }

    fn report(&self, error: &SourceError) -> Duration {
        tracing::warn!(mailbox = %self.source.name(), "{}", maillog::value(&error.to_string()));
        AFTER_TROUBLE
    }

    /// Takes at most one listing of new mail.
    pub async fn step(&mut self) -> Result<Progress, IngestError> {
        let playbook = self.playbook.borrow_and_update().clone();
        let name = self.source.name().clone();
        let configured = playbook.config().mailbox(&name);
        let mailbox = configured.ok_or_else(|| IngestError::Unconfigured(name.clone()))?.clone();
        // Committed mails that a crash or a cut kept from being settled get only that.
        let leftovers = self.store.unsettled(&name, BATCH_MAILS)?;
        if !leftovers.is_empty() {
            // A step that a full disk ended in the middle of a batch has not waited for what it had written.
            self.store.all_synced().await?;
        }
        self.settle(&name, leftovers).await?;

        let (listing, mark) = self.look(&name, &mailbox).await?;
        let fresh = listing.mails;
        let pending = self.store.pending(&name)?;
        let suspects: HashSet<Place> = pending.iter().map(|(place, _)| place.clone()).collect();
        let stages = self.stages(&playbook, &mailbox, mark);
        let (committed, complete) = self.take(&stages, batches(&fresh, &suspects)).await?;
        // After what lies before it: the cursor would pass that.
        if complete && !listing.more {
            self.take_over(&mailbox, &playbook, mark, &pending, &fresh).await?;
        }
        Ok(Progress { committed, more: if complete { listing.more } else { committed > 0 } })
    }

    /// Takes a listing batch by batch. While one is decided, the next is archived and the one after it fetched; each
    /// stage takes the batches in their order. A batch that has to be alone has all stages for itself.
    /// Gives how many mails were committed, and whether all have come.
    async fn take(&mut self, stages: &Stages, batches: Vec<Batch<'_>>) -> Result<(usize, bool), IngestError> {
        let mut batches = batches.into_iter().peekable();
        let (mut fetched, mut kept) = (None, None);
        let (mut committed, mut complete, mut trouble, mut alone) = (0, true, None, false);
        loop {
            let nothing_in_hand = fetched.is_none() && kept.is_none();
            let may_begin = |next: &Batch| complete && trouble.is_none() && (nothing_in_hand || !(alone || next.alone));
            let next = batches.next_if(may_begin);
            if next.is_none() && nothing_in_hand {
                return trouble.map_or(Ok((committed, complete)), Err);
            }
            alone = next.as_ref().map_or(alone, |next| next.alone);
            let (coming, keeping, deciding) =
                tokio::join!(self.fetch_batch(next), stages.keep(fetched.take()), stages.decide(kept.take()));
            let places = deciding?;
            committed += places.len();
            self.settle(&stages.desk.mailbox.name, places).await?;
            // What was fetched behind a batch that could not be kept comes again with it.
            kept = keeping?;
            // What was fetched before the trouble began is still taken: its attempts count.
            fetched = coming.unwrap_or_else(|error| {
                trouble = Some(error);
                None
            });
            // Nothing behind a mail that did not come is taken, for the cursor would pass it.
            complete &= fetched.as_ref().is_none_or(Fetch::is_complete);
        }
    }

    /// Fetches a batch, if there is one.
    async fn fetch_batch(&mut self, batch: Option<Batch<'_>>) -> Result<Option<Fetch>, IngestError> {
        let Some(Batch { mails, .. }) = batch else { return Ok(None) };
        failpoint::reached("C1");
        let shutdown = self.shutdown.clone();
        let fetched = shutdown.run_until_cancelled(self.fetch(mails)).await.ok_or(IngestError::Stopped)??;
        Ok(Some(Fetch::new(mails, fetched)))
    }

    /// Lists mail that is not decided yet. Mail that is left alone, or whose settling fails, stays in the listing
    /// of a Maildir and of a mailbox with a new UIDVALIDITY: then more is asked for until something new shows.
    async fn look(&mut self, name: &MailboxName, mailbox: &Mailbox) -> Result<(Listing, StartMark), IngestError> {
        let (shutdown, mut most) = (self.shutdown.clone(), LISTED_MAILS);
        loop {
            let state = self.store.mailbox(name)?;
            let listing = shutdown.run_until_cancelled(self.source.list(known(&state, mailbox), most)).await;
            let mut listing = listing.ok_or(IngestError::Stopped)??;
            let mark = self.started(name, state, &listing).await?;
            let mut fresh = Vec::new();
            for mail in listing.mails {
                let left_alone = mailbox.existing == Existing::Leave && is_baseline(&mark, &mail);
                if !left_alone && !self.store.is_placed(name, &mail.place)? {
                    fresh.push(mail);
                }
            }
            listing.mails = fresh;
            if !listing.mails.is_empty() || !listing.more {
                return Ok((listing, mark));
            }
            most = most.saturating_mul(4);
        }
    }

    /// A mail that was archived when the process died, and is gone from the mailbox since: we have it, and nobody
    /// else will bring it again.
    async fn take_over(
        &mut self,
        mailbox: &Mailbox,
        playbook: &Arc<Playbook>,
        mark: StartMark,
        pending: &[(Place, MailHash)],
        listed: &[Listed],
    ) -> Result<(), IngestError> {
        let there: HashSet<&Place> = listed.iter().map(|mail| &mail.place).collect();
        for (place, hash) in pending.iter().filter(|(place, _)| !there.contains(place)) {
            let bytes = self.store.archive().get_or_note(hash)?;
            let delivered = place.archived_since().unwrap_or_else(|| (self.clock)());
            let mail = Listed { place: place.clone(), size: bytes.len() as u64, delivered, junk: false };
            let fetched = vec![(place.clone(), Fetched::Whole(bytes))];
            let stages = self.stages(playbook, mailbox, mark);
            let kept = stages.keep(Some(Fetch::new(&[mail], fetched))).await?;
            let places = stages.decide(kept).await?;
            self.settle(&mailbox.name, places).await?;
        }
        Ok(())
    }

    fn stages(&self, playbook: &Arc<Playbook>, mailbox: &Mailbox, mark: StartMark) -> Stages {
        let clock = self.clock.clone();
        let desk = Desk { playbook: playbook.clone(), mailbox: mailbox.clone(), mark, clock };
        Stages { store: self.store.clone(), dns: self.dns.clone(), desk: Arc::new(desk) }
    }

    /// The first look at a mailbox is written down: what is there now was there before us.
    async fn started(
        &mut self,
        name: &MailboxName,
        state: MailboxState,
        listing: &Listing,
    ) -> Result<StartMark, IngestError> {
        if let Some(mark) = state.started {
            return Ok(mark);
        }
        let mark = StartMark { at: (self.clock)(), uid_validity: listing.uid_validity, uid_next: listing.uid_next };
        let position = self.store.append(Record::Started { mailbox: name.clone(), mark })?;
        self.store.synced(position).await?;
        maillog!("looked", mailbox = name, uid_next = mark.uid_next);
        Ok(mark)
    }

    /// Tells the mailbox what is committed. Trouble here loses nothing and stops nobody: the places stay
    /// unsettled and come first at the next step.
    async fn settle(&mut self, name: &MailboxName, places: Vec<Place>) -> Result<(), IngestError> {
        if places.is_empty() {
            return Ok(());
        }
        let shutdown = self.shutdown.clone();
        match shutdown.run_until_cancelled(self.source.settle(&places)).await {
            None => return Err(IngestError::Stopped),
            Some(Ok(())) => {
                self.store.append(Record::Settled { mailbox: name.clone(), places })?;
            }
            Some(Err(error)) => {
                self.report(&error);
            }
        }
        Ok(())
    }

    /// Fetches a batch. A mail that cannot be fetched three times is given up as it is, so that it keeps
    /// nobody waiting.
    async fn fetch(&mut self, batch: &[Listed]) -> Result<Vec<(Place, Fetched)>, IngestError> {
        let (hopeless, batch): (Vec<_>, Vec<_>) = batch
            .iter()
            .cloned()
            .partition(|mail| self.unfetched.get(&mail.place).is_some_and(|times| *times >= MAX_ATTEMPTS));
        let mut fetched = match self.source.fetch(&batch).await {
            Err(SourceError::Mail { place, why }) => {
                *self.unfetched.entry(place.clone()).or_default() += 1;
                return Err(SourceError::Mail { place, why }.into());
            }
            other => other?,
        };
        for mail in hopeless {
            let content = self.given_up(&mail)?;
            fetched.push((mail.place, content));
        }
        Ok(fetched)
    }

    /// What is read in the place of a mail that cannot be fetched: itself, if it was fetched once and not decided
    /// then, and else a note.
    fn given_up(&self, mail: &Listed) -> Result<Fetched, StoreError> {
        let (place, size) = (&mail.place, mail.size);
        let note =
            format!("Subject: (this mail could not be fetched)\r\n\r\nplace {place} octets {size}\r\n").into_bytes();
        let pending = self.store.pending(self.source.name())?;
        let held = pending.iter().find(|(held, _)| held == place);
        match held.and_then(|(_, hash)| self.store.archive().get(hash).ok()) {
            Some(content) if content != note => Ok(Fetched::Whole(content)),
            _ => Ok(Fetched::Cut(note)),
        }
    }
}

/// How far we came, or where we begin: mail that is left alone is never listed.
fn known(state: &MailboxState, mailbox: &Mailbox) -> Known {
    let left_alone = state.started.filter(|mark| mailbox.existing == Existing::Leave && mark.uid_next > 0);
    let from_start = left_alone.map(|mark| Cursor { uid_validity: mark.uid_validity, uid: mark.uid_next - 1 });
    Known { cursor: state.known.cursor.or(from_start) }
}

/// Was this mail in the mailbox before the first start? After a change of UIDVALIDITY the UIDs tell nothing, and
/// the time of delivery does. It is told rounded down, INTERNALDATE and a place in our archive to the second and a
/// file's time to the tick of the kernel; in doubt a mail is new, since a customer who waits in vain is worse off than
/// one who hears twice.
fn is_baseline(mark: &StartMark, mail: &Listed) -> bool {
    let rounded = match &mail.place {
        Place::Imap { uid_validity, uid } if *uid_validity == mark.uid_validity => return *uid < mark.uid_next,
        Place::Imap { .. } => Duration::from_secs(1),
        place if place.archived_since().is_some() => Duration::from_secs(1),
        Place::Maildir { .. } => Duration::from_millis(10),
    };
    mail.delivered.checked_add(rounded).is_ok_and(|latest| latest <= mark.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn listed(uid_validity: u32, uid: u32, second: i64) -> Listed {
        let delivered = Timestamp::from_second(second).unwrap();
        Listed { place: Place::Imap { uid_validity, uid }, size: 1, delivered, junk: false }
    }

    #[test]
    fn mail_from_before_the_first_start_is_known_by_uid_and_after_a_reset_by_time() {
        let mark = StartMark { at: Timestamp::from_second(1000).unwrap(), uid_validity: 7, uid_next: 10 };
        for (mail, want) in [
            (listed(7, 9, 2000), true),
            (listed(7, 10, 500), false),
            (listed(8, 1, 500), true),
            (listed(8, 99, 1500), false),
        ] {
            assert_eq!(is_baseline(&mark, &mail), want, "{mail:?}");
        }
    }
}
