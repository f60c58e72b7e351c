//! The working state, everything looked up from it: a view of the journal in sled, and the one door to sled.
//!
//! sled holds what changed since the checkpoint (see `checkpoint.rs`), whose tables lie below it; so it stays small and
//! fast however many cases there are, and its folder is named by the place in the journal from which on it tells.
//!
//! Nothing here needs to be durable. The mark in [`keys::APPLIED`] tells how far the journal has been applied,
//! and changes in the same atomic batch as the rows. What is missing is replayed; what will not open, or
//! fails while it is used, is moved aside and built anew. sled's `flush` does not fsync, so after a power cut
//! its files may be any mixture of old and new: then the state is built anew without being asked.

mod aside;
mod fold;
mod keys;
mod layers;
mod lookup;
mod manners;
mod outbox;
mod quarantine;
mod recent;
mod replay;
mod spill;
mod table;

pub(super) use layers::{Layers, Merged, Rows};
pub(super) use replay::{Replay, Sizes};
pub(super) use table::{Row, Table, Writing};

use std::borrow::Cow;
use std::fs::File;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

pub(super) use self::aside::Aside;
use self::fold::{Change, fold};
pub(super) use self::lookup::Lookup;
pub use self::manners::Line;
pub use self::outbox::OutboxItem;
use self::recent::Recent;
use super::error::is_full;
use super::journal::{Journal, Mark, Position};
use super::record::{Outcome, Record, StartMark};
use super::{StoreError, checkpoint, folder, schema};
use crate::case::Window;
use crate::caught;
use crate::ids::{MailHash, MailboxName};
use crate::lock::Lock;
use crate::mailbox::{Cursor, Place};
use crate::time::Timestamp;

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledgered {
    pub outcome: Outcome,
    pub at: Timestamp,
    /// Where it was first seen.
    pub mailbox: MailboxName,
    pub place: Place,
    /// The record of the decision.
    pub position: Position,
}

/// How far a mailbox has been taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MailboxRow {
    pub started: Option<StartMark>,
    pub cursor: Option<Cursor>,
}

/// The state is of no use any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// A sentence for the log.
    pub why: String,
    /// It wanted more room than there is: a new one is of use as soon as there is room again.
    pub full: bool,
}

pub(super) struct State {
    dir: PathBuf,
    /// The folder of sled.
    path: PathBuf,
    db: sled::Db,
    lookup: Lookup,
}

/// What changed since the checkpoint has room in it; sled's own default is 1 GB.
const CACHE: u64 = 16 << 20;
/// How often sled writes to its files. Longer means more to replay after a kill, shorter means more to write.
const FLUSH_MS: u64 = 10_000;

const STATE: &str = "state";
const ASIDE: &str = "state.broken";
/// Holds the boot of the machine in which the state was opened; removed when it was closed in order.
const OPENED: &str = "state.opened";

impl State {
    /// Opens the state in the data folder `dir`. One that is of no use is moved aside for an empty one, and
    /// the sentence says why.
    pub fn open(dir: &Path) -> Result<(State, Option<String>), StoreError> {
        let tables = checkpoint::tables(dir, false);
        checkpoint::tidy(dir, &tables, None);
        let current = path_over(dir, &tables);
        remove_others(dir, &current);
        let marker = dir.join(OPENED);
        let boot = folder::boot_id().unwrap_or_default();
        let mut why = match std::fs::read_to_string(&marker) {
            Ok(opened) if opened != boot => Some("the machine went down while the state was in use".to_owned()),
            _ => None,
        };
        if why.is_some() {
            set_aside(dir, &current)?;
        }
        folder::write_new(dir, &dir.join("state.tmp"), &marker, boot.as_bytes())
            .map_err(|e| StoreError::at(&marker, "written", &e))?;
        let state = match State::over(dir, tables.clone()) {
            Ok(state) => state,
            // Another one would not fit either.
            Err(broken) if broken.full => return Err(StoreError::Full),
            Err(broken) => {
                why = Some(broken.why);
                set_aside(dir, &current)?;
                State::over(dir, tables)?
            }
        };
        Ok((state, why))
    }

    /// An empty state over what is good of the checkpoint, in place of whatever there was.
    pub fn replace(dir: &Path) -> Result<State, StoreError> {
        let tables = checkpoint::tables(dir, true);
        checkpoint::tidy(dir, &tables, None);
        let current = path_over(dir, &tables);
        set_aside(dir, &current)?;
        remove_others(dir, &current);
        Ok(State::over(dir, tables)?)
    }

    /// Gives the room back that the state takes; whoever uses it must have let go.
    pub fn remove(dir: &Path) {
        remove_others(dir, Path::new(""));
        State::remove_aside(dir);
    }

    /// Removes the state that was of no use.
    pub fn remove_aside(dir: &Path) {
        let _ = std::fs::remove_dir_all(dir.join(ASIDE));
    }

    /// sled over these tables, as it was left.
    pub fn over(dir: &Path, tables: Vec<Arc<Table>>) -> Result<State, Broken> {
        let path = path_over(dir, &tables);
        guarded(|| {
            folder::create_dir(&path)?;
            // A snapshot left half-written by a crash makes sled refuse to open (sled#1527).
            for entry in std::fs::read_dir(&path)? {
                let entry = entry?;
                if entry.file_name().to_string_lossy().ends_with(".generating") {
                    std::fs::remove_file(entry.path())?;
                }
            }
            let_go(&path.join("db"));
            let db = sled::Config::new().path(&path).cache_capacity(CACHE).flush_every_ms(Some(FLUSH_MS)).open()?;
            let format = schema::STATE_FORMAT.to_be_bytes();
            match db.get(keys::FORMAT)? {
                Some(found) if *found == format => {}
                None if db.is_empty() => {
                    db.insert(keys::FORMAT, &format)?;
                }
                _ => return Err(Broken::new("the state was written by another version")),
            }
            let recent = Some(Recent::new((*db).clone()));
            Ok(State { dir: dir.to_owned(), path, db, lookup: Lookup { rows: Layers { recent, tables } } })
        })
    }

    /// The tables below sled, the newest first.
    pub fn tables(&self) -> &[Arc<Table>] {
        &self.rows.tables
    }

    /// The folder of sled, to be removed when nobody uses it any more.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Applies one record.
    pub fn apply(&self, position: Position, mark: Mark, record: &Record) -> Result<(), Broken> {
        guarded(|| {
            let mut change = Change::new(Cow::Borrowed(&self.rows));
            fold(&mut change, position, mark, record)?;
            change.apply()
        })
    }

    /// Applies many records.
    pub fn replay<'a>(&self, journal: &'a Journal, sizes: Sizes, dir: &'a Path) -> Result<Replay<'a>, Broken> {
        Ok(Replay::new(dir, journal, sizes, self.rows.clone(), self.applied()?))
    }

    /// Writes out what sled still holds and makes it durable, so that the next start may trust it.
    pub fn close(&self) {
        let closed = guarded(|| {
            self.rows.recent.as_ref().map_or(Ok(()), Recent::hand_over)?;
            self.db.flush()?;
            File::open(self.path.join("db"))?.sync_all()?;
            Ok(())
        });
        if closed.is_ok() {
            let _ = std::fs::remove_file(self.dir.join(OPENED));
        }
    }
}

impl Deref for State {
    type Target = Lookup;

    fn deref(&self) -> &Lookup {
        &self.lookup
    }
}

impl Broken {
    pub(super) fn new(why: impl Into<String>) -> Broken {
        Broken { why: why.into(), full: false }
    }
}

impl From<sled::Error> for Broken {
    fn from(error: sled::Error) -> Broken {
        Broken { full: matches!(&error, sled::Error::Io(error) if is_full(error)), why: format!("sled: {error}") }
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Broken {
        Broken { full: is_full(&error), why: error.to_string() }
    }
}

/// sled panics on some files that it cannot read; to us that is one more way to be broken.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, Broken>) -> Result<T, Broken> {
    caught::or_words(work).unwrap_or_else(|why| Err(Broken::new(format!("sled gave up: {why}"))))
}

/// Waits until nobody has sled's file, at most a second: who closed it did not unlock it, so a child that was just being
/// started has it for a moment (see [`Lock`]), and sled would be called unusable.
fn let_go(file: &Path) {
    let is_free = || File::open(file).map_or(true, |file| matches!(Lock::take(file), Ok(Some(_))));
    for _ in 0..100 {
        if is_free() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Where sled lies that tells what came after these tables.
fn path_over(dir: &Path, tables: &[Arc<Table>]) -> PathBuf {
    match tables.first() {
        None => dir.join(STATE),
        Some(newest) => dir.join(format!("{STATE}-{:016x}", newest.mark.end)),
    }
}

/// Moves the state out of the way, in place of the one that was moved before.
fn set_aside(dir: &Path, state: &Path) -> Result<(), StoreError> {
    let aside = dir.join(ASIDE);
    let _ = std::fs::remove_dir_all(&aside);
    match std::fs::rename(state, &aside) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(StoreError::at(state, "moved out of the way", &e)),
        _ => Ok(()),
    }
}

/// Removes the folders of sled over other checkpoints.
fn remove_others(dir: &Path, current: &Path) {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.path() != current) {
        let name = entry.file_name();
        let Some(over) = name.to_str().and_then(|name| name.strip_prefix(STATE)) else { continue };
        if over.is_empty() || over.starts_with('-') {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn number(bytes: Option<&[u8]>) -> Result<u64, Broken> {
    match bytes {
        None => Ok(0),
        Some(bytes) => bytes
            .try_into()
            .map(u64::from_be_bytes)
            .map_err(|_| Broken::new("a number in the state has the wrong length")),
    }
}

fn moment(bytes: &[u8]) -> Result<Timestamp, Broken> {
    let second = number(Some(bytes))? as i64;
    Timestamp::from_second(second).map_err(|_| Broken::new("a time in the state is beyond all calendars"))
}

fn hash_from(bytes: &[u8]) -> Option<MailHash> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    MailHash::parse(&hex)
}

/// The slots of a window, eight octets each: minute and count. As JSON they would pass 4 KB.
fn window_bytes(window: &Window) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(window.slots().len() * 8);
    for (minute, count) in window.slots() {
        bytes.extend_from_slice(&(*minute as i32).to_be_bytes());
        bytes.extend_from_slice(&count.to_be_bytes());
    }
    bytes
}

fn window_from(bytes: &[u8]) -> Window {
    let (slots, _) = bytes.as_chunks::<8>();
    let slot = |&[a, b, c, d, e, f, g, h]: &[u8; 8]| {
        let minute = i32::from_be_bytes([a, b, c, d]);
        (i64::from(minute), u32::from_be_bytes([e, f, g, h]))
    };
    Window::from_slots(slots.iter().map(slot).collect())
}
