//! `huixin check`: everything an admin wrote, held against everything else.

use std::path::Path;

use secrecy::ExposeSecret;

use super::{Done, Exit, Trouble, terminal};
use crate::app::{self, doors, files};
use crate::config;
use crate::problem::{Problem, Problems};
use crate::time;

#[derive(clap::Args)]
pub struct Options {
    /// One line for each fault, for programs: file:line:column: what.
    #[arg(long)]
    plain: bool,
}

pub fn run(file: &Path, options: Options) -> Done {
    let (problems, summary) = match all(file) {
        Ok((problems, summary)) => (problems, summary),
        Err(problems) => (problems, String::new()),
    };
    match options.plain {
        true => problems.0.iter().for_each(|problem| println!("{problem}")),
        false => terminal::draw(&problems),
    }
    let errors = problems.0.iter().filter(|problem| problem.is_error()).count();
    let warnings = problems.0.len() - errors;
    if errors > 0 {
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let told = format!("{}, {}: not fit to run", count(errors, "error"), count(warnings, "warning"));
        return Err(Trouble::new(Exit::Config, anyhow::anyhow!(told)));
    }
    println!("{summary}");
    Ok(Exit::Ok)
}

fn all(file: &Path) -> Result<(Problems, String), Problems> {
    let configured = files::configured(file)?;
    let (playbook, mut problems, tests) = app::playbook(&configured, app::stored_key(&configured))?;
    let today = time::day(app::now());
    problems.extend(playbook.rules().due_for_review(today));
    problems.extend(playbook.rules().taxonomy().missing_years(today));
    problems.extend(secrets(&configured));
    problems.extend(folders(&configured));
    let rules = playbook.rules().rules().len();
    let templates = playbook.templates().names().count();
    let summary = format!(
        "{}: mailboxes {}, {rules} rules ({} inline tests passed), {templates} templates, revision {}",
        file.display(),
        configured.config.mailboxes.iter().map(|mailbox| mailbox.name.as_str()).collect::<Vec<_>>().join(", "),
        tests.passed,
        playbook.revision(),
    );
    Ok((problems, summary))
}

/// Every secret is there and nobody else can read it. What it is is not shown.
fn secrets(configured: &files::Configured) -> Problems {
    let imap = configured.config.mailboxes.iter().filter_map(|mailbox| match &mailbox.source {
        config::Source::Imap(imap) => Some((format!("mailbox.{}.imap", mailbox.name), &imap.login.secret)),
        config::Source::Maildir { .. } => None,
    });
    let smtp = match &configured.config.relay {
        config::Relay::Smtp(smtp) => smtp.login.as_ref().map(|login| ("relay.smtp".to_owned(), &login.secret)),
        config::Relay::Maildir { .. } => None,
    };
    let faults = imap.chain(smtp).filter_map(|(table, secret)| match doors::provider(configured, secret)() {
        Ok(secret) if secret.expose_secret().is_empty() => {
            Some(Problem::outside(format!("{table}: the password is empty")))
        }
        Ok(_) => None,
        Err(why) => Some(Problem::outside(format!("{table}: {why}"))),
    });
    Problems(faults.collect())
}

/// Certificates can be read and the data folder can be used.
fn folders(configured: &files::Configured) -> Problems {
    let mut problems = Problems::default();
    for mailbox in &configured.config.mailboxes {
        // A Maildir is created when it is opened, which a check must not do.
        if let config::Source::Imap(_) = &mailbox.source
            && let Err(error) = doors::source(configured, mailbox)
        {
            problems.push(Problem::outside(format!("mailbox.{}: {error:#}", mailbox.name)));
        }
    }
    if let config::Relay::Smtp(_) = &configured.config.relay
        && let Err(error) = doors::relays(configured)
    {
        problems.push(Problem::outside(format!("relay.smtp: {error:#}")));
    }
    let data = configured.path(&configured.config.data);
    if data.exists() && !data.is_dir() {
        problems.push(Problem::outside(format!("bot.data: {} is not a folder", data.display())));
    }
    problems
}
