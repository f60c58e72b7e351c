//! Changed rules and templates, taken over or refused while the bot runs.

use std::fs;
use std::path::Path;

use crate::bot::Bot;

/// How often a text stands in the log.
fn count(bot: &Bot, text: &str) -> usize {
    bot.log().matches(text).count()
}

/// The mails that the bot has sent.
fn sent(bot: &Bot) -> Vec<String> {
    let files = fs::read_dir(bot.folder().join("out/new")).unwrap().flatten();
    files.map(|file| String::from_utf8_lossy(&fs::read(file.path()).unwrap()).into_owned()).collect()
}

fn lay(bot: &Bot, name: &str) {
    let mail = format!(
        "From: {name}@example.org\r\nTo: support@example.com\r\nMessage-ID: <{name}@example.org>\r\n\
         Subject: zebra\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nMy zebra eats the grass of my neighbour.\r\n"
    );
    bot.lay(name, mail.as_bytes());
}

const ZEBRA: &str = r#"
[[rule]]
id = "test.zebra"
title = "Zebras"
category = "deliver.send"
weight = 9.0
[rule.when]
any = [{ kw = "zebra" }]
[rule.do]
reply = "kb/send-failed"
[[rule.test]]
body = "a zebra"
want = { category = "deliver.send" }
[[rule.test]]
body = "a horse"
want = { match = false }
"#;

#[test]
fn a_change_is_taken_over_while_the_bot_runs() {
    let mut bot = Bot::local();
    bot.start_and_look();
    fs::write(bot.folder().join("rules/99-zebra.toml"), ZEBRA).unwrap();
    // Nobody asks: the files are looked at.
    bot.wait_log("playbook taken over");
    lay(&bot, "a");
    bot.wait("a decision", |bot| !bot.events("received").is_empty());
    assert!(bot.events("received")[0].contains("category=deliver.send"), "{}", bot.log());

    let settings = bot.folder().join("bot.toml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text.replace("maildir.path = \"out\"", "maildir.path = \"elsewhere\"")).unwrap();
    bot.hang_up();
    bot.wait("the second", |bot| count(bot, "playbook taken over") == 2);
    assert!(bot.log().contains("what is said of [relay] takes effect at the next start"), "{}", bot.log());
    lay(&bot, "b");
    bot.wait("an answer", |bot| bot.events("answered").len() == 2);
    assert_eq!(bot.stop(), Some(0));
}

#[test]
fn a_fault_keeps_the_playbook_that_runs_and_is_told_with_its_place() {
    type Fault = (&'static str, fn(&Path), &'static str);
    let faults: [Fault; 5] = [
        (
            "syntax",
            |rules| fs::write(rules.join("99-fault.toml"), "[[rule]\nid = 1").unwrap(),
            "99-fault.toml:1:8: error",
        ),
        (
            "a dangling template",
            |rules| {
                let text = ZEBRA.replace("kb/send-failed", "kb/send-faild");
                fs::write(rules.join("99-fault.toml"), text).unwrap();
            },
            "error[E03]",
        ),
        (
            "an inline test that fails",
            |rules| fs::write(rules.join("99-fault.toml"), ZEBRA.replace("a horse", "zebra")).unwrap(),
            "99-fault.toml:",
        ),
        (
            "a regex too large",
            |rules| {
                let text = ZEBRA.replace("{ kw = \"zebra\" }", r"{ re = 'zebra\w{5000}' }");
                fs::write(rules.join("99-fault.toml"), text).unwrap();
            },
            "error[E04]",
        ),
        (
            "an id twice",
            |rules| fs::write(rules.join("99-fault.toml"), format!("{ZEBRA}{ZEBRA}")).unwrap(),
            "error[E02]",
        ),
    ];
    let mut bot = Bot::local();
    bot.start_and_look();
    for (at, (what, make, told)) in faults.into_iter().enumerate() {
        make(&bot.folder().join("rules"));
        bot.hang_up();
        bot.wait(what, |bot| count(bot, "the playbook stays") == at + 1);
        bot.wait(what, |bot| bot.events("noticed").len() == at + 1);
        assert!(bot.log().contains(told), "{what}: {}", bot.log());
        assert_eq!(count(&bot, "playbook taken over"), 0, "{what}");
        // Work goes on under the rules from before.
        lay(&bot, &format!("c{at}"));
        bot.wait(what, |bot| bot.events("received").len() == at + 1);
        assert!(!bot.events("received")[at].contains("category=deliver.send"), "{what}");
    }
    let notices: Vec<String> = sent(&bot).into_iter().filter(|mail| mail.contains("To: postmaster@")).collect();
    assert_eq!(notices.len(), faults.len());
    fs::remove_file(bot.folder().join("rules/99-fault.toml")).unwrap();
    bot.wait_log("playbook taken over");
}
