//! The journal made thinner: whatever was known before is known after, by every way to ask, until it is erased.

use super::*;
use crate::config::Keep;
use crate::store::segments::{Segment, starts_in};

const KEEP: Keep = Keep { mail_days: 90, quarantine_days: 30, letter_days: 40, case_days: 0 };

fn after(days: i64) -> Timestamp {
    at(days * 24 * 60 * 60)
}

fn open_short(dir: &Path) -> Store {
    Store::open_on(dir, Box::new(RealDisk), 4_000).unwrap().0
}

fn mint(store: &Store, n: u64, name: &str) -> String {
    MessageId::mint(store.key(), number(n), name, "bot.example").as_str().to_owned()
}

/// Mails that were taken, answered and closed long ago; every fifth case is open still, and of every seventh the answer
/// has not left.
fn work(store: &Store, cases: std::ops::Range<u32>) {
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

/// What only the person said or is, and where it stands.
const CANARIES: [&str; 6] = ["canary", "CANARY LETTER", "Canary subject", "canary reason", "canary.example", "金丝雀"];

/// A person with two cases, of which one is open and has mail to send, among others.
fn with_canary(store: &Store) -> (Vec<CaseNumber>, Vec<MailHash>, Vec<MessageId>) {
    work(store, 1..30);
    let mut mails = Vec::new();
    for n in [201u32, 202] {
        let hash =
            store.archive().put(format!("From: canary@canary.example\r\n\r\n金丝雀 {n}\r\n").as_bytes()).unwrap();
        let answer = mint(store, n.into(), "answer");
        let mut letter = outgoing(&answer, Some(n.into()), "canary@canary.example");
        letter.content.head = "To: canary@canary.example\r\n\r\nCANARY LETTER\r\n".into();
        let folded = Folded {
            to: vec![address("agent@example.com")],
            case: number(n.into()),
            mail: hash,
            at: at(3),
            from: Some(address("canary@canary.example")),
            subject: "Canary subject".into(),
        };
        let manners = Manners { folded: Some(folded), ..Manners::default() };
        let case = Case { requester: Some(address("canary@canary.example")), ..case(n.into()) };
        let decided = Decided {
            hash,
            case: Some(case.clone()),
            known_as: vec![id(&format!("{n}@mail.canary.example"))],
            spent: vec![
                Scope::Sender("canary@canary.example".into()),
                Scope::Domain("canary.example".into()),
                Scope::Global,
            ],
            suppressed: vec![crate::case::Suppression {
                address: address("canary@canary.example"),
                until: at(900_000),
            }],
            outgoing: vec![letter],
            manners,
            why: Why(vec![("rule".into(), "canary reason".into())]),
            ..decided(n)
        };
        store.append(Record::Decided(Box::new(decided))).unwrap();
        mails.push(hash);
        if n == 201 {
            store.append(send_start(&answer, 1)).unwrap();
            let response = "250 canary@canary.example is happy".into();
            store.append(Record::Sent { message_id: id(&answer), at: at(11), response }).unwrap();
            let through = store.folded(&address("agent@example.com"), 9).unwrap().1;
            let mut digest = outgoing("d1@bot.example", None, "agent@example.com");
            digest.content.head = "Subject: 1\r\n\r\nCanary subject\r\n".into();
            let to = address("agent@example.com");
            store.append(Record::Digested { at: at(12), to, through, mail: digest }).unwrap();
            store.append(sent("d1@bot.example")).unwrap();
        }
    }
    work(store, 30..34);
    let withdrawn = vec![id(&mint(store, 202, "answer"))];
    (vec![number(201), number(202)], mails, withdrawn)
}

/// The files of a data folder in which one of the canaries stands.
fn canaries(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(canaries(&entry.path()));
        } else {
            let bytes = std::fs::read(entry.path()).unwrap();
            let holds = |canary: &&str| bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            found.extend(CANARIES.iter().any(holds).then(|| entry.path()));
        }
    }
    found
}

fn for_ever() -> Keep {
    Keep::for_ever()
}

#[test]
fn who_is_erased_stands_in_no_file_and_nobody_else_is_touched() {
    let dir = folder();
    let (data, copy) = (dir.path().join("data"), dir.path().join("copy"));
    let store = open_short(&data);
    let (cases, mails, withdrawn) = with_canary(&store);
    store.checkpoint().unwrap();
    let others: Vec<Case> = (1..34).map(|n| store.case(number(n)).unwrap().unwrap()).collect();
    assert!(canaries(&data).len() > 3);
    let answered = store.facts(&Clues { scopes: vec![Scope::Global], ..Clues::default() }, at(60)).unwrap();
    let answered = answered.budgets[&Scope::Global].count(&Scope::Global, 60, at(60));
    assert!(answered > 1);

    let who = address("Canary@canary.example");
    assert_eq!(store.cases_of(&who).unwrap().len(), 2);
    store.append(Record::Erased { at: at(50), cases: cases.clone(), mails: mails.clone(), withdrawn }).unwrap();
    let clues = Clues {
        signed: cases.clone(),
        numbers: cases.clone(),
        references: vec![id("201@mail.canary.example")],
        sender: Some(who.clone()),
        scopes: vec![Scope::Global],
        ..Clues::default()
    };
    let unknown = |store: &Store| {
        let facts = store.facts(&clues, at(60)).unwrap();
        assert!(facts.by_signed.is_empty() && facts.by_number.is_empty() && facts.by_reference.is_empty());
        assert_eq!((facts.open_cases, store.cases_of(&who).unwrap().len()), (0, 0));
        // What was answered was answered: forgetting somebody fills no budget that all share.
        assert_eq!(facts.budgets[&Scope::Global].count(&Scope::Global, 60, at(60)), answered);
        assert!(store.due(at(900_000), 99).unwrap().iter().all(|item| item.case.is_none_or(|of| !cases.contains(&of))));
        for (n, case) in (1..34).zip(&others) {
            assert_eq!(store.case(number(n)).unwrap().as_ref(), Some(case));
            assert!(!store.history(number(n)).unwrap().is_empty());
        }
        // None of the mails is taken again.
        assert!(mails.iter().all(|hash| store.taken(hash).unwrap().is_some()));
    };
    unknown(&store);

    let done = store.compact(&for_ever(), at(70)).unwrap();
    assert_eq!((done.erased, done.waiting), (2, 0));
    assert!(!store.is_erasing().unwrap());
    unknown(&store);
    assert!(store.history(number(201)).unwrap().iter().all(|(_, record)| {
        matches!(record.plain(), Record::Decided(decided) if decided.case.is_none() && decided.why.0.is_empty())
    }));
    let want = everything(&store);
    store.rebuild().unwrap();
    assert_eq!(everything(&store), want);
    // What others wait for in a digest is told them all the same.
    let (folded, _) = store.folded(&address("agent@example.com"), 9).unwrap();
    assert_eq!(folded.iter().map(|mail| (mail.case, mail.subject.as_str())).collect::<Vec<_>>(), [(number(202), "")]);
    drop(store);
    assert_eq!(canaries(&data), Vec::<PathBuf>::new());

    let store = open_short(&data);
    unknown(&store);
    store.append(opens(400)).unwrap();
    store.sync().unwrap();
    let copied = backup(&data, &copy).unwrap();
    assert_eq!(copied.lost.iter().filter(|(hash, _)| mails.contains(hash)).count(), 0, "they are not lost");
    unknown(&open_short(&copy));
    assert_eq!(examine(&data).unwrap().damages, []);
}

#[test]
fn an_erasure_that_a_crash_cut_short_is_carried_to_its_end() {
    let dir = folder();
    let base = dir.path().join("base");
    let store = open_short(&base);
    let (cases, mails, withdrawn) = with_canary(&store);
    store.checkpoint().unwrap();
    let erased = Record::Erased { at: at(50), cases, mails: mails.clone(), withdrawn };
    store.append(erased).unwrap();
    drop(store);
    let done = dir.path().join("done");
    super::crash::copy(&base, &done);
    let store = open_short(&done);
    store.compact(&for_ever(), at(70)).unwrap();
    drop(store);

    type Step<'a> = (&'a str, Box<dyn Fn(&Path) + 'a>);
    let steps: [Step<'_>; 3] = [
        ("written down", Box::new(|_| {})),
        ("out of the archive", Box::new(|dir| std::fs::remove_dir_all(dir.join("archive")).unwrap())),
        (
            "out of every second segment",
            Box::new(|dir| {
                for start in starts_in(&dir.join("journal")).unwrap().iter().step_by(2) {
                    let [from, to] =
                        [&done, &dir.to_path_buf()].map(|dir| segments::path_of(&dir.join("journal"), *start));
                    let thinned = std::fs::read(from).unwrap();
                    if crate::store::thin::is_thin(&thinned) {
                        std::fs::write(to, thinned).unwrap();
                    }
                }
            }),
        ),
    ];
    for (i, (what, crash)) in steps.iter().enumerate() {
        let data = dir.path().join(i.to_string());
        super::crash::copy(&base, &data);
        crash(&data);
        let store = open_short(&data);
        assert!(store.is_erasing().unwrap(), "{what}");
        assert_eq!(store.cases_of(&address("canary@canary.example")).unwrap(), [], "{what}");
        assert_eq!(store.compact(&for_ever(), at(71)).unwrap().erased, 2, "{what}");
        drop(store);
        assert_eq!(canaries(&data), Vec::<PathBuf>::new(), "{what}");
        assert!(open_short(&data).case(number(3)).unwrap().is_some(), "{what}");
    }
}

#[test]
fn a_case_that_was_closed_for_long_is_erased_by_itself_and_its_number_may_come_again() {
    let dir = folder();
    let store = open_short(dir.path());
    work(&store, 1..12);
    let keep = Keep { case_days: 100, ..KEEP };
    assert_eq!(store.compact(&keep, after(99)).unwrap().erased, 0);
    let done = store.compact(&keep, after(102)).unwrap();
    // The seventh has mail to send, the fifth and the tenth are open.
    assert_eq!(done.erased, 8);
    let left: Vec<u64> = store.cases().unwrap().map(|case| case.unwrap().number.bits()).collect();
    assert_eq!(left, [5, 7, 10]);
    assert!(store.taken(&mail(3)).unwrap().is_some(), "its mail is not taken again");

    let again = Decided { hash: mail(9_003), place: imap(9_003), at: after(103), ..decided(3) };
    store.append(Record::Decided(Box::new(again))).unwrap();
    store.compact(&keep, after(104)).unwrap();
    let want = everything(&store);
    store.rebuild().unwrap();
    assert_eq!(everything(&store), want);
    assert!(store.case(number(3)).unwrap().is_some());
}

#[test]
fn erasing_somebody_refills_no_budget_that_others_share() {
    let dir = folder();
    let store = open_short(dir.path());
    let canary = "canary@canary.example";
    let shared = [Scope::Global, Scope::Unknown, Scope::FirstTime, Scope::ForwardsTo("agent@example.com".into())];
    let own = [Scope::Sender(canary.into()), Scope::Domain("canary.example".into()), Scope::ForwardsOf(canary.into())];
    let spent = [&shared[..], &own].concat();
    let theirs = Case { requester: Some(address(canary)), ..case(1) };
    // A mail, a mail read again at somebody's word, and two reminders, of which one went to agents alone.
    let first = Decided { case: Some(theirs.clone()), spent: spent.clone(), ..decided(1) };
    let again = Decided { outcome: Outcome::Appended(number(1)), ..first.clone() };
    let reminder = |spent: &[Scope]| {
        let (case, outgoing, why) = (theirs.clone(), Vec::new(), Why::default());
        Record::Changed(Box::new(Changed { at: at(3), case, outgoing, spent: spent.to_vec(), why }))
    };
    store.append(Record::Decided(Box::new(first))).unwrap();
    store.append(super::asked::asked(1, Record::Decided(Box::new(again)))).unwrap();
    store.append(reminder(&spent)).unwrap();
    store.append(reminder(&own)).unwrap();
    let erased = Record::Erased { at: at(50), cases: vec![number(1)], mails: vec![mail(1)], withdrawn: Vec::new() };
    store.append(erased).unwrap();
    let drawn = |store: &Store| {
        let facts = store.facts(&Clues { scopes: spent.clone(), ..Clues::default() }, at(60)).unwrap();
        spent.iter().map(|scope| facts.budgets.get(scope).map_or(0, |window| window.count(scope, 60, at(60)))).collect()
    };
    let before: Vec<u32> = drawn(&store);
    assert_eq!(before, [3, 3, 3, 3, 4, 4, 4]);
    assert_eq!(store.compact(&for_ever(), at(70)).unwrap().erased, 1);
    let after: Vec<u32> = drawn(&store);
    assert_eq!(after, [3, 3, 3, 3, 0, 0, 0]);
    assert_eq!(canaries(dir.path()), Vec::<PathBuf>::new());
    let want = everything(&store);
    store.rebuild().unwrap();
    assert_eq!(everything(&store), want);
}
