//! How far suggested rules can be trusted: labelled texts, judged by the rules as they would judge mail.
//!
//! A text whose score is too low or whose lead too narrow is left to a human, which is the cheap error. So two
//! figures count: how many of the answered are right, and how many of those that are about nothing known are
//! left alone.

use std::collections::BTreeMap;

use super::Example;
use crate::ids::CategoryId;
use crate::language::Language;
use crate::message::Message;
use crate::rules::{Input, Rules};
use crate::time::Timestamp;

/// Judges texts by rules.
pub struct Judge<'r> {
    rules: &'r Rules,
    mail: Message,
}

/// How one labelled text was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// None: it is about none of the categories.
    pub wanted: Option<String>,
    /// All categories with points, the highest first.
    pub scores: Vec<(CategoryId, f64)>,
    /// The category that won, where the threshold and the margin of the rules let it.
    pub won: Option<CategoryId>,
}

/// What a category needs to win.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    pub threshold: f64,
    /// Over the second best, if that one has any points.
    pub margin: f64,
}

/// What is wanted of answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aim {
    /// Of the answered, so many right.
    pub precision: f64,
    /// Of those about none of the categories, so many left alone.
    pub left_alone: f64,
}

/// How a set of texts was judged.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// Texts about one of the categories, and those whose best score is the right one's.
    pub in_scope: usize,
    pub right: usize,
    /// Of those in scope: a category won, and it was the right one.
    pub answered: usize,
    pub answered_right: usize,
    /// Texts about none of the categories, and those that none won.
    pub out_of_scope: usize,
    pub left_alone: usize,
}

/// Noon of an ordinary day: suggested rules look at no clock.
const SOME_TIME: i64 = 1_767_767_400;
/// Steps in which a threshold and a margin are tried.
const STEP: f64 = 0.25;
/// Widest margin that is tried, in thresholds; it is the usual one. A wider lead would stand in for a high score,
/// and what nobody has thought of leads by as much as it has points.
const MAX_MARGIN: f64 = 0.3;
/// How sure to be that what holds for the texts at hand holds for the next: one-sided 95 %.
const SURE: f64 = 1.645;

impl<'r> Judge<'r> {
    /// `mail` is any mail; its text is replaced.
    pub fn new(rules: &'r Rules, mail: Message) -> Judge<'r> {
        Judge { rules, mail }
    }

    /// The label is wanted as the category it stands for, or as it is.
    pub fn judge(&mut self, example: &Example, category: Option<&CategoryId>, out_of_scope: Option<&str>) -> Judged {
        let wanted = category.map_or(example.label.clone(), CategoryId::to_string);
        self.mail.subject.clear();
        self.mail.segments.fresh.clone_from(&example.text);
        let now = Timestamp::from_second(SOME_TIME).unwrap_or_default();
        let judgement = self.rules.judge(&Input::first(&self.mail, Language::En, now));
        Judged {
            wanted: (out_of_scope != Some(&example.label)).then_some(wanted),
            scores: judgement.scores.into_iter().map(|score| (score.category, score.score)).collect(),
            won: judgement.category.map(|won| won.category),
        }
    }
}

impl Judged {
    /// The category with the most points, whether they are enough or not.
    pub fn best(&self) -> Option<&CategoryId> {
        self.scores.first().filter(|best| best.1 > 0.0).map(|best| &best.0)
    }

    pub fn score_of(&self, category: &CategoryId) -> f64 {
        self.scores.iter().find(|score| score.0 == *category).map_or(0.0, |score| score.1)
    }

    /// As rules would have judged it whose categories all have this bar.
    pub fn under(mut self, bar: Bar) -> Judged {
        let (score, lead) = self.score_and_lead();
        let wins = score >= bar.threshold && lead >= bar.margin;
        self.won = self.best().filter(|_| wins).cloned();
        self
    }

    fn is_right(&self, category: Option<&CategoryId>) -> bool {
        category.is_some_and(|category| self.wanted.as_deref() == Some(category.as_str()))
    }

    /// The best score and its lead; as the rules do it, a runner-up without points is none.
    fn score_and_lead(&self) -> (f64, f64) {
        let score = |place: usize| self.scores.get(place).map_or(0.0, |score| score.1);
        let lead = if score(1) > 0.0 { score(0) - score(1) } else { f64::INFINITY };
        (score(0), lead)
    }
}

impl Figures {
    pub fn accuracy(&self) -> f64 {
        share(self.right, self.in_scope)
    }

    pub fn answered_share(&self) -> f64 {
        share(self.answered, self.in_scope)
    }

    pub fn precision(&self) -> f64 {
        share(self.answered_right, self.answered)
    }

    pub fn left_alone_share(&self) -> f64 {
        share(self.left_alone, self.out_of_scope)
    }
}

/// What the rules made of the texts, with the thresholds and margins they have.
pub fn figures<'j>(judged: impl IntoIterator<Item = &'j Judged>) -> Figures {
    let mut figures = Figures::default();
    for one in judged {
        figures.add(one, one.won.is_some());
    }
    figures
}

impl Figures {
    fn add(&mut self, judged: &Judged, answered: bool) {
        if judged.wanted.is_none() {
            self.out_of_scope += 1;
            self.left_alone += usize::from(!answered);
            return;
        }
        let right = judged.is_right(judged.best());
        self.in_scope += 1;
        self.right += usize::from(right);
        self.answered += usize::from(answered);
        self.answered_right += usize::from(answered && right);
    }
}

/// The bar under which most is answered, of those under which the aim is met and, these texts being some out of
/// many, can be trusted to be met by others. None: no bar is known to do it.
pub fn tune(judged: &[Judged], aim: Aim) -> Option<Bar> {
    let places: Vec<(f64, f64)> = judged.iter().map(Judged::score_and_lead).collect();
    let highest = places.iter().map(|place| place.0).fold(0.0, f64::max);
    let mut best: Option<(usize, Bar)> = None;
    for threshold in steps(STEP, highest) {
        for margin in steps(0.0, threshold * MAX_MARGIN) {
            let mut figures = Figures::default();
            for (judged, (score, lead)) in judged.iter().zip(&places) {
                figures.add(judged, *score >= threshold && *lead >= margin);
            }
            let met = surely(figures.answered_right, figures.answered) >= aim.precision
                && (figures.out_of_scope == 0 || surely(figures.left_alone, figures.out_of_scope) >= aim.left_alone);
            if met && best.is_none_or(|(most, _)| figures.answered_right > most) {
                best = Some((figures.answered_right, Bar { threshold, margin }));
            }
        }
    }
    best.map(|(_, bar)| bar)
}

/// What was taken for what, the most frequent first: wanted, got, how often.
pub fn confusions<'j>(judged: impl IntoIterator<Item = &'j Judged>) -> Vec<(String, CategoryId, usize)> {
    let mut counts: BTreeMap<(&str, &CategoryId), usize> = BTreeMap::new();
    for one in judged {
        if let (Some(wanted), Some(got)) = (&one.wanted, one.best())
            && wanted != got.as_str()
        {
            *counts.entry((wanted, got)).or_default() += 1;
        }
    }
    let counts = counts.into_iter().map(|((wanted, got), count)| (wanted.to_owned(), got.clone(), count));
    let mut counts: Vec<_> = counts.collect();
    counts.sort_by_key(|count| std::cmp::Reverse(count.2));
    counts
}

fn steps(from: f64, to: f64) -> impl Iterator<Item = f64> {
    (0..).map(move |step| from + f64::from(step) * STEP).take_while(move |value| *value <= to)
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The share that, with the sureness wanted, the next texts do not fall below: Wilson's lower bound.
fn surely(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    let (n, p, z) = (whole as f64, share(part, whole), SURE);
    let centre = p + z * z / (2.0 * n);
    let spread = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    (centre - spread) / (1.0 + z * z / n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(wanted: Option<&str>, scores: &[(&str, f64)]) -> Judged {
        let scores = scores.iter().map(|(category, score)| (CategoryId::parse(category).unwrap(), *score));
        Judged { wanted: wanted.map(str::to_owned), scores: scores.collect(), won: None }
    }

    #[test]
    fn few_texts_make_less_sure_than_many() {
        for (part, whole, want) in [(94, 100, 0.8883), (940, 1000, 0.9264), (0, 0, 0.0), (5, 5, 0.6488)] {
            assert!((surely(part, whole) - want).abs() < 1e-3, "{part}/{whole}: {}", surely(part, whole));
        }
    }

    #[test]
    fn the_bar_is_as_low_as_the_aim_lets_it_be() {
        let mut texts = vec![judged(Some("a"), &[("a", 4.0), ("b", 1.0)]); 200];
        texts.extend(vec![judged(Some("a"), &[("b", 3.0), ("a", 2.75)]); 20]);
        texts.extend(vec![judged(None, &[("b", 2.0)]); 50]);
        let aim = Aim { precision: 0.95, left_alone: 0.9 };
        // What is out of scope has two points; what is wrong leads by a quarter.
        assert_eq!(tune(&texts, aim), Some(Bar { threshold: 2.25, margin: 0.5 }));
        texts.extend(vec![judged(None, &[("b", 9.0)]); 50]);
        assert_eq!(tune(&texts, aim), None);
        assert_eq!(confusions(&texts), [("a".to_owned(), CategoryId::parse("b").unwrap(), 20)]);
    }
}
