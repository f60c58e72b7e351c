//! `huixin rules apply`: checks, compares, keeps, and only then replaces.

use std::path::{Path, PathBuf};

use super::super::{Done, Exit, Trouble};
use super::{compare, configured, data, labels, playbook, present, since, trouble};
use crate::app;
use crate::app::files::Configured;
use crate::app::revisions::{self, Applied, Revisions};
use crate::playbook;
use crate::replay::Past;

#[derive(clap::Args)]
pub struct Options {
    /// A folder with `rules/` and `templates/`, or with rule files alone, whose files take the place of the present
    /// ones. Default: the present ones, as they are.
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Apply also if more mails change than `bot.apply_percent` allows.
    #[arg(long)]
    yes: bool,
    /// Compare over the mail of the last days (`30d`), hours (`12h`), or `all`.
    #[arg(long, value_name = "TIME", default_value = "30d")]
    since: String,
    /// Who applies.
    #[arg(long, value_name = "NAME", env = "USER", default_value = "unknown")]
    by: String,
}

pub fn run(file: &Path, options: Options) -> Done {
    let configured = configured(file)?;
    let own_rules = configured.path(&configured.config.rules);
    let (texts, rules_folder) = match &options.folder {
        None => (present(&configured)?, own_rules.clone()),
        Some(folder) => {
            let texts = revisions::texts_in(&configured, folder);
            (texts.map_err(|problems| Trouble::new(Exit::Config, problems))?, revisions::rules_folder(folder))
        }
    };
    // Loaded, linted, tested: whatever has a fault ends here.
    let after = playbook(&configured, &texts)?;
    let revisions = Revisions::locked(&data(&configured)).map_err(|error| Trouble::new(Exit::TempFail, error))?;
    let before = revisions.current().map_err(trouble)?;
    let is_there = options.folder.is_none() || playbook::revision(&present(&configured)?) == after.revision();
    if before.as_deref() == Some(after.revision()) && is_there {
        println!("revision {} is in force already", after.revision());
        return Ok(Exit::Ok);
    }
    let (mails, changed) = compared(&configured, &revisions, before.as_deref(), &after, &options)?;
    revisions.keep(&rules_folder, &texts).map_err(trouble)?;
    if options.folder.is_some() {
        let present = present(&configured)?;
        // What stands there now may never have been applied; nobody's work is lost.
        let kept = revisions.keep(&own_rules, &present).map_err(trouble)?;
        let wanted = revisions.files(after.revision()).map_err(trouble)?;
        revisions::restore(&configured, &wanted, &present).map_err(trouble)?;
        println!("the files that were there are kept as {kept}");
    }
    let applied = Applied {
        at: app::now(),
        by: options.by,
        revision: after.revision().to_owned(),
        before,
        rolled_back: false,
        mails,
        changed,
    };
    revisions.record(&applied).map_err(trouble)?;
    println!("revision {} is in force", applied.revision);
    Ok(Exit::Ok)
}

/// How many recent mails there are and how many of them change, which must be few.
fn compared(
    configured: &Configured,
    revisions: &Revisions,
    before: Option<&str>,
    after: &playbook::Playbook,
    options: &Options,
) -> Result<(usize, usize), Trouble> {
    let Some(folder) = before.and_then(|revision| revisions.folder(revision)) else {
        println!("this is the first revision: there is nothing to compare it with");
        return Ok((0, 0));
    };
    let texts = revisions::texts_in(configured, &folder);
    // Under a new bot.toml or a new program the old revision may be refused; that must not hold back the cure.
    let before = texts.and_then(|texts| app::playbook_of(configured, &texts, app::stored_key(configured)));
    let before = match before {
        Ok((before, _)) => before,
        Err(problems) => {
            println!("the revision in force is not fit to compare with: {problems}");
            return Ok((0, 0));
        }
    };
    let past =
        Past::archived(&data(configured), since(&options.since)?).map_err(|error| Trouble::new(Exit::IoErr, error))?;
    let comparison = compare::compare(&past, &before, after);
    comparison.print(&past);
    labels::Compared::of(&past, &before, after).print(&past);
    let (shifts, most) = (&comparison.shifts, configured.config.apply_percent);
    if shifts.percent() > f64::from(most) && !options.yes {
        let what = format!(
            "not applied: {:.1} % of the mail would be decided otherwise, and bot.apply_percent is {most}; if that is \
             what you want, say --yes",
            shifts.percent()
        );
        return Err(Trouble::new(Exit::Differs, anyhow::anyhow!(what)));
    }
    Ok((shifts.mails, shifts.changed))
}
