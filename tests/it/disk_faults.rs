//! F05 to F10: bits that flip, tails that are torn, a state that is gone or spoilt, a disk that is full, fails or may
//! only be read.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use huixin::case::Case;
use huixin::ids::{CaseNumber, MailHash, MailboxName};
use huixin::mailbox::Place;
use huixin::store::{Archive, Decided, End, Outcome, Record, Store, StoreError, Why, walk};
use huixin::time::Timestamp;

use crate::bot::{Bot, copy};
use crate::crash_points::{KNOWN, books, mail};
use crate::doses::{dose, report};
use crate::sink::Sink;

fn decided(n: u64) -> Record {
    let at = Timestamp::from_second(1_800_000_000 + n as i64).unwrap();
    Record::Decided(Box::new(Decided {
        why: Why(vec![("rule".into(), "x".repeat(n as usize * 37 % 900))]),
        ..Decided::new(
            MailboxName::parse("support").unwrap(),
            Place::Imap { uid_validity: 7, uid: n as u32 },
            MailHash::of(&n.to_be_bytes()),
            Outcome::Quarantined(Some(CaseNumber::from_bits(n))),
            at,
        )
    }))
}

/// A data folder in memory, where syncing costs nothing, with so many records, its journal in files of this size.
fn filled(records: u64, segment: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let (store, _) = Store::open_on(folder.path(), Box::new(Plain), segment).unwrap();
    for n in 0..records {
        store.append(decided(n)).unwrap();
    }
    folder
}

struct Plain;
impl huixin::store::Disk for Plain {}

fn segments(data: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(data.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|ending| ending == "log")).collect();
    files.sort();
    files
}

fn flip(file: &Path, bit: u64) {
    let file = fs::OpenOptions::new().read(true).write(true).open(file).unwrap();
    let mut octet = [0];
    file.read_exact_at(&mut octet, bit / 8).unwrap();
    file.write_all_at(&[octet[0] ^ 1 << (bit % 8)], bit / 8).unwrap();
}

#[test]
fn f05_every_flipped_bit_is_found_before_use() {
    let flips = dose(300, 10_000);
    let folder = filled(300, 60_000);
    let data = folder.path();
    let files = segments(data);
    assert!(files.len() > 2);
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..flips / 2 {
        let file = &files[random.usize(0..files.len())];
        let bit = random.u64(0..file.metadata().unwrap().len() * 8);
        flip(file, bit);
        let read = Store::open(data).and_then(|(store, _)| store.records(|_, _| Ok(())));
        assert!(matches!(read, Err(StoreError::Damaged { .. })), "bit {bit} of {file:?}: {read:?}");
        flip(file, bit);
    }
    let (store, _) = Store::open(data).unwrap();
    store.records(|_, _| Ok(())).unwrap();
    let mails: Vec<_> = (0..20).map(|n| mail(&format!("m{n}"), &"y".repeat(n * 400))).collect();
    let hashes = store.archive().put_all(&mails).unwrap();
    let archive = Archive::beside(data);
    for _ in 0..flips / 2 {
        let n = random.usize(0..mails.len());
        let (file, bit) = (archive.path(&hashes[n]), random.u64(0..mails[n].len() as u64 * 8));
        flip(&file, bit);
        assert!(matches!(archive.get(&hashes[n]), Err(StoreError::Altered(_))), "bit {bit} of {file:?}");
        flip(&file, bit);
        assert_eq!(archive.get(&hashes[n]).unwrap(), mails[n]);
    }
    report("F05", format!("{flips} bits, half in the journal, half in the archive"), "all found, 0 silent");
}

#[test]
fn f06_a_journal_cut_at_any_octet_of_its_end_keeps_every_whole_frame() {
    let folder = filled(200, 1 << 20);
    let data = folder.path();
    let file = segments(data).remove(0);
    let whole = fs::read(&file).unwrap();
    let last = whole.len().saturating_sub(64 * 1024);
    let step = dose(997, 1);
    let (mut cuts, mut longest) = (0, Duration::ZERO);
    for cut in (last..=whole.len()).step_by(step).chain(whole.len() - 20..=whole.len()) {
        fs::remove_file(data.join("journal/synced")).unwrap();
        let _ = fs::remove_dir_all(data.join("state"));
        fs::write(&file, &whole[..cut]).unwrap();
        let mut frames = 0;
        let end = walk(&whole[..cut], 0, Some(0), |_| {
            frames += 1;
            Ok::<(), ()>(())
        })
        .unwrap();
        let begun = Instant::now();
        let (store, opened) = Store::open(data).unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
        longest = longest.max(begun.elapsed());
        assert_eq!(opened.torn.is_some(), end != End::Whole, "cut at {cut}");
        assert_eq!((opened.replayed, store.ledger().unwrap().count()), (frames, frames as usize), "cut at {cut}");
        cuts += 1;
    }
    report(
        "F06",
        format!("{cuts} offsets of the last 64 KB"),
        format!("each opens with its whole frames, {longest:?} at most"),
    );
}

#[test]
fn f07_a_state_that_is_gone_or_spoilt_is_made_anew() {
    let times = dose(3, 50);
    let folder = filled(400, 1 << 20);
    let base = folder.path();
    let known = |store: &Store| -> (Vec<String>, Vec<Case>) {
        let mut ledger: Vec<String> = store.ledger().unwrap().map(|row| format!("{:?}", row.unwrap())).collect();
        ledger.sort();
        (ledger, store.cases().unwrap().map(Result::unwrap).collect())
    };
    let want = known(&Store::open(base).unwrap().0);
    let mut random = fastrand::Rng::with_seed(7);
    type Fault = fn(&Path, &mut fastrand::Rng);
    let faults: [(&str, Fault); 5] = [
        ("deleted", |state, _| fs::remove_dir_all(state).unwrap()),
        ("garbage in its files", |state, random| {
            for entry in fs::read_dir(state).unwrap().map(|entry| entry.unwrap()).filter(|e| e.path().is_file()) {
                let file = fs::OpenOptions::new().write(true).open(entry.path()).unwrap();
                let length = entry.metadata().unwrap().len().max(1);
                for _ in 0..8 {
                    file.write_all_at(&random.u64(..).to_le_bytes().repeat(64), random.u64(0..length)).unwrap();
                }
            }
        }),
        ("its files cut", |state, random| {
            for entry in fs::read_dir(state).unwrap().map(|entry| entry.unwrap()).filter(|e| e.path().is_file()) {
                let file = fs::OpenOptions::new().write(true).open(entry.path()).unwrap();
                file.set_len(random.u64(0..=entry.metadata().unwrap().len())).unwrap();
            }
        }),
        ("a folder in the place of its file", |state, _| {
            fs::remove_file(state.join("db")).unwrap();
            fs::create_dir(state.join("db")).unwrap();
        }),
        ("a file in its place", |state, _| {
            fs::remove_dir_all(state).unwrap();
            fs::write(state, "").unwrap();
        }),
    ];
    for (what, fault) in faults {
        for n in 0..times {
            let data = base.join(format!("{n}"));
            copy(&base.join("journal"), &data.join("journal"));
            copy(&base.join("state"), &data.join("state"));
            fs::copy(base.join("key"), data.join("key")).unwrap();
            fault(&data.join("state"), &mut random);
            let (store, _) = Store::open(&data).unwrap_or_else(|error| panic!("{what}: {error}"));
            let got = known(&store);
            assert!(got == want, "{what}, {n}: {} of {} mails", got.0.len(), want.0.len());
            drop(store);
            fs::remove_dir_all(data).unwrap();
        }
    }
    report("F07", format!("{} kinds × {times}", faults.len()), "made anew each time, 0 lost");
}

#[test]
fn f08_a_full_disk_takes_no_mail_and_resumes_by_itself_when_there_is_room() {
    let times = dose(1, 20);
    let sink = Sink::start();
    let mut bot = Bot::with_sink(sink.port, &[]);
    fs::create_dir(bot.folder().join("data")).unwrap();
    let mount = "mount -t tmpfs -o size=24m none data && exec \"$@\"";
    if !Command::new("unshare").args(["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).status().unwrap().success() {
        report("F08 tmpfs", "none", "this machine lets nobody mount a tmpfs");
        return;
    }
    bot.spawn_under(&["unshare", "-m", "sh", "-c", mount, "sh"]);
    bot.wait_log("event=\"looked\"");
    let mut longest = Duration::ZERO;
    for n in 1..=times {
        let filler = bot.root().join("data/filler");
        let file = fs::File::create(&filler).unwrap();
        let mut octets = 0;
        for size in [1 << 16, 1 << 12, 1] {
            while file.write_all_at(&vec![0; size], octets).is_ok() {
                octets += size as u64;
            }
        }
        let troubles = bot.log().matches("taking no mail for now").count();
        bot.lay(&format!("m{n}"), &mail(&format!("m{n}"), &format!("{KNOWN}\r\n{}", "x".repeat(20_000))));
        bot.wait("trouble", |bot| bot.log().matches("taking no mail for now").count() > troubles);
        assert!(bot.folder().join("in/new").join(format!("m{n}")).exists(), "the mailbox was touched");
        assert_eq!(sink.taken().len(), n - 1);
        drop(file);
        fs::remove_file(&filler).unwrap();
        let begun = Instant::now();
        bot.wait("the answer", |_| sink.taken().len() == n);
        longest = longest.max(begun.elapsed());
    }
    bot.wait("a settled mailbox", |bot| bot.folder().join("in/new").read_dir().unwrap().next().is_none());
    bot.wait("an empty outbox", |bot| bot.inside(&["outbox", "list", "--json"]).is_empty());
    bot.halt();
    let kept = bot.folder().join("books");
    copy(&bot.root().join("data/journal"), &kept.join("journal"));
    fs::copy(bot.root().join("data/key"), kept.join("key")).unwrap();
    bot.kill();
    let books = books(&kept);
    assert_eq!((books.cases.len(), books.sent.len(), sink.taken().len()), (times, times, times));
    assert!(longest < Duration::from_secs(30), "{longest:?}");
    report(
        "F08 full file system",
        format!("{times} times"),
        format!("0 lost, 0 double, resumed within {longest:?} without a restart"),
    );
}

/// System calls that fail, and how: what `strace -e inject` knows.
const FAILURES: [(&str, &str, u32); 8] = [
    ("write,pwrite64", "ENOSPC", 120),
    ("write,pwrite64", "EIO", 120),
    ("fsync,fdatasync", "EIO", 40),
    ("rename", "EIO", 8),
    ("openat", "EIO", 250),
    ("openat", "EMFILE", 250),
    ("read,pread64", "EIO", 300),
    ("ftruncate,mkdir,unlink", "EIO", 15),
];

#[test]
fn f09_whichever_system_call_fails_nothing_is_lost() {
    if Command::new("strace").arg("-V").output().is_err() {
        report("F08, F09 system calls", "none", "strace is not installed");
        return;
    }
    let rounds = dose(1, 250);
    let seed = std::env::var("HUIXIN_SEED").map_or(9, |seed| seed.parse().unwrap());
    let (mut runs, mut ended, mut doubles) = (0, 0, 0);
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..rounds {
        let tries: Vec<(usize, u32)> = (0..FAILURES.len())
            .map(|n| (n, if is_sweep(round, FAILURES[n].2) { round + 1 } else { random.u32(1..=FAILURES[n].2) }))
            .collect();
        for pair in tries.chunks(4) {
            std::thread::scope(|scope| {
                let running: Vec<_> =
                    pair.iter().map(|(n, when)| scope.spawn(|| fails_once(FAILURES[*n], *when))).collect();
                for running in running {
                    let (died, twice) = running.join().unwrap();
                    runs += 1;
                    ended += usize::from(died);
                    doubles += twice;
                }
            });
        }
    }
    let told = format!("0 lost, 0 double cases, {doubles} double mails (in doubt); {ended} times the program ended");
    report("F08, F09 system calls", format!("{runs} runs, seed {seed}"), told);
}

/// The long dose goes through all calls in order, as far as there are so many.
fn is_sweep(round: u32, calls: u32) -> bool {
    dose(false, true) && round < calls
}

/// A run in which one system call fails, and one in which none does. Did the first one end by itself, and how many
/// mails left twice?
fn fails_once((calls, error, _): (&str, &str, u32), when: u32) -> (bool, usize) {
    let sink = Sink::start();
    let mut bot = Bot::with_sink(sink.port, &[]);
    bot.start_and_look();
    assert_eq!(bot.stop(), Some(0));
    for n in 0..3 {
        bot.lay(&format!("m{n}"), &mail(&format!("m{n}"), KNOWN));
    }
    let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:error={error}:when={when}"));
    bot.spawn_under(&["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject]);
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline && sink.copies().len() < 3 && !bot.has_ended() {
        std::thread::sleep(Duration::from_millis(50));
    }
    let ended = bot.has_ended();
    bot.kill();
    // Where nothing was left to do all holds at once; who is told to stop must have begun.
    let before = bot.starts();
    bot.spawn();
    bot.wait(&format!("three answers after {calls} {error} {when}"), |bot| {
        bot.starts() > before
            && sink.copies().len() == 3
            && bot.folder().join("in/new").read_dir().unwrap().next().is_none()
            && bot.command(&["outbox", "list", "--json"]).1.is_empty()
    });
    assert_eq!(bot.stop(), Some(0));
    let books = books(&bot.folder().join("data"));
    assert_eq!(books.cases.len(), 3, "{calls} {error} {when}");
    (ended, sink.taken().len() - 3)
}

#[test]
fn f10_a_folder_that_cannot_be_used_stops_the_start_and_the_mailbox_stays_untouched() {
    /// How the folder is spoilt, how the start is wrapped, a word of the message.
    type Case = (&'static str, &'static str, &'static str);
    let cases: [Case; 9] = [
        ("rm -r data; touch data", "", "data"),
        ("rm data/key", "", "key is missing"),
        ("rm -r data/journal", "", "journal is missing"),
        ("rm -r data/journal; touch data/journal", "", "journal"),
        ("rm -r data/archive; touch data/archive", "", "archive"),
        ("rm data/lock; mkdir data/lock", "", "lock"),
        ("rm data/journal/*.log", "", "damaged"),
        ("true", "mount --bind data data && mount -o remount,ro,bind data", "Read-only file system"),
        ("true", "mount -t tmpfs -o ro none data", "Read-only file system"),
    ];
    let mut tried = 0;
    for (spoil, wrap, word) in cases {
        let sink = Sink::start();
        let mut bot = Bot::with_sink(sink.port, &[]);
        bot.start_and_look();
        assert_eq!(bot.stop(), Some(0));
        let shell =
            |command: &str| Command::new("sh").arg("-c").arg(command).current_dir(bot.folder()).status().unwrap();
        assert!(shell(spoil).success());
        if !wrap.is_empty() && !shell(&format!("unshare -m sh -c '{wrap}'")).success() {
            continue;
        }
        bot.lay("m", &mail("m", KNOWN));
        let before = bot.log().len();
        match wrap {
            "" => bot.spawn(),
            wrap => bot.spawn_under(&["unshare", "-m", "sh", "-c", &format!("{wrap} && exec \"$@\""), "sh"]),
        }
        let code = bot.wait_end();
        let said = bot.log()[before..].to_owned();
        assert!(matches!(code, Some(1..=99)), "{spoil} {wrap}: {code:?}\n{said}");
        assert!(said.contains(word) && !said.contains("panicked"), "{spoil} {wrap}: {said}");
        assert!(bot.folder().join("in/new/m").exists() && sink.taken().is_empty());
        tried += 1;
    }
    report("F10", format!("{tried} ways"), "does not start, says why, mailbox untouched");
}
