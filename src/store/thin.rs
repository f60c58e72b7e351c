//! A thinned segment: what a compaction has left of a segment of the journal, under the same name and in the same place.
//!
//! ```text
//! head   magic "hxs2" · start (u64) · end (u64) · where the index begins (u64) · CRC-32 of these and of the index (u32)
//! frame  magic "hxj2" · length of the payload (u32) · checksum of the frame before (u32) · checksum (u32) · position (u64)
//!        · end (u64) · seal (u32) · payload
//! index  of every 64 KB the first frame: its position (u64) · where it begins in the file (u64)
//! ```
//!
//! All numbers are big-endian. A frame keeps the position, the end and both checksums that it was written with, so whoever
//! names them (a row of the state, a checkpoint, the frame after it) finds what they mean; the seal is CRC-32 over all
//! the rest of it. A frame without payload stands for one or more records that have left. There is no gap from start to end,
//! and each frame names the one before, so nothing can be missing without being found.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::folder;
use super::frame::{Frame, MAX_PAYLOAD};

const MAGIC: [u8; 4] = *b"hxs2";
const FRAME: [u8; 4] = *b"hxj2";
/// Octets of the head.
pub(super) const HEAD: usize = 4 + 3 * 8 + 4;
/// Octets of a frame without its payload.
pub(super) const HEADER: usize = 4 + 3 * 4 + 2 * 8 + 4;
/// Octets of the file that are read to find one frame.
const STRIDE: u64 = 64 << 10;

/// What the head and the index say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// Where the journal goes on in the next segment.
    pub end: u64,
    /// Where the frames lie in the file.
    pub frames: Range<u64>,
    index: Vec<(u64, u64)>,
}

/// Does a file that begins so hold a thinned segment? One flipped bit does not hide it.
pub(super) fn is_thin(beginning: &[u8]) -> bool {
    beginning.starts_with(&MAGIC) || beginning.get(HEAD..).is_some_and(|frames| frames.starts_with(&FRAME))
}

impl Head {
    /// The head of a file of this length, whose first octets are `beginning`; `None` if it is not whole.
    pub fn read(
        beginning: &[u8],
        start: u64,
        length: u64,
        index: impl FnOnce(Range<u64>) -> Option<Vec<u8>>,
    ) -> Option<Head> {
        let head = beginning.get(..HEAD).filter(|head| head.starts_with(&MAGIC))?;
        let (end, index_at) = (u64_at(head, 12)?, u64_at(head, 20)?);
        let index = index(index_at..length)?;
        let mut crc = crc32fast::Hasher::new();
        crc.update(&head[..HEAD - 4]);
        crc.update(&index);
        let is_whole = u32_at(head, HEAD - 4)? == crc.finalize() && u64_at(head, 4)? == start;
        let (entries, rest) = index.as_chunks::<16>();
        (is_whole && rest.is_empty()).then(|| Head {
            end,
            frames: HEAD as u64..index_at,
            index: entries.iter().filter_map(|entry| Some((u64_at(entry, 0)?, u64_at(entry, 8)?))).collect(),
        })
    }

    /// Where in the file to look for the frame that holds this position.
    pub fn near(&self, position: u64) -> Range<u64> {
        let after = self.index.partition_point(|(at, _)| *at <= position);
        let from = after.checked_sub(1).map_or(self.frames.start, |at| self.index[at].1);
        from..self.index.get(after).map_or(self.frames.end, |(_, offset)| *offset)
    }
}

/// The frame that begins at `offset`, and where the next one does. Whether it follows the one before is for the caller
/// to see.
pub(super) fn frame_at(bytes: &[u8], offset: usize) -> Option<(Frame<'_>, usize)> {
    let bytes = bytes.get(offset..)?;
    let header = bytes.get(..HEADER).filter(|header| header.starts_with(&FRAME))?;
    let length = u32_at(header, 4)? as usize;
    let payload = bytes.get(HEADER..HEADER + length).filter(|_| length <= MAX_PAYLOAD)?;
    let frame = Frame {
        position: u64_at(header, 16)?,
        end: u64_at(header, 24)?,
        before: u32_at(header, 8)?,
        checksum: u32_at(header, 12)?,
        payload,
    };
    let is_whole = u32_at(header, 32)? == seal(&header[..32], payload) && frame.position < frame.end;
    is_whole.then_some((frame, offset + HEADER + length))
}

/// Where the next whole frame begins after `offset`.
pub(super) fn next_after(bytes: &[u8], offset: usize) -> Option<usize> {
    let from = offset + 1;
    let mut found = bytes.get(from..)?.windows(FRAME.len()).enumerate().filter(|(_, window)| **window == FRAME);
    found.find_map(|(at, _)| frame_at(bytes, from + at).map(|_| from + at))
}

/// A thinned segment while it is being written.
pub(super) struct Writer {
    out: BufWriter<File>,
    start: u64,
    end: u64,
    /// Octets of the file so far.
    at: u64,
    index: Vec<u8>,
    indexed: u64,
    /// Records that have left since the last frame.
    gone: Option<Frame<'static>>,
}

impl Writer {
    pub fn create(path: &Path, start: u64) -> io::Result<Writer> {
        let file = folder::private().write(true).create(true).truncate(true).open(path)?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        out.write_all(&[0; HEAD])?;
        Ok(Writer { out, start, end: start, at: HEAD as u64, index: Vec::new(), indexed: 0, gone: None })
    }

    /// The frame stays, with this payload in the place of its own.
    pub fn keep(&mut self, frame: &Frame<'_>, payload: &[u8]) -> io::Result<()> {
        if let Some(gone) = self.gone.take() {
            self.put(&gone, &[])?;
        }
        self.put(frame, payload)
    }

    /// The record of this frame leaves. Where it ends is still to be found if somebody names that place.
    pub fn leave_out(&mut self, frame: &Frame<'_>, is_named: bool) -> io::Result<()> {
        let mut gone = self.gone.take().unwrap_or(Frame { payload: &[], ..*frame });
        (gone.end, gone.checksum) = (frame.end, frame.checksum);
        match is_named {
            true => self.put(&gone, &[])?,
            false => self.gone = Some(gone),
        }
        Ok(())
    }

    /// Makes it durable, and says how many octets it has.
    pub fn finish(mut self) -> io::Result<u64> {
        if let Some(gone) = self.gone.take() {
            self.put(&gone, &[])?;
        }
        let mut head = MAGIC.to_vec();
        [self.start, self.end, self.at].iter().for_each(|number| head.extend_from_slice(&number.to_be_bytes()));
        let mut crc = crc32fast::Hasher::new();
        crc.update(&head);
        crc.update(&self.index);
        head.extend_from_slice(&crc.finalize().to_be_bytes());
        self.out.write_all(&self.index)?;
        let file = self.out.into_inner().map_err(|error| error.into_error())?;
        file.write_all_at(&head, 0)?;
        file.sync_all()?;
        Ok(self.at + self.index.len() as u64)
    }

    fn put(&mut self, frame: &Frame<'_>, payload: &[u8]) -> io::Result<()> {
        if self.at >= self.indexed + STRIDE {
            self.indexed = self.at;
            self.index.extend_from_slice(&frame.position.to_be_bytes());
            self.index.extend_from_slice(&self.at.to_be_bytes());
        }
        let mut header = FRAME.to_vec();
        for number in [payload.len() as u32, frame.before, frame.checksum] {
            header.extend_from_slice(&number.to_be_bytes());
        }
        for number in [frame.position, frame.end] {
            header.extend_from_slice(&number.to_be_bytes());
        }
        header.extend_from_slice(&seal(&header, payload).to_be_bytes());
        self.out.write_all(&header)?;
        self.out.write_all(payload)?;
        self.at += (HEADER + payload.len()) as u64;
        self.end = frame.end;
        Ok(())
    }
}

fn seal(header: &[u8], payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(header);
    crc.update(payload);
    crc.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::frame::{self, End};
    use crate::store::segments::Segment;

    /// A segment of twelve records from octet 1,000 on, and the same with every third record gone and others shorter.
    fn thinned() -> (Vec<u8>, Vec<u8>) {
        let (mut plain, mut before) = (Vec::new(), 7);
        for n in 0..12 {
            let frame = frame::encode(1_000 + plain.len() as u64, before, format!("\x01{{\"n\":\"{n}\"}}").as_bytes());
            before = frame::checksum_of(&frame);
            plain.extend_from_slice(&frame);
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("thin");
        let mut writer = Writer::create(&path, 1_000).unwrap();
        let mut n = 0;
        frame::walk(&plain, 1_000, Some(7), |frame| {
            n += 1;
            match n % 3 {
                0 => writer.leave_out(&frame, false),
                1 => writer.keep(&frame, frame.payload),
                _ => writer.keep(&frame, b"\x01{}"),
            }
        })
        .unwrap();
        let octets = writer.finish().unwrap();
        let thin = std::fs::read(path).unwrap();
        assert_eq!(thin.len() as u64, octets);
        (plain, thin)
    }

    /// Position, end, both checksums, and the octets of the payload.
    type Seen = (u64, u64, u32, u32, usize);

    fn frames(bytes: &[u8]) -> (Vec<Seen>, End) {
        let mut found = Vec::new();
        let end = Segment::of(bytes, 1_000).walk(Some(7), |frame| {
            found.push((frame.position, frame.end, frame.before, frame.checksum, frame.payload.len()));
            Ok::<(), ()>(())
        });
        (found, end.unwrap())
    }

    #[test]
    fn every_frame_stands_where_it_stood() {
        let (plain, thin) = thinned();
        let ((plain, whole), (thin, still_whole)) = (frames(&plain), frames(&thin));
        assert_eq!((whole, still_whole), (End::Whole, End::Whole));
        for (n, (was, is)) in plain.iter().zip(&thin).enumerate() {
            assert_eq!((was.0, was.1, was.2, was.3), (is.0, is.1, is.2, is.3));
            assert_eq!(
                is.4,
                match n % 3 {
                    0 => was.4,
                    1 => 3,
                    _ => 0,
                }
            );
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let (_, thin) = thinned();
        for bit in 0..thin.len() * 8 {
            let mut damaged = thin.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(frames(&damaged).1, End::Whole, "bit {bit}");
            // The frames behind a damaged one are found by themselves.
            let at = HEAD.max(bit / 8);
            if let Some(next) = next_after(&damaged, at) {
                assert_eq!(frame_at(&damaged, next).map(|found| found.0), frame_at(&thin, next).map(|found| found.0));
            }
        }
        for cut in 1..thin.len() {
            assert_ne!(frames(&thin[..cut]).1, End::Whole, "cut at {cut}");
        }
    }
}
