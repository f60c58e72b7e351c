//! `huixin rules backtest`: archived mail under the present rules and under others.

use std::path::{Path, PathBuf};

use super::super::{Done, Exit, Trouble};
use super::{compare, configured, count, data, labels, playbook, present, since, trouble};
use crate::app::files::Configured;
use crate::app::revisions::{self, Revisions};
use crate::playbook::Texts;
use crate::replay::Past;

#[derive(clap::Args)]
pub struct Options {
    /// Mail of the last days (`30d`), hours (`12h`), or `all`.
    #[arg(long, value_name = "TIME", default_value = "30d")]
    since: String,
    /// What to compare with: a revision, or a folder with `rules/` and `templates/` or with rule files alone.
    /// Default: the revision that was applied last.
    #[arg(long, value_name = "REVISION|FOLDER")]
    against: Option<String>,
    /// The `*.eml` files of this folder instead of the archive, each as the first of its case.
    #[arg(long, value_name = "FOLDER", conflicts_with = "since")]
    mails: Option<PathBuf>,
    /// Exit with 1 only if more than so many answers that agents called right would be given no more.
    #[arg(long, value_name = "NUMBER", conflicts_with = "mails")]
    max_lost: Option<usize>,
    /// Exit with 1 only if more than so many answers that agents called wrong would still be given.
    #[arg(long, value_name = "NUMBER", conflicts_with = "mails")]
    max_wrong: Option<usize>,
}

pub fn run(file: &Path, options: Options) -> Done {
    let configured = configured(file)?;
    let after = playbook(&configured, &present(&configured)?)?;
    let before = playbook(&configured, &against(&configured, options.against.as_deref())?)?;
    let past = match &options.mails {
        Some(folder) => Past::files(folder)
            .map_err(|error| Trouble::new(Exit::NoInput, anyhow::anyhow!("{}: {error}", folder.display())))?,
        None => Past::archived(&data(&configured), since(&options.since)?)
            .map_err(|error| Trouble::new(Exit::IoErr, error))?,
    };
    println!("from {} to {}, the present rules and templates", before.revision(), after.revision());
    let comparison = compare::compare(&past, &before, &after);
    comparison.print(&past);
    let mut agents = labels::Compared::default();
    if options.mails.is_none() {
        agents = labels::Compared::of(&past, &before, &after);
        agents.print(&past);
    }
    let gates = [
        (options.max_lost, agents.lost(), "that agents called right would be given no more"),
        (options.max_wrong, agents.still_wrong(), "that agents called wrong would still be given"),
    ];
    let mut differs = comparison.shifts.changed > 0 && gates.iter().all(|(most, ..)| most.is_none());
    for (most, found, what) in gates {
        if let Some(most) = most.filter(|most| found > *most) {
            eprintln!("huixin: {} {what}, and {most} may", count(found, "answer"));
            differs = true;
        }
    }
    Ok(if differs { Exit::Differs } else { Exit::Ok })
}

/// The texts that were named, or those of the last revision.
fn against(configured: &Configured, named: Option<&str>) -> Result<Texts, Trouble> {
    let revisions = Revisions::of(&data(configured));
    let folder = match named {
        Some(named) if Path::new(named).is_dir() => PathBuf::from(named),
        Some(named) => revisions.folder(named).ok_or_else(|| {
            let what = format!("`{named}` is neither a folder nor a revision; `huixin rules history` lists those");
            Trouble::new(Exit::Usage, anyhow::anyhow!(what))
        })?,
        None => {
            let current = revisions.current().map_err(trouble)?;
            current.and_then(|revision| revisions.folder(&revision)).ok_or_else(|| {
                let what = "there is no applied revision to compare with: name a folder with --against, or begin with \
                            `huixin rules apply`";
                Trouble::new(Exit::Usage, anyhow::anyhow!(what))
            })?
        }
    };
    revisions::texts_in(configured, &folder).map_err(|problems| Trouble::new(Exit::Config, problems))
}
