//! The program dies at each crash point of docs/faults.md and is started again: nothing is lost, no case is opened
//! twice, and a second copy of a mail leaves only where no program can know better.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use huixin::case::Case;
use huixin::store::{Outcome, Record, Store};

use crate::bot::Bot;
use crate::doses::{dose, report};
use crate::rig::Rig;
use crate::sink::Sink;

/// What a rule answers, and what goes to humans beside.
pub const KNOWN: &str = "邮件被退回 554 DT:SPM";
pub const UNKNOWN: &str = "Does the choir rehearse on Thursday this week?";

pub fn mail(name: &str, text: &str) -> Vec<u8> {
    format!(
        "From: {name}@example.org\r\nTo: support@example.com\r\nMessage-ID: <{name}@example.org>\r\n\
         Subject: {name}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    )
    .into_bytes()
}

/// What the data folder of a bot that stands still says, held against itself.
pub struct Books {
    /// The case of each mail taken, by its place.
    pub cases: BTreeMap<String, String>,
    /// Mails whose attempt a crash has left in doubt.
    pub in_doubt: BTreeSet<String>,
    pub sent: BTreeSet<String>,
    pub failed: BTreeSet<String>,
    pub quarantined: usize,
}

/// Reads the journal from its beginning: every mail decided once, nothing sent that was not begun, nothing left in
/// the outbox, and a state that says the same as one made anew.
#[track_caller]
pub fn books(data: &Path) -> Books {
    let (store, _) = Store::open(data).unwrap();
    let mut books = Books {
        cases: BTreeMap::new(),
        in_doubt: BTreeSet::new(),
        sent: BTreeSet::new(),
        failed: BTreeSet::new(),
        quarantined: 0,
    };
    let (mut begun, mut hashes) = (BTreeSet::new(), BTreeSet::new());
    let read = |_, record| {
        match record {
            Record::Decided(decided) => {
                assert!(hashes.insert(decided.hash), "{} is decided twice", decided.place);
                let case = decided.outcome.case().expect("every mail of these tests has a case");
                assert!(books.cases.insert(decided.place.to_string(), case.to_string()).is_none());
                books.quarantined += usize::from(matches!(decided.outcome, Outcome::Quarantined(_)));
            }
            Record::SendStart { message_id, .. } => drop(begun.insert(message_id.as_str().to_owned())),
            Record::Deferred { message_id, why, .. } if why.contains("the process ended") => {
                books.in_doubt.insert(message_id.as_str().to_owned());
            }
            Record::Sent { message_id, .. } => {
                assert!(begun.contains(message_id.as_str()), "{message_id} was sent and not begun");
                assert!(books.sent.insert(message_id.as_str().to_owned()), "{message_id} was sent twice");
            }
            Record::Failed { message_id, .. } => {
                assert!(books.failed.insert(message_id.as_str().to_owned()), "{message_id} has failed twice");
            }
            _ => {}
        }
        Ok(())
    };
    store.records(read).unwrap();
    assert_eq!(store.outbox_len().unwrap(), 0);
    let cases = |store: &Store| -> Vec<Case> { store.cases().unwrap().map(Result::unwrap).collect() };
    let before = cases(&store);
    store.rebuild().unwrap();
    assert_eq!(cases(&store), before);
    let numbers: BTreeSet<_> = books.cases.values().collect();
    assert_eq!((before.len(), numbers.len()), (books.cases.len(), books.cases.len()), "a case for each mail");
    books
}

/// One row: where the program dies, how many mails then left twice, and what the sink does.
struct Row {
    point: &'static str,
    twice: usize,
    prepare: fn(&Sink),
    dies: fn(&mut Bot, &Sink),
}

fn by_itself(bot: &mut Bot, _: &Sink) {
    assert_eq!(bot.wait_end(), None, "it should have died\n{}", bot.log());
    assert!(bot.log().contains("died at C"), "{}", bot.log());
}

fn held_by_the_server(bot: &mut Bot, sink: &Sink) {
    by_itself(bot, sink);
    sink.be_silent_at(None);
}

/// `kill -9` while the server keeps silent.
fn killed(bot: &mut Bot, sink: &Sink) {
    bot.wait("the server's silence", |_| sink.silences() > 0);
    bot.kill();
    sink.be_silent_at(None);
}

/// Three mails, of which one goes to an agent too, past a bot that dies at `row.point`, and then to one that does not.
fn dies_and_goes_on(row: &Row) {
    let sink = Sink::start();
    (row.prepare)(&sink);
    let mut bot = Bot::with_sink(sink.port, &[]);
    bot.spawn_with(&[("HUIXIN_DIES_AT", row.point)]);
    bot.wait_log("event=\"looked\"");
    for (name, text) in [("a", KNOWN), ("b", UNKNOWN), ("c", KNOWN)] {
        bot.lay(name, &mail(name, text));
    }
    (row.dies)(&mut bot, &sink);
    bot.spawn();
    bot.wait(&format!("four mails after {}", row.point), |bot| {
        sink.taken().len() == 4 + row.twice
            && bot.folder().join("in/new").read_dir().unwrap().next().is_none()
            && bot.command(&["outbox", "list", "--json"]).1.is_empty()
    });
    assert_eq!(bot.stop(), Some(0));
    let books = books(&bot.folder().join("data"));
    assert_eq!(books.cases.keys().collect::<Vec<_>>(), ["a", "b", "c"], "{}", row.point);
    let copies = sink.copies();
    let twice: Vec<_> = copies.iter().filter(|(_, times)| **times > 1).collect();
    assert_eq!((copies.len(), twice.len()), (4, row.twice), "{}: {twice:?}", row.point);
    assert!(twice.iter().all(|(id, _)| books.in_doubt.contains(id.trim_matches(['<', '>']))), "{}", row.point);
    let tmp = bot.folder().join("data/archive/tmp");
    assert_eq!(tmp.read_dir().unwrap().count(), 0, "{}: half a file in the archive", row.point);
}

/// The server waits before the content of the first mail, so that none of them can leave before the death.
const fn row(point: &'static str) -> Row {
    Row { point, twice: 0, prepare: |sink| sink.be_silent_at(Some("DATA")), dies: held_by_the_server }
}

const fn sending(point: &'static str, twice: usize) -> Row {
    Row { point, twice, prepare: |_| {}, dies: by_itself }
}

/// The points at which nothing is on its way, and those after which nobody has to guess. In order, the frames of the
/// journal are the first look, three attempts, three decisions, and then what becomes of the mails.
const NOT_ON_ITS_WAY: [Row; 13] = [
    row("C1"),
    row("C2"),
    row("C3"),
    row("C4"),
    row("C5"),
    row("C7:2"),
    row("C7:5"),
    row("C7:6"),
    row("C8:5"),
    row("C8:6"),
    row("C9:5"),
    row("C9:7"),
    row("C10"),
];

/// The points at which a mail is on its way.
const ON_ITS_WAY: [Row; 5] = [
    sending("C12", 0),
    Row { point: "C12 after DATA", twice: 0, prepare: |sink| sink.be_silent_at(Some("DATA")), dies: killed },
    Row { point: "C13", twice: 1, prepare: |sink| sink.be_silent_at(Some(".")), dies: killed },
    sending("C14", 1),
    sending("C15", 0),
];

/// Runs each row in turn, so many at a time: most of the time goes by waiting.
fn run(rows: &'static [Row], at_a_time: usize) {
    for rows in rows.chunks(at_a_time) {
        thread::scope(|scope| {
            let running: Vec<_> = rows.iter().map(|row| scope.spawn(|| dies_and_goes_on(row))).collect();
            for (row, running) in rows.iter().zip(running) {
                running.join().unwrap_or_else(|_| panic!("{} (the reason is above)", row.point));
            }
        });
    }
}

#[test]
fn c01_to_c10_nothing_is_lost_and_nothing_leaves_twice() {
    let times = dose(1, 50);
    for _ in 0..times {
        run(&NOT_ON_ITS_WAY, 4);
    }
    let points = NOT_ON_ITS_WAY.len();
    report("F02 C1-C5, C7-C10", format!("{points} points × {times}"), "0 lost, 0 double cases, 0 double mails");
}

#[test]
fn c12_to_c15_a_mail_leaves_twice_only_when_its_fate_was_unknown() {
    let times = dose(1, 50);
    for _ in 0..times {
        run(&ON_ITS_WAY, 5);
    }
    let doubles = "C12, C15: 0 double mails; C13, C14: 1 each, byte for byte the same";
    report("F02 C12-C15", format!("{} points × {times}", ON_ITS_WAY.len()), format!("0 lost, {doubles}"));
}

#[test]
fn c16_a_refusal_that_was_not_written_down_is_heard_again_and_told_once() {
    let times = dose(1, 50);
    for _ in 0..times {
        let sink = Sink::start();
        sink.refuse("a@");
        let mut bot = Bot::with_sink(sink.port, &[]);
        bot.spawn_with(&[("HUIXIN_DIES_AT", "C16")]);
        bot.wait_log("event=\"looked\"");
        bot.lay("a", &mail("a", KNOWN));
        by_itself(&mut bot, &sink);
        assert!(sink.taken().is_empty());
        bot.spawn();
        bot.wait("the notice that the answer was refused", |_| !sink.taken().is_empty());
        assert_eq!(bot.stop(), Some(0));
        let books = books(&bot.folder().join("data"));
        assert_eq!((books.cases.len(), books.failed.len(), books.sent.len(), sink.taken().len()), (1, 1, 1, 1));
    }
    report("F02 C16", format!("1 point × {times}"), "refused again, 1 failure, 1 notice");
}

#[test]
fn c11_a_mail_that_was_copied_and_not_yet_removed_makes_no_second_case() {
    let rig = Rig::start_without("MOVE");
    let times = dose(1, 50);
    let mut bot = Bot::configure(&rig, &[("keyword = \"huixin\"", "move_to = \"Done\"")]).with_one_rule();
    bot.start_and_look();
    assert_eq!(bot.stop(), Some(0));
    let (mut mails, mut copies, mut left) = (0, 0, 0);
    for _ in 0..times {
        // What is marked may be a person's wish: it is not removed by us afterwards (I07).
        for (point, extra, stays) in [("C11", 1, 0), ("C11-marked", 0, 1)] {
            rig.lay("support", &mail(&format!("m{mails}"), KNOWN));
            mails += 1;
            copies += 1 + extra;
            bot.spawn_with(&[("HUIXIN_DIES_AT", point)]);
            by_itself(&mut bot, &Sink::start());
            assert_eq!(rig.mails("support").len(), left + 1, "{point}");
            left += stays;
            bot.spawn();
            bot.wait("the mailbox as it should be", |_| rig.mails("support").len() == left);
            bot.wait("the answers", |bot| bot.events("answered").len() >= mails);
            assert_eq!(bot.stop(), Some(0));
            // A copy of the customer's mail may lie twice in the folder of what is done; we never look there.
            assert_eq!(rig.mails_in(&rig.maildir("support").join(".Done")).len(), copies, "{point}");
        }
    }
    let books = books(&bot.folder().join("data"));
    assert_eq!((books.cases.len(), books.sent.len()), (mails, mails));
    // The answer may have been on its way when the process died.
    let doubles = rig.mails("world").len() - mails;
    assert!(doubles <= books.in_doubt.len());
    report(
        "F02 C11",
        format!("2 points × {times}"),
        format!("0 lost, 0 double cases, {doubles} double mails (C13, C14)"),
    );
}

/// `kill -9` in the middle of the literal of a mail's body, of which half has come.
#[test]
fn c02_a_mail_of_which_half_was_fetched_is_fetched_again() {
    let rig = Rig::start();
    let stalled = Arc::new(AtomicBool::new(false));
    let port = stall_in_a_body(rig.imap_port, stalled.clone());
    let tls = format!("port = {}\nca_file = \"ca.pem\"", rig.imaps_port);
    let mut bot = Bot::configure(&rig, &[(&tls, &format!("port = {port}\ntls = \"plain\""))]).with_one_rule();
    bot.start_and_look();
    let times = dose(1, 50);
    for n in 1..=times {
        stalled.store(false, SeqCst);
        rig.lay("support", &mail(&format!("m{n}"), &format!("{KNOWN}\r\n{}", "x".repeat(5_000))));
        bot.wait("half a body", |_| stalled.load(SeqCst));
        bot.kill();
        let archive = bot.folder().join("data/archive");
        let kept = archive.read_dir().unwrap().filter(|entry| entry.as_ref().unwrap().file_name() != "tmp").count();
        assert!(kept < n, "{kept} folders of mails after {n} halves");
        bot.spawn();
        bot.wait("the answer", |_| rig.mails("world").len() == n);
    }
    assert_eq!(bot.stop(), Some(0));
    let books = books(&bot.folder().join("data"));
    assert_eq!((books.cases.len(), books.sent.len()), (times, times));
    report("F02 C2", format!("half a literal × {times}"), "fetched again, 0 lost, 0 double");
}

/// Passes on what client and server say, and goes silent for the client once the server is 1,000 octets into the body
/// of a mail while `stalled` is not set.
fn stall_in_a_body(to: u16, stalled: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
            let (mut said, mut heard) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || {
                let _ = io::copy(&mut said, &mut heard);
                let _ = heard.shutdown(Shutdown::Both);
            });
            let stalled = stalled.clone();
            thread::spawn(move || pass_on(server, client, &stalled));
        }
    });
    port
}

fn pass_on(mut server: TcpStream, mut client: TcpStream, stalled: &AtomicBool) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(length @ 1..) = server.read(&mut buffer) {
        let said = &buffer[..length];
        let body = said.windows(6).position(|word| word == b"BODY[]");
        if let Some(at) = body.filter(|_| !stalled.load(SeqCst)) {
            let _ = client.write_all(&said[..length.min(at + 1_000)]);
            stalled.store(true, SeqCst);
            // The client is killed now.
            let _ = io::copy(&mut client.try_clone().unwrap(), &mut io::sink());
            return;
        }
        if client.write_all(said).is_err() {
            return;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
}

/// What only this customer is or says.
const CANARY: &str = "quetzalcoatl";

fn holds_canary(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in folder.read_dir().unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holds_canary(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            let holds = bytes.windows(CANARY.len()).any(|window| window.eq_ignore_ascii_case(CANARY.as_bytes()));
            found.extend(holds.then(|| path.display().to_string()));
        }
    }
    found
}

/// C17, C18 and C20: the command dies, and the bot carries the erasure to its end when it runs again.
#[test]
fn c20_an_erasure_that_was_begun_is_carried_to_its_end() {
    for point in ["C20:1", "C17", "C18", "C20:2", "C20:3"] {
        let sink = Sink::start();
        let mut bot = Bot::with_sink(sink.port, &[]);
        bot.spawn();
        bot.wait_log("event=\"looked\"");
        bot.lay("a", &mail("a", KNOWN));
        bot.lay("c", &mail(CANARY, KNOWN));
        bot.wait("two answers", |bot| {
            sink.taken().len() == 2 && bot.command(&["outbox", "list", "--json"]).1.is_empty()
        });
        assert_eq!(bot.stop(), Some(0));
        let data = bot.folder().join("data");
        assert!(!holds_canary(&data).is_empty());

        let who = format!("{CANARY}@example.org");
        let (code, out, error) = bot.command_with(&["forget", &who], &[("HUIXIN_DIES_AT", point)]);
        assert!(code.is_none() && error.contains("died at C"), "{point}: {code:?} {out} {error}");
        bot.spawn();
        bot.wait_log("erased");
        assert_eq!(bot.stop(), Some(0));
        assert_eq!(holds_canary(&data), Vec::<String>::new(), "{point}");
        let (store, _) = Store::open(&data).unwrap();
        let left: Vec<Case> = store.cases().unwrap().map(Result::unwrap).collect();
        assert_eq!(left.len(), 1, "{point}");
        assert!(left[0].requester.as_ref().is_some_and(|of| of.to_string() == "a@example.org"), "{point}");
        drop(store);
        let (code, _, error) = bot.command(&["forget", &who]);
        assert_eq!(code, Some(65), "{point}: {error}");
    }
}
