//! `huixin restore FROM INTO`: a data folder from a backup, verified to the last octet before anything is written.

use std::path::{Path, PathBuf};

use super::backup::{must_be_free, told};
use super::figures::Figures;
use super::operator::trouble;
use super::{Done, Exit};
use crate::store;

#[derive(clap::Args)]
pub struct Options {
    /// The backup.
    #[arg(value_name = "FROM")]
    from: PathBuf,
    /// The data folder it becomes: `bot.data` of bot.toml, new or empty. Nothing is ever written over.
    #[arg(value_name = "INTO")]
    into: PathBuf,
    /// Restore also if mails are missing from the backup or altered in it; those are left out.
    #[arg(long)]
    incomplete: bool,
    #[command(flatten)]
    figures: Figures,
}

pub fn run(_config: &Path, options: Options) -> Done {
    must_be_free(&options.into)?;
    let copied = store::restore(&options.from, &options.into, options.incomplete).map_err(trouble)?;
    if !copied.lost.is_empty() && !options.incomplete {
        for (_, why) in &copied.lost {
            eprintln!("huixin: {why}");
        }
        eprintln!("huixin: nothing was written; look for these mails in another backup, or say --incomplete");
        return Ok(Exit::DataErr);
    }
    told(&copied, &options.into, &options.figures);
    Ok(Exit::Ok)
}
