//! From nothing to a login: TCP, TLS, greeting, capabilities, who we are.
//!
//! The dialogue is read line by line, not by async-imap, for three reasons: what a server sends before TLS
//! is ours to see and to refuse (NO STARTTLS, T03 to T05); the password passes through no log, which
//! async-imap keeps at trace; and a server may word its greeting as it likes.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::encode;
use super::error::{SessionError, printable, says_passing};
use super::settings::{Auth, Settings, SettingsError, Tls};
use super::wire::{Link, Wire};

/// A connection on which we are logged in.
pub struct LoggedIn {
    pub wire: Wire<Box<dyn Link>>,
    pub capabilities: Capabilities,
}

/// What a server offers (RFC 9051 §7.2.2), in capitals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities(HashSet<String>);

/// How soon the kernel asks a silent server whether it is there, and how often; a dead peer is known within
/// two minutes.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);
/// Addresses of a host that we try.
const MAX_ADDRESSES: usize = 8;
/// Lines before a tagged answer; no dialogue before the login has more than a few.
const MAX_LINES: usize = 100;
/// Capabilities we keep in mind.
const MAX_CAPABILITIES: usize = 500;

/// Connects and logs in. Nothing secret is sent before the certificate is verified.
pub async fn log_in(settings: &Settings, tls: Arc<ClientConfig>) -> Result<LoggedIn, SessionError> {
    // Asked for first: without a secret there is nothing to connect for.
    let secret = (settings.secret)().map_err(|why| SessionError::Secret(printable(&why)))?;
    // Twice the time, for the resolver has its own.
    let limit = settings.patience.connect * 2;
    let tcp = within(limit, "connecting", connect(settings)).await?;
    let answer = settings.patience.answer;
    match settings.tls {
        Tls::Implicit => {
            let link = within(settings.patience.connect, "TLS", secure(settings, tls, tcp)).await?;
            log_in_over(settings, &secret, link).await
        }
        Tls::StartTls => {
            let mut dialogue = Dialogue::new(Wire::new(tcp));
            within(answer, "the greeting", dialogue.greeting()).await?;
            let tcp = within(answer, "STARTTLS", start_tls(dialogue)).await?;
            // What was said before TLS could be anyone's word: begin anew, without a greeting (RFC 9051 §6.2.1).
            let link = within(settings.patience.connect, "TLS", secure(settings, tls, tcp)).await?;
            finish(settings, &secret, Dialogue::new(Wire::new(link).boxed())).await
        }
        Tls::Plain => log_in_over(settings, &secret, tcp).await,
    }
}

/// From the greeting on, over a link that needs no more protection.
pub async fn log_in_over(
    settings: &Settings,
    secret: &SecretString,
    link: impl Link + 'static,
) -> Result<LoggedIn, SessionError> {
    let mut dialogue = Dialogue::new(Wire::new(link).boxed());
    within(settings.patience.answer, "the greeting", dialogue.greeting()).await?;
    finish(settings, secret, dialogue).await
}

/// What we trust: the public authorities and the admin's own; TLS 1.2 at the least (RFC 8997), no switch
/// for anything less (T02).
pub fn tls_config(extra_ca: Option<&[u8]>) -> Result<Arc<ClientConfig>, SettingsError> {
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(pem) = extra_ca {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| SettingsError::ExtraCa(error.to_string()))?;
            roots.add(certificate).map_err(|error| SettingsError::ExtraCa(error.to_string()))?;
        }
        if roots.len() == before {
            return Err(SettingsError::ExtraCa("there is none in the file".to_owned()));
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| SettingsError::ExtraCa(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

impl Capabilities {
    pub fn has(&self, capability: &str) -> bool {
        self.0.contains(capability)
    }

    /// The words behind `CAPABILITY`.
    fn parse(words: &str) -> Capabilities {
        let words = words.split_ascii_whitespace().take(MAX_CAPABILITIES);
        Capabilities(words.map(str::to_ascii_uppercase).collect())
    }
}

async fn within<T>(
    limit: Duration,
    step: &'static str,
    work: impl Future<Output = Result<T, SessionError>>,
) -> Result<T, SessionError> {
    timeout(limit, work).await.unwrap_or(Err(SessionError::Silent(step)))
}

async fn connect(settings: &Settings) -> Result<TcpStream, SessionError> {
    let unreachable =
        |why: &dyn std::fmt::Display| SessionError::Unreachable(format!("{}:{}: {why}", settings.host, settings.port));
    let addresses: Vec<SocketAddr> = lookup_host((bare(&settings.host), settings.port))
        .await
        .map_err(|error| unreachable(&error))?
        // A name can be made to point anywhere; a password in the clear stays on this machine.
        .filter(|address| settings.tls != Tls::Plain || address.ip().is_loopback())
        .take(MAX_ADDRESSES)
        .collect();
    // Each address has its share of the time, for behind the first may be a blackhole.
    let share = settings.patience.connect / u32::try_from(addresses.len()).unwrap_or(1).max(1);
    let mut why = unreachable(&"it has no address we may use");
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return prepared(tcp).map_err(|error| unreachable(&error)),
            Ok(Err(error)) => why = unreachable(&error),
            Err(_) => why = SessionError::Silent("connecting"),
        }
    }
    Err(why)
}

fn prepared(tcp: TcpStream) -> std::io::Result<TcpStream> {
    // Commands are small and waited for.
    tcp.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    SockRef::from(&tcp).set_tcp_keepalive(&keepalive)?;
    Ok(tcp)
}

/// An IPv6 address may be written in the brackets of a URL.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

async fn secure(
    settings: &Settings,
    tls: Arc<ClientConfig>,
    tcp: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, SessionError> {
    let name = ServerName::try_from(bare(&settings.host).to_owned())
        .map_err(|_| SessionError::Unsafe(format!("`{}` is no name for a certificate", settings.host)))?;
    TlsConnector::from(tls)
        .connect(name, tcp)
        .await
        .map_err(|error| SessionError::Unsafe(format!("no TLS with {}: {error}", settings.host)))
}

/// RFC 9051 §6.2.1: offered, accepted, and nothing behind it; else we leave (T04, T05).
async fn start_tls(mut dialogue: Dialogue<TcpStream>) -> Result<TcpStream, SessionError> {
    let capabilities = dialogue.capabilities().await?;
    if !capabilities.has("STARTTLS") {
        return Err(SessionError::Unsafe("the server offers no STARTTLS, and we do not go on without".to_owned()));
    }
    dialogue.command("STARTTLS", "STARTTLS").await?;
    if dialogue.wire.has_unread() {
        return Err(SessionError::Unsafe(
            "something was sent between STARTTLS and TLS, as an attacker would".to_owned(),
        ));
    }
    Ok(dialogue.wire.into_link())
}

/// From the greeting to the login, and the ID behind it.
async fn finish(
    settings: &Settings,
    secret: &SecretString,
    mut dialogue: Dialogue<Box<dyn Link>>,
) -> Result<LoggedIn, SessionError> {
    let answer = settings.patience.answer;
    let offered = within(answer, "CAPABILITY", dialogue.capabilities()).await?;
    let login = dialogue.authenticate(settings, secret, &offered);
    let text = within(answer, "the login", login).await?;
    // What was offered before the login may differ from what is offered now (RFC 9051 §6.2.2).
    let capabilities = match text.strip_prefix("[CAPABILITY ").and_then(|rest| rest.split_once(']')) {
        Some((words, _)) => Capabilities::parse(words),
        None => within(answer, "CAPABILITY", dialogue.capabilities()).await?,
    };
    if capabilities.has("ID") {
        within(answer, "ID", dialogue.identify()).await?;
    }
    Ok(LoggedIn { wire: dialogue.wire, capabilities })
}

/// Commands and lines, before async-imap takes over.
struct Dialogue<L> {
    wire: Wire<L>,
    tag: u32,
}

/// One line of a server's, taken apart.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    /// `* …`
    Untagged(String),
    /// `+ …`
    Continue,
    /// Our tag, and the word behind it.
    Done(Status, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Ok,
    No,
    Bad,
}

impl<L: Link> Dialogue<L> {
    fn new(wire: Wire<L>) -> Dialogue<L> {
        Dialogue { wire, tag: 0 }
    }

    /// RFC 9051 §7.1: `OK`, or we leave. A `PREAUTH` would spare us the login, and an attacker the password:
    /// everything after it could be said to us by anyone (T03).
    async fn greeting(&mut self) -> Result<(), SessionError> {
        let during = "the greeting";
        let line = self.read(during).await?;
        let (word, text) = match line.strip_prefix("* ") {
            Some(rest) => rest.split_once(' ').unwrap_or((rest, "")),
            None => {
                return Err(SessionError::Unreadable { during, why: printable(&line) });
            }
        };
        match word.to_ascii_uppercase().as_str() {
            "OK" => Ok(()),
            "BYE" => Err(SessionError::Bye(printable(text))),
            "PREAUTH" => Err(SessionError::Unsafe("the server takes us as known without a login (PREAUTH)".to_owned())),
            _ => Err(SessionError::Unreadable { during, why: printable(&line) }),
        }
    }

    async fn capabilities(&mut self) -> Result<Capabilities, SessionError> {
        let tag = self.send("CAPABILITY", "CAPABILITY").await?;
        let mut capabilities = Capabilities::default();
        for _ in 0..MAX_LINES {
            match self.next(&tag, "CAPABILITY").await? {
                Line::Untagged(rest) => {
                    let (word, words) = rest.split_once(' ').unwrap_or((&rest, ""));
                    if word.eq_ignore_ascii_case("CAPABILITY") {
                        capabilities = Capabilities::parse(words);
                    }
                }
                Line::Continue => {}
                Line::Done(status, text) => {
                    return finished("CAPABILITY", status, text).map(|_| capabilities);
                }
            }
        }
        Err(endless("CAPABILITY"))
    }

    /// The text of the tagged `OK`.
    async fn authenticate(
        &mut self,
        settings: &Settings,
        secret: &SecretString,
        offered: &Capabilities,
    ) -> Result<String, SessionError> {
        let (user, secret) = (&settings.user, secret.expose_secret());
        let (mechanism, response) = match settings.auth {
            Auth::Login => {
                // RFC 9051 §6.2.3: a client must not even try.
                if offered.has("LOGINDISABLED") {
                    return Err(SessionError::Unsafe("the server forbids LOGIN here (LOGINDISABLED)".to_owned()));
                }
                let (Some(user), Some(secret)) = (encode::quoted(user), encode::quoted(secret)) else {
                    return Err(SessionError::Secret(
                        "the password has a character that LOGIN cannot carry; use PLAIN".to_owned(),
                    ));
                };
                let command = Zeroizing::new(format!("LOGIN {} {}", user.as_str(), secret.as_str()));
                let tag = self.send("LOGIN", &command).await?;
                return self.login_ends("LOGIN", &tag, None).await;
            }
            Auth::Plain => ("PLAIN", encode::plain(user, secret)),
            Auth::XOAuth2 => ("XOAUTH2", encode::xoauth2(user, secret)),
        };
        if !offered.has(&format!("AUTH={mechanism}")) {
            return Err(SessionError::Unsafe(format!("the server does not offer AUTHENTICATE {mechanism}")));
        }
        // RFC 4959: the response may come with the command where that is offered.
        if offered.has("SASL-IR") {
            let command = Zeroizing::new(format!("AUTHENTICATE {mechanism} {}", response.as_str()));
            let tag = self.send("AUTHENTICATE", &command).await?;
            self.login_ends("AUTHENTICATE", &tag, None).await
        } else {
            let tag = self.send("AUTHENTICATE", &format!("AUTHENTICATE {mechanism}")).await?;
            self.login_ends("AUTHENTICATE", &tag, Some(&response)).await
        }
    }

    /// Answers challenges until the login is accepted or not. Behind our response a challenge can only be
    /// XOAUTH2's way to say why it will refuse; it waits for an empty answer.
    async fn login_ends(
        &mut self,
        command: &'static str,
        tag: &str,
        mut response: Option<&str>,
    ) -> Result<String, SessionError> {
        for _ in 0..MAX_LINES {
            match self.next(tag, command).await? {
                Line::Untagged(_) => {}
                Line::Continue => {
                    let answer = response.take().unwrap_or("");
                    let sent = self.wire.send(answer).await;
                    sent.map_err(|error| SessionError::from_io(command, &error))?;
                }
                Line::Done(Status::Ok, text) => return Ok(text),
                Line::Done(status, text) if says_passing(&text) => return finished(command, status, text),
                // RFC 5530 §3: whatever else it says, saying it again soon would lock the account.
                Line::Done(_, text) => return Err(SessionError::Refused(printable(&text))),
            }
        }
        Err(endless(command))
    }

    /// RFC 2971. Some hosts refuse SELECT ("Unsafe Login") to a client that did not say its name (I13); what
    /// this one answers does not matter.
    async fn identify(&mut self) -> Result<(), SessionError> {
        let version = env!("CARGO_PKG_VERSION");
        let id = format!(r#"ID ("name" "huixin" "version" "{version}" "vendor" "huixin")"#);
        match self.command("ID", &id).await {
            Err(SessionError::No { .. } | SessionError::Bad { .. }) => Ok(()),
            answer => answer,
        }
    }

    async fn command(&mut self, name: &'static str, command: &str) -> Result<(), SessionError> {
        let tag = self.send(name, command).await?;
        for _ in 0..MAX_LINES {
            if let Line::Done(status, text) = self.next(&tag, name).await? {
                return finished(name, status, text).map(|_| ());
            }
        }
        Err(endless(name))
    }

    async fn send(&mut self, name: &'static str, command: &str) -> Result<String, SessionError> {
        self.tag += 1;
        let tag = format!("L{}", self.tag);
        let line = Zeroizing::new(format!("{tag} {command}"));
        let sent = self.wire.send(&line).await;
        sent.map_err(|error| SessionError::from_io(name, &error))?;
        Ok(tag)
    }

    async fn next(&mut self, tag: &str, during: &'static str) -> Result<Line, SessionError> {
        let line = self.read(during).await?;
        match take_apart(&line, tag) {
            Some(Line::Untagged(rest)) => match bye(&rest) {
                Some(text) => Err(SessionError::Bye(text)),
                None => Ok(Line::Untagged(rest)),
            },
            Some(line) => Ok(line),
            None => Err(SessionError::Unreadable { during, why: printable(&line) }),
        }
    }

    async fn read(&mut self, during: &'static str) -> Result<String, SessionError> {
        let line = self.wire.line().await;
        line.map_err(|error| SessionError::from_io(during, &error))
    }
}

/// `None` for a tagged line that is no status; a line that is none of these is as good as an untagged one
/// that we do not know (the inside of a literal, say).
fn take_apart(line: &str, tag: &str) -> Option<Line> {
    if line.starts_with('+') {
        return Some(Line::Continue);
    }
    let Some(rest) = line.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' ')) else {
        let rest = line.strip_prefix("* ").unwrap_or("");
        return Some(Line::Untagged(rest.to_owned()));
    };
    let (word, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let status = match word.to_ascii_uppercase().as_str() {
        "OK" => Status::Ok,
        "NO" => Status::No,
        "BAD" => Status::Bad,
        _ => return None,
    };
    Some(Line::Done(status, text.to_owned()))
}

/// The text of an untagged `BYE`.
fn bye(rest: &str) -> Option<String> {
    let (word, text) = rest.split_once(' ').unwrap_or((rest, ""));
    word.eq_ignore_ascii_case("BYE").then(|| printable(text))
}

fn finished(command: &'static str, status: Status, text: String) -> Result<String, SessionError> {
    match status {
        Status::Ok => Ok(text),
        Status::No => Err(SessionError::No { command, text: printable(&text) }),
        Status::Bad => Err(SessionError::Bad { command, text: printable(&text) }),
    }
}

fn endless(during: &'static str) -> SessionError {
    SessionError::Unreadable { during, why: format!("more than {MAX_LINES} lines") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_ours_only_under_our_tag() {
        let untagged = |text: &str| Some(Line::Untagged(text.to_owned()));
        let done = |status, text: &str| Some(Line::Done(status, text.to_owned()));
        let cases = [
            ("* OK hello", untagged("OK hello")),
            ("+ ready", Some(Line::Continue)),
            ("+", Some(Line::Continue)),
            ("L1 OK done", done(Status::Ok, "done")),
            ("L1 no [LIMIT] later", done(Status::No, "[LIMIT] later")),
            ("L1 BAD", done(Status::Bad, "")),
            ("L1 FINE", None),
            ("L12 OK not ours", untagged("")),
            ("anything", untagged("")),
        ];
        for (line, expected) in cases {
            assert_eq!(take_apart(line, "L1"), expected, "{line}");
        }
        assert_eq!(bye("BYE see you").as_deref(), Some("see you"));
        assert_eq!(bye("OK BYE"), None);
    }

    #[test]
    fn certificates_that_cannot_be_read_are_refused() {
        assert!(tls_config(None).is_ok());
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for pem in [&b""[..], b"hello", broken] {
            let error = tls_config(Some(pem)).map(|_| ()).unwrap_err();
            assert!(matches!(error, SettingsError::ExtraCa(_)), "{error}");
        }
    }
}
