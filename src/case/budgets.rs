//! What was spent of the budgets: automatic replies and forwards, counted by whom they concern.
//!
//! Counted is what left, in slots of minutes, and never what is still left: a crash, a changed limit or a clock that is
//! set back refills nothing.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::ids::MailHash;
use crate::time::Timestamp;

/// Whom or what automatic replies and forwards are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// A person, by [`crate::address::Address::counting_key`].
    Sender(String),
    /// A person and the subject they write under, for mails that open a case; see [`Scope::subject`].
    Subject(String),
    Domain(String),
    /// Senders of whom nothing is known, all together.
    Unknown,
    /// People who have never been answered before, all together.
    FirstTime,
    /// The bot as a whole.
    Global,
    /// What agents are sent about the mails of one sender, whoever of them gets it.
    ForwardsOf(String),
    /// What one agent, or the operator, is sent mail by mail.
    ForwardsTo(String),
}

/// What went out, by scope: what was spent, not what is left.
pub type Budgets = BTreeMap<Scope, Window>;

/// What went out lately, counted in slots.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Window {
    /// (minutes since 1970, how many), oldest first. Times are rounded down to the slot.
    slots: Vec<(i64, u32)>,
}

/// How fine a window counts, and how far back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grain {
    /// The width of a slot in minutes.
    pub slot: i64,
    /// Minutes that are remembered.
    pub span: i64,
}

const HOUR_MINUTES: i64 = 60;
const DAY_MINUTES: i64 = 24 * 60;

impl Scope {
    /// The same person under the same subject. A hash, since neither needs to be known again.
    pub fn subject(sender: &Address, base_subject: &str) -> Scope {
        let hash = MailHash::of(format!("{}\0{base_subject}", sender.counting_key()).as_bytes());
        Scope::Subject(hash.short())
    }

    /// Is it one of those who wrote, or of their domain?
    pub fn names_a_sender(&self) -> bool {
        match self {
            Scope::Sender(_) | Scope::Subject(_) | Scope::Domain(_) | Scope::ForwardsOf(_) => true,
            Scope::Unknown | Scope::FirstTime | Scope::Global | Scope::ForwardsTo(_) => false,
        }
    }

    /// A scope with a large budget is counted in wide slots, so that its window stays small; counting errs on the
    /// side of silence by at most one slot.
    fn grain(&self) -> Grain {
        let (slot, span) = match self {
            Scope::Sender(_) | Scope::Subject(_) => (1, DAY_MINUTES),
            Scope::Domain(_) | Scope::Unknown => (5, DAY_MINUTES),
            Scope::FirstTime | Scope::Global => (15, DAY_MINUTES),
            Scope::ForwardsOf(_) | Scope::ForwardsTo(_) => (1, HOUR_MINUTES),
        };
        Grain { slot, span }
    }

    /// `sender:…`, `domain:…`, `unknown`, `global`: the key in the store and the word in `explain`.
    pub fn key(&self) -> String {
        match self {
            Scope::Sender(key) => format!("sender:{key}"),
            Scope::Subject(hash) => format!("subject:{hash}"),
            Scope::Domain(domain) => format!("domain:{domain}"),
            Scope::Unknown => "unknown".into(),
            Scope::FirstTime => "first-time".into(),
            Scope::Global => "global".into(),
            Scope::ForwardsOf(key) => format!("forwards-of:{key}"),
            Scope::ForwardsTo(key) => format!("forwards-to:{key}"),
        }
    }

    pub fn parse(key: &str) -> Option<Scope> {
        let scope: fn(String) -> Scope = match key.split_once(':').map_or(key, |(kind, _)| kind) {
            "sender" => Scope::Sender,
            "subject" => Scope::Subject,
            "domain" => Scope::Domain,
            "unknown" => |_| Scope::Unknown,
            "first-time" => |_| Scope::FirstTime,
            "global" => |_| Scope::Global,
            "forwards-of" => Scope::ForwardsOf,
            "forwards-to" => Scope::ForwardsTo,
            _ => return None,
        };
        let rest = key.split_once(':').map(|(_, rest)| rest.to_owned());
        Some(scope(rest.unwrap_or_default())).filter(|scope| scope.key() == key)
    }
}

impl Window {
    pub fn from_slots(slots: Vec<(i64, u32)>) -> Window {
        Window { slots }
    }

    pub fn slots(&self) -> &[(i64, u32)] {
        &self.slots
    }

    /// Has anything ever been counted here?
    pub fn is_untouched(&self) -> bool {
        self.slots.is_empty()
    }

    /// One more at `now`.
    pub fn spend(&mut self, scope: &Scope, now: Timestamp) {
        self.add(scope.grain(), now);
    }

    /// How many in the `minutes` before `now`, counting every slot that reaches into them.
    pub fn count(&self, scope: &Scope, minutes: i64, now: Timestamp) -> u32 {
        self.within(scope.grain(), minutes, now)
    }

    /// One more at `now`; slots older than the span are dropped.
    pub fn add(&mut self, grain: Grain, now: Timestamp) {
        let slot = grain.slot_of(now);
        // What lies more than a day ahead was counted by a clock that had gone astray.
        self.slots.retain(|(at, _)| *at <= slot + DAY_MINUTES);
        match self.slots.last_mut() {
            // A clock that went backwards counts into the last slot: it may not open a new window.
            Some((last, count)) if *last >= slot => *count += 1,
            _ => self.slots.push((slot, 1)),
        }
        self.slots.retain(|(at, _)| *at > slot - grain.span - grain.slot);
    }

    /// How many in the `minutes` before `now`, counting every slot that reaches into them.
    pub fn within(&self, grain: Grain, minutes: i64, now: Timestamp) -> u32 {
        let minute = minute(now);
        let (from, to) = (minute - minutes - grain.slot, minute + DAY_MINUTES);
        self.slots.iter().filter(|(at, _)| (from + 1..=to).contains(at)).map(|(_, count)| count).sum()
    }
}

impl Grain {
    /// The slot that a moment lies in.
    pub fn slot_of(self, now: Timestamp) -> i64 {
        let minute = minute(now);
        minute - minute.rem_euclid(self.slot)
    }
}

fn minute(now: Timestamp) -> i64 {
    now.as_second().div_euclid(60)
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
        let domain = Scope::Domain("example.com".into());
        for scope in [Scope::Global, Scope::Unknown, domain, Scope::FirstTime, Scope::ForwardsTo("a@b.example".into())]
        {
            let mut window = Window::default();
            for minute in 0..3 * DAY_MINUTES {
                window.spend(&scope, at(minute));
            }
            assert!(window.slots().len() <= 300, "{scope:?}: {}", window.slots().len());
            let slack = scope.grain().slot as u32 * 2;
            assert!(window.count(&scope, 60, at(3 * DAY_MINUTES - 1)) <= 60 + slack);
            assert_eq!(Scope::parse(&scope.key()), Some(scope));
        }
    }

    #[test]
    fn a_scope_is_read_back_from_its_key() {
        let address = Address::parse("Li.Si+1@example.com").unwrap();
        let subject = Scope::subject(&address, "发票");
        assert_eq!(subject, Scope::subject(&Address::parse("li.si@example.com").unwrap(), "发票"));
        assert_ne!(subject, Scope::subject(&address, "发票 2"));
        let key = address.counting_key();
        for scope in [
            Scope::Sender(key.clone()),
            subject,
            Scope::Domain("example.com".into()),
            Scope::Unknown,
            Scope::FirstTime,
            Scope::Global,
            Scope::ForwardsOf(key.clone()),
            Scope::ForwardsTo(key),
        ] {
            assert_eq!(Scope::parse(&scope.key()), Some(scope));
        }
        for wrong in ["", "sender", "global:x", "first-time:", "forwards:x"] {
            assert_eq!(Scope::parse(wrong), None, "{wrong}");
        }
    }
}
