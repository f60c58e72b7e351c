//! `huixin rules check`: every error and warning in rules and templates, each with its line.

use std::path::Path;

use serde_json::json;

use super::super::{Done, Exit, Trouble, terminal};
use super::{configured, count};
use crate::app;
use crate::problem::{Problem, Problems};

#[derive(clap::Args)]
pub struct Options {
    /// One JSON object for each error or warning, on standard output.
    #[arg(long)]
    json: bool,
}

pub fn run(file: &Path, options: Options) -> Done {
    let configured = configured(file)?;
    let (problems, summary) = match app::playbook(&configured, app::stored_key(&configured)) {
        Ok((playbook, problems, tests)) => {
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
