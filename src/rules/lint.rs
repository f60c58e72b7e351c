//! What is right by the letter and probably wrong: findings, each with a stable code.
//!
//! A rule may allow a finding that is meant to be there, and says why: `allow = [{ code = "W02", reason = "…" }]`. An
//! allow for what is not found is told as well, so that none outlives its reason.

use std::collections::BTreeSet;

use super::rule::Rule;
use crate::problem::{Problem, Problems};

/// All codes that a rule may allow.
pub(super) const ALLOWABLE: [&str; 20] = [
    "E08", "W01", "W02", "W03", "W04", "W05", "W06", "W07", "W08", "W09", "W10", "W11", "W13", "W14", "W15", "W16",
    "W17", "W18", "W19", "W20",
];
/// Codes that are not found when the files are loaded: the tests must run first, the date be known, or past mail be
/// judged.
const LATER: [&str; 6] = ["W01", "W09", "W14", "W15", "W16", "W20"];

/// What was found, and in which rule.
#[derive(Default)]
pub(super) struct Findings {
    found: Vec<(Option<usize>, Problem)>,
}

impl Findings {
    pub(super) fn of_rule(&mut self, place: usize, problem: Problem) {
        self.found.push((Some(place), problem));
    }

    pub(super) fn of_files(&mut self, problem: Problem) {
        self.found.push((None, problem));
    }

    /// What no rule allows, and what a rule allows in vain.
    pub(super) fn settle(self, rules: &[Rule]) -> Problems {
        let mut problems = Problems::default();
        let mut used = BTreeSet::new();
        for (place, problem) in self.found {
            let code = problem.code.unwrap_or_default();
            match place {
                Some(place) if rules[place].allows(code) => {
                    used.insert((place, code));
                }
                _ => problems.push(problem),
            }
        }
        for (place, rule) in rules.iter().enumerate() {
            for allow in &rule.allows {
                if !LATER.contains(&allow.code.as_str()) && !used.contains(&(place, allow.code.as_str())) {
                    problems.push(
                        rule.source
                            .warning(allow.span.clone(), format!("{} is allowed and not found", allow.code))
                            .code("W21")
                            .help("take the entry out"),
                    );
                }
            }
        }
        problems
    }
}
