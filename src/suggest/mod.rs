//! Which rules would labelled mail want?
//!
//! [`Learner`] takes texts that people have sorted, finds for each category the few keywords that tell it from
//! the others (`feature`, `select`), and gives each its points (`fit`). `write` makes a rules file of them that
//! an admin can read, correct and let loose, with tests from the examples; `gauge` says how far to trust it,
//! by judging texts through the rules themselves. All of it is a function of values: same examples, same rules.
//! docs/suggest.md tells an admin what to do with it.
//!
//! Examples come out of tables (`labelled`). Mail that agents have sorted is the same to the learner: a text
//! and a label.

mod labelled;
mod feature;
mod fit;
mod select;
mod gauge;
mod specimen;
mod write;

pub use gauge::{Aim, Bar, Figures, Judge, Judged, confusions, figures, tune};
pub use labelled::{Columns, TableError, read_table};
pub use specimen::{Specimen, is_fit, specimens};
pub use write::{FileNotes, rules_file};

use std::collections::{BTreeMap, BTreeSet};

use feature::Features;
use fit::{Fit, Truth};

use crate::ids::CategoryId;
use crate::rules::{Segment, UNCLASSIFIED};

/// A text that somebody has sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    pub label: String,
    pub text: String,
}

/// What is wanted of the rules.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Keywords of a category, at most.
    pub weights: usize,
    /// The label of texts that are about none of the categories.
    pub out_of_scope: Option<String>,
}

/// Has learnt from examples.
pub struct Learner {
    fit: Fit,
    categories: Vec<Named>,
    too_few: Vec<(String, usize)>,
}

struct Named {
    label: String,
    id: CategoryId,
    examples: usize,
}

/// A rule for one category, to be looked at by a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// As in the examples.
    pub label: String,
    pub category: CategoryId,
    /// How many examples it was learnt from.
    pub examples: usize,
    /// Keywords with their points, the highest first.
    pub keywords: Vec<(String, f64)>,
}

impl Suggestion {
    /// The id of its rule.
    pub fn rule_name(&self) -> String {
        format!("suggest.{}", self.category)
    }

    /// The points of a text whose subject has all that speaks for the category.
    pub fn reach(&self) -> f64 {
        self.keywords.iter().map(|(_, points)| points.max(0.0)).sum::<f64>() * Segment::Subject.factor()
    }
}

/// Why nothing was learnt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LearnError {
    #[error("there are fewer than two categories with more than {TOO_FEW} examples")]
    NothingToTellApart,
    #[error("{texts} texts in {categories} categories are more than can be learnt at once; give fewer texts")]
    TooLarge { texts: usize, categories: usize },
}

/// From so few examples a rule would learn their accidents.
pub const TOO_FEW: usize = 10;
/// Keywords of a category that a person can still read through.
pub const USUAL_WEIGHTS: usize = 32;
/// Texts times categories: four octets each are kept.
const MAX_CELLS: usize = 250_000_000;
/// Texts that must have a keyword: what only one has tells nothing about the next.
const LEAST: usize = 2;
/// Among more texts, one more in so many.
const LEAST_STEP: usize = 10_000;
/// One example in so many is held out to judge by.
const HELD_OUT: usize = 10;
/// Up to so many examples, a tenth would tell too little: they are held out in turn.
const FEW: usize = 5_000;
const FOLDS: usize = 5;
/// Points are written to a quarter.
const UNIT: f64 = 0.25;

impl Learner {
    /// `refused` are texts that are not about what their label says, whatever they are about.
    pub fn learn<'e>(
        examples: impl IntoIterator<Item = &'e Example>,
        refused: &[Example],
        wish: &Wish,
    ) -> Result<Learner, LearnError> {
        let examples: Vec<&Example> = examples.into_iter().collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for example in &examples {
            if Some(&example.label) != wish.out_of_scope.as_ref() {
                *counts.entry(&example.label).or_default() += 1;
            }
        }
        let (enough, too_few): (Vec<_>, Vec<_>) = counts.into_iter().partition(|(_, count)| *count > TOO_FEW);
        if enough.len() < 2 {
            return Err(LearnError::NothingToTellApart);
        }
        let place = |label: &str| enough.binary_search_by_key(&label, |(known, _)| known).ok();
        let refused = refused.iter().filter_map(|one| Some((Truth::IsNot(place(&one.label)? as u32), one)));
        // What a category with too few examples is about, none of the others is.
        let truth = |label: &str| place(label).map_or(Truth::Neither, |place| Truth::Is(place as u32));
        let known = examples.iter().map(|example| (truth(&example.label), *example));
        let (wanted, texts): (Vec<Truth>, Vec<&str>) =
            known.chain(refused).map(|(truth, example)| (truth, example.text.as_str())).unzip();
        if texts.len().saturating_mul(enough.len()) > MAX_CELLS {
            return Err(LearnError::TooLarge { texts: texts.len(), categories: enough.len() });
        }
        let least = LEAST + texts.len() / LEAST_STEP / 2;
        let features = Features::of(texts.into_iter(), least);
        let mut fit = Fit::new(features, wanted, enough.len());
        fit.select(wish.weights.max(1));
        let ids = ids(enough.iter().map(|(label, _)| *label));
        let categories = enough.into_iter().zip(ids);
        let categories =
            categories.map(|((label, examples), id)| Named { label: label.to_owned(), id, examples }).collect();
        let too_few = too_few.into_iter().map(|(label, count)| (label.to_owned(), count)).collect();
        Ok(Learner { fit, categories, too_few })
    }

    /// Labels with so few examples that nothing is suggested for them, and how many there are.
    pub fn too_few(&self) -> &[(String, usize)] {
        &self.too_few
    }

    /// Every weight times `scale`, as they were fitted.
    pub fn exact(&self, scale: f64) -> Vec<Suggestion> {
        let suggestions = self.categories.iter().zip(&self.fit.chosen).map(|(category, chosen)| {
            let keywords = chosen.iter().map(|chosen| {
                let name = self.fit.features.names[chosen.feature as usize].clone();
                (name, f64::from(chosen.weight) * scale)
            });
            let mut keywords: Vec<(String, f64)> = keywords.collect();
            keywords.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            Suggestion {
                label: category.label.clone(),
                category: category.id.clone(),
                examples: category.examples,
                keywords,
            }
        });
        suggestions.collect()
    }

    /// Every weight times `scale`, in quarters of a point, which they are from now on.
    pub fn rounded(&mut self, scale: f64) -> Vec<Suggestion> {
        self.fit.round((UNIT / scale) as f32);
        let mut suggestions = self.exact(scale);
        for (_, points) in suggestions.iter_mut().flat_map(|suggestion| &mut suggestion.keywords) {
            *points = (*points / UNIT).round() * UNIT;
        }
        suggestions
    }
}

/// Examples to learn from, and those held out to judge by.
pub type Split<'e> = (Vec<&'e Example>, Vec<&'e Example>);

/// A tenth is held out; of few examples each fifth once, so that all have been judged by rules that do not know
/// them.
pub fn splits(examples: &[Example]) -> Vec<Split<'_>> {
    match examples.len() <= FEW {
        true => (0..FOLDS).map(|fold| hold_out(examples, fold, FOLDS)).collect(),
        false => vec![hold_out(examples, HELD_OUT - 1, HELD_OUT)],
    }
}

/// One in so many of each label is held out.
fn hold_out(examples: &[Example], fold: usize, of: usize) -> Split<'_> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    examples.iter().partition(|example| {
        let seen = seen.entry(&example.label).or_default();
        *seen += 1;
        (*seen - 1) % of != fold
    })
}

/// A name for each label, all different: `Refund not shown?` is `refund-not-shown`. A label of which no
/// letter can stand in a name gets a number, and `other` is not for a category that rules speak for.
fn ids<'l>(labels: impl Iterator<Item = &'l str>) -> Vec<CategoryId> {
    let mut taken: BTreeSet<CategoryId> = CategoryId::parse(UNCLASSIFIED).into_iter().collect();
    let mut ids = Vec::new();
    for (place, label) in labels.enumerate() {
        let mut name = String::new();
        for c in label.chars().map(|c| c.to_ascii_lowercase()) {
            match c {
                'a'..='z' | '0'..='9' => name.push(c),
                '.' | '_' | '/' if !name.is_empty() && !name.ends_with(c) => name.push(c),
                _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
                _ => {}
            }
        }
        name.truncate(MAX_STEM);
        let stem = name.trim_end_matches(['-', '.', '_', '/']);
        let stem = if stem.is_empty() { format!("category-{}", place + 1) } else { stem.to_owned() };
        let numbered = (2..).map(|number| format!("{stem}-{number}"));
        let free = std::iter::once(stem.clone()).chain(numbered).filter_map(|name| CategoryId::parse(&name).ok());
        if let Some(id) = free.into_iter().find(|id| !taken.contains(id)) {
            taken.insert(id.clone());
            ids.push(id);
        }
    }
    ids
}

/// Characters of a name made from a label: room is left for a number and for `suggest.`.
const MAX_STEM: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_examples_are_each_held_out_once_and_of_many_a_tenth() {
        let examples = |count: usize| -> Vec<Example> {
            (0..count).map(|n| Example { label: ["a", "b"][n % 2].into(), text: n.to_string() }).collect()
        };
        let few = examples(20);
        let splits_of_few = splits(&few);
        let mut held: Vec<&str> = splits_of_few.iter().flat_map(|(_, held)| held).map(|one| &*one.text).collect();
        held.sort_by_key(|text| text.parse::<usize>().unwrap());
        assert_eq!(held, few.iter().map(|one| &*one.text).collect::<Vec<_>>());
        assert!(splits_of_few.iter().all(|(learn, held)| learn.len() == 16 && held.len() == 4));
        let many = examples(6_000);
        let [(learn, held)] = &splits(&many)[..] else { panic!("one split") };
        assert_eq!((learn.len(), held.len()), (5_400, 600));
    }

    #[test]
    fn a_label_becomes_a_name() {
        let labels = ["card_arrival", "Refund not shown?", "refund-not-shown", "退信", "..", "A/B", "other"];
        let ids: Vec<String> = ids(labels.into_iter()).iter().map(CategoryId::to_string).collect();
        let want =
            ["card_arrival", "refund-not-shown", "refund-not-shown-2", "category-4", "category-5", "a/b", "other-2"];
        assert_eq!(ids, want);
    }
}
