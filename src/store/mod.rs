//! The store: the part that must never lose a customer's case.
//!
//! * `archive/`: every mail taken, byte for byte.
//! * `journal/`: what was decided and what became of it; the truth about cases.
//! * `state/`: everything looked up from it; a view of the journal.
//!
//! A record is written into the journal and applied to the state in one critical section, so whoever reads
//! the state inside it ([`Store::decide`]) sees everything before and nothing after. It is durable only when
//! [`Store::synced`] has returned; nothing may be done in the world before that.
//!
//! All calls but [`Store::synced`] and [`Store::all_synced`] block for as long as a write into the page cache takes.

mod archive;
mod asking;
mod at_hand;
mod backup;
mod beside;
mod checkpoint;
mod compact;
mod error;
mod folder;
mod frame;
mod journal;
mod ledger;
mod manners;
mod mend;
mod opened;
mod past;
mod pen;
mod record;
mod repair;
mod retention;
mod schema;
mod segments;
mod state;
mod thin;
mod upkeep;
mod view;
mod waiting;

#[cfg(test)]
mod tests;

pub use archive::Archive;
pub use backup::{Copied, backup, is_free, restore};
pub use compact::Compacted;
pub use error::StoreError;
pub use frame::{End, Frame, frame_at, next_after, walk};
pub use journal::{Disk, Mark, Position, SEGMENT, Torn};
pub use ledger::{DROPPED, Decisions, Fate, LedgerEntry, QUARANTINED, Quarantined, ledger, ledger_since, quarantined};
pub use manners::{Standing, standing};
pub use opened::Opened;
pub use past::{PastJournal, PastMail};
pub use record::{Asked, Changed, Decided, Manners, Orders, Outcome, Record, StartMark, Why};
pub use repair::{Damage, Repair, examine, repair};
pub use state::{Ledgered, Line, OutboxItem};
pub use view::View;
pub use waiting::{waiting, waiting_mail};

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::Instant;

use self::at_hand::AtHand;
use self::checkpoint::Merging;
use self::journal::{Journal, RealDisk};
use self::mend::open_state;
use self::pen::Urgency;
use self::state::{Broken, Lookup, Sizes, State, guarded};
use tokio::sync::watch;

use crate::ids::Key;
use crate::lock::Lock;
use crate::mailbox::Known;
use crate::{caught, failpoint};

/// The store. Clones share it; the last one to go closes it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// What is known of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MailboxState {
    /// Every mail up to its cursor is committed or was there before the first look.
    pub known: Known,
    /// The first look; `None` if there was none.
    pub started: Option<StartMark>,
}

/// Figures since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    pub records: u64,
    pub fdatasyncs: u64,
    pub outbox: u64,
}

// The fields are dropped in this order: the lock goes last.
struct Inner {
    archive: Archive,
    journal: Journal,
    /// Replaced as a whole when it breaks; none while the disk is too full for a new one.
    state: RwLock<Option<Arc<State>>>,
    /// Before this there is no use in trying to make a new state.
    mend_after: Mutex<Instant>,
    at_hand: AtHand,
    /// Held by whoever writes a record.
    pen: Mutex<()>,
    /// Held by whoever makes a checkpoint or makes the journal thinner; tables of the checkpoint that are becoming one.
    upkeep: Mutex<Option<Merging>>,
    /// Counts the records that put mail into the outbox, or may have made one due or let it go.
    queued: watch::Sender<u64>,
    /// Counts the records by which cases are to be erased.
    erasures: watch::Sender<u64>,
    dir: PathBuf,
    sizes: Sizes,
    key: Key,
    /// Attempts begun before this are not ours.
    opened: Position,
    _lock: Lock,
}

impl Store {
    /// Opens the store in a data folder, creating it if need be, and brings the state up to date.
    pub fn open(dir: &Path) -> Result<(Store, Opened), StoreError> {
        Store::open_on(dir, Box::new(RealDisk), SEGMENT)
    }

    /// The same on another disk, with journal files of `segment` octets: for tests in which the disk fails.
    pub fn open_on(dir: &Path, disk: Box<dyn Disk>, segment: u64) -> Result<(Store, Opened), StoreError> {
        Store::open_sized(dir, disk, segment, Sizes::default())
    }

    fn open_sized(dir: &Path, disk: Box<dyn Disk>, segment: u64, sizes: Sizes) -> Result<(Store, Opened), StoreError> {
        let lock = folder::take(dir)?;
        let first = !dir.join("journal").exists();
        if first && ["state", "checkpoint"].iter().any(|view| dir.join(view).exists()) {
            return Err(StoreError::Trouble(format!(
                "{} is missing, without which nothing is known of any case; restore it from a backup",
                dir.join("journal").display()
            )));
        }
        let key = folder::key(dir, first)?;
        let archive = Archive::open(dir.join("archive"))?;
        let (journal, torn) = Journal::open(&dir.join("journal"), disk, segment)?;
        let (state, rebuilt, replayed) = open_state(dir, &journal, sizes)?;
        let store = Store {
            inner: Arc::new(Inner {
                archive,
                opened: Position(journal.mark()?.end),
                journal,
                state: RwLock::new(Some(Arc::new(state))),
                mend_after: Mutex::new(Instant::now()),
                at_hand: AtHand::default(),
                pen: Mutex::new(()),
                upkeep: Mutex::default(),
                queued: watch::Sender::new(0),
                erasures: watch::Sender::new(0),
                dir: dir.to_owned(),
                sizes,
                key,
                _lock: lock,
            }),
        };
        let opened = Opened { first, torn, rebuilt, replayed, in_doubt: store.in_doubt()?.len() };
        Ok((store, opened))
    }

    /// The key of the bot in a data folder that may be in use; `None` if there is no bot yet.
    pub fn read_key(dir: &Path) -> Result<Option<Key>, StoreError> {
        match dir.join("journal").exists() {
            true => folder::key(dir, false).map(Some),
            false => Ok(None),
        }
    }

    /// Puts a new key in the place of the bot's own, for the next start: this store keeps the one it has. What the old one
    /// proved is believed to the end of `last_day`, counted from 1970.
    pub fn change_key(&self, last_day: u32, today: u32) -> Result<Key, StoreError> {
        folder::change_key(&self.inner.dir, &self.inner.key, last_day, today)
    }

    /// The bot's own key.
    pub fn key(&self) -> &Key {
        &self.inner.key
    }

    pub fn archive(&self) -> &Archive {
        &self.inner.archive
    }

    // Writing.

    /// Writes a record down and applies it. Not yet durable.
    pub fn append(&self, record: Record) -> Result<Position, StoreError> {
        let payload = schema::encode(&record)?;
        let _pen = self.pen()?;
        if !record.is_result() {
            self.state_or_new()?;
        }
        self.write(&record, &payload)
    }

    /// Decides on what is known and writes the decision down before anybody else can decide: two mails of one
    /// sender cannot both take the last of a budget. `decision` must not call the store but by its view. One that panics
    /// is [`StoreError::Stopped`]: nothing was written.
    pub fn decide(
        &self,
        decision: impl FnOnce(&View<'_>) -> Result<Record, StoreError>,
    ) -> Result<Position, StoreError> {
        let written = self.consider(|view| decision(view).map(Some))?;
        written.ok_or_else(|| StoreError::Refused("nothing was decided".into()))
    }

    /// As [`Store::decide`], where there may be nothing to write down.
    pub fn consider(
        &self,
        decision: impl FnOnce(&View<'_>) -> Result<Option<Record>, StoreError>,
    ) -> Result<Option<Position>, StoreError> {
        let _pen = self.pen()?;
        let state = self.state_or_new()?;
        let view = View::of(&state, &self.inner);
        let decided = caught::or_words(|| decision(&view));
        if let Some(broken) = view.into_broken() {
            self.mend(state, &broken.why)?;
            return Err(broken.into());
        }
        let Some(record) = decided.map_err(StoreError::Stopped)?? else { return Ok(None) };
        let payload = schema::encode(&record)?;
        self.write(&record, &payload).map(Some)
    }

    /// Returns when the record at `position` is on disk, together with everything before it.
    pub async fn synced(&self, position: Position) -> Result<(), StoreError> {
        self.inner.journal.synced(position).await
    }

    /// Returns when everything that was written so far is on disk.
    pub async fn all_synced(&self) -> Result<(), StoreError> {
        match self.inner.journal.mark()?.end {
            0 => Ok(()),
            end => self.synced(Position(end - 1)).await,
        }
    }

    /// Makes everything durable in this thread, for commands.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.inner.journal.sync()
    }

    // Upkeep.

    /// Builds the state anew from the journal alone. Nobody can write meanwhile.
    pub fn rebuild(&self) -> Result<(), StoreError> {
        let _pen = self.pen()?;
        let state = self.state_or_new()?;
        checkpoint::remove(&self.inner.dir);
        self.mend(state, "asked for")
    }

    pub fn stats(&self) -> Result<Stats, StoreError> {
        let (records, fdatasyncs) = self.inner.journal.counts();
        Ok(Stats { records, fdatasyncs, outbox: self.outbox_len()? })
    }

    /// Writes and applies; the pen is held.
    fn write(&self, record: &Record, payload: &[u8]) -> Result<Position, StoreError> {
        let journal = &self.inner.journal;
        let state = match self.state() {
            // Results are written down also while there is no state; it will read them in the journal.
            Err(StoreError::Full) if record.is_result() => {
                return Ok(journal.append(payload, Urgency::Result)?.0);
            }
            state => state?,
        };
        self.refuse_known_mails(&state, record)?;
        let urgency = match record.is_result() {
            true => Urgency::Result,
            false => Urgency::Ordinary,
        };
        let (position, mark) = journal.append(payload, urgency)?;
        failpoint::reached("C8");
        failpoint::reached_after("C9", || drop(journal.sync()));
        if let Err(broken) = state.apply(position, mark, record) {
            match self.mend(state, &broken.why) {
                // The record is in the journal, and any later state knows it.
                Ok(()) | Err(StoreError::Full) => {}
                Err(other) => return Err(other),
            }
        }
        self.inner.at_hand.keep(position, record.outgoing());
        if let Record::Erased { .. } = record.plain() {
            self.inner.at_hand.clear();
            self.inner.erasures.send_modify(|times| *times += 1);
        }
        let freed = matches!(record, Record::Asked(_) | Record::Released { .. });
        if freed || !record.outgoing().is_empty() {
            self.inner.queued.send_modify(|times| *times += 1);
        }
        Ok(position)
    }

    /// A Message-ID is a mail's identity in the outbox: a second mail of the same name would push out the
    /// first one unsent.
    fn refuse_known_mails(&self, state: &Arc<State>, record: &Record) -> Result<(), StoreError> {
        let mut seen = HashSet::new();
        for id in record.outgoing().iter().map(|mail| &mail.message_id) {
            let known = match guarded(|| state.outbox_item(id)) {
                Ok(item) => item.is_some(),
                Err(broken) => {
                    self.mend(Arc::clone(state), &broken.why)?;
                    return Err(broken.into());
                }
            };
            if known || !seen.insert(id) {
                return Err(StoreError::Refused(format!("a mail {id} is in the outbox already")));
            }
        }
        Ok(())
    }

    /// Asks the state; a broken one is built anew and asked again.
    fn ask<T>(&self, question: impl Fn(&Lookup) -> Result<T, Broken>) -> Result<T, StoreError> {
        let state = match self.state() {
            Err(StoreError::Full) => {
                let _pen = self.pen()?;
                self.state_or_new()?
            }
            state => state?,
        };
        let broken = match guarded(|| question(&state)) {
            Ok(answer) => return Ok(answer),
            Err(broken) => broken,
        };
        let _pen = self.pen()?;
        self.mend(state, &broken.why)?;
        let state = self.state()?;
        Ok(guarded(|| question(&state))?)
    }

    /// `Full` while there is no state.
    fn state(&self) -> Result<Arc<State>, StoreError> {
        let state = self.inner.state.read().map_err(|_| poisoned())?;
        state.as_ref().map(Arc::clone).ok_or(StoreError::Full)
    }

    fn upkeep(&self) -> Result<MutexGuard<'_, Option<Merging>>, StoreError> {
        self.inner.upkeep.lock().map_err(|_| poisoned())
    }

    fn pen(&self) -> Result<MutexGuard<'_, ()>, StoreError> {
        self.inner.pen.lock().map_err(|_| poisoned())
    }
}

fn poisoned() -> StoreError {
    StoreError::Fatal("a thread died while it used the store".into())
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Ok(Some(state)) = self.state.read().as_deref() {
            state.close();
        }
    }
}

impl From<Broken> for StoreError {
    fn from(broken: Broken) -> StoreError {
        match broken.full {
            true => StoreError::Full,
            false => StoreError::Rebuilt(broken.why),
        }
    }
}
