//! `huixin inspect FILE…`: how a mail is read, and whether it may be answered automatically.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::terminal::{Progress, one_line};
use super::{Done, Exit, Trouble, terminal};
use crate::app::{self, files};
use crate::decide;
use crate::ingest::reader;
use crate::language::Language;
use crate::message::{Message, Report};
use crate::problem::{Problems, SourceText};
use crate::rules::{self, Input, Rules};
use crate::screen::{self, Desk, Screening};

#[derive(clap::Args)]
pub struct Options {
    /// Mails, one a file. A file that cannot be read gets its line as well.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// One JSON object a line, in the order of the files.
    #[arg(long)]
    json: bool,
    /// Leave the configuration aside: checks that need one (own addresses, age) are left out, and secrets are masked as
    /// by the shipped rules.
    #[arg(long)]
    offline: bool,
    /// Show passwords, codes, card numbers and the like as they stand in the mail.
    #[arg(long)]
    unmasked: bool,
}

/// What says, without a configuration, what is a secret.
const SHIPPED: &str = include_str!("../../rules/05-secret.toml");

pub fn run(config: &Path, options: Options) -> Done {
    let (desk, rules) = known(config, options.offline).map_err(|error| Trouble::new(Exit::Config, error))?;
    let rules = Some(rules).filter(|_| !options.unmasked);
    let results = reader::on_all_cores(&options.files, |file| {
        let message = app::read(&reader::read_file(file).map_err(|error| error.to_string())?);
        Ok(inspected(message, desk.as_ref(), rules.as_ref()))
    });
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut progress = Progress::new(options.files.len(), "reading");
    for (file, inspected) in options.files.iter().zip(results) {
        let line = match options.json {
            true => as_json(file, inspected.as_ref()),
            false => as_text(file, inspected.as_ref()),
        };
        if let Err(error) = writeln!(out, "{line}") {
            terminal::written(Err(error));
            return Ok(Exit::Ok);
        }
        progress.step();
    }
    terminal::written(out.flush());
    Ok(Exit::Ok)
}

/// The organisation, if it is to be known, and the rules that say what is a secret.
fn known(config: &Path, offline: bool) -> Result<(Option<Desk>, Rules), Problems> {
    let configured = if offline { None } else { Some(files::configured(config)?) };
    let texts = match &configured {
        None => vec![SourceText::new("05-secret.toml", SHIPPED)],
        Some(configured) => files::texts(configured)?.rules,
    };
    let (rules, problems) = rules::load(&texts);
    if problems.has_errors() { Err(problems) } else { Ok((configured.as_ref().map(app::desk), rules)) }
}

/// Screened as it came, shown as these rules allow.
fn inspected(message: Message, desk: Option<&Desk>, rules: Option<&Rules>) -> (Message, Screening) {
    let now = app::now();
    let arrived = screen::Arrived { delivered: now, now, junk: false, baseline: false, findings: None };
    let screening = screen::screen(&message, desk.map(|desk| (desk, &arrived)));
    let shown = rules.map(|rules| {
        let language = message.language.language().unwrap_or(Language::En);
        decide::shown(&Input::first(&message, language, now), rules).into_owned()
    });
    (shown.unwrap_or(message), screening)
}

type Inspected<'a> = Result<&'a (Message, Screening), &'a String>;

fn as_json(file: &Path, inspected: Inspected<'_>) -> String {
    let file = file.to_string_lossy();
    let object = match inspected {
        Err(why) => json!({
            "file": file, "kind": "unreadable", "answerable": false, "reasons": ["unreadable"], "error": why,
            "answer_to": null, "from": null, "subject": "", "language": "other", "text": "", "fresh_text": "",
            "attachments": [], "report": null, "defects": ["unreadable"],
        }),
        Ok((message, screening)) => json!({
            "file": file,
            "kind": screening.kind.as_str(),
            "answerable": screening.answerable(),
            "reasons": screening.reasons.iter().map(|reason| reason.code()).collect::<Vec<_>>(),
            "answer_to": screening.answer_to.as_ref().map(ToString::to_string),
            "from": message.from.first().map(|person| json!({"address": person.written, "name": person.name})),
            "subject": message.subject,
            "language": message.language.as_str(),
            "text": message.text,
            "fresh_text": message.segments.fresh,
            "attachments": message.attachments.iter().map(|attachment| {
                json!({
                    "name": attachment.name, "other_names": attachment.other_names, "type": attachment.media_type, "size": attachment.size,
                    "sniffed": attachment.sniffed, "disguised": attachment.is_disguised(),
                    "sha256": attachment.hash.to_string(),
                })
            }).collect::<Vec<_>>(),
            "report": message.report.as_ref().map(report),
            "defects": message.defects.iter().map(|defect| defect.code()).collect::<Vec<_>>(),
        }),
    };
    object.to_string()
}

fn report(report: &Report) -> serde_json::Value {
    let about: Vec<String> = report.about().iter().map(ToString::to_string).collect();
    match report {
        Report::Delivery { outcomes, .. } => json!({
            "kind": "delivery",
            "about": about,
            "outcomes": outcomes.iter().map(|outcome| json!({
                "recipient": outcome.recipient,
                "action": outcome.action.as_str(),
                "status": outcome.status.map(|status| status.to_string()),
                "diagnostic": outcome.diagnostic,
            })).collect::<Vec<_>>(),
        }),
        Report::Abuse { kind, .. } => json!({"kind": "abuse", "says": kind, "about": about}),
        Report::Disposition { kind, .. } => json!({"kind": "disposition", "says": kind, "about": about}),
        Report::Dmarc => json!({"kind": "dmarc"}),
        Report::Tls => json!({"kind": "tls"}),
    }
}

fn as_text(file: &Path, inspected: Inspected<'_>) -> String {
    const WIDTH: usize = 100;
    let (message, screening) = match inspected {
        Err(why) => return format!("{}: unreadable: {why}", one_line(&file.to_string_lossy(), WIDTH * 4)),
        Ok(inspected) => inspected,
    };
    let from = message.from.iter().map(|p| format!("{} <{}>", p.name, p.written)).collect::<Vec<_>>().join(", ");
    let mut lines = vec![
        format!("{}: {}", one_line(&file.to_string_lossy(), WIDTH * 4), screening.kind.as_str()),
        format!("  from      {}", one_line(&from, WIDTH)),
        format!("  subject   {}", one_line(&message.subject, WIDTH)),
        format!("  language  {}", message.language.as_str()),
        match (&screening.answer_to, screening.answerable()) {
            (Some(address), true) => format!("  answer    to {address}"),
            _ => "  answer    none".to_owned(),
        },
    ];
    lines.extend(
        screening
            .reasons
            .iter()
            .map(|reason| format!("  because   {}: {}", reason.code(), reason.explanation(Language::En))),
    );
    if let Some(Report::Delivery { outcomes, .. }) = &message.report {
        lines.extend(outcomes.iter().map(|outcome| {
            let status = outcome.status.map(|status| status.to_string()).unwrap_or_default();
            let told = format!("{} {} {status} {}", outcome.recipient, outcome.action.as_str(), outcome.diagnostic);
            format!("  reports   {}", one_line(&told, WIDTH))
        }));
    }
    lines.extend(message.defects.iter().map(|defect| format!("  defect    {}", defect.code())));
    lines.extend(message.attachments.iter().map(|attachment| {
        let name = if attachment.name.is_empty() { "(no name)" } else { &attachment.name };
        let is = match attachment.sniffed {
            Some(sniffed) if attachment.is_disguised() => format!("; its octets say {sniffed}"),
            _ => String::new(),
        };
        let also: String = attachment.other_names.iter().map(|other| format!(", also called {other}")).collect();
        format!("  attached  {name}{also} ({}, {} octets{is})", attachment.media_type, attachment.size)
    }));
    lines.extend(message.segments.fresh.lines().map(|line| format!("  | {}", one_line(line, WIDTH))));
    lines.join("\n")
}
