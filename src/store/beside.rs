//! The journal read beside a running bot: no lock is taken and nothing is written.
//!
//! What the bot has made durable must be there and be whole. Behind that a frame may be half-written at this very
//! moment, and the reading ends before it.

use std::fs::File;
use std::path::Path;

use super::frame::End;
use super::journal::{Position, SYNCED};
use super::record::Record;
use super::segments::{Segment, damaged, path_of, read_mark, starts_in};
use super::{StoreError, schema, thin};

/// How often the mark is read again: it may be met while the bot writes it.
const LOOKS: usize = 5;

/// Hands over every record of a data folder, in order; none if no bot was ever started in it.
pub(super) fn records(
    data: &Path,
    each: impl FnMut(Position, Record) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let journal = data.join("journal");
    match journal.exists() {
        true => walk(&journal, None, each, |_, _| Ok(())),
        false => Ok(()),
    }
}

/// Hands over every record of a journal, without who asked for it, and after the records of a segment its start and its octets. With `end`,
/// everything up to there, which must be whole; without, as far as whole frames go.
pub(super) fn walk(
    journal: &Path,
    end: Option<u64>,
    mut each: impl FnMut(Position, Record) -> Result<(), StoreError>,
    mut whole: impl FnMut(u64, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    // Asked before anything is read: what is read afterwards reaches at least as far.
    let durable = match end {
        Some(end) => end,
        None => synced(journal)?.unwrap_or(0),
    };
    let mut starts = starts_in(journal)?;
    starts.retain(|start| *start == 0 || end.is_none_or(|end| *start < end));
    let (mut reached, mut before) = (0, Some(0));
    for (at, start) in starts.iter().enumerate() {
        let path = path_of(journal, *start);
        if *start != reached {
            return Err(damaged(&path, *start, reached, "octets before this segment are missing"));
        }
        let mut bytes = std::fs::read(&path).map_err(|e| StoreError::at(&path, "read", &e))?;
        if let Some(end) = end
            && !thin::is_thin(&bytes)
        {
            bytes.truncate((end - start) as usize);
        }
        let walked = Segment::of(&bytes, *start).walk(before, |frame| {
            (reached, before) = (frame.end, Some(frame.checksum));
            if frame.is_gone() {
                return Ok(());
            }
            let record = schema::decode(frame.payload).map_err(|why| damaged(&path, *start, frame.position, &why))?;
            each(Position(frame.position), record.into_plain())
        })?;
        let last = at + 1 == starts.len();
        if reached < durable && (last || walked != End::Whole) {
            return Err(damaged(&path, *start, reached, "what stood here was on disk once and is not valid any more"));
        }
        if !last && walked != End::Whole {
            return Err(damaged(&path, *start, reached, "no valid frame begins here"));
        }
        whole(*start, &bytes)?;
    }
    match starts.is_empty() && durable > 0 {
        true => Err(StoreError::Trouble(format!("{} holds no segment of a journal", journal.display()))),
        false => Ok(()),
    }
}

/// How far a journal was known to be on disk a moment ago; `None` if nothing says so.
pub(super) fn synced(journal: &Path) -> Result<Option<u64>, StoreError> {
    let path = journal.join(SYNCED);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::at(&path, "read", &error)),
    };
    Ok((0..LOOKS).find_map(|_| read_mark(&file)))
}
