//! The operator's commands as an operator meets them: the program itself, beside a bot that runs and alone.

use std::fs;
use std::path::Path;

use huixin::case::{Case, CaseState};
use huixin::ids::{CaseNumber, MailHash, MailboxName};
use huixin::mailbox::Place;
use huixin::store::{Decided, Outcome, QUARANTINED, Record, Store, Why};
use serde_json::Value;

use crate::bot::Bot;

/// A word of every mail, which no command may show unless asked.
const SECRET: &str = "zebra";

fn lay(bot: &Bot, name: &str) {
    let mail = format!(
        "From: {name}@example.org\r\nTo: support@example.com\r\nMessage-ID: <{name}@example.org>\r\n\
         Subject: {SECRET}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nMy {SECRET} {name} cannot sleep.\r\n"
    );
    bot.lay(name, mail.as_bytes());
}

/// Runs a command that must end with this code and tell nothing it was not asked for; what it said.
#[track_caller]
fn says(bot: &Bot, arguments: &[&str], code: i32) -> String {
    let (got, out, err) = bot.command(arguments);
    let all = format!("{out}{err}");
    assert_eq!(got, Some(code), "{arguments:?}\n{all}");
    if !arguments.contains(&"--mail") {
        assert!(!all.contains(SECRET), "{arguments:?} shows a text\n{all}");
        // The keyed hash of a person may end with any letter.
        let named = all.match_indices("a@example.org").any(|(at, _)| !all[..at].ends_with(char::is_alphanumeric));
        assert!(!named && !all.contains("agent@"), "{arguments:?} shows an address\n{all}");
    }
    all
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A bot that has answered a mail `a` and runs.
fn at_work() -> Bot {
    let mut bot = Bot::local();
    bot.start_and_look();
    lay(&bot, "a");
    bot.wait("the mails of a", |bot| bot.events("forwarded").len() + bot.events("answered").len() == 2);
    bot
}

/// The same, with a relay that takes nothing more, and two mails about `b` that wait for it.
fn stuck() -> Bot {
    let mut bot = at_work();
    fs::remove_dir_all(bot.folder().join("out")).unwrap();
    fs::write(bot.folder().join("out"), "").unwrap();
    lay(&bot, "b");
    bot.wait("the first attempt", |bot| !bot.events("deferred").is_empty());
    bot
}

#[test]
fn before_the_first_start_there_is_nothing_to_show_and_the_message_says_so() {
    let bot = Bot::local();
    for command in [&["ledger"][..], &["outbox", "list"], &["quarantine", "list"], &["backup", "b"], &["rebuild"]] {
        let said = says(&bot, command, 66);
        assert!(said.contains("no bot has run with this configuration yet"), "{said}");
    }
    assert!(!bot.folder().join("data").exists() && !bot.folder().join("b").exists());
    assert!(says(&bot, &["restore", "nowhere", "data"], 74).contains("nowhere"));
    assert!(!bot.folder().join("data").exists());
}

#[test]
fn the_ledger_names_every_mail_and_nobody() {
    let mut bot = at_work();
    let said = says(&bot, &["ledger"], 0);
    assert!(said.contains("opened") && said.contains("1 in the ledger: 1 opened"), "{said}");
    let told = lines(&says(&bot, &["ledger", "--json", "--since", "all"], 0));
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0]["mailbox"], &told[0]["place"], &told[0]["outcome"]),
        (&"support".into(), &"a".into(), &"opened".into())
    );
    let hash = MailHash::parse(told[0]["hash"].as_str().unwrap()).unwrap();
    assert!(CaseNumber::parse(told[0]["case"].as_str().unwrap()).is_some());
    assert!(bot.folder().join("data/archive").join(&hash.to_string()[..2]).join(format!("{hash}.eml")).exists());
    assert!(says(&bot, &["ledger", "--since", "0h"], 0).starts_with("0 in the ledger"));
    assert!(says(&bot, &["ledger", "--since", "soon"], 64).contains("write `30d`, `12h` or `all`"));
    assert_eq!(bot.stop(), Some(0));
    assert!(says(&bot, &["ledger"], 0).contains("1 opened"));
}

#[test]
fn a_mail_in_the_mailbox_that_is_not_in_the_ledger_is_a_gap() {
    let mut bot = at_work();
    assert!(says(&bot, &["ledger", "--reconcile"], 0).contains("0 not taken"));
    assert_eq!(bot.stop(), Some(0));
    lay(&bot, "young");
    assert!(says(&bot, &["ledger", "--reconcile"], 0).contains("just came  support  young"));
    let told = lines(&says(&bot, &["ledger", "--reconcile", "--grace", "0", "--json"], 1));
    assert_eq!((told.len(), &told[0]["place"], &told[0]["gap"]), (1, &"young".into(), &true.into()));
    assert!(says(&bot, &["ledger", "--grace", "0"], 64).contains("--reconcile"));
    fs::remove_dir_all(bot.folder().join("in")).unwrap();
    fs::write(bot.folder().join("in"), "").unwrap();
    assert!(says(&bot, &["ledger", "--reconcile"], 69).contains("mailbox support cannot be listed"));
}

#[test]
fn a_mail_that_waits_is_shown_and_changed_beside_the_bot_and_without_it() {
    let mut bot = stuck();
    let waiting = lines(&says(&bot, &["outbox", "list", "--json"], 0));
    assert_eq!(waiting.len(), 2);
    let of = |purpose: &str| {
        let found = waiting.iter().find(|item| item["purpose"] == purpose);
        found.unwrap_or_else(|| panic!("{purpose} in {waiting:?}"))["id"].as_str().unwrap().to_owned()
    };
    let (answer, forward) = (of("answer"), of("forward"));
    assert!(waiting.iter().any(|item| item["last"].as_str().is_some_and(|last| last.contains("relay trouble"))));
    assert!(waiting[0]["to"].as_str().unwrap().ends_with("@example.org"), "{waiting:?}");
    assert!(says(&bot, &["outbox", "list"], 0).contains("2 in the outbox"));
    let shown = says(&bot, &["outbox", "show", &format!("<{answer}>")], 0);
    assert!(shown.contains("purpose   answer") && shown.contains("--mail"), "{shown}");
    assert!(says(&bot, &["outbox", "show", &answer, "--mail"], 0).contains("To: b@example.org"));
    assert!(says(&bot, &["outbox", "show", &forward, "--mail"], 0).contains(SECRET));
    assert!(says(&bot, &["outbox", "show", "nobody"], 64).contains("`huixin outbox list` lists them"));

    let said = says(&bot, &["rebuild"], 75);
    assert!(said.contains("in use by another huixin (process") && said.contains("stop it"), "{said}");
    assert!(says(&bot, &["outbox", "drop", &answer], 64).contains("--reason"));
    let dropped = ["outbox", "drop", &answer, "--reason", "told by telephone", "--by", "li"];
    assert!(says(&bot, &dropped, 0).contains("will not be sent"));
    assert_eq!(fs::read_dir(bot.folder().join("data/requests")).unwrap().count(), 0);
    assert_eq!(bot.stop(), Some(0));
    assert!(says(&bot, &["outbox", "retry", &forward], 0).contains("due now; it leaves when the bot runs"));
    assert!(says(&bot, &dropped, 64).contains("no mail in the outbox"));
    assert!(says(&bot, &["outbox", "list"], 0).contains("1 in the outbox"));

    // What was decided is in the case's history, and the mail that was wanted leaves.
    let (store, _) = Store::open(&bot.folder().join("data")).unwrap();
    let (mut words, mut asked) = (Vec::new(), Vec::new());
    store
        .records(|_, record| {
            if let Record::Asked(it) = &record {
                asked.push((it.by.clone(), it.what.clone()));
            }
            if let Record::Failed { why, .. } | Record::Deferred { why, .. } = record.into_plain() {
                words.push(why);
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0], ("li".into(), format!("outbox drop {answer} told by telephone")));
    assert!(words.contains(&"dropped by li: told by telephone".to_owned()), "{words:?}");
    assert!(words.last().unwrap().contains("asked for it"), "{words:?}");
    drop(store);
    fs::remove_file(bot.folder().join("out")).unwrap();
    let before = bot.events("forwarded").len();
    bot.start();
    bot.wait("the forward", |bot| bot.events("forwarded").len() == before + 1);
    assert_eq!(bot.events("answered").len(), 1);
    assert!(says(&bot, &["outbox", "list"], 0).contains("0 in the outbox"));
}

#[test]
fn a_mail_in_quarantine_is_shown_with_its_reason_and_its_file() {
    let mut bot = at_work();
    assert_eq!(bot.stop(), Some(0));
    let (store, _) = Store::open(&bot.folder().join("data")).unwrap();
    let hash = store.archive().put(b"From: a@example.org\r\n\r\nzebra\r\n").unwrap();
    let now = huixin::app::now();
    let (mailbox, outcome) =
        (MailboxName::parse("support").unwrap(), Outcome::Quarantined(Some(CaseNumber::from_bits(7))));
    let decided = Decided {
        why: Why(vec![(QUARANTINED.into(), "the reader stopped at <a@example.org>".into())]),
        ..Decided::new(mailbox, Place::Maildir { file: "poison".into() }, hash, outcome, now)
    };
    store.append(Record::Decided(Box::new(decided))).unwrap();
    drop(store);
    let listed = says(&bot, &["quarantine", "list"], 0);
    assert!(listed.contains(&hash.short()) && listed.contains("1 in quarantine"), "{listed}");
    let told = lines(&says(&bot, &["quarantine", "list", "--json"], 0));
    assert_eq!(told[0]["hash"], hash.to_string());
    let shown = says(&bot, &["quarantine", "show", &hash.short()], 0);
    assert!(shown.contains("the reader stopped") && shown.contains(&format!("{hash}.eml")), "{shown}");
    assert!(says(&bot, &["quarantine", "show", "zz"], 64).contains("`huixin quarantine list --all` lists them"));
    assert!(says(&bot, &["ledger"], 0).contains("1 quarantined"));
}

/// Puts a mail into the quarantine of a bot that stands still; its hash.
fn quarantine(bot: &Bot, case: u64, mail: &str) -> MailHash {
    let (store, _) = Store::open(&bot.folder().join("data")).unwrap();
    let hash = store.archive().put(mail.as_bytes()).unwrap();
    let (now, number) = (huixin::app::now(), CaseNumber::from_bits(case));
    let mut opened = store.cases().unwrap().next().unwrap().unwrap();
    opened = Case { number, state: CaseState::WithAgents, requester: None, answers: 0, ..opened };
    let decided = Decided {
        case: Some(opened),
        why: Why(vec![(QUARANTINED.into(), "reader-stopped: at a byte".into())]),
        ..Decided::new(
            MailboxName::parse("support").unwrap(),
            Place::Maildir { file: format!("poison{case}") },
            hash,
            Outcome::Quarantined(Some(number)),
            now,
        )
    };
    store.append(Record::Decided(Box::new(decided))).unwrap();
    hash
}

#[test]
fn a_mail_in_quarantine_is_read_again_or_dropped_while_the_bot_runs() {
    let mut bot = at_work();
    assert_eq!(bot.stop(), Some(0));
    let mail = |name: &str| {
        format!(
            "From: {name}@example.org\r\nTo: support@example.com\r\nMessage-ID: <{name}@example.org>\r\n\
             Subject: {SECRET}\r\n\r\nMy {SECRET} {name} cannot sleep.\r\n"
        )
    };
    let (again, dropped) = (quarantine(&bot, 7, &mail("g")), quarantine(&bot, 8, &mail("h")));
    bot.start();
    let answered = bot.events("answered").len();
    let said =
        says(&bot, &["quarantine", "drop", &dropped.to_string(), "--reason", "told by telephone", "--by", "li"], 0);
    assert!(said.contains("is dropped, and case") && said.contains("bytes are kept"), "{said}");
    let said = says(&bot, &["quarantine", "retry", "--all", "--by", "li"], 0);
    assert!(said.contains("was read: it is in case") && said.contains("1 in quarantine were tried"), "{said}");
    bot.wait("the answer to what was read again", |bot| bot.events("answered").len() == answered + 1);
    assert!(says(&bot, &["quarantine", "retry", &again.short()], 64).contains("no mail in quarantine"));
    assert!(says(&bot, &["quarantine", "list"], 0).starts_with("0 in quarantine"));
    let all = lines(&says(&bot, &["quarantine", "list", "--all", "--json"], 0));
    assert_eq!((all.len(), &all[0]["code"]), (1, &"reader-stopped".into()));
    assert_eq!(all[0]["dropped"], "by li: told by telephone");
    assert_eq!(bot.stop(), Some(0));

    let (store, _) = Store::open(&bot.folder().join("data")).unwrap();
    let case = store.case(CaseNumber::from_bits(7)).unwrap().unwrap();
    assert_eq!((case.received, case.answers), (1, 1), "{case:?}");
    assert_eq!(store.taken(&again).unwrap().unwrap().outcome, Outcome::Appended(case.number));
    assert_eq!(store.case(CaseNumber::from_bits(8)).unwrap().unwrap().state, CaseState::Closed);
    assert!(store.archive().get(&dropped).is_ok());
    let history = store.history(case.number).unwrap();
    let asked = history.iter().any(|(_, record)| matches!(record, Record::Asked(asked) if asked.by == "li"));
    assert!(asked, "{history:?}");
}

#[test]
fn a_backup_of_a_running_bot_is_restored_and_the_bot_goes_on_in_it() {
    let mut bot = stuck();
    let said = says(&bot, &["backup", "saved"], 0);
    assert!(said.contains("2 mails") && said.contains("each verified"), "{said}");
    assert!(says(&bot, &["backup", "saved"], 64).contains("nothing is written over"));
    assert!(says(&bot, &["restore", "saved", "data"], 64).contains("nothing is written over"));
    let waiting = |bot: &Bot| lines(&says(bot, &["outbox", "list", "--json"], 0)).len();
    assert_eq!(waiting(&bot), 2);
    // The machine is lost.
    bot.kill();
    fs::remove_dir_all(bot.folder().join("data")).unwrap();
    let told = lines(&says(&bot, &["restore", "saved", "data", "--json"], 0));
    assert_eq!((&told[0]["mails"], &told[0]["lost"]), (&2.into(), &Value::Array(Vec::new())));
    assert_eq!(waiting(&bot), 2);
    assert!(says(&bot, &["ledger"], 0).contains("2 opened"));
    let rebuilt = says(&bot, &["rebuild"], 0);
    assert!(rebuilt.contains("2 mails, 2 cases, 2 in the outbox"), "{rebuilt}");
    let figures = lines(&says(&bot, &["rebuild", "--json"], 0));
    assert_eq!((&figures[0]["cases"], &figures[0]["outbox"]), (&2.into(), &2.into()));
    fs::remove_file(bot.folder().join("out")).unwrap();
    says(&bot, &["outbox", "retry", ids(&bot, "forward").first().unwrap()], 0);
    bot.start();
    bot.wait("what waited", |bot| bot.events("forwarded").len() == 2);
    assert_eq!(bot.stop(), Some(0));
}

#[test]
fn a_backup_with_a_flipped_bit_is_refused_and_the_place_is_named() {
    let mut bot = at_work();
    says(&bot, &["backup", "saved"], 0);
    assert_eq!(bot.stop(), Some(0));
    let saved = bot.folder().join("saved");
    let flip = |path: &Path, at: usize| {
        let mut bytes = fs::read(path).unwrap();
        bytes[at] ^= 4;
        fs::write(path, bytes).unwrap();
    };
    let segment = saved.join("journal/0000000000000000.log");
    flip(&segment, 500);
    let said = says(&bot, &["restore", "saved", "back"], 74);
    assert!(said.contains("the journal is damaged") && said.contains("0000000000000000.log"), "{said}");
    flip(&segment, 500);
    let hash = lines(&says(&bot, &["ledger", "--json"], 0))[0]["hash"].as_str().unwrap().to_owned();
    flip(&saved.join("archive").join(&hash[..2]).join(format!("{hash}.eml")), 3);
    let said = says(&bot, &["restore", "saved", "back"], 65);
    assert!(said.contains("has been altered") && said.contains("--incomplete"), "{said}");
    assert!(!bot.folder().join("back").exists());
    let said = says(&bot, &["restore", "saved", "back", "--incomplete"], 0);
    assert!(said.contains("; lost: 1"), "{said}");
}

#[test]
fn a_command_whose_reader_has_gone_ends_in_silence() {
    let bot = Bot::local();
    for arguments in
        [&["check"][..], &["rules", "docs", "--help"], &["inspect", "--offline", "bot.toml"], &["rules", "check"]]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        std::mem::drop(reader);
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_huixin"));
        command.current_dir(bot.folder()).args(arguments).stdout(writer.try_clone().unwrap()).stderr(writer);
        let code = command.status().unwrap().code();
        assert!(matches!(code, Some(0 | 78)), "{arguments:?}: {code:?}");
    }
}

/// Where the decision about the mail in this place begins in the one segment of the journal.
fn decision(bot: &Bot, place: &str) -> usize {
    let (store, _) = Store::open(&bot.folder().join("data")).unwrap();
    let mut found = None;
    store
        .records(|position, record| {
            if let Record::Decided(decided) = record
                && decided.place == (Place::Maildir { file: place.into() })
            {
                found = Some(position.0 as usize);
            }
            Ok(())
        })
        .unwrap();
    found.unwrap()
}

#[test]
fn a_bot_with_a_damaged_journal_is_repaired_and_every_mail_is_answered_once() {
    let mut bot = stuck();
    bot.kill();
    let segment = bot.folder().join("data/journal/0000000000000000.log");
    let places = ["a", "b"].map(|place| decision(&bot, place));
    let mut bytes = fs::read(&segment).unwrap();
    for at in places {
        bytes[at + 200] ^= 16;
    }
    fs::write(&segment, &bytes).unwrap();
    bot.spawn();
    bot.wait_log("`huixin repair --dry-run`");
    bot.kill();

    let said = says(&bot, &["repair", "--dry-run"], 1);
    assert!(said.contains("in 2 places others are lost") && said.contains("2 mails of the archive"), "{said}");
    assert_eq!(fs::read(&segment).unwrap(), bytes, "nothing was changed");
    let told = lines(&says(&bot, &["repair", "--json"], 0));
    assert_eq!(
        (&told[0]["damages"][0]["offset"], &told[0]["damages"][1]["offset"]),
        (&places[0].into(), &places[1].into())
    );
    assert_eq!(told[0]["taken_again"].as_array().unwrap().len(), 1, "{told:?}");
    assert_eq!(told[0]["shown"].as_array().unwrap().len(), 1, "{told:?}");
    assert!(
        Path::new(told[0]["kept"].as_str().unwrap()).is_relative()
            || Path::new(told[0]["kept"].as_str().unwrap()).exists()
    );
    assert!(says(&bot, &["repair", "--dry-run"], 0).contains("the journal is whole"));
    let shown = says(&bot, &["quarantine", "list"], 0);
    assert!(shown.contains("decision-lost") && shown.contains("1 in quarantine"), "{shown}");

    fs::remove_file(bot.folder().join("out")).unwrap();
    let answered = bot.events("answered").len();
    bot.spawn();
    bot.wait("the mail that was not answered", |bot| bot.events("answered").len() == answered + 1);
    bot.wait("its forward", |bot| bot.events("forwarded").len() == 2);
    assert_eq!(bot.stop(), Some(0));
    assert!(says(&bot, &["rebuild"], 0).contains("2 mails, 2 cases, 0 in the outbox"));
    assert_eq!(bot.events("answered").len(), answered + 1, "what was answered is not answered again");
}

#[test]
fn a_mail_altered_in_the_archive_is_fetched_again_while_it_lies_in_the_mailbox() {
    let mut bot = at_work();
    assert_eq!(bot.stop(), Some(0));
    let hash = lines(&says(&bot, &["ledger", "--json"], 0))[0]["hash"].as_str().unwrap().to_owned();
    let file = bot.folder().join("data/archive").join(&hash[..2]).join(format!("{hash}.eml"));
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[1..]).unwrap();
    assert!(says(&bot, &["repair"], 65).contains("is altered in the archive and not in its mailbox any more"));
    bot.lay("a", &whole);
    assert!(says(&bot, &["repair"], 0).contains("has been fetched again"));
    assert_eq!(fs::read(&file).unwrap(), whole);
}

fn ids(bot: &Bot, purpose: &str) -> Vec<String> {
    let items = lines(&says(bot, &["outbox", "list", "--json"], 0));
    let of = items.iter().filter(|item| item["purpose"] == purpose);
    of.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn after_a_change_of_the_key_what_left_before_is_known_again() {
    let mut bot = at_work();
    assert!(says(&bot, &["key", "show"], 0).contains("there is one key"));
    assert!(says(&bot, &["key", "rotate"], 75).contains("stop it"));
    assert_eq!(bot.stop(), Some(0));
    let before = fs::read(bot.folder().join("data/key")).unwrap();
    assert!(says(&bot, &["key", "rotate", "--accept-days", "30"], 0).contains("believed to the end of"));
    let after = fs::read(bot.folder().join("data/key")).unwrap();
    assert_eq!((after.len(), &after[32..64]), (32 + 36, &before[..]));
    assert_ne!(after[..32], before[..]);
    // The customer answers a mail of ours that the old key has signed.
    let sent = fs::read_dir(bot.folder().join("out/new")).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
    let answer = sent.map(|mail| String::from_utf8(mail).unwrap()).find(|mail| mail.contains("auto-replied")).unwrap();
    let id = answer.lines().find_map(|line| line.strip_prefix("Message-ID: ")).unwrap();
    let reply = format!(
        "From: a@example.org\r\nTo: support@example.com\r\nMessage-ID: <a2@example.org>\r\nIn-Reply-To: {id}\r\n\
         References: {id}\r\nSubject: Re: {SECRET}\r\n\r\nIt does not sleep yet.\r\n"
    );
    bot.start();
    bot.lay("a2", reply.as_bytes());
    bot.wait("the reply", |bot| bot.events("received").len() == 2);
    assert_eq!(bot.stop(), Some(0));
    assert!(says(&bot, &["ledger"], 0).contains("1 appended, 1 opened"));
}
