//! From points to a category.
//!
//! Points add up, negative ones too: 发票 speaks for billing, and against it where a bounce is quoted. The
//! category with the highest score wins if it reaches its threshold and leads by its margin; else a human
//! decides, which is the cheap error.

use std::collections::BTreeMap;

use super::condition::Reason;
use super::judgement::{Ambiguity, CategoryScore, Contribution, Won};
use super::taxonomy::{MARGIN, THRESHOLD, Taxonomy};
use crate::ids::{CategoryId, RuleId};

/// What one rule, or one boost of it, adds to one category.
pub(super) struct Points {
    category: CategoryId,
    contribution: Contribution,
}

impl Points {
    pub(super) fn new(category: &CategoryId, rule: &RuleId, weight: f64, reason: &Reason) -> Points {
        Points {
            category: category.clone(),
            contribution: Contribution {
                rule: rule.clone(),
                weight: weight * reason.factor(),
                evidence: reason.evidence.clone(),
            },
        }
    }
}

/// All scores, the highest first, and the category that won or why none did.
pub(super) fn decide(taxonomy: &Taxonomy, points: Vec<Points>) -> (Vec<CategoryScore>, Result<Won, Ambiguity>) {
    let mut by_category: BTreeMap<CategoryId, Vec<Contribution>> = BTreeMap::new();
    for Points { category, contribution } in points {
        by_category.entry(category).or_default().push(contribution);
    }
    let mut scores: Vec<CategoryScore> = by_category
        .into_iter()
        .map(|(category, mut contributions)| {
            // Stable, and the rules came in order of their ids.
            contributions.sort_by(|a, b| b.weight.total_cmp(&a.weight));
            CategoryScore {
                score: contributions.iter().map(|contribution| contribution.weight).sum(),
                threshold: taxonomy.category(&category).map_or(THRESHOLD, |category| category.threshold),
                category,
                contributions,
            }
        })
        .collect();
    scores.sort_by(|a, b| b.score.total_cmp(&a.score));
    let outcome = winner(taxonomy, &scores);
    (scores, outcome)
}

fn winner(taxonomy: &Taxonomy, scores: &[CategoryScore]) -> Result<Won, Ambiguity> {
    let best = scores.first().ok_or(Ambiguity::Nothing)?;
    if best.score < best.threshold {
        return Err(Ambiguity::BelowThreshold {
            category: best.category.clone(),
            score: best.score,
            threshold: best.threshold,
        });
    }
    let category = taxonomy.category(&best.category);
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
