//! `huixin ledger --reconcile`: is every mail in the mailboxes in the ledger?
//!
//! The mailboxes are listed and nothing else: no mail is fetched, flagged or moved. The ledger is read after the listing,
//! so what a running bot takes meanwhile is no gap, and neither is what came a moment ago.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::operator::{Folder, trouble};
use super::{Done, Exit, Trouble, terminal};
use crate::app::{self, doors, files};
use crate::config;
use crate::ids::MailboxName;
use crate::mailbox::{Cursor, Known, Listed, Place, Source, SourceError};
use crate::store::{self, Fate};

/// Mails listed at once.
const PAGE: usize = 10_000;

pub fn run(config: &Path, grace: Duration, json: bool) -> Done {
    let folder = Folder::of(config)?;
    let configured = files::configured(config).map_err(|problems| Trouble::new(Exit::Config, problems))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::new(Exit::Software, error))?;
    let mut listed = Vec::new();
    for mailbox in &configured.config.mailboxes {
        let mut source = doors::source(&configured, mailbox).map_err(|error| Trouble::new(Exit::Config, error))?;
        let mails = runtime.block_on(list(&mut source)).map_err(|error| {
            let what = format!("mailbox {} cannot be listed: {error}; nothing was compared", mailbox.name);
            Trouble::new(Exit::Unavailable, anyhow::anyhow!(what))
        })?;
        listed.push((mailbox, mails));
    }

    let mut taken: HashSet<(MailboxName, Place)> = HashSet::new();
    store::ledger(&folder.path, |entry| {
        if !matches!(entry.fate, Fate::Pending(_)) {
            taken.insert((entry.mailbox, entry.place));
        }
    })
    .map_err(trouble)?;

    let old = app::now().checked_sub(grace).map_err(|error| Trouble::new(Exit::Software, error))?;
    let mut gaps = 0;
    for (mailbox, mails) in &listed {
        let missing = mails.iter().filter(|mail| !taken.contains(&(mailbox.name.clone(), mail.place.clone())));
        let (gap, young): (Vec<&Listed>, Vec<&Listed>) = missing.partition(|mail| mail.delivered < old);
        gaps += gap.len();
        told(mailbox, mails.len(), &gap, &young, json);
    }
    if gaps > 0 && !json {
        println!(
            "{gaps} {} in a mailbox and nobody has decided about {}: is the bot running, and what does its log say of \
             that mailbox?",
            if gaps == 1 { "mail lies" } else { "mails lie" },
            if gaps == 1 { "it" } else { "them" },
        );
    }
    Ok(if gaps == 0 { Exit::Ok } else { Exit::Differs })
}

/// Everything in the mailbox, from its beginning.
async fn list(source: &mut impl Source) -> Result<Vec<Listed>, SourceError> {
    let (mut mails, mut known) = (Vec::new(), Known::default());
    loop {
        let listing = source.list(known, PAGE).await?;
        match listing.mails.last().map(|mail| &mail.place) {
            Some(&Place::Imap { uid_validity, uid }) if listing.more => {
                known.cursor = Some(Cursor { uid_validity, uid });
                mails.extend(listing.mails);
            }
            // A Maildir has no cursor to go on from: it is asked for all that it has.
            Some(_) if listing.more => return Ok(source.list(known, usize::MAX).await?.mails),
            _ => {
                mails.extend(listing.mails);
                return Ok(mails);
            }
        }
    }
}

fn told(mailbox: &config::Mailbox, there: usize, gap: &[&Listed], young: &[&Listed], json: bool) {
    for (mail, is_gap) in gap.iter().map(|mail| (mail, true)).chain(young.iter().map(|mail| (mail, false))) {
        if json {
            let line = json!({
                "mailbox": mailbox.name.as_str(), "place": mail.place.to_string(),
                "delivered": mail.delivered.to_string(), "octets": mail.size, "gap": is_gap,
            });
            println!("{line}");
        } else {
            let what = if is_gap { "not taken" } else { "just came" };
            let place = terminal::one_line(&mail.place.to_string(), 100);
            let octets = mail.size;
            println!(
                "{}  {what}  {}  {place}  {octets} octets",
                mail.delivered.strftime("%Y-%m-%dT%H:%M:%SZ"),
                mailbox.name
            );
        }
    }
    if !json {
        let taken = there - gap.len() - young.len();
        println!("{}: {there} in the mailbox, {taken} in the ledger, {} not taken", mailbox.name, gap.len());
    }
}
