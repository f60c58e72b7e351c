//! Why a rule holds for a mail, and why it does not: the first condition that fails, what is there instead, and what
//! would have made it hold.
//!
//! The rule is looked at in the moment in which it is asked, so its conditions see what the judge saw.

use super::Rules;
use super::code::Code;
use super::condition::{Condition, PatternIn, When};
use super::engine::{self, Judge, Supposing, Watcher};
use super::judgement::{Evidence, Input, Judgement};
use super::operand::{Method, Test};
use super::reason::{Mask, Reason, evidence_in, is_masked};
use super::rule::Phase;
use super::segment::{Segment, Segments};
use super::sequence::SequenceIn;
use super::tell::tell_segments;
use super::vocabulary::{Look, Seen};
use super::words::{Edges, WordsIn};
use crate::fold::fold;
use crate::ids::RuleId;

/// How a rule fared with one mail, as if it were in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    pub rule: RuleId,
    pub phase: Phase,
    pub asked: Asked,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    Held(Vec<Evidence>),
    Failed(Box<Failure>),
    /// It was never asked: this rule came first and ended its phase, or the judging.
    StoppedBy(RuleId),
}

/// The first condition that does not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Where it stands in `[rule.when]`: `all[2]`, `any[1].none[1]`, counted from 1.
    pub path: String,
    pub looked_for: String,
    /// In which part of the mail; empty for what is not text.
    pub looked_in: String,
    /// What is there instead.
    pub found: String,
    /// The words because of which it fails, or that nearly made it hold.
    pub evidence: Vec<Evidence>,
    /// What would have made it hold.
    pub remedy: String,
    /// Conditions that held before it.
    pub held: usize,
}

pub(super) fn trace(rules: &Rules, input: &Input<'_>, index: usize) -> Option<Trace> {
    let mut tracer = Tracer { only: Some(index), traces: Vec::new() };
    let judgement = engine::watch(rules, input, Supposing::InForce(index), &mut tracer);
    let rule = &rules.rules[index];
    let unasked = || {
        let stopped = stopped_by(rules, &judgement)?;
        Some(Trace { rule: rule.id.clone(), phase: rule.phase, asked: Asked::StoppedBy(stopped) })
    };
    tracer.traces.pop().or_else(unasked)
}

pub(super) fn near_misses(rules: &Rules, input: &Input<'_>, most: usize) -> Vec<Trace> {
    let mut tracer = Tracer { only: None, traces: Vec::new() };
    engine::watch(rules, input, Supposing::Nothing, &mut tracer);
    // How close: what held before is worth more than a word that almost counted.
    let closeness = |trace: &Trace| match &trace.asked {
        Asked::Failed(failure) => failure.held * 2 + usize::from(!failure.evidence.is_empty()),
        Asked::Held(_) | Asked::StoppedBy(_) => 0,
    };
    let mut near: Vec<Trace> = tracer.traces.into_iter().filter(|trace| closeness(trace) > 0).collect();
    near.sort_by_key(|trace| std::cmp::Reverse(closeness(trace)));
    near.truncate(most);
    near
}

/// The rule with `stop` that held last.
fn stopped_by(rules: &Rules, judgement: &Judgement) -> Option<RuleId> {
    let stops = |id: &RuleId| rules.rule(id).is_some_and(|rule| rule.actions.stop);
    judgement.hits.iter().rev().find(|hit| !hit.shadow && stops(&hit.rule)).map(|hit| hit.rule.clone())
}

struct Tracer {
    only: Option<usize>,
    traces: Vec<Trace>,
}

impl Watcher for Tracer {
    fn asked<'r>(&mut self, judge: &mut Judge<'r, '_>, index: usize, reason: Option<&Reason>) {
        if self.only.is_some_and(|only| only != index) {
            return;
        }
        let rule = &judge.rules.rules[index];
        let asked = match reason {
            Some(reason) => Asked::Held(reason.evidence.clone()),
            None => match judge.failure(&rule.when, rule.scope, &[], "") {
                Some(failure) => Asked::Failed(Box::new(failure)),
                None => return,
            },
        };
        self.traces.push(Trace { rule: rule.id.clone(), phase: rule.phase, asked });
    }
}

impl<'r> Judge<'r, '_> {
    /// The first condition of these groups that does not hold; `path` is where the groups stand.
    fn failure(&mut self, when: &'r When, scope: Option<Segments>, masks: &[Mask], path: &str) -> Option<Failure> {
        let mut masks = masks.to_vec();
        for condition in &when.except {
            masks.extend(self.masks(condition));
        }
        let mut held = 0;
        for (at, condition) in when.all.iter().enumerate() {
            let mut reason = Reason::default();
            if !self.holds(condition, scope, &masks, &mut reason) {
                let failure = self.failure_of(condition, scope, &masks, &item(path, "all", at));
                return Some(Failure { held: failure.held + held, ..failure });
            }
            // That it is a new case says nothing about the mail; a word in it does.
            held += usize::from(!reason.evidence.is_empty());
        }
        let any = |judge: &mut Self| {
            when.any.iter().any(|condition| judge.holds(condition, scope, &masks, &mut Reason::default()))
        };
        if !when.any.is_empty() && !any(self) {
            let failure = self.none_of(&when.any, scope, &masks, path);
            return Some(Failure { held: failure.held + held, ..failure });
        }
        for (at, condition) in when.none.iter().enumerate() {
            let mut reason = Reason::default();
            if self.holds(condition, scope, &masks, &mut reason) {
                return Some(Failure {
                    path: item(path, "none", at),
                    looked_for: self.rules.tell(condition),
                    looked_in: self.looked_in(condition, scope),
                    found: "it is there, and vetoes the rule".into(),
                    evidence: reason.evidence,
                    remedy: "a mail without it, or a narrower `none`".into(),
                    held: held + usize::from(!when.any.is_empty()),
                });
            }
        }
        None
    }

    /// None of several alternatives holds: the one that came closest is told, or all of them.
    fn none_of(&mut self, any: &'r [Condition], scope: Option<Segments>, masks: &[Mask], path: &str) -> Failure {
        let failures: Vec<Failure> = any
            .iter()
            .enumerate()
            .map(|(at, condition)| self.failure_of(condition, scope, masks, &item(path, "any", at)))
            .collect();
        let near = failures.iter().max_by_key(|failure| (failure.held, !failure.evidence.is_empty()));
        match near {
            Some(near) if any.len() == 1 || near.held > 0 || !near.evidence.is_empty() => near.clone(),
            _ => Failure {
                path: join(path, "any"),
                looked_for: any.iter().map(|one| self.rules.tell(one)).collect::<Vec<_>>().join("; or "),
                looked_in: any.first().map_or(String::new(), |first| self.looked_in(first, scope)),
                found: "none of it".into(),
                evidence: Vec::new(),
                remedy: "any one of these".into(),
                held: 0,
            },
        }
    }

    fn failure_of(&mut self, condition: &'r Condition, scope: Option<Segments>, masks: &[Mask], path: &str) -> Failure {
        let mut failure = Failure {
            path: path.to_owned(),
            looked_for: self.rules.tell(condition),
            looked_in: self.looked_in(condition, scope),
            found: String::new(),
            evidence: Vec::new(),
            remedy: String::new(),
            held: 0,
        };
        match condition {
            Condition::Group(when) => return self.failure(when, scope, masks, path).unwrap_or(failure),
            Condition::Rule(index) => {
                let other = &self.rules.rules[*index];
                if !self.has_effect(*index) {
                    failure.found = format!("{} is {}, and has no effect", other.id, other.status.as_str());
                    failure.remedy = format!("{} in force", other.id);
                    return failure;
                }
                let inner = join(path, &format!("rule({})", other.id));
                return self.failure(&other.when, other.scope, &[], &inner).unwrap_or(failure);
            }
            Condition::Words(words) => self.words_failure(words, scope, masks, &mut failure),
            Condition::Pattern(pattern) => self.pattern_failure(pattern, scope, masks, &mut failure),
            Condition::Sequence(sequence) => self.sequence_failure(sequence, &mut failure),
            _ => {
                failure.found = self.instead(condition);
                failure.remedy = "a mail of which this is true".into();
            }
        }
        failure
    }

    fn words_failure(&self, words: &WordsIn, scope: Option<Segments>, masks: &[Mask], failure: &mut Failure) {
        let wanted = self.in_scope(words.segments.or(scope));
        let (mut counted, mut hidden, mut denied) = (Vec::new(), Vec::new(), Vec::new());
        let (mut inside, mut elsewhere) = (Vec::new(), Vec::new());
        for needle in &words.needles {
            let mut counts = None;
            for seen in self.sightings.of(*needle) {
                let view = &self.views.all()[seen.view];
                match words.range_of(view, seen) {
                    None => {
                        let folded = view.look(words.look);
                        let range = longer(folded.text(), seen, words.edges);
                        inside.push(evidence_in(view, folded.original(range)));
                    }
                    Some(range) if !wanted[seen.view] => elsewhere.push(evidence_in(view, range)),
                    Some(range) if words.drop_denied && words.is_denied(view, seen) => {
                        denied.push(evidence_in(view, range));
                    }
                    Some(range) => match covering(masks, view.segment, &range) {
                        Some(mask) => hidden.push(evidence_in(view, mask.range.clone())),
                        None => counts = Some(evidence_in(view, range)),
                    },
                }
            }
            counted.extend(counts);
        }
        if !counted.is_empty() {
            failure.found = format!("{} of {} different ones", counted.len(), words.min);
            failure.remedy = format!("{} more, or a smaller `min`", words.min - counted.len());
            failure.evidence = counted;
        } else if !hidden.is_empty() {
            failure.found = "it is there, and hidden by `except`".into();
            failure.remedy = "a narrower `except`".into();
            failure.evidence = hidden;
        } else if !denied.is_empty() {
            failure.found = "it is there, and denied right beside it".into();
            failure.remedy = "no `neg = \"drop\"`".into();
            failure.evidence = denied;
        } else if !inside.is_empty() {
            failure.found = "only as part of a longer word or number".into();
            failure.remedy = "it standing alone, or `word = \"off\"`".into();
            failure.evidence = inside;
        } else if let Some(spread) = self.spread(words, &wanted) {
            failure.found = "only with blanks or marks between its characters".into();
            failure.remedy = "`squeeze = true`".into();
            failure.evidence = vec![spread];
        } else if let Some(first) = elsewhere.first() {
            (failure.found, failure.remedy) = wrong_segment(first.segment);
            failure.evidence = elsewhere;
        } else {
            self.nothing_found(failure);
        }
    }

    /// A keyword that only the squeezed view shows, where it was looked for in the other.
    fn spread(&self, words: &WordsIn, wanted: &[bool]) -> Option<Evidence> {
        if words.look == Look::Squeezed {
            return None;
        }
        let views = self.views.all().iter().enumerate().filter(|(at, _)| wanted[*at]);
        let mut squeezed = views.map(|(_, view)| (view, view.look(Look::Squeezed)));
        squeezed.find_map(|(view, folded)| {
            words.needles.iter().find_map(|needle| {
                let word = fold(self.rules.vocabulary.word(*needle));
                let word = word.squeeze();
                let at = folded.text().find(word.text()).filter(|_| !word.text().is_empty())?;
                Some(evidence_in(view, folded.original(at..at + word.text().len())))
            })
        })
    }

    fn pattern_failure(&self, pattern: &PatternIn, scope: Option<Segments>, masks: &[Mask], failure: &mut Failure) {
        let wanted = self.in_scope(pattern.segments.or(scope));
        for (at, view) in self.views.all().iter().enumerate() {
            let Some(found) = pattern.regex.get().find(view.folded.text()) else { continue };
            let range = view.folded.original(found.range());
            if !wanted[at] {
                (failure.found, failure.remedy) = wrong_segment(view.segment);
            } else if let Some(mask) = covering(masks, view.segment, &range) {
                failure.found = "it matches, and is hidden by `except`".into();
                failure.remedy = "a narrower `except`".into();
                failure.evidence = vec![evidence_in(view, mask.range.clone())];
                return;
            } else {
                continue;
            }
            failure.evidence.push(evidence_in(view, range));
        }
        if failure.evidence.is_empty() {
            self.nothing_found(failure);
        }
    }

    /// The steps that are there, in whatever order and distance.
    fn sequence_failure(&self, sequence: &SequenceIn, failure: &mut Failure) {
        for step in &sequence.steps {
            let seen = step.iter().find_map(|needle| self.sightings.of(*needle).next());
            let Some(seen) = seen else { continue };
            let view = &self.views.all()[seen.view];
            failure.evidence.push(evidence_in(view, view.look(sequence.look).original(seen.start..seen.end)));
        }
        match failure.evidence.len() {
            0 => self.nothing_found(failure),
            there if there == sequence.steps.len() => {
                failure.found = "not in this order, or too far apart".into();
                failure.remedy = format!("the steps in order, or more than `within = {}`", sequence.within);
            }
            there => {
                failure.found = format!("{there} of {} steps", sequence.steps.len());
                failure.remedy = "all steps, in order".into();
            }
        }
    }

    fn nothing_found(&self, failure: &mut Failure) {
        failure.found = "nothing of it".into();
        failure.remedy = "one of these words there".into();
        if self.input.subject_unchanged {
            failure.found = "nothing of it; the subject is that of the mail before, and was judged with it".into();
        }
    }

    /// What is there, where it is not text that was looked for.
    fn instead(&self, condition: &Condition) -> String {
        let message = self.input.message;
        let or_none = |text: String| if text.is_empty() { "there is none".to_owned() } else { format!("it is {text}") };
        match condition {
            Condition::Header { name, test } => {
                let values: Vec<&str> = message.field(name).collect();
                match (values.is_empty(), test) {
                    (true, _) => "it is not there".into(),
                    (false, Test::Present(false)) => format!("it is there: “{}”", values.join("”, “")),
                    (false, _) => format!("it is “{}”", values.join("”, “")),
                }
            }
            Condition::From(_) | Condition::FromDomain(_) => {
                or_none(message.sender().map(ToString::to_string).unwrap_or_default())
            }
            Condition::To(_) => or_none(message.recipients().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
            Condition::Language(_) => format!("it is {}", self.input.language),
            Condition::Hours(_) => format!("they are {}", self.hours.as_str()),
            Condition::Case(_) => format!("it is {}", self.input.case.as_str()),
            Condition::Exchanges(_) => format!("there are {}", self.input.exchanges),
            Condition::Answers(_) => format!("there are {}", self.input.answers),
            Condition::Attachment(_) => {
                let names: Vec<&str> = message.attachments.iter().map(|attachment| attachment.name.as_str()).collect();
                or_none(names.join(", "))
            }
            Condition::Field { id, .. } => {
                self.fields.get(id).map_or("it was not found".into(), |value| format!("it is “{value}”"))
            }
            Condition::Category(_) => {
                let won = self.won.as_ref().map_or(super::UNCLASSIFIED, |won| won.category.as_str());
                format!("it is {won}")
            }
            Condition::Score(_) => format!("it is {}", self.best_score),
            Condition::RecipientTag(_) => {
                let details = message.recipients().filter_map(|to| to.detail('+').map(|(_, detail)| detail.to_owned()));
                or_none(details.collect::<Vec<_>>().join(", "))
            }
            Condition::Tier(_) => or_none(self.input.tier.unwrap_or_default().to_owned()),
            Condition::Age(_) => format!("it is {}", self.input.age.as_secs()),
            Condition::OpenCases(_) => format!("there are {}", self.input.open_cases),
            Condition::Auth(_) => {
                let told =
                    Method::ALL.map(|method| format!("{}:{}", method.as_str(), method.of(&self.input.proofs).as_str()));
                format!("it is {}", told.join(", "))
            }
            Condition::Code(_) => {
                let said = |code: &Code| self.views.all()[code.view].folded.text()[code.range.clone()].to_owned();
                or_none(self.codes().iter().map(said).collect::<Vec<_>>().join(", "))
            }
            Condition::Secret(_) => "there is none".into(),
            Condition::Words(_)
            | Condition::Pattern(_)
            | Condition::Sequence(_)
            | Condition::Rule(_)
            | Condition::Group(_) => String::new(),
        }
    }

    fn looked_in(&self, condition: &Condition, scope: Option<Segments>) -> String {
        let segments = match condition {
            Condition::Words(words) => words.segments,
            Condition::Pattern(pattern) => pattern.segments,
            Condition::Code(code) => code.segments,
            Condition::Sequence(sequence) => sequence.segments,
            Condition::Secret(secret) => secret.segments,
            _ => return String::new(),
        };
        tell_segments(segments.or(scope).unwrap_or(self.views.default_segments()))
    }
}

fn item(path: &str, group: &str, at: usize) -> String {
    join(path, &format!("{group}[{}]", at + 1))
}

fn join(path: &str, part: &str) -> String {
    if path.is_empty() { part.to_owned() } else { format!("{path}.{part}") }
}

fn covering<'m>(masks: &'m [Mask], segment: Segment, range: &std::ops::Range<usize>) -> Option<&'m Mask> {
    masks.iter().find(|mask| is_masked(std::slice::from_ref(mask), segment, range))
}

fn wrong_segment(segment: Segment) -> (String, String) {
    let counts = match segment.factor() {
        0.0 => ", where it may gate a rule but proves nothing",
        _ => "",
    };
    (format!("only in {segment}"), format!("it in the parts that are looked into, or `in = [\"{segment}\"]`{counts}"))
}

/// The whole word or number that a keyword was seen as a part of.
fn longer(text: &str, seen: &Seen, edges: Edges) -> std::ops::Range<usize> {
    let joined = |c: &char| if edges == Edges::Word { c.is_alphanumeric() } else { c.is_ascii_alphanumeric() };
    let before: usize = text[..seen.start].chars().rev().take_while(joined).map(char::len_utf8).sum();
    let after: usize = text[seen.end..].chars().take_while(joined).map(char::len_utf8).sum();
    seen.start - before..seen.end + after
}
