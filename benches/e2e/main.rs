//! The whole way, measured: a backlog through real Dovecot and Postfix, what the servers reach by themselves in the
//! same run, the latency of a single mail, and what the bot uses while nothing happens.
//!
//! `make bench-e2e` measures the release binary. `MAILS=1000` makes the backlog smaller, `SEED=7` another one,
//! `PARTS=sink,idle` runs some parts only: `sink` (the relay is an SMTP server without a disk), `postfix` (the relay is
//! Postfix, which delivers meanwhile), `latency`, `idle`. With `TLS=1` the bot speaks TLS with both servers; the
//! limits are always those without it. It ends with 1 if a figure is past its bar.

#[path = "../../tests/it/bot.rs"]
#[allow(dead_code)] // the tests use more of it
mod bot;
mod limits;
mod mails;
mod process;
#[path = "../../tests/it/rig/mod.rs"]
#[allow(dead_code)] // as above
mod rig;
mod sink;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bot::Bot;
use jiff::Timestamp;
use mails::Mails;
use process::Process;
use rig::{PASSWORD, Rig};
use sink::{Sink, Taken};

/// Connections to the relay: the bot's default, and as many for the limit of Postfix.
const CONNECTIONS: usize = 4;
/// Mails a second, and for how long, of the part `latency`.
const PACE: Duration = Duration::from_millis(200);
const LATENCY_SECONDS: u64 = 60;
/// How long nothing must leave for the backlog to be done.
const QUIET: Duration = Duration::from_secs(2);
/// How long an idle bot is watched.
const IDLE: Duration = Duration::from_secs(10);
/// Longer, and something is broken.
const LONGEST: Duration = Duration::from_secs(900);

fn main() -> ExitCode {
    let mails = setting("MAILS", 10_000);
    let parts = std::env::var("PARTS").unwrap_or_else(|_| "sink,postfix,latency,idle".into());
    let wanted = |part: &str| parts.split(',').any(|name| name.trim() == part);
    let maker = Mails::new(Path::new(env!("CARGO_MANIFEST_DIR")), setting("SEED", 1) as u64);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("{mails} mails; load before: {}", load.trim());

    let mut table = Table::default();
    let mut sent = Vec::new();
    if wanted("sink") {
        sent = into_sink(&maker, mails, &mut table);
    }
    if wanted("postfix") {
        into_postfix(&maker, mails, sent, &mut table);
    }
    if wanted("latency") {
        latency(&maker, &mut table);
    }
    if wanted("idle") {
        idle(&mut table);
    }
    println!("{} past their bars", table.past);
    ExitCode::from(u8::from(table.past > 0))
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Prints figures as they come, each beside its bar.
#[derive(Default)]
struct Table {
    past: usize,
}

impl Table {
    fn part(&self, name: &str) {
        println!("\n{name}");
    }

    fn figure(&self, name: &str, value: f64, unit: &str) {
        println!("  {name:58}{value:>12.2} {unit}");
    }

    fn at_least(&mut self, name: &str, value: f64, bar: f64, unit: &str) {
        self.barred(name, value, value < bar, &format!("{unit}, at least {bar}"));
    }

    fn at_most(&mut self, name: &str, value: f64, bar: f64, unit: &str) {
        self.barred(name, value, value > bar, &format!("{unit}, at most {bar}"));
    }

    fn barred(&mut self, name: &str, value: f64, past: bool, bar: &str) {
        self.past += usize::from(past);
        println!("  {name:58}{value:>12.2} {bar}{}", if past { ": PAST" } else { "" });
    }
}

/// The bot against a relay that costs nothing. Gives mails as they left, for the limit of Postfix.
fn into_sink(maker: &Mails, mails: usize, table: &mut Table) -> Vec<Taken> {
    table.part("into an SMTP server without a disk");
    let rig = Rig::start();
    let sink = Sink::start(2_000);
    let mut bot = configure(&rig, Some(sink.port));
    let drained = drain(&rig, &mut bot, maker, mails, table);
    let book = sink.book.lock().expect("the book");
    assert_eq!(book.accepted.len(), drained.sent, "the log and the relay tell the same");
    table.at_least("mails sent", drained.rate(), 2_000.0, "/s");
    drained.tell(table, mails);
    book.kept.clone()
}

/// The bot against Postfix, beside what Postfix accepts without it.
fn into_postfix(maker: &Mails, mails: usize, sent: Vec<Taken>, table: &mut Table) {
    table.part("into Postfix");
    let rig = Rig::start();
    let sent = match sent.is_empty() {
        true => (0..2_000).map(|n| taken(maker.mail(n))).collect(),
        false => sent,
    };
    let before = alone(&rig, &sent);
    table.figure("Postfix alone, before", before, "/s");
    let mut bot = configure(&rig, None);
    let drained = drain(&rig, &mut bot, maker, mails, table);
    settle(&rig);
    let after = alone(&rig, &sent);
    table.figure("Postfix alone, after", after, "/s");
    table.figure("mails sent", drained.rate(), "/s");
    table.at_least("of what Postfix alone accepts", drained.rate() / ((before + after) / 2.0), 0.8, "");
    drained.tell(table, mails);
}

fn taken(bytes: Vec<u8>) -> Taken {
    Taken { from: "support@example.com".into(), to: "agent@example.com".into(), bytes }
}

/// What Postfix accepts a second; returns when it has delivered.
fn alone(rig: &Rig, sent: &[Taken]) -> f64 {
    let rate = limits::submit(rig.smtp_port, sent, CONNECTIONS);
    settle(rig);
    rate
}

/// Waits until Postfix delivers nothing more.
fn settle(rig: &Rig) {
    let count = || -> usize {
        let folders = ["world", "agent", "postmaster", "customer"].map(|user| rig.maildir(user).join("new"));
        folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).map(Iterator::count).sum()
    };
    let mut last = usize::MAX;
    while last != count() {
        last = count();
        std::thread::sleep(Duration::from_millis(700));
    }
}

/// A bot for this rig whose relay listens on `port`, or is the rig's Postfix.
fn configure(rig: &Rig, port: Option<u16>) -> Bot {
    let tls = std::env::var("TLS").is_ok_and(|value| value == "1");
    let smtp = format!(
        "port = {}\nca_file = \"ca.pem\"\nuser = \"support\"\nauth = \"plain\"\npassword_file = \"secret\"\nhello",
        rig.submission_port
    );
    let plain_smtp = format!("port = {}\ntls = \"plain\"\nhello", port.unwrap_or(rig.smtp_port));
    let imap = format!("port = {}\nca_file = \"ca.pem\"", rig.imaps_port);
    let plain_imap = format!("port = {}\ntls = \"plain\"", rig.imap_port);
    // The budgets of a test's bot let a hundred thousand mails through.
    let mut changes: Vec<(&str, &str)> = Vec::new();
    if !tls || port.is_some() {
        changes.push((&smtp, &plain_smtp));
    }
    if !tls {
        changes.push((&imap, &plain_imap));
    }
    Bot::configure(rig, &changes)
}

/// What became of a backlog.
struct Drained {
    sent: usize,
    /// From the moment the bot ran to the last mail accepted.
    took: Duration,
    cpu: Duration,
    peak: f64,
    after: f64,
    fdatasyncs: f64,
}

impl Drained {
    fn rate(&self) -> f64 {
        self.sent as f64 / self.took.as_secs_f64()
    }

    fn tell(&self, table: &mut Table, mails: usize) {
        table.figure("mails taken", mails as f64 / self.took.as_secs_f64(), "/s");
        table.figure("mails sent for each taken", self.sent as f64 / mails as f64, "");
        table.at_most("CPU for each mail taken", self.cpu.as_secs_f64() * 1e3 / mails as f64, 1.0, "ms");
        table.at_most("most memory", self.peak, 96.0, "MB");
        table.figure("memory when all is done", self.after, "MB");
        table.figure("fdatasyncs of the journal for each mail taken", self.fdatasyncs / mails as f64, "");
    }
}

/// Lays a backlog, starts the bot and waits until everything has left.
fn drain(rig: &Rig, bot: &mut Bot, maker: &Mails, mails: usize, table: &mut Table) -> Drained {
    // The first look is at an empty mailbox: what lies there before it is never answered.
    bot.start_and_look();
    bot.stop();
    (0..mails).for_each(|n| rig.lay("support", &maker.mail(n)));
    table.figure("Dovecot: UID FETCH of all mails", limits::fetch(rig, mails), "/s");
    for shared in [1, 128] {
        let rate = limits::appends(bot.folder(), shared);
        table.figure(&format!("disk: appends of 4 KB, {shared} for each fdatasync"), rate, "/s");
    }

    let mut log = Tail::at_end(bot.folder());
    bot.spawn();
    let begun = Instant::now();
    while log.running.is_none() {
        assert!(begun.elapsed() < LONGEST, "the bot does not start:\n{}", bot.log());
        std::thread::sleep(Duration::from_millis(5));
        log.read();
    }
    let process = process(bot);
    let cpu = process.cpu();
    let (mut seen, mut since) = (0, Instant::now());
    while log.received < mails || since.elapsed() < QUIET {
        assert!(begun.elapsed() < LONGEST, "{} of {mails} taken, {} sent", log.received, log.sent);
        std::thread::sleep(Duration::from_millis(100));
        log.read();
        if log.sent + log.received != seen {
            (seen, since) = (log.sent + log.received, Instant::now());
        }
    }
    assert_eq!(log.other, Vec::<String>::new(), "something went wrong on the way");
    let (from, to) = (log.running.expect("a start"), log.last_sent.expect("a mail sent"));
    let used = process.cpu() - cpu;
    let (peak, after) = (process.peak_memory(), process.memory());
    assert_eq!(bot.stop(), Some(0));
    log.read();
    Drained {
        sent: log.sent,
        took: Duration::try_from(to.duration_since(from)).expect("time goes on"),
        cpu: used,
        peak,
        after,
        fdatasyncs: log.fdatasyncs.unwrap_or(f64::NAN),
    }
}

/// The process of a running bot, which writes its id into the lock of its data.
fn process(bot: &Bot) -> Process {
    let lock = std::fs::read_to_string(bot.folder().join("data/lock")).expect("a lock");
    Process(lock.trim().parse().expect("the id of a process"))
}

/// The log of a bot, read on as it grows.
struct Tail {
    file: BufReader<File>,
    line: String,
    running: Option<Timestamp>,
    last_sent: Option<Timestamp>,
    received: usize,
    sent: usize,
    fdatasyncs: Option<f64>,
    /// What has no place in a run in which nothing goes wrong.
    other: Vec<String>,
}

impl Tail {
    fn at_end(folder: &Path) -> Tail {
        let mut file = BufReader::new(File::open(folder.join("log")).expect("a log"));
        let _ = std::io::copy(&mut file, &mut std::io::sink());
        Tail {
            file,
            line: String::new(),
            running: None,
            last_sent: None,
            received: 0,
            sent: 0,
            fdatasyncs: None,
            other: Vec::new(),
        }
    }

    fn read(&mut self) {
        while self.file.read_line(&mut self.line).is_ok_and(|octets| octets > 0) {
            if !self.line.ends_with('\n') {
                return;
            }
            let line = std::mem::take(&mut self.line);
            let at = || line.split_whitespace().next().and_then(|at| at.parse().ok());
            let event = line.split_once("event=\"").and_then(|(_, rest)| Some(rest.split_once('"')?.0));
            match event {
                Some("received") => self.received += 1,
                Some("answered" | "forwarded" | "noticed") => {
                    self.sent += 1;
                    self.last_sent = at();
                }
                Some("deferred" | "failed" | "quarantined" | "vanished") => self.other.push(line.clone()),
                _ if line.contains("huixin is running") => self.running = at(),
                _ if line.contains(" WARN ") || line.contains("ERROR") => self.other.push(line.clone()),
                _ => {}
            }
            if let Some((_, rest)) = line.split_once("fdatasyncs=") {
                self.fdatasyncs = rest.split_whitespace().next().and_then(|count| count.parse().ok());
            }
        }
    }
}

/// Mail by mail, while the bot waits in IDLE: from the moment Dovecot shows a mail to the moment the relay has taken
/// its answer. Dovecot gathers news for up to half a second before it tells an idling session (`NOTIFY_DELAY_MSECS`), so
/// what a mail waits between its delivery and that moment is told apart; when it tells is seen by a session of ours.
fn latency(maker: &Mails, table: &mut Table) {
    table.part("mail by mail, five a second");
    let rig = Rig::start();
    let sink = Sink::start(0);
    let mut bot = configure(&rig, Some(sink.port));
    bot.start_and_look();
    let shown = watch(&rig);
    // Both sessions idle by now.
    std::thread::sleep(Duration::from_secs(1));
    let mails = LATENCY_SECONDS as usize * 5;
    let mut laid = Vec::new();
    let mut random = fastrand::Rng::with_seed(7);
    for n in 0..mails {
        let mail = maker.mail(n);
        std::thread::sleep(PACE.mul_f64(0.5 + random.f64()));
        laid.push(SystemTime::now());
        rig.lay("support", &mail);
    }
    let mut log = Tail::at_end(bot.folder());
    std::thread::sleep(QUIET);
    log.read();
    let book = sink.book.lock().expect("the book");
    let mut accepted: HashMap<&str, SystemTime> = HashMap::new();
    for (to, at) in &book.accepted {
        accepted.entry(to).or_insert(*at);
    }
    let shown = shown.lock().expect("the times");
    let (mut of_shown, mut of_laid) = (Vec::new(), Vec::new());
    for (n, laid) in laid.iter().enumerate() {
        let answer = accepted.get(format!("c{n}@example.org").as_str());
        let seen = shown.iter().find(|(there, _)| *there > n);
        if let (Some(answer), Some((_, seen))) = (answer, seen) {
            // The bot may have seen it a moment before, in the answer to another command.
            of_shown.push(answer.duration_since(*seen).unwrap_or_default());
            of_laid.push(answer.duration_since(*laid).unwrap_or_default());
        }
    }
    table.figure("answers", of_shown.len() as f64, "");
    table.at_most("shown by Dovecot to accepted by the relay, p50", percentile(&mut of_shown, 50), 30.0, "ms");
    table.at_most("the same, p99", percentile(&mut of_shown, 99), 250.0, "ms");
    table.figure("laid into the Maildir to accepted by the relay, p50", percentile(&mut of_laid, 50), "ms");
    table.figure("the same, p99", percentile(&mut of_laid, 99), "ms");
    assert_eq!(bot.stop(), Some(0));
    log.read();
    table.figure("fdatasyncs of the journal for each mail", log.fdatasyncs.unwrap_or(f64::NAN) / mails as f64, "");
}

fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort();
    let at = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

/// How many mails an idling session is told of, and when.
fn watch(rig: &Rig) -> Arc<Mutex<Vec<(usize, SystemTime)>>> {
    let stream = TcpStream::connect(("127.0.0.1", rig.imap_port)).expect("Dovecot");
    let times = Arc::<Mutex<Vec<(usize, SystemTime)>>>::default();
    let shared = times.clone();
    std::thread::spawn(move || {
        let mut imap = BufReader::new(stream);
        let login = format!("a LOGIN support {{{}+}}\r\n{PASSWORD}\r\na SELECT INBOX\r\na IDLE\r\n", PASSWORD.len());
        imap.get_mut().write_all(login.as_bytes()).expect("Dovecot");
        // Lines until the rig is gone.
        for line in imap.lines().map_while(Result::ok) {
            let exists = line.strip_prefix("* ").and_then(|rest| rest.strip_suffix(" EXISTS"));
            if let Some(exists) = exists.and_then(|count| count.parse().ok()) {
                shared.lock().expect("the times").push((exists, SystemTime::now()));
            }
        }
    });
    times
}

/// What the bot uses while there is nothing to do.
fn idle(table: &mut Table) {
    table.part("idle");
    let rig = Rig::start();
    let mut bot = configure(&rig, None);
    bot.start_and_look();
    let process = process(&bot);
    std::thread::sleep(Duration::from_secs(3));
    let (before, cpu) = (process.waits(), process.cpu());
    std::thread::sleep(IDLE);
    let (after, cpu) = (process.waits(), process.cpu() - cpu);
    table.at_most("memory", process.memory(), 25.0, "MB");
    table.figure("CPU", cpu.as_secs_f64() * 1e3 / IDLE.as_secs_f64(), "ms/s");
    let sum = |waits: &[(String, u64)]| waits.iter().map(|(_, count)| count).sum::<u64>() as f64;
    table.figure("wake-ups", (sum(&after) - sum(&before)) / IDLE.as_secs_f64(), "/s");
    let mut names: Vec<&String> = after.iter().map(|(name, _)| name).collect();
    names.dedup();
    for name in names {
        let of = |waits: &[(String, u64)]| waits.iter().filter(|(n, _)| n == name).map(|(_, c)| *c as f64).sum::<f64>();
        let woken = of(&after) - of(&before);
        if woken > 0.0 {
            table.figure(&format!("  of these, threads named {name}"), woken / IDLE.as_secs_f64(), "/s");
        }
    }
    assert_eq!(bot.stop(), Some(0));
}
