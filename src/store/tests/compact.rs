//! The journal made thinner: whatever was known before is known after, by every way to ask.

use super::*;
use crate::config::Keep;
use crate::store::segments::{Segment, starts_in};

pub(super) const KEEP: Keep = Keep { mail_days: 90, quarantine_days: 30, letter_days: 40, case_days: 0 };

pub(super) fn after(days: i64) -> Timestamp {
    at(days * 24 * 60 * 60)
}

pub(super) fn open_short(dir: &Path) -> Store {
    Store::open_on(dir, Box::new(RealDisk), 4_000).unwrap().0
}

pub(super) fn mint(store: &Store, n: u64, name: &str) -> String {
    MessageId::mint(store.key(), number(n), name, "bot.example").as_str().to_owned()
}

/// Mails that were taken, answered and closed long ago; every fifth case is open still, and of every seventh the answer
/// has not left.
pub(super) fn work(store: &Store, cases: std::ops::Range<u32>) {
    for n in cases {
        let answer = mint(store, n.into(), "answer");
        store.append(taken(n, 1)).unwrap();
        let mut answer_mail = outgoing(&answer, Some(n.into()), "zhang@example.com");
        answer_mail.content.head = format!("Subject: {n}\r\n\r\nA LETTER\r\n").repeat(80);
        store.append(decided_with(n, vec![answer_mail])).unwrap();
        store.append(Record::Settled { mailbox: name("support"), places: vec![imap(n)] }).unwrap();
        if n % 7 > 0 {
            store.append(send_start(&answer, 1)).unwrap();
            store.append(sent(&answer)).unwrap();
        }
        if n % 5 > 0 {
            let mut closed = Case { state: CaseState::Closed, ..case(n.into()) };
            closed.work.closed = Some(at(20));
            store
                .append(Record::Changed(Box::new(Changed {
                    at: at(20),
                    case: closed,
                    outgoing: Vec::new(),
                    spent: Vec::new(),
                    why: Why::default(),
                })))
                .unwrap();
        }
    }
    store.sync().unwrap();
}

fn journal_octets(dir: &Path) -> u64 {
    let journal = dir.join("journal");
    starts_in(&journal).unwrap().iter().map(|start| segments::path_of(&journal, *start).metadata().unwrap().len()).sum()
}

/// What commands tell beside a running bot.
fn told(dir: &Path) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut entries = Vec::new();
    ledger(dir, |entry| entries.push(entry)).unwrap();
    let mut mails = Vec::new();
    PastJournal::beside(dir).unwrap().unwrap().mails(|mail| mails.push(mail)).unwrap();
    (entries, mails, waiting(dir).unwrap(), quarantined(dir).unwrap())
}

/// Which letters still stand in the journal.
fn letters(dir: &Path) -> usize {
    let journal = dir.join("journal");
    let count = |start: &u64| {
        let bytes = std::fs::read(segments::path_of(&journal, *start)).unwrap();
        let mut found = 0;
        let end = Segment::of(&bytes, *start).walk(None, |frame| {
            found += usize::from(String::from_utf8_lossy(frame.payload).contains("A LETTER"));
            Ok::<(), ()>(())
        });
        assert_eq!(end, Ok(End::Whole));
        found
    };
    starts_in(&journal).unwrap().iter().map(count).sum()
}

#[test]
fn a_thinner_journal_tells_the_same() {
    let dir = folder();
    let (data, copy) = (dir.path().join("data"), dir.path().join("copy"));
    let store = open_short(&data);
    store.append(started()).unwrap();
    work(&store, 1..120);
    store.append(taken(500, 1)).unwrap();
    store.checkpoint().unwrap();
    work(&store, 120..140);
    let (before, told_before, octets) = (everything(&store), told(&data), journal_octets(&data));
    let rows =
        |store: &Store| everything(store).into_iter().filter(|(key, _)| !b"ay".contains(&key[0]) || key.len() > 1);
    let same = |store: &Store, what: &str| {
        let changed = |key: &[u8]| key == b"a" || key == b"y";
        let known: Vec<_> = rows(store).collect();
        let was: Vec<_> = before.iter().filter(|(key, _)| !changed(key)).cloned().collect();
        assert!(known == was, "{what}");
    };

    let early = store.compact(&KEEP, after(29)).unwrap();
    assert_eq!((early.segments, journal_octets(&data) >= octets), (0, true), "what is young stays");
    let done = store.compact(&KEEP, after(45)).unwrap();
    assert!(done.segments > 10 && done.left < done.octets * 2 / 3, "{done:?}");
    assert!(journal_octets(&data) < octets * 2 / 3);
    // Every fifth case is open, and every seventh letter waits.
    let (open, unsent) =
        ((1..140).filter(|n| n % 5 == 0).count(), (1..140).filter(|n| n % 7 == 0 && n % 5 > 0).count());
    assert_eq!(letters(&data), open + unsent);
    same(&store, "at once");
    assert_eq!(told(&data), told_before);
    let mut items = store.outbox().unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    items.sort_by_key(|item| (item.position, item.index));
    assert_eq!(waiting(&data).unwrap(), items);
    assert!(items.iter().all(|item| waiting_mail(&data, item).unwrap() == store.outgoing(item).unwrap()));
    assert_eq!(store.history(number(12)).unwrap().len(), 3);
    let kept = store.outbox_item(&id(&mint(&store, 14, "answer"))).unwrap().unwrap();
    assert!(store.outgoing(&kept).unwrap().content.head.contains("A LETTER"));
    let again = store.compact(&KEEP, after(46)).unwrap();
    assert_eq!(again.segments, 0, "once");
    assert!(!store.wants_compaction(after(60)).unwrap() && store.wants_compaction(after(77)).unwrap());

    // It goes on like any other journal.
    work(&store, 140..150);
    store.checkpoint().unwrap();
    let want = everything(&store);
    store.rebuild().unwrap();
    assert_eq!(everything(&store), want);
    drop(store);
    let store = open_short(&data);
    assert_eq!(everything(&store), want);
    drop(store);
    remove_views(&data);
    let store = open_short(&data);
    assert_eq!(everything(&store), want);
    store.records(|_, _| Ok(())).unwrap();
    assert_eq!(examine(&data).unwrap().damages, []);

    backup(&data, &copy).unwrap();
    let restored = open_short(&copy);
    assert_eq!(everything(&restored), want);
    work(&restored, 150..152);
}

#[test]
fn a_checkpoint_among_records_that_leave_belongs_to_the_journal_afterwards() {
    let dir = folder();
    let store = open_short(dir.path());
    store.append(started()).unwrap();
    // Of the attempts at mails that were decided later nothing stays.
    for n in 1..10 {
        store.append(taken(n, 1)).unwrap();
        if n == 5 {
            store.checkpoint().unwrap();
        }
    }
    work(&store, 1..40);
    assert!(store.compact(&KEEP, after(45)).unwrap().segments > 0);
    assert!(store.checkpoint().unwrap());
}

#[test]
fn a_crash_at_each_step_leaves_the_old_segment_or_the_new_one() {
    let dir = folder();
    let (base, after_it) = (dir.path().join("base"), dir.path().join("after"));
    let store = open_short(&base);
    work(&store, 1..40);
    let want = everything(&store);
    drop(store);
    super::crash::copy(&base, &after_it);
    let store = open_short(&after_it);
    assert!(store.compact(&KEEP, after(45)).unwrap().segments > 2);
    drop(store);
    let first = "journal/0000000000000000.log";
    let half = std::fs::read(after_it.join(first)).unwrap();

    type Step<'a> = (&'a str, Box<dyn Fn(&Path) + 'a>);
    let steps: [Step<'_>; 2] = [
        (
            "half written (C17)",
            Box::new(|dir| std::fs::write(dir.join("journal/thin.tmp"), &half[..half.len() / 2]).unwrap()),
        ),
        ("renamed (C18)", Box::new(|dir| assert!(std::fs::copy(after_it.join(first), dir.join(first)).unwrap() > 0))),
    ];
    for (i, (what, crash)) in steps.iter().enumerate() {
        for fresh in [false, true] {
            let dir = dir.path().join(format!("{i}{fresh}"));
            super::crash::copy(&base, &dir);
            crash(&dir);
            if fresh {
                remove_views(&dir);
            }
            let store = open_short(&dir);
            assert_eq!(everything(&store), want, "{what}");
            assert!(!dir.join("journal/thin.tmp").exists());
            assert!(store.compact(&KEEP, after(45)).unwrap().segments > 1);
            store.rebuild().unwrap();
            let rows: Vec<_> = everything(&store).into_iter().filter(|(key, _)| key != b"a" && key != b"y").collect();
            assert!(want.iter().filter(|(key, _)| key != b"a").eq(rows.iter()), "{what}");
        }
    }
}

#[test]
fn a_flipped_bit_in_the_checkpoint_or_the_journal_is_found_when_it_is_thin_too() {
    let dir = folder();
    let base = dir.path().join("base");
    let store = open_short(&base);
    work(&store, 1..60);
    store.compact(&KEEP, after(45)).unwrap();
    store.checkpoint().unwrap();
    let want = everything(&store);
    drop(store);

    // The checkpoint is only a view: what it lost is read in the journal.
    let table = std::fs::read_dir(base.join("checkpoint")).unwrap().flatten().next().unwrap().path();
    let mut bytes = std::fs::read(&table).unwrap();
    bytes[100] ^= 4;
    std::fs::write(&table, &bytes).unwrap();
    let store = open_short(&base);
    for n in 1..60 {
        assert!(store.case(number(n)).unwrap().is_some());
    }
    assert_eq!(everything(&store), want);
    drop(store);

    // The journal is the truth: damage in it is said, and repaired but for what stood in its frame.
    let segment = base.join("journal/0000000000000000.log");
    let whole = std::fs::read(&segment).unwrap();
    for at in (0..whole.len()).step_by(331) {
        let data = dir.path().join(format!("at{at}"));
        super::crash::copy(&base, &data);
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        std::fs::write(data.join("journal/0000000000000000.log"), damaged).unwrap();
        let found = examine(&data).unwrap();
        assert_eq!(found.damages.len(), 1, "octet {at}: {found:?}");
        remove_views(&data);
        assert!(matches!(Store::open(&data), Err(StoreError::Damaged { .. })), "octet {at}");
        let repaired = repair(&data, after(50)).unwrap();
        assert!(repaired.kept.is_some() && repaired.records + 2 >= found.records);
        let store = open_short(&data);
        let lost = (1..60).filter(|n| store.case(number(*n)).unwrap().is_none()).count();
        assert!(lost <= 1, "octet {at}: {lost}");
        assert_eq!(examine(&data).unwrap().damages, []);
    }
}

/// Leaves nothing but the journal.
fn remove_views(data: &Path) {
    for entry in std::fs::read_dir(data).unwrap().flatten() {
        let name = entry.file_name();
        if name == "state" || name == "checkpoint" || name.to_string_lossy().starts_with("state-") {
            std::fs::remove_dir_all(entry.path()).unwrap();
        }
    }
}
