//! What is decided when something went wrong: a mail that defeats us, a mail of ours that did not arrive.
//!
//! Each failure is reported one step further up, and then it ends: what the relay gives up is told to the operator,
//! an answer that comes back later is shown to its group, a forward that comes back is told to the operator, and a
//! notice that fails is only logged. So no chain of reports goes on for ever.

use super::mails::{notice, notice_of, notice_with_octets};
use super::plan::{Bounced, bounced as reported};
use super::ration::Ration;
use super::{Decision, Effect, Mail, Shown, Why};
use crate::address::Address;
use crate::case::{Case, CaseState, Facts, Folded};
use crate::compose::Values;
use crate::config::Mailbox;
use crate::ids::{CaseNumber, MailHash, MessageId};
use crate::message::Report;
use crate::outgoing::{Outgoing, Purpose};
use crate::playbook::{OwnTemplates, Playbook};
use crate::problem::Problems;
use crate::rules::Judgement;
use crate::screen::Screening;
use crate::thread::Threading;
use crate::time::Timestamp;

/// A mail that could not be handled.
#[derive(Debug, Clone, Copy)]
pub struct Quarantine<'a> {
    pub mailbox: &'a Mailbox,
    pub hash: MailHash,
    /// Octets.
    pub size: u64,
    /// A code, a colon, and what happened in words.
    pub reason: &'a str,
}

/// A mail that defeats us still gets a case, and the operator hears of it; its bytes are in the archive.
pub fn quarantine(mail: &Quarantine<'_>, facts: &Facts, playbook: &Playbook, now: Timestamp) -> Decision {
    let number = facts.free_number.unwrap_or_else(|| CaseNumber::mint(playbook.key(), &mail.hash, 0));
    let case = unread(number, mail.mailbox, now);
    let told = [
        ("notice.case", number.to_string()),
        ("notice.why", mail.reason.to_owned()),
        ("notice.what", mail.hash.short()),
        ("notice.file", mail.hash.to_string()),
    ];
    // Base64 makes four octets of three.
    let fits = mail.size <= playbook.largest_original() / 4 * 3;
    let notice = match fits {
        true => notice_with_octets(playbook, mail.mailbox, OwnTemplates::QUARANTINED, mail.hash, &told, now),
        false => {
            let name = format!("quarantined {}", mail.hash);
            notice(playbook, mail.mailbox, OwnTemplates::QUARANTINED, &name, &told, now)
        }
    };
    // Poison comes in floods, too.
    let mut ration = Ration::new(None, &facts.budgets, &playbook.config().budget, now);
    let notice = notice.filter(|notice| ration.allows(&notice.envelope.to));
    let (folded, drawn) = ration.settle();
    let fold = (!folded.is_empty()).then(|| Folded {
        to: folded.clone(),
        case: number,
        mail: mail.hash,
        at: now,
        from: None,
        subject: mail.reason.to_owned(),
    });
    let why = Why {
        screening: Screening::unreadable(),
        threading: Threading::New,
        names: None,
        judgement: Judgement::default(),
        shown: Shown::Recorded,
        silence: None,
        suppressed: None,
        folded,
        state: case.state,
    };
    let counted = drawn.into_iter().map(Effect::Spend).chain(fold.map(Effect::Fold));
    let effects = std::iter::once(Effect::Open(case)).chain(counted).chain(notice.map(Effect::Send)).collect();
    Decision { effects, why }
}

/// The case of a mail of which nothing but its mailbox is known: humans have it, and nobody is its requester.
pub fn unread(number: CaseNumber, mailbox: &Mailbox, now: Timestamp) -> Case {
    let Mailbox { name, group, language, .. } = mailbox;
    let case = Case::new(number, name.clone(), group.clone(), *language, now);
    Case { state: CaseState::WithAgents, received: 1, ..case }
}

/// A mail of ours that was given up.
#[derive(Debug, Clone, Copy)]
pub struct Undelivered<'a> {
    pub purpose: Purpose,
    pub to: &'a Address,
    /// Its case; none for a notice.
    pub case: Option<&'a Case>,
    /// The relay's words.
    pub why: &'a str,
}

/// What the operator is told of a mail that was given up. A notice that fails is only logged.
pub fn undelivered(failed: &Undelivered<'_>, id: &MessageId, playbook: &Playbook, now: Timestamp) -> Option<Outgoing> {
    if matches!(failed.purpose, Purpose::Notice | Purpose::Receipt) {
        return None;
    }
    let configured = &playbook.config().mailboxes;
    let mailbox = failed.case.and_then(|case| playbook.config().mailbox(&case.mailbox)).or(configured.first())?;
    let told = [
        ("notice.what", failed.purpose.as_str().to_owned()),
        ("notice.case", failed.case.map(|case| case.number.to_string()).unwrap_or_default()),
        ("notice.to", failed.to.to_string()),
        ("notice.why", failed.why.to_owned()),
    ];
    notice(playbook, mailbox, OwnTemplates::UNDELIVERED, &format!("undelivered {id}"), &told, now)
}

/// What the operator is told when changed files cannot be used: every fault with its place. The playbook that runs
/// stays.
pub fn unusable(problems: &Problems, playbook: &Playbook, now: Timestamp) -> Option<Outgoing> {
    let mailbox = playbook.config().mailboxes.first()?;
    let faults: Vec<String> = problems.0.iter().filter(|problem| problem.is_error()).map(ToString::to_string).collect();
    let fill = |values: &mut Values| {
        values.text("notice.revision", playbook.revision());
        values.list("notice.problems", faults.iter().map(String::as_str));
    };
    notice_of(playbook, mailbox, OwnTemplates::UNUSABLE, &format!("unusable {now}"), fill, now)
}

/// What the operator is told when a forward came back. An answer that came back is shown to the group, a
/// notice that came back is the end.
pub(super) fn bounced(mail: &Mail<'_>, case: CaseNumber, playbook: &Playbook, now: Timestamp) -> Option<Outgoing> {
    if reported(mail, playbook) != Bounced::Forward || mail.baseline {
        return None;
    }
    let failed = match &mail.message.report {
        Some(Report::Delivery { outcomes, .. }) => outcomes.first(),
        _ => None,
    };
    let told = [
        ("notice.case", case.to_string()),
        ("notice.to", failed.map(|failed| failed.recipient.clone()).unwrap_or_default()),
        ("notice.why", failed.map(|failed| failed.diagnostic.clone()).unwrap_or_default()),
        ("notice.file", mail.hash.to_string()),
    ];
    notice(playbook, mail.mailbox, OwnTemplates::BOUNCED, &format!("bounced {}", mail.hash), &told, now)
}
