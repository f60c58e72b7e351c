//! Old journals stay readable. Each file of `tests/fixtures` is as the program of its time wrote it: whatever is added
//! to a record later must be read as absent there. A new kind of record, or a new field, gets a file of its own.
//! `REWRITE=1` writes a file that is not there yet, and never one that is.

use super::*;
use crate::case::{Absence, Alarm, Prints, Priority, Suppression, Work};
use crate::outgoing::Leaves;

type Records = fn() -> Vec<Record>;

/// What each file holds.
const VERSIONS: [(&str, Records); 7] = [
    ("journal-v1.log", samples),
    ("journal-v1-manners.log", super::manners::mannered),
    ("journal-v1-agents.log", worked),
    ("journal-v1-requests.log", requested),
    ("journal-v1-upkeep.log", kept_up),
    ("journal-v1-erased.log", erased),
    ("journal-v1-drawn.log", drawn),
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Agents at work: orders, timers, held and delayed mails, what is internal; and dead addresses.
fn worked() -> Vec<Record> {
    let mut work = Work {
        agent: Some(address("agent@example.com")),
        priority: Priority::High,
        thread: vec![id("1@customer.example"), id("2@customer.example")],
        fields: [("account".to_owned(), "张三".to_owned())].into(),
        asked: true,
        relays: 2,
        closed: Some(at(40)),
        rating: Some(4),
        ..Work::default()
    };
    work.set_timer(Alarm::Wake, at(500));
    work.set_timer(Alarm::Silence, at(900));
    let said = Said::parse("0badcafedeadbeef").unwrap();
    let case = Case { state: CaseState::WithAgents, said, work, ..case(1) };
    let held = Outgoing { leaves: Leaves::WhenReleased, ..outgoing("h1@bot.example", Some(1), "zhang@example.com") };
    let later = Outgoing { leaves: Leaves::At(at(60)), ..outgoing("l1@bot.example", Some(1), "zhang@example.com") };
    let gone = Outgoing { leaves: Leaves::WhenReleased, ..outgoing("g1@bot.example", Some(1), "zhang@example.com") };
    let orders = Orders {
        released: vec![id("h1@bot.example")],
        withdrawn: vec![id("g1@bot.example")],
        internal: Prints::of(
            &"客户上月投诉过两次，先不要告诉他我们已经查到了原因，等技术部门确认以后再统一回复。".repeat(3),
        ),
        absences: vec![Absence { agent: address("agent@example.com"), until: at(9_000) }],
        ..Orders::default()
    };
    let suppressed = vec![Suppression { address: address("dead@example.com"), until: at(8_000) }];
    vec![
        started(),
        decided_with(1, vec![held, later, gone]),
        Record::Decided(Box::new(Decided {
            outcome: Outcome::Appended(number(1)),
            case: Some(case.clone()),
            orders,
            suppressed,
            ..decided(2)
        })),
        Record::Changed(Box::new(Changed {
            at: at(30),
            case: Case { state: CaseState::Closed, ..case },
            outgoing: Vec::new(),
            spent: Vec::new(),
            why: Why(vec![("alarm".into(), "silence".into())]),
        })),
    ]
}

/// What operators asked for, and what they were told.
fn requested() -> Vec<Record> {
    vec![
        decided_with(1, vec![outgoing("a1@bot.example", Some(1), "zhang@example.com")]),
        Record::Told { at: at(2), notice: outgoing("t1@bot.example", None, "ops@example.com") },
        Record::Settled {
            mailbox: name("support"),
            places: vec![imap(1), Place::Maildir { file: "17.M1.host".into() }],
        },
        super::asked::asked(1, failed("a1@bot.example", None)),
    ]
}

/// What repair and retention write down.
fn kept_up() -> Vec<Record> {
    vec![
        opens(1),
        Record::Repaired { at: at(2), position: Position(700), octets: 341 },
        Record::Forgotten { at: at(3), mails: vec![mail(1), mail(2)] },
    ]
}

/// What compaction and erasure write down.
fn erased() -> Vec<Record> {
    vec![
        decided_with(1, vec![outgoing("a1@bot.example", Some(1), "zhang@example.com")]),
        opens(2),
        Record::Erased {
            at: at(3),
            cases: vec![number(1)],
            mails: vec![mail(1)],
            withdrawn: vec![id("a1@bot.example")],
        },
        Record::Compacted { at: at(4), by_age: true, cases: Vec::new() },
        Record::Compacted { at: at(5), by_age: false, cases: vec![number(1)] },
    ]
}

/// What an erasure leaves of a reminder.
fn drawn() -> Vec<Record> {
    let spent = vec![Scope::Global, Scope::ForwardsTo("agent@example.com".into())];
    vec![opens(1), Record::Drawn { at: at(2), spent }]
}

/// Frames in a row.
fn written(records: Vec<Record>) -> Vec<u8> {
    let (mut bytes, mut before) = (Vec::new(), 0);
    for record in records {
        let position = bytes.len();
        bytes.extend(frame::encode(position as u64, before, &schema::encode(&record).unwrap()));
        before = frame_at(&bytes, 0, position).unwrap().checksum;
    }
    bytes
}

#[test]
fn a_journal_of_every_version_is_read_and_makes_the_same_state() {
    for (file, records) in VERSIONS {
        if std::env::var_os("REWRITE").is_some() && !fixture(file).exists() {
            std::fs::write(fixture(file), written(records())).unwrap();
        }
        let bytes = std::fs::read(fixture(file)).unwrap();
        let mut read = Vec::new();
        let end = walk(&bytes, 0, Some(0), |frame| {
            assert_eq!(frame.payload[0], 1);
            read.push(schema::decode(frame.payload).unwrap());
            Ok::<(), ()>(())
        });
        assert_eq!(end, Ok(End::Whole), "{file}");
        assert_eq!(read, records(), "{file}");

        let (old, new) = (folder(), folder());
        std::fs::create_dir(old.path().join("journal")).unwrap();
        std::fs::write(old.path().join("journal/0000000000000000.log"), &bytes).unwrap();
        std::fs::write(old.path().join("key"), [7; 32]).unwrap();
        let ((old, opened), (new, _)) = (open(old.path()), open(new.path()));
        assert_eq!(opened.replayed, read.len() as u64, "{file}");
        for record in records() {
            new.append(record).unwrap();
        }
        let rows = |store: &Store| everything(store).into_iter().filter(|(key, _)| key != b"a").collect::<Vec<_>>();
        // Positions are those of frames as long as they were then.
        match written(records()).len() == bytes.len() {
            true => assert_eq!(everything(&old), everything(&new), "{file}"),
            false => assert_eq!(rows(&old).len(), rows(&new).len(), "{file}"),
        }
    }
}

#[test]
fn a_record_of_a_newer_program_is_not_guessed_at() {
    for (payload, want) in [
        (&b"\x02{}"[..], "a newer one wrote it"),
        (b"", "empty"),
        (b"\x01{\"unheard-of\":{}}", "unknown variant"),
        (b"\x01", "EOF"),
    ] {
        let error = schema::decode(payload).unwrap_err();
        assert!(error.contains(want), "{error}");
    }
}

#[test]
fn a_row_of_the_state_stays_under_4_kb() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let long = |n: usize| "x".repeat(n);
    let to = format!("{}@{}.{}.example", long(64), long(63), long(63));
    let mut big = case(1);
    big.requester = Some(address(&to));
    big.category = Some(CategoryId::parse(&long(80)).unwrap());
    let mid = format!("{}@x", long(248));
    let record = Record::Decided(Box::new(Decided {
        case: Some(big),
        place: Place::Maildir { file: long(255) },
        outgoing: vec![outgoing(&mid, Some(1), &to)],
        spent: vec![Scope::Global; 500],
        ..decided(1)
    }));
    store.append(record).unwrap();
    store.append(send_start(&mid, 1)).unwrap();
    let said =
        Record::Deferred { message_id: id(&mid), attempt: 1, at: at(1), until: at(2), why: "案\"".repeat(10_000) };
    store.append(said).unwrap();
    let largest = everything(&store).iter().map(|(_, v)| v.len()).max().unwrap();
    assert!(largest <= 4_096, "{largest}");
}
