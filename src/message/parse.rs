//! From bytes to a [`Message`]: the one door to mail-parser.

use mail_parser::MessageParser;

use super::{Field, Limits, Message, Person, Segments};
use crate::address::Address;
use crate::ids::MessageId;
use crate::language;

/// Reads a mail. Never fails.
pub fn read(raw: &[u8], _limits: &Limits) -> Message {
    let parsed = MessageParser::new().parse(raw).unwrap_or_default();
    let people = |list: Option<mail_parser::AddressList<'_>>| -> Vec<Person> {
        list.map(|list| {
            list.mailboxes()
                .map(|mailbox| Person {
                    name: mailbox.name().unwrap_or_default().to_owned(),
                    written: mailbox.address().unwrap_or_default().to_owned(),
                    address: Address::parse(mailbox.address().unwrap_or_default()).ok(),
                })
                .collect()
        })
        .unwrap_or_default()
    };
    let text = parsed.body_text(0).unwrap_or_default().into_owned();
    Message {
        size: raw.len(),
        fields: Vec::<Field>::new(),
        return_path: None,
        from: people(parsed.from()),
        reply_to: people(parsed.reply_to()),
        to: people(parsed.to()),
        also_to: people(parsed.cc()),
        subject: parsed.subject().unwrap_or_default().to_owned(),
        message_id: parsed.message_id().and_then(MessageId::parse),
        references: Vec::new(),
        date: None,
        hops: 0,
        language: language::detect(&text),
        segments: Segments {
            fresh: text.clone(),
            ..Segments::default()
        },
        text,
        attachments: Vec::new(),
        types: Vec::new(),
        report: None,
        defects: Vec::new(),
    }
}
