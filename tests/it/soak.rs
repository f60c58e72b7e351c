//! F30: mail at five a second for a long time, and something breaks every minute. `HUIXIN_MINUTES` is how long.

use std::fs;
use std::time::{Duration, Instant};

use crate::bot::Bot;
use crate::crash_points::{KNOWN, UNKNOWN, books, mail};
use crate::doses::{dose, report};
use crate::rig::Rig;

const PACE: Duration = Duration::from_millis(200);

/// What a process holds: octets in memory, and open files.
fn holds(bot: &Bot) -> Option<(u64, usize)> {
    let process = format!("/proc/{}", bot.process());
    let status = fs::read_to_string(format!("{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some((kilobytes * 1024, fs::read_dir(format!("{process}/fd")).ok()?.count()))
}

#[test]
fn f30_mail_keeps_flowing_while_things_break() {
    let minutes = std::env::var("HUIXIN_MINUTES").map_or(60.0, |minutes| minutes.parse().unwrap());
    let (whole, every) = dose((Duration::from_secs(24), 5), (Duration::from_secs_f64(minutes * 60.0), 60));
    let mut rig = Rig::start();
    let mut bot = Bot::configure(&rig, &[]).with_one_rule();
    bot.start_and_look();
    let mut random = fastrand::Rng::with_seed(30);
    let begun = Instant::now();
    let (mut laid, mut faults, mut fault_at) = (0, Vec::new(), every);
    let mut held: Vec<(u64, usize)> = Vec::new();
    while begun.elapsed() < whole {
        rig.lay("support", &mail(&format!("c{laid}"), if laid % 5 == 0 { UNKNOWN } else { KNOWN }));
        laid += 1;
        let second = begun.elapsed().as_secs();
        if second >= fault_at {
            fault_at += every;
            // Sampled before each fault: the process has had its time to settle.
            held.extend(holds(&bot));
            let fault = if faults.is_empty() { 0 } else { random.usize(0..5) };
            faults.push(["kill -9", "state lost", "IMAP away", "SMTP away", "stopped for a while"][fault]);
            match fault {
                0 => bot.kill(),
                1 => {
                    bot.kill();
                    fs::remove_dir_all(bot.folder().join("data/state")).unwrap();
                }
                2 => rig.dovecot_restart(),
                3 => {
                    rig.postfix_stop();
                    std::thread::sleep(Duration::from_secs(1));
                    rig.postfix_start();
                }
                _ => {
                    bot.halt();
                    std::thread::sleep(Duration::from_secs(2));
                    bot.go_on();
                }
            }
            if bot.has_ended() {
                bot.spawn();
            }
        }
        std::thread::sleep((PACE * laid as u32).saturating_sub(begun.elapsed()));
    }
    held.extend(holds(&bot));
    let deadline = Instant::now() + Duration::from_secs(240);
    loop {
        std::thread::sleep(Duration::from_millis(500));
        let flagged = rig.doveadm(&["search", "-u", "support", "keyword", "huixin"]).unwrap().lines().count();
        if flagged == laid && bot.command(&["outbox", "list", "--json"]).1.is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "{flagged} of {laid}\n{}", bot.log());
    }
    assert_eq!(bot.stop(), Some(0));
    let books = books(&bot.folder().join("data"));
    assert_eq!(books.cases.len(), laid);
    let (first, last) = (held[held.len().min(2) - 1], held[held.len() - 1]);
    let drift = last.0 as f64 / first.0 as f64 * 100.0 - 100.0;
    let told = format!(
        "0 lost, 0 double cases, {} in doubt; RSS {} to {} MB ({drift:+.0} %), open files {} to {}",
        books.in_doubt.len(),
        first.0 >> 20,
        last.0 >> 20,
        first.1,
        last.1
    );
    report("F30", format!("{laid} mails, {} faults in {whole:?}", faults.len()), told);
}
