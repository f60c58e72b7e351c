//! From the mailbox to the commit: one step takes what is new, decides it, writes it down, and only then
//! touches the mailbox.
//!
//! One task for each mailbox; the order within a mailbox is the order of its mails. Whatever ends a step
//! early (a cut, a full disk, the process) leaves the mailbox as it was: the next step starts from the last
//! commit.

mod again;
mod desk;
mod effects;
pub mod reader;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::desk::Desk;
use crate::config::{Existing, Mailbox};
use crate::dns::{Dns, Signed};
use crate::failpoint;
use crate::ids::{MailHash, MailboxName};
use crate::mailbox::{Cursor, Fetched, Known, Listed, Listing, Place, Source, SourceError};
use crate::maillog;
use crate::message::{Defect, Limits, Message};
use crate::playbook::Playbook;
use crate::store::{MailboxState, Record, StartMark, Store, StoreError};
use crate::time::Clock;

pub use again::{Again, again};

/// Mails listed, fetched and committed together. They share two fdatasyncs.
const BATCH_MAILS: usize = 128;
/// Octets fetched together; what bounds the memory of a step.
const BATCH_OCTETS: u64 = 16 * 1024 * 1024;
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

/// What a fetch has brought.
#[derive(Default)]
struct Sorted {
    mails: Vec<Listed>,
    contents: Vec<Vec<u8>>,
    /// Which of the mails were cut.
    cut: Vec<usize>,
    /// Places that were empty.
    vanished: Vec<Place>,
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

    /// Takes at most one batch of new mail.
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
        if !listing.more {
            self.take_over(&mailbox, &playbook, mark, &pending, &fresh).await?;
        }
        let shutdown = self.shutdown.clone();
        let mut progress = Progress { committed: 0, more: listing.more };
        let suspects: HashSet<Place> = pending.into_iter().map(|(place, _)| place).collect();
        for batch in batches(&fresh, &suspects) {
            failpoint::reached("C1");
            let fetched = shutdown.run_until_cancelled(self.fetch(batch)).await;
            let fetched = fetched.ok_or(IngestError::Stopped)??;
            let there: HashSet<&Place> = fetched.iter().map(|(place, _)| place).collect();
            let whole = batch.iter().take_while(|mail| there.contains(&mail.place)).count();
            let desk = self.desk(&playbook, &mailbox, mark);
            progress.committed += self.take(desk, &batch[..whole], fetched).await?;
            // Nothing behind a mail that did not come is taken, for the cursor would pass it.
            if whole < batch.len() {
                progress.more = whole > 0;
                break;
            }
        }
        Ok(progress)
    }

    /// Lists mail that is not decided yet. Mail that is left alone, or whose settling fails, stays in the listing
    /// of a Maildir and of a mailbox with a new UIDVALIDITY: then more is asked for until something new shows.
    async fn look(&mut self, name: &MailboxName, mailbox: &Mailbox) -> Result<(Listing, StartMark), IngestError> {
        let (shutdown, mut most) = (self.shutdown.clone(), BATCH_MAILS);
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
            let bytes = self.store.archive().get(hash)?;
            let mail =
                Listed { place: place.clone(), size: bytes.len() as u64, delivered: (self.clock)(), junk: false };
            let fetched = vec![(place.clone(), Fetched::Whole(bytes))];
            let desk = self.desk(playbook, mailbox, mark);
            self.take(desk, &[mail], fetched).await?;
        }
        Ok(())
    }

    fn desk(&self, playbook: &Arc<Playbook>, mailbox: &Mailbox, mark: StartMark) -> Desk {
        Desk { playbook: playbook.clone(), mailbox: mailbox.clone(), mark, clock: self.clock.clone() }
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
    async fn fetch(&mut self, batch: &[Listed]) -> Result<Vec<(Place, Fetched)>, SourceError> {
        let (hopeless, batch): (Vec<_>, Vec<_>) = batch
            .iter()
            .cloned()
            .partition(|mail| self.unfetched.get(&mail.place).is_some_and(|times| *times >= MAX_ATTEMPTS));
        let mut fetched = match self.source.fetch(&batch).await {
            Err(SourceError::Mail { place, why }) => {
                *self.unfetched.entry(place.clone()).or_default() += 1;
                return Err(SourceError::Mail { place, why });
            }
            other => other?,
        };
        for mail in hopeless {
            let note = format!(
                "Subject: (this mail could not be fetched)\r\n\r\nplace {} octets {}\r\n",
                mail.place, mail.size
            );
            fetched.push((mail.place, Fetched::Cut(note.into_bytes())));
        }
        Ok(fetched)
    }

    /// Archives, reads, decides, commits, settles. Gives the number of mails committed.
    async fn take(
        &mut self,
        desk: Desk,
        batch: &[Listed],
        fetched: Vec<(Place, Fetched)>,
    ) -> Result<usize, IngestError> {
        let Sorted { mails, contents: bytes, cut, vanished } = sort_out(batch, fetched);
        let name = desk.mailbox.name.clone();
        if mails.is_empty() {
            self.vanished(&name, vanished)?;
            return Ok(0);
        }
        let store = self.store.clone();
        let (hashes, bytes) = blocking(move || store.archive().put_all(&bytes).map(|hashes| (hashes, bytes))).await??;
        let hopeless = self.count_attempts(&name, &mails, &hashes).await?;
        failpoint::reached("C5");
        let reading = blocking(move || (read(&bytes, &hopeless, &cut), bytes));
        let longest = failpoint::sooner(LONGEST_READ);
        let in_vain = |_| IngestError::Work(format!("a mail was not read to its end within {longest:?}"));
        let (read, bytes) = tokio::time::timeout(longest, reading).await.map_err(in_vain)??;
        let findings = match &self.dns {
            None => vec![None; mails.len()],
            Some(dns) => {
                // Mail from before the first start is not answered, whoever sent it.
                let asked = mails.iter().map(|mail| !is_baseline(&desk.mark, mail));
                dns.look(signed(bytes, &read, asked, &desk.playbook.desk().sealers)).await
            }
        };
        let store = self.store.clone();
        let (mails, position) = blocking(move || {
            let mut last = None;
            for (((mail, hash), read), findings) in mails.iter().zip(&hashes).zip(&read).zip(&findings) {
                last = Some(store.decide(|view| desk.decide(view, mail, hash, read, findings.as_ref()))?);
            }
            Ok::<_, StoreError>((mails, last))
        })
        .await??;
        // Not before: it moves the cursor, and must not move it over a mail of this batch that may yet be lost.
        self.vanished(&name, vanished)?;
        if let Some(position) = position {
            self.store.synced(position).await?;
        }
        failpoint::reached("C10");
        let places: Vec<Place> = mails.into_iter().map(|mail| mail.place).collect();
        let committed = places.len();
        self.settle(&name, places).await?;
        Ok(committed)
    }

    /// Writes down that mails were gone before they could be fetched. One that was fetched before, when the process
    /// died, is in the archive, and the next step takes it from there.
    fn vanished(&self, mailbox: &MailboxName, places: Vec<Place>) -> Result<(), StoreError> {
        if places.is_empty() {
            return Ok(());
        }
        let pending = self.store.pending(mailbox)?;
        for place in places.into_iter().filter(|place| pending.iter().all(|(held, _)| held != place)) {
            maillog!("vanished", mailbox = mailbox, place = place);
            let (mailbox, at) = (mailbox.clone(), (self.clock)());
            self.store.append(Record::Vanished { mailbox, place, at })?;
        }
        Ok(())
    }

    /// Writes down that each mail is about to be read. True for those that have stopped their reader so often
    /// that they are not read again.
    async fn count_attempts(
        &mut self,
        mailbox: &MailboxName,
        mails: &[Listed],
        hashes: &[MailHash],
    ) -> Result<Vec<bool>, IngestError> {
        let (mut hopeless, mut last) = (Vec::with_capacity(mails.len()), None);
        for (mail, hash) in mails.iter().zip(hashes) {
            let known = self.store.taken(hash)?.is_some();
            let attempts = self.store.attempts(hash)?;
            hopeless.push(attempts >= MAX_ATTEMPTS);
            if !known && attempts < MAX_ATTEMPTS {
                last = Some(self.store.append(Record::Taken {
                    mailbox: mailbox.clone(),
                    place: mail.place.clone(),
                    hash: *hash,
                    attempt: attempts + 1,
                    at: (self.clock)(),
                })?);
            }
        }
        if let Some(position) = last {
            self.store.synced(position).await?;
        }
        Ok(hopeless)
    }
}

/// Holds what was fetched against what was listed.
fn sort_out(batch: &[Listed], fetched: Vec<(Place, Fetched)>) -> Sorted {
    let mut listed: HashMap<&Place, &Listed> = batch.iter().map(|mail| (&mail.place, mail)).collect();
    let mut sorted = Sorted::default();
    for (place, content) in fetched {
        // A mail that nobody asked for is not taken.
        let Some(mail) = listed.remove(&place) else { continue };
        match content {
            Fetched::Whole(content) => {
                sorted.mails.push(mail.clone());
                sorted.contents.push(content);
            }
            Fetched::Cut(content) => {
                sorted.cut.push(sorted.mails.len());
                sorted.mails.push(mail.clone());
                sorted.contents.push(content);
            }
            Fetched::Vanished => sorted.vanished.push(place),
        }
    }
    sorted
}

/// How far we came, or where we begin: mail that is left alone is never listed.
fn known(state: &MailboxState, mailbox: &Mailbox) -> Known {
    let left_alone = state.started.filter(|mark| mailbox.existing == Existing::Leave && mark.uid_next > 0);
    let from_start = left_alone.map(|mark| Cursor { uid_validity: mark.uid_validity, uid: mark.uid_next - 1 });
    Known { cursor: state.known.cursor.or(from_start) }
}

/// Was this mail in the mailbox before the first start? After a change of UIDVALIDITY the UIDs tell nothing, and
/// the time of delivery does. It is told rounded down, INTERNALDATE to the second and a file's time to the tick of
/// the kernel; in doubt a mail is new, since a customer who waits in vain is worse off than one who hears twice.
fn is_baseline(mark: &StartMark, mail: &Listed) -> bool {
    let rounded = match &mail.place {
        Place::Imap { uid_validity, uid } if *uid_validity == mark.uid_validity => return *uid < mark.uid_next,
        Place::Imap { .. } => Duration::from_secs(1),
        Place::Maildir { .. } => Duration::from_millis(10),
    };
    mail.delivered.checked_add(rounded).is_ok_and(|latest| latest <= mark.at)
}

/// Cuts a listing into batches that fit into memory. A suspect, which was being read when the process died, is alone
/// in its batch: if it kills again, it kills no other mail's chance.
fn batches<'a>(mails: &'a [Listed], suspects: &HashSet<Place>) -> Vec<&'a [Listed]> {
    let (mut batches, mut start, mut octets) = (Vec::new(), 0, 0);
    for (at, mail) in mails.iter().enumerate() {
        let alone = |mail: &Listed| suspects.contains(&mail.place);
        if at > start && (octets + mail.size > BATCH_OCTETS || alone(mail) || alone(&mails[at - 1])) {
            batches.push(&mails[start..at]);
            (start, octets) = (at, 0);
        }
        octets += mail.size;
    }
    if start < mails.len() {
        batches.push(&mails[start..]);
    }
    batches
}

/// Reads the mails that are not hopeless, and notes of those in `cut` that they were fetched in part only.
fn read(mails: &[Vec<u8>], hopeless: &[bool], cut: &[usize]) -> Vec<Result<Message, String>> {
    let readable: Vec<&[u8]> =
        mails.iter().zip(hopeless).filter(|(_, hopeless)| !**hopeless).map(|(mail, _)| mail.as_slice()).collect();
    let mut read = reader::read_all(&readable, &Limits::default()).into_iter();
    let given_up = || Err(format!("reader-died: the bot died {MAX_ATTEMPTS} times while it read this mail"));
    let one = |hopeless: &bool| if *hopeless { given_up() } else { read.next().unwrap_or_else(given_up) };
    let mut all: Vec<_> = hopeless.iter().map(one).collect();
    for at in cut {
        if let Some(Ok(message)) = all.get_mut(*at) {
            message.defects.push(Defect::Cut);
        }
    }
    all
}

/// The mails that can be checked, of those that shall be: from one sender, and read to the end of header and text.
fn signed(
    mails: Vec<Vec<u8>>,
    read: &[Result<Message, String>],
    asked: impl Iterator<Item = bool>,
    sealers: &[String],
) -> Vec<Option<Signed>> {
    let in_part = |message: &Message| message.defects.iter().any(|d| matches!(d, Defect::HeaderTooLong | Defect::Cut));
    let mails = mails.into_iter().zip(read).zip(asked);
    mails
        .map(|((bytes, read), asked)| {
            let message = read.as_ref().ok().filter(|message| asked && !in_part(message))?;
            Some(Signed { bytes, from: message.sender()?.clone(), sealers: sealers.to_vec() })
        })
        .collect()
}

/// Work that may block runs beside the loops that must not.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, IngestError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| IngestError::Work(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn listed(uid_validity: u32, uid: u32, second: i64, size: u64) -> Listed {
        let delivered = Timestamp::from_second(second).unwrap();
        Listed { place: Place::Imap { uid_validity, uid }, size, delivered, junk: false }
    }

    #[test]
    fn mail_from_before_the_first_start_is_known_by_uid_and_after_a_reset_by_time() {
        let mark = StartMark { at: Timestamp::from_second(1000).unwrap(), uid_validity: 7, uid_next: 10 };
        for (mail, want) in [
            (listed(7, 9, 2000, 1), true),
            (listed(7, 10, 500, 1), false),
            (listed(8, 1, 500, 1), true),
            (listed(8, 99, 1500, 1), false),
        ] {
            assert_eq!(is_baseline(&mark, &mail), want, "{mail:?}");
        }
    }

    #[test]
    fn a_batch_fits_into_memory_and_a_huge_mail_is_alone() {
        let sizes = [1, BATCH_OCTETS - 1, 1, BATCH_OCTETS * 3, 1];
        let mails: Vec<Listed> = sizes.iter().zip(1..).map(|(size, uid)| listed(1, uid, 0, *size)).collect();
        let cut = |suspects: &[usize]| -> Vec<usize> {
            let suspects = suspects.iter().map(|at| mails[*at].place.clone()).collect();
            batches(&mails, &suspects).iter().map(|batch| batch.len()).collect()
        };
        assert_eq!(cut(&[]), [2, 1, 1, 1]);
        assert_eq!(cut(&[0]), [1, 2, 1, 1]);
        assert_eq!(cut(&[0, 1, 4]), [1, 1, 1, 1, 1]);
        assert!(batches(&[], &HashSet::new()).is_empty());
    }
}
