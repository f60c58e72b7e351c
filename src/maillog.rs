//! The mail log: one line for each mail received, answered, forwarded, deferred, failed. Made for grep.
//!
//! A line holds ids and reason codes only: no subject, no text, no full address. A person is a keyed hash and
//! a domain (`k3v9x2ta@example.com`), the same in every line of this bot, so that one customer's mails can be
//! followed without the log knowing who they are. Values are cut and hold no control characters, so that a
//! stranger can write no line of their own (CWE-117).

use crate::address::Address;
pub use crate::case::pseudonym as person;
use crate::ids::Key;

/// What the lines are filed under; `HUIXIN__LOG__LEVEL` does not silence them below `info`.
pub const TARGET: &str = "mail";
/// Octets of a value.
const MAX_VALUE: usize = 256;

/// Words of a server, with every address in them as the log knows it.
pub fn words(key: &Key, text: &str) -> String {
    let parts = text.split_inclusive(|c: char| c.is_whitespace() || "<>()[]{},;:\"'".contains(c));
    parts
        .map(|part| {
            let bare = part.trim_end_matches(|c: char| !c.is_alphanumeric());
            match Address::parse(bare) {
                Ok(address) => part.replacen(bare, &person(key, &address), 1),
                // Whatever else has an @ in it is not ours to print.
                Err(_) if part.contains('@') => "… ".into(),
                Err(_) => part.to_owned(),
            }
        })
        .collect()
}

/// A value that stays on its line.
pub fn value(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_VALUE).collect()
}

/// Writes one line: `mail: event="received" mailbox=support case=K7F3-9QD2-X …`. The events: looked, received, again,
/// vanished, quarantined; answered, forwarded, noticed, deferred, failed.
#[macro_export]
macro_rules! maillog {
    ($event:expr $(, $key:ident = $value:expr)* $(,)?) => {
        tracing::info!(target: $crate::maillog::TARGET, event = $event $(, $key = %$crate::maillog::value(&$value.to_string()))*)
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_known_again_but_not_named() {
        let key = Key::from_bytes([5; 32]);
        let a = person(&key, &Address::parse("Zhang.San@example.com").unwrap());
        assert_eq!(a, person(&key, &Address::parse("zhang.san+x@example.com").unwrap()));
        assert_ne!(a, person(&key, &Address::parse("li.si@example.com").unwrap()));
        assert!(a.ends_with("@example.com") && !a.contains("hang"), "{a}");
        let told = words(&Key::from_bytes([5; 32]), "550 5.1.1 <zhang.san@example.com>: no \"x@y\" here");
        assert_eq!(told, format!("550 5.1.1 <{a}>: no \"…  here"), "{told}");
        assert_eq!(value("a\r\nmail event=received\u{1b}[0m").lines().count(), 1);
    }
}
