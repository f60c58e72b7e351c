//! What keeps the store quick and small: a checkpoint whenever the journal has grown, mails that leave the archive and
//! what leaves the journal when it has been kept long enough, and whatever is to be erased. It keeps nobody waiting.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::Keep;
use crate::playbook::Playbook;
use crate::store::{Store, StoreError};
use crate::time::{Clock, Timestamp, of_days};

/// How long to leave it after trouble. Nothing is lost meanwhile; a later start takes longer.
const AFTER_TROUBLE: Duration = Duration::from_secs(60);
/// Between the start and the first look for what has been kept long enough, and after a clock that jumped.
const FIRST_LOOK: Duration = Duration::from_secs(60 * 60);
const EVERY: Duration = of_days(1);
/// A clock that went so much faster or slower than time, between two looks, is not believed: under one that is years
/// ahead everything would have been kept long enough.
const DRIFT: SignedDuration = SignedDuration::from_mins(10);

/// See the module text.
pub struct Upkeep {
    pub store: Store,
    pub playbook: watch::Receiver<Arc<Playbook>>,
    pub clock: Clock,
}

impl Upkeep {
    /// Goes on until `shutdown`. An error is one that only a restart or a person can mend.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), StoreError> {
        let work = async { tokio::try_join!(self.checkpoints(), self.retention(), self.erasures()) };
        shutdown.run_until_cancelled(work).await.map_or(Ok(()), |ended| ended.map(|_| ()))
    }

    async fn checkpoints(&self) -> Result<(), StoreError> {
        loop {
            let made = async {
                self.store.grown().await?;
                apart(self.store.clone(), |store| store.checkpoint()).await
            };
            match made.await {
                Ok(_) => {}
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => {
                    tracing::warn!("no checkpoint was made: {error}");
                    tokio::time::sleep(AFTER_TROUBLE).await;
                }
            }
        }
    }

    async fn retention(&self) -> Result<(), StoreError> {
        let mut pause = FIRST_LOOK;
        loop {
            let (before, slept) = ((self.clock)(), pause);
            tokio::time::sleep(slept).await;
            pause = FIRST_LOOK;
            let now = (self.clock)();
            if !is_steady(now.duration_since(before), slept) {
                tracing::warn!("the clock has jumped; what has been kept long enough stays for now");
                continue;
            }
            let keep = self.playbook.borrow().config().keep.clone();
            match apart(self.store.clone(), move |store| enough(&store, &keep, now)).await {
                Ok(mails) if mails > 0 => tracing::info!(mails, "kept long enough, and removed from the archive"),
                Ok(_) => {}
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => tracing::warn!("what has been kept long enough stays for now: {error}"),
            }
            pause = EVERY;
        }
    }

    /// What somebody wants erased is erased at once, and what a crash or mail on its way has left of it, when it can be.
    async fn erasures(&self) -> Result<(), StoreError> {
        let mut asked = self.store.erasures();
        loop {
            asked.mark_unchanged();
            let now = (self.clock)();
            match apart(self.store.clone(), move |store| erase(&store, now)).await {
                Ok(()) => {}
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => tracing::warn!("what was to be erased is still there in part: {error}"),
            }
            // The store outlives this loop, so the channel is never closed.
            let _ = tokio::time::timeout(EVERY, asked.changed()).await;
        }
    }
}

/// Everything leaves that has been kept long enough. Gives the number of mails.
fn enough(store: &Store, keep: &Keep, now: Timestamp) -> Result<u64, StoreError> {
    let mails = store.forget(keep, now)?;
    if store.wants_compaction(now)? {
        let done = store.compact(keep, now)?;
        tracing::info!(
            segments = done.segments,
            octets = done.octets.saturating_sub(done.left),
            cases = done.erased,
            "the journal is thinner"
        );
    }
    Ok(mails)
}

/// Everything leaves that was asked to, and nothing else: no clock is believed here.
fn erase(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    if store.is_erasing()? {
        let done = store.compact(&Keep::for_ever(), now)?;
        match done.waiting {
            0 => tracing::info!(cases = done.erased, "erased"),
            waiting => tracing::warn!(waiting, "mail in cases to be erased has not left yet; tomorrow again"),
        }
    }
    Ok(())
}

/// Did the clock go as time did?
fn is_steady(clock: SignedDuration, time: Duration) -> bool {
    let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    (-DRIFT..=DRIFT).contains(&clock.saturating_sub(time))
}

/// Does something long in a thread of its own.
async fn apart<T: Send + 'static>(
    store: Store,
    work: impl FnOnce(Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(move || work(store)).await;
    done.map_err(|panic| StoreError::Trouble(format!("a part of the work stopped: {panic}")))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumped_is_not_believed() {
        let hour = |hours: i64| SignedDuration::from_hours(hours);
        assert!(is_steady(hour(1) + SignedDuration::from_mins(2), FIRST_LOOK));
        for wrong in [hour(0), hour(2), hour(-1), hour(24 * 3650), SignedDuration::MIN] {
            assert!(!is_steady(wrong, FIRST_LOOK), "{wrong}");
        }
    }
}
