//! What a replay reads of the journal.

use std::collections::HashMap;

use super::*;
use crate::store::beside::records;

#[test]
fn mails_of_the_past_come_in_order_with_the_case_as_it_stood_before_each() {
    let dir = folder();
    // Small segments, so that a case stands in one and its next mail in another.
    let (store, _) = Store::open_on(dir.path(), Box::new(RealDisk), 2_000).unwrap();
    for record in samples() {
        store.append(record).unwrap();
    }
    for n in 1..40 {
        store.append(opens(n)).unwrap();
    }
    for n in (1..40u32).rev() {
        let later = Case { received: n, ..case(n.into()) };
        let appended =
            Decided { outcome: Outcome::Appended(number(n.into())), case: Some(later), ..decided(1_000 + n) };
        store.append(Record::Decided(Box::new(appended))).unwrap();
    }
    store.sync().unwrap();

    let (mut cases, mut want) = (HashMap::new(), Vec::new());
    records(dir.path(), |_, record| {
        match record {
            Record::Decided(decided) => {
                if let Outcome::Opened(number) | Outcome::Appended(number) = decided.outcome {
                    let before = decided.case.and_then(|case| cases.insert(number, case));
                    want.push((decided.hash, decided.mailbox, decided.at, decided.delivered, number, before));
                }
            }
            Record::Changed(changed) => drop(cases.insert(changed.case.number, changed.case)),
            _ => {}
        }
        Ok(())
    })
    .unwrap();
    let (journal, mut found) = (PastJournal::beside(dir.path()).unwrap().unwrap(), Vec::new());
    let told = |mail: PastMail| {
        let before = mail.before.map(|position| journal.case(position).unwrap());
        found.push((mail.hash, mail.mailbox, mail.at, mail.delivered, mail.case, before));
    };
    journal.mails(told).unwrap();
    assert_eq!(found, want);
    assert!(found.iter().filter(|mail| mail.5.is_some()).count() >= 39);
    assert!(PastJournal::beside(folder().path()).unwrap().is_none());
}

#[test]
fn damage_in_the_past_is_found_and_a_half_written_frame_is_not_damage() {
    let dir = folder();
    let (store, _) = open(dir.path());
    for n in 1..4 {
        store.append(opens(n)).unwrap();
    }
    store.sync().unwrap();
    let journal = PastJournal::beside(dir.path()).unwrap().unwrap();
    let count = || {
        let mut mails = 0;
        journal.mails(|_| mails += 1).map(|()| mails)
    };
    assert_eq!(count().unwrap(), 3);
    let segment = dir.path().join("journal").join(format!("{:016x}.log", 0));
    let whole = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(count().unwrap(), 2);
    std::fs::write(&segment, &whole).unwrap();
    assert!(matches!(journal.case(Position(5)), Err(StoreError::Damaged { .. })));
}
