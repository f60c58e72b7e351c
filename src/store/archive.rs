//! The archive: every mail taken, byte for byte, one file each under the hash of its bytes.
//!
//! A file appears whole or not at all, also after a power cut: tmp → fsync → rename → fsync of the folder.
//! Any mail program opens these files, with or without us. A mail is checked against its name whenever it
//! is read, so a flipped bit is found before it is used.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{StoreError, folder};
use crate::failpoint;
use crate::ids::MailHash;
use crate::time::Timestamp;

/// Where half-written files stand; emptied at every start.
const TMP: &str = "tmp";
/// Files written at the same time. More do not make a disk faster.
const WRITERS: usize = 16;

#[derive(Debug)]
pub struct Archive {
    root: PathBuf,
}

impl Archive {
    pub(super) fn open(root: PathBuf) -> Result<Archive, StoreError> {
        let archive = Archive { root };
        archive.prepare().map_err(|e| StoreError::at(&archive.root, "prepared", &e))?;
        Ok(archive)
    }

    /// The archive of a data folder that another process may have in use, to read from.
    pub fn beside(data: &Path) -> Archive {
        Archive { root: data.join("archive") }
    }

    /// Keeps one mail. When this returns, the mail is on disk.
    pub fn put(&self, mail: &[u8]) -> Result<MailHash, StoreError> {
        Ok(self.put_all(&[mail])?.remove(0))
    }

    /// Keeps several mails, in order, and shares the fsync of their folders.
    pub fn put_all<B: AsRef<[u8]> + Sync>(&self, mails: &[B]) -> Result<Vec<MailHash>, StoreError> {
        let hashes = side_by_side(mails, |mail| {
            let mail = mail.as_ref();
            let hash = MailHash::of(mail);
            let path = self.path(&hash);
            self.keep(&hash, &path, mail).map_err(|e| StoreError::at(&path, "written", &e))?;
            Ok(hash)
        })?;
        // Also for a file that was there: whoever renamed it may have been killed before the fsync.
        let folders: BTreeSet<_> =
            hashes.iter().filter_map(|hash| Some(self.path(hash).parent()?.to_owned())).collect();
        let folders: Vec<PathBuf> = folders.into_iter().collect();
        failpoint::reached("C4");
        side_by_side(&folders, |dir| folder::sync_dir(dir).map_err(|e| StoreError::at(dir, "made durable", &e)))?;
        Ok(hashes)
    }

    /// The mail with this hash, checked.
    pub fn get(&self, hash: &MailHash) -> Result<Vec<u8>, StoreError> {
        let path = self.path(hash);
        let mail = std::fs::read(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => StoreError::Missing(*hash),
            _ => StoreError::at(&path, "read", &e),
        })?;
        match MailHash::of(&mail) == *hash {
            true => Ok(mail),
            false => Err(StoreError::Altered(*hash)),
        }
    }

    /// The mail with this hash, or a note in its place where the file is damaged: nobody shall wait for it.
    pub fn get_or_note(&self, hash: &MailHash) -> Result<Vec<u8>, StoreError> {
        match self.get(hash) {
            Err(error @ (StoreError::Missing(_) | StoreError::Altered(_))) => {
                tracing::error!("{error}; `huixin repair` looks for it in the mailbox");
                Ok(format!("Subject: (this mail is damaged in the archive)\r\n\r\n{error}\r\n").into_bytes())
            }
            other => other,
        }
    }

    /// Every mail, and when it was put there; nothing is verified.
    pub fn all(&self) -> Result<Vec<(MailHash, Timestamp)>, StoreError> {
        let mut found = Vec::new();
        for folder in self.folders()? {
            found.append(&mut self.mails_in(&folder)?);
        }
        Ok(found)
    }

    /// The folders in which mails lie.
    pub(super) fn folders(&self) -> Result<Vec<PathBuf>, StoreError> {
        Ok(list(&self.root)?.into_iter().filter(|path| path.is_dir()).collect())
    }

    /// The mails in one of its folders, and when each was put there; nothing is verified.
    pub(super) fn mails_in(&self, folder: &Path) -> Result<Vec<(MailHash, Timestamp)>, StoreError> {
        let hash = |path: PathBuf| MailHash::parse(path.file_name()?.to_str()?.strip_suffix(".eml")?);
        Ok(list(folder)?.into_iter().filter_map(hash).map(|hash| (hash, self.since(&hash))).collect())
    }

    /// Removes a mail whose end is written down.
    pub(super) fn remove(&self, hash: &MailHash) -> Result<(), StoreError> {
        let path = self.path(hash);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(StoreError::at(&path, "removed", &e)),
            _ => Ok(()),
        }
    }

    /// When a mail was put there, as far as the file tells.
    pub fn since(&self, hash: &MailHash) -> Timestamp {
        let modified = std::fs::metadata(self.path(hash)).and_then(|file| file.modified());
        modified.ok().and_then(|time| Timestamp::try_from(time).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Where the mail with this hash lies, or would.
    pub fn path(&self, hash: &MailHash) -> PathBuf {
        let name = hash.to_string();
        self.root.join(&name[..2]).join(format!("{name}.eml"))
    }

    fn prepare(&self) -> io::Result<()> {
        folder::create_dir(&self.root)?;
        let tmp = self.root.join(TMP);
        folder::create_dir(&tmp)?;
        for entry in std::fs::read_dir(&tmp)? {
            std::fs::remove_file(entry?.path())?;
        }
        Ok(())
    }

    /// Puts the file there unless it is there with the right bytes. One that was altered is replaced: we
    /// have the mail in our hands.
    fn keep(&self, hash: &MailHash, path: &Path, mail: &[u8]) -> io::Result<()> {
        if std::fs::read(path).is_ok_and(|there| there == mail) {
            return Ok(());
        }
        if let Some(dir) = path.parent() {
            folder::create_dir(dir)?;
        }
        // Two threads with the same mail write the same bytes; the thread tells their files apart.
        let tmp = self.root.join(TMP).join(format!("{hash}.{:?}", std::thread::current().id()));
        failpoint::reached_after("C2", || drop(std::fs::write(&tmp, &mail[..mail.len() / 2])));
        folder::write_tmp(&tmp, mail)?;
        failpoint::reached("C3");
        std::fs::rename(&tmp, path)
    }
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(StoreError::at(dir, "listed", &e)),
    };
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(|e| StoreError::at(dir, "listed", &e))).collect()
}

/// Works on all items, a few at a time, and gives what came of each, in order; an error is one of the items'. Who waits
/// for the disk beside others shares its commits with them: a hundred files in a row take ten times as long.
fn side_by_side<I: Sync, T: Send>(
    items: &[I],
    work: impl Fn(&I) -> Result<T, StoreError> + Sync,
) -> Result<Vec<T>, StoreError> {
    let next = AtomicUsize::new(0);
    let turn = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            match items.get(at) {
                Some(item) => done.push((at, work(item)?)),
                None => return Ok(done),
            }
        }
    };
    let mut done = thread::scope(|scope| {
        let others = items.len().min(WRITERS).saturating_sub(1);
        // Without a thread the others do its share.
        let others: Vec<_> = (0..others)
            .filter_map(|_| thread::Builder::new().name("archive".into()).spawn_scoped(scope, turn).ok())
            .collect();
        let mut done = turn();
        for other in others {
            let theirs =
                other.join().unwrap_or_else(|_| Err(StoreError::Trouble("a writer of the archive died".into())));
            done = done.and_then(|mut done| theirs.map(|theirs| done.extend(theirs)).map(|()| done));
        }
        done
    })?;
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> (tempfile::TempDir, Archive) {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(dir.path().join("archive")).unwrap();
        (dir, archive)
    }

    #[test]
    fn a_mail_is_kept_once_under_the_hash_of_its_bytes() {
        let (_dir, archive) = archive();
        let mails: [&[u8]; 3] = [b"one\r\n", b"", b"one\r\n"];
        let hashes = archive.put_all(&mails).unwrap();
        assert_eq!(hashes[0], hashes[2]);
        for (mail, hash) in mails.iter().zip(&hashes) {
            assert_eq!(archive.get(hash).unwrap(), *mail);
        }
        let name = hashes[0].to_string();
        assert!(archive.path(&hashes[0]).ends_with(format!("archive/{}/{name}.eml", &name[..2])));
        assert!(matches!(archive.get(&MailHash::of(b"two")), Err(StoreError::Missing(_))));
    }

    #[test]
    fn an_altered_mail_is_found_before_use_and_healed_by_the_next_put() {
        let (_dir, archive) = archive();
        let hash = archive.put(b"Dear all").unwrap();
        for damage in [&b"Dear bll"[..], b"Dear al", b""] {
            std::fs::write(archive.path(&hash), damage).unwrap();
            assert!(matches!(archive.get(&hash), Err(StoreError::Altered(_))));
            assert_eq!(archive.put(b"Dear all").unwrap(), hash);
            assert_eq!(archive.get(&hash).unwrap(), b"Dear all");
        }
    }

    #[test]
    fn what_a_crash_left_half_written_is_removed_at_the_next_start() {
        let (dir, archive) = archive();
        let half = archive.root.join(TMP).join("half");
        std::fs::write(&half, "ha").unwrap();
        Archive::open(dir.path().join("archive")).unwrap();
        assert!(!half.exists());
    }
}
