//! `huixin quarantine …`: the mails that could not be read, and why.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::operator::{Folder, named, trouble};
use super::{Done, Exit, terminal};
use crate::maillog;
use crate::store::{self, Archive, Quarantined};

#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the mails that could not be read.
    List {
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
}

pub fn run(config: &Path, options: Options) -> Done {
    let folder = Folder::of(config)?;
    let mails = store::quarantined(&folder.path).map_err(trouble)?;
    match options.command {
        Command::List { json } => list(&folder, &mails, json),
        Command::Show { hash, json } => {
            let mail =
                named(mails, &hash, "mail in quarantine", "huixin quarantine list", |mail| mail.hash.to_string())?;
            show(&folder, &mail, json)
        }
    }
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
        if writeln!(std::io::stdout(), "{line}").is_err() {
            // Whoever read our output has gone (`| head`).
            return Ok(Exit::Ok);
        }
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
    println!("`huixin inspect FILE` reads it again");
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
