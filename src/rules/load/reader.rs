//! TOML tables, read so that every fault is found and told where it stands.
//!
//! A [`Table`] is asked for its keys one by one; what nobody asked for is an unknown key. A value of the wrong
//! kind is a fault of its own and otherwise as good as absent, so that one load tells all faults of a file.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::{Problem, Problems, SourceText};

/// A table being read.
pub(super) struct Table<'t> {
    file: &'t SourceText,
    span: Range<usize>,
    entries: Vec<(&'t str, Range<usize>, Option<Value<'t>>)>,
    asked: Vec<&'static str>,
}

/// A value, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Value<'t> {
    file: &'t SourceText,
    value: &'t Spanned<DeValue<'t>>,
}

/// A text, and where it stands.
#[derive(Clone)]
pub(super) struct Text<'t> {
    pub(super) file: &'t SourceText,
    pub(super) text: &'t str,
    pub(super) span: Range<usize>,
}

impl<'t> Table<'t> {
    pub(super) fn new(file: &'t SourceText, span: Range<usize>, table: &'t DeTable<'t>) -> Table<'t> {
        let entries = table
            .iter()
            .map(|(key, value)| (key.get_ref().as_ref(), key.span(), Some(Value { file, value })))
            .collect();
        Table { file, span, entries, asked: Vec::new() }
    }

    pub(super) fn file(&self) -> &'t SourceText {
        self.file
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub(super) fn error(&self, what: impl Into<String>) -> Problem {
        self.file.error(self.span(), what)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _, value)| *name == key && value.is_some())
    }

    /// A value that is read again later.
    pub(super) fn peek(&self, key: &str) -> Option<Value<'t>> {
        self.entries.iter().find(|(name, _, _)| *name == key)?.2
    }

    /// Takes a value out of the table.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Value<'t>> {
        self.asked.push(key);
        self.entries.iter_mut().find(|(name, _, _)| *name == key)?.2.take()
    }

    /// Keys that are known and whose values are not for us.
    pub(super) fn skip(&mut self, keys: &[&'static str]) {
        for key in keys {
            self.take(key);
        }
    }

    /// Takes the value of a key that must be there.
    pub(super) fn require(&mut self, key: &'static str, faults: &mut Problems) -> Option<Value<'t>> {
        let value = self.take(key);
        if value.is_none() {
            faults.push(self.error(format!("`{key}` is missing")).code("E09"));
        }
        value
    }

    pub(super) fn text(&mut self, key: &'static str, faults: &mut Problems) -> Option<Text<'t>> {
        self.take(key)?.text(faults)
    }

    pub(super) fn texts(&mut self, key: &'static str, faults: &mut Problems) -> Vec<Text<'t>> {
        self.take(key).map_or(Vec::new(), |value| value.texts(faults))
    }

    pub(super) fn boolean(&mut self, key: &'static str, faults: &mut Problems) -> Option<bool> {
        self.take(key)?.boolean(faults)
    }

    pub(super) fn number(&mut self, key: &'static str, faults: &mut Problems) -> Option<f64> {
        self.take(key)?.number(faults)
    }

    pub(super) fn integer(&mut self, key: &'static str, faults: &mut Problems) -> Option<i64> {
        self.take(key)?.integer(faults)
    }

    pub(super) fn table(&mut self, key: &'static str, faults: &mut Problems) -> Option<Table<'t>> {
        self.take(key)?.table(faults)
    }

    /// The tables of `[[key]]`.
    pub(super) fn tables(&mut self, key: &'static str, faults: &mut Problems) -> Vec<Table<'t>> {
        let items = self.take(key).map_or(Vec::new(), |value| value.items(faults));
        items.into_iter().filter_map(|item| item.table(faults)).collect()
    }

    /// All that is left, for tables whose keys the admin chooses.
    pub(super) fn rest(mut self) -> impl Iterator<Item = (Text<'t>, Value<'t>)> {
        let file = self.file;
        std::mem::take(&mut self.entries)
            .into_iter()
            .filter_map(move |(text, span, value)| Some((Text { file, text, span }, value?)))
    }

    /// Nobody asked for what is left: unknown keys.
    pub(super) fn finish(self, faults: &mut Problems) {
        for (key, span, value) in &self.entries {
            if value.is_some() {
                let known = self.asked.iter().copied();
                faults.push(
                    self.file.error(span.clone(), format!("unknown key `{key}`")).code("E01").did_you_mean(key, known),
                );
            }
        }
    }
}

impl<'t> Value<'t> {
    pub(super) fn span(&self) -> Range<usize> {
        self.value.span()
    }

    pub(super) fn error(&self, what: impl Into<String>) -> Problem {
        self.file.error(self.span(), what)
    }

    fn expected(&self, what: &str, faults: &mut Problems) {
        let found = match self.value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "a truth value",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        faults.push(self.error(format!("expected {what}, found {found}")).code("E09"));
    }

    /// The value as it is written.
    pub(super) fn source(&self) -> Text<'t> {
        let span = self.span();
        Text { file: self.file, text: self.file.text.get(span.clone()).unwrap_or_default(), span }
    }

    pub(super) fn as_text(&self) -> Option<Text<'t>> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(Text { file: self.file, text: text.as_ref(), span: self.span() }),
            _ => None,
        }
    }

    pub(super) fn as_table(&self) -> Option<Table<'t>> {
        match self.value.get_ref() {
            DeValue::Table(table) => Some(Table::new(self.file, self.span(), table)),
            _ => None,
        }
    }

    pub(super) fn as_items(&self) -> Option<Vec<Value<'t>>> {
        match self.value.get_ref() {
            DeValue::Array(items) => Some(items.iter().map(|value| Value { file: self.file, value }).collect()),
            _ => None,
        }
    }

    pub(super) fn as_boolean(&self) -> Option<bool> {
        match self.value.get_ref() {
            DeValue::Boolean(truth) => Some(*truth),
            _ => None,
        }
    }

    pub(super) fn text(&self, faults: &mut Problems) -> Option<Text<'t>> {
        let text = self.as_text();
        if text.is_none() {
            self.expected("a text", faults);
        }
        text
    }

    /// A text, or a list of them.
    pub(super) fn texts(&self, faults: &mut Problems) -> Vec<Text<'t>> {
        match (self.as_text(), self.as_items()) {
            (Some(text), _) => vec![text],
            (_, Some(items)) => items.iter().filter_map(|item| item.text(faults)).collect(),
            _ => {
                self.expected("a text or a list of texts", faults);
                Vec::new()
            }
        }
    }

    pub(super) fn boolean(&self, faults: &mut Problems) -> Option<bool> {
        let truth = self.as_boolean();
        if truth.is_none() {
            self.expected("true or false", faults);
        }
        truth
    }

    pub(super) fn number(&self, faults: &mut Problems) -> Option<f64> {
        let number = match self.value.get_ref() {
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::Integer(number) => number.as_str().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number: &f64| number.is_finite());
        if number.is_none() {
            self.expected("a number", faults);
        }
        number
    }

    pub(super) fn integer(&self, faults: &mut Problems) -> Option<i64> {
        let number = match self.value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            self.expected("a whole number", faults);
        }
        number
    }

    pub(super) fn table(&self, faults: &mut Problems) -> Option<Table<'t>> {
        let table = self.as_table();
        if table.is_none() {
            self.expected("a table", faults);
        }
        table
    }

    pub(super) fn items(&self, faults: &mut Problems) -> Vec<Value<'t>> {
        self.as_items().unwrap_or_else(|| {
            self.expected("a list", faults);
            Vec::new()
        })
    }

    /// A text, a number or a date, as written.
    pub(super) fn literal(&self, faults: &mut Problems) -> Option<String> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) => Some(number.as_str().to_owned()),
            DeValue::Datetime(date) => Some(date.to_string()),
            _ => {
                self.expected("a text", faults);
                None
            }
        }
    }
}

impl Text<'_> {
    pub(super) fn warning(&self, what: impl Into<String>) -> Problem {
        self.file.warning(self.span.clone(), what)
    }

    pub(super) fn error(&self, what: impl Into<String>) -> Problem {
        self.file.error(self.span.clone(), what)
    }

    /// Where a part of the text stands in the file, if it was written without escapes.
    pub(super) fn part(&self, part: Range<usize>) -> Range<usize> {
        let quoted = &self.file.text[self.span.clone()];
        match quoted.find(self.text) {
            Some(at) if part.end <= self.text.len() => {
                let start = self.span.start + at;
                start + part.start..start + part.end.max(part.start + 1)
            }
            _ => self.span.clone(),
        }
    }

    /// Reads the text as one of the words of a small vocabulary.
    pub(super) fn one_of<T: Copy>(
        &self,
        what: &str,
        all: &[T],
        word: impl Fn(T) -> &'static str,
        faults: &mut Problems,
    ) -> Option<T> {
        let found = all.iter().copied().find(|one| word(*one) == self.text);
        if found.is_none() {
            let words: Vec<&str> = all.iter().copied().map(word).collect();
            let problem = self.error(format!("`{}` is no {what}", self.text)).code("E09");
            faults.push(match crate::problem::closest(self.text, words.iter().copied()) {
                Some(_) => problem.did_you_mean(self.text, words),
                None => problem.help(format!("use one of {}", words.join(", "))),
            });
        }
        found
    }
}
