//! Mailing lists and mass mail: RFC 2919, RFC 2369, `Precedence`, and the envelopes of list managers.

use super::grammar::{without_comments, words};
use super::{Reason, robots};
use crate::address::Address;
use crate::message::Message;

/// From so many domains on in To alone, the mail is a circular: a person who asks for help asks one or two
/// organisations.
const MANY_ORGANISATIONS: usize = 3;

/// Fields of mass mail beside `List-*`.
const BULK_FIELDS: &[&str] = &[
    "mailing-list",
    "x-mailing-list",
    "x-beenthere",
    "x-mailman-version",
    "x-ml-name",
    "x-ml-info",
    "x-mlserver",
    "x-mail-list",
    "x-list-name",
    "x-list-unsubscribe",
    "x-listname",
    "x-unsubscribe",
    "x-campaign",
    "x-campaignid",
    "x-campaign-id",
    "x-mailer-recptid",
    "x-bulkmail",
    "errors-to",
];

/// Finds what shows that the mail went to many.
pub fn look(message: &Message, found: &mut Vec<Reason>) {
    if message.fields.iter().any(|field| starts_with(&field.name, "list-")) {
        found.push(Reason::ListHeader);
    }
    if has_bulk_precedence(message) {
        found.push(Reason::Precedence);
    }
    let bulk_field = BULK_FIELDS.iter().any(|name| message.field(name).next().is_some());
    if bulk_field || has_bulk_envelope(message) {
        found.push(Reason::BulkHeader);
    }
    if is_circular(message) {
        found.push(Reason::ManyOrganisations);
    }
}

/// The words of `Precedence`.
pub fn precedence(message: &Message) -> impl Iterator<Item = String> {
    message.field("Precedence").chain(message.field("X-Precedence")).flat_map(words)
}

/// RFC 3834 §2 and §7; `first-class` and `normal` say nothing.
fn has_bulk_precedence(message: &Message) -> bool {
    precedence(message)
        .any(|word| matches!(word.as_str(), "bulk" | "junk" | "list" | "auto_reply" | "auto-reply" | "autoreply"))
}

/// Return-Path and Sender of a list manager. The Return-Path is looked at as written: a stranger's second
/// one can only silence.
fn has_bulk_envelope(message: &Message) -> bool {
    message.field("Return-Path").chain(message.field("Sender")).any(|value| {
        let bare = without_comments(value);
        let written = bare.rsplit('<').next().unwrap_or_default();
        robots::is_mass_mailer(written)
    })
}

fn is_circular(message: &Message) -> bool {
    // Whoever answers all in a thread did not choose the list.
    if !message.references.is_empty() {
        return false;
    }
    let mut domains: Vec<&str> =
        message.to.iter().filter_map(|person| person.address.as_ref()).map(Address::domain).collect();
    domains.sort_unstable();
    domains.dedup();
    domains.len() >= MANY_ORGANISATIONS
}

fn starts_with(name: &str, start: &str) -> bool {
    name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use crate::ids::MessageId;
    use crate::screen::specimen::{codes, found, mail};

    #[test]
    fn a06_every_list_field_silences() {
        for name in [
            "List-Id",
            "List-Help",
            "List-Subscribe",
            "List-Unsubscribe",
            "List-Post",
            "List-Owner",
            "List-Archive",
            "List-Unsubscribe-Post",
            "List-Foo",
        ] {
            for header in [
                format!("{name}: <x>"),
                format!("{}: x", name.to_uppercase()),
                format!("{}:\n <x>", name.to_lowercase()),
            ] {
                assert_eq!(found(&header), ["list-header"], "{header}");
            }
        }
        assert!(found("X-Listing: 3\nListing-Id: 4").is_empty());
    }

    #[test]
    fn a07_bulk_precedence_in_any_case_silences() {
        for value in ["bulk", "Bulk", "LIST", "junk (x)", "\n list"] {
            assert_eq!(found(&format!("Precedence: {value}")), ["precedence"], "{value}");
        }
        assert_eq!(found("Precedence: auto_reply"), ["automatic-header", "precedence"]);
        assert!(found("Precedence: first-class").is_empty());
        for header in [
            "Mailing-List: contact list-help@example.org",
            "X-BeenThere: list@example.org",
            "Return-Path: <owner-list@example.org>",
            "Sender: list-bounces@example.org",
            "Return-Path: <bounces+12-ann=example.org@mail.example.org>",
        ] {
            assert_eq!(found(header), ["bulk-header"], "{header}");
        }
        assert!(found("Return-Path: <prvs=1234=ann@example.org>").is_empty());
    }

    #[test]
    fn a07_a_circular_is_not_answered_and_a_thread_is() {
        let to = "From: ann@example.org\nTo: support@example.com, b@example.net, c@example.edu";
        let mut message = mail(to, "Hello");
        assert_eq!(codes(&message), ["many-organisations"]);
        message.references = vec![MessageId::parse("a@b").unwrap()];
        assert!(codes(&message).is_empty());
    }
}
