//! What opening the store found and did.

use std::fmt;

use super::Torn;

/// What opening the store found and did, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The folder was new.
    pub first: bool,
    /// What a crash left half-written in the journal.
    pub torn: Option<Torn>,
    /// Why the state was built anew, if it was.
    pub rebuilt: Option<String>,
    /// Records that the state had not seen yet.
    pub replayed: u64,
    /// Mails whose sending had begun, with an unknown end.
    pub in_doubt: usize,
}

/// A few words for the log.
impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.first { "new store" } else { "store opened" })?;
        if let Some(torn) = &self.torn {
            write!(
                f,
                "; {} octets that a crash left unfinished at position {} were cut off and kept in {}",
                torn.octets,
                torn.position.0,
                torn.kept.display()
            )?;
        }
        match &self.rebuilt {
            Some(why) => write!(f, "; state rebuilt from {} records: {why}", self.replayed)?,
            None if self.replayed > 0 => write!(f, "; {} records replayed", self.replayed)?,
            None => {}
        }
        if self.in_doubt > 0 {
            write!(f, "; {} mails in doubt", self.in_doubt)?;
        }
        Ok(())
    }
}
