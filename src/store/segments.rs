//! The segments of the journal as files: which there are, how each is read, thinned or not, where the last one really
//! ends, and what a crash left behind it.

use std::fs::File;
use std::io;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::frame::{self, End, Frame};
use super::journal::{Mark, Position, Torn};
use super::{StoreError, folder, thin};

/// Octets read at a time; a frame that is longer is read whole.
const WINDOW: u64 = 1 << 20;

/// The octets of a segment, thinned or not.
pub(super) struct Segment<'a> {
    bytes: &'a [u8],
    start: u64,
    frames: Range<usize>,
    /// Where it ends in the journal; none if that cannot be read.
    end: Option<u64>,
}

impl<'a> Segment<'a> {
    /// What a file holds whose name says that it begins at `start`.
    pub fn of(bytes: &'a [u8], start: u64) -> Segment<'a> {
        if !thin::is_thin(bytes) {
            return Segment { bytes, start, frames: 0..bytes.len(), end: Some(start + bytes.len() as u64) };
        }
        let index = |at: Range<u64>| bytes.get(at.start as usize..at.end as usize).map(<[u8]>::to_vec);
        match thin::Head::read(bytes, start, bytes.len() as u64, index) {
            Some(head) => Segment {
                bytes,
                start,
                frames: head.frames.start as usize..head.frames.end as usize,
                end: Some(head.end),
            },
            None => Segment { bytes, start, frames: thin::HEAD.min(bytes.len())..bytes.len(), end: None },
        }
    }

    /// Hands over its frames in order, as [`frame::walk`] does.
    pub fn walk<E>(&self, mut before: Option<u32>, mut each: impl FnMut(Frame<'a>) -> Result<(), E>) -> Result<End, E> {
        let (mut offset, mut reached) = (self.frames.start, self.start);
        while offset < self.frames.end {
            match frame_at(&self.bytes[..self.frames.end], self.start, offset) {
                Some((frame, next))
                    if frame.position == reached && before.is_none_or(|before| before == frame.before) =>
                {
                    (offset, reached, before) = (next, frame.end, Some(frame.checksum));
                    each(frame)?;
                }
                _ => return Ok(End::Fault(reached)),
            }
        }
        Ok(if self.end == Some(reached) { End::Whole } else { End::Fault(reached) })
    }

    /// Is what stands beside the frames damaged?
    pub fn is_headless(&self) -> bool {
        self.end.is_none()
    }

    /// Where the frames lie in the file.
    pub fn frames(&self) -> Range<usize> {
        self.frames.clone()
    }

    /// The whole frame that begins at this octet of the file, and where the next one does.
    pub fn frame_at(&self, offset: usize) -> Option<(Frame<'a>, usize)> {
        frame_at(&self.bytes[..self.frames.end], self.start, offset)
    }

    /// Where in the file the next whole frame begins after this octet.
    pub fn next_after(&self, offset: usize) -> Option<usize> {
        let bytes = &self.bytes[..self.frames.end];
        let plain = frame::next_after(bytes, self.start, offset).map(|frame| (frame.position - self.start) as usize);
        plain.into_iter().chain(thin::next_after(bytes, offset)).min()
    }
}

/// The frame that begins at an octet of a segment, whichever kind it is. `base` is where the first octet stood when no
/// frame had left.
fn frame_at(bytes: &[u8], base: u64, offset: usize) -> Option<(Frame<'_>, usize)> {
    let plain = frame::frame_at(bytes, base, offset);
    plain.map(|frame| (frame, (frame.end - base) as usize)).or_else(|| thin::frame_at(bytes, offset))
}

/// Hands over the frames of a segment from the one at `from` to the last before `until`, in order, without ever holding much of
/// it. `before` is the checksum before the first of them, if known.
pub(super) fn stream(
    dir: &Path,
    start: u64,
    from: u64,
    until: u64,
    mut before: Option<u32>,
    mut each: impl FnMut(Frame<'_>) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let path = path_of(dir, start);
    let (file, shape) = Shape::open(&path, start)?;
    let (mut offset, last) = match &shape {
        Shape::Plain { length } => (from - start, (*length).min(until - start)),
        Shape::Thin(head) => (head.near(from).start, head.frames.end),
    };
    let (mut reached, mut window, mut bytes) = (None, WINDOW, Vec::new());
    while offset < last {
        let size = window.min(last - offset);
        bytes.resize(size as usize, 0);
        file.read_exact_at(&mut bytes, offset).map_err(|e| StoreError::at(&path, "read", &e))?;
        let mut at = 0;
        while let Some((frame, next)) = frame_at(&bytes, start + offset, at) {
            let is_wanted = frame.position >= from;
            let follows = reached.is_none_or(|reached| reached == frame.position);
            if !follows || is_wanted && before.is_some_and(|before| before != frame.before) {
                return Err(damaged(&path, start, frame.position, "no valid frame begins here"));
            }
            (at, reached) = (next, Some(frame.end));
            if is_wanted {
                before = Some(frame.checksum);
                if each(frame)?.is_break() {
                    return Ok(());
                }
            }
        }
        // The window may have cut a frame.
        if at == 0 && size == last - offset {
            let position = reached.unwrap_or(start + offset.min(from - start));
            return Err(damaged(&path, start, position, "no valid frame begins here"));
        }
        window = if at == 0 { window * 4 } else { WINDOW };
        offset += at as u64;
    }
    Ok(())
}

/// What is known of a segment without reading its frames.
pub(super) enum Shape {
    Plain { length: u64 },
    Thin(thin::Head),
}

impl Shape {
    pub fn open(path: &Path, start: u64) -> Result<(File, Shape), StoreError> {
        let trouble = |e: io::Error| StoreError::at(path, "read", &e);
        let file = File::open(path).map_err(trouble)?;
        let length = file.metadata().map_err(trouble)?.len();
        let mut beginning = vec![0; length.min((thin::HEAD + thin::HEADER) as u64) as usize];
        file.read_exact_at(&mut beginning, 0).map_err(trouble)?;
        if !thin::is_thin(&beginning) {
            return Ok((file, Shape::Plain { length }));
        }
        let index = |at: Range<u64>| {
            let mut index = vec![0; at.end.checked_sub(at.start)? as usize];
            file.read_exact_at(&mut index, at.start).ok().map(|()| index)
        };
        match thin::Head::read(&beginning, start, length, index) {
            Some(head) => Ok((file, Shape::Thin(head))),
            None => Err(damaged(path, start, start, "the head or the index of a thinned segment is not valid")),
        }
    }

    /// Where it ends in the journal.
    pub fn end(&self, start: u64) -> u64 {
        match self {
            Shape::Plain { length } => start + length,
            Shape::Thin(head) => head.end,
        }
    }
}

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
    let walked = Segment::of(&bytes, start).walk(None, |frame| {
        last = frame.checksum;
        Ok::<(), StoreError>(())
    })?;
    match walked {
        End::Whole => Ok(last),
        End::Fault(position) => Err(damaged(&path, start, position, "no valid frame begins here")),
    }
}

/// The payload of the frame at this position of a segment, its checksum verified. None if it has left in a compaction.
pub(super) fn payload_at(dir: &Path, start: u64, position: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let path = path_of(dir, start);
    let damaged = |what: &str| damaged(&path, start, position, what);
    let (file, shape) = Shape::open(&path, start)?;
    let read = |offset: u64, length: usize| {
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, offset).map_err(|e| damaged(&e.to_string())).map(|()| bytes)
    };
    let offset = position.saturating_sub(start);
    match shape {
        Shape::Plain { .. } => {
            let length =
                frame::announced(&read(offset, frame::HEADER)?).ok_or_else(|| damaged("no frame begins here"))?;
            let mut bytes = read(offset, frame::HEADER + length)?;
            match frame::frame_at(&bytes, position, 0) {
                Some(_) => Ok(Some(bytes.split_off(frame::HEADER))),
                None => Err(damaged("the checksum is wrong")),
            }
        }
        Shape::Thin(head) => {
            let near = head.near(position);
            let bytes = read(near.start, (near.end - near.start) as usize)?;
            let mut at = 0;
            while let Some((frame, next)) = thin::frame_at(&bytes, at) {
                if (frame.position..frame.end).contains(&position) {
                    let is_left = frame.position == position && !frame.payload.is_empty();
                    return Ok(is_left.then(|| frame.payload.to_vec()));
                }
                at = next;
            }
            Err(damaged("no valid frame begins here"))
        }
    }
}

/// The checksum before the frame that begins at this position of a segment; none if no frame begins there.
pub(super) fn before_at(dir: &Path, start: u64, position: u64) -> Option<u32> {
    let (file, shape) = Shape::open(&path_of(dir, start), start).ok()?;
    match shape {
        Shape::Plain { .. } => {
            let mut header = [0; frame::HEADER];
            file.read_exact_at(&mut header, position.checked_sub(start)?).ok()?;
            frame::announced(&header).map(|_| frame::before_of(&header))
        }
        Shape::Thin(head) => {
            let near = head.near(position);
            let mut bytes = vec![0; (near.end - near.start) as usize];
            file.read_exact_at(&mut bytes, near.start).ok()?;
            let mut frames =
                std::iter::successors(thin::frame_at(&bytes, 0), |(_, next)| thin::frame_at(&bytes, *next));
            frames.find(|(frame, _)| frame.position == position).map(|(frame, _)| frame.before)
        }
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
        expected = Shape::open(&path, *start)?.1.end(*start);
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
