//! The SMTP relay against a real Postfix, with TLS and logins as they are.

use std::sync::Arc;

use huixin::address::{Address, ReversePath};
use huixin::outgoing::{Envelope, Relay, SendError};
use huixin::smtp::{Auth, Mechanism, Settings, SmtpRelay, Timeouts, Tls};

use crate::rig::{HOST, PASSWORD, PATIENCE, Rig};

fn settings(rig: &Rig, tls: Tls) -> Settings {
    Settings {
        host: HOST.into(),
        port: rig.smtp_port,
        tls,
        extra_ca: Some(rig.ca_pem.clone()),
        auth: None,
        hello: "bot.example.com".into(),
        timeouts: Timeouts::default(),
        max_size: 50 << 20,
    }
}

/// By the submission port, under TLS and with a login.
fn submission(rig: &Rig, mechanism: Mechanism, password: &str) -> Settings {
    let password = password.to_owned();
    Settings {
        port: rig.submission_port,
        auth: Some(Auth { user: "support".into(), mechanism, secret: Arc::new(move || Ok(password.clone().into())) }),
        ..settings(rig, Tls::Implicit)
    }
}

fn to(address: &str) -> Envelope {
    Envelope {
        from: ReversePath::Address(Address::parse("bounces@example.com").unwrap()),
        to: Address::parse(address).unwrap(),
    }
}

/// A mail whose body is hard to carry, marked so that it is found again.
fn mail(mark: &str) -> Vec<u8> {
    let mut mail = format!("From: support@example.com\r\nSubject: {mark}\r\n\r\n.\r\n..\r\n.a\r\n\r\n.\r\n");
    for line in 0..20_000 {
        mail += &format!(".{line} 回信\r\n");
    }
    mail.into_bytes()
}

/// The same bytes as Postfix keeps them: with the line ends of the host, behind what it has added.
fn arrived(rig: &Rig, user: &str, mail: &[u8]) -> bool {
    let kept = String::from_utf8_lossy(mail).replace("\r\n", "\n");
    let stored = rig.wait_mail(user, |stored| stored.ends_with(kept.as_bytes()), PATIENCE);
    stored.starts_with(b"Return-Path: <bounces@example.com>")
}

#[tokio::test]
async fn mail_leaves_in_each_way_and_arrives_byte_for_byte() {
    let rig = Rig::start();
    for (mark, settings) in [
        ("plain", settings(&rig, Tls::Plain)),
        ("starttls", settings(&rig, Tls::StartTls)),
        ("auth-plain", submission(&rig, Mechanism::Plain, PASSWORD)),
        ("auth-login", submission(&rig, Mechanism::Login, PASSWORD)),
    ] {
        let mut relay = SmtpRelay::new(settings).unwrap();
        for again in ["1", "2"] {
            let mail = mail(&format!("{mark}-{again}"));
            let accepted = relay.send(&to("customer@example.org"), &mail).await.unwrap();
            assert!(accepted.response.starts_with("250 2.0.0 Ok: queued as "), "{mark}");
            assert!(arrived(&rig, "customer", &mail));
        }
        relay.close().await;
    }
    let mut relay = SmtpRelay::new(settings(&rig, Tls::StartTls)).unwrap();
    let mail = mail("utf8");
    relay.send(&to("张三@example.org"), &mail).await.unwrap();
    assert!(arrived(&rig, "world", &mail));
    let refused = relay.send(&to("nobody@example.com"), &mail).await;
    assert!(matches!(&refused, Err(SendError::Refused(why)) if why.starts_with("550 5.1.1")), "{refused:?}");
}

/// T02, S06: without a certificate that holds or a login that is taken, nothing is sent and no mail is to blame.
#[tokio::test]
async fn t02_a_relay_that_does_not_prove_itself_gets_neither_password_nor_mail() {
    let rig = Rig::start();
    let mut unasked = submission(&rig, Mechanism::Plain, PASSWORD);
    unasked.auth.as_mut().unwrap().secret = Arc::new(|| panic!("the password was asked for"));
    for (settings, want) in [
        (Settings { extra_ca: None, ..unasked.clone() }, "certificate"),
        (Settings { host: "127.0.0.1".into(), ..unasked.clone() }, "certificate"),
        (Settings { extra_ca: None, ..settings(&rig, Tls::StartTls) }, "certificate"),
        // TLS against a port that speaks plain text.
        (Settings { port: rig.smtp_port, ..unasked.clone() }, "TLS handshake"),
        (submission(&rig, Mechanism::Plain, "wrong"), "535 5.7.8"),
        (submission(&rig, Mechanism::Login, "wrong"), "535 5.7.8"),
        (Settings { auth: None, ..submission(&rig, Mechanism::Plain, "") }, "554 5.7.1"),
    ] {
        let shown = format!("{settings:?}");
        let result = SmtpRelay::new(settings).unwrap().send(&to("customer@example.org"), b"Subject: x\r\n\r\n").await;
        assert!(!shown.contains(PASSWORD));
        match result {
            Err(SendError::RelayTrouble(why) | SendError::LoginRefused(why)) => assert!(why.contains(want), "{why}"),
            // Who is not logged in is told so only at RCPT, where it might be the recipient's fault.
            Err(SendError::Refused(why)) => assert!(want == "554 5.7.1" && why.contains(want), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(rig.mails("customer").is_empty());
}

#[tokio::test]
async fn a_relay_that_goes_away_and_comes_back_is_trouble_and_then_none() {
    let mut rig = Rig::start();
    let mut relay = SmtpRelay::new(settings(&rig, Tls::StartTls)).unwrap();
    let mail = mail("back");
    relay.send(&to("customer@example.org"), &mail).await.unwrap();
    rig.postfix_stop();
    let result = relay.send(&to("customer@example.org"), &mail).await;
    assert!(matches!(result, Err(SendError::RelayTrouble(_))), "{result:?}");
    rig.postfix_start();
    relay.send(&to("agent@example.com"), &mail).await.unwrap();
    assert!(arrived(&rig, "agent", &mail));
}
