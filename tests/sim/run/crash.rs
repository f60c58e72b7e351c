//! The process goes down, the disk keeps what it keeps, and the process comes up and finds out what that is.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use huixin::delivery::Delivery;
use huixin::ids::MailboxName;
use huixin::ingest::Ingest;
use huixin::store::{Store, StoreError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::audit::compare;
use super::{Bot, Life, PATIENCE, Went, drive};
use crate::doors::{SimDisk, SimRelay, SimSource};
use crate::world::Inner;
use crate::wrong::Wrong;

impl Life<'_> {
    /// The process goes down, in order or not, and comes up again until it stays up.
    pub(super) async fn fall_and_rise(&mut self) -> Result<(), String> {
        loop {
            self.fall()?;
            match self.rise().await {
                Ok(()) if self.world.has_crashed() => {}
                other => return other,
            }
        }
    }

    fn fall(&mut self) -> Result<(), String> {
        self.world.observe();
        let died = self.world.has_crashed();
        self.world.lock().store = None;
        self.bot = None;
        let world = self.world.clone();
        let inner = &mut *world.lock();
        inner.tally.crashes += 1;
        inner.disk.poisoned = false;
        let journal = self.bench.folder.join("journal");
        let Some(start) = last_segment(&journal) else { return Ok(()) };
        let path = journal.join(format!("{start:016x}.log"));
        let length = path.metadata().map_err(|error| error.to_string())?.len();
        // kill -9 leaves what was written; a power cut leaves what was synced, and some of the rest.
        let safe = inner.durable().saturating_sub(start).min(length);
        let mut keep = length;
        if died && self.faults.power && self.plan.bool() {
            keep = safe + self.plan.u64(..=length - safe);
        }
        if self.bench.wrong == Wrong::SyncedFramesLost && self.faults.power {
            keep = self.plan.u64(..=length);
            let _ = std::fs::remove_file(journal.join("synced"));
        }
        if self.bench.wrong == Wrong::AttemptsForgotten && inner.wrong_poison {
            keep = safe;
            inner.wrong_poison = false;
        }
        if keep < length {
            let file = std::fs::OpenOptions::new().write(true).open(&path).map_err(|error| error.to_string())?;
            file.set_len(keep).map_err(|error| error.to_string())?;
            if self.plan.bool() {
                // The length was on disk and the octets were not.
                file.set_len(length).map_err(|error| error.to_string())?;
            }
            inner.tell(|| format!("{} octets of the journal are lost, {safe} were safe", length - keep));
        }
        self.damage_state();
        Ok(())
    }

    /// What becomes of the view in a crash: it may be late, ahead of the journal, damaged or gone.
    fn damage_state(&mut self) {
        let folder = &self.bench.folder;
        match self.plan.u8(..10) {
            0..=1 => states(folder).for_each(|state| drop(std::fs::remove_dir_all(state))),
            2 => drop(std::fs::write(folder.join("state.opened"), "another boot")),
            3 => states(folder).for_each(|state| drop(std::fs::write(state.join("db"), vec![0x5a; 4_000]))),
            _ => {}
        }
        let tables = std::fs::read_dir(folder.join("checkpoint")).into_iter().flatten().flatten();
        for table in tables {
            match self.upkeep.u8(..10) {
                0 => drop(std::fs::remove_file(table.path())),
                1 => {
                    let length = self.upkeep.u64(..table.metadata().map_or(1, |meta| meta.len().max(1)));
                    let file = std::fs::OpenOptions::new().write(true).open(table.path());
                    file.and_then(|file| file.set_len(length)).unwrap();
                }
                _ => {}
            }
        }
    }

    pub(super) async fn rise(&mut self) -> Result<(), String> {
        let folder = &self.bench.folder;
        let (store, opened) = loop {
            let disk = SimDisk { world: self.world.clone(), reserve: folder.join("journal/reserve") };
            match Store::open_on(folder, Box::new(disk), self.segment) {
                Ok(opened) => break opened,
                // Work that the crash overtook still lets go of the old one: on another thread, or as a task of this
                // runtime, which is dropped when its turn comes.
                Err(StoreError::Locked { .. }) => {
                    tokio::task::yield_now().await;
                    std::thread::sleep(Duration::from_micros(100));
                }
                Err(error) => return Err(format!("the store does not open: {error}")),
            }
        };
        self.world.rise();
        self.world
            .lock()
            .tell(|| format!("up: {}", opened.to_string().split(" were cut off").next().unwrap_or_default()));
        self.learn(&store)?;
        compare(&store, &self.world)?;
        let (sender, playbook) = watch::channel(self.bench.playbook.clone());
        let world = self.world.clone();
        let clock = Arc::new(move || world.now());
        let source = SimSource { name: MailboxName::parse("support").unwrap(), world: self.world.clone() };
        let shutdown = CancellationToken::new();
        let ingest =
            Ingest::new(source, store.clone(), playbook.clone(), clock.clone(), Duration::from_secs(60), shutdown);
        let life = self.world.lock().tally.crashes;
        let relays = vec![SimRelay { world: self.world.clone(), life }; self.relays];
        let mut delivery = Delivery::new(relays, store.clone(), playbook, clock, PATIENCE);
        if self.bench.wrong != Wrong::DoubtForgotten {
            let went = drive(&self.world, pin!(delivery.recover())).await;
            match went {
                Went::Done(Ok(())) => {}
                Went::Done(Err(error)) if error.is_fatal() || error.is_temporary() => self.world.crash(),
                Went::Done(Err(error)) => return Err(format!("recovery: {error}")),
                Went::Crashed | Went::Paused => self.world.crash(),
            }
        }
        self.bot = Some(Bot { store, ingest, delivery, _playbook: sender });
        Ok(())
    }

    /// What is on disk now, and whether the store says the same.
    fn learn(&self, store: &Store) -> Result<(), String> {
        let journal = self.bench.folder.join("journal");
        let start = last_segment(&journal).unwrap_or(0);
        let length = journal.join(format!("{start:016x}.log")).metadata().map_or(0, |meta| meta.len());
        let mut guard = self.world.lock();
        let inner = &mut *guard;
        (inner.disk.base, inner.disk.written, inner.disk.synced) = (start, length, length);
        let end = start + length;
        let letters = std::mem::take(&mut inner.letters);
        let cut = inner.model.cut(end, &letters);
        inner.letters = letters;
        cut?;
        // What was written in the last moment before the crash is looked at only now.
        inner.disk.fresh.retain(|(_, written)| *written <= end);
        inner.store = Some(store.clone());
        drop(guard);
        self.world.observe();
        let inner = &mut *self.world.lock();
        if inner.model.end() != end {
            return Err(format!("{} octets of the journal were written, {end} are there", inner.model.end()));
        }
        // Whom the bot forgot in the crash it may write to again, byte for byte the same.
        let Inner { model, relay, .. } = inner;
        for (id, acceptances) in &mut relay.accepted {
            let forgotten = model.is_waiting(id);
            acceptances.iter_mut().for_each(|acceptance| acceptance.excused |= forgotten);
        }
        Ok(())
    }
}

/// The folders of sled, over whichever checkpoint.
pub(super) fn states(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let is_state = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name == "state" || name.starts_with("state-")
    };
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).filter(is_state)
}

fn last_segment(journal: &Path) -> Option<u64> {
    let entries = std::fs::read_dir(journal).ok()?;
    let starts = entries.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        u64::from_str_radix(name.strip_suffix(".log")?, 16).ok()
    });
    starts.max()
}
