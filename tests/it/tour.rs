//! The tour: one case from its first mail to its end, through a real Dovecot and a real Postfix, every mail as people
//! read it. The pages docs/tour.md and docs/tour.en.md are such a run; `make tour` writes them, and this test keeps
//! them true.
//!
//! The clock is the test's own and the key is fixed, so a run differs from the last one only where the bot does. The case
//! number is the one thing that the servers' stamps change: the pages show a sample.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use huixin::app;
use huixin::chores::Chores;
use huixin::delivery::{Delivery, Patience};
use huixin::ids::{CaseNumber, Key, MailboxName};
use huixin::imap::{self, ImapSource};
use huixin::ingest::Ingest;
use huixin::language::Language;
use huixin::message::Message;
use huixin::outgoing::{Accepted, Envelope, Relay, SendError};
use huixin::smtp::{self, SmtpRelay};
use huixin::store::Store;
use huixin::time::{Clock, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::rig::{HOST, PASSWORD, Rig};
use crate::shipped;

const CUSTOMER: &str = "customer@example.org";
const AGENT: &str = "agent@example.com";
const KEY: [u8; 32] = [8; 32];
/// Stands in the pages where a run has its own.
const SAMPLE: &str = "K7F3-9QD2-X";
/// How long the servers may take on a machine that is busy compiling.
const LONG: Duration = Duration::from_secs(120);

/// What was sent: to whom, and the mail.
type Sent = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// The relay, which remembers what it was given, in order.
#[derive(Clone)]
struct Watched(Arc<tokio::sync::Mutex<SmtpRelay>>, Sent);

impl Relay for Watched {
    async fn send(&mut self, envelope: &Envelope, bytes: &[u8]) -> Result<Accepted, SendError> {
        let accepted = self.0.lock().await.send(envelope, bytes).await?;
        self.1.lock().unwrap().push((envelope.to.to_string(), bytes.to_vec()));
        Ok(accepted)
    }

    async fn close(&mut self) {
        self.0.lock().await.close().await;
    }
}

/// What is said between the mails, in the language of the page.
struct Words {
    title: &'static str,
    about: &'static str,
    labels: [&'static str; 3],
    names: [&'static str; 2],
    /// What the customer writes first, and its subject.
    question: (&'static str, &'static str),
    not_solved: &'static str,
    answer: &'static str,
    more: &'static str,
    closing: &'static str,
    /// Headlines, in the order of the mails that people write.
    steps: [&'static str; 6],
    gets: &'static str,
    nothing: &'static str,
    minute: &'static str,
    asked: &'static str,
    rating: &'static str,
    quoted: &'static str,
}

const ZH: Words = Words {
    title: "# 一个案件的全程",
    about: "这一页是一次真实运行的记录：真的 Postfix 收发，真的 Dovecot 存放，huixin 在中间。客户和同事都只用自己的邮箱，\n没有网页，也没有别的系统。下面每一封信都是当事人在邮箱里看到的样子。重新生成：`make tour`。",
    labels: ["发件人", "收件人", "主题"],
    names: ["李雷", "王工"],
    question: ("退信", "您好，我发送邮件被退回，提示“554 DT:SPM”，请问怎么办？"),
    not_solved: "按您说的都试过了，还是被退回，提示一样。转人工。",
    answer: "李先生您好：\n\n我查了日志，是邮件里的链接被对方当成了垃圾链接。请把链接改成文字说明，再发一次试试；\n我这边也已经向对方邮局申诉。",
    more: "改成文字以后发出去了，谢谢！不过昨天那封还要重新发吗？",
    closing: "#结案\n\n昨天那封没有送达，需要请您再发一次。之后遇到同样的提示，直接回这封信就行。",
    steps: [
        "客户写信",
        "客户没有解决，要人工",
        "同事在自己的邮箱里直接回复",
        "客户再问一句",
        "同事答复并结案",
        "客户评价",
    ],
    gets: "收到：",
    nothing: "没有人收到邮件。",
    minute: "一分钟内可以用 `#撤回` 收回；一分钟过去了：",
    asked: "结案半小时后，客户被问一次，也只问这一次：",
    rating: "5，很快就有人回，谢谢！",
    quoted: "> （以下是引用的原信）",
};

const EN: Words = Words {
    title: "# A case, from its first mail to its end",
    about: "This page is the record of an actual run: a real Postfix takes and delivers the mail, a real Dovecot keeps it, and huixin\nworks between them. Customer and agent use their own mailboxes; there is no web page and no other system. Every mail stands\nhere as its reader sees it. `make tour` writes this page anew.",
    labels: ["From", "To", "Subject"],
    names: ["Ann Lee", "Wang"],
    question: ("Returned mail", "Hello,\n\nmy mail was returned with 554 DT:SPM. What can I do?"),
    not_solved: "I have tried all of it, and it still comes back with the same words. Human, please.\n\nhuman",
    answer: "Hello Ann,\n\nthe log shows that a link in your mail is taken for spam by the other side. Please write it out as words and\nsend the mail again; we have asked their postmaster to look at it as well.",
    more: "That worked, thank you! Do I have to send yesterday's mail again, too?",
    closing: "#close\n\nYes, please: yesterday's mail was not delivered. If you see the same words again, just reply to this email.",
    steps: [
        "The customer writes",
        "It did not help, and the customer wants a human",
        "The agent answers from an ordinary mailbox",
        "The customer has one more question",
        "The agent answers and closes the case",
        "The customer says how it was",
    ],
    gets: "gets:",
    nothing: "Nobody gets a mail.",
    minute: "For a minute `#undo` calls it back; the minute is over:",
    asked: "Half an hour after the end the customer is asked, and never again:",
    rating: "5, that was quick. Thank you!",
    quoted: "> (the mail answered follows)",
};

struct Tour {
    rig: Rig,
    _folder: tempfile::TempDir,
    ingest: Ingest<ImapSource>,
    delivery: Delivery<Watched>,
    chores: Chores,
    now: Arc<Mutex<Timestamp>>,
    sent: Sent,
    words: &'static Words,
    page: String,
    number: Option<CaseNumber>,
    written: usize,
    /// The last mail that each of them got.
    last: [Option<Message>; 2],
}

impl Tour {
    fn new(language: Language) -> Tour {
        let rig = Rig::start();
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("key"), KEY).unwrap();
        let (store, _) = Store::open(&data).unwrap();
        let mut text = shipped::bot_toml();
        for (shipped, ours) in [
            ("to = [\"agents@example.com\"]", format!("to = [\"{AGENT}\"]")),
            (
                "language = \"zh\"                     # the language of the words",
                format!("language = \"{language}\" #"),
            ),
            // The Postfix of the tests neither checks nor signs.
            ("internal_networks = []", "internal_networks = [\"127.0.0.0/8\"]".to_owned()),
            // Dovecot stamps mail with the time of day, and the tour has its own.
            ("stale_hours = 72", "stale_hours = 1000000".to_owned()),
            ("robot_times = 3", "robot_times = 0".to_owned()),
            ("operator = \"operator@example.com\"", "operator = \"postmaster@example.com\"".to_owned()),
        ] {
            assert!(text.contains(shipped), "{shipped}");
            text = text.replace(shipped, &ours);
        }
        let (_, playbook) = watch::channel(Arc::new(shipped::playbook(text, Key::from_bytes(KEY))));
        // A Tuesday morning in Shanghai.
        let now: Arc<Mutex<Timestamp>> = Arc::new(Mutex::new("2026-11-24T02:00:00Z".parse().unwrap()));
        let at = now.clone();
        let clock: Clock = Arc::new(move || *at.lock().unwrap());
        let secret = || Ok(PASSWORD.to_owned().into());
        let name = MailboxName::parse("support").unwrap();
        let mut settings = imap::Settings::new(name, HOST, "support", Arc::new(secret));
        settings.port = rig.imap_port;
        settings.tls = imap::Tls::Plain;
        settings.auth = imap::Auth::Plain;
        let source = ImapSource::new(settings).unwrap();
        let relay = SmtpRelay::new(smtp::Settings {
            host: "127.0.0.1".into(),
            port: rig.smtp_port,
            tls: smtp::Tls::Plain,
            extra_ca: None,
            auth: None,
            hello: "bot.example.com".into(),
            timeouts: smtp::Timeouts::default(),
            max_size: 50 << 20,
        })
        .unwrap();
        let sent = Arc::default();
        let relay = Watched(Arc::new(tokio::sync::Mutex::new(relay)), Arc::clone(&sent));
        let stop = CancellationToken::new();
        let ingest = Ingest::new(source, store.clone(), playbook.clone(), clock.clone(), Duration::ZERO, stop);
        let day = Duration::from_secs(86_400);
        let patience = Patience { give_up: 4 * day, answer_in_doubt: day };
        let delivery = Delivery::new(vec![relay], store.clone(), playbook.clone(), clock.clone(), patience);
        let chores = Chores { store, playbook, clock };
        let words = if language == Language::Zh { &ZH } else { &EN };
        let page = format!("{}\n\n{}\n", words.title, words.about);
        Tour {
            rig,
            _folder: folder,
            ingest,
            delivery,
            chores,
            now,
            sent,
            words,
            page,
            number: None,
            written: 0,
            last: [None, None],
        }
    }

    fn pass(&self, seconds: u64) {
        let mut now = self.now.lock().unwrap();
        *now = now.checked_add(Duration::from_secs(seconds)).unwrap();
    }

    /// The headline of the next mail that somebody writes.
    fn step(&mut self) {
        let step = self.words.steps[self.written];
        self.written += 1;
        self.page += &format!("\n## {}. {step}\n", self.written);
    }

    /// Somebody writes, with their mail program's button for an answer if they got a mail before.
    async fn write(&mut self, who: usize, subject: &str, text: &str) {
        self.step();
        let (name, address) = (self.words.names[who], [CUSTOMER, AGENT][who]);
        let mut subject = subject.to_owned();
        let (mut thread, mut to, mut quote) = (String::new(), "support@example.com".to_owned(), String::new());
        if let Some(last) = &self.last[who] {
            let id = last.message_id.as_ref().unwrap();
            let before: String = last.references.iter().map(|id| format!("{id} ")).collect();
            thread = format!("In-Reply-To: {id}\r\nReferences: {before}{id}\r\n");
            let back = last.reply_to.first().or(last.from.first()).and_then(|person| person.address.clone());
            to = back.unwrap().to_string();
            subject = format!("Re: {}", last.subject);
            let quoted: String = last.text.lines().map(|line| format!("> {line}\r\n")).collect();
            quote = format!("\r\n\r\nOn Tue, 24 Nov 2026, {to} wrote:\r\n{quoted}");
        }
        let mail = format!(
            "From: {name} <{address}>\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <tour{}@{}>\r\n{thread}Date: Tue, 24 \
             Nov 2026 10:00:00 +0800\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; \
             charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}{quote}\r\n",
            self.written,
            address.rsplit_once('@').unwrap().1,
            text.replace('\n', "\r\n"),
        );
        self.show(&format!("{name} <{address}>"), &to, &app::read(mail.as_bytes()));
        self.rig.deliver(address, &to, mail.as_bytes());
        let deadline = Instant::now() + LONG;
        while self.ingest.step().await.unwrap().committed == 0 {
            assert!(Instant::now() < deadline, "the mail does not come: {}", self.rig.logs());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.work().await;
    }

    /// Does all that is to do now, and shows what people get.
    async fn work(&mut self) {
        while self.chores.ring().unwrap() > 0 {}
        self.delivery.step().await.unwrap();
        let sent: Vec<(String, Vec<u8>)> = self.sent.lock().unwrap().drain(..).collect();
        if sent.is_empty() {
            self.page += &format!("\n{}\n", self.words.nothing);
        }
        for (to, bytes) in sent {
            let id = app::read(&bytes).message_id.unwrap().to_string();
            let user = to.split_once('@').unwrap().0.to_owned();
            let arrived = self.rig.wait_mail(
                &user,
                |mail| app::read(mail).message_id.is_some_and(|own| own.to_string() == id),
                LONG,
            );
            let message = app::read(&arrived);
            let number = CaseNumber::find_in(&message.subject, 1).first().copied();
            self.number = self.number.or(number);
            let whose = [CUSTOMER, AGENT].iter().position(|who| *who == to);
            let name = whose.map_or("postmaster", |who| self.words.names[who]);
            self.page += &format!("\n{name} {}\n", self.words.gets);
            let from = message.from.first().unwrap();
            let from = format!("{} <{}>", from.name, from.address.as_ref().unwrap());
            self.show(from.trim_start(), &to, &message);
            if let Some(who) = whose {
                self.last[who] = Some(message);
            }
        }
    }

    /// A mail as its reader sees it, without what it quotes.
    fn show(&mut self, from: &str, to: &str, message: &Message) {
        let [of, whom, about] = self.words.labels;
        let colon = if of == "From" { ": " } else { "：" };
        let text = message.text.replace("\r\n", "\n");
        let text = match text.split_once("\n\nOn Tue, 24 Nov 2026, ") {
            Some((text, _)) => format!("{text}\n\n{}", self.words.quoted),
            None => text,
        };
        self.page += &format!(
            "\n```text\n{of}{colon}{from}\n{whom}{colon}{to}\n{about}{colon}{}\n\n{}\n```\n",
            message.subject,
            text.trim_end()
        );
    }

    /// The page, with a sample in the place of the number.
    fn page(&self) -> String {
        let number = self.number.expect("a case").to_string();
        let lines: Vec<&str> = self.page.lines().map(str::trim_end).collect();
        lines.join("\n").replace(&number, SAMPLE) + "\n"
    }
}

/// One case from the first mail to the last.
async fn tour(language: Language) -> String {
    let mut tour = Tour::new(language);
    // The mailbox is looked at once, empty: what comes from now on is new.
    tour.ingest.step().await.unwrap();
    let words = tour.words;
    tour.write(0, words.question.0, words.question.1).await;
    tour.pass(20 * 60);
    tour.write(0, "", words.not_solved).await;
    tour.pass(30 * 60);
    for (who, text) in [(1, words.answer), (0, words.more), (1, words.closing)] {
        tour.write(who, "", text).await;
        tour.pass(61);
        if who == 1 {
            tour.page += &format!("\n{}\n", words.minute);
            tour.work().await;
        }
        tour.pass(40 * 60);
    }
    tour.page += &format!("\n{}\n", words.asked);
    tour.work().await;
    tour.write(0, "", words.rating).await;
    let case = tour.chores.store.case(tour.number.unwrap()).unwrap().unwrap();
    assert_eq!(case.work.rating, Some(5));
    tour.page()
}

fn keep(page: &str, run: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    if std::env::var_os("TOUR").is_some() {
        std::fs::write(&path, run).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = written.lines().zip(run.lines()).find(|(written, run)| written != run);
    assert!(
        written == run,
        "{} tells another tour: run `make tour` and read what changed; first {differs:?}",
        path.display()
    );
}

#[test]
fn the_tour_goes_as_its_chinese_page_tells() {
    keep("tour.md", &tokio::runtime::Runtime::new().unwrap().block_on(tour(Language::Zh)));
}

#[test]
fn the_tour_goes_as_its_english_page_tells() {
    keep("tour.en.md", &tokio::runtime::Runtime::new().unwrap().block_on(tour(Language::En)));
}
