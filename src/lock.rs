//! A folder that one process has at a time.

use std::fs::File;
use std::io;

/// A file locked by this process; a process that is killed lets go of it.
///
/// It is unlocked and not only closed: a child that another thread is just starting has the open file too, for the
/// moment between fork and exec, and the lock would stay with it.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Takes the lock of this file; `None` if another has it.
    pub fn take(file: File) -> io::Result<Option<Lock>> {
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(e)) => Err(e),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_and_whoever_lets_go_of_it_has_let_go() {
        let dir = tempfile::tempdir().unwrap();
        let file = || File::create(dir.path().join("lock")).unwrap();
        let locked = file();
        // What a child has of its parent's open files until it becomes another program.
        let inherited = locked.try_clone().unwrap();
        let lock = Lock::take(locked).unwrap();
        assert!(lock.is_some());
        assert!(Lock::take(file()).unwrap().is_none());
        drop(lock);
        assert!(Lock::take(file()).unwrap().is_some());
        drop(inherited);
    }
}
