//! The segments of the journal as files: which there are, where the last one really ends, what a crash left
//! behind it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::frame::{self, End};
use super::journal::{Mark, Position, Torn};
use super::{StoreError, folder};

/// The last segment as recovery found it.
pub(super) struct Tail {
    pub start: u64,
    pub end: Mark,
    /// Where the octets begin that nobody was ever told are durable.
    unsure: u64,
}

/// Finds the end of the journal and takes care of what a crash left behind it.
pub(super) fn recover(dir: &Path, starts: &[u64], synced: Option<u64>) -> Result<(Tail, Option<Torn>), StoreError> {
    let start = starts.last().copied().unwrap_or(0);
    let path = path_of(dir, start);
    let bytes = std::fs::read(&path).map_err(|e| StoreError::at(&path, "read", &e))?;
    let mut end = Mark {
        end: start,
        checksum: match starts.len().checked_sub(2) {
            Some(previous) => last_checksum(dir, starts[previous])?,
            None => 0,
        },
    };
    let walked = frame::walk(&bytes, start, Some(end.checksum), |frame| {
        end = Mark { end: frame.end, checksum: frame.checksum };
        Ok::<(), StoreError>(())
    })?;
    let at = (end.end - start) as usize;
    if synced.is_some_and(|synced| synced > end.end) {
        let what = "what stood here was on disk once and is not valid any more";
        return Err(damaged(&path, start, end.end, what));
    }
    // Without the mark there is one more witness: frames after the fault.
    if synced.is_none() && walked != End::Whole && frame::next_after(&bytes, start, at).is_some() {
        return Err(damaged(&path, start, end.end, "valid frames follow after it"));
    }
    let mut torn = None;
    if walked != End::Whole {
        let kept = dir.join(format!("{:016x}.torn", end.end));
        let keep = folder::write_new(dir, &dir.join("torn.tmp"), &kept, &bytes[at..]);
        keep.map_err(|e| StoreError::at(&kept, "written", &e))?;
        torn = Some(Torn { position: Position(end.end), octets: (bytes.len() - at) as u64, kept });
    }
    let unsure = synced.unwrap_or(start).clamp(start, end.end);
    Ok((Tail { start, end, unsure }, torn))
}

/// Cuts the segment after its last whole frame and makes it durable. What was never confirmed is written
/// once more first: after a failed fsync the page cache may show octets that the disk does not have.
pub(super) fn settle(file: &File, tail: &Tail) -> io::Result<()> {
    file.set_len(tail.end.end - tail.start)?;
    let mut unsure = vec![0; (tail.end.end - tail.unsure) as usize];
    let offset = tail.unsure - tail.start;
    file.read_exact_at(&mut unsure, offset)?;
    file.write_all_at(&unsure, offset)?;
    file.sync_all()
}

/// The checksum of the last frame of a segment that is complete.
fn last_checksum(dir: &Path, start: u64) -> Result<u32, StoreError> {
    let path = path_of(dir, start);
    let bytes = std::fs::read(&path).map_err(|e| StoreError::at(&path, "read", &e))?;
    let mut last = 0;
    let walked = frame::walk(&bytes, start, None, |frame| {
        last = frame.checksum;
        Ok::<(), StoreError>(())
    })?;
    match walked {
        End::Whole => Ok(last),
        End::Fault(position) => Err(damaged(&path, start, position, "no valid frame begins here")),
    }
}

/// The payload of the frame at this position of a segment, its checksum verified.
pub(super) fn payload_at(segment: &Path, start: u64, position: u64) -> Result<Vec<u8>, StoreError> {
    let offset = position.saturating_sub(start);
    let damaged = |what: &str| damaged(segment, start, position, what);
    let file = File::open(segment).map_err(|e| damaged(&e.to_string()))?;
    let mut bytes = vec![0; frame::HEADER];
    file.read_exact_at(&mut bytes, offset).map_err(|e| damaged(&e.to_string()))?;
    let length = frame::announced(&bytes).ok_or_else(|| damaged("no frame begins here"))?;
    bytes.resize(frame::HEADER + length, 0);
    file.read_exact_at(&mut bytes[frame::HEADER..], offset + frame::HEADER as u64)
        .map_err(|e| damaged(&e.to_string()))?;
    match frame::frame_at(&bytes, position, 0) {
        Some(_) => Ok(bytes.split_off(frame::HEADER)),
        None => Err(damaged("the checksum is wrong")),
    }
}

/// The starts of the segments, in order.
pub(super) fn starts_in(dir: &Path) -> Result<Vec<u64>, StoreError> {
    let entries = std::fs::read_dir(dir).map_err(|e| StoreError::at(dir, "listed", &e))?;
    let mut starts: Vec<u64> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let start = name.strip_suffix(".log").filter(|start| start.len() == 16)?;
            u64::from_str_radix(start, 16).ok()
        })
        .collect();
    starts.sort_unstable();
    Ok(starts)
}

/// Every segment ends where the next begins.
pub(super) fn check_order(dir: &Path, starts: &[u64]) -> Result<(), StoreError> {
    let mut expected = 0;
    for (i, start) in starts.iter().enumerate() {
        let path = path_of(dir, *start);
        if *start != expected {
            let what = match i.checked_sub(1) {
                Some(_) if *start < expected => "the segment before it is too long",
                _ => "octets before this segment are missing",
            };
            return Err(damaged(&path, *start, *start, what));
        }
        let length = path.metadata().map_err(|e| StoreError::at(&path, "read", &e))?.len();
        expected = start + length;
    }
    Ok(())
}

pub(super) fn create(dir: &Path, start: u64) -> io::Result<File> {
    let file = folder::private().read(true).write(true).create_new(true).open(path_of(dir, start))?;
    folder::sync_dir(dir)?;
    Ok(file)
}

pub(super) fn path_of(dir: &Path, start: u64) -> PathBuf {
    dir.join(format!("{start:016x}.log"))
}

pub(super) fn mark_bytes(end: u64) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&end.to_be_bytes());
    bytes[8..].copy_from_slice(&crc32fast::hash(&end.to_be_bytes()).to_be_bytes());
    bytes
}

/// `None` for a new file, and for one that is not what we wrote.
pub(super) fn read_mark(file: &File) -> Option<u64> {
    let mut bytes = [0; 12];
    file.read_exact_at(&mut bytes, 0).ok()?;
    let end = u64::from_be_bytes(bytes[..8].try_into().ok()?);
    (mark_bytes(end) == bytes).then_some(end)
}

pub(super) fn damaged(file: &Path, start: u64, position: u64, what: &str) -> StoreError {
    StoreError::Damaged {
        position: Position(position),
        file: file.to_owned(),
        offset: position.saturating_sub(start),
        what: what.to_owned(),
    }
}
