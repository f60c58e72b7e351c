//! A mail in quarantine that can be read now: decided anew by today's playbook, into the case it has.
//!
//! It becomes an ordinary decision. What came too long ago is not answered (A17), nor what was answered before. DNS is
//! not asked: the keys of that day may be gone.

use super::effects::Effects;
use super::is_baseline;
use crate::config::Mailbox;
use crate::decide::{self, Mail};
use crate::ids::{CaseNumber, MailHash};
use crate::mailbox::Listed;
use crate::message::Message;
use crate::playbook::Playbook;
use crate::store::{Decided, Outcome, Record, StartMark, StoreError, View, Why};
use crate::thread::{self, Threading};
use crate::time::Timestamp;

/// What is known of the mail before it is decided anew.
pub struct Again<'a> {
    pub hash: MailHash,
    pub message: &'a Message,
    /// The decision that put it into quarantine.
    pub first: &'a Decided,
    pub mailbox: &'a Mailbox,
    pub mark: Option<StartMark>,
    pub playbook: &'a Playbook,
    /// The case that was opened for it.
    pub case: CaseNumber,
    /// Who asked for it, in a line for the reasons.
    pub asked: &'a str,
}

/// The record, made inside the store's critical section.
pub fn again(view: &View<'_>, mail: &Again<'_>, at: Timestamp) -> Result<Record, StoreError> {
    let mut clues = thread::clues(mail.message, &mail.hash, mail.playbook.key());
    clues.agents = mail.playbook.agents().cloned().collect();
    let mut facts = view.facts(&clues, at)?;
    facts.free_number = Some(mail.case);
    let opened = view.case(mail.case)?.map(|case| case.opened);
    let listed = Listed { place: mail.first.place.clone(), size: 0, delivered: mail.first.delivered, junk: false };
    let asked = Mail {
        mailbox: mail.mailbox,
        hash: mail.hash,
        message: mail.message,
        findings: None,
        delivered: mail.first.delivered,
        junk: false,
        baseline: mail.mark.is_some_and(|mark| is_baseline(&mark, &listed)),
    };
    let decision = decide::decide(&asked, &facts, mail.playbook, at);
    let outcome = match (&decision.why.threading, decision.case()) {
        (Threading::Twin(number), _) => Outcome::Duplicate(Some(*number)),
        (_, case) => Outcome::Appended(case.map_or(mail.case, |case| case.number)),
    };
    let mut why = Why(decision.why.lines());
    why.push(decide::REVISION, mail.playbook.revision());
    why.push("quarantine", mail.asked);
    let opens = decision.opens();
    let Effects { mut case, outgoing, spent, suppressed, orders, manners } = decision.effects.into_iter().collect();
    if let Some(case) = case.as_mut().filter(|_| opens) {
        case.opened = opened.unwrap_or(case.opened);
    }
    Ok(Record::Decided(Box::new(Decided {
        mailbox: mail.mailbox.name.clone(),
        place: mail.first.place.clone(),
        hash: mail.hash,
        at,
        delivered: mail.first.delivered,
        outcome,
        case,
        known_as: mail.message.message_id.clone().into_iter().collect(),
        twin: clues.twin,
        outgoing,
        spent,
        suppressed,
        orders,
        manners,
        why,
    })))
}
