//! A mail ready to leave: rendered once, sent byte for byte the same at every attempt.
//!
//! Everything that makes two renderings differ (Message-ID, Date, boundaries) is fixed before the first
//! attempt. A forward that carries the customer's original keeps only the original's name in the archive
//! between its head and its tail, so a mail of 20 MB is stored once.

use std::future::Future;

use crate::address::{Address, ReversePath};
use crate::ids::{CaseNumber, MailHash, MessageId};
use crate::time::Timestamp;

/// Why a mail leaves, which decides its headers and what a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// An automatic reply to the requester: `Auto-Submitted: auto-replied` (RFC 3834 §3.1.7).
    Answer,
    /// An agent speaks to the requester: a human's mail, so without `Auto-Submitted` (RFC 3834 §5).
    Relay,
    /// A case goes to its group: `Auto-Submitted: auto-generated`.
    Forward,
    /// An agent is told what came of their mail: `Auto-Submitted: auto-replied`.
    Receipt,
    /// Something the operator must know: `Auto-Submitted: auto-generated`.
    Notice,
}

impl Purpose {
    pub const ALL: [Purpose; 5] =
        [Purpose::Answer, Purpose::Relay, Purpose::Forward, Purpose::Receipt, Purpose::Notice];

    /// Does it speak to the requester?
    pub fn is_to_requester(self) -> bool {
        matches!(self, Purpose::Answer | Purpose::Relay)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Answer => "answer",
            Purpose::Relay => "relay",
            Purpose::Receipt => "receipt",
            Purpose::Forward => "forward",
            Purpose::Notice => "notice",
        }
    }
}

/// Stands above everything internal in a mail to an agent: what comes back from below it is never the agent's.
pub const ABOVE_THIS_LINE: &str = "══ 请在此线以上回复 · Reply above this line · この線より上に返信 ══";

/// RFC 5321 `MAIL FROM` and `RCPT TO`. One recipient for each mail: an answer is never partly delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    pub from: ReversePath,
    pub to: Address,
}

/// A mail ready to leave. Its Message-ID is its identity in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub message_id: MessageId,
    pub purpose: Purpose,
    /// None for a notice about the bot itself.
    pub case: Option<CaseNumber>,
    pub envelope: Envelope,
    pub content: Content,
    pub leaves: Leaves,
}

/// When a mail may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leaves {
    #[default]
    AtOnce,
    /// Not before: until then it can be called back.
    At(Timestamp),
    /// When a human says so.
    WhenReleased,
}

/// How a head ends whose original follows in base64: a file among files, which no program reads unasked.
pub const BASE64_FOLLOWS: &str = "Content-Transfer-Encoding: base64\r\n\r\n";

/// The bytes of a mail, ASCII with CRLF line ends, but for the original in the middle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The whole mail, or everything before the original.
    pub head: String,
    /// A mail of the archive that stands between head and tail: as message/rfc822 (RFC 2046 §5.2.1), or in base64 where
    /// the head announces that.
    pub original: Option<MailHash>,
    /// The closing boundary; empty without an original.
    pub tail: String,
}

impl Content {
    /// Its text is needed no more.
    pub fn forget(&mut self) {
        self.head.clear();
        self.tail.clear();
    }

    pub fn is_forgotten(&self) -> bool {
        self.head.is_empty()
    }

    /// The bytes that leave. `original` is the archived mail that [`Content::original`] names; its line ends
    /// become CRLF, as RFC 5321 §2.3.8 requires of everything that leaves.
    pub fn bytes(&self, original: Option<&[u8]>) -> Vec<u8> {
        let original = original.unwrap_or_default();
        let mut bytes = Vec::with_capacity(self.head.len() + original.len() + original.len() / 40 + self.tail.len());
        bytes.extend_from_slice(self.head.as_bytes());
        match self.head.ends_with(BASE64_FOLLOWS) {
            true => push_base64(&mut bytes, original),
            false => push_with_crlf(&mut bytes, original),
        }
        bytes.extend_from_slice(self.tail.as_bytes());
        bytes
    }
}

/// Appends `text` with every bare CR and bare LF made CRLF: neither half of SMTP smuggling leaves here.
pub fn push_with_crlf(bytes: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    while let Some(end) = rest.iter().position(|b| *b == b'\r' || *b == b'\n') {
        bytes.extend_from_slice(&rest[..end]);
        bytes.extend_from_slice(b"\r\n");
        let both = rest[end] == b'\r' && rest.get(end + 1) == Some(&b'\n');
        rest = &rest[end + 1 + usize::from(both)..];
    }
    bytes.extend_from_slice(rest);
}

/// Appends `octets` in base64, in lines of 76 characters (RFC 2045 §6.8).
fn push_base64(bytes: &mut Vec<u8>, octets: &[u8]) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const LINE: usize = 57;
    for line in octets.chunks(LINE) {
        for three in line.chunks(3) {
            let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(three.get(at).copied().unwrap_or(0)));
            let digit = |at: usize| match at <= three.len() {
                true => DIGITS[(bits >> (18 - 6 * at) & 63) as usize],
                false => b'=',
            };
            bytes.extend((0..4).map(digit));
        }
        bytes.extend_from_slice(b"\r\n");
    }
}

impl SendError {
    /// Is it the relay's trouble, and no mail's?
    pub fn is_the_relays(&self) -> bool {
        matches!(self, SendError::RelayTrouble(_) | SendError::LoginRefused(_))
    }
}

/// What the relay said to a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The relay's last line, such as `250 2.0.0 Ok: queued as 4F1…`.
    pub response: String,
}

/// Why a mail did not leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The relay refuses this mail for good (5yz to MAIL, RCPT or DATA; RFC 5321 §4.2.1).
    #[error("refused: {0}")]
    Refused(String),
    /// The relay refuses this mail for now (4yz).
    #[error("put off: {0}")]
    PutOff(String),
    /// The relay itself is in trouble (no connection, TLS, 421, 530, 535, …): never this mail's fault.
    #[error("relay trouble: {0}")]
    RelayTrouble(String),
    /// The relay refuses our name or password: no mail's fault either, and asking again soon would lock the account.
    #[error("login refused: {0}")]
    LoginRefused(String),
    /// The connection went away after the final dot: the relay may have taken the mail.
    #[error("in doubt: {0}")]
    InDoubt(String),
}

/// The way out. One connection, one mail at a time.
pub trait Relay: Send {
    /// Hands over one mail. On any error the connection is dropped; the next call makes a new one.
    fn send(&mut self, envelope: &Envelope, bytes: &[u8]) -> impl Future<Output = Result<Accepted, SendError>> + Send;

    /// Says goodbye to the relay, if a connection is open.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_has_crlf_line_ends_only() {
        for (text, want) in [
            ("a\nb", "a\r\nb"),
            ("a\r\nb\r\n", "a\r\nb\r\n"),
            ("a\r.\r", "a\r\n.\r\n"),
            ("a\n.\r\nb", "a\r\n.\r\nb"),
            ("\r\r\n\n", "\r\n\r\n\r\n"),
            ("", ""),
        ] {
            let content = Content { head: "H".into(), original: Some(MailHash::of(b"")), tail: "T".into() };
            assert_eq!(content.bytes(Some(text.as_bytes())), format!("H{want}T").into_bytes(), "{text:?}");
        }
    }

    #[test]
    fn an_original_leaves_in_base64_where_the_head_says_so() {
        let long = "x".repeat(58);
        let wide = format!("{}\r\neA==\r\n", "eHh4".repeat(19));
        for (text, want) in [("", ""), ("M", "TQ==\r\n"), ("Ma", "TWE=\r\n"), ("Man", "TWFu\r\n"), (&long, &wide)] {
            let content =
                Content { head: format!("H\r\n{BASE64_FOLLOWS}"), original: Some(MailHash::of(b"")), tail: "T".into() };
            let bytes = content.bytes(Some(text.as_bytes()));
            assert_eq!(bytes, format!("{}{want}T", content.head).into_bytes(), "{text:?}");
        }
    }
}
