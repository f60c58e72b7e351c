//! `huixin inspect FILE…`: how a mail is read, and whether it may be answered automatically.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::terminal::{Progress, one_line};
use super::{Done, Exit, Trouble};
use crate::app;
use crate::ingest::reader;
use crate::language::Language;
use crate::message::{Limits, Message};
use crate::screen::{self, Screening};

#[derive(clap::Args)]
pub struct Options {
    /// Mails, one a file. A file that cannot be read gets its line as well.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// One JSON object a line, in the order of the files.
    #[arg(long)]
    json: bool,
    /// Leave the configuration aside: checks that need one (own addresses, age) are left out.
    #[arg(long)]
    offline: bool,
}

pub fn run(config: &Path, options: Options) -> Done {
    let desk = match options.offline {
        true => None,
        false => Some(app::desk(config).map_err(|error| Trouble::new(Exit::Config, error))?),
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut progress = Progress::new(options.files.len(), "reading");
    for (file, result) in options.files.iter().zip(reader::read_files(&options.files, Limits::default())) {
        let inspected = result.map(|message| {
            let now = app::now();
            let arrived = screen::Arrived { delivered: now, now, junk: false, baseline: false, findings: None };
            let screening = screen::screen(&message, desk.as_ref().map(|desk| (desk, &arrived)));
            (message, screening)
        });
        let line = match options.json {
            true => as_json(file, inspected.as_ref()),
            false => as_text(file, inspected.as_ref()),
        };
        if writeln!(out, "{line}").is_err() {
            // Whoever read our output has gone (`| head`).
            return Ok(Exit::Ok);
        }
        progress.step();
    }
    out.flush().map_err(|error| Trouble::new(Exit::IoErr, error))?;
    Ok(Exit::Ok)
}

type Inspected<'a> = Result<&'a (Message, Screening), &'a String>;

fn as_json(file: &Path, inspected: Inspected<'_>) -> String {
    let file = file.to_string_lossy();
    let object = match inspected {
        Err(why) => json!({
            "file": file, "kind": "unreadable", "answerable": false, "reasons": ["unreadable"], "error": why,
            "answer_to": null, "from": null, "subject": "", "language": "other", "text": "", "fresh_text": "",
            "attachments": [], "defects": ["unreadable"],
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
                json!({"name": attachment.name, "type": attachment.media_type, "size": attachment.size})
            }).collect::<Vec<_>>(),
            "defects": message.defects.iter().map(|defect| defect.code()).collect::<Vec<_>>(),
        }),
    };
    object.to_string()
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
    lines.extend(message.defects.iter().map(|defect| format!("  defect    {}", defect.code())));
    lines.extend(message.attachments.iter().map(|attachment| {
        let name = if attachment.name.is_empty() { "(no name)" } else { &attachment.name };
        format!("  attached  {name} ({}, {} octets)", attachment.media_type, attachment.size)
    }));
    lines.extend(message.segments.fresh.lines().map(|line| format!("  | {}", one_line(line, WIDTH))));
    lines.join("\n")
}
