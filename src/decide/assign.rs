//! Who of a group gets a case.
//!
//! Whoever has it keeps it, until they are away. A new case goes to everybody of its group who is there, and whoever claims
//! it or answers first has it; or, where the group shares in turn or by load, to one of them: of those who are there,
//! who speak the requester's language, who are at work, each as far as there is anybody. That nobody is there never means
//! that nobody is told.

use crate::address::Address;
use crate::case::{AgentFacts, Case, Facts};
use crate::config::Sharing;
use crate::ids::GroupId;
use crate::playbook::Playbook;
use crate::time::{Calendar, Timestamp};

/// Gives the case to whom it is to be given, and says who is sent it. `shares` is false for what everybody may see and
/// nobody has to work on.
pub(super) fn assign(
    case: &mut Case,
    shares: bool,
    facts: &Facts,
    playbook: &Playbook,
    now: Timestamp,
) -> Vec<Address> {
    let is_there = |agent: &Address| is_there(agent, facts, now);
    let handoff = &playbook.config().handoff;
    let mut to = match &case.work.agent {
        Some(holder) if is_there(holder) && playbook.is_agent(holder) => vec![holder.clone()],
        _ => {
            let group = handoff.addresses(&case.group);
            let there = narrowed(group.iter().collect(), |agent| is_there(agent));
            case.work.agent = match handoff.sharing(&case.group) {
                Sharing::Everybody => None,
                _ if !shares => None,
                sharing => pick(there.clone(), sharing, case, facts, playbook, now).cloned(),
            };
            match &case.work.agent {
                Some(agent) => vec![agent.clone()],
                None => there.into_iter().cloned().collect(),
            }
        }
    };
    let tier = case.requester.as_ref().and_then(|requester| playbook.config().tier_of(requester));
    if let Some(copy) = tier.and_then(|(_, tier)| tier.copy.as_ref()).filter(|_| shares) {
        let more: Vec<Address> = handoff.addresses(copy).iter().filter(|agent| !to.contains(agent)).cloned().collect();
        to.extend(more);
    }
    to
}

/// How many of a group answer: those who are there and at work; before it opens, those who will be there.
pub(super) fn present(group: &GroupId, facts: &Facts, playbook: &Playbook, now: Timestamp) -> usize {
    let all = playbook.config().handoff.addresses(group).iter().collect();
    let there = narrowed(all, |agent| is_there(agent, facts, now));
    narrowed(there, |agent| at_work(agent, group, playbook, now)).len()
}

fn is_there(agent: &Address, facts: &Facts, now: Timestamp) -> bool {
    known(agent, facts).away_until.is_none_or(|until| until <= now)
}

/// By the agent's own calendar, else that of the group.
fn at_work(agent: &Address, group: &GroupId, playbook: &Playbook, now: Timestamp) -> bool {
    calendar_of(agent, group, playbook).is_none_or(|calendar| calendar.moment(now).is_open())
}

/// When an agent who works for this group works; none: always.
pub(super) fn calendar_of<'a>(agent: &Address, group: &GroupId, playbook: &'a Playbook) -> Option<&'a Calendar> {
    let taxonomy = playbook.rules().taxonomy();
    match playbook.config().handoff.agent(agent).and_then(|agent| agent.calendar.as_ref()) {
        Some(own) => taxonomy.calendar_named(own),
        None => taxonomy.calendar(group),
    }
}

fn known(agent: &Address, facts: &Facts) -> AgentFacts {
    facts.agents.get(agent).copied().unwrap_or_default()
}

/// Those for whom it holds, or all if it holds for nobody.
fn narrowed(agents: Vec<&Address>, holds: impl Fn(&Address) -> bool) -> Vec<&Address> {
    match agents.iter().any(|agent| holds(agent)) {
        true => agents.into_iter().filter(|agent| holds(agent)).collect(),
        false => agents,
    }
}

fn pick<'a>(
    there: Vec<&'a Address>,
    sharing: Sharing,
    case: &Case,
    facts: &Facts,
    playbook: &Playbook,
    now: Timestamp,
) -> Option<&'a Address> {
    let handoff = &playbook.config().handoff;
    let speaks = |agent: &Address| handoff.agent(agent).is_none_or(|agent| agent.speaks(case.language));
    let at_work = |agent: &Address| at_work(agent, &case.group, playbook, now);
    let candidates = narrowed(narrowed(there, speaks), at_work);
    // Of equals the first named; the order never depends on anything but what is written down.
    candidates.into_iter().min_by_key(|agent| {
        let AgentFacts { open, assigned, .. } = known(agent, facts);
        (if sharing == Sharing::LeastOpen { open } else { 0 }, assigned)
    })
}
