//! The attributes and properties of a `winmail.dat`, and the RTF in it.
#![no_main]

use huixin::message::{self, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let mut mail =
        b"From: a@example.org\r\nContent-Type: application/ms-tnef\r\nContent-Transfer-Encoding: binary\r\n\r\n"
            .to_vec();
    mail.extend_from_slice(b"\x78\x9f\x3e\x22\x01\x00");
    mail.extend_from_slice(octets);
    let limits = Limits::default();
    let message = message::read(&mail, &limits);
    assert!(!message.text.contains(['\r', '\0', '\u{202E}']));
    assert!(message.text.len() <= limits.text && message.attachments.len() <= limits.parts + 1);
    assert!(message.attachments.iter().all(|attachment| attachment.name.len() <= 100));
});
