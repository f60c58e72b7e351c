//! The mails that leave: an answer, an agent's reply, a forward, a receipt, a notice.
//!
//! Each is decided elsewhere and made of a written text here, so it cannot be refused any more. Message-ID,
//! Date and boundary come from what the mail says and the time handed in, so the same decision gives the
//! same bytes.

use super::clean::Line;
use super::head::{Enclosure, Head, Voice};
use super::written::{MAX_SUBJECT, Written};
use crate::address::{Address, ReversePath};
use crate::ids::{CaseNumber, Key, MailHash, MessageId, Token};
use crate::language::Language;
use crate::message::Message;
use crate::outgoing::{ABOVE_THIS_LINE, Envelope, Leaves, Outgoing, Purpose};
use crate::time::Timestamp;

/// An automatic reply to the requester, in the thread of `inbound`. Nothing of `inbound` is said again but
/// the identifiers that make the thread.
pub fn answer(
    key: &Key,
    voice: &Voice,
    case: CaseNumber,
    to: &Address,
    inbound: &Message,
    written: &Written,
    now: Timestamp,
) -> Outgoing {
    let inbound_id = inbound.message_id.as_ref().map_or("", MessageId::as_str);
    let name = name(
        key,
        Purpose::Answer,
        &[
            inbound_id.as_bytes(),
            inbound.subject.as_bytes(),
            inbound.text.as_bytes(),
            to.to_string().as_bytes(),
            written.subject().as_bytes(),
            written.body().as_bytes(),
            &now.as_nanosecond().to_be_bytes(),
        ],
    );
    let message_id = MessageId::mint(key, case, &name, &voice.domain);
    let subject = marked(case, written);
    let mut head = Head::new(key, voice, Purpose::Answer, to, subject.as_str(), &message_id, now);
    head.answered_at(key, voice, case, to);
    head.thread(inbound);
    Outgoing {
        purpose: Purpose::Answer,
        case: Some(case),
        envelope: Envelope { from: voice.envelope_from.clone(), to: to.clone() },
        content: head.with_text(written.body()),
        message_id,
        leaves: Leaves::AtOnce,
    }
}

/// A mail to the requester in the thread of their last mails: an agent's reply, or what the bot says when a time has
/// come. `name` tells those of one case apart.
#[expect(clippy::too_many_arguments, reason = "each is another noun; a struct would only rename them")]
pub fn in_thread(
    key: &Key,
    voice: &Voice,
    purpose: Purpose,
    case: CaseNumber,
    to: &Address,
    thread: &[MessageId],
    written: &Written,
    name: &str,
    leaves: Leaves,
    now: Timestamp,
) -> Outgoing {
    let name = self::name(key, purpose, &[name.as_bytes(), to.to_string().as_bytes()]);
    let message_id = MessageId::mint(key, case, &name, &voice.domain);
    let subject = marked(case, written);
    let mut head = Head::new(key, voice, purpose, to, subject.as_str(), &message_id, now);
    head.answered_at(key, voice, case, to);
    head.thread_of(thread);
    Outgoing {
        purpose,
        case: Some(case),
        envelope: Envelope { from: reachable(voice), to: to.clone() },
        content: head.with_text(written.body()),
        message_id,
        leaves,
    }
}

/// A mail to the requester in the thread of their last mails, with files. `name` tells those of one case apart.
#[expect(clippy::too_many_arguments, reason = "each is another noun; a struct would only rename them")]
pub fn enclosing(
    key: &Key,
    voice: &Voice,
    case: CaseNumber,
    to: &Address,
    thread: &[MessageId],
    written: &Written,
    files: &[Enclosure],
    name: &str,
    now: Timestamp,
) -> Outgoing {
    let purpose = Purpose::Answer;
    let name = self::name(key, purpose, &[name.as_bytes(), to.to_string().as_bytes()]);
    let message_id = MessageId::mint(key, case, &name, &voice.domain);
    let subject = marked(case, written);
    let mut head = Head::new(key, voice, purpose, to, subject.as_str(), &message_id, now);
    head.answered_at(key, voice, case, to);
    head.thread_of(thread);
    Outgoing {
        purpose,
        case: Some(case),
        envelope: Envelope { from: voice.envelope_from.clone(), to: to.clone() },
        content: head.with_files(key, &message_id, written.body(), files),
        message_id,
        leaves: Leaves::AtOnce,
    }
}

/// An agent is told what came of their mail, in its thread. They may answer it as they may answer the case itself.
#[expect(clippy::too_many_arguments, reason = "each is another noun; a struct would only rename them")]
pub fn receipt(
    key: &Key,
    voice: &Voice,
    token: &Token,
    to: &Address,
    reply_to: &Address,
    inbound: &Message,
    written: &Written,
    name: &str,
    now: Timestamp,
) -> Outgoing {
    let name = with_token(token, &self::name(key, Purpose::Receipt, &[name.as_bytes(), to.to_string().as_bytes()]));
    let message_id = MessageId::mint(key, token.case, &name, &voice.domain);
    let subject = marked(token.case, written);
    let mut head = Head::new(key, voice, Purpose::Receipt, to, subject.as_str(), &message_id, now);
    head.address("Reply-To", reply_to);
    head.thread(inbound);
    Outgoing {
        purpose: Purpose::Receipt,
        case: Some(token.case),
        envelope: Envelope { from: reachable(voice), to: to.clone() },
        content: head.with_text(&below_the_line(written)),
        message_id,
        leaves: Leaves::AtOnce,
    }
}

/// A case goes to an agent, with the token by which they act on it. Their answers go to `reply_to`; the customer's
/// mail goes along as an attachment when `original` names it. `name` tells the forwards of one case apart.
#[expect(clippy::too_many_arguments, reason = "each is another noun; a struct would only rename them")]
pub fn forward(
    key: &Key,
    voice: &Voice,
    token: &Token,
    to: &Address,
    reply_to: &Address,
    written: &Written,
    original: Option<MailHash>,
    name: &str,
    now: Timestamp,
) -> Outgoing {
    let case = token.case;
    let name = with_token(token, &self::name(key, Purpose::Forward, &[name.as_bytes(), to.to_string().as_bytes()]));
    let message_id = MessageId::mint(key, case, &name, &voice.domain);
    let subject = marked(case, written);
    let mut head = Head::new(key, voice, Purpose::Forward, to, subject.as_str(), &message_id, now);
    head.address("Reply-To", reply_to);
    let content = match original {
        None => head.with_text(&below_the_line(written)),
        Some(original) => head.around_original(key, case, &message_id, &below_the_line(written), original),
    };
    Outgoing {
        purpose: Purpose::Forward,
        case: Some(case),
        envelope: Envelope { from: reachable(voice), to: to.clone() },
        content,
        message_id,
        leaves: Leaves::AtOnce,
    }
}

/// A notice about a mail that could not be read, with its octets as a file.
pub fn notice_with_octets(
    key: &Key,
    voice: &Voice,
    to: &Address,
    written: &Written,
    mail: MailHash,
    now: Timestamp,
) -> Outgoing {
    let name = name(key, Purpose::Notice, &[b"octets", mail.as_bytes(), to.to_string().as_bytes()]);
    let message_id = MessageId::mint_notice(key, &name, &voice.domain);
    let head = Head::new(key, voice, Purpose::Notice, to, written.subject(), &message_id, now);
    Outgoing {
        purpose: Purpose::Notice,
        case: None,
        envelope: Envelope { from: reachable(voice), to: to.clone() },
        content: head.around_octets(key, &message_id, written.body(), mail),
        message_id,
        leaves: Leaves::AtOnce,
    }
}

/// What an agent was not sent one by one. It belongs to many cases, and so to none.
pub fn digest(key: &Key, voice: &Voice, to: &Address, written: &Written, name: &str, now: Timestamp) -> Outgoing {
    let name = self::name(key, Purpose::Forward, &[b"digest", name.as_bytes(), to.to_string().as_bytes()]);
    let message_id = MessageId::mint_notice(key, &name, &voice.domain);
    let head = Head::new(key, voice, Purpose::Forward, to, written.subject(), &message_id, now);
    Outgoing {
        purpose: Purpose::Forward,
        case: None,
        envelope: Envelope { from: reachable(voice), to: to.clone() },
        content: head.with_text(written.body()),
        message_id,
        leaves: Leaves::AtOnce,
    }
}

/// Something the operator must know. `name` tells notices apart.
pub fn notice(key: &Key, voice: &Voice, to: &Address, written: &Written, name: &str, now: Timestamp) -> Outgoing {
    let name = self::name(key, Purpose::Notice, &[name.as_bytes(), to.to_string().as_bytes()]);
    let message_id = MessageId::mint_notice(key, &name, &voice.domain);
    let head = Head::new(key, voice, Purpose::Notice, to, written.subject(), &message_id, now);
    Outgoing {
        purpose: Purpose::Notice,
        case: None,
        envelope: Envelope { from: reachable(voice), to: to.clone() },
        content: head.with_text(written.body()),
        message_id,
        leaves: Leaves::AtOnce,
    }
}

/// The middle part of a Message-ID: the purpose, and a proof over what makes this mail this mail.
fn name(key: &Key, purpose: Purpose, parts: &[&[u8]]) -> String {
    format!("{purpose}-{}", key.prove(purpose.as_str(), parts), purpose = purpose.as_str())
}

/// What is internal stands below a line of ours.
fn below_the_line(written: &Written) -> String {
    format!("{ABOVE_THIS_LINE}\n\n{}", written.body())
}

/// `forward-<proof>` with the token between the two.
fn with_token(token: &Token, name: &str) -> String {
    let (purpose, proof) = name.split_once('-').unwrap_or((name, ""));
    format!("{purpose}-{}-{proof}", token.in_name())
}

/// The subject with the case number before it, which people quote and clients keep.
fn marked(case: CaseNumber, written: &Written) -> Line {
    let word = match written.language() {
        Language::Zh => "案号",
        Language::En => "Case",
        Language::Ja => "受付番号",
    };
    Line::new(&format!("[{word} {case}] {}", written.subject()), MAX_SUBJECT)
}

/// RFC 5321 §4.5.5 keeps `<>` for reports; when a forward or notice fails, somebody must hear of it.
fn reachable(voice: &Voice) -> ReversePath {
    match &voice.envelope_from {
        ReversePath::Null => ReversePath::Address(voice.address.clone()),
        from => from.clone(),
    }
}

#[cfg(test)]
mod tests;
