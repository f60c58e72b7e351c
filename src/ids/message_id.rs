//! Message-IDs (RFC 5322 §3.6.4): those we read, and those we write, which carry a proof.

use std::fmt;

use super::{CaseNumber, Key};

/// Octets of a Message-ID we keep. Longer ones are cut off by mail programs on the way back anyway.
pub const MAX_MESSAGE_ID: usize = 250;

/// What stands between the angle brackets: not empty, visible ASCII, at most [`MAX_MESSAGE_ID`] octets.
///
/// The right-hand side is often missing in the wild; an identifier is compared as a whole, to the letter.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(String);

/// What an identifier of our own says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// None in a notice.
    pub case: Option<CaseNumber>,
    /// What tells the mails of a case apart; it begins with the mail's purpose.
    pub name: String,
}

/// The purpose named in the proof of our own Message-IDs.
const PURPOSE: &str = "message-id";
/// Stands in the Message-ID of a notice where the case would.
const NOTICE: &str = "notice";

impl MessageId {
    /// Reads an identifier with or without its angle brackets. `None` for what could not be echoed safely:
    /// empty (an empty id joins nothing), blanks, control characters, nested brackets, too long.
    pub fn parse(text: &str) -> Option<MessageId> {
        let text = text.trim();
        let text = text.strip_prefix('<').unwrap_or(text);
        let text = text.strip_suffix('>').unwrap_or(text);
        let fits = !text.is_empty()
            && text.len() <= MAX_MESSAGE_ID
            && text.bytes().all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>')
            // `<@>` is as empty as `<>`.
            && text.bytes().any(|b| b.is_ascii_alphanumeric());
        fits.then(|| MessageId(text.to_owned()))
    }

    /// The identifier of a mail we send about `case`: `K7F39QD2X.<name>.<proof>@domain`. `name` tells the
    /// mails of one case apart and is chosen by the caller from the mail's own content, so that the same
    /// mail decided again gets the same identifier.
    pub fn mint(key: &Key, case: CaseNumber, name: &str, domain: &str) -> MessageId {
        let (case, name) = (case.compact().to_lowercase(), name.to_lowercase());
        let proof = key.prove(PURPOSE, &[case.as_bytes(), name.as_bytes()]);
        MessageId(format!("{case}.{name}.{proof}@{domain}"))
    }

    /// The identifier of a mail about the bot itself: like [`MessageId::mint`], with a word that is no case
    /// number in the place of the case.
    pub fn mint_notice(key: &Key, name: &str, domain: &str) -> MessageId {
        let name = name.to_lowercase();
        let proof = key.prove(PURPOSE, &[NOTICE.as_bytes(), name.as_bytes()]);
        MessageId(format!("{NOTICE}.{name}.{proof}@{domain}"))
    }

    /// What stands in an identifier of our own: `None` unless the proof is ours. Looks at the left-hand side
    /// only, so a change of our domain does not orphan old threads.
    pub fn own(&self, key: &Key) -> Option<Own> {
        let left = self.0.rsplit_once('@').map_or(self.0.as_str(), |(left, _)| left).to_lowercase();
        let mut parts = left.split('.');
        let (case, name, proof) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !key.verify(PURPOSE, &[case.as_bytes(), name.as_bytes()], proof) {
            return None;
        }
        Some(Own { case: CaseNumber::parse(case), name: name.to_owned() })
    }

    /// The case of a mail that we sent ourselves.
    pub fn own_case(&self, key: &Key) -> Option<CaseNumber> {
        self.own(key)?.case
    }

    /// Without angle brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// With angle brackets, as it stands in a header.
impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::MailHash;

    #[test]
    fn an_identifier_is_echoed_safely_or_not_at_all() {
        assert_eq!(MessageId::parse(" <a.b@c> ").unwrap().to_string(), "<a.b@c>");
        assert_eq!(MessageId::parse("a").unwrap().as_str(), "a");
        for bad in
            ["", "<>", "< >", "<@>", "<a b@c>", "<a\r\nBcc: x@y>", "<<a>>", "<é@c>", &format!("<{}>", "a".repeat(251))]
        {
            assert_eq!(MessageId::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn we_know_our_own_identifiers_and_nobody_can_make_one() {
        let key = Key::from_bytes([3; 32]);
        let case = CaseNumber::mint(&key, &MailHash::of(b"mail"), 0);
        let id = MessageId::mint(&key, case, "a1", "example.com");
        assert_eq!(id.own_case(&key), Some(case));
        assert_eq!(MessageId::parse(&id.to_string().to_uppercase()).unwrap().own_case(&key), Some(case));
        assert_eq!(id.own_case(&Key::from_bytes([4; 32])), None);
        let forged = id.as_str().replace(".a1.", ".a2.");
        assert_eq!(MessageId::parse(&forged).unwrap().own_case(&key), None);
        assert_eq!(MessageId::parse("a@b").unwrap().own_case(&key), None);
        let notice = MessageId::mint_notice(&key, "a1", "example.com");
        assert_eq!(notice.own_case(&key), None, "{notice}");
    }
}
