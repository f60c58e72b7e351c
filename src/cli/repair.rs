//! `huixin repair`: a bot that stopped with a damaged journal goes on, without what stood in the damage and with every mail.

use std::path::Path;

use serde_json::{Value, json};

use super::operator::{Folder, trouble};
use super::{Done, Exit, Trouble, terminal};
use crate::app;
use crate::app::repair::{self as after, Retaken};
use crate::ids::MailHash;
use crate::store::{self, Damage, Repair};

#[derive(clap::Args)]
pub struct Options {
    /// Only show what is damaged. Works beside a running bot, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub fn run(config: &Path, options: Options) -> Done {
    let folder = Folder::of(config)?;
    let found = store::examine(&folder.path).map_err(trouble)?;
    // What is going to be done is said before it is done.
    if !options.json {
        told(&found);
    }
    if options.dry_run {
        if options.json {
            println!("{}", as_json(&found, &Retaken::default(), &[], &[]));
        }
        return Ok(if found.damages.is_empty() { Exit::Ok } else { Exit::Differs });
    }
    let now = app::now();
    let repaired = store::repair(&folder.path, now).map_err(trouble)?;
    let (store, _) = folder.open()?;
    let retaken = after::retake(&store, folder.configured(), &repaired, now).map_err(trouble)?;
    let altered = after::altered(&store).map_err(trouble)?;
    let healed = match altered.is_empty() {
        true => Vec::new(),
        false => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| Trouble::new(Exit::Software, error))?;
            let fetched = runtime.block_on(after::fetch_again(&store, folder.configured(), &altered));
            fetched.map_err(|error| Trouble::new(Exit::IoErr, error))?
        }
    };
    let lost: Vec<MailHash> = altered.iter().map(|(hash, _)| *hash).filter(|hash| !healed.contains(hash)).collect();
    if options.json {
        println!("{}", as_json(&repaired, &retaken, &healed, &lost));
    } else {
        if let Some(kept) = &repaired.kept {
            println!("the journal is whole again; as it was it is kept in {}", kept.display());
        }
        told_mails(&retaken, &healed, &lost);
    }
    Ok(if lost.is_empty() { Exit::Ok } else { Exit::DataErr })
}

/// What was found, and what a repair does about it.
fn told(found: &Repair) {
    for damage in &found.damages {
        println!("{}", as_text(damage));
    }
    if found.damages.is_empty() {
        println!("the journal is whole: {} records", found.records);
    } else {
        println!("{} records are whole, in {} places others are lost", found.records, found.damages.len());
        println!(
            "a repair writes the journal anew without what is lost, and keeps this one beside it. Lost may be: notes and \
             changes of the cases named, mails of ours that waited, what was counted for budgets. A mail of ours whose \
             sending was noted there may leave once more"
        );
    }
    if !found.strays.is_empty() {
        println!("{} mails of the archive have no decision: a repair takes them again", found.strays.len());
    }
}

fn told_mails(retaken: &Retaken, healed: &[MailHash], lost: &[MailHash]) {
    if !retaken.taken.is_empty() {
        println!(
            "{} mails of the archive have no decision: the bot decides about them when it runs",
            retaken.taken.len()
        );
    }
    for (hash, case) in &retaken.shown {
        println!("{} in case {case} had been answered: see `huixin quarantine show {0}`", hash.short());
    }
    for hash in healed {
        println!("{} was altered in the archive and has been fetched again", hash.short());
    }
    for hash in lost {
        println!("{} is altered in the archive and not in its mailbox any more; look for it in a backup", hash.short());
    }
}

fn as_text(damage: &Damage) -> String {
    let time = |at: Option<crate::time::Timestamp>| match at {
        Some(at) => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        None => "?".to_owned(),
    };
    let cases: Vec<String> = damage.cases.iter().map(ToString::to_string).collect();
    let cases =
        if cases.is_empty() { "no case can be read in it".to_owned() } else { format!("cases {}", cases.join(", ")) };
    format!(
        "{} at octet {}: {} octets from position {} are damaged, written between {} and {}; {}",
        damage.file.display(),
        damage.offset,
        damage.octets,
        damage.position.0,
        time(damage.after),
        time(damage.before),
        terminal::one_line(&cases, 400)
    )
}

fn as_json(repair: &Repair, retaken: &Retaken, healed: &[MailHash], lost: &[MailHash]) -> Value {
    let damages = repair.damages.iter().map(|damage| {
        json!({
            "file": damage.file.to_string_lossy(), "position": damage.position.0, "offset": damage.offset,
            "octets": damage.octets, "after": damage.after.map(|at| at.to_string()),
            "before": damage.before.map(|at| at.to_string()),
            "cases": damage.cases.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    });
    let names = |hashes: &[MailHash]| hashes.iter().map(ToString::to_string).collect::<Vec<_>>();
    json!({
        "records": repair.records, "damages": damages.collect::<Vec<_>>(),
        "kept": repair.kept.as_ref().map(|kept| kept.to_string_lossy()), "without_decision": repair.strays.len(),
        "taken_again": names(&retaken.taken),
        "shown": retaken.shown.iter().map(|(hash, _)| hash.to_string()).collect::<Vec<_>>(),
        "fetched_again": names(healed), "altered": names(lost),
    })
}
