//! `huixin forget`: everything about one person leaves.

use std::path::Path;

use super::operator::{Folder, trouble};
use super::{Done, Exit, Trouble};
use crate::address::Address;
use crate::app;
use crate::app::requests::Request;
use crate::config::Keep;
use crate::store::{Store, StoreError};

#[derive(clap::Args)]
pub struct Options {
    /// Whose cases are erased: this address, however it is written and whatever stands after its `+`.
    address: String,
    /// Who asks for it; written down.
    #[arg(long, value_name = "NAME", env = "USER", default_value = "unknown")]
    by: String,
}

pub fn run(config: &Path, options: Options) -> Done {
    let folder = Folder::of(config)?;
    let who = Address::parse(&options.address)
        .map_err(|error| Trouble::new(Exit::Usage, anyhow::anyhow!("`{}` is no address: {error}", options.address)))?;
    let asked = folder.ask(Request::Forget(who), &options.by);
    // Also what a crash has left of it another time.
    finish(&folder)?;
    asked
}

/// Carries it to its end, unless a bot runs, which does.
fn finish(folder: &Folder) -> Result<(), Trouble> {
    let store = match Store::open(&folder.path) {
        Ok((store, _)) => store,
        Err(StoreError::Locked { .. }) => {
            println!("the bot removes it from its files now, and says so in its log");
            return Ok(());
        }
        Err(error) => return Err(trouble(error)),
    };
    if store.is_erasing().map_err(trouble)? {
        let done = store.compact(&Keep::for_ever(), app::now()).map_err(trouble)?;
        match done.waiting {
            0 => println!("nothing of it is left in the data folder but what backups and `journal.damaged-…` hold"),
            waiting => println!("{waiting} records have to wait until mail about it has left; the bot does the rest"),
        }
    }
    Ok(())
}
