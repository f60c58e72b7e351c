//! A damaged journal made whole again, without what stood in its damaged frames.
//!
//! Every frame carries its own checksum, so the frames around a damage are still known to be right. They are written
//! into a new journal in their order, with a record in the place of each damage, and chained anew; the old journal stays
//! beside it as it was. Which mails have lost their decision is told by the archive: a mail there that no record names.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::frame;
use super::journal::{Position, SYNCED};
use super::record::Record;
use super::segments::{Segment, mark_bytes, path_of, starts_in};
use super::{Archive, StoreError, beside, folder, schema, thin};
use crate::ids::{CaseNumber, MailHash, MessageId};
use crate::time::Timestamp;

/// A stretch of the journal that is not what was written there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    pub file: PathBuf,
    pub position: Position,
    /// In the file.
    pub offset: u64,
    pub octets: u64,
    /// What was written down last before it, and first after it.
    pub after: Option<Timestamp>,
    pub before: Option<Timestamp>,
    /// Cases whose numbers can still be read in it.
    pub cases: Vec<CaseNumber>,
}

/// What a repair found, or did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repair {
    pub damages: Vec<Damage>,
    /// Records that are whole.
    pub records: u64,
    /// Where the damaged journal is kept; none if nothing was written.
    pub kept: Option<PathBuf>,
    /// Mails of ours that have begun to leave, and of whose making no record is left.
    pub orphans: Vec<MessageId>,
    /// Mails of the archive that no record names, or that have no decision where some are lost, and when they were put there.
    pub strays: Vec<(MailHash, Timestamp)>,
}

/// The new journal while it is being written.
const NEW: &str = "journal.repaired";

/// Looks through the whole journal of a data folder, in use or not.
pub fn examine(data: &Path) -> Result<Repair, StoreError> {
    let (journal, new) = (data.join("journal"), data.join(NEW));
    let mut found = Survey::default();
    scan(if is_cut_short(&journal, &new) { &new } else { &journal }, |piece| found.take(&piece))?;
    found.finish(data)
}

/// Makes the journal whole if it is damaged. Nobody else may have the data folder.
pub fn repair(data: &Path, now: Timestamp) -> Result<Repair, StoreError> {
    let _lock = folder::take(data)?;
    let (journal, new) = (data.join("journal"), data.join(NEW));
    if is_cut_short(&journal, &new) {
        rename(&new, &journal)?;
    }
    let mut found = examine(data)?;
    if found.damages.is_empty() {
        return Ok(found);
    }
    if new.exists() {
        std::fs::remove_dir_all(&new).map_err(|e| StoreError::at(&new, "removed", &e))?;
    }
    folder::create_dir(&new).map_err(|e| StoreError::at(&new, "created", &e))?;
    let mut copy = Copy { dir: new.clone(), start: 0, before: 0, bytes: Vec::new() };
    scan(&journal, |piece| match piece {
        Piece::Segment => copy.next_segment(),
        Piece::Frame(payload, _) => {
            copy.push(payload);
            Ok(())
        }
        Piece::Damage(damage) => {
            let (position, octets) = (damage.position, damage.octets);
            copy.push(&schema::encode(&Record::Repaired { at: now, position, octets })?);
            Ok(())
        }
    })?;
    copy.next_segment()?;
    let mark = new.join(SYNCED);
    folder::write_new(&new, &new.join("tmp"), &mark, &mark_bytes(copy.start))
        .map_err(|e| StoreError::at(&mark, "written", &e))?;
    let kept = data.join(format!("journal.damaged-{}", now.strftime("%Y%m%dT%H%M%SZ")));
    rename(&journal, &kept)?;
    rename(&new, &journal)?;
    found.kept = Some(kept);
    Ok(found)
}

/// Did a crash come between the two last steps of a repair?
fn is_cut_short(journal: &Path, new: &Path) -> bool {
    !journal.exists() && new.join(SYNCED).exists()
}

/// A piece of a journal, in order.
enum Piece<'a> {
    /// A segment begins.
    Segment,
    /// The payload of a valid frame, and its record.
    Frame(&'a [u8], Box<Record>),
    Damage(Damage),
}

/// Hands over every piece. What stands behind the last octet that was known to be on disk is no damage.
fn scan(journal: &Path, mut each: impl FnMut(Piece<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
    let durable = beside::synced(journal)?;
    let starts = starts_in(journal)?;
    let mut reached = 0;
    let mut last_at = None;
    let mut open: Option<Damage> = None;
    for (at, start) in starts.iter().enumerate() {
        each(Piece::Segment)?;
        let path = path_of(journal, *start);
        let mut bytes = std::fs::read(&path).map_err(|e| StoreError::at(&path, "read", &e))?;
        if let Some(next) = starts.get(at + 1)
            && !thin::is_thin(&bytes)
        {
            bytes.truncate((next - start) as usize);
        }
        if reached < *start && open.is_none() {
            open = Some(damage(&path, *start, reached, last_at));
        }
        let segment = Segment::of(&bytes, *start);
        let Range { start: mut offset, end } = segment.frames();
        if segment.is_headless() {
            open.get_or_insert_with(|| damage(&path, *start, reached.max(*start), last_at));
        }
        while offset < end {
            let Some((frame, next)) = segment.frame_at(offset) else {
                // A fault: on to the next frame that is whole.
                let next = segment.next_after(offset).unwrap_or(end);
                let damaged = open.get_or_insert_with(|| Damage {
                    offset: offset as u64,
                    ..damage(&path, *start, reached.max(*start), last_at)
                });
                damaged.cases.extend(cases_in(&bytes[offset..next]));
                offset = next;
                continue;
            };
            (offset, reached) = (next, frame.end);
            let record = match frame.is_gone() {
                true => None,
                false => Some(
                    schema::decode(frame.payload)
                        .map_err(|why| super::segments::damaged(&path, *start, frame.position, &why))?,
                ),
            };
            let time = record.as_ref().and_then(Record::at);
            if let Some(mut damage) = open.take() {
                damage.octets = frame.position - damage.position.0;
                damage.before = time;
                each(Piece::Damage(damage))?;
            }
            last_at = time.or(last_at);
            if let Some(record) = record {
                each(Piece::Frame(frame.payload, Box::new(record)))?;
            }
        }
    }
    let Some(mut damage) = open else {
        return match durable.filter(|durable| *durable > reached) {
            // The end is missing altogether.
            Some(durable) => {
                let path = path_of(journal, starts.last().copied().unwrap_or(0));
                let mut missing = self::damage(&path, starts.last().copied().unwrap_or(0), reached, last_at);
                missing.octets = durable - reached;
                each(Piece::Damage(missing))
            }
            None => Ok(()),
        };
    };
    match durable {
        Some(durable) if durable > damage.position.0 => {
            damage.octets = durable - damage.position.0;
            each(Piece::Damage(damage))
        }
        _ => Ok(()),
    }
}

fn damage(file: &Path, start: u64, position: u64, after: Option<Timestamp>) -> Damage {
    let offset = position.saturating_sub(start);
    let position = Position(position);
    Damage { file: file.to_owned(), position, offset, octets: 0, after, before: None, cases: Vec::new() }
}

/// Case numbers that stand as texts in damaged octets; their check digit tells them from other texts.
fn cases_in(bytes: &[u8]) -> Vec<CaseNumber> {
    let mut found: Vec<CaseNumber> = Vec::new();
    for text in bytes.split(|byte| *byte == b'"').filter(|text| text.len() == 9) {
        let number = std::str::from_utf8(text).ok().and_then(CaseNumber::parse);
        found.extend(number.filter(|number| !found.contains(number)));
    }
    found
}

/// What can be said of a journal after all of it was seen.
#[derive(Default)]
struct Survey {
    repair: Repair,
    queued: HashSet<MessageId>,
    begun: BTreeSet<MessageId>,
    named: HashSet<MailHash>,
    decided: HashSet<MailHash>,
}

impl Survey {
    fn take(&mut self, piece: &Piece<'_>) -> Result<(), StoreError> {
        match piece {
            Piece::Segment => {}
            Piece::Damage(damage) => self.repair.damages.push(damage.clone()),
            Piece::Frame(_, record) => {
                self.repair.records += 1;
                let record = record.plain();
                self.queued.extend(record.outgoing().iter().map(|mail| mail.message_id.clone()));
                match record {
                    Record::Decided(decided) => {
                        self.named.insert(decided.hash);
                        self.decided.insert(decided.hash);
                    }
                    Record::Taken { hash, .. } | Record::Again { hash, .. } => {
                        self.named.insert(*hash);
                    }
                    Record::SendStart { message_id, .. } | Record::Sent { message_id, .. } => {
                        self.begun.insert(message_id.clone());
                    }
                    Record::Deferred { message_id, .. } | Record::Failed { message_id, .. } => {
                        self.begun.remove(message_id);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn finish(self, data: &Path) -> Result<Repair, StoreError> {
        let Survey { mut repair, queued, begun, named, decided } = self;
        // That a mail was taken says nothing of its decision where a damage may have swallowed that.
        let known = if repair.damages.is_empty() { named } else { decided };
        repair.orphans = begun.into_iter().filter(|id| !queued.contains(id)).collect();
        repair.strays = Archive::beside(data).all()?.into_iter().filter(|(hash, _)| !known.contains(hash)).collect();
        repair.strays.sort_by_key(|(hash, at)| (*at, *hash));
        Ok(repair)
    }
}

/// The journal that is being written.
struct Copy {
    dir: PathBuf,
    /// Where the segment begins that is being filled.
    start: u64,
    before: u32,
    bytes: Vec<u8>,
}

impl Copy {
    fn push(&mut self, payload: &[u8]) {
        let frame = frame::encode(self.start + self.bytes.len() as u64, self.before, payload);
        self.before = frame::checksum_of(&frame);
        self.bytes.extend_from_slice(&frame);
    }

    fn next_segment(&mut self) -> Result<(), StoreError> {
        if !self.bytes.is_empty() {
            let path = path_of(&self.dir, self.start);
            folder::write_new(&self.dir, &self.dir.join("tmp"), &path, &self.bytes)
                .map_err(|e| StoreError::at(&path, "written", &e))?;
            self.start += self.bytes.len() as u64;
            self.bytes.clear();
        }
        Ok(())
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    let done = std::fs::rename(from, to).and_then(|()| folder::sync_dir(from.parent().unwrap_or(from)));
    done.map_err(|e| StoreError::at(from, "renamed", &e))
}
