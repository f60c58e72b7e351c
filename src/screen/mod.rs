//! May this mail be answered automatically, what kind of mail is it, and who sent it?
//!
//! Every question is asked, and every reason not to answer is kept: an admin who asks `explain` sees all of
//! them. A reason silences only the automatic answer. Nothing is dropped here: the mail becomes a case or
//! a note all the same, and the doubtful is left to a human.
//!
//! What a person writes weighs more than what it looks like. Text and subject are judged only where a mail
//! system or a vacation program would have written them: at the very beginning, unquoted, in its own words.
//! Someone who quotes a bounce, forwards one, or says that their out-of-office reply does not work, asks
//! for help.

mod auth;
mod bulk;
mod desk;
mod grammar;
mod header;
mod lookalike;
mod network;
mod phrases;
mod plain;
mod prose;
mod reason;
mod results;
mod robots;
#[cfg(test)]
mod specimen;
mod subject;

pub use auth::{Authentication, Findings, Seal, Signature, Trusted, Verdict, Witness};
pub use desk::{Arrived, Desk};
pub use network::came_from_inside;
pub use reason::Reason;

use crate::address::Address;
use crate::message::{Message, Person};

/// What kind of mail it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Human,
    AutoReply,
    Bounce,
    Report,
    List,
    /// Our own mail, come back.
    Own,
    Junk,
}

impl Kind {
    pub const ALL: [Kind; 7] =
        [Kind::Human, Kind::AutoReply, Kind::Bounce, Kind::Report, Kind::List, Kind::Own, Kind::Junk];

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Human => "human",
            Kind::AutoReply => "auto-reply",
            Kind::Bounce => "bounce",
            Kind::Report => "report",
            Kind::List => "list",
            Kind::Own => "own",
            Kind::Junk => "junk",
        }
    }

    pub fn parse(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screening {
    pub kind: Kind,
    /// Why not to answer, the most telling reason first, each once. Empty for most mail.
    pub reasons: Vec<Reason>,
    /// Whom an answer would go to; known also where there is a reason not to answer.
    pub answer_to: Option<Address>,
    /// May From be believed? Nothing is known of it offline.
    pub authentication: Authentication,
}

impl Screening {
    /// Of a mail that could not even be read: it is kept, and nobody is answered.
    pub fn unreadable() -> Screening {
        Screening {
            kind: Kind::Human,
            reasons: vec![Reason::Malformed],
            answer_to: None,
            authentication: Authentication::UNKNOWN,
        }
    }

    /// Another reason, found by who knows more than the mail.
    pub fn add(&mut self, reason: Reason) {
        if let Err(at) = self.reasons.binary_search(&reason) {
            self.reasons.insert(at, reason);
        }
    }

    /// May it be answered automatically, as far as the mail itself can tell?
    pub fn answerable(&self) -> bool {
        self.reasons.is_empty() && self.answer_to.is_some()
    }
}

/// Makes everything that screening needs, which takes a tenth of a second once: a crash in that time would count as
/// an attempt of the mails that wait for it.
pub fn prepare() {
    prose::prepare();
    subject::prepare();
}

/// Who sent it, without the rest of the screening.
pub fn authenticate(message: &Message, desk: &Desk, findings: Option<&Findings>) -> Authentication {
    auth::authenticate(message, desk.trusted(), findings)
}

/// Screens a mail. `at_home` is `None` for an inspection offline: what needs a configuration is left out.
pub fn screen(message: &Message, at_home: Option<(&Desk, &Arrived<'_>)>) -> Screening {
    let mut reasons = Vec::new();
    let form = at_home.is_some_and(|(desk, _)| desk.is_trusted_form(message));
    let answer_to = if form { one_address(&message.reply_to) } else { message.sender().cloned() };

    if answer_to.is_none() {
        reasons.push(Reason::NoSenderAddress);
    }
    header::look(message, !form, &mut reasons);
    bulk::look(message, &mut reasons);
    if !form {
        // A form's mail is a program's in sender and text, and still somebody's request.
        subject::look(message, &mut reasons);
        prose::look(message, &mut reasons);
    }
    let mut authentication = Authentication::UNKNOWN;
    if let Some((desk, arrived)) = at_home {
        authentication = authenticate(message, desk, arrived.findings);
        desk.look(message, answer_to.as_ref(), form, &mut reasons);
        desk.doubt(authentication.verdict, &mut reasons);
        arrived.look(message, desk, &mut reasons);
    }

    reasons.sort_unstable();
    reasons.dedup();
    let kind = reasons.iter().find_map(|reason| reason.kind()).unwrap_or(Kind::Human);
    Screening { kind, reasons, answer_to, authentication }
}

/// RFC 3834 §4 lets an answer go to From or Return-Path. Reply-To is what anybody may write: it is asked
/// only where the organisation's own form fills it in.
fn one_address(people: &[Person]) -> Option<Address> {
    match people {
        [person] => person.address.clone(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::desk::specimen::at_home;
    use super::specimen::{from_ann, mail};
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn codes(screening: &Screening) -> Vec<&'static str> {
        screening.reasons.iter().map(|reason| reason.code()).collect()
    }

    #[test]
    fn a_question_is_answered() {
        for question in [
            from_ann("Subject: Password", "How do I change my password?"),
            from_ann("Subject: 密码", "我的密码忘记了，怎么找回？"),
            from_ann("", ""),
        ] {
            for screening in [screen(&question, None), at_home(&question)] {
                assert_eq!(codes(&screening), Vec::<&str>::new());
                assert_eq!(screening.kind, Kind::Human);
                assert_eq!(screening.answer_to, Some(address("ann@example.org")));
                assert!(screening.answerable());
            }
        }
    }

    #[test]
    fn a03_an_answer_goes_to_from_and_never_to_reply_to_or_sender() {
        let reflected = from_ann("Reply-To: victim@example.net\nSender: other@example.net", "Please help");
        assert_eq!(at_home(&reflected).answer_to, Some(address("ann@example.org")));
        for from in ["", "undisclosed", "<>", "ann@localhost", "\"a b\"@example.org"] {
            let message =
                mail(&format!("From: {from}\nReply-To: victim@example.net\nTo: support@example.com"), "Please help");
            let screening = at_home(&message);
            assert!(codes(&screening).contains(&"no-sender-address"), "{from}");
            assert_eq!(screening.answer_to, None);
        }
    }

    #[test]
    fn the_kind_is_what_the_most_telling_reason_says() {
        let kind = |header: &str, text: &str| screen(&from_ann(header, text), None).kind;
        assert_eq!(kind("Auto-Submitted: auto-replied\nPrecedence: bulk", ""), Kind::AutoReply);
        assert_eq!(kind("Auto-Submitted: auto-generated\nList-Id: <a.example>", ""), Kind::List);
        assert_eq!(kind("Return-Path: <>\nX-Failed-Recipients: b@example.net", ""), Kind::Bounce);
        assert_eq!(kind("Return-Path: <>", "Hello"), Kind::AutoReply);
        assert_eq!(kind("X-Auto-Response-Suppress: All", "Hello"), Kind::Human);
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
    }
}
