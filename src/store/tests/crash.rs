//! Whatever a crash leaves of journal and state, the store says the same afterwards as before.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// Copies a folder while the store that uses it may still be open: what a crash would leave.
pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

fn segment(dir: &Path) -> PathBuf {
    dir.join("journal/0000000000000000.log")
}

/// Writes `records` and closes the store in order; returns what the state then knows.
fn written(dir: &Path, records: Vec<Record>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (store, _) = open(dir);
    for record in records {
        store.append(record).unwrap();
    }
    everything(&store)
}

/// Before `synced` was written: the crash came first.
fn forget_synced(dir: &Path) {
    let _ = std::fs::remove_file(dir.join("journal/synced"));
}

#[test]
fn a_state_that_is_gone_old_or_of_another_history_is_made_good_from_the_journal() {
    let dir = folder();
    let (base, old) = (dir.path().join("base"), dir.path().join("old"));
    written(&base, samples()[..3].to_vec());
    copy(&base.join("state"), &old);
    let want = written(&base, samples()[3..].to_vec());
    let lose = |dir: &Path| std::fs::remove_dir_all(dir.join("state")).unwrap();

    type Fault<'a> = Box<dyn Fn(&Path) + 'a>;
    let faults: [(&str, Fault<'_>, bool, u64); 8] = [
        ("nothing", Box::new(|_| {}), false, 0),
        ("gone", Box::new(lose), false, 11),
        (
            "an old copy put back",
            Box::new(|dir| {
                lose(dir);
                copy(&old, &dir.join("state"));
            }),
            false,
            8,
        ),
        (
            "of another history",
            Box::new(|dir| {
                lose(dir);
                let other = dir.with_extension("other");
                written(&other, (1..40).map(opens).collect());
                copy(&other.join("state"), &dir.join("state"));
            }),
            true,
            11,
        ),
        (
            "of a history as long, with another end",
            Box::new(|dir| {
                lose(dir);
                let other = dir.with_extension("other");
                let mut records = samples();
                records[7] =
                    Record::Sent { message_id: id("a1@bot.example"), at: at(11), response: "250 2.0.0 oK".into() };
                written(&other, records);
                copy(&other.join("state"), &dir.join("state"));
            }),
            true,
            11,
        ),
        ("overwritten", Box::new(|dir| std::fs::write(dir.join("state/db"), vec![0x5a; 600_000]).unwrap()), true, 11),
        (
            "its snapshot half-written",
            Box::new(|dir| std::fs::write(dir.join("state/snap.ffffffff.generating"), "x").unwrap()),
            false,
            0,
        ),
        (
            "in use when the machine went down",
            Box::new(|dir| std::fs::write(dir.join("state.opened"), "another boot").unwrap()),
            true,
            11,
        ),
    ];
    for (i, (what, fault, rebuilt, replayed)) in faults.iter().enumerate() {
        let dir = dir.path().join(format!("{i}"));
        copy(&base, &dir);
        fault(&dir);
        let (store, opened) = open(&dir);
        assert_eq!(everything(&store), want, "{what}");
        assert_eq!(opened.rebuilt.is_some(), *rebuilt, "{what}: {opened}");
        assert_eq!(opened.replayed, *replayed, "{what}: {opened}");
        store.append(opens(500)).unwrap();
        drop(store);
        let (store, opened) = open(&dir);
        assert_eq!((opened.rebuilt, opened.replayed), (None, 0), "{what}");
        assert!(store.case(number(500)).unwrap().is_some(), "{what}");
    }
}

#[test]
fn a_state_rebuilt_while_in_use_knows_the_same() {
    let dir = folder();
    let (store, _) = open(dir.path());
    for record in samples() {
        store.append(record).unwrap();
    }
    let want = everything(&store);
    store.rebuild().unwrap();
    assert_eq!(everything(&store), want);
    store.append(opens(500)).unwrap();
    drop(store);
    assert_eq!(open(dir.path()).1.rebuilt, None);
}

#[test]
fn a_state_whose_file_somebody_still_has_for_a_moment_is_waited_for() {
    let dir = folder();
    drop(open(dir.path()));
    let file = std::fs::File::open(dir.path().join("state/db")).unwrap();
    file.lock().unwrap();
    // A child that was being started when the file was closed; it becomes another program.
    let child = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        drop(file);
    });
    assert_eq!(open(dir.path()).1.rebuilt, None);
    child.join().unwrap();
}

#[test]
fn a_journal_torn_at_any_octet_keeps_every_whole_record() {
    let dir = folder();
    let base = dir.path().join("base");
    let mut ends = vec![0];
    {
        let (store, _) = open(&base);
        for record in samples() {
            store.append(record).unwrap();
            ends.push(store.inner.journal.mark().unwrap().end as usize);
        }
    }
    let whole = std::fs::read(segment(&base)).unwrap();
    let journal = dir.path().join("journal");
    std::fs::create_dir(&journal).unwrap();
    // Every octet of the last three records; garbage after the cut as likely as nothing.
    for cut in ends[ends.len() - 4]..whole.len() {
        let _ = std::fs::remove_file(journal.join("synced"));
        let mut torn = whole[..cut].to_vec();
        torn.resize(if cut % 2 == 0 { cut } else { whole.len() + 9 }, 0);
        std::fs::write(journal.join("0000000000000000.log"), &torn).unwrap();
        let (opened, report) = Journal::open(&journal, Box::new(RealDisk), SEGMENT).unwrap();
        let want = *ends.iter().rfind(|end| **end <= cut).unwrap();
        assert_eq!(opened.mark().unwrap().end as usize, want, "cut at {cut}");
        assert_eq!(report.is_some(), torn.len() > want, "cut at {cut}");
        if let Some(report) = report {
            assert_eq!(std::fs::read(report.kept).unwrap(), torn[want..]);
        }
        opened.append(b"\x01next", Urgency::Ordinary).unwrap();
        drop(opened);
        let (opened, report) = Journal::open(&journal, Box::new(RealDisk), SEGMENT).unwrap();
        assert_eq!(report, None);
        assert_eq!(opened.payload(Position(want as u64)).unwrap().unwrap(), b"\x01next");
    }
}

#[test]
fn a_torn_tail_is_cut_and_the_state_that_had_seen_it_is_made_anew() {
    let dir = folder();
    written(dir.path(), samples());
    let path = segment(dir.path());
    let length = path.metadata().unwrap().len();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(length - 1).unwrap();
    forget_synced(dir.path());
    let (store, opened) = open(dir.path());
    assert!(opened.torn.is_some() && opened.rebuilt.is_some(), "{opened}");
    assert_eq!(opened.replayed, 10);
    assert_eq!(store.outbox_len().unwrap(), 2, "the failure was never written down");
}

#[test]
fn every_flipped_bit_of_a_journal_that_was_on_disk_stops_the_bot() {
    let dir = folder();
    let (store, _) = open(&dir.path().join("base"));
    let mut position = Position(0);
    for record in &samples()[6..9] {
        position = store.append(record.clone()).unwrap();
    }
    store.sync().unwrap();
    drop(store);
    let base = dir.path().join("base/journal");
    let name = "0000000000000000.log";
    let whole = std::fs::read(base.join(name)).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(base.join(name), &damaged).unwrap();
        let Err(error) = Journal::open(&base, Box::new(RealDisk), SEGMENT) else { panic!("bit {bit} went unnoticed") };
        let StoreError::Damaged { position: at, .. } = &error else { panic!("{error}") };
        assert!(at.0 as usize <= bit / 8 && at.0 <= position.0, "bit {bit}");
        assert_eq!(std::fs::read(base.join(name)).unwrap(), damaged, "nothing was changed");
    }
    // Without the mark, damage is known by the frames that follow it.
    let mut damaged = whole.clone();
    damaged[20] ^= 1;
    std::fs::write(base.join(name), &damaged).unwrap();
    std::fs::remove_file(base.join("synced")).unwrap();
    let error = Journal::open(&base, Box::new(RealDisk), SEGMENT).err().unwrap();
    let text = error.to_string();
    for part in [name, "at octet 0", "restore a backup"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_journal_that_lost_its_end_or_a_segment_or_its_key_does_not_start() {
    let dir = folder();
    let base = dir.path().join("base");
    let (store, _) = Store::open_on(&base, Box::new(RealDisk), 1_000).unwrap();
    for record in samples() {
        store.append(record).unwrap();
    }
    drop(store);
    let segments = segments::starts_in(&base.join("journal")).unwrap();
    assert!(segments.len() >= 3, "{segments:?}");
    let path = |dir: &Path, i: usize| segments::path_of(&dir.join("journal"), segments[i]);
    let last = segments.len() - 1;
    type Loss<'a> = Box<dyn Fn(&Path) + 'a>;
    let losses: [(&str, Loss<'_>); 6] = [
        ("damaged", Box::new(|dir| std::fs::remove_file(path(dir, 0)).unwrap())),
        ("damaged", Box::new(|dir| std::fs::remove_file(path(dir, 1)).unwrap())),
        ("damaged", Box::new(|dir| std::fs::remove_file(path(dir, last)).unwrap())),
        ("damaged", Box::new(|dir| std::fs::write(path(dir, last), "").unwrap())),
        (
            "damaged",
            Box::new(|dir| {
                let bytes = std::fs::read(path(dir, 1)).unwrap();
                std::fs::write(path(dir, 1), [&bytes[..], b"x"].concat()).unwrap();
            }),
        ),
        ("key is missing", Box::new(|dir| std::fs::remove_file(dir.join("key")).unwrap())),
    ];
    for (i, (want, lose)) in losses.iter().enumerate() {
        let dir = dir.path().join(format!("{i}"));
        copy(&base, &dir);
        lose(&dir);
        let error = Store::open(&dir).err().unwrap().to_string();
        assert!(error.contains(want), "{i}: {error}");
    }
    // Damage in an old segment is found when it is read.
    let mut bytes = std::fs::read(path(&base, 0)).unwrap();
    bytes[40] ^= 4;
    std::fs::write(path(&base, 0), bytes).unwrap();
    let (store, _) = open(&base);
    assert!(matches!(store.records(|_, _| Ok(())), Err(StoreError::Damaged { .. })));
    assert!(matches!(store.record(Position(0)), Err(StoreError::Damaged { .. })));
}

#[test]
fn segments_follow_each_other_without_a_gap() {
    let dir = folder();
    let (store, _) = Store::open_on(dir.path(), Box::new(RealDisk), 2_000).unwrap();
    let mut positions = Vec::new();
    for n in 0..60 {
        positions.push(store.append(opens(n)).unwrap());
    }
    let want = everything(&store);
    drop(store);
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let (store, opened) = Store::open_on(dir.path(), Box::new(RealDisk), 2_000).unwrap();
    assert_eq!(opened.replayed, 60);
    assert_eq!(everything(&store), want);
    for (n, position) in positions.iter().enumerate() {
        assert_eq!(store.record(*position).unwrap(), opens(n as u32));
    }
    let mut seen = 0;
    store
        .records(|position, _| {
            assert_eq!(position, positions[seen]);
            seen += 1;
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, 60);
}

/// Any record about a handful of mails, cases and outgoing mails, so that they meet.
fn any_record() -> impl Strategy<Value = Record> {
    let few = 0..6_u32;
    (0..9, few.clone(), few.clone(), 0..2_000_i64).prop_map(|(kind, n, m, second)| {
        let mid = format!("{m}@bot.example");
        let mails = || vec![outgoing(&mid, Some(n.into()), "zhang@example.com")];
        match kind {
            0 => started(),
            1 => taken(n, m),
            2 => decided_with(n, mails()),
            3 => Record::Decided(Box::new(Decided {
                outcome: Outcome::Duplicate(None),
                case: None,
                spent: vec![Scope::Global, Scope::Domain(format!("d{m}.example"))],
                at: at(second),
                ..decided(n)
            })),
            4 => Record::Vanished { mailbox: name("support"), place: imap(n), at: at(second) },
            5 => send_start(&mid, n),
            6 => sent(&mid),
            7 => deferred(&mid, second),
            _ => failed(&mid, (n == 0).then(|| outgoing("n@bot.example", None, "ops@example.com"))),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Invariant: the state is the fold of the journal, however often the bot was stopped on the way.
    #[test]
    fn the_state_is_what_the_journal_says(records in prop::collection::vec((any_record(), 0..12_u8), 1..60)) {
        let dir = folder();
        let (mut store, _) = open(dir.path());
        for (record, stop) in records {
            match store.append(record) {
                Ok(_) | Err(StoreError::Refused(_)) => {}
                Err(other) => panic!("{other}"),
            }
            let open_mails = store.outbox().unwrap().count() as u64;
            prop_assert_eq!(store.outbox_len().unwrap(), open_mails);
            prop_assert!(store.due(at(10_000), 100).is_ok() && store.next_due().is_ok());
            if stop == 0 {
                drop(store);
                store = open(dir.path()).0;
            }
        }
        let want = everything(&store);
        store.rebuild().unwrap();
        prop_assert_eq!(everything(&store), want);
    }
}
