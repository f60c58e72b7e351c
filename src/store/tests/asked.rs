//! What an operator asked for, and what it changed, are one record.

use super::*;

pub(super) fn asked(n: u64, done: Record) -> Record {
    let (request, by, what) = (request(n), "li".to_owned(), "outbox drop a@b told by telephone".to_owned());
    Record::Asked(Box::new(Asked { request, at: at(20), by, what, said: "a@b will not be sent".into(), done }))
}

fn request(n: u64) -> RequestId {
    RequestId::new(at(20).as_millisecond(), n)
}

#[test]
fn a_request_does_what_its_record_says_and_is_remembered() {
    let dir = folder();
    let (store, _) = open(dir.path());
    store.append(decided_with(1, vec![outgoing("a@b", Some(1), "zhang@example.com")])).unwrap();
    assert_eq!(store.asked(&request(1)).unwrap(), None);
    let notice = outgoing("n@b", Some(1), "ops@example.com");
    let record = asked(1, failed("a@b", Some(notice.clone())));
    let position = store.append(record.clone()).unwrap();
    drop(store);

    let (store, _) = open(dir.path());
    let Record::Asked(told) = store.record(position).unwrap() else { panic!() };
    assert_eq!(store.asked(&request(1)).unwrap(), Some(*told));
    assert_eq!(store.asked(&request(2)).unwrap(), None);
    assert_eq!(store.outbox_item(&id("a@b")).unwrap(), None);
    let item = store.outbox_item(&id("n@b")).unwrap().unwrap();
    assert_eq!(store.outgoing(&item).unwrap(), notice);
    assert_eq!(store.history(number(1)).unwrap().last().unwrap(), &(position, record));
    let before = everything(&store);
    store.rebuild().unwrap();
    assert_eq!(everything(&store), before);
    let beside: Vec<_> = waiting(dir.path()).unwrap().into_iter().map(|item| item.message_id).collect();
    assert_eq!(beside, [id("n@b")], "the journal read beside the bot says the same");
}

#[test]
fn a_decision_that_was_asked_for_is_found_as_any_other() {
    let dir = folder();
    let (store, _) = open(dir.path());
    store.append(asked(1, opens(1))).unwrap();
    assert_eq!(store.decided(&mail(1)).unwrap(), Some(decided(1)));
    let mut entries = Vec::new();
    ledger(dir.path(), |entry| entries.push(entry)).unwrap();
    assert_eq!(entries.len(), 1);
}

/// Both once had the same letter in the state, and the first request of an operator stopped all timers.
#[test]
fn what_an_operator_asked_for_is_no_timer() {
    let dir = folder();
    let (store, _) = open(dir.path());
    store.append(asked(1, opens(1))).unwrap();
    assert_eq!(store.alarms(at(9_000), 10).unwrap(), []);
}
