//! `huixin ledger`: every mail that was taken, and what became of it.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::operator::{Folder, trouble};
use super::rules::since;
use super::{Done, Exit, reconcile, terminal};
use crate::store::{self, Fate, LedgerEntry};
use crate::time::Timestamp;

#[derive(clap::Args)]
pub struct Options {
    /// Mail of the last days (`7d`), hours (`12h`), or `all`, for which the whole journal is read.
    #[arg(long, value_name = "TIME", default_value = "7d")]
    since: String,
    /// Look into the mailboxes, and show what lies there and is not in the ledger. Exits with 1 if there is such mail.
    #[arg(long, conflicts_with = "since")]
    reconcile: bool,
    /// With --reconcile: mail as young as this is no gap, it may simply not have had its turn.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, requires = "reconcile")]
    grace: u64,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

pub fn run(config: &Path, options: Options) -> Done {
    if options.reconcile {
        return reconcile::run(config, Duration::from_secs(options.grace), options.json);
    }
    let since = since(&options.since)?;
    let folder = Folder::of(config)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let (mut figures, mut written) = (BTreeMap::<&str, u64>::new(), Ok(()));
    store::ledger_since(&folder.path, since.unwrap_or(Timestamp::MIN), |entry| {
        if written.is_ok() {
            *figures.entry(entry.fate.as_str()).or_default() += 1;
            written = match options.json {
                true => writeln!(out, "{}", as_json(&entry)),
                false => writeln!(out, "{}", as_text(&entry)),
            };
        }
    })
    .map_err(trouble)?;
    if !options.json {
        let all: u64 = figures.values().sum();
        let parts: Vec<String> = figures.iter().map(|(fate, times)| format!("{times} {fate}")).collect();
        let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
        written = written.and_then(|()| writeln!(out, "{all} in the ledger{parts}"));
    }
    terminal::written(written.and_then(|()| out.flush()));
    Ok(Exit::Ok)
}

fn as_json(entry: &LedgerEntry) -> String {
    json!({
        "at": entry.at.to_string(),
        "mailbox": entry.mailbox.as_str(),
        "place": entry.place.to_string(),
        "hash": entry.hash.map(|hash| hash.to_string()),
        "outcome": entry.fate.as_str(),
        "case": entry.fate.case().map(|case| case.to_string()),
        "attempts": match entry.fate {
            Fate::Pending(attempts) => Some(attempts),
            _ => None,
        },
    })
    .to_string()
}

fn as_text(entry: &LedgerEntry) -> String {
    const PLACE: usize = 60;
    let case = entry.fate.case().map_or("-".to_owned(), |case| case.to_string());
    let hash = entry.hash.map_or("-".to_owned(), |hash| hash.short());
    let place = terminal::one_line(&entry.place.to_string(), PLACE);
    let (at, fate) = (entry.at.strftime("%Y-%m-%dT%H:%M:%SZ"), entry.fate.as_str());
    format!("{at}  {fate:<11}  {case:<11}  {hash:<10}  {}  {place}", entry.mailbox)
}
