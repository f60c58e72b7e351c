//! `huixin quarantine …`: the mails that could not be handled, and why.

use std::path::Path;

use serde_json::{Value, json};

use super::operator::{Folder, named, trouble};
use super::{Done, Exit, Trouble, terminal};
use crate::app::requests::Request;
use crate::ingest::reader;
use crate::maillog;
use crate::message::Limits;
use crate::store::{self, Archive, Quarantined};

#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the mails that could not be handled.
    List {
        /// Those that were dropped too.
        #[arg(long)]
        all: bool,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show one of them, and where its bytes are.
    Show {
        /// The hash of its bytes, or the beginning of it.
        hash: String,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Read a mail again and decide it by today's rules. Works beside a running bot.
    Retry {
        /// The hash of its bytes, or the beginning of it.
        #[arg(required_unless_present = "all")]
        hash: Option<String>,
        /// All that were not dropped.
        #[arg(long, conflicts_with = "hash")]
        all: bool,
        /// Who asks for it; written down.
        #[arg(long, value_name = "NAME", env = "USER", default_value = "unknown")]
        by: String,
    },
    /// Close the case of a mail that needs nothing more; its bytes are kept. Works beside a running bot.
    Drop {
        /// The hash of its bytes, or the beginning of it.
        hash: String,
        /// Why; written down.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who asks for it; written down.
        #[arg(long, value_name = "NAME", env = "USER", default_value = "unknown")]
        by: String,
    },
}

pub fn run(config: &Path, options: Options) -> Done {
    let folder = Folder::of(config)?;
    let mut mails = store::quarantined(&folder.path).map_err(trouble)?;
    let one = |mails, hash: &str| {
        named(mails, hash, "mail in quarantine", "huixin quarantine list --all", |mail: &Quarantined| {
            mail.hash.to_string()
        })
    };
    match options.command {
        Command::List { all, json } => {
            mails.retain(|mail| all || mail.dropped.is_none());
            list(&folder, &mails, json)
        }
        Command::Show { hash, json } => show(&folder, &one(mails, &hash)?, json),
        Command::Retry { hash: Some(hash), by, .. } => retry(&folder, &one(mails, &hash)?, &by),
        Command::Retry { hash: None, by, .. } => {
            mails.retain(|mail| mail.dropped.is_none());
            let mut worst = Exit::Ok;
            for mail in &mails {
                if let Err(trouble) = retry(&folder, mail, &by) {
                    terminal::report(&trouble.error);
                    worst = trouble.exit;
                }
            }
            println!("{} in quarantine were tried", mails.len());
            Ok(worst)
        }
        Command::Drop { hash, reason, by } => {
            let hash = one(mails, &hash)?.hash;
            folder.ask(Request::DropQuarantined { hash, reason }, &by)
        }
    }
}

/// The mail is read here first, in a process of its own: what kills a reader kills this command and not the bot.
fn retry(folder: &Folder, mail: &Quarantined, by: &str) -> Done {
    let path = Archive::beside(&folder.path).path(&mail.hash);
    if let Some(Err(why)) = reader::read_files(&[path], Limits::default()).pop() {
        let why = maillog::words(&folder.key, &why);
        let what = format!("{} still cannot be read: {why}; nothing was changed", mail.hash.short());
        return Err(Trouble::new(Exit::DataErr, anyhow::anyhow!(what)));
    }
    folder.ask(Request::RetryQuarantined(mail.hash), by)
}

fn list(folder: &Folder, mails: &[Quarantined], json: bool) -> Done {
    const WHY: usize = 60;
    for mail in mails {
        let line = match json {
            true => as_json(folder, mail).to_string(),
            false => format!(
                "{}  {}  {:<11}  {}  {}",
                mail.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                mail.hash.short(),
                case(mail),
                mail.mailbox,
                terminal::one_line(&why(folder, mail), WHY)
            ),
        };
        println!("{line}");
    }
    if !json {
        println!("{} in quarantine", mails.len());
    }
    Ok(Exit::Ok)
}

fn show(folder: &Folder, mail: &Quarantined, json: bool) -> Done {
    if json {
        println!("{}", as_json(folder, mail));
        return Ok(Exit::Ok);
    }
    let archive = Archive::beside(&folder.path);
    println!("hash       {}", mail.hash);
    println!("mailbox    {}, at {}", mail.mailbox, terminal::one_line(&mail.place.to_string(), 200));
    println!("delivered  {}", mail.delivered);
    println!("decided    {}", mail.at);
    println!("case       {}", case(mail));
    println!("why        {}", terminal::one_line(&why(folder, mail), 400));
    match archive.get(&mail.hash) {
        Ok(bytes) => println!("file       {} ({} octets)", archive.path(&mail.hash).display(), bytes.len()),
        Err(error) => println!("file       {error}"),
    }
    if let Some(dropped) = &mail.dropped {
        println!("dropped    {}", terminal::one_line(dropped, 200));
    }
    println!("`huixin quarantine retry {0}` reads it again; `drop {0} --reason TEXT` closes it", mail.hash.short());
    Ok(Exit::Ok)
}

fn as_json(folder: &Folder, mail: &Quarantined) -> Value {
    json!({
        "hash": mail.hash.to_string(),
        "mailbox": mail.mailbox.as_str(),
        "place": mail.place.to_string(),
        "delivered": mail.delivered.to_string(),
        "at": mail.at.to_string(),
        "case": mail.case.map(|case| case.to_string()),
        "code": mail.why.as_deref().and_then(|why| why.split_once(':')).map(|(code, _)| code),
        "dropped": mail.dropped,
        "why": mail.why.as_ref().map(|_| why(folder, mail)),
        "file": Archive::beside(&folder.path).path(&mail.hash).to_string_lossy(),
    })
}

fn why(folder: &Folder, mail: &Quarantined) -> String {
    mail.why.as_deref().map_or("-".to_owned(), |why| maillog::words(&folder.key, why))
}

fn case(mail: &Quarantined) -> String {
    mail.case.map_or("-".to_owned(), |case| case.to_string())
}
