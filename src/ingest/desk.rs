//! One mail on the desk: what the store knows is asked, the decision is made, its record is written down.
//!
//! A decision is drafted first, on all cores, from what the store knows then. In the critical section it is only held
//! against what the store knows now; where that differs, as for the second mail of one person in a batch, the mail is
//! decided there. So what is written down is always what would have been decided one mail after the other.

use std::sync::Arc;

use super::effects::Effects;
use super::{account, is_baseline, transcript};
use crate::case::{Clues, Facts, Tripped};
use crate::config::Mailbox;
use crate::decide::{self, Decision, Effect, Mail, Quarantine};
use crate::failpoint;
use crate::ids::{CaseNumber, MailHash};
use crate::mailbox::Listed;
use crate::maillog;
use crate::message::Message;
use crate::playbook::Playbook;
use crate::screen::Findings;
use crate::store::{Archive, Decided, Outcome, QUARANTINED, Record, StartMark, Store, StoreError, View, Why};
use crate::thread::{self, Threading};
use crate::time::{Clock, Timestamp};

/// What does not change from mail to mail of a batch.
pub(super) struct Desk {
    pub playbook: Arc<Playbook>,
    pub mailbox: Mailbox,
    pub mark: StartMark,
    pub clock: Clock,
}

/// A mail on the desk.
pub(super) struct Asked {
    pub mail: Listed,
    pub hash: MailHash,
    /// Why it could not be read, if it could not.
    pub read: Result<Message, String>,
    pub findings: Option<Findings>,
}

/// A decision made ahead, and what it rests on.
pub(super) struct Draft {
    clues: Clues,
    facts: Facts,
    at: Timestamp,
    decision: Decision,
}

impl Desk {
    /// Decides on what the store knows at this moment. None for what is decided in the critical section alone.
    pub fn draft(&self, store: &Store, asked: &Asked) -> Result<Option<Draft>, StoreError> {
        let Ok(message) = &asked.read else { return Ok(None) };
        if store.taken(&asked.hash)?.is_some() {
            return Ok(None);
        }
        failpoint::decide(message);
        let (clues, at) = (self.clues(message, &asked.hash), (self.clock)());
        let facts = store.facts(&clues, at)?;
        let mut decision = self.decision(asked, message, &facts, at);
        let history = |number| store.latest(number, transcript::FRAMES);
        if let Some(more) = self.read_up(message, &facts, &decision, store.archive(), history)? {
            decision = self.decision(asked, message, &more, at);
        }
        Ok(Some(Draft { clues, facts, at, decision }))
    }

    /// The record of one mail. Runs inside the store's critical section, so that no two mails take the last of
    /// a budget or open two cases for one matter. An error instead of a draft says why the mail cannot be decided: it goes
    /// into quarantine like one that cannot be read.
    pub fn decide(
        &self,
        view: &View<'_>,
        asked: &Asked,
        draft: Result<Option<Draft>, String>,
    ) -> Result<Record, StoreError> {
        let (mailbox, place, hash) = (&self.mailbox.name, &asked.mail.place, &asked.hash);
        if view.taken(hash)?.is_some() {
            maillog!("again", mailbox = mailbox, place = place, hash = hash.short());
            let (mailbox, place, at) = (mailbox.clone(), place.clone(), (self.clock)());
            return Ok(Record::Again { mailbox, place, hash: *hash, at });
        }
        let (message, draft) = match (&asked.read, draft) {
            (Ok(message), Ok(draft)) => (message, draft),
            (Err(reason), _) => return self.quarantine(view, asked, reason),
            (_, Err(reason)) => return self.quarantine(view, asked, &reason),
        };
        let (clues, decision, at) = match draft {
            Some(draft) => {
                let facts = view.facts(&draft.clues, draft.at)?;
                let decision = match decide::holds(&draft.decision, &draft.facts, &facts, &self.playbook, draft.at) {
                    true => draft.decision,
                    false => self.decision_here(view, asked, message, facts, draft.at)?,
                };
                (draft.clues, decision, draft.at)
            }
            None => {
                let (clues, at) = (self.clues(message, hash), (self.clock)());
                let facts = view.facts(&clues, at)?;
                let decision = self.decision_here(view, asked, message, facts, at)?;
                (clues, decision, at)
            }
        };
        self.log_received(&asked.mail, message, &decision);
        let mut decided = self.blank(asked, outcome(&decision), at);
        decided.known_as.extend(message.message_id.clone());
        decided.twin = clues.twin;
        decided.why = self.why(&decision);
        Ok(with_effects(decided, decision.effects))
    }

    fn clues(&self, message: &Message, hash: &MailHash) -> Clues {
        let mut clues = thread::clues(message, hash, self.playbook.key());
        clues.scopes.extend(decide::forward_scopes(message.sender(), self.playbook.humans()));
        clues.agents = self.playbook.agents().cloned().collect();
        clues
    }

    /// The decision, with what was written before in what colleagues are told, and with the evidence in what the operator is
    /// told if the breaker opens by it.
    fn decision_here(
        &self,
        view: &View<'_>,
        asked: &Asked,
        message: &Message,
        mut facts: Facts,
        at: Timestamp,
    ) -> Result<Decision, StoreError> {
        let mut decision = self.decision(asked, message, &facts, at);
        let history = |number| view.history(number, transcript::FRAMES);
        if let Some(more) = self.read_up(message, &facts, &decision, view.archive(), history)? {
            decision = self.decision(asked, message, &more, at);
            facts = more;
        }
        if !decision.trips() {
            return Ok(decision);
        }
        facts.answered = view.answered(&facts.pulse)?;
        Ok(self.decision(asked, message, &facts, at))
    }

    /// The facts with what journal and archive tell of the case, where colleagues are to read it; none where they are not.
    fn read_up(
        &self,
        message: &Message,
        facts: &Facts,
        decision: &Decision,
        archive: &Archive,
        history: impl FnOnce(CaseNumber) -> Result<Vec<Record>, StoreError>,
    ) -> Result<Option<Facts>, StoreError> {
        let (retold, asks) = (decision.retold(message.sender()), decide::asks_why(message, decision, &self.playbook));
        let Some(case) = retold.or(asks.map(|(case, _)| case)) else { return Ok(None) };
        let (history, mut more) = (history(case.number)?, facts.clone());
        if retold.is_some() {
            more.transcript = transcript::of(&history, case, archive, &self.playbook);
        }
        if let Some((_, language)) = asks {
            more.account = account::of(&history, &case.group, archive, &self.playbook, language);
        }
        Ok(Some(more))
    }

    fn decision(&self, asked: &Asked, message: &Message, facts: &Facts, at: Timestamp) -> Decision {
        let mail = Mail {
            mailbox: &self.mailbox,
            hash: asked.hash,
            message,
            findings: asked.findings.as_ref(),
            delivered: asked.mail.delivered,
            junk: asked.mail.junk,
            baseline: is_baseline(&self.mark, &asked.mail),
        };
        decide::decide(&mail, facts, &self.playbook, at)
    }

    fn quarantine(&self, view: &View<'_>, asked: &Asked, reason: &str) -> Result<Record, StoreError> {
        let at = (self.clock)();
        let scopes = decide::forward_scopes(None, self.playbook.humans());
        let candidates = thread::candidates(&asked.hash, self.playbook.key());
        let facts = view.facts(&Clues { candidates, scopes, ..Clues::default() }, at)?;
        let mail = Quarantine { mailbox: &self.mailbox, hash: asked.hash, size: asked.mail.size, reason };
        let decision = decide::quarantine(&mail, &facts, &self.playbook, at);
        let case = decision.case().map(|case| case.number);
        maillog!(
            "quarantined",
            mailbox = self.mailbox.name,
            place = asked.mail.place,
            hash = asked.hash.short(),
            case = shown(case),
            why = reason
        );
        let mut decided = self.blank(asked, Outcome::Quarantined(case), at);
        decided.why = self.why(&decision);
        decided.why.push(QUARANTINED, reason);
        Ok(with_effects(decided, decision.effects))
    }

    /// Why it was decided so, and by which rules and templates.
    fn why(&self, decision: &Decision) -> Why {
        let mut why = Why(decision.why.lines());
        why.push(decide::REVISION, self.playbook.revision());
        why
    }

    /// A record that nothing follows from yet.
    fn blank(&self, asked: &Asked, outcome: Outcome, at: Timestamp) -> Decided {
        let Listed { place, delivered, .. } = &asked.mail;
        let decided = Decided::new(self.mailbox.name.clone(), place.clone(), asked.hash, outcome, at);
        Decided { delivered: *delivered, ..decided }
    }

    fn log_received(&self, mail: &Listed, message: &Message, decision: &Decision) {
        let (why, outcome) = (&decision.why, outcome(decision));
        let from = message.sender().map(|sender| maillog::person(self.playbook.key(), sender)).unwrap_or_default();
        let silence = why.silence.as_ref().map(|silence| silence.code()).unwrap_or_default();
        let reasons: Vec<&str> = why.screening.reasons.iter().map(|reason| reason.code()).collect();
        let category = why.judgement.category.as_ref().map(|won| won.category.to_string()).unwrap_or_default();
        maillog!(
            "received",
            mailbox = self.mailbox.name,
            place = mail.place,
            octets = message.size,
            from = from,
            case = shown(outcome.case()),
            outcome = outcome.as_str(),
            kind = why.screening.kind.as_str(),
            sender = why.screening.authentication.verdict.as_str(),
            category = category,
            shown = why.shown,
            silence = silence,
            reasons = reasons.join(","),
        );
    }
}

/// The record with everything that the decision changes.
fn with_effects(decided: Decided, effects: Vec<Effect>) -> Record {
    let Effects { case, outgoing, spent, suppressed, orders, manners } = effects.into_iter().collect();
    if let Some(Tripped { cause, count, limit, .. }) = manners.tripped {
        maillog!("breaker", cause = cause.as_str(), count = count, limit = limit);
        tracing::error!("the breaker is open: nobody is answered until `huixin breaker release`");
    }
    Record::Decided(Box::new(Decided { case, outgoing, spent, suppressed, orders, manners, ..decided }))
}

fn outcome(decision: &Decision) -> Outcome {
    match (&decision.why.threading, decision.case()) {
        (Threading::Twin(number), _) => Outcome::Duplicate(Some(*number)),
        (_, Some(case)) if decision.opens() => Outcome::Opened(case.number),
        (_, case) => case.map_or(Outcome::Duplicate(None), |case| Outcome::Appended(case.number)),
    }
}

fn shown(case: Option<CaseNumber>) -> String {
    case.map(|case| case.to_string()).unwrap_or_default()
}
