//! What the rules are asked about a mail.

use std::borrow::Cow;
use std::time::Duration;

use super::{Mail, redact};
use crate::case::{Case, CaseState, Facts};
use crate::ids::RuleId;
use crate::language::Language;
use crate::message::Message;
use crate::playbook::Playbook;
use crate::rules::{CaseMoment, Input, Judgement, Proof, Proofs, Rules, Trace};
use crate::screen::{Authentication, Verdict};
use crate::thread;
use crate::time::Timestamp;

/// What the rules said in a decision, with the scores that it was made without.
pub fn scored(question: &Input<'_>, playbook: &Playbook) -> Judgement {
    redact::judged(playbook.rules().judge(question))
}

/// How this rule fared with a mail, as those who work here may read it.
pub fn traced(question: &Input<'_>, rules: &Rules, rule: &RuleId) -> Option<Trace> {
    Some(redact::traced(rules.trace(question, rule)?, &rules.judge_without_scores(question)))
}

/// The rules that came closest to holding, the closest first, as those who work here may read it.
pub fn near_misses(question: &Input<'_>, rules: &Rules, most: usize) -> Vec<Trace> {
    let judgement = rules.judge_without_scores(question);
    rules.near_misses(question, most).into_iter().map(|trace| redact::traced(trace, &judgement)).collect()
}

/// A mail as those who work here may read it: with its secrets masked.
pub fn shown<'m>(question: &Input<'m>, rules: &Rules) -> Cow<'m, Message> {
    let judgement = rules.judge_without_scores(question);
    redact::redacted(question.message, &judgement).map_or(Cow::Borrowed(question.message), Cow::Owned)
}

/// The same of a mail that is looked at by itself, whatever case it belongs to.
pub fn shown_alone<'m>(message: &'m Message, playbook: &Playbook, now: Timestamp) -> Cow<'m, Message> {
    let language = message.language.language().unwrap_or(playbook.config().handoff.language);
    shown(&Input::first(message, language, now), playbook.rules())
}

/// What the rules are asked about a mail that comes into this case, or opens one.
pub fn question<'a>(
    mail: &Mail<'a>,
    before: Option<&'a Case>,
    facts: &Facts,
    authentication: &Authentication,
    playbook: &'a Playbook,
    now: Timestamp,
) -> Input<'a> {
    // Whose From is proven false is no customer of any kind.
    let believed = authentication.verdict != Verdict::Fail;
    let sender = mail.message.sender().filter(|_| believed);
    let followed_is_open = before.is_some_and(|case| case.state != CaseState::Closed);
    let tier = sender.and_then(|sender| playbook.config().tier_of(sender));
    Input {
        case: moment(before),
        tier: tier.map(|(name, _)| name),
        tier_group: tier.and_then(|(_, tier)| tier.group.as_ref()),
        age: before.map_or(Duration::ZERO, |case| now.duration_since(case.opened).unsigned_abs()),
        open_cases: facts.open_cases.saturating_sub(u32::from(followed_is_open)),
        proofs: proofs(authentication),
        subject_unchanged: before.is_some() && thread::is_reply(mail.message),
        exchanges: before.map_or(0, |case| case.received) + 1,
        answers: before.map_or(0, |case| case.answers),
        group: Some(before.map_or(&mail.mailbox.group, |case| &case.group)),
        ..Input::first(mail.message, language(mail, before), now)
    }
}

/// The language we speak with the requester: theirs, else the one spoken before, else the mailbox's.
fn language(mail: &Mail<'_>, before: Option<&Case>) -> Language {
    let spoken_before = before.map(|case| case.language);
    mail.message.language.language().or(spoken_before).unwrap_or(mail.mailbox.language)
}

fn proofs(authentication: &Authentication) -> Proofs {
    let proof = |verdict| match verdict {
        Verdict::Pass => Proof::Pass,
        Verdict::Fail => Proof::Fail,
        Verdict::Unknown => Proof::Unknown,
    };
    Proofs {
        dkim: proof(authentication.dkim),
        spf: proof(authentication.spf),
        dmarc: proof(authentication.dmarc),
        from: proof(authentication.verdict),
    }
}

fn moment(before: Option<&Case>) -> CaseMoment {
    match before.map(|case| case.state) {
        None => CaseMoment::New,
        Some(CaseState::New | CaseState::Answered) => CaseMoment::Reply,
        Some(CaseState::Offered) => CaseMoment::Offered,
        Some(CaseState::WithAgents | CaseState::Waiting) => CaseMoment::HandedOff,
        Some(CaseState::Closed) => CaseMoment::Closed,
    }
}
