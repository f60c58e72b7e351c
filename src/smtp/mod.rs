//! The SMTP relay: submission (RFC 6409) over TLS (RFC 8314), on lettre's connection: one mail after the other, the
//! commands of each together where the relay offers that (RFC 2920).
//!
//! lettre knows the dialogue; the steps, the time for each and what a failure means are ours, since the outbox
//! must know whether a mail was taken, refused, or may have been taken. lettre's pool is not used: a
//! cancelled send would leave its half-read answers to the next mail. A connection is kept between two mails
//! and dropped at any error, timeout or cancellation.

mod dial;
// For tests and the fuzzer, which are built with debug assertions.
#[cfg(debug_assertions)]
pub mod rehearsal;
mod reply;
mod session;
mod verdict;
mod wire;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use crate::outgoing::{Accepted, Envelope, Relay, SendError, push_with_crlf};
use session::{Session, Unopened};

/// A server may close a session that was idle for 5 minutes (RFC 5321 §4.5.3.2.7); we do not wait for it.
const KEPT_AT_MOST: Duration = Duration::from_secs(4 * 60);

/// Where mail leaves, and as whom.
#[derive(Debug, Clone)]
pub struct Settings {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// Certificates in PEM that are trusted beside the public ones: an organisation's own CA.
    pub extra_ca: Option<Vec<u8>>,
    pub auth: Option<Auth>,
    /// The name we give in EHLO: a host name or an address literal (RFC 5321 §4.1.1.1).
    pub hello: String,
    pub timeouts: Timeouts,
    /// Octets of a mail; what is larger is refused before it is begun.
    pub max_size: u64,
}

/// How the connection is protected. There is no way to accept any certificate (T02).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// From the first octet, port 465 (RFC 8314 §3.3).
    Implicit,
    /// After `STARTTLS`, port 587 (RFC 3207); a server that does not offer it is not used (T05).
    StartTls,
    /// Not at all, which only the loopback interface is trusted with.
    Plain,
}

/// As whom we log in (RFC 4954).
#[derive(Clone)]
pub struct Auth {
    pub user: String,
    pub mechanism: Mechanism,
    /// Asked at each login, so that a changed password or a new token needs no restart.
    pub secret: Arc<dyn Fn() -> Result<SecretString, String> + Send + Sync>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// What some servers offer alone.
    Login,
    /// A bearer token in place of a password, as Gmail and Microsoft 365 want it.
    XOAuth2,
}

/// How long each step may take; the values are those of RFC 5321 §4.5.3.2 (S01).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Name look-up, TCP and TLS handshake, each. The RFC names no time; a minute is many retransmissions.
    pub connect: Duration,
    pub greeting: Duration,
    /// EHLO, STARTTLS and AUTH, for which the RFC names no time; as long as MAIL.
    pub command: Duration,
    pub mail: Duration,
    pub rcpt: Duration,
    pub data: Duration,
    /// One block of the content.
    pub block: Duration,
    /// After the final dot. Cut short, a mail is in doubt that the relay was about to take.
    pub dot: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Timeouts {
            connect: minutes(1),
            greeting: minutes(5),
            command: minutes(5),
            mail: minutes(5),
            rcpt: minutes(5),
            data: minutes(2),
            block: minutes(3),
            dot: minutes(10),
        }
    }
}

/// The way out by SMTP.
pub struct SmtpRelay {
    settings: Settings,
    tls: TlsConnector,
    /// The session left open by the last mail, and since when.
    kept: Option<(Session, Instant)>,
}

/// Why settings cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("the hello name {0:?} is not a host name")]
    Hello(String),
    #[error("the extra CA cannot be read: {0}")]
    Ca(String),
}

impl SmtpRelay {
    /// Connects to nothing yet.
    pub fn new(settings: Settings) -> Result<SmtpRelay, SettingsError> {
        // It stands in a command: a space would begin a parameter, a line end another command.
        if settings.hello.is_empty() || !settings.hello.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(SettingsError::Hello(settings.hello));
        }
        let tls = dial::tls_connector(settings.extra_ca.as_deref()).map_err(SettingsError::Ca)?;
        Ok(SmtpRelay { settings, tls, kept: None })
    }

    /// A session in which MAIL was accepted: the one that was left open, or a new one.
    async fn begin(&mut self, envelope: &Envelope, bytes: &[u8]) -> Result<Session, SendError> {
        // Taken out, so that a cancelled send drops it.
        if let Some((mut session, since)) = self.kept.take()
            && since.elapsed() < KEPT_AT_MOST
        {
            match session.mail(envelope, bytes, &self.settings).await {
                Ok(()) => return Ok(session),
                // Closed while it was idle, which is no trouble: a new one will tell.
                Err(SendError::RelayTrouble(_)) => {}
                Err(error) => {
                    session.leave().await;
                    return Err(error);
                }
            }
        }
        let mut session = Session::open(&self.settings, &self.tls).await.map_err(|unopened| self.unopened(unopened))?;
        match session.mail(envelope, bytes, &self.settings).await {
            Ok(()) => Ok(session),
            Err(error) => {
                session.leave().await;
                Err(error)
            }
        }
    }

    fn unopened(&self, unopened: Unopened) -> SendError {
        let Settings { host, port, .. } = &self.settings;
        match unopened {
            Unopened::Trouble(why) => SendError::RelayTrouble(format!("{host}:{port}: {why}")),
            Unopened::LoginRefused(why) => SendError::LoginRefused(format!("{host}:{port}: {why}")),
        }
    }
}

impl Relay for SmtpRelay {
    async fn send(&mut self, envelope: &Envelope, bytes: &[u8]) -> Result<Accepted, SendError> {
        let size = bytes.len() as u64;
        if size > self.settings.max_size {
            let most = self.settings.max_size;
            return Err(SendError::Refused(format!("the mail has {size} octets; the largest we send has {most}")));
        }
        let bytes = with_crlf_only(bytes);
        let mut session = self.begin(envelope, &bytes).await?;
        match session.hand_over(envelope, &bytes, &self.settings.timeouts).await {
            Ok(accepted) => {
                self.kept = Some((session, Instant::now()));
                Ok(accepted)
            }
            Err(error) => {
                session.leave().await;
                Err(error)
            }
        }
    }

    async fn close(&mut self) {
        if let Some((mut session, _)) = self.kept.take() {
            session.leave().await;
        }
    }
}

/// What leaves has CRLF line ends only (S05). The outbox writes nothing else; this is the last door.
fn with_crlf_only(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut before = None;
    let bare = bytes.iter().any(|&byte| {
        let bare = (before == Some(b'\r')) != (byte == b'\n');
        before = Some(byte);
        bare
    });
    if !bare && before != Some(b'\r') {
        return Cow::Borrowed(bytes);
    }
    let mut clean = Vec::with_capacity(bytes.len() + 16);
    push_with_crlf(&mut clean, bytes);
    Cow::Owned(clean)
}

impl Mechanism {
    pub fn as_str(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::XOAuth2 => "XOAUTH2",
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("user", &self.user).field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s01_the_times_are_those_of_the_rfc() {
        let t = Timeouts::default();
        let minutes = [t.greeting, t.mail, t.rcpt, t.data, t.block, t.dot].map(|d| d.as_secs() / 60);
        assert_eq!(minutes, [5, 5, 5, 2, 3, 10]);
    }

    #[test]
    fn s05_only_crlf_leaves_and_clean_bytes_are_not_copied() {
        for (text, want) in [
            ("", None),
            ("a", None),
            ("a\r\n.b\r\n\r\n", None),
            ("\n.\n", Some("\r\n.\r\n")),
            ("a\r.\r", Some("a\r\n.\r\n")),
            ("a\r\r\n", Some("a\r\n\r\n")),
            ("a\n.\r\n", Some("a\r\n.\r\n")),
            ("a\r", Some("a\r\n")),
        ] {
            match (with_crlf_only(text.as_bytes()), want) {
                (Cow::Borrowed(_), None) => {}
                (Cow::Owned(clean), Some(want)) => assert_eq!(clean, want.as_bytes(), "{text:?}"),
                (got, _) => panic!("{text:?} became {got:?}"),
            }
        }
    }

    #[test]
    fn a_hello_name_cannot_carry_a_second_command() {
        for (hello, good) in [
            ("bot.example.com", true),
            ("[127.0.0.1]", true),
            ("", false),
            ("a b", false),
            ("a\r\nMAIL FROM:<x@example.com>", false),
            ("例子", false),
        ] {
            let settings = Settings {
                host: "localhost".into(),
                port: 25,
                tls: Tls::Plain,
                extra_ca: None,
                auth: None,
                hello: hello.into(),
                timeouts: Timeouts::default(),
                max_size: 1,
            };
            assert_eq!(SmtpRelay::new(settings).is_ok(), good, "{hello:?}");
        }
    }

    #[test]
    fn an_extra_ca_without_a_certificate_is_refused() {
        for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(dial::tls_connector(Some(pem.as_bytes())).is_err(), "{pem:?}");
        }
        assert!(dial::tls_connector(None).is_ok());
    }
}
