//! Names of things: Message-IDs, case numbers, tokens, the keyed proofs inside them, the hash a mail is kept under,
//! an operator's request.

mod case_number;
mod key;
mod loop_mark;
mod message_id;
mod names;
mod request_id;
mod token;

pub use case_number::CaseNumber;
pub use key::{Key, Proof};
pub use loop_mark::{is_own_loop_mark, loop_mark};
pub use message_id::{MAX_MESSAGE_ID, MessageId};
pub use names::{CategoryId, GroupId, MailboxName, NameError, RuleId, TemplateName};
pub use request_id::RequestId;
pub use token::{Right, Token, TokenFault};

use std::fmt;

use sha2::{Digest, Sha256};

/// The SHA-256 of a mail's bytes as taken from the mailbox: the name of its file in the archive and what
/// makes a mail *the same mail* under another UID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailHash([u8; 32]);

impl MailHash {
    pub fn of(bytes: &[u8]) -> MailHash {
        MailHash(Sha256::digest(bytes).into())
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads the 64 hexadecimal digits that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<MailHash> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
        }
        Some(MailHash(bytes))
    }

    /// The first ten digits: enough for a person and a log line.
    pub fn short(&self) -> String {
        self.to_string()[..10].to_owned()
    }
}

impl fmt::Display for MailHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for MailHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.short())
    }
}

/// The SHA-256 of a file's octets: by it a virus or a leaked document is looked up elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileHash([u8; 32]);

impl FileHash {
    pub fn of(octets: &[u8]) -> FileHash {
        FileHash(Sha256::digest(octets).into())
    }
}

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The digits of Crockford's base32: no I, L, O or U, so that a number survives the telephone.
pub(crate) const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_back() {
        let hash = MailHash::of(b"x");
        assert_eq!(MailHash::parse(&hash.to_string()), Some(hash));
        assert_eq!(MailHash::parse("12"), None);
        assert_eq!(MailHash::parse(&"é".repeat(32)), None);
    }
}
