//! `huixin rules stats`: how each rule fared with archived mail, and what to do about it.

use std::path::Path;

use comfy_table::{ContentArrangement, Table};

use super::super::{Done, Exit};
use super::standings::Standings;
use super::{configured, count, past, playbook, present};
use crate::replay::Taught;

#[derive(clap::Args)]
pub struct Options {
    /// Mail of the last days (`30d`), hours (`12h`), or `all`.
    #[arg(long, value_name = "TIME", default_value = "90d")]
    since: String,
}

pub fn run(file: &Path, options: Options) -> Done {
    let configured = configured(file)?;
    let playbook = playbook(&configured, &present(&configured)?)?;
    let standings = Standings::after(&past(&configured, &options.since)?, &playbook);
    let mut table = table();
    table.set_header([
        "rule",
        "status",
        "hits",
        "decisive",
        "again in 72 h",
        "corrected",
        "right/wrong",
        "drafts",
        "last hit",
        "advice",
    ]);
    for rule in playbook.rules().rules() {
        let standing = standings.of(&rule.id);
        let last = standing.last.map_or("-".to_owned(), |last| last.strftime("%Y-%m-%d").to_string());
        let advice = if rule.in_force() { standing.advice(standings.mails).as_str() } else { "-" };
        table.add_row([
            rule.id.to_string(),
            rule.status.as_str().to_owned(),
            standing.hits.to_string(),
            standing.decisive.to_string(),
            standing.again.to_string(),
            standing.taught.corrected.to_string(),
            judged(&standing.taught),
            drafts(&standing.taught),
            last,
            advice.to_owned(),
        ]);
    }
    println!("{table}");
    if !standings.categories.is_empty() {
        println!("\n{}\n", by_category(&standings));
    }
    println!("{}, {} could not be read", count(standings.mails, "mail"), standings.unread);
    println!("corrected: cases an agent put into another category; right/wrong: what agents said of its answers;");
    println!("drafts: those that left as they were, of those that waited for an agent's word");
    Ok(Exit::Ok)
}

/// What agents taught about each category.
fn by_category(standings: &Standings) -> Table {
    let mut table = table();
    table.set_header(["category", "corrected", "right/wrong", "drafts"]);
    for (category, taught) in &standings.categories {
        table.add_row([category.to_string(), taught.corrected.to_string(), judged(taught), drafts(taught)]);
    }
    table
}

fn table() -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn judged(taught: &Taught) -> String {
    format!("{}/{}", taught.praised, taught.blamed)
}

fn drafts(taught: &Taught) -> String {
    match taught.drafts {
        0 => "-".into(),
        drafts => format!("{} of {drafts}", taught.accepted),
    }
}
