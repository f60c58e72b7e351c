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
use super::state::{Broken, Merged, Row, Rows, Table, Writing, guarded};

const FOLDER: &str = "checkpoint";
/// Beyond this many tables a look-up takes long, and the newest are merged.
pub(super) const MOST_TABLES: usize = 8;
/// Rows of a merge between two looks whether it is enough: some milliseconds.
const AT_ONCE: usize = 4_096;

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

/// A table that is being written; what there is of it goes with who lets go of it.
struct Unfinished {
    path: PathBuf,
    tmp: PathBuf,
    from: u64,
    mark: Mark,
    writing: Option<Writing>,
}

/// A table that is made of several, which are still there until [`tidy`]: a part at a time, since that of a million cases
/// takes longer than a checkpoint can wait.
pub(super) struct Merging {
    /// The newest first.
    tables: Vec<Arc<Table>>,
    rows: Rows<'static>,
    made: Unfinished,
}

/// Writes the next table.
pub(super) fn write(
    data: &Path,
    from: u64,
    mark: Mark,
    most: u64,
    rows: impl Iterator<Item = Result<Row, Broken>>,
) -> Result<Arc<Table>, Broken> {
    let mut table = Unfinished::begin(data, from, mark, most)?;
    for row in rows {
        table.push(row?)?;
    }
    table.end()
}

impl Unfinished {
    fn begin(data: &Path, from: u64, mark: Mark, most: u64) -> Result<Unfinished, Broken> {
        let dir = data.join(FOLDER);
        folder::create_dir(&dir)?;
        let name = format!("{from:016x}-{:016x}", mark.end);
        let (path, tmp) = (dir.join(format!("{name}.rows")), dir.join(format!("{name}.tmp")));
        let writing = Some(Writing::begin(&tmp, most)?);
        Ok(Unfinished { path, tmp, from, mark, writing })
    }

    fn push(&mut self, row: Row) -> Result<(), Broken> {
        self.writing.as_mut().map_or(Ok(()), |writing| writing.push(row))
    }

    fn end(&mut self) -> Result<Arc<Table>, Broken> {
        let writing = self.writing.take().ok_or_else(|| Broken::new("this table is finished"))?;
        writing.end(self.from, self.mark)?;
        std::fs::rename(&self.tmp, &self.path)?;
        folder::sync_dir(self.path.parent().unwrap_or(Path::new(".")))?;
        Ok(Arc::new(Table::open(&self.path)?))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // On a full disk the half file would keep what little room there is. After the end there is none.
        let _ = std::fs::remove_file(&self.tmp);
    }
}

impl Merging {
    /// Of these that follow each other, the newest first.
    pub(super) fn begin(data: &Path, tables: &[Arc<Table>]) -> Result<Merging, Broken> {
        let [newest, .., oldest] = tables else { return Err(Broken::new("there is nothing to merge")) };
        let sources: Vec<Rows<'_>> = tables.iter().map(|table| Box::new(table.scan(b"", None)) as Rows<'_>).collect();
        // A row that is gone is forgotten where nothing below would show it again.
        let is_lowest = oldest.from == 0;
        let rows = Box::new(Merged::of(sources).filter(move |row| !is_lowest || !matches!(row, Ok((_, None)))));
        let most = tables.iter().map(|table| table.rows).sum();
        let made = Unfinished::begin(data, oldest.from, newest.mark, most)?;
        Ok(Merging { tables: tables.to_vec(), rows, made })
    }

    /// Goes on until it is enough, which is asked now and then; the table, where it is whole.
    pub(super) fn go_on(&mut self, enough: impl Fn() -> bool) -> Result<Option<Arc<Table>>, Broken> {
        while !enough() {
            for _ in 0..AT_ONCE {
                match self.rows.next() {
                    Some(row) => self.made.push(row?)?,
                    None => return self.made.end().map(Some),
                }
            }
        }
        Ok(None)
    }

    /// Are these tables still in use?
    pub(super) fn is_of(&self, tables: &[Arc<Table>]) -> bool {
        self.tables.iter().all(|table| tables.iter().any(|used| Arc::ptr_eq(used, table)))
    }

    /// Puts the table that was made in the place of those of which it was made. Others may have come before them.
    pub(super) fn replace(&self, tables: &mut Vec<Arc<Table>>, made: Arc<Table>) {
        let at = tables.iter().position(|table| Arc::ptr_eq(table, &self.tables[0])).unwrap_or(0);
        tables.splice(at..at + self.tables.len(), [made]);
    }
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
    let made = Merging::begin(data, tables)?.go_on(|| false)?;
    made.ok_or_else(|| Broken::new("the tables did not end"))
}

/// Makes few tables of these, the newest first.
pub(super) fn in_few(data: &Path, tables: &mut Vec<Arc<Table>>) -> Result<(), Broken> {
    loop {
        let many = too_many(tables);
        if many == 0 {
            return Ok(());
        }
        let merged = merge(data, &tables[..many])?;
        tables.splice(..many, [merged]);
    }
}

/// Removes every file that is none of these, nor of those that are becoming one.
pub(super) fn tidy(data: &Path, tables: &[Arc<Table>], merging: Option<&Merging>) {
    let is_used = |path: &Path| {
        tables.iter().any(|table| table.path() == path) || merging.is_some_and(|merging| merging.made.tmp == path)
    };
    for path in entries(data).filter(|path| !is_used(path)) {
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
