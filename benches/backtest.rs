//! What `huixin rules backtest` costs a mail, and how long a million of them take on two cores.
//!
//! `cargo bench --bench backtest` lays 100,000 mails into an archive and a journal, as the bot would have, each with
//! one kilobyte of Chinese text: half of them in base64, every fifth an answer to an earlier one that it quotes. Then
//! the command is run over them under the shipped rules and other revisions. Beside it stands what reading journal and
//! archive costs alone, in the same run. `-- 1000000` takes so many mails instead, with ten gigabytes on disk.
//!
//! The texts are made of the sentences in tests/labelled, the same in every run.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use huixin::app::{self, files};
use huixin::case::Facts;
use huixin::decide::{Decision, Effect, Mail, decide};
use huixin::ids::MailHash;
use huixin::ingest::reader;
use huixin::mailbox::Place;
use huixin::outgoing::Purpose;
use huixin::playbook::Playbook;
use huixin::store::{Archive, Decided, Outcome, PastJournal, Record, Store, Why};

const MAILS: usize = 100_000;
/// Octets of what a mail says.
const OCTETS: usize = 1_024;
/// Every so many mails one is an answer to what it got.
const FOLLOW_UP: usize = 5;
/// Mails decided at a time: whole groups of those.
const BATCH: usize = 200 * FOLLOW_UP;
const MILLION: f64 = 1e6;
const CORES: f64 = 2.0;
/// Of the clock in /proc/self/stat (proc(5)).
const TICKS_A_SECOND: f64 = 100.0;

/// What people write around what they want.
const AROUND: [&str; 8] = [
    "您好，打扰了。",
    "我们公司在杭州，一共三十多个人，平时都靠它联系客户。",
    "这件事昨天下午就有同事提过，今天上午还是老样子。",
    "我不太懂电脑，麻烦说得简单一点，最好一步一步写下来。",
    "如果需要我这边提供什么，请直接告诉我，我马上去准备。",
    "下周一就要给领导看结果，所以有点着急，请见谅。",
    "以前都是小王负责这一块，他上个月去了别的部门，现在由我接手。",
    "麻烦您了，谢谢！祝工作顺利。",
];

fn main() {
    let mails = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(MAILS);
    let desk = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = |name: &str| desk.path().join(name);
    fs::copy(root.join("bot.toml"), path("bot.toml")).expect("bot.toml");
    for part in ["rules", "templates"] {
        copy(&root.join(part), &path(part));
    }
    fs::create_dir_all(path("none")).expect("a folder");
    let (hashes, octets) = keep(&path("bot.toml"), &Wants::of(root), mails);
    let each = |octets: u64| octets as usize / mails;
    println!(
        "{mails} mails of {} octets; {} octets of journal each",
        each(octets),
        each(size(&path("var/data/journal")))
    );

    println!("{:44}{:>14}{:>14}{:>24}", "", "CPU a mail", "mails/s", "1,000,000 on two cores");
    let reading = |name: &str, work: &mut dyn FnMut()| told(name, mails, &mut || measured(own, work), (0.0, 0.0));
    reading("the journal, read only", &mut || read_all(&path("var/data/journal")));
    reading("the journal, as it is read for a backtest", &mut || {
        let journal = PastJournal::beside(&path("var/data")).expect("the folder is listed").expect("a journal");
        let mut known = 0;
        journal.mails(|mail| known += usize::from(black_box(mail).case.bits() > 0)).expect("the journal is read");
        assert_eq!(known, mails);
    });
    let archive = Archive::beside(&path("var/data"));
    reading("the archive, read and checked", &mut || {
        reader::on_all_cores(&hashes, |hash| archive.get(hash).map(|mail| mail.len()).map_err(|e| e.to_string()));
    });
    reading("the archive, and every mail read", &mut || {
        reader::on_all_cores(&hashes, |hash| {
            let mail = archive.get(hash).map_err(|e| e.to_string())?;
            Ok(black_box(app::read(&mail)).size)
        });
    });

    for (name, change) in changes() {
        let other = path("other");
        let _ = fs::remove_dir_all(&other);
        copy(&root.join("rules"), &other);
        change(&other);
        let loading = measured(children, &mut || backtest(desk.path(), &["--mails", "none"]));
        let mut run = || measured(children, &mut || backtest(desk.path(), &["--since", "all"]));
        told(name, mails, &mut run, loading);
    }
}

/// Seconds of processor time, and by the clock.
type Seconds = (f64, f64);

fn measured(processor: fn() -> f64, work: &mut dyn FnMut()) -> Seconds {
    let (before, begun) = (processor(), Instant::now());
    work();
    (processor() - before, begun.elapsed().as_secs_f64())
}

/// A line of the table. `once` is what is done once, however many mails there are.
fn told(name: &str, mails: usize, work: &mut dyn FnMut() -> Seconds, once: Seconds) {
    let (processor, clock) = work();
    let (each, pace) = ((processor - once.0) / mails as f64, mails as f64 / (clock - once.1));
    let all = once.1 + MILLION * each / CORES;
    println!("{name:44}{:>11.1} µs{pace:>14.0}{all:>22.0} s", each * MILLION);
}

type Edit = fn(&Path);

/// What the present rules are compared with. Tests are left out where they would no longer pass.
fn changes() -> [(&'static str, Edit); 4] {
    [
        ("a keyword more in one rule", |rules| {
            edit(rules, "10-account.toml", |text| text.replacen("\"学信网\"", "\"学信网\", \"智慧校园\"", 1));
        }),
        ("every threshold higher", |rules| {
            without_tests(rules);
            edit(rules, "taxonomy.toml", |text| text.replace("threshold = 1.0", "threshold = 1.5"));
        }),
        ("all weights learnt anew, a word in every list", |rules| {
            without_tests(rules);
            edit(rules, "86-weighed.toml", |text| text.replace(" = 1.5", " = 1.75").replace(" = 2.0", " = 2.25"));
            for file in ["10-account.toml", "30-delivery.toml", "40-config.toml", "50-feature.toml"] {
                edit(rules, file, |text| text.replace("zh = [\"", "zh = [\"打卡\", \""));
            }
        }),
        ("what all rules share: a group more", |rules| {
            edit(rules, "taxonomy.toml", |text| format!("{text}\n[[group]]\nid = \"bench\"\nlabel = \"bench\"\n"));
        }),
    ]
}

fn edit(rules: &Path, file: &str, change: impl Fn(&str) -> String) {
    let text = fs::read_to_string(rules.join(file)).expect("a rule file");
    let changed = change(&text);
    assert_ne!(text, changed, "{file} has nothing of what is changed");
    fs::write(rules.join(file), changed).expect("a rule file");
}

fn without_tests(rules: &Path) {
    for entry in fs::read_dir(rules).expect("a folder") {
        let file = entry.expect("a folder").path();
        let text = fs::read_to_string(&file).expect("a rule file");
        let mut in_test = false;
        let kept: Vec<&str> = text
            .lines()
            .filter(|line| {
                if line.starts_with('[') {
                    in_test = line.starts_with("[[rule.test]]");
                }
                !in_test
            })
            .collect();
        fs::write(&file, kept.join("\n")).expect("a rule file");
    }
}

fn backtest(desk: &Path, arguments: &[&str]) {
    let ran = Command::new(env!("CARGO_BIN_EXE_huixin"))
        .current_dir(desk)
        .args(["rules", "backtest", "--against", "other"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("huixin runs");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(matches!(ran.status.code(), Some(0 | 1)), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    if std::env::var_os("SHOW").is_some() {
        println!("{}", said.lines().last().unwrap_or_default());
    }
}

/// Processor time of all children that have ended: the 16th and 17th field, the second of which may have blanks in it.
fn children() -> f64 {
    processor(13)
}

/// Processor time of this process: the 14th and 15th.
fn own() -> f64 {
    processor(11)
}

fn processor(first: usize) -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let behind = stat.rsplit(')').next().unwrap_or_default();
    let ticks = behind.split_whitespace().skip(first).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS_A_SECOND
}

/// Decides the mails and writes everything down, as the bot does, with what it then says of mails taken and sent.
fn keep(bot: &Path, wants: &Wants, mails: usize) -> (Vec<MailHash>, u64) {
    let configured = files::configured(bot).expect("bot.toml");
    let (store, _) = Store::open(&configured.path(&configured.config.data)).expect("a store");
    let (playbook, ..): (Playbook, _, _) = app::playbook(&configured, store.key().clone()).expect("the shipped rules");
    let (mut hashes, mut octets) = (Vec::new(), 0);
    for begin in (0..mails).step_by(BATCH) {
        let batch = begin..mails.min(begin + BATCH);
        let (follow_ups, first): (Vec<usize>, Vec<usize>) = batch.partition(|at| at % FOLLOW_UP == FOLLOW_UP - 1);
        let mut known: Vec<Decision> = Vec::new();
        for part in [first, follow_ups] {
            let written: Vec<(usize, String, Facts)> = part
                .into_iter()
                .map(|at| match at % FOLLOW_UP == FOLLOW_UP - 1 {
                    true => wants.follow_up(at, &known[(at - begin) / FOLLOW_UP * (FOLLOW_UP - 1)]),
                    false => (at, wants.mail(at), Facts::default()),
                })
                .collect();
            let decided = reader::on_all_cores(&written, |(_, text, facts)| {
                let message = app::read(text.as_bytes());
                let mail = Mail {
                    mailbox: &playbook.config().mailboxes[0],
                    hash: MailHash::of(text.as_bytes()),
                    message: &message,
                    findings: None,
                    delivered: app::now(),
                    junk: false,
                    baseline: false,
                };
                Ok((decide(&mail, facts, &playbook, app::now()), message.message_id))
            });
            for ((at, text, facts), decided) in written.iter().zip(decided) {
                let (decision, id) = decided.expect("a decision");
                let hash = MailHash::of(text.as_bytes());
                let file: PathBuf = store.archive().path(&hash);
                // Not by the archive itself, which waits for the disk with every mail.
                fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
                fs::write(file, text).expect("a mail");
                octets += text.len() as u64;
                hashes.push(hash);
                known.push(decision.clone());
                let number = decision.case().expect("a case").number;
                let outcome =
                    if facts.by_signed.is_empty() { Outcome::Opened(number) } else { Outcome::Appended(number) };
                write_down(&store, &playbook, hash, *at, decision, outcome, id);
            }
        }
    }
    store.sync().expect("the disk");
    (hashes, octets)
}

fn write_down(
    store: &Store,
    playbook: &Playbook,
    hash: MailHash,
    at: usize,
    decision: Decision,
    outcome: Outcome,
    id: Option<huixin::ids::MessageId>,
) {
    let (now, mailbox) = (app::now(), playbook.config().mailboxes[0].name.clone());
    let place = Place::Maildir { file: at.to_string() };
    let taken = Record::Taken { mailbox: mailbox.clone(), place: place.clone(), hash, attempt: 1, at: now };
    let case = decision.case().cloned();
    let why = Why(decision.why.lines());
    let outgoing: Vec<_> = decision
        .effects
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Send(mail) => Some(mail),
            _ => None,
        })
        .collect();
    let sent: Vec<_> = outgoing.iter().map(|mail| mail.message_id.clone()).collect();
    let decided = Decided {
        case,
        known_as: id.into_iter().collect(),
        outgoing,
        why,
        ..Decided::new(mailbox, place, hash, outcome, now)
    };
    let mut records = vec![taken, Record::Decided(Box::new(decided))];
    for message_id in sent {
        records.push(Record::SendStart { message_id: message_id.clone(), attempt: 1, at: now });
        records.push(Record::Sent { message_id, at: now, response: "250 2.0.0 Ok: queued as 4bJQ1x0Zl7z9sT".into() });
    }
    for record in records {
        store.append(record).expect("a record");
    }
}

/// What people want.
struct Wants(Vec<String>);

impl Wants {
    fn of(root: &Path) -> Wants {
        let labelled = fs::read_to_string(root.join("tests/labelled/zh.tsv")).expect("labelled sentences");
        let texts = labelled.lines().skip(1).filter_map(|line| line.split_once('\t'));
        Wants(texts.map(|(_, text)| text.to_owned()).collect())
    }

    /// What two people want, among what people write around it.
    fn mail(&self, at: usize) -> String {
        let wants = &self.0;
        // Numbers without a common factor go through all pairs.
        let (one, other) = (&wants[at % wants.len()], &wants[(at * 7 + at / wants.len()) % wants.len()]);
        let mut text = format!("{}\r\n{one}\r\n{other}\r\n", AROUND[0]);
        for around in 1.. {
            if text.len() >= OCTETS {
                break;
            }
            text += AROUND[(at + around) % AROUND.len()];
            text += "\r\n";
        }
        let subject: String = one.chars().take(12).collect();
        letter(at, at, &subject, "", &text)
    }

    /// An answer to what came of an earlier mail, as mail programs write it, and what is known then.
    fn follow_up(&self, at: usize, before: &Decision) -> (usize, String, Facts) {
        let case = before.case().expect("a case").clone();
        let answer = before.outgoing().find(|mail| mail.purpose == Purpose::Answer);
        let reference = answer.map_or(String::new(), |mail| format!("References: <{}>\r\n", mail.message_id.as_str()));
        let wanted = &self.0[at % self.0.len()];
        let mut text = format!("{wanted}\r\n\r\n在 2026年1月7日 14:30，客服 <support@example.com> 写道：\r\n");
        for around in 0.. {
            if text.len() >= OCTETS {
                break;
            }
            text += "> ";
            text += AROUND[(at + around) % AROUND.len()];
            text += "\r\n";
        }
        let first = at + 1 - FOLLOW_UP;
        let facts = Facts { by_signed: vec![case], ..Facts::default() };
        (at, letter(at, first, &format!("Re: [案号] {first}"), &reference, &text), facts)
    }
}

/// A mail with the header that real ones have.
fn letter(at: usize, from: usize, subject: &str, more: &str, text: &str) -> String {
    let (encoding, body) = match at % 2 {
        0 => ("8bit", text.to_owned()),
        _ => ("base64", base64(text.as_bytes())),
    };
    format!(
        "Return-Path: <li{from}@example.net>\r\n\
         Received: from mx.example.net (mx.example.net [203.0.113.7])\r\n\
         \tby mail.example.com (Postfix) with ESMTPS id {at:010}\r\n\
         \tfor <support@example.com>; Wed, 7 Jan 2026 14:30:02 +0800 (CST)\r\n\
         Received: from [192.168.1.23] (unknown [198.51.100.4])\r\n\
         \tby mx.example.net with ESMTPSA id {at:08x}; Wed, 7 Jan 2026 14:30:01 +0800\r\n\
         From: Li Lei <li{from}@example.net>\r\nTo: support@example.com\r\nDate: Wed, 7 Jan 2026 14:30:00 +0800\r\n\
         Message-ID: <{at}@example.net>\r\n{more}Subject: {subject}\r\nX-Mailer: Foxmail 7.2.25\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: {encoding}\r\n\r\n{body}"
    )
}

/// RFC 2045 §6.8.
fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const LINE: usize = 57;
    let mut text = String::new();
    for line in octets.chunks(LINE) {
        for three in line.chunks(3) {
            let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(three.get(at).copied().unwrap_or(0)));
            for digit in 0..4 {
                let value = (bits >> (18 - 6 * digit)) as usize & 63;
                text.push(if digit <= three.len() { char::from(DIGITS[value]) } else { '=' });
            }
        }
        text += "\r\n";
    }
    text
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("a folder").path();
        let to = to.join(entry.file_name().unwrap_or_default());
        match entry.is_dir() {
            true => copy(&entry, &to),
            false => fs::copy(&entry, &to).map(|_| ()).expect("a file"),
        }
    }
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.and_then(|entry| entry.metadata()).expect("a file").len()).sum()
}

fn read_all(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        black_box(fs::read(entry.expect("a folder").path()).expect("a file"));
    }
}
