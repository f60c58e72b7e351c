//! Which case is a mail about?
//!
//! A mail joins a case by a proof or by a known sender, never by a claim alone: by a Message-ID of ours with
//! a valid proof in its References, by the address with a proof that its sender was given, by an earlier mail of the same requester, by a case number from the case's own
//! requester, or, where it names nothing, because its sender has an open case with the same subject or about the same
//! thing. A number from anyone else opens a new case, and the answer is the same whether that number exists or not. An
//! empty identifier joins nothing, and a sender who is proven false joins nothing but by a proof of ours.

mod because;

pub use because::Because;

use std::time::Duration;

use crate::address::Address;
use crate::case::{Case, Clues, Facts, Scope, Topic, Twin};
use crate::fold::fold_words;
use crate::ids::{CaseNumber, CategoryId, Key, MailHash, Token};
use crate::message::Message;
use crate::time::Timestamp;

/// Case numbers looked for in a mail; a mail that lists more is a list of cases, not about one of them.
const MAX_NUMBERS: usize = 5;
/// Characters of the text in which a case number is looked for.
const NUMBER_TEXT: usize = 20_000;
/// Numbers tried for a new case. With a million cases on file all four are taken once in 10²⁴ mails.
const CANDIDATES: u8 = 4;
/// Identifiers followed, newest first. A long thread names its nearest mails last.
const MAX_REFERENCES: usize = 20;

/// What mail programs put before a subject: an answer or a forward, folded.
const REPLY_MARKS: &[&str] = &[
    "re", "aw", "sv", "vs", "fw", "fwd", "wg", "tr", "rv", "回复", "答复", "回覆", "答覆", "转发", "轉寄", "返信",
    "転送",
];

/// Where a mail belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Threading {
    New,
    Follows {
        case: Box<Case>,
        because: Because,
    },
    /// A new matter, that goes on with a case which was closed too long ago to be opened again.
    Continues(CaseNumber),
    /// The same mail came before on another way; it is recorded in that case and gets no second answer.
    Twin(CaseNumber),
}

/// What to ask the store about a mail.
pub fn clues(message: &Message, mail: &MailHash, key: &Key) -> Clues {
    let reported = message.report.iter().flat_map(|report| report.about());
    let referred: Vec<_> = reported.chain(message.references.iter().rev()).take(MAX_REFERENCES).collect();
    let mut signed: Vec<CaseNumber> = presented(message, key).into_iter().collect();
    for case in referred.iter().filter_map(|id| id.own_case(key)) {
        if !signed.contains(&case) {
            signed.push(case);
        }
    }
    // Whom an answer would go to is the screening's to say: the sender, or for a trusted form the Reply-To.
    let form = match message.reply_to.as_slice() {
        [person] => person.address.as_ref().filter(|address| Some(*address) != message.sender()),
        _ => None,
    };
    let answerable: Vec<&Address> = message.sender().into_iter().chain(form).collect();
    let mut numbers = CaseNumber::find_in(&message.subject, MAX_NUMBERS);
    let text: String = message.segments.fresh.chars().take(NUMBER_TEXT).collect();
    for number in CaseNumber::find_in(&text, MAX_NUMBERS) {
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    Clues {
        signed,
        references: referred.into_iter().filter(|id| id.own_case(key).is_none()).cloned().collect(),
        numbers,
        candidates: candidates(mail, key),
        sender: message.sender().cloned(),
        scopes: answerable.into_iter().flat_map(|to| scopes(to, message)).collect(),
        twin: twin(message),
        agents: Vec::new(),
    }
}

/// The token of an agent that a mail carries: in an address it is written to, else in the nearest of our mails that it
/// answers.
pub fn token(message: &Message, key: &Key) -> Option<Token> {
    let referred = || {
        message.references.iter().rev().take(MAX_REFERENCES).find_map(|id| {
            let own = id.own(key)?;
            Token::from_name(own.case?, &own.name)
        })
    };
    tokens_in_addresses(message).find(|token| token.right.is_agents()).or_else(referred)
}

/// The case of the address that a mail is written to, if the token in it was given to its sender. In an address a token
/// proves something only together with its owner; a day that has passed is told later.
fn presented(message: &Message, key: &Key) -> Option<CaseNumber> {
    let sender = message.sender()?.to_string();
    tokens_in_addresses(message).find(|token| token.check(key, &sender, 0).is_ok()).map(|token| token.case)
}

fn tokens_in_addresses(message: &Message) -> impl Iterator<Item = Token> {
    let delivered = ["Delivered-To", "X-Original-To"].into_iter().flat_map(|field| message.field(field));
    let delivered = delivered.filter_map(|text| Address::parse(text.trim().trim_matches(['<', '>'])).ok());
    let visible = message.recipients().cloned();
    visible.chain(delivered).filter_map(|address| Token::from_detail(address.detail('+')?.1))
}

/// The numbers that a new case of this mail could get, best first.
pub fn candidates(mail: &MailHash, key: &Key) -> Vec<CaseNumber> {
    (0..CANDIDATES).map(|attempt| CaseNumber::mint(key, mail, attempt)).collect()
}

/// Was this mail written with the reply button? Its subject is then an earlier mail's and says nothing new.
pub fn is_reply(message: &Message) -> bool {
    !message.references.is_empty() || !CaseNumber::find_in(&message.subject, 1).is_empty()
}

/// Everything that an answer to this mail and address may be counted by.
pub fn scopes(to: &Address, message: &Message) -> Vec<Scope> {
    let subject = Some(base_subject(&message.subject)).filter(|subject| !subject.is_empty());
    let mut scopes = vec![Scope::Sender(to.counting_key())];
    scopes.extend(subject.map(|subject| Scope::subject(to, &subject)));
    scopes.extend([Scope::Domain(to.domain().to_owned()), Scope::Unknown, Scope::FirstTime, Scope::Global]);
    scopes
}

/// What is the same in the subjects of mails about one thing (RFC 5256 §2.1): without what mail programs put before it,
/// case and width of letters, blanks. Nothing if nothing else stands there.
pub fn base_subject(subject: &str) -> String {
    let folded: String = fold_words(subject).split_whitespace().collect();
    let mut rest = folded.as_str();
    loop {
        let marked = rest.split_once([':', '：']).filter(|(mark, _)| REPLY_MARKS.contains(mark));
        let listed = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        match (marked, listed) {
            (Some((_, after)), _) => rest = after,
            (None, Some((_, after))) if !after.is_empty() => rest = after,
            _ => return rest.to_owned(),
        }
    }
}

/// A subject as its writer meant it: without what mail programs and we have put before it.
pub fn own_subject(subject: &str) -> &str {
    let mut rest = subject.trim();
    loop {
        let is_mark = |mark: &str| REPLY_MARKS.contains(&mark.trim().to_lowercase().as_str());
        let marked = rest.split_once([':', '：']).filter(|(mark, _)| is_mark(mark));
        let bracketed = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let ours = bracketed.filter(|(inside, _)| !CaseNumber::find_in(inside, 1).is_empty());
        match marked.or(ours) {
            Some((_, after)) => rest = after.trim_start(),
            None => return rest,
        }
    }
}

/// Judges what the store answered. `believed`: nothing proves the sender false. An open case of the sender that moved
/// within `lately` may be meant by a mail that names none.
pub fn thread(
    message: &Message,
    facts: &Facts,
    key: &Key,
    believed: bool,
    lately: Duration,
    now: Timestamp,
) -> Threading {
    if let Some(number) = facts.twin {
        return Threading::Twin(number);
    }
    let wrote = |case: &&Case| is_requester(message, case);
    let follows = |case: &Case, because| Threading::Follows { case: Box::new(case.clone()), because };
    if let Some(case) = facts.by_signed.iter().find(wrote) {
        let presented = presented(message, key).map(|number| facts.merged.get(&number).copied().unwrap_or(number));
        let by_address = presented == Some(case.number);
        follows(case, if by_address { Because::SignedAddress } else { Because::OwnReference })
    } else if let Some(case) = facts.by_signed.first() {
        follows(case, Because::OwnMessageIdFromOther)
    } else if !believed {
        Threading::New
    } else if let Some(case) = facts.by_reference.iter().find(wrote) {
        follows(case, Because::EarlierMail)
    } else if let Some(case) = facts.by_number.iter().find(wrote) {
        follows(case, Because::Number)
    } else if let Some(case) = same_subject(message, facts, lately, now) {
        follows(case, Because::SameSubject)
    } else {
        Threading::New
    }
}

/// To the letter: a case is its requester's alone.
pub fn is_requester(message: &Message, case: &Case) -> bool {
    message.sender().is_some_and(|sender| case.requester.as_ref() == Some(sender))
}

/// What a mail's subject is, as far as another mail can be known by it.
pub fn topic(message: &Message) -> Option<Topic> {
    Topic::of(&base_subject(&message.subject))
}

/// The open case of the same sender that has this subject, if it moved lately.
fn same_subject<'a>(message: &'a Message, facts: &'a Facts, lately: Duration, now: Timestamp) -> Option<&'a Case> {
    let topic = topic(message)?;
    open_cases(message, facts, lately, now).find(|case| case.work.topic == Some(topic))
}

/// The open case of the same sender that is about this, if it moved lately.
pub fn same_matter<'a>(
    message: &'a Message,
    category: &CategoryId,
    facts: &'a Facts,
    lately: Duration,
    now: Timestamp,
) -> Option<&'a Case> {
    open_cases(message, facts, lately, now).find(|case| case.category.as_ref() == Some(category))
}

/// Open cases of the sender that moved lately, the one that moved last first.
pub fn open_cases<'a>(
    message: &'a Message,
    facts: &'a Facts,
    lately: Duration,
    now: Timestamp,
) -> impl Iterator<Item = &'a Case> {
    let moved = move |case: &&Case| now.duration_since(case.touched) <= signed(lately);
    let cases = if lately.is_zero() { &[] } else { facts.of_sender.as_slice() };
    cases.iter().filter(|case| is_requester(message, case)).filter(moved)
}

fn signed(time: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(time).unwrap_or(jiff::SignedDuration::MAX)
}

/// The mark of the same mail on another way. Without a Message-ID or a sender nothing is the same mail.
fn twin(message: &Message) -> Option<Twin> {
    let id = message.message_id.as_ref()?;
    let sender = message.sender()?;
    let text: String = message.text.split_whitespace().collect();
    let parts = [id.as_str(), &sender.to_string(), &message.subject, &text];
    Some(Twin(MailHash::of(parts.join("\0").as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_the_same_whatever_mail_programs_put_before_it() {
        for (subject, want) in [
            ("Invoice 17", "invoice17"),
            ("Re: RE: Fwd: invoice  17", "invoice17"),
            ("回复：[案号 K7F3-9QD2-X] Re: 退信", "退信"),
            ("转发: 退信", "退信"),
            ("re: ", ""),
            ("", ""),
            ("[help]", "[help]"),
            ("Question: how?", "question:how?"),
        ] {
            let marks: String = base_subject(subject);
            assert_eq!(marks, want, "{subject}");
        }
    }
}
