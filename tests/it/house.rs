//! The shipped rules and templates, asked what shall become of a mail: no store, no mailbox, a clock that stands.

use std::sync::Arc;

use huixin::address::Address;
use huixin::app;
use huixin::case::{Case, CaseState, Facts};
use huixin::decide::{self, Decision, Mail};
use huixin::ids::{GroupId, Key, MailHash, MailboxName, TemplateName};
use huixin::language::Language;
use huixin::outgoing::Purpose;
use huixin::playbook::Playbook;
use huixin::screen::Findings;
use huixin::thread;
use huixin::time::Timestamp;

use crate::shipped;

pub struct House {
    pub playbook: Arc<Playbook>,
    pub now: Timestamp,
}

impl House {
    pub fn new() -> House {
        House::over(shipped::unchanged())
    }

    /// The shipped configuration with one piece replaced.
    pub fn with(from: &str, to: &str) -> House {
        let text = shipped::bot_toml();
        assert!(text.contains(from), "{from}");
        House::over(Arc::new(shipped::playbook(text.replacen(from, to, 1), Key::from_bytes([1; 32]))))
    }

    fn over(playbook: Arc<Playbook>) -> House {
        // A Tuesday morning in Shanghai.
        House { playbook, now: "2026-11-24T02:00:00Z".parse().unwrap() }
    }

    /// The decision about a mail, written as text with `\n` line ends, given the facts that `known` adds.
    pub fn decide(&self, mail: &str, known: impl FnOnce(&mut Facts)) -> Decision {
        self.decide_as(mail, known, |mail| mail)
    }

    pub fn decide_as(
        &self,
        mail: &str,
        known: impl FnOnce(&mut Facts),
        change: impl FnOnce(Mail<'_>) -> Mail<'_>,
    ) -> Decision {
        self.decide_found(mail, known, None, change)
    }

    /// The same, given what was found of the mail's signatures.
    pub fn decide_found(
        &self,
        mail: &str,
        known: impl FnOnce(&mut Facts),
        findings: Option<&Findings>,
        change: impl FnOnce(Mail<'_>) -> Mail<'_>,
    ) -> Decision {
        let bytes = mail.replace('\n', "\r\n").into_bytes();
        let (message, hash) = (app::read(&bytes), MailHash::of(&bytes));
        let clues = thread::clues(&message, &hash, self.playbook.key());
        let mut facts = Facts { free_number: clues.candidates.first().copied(), ..Facts::default() };
        known(&mut facts);
        let mailbox = &self.playbook.config().mailboxes[0];
        let mail =
            Mail { mailbox, hash, message: &message, findings, delivered: self.now, junk: false, baseline: false };
        let mail = change(mail);
        let decision = decide::decide(&mail, &facts, &self.playbook, self.now);
        assert_eq!(decision, decide::decide(&mail, &facts, &self.playbook, self.now), "the same again, to the byte");
        decision
    }

    /// A case of `ann@example.org` in this state.
    pub fn case(&self, state: CaseState) -> Case {
        let number = thread::candidates(&MailHash::of(b"an earlier mail"), self.playbook.key())[0];
        let (mailbox, group) = (MailboxName::parse("support").unwrap(), GroupId::parse("mail-tech").unwrap());
        Case {
            state,
            requester: Some(Address::parse("ann@example.org").unwrap()),
            received: 1,
            answers: 1,
            last_answer: Some(TemplateName::parse("kb/554-dt-spm").unwrap()),
            ..Case::new(number, mailbox, group, Language::Zh, self.now)
        }
    }
}

/// A mail from Ann to the support address.
pub fn from_ann(headers: &str, text: &str) -> String {
    format!(
        "From: Ann <ann@example.org>\nTo: support@example.com\nMessage-ID: <a1@example.org>\n{headers}\
         MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}\n"
    )
}

pub const BOUNCED: &str = "我发送邮件被退回，提示“554 DT:SPM”，请问怎么办？";
pub const NO_RULE: &str = "Does the choir rehearse on Thursday this week?";

pub fn purposes(decision: &Decision) -> Vec<Purpose> {
    decision.outgoing().map(|outgoing| outgoing.purpose).collect()
}

pub fn template(decision: &Decision) -> Option<&str> {
    decision.why.shown.template().map(TemplateName::as_str)
}
