//! The journal, and the state made of it, read beside a running bot: no lock is taken and nothing is written.
//!
//! What the bot has made durable must be there and be whole. Behind that a frame may be half-written at this very
//! moment, and the reading ends before it.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;

use super::frame::{End, Frame};
use super::journal::{Mark, Position, SYNCED};
use super::record::Record;
use super::segments::{Segment, damaged, path_of, payload_at, read_mark, starts_in};
use super::state::Aside;
use super::{StoreError, checkpoint, schema, segments, thin};
use crate::time::Timestamp;

/// How often the mark is read again, which may be met while the bot writes it, and the checkpoint, in whose place the bot
/// may put another at any moment.
const LOOKS: usize = 5;

/// Makes the error for a frame that is valid and yet of no use.
type Damaged<'a> = &'a dyn Fn(&str) -> StoreError;

/// What the state would say now: what the checkpoint says, and the journal after it.
pub(super) fn state(data: &Path) -> Result<Aside, StoreError> {
    let mut looks = 0;
    loop {
        looks += 1;
        let tables = match looks < LOOKS {
            true => checkpoint::tables(data, false),
            // One that belongs to another journal is of no use; what it said is read in this one.
            false => Vec::new(),
        };
        let mut aside = Aside::over(tables);
        let from = aside.mark;
        let agrees = records_after(data, from, |position, mark, record| Ok(aside.push(position, mark, &record)?))?;
        if agrees || from == Mark::default() {
            return Ok(aside);
        }
    }
}

/// One record, without who asked for it; none if it has left.
pub(super) fn record(data: &Path, position: Position) -> Result<Option<Record>, StoreError> {
    let dir = data.join("journal");
    let starts = starts_in(&dir)?;
    let start = starts[..starts.partition_point(|start| *start <= position.0)].last().copied().unwrap_or(0);
    let damaged = |why: String| damaged(&path_of(&dir, start), start, position.0, &why);
    let payload = payload_at(&dir, start, position.0)?;
    payload.map(|payload| Ok(schema::decode(&payload).map_err(damaged)?.into_plain())).transpose()
}

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

/// Hands over every record from the segment on after which one begins that is younger than `since`; or from the last.
pub(super) fn records_since(
    data: &Path,
    since: Timestamp,
    mut each: impl FnMut(Position, Record) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let journal = data.join("journal");
    if !journal.exists() {
        return Ok(());
    }
    let starts = starts_in(&journal)?;
    let is_younger = |start: &u64| begun(&journal, *start).is_some_and(|begun| begun > since);
    let younger = starts.iter().position(is_younger).unwrap_or(starts.len());
    let first = starts.get(younger.saturating_sub(1)).copied().unwrap_or(0);
    frames(&journal, first + 1, None, decoded(&mut each), |_, _| Ok(()))
}

/// When the first record of a segment was written that tells a time.
fn begun(journal: &Path, start: u64) -> Option<Timestamp> {
    let mut begun = None;
    // A damage is found by whoever reads on.
    let _ = segments::stream(journal, start, start, u64::MAX, None, |frame| {
        let record = (!frame.is_gone()).then(|| schema::decode(frame.payload).ok()).flatten();
        begun = record.and_then(|record| record.at());
        Ok(if begun.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    });
    begun
}

/// Hands over every record after `mark`, without reading what lies in earlier segments. `false`, with nothing handed over, if
/// no record ends at the mark: it belongs to another history.
pub(super) fn records_after(
    data: &Path,
    mark: Mark,
    mut each: impl FnMut(Position, Mark, Record) -> Result<(), StoreError>,
) -> Result<bool, StoreError> {
    let journal = data.join("journal");
    let mut agrees = mark == Mark::default();
    if !journal.exists() {
        return Ok(agrees);
    }
    let look = |frame: Frame<'_>, damaged: Damaged<'_>| {
        if frame.end == mark.end {
            agrees = frame.checksum == mark.checksum;
        }
        if frame.end <= mark.end || !agrees || frame.is_gone() {
            return Ok(());
        }
        let record = schema::decode(frame.payload).map_err(|why| damaged(&why))?;
        each(Position(frame.position), Mark { end: frame.end, checksum: frame.checksum }, record)
    };
    frames(&journal, mark.end, None, look, |_, _| Ok(()))?;
    Ok(agrees)
}

/// Hands over every record of a journal, without who asked for it, and after the records of a segment its start and its octets. With `end`,
/// everything up to there, which must be whole; without, as far as whole frames go.
pub(super) fn walk(
    journal: &Path,
    end: Option<u64>,
    mut each: impl FnMut(Position, Record) -> Result<(), StoreError>,
    whole: impl FnMut(u64, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    frames(journal, 0, end, decoded(&mut each), whole)
}

/// Makes of one who takes records one who takes frames.
fn decoded(
    each: &mut impl FnMut(Position, Record) -> Result<(), StoreError>,
) -> impl FnMut(Frame<'_>, Damaged<'_>) -> Result<(), StoreError> {
    |frame, damaged| match frame.is_gone() {
        true => Ok(()),
        false => {
            let record = schema::decode(frame.payload).map_err(|why| damaged(&why))?;
            each(Position(frame.position), record.into_plain())
        }
    }
}

/// Hands over every frame from the segment on in which the octet before `from` lies.
fn frames(
    journal: &Path,
    from: u64,
    end: Option<u64>,
    mut each: impl FnMut(Frame<'_>, Damaged<'_>) -> Result<(), StoreError>,
    mut whole: impl FnMut(u64, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    // Asked before anything is read: what is read afterwards reaches at least as far.
    let durable = match end {
        Some(end) => end,
        None => synced(journal)?.unwrap_or(0),
    };
    let mut starts = starts_in(journal)?;
    starts.retain(|start| *start == 0 || end.is_none_or(|end| *start < end));
    starts.drain(..starts.partition_point(|start| *start < from).saturating_sub(1));
    let first = starts.first().copied().filter(|_| from > 0).unwrap_or(0);
    let (mut reached, mut before) = (first, (first == 0).then_some(0));
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
            each(frame, &|why| damaged(&path, *start, frame.position, why))
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
