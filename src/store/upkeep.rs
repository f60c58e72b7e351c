//! What is done for the store beside its work, without stopping it: a checkpoint whenever the journal has grown.
//!
//! The checkpoint is made from the journal alone, and a new, almost empty state over it; whoever decides meanwhile goes
//! on with the old one. Only the last few records are applied with the pen held, then the new state takes its place.
//! Until then nothing that is in use has been touched, so a crash at any moment leaves the old checkpoint and the
//! journal after it, or the new one.

use std::sync::Arc;
use std::time::Duration;

use super::checkpoint::{self, MOST_TABLES, Merging};
use super::journal::Mark;
use super::mend::read;
use super::state::{Broken, Layers, Replay, State, Table, guarded};
use super::{Store, StoreError, poisoned};

/// Octets of the journal after which there is a new checkpoint: some fifteen hundred cases. With more, sled gets slow, and
/// old and new state together take hundreds of MB.
const CHECKPOINT: u64 = 8 << 20;
/// Octets of the journal that are applied with the pen held: one or two batches of mails.
const LAST_BIT: u64 = 256 << 10;
/// Octets of the journal after which a merge of tables lets the next checkpoint go before it: until there is one, sled grows.
const LATE: u64 = 2 * CHECKPOINT;
/// With so many tables every look-up takes long, and a merge goes on to its end.
const CROWDED: usize = 4 * MOST_TABLES;
/// How often the new state may run after the journal before the pen is taken anyway.
const ROUNDS: usize = 20;
/// How long to wait for those who still ask the old state. If it takes longer, the next start removes it.
const LET_GO: (u32, Duration) = (200, Duration::from_millis(10));

impl Store {
    /// Returns when the journal has grown enough for a new checkpoint.
    pub async fn grown(&self) -> Result<(), StoreError> {
        let end = self.checkpointed()?.end + CHECKPOINT;
        self.inner.journal.reached(end).await
    }

    /// Makes a checkpoint of all the journal says by now, and a state over it. `false` if the state had to be rebuilt
    /// meanwhile. Takes long and keeps nobody waiting.
    pub fn checkpoint(&self) -> Result<bool, StoreError> {
        let mut merging = self.upkeep()?;
        let old = self.state()?;
        let tables = old.tables().to_vec();
        self.checkpoint_over(old, tables, &mut merging)
    }

    /// The same from the beginning of the journal on, so that the state knows nothing that has left it. `upkeep` is held, and
    /// something has been written since the last checkpoint.
    pub(super) fn checkpoint_anew(&self) -> Result<bool, StoreError> {
        let made = self.checkpoint_over(self.state()?, Vec::new(), &mut None)?;
        State::remove_aside(&self.inner.dir);
        Ok(made)
    }

    fn checkpoint_over(
        &self,
        old: Arc<State>,
        tables: Vec<Arc<Table>>,
        merging: &mut Option<Merging>,
    ) -> Result<bool, StoreError> {
        let (dir, journal, sizes) = (&self.inner.dir, &self.inner.journal, self.inner.sizes);
        let from = tables.first().map_or_else(Mark::default, |table| table.mark);
        let mut replay = Replay::new(dir, journal, sizes, Layers { recent: None, tables }, from);
        if !read(journal, from, |position, mark, record| replay.push(position, mark, &record))? {
            return Err(StoreError::Trouble("the checkpoint belongs to another history than the journal".into()));
        }
        if replay.records == 0 {
            return Ok(true);
        }
        let mut tables = replay.into_tables()?;
        guarded(|| self.merge(&mut tables, merging))?;
        let state = State::over(dir, tables)?;
        for _ in 0..ROUNDS {
            self.follow(&state)?;
            if journal.mark()?.end - state.applied()?.end <= LAST_BIT {
                break;
            }
        }
        let state = {
            let _pen = self.pen()?;
            // Who mends has sorted out the files, ours among them.
            if !Arc::ptr_eq(&self.state()?, &old) {
                return Ok(false);
            }
            self.follow(&state)?;
            let state = Arc::new(state);
            *self.inner.state.write().map_err(|_| poisoned())? = Some(Arc::clone(&state));
            checkpoint::tidy(dir, state.tables(), merging.as_ref());
            state
        };
        tracing::debug!(tables = state.tables().len(), "a checkpoint was made");
        let_go(old);
        Ok(true)
    }

    /// Makes few tables of many, or a part of that where it would keep the next checkpoint waiting.
    fn merge(&self, tables: &mut Vec<Arc<Table>>, merging: &mut Option<Merging>) -> Result<(), Broken> {
        let newest = tables.first().map_or(0, |table| table.mark.end);
        let enough = || self.inner.journal.mark().is_ok_and(|mark| mark.end > newest + LATE);
        loop {
            let (begun, many) = (merging.take().filter(|begun| begun.is_of(tables)), checkpoint::too_many(tables));
            let mut next = match begun {
                Some(begun) => begun,
                None if many == 0 => return Ok(()),
                None => Merging::begin(&self.inner.dir, &tables[..many])?,
            };
            let crowded = tables.len() >= CROWDED;
            match next.go_on(|| !crowded && enough())? {
                Some(made) => next.replace(tables, made),
                None => {
                    *merging = Some(next);
                    return Ok(());
                }
            }
        }
    }

    /// How far the checkpoint reaches.
    fn checkpointed(&self) -> Result<Mark, StoreError> {
        Ok(self.state()?.tables().first().map_or_else(Mark::default, |table| table.mark))
    }

    /// Applies to a state that nobody uses yet what the journal has by now.
    fn follow(&self, state: &State) -> Result<(), StoreError> {
        let journal = &self.inner.journal;
        let mut replay = state.replay(journal, self.inner.sizes.whole(), &self.inner.dir)?;
        read(journal, state.applied()?, |position, mark, record| replay.push(position, mark, &record))?;
        replay.apply()
    }
}

/// Removes a state that has been replaced, as soon as nobody asks it any more.
fn let_go(mut old: Arc<State>) {
    let (times, pause) = LET_GO;
    for _ in 0..times {
        match Arc::try_unwrap(old) {
            Ok(state) => {
                let path = state.path().to_owned();
                drop(state);
                let _ = std::fs::remove_dir_all(path);
                return;
            }
            Err(still) => old = still,
        }
        std::thread::sleep(pause);
    }
}
