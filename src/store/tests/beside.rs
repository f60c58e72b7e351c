//! What is read without the lock: the ledger, the outbox, a backup.

use super::*;
use crate::store::beside::records;
use crate::store::journal::SYNCED;

/// A store with every kind of record, left open as by a bot that runs.
fn in_use(dir: &Path) -> Store {
    let (store, _) = open(dir);
    for n in [1u64, 100, 300] {
        store.archive().put(&n.to_be_bytes()).unwrap();
    }
    for record in samples() {
        store.append(record).unwrap();
    }
    store.append(taken(300, 1)).unwrap();
    store.append(taken(300, 2)).unwrap();
    store.append(send_start("n1@bot.example", 1)).unwrap();
    store.append(deferred("n1@bot.example", 700)).unwrap();
    store.append(send_start("n2@bot.example", 1)).unwrap();
    store.sync().unwrap();
    store
}

#[test]
fn the_ledger_tells_every_mail_and_what_became_of_it() {
    let dir = folder();
    let _store = in_use(dir.path());
    let mut told = Vec::new();
    ledger(dir.path(), |entry| told.push((entry.place.to_string(), entry.fate))).unwrap();
    let want = [
        ("7:100", Fate::Decided(Outcome::Opened(number(100)))),
        ("17.M1.host", Fate::Again),
        ("7:101", Fate::Vanished),
        ("7:300", Fate::Pending(2)),
    ];
    assert_eq!(told, want.map(|(place, fate)| (place.to_owned(), fate)));
    let nowhere = folder();
    ledger(nowhere.path(), |entry| panic!("{entry:?}")).unwrap();
}

#[test]
fn the_outbox_in_the_journal_is_the_outbox_in_the_state() {
    let dir = folder();
    let store = in_use(dir.path());
    let mut there: Vec<OutboxItem> = store.outbox().unwrap().map(Result::unwrap).collect();
    there.sort_by_key(|item| (item.position, item.index));
    assert_eq!(there.len(), 2);
    assert_eq!(waiting(dir.path()).unwrap(), there);
    assert_eq!(waiting_mail(dir.path(), &there[0]).unwrap(), store.outgoing(&there[0]).unwrap());
}

#[test]
fn a_mail_in_quarantine_is_told_with_its_reason() {
    let dir = folder();
    let (store, _) = open(dir.path());
    store.append(opens(1)).unwrap();
    let outcome = Outcome::Quarantined(Some(number(2)));
    let why = Why(vec![(QUARANTINED.into(), "the reader stopped: stack".into())]);
    store.append(Record::Decided(Box::new(Decided { outcome, why, ..decided(2) }))).unwrap();
    let found = quarantined(dir.path()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].hash, found[0].case), (mail(2), Some(number(2))));
    assert_eq!(found[0].why.as_deref(), Some("the reader stopped: stack"));
}

#[test]
fn the_quarantine_holds_what_was_neither_read_later_nor_erased() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let put = |record| assert!(store.append(record).is_ok());
    let defeated = |n: u32| {
        let outcome = Outcome::Quarantined(Some(number(n.into())));
        let why = Why(vec![(QUARANTINED.into(), format!("reader-stopped: {n}"))]);
        Record::Decided(Box::new(Decided { outcome, why, ..decided(n) }))
    };
    let found = || -> Vec<(MailHash, Option<String>, Option<String>)> {
        let mails = quarantined(dir.path()).unwrap();
        mails.into_iter().map(|mail| (mail.hash, mail.why, mail.dropped)).collect()
    };
    let held = |n: u64, why: u64, dropped: Option<&str>| {
        (mail(n), Some(format!("reader-stopped: {why}")), dropped.map(str::to_owned))
    };
    (1..6).for_each(|n| put(defeated(n)));
    put(opens(6));
    let changed = |n: u64, why: Why| {
        let case = Case { state: CaseState::Closed, ..case(n) };
        Record::Changed(Box::new(Changed { at: at(20), case, outgoing: Vec::new(), spent: Vec::new(), why }))
    };
    put(super::asked::asked(1, changed(2, Why(vec![(DROPPED.into(), "li: spam".into())]))));
    put(changed(2, Why::default()));
    put(super::asked::asked(2, opens(3)));
    let Record::Decided(again) = defeated(4) else { unreachable!() };
    let why = Why(vec![(QUARANTINED.into(), "reader-stopped: 44".into())]);
    put(super::asked::asked(3, Record::Decided(Box::new(Decided { why, ..*again }))));
    let (cases, mails, withdrawn) = (vec![number(5)], vec![mail(5)], Vec::new());
    put(Record::Erased { at: at(30), cases, mails, withdrawn });
    let want = [held(1, 1, None), held(2, 2, Some("li: spam")), held(4, 44, None)];
    store.sync().unwrap();
    assert_eq!(found(), want, "from the journal");
    store.checkpoint().unwrap();
    assert_eq!(found(), want, "from the checkpoint");
    store.compact(&crate::config::Keep::for_ever(), at(40)).unwrap();
    assert_eq!(found(), want, "when the journal is thinner");
}

#[test]
fn what_is_waiting_in_quarantine_or_the_matter_of_the_breaker_is_told_without_reading_all_of_the_journal() {
    let dir = folder();
    let (store, _) = Store::open_on(dir.path(), Box::new(RealDisk), 2_000).unwrap();
    let outcome = Outcome::Quarantined(Some(number(1)));
    store.append(Record::Decided(Box::new(Decided { outcome, ..decided(1) }))).unwrap();
    store.append(Record::Released { at: at(1), by: "li".into(), reason: "a drill".into() }).unwrap();
    store.append(decided_with(2, vec![outgoing("a2@bot.example", Some(2), "zhang@example.com")])).unwrap();
    for n in 3..40 {
        store.append(opens(n)).unwrap();
    }
    store.checkpoint().unwrap();
    store.append(opens(40)).unwrap();
    store.sync().unwrap();
    let told = || {
        let held = quarantined(dir.path()).unwrap().len();
        (held, waiting(dir.path()).unwrap().len(), standing(dir.path()).unwrap())
    };
    let before = told();
    assert_eq!((before.0, before.1, before.2.answered.len()), (1, 1, 1));
    assert!(before.2.released.is_some());
    let journal = dir.path().join("journal");
    for start in &segments::starts_in(&journal).unwrap()[3..6] {
        std::fs::write(segments::path_of(&journal, *start), "of no use").unwrap();
    }
    assert_eq!(told(), before);
    assert!(ledger(dir.path(), |_| {}).is_err(), "the ledger reads it all");
}

#[test]
fn a_half_written_frame_is_left_out_and_damage_before_the_mark_is_found() {
    let dir = folder();
    let store = in_use(dir.path());
    let segment = dir.path().join("journal").join(format!("{:016x}.log", 0));
    let whole = std::fs::read(&segment).unwrap();
    let count = || {
        let mut found = 0;
        records(dir.path(), |_, _| {
            found += 1;
            Ok(())
        })
        .map(|()| found)
    };
    let all = count().unwrap();
    let mut torn = whole.clone();
    torn.extend_from_slice(&whole[..20]);
    std::fs::write(&segment, &torn).unwrap();
    assert_eq!(count().unwrap(), all);
    for cut in [1, 40, whole.len() - 1] {
        std::fs::write(&segment, &whole[..whole.len() - cut]).unwrap();
        assert!(matches!(count(), Err(StoreError::Damaged { .. })), "cut {cut}");
    }
    std::fs::write(&segment, &whole).unwrap();
    drop(store);
}

#[test]
fn the_ledger_since_some_time_is_the_end_of_the_whole_one() {
    let dir = folder();
    let (store, _) = Store::open_on(dir.path(), Box::new(RealDisk), 2_000).unwrap();
    for n in 1..40 {
        store.append(taken(n, 1)).unwrap();
        store.append(opens(n)).unwrap();
    }
    store.append(taken(40, 1)).unwrap();
    store.sync().unwrap();
    for second in [0, 1, 2, 20, 39, 40, 41] {
        let (mut all, mut since) = (Vec::new(), Vec::new());
        ledger(dir.path(), |entry| all.extend((entry.at >= at(second)).then_some(entry))).unwrap();
        ledger_since(dir.path(), at(second), |entry| since.push(entry)).unwrap();
        assert_eq!(since, all, "since {second}");
    }
}

#[test]
fn a_backup_of_a_store_in_use_becomes_the_same_store() {
    let (dir, other) = (folder(), folder());
    let (saved, back) = (other.path().join("saved"), other.path().join("back"));
    // Small segments, so that there are several.
    let (store, _) = Store::open_on(dir.path(), Box::new(RealDisk), 2_000).unwrap();
    let mails: Vec<_> = (1..40u64).map(|n| store.archive().put(&n.to_be_bytes()).unwrap()).collect();
    for n in 1..40 {
        store.append(taken(n, 1)).unwrap();
        store.append(opens(n)).unwrap();
    }
    store.sync().unwrap();
    std::fs::create_dir_all(dir.path().join("playbooks/abc/rules")).unwrap();
    std::fs::write(dir.path().join("playbooks/abc/rules/a.toml"), "schema = 1\n").unwrap();
    std::fs::write(dir.path().join("playbooks/lock"), "").unwrap();
    let before = everything(&store);

    let copied = backup(dir.path(), &saved).unwrap();
    assert_eq!((copied.records, copied.mails, copied.lost.len()), (78, 39, 0));
    // The bot has gone on meanwhile: not part of it.
    store.append(opens(40)).unwrap();
    assert!(backup(dir.path(), &saved).unwrap_err().to_string().contains("is not empty"));

    assert_eq!(restore(&saved, &back, false).unwrap(), copied);
    assert!(restore(&saved, &back, false).unwrap_err().to_string().contains("is not empty"));
    let (again, opened) = open(&back);
    assert_eq!((opened.first, opened.replayed), (false, 78));
    assert_eq!(again.key().as_bytes(), store.key().as_bytes());
    assert_eq!(everything(&again), before);
    mails.iter().for_each(|hash| assert!(again.archive().get(hash).is_ok()));
    assert!(back.join("playbooks/abc/rules/a.toml").exists());
    assert!(!back.join("playbooks/lock").exists());
}

#[test]
fn a_backup_with_a_fault_is_not_restored() {
    let (dir, other) = (folder(), folder());
    let store = in_use(dir.path());
    let (saved, back) = (other.path().join("saved"), other.path().join("back"));
    backup(dir.path(), &saved).unwrap();
    let refused = |what: &str| {
        let error = restore(&saved, &back, false).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
        assert!(!back.exists(), "{what}: something was written");
    };

    let segment = saved.join("journal").join(format!("{:016x}.log", 0));
    let whole = std::fs::read(&segment).unwrap();
    for at in [0, 30, whole.len() / 2, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        std::fs::write(&segment, flipped).unwrap();
        refused("is damaged");
    }
    std::fs::write(&segment, &whole[..whole.len() - 7]).unwrap();
    refused("is damaged");
    std::fs::write(&segment, &whole).unwrap();
    let mark = saved.join("journal").join(SYNCED);
    std::fs::rename(&mark, saved.join("kept")).unwrap();
    refused("no complete backup");
    std::fs::rename(saved.join("kept"), &mark).unwrap();

    // A mail that was lost is named; without it the rest can still be had.
    std::fs::write(Archive::beside(&saved).path(&mail(300)), "altered").unwrap();
    let found = restore(&saved, &back, false).unwrap();
    assert_eq!(found.lost.iter().map(|(hash, _)| *hash).collect::<Vec<_>>(), [mail(300)]);
    assert!(!back.exists());
    restore(&saved, &back, true).unwrap();
    assert_eq!(everything(&open(&back).0), everything(&store));
}
