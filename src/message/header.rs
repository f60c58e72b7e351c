//! The header of a mail: who, to whom, about what, in which thread.

use std::borrow::Cow;
use std::collections::HashSet;

use super::defect::Defects;
use super::{Defect, Field, Limits, Person};
use super::{people, text, words};
use crate::address::{Address, ReversePath};
use crate::ids::MessageId;

/// The header of the mail itself.
pub(super) struct Header<'m> {
    fields: Vec<(&'m str, &'m [u8])>,
    /// The charset of the body: a hint for octets above 127 in fields.
    charset: Option<String>,
}

impl<'m> Header<'m> {
    /// Keeps as many fields as the limits allow. `charset` is the one of the body.
    pub(super) fn keep(
        all: impl Iterator<Item = (&'m str, &'m [u8])>,
        charset: Option<String>,
        limits: &Limits,
        defects: &mut Defects,
    ) -> Header<'m> {
        let mut room = limits.header_octets;
        let mut left_out = false;
        let mut fields = Vec::new();
        for (name, value) in all {
            // A name is visible ASCII (RFC 5322 §2.2); anything else is a stray line.
            if name.is_empty() || !name.bytes().all(|octet| octet.is_ascii_graphic()) {
                continue;
            }
            match room.checked_sub(name.len() + value.len()) {
                Some(rest) if fields.len() < limits.fields => {
                    room = rest;
                    fields.push((name, value));
                }
                // A field too long leaves room for the others.
                _ => left_out = true,
            }
        }
        defects.add_if(fields.is_empty(), Defect::NoHeader);
        defects.add_if(left_out, Defect::HeaderTooLong);
        let header = Header { fields, charset };
        // RFC 5322 §3.6: at most once each.
        const ONCE: [&str; 11] = [
            "from",
            "sender",
            "reply-to",
            "to",
            "cc",
            "subject",
            "date",
            "message-id",
            "in-reply-to",
            "references",
            "content-type",
        ];
        defects.add_if(ONCE.iter().any(|name| header.count(name) > 1), Defect::DuplicateField);
        header
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &'m [u8]> {
        self.fields.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    pub(super) fn count(&self, name: &str) -> usize {
        self.values(name).count()
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        self.fields
            .iter()
            .map(|(name, value)| Field {
                name: (*name).to_owned(),
                value: String::from_utf8_lossy(&unfolded(value)).into_owned(),
            })
            .collect()
    }

    /// The first field of a name, as text: octets above 127 explained, encoded-words left alone.
    fn text(&self, name: &str, defects: &mut Defects) -> Option<String> {
        self.values(name).next().map(|value| self.decode(value, defects))
    }

    fn decode(&self, value: &[u8], defects: &mut Defects) -> String {
        let decoded = text::decode_header(&words::quote_raw(&unfolded(value)), self.charset.as_deref());
        if let Some(defect) = decoded.defect {
            defects.add(defect);
        }
        decoded.text
    }

    pub(super) fn subject(&self, limits: &Limits, defects: &mut Defects) -> String {
        let subject = self.text("subject", defects).unwrap_or_default();
        text::one_line(&words::decode(&subject, defects), limits.subject)
    }

    pub(super) fn people(&self, names: &[&str], limits: &Limits, defects: &mut Defects) -> Vec<Person> {
        let mut people = Vec::new();
        for value in names.iter().flat_map(|name| self.values(name)) {
            let list = self.decode(value, defects);
            let found = people::mailboxes(&list, limits.addresses + 1 - people.len());
            people.extend(found.into_iter().map(|mailbox| Person {
                name: text::one_line(&words::decode(&mailbox.name, defects), limits.display_name),
                address: Address::parse(&mailbox.address).ok(),
                written: text::one_line(&mailbox.address, limits.display_name),
            }));
            if people.len() > limits.addresses {
                people.truncate(limits.addresses);
                defects.add(Defect::TooManyAddresses);
                break;
            }
        }
        people
    }

    /// The topmost Return-Path. The null path may be written `<>`, `< >` or `<> (comment)`; a field that
    /// holds anything else than one address says nothing.
    pub(super) fn return_path(&self) -> Option<ReversePath> {
        let value = self.written("return-path")?;
        match people::mailboxes(&value, 2).as_slice() {
            [only] if only.address.is_empty() && value.contains('<') => Some(ReversePath::Null),
            [only] => Address::parse(&only.address).ok().map(ReversePath::Address),
            _ => None,
        }
    }

    pub(super) fn message_id(&self, defects: &mut Defects) -> Option<MessageId> {
        let value = self.values("message-id").next()?;
        let (ids, broken) = identifiers(value);
        defects.add_if(broken || ids.is_empty(), Defect::BrokenMessageId);
        ids.into_iter().next()
    }

    /// The identifiers of References and then of In-Reply-To, each once, oldest first; of too many the first,
    /// which began the thread, and the newest.
    pub(super) fn references(&self, limits: &Limits, defects: &mut Defects) -> Vec<MessageId> {
        let mut seen = HashSet::new();
        let mut all = Vec::new();
        for value in self.values("references").chain(self.values("in-reply-to")) {
            let (ids, broken) = identifiers(value);
            defects.add_if(broken, Defect::BrokenMessageId);
            all.extend(ids.into_iter().filter(|id| seen.insert(id.clone())));
        }
        if all.len() > limits.references {
            all.drain(1.min(limits.references)..all.len() + 1.min(limits.references) - limits.references);
        }
        all
    }

    /// The first field of a name, on one line, undecoded.
    pub(super) fn written(&self, name: &str) -> Option<String> {
        let value = self.values(name).next()?;
        Some(String::from_utf8_lossy(&unfolded(value)).into_owned())
    }
}

/// The identifiers in a field, and whether something in it was none. Mail programs write sentences round them
/// (RFC 5322 §4.5.4) or leave out the angle brackets.
pub(super) fn identifiers(value: &[u8]) -> (Vec<MessageId>, bool) {
    let value = String::from_utf8_lossy(&unfolded(value)).into_owned();
    let mut broken = false;
    let mut ids = Vec::new();
    let mut read = |text: &str| match MessageId::parse(text) {
        Some(id) => ids.push(id),
        None => broken = true,
    };
    if value.contains('<') {
        // What stands before the first bracket is a phrase.
        value.split('<').skip(1).for_each(|piece| read(piece.split('>').next().unwrap_or_default()));
    } else {
        value
            .split([' ', '\t', ',', ';'])
            .filter(|word| word.contains('@'))
            .for_each(|word| read(word.trim_matches('>')));
    }
    (ids, broken)
}

/// A field's value on one line (RFC 5322 §2.2.3), without the blanks around it.
fn unfolded(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if value.iter().any(|octet| matches!(octet, b'\r' | b'\n')) {
        Cow::Owned(value.iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n')).collect())
    } else {
        Cow::Borrowed(value)
    }
}
