//! `huixin key`: how old the bot's keys are, and a new one in the place of the present one.
//!
//! The key proves that a mail of the bot is its own and that a token was given to an agent. Whoever has it can write such
//! proofs: change it when somebody has left who could read it, or when a disk or a backup is gone.

use std::path::Path;

use super::operator::{Folder, trouble};
use super::{Done, Exit};
use crate::app;
use crate::time::{self, Date};

#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// How many former keys are believed, and until when. Works beside a running bot.
    Show,
    /// Make a new key; the present one is believed for some days more. The bot must be stopped.
    Rotate {
        /// How long: open threads and forwards count on it. 0 if it has leaked.
        #[arg(long, value_name = "DAYS", default_value_t = 90)]
        accept_days: u32,
    },
}

pub fn run(config: &Path, options: Options) -> Done {
    let folder = Folder::of(config)?;
    let today = time::day_number(app::now());
    let key = match options.what {
        What::Show => folder.key,
        What::Rotate { accept_days } => {
            let (store, _) = folder.open()?;
            // Of a key that has leaked not even today is believed.
            let last_day = (today + accept_days).saturating_sub(u32::from(accept_days == 0));
            let key = store.change_key(last_day, today).map_err(trouble)?;
            println!("a new key is in place; make a new backup, the old ones have the old key only");
            key
        }
    };
    let former: Vec<u32> = key.former().collect();
    for last_day in &former {
        match *last_day >= today {
            true => println!("a former key is believed to the end of {}", date(*last_day)),
            false => println!(
                "a former key was believed to the end of {}: threads are known by it, orders are not",
                date(*last_day)
            ),
        }
    }
    if former.is_empty() {
        println!("there is one key, and there has been no other");
    }
    Ok(Exit::Ok)
}

fn date(day: u32) -> Date {
    let moment = time::Timestamp::from_second(i64::from(day) * 24 * 60 * 60).unwrap_or(time::Timestamp::MAX);
    time::day(moment)
}
