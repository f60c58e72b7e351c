//! Mails of which the shipped rules and templates must make exactly this, from reading to the words of the answer.
//!
//! `tests/fixtures/knowledge/NN-name.eml` is the mail and `NN-name.toml` beside it what becomes of it. The inline
//! tests of the rules ask what a mail is about; these ask what the customer gets.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use huixin::app;
use huixin::case::Facts;
use huixin::decide::{self, Decision, Mail};
use huixin::ids::{MailHash, TemplateName};
use huixin::outgoing::Purpose;
use huixin::playbook::Playbook;
use huixin::thread;
use serde::Deserialize;

use crate::fixtures::mails_in;
use crate::shipped;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "about is for the reader")]
struct Expect {
    about: String,
    /// None: no category is sure, or nobody asked.
    category: Option<String>,
    /// None: not answered.
    template: Option<String>,
    /// A human gets it.
    humans: bool,
    #[serde(default)]
    says: Vec<String>,
    #[serde(default)]
    lacks: Vec<String>,
    /// Exactly these fields are asked for.
    asks: Option<Vec<String>>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

#[test]
fn every_mail_gets_what_stands_beside_it() {
    let playbook = shipped::unchanged();
    let mut faults = Vec::new();
    for file in mails() {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let expect: Expect = toml::from_str(&fs::read_to_string(file.with_extension("toml")).unwrap()).unwrap();
        let decision = decision(&fs::read(&file).unwrap(), &playbook);
        faults.extend(differences(&expect, &decision).into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// What people say of each matter: category (or `other`: a human reads it), subject, body with `\n` for line ends.
#[test]
fn every_way_to_say_it_is_understood_and_what_nobody_can_answer_goes_to_humans() {
    let (playbook, mut faults) = (shipped::unchanged(), Vec::new());
    for line in include_str!("../fixtures/knowledge/said.tsv").lines() {
        let [category, subject, body] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let mail = format!(
            "From: ann@example.org\r\nTo: support@example.com\r\nMessage-ID: <said@example.org>\r\nSubject: {subject}\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}\r\n",
            body.replace("\\n", "\r\n")
        );
        let decision = decision(mail.as_bytes(), &playbook);
        let judgement = &decision.why.judgement;
        let found = judgement.category.as_ref().map_or("other", |won| won.category.as_str());
        let humans = decision.outgoing().any(|outgoing| outgoing.purpose == Purpose::Forward);
        let answered = decision.why.shown.template().is_some_and(|name| name.as_str().starts_with("kb/"));
        // What nobody can answer may be named by what it is nearest to; a human has to read it all the same.
        let right = if category == "other" { humans && !answered } else { found == category };
        if !right {
            faults.push(format!("{found} instead of {line}"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn mails() -> Vec<PathBuf> {
    mails_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/knowledge"))
}

fn decision(bytes: &[u8], playbook: &Playbook) -> Decision {
    let (message, hash) = (app::read(bytes), MailHash::of(bytes));
    let clues = thread::clues(&message, &hash, playbook.key());
    let facts = Facts { free_number: clues.candidates.first().copied(), ..Facts::default() };
    // A Monday in Shanghai, in office hours.
    let now = "2026-03-02T06:30:00Z".parse().unwrap();
    let mailbox = &playbook.config().mailboxes[0];
    let mail = Mail { mailbox, hash, message: &message, findings: None, delivered: now, junk: false, baseline: false };
    decide::decide(&mail, &facts, playbook, now)
}

/// What is otherwise than expected, a line each.
fn differences(expect: &Expect, decision: &Decision) -> Vec<String> {
    let judgement = &decision.why.judgement;
    let answer = decision.outgoing().find(|outgoing| outgoing.purpose == Purpose::Answer);
    let text = answer.map(|answer| app::read(&answer.content.bytes(None)).text).unwrap_or_default();
    let mut faults = Vec::new();
    let category = judgement.category.as_ref().map(|won| won.category.to_string());
    if category != expect.category {
        faults.push(format!("category is {category:?}"));
    }
    let template = answer.and(decision.why.shown.template()).map(TemplateName::to_string);
    if template != expect.template {
        faults.push(format!("answered with {template:?}"));
    }
    let humans = decision.outgoing().any(|outgoing| outgoing.purpose == Purpose::Forward);
    if humans != expect.humans {
        faults.push(format!("humans get it: {humans}"));
    }
    faults.extend(expect.says.iter().filter(|piece| !text.contains(*piece)).map(|p| format!("lacks {p:?}: {text}")));
    faults.extend(expect.lacks.iter().filter(|piece| text.contains(*piece)).map(|p| format!("says {p:?}: {text}")));
    if expect.asks.as_ref().is_some_and(|asks| *asks != judgement.ask) {
        faults.push(format!("asks for {:?}", judgement.ask));
    }
    faults.extend(expect.tags.iter().filter(|tag| !judgement.tags.contains(tag)).map(|tag| format!("lacks tag {tag}")));
    for (field, value) in &expect.fields {
        if judgement.fields.get(field) != Some(value) {
            faults.push(format!("{field} is {:?}", judgement.fields.get(field)));
        }
    }
    faults
}
