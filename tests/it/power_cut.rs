//! F04: the power goes. First over a disk that remembers every write and every sync: after a cut, what was synced is
//! there, and of the rest any blocks, or parts of blocks. Then for real, over a file system on a loop device whose image
//! is copied in full flight: what the kernel had not written by then is lost, sled's files included.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use huixin::ids::MailboxName;
use huixin::mailbox::Place;
use huixin::store::{Disk, Record, Store};
use huixin::time::Timestamp;

use crate::bot::{Bot, copy};
use crate::crash_points::{KNOWN, books, mail};
use crate::doses::{dose, report};
use crate::sink::Sink;

/// What a disk tears a write into.
const BLOCK: u64 = 4096;
const SECTOR: usize = 512;

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
    /// So many records are said to be durable.
    Promise(usize),
}

/// A disk that remembers what was done to it.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<Done>>>);

impl Disk for Diary {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)?;
        let file = file.metadata()?.ino();
        self.0.lock().unwrap().push(Done::Write { file, offset, bytes: bytes.to_vec() });
        Ok(())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let before = self.0.lock().unwrap().len();
        let file = file.metadata()?.ino();
        self.0.lock().unwrap().push(Done::Sync { file, before });
        Ok(())
    }
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
    let names: BTreeMap<u64, String> = fs::read_dir(data.join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.metadata().unwrap().ino(), entry.file_name().into_string().unwrap()))
        .collect();
    let done = diary.0.lock().unwrap();
    let mut torn = 0;
    for _ in 0..cuts {
        let at = random.usize(1..=done.len());
        let after = folder.path().join("after");
        let _ = fs::remove_dir_all(&after);
        copy(&data, &after);
        lose(&done[..at], &names, &after, &mut random);
        for view in fs::read_dir(&after).unwrap().map(|entry| entry.unwrap().path()) {
            let name = view.file_name().unwrap().to_string_lossy().into_owned();
            if view.is_dir() && (name.starts_with("state") || name == "checkpoint") && random.bool() {
                fs::remove_dir_all(view).unwrap();
            }
        }
        let (store, opened) = Store::open(&after).unwrap_or_else(|error| panic!("cut after {at}: {error}"));
        torn += usize::from(opened.torn.is_some());
        let mut kept = Vec::new();
        let keep = |_, record| {
            kept.push(record);
            Ok(())
        };
        store.records(keep).unwrap();
        let promised = done[..at].iter().rev().find_map(|done| match done {
            Done::Promise(records) => Some(*records),
            _ => None,
        });
        assert!(kept.len() >= promised.unwrap_or(0), "cut after {at}: {} of {promised:?}", kept.len());
        assert_eq!(kept, records[..kept.len()], "cut after {at}");
    }
    report(
        "F04 layer",
        format!("{cuts} cuts"),
        format!("0 promised frames lost, {cuts} clean opens, {torn} torn tails"),
    );
}

/// Leaves of the journal what a power cut may leave: what was synced, and any parts of the rest.
fn lose(done: &[Done], names: &BTreeMap<u64, String>, data: &Path, random: &mut fastrand::Rng) {
    let mut synced: BTreeMap<u64, usize> = BTreeMap::new();
    for done in done {
        if let Done::Sync { file, before } = done {
            synced.insert(*file, *before);
        }
    }
    let mut files: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    let mut marks = vec![0];
    let mut ends: BTreeMap<u64, u64> = BTreeMap::new();
    for (n, done) in done.iter().enumerate() {
        match done {
            Done::Write { file, offset, bytes } => {
                let start = u64::from_str_radix(names[file].split('.').next().unwrap(), 16).unwrap();
                ends.insert(*file, start + offset + bytes.len() as u64);
                let content = files.entry(*file).or_default();
                let is_safe = synced.get(file).is_some_and(|before| n < *before);
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
            Done::Promise(_) => {}
        }
    }
    let journal = data.join("journal");
    for (file, name) in names.iter().filter(|(_, name)| name.ends_with(".log")) {
        match files.get(file) {
            Some(content) => fs::write(journal.join(name), content).unwrap(),
            None => fs::remove_file(journal.join(name)).unwrap(),
        }
    }
    if files.is_empty() {
        fs::write(journal.join("0000000000000000.log"), "").unwrap();
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
