//! What a person says in a follow-up: their mail without the lines that we sent them ourselves.
//!
//! Some mail programs quote without marks, and then our own 请回复“转人工” would count as somebody's wish.

use std::borrow::Cow;

use crate::case::Said;
use crate::language::{self, Detected};
use crate::message::{Message, Segments};

/// The mail with our own lines among the quoted ones. Where nothing else was written, nothing is cut.
pub(super) fn heard<'a>(message: &'a Message, said: &Said) -> Cow<'a, Message> {
    let (ours, theirs): (Vec<&str>, Vec<&str>) = message.segments.fresh.lines().partition(|line| said.holds(line));
    if ours.is_empty() || theirs.iter().all(|line| line.trim().is_empty()) {
        return Cow::Borrowed(message);
    }
    let fresh = theirs.join("\n").trim().to_owned();
    let mut quoted = ours.join("\n");
    if !message.segments.quoted.is_empty() {
        quoted = format!("{quoted}\n{}", message.segments.quoted);
    }
    // Our lines may be in another language than theirs.
    let language = match language::detect(&fresh) {
        Detected::Unknown => message.language,
        detected => detected,
    };
    let segments = Segments { fresh, quoted, ..message.segments.clone() };
    Cow::Owned(Message { segments, language, ..message.clone() })
}
