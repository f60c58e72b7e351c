//! `huixin rules docs`: a page for each rule and each category, in Markdown and HTML.

use std::path::{Path, PathBuf};

use super::super::{Done, Exit, Trouble};
use super::{configured, count, present};
use crate::rules;

#[derive(clap::Args)]
pub struct Options {
    /// The folder the pages are written into.
    #[arg(long, value_name = "FOLDER", default_value = "rules-book")]
    out: PathBuf,
}

pub fn run(file: &Path, options: Options) -> Done {
    let texts = present(&configured(file)?)?;
    let (rules, problems) = rules::load(&texts.rules);
    if problems.has_errors() {
        return Err(Trouble::new(Exit::Config, problems));
    }
    let pages = rules::book(&rules, &texts.rules);
    for page in &pages {
        for (ending, text) in [("md", page.markdown()), ("html", page.html())] {
            let path = options.out.join(format!("{}.{ending}", page.path));
            let written = std::fs::create_dir_all(path.parent().unwrap_or(&options.out))
                .and_then(|()| std::fs::write(&path, text));
            written.map_err(|error| Trouble::new(Exit::IoErr, anyhow::anyhow!("{}: {error}", path.display())))?;
        }
    }
    println!("{} in {}, begin with index.html", count(pages.len(), "page"), options.out.display());
    Ok(Exit::Ok)
}
