//! Agents answer from fourteen mail programs, and their customers get what they wrote and nothing else.
//!
//! V23, F46: nothing quoted and nothing internal is relayed, and hardly anything is held without need.

mod called_back;
pub mod desk;
mod programs;
mod risky;
mod words;

use huixin::language::Language;

use crate::doses::dose;
use desk::{Came, Desk};
use programs::{PROGRAMS, Program, Quoted, Reply};
use words::WORDS;

/// Replies held without need that are borne: one in a hundred.
const HELD_PERCENT: usize = 1;

/// Words meet settings, habits and mails answered in other ways in each round.
const ROUNDS: usize = 21;

/// Which of our mails is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    Forward,
    /// The second forward of the case, of the requester's next mail.
    Second,
    /// The receipt of a note.
    Receipt,
    /// The forward went to a colleague first, who put a word of their own above it.
    Colleague,
}

/// How the answer to our mail is written.
fn written(desk: &Desk, program: &Program, n: usize) -> (Vec<u8>, &'static str) {
    let (language, words) = WORDS[n % WORDS.len()];
    // Who works in one language may have their windows in English.
    let language = if n.is_multiple_of(7) { Language::En } else { language };
    let answered =
        [Answered::Forward, Answered::Second, Answered::Colleague, Answered::Forward, Answered::Receipt][n % 5];
    let mail = match answered {
        Answered::Forward | Answered::Colleague => &desk.forwards[0],
        Answered::Second => &desk.forwards[1],
        Answered::Receipt => &desk.receipt,
    };
    // Every third one has lost our line on the way.
    let text = if n % 3 == 1 { without_line(&mail.text) } else { mail.text.clone() };
    let mut quoted = Quoted {
        name: "客户支持",
        address: "support@example.com",
        to: desk::AGENT,
        subject: &mail.subject,
        text: &text,
    };
    let passed_on;
    if answered == Answered::Colleague {
        let inner = Reply { words: desk::REMARK, quoted, language, n: 2 };
        passed_on = (program.write)(&inner).plain.unwrap_or_default();
        quoted = Quoted {
            name: "赵工",
            address: "zhao@example.com",
            text: &passed_on,
            subject: &mail.subject,
            to: desk::AGENT,
        };
    }
    let body = (program.write)(&Reply { words, quoted, language, n });
    (desk.mail(desk::AGENT, mail, &body), words)
}

fn without_line(text: &str) -> String {
    text.lines().filter(|line| !line.contains("Reply above this line")).map(|line| format!("{line}\n")).collect()
}

/// What counts of a text, wherever a program breaks its lines.
fn letters(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\u{3000}' | '\u{feff}')).collect()
}

/// Lines of `relayed` that the agent did not write.
fn foreign<'a>(relayed: &'a str, words: &str) -> Vec<&'a str> {
    let words = letters(words);
    relayed.lines().filter(|line| !words.contains(&letters(line))).collect()
}

/// What an agent says: without the command, and with or without the card below.
fn said(words: &str) -> [String; 2] {
    let text = match words.strip_prefix('#') {
        Some(rest) if !rest.starts_with('1') => rest.split_once('\n').map_or("", |(_, text)| text),
        _ => words,
    };
    let card = text.rfind("\n\n\n").unwrap_or(text.len());
    [letters(text), letters(&text[..card])]
}

#[test]
fn f46_v23_five_hundred_replies_from_fourteen_programs_say_what_their_writers_wrote() {
    let desks = Language::ALL.map(Desk::open);
    let (mut relayed, mut held, mut asked_back) = (0, Vec::new(), Vec::new());
    let (mut leaked, mut lost) = (Vec::new(), Vec::new());
    let mut count = 0;
    for (p, program) in PROGRAMS.iter().enumerate() {
        for n in 0..dose(1, ROUNDS) * WORDS.len() {
            let desk = &desks[(n + p) % desks.len()];
            let (mail, words) = written(desk, program, n + 3 * p);
            let what = format!("{} {}: {}", program.name, n + 3 * p, words.lines().next().unwrap_or_default());
            count += 1;
            match desk.decide(&mail) {
                Came::Relayed(text) => {
                    relayed += 1;
                    let strange = foreign(&text, words);
                    if !strange.is_empty() {
                        leaked.push(format!("{what}\n    {}", strange.join("\n    ")));
                    }
                    if strange.is_empty() && !said(words).contains(&letters(&text)) {
                        lost.push(format!("{what}\n    {text}"));
                    }
                }
                Came::Held(why) => held.push(format!("{what}\n    {why}")),
                Came::Other(why) => asked_back.push(format!("{what}\n    {why}")),
            }
        }
    }
    println!(
        "{count} replies in {} programs: {relayed} relayed, {} with lines of others, {} shortened; {} held without need, {} not relayed",
        PROGRAMS.len(),
        leaked.len(),
        lost.len(),
        held.len(),
        asked_back.len()
    );
    let show = |title: &str, rows: &[String]| rows.iter().for_each(|row| println!("{title}: {row}"));
    show("leaked", &leaked);
    show("not as written", &lost);
    show("held", &held);
    show("not relayed", &asked_back);
    assert!(count >= 500);
    assert_eq!((leaked.len(), lost.len(), asked_back.len()), (0, 0, 0));
    assert!(held.len() * 100 <= count * HELD_PERCENT, "{} of {count} held without need", held.len());
}
