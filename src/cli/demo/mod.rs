//! `huixin demo`: the main job on sample mails, in folders of its own, by the same code as `run`.
//!
//! The shipped bot.toml is used with its folders moved to var/demo. A first look finds an empty mailbox (what
//! lies there before is never answered); then the sample mails are laid into it, and the steps of `run` are
//! repeated until all are dealt with; nobody on the network is asked who signed them. What became of each is read
//! from the store and held against what the sample says should; a difference is a fault and an exit code.

mod samples;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::terminal::one_line;
use super::{Done, Exit, Trouble, run as run_command};
use crate::app::{self, RunError, files};
use crate::config;
use crate::ids::MailHash;
use crate::ingest::Ingest;
use crate::language::Language;
use crate::outgoing::Purpose;
use crate::problem::SourceText;
use crate::store::{Decided, Store};
use samples::Sample;

#[derive(clap::Args)]
pub struct Options {
    /// Speak this language: zh or en.
    #[arg(long, value_name = "LANGUAGE", default_value = "en")]
    language: String,
    /// Columns of the table; default: those of the terminal, or 140.
    #[arg(long)]
    width: Option<u16>,
}

const SHIPPED: &str = include_str!("../../../bot.toml");
/// Where everything of the demo lies, below the working folder.
const FOLDER: &str = "var/demo";
const USUAL_WIDTH: u16 = 140;

pub fn run(_config: &Path, options: Options) -> Done {
    let language = Language::parse(&options.language)
        .ok_or_else(|| Trouble::new(Exit::Usage, anyhow::anyhow!("--language is zh, en or ja")))?;
    let samples = samples::all().map_err(|error| Trouble::new(Exit::Software, error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::new(Exit::Software, error))?;
    let dealt = runtime.block_on(deal_with(&samples)).map_err(run_command::trouble)?;
    println!("{}", table(&dealt, language, options.width.unwrap_or(USUAL_WIDTH)));
    let wrong: Vec<String> = dealt.iter().flat_map(Dealt::differences).collect();
    println!(
        "Everything lies under {FOLDER}/: mail/ is the mailbox, sent/new/ what would have been sent, data/ what is kept."
    );
    if wrong.is_empty() {
        println!("{} mails, each dealt with as it should be.", dealt.len());
        return Ok(Exit::Ok);
    }
    Err(Trouble::new(Exit::Software, anyhow::anyhow!("not as it should be:\n  {}", wrong.join("\n  "))))
}

/// A sample and what became of it.
struct Dealt<'a> {
    sample: &'a Sample,
    decided: Decided,
    archived: PathBuf,
}

/// The shipped configuration with its folders moved below [`FOLDER`].
fn configured() -> Result<files::Configured, RunError> {
    let moved = [
        ("HUIXIN__BOT__DATA", "data"),
        ("HUIXIN__MAILBOX__SUPPORT__MAILDIR__PATH", "mail"),
        ("HUIXIN__RELAY__MAILDIR__PATH", "sent"),
    ];
    let environment: Vec<(String, String)> =
        moved.iter().map(|(name, folder)| ((*name).to_owned(), format!("{FOLDER}/{folder}"))).collect();
    let config = config::load(&SourceText::new("bot.toml", SHIPPED), &environment)?;
    Ok(files::Configured { config, folder: PathBuf::new() })
}

async fn deal_with(samples: &[Sample]) -> Result<Vec<Dealt<'_>>, RunError> {
    let configured = configured()?;
    for folder in ["data", "mail", "sent"] {
        match std::fs::remove_dir_all(Path::new(FOLDER).join(folder)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(RunError::Other(error.into()));
            }
            _ => {}
        }
    }
    let data = configured.path(&configured.config.data);
    let (store, _) = tokio::task::spawn_blocking(move || Store::open(&data))
        .await
        .map_err(|error| RunError::Other(error.into()))??;
    let (playbook, ..) = app::playbook(&configured, store.key().clone())?;
    let (_keep, playbook) = watch::channel(Arc::new(playbook));
    let mailbox = &configured.config.mailboxes[0];
    let source = app::doors::source(&configured, mailbox).map_err(RunError::Other)?;
    let mut ingest =
        Ingest::new(source, store.clone(), playbook.clone(), app::clock(), Duration::ZERO, CancellationToken::new());
    let mut delivery = app::delivery(&configured, &store, playbook.clone())?;

    take_all(&mut ingest).await?;
    let mut dealt: Vec<Dealt<'_>> = Vec::new();
    // Samples that answer an answer of ours come in a second round, when there is one.
    let (first, second): (Vec<_>, Vec<_>) = samples.iter().partition(|sample| sample.answers().is_none());
    for round in [first, second] {
        let mut laid = Vec::new();
        for sample in round {
            let answer = sample.answers().and_then(|file| answer_to(&dealt, file));
            let bytes = sample.bytes(app::now(), answer.as_deref());
            lay(&configured.path(FOLDER).join("mail"), sample.file, &bytes)
                .map_err(|error| RunError::Other(error.into()))?;
            laid.push((sample, MailHash::of(&bytes)));
        }
        take_all(&mut ingest).await?;
        delivery.step().await?;
        for (sample, hash) in laid {
            let decided = store
                .decided(&hash)?
                .ok_or_else(|| RunError::Other(anyhow::anyhow!("{} was not dealt with", sample.file)))?;
            dealt.push(Dealt { sample, decided, archived: store.archive().path(&hash) });
        }
    }
    dealt.sort_by_key(|dealt| dealt.sample.file);
    Ok(dealt)
}

async fn take_all<S: crate::mailbox::Source>(ingest: &mut Ingest<S>) -> Result<(), RunError> {
    while ingest.step().await.map_err(|error| RunError::Other(error.into()))?.more {}
    Ok(())
}

/// As a delivery agent lays a mail into a Maildir: whole, then visible.
fn lay(maildir: &Path, file: &str, bytes: &[u8]) -> std::io::Result<()> {
    let (tmp, new) = (maildir.join("tmp").join(file), maildir.join("new").join(file));
    std::fs::write(&tmp, bytes)?;
    std::fs::rename(tmp, new)
}

/// The Message-ID of our answer to the sample in `file`.
fn answer_to(dealt: &[Dealt<'_>], file: &str) -> Option<String> {
    let before = dealt.iter().find(|dealt| dealt.sample.file.starts_with(file))?;
    let answer = before.decided.outgoing.iter().find(|outgoing| outgoing.purpose == Purpose::Answer)?;
    Some(answer.message_id.as_str().to_owned())
}

impl Dealt<'_> {
    fn told(&self, key: &str) -> Vec<&str> {
        self.decided.why.0.iter().filter(|(k, _)| k == key).map(|(_, text)| text.as_str()).collect()
    }

    fn kind(&self) -> &str {
        self.told("kind").first().copied().unwrap_or("unreadable")
    }

    /// The template of the answer, or nothing.
    fn answered_with(&self) -> &str {
        match self.decided.outgoing.iter().any(|outgoing| outgoing.purpose == Purpose::Answer) {
            true => self.told("template").first().copied().unwrap_or_default(),
            false => "",
        }
    }

    fn handed_off(&self) -> bool {
        self.decided.outgoing.iter().any(|outgoing| outgoing.purpose == Purpose::Forward)
    }

    fn differences(&self) -> Vec<String> {
        let want = &self.sample.expect;
        let mut differences = Vec::new();
        let mut compare = |what: &str, got: String, want: String| {
            if got != want {
                differences.push(format!("{}: {what} is {got:?} and should be {want:?}", self.sample.file));
            }
        };
        compare("kind", self.kind().into(), want.kind.clone());
        let hours = if self.answered_with().ends_with("/closed") { "closed" } else { "open" };
        compare("answer", self.answered_with().into(), want.answered.replace("{hours}", hours));
        compare("handoff", self.handed_off().to_string(), want.handoff.to_string());
        differences
    }

    /// Why, in a few words: the reasons of silence, the category, or the rule.
    fn because(&self) -> String {
        let told = ["reason", "category", "rule"].map(|key| self.told(key).join(", "));
        told.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    }

    fn sent(&self) -> String {
        let lines: Vec<String> = self
            .decided
            .outgoing
            .iter()
            .map(|outgoing| match outgoing.purpose {
                Purpose::Answer => format!("{} → {}", self.answered_with(), outgoing.envelope.to),
                purpose => format!("{} → {}", purpose.as_str(), outgoing.envelope.to),
            })
            .collect();
        if lines.is_empty() { "nothing".into() } else { lines.join("\n") }
    }
}

fn table(dealt: &[Dealt<'_>], language: Language, width: u16) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .set_header(match language {
            Language::Zh => ["来信", "判为", "原因", "案号", "发出", "原文"],
            Language::En | Language::Ja => ["mail", "taken for", "because", "case", "sent", "kept in"],
        });
    for row in dealt {
        let about = row.sample.expect.about(language);
        let case = row.decided.case.as_ref().map(|case| case.number.to_string()).unwrap_or_default();
        table.add_row([
            format!("{}\n{}", row.sample.file, one_line(about, 60)),
            row.kind().to_owned(),
            row.because(),
            case,
            row.sent(),
            short_path(&row.archived),
        ]);
    }
    table
}

/// `var/demo/data/archive/ab/abcdef….eml`: enough of it to find the file.
fn short_path(path: &Path) -> String {
    let path = path.to_string_lossy().into_owned();
    let archive = path.find("archive/").map_or(0, |at| at);
    path.get(archive..archive + 21).map_or(path.clone(), |short| format!("{short}…"))
}
