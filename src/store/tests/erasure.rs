//! Who is erased stands nowhere any more, and everybody else where they stood.

use super::compact::{KEEP, after, mint, open_short, work};
use super::*;
use crate::config::Keep;
use crate::store::segments::starts_in;

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
