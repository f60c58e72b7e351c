//! The mailbox: the folder we watch, and how a mail in it is named.
//!
//! A mail's place is (mailbox, UIDVALIDITY, UID) in IMAP (RFC 9051 §2.3.1.1) or its file name in a Maildir.
//! The mailbox keeps a mail until what we decided about it is on disk; only then it is *settled*: flagged,
//! moved, or left alone, as configured.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::ids::MailboxName;
use crate::time::Timestamp;

/// Where a mail lies in its mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// RFC 9051 §2.3.1.1: a UID means nothing without its UIDVALIDITY.
    Imap { uid_validity: u32, uid: u32 },
    /// The file name in `new/`, which its deliverer made unique.
    Maildir { file: String },
}

/// How the place of a mail begins that is taken from the archive.
const ARCHIVED: &str = "archive,";

impl Place {
    /// The place of a mail of which only the archive knows, and since when; no mailbox has a mail there.
    pub fn archived(since: Timestamp, name: &str) -> Place {
        Place::Maildir { file: format!("{ARCHIVED}{},{name}", since.as_second()) }
    }

    /// Since when the archive has the mail, if only the archive knows of it.
    pub fn archived_since(&self) -> Option<Timestamp> {
        let Place::Maildir { file } = self else { return None };
        let (second, _) = file.strip_prefix(ARCHIVED)?.split_once(',')?;
        Timestamp::from_second(second.parse().ok()?).ok()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Imap { uid_validity, uid } => write!(f, "{uid_validity}:{uid}"),
            Place::Maildir { file } => f.write_str(file),
        }
    }
}

/// How far a mailbox has been taken: every mail up to here is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub uid_validity: u32,
    /// The highest UID below which every mail is committed or gone.
    pub uid: u32,
}

/// What we know of a mailbox before looking into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// How far we came; `None` before the first mail. Meaningless in a Maildir.
    pub cursor: Option<Cursor>,
}

/// One mail as the mailbox lists it, not yet fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub place: Place,
    /// Octets, as the server counts them.
    pub size: u64,
    /// When it was delivered: INTERNALDATE, or the time of the file.
    pub delivered: Timestamp,
    /// The host has marked it as junk (`$Junk`, RFC 9051 §2.3.2).
    pub junk: bool,
}

/// What a look into the mailbox found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The mailbox's UIDVALIDITY; 0 in a Maildir.
    pub uid_validity: u32,
    /// The UID that the next mail will get at the least; 0 in a Maildir.
    pub uid_next: u32,
    /// New mail, oldest first, at most as many as were asked for.
    pub mails: Vec<Listed>,
    /// More was there than asked for.
    pub more: bool,
}

/// A mail fetched, or why not.
#[derive(Debug)]
pub enum Fetched {
    /// The whole mail, byte for byte.
    Whole(Vec<u8>),
    /// Larger than the cap: its head and the first octets of its body.
    Cut(Vec<u8>),
    /// Gone before we could fetch it: another program removed it.
    Vanished,
}

/// What became of a look, a fetch or a settling that did not go well.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Trying again later can help; the connection is gone.
    #[error("{0}")]
    Trouble(String),
    /// The server refuses our name or password; trying again soon would lock the account.
    #[error("{0}")]
    Refused(String),
    /// This one mail cannot be fetched, while others may.
    #[error("the mail at {place} cannot be fetched: {why}")]
    Mail { place: Place, why: String },
}

/// A mailbox's door: the only four things we ever ask of it.
///
/// Any error drops the connection inside; the next call connects anew. No call may be cancelled by dropping
/// its future and then be followed by another on the same connection: implementations drop the connection
/// in that case.
pub trait Source: Send {
    fn name(&self) -> &MailboxName;

    /// Lists at most `most` mails that are not yet taken, oldest first.
    fn list(&mut self, known: Known, most: usize) -> impl Future<Output = Result<Listing, SourceError>> + Send;

    /// Fetches mails of the last listing, in its order, without marking them (`BODY.PEEK[]`, RFC 9051 §6.4.5). Gives
    /// the first of them only, and one at least, where they are larger than was said.
    fn fetch(&mut self, mails: &[Listed]) -> impl Future<Output = Result<Vec<(Place, Fetched)>, SourceError>> + Send;

    /// Flags or moves mails whose decision is on disk. Doing it twice is harmless.
    fn settle(&mut self, places: &[Place]) -> impl Future<Output = Result<(), SourceError>> + Send;

    /// Returns when there may be new mail, at the latest after `longest`.
    fn wait(&mut self, longest: Duration) -> impl Future<Output = Result<(), SourceError>> + Send;
}
