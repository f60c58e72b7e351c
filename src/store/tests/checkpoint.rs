//! Tables of rows, and the checkpoint they make.

use super::*;
use crate::store::checkpoint::{Merging, tables, tidy, write};
use crate::store::state::{Layers, Row, Table};

/// So few rows in memory that a handful of records makes several tables.
const TINY: Sizes = Sizes { table: 60, batch: 0 };

fn open_tiny(dir: &Path) -> (Store, Opened) {
    Store::open_sized(dir, Box::new(RealDisk), 2_000, TINY).unwrap()
}

/// However many rows there are, they are one table.
fn open_in_one(dir: &Path) -> (Store, Opened) {
    Store::open_sized(dir, Box::new(RealDisk), 2_000, Sizes { table: 100_000, ..TINY }).unwrap()
}

fn rows(of: impl Iterator<Item = u32>) -> Vec<Row> {
    of.map(|n| (format!("k{n:05}").into_bytes(), (n % 7 != 0).then(|| vec![n as u8; n as usize % 90]))).collect()
}

fn table(path: &Path, rows: &[Row]) -> Arc<Table> {
    let mark = Mark { end: 77, checksum: 5 };
    Table::write(path, 3, mark, rows.len() as u64, rows.iter().cloned().map(Ok)).unwrap();
    Arc::new(Table::open(path).unwrap())
}

#[test]
fn a_table_tells_every_row_and_nothing_else() {
    let dir = folder();
    for count in [0, 1, 2_000] {
        let all = rows((0..count).map(|n| n * 2));
        let table = table(&dir.path().join("t"), &all);
        assert_eq!((table.from, table.mark.end, table.mark.checksum, table.rows), (3, 77, 5, all.len() as u64));
        let layers = Layers { recent: None, tables: vec![Arc::clone(&table)] };
        for n in 0..=count * 2 {
            let key = format!("k{n:05}");
            let want = all.iter().find(|(of, _)| of == key.as_bytes()).and_then(|(_, value)| value.clone());
            assert_eq!(layers.get(&key).unwrap(), want, "{key}");
        }
        let scanned: Vec<Row> = table.scan(b"", None).map(|row| row.unwrap()).collect();
        assert_eq!(scanned, all);
        for prefix in ["a", "k", "k01", "k0199", "z"] {
            let there = all.iter().filter(|(_, value)| value.is_some());
            let want = there.filter(|(key, _)| key.starts_with(prefix.as_bytes())).count();
            assert_eq!(layers.scan(prefix.as_bytes()).count(), want, "{prefix}");
        }
    }
}

#[test]
fn every_flipped_bit_and_every_cut_of_a_table_is_found() {
    let dir = folder();
    let path = dir.path().join("t");
    table(&path, &rows(0..30));
    let whole = std::fs::read(&path).unwrap();
    let is_good = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Table::open(&path).and_then(|table| table.verify()).is_ok()
    };
    assert!(is_good(&whole));
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(!is_good(&flipped), "octet {at}");
        assert!(!is_good(&whole[..at]), "cut at {at}");
    }
}

#[test]
fn a_newer_layer_hides_an_older_one() {
    let dir = folder();
    let old = table(&dir.path().join("old"), &rows(1..7));
    let new: Vec<Row> = vec![(b"k00002".to_vec(), Some(b"new".to_vec())), (b"k00003".to_vec(), None)];
    let new = table(&dir.path().join("new"), &new);
    let layers = Layers { recent: None, tables: vec![new, old] };
    assert_eq!(layers.get("k00002").unwrap().unwrap(), b"new");
    assert_eq!(layers.get("k00003").unwrap(), None);
    let keys: Vec<_> = layers.keys(b"k").map(|key| String::from_utf8(key.unwrap()).unwrap()).collect();
    assert_eq!(keys, ["k00001", "k00002", "k00004", "k00005", "k00006"]);
}

#[test]
fn a_state_made_by_way_of_tables_is_the_same() {
    let dir = folder();
    let records = || samples().into_iter().chain((300..360).map(|n| decided_with(n, Vec::new())));
    let (store, _) = Store::open_on(dir.path(), Box::new(RealDisk), 2_000).unwrap();
    for record in records() {
        store.append(record).unwrap();
    }
    let want = everything(&store);
    drop(store);

    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let (store, opened) = open_tiny(dir.path());
    assert_eq!(opened.replayed, records().count() as u64);
    assert_eq!(everything(&store), want);
    assert_eq!(tables(dir.path(), true).len(), 1, "many tables become one");
    // It is written to, closed and opened like any other.
    store.append(opens(500)).unwrap();
    let want = everything(&store);
    store.rebuild().unwrap();
    assert_eq!(everything(&store), want);
    drop(store);
    let (store, opened) = open_tiny(dir.path());
    assert_eq!((opened.rebuilt, opened.replayed), (None, 0));
    assert_eq!(everything(&store), want);
}

#[test]
fn whatever_a_crash_or_a_flipped_bit_leaves_of_a_checkpoint_the_state_is_the_same() {
    let dir = folder();
    let base = dir.path().join("base");
    let (store, _) = Store::open_on(&base, Box::new(RealDisk), 2_000).unwrap();
    for n in 300..400 {
        store.append(opens(n)).unwrap();
    }
    drop(store);
    std::fs::remove_dir_all(base.join("state")).unwrap();
    let (store, _) = open_in_one(&base);
    for n in 400..410 {
        store.append(opens(n)).unwrap();
    }
    let want = everything(&store);
    drop(store);
    assert_eq!(tables(&base, true).len(), 1);
    let made = tables(&base, true)[0].path().file_name().unwrap().to_owned();
    let place = |dir: &Path| dir.join("checkpoint").join(&made);

    type Fault<'a> = Box<dyn Fn(&Path) + 'a>;
    let faults: [(&str, Fault<'_>, u64); 6] = [
        ("nothing", Box::new(|_| {}), 0),
        ("written, not renamed (C17)", Box::new(|dir| std::fs::write(dir.join("checkpoint/tmp"), "half").unwrap()), 0),
        (
            "renamed, the old one not unlinked (C18)",
            Box::new(|dir| {
                let old = dir.join(format!("checkpoint/{:016x}-{:016x}.rows", 0, 9));
                Table::write(&old, 0, Mark { end: 9, checksum: 9 }, 0, std::iter::empty()).unwrap();
            }),
            0,
        ),
        ("gone", Box::new(|dir| std::fs::remove_file(place(dir)).unwrap()), 110),
        (
            "its index damaged",
            Box::new(|dir| {
                let mut bytes = std::fs::read(place(dir)).unwrap();
                let at = bytes.len() - 60;
                bytes[at] ^= 8;
                std::fs::write(place(dir), bytes).unwrap();
            }),
            110,
        ),
        (
            "torn",
            Box::new(|dir| {
                let bytes = std::fs::read(place(dir)).unwrap();
                std::fs::write(place(dir), &bytes[..bytes.len() / 2]).unwrap();
            }),
            110,
        ),
    ];
    for (i, (what, fault, replayed)) in faults.iter().enumerate() {
        let dir = dir.path().join(i.to_string());
        super::crash::copy(&base, &dir);
        fault(&dir);
        let (store, opened) = open_in_one(&dir);
        assert_eq!(everything(&store), want, "{what}");
        assert_eq!(opened.replayed, *replayed, "{what}: {opened}");
        let left = std::fs::read_dir(dir.join("checkpoint")).unwrap().count();
        assert_eq!(left, 1, "{what}");
    }

    // Damage in a block is found when the block is read, and the state is made good while it is in use.
    let mut bytes = std::fs::read(place(&base)).unwrap();
    bytes[40] ^= 1;
    std::fs::write(place(&base), bytes).unwrap();
    let (store, opened) = open_in_one(&base);
    assert_eq!(opened.replayed, 0, "it is not read at a start");
    assert!(store.cases().unwrap().any(|case| case.is_err()));
    for n in 300..410 {
        assert!(store.case(number(n)).unwrap().is_some(), "{n}");
    }
    assert_eq!(everything(&store), want);
    tidy(&base, &[], None);
}

#[test]
fn a_checkpoint_made_while_the_store_is_in_use_changes_nothing() {
    let (dir, other) = (folder(), folder());
    let (store, _) = open_tiny(dir.path());
    let (plain, _) = open(other.path());
    let working = std::thread::spawn({
        let store = store.clone();
        move || {
            for n in 0..400 {
                let mail = format!("m{n}@bot.example");
                store.append(taken(n, 1)).unwrap();
                store.append(decided_with(n, vec![outgoing(&mail, Some(n.into()), "a@example.com")])).unwrap();
                store.append(send_start(&mail, 1)).unwrap();
                if n % 3 > 0 {
                    store.append(sent(&mail)).unwrap();
                }
                assert!(store.case(number(n.into())).unwrap().is_some());
            }
        }
    });
    let mut made = 0;
    while !working.is_finished() {
        assert!(store.checkpoint().unwrap());
        made += 1;
    }
    working.join().unwrap();
    assert!(made > 3, "{made}");
    store.records(|_, record| plain.append(record).map(drop)).unwrap();
    assert_eq!(everything(&store), everything(&plain));
    assert!(store.checkpoint().unwrap());
    assert_eq!(everything(&store), everything(&plain));
    let folders = std::fs::read_dir(dir.path()).unwrap().flatten();
    let states = folders.filter(|entry| entry.file_name().to_string_lossy().starts_with("state-")).count();
    assert_eq!(states, 1, "the old ones are gone");
    drop(store);
    let (store, opened) = open_tiny(dir.path());
    assert_eq!((opened.rebuilt.as_deref(), opened.replayed), (None, 0));
    assert_eq!(everything(&store), everything(&plain));
    assert_eq!(store.outbox_len().unwrap(), 134);
}

#[test]
fn a_crash_at_each_step_of_a_checkpoint_leaves_the_old_one_or_the_new_one() {
    let dir = folder();
    let (base, after) = (dir.path().join("base"), dir.path().join("after"));
    let (store, _) = open_tiny(&base);
    for n in 0..60 {
        store.append(opens(n)).unwrap();
    }
    store.checkpoint().unwrap();
    for n in 60..90 {
        store.append(opens(n)).unwrap();
    }
    let want = everything(&store);
    drop(store);
    super::crash::copy(&base, &after);
    let (store, _) = open_tiny(&after);
    store.checkpoint().unwrap();
    drop(store);
    let new_table = tables(&after, true)[0].path().to_owned();
    let new_name = new_table.file_name().unwrap().to_owned();
    let new_state = || {
        let entries = std::fs::read_dir(&after).unwrap().flatten().map(|entry| entry.path());
        entries.into_iter().find(|path| path.to_string_lossy().contains("/state-")).unwrap()
    };
    let put_table = |dir: &Path| {
        std::fs::copy(&new_table, dir.join("checkpoint").join(&new_name)).unwrap();
    };
    let put_state = |dir: &Path| super::crash::copy(&new_state(), &dir.join(new_state().file_name().unwrap()));

    type Step<'a> = (&'a str, Box<dyn Fn(&Path) + 'a>);
    let steps: [Step<'_>; 5] = [
        ("not begun", Box::new(|_| {})),
        (
            "half written (C17)",
            Box::new(|dir| {
                let half = std::fs::read(&new_table).unwrap();
                std::fs::write(dir.join("checkpoint/tmp"), &half[..half.len() / 2]).unwrap();
            }),
        ),
        ("renamed, with the old state (C18)", Box::new(put_table)),
        (
            "with an empty new state",
            Box::new(|dir| {
                put_table(dir);
                std::fs::create_dir(dir.join(new_state().file_name().unwrap())).unwrap();
            }),
        ),
        (
            "with both states",
            Box::new(|dir| {
                put_table(dir);
                put_state(dir);
            }),
        ),
    ];
    for (i, (what, crash)) in steps.iter().enumerate() {
        let dir = dir.path().join(i.to_string());
        super::crash::copy(&base, &dir);
        crash(&dir);
        let (store, _) = open_tiny(&dir);
        assert_eq!(everything(&store), want, "{what}");
        store.append(opens(500)).unwrap();
        drop(store);
        let (store, opened) = open_tiny(&dir);
        assert_eq!((opened.rebuilt, opened.replayed), (None, 0), "{what}");
        assert!(store.case(number(500)).unwrap().is_some(), "{what}");
    }
}

#[test]
fn tables_become_one_a_part_at_a_time_while_others_come() {
    const ROWS: u32 = 9_000;
    let dir = folder();
    let made = |from: u32, of: Vec<Row>| {
        let mark = Mark { end: u64::from(from) + 1, checksum: 0 };
        write(dir.path(), u64::from(from), mark, of.len() as u64, of.into_iter().map(Ok)).unwrap()
    };
    let files = || std::fs::read_dir(dir.path().join("checkpoint")).unwrap().count();
    let mut old: Vec<Arc<Table>> = (0..3).map(|n| made(n, rows((0..ROWS).filter(|row| row % 3 == n)))).collect();
    old.reverse();
    let all = |tables: &[Arc<Table>]| {
        let layers = Layers { recent: None, tables: tables.to_vec() };
        layers.scan(b"").map(|row| row.unwrap()).collect::<Vec<_>>()
    };
    let asked = std::cell::Cell::new(0);
    let once = || asked.replace(asked.get() + 1) > 0;
    let mut merging = Merging::begin(dir.path(), &old).unwrap();
    assert!(merging.go_on(once).unwrap().is_none());

    // A checkpoint is made before the end, and tidies up.
    let mut tables = old.clone();
    tables.insert(0, made(3, vec![(b"k00001".to_vec(), Some(b"new".to_vec())), (b"k00002".to_vec(), None)]));
    let want = all(&tables);
    tidy(dir.path(), &tables, Some(&merging));
    assert_eq!(files(), 5);
    let one = merging.go_on(|| false).unwrap().expect("the end");
    assert!(merging.is_of(&tables) && !merging.is_of(&tables[..2]));
    merging.replace(&mut tables, one);
    assert_eq!((tables.len(), all(&tables) == want), (2, true));
    tidy(dir.path(), &tables, None);
    assert_eq!(files(), 2);

    // What nobody goes on with leaves nothing behind.
    let mut merging = Merging::begin(dir.path(), &tables).unwrap();
    asked.set(0);
    assert!(merging.go_on(once).unwrap().is_none());
    assert_eq!(files(), 3);
    drop(merging);
    assert_eq!((files(), all(&tables) == want), (2, true));
}
