//! Mail for the tests: a header as it would stand in a mail, and a text.

use crate::address::{Address, ReversePath};
use crate::ids::MessageId;
use crate::language;
use crate::message::{Field, Message, Person, Segments};

use super::grammar::without_comments;

/// A mail with this header and text. Fields are unfolded; addresses are read in their plain forms only.
pub fn mail(header: &str, text: &str) -> Message {
    let unfolded = header.replace("\n ", " ").replace("\n\t", " ");
    let fields: Vec<Field> = unfolded
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| Field { name: name.trim().to_owned(), value: value.trim().to_owned() })
        .collect();
    let values = |name: &str| -> Vec<String> {
        fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value.clone()).collect()
    };
    let people = |names: &[&str]| -> Vec<Person> {
        names
            .iter()
            .flat_map(|name| values(name))
            .flat_map(|value| value.split(',').filter_map(person).collect::<Vec<_>>())
            .collect()
    };
    Message {
        size: header.len() + text.len(),
        return_path: values("Return-Path").first().map(|value| {
            let bare = without_comments(value);
            let written = bare.trim_matches(['<', '>', ' ']);
            Address::parse(written).map_or(ReversePath::Null, ReversePath::Address)
        }),
        from: people(&["From"]),
        reply_to: people(&["Reply-To"]),
        to: people(&["To"]),
        also_to: people(&["Cc", "Resent-To", "Resent-Cc"]),
        subject: values("Subject").first().cloned().unwrap_or_default(),
        message_id: values("Message-ID").first().and_then(|value| MessageId::parse(value)),
        references: Vec::new(),
        date: None,
        hops: values("Received").len(),
        text: text.to_owned(),
        segments: Segments { fresh: text.to_owned(), ..Segments::default() },
        language: language::detect(text),
        attachments: Vec::new(),
        types: values("Content-Type")
            .first()
            .and_then(|value| value.split(';').next())
            .map(|media| media.trim().to_lowercase())
            .into_iter()
            .collect(),
        report: None,
        defects: Vec::new(),
        fields,
    }
}

/// A mail from Ann to the support address, with more header fields.
pub fn from_ann(more: &str, text: &str) -> Message {
    mail(&format!("From: Ann <ann@example.org>\nTo: support@example.com\n{more}"), text)
}

fn person(text: &str) -> Option<Person> {
    let text = text.trim();
    let (name, written) = match text.rsplit_once('<') {
        Some((name, rest)) => (name.trim().trim_matches('"'), rest.trim_end_matches('>')),
        None => ("", text),
    };
    (!text.is_empty() && !text.ends_with([':', ';'])).then(|| Person {
        name: name.to_owned(),
        written: written.to_owned(),
        address: Address::parse(written).ok(),
    })
}

/// The codes found in a mail of Ann's with this header.
pub fn found(header: &str) -> Vec<&'static str> {
    codes(&from_ann(header, "Hello"))
}

/// The codes found in a mail by someone who has no configuration.
pub fn codes(message: &Message) -> Vec<&'static str> {
    super::screen(message, None).reasons.iter().map(|reason| reason.code()).collect()
}
