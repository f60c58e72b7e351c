//! The limits of reading, each with its reason.

/// How much of a mail is looked at. What lies beyond a limit is left out and recorded as a defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Header fields kept; a mail with more is made to be slow.
    pub fields: usize,
    /// Identifiers kept from References, the first and the newest.
    pub references: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            fields: 2_000,
            references: 100,
        }
    }
}
