//! A text ready to be put into a mail.

use super::clean::{Block, Line};
use crate::language::Language;

/// Characters of a subject. lettre folds only at blanks, so this also keeps a line of one long word short
/// (RFC 5322 §2.1.1).
pub(super) const MAX_SUBJECT: usize = 200;

/// What a template became: subject, body, and the language they are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    subject: Line,
    body: Block,
    /// The language of the text itself: where a variant was missing, not the one that was asked for.
    language: Language,
}

impl Written {
    pub fn new(subject: &str, body: &str, language: Language) -> Written {
        Written { subject: Line::new(subject, MAX_SUBJECT), body: Block::new(body), language }
    }

    pub fn subject(&self) -> &str {
        self.subject.as_str()
    }

    pub fn body(&self) -> &str {
        self.body.as_str()
    }

    pub fn language(&self) -> Language {
        self.language
    }
}
