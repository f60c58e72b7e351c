//! From points to a category.
//!
//! Points add up, negative ones too: 发票 speaks for billing, and against it where a bounce is quoted. The
//! category with the highest score wins if it reaches its threshold and leads by its margin; else a human
//! decides, which is the cheap error.

use std::collections::BTreeMap;

use super::judgement::{Ambiguity, CategoryScore, Contribution, Evidence, Won};
use super::taxonomy::{MARGIN, THRESHOLD, Taxonomy};
use crate::ids::{CategoryId, RuleId};

/// What one rule, or one boost of it, adds to one category; all of a rule together, where nobody wants to see what for.
pub(super) struct Points<'r> {
    pub(super) category: &'r CategoryId,
    pub(super) rule: &'r RuleId,
    /// The weight in the rule times the factor of the segment.
    pub(super) weight: f64,
    pub(super) evidence: Vec<Evidence>,
}

/// What one category got.
pub(super) struct Score<'r> {
    pub(super) category: &'r CategoryId,
    pub(super) score: f64,
    pub(super) threshold: f64,
    /// In the order of the rules.
    pub(super) points: Vec<Points<'r>>,
}

impl Score<'_> {
    /// As it is told to people.
    pub(super) fn told(mut self) -> CategoryScore {
        // Stable, and the rules came in order of their ids.
        self.points.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        let contribution = |points: Points<'_>| Contribution {
            rule: points.rule.clone(),
            weight: points.weight,
            evidence: points.evidence,
        };
        CategoryScore {
            category: self.category.clone(),
            score: self.score,
            threshold: self.threshold,
            contributions: self.points.into_iter().map(contribution).collect(),
        }
    }
}

/// All scores, the highest first, and the category that won or why none did.
pub(super) fn decide<'r>(taxonomy: &Taxonomy, points: Vec<Points<'r>>) -> (Vec<Score<'r>>, Result<Won, Ambiguity>) {
    let mut by_category: BTreeMap<&CategoryId, Vec<Points<'r>>> = BTreeMap::new();
    for points in points {
        by_category.entry(points.category).or_default().push(points);
    }
    let mut scores: Vec<Score<'r>> = by_category
        .into_iter()
        .map(|(category, points)| {
            // Rule by rule: the sum is the same to the last bit, whether a rule's points were added up before or not.
            let rules = points.chunk_by(|one, next| one.rule == next.rule);
            Score {
                category,
                score: rules.map(|points| points.iter().map(|points| points.weight).sum::<f64>()).sum(),
                threshold: taxonomy.category(category).map_or(THRESHOLD, |category| category.threshold),
                points,
            }
        })
        .collect();
    scores.sort_by(|a, b| b.score.total_cmp(&a.score));
    let outcome = winner(taxonomy, &scores);
    (scores, outcome)
}

fn winner(taxonomy: &Taxonomy, scores: &[Score<'_>]) -> Result<Won, Ambiguity> {
    let best = scores.first().ok_or(Ambiguity::Nothing)?;
    if best.score < best.threshold {
        return Err(Ambiguity::BelowThreshold {
            category: best.category.clone(),
            score: best.score,
            threshold: best.threshold,
        });
    }
    let category = taxonomy.category(best.category);
    let margin = category.map_or(MARGIN, |category| category.margin);
    // A category pushed below nothing is no better a runner-up than one nobody spoke of.
    let second = scores.get(1).filter(|second| second.score > 0.0);
    let lead = best.score - second.map_or(0.0, |second| second.score);
    match second {
        Some(second) if lead < margin => {
            Err(Ambiguity::TooClose { first: best.category.clone(), second: second.category.clone(), lead, margin })
        }
        _ => {
            let sure = category
                .is_none_or(|category| best.score >= category.answer_threshold && lead >= category.answer_margin);
            Ok(Won { category: best.category.clone(), score: best.score, margin: lead, sure })
        }
    }
}
