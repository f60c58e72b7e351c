//! The keys of the state: one letter for the kind, then parts whose order in bytes is the order we look them
//! up in.

use crate::address::Address;
use crate::case::{Scope, Twin};
use crate::ids::{CaseNumber, MailHash, MailboxName, MessageId, RequestId};
use crate::mailbox::Place;
use crate::store::journal::Position;
use crate::time::Timestamp;

/// How far the journal has been applied.
pub const APPLIED: &[u8] = b"a";
/// The format of the rows.
pub const FORMAT: &[u8] = b"f";
/// How many mails are in the outbox.
pub const OUTBOX_LENGTH: &[u8] = b"z";

pub const CASES: &[u8] = b"c";
pub const LEDGER: &[u8] = b"l";
pub const OUTBOX: &[u8] = b"o";
pub const DUE: &[u8] = b"d";
pub const TIMERS: &[u8] = b"K";

/// Ends a text inside a key; none of our texts holds it.
const END: u8 = 0;

pub fn case(number: CaseNumber) -> Vec<u8> {
    key(CASES, &[&number.bits().to_be_bytes()])
}

/// The frames that tell the history of a case.
pub fn entry(number: CaseNumber, position: Position) -> Vec<u8> {
    key(&entries(number), &[&position.0.to_be_bytes()])
}

pub fn entries(number: CaseNumber) -> Vec<u8> {
    key(b"e", &[&number.bits().to_be_bytes()])
}

/// The cases that were merged into this one.
pub fn merged(into: CaseNumber, number: CaseNumber) -> Vec<u8> {
    key(&all_merged(into), &[&number.bits().to_be_bytes()])
}

pub fn all_merged(into: CaseNumber) -> Vec<u8> {
    key(b"M", &[&into.bits().to_be_bytes()])
}

/// The cases of a requester.
pub fn requester(address: &Address, number: CaseNumber) -> Vec<u8> {
    key(&requesters(address), &[&number.bits().to_be_bytes()])
}

pub fn requesters(address: &Address) -> Vec<u8> {
    key(b"r", &[address.counting_key().as_bytes(), &[END]])
}

/// The case in which a mail with this Message-ID was received.
pub fn inbound(id: &MessageId) -> Vec<u8> {
    key(b"i", &[id.as_str().as_bytes()])
}

pub fn twin(twin: &Twin) -> Vec<u8> {
    key(b"t", &[twin.0.as_bytes()])
}

pub fn ledger(hash: &MailHash) -> Vec<u8> {
    key(LEDGER, &[hash.as_bytes()])
}

/// How often a mail has been taken that is not decided yet.
pub fn attempts(hash: &MailHash) -> Vec<u8> {
    key(b"n", &[hash.as_bytes()])
}

pub fn mailbox(name: &MailboxName) -> Vec<u8> {
    key(b"m", &[name.as_str().as_bytes()])
}

/// What became of the mail in a place.
pub fn placed(mailbox: &MailboxName, place: &Place) -> Vec<u8> {
    key(b"p", &[mailbox.as_str().as_bytes(), &[END], &place_bytes(place)])
}

/// A mail that is decided, and the mailbox has not been told yet.
pub fn unsettled(mailbox: &MailboxName, place: &Place) -> Vec<u8> {
    key(&all_unsettled(mailbox), &[&place_bytes(place)])
}

pub fn all_unsettled(mailbox: &MailboxName) -> Vec<u8> {
    key(b"u", &[mailbox.as_str().as_bytes(), &[END]])
}

/// A mail that was taken and is not decided yet.
pub fn pending(mailbox: &MailboxName, place: &Place) -> Vec<u8> {
    key(&all_pending(mailbox), &[&place_bytes(place)])
}

pub fn all_pending(mailbox: &MailboxName) -> Vec<u8> {
    key(b"w", &[mailbox.as_str().as_bytes(), &[END]])
}

pub fn outbox(id: &MessageId) -> Vec<u8> {
    key(OUTBOX, &[id.as_str().as_bytes()])
}

/// Mails that wait for their next attempt, by its time.
pub fn due(at: Timestamp, id: &MessageId) -> Vec<u8> {
    key(&due_at(at), &[id.as_str().as_bytes()])
}

pub fn due_at(at: Timestamp) -> Vec<u8> {
    key(DUE, &[&millisecond(at)])
}

/// The Message-ID in a key of [`due`].
pub fn due_id(key: &[u8]) -> Option<MessageId> {
    let id = key.get(DUE.len() + 8..)?;
    MessageId::parse(std::str::from_utf8(id).ok()?)
}

/// The mails of one case that are in the outbox, in the order in which they were written down.
pub fn queue(number: CaseNumber, position: Position, index: u32) -> Vec<u8> {
    key(&queues(number), &[&position.0.to_be_bytes(), &index.to_be_bytes()])
}

pub fn queues(number: CaseNumber) -> Vec<u8> {
    key(b"q", &[&number.bits().to_be_bytes()])
}

/// A request of an operator that was done.
pub fn asked(request: &RequestId) -> Vec<u8> {
    key(b"k", &[request.as_str().as_bytes()])
}

pub fn budget(scope: &Scope) -> Vec<u8> {
    key(b"b", &[scope.key().as_bytes()])
}

/// A sender who gets no automatic answers for a time.
pub fn suppressed(scope: &Scope) -> Vec<u8> {
    key(b"s", &[scope.key().as_bytes()])
}

/// Fingerprints of a text that is internal in a case.
pub fn internal(number: CaseNumber, position: Position) -> Vec<u8> {
    key(&all_internal(number), &[&position.0.to_be_bytes()])
}

pub fn all_internal(number: CaseNumber) -> Vec<u8> {
    key(b"G", &[&number.bits().to_be_bytes()])
}

/// What is known of an agent.
pub fn agent(address: &Address) -> Vec<u8> {
    key(b"H", &[address.to_string().as_bytes()])
}

/// A timer of a case, by its time.
pub fn timer(at: Timestamp, number: CaseNumber) -> Vec<u8> {
    key(TIMERS, &[&millisecond(at), &number.bits().to_be_bytes()])
}

/// Where the timers begin that run down after `now`.
pub fn timers_after(now: Timestamp) -> Vec<u8> {
    let mut after = key(TIMERS, &[&millisecond(now)]);
    after.extend_from_slice(&[u8::MAX; 9]);
    after
}

pub fn timer_case(key: &[u8]) -> Option<CaseNumber> {
    let bits = key.get(TIMERS.len() + 8..)?;
    Some(CaseNumber::from_bits(u64::from_be_bytes(bits.try_into().ok()?)))
}

/// A moment in eight octets whose order is the order of time: flipping the sign bit puts the years before 1970 first.
fn millisecond(at: Timestamp) -> [u8; 8] {
    (at.as_millisecond() as u64 ^ 1 << 63).to_be_bytes()
}

/// What a sender did with our answers.
pub fn haste(sender: &Scope) -> Vec<u8> {
    key(b"h", &[sender.key().as_bytes()])
}

/// The answers of the last week, and whether they came back.
pub const PULSE: &[u8] = b"v";
/// There while the breaker is open.
pub const TRIPPED: &[u8] = b"x";

/// Where somebody released the breaker last.
pub const RELEASED: &[u8] = b"X";

/// Mails in quarantine.
pub const QUARANTINED: &[u8] = b"Q";

pub fn quarantined(hash: &MailHash) -> Vec<u8> {
    key(QUARANTINED, &[hash.as_bytes()])
}

/// How many requesters wait for an answer of each group.
pub const LOAD: &[u8] = b"L";

/// When the leads were told last how the desk did, and how far the journal was read for it.
pub const REPORTED: &[u8] = b"Y";

/// When the journal was made thinner last.
pub const COMPACTED: &[u8] = b"y";

/// Cases that are being erased, and where that was written down.
pub const ERASED: &[u8] = b"E";

pub fn erased(number: CaseNumber) -> Vec<u8> {
    key(ERASED, &[&number.bits().to_be_bytes()])
}

/// Who is to be sent a digest, and of which mails.
pub const DIGESTS: &[u8] = b"g";

pub fn digest(to: &Address) -> Vec<u8> {
    key(DIGESTS, &[to.to_string().as_bytes()])
}

/// One of the mails for a digest, by its place in the line.
pub fn folded(to: &Address, at: u64) -> Vec<u8> {
    key(b"j", &[to.to_string().as_bytes(), &[END], &at.to_be_bytes()])
}

fn place_bytes(place: &Place) -> Vec<u8> {
    match place {
        Place::Imap { uid_validity, uid } => key(&[1], &[&uid_validity.to_be_bytes(), &uid.to_be_bytes()]),
        Place::Maildir { file } => key(&[2], &[file.as_bytes()]),
    }
}

/// The place at the end of a key that begins with `prefix`.
pub fn place_after(prefix: &[u8], key: &[u8]) -> Option<Place> {
    match key.strip_prefix(prefix)?.split_first()? {
        (1, rest) => {
            let (validity, uid) = rest.split_first_chunk::<4>()?;
            Some(Place::Imap {
                uid_validity: u32::from_be_bytes(*validity),
                uid: u32::from_be_bytes(uid.try_into().ok()?),
            })
        }
        (2, file) => Some(Place::Maildir { file: String::from_utf8(file.to_vec()).ok()? }),
        _ => None,
    }
}

fn key(prefix: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(prefix.len() + parts.iter().map(|part| part.len()).sum::<usize>());
    key.extend_from_slice(prefix);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_of_row_has_a_letter_of_its_own() {
        let (case, at) = (CaseNumber::from_bits(1), Timestamp::UNIX_EPOCH);
        let (mailbox, place) = (MailboxName::parse("support").unwrap(), Place::Imap { uid_validity: 1, uid: 1 });
        let (who, id) = (Address::parse("a@b.example").unwrap(), MessageId::parse("a@b").unwrap());
        let (mail, scope) = (MailHash::of(b""), Scope::Global);
        let kinds = [
            [APPLIED, FORMAT, OUTBOX_LENGTH, PULSE, TRIPPED, RELEASED, LOAD, REPORTED, COMPACTED]
                .map(<[u8]>::to_vec)
                .into(),
            vec![super::case(case), entry(case, Position(0)), internal(case, Position(0)), queue(case, Position(0), 0)],
            vec![merged(case, case), erased(case)],
            vec![requester(&who, case), agent(&who), digest(&who), folded(&who, 0), timer(at, case)],
            vec![inbound(&id), outbox(&id), due(at, &id), asked(&RequestId::new(0, 0))],
            vec![
                super::mailbox(&mailbox),
                placed(&mailbox, &place),
                unsettled(&mailbox, &place),
                pending(&mailbox, &place),
            ],
            vec![twin(&Twin(mail)), ledger(&mail), attempts(&mail), super::quarantined(&mail)],
            vec![budget(&scope), suppressed(&scope), haste(&scope)],
        ]
        .concat();
        let letters: HashSet<u8> = kinds.iter().map(|key| key[0]).collect();
        assert_eq!(letters.len(), kinds.len());
    }

    #[test]
    fn what_is_due_earlier_comes_first() {
        let id = MessageId::parse("a@b").unwrap();
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let keys: Vec<_> = [-5_000_000, -1, 0, 1, 2_000_000_000_000].map(|ms| due(at(ms), &id)).into();
        assert!(keys.is_sorted());
        assert_eq!(due_id(&keys[0]), Some(id));
    }

    #[test]
    fn a_timer_is_read_back_from_its_key() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let number = CaseNumber::from_bits((1 << 40) - 1);
        let row = timer(at(1_000), number);
        assert_eq!(timer_case(&row), Some(number));
        assert!(row < timers_after(at(1_000)) && row > timers_after(at(999)));
    }

    #[test]
    fn a_place_is_read_back_from_its_key() {
        let mailbox = MailboxName::parse("support").unwrap();
        for place in
            [Place::Imap { uid_validity: 1, uid: u32::MAX }, Place::Maildir { file: "17.M1.host,S=2:2,".into() }]
        {
            let key = pending(&mailbox, &place);
            assert_eq!(place_after(&all_pending(&mailbox), &key), Some(place));
        }
    }
}
