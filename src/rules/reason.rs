//! Why a rule holds: what was found in the mail, and what does not count.

use std::collections::BTreeMap;
use std::ops::Range;

use regex::Regex;

use super::field::value_of;
use super::judgement::Evidence;
use super::segment::{Segment, View};
use crate::fold::Folded;

/// Why a rule holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Reason {
    pub(super) evidence: Vec<Evidence>,
    /// Named captures of its regexes; the first of a name stays.
    pub(super) captures: BTreeMap<String, String>,
    /// What its `secret` conditions found, and the captures of this name: as it is written in the mail.
    pub(super) secrets: Vec<String>,
}

/// A stretch of the original that does not count.
#[derive(Debug, Clone)]
pub(super) struct Mask {
    pub(super) segment: Segment,
    pub(super) range: Range<usize>,
}

/// Pieces of evidence kept for one condition: enough to be convinced.
pub(super) const MAX_EVIDENCE: usize = 8;
/// The named capture that is a secret.
pub(super) const SECRET: &str = "secret";

impl Reason {
    /// The best factor among the segments the evidence stands in. What was not read out of a text counts as
    /// it is.
    pub(super) fn factor(&self) -> f64 {
        self.evidence.iter().map(|evidence| evidence.segment.factor()).max_by(f64::total_cmp).unwrap_or(1.0)
    }

    pub(super) fn absorb(&mut self, other: Reason) {
        self.evidence.extend(other.evidence);
        for (name, value) in other.captures {
            self.captures.entry(name).or_insert(value);
        }
        self.secrets.extend(other.secrets);
    }

    pub(super) fn capture(&mut self, regex: &Regex, captures: &regex::Captures<'_>, original: &str, folded: &Folded) {
        for name in regex.capture_names().flatten() {
            if let Some(found) = captures.name(name) {
                if name == SECRET {
                    self.secrets.push(original[folded.original(found.range())].to_owned());
                }
                self.captures.entry(name.to_owned()).or_insert_with(|| value_of(original, folded, found.range()));
            }
        }
    }
}

/// Does a mask lie over any of it? Overlapping is enough: 不用转人工 also takes 人工服务 out of 不用转人工服务.
pub(super) fn is_masked(masks: &[Mask], segment: Segment, range: &Range<usize>) -> bool {
    masks.iter().any(|mask| mask.segment == segment && mask.range.start < range.end && range.start < mask.range.end)
}

pub(super) fn evidence_in(view: &View<'_>, range: Range<usize>) -> Evidence {
    Evidence { segment: view.segment, text: view.original[range.clone()].to_owned(), range }
}
