//! `huixin outbox …`: the mails that have not left, and what the operator does about them.

use std::path::Path;

use super::operator::{Folder, item_as_json, named, trouble};
use super::{Done, Exit, Trouble, terminal};
use crate::app::requests::Request;
use crate::ids::{Key, MessageId};
use crate::maillog;
use crate::store::{self, Archive, OutboxItem};

#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the mails that have not left, the one that waits longest first.
    List(List),
    /// Show one of them.
    Show(Show),
    /// Make a mail due now. Works beside a running bot.
    Retry(Change),
    /// Never send a mail. Works beside a running bot.
    Drop(DropOptions),
}

#[derive(clap::Args)]
struct List {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Show {
    /// The mail's Message-ID, or the beginning of it.
    id: String,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// The mail itself, byte for byte, as it would leave: with addresses, subject and text.
    #[arg(long, conflicts_with = "json")]
    mail: bool,
}

#[derive(clap::Args)]
struct Change {
    /// The mail's Message-ID, or the beginning of it.
    id: String,
    /// Who asks for it; written down.
    #[arg(long, value_name = "NAME", env = "USER", default_value = "unknown")]
    by: String,
}

#[derive(clap::Args)]
struct DropOptions {
    #[command(flatten)]
    change: Change,
    /// Why; written down.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub fn run(config: &Path, options: Options) -> Done {
    let folder = Folder::of(config)?;
    match options.command {
        Command::List(options) => list(&folder, &options),
        Command::Show(options) => show(&folder, &options),
        Command::Retry(options) => retry(&folder, &options),
        Command::Drop(options) => drop(&folder, &options),
    }
}

fn list(folder: &Folder, options: &List) -> Done {
    let items = store::waiting(&folder.path).map_err(trouble)?;
    for item in &items {
        let line = match options.json {
            true => item_as_json(item, &folder.key).to_string(),
            false => as_line(item, &folder.key),
        };
        println!("{line}");
    }
    if !options.json {
        println!("{} in the outbox", items.len());
    }
    Ok(Exit::Ok)
}

fn show(folder: &Folder, options: &Show) -> Done {
    let item = found(store::waiting(&folder.path).map_err(trouble)?, &options.id)?;
    if options.mail {
        let mail = store::waiting_mail(&folder.path, &item).map_err(trouble)?;
        let original = mail.content.original.map(|hash| Archive::beside(&folder.path).get(&hash));
        let bytes = mail.content.bytes(original.transpose().map_err(trouble)?.as_deref());
        terminal::put_octets(&bytes);
        return Ok(Exit::Ok);
    }
    if options.json {
        println!("{}", item_as_json(&item, &folder.key));
        return Ok(Exit::Ok);
    }
    println!("id        {}", item.message_id);
    println!("purpose   {}", item.purpose.as_str());
    println!("case      {}", case(&item));
    println!("to        {}", maillog::person(&folder.key, &item.envelope.to));
    println!("queued    {}", item.queued);
    println!("due       {}", item.due);
    println!(
        "attempts  {}{}",
        item.attempts,
        if item.started.is_some() { ", the last without a known end" } else { "" }
    );
    if let Some(last) = &item.last {
        println!("last      {}", terminal::one_line(&maillog::words(&folder.key, last), WORDS));
    }
    println!("`--mail` shows the mail itself");
    Ok(Exit::Ok)
}

fn retry(folder: &Folder, options: &Change) -> Done {
    let id = waiting(folder, &options.id)?;
    folder.ask(Request::RetryMail(id), &options.by)
}

fn drop(folder: &Folder, options: &DropOptions) -> Done {
    let (id, reason) = (waiting(folder, &options.change.id)?, options.reason.clone());
    folder.ask(Request::DropMail { id, reason }, &options.change.by)
}

/// The mail that is meant by the beginning of its name.
fn waiting(folder: &Folder, id: &str) -> Result<MessageId, Trouble> {
    Ok(found(store::waiting(&folder.path).map_err(trouble)?, id)?.message_id)
}

fn found(items: Vec<OutboxItem>, id: &str) -> Result<OutboxItem, Trouble> {
    let id = id.trim().trim_start_matches('<').trim_end_matches('>');
    named(items, id, "mail in the outbox", "huixin outbox list", |item| item.message_id.as_str().to_owned())
}

/// Columns for a relay's words.
const WORDS: usize = 200;

fn as_line(item: &OutboxItem, key: &Key) -> String {
    const LAST: usize = 60;
    let begun = if item.started.is_some() { "begun" } else { "waits" };
    let last = item.last.as_deref().map(|last| terminal::one_line(&maillog::words(key, last), LAST));
    format!(
        "{}  {:<7}  {:<11}  {begun}  due {}  attempts {}  to {}  {}",
        item.message_id,
        item.purpose.as_str(),
        case(item),
        item.due.strftime("%Y-%m-%dT%H:%M:%SZ"),
        item.attempts,
        maillog::person(key, &item.envelope.to),
        last.unwrap_or_default()
    )
    .trim_end()
    .to_owned()
}

fn case(item: &OutboxItem) -> String {
    item.case.map_or("-".to_owned(), |case| case.to_string())
}
