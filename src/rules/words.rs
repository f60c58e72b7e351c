//! Keywords of a condition, and whether a mail has them: what may stand beside one for it to be a word.

use std::ops::Range;

use super::engine::Judge;
use super::negation;
use super::reason::{MAX_EVIDENCE, Mask, Reason, is_masked};
use super::segment::{Segment, Segments, View};
use super::vocabulary::{Look, Needle, Seen};

/// Keywords.
#[derive(Debug)]
pub(super) struct WordsIn {
    pub(super) needles: Vec<Needle>,
    pub(super) look: Look,
    pub(super) edges: Edges,
    /// So many different ones.
    pub(super) min: usize,
    pub(super) segments: Option<Segments>,
    /// A hit that is denied right beside it (`negation`) does not count.
    pub(super) drop_denied: bool,
}

/// What may stand beside a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edges {
    /// 550 is not in 15500 nor in 550a, but it is in 代码550错误: only ASCII letters and digits have edges.
    Auto,
    /// The same before it, anything behind it: declin is in declined.
    Start,
    /// No letter or digit of any script.
    Word,
    /// Anything.
    Off,
}

impl Judge<'_, '_> {
    pub(super) fn words_hold(
        &self,
        words: &WordsIn,
        scope: Option<Segments>,
        masks: &[Mask],
        reason: &mut Reason,
    ) -> bool {
        // Of thousands of conditions a mail has the words of a few.
        if !words.needles.iter().any(|needle| self.sightings.any(*needle)) {
            return false;
        }
        let (mut different, mut evidence) = (0, Vec::new());
        for needle in words.needles.iter().filter(|needle| self.sightings.any(**needle)) {
            if different >= words.min && evidence.len() == MAX_EVIDENCE {
                break;
            }
            let mut found = false;
            for (view, seen) in self.seen_in(*needle, words.segments.or(scope)) {
                let range = || view.look(words.look).original(seen.start..seen.end);
                let masked = || is_masked(masks, view.segment, &range());
                if words.fits(view, seen)
                    && (masks.is_empty() || !masked())
                    && !(words.drop_denied && words.is_denied(view, seen))
                {
                    found = true;
                    if evidence.len() < MAX_EVIDENCE {
                        evidence.push(self.evidence(view, range));
                    }
                }
            }
            different += usize::from(found);
        }
        let holds = different >= words.min;
        if holds {
            evidence.sort_by_key(|one| (one.segment, one.range.start));
            reason.evidence.extend(evidence);
        }
        holds
    }

    /// What the evidence for one word would count, of [`Judge::words_hold`] without masks; none if it does not hold.
    pub(super) fn words_factor(&self, words: &WordsIn, scope: Option<Segments>) -> Option<f64> {
        let seen = words.needles.iter().flat_map(|needle| self.seen_in(*needle, words.segments.or(scope)));
        let fit =
            seen.filter(|(view, seen)| words.fits(view, seen) && !(words.drop_denied && words.is_denied(view, seen)));
        // The subject is read first: behind a hit in the text no other of the same word counts more.
        let enough = if words.needles.len() == 1 { Segment::Body.factor() } else { Segment::Subject.factor() };
        let mut most = None;
        for factor in fit.take(MAX_EVIDENCE).map(|(view, _)| view.segment.factor()) {
            most = Some(factor.max(most.unwrap_or(factor)));
            if factor >= enough {
                break;
            }
        }
        most
    }

    /// Where a needle was seen in these segments.
    fn seen_in(&self, needle: Needle, segments: Option<Segments>) -> impl Iterator<Item = (&View<'_>, &Seen)> {
        let segments = segments.unwrap_or(self.views.default_segments());
        let seen = self.sightings.of(needle).map(|seen| (&self.views.all()[seen.view], seen));
        seen.filter(move |(view, _)| segments.contains(view.segment))
    }
}

impl WordsIn {
    /// Where in the original this word was seen, if what stands beside it lets it be a word.
    pub(super) fn range_of(&self, view: &View<'_>, seen: &Seen) -> Option<Range<usize>> {
        self.fits(view, seen).then(|| view.look(self.look).original(seen.start..seen.end))
    }

    /// Does what stands beside it let it be a word?
    fn fits(&self, view: &View<'_>, seen: &Seen) -> bool {
        self.edges.fit(view.look(self.look).text(), seen.start..seen.end)
    }

    pub(super) fn is_denied(&self, view: &View<'_>, seen: &Seen) -> bool {
        let text = view.look(self.look).text();
        negation::is_denied(&text[..seen.start], &text[seen.start..seen.end], &text[seen.end..])
    }
}

impl Edges {
    pub(super) const ALL: [Edges; 4] = [Edges::Auto, Edges::Start, Edges::Word, Edges::Off];

    /// May a word stand there, for what stands beside it?
    pub(super) fn fit(self, text: &str, range: Range<usize>) -> bool {
        let is_word = !range.is_empty() && text.is_char_boundary(range.start) && text.is_char_boundary(range.end);
        // An octet of ASCII is a character.
        let octet =
            |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_alphanumeric);
        let joined = |at: usize| octet(at.checked_sub(1)) && octet(Some(at));
        let letters = |at: usize| {
            let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            is_letter(text[..at].chars().next_back()) && is_letter(text[at..].chars().next())
        };
        is_word
            && match self {
                Edges::Auto => !joined(range.start) && !joined(range.end),
                Edges::Start => !joined(range.start),
                Edges::Word => !letters(range.start) && !letters(range.end),
                Edges::Off => true,
            }
    }
}
