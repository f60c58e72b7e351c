//! What the operator's commands have in common: the data folder, beside a running bot or alone with it, and people
//! as the log knows them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Exit, Trouble};
use crate::app::files;
use crate::ids::Key;
use crate::maillog;
use crate::store::{Opened, OutboxItem, Store, StoreError};

/// The data folder of a bot that was started before, and the bot's key.
pub struct Folder {
    pub path: PathBuf,
    pub key: Key,
}

impl Folder {
    /// The one that the configuration names.
    pub fn of(config: &Path) -> Result<Folder, Trouble> {
        let configured = files::configured(config).map_err(|problems| Trouble::new(Exit::Config, problems))?;
        let path = configured.path(&configured.config.data);
        match Store::read_key(&path).map_err(trouble)? {
            Some(key) => Ok(Folder { path, key }),
            None => {
                let what = format!("{} holds no journal: no bot has run with this configuration yet", path.display());
                Err(Trouble::new(Exit::NoInput, anyhow::anyhow!(what)))
            }
        }
    }

    /// The store itself, which only one process can have.
    pub fn open(&self) -> Result<(Store, Opened), Trouble> {
        Store::open(&self.path).map_err(|error| match error {
            StoreError::Locked { .. } => {
                let what =
                    format!("{error}; only a bot that stands still can be changed: stop it, then say this again");
                Trouble::new(Exit::TempFail, anyhow::anyhow!(what))
            }
            other => trouble(other),
        })
    }
}

/// The exit code that goes with what the store says.
pub fn trouble(error: StoreError) -> Trouble {
    let exit = match &error {
        StoreError::Locked { .. } | StoreError::Rebuilt(_) => Exit::TempFail,
        StoreError::Missing(_) | StoreError::Altered(_) => Exit::DataErr,
        _ => Exit::IoErr,
    };
    Trouble::new(exit, error)
}

/// The one thing whose name begins with what was typed.
pub fn named<T>(all: Vec<T>, typed: &str, what: &str, list: &str, name: impl Fn(&T) -> String) -> Result<T, Trouble> {
    let usage = |what: String| Err(Trouble::new(Exit::Usage, anyhow::anyhow!(what)));
    let mut meant: Vec<T> = all.into_iter().filter(|one| !typed.is_empty() && name(one).starts_with(typed)).collect();
    // A whole name is meant even where a longer one begins with it.
    if let Some(at) = meant.iter().position(|one| name(one) == typed) {
        return Ok(meant.swap_remove(at));
    }
    match (meant.len(), meant.pop()) {
        (1, Some(one)) => Ok(one),
        (0, _) => usage(format!("no {what} is named `{typed}`; `{list}` lists them")),
        (many, _) => usage(format!("{many} begin with `{typed}`; type more of the name (`{list}` lists them)")),
    }
}

/// A mail of the outbox for a program: nobody's whole address, nothing of what it says.
pub fn item_as_json(item: &OutboxItem, key: &Key) -> Value {
    json!({
        "id": item.message_id.as_str(),
        "purpose": item.purpose.as_str(),
        "case": item.case.map(|case| case.to_string()),
        "to": maillog::person(key, &item.envelope.to),
        "queued": item.queued.to_string(),
        "due": item.due.to_string(),
        "attempts": item.attempts,
        "begun": item.started.is_some(),
        "last": item.last.as_deref().map(|last| maillog::words(key, last)),
    })
}
