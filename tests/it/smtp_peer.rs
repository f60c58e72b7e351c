//! The SMTP relay against scripted servers: what each odd dialogue makes of a mail.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use huixin::address::Address;
use huixin::outgoing::{Envelope, Relay, SendError};
use huixin::smtp::{Auth, Mechanism, Settings, SmtpRelay, Timeouts};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::peer;
use crate::peer::smtp::{
    LONG, MAIL, Peer, Say, content, envelope, kind, last, patient, relay, send, settings, text, why,
};

/// For a step that is to run out of time.
const SHORT: Duration = Duration::from_millis(150);

#[tokio::test]
async fn a_mail_is_handed_over_and_the_connection_serves_the_next() {
    let peer = Peer::start(|_, _| None).await;
    let mut relay = relay(peer.port);
    for _ in 0..3 {
        let accepted = send(&mut relay).await.unwrap();
        assert_eq!(accepted.response, "250 2.0.0 Ok: queued as 4F1");
    }
    relay.close().await;
    peer.heard("QUIT").await;
    assert_eq!(peer.connections(), 1);
    assert_eq!(peer.mails(), [MAIL, MAIL, MAIL]);
    let transaction = ["MAIL FROM:<bounces@example.com> SIZE=48", "RCPT TO:<customer@example.org>", "DATA"];
    let want = [&["EHLO bot.example.com"], &transaction[..], &transaction, &transaction, &["QUIT"]].concat();
    assert_eq!(peer.lines(), want);
}

/// Each case with a server that takes one command at a time, and with one that takes several together.
fn both_ways<T: Copy>(cases: &[T]) -> impl Iterator<Item = (bool, T)> {
    [false, true].into_iter().flat_map(|pipelining| cases.iter().map(move |case| (pipelining, *case)))
}

/// A server that answers only when it has all commands of a group, and then all at once.
#[tokio::test]
async fn commands_are_written_together_where_the_server_takes_them_so() {
    let (listener, port) = peer::listen().await;
    let serving = tokio::spawn(async move {
        let mut stream = BufReader::new(listener.accept().await.unwrap().0);
        stream.write_all(b"220 peer\r\n").await.unwrap();
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        stream.write_all(b"250-peer\r\n250 pipelining\r\n").await.unwrap();
        for _ in 0..3 {
            let mut group = String::new();
            while !group.ends_with("\r\nDATA\r\n") {
                stream.read_line(&mut group).await.unwrap();
            }
            assert_eq!(group.lines().count(), 3, "{group}");
            stream.write_all(b"250 mail\r\n250-rcpt\r\n250 rcpt\r\n354 data\r\n").await.unwrap();
            assert_eq!(content(&mut stream).await.unwrap(), MAIL);
            stream.write_all(b"250 dot\r\n").await.unwrap();
        }
    });
    let mut relay = relay(port);
    for _ in 0..3 {
        assert_eq!(send(&mut relay).await.unwrap().response, "250 dot");
    }
    serving.await.unwrap();
}

/// RFC 2920 §3.1: a server may ask for the content although it has taken no recipient. It gets none.
#[tokio::test]
async fn nothing_is_handed_over_after_a_refusal_in_a_group() {
    let refuse = |step: &str, number| (step == "RCPT" && number == 0).then(|| text("550 5.1.1 nobody"));
    let peer = Peer::start_with(true, refuse).await;
    let mut relay = relay(peer.port);
    assert_eq!(kind(&send(&mut relay).await), "refused");
    assert_eq!(kind(&send(&mut relay).await), "accepted");
    assert_eq!((peer.connections(), peer.mails()), (2, vec![MAIL.to_vec()]));
    assert!(!peer.lines().contains(&"QUIT".to_owned()), "it would be taken for a line of the content");
}

/// One reply too many is the answer to nothing.
#[tokio::test]
async fn a_reply_more_than_commands_is_no_word_about_the_mail() {
    let peer = Peer::start_with(true, |step, _| (step == "DATA").then(|| text("354 go on\r\n250 taken"))).await;
    assert_eq!(kind(&send(&mut relay(peer.port)).await), "in doubt");
}

/// S01: a server that falls silent at each step.
#[tokio::test]
async fn s01_a_stall_ends_at_the_time_of_its_step_and_means_what_the_step_means() {
    type Case = (&'static str, &'static str, fn(&mut Timeouts));
    let short: [Case; 8] = [
        ("CONNECT", "relay", |t| t.greeting = SHORT),
        ("EHLO", "relay", |t| t.command = SHORT),
        ("AUTH", "relay", |t| t.command = SHORT),
        ("MAIL", "relay", |t| t.mail = SHORT),
        ("RCPT", "put off", |t| t.rcpt = SHORT),
        ("DATA", "put off", |t| t.data = SHORT),
        ("CONTENT", "put off", |t| t.block = SHORT),
        ("DOT", "in doubt", |t| t.dot = SHORT),
    ];
    for (pipelining, (stalled, want, shorten)) in both_ways(&short) {
        let peer = Peer::start_with(pipelining, move |step, _| (step == stalled).then_some(Say::Silence)).await;
        let mut timeouts = patient();
        shorten(&mut timeouts);
        let mut relay = SmtpRelay::new(Settings {
            timeouts,
            auth: (stalled == "AUTH").then(|| Auth {
                user: "u".into(),
                mechanism: Mechanism::Plain,
                secret: Arc::new(|| Ok("p".to_owned().into())),
            }),
            ..settings(peer.port)
        })
        .unwrap();
        // Larger than what the sockets buffer, so that a server that does not read is noticed.
        let mail = b"0123456789\r\n".repeat(if stalled == "CONTENT" { 2_000_000 } else { 1 });
        let begun = Instant::now();
        let result = relay.send(&envelope(), &mail).await;
        assert_eq!(kind(&result), want, "{stalled}: {result:?}");
        assert!(begun.elapsed() < LONG, "{stalled}");
    }
}

#[tokio::test]
async fn a_cut_means_what_its_step_means() {
    let cuts = [
        ("CONNECT", "relay"),
        ("EHLO", "relay"),
        ("MAIL", "relay"),
        ("RCPT", "put off"),
        ("DATA", "put off"),
        ("CONTENT", "put off"),
        ("DOT", "in doubt"),
    ];
    for (pipelining, (cut, want)) in both_ways(&cuts) {
        let peer = Peer::start_with(pipelining, move |step, _| (step == cut).then_some(Say::Close)).await;
        let mail = b"0123456789\r\n".repeat(2_000_000);
        let result = relay(peer.port).send(&envelope(), &mail).await;
        assert_eq!(kind(&result), want, "{cut}: {result:?}");
    }
}

#[tokio::test]
async fn a_reply_means_what_its_step_and_code_mean() {
    let replies = [
        ("CONNECT", "554 5.7.1 go away", "relay"),
        ("CONNECT", "421 busy", "relay"),
        ("CONNECT", "* OK IMAP4rev1 ready", "relay"),
        ("EHLO", "502 5.5.1 what?", "relay"),
        // lettre panics.
        ("EHLO", "250-peer.example.com\r\n250-   \r\n250 SIZE", "relay"),
        ("MAIL", "550 5.7.1 not you", "relay"),
        ("MAIL", "452 4.3.1 full", "put off"),
        ("RCPT", "550 5.1.1 nobody", "refused"),
        ("RCPT", "551-5.1.6 moved\r\n551 5.1.6 away", "refused"),
        ("RCPT", "571 5.7.1 blocked", "refused"),
        ("RCPT", "450 4.2.0 greylisted", "put off"),
        ("RCPT", "421 4.7.0 closing", "relay"),
        ("RCPT", "530 5.7.0 log in", "relay"),
        ("DATA", "250 what", "put off"),
        ("DATA", "554 5.5.1 no valid recipients", "refused"),
        ("DOT", "554 5.7.1 spam", "refused"),
        ("DOT", "550 5.7.60 SMTP; no permission to send as", "relay"),
        ("DOT", "451 4.3.0 later", "put off"),
        ("DOT", "421 4.3.2 closing", "relay"),
        ("DOT", "354 go on", "in doubt"),
        ("DOT", "hello", "in doubt"),
        ("DOT", "250", "accepted"),
        ("DOT", "250-2.0.0 ok\r\n250 2.0.0 thanks", "accepted"),
    ];
    for (pipelining, (at, reply, want)) in both_ways(&replies) {
        let peer = Peer::start_with(pipelining, move |step, _| (step == at).then(|| text(reply))).await;
        let result = send(&mut relay(peer.port)).await;
        assert_eq!(kind(&result), want, "{at} {reply}: {result:?}");
        if let Err(SendError::Refused(said)) = result {
            assert!(said.starts_with(&reply[..3]), "{said}");
        }
    }
}

#[tokio::test]
async fn a_refusal_in_gbk_is_read() {
    let gbk = b"550 \xd3\xc3\xbb\xa7\xb2\xbb\xb4\xe6\xd4\xda\r\n";
    let peer = Peer::start(move |step, _| (step == "RCPT").then(|| Say::Text(gbk.to_vec()))).await;
    let result = send(&mut relay(peer.port)).await;
    assert_eq!(why(result), "refused: 550 用户不存在 to RCPT");
}

#[tokio::test]
async fn why_the_content_was_cut_off_is_heard() {
    let peer = Peer::start(|step, _| (step == "CONTENT").then(|| last("552 5.3.4 too large"))).await;
    let mail = b"0123456789\r\n".repeat(2_000_000);
    let result = relay(peer.port).send(&envelope(), &mail).await;
    // Whether the reply outruns the reset of the connection is the network's affair; in doubt it is not.
    assert!(["refused", "put off"].contains(&kind(&result)), "{result:?}");
}

/// S04, S05, V17, V18: bytes in are bytes out, each body is one mail, and only CRLF ends a line.
#[tokio::test]
async fn s04_bodies_arrive_byte_for_byte_and_cannot_end_the_mail() {
    let peer = Peer::start(|_, _| None).await;
    let mut relay = relay(peer.port);
    let mut sent = Vec::new();
    for body in [
        "",
        ".",
        "..",
        ".\r\n",
        "\r\n.\r\n",
        "a\r\n.\r\nMAIL FROM:<x@example.com>\r\n",
        "\r\n\r\n..\r\n.x\r\n",
        "\n.\n",
        "\r.\r",
        "\n.\r\n",
        "\r\n.\n",
        "\r\n.\r",
        "\r\r\n.\r\n",
        "a\n\r.\r\n.",
        "\r\n.\r\r\n",
        "é\r\n.é",
    ] {
        sent.push(body.as_bytes().to_vec());
    }
    let mut random = fastrand::Rng::with_seed(5321);
    for _ in 0..2_000 {
        let length = random.usize(..40);
        sent.push((0..length).map(|_| *random.choice(b".\r\na\xff").unwrap()).collect());
    }
    // A dot at each place about the border of a block.
    for shift in 0..6 {
        let mut body = vec![b'x'; 65_536 - shift];
        body.extend_from_slice(b"\r\n.\r\n..\r\n");
        sent.push(body);
    }
    for body in &sent {
        relay.send(&envelope(), body).await.unwrap();
    }
    let got = peer.mails();
    assert_eq!(peer.connections(), 1);
    assert_eq!(got.len(), sent.len());
    for (sent, got) in sent.iter().zip(&got) {
        assert_eq!(lines_of(got), lines_of(sent), "{sent:?}");
        if is_clean(sent) && sent.ends_with(b"\r\n") {
            assert_eq!(got, sent);
        }
        assert!(is_clean(got) && got.ends_with(b"\r\n"), "{got:?}");
    }
}

/// The lines of a text, whatever ends them, without the end of the last one.
fn lines_of(text: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if_eq(&b'\n');
                lines.push(Vec::new());
            }
            b'\n' => lines.push(Vec::new()),
            byte => lines.last_mut().unwrap().push(byte),
        }
    }
    if lines.last().unwrap().is_empty() && lines.len() > 1 {
        lines.pop();
    }
    lines
}

fn is_clean(text: &[u8]) -> bool {
    let crlf = text.windows(2).filter(|pair| pair == b"\r\n").count();
    let ends = text.iter().filter(|b| b"\r\n".contains(b)).count();
    ends == 2 * crlf
}

#[tokio::test]
async fn a_session_closed_while_idle_is_opened_anew_without_an_error() {
    for closed in [last("421 4.4.2 idle too long"), Say::Close] {
        let mails = Arc::new(Mutex::new(0));
        let counted = mails.clone();
        let peer = Peer::start(move |step, number| {
            let mut mails = counted.lock().unwrap();
            *mails += usize::from(step == "MAIL");
            (step == "MAIL" && *mails == 2 && number == 0).then(|| closed.clone())
        })
        .await;
        let mut relay = relay(peer.port);
        send(&mut relay).await.unwrap();
        send(&mut relay).await.unwrap();
        send(&mut relay).await.unwrap();
        assert_eq!((peer.connections(), peer.mails().len()), (2, 3));
    }
}

#[tokio::test]
async fn a_relay_that_closes_at_every_mail_is_asked_twice_and_no_more() {
    let peer = Peer::start(|step, number| (step == "MAIL" && number > 0).then(|| last("421 busy"))).await;
    let mut relay = relay(peer.port);
    send(&mut relay).await.unwrap();
    relay.close().await;
    assert_eq!(kind(&send(&mut relay).await), "relay");
    assert_eq!(peer.connections(), 2);
}

#[tokio::test]
async fn a_cancelled_send_leaves_nothing_to_the_next() {
    let peer = Peer::start(|step, number| (step == "DATA" && number == 0).then_some(Say::Silence)).await;
    let mut relay = relay(peer.port);
    tokio::select! {
        sent = send(&mut relay) => panic!("it was answered: {sent:?}"),
        () = peer.heard("DATA") => {}
    }
    send(&mut relay).await.unwrap();
    assert_eq!((peer.connections(), peer.mails().len()), (2, 1));
}

#[tokio::test]
async fn an_answer_too_many_is_never_taken_for_the_next_answer() {
    let peer = Peer::start(|step, number| {
        (step == "DOT" && number == 0).then(|| text("250 queued\r\n250 again\r\n250 and again\r\n354 go\r\n250 lost"))
    })
    .await;
    let mut relay = relay(peer.port);
    send(&mut relay).await.unwrap();
    send(&mut relay).await.unwrap();
    assert_eq!((peer.connections(), peer.mails().len()), (2, 2));
}

#[tokio::test]
async fn a_reply_without_end_is_cut_off() {
    let endless = "x".repeat(200_000);
    for at in ["CONNECT", "EHLO", "MAIL"] {
        let endless = endless.clone();
        let peer =
            Peer::start(move |step, _| (step == at).then(|| Say::Text(format!("250 {endless}").into_bytes()))).await;
        assert_eq!(kind(&send(&mut relay(peer.port)).await), "relay", "{at}");
    }
}

#[tokio::test]
async fn a_mail_that_does_not_fit_is_refused_before_it_is_begun() {
    let peer = Peer::start(|step, _| (step == "EHLO").then(|| text("250-peer\r\n250 SIZE 100"))).await;
    let mut small = SmtpRelay::new(Settings { max_size: 10, ..settings(peer.port) }).unwrap();
    assert_eq!(kind(&send(&mut small).await), "refused");
    assert_eq!(peer.connections(), 0);

    let result = relay(peer.port).send(&envelope(), &[b'x'; 101]).await;
    assert_eq!(kind(&result), "refused");
    let result = relay(peer.port).send(&envelope(), "é".as_bytes()).await;
    assert!(why(result).contains("8BITMIME"));
    let to = Envelope { to: Address::parse("张三@example.org").unwrap(), ..envelope() };
    assert!(why(relay(peer.port).send(&to, MAIL).await).contains("SMTPUTF8"));
    assert!(!peer.lines().iter().any(|line| line.starts_with("MAIL")));
}
