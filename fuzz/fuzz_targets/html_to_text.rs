//! HTML of any shape becomes text.
#![no_main]

use huixin::message::{self, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|html: &str| {
    let mail = format!("From: a@example.org\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}");
    let message = message::read(mail.as_bytes(), &Limits::default());
    assert!(!message.text.contains(['\r', '\0', '\u{202E}']));
    assert_eq!(message.types, ["text/html"]);
});
