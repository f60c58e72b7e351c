//! What is to be done with a mail, before anyone asks whether an answer may leave.

use super::scene::Scene;
use super::why::{Shown, Silence};
use super::{Mail, customer, group, mails};
use crate::case::CaseState;
use crate::ids::TemplateName;
use crate::message::{Action, Report};
use crate::outgoing::Purpose;
use crate::playbook::{OwnTemplates, Playbook, own};
use crate::rules::Judgement;
use crate::screen::{Kind, Reason, Screening, Verdict};
use crate::thread::Threading;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Recorded, and nobody is told.
    Record,
    /// Shown to humans, in a case that stays as it is.
    Mention,
    /// Recorded: the requester says that all is well.
    Close,
    /// Shown to the group, not answered.
    Show,
    /// Answered from the knowledge base; humans need not act.
    Resolve(TemplateName),
    /// Humans get it, and the requester is told so.
    HandOff(TemplateName),
    /// The requester is told how the case stands, and it stays as it is.
    Tell(TemplateName),
    /// The requester asks how the case stands and is not told: the question is counted.
    Hear,
    /// The requester is sent all that was said in the case, as soon as it is gathered.
    Transcribe(TemplateName),
}

impl Plan {
    pub fn of(scene: &Scene<'_>) -> Plan {
        let Scene { mail, screening, threading, before, judgement, playbook, now } = *scene;
        // Who forges a colleague's address is shown to humans, not quietly recorded.
        let from_colleague = screening.authentication.verdict != Verdict::Fail
            && mail.message.sender().is_some_and(|sender| playbook.is_colleague(sender));
        if mail.baseline || matches!(threading, Threading::Twin(_)) || from_colleague {
            return Plan::Record;
        }
        match screening.kind {
            Kind::Human => {}
            // Ours, by our own proof: it was recorded when it left.
            Kind::Own => return Plan::Record,
            // An absence note in a case changes nothing in it and pages nobody, if its header says what it is; words and
            // an empty return path alone may be a person's.
            Kind::AutoReply if before.is_some() && says_so_itself(screening) => return Plan::Record,
            Kind::Report if before.is_some() && is_receipt(mail) => return Plan::Record,
            // What the operator is told of a forward that came back is written by `trouble::bounced`.
            Kind::Bounce if before.is_some() => {
                return match bounced(mail, playbook) {
                    Bounced::Answer | Bounced::Unknown => Plan::Show,
                    Bounced::Forward | Bounced::Notice | Bounced::NotFailed => Plan::Record,
                };
            }
            Kind::Bounce if bounced(mail, playbook) == Bounced::Notice => return Plan::Record,
            _ if before.is_some() || playbook.config().handoff.automatic => return Plan::Show,
            _ => return Plan::Record,
        }
        if customer::is_outsider(threading) {
            return Plan::Mention;
        }
        if let Some(plan) =
            before.and_then(|case| customer::plan(mail, case, threading, screening, judgement, playbook))
        {
            return plan;
        }
        if before.is_some_and(|case| matches!(case.state, CaseState::WithAgents | CaseState::Waiting)) {
            let warns = !judgement.redact.is_empty() && before.is_some_and(|case| !case.work.warned);
            return match customer::is_told_where(mail, threading) {
                true => Plan::HandOff(own(OwnTemplates::APPENDED)),
                // Nobody else would tell them in time.
                false if warns => Plan::HandOff(own(OwnTemplates::SECRET)),
                false => Plan::Show,
            };
        }
        if before.is_some_and(|case| case.state == CaseState::Closed && case.work.relays > 0) {
            return Plan::HandOff(own(OwnTemplates::REOPENED));
        }
        let said_before =
            |template: &TemplateName| before.is_some_and(|case| case.last_answer.as_ref() == Some(template));
        let may_answer_alone = judgement.category.as_ref().is_some_and(|won| playbook.may_answer_alone(&won.category));
        // Nobody is asked twice for what they did not tell: then a human does without it.
        let asked_before = judgement.asks && before.is_some_and(|case| case.work.asked);
        match judgement.reply.as_ref().filter(|_| !asked_before) {
            // The same text a second time helps nobody: then a human does.
            Some(template) if judgement.handoff.is_none() && may_answer_alone && !said_before(template) => {
                Plan::Resolve(template.clone())
            }
            Some(template) if !said_before(template) => Plan::HandOff(template.clone()),
            _ if before.is_some() || judgement.handoff.is_some() => {
                let group = group(before, mail, judgement, playbook);
                Plan::HandOff(playbook.handoff_template(&group, now))
            }
            _ => Plan::HandOff(own(OwnTemplates::RECEIVED)),
        }
    }

    /// What remains of the plan when no answer may leave: the mail goes to humans instead.
    pub fn through(self, gate: Result<(), Silence>) -> (Plan, Option<Silence>) {
        match (self, gate) {
            (plan @ (Plan::Record | Plan::Close | Plan::Show | Plan::Mention | Plan::Hear), gate) => (plan, gate.err()),
            (Plan::Tell(_), Err(silence)) => (Plan::Hear, Some(silence)),
            (_, Err(silence)) => (Plan::Show, Some(silence)),
            (plan, Ok(())) => (plan, None),
        }
    }

    pub fn template(&self) -> Option<&TemplateName> {
        match self {
            Plan::Resolve(template) | Plan::HandOff(template) | Plan::Tell(template) | Plan::Transcribe(template) => {
                Some(template)
            }
            Plan::Record | Plan::Close | Plan::Show | Plan::Mention | Plan::Hear => None,
        }
    }

    /// What the answer is written of that leaves with this decision.
    pub fn written_now(&self) -> Option<&TemplateName> {
        self.template().filter(|_| !matches!(self, Plan::Transcribe(_)))
    }

    pub fn goes_to_humans(&self) -> bool {
        matches!(self, Plan::Show | Plan::HandOff(_) | Plan::Mention)
    }

    /// Does the case go on by this mail, or is it only looked at?
    pub fn moves_the_case(&self) -> bool {
        !matches!(self, Plan::Record | Plan::Mention | Plan::Tell(_) | Plan::Hear | Plan::Transcribe(_))
    }

    /// The word of a rule that wants humans to have a copy whatever is answered.
    pub fn with_copy(self, judgement: &Judgement) -> Plan {
        match self {
            Plan::Resolve(template) if judgement.forward => Plan::HandOff(template),
            plan => plan,
        }
    }

    pub fn shown(&self) -> Shown {
        match self {
            Plan::Record | Plan::Close | Plan::Hear => Shown::Recorded,
            Plan::Show | Plan::Mention => Shown::ToHumans,
            Plan::Tell(template) | Plan::Transcribe(template) | Plan::Resolve(template) => {
                Shown::Answered(template.clone())
            }
            Plan::HandOff(template) => Shown::HandedOff(template.clone()),
        }
    }
}

/// What a report of failure says about a mail of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounced {
    Answer,
    Forward,
    Notice,
    /// It says nothing of a mail of ours.
    Unknown,
    /// The mail is delayed, or has arrived (RFC 3464 §2.3.3).
    NotFailed,
}

/// Whose failure a bounce reports: known by the proof in our Message-ID only, since anyone can write something that
/// looks like a bounce.
pub fn bounced(mail: &Mail<'_>, playbook: &Playbook) -> Bounced {
    if let Some(Report::Delivery { outcomes, .. }) = &mail.message.report
        && !outcomes.is_empty()
        && outcomes.iter().all(|outcome| !matches!(outcome.action, Action::Failed | Action::Other))
    {
        return Bounced::NotFailed;
    }
    let reported = mail.message.report.iter().flat_map(|report| report.about());
    let mut about = reported.chain(&mail.message.references);
    match about.find_map(|id| mails::own_mail(id, playbook.key())) {
        // A reply of an agent that came back is the group's to see, as an answer is.
        Some((Purpose::Answer | Purpose::Relay, _)) => Bounced::Answer,
        Some((Purpose::Forward, _)) => Bounced::Forward,
        Some((Purpose::Notice | Purpose::Receipt, _)) => Bounced::Notice,
        None => Bounced::Unknown,
    }
}

/// Does the header of an automatic mail say that it is one?
fn says_so_itself(screening: &Screening) -> bool {
    let headers = [Reason::AutoSubmitted, Reason::AutomaticHeader, Reason::Precedence];
    screening.reasons.iter().any(|reason| headers.contains(reason))
}

/// A read receipt (RFC 8098) tells nobody anything they must act on.
fn is_receipt(mail: &Mail<'_>) -> bool {
    matches!(mail.message.report, Some(Report::Disposition { .. }))
}
