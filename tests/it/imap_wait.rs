//! Waiting for mail at scripted IMAP servers, in IDLE and without: how it ends, and what is done then.

use std::time::{Duration, Instant};

use huixin::imap::Settings;
use huixin::mailbox::{Known, Source, SourceError};

use crate::peer::Peer;
use crate::peer::imap::{LIST, LOGIN, LONG, PLAIN_LOGIN, SELECT, place, source, uids};

/// Looks once, then waits once; how long that took.
async fn waits(script: String, poll: Duration) -> (Result<(), SourceError>, Duration) {
    let peer = Peer::play([script]).await;
    let mut source = source(&peer, |s| s.poll = poll);
    source.list(Known::default(), 10).await.unwrap();
    let start = Instant::now();
    let waited = source.wait(LONG).await;
    let took = start.elapsed();
    drop(source);
    peer.end().await;
    (waited, took)
}

#[tokio::test]
async fn new_mail_ends_the_wait() {
    let head = [LOGIN, SELECT].concat();
    let idle = "C: IDLE\n";
    let done = "C> DONE\nS: = OK done\n";
    let cases = [
        ("while idle", [LIST, idle, "S: + idling\nS: * OK still here\nS: * 3 EXISTS\n", done].concat()),
        ("before idle", [LIST, idle, "S: * 3 EXISTS\nS: * 1 RECENT\nS: + idling\n", done].concat()),
        ("behind one that went", [LIST, idle, "S: + idling\nS: * 1 EXPUNGE\nS: * 2 EXISTS\n", done].concat()),
        ("during another command", LIST.replace("S: = OK", "S: * 3 EXISTS\nS: = OK")),
        ("as the server ends it", [LIST, idle, "S: + idling\nS: = OK enough\n"].concat()),
    ];
    for (case, script) in cases {
        let (waited, took) = waits([head.as_str(), &script].concat(), LONG).await;
        assert!(waited.is_ok(), "{case}: {waited:?}");
        assert!(took < LONG / 2, "{case}: {took:?}");
    }
}

#[tokio::test]
async fn the_wait_ends_in_time_whatever_the_server_can() {
    let head = [LOGIN, SELECT, LIST].concat();
    let without = [PLAIN_LOGIN, SELECT, LIST].concat();
    let cases = [
        // News of another kind are none: 2 mails, one goes, one is flagged.
        (
            "silence",
            head.clone()
                + "C: IDLE\nS: + idling\nS: * 2 EXPUNGE\nS: * 1 EXISTS\nS: * 1 FETCH (FLAGS ())\nC> DONE\nS: = OK done\n",
        ),
        ("no IDLE", without),
        ("IDLE answered NO", head.clone() + "C: IDLE\nS: = NO not here\n"),
        ("IDLE answered BAD", head.clone() + "C: IDLE\nS: = BAD\n"),
        ("IDLE answered OK at once", head + "C: IDLE\nS: = OK done\n"),
    ];
    for (case, script) in cases {
        let (waited, took) = waits(script, Duration::from_millis(100)).await;
        assert!(waited.is_ok(), "{case}: {waited:?}");
        assert!((Duration::from_millis(100)..LONG / 2).contains(&took), "{case}: {took:?}");
    }
}

/// Looks three times and waits twice in between.
async fn looks(script: String, change: impl FnOnce(&mut Settings)) {
    let peer = Peer::play([script]).await;
    let mut source = source(&peer, change);
    for _ in 0..2 {
        source.list(Known::default(), 10).await.unwrap();
        source.wait(LONG).await.unwrap();
    }
    source.list(Known::default(), 10).await.unwrap();
    drop(source);
    peer.end().await;
}

#[tokio::test]
async fn a_look_that_nothing_called_for_begins_with_a_fresh_select() {
    let idle = "C: IDLE\nS: + idling\n";
    let done = "C> DONE\nS: = OK done\n";
    let news = [LIST, idle, "S: * 3 EXISTS\n", done, LIST].concat();
    let silence = [idle, done, SELECT, LIST].concat();
    looks([LOGIN, SELECT, &news, &silence].concat(), |_| {}).await;
}

#[tokio::test]
async fn a_server_that_had_news_is_asked_for_more_before_it_is_left_to_tell() {
    let news = "C: IDLE\nS: + idling\nS: * 3 EXISTS\nC> DONE\nS: = OK done\n";
    let asked = "C: NOOP\nS: = OK\nC: NOOP\nS: * 4 EXISTS\nS: = OK\n";
    looks([LOGIN, SELECT, LIST, news, LIST, asked, LIST].concat(), |s| (s.poll, s.lively) = (LONG, LONG)).await;
}

#[tokio::test]
async fn a_connection_that_dies_in_idle_is_an_error_and_the_next_wait_looks_at_once() {
    for end in ["S: * BYE timeout\n", "CLOSE\n"] {
        let first = [LOGIN, SELECT, LIST, "C: IDLE\nS: + idling\n", end].concat();
        let peer = Peer::play([first, [LOGIN, SELECT].concat()]).await;
        let mut source = source(&peer, |s| s.poll = Duration::from_secs(20));
        source.list(Known::default(), 10).await.unwrap();
        assert!(source.wait(LONG).await.is_err(), "{end}");
        // What came while we were away was announced to nobody.
        source.wait(LONG).await.unwrap();
        drop(source);
        peer.end().await;
    }
}

#[tokio::test]
async fn a_call_that_was_dropped_takes_its_connection_along() {
    let first = [LOGIN, SELECT, LIST, "C: IDLE\nS: + idling\n"].concat();
    let peer = Peer::play([first, [LOGIN, SELECT, LIST].concat()]).await;
    let mut source = source(&peer, |s| s.poll = Duration::from_secs(20));
    source.list(Known::default(), 10).await.unwrap();
    let idles = async {
        peer.all_said(0).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    tokio::select! {
        waited = source.wait(LONG) => panic!("it did not wait: {waited:?}"),
        () = idles => {}
    }
    let listing = source.list(Known::default(), 10).await.unwrap();
    assert_eq!(uids(&listing), [place(1), place(2)]);
    drop(source);
    peer.end().await;
}
