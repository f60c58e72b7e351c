//! F18: servers that say what nobody asked, at random places of a session. One seed is one server, and its number is
//! in every failure. `HUIXIN_DOSE=long` plays a thousand of each kind.
//!
//! Noise is what does not contradict what the server says otherwise: junk, what belongs to no command, a goodbye, a
//! cut. It must cost nothing but time: each mail is taken once, none under another's name. Lies contradict, and a
//! server that lies can lie a mail away; they must not stop us, and not make us lie in turn.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use huixin::outgoing::Relay;
use huixin::store::{self, Fate};
use tokio::task::JoinSet;

use crate::doses::dose;
use crate::office::{Office, mailbox, question, relay, step, take_all};
use crate::peer::host::{Moment, Way};
use crate::peer::mailhost::{DONE, INBOX, MailHost, PASSWORD};
use crate::peer::sink::Sink;

/// Servers of each kind at a time.
const AT_A_TIME: usize = 8;
/// Faults of one server. A mail at which six connections break in a row may be given up, and that is another test.
const FAULTS: usize = 5;

/// What an IMAP server may say at any time without taking back a word of its own.
const IMAP_NOISE: [&str; 36] = [
    "* BYE enough\r\n",
    "* OK still here\r\n",
    "* OK [ALERT] 案 disk full\r\n",
    "* OK [ALERT]案\r\n",
    "* NO [SERVERBUG] x\r\n",
    "* BAD x\r\n",
    "* PREAUTH hello\r\n",
    "+ go on\r\n",
    "+\r\n",
    "X9 OK done\r\n",
    "X9 NO done\r\n",
    "\r\n",
    "\n\n\n",
    "\0\0\0\r\n",
    "HTTP/1.1 400 Bad Request\r\n\r\n",
    "* 4294967295 EXISTS\r\n",
    "* 0 EXISTS\r\n",
    "* 99999999999999999999 EXISTS\r\n",
    "* -1 EXISTS\r\n",
    "* 1 EXPUNGE\r\n",
    "* 4294967295 EXPUNGE\r\n",
    "* VANISHED 1:4294967295\r\n",
    "* VANISHED (EARLIER) 4294967295:1\r\n",
    "* 1 FETCH (FLAGS (\\Seen \\Deleted))\r\n",
    "* 9 FETCH (UID 9 BODY[] {5}\r\nwrong)\r\n",
    "* 9 FETCH (UID 9 BODY[]<0> {5}\r\nwrong)\r\n",
    "* 1 FETCH (BODY[] {5}\r\nwrong)\r\n",
    "* 1 FETCH (UID 0 BODY[] {5}\r\nwrong)\r\n",
    "* 9 FETCH (UID 9 BODY[] {4294967295}\r\n",
    "* 9 FETCH (UID 9 BODY[] {18446744073709551616}\r\n",
    "* 1 FETCH (UID 1 INTERNALDATE NIL)\r\n",
    "* 1 FETCH (BODYSTRUCTURE ((((((((((((((((((((\r\n",
    "* LIST (\\Noselect) \"/\" {4}\r\nInBo\r\n",
    "* SEARCH 1 2 3 4294967296\r\n",
    "* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n",
    "* QUOTA \"\" (STORAGE 1 1)\r\n",
];

const SMTP_NOISE: [&str; 24] = [
    "250 ok\r\n",
    "250 ok\r\n250 ok\r\n250 ok\r\n",
    "250-more\r\n",
    "250\r\n",
    "220 hello\r\n",
    "221 bye\r\n",
    "235 welcome\r\n",
    "334 \r\n",
    "354 go on\r\n",
    "421 4.3.2 closing\r\n",
    "450 4.2.0 later\r\n",
    "451 4.3.0 later\r\n",
    "535 5.7.8 no\r\n",
    "550 5.1.1 nobody\r\n",
    "552 5.3.4 too large\r\n",
    "554 5.7.1 spam\r\n",
    "999 what\r\n",
    "-12 what\r\n",
    "hello\r\n",
    "\r\n",
    "\0\0\r\n",
    "* OK IMAP4rev1\r\n",
    "250 \u{1b}[31mred\r\n",
    "250 案\r\n",
];

fn noise(random: &mut Rng, pieces: &[&str]) -> Vec<u8> {
    match random.u8(..20) {
        0 => vec![b'x'; 2 << 20],
        1 => b"* OK x\r\n".repeat(10_000),
        2 => (0..random.usize(1..300)).map(|_| random.u8(..)).collect(),
        _ => random.choice(pieces).unwrap_or(&"").as_bytes().to_vec(),
    }
}

/// What becomes of a response that a fault has struck.
fn struck(random: &mut Rng, response: &[u8], pieces: &[&str]) -> Way {
    let part = random.usize(..=response.len());
    match random.u8(..10) {
        0 => Way::Cut(part),
        1 => Way::Reset(part),
        2 => Way::Silence(part),
        3 => Way::Endless(noise(random, pieces)),
        4..7 => Way::Say([noise(random, pieces), response.to_vec()].concat()),
        7 => Way::Say([response.to_vec(), noise(random, pieces)].concat()),
        8 => Way::Say(response.repeat(2)),
        _ => Way::Say([noise(random, pieces), noise(random, pieces), response.to_vec()].concat()),
    }
}

/// A response that says something else than it should.
fn twisted(random: &mut Rng, response: &[u8], pieces: &[&str]) -> Way {
    let mut other = response.to_vec();
    match random.u8(..6) {
        0 => other = noise(random, pieces),
        1 => other.clear(),
        2 => {
            for _ in 0..random.usize(1..8) {
                let at = random.usize(..other.len());
                other[at] ^= 1 << random.u8(..8);
            }
        }
        3 => {
            // Another number in the place of one.
            let digits: Vec<usize> = (0..other.len()).filter(|at| other[*at].is_ascii_digit()).collect();
            if let Some(at) = random.choice(&digits) {
                let number = random.choice(["0", "1", "2", "3", "4294967295", "4294967296", "-1"]).unwrap_or("0");
                other.splice(*at..=*at, number.bytes());
            }
        }
        4 => {
            let (from, to) = (random.usize(..other.len()), random.usize(..other.len()));
            let piece = other[from.min(to)..from.max(to)].to_vec();
            let at = random.usize(..other.len());
            other.splice(at..at, piece);
        }
        _ => return struck(random, response, pieces),
    }
    Way::Say(other)
}

/// The fault of one server: some of its responses, in its first connections.
fn fault(seed: u64, lies: bool, pieces: &'static [&'static str]) -> impl Fn(Moment<'_>, &[u8]) -> Way {
    let struck_so_far = AtomicUsize::new(0);
    move |moment, response| {
        let place = (moment.connection as u64) << 16 | moment.response as u64;
        let mut random = Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ place);
        random.u64(..);
        if response.is_empty() || moment.connection >= FAULTS || random.u8(..12) > 0 {
            return Way::Whole;
        }
        if struck_so_far.fetch_add(1, Ordering::Relaxed) >= FAULTS {
            return Way::Whole;
        }
        match lies {
            true => twisted(&mut random, response, pieces),
            false => struck(&mut random, response, pieces),
        }
    }
}

/// Plays seeds `0..many`, some at a time.
async fn play<F: Future<Output = ()> + Send + 'static>(many: usize, server: impl Fn(u64) -> F) {
    let mut playing = JoinSet::new();
    for seed in 0..many as u64 {
        if playing.len() >= AT_A_TIME {
            playing.join_next().await.unwrap().unwrap();
        }
        playing.spawn(server(seed));
    }
    playing.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f18_imap_servers_that_talk_too_much_get_no_wrong_mail_into_the_house() {
    play(dose(60, 1_000), |seed| async move {
        let account = MailHost::new(["IDLE MOVE UIDPLUS ID", "UIDPLUS"][seed as usize % 2]);
        let office = Office::new();
        let quiet = account.serve(|_, _| Way::Whole).await;
        take_all(&office, &mut office.ingest(mailbox(quiet.port, |_| {})), 5).await;
        (0..3).for_each(|n| account.lay(&question(n)));
        let host = account.serve(fault(seed, false, &IMAP_NOISE)).await;
        let hasty = |s: &mut huixin::imap::Settings| s.patience.answer = Duration::from_secs(2);
        take_all(&office, &mut office.ingest(mailbox(host.port, hasty)), 40).await;
        assert_eq!(office.cases(), 3, "seed {seed}");
        assert!((0..3).all(|n| office.is_decided(&question(n))), "seed {seed}");
        store::ledger(&office.data(), |entry| {
            assert!(matches!(entry.fate, Fate::Decided(_)), "seed {seed}: {entry:?}")
        })
        .unwrap();
        // By COPY a mail may be there twice (I08).
        let done: BTreeSet<Vec<u8>> = account.mails(DONE).into_iter().collect();
        assert_eq!(done.len(), 3, "seed {seed}");
        let told = host.lines().iter().filter(|line| line.contains(PASSWORD)).count();
        assert!(told <= host.connections(), "seed {seed}: the password once for each connection");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f18_imap_servers_that_lie_stop_nobody() {
    play(dose(40, 1_000), |seed| async move {
        let account = MailHost::new(["IDLE MOVE UIDPLUS ID", ""][seed as usize % 2]);
        let office = Office::new();
        (0..3).for_each(|n| account.lay(&question(n)));
        let host = account.serve(fault(seed, true, &IMAP_NOISE)).await;
        let hasty = |s: &mut huixin::imap::Settings| {
            s.patience.answer = Duration::from_secs(2);
            s.max_mail = 64 * 1024;
        };
        let mut ingest = office.ingest(mailbox(host.port, hasty));
        for _ in 0..15 {
            step(&mut ingest).await;
        }
        // Whatever was said: no mail of ours was thrown away, and nothing was taken that was not sent.
        let there = account.mails(INBOX).len() + account.mails(DONE).len();
        assert!(there >= 3, "seed {seed}: {there} mails are left");
        assert!(office.cases() <= 3 + FAULTS, "seed {seed}: {} cases", office.cases());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f18_smtp_servers_that_talk_too_much_or_lie_never_get_a_verdict_wrong() {
    play(dose(100, 1_000), |seed| async move {
        let sink = Sink::default();
        let over = Arc::new(AtomicBool::new(false));
        let (ended, fault) = (over.clone(), fault(seed, seed % 2 == 1, &SMTP_NOISE));
        let fault = move |moment: Moment<'_>, response: &[u8]| match ended.load(Ordering::Relaxed) {
            true => Way::Whole,
            false => fault(moment, response),
        };
        let host = sink.serve(fault).await;
        let mut relay = relay(host.port, |s| {
            let short = Duration::from_secs(5);
            s.timeouts.greeting = short;
            s.timeouts.command = short;
            s.timeouts.mail = short;
            s.timeouts.rcpt = short;
            s.timeouts.data = short;
            s.timeouts.block = short;
            s.timeouts.dot = short;
        });
        let (envelope, mail) = crate::peer::smtp::a_mail();
        let dots = || host.lines().iter().filter(|line| *line == ".").count();
        let mut accepted = 0;
        for _ in 0..FAULTS + 2 {
            let sent = relay.send(&envelope, mail).await;
            accepted += usize::from(sent.is_ok());
        }
        // What is accepted was said to its final dot, which may be on its way still; and no mail was said twice.
        let said = tokio::time::timeout(Duration::from_secs(60), async {
            while dots() < accepted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(said.await.is_ok(), "seed {seed}: {accepted} accepted, {} said", dots());
        assert!(dots() <= FAULTS + 2, "seed {seed}");
        // Past the faults, and whatever is left of them in the session: a good mail on a good line.
        over.store(true, Ordering::Relaxed);
        let before = sink.mails().len();
        let sent = relay.send(&envelope, mail).await;
        assert!(sent.is_ok(), "seed {seed}: {sent:?}");
        assert!(sink.mails().len() > before, "seed {seed}");
        for (to, taken) in sink.mails() {
            assert_eq!((to.as_str(), taken.as_slice()), ("customer@example.org", mail), "seed {seed}");
        }
    })
    .await;
}

/// F18: an IMAP server that never ends its line is left after a megabyte of it, at every place of a session.
#[tokio::test(flavor = "multi_thread")]
async fn f18_no_imap_line_is_read_without_end() {
    const MOST: u64 = 16 << 20;
    let account = MailHost::new("IDLE MOVE UIDPLUS ID");
    account.lay(&question(1));
    let sent = Arc::new(AtomicUsize::new(0));
    for at in (0..14).step_by(dose(2, 1)) {
        for octets in [&b"x"[..], b"* OK ", b"{1}", b"(", b"\\"] {
            let block = octets.repeat(4_096);
            let host = account
                .serve(move |moment, _| match moment.response == at {
                    true => Way::Endless(block.clone()),
                    false => Way::Whole,
                })
                .await;
            let office = Office::new();
            assert_eq!(step(&mut office.ingest(mailbox(host.port, |_| {}))).await, None, "{at}");
            assert!(host.sent() <= MOST, "{at}: {} octets", host.sent());
            sent.fetch_max(host.sent() as usize, Ordering::Relaxed);
        }
    }
    println!("an endless line costs {} octets at most", sent.load(Ordering::Relaxed));
}
