//! Backup and restore: the journal, the mails it names, the key and the revisions of the playbook.
//!
//! The journal is the truth, so what belongs together is what belongs to one stretch of it: everything up to the last
//! frame that is known to be on disk, and every mail of the archive that these frames name. Such a mail was archived
//! before its frame was written, so a bot that goes on meanwhile takes nothing away. The state is left out: it is
//! built anew. The journal's own mark `synced` is copied at last and makes the copy complete.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::archive::Archive;
use super::journal::SYNCED;
use super::record::Record;
use super::segments::{mark_bytes, path_of};
use super::{StoreError, beside, folder};
use crate::ids::MailHash;

/// Mails and their octets that are written together, sharing the fsyncs of their folders.
const BATCH: usize = 256;
const BATCH_OCTETS: usize = 16 << 20;

/// What was copied, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Copied {
    /// Records of the journal, each verified, and their octets.
    pub records: u64,
    pub octets: u64,
    /// Mails of the archive, each verified, and their octets.
    pub mails: u64,
    pub mail_octets: u64,
    /// Mails that the journal names and that are not in the archive, or no longer what was put there.
    pub lost: Vec<(MailHash, String)>,
}

/// Copies what a data folder holds, in use or not, into a free folder.
pub fn backup(data: &Path, into: &Path) -> Result<Copied, StoreError> {
    copy(data, Some(into))
}

/// Makes a data folder of a backup. Everything is verified before the first octet is written; unless it may be
/// `incomplete`, mails that were lost end it, and the caller sees them in the figures.
pub fn restore(from: &Path, into: &Path, incomplete: bool) -> Result<Copied, StoreError> {
    let found = copy(from, None)?;
    match found.lost.is_empty() || incomplete {
        true => copy(from, Some(into)),
        false => Ok(found),
    }
}

/// Is there nothing in this folder that could be written over?
pub fn is_free(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Verifies a data folder or a backup, and copies it if there is somewhere to copy it to.
fn copy(from: &Path, into: Option<&Path>) -> Result<Copied, StoreError> {
    let key = folder::key(from, false)?;
    let journal = from.join("journal");
    let end = beside::synced(&journal)?.ok_or_else(|| {
        let mark = journal.join(SYNCED);
        StoreError::Trouble(format!("{} is not there or not whole: this is no complete backup", mark.display()))
    })?;
    let archive = Archive::beside(from);
    let target = into.map(Target::prepare).transpose()?;

    let (mut copied, mut named, mut seen) = (Copied::default(), Vec::new(), HashSet::new());
    let mut forgotten = HashSet::new();
    let each = |_, record: Record| {
        copied.records += 1;
        if let Record::Forgotten { mails, .. } | Record::Erased { mails, .. } = &record {
            forgotten.extend(mails.iter().copied());
        }
        named.extend(names(&record).filter(|hash| seen.insert(*hash)));
        Ok(())
    };
    beside::walk(&journal, Some(end), each, |start, bytes| match &target {
        Some(target) => target.segment(start, bytes),
        None => Ok(()),
    })?;
    copied.octets = end;

    let mut batch = Vec::new();
    for (at, hash) in named.iter().enumerate() {
        match archive.get(hash) {
            Ok(mail) => {
                copied.mails += 1;
                copied.mail_octets += mail.len() as u64;
                batch.push(mail);
            }
            Err(StoreError::Missing(_)) if forgotten.contains(hash) => {}
            Err(error @ (StoreError::Missing(_) | StoreError::Altered(_))) => {
                copied.lost.push((*hash, error.to_string()));
            }
            Err(other) => return Err(other),
        }
        let octets: usize = batch.iter().map(Vec::len).sum();
        if batch.len() == BATCH || octets > BATCH_OCTETS || at + 1 == named.len() {
            if let Some(target) = &target {
                target.archive.put_all(&batch)?;
            }
            batch.clear();
        }
    }
    // A mail may have been kept long enough since this began.
    if !copied.lost.is_empty() {
        beside::records(from, |_, record| {
            if let Record::Forgotten { mails, .. } | Record::Erased { mails, .. } = &record {
                copied.lost.retain(|(hash, _)| !mails.contains(hash));
            }
            Ok(())
        })?;
    }
    if let Some(target) = target {
        let revisions = from.join("playbooks");
        if revisions.is_dir() {
            copy_folder(&revisions, &target.dir.join("playbooks"))?;
        }
        target.file("key", &key.to_file())?;
        target.file(&format!("journal/{SYNCED}"), &mark_bytes(end))?;
    }
    Ok(copied)
}

/// The mails of the archive that a record names.
fn names(record: &Record) -> impl Iterator<Item = MailHash> {
    let taken = match record {
        Record::Taken { hash, .. } | Record::Again { hash, .. } => Some(*hash),
        Record::Decided(decided) => Some(decided.hash),
        _ => None,
    };
    taken.into_iter().chain(record.outgoing().iter().filter_map(|mail| mail.content.original))
}

/// The folder that is being filled.
struct Target<'a> {
    dir: &'a Path,
    archive: Archive,
}

impl Target<'_> {
    fn prepare(dir: &Path) -> Result<Target<'_>, StoreError> {
        if !is_free(dir) {
            return Err(StoreError::Trouble(format!("{} is not empty, and nothing is written over", dir.display())));
        }
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| folder::create_dir(dir))
            .and_then(|()| folder::create_dir(&dir.join("journal")))
            .map_err(|e| StoreError::at(dir, "created", &e))?;
        Ok(Target { dir, archive: Archive::open(dir.join("archive"))? })
    }

    fn segment(&self, start: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let journal = self.dir.join("journal");
        write(&path_of(&journal, start), bytes)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        write(&self.dir.join(name), bytes)
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let dir = path.parent().unwrap_or(path);
    folder::write_new(dir, &path.with_extension("tmp"), path, bytes).map_err(|e| StoreError::at(path, "written", &e))
}

/// Copies a folder with the folders in it, but for what is only there while somebody writes.
fn copy_folder(from: &Path, to: &Path) -> Result<(), StoreError> {
    folder::create_dir(to).map_err(|e| StoreError::at(to, "created", &e))?;
    let entries = fs::read_dir(from).map_err(|e| StoreError::at(from, "listed", &e))?;
    for entry in entries {
        let path = entry.map_err(|e| StoreError::at(from, "listed", &e))?.path();
        let Some(name) = path.file_name() else { continue };
        if name == "lock" || name.to_string_lossy().ends_with(".new") {
            continue;
        }
        if path.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else {
            let bytes = fs::read(&path).map_err(|e| StoreError::at(&path, "read", &e))?;
            write(&to.join(name), &bytes)?;
        }
    }
    Ok(())
}
