//! Whom our answers do not reach, or do not please: they get none for a time (RFC 5321 §6.3, RFC 5965 §3).
//!
//! Anyone can write something that looks like a bounce. It counts only by the proof in the Message-ID of an answer of
//! ours, which nobody knows but who got it, and it silences nobody but the requester of that answer's case.

use super::plan::{Bounced, bounced};
use super::{Mail, mails};
use crate::case::{Case, Suppression};
use crate::ids::CaseNumber;
use crate::message::{Action, Outcome, Report};
use crate::outgoing::Purpose;
use crate::playbook::Playbook;
use crate::screen::{Kind, Screening};
use crate::time::{Timestamp, of_days};

/// Complaints of an abuse report (RFC 5965 §7.3, RFC 6650): what a person says of a mail they did not want. That it
/// failed an authentication (`auth-failure`) or is no spam after all (`not-spam`) is not one.
const COMPLAINTS: &[&str] = &["abuse", "fraud", "opt-out", "opt-out-list"];

/// Who gets no answers after this mail: the requester of `case`, if an answer to them is dead or unwanted.
pub(super) fn suppression(mail: &Mail<'_>, case: &Case, playbook: &Playbook, now: Timestamp) -> Option<Suppression> {
    let report = mail.message.report.as_ref().filter(|report| says_never(report))?;
    let answer = (Purpose::Answer, Some(case.number));
    let proven = report.about().iter().any(|id| mails::own_mail(id, playbook.key()) == Some(answer));
    let days = playbook.config().budget.suppress_days;
    if !proven || mail.baseline || days == 0 {
        return None;
    }
    let until = now.checked_add(of_days(days)).ok()?;
    Some(Suppression { address: case.requester.clone()?, until })
}

/// The case whose answer a mail system says to have failed, for good or for now: by the proof in the answer's
/// Message-ID, like everything that a report can do.
pub(super) fn came_back(
    mail: &Mail<'_>,
    screening: &Screening,
    case: Option<&Case>,
    playbook: &Playbook,
) -> Option<CaseNumber> {
    let case = case.filter(|_| screening.kind == Kind::Bounce && !mail.baseline)?;
    (bounced(mail, playbook) == Bounced::Answer).then_some(case.number)
}

/// Does it say that another answer would be as dead, or as unwanted, as this one?
fn says_never(report: &Report) -> bool {
    let gone =
        |outcome: &Outcome| outcome.action == Action::Failed && outcome.status.is_some_and(|status| status.says_gone());
    match report {
        Report::Delivery { outcomes, .. } => outcomes.iter().any(gone),
        Report::Abuse { kind, .. } => COMPLAINTS.contains(&kind.as_str()),
        Report::Disposition { .. } | Report::Dmarc | Report::Tls => false,
    }
}
