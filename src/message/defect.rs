//! What was wrong with a mail that we read anyway.

/// A defect with a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Defect {
    /// Only its beginning was taken: it is larger than the mailbox's limit.
    Cut,
    /// There is no header at all: not a mail.
    NoHeader,
    /// There is no From, or nothing in it.
    NoFrom,
    /// A field that may stand once stands twice (RFC 5322 §3.6): From, Sender, Date, Subject, Message-ID, ….
    DuplicateField,
    /// A Date that is no date.
    BrokenDate,
    /// A Message-ID, or an identifier in References, that could not be echoed safely.
    BrokenMessageId,
    /// A header field holds octets above 127 (RFC 5322 §2.2) that are not UTF-8 (RFC 6532 §3.2).
    RawHeader,
    /// The text holds octets above 127 and no charset says what they are; we guessed.
    UndeclaredCharset,
    /// The declared charset is unknown or plainly not the one the text is in; we guessed.
    WrongCharset,
    /// Octets that no charset explains; they became U+FFFD.
    BrokenCharset,
    /// The transfer encoding is unknown or broken (RFC 2045 §6).
    BrokenEncoding,
    /// A multipart without its boundary, a part cut short (RFC 2046 §5.1.1), or a `winmail.dat` that is damaged.
    BrokenStructure,
    /// More header than [`super::Limits::header_octets`] or [`super::Limits::fields`].
    HeaderTooLong,
    /// More people than [`super::Limits::addresses`] in one field.
    TooManyAddresses,
    /// Deeper than [`super::Limits::depth`], or encoded messages inside each other.
    TooDeep,
    /// More parts, or files in a `winmail.dat`, than [`super::Limits::parts`].
    TooManyParts,
    /// More text than [`super::Limits::text`], or in more lines than [`super::Limits::lines`].
    TextTooLong,
    /// More HTML than [`super::Limits::html`], or deeper than [`super::Limits::html_depth`].
    HtmlTooLong,
}

impl Defect {
    pub fn code(self) -> &'static str {
        match self {
            Defect::Cut => "cut",
            Defect::NoHeader => "no-header",
            Defect::NoFrom => "no-from",
            Defect::DuplicateField => "duplicate-field",
            Defect::BrokenDate => "broken-date",
            Defect::BrokenMessageId => "broken-message-id",
            Defect::RawHeader => "raw-header",
            Defect::UndeclaredCharset => "undeclared-charset",
            Defect::WrongCharset => "wrong-charset",
            Defect::BrokenCharset => "broken-charset",
            Defect::BrokenEncoding => "broken-encoding",
            Defect::BrokenStructure => "broken-structure",
            Defect::HeaderTooLong => "header-too-long",
            Defect::TooManyAddresses => "too-many-addresses",
            Defect::TooDeep => "too-deep",
            Defect::TooManyParts => "too-many-parts",
            Defect::TextTooLong => "text-too-long",
            Defect::HtmlTooLong => "html-too-long",
        }
    }
}

/// The defects of one mail, each once, in the order they were met.
#[derive(Debug, Default)]
pub(super) struct Defects(pub(super) Vec<Defect>);

impl Defects {
    pub(super) fn add(&mut self, defect: Defect) {
        if !self.0.contains(&defect) {
            self.0.push(defect);
        }
    }

    pub(super) fn add_if(&mut self, found: bool, defect: Defect) {
        if found {
            self.add(defect);
        }
    }
}
