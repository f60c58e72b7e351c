//! The whole way, through a real Dovecot and a real Postfix: a customer's mail in by SMTP, the bot woken by
//! IDLE, the answer in the customer's mailbox, the forward in the agent's.

use std::collections::BTreeMap;
use std::time::Instant;

use mail_parser::MessageParser;

use crate::bot::Bot;
use crate::rig::{PATIENCE, Rig};

fn mail(from: &str, id: &str, subject: &str, text: &str) -> Vec<u8> {
    format!(
        "From: <{from}>\r\nTo: support@example.com\r\nSubject: {subject}\r\nMessage-ID: <{id}@example.org>\r\n\
         Date: {date}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n",
        date = jiff::fmt::rfc2822::to_string(&jiff::Zoned::now()).unwrap(),
    )
    .into_bytes()
}

fn contains(mail: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(mail).contains(text)
}

/// Answers `Re:` a customer's mail are known by the Message-ID they answer.
fn answers(id: &str) -> impl Fn(&[u8]) -> bool {
    let id = format!("In-Reply-To: <{id}@example.org>");
    move |mail| contains(mail, &id)
}

fn subject(mail: &[u8]) -> String {
    MessageParser::new().parse(mail).unwrap().subject().unwrap_or_default().to_owned()
}

fn text(mail: &[u8]) -> String {
    MessageParser::new().parse(mail).unwrap().body_text(0).unwrap_or_default().into_owned()
}

#[test]
fn a_customer_gets_an_answer_and_an_agent_gets_what_no_rule_resolves() {
    let rig = Rig::start();
    rig.deliver(
        "customer@example.org",
        "support@example.com",
        &mail("customer@example.org", "old", "554 DT:SPM", "旧信"),
    );
    rig.wait_mail("support", |mail| contains(mail, "old@"), PATIENCE);
    let mut bot = Bot::configure(&rig, &[]);
    bot.start_and_look();

    let begun = Instant::now();
    let question =
        mail("customer@example.org", "q1", "=?utf-8?B?6YCA5L+h?=", "我发送邮件被退回，提示“554 DT:SPM”，请问怎么办？");
    rig.deliver("customer@example.org", "support@example.com", &question);
    let answer = rig.wait_mail("customer", answers("q1"), PATIENCE);
    println!("from the end of SMTP to the answer in the customer's mailbox: {:?}", begun.elapsed());
    assert!(subject(&answer).starts_with("[案号 "), "{}", subject(&answer));
    assert!(text(&answer).contains("554 DT:SPM"), "{}", text(&answer));
    for header in ["Auto-Submitted: auto-replied", "X-Auto-Response-Suppress: All", "X-Loop: huixin; h="] {
        assert!(contains(&answer, header), "{header}");
    }

    let begun = Instant::now();
    let open = mail("customer@example.org", "q2", "a question", "Does the choir rehearse on Thursday this week?");
    rig.deliver("customer@example.org", "support@example.com", &open);
    let forward = rig.wait_mail("agent", |mail| contains(mail, "message/rfc822"), PATIENCE);
    println!("from the end of SMTP to the forward in the agent's mailbox: {:?}", begun.elapsed());
    assert!(contains(&forward, "\nFrom: support@example.com\n"), "from us, not from the customer");
    assert!(contains(&forward, "Reply-To: support@example.com"));
    assert!(contains(&forward, "Does the choir rehearse"), "the original goes along");
    let received = rig.wait_mail("customer", answers("q2"), PATIENCE);
    assert!(subject(&received).starts_with("[Case "), "{}", subject(&received));

    // Back from the customer: the same case, and nobody is answered twice.
    let id =
        String::from_utf8_lossy(&received).lines().find_map(|line| line.strip_prefix("Message-ID: ").map(String::from));
    let mut follow_up =
        mail("customer@example.org", "q3", &subject(&received).replace("[", "Re: ["), "One more thing: and on Friday?");
    let thread = format!("In-Reply-To: {}\r\nMIME-Version", id.unwrap());
    follow_up = String::from_utf8(follow_up).unwrap().replacen("MIME-Version", &thread, 1).into_bytes();
    rig.deliver("customer@example.org", "support@example.com", &follow_up);
    let second = rig.wait_mail("agent", |mail| contains(mail, "and on Friday?"), PATIENCE);
    assert_eq!(subject(&second).split(']').next(), subject(&forward).split(']').next(), "one case");
    assert_eq!(rig.mails("customer").iter().filter(|mail| answers("q3")(mail)).count(), 0);
    assert_eq!(
        rig.mails("customer").iter().filter(|mail| answers("old")(mail)).count(),
        0,
        "mail from before the start"
    );

    bot.wait("the keyword on all four mails", |_| {
        rig.doveadm(&["search", "-u", "support", "keyword", "huixin"]).unwrap().lines().count() == 4
    });
    let (code, _, error) = bot.command(&["run"]);
    assert_eq!(code, Some(75), "a second bot on the same data: {error}");
    assert!(error.contains("another"), "{error}");
    assert_eq!(bot.stop(), Some(0), "{}", bot.log());
}

#[test]
fn a_restart_in_the_middle_loses_nothing_and_repeats_nothing() {
    let rig = Rig::start();
    let mut bot = Bot::configure(&rig, &[("keyword = \"huixin\"", "move_to = \"Done\"")]);
    bot.start_and_look();
    let send = |n: usize| {
        let from = format!("c{n}@example.org");
        rig.deliver(&from, "support@example.com", &mail(&from, &format!("m{n}"), "退信", "邮件被退回 554 DT:SPM"));
    };
    (0..10).for_each(send);
    bot.wait("the first answer", |_| !rig.mails("world").is_empty());
    bot.kill();
    (10..20).for_each(send);
    bot.start();
    // One that was on its way at the kill may be there twice before the last has come.
    bot.wait("an answer to each of twenty mails", |_| count_answers(&rig, "world").len() == 20);
    bot.wait("all mail moved", |_| rig.mails_in(&rig.maildir("support").join(".Done")).len() == 20);
    assert_eq!(rig.mails("support").len(), 0);
    // Answers may have been on their way at the kill: then they came twice, and are byte for byte the same.
    assert!(rig.mails("world").len() <= 24, "as many as there are connections");
    assert_eq!(bot.stop(), Some(0));
}

/// How many different answers (by Message-ID) there are to each mail; each must be one.
fn count_answers(rig: &Rig, user: &str) -> BTreeMap<String, usize> {
    let mut ids: BTreeMap<String, std::collections::BTreeSet<String>> = BTreeMap::new();
    for mail in rig.mails(user) {
        let text = String::from_utf8_lossy(&mail).into_owned();
        let line =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
        ids.entry(line("In-Reply-To:")).or_default().insert(line("Message-ID:"));
    }
    for (question, answers) in &ids {
        assert_eq!(answers.len(), 1, "{question} was answered in {answers:?}");
    }
    ids.into_iter().map(|(question, answers)| (question, answers.len())).collect()
}

#[test]
fn another_uid_validity_makes_no_mail_new() {
    let mut rig = Rig::start();
    let mut bot = Bot::configure(&rig, &[]);
    bot.start_and_look();
    let send = |rig: &Rig, n: usize| {
        let from = format!("c{n}@example.org");
        rig.deliver(&from, "support@example.com", &mail(&from, &format!("m{n}"), "退信", "邮件被退回 554 DT:SPM"));
    };
    (0..20).for_each(|n| send(&rig, n));
    bot.wait("twenty answers", |_| rig.mails("world").len() == 20);
    rig.reset_uid_validity("support");
    (20..25).for_each(|n| send(&rig, n));
    bot.wait("five more answers", |_| rig.mails("world").len() >= 25);
    bot.wait("the old mails known again", |bot| bot.events("again").len() >= 20);
    assert_eq!(rig.mails("world").len(), 25);
    assert_eq!(bot.events("received").len(), 25);
    assert_eq!(bot.stop(), Some(0));
}

#[test]
fn a_second_client_that_moves_mail_disturbs_nobody() {
    let rig = Rig::start();
    let mut bot = Bot::configure(&rig, &[]);
    bot.start_and_look();
    let send = |n: usize| {
        let from = format!("c{n}@example.org");
        rig.deliver(&from, "support@example.com", &mail(&from, &format!("m{n}"), "退信", "邮件被退回 554 DT:SPM"));
    };
    for n in 0..30 {
        send(n);
        if n % 3 == 0 {
            // Whatever is there at this moment, taken or not.
            let uids = rig.doveadm(&["fetch", "-u", "support", "uid", "mailbox", "INBOX"]).unwrap();
            if let Some(uid) = uids.lines().filter_map(|line| line.strip_prefix("uid: ")).next_back() {
                let _ = rig.doveadm(&["mailbox", "create", "-u", "support", "Elsewhere"]);
                let _ = rig.doveadm(&["move", "-u", "support", "Elsewhere", "mailbox", "INBOX", "uid", uid]);
            }
        }
    }
    // Every mail that is still in the mailbox gets its answer; of those moved away some were fetched before.
    bot.wait("every mail in the mailbox taken", |_| {
        let taken = rig.doveadm(&["search", "-u", "support", "mailbox", "INBOX", "keyword", "huixin"]).unwrap();
        taken.lines().count() == rig.mails("support").len()
    });
    bot.wait("as many answers as cases", |bot| rig.mails("world").len() == bot.events("received").len());
    count_answers(&rig, "world");
    let moved = rig.mails_in(&rig.maildir("support").join(".Elsewhere")).len();
    assert!(bot.events("received").len() >= 30 - moved);
    assert_eq!(bot.stop(), Some(0));
}

#[test]
fn postfix_down_and_back_costs_patience_only() {
    let mut rig = Rig::start();
    let mut bot = Bot::configure(&rig, &[]);
    bot.start_and_look();
    rig.deliver(
        "c0@example.org",
        "support@example.com",
        &mail("c0@example.org", "m0", "退信", "邮件被退回 554 DT:SPM"),
    );
    rig.wait_mail("world", answers("m0"), PATIENCE);
    // While Postfix is down, mail is laid into the mailbox as a delivery agent would.
    rig.postfix_stop();
    for n in 1..6 {
        let from = format!("c{n}@example.org");
        rig.lay("support", &mail(&from, &format!("m{n}"), "退信", "邮件被退回 554 DT:SPM"));
    }
    bot.wait("five mails taken and put off", |bot| {
        bot.events("received").len() == 6 && !bot.events("deferred").is_empty()
    });
    assert_eq!(rig.mails("world").len(), 1);
    rig.postfix_start();
    bot.wait("all six answers", |_| rig.mails("world").len() == 6);
    count_answers(&rig, "world");
    assert!(bot.events("failed").is_empty());
    assert_eq!(bot.stop(), Some(0));
}
