//! A mail of any octets: read, screened, and within the limits.
#![no_main]

use huixin::message::{self, Limits};
use huixin::screen::screen;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|mail: &[u8]| {
    let limits = Limits::default();
    let message = message::read(mail, &limits);
    assert!(message.text.len() <= limits.text);
    assert!(message.fields.len() <= limits.fields);
    assert!(message.types.len() <= 2 * limits.parts);
    assert!(!message.subject.contains(char::is_control));
    assert!(message.attachments.iter().all(|attachment| !attachment.name.contains(['/', '\\', '\0', '\n'])));
    screen(&message, None);
});
