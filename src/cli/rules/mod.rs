//! `huixin rules …`: the tools of whoever tunes the rules, one file a command.
//!
//! What they print is worked out elsewhere: in `rules` (tests, coverage, traces, formatting), in `decide` (what would
//! come of a mail) and in `replay` (archived mail decided again). docs/rules-tools.md tells what they are for.

mod apply;
mod backtest;
mod check;
mod compare;
mod coverage;
mod docs;
mod fmt;
mod history;
mod labels;
mod rollback;
mod shadow;
mod standings;
mod stats;
mod suggest;
mod test;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Done, Exit, Trouble, explain};
use crate::app;
use crate::app::files::{self, Configured};
use crate::ids::RuleId;
use crate::playbook::{Playbook, Texts};
use crate::problem::closest;
use crate::replay::Past;
use crate::rules::{self, Rules};
use crate::time::Timestamp;

#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Show every error and warning in rules and templates, with its line.
    Check(check::Options),
    /// Run the tests that stand beside the rules.
    Test(test::Options),
    /// Show how rules judge a mail, and why a rule does not hold.
    Explain(explain::Options),
    /// Show the rules, conditions, keywords and languages that no passing test exercises.
    Coverage(coverage::Options),
    /// Bring the rule files into the usual form, comments and all.
    Fmt(fmt::Options),
    /// Show which archived mails would be decided otherwise than under other rules.
    Backtest(backtest::Options),
    /// Put rules and templates in force, after checks and a comparison over recent mail, and keep them as a revision.
    Apply(apply::Options),
    /// Put the files of an earlier revision back.
    Rollback(rollback::Options),
    /// Write a page for each rule and each category, in Markdown and HTML.
    Docs(docs::Options),
    /// Show what the rules in shadow would have changed over archived mail.
    Shadow(shadow::Options),
    /// Show how often each rule held and mattered over archived mail, and what to do about it.
    Stats(stats::Options),
    /// List the revisions that were applied, and what each changed.
    History(history::Options),
    /// Write rules from texts that people have sorted, for you to look through.
    Suggest(suggest::Options),
}

pub fn run(file: &Path, options: Options) -> Done {
    match options.command {
        Command::Check(options) => check::run(file, options),
        Command::Test(options) => test::run(file, options),
        Command::Explain(options) => explain::run(file, options),
        Command::Coverage(options) => coverage::run(file, options),
        Command::Fmt(options) => fmt::run(file, options),
        Command::Backtest(options) => backtest::run(file, options),
        Command::Apply(options) => apply::run(file, options),
        Command::Rollback(options) => rollback::run(file, options),
        Command::Docs(options) => docs::run(file, options),
        Command::Shadow(options) => shadow::run(file, options),
        Command::Stats(options) => stats::run(file, options),
        Command::History(options) => history::run(file, options),
        Command::Suggest(options) => suggest::run(file, options),
    }
}

fn configured(file: &Path) -> Result<Configured, Trouble> {
    files::configured(file).map_err(|problems| Trouble::new(Exit::Config, problems))
}

fn trouble(error: std::io::Error) -> Trouble {
    Trouble::new(Exit::IoErr, error)
}

fn data(configured: &Configured) -> PathBuf {
    configured.path(&configured.config.data)
}

/// A playbook of these texts, which must be without error. Its warnings are `check`'s to tell.
fn playbook(configured: &Configured, texts: &Texts) -> Result<Playbook, Trouble> {
    let made = app::playbook_of(configured, texts, app::stored_key(configured));
    made.map(|(playbook, _)| playbook).map_err(|problems| Trouble::new(Exit::Config, problems))
}

fn present(configured: &Configured) -> Result<Texts, Trouble> {
    files::texts(configured).map_err(|problems| Trouble::new(Exit::Config, problems))
}

/// The archived mail since then (`30d`, `12h`, `all`).
fn past(configured: &Configured, written: &str) -> Result<Past, Trouble> {
    Past::archived(&data(configured), since(written)?).map_err(|error| Trouble::new(Exit::IoErr, error))
}

/// `30d`, `12h`, `all`: from when on.
pub(super) fn since(written: &str) -> Result<Option<Timestamp>, Trouble> {
    if written == "all" {
        return Ok(None);
    }
    let hours = match written.split_at_checked(written.len().saturating_sub(1)) {
        Some((number, "d")) => number.parse::<u32>().ok().map(|days| u64::from(days) * 24),
        Some((number, "h")) => number.parse::<u32>().ok().map(u64::from),
        _ => None,
    };
    let Some(hours) = hours else {
        let what = format!("`{written}` is no length of time: write `30d`, `12h` or `all`");
        return Err(Trouble::new(Exit::Usage, anyhow::anyhow!(what)));
    };
    // Before the first year there was no mail.
    Ok(app::now().checked_sub(Duration::from_secs(hours * 60 * 60)).ok())
}

/// The rules alone, compiled, and what they were made of. Their warnings are `check`'s to tell.
fn load(configured: &Configured) -> Result<(Rules, Texts), Trouble> {
    let texts = files::texts(configured).map_err(|problems| Trouble::new(Exit::Config, problems))?;
    let (rules, problems) = rules::load(&texts.rules);
    if problems.has_errors() { Err(Trouble::new(Exit::Config, problems)) } else { Ok((rules, texts)) }
}

/// The rule that was named, which must be there.
pub(super) fn named(rules: &Rules, id: &str) -> Result<RuleId, Trouble> {
    let found = RuleId::parse(id).ok().filter(|id| rules.rule(id).is_some());
    found.ok_or_else(|| {
        let known = rules.rules().iter().map(|rule| rule.id.as_str());
        let meant = closest(id, known).map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
        Trouble::new(Exit::Usage, anyhow::anyhow!("there is no rule `{id}`{meant}"))
    })
}

/// Replaces a file whole: whoever reads it meanwhile finds the old one or the new one.
fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    let mut tmp = path.as_os_str().to_owned();
    // Not `*.toml` nor `*.txt`: no rule and no template for whoever looks now.
    tmp.push(".new");
    std::fs::write(&tmp, bytes)
        .and_then(|()| std::fs::rename(&tmp, path))
        .map_err(|error| Trouble::new(Exit::IoErr, anyhow::anyhow!("{}: {error}", path.display())))
}

/// `1 test`, `2 tests`.
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
