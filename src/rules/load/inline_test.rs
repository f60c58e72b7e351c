//! `[[rule.test]]`.

use std::collections::BTreeMap;

use super::operand::{case_moment, proof};
use super::reader::{Table, Text, Value};
use super::{Loader, dangling, duration};
use crate::language::Language;
use crate::problem::Problems;
use crate::rules::inline_test::{InlineTest, SyntheticAttachment, SyntheticMail, Want};
use crate::rules::judgement::{CaseMoment, Proofs};
use crate::rules::operand::Method;
use crate::rules::taxonomy::{Priority, UNCLASSIFIED};
use crate::time::Timestamp;

impl<'t> Loader<'t> {
    pub(super) fn inline_test(&mut self, mut table: Table<'t>, faults: &mut Problems) -> InlineTest {
        let text = |table: &mut Table<'t>, key, faults: &mut Problems| {
            table.text(key, faults).map(|text| text.text.to_owned())
        };
        let said: Vec<&str> = ["subject", "body", "from", "to", "headers", "attachments"]
            .into_iter()
            .filter(|key| table.has(key))
            .collect();
        let name = text(&mut table, "name", faults);
        let mail = SyntheticMail {
            subject: text(&mut table, "subject", faults).unwrap_or_default(),
            body: text(&mut table, "body", faults).unwrap_or_default(),
            from: text(&mut table, "from", faults),
            to: text(&mut table, "to", faults),
            headers: headers(&mut table, faults),
            attachments: attachments(&mut table, faults),
            eml: table.text("eml", faults).map(|text| (text.text.to_owned(), text.span)),
        };
        if mail.eml.is_some() && !said.is_empty() {
            faults.push(table.error("`eml` is a whole mail: nothing else can be said of it").code("E09"));
        }
        let language = table
            .text("lang", faults)
            .and_then(|text| text.one_of("language", &Language::ALL, Language::as_str, faults));
        let case = table.text("case", faults).and_then(|text| case_moment(&text, faults));
        let now = table.take("now").and_then(|value| timestamp(&value, faults));
        let mut count = |key| {
            let value = table.take(key)?;
            let number = u32::try_from(value.integer(faults)?).ok();
            if number.is_none() {
                faults.push(value.error("this is no count").code("E09"));
            }
            number
        };
        let (exchanges, answers, open_cases) = (count("exchanges"), count("bot_replies"), count("open_cases"));
        let age = table.text("age", faults).and_then(|text| duration(&text, faults));
        let tier = text(&mut table, "tier", faults);
        let proofs = proofs(&mut table, faults);
        let subject_unchanged = table.boolean("same_subject", faults).unwrap_or(false);
        let xfail = table.boolean("xfail", faults).unwrap_or(false);
        let want = match table.require("want", faults).and_then(|want| want.table(faults)) {
            Some(want) => self.want(want, faults),
            None => Want::default(),
        };
        let (source, span) = (table.file().clone(), table.span());
        table.finish(faults);
        InlineTest {
            name,
            source,
            span,
            mail,
            language,
            case: case.unwrap_or(CaseMoment::New),
            now,
            exchanges: exchanges.unwrap_or(1),
            answers: answers.unwrap_or(0),
            subject_unchanged,
            tier,
            age: age.unwrap_or_default(),
            open_cases: open_cases.unwrap_or(0),
            proofs,
            want,
            xfail,
        }
    }

    fn want(&mut self, mut table: Table<'t>, faults: &mut Problems) -> Want {
        let category = self.wanted_category(&mut table, "category", faults);
        let not_category = self.wanted_category(&mut table, "not_category", faults);
        let group = table.text("group", faults);
        if let Some(group) = &group {
            self.known_group(group, faults);
        }
        let priority = table
            .text("priority", faults)
            .and_then(|text| text.one_of("priority", &Priority::ALL, Priority::as_str, faults));
        let ask = table.take("ask").map(|value| value.texts(faults));
        for field in ask.iter().flatten() {
            if self.taxonomy.field(field.text).is_none() {
                let known = self.taxonomy.fields().iter().map(|known| known.id.as_str());
                faults.push(dangling("field", field).did_you_mean(field.text, known));
            }
        }
        let owned = |texts: Vec<Text<'_>>| texts.iter().map(|text| text.text.to_owned()).collect();
        let want = Want {
            matches: table.boolean("match", faults),
            category,
            not_category,
            reply: table.take("reply").and_then(|value| text_or_none(&value, faults)),
            group: group.map(|group| group.text.to_owned()),
            priority,
            tags: table.take("tags").map(|value| owned(value.texts(faults))),
            ask: ask.map(owned),
            handoff: table.boolean("handoff", faults),
            suppress: table.boolean("suppress", faults),
            wish: table.text("wish", faults).map(|text| text.text.to_owned()),
            redact: table.take("redact").map(|value| owned(value.texts(faults))),
            notify: table.take("notify").map(|value| owned(value.texts(faults))),
            fields: fields(&mut table, faults),
            score_min: table.number("score_min", faults),
        };
        table.finish(faults);
        want
    }

    /// The name of a category; `other` for none.
    fn wanted_category(&mut self, table: &mut Table<'t>, key: &'static str, faults: &mut Problems) -> Option<String> {
        let text = table.text(key, faults)?;
        if text.text != UNCLASSIFIED {
            self.known_category(&text, faults);
        }
        Some(text.text.to_owned())
    }
}

/// `{ "Auto-Submitted" = "auto-replied" }`, or a list of values.
fn headers(table: &mut Table<'_>, faults: &mut Problems) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (name, value) in table.table("headers", faults).into_iter().flat_map(Table::rest) {
        // RFC 5322 §2.2: printable ASCII without the colon.
        let is_name = !name.text.is_empty() && name.text.chars().all(|c| c.is_ascii_graphic() && c != ':');
        if !is_name {
            faults.push(name.error(format!("`{}` is no name of a header field", name.text)).code("E09"));
            continue;
        }
        for text in value.texts(faults) {
            headers.push((name.text.to_owned(), text.text.to_owned()));
        }
    }
    headers
}

/// File names, or tables with `name`, `type`, `text` and `size_mb`.
fn attachments(table: &mut Table<'_>, faults: &mut Problems) -> Vec<SyntheticAttachment> {
    let mut attachments = Vec::new();
    for value in table.take("attachments").map_or(Vec::new(), |value| value.items(faults)) {
        let Some(mut table) = value.as_table() else {
            attachments.extend(
                value.text(faults).map(|name| SyntheticAttachment { name: name.text.to_owned(), ..Default::default() }),
            );
            continue;
        };
        let mut text = |key| table.text(key, faults).map(|text| text.text.to_owned());
        let (name, media_type, content) = (text("name"), text("type"), text("text"));
        let size = table.number("size_mb", faults).map(|size| (size * 1024.0 * 1024.0) as usize);
        table.finish(faults);
        attachments.push(SyntheticAttachment { name: name.unwrap_or_default(), media_type, text: content, size });
    }
    attachments
}

/// `auth = ["dkim:pass", "from:fail"]`.
fn proofs(table: &mut Table<'_>, faults: &mut Problems) -> Proofs {
    let mut proofs = Proofs::default();
    for text in table.texts("auth", faults) {
        if let Some((method, found)) = proof(&text, faults) {
            match method {
                Method::Dkim => proofs.dkim = found,
                Method::Spf => proofs.spf = found,
                Method::Dmarc => proofs.dmarc = found,
                Method::From => proofs.from = found,
            }
        }
    }
    proofs
}

fn fields(table: &mut Table<'_>, faults: &mut Problems) -> BTreeMap<String, Option<String>> {
    let mut fields = BTreeMap::new();
    for (name, value) in table.table("fields", faults).into_iter().flat_map(Table::rest) {
        if let Some(wanted) = text_or_none(&value, faults) {
            fields.insert(name.text.to_owned(), wanted);
        }
    }
    fields
}

/// A text, or `false` for "there shall be none".
fn text_or_none(value: &Value<'_>, faults: &mut Problems) -> Option<Option<String>> {
    match value.as_boolean() {
        Some(false) => Some(None),
        _ => value.text(faults).map(|text| Some(text.text.to_owned())),
    }
}

pub(super) fn timestamp(value: &Value<'_>, faults: &mut Problems) -> Option<Timestamp> {
    let written = value.literal(faults)?;
    let parsed = written.parse().ok();
    if parsed.is_none() {
        let problem = value.error(format!("`{written}` is no moment")).code("E09");
        faults.push(problem.help("write it with its offset, as `2026-10-01T22:00:00+08:00`"));
    }
    parsed
}
