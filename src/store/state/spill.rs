//! Rows that have become too many for memory are made tables by other threads, while more are folded: sorting, writing
//! and waiting for the disk take about as long as the fold itself.

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::fold::{Change, Writes, in_order};
use super::layers::{Layers, Merged, Rows, rows_of};
use super::table::Table;
use super::{Broken, guarded};
use crate::store::checkpoint::{self, MOST_TABLES};
use crate::store::journal::Mark;

/// What the tables of a change are waiting for.
#[derive(Default)]
pub struct Spill {
    /// What was folded last.
    full: Option<Making>,
    /// Tables that become one, the newest first.
    merging: Option<(Vec<Arc<Table>>, Making)>,
}

/// A table that another thread makes. Who lets go of it waits for the end: nobody else may write there meanwhile.
struct Making(Option<JoinHandle<Result<Arc<Table>, Broken>>>);

impl Spill {
    /// Has what was folded so far, up to `mark`, made a table, together with what is in sled.
    pub fn begin(&mut self, data: &Path, change: &mut Change<'_>, mark: Mark) -> Result<(), Broken> {
        self.settle(data, change)?;
        let ((full, below), data) = (change.fill(), data.to_owned());
        self.full = Some(Making::begin(move || write(&data, &full, &below, mark))?);
        Ok(())
    }

    /// Leaves everything in tables. Who waits for the last of them can make it as well: a checkpoint of a bot at work has
    /// but one, and needs no other thread.
    pub fn end(mut self, data: &Path, change: &mut Change<'_>, mark: Mark) -> Result<(), Broken> {
        self.settle(data, change)?;
        if change.len() > 0 {
            let (full, below) = change.fill();
            change.filed(write(data, &full, &below, mark)?);
        }
        self.merged(change)
    }

    /// What was full is a table, and what has been merged is one.
    fn settle(&mut self, data: &Path, change: &mut Change<'_>) -> Result<(), Broken> {
        if let Some(full) = self.full.take() {
            change.filed(full.end()?);
        }
        // Every row that is not there is looked for in each of them.
        let crowded = change.tables().len() >= 2 * MOST_TABLES;
        if self.merging.as_ref().is_some_and(|(_, making)| crowded || making.is_done()) {
            self.merged(change)?;
        }
        self.merge(data, change)
    }

    /// Begins to make one table of several, if there are too many.
    fn merge(&mut self, data: &Path, change: &mut Change<'_>) -> Result<(), Broken> {
        let tables = change.tables();
        let many = checkpoint::too_many(tables);
        if self.merging.is_none() && many > 0 {
            let (old, data) = (tables[..many].to_vec(), data.to_owned());
            let sources = old.clone();
            self.merging = Some((old, Making::begin(move || checkpoint::merge(&data, &sources))?));
        }
        Ok(())
    }

    /// Puts the table that was made of several in their place.
    fn merged(&mut self, change: &mut Change<'_>) -> Result<(), Broken> {
        let Some((old, making)) = self.merging.take() else { return Ok(()) };
        let (new, tables) = (making.end()?, change.tables());
        // Others may have come before them.
        let at = tables.iter().position(|table| Arc::ptr_eq(table, &old[0])).unwrap_or(0);
        tables.splice(at..at + old.len(), [new]);
        Ok(())
    }
}

/// Makes a table of these rows, and of what is in sled below them.
fn write(data: &Path, full: &Writes, below: &Layers, mark: Mark) -> Result<Arc<Table>, Broken> {
    let most = full.len() + below.recent.as_ref().map_or(Ok(0), |recent| recent.most())?;
    let mut sources: Vec<Rows<'_>> = vec![in_order(full, b"")];
    sources.extend(below.recent.as_ref().map(|recent| rows_of(recent, b"", None)));
    let rows = Merged::of(sources).filter(|row| match row {
        Ok((key, None)) => below.may_hide(key),
        _ => true,
    });
    let from = below.tables.first().map_or(0, |table| table.mark.end);
    checkpoint::write(data, from, mark, most as u64, rows)
}

impl Making {
    fn begin(make: impl FnOnce() -> Result<Arc<Table>, Broken> + Send + 'static) -> Result<Making, Broken> {
        let thread = thread::Builder::new().name("tables".into()).spawn(move || guarded(make))?;
        Ok(Making(Some(thread)))
    }

    fn is_done(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn end(mut self) -> Result<Arc<Table>, Broken> {
        let made = self.0.take().and_then(|thread| thread.join().ok());
        made.unwrap_or_else(|| Err(Broken::new("a thread died while it made a table")))
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        let _ = self.0.take().map(JoinHandle::join);
    }
}
