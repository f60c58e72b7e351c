//! `huixin explain FILE…`: the whole decision about a mail, as if it came in now. Changes nothing.
//!
//! A mail is explained as the first of a new case: what the store knew of its sender that day is gone. Where the bot has
//! taken it already, the journal says into which case it went then, and why.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::operator::trouble;
use super::rules::named;
use super::terminal::{Progress, one_line};
use super::{Done, Exit, Trouble, judged};
use crate::app::{self, files};
use crate::case::Facts;
use crate::decide::{self, Decision, Mail, told};
use crate::ids::{MailHash, MailboxName, RuleId};
use crate::ingest::reader;
use crate::language::Language;
use crate::message::Message;
use crate::rules::{Input, Rules};
use crate::store::{Decisions, StoreError};
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
    /// Also say why this rule did not hold: its first condition that fails, and what would have made it hold.
    #[arg(long, value_name = "ID")]
    why_not: Option<String>,
}

/// Columns of a line.
const WIDTH: usize = 100;
/// Rules told that nearly held.
const NEAR_MISSES: usize = 3;

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
    let why_not = options.why_not.as_deref().map(|id| named(playbook.rules(), id)).transpose()?;
    let taken = Decisions::beside(&configured.path(&configured.config.data)).map_err(trouble)?;
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
        let question = decide::question(&mail, None, &facts, &decision.why.screening.authentication, &playbook, now);
        let mut judged = judged::judgement(&decide::scored(&question, &playbook), &playbook);
        judged.extend(traced(&question, playbook.rules(), why_not.as_ref()));
        judged.extend(taken.as_ref().map(|taken| then(taken, &hash)).transpose().map_err(trouble)?.unwrap_or_default());
        println!("{}", explanation(path, &decide::shown(&question, playbook.rules()), &decision, judged));
        for outgoing in decision.outgoing() {
            println!("{}", letter(outgoing, &bytes, options.raw));
        }
        progress.step();
    }
    Ok(exit)
}

/// Where the mail went when it came, and why.
fn then(taken: &Decisions, mail: &MailHash) -> Result<judged::Lines, StoreError> {
    let Some(decided) = taken.of(mail)? else { return Ok(judged::Lines::new()) };
    let told = decided.why.0.iter().filter_map(|(key, text)| match key.as_str() {
        "thread" => Some(told::thread_line(text, Language::En)),
        "shown" => Some(text.clone()),
        _ => None,
    });
    let mut lines = vec![("then", decided.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())];
    lines.extend(told.map(|text| ("", one_line(&text, WIDTH * 2))));
    Ok(lines)
}

/// The rules that nearly held, and why the one that was asked for did not.
fn traced(question: &Input<'_>, rules: &Rules, why_not: Option<&RuleId>) -> judged::Lines {
    let mut lines = judged::near_misses(&decide::near_misses(question, rules, NEAR_MISSES));
    if let Some(trace) = why_not.and_then(|rule| decide::traced(question, rules, rule)) {
        lines.extend(judged::why_not(&trace, rules));
    }
    lines
}

/// Everything but the mails that would leave.
fn explanation(path: &Path, message: &Message, decision: &Decision, judged: judged::Lines) -> String {
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
    line("thread", told::threading(&why.threading, Language::En));
    if let Some(number) = why.names {
        line("", told::names_another(number, Language::En));
    }
    for (label, value) in judged {
        line(label, value);
    }
    let judgement = &why.judgement;
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
