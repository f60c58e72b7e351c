//! What the store knows about a mail before it is decided, and the questions by which it is found.
//!
//! `thread` reads the [`Clues`] out of a mail, the store answers with [`Facts`], `decide` judges them. So the
//! judgement stays a function of values.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::case::{Budgets, Case, Exchange, Haste, Load, Prints, Pulse, Scope, Tripped};
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
    /// Cases that were asked for and go on in another: that one was found in their place.
    pub merged: BTreeMap<CaseNumber, CaseNumber>,
    /// The first candidate number that is not yet a case's. None only if all are taken.
    pub free_number: Option<CaseNumber>,
    /// The case of this mail's twin, if one came within the last seven days.
    pub twin: Option<CaseNumber>,
    /// Cases of the sender that are not closed, as far as they are counted.
    pub open_cases: u32,
    /// Those of them that were touched last, newest first.
    pub of_sender: Vec<Case>,
    pub budgets: Budgets,
    /// Until when these senders get no automatic answers; only those that were ever suppressed.
    pub suppressed: BTreeMap<Scope, Timestamp>,
    /// Fingerprints of what is internal in the case of the first signed clue.
    pub internal: Prints,
    /// Mails of that case that have not left yet, in the order in which they were written.
    pub waiting: Vec<Pending>,
    /// What was written in the case that the mail follows, oldest first: looked up only where colleagues are to read it.
    pub transcript: Vec<Exchange>,
    /// Why that case is where it is, for the agent who asks: looked up only where one does.
    pub account: Account,
    /// The agents that were asked for, those of whom something is known.
    pub agents: BTreeMap<Address, AgentFacts>,
    /// How many wait for each group.
    pub load: Load,
    /// What the sender did with our answers so far.
    pub haste: Haste,
    /// The case that collects the mails of a sender who was found to be a program.
    pub robots_case: Option<Case>,
    pub pulse: Pulse,
    /// The breaker is open.
    pub tripped: Option<Tripped>,
    /// Whose the cases of the last answers are, newest first: looked up only where the breaker is about to open, for
    /// the evidence.
    pub answered: Vec<(CaseNumber, Option<Address>)>,
}

/// Why a case is where it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// For the agent who asks, in their language.
    pub lines: Vec<String>,
    /// Fingerprints of what in them is for colleagues only.
    pub internal: Prints,
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
    /// A human wrote it, or let it go.
    pub of_a_human: bool,
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

impl Facts {
    /// Equal, whatever was counted: not by the budgets, the pulse or the load.
    pub fn equal_but_counts(&self, other: &Facts) -> bool {
        // Every field is named, so that none is forgotten.
        let Facts {
            by_signed,
            by_reference,
            by_number,
            free_number,
            merged,
            twin,
            open_cases,
            of_sender,
            // Made of what the case was before, which does not change while the case does not.
            transcript: _,
            account: _,
            budgets: _,
            suppressed,
            internal,
            waiting,
            agents,
            load: _,
            haste,
            robots_case,
            pulse: _,
            tripped,
            answered,
        } = self;
        *by_signed == other.by_signed
            && *by_reference == other.by_reference
            && *by_number == other.by_number
            && *free_number == other.free_number
            && *merged == other.merged
            && *twin == other.twin
            && *open_cases == other.open_cases
            && *of_sender == other.of_sender
            && *suppressed == other.suppressed
            && *internal == other.internal
            && *waiting == other.waiting
            && *agents == other.agents
            && *haste == other.haste
            && *robots_case == other.robots_case
            && *tripped == other.tripped
            && *answered == other.answered
    }
}

impl Suppression {
    /// Suppressed is a person, in whatever way their address is written.
    pub fn scope(&self) -> Scope {
        Scope::Sender(self.address.counting_key())
    }
}
