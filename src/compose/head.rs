//! The header of a mail that is being written, and the mail around its text.
//!
//! lettre encodes words and bodies; which fields a mail has is decided here, each exactly once. lettre's own
//! builder of whole messages is not used: it can refuse, and a mail that was decided must be written. No
//! value reaches lettre but as a [`Line`], an [`Address`] or a [`MessageId`].

use std::time::{Duration, SystemTime};

use lettre::message::header::{self, HeaderName, HeaderValue, Headers};
use lettre::message::{Body, Mailbox, Mailboxes, MultiPart, SinglePart};

use super::clean::Line;
use super::written::MAX_SUBJECT;
use crate::address::{Address, ReversePath};
use crate::ids::{CaseNumber, Key, MailHash, MessageId, Token, loop_mark};
use crate::message::Message;
use crate::outgoing::{Content, Purpose};
use crate::time::Timestamp;

/// Characters of the name beside our address.
pub(super) const MAX_DISPLAY_NAME: usize = 64;
/// Characters of the bot's own name and of its site, as they stand in X-Loop and Feedback-ID.
const MAX_OWN_NAME: usize = 40;
/// Identifiers in References: the first, which names the thread, and the newest. With the length of an
/// identifier limited this stays below 8 KB, where mail programs have broken.
pub(super) const MAX_REFERENCES: usize = 20;

/// In whose name the bot writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// From: an address that reaches humans (RFC 3834 §3.1.1).
    pub address: Address,
    /// The name of the service, shown beside the address.
    pub display_name: String,
    /// Where requesters answer to, with a token of theirs as its subaddress; none: at `address`.
    pub answered_at: Option<Address>,
    /// The right-hand side of our Message-IDs.
    pub domain: String,
    /// Where reports of failure go: an address that never answers, or `<>` (RFC 3834 §3.3).
    pub envelope_from: ReversePath,
    /// Tells this bot from others, in X-Loop and Feedback-ID.
    pub bot_id: String,
    /// Tells the places the bot runs at apart, in Feedback-ID.
    pub site: String,
}

/// A file of our own making that goes along with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enclosure {
    name: String,
    media_type: &'static str,
    bytes: Vec<u8>,
}

impl Enclosure {
    /// The name is ours, and plain ASCII.
    pub fn new(name: &str, media_type: &'static str, bytes: Vec<u8>) -> Enclosure {
        Enclosure { name: name.to_owned(), media_type, bytes }
    }

    /// A text with CRLF line ends, which every program on every system shows as lines.
    pub fn text(name: &str, text: &str) -> Enclosure {
        Enclosure::new(name, "text/plain; charset=utf-8", text.replace('\n', "\r\n").into_bytes())
    }
}

/// A header that is being written.
pub(super) struct Head(Headers);

impl Head {
    /// The fields that every mail of ours has. None of `List-*`, `Precedence`, `Disposition-Notification-To`
    /// or `Return-Receipt-To` is ever written.
    pub(super) fn new(
        key: &Key,
        voice: &Voice,
        purpose: Purpose,
        to: &Address,
        subject: &str,
        message_id: &MessageId,
        now: Timestamp,
    ) -> Head {
        let mut head = Head(Headers::new());
        // RFC 5322 §3.6: Date and From exactly once, Message-ID and Subject at most once.
        head.0.set(date(now));
        head.from(voice);
        head.address("To", to);
        head.text("Subject", subject);
        head.ids("Message-ID", &[message_id]);
        // RFC 3834 §5: a direct reply is `auto-replied`, all else that nobody typed is `auto-generated`.
        let submitted = match purpose {
            Purpose::Answer | Purpose::Receipt => Some("auto-replied"),
            Purpose::Forward | Purpose::Notice => Some("auto-generated"),
            // A human typed it.
            Purpose::Relay => None,
        };
        if let Some(submitted) = submitted {
            head.text("Auto-Submitted", submitted);
            // Exchange knows only this one, MS-OXCMAIL §2.1.3.2.20.
            head.text("X-Auto-Response-Suppress", "All");
        }
        let bot = Line::new(&voice.bot_id, MAX_OWN_NAME);
        head.text("X-Loop", &loop_mark(key, bot.as_str(), message_id));
        let site = Line::new(&voice.site, MAX_OWN_NAME);
        let feedback = format!("{}:{bot}:{site}", purpose.as_str());
        head.text("Feedback-ID", &feedback);
        head
    }

    /// In-Reply-To and References as RFC 5322 §3.6.4 makes them from the mail that is answered.
    pub(super) fn thread(&mut self, inbound: &Message) {
        let parent = inbound.message_id.as_ref();
        let mut ids: Vec<&MessageId> =
            inbound.references.iter().filter(|id| parent != Some(id)).chain(parent).collect();
        if ids.len() > MAX_REFERENCES {
            ids.drain(1..=ids.len() - MAX_REFERENCES);
        }
        self.ids("In-Reply-To", parent.as_slice());
        self.ids("References", &ids);
    }

    /// The requester answers to an address that says which case it is about, whatever their mail program makes of subject
    /// and thread. One too long for a local part (RFC 5321 §4.5.3.1.1) is left out.
    pub(super) fn answered_at(&mut self, key: &Key, voice: &Voice, case: CaseNumber, requester: &Address) {
        let token = Token::of_requester(key, case, &requester.to_string());
        let address = voice.answered_at.as_ref().and_then(|base| base.with_detail('+', &token.detail()));
        if let Some(address) = address {
            self.address("Reply-To", &address);
        }
    }

    /// In-Reply-To and References to the mails of a thread, oldest first.
    pub(super) fn thread_of(&mut self, thread: &[MessageId]) {
        self.ids("In-Reply-To", &thread.last().into_iter().collect::<Vec<_>>());
        self.ids("References", &thread.iter().collect::<Vec<_>>());
    }

    /// A field of text. The name of a field is always written by us, never made of a value.
    fn text(&mut self, field: &'static str, text: &str) {
        let name = HeaderName::new_from_ascii_str(field);
        let line = Line::new(text, MAX_SUBJECT);
        self.0.insert_raw(HeaderValue::new(name, line.to_string()));
    }

    /// A field of identifiers, each as it is: a MessageId holds nothing that could end the field.
    fn ids(&mut self, field: &'static str, ids: &[&MessageId]) {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        if !ids.is_empty() {
            let name = HeaderName::new_from_ascii_str(field);
            self.0.insert_raw(HeaderValue::new(name, ids.join(" ")));
        }
    }

    /// A field with one address. It is ASCII unless its local part is not; then it is UTF-8 (RFC 6532) and
    /// the relay must offer SMTPUTF8 for its RCPT anyway. It never becomes an encoded word (RFC 2047 §5).
    pub(super) fn address(&mut self, field: &'static str, address: &Address) {
        let name = HeaderName::new_from_ascii_str(field);
        let text = address.to_string();
        self.0.insert_raw(HeaderValue::dangerous_new_pre_encoded(name, text.clone(), text));
    }

    fn from(&mut self, voice: &Voice) {
        // A line break in a display name would end lettre in a panic; a Line has none.
        let display_name = Line::new(&voice.display_name, MAX_DISPLAY_NAME);
        let address = voice.address.to_string().parse::<lettre::Address>();
        match address {
            Ok(address) if !display_name.as_str().is_empty() => {
                let mailbox = Mailbox::new(Some(display_name.to_string()), address);
                self.0.set(header::From::from(Mailboxes::from(mailbox)));
            }
            _ => self.address("From", &voice.address),
        }
    }

    /// The whole mail, with one part of text.
    pub(super) fn with_text(mut self, body: &str) -> Content {
        self.0.set(header::MIME_VERSION_1_0);
        let text = SinglePart::plain(body.to_owned());
        Content { head: format!("{}{}", self.0, ascii(text.formatted())), original: None, tail: String::new() }
    }

    /// The whole mail, with a part of text and files behind it.
    pub(super) fn with_files(mut self, key: &Key, message_id: &MessageId, body: &str, files: &[Enclosure]) -> Content {
        self.0.set(header::MIME_VERSION_1_0);
        let boundary = format!("=_{}", key.prove("boundary", &[message_id.as_str().as_bytes()]));
        let mut parts = MultiPart::builder()
            .header(media_type(&format!("multipart/mixed; boundary=\"{boundary}\"")))
            .singlepart(SinglePart::plain(body.to_owned()));
        for file in files {
            // In base64, so that neither a line end nor a long line is touched on the way.
            let part = SinglePart::builder()
                .header(media_type(file.media_type))
                .header(header::ContentDisposition::attachment(&file.name))
                .header(header::ContentTransferEncoding::Base64);
            parts = parts.singlepart(part.body(file.bytes.clone()));
        }
        Content { head: format!("{}{}", self.0, ascii(parts.formatted())), original: None, tail: String::new() }
    }

    /// The whole mail, with a part of text and the original as message/rfc822.
    pub(super) fn around_original(
        self,
        key: &Key,
        case: CaseNumber,
        message_id: &MessageId,
        body: &str,
        original: MailHash,
    ) -> Content {
        self.around(key, message_id, body, original, |place| {
            SinglePart::builder()
                .header(media_type("message/rfc822"))
                .header(header::ContentDisposition::attachment(&format!("{case}.eml")))
                // RFC 2046 §5.2.1: neither quoted-printable nor base64 is allowed for message/rfc822.
                .header(header::ContentTransferEncoding::EightBit)
                .body(place)
        })
    }

    /// The whole mail, with a part of text and a mail that defeated us as a file. As message/rfc822 every relay, filter
    /// and mail program on its way would read it unasked, as we did; as octets in base64 under a name that none of them
    /// opens it harms nobody.
    pub(super) fn around_octets(self, key: &Key, message_id: &MessageId, body: &str, mail: MailHash) -> Content {
        self.around(key, message_id, body, mail, |place| {
            SinglePart::builder()
                .header(media_type("application/octet-stream"))
                .header(header::ContentDisposition::attachment(&format!("{}.eml.bin", mail.short())))
                .body(Body::dangerous_pre_encoded(place.into_bytes(), header::ContentTransferEncoding::Base64))
        })
    }

    /// The whole mail, with a part of text and a part that holds the original. `part` makes it around a place holder.
    fn around(
        mut self,
        key: &Key,
        message_id: &MessageId,
        body: &str,
        original: MailHash,
        part: impl FnOnce(String) -> SinglePart,
    ) -> Content {
        self.0.set(header::MIME_VERSION_1_0);
        let id = message_id.as_str().as_bytes();
        // `=_` occurs in no quoted-printable and no base64 text (RFC 2045 §6.7), and nobody who writes the
        // original knows the proof.
        let boundary = format!("=_{}", key.prove("boundary", &[id]));
        let place = format!("=_{}", key.prove("original", &[id]));
        let attached = part(place.clone());
        let parts = MultiPart::builder()
            .header(media_type(&format!("multipart/mixed; boundary=\"{boundary}\"")))
            .singlepart(SinglePart::plain(body.to_owned()))
            .singlepart(attached);
        let mail = format!("{}{}", self.0, ascii(parts.formatted()));
        let (head, tail) = mail.rsplit_once(&place).unwrap_or((&mail, ""));
        Content { head: head.to_owned(), original: Some(original), tail: tail.to_owned() }
    }
}

fn media_type(text: &str) -> header::ContentType {
    header::ContentType::parse(text).expect("media types here are written by us")
}

/// lettre encodes text as 7bit, quoted-printable or base64, which are ASCII all three.
fn ascii(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The crate under lettre panics at a date before 1970.
fn date(now: Timestamp) -> header::Date {
    let seconds = now.as_second().max(0).unsigned_abs();
    header::Date::new(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}
