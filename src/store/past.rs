//! The past as the journal tells it, read beside a running bot: no lock is taken and nothing is written.
//!
//! A journal of a million mails has gigabytes, and nearly all of it is letters that were sent. So its segments are read
//! side by side, each record only at a glance, and of a case no more is kept than where it is written down.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::StoreError;
use super::frame::End;
use super::journal::{Position, SEGMENT};
use super::record::{Outcome, Record};
use super::schema::{self, Glance, GlancedDecision};
use super::segments::{self, Segment};
use crate::case::{Case, Lesson};
use crate::ids::{CaseNumber, MailHash, MailboxName};
use crate::time::Timestamp;

/// A mail that was decided, with what was known when it came.
#[derive(Debug, Clone, PartialEq)]
pub struct PastMail {
    pub hash: MailHash,
    pub mailbox: MailboxName,
    pub at: Timestamp,
    pub delivered: Timestamp,
    /// The record that tells the case as it stood before this mail; none where the mail opened it.
    pub before: Option<Position>,
    /// The case it went to.
    pub case: CaseNumber,
    /// What it taught about the rules, where it is an agent's.
    pub learned: Vec<Lesson>,
    /// Of its reasons the lines that say where it went, what it was about and what it was answered with.
    pub why: Vec<(String, String)>,
}

/// The journal of a data folder that a bot may be writing.
#[derive(Debug)]
pub struct PastJournal {
    dir: PathBuf,
    /// Of its segments, in order.
    starts: Vec<u64>,
}

/// What a segment tells of a case, in order.
enum Entry {
    /// A mail went to it, and here it is told how it stands then. `before` is not known yet: it may be in another
    /// segment.
    Mail(Option<Position>, PastMail),
    Changed(Position, CaseNumber),
}

impl PastJournal {
    /// None if no bot was ever started in this folder.
    pub fn beside(data: &Path) -> Result<Option<PastJournal>, StoreError> {
        let dir = data.join("journal");
        if !dir.exists() {
            return Ok(None);
        }
        let starts = segments::starts_in(&dir)?;
        Ok(Some(PastJournal { dir, starts }))
    }

    /// Hands over every mail that opened a case or joined one, in the order in which they were decided. Twins, our own
    /// mails and quarantined ones are left out: there was nothing to decide about them by rules.
    pub fn mails(&self, mut each: impl FnMut(PastMail)) -> Result<(), StoreError> {
        // Where each case was last written down.
        let mut cases: HashMap<CaseNumber, Position> = HashMap::new();
        self.each_segment(|entries| {
            for entry in entries {
                match entry {
                    Entry::Mail(position, mail) => {
                        let before = position.and_then(|position| cases.insert(mail.case, position));
                        each(PastMail { before, ..mail });
                    }
                    Entry::Changed(position, case) => {
                        cases.insert(case, position);
                    }
                }
            }
        })
    }

    /// The case as the record at this position tells it.
    pub fn case(&self, position: Position) -> Result<Case, StoreError> {
        let start = self.starts[self.starts.partition_point(|start| *start <= position.0).saturating_sub(1)];
        let path = segments::path_of(&self.dir, start);
        let damaged = |why: &str| segments::damaged(&path, start, position.0, why);
        let payload =
            segments::payload_at(&self.dir, start, position.0)?.ok_or_else(|| damaged("the record has left"))?;
        let case = match schema::decode(&payload).map_err(|why| damaged(&why))?.into_plain() {
            Record::Decided(decided) => decided.case,
            Record::Changed(changed) => Some(changed.case),
            _ => None,
        };
        case.ok_or_else(|| damaged("the record tells no case"))
    }

    /// Reads the segments on all cores and hands over their entries in order.
    fn each_segment(&self, mut each: impl FnMut(Vec<Entry>)) -> Result<(), StoreError> {
        let cores = thread::available_parallelism().map_or(1, usize::from).min(self.starts.len());
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            // Who is ahead waits here, so that only a few segments are held.
            let (send, receive) = mpsc::sync_channel(cores);
            for _ in 0..cores {
                let (send, next) = (send.clone(), &next);
                let reader = move || {
                    let mut bytes = Vec::new();
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        if at >= self.starts.len() || send.send((at, self.entries(at, &mut bytes))).is_err() {
                            return;
                        }
                    }
                };
                let spawned = thread::Builder::new().name("journal".into()).spawn_scoped(scope, reader);
                spawned.map_err(|e| StoreError::Trouble(format!("no thread to read the journal: {e}")))?;
            }
            drop(send);
            let (mut early, mut wanted) = (BTreeMap::new(), 0);
            for (at, entries) in receive {
                early.insert(at, entries?);
                while let Some(entries) = early.remove(&wanted) {
                    wanted += 1;
                    each(entries);
                }
            }
            Ok(())
        })
    }

    /// What one segment tells; `bytes` is room to read it into.
    fn entries(&self, at: usize, bytes: &mut Vec<u8>) -> Result<Vec<Entry>, StoreError> {
        let start = self.starts[at];
        let path = segments::path_of(&self.dir, start);
        bytes.clear();
        bytes.reserve(SEGMENT as usize);
        let read = File::open(&path).and_then(|mut file| file.read_to_end(bytes));
        read.map_err(|e| StoreError::at(&path, "read", &e))?;
        let mut entries = Vec::new();
        let walked = Segment::of(bytes, start).walk(None, |frame| {
            if frame.is_gone() {
                return Ok(());
            }
            let glance = schema::glance(frame.payload);
            let glance = glance.map_err(|why| segments::damaged(&path, start, frame.position, &why))?;
            let position = Position(frame.position);
            match glance {
                Glance::Decided(decided) => {
                    let (Outcome::Opened(case) | Outcome::Appended(case)) = decided.outcome else { return Ok(()) };
                    let GlancedDecision { hash, mailbox, at, delivered, orders, why, .. } = decided;
                    let learned = orders.learned;
                    let told = decided.case.map(|_| position);
                    entries.push(Entry::Mail(
                        told,
                        PastMail { hash, mailbox, at, delivered, before: None, case, learned, why: why.0 },
                    ));
                }
                Glance::Changed(case) => entries.push(Entry::Changed(position, case)),
                Glance::Other => {}
            }
            Ok::<(), StoreError>(())
        })?;
        match walked {
            // A frame that the bot is writing right now.
            End::Fault(_) if at + 1 == self.starts.len() => Ok(entries),
            End::Fault(position) => Err(segments::damaged(&path, start, position, "no valid frame begins here")),
            End::Whole => Ok(entries),
        }
    }
}
