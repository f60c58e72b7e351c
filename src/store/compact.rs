//! Compaction: segments of the journal are made thinner, one after the other, while the bot goes on.
//!
//! What leaves is what nobody asks for any more: the text of letters whose case has been closed for long, the steps on the
//! way to something that has happened since, and everything about cases that were erased ([`Record::Erased`]). All that
//! stays keeps its place (`thin.rs`), so whatever names a place in the journal still finds what it means, and the state
//! made from what is left is the state made from all of it. So the checkpoint is a view as before, and nothing depends on it.
//!
//! * A segment is written anew, made durable, renamed over the old one, and the folder made durable. A crash leaves the
//!   old one or the new one; what was half-written is removed at the next start.
//! * Erasing begins with its record, and goes on from there after a crash: the mails leave the archive, what stood before the record
//!   leaves the journal, the state is made anew without it, and a second record says that nothing is left to do.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::time::Duration;

use tokio::sync::watch;

use super::frame::Frame;
use super::journal::Position;
use super::record::{Decided, Manners, Orders, Record};
use super::segments::{path_of, stream};
use super::thin::Writer;
use super::{Store, StoreError, folder, schema};
use crate::case::{Case, CaseState, Folded, Scope};
use crate::config::Keep;
use crate::failpoint;
use crate::ids::{CaseNumber, MessageId};
use crate::outgoing::Outgoing;
use crate::time::{Timestamp, of_days};

/// What a compaction did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Segments that have been made thinner, and their octets before and after.
    pub segments: u64,
    pub octets: u64,
    pub left: u64,
    /// Cases that are erased altogether now.
    pub erased: u64,
    /// Records that say something of erased cases and have to wait, since mail in them has not left yet.
    pub waiting: u64,
}

/// What is younger stays as it is: reports are made of it, and people look at it.
const YOUNG: Duration = of_days(30);
/// A segment that would lose less than one part in so many is left as it is.
const WORTH: u64 = 16;
/// Cases named in one record.
const MOST_NAMED: usize = 256;
/// Where a segment is written before it has its name.
pub(super) const TMP: &str = "thin.tmp";

impl Store {
    /// Has it been long since the last time?
    pub fn wants_compaction(&self, now: Timestamp) -> Result<bool, StoreError> {
        let last = self.ask(|state| state.compacted())?;
        // Under a clock that was ahead the last time seems to be still to come.
        let is_long_ago = |last: Timestamp| last > now || last.checked_add(YOUNG).is_ok_and(|again| again <= now);
        Ok(last.is_none_or(is_long_ago))
    }

    /// Are there cases that are erased only in part?
    pub fn is_erasing(&self) -> Result<bool, StoreError> {
        Ok(!self.ask(|state| state.erased())?.is_empty())
    }

    /// Changes whenever cases have been put down to be erased.
    pub fn erasures(&self) -> watch::Receiver<u64> {
        self.inner.erasures.subscribe()
    }

    /// Goes through the whole journal but for what is being written, and leaves out what nobody asks for any more. Takes
    /// long and keeps nobody waiting.
    pub fn compact(&self, keep: &Keep, now: Timestamp) -> Result<Compacted, StoreError> {
        let mut merging = self.upkeep()?;
        // What leaves the journal leaves all tables.
        *merging = None;
        self.expire(keep, now)?;
        let erased = self.ask(|state| state.erased())?;
        self.sync()?;
        for position in erased.values().collect::<BTreeSet<_>>() {
            if let Record::Erased { mails, .. } = self.record(*position)?.into_plain() {
                mails.iter().try_for_each(|hash| self.archive().remove(hash))?;
            }
        }
        failpoint::reached("C20");
        let young = now.checked_sub(YOUNG).unwrap_or(Timestamp::MIN);
        let journal = &self.inner.journal;
        let (mut starts, _) = journal.segments()?;
        if !erased.is_empty() || self.is_old(starts.last().copied().unwrap_or(0), young)? {
            journal.turn_page()?;
        }
        let mut end;
        (starts, end) = journal.segments()?;
        let last = starts.pop();
        end = last.unwrap_or(end);
        // There was no room to turn the page.
        if erased.values().any(|position| position.0 >= end) {
            return Err(StoreError::Full);
        }

        let mut done = Compacted::default();
        let state = self.state()?;
        let named = state.tables().iter().map(|table| table.mark.end).chain([state.applied()?.end]).collect();
        drop(state);
        let judge = Judge { store: self, keep, now, young, erased: &erased, named, waiting: Cell::new(0) };
        for (at, start) in starts.iter().enumerate() {
            if erased.is_empty() && !self.is_old(*start, young)? {
                break;
            }
            let until = starts.get(at + 1).copied().unwrap_or(end);
            if let Some((octets, left)) = judge.thin(*start, until)? {
                done.segments += 1;
                done.octets += octets;
                done.left += left;
                failpoint::reached("C20");
            }
        }
        let by_age = keep.letter_days > 0 || keep.case_days > 0;
        self.append(Record::Compacted { at: now, by_age, cases: Vec::new() })?;
        done.waiting = judge.waiting.get();
        if erased.is_empty() || done.waiting > 0 {
            self.sync()?;
            return Ok(done);
        }
        // The state still knows what only the erased records said.
        if !self.checkpoint_anew()? {
            return Ok(done);
        }
        failpoint::reached("C20");
        let cases: Vec<CaseNumber> = erased.into_keys().collect();
        for cases in cases.chunks(MOST_NAMED) {
            self.append(Record::Compacted { at: now, by_age: false, cases: cases.to_vec() })?;
        }
        self.sync()?;
        done.erased = cases.len() as u64;
        Ok(done)
    }

    /// Erases the cases that have been closed for long enough.
    fn expire(&self, keep: &Keep, at: Timestamp) -> Result<(), StoreError> {
        if keep.case_days == 0 {
            return Ok(());
        }
        let is_over = |case: &Case| closed_for(case, keep.case_days, at);
        let mut over = Vec::new();
        for case in self.cases()? {
            let case = case?;
            over.extend(is_over(&case).then_some(case.number));
        }
        for cases in over.chunks(MOST_NAMED) {
            self.consider(|view| {
                let mut erased = Vec::new();
                for number in cases {
                    // A mail may have come meanwhile, and the case is open again; or the one it goes on in is.
                    let still = view.goes_on(*number)?.is_some_and(|case| is_over(&case));
                    erased.extend((still && view.queue(*number)?.is_empty()).then_some(*number));
                }
                let found = !erased.is_empty();
                Ok(found.then(|| Record::Erased { at, cases: erased, mails: Vec::new(), withdrawn: Vec::new() }))
            })?;
        }
        Ok(())
    }

    /// Was the first record of this segment written before then?
    fn is_old(&self, start: u64, young: Timestamp) -> Result<bool, StoreError> {
        let mut at = None;
        let end = self.end()?;
        // The first that tells a time: there is one among any few.
        self.inner.journal.look(start, end, |record| {
            at = record.at();
            at.is_some()
        })?;
        Ok(at.is_some_and(|at| at <= young))
    }
}

/// What stays of a record.
enum Left {
    Whole,
    Less(Box<Record>),
    Gone,
}

/// Says of each record what stays.
struct Judge<'a> {
    store: &'a Store,
    keep: &'a Keep,
    now: Timestamp,
    young: Timestamp,
    /// Cases that are being erased, and where that was written down.
    erased: &'a HashMap<CaseNumber, Position>,
    /// Where the checkpoint and the state end: they are known again by the record that ends there.
    named: BTreeSet<u64>,
    waiting: Cell<u64>,
}

impl Judge<'_> {
    /// Writes a segment anew without what has left, if that is worth it. Gives its octets before and after.
    fn thin(&self, start: u64, until: u64) -> Result<Option<(u64, u64)>, StoreError> {
        let dir = self.store.inner.dir.join("journal");
        let (path, tmp) = (path_of(&dir, start), dir.join(TMP));
        let trouble = |error: std::io::Error| StoreError::at(&tmp, "written", &error);
        let octets = path.metadata().map_err(|e| StoreError::at(&path, "read", &e))?.len();
        let mut writer = Writer::create(&tmp, start).map_err(trouble)?;
        let (mut erased, mut less) = (false, 0);
        let streamed = stream(&dir, start, start, until, None, |frame| {
            match self.left(&frame)? {
                (Left::Whole, _) => writer.keep(&frame, frame.payload).map_err(trouble)?,
                (Left::Less(record), for_good) => {
                    let payload = schema::encode(&record)?;
                    less += frame.payload.len().saturating_sub(payload.len()) as u64;
                    erased |= for_good;
                    writer.keep(&frame, &payload).map_err(trouble)?;
                }
                (Left::Gone, for_good) => {
                    less += frame.payload.len() as u64;
                    erased |= for_good;
                    writer.leave_out(&frame, self.named.contains(&frame.end)).map_err(trouble)?;
                }
            }
            Ok(ControlFlow::Continue(()))
        });
        let written = streamed.and_then(|()| match less > octets / WORTH || erased {
            true => writer.finish().map(Some).map_err(trouble),
            false => Ok(None),
        });
        let left = match written {
            Ok(Some(left)) => left,
            other => {
                let _ = std::fs::remove_file(&tmp);
                return other.map(|_| None);
            }
        };
        failpoint::reached("C17");
        std::fs::rename(&tmp, &path).map_err(|e| StoreError::at(&path, "renamed", &e))?;
        failpoint::reached("C18");
        folder::sync_dir(&dir).map_err(|e| StoreError::at(&dir, "made durable", &e))?;
        Ok(Some((octets, left)))
    }

    /// What stays of a record, and whether the rest must leave, however little it is.
    fn left(&self, frame: &Frame<'_>) -> Result<(Left, bool), StoreError> {
        if frame.is_gone() {
            return Ok((Left::Gone, false));
        }
        let position = Position(frame.position);
        let journal = &self.store.inner.journal;
        let record = schema::decode(frame.payload).map_err(|why| journal.damaged(position, &why))?;
        if case_of(&record).and_then(|case| self.erased.get(&case)).is_some_and(|erased| position < *erased) {
            return Ok((self.without_case(record)?, true));
        }
        // A digest names whoever wrote, and nobody asks for it again.
        let erased = !self.erased.is_empty() && matches!(record, Record::Digested { .. });
        if !erased && record.at().is_none_or(|at| at > self.young) {
            return Ok((Left::Whole, false));
        }
        Ok((self.without_past(position, record)?, erased))
    }

    /// Of an erased case it stays known which mails were taken, so that none is taken again.
    fn without_case(&self, record: Record) -> Result<Left, StoreError> {
        for mail in record.outgoing() {
            if self.store.outbox_item(&mail.message_id)?.is_some() {
                self.waiting.set(self.waiting.get() + 1);
                return Ok(Left::Whole);
            }
        }
        Ok(match record {
            Record::Decided(decided) => Left::Less(Box::new(Record::Decided(Box::new(bare(*decided))))),
            record => drawn(&record).map_or(Left::Gone, |drawn| Left::Less(Box::new(drawn))),
        })
    }

    fn without_past(&self, position: Position, mut record: Record) -> Result<Left, StoreError> {
        match &record {
            Record::Taken { mailbox, place, hash, .. } => {
                let decided = self.store.taken(hash)?.is_some_and(|known| position < known.position);
                let is_pending = |state: &super::Lookup| state.is_pending(mailbox, place);
                return Ok(if decided && !self.store.ask(is_pending)? { Left::Gone } else { Left::Whole });
            }
            Record::SendStart { message_id, .. } => {
                return Ok(if self.store.outbox_item(message_id)?.is_none() { Left::Gone } else { Left::Whole });
            }
            _ => {}
        }
        let mut changed = false;
        for mail in letters(&mut record) {
            if !mail.content.is_forgotten() && self.is_over(mail)? {
                mail.content.forget();
                changed = true;
            }
        }
        Ok(if changed { Left::Less(Box::new(record)) } else { Left::Whole })
    }

    /// Has this letter left, and does nobody ask for its text any more?
    fn is_over(&self, mail: &Outgoing) -> Result<bool, StoreError> {
        if self.store.outbox_item(&mail.message_id)?.is_some() {
            return Ok(false);
        }
        let case = mail.case.map(|number| self.store.goes_on(number)).transpose()?.flatten();
        match (case, self.keep.letter_days) {
            (None, days) => Ok(days > 0 || !self.erased.is_empty()),
            (Some(_), 0) => Ok(false),
            (Some(case), days) => Ok(closed_for(&case, days, self.now)),
        }
    }
}

/// Has this case been closed for so many days?
fn closed_for(case: &Case, days: u32, now: Timestamp) -> bool {
    let since = case.work.closed.unwrap_or(case.touched);
    case.state == CaseState::Closed && since.checked_add(of_days(days)).is_ok_and(|end| end <= now)
}

/// The case that a record is about.
fn case_of(record: &Record) -> Option<CaseNumber> {
    match record.plain() {
        Record::Decided(decided) => decided.outcome.case(),
        Record::Changed(changed) => Some(changed.case.number),
        Record::Told { notice, .. } => notice.case,
        Record::SendStart { message_id, .. }
        | Record::Sent { message_id, .. }
        | Record::Deferred { message_id, .. }
        | Record::Failed { message_id, .. } => named(message_id),
        _ => None,
    }
}

/// The case in a Message-ID of our own: it stands in the journal, so nobody else has made it.
fn named(id: &MessageId) -> Option<CaseNumber> {
    CaseNumber::parse(id.as_str().split('.').next()?)
}

/// A decision without what it says of people.
fn bare(decided: Decided) -> Decided {
    let Decided { mailbox, place, hash, at, delivered, outcome, mut spent, orders, manners, .. } = decided;
    spent.retain(is_shared);
    Decided {
        delivered,
        spent,
        orders: Orders { absences: orders.absences, ..Orders::default() },
        manners: Manners {
            came_back: manners.came_back,
            tripped: manners.tripped,
            haste: None,
            // Its place in the line of a digest stays, or a digest written later would pass over the next one.
            folded: manners.folded.map(|folded| Folded { from: None, subject: String::new(), ..folded }),
        },
        ..Decided::new(mailbox, place, hash, outcome, at)
    }
}

/// What a record drew on the budgets that others share, if anything.
fn drawn(record: &Record) -> Option<Record> {
    let (at, spent) = match record.plain() {
        Record::Decided(decided) => (decided.at, &decided.spent),
        Record::Changed(changed) => (changed.at, &changed.spent),
        _ => return None,
    };
    let spent: Vec<Scope> = spent.iter().filter(|scope| is_shared(scope)).cloned().collect();
    (!spent.is_empty()).then_some(Record::Drawn { at, spent })
}

/// Does a budget count others too? Then it stays drawn upon, whoever is erased.
fn is_shared(scope: &Scope) -> bool {
    !scope.names_a_sender()
}

/// The mails that a record put into the outbox.
fn letters(record: &mut Record) -> &mut [Outgoing] {
    match record {
        Record::Asked(asked) => letters(&mut asked.done),
        Record::Decided(decided) => &mut decided.outgoing,
        Record::Changed(changed) => &mut changed.outgoing,
        Record::Failed { notice, .. } => notice.as_mut_slice(),
        Record::Told { notice, .. } => std::slice::from_mut(notice),
        Record::Digested { mail, .. } => std::slice::from_mut(mail),
        Record::Reported { mails, .. } => mails,
        _ => &mut [],
    }
}
