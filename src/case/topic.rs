//! By what a mail about the same matter is known again when nothing else names the case.

use std::fmt;

use crate::ids::MailHash;

/// A fingerprint of a subject without what mail programs put before it. A few bits are enough: it is only ever compared
/// with the subjects of one requester's own cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic(u64);

impl Topic {
    /// None where the subject says nothing.
    pub fn of(base_subject: &str) -> Option<Topic> {
        let hash = MailHash::of(base_subject.as_bytes());
        let first = hash.as_bytes().first_chunk::<8>()?;
        (!base_subject.is_empty()).then_some(Topic(u64::from_be_bytes(*first)))
    }

    /// Reads the digits that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Topic> {
        (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok().map(Topic))?
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_read_back_and_an_empty_subject_is_none() {
        let topic = Topic::of("退信").unwrap();
        assert_eq!(Topic::parse(&topic.to_string()), Some(topic));
        assert_ne!(Topic::of("退信1"), Some(topic));
        assert_eq!(Topic::of(""), None);
        for wrong in ["", "12", "xxxxxxxxxxxxxxxx", "é0000000000000"] {
            assert_eq!(Topic::parse(wrong), None, "{wrong}");
        }
    }
}
