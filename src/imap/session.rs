//! The strict door: one command at a time, and no answer believed but a tagged `OK`.
//!
//! async-imap's typed calls take `NO`, `BAD` and a closed connection for an empty answer; so of it we use
//! what reads and parses responses, and nothing that interprets them. That is its `Client`: its `Session`
//! can only be had through its own login, which logs the password. Every command has a limit in time and in
//! octets. A session whose command failed with anything but `NO` must be dropped, and so must one whose
//! command was cancelled: the rest of the answer would meet the next command.

use std::io;
use std::time::{Duration, Instant};

use async_imap::Client;
use async_imap::imap_proto::{AttributeValue, MailboxDatum, Response, ResponseCode, Status};
use tokio::io::AsyncWriteExt;
use tokio::time::{timeout, timeout_at};
use tracing::{debug, warn};

use super::encode;
use super::error::{SessionError, printable};
use super::login::{Capabilities, LoggedIn};
use super::settings::Patience;
use super::wire::{Link, Wire};
use crate::caught::caught;

/// Logged in, and perhaps in a folder.
pub struct Session {
    client: Client<Wire<Box<dyn Link>>>,
    capabilities: Capabilities,
    patience: Patience,
    tag: u32,
    /// Mails in the folder, as far as the server has told.
    exists: u32,
    /// There are more than when we last looked.
    news: bool,
}

/// What a SELECT told us (RFC 9051 §6.3.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selected {
    pub uid_validity: u32,
    /// `None`: the server does not say.
    pub uid_next: Option<u32>,
    pub read_only: bool,
    /// RFC 4315 §3: UIDs do not outlive the session.
    pub uid_not_sticky: bool,
    /// `None`: the server does not say, so any flag may be set (RFC 3501 §7.1).
    permanent_flags: Option<Vec<String>>,
}

/// How an IDLE ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idled {
    /// There is new mail, or it is time to look.
    Over,
    /// The server offers it and does not do it.
    Refused,
}

/// What the answer to a command may need.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allowance {
    /// Octets of its largest literal.
    pub literal: u64,
    /// Octets of all.
    pub octets: u64,
}

impl Selected {
    /// May this keyword be set for good (I09)?
    pub fn keeps(&self, keyword: &str) -> bool {
        self.permanent_flags
            .as_ref()
            .is_none_or(|flags| flags.iter().any(|flag| flag == "\\*" || flag.eq_ignore_ascii_case(keyword)))
    }
}

impl Session {
    pub fn new(logged_in: LoggedIn, patience: Patience) -> Session {
        Session {
            client: Client::new(logged_in.wire),
            capabilities: logged_in.capabilities,
            patience,
            tag: 0,
            exists: 0,
            news: false,
        }
    }

    pub fn can(&self, capability: &str) -> bool {
        self.capabilities.has(capability)
    }

    /// Mail has come since we last looked.
    pub fn has_news(&self) -> bool {
        self.news
    }

    /// From now on we look, so what was announced until now is no news.
    pub fn looks(&mut self) {
        self.news = false;
    }

    /// RFC 9051 §6.3.2.
    pub async fn select(&mut self, folder: &str) -> Result<Selected, SessionError> {
        let mut selected = Selected::default();
        let mut uid_validity = None;
        self.exists = 0;
        let command = format!("SELECT {}", encode::folder(folder));
        self.run("SELECT", &command, Allowance::default(), |response| {
            let (Response::Data { outcome, .. } | Response::Done { outcome, .. }) = response else {
                return;
            };
            match &outcome.code {
                Some(ResponseCode::UidValidity(number)) => uid_validity = Some(*number),
                Some(ResponseCode::UidNext(number)) => selected.uid_next = Some(*number),
                Some(ResponseCode::ReadOnly) => selected.read_only = true,
                Some(ResponseCode::UidNotSticky) => selected.uid_not_sticky = true,
                Some(ResponseCode::PermanentFlags(flags)) => {
                    selected.permanent_flags = Some(flags.iter().map(|flag| flag.to_string()).collect());
                }
                _ => {}
            }
        })
        .await?;
        match uid_validity {
            Some(uid_validity) => {
                selected.uid_validity = uid_validity;
                Ok(selected)
            }
            // RFC 3501 §7.1: such a server has no lasting UIDs, so we could not tell a mail from the next.
            None => Err(SessionError::Unreadable { during: "SELECT", why: "the server has no UIDVALIDITY".to_owned() }),
        }
    }

    /// RFC 9051 §6.4.9 `UID FETCH`; `each` gets the attributes of every mail, asked for or not.
    pub async fn uid_fetch(
        &mut self,
        set: &str,
        items: &str,
        allowance: Allowance,
        mut each: impl FnMut(&[AttributeValue<'_>]) + Send,
    ) -> Result<(), SessionError> {
        let command = format!("UID FETCH {set} ({items})");
        self.run("FETCH", &command, allowance, |response| {
            if let Response::Fetch(_, attributes) = response {
                each(attributes);
            }
        })
        .await
    }

    /// Any command whose untagged answers do not matter.
    pub async fn command(&mut self, name: &'static str, command: &str) -> Result<(), SessionError> {
        self.run(name, command, Allowance::default(), |_| {}).await
    }

    /// IDLE (RFC 2177) until there is new mail, but no longer than `longest`, which must be well below the
    /// 29 minutes after which a server may take us for gone.
    pub async fn idle(&mut self, longest: Duration) -> Result<Idled, SessionError> {
        let during = "IDLE";
        let answer = self.patience.answer;
        self.client.get_mut().allow(0);
        let tag = in_time(answer, during, self.send(during, "IDLE")).await?;
        // An EXISTS may come before the server says that it idles; `news` keeps it.
        let begun = in_time(answer, during, async {
            loop {
                match self.next(during, &tag, &mut |_| {}).await? {
                    Next::Untagged => {}
                    begun => return Ok(begun),
                }
            }
        });
        match begun.await {
            // Over before it began.
            Ok(Next::Done) => return Ok(Idled::Refused),
            Ok(_) => {}
            Err(error) => return refused_idle(error),
        }
        let until = Instant::now() + longest;
        while !self.news {
            match timeout_at(until.into(), self.next(during, &tag, &mut |_| {})).await {
                Ok(Ok(Next::Done)) => return Ok(Idled::Over),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return refused_idle(error),
                Err(_) => break,
            }
        }
        // RFC 2177 §3: nothing else may be sent before the answer to DONE.
        in_time(answer, "DONE", self.write("DONE", "DONE")).await?;
        in_time(answer, "DONE", self.until_done("DONE", &tag, &mut |_| {})).await?;
        Ok(Idled::Over)
    }

    async fn run(
        &mut self,
        name: &'static str,
        command: &str,
        allowance: Allowance,
        mut each: impl FnMut(&Response<'_>) + Send,
    ) -> Result<(), SessionError> {
        let literal = usize::try_from(allowance.literal).unwrap_or(usize::MAX);
        self.client.get_mut().allow(literal);
        let limit = self.patience.for_octets(allowance.octets);
        in_time(limit, name, async {
            let tag = self.send(name, command).await?;
            self.until_done(name, &tag, &mut each).await
        })
        .await
    }

    /// Reads up to the tagged answer to `tag`, which must be `OK`.
    async fn until_done(
        &mut self,
        name: &'static str,
        tag: &str,
        each: &mut (impl FnMut(&Response<'_>) + Send),
    ) -> Result<(), SessionError> {
        while self.next(name, tag, each).await? != Next::Done {}
        Ok(())
    }

    async fn send(&mut self, name: &'static str, command: &str) -> Result<String, SessionError> {
        self.tag = self.tag.wrapping_add(1);
        let tag = format!("H{}", self.tag);
        debug!(%tag, command, "to the server");
        self.write(name, &format!("{tag} {command}")).await?;
        Ok(tag)
    }

    async fn write(&mut self, name: &'static str, line: &str) -> Result<(), SessionError> {
        let wire = self.client.get_mut();
        let line = format!("{line}\r\n");
        let written = match wire.write_all(line.as_bytes()).await {
            Ok(()) => wire.flush().await,
            error => error,
        };
        written.map_err(|error| SessionError::from_io(name, &error))
    }

    /// Reads the next response, notes it and shows it to `each`. Cancelling this loses nothing: what was
    /// read stays in the client.
    async fn next(
        &mut self,
        during: &'static str,
        tag: &str,
        each: &mut (impl FnMut(&Response<'_>) + Send),
    ) -> Result<Next, SessionError> {
        let response = caught(self.client.read_response()).await.unwrap_or_else(|| Err(io::ErrorKind::Other.into()));
        let response =
            response.map_err(|error| SessionError::from_io(during, &error))?.ok_or(SessionError::Broken(during))?;
        let next = self.note(during, tag, response.parsed())?;
        each(response.parsed());
        Ok(next)
    }

    /// Notes what any response may tell at any time (RFC 9051 §7), and whether it ends the command.
    fn note(&mut self, name: &'static str, tag: &str, response: &Response<'_>) -> Result<Next, SessionError> {
        match response {
            Response::MailboxData(MailboxDatum::Exists(exists)) => {
                self.news |= *exists > self.exists;
                self.exists = *exists;
            }
            Response::Expunge(_) => self.exists = self.exists.saturating_sub(1),
            Response::Vanished { earlier: false, uids } => {
                let gone = uids.iter().map(|range| range.end().saturating_sub(*range.start()).saturating_add(1));
                self.exists = gone.fold(self.exists, u32::saturating_sub);
            }
            Response::Continue(_) => return Ok(Next::Continue),
            Response::Data { status, outcome } => {
                let text = printable(outcome.information.as_deref().unwrap_or(""));
                match status {
                    Status::Bye => return Err(SessionError::Bye(text)),
                    // RFC 9051 §7.1: must be shown to the user; our user reads the log.
                    Status::Ok | Status::No if outcome.code == Some(ResponseCode::Alert) => {
                        warn!(text, "the server alerts");
                    }
                    // RFC 9051 §7.1.3: untagged, it is a grave trouble of the server's.
                    Status::Bad => warn!(text, "the server complains"),
                    _ => {}
                }
            }
            Response::Done { tag: done, status, outcome } => {
                let text = || printable(outcome.information.as_deref().unwrap_or(""));
                if done.0 != tag {
                    return Err(SessionError::Unreadable {
                        during: name,
                        why: "it answers another command".to_owned(),
                    });
                }
                return match status {
                    Status::Ok => Ok(Next::Done),
                    Status::No => Err(SessionError::No { command: name, text: text() }),
                    Status::Bad => Err(SessionError::Bad { command: name, text: text() }),
                    Status::Bye | Status::PreAuth => Err(SessionError::Bye(text())),
                };
            }
            _ => {}
        }
        Ok(Next::Untagged)
    }
}

/// What a response is to the command that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Untagged,
    Continue,
    Done,
}

async fn in_time<T>(
    limit: Duration,
    during: &'static str,
    work: impl Future<Output = Result<T, SessionError>>,
) -> Result<T, SessionError> {
    timeout(limit, work).await.unwrap_or(Err(SessionError::Silent(during)))
}

/// `NO` and `BAD` to IDLE leave the session as it was; a server without it is polled.
fn refused_idle(error: SessionError) -> Result<Idled, SessionError> {
    match error {
        SessionError::No { .. } | SessionError::Bad { .. } => Ok(Idled::Refused),
        error => Err(error),
    }
}
