//! The end of the journal: where the next frame is written, and made durable for all who wait.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use tokio::sync::watch;

use super::error::is_full;
use super::journal::{Disk, Mark, Position};
use super::segments::{create, mark_bytes};
use super::{StoreError, folder, frame};
use crate::failpoint;

/// May a record be written from the reserve?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// New work: can wait for room.
    Ordinary,
    /// What became of a mail that is already on its way.
    Result,
}

/// Octets kept back for results when the disk is full: ten thousand of them, while attempts stop at once.
const RESERVE: usize = 4 << 20;

const RESERVE_FILE: &str = "reserve";

/// What the appenders and the syncer share.
pub(super) struct Shared {
    pub(super) dir: PathBuf,
    pub(super) disk: Box<dyn Disk>,
    pub(super) segment: u64,
    pub(super) pen: Mutex<Pen>,
    pub(super) wanted: Mutex<Wanted>,
    pub(super) wake: Condvar,
    /// Held while an fdatasync is under way: the kernel tells a failure once, and one beside it would report a success.
    pub(super) syncing: Mutex<()>,
    pub(super) durable: watch::Sender<Durable>,
    pub(super) mark: File,
    pub(super) frames: AtomicU64,
    pub(super) syncs: AtomicU64,
}

/// Where the next frame goes.
pub(super) struct Pen {
    /// The start of every segment, in order; the last is being written.
    pub(super) starts: Vec<u64>,
    pub(super) file: Arc<File>,
    pub(super) end: u64,
    pub(super) checksum: u32,
    pub(super) has_reserve: bool,
}

#[derive(Default)]
pub(super) struct Wanted {
    pub(super) end: u64,
    pub(super) stop: bool,
}

#[derive(Clone, Default)]
pub(super) struct Durable {
    pub(super) end: u64,
    /// Why nothing can be written any more, nor become durable.
    pub(super) broken: Option<String>,
}

impl Shared {
    pub(super) fn append(&self, payload: &[u8], urgency: Urgency) -> Result<(Position, Mark), StoreError> {
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
        Err(self.break_down(format!("the journal cannot be written: {error}")))
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

    pub(super) fn next_segment(&self, pen: &mut Pen) -> Result<(), StoreError> {
        self.make_durable(&pen.file, pen.end)?;
        match create(&self.dir, pen.end) {
            Ok(file) => {
                pen.file = Arc::new(file);
                let end = pen.end;
                pen.starts.push(end);
                Ok(())
            }
            // The old segment grows until there is room for a new one.
            Err(error) if is_full(&error) => Ok(()),
            Err(error) => Err(self.break_down(format!("no new segment of the journal: {error}"))),
        }
    }

    /// The syncer's life: sleep until somebody waits, then one fdatasync for all who do by then.
    pub(super) fn run(&self) {
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

    pub(super) fn want(&self, end: u64) {
        if let Ok(mut wanted) = self.wanted.lock() {
            wanted.end = wanted.end.max(end);
        }
        self.wake.notify_all();
    }

    pub(super) fn sync(&self) -> Result<(), StoreError> {
        let (file, end) = {
            let pen = self.lock()?;
            (Arc::clone(&pen.file), pen.end)
        };
        if end <= self.durable.borrow().end {
            return Ok(());
        }
        // The pen is free meanwhile: those who append now wait for the next round together.
        self.make_durable(&file, end)
    }

    /// One fdatasync, or the reason why there will never be another. A failure is told before the turn passes on.
    fn make_durable(&self, file: &File, end: u64) -> Result<(), StoreError> {
        let turn = self.syncing.lock();
        let _turn = turn.map_err(|_| self.break_down("a thread died while it made the journal durable".into()))?;
        self.whole()?;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        let failed = |error| self.break_down(format!("the journal cannot be made durable: {error}"));
        self.disk.sync(file).map_err(failed)?;
        self.publish(end);
        // A write may have failed meanwhile: then this was not published.
        self.whole()
    }

    fn publish(&self, end: u64) {
        self.durable.send_if_modified(|durable| {
            let further = end > durable.end && durable.broken.is_none();
            if further {
                self.write_mark(end);
                durable.end = end;
            }
            further
        });
    }

    /// Not durable itself, and need not be: a mark that is behind only makes us believe in a crash.
    pub(super) fn write_mark(&self, end: u64) {
        let _ = self.mark.write_all_at(&mark_bytes(end), 0);
    }

    /// From here on nothing is written, and nothing is told to be durable. The first reason counts.
    fn break_down(&self, why: String) -> StoreError {
        self.durable.send_modify(|durable| {
            durable.broken.get_or_insert_with(|| why.clone());
        });
        StoreError::Fatal(why)
    }

    /// The error for a journal that has broken down.
    fn whole(&self) -> Result<(), StoreError> {
        // Who sends waits for those who look: the look ends here.
        let broken = self.durable.borrow().broken.clone();
        broken.map_or(Ok(()), |why| Err(StoreError::Fatal(why)))
    }

    pub(super) fn fill_reserve(&self, pen: &mut Pen) -> bool {
        let path = self.dir.join(RESERVE_FILE);
        let there = path.metadata().is_ok_and(|meta| meta.len() == RESERVE as u64);
        // Written, not merely sized: a hole reserves nothing.
        pen.has_reserve = there || folder::write_tmp(&path, &vec![0; RESERVE]).is_ok();
        pen.has_reserve
    }

    /// To write, or to rely on what was written: not after a failure of the disk.
    pub(super) fn lock(&self) -> Result<MutexGuard<'_, Pen>, StoreError> {
        let pen = self.lock_to_read()?;
        self.whole()?;
        Ok(pen)
    }

    /// To look up or replay what was written, which can be read in any case.
    pub(super) fn lock_to_read(&self) -> Result<MutexGuard<'_, Pen>, StoreError> {
        self.pen.lock().map_err(|_| StoreError::Fatal("a thread died while it wrote the journal".into()))
    }
}
