//! Many records on their way into the state. A few go into sled at once; many are folded in memory and written out as
//! tables of the checkpoint, since sled takes some twenty times as long for them.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use super::fold::{Change, fold};
use super::guarded;
use super::layers::Layers;
use super::spill::Spill;
use super::table::Table;
use crate::store::StoreError;
use crate::store::journal::{Journal, Mark, Position};
use crate::store::record::Record;

/// How many rows are kept in memory.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Beyond this they become a table: some 40 MB, and as much again while it is being written.
    pub table: usize,
    /// As many as sled takes in well under a second.
    pub batch: usize,
}

pub struct Replay<'a> {
    data: &'a Path,
    journal: &'a Journal,
    sizes: Sizes,
    change: Change<'static>,
    spill: Spill,
    mark: Mark,
    /// Records seen.
    pub records: u64,
    /// Rows have become tables.
    pub spilled: bool,
}

impl Default for Sizes {
    fn default() -> Sizes {
        Sizes { table: 200_000, batch: 20_000 }
    }
}

impl Sizes {
    /// Everything stays in memory until it is applied.
    pub fn whole(self) -> Sizes {
        Sizes { table: usize::MAX, ..self }
    }
}

impl<'a> Replay<'a> {
    /// Folds over these rows, which know the journal up to `mark`.
    pub fn new(data: &'a Path, journal: &'a Journal, sizes: Sizes, below: Layers, mark: Mark) -> Replay<'a> {
        let change = Change::new(Cow::Owned(below));
        Replay { data, journal, sizes, change, spill: Spill::default(), mark, records: 0, spilled: false }
    }

    pub fn push(&mut self, position: Position, mark: Mark, record: &Record) -> Result<(), StoreError> {
        self.records += 1;
        self.mark = mark;
        guarded(|| fold(&mut self.change, position, mark, record))?;
        match self.change.len() > self.sizes.table {
            true => self.spill(),
            false => Ok(()),
        }
    }

    /// More than sled takes in a moment?
    pub fn is_much(&self) -> bool {
        self.spilled || self.change.len() > self.sizes.batch
    }

    /// Writes what is left into sled.
    pub fn apply(self) -> Result<(), StoreError> {
        Ok(guarded(|| self.change.apply())?)
    }

    /// Makes tables of everything, and gives all there are, the newest first.
    pub fn into_tables(mut self) -> Result<Vec<Arc<Table>>, StoreError> {
        // A checkpoint is never ahead of what is known to be on disk.
        self.journal.sync()?;
        guarded(|| self.spill.end(self.data, &mut self.change, self.mark))?;
        Ok(std::mem::take(self.change.tables()))
    }

    /// What has been folded so far, and what is in sled, becomes a table.
    fn spill(&mut self) -> Result<(), StoreError> {
        self.journal.sync()?;
        guarded(|| self.spill.begin(self.data, &mut self.change, self.mark))?;
        self.spilled = true;
        Ok(())
    }
}
