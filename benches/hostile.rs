//! What each mail made to be slow or large costs: time and memory of reading and screening it, beside the bars.
//!
//! `cargo bench --bench hostile` reads each mail of tests/it/hostile_mails.rs in a process of its own, so that the most
//! memory the process has had is that mail's: the mail itself, the program and all that was made of it. The time is the
//! fastest of five. `cargo bench --bench hostile -- html` takes those with the word in their names. It ends with 1 if
//! a mail is past a bar.

#[path = "../tests/it/hostile_mails.rs"]
mod hostile_mails;

use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use huixin::message::{self, Limits};
use huixin::screen::{prepare, screen};

use hostile_mails::MAILS;

/// Longer, and a stranger with a few mails keeps the others waiting.
const MOST_TIME: Duration = Duration::from_millis(200);
/// More, and the process may be ended for it on a small machine.
const MOST_MEMORY_KB: u64 = 256 << 10;
const ROUNDS: usize = 5;
/// Names the one mail that a process is to read.
const ONE: &str = "HOSTILE_ONE";

fn main() -> ExitCode {
    if let Ok(one) = std::env::var(ONE) {
        measure(one.parse().expect("a place in the list"));
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let program = std::env::current_exe().expect("this program");
    let mut past = 0;
    println!("{:42}{:>12}{:>10}{:>10}", "mail", "octets", "ms", "MB");
    for (at, (name, _)) in MAILS.iter().enumerate() {
        if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        let output = Command::new(&program).env(ONE, at.to_string()).output().expect("a process");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let figures: Vec<u64> = told.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
        let [octets, micros, kilobytes] = figures[..] else {
            past += 1;
            println!("{name:42} was not read: {}", String::from_utf8_lossy(&output.stderr));
            continue;
        };
        let is_past = Duration::from_micros(micros) > MOST_TIME || kilobytes > MOST_MEMORY_KB;
        past += usize::from(is_past);
        let mark = if is_past { "  past the bar" } else { "" };
        println!("{name:42}{octets:>12}{:>10.1}{:>10.1}{mark}", micros as f64 / 1e3, kilobytes as f64 / 1024.0);
    }
    println!("bars: {} ms, {} MB; {past} past them", MOST_TIME.as_millis(), MOST_MEMORY_KB >> 10);
    ExitCode::from(u8::from(past > 0))
}

/// Reads one mail and prints its octets, the fastest time in microseconds, and the most memory in KB.
fn measure(at: usize) {
    // Patterns are made once for all mails, not for the first.
    prepare();
    let mail = MAILS[at].1();
    // Linux forgets the peak that making the mail was (proc(5), clear_refs).
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let mut fastest = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(screen(&message::read(&mail, &Limits::default()), None));
        fastest = fastest.min(start.elapsed());
    }
    println!("{} {} {}", mail.len(), fastest.as_micros(), peak_memory());
}

/// As Linux tells it; nothing elsewhere.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
