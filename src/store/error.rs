//! What can go wrong with the store, and whether trying again helps.

use std::io;
use std::path::{Path, PathBuf};

use super::journal::Position;
use crate::ids::MailHash;

#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another process has the data folder.
    #[error("{} is in use by another huixin{}", .dir.display(), by_process(.by))]
    Locked { dir: PathBuf, by: Option<u32> },

    /// The journal has a fault before its end. Starting anyway would forget what comes after it.
    #[error(
        "the journal is damaged at position {} ({} at octet {offset}): {what}; nothing was changed; \
         `huixin repair --dry-run` shows what is lost, `huixin repair` goes on without it; or restore a backup",
        .position.0, .file.display()
    )]
    Damaged { position: Position, file: PathBuf, offset: u64, what: String },

    /// No room for a new record. What was written before is whole, and results of mails on their way still
    /// find room in the reserve.
    #[error("the disk is full: nothing new can be written down until there is room again")]
    Full,

    /// The state was of no use and has been built anew from the journal; the question may be asked again.
    #[error("the state had to be rebuilt ({0})")]
    Rebuilt(String),

    /// The record cannot be written as it is. Nothing was written.
    #[error("this cannot be written down: {0}")]
    Refused(String),

    /// Who decided what is written down panicked: a fault of the program. Nothing was written.
    #[error("who decided about it stopped: {0}")]
    Stopped(String),

    /// A mail of the archive is not there.
    #[error("mail {} is not in the archive", .0)]
    Missing(MailHash),

    /// A mail of the archive is no longer what was put there.
    #[error("mail {} in the archive has been altered: its bytes no longer have this hash", .0)]
    Altered(MailHash),

    /// The disk, or a file on it, cannot be used as it is.
    #[error("{0}")]
    Trouble(String),

    /// A write or an fsync failed: what is on disk is no longer known, and asking the same kernel again
    /// could be answered with a lie (a failed fsync marks the pages clean). The process must end; the next
    /// start reads what is really there.
    #[error("{0}; the process must end")]
    Fatal(String),
}

impl StoreError {
    /// Can the same call succeed later, without anybody doing anything to the program?
    pub fn is_temporary(&self) -> bool {
        matches!(self, StoreError::Full | StoreError::Rebuilt(_))
    }

    /// Is it this one record that nothing comes of, while any other can be written?
    pub fn is_local(&self) -> bool {
        matches!(self, StoreError::Refused(_) | StoreError::Stopped(_))
    }

    /// Must the process end?
    pub fn is_fatal(&self) -> bool {
        matches!(self, StoreError::Fatal(_))
    }

    /// A file could not be used; a full disk is told apart, since it passes.
    pub(super) fn at(path: &Path, doing: &str, error: &io::Error) -> StoreError {
        match is_full(error) {
            true => StoreError::Full,
            false => StoreError::Trouble(format!("{} cannot be {doing}: {error}", path.display())),
        }
    }
}

/// No space, or no quota.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn by_process(by: &Option<u32>) -> String {
    by.map_or_else(String::new, |id| format!(" (process {id})"))
}
