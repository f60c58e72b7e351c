//! Mails leave the archive when their time is over, and not before.

use std::time::{Duration, SystemTime};

use super::*;
use crate::config::Keep;

const KEEP: Keep = Keep { mail_days: 90, quarantine_days: 30, letter_days: 0, case_days: 0 };

fn after(days: i64) -> Timestamp {
    at(days * 24 * 60 * 60)
}

/// Archives a mail and decides about it.
fn put(store: &Store, n: u32, change: impl FnOnce(&mut Decided)) -> MailHash {
    let hash = store.archive().put(format!("Subject: {n}\r\n\r\n").as_bytes()).unwrap();
    let came = SystemTime::UNIX_EPOCH + Duration::from_secs(at(0).as_second() as u64);
    std::fs::File::open(store.archive().path(&hash)).unwrap().set_modified(came).unwrap();
    let mut decided = Decided { hash, ..decided(n) };
    change(&mut decided);
    store.append(Record::Decided(Box::new(decided))).unwrap();
    hash
}

fn close(decided: &mut Decided, closed: Timestamp) {
    let case = decided.case.as_mut().unwrap();
    case.state = CaseState::Closed;
    case.work.closed = Some(closed);
}

#[test]
fn a_mail_stays_for_its_time_after_its_case_was_closed() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let open_case = put(&store, 1, |_| {});
    let closed = put(&store, 2, |decided| close(decided, after(10)));
    let waiting = put(&store, 3, |decided| {
        close(decided, after(10));
        decided.outgoing = vec![outgoing("a@b", Some(3), "zhang@example.com")];
    });
    let of_no_case = put(&store, 4, |decided| (decided.outcome, decided.case) = (Outcome::Own(None), None));
    let quarantined = put(&store, 5, |decided| {
        close(decided, after(10));
        decided.outcome = Outcome::Quarantined(Some(number(5)));
    });
    let undecided = store.archive().put(b"not yet").unwrap();
    let came = SystemTime::UNIX_EPOCH;
    std::fs::File::open(store.archive().path(&undecided)).unwrap().set_modified(came).unwrap();
    let all = [open_case, closed, waiting, of_no_case, quarantined, undecided];

    for (day, gone) in [
        (39, vec![]),
        (41, vec![quarantined]),
        (89, vec![quarantined]),
        (91, vec![quarantined, of_no_case]),
        (101, vec![quarantined, of_no_case, closed]),
        (4_000, vec![quarantined, of_no_case, closed]),
    ] {
        store.forget(&KEEP, after(day)).unwrap();
        for hash in &all {
            assert_eq!(store.archive().get(hash).is_err(), gone.contains(hash), "day {day}: {hash}");
        }
        assert_eq!(store.forget(&KEEP, after(day)).unwrap(), 0, "once");
    }
    assert_eq!(store.taken(&closed).unwrap().unwrap().outcome, Outcome::Opened(number(2)), "what is known stays");
    store.append(sent("a@b")).unwrap();
    assert_eq!(store.forget(&KEEP, after(101)).unwrap(), 1, "the mail that waited has left");
    let before = everything(&store);
    store.rebuild().unwrap();
    assert_eq!(everything(&store), before);
}

#[test]
fn a_mail_of_a_merged_case_stays_for_as_long_as_the_case_it_goes_on_in() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let merged = |n: u32, into: u64| {
        put(&store, n, |decided| {
            close(decided, at(0));
            decided.case.as_mut().unwrap().work.merged = Some(number(into));
        })
    };
    // The first goes on in the second, and that in the third, which is open for long.
    let (first, second, third) = (merged(1, 2), merged(2, 3), put(&store, 3, |_| {}));
    let gone = |day: i64| {
        store.forget(&KEEP, after(day)).unwrap();
        [first, second, third].map(|hash| store.archive().get(&hash).is_err())
    };
    assert_eq!(gone(1_000), [false; 3], "it is open");
    let closing = |outgoing: Vec<Outgoing>, case: Case| {
        let (at, spent, why) = (after(1_000), Vec::new(), Why::default());
        store.append(Record::Changed(Box::new(Changed { at, case, outgoing, spent, why }))).unwrap();
    };
    let mut closed = Case { state: CaseState::Closed, ..case(3) };
    closed.work.closed = Some(after(1_000));
    closing(vec![outgoing("last@bot.example", Some(3), "zhang@example.com")], closed);
    assert_eq!(gone(1_089), [false; 3], "it has not been closed for long");
    assert_eq!(gone(1_091), [false; 3], "it has mail to send");
    store.append(sent("last@bot.example")).unwrap();
    assert_eq!(gone(1_091), [true; 3]);
}

#[test]
fn what_is_kept_for_ever_stays_for_ever() {
    let dir = folder();
    let (store, _) = open(dir.path());
    put(&store, 2, |decided| close(decided, at(0)));
    assert_eq!(store.forget(&Keep { mail_days: 0, quarantine_days: 1, ..KEEP }, after(9_000)).unwrap(), 0);
    assert_eq!(store.forget(&Keep { mail_days: 0, quarantine_days: 0, ..KEEP }, after(9_000)).unwrap(), 0);
}

#[test]
fn a_mail_that_was_kept_long_enough_is_not_lost_to_a_backup() {
    let dir = folder();
    let data = dir.path().join("data");
    let (store, _) = open(&data);
    let gone = put(&store, 1, |decided| close(decided, at(0)));
    put(&store, 2, |_| {});
    assert_eq!(store.forget(&KEEP, after(100)).unwrap(), 1);
    store.sync().unwrap();
    let copied = backup(&data, &dir.path().join("copy")).unwrap();
    assert_eq!((copied.mails, copied.lost), (1, vec![]));
    let restored = restore(&dir.path().join("copy"), &dir.path().join("again"), false).unwrap();
    assert_eq!((restored.mails, restored.lost), (1, vec![]));

    // A crash came after the record and before the file was removed: the next pass finds it.
    put(&store, 3, |decided| close(decided, at(0)));
    let hash = store.archive().put(b"Subject: 3\r\n\r\n").unwrap();
    store.append(Record::Forgotten { at: after(100), mails: vec![hash] }).unwrap();
    assert_eq!(store.forget(&KEEP, after(100)).unwrap(), 1);
    assert!(store.archive().get(&gone).is_err() && store.archive().get(&hash).is_err());
}
