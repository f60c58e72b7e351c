//! F04: the power goes. First over a disk that remembers every write and every sync: after a cut, what was synced is
//! there, and of the rest any blocks, or parts of blocks; while the journal grows, and while a compaction makes it
//! thinner. Then for real, over a file system on a loop device whose image
//! is copied in full flight: what the kernel had not written by then is lost, sled's files included.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use huixin::config::Keep;
use huixin::ids::{MailHash, MailboxName};
use huixin::mailbox::Place;
use huixin::store::{Decided, Disk, Outcome, Record, Store};
use huixin::time::Timestamp;

use crate::bot::{Bot, copy};
use crate::crash_points::{KNOWN, books, mail};
use crate::doses::{dose, report};
use crate::sink::Sink;

/// What a disk tears a write into.
const BLOCK: u64 = 4096;
const SECTOR: usize = 512;

/// What was done to a journal, whose files are named by where they begin.
enum Done {
    Write {
        file: u64,
        offset: u64,
        bytes: Vec<u8>,
    },
    /// Everything in the file that was written before this many things were done.
    Sync {
        file: u64,
        before: usize,
    },
    /// These octets are in the place of the file since a moment ago.
    Thinner {
        file: u64,
        bytes: Vec<u8>,
    },
    /// So many records are said to be durable.
    Promise(usize),
}

/// A disk that remembers what was done to it.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<Done>>>);

impl Disk for Diary {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)?;
        let path = path_of(file);
        self.look_around(&path);
        self.push(Done::Write { file: start_of(&path).unwrap(), offset, bytes: bytes.to_vec() });
        Ok(())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let before = self.0.lock().unwrap().len();
        let path = path_of(file);
        self.look_around(&path);
        self.push(Done::Sync { file: start_of(&path).unwrap(), before });
        Ok(())
    }
}

impl Diary {
    fn push(&self, done: Done) {
        self.0.lock().unwrap().push(done);
    }

    /// Has a compaction put another file in the place of one since the last time?
    fn look_around(&self, path: &Path) {
        for (file, path) in segments(path.parent().unwrap()) {
            let bytes = fs::read(path).unwrap();
            let mut done = self.0.lock().unwrap();
            let known = |done: &Done| matches!(done, Done::Thinner { file: of, .. } if *of == file);
            if bytes.starts_with(b"hxs2") && !done.iter().any(known) {
                done.push(Done::Thinner { file, bytes });
            }
        }
    }
}

fn path_of(file: &File) -> PathBuf {
    fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap()
}

fn start_of(path: &Path) -> Option<u64> {
    u64::from_str_radix(path.file_name()?.to_str()?.strip_suffix(".log")?, 16).ok()
}

/// The files of a journal in order.
fn segments(journal: &Path) -> BTreeMap<u64, PathBuf> {
    let files = fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().path());
    files.filter_map(|path| Some((start_of(&path)?, path))).collect()
}

fn record(n: usize, random: &mut fastrand::Rng) -> Record {
    let file = format!("{n}.{}", "x".repeat(random.usize(0..6_000)));
    let mailbox = MailboxName::parse("support").unwrap();
    Record::Vanished { mailbox, place: Place::Maildir { file }, at: Timestamp::from_second(n as i64).unwrap() }
}

#[test]
fn f04_every_legal_remainder_of_unsynced_writes_keeps_what_was_promised() {
    let cuts = dose(100, 3_000);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let diary = Diary::default();
    let mut random = fastrand::Rng::with_seed(4);
    let mut records = Vec::new();
    let (store, _) = Store::open_on(&data, Box::new(diary.clone()), 100_000).unwrap();
    for n in 0..200 {
        records.push(record(n, &mut random));
        store.append(records[n].clone()).unwrap();
        if random.u8(0..6) == 0 {
            store.sync().unwrap();
            diary.0.lock().unwrap().push(Done::Promise(n + 1));
        }
        // A checkpoint syncs what it is made of, so it promises it too. After a cut that came before, it is ahead of
        // the journal.
        if n % 60 == 59 {
            store.checkpoint().unwrap();
            diary.0.lock().unwrap().push(Done::Promise(n + 1));
        }
    }
    drop(store);
    let done = diary.0.lock().unwrap();
    let mut torn = 0;
    for _ in 0..cuts {
        let at = random.usize(1..=done.len());
        let after = cut(&data, &done[..at], &mut random);
        let (store, opened) = Store::open(&after).unwrap_or_else(|error| panic!("cut after {at}: {error}"));
        torn += usize::from(opened.torn.is_some());
        let kept = kept(&store);
        let promised = promised(&done[..at]);
        assert!(kept.len() >= promised, "cut after {at}: {} of {promised}", kept.len());
        assert_eq!(kept, records[..kept.len()], "cut after {at}");
    }
    report(
        "F04 layer",
        format!("{cuts} cuts"),
        format!("0 promised frames lost, {cuts} clean opens, {torn} torn tails"),
    );
}

/// A mail is taken, and then decided; of what is old a compaction leaves the decision alone.
fn taken_and_decided(n: usize, random: &mut fastrand::Rng) -> [Record; 2] {
    let place = Place::Maildir { file: format!("{n}.{}", "x".repeat(random.usize(0..1_500))) };
    let (mailbox, hash) = (MailboxName::parse("support").unwrap(), MailHash::of(&n.to_be_bytes()));
    let at = Timestamp::from_second(n as i64).unwrap();
    let decided = Decided::new(mailbox.clone(), place.clone(), hash, Outcome::Own(None), at);
    [Record::Taken { mailbox, place, hash, attempt: 1, at }, Record::Decided(Box::new(decided))]
}

#[test]
fn f04_every_legal_remainder_of_a_compaction_keeps_what_was_promised() {
    let cuts = dose(100, 3_000);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let diary = Diary::default();
    let mut random = fastrand::Rng::with_seed(5);
    let mut records = Vec::new();
    let (store, _) = Store::open_on(&data, Box::new(diary.clone()), 20_000).unwrap();
    let mut write = |records: &mut Vec<Record>| {
        for record in taken_and_decided(records.len() / 2, &mut random) {
            store.append(record.clone()).unwrap();
            records.push(record);
        }
        if random.u8(0..4) == 0 {
            // What the compaction writes down meanwhile is durable as well, and more than is said here.
            store.sync().unwrap();
            diary.push(Done::Promise(records.len()));
        }
    };
    (0..150).for_each(|_| write(&mut records));
    let begun = diary.0.lock().unwrap().len();
    let compaction = std::thread::spawn({
        let store = store.clone();
        let keep = Keep { letter_days: 1, ..Keep::for_ever() };
        move || store.compact(&keep, Timestamp::from_second(40 * 24 * 3600).unwrap()).unwrap()
    });
    while !compaction.is_finished() {
        write(&mut records);
    }
    let thinner = compaction.join().unwrap().segments as usize;
    (0..30).for_each(|_| write(&mut records));
    drop(store);
    assert!(thinner > 5, "{thinner}");

    let done = diary.0.lock().unwrap();
    let (mut torn, mut thin, mut half) = (0, 0, 0);
    for _ in 0..cuts {
        let at = random.usize(begun..=done.len());
        let after = cut(&data, &done[..at], &mut random);
        let is_thin = |path: &PathBuf| fs::read(path).unwrap().starts_with(b"hxs2");
        let now_thin = segments(&after.join("journal")).values().filter(|path| is_thin(path)).count();
        (thin, half) = (thin + usize::from(now_thin == thinner), half + usize::from((1..thinner).contains(&now_thin)));
        let (store, opened) = Store::open(&after).unwrap_or_else(|error| panic!("cut after {at}: {error}"));
        torn += usize::from(opened.torn.is_some());
        assert!(!after.join("journal/thin.tmp").exists());
        let mut kept = kept(&store);
        kept.retain(|record| !matches!(record, Record::Compacted { .. }));
        // What stays is in order, and only what led to a decision is not there.
        let mut left = kept.iter().peekable();
        let mut reached = 0;
        for (n, record) in records.iter().enumerate() {
            if left.next_if(|kept| *kept == record).is_some() {
                reached = n + 1;
            } else {
                let led_on = matches!(record, Record::Taken { .. }) && now_thin > 0;
                assert!(led_on || left.peek().is_none(), "cut after {at}: record {n} is gone");
            }
        }
        assert_eq!(left.next(), None, "cut after {at}");
        let promised = promised(&done[..at]);
        assert!(reached >= promised, "cut after {at}: {reached} of {promised}");
        for record in &records[..promised] {
            if let Record::Decided(decided) = record {
                assert!(store.taken(&decided.hash).unwrap().is_some(), "cut after {at}");
            }
        }
    }
    assert!(thin > 0 && half > 0, "{thin} {half}");
    report(
        "F04 compaction",
        format!("{cuts} cuts, {half} with some of {thinner} segments thinner, {thin} with all"),
        format!("0 promised frames lost, {cuts} clean opens, {torn} torn tails"),
    );
}

/// A copy of a data folder as a power cut after this much may leave it.
fn cut(data: &Path, done: &[Done], random: &mut fastrand::Rng) -> PathBuf {
    let after = data.with_file_name("after");
    let _ = fs::remove_dir_all(&after);
    copy(data, &after);
    lose(done, &after, random);
    lose_views(&after, random);
    after
}

fn kept(store: &Store) -> Vec<Record> {
    let mut kept = Vec::new();
    let keep = |_, record| {
        kept.push(record);
        Ok(())
    };
    store.records(keep).unwrap();
    kept
}

/// How many records were said to be durable.
fn promised(done: &[Done]) -> usize {
    let last = done.iter().rev().find_map(|done| match done {
        Done::Promise(records) => Some(*records),
        _ => None,
    });
    last.unwrap_or(0)
}

/// The views go with the power, or are those of another time.
fn lose_views(data: &Path, random: &mut fastrand::Rng) {
    for view in fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path()) {
        let name = view.file_name().unwrap().to_string_lossy().into_owned();
        if view.is_dir() && (name.starts_with("state") || name == "checkpoint") && random.bool() {
            fs::remove_dir_all(view).unwrap();
        }
    }
}

/// Leaves of the journal what a power cut may leave: what was synced, and any parts of the rest. Of the files that a
/// compaction has put in the place of others, only the last may not be there yet; the next may be there in part, beside.
fn lose(done: &[Done], data: &Path, random: &mut fastrand::Rng) {
    let mut synced: BTreeMap<u64, usize> = BTreeMap::new();
    for done in done {
        if let Done::Sync { file, before } = done {
            synced.insert(*file, *before);
        }
    }
    let mut files: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    let mut marks = vec![0];
    let mut ends: BTreeMap<u64, u64> = BTreeMap::new();
    let mut all_safe = true;
    for (n, done) in done.iter().enumerate() {
        match done {
            Done::Write { file, offset, bytes } => {
                ends.insert(*file, file + offset + bytes.len() as u64);
                let content = files.entry(*file).or_default();
                let is_safe = synced.get(file).is_some_and(|before| n < *before);
                all_safe = is_safe;
                for (offset, piece) in pieces(*offset, bytes) {
                    let length = match (is_safe, random.u8(0..4)) {
                        (true, _) | (_, 0 | 1) => piece.len(),
                        (_, 2) => random.usize(0..=piece.len() / SECTOR) * SECTOR,
                        _ => 0,
                    };
                    let end = offset as usize + length;
                    if length > 0 {
                        content.resize(content.len().max(end), 0);
                        content[offset as usize..end].copy_from_slice(&piece[..length]);
                    }
                }
            }
            Done::Sync { file, .. } => marks.extend(ends.get(file)),
            Done::Thinner { .. } | Done::Promise(_) => {}
        }
    }
    let mut thinner: Vec<(u64, &Vec<u8>)> = done
        .iter()
        .filter_map(|done| match done {
            Done::Thinner { file, bytes } => Some((*file, bytes)),
            _ => None,
        })
        .collect();
    let journal = data.join("journal");
    if let Some((_, bytes)) = thinner.last().copied()
        && random.bool()
    {
        thinner.pop();
        fs::write(journal.join("thin.tmp"), &bytes[..random.usize(0..=bytes.len())]).unwrap();
    }
    files.extend(thinner.into_iter().map(|(file, bytes)| (file, bytes.clone())));
    // A new file is made when the one before it is on disk, and before that is made thinner.
    if all_safe {
        files.entry(ends.values().max().copied().unwrap_or(0)).or_default();
    }
    for (file, path) in segments(&journal) {
        match files.get(&file) {
            Some(content) => fs::write(path, content).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
    }
    // The mark is never synced: it is any of those that were written.
    let mark: u64 = marks[random.usize(0..marks.len())];
    let checksum = crc32fast::hash(&mark.to_be_bytes());
    fs::write(journal.join("synced"), [&mark.to_be_bytes()[..], &checksum.to_be_bytes()[..]].concat()).unwrap();
}

/// A write in the pieces in which the kernel gives it to the disk.
fn pieces(mut offset: u64, mut bytes: &[u8]) -> Vec<(u64, &[u8])> {
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        let length = bytes.len().min((BLOCK - offset % BLOCK) as usize);
        pieces.push((offset, &bytes[..length]));
        offset += length as u64;
        bytes = &bytes[length..];
    }
    pieces
}

/// Mounts the image where the bot has its data, for the bot alone, and becomes the bot.
const ON_IMAGE: [&str; 6] = ["unshare", "-m", "sh", "-c", "mount -o loop,commit=300 image data && exec \"$@\"", "sh"];

#[test]
fn f04_a_power_cut_under_a_real_file_system() {
    let cuts = dose(5, 100);
    let sink = Sink::start();
    let mut bot = Bot::with_sink(sink.port, &[]);
    let folder = bot.folder().to_owned();
    fs::create_dir(folder.join("data")).unwrap();
    File::create(folder.join("image")).unwrap().set_len(64 << 20).unwrap();
    let shell = |command: &str| Command::new("sh").arg("-c").arg(command).current_dir(&folder).status().unwrap();
    assert!(shell("mkfs.ext4 -q -F image").success(), "install the Debian package e2fsprogs");
    if !shell("unshare -m mount -o loop image data 2>/dev/null").success() {
        report("F04 loop device", "none", "this machine lets nobody mount an image");
        return;
    }
    bot.spawn_under(&ON_IMAGE);
    bot.wait_log("event=\"looked\"");
    let mut random = fastrand::Rng::with_seed(44);
    let mut mails = 0;
    for _ in 0..cuts {
        for _ in 0..5 {
            bot.lay(&format!("m{mails}"), &mail(&format!("m{mails}"), KNOWN));
            mails += 1;
        }
        std::thread::sleep(Duration::from_millis(random.u64(100..1_500)));
        bot.halt();
        fs::copy(folder.join("image"), folder.join("cut")).unwrap();
        bot.kill();
        fs::rename(folder.join("cut"), folder.join("image")).unwrap();
        bot.spawn_under(&ON_IMAGE);
        let starts = bot.log().matches("playbook checked").count();
        bot.wait("a clean open", |bot| {
            assert!(!bot.has_ended(), "{}", bot.log());
            bot.log().matches("playbook checked").count() > starts
        });
    }
    bot.wait("all answers", |_| sink.copies().len() == mails);
    bot.wait("an empty outbox", |bot| bot.inside(&["outbox", "list", "--json"]).is_empty());
    bot.halt();
    copy(&bot.root().join("data/journal"), &folder.join("books/journal"));
    fs::copy(bot.root().join("data/key"), folder.join("books/key")).unwrap();
    bot.kill();
    let books = books(&folder.join("books"));
    assert_eq!(books.cases.len(), mails);
    let copies = sink.copies();
    assert!(
        copies
            .iter()
            .filter(|(_, times)| **times > 1)
            .all(|(id, _)| books.in_doubt.contains(id.trim_matches(['<', '>'])))
    );
    let doubles = sink.taken().len() - copies.len();
    let told =
        format!("{cuts} clean opens, 0 lost, 0 double cases, {doubles} double mails, each in doubt and the same");
    report("F04 loop device", format!("{cuts} cuts, {mails} mails"), told);
}
