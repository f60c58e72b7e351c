//! A text taken apart: every line of it is in exactly one piece, and nothing is added.
#![no_main]

use huixin::message::{self, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mail = format!("From: a@example.org\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}");
    let message = message::read(mail.as_bytes(), &Limits::default());
    let pieces = &message.segments;
    let mut taken: Vec<&str> = [&pieces.fresh, &pieces.quoted, &pieces.forwarded, &pieces.signature]
        .into_iter()
        .flat_map(|piece| filled(piece))
        .collect();
    let mut written: Vec<&str> = filled(&message.text).collect();
    taken.sort_unstable();
    written.sort_unstable();
    assert_eq!(taken, written);
});

fn filled(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}
