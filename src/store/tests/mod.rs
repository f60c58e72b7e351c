//! Records to test with, and the promises of the store as a whole.

mod asked;
mod beside;
mod budgets;
mod checkpoint;
mod compact;
mod suppression;
mod crash;
mod disk;
mod erasure;
mod manners;
mod outbox;
mod repair;
mod retention;
mod past;
mod versions;

use std::path::Path;

use super::*;
use crate::address::{Address, ReversePath};
use crate::case::{Case, CaseState, Clues, Folded, Prints, Said, Scope, Twin};
use crate::ids::{CaseNumber, CategoryId, GroupId, MailHash, MailboxName, MessageId, RequestId};
use crate::language::Language;
use crate::mailbox::Place;
use crate::outgoing::{Content, Envelope, Outgoing, Purpose};
use crate::time::Timestamp;

/// A data folder that goes away with the test.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn open(dir: &Path) -> (Store, Opened) {
    Store::open(dir).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).unwrap()
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn id(text: &str) -> MessageId {
    MessageId::parse(text).unwrap()
}

fn number(n: u64) -> CaseNumber {
    CaseNumber::from_bits(n)
}

fn imap(uid: u32) -> Place {
    Place::Imap { uid_validity: 7, uid }
}

fn mail(n: u64) -> MailHash {
    MailHash::of(&n.to_be_bytes())
}

fn case(n: u64) -> Case {
    Case {
        number: number(n),
        state: CaseState::New,
        mailbox: name("support"),
        requester: Some(address("zhang@example.com")),
        language: Language::Zh,
        category: Some(CategoryId::parse("deliver.bounce").unwrap()),
        group: GroupId::parse("mail-tech").unwrap(),
        opened: at(0),
        touched: at(n as i64),
        received: 1,
        answers: 1,
        acknowledgements: 0,
        statuses: 0,
        forwards: 1,
        last_answer: None,
        said: Said::default(),
        work: Default::default(),
    }
}

fn outgoing(message_id: &str, case: Option<u64>, to: &str) -> Outgoing {
    Outgoing {
        message_id: id(message_id),
        purpose: Purpose::Answer,
        case: case.map(number),
        envelope: Envelope { from: ReversePath::Null, to: address(to) },
        content: Content {
            head: format!("Message-ID: <{message_id}>\r\n\r\n您好\r\n"),
            original: Some(mail(1)),
            tail: "--b--\r\n".into(),
        },
        leaves: Default::default(),
    }
}

fn started() -> Record {
    Record::Started { mailbox: name("support"), mark: StartMark { at: at(0), uid_validity: 7, uid_next: 100 } }
}

fn taken(n: u32, attempt: u32) -> Record {
    Record::Taken { mailbox: name("support"), place: imap(n), hash: mail(n.into()), attempt, at: at(n.into()) }
}

/// Mail number `n` opens case `n` without any mail leaving.
fn decided(n: u32) -> Decided {
    Decided {
        mailbox: name("support"),
        place: imap(n),
        hash: mail(n.into()),
        at: at(n.into()),
        delivered: at(0),
        outcome: Outcome::Opened(number(n.into())),
        case: Some(case(n.into())),
        known_as: vec![id(&format!("{n}@customer.example"))],
        twin: Some(Twin(mail(1_000_000 + u64::from(n)))),
        outgoing: Vec::new(),
        spent: Vec::new(),
        suppressed: Vec::new(),
        orders: Default::default(),
        manners: Manners::default(),
        why: Why(vec![("rule".into(), "deliver.bounce: 退信 in the subject".into())]),
    }
}

/// The same with mails that leave.
fn decided_with(n: u32, mails: Vec<Outgoing>) -> Record {
    Record::Decided(Box::new(Decided { outgoing: mails, ..decided(n) }))
}

fn opens(n: u32) -> Record {
    Record::Decided(Box::new(decided(n)))
}

fn send_start(message_id: &str, attempt: u32) -> Record {
    Record::SendStart { message_id: id(message_id), attempt, at: at(10) }
}

fn sent(message_id: &str) -> Record {
    Record::Sent { message_id: id(message_id), at: at(11), response: "250 2.0.0 Ok".into() }
}

fn deferred(message_id: &str, until: i64) -> Record {
    Record::Deferred {
        message_id: id(message_id),
        attempt: 1,
        at: at(12),
        until: at(until),
        why: "451 4.7.1 greylisted".into(),
    }
}

fn failed(message_id: &str, notice: Option<Outgoing>) -> Record {
    Record::Failed { message_id: id(message_id), at: at(13), why: "550 5.1.1 no such user".into(), notice }
}

/// One record of every kind, in an order that makes sense.
fn samples() -> Vec<Record> {
    vec![
        started(),
        taken(100, 1),
        decided_with(
            100,
            vec![
                outgoing("a1@bot.example", Some(100), "zhang@example.com"),
                outgoing("f1@bot.example", Some(100), "tech@example.com"),
            ],
        ),
        Record::Again {
            mailbox: name("sales"),
            place: Place::Maildir { file: "17.M1.host".into() },
            hash: mail(100),
            at: at(5),
        },
        Record::Vanished { mailbox: name("support"), place: imap(101), at: at(6) },
        Record::Changed(Box::new(Changed {
            at: at(7),
            case: Case { state: CaseState::Closed, requester: None, category: None, ..case(100) },
            outgoing: vec![outgoing("n1@bot.example", None, "ops@example.com")],
            spent: vec![
                Scope::Sender("zhang@example.com".into()),
                Scope::Domain("example.com".into()),
                Scope::Unknown,
                Scope::Global,
            ],
            why: Why::default(),
        })),
        send_start("a1@bot.example", 1),
        sent("a1@bot.example"),
        send_start("f1@bot.example", 1),
        deferred("f1@bot.example", 900),
        failed("f1@bot.example", Some(outgoing("n2@bot.example", Some(100), "ops@example.com"))),
    ]
}

/// Everything that the state knows, in a form that can be compared.
fn everything(store: &Store) -> Vec<(Vec<u8>, Vec<u8>)> {
    store.state().unwrap().dump()
}

#[test]
fn what_was_written_down_is_known_by_every_way_to_ask() {
    let dir = folder();
    let (store, opened) = open(dir.path());
    assert!(opened.first);
    assert_eq!(store.mailbox(&name("support")).unwrap(), MailboxState::default());
    for record in samples() {
        store.append(record).unwrap();
    }
    let support = store.mailbox(&name("support")).unwrap();
    assert_eq!(support.started.unwrap().uid_next, 100);
    assert_eq!(support.known.cursor.unwrap().uid, 101);
    assert_eq!(store.mailbox(&name("sales")).unwrap(), MailboxState::default());
    assert!(store.is_placed(&name("sales"), &Place::Maildir { file: "17.M1.host".into() }).unwrap());
    assert!(!store.is_placed(&name("support"), &imap(102)).unwrap());

    let known = store.taken(&mail(100)).unwrap().unwrap();
    assert_eq!(known.outcome, Outcome::Opened(number(100)));
    assert_eq!(store.taken(&mail(101)).unwrap(), None);
    assert_eq!(store.attempts(&mail(100)).unwrap(), 0);
    assert_eq!(store.case(number(100)).unwrap().unwrap().state, CaseState::Closed);
    assert_eq!(store.cases_of(&address("Zhang+1@example.com")).unwrap().len(), 1);
    assert_eq!(store.cases().unwrap().count(), 1);
    assert_eq!(store.ledger().unwrap().count(), 1);

    let facts = store
        .facts(
            &Clues {
                signed: vec![number(5), number(100)],
                references: vec![id("x@y"), id("100@customer.example")],
                numbers: vec![number(100), number(100)],
                candidates: vec![number(100), number(101)],
                scopes: vec![Scope::Global],
                twin: Some(Twin(mail(1_000_100))),
                sender: Some(address("Zhang+1@example.com")),
                agents: Vec::new(),
            },
            at(200),
        )
        .unwrap();
    for cases in [&facts.by_signed, &facts.by_reference, &facts.by_number] {
        assert_eq!(cases.iter().map(|c| c.number).collect::<Vec<_>>(), [number(100)]);
    }
    assert_eq!(facts.free_number, Some(number(101)));
    assert_eq!(facts.twin, Some(number(100)));
    assert_eq!(facts.open_cases, 0, "the one case is closed");
    assert_eq!(facts.budgets[&Scope::Global].count(&Scope::Global, 60, at(8)), 1);

    let history = store.history(number(100)).unwrap();
    let kinds: Vec<_> = history.iter().map(|(_, record)| std::mem::discriminant(record)).collect();
    let want = [2, 5, 7, 9, 10].map(|i| std::mem::discriminant(&samples()[i]));
    assert_eq!(kinds, want);
}

#[test]
fn what_was_merged_into_a_case_is_told_and_kept_internal_with_it() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let note = Prints::of("the customer was promised a refund by their account manager last week");
    let noted = Decided { orders: Orders { internal: note.clone(), ..Orders::default() }, ..decided(1) };
    let mut positions: Vec<Position> = vec![store.append(Record::Decided(Box::new(noted))).unwrap()];
    positions.push(store.append(opens(2)).unwrap());
    positions.push(store.append(opens(3)).unwrap());
    // The first goes on in the second, and that in the third.
    for (merged, into) in [(1, 2), (2, 3)] {
        let mut case = Case { state: CaseState::Closed, ..case(merged) };
        case.work.merged = Some(number(into));
        let decided = Decided { case: Some(case), ..decided(10 + merged as u32) };
        let outcome = Outcome::Appended(number(merged));
        positions.push(store.append(Record::Decided(Box::new(Decided { outcome, ..decided }))).unwrap());
    }
    let history = |n: u64| store.history(number(n)).unwrap().into_iter().map(|(at, _)| at).collect::<Vec<_>>();
    assert_eq!(history(3), positions);
    assert_eq!(history(1), [positions[0], positions[3]]);
    let clues = Clues { signed: vec![number(3)], ..Clues::default() };
    assert_eq!(store.facts(&clues, at(99)).unwrap().internal, note);
}

#[test]
fn a_twin_is_one_for_seven_days() {
    let dir = folder();
    let (store, _) = open(dir.path());
    store.append(opens(1)).unwrap();
    let twin_at = |second: i64| {
        let clues = Clues { twin: Some(Twin(mail(1_000_001))), ..Clues::default() };
        store.facts(&clues, at(second)).unwrap().twin
    };
    assert_eq!(twin_at(1 + 7 * 86_400), Some(number(1)));
    assert_eq!(twin_at(2 + 7 * 86_400), None);
}

#[test]
fn a_squatted_message_id_stays_with_the_first_case() {
    let dir = folder();
    let (store, _) = open(dir.path());
    store.append(opens(1)).unwrap();
    let squatter = Decided { known_as: decided(1).known_as, ..decided(2) };
    store.append(Record::Decided(Box::new(squatter))).unwrap();
    let clues = Clues { references: decided(1).known_as, ..Clues::default() };
    assert_eq!(store.facts(&clues, at(9)).unwrap().by_reference[0].number, number(1));
}

#[test]
fn the_cursor_never_passes_a_mail_that_is_not_decided() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let cursor = || {
        let cursor = store.mailbox(&name("support")).unwrap().known.cursor.unwrap();
        (cursor.uid_validity, cursor.uid)
    };
    store.append(started()).unwrap();
    // Whether mail from before the first look is taken as well is not for the store to say.
    assert_eq!(store.mailbox(&name("support")).unwrap().known.cursor, None);
    for n in 100..104 {
        store.append(taken(n, 1)).unwrap();
    }
    store.append(opens(102)).unwrap();
    assert_eq!(cursor(), (7, 99));
    store.append(opens(100)).unwrap();
    assert_eq!(cursor(), (7, 100));
    assert_eq!(store.pending(&name("support")).unwrap(), [(imap(101), mail(101)), (imap(103), mail(103))]);
    store.append(opens(101)).unwrap();
    assert_eq!(cursor(), (7, 102));

    let moved = Record::Again {
        mailbox: name("support"),
        place: Place::Imap { uid_validity: 8, uid: 1 },
        hash: mail(100),
        at: at(200),
    };
    store.append(moved).unwrap();
    assert_eq!(cursor(), (8, 1), "a new UIDVALIDITY counts from the beginning");
}

#[test]
fn a_mail_tried_and_not_decided_remembers_its_attempts() {
    let dir = folder();
    let (store, _) = open(dir.path());
    store.append(taken(1, 1)).unwrap();
    store.append(taken(1, 2)).unwrap();
    drop(store);
    let (store, _) = open(dir.path());
    assert_eq!(store.attempts(&mail(1)).unwrap(), 2);
    store.append(opens(1)).unwrap();
    assert_eq!(store.attempts(&mail(1)).unwrap(), 0);
}

#[test]
fn what_would_not_read_back_is_never_written() {
    let dir = folder();
    let (store, _) = open(dir.path());
    // A Message-ID made with an overlong domain is not one that we would read.
    let overlong = MessageId::mint(store.key(), number(1), "a", &"x".repeat(300));
    let mails = vec![Outgoing { message_id: overlong, ..outgoing("a@b", Some(1), "a@example.com") }];
    let unreadable = store.append(decided_with(1, mails));
    assert!(matches!(unreadable, Err(StoreError::Refused(_))), "{unreadable:?}");
    let again = store.append(decided_with(2, vec![outgoing("same@x", Some(2), "a@example.com"); 2]));
    assert!(matches!(again, Err(StoreError::Refused(_))), "{again:?}");
    assert_eq!(store.stats().unwrap().records, 0);
    assert_eq!(store.cases().unwrap().count(), 0);
}

#[test]
fn a_second_process_is_refused_and_the_folder_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = folder();
    let data = dir.path().join("data");
    let (store, _) = open(&data);
    let Err(error) = Store::open(&data) else { panic!("two at once") };
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    store.append(opens(1)).unwrap();
    store.archive().put(b"mail").unwrap();
    for path in ["", "archive", "journal", "state", "lock", "key", "journal/synced"] {
        let mode = data.join(path).metadata().unwrap().permissions().mode() & 0o077;
        assert_eq!(mode, 0, "{path}");
    }
    drop(store);
    open(&data);
}
