//! What the store knows about a mail before it is decided, and the questions by which it is found.
//!
//! `thread` reads the [`Clues`] out of a mail, the store answers with [`Facts`], `decide` judges them. So the
//! judgement stays a function of values.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::case::{Case, Prints};
use crate::ids::{CaseNumber, MailHash, MessageId};
use crate::time::Timestamp;

/// What a mail points at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clues {
    /// Cases named by Message-IDs of ours in its References, newest first; their proof has been checked.
    pub signed: Vec<CaseNumber>,
    /// Identifiers of others in its References: earlier mails of the requester.
    pub references: Vec<MessageId>,
    /// Case numbers in subject and text.
    pub numbers: Vec<CaseNumber>,
    /// The numbers a new case could get, best first.
    pub candidates: Vec<CaseNumber>,
    /// The budgets an answer would draw on.
    pub scopes: Vec<Scope>,
    /// Whose other cases are counted.
    pub sender: Option<Address>,
    /// What would make another mail the same mail.
    pub twin: Option<Twin>,
    /// Of whom is asked how much they have to do, and whether they are there.
    pub agents: Vec<Address>,
}

/// The same Message-ID, sender and text: the same mail on another way (To and Cc to two of our mailboxes,
/// a redelivery). A hash of all three, because a Message-ID alone can be squatted (V27 of docs/standards.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Twin(pub MailHash);

/// What the store answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The cases that the clues lead to, in the order of the clues.
    pub by_signed: Vec<Case>,
    /// Cases in which one of the references was received.
    pub by_reference: Vec<Case>,
    pub by_number: Vec<Case>,
    /// The first candidate number that is not yet a case's. None only if all are taken.
    pub free_number: Option<CaseNumber>,
    /// The case of this mail's twin, if one came within the last seven days.
    pub twin: Option<CaseNumber>,
    /// Cases of the sender that are not closed, as far as they are counted.
    pub open_cases: u32,
    pub budgets: Budgets,
    /// Until when these senders get no automatic answers; only those that were ever suppressed.
    pub suppressed: BTreeMap<Scope, Timestamp>,
    /// Fingerprints of what is internal in the case of the first signed clue.
    pub internal: Prints,
    /// Mails of that case that have not left yet, in the order in which they were written.
    pub waiting: Vec<Pending>,
    /// The agents that were asked for, those of whom something is known.
    pub agents: BTreeMap<Address, AgentFacts>,
}

/// A mail of ours that has not left yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    pub message_id: MessageId,
    pub to: Address,
    /// It speaks to the requester; else it is for the people of the house.
    pub to_requester: bool,
    /// Waits for a human's word.
    pub held: bool,
    /// Its sending has begun: it cannot be called back any more.
    pub started: bool,
}

/// What the store knows of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AgentFacts {
    /// Cases they have that are not closed.
    pub open: u32,
    /// When they were given one last.
    pub assigned: Option<Timestamp>,
    /// They are away until then.
    pub away_until: Option<Timestamp>,
}

/// An agent is away for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    pub agent: Address,
    /// In the past, if they are back.
    pub until: Timestamp,
}

/// An address that gets no automatic answers for a time: one came back for good, or its owner complained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    pub address: Address,
    pub until: Timestamp,
}

/// Whom or what automatic replies are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// A person, by [`crate::address::Address::counting_key`].
    Sender(String),
    Domain(String),
    /// Senders of whom nothing is known, all together.
    Unknown,
    /// The bot as a whole.
    Global,
}

/// When automatic replies went out, by scope: what was spent, not what is left.
pub type Budgets = BTreeMap<Scope, Window>;

/// The replies of the last 24 hours, counted in slots.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Window {
    /// (minutes since 1970, replies), oldest first. Times are rounded down to the slot of the scope.
    slots: Vec<(i64, u32)>,
}

const DAY_MINUTES: i64 = 24 * 60;

impl Suppression {
    /// Suppressed is a person, in whatever way their address is written.
    pub fn scope(&self) -> Scope {
        Scope::Sender(self.address.counting_key())
    }
}

impl Scope {
    /// The width of a slot in minutes. A scope with a large budget is counted in wide slots, so that its
    /// window stays small; counting errs on the side of silence by at most one slot.
    fn slot_minutes(&self) -> i64 {
        match self {
            Scope::Sender(_) => 1,
            Scope::Domain(_) | Scope::Unknown => 5,
            Scope::Global => 15,
        }
    }

    /// `sender:…`, `domain:…`, `unknown`, `global`: the key in the store and the word in `explain`.
    pub fn key(&self) -> String {
        match self {
            Scope::Sender(key) => format!("sender:{key}"),
            Scope::Domain(domain) => format!("domain:{domain}"),
            Scope::Unknown => "unknown".into(),
            Scope::Global => "global".into(),
        }
    }

    pub fn parse(key: &str) -> Option<Scope> {
        match key.split_once(':') {
            Some(("sender", rest)) => Some(Scope::Sender(rest.into())),
            Some(("domain", rest)) => Some(Scope::Domain(rest.into())),
            None if key == "unknown" => Some(Scope::Unknown),
            None if key == "global" => Some(Scope::Global),
            _ => None,
        }
    }
}

impl Window {
    pub fn from_slots(slots: Vec<(i64, u32)>) -> Window {
        Window { slots }
    }

    pub fn slots(&self) -> &[(i64, u32)] {
        &self.slots
    }

    /// One more reply at `now`; slots older than a day are dropped.
    pub fn spend(&mut self, scope: &Scope, now: Timestamp) {
        let minute = now.as_second().div_euclid(60);
        let slot = minute - minute.rem_euclid(scope.slot_minutes());
        // What lies more than a day ahead was counted by a clock that had gone astray.
        self.slots.retain(|(at, _)| *at <= slot + DAY_MINUTES);
        match self.slots.last_mut() {
            // A clock that went backwards counts into the last slot: it may not open a new window.
            Some((last, count)) if *last >= slot => *count += 1,
            _ => self.slots.push((slot, 1)),
        }
        self.slots.retain(|(at, _)| *at > slot - DAY_MINUTES - scope.slot_minutes());
    }

    /// Replies in the `minutes` before `now`, counting every slot that reaches into them.
    pub fn count(&self, scope: &Scope, minutes: i64, now: Timestamp) -> u32 {
        let minute = now.as_second().div_euclid(60);
        let (from, to) = (minute - minutes - scope.slot_minutes(), minute + DAY_MINUTES);
        self.slots.iter().filter(|(at, _)| (from + 1..=to).contains(at)).map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60 + 30).unwrap()
    }

    #[test]
    fn a_window_counts_the_last_hour_and_the_last_day() {
        let scope = Scope::Sender("a@example.com".into());
        let mut window = Window::default();
        for minute in [0, 10, 20] {
            window.spend(&scope, at(minute));
        }
        assert_eq!(window.count(&scope, 60, at(20)), 3);
        assert_eq!(window.count(&scope, 60, at(82)), 0);
        window.spend(&scope, at(1430));
        assert_eq!(window.count(&scope, DAY_MINUTES, at(1431)), 4);
        assert_eq!(window.count(&scope, DAY_MINUTES, at(1465)), 1);
        window.spend(&scope, at(100));
        assert_eq!(window.count(&scope, 60, at(1431)), 2, "a clock set back refills nothing");
        let mut astray = Window::default();
        (0..5).for_each(|_| astray.spend(&scope, at(2_000_000)));
        assert_eq!(astray.count(&scope, 60, at(1431)), 0, "a clock that was years ahead for a moment silences nobody");
        astray.spend(&scope, at(1431));
        assert_eq!(astray.count(&scope, DAY_MINUTES, at(1431)), 1);
    }

    #[test]
    fn a_window_stays_small_whatever_is_sent() {
        for scope in [Scope::Global, Scope::Unknown, Scope::Domain("example.com".into())] {
            let mut window = Window::default();
            for minute in 0..3 * DAY_MINUTES {
                window.spend(&scope, at(minute));
            }
            assert!(window.slots().len() <= 300, "{scope:?}: {}", window.slots().len());
            let slack = scope.slot_minutes() as u32 * 2;
            assert!(window.count(&scope, 60, at(3 * DAY_MINUTES - 1)) <= 60 + slack);
            assert_eq!(Scope::parse(&scope.key()), Some(scope));
        }
    }
}
