//! A case: one matter of one requester, with the number they know it by.

mod budgets;
mod facts;
mod folded;
mod haste;
mod person;
mod pulse;
mod said;

pub use budgets::{Budgets, Grain, Scope, Window};
pub use facts::{Clues, Facts, Suppression, Twin};
pub use folded::Folded;
pub use haste::{Haste, Patience, Robot};
pub use person::pseudonym;
pub use pulse::{Act, Cause, JUDGED, Pulse, Tripped};
pub use said::Said;

use crate::address::Address;
use crate::ids::{CaseNumber, CategoryId, GroupId, MailboxName, TemplateName};
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
}
