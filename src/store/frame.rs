//! The frames of the journal, as bytes: how one is written, how one is told from damage.
//!
//! ```text
//! magic "hxj1" · length of the payload (u32) · checksum of the frame before (u32) · checksum (u32) · payload
//! ```
//!
//! All numbers are big-endian. The checksum is CRC-32 over the frame's own position, its length, the
//! checksum before it and the payload: a frame is valid in one place only, and after one other frame only.
//! Everything here is a function of bytes, made to be fuzzed.

const MAGIC: [u8; 4] = *b"hxj1";
pub(super) const HEADER: usize = 16;
/// Octets of a payload. A decision with its mails has some ten thousand; originals stay in the archive.
pub(super) const MAX_PAYLOAD: usize = 32 << 20;

/// A whole frame, its checksum verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Where it begins and ends, counted from the beginning of the journal.
    pub position: u64,
    pub end: u64,
    /// The checksum of the frame before it, and its own.
    pub before: u32,
    pub checksum: u32,
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// Does it stand for records that have left? Only a thinned segment has such frames.
    pub fn is_gone(&self) -> bool {
        self.payload.is_empty()
    }
}

/// Where a walk over frames ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With the last byte.
    Whole,
    /// At this position no valid frame follows.
    Fault(u64),
}

/// The bytes of a frame.
pub(super) fn encode(position: u64, before: u32, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u32;
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&before.to_be_bytes());
    bytes.extend_from_slice(&checksum(position, length, before, payload).to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The octets of the payload that a header announces; `None` if it is not a header.
pub(super) fn announced(header: &[u8]) -> Option<usize> {
    let length = u32_at(header, 4)? as usize;
    (header.starts_with(&MAGIC) && length <= MAX_PAYLOAD).then_some(length)
}

/// The frame that begins at `offset` of `bytes`, whose first byte is at `base`. Whether the frame before it
/// is the right one is for the caller to see.
pub fn frame_at(bytes: &[u8], base: u64, offset: usize) -> Option<Frame<'_>> {
    let bytes = bytes.get(offset..)?;
    let length = announced(bytes)?;
    let (before, claimed) = (u32_at(bytes, 8)?, u32_at(bytes, 12)?);
    let payload = bytes.get(HEADER..HEADER + length)?;
    let position = base + offset as u64;
    (checksum(position, length as u32, before, payload) == claimed).then(|| Frame {
        position,
        end: position + (HEADER + length) as u64,
        before,
        checksum: claimed,
        payload,
    })
}

/// Walks over a run of frames whose first byte is at `base`. `before` is the checksum of the frame before
/// the first, if known. Stops at the first fault or when `each` fails.
pub fn walk<'a, E>(
    bytes: &'a [u8],
    base: u64,
    mut before: Option<u32>,
    mut each: impl FnMut(Frame<'a>) -> Result<(), E>,
) -> Result<End, E> {
    let mut offset = 0;
    while offset < bytes.len() {
        match frame_at(bytes, base, offset) {
            Some(frame) if before.is_none_or(|before| before == frame.before) => {
                before = Some(frame.checksum);
                offset = (frame.end - base) as usize;
                each(frame)?;
            }
            _ => return Ok(End::Fault(base + offset as u64)),
        }
    }
    Ok(End::Whole)
}

/// The first valid frame that begins after `offset`. Records are JSON, which writes control characters as
/// escapes, so no text inside a payload looks like a header whose length is in bounds.
pub fn next_after(bytes: &[u8], base: u64, offset: usize) -> Option<Frame<'_>> {
    let from = offset + 1;
    bytes
        .get(from..)?
        .windows(MAGIC.len())
        .enumerate()
        .filter(|(_, window)| **window == MAGIC)
        .find_map(|(at, _)| frame_at(bytes, base, from + at))
}

/// The checksum of the frame before, in the header of a frame.
pub(super) fn before_of(frame: &[u8]) -> u32 {
    u32_at(frame, 8).unwrap_or(0)
}

/// The checksum in the header of a frame.
pub(super) fn checksum_of(frame: &[u8]) -> u32 {
    u32_at(frame, 12).unwrap_or(0)
}

fn checksum(position: u64, length: u32, before: u32, payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&position.to_be_bytes());
    crc.update(&length.to_be_bytes());
    crc.update(&before.to_be_bytes());
    crc.update(payload);
    crc.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Some frames in a row, and where each begins.
    fn journal(base: u64, payloads: &[&[u8]]) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut starts, mut before) = (Vec::new(), Vec::new(), 0);
        for payload in payloads {
            starts.push(bytes.len());
            let frame = encode(base + bytes.len() as u64, before, payload);
            bytes.extend_from_slice(&frame);
            before = frame_at(&bytes, base, starts[starts.len() - 1]).unwrap().checksum;
        }
        (bytes, starts)
    }

    fn scan(bytes: &[u8], base: u64) -> (usize, End) {
        let mut frames = 0;
        let end = walk(bytes, base, Some(0), |_| {
            frames += 1;
            Ok::<(), ()>(())
        });
        (frames, end.unwrap())
    }

    const PAYLOADS: [&[u8]; 4] = [b"{}", b"", b"hxj1 in a text", b"{\"x\":1}"];

    #[test]
    fn every_single_flipped_bit_is_found_in_its_frame() {
        let (bytes, starts) = journal(1_000, &PAYLOADS);
        assert_eq!(scan(&bytes, 1_000), (4, End::Whole));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let frame = starts.iter().rposition(|start| *start <= bit / 8).unwrap();
            let want = (frame, End::Fault(1_000 + starts[frame] as u64));
            assert_eq!(scan(&damaged, 1_000), want, "bit {bit}");
            let later = next_after(&damaged, 1_000, starts[frame]).map(|f| f.position);
            assert_eq!(later, starts.get(frame + 1).map(|s| 1_000 + *s as u64), "bit {bit}");
        }
    }

    #[test]
    fn a_run_cut_anywhere_keeps_its_whole_frames() {
        let (bytes, starts) = journal(0, &PAYLOADS);
        for cut in 0..bytes.len() {
            let whole = starts.iter().skip(1).filter(|start| **start <= cut).count();
            let want = match cut == starts[whole] {
                true => End::Whole,
                false => End::Fault(starts[whole] as u64),
            };
            assert_eq!(scan(&bytes[..cut], 0), (whole, want), "cut at {cut}");
            assert_eq!(next_after(&bytes[..cut], 0, starts[whole]), None);
        }
    }

    #[test]
    fn a_frame_is_valid_only_in_its_place_and_after_its_neighbour() {
        let (bytes, starts) = journal(0, &PAYLOADS);
        assert_eq!(scan(&bytes, 64).1, End::Fault(64), "moved as a whole");
        let mut without = bytes.clone();
        without.drain(starts[1]..starts[2]);
        assert_eq!(scan(&without, 0), (1, End::Fault(starts[1] as u64)));
        let end = walk(&bytes, 0, Some(7), |_| Ok::<(), ()>(()));
        assert_eq!(end, Ok(End::Fault(0)), "a different past");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_scanner_panic(bytes: Vec<u8>, base in 0..u64::MAX / 2, offset: usize) {
            scan(&bytes, base);
            let offset = offset % (bytes.len() + 2);
            next_after(&bytes, base, offset);
            frame_at(&bytes, base, offset);
        }
    }
}
