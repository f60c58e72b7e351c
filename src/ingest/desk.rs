//! One mail on the desk: what the store knows is asked, the decision is made, its record is written down.

use std::sync::Arc;

use super::effects::Effects;
use super::is_baseline;
use crate::case::{Clues, Tripped};
use crate::config::Mailbox;
use crate::decide::{self, Decision, Mail, Quarantine};
use crate::ids::{CaseNumber, Key, MailHash, MailboxName};
use crate::mailbox::Listed;
use crate::maillog;
use crate::message::Message;
use crate::playbook::Playbook;
use crate::screen::Findings;
use crate::store::{Decided, Outcome, QUARANTINED, Record, StartMark, StoreError, View, Why};
use crate::thread::{self, Threading};
use crate::time::Clock;

/// What does not change from mail to mail of a batch.
pub(super) struct Desk {
    pub playbook: Arc<Playbook>,
    pub mailbox: Mailbox,
    pub mark: StartMark,
    pub clock: Clock,
}

impl Desk {
    /// The record of one mail. Runs inside the store's critical section, so that no two mails take the last of
    /// a budget or open two cases for one matter.
    pub fn decide(
        &self,
        view: &View<'_>,
        mail: &Listed,
        hash: &MailHash,
        read: &Result<Message, String>,
        findings: Option<&Findings>,
    ) -> Result<Record, StoreError> {
        let (mailbox, place, at) = (self.mailbox.name.clone(), mail.place.clone(), (self.clock)());
        if view.taken(hash)?.is_some() {
            maillog!("again", mailbox = mailbox, place = place, hash = hash.short());
            return Ok(Record::Again { mailbox, place, hash: *hash, at });
        }
        let key = self.playbook.key();
        let (decision, outcome, known_as, twin) = match read {
            Ok(message) => {
                let mut clues = thread::clues(message, hash, key);
                clues.scopes.extend(decide::forward_scopes(message.sender(), self.playbook.humans()));
                let mut facts = view.facts(&clues, at)?;
                let asked = Mail {
                    mailbox: &self.mailbox,
                    hash: *hash,
                    message,
                    findings,
                    delivered: mail.delivered,
                    junk: mail.junk,
                    baseline: is_baseline(&self.mark, mail),
                };
                let mut decision = decide::decide(&asked, &facts, &self.playbook, at);
                if decision.trips() {
                    // The same decision, with the evidence in what the operator is told.
                    facts.answered = view.answered(&facts.pulse)?;
                    decision = decide::decide(&asked, &facts, &self.playbook, at);
                }
                let outcome = outcome(&decision);
                log_received(key, &self.mailbox.name, mail, message, &decision);
                (decision, outcome, message.message_id.clone().into_iter().collect(), clues.twin)
            }
            Err(reason) => {
                let scopes = decide::forward_scopes(None, self.playbook.humans());
                let clues = Clues { candidates: thread::candidates(hash, key), scopes, ..Clues::default() };
                let facts = view.facts(&clues, at)?;
                let asked = Quarantine { mailbox: &self.mailbox, hash: *hash, size: mail.size, reason };
                let decision = decide::quarantine(&asked, &facts, &self.playbook, at);
                let case = decision.case().map(|case| case.number);
                maillog!(
                    "quarantined",
                    mailbox = mailbox,
                    place = place,
                    hash = hash.short(),
                    case = shown(case),
                    why = reason
                );
                (decision, Outcome::Quarantined(case), Vec::new(), None)
            }
        };
        let mut why = Why(decision.why.lines());
        if let Err(reason) = read {
            why.push(QUARANTINED, reason);
        }
        let Effects { case, outgoing, spent, suppressed, orders, manners } = decision.effects.into_iter().collect();
        if let Some(Tripped { cause, count, limit, .. }) = manners.tripped {
            maillog!("breaker", cause = cause.as_str(), count = count, limit = limit);
            tracing::error!("the breaker is open: nobody is answered until `huixin breaker release`");
        }
        let (hash, delivered) = (*hash, mail.delivered);
        Ok(Record::Decided(Box::new(Decided {
            mailbox,
            place,
            hash,
            at,
            delivered,
            outcome,
            case,
            known_as,
            twin,
            outgoing,
            spent,
            suppressed,
            orders,
            manners,
            why,
        })))
    }
}

fn outcome(decision: &Decision) -> Outcome {
    match (&decision.why.threading, decision.case()) {
        (Threading::Twin(number), _) => Outcome::Duplicate(Some(*number)),
        (_, Some(case)) if decision.opens() => Outcome::Opened(case.number),
        (_, case) => case.map_or(Outcome::Duplicate(None), |case| Outcome::Appended(case.number)),
    }
}

fn log_received(key: &Key, mailbox: &MailboxName, mail: &Listed, message: &Message, decision: &Decision) {
    let why = &decision.why;
    let from = message.sender().map(|sender| maillog::person(key, sender)).unwrap_or_default();
    let silence = why.silence.as_ref().map(|silence| silence.code()).unwrap_or_default();
    let reasons: Vec<&str> = why.screening.reasons.iter().map(|reason| reason.code()).collect();
    let category = why.judgement.category.as_ref().map(|won| won.category.to_string()).unwrap_or_default();
    maillog!(
        "received",
        mailbox = mailbox,
        place = mail.place,
        octets = message.size,
        from = from,
        case = shown(outcome(decision).case()),
        outcome = outcome(decision).as_str(),
        kind = why.screening.kind.as_str(),
        sender = why.screening.authentication.verdict.as_str(),
        category = category,
        shown = why.shown,
        silence = silence,
        reasons = reasons.join(","),
    );
}

fn shown(case: Option<CaseNumber>) -> String {
    case.map(|case| case.to_string()).unwrap_or_default()
}
