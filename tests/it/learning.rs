//! What agents teach by mail (`#归类`, `#话术 好|差`, `#发送`), from the journal to the commands that learn from it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use huixin::app;
use huixin::case::{Case, DraftFate, Lesson};
use huixin::ids::{CaseNumber, CategoryId, GroupId, MailboxName};
use huixin::language::Language;
use huixin::mailbox::Place;
use huixin::store::{Decided, Orders, Outcome, Record, Store, Why};

use crate::rules_commands::Desk;
use crate::scenarios::{PEOPLE, tell};
use crate::shipped;

/// What stands in the journal of one case: a mail, what the bot made of it, and what an agent said then.
struct Told<'t> {
    text: String,
    category: &'t str,
    entry: &'t str,
    lessons: Vec<Lesson>,
}

impl Told<'_> {
    fn why(&self) -> Why {
        let mut why = Why::default();
        why.push("thread", "new");
        why.push("category", format!("{} (6.0, margin 6.0)", self.category));
        if !self.entry.is_empty() {
            why.push("shown", format!("answered with {}", self.entry));
            why.push("template", self.entry);
        }
        why
    }
}

/// Writes them into archive and journal as the bot does: the customer's mail, then the agent's.
fn journal(desk: &Desk, told: &[Told<'_>]) {
    let (store, _) = Store::open(&desk.path("var/data")).unwrap();
    let (mailbox, group) = (MailboxName::parse("support").unwrap(), GroupId::parse("triage").unwrap());
    for (at, one) in told.iter().enumerate() {
        let number = CaseNumber::from_bits(at as u64);
        let case = Case::new(number, mailbox.clone(), group.clone(), Language::Zh, app::now());
        let keep = |from: &str, text: &str, outcome, why: Why, learned: &[Lesson]| {
            let mail = format!(
                "From: {from}\r\nTo: support@example.com\r\nMessage-ID: <{from}-{at}>\r\nSubject: mail\r\n\
                 Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
            );
            let hash = store.archive().put(mail.as_bytes()).unwrap();
            let place = Place::Maildir { file: format!("{from}-{at}") };
            let orders = Orders { learned: learned.to_vec(), ..Orders::default() };
            let decided = Decided {
                case: Some(case.clone()),
                orders,
                why,
                ..Decided::new(mailbox.clone(), place, hash, outcome, app::now())
            };
            store.append(Record::Decided(Box::new(decided))).unwrap();
        };
        keep("lilei@example.net", &one.text, Outcome::Opened(number), one.why(), &[]);
        let mut by_agent = Why::default();
        by_agent.push("thread", format!("follows {number} agents-token"));
        keep("wang@example.com", "#1", Outcome::Appended(number), by_agent, &one.lessons);
    }
    store.sync().unwrap();
}

fn category(name: &str) -> CategoryId {
    CategoryId::parse(name).unwrap()
}

#[test]
fn rules_are_suggested_from_what_agents_sorted_and_said_of_entries() {
    let desk = Desk::new();
    let mut told = Vec::new();
    for at in 0..14 {
        let opening = ["你好，", "急！", "请问", "老师好，"][at % 4];
        // Sorted by an agent, whatever the bot took it for; and what is said of its entry counts no more.
        told.push(Told {
            text: format!("{opening}邮件被退回来了，第{at}次"),
            category: "billing.invoice",
            entry: "kb/invoice",
            lessons: vec![Lesson::Category(category("deliver.bounce")), Lesson::Answer { good: false }],
        });
        told.push(Told {
            text: format!("{opening}请开发票，第{at}次"),
            category: "billing.invoice",
            entry: "kb/invoice",
            lessons: vec![Lesson::Answer { good: true }],
        });
        // It has come back, and is no mail.
        told.push(Told {
            text: format!("{opening}押金被退回来了，第{at}次"),
            category: "deliver.bounce",
            entry: "kb/bounce",
            lessons: vec![Lesson::Answer { good: false }],
        });
    }
    // Nobody can say that no answer was right.
    told.push(Told {
        text: "你好".into(), category: "other", entry: "", lessons: vec![Lesson::Answer { good: true }]
    });
    journal(&desk, &told);
    let ran = desk.rules(&["suggest", "--history", "--out", "suggested.toml"]);
    ran.says(
        0,
        &[
            "14 mails were sorted by agents; of the entries of others 14 were called right, 14 wrong",
            "2 categories from 28 texts",
        ],
    );
    let suggested = desk.read("suggested.toml");
    let rule = |id: &str| {
        let rules: Vec<&str> = suggested.split("[[rule]]").filter(|rule| rule.contains(id)).collect();
        rules.first().unwrap_or_else(|| panic!("no {id} in {suggested}")).to_string()
    };
    let bounce = rule("id = \"suggest.deliver.bounce\"");
    let points = |rule: &str, word: &str| -> f64 {
        let lines = rule.lines().filter_map(|line| line.split_once(" = "));
        let found: Vec<f64> = lines
            .filter(|(key, _)| key.trim_matches('"').contains(word))
            .filter_map(|(_, points)| points.parse().ok())
            .collect();
        found.iter().sum()
    };
    assert!(points(&bounce, "邮") > 0.0, "{bounce}");
    assert!(points(&bounce, "押") + points(&bounce, "金") < 0.0, "what was answered wrongly speaks against: {bounce}");
}

#[test]
fn backtest_tells_of_the_answers_that_agents_called_right_and_wrong() {
    let desk = Desk::new();
    let of_bounce = |text: &str, good| Told {
        text: text.into(),
        category: "deliver.bounce",
        entry: "kb/bounce",
        lessons: vec![Lesson::Answer { good }],
    };
    journal(
        &desk,
        &[
            of_bounce("代码550，退信", true),
            of_bounce("错误 550 怎么办", true),
            of_bounce("房间 550 的钥匙", false),
            Told {
                text: "请开发票".into(),
                category: "billing.invoice",
                entry: "kb/invoice",
                lessons: vec![Lesson::Draft(DraftFate::Sent)],
            },
        ],
    );
    desk.rules(&["apply"]).says(0, &["is in force"]);
    let ran = desk.rules(&["backtest"]);
    ran.says(
        0,
        &[
            "2 answers that agents called right: 2 given before, 2 after; 0 lost",
            "1 answer that agents called wrong: 1 given before, 1 after; 0 answered otherwise now",
        ],
    );
    desk.rules(&["backtest", "--max-wrong", "0"]).says(1, &["1 answer that agents called wrong would still be given"]);
    // It is the room that is meant, and it costs an answer that was right.
    desk.change(
        "rules/rules.toml",
        "except = { zh = [\"不是550\"] }",
        "except = { zh = [\"房间 550\", \"错误 550\"] }",
    );
    let ran = desk.rules(&["backtest"]);
    ran.says(
        1,
        &[
            "2 answers that agents called right: 2 given before, 1 after; 1 lost",
            "1 answer that agents called wrong: 1 given before, 0 after; 1 answered otherwise now",
        ],
    );
    // With a gate the exit code is the gate's.
    desk.rules(&["backtest", "--max-wrong", "0", "--max-lost", "1"]).says(0, &[]);
    desk.rules(&["backtest", "--max-lost", "0"])
        .says(1, &["1 answer that agents called right would be given no more, and 0 may"]);
    let stats = desk.rules(&["stats"]);
    stats.says(0, &["category"]);
    let row = |first: &str| -> Vec<String> {
        let line = stats.out.lines().find(|line| line.split_whitespace().next() == Some(first));
        line.unwrap_or_else(|| panic!("no {first} in {}", stats.out)).split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(row("deliver.bounce")[1..], ["0", "2/1", "-"]);
    assert_eq!(row("billing.invoice")[1..], ["0", "0/0", "1", "of", "1"]);
}

/// The shipped rules, an agent's two words in a case, and the commands beside that bot.
#[tokio::test]
async fn what_an_agent_says_by_mail_is_what_the_commands_read() {
    let stage = tell(
        "%% handoff.undo_seconds = 0
@@ 2026-11-24 10:00
>> 李雷 <lilei@customer.example>
Subject: 退信

我发送邮件被退回，提示“554 DT:SPM”，请问怎么办？
<< answer lilei@customer.example
>> 李雷 <lilei@customer.example>
Re: last

按您说的做了，还是被退回，提示一样。
<< answer lilei@customer.example
<< forward wang@example.com
<< forward zhao@example.com
>> 王工 <wang@example.com>
Re: last

#备注
客户已经试过。
<< receipt wang@example.com
>> 王工 <wang@example.com>
Re: last

#话术 差
<< receipt wang@example.com
已记下：话术不合适
",
    )
    .await;
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::write(folder.path().join("bot.toml"), shipped::bot_toml() + PEOPLE).unwrap();
    for part in ["rules", "templates"] {
        symlink(root.join(part), folder.path().join(part)).unwrap();
    }
    fs::create_dir(folder.path().join("var")).unwrap();
    symlink(stage.data(), folder.path().join("var/data")).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_huixin"));
        let output = command.current_dir(folder.path()).arg("rules").args(arguments).stdin(Stdio::null()).output();
        let output = output.unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    // The word is about the answer of the knowledge base, though another mail and another answer came after it.
    let told = run(&["backtest", "--since", "all", "--against", root.to_str().unwrap()]);
    assert!(told.contains("1 answer that agents called wrong: 1 given before, 1 after"), "{told}");
    let told = run(&["suggest", "--history"]);
    assert!(
        told.contains("0 mails were sorted by agents; of the entries of others 0 were called right, 1 wrong"),
        "{told}"
    );
}
