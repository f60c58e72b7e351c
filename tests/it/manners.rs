//! Storms, loops, floods and forgeries: how many mails of ours leave, whatever comes in.
//!
//! A whole bot under a clock of the test: a Maildir it takes mail from, a relay that keeps what it is given. The doses are
//! short; `HUIXIN_DOSE=long` gives those of the release.

mod bot;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use huixin::address::Address;
use huixin::app;
use huixin::app::requests::{Answer, Clerk, Posted, Request};
use huixin::case::Clues;
use huixin::decide;
use huixin::decide::report::{self, Tally};
use huixin::ids::{CaseNumber, RequestId};
use huixin::outgoing::Purpose;
use huixin::playbook::Playbook;
use huixin::screen::Kind;

use crate::doses::dose;
use bot::{Bot, Left};

const KNOWN: &str = "我发送邮件被退回，提示“554 DT:SPM”，请问怎么办？";
const UNKNOWN: &str = "Does the choir rehearse on Thursday this week?";
const AGENT: &str = "agents@example.com";

/// Everybody of these domains is believed, or is not.
fn with_our_server(text: String) -> String {
    text.replace("authentication_servers = []", "authentication_servers = [\"mx.example.com\"]")
}

/// What the text of a mail of ours says, whatever it is encoded as.
fn text_of(left: &Left) -> String {
    app::read(left.mail.as_bytes()).text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_cannot_be_looked_after_keeps_no_other_case_waiting() {
    let mut bot = Bot::new("support@example.com", |text| text).await;
    let mails = [bot.ask("a@example.org", UNKNOWN), bot.ask("b@example.org", UNKNOWN)];
    bot.work().await;
    let [stuck, other] = mails.map(|mail| bot.case_of(&mail));
    let first = |bot: &Bot, number| bot.cases()[&number].work.timers[0].at;
    let due = first(&bot, stuck).max(first(&bot, other));
    bot.pass(due.duration_since((bot.clock)()).as_secs() as u64 + 1);
    // In the outbox there is a mail already of the name that the reminder about one of them would have.
    let (case, now) = (bot.cases().remove(&stuck).unwrap(), (bot.clock)());
    let facts = bot.store().facts(&decide::clues_of(&case), now).unwrap();
    let found = decide::Found { facts, said: Vec::new() };
    let reminder = decide::ring(&case, &found, bot.playbook(), now).outgoing.swap_remove(0);
    bot.takes_the_name_of(reminder);

    let told = |bot: &Bot, number: CaseNumber| {
        bot.left().iter().filter(|left| left.mail.contains(&number.to_string())).count()
    };
    let before = [stuck, other].map(|number| told(&bot, number));
    bot.ring();
    bot.work().await;
    assert_eq!([stuck, other].map(|number| told(&bot, number)), [before[0], before[1] + 1]);
    let an_hour_later = now.checked_add(Duration::from_secs(3600)).unwrap();
    assert_eq!(first(&bot, stuck), an_hour_later, "nothing of it is lost");
    bot.pass(3600);
    bot.ring();
    bot.work().await;
    assert_eq!(told(&bot, stuck), before[0] + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_that_cannot_be_written_keeps_no_other_waiting() {
    let others = "others@example.com";
    let both = |text: String| text.replace("to = [\"agents@example.com\"]", &format!("to = [{AGENT:?}, {others:?}]"));
    let mut bot = Bot::new("support@example.com", both).await;
    for _ in 0..22 {
        bot.ask("storm@c.example", UNKNOWN);
    }
    bot.take().await;
    bot.pass(600);
    let stuck = bot.store().digests().unwrap()[0].0.clone();
    let (folded, _) = bot.store().folded(&stuck, 100).unwrap();
    assert_eq!((stuck.to_string().as_str(), folded.is_empty()), (AGENT, false), "the first in the row");
    let digest = decide::digest(&stuck, &folded, bot.playbook(), (bot.clock)()).unwrap();
    bot.takes_the_name_of(digest);

    let digests = |bot: &Bot, to: &str| {
        let of_one_mail = |left: &Left| left.mail.contains("\r\nReply-To:");
        bot.left_to(to).iter().filter(|left| !of_one_mail(left)).count()
    };
    bot.work().await;
    assert_eq!([AGENT, others].map(|to| digests(&bot, to)), [0, 1]);
    assert_eq!(bot.store().folded(&stuck, 100).unwrap().0, folded, "nothing of it is lost");
    // With one mail more it has another name.
    bot.ask("storm@c.example", UNKNOWN);
    bot.work().await;
    assert_eq!(digests(&bot, AGENT), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_cannot_be_written_is_left_out_for_that_day() {
    let led = |text: String| text.replace("\nleads = []", "\nleads = [\"lead@example.com\"]");
    let mut bot = Bot::new("support@example.com", led).await;
    assert_eq!(bot.report(), 0, "the first day begins");
    bot.pass(24 * 3600);
    let now = (bot.clock)();
    let report = report::reports(&Tally::default(), bot.playbook(), now).swap_remove(0);
    bot.takes_the_name_of(report);
    let end = bot.store().end().unwrap();
    assert_eq!(bot.report(), 0);
    assert_eq!(bot.store().reported().unwrap(), Some((now, end)), "the day is done");
    bot.pass(24 * 3600);
    assert_eq!(bot.report(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn f31_two_of_our_bots_that_face_each_other_stop_after_two_mails() {
    let mut alpha = Bot::new("support@alpha.example", |text| text.replace("id = \"huixin\"", "id = \"alpha\"")).await;
    let mut beta = Bot::new("support@beta.example", |text| text.replace("id = \"huixin\"", "id = \"beta\"")).await;
    // Somebody at beta writes to alpha from the support address.
    alpha.lay(
        "From: support@beta.example\nTo: support@alpha.example\nSubject: 554\nMessage-ID: <seed@beta.example>\n\
         Content-Type: text/plain; charset=utf-8\n\n554 DT:SPM?\n",
    );
    let mut exchanged = 0;
    for _ in 0..20 {
        alpha.work().await;
        beta.work().await;
        let to_beta: Vec<Left> = alpha.left.lock().unwrap().drain(..).filter(|left| left.to == beta.address).collect();
        let to_alpha: Vec<Left> = beta.left.lock().unwrap().drain(..).filter(|left| left.to == alpha.address).collect();
        exchanged += to_beta.len() + to_alpha.len();
        for left in &to_beta {
            beta.lay(&left.mail);
        }
        for left in &to_alpha {
            alpha.lay(&left.mail);
        }
        alpha.pass(600);
        beta.pass(600);
    }
    assert!((1..=2).contains(&exchanged), "{exchanged} mails between the two");
}

#[tokio::test(flavor = "multi_thread")]
async fn f32_a_robot_that_hides_gets_three_answers_an_hour_and_five_a_day_and_is_found_out() {
    let mut bot = Bot::new("support@example.com", |text| text).await;
    let (mut mails, mut answered) = (Vec::new(), 0);
    // A day and more, minute by minute: an answer is answered within a second, and when none comes, it writes anew.
    for minute in 0..26 * 60 {
        let answers = bot.left_to("mallory@m.example").len();
        if answers > answered || minute % 30 == 0 {
            answered = answers;
            bot.pass(1);
            mails.push(bot.ask("mallory@m.example", KNOWN));
            bot.work().await;
            bot.pass(59);
        } else {
            bot.pass(60);
        }
    }
    let times: Vec<i64> = bot.left_to("mallory@m.example").iter().map(|left| left.at.as_second()).collect();
    let most =
        |span: i64| times.iter().map(|from| times.iter().filter(|at| (*from..from + span).contains(*at)).count()).max();
    assert!(times.len() >= 3, "{times:?}");
    assert!(most(3600) <= Some(3) && most(24 * 3600) <= Some(5), "{times:?}");
    let found =
        mails.iter().position(|mail| bot.decided(mail).manners.haste.is_some_and(|(_, haste)| haste.robot.is_some()));
    let found = found.expect("nobody found it out");
    assert!(times.iter().all(|at| *at <= bot.decided(&mails[found]).at.as_second()), "silence from then on");
    let later: Vec<CaseNumber> = mails[found..].iter().map(|mail| bot.case_of(mail)).collect();
    assert!(later.iter().all(|case| *case == later[0]) && later.len() > 40, "one case for all of them");
    assert!(bot.cases().len() <= 5, "{}", bot.cases().len());

    // Seven days later it is asked anew what it is.
    bot.pass(7 * 24 * 3600);
    bot.ask("mallory@m.example", KNOWN);
    bot.work().await;
    assert_eq!(bot.left_to("mallory@m.example").len(), times.len() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn f33_no_automatic_reply_of_anybodys_is_replied_to() {
    let mut bot = Bot::new("support@example.com", |text| text).await;
    let mails = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mails");
    let mut laid = Vec::new();
    for file in fs::read_dir(mails).unwrap().map(|entry| entry.unwrap().path()) {
        let expected = file.with_extension("toml");
        let is_auto_reply = |text: String| text.contains(&format!("kind = \"{}\"", Kind::AutoReply.as_str()));
        if file.extension().is_some_and(|end| end == "eml") && fs::read_to_string(expected).is_ok_and(is_auto_reply) {
            laid.push(bot.lay_octets(fs::read(file).unwrap()));
        }
    }
    bot.work().await;
    assert!(laid.len() >= 20, "{}", laid.len());
    laid.iter().for_each(|mail| assert!(bot.store().taken(mail).unwrap().is_some()));
    assert_eq!(bot.answers(), 0);
    assert!(bot.left().iter().all(|left| left.to == AGENT));
}

#[tokio::test(flavor = "multi_thread")]
async fn f34_a_storm_of_one_sender_costs_the_others_nothing() {
    let (storm, others) = (dose(400, 10_000), 24);
    // Reply-To tells whose mail was forwarded.
    let direct = |text: String| text.replace("replies = \"relay\"", "replies = \"direct\"");
    let mut bot = Bot::new("support@example.com", direct).await;
    let mut stormed = Vec::new();
    // Within ten minutes; the others come when the storm is at its height.
    let (mut asked, step) = (Vec::new(), storm / 10);
    for minute in 0..10 {
        (0..step).for_each(|_| stormed.push(bot.ask("storm@storms.example", UNKNOWN)));
        if minute == 5 {
            for n in 0..others {
                asked.push(bot.ask(&format!("customer{n}@c{n}.example"), if n % 2 == 0 { KNOWN } else { UNKNOWN }));
            }
        }
        let begun = std::time::Instant::now();
        bot.work().await;
        println!("minute {minute}: {:?}", begun.elapsed());
        bot.pass(60);
    }
    bot.pass(600);
    bot.work().await;

    stormed.iter().chain(&asked).for_each(|mail| assert!(bot.store().taken(mail).unwrap().is_some(), "stored"));
    assert!(bot.left_to("storm@storms.example").len() <= 3);
    for n in 0..others {
        assert_eq!(bot.left_to(&format!("customer{n}@c{n}.example")).len(), 1, "customer {n} was answered");
    }
    let (digests, forwards): (Vec<Left>, Vec<Left>) =
        bot.left_to(AGENT).into_iter().partition(|left| !left.mail.contains("\r\nReply-To:"));
    let of_storm = forwards.iter().filter(|left| left.mail.contains("Reply-To: storm@")).count();
    assert_eq!((of_storm, forwards.len() - of_storm), (20, others / 2), "twenty of the storm, every one of the others");
    // One digest in ten minutes, and every mail is forwarded or named in one.
    assert!((1..=2).contains(&digests.len()), "{}", digests.len());
    let listed: String = digests.iter().map(text_of).collect();
    let (mut named, mut sent) = (0, 0);
    for mail in &stormed {
        let decided = bot.decided(mail);
        let forwarded = decided.outgoing.iter().any(|mail| mail.purpose == Purpose::Forward);
        assert_eq!(forwarded, decided.manners.folded.is_none(), "one of the two");
        sent += usize::from(forwarded);
        named += usize::from(!forwarded && listed.contains(&mail.short()));
    }
    assert_eq!(named + sent, stormed.len(), "nothing is lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn f35_forged_senders_get_what_one_small_budget_holds() {
    let victims = dose(120, 10_000);
    for (policy, result, most) in [
        ("budgeted", "dmarc=none", 30),
        ("budgeted", "dmarc=fail", 0),
        ("strict", "dmarc=none", 0),
        ("strict", "dmarc=fail", 0),
    ] {
        let change = |text| with_our_server(text).replace("= \"budgeted\"", &format!("= {policy:?}"));
        let mut bot = Bot::new("support@example.com", change).await;
        for n in 0..victims {
            bot.lay(&format!(
                "Authentication-Results: mx.example.com; {result} header.from=v{n}.example\nReceived: x\n\
                 From: victim{n}@v{n}.example\nTo: support@example.com\nSubject: s{n}\n\
                 Message-ID: <{n}@v{n}.example>\nContent-Type: text/plain; charset=utf-8\n\n{KNOWN}\n"
            ));
        }
        bot.work().await;
        assert_eq!((bot.answers(), bot.cases().len()), (most, victims), "{policy} {result}");
        assert!(bot.left_to(AGENT).len() <= 60);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f36_forged_reports_change_nothing_and_answer_nobody() {
    let forgeries = dose(120, 10_000);
    for (automatic, most) in [(true, 20), (false, 0)] {
        let change = |text: String| text.replace("automatic = true", &format!("automatic = {automatic}"));
        let mut bot = Bot::new("support@example.com", change).await;
        let asked = bot.ask("ann@c.example", KNOWN);
        bot.work().await;
        let (case, before) = (bot.case_of(&asked), bot.left().len());
        let ann = Clues { sender: Some(Address::parse("ann@c.example").unwrap()), ..Clues::default() };
        let facts = bot.store().facts(&ann, (bot.clock)()).unwrap();
        let known = bot.store().case(case).unwrap();
        for n in 0..forgeries {
            let (kind, part) = match n % 2 {
                0 => (
                    "delivery-status",
                    "Reporting-MTA: dns; x.example\n\nFinal-Recipient: rfc822; ann@c.example\nAction: failed\nStatus: 5.1.1\n",
                ),
                _ => (
                    "feedback-report",
                    "Feedback-Type: abuse\nVersion: 1\nUser-Agent: x\nOriginal-Rcpt-To: ann@c.example\n",
                ),
            };
            bot.lay(&format!(
                "Return-Path: <>\nFrom: MAILER-DAEMON@r{n}.example\nTo: support@example.com\nSubject: Undelivered {n}\n\
                 Message-ID: <{n}@r{n}.example>\nMIME-Version: 1.0\n\
                 Content-Type: multipart/report; report-type={kind}; boundary=b\n\n--b\n\nSorry.\n--b\n\
                 Content-Type: message/{kind}\n\n{part}\n--b\nContent-Type: text/rfc822-headers\n\n\
                 Message-ID: <answer-0123456789abcdef.{case}@example.com>\nSubject: [{case}]\n\n--b--\n"
            ));
        }
        bot.work().await;
        assert_eq!(bot.store().case(case).unwrap(), known, "the case stands as it stood");
        let now = bot.store().facts(&ann, (bot.clock)()).unwrap();
        assert_eq!(
            (now.pulse, now.suppressed, now.haste, now.tripped),
            (facts.pulse, facts.suppressed, facts.haste, None)
        );
        let left = bot.left().split_off(before);
        assert!(left.len() <= most && left.iter().all(|left| left.to == AGENT), "{} of {most}", left.len());
        // They are told in the digest, and everybody else is answered as before.
        bot.pass(600);
        bot.ask("bob@d.example", KNOWN);
        bot.work().await;
        assert_eq!(bot.left_to("bob@d.example").len(), 1);
        assert_eq!(bot.left_to(AGENT).len(), if automatic { most + 1 } else { 0 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f37_the_breaker_stops_answers_alone_tells_the_operator_and_survives_a_restart() {
    let mut bot = Bot::new("support@example.com", |text| text.replace("answers_hour = 300", "answers_hour = 5")).await;
    for n in 0..5 {
        bot.ask(&format!("c{n}@c{n}.example"), KNOWN);
    }
    bot.work().await;
    assert_eq!((bot.answers(), bot.store().tripped().unwrap()), (5, None));
    for n in 5..12 {
        bot.ask(&format!("c{n}@c{n}.example"), KNOWN);
    }
    bot.work().await;
    assert_eq!(bot.answers(), 5, "the sixth does not leave");
    assert_eq!(bot.left_to(AGENT).len(), 7, "humans have what was not answered");
    let told = bot.left_to("operator@example.com");
    assert_eq!(told.len(), 1, "once");
    let text = text_of(&told[0]);
    for n in 0..5 {
        let to = Address::parse(&format!("c{n}@c{n}.example")).unwrap();
        let person = huixin::maillog::person(bot.store().key(), &to);
        assert!(text.contains(&person) && !text.contains(&to.to_string()), "{text}");
    }
    assert!(text.contains("breaker.answers_hour"), "{text}");
    assert!(bot.cases().keys().any(|case| text.contains(&case.to_string())), "{text}");

    // A restart, a lost state and two hours change nothing.
    bot.start();
    bot.pass(2 * 3600);
    bot.ask("later@l.example", KNOWN);
    bot.work().await;
    bot.house = None;
    fs::remove_dir_all(bot.folder.path().join("data/state")).unwrap();
    bot.start();
    bot.ask("later-still@l.example", KNOWN);
    bot.work().await;
    assert_eq!((bot.answers(), bot.left_to("operator@example.com").len()), (5, 1));

    let playbook: Box<dyn Fn() -> Result<Arc<Playbook>, String> + Send + Sync> = Box::new(|| Err("not asked".into()));
    let clerk = Clerk { store: bot.store().clone(), clock: bot.clock.clone(), running: true, playbook };
    let request = Request::ReleaseBreaker { reason: "looked".into() };
    let posted = Posted { id: RequestId::new((bot.clock)().as_millisecond(), 1), by: "ops".into(), request };
    assert!(matches!(clerk.answer(&posted).unwrap(), Answer::Done(_)));
    drop(clerk);
    bot.ask("again@a.example", KNOWN);
    bot.work().await;
    assert_eq!((bot.answers(), bot.left_to("again@a.example").len()), (6, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn f37_answers_that_come_back_open_the_breaker() {
    let mut bot = Bot::new("support@example.com", |text| {
        text.replace("bounce_percent = 30", "bounce_percent = 4").replace("slow_percent = 5", "slow_percent = 0")
    })
    .await;
    for n in 0..4 {
        bot.ask(&format!("c{n}@c{n}.example"), KNOWN);
    }
    bot.work().await;
    for n in 0..4 {
        let answer = bot.left_to(&format!("c{n}@c{n}.example")).remove(0).mail;
        let id = answer.lines().find(|line| line.starts_with("Message-ID:")).unwrap();
        let report = format!(
            "Return-Path: <>\nFrom: MAILER-DAEMON@r.example\nTo: support@example.com\nSubject: Undelivered Mail\n\
             Message-ID: <b{n}@r.example>\nMIME-Version: 1.0\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n--b\n\
             Content-Type: message/delivery-status\n\nReporting-MTA: dns; r.example\n\n\
             Final-Recipient: rfc822; c{n}@c{n}.example\nAction: failed\nStatus: 5.1.1\n\n--b\n\
             Content-Type: text/rfc822-headers\n\n{id}\n\n--b--\n"
        );
        // The same report twice says no more than once.
        for again in 0..2 {
            bot.lay(&report.replace(&format!("<b{n}@"), &format!("<b{n}-{again}@")));
        }
        bot.work().await;
        assert_eq!(bot.store().tripped().unwrap().is_some(), n >= 2, "after {} of them", n + 1);
    }
    assert_eq!(bot.left_to("operator@example.com").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_or_a_clock_that_is_set_back_refills_no_budget() {
    let mut bot = Bot::new("support@example.com", |text| text).await;
    bot.pass(12 * 3600);
    for _ in 0..6 {
        bot.ask("ann@c.example", KNOWN);
        bot.work().await;
        // The process dies, the clock is set back by an hour, the state is lost.
        bot.house = None;
        fs::remove_dir_all(bot.folder.path().join("data/state")).unwrap();
        bot.start();
        let mut now = bot.now.lock().unwrap();
        *now = now.checked_sub(Duration::from_secs(3600)).unwrap();
    }
    assert_eq!(bot.left_to("ann@c.example").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_subject_is_answered_once_a_day_where_it_opens_a_case() {
    // Where no subject joins a case.
    let apart = |text: String| text.replace("same_matter_days = 7", "same_matter_days = 0");
    let mut bot = Bot::new("support@example.com", apart).await;
    let mut ask = |n: usize, subject: &str| {
        bot.lay(&format!(
            "From: ann@c.example\nTo: support@example.com\nSubject: {subject}\nMessage-ID: <{n}@c.example>\n\
             Content-Type: text/plain; charset=utf-8\n\n{KNOWN} {n}\n"
        ))
    };
    let mails = [ask(1, "bounced"), ask(2, "Re: Bounced"), ask(3, "another thing"), ask(4, "BOUNCED")];
    bot.work().await;
    let answered = mails.map(|mail| bot.decided(&mail).outgoing.iter().any(|mail| mail.purpose == Purpose::Answer));
    assert_eq!(answered, [true, false, true, false]);
}
