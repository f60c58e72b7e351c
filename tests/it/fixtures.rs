//! Whole mails as people and programs write them, each with what is to be read in it and made of it.
//!
//! `tests/fixtures/mails/NNN-name.eml` is the mail, byte for byte as it would come in, and `NNN-name.toml` beside
//! it the expectation. A failure names every mail that is read otherwise. `HUIXIN_BLESS=1` rewrites the expectations
//! to what is found now, for a human to read the diff; a mail without an expectation gets its first one so.
//!
//! All people, hosts and cases are invented; their domains are those of RFC 2606.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use huixin::ids::{Key, MailHash};
use huixin::message::{self, Action, Limits, Message, Outcome, Report};
use huixin::screen::{self, Kind, Screening};
use huixin::thread;
use serde::{Deserialize, Serialize};

/// What is to be read in a mail and made of it. What is left out is not asked, but for the lists of attachments and
/// defects, which are always compared.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    /// What this mail is, and what is hard about it.
    about: String,
    /// Why the program reads it otherwise today. The rest of the expectation says what is true, and the test
    /// requires that it is not yet met, so that whoever mends it takes this line away.
    known_gap: Option<String>,
    kind: String,
    answerable: bool,
    /// Reasons that must be among those found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    /// Whom an answer would go to, where that is not plainly the sender.
    answer_to: Option<String>,
    /// `name <address>` of everyone in From.
    from: Option<String>,
    subject: Option<String>,
    language: Option<String>,
    fresh_text: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fresh_contains: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fresh_lacks: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    text_contains: Vec<String>,
    /// `name (media type)` of each attachment, the parts of a report among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    defects: Vec<String>,
    /// A line for the report itself, then one for each recipient.
    report: Option<Vec<String>>,
}

#[test]
fn every_mail_is_read_and_judged_as_its_expectation_says() {
    let bless = std::env::var_os("HUIXIN_BLESS").is_some();
    let mut faults = BTreeMap::new();
    let mails = mails();
    for file in &mails {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let message = message::read(&fs::read(file).unwrap(), &Limits::default());
        let screening = screen::screen(&message, None);
        let beside = file.with_extension("toml");
        let expect: Option<Expect> = match fs::read_to_string(&beside) {
            Ok(text) => Some(toml::from_str(&text).unwrap_or_else(|error| panic!("{name}.toml: {error}"))),
            Err(_) => None,
        };
        let differs = expect.as_ref().is_none_or(|expect| !differences(expect, &message, &screening).is_empty());
        if bless && differs && expect.as_ref().is_none_or(|expect| expect.known_gap.is_none()) {
            let found = found(&message, &screening, expect);
            fs::write(&beside, toml::to_string_pretty(&found).unwrap()).unwrap();
            continue;
        }
        let Some(expect) = expect else {
            faults.insert(name, vec!["has no expectation beside it".to_owned()]);
            continue;
        };
        let differences = differences(&expect, &message, &screening);
        match (expect.known_gap.is_some(), differences.is_empty()) {
            (true, true) => {
                faults.insert(name, vec!["is read as it should be: take its known_gap away".to_owned()]);
            }
            (false, false) => {
                faults.insert(name, differences);
            }
            _ => {}
        }
    }
    let told: Vec<String> =
        faults.iter().map(|(name, differences)| format!("{name}\n    {}", differences.join("\n    "))).collect();
    assert!(faults.is_empty(), "{} of {} mails:\n{}", faults.len(), mails.len(), told.join("\n"));
}

#[test]
fn an_expectation_stands_beside_a_mail_and_names_what_there_is() {
    for entry in fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().path();
        match file.extension().and_then(|ending| ending.to_str()) {
            Some("eml") => {}
            Some("toml") => {
                assert!(file.with_extension("eml").exists(), "{} has no mail", file.display());
                let expect: Expect = toml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
                assert!(Kind::parse(&expect.kind).is_some(), "{}: no kind {:?}", file.display(), expect.kind);
                for code in &expect.reasons {
                    assert!(screen::Reason::parse(code).is_some(), "{}: no reason {code:?}", file.display());
                }
            }
            _ => panic!("{} is neither a mail nor an expectation", file.display()),
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mails")
}

fn mails() -> Vec<PathBuf> {
    mails_in(&folder())
}

/// The mails of a folder, in the order of their names.
pub fn mails_in(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|ending| ending == "eml")).collect();
    files.sort();
    files
}

/// What is found in a mail, in the form of an expectation that asks what `asked` asks; everything, without one.
fn found(message: &Message, screening: &Screening, asked: Option<Expect>) -> Expect {
    let asks = |pick: fn(&Expect) -> bool| asked.as_ref().is_none_or(pick);
    let kept = asked.clone().unwrap_or_default();
    let sender = message.sender().map(ToString::to_string);
    let answer_to = screening.answer_to.as_ref().map(ToString::to_string);
    Expect {
        about: kept.about,
        known_gap: None,
        kind: screening.kind.as_str().to_owned(),
        answerable: screening.answerable(),
        reasons: screening.reasons.iter().map(|reason| reason.code().to_owned()).collect(),
        answer_to: answer_to.filter(|to| kept.answer_to.is_some() || sender.as_ref() != Some(to)),
        from: asks(|expect| expect.from.is_some()).then(|| from(message)),
        subject: asks(|expect| expect.subject.is_some()).then(|| message.subject.clone()),
        language: asks(|expect| expect.language.is_some()).then(|| message.language.as_str().to_owned()),
        fresh_text: asks(|expect| expect.fresh_text.is_some()).then(|| message.segments.fresh.clone()),
        fresh_contains: kept.fresh_contains,
        fresh_lacks: kept.fresh_lacks,
        text_contains: kept.text_contains,
        attachments: attachments(message),
        defects: defects(message),
        report: message.report.as_ref().map(report).filter(|_| asks(|expect| expect.report.is_some())),
    }
}

/// What is found otherwise than expected, a line each.
fn differences(expect: &Expect, message: &Message, screening: &Screening) -> Vec<String> {
    let found = found(message, screening, None);
    let mut differences = Vec::new();
    let mut same = |what: &str, expected: Option<String>, found: String| {
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            differences.push(format!("{what}: expected {expected:?}, found {found:?}"));
        }
    };
    same("kind", Some(expect.kind.clone()), found.kind);
    same("answerable", Some(expect.answerable.to_string()), format!("{}", found.answerable));
    if expect.answerable {
        same("reasons", Some("[]".to_owned()), format!("{:?}", found.reasons));
    }
    for reason in &expect.reasons {
        let present = if found.reasons.contains(reason) { reason.clone() } else { found.reasons.join(", ") };
        same("reason", Some(reason.clone()), present);
    }
    let plainly = || message.sender().map(ToString::to_string).filter(|_| expect.answerable);
    let answer_to = screening.answer_to.as_ref().map(ToString::to_string).unwrap_or_default();
    same("answer_to", expect.answer_to.clone().or_else(plainly), answer_to);
    same("from", expect.from.clone(), found.from.unwrap_or_default());
    same("subject", expect.subject.clone(), message.subject.clone());
    same("language", expect.language.clone(), found.language.unwrap_or_default());
    let fresh = &message.segments.fresh;
    same("fresh_text", expect.fresh_text.clone().map(|text| text.trim_end().to_owned()), fresh.trim_end().to_owned());
    same("attachments", Some(expect.attachments.join("; ")), found.attachments.join("; "));
    same("defects", Some(expect.defects.join(", ")), found.defects.join(", "));
    same("report", expect.report.as_ref().map(|lines| lines.join("\n")), found.report.unwrap_or_default().join("\n"));
    for piece in expect.fresh_contains.iter().filter(|piece| !fresh.contains(*piece)) {
        differences.push(format!("the fresh text lacks {piece:?}: {fresh:?}"));
    }
    for piece in expect.fresh_lacks.iter().filter(|piece| fresh.contains(*piece)) {
        differences.push(format!("the fresh text has {piece:?}: {fresh:?}"));
    }
    for piece in expect.text_contains.iter().filter(|piece| !message.text.contains(*piece)) {
        differences.push(format!("the text lacks {piece:?}: {:?}", message.text));
    }
    differences
}

fn from(message: &Message) -> String {
    let people: Vec<String> = message
        .from
        .iter()
        .map(|person| format!("{} <{}>", person.name, person.written).trim_start().to_owned())
        .collect();
    people.join(", ")
}

fn attachments(message: &Message) -> Vec<String> {
    let told = |attachment: &message::Attachment| {
        format!("{} ({})", attachment.name, attachment.media_type).trim_start().to_owned()
    };
    message.attachments.iter().map(told).collect()
}

fn defects(message: &Message) -> Vec<String> {
    let mut codes: Vec<String> = message.defects.iter().map(|defect| defect.code().to_owned()).collect();
    codes.sort_unstable();
    codes
}

fn report(report: &Report) -> Vec<String> {
    let about = report.about().iter().map(|id| format!(" about {id}")).collect::<String>();
    match report {
        Report::Delivery { outcomes, .. } => {
            let mut lines = vec![format!("delivery{about}")];
            lines.extend(outcomes.iter().map(outcome));
            lines
        }
        Report::Abuse { kind, .. } => vec![format!("abuse: {kind}{about}")],
        Report::Disposition { kind, .. } => vec![format!("disposition: {kind}{about}")],
        Report::Dmarc => vec!["dmarc".to_owned()],
        Report::Tls => vec!["tls".to_owned()],
    }
}

fn outcome(outcome: &Outcome) -> String {
    let action = match outcome.action {
        Action::Failed => "failed",
        Action::Delayed => "delayed",
        Action::Delivered => "delivered",
        Action::Relayed => "relayed",
        Action::Expanded => "expanded",
        Action::Other => "other",
    };
    let status = outcome.status.map(|status| format!(" {status}")).unwrap_or_default();
    format!("{}: {action}{status}", outcome.recipient)
}

// Faults that other programs had, each with a name.

/// A mail of Ann's with these header fields, and what is made of it.
fn screened(headers: &str, text: &str) -> (Message, Screening) {
    let mail = format!("From: Ann <ann@example.org>\nTo: support@example.com\n{headers}\n{text}\n");
    let message = message::read(mail.replace('\n', "\r\n").as_bytes(), &Limits::default());
    let screening = screen::screen(&message, None);
    (message, screening)
}

/// FreeScout took every `Auto-Submitted` for an automatic reply.
#[test]
fn auto_submitted_no_is_a_human() {
    for value in ["no", "No", "no; by hand", "no (really)"] {
        let (_, screening) = screened(&format!("Auto-Submitted: {value}\n"), "The printer eats paper again.");
        assert!(screening.answerable(), "{value}: {screening:?}");
        assert_eq!(screening.kind, Kind::Human);
    }
}

/// FreeScout compared `Precedence` with its case.
#[test]
fn precedence_bulk_is_seen_in_any_case() {
    for field in ["Precedence: bulk", "Precedence: Bulk", "precedence: BULK", "PRECEDENCE: Junk", "Precedence: List"] {
        let (_, screening) = screened(&format!("{field}\n"), "Spring sale");
        assert!(!screening.answerable(), "{field}");
        assert_eq!(screening.kind, Kind::List, "{field}");
    }
}

/// osTicket compared the values of `X-Auto-Response-Suppress` with their case.
#[test]
fn x_auto_response_suppress_is_seen_in_any_case() {
    for value in ["All", "all", "ALL", "OOF", "oof, AutoReply", "DR, RN, NRN, OOF, autoreply"] {
        let (_, screening) = screened(&format!("x-auto-response-suppress: {value}\n"), "Hello");
        assert!(!screening.answerable(), "{value}");
    }
    for value in ["None", "DR", "DR, RN, NRN"] {
        let (_, screening) = screened(&format!("X-Auto-Response-Suppress: {value}\n"), "Hello");
        assert!(screening.answerable(), "{value}: only reports are not wanted");
    }
}

/// Chatwoot and libredesk dropped mail without a Message-ID.
#[test]
fn a_mail_without_a_message_id_is_a_mail() {
    for headers in ["Subject: Invoice\n", "Subject: Invoice\nMessage-ID:\n", "Subject: Invoice\nMessage-ID: <>\n"] {
        let (message, screening) = screened(headers, "Where do I find my invoice?");
        assert_eq!(message.message_id, None);
        assert_eq!(message.segments.fresh, "Where do I find my invoice?");
        assert!(screening.answerable(), "{headers}: {screening:?}");
    }
}

/// libredesk put every mail with an empty In-Reply-To into one conversation (its issue 122).
#[test]
fn an_empty_identifier_joins_nothing() {
    let key = Key::from_bytes([7; 32]);
    let clues = |headers: &str| {
        let (message, _) = screened(headers, "Hello");
        thread::clues(&message, &MailHash::of(headers.as_bytes()), &key)
    };
    for headers in [
        "",
        "In-Reply-To:\n",
        "In-Reply-To: <>\nReferences: <>\n",
        "References: \n",
        "In-Reply-To: < >\nReferences: <> <\t>\nMessage-ID: <>\n",
        "In-Reply-To: your mail of Monday\n",
    ] {
        let clues = clues(headers);
        assert!(
            clues.signed.is_empty() && clues.references.is_empty() && clues.numbers.is_empty(),
            "{headers}: {clues:?}"
        );
        assert_eq!(clues.twin, None, "{headers}: without a Message-ID nothing is the same mail");
    }
}

/// django-helpdesk broke off at header fields in raw GBK.
#[test]
fn header_fields_in_raw_gbk_are_read() {
    let (message, screening) = read("165-gbk-raw-header");
    assert_eq!(from(&message), "周建国 <zhou.jianguo@example.org>");
    assert_eq!(message.subject, "关于邮箱扩容的申请");
    assert!(screening.answerable(), "{screening:?}");
}

/// Zammad lost mail labelled gb2312 that holds an en dash, which only its successor GBK knows (its issue 6054).
#[test]
fn gb2312_with_an_en_dash_is_read() {
    let (message, screening) = read("166-gb2312-en-dash");
    assert!(message.segments.fresh.contains("9:00–18:00"), "{}", message.segments.fresh);
    assert!(screening.answerable(), "{screening:?}");
}

fn read(name: &str) -> (Message, Screening) {
    let raw = fs::read(folder().join(name).with_extension("eml")).unwrap();
    let message = message::read(&raw, &Limits::default());
    let screening = screen::screen(&message, None);
    (message, screening)
}
