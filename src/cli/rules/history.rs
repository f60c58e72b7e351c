//! `huixin rules history`: which revisions were applied, and what each changed.

use std::path::Path;

use similar::TextDiff;

use super::super::{Done, Exit, Trouble};
use super::{configured, count, data, trouble};
use crate::app::revisions::{Applied, Files, Revisions};

#[derive(clap::Args)]
pub struct Options {
    /// Show what this revision changed, as a unified diff.
    #[arg(value_name = "REVISION")]
    revision: Option<String>,
}

pub fn run(file: &Path, options: Options) -> Done {
    let revisions = Revisions::of(&data(&configured(file)?));
    let history = revisions.history().map_err(trouble)?;
    if let Some(revision) = &options.revision {
        let applied = history.iter().rev().find(|applied| applied.revision.starts_with(revision.as_str()));
        let Some(applied) = applied else {
            let what = format!("`{revision}` was never applied; without a revision all that were are listed");
            return Err(Trouble::new(Exit::Usage, anyhow::anyhow!(what)));
        };
        let after = revisions.files(&applied.revision).map_err(trouble)?;
        let before = applied.before.as_deref().map_or(Ok(Files::new()), |before| revisions.files(before));
        print!("{}", diff(&before.map_err(trouble)?, &after));
        return Ok(Exit::Ok);
    }
    for applied in history.iter().rev() {
        println!("{}", told(applied));
    }
    if history.is_empty() {
        println!("nothing was applied yet; `huixin rules apply` keeps the present rules as the first revision");
    }
    Ok(Exit::Ok)
}

fn told(applied: &Applied) -> String {
    let how = if applied.rolled_back { "rolled back" } else { "applied" };
    let compared = match applied.mails {
        0 => String::new(),
        mails => format!(", {} of {} changed", applied.changed, count(mails, "mail")),
    };
    format!("{}  {}  {how} by {}{compared}", applied.revision, applied.at.strftime("%Y-%m-%dT%H:%M:%SZ"), applied.by)
}

/// All files that differ, one after the other.
fn diff(before: &Files, after: &Files) -> String {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let mut text = String::new();
    for name in names {
        let side = |files: &Files| {
            files.get(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
        };
        let (old, new) = (side(before), side(after));
        if old != new {
            let head = |files: &Files, mark| {
                if files.contains_key(name) { format!("{mark}/{name}") } else { "/dev/null".into() }
            };
            let diff = TextDiff::from_lines(&old, &new);
            let unified = diff.unified_diff().header(&head(before, "a"), &head(after, "b")).to_string();
            text.push_str(&unified);
        }
    }
    text
}
