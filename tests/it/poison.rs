//! F21 and C6: mails that kill their reader, or whoever decides them, among good ones. A reader that panics takes its mail
//! with it, and no other.
//! One that aborts the process or never ends costs a restart; the mail is alone with its reader then, and is put into
//! quarantine after its third time.

use crate::bot::Bot;
use crate::crash_points::{KNOWN, books, mail};
use crate::doses::{dose, report};
use crate::sink::Sink;

const KINDS: [&str; 5] = ["panic", "abort", "stack", "hang", "decision"];

#[test]
fn f21_poison_is_tried_three_times_and_keeps_no_good_mail() {
    let (mails, poisons) = dose((40, 5), (1_000, 15));
    let sink = Sink::start();
    let mut bot = Bot::with_sink(sink.port, &[]);
    bot.start_and_look();
    assert_eq!(bot.stop(), Some(0));
    for n in 0..mails {
        let name = format!("m{n:04}");
        let text = String::from_utf8(mail(&name, KNOWN)).unwrap();
        let poison = n % (mails / poisons) == mails / poisons / 2;
        let line = format!("X-Poison: {}\r\nSubject:", KINDS[n * poisons / mails % KINDS.len()]);
        let text = if poison { text.replacen("Subject:", &line, 1) } else { text };
        bot.lay(&name, text.as_bytes());
    }
    let mut deaths = 0;
    loop {
        bot.spawn_with(&[("HUIXIN_POISON", "X-Poison")]);
        bot.wait("an end, or the last mail", |bot| {
            bot.has_ended() || bot.folder().join("in/new").read_dir().unwrap().next().is_none()
        });
        if !bot.has_ended() {
            break;
        }
        bot.wait_end();
        deaths += 1;
        assert!(deaths <= poisons * 3, "{}", bot.log());
    }
    bot.wait("the good answers", |bot| {
        let good = sink.copies();
        good.len() >= mails && bot.command(&["outbox", "list", "--json"]).1.is_empty()
    });
    assert_eq!(bot.stop(), Some(0));
    let books = books(&bot.folder().join("data"));
    assert_eq!((books.cases.len(), books.quarantined), (mails, poisons));
    let told = format!("{} answered, {poisons} in quarantine, {deaths} restarts", mails - poisons);
    report("F21, C6", format!("{poisons} poisons in {mails} mails"), told);
}
