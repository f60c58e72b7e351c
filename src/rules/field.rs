//! What we need to know from the requester, and how it is found in a mail.
//!
//! People answer a form by leaving its labels standing (`错误代码：550`), or say it in passing. What is found is
//! never asked for again.

use std::collections::BTreeMap;
use std::ops::Range;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use super::pattern::{Pattern, PatternError};
use super::segment::{Segment, View, Views};
use super::taxonomy::Label;
use crate::fold::{Folded, is_ignorable};

/// One thing to know, such as the error code.
#[derive(Debug, Clone)]
pub struct Field {
    pub id: String,
    /// How it is asked for.
    pub label: Label,
    /// Labels as they stand in forms, folded.
    pub(super) names: Vec<String>,
    /// Finds it in running text; the group `value`, or else the whole match, is taken.
    pub(super) patterns: Vec<Regex>,
}

/// Finds the labels of all fields.
#[derive(Debug, Clone, Default)]
pub(super) struct Form {
    labels: Option<Regex>,
    /// The field of each label.
    fields: BTreeMap<String, String>,
}

/// Characters of a value that are kept.
const MAX_VALUE: usize = 200;

impl Form {
    /// `Err` when there are more labels than one regex can hold.
    pub(super) fn of(fields: &[Field]) -> Result<Form, PatternError> {
        let owners: BTreeMap<String, String> = fields
            .iter()
            .rev() // The first field with a label has it.
            .flat_map(|field| field.names.iter().map(|name| (name.clone(), field.id.clone())))
            .collect();
        let mut names: Vec<&String> = owners.keys().collect();
        // Alternatives are tried in order: 错误代码 before 代码.
        names.sort_by_key(|name| (std::cmp::Reverse(name.len()), name.as_str()));
        let alternatives: Vec<String> = names
            .into_iter()
            .map(|name| {
                let edge = |c: Option<char>| match c.is_some_and(|c| c.is_ascii_alphanumeric()) {
                    true => r"\b",
                    false => "",
                };
                let (before, after) = (edge(name.chars().next()), edge(name.chars().last()));
                format!("{before}{}{after}", regex::escape(name))
            })
            .collect();
        let labels = match alternatives.is_empty() {
            true => None,
            false => {
                let any = alternatives.join("|");
                Some(Pattern::parse(&format!("({any}) ?[)】\\]*]{{0,2}} ?[:=] ?"))?.regex.now())
            }
        };
        Ok(Form { labels, fields: owners })
    }

    /// All fields that the mail fills in: what stands behind a label first, then what is said in passing.
    pub(super) fn read(&self, fields: &[Field], views: &Views<'_>) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for (_, view) in views.of_segments(None) {
            self.read_form(fields, view, &mut found);
        }
        for field in fields {
            for (_, view) in views.of_segments(None) {
                if let Some(value) = field.find(view, 0..view.folded.text().len()) {
                    found.entry(field.id.clone()).or_insert(value);
                }
            }
        }
        found
    }

    fn read_form(&self, fields: &[Field], view: &View<'_>, found: &mut BTreeMap<String, String>) {
        let (Some(labels), Segment::Body | Segment::Forwarded) = (&self.labels, view.segment) else {
            return;
        };
        let text = view.folded.text();
        let mut answers = labels.captures_iter(text).peekable();
        while let Some(answer) = answers.next() {
            let (Some(whole), Some(label)) = (answer.get(0), answer.get(1)) else {
                continue;
            };
            let owner = self.fields.get(label.as_str());
            let Some(field) = fields.iter().find(|field| Some(&field.id) == owner) else {
                continue;
            };
            let line_end = text[whole.end()..].find('\n').map_or(text.len(), |at| whole.end() + at);
            // People run the lines of a form together: `错误代码：550客户端：Chrome`.
            let next_label = answers.peek().and_then(|next| next.get(0)).map_or(text.len(), |next| next.start());
            let end = line_end.min(next_label).max(whole.end());
            let value = field
                .find(view, whole.start()..end)
                .unwrap_or_else(|| value_of(&view.original, &view.folded, whole.end()..end));
            if value.contains(char::is_alphanumeric) {
                found.entry(field.id.clone()).or_insert(value);
            }
        }
    }
}

impl Field {
    /// What the first of its patterns that matches finds in this stretch of the folded text.
    fn find(&self, view: &View<'_>, stretch: Range<usize>) -> Option<String> {
        self.patterns.iter().find_map(|regex| {
            let captures = regex.captures(&view.folded.text()[stretch.clone()])?;
            let found = captures.name("value").or_else(|| captures.get(0))?;
            let range = stretch.start + found.start()..stretch.start + found.end();
            let value = value_of(&view.original, &view.folded, range);
            (!value.is_empty()).then_some(value)
        })
    }
}

/// What stands there in the original, tidied: full-width forms made usual, nothing else changed. Names keep
/// their case and their characters.
pub(super) fn value_of(original: &str, folded: &Folded, range: Range<usize>) -> String {
    let written: String = original[folded.original(range)]
        .nfkc()
        .filter(|c| !is_ignorable(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_VALUE)
        .collect();
    written.trim_matches(|c: char| c.is_whitespace() || ",;|".contains(c)).to_owned()
}
