//! `huixin rules fmt`: the rule files in the one usual form, comments and all.

use std::path::{Path, PathBuf};

use super::super::{Done, Exit, Trouble};
use super::{configured, count, replace_file};
use crate::app::files;
use crate::problem::Problem;
use crate::rules;

#[derive(clap::Args)]
pub struct Options {
    /// Change nothing; fail if a file is not in the usual form.
    #[arg(long)]
    check: bool,
}

pub fn run(file: &Path, options: Options) -> Done {
    let configured = configured(file)?;
    let texts = files::texts(&configured).map_err(|problems| Trouble::new(Exit::Config, problems))?;
    // Half a file must not be tidied: its faults are told first.
    let (_, problems) = rules::load(&texts.rules);
    let broken = problems.0.into_iter().filter(|problem| problem.what.starts_with("this is not TOML"));
    let broken: Vec<Problem> = broken.collect();
    if !broken.is_empty() {
        return Err(Trouble::new(Exit::Config, crate::problem::Problems(broken)));
    }
    let mut changed = 0;
    for source in &texts.rules {
        let Some(formatted) = rules::format(&source.text) else {
            return Err(Trouble::new(
                Exit::Software,
                anyhow::anyhow!("{}: left as it is: formatting would change what it says", source.name),
            ));
        };
        if *formatted == *source.text {
            continue;
        }
        changed += 1;
        println!("{}", source.name);
        if !options.check {
            let path = PathBuf::from(&source.name);
            replace_file(&path, formatted.as_bytes())?;
        }
    }
    match (changed, options.check) {
        (0, _) | (_, false) => Ok(Exit::Ok),
        (_, true) => Err(Trouble::new(
            Exit::Config,
            anyhow::anyhow!("{} not in the usual form; `huixin rules fmt` mends that", count(changed, "file")),
        )),
    }
}
