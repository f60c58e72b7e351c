//! What conditions compare with.

use regex::Regex;

use super::judgement::{Evidence, Proof, Proofs};
use super::reason::Reason;
use super::segment::Segment;
use crate::fold::fold;

/// What is asked of a value. Texts are folded.
#[derive(Debug)]
pub(super) enum Test {
    Present(bool),
    Is(Vec<String>),
    Contains(Vec<String>),
    Matches(Regex),
}

#[derive(Debug)]
pub(super) enum DomainName {
    Exactly(String),
    /// Any host below it, `*.example.com`; kept with its leading dot.
    Below(String),
}

/// `>=3`, `<2`, `=1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Comparison {
    pub(super) relation: Relation,
    pub(super) number: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

/// What speaks for the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Dkim,
    Spf,
    Dmarc,
    /// All of it together.
    From,
}

impl Method {
    pub(super) const ALL: [Method; 4] = [Method::Dkim, Method::Spf, Method::Dmarc, Method::From];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Method::Dkim => "dkim",
            Method::Spf => "spf",
            Method::Dmarc => "dmarc",
            Method::From => "from",
        }
    }

    pub(super) fn of(self, proofs: &Proofs) -> Proof {
        match self {
            Method::Dkim => proofs.dkim,
            Method::Spf => proofs.spf,
            Method::Dmarc => proofs.dmarc,
            Method::From => proofs.from,
        }
    }
}

impl Test {
    pub(super) fn holds(&self, value: Option<&str>) -> bool {
        match (self, value) {
            (Test::Present(wanted), value) => value.is_some() == *wanted,
            (_, None) => false,
            (Test::Is(texts), Some(value)) => texts.iter().any(|text| *text == fold(value).text().trim()),
            (Test::Contains(texts), Some(value)) => {
                let folded = fold(value);
                texts.iter().any(|text| folded.text().contains(text.as_str()))
            }
            (Test::Matches(regex), Some(value)) => regex.is_match(fold(value).text()),
        }
    }
}

/// Does any value of the header field stand the test?
pub(super) fn header_holds<'v>(test: &Test, values: impl Iterator<Item = &'v str>, reason: &mut Reason) -> bool {
    let mut holds = matches!(test, Test::Present(false));
    for value in values {
        if matches!(test, Test::Present(false)) {
            return false;
        }
        if test.holds(Some(value)) {
            holds = true;
            let mut range = 0..value.len();
            if let Test::Matches(regex) = test {
                let folded = fold(value);
                if let Some(captures) = regex.captures(folded.text()) {
                    range = folded.original(captures.get_match().range());
                    reason.capture(regex, &captures, value, &folded);
                }
            }
            reason.evidence.push(Evidence { segment: Segment::Headers, text: value[range.clone()].to_owned(), range });
        }
    }
    holds
}

impl DomainName {
    pub(super) fn matches(&self, domain: &str) -> bool {
        match self {
            DomainName::Exactly(name) => domain == name,
            DomainName::Below(suffix) => domain.ends_with(suffix.as_str()),
        }
    }
}

impl Comparison {
    pub(super) fn parse(text: &str) -> Option<Comparison> {
        Comparison::parse_with(text, |number| number.parse().ok())
    }

    pub(super) fn parse_with(text: &str, number: impl Fn(&str) -> Option<f64>) -> Option<Comparison> {
        let relations = [
            (">=", Relation::AtLeast),
            ("<=", Relation::AtMost),
            (">", Relation::More),
            ("<", Relation::Less),
            ("=", Relation::Equal),
            ("", Relation::Equal),
        ];
        let (sign, relation) = relations.into_iter().find(|(sign, _)| text.starts_with(sign))?;
        let number = number(text[sign.len()..].trim())?;
        number.is_finite().then_some(Comparison { relation, number })
    }

    pub(super) fn holds(self, value: f64) -> bool {
        match self.relation {
            Relation::Less => value < self.number,
            Relation::AtMost => value <= self.number,
            Relation::Equal => value == self.number,
            Relation::AtLeast => value >= self.number,
            Relation::More => value > self.number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_is_a_relation_and_a_number() {
        for (text, value, want) in [
            (">=3", 3.0, true),
            (">= 3", 2.0, false),
            (">3", 3.0, false),
            ("<2", 1.0, true),
            ("<=2", 2.0, true),
            ("=1", 1.0, true),
            ("2", 2.0, true),
            ("2.5", 2.0, false),
        ] {
            assert_eq!(Comparison::parse(text).unwrap().holds(value), want, "{text} {value}");
        }
        for bad in ["", ">=", "x", "=>3", ">=nan"] {
            assert!(Comparison::parse(bad).is_none(), "{bad}");
        }
    }
}
