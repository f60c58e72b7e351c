//! The pulse, the breaker, senders in haste and digests: in the journal, whatever happens to the state.

use super::*;
use crate::case::{Cause, Folded, Haste, JUDGED, Robot, Tripped};

/// Mail `n` is folded for these agents.
fn folds(n: u32, to: &[&str]) -> Record {
    let folded = Folded {
        to: to.iter().map(|to| address(to)).collect(),
        case: number(n.into()),
        mail: mail(n.into()),
        at: at(n.into()),
        from: Some(address("storm@example.org")),
        subject: format!("发票 {n}"),
    };
    let manners = Manners { folded: Some(folded), ..Manners::default() };
    Record::Decided(Box::new(Decided { manners, ..decided(n) }))
}

/// Case `n` is opened and answered.
fn answers(n: u32) -> Record {
    decided_with(n, vec![outgoing(&format!("a{n}@bot.example"), Some(n.into()), "zhang@example.com")])
}

fn trips(n: u32) -> Record {
    let tripped = Tripped { at: at(n.into()), cause: Cause::Hour, count: 301, limit: 300 };
    let manners = Manners { tripped: Some(tripped), ..Manners::default() };
    Record::Decided(Box::new(Decided { manners, ..decided(n) }))
}

fn comes_back(n: u32, case: u64) -> Record {
    let manners = Manners { came_back: Some(number(case)), ..Manners::default() };
    Record::Decided(Box::new(Decided { manners, ..decided(n) }))
}

fn hurries(n: u32) -> Record {
    let haste = Haste {
        answered: None,
        quick: vec![at(1), at(2), at(3)],
        robot: Some(Robot { until: at(600_000), case: number(n.into()) }),
    };
    let sender = Scope::Sender(address("zhang@example.com").counting_key());
    let manners = Manners { haste: Some((sender, haste)), ..Manners::default() };
    Record::Decided(Box::new(Decided { manners, ..decided(n) }))
}

fn digested(to: &str, through: u64, name: &str) -> Record {
    let mail = Outgoing { purpose: Purpose::Forward, ..outgoing(name, None, to) };
    Record::Digested { at: at(700), to: address(to), through, mail }
}

fn released() -> Record {
    Record::Released { at: at(800), by: "ops".into(), reason: "演练结束".into() }
}

/// Every kind of record and field that this is about.
pub(super) fn mannered() -> Vec<Record> {
    let case = Case { acknowledgements: 1, statuses: 2, answers: 3, ..case(9) };
    vec![
        started(),
        answers(1),
        send_start("a1@bot.example", 1),
        sent("a1@bot.example"),
        answers(2),
        comes_back(3, 1),
        trips(4),
        hurries(5),
        folds(6, &["agent@example.com", "tech@example.com"]),
        folds(7, &["agent@example.com"]),
        digested("agent@example.com", 1, "d1@bot.example"),
        Record::Decided(Box::new(Decided { case: Some(case), ..decided(9) })),
        released(),
        answers(10),
    ]
}

fn write(store: &Store, records: Vec<Record>) {
    for record in records {
        store.append(record).unwrap();
    }
}

#[test]
fn manners_survive_a_restart_and_the_loss_of_the_state() {
    let dir = folder();
    let clues = Clues { sender: Some(address("Zhang+1@example.com")), ..Clues::default() };
    let all = mannered();
    let cuts = [7, 11, all.len()];
    for cut in cuts {
        let dir = folder();
        let (store, _) = open(dir.path());
        write(&store, all[..cut].to_vec());
        let (facts, rows) = (store.facts(&clues, at(900)).unwrap(), everything(&store));
        assert_eq!(facts.tripped.is_some(), cut < cuts[2], "{cut}");
        drop(store);
        let (store, _) = open(dir.path());
        assert_eq!(store.facts(&clues, at(900)).unwrap(), facts);
        drop(store);
        std::fs::remove_dir_all(dir.path().join("state")).unwrap();
        let (store, _) = open(dir.path());
        assert_eq!(everything(&store), rows, "all at once as one by one");
        // What is told beside a running bot is what the bot knows.
        store.sync().unwrap();
        let told = standing(dir.path()).unwrap();
        assert_eq!((told.pulse, told.tripped), (facts.pulse, facts.tripped));
    }
    let (store, _) = open(dir.path());
    write(&store, all);
    let facts = store.facts(&clues, at(900)).unwrap();
    assert_eq!(facts.robots_case.map(|case| case.number), Some(number(5)));
    assert_eq!(facts.haste.quick.len(), 3);
    assert_eq!((facts.pulse.cases().count(), facts.pulse.bounces(JUDGED)), (1, 0), "released: it counts anew");
}

#[test]
fn while_the_breaker_is_open_answers_wait_and_everything_else_leaves() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let forward = Outgoing { purpose: Purpose::Forward, ..outgoing("f3@bot.example", Some(3), "tech@example.com") };
    for record in [answers(1), answers(2), trips(4), decided_with(3, vec![forward])] {
        store.append(record).unwrap();
    }
    let due = || -> Vec<String> {
        store.due(at(900), 9).unwrap().iter().map(|item| item.message_id.as_str().to_owned()).collect()
    };
    assert_eq!(due(), ["f3@bot.example"]);
    store.append(send_start("f3@bot.example", 1)).unwrap();
    store.append(sent("f3@bot.example")).unwrap();
    assert_eq!((due().len(), store.next_due().unwrap()), (0, None), "nobody looks again and again at what is held");
    let mut woken = store.queued();
    woken.mark_unchanged();
    store.append(released()).unwrap();
    assert!(woken.has_changed().unwrap());
    assert_eq!(due(), ["a1@bot.example", "a2@bot.example"]);
}

#[test]
fn what_is_folded_waits_in_line_until_a_digest_names_it() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let agent = address("agent@example.com");
    assert_eq!(store.digests().unwrap(), []);
    write(&store, (10..20).map(|n| folds(n, &["agent@example.com"])).collect());
    let line = Line { first: 0, next: 10, since: at(10) };
    assert_eq!(store.digests().unwrap(), [(agent.clone(), line)]);
    let (mails, through) = store.folded(&agent, 7).unwrap();
    assert_eq!((mails.len(), through, mails[6].mail), (7, 7, mail(16)));
    store.append(digested("agent@example.com", 7, "d1@bot.example")).unwrap();
    assert_eq!(store.digests().unwrap(), [(agent.clone(), Line { first: 7, next: 10, since: at(700) })]);
    store.append(folds(20, &["agent@example.com"])).unwrap();
    let (mails, through) = store.folded(&agent, 99).unwrap();
    assert_eq!((mails.len(), through), (4, 11));
    store.append(digested("agent@example.com", 11, "d2@bot.example")).unwrap();
    assert_eq!((store.digests().unwrap(), store.folded(&agent, 9).unwrap()), (vec![], (vec![], 0)));
    assert_eq!(store.outbox_len().unwrap(), 2);
}

#[test]
fn the_row_of_the_pulse_stays_small() {
    let dir = folder();
    let (store, _) = open(dir.path());
    for n in 0..1500 {
        let mut record = decided(n);
        record.at = at(i64::from(n) * 500);
        record.outgoing = vec![outgoing(&format!("a{n}@bot.example"), Some(n.into()), "zhang@example.com")];
        store.append(Record::Decided(Box::new(record))).unwrap();
    }
    let largest = everything(&store).iter().map(|(_, v)| v.len()).max().unwrap();
    assert!((2_000..4_096).contains(&largest), "{largest}");
}
