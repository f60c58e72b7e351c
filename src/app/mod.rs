//! Builds the bot from its configuration, supervises its loops, shuts it down.

pub mod doors;
pub mod files;
mod log;
mod reload;
pub mod repair;
pub mod requests;
pub mod revisions;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::chores::Chores;
use crate::config;
use crate::delivery::{Delivery, Patience};
use crate::ids::Key;
use crate::ingest::Ingest;
use crate::message::{self, Limits, Message};
use crate::playbook::{self, Playbook, Texts};
use crate::problem::Problems;
use crate::rules::TestSummary;
use crate::screen::{self, Desk};
use crate::store::{Stats, Store, StoreError};
use crate::time::{Clock, Timestamp};
use crate::upkeep::Upkeep;

use files::Configured;
use reload::Reload;
use requests::Clerk;

/// How long a shutdown waits for mails on their way. One that is cut off here is found in doubt at the next
/// start.
const SHUTDOWN: Duration = Duration::from_secs(20);
/// The longest wait for news of a Maildir; the folder is looked into much more often within it.
const MAILDIR_WAIT: Duration = Duration::from_secs(60);

/// Reads the clock: the one place that does.
pub fn now() -> Timestamp {
    Timestamp::now()
}

pub fn clock() -> Clock {
    Arc::new(now)
}

/// Reads one mail with the usual limits.
pub fn read(bytes: &[u8]) -> Message {
    message::read(bytes, &Limits::default())
}

/// The playbook of a configuration, with its warnings and what its inline tests said.
pub fn playbook(configured: &Configured, key: Key) -> Result<(Playbook, Problems, TestSummary), Problems> {
    Playbook::assemble(configured.config.clone(), &files::texts(configured)?, key, &read)
}

/// A playbook of other rules and templates under the same configuration.
pub fn playbook_of(configured: &Configured, texts: &Texts, key: Key) -> Result<(Playbook, Problems), Problems> {
    let (playbook, problems, _) = Playbook::assemble(configured.config.clone(), texts, key, &read)?;
    Ok((playbook, problems))
}

/// What screening must know of the organisation.
pub fn desk(configured: &Configured) -> Desk {
    playbook::desk(&configured.config, stored_key(configured))
}

/// The bot's key, if the bot has been started in this data folder before; else one that nothing was signed with.
pub fn stored_key(configured: &Configured) -> Key {
    Store::read_key(&configured.path(&configured.config.data))
        .ok()
        .flatten()
        .unwrap_or_else(|| Key::from_bytes([0; 32]))
}

/// Why the bot did not run, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Playbook(#[from] Problems),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0:#}")]
    Other(anyhow::Error),
}

/// Runs the bot until `shutdown`, with what `file` says now and later.
pub async fn run(file: &Path, configured: &Configured, shutdown: CancellationToken) -> Result<(), RunError> {
    let data = configured.path(&configured.config.data);
    let (store, opened) = tokio::task::spawn_blocking(move || Store::open(&data))
        .await
        .map_err(|error| RunError::Other(error.into()))??;
    tracing::info!("store open: {opened}");
    let files = reload::stamp(file, configured);
    let (playbook, warnings, tests) = playbook(configured, store.key().clone())?;
    warnings.0.iter().for_each(|warning| tracing::warn!("{warning}"));
    tracing::info!(revision = playbook.revision(), inline_tests = tests.passed, "playbook checked");
    let (newest, playbook) = watch::channel(Arc::new(playbook));
    screen::prepare();

    let mut flows: JoinSet<Result<(), anyhow::Error>> = JoinSet::new();
    let dns = doors::dns(configured);
    for mailbox in &configured.config.mailboxes {
        let source = doors::source(configured, mailbox).map_err(RunError::Other)?;
        let longest = match &mailbox.source {
            config::Source::Imap(imap) => imap.poll,
            config::Source::Maildir { .. } => MAILDIR_WAIT,
        };
        let mut ingest = Ingest::new(source, store.clone(), playbook.clone(), clock(), longest, shutdown.clone());
        ingest.dns = dns.clone();
        flows.spawn(async move { Ok(ingest.run().await?) });
    }
    let chores = Chores { store: store.clone(), playbook: playbook.clone(), clock: clock() };
    let stop = shutdown.clone();
    flows.spawn(async move { Ok(chores.run(stop).await?) });
    let reload = Reload::new(file, configured, files, store.clone(), newest, clock());
    let stop = shutdown.clone();
    flows.spawn(async move { reload.run(stop).await });
    let today = playbook.clone();
    let today = Box::new(move || Ok(today.borrow().clone()));
    let clerk = Clerk { store: store.clone(), clock: clock(), running: true, playbook: today };
    let (asked, stop) = (requests::Folder::of(&configured.path(&configured.config.data)), shutdown.clone());
    flows.spawn(async move { requests::run(asked, clerk, stop).await });
    let upkeep = Upkeep { store: store.clone(), playbook: playbook.clone(), clock: clock() };
    let stop = shutdown.clone();
    flows.spawn(async move { Ok(upkeep.run(stop).await?) });
    let delivery = delivery(configured, &store, playbook)?;
    let stop = shutdown.clone();
    flows.spawn(async move { Ok(delivery.run(stop).await?) });
    tracing::info!(mailboxes = configured.config.mailboxes.len(), "huixin is running");

    let result = supervise(&mut flows, &shutdown).await;
    match store.stats() {
        Ok(Stats { records, fdatasyncs, outbox }) => {
            tracing::info!(records, fdatasyncs, outbox, "huixin has stopped");
        }
        Err(_) => tracing::info!("huixin has stopped"),
    }
    result
}

/// The delivery flow of a configuration.
pub fn delivery(
    configured: &Configured,
    store: &Store,
    playbook: watch::Receiver<Arc<Playbook>>,
) -> Result<Delivery<doors::AnyRelay>, RunError> {
    let relays = doors::relays(configured).map_err(RunError::Other)?;
    let patience = Patience {
        give_up: configured.config.delivery.give_up,
        answer_in_doubt: configured.config.delivery.answer_in_doubt,
    };
    Ok(Delivery::new(relays, store.clone(), playbook, clock(), patience))
}

/// Waits for the first flow that ends. One that ends by itself has met something only a restart or a person
/// can mend, and takes the others with it.
async fn supervise(
    flows: &mut JoinSet<Result<(), anyhow::Error>>,
    shutdown: &CancellationToken,
) -> Result<(), RunError> {
    let mut result = Ok(());
    tokio::select! {
        ended = flows.join_next() => result = outcome(ended),
        () = shutdown.cancelled() => tracing::info!("stopping"),
    }
    shutdown.cancel();
    let rest = async {
        while let Some(ended) = flows.join_next().await {
            if result.is_ok() {
                result = outcome(Some(ended));
            }
        }
    };
    if tokio::time::timeout(SHUTDOWN, rest).await.is_err() {
        tracing::warn!("some mails were still on their way; they are in doubt and looked after at the next start");
        flows.abort_all();
    }
    result
}

fn outcome(ended: Option<Result<Result<(), anyhow::Error>, tokio::task::JoinError>>) -> Result<(), RunError> {
    match ended {
        None | Some(Ok(Ok(()))) => Ok(()),
        Some(Ok(Err(error))) => Err(match error.downcast::<StoreError>() {
            Ok(store) => RunError::Store(store),
            Err(other) => RunError::Other(other),
        }),
        Some(Err(panic)) => Err(RunError::Other(anyhow::anyhow!("a part of the bot stopped: {panic}"))),
    }
}

pub use log::start as start_log;
