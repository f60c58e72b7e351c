//! The IMAP door: a mailbox on a server, as a [`Source`](crate::mailbox::Source).
//!
//! From the outside in: `settings` is what an admin chose; `source` is the four things we ask of a mailbox,
//! done in `look`, `fetch` and `settle`; `session` runs one command at a time and believes no answer but a tagged `OK`; `login` comes before it,
//! line by line, from TCP to the name and password; `wire` and `gauge` are the octets, counted before anyone
//! buffers them; `uids`, `encode` and `backoff` are pure.
//!
//! Nothing that a stranger wrote is ever part of a command: mails are named by UID alone, and all other
//! words come from bot.toml.

mod backoff;
mod encode;
mod error;
mod fetch;
mod gauge;
mod login;
mod look;
// For tests and the fuzzer, which are built with debug assertions.
#[cfg(debug_assertions)]
pub mod rehearsal;
mod session;
mod settings;
mod settle;
mod source;
mod uids;
mod wire;

pub use backoff::Pace;
pub use settings::{AfterCommit, Auth, LIVELY, MAX_POLL, Patience, Secret, Settings, SettingsError, Tls};
pub use source::ImapSource;
