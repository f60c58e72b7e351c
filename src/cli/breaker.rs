//! `huixin breaker …`: why nobody is answered automatically, and what ends it.

use std::path::Path;

use serde_json::{Value, json};

use super::operator::{Folder, trouble};
use super::{Done, Exit};
use crate::app;
use crate::app::requests::Request;
use crate::case::{JUDGED, Tripped};
use crate::decide;
use crate::language::Language;
use crate::maillog;
use crate::store::{self, Standing};

#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Show whether automatic answers leave, and the figures by which the breaker judges. Works beside a running bot.
    Show {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Let automatic answers leave again. Works while the bot runs, and while it does not.
    Release(Release),
}

#[derive(clap::Args)]
struct Release {
    /// Why; written down.
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Who asks for it; written down.
    #[arg(long, value_name = "NAME", env = "USER", default_value = "unknown")]
    by: String,
}

pub fn run(config: &Path, options: Options) -> Done {
    let folder = Folder::of(config)?;
    match options.command {
        Command::Show { json } => show(&folder, json),
        Command::Release(options) => release(&folder, options),
    }
}

fn show(folder: &Folder, json: bool) -> Done {
    /// Cases of the last answers that are listed.
    const SHOWN: usize = 20;
    let standing = store::standing(&folder.path).map_err(trouble)?;
    if json {
        println!("{}", as_json(folder, &standing));
        return Ok(Exit::Ok);
    }
    match &standing.tripped {
        Some(tripped) => {
            println!("open since     {}: nobody is answered automatically", tripped.at);
            println!("why            {}", decide::breaker_cause(tripped, Language::En));
        }
        None => println!("closed: automatic answers leave"),
    }
    let (now, pulse) = (app::now(), &standing.pulse);
    let ordinary = pulse.ordinary_hour(now).map_or("not known yet".to_owned(), |hour| hour.to_string());
    println!("last hour      {} answers", pulse.last_hour(now));
    println!("ordinary hour  {ordinary}");
    println!("came back      {} of the last {JUDGED}", pulse.bounces(JUDGED));
    if let Some((at, by, reason)) = &standing.released {
        println!("released last  {at} by {by}{}", if reason.is_empty() { "" } else { ": " }.to_owned() + reason);
    }
    for case in standing.answered.iter().take(SHOWN) {
        let to = case.requester.as_ref().map_or("-".to_owned(), |to| maillog::person(&folder.key, to));
        println!("answered       {}  {to}", case.number);
    }
    if standing.tripped.is_some() {
        println!("`huixin outbox list` shows the answers that are held; `huixin breaker release` lets them leave");
    }
    Ok(Exit::Ok)
}

fn as_json(folder: &Folder, standing: &Standing) -> Value {
    let (now, pulse) = (app::now(), &standing.pulse);
    let open = |tripped: &Tripped| {
        json!({
            "since": tripped.at.to_string(),
            "cause": tripped.cause.as_str(),
            "count": tripped.count,
            "limit": tripped.limit,
        })
    };
    let answered = standing.answered.iter().map(|case| {
        let to = case.requester.as_ref().map(|to| maillog::person(&folder.key, to));
        json!({ "case": case.number.to_string(), "to": to })
    });
    json!({
        "open": standing.tripped.as_ref().map(open),
        "last_hour": pulse.last_hour(now),
        "ordinary_hour": pulse.ordinary_hour(now),
        "came_back": pulse.bounces(JUDGED),
        "released": standing.released.as_ref().map(|(at, ..)| at.to_string()),
        "answered": answered.collect::<Vec<_>>(),
    })
}

fn release(folder: &Folder, options: Release) -> Done {
    folder.ask(Request::ReleaseBreaker { reason: options.reason }, &options.by)
}
