//! A condition in words: what it looks for, and where, for whoever asks why a rule held or did not.

use super::Rules;
use super::attachment::AttachmentTest;
use super::code::CodePattern;
use super::condition::{Condition, When};
use super::judgement::Proof;
use super::operand::{Comparison, DomainName, Method, Relation, Test};
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
            Condition::Attachment(test) => tell_attachment(test),
            Condition::RecipientTag(tags) => format!("a mail to the subaddress {}", listed(tags, Clone::clone)),
            Condition::Tier(tiers) => format!("a customer of the tier {}", listed(tiers, Clone::clone)),
            Condition::Age(comparison) => format!("seconds since the case began {}", tell_comparison(*comparison)),
            Condition::OpenCases(comparison) => format!("other open cases {}", tell_comparison(*comparison)),
            Condition::Auth(wanted) => {
                let tell = |(method, proof): &(Method, Proof)| format!("{}:{}", method.as_str(), proof.as_str());
                format!("the proof {}", listed(wanted, tell))
            }
            Condition::Code(code) => format!("the code {}", listed(&code.patterns, tell_code)),
            Condition::Sequence(sequence) => {
                let steps: Vec<String> = sequence.steps.iter().map(|step| self.tell_words(step)).collect();
                format!("{}, each within {} characters", steps.join(" and then "), sequence.within)
            }
            Condition::Secret(secret) => {
                format!("a secret: {}", listed(&secret.kinds, |kind| kind.as_str().to_owned()))
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

fn tell_attachment(test: &AttachmentTest) -> String {
    let mut told = vec!["attachments".to_owned()];
    if !test.extensions.is_empty() {
        told.push(format!("named {}", listed(&test.extensions, |extension| format!("*.{extension}"))));
    }
    if !test.types.is_empty() {
        told.push(format!("of the type {}", listed(&test.types, Clone::clone)));
    }
    told.extend(test.name.iter().map(|name| format!("whose name matches `{}`", name.as_str())));
    if test.at_least > 0.0 || test.at_most.is_finite() {
        told.push(format!("of {} to {} octets", test.at_least, test.at_most));
    }
    told.push(tell_comparison(test.count));
    told.join(" ")
}

/// `55x`, `5.7.x`.
fn tell_code(code: &CodePattern) -> String {
    match code {
        CodePattern::Basic(digits) => digits.iter().map(|digit| digit.map_or("x".into(), |d| d.to_string())).collect(),
        CodePattern::Enhanced(numbers) => {
            let told = numbers.iter().map(|number| number.map_or("x".to_owned(), |n| n.to_string()));
            told.collect::<Vec<_>>().join(".")
        }
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
