//! A folder on an IMAP server as a [`Source`]: look, fetch, settle, wait.
//!
//! The session is taken out for the time of a call and put back only when the call went well. So an error
//! drops it, and so does a caller that drops our future; the next call connects anew, as soon as
//! [`Backoff`] allows. A mail is fetched in a batch with others; where a batch breaks, its mails are fetched
//! one by one, so that only the one that breaks again is reported.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_rustls::rustls::ClientConfig;
use tracing::{debug, info, warn};

use super::backoff::{Backoff, Ended, LASTING};
use super::error::SessionError;
use super::fetch::{self, uid};
use super::login;
use super::session::{Idled, Selected, Session};
use super::settings::{AfterCommit, Settings, SettingsError};
use super::{look, settle};
use crate::ids::MailboxName;
use crate::mailbox::{Fetched, Known, Listed, Listing, Place, Source, SourceError};

/// How often we ask while the folder is lively (see [`Settings::lively`]).
const ASK_EVERY: Duration = Duration::from_millis(100);

pub struct ImapSource {
    settings: Settings,
    tls: Arc<ClientConfig>,
    backoff: Backoff,
    open: Option<Open>,
}

/// A session in its folder.
struct Open {
    session: Session,
    selected: Selected,
    since: Instant,
    /// It has done something for us.
    worked: bool,
    /// It has brought mail.
    served: bool,
    /// When it last had news.
    news: Option<Instant>,
    /// It offers IDLE and does not do it.
    idle_refused: bool,
    /// The folder is to be selected anew before the next look.
    stale: bool,
}

impl ImapSource {
    /// Checks the settings; connects when first asked for something.
    pub fn new(settings: Settings) -> Result<ImapSource, SettingsError> {
        settings.check()?;
        Ok(ImapSource {
            tls: login::tls_config(settings.extra_ca.as_deref())?,
            backoff: Backoff::new(settings.pace),
            open: None,
            settings,
        })
    }

    /// Takes the session out, connecting where there is none.
    async fn open(&mut self) -> Result<Open, SourceError> {
        if let Some(open) = self.open.take() {
            return Ok(open);
        }
        let delay = self.backoff.wait(Instant::now());
        if !delay.is_zero() {
            debug!(mailbox = %self.settings.name, ?delay, "waiting before the next connection");
            tokio::time::sleep(delay).await;
        }
        match connect(&self.settings, self.tls.clone()).await {
            Ok(open) => {
                info!(mailbox = %self.settings.name, host = %self.settings.host, "connected");
                Ok(open)
            }
            Err(error) => {
                let how = match error {
                    SessionError::Refused(_) => Ended::Refused,
                    _ => Ended::InVain,
                };
                self.backoff.ended(how, Instant::now(), fastrand::f64());
                Err(trouble(&error))
            }
        }
    }

    /// Puts the session back after a call that went well, and drops it after any other.
    fn close<T>(&mut self, mut open: Open, result: Result<T, SessionError>) -> Result<T, SourceError> {
        match result {
            Ok(value) => {
                open.worked = true;
                self.open = Some(open);
                Ok(value)
            }
            Err(error) => {
                warn!(mailbox = %self.settings.name, %error, "the session is given up");
                let how = match open.served || open.since.elapsed() >= LASTING {
                    true => Ended::Served,
                    false if open.worked => Ended::Broke,
                    false => Ended::InVain,
                };
                self.backoff.ended(how, Instant::now(), fastrand::f64());
                Err(trouble(&error))
            }
        }
    }

    /// The session, if the folder is still the one that a listing of `uid_validity` saw (RFC 9051 §2.3.1.1).
    async fn open_same(&mut self, uid_validity: u32) -> Result<Open, SourceError> {
        let open = self.open().await?;
        if open.selected.uid_validity == uid_validity {
            return Ok(open);
        }
        self.open = Some(open);
        Err(SourceError::Trouble("the folder's UIDVALIDITY changed: its mails have other names now".to_owned()))
    }

    /// Fetches the mails of one batch into `fetched`, as far as there is room for them.
    async fn fetch_batch(
        &mut self,
        uid_validity: u32,
        batch: &[&Listed],
        room: u64,
        fetched: &mut HashMap<u32, Fetched>,
    ) -> Result<(), SourceError> {
        let mut open = self.open_same(uid_validity).await?;
        let asked: Vec<u32> = batch.iter().map(|mail| uid(mail)).collect();
        let octets = batch.iter().map(|mail| mail.size).sum();
        let cap = self.settings.max_mail;
        let mut bodies = HashMap::new();
        let free = room.saturating_sub(held(fetched));
        let answered = fetch::bodies(&mut open.session, &asked, None, cap, octets, free, &mut bodies).await;
        open.served |= !bodies.is_empty();
        fetched.extend(bodies.into_iter().map(|(uid, body)| (uid, Fetched::Whole(body))));
        let missing: Vec<&&Listed> = batch.iter().filter(|mail| !fetched.contains_key(&uid(mail))).collect();
        match answered {
            Ok(()) if missing.is_empty() => return self.close(open, Ok(())),
            Ok(()) => self.close(open, Ok(()))?,
            Err(error) if error.is_passing() => return self.close(open, Err(error)),
            // RFC 9051 §6.4.5: some could not be fetched; the session is sound.
            Err(SessionError::No { text, .. }) => {
                debug!(mailbox = %self.settings.name, text, "a batch is answered in part");
                self.close(open, Ok(()))?;
            }
            // Whatever broke it, each mail of it gets another chance alone.
            Err(error) => drop(self.close::<()>(open, Err(error))),
        }
        for mail in missing {
            if held(fetched) >= room {
                break;
            }
            let alone = self.fetch_alone(uid_validity, mail).await?;
            fetched.insert(uid(mail), alone);
        }
        Ok(())
    }

    /// Fetches one mail whose size is not to be trusted. What breaks here is the mail's fault, as far as
    /// anyone can tell; the caller counts.
    async fn fetch_alone(&mut self, uid_validity: u32, mail: &Listed) -> Result<Fetched, SourceError> {
        let mut open = self.open_same(uid_validity).await?;
        let cap = match mail.size > self.settings.max_mail {
            true => fetch::CUT_OCTETS,
            false => self.settings.max_mail,
        };
        let fetched = fetch::alone(&mut open.session, uid(mail), cap).await;
        // A break is the mail's, so the server has done its part.
        (open.worked, open.served) = (true, open.served || fetched.is_ok());
        let blamed = match &fetched {
            Err(error) if !error.is_passing() => Some(error.to_string()),
            _ => None,
        };
        let fetched = self.close(open, fetched);
        match blamed {
            Some(why) => Err(SourceError::Mail { place: mail.place.clone(), why }),
            None => fetched,
        }
    }
}

impl Source for ImapSource {
    fn name(&self) -> &MailboxName {
        &self.settings.name
    }

    async fn list(&mut self, known: Known, most: usize) -> Result<Listing, SourceError> {
        let mut open = self.open().await?;
        let listing = look_anew(&mut open, &self.settings.folder, known, most).await;
        self.close(open, listing)
    }

    async fn fetch(&mut self, mails: &[Listed]) -> Result<Vec<(Place, Fetched)>, SourceError> {
        let Some(uid_validity) = mails.iter().find_map(|mail| match mail.place {
            Place::Imap { uid_validity, .. } => Some(uid_validity),
            Place::Maildir { .. } => None,
        }) else {
            return Ok(Vec::new());
        };
        let ours: Vec<&Listed> = mails
            .iter()
            .filter(|mail| matches!(mail.place, Place::Imap { uid_validity: same, .. } if same == uid_validity))
            .collect();
        let mut fetched = HashMap::new();
        let (large, small): (Vec<&Listed>, Vec<&Listed>) =
            ours.iter().partition(|mail| mail.size > self.settings.max_mail);
        // What is announced has room, whatever comes in its place.
        let room = small.iter().map(|mail| mail.size).sum::<u64>().max(fetch::BATCH_OCTETS);
        for batch in fetch::batches(&small) {
            if held(&fetched) >= room {
                break;
            }
            self.fetch_batch(uid_validity, batch, room, &mut fetched).await?;
        }
        for mail in large {
            let alone = self.fetch_alone(uid_validity, mail).await?;
            fetched.insert(uid(mail), alone);
        }
        if let Some(first) = ours.first().filter(|first| !fetched.contains_key(&uid(first))) {
            let alone = self.fetch_alone(uid_validity, first).await?;
            fetched.insert(uid(first), alone);
        }
        let in_order = ours.into_iter().map_while(|mail| Some((mail.place.clone(), fetched.remove(&uid(mail))?)));
        Ok(in_order.collect())
    }

    async fn settle(&mut self, places: &[Place]) -> Result<(), SourceError> {
        if places.is_empty() || self.settings.after == AfterCommit::default() {
            return Ok(());
        }
        let mut open = self.open().await?;
        let validity = open.selected.uid_validity;
        let uids: Vec<u32> = places
            .iter()
            .filter_map(|place| match place {
                Place::Imap { uid_validity, uid } if *uid_validity == validity => Some(*uid),
                _ => None,
            })
            .collect();
        if uids.len() < places.len() {
            // Under their old names they cannot be found; under their new ones they are recognised.
            let count = places.len() - uids.len();
            info!(mailbox = %self.settings.name, count, "mails of another UIDVALIDITY are left as they are");
        }
        let settled = match open.selected.read_only || uids.is_empty() {
            true => Ok(()),
            false => settle::settle(&mut open.session, &open.selected, &self.settings.after, &uids).await,
        };
        match settled {
            // A folder that is full stays full when we connect anew.
            Err(error @ SessionError::No { .. }) => {
                self.open = Some(open);
                Err(trouble(&error))
            }
            settled => self.close(open, settled),
        }
    }

    async fn wait(&mut self, longest: Duration) -> Result<(), SourceError> {
        let longest = longest.min(self.settings.poll);
        let fresh = self.open.is_none();
        let mut open = self.open().await?;
        // What came while we were not connected was announced to nobody.
        if fresh {
            return self.close(open, Ok(()));
        }
        if let Some(news) = open.news {
            let asked = ask(&mut open.session, news + self.settings.lively.min(longest)).await;
            if asked.is_err() {
                return self.close(open, asked);
            }
        }
        if open.session.has_news() {
            open.news = Some(Instant::now());
            return self.close(open, Ok(()));
        }
        let until = Instant::now() + longest;
        if open.session.can("IDLE") && !open.idle_refused {
            let idled = open.session.idle(longest).await;
            match idled {
                Ok(Idled::Over) => {
                    open.stale = !open.session.has_news();
                    open.news = open.session.has_news().then(Instant::now);
                    return self.close(open, Ok(()));
                }
                Ok(Idled::Refused) => {
                    info!(mailbox = %self.settings.name, "the server does not idle: polling");
                    open.idle_refused = true;
                }
                Err(error) => return self.close(open, Err(error)),
            }
        }
        // No command runs while we sleep, so being dropped meanwhile does no harm.
        open.stale = true;
        self.open = Some(open);
        tokio::time::sleep_until(until.into()).await;
        Ok(())
    }
}

/// Looks into the folder. A server announces new mail to a session; some do so to a fresh SELECT only, so the
/// looks that nothing called for begin with one. For all looks it would be dear: Dovecot reads a Maildir of
/// ten thousand mails anew, which takes half a second.
async fn look_anew(open: &mut Open, folder: &str, known: Known, most: usize) -> Result<Listing, SessionError> {
    if open.stale {
        open.selected = open.session.select(folder).await?;
        open.stale = false;
    }
    look::look(&mut open.session, &open.selected, known, most).await
}

/// Asks for news every now and then until there are some, or it is too late.
async fn ask(session: &mut Session, until: Instant) -> Result<(), SessionError> {
    while !session.has_news() && Instant::now() < until {
        tokio::time::sleep(ASK_EVERY).await;
        session.command("NOOP", "NOOP").await?;
    }
    Ok(())
}

async fn connect(settings: &Settings, tls: Arc<ClientConfig>) -> Result<Open, SessionError> {
    let logged_in = login::log_in(settings, tls).await?;
    let mut session = Session::new(logged_in, settings.patience);
    let selected = session.select(&settings.folder).await?;
    if selected.read_only && settings.after != AfterCommit::default() {
        warn!(mailbox = %settings.name, "the folder is read-only: mail in it stays as it is");
    }
    if selected.uid_not_sticky {
        warn!(mailbox = %settings.name, "the server's UIDs do not last: every session begins anew");
    }
    Ok(Open {
        session,
        selected,
        since: Instant::now(),
        worked: false,
        served: false,
        news: None,
        idle_refused: false,
        stale: false,
    })
}

/// The octets of mails that we hold.
fn held(fetched: &HashMap<u32, Fetched>) -> u64 {
    let octets = |fetched: &Fetched| match fetched {
        Fetched::Whole(octets) | Fetched::Cut(octets) => octets.len() as u64,
        Fetched::Vanished => 0,
    };
    fetched.values().map(octets).sum()
}

fn trouble(error: &SessionError) -> SourceError {
    match error {
        SessionError::Refused(_) => SourceError::Refused(error.to_string()),
        _ => SourceError::Trouble(error.to_string()),
    }
}
