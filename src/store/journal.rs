//! The journal: what was decided and what became of it, in order, append-only. The truth about cases.
//!
//! * Segments of some 64 MB, each named by the position of its first octet; frames as in `frame.rs`.
//! * Group commit: everybody appends, one thread calls fdatasync for all who wait.
//! * A failed write or fsync ends the journal for good and is never tried again. A failed fsync marks the
//!   pages clean, and the next one would report a success that never happened.
//! * A full disk is different: nothing is half-written, and a reserve file is given up so that the results of
//!   mails already on their way can still be written down.
//! * After every fdatasync the file `synced` says how far the journal was then known to be on disk. It is
//!   never ahead of the truth. A fault before that mark is damage, and the bot does not start; a fault behind
//!   it is the torn tail of a crash: nobody was told that it is durable, and it is cut off.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::frame::Frame;
use super::pen::{Durable, Pen, Shared, Urgency};
use super::record::Record;
use super::segments::{
    Shape, before_at, check_order, create, damaged, path_of, payload_at, read_mark, recover, settle, starts_in, stream,
};
use super::{StoreError, folder, schema};

/// Where a frame begins, in octets from the beginning of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position(pub u64);

/// Where a record ends and what came before: to whom the mark agrees, the history agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    pub end: u64,
    pub checksum: u32,
}

/// How much of the journal a crash left unfinished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    pub position: Position,
    pub octets: u64,
    /// Where the octets that were cut off are kept.
    pub kept: PathBuf,
}

/// Octets after which a new segment begins: a file that is read whole at a start, copied whole by a backup.
pub const SEGMENT: u64 = 64 << 20;
pub(super) const SYNCED: &str = "synced";

/// What the journal asks of the disk; a door for tests in which it fails.
pub trait Disk: Send + Sync {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}

/// The real one.
pub(super) struct RealDisk;

impl Disk for RealDisk {}

pub(super) struct Journal {
    shared: Arc<Shared>,
    syncer: Option<JoinHandle<()>>,
}

impl Journal {
    /// Opens the journal, cuts off a torn tail, and makes everything else durable.
    pub fn open(dir: &Path, disk: Box<dyn Disk>, segment: u64) -> Result<(Journal, Option<Torn>), StoreError> {
        folder::create_dir(dir).map_err(|e| StoreError::at(dir, "created", &e))?;
        let mut starts = starts_in(dir)?;
        if starts.is_empty() {
            create(dir, 0).map_err(|e| StoreError::at(dir, "written to", &e))?;
            starts.push(0);
        }
        check_order(dir, &starts)?;
        // What a crash left of a compaction.
        let _ = std::fs::remove_file(dir.join(super::compact::TMP));
        // A backup may end with a segment that has been thinned, to which nothing can be added.
        let last = starts[starts.len() - 1];
        if let (_, shape @ Shape::Thin(_)) = Shape::open(&path_of(dir, last), last)? {
            let end = shape.end(last);
            create(dir, end).map_err(|e| StoreError::at(dir, "written to", &e))?;
            starts.push(end);
        }

        let mark_path = dir.join(SYNCED);
        let mark = folder::private()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&mark_path)
            .map_err(|e| StoreError::at(&mark_path, "opened", &e))?;
        let (tail, torn) = recover(dir, &starts, read_mark(&mark))?;
        let path = path_of(dir, tail.start);
        let file =
            folder::private().read(true).write(true).open(&path).map_err(|e| StoreError::at(&path, "opened", &e))?;
        settle(&file, &tail).map_err(|e| StoreError::at(&path, "made durable", &e))?;

        let journal = Shared {
            dir: dir.to_owned(),
            disk,
            segment,
            pen: Mutex::new(Pen {
                starts,
                file: Arc::new(file),
                end: tail.end.end,
                checksum: tail.end.checksum,
                has_reserve: false,
            }),
            wanted: Mutex::default(),
            wake: Condvar::new(),
            syncing: Mutex::default(),
            durable: watch::Sender::new(Durable { end: tail.end.end, broken: None }),
            mark,
            frames: AtomicU64::new(0),
            syncs: AtomicU64::new(0),
        };
        journal.write_mark(tail.end.end);
        // Without room the bot starts all the same: it may have to tell what became of mails.
        journal.fill_reserve(&mut *journal.lock()?);
        let shared = Arc::new(journal);
        let syncer = std::thread::Builder::new()
            .name("journal".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.run()
            })
            .map_err(|e| StoreError::Trouble(format!("no thread for the journal: {e}")))?;
        Ok((Journal { shared, syncer: Some(syncer) }, torn))
    }

    /// Writes one frame; not durable until [`Journal::synced`]. Returns where it begins and the mark after it.
    pub fn append(&self, payload: &[u8], urgency: Urgency) -> Result<(Position, Mark), StoreError> {
        self.shared.append(payload, urgency)
    }

    /// Returns when the frame at `position` is on disk, together with everything before it.
    pub async fn synced(&self, position: Position) -> Result<(), StoreError> {
        let end = self.shared.lock()?.end;
        if position.0 >= end {
            return Err(StoreError::Refused(format!("nothing was written at position {} yet", position.0)));
        }
        let mut durable = self.shared.durable.subscribe();
        self.shared.want(end);
        let seen = durable
            .wait_for(|durable| durable.end > position.0 || durable.broken.is_some())
            .await
            .map_err(|_| StoreError::Fatal("the journal was closed".into()))?;
        match &seen.broken {
            Some(why) if seen.end <= position.0 => Err(StoreError::Fatal(why.clone())),
            _ => Ok(()),
        }
    }

    /// Returns when the journal is durable up to there.
    pub async fn reached(&self, end: u64) -> Result<(), StoreError> {
        let mut durable = self.shared.durable.subscribe();
        let seen = durable.wait_for(|durable| durable.end >= end || durable.broken.is_some()).await;
        match seen.ok().and_then(|seen| seen.broken.clone()) {
            Some(why) => Err(StoreError::Fatal(why)),
            None => Ok(()),
        }
    }

    /// Makes everything durable, in this thread.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.shared.sync()
    }

    /// The record at `position`, its checksum verified. None if it has left in a compaction.
    pub fn record(&self, position: Position) -> Result<Option<Record>, StoreError> {
        let read = |payload: Vec<u8>| schema::decode(&payload).map_err(|why| self.damaged(position, &why));
        self.payload(position)?.map(read).transpose()
    }

    pub fn payload(&self, position: Position) -> Result<Option<Vec<u8>>, StoreError> {
        payload_at(&self.shared.dir, self.segment_of(position)?, position.0)
    }

    /// Hands over every frame after `mark`, in order. `false`, with nothing handed over, if the journal has
    /// no frame that ends at this mark: the mark belongs to another history.
    pub fn replay(
        &self,
        mark: Mark,
        mut each: impl FnMut(Frame<'_>) -> Result<(), StoreError>,
    ) -> Result<bool, StoreError> {
        let (starts, last) = {
            let pen = self.shared.lock_to_read()?;
            (pen.starts.clone(), Mark { end: pen.end, checksum: pen.checksum })
        };
        let end = last.end;
        if mark.end >= end {
            return Ok(mark == last);
        }
        let (mut starts, mut agrees) = (&starts[..], mark == Mark::default());
        let mut before = Some(0);
        let mut next = 0;
        if self.follows(mark, starts) {
            starts = &starts[starts.partition_point(|start| *start <= mark.end) - 1..];
            (agrees, before, next) = (true, Some(mark.checksum), mark.end);
        } else if !agrees {
            // The frame that ends at the mark lies in the segment of the octet before it.
            starts = &starts[starts.partition_point(|start| *start < mark.end).saturating_sub(1)..];
            before = (starts[0] == 0).then_some(0);
        }
        for start in starts {
            next = next.max(*start);
            // A frame being written right now lies behind `end`.
            stream(&self.shared.dir, *start, next, end, before, |frame| {
                (before, next) = (Some(frame.checksum), frame.end);
                if frame.end == mark.end {
                    agrees = frame.checksum == mark.checksum;
                }
                if frame.end > mark.end && agrees && !frame.is_gone() {
                    each(frame)?;
                }
                Ok(ControlFlow::Continue(()))
            })?;
            if !agrees {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Hands over every frame from the octet `from` on, in order, without reading what lies in earlier segments. Gives where
    /// it ended.
    pub fn walk_from(
        &self,
        from: u64,
        mut each: impl FnMut(Frame<'_>) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let (starts, end) = {
            let pen = self.shared.lock_to_read()?;
            (pen.starts.clone(), pen.end)
        };
        let first = starts.partition_point(|start| *start <= from).saturating_sub(1);
        let mut before = (starts[first] == 0).then_some(0);
        for start in &starts[first..] {
            stream(&self.shared.dir, *start, *start, end, before, |frame| {
                before = Some(frame.checksum);
                if frame.position >= from && !frame.is_gone() {
                    each(frame)?;
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok(end)
    }

    /// Does the frame that begins at the mark name its checksum? Then the history up to it need not be read.
    fn follows(&self, mark: Mark, starts: &[u64]) -> bool {
        let after = starts.partition_point(|start| *start <= mark.end);
        let Some(start) = after.checked_sub(1).map(|at| starts[at]).filter(|_| mark.end > 0) else { return false };
        before_at(&self.shared.dir, start, mark.end) == Some(mark.checksum)
    }

    /// Is there room for new work?
    pub fn has_room(&self) -> Result<(), StoreError> {
        let mut pen = self.shared.lock()?;
        match pen.has_reserve || self.shared.fill_reserve(&mut pen) {
            true => Ok(()),
            false => Err(StoreError::Full),
        }
    }

    /// The starts of the segments in order, the last of which is being written, and the end.
    pub fn segments(&self) -> Result<(Vec<u64>, u64), StoreError> {
        let pen = self.shared.lock()?;
        Ok((pen.starts.clone(), pen.end))
    }

    /// Begins a new segment, however short the present one is, unless nothing stands in it.
    pub fn turn_page(&self) -> Result<(), StoreError> {
        let mut pen = self.shared.lock()?;
        match pen.starts.last().is_some_and(|start| *start < pen.end) {
            true => self.shared.next_segment(&mut pen),
            false => Ok(()),
        }
    }

    /// Shows the records of a segment in order until one satisfies.
    pub fn look(&self, start: u64, until: u64, mut satisfies: impl FnMut(&Record) -> bool) -> Result<(), StoreError> {
        stream(&self.shared.dir, start, start, until, None, |frame| {
            if frame.is_gone() {
                return Ok(ControlFlow::Continue(()));
            }
            let record = schema::decode(frame.payload);
            let record = record.map_err(|why| self.damaged(Position(frame.position), &why))?;
            Ok(if satisfies(&record) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
    }

    /// The error for a frame that is valid and yet of no use.
    pub fn damaged(&self, position: Position, what: &str) -> StoreError {
        match self.segment_of(position) {
            Ok(start) => damaged(&path_of(&self.shared.dir, start), start, position.0, what),
            Err(error) => error,
        }
    }

    /// The start of the segment that holds `position`.
    fn segment_of(&self, position: Position) -> Result<u64, StoreError> {
        let pen = self.shared.lock_to_read()?;
        let after = pen.starts.partition_point(|start| *start <= position.0);
        Ok(pen.starts[after.saturating_sub(1)])
    }

    /// The mark after the last frame.
    pub fn mark(&self) -> Result<Mark, StoreError> {
        let pen = self.shared.lock()?;
        Ok(Mark { end: pen.end, checksum: pen.checksum })
    }

    /// Frames written and fdatasyncs made since the journal was opened.
    pub fn counts(&self) -> (u64, u64) {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        (count(&self.shared.frames), count(&self.shared.syncs))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Who waits for durability has been told; what nobody waited for is written out as a courtesy.
        let _ = self.shared.sync();
        let _ = self.shared.mark.sync_data();
        if let Ok(mut wanted) = self.shared.wanted.lock() {
            wanted.stop = true;
        }
        self.shared.wake.notify_all();
        if let Some(syncer) = self.syncer.take() {
            let _ = syncer.join();
        }
    }
}
