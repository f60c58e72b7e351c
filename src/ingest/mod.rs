//! From the mailbox to the commit: one step takes what is new, decides it, writes it down, and only then
//! touches the mailbox.
//!
//! One task for each mailbox; the order within a mailbox is the order of its mails. Whatever ends a step
//! early (a cut, a full disk, the process) leaves the mailbox as it was: the next step starts from the last
//! commit.

pub mod reader;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::{Existing, Mailbox};
use crate::decide::{self, Decision, Mail};
use crate::ids::{MailHash, MailboxName};
use crate::mailbox::{Cursor, Fetched, Known, Listed, Place, Source, SourceError};
use crate::maillog;
use crate::message::Limits;
use crate::playbook::Playbook;
use crate::store::{Decided, MailboxState, Outcome, Record, Store, StoreError};
use crate::thread;
use crate::time::Clock;

/// Mails listed, fetched and committed together. They share two fdatasyncs.
const BATCH_MAILS: usize = 128;
/// Octets fetched together; what bounds the memory of a step.
const BATCH_OCTETS: u64 = 16 * 1024 * 1024;
/// A mail that stopped us this often before is not tried again.
const MAX_ATTEMPTS: u32 = 3;
/// How long to leave a mailbox alone after trouble. The source has a back-off of its own for connecting.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);
/// How long to wait for space on a full disk.
const AFTER_FULL_DISK: Duration = Duration::from_secs(10);

/// Takes mail from one mailbox.
pub struct Ingest<S> {
    pub source: S,
    pub store: Store,
    pub playbook: watch::Receiver<Arc<Playbook>>,
    pub clock: Clock,
    /// The longest time between two looks.
    pub longest_wait: Duration,
    /// How often each mail could not be fetched, since the start of the process.
    pub unfetched: HashMap<Place, u32>,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Mails whose decision is now on disk.
    pub committed: usize,
    /// More was there than one step takes.
    pub more: bool,
}

/// Why a step ended early.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("mailbox {0} is not in the configuration any more")]
    Unconfigured(MailboxName),
}

impl<S: Source> Ingest<S> {
    pub fn new(source: S, store: Store, playbook: watch::Receiver<Arc<Playbook>>, clock: Clock, longest_wait: Duration) -> Self {
        Ingest { source, store, playbook, clock, longest_wait, unfetched: HashMap::new() }
    }

    /// Repeats the step until `shutdown`. An error is one that only a restart or a person can mend.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), IngestError> {
        loop {
            // Listing and fetching may be cut short at any time; from the archive on, a step ends by itself.
            let pause = match self.step(&shutdown).await {
                Ok(Progress { more: true, .. }) => continue,
                Ok(_) if shutdown.is_cancelled() => return Ok(()),
                Ok(_) => {
                    let longest = self.longest_wait;
                    match shutdown.run_until_cancelled(self.source.wait(longest)).await {
                        None => return Ok(()),
                        Some(Ok(())) => continue,
                        Some(Err(error)) => self.report(&error),
                    }
                }
                Err(IngestError::Source(error)) => self.report(&error),
                Err(IngestError::Store(error)) if error.is_temporary() => {
                    tracing::error!(mailbox = %self.source.name(), "{error}; taking no mail for now");
                    AFTER_FULL_DISK
                }
                Err(error) => return Err(error),
            };
            if shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return Ok(());
            }
        }
    }

    fn report(&self, error: &SourceError) -> Duration {
        tracing::warn!(mailbox = %self.source.name(), "{}", maillog::value(&error.to_string()));
        AFTER_TROUBLE
    }

    /// Takes at most one batch of new mail.
    pub async fn step(&mut self, shutdown: &CancellationToken) -> Result<Progress, IngestError> {
        let playbook = self.playbook.borrow_and_update().clone();
        let name = self.source.name().clone();
        let mailbox =
            playbook.config().mailbox(&name).ok_or_else(|| IngestError::Unconfigured(name.clone()))?.clone();
        self.settle_leftovers(&name).await?;

        let before = self.store.mailbox(&name)?;
        let known = known(&before, &mailbox);
        let Some(listing) = shutdown.run_until_cancelled(self.source.list(known, BATCH_MAILS)).await else {
            return Ok(Progress::default());
        };
        let listing = listing?;
        let state = self.started(&name, before, listing.uid_validity, listing.uid_next).await?;
        let fresh: Vec<Listed> = listing
            .mails
            .into_iter()
            .filter(|mail| !(mailbox.existing == Existing::Leave && is_baseline(&state, mail)))
            .filter(|mail| !self.store.is_placed(&name, &mail.place).unwrap_or(false))
            .collect();
        let mut progress = Progress { committed: 0, more: listing.more };
        for batch in batches(&fresh) {
            let Some(fetched) = shutdown.run_until_cancelled(self.fetch(batch)).await else {
                return Ok(progress);
            };
            progress.committed += self.take(&playbook, &mailbox, &state, batch, fetched?).await?;
        }
        Ok(progress)
    }

    /// The first look at a mailbox is written down: what is there now was there before us.
    async fn started(
        &self,
        name: &MailboxName,
        state: MailboxState,
        uid_validity: u32,
        uid_next: u32,
    ) -> Result<MailboxState, IngestError> {
        if state.started.is_some() {
            return Ok(state);
        }
        let record = Record::Started { mailbox: name.clone(), uid_validity, uid_next, at: (self.clock)() };
        self.store.synced(self.store.append(record)?).await?;
        Ok(self.store.mailbox(name)?)
    }

    /// Committed mails that a crash or a cut kept from being settled get only that.
    async fn settle_leftovers(&mut self, name: &MailboxName) -> Result<(), IngestError> {
        loop {
            let places = self.store.unsettled(name, BATCH_MAILS)?;
            if places.is_empty() {
                return Ok(());
            }
            self.settle(name, places).await?;
        }
    }

    async fn settle(&mut self, name: &MailboxName, places: Vec<Place>) -> Result<(), IngestError> {
        self.source.settle(&places).await?;
        self.store.append(Record::Settled { mailbox: name.clone(), places })?;
        Ok(())
    }

    /// Fetches a batch. A mail that cannot be fetched three times is given up as it is, so that it keeps
    /// nobody waiting.
    async fn fetch(&mut self, batch: &[Listed]) -> Result<Vec<(Place, Fetched)>, SourceError> {
        let (hopeless, batch): (Vec<_>, Vec<_>) = batch
            .iter()
            .cloned()
            .partition(|mail| self.unfetched.get(&mail.place).is_some_and(|times| *times >= MAX_ATTEMPTS));
        let mut fetched = match self.source.fetch(&batch).await {
            Err(SourceError::Mail { place, why }) => {
                *self.unfetched.entry(place.clone()).or_default() += 1;
                return Err(SourceError::Mail { place, why });
            }
            other => other?,
        };
        for mail in hopeless {
            let note = format!("Subject: (this mail could not be fetched)\r\n\r\nplace {} octets {}\r\n", mail.place, mail.size);
            fetched.push((mail.place, Fetched::Cut(note.into_bytes())));
        }
        Ok(fetched)
    }

    /// Archives, reads, decides, commits, settles. Gives the number of mails committed.
    async fn take(
        &mut self,
        playbook: &Arc<Playbook>,
        mailbox: &Mailbox,
        state: &MailboxState,
        batch: &[Listed],
        fetched: Vec<(Place, Fetched)>,
    ) -> Result<usize, IngestError> {
        let mut listed: HashMap<Place, &Listed> = batch.iter().map(|mail| (mail.place.clone(), mail)).collect();
        let (mut whole, mut bytes) = (Vec::new(), Vec::new());
        for (place, content) in fetched {
            let Some(mail) = listed.remove(&place) else { continue };
            match content {
                Fetched::Whole(content) | Fetched::Cut(content) => {
                    whole.push(mail.clone());
                    bytes.push(content);
                }
                Fetched::Vanished => {
                    maillog!("vanished", mailbox = mailbox.name, place = place);
                    self.store.append(Record::Vanished { mailbox: mailbox.name.clone(), place })?;
                }
            }
        }
        let store = self.store.clone();
        let (hashes, bytes) = blocking(move || store.archive().put_all(&bytes).map(|hashes| (hashes, bytes))).await?;
        let attempts = self.count_attempts(mailbox, &whole, &hashes).await?;
        let hopeless: Vec<bool> = attempts.iter().map(|attempt| *attempt > MAX_ATTEMPTS).collect();
        let readable: Vec<Vec<u8>> =
            bytes.into_iter().zip(&hopeless).map(|(bytes, hopeless)| if *hopeless { Vec::new() } else { bytes }).collect();
        let read = blocking(move || Ok(reader::read_all(&readable, &Limits::default()))).await?;

        let mut last = None;
        for (((mail, hash), read), hopeless) in whole.iter().zip(&hashes).zip(read).zip(hopeless) {
            let read = if hopeless { Err(format!("its reader died {MAX_ATTEMPTS} times")) } else { read };
            let now = (self.clock)();
            let position = self.store.decide(|view| {
                let mut decided = Decided {
                    mailbox: mailbox.name.clone(),
                    place: mail.place.clone(),
                    hash: *hash,
                    at: now,
                    delivered: mail.delivered,
                    ..Decided::default_for(mailbox.name.clone(), mail.place.clone(), *hash, now)
                };
                if view.taken(hash)?.is_some() {
                    return Ok(Record::Again { mailbox: mailbox.name.clone(), place: mail.place.clone(), hash: *hash });
                }
                match &read {
                    Ok(message) => {
                        let clues = thread::clues(message, hash, playbook.key());
                        let facts = view.facts(&clues, now)?;
                        let asked = Mail {
                            mailbox,
                            hash: *hash,
                            message,
                            delivered: mail.delivered,
                            junk: mail.junk,
                            baseline: is_baseline(state, mail),
                        };
                        let decision = decide::decide(&asked, &facts, playbook, now);
                        log_received(playbook, mailbox, mail, message, &decision);
                        record(&mut decided, decision, message, clues.twin);
                    }
                    Err(why) => {
                        let decision = decide::quarantine(mailbox, hash, why, playbook, now);
                        maillog!("quarantined", mailbox = mailbox.name, place = mail.place, hash = hash.short(), why = why);
                        decided.outcome = Outcome::Quarantined;
                        record_effects(&mut decided, decision);
                    }
                }
                Ok(Record::Decided(Box::new(decided)))
            })?;
            last = Some(position);
        }
        if let Some(position) = last {
            self.store.synced(position).await?;
        }
        let places: Vec<Place> = whole.into_iter().map(|mail| mail.place).collect();
        let committed = places.len();
        if !places.is_empty() {
            self.settle(&mailbox.name, places).await?;
        }
        Ok(committed)
    }
}
