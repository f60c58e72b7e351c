//! An attachment: what is said about it, never what is in it. Nothing is unpacked, nothing fetched.

/// A part that is not the text of the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// A file name that is safe to show and to store (RFC 2183 §2.3); may be empty.
    pub name: String,
    /// The declared media type in lower case.
    pub media_type: String,
    /// Octets after decoding.
    pub size: usize,
}
