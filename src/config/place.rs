//! Where a key stands: finds the byte range of a value in bot.toml from its path, so that a fault of meaning
//! points at its line as a fault of spelling does.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::{Problem, SourceText};

/// The text of bot.toml with the places of its keys, and the names of the environment variables that
/// override some of them.
pub struct Places<'a> {
    source: &'a SourceText,
    table: Option<Spanned<DeTable<'a>>>,
    /// Key paths set by the environment, in lower case, such as `mailbox.support.imap.password`.
    overridden: Vec<String>,
}

impl<'a> Places<'a> {
    pub fn new(source: &'a SourceText, overridden: Vec<String>) -> Places<'a> {
        Places { source, table: DeTable::parse(&source.text).ok(), overridden }
    }

    pub fn source(&self) -> &SourceText {
        self.source
    }

    pub fn overridden(&self) -> &[String] {
        &self.overridden
    }

    /// A fault of the value at `path`; the deepest part of the path that stands in the file is pointed at.
    pub fn error(&self, path: &[&str], what: impl Into<String>) -> Problem {
        let key = path.join(".");
        if self.overridden.contains(&key.to_lowercase()) {
            return Problem::outside(format!("{}: {}", variable(&key), what.into()));
        }
        self.source.error(self.find(path), format!("{key}: {}", what.into()))
    }

    /// Does the file itself set this key?
    pub fn is_in_file(&self, path: &[&str]) -> bool {
        self.table
            .as_ref()
            .and_then(|table| lookup(table.get_ref(), path))
            .is_some_and(|(_, depth)| depth == path.len())
    }

    fn find(&self, path: &[&str]) -> Range<usize> {
        let found = self.table.as_ref().and_then(|table| lookup(table.get_ref(), path));
        found.map_or(0..0, |(range, _)| range)
    }
}

/// The environment variable that sets a key: `HUIXIN__BOT__ID` for `bot.id`.
pub fn variable(key: &str) -> String {
    format!("{}__{}", super::ENVIRONMENT_PREFIX, key.replace('.', "__").to_uppercase())
}

/// The range of the deepest part of `path` that exists, and how many parts of the path that is.
fn lookup(table: &DeTable<'_>, path: &[&str]) -> Option<(Range<usize>, usize)> {
    let (first, rest) = path.split_first()?;
    let (key, value) = table.iter().find(|(key, _)| key.get_ref().as_ref() == *first)?;
    let deeper = match value.get_ref() {
        DeValue::Table(inner) => lookup(inner, rest),
        DeValue::Array(items) => rest
            .split_first()
            .and_then(|(index, _)| items.get(index.parse::<usize>().ok()?))
            .map(|item| (item.span(), 1)),
        _ => None,
    };
    let here = if rest.is_empty() && !matches!(value.get_ref(), DeValue::Table(_)) { value.span() } else { key.span() };
    Some(deeper.map_or((here, 1), |(range, depth)| (range, depth + 1)))
}
