//! What an admin chose for one mailbox, and what is chosen when they chose nothing.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::backoff::Pace;
use super::encode;
use crate::ids::MailboxName;

/// Yields the password or token anew at each login, so that a rotated one is used without a restart.
pub type Secret = Arc<dyn Fn() -> Result<SecretString, String> + Send + Sync>;

/// One mailbox on one server.
#[derive(Clone)]
pub struct Settings {
    pub name: MailboxName,
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// PEM certificates trusted beside the public ones: an organisation's own authority.
    pub extra_ca: Option<Vec<u8>>,
    pub user: String,
    pub auth: Auth,
    pub secret: Secret,
    /// As a human writes it, such as `INBOX` or `支持`.
    pub folder: String,
    pub after: AfterCommit,
    /// Octets above which a mail is fetched cut.
    pub max_mail: u64,
    /// How often we look although nothing was announced: a dead NAT drops an IDLE without a word.
    pub poll: Duration,
    /// How long after news we ask for more instead of being told: a mail seldom comes alone, and a server keeps news
    /// back to tell of several at once, Dovecot for half a second.
    pub lively: Duration,
    pub patience: Patience,
    pub pace: Pace,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// TLS from the first octet, RFC 8314 §3: the default.
    Implicit,
    /// RFC 9051 §6.2.1, or nothing: a server that does not offer it is left.
    StartTls,
    /// No protection: for a server on this machine only.
    Plain,
}

/// How we say who we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `LOGIN`, RFC 9051 §6.2.3.
    Login,
    /// `AUTHENTICATE PLAIN`, RFC 4616.
    Plain,
    /// `AUTHENTICATE XOAUTH2`: the secret is an access token.
    XOAuth2,
}

/// What becomes of a mail in the mailbox once our decision about it is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AfterCommit {
    /// A keyword to set, such as `$Huixin`.
    pub keyword: Option<String>,
    /// A folder to move it to.
    pub move_to: Option<String>,
}

/// How long a server may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For TCP, and again for TLS.
    pub connect: Duration,
    /// For one answer, beside the time its octets need.
    pub answer: Duration,
    /// Octets a second below which a line counts as dead: nobody drips a mail at us for a day.
    pub slowest: u64,
}

/// Why settings cannot be used, whatever the server does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("`{0}` is not a host name or an address")]
    Host(String),
    #[error("without TLS only a server on this machine is spoken to, and `{0}` is not this machine")]
    PlainAbroad(String),
    #[error("the user name is empty or has a control character")]
    User,
    #[error("the user name has a character that LOGIN cannot carry; use PLAIN")]
    UserNeedsPlain,
    #[error("a folder name is empty")]
    Folder,
    #[error("mail is moved to the folder it comes from")]
    MovesToItself,
    #[error(
        "`{0}` is not a keyword: letters, digits and a few signs, no space, and no leading backslash (RFC 9051 §9)"
    )]
    Keyword(String),
    #[error(
        "the mailbox is looked into every {0:?}; it must be more often than every {MAX_POLL:?}, and not without end"
    )]
    Poll(Duration),
    #[error("no mail fits: the cap is {0} octets, and must be {MIN_MAIL_CAP} to {MAX_MAIL_CAP}")]
    MaxMail(u64),
    #[error("the extra certificates cannot be read: {0}")]
    ExtraCa(String),
}

/// The time after which a dead line is noticed at the latest, however little is announced.
pub const MAX_POLL: Duration = Duration::from_secs(5 * 60);
/// Where the server has no IDLE, this is how long a mail lies unseen.
pub const DEFAULT_POLL: Duration = Duration::from_secs(60);
/// See [`Settings::lively`]. Longer, and a server is asked much for little.
pub const LIVELY: Duration = Duration::from_secs(1);
/// What the common hosts accept as one mail.
pub const DEFAULT_MAX_MAIL: u64 = 25 * 1024 * 1024;
/// A cap below this would cut ordinary letters.
pub const MIN_MAIL_CAP: u64 = 64 * 1024;
/// A mail is held in memory whole.
pub const MAX_MAIL_CAP: u64 = 128 * 1024 * 1024;
/// RFC 8314 §7.
pub const DEFAULT_PORT: u16 = 993;

impl Default for Patience {
    fn default() -> Patience {
        Patience { connect: Duration::from_secs(30), answer: Duration::from_secs(60), slowest: 100_000 }
    }
}

impl Patience {
    /// How long an answer of so many octets may take.
    pub(super) fn for_octets(&self, octets: u64) -> Duration {
        self.answer + Duration::from_secs(octets / self.slowest.max(1))
    }
}

impl Settings {
    /// INBOX over TLS, left as it is; everything else by default.
    pub fn new(name: MailboxName, host: &str, user: &str, secret: Secret) -> Settings {
        Settings {
            name,
            host: host.to_owned(),
            port: DEFAULT_PORT,
            tls: Tls::Implicit,
            extra_ca: None,
            user: user.to_owned(),
            auth: Auth::Login,
            secret,
            folder: "INBOX".to_owned(),
            after: AfterCommit::default(),
            max_mail: DEFAULT_MAX_MAIL,
            poll: DEFAULT_POLL,
            lively: LIVELY,
            patience: Patience::default(),
            pace: Pace::default(),
        }
    }

    /// Finds what can be found without asking a server. (The certificates are read when they are used.)
    pub fn check(&self) -> Result<(), SettingsError> {
        // A host name with a space or a control character is no host name; the rest is the resolver's.
        if self.host.is_empty() || !self.host.chars().all(|c| c.is_ascii_graphic()) {
            return Err(SettingsError::Host(self.host.clone()));
        }
        if self.tls == Tls::Plain && !names_this_machine(&self.host) {
            return Err(SettingsError::PlainAbroad(self.host.clone()));
        }
        if self.user.is_empty() || self.user.chars().any(char::is_control) {
            return Err(SettingsError::User);
        }
        if self.auth == Auth::Login && encode::quoted(&self.user).is_none() {
            return Err(SettingsError::UserNeedsPlain);
        }
        if self.folder.is_empty() || self.after.move_to.as_deref() == Some("") {
            return Err(SettingsError::Folder);
        }
        if self.after.move_to.as_ref() == Some(&self.folder) {
            return Err(SettingsError::MovesToItself);
        }
        if let Some(keyword) = &self.after.keyword
            && !encode::is_keyword(keyword)
        {
            return Err(SettingsError::Keyword(keyword.clone()));
        }
        if self.poll.is_zero() || self.poll > MAX_POLL {
            return Err(SettingsError::Poll(self.poll));
        }
        if !(MIN_MAIL_CAP..=MAX_MAIL_CAP).contains(&self.max_mail) {
            return Err(SettingsError::MaxMail(self.max_mail));
        }
        Ok(())
    }
}

fn names_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let name = MailboxName::parse("support").unwrap();
        Settings::new(name, "imap.example.com", "support", Arc::new(|| Ok("x".to_owned().into())))
    }

    #[test]
    fn settings_that_no_server_could_serve_are_refused() {
        assert_eq!(settings().check(), Ok(()));
        type Change = fn(&mut Settings);
        let bad: [(Change, SettingsError); 10] = [
            (|s| s.host = "a b".to_owned(), SettingsError::Host("a b".to_owned())),
            (|s| s.tls = Tls::Plain, SettingsError::PlainAbroad("imap.example.com".to_owned())),
            (|s| s.user = "a\r\nb".to_owned(), SettingsError::User),
            (|s| s.user = "张三".to_owned(), SettingsError::UserNeedsPlain),
            (|s| s.folder = String::new(), SettingsError::Folder),
            (|s| s.after.move_to = Some("INBOX".to_owned()), SettingsError::MovesToItself),
            (|s| s.after.keyword = Some("\\Seen".to_owned()), SettingsError::Keyword("\\Seen".to_owned())),
            (|s| s.poll = Duration::from_secs(301), SettingsError::Poll(Duration::from_secs(301))),
            (|s| s.poll = Duration::ZERO, SettingsError::Poll(Duration::ZERO)),
            (|s| s.max_mail = 0, SettingsError::MaxMail(0)),
        ];
        for (change, error) in bad {
            let mut settings = settings();
            change(&mut settings);
            assert_eq!(settings.check(), Err(error));
        }
    }

    #[test]
    fn this_machine_may_be_spoken_to_in_the_clear() {
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "::1"] {
            let mut settings = settings();
            settings.host = host.to_owned();
            settings.tls = Tls::Plain;
            assert_eq!(settings.check(), Ok(()), "{host}");
        }
    }
}
