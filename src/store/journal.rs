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
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::error::is_full;
use super::frame::{self, Frame};
use super::record::Record;
use super::segments::{
    Shape, before_at, check_order, create, damaged, mark_bytes, path_of, payload_at, read_mark, recover, settle,
    starts_in, stream,
};
use super::{StoreError, folder, schema};
use crate::failpoint;

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

/// May a record be written from the reserve?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// New work: can wait for room.
    Ordinary,
    /// What became of a mail that is already on its way.
    Result,
}

/// Octets after which a new segment begins: a file that is read whole at a start, copied whole by a backup.
pub const SEGMENT: u64 = 64 << 20;
/// Octets kept back for results when the disk is full: ten thousand of them, while attempts stop at once.
const RESERVE: usize = 4 << 20;

pub(super) const SYNCED: &str = "synced";
const RESERVE_FILE: &str = "reserve";

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

/// What the appenders and the syncer share.
struct Shared {
    dir: PathBuf,
    disk: Box<dyn Disk>,
    segment: u64,
    pen: Mutex<Pen>,
    wanted: Mutex<Wanted>,
    wake: Condvar,
    durable: watch::Sender<Durable>,
    mark: File,
    frames: AtomicU64,
    syncs: AtomicU64,
}

/// Where the next frame goes.
struct Pen {
    /// The start of every segment, in order; the last is being written.
    starts: Vec<u64>,
    file: Arc<File>,
    end: u64,
    checksum: u32,
    has_reserve: bool,
    /// Why nothing can be written any more.
    broken: Option<String>,
}

#[derive(Default)]
struct Wanted {
    end: u64,
    stop: bool,
}

#[derive(Clone, Default)]
struct Durable {
    end: u64,
    broken: Option<String>,
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
                broken: None,
            }),
            wanted: Mutex::default(),
            wake: Condvar::new(),
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
            let pen = self.shared.lock()?;
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
            let pen = self.shared.lock()?;
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
        let pen = self.shared.lock()?;
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

impl Shared {
    fn append(&self, payload: &[u8], urgency: Urgency) -> Result<(Position, Mark), StoreError> {
        if payload.len() > frame::MAX_PAYLOAD {
            return Err(StoreError::Refused(format!(
                "the record has {} octets, more than {}",
                payload.len(),
                frame::MAX_PAYLOAD
            )));
        }
        let mut pen = self.lock()?;
        // New work waits until the reserve is back: room that comes and goes is not room.
        if urgency == Urgency::Ordinary && !pen.has_reserve && !self.fill_reserve(&mut pen) {
            return Err(StoreError::Full);
        }
        self.turn_page(&mut pen)?;
        let bytes = frame::encode(pen.end, pen.checksum, payload);
        match self.write(&mut pen, &bytes) {
            Err(StoreError::Full) if urgency == Urgency::Result && pen.has_reserve => {
                pen.has_reserve = false;
                let _ = std::fs::remove_file(self.dir.join(RESERVE_FILE));
                self.write(&mut pen, &bytes)?;
            }
            written => written?,
        }
        let position = Position(pen.end);
        pen.end += bytes.len() as u64;
        pen.checksum = frame::frame_at(&bytes, position.0, 0).map_or(0, |frame| frame.checksum);
        self.frames.fetch_add(1, Ordering::Relaxed);
        let mark = Mark { end: pen.end, checksum: pen.checksum };
        Ok((position, mark))
    }

    /// Writes a whole frame at the end, or takes the half one away again.
    fn write(&self, pen: &mut Pen, bytes: &[u8]) -> Result<(), StoreError> {
        let offset = pen.end - pen.starts.last().copied().unwrap_or(0);
        failpoint::reached_after("C7", || drop(self.disk.write(&pen.file, &bytes[..bytes.len() / 2], offset)));
        let Err(error) = self.disk.write(&pen.file, bytes, offset) else {
            return Ok(());
        };
        if is_full(&error) && pen.file.set_len(offset).is_ok() {
            return Err(StoreError::Full);
        }
        Err(self.break_down(pen, &format!("the journal cannot be written: {error}")))
    }

    /// Begins a new segment when the present one is long enough. The old one is made durable first, so only
    /// the last segment can ever have a torn tail.
    fn turn_page(&self, pen: &mut Pen) -> Result<(), StoreError> {
        let start = pen.starts.last().copied().unwrap_or(0);
        match pen.end - start < self.segment {
            true => Ok(()),
            false => self.next_segment(pen),
        }
    }

    fn next_segment(&self, pen: &mut Pen) -> Result<(), StoreError> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = self.disk.sync(&pen.file) {
            return Err(self.break_down(pen, &format!("the journal cannot be made durable: {error}")));
        }
        self.publish(pen.end);
        match create(&self.dir, pen.end) {
            Ok(file) => {
                pen.file = Arc::new(file);
                let end = pen.end;
                pen.starts.push(end);
                Ok(())
            }
            // The old segment grows until there is room for a new one.
            Err(error) if is_full(&error) => Ok(()),
            Err(error) => Err(self.break_down(pen, &format!("no new segment of the journal: {error}"))),
        }
    }

    /// The syncer's life: sleep until somebody waits, then one fdatasync for all who do by then.
    fn run(&self) {
        loop {
            {
                let Ok(mut wanted) = self.wanted.lock() else {
                    return;
                };
                while !wanted.stop && wanted.end <= self.durable.borrow().end {
                    wanted = match self.wake.wait(wanted) {
                        Ok(wanted) => wanted,
                        Err(_) => return,
                    };
                }
                if wanted.stop {
                    return;
                }
            }
            if self.sync().is_err() {
                return;
            }
        }
    }

    fn want(&self, end: u64) {
        if let Ok(mut wanted) = self.wanted.lock() {
            wanted.end = wanted.end.max(end);
        }
        self.wake.notify_all();
    }

    fn sync(&self) -> Result<(), StoreError> {
        let (file, end) = {
            let pen = self.lock()?;
            (Arc::clone(&pen.file), pen.end)
        };
        if end <= self.durable.borrow().end {
            return Ok(());
        }
        // The pen is free meanwhile: those who append now wait for the next round together.
        self.syncs.fetch_add(1, Ordering::Relaxed);
        match self.disk.sync(&file) {
            Ok(()) => {
                self.publish(end);
                Ok(())
            }
            Err(error) => {
                let mut pen = self.lock()?;
                Err(self.break_down(&mut pen, &format!("the journal cannot be made durable: {error}")))
            }
        }
    }

    fn publish(&self, end: u64) {
        self.durable.send_if_modified(|durable| {
            let further = end > durable.end;
            if further {
                self.write_mark(end);
                durable.end = end;
            }
            further
        });
    }

    /// Not durable itself, and need not be: a mark that is behind only makes us believe in a crash.
    fn write_mark(&self, end: u64) {
        let _ = self.mark.write_all_at(&mark_bytes(end), 0);
    }

    fn break_down(&self, pen: &mut Pen, why: &str) -> StoreError {
        pen.broken = Some(why.to_owned());
        self.durable.send_modify(|durable| durable.broken = Some(why.to_owned()));
        StoreError::Fatal(why.to_owned())
    }

    fn fill_reserve(&self, pen: &mut Pen) -> bool {
        let path = self.dir.join(RESERVE_FILE);
        let there = path.metadata().is_ok_and(|meta| meta.len() == RESERVE as u64);
        // Written, not merely sized: a hole reserves nothing.
        pen.has_reserve = there || folder::write_tmp(&path, &vec![0; RESERVE]).is_ok();
        pen.has_reserve
    }

    fn lock(&self) -> Result<MutexGuard<'_, Pen>, StoreError> {
        let pen = self.pen.lock().map_err(|_| StoreError::Fatal("a thread died while it wrote the journal".into()))?;
        match &pen.broken {
            Some(why) => Err(StoreError::Fatal(why.clone())),
            None => Ok(pen),
        }
    }
}
