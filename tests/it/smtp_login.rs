//! Logging in at scripted SMTP servers: each mechanism, what a refusal means, and that no password leaves where it should
//! not.

use std::sync::Arc;
use std::time::Duration;

use huixin::smtp::{Auth, Mechanism, Settings, SmtpRelay, Tls};

use crate::peer::smtp::{Peer, kind, patient, send, settings, text, why};

fn logged_in(port: u16, mechanism: Mechanism) -> SmtpRelay {
    let auth =
        Auth { user: "support@example.com".into(), mechanism, secret: Arc::new(|| Ok("hunter2".to_owned().into())) };
    SmtpRelay::new(Settings { auth: Some(auth), ..settings(port) }).unwrap()
}

/// S06: a wrong password is the relay's trouble, and is shown to nobody.
#[tokio::test]
async fn s06_a_refused_login_is_no_mails_fault() {
    for mechanism in [Mechanism::Plain, Mechanism::Login, Mechanism::XOAuth2] {
        let peer = Peer::start(|step, _| match step {
            "AUTH" => Some(text("535 5.7.8 authentication failed")),
            _ => None,
        })
        .await;
        let result = send(&mut logged_in(peer.port, mechanism)).await;
        assert_eq!(kind(&result), "login");
        let why = why(result);
        assert!(why.contains("535 5.7.8 authentication failed"), "{why}");
        assert!(!why.contains("hunter2") && !why.contains("aHVudGVyMg"), "{why}");
        assert!(!peer.lines().iter().any(|line| line.starts_with("MAIL")));
    }
}

#[tokio::test]
async fn each_mechanism_speaks_its_dialogue() {
    // What coremail servers write for `Username:` is not quite base64 of it; the order is what counts.
    let peer = Peer::start(|step, _| match step {
        "AUTH" => Some(text("334 DXNlcm5hbWU6")),
        "c3VwcG9ydEBleGFtcGxlLmNvbQ==" => Some(text("334 UGFzc3dvcmQ6")),
        "aHVudGVyMg==" => Some(text("235 ok")),
        _ => None,
    })
    .await;
    send(&mut logged_in(peer.port, Mechanism::Login)).await.unwrap();
    assert_eq!(peer.lines()[1..4], ["AUTH LOGIN", "c3VwcG9ydEBleGFtcGxlLmNvbQ==", "aHVudGVyMg=="]);

    let peer = Peer::start(|_, _| None).await;
    send(&mut logged_in(peer.port, Mechanism::Plain)).await.unwrap();
    assert_eq!(peer.lines()[1], "AUTH PLAIN AHN1cHBvcnRAZXhhbXBsZS5jb20AaHVudGVyMg==");

    // XOAUTH2 refuses in two turns.
    let peer = Peer::start(|step, _| match step {
        "AUTH" => Some(text("334 eyJzdGF0dXMiOiI0MDEifQ==")),
        "" => Some(text("535 5.7.8 token expired")),
        _ => None,
    })
    .await;
    let why = why(send(&mut logged_in(peer.port, Mechanism::XOAuth2)).await);
    assert!(why.contains("535 5.7.8 token expired"), "{why}");
}

#[tokio::test]
async fn a_mechanism_that_is_not_offered_is_not_tried() {
    let peer = Peer::start(|step, _| (step == "EHLO").then(|| text("250-peer\r\n250 AUTH CRAM-MD5"))).await;
    let why = why(send(&mut logged_in(peer.port, Mechanism::Plain)).await);
    assert!(why.contains("CRAM-MD5"), "{why}");
    assert!(!peer.lines().iter().any(|line| line.starts_with("AUTH")));
}

#[tokio::test]
async fn a_missing_password_is_the_relays_trouble_and_reaches_no_server() {
    let peer = Peer::start(|_, _| None).await;
    let mut relay = SmtpRelay::new(Settings {
        auth: Some(Auth {
            user: "u".into(),
            mechanism: Mechanism::Plain,
            secret: Arc::new(|| Err("/run/secret: no such file".into())),
        }),
        ..settings(peer.port)
    })
    .unwrap();
    let result = send(&mut relay).await;
    assert_eq!(kind(&result), "relay");
    assert!(why(result).contains("/run/secret: no such file"));
}

/// T04, T05, S08: nothing is said in the clear when STARTTLS is wanted and does not come about.
#[tokio::test]
async fn t04_starttls_injected_into_stripped_or_refused_is_the_end() {
    for (at, reply) in [
        ("STARTTLS", "220 go\r\n250-peer\r\n250 AUTH PLAIN"),
        ("STARTTLS", "454 4.7.0 not now"),
        ("STARTTLS", "220 go"),
        ("EHLO", "250-peer\r\n250 AUTH PLAIN"),
        ("EHLO", "250-peer\r\n250 XSTARTTLS"),
        ("CONNECT", "220 hello\r\n250-peer\r\n250 STARTTLS"),
    ] {
        let peer = Peer::start(move |step, _| match step {
            _ if step == at => Some(text(reply)),
            "EHLO" => Some(text("250-peer\r\n250-AUTH PLAIN\r\n250 STARTTLS")),
            _ => None,
        })
        .await;
        let mut timeouts = patient();
        timeouts.connect = Duration::from_secs(2);
        let mut relay = SmtpRelay::new(Settings {
            tls: Tls::StartTls,
            timeouts,
            auth: Some(Auth {
                user: "u".into(),
                mechanism: Mechanism::Plain,
                secret: Arc::new(|| panic!("the password was asked for")),
            }),
            ..settings(peer.port)
        })
        .unwrap();
        let result = send(&mut relay).await;
        assert_eq!(kind(&result), "relay", "{at} {reply}");
        assert!(
            peer.lines().iter().all(|line| line == "EHLO bot.example.com" || line == "STARTTLS"),
            "{:?}",
            peer.lines()
        );
    }
}
