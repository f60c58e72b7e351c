//! A case that agents have, decided by the shipped rules: what they were sent, and what becomes of their answers.

use huixin::app;
use huixin::case::{Case, Facts, Prints};
use huixin::decide::{self, Decision, Effect, Heed, Mail, Shown};
use huixin::ids::{Key, MailHash, MessageId};
use huixin::language::Language;
use huixin::outgoing::{Outgoing, Purpose};
use huixin::playbook::Playbook;
use huixin::thread;
use huixin::time::Timestamp;

use super::programs::Body;
use crate::shipped;

pub const AGENT: &str = "wang@example.com";
pub const COLLEAGUE: &str = "zhao@example.com";
/// What a colleague wrote above the forward, for the agent alone.
pub const REMARK: &str = "王工，这个客户上月欠费两次，合同快到期了，先别承诺赔偿，等张经理批。CANARY-REMARK";
/// A note in the case.
pub const NOTE: &str = "机房交换机有缺陷，财务还没有确认赔付方案，任何邮件里都不要提到赔付，也不要承诺时间，等周五的会议之后再统一答复客户。CANARY-NOTE";
const KEY: [u8; 32] = [3; 32];

/// A mail that an agent got.
pub struct Got {
    pub message_id: MessageId,
    pub references: Vec<MessageId>,
    pub subject: String,
    pub text: String,
    /// Whither an answer goes.
    pub back: String,
}

pub struct Desk {
    pub playbook: Playbook,
    pub now: Timestamp,
    pub case: Case,
    pub internal: Prints,
    /// To the agent: of the requester's first mail and of the second.
    pub forwards: Vec<Got>,
    /// The receipt of a note.
    pub receipt: Got,
}

/// What became of an agent's mail.
#[derive(Debug)]
pub enum Came {
    /// The agent's words, as the requester reads them, without the signature of the house.
    Relayed(String),
    /// Why.
    Held(String),
    Other(String),
}

impl Desk {
    /// A customer of this language wrote twice, and a note was taken; agents are spoken to in it as well.
    pub fn open(language: Language) -> Desk {
        Desk::with(language, "")
    }

    pub fn with(language: Language, handoff: &str) -> Desk {
        let playbook = playbook(language, handoff);
        let now: Timestamp = "2026-11-24T02:00:00Z".parse().unwrap();
        let (first, second) = match language {
            Language::Zh => (
                "Subject: 发信失败\n\n我发送邮件一直失败，提示 550 5.7.1，请转人工处理。\n我的合同号是 CANARY-CONTRACT，公司在上海。",
                "Subject: Re: 发信失败\n\n补充一下：\n收件人：abc@example.net\n时间：昨天下午\n今天上午还是不行，很着急。CANARY-SECOND",
            ),
            Language::En => (
                "Subject: cannot send\n\nI cannot send mail any more, 550 5.7.1. Please let me talk to a human.\nMy contract is CANARY-CONTRACT.",
                "Subject: Re: cannot send\n\nOne more thing: it began yesterday in the afternoon, and it is urgent. CANARY-SECOND",
            ),
            Language::Ja => (
                "Subject: 送信できません\n\nメールを送信できません。エラーは 550 5.7.1 です。担当者につないでください。\n契約番号は CANARY-CONTRACT です。",
                "Subject: Re: 送信できません\n\n昨日の午後から発生しています。至急お願いします。CANARY-SECOND",
            ),
        };
        let case = Case::clone(decide_bytes(&playbook, now, &customer(first, 1), &Facts::default()).case().unwrap());
        let got = Got {
            message_id: MessageId::mint(playbook.key(), case.number, "none", "example.com"),
            references: Vec::new(),
            subject: String::new(),
            text: String::new(),
            back: String::new(),
        };
        let mut desk = Desk { playbook, now, case, internal: Prints::default(), forwards: Vec::new(), receipt: got };
        for (n, mail) in [(1, first), (2, second)] {
            let facts = if n == 1 {
                Facts::default()
            } else {
                Facts { by_number: vec![desk.case.clone()], by_reference: vec![desk.case.clone()], ..Facts::default() }
            };
            let decision = decide_bytes(&desk.playbook, now, &customer(mail, n), &facts);
            desk.after(&decision);
            let forward = decision
                .outgoing()
                .find(|mail| mail.purpose == Purpose::Forward && mail.envelope.to.to_string() == AGENT);
            desk.forwards.push(got_by_agent(forward.expect("a forward")));
        }
        let body = Body { plain: Some(format!("#note\n{NOTE}")), ..Body::default() };
        let decision = desk.decision(&desk.mail(AGENT, &desk.forwards[0], &body));
        desk.after(&decision);
        assert!(!desk.internal.is_empty());
        desk.receipt = got_by_agent(decision.outgoing().next().expect("a receipt"));
        desk
    }

    fn after(&mut self, decision: &Decision) {
        for effect in &decision.effects {
            match effect {
                Effect::Open(case) | Effect::Append(case) => self.case = case.clone(),
                Effect::Internal(prints) => self.internal.extend(prints),
                _ => {}
            }
        }
    }

    /// An answer of `from` to a mail of ours, as its program sends it.
    pub fn mail(&self, from: &str, to: &Got, body: &Body) -> Vec<u8> {
        let domain = from.rsplit_once('@').unwrap().1;
        let references: String = to.references.iter().map(|id| format!("{id} ")).collect();
        let proof = format!(
            "Authentication-Results: mx.example.com; dkim=pass header.d={domain}; dmarc=pass header.from={domain}\r\n\
             Received: from mx.example.com by mx.example.com; Tue, 24 Nov 2026 02:00:00 +0000\r\n"
        );
        let head = format!(
            "{proof}From: =?utf-8?B?546L5bel?= <{from}>\r\nTo: <{}>\r\nCc: <everybody@example.com>\r\nSubject: Re: \
             answer\r\nMessage-ID: <{}@{domain}>\r\nIn-Reply-To: {id}\r\nReferences: {references}{id}\r\nMIME-Version: \
             1.0\r\n",
            to.back,
            MailHash::of(format!("{:?}{:?}", body.plain, body.html).as_bytes()),
            id = to.message_id
        );
        let part = |kind: &str, text: &str| {
            let (charset, octets) = encoded(text, body.charset);
            let mut part =
                format!("Content-Type: text/{kind}; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
                    .into_bytes();
            part.extend(octets);
            part
        };
        let mut mail = head.into_bytes();
        match (&body.plain, &body.html) {
            (Some(plain), Some(html)) => {
                mail.extend(b"Content-Type: multipart/alternative; boundary=\"=_b\"\r\n\r\n--=_b\r\n");
                mail.extend(part("plain", plain));
                mail.extend(b"\r\n--=_b\r\n");
                mail.extend(part("html", html));
                mail.extend(b"\r\n--=_b--\r\n");
            }
            (Some(plain), None) => mail.extend(part("plain", plain)),
            (None, Some(html)) => mail.extend(part("html", html)),
            (None, None) => {}
        }
        mail
    }

    pub fn decision(&self, mail: &[u8]) -> Decision {
        let facts = Facts { by_signed: vec![self.case.clone()], internal: self.internal.clone(), ..Facts::default() };
        decide_bytes(&self.playbook, self.now, mail, &facts)
    }

    pub fn decide(&self, mail: &[u8]) -> Came {
        let decision = self.decision(mail);
        let relays: Vec<&Outgoing> = decision.outgoing().filter(|mail| mail.purpose.is_to_requester()).collect();
        match &decision.why.shown {
            Shown::Agent(Heed::Relayed) => {
                let [relay] = relays[..] else { panic!("{} mails to the requester", relays.len()) };
                assert_eq!(Some(&relay.envelope.to), self.case.requester.as_ref(), "to nobody else");
                Came::Relayed(self.unsigned(&app::read(relay.content.head.as_bytes()).text))
            }
            Shown::Agent(Heed::Held) => {
                let receipt = decision.outgoing().find(|mail| mail.purpose == Purpose::Receipt).expect("a question");
                let text = app::read(receipt.content.head.as_bytes()).text;
                Came::Held(text.lines().find(|line| line.starts_with("- ")).unwrap_or_default().to_owned())
            }
            other => {
                assert!(relays.is_empty(), "{other:?} sends nothing to the requester");
                Came::Other(format!("{other:?}"))
            }
        }
    }

    /// The text of a relay without the two lines of the house below it.
    fn unsigned(&self, text: &str) -> String {
        let lines: Vec<&str> = text.lines().collect();
        let number = self.case.number.to_string();
        let last = lines.iter().rposition(|line| line.contains(&number)).expect("the house signs with the number");
        lines[..last - 1].join("\n").trim().to_owned()
    }
}

fn playbook(language: Language, handoff: &str) -> Playbook {
    let text = shipped::bot_toml()
        .replace("authentication_servers = []", "authentication_servers = [\"mx.example.com\"]")
        .replace("to = [\"agents@example.com\"]", &format!("to = [\"{AGENT}\", \"{COLLEAGUE}\"]\n{handoff}"))
        .replace(
            "language = \"zh\"                     # the language of the words",
            &format!("language = \"{language}\" # the language of the words"),
        );
    let playbook = shipped::playbook(text, Key::from_bytes(KEY));
    assert_eq!(playbook.config().handoff.language, language);
    playbook
}

fn customer(text: &str, n: usize) -> Vec<u8> {
    format!(
        "From: Li <li@customer.example>\nTo: support@example.com\nMessage-ID: <c{n}@customer.example>\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n{text}\n"
    )
    .replace('\n', "\r\n")
    .into_bytes()
}

pub fn decide_bytes(playbook: &Playbook, now: Timestamp, bytes: &[u8], facts: &Facts) -> Decision {
    let (message, hash) = (app::read(bytes), MailHash::of(bytes));
    let clues = thread::clues(&message, &hash, playbook.key());
    let facts = Facts { free_number: clues.candidates.first().copied(), ..facts.clone() };
    let mailbox = &playbook.config().mailboxes[0];
    let mail = Mail { mailbox, hash, message: &message, findings: None, delivered: now, junk: false, baseline: false };
    decide::decide(&mail, &facts, playbook, now)
}

fn got_by_agent(mail: &Outgoing) -> Got {
    let original = mail.content.original.map(|_| b"From: li@customer.example\r\n\r\nx\r\n".as_slice());
    let read = app::read(&mail.content.bytes(original));
    let back = read.reply_to.first().or(read.from.first()).and_then(|person| person.address.clone()).unwrap();
    Got {
        message_id: mail.message_id.clone(),
        references: read.references.clone(),
        subject: read.subject.clone(),
        text: read.text.replace("\r\n", "\n"),
        back: back.to_string(),
    }
}

/// In this charset, what it has no sign for as a question mark.
fn encoded(text: &str, charset: Option<&'static str>) -> (&'static str, Vec<u8>) {
    let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    let Some(charset) = charset else { return ("utf-8", text.into_bytes()) };
    let encoding = encoding_rs::Encoding::for_label(charset.as_bytes()).unwrap();
    let known = |c: char| !encoding.encode(c.encode_utf8(&mut [0; 4])).2;
    // Where it has no sign for words the program takes UTF-8.
    if text.chars().any(|c| !known(c) && (c.is_alphanumeric() || c >= '\u{10000}')) {
        return ("utf-8", text.into_bytes());
    }
    let text: String = text.chars().map(|c| if known(c) { c } else { '?' }).collect();
    (charset, encoding.encode(&text).0.into_owned())
}
