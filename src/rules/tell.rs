//! A condition in words: what it looks for, and where, for whoever asks why a rule held or did not.

use super::Rules;
use super::condition::{Comparison, Condition, DomainName, Relation, Test, When};
use super::segment::Segments;
use super::vocabulary::Needle;

/// Words of a list that are told; who wrote the rule knows the others.
const MAX_TOLD: usize = 6;

impl Rules {
    /// What a condition looks for.
    pub(super) fn tell(&self, condition: &Condition) -> String {
        match condition {
            Condition::Words(words) => {
                let told = self.tell_words(&words.needles);
                match words.min {
                    1 => told,
                    min => format!("{min} of {told}"),
                }
            }
            Condition::Pattern(pattern) => format!("the regex `{}`", pattern.regex.as_str()),
            Condition::Header { name, test } => format!("the header field {name} {}", tell_test(test)),
            Condition::From(addresses) => format!("a mail from {}", listed(addresses, ToString::to_string)),
            Condition::FromDomain(domains) => format!("a sender at {}", listed(domains, tell_domain)),
            Condition::To(addresses) => format!("a mail to {}", listed(addresses, ToString::to_string)),
            Condition::Language(languages) => format!("the language {}", listed(languages, |l| l.as_str().to_owned())),
            Condition::Hours(hours) => format!("the hours {}", listed(hours, |hours| hours.as_str().to_owned())),
            Condition::Case(moments) => format!("a case that is {}", listed(moments, |m| m.as_str().to_owned())),
            Condition::Exchanges(comparison) => format!("mails in the case {}", tell_comparison(*comparison)),
            Condition::Answers(comparison) => format!("automatic replies in the case {}", tell_comparison(*comparison)),
            Condition::Attachment { extensions, count } => {
                let named = match extensions.is_empty() {
                    true => "any name".to_owned(),
                    false => listed(extensions, |extension| format!(".{extension}")),
                };
                format!("attachments with {named} {}", tell_comparison(*count))
            }
            Condition::Field { id, test } => format!("the field {id} {}", tell_test(test)),
            Condition::Category(patterns) => format!("the category {}", listed(patterns, Clone::clone)),
            Condition::Score(comparison) => format!("a best score {}", tell_comparison(*comparison)),
            Condition::Rule(index) => format!("what the rule {} looks for", self.rules[*index].id),
            Condition::Group(when) => self.tell_when(when),
        }
    }

    fn tell_when(&self, when: &When) -> String {
        let groups = [("all of", &when.all), ("any of", &when.any), ("none of", &when.none)];
        let told = groups.into_iter().filter(|(_, group)| !group.is_empty());
        let told = told.map(|(how, group)| {
            let parts: Vec<String> = group.iter().map(|condition| self.tell(condition)).collect();
            format!("{how} ({})", parts.join("; "))
        });
        told.collect::<Vec<_>>().join(" and ")
    }

    pub(super) fn tell_words(&self, needles: &[Needle]) -> String {
        let mut words: Vec<&str> = needles.iter().map(|needle| self.vocabulary.word(*needle)).collect();
        words.sort_unstable();
        listed(&words, |word| format!("“{word}”"))
    }
}

/// `subject, body`.
pub(super) fn tell_segments(segments: Segments) -> String {
    segments.iter().map(|segment| segment.as_str()).collect::<Vec<_>>().join(", ")
}

/// `a, b or c`, and how many more.
fn listed<T>(items: &[T], tell: impl Fn(&T) -> String) -> String {
    let told: Vec<String> = items.iter().take(MAX_TOLD).map(tell).collect();
    match (items.len().saturating_sub(MAX_TOLD), told.split_last()) {
        (0, Some((last, before))) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        (0, _) => told.concat(),
        (more, _) => format!("{} or {more} more", told.join(", ")),
    }
}

fn tell_test(test: &Test) -> String {
    match test {
        Test::Present(true) => "is there".into(),
        Test::Present(false) => "is not there".into(),
        Test::Is(texts) => format!("is {}", listed(texts, |text| format!("“{text}”"))),
        Test::Contains(texts) => format!("contains {}", listed(texts, |text| format!("“{text}”"))),
        Test::Matches(regex) => format!("matches `{}`", regex.as_str()),
    }
}

fn tell_domain(domain: &DomainName) -> String {
    match domain {
        DomainName::Exactly(name) => name.clone(),
        DomainName::Below(suffix) => format!("*{suffix}"),
    }
}

fn tell_comparison(comparison: Comparison) -> String {
    let relation = match comparison.relation {
        Relation::Less => "<",
        Relation::AtMost => "<=",
        Relation::Equal => "=",
        Relation::AtLeast => ">=",
        Relation::More => ">",
    };
    format!("{relation} {}", comparison.number)
}
