//! V23, F46, the other half: what would give something away does not leave without a second word of the agent.

use huixin::agent::Hold;
use huixin::ids::Right;
use huixin::language::Language;

use super::desk::{self, Came, Desk};
use super::programs::{PROGRAMS, Quoted, Reply};
use super::without_line;

/// What an agent's hand may slip to, above the mail it answers.
fn slips(desk: &Desk) -> Vec<(&'static str, String)> {
    let sheet = without_line(&desk.forwards[0].text);
    let token = desk.playbook.token(desk.case.number, Right::Reply, &desk::AGENT.parse().unwrap(), desk.now);
    let wrapped: String =
        desk::NOTE.chars().enumerate().map(|(at, c)| if at % 17 == 16 { format!("{c}\n") } else { c.into() }).collect();
    let head: String = sheet.lines().take(6).map(|line| format!("{line}\n")).collect();
    let bars: String = sheet.lines().map(|line| format!("| {line}\n")).collect();
    vec![
        ("nothing but the quote", String::new()),
        ("the note", format!("您好，\n{}", desk::NOTE)),
        ("the note, broken into lines", format!("您好，\n{wrapped}")),
        ("the sheet", format!("请看：\n{sheet}")),
        ("the head of the sheet", format!("请看：\n{head}")),
        ("the sheet behind bars", format!("请看：\n{bars}")),
        ("an address with the token", format!("请写信到 support+{}@example.com", token.detail())),
        ("an answer between quoted lines", "> 处理组：邮件技术组\n是的\n> 语言：zh\n不是".into()),
        ("another mail", "见下：\n发件人: 财务 <cw@example.com>\n收件人: 王工 <wang@example.com>\n这个客户欠费".into()),
        ("another mail in English", "See below:\nFrom: Finance <cw@example.com>\nTo: Wang\nthey owe us money".into()),
    ]
}

/// Nothing of it is anybody's but the agent's.
fn is_own(text: &str, words: &str) -> bool {
    let card = ["王工", "Wang", "示例邮箱邮件技术组", "电话：010-5550 1234", "wang@example.com", "|", "| |"];
    let greets = words.lines().next() == Some(text);
    greets || !text.is_empty() && words.is_empty() && text.lines().all(|line| card.contains(&line))
}

#[test]
fn f46_v23_what_would_give_something_away_is_held_or_goes_nowhere() {
    let mut relayed = Vec::new();
    let (mut count, mut held, mut own) = (0, 0, 0);
    for language in Language::ALL {
        let desk = Desk::open(language);
        for program in PROGRAMS {
            for (n, (slip, words)) in slips(&desk).iter().enumerate() {
                for without in [false, true] {
                    let mail = &desk.forwards[n % 2];
                    let text = if without { without_line(&mail.text) } else { mail.text.clone() };
                    let quoted = Quoted {
                        name: "客户支持",
                        address: "support@example.com",
                        to: desk::AGENT,
                        subject: &mail.subject,
                        text: &text,
                    };
                    let body = (program.write)(&Reply { words, quoted, language, n });
                    count += 1;
                    match desk.decide(&desk.mail(desk::AGENT, mail, &body)) {
                        // The greeting above what was cut is the agent's own, and so is the card below nothing.
                        Came::Relayed(text) if is_own(&text, words) => own += 1,
                        Came::Relayed(text) => {
                            relayed.push(format!("{} {language}, {slip}, line {}: {text}", program.name, !without))
                        }
                        Came::Held(_) => held += 1,
                        Came::Other(_) => {}
                    }
                }
            }
        }
    }
    println!(
        "{count} replies that give something away: {} relayed, {held} held, {own} cut to the agent's own, the rest asked back",
        relayed.len()
    );
    relayed.iter().for_each(|row| println!("relayed: {row}"));
    assert!(relayed.is_empty(), "{} of {count} left", relayed.len());
}

#[test]
fn an_agent_is_told_why_a_reply_is_held() {
    let desk = Desk::open(Language::Zh);
    let internal = &desk.internal;
    for (slip, words) in slips(&desk).iter().skip(1) {
        let hold = huixin::agent::hold(words, internal);
        assert!(hold.is_some(), "{slip}");
        if slip.starts_with("the note") {
            assert_eq!(hold, Some(Hold::Internal), "{slip}");
        }
    }
}
