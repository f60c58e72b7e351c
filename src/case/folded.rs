//! A mail of which agents are told in a digest, since they were sent too many one by one.

use crate::address::Address;
use crate::ids::{CaseNumber, MailHash};
use crate::time::Timestamp;

/// What the digest says of it. The mail itself is in the archive, and in its case like any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// Who would have been sent it.
    pub to: Vec<Address>,
    pub case: CaseNumber,
    pub mail: MailHash,
    pub at: Timestamp,
    pub from: Option<Address>,
    /// The beginning of its subject.
    pub subject: String,
}
