//! What letters look like when they leave.

use super::*;
use crate::compose::MAX_ANSWER_TEXT;
use crate::compose::head::{MAX_DISPLAY_NAME, MAX_REFERENCES};
use crate::message::{self, Limits};
use mail_parser::MessageParser;
use proptest::prelude::*;

fn key() -> Key {
    Key::from_bytes([9; 32])
}

fn voice() -> Voice {
    Voice {
        address: "support@example.com".parse().unwrap(),
        display_name: "示例客服".into(),
        answered_at: None,
        domain: "example.com".into(),
        envelope_from: ReversePath::Address("bounces@example.com".parse().unwrap()),
        bot_id: "desk".into(),
        site: "hq".into(),
    }
}

fn case() -> CaseNumber {
    CaseNumber::mint(&key(), &MailHash::of(b"mail"), 0)
}

fn token() -> Token {
    Token::grant(&key(), case(), crate::ids::Right::Reply, &group().to_string(), 20_780)
}

fn now() -> Timestamp {
    "2026-11-23T01:02:03Z".parse().unwrap()
}

fn to() -> Address {
    "li@example.org".parse().unwrap()
}

fn group() -> Address {
    "mail-tech@example.com".parse().unwrap()
}

fn mail(text: &str) -> Message {
    message::read(text.replace('\n', "\r\n").as_bytes(), &Limits::default())
}

fn inbound() -> Message {
    let mut inbound = mail("From: Li <li@example.org>\nMessage-ID: <2@example.org>\n\n发不出去\n");
    inbound.references = vec![MessageId::parse("1@example.org").unwrap()];
    inbound
}

fn bytes(outgoing: &Outgoing, original: Option<&[u8]>) -> String {
    String::from_utf8(outgoing.content.bytes(original)).unwrap()
}

/// Every name of a header field, in order.
fn fields(mail: &str) -> Vec<&str> {
    let head = mail.split("\r\n\r\n").next().unwrap();
    head.split("\r\n").filter(|line| !line.starts_with(' ')).map(|line| line.split(':').next().unwrap()).collect()
}

/// B01, B07, B10, B11, B16: an answer, byte for byte.
#[test]
fn an_answer_has_these_bytes() {
    let written = Written::new("我们已收到", "您好，\n\n案号见主题。\n.\n-- \n示例客服", Language::Zh);
    let outgoing = answer(&key(), &voice(), case(), &to(), &inbound(), &written, now());
    assert_eq!(bytes(&outgoing, None), ANSWER.replace('\n', "\r\n"));
    assert_eq!(outgoing.case, Some(case()));
    assert_eq!(outgoing.envelope.to, to());
    assert_eq!(outgoing.message_id.own_case(&key()), Some(case()));
    let again = answer(&key(), &voice(), case(), &to(), &inbound(), &written, now());
    assert_eq!(outgoing, again);
    let later = answer(&key(), &voice(), case(), &to(), &inbound(), &written, Timestamp::UNIX_EPOCH);
    assert_ne!(outgoing.message_id, later.message_id);
}

#[test]
fn a_forward_has_these_bytes_and_the_original_between_them() {
    let written = Written::new("Bounce: hello", "Case: x\n| hello", Language::En);
    let hash = MailHash::of(b"original");
    let reply_to = "reply+x1@example.com".parse().unwrap();
    let forward =
        |original| forward(&key(), &voice(), &token(), &group(), &reply_to, &written, original, "first", now());
    let with = forward(Some(hash));
    assert_eq!(with.content.original, Some(hash));
    let original = b"Subject: hello\nContent-Type: text/plain\n\nfirst line\n.\nlast line";
    let whole = bytes(&with, Some(original));
    assert_eq!(whole, FORWARD.replace('\n', "\r\n"));
    let parsed = MessageParser::new().parse(whole.as_bytes()).unwrap();
    let inner = parsed.attachments().next().unwrap().nested().unwrap();
    assert_eq!(inner.subject(), Some("hello"));
    assert_eq!(parsed.attachments().len(), 1);

    let without = forward(None);
    assert_eq!((without.content.original, without.content.tail.as_str()), (None, ""));
    let parsed = MessageParser::new().parse(without.content.head.as_bytes()).unwrap();
    assert_eq!(parsed.attachments().len(), 0);
}

#[test]
fn a_notice_has_these_bytes() {
    let written = Written::new("Relay refuses the password", "535 since 09:00", Language::En);
    let outgoing = notice(&key(), &voice(), &group(), &written, "relay-535", now());
    assert_eq!(bytes(&outgoing, None), NOTICE.replace('\n', "\r\n"));
    assert_eq!(outgoing.case, None);
    assert_eq!(outgoing.message_id.own_case(&key()), None);
    for odd in [Timestamp::MIN, Timestamp::MAX] {
        let outgoing = notice(&key(), &voice(), &group(), &written, "relay-535", odd);
        assert!(outgoing.content.head.starts_with("Date: "), "{odd}");
    }
}

#[test]
fn a_mail_that_defeated_us_travels_as_a_file_that_nobody_opens_unasked() {
    let written = Written::new("In quarantine", "huixin quarantine show", Language::En);
    let poison = b"From: a@b\r\n\r\n\0\xff.\r\n.\r\nMAIL FROM:<x>\n";
    let outgoing = notice_with_octets(&key(), &voice(), &group(), &written, MailHash::of(poison), now());
    let whole = bytes(&outgoing, Some(poison));
    assert!(whole.is_ascii() && !whole.contains("MAIL FROM"));
    let parsed = MessageParser::new().parse(whole.as_bytes()).unwrap();
    assert_eq!(parsed.attachments().len(), 1);
    let file = parsed.attachments().next().unwrap();
    assert_eq!(&*file.decoded(), poison);
    assert!(file.nested().is_none());
    assert!(whole.contains(".eml.bin"), "{whole}");
}

/// B02, B03: only an answer may leave with `<>`.
#[test]
fn somebody_hears_when_a_forward_or_notice_fails() {
    let silent = Voice { envelope_from: ReversePath::Null, ..voice() };
    let written = Written::new("a", "b", Language::En);
    let from = |outgoing: Outgoing| outgoing.envelope.from;
    let own = ReversePath::Address(silent.address.clone());
    let answer = answer(&key(), &silent, case(), &to(), &inbound(), &written, now());
    assert_eq!(from(answer), ReversePath::Null);
    let forward = forward(&key(), &silent, &token(), &group(), &group(), &written, None, "1", now());
    assert_eq!(from(forward), own);
    assert_eq!(from(notice(&key(), &silent, &group(), &written, "1", now())), own);
}

/// A15, B07: the thread of a mail without identifiers, with one, with References only, with very many.
#[test]
fn references_keep_the_first_and_the_newest() {
    let id = |n: usize| MessageId::parse(&format!("{n}@{}", "x".repeat(240))).unwrap();
    let header = |inbound: &Message| {
        let written = Written::new("a", &"案".repeat(MAX_ANSWER_TEXT / 3), Language::En);
        let outgoing = answer(&key(), &voice(), case(), &to(), inbound, &written, now());
        let mail = bytes(&outgoing, None);
        assert!(mail.len() < 16 * 1024 && mail.lines().all(|line| line.len() <= 998));
        let unfolded = mail.replace("\r\n ", " ");
        let value = |field: &str| {
            let line = unfolded.lines().find_map(|line| line.strip_prefix(field));
            line.map(|value| value.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        };
        (value("In-Reply-To:"), value("References:"))
    };
    let show = |ids: &[usize]| Some(ids.iter().map(|n| id(*n).to_string()).collect::<Vec<_>>());
    let mut inbound = mail("From: li@example.org\n\nx\n");
    assert_eq!(header(&inbound), (None, None));
    inbound.references = vec![id(1)];
    assert_eq!(header(&inbound), (None, show(&[1])));
    inbound.message_id = Some(id(2));
    assert_eq!(header(&inbound), (show(&[2]), show(&[1, 2])));
    inbound.references = vec![id(2), id(1)];
    assert_eq!(header(&inbound), (show(&[2]), show(&[1, 2])));
    inbound.references.clear();
    assert_eq!(header(&inbound), (show(&[2]), show(&[2])));
    inbound.references = (1..=200).map(id).collect();
    inbound.message_id = Some(id(201));
    let kept: Vec<usize> = std::iter::once(1).chain(183..=201).collect();
    assert_eq!(kept.len(), MAX_REFERENCES);
    assert_eq!(header(&inbound), (show(&[201]), show(&kept)));
}

/// B08, B09: nothing that was in the mail is in the answer to it.
#[test]
fn an_answer_repeats_nothing_of_the_mail() {
    let canary = "CANARY7391";
    let mail = mail(&format!(
        "Return-Path: <{canary}@example.org>\nFrom: {canary} <li@example.org>\nReply-To: {canary}@example.org\n\
         To: {canary} <support@example.com>\nCc: {canary}@example.net\nSubject: {canary}\n\
         Comments: {canary}\nX-Mailer: {canary}\nList-Id: {canary}\nOrganization: {canary}\n\
         MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\n{canary}\n\
         --b\nContent-Type: text/plain; name={canary}.txt\nContent-Disposition: attachment; filename={canary}.txt\n\n{canary}\n--b--\n"
    ));
    let written = Written::new("Received", "We have your mail.", Language::En);
    let outgoing = answer(&key(), &voice(), case(), &to(), &mail, &written, now());
    let shown = format!("{outgoing:?}\n{}", bytes(&outgoing, None));
    assert!(!shown.contains(canary), "{shown}");
    assert!(!shown.contains("Q0FOQVJZNzM5M"), "{shown}");
}

#[test]
fn a_requester_answers_to_an_address_of_theirs_where_there_is_one() {
    let to: Address = "li@example.org".parse().unwrap();
    let voice = Voice { answered_at: Some("desk@example.com".parse().unwrap()), ..voice() };
    let (key, case, written) = (key(), case(), Written::new("a", "b", Language::En));
    let mails = [
        answer(&key, &voice, case, &to, &inbound(), &written, now()),
        in_thread(&key, &voice, Purpose::Relay, case, &to, &[], &written, "first", Leaves::AtOnce, now()),
        enclosing(&key, &voice, case, &to, &[], &written, &[], "first", now()),
    ];
    for mail in mails {
        let read = message::read(bytes(&mail, None).as_bytes(), &Limits::default());
        let address = read.reply_to[0].address.clone().unwrap();
        let (local, detail) = address.detail('+').unwrap();
        assert_eq!((local, address.domain()), ("desk", "example.com"));
        let token = Token::from_detail(detail).unwrap();
        assert_eq!((token.case, token.check(&key, "li@example.org", 90_000)), (case, Ok(())));
        assert!(token.check(&key, "other@example.org", 1).is_err());
    }
    let long = Voice { answered_at: Some(format!("{}@example.com", "x".repeat(40)).parse().unwrap()), ..voice };
    assert!(!answer(&key, &long, case, &to, &inbound(), &written, now()).content.head.contains("\r\nReply-To:"));
}

/// C04: an address with a local part that is not ASCII is written as it is, never as an encoded word.
#[test]
fn an_international_address_is_not_encoded() {
    let to = "张三@example.org".parse().unwrap();
    let written = Written::new("a", "b", Language::En);
    let outgoing = answer(&key(), &voice(), case(), &to, &inbound(), &written, now());
    assert!(outgoing.content.head.contains("\r\nTo: 张三@example.org\r\n"));
}

const COMMON: &[&str] = &[
    "Date",
    "From",
    "To",
    "Subject",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Loop",
    "Feedback-ID",
];
const ANSWERED: &[&str] = &["In-Reply-To", "References"];
const TEXT: &[&str] = &["MIME-Version", "Content-Type", "Content-Transfer-Encoding"];
const MULTIPART: &[&str] = &["MIME-Version", "Content-Type"];

/// Texts as strangers write them: line breaks, fields, encoded words, controls, all scripts.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\r\nBcc: x@example.com\r\n\r\n".to_owned()),
        Just("=?utf-8?q?=0D=0ABcc:_x=40y?=".to_owned()),
        Just("\r\n.\r\n".to_owned()),
        Just("\n.\n\rRSET\r".to_owned()),
        Just("\"\\<>,;:()@".to_owned()),
        Just("案号📬 退款".to_owned()),
        Just("\0\u{7f}\u{85}\u{2028}\u{202e}\u{feff}".to_owned()),
        Just("x".repeat(1200)),
        Just("a=?utf-8?q?b?=@c".to_owned()),
        Just("From \t =20=\n--\n-- \n".to_owned()),
        any::<String>(),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// CRLF only together, no line over 998 octets, ASCII, no NUL (RFC 5322 §2.1.1, §2.3).
fn check_lines(mail: &str) {
    assert!(mail.is_ascii() && !mail.contains('\0'));
    assert!(mail.ends_with("\r\n"));
    for line in mail.split("\r\n") {
        assert!(!line.contains(['\r', '\n']), "{line:?}");
        assert!(line.len() <= 998, "{line:?}");
    }
    let head = mail.split("\r\n\r\n").next().unwrap();
    for word in head.split_whitespace().filter(|word| word.starts_with("=?")) {
        assert!(word.len() <= 75, "{word}");
    }
}

fn check_reads_back(mail: &str, subject: &str, written: &Written, name: &str) {
    let parsed = MessageParser::new().parse(mail.as_bytes()).unwrap();
    assert_eq!(parsed.subject().unwrap_or_default(), subject, "{mail}");
    let body = parsed.body_text(0).unwrap_or_default();
    assert_eq!(body.trim_end_matches(['\r', '\n']).replace("\r\n", "\n"), written.body(), "{mail}");
    let from: Vec<_> = parsed.from().unwrap().mailboxes().collect();
    assert_eq!(from.len(), 1, "{mail}");
    assert_eq!(from[0].address(), Some("support@example.com"));
    assert_eq!(from[0].name().unwrap_or_default(), Line::new(name, MAX_DISPLAY_NAME).as_str(), "{mail}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// B14, B15, B17, B18, V15, S05: whatever is written, the mail has the fields it should have, in
    /// lines as they should be, and reads back as what was written.
    #[test]
    fn no_text_makes_another_mail(
        subject in hostile(), body in hostile(), name in hostile(), bot_id in hostile(), site in hostile(),
        id in hostile(), text in hostile(), language in 0..3_usize,
    ) {
        let voice = Voice { display_name: name.clone(), bot_id, site, ..voice() };
        let written = Written::new(&subject, &body, Language::ALL[language]);
        let mut inbound = inbound();
        inbound.message_id = MessageId::parse(&id).or(inbound.message_id);
        inbound.subject = text.clone();
        inbound.text = text.clone();
        let marked = marked(case(), &written);

        let outgoing = answer(&key(), &voice, case(), &to(), &inbound, &written, now());
        let mail = bytes(&outgoing, None);
        check_lines(&mail);
        check_reads_back(&mail, marked.as_str(), &written, &name);
        prop_assert_eq!(fields(&mail), [COMMON, ANSWERED, TEXT].concat());

        let outgoing = notice(&key(), &voice, &group(), &written, &text, now());
        let mail = bytes(&outgoing, None);
        check_lines(&mail);
        check_reads_back(&mail, written.subject(), &written, &name);
        prop_assert_eq!(fields(&mail), [COMMON, TEXT].concat());

        let hash = MailHash::of(text.as_bytes());
        let outgoing =
            forward(&key(), &voice, &token(), &group(), &to(), &written, Some(hash), &text, now());
        let (head, tail) = (&outgoing.content.head, &outgoing.content.tail);
        check_lines(&format!("{head}{tail}"));
        let mail = format!("{head}Subject: x\r\n\r\nx{tail}");
        let below = Written::new(&subject, &below_the_line(&written), Language::ALL[language]);
        check_reads_back(&mail, marked.as_str(), &below, &name);
        prop_assert_eq!(fields(&mail), [COMMON, &["Reply-To"], MULTIPART].concat());
    }
}

const ANSWER: &str = "\
Date: Mon, 23 Nov 2026 01:02:03 +0000
From: =?utf-8?b?56S65L6L5a6i5pyN?= <support@example.com>
To: li@example.org
Subject: =?utf-8?b?W+ahiOWPtw==?= EPRV-JQK5-2] =?utf-8?b?5oiR5Lus5bey5pS2?=
 =?utf-8?b?5Yiw?=
Message-ID: <eprvjqk52.answer-yzht70a297vxz1n9.dka82yt94mhfa8y6@example.com>
Auto-Submitted: auto-replied
X-Auto-Response-Suppress: All
X-Loop: desk; h=2e616fd6zbfrrw94
Feedback-ID: answer:desk:hq
In-Reply-To: <2@example.org>
References: <1@example.org> <2@example.org>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

5oKo5aW977yMDQoNCuahiOWPt+ingeS4u+mimOOAgg0KLg0KLS0gDQrnpLrkvovlrqLmnI0=
";

const FORWARD: &str = "\
Date: Mon, 23 Nov 2026 01:02:03 +0000
From: =?utf-8?b?56S65L6L5a6i5pyN?= <support@example.com>
To: mail-tech@example.com
Subject: [Case EPRV-JQK5-2] Bounce: hello
Message-ID: <eprvjqk52.forward-20780-mq58nwzw1hqfv9m4-xsdc9rkj2v6s44jh.1392dvwv7xvy3z41@example.com>
Auto-Submitted: auto-generated
X-Auto-Response-Suppress: All
X-Loop: desk; h=q01b1ag60gd8n4t4
Feedback-ID: forward:desk:hq
Reply-To: reply+x1@example.com
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=\"=_n2wrxej0gdaj52fq\"

--=_n2wrxej0gdaj52fq
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

4pWQ4pWQIOivt+WcqOatpOe6v+S7peS4iuWbnuWkjSDCtyBSZXBseSBhYm92ZSB0aGlzIGxpbmUg
wrcg44GT44Gu57ea44KI44KK5LiK44Gr6L+U5L+hIOKVkOKVkA0KDQpDYXNlOiB4DQp8IGhlbGxv
--=_n2wrxej0gdaj52fq
Content-Type: message/rfc822
Content-Disposition: attachment; filename=\"EPRV-JQK5-2.eml\"
Content-Transfer-Encoding: 8bit

Subject: hello
Content-Type: text/plain

first line
.
last line
--=_n2wrxej0gdaj52fq--
";

const NOTICE: &str = "\
Date: Mon, 23 Nov 2026 01:02:03 +0000
From: =?utf-8?b?56S65L6L5a6i5pyN?= <support@example.com>
To: mail-tech@example.com
Subject: Relay refuses the password
Message-ID: <notice.notice-jhyhz6gjejysxkjc.sjkdwspgw0hdznnf@example.com>
Auto-Submitted: auto-generated
X-Auto-Response-Suppress: All
X-Loop: desk; h=ckmds46tmnrd046g
Feedback-ID: notice:desk:hq
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

535 since 09:00
";
