//! `huixin rules rollback`: the files of an earlier revision, back where they were.

use std::path::Path;

use super::super::{Done, Exit, Trouble};
use super::{configured, data, playbook, present, trouble};
use crate::app;
use crate::app::revisions::{self, Applied, Revisions};

#[derive(clap::Args)]
pub struct Options {
    /// The revision, or the beginning of its name. Default: the one before the present one.
    #[arg(value_name = "REVISION")]
    revision: Option<String>,
    /// Who rolls back.
    #[arg(long, value_name = "NAME", env = "USER", default_value = "unknown")]
    by: String,
}

pub fn run(file: &Path, options: Options) -> Done {
    let configured = configured(file)?;
    let revisions = Revisions::locked(&data(&configured)).map_err(|error| Trouble::new(Exit::TempFail, error))?;
    let last = revisions.history().map_err(trouble)?.pop();
    let wanted = options.revision.or_else(|| last.as_ref().and_then(|last| last.before.clone()));
    let Some(folder) = wanted.as_deref().and_then(|wanted| revisions.folder(wanted)) else {
        let what = match wanted {
            Some(wanted) => format!("no single revision begins with `{wanted}`; `huixin rules history` lists them"),
            None => "there is no earlier revision".to_owned(),
        };
        return Err(Trouble::new(Exit::Usage, anyhow::anyhow!(what)));
    };
    let texts = revisions::texts_in(&configured, &folder);
    let texts = texts.map_err(|problems| Trouble::new(Exit::Config, problems))?;
    let playbook = playbook(&configured, &texts)?;
    // The present files are kept as they are, fit to run or not: who rolls back is in a hurry, not done.
    let present = present(&configured)?;
    let kept = revisions.keep(&configured.path(&configured.config.rules), &present).map_err(trouble)?;
    let wanted = revisions.files(playbook.revision()).map_err(trouble)?;
    revisions::restore(&configured, &wanted, &present).map_err(trouble)?;
    let applied = Applied {
        at: app::now(),
        by: options.by,
        revision: playbook.revision().to_owned(),
        before: last.map(|last| last.revision),
        rolled_back: true,
        mails: 0,
        changed: 0,
    };
    revisions.record(&applied).map_err(trouble)?;
    println!("revision {} is in force again; the files that were there are kept as {kept}", applied.revision);
    Ok(Exit::Ok)
}
