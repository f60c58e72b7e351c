//! F01: `kill -9` at any moment, under a real Dovecot and a real Postfix, while mail keeps coming.
//!
//! No program can say the same of SMTP twice over: a server that has taken the final dot will deliver, and its answer
//! may find nobody who reads it. So a mail leaves twice if the kill comes in just that moment (C13, C14 of
//! docs/faults.md). How many there are depends on how many mails are in that moment at the kill: with a backlog, nearly
//! as many as there are connections; with mail that comes at a steady pace, mostly none.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::bot::Bot;
use crate::crash_points::{KNOWN, books, mail};
use crate::doses::{dose, report};
use crate::rig::Rig;

/// The mail as it was handed to Postfix: what that has put before it differs from copy to copy.
fn as_sent(mail: &[u8]) -> String {
    let text = String::from_utf8_lossy(mail);
    let trace = ["Return-Path:", "X-Original-To:", "Delivered-To:", "Received:", " ", "\t"];
    let ours = text.lines().skip_while(|line| trace.iter().any(|name| line.starts_with(name)));
    ours.collect::<Vec<_>>().join("\n")
}

/// Waits while fewer and fewer are waited for: a slow machine is no fault, one on which nothing moves is.
fn wait_for(what: &str, mut waiting: impl FnMut() -> usize, log: impl Fn() -> String) {
    let (mut least, mut moved) = (usize::MAX, Instant::now());
    while least > 0 {
        let now = waiting();
        if now < least {
            (least, moved) = (now, Instant::now());
        }
        assert!(moved.elapsed() < Duration::from_secs(120), "{least} {what} and nothing moves\n{}", log());
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Waits for all answers, holds mailboxes and journal against each other, and tells what was doubled.
fn settle_up(rig: &Rig, mut bot: Bot, mails: usize, kills: usize) -> (usize, String) {
    let undone = || {
        let keyword = rig.doveadm(&["search", "-u", "support", "keyword", "huixin"]).unwrap().lines().count();
        let (_, out, _) = bot.command(&["outbox", "list", "--json"]);
        mails - keyword + out.lines().count()
    };
    wait_for("mails still wait", undone, || bot.log());
    assert_eq!(bot.stop(), Some(0));
    let books = books(&bot.folder().join("data"));
    assert_eq!(books.cases.len(), mails);
    // An answer that was in doubt twice is not tried again, and a mail that was being read at three kills is not read
    // again: a human is told of either.
    let given_up = books.failed.len() + books.quarantined;
    assert!(books.sent.len() >= mails - given_up, "{} sent, {given_up} given up", books.sent.len());
    let mut copies: BTreeMap<String, Vec<String>> = BTreeMap::new();
    // Postfix may have some in its queue.
    let missing = || {
        copies.clear();
        for mail in rig.mails("world") {
            let text = as_sent(&mail);
            let id = text.lines().find_map(|line| line.strip_prefix("Message-ID: <")).unwrap_or_default();
            copies.entry(id.trim_end_matches('>').to_owned()).or_default().push(text);
        }
        mails.saturating_sub(copies.len() + given_up)
    };
    wait_for("answers have not arrived", missing, || bot.log());
    for (id, copies) in copies.iter().filter(|(_, copies)| copies.len() > 1) {
        assert!(copies.iter().all(|copy| *copy == copies[0]), "the copies of {id} differ");
        assert!(books.in_doubt.contains(id), "{id} left twice and was not in doubt");
    }
    let doubles = copies.values().map(Vec::len).sum::<usize>() - copies.len();
    let doubt = books.in_doubt.len();
    let told = format!(
        "0 lost, 0 double cases, {doubles} double mails byte for byte the same ({kills} kills, {doubt} mails in doubt), \
         {given_up} given up and told"
    );
    (doubles, told)
}

#[test]
fn f01_kill_9_while_mail_comes_at_a_steady_pace() {
    let (mails, kills, pace) = dose((200, 5, 10.0), (10_000, 200, 5.0));
    let rig = Rig::start();
    let mut bot = Bot::configure(&rig, &[]).with_one_rule();
    bot.start_and_look();
    let seed = std::env::var("HUIXIN_SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut random = fastrand::Rng::with_seed(seed);
    let whole = mails as f64 / pace;
    let mut moments: Vec<f64> = (0..kills).map(|n| (n as f64 + random.f64()) * whole / kills as f64).collect();
    let begun = Instant::now();
    for n in 0..mails {
        let due = n as f64 / pace;
        while moments.first().is_some_and(|moment| *moment <= due) {
            sleep_until(begun, moments.remove(0));
            bot.kill();
            bot.spawn();
        }
        sleep_until(begun, due);
        let from = format!("c{n}");
        rig.lay("support", &mail(&from, KNOWN));
    }
    for moment in moments {
        sleep_until(begun, moment);
        bot.kill();
        bot.spawn();
    }
    let (doubles, told) = settle_up(&rig, bot, mails, kills);
    report("F01 steady", format!("{kills} kills, {mails} mails at {pace}/s, seed {seed}"), told);
    assert!(doubles <= dose(4, 10), "{doubles} double mails");
}

fn sleep_until(begun: Instant, second: f64) {
    std::thread::sleep(Duration::from_secs_f64(second).saturating_sub(begun.elapsed()));
}

#[test]
fn f01_kill_9_in_the_middle_of_a_backlog() {
    let (mails, kills) = dose((1_000, 20), (10_000, 200));
    let rig = Rig::start();
    let mut bot = Bot::configure(&rig, &[]).with_one_rule();
    bot.start_and_look();
    let mut random = fastrand::Rng::with_seed(20);
    let mut laid = 0;
    for kill in 0..kills {
        while laid < mails * (kill + 1) / kills {
            rig.lay("support", &mail(&format!("c{laid}"), KNOWN));
            laid += 1;
        }
        // A bot that is still starting has nothing to lose.
        bot.wait("the start", |bot| bot.starts() > kill);
        std::thread::sleep(Duration::from_millis(random.u64(0..900)));
        bot.kill();
        bot.spawn();
    }
    let (doubles, told) = settle_up(&rig, bot, mails, kills);
    report("F01 backlog", format!("{kills} kills, {mails} mails in {kills} heaps"), told);
    assert!(doubles <= kills * 4, "more second copies than mails that could be on their way");
}
