//! `huixin backup FOLDER`: a copy of everything that a bot cannot make anew, while the bot runs.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::figures::Figures;
use super::operator::{Folder, trouble};
use super::{Done, Exit, Trouble};
use crate::store::{self, Copied};

#[derive(clap::Args)]
pub struct Options {
    /// A new or empty folder, best on another disk. Nothing is ever written over.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    #[command(flatten)]
    figures: Figures,
}

pub fn run(config: &Path, options: Options) -> Done {
    let folder = Folder::of(config)?;
    must_be_free(&options.folder)?;
    let copied = store::backup(&folder.path, &options.folder).map_err(trouble)?;
    told(&copied, &options.folder, &options.figures);
    Ok(if copied.lost.is_empty() { Exit::Ok } else { Exit::DataErr })
}

pub(super) fn must_be_free(folder: &Path) -> Result<(), Trouble> {
    if store::is_free(folder) {
        return Ok(());
    }
    let what = format!("{} is not an empty folder, and nothing is written over; name a new one", folder.display());
    Err(Trouble::new(Exit::Usage, anyhow::anyhow!(what)))
}

/// What was copied, on standard output; what was lost, on standard error.
pub(super) fn told(copied: &Copied, into: &Path, printed: &Figures) {
    for (_, why) in &copied.lost {
        eprintln!("huixin: {why}");
    }
    let lost: Vec<String> = copied.lost.iter().map(|(hash, _)| hash.to_string()).collect();
    let figures = json!({
        "folder": into.to_string_lossy(), "records": copied.records, "journal_octets": copied.octets,
        "mails": copied.mails, "mail_octets": copied.mail_octets, "lost": lost,
    });
    let lost = if lost.is_empty() { String::new() } else { format!("; lost: {}", lost.len()) };
    let Copied { records, octets, mails, mail_octets, .. } = copied;
    let sentence = format!(
        "{}: {records} records ({octets} octets), {mails} mails ({mail_octets} octets), each verified{lost}",
        into.display()
    );
    printed.print(&figures, sentence);
}
