//! `[rule.weigh]`: keywords, each with its points.
//!
//! A table of keywords is how much evidence speaks, of which none is enough: every keyword that stands in the
//! mail adds its points once, those below zero too. It is read into boosts, and where the rule has no `when`,
//! into the condition that one of the keywords is there.

use super::Loader;
use super::reader::Table;
use crate::ids::CategoryId;
use crate::problem::Problems;
use crate::rules::condition::Condition;
use crate::rules::rule::Boost;
use crate::rules::vocabulary::{Look, Needle};
use crate::rules::words::{Edges, WordsIn};

/// The keywords of a rule with their points.
#[derive(Default)]
pub(super) struct Weighed {
    keywords: Vec<(Needle, Edges, f64)>,
}

impl<'t> Loader<'t> {
    pub(super) fn weighed(
        &mut self,
        category: Option<&CategoryId>,
        table: Table<'t>,
        faults: &mut Problems,
    ) -> Weighed {
        if category.is_none() {
            faults.push(table.error("`weigh` in a rule that has no category").code("E09"));
        }
        if table.is_empty() {
            faults.push(table.error("there is no keyword in it").code("E09"));
        }
        let mut weighed = Weighed::default();
        for (mut keyword, points) in table.rest() {
            let written = keyword.clone();
            let mut edges = Edges::Auto;
            if let Some(beginning) = keyword.text.strip_suffix('*') {
                (keyword.text, edges) = (beginning, Edges::Start);
            }
            let needle = self.needle(&keyword, Look::Folded, faults);
            let (Some(needle), Some(points)) = (needle, points.number(faults)) else { continue };
            if weighed.keywords.iter().any(|known| (known.0, known.1) == (needle, edges)) {
                let problem = written.error(format!("`{}` is there in another spelling", written.text));
                faults.push(problem.code("E09").help("case, width and script make no difference to a keyword"));
            }
            weighed.keywords.push((needle, edges, points));
        }
        weighed
    }
}

impl Weighed {
    pub(super) fn is_empty(&self) -> bool {
        self.keywords.is_empty()
    }

    pub(super) fn boosts(&self) -> impl Iterator<Item = Boost> {
        self.keywords.iter().map(|(needle, edges, points)| Boost {
            condition: words(vec![*needle], *edges),
            weight: *points,
            capture: None,
        })
    }

    /// One of the keywords is there.
    pub(super) fn any(&self) -> Vec<Condition> {
        let of_edges = |wanted: Edges| {
            let needles = self.keywords.iter().filter(|(_, edges, _)| *edges == wanted).map(|(needle, _, _)| *needle);
            let needles: Vec<Needle> = needles.collect();
            (!needles.is_empty()).then(|| words(needles, wanted))
        };
        [Edges::Auto, Edges::Start].into_iter().filter_map(of_edges).collect()
    }
}

fn words(needles: Vec<Needle>, edges: Edges) -> Condition {
    Condition::Words(WordsIn { needles, look: Look::Folded, edges, min: 1, segments: None, drop_denied: false })
}
