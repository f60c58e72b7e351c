//! What was written in a case, as agents are shown it again when a further mail comes.

use crate::address::Address;
use crate::time::Timestamp;

/// One thing that was written, with its secrets masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    pub at: Timestamp,
    pub by: Speaker,
    pub text: String,
}

/// Who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speaker {
    Requester,
    /// An automatic answer.
    Bot,
    /// An agent, to the requester.
    Agent(Address),
    /// An agent, to colleagues.
    Note(Address),
    /// Somebody who is neither.
    Other(Address),
}
