//! Mails to read, for the tests of this room.

use super::{Limits, Message};

pub fn read(mail: &[u8]) -> Message {
    super::read(mail, &Limits::default())
}

/// Reads a mail that is written with `\n` line ends.
pub fn mail(text: &str) -> Message {
    read(text.replace('\n', "\r\n").as_bytes())
}

/// A mail of Ann's with these fields and this body.
pub fn from_ann(rest: &str) -> Message {
    mail(&format!("From: Ann <ann@example.org>\nTo: support@example.com\nSubject: x\n{rest}"))
}
