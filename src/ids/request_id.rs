//! The name of an operator's request: by it the bot knows what it has done already.

use std::fmt;

/// Sixteen digits of time and sixteen drawn at random: requests sort by when they were made.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(String);

/// Characters of a name.
const LENGTH: usize = 33;

impl RequestId {
    /// `millisecond` since 1970.
    pub fn new(millisecond: i64, random: u64) -> RequestId {
        RequestId(format!("{millisecond:016x}-{random:016x}"))
    }

    /// Reads what [`fmt::Display`] writes; safe in a file name.
    pub fn parse(text: &str) -> Option<RequestId> {
        let digit = |c: char| c.is_ascii_digit() || matches!(c, 'a'..='f');
        let written = |(at, c): (usize, char)| if at == LENGTH / 2 { c == '-' } else { digit(c) };
        (text.len() == LENGTH && text.chars().enumerate().all(written)).then(|| RequestId(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_named_by_its_time_and_reads_back() {
        let (first, second) = (RequestId::new(1_800_000_000_000, u64::MAX), RequestId::new(1_800_000_000_001, 0));
        assert!(first < second);
        assert_eq!(RequestId::parse(first.as_str()), Some(first.clone()));
        for bad in ["", "..", &first.as_str()[1..], &first.as_str().replace('-', "/"), &first.as_str().to_uppercase()] {
            assert_eq!(RequestId::parse(bad), None, "{bad}");
        }
    }
}
