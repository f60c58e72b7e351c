//! The state is made good from the journal: when it is opened, when it breaks while it is used, and when the
//! disk was too full for it for a while.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::journal::{Journal, Mark, Position};
use super::state::State;
use super::{Store, StoreError, poisoned, schema};

/// How long to wait before trying again to make a state on a disk that was too full for it; longer where
/// trying takes long.
const MEND_PAUSE: Duration = Duration::from_secs(10);

/// Opens the state and brings it up to date; if it is of no use, makes a new one from the journal.
pub(super) fn open_state(dir: &Path, journal: &Journal) -> Result<(State, Option<String>, u64), StoreError> {
    let (state, why) = State::open(dir)?;
    let why = match catch_up(journal, &state) {
        Ok(Some(replayed)) => return Ok((state, why, replayed)),
        Ok(None) => "it belongs to another history than the journal".to_owned(),
        Err(StoreError::Rebuilt(why)) => why,
        Err(other) => return Err(other),
    };
    drop(state);
    let state = State::replace(dir)?;
    let replayed = catch_up(journal, &state)?.unwrap_or(0);
    Ok((state, Some(why), replayed))
}

/// Applies what the state has not seen yet. `None` if it has seen what the journal has not.
fn catch_up(journal: &Journal, state: &State) -> Result<Option<u64>, StoreError> {
    let mut replay = state.replay();
    let agrees = journal.replay(state.applied()?, |frame| {
        let position = Position(frame.position);
        let record = schema::decode(frame.payload).map_err(|why| journal.damaged(position, &why))?;
        let mark = Mark { end: frame.end, checksum: frame.checksum };
        Ok(replay.push(position, mark, &record)?)
    })?;
    if !agrees {
        return Ok(None);
    }
    replay.flush()?;
    Ok(Some(replay.records))
}

impl Store {
    /// Puts a state made from the journal in the place of `broken`; the pen is held.
    pub(super) fn mend(&self, broken: Arc<State>, why: &str) -> Result<(), StoreError> {
        // Somebody else may have met the same trouble and mended it.
        if !Arc::ptr_eq(&self.state()?, &broken) {
            return Ok(());
        }
        tracing::warn!(why, "the state is being rebuilt from the journal");
        // sled holds on to its files, and so to the room they take, until the last one has let go.
        *self.inner.state.write().map_err(|_| poisoned())? = None;
        drop(broken);
        State::remove(&self.inner.dir);
        self.renew()
    }

    /// The state, or a new one if there is none and it is time to try again; the pen is held.
    pub(super) fn state_or_new(&self) -> Result<Arc<State>, StoreError> {
        let after = *self.inner.mend_after.lock().map_err(|_| poisoned())?;
        if self.inner.state.read().map_err(|_| poisoned())?.is_none() && Instant::now() >= after {
            self.renew()?;
        }
        self.state()
    }

    /// Makes a state from the journal where there is none. If the disk is too full for it, there is none.
    fn renew(&self) -> Result<(), StoreError> {
        let begun = Instant::now();
        let made = self.inner.journal.has_room().and_then(|()| {
            let state = State::replace(&self.inner.dir)?;
            catch_up(&self.inner.journal, &state)?;
            Ok(state)
        });
        match made {
            Ok(state) => {
                *self.inner.state.write().map_err(|_| poisoned())? = Some(Arc::new(state));
                Ok(())
            }
            Err(StoreError::Full) => {
                State::remove(&self.inner.dir);
                let pause = MEND_PAUSE.max(begun.elapsed() * 2);
                *self.inner.mend_after.lock().map_err(|_| poisoned())? = Instant::now() + pause;
                Err(StoreError::Full)
            }
            Err(other) => Err(StoreError::Fatal(format!("the state cannot be rebuilt: {other}"))),
        }
    }
}
