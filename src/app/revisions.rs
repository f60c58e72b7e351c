//! The revisions of rules and templates that were applied: their files, who applied them, when and why.
//!
//! They lie in the data folder, beside what the store keeps and apart from it, so that they can be read and written
//! while a bot runs: `playbooks/<revision>/rules/…` and `…/templates/…`, a folder that appears whole and is never
//! changed, and `playbooks/history.jsonl`, one line for each time a revision was put in force. The files the bot reads
//! are those in rules/ and templates/; to apply a revision is to put its files there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::{self, Configured};
use crate::lock::Lock;
use crate::playbook::{self, Texts};
use crate::problem::Problems;
use crate::time::Timestamp;

/// See the module text.
pub struct Revisions {
    folder: PathBuf,
    /// Held while something is written: two admins at one time would write one history over the other's.
    _lock: Option<Lock>,
}

/// One time that a revision was put in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    pub at: Timestamp,
    pub by: String,
    pub revision: String,
    /// The revision that was in force before.
    pub before: Option<String>,
    pub rolled_back: bool,
    /// Mails that were decided under both for comparison, and those that changed.
    pub mails: usize,
    pub changed: usize,
}

/// The files of a revision by their place in it, `rules/10-account.toml`.
pub type Files = BTreeMap<String, Vec<u8>>;

const HISTORY: &str = "history.jsonl";

impl Revisions {
    /// To look at them only.
    pub fn of(data: &Path) -> Revisions {
        Revisions { folder: data.join("playbooks"), _lock: None }
    }

    /// To change them; waits for nobody.
    pub fn locked(data: &Path) -> io::Result<Revisions> {
        let folder = data.join("playbooks");
        fs::create_dir_all(&folder)?;
        let lock = Lock::take(File::create(folder.join("lock"))?)?
            .ok_or_else(|| io::Error::other("another `huixin rules apply` or `rollback` is at work"))?;
        Ok(Revisions { folder, _lock: Some(lock) })
    }

    /// Oldest first.
    pub fn history(&self) -> io::Result<Vec<Applied>> {
        let path = self.folder.join(HISTORY);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let read = |(at, line): (usize, &str)| {
            serde_json::from_str(line)
                .map_err(|error| io::Error::other(format!("{}:{}: {error}", path.display(), at + 1)))
        };
        text.lines().enumerate().map(read).collect()
    }

    /// The revision that was applied last.
    pub fn current(&self) -> io::Result<Option<String>> {
        Ok(self.history()?.pop().map(|applied| applied.revision))
    }

    /// The folder of a revision, named in full or by its beginning if that is enough.
    pub fn folder(&self, revision: &str) -> Option<PathBuf> {
        let kept = fs::read_dir(&self.folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut named = kept.filter(|name| !revision.is_empty() && name.starts_with(revision) && !name.contains('.'));
        let first = named.next().filter(|name| self.folder.join(name).join("rules").is_dir())?;
        named.next().is_none().then(|| self.folder.join(first))
    }

    /// The files of a revision.
    pub fn files(&self, revision: &str) -> io::Result<Files> {
        let folder = self.folder(revision);
        let folder = folder.ok_or_else(|| io::Error::other(format!("no revision `{revision}` is kept")))?;
        let mut found = Files::new();
        for part in ["rules", "templates"] {
            collect(&folder.join(part), part, &mut found)?;
        }
        Ok(found)
    }

    /// Keeps these texts under their revision, which is given back. Kept twice is kept once.
    pub fn keep(&self, rules_folder: &Path, texts: &Texts) -> io::Result<String> {
        let revision = playbook::revision(texts);
        let folder = self.folder.join(&revision);
        if folder.exists() {
            return Ok(revision);
        }
        let new = self.folder.join(format!("{revision}.new"));
        if new.exists() {
            fs::remove_dir_all(&new)?;
        }
        for (name, bytes) in files::relative(rules_folder, texts) {
            let path = new.join(name);
            fs::create_dir_all(path.parent().unwrap_or(&new))?;
            write_durably(&path, &bytes)?;
        }
        fs::rename(&new, &folder)?;
        File::open(&self.folder)?.sync_all()?;
        Ok(revision)
    }

    /// One more line of history.
    pub fn record(&self, applied: &Applied) -> io::Result<()> {
        let mut all = self.history()?;
        all.push(applied.clone());
        let mut text = String::new();
        for applied in &all {
            text.push_str(&serde_json::to_string(applied)?);
            text.push('\n');
        }
        let new = self.folder.join("history.new");
        write_durably(&new, text.as_bytes())?;
        fs::rename(&new, self.folder.join(HISTORY))?;
        File::open(&self.folder)?.sync_all()
    }
}

/// Puts these files into rules/ and templates/, and takes away those that are not among them. File by file: whoever
/// reads meanwhile may find a mixture, which the checks refuse or the next look mends.
pub fn restore(configured: &Configured, wanted: &Files, present: &Texts) -> io::Result<()> {
    let place = |name: &str| -> Option<PathBuf> {
        let (part, rest) = name.split_once('/')?;
        let config = &configured.config;
        Some(configured.path(if part == "rules" { &config.rules } else { &config.templates }).join(rest))
    };
    let there: Files = files::relative(&configured.path(&configured.config.rules), present).collect();
    // Templates first: no rule may name one that is not there yet.
    for (name, bytes) in wanted.iter().rev().filter(|(name, bytes)| there.get(*name) != Some(*bytes)) {
        let Some(path) = place(name) else { continue };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut new = path.clone().into_os_string();
        new.push(".new");
        write_durably(Path::new(&new), bytes)?;
        fs::rename(&new, &path)?;
    }
    for name in there.keys().filter(|name| !wanted.contains_key(*name)) {
        if let Some(path) = place(name) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Where the rule files of a folder lie that holds `rules/` and `templates/`, or rule files alone.
pub fn rules_folder(folder: &Path) -> PathBuf {
    let rules = folder.join("rules");
    if rules.is_dir() { rules } else { folder.to_owned() }
}

/// Reads the texts of such a folder. Rule files alone stand beside the templates of bot.toml.
pub fn texts_in(configured: &Configured, folder: &Path) -> Result<Texts, Problems> {
    let templates = folder.join("templates");
    let templates = match templates.is_dir() {
        true => templates,
        false => configured.path(&configured.config.templates),
    };
    files::texts_in(&rules_folder(folder), &templates)
}

fn collect(folder: &Path, name: &str, found: &mut Files) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = format!("{name}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        match path.is_dir() {
            true => collect(&path, &name, found)?,
            false => {
                found.insert(name, fs::read(&path)?);
            }
        }
    }
    Ok(())
}

fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
