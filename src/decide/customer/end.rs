//! How a case ends, and the one question after it.

use super::rating;
use crate::address::Address;
use crate::case::{Alarm, Case, CaseState, Clues, Facts, Milestone, Scope};
use crate::compose;
use crate::config::Rollout;
use crate::decide::budget;
use crate::outgoing::{Leaves, Outgoing, Purpose};
use crate::playbook::{OwnTemplates, Playbook, own};
use crate::time::Timestamp;

/// The case is settled. Later its requester may be asked what they think of it.
pub(in crate::decide) fn close(case: &mut Case, playbook: &Playbook, now: Timestamp) {
    case.state = CaseState::Closed;
    case.work.closed = Some(now);
    case.work.timers.clear();
    case.work.course.add(Milestone::Closed, now);
    let wait = jiff::SignedDuration::from_mins(playbook.config().cases.survey_minutes.into());
    if !wait.is_zero() && !case.work.surveyed {
        case.work.set_timer(Alarm::Survey, now + wait);
    }
}

/// What to ask the store before a requester is written to whose mail is not at hand.
pub fn clues_of(case: &Case) -> Clues {
    let scopes = case.requester.as_ref().map(scopes).unwrap_or_default();
    Clues { scopes, ..Clues::default() }
}

fn scopes(to: &Address) -> Vec<Scope> {
    vec![Scope::Sender(to.counting_key()), Scope::Domain(to.domain().to_owned()), Scope::Global]
}

/// What a further mail to the requester is counted by; none if it must not leave.
pub(in crate::decide) fn may_write(
    case: &Case,
    facts: &Facts,
    playbook: &Playbook,
    now: Timestamp,
) -> Option<Vec<Scope>> {
    let to = case.requester.as_ref()?;
    let scopes = scopes(to);
    let config = playbook.config();
    let stopped = !config.reply.enabled
        || config.rollout.all == Rollout::Shadow
        || facts.tripped.is_some()
        || facts.haste.robot_at(now).is_some()
        || playbook.is_colleague(to)
        || facts.suppressed.get(&scopes[0]).is_some_and(|until| *until > now)
        || budget::exhausted(&scopes, &facts.budgets, &config.budget, now).is_some();
    (!stopped).then_some(scopes)
}

/// The question, and what it is counted by: once, and only to whom was answered.
pub(in crate::decide) fn survey(
    case: &mut Case,
    facts: &Facts,
    playbook: &Playbook,
    now: Timestamp,
) -> Option<(Outgoing, Vec<Scope>)> {
    if case.state != CaseState::Closed || !rating::may_be_asked(case) {
        return None;
    }
    let scopes = may_write(case, facts, playbook, now)?;
    let (to, mailbox) = (case.requester.as_ref()?, playbook.config().mailbox(&case.mailbox)?);
    let mut values = playbook.values(&case.group, case.language, now);
    values.text("case.number", &case.number.to_string());
    let written = playbook.templates().render(&own(OwnTemplates::SURVEY), case.language, &values).ok()?;
    let voice = playbook.voice(mailbox, case.language);
    let (key, name, purpose) = (playbook.key(), format!("survey {now}"), Purpose::Answer);
    let thread = &case.work.thread;
    let mail = compose::in_thread(key, &voice, purpose, case.number, to, thread, &written, &name, Leaves::AtOnce, now);
    case.work.surveyed = true;
    case.said.add(written.body());
    Some((mail, scopes))
}
