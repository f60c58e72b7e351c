//! An SMTP server of any words: a mail gets one verdict, which is no success unless its last octet was said; and
//! what is said is a fixed dialogue, whatever the server says.
#![no_main]

use std::sync::Arc;

use huixin::address::{Address, ReversePath};
use huixin::outgoing::{Envelope, SendError};
use huixin::smtp::rehearsal::rehearse;
use huixin::smtp::{Auth, Mechanism, Settings, Timeouts, Tls};
use libfuzzer_sys::fuzz_target;

const MAIL: &[u8] = b"Subject: x\r\n\r\n.a\r\n\r\n.\r\nlast\r\n";
const CONTENT: &[u8] = b"Subject: x\r\n\r\n..a\r\n\r\n..\r\nlast\r\n.\r\n";
/// How each line outside of the content begins.
const COMMANDS: [&str; 10] = [
    "EHLO bot.example.com",
    "HELO bot.example.com",
    "AUTH PLAIN AHUAcA==",
    "AUTH LOGIN",
    "dQ==",
    "cA==",
    "MAIL FROM:<bounces@example.com>",
    "RCPT TO:<customer@example.org>",
    "DATA",
    "QUIT",
];

thread_local! {
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
}

// Where lettre panics is caught (src/caught.rs); what is not caught still ends the target.
fuzz_target!(init: quiet_about("lettre"), |input: (u8, &[u8])| {
    let mechanism = [None, Some(Mechanism::Plain), Some(Mechanism::Login)][usize::from(input.0) % 3];
    let auth =
        mechanism.map(|mechanism| Auth { user: "u".into(), mechanism, secret: Arc::new(|| Ok("p".to_owned().into())) });
    let settings = Settings {
        host: "localhost".into(),
        port: 25,
        tls: Tls::Plain,
        extra_ca: None,
        auth,
        hello: "bot.example.com".into(),
        timeouts: Timeouts::default(),
        max_size: 1 << 20,
    };
    let address = |text| Address::parse(text).expect("an address");
    let envelope =
        Envelope { from: ReversePath::Address(address("bounces@example.com")), to: address("customer@example.org") };
    let rehearsed = RUNTIME.with(|runtime| runtime.block_on(rehearse(input.1, &settings, &envelope, MAIL)));
    let said = rehearsed.said;
    let whole = said.windows(CONTENT.len()).any(|piece| piece == CONTENT);
    if matches!(rehearsed.result, Ok(_) | Err(SendError::InDoubt(_))) {
        assert!(whole, "what was not said whole is not taken");
    }
    let dialogue = String::from_utf8(said).expect("ASCII");
    let dialogue = dialogue.split("Subject: x").next().unwrap_or_default();
    for line in dialogue.split_terminator("\r\n").filter(|line| !line.is_empty()) {
        assert!(COMMANDS.iter().any(|command| line.starts_with(command)), "{line}");
    }
});

/// Says what panics, except what this crate does.
fn quiet_about(of_crate: &'static str) {
    std::panic::set_hook(Box::new(move |what| {
        if !what.location().is_some_and(|place| place.file().contains(of_crate)) {
            eprintln!("{what}");
        }
    }));
}
