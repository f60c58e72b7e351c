//! What a year of cases costs: how fast a store starts, is rebuilt and goes on deciding when it holds many, what a pass
//! of the chores takes, and what one case takes on disk.
//!
//! `cargo bench --bench growth -- 1000000` fills a store with so many cases, each as the bot leaves it: a mail taken,
//! decided with an answer and a forward, both sent, the mailbox told; one in ten is open, with a timer (OPEN_ONE_IN=1: all). At 0, a tenth
//! and all of them it decides some more, one commit waiting for the disk for each batch, as a mailbox with a backlog
//! does, and lets the chores pass; checkpoints are made meanwhile. Then the store is closed and opened, opened without
//! its state, and rebuilt from its journal, each in a process of its own. It ends with 1 if a bar is missed.
//! The store lies under GROWTH_DIR, or in the folder for temporary files.

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use huixin::address::{Address, ReversePath};
use huixin::app::{self, files};
use huixin::case::{Alarm, Case, CaseState, Clues, Scope, Twin, Work};
use huixin::chores::Chores;
use huixin::ids::{CaseNumber, CategoryId, GroupId, MailHash, MailboxName, MessageId};
use huixin::language::Language;
use huixin::mailbox::Place;
use huixin::outgoing::{Content, Envelope, Leaves, Outgoing, Purpose};
use huixin::playbook::Playbook;
use huixin::store::{Decided, Manners, Orders, Outcome, Record, Store, StoreError, Why};
use huixin::time::Timestamp;
use huixin::upkeep::Upkeep;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const MOST_START: Duration = Duration::from_secs(10);
const MOST_REBUILD: Duration = Duration::from_secs(60);
/// Of the throughput with no case at all.
const LEAST_SPEED: f64 = 0.9;
/// Mails that share a wait for the disk, as in the bot's own batches.
const BATCH: u64 = 128;
/// Cases decided for one measurement of the throughput.
const MEASURED: u64 = 10_000;
/// Rounds of it; the fastest is the least disturbed.
const ROUNDS: u64 = 3;
/// Seconds between two mails: a million cases in a year.
const PACE: u64 = 31;
/// One case in so many is open: OPEN_ONE_IN says another share.
static OPEN_ONE_IN: LazyLock<u64> =
    LazyLock::new(|| std::env::var("OPEN_ONE_IN").ok().and_then(|share| share.parse().ok()).unwrap_or(10));
/// After so long an open case is closed; longer than the bench fills, so that all of them wait.
const SILENCE: Duration = Duration::from_secs(500 * 24 * 60 * 60);
/// Timers that have run down in the pass that is measured.
const DUE: u64 = 640;
/// Names the folder in which a process is to open the store once, and say how long it took.
const OPEN: &str = "GROWTH_OPEN";

fn main() -> ExitCode {
    if let Some(folder) = std::env::var_os(OPEN) {
        open_and_tell(Path::new(&folder));
        return ExitCode::SUCCESS;
    }
    let cases: u64 = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(100_000);
    let folder = match std::env::var_os("GROWTH_DIR") {
        Some(dir) => tempfile::tempdir_in(dir),
        None => tempfile::tempdir(),
    };
    let folder = folder.expect("a folder");
    let mut missed = 0;
    let mut bar = |kept: bool| {
        missed += u32::from(!kept);
        if kept { "" } else { "  MISSED" }
    };

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
    let (store, _) = Store::open(folder.path()).expect("a store");
    let playbook = playbook(&store);
    let shutdown = CancellationToken::new();
    let (_, current) = tokio::sync::watch::channel(Arc::clone(&playbook));
    let upkeep = Upkeep { store: store.clone(), playbook: current, clock: Arc::new(app::now) };
    let upkeep = runtime.spawn(upkeep.run(shutdown.clone()));
    let (mut next, mut rung, mut first) = (0, 0, 0.0);
    for existing in [0, cases / 10, cases] {
        let begun = Instant::now();
        let wanted = existing.saturating_sub(next);
        while next < existing {
            live(&store, &runtime, &mut next);
        }
        if wanted > 0 {
            println!("filled with {wanted} cases at {:.0}/s", wanted as f64 / begun.elapsed().as_secs_f64());
        }
        let speed = (0..ROUNDS).map(|_| speed(&store, &runtime, &mut next)).fold(0.0, f64::max);
        if first == 0.0 {
            first = speed;
        }
        let mark = bar(speed >= first * LEAST_SPEED);
        println!(
            "with {existing:>8} cases: {speed:.0} mails decided, sent and settled a second, {:.2} of the first{mark}; \
             peak memory {} MB",
            speed / first,
            peak_kilobytes() >> 10
        );
        chores(&store, &playbook, next, &mut rung);
    }
    shutdown.cancel();
    runtime.block_on(upkeep).expect("the upkeep").expect("no trouble");
    drop(runtime);
    drop(store);

    println!("disk: {}", sizes(folder.path(), next));
    let after_close = opened(folder.path());
    println!("start after an orderly end: {after_close:.2?}{}", bar(after_close <= MOST_START));
    remove(folder.path(), "state");
    let over = opened(folder.path());
    println!("start without a state, over the checkpoint: {over:.2?}{}", bar(over <= MOST_START));
    remove(folder.path(), "state");
    remove(folder.path(), "checkpoint");
    let rebuilt = opened(folder.path());
    println!("start with the journal alone (rebuild): {rebuilt:.2?}{}", bar(rebuilt <= MOST_REBUILD));
    println!("disk: {}", sizes(folder.path(), next));
    ExitCode::from(u8::from(missed > 0))
}

/// Mails a second on their whole way, each step on disk before the next.
fn speed(store: &Store, runtime: &Runtime, next: &mut u64) -> f64 {
    let (begun, from) = (Instant::now(), *next);
    while *next < from + MEASURED {
        live(store, runtime, next);
    }
    (*next - from) as f64 / begun.elapsed().as_secs_f64()
}

/// Passes of the chores with nothing due, and with [`DUE`] timers run down.
fn chores(store: &Store, playbook: &Arc<Playbook>, cases: u64, rung: &mut u64) {
    let pass = |clock: Timestamp| {
        let (_, playbook) = tokio::sync::watch::channel(Arc::clone(playbook));
        let chores = Chores { store: store.clone(), playbook, clock: Arc::new(move || clock) };
        let (begun, mut looked_after) = (Instant::now(), 0);
        loop {
            match chores.ring().expect("no trouble") {
                0 => return (begun.elapsed(), looked_after),
                some => looked_after += some,
            }
        }
    };
    let open = cases.div_ceil(*OPEN_ONE_IN) - *rung;
    let (idle, none) = pass(at(cases));
    *rung += DUE;
    let (busy, some) = pass(silent(*rung * *OPEN_ONE_IN - 1));
    assert_eq!((none, some), (0, DUE as usize));
    println!("  chores over {open} open cases: {idle:.1?} with nothing due, {:.1?} for each timer", busy / DUE as u32);
}

/// The one that is shipped.
fn playbook(store: &Store) -> Arc<Playbook> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("bot.toml");
    let configured = files::configured(&shipped).expect("the shipped configuration");
    Arc::new(app::playbook(&configured, store.key().clone()).expect("the shipped rules").0)
}

/// One batch of mails on their whole way.
fn live(store: &Store, runtime: &Runtime, next: &mut u64) {
    let batch: Vec<u64> = (*next..*next + BATCH).collect();
    *next += BATCH;
    let mailbox = MailboxName::parse("support").expect("a name");
    let mut last = None;
    for n in &batch {
        let taken =
            Record::Taken { mailbox: mailbox.clone(), place: place(*n), hash: hash(*n), attempt: 1, at: at(*n) };
        last = Some(store.append(taken).expect("room"));
    }
    for n in &batch {
        let decided = store.decide(|view| {
            if view.taken(&hash(*n))?.is_some() {
                return Err(StoreError::Refused("taken before".into()));
            }
            let facts = view.facts(&clues(*n), at(*n))?;
            black_box(&facts);
            Ok(Record::Decided(Box::new(decision(*n, facts.free_number.expect("a number")))))
        });
        last = Some(decided.expect("room"));
    }
    runtime.block_on(store.synced(last.expect("a record"))).expect("a disk");
    store.append(Record::Settled { mailbox, places: batch.iter().map(|n| place(*n)).collect() }).expect("room");
    for kind in ["answer", "forward"] {
        for n in &batch {
            let message_id = mid(*n, kind);
            last = Some(store.append(Record::SendStart { message_id, attempt: 1, at: at(*n) }).expect("room"));
        }
        runtime.block_on(store.synced(last.expect("a record"))).expect("a disk");
        for n in &batch {
            let response = "250 2.0.0 Ok: queued as 4XyZ1234567".to_owned();
            store.append(Record::Sent { message_id: mid(*n, kind), at: at(*n), response }).expect("room");
        }
    }
}

fn at(n: u64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + (n * PACE) as i64).expect("a time")
}

/// When the timer of an open case runs down.
fn silent(n: u64) -> Timestamp {
    at(n).checked_add(SILENCE).expect("a time")
}

fn hash(n: u64) -> MailHash {
    MailHash::of(&n.to_be_bytes())
}

fn number(n: u64) -> CaseNumber {
    let hash = hash(n);
    CaseNumber::from_bits(u64::from_be_bytes(hash.as_bytes()[..8].try_into().expect("eight octets")))
}

fn place(n: u64) -> Place {
    Place::Imap { uid_validity: 7, uid: n as u32 + 1 }
}

fn mid(n: u64, kind: &str) -> MessageId {
    MessageId::parse(&format!("{}.{kind}.{}@bot.example", number(n).compact(), hash(n).short())).expect("an id")
}

/// One requester in three has written before.
fn requester(n: u64) -> Address {
    let who = if n.is_multiple_of(3) { n / 2 } else { n };
    Address::parse(&format!("customer{who}@mail{}.example", who % 5_000)).expect("an address")
}

fn clues(n: u64) -> Clues {
    let requester = requester(n);
    Clues {
        references: vec![MessageId::parse(&format!("earlier{n}@mail.example")).expect("an id")],
        candidates: vec![number(n), CaseNumber::from_bits(n)],
        scopes: scopes(&requester),
        twin: Some(twin(n)),
        sender: Some(requester),
        ..Clues::default()
    }
}

fn scopes(requester: &Address) -> Vec<Scope> {
    let domain = requester.to_string().rsplit('@').next().unwrap_or_default().to_owned();
    vec![Scope::Sender(requester.counting_key()), Scope::Domain(domain), Scope::Global]
}

fn twin(n: u64) -> Twin {
    Twin(MailHash::of(&(n + (1 << 40)).to_be_bytes()))
}

fn decision(n: u64, number: CaseNumber) -> Decided {
    let requester = requester(n);
    let is_open = n.is_multiple_of(*OPEN_ONE_IN);
    let mut work = Work::default();
    if is_open {
        work.set_timer(Alarm::Silence, silent(n));
    }
    let mailbox = MailboxName::parse("support").expect("a name");
    let group = GroupId::parse("mail-tech").expect("a name");
    let case = Case {
        state: if is_open { CaseState::WithAgents } else { CaseState::Answered },
        requester: Some(requester.clone()),
        category: Some(CategoryId::parse("deliver.bounce").expect("a name")),
        received: 1,
        answers: 1,
        acknowledgements: 1,
        forwards: 1,
        work,
        ..Case::new(number, mailbox, group, Language::Zh, at(n))
    };
    let spent = scopes(&requester);
    let mail = |kind, purpose, to: Address, original, text: &str| Outgoing {
        message_id: mid(n, kind),
        purpose,
        case: Some(number),
        envelope: Envelope { from: ReversePath::Null, to },
        content: Content { head: format!("{HEAD}{number}\r\n\r\n{text}"), original, tail: "\r\n--b--\r\n".into() },
        leaves: Leaves::AtOnce,
    };
    let agents = Address::parse("mail-tech@example.com").expect("an address");
    Decided {
        mailbox: case.mailbox.clone(),
        place: place(n),
        hash: hash(n),
        at: at(n),
        delivered: at(n),
        outcome: Outcome::Opened(number),
        case: Some(case),
        known_as: vec![MessageId::parse(&format!("CAF{}@mail.example", hash(n).short())).expect("an id")],
        twin: Some(twin(n)),
        outgoing: vec![
            mail("answer", Purpose::Answer, requester, None, &"您好，您的来信我们已经收到。".repeat(24)),
            mail("forward", Purpose::Forward, agents, Some(hash(n)), &"案件：退信。规则：主题与正文。".repeat(12)),
        ],
        spent,
        suppressed: Vec::new(),
        orders: Orders::default(),
        manners: Manners::default(),
        why: Why(vec![
            ("kind".into(), "a person".into()),
            ("rule".into(), "deliver.bounce: 退信 in the subject, 550 5.1.1 in the text, 14 points, lead 14".into()),
            ("answer".into(), "bounce.zh".into()),
        ]),
    }
}

const HEAD: &str = "Date: Mon, 23 Nov 2026 09:26:00 +0800\r\nFrom: =?utf-8?B?5a6i5pyN?= <support@bot.example>\r\n\
    MIME-Version: 1.0\r\nAuto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nSubject: =?utf-8?B?UmU6IOmAgOS/oQ==?= ";

/// Opens the store in a process of its own, which has nothing in its memory yet.
fn opened(folder: &Path) -> Duration {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).env(OPEN, folder).output().expect("a process");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = told.lines();
    let micros = lines.next().and_then(|line| line.parse().ok());
    lines.for_each(|line| println!("  {line}"));
    Duration::from_micros(micros.unwrap_or_else(|| panic!("{told}{}", String::from_utf8_lossy(&output.stderr))))
}

fn open_and_tell(folder: &Path) {
    let begun = Instant::now();
    let (store, opened) = Store::open(folder).expect("a store");
    println!("{}", begun.elapsed().as_micros());
    println!("{opened}; peak memory {} MB", peak_kilobytes() >> 10);
    drop(store);
}

fn peak_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Removes every folder in `folder` whose name begins so.
fn remove(folder: &Path, name: &str) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() && entry.file_name().to_string_lossy().starts_with(name) {
            std::fs::remove_dir_all(entry.path()).expect("to be gone");
        }
    }
}

fn sizes(folder: &Path, cases: u64) -> String {
    let octets = |name: &str| -> u64 {
        let entries = std::fs::read_dir(folder).expect("a folder").flatten();
        let of_name = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(name));
        of_name.map(|entry| size(&entry.path())).sum()
    };
    let parts = ["journal", "checkpoint", "state"].map(|name| {
        let octets = octets(name);
        format!("{name} {} MB, {} octets a case", octets >> 20, octets / cases.max(1))
    });
    parts.join("; ")
}

fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size_of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size_of).sum()
}
