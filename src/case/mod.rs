//! A case: one matter of one requester, with the number they know it by.

mod facts;
mod said;

pub use facts::{Budgets, Clues, Facts, Scope, Suppression, Twin, Window};
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
    /// Automatic replies sent in this case.
    pub answers: u32,
    /// Forwards sent to the group in this case.
    pub forwards: u32,
    /// The last automatic reply: the same text a second time would help nobody.
    pub last_answer: Option<TemplateName>,
    /// The lines of all answers in this case.
    pub said: Said,
}
