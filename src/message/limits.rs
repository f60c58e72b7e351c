//! The limits of reading, each with its reason.

/// How much of a mail is looked at. What lies beyond a limit is left out and recorded as a defect; the mail is
/// read all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the header block. Postfix accepts 100 KB; ten times that is no mail program's work.
    pub header_octets: usize,
    /// Header fields kept; a mail with more is made to be slow.
    pub fields: usize,
    /// People kept from one kind of address field. Lists use one address; servers refuse far fewer.
    pub addresses: usize,
    /// Characters of a subject or a display name; nobody reads further and logs must stay readable.
    pub subject: usize,
    pub display_name: usize,
    /// Identifiers kept from References, the first and the newest.
    pub references: usize,
    /// Nesting of multiparts and messages. Real mail, forwarded ten times over, stays below 20; the largest
    /// value that is obeyed is [`Limits::MAX_DEPTH`].
    pub depth: usize,
    /// MIME parts. Postfix and Dovecot give up at 10,000.
    pub parts: usize,
    /// Octets of text kept after decoding: what rules are matched against must have an end.
    pub text: usize,
    /// Lines of text kept. A log of [`Limits::text`] octets has half as many; a mail with more is made to be slow, for
    /// each line is asked whose it is.
    pub lines: usize,
    /// Octets of HTML looked at, before it becomes text. Mail without pictures inside stays below it.
    pub html: usize,
    /// Nesting of HTML elements that is followed; deeper ones still give their text.
    pub html_depth: usize,
    /// Recipients kept from a delivery report.
    pub outcomes: usize,
}

impl Limits {
    /// The deepest nesting ever followed, whatever is configured (Postfix, Dovecot: 100).
    pub const MAX_DEPTH: usize = 100;
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            header_octets: 1 << 20,
            fields: 2_000,
            addresses: 500,
            subject: 1_000,
            display_name: 200,
            references: 100,
            depth: 20,
            parts: 1_000,
            text: 2 << 20,
            lines: 50_000,
            html: 512 << 10,
            html_depth: 256,
            outcomes: 200,
        }
    }
}
