//! Conditions, and when they hold.

use std::ops::Range;

use super::attachment::AttachmentTest;
use super::code::CodePattern;
use super::engine::{Depth, Judge};
use super::field::value_of;
use super::judgement::{CaseMoment, Evidence, Proof};
use super::operand::{Comparison, DomainName, Method, Test, header_holds};
use super::reason::{MAX_EVIDENCE, Mask, Reason, evidence_in, is_masked};
use super::secrets::SecretKind;
use super::segment::{Segment, Segments, View};
use super::sequence::SequenceIn;
use super::skeleton::Skeleton;
use super::vocabulary::Needle;
use super::words::WordsIn;
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
    pub(super) fn is_settled(&self) -> bool {
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

    /// A piece of evidence; for the gist only where it stands, which is what it counts by.
    pub(super) fn evidence(&self, view: &View<'_>, range: impl FnOnce() -> Range<usize>) -> Evidence {
        match self.depth {
            Depth::Whole | Depth::WithoutScores => evidence_in(view, range()),
            Depth::Gist => Evidence { segment: view.segment, text: String::new(), range: 0..0 },
        }
    }

    fn pattern_holds(&self, pattern: &PatternIn, scope: Option<Segments>, masks: &[Mask], reason: &mut Reason) -> bool {
        let mut holds = false;
        if !self.may_stand(&pattern.skeleton) {
            return false;
        }
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
