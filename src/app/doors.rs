//! The doors to the world, built from the configuration: whichever kind a mailbox or the relay is, the flows
//! see one type.

use std::time::Duration;

use super::files::Configured;
use crate::config;
use crate::dns::Dns;
use crate::ids::MailboxName;
use crate::imap::{self, ImapSource};
use crate::mailbox::{Fetched, Known, Listed, Listing, Place, Source, SourceError};
use crate::maildir::{MaildirRelay, MaildirSource};
use crate::outgoing::{Accepted, Envelope, Relay, SendError};
use crate::secret::{Keeper, Provider};
use crate::smtp::{self, SmtpRelay};

/// A mailbox of either kind.
pub enum AnySource {
    Maildir(MaildirSource),
    Imap(Box<ImapSource>),
}

/// A relay of either kind.
pub enum AnyRelay {
    Maildir(MaildirRelay),
    Smtp(Box<SmtpRelay>),
}

/// The source of a mailbox, not yet connected.
pub fn source(configured: &Configured, mailbox: &config::Mailbox) -> anyhow::Result<AnySource> {
    Ok(match &mailbox.source {
        config::Source::Maildir { path } => {
            AnySource::Maildir(MaildirSource::new(mailbox.name.clone(), configured.path(path), mailbox.largest))
        }
        config::Source::Imap(imap) => {
            let settings = imap::Settings {
                name: mailbox.name.clone(),
                host: imap.server.host.clone(),
                port: imap.server.port,
                tls: match imap.server.tls {
                    config::Tls::Implicit => imap::Tls::Implicit,
                    config::Tls::StartTls => imap::Tls::StartTls,
                    config::Tls::Plain => imap::Tls::Plain,
                },
                extra_ca: authority(configured, &imap.server)?,
                user: imap.login.user.clone(),
                auth: match imap.login.auth {
                    config::Auth::Login => imap::Auth::Login,
                    config::Auth::Plain => imap::Auth::Plain,
                    config::Auth::XOAuth2 => imap::Auth::XOAuth2,
                },
                secret: provider(configured, &imap.login.secret),
                folder: imap.folder.clone(),
                after: imap::AfterCommit { keyword: imap.keyword.clone(), move_to: imap.move_to.clone() },
                max_mail: mailbox.largest,
                poll: imap.poll,
                lively: imap::LIVELY,
                patience: imap::Patience::default(),
                pace: imap::Pace::default(),
            };
            AnySource::Imap(Box::new(ImapSource::new(settings)?))
        }
    })
}

/// The connections to the relay, none of them open yet.
pub fn relays(configured: &Configured) -> anyhow::Result<Vec<AnyRelay>> {
    match &configured.config.relay {
        config::Relay::Maildir { path } => Ok(vec![AnyRelay::Maildir(MaildirRelay::new(configured.path(path)))]),
        config::Relay::Smtp(smtp) => {
            let auth = smtp.login.as_ref().map(|login| smtp::Auth {
                user: login.user.clone(),
                mechanism: match login.auth {
                    config::Auth::Login => smtp::Mechanism::Login,
                    config::Auth::Plain => smtp::Mechanism::Plain,
                    config::Auth::XOAuth2 => smtp::Mechanism::XOAuth2,
                },
                secret: provider(configured, &login.secret),
            });
            let settings = smtp::Settings {
                host: smtp.server.host.clone(),
                port: smtp.server.port,
                tls: match smtp.server.tls {
                    config::Tls::Implicit => smtp::Tls::Implicit,
                    config::Tls::StartTls => smtp::Tls::StartTls,
                    config::Tls::Plain => smtp::Tls::Plain,
                },
                extra_ca: authority(configured, &smtp.server)?,
                auth,
                hello: smtp.hello.clone(),
                timeouts: smtp::Timeouts { dot: smtp.final_dot, ..smtp::Timeouts::default() },
                max_size: u64::MAX,
            };
            (0..smtp.connections).map(|_| Ok(AnyRelay::Smtp(Box::new(SmtpRelay::new(settings.clone())?)))).collect()
        }
    }
}

/// Whom to ask about signatures; nobody where that is switched off, or where this machine knows no resolver.
pub fn dns(configured: &Configured) -> Option<Dns> {
    if !configured.config.reply.verify_dkim {
        return None;
    }
    Dns::of_this_machine().map_err(|error| tracing::warn!("DKIM signatures are not checked: {error}")).ok()
}

fn authority(configured: &Configured, server: &config::Server) -> anyhow::Result<Option<Vec<u8>>> {
    use anyhow::Context;
    let Some(file) = &server.ca_file else {
        return Ok(None);
    };
    let path = configured.path(file);
    std::fs::read(&path).map(Some).with_context(|| format!("ca_file {}", path.display()))
}

/// Where a secret comes from, asked anew at each login.
pub fn provider(configured: &Configured, secret: &config::Secret) -> Provider {
    let keeper = match secret {
        config::Secret::Given(secret) => Keeper::Given(secret.clone()),
        config::Secret::File(file) => Keeper::File(configured.path(file)),
        config::Secret::Command(command) => Keeper::Command(command.clone()),
    };
    keeper.provider()
}

impl Source for AnySource {
    fn name(&self) -> &MailboxName {
        match self {
            AnySource::Maildir(source) => source.name(),
            AnySource::Imap(source) => source.name(),
        }
    }

    async fn list(&mut self, known: Known, most: usize) -> Result<Listing, SourceError> {
        match self {
            AnySource::Maildir(source) => source.list(known, most).await,
            AnySource::Imap(source) => source.list(known, most).await,
        }
    }

    async fn fetch(&mut self, mails: &[Listed]) -> Result<Vec<(Place, Fetched)>, SourceError> {
        match self {
            AnySource::Maildir(source) => source.fetch(mails).await,
            AnySource::Imap(source) => source.fetch(mails).await,
        }
    }

    async fn settle(&mut self, places: &[Place]) -> Result<(), SourceError> {
        match self {
            AnySource::Maildir(source) => source.settle(places).await,
            AnySource::Imap(source) => source.settle(places).await,
        }
    }

    async fn wait(&mut self, longest: Duration) -> Result<(), SourceError> {
        match self {
            AnySource::Maildir(source) => source.wait(longest).await,
            AnySource::Imap(source) => source.wait(longest).await,
        }
    }
}

impl Relay for AnyRelay {
    async fn send(&mut self, envelope: &Envelope, bytes: &[u8]) -> Result<Accepted, SendError> {
        match self {
            AnyRelay::Maildir(relay) => relay.send(envelope, bytes).await,
            AnyRelay::Smtp(relay) => relay.send(envelope, bytes).await,
        }
    }

    async fn close(&mut self) {
        match self {
            AnyRelay::Maildir(relay) => relay.close().await,
            AnyRelay::Smtp(relay) => relay.close().await,
        }
    }
}
