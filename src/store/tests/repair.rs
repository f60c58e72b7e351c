//! A damaged journal goes on without what stood in the damage, and with every mail.

use super::*;
use crate::store::beside::records;

/// Octets of a segment: several in a short journal.
const SMALL: u64 = 4_000;

/// A journal of some segments; its records, and where each begins.
fn journal(dir: &Path) -> (Vec<Record>, Vec<u64>) {
    let (store, _) = Store::open_on(dir, Box::new(RealDisk), SMALL).unwrap();
    let mut records = samples();
    for n in 1..20 {
        records.push(taken(n, 1));
        records.push(decided_with(n, vec![outgoing(&format!("a{n}@b"), Some(n.into()), "zhang@example.com")]));
        records.push(send_start(&format!("a{n}@b"), 1));
        records.push(sent(&format!("a{n}@b")));
    }
    let starts = records.iter().map(|record| store.append(record.clone()).unwrap().0).collect();
    store.sync().unwrap();
    (records, starts)
}

fn segments(dir: &Path) -> Vec<(u64, PathBuf)> {
    let journal = dir.join("journal");
    let starts = segments::starts_in(&journal).unwrap();
    starts.into_iter().map(|start| (start, segments::path_of(&journal, start))).collect()
}

fn told(dir: &Path) -> Result<Vec<Record>, StoreError> {
    let mut found = Vec::new();
    records(dir, |_, record| {
        found.push(record);
        Ok(())
    })?;
    Ok(found)
}

/// F05: short by default, the whole dose by `HUIXIN_FLIPS=10000`.
#[test]
fn every_flipped_bit_is_found_and_repaired_and_costs_only_what_stood_in_its_frame() {
    let flips: u64 = std::env::var("HUIXIN_FLIPS").ok().and_then(|times| times.parse().ok()).unwrap_or(40);
    let dir = folder();
    let (records, starts) = journal(dir.path());
    let saved: Vec<(u64, PathBuf, Vec<u8>)> = segments(dir.path())
        .into_iter()
        .map(|(start, path)| (start, path.clone(), std::fs::read(path).unwrap()))
        .collect();
    assert!(saved.len() > 3);
    let mark = std::fs::read(dir.path().join("journal/synced")).unwrap();
    let length: u64 = saved.iter().map(|(_, _, bytes)| bytes.len() as u64).sum();
    let mut random = fastrand::Rng::with_seed(5);
    for flip in 0..flips {
        let (octet, bit) = (random.u64(..length), random.u32(..8));
        let _ = std::fs::remove_dir_all(dir.path().join("journal"));
        std::fs::create_dir(dir.path().join("journal")).unwrap();
        for (start, path, bytes) in &saved {
            let mut bytes = bytes.clone();
            if let Some(at) = octet.checked_sub(*start).filter(|at| *at < bytes.len() as u64) {
                bytes[at as usize] ^= 1 << bit;
            }
            std::fs::write(path, bytes).unwrap();
        }
        std::fs::write(dir.path().join("journal/synced"), &mark).unwrap();
        let hit = starts.partition_point(|start| *start <= octet) - 1;

        assert!(matches!(told(dir.path()), Err(StoreError::Damaged { .. })), "octet {octet} bit {bit}");
        let found = examine(dir.path()).unwrap();
        assert_eq!(found.damages.len(), 1, "octet {octet} bit {bit}");
        assert_eq!(found.damages[0].position.0, starts[hit]);
        assert_eq!(found.kept, None);
        let done = repair(dir.path(), at(1_000 + flip as i64)).unwrap();
        assert!(done.kept.as_ref().unwrap().join("synced").exists());
        std::fs::remove_dir_all(done.kept.unwrap()).unwrap();

        let end = starts.get(hit + 1).copied().unwrap_or(length);
        let mut want = records.clone();
        let (position, octets) = (Position(starts[hit]), end - starts[hit]);
        want[hit] = Record::Repaired { at: at(1_000 + flip as i64), position, octets };
        assert_eq!(told(dir.path()).unwrap(), want, "octet {octet} bit {bit}");
        assert_eq!(repair(dir.path(), at(5_000)).unwrap().damages, []);
        if flip % 20 == 0 {
            let (store, opened) = open(dir.path());
            assert!(opened.rebuilt.is_some() && opened.torn.is_none());
            assert_eq!(store.stats().unwrap().records, 0);
            store.append(taken(99, 1)).unwrap();
        }
    }
}

#[test]
fn a_repair_tells_which_mails_and_answers_lost_their_record() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let hash = store.archive().put(b"Subject: x\r\n\r\n").unwrap();
    store.append(taken(1, 1)).unwrap();
    let lost = Decided { hash, outgoing: vec![outgoing("a1@b", Some(1), "zhang@example.com")], ..decided(2) };
    let position = store.append(Record::Decided(Box::new(lost))).unwrap();
    store.append(send_start("a1@b", 1)).unwrap();
    store.append(sent("a1@b")).unwrap();
    drop(store);
    assert_eq!(examine(dir.path()).unwrap().strays, []);
    let (_, path) = segments(dir.path()).remove(0);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[position.0 as usize + 30] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let Err(error) = Store::open(dir.path()) else { panic!("it opens") };
    assert!(error.to_string().contains("`huixin repair --dry-run`"), "{error}");
    let found = repair(dir.path(), at(50)).unwrap();
    assert_eq!(found.strays.iter().map(|(hash, _)| *hash).collect::<Vec<_>>(), [hash]);
    assert_eq!(found.orphans, [id("a1@b")]);
    assert_eq!(found.damages[0].cases, [number(2), number(1)], "the case itself, and the one that its mail names");
    assert_eq!((found.damages[0].after, found.damages[0].before), (Some(at(1)), Some(at(10))));
    open(dir.path());
}

#[test]
fn a_segment_that_is_gone_or_short_is_one_damage() {
    let dir = folder();
    let (records, starts) = journal(dir.path());
    let parts = segments(dir.path());
    std::fs::remove_file(&parts[1].1).unwrap();
    let found = repair(dir.path(), at(50)).unwrap();
    assert_eq!((found.damages.len(), found.damages[0].position.0), (1, parts[1].0));
    let gone = starts.iter().filter(|start| (parts[1].0..parts[2].0).contains(*start)).count();
    assert_eq!(told(dir.path()).unwrap().len(), records.len() - gone + 1);

    let (_, last) = segments(dir.path()).pop().unwrap();
    let bytes = std::fs::read(&last).unwrap();
    std::fs::write(&last, &bytes[..bytes.len() - 3]).unwrap();
    let before = told(dir.path());
    assert!(matches!(before, Err(StoreError::Damaged { .. })), "it was on disk once");
    assert_eq!(repair(dir.path(), at(60)).unwrap().damages.len(), 1);
    assert!(matches!(told(dir.path()).unwrap().last(), Some(Record::Repaired { .. })));
    open(dir.path());
}

#[test]
fn a_repair_that_a_crash_cut_short_is_taken_up_again() {
    let dir = folder();
    let (records, _) = journal(dir.path());
    std::fs::rename(dir.path().join("journal"), dir.path().join("journal.repaired")).unwrap();
    assert_eq!(repair(dir.path(), at(50)).unwrap().damages, []);
    assert_eq!(told(dir.path()).unwrap(), records);
}
