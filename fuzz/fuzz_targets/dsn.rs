//! The fields of a delivery report, an abuse report or a disposition notification.
#![no_main]

use huixin::message::{self, Limits};
use huixin::screen::screen;
use libfuzzer_sys::fuzz_target;

const KINDS: [&str; 5] = [
    "message/delivery-status",
    "message/feedback-report",
    "message/disposition-notification",
    "message/rfc822",
    "text/rfc822-headers",
];

fuzz_target!(|octets: &[u8]| {
    let Some((first, fields)) = octets.split_first() else {
        return;
    };
    let kind = KINDS[usize::from(*first) % KINDS.len()];
    let mut mail = format!(
        "From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; boundary=b\r\n\r\n\
         --b\r\n\r\ntext\r\n--b\r\nContent-Type: {kind}\r\n\r\n"
    )
    .into_bytes();
    mail.extend_from_slice(fields);
    mail.extend_from_slice(b"\r\n--b--\r\n");
    let limits = Limits::default();
    let message = message::read(&mail, &limits);
    let about = message.report.iter().flat_map(|report| report.about()).count();
    assert!(about <= limits.references + 1);
    assert!(!screen(&message, None).answerable());
});
