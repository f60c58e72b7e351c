//! What the time brings in a case: a reminder before a promise is broken, the way up after it, the end of a silence.
//!
//! The clocks run in the working time of the group that has the case; only a requester's silence is counted as people
//! count it. A clock that jumps brings nothing twice: a timer is a moment in the case, and gone once it has rung.

use super::customer::{self, Utterance};
use crate::address::Address;
use crate::case::{Alarm, Case, CaseState, Facts, Scope};
use crate::compose::{self, Written};
use crate::decide::told::by_language;
use crate::ids::{GroupId, Right};
use crate::language::Language;
use crate::outgoing::{Leaves, Outgoing, Purpose};
use crate::playbook::{OwnTemplates, Playbook, own};
use crate::time::{Calendar, Timestamp};

use std::time::Duration;

/// What became of a case when its timers had run down.
#[derive(Debug, Clone, PartialEq)]
pub struct Rung {
    pub case: Case,
    pub outgoing: Vec<Outgoing>,
    /// What the mails to the requester are counted by.
    pub spent: Vec<Scope>,
    /// (key, text) lines for the journal.
    pub why: Vec<(String, String)>,
}

/// What is known when timers of a case have run down.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// What the store answered to [`super::clues_of`].
    pub facts: Facts,
    /// All that was said in the case, where somebody has asked for it.
    pub said: Vec<Utterance>,
}

/// By when a human answers a mail that goes to humans now: the promise that the clocks keep. None where no clock runs.
pub(super) fn promise(case: &Case, playbook: &Playbook, now: Timestamp) -> Option<Timestamp> {
    let mut case = case.clone();
    await_humans(&mut case, playbook, now);
    promised(&case)
}

/// By when a human answers what they have already; none where that time has passed, or no clock runs.
pub(super) fn promised(case: &Case) -> Option<Timestamp> {
    let promises = |what: &Alarm| matches!(what, Alarm::FirstResponse | Alarm::FollowUp);
    case.work.timers.iter().find(|timer| promises(&timer.what)).map(|timer| timer.at)
}

/// Is the time over in which a human should have answered, whoever was told so? What a promise made now would say is kept by
/// no clock then.
pub(super) fn is_late(case: &Case, playbook: &Playbook, now: Timestamp) -> bool {
    let with_agents = case.state == CaseState::WithAgents;
    with_agents && promised(case).is_none_or(|due| due <= now) && promise(case, playbook, now).is_some()
}

/// A mail of the requester is with humans now: by when must they answer?
pub(super) fn await_humans(case: &mut Case, playbook: &Playbook, now: Timestamp) {
    let first = case.work.relays == 0;
    let clocks = &playbook.config().handoff.clocks;
    let category = case.category.as_ref().and_then(|id| playbook.rules().taxonomy().category(id));
    let tier = case.requester.as_ref().and_then(|requester| playbook.config().tier_of(requester));
    let tier = tier.map(|(_, tier)| tier);
    let (within, warn, breach) = match first {
        true => (
            tier.and_then(|tier| tier.first_response)
                .or_else(|| category.and_then(|category| category.first_response))
                .unwrap_or(clocks.first_response),
            Alarm::FirstResponseWarn,
            Alarm::FirstResponse,
        ),
        false => (
            tier.and_then(|tier| tier.follow_up)
                .or_else(|| category.and_then(|category| category.follow_up))
                .unwrap_or(clocks.follow_up),
            Alarm::FollowUpWarn,
            Alarm::FollowUp,
        ),
    };
    case.work.stop_timer(Alarm::Silence);
    case.work.stop_timer(Alarm::Wake);
    case.work.stop_timer(Alarm::Survey);
    // The oldest unanswered mail counts: who writes again does not wait longer for it.
    if within.is_zero() || case.work.timers.iter().any(|timer| timer.what == breach) {
        return;
    }
    if let Some(at) = later(playbook, &case.group, now, within) {
        case.work.set_timer(breach, at);
    }
    let soon = within * u32::from(clocks.warn_percent) / 100;
    if let Some(at) = later(playbook, &case.group, now, soon).filter(|_| clocks.warn_percent < 100) {
        case.work.set_timer(warn, at);
    }
}

/// The requester has been answered: if nothing more comes, the case closes.
pub(super) fn await_requester(case: &mut Case, playbook: &Playbook, now: Timestamp) {
    let silence = playbook.config().handoff.clocks.silence;
    if !silence.is_zero() {
        case.work.set_timer(Alarm::Silence, now + signed(silence));
    }
}

/// The moment after so much of the group's working time. A group without a calendar is always there.
pub(super) fn later(playbook: &Playbook, group: &GroupId, now: Timestamp, worked: Duration) -> Option<Timestamp> {
    match playbook.rules().taxonomy().calendar(group) {
        Some(calendar) => calendar.after(now, signed(worked)),
        None => Calendar::always().after(now, signed(worked)),
    }
}

fn signed(time: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(time).unwrap_or(jiff::SignedDuration::MAX)
}

/// Does what the timers say that have run down by `now`. A case without such is given back as it is.
pub fn ring(case: &Case, found: &Found, playbook: &Playbook, now: Timestamp) -> Rung {
    let due: Vec<Alarm> = case.work.timers.iter().filter(|timer| timer.at <= now).map(|timer| timer.what).collect();
    let mut rung = Rung { case: case.clone(), outgoing: Vec::new(), spent: Vec::new(), why: Vec::new() };
    for alarm in due {
        rung.case.work.stop_timer(alarm);
        rung.why.push(("alarm".into(), alarm.as_str().into()));
        // An earlier alarm of this round may have closed it.
        if rung.case.state != CaseState::Closed || matches!(alarm, Alarm::Survey | Alarm::Transcript) {
            sound(alarm, &mut rung, found, playbook, now);
        }
    }
    rung.why.push(("state".into(), rung.case.state.as_str().into()));
    rung
}

fn sound(alarm: Alarm, rung: &mut Rung, found: &Found, playbook: &Playbook, now: Timestamp) {
    match alarm {
        Alarm::FirstResponseWarn | Alarm::FollowUpWarn => {
            let to = holders(&rung.case, playbook);
            remind(rung, &to, soon, alarm, playbook, now);
        }
        Alarm::FirstResponse | Alarm::FollowUp => {
            // Whoever has it had their chance: the whole group hears.
            let to = playbook.config().handoff.addresses(&rung.case.group).to_vec();
            remind(rung, &to, passed, alarm, playbook, now);
            further_up(Alarm::Escalate, rung, playbook, now);
        }
        Alarm::Escalate => {
            let config = playbook.config();
            let leads = match config.handoff.leads(&rung.case.group) {
                [] => config.operator.iter().cloned().collect(),
                leads => leads.to_vec(),
            };
            remind(rung, &leads, escalated, alarm, playbook, now);
            further_up(Alarm::Emergency, rung, playbook, now);
        }
        Alarm::Emergency => {
            let config = playbook.config();
            let desk = config.handoff.emergency.as_ref().and_then(|group| config.handoff.groups.get(group));
            let to: Vec<Address> = match desk {
                Some(desk) => desk.to.clone(),
                None => config.operator.iter().cloned().collect(),
            };
            remind(rung, &to, last_resort, alarm, playbook, now);
        }
        Alarm::Wake => {
            rung.case.state = CaseState::WithAgents;
            await_humans(&mut rung.case, playbook, now);
            let to = holders(&rung.case, playbook);
            remind(rung, &to, woken, alarm, playbook, now);
        }
        Alarm::Silence => {
            // A case that humans have not answered is never closed by the requester's patience.
            if rung.case.state == CaseState::WithAgents {
                return;
            }
            customer::close(&mut rung.case, playbook, now);
            // The question stands in the last word, and is not asked a second time.
            rung.case.work.stop_timer(Alarm::Survey);
            if let Some(spent) = customer::may_write(&rung.case, &found.facts, playbook, now) {
                rung.outgoing.extend(goodbye(&mut rung.case, playbook, now));
                rung.spent.extend(spent);
            }
        }
        Alarm::Survey => {
            if let Some((mail, spent)) = customer::survey(&mut rung.case, &found.facts, playbook, now) {
                rung.outgoing.push(mail);
                rung.spent.extend(spent);
            }
        }
        // It was counted when it was asked for.
        Alarm::Transcript => rung.outgoing.extend(customer::transcript(&rung.case, &found.said, playbook, now)),
    }
}

/// What agents are told, in their language.
type Line = fn(Language) -> String;

/// If nobody answers until then, the next ones hear.
fn further_up(alarm: Alarm, rung: &mut Rung, playbook: &Playbook, now: Timestamp) {
    let handoff = &playbook.config().handoff;
    let wanted = alarm != Alarm::Emergency || handoff.emergency.is_some();
    let after = handoff.clocks.escalate;
    if let Some(at) = later(playbook, &rung.case.group, now, after).filter(|_| wanted && !after.is_zero()) {
        rung.case.work.set_timer(alarm, at);
    }
}

/// The agent who has the case, else its group.
pub(super) fn holders(case: &Case, playbook: &Playbook) -> Vec<Address> {
    match &case.work.agent {
        Some(agent) => vec![agent.clone()],
        None => playbook.config().handoff.addresses(&case.group).to_vec(),
    }
}

fn remind(rung: &mut Rung, to: &[Address], line: Line, alarm: Alarm, playbook: &Playbook, now: Timestamp) {
    let name = format!("{} {now}", alarm.as_str());
    rung.outgoing.extend(reminders(&rung.case, to, line, &name, playbook, now));
}

/// A line about a case to each of these agents in their language, with the token by which they act on it.
pub(super) fn reminders(
    case: &Case,
    to: &[Address],
    line: impl Fn(Language) -> String,
    name: &str,
    playbook: &Playbook,
    now: Timestamp,
) -> Vec<Outgoing> {
    let Some(mailbox) = playbook.config().mailbox(&case.mailbox) else { return Vec::new() };
    let reminder = |agent: &Address| {
        let language = playbook.agent_language(agent);
        let line = line(language);
        let mut values = playbook.values(&case.group, language, now);
        values.text("case.number", &case.number.to_string());
        values.list("receipt.lines", [line.as_str()]);
        let written = playbook.templates().render(&own(OwnTemplates::REMINDER), language, &values);
        let written = written.unwrap_or_else(|_| Written::new("", &line, language));
        let voice = playbook.voice(mailbox, language);
        let token = playbook.token(case.number, Right::Reply, agent, now);
        let reply_to = playbook.reply_address(mailbox, &token);
        compose::forward(playbook.key(), &voice, &token, agent, &reply_to, &written, None, name, now)
    };
    to.iter().map(reminder).collect()
}

/// The last word to a requester who has been silent, where they may be written to.
fn goodbye(case: &mut Case, playbook: &Playbook, now: Timestamp) -> Option<Outgoing> {
    let to = case.requester.as_ref()?;
    let mailbox = playbook.config().mailbox(&case.mailbox)?;
    let mut values = playbook.values(&case.group, case.language, now);
    values.text("case.number", &case.number.to_string());
    let asks = playbook.config().cases.survey_minutes > 0 && customer::may_be_asked(case);
    values.flag("close.survey", asks);
    let written = playbook.templates().render(&own(OwnTemplates::SILENT), case.language, &values).ok()?;
    let voice = playbook.voice(mailbox, case.language);
    let (key, thread) = (playbook.key(), &case.work.thread);
    let name = format!("silence {now}");
    let leaves = Leaves::AtOnce;
    let mail = compose::in_thread(key, &voice, Purpose::Answer, case.number, to, thread, &written, &name, leaves, now);
    case.work.surveyed |= asks;
    case.said.add(written.body());
    Some(mail)
}

fn soon(language: Language) -> String {
    by_language(
        language,
        "答复期限快到了，客户还在等",
        "the time promised to the customer is nearly over",
        "回答期限が近づいています。お客様がお待ちです",
    )
    .into()
}

fn passed(language: Language) -> String {
    by_language(
        language,
        "答复期限已过，客户还没有收到人工答复",
        "the time promised to the customer is over, and no human has answered",
        "回答期限を過ぎましたが、担当者からの返信がまだありません",
    )
    .into()
}

fn escalated(language: Language) -> String {
    by_language(
        language,
        "期限已过且催办后仍未答复，请您安排",
        "the time is over and a reminder has not helped: please see to it",
        "期限超過後の督促にも応答がありません。対応の手配をお願いします",
    )
    .into()
}

fn last_resort(language: Language) -> String {
    by_language(
        language,
        "期限已过，处理组和负责人都没有答复，请立即接手",
        "the time is over, and neither the group nor its leads have answered: please take it over now",
        "期限超過後、担当グループも責任者も応答していません。至急ご対応ください",
    )
    .into()
}

fn woken(language: Language) -> String {
    by_language(
        language,
        "搁置的时间到了，请继续处理",
        "you put this case aside until now",
        "保留の期限になりました。対応を再開してください",
    )
    .into()
}

/// The requester gave a sign of life that changes who waits for whom.
pub(super) fn moved(case: &mut Case, goes_to_humans: bool, answered: bool, playbook: &Playbook, now: Timestamp) {
    if case.state == CaseState::Closed {
        return;
    }
    case.work.stop_timer(Alarm::Survey);
    if goes_to_humans {
        await_humans(case, playbook, now);
    } else if answered {
        await_requester(case, playbook, now);
    }
}
