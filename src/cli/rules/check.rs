//! `huixin rules check`: every error and warning in rules and templates, each with its line; with `--since`, what past
//! mail says against a rule as well.

use std::path::Path;

use serde_json::json;

use super::super::{Done, Exit, Trouble, terminal};
use super::standings::Standings;
use super::{configured, count, past};
use crate::app;
use crate::app::files::Configured;
use crate::playbook::Playbook;
use crate::problem::{Problem, Problems};

#[derive(clap::Args)]
pub struct Options {
    /// One JSON object for each error or warning, on standard output.
    #[arg(long)]
    json: bool,

    /// Look as well for rules that never mattered, hold too often or never held with the mail of the last days (`90d`),
    /// hours (`12h`), or `all` of it.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
}

pub fn run(file: &Path, options: Options) -> Done {
    let configured = configured(file)?;
    let (problems, summary) = match app::playbook(&configured, app::stored_key(&configured)) {
        Ok((playbook, mut problems, tests)) => {
            if let Some(since) = &options.since {
                problems.extend(fared(&configured, &playbook, since)?);
            }
            let rules = count(playbook.rules().rules().len(), "rule");
            (problems, format!("{rules}, {} passed, revision {}", count(tests.passed, "test"), playbook.revision()))
        }
        Err(problems) => (problems, String::new()),
    };
    match options.json {
        true => problems.0.iter().for_each(|problem| println!("{}", object(problem))),
        false => terminal::draw(&problems),
    }
    let told = told(&problems);
    if problems.has_errors() {
        return Err(Trouble::new(Exit::Config, anyhow::anyhow!("{told}: what runs now stays until they are mended")));
    }
    if !options.json {
        println!("{summary}, {told}");
    }
    Ok(Exit::Ok)
}

/// W09, W15 and W16: what the archived mail since then says against rules in force.
fn fared(configured: &Configured, playbook: &Playbook, since: &str) -> Result<Problems, Trouble> {
    let standings = Standings::after(&past(configured, since)?, playbook);
    let in_force = playbook.rules().rules().iter().filter(|rule| rule.in_force());
    Ok(Problems(in_force.flat_map(|rule| standings.of(&rule.id).findings(rule, standings.mails)).collect()))
}

fn told(problems: &Problems) -> String {
    let errors = problems.0.iter().filter(|problem| problem.is_error()).count();
    format!("{}, {}", count(errors, "error"), count(problems.0.len() - errors, "warning"))
}

/// `null` for the place of a fault that is in no file.
fn object(problem: &Problem) -> serde_json::Value {
    let at = problem.at.as_ref().map(|(source, span)| (source, source.line_column(span.start)));
    json!({
        "severity": if problem.is_error() { "error" } else { "warning" },
        "code": problem.code,
        "file": at.map(|(source, _)| &source.name),
        "line": at.map(|(_, (line, _))| line),
        "column": at.map(|(_, (_, column))| column),
        "what": problem.what,
        "help": problem.help,
    })
}
