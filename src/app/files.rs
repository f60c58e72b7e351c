//! The files an admin wrote, read from disk: bot.toml, rules/, templates/. Relative paths start at the folder
//! of bot.toml.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::{self, Config};
use crate::ids::TemplateName;
use crate::language::Language;
use crate::playbook::Texts;
use crate::problem::{Problem, Problems, SourceText};

/// bot.toml, read and checked, and the folder it stands in.
#[derive(Clone)]
pub struct Configured {
    pub config: Config,
    pub folder: PathBuf,
}

impl Configured {
    pub fn path(&self, written: &str) -> PathBuf {
        self.folder.join(written)
    }
}

/// Reads bot.toml with the environment over it.
pub fn configured(file: &Path) -> Result<Configured, Problems> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Problem::outside(format!("{}: {error}", file.display()))
            .help("name the configuration with --config, or start in its folder")
    })?;
    let environment: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let config = config::load(&SourceText::new(file.display().to_string(), text), &environment)?;
    // Empty for a file in the working folder, so that faults name files as the admin does.
    let folder = file.parent().unwrap_or(Path::new(""));
    Ok(Configured { config, folder: folder.to_owned() })
}

/// All files that the playbook of `file` is made of, bot.toml first. What cannot be listed is left out.
pub fn of_playbook(file: &Path, configured: &Configured) -> Vec<PathBuf> {
    let mut ignored = Problems::default();
    let mut all = vec![file.to_owned()];
    all.extend(files(&configured.path(&configured.config.rules), "toml", &mut ignored));
    all.extend(files(&configured.path(&configured.config.templates), "txt", &mut ignored));
    all
}

/// Reads all rule files and templates.
pub fn texts(configured: &Configured) -> Result<Texts, Problems> {
    texts_in(&configured.path(&configured.config.rules), &configured.path(&configured.config.templates))
}

/// Reads all rule files of one folder and all templates of another.
pub fn texts_in(rules_folder: &Path, templates_folder: &Path) -> Result<Texts, Problems> {
    let mut problems = Problems::default();
    let mut rules = Vec::new();
    for file in files(rules_folder, "toml", &mut problems) {
        rules.extend(read(&file, &mut problems));
    }
    if rules.is_empty() {
        problems.push(Problem::outside(format!("{}: there are no rule files (*.toml)", rules_folder.display())));
    }
    let mut templates = Vec::new();
    for file in files(templates_folder, "txt", &mut problems) {
        match template_name(templates_folder, &file) {
            Ok((name, language)) => {
                templates.extend(read(&file, &mut problems).map(|source| (name, language, source)));
            }
            Err(why) => problems.push(Problem::outside(format!("{}: {why}", file.display()))),
        }
    }
    let mut mails = BTreeMap::new();
    for file in files(rules_folder, "eml", &mut problems) {
        let name = file.strip_prefix(rules_folder).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        match std::fs::read(&file) {
            Ok(raw) => {
                mails.insert(name, raw);
            }
            Err(error) => problems.push(Problem::outside(format!("{}: {error}", file.display()))),
        }
    }
    if problems.has_errors() { Err(problems) } else { Ok(Texts { rules, templates, mails }) }
}

/// Each text with its place in a playbook, `rules/10-account.toml` or `templates/kb/550.zh.txt`; its rules were read
/// from this folder.
pub fn relative<'a>(rules_folder: &'a Path, texts: &'a Texts) -> impl Iterator<Item = (String, Vec<u8>)> + 'a {
    let rules = texts.rules.iter().map(move |source| {
        let path = Path::new(&source.name);
        let inner = path.strip_prefix(rules_folder).unwrap_or(path);
        (format!("rules/{}", inner.display()), source.text.as_bytes().to_vec())
    });
    let templates = texts
        .templates
        .iter()
        .map(|(name, language, source)| (format!("templates/{name}.{language}.txt"), source.text.as_bytes().to_vec()));
    let mails = texts.mails.iter().map(|(name, raw)| (format!("rules/{name}"), raw.clone()));
    rules.chain(templates).chain(mails)
}

fn read(file: &Path, problems: &mut Problems) -> Option<SourceText> {
    match std::fs::read_to_string(file) {
        Ok(text) => Some(SourceText::new(file.display().to_string(), text)),
        Err(error) => {
            problems.push(Problem::outside(format!("{}: {error}", file.display())));
            None
        }
    }
}

/// All files with this ending below a folder, in the order of their paths.
fn files(folder: &Path, ending: &str, problems: &mut Problems) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(Problem::outside(format!("{}: {error}", folder.display())));
            return Vec::new();
        }
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok()).map(|entry| entry.path()).collect();
    paths.sort();
    paths
        .into_iter()
        .flat_map(|path| match path.is_dir() {
            true => files(&path, ending, problems),
            false if path.extension().is_some_and(|other| other == ending) => vec![path],
            false => Vec::new(),
        })
        .collect()
}

/// `kb/554-dt-spm.zh.txt` is the template `kb/554-dt-spm` in Chinese.
fn template_name(folder: &Path, file: &Path) -> Result<(TemplateName, Language), String> {
    let path = file.strip_prefix(folder).unwrap_or(file).to_string_lossy().replace('\\', "/");
    let stem = path.strip_suffix(".txt").unwrap_or(&path);
    let (name, language) =
        stem.rsplit_once('.').ok_or("the file name lacks its language: NAME.zh.txt, NAME.en.txt or NAME.ja.txt")?;
    let language = Language::parse(language).ok_or_else(|| format!("`{language}` is none of zh, en, ja"))?;
    let name = TemplateName::parse(name).map_err(|error| error.to_string())?;
    Ok((name, language))
}
