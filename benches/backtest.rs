//! What `huixin rules backtest` costs a mail, and how long a million of them take on two cores.
//!
//! `cargo bench --bench backtest` lays 10,000 Chinese mails of about one kilobyte into an archive and a journal, as the
//! bot would have, and runs the command over them under the shipped rules with several changes: over the archive, and
//! over the same mails as a folder of files. The mails are made of the sentences in tests/labelled, the same in every
//! run.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use huixin::app::{self, files};
use huixin::case::Facts;
use huixin::decide::{Effect, Mail, decide};
use huixin::mailbox::Place;
use huixin::playbook::Playbook;
use huixin::store::{self, Decided, Outcome, Record, Store, Why};

const MAILS: usize = 10_000;
/// Octets of the text of a mail.
const OCTETS: usize = 700;
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
    let desk = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = |name: &str| desk.path().join(name);
    fs::copy(root.join("bot.toml"), path("bot.toml")).expect("bot.toml");
    for part in ["rules", "templates"] {
        copy(&root.join(part), &path(part));
    }
    let mails = mails(root);
    fs::create_dir_all(path("mails")).expect("a folder");
    fs::create_dir_all(path("none")).expect("a folder");
    for (at, mail) in mails.iter().enumerate() {
        fs::write(path("mails").join(format!("{at:05}.eml")), mail).expect("a mail");
    }
    keep(&path("bot.toml"), &mails);
    let octets: usize = mails.iter().map(String::len).sum();
    println!("{MAILS} mails of {} octets, shipped rules", octets / MAILS);

    let begin = Instant::now();
    let mut known = 0;
    store::past(&path("var/data"), |mail| {
        known += 1;
        black_box(mail);
    })
    .expect("the journal is read");
    let journal = begin.elapsed().as_secs_f64() / MAILS as f64;
    assert_eq!(known, MAILS);
    println!("reading the journal, which one core does: {:.1} µs a mail", journal * MILLION);

    println!("{:44}{:>16}{:>16}{:>22}", "", "CPU a mail", "mails/s a core", "1,000,000, two cores");
    for (name, change) in changes(root) {
        let other = path("other");
        let _ = fs::remove_dir_all(&other);
        copy(&root.join("rules"), &other);
        change(&other);
        let loading = seconds(desk.path(), &["--mails", "none"]);
        for (from, arguments, alone) in [("archive", ["--since", "all"], journal), ("files", ["--mails", "mails"], 0.0)]
        {
            let each = (seconds(desk.path(), &arguments) - loading) / MAILS as f64;
            // The journal is read before the first mail is decided.
            let all = loading + MILLION * (alone + (each - alone) / CORES);
            let name = format!("{name}, {from}");
            println!("{name:44}{:>13.0} µs{:>16.0}{:>20.0} s", each * MILLION, 1.0 / each, all);
        }
    }
}

type Edit = Box<dyn Fn(&Path)>;

fn changes(root: &Path) -> [(&'static str, Edit); 3] {
    let taxonomy = fs::read_to_string(root.join("rules/taxonomy.toml")).expect("the taxonomy");
    let at = taxonomy.find("id = \"deliver.bounce\"").unwrap_or_default();
    let higher = format!("{}{}", &taxonomy[..at], taxonomy[at..].replacen("threshold = 5.0", "threshold = 5.5", 1));
    assert_ne!(taxonomy, higher, "the threshold is not where it was");
    let more = format!("{taxonomy}\n[[group]]\nid = \"bench\"\nlabel = \"bench\"\n");
    let rule = "schema = 1\n[[rule]]\nid = \"bench\"\ncategory = \"account.login\"\nweight = 6.0\n\
                [rule.when]\nany = [{ kw = [\"登录不了\", \"密码错误\", \"登不上\", \"进不去\"] }]\n";
    let write = |name: &'static str, text: String| -> Edit {
        Box::new(move |folder| fs::write(folder.join(name), &text).expect("a rule file"))
    };
    [
        ("one rule more", write("bench.toml", rule.to_owned())),
        ("a threshold", write("taxonomy.toml", higher)),
        ("what all rules share", write("taxonomy.toml", more)),
    ]
}

/// Seconds of processor time that a backtest takes, of all its threads.
fn seconds(desk: &Path, arguments: &[&str]) -> f64 {
    let before = children();
    let status = Command::new(env!("CARGO_BIN_EXE_huixin"))
        .current_dir(desk)
        .args(["rules", "backtest", "--against", "other"])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("huixin runs");
    assert!(matches!(status.code(), Some(0 | 1)), "{status}");
    children() - before
}

/// Processor time of all children that have ended: the 16th and 17th field, the second of which may have blanks in it.
fn children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let behind = stat.rsplit(')').next().unwrap_or_default();
    let ticks = behind.split_whitespace().skip(13).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS_A_SECOND
}

/// Decides the mails and writes everything down, as the bot does.
fn keep(bot: &Path, mails: &[String]) {
    let configured = files::configured(bot).expect("bot.toml");
    let (store, _) = Store::open(&configured.path(&configured.config.data)).expect("a store");
    let (playbook, ..): (Playbook, _, _) = app::playbook(&configured, store.key().clone()).expect("the shipped rules");
    let mailbox = &playbook.config().mailboxes[0];
    for (at, text) in mails.iter().enumerate() {
        let (hash, now) = (huixin::ids::MailHash::of(text.as_bytes()), app::now());
        let file: PathBuf = store.archive().path(&hash);
        // Not by the archive itself, which waits for the disk with every mail.
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, text).expect("a mail");
        let message = app::read(text.as_bytes());
        let mail =
            Mail { mailbox, hash, message: &message, findings: None, delivered: now, junk: false, baseline: false };
        let decision = decide(&mail, &Facts::default(), &playbook, now);
        let case = decision.case().cloned();
        let why = Why(decision.why.lines());
        let outgoing = decision.effects.into_iter().filter_map(|effect| match effect {
            Effect::Send(mail) => Some(mail),
            _ => None,
        });
        let decided = Decided {
            mailbox: mailbox.name.clone(),
            place: Place::Maildir { file: at.to_string() },
            hash,
            at: now,
            delivered: now,
            outcome: Outcome::Opened(case.as_ref().expect("a case").number),
            case,
            known_as: message.message_id.clone().into_iter().collect(),
            twin: None,
            outgoing: outgoing.collect(),
            spent: Vec::new(),
            suppressed: Vec::new(),
            orders: Default::default(),
            why,
        };
        store.append(Record::Decided(Box::new(decided))).expect("a record");
    }
    store.sync().expect("the disk");
}

/// What two people want, among what people write around it.
fn mails(root: &Path) -> Vec<String> {
    let labelled = fs::read_to_string(root.join("tests/labelled/zh.tsv")).expect("labelled sentences");
    let wants: Vec<&str> =
        labelled.lines().skip(1).filter_map(|line| line.split_once('\t')).map(|(_, text)| text).collect();
    let mail = |at: usize| {
        // Numbers without a common factor go through all pairs.
        let (one, other) = (wants[at % wants.len()], wants[(at * 7 + at / wants.len()) % wants.len()]);
        let mut text = format!("{}\r\n{one}\r\n{other}\r\n", AROUND[0]);
        for around in 1.. {
            if text.len() >= OCTETS {
                break;
            }
            text += AROUND[(at + around) % AROUND.len()];
            text += "\r\n";
        }
        let subject: String = one.chars().take(12).collect();
        format!(
            "From: Li Lei <li{at}@example.net>\r\nTo: support@example.com\r\nDate: Wed, 7 Jan 2026 14:30:00 +0800\r\n\
             Message-ID: <{at}@example.net>\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}"
        )
    };
    (0..MAILS).map(mail).collect()
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
