//! Places where the process dies on demand, so that a test can see what a restart makes of it.
//!
//! Each is one line, named after its crash point in docs/faults.md. `HUIXIN_DIES_AT=C8:3` ends the process the third
//! time it comes by C8, as `kill -9` would: nothing is dropped, flushed or said goodbye to.
//!
//! Only a program built with debug assertions, as tests are, reads that variable. In a release build every call is
//! empty and the name is not in the program, so nothing that an admin or an attacker sets can reach it, and it costs
//! nothing. A cargo feature could be switched on by mistake, and would have everything built twice.

use std::time::Duration;

use crate::message::Message;

/// Dies here, if it is asked to.
#[cfg(debug_assertions)]
pub fn reached(point: &str) {
    reached_after(point, || {});
}

/// Dies here, if it is asked to, and does one last thing before: half a write, say.
#[cfg(debug_assertions)]
pub fn reached_after(point: &str, last: impl FnOnce()) {
    if asked::is_due(point) {
        last();
        die(point);
    }
}

/// The patience with a reader: short, where poison is asked for.
#[cfg(debug_assertions)]
pub fn sooner(limit: Duration) -> Duration {
    if asked::poison_label().is_some() { Duration::from_secs(2) } else { limit }
}

/// Swallows a mail that is poison: `HUIXIN_POISON=X-Poison` makes a poison of every mail with a line `X-Poison: abort`,
/// `panic`, `stack` or `hang`, which is what it does to its reader.
#[cfg(debug_assertions)]
pub fn swallow(mail: &[u8]) {
    match asked::poison(mail) {
        None | Some("decision") => {}
        Some("panic") => panic!("poison"),
        Some("stack") => drop(deeper(0)),
        Some("hang") => loop {
            std::thread::park();
        },
        Some(_) => die("C6"),
    }
}

/// The same for who decides it: `X-Poison: decision`.
#[cfg(debug_assertions)]
pub fn decide(message: &Message) {
    if asked::poison_label().is_some_and(|label| message.field(label).any(|does| does == "decision")) {
        panic!("poison");
    }
}

#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn reached(_: &str) {}

#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn reached_after(_: &str, _: impl FnOnce()) {}

#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn sooner(limit: Duration) -> Duration {
    limit
}

#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn swallow(_: &[u8]) {}

#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn decide(_: &Message) {}

#[cfg(debug_assertions)]
fn die(point: &str) -> ! {
    eprintln!("died at {point}");
    std::process::abort()
}

#[cfg(debug_assertions)]
fn deeper(n: u64) -> u64 {
    let frame = std::hint::black_box([n; 64]);
    if n == u64::MAX { 0 } else { deeper(frame[0] + 1) + frame[63] }
}

/// What the environment asks for.
#[cfg(debug_assertions)]
mod asked {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// The point to die at, and how often it is still passed before.
    static DEATH: LazyLock<Option<(String, AtomicU32)>> = LazyLock::new(|| {
        let asked = std::env::var("HUIXIN_DIES_AT").ok()?;
        let (point, times) = asked.split_once(':').unwrap_or((&asked, "1"));
        Some((point.to_owned(), AtomicU32::new(times.parse().ok()?)))
    });
    static POISON: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("HUIXIN_POISON").ok());

    pub fn is_due(point: &str) -> bool {
        DEATH.as_ref().is_some_and(|(death, left)| death == point && left.fetch_sub(1, Ordering::SeqCst) == 1)
    }

    pub fn poison_label() -> Option<&'static String> {
        POISON.as_ref()
    }

    pub fn poison(mail: &[u8]) -> Option<&str> {
        let label = poison_label()?;
        let lines = mail.split(|octet| *octet == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let does = lines.filter_map(|line| line.strip_prefix(label.as_str())?.strip_prefix(": "));
        does.map(str::trim).next()
    }
}
