//! The state is made good from the journal: when it is opened, when it breaks while it is used, and when the
//! disk was too full for it for a while.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{channel, sync_channel};
use std::time::{Duration, Instant};

use super::journal::{Journal, Mark, Position};
use super::record::Record;
use super::state::{Sizes, State, guarded};
use super::{Store, StoreError, checkpoint, poisoned, schema};

/// How long to wait before trying again to make a state on a disk that was too full for it; longer where
/// trying takes long.
const MEND_PAUSE: Duration = Duration::from_secs(10);

/// Opens the state and brings it up to date; if it is of no use, makes a new one from the journal.
pub(super) fn open_state(
    dir: &Path,
    journal: &Journal,
    sizes: Sizes,
) -> Result<(State, Option<String>, u64), StoreError> {
    let (state, why) = State::open(dir)?;
    let why = match catch_up(dir, journal, sizes, state) {
        Ok(Some((state, replayed))) => return Ok((state, why, replayed)),
        Ok(None) => "it belongs to another history than the journal".to_owned(),
        Err(StoreError::Rebuilt(why)) => why,
        Err(other) => return Err(other),
    };
    let (state, replayed) = anew(dir, journal, sizes)?;
    Ok((state, Some(why), replayed))
}

/// A state made from the journal and what is good of the checkpoint.
fn anew(dir: &Path, journal: &Journal, sizes: Sizes) -> Result<(State, u64), StoreError> {
    if let Some(made) = catch_up(dir, journal, sizes, State::replace(dir)?)? {
        return Ok(made);
    }
    // The checkpoint has seen what the journal has not.
    checkpoint::remove(dir);
    let made = catch_up(dir, journal, sizes, State::replace(dir)?)?;
    made.ok_or_else(|| StoreError::Trouble("the journal does not agree with an empty state".into()))
}

/// Applies what the state has not seen yet. `None` if it has seen what the journal has not.
fn catch_up(dir: &Path, journal: &Journal, sizes: Sizes, state: State) -> Result<Option<(State, u64)>, StoreError> {
    let mut replay = state.replay(journal, sizes, dir)?;
    if !read_ahead(journal, state.applied()?, |position, mark, record| replay.push(position, mark, record))? {
        return Ok(None);
    }
    let replayed = replay.records;
    if !replay.is_much() {
        replay.apply()?;
        return Ok(Some((state, replayed)));
    }
    let mut tables = replay.into_tables()?;
    guarded(|| checkpoint::in_few(dir, &mut tables))?;
    let before = state.path().to_owned();
    drop(state);
    let state = State::over(dir, tables)?;
    let _ = std::fs::remove_dir_all(before);
    checkpoint::tidy(dir, state.tables(), None);
    Ok(Some((state, replayed)))
}

/// Records that wait to be folded while more are being read.
const AHEAD: usize = 512;

/// Hands over every record after `mark`, as [`Journal::replay`] does.
pub(super) fn read(
    journal: &Journal,
    mark: Mark,
    mut each: impl FnMut(Position, Mark, Record) -> Result<(), StoreError>,
) -> Result<bool, StoreError> {
    journal.replay(mark, |frame| {
        let position = Position(frame.position);
        let record = schema::decode(frame.payload).map_err(|why| journal.damaged(position, &why))?;
        each(position, Mark { end: frame.end, checksum: frame.checksum }, record)
    })
}

/// The same, and another thread reads and checks them meanwhile. It gets them back to let them go, which costs less where
/// the memory came from.
fn read_ahead(
    journal: &Journal,
    mark: Mark,
    mut each: impl FnMut(Position, Mark, &Record) -> Result<(), StoreError>,
) -> Result<bool, StoreError> {
    type Batch = Vec<(Position, Mark, Record)>;
    let ((give, take), (give_back, done)) = (sync_channel::<Batch>(4), channel::<Batch>());
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut batch = Vec::with_capacity(AHEAD);
            let agrees = read(journal, mark, |position, mark, record| {
                batch.push((position, mark, record));
                if batch.len() < AHEAD {
                    return Ok(());
                }
                let next = done.try_recv().unwrap_or_default();
                give.send(std::mem::replace(&mut batch, next)).map_err(|_| gone())?;
                batch.clear();
                Ok(())
            })?;
            give.send(batch).map_err(|_| gone())?;
            Ok(agrees)
        });
        for batch in take {
            // Whoever reads ends with the channel.
            batch.iter().try_for_each(|(position, mark, record)| each(*position, *mark, record))?;
            let _ = give_back.send(batch);
        }
        reader.join().unwrap_or_else(|_| Err(poisoned()))
    })
}

fn gone() -> StoreError {
    StoreError::Trouble("nobody takes the records any more".into())
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
        let made =
            self.inner.journal.has_room().and_then(|()| anew(&self.inner.dir, &self.inner.journal, self.inner.sizes));
        match made {
            Ok((state, _)) => {
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
