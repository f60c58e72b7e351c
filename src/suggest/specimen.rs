//! Examples that become tests beside a rule.
//!
//! Three that the rule answers, from the clearest to the narrowest, and one that looks like its category and
//! is not. A test is read by people and stays in a file: so examples are short, of one line, and without what
//! looks like an address or a number of somebody's.

use super::{Example, Judged, Suggestion};

/// One test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specimen {
    pub text: String,
    /// The rule answers it, or leaves it alone.
    pub own: bool,
}

/// Characters of a text that is read at a glance.
const SHORT: std::ops::RangeInclusive<usize> = 6..=160;
/// Digits in a row that may be a number of somebody's.
const MANY_DIGITS: usize = 5;

/// Can it be a test?
pub fn is_fit(text: &str) -> bool {
    let digits = text.split(|c: char| !c.is_numeric()).map(|run| run.chars().count()).max().unwrap_or(0);
    SHORT.contains(&text.chars().count())
        && text.trim() == text
        && !text.contains(|c: char| c.is_control() || c == '@')
        && digits < MANY_DIGITS
}

/// The tests of one rule. `judged` are examples, judged by all suggested rules.
pub fn specimens(suggestion: &Suggestion, judged: &[(&Example, Judged)], threshold: f64) -> Vec<Specimen> {
    let score = |one: &Judged| one.score_of(&suggestion.category);
    let own = |one: &Judged| one.wanted.as_deref() == Some(suggestion.category.as_str());
    let mut answered: Vec<(f64, &Example)> = judged
        .iter()
        .filter(|(_, one)| own(one) && one.won.as_ref() == Some(&suggestion.category))
        .map(|(example, one)| (score(one), *example))
        .collect();
    answered.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut places = vec![0, answered.len() / 2, answered.len().saturating_sub(1)];
    places.dedup();
    let mut specimens: Vec<Specimen> = places
        .into_iter()
        .filter_map(|place| answered.get(place))
        .map(|(_, example)| Specimen { text: example.text.clone(), own: true })
        .collect();
    let near = judged.iter().filter(|(_, one)| !own(one) && (0.0..threshold).contains(&score(one)));
    let nearest = near.max_by(|a, b| score(&a.1).total_cmp(&score(&b.1)));
    specimens.extend(nearest.map(|(example, _)| Specimen { text: example.text.clone(), own: false }));
    specimens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_or_may_be_somebodys_is_no_test() {
        for (text, want) in [
            ("where is my card", true),
            ("退信怎么办？请帮忙", true),
            ("ok", false),
            ("call me at 13800138000", false),
            ("write to me@example.org", false),
            ("two\nlines of text", false),
            (" leading blank", false),
        ] {
            assert_eq!(is_fit(text), want, "{text}");
        }
        assert!(!is_fit(&"long ".repeat(40)));
    }
}
