//! The value of one header field, whatever it is: nothing in it gets into another field, and what counts as an
//! address or an identifier can be written back safely.
#![no_main]

use huixin::address::Address;
use huixin::ids::MessageId;
use huixin::message::{self, Limits};
use huixin::screen::screen;
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 12] = [
    "From",
    "To",
    "Cc",
    "Reply-To",
    "Return-Path",
    "Subject",
    "Date",
    "Message-ID",
    "References",
    "In-Reply-To",
    "Auto-Submitted",
    "Content-Type",
];

fuzz_target!(|octets: &[u8]| {
    let Some((first, value)) = octets.split_first() else {
        return;
    };
    let name = NAMES[usize::from(*first) % NAMES.len()];
    let mut mail = format!("{name}: ").into_bytes();
    for octet in value {
        // A line that begins with a blank goes on with the field.
        match octet {
            b'\n' | b'\r' => mail.extend_from_slice(b"\r\n x"),
            octet => mail.push(*octet),
        }
    }
    mail.extend_from_slice(b"\r\n\r\ntext\r\n");
    let message = message::read(&mail, &Limits::default());
    assert_eq!(message.fields.len(), 1);
    let people = message.from.iter().chain(&message.to).chain(&message.also_to).chain(&message.reply_to);
    for person in people {
        assert!(!person.name.contains(char::is_control));
        if let Some(address) = &person.address {
            assert_eq!(Address::parse(&address.to_string()).as_ref(), Ok(address));
        }
    }
    for id in message.references.iter().chain(&message.message_id) {
        assert_eq!(MessageId::parse(id.as_str()).as_ref(), Some(id));
    }
    screen(&message, None);
});
