//! Who writes in the name of a mail system: known by address and name, before a word of the text is read.

use super::{Message, Person};
use crate::address::ReversePath;

/// Local parts that only programs write under, without hyphens, dots and underscores.
const PROGRAMS: &[&str] = &[
    "mailerdaemon",
    "maildaemon",
    "mailmaster",
    "mailsystem",
    "maildeliverysystem",
    "maildeliverysubsystem",
    "mailer",
    "mdaemon",
];

/// Local parts that programs and humans share: alone they mean nothing.
const POSTMASTERS: &[&str] = &["postmaster", "mailadmin", "mailadministrator", "systemadministrator"];

/// Beginnings of the names that programs give themselves.
const NAMES: &[&str] = &["mail delivery", "mailer-daemon", "mail administrator", "system administrator", "postmaster"];

/// Is it the address of a mail system that nobody but a program writes under? Mail systems often leave out the
/// domain (`MAILER-DAEMON`).
pub fn is_mail_system(written: &str) -> bool {
    PROGRAMS.contains(&squashed(written).as_str())
}

/// Is it the address of a postmaster, in one of the spellings mail systems use? A human may read it and
/// write from it.
pub fn is_postmaster(written: &str) -> bool {
    POSTMASTERS.contains(&squashed(written).as_str())
}

impl Message {
    /// Does sender or envelope point to a mail system? A postmaster's address is also read by humans: with it
    /// alone nothing is said.
    pub fn is_from_mail_system(&self) -> bool {
        let named = |person: &Person| {
            let name = person.name.trim().to_lowercase();
            NAMES.iter().any(|system| name.starts_with(system))
        };
        let is = |person: &Person| is_mail_system(&person.written) || is_postmaster(&person.written) || named(person);
        self.return_path == Some(ReversePath::Null) || self.from.iter().any(is)
    }
}

/// The local part in lower case, letters and digits only.
fn squashed(written: &str) -> String {
    let text = written.trim().trim_matches(['<', '>', '"']);
    let local = text.rsplit_once('@').map_or(text, |(local, _)| local);
    local.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_systems_are_known_by_their_addresses_and_people_are_not() {
        for address in ["MAILER-DAEMON", "mailer-daemon@example.com", "Mail_Daemon@example.com", "<mailer@a.example>"] {
            assert!(is_mail_system(address), "{address}");
        }
        assert!(is_postmaster("Post_Master@example.com") && !is_postmaster("master@example.com"));
        for address in ["daemon@example.com", "postmaster@example.com", "ann@example.com", "", "@"] {
            assert!(!is_mail_system(address), "{address}");
        }
    }
}
