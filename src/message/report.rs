//! Reports that mail systems write: RFC 3464 delivery reports, RFC 5965 abuse reports, RFC 8098 disposition
//! notifications, DMARC and TLS reports. Recognised by media type and structure, never by wording.

use crate::address::Address;
use crate::ids::MessageId;

/// What a report says. Nothing in it is proven: anybody can write one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// What became of a mail (RFC 3464).
    Delivery {
        /// One for each recipient named.
        outcomes: Vec<Outcome>,
        /// The Message-IDs in the returned mail or its returned headers.
        about: Vec<MessageId>,
    },
    /// Somebody complains (RFC 5965).
    Abuse {
        /// `abuse`, `fraud`, `not-spam`, …, in lower case.
        kind: String,
        about: Vec<MessageId>,
    },
    /// A mail was shown to its reader, or not (RFC 8098).
    Disposition {
        /// What became of it: `displayed`, `deleted`, …, in lower case.
        kind: String,
        about: Vec<MessageId>,
    },
    /// Authentication results of a day (RFC 9990).
    Dmarc,
    /// TLS failures of a day (RFC 8460).
    Tls,
}

impl Report {
    /// The Message-IDs of the mails that it is about.
    pub fn about(&self) -> &[MessageId] {
        match self {
            Report::Delivery { about, .. } | Report::Abuse { about, .. } | Report::Disposition { about, .. } => about,
            Report::Dmarc | Report::Tls => &[],
        }
    }
}

/// What became of a mail for one recipient (RFC 3464 §2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Final-Recipient, else Original-Recipient, as written, without its type.
    pub recipient: String,
    /// The recipient, if it is an address that we would write to.
    pub address: Option<Address>,
    pub action: Action,
    /// The status code (RFC 3463): `5.1.1`.
    pub status: Option<Status>,
    /// What the remote system said, without its type.
    pub diagnostic: String,
}

/// RFC 3464 §2.3.3. Only `Failed` means that the mail did not arrive and never will.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Failed,
    Delayed,
    Delivered,
    Relayed,
    Expanded,
    /// Missing or unknown.
    Other,
}

/// An enhanced status code (RFC 3463 §2): class, subject, detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status {
    pub class: u8,
    pub subject: u16,
    pub detail: u16,
}

impl Status {
    /// Reads the first thing that looks like a status code; reports write `5.1.1 (bad mailbox)`.
    pub(super) fn find_in(text: &str) -> Option<Status> {
        text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find_map(|word| {
            let mut numbers = word.split('.');
            let (class, subject, detail) = (numbers.next()?, numbers.next()?, numbers.next()?);
            let status = Status {
                class: class.parse().ok().filter(|class| matches!(class, 2 | 4 | 5))?,
                subject: subject.parse().ok().filter(|subject| *subject < 1_000)?,
                detail: detail.parse().ok().filter(|detail| *detail < 1_000)?,
            };
            numbers.next().is_none().then_some(status)
        })
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// The fields of a report: groups of `Name: value` lines, an empty line between them (RFC 3464 §2.1).
pub(super) struct Groups(Vec<Vec<(String, String)>>);

impl Groups {
    /// Reads at most `most` groups.
    pub(super) fn parse(text: &str, most: usize) -> Groups {
        let mut groups: Vec<Vec<(String, String)>> = vec![Vec::new()];
        for line in text.lines() {
            let last = groups.last_mut().expect("there is always a group");
            if line.trim().is_empty() {
                if !last.is_empty() {
                    if groups.len() >= most {
                        break;
                    }
                    groups.push(Vec::new());
                }
            } else if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = last.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                last.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        Groups(groups)
    }

    /// The first value of a field in any group; `name` in lower case.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|group| value(group, name))
    }

    /// The groups that name a recipient, at most `most`.
    pub(super) fn outcomes(&self, most: usize) -> Vec<Outcome> {
        self.0.iter().filter_map(|group| outcome(group)).take(most).collect()
    }
}

fn value<'a>(group: &'a [(String, String)], name: &str) -> Option<&'a str> {
    group.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

fn outcome(group: &[(String, String)]) -> Option<Outcome> {
    let recipient = value(group, "final-recipient").or_else(|| value(group, "original-recipient"));
    let (action, status) = (value(group, "action"), value(group, "status"));
    if recipient.is_none() && action.is_none() && status.is_none() {
        return None;
    }
    let recipient = untyped(recipient.unwrap_or_default()).trim_matches(['<', '>']);
    let diagnostic = untyped(value(group, "diagnostic-code").unwrap_or_default());
    let word = |text: &str| -> String {
        let text = text.trim().to_ascii_lowercase();
        text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_owned()
    };
    Some(Outcome {
        recipient: recipient.to_owned(),
        address: Address::parse(recipient).ok(),
        action: match word(action.unwrap_or_default()).as_str() {
            "failed" | "failure" => Action::Failed,
            "delayed" => Action::Delayed,
            "delivered" => Action::Delivered,
            "relayed" => Action::Relayed,
            "expanded" => Action::Expanded,
            _ => Action::Other,
        },
        status: status.and_then(Status::find_in).or_else(|| Status::find_in(diagnostic)),
        diagnostic: diagnostic.to_owned(),
    })
}

/// Without `rfc822;` or `smtp;` in front (RFC 3464 §2.1.2).
fn untyped(value: &str) -> &str {
    match value.split_once(';') {
        Some((kind, rest)) if kind.trim().chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) => rest.trim(),
        _ => value.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_report_says_what_became_of_each_recipient() {
        let groups = Groups::parse(
            "Reporting-MTA: dns; mx.example.net\r\n\r\n\
             Final-Recipient: rfc822; <li@example.com>\r\nAction: Failed (really)\r\nStatus: 5.1.1 (no mailbox)\r\n\
             Diagnostic-Code: smtp; 550 5.1.1\r\n unknown user\r\n\r\n\
             Original-Recipient: rfc822;no address\r\nAction: delayed\r\nDiagnostic-Code: smtp; 451 4.7.1 later\r\n",
            10,
        );
        assert_eq!(groups.value("reporting-mta"), Some("dns; mx.example.net"));
        let outcomes = groups.outcomes(10);
        assert_eq!(outcomes.len(), 2);
        assert_eq!(outcomes[0].address, Address::parse("li@example.com").ok());
        assert_eq!(outcomes[0].action, Action::Failed);
        assert_eq!(outcomes[0].status.unwrap().to_string(), "5.1.1");
        assert_eq!(outcomes[0].diagnostic, "550 5.1.1 unknown user");
        assert_eq!((outcomes[1].action, outcomes[1].address.as_ref()), (Action::Delayed, None));
        assert_eq!(outcomes[1].status.unwrap().class, 4);
        assert!(Groups::parse("", 10).outcomes(10).is_empty());
        assert_eq!(Groups::parse(&"Action: failed\n\n".repeat(1_000), 9).outcomes(5).len(), 5);
        for no_status in ["", "550", "5.1", "3.1.1", "5.1.1.1", "10.1.1"] {
            assert_eq!(Status::find_in(no_status), None, "{no_status}");
        }
    }
}
