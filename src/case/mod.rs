//! A case: one matter of one requester, with the number they know it by.

mod budgets;
mod course;
mod exchange;
mod facts;
mod folded;
mod haste;
mod lesson;
mod load;
mod person;
mod prints;
mod pulse;
mod said;
mod topic;

pub use budgets::{Budgets, Grain, Scope, Window};
pub use course::{Course, Milestone, Step};
pub use exchange::{Exchange, Speaker};
pub use facts::{Absence, Account, AgentFacts, Clues, Facts, Pending, Suppression, Twin};
pub use folded::Folded;
pub use haste::{Haste, Patience, Robot};
pub use lesson::{DraftFate, Lesson};
pub use load::Load;
pub use person::pseudonym;
pub use prints::Prints;
pub use pulse::{Act, Cause, JUDGED, Pulse, Tripped};
pub use said::Said;
pub use topic::Topic;

use std::collections::BTreeMap;

use crate::address::Address;
use crate::ids::{CaseNumber, CategoryId, GroupId, MailboxName, MessageId, TemplateName};
use crate::language::Language;
use crate::time::Timestamp;

/// Where a case stands. *Reopened* is an event, not a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CaseState {
    /// Nobody has said anything to the requester yet.
    New,
    /// The bot has answered, and nobody has complained.
    Answered,
    /// The bot has answered and offered a human.
    Offered,
    /// Humans have it.
    WithAgents,
    /// Humans wait for the requester.
    Waiting,
    Closed,
}

impl Priority {
    pub const ALL: [Priority; 4] = [Priority::Low, Priority::Normal, Priority::High, Priority::Urgent];

    pub fn as_str(self) -> &'static str {
        match self {
            Priority::Low => "low",
            Priority::Normal => "normal",
            Priority::High => "high",
            Priority::Urgent => "urgent",
        }
    }

    pub fn parse(text: &str) -> Option<Priority> {
        Priority::ALL.into_iter().find(|priority| priority.as_str() == text)
    }

    /// So many steps up or down, within the scale.
    pub fn raised(self, steps: i32) -> Priority {
        let at = (self as i32).saturating_add(steps).clamp(0, Priority::ALL.len() as i32 - 1);
        Priority::ALL[at as usize]
    }
}

impl CaseState {
    pub const ALL: [CaseState; 6] = [
        CaseState::New,
        CaseState::Answered,
        CaseState::Offered,
        CaseState::WithAgents,
        CaseState::Waiting,
        CaseState::Closed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            CaseState::New => "new",
            CaseState::Answered => "answered",
            CaseState::Offered => "offered",
            CaseState::WithAgents => "with-agents",
            CaseState::Waiting => "waiting",
            CaseState::Closed => "closed",
        }
    }
}

/// How urgent a case is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Priority {
    Low,
    #[default]
    Normal,
    High,
    Urgent,
}

/// A matter, as it stands after its last entry. The entries themselves are in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    pub number: CaseNumber,
    pub state: CaseState,
    /// The mailbox the case came in by: its address is the one we write from.
    pub mailbox: MailboxName,
    /// Who asks. Never changes by what a mail says. None for automatic mail without a usable sender.
    pub requester: Option<Address>,
    pub language: Language,
    /// What the case is about, as last decided; none where no rule was sure.
    pub category: Option<CategoryId>,
    /// The group that has it, or would.
    pub group: GroupId,
    pub opened: Timestamp,
    /// The time of the last entry.
    pub touched: Timestamp,
    /// Mails received in this case.
    pub received: u32,
    /// Automatic replies sent in this case, of whatever kind.
    pub answers: u32,
    /// Those of them that said no more than that humans have it.
    pub acknowledgements: u32,
    /// Those of them that told how the case stands.
    pub statuses: u32,
    /// Forwards sent to the group in this case.
    pub forwards: u32,
    /// The last automatic reply: the same text a second time would help nobody.
    pub last_answer: Option<TemplateName>,
    /// The lines of all answers in this case.
    pub said: Said,
    /// What humans do with it.
    pub work: Work,
}

impl Case {
    /// A case in which nothing has happened yet, of nobody.
    pub fn new(
        number: CaseNumber,
        mailbox: MailboxName,
        group: GroupId,
        language: Language,
        opened: Timestamp,
    ) -> Case {
        Case {
            number,
            state: CaseState::New,
            mailbox,
            requester: None,
            language,
            category: None,
            group,
            opened,
            touched: opened,
            received: 0,
            answers: 0,
            acknowledgements: 0,
            statuses: 0,
            forwards: 0,
            last_answer: None,
            said: Said::default(),
            work: Work::default(),
        }
    }

    /// Does its requester wait for an answer that was promised? Where the way up was gone to its end, nobody counts on
    /// one any more.
    pub fn awaits_answer(&self) -> bool {
        let promised = |timer: &Timer| Alarm::PROMISES.contains(&timer.what);
        self.state == CaseState::WithAgents && self.work.timers.iter().any(promised)
    }

    /// Automatic replies that were meant to solve the matter: all but those that said where it is.
    pub fn solutions(&self) -> u32 {
        self.answers.saturating_sub(self.acknowledgements + self.statuses + self.work.added)
    }
}

/// What humans do with a case, and what they must know to do it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Work {
    /// The agent who has it; none while the whole group does.
    pub agent: Option<Address>,
    pub priority: Priority,
    /// The requester's last mails, oldest first: what we write next answers the last of them.
    pub thread: Vec<MessageId>,
    /// What the requester told us, by the name of the field.
    pub fields: BTreeMap<String, String>,
    /// The requester has been asked for what is missing; nobody is asked twice.
    pub asked: bool,
    /// What is to happen at a time, the soonest first.
    pub timers: Vec<Timer>,
    /// Mails of agents that reached the requester.
    pub relays: u32,
    /// When it was closed last.
    pub closed: Option<Timestamp>,
    /// What the requester thinks of it, 1 to 5.
    pub rating: Option<u8>,
    /// The case of the same requester that it goes on in, by an agent's word.
    pub merged: Option<CaseNumber>,
    /// The requester has been asked what they think of it; nobody is asked twice.
    pub surveyed: bool,
    /// What its first mail was about, by its subject.
    pub topic: Option<Topic>,
    /// The case that this one goes on with: it had been closed for too long to be opened again.
    pub continues: Option<CaseNumber>,
    /// How often the requester asked for nothing but how it stands.
    pub chasers: u32,
    /// When agents were told of that last.
    pub chased: Option<Timestamp>,
    /// Replies that said no more than that a mail was added.
    pub added: u32,
    /// The requester has been told that secrets do not belong into mail.
    pub warned: bool,
    pub course: Course,
}

/// Something that is to happen in a case at a time. A case has each kind once at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timer {
    pub at: Timestamp,
    pub what: Alarm,
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Alarm {
    /// A human must have answered first by then; `Warn` comes before it.
    FirstResponseWarn,
    FirstResponse,
    /// A human must have answered the requester's last mail by then.
    FollowUpWarn,
    FollowUp,
    /// Still nothing after the group was reminded: further up it goes.
    Escalate,
    /// And after the leads were: the emergency desk.
    Emergency,
    /// An agent put the case aside until then.
    Wake,
    /// The requester has been silent so long that the case closes.
    Silence,
    /// The case is closed: what does the requester think of it?
    Survey,
    /// The requester wants all that was written in the case.
    Transcript,
}

impl Alarm {
    pub const ALL: [Alarm; 10] = [
        Alarm::FirstResponseWarn,
        Alarm::FirstResponse,
        Alarm::FollowUpWarn,
        Alarm::FollowUp,
        Alarm::Escalate,
        Alarm::Emergency,
        Alarm::Wake,
        Alarm::Silence,
        Alarm::Survey,
        Alarm::Transcript,
    ];

    /// Those that wait for a human to answer.
    pub const PROMISES: [Alarm; 6] = [
        Alarm::FirstResponseWarn,
        Alarm::FirstResponse,
        Alarm::FollowUpWarn,
        Alarm::FollowUp,
        Alarm::Escalate,
        Alarm::Emergency,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Alarm::FirstResponseWarn => "first-response-warn",
            Alarm::FirstResponse => "first-response",
            Alarm::FollowUpWarn => "follow-up-warn",
            Alarm::FollowUp => "follow-up",
            Alarm::Escalate => "escalate",
            Alarm::Emergency => "emergency",
            Alarm::Wake => "wake",
            Alarm::Silence => "silence",
            Alarm::Survey => "survey",
            Alarm::Transcript => "transcript",
        }
    }
}

/// Identifiers of the requester's mails that are remembered for the thread of what we write.
const MOST_THREAD: usize = 8;

impl Work {
    /// Sets a timer, in place of the one of its kind.
    pub fn set_timer(&mut self, what: Alarm, at: Timestamp) {
        self.stop_timer(what);
        self.timers.push(Timer { at, what });
        self.timers.sort();
    }

    /// What has run down by `now` rings later.
    pub fn put_off(&mut self, now: Timestamp, until: Timestamp) {
        self.timers.iter_mut().filter(|timer| timer.at <= now).for_each(|timer| timer.at = until);
        self.timers.sort();
    }

    /// Until when an agent has put the case aside.
    pub fn put_aside(&self) -> Option<Timestamp> {
        self.timers.iter().find(|timer| timer.what == Alarm::Wake).map(|timer| timer.at)
    }

    pub fn stop_timer(&mut self, what: Alarm) {
        self.timers.retain(|timer| timer.what != what);
    }

    /// A mail of the requester came.
    pub fn heard(&mut self, id: Option<&MessageId>) {
        let Some(id) = id else { return };
        self.thread.retain(|known| known != id);
        self.thread.push(id.clone());
        if self.thread.len() > MOST_THREAD {
            // The first names the thread.
            self.thread.remove(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_raised_within_its_scale() {
        assert_eq!(Priority::Normal.raised(1), Priority::High);
        assert_eq!(Priority::Urgent.raised(1), Priority::Urgent);
        assert_eq!(Priority::Low.raised(-1), Priority::Low);
        assert_eq!(Priority::Low.raised(i32::MAX), Priority::Urgent);
        assert_eq!(Priority::parse("high"), Some(Priority::High));
    }
}
