//! E-mail addresses, in the one strict form that we are willing to write to.
//!
//! A stranger's header may hold anything; an [`Address`] holds only what re-parses to itself under a
//! strict grammar (RFC 5321 §4.1.2 without quoted local parts, address literals and source routes), so no
//! two programs on the way can read it differently. What does not fit is kept as text in the message and
//! is simply never written to.

use std::fmt;

/// Octets of a local part, RFC 5321 §4.5.3.1.1.
pub const MAX_LOCAL: usize = 64;
/// Octets of a domain, RFC 5321 §4.5.3.1.2.
pub const MAX_DOMAIN: usize = 253;
/// Octets of a whole address: a forward-path of 256 with its angle brackets, RFC 5321 §4.5.3.1.3.
pub const MAX_ADDRESS: usize = 254;

/// `local@domain`: the local part as written, the domain in lower case as an A-label (RFC 5891).
///
/// Two addresses are equal when their local parts are the same to the letter; RFC 5321 §2.4 leaves the
/// meaning of case to the receiving host, so for anything that grants authority we compare exactly. For
/// counting mails use [`Address::counting_key`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    local: String,
    domain: String,
}

/// Why a text is not an [`Address`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("there is no @ in it")]
    NoAt,
    #[error("the part before the @ is empty, too long or has a character that is not allowed there")]
    Local,
    #[error("the domain is not a host name with at least two labels")]
    Domain,
    #[error("it is longer than {MAX_ADDRESS} octets")]
    TooLong,
}

impl Address {
    /// Reads `local@domain`, nothing around it.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NoAt)?;
        if !is_dot_atom(local) || local.len() > MAX_LOCAL {
            return Err(AddressError::Local);
        }
        let domain = parse_domain(domain).ok_or(AddressError::Domain)?;
        if local.len() + 1 + domain.len() > MAX_ADDRESS {
            return Err(AddressError::TooLong);
        }
        Ok(Address { local: local.to_owned(), domain })
    }

    pub fn local(&self) -> &str {
        &self.local
    }

    /// The domain in lower case, as an A-label.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Does a mailbox-to-be-compared name the same mailbox for all practical purposes? Local parts are
    /// compared without case here: use it to recognise our own addresses, never to grant authority.
    pub fn matches(&self, other: &Address) -> bool {
        self.domain == other.domain && self.local.to_lowercase() == other.local.to_lowercase()
    }

    /// This address with `detail` as its subaddress (RFC 5233): `support+detail@example.com`.
    /// `None` when the local part would grow past its limit.
    pub fn with_detail(&self, separator: char, detail: &str) -> Option<Address> {
        Address::parse(&format!("{}{separator}{detail}@{}", self.local, self.domain)).ok()
    }

    /// The subaddress, if `separator` occurs in the local part: what was written, proven by nothing.
    pub fn detail(&self, separator: char) -> Option<(&str, &str)> {
        self.local.split_once(separator).filter(|(user, _)| !user.is_empty())
    }

    /// The key under which mails to and from one person are counted: case folded, subaddress removed, and
    /// the dots of Gmail removed, so that `J.Doe+1@gmail.com` cannot get ten times the budget.
    pub fn counting_key(&self) -> String {
        let local = self.local.to_lowercase();
        // What begins with the separator is part of the user: `+a+1` and `+a+2` are one, `+a` and `+b` are not.
        let named = local.trim_start_matches('+');
        let detail = named.find('+').map_or(0, |at| named.len() - at);
        let user = &local[..local.len() - detail];
        match self.domain.as_str() {
            "gmail.com" | "googlemail.com" => format!("{}@gmail.com", user.replace('.', "")),
            domain => format!("{user}@{domain}"),
        }
    }

    /// Needs the relay to offer SMTPUTF8 (RFC 6531).
    pub fn is_international(&self) -> bool {
        !self.local.is_ascii()
    }
}

/// The reverse-path of a mail (RFC 5321 §3.3): what a `Return-Path` field or `MAIL FROM` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReversePath {
    /// `<>`: the sender wants no report, RFC 5321 §4.5.5.
    Null,
    Address(Address),
}

/// The domain in lower case as an A-label, or `None` when it is not a host name of two labels or more.
pub fn parse_domain(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    // `domain_to_ascii_strict` also refuses `_` and empty labels, and checks the lengths of RFC 1035 §2.3.4.
    let ascii = idna::domain_to_ascii_strict(text).ok()?;
    let labels = ascii.split('.').count();
    let numeric = ascii.rsplit('.').next()?.chars().all(|c| c.is_ascii_digit());
    (labels >= 2 && !numeric && ascii.len() <= MAX_DOMAIN).then_some(ascii)
}

/// RFC 5322 §3.2.3 `dot-atom-text`, with the UTF-8 of RFC 6532; no leading `-`, which mail programs have
/// taken for an option.
fn is_dot_atom(text: &str) -> bool {
    let atext = |c: char| {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c) || (!c.is_ascii() && c.is_alphanumeric())
    };
    !text.is_empty()
        && !text.starts_with('-')
        && text.split('.').all(|atom| !atom.is_empty())
        && text.chars().all(atext)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{self}>")
    }
}

impl std::str::FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Address, AddressError> {
        Address::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `good` lists what is accepted with the form it is kept in, `bad` what is refused.
    #[test]
    fn only_what_re_parses_to_itself_is_an_address() {
        let good = [
            ("a@example.com", "a@example.com"),
            ("A.b+c@EXAMPLE.com", "A.b+c@example.com"),
            ("x@例子.公司", "x@xn--fsqu00a.xn--55qx5d"),
            ("张三@example.com", "张三@example.com"),
            ("o'neil@example.com", "o'neil@example.com"),
            ("a@b.c.d.example.com.", "a@b.c.d.example.com"),
        ];
        for (text, kept) in good {
            let address = Address::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(address.to_string(), kept);
            assert_eq!(Address::parse(kept).unwrap(), address);
        }
        let bad = [
            "",
            "a",
            "@",
            "@example.com",
            "a@",
            "a@b",
            "a@localhost",
            "-a@example.com",
            "a..b@example.com",
            ".a@example.com",
            "a.@example.com",
            "a b@example.com",
            "\"a b\"@example.com",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "x <a@example.com>",
            "a@example.com>",
            "a@exa mple.com",
            "a@ex_ample.com",
            "a\r\nBcc: x@example.com",
            "a\0@example.com",
            "a,b@example.com",
            "a@b.com,c@d.com",
            "a@-example.com",
            "@a.com:b@example.com",
            "a@example..com",
            "(c)a@example.com",
            "a@example.com\n",
        ];
        for text in bad {
            assert!(Address::parse(text).is_err(), "{text:?} was accepted");
        }
        assert!(Address::parse(&format!("{}@example.com", "a".repeat(64))).is_ok());
        assert_eq!(Address::parse(&format!("{}@example.com", "a".repeat(65))), Err(AddressError::Local));
    }

    #[test]
    fn mails_of_one_person_are_counted_together() {
        let key = |text: &str| Address::parse(text).unwrap().counting_key();
        assert_eq!(key("J.Doe+1@GMail.com"), key("jdoe@googlemail.com"));
        assert_eq!(key("a+b@example.com"), key("A@example.com"));
        assert_ne!(key("a.b@example.com"), key("ab@example.com"));
        assert_eq!(key("+a+1@example.com"), key("+a+2@example.com"));
        assert_ne!(key("+a@example.com"), key("+b@example.com"));
    }

    #[test]
    fn x01_domains_are_compared_without_case_and_local_parts_to_the_letter() {
        let address = |text: &str| Address::parse(text).unwrap();
        assert_eq!(address("a@EXAMPLE.com"), address("a@example.com"));
        assert_eq!(address("a@例子.公司"), address("a@XN--FSQU00A.xn--55qx5d"));
        assert_ne!(address("A@example.com"), address("a@example.com"));
        assert!(address("A@example.com").matches(&address("a@example.com")));
    }
}
