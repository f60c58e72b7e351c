//! The data folder: one process at a time, readable by its owner only, and the durable ways to put a file
//! into it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::StoreError;
use crate::ids::Key;
use crate::lock::Lock;

const LOCK: &str = "lock";
const KEY: &str = "key";
/// Octets of the key file.
const KEY_LENGTH: usize = 32;

/// Creates the folder if need be and takes its lock.
pub(super) fn take(dir: &Path) -> Result<Lock, StoreError> {
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| create_dir(dir))
        .map_err(|e| StoreError::at(dir, "created", &e))?;
    let path = dir.join(LOCK);
    let trouble = |e: io::Error| StoreError::at(&path, "locked", &e);
    let open = || private().read(true).write(true).create(true).truncate(false).open(&path).map_err(trouble);
    let mut holder = open()?;
    let Some(lock) = Lock::take(open()?).map_err(trouble)? else {
        let mut by = String::new();
        let _ = holder.read_to_string(&mut by);
        return Err(StoreError::Locked { dir: dir.to_owned(), by: by.parse().ok() });
    };
    // Who has it, for the message the next process gives. Not worth failing for.
    let _ = holder.set_len(0).and_then(|()| write!(holder, "{}", std::process::id()));
    Ok(lock)
}

/// Reads the bot's key, or makes one if the folder is `new`.
///
/// A folder with a journal but without its key is refused: with another key the bot would no longer know its
/// own Message-IDs, and every running thread would open a second case.
pub(super) fn key(dir: &Path, new: bool) -> Result<Key, StoreError> {
    let path = dir.join(KEY);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound && new => {
            let mut bytes = vec![0; KEY_LENGTH];
            getrandom::fill(&mut bytes)
                .map_err(|e| StoreError::Trouble(format!("the system gives no random numbers: {e}")))?;
            write_new(dir, &dir.join("key.tmp"), &path, &bytes).map_err(|e| StoreError::at(&path, "written", &e))?;
            bytes
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(StoreError::Trouble(format!(
                "{} is missing, without which running threads are not known again; restore it from a backup",
                path.display()
            )));
        }
        Err(e) => return Err(StoreError::at(&path, "read", &e)),
    };
    Key::from_file(&bytes).ok_or_else(|| {
        StoreError::Trouble(format!(
            "{} has {} octets, which is no key; restore it from a backup",
            path.display(),
            bytes.len()
        ))
    })
}

/// Puts a new key in the place of `key`, which is believed to the end of `last_day`.
pub(super) fn change_key(dir: &Path, key: &Key, last_day: u32, today: u32) -> Result<Key, StoreError> {
    let path = dir.join(KEY);
    let mut bytes = [0; KEY_LENGTH];
    getrandom::fill(&mut bytes).map_err(|e| StoreError::Trouble(format!("the system gives no random numbers: {e}")))?;
    let changed = key.followed_by(bytes, last_day, today);
    write_new(dir, &dir.join("key.tmp"), &path, &changed.to_file())
        .map_err(|e| StoreError::at(&path, "written", &e))?;
    Ok(changed)
}

/// What a process started after the machine's last boot reads; `None` where the system does not tell.
pub(super) fn boot_id() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
}

/// The file is there with all its bytes or not at all, also after a power cut: `tmp` → fsync → rename →
/// fsync of the folder.
pub(super) fn write_new(dir: &Path, tmp: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_tmp(tmp, bytes)?;
    std::fs::rename(tmp, path)?;
    sync_dir(dir)
}

/// The first half of [`write_new`].
pub(super) fn write_tmp(tmp: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = private()
        .write(true)
        .create(true)
        .truncate(true)
        .open(tmp)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    if written.is_err() {
        // On a full disk the half file would keep what little room there is.
        let _ = std::fs::remove_file(tmp);
    }
    written
}

/// Makes the names in a folder durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Creates a folder that only its owner can enter, durably; nothing happens if it exists.
pub(super) fn create_dir(dir: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
            _ => sync_dir(Path::new(".")),
        },
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(e) => Err(e),
    }
}

/// Options for a file that only its owner can read: customers' mail lies here.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_second_process_is_told_who_has_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("data");
        let held = take(&dir).unwrap();
        let error = take(&dir).unwrap_err();
        assert!(
            error.to_string().ends_with(&format!("in use by another huixin (process {})", std::process::id())),
            "{error}"
        );
        drop(held);
        take(&dir).unwrap();
    }

    #[test]
    fn the_key_is_made_once_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let made = key(dir.path(), true).unwrap();
        assert_eq!(key(dir.path(), false).unwrap().as_bytes(), made.as_bytes());
        let mode = |name: &str| dir.path().join(name).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(KEY), 0o600);

        std::fs::write(dir.path().join(KEY), [1; 31]).unwrap();
        assert!(key(dir.path(), true).unwrap_err().to_string().contains("31 octets"));
        std::fs::remove_file(dir.path().join(KEY)).unwrap();
        assert!(key(dir.path(), false).unwrap_err().to_string().contains("missing"));
    }

    /// C19: what is half-written lies beside the key; with the rename the new one is there, and the old one in it.
    #[test]
    fn of_a_change_of_keys_a_crash_leaves_the_old_one_or_the_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let old = key(dir.path(), true).unwrap();
        let changed = old.followed_by([7; KEY_LENGTH], 20_100, 20_000).to_file();
        for octets in 0..=changed.len() {
            write_tmp(&dir.path().join("key.tmp"), &changed[..octets]).unwrap();
            assert_eq!(key(dir.path(), false).unwrap().to_file(), old.to_file(), "{octets} octets written");
        }
        let new = change_key(dir.path(), &old, 20_100, 20_000).unwrap();
        assert_eq!(key(dir.path(), false).unwrap().to_file(), new.to_file());
        assert_eq!(new.former().collect::<Vec<_>>(), [20_100]);
        assert!(!dir.path().join("key.tmp").exists());
    }
}
