//! A header field as it came.

/// One header field (RFC 5322 §2.2): the name as written, the value unfolded, neither decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// Without line breaks; bytes that are not UTF-8 are replaced.
    pub value: String,
}
