//! `huixin run`: the bot, until it is stopped.

use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Done, Exit, Trouble};
use crate::app::{self, RunError, files};
use crate::store::StoreError;

#[derive(clap::Args)]
pub struct Options {}

pub fn run(file: &Path, _options: Options) -> Done {
    let configured = files::configured(file).map_err(|problems| Trouble::new(Exit::Config, problems))?;
    app::start_log(&configured.config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::new(Exit::Software, error))?;
    let result = runtime.block_on(async {
        let shutdown = CancellationToken::new();
        stop_on_signal(shutdown.clone()).map_err(|error| RunError::Other(error.into()))?;
        app::run(file, &configured, shutdown).await
    });
    runtime.shutdown_background();
    match result {
        Ok(()) => Ok(Exit::Ok),
        Err(error) => Err(trouble(error)),
    }
}

/// Ctrl-C and SIGTERM end the bot in order; a second one ends the process.
fn stop_on_signal(shutdown: CancellationToken) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        for times in 0.. {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if times > 0 {
                std::process::exit(130);
            }
            shutdown.cancel();
        }
    });
    Ok(())
}

/// The exit code that goes with why the bot did not run.
pub(super) fn trouble(error: RunError) -> Trouble {
    match error {
        RunError::Playbook(problems) => Trouble::new(Exit::Config, problems),
        RunError::Store(error) => Trouble::new(
            match &error {
                StoreError::Locked { .. } => Exit::TempFail,
                _ => Exit::IoErr,
            },
            error,
        ),
        RunError::Other(error) => Trouble::new(Exit::Software, error),
    }
}
