//! What the operator's commands have in common: the data folder, beside a running bot or alone with it, and people
//! as the log knows them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Done, Exit, Trouble};
use crate::app::files::Configured;
use crate::app::requests::{self, Answer, Clerk, Posted, Request};
use crate::app::{self, files};
use crate::ids::{Key, RequestId};
use crate::maillog;
use crate::store::{Opened, OutboxItem, Store, StoreError};

/// How long the bot may take to answer; it looks for requests every second.
const WAIT: Duration = Duration::from_secs(30);
/// Between two looks for the answer.
const LOOK: Duration = Duration::from_millis(50);

/// The data folder of a bot that was started before, and the bot's key.
pub struct Folder {
    pub path: PathBuf,
    pub key: Key,
    configured: Configured,
}

impl Folder {
    /// The one that the configuration names.
    pub fn of(config: &Path) -> Result<Folder, Trouble> {
        let configured = files::configured(config).map_err(|problems| Trouble::new(Exit::Config, problems))?;
        let path = configured.path(&configured.config.data);
        match Store::read_key(&path).map_err(trouble)? {
            Some(key) => Ok(Folder { path, key, configured }),
            None => {
                let what = format!("{} holds no journal: no bot has run with this configuration yet", path.display());
                Err(Trouble::new(Exit::NoInput, anyhow::anyhow!(what)))
            }
        }
    }

    /// Has something changed: by the bot if one runs, else here and now. What came of it is printed.
    pub fn ask(&self, request: Request, by: &str) -> Done {
        let posted =
            Posted { id: RequestId::new(app::now().as_millisecond(), fastrand::u64(..)), by: by.to_owned(), request };
        let answer = match Store::open(&self.path) {
            Ok((store, _)) => self.alone(store).answer(&posted).map_err(trouble)?,
            Err(StoreError::Locked { by, .. }) => self.ask_bot(&posted, by)?,
            Err(error) => return Err(trouble(error)),
        };
        let (exit, why) = match answer {
            Answer::Done(said) => {
                println!("{said}");
                return Ok(Exit::Ok);
            }
            Answer::Refused(why) => (Exit::DataErr, why),
            Answer::Later(why) => (Exit::TempFail, why),
        };
        Err(Trouble::new(exit, anyhow::anyhow!(why)))
    }

    fn alone(&self, store: Store) -> Clerk {
        let configured = self.configured.clone();
        let key = self.key.clone();
        let playbook = Box::new(move || {
            let assembled = app::playbook(&configured, key.clone());
            assembled.map(|(playbook, ..)| Arc::new(playbook)).map_err(|problems| problems.to_string())
        });
        Clerk { store, clock: app::clock(), running: false, playbook }
    }

    /// Lays the request before whoever has the data folder, and waits for the answer.
    fn ask_bot(&self, posted: &Posted, by: Option<u32>) -> Result<Answer, Trouble> {
        let folder = requests::Folder::of(&self.path);
        let io = |error: std::io::Error| {
            let what = format!("the bot cannot be asked: {}: {error}", self.path.join("requests").display());
            Trouble::new(Exit::IoErr, anyhow::anyhow!(what))
        };
        folder.post(posted).map_err(io)?;
        let asked = Instant::now();
        loop {
            if let Some(answer) = folder.collect(&posted.id).map_err(io)? {
                return Ok(answer);
            }
            if asked.elapsed() > WAIT {
                break;
            }
            std::thread::sleep(LOOK);
        }
        let who = by.map_or_else(|| "another huixin".to_owned(), |id| format!("process {id}"));
        let what = match folder.withdraw(&posted.id) {
            true => format!(
                "{who} has the data folder and did not take the request within {} s; nothing was changed. If it is \
                 the bot, look into its log; if it is another command, wait for its end",
                WAIT.as_secs()
            ),
            false => format!(
                "{who} has taken the request and not answered within {} s; it may still be done: look again",
                WAIT.as_secs()
            ),
        };
        Err(Trouble::new(Exit::TempFail, anyhow::anyhow!(what)))
    }

    pub fn configured(&self) -> &Configured {
        &self.configured
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
