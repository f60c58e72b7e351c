//! Takes changed rules, templates and settings over while the bot runs.
//!
//! The files are looked at every few seconds, because that works on every file system; SIGHUP looks at once. A
//! change is read when the files have come to rest, compiled and tested beside the work, and then one pointer is
//! swapped: a batch that has begun ends under the playbook it began with. A fault keeps the playbook that runs; it is
//! logged with its place and mailed to the operator. What was opened at the start (mailboxes, relay, data folder)
//! stays as it is until the next start.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::files::{self, Configured};
use crate::config::Config;
use crate::decide;
use crate::playbook::Playbook;
use crate::problem::Problems;
use crate::store::{Record, Store, StoreError};
use crate::time::Clock;

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(2);

pub(super) struct Reload {
    file: PathBuf,
    /// As it was at the last look that found it whole.
    configured: Configured,
    store: Store,
    playbook: watch::Sender<Arc<Playbook>>,
    clock: Clock,
    /// The files as they were read, and as they were seen last.
    taken: Stamp,
    seen: Stamp,
}

/// What tells a changed file from the one before.
pub(super) type Stamp = Vec<(PathBuf, Option<(u64, SystemTime)>)>;

impl Reload {
    pub fn new(
        file: &Path,
        configured: &Configured,
        taken: Stamp,
        store: Store,
        playbook: watch::Sender<Arc<Playbook>>,
        clock: Clock,
    ) -> Reload {
        let configured = Configured { config: configured.config.clone(), folder: configured.folder.clone() };
        Reload { file: file.to_owned(), configured, store, playbook, clock, seen: taken.clone(), taken }
    }

    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), anyhow::Error> {
        let mut asked = signal(SignalKind::hangup()).context("SIGHUP cannot be listened for")?;
        loop {
            let now = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                _ = asked.recv() => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            // Another thread is woken only for work.
            if self.is_to_be_read(now) {
                self = tokio::task::spawn_blocking(move || self.take_over().map(|()| self)).await??;
            }
        }
    }

    /// Have the files changed and come to rest again, or does somebody ask for it?
    fn is_to_be_read(&mut self, asked: bool) -> bool {
        let found = stamp(&self.file, &self.configured);
        let rests = found == self.seen;
        self.seen = found;
        asked || (rests && self.seen != self.taken)
    }

    fn take_over(&mut self) -> Result<(), StoreError> {
        self.taken = self.seen.clone();
        let running = self.playbook.borrow().clone();
        match self.read(&running) {
            Ok(playbook) => {
                let (before, after) = (running.revision(), playbook.revision());
                tracing::info!(before, after, "playbook taken over");
                self.playbook.send_replace(Arc::new(playbook));
            }
            Err(problems) => {
                tracing::error!(revision = running.revision(), "the changed files are not used; the playbook stays");
                problems.0.iter().for_each(|problem| tracing::error!("{problem}"));
                let at = (self.clock)();
                if let Some(notice) = decide::unusable(&problems, &running, at) {
                    self.store.append(Record::Told { at, notice })?;
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, running: &Playbook) -> Result<Playbook, Problems> {
        let mut configured = files::configured(&self.file)?;
        let fixed = keep_what_is_open(&mut configured.config, running.config());
        let (playbook, warnings, tests) = super::playbook(&configured, running.key().clone())?;
        warnings.0.iter().for_each(|warning| tracing::warn!("{warning}"));
        tracing::info!(revision = playbook.revision(), inline_tests = tests.passed, "playbook checked");
        for table in fixed {
            tracing::warn!("{}: what is said of {table} takes effect at the next start", self.file.display());
        }
        self.configured = configured;
        Ok(playbook)
    }
}

/// What the running bot has opened stays as it was, and is named if it was changed.
fn keep_what_is_open(config: &mut Config, running: &Config) -> Vec<&'static str> {
    let differs = |a: &dyn std::fmt::Debug, b: &dyn std::fmt::Debug| format!("{a:?}") != format!("{b:?}");
    let mut changed = Vec::new();
    if differs(&config.mailboxes, &running.mailboxes) {
        config.mailboxes.clone_from(&running.mailboxes);
        changed.push("[[mailbox]]");
    }
    if differs(&config.relay, &running.relay) {
        config.relay = running.relay.clone();
        changed.push("[relay]");
    }
    if config.data != running.data {
        config.data.clone_from(&running.data);
        changed.push("`data`");
    }
    if differs(&config.delivery, &running.delivery) {
        config.delivery = running.delivery.clone();
        changed.push("[delivery]");
    }
    changed
}

/// How the files of a playbook are now.
pub(super) fn stamp(file: &Path, configured: &Configured) -> Stamp {
    let known = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    };
    let files = files::of_playbook(file, configured).into_iter();
    files.map(|path| (known(&path), path)).map(|(known, path)| (path, known)).collect()
}
