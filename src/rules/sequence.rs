//! Words one after another with a gap between them: `{ seq = ["发送", "失败"], within = 20 }`.
//!
//! What a regex `发送.{0,20}失败` finds is found here among the words that were seen anyway, and no text is read a
//! second time.

use super::engine::Judge;
use super::reason::{MAX_EVIDENCE, Mask, Reason, is_masked};
use super::segment::{Segments, View};
use super::vocabulary::{Look, Needle};
use super::words::Edges;

/// See the module text.
#[derive(Debug)]
pub(super) struct SequenceIn {
    /// In their order; of each step one word must stand there. At least two steps.
    pub(super) steps: Vec<Vec<Needle>>,
    /// Characters between the end of a word and the beginning of the next.
    pub(super) within: usize,
    pub(super) look: Look,
    pub(super) edges: Edges,
    pub(super) segments: Option<Segments>,
}

/// Octets of the folded text: where the first word of a chain began, and where its last one ends.
type Chain = (usize, usize);

impl Judge<'_, '_> {
    pub(super) fn sequence_holds(
        &self,
        sequence: &SequenceIn,
        scope: Option<Segments>,
        masks: &[Mask],
        reason: &mut Reason,
    ) -> bool {
        if !sequence.steps.iter().all(|step| step.iter().any(|needle| self.sightings.any(*needle))) {
            return false;
        }
        let mut holds = false;
        for (index, view) in self.views.of_segments(sequence.segments.or(scope)) {
            let folded = view.look(sequence.look);
            for (start, end) in self.chains(sequence, index, view) {
                let range = folded.original(start..end);
                if !is_masked(masks, view.segment, &range) && reason.evidence.len() < MAX_EVIDENCE {
                    holds = true;
                    reason.evidence.push(self.evidence(view, || range));
                }
            }
        }
        holds
    }

    /// All chains of one word of each step, by where they end.
    fn chains(&self, sequence: &SequenceIn, index: usize, view: &View<'_>) -> Vec<Chain> {
        let text = view.look(sequence.look).text();
        let places = |step: &[Needle]| {
            let seen = step.iter().flat_map(|needle| self.sightings.of(*needle));
            let fit = seen.filter(|seen| seen.view == index && sequence.edges.fit(text, seen.start..seen.end));
            let mut places: Vec<Chain> = fit.map(|seen| (seen.start, seen.end)).collect();
            places.sort_unstable();
            places
        };
        let mut steps = sequence.steps.iter();
        let mut chains = steps.next().map(|step| places(step)).unwrap_or_default();
        for step in steps {
            let longer = places(step).into_iter().filter_map(|(start, end)| {
                // The nearest chain before it: if that one is too far away, all are.
                let (begin, before) = chains.iter().filter(|(_, end)| *end <= start).max_by_key(|(_, end)| *end)?;
                let gap = text[*before..start].chars().take(sequence.within + 1).count();
                (gap <= sequence.within).then_some((*begin, end))
            });
            chains = longer.collect();
        }
        chains
    }
}
