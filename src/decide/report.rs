//! How the desk did since the last report: what came, what waits, what was late, what the rules did, and that every mail
//! is accounted for. It has figures only, nothing that a customer wrote.

use std::collections::{BTreeMap, BTreeSet};

use super::{clock, told};
use crate::address::Address;
use crate::case::{Alarm, Case, CaseState};
use crate::compose::{self, Values, Written};
use crate::ids::{GroupId, MailHash, RuleId};
use crate::language::Language;
use crate::outgoing::{Outgoing, Purpose};
use crate::playbook::{OwnTemplates, Playbook, own};
use crate::rules::Rules;
use crate::time::Timestamp;

/// Rules that are named; of the others only the number is told.
const RULES: usize = 15;

/// What is counted, record by record and case by case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    pub groups: BTreeMap<GroupId, GroupTally>,
    /// How often each rule held, and how many of these mails were answered.
    pub rules: BTreeMap<String, (u64, u64)>,
    pub ledger: LedgerTally,
    /// Automatic answers, replies of agents, and mails that failed for good.
    pub answers: u64,
    pub relays: u64,
    pub failed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupTally {
    /// Cases that were opened.
    pub new: u64,
    /// Times that passed without a human's answer.
    pub breached: u64,
    /// Cases that wait for an agent now, and those of them whose time is over.
    pub waiting: u64,
    pub late: u64,
    /// Cases that wait for their requester now.
    pub with_requester: u64,
    /// Cases that an agent has put aside, and when the first of them comes back.
    pub aside: u64,
    pub wakes: Option<Timestamp>,
}

/// Every mail that was taken, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerTally {
    taken: BTreeSet<MailHash>,
    decided: BTreeSet<MailHash>,
    pub by_outcome: BTreeMap<&'static str, u64>,
    pub vanished: u64,
}

impl LedgerTally {
    pub fn took(&mut self, mail: MailHash) {
        self.taken.insert(mail);
    }

    pub fn decided(&mut self, mail: MailHash, outcome: &'static str) {
        if self.decided.insert(mail) {
            *self.by_outcome.entry(outcome).or_default() += 1;
        }
    }

    /// A mail that was decided before lay in another place too.
    pub fn again(&mut self) {
        *self.by_outcome.entry("duplicate").or_default() += 1;
    }

    /// Taken, and not decided yet.
    pub fn open(&self) -> usize {
        self.taken.difference(&self.decided).count()
    }
}

impl Tally {
    pub fn opened(&mut self, group: &GroupId) {
        self.group(group).new += 1;
    }

    /// The reasons of a decision, as they are written down.
    ///
    /// A rule counts where it acts, or speaks for the category that won: one that adds a little to every category holds
    /// for nearly every mail.
    pub fn reasons(&mut self, why: &[(String, String)], answered: bool, rules: &Rules) {
        let won = why.iter().find(|(key, _)| key == "category").and_then(|(_, told)| told.split(' ').next());
        let counts = |id: &str| {
            let rule = RuleId::parse(id).ok().and_then(|id| rules.rule(&id));
            rule.is_some_and(|rule| rule.category.as_ref().is_none_or(|category| Some(category.as_str()) == won))
        };
        for (_, rule) in why.iter().filter(|(key, rule)| key == "rule" && counts(rule)) {
            let (hits, answers) = self.rules.entry(rule.clone()).or_default();
            *hits += 1;
            *answers += u64::from(answered);
        }
    }

    /// What rang in a case.
    pub fn rang(&mut self, group: &GroupId, why: &[(String, String)]) {
        let breach = [Alarm::FirstResponse, Alarm::FollowUp].map(Alarm::as_str);
        let rang = why.iter().filter(|(key, alarm)| key == "alarm" && breach.contains(&alarm.as_str())).count();
        self.group(group).breached += rang as u64;
    }

    pub fn sent(&mut self, purpose: Purpose) {
        match purpose {
            Purpose::Answer => self.answers += 1,
            Purpose::Relay => self.relays += 1,
            Purpose::Forward | Purpose::Receipt | Purpose::Notice => {}
        }
    }

    /// How a case stands now.
    pub fn stands(&mut self, case: &Case, playbook: &Playbook, now: Timestamp) {
        let tally = self.group(&case.group);
        match case.state {
            CaseState::WithAgents => {
                tally.waiting += 1;
                tally.late += u64::from(clock::is_late(case, playbook, now));
            }
            CaseState::Waiting => match case.work.put_aside() {
                None => tally.with_requester += 1,
                Some(until) => {
                    tally.aside += 1;
                    tally.wakes = Some(tally.wakes.map_or(until, |first| first.min(until)));
                }
            },
            _ => {}
        }
    }

    fn group(&mut self, group: &GroupId) -> &mut GroupTally {
        self.groups.entry(group.clone()).or_default()
    }
}

/// Who leads which groups: of a group that names nobody, those of the house.
pub fn leads(playbook: &Playbook) -> BTreeMap<Address, BTreeSet<GroupId>> {
    let mut leads: BTreeMap<Address, BTreeSet<GroupId>> = BTreeMap::new();
    for group in playbook.rules().taxonomy().groups() {
        for lead in playbook.config().handoff.leads(&group.id) {
            leads.entry(lead.clone()).or_default().insert(group.id.clone());
        }
    }
    leads
}

/// When the report before `now` was due; none: it is switched off, or nobody leads.
pub fn due(playbook: &Playbook, now: Timestamp) -> Option<Timestamp> {
    let at = playbook.config().handoff.report_at?;
    let mailbox = playbook.config().mailboxes.first()?;
    let calendar = playbook.rules().taxonomy().calendar(&mailbox.group);
    let zone = calendar.map_or(crate::time::zone("UTC")?, |calendar| calendar.zone.clone());
    let has_leads = !leads(playbook).is_empty();
    crate::time::last_at(at, &zone, now).filter(|_| has_leads)
}

/// The mail to each lead.
pub fn reports(tally: &Tally, playbook: &Playbook, now: Timestamp) -> Vec<Outgoing> {
    let Some(mailbox) = playbook.config().mailboxes.first() else { return Vec::new() };
    let report = |(lead, groups): (Address, BTreeSet<GroupId>)| {
        let language = playbook.agent_language(&lead);
        let template = own(OwnTemplates::REPORT);
        let written =
            playbook.templates().render(&template, language, &values(tally, &groups, language, playbook, now));
        let written = written.unwrap_or_else(|error| Written::new(template.as_str(), &error.to_string(), language));
        let name = format!("report {now}");
        compose::digest(playbook.key(), &playbook.voice(mailbox, language), &lead, &written, &name, now)
    };
    leads(playbook).into_iter().map(report).collect()
}

fn values(
    tally: &Tally,
    groups: &BTreeSet<GroupId>,
    language: Language,
    playbook: &Playbook,
    now: Timestamp,
) -> Values {
    let first = &playbook.config().mailboxes[0].group;
    let mut values = playbook.values(first, language, now);
    let calendar = playbook.rules().taxonomy().calendar(first);
    let day = match calendar {
        Some(calendar) => compose::describe_moment(calendar, now, language),
        None => now.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    };
    values.text("report.day", &day);
    let rows = groups.iter().map(|group| (group, tally.groups.get(group).copied().unwrap_or_default()));
    // A group with nothing to tell is left out.
    let rows = rows.filter(|(_, tally)| *tally != GroupTally::default()).map(|(group, tally)| {
        let mut row = Values::new();
        row.text("label", &playbook.group_label(group, language));
        let GroupTally { new, breached, waiting, late, with_requester, aside, wakes } = tally;
        let figures = [
            ("new", new),
            ("breached", breached),
            ("waiting", waiting),
            ("late", late),
            ("with_requester", with_requester),
        ];
        for (name, figure) in figures {
            row.text(name, &figure.to_string());
        }
        let wakes = wakes.map(|until| told::moment_of(group, until, language, playbook));
        row.text("aside", &wakes.as_ref().map(|_| aside.to_string()).unwrap_or_default());
        row.text("wakes", &wakes.unwrap_or_default());
        row
    });
    values.rows("report.groups", rows);
    let mut rules: Vec<_> = tally.rules.iter().collect();
    rules.sort_by_key(|(_, (hits, _))| std::cmp::Reverse(*hits));
    let others = rules.len().saturating_sub(RULES);
    let rows = rules.into_iter().take(RULES).map(|(rule, (hits, answered))| {
        let mut row = Values::new();
        row.text("id", rule).text("hits", &hits.to_string()).text("answered", &answered.to_string());
        row
    });
    values.rows("report.rules", rows);
    let outcome = |name: &str| tally.ledger.by_outcome.get(name).copied().unwrap_or_default().to_string();
    let decided: u64 = tally.ledger.by_outcome.values().sum();
    values
        .text("report.other_rules", &(if others > 0 { others.to_string() } else { String::new() }))
        .text("report.answers", &tally.answers.to_string())
        .text("report.relays", &tally.relays.to_string())
        .text("report.failed", &tally.failed.to_string())
        .text("report.decided", &decided.to_string())
        .text("report.opened", &outcome("opened"))
        .text("report.appended", &outcome("appended"))
        .text("report.duplicate", &outcome("duplicate"))
        .text("report.own", &outcome("own"))
        .text("report.quarantined", &outcome("quarantined"))
        .text("report.open", &tally.ledger.open().to_string())
        .text("report.vanished", &tally.ledger.vanished.to_string());
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mail_that_was_taken_is_accounted_for() {
        let mut ledger = LedgerTally::default();
        let mail = |n: u8| MailHash::of(&[n]);
        (0..10).for_each(|n| ledger.took(mail(n)));
        // Taken twice, decided once.
        ledger.took(mail(0));
        (0..8).for_each(|n| ledger.decided(mail(n), if n < 5 { "opened" } else { "appended" }));
        ledger.decided(mail(0), "opened");
        assert_eq!(ledger.by_outcome, [("opened", 5), ("appended", 3)].into());
        assert_eq!(ledger.open(), 2);
    }
}
