//! The working state, everything looked up from it: a view of the journal in sled, and the one door to sled.
//!
//! sled holds what changed since the checkpoint (see `checkpoint.rs`), whose tables lie below it; so it stays small and
//! fast however many cases there are, and its folder is named by the place in the journal from which on it tells.
//!
//! Nothing here needs to be durable. The mark in [`keys::APPLIED`] tells how far the journal has been applied,
//! and changes in the same atomic batch as the rows. What is missing is replayed; what will not open, or
//! fails while it is used, is moved aside and built anew. sled's `flush` does not fsync, so after a power cut
//! its files may be any mixture of old and new: then the state is built anew without being asked.

mod fold;
mod keys;
mod layers;
mod manners;
mod replay;
mod table;

pub(super) use layers::{Layers, Merged, Rows};
pub(super) use replay::{Replay, Sizes};
pub(super) use table::{Row, Table};

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::fold::{Change, fold};
pub use self::manners::Line;
use super::error::is_full;
use super::journal::{Journal, Mark, Position};
use super::record::{Outcome, Record, StartMark};
use super::schema::{self, OnDisk};
use super::{StoreError, checkpoint, folder};
use crate::address::Address;
use crate::case::{AgentFacts, Budgets, Case, CaseState, Clues, Facts, Pending, Prints, Scope, Twin, Window};
use crate::ids::{CaseNumber, MailHash, MailboxName, MessageId, RequestId};
use crate::mailbox::{Cursor, Place};
use crate::outgoing::{Envelope, Leaves, Outgoing, Purpose};
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

/// A mail in the outbox. Its text is in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxItem {
    pub message_id: MessageId,
    pub case: Option<CaseNumber>,
    pub purpose: Purpose,
    pub envelope: Envelope,
    /// When it was written down.
    pub queued: Timestamp,
    /// When the next attempt is due.
    pub due: Timestamp,
    /// Attempts begun so far.
    pub attempts: u32,
    /// What the relay said last.
    pub last: Option<String>,
    /// Where the attempt now under way was written down.
    pub started: Option<Position>,
    /// The record that holds its text, and which of the mails in it.
    pub position: Position,
    pub index: u32,
    /// It waits for a human's word, and is not due before.
    pub held: bool,
}

impl OutboxItem {
    /// The mail that was written down as the `index`-th of the record at `position`.
    pub(in crate::store) fn new(mail: &Outgoing, queued: Timestamp, position: Position, index: u32) -> OutboxItem {
        OutboxItem {
            message_id: mail.message_id.clone(),
            case: mail.case,
            purpose: mail.purpose,
            envelope: mail.envelope.clone(),
            queued,
            due: match mail.leaves {
                Leaves::At(at) => at.max(queued),
                Leaves::AtOnce | Leaves::WhenReleased => queued,
            },
            attempts: 0,
            last: None,
            started: None,
            position,
            index,
            held: mail.leaves == Leaves::WhenReleased,
        }
    }
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
    rows: Layers,
}

/// Another mail is the same mail only within this time; later the requester means it.
const TWIN_SECONDS: i64 = 7 * 24 * 60 * 60;
/// What changed since the checkpoint has room in it; sled's own default is 1 GB.
const CACHE: u64 = 16 << 20;
/// How often sled writes to its files. Longer means more to replay after a kill, shorter means more to write.
const FLUSH_MS: u64 = 2_000;
/// Nothing is put off for longer than this at a time (see the waits of delivery).
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// Cases of one requester that are counted.
const MAX_COUNTED: usize = 100;
/// Cases merged into each other one after the other that are followed.
const MOST_MERGES: usize = 8;
/// Open cases of one requester that a mail may turn out to be about.
const MAX_OPEN: usize = 8;

const STATE: &str = "state";
const ASIDE: &str = "state.broken";
/// Holds the boot of the machine in which the state was opened; removed when it was closed in order.
const OPENED: &str = "state.opened";

impl State {
    /// Opens the state in the data folder `dir`. One that is of no use is moved aside for an empty one, and
    /// the sentence says why.
    pub fn open(dir: &Path) -> Result<(State, Option<String>), StoreError> {
        let tables = checkpoint::tables(dir, false);
        checkpoint::tidy(dir, &tables);
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
        checkpoint::tidy(dir, &tables);
        let current = path_over(dir, &tables);
        set_aside(dir, &current)?;
        remove_others(dir, &current);
        Ok(State::over(dir, tables)?)
    }

    /// Gives the room back that the state takes; whoever uses it must have let go.
    pub fn remove(dir: &Path) {
        remove_others(dir, Path::new(""));
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
            let db = sled::Config::new().path(&path).cache_capacity(CACHE).flush_every_ms(Some(FLUSH_MS)).open()?;
            let format = schema::STATE_FORMAT.to_be_bytes();
            match db.get(keys::FORMAT)? {
                Some(found) if *found == format => {}
                None if db.is_empty() => {
                    db.insert(keys::FORMAT, &format)?;
                }
                _ => return Err(Broken::new("the state was written by another version")),
            }
            let recent = Some((*db).clone());
            Ok(State { dir: dir.to_owned(), path, db, rows: Layers { recent, tables } })
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

    /// Up to where the journal has been applied.
    pub fn applied(&self) -> Result<Mark, Broken> {
        let Some(bytes) = self.rows.get(keys::APPLIED)? else {
            return Ok(Mark::default());
        };
        let end = bytes.get(..8).and_then(|end| end.try_into().ok());
        let checksum = bytes.get(8..).and_then(|checksum| checksum.try_into().ok());
        match (end, checksum) {
            (Some(end), Some(checksum)) => {
                Ok(Mark { end: u64::from_be_bytes(end), checksum: u32::from_be_bytes(checksum) })
            }
            _ => Err(Broken::new("the mark of the state has the wrong length")),
        }
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
            self.db.flush()?;
            File::open(self.path.join("db"))?.sync_all()?;
            Ok(())
        });
        if closed.is_ok() {
            let _ = std::fs::remove_file(self.dir.join(OPENED));
        }
    }

    pub fn mailbox(&self, name: &MailboxName) -> Result<MailboxRow, Broken> {
        let mut row: MailboxRow = self.row(&keys::mailbox(name))?.unwrap_or_default();
        // A mail that was taken and is not decided yet holds the cursor back, whatever was decided after it.
        if let Some(cursor) = &mut row.cursor {
            for (place, _) in self.pending(name)? {
                if let Place::Imap { uid_validity, uid } = place
                    && uid_validity == cursor.uid_validity
                {
                    cursor.uid = cursor.uid.min(uid.saturating_sub(1));
                }
            }
        }
        Ok(row)
    }

    pub fn pending(&self, mailbox: &MailboxName) -> Result<Vec<(Place, MailHash)>, Broken> {
        let prefix = keys::all_pending(mailbox);
        self.rows
            .scan(&prefix)
            .map(|entry| {
                let (key, hash) = entry?;
                let place = keys::place_after(&prefix, &key);
                place.zip(hash_from(&hash)).ok_or_else(|| Broken::new("a pending mail is not readable"))
            })
            .collect()
    }

    pub fn taken(&self, hash: &MailHash) -> Result<Option<Ledgered>, Broken> {
        self.row(&keys::ledger(hash))
    }

    /// The record of a request that was done.
    pub fn asked(&self, request: &RequestId) -> Result<Option<Position>, Broken> {
        let found = self.rows.get(keys::asked(request))?;
        found.map(|position| number(Some(&position)).map(Position)).transpose()
    }

    /// Is the mail in this place decided, or gone?
    pub fn placed(&self, mailbox: &MailboxName, place: &Place) -> Result<bool, Broken> {
        self.rows.contains(keys::placed(mailbox, place))
    }

    /// Places of decided mails of which the mailbox has not been told.
    pub fn unsettled(&self, mailbox: &MailboxName, most: usize) -> Result<Vec<Place>, Broken> {
        let prefix = keys::all_unsettled(mailbox);
        let places = self.rows.keys(&prefix).take(most).map(|key| {
            keys::place_after(&prefix, &key?).ok_or_else(|| Broken::new("an unsettled mail is not readable"))
        });
        places.collect()
    }

    pub fn attempts(&self, hash: &MailHash) -> Result<u32, Broken> {
        let value = self.rows.get(keys::attempts(hash))?;
        let bytes = value.as_deref().and_then(|bytes| bytes.try_into().ok());
        Ok(bytes.map_or(0, u32::from_be_bytes))
    }

    pub fn facts(&self, clues: &Clues, now: Timestamp) -> Result<Facts, Broken> {
        let mut merged = BTreeMap::new();
        let mut facts = Facts {
            by_signed: self.cases_with(clues.signed.iter().copied(), &mut merged)?,
            by_number: self.cases_with(clues.numbers.iter().copied(), &mut merged)?,
            ..Facts::default()
        };
        let mut referenced = Vec::new();
        for id in &clues.references {
            if let Some(value) = self.rows.get(keys::inbound(id))? {
                referenced.push(CaseNumber::from_bits(number(Some(&value))?));
            }
        }
        facts.by_reference = self.cases_with(referenced.into_iter(), &mut merged)?;
        facts.merged = merged;
        for candidate in &clues.candidates {
            if !self.rows.contains(keys::case(*candidate))? {
                facts.free_number = Some(*candidate);
                break;
            }
        }
        if let Some(twin) = &clues.twin {
            facts.twin = self.twin(twin, now)?;
        }
        if let Some(sender) = &clues.sender {
            (facts.open_cases, facts.of_sender) = self.open_cases(sender)?;
        }
        facts.budgets = clues
            .scopes
            .iter()
            .map(|scope| {
                let value = self.rows.get(keys::budget(scope))?;
                let window = value.map_or_else(Window::default, |bytes| window_from(&bytes));
                Ok((scope.clone(), window))
            })
            .collect::<Result<Budgets, Broken>>()?;
        if let Some(case) = facts.by_signed.first().map(|case| case.number) {
            facts.internal = self.internal(case)?;
            // What was internal before the cases were made one is so still.
            for (merged, _) in facts.merged.iter().filter(|(_, into)| **into == case) {
                facts.internal.extend(&self.internal(*merged)?);
            }
            facts.waiting = self.pending_of(case)?;
        }
        for agent in &clues.agents {
            let known = self.agent(agent)?;
            if known != AgentFacts::default() {
                facts.agents.insert(agent.clone(), known);
            }
        }
        for scope in clues.scopes.iter().filter(|scope| matches!(scope, Scope::Sender(_))) {
            if let Some(until) = self.rows.get(keys::suppressed(scope))? {
                facts.suppressed.insert(scope.clone(), moment(&until)?);
            }
        }
        self.manners(clues, &mut facts)?;
        Ok(facts)
    }

    pub fn case(&self, number: CaseNumber) -> Result<Option<Case>, Broken> {
        self.row(&keys::case(number))
    }

    /// Cases of which a timer has run down, the longest due first.
    pub fn alarms(&self, now: Timestamp, most: usize) -> Result<Vec<CaseNumber>, Broken> {
        let mut cases = Vec::new();
        for key in self.rows.between(keys::TIMERS, &keys::timers_after(now)) {
            let case = keys::timer_case(&key?).ok_or_else(|| Broken::new("a timer is not readable"))?;
            if !cases.contains(&case) {
                cases.push(case);
            }
            if cases.len() == most {
                break;
            }
        }
        Ok(cases)
    }

    /// Fingerprints of everything internal in a case.
    fn internal(&self, case: CaseNumber) -> Result<Prints, Broken> {
        let mut all = Prints::default();
        for value in self.rows.values(&keys::all_internal(case)) {
            let value = value?;
            let text = std::str::from_utf8(&value).ok().and_then(Prints::parse);
            all.extend(&text.ok_or_else(|| Broken::new("the fingerprints of a case are not readable"))?);
        }
        Ok(all)
    }

    /// Are there mails of a case that have not left?
    pub fn has_queue(&self, case: CaseNumber) -> Result<bool, Broken> {
        Ok(self.rows.keys(&keys::queues(case)).next().transpose()?.is_some())
    }

    /// Mails of a case that have not left, in the order in which they were written down.
    fn pending_of(&self, case: CaseNumber) -> Result<Vec<Pending>, Broken> {
        let mut pending = Vec::new();
        for id in self.rows.values(&keys::queues(case)) {
            let id = id?;
            let id = std::str::from_utf8(&id).ok().and_then(MessageId::parse);
            if let Some(item) = id.map(|id| self.outbox_item(&id)).transpose()?.flatten() {
                pending.push(Pending {
                    message_id: item.message_id,
                    to: item.envelope.to,
                    to_requester: item.purpose.is_to_requester(),
                    held: item.held,
                    started: item.started.is_some() || item.attempts > 0,
                });
            }
        }
        Ok(pending)
    }

    /// How much an agent has to do, and whether they are there.
    pub fn agent(&self, agent: &Address) -> Result<AgentFacts, Broken> {
        self.row(&keys::agent(agent)).map(Option::unwrap_or_default)
    }

    pub fn cases_of(&self, requester: &Address) -> Result<Vec<Case>, Broken> {
        let prefix = keys::requesters(requester);
        let mut numbers = Vec::new();
        for key in self.rows.keys(&prefix) {
            numbers.push(CaseNumber::from_bits(number(key?.get(prefix.len()..))?));
        }
        numbers.into_iter().filter_map(|number| self.case(number).transpose()).collect()
    }

    /// How many cases of a requester are not closed, and those touched last, among their [`MAX_COUNTED`] first: an
    /// address with thousands of cases must not make every further mail slow.
    fn open_cases(&self, requester: &Address) -> Result<(u32, Vec<Case>), Broken> {
        let prefix = keys::requesters(requester);
        let mut open = Vec::new();
        for key in self.rows.keys(&prefix).take(MAX_COUNTED) {
            let case = self.case(CaseNumber::from_bits(number(key?.get(prefix.len()..))?))?;
            open.extend(case.filter(|case| case.state != CaseState::Closed));
        }
        let count = open.len() as u32;
        open.sort_by_key(|case| std::cmp::Reverse((case.touched, case.number)));
        open.truncate(MAX_OPEN);
        Ok((count, open))
    }

    /// The frames that tell the history of a case, in order.
    pub fn entries(&self, case: CaseNumber) -> Result<Vec<Position>, Broken> {
        let prefix = keys::entries(case);
        self.rows.keys(&prefix).map(|key| Ok(Position(number(key?.get(prefix.len()..))?))).collect()
    }

    /// The last of them, in order, at most `most`.
    pub fn latest(&self, case: CaseNumber, most: usize) -> Result<Vec<Position>, Broken> {
        let mut latest = self.entries(case)?;
        latest.drain(..latest.len().saturating_sub(most));
        Ok(latest)
    }

    pub fn cases(&self) -> impl Iterator<Item = Result<Case, Broken>> + use<> {
        self.rows.values(keys::CASES).map(|value| schema::read_row(&value?).map_err(Broken::new))
    }

    pub fn ledger(&self) -> impl Iterator<Item = Result<(MailHash, Ledgered), Broken>> + use<> {
        self.rows.scan(keys::LEDGER).map(|entry| {
            let (key, value) = entry?;
            let hash = hash_from(&key[keys::LEDGER.len()..])
                .ok_or_else(|| Broken::new("a key of the ledger is not a hash"))?;
            Ok((hash, schema::read_row(&value).map_err(Broken::new)?))
        })
    }

    pub fn outbox(&self) -> impl Iterator<Item = Result<OutboxItem, Broken>> + use<> {
        self.rows.values(keys::OUTBOX).map(|value| schema::read_row(&value?).map_err(Broken::new))
    }

    pub fn outbox_item(&self, id: &MessageId) -> Result<Option<OutboxItem>, Broken> {
        self.row(&keys::outbox(id))
    }

    pub fn outbox_length(&self) -> Result<u64, Broken> {
        number(self.rows.get(keys::OUTBOX_LENGTH)?.as_deref())
    }

    /// Mails whose next attempt is due, at most one of each case.
    pub fn due(&self, now: Timestamp, most: usize) -> Result<Vec<OutboxItem>, Broken> {
        let (mut found, mut cases) = (Vec::new(), HashSet::new());
        let tripped = self.tripped()?.is_some();
        let is_due = |item: &Result<OutboxItem, Broken>| item.as_ref().map_or(true, |item| item.due <= now);
        for item in self.waiting().take_while(is_due).chain(self.astray(now)) {
            let item = item?;
            if found.len() == most {
                break;
            }
            if !is_held(&item, tripped) && !self.must_wait(&item)? && item.case.is_none_or(|case| cases.insert(case)) {
                found.push(item);
            }
        }
        Ok(found)
    }

    /// Does nothing keep a mail, whose time has come, from leaving?
    pub fn may_begin(&self, id: &MessageId) -> Result<bool, Broken> {
        let Some(item) = self.outbox_item(id)?.filter(|item| item.started.is_none() && !item.held) else {
            return Ok(false);
        };
        Ok(!is_held(&item, self.tripped()?.is_some()) && !self.must_wait(&item)?)
    }

    /// When the next attempt may begin; what waits for another mail of its case is not counted.
    pub fn next_due(&self) -> Result<Option<Timestamp>, Broken> {
        let tripped = self.tripped()?.is_some();
        for item in self.waiting() {
            let item = item?;
            if !is_held(&item, tripped) && !self.must_wait(&item)? {
                return Ok(Some(item.due));
            }
        }
        Ok(None)
    }

    /// Mails that wait for an attempt, the most urgent first.
    fn waiting(&self) -> impl Iterator<Item = Result<OutboxItem, Broken>> {
        self.rows.keys(keys::DUE).map(|key| self.waiting_at(&key?))
    }

    /// Mails that wait for longer than anything waits: the clock was ahead when they were put off.
    fn astray(&self, now: Timestamp) -> impl Iterator<Item = Result<OutboxItem, Broken>> {
        let from = keys::due_at(now.checked_add(LONGEST_WAIT).unwrap_or(now));
        let to = keys::due_at(Timestamp::MAX);
        self.rows.between(&from, &to).map(|key| self.waiting_at(&key?))
    }

    fn waiting_at(&self, key: &[u8]) -> Result<OutboxItem, Broken> {
        let id = keys::due_id(key).ok_or_else(|| Broken::new("a due mail is not readable"))?;
        self.outbox_item(&id)?.ok_or_else(|| Broken::new(format!("the due mail {id} is not in the outbox")))
    }

    /// One mail of a case is under way at a time, and mails of a case to one recipient leave in order. A mail
    /// to somebody else may overtake: a customer's full mailbox must not keep the case from its group.
    fn must_wait(&self, item: &OutboxItem) -> Result<bool, Broken> {
        let Some(case) = item.case else { return Ok(false) };
        for id in self.rows.values(&keys::queues(case)) {
            let id = id?;
            let id = std::str::from_utf8(&id).ok().and_then(MessageId::parse);
            let Some(other) = id.map(|id| self.outbox_item(&id)).transpose()?.flatten() else {
                return Err(Broken::new(format!("a queued mail of case {case} is not in the outbox")));
            };
            let earlier = (other.position, other.index) < (item.position, item.index);
            if other.started.is_some() || (earlier && !other.held && other.envelope.to == item.envelope.to) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn twin(&self, twin: &Twin, now: Timestamp) -> Result<Option<CaseNumber>, Broken> {
        let Some(value) = self.rows.get(keys::twin(twin))? else {
            return Ok(None);
        };
        let case = CaseNumber::from_bits(number(value.get(..8))?);
        let at = number(value.get(8..))? as i64;
        Ok((now.as_second() - at <= TWIN_SECONDS).then_some(case))
    }

    /// Every row, for tests that compare two states.
    #[cfg(test)]
    pub fn dump(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.rows.scan(b"").map(|row| row.unwrap()).collect()
    }

    /// The cases with these numbers that there are, each once.
    /// The cases of these numbers, each once; in the place of one that was merged stands the one it goes on in.
    fn cases_with(
        &self,
        numbers: impl Iterator<Item = CaseNumber>,
        merged: &mut BTreeMap<CaseNumber, CaseNumber>,
    ) -> Result<Vec<Case>, Broken> {
        let mut cases: Vec<Case> = Vec::new();
        for number in numbers {
            let mut found = self.case(number)?;
            for _ in 0..MOST_MERGES {
                let Some(into) = found.as_ref().and_then(|case| case.work.merged) else { break };
                merged.insert(number, into);
                found = self.case(into)?;
            }
            cases.extend(found.filter(|found| cases.iter().all(|case| case.number != found.number)));
        }
        Ok(cases)
    }

    fn row<T: OnDisk>(&self, key: &[u8]) -> Result<Option<T>, Broken> {
        match self.rows.get(key)? {
            Some(bytes) => Ok(Some(schema::read_row(&bytes).map_err(Broken::new)?)),
            None => Ok(None),
        }
    }
}

impl Broken {
    fn new(why: impl Into<String>) -> Broken {
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
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Broken::new(format!("sled gave up: {}", what.unwrap_or("no reason given"))))
    })
}

/// While the breaker is open, answers stay in the outbox.
fn is_held(item: &OutboxItem, tripped: bool) -> bool {
    tripped && item.purpose == Purpose::Answer
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
