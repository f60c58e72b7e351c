//! What was wrong with a mail that we read anyway.

/// A defect with a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Defect {
    /// There is no header at all: not a mail.
    NoHeader,
    /// There is no From, or nothing in it.
    NoFrom,
    /// A field that may stand once stands twice (RFC 5322 §3.6): From, Sender, Date, Subject, Message-ID, ….
    DuplicateField,
}

impl Defect {
    pub fn code(self) -> &'static str {
        match self {
            Defect::NoHeader => "no-header",
            Defect::NoFrom => "no-from",
            Defect::DuplicateField => "duplicate-field",
        }
    }
}
