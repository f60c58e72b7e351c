//! The checkpoint: what the journal says up to some place, as tables of rows, so that nobody has to read it all again.
//!
//! It is a view of the journal like the state that lies over it, and may be deleted like it. Each file is named by the
//! stretch of the journal that made it, `<from>-<to>.rows`; together they reach from the beginning to the last one's
//! end. Now and then several are merged into one of the same stretch.
//!
//! A file appears whole or not at all: tmp → fsync → rename → fsync of the folder. Whatever a crash leaves is sorted
//! out by the names: of two files that begin at one place the one that reaches further counts, and what it covers is
//! removed. A file that is not whole counts as not there; what it said is read in the journal.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::folder;
use super::journal::Mark;
use super::state::{Broken, Merged, Row, Rows, Table, guarded};

const FOLDER: &str = "checkpoint";
/// Beyond this many tables a look-up takes long, and the newest are merged.
pub(super) const MOST_TABLES: usize = 8;

/// The tables of a data folder that follow each other from the beginning of the journal, the newest first.
/// With `verified`, every octet of them is read.
pub(super) fn tables(data: &Path, verified: bool) -> Vec<Arc<Table>> {
    let mut found: Vec<PathBuf> = entries(data).filter(|path| stretch(path).is_some()).collect();
    // Of those with one beginning the one that reaches further comes first.
    found.sort_by_key(|path| stretch(path).map(|(from, to)| (from, u64::MAX - to)));
    let (mut tables, mut reached) = (Vec::new(), 0);
    for path in found {
        let Some((from, to)) = stretch(&path).filter(|(from, _)| *from == reached) else { continue };
        let opened = guarded(|| {
            let table = Table::open(&path)?;
            if verified {
                table.verify()?;
            }
            Ok(table)
        });
        match opened {
            Ok(table) if (table.from, table.mark.end) == (from, to) => {
                reached = to;
                tables.insert(0, Arc::new(table));
            }
            Ok(_) => tracing::warn!("{}: this is another stretch than its name says", path.display()),
            Err(broken) => tracing::warn!(why = broken.why, "a part of the checkpoint is left out"),
        }
    }
    tables
}

/// Writes the next table.
pub(super) fn write(
    data: &Path,
    from: u64,
    mark: Mark,
    most: u64,
    rows: impl Iterator<Item = Result<Row, Broken>>,
) -> Result<Arc<Table>, Broken> {
    let dir = data.join(FOLDER);
    folder::create_dir(&dir)?;
    let name = format!("{from:016x}-{:016x}", mark.end);
    let tmp = dir.join(format!("{name}.tmp"));
    if let Err(broken) = Table::write(&tmp, from, mark, most, rows) {
        // On a full disk the half file would keep what little room there is.
        let _ = std::fs::remove_file(&tmp);
        return Err(broken);
    }
    let path = dir.join(format!("{name}.rows"));
    std::fs::rename(&tmp, &path)?;
    folder::sync_dir(&dir)?;
    Ok(Arc::new(Table::open(&path)?))
}

/// How many of these tables, the newest first, are to be made one: none while there are few.
pub(super) fn too_many(tables: &[Arc<Table>]) -> usize {
    if tables.len() <= MOST_TABLES {
        return 0;
    }
    // A table that is much larger than all that came after it is left alone: with a million cases on file it would be
    // written again for every few thousand.
    let (mut many, mut most) = (1, tables[0].rows);
    while many < tables.len() && (many < MOST_TABLES / 2 || tables[many].rows <= 2 * most) {
        most += tables[many].rows;
        many += 1;
    }
    many
}

/// Makes one table of these that follow each other, the newest first. They are still there until [`tidy`].
pub(super) fn merge(data: &Path, tables: &[Arc<Table>]) -> Result<Arc<Table>, Broken> {
    let [newest, .., oldest] = tables else { return Err(Broken::new("there is nothing to merge")) };
    let sources: Vec<Rows<'_>> = tables.iter().map(|table| Box::new(table.scan(b"", None)) as Rows<'_>).collect();
    // A row that is gone is forgotten where nothing below would show it again.
    let rows = Merged::of(sources).filter(|row| oldest.from > 0 || !matches!(row, Ok((_, None))));
    write(data, oldest.from, newest.mark, tables.iter().map(|table| table.rows).sum(), rows)
}

/// Removes every file that is none of these.
pub(super) fn tidy(data: &Path, tables: &[Arc<Table>]) {
    for path in entries(data).filter(|path| tables.iter().all(|table| table.path() != path)) {
        let _ = std::fs::remove_file(path);
    }
}

/// Forgets the checkpoint; the journal still has it all.
pub(super) fn remove(data: &Path) {
    let _ = std::fs::remove_dir_all(data.join(FOLDER));
}

fn entries(data: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(data.join(FOLDER)).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// From where to where in the journal a table reaches, as its name says.
fn stretch(path: &Path) -> Option<(u64, u64)> {
    let (from, to) = path.file_name()?.to_str()?.strip_suffix(".rows")?.split_once('-')?;
    let place = |text: &str| u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16);
    Some((place(from)?, place(to)?))
}
