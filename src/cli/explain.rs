//! `huixin explain FILE…`: the whole decision about a mail, as if it came in now. Changes nothing.
//!
//! A mail is explained as the first of a new case: what the store knows is left aside, since a running bot
//! holds it and an explanation must not wait for it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::terminal::{Progress, one_line};
use super::{Done, Exit, Trouble};
use crate::app::{self, files};
use crate::case::Facts;
use crate::decide::{self, Decision, Mail, told};
use crate::ids::{MailHash, MailboxName};
use crate::ingest::reader;
use crate::language::Language;
use crate::message::Message;
use crate::playbook::Playbook;
use crate::rules::{CategoryScore, Evidence, Phase};
use crate::thread;

#[derive(clap::Args)]
pub struct Options {
    /// Mails, one a file.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The mailbox the mail comes in by; default: the first by name.
    #[arg(long, value_name = "NAME")]
    mailbox: Option<String>,
    /// Show the mails that would leave byte for byte, headers and all.
    #[arg(long)]
    raw: bool,
}

/// Columns of a line.
const WIDTH: usize = 100;

pub fn run(file: &Path, options: Options) -> Done {
    let configured = files::configured(file).map_err(|problems| Trouble::new(Exit::Config, problems))?;
    let key = app::stored_key(&configured);
    let (playbook, ..) = app::playbook(&configured, key).map_err(|problems| Trouble::new(Exit::Config, problems))?;
    let mailbox = match &options.mailbox {
        None => playbook.config().mailboxes.first(),
        Some(name) => MailboxName::parse(name).ok().and_then(|name| playbook.config().mailbox(&name)),
    };
    let Some(mailbox) = mailbox else {
        return Err(Trouble::new(Exit::Usage, anyhow::anyhow!("there is no such mailbox in {}", file.display())));
    };
    let (mut exit, mut progress) = (Exit::Ok, Progress::new(options.files.len(), "deciding"));
    for path in &options.files {
        let bytes = match reader::read_file(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                eprintln!("huixin: {}: {error}", path.display());
                exit = Exit::NoInput;
                continue;
            }
        };
        let (message, hash, now) = (app::read(&bytes), MailHash::of(&bytes), app::now());
        let clues = thread::clues(&message, &hash, playbook.key());
        let facts = Facts { free_number: clues.candidates.first().copied(), ..Facts::default() };
        let mail =
            Mail { mailbox, hash, message: &message, findings: None, delivered: now, junk: false, baseline: false };
        let decision = decide::decide(&mail, &facts, &playbook, now);
        println!("{}", explanation(path, &message, &decision, &playbook));
        for outgoing in decision.outgoing() {
            println!("{}", letter(outgoing, &bytes, options.raw));
        }
        progress.step();
    }
    Ok(exit)
}

/// Everything but the mails that would leave.
fn explanation(path: &Path, message: &Message, decision: &Decision, playbook: &Playbook) -> String {
    let (why, mut text) = (&decision.why, String::new());
    let mut line = |label: &str, value: String| {
        let _ = writeln!(text, "  {label:<10}{value}");
    };
    let from = message.from.iter().map(|p| format!("{} <{}>", p.name, p.written)).collect::<Vec<_>>().join(", ");
    line("from", one_line(&from, WIDTH));
    line("subject", one_line(&message.subject, WIDTH));
    line("language", message.language.as_str().to_owned());
    line("screened", why.screening.kind.as_str().to_owned());
    for reason in &why.screening.reasons {
        line("", format!("no answer, {}: {}", reason.code(), reason.explanation(Language::En)));
    }
    for (key, value) in why.lines().into_iter().filter(|(key, _)| key == "thread") {
        line(&key, value);
    }
    let judgement = &why.judgement;
    for hit in judgement.hits.iter().filter(|hit| hit.phase != Phase::Classify) {
        let shadow = if hit.shadow { " (shadow: no effect)" } else { "" };
        line(hit.phase.as_str(), format!("{}{shadow}  {}", hit.rule, evidence(&hit.evidence)));
    }
    for score in &judgement.scores {
        line("score", scored(score, playbook));
        for contribution in &score.contributions {
            let (rule, weight) = (&contribution.rule, contribution.weight);
            line("", format!("{weight:+5.1}  {rule}  {}", evidence(&contribution.evidence)));
        }
    }
    match (&judgement.category, &judgement.why_not) {
        (Some(won), _) => line("category", format!("{}, {:.1} ahead of the next", won.category, won.margin)),
        (None, Some(why_not)) => line("category", format!("none: {}", told::ambiguity(why_not, Language::En))),
        (None, None) => {}
    }
    for (field, value) in &judgement.fields {
        line("found", format!("{field} = {}", one_line(value, WIDTH)));
    }
    if !judgement.ask.is_empty() {
        line("missing", judgement.ask.join(", "));
    }
    if let Some(handoff) = &judgement.handoff {
        line("handoff", handoff.reason.clone());
    }
    if let Some(silence) = &why.silence {
        line("silent", told::silence(silence, &why.screening, Language::En));
    }
    line("decided", why.shown.to_string());
    if let Some(case) = decision.case() {
        line("case", format!("{} {}, group {}", case.number, case.state.as_str(), case.group));
    }
    format!("{}\n{text}", one_line(&path.to_string_lossy(), WIDTH * 4))
}

fn scored(score: &CategoryScore, playbook: &Playbook) -> String {
    let label = playbook.category_label(&score.category, Language::Zh);
    format!("{:5.1} of {:.1}  {} {label}", score.score, score.threshold, score.category)
}

fn evidence(evidence: &[Evidence]) -> String {
    let spans: Vec<String> =
        evidence.iter().map(|span| format!("{}: “{}”", span.segment.as_str(), one_line(&span.text, 40))).collect();
    spans.join(", ")
}

/// A mail that would leave, as a person would see it, or byte for byte.
fn letter(outgoing: &crate::outgoing::Outgoing, original: &[u8], raw: bool) -> String {
    let original = outgoing.content.original.is_some().then_some(original);
    let bytes = outgoing.content.bytes(original);
    let head = format!("  {} to {}", outgoing.purpose.as_str(), outgoing.envelope.to);
    if raw {
        return format!("{head}\n{}", String::from_utf8_lossy(&bytes));
    }
    let seen = app::read(&bytes);
    let body: Vec<String> = seen.text.lines().map(|line| format!("    {}", line.trim_end())).collect();
    format!("{head}\n    {}\n\n{}\n", seen.subject, body.join("\n"))
}
