//! Conditions, and when they hold.

use std::ops::Range;

use super::attachment::AttachmentTest;
use super::code::CodePattern;
use super::engine::{Depth, Judge};
use super::field::value_of;
use super::judgement::{CaseMoment, Evidence, Proof};
use super::negation;
use super::operand::{Comparison, DomainName, Method, Test, header_holds};
use super::reason::{MAX_EVIDENCE, Mask, Reason, evidence_in, is_masked};
use super::secrets::SecretKind;
use super::segment::{Segment, Segments, View};
use super::sequence::SequenceIn;
use super::skeleton::Skeleton;
use super::vocabulary::{Look, Needle, Seen};
use crate::address::Address;
use crate::fold::fold_words;
use crate::language::Language;
use crate::patterns::LateRegex;
use crate::time::Hours;

/// The groups of a `when`, all of which must hold.
#[derive(Debug, Default)]
pub(super) struct When {
    pub(super) all: Vec<Condition>,
    /// One of them, unless there is none.
    pub(super) any: Vec<Condition>,
    /// None of them.
    pub(super) none: Vec<Condition>,
    /// What these find is as if it had not been written: 不用转人工 hides the 转人工 in it.
    pub(super) except: Vec<Condition>,
}

#[derive(Debug)]
pub(super) enum Condition {
    Words(WordsIn),
    Pattern(PatternIn),
    Header {
        name: String,
        test: Test,
    },
    From(Vec<Address>),
    FromDomain(Vec<DomainName>),
    To(Vec<Address>),
    Language(Vec<Language>),
    Hours(Vec<Hours>),
    Case(Vec<CaseMoment>),
    Exchanges(Comparison),
    Answers(Comparison),
    Attachment(AttachmentTest),
    /// The recipient's subaddress, folded.
    RecipientTag(Vec<String>),
    Tier(Vec<String>),
    /// In seconds.
    Age(Comparison),
    OpenCases(Comparison),
    /// One of these is so.
    Auth(Vec<(Method, Proof)>),
    Code(CodeIn),
    Sequence(SequenceIn),
    Secret(SecretIn),
    Field {
        id: String,
        test: Test,
    },
    /// Ends in `*` for all that begin so; [`super::taxonomy::UNCLASSIFIED`] where no category won.
    Category(Vec<String>),
    Score(Comparison),
    /// The conditions of another rule, by its place among the rules.
    Rule(usize),
    Group(Box<When>),
}

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

#[derive(Debug)]
pub(super) struct PatternIn {
    pub(super) regex: LateRegex,
    pub(super) skeleton: Skeleton<Needle>,
    pub(super) segments: Option<Segments>,
}

/// `{ code = "smtp:55x" }`.
#[derive(Debug)]
pub(super) struct CodeIn {
    pub(super) patterns: Vec<CodePattern>,
    pub(super) segments: Option<Segments>,
}

/// `{ secret = "password" }`.
#[derive(Debug)]
pub(super) struct SecretIn {
    pub(super) kinds: Vec<SecretKind>,
    pub(super) segments: Option<Segments>,
}

impl SecretIn {
    /// Where they stand in a view.
    fn found_in(&self, view: &View<'_>) -> Vec<Range<usize>> {
        let find = |text: &str| self.kinds.iter().flat_map(|kind| kind.find(text)).collect::<Vec<_>>();
        let mut found = find(view.folded.text());
        if view.segment == Segment::AttachmentName {
            // A hyphen may be a blank, and it may be in a password.
            found.extend([&['_'][..], &['_', '-']].iter().flat_map(|marks| find(&spaced(view.folded.text(), marks))));
            found.sort_by_key(|range| (range.start, range.end));
            found.dedup();
        }
        found
    }
}

/// File names as they are spoken: blanks in the place of these marks and of the dot before the ending, of which each is
/// as wide.
fn spaced(names: &str, marks: &[char]) -> String {
    let spoken = |name: &str| {
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let dot = if stem.len() < name.len() { " " } else { "" };
        format!("{}{dot}{ending}", stem.replace(marks, " "))
    };
    names.split('\n').map(spoken).collect::<Vec<_>>().join("\n")
}

impl Condition {
    /// Is it about what is known of the mail and its case, so that it costs nothing and finds no evidence?
    fn reads_nothing(&self) -> bool {
        match self {
            Condition::Language(_)
            | Condition::Hours(_)
            | Condition::Case(_)
            | Condition::Exchanges(_)
            | Condition::Answers(_)
            | Condition::Tier(_)
            | Condition::Age(_)
            | Condition::OpenCases(_)
            | Condition::Auth(_)
            | Condition::Category(_)
            | Condition::Score(_) => true,
            Condition::Group(when) => {
                when.except.is_empty()
                    && [&when.all, &when.any, &when.none].into_iter().flatten().all(Condition::reads_nothing)
            }
            _ => false,
        }
    }

    /// Does it hold or not whatever other rules say?
    fn is_settled(&self) -> bool {
        match self {
            Condition::Hours(_)
            | Condition::Field { .. }
            | Condition::Category(_)
            | Condition::Score(_)
            | Condition::Rule(_) => false,
            Condition::Group(when) => when.is_settled(),
            _ => true,
        }
    }
}

impl When {
    /// Do they hold or not whatever other rules say?
    pub(super) fn is_settled(&self) -> bool {
        [&self.all, &self.any, &self.none, &self.except].into_iter().flatten().all(Condition::is_settled)
    }

    /// Nothing is asked.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.any.is_empty() && self.none.is_empty()
    }
}

impl<'r> Judge<'r, '_> {
    /// Do the groups hold? What made them hold is added to `reason`.
    pub(super) fn when(
        &mut self,
        when: &'r When,
        scope: Option<Segments>,
        masks: &[Mask],
        reason: &mut Reason,
    ) -> bool {
        // What is known without a look at the text settles most rules: nobody looks for the words of the others.
        let known = |condition: &&Condition| condition.reads_nothing();
        if !when.all.iter().filter(known).all(|condition| self.holds(condition, scope, masks, reason))
            || when.none.iter().filter(known).any(|condition| self.holds(condition, scope, masks, reason))
        {
            return false;
        }
        let mut masks = masks.to_vec();
        for condition in &when.except {
            masks.extend(self.masks(condition));
        }
        if !(when.all.iter()).all(|condition| self.holds(condition, scope, &masks, reason)) {
            return false;
        }
        // Every one is asked, not only the first that holds: the evidence in the subject may be the third.
        let mut any = when.any.is_empty();
        for condition in &when.any {
            any |= self.holds(condition, scope, &masks, reason);
        }
        // The veto comes last: it is asked only of the few mails for which the rest holds.
        any && !(when.none.iter()).any(|condition| self.holds(condition, scope, &masks, &mut Reason::default()))
    }

    /// Does the condition hold? Only then is anything added to `reason`.
    pub(super) fn holds(
        &mut self,
        condition: &'r Condition,
        scope: Option<Segments>,
        masks: &[Mask],
        reason: &mut Reason,
    ) -> bool {
        let message = self.input.message;
        match condition {
            Condition::Words(words) => self.words_hold(words, scope, masks, reason),
            Condition::Pattern(pattern) => self.pattern_holds(pattern, scope, masks, reason),
            Condition::Header { name, test } => header_holds(test, message.field(name), reason),
            Condition::From(addresses) => {
                message.sender().is_some_and(|sender| addresses.iter().any(|address| address.matches(sender)))
            }
            Condition::FromDomain(domains) => {
                message.sender().is_some_and(|sender| domains.iter().any(|domain| domain.matches(sender.domain())))
            }
            Condition::To(addresses) => {
                message.recipients().any(|recipient| addresses.iter().any(|address| address.matches(recipient)))
            }
            Condition::Language(languages) => languages.contains(&self.input.language),
            Condition::Hours(hours) => {
                hours.iter().any(|wanted| *wanted == self.hours || (*wanted == Hours::Open && self.hours.is_open()))
            }
            Condition::Case(moments) => moments.contains(&self.input.case),
            Condition::Exchanges(comparison) => comparison.holds(f64::from(self.input.exchanges)),
            Condition::Answers(comparison) => comparison.holds(f64::from(self.input.answers)),
            Condition::Attachment(test) => test.holds(&message.attachments, reason),
            Condition::RecipientTag(tags) => message.recipients().any(|recipient| {
                let detail = recipient.detail('+').map(|(_, detail)| fold_words(detail));
                detail.is_some_and(|detail| tags.contains(&detail))
            }),
            Condition::Tier(tiers) => self.input.tier.is_some_and(|tier| tiers.iter().any(|wanted| wanted == tier)),
            Condition::Age(comparison) => comparison.holds(self.input.age.as_secs_f64()),
            Condition::OpenCases(comparison) => comparison.holds(f64::from(self.input.open_cases)),
            Condition::Auth(wanted) => wanted.iter().any(|(method, proof)| method.of(&self.input.proofs) == *proof),
            Condition::Code(code) => self.code_holds(code, scope, masks, reason),
            Condition::Sequence(sequence) => self.sequence_holds(sequence, scope, masks, reason),
            Condition::Secret(secret) => self.secret_holds(secret, scope, masks, reason),
            Condition::Field { id, test } => test.holds(self.fields.get(id).map(String::as_str)),
            Condition::Category(patterns) => {
                let won = self.won.as_ref().map_or(super::taxonomy::UNCLASSIFIED, |won| won.category.as_str());
                patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
                    Some(begin) => won.starts_with(begin),
                    None => won == pattern,
                })
            }
            Condition::Score(comparison) => comparison.holds(self.best_score),
            Condition::Rule(index) => match self.reason_of(*index) {
                Some(other) if self.has_effect(*index) => {
                    reason.absorb((*other).clone());
                    true
                }
                _ => false,
            },
            Condition::Group(when) => {
                let mut inner = Reason::default();
                let holds = self.when(when, scope, masks, &mut inner);
                if holds {
                    reason.absorb(inner);
                }
                holds
            }
        }
    }

    fn words_hold(&self, words: &WordsIn, scope: Option<Segments>, masks: &[Mask], reason: &mut Reason) -> bool {
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

    /// A piece of evidence; for the gist only where it stands, which is what it counts by.
    pub(super) fn evidence(&self, view: &View<'_>, range: impl FnOnce() -> Range<usize>) -> Evidence {
        match self.depth {
            Depth::Whole | Depth::WithoutScores => evidence_in(view, range()),
            Depth::Gist => Evidence { segment: view.segment, text: String::new(), range: 0..0 },
        }
    }

    /// What the evidence for one word would count, of [`Judge::words_hold`] without masks; none if it does not hold.
    pub(super) fn words_factor(&self, words: &WordsIn, scope: Option<Segments>) -> Option<f64> {
        let seen = words.needles.iter().flat_map(|needle| self.seen_in(*needle, words.segments.or(scope)));
        let fit =
            seen.filter(|(view, seen)| words.fits(view, seen) && !(words.drop_denied && words.is_denied(view, seen)));
        fit.take(MAX_EVIDENCE).map(|(view, _)| view.segment.factor()).max_by(f64::total_cmp)
    }

    /// Where a needle was seen in these segments.
    fn seen_in(&self, needle: Needle, segments: Option<Segments>) -> impl Iterator<Item = (&View<'_>, &Seen)> {
        let segments = segments.unwrap_or(self.views.default_segments());
        let seen = self.sightings.of(needle).map(|seen| (&self.views.all()[seen.view], seen));
        seen.filter(move |(view, _)| segments.contains(view.segment))
    }

    fn pattern_holds(&self, pattern: &PatternIn, scope: Option<Segments>, masks: &[Mask], reason: &mut Reason) -> bool {
        let mut holds = false;
        for (index, view) in self.views.of_segments(pattern.segments.or(scope)) {
            if !self.may_match(&pattern.skeleton, index) {
                continue;
            }
            let (regex, text) = (pattern.regex.get(), view.folded.text());
            // To know where it matches costs as much again as to know that it does.
            if self.depth == Depth::Gist && masks.is_empty() && regex.captures_len() == 1 {
                if regex.is_match(text) {
                    holds = true;
                    reason.evidence.push(self.evidence(view, || 0..0));
                }
                continue;
            }
            // One match a segment is enough; those that are masked do not count.
            let first = regex.find_iter(text).find_map(|found| {
                let range = view.folded.original(found.range());
                (!is_masked(masks, view.segment, &range)).then_some((found.start(), range))
            });
            if let Some((start, range)) = first {
                holds = true;
                // To know where the groups are costs more than the match, and few regexes have a group.
                if let Some(captures) = (regex.captures_len() > 1).then(|| regex.captures_at(text, start)).flatten() {
                    reason.capture(&regex, &captures, &view.original, &view.folded);
                }
                reason.evidence.push(self.evidence(view, || range));
            }
        }
        holds
    }

    /// A code that a mail system said.
    fn code_holds(&self, code: &CodeIn, scope: Option<Segments>, masks: &[Mask], reason: &mut Reason) -> bool {
        let segments = code.segments.or(scope);
        let mut holds = false;
        for found in self.codes().iter().filter(|found| found.is_in(self.views, segments)) {
            let view = &self.views.all()[found.view];
            let range = view.folded.original(found.range.clone());
            if code.patterns.iter().any(|pattern| pattern.matches(found))
                && !is_masked(masks, view.segment, &range)
                && reason.evidence.len() < MAX_EVIDENCE
            {
                holds = true;
                let said = || value_of(&view.original, &view.folded, found.range.clone());
                reason.captures.entry("code".into()).or_insert_with(said);
                reason.evidence.push(self.evidence(view, || range));
            }
        }
        holds
    }

    fn secret_holds(&self, secret: &SecretIn, scope: Option<Segments>, masks: &[Mask], reason: &mut Reason) -> bool {
        let mut holds = false;
        let segments = secret.segments.or(scope);
        // What was found in the subject of an earlier mail is still a secret in this one.
        let old_subject = self.views.old_subject(segments);
        for view in self.views.of_segments(segments).map(|(_, view)| view).chain(old_subject) {
            for range in secret.found_in(view) {
                let range = view.folded.original(range);
                if is_masked(masks, view.segment, &range) {
                    continue;
                }
                holds = true;
                reason.secrets.push(view.original[range.clone()].to_owned());
                if reason.evidence.len() < MAX_EVIDENCE {
                    reason.evidence.push(self.evidence(view, || range));
                }
            }
        }
        holds
    }

    /// Everything that an `except` condition finds, wherever it stands.
    pub(super) fn masks(&self, condition: &Condition) -> Vec<Mask> {
        let mut masks = Vec::new();
        match condition {
            Condition::Words(words) => {
                for needle in &words.needles {
                    for seen in self.sightings.of(*needle) {
                        let view = &self.views.all()[seen.view];
                        if let Some(range) = words.range_of(view, seen) {
                            let segment = view.segment;
                            masks.push(Mask { segment, range });
                        }
                    }
                }
            }
            Condition::Pattern(pattern) => {
                for (index, view) in self.views.all().iter().enumerate() {
                    if self.may_match(&pattern.skeleton, index) {
                        let regex = pattern.regex.get();
                        masks.extend(
                            regex.find_iter(view.folded.text()).map(|found| Mask {
                                segment: view.segment,
                                range: view.folded.original(found.range()),
                            }),
                        );
                    }
                }
            }
            _ => {}
        }
        masks
    }

    /// For each view, is it one of these segments?
    pub(super) fn in_scope(&self, segments: Option<Segments>) -> Vec<bool> {
        let mut wanted = vec![false; self.views.all().len()];
        for (index, _) in self.views.of_segments(segments) {
            wanted[index] = true;
        }
        wanted
    }
}

impl WordsIn {
    /// Where in the original this word was seen, if what stands beside it lets it be a word.
    pub(super) fn range_of(&self, view: &View<'_>, seen: &Seen) -> Option<Range<usize>> {
        let folded = view.look(self.look);
        self.edges.fit(folded.text(), seen.start..seen.end).then(|| folded.original(seen.start..seen.end))
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
