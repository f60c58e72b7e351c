//! A received mail, read.
//!
//! Reading never fails: it gives a [`Message`] and the [`Defect`]s it was read in spite of. Broken mail is
//! ordinary mail. Only what the rest of the house asks for is kept; the bytes stay in the archive.

mod attachment;
mod defect;
mod field;
mod fresh;
mod header;
mod html;
mod limits;
mod parse;
mod people;
mod quote;
mod repair;
mod report;
mod signature;
mod signed;
mod text;
mod words;

pub use attachment::Attachment;
pub use defect::Defect;
pub use field::Field;
pub use limits::Limits;
pub use parse::read;
pub use report::{Action, Outcome, Report, Status};

use crate::address::{Address, ReversePath};
use crate::ids::MessageId;
use crate::language::Detected;
use crate::time::Timestamp;

/// A received mail, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Octets of the mail.
    pub size: usize,
    /// All header fields of the mail itself, in order, up to [`Limits::fields`].
    pub fields: Vec<Field>,
    /// The topmost Return-Path; a second one was written by a stranger (RFC 5321 §4.4).
    pub return_path: Option<ReversePath>,
    /// Everyone in From. More than one, or none, is never answered.
    pub from: Vec<Person>,
    pub reply_to: Vec<Person>,
    pub to: Vec<Person>,
    /// Cc, Resent-To and Resent-Cc together: where else a support address may stand (RFC 5230 §4.5).
    pub also_to: Vec<Person>,
    /// Decoded, without line breaks; empty when there is none.
    pub subject: String,
    pub message_id: Option<MessageId>,
    /// References and then In-Reply-To, each once, oldest first, at most [`Limits::references`].
    pub references: Vec<MessageId>,
    pub date: Option<Timestamp>,
    /// `Received` fields: the hops the mail has made.
    pub hops: usize,
    /// The whole decoded text: text/plain, else text made of the HTML.
    pub text: String,
    /// What this person wrote now, and what they did not.
    pub segments: Segments,
    /// The language of the fresh text, or of the subject where there is no text.
    pub language: Detected,
    pub attachments: Vec<Attachment>,
    /// The media types of all parts in document order, lower case: `multipart/report`, `text/plain`, ….
    pub types: Vec<String>,
    /// A delivery report, abuse report, disposition notification or the like.
    pub report: Option<Report>,
    /// What was wrong with the mail.
    pub defects: Vec<Defect>,
}

/// Someone named in an address field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Decoded, without control characters; may be empty. Never trusted.
    pub name: String,
    /// What stands between the angle brackets, as written.
    pub written: String,
    /// The address, if it is one that we would write to.
    pub address: Option<Address>,
}

/// The text, taken apart: the pieces of [`Message::text`] by who wrote them when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Segments {
    /// What this person wrote now. When cutting would leave nothing, nothing is cut.
    pub fresh: String,
    /// Earlier mails of the thread.
    pub quoted: String,
    /// A mail passed on for us to look at.
    pub forwarded: String,
    pub signature: String,
}

impl Message {
    /// All values of a header field, in order, unfolded and undecoded; the name in any case.
    pub fn field<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value.as_str())
    }

    /// The one person in From, if there is exactly one with an address we would write to.
    pub fn sender(&self) -> Option<&Address> {
        match self.from.as_slice() {
            [person] => person.address.as_ref(),
            _ => None,
        }
    }

    /// Everyone the mail is visibly addressed to.
    pub fn recipients(&self) -> impl Iterator<Item = &Address> {
        self.to.iter().chain(&self.also_to).filter_map(|person| person.address.as_ref())
    }
}
