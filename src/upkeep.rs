//! What keeps the store quick: a checkpoint whenever the journal has grown. It keeps nobody waiting.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::store::{Store, StoreError};

/// How long to leave it after trouble. Nothing is lost meanwhile; a later start takes longer.
const AFTER_TROUBLE: Duration = Duration::from_secs(60);

/// Repeats the step until `shutdown`. An error is one that only a restart or a person can mend.
pub async fn run(store: Store, shutdown: CancellationToken) -> Result<(), StoreError> {
    loop {
        let ripe = async {
            store.grown().await?;
            step(&store).await
        };
        let pause = match shutdown.run_until_cancelled(ripe).await {
            None => return Ok(()),
            Some(Ok(())) => continue,
            Some(Err(error)) if error.is_fatal() => return Err(error),
            Some(Err(error)) => {
                tracing::warn!("no checkpoint was made: {error}");
                AFTER_TROUBLE
            }
        };
        if shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return Ok(());
        }
    }
}

/// Makes a checkpoint, in a thread of its own.
pub async fn step(store: &Store) -> Result<(), StoreError> {
    let store = store.clone();
    let made = tokio::task::spawn_blocking(move || store.checkpoint()).await;
    made.map_err(|panic| StoreError::Trouble(format!("a part of the work stopped: {panic}")))?.map(drop)
}
