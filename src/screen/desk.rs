//! What only a bot at home can ask: is it our own mail, does it concern us, is it somebody we never answer?

use std::time::Duration;

use super::{Findings, Reason, Trusted, Verdict, header, lookalike, robots};
use crate::address::Address;
use crate::config::SenderPolicy;
use crate::ids::{Key, is_own_loop_mark};
use crate::message::Message;
use crate::time::Timestamp;

/// What the configuration says about who we are and whom we never answer.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Our support addresses.
    pub addresses: Vec<Address>,
    /// Agents, groups, sibling bots, the operator, and whom else the admin has listed.
    pub never: Vec<Address>,
    /// The organisation's own web forms, which name the requester in Reply-To.
    pub trusted_forms: Vec<Address>,
    /// Mail servers of ours whose `Authentication-Results` are believed, in lower case.
    pub servers: Vec<String>,
    /// Domains whose ARC seals are believed about mail they pass on, as A-labels.
    pub sealers: Vec<String>,
    /// Who must be authenticated to be answered.
    pub policy: SenderPolicy,
    /// Mail delivered longer ago is not answered: after an outage of days an answer would only confuse, the
    /// sender has long found another way.
    pub stale_after: Duration,
    pub bot_id: String,
    pub key: Key,
}

/// How the mail came.
#[derive(Debug, Clone, Copy)]
pub struct Arrived<'a> {
    /// When it was delivered to the mailbox.
    pub delivered: Timestamp,
    pub now: Timestamp,
    /// The host has marked it as junk or put it into the junk folder.
    pub junk: bool,
    /// It was in the mailbox before the bot was first started.
    pub baseline: bool,
    /// What its signatures proved to be worth; `None` where nobody has looked.
    pub findings: Option<&'a Findings>,
}

impl Desk {
    /// Whose word is taken for who sent a mail.
    pub(super) fn trusted(&self) -> Trusted<'_> {
        Trusted { servers: &self.servers, sealers: &self.sealers }
    }

    /// Finds whom and what we know.
    pub(super) fn look(&self, message: &Message, answer_to: Option<&Address>, form: bool, reasons: &mut Vec<Reason>) {
        if self.wrote(message) {
            reasons.push(Reason::OwnMail);
        }
        let from_us = message.sender().is_some_and(|sender| self.is_own(sender));
        if (from_us && !form) || answer_to.is_some_and(|address| self.is_own(address)) {
            reasons.push(Reason::OwnAddress);
        }
        let sender = message.sender().filter(|_| !form);
        if sender.into_iter().chain(answer_to).any(|address| {
            let key = address.counting_key();
            self.never.iter().any(|never| never.counting_key() == key)
        }) {
            reasons.push(Reason::ListedAddress);
        }
        if sender.into_iter().chain(answer_to).any(|address| self.is_imitated_by(address)) {
            reasons.push(Reason::LookAlike);
        }
        if form {
            // The form may be a robot; the requester it names may not.
            reasons.extend(answer_to.and_then(|address| robots::sender(address.local())));
        }
        if !message.recipients().any(|address| self.is_own(address)) {
            reasons.push(Reason::NotAddressed);
        }
    }

    /// What follows from who sent it. A look-alike is found by [`Desk::look`].
    pub(super) fn doubt(&self, verdict: Verdict, reasons: &mut Vec<Reason>) {
        match (verdict, self.policy) {
            (Verdict::Fail, SenderPolicy::Budgeted | SenderPolicy::Strict) => {
                reasons.push(Reason::AuthenticationFailed)
            }
            (Verdict::Unknown, SenderPolicy::Strict) => reasons.push(Reason::NotAuthenticated),
            _ => {}
        }
    }

    /// Do we know this mail by our own proof, in its loop mark or its Message-ID?
    fn wrote(&self, message: &Message) -> bool {
        message.message_id.as_ref().is_some_and(|id| {
            id.own_case(&self.key).is_some()
                || message.field("X-Loop").any(|mark| is_own_loop_mark(&self.key, &self.bot_id, id, mark))
        })
    }

    /// One of our addresses, with or without a detail (RFC 5233): `support+detail@`.
    fn is_own(&self, address: &Address) -> bool {
        self.addresses.iter().any(|own| {
            own.matches(address)
                || (own.domain() == address.domain()
                    && address.detail('+').is_some_and(|(user, _)| user.eq_ignore_ascii_case(own.local())))
        })
    }

    /// Does the address stand in a domain that looks like one of the house?
    fn is_imitated_by(&self, address: &Address) -> bool {
        let house = self.addresses.iter().chain(&self.never).chain(&self.trusted_forms);
        lookalike::imitates(address.domain(), house.map(Address::domain))
    }

    pub(super) fn is_trusted_form(&self, message: &Message) -> bool {
        message.sender().is_some_and(|sender| self.trusted_forms.iter().any(|form| form == sender))
    }
}

impl Arrived<'_> {
    pub(super) fn look(&self, message: &Message, desk: &Desk, reasons: &mut Vec<Reason>) {
        if self.junk || header::is_marked_as_spam(message) {
            reasons.push(Reason::Junk);
        }
        if self.baseline {
            reasons.push(Reason::Baseline);
        }
        if self.delivered.checked_add(desk.stale_after).is_ok_and(|stale| stale < self.now) {
            reasons.push(Reason::Stale);
        }
    }
}

/// A desk and a mail's arrival, for the tests.
#[cfg(test)]
pub mod specimen {
    use super::*;
    use crate::screen::{Screening, screen};

    pub const KEY: [u8; 32] = [9; 32];

    pub fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    pub fn desk() -> Desk {
        Desk {
            addresses: vec![address("support@example.com")],
            never: vec![address("agent@example.com"), address("helper@sister.example")],
            trusted_forms: vec![address("noreply@forms.example.com")],
            servers: vec!["mx.example.com".into()],
            sealers: Vec::new(),
            policy: SenderPolicy::Budgeted,
            stale_after: Duration::from_secs(72 * 60 * 60),
            bot_id: "desk".into(),
            key: Key::from_bytes(KEY),
        }
    }

    pub fn hours_ago(hours: i64) -> Arrived<'static> {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        Arrived {
            delivered: Timestamp::from_second(1_800_000_000 - hours * 3600).unwrap(),
            now,
            junk: false,
            baseline: false,
            findings: None,
        }
    }

    pub fn at_home(message: &Message) -> Screening {
        screen(message, Some((&desk(), &hours_ago(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::specimen::{KEY, address, at_home, desk, hours_ago};
    use super::*;
    use crate::ids::{CaseNumber, MailHash, MessageId, loop_mark};
    use crate::screen::specimen::{from_ann, mail};
    use crate::screen::{Kind, Screening, screen};

    fn codes(screening: &Screening) -> Vec<&'static str> {
        screening.reasons.iter().map(|reason| reason.code()).collect()
    }

    #[test]
    fn a03_only_the_organisations_own_form_names_the_requester_in_reply_to() {
        let form = |reply_to: &str| {
            at_home(&mail(
                &format!(
                    "From: Web form <noreply@forms.example.com>\nTo: support@example.com\n\
                     Subject: Your request has been received\nReply-To: {reply_to}"
                ),
                "This is an automatically generated message.",
            ))
        };
        let screening = form("Ann <ann@example.org>");
        assert_eq!(codes(&screening), Vec::<&str>::new());
        assert_eq!(screening.answer_to, Some(address("ann@example.org")));
        assert_eq!(codes(&form("a@example.org, b@example.org")), ["no-sender-address"]);
        assert_eq!(codes(&form("noreply@example.org")), ["robot-sender"]);
        assert_eq!(codes(&form("agent@example.com")), ["listed-address"]);
        assert_eq!(codes(&form("support@example.com")), ["own-address"]);
        let forged = screen(&mail("From: noreply@forms.example.com\nReply-To: a@example.org", ""), None);
        assert_eq!(forged.answer_to, Some(address("noreply@forms.example.com")));
    }

    #[test]
    fn a05_agents_groups_and_sibling_bots_are_never_answered() {
        for from in ["agent@example.com", "Agent+x@example.com", "HELPER@sister.example"] {
            let screening = at_home(&mail(&format!("From: {from}\nTo: support@example.com"), "Hello"));
            assert_eq!(codes(&screening), ["listed-address"], "{from}");
            assert_eq!(screening.kind, Kind::Human);
        }
    }

    #[test]
    fn a09_one_of_our_addresses_must_be_visible() {
        let to = |header: &str| codes(&at_home(&mail(&format!("From: ann@example.org\n{header}"), "Hi")));
        let visible = [
            "To: Support@EXAMPLE.com",
            "To: support+case@example.com",
            "Cc: support@example.com",
            "To: b@example.net\nResent-To: support@example.com",
            "Resent-Cc: support@example.com",
        ];
        for header in visible {
            assert!(to(header).is_empty(), "{header}");
        }
        let hidden = [
            "To: b@example.net",
            "To: support@example.net",
            "Delivered-To: support@example.com",
            "To: undisclosed-recipients:;",
            "",
        ];
        for header in hidden {
            assert_eq!(to(header), ["not-addressed"], "{header}");
        }
        let offline = screen(&mail("From: ann@example.org\nTo: b@example.net", "Hi"), None);
        assert!(offline.answerable());
    }

    #[test]
    fn a12_our_own_mail_is_known_and_a_forged_mark_only_silences() {
        let key = Key::from_bytes(KEY);
        let case = CaseNumber::mint(&key, &MailHash::of(b"mail"), 0);
        let minted = MessageId::mint(&key, case, "a1", "example.com");
        let id = MessageId::parse("x@example.net").unwrap();
        let mark = loop_mark(&key, "desk", &id);

        let own = [
            from_ann(&format!("Message-ID: {minted}"), "Hi"),
            from_ann(&format!("Message-ID: {id}\nX-Loop: {mark}"), "Hi"),
            from_ann(&format!("Message-ID: {id}\nX-Loop: other\nX-Loop: {mark}"), "Hi"),
        ];
        for message in &own {
            let screening = at_home(message);
            assert_eq!(screening.kind, Kind::Own);
            assert_eq!(screening.reasons[0], Reason::OwnMail);
        }
        let forged = [
            from_ann("X-Loop: desk", "Hi"),
            from_ann("Message-ID: <x@example.net>\nX-Loop: desk; h=0123456789abcdef", "Hi"),
            from_ann(&format!("Message-ID: <y@example.net>\nX-Loop: {mark}"), "Hi"),
            from_ann(&format!("X-Loop: {mark}"), "Hi"),
        ];
        for message in &forged {
            let screening = at_home(message);
            assert_eq!(codes(&screening), ["loop-mark"]);
            assert_eq!(screening.kind, Kind::Human, "an outsider cannot make it ours");
        }
        for from in ["support@example.com", "Support+x@Example.com"] {
            let screening = at_home(&mail(&format!("From: {from}\nTo: support@example.com"), "Hi"));
            assert_eq!(codes(&screening), ["own-address"]);
            assert_eq!(screening.kind, Kind::Human, "people see what is written in our name");
        }
    }

    #[test]
    fn a16_spam_by_the_hosts_verdict_is_not_answered() {
        for header in
            ["X-Spam-Flag: YES", "X-Spam-Flag: yes (host)", "X-Spam-Status: Yes, score=7.1 required=5.0", "X-Spam: Yes"]
        {
            let message = from_ann(header, "Hi");
            assert_eq!(codes(&at_home(&message)), ["junk"], "{header}");
            assert_eq!(at_home(&message).kind, Kind::Junk);
            assert!(screen(&message, None).answerable(), "nobody knows whose verdict it is");
        }
        for header in ["X-Spam-Flag: NO", "X-Spam-Status: No, score=-1.0", "X-Spam-Level: **"] {
            assert!(at_home(&from_ann(header, "Hi")).answerable(), "{header}");
        }
        let flagged = Arrived { junk: true, ..hours_ago(1) };
        assert_eq!(codes(&screen(&from_ann("", "Hi"), Some((&desk(), &flagged)))), ["junk"]);
    }

    #[test]
    fn a18_who_must_be_authenticated_to_be_answered() {
        use SenderPolicy::{Budgeted, Off, Strict};
        let result = |result: &str| {
            let fields =
                format!("Authentication-Results: mx.example.com; {result} header.from=example.org\nReceived: x");
            mail(&format!("{fields}\nFrom: ann@example.org\nTo: support@example.com"), "Hi")
        };
        let (pass, fail, unknown) = (result("dmarc=pass"), result("dmarc=fail"), result("dmarc=none"));
        let cases: [(SenderPolicy, &Message, &[&str]); 9] = [
            (Budgeted, &pass, &[]),
            (Budgeted, &unknown, &[]),
            (Budgeted, &fail, &["authentication-failed"]),
            (Strict, &pass, &[]),
            (Strict, &unknown, &["not-authenticated"]),
            (Strict, &fail, &["authentication-failed"]),
            (Off, &pass, &[]),
            (Off, &unknown, &[]),
            (Off, &fail, &[]),
        ];
        for (policy, message, want) in cases {
            let screening = screen(message, Some((&Desk { policy, ..desk() }, &hours_ago(1))));
            assert_eq!(codes(&screening), want, "{policy:?} {}", screening.authentication);
            assert_eq!(screening.kind, Kind::Human);
        }
    }

    #[test]
    fn x03_a_look_alike_of_the_house_is_never_answered() {
        for from in ["support@exаmple.com", "agent@example.cоm", "ann@mail.examp1e.com", "helper@ѕister.example"] {
            let screening = at_home(&mail(&format!("From: {from}\nTo: support@example.com"), "Hi"));
            assert_eq!(codes(&screening), ["look-alike"], "{from}");
        }
        let form = "From: noreply@forms.example.com\nTo: support@example.com\nReply-To: a@exаmple.com";
        assert_eq!(codes(&at_home(&mail(form, "Hi"))), ["look-alike"]);
    }

    #[test]
    fn a17_old_mail_is_not_answered() {
        let message = from_ann("", "Hi");
        let after = |hours: i64| codes(&screen(&message, Some((&desk(), &hours_ago(hours)))));
        assert!(after(72).is_empty());
        assert!(after(-5).is_empty(), "a clock that runs ahead makes nothing old");
        assert_eq!(after(73), ["stale"]);
        let before_the_start = Arrived { baseline: true, ..hours_ago(1) };
        assert_eq!(codes(&screen(&message, Some((&desk(), &before_the_start)))), ["baseline"]);
    }
}
