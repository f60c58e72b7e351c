//! Whole outboxes over a relay with a fault in it: every mail leaves or its failure is told, and it leaves twice only
//! where nobody can know whether it left.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use huixin::app;
use huixin::outgoing::{Purpose, Relay, SendError};
use huixin::smtp::Timeouts;
use tokio::task::JoinSet;

use crate::doses::dose;
use crate::office::{Office, mailbox, question, relay, take_all};
use crate::peer::host::{Host, Moment, Way};
use crate::peer::mailhost::MailHost;
use crate::peer::sink::Sink;

/// An office with answers to so many customers in its outbox.
async fn desk(mails: usize) -> Office {
    let office = Office::new();
    let account = MailHost::new("MOVE UIDPLUS");
    let host = account.serve(|_, _| Way::Whole).await;
    let mut ingest = office.ingest(mailbox(host.port, |_| {}));
    take_all(&office, &mut ingest, 5).await;
    (0..mails).for_each(|n| account.lay(&question(n)));
    take_all(&office, &mut ingest, 100).await;
    assert_eq!(office.outbox().len(), mails);
    office
}

/// A day of an outbox of `mails`: what the relay took, by recipient.
async fn day(
    mails: usize,
    times: Timeouts,
    fault: impl Fn(Moment<'_>, &[u8]) -> Way + Send + Sync + 'static,
) -> (BTreeMap<String, Vec<Vec<u8>>>, Host) {
    let office = desk(mails).await;
    let sink = Sink::default();
    let host = sink.serve(fault).await;
    let mut delivery = office.delivery(relay(host.port, |s| s.timeouts = times));
    for _ in 0..20 {
        delivery.step().await.unwrap();
        office.pass(Duration::from_secs(5 * 60));
    }
    assert_eq!(office.store.outbox_len().unwrap(), 0, "the outbox is empty");
    let mut taken: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for (to, mail) in sink.mails() {
        taken.entry(to).or_default().push(mail);
    }
    assert_eq!(taken.len(), mails, "every customer has an answer");
    assert!(taken.values().flatten().all(|mail| mail.windows(11).any(|w| w == b"Message-ID:")));
    for copies in taken.values() {
        assert!(copies.iter().all(|copy| *copy == copies[0]), "a second copy is the same, octet by octet");
    }
    (taken, host)
}

fn doubles(taken: &BTreeMap<String, Vec<Vec<u8>>>) -> usize {
    taken.values().map(|copies| copies.len() - 1).sum()
}

/// F12: the connection is cut before, within and behind each reply of a whole session.
#[tokio::test(flavor = "multi_thread")]
async fn f12_a_session_cut_at_any_reply_loses_nothing_and_doubles_only_what_is_in_doubt() {
    let (quiet, host) = day(3, Timeouts::default(), |_, _| Way::Whole).await;
    assert_eq!((doubles(&quiet), host.connections()), (0, 1));
    assert!(host.responses() >= 3 + 3 * 4, "{}", host.responses());
    let (mut cuts, mut twice) = (0, 0);
    for at in 0..host.responses() {
        for (place, part) in [(0, 0), (1, 2), (2, 1)] {
            if dose(at % 3, place) != place {
                continue;
            }
            let reset = at % 2 == 1;
            let after_dot = Arc::new(AtomicBool::new(false));
            let noted = after_dot.clone();
            let (taken, _) = day(3, Timeouts::default(), move |moment, response| {
                if moment.connection > 0 || moment.response != at {
                    return Way::Whole;
                }
                // Behind the whole reply nothing is in doubt; but a reset may overtake it.
                noted.store(moment.to == "." && (part != 2 || reset), Ordering::Relaxed);
                let octets = response.len() * part / 2;
                if reset { Way::Reset(octets) } else { Way::Cut(octets) }
            })
            .await;
            let most = usize::from(after_dot.load(Ordering::Relaxed));
            assert!(doubles(&taken) <= most, "cut in reply {at}, {part}/2 of it: {} twice", doubles(&taken));
            (cuts, twice) = (cuts + 1, twice + doubles(&taken));
        }
    }
    println!("{cuts} cuts: nothing lost, {twice} twice, byte for byte");
}

/// F13: the relay takes a mail and its word is lost, after a stall or at once.
#[tokio::test(flavor = "multi_thread")]
async fn f13_a_lost_250_costs_one_second_copy_at_most_and_it_is_the_same() {
    for (n, way) in [Way::Silence(0), Way::Reset(0), Way::Silence(10), Way::Reset(10)].into_iter().enumerate() {
        for mails in 1..=dose(1, 25) {
            let way = way.clone();
            let times = Timeouts { dot: Duration::from_secs(2), ..Timeouts::default() };
            let (taken, _) = day(mails, times, move |moment, _| match moment.connection == 0 && moment.to == "." {
                true => way.clone(),
                false => Way::Whole,
            })
            .await;
            assert!(doubles(&taken) <= 1, "{n}");
        }
    }
}

/// What becomes of the only mail in the outbox.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum End {
    /// It left; nobody is bothered.
    Left,
    /// It failed, and the operator hears of it within 15 minutes.
    Told,
    /// It was given up after days, and the operator hears of it.
    GivenUp,
}

/// F14: what the relay says, at which step, for how long; and what becomes of the mail.
#[tokio::test(flavor = "multi_thread")]
async fn f14_a_reply_is_waited_out_or_told_by_its_class() {
    const HOUR: u64 = 3600;
    #[rustfmt::skip]
    let table: [(&str, &str, u64, End); 22] = [
        ("RCPT", "450 4.2.0 greylisted, try again in 5 minutes",  HOUR / 10, End::Left),
        ("RCPT", "451 4.7.1 greylisted",                          HOUR,      End::Left),
        ("RCPT", "450 4.2.0 greylisted",                          72 * HOUR, End::Left),
        ("RCPT", "450 4.2.0 greylisted",                         144 * HOUR, End::GivenUp),
        ("RCPT", "452 4.2.2 mailbox full",                        HOUR,      End::Left),
        ("DATA", "452 4.3.1 no room",                             72 * HOUR, End::Left),
        (".",    "451 4.3.0 later",                               HOUR,      End::Left),
        (".",    "451 4.3.0 later",                              144 * HOUR, End::GivenUp),
        ("MAIL", "421 4.3.2 shutting down",                       HOUR,      End::Left),
        ("RCPT", "421 4.7.0 too many",                            72 * HOUR, End::Left),
        (".",    "421 4.3.2 shutting down",                      144 * HOUR, End::GivenUp),
        ("AUTH", "535 5.7.8 wrong password",                      HOUR,      End::Left),
        ("AUTH", "535 5.7.8 wrong password",                      72 * HOUR, End::Left),
        ("AUTH", "454 4.7.0 later",                               HOUR,      End::Left),
        ("",     "554 5.7.1 go away",                             HOUR,      End::Left),
        ("MAIL", "550 5.7.60 not as this sender",                 HOUR,      End::Left),
        ("RCPT", "550 5.1.1 no such user",                      1000 * HOUR, End::Told),
        ("RCPT", "551 5.1.6 moved",                             1000 * HOUR, End::Told),
        ("RCPT", "552 5.2.2 mailbox full",                      1000 * HOUR, End::Told),
        ("DATA", "554 5.5.1 no valid recipients",               1000 * HOUR, End::Told),
        (".",    "552 5.3.4 too large",                         1000 * HOUR, End::Told),
        (".",    "554 5.7.1 spam",                              1000 * HOUR, End::Told),
    ];
    for (step, reply, seconds, want) in table {
        let office = desk(1).await;
        let sink = Sink::default();
        let over = Arc::new(AtomicBool::new(false));
        let (ended, about_it) = (over.clone(), AtomicBool::new(false));
        let host = sink
            .serve(move |moment, _| {
                let verb = moment.to.split([' ', ':']).next().unwrap_or_default();
                if verb == "RCPT" {
                    about_it.store(moment.to.contains("c0@example.org"), Ordering::Relaxed);
                }
                // A refusal is about this mail, not about the notice of it.
                let spared = want == End::Told && !about_it.load(Ordering::Relaxed);
                match verb == step && !spared && !ended.load(Ordering::Relaxed) {
                    true => Way::Say(format!("{reply}\r\n").into_bytes()),
                    false => Way::Whole,
                }
            })
            .await;
        let mut delivery = office.delivery(relay(host.port, |_| {}));
        let mut passed = 0;
        let mut told_after = None;
        let mut logins_an_hour = Vec::new();
        while passed < seconds + 6 * HOUR && office.store.outbox_len().unwrap() > 0 {
            // What was refused for good was refused once; then the relay takes the notice.
            over.store(passed >= seconds || (want == End::Told && passed > 0), Ordering::Relaxed);
            let logins = host.lines().iter().filter(|line| line.starts_with("AUTH")).count();
            delivery.step().await.unwrap();
            let notice = office.store.outbox().unwrap().any(|item| item.unwrap().purpose == Purpose::Notice);
            let sent = sink.mails().iter().any(|(to, _)| to == "operator@example.com");
            told_after = told_after.or((notice || sent).then_some(passed));
            let logins = host.lines().iter().filter(|line| line.starts_with("AUTH")).count() - logins;
            logins_an_hour.extend(std::iter::repeat_n(passed, logins));
            passed += 300;
            office.pass(Duration::from_secs(300));
        }
        let left = sink.mails().iter().filter(|(to, _)| to == "c0@example.org").count();
        let end = match told_after {
            None if left == 1 => End::Left,
            Some(0..900) if left == 0 => End::Told,
            Some(_) if left == 0 => End::GivenUp,
            _ => panic!("{step} {reply}: {left} times, told after {told_after:?}"),
        };
        assert_eq!(end, want, "{step} {reply} for {seconds} s: told after {told_after:?}");
        assert_eq!(office.store.outbox_len().unwrap(), 0, "{step} {reply}");
        if reply.starts_with("535") {
            let within = |from: u64| logins_an_hour.iter().filter(|at| (from..from + HOUR).contains(at)).count();
            assert!(logins_an_hour.iter().all(|from| within(*from) <= 10), "{logins_an_hour:?}");
        }
        if want != End::Left {
            // Told in words that say what the relay said.
            let notice = sink.mails().into_iter().find(|(to, _)| to == "operator@example.com").unwrap().1;
            assert!(app::read(&notice).text.contains(reply), "{reply}");
        }
    }
}

/// F19: a relay that goes dead or drips is left in time, and what is not sent is sent later.
#[tokio::test(flavor = "multi_thread")]
async fn f19_a_relay_that_goes_dead_or_drips_is_left_in_time() {
    let short = Duration::from_secs(2);
    let times = Timeouts {
        connect: short,
        greeting: short,
        command: short,
        mail: short,
        rcpt: short,
        data: short,
        block: short,
        dot: short,
    };
    let ways = [Way::Silence(0), Way::Silence(2), Way::Drip(Duration::from_millis(300))];
    let steps = ["", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."];
    let mut relays = JoinSet::new();
    for (n, (step, way)) in steps.into_iter().flat_map(|step| ways.clone().map(|way| (step, way))).enumerate() {
        // In a short run each step has one of the three.
        if n % 3 != dose(n / 3 % 3, n % 3) {
            continue;
        }
        relays.spawn(async move {
            let (taken, _) = day(1, times, move |moment, _| {
                let verb = moment.to.split([' ', ':']).next().unwrap_or_default();
                if moment.connection == 0 && verb == step { way.clone() } else { Way::Whole }
            })
            .await;
            assert!(doubles(&taken) <= usize::from(step == "."), "{step}");
        });
    }
    relays.join_all().await;
}

/// F19: each reply late, and every mail arrives once over one connection.
#[tokio::test(flavor = "multi_thread")]
async fn f19_a_slow_relay_is_borne() {
    let (taken, host) = day(3, Timeouts::default(), |_, _| Way::Late(Duration::from_millis(40))).await;
    assert_eq!((doubles(&taken), host.connections()), (0, 1));
}

/// F18: a reply without end is cut off where it begins, not when memory is full.
#[tokio::test(flavor = "multi_thread")]
async fn f18_no_reply_is_read_without_end() {
    const MOST: u64 = 16 << 20;
    let endless: [&[u8]; 4] = [b"250-more\r\n", b"x", b"250 ok\r\n", b"\r\n"];
    let steps = ["", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."];
    for (n, (step, octets)) in steps.into_iter().flat_map(|step| endless.map(|octets| (step, octets))).enumerate() {
        if n % 4 != dose(n / 4 % 4, n % 4) {
            continue;
        }
        let sink = Sink::default();
        let block = octets.repeat(1_000);
        let host = sink
            .serve(move |moment, _| {
                let verb = moment.to.split([' ', ':']).next().unwrap_or_default();
                if verb == step { Way::Endless(block.clone()) } else { Way::Whole }
            })
            .await;
        let mut relay = relay(host.port, |_| {});
        let (envelope, mail) = crate::peer::smtp::a_mail();
        let sent = tokio::time::timeout(Duration::from_secs(60), relay.send(&envelope, mail)).await;
        let sent = sent.expect("the relay is left");
        if step != "." {
            assert!(!matches!(sent, Ok(_) | Err(SendError::InDoubt(_))), "{step} {octets:?}: {sent:?}");
        }
        drop(relay);
        assert!(host.sent() <= MOST, "{step}: {} octets", host.sent());
    }
}
