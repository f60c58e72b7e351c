//! Whole stories as data: who wrote when, what the bot sent, where the case stood.
//!
//! A story is a text, `tests/scenarios/NN-name.txt`. Each part begins with a sign at the begin of a line:
//!
//! * `@@ 2026-11-24 10:00` sets the clock (Shanghai), `@@ +61s`, `@@ +2h`, `@@ +3d` moves it; timers ring, mails leave;
//! * `%% handoff.undo_seconds = 0` changes a value of bot.toml, before anything else; the lines below `%% bot.toml` are
//!   put to its end, and those below `%% rules` are a rule file more;
//! * `>> Li <li@example.org>` is a mail that comes in: `Subject:` and further fields, an empty line, the text. `Re: last`
//!   answers the last mail sent to this person, as their mail program would, `Re: li@example.org` the last one sent to
//!   somebody else, and `Back: last` is a new mail to the address for answers that stood in it,
//!   `Note: last` one to the address for notes that was named in it; `Proof: none` or `fail` says what the
//!   receiving server found (else it confirms them); `To:` writes to another address; `Again: 1` gives it the
//!   Message-ID of the mail before;
//! * `<< answer li@example.org` is a mail that must have left, of this purpose to this person; below it lines that must
//!   stand in it in this order, with `*` for anything; behind `!!` what must not stand in it;
//! * `== remember first` calls the case of the last mail `{first}` from then on;
//! * `== state closed` and `== agent li@example.com` say where the case of the last mail stands.
//!
//! What leaves and is not told in the story is a fault. `SHOW=1 cargo test --test it scenarios -- --nocapture` prints
//! the mails as people read them.

mod doors;
mod story;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use huixin::app::{self, files};
use huixin::chores::Chores;
use huixin::config;
use huixin::delivery::{Delivery, Patience};
use huixin::ids::{CaseNumber, Key};
use huixin::ingest::Ingest;
use huixin::message::Message;
use huixin::outgoing::Purpose;
use huixin::playbook::Playbook;
use huixin::problem::SourceText;
use huixin::store::{Record, Store};
use huixin::time::{self, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::doses::{dose, report};
use doors::{Postbox, Taken};
use story::{moment, parts, span};

const KEY: [u8; 32] = [7; 32];

/// The agents of every story, beside the shipped bot.toml.
pub(crate) const PEOPLE: &str = r#"
[group.mail-tech]
to = ["wang@example.com", "zhao@example.com"]

[group.account-security]
to = ["sun@example.com"]
"#;

/// A mail that left, as its reader sees it.
#[derive(Clone)]
struct Sent {
    purpose: &'static str,
    to: String,
    message: Arc<Message>,
    text: String,
}

pub(crate) struct Stage {
    folder: tempfile::TempDir,
    store: Store,
    playbook: watch::Receiver<Arc<Playbook>>,
    ingest: Ingest<Postbox>,
    delivery: Delivery<Taken>,
    chores: Chores,
    postbox: Postbox,
    taken: Taken,
    now: Arc<Mutex<Timestamp>>,
    /// Everything that left.
    sent: Vec<Sent>,
    /// What left and was not told yet.
    untold: Vec<Sent>,
    case: Option<CaseNumber>,
    /// Cases that were given a name.
    remembered: Vec<(String, CaseNumber)>,
    mails: usize,
    journal: usize,
}

impl Stage {
    fn new(changes: &Changes) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("key"), KEY).unwrap();
        let (store, _) = Store::open(&data).unwrap();
        let (_, playbook) = watch::channel(playbook(changes));
        let now = Arc::new(Mutex::new(Timestamp::UNIX_EPOCH));
        let at = now.clone();
        let clock: time::Clock = Arc::new(move || *at.lock().unwrap());
        let (postbox, taken) = (Postbox::default(), Taken::default());
        let token = CancellationToken::new();
        let ingest =
            Ingest::new(postbox.clone(), store.clone(), playbook.clone(), clock.clone(), Duration::ZERO, token);
        let day = Duration::from_secs(86_400);
        let patience = Patience { give_up: 4 * day, answer_in_doubt: day };
        let delivery = Delivery::new(vec![taken.clone()], store.clone(), playbook.clone(), clock.clone(), patience);
        let chores = Chores { store: store.clone(), playbook: playbook.clone(), clock };
        Stage {
            folder,
            store,
            playbook,
            ingest,
            delivery,
            chores,
            postbox,
            taken,
            now,
            sent: Vec::new(),
            untold: Vec::new(),
            case: None,
            remembered: Vec::new(),
            mails: 0,
            journal: 0,
        }
    }

    /// The data folder, as the bot has it at the end of a story.
    pub fn data(&self) -> PathBuf {
        self.store.sync().unwrap();
        self.folder.path().join("data")
    }

    fn pass(&mut self, time: Duration) {
        let mut now = self.now.lock().unwrap();
        *now = now.checked_add(time).unwrap();
    }

    /// Does all that is to do now.
    async fn work(&mut self) {
        while self.ingest.step().await.unwrap().committed > 0 {}
        while self.chores.ring().unwrap() > 0 {}
        self.chores.step().unwrap();
        self.chores.report().unwrap();
        self.delivery.step().await.unwrap();
        let mut at = 0;
        let mut case = self.case;
        self.store
            .records(|_, record| {
                at += 1;
                if let Record::Decided(decided) = record {
                    case = decided.outcome.case().or(case);
                }
                Ok(())
            })
            .unwrap();
        (self.case, self.journal) = (case, at);
        let left: Vec<_> = self.taken.0.lock().unwrap().drain(..).collect();
        for (envelope, bytes) in left {
            let message = app::read(&bytes);
            let id = message.message_id.clone().unwrap();
            let own = id.own(self.playbook.borrow().key()).expect("a mail of ours");
            let purpose = Purpose::ALL.into_iter().find(|purpose| own.name.starts_with(purpose.as_str())).unwrap();
            let mut text = format!("Subject: {}\n\n{}", message.subject, message.text.replace("\r\n", "\n"));
            for file in &message.attachments {
                text += &format!("\n[file {}]\n{}\n", file.name, file.text.replace("\r\n", "\n"));
            }
            let sent =
                Sent { purpose: purpose.as_str(), to: envelope.to.to_string(), message: Arc::new(message), text };
            if std::env::var_os("SHOW").is_some() {
                println!("── {} → {} ──\n{}\n", sent.purpose, sent.to, sent.text);
            }
            self.sent.push(sent.clone());
            self.untold.push(sent);
        }
    }

    /// A mail comes in.
    async fn receive(&mut self, from: &str, lines: &[&str]) {
        self.pass(Duration::from_secs(1));
        self.mails += 1;
        let address = from.rsplit_once('<').map_or(from, |(_, address)| address.trim_end_matches('>')).to_owned();
        let domain = address.rsplit_once('@').unwrap().1.to_owned();
        let blank = lines.iter().position(|line| line.is_empty()).unwrap_or(lines.len());
        let (head, body) = lines.split_at(blank);
        let (mut fields, mut to, mut proof, mut subject) = (String::new(), None, "pass", None);
        let mut again = 0;
        let mut received = "from mail.example.net ([203.0.113.5]) by mx.example.com".to_owned();
        for line in head {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no field: {line}"));
            let value = value.trim();
            match name {
                "Re" | "Back" | "Note" => {
                    let whose = if value == "last" { address.as_str() } else { value };
                    let names = |sent: &Sent| name != "Note" || sent.text.contains("desk+n-");
                    let last = self.sent.iter().rev().find(|sent| sent.to == whose && names(sent));
                    let last = last.unwrap_or_else(|| panic!("nothing was sent to {whose}"));
                    let back = last.message.reply_to.first().or(last.message.from.first());
                    to.get_or_insert(back.and_then(|person| person.address.clone()).unwrap().to_string());
                    if name == "Note" {
                        let (_, named) = last.text.split_once("desk+n-").expect("an address for notes");
                        to = Some(format!("desk+n-{}", named.split_whitespace().next().unwrap()));
                    }
                    if name == "Re" {
                        let id = last.message.message_id.as_ref().unwrap();
                        let ids: Vec<String> = last.message.references.iter().map(ToString::to_string).collect();
                        fields += &format!("In-Reply-To: {id}\r\nReferences: {} {id}\r\n", ids.join(" "));
                        subject.get_or_insert(format!("Re: {}", last.message.subject));
                    }
                }
                "Proof" => proof = value,
                "Received" => received = value.to_owned(),
                "Again" => again = value.parse::<usize>().unwrap(),
                "To" => to = Some(value.to_owned()),
                "Subject" => subject = Some(value.to_owned()),
                _ => fields += &format!("{name}: {}\r\n", self.filled(value)),
            }
        }
        if proof != "none" {
            let spf = if proof == "spf" { "pass" } else { "none" };
            let dkim = if proof == "spf" { "none" } else { proof };
            let dmarc = if proof == "spf" { "pass" } else { proof };
            fields += &format!(
                "Authentication-Results: mx.example.com; dkim={dkim} header.d={domain}; spf={spf} \
                 smtp.mailfrom={domain}; dmarc={dmarc} header.from={domain}\r\n"
            );
        }
        let n = self.mails - again;
        let text = self.filled(&body.join("\r\n"));
        let to = to.unwrap_or_else(|| "support@example.com".into());
        let subject = self.filled(&subject.unwrap_or_default());
        let mail = format!(
            "Received: {received}; Tue, 24 Nov 2026 02:00:00 +0000\r\nFrom: {from}\r\nTo: {to}\r\n\
             Subject: {subject}\r\nMessage-ID: <in{n}@{domain}>\r\n{fields}MIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}\r\n",
            text.trim_start_matches("\r\n")
        );
        // The trusted word of the receiving server stands above everything.
        let mail = match mail.find("Authentication-Results:") {
            Some(at) => {
                let end = at + mail[at..].find("\r\n").unwrap() + 2;
                format!("{}{}{}", &mail[at..end], &mail[..at], &mail[end..])
            }
            None => mail,
        };
        let now = *self.now.lock().unwrap();
        self.postbox.0.lock().unwrap().push((now, mail.into_bytes()));
        self.work().await;
    }

    fn filled(&self, text: &str) -> String {
        let text = text.replace("{case}", &self.case.map(|case| case.to_string()).unwrap_or_default());
        let named = |text: String, (name, case): &(String, CaseNumber)| text.replace(name, &case.to_string());
        self.remembered.iter().fold(text, named)
    }

    fn expect(&mut self, whom: &str, lines: &[&str]) {
        let (purpose, to) = whom.split_once(' ').unwrap_or_else(|| panic!("no purpose and address: {whom}"));
        let at = self.untold.iter().position(|sent| sent.purpose == purpose && sent.to == to);
        let sent = at.map(|at| self.untold.remove(at)).unwrap_or_else(|| {
            let left: Vec<String> = self.untold.iter().map(|sent| format!("{} {}", sent.purpose, sent.to)).collect();
            panic!("no {purpose} to {to}; what left is {left:?}")
        });
        let mut rest = sent.text.as_str();
        for line in lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()) {
            if let Some(never) = line.strip_prefix("!! ") {
                assert!(!sent.text.contains(never), "“{never}” stands in:\n{}", sent.text);
                continue;
            }
            for piece in self.filled(line).split('*').filter(|piece| !piece.is_empty()) {
                let found = rest
                    .find(piece)
                    .unwrap_or_else(|| panic!("no “{piece}” from here on:\n{rest}\n\nin:\n{}", sent.text));
                rest = &rest[found + piece.len()..];
            }
        }
    }

    fn stands(&mut self, what: &str) {
        let (key, want) = what.split_once(' ').unwrap_or((what, ""));
        if key == "remember" {
            return self.remembered.push((format!("{{{want}}}"), self.case.expect("a case")));
        }
        if key == "nothing" {
            return;
        }
        let number = self.case.expect("a case");
        let case = self.store.case(number).unwrap().expect("the case");
        let is = match key {
            "state" => case.state.as_str().to_owned(),
            "agent" => case.work.agent.map_or("none".into(), |agent| agent.to_string()),
            "priority" => case.work.priority.as_str().into(),
            "category" => case.category.map_or("none".into(), |category| category.to_string()),
            "group" => case.group.to_string(),
            "cases" => self.store.cases().unwrap().count().to_string(),
            "held" => self.store.outbox().unwrap().filter(|item| item.as_ref().unwrap().held).count().to_string(),
            "chasers" => case.work.chasers.to_string(),
            "requester" => case.requester.map_or("none".into(), |requester| requester.to_string()),
            "rating" => case.work.rating.map_or("none".into(), |rating| rating.to_string()),
            other => panic!("nothing is known of `{other}`"),
        };
        assert_eq!(is, want, "{key}");
    }

    fn nothing_untold(&self) {
        let left: Vec<String> =
            self.untold.iter().map(|sent| format!("{} {}\n{}", sent.purpose, sent.to, sent.text)).collect();
        assert!(left.is_empty(), "the story does not tell of:\n{}", left.join("\n\n"));
    }
}

/// What a story changes before it begins.
#[derive(Default, PartialEq)]
struct Changes {
    /// Values of bot.toml, by the names of their variables.
    values: Vec<(String, String)>,
    /// Lists that are empty in bot.toml.
    lists: Vec<(String, String)>,
    tables: String,
    rules: String,
}

/// The playbook with some values changed; the unchanged one is made once.
fn playbook(changes: &Changes) -> Arc<Playbook> {
    static SHIPPED: OnceLock<Arc<Playbook>> = OnceLock::new();
    let make = || {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(root.join("bot.toml")).unwrap() + PEOPLE + &changes.tables;
        let text = text.replace("authentication_servers = []", "authentication_servers = [\"mx.example.com\"]");
        let text = changes.lists.iter().fold(text, |text, (key, list)| {
            let empty = format!("\n{key} = []");
            assert!(text.contains(&empty), "{key}");
            text.replacen(&empty, &format!("\n{key} = {list}"), 1)
        });
        let config = config::load(&SourceText::new("bot.toml", text), &changes.values);
        let config = config.unwrap_or_else(|problems| panic!("{problems}"));
        let configured = files::Configured { config, folder: root.to_owned() };
        let mut texts = files::texts(&configured).unwrap();
        if !changes.rules.is_empty() {
            texts.rules.push(SourceText::new("story.toml", changes.rules.clone()));
        }
        let made = app::playbook_of(&configured, &texts, Key::from_bytes(KEY));
        Arc::new(made.unwrap_or_else(|problems| panic!("{problems}")).0)
    };
    match *changes == Changes::default() {
        true => SHIPPED.get_or_init(make).clone(),
        false => make(),
    }
}

pub(crate) async fn tell(story: &str) -> Stage {
    let parts = parts(story);
    let mut changes = Changes::default();
    for (_, change, lines) in parts.iter().filter(|(sign, ..)| *sign == '%') {
        match *change {
            "bot.toml" => changes.tables += &lines.join("\n"),
            "rules" => changes.rules += &lines.join("\n"),
            change => {
                let (key, value) = change.split_once('=').unwrap();
                if value.trim().starts_with('[') {
                    let key = key.rsplit('.').next().unwrap().trim().to_owned();
                    changes.lists.push((key, value.trim().to_owned()));
                    continue;
                }
                let name = key.trim().to_uppercase().replace('.', "__");
                changes.values.push((format!("HUIXIN__{name}"), value.trim().trim_matches('"').to_owned()));
            }
        }
    }
    let mut stage = Stage::new(&changes);
    for (sign, head, lines) in &parts {
        match sign {
            '%' => {}
            '@' => {
                stage.nothing_untold();
                match head.strip_prefix('+') {
                    Some(time) => stage.pass(span(time)),
                    None => *stage.now.lock().unwrap() = moment(head),
                }
                stage.work().await;
            }
            '>' => {
                stage.nothing_untold();
                stage.receive(head, lines).await;
            }
            '<' => stage.expect(head, lines),
            _ => stage.stands(head),
        }
    }
    stage.nothing_untold();
    stage
}

#[test]
fn every_story_goes_as_it_is_told() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ext| ext == "txt") && file.to_string_lossy().contains(&only));
    files.sort();
    assert!(!files.is_empty());
    let failed: Mutex<Vec<String>> = Mutex::default();
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    let story = std::fs::read_to_string(file).unwrap();
                    let runtime = tokio::runtime::Runtime::new().unwrap();
                    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        runtime.block_on(tell(&story)).untold.len()
                    }));
                    if let Err(panic) = told {
                        let why = panic.downcast_ref::<String>().cloned();
                        let why = why.or(panic.downcast_ref::<&str>().map(|why| (*why).to_owned()));
                        failed.lock().unwrap().push(format!("{}: {}", file.display(), why.unwrap_or_default()));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} stories went otherwise:\n{}", failed.len(), files.len(), failed.join("\n\n"));
}

#[test]
fn f43_an_agents_mail_that_comes_a_thousand_times_reaches_the_customer_once() {
    let copies = dose(40, 1_000);
    let mut story = String::from(
        "%% handoff.undo_seconds = 0
@@ 2026-11-24 10:00
>> 李雷 <lilei@customer.example>
Subject: 发信失败

邮件发不出去，请转人工。
<< answer lilei@customer.example
<< forward wang@example.com
<< forward zhao@example.com
>> 王工 <wang@example.com>
Re: last
X-Copy: 0

请把端口改成 465。
<< relay lilei@customer.example
",
    );
    for n in 1..copies {
        // Every other one is the same to the octet; the others came another way.
        let way = if n % 2 == 0 { n } else { 0 };
        story += &format!(">> 王工 <wang@example.com>\nAgain: {n}\nRe: last\nX-Copy: {way}\n\n请把端口改成 465。\n");
    }
    story += "== cases 1\n== state waiting\n";
    tokio::runtime::Runtime::new().unwrap().block_on(tell(&story));
    report("f43", format!("{copies} copies of one reply"), "relayed once");
}
