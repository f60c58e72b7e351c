//! The rows of the state, wherever they lie: what changed lately in memory and in sled, the rest in tables below it.
//!
//! A newer layer hides what an older one says of the same key. So a row that is removed leaves a mark behind where an
//! older layer may hold it.

use std::sync::Arc;

use super::Broken;
use super::recent::Recent;
use super::table::{Row, Table, hash};

/// Layers, to be read as one.
#[derive(Clone, Default)]
pub struct Layers {
    pub recent: Option<Recent>,
    /// The newest first.
    pub tables: Vec<Arc<Table>>,
}

/// Rows in the order of their keys.
pub type Rows<'a> = Box<dyn Iterator<Item = Result<Row, Broken>> + Send + 'a>;

/// Rows of several layers as one, in order.
pub struct Merged<'a> {
    /// The newest first.
    sources: Vec<Source<'a>>,
}

struct Source<'a> {
    rows: Rows<'a>,
    next: Option<Row>,
}

/// The value in sled of a row that is gone while an older layer may still have it. No row has this value.
const GONE: &[u8] = &[0];

impl Layers {
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Broken> {
        let key = key.as_ref();
        if let Some(recent) = &self.recent
            && let Some(value) = recent.get(key)?
        {
            return Ok(Some(value).filter(|value| value != GONE));
        }
        if self.tables.is_empty() {
            return Ok(None);
        }
        let hash = hash(key);
        for table in &self.tables {
            if let Some(found) = table.get(key, hash)? {
                return Ok(found);
            }
        }
        Ok(None)
    }

    pub fn contains(&self, key: impl AsRef<[u8]>) -> Result<bool, Broken> {
        Ok(self.get(key)?.is_some())
    }

    /// The rows whose keys begin with `prefix`, in order.
    pub fn scan(&self, prefix: &[u8]) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), Broken>> + use<> {
        self.range(prefix, after(prefix))
    }

    /// The keys from one to before another, in order.
    pub fn between(&self, from: &[u8], to: &[u8]) -> impl Iterator<Item = Result<Vec<u8>, Broken>> + use<> {
        self.range(from, Some(to.to_vec())).map(|row| Ok(row?.0))
    }

    fn range(
        &self,
        from: &[u8],
        to: Option<Vec<u8>>,
    ) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), Broken>> + use<> {
        there(Merged::of(self.sources(from, to)))
    }

    /// The rows from one key to before another, in order, below these newer ones, of which the newest come first.
    pub fn over<'a>(
        &self,
        mut sources: Vec<Rows<'a>>,
        from: &[u8],
        to: Option<Vec<u8>>,
    ) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), Broken>> + use<'a> {
        sources.extend(self.sources(from, to));
        there(Merged::of(sources))
    }

    /// What each layer says, the newest first.
    fn sources(&self, from: &[u8], to: Option<Vec<u8>>) -> Vec<Rows<'static>> {
        let mut sources: Vec<Rows<'static>> = Vec::new();
        if let Some(recent) = &self.recent {
            sources.push(rows_of(recent, from, to.as_deref()));
        }
        for table in &self.tables {
            sources.push(Box::new(table.scan(from, to.clone())));
        }
        sources
    }

    /// The keys that begin with `prefix`, in order.
    pub fn keys(&self, prefix: &[u8]) -> impl Iterator<Item = Result<Vec<u8>, Broken>> + use<> {
        self.scan(prefix).map(|row| Ok(row?.0))
    }

    /// The values whose keys begin with `prefix`, in the order of the keys.
    pub fn values(&self, prefix: &[u8]) -> impl Iterator<Item = Result<Vec<u8>, Broken>> + use<> {
        self.scan(prefix).map(|row| Ok(row?.1))
    }

    /// Writes rows, all of them or none.
    pub fn put(&self, rows: impl Iterator<Item = Row>) -> Result<(), Broken> {
        let Some(recent) = &self.recent else { return Err(Broken::new("there is nothing to write to")) };
        recent.put(rows.map(|(key, value)| match value {
            None if self.may_hide(&key) => (key, Some(GONE.to_vec())),
            value => (key, value),
        }))
    }

    /// Is there surely no row with this key?
    pub fn is_without(&self, key: &[u8]) -> bool {
        self.recent.is_none() && !self.may_hide(key)
    }

    /// Might a table have a row with this key?
    pub fn may_hide(&self, key: &[u8]) -> bool {
        let hash = hash(key);
        self.tables.iter().any(|table| table.may_hold(hash))
    }
}

/// What the newest layer says of the keys from one to before another, or to the end.
pub fn rows_of(recent: &Recent, from: &[u8], to: Option<&[u8]>) -> Rows<'static> {
    Box::new(recent.range(from, to).map(|row| {
        let (key, value) = row?;
        Ok((key, Some(value).filter(|value| value != GONE)))
    }))
}

/// The rows that are not gone.
fn there<'a>(rows: Merged<'a>) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), Broken>> + use<'a> {
    rows.filter_map(|row| match row {
        Ok((key, value)) => value.map(|value| Ok((key, value))),
        Err(broken) => Some(Err(broken)),
    })
}

/// The first key after all that begin with `prefix`.
pub fn after(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|octet| *octet < u8::MAX)?;
    let mut after = prefix[..=last].to_vec();
    after[last] += 1;
    Some(after)
}

impl<'a> Merged<'a> {
    /// The newest source first.
    pub fn of(sources: Vec<Rows<'a>>) -> Merged<'a> {
        // A source that begins with an error tells it at the first call.
        let source = |rows| Source { rows, next: Some((Vec::new(), None)) };
        Merged { sources: sources.into_iter().map(source).collect() }
    }
}

impl Iterator for Merged<'_> {
    type Item = Result<Row, Broken>;

    fn next(&mut self) -> Option<Result<Row, Broken>> {
        loop {
            let mut first: Option<usize> = None;
            for (at, source) in self.sources.iter().enumerate() {
                let key = |at: usize| self.sources[at].next.as_ref().map(|(key, _)| key);
                if source.next.is_some() && first.is_none_or(|first| key(at) < key(first)) {
                    first = Some(at);
                }
            }
            let row = self.sources[first?].next.take()?;
            for source in &mut self.sources {
                if source.next.as_ref().is_none_or(|(key, _)| *key == row.0) {
                    source.next = match source.rows.next().transpose() {
                        Ok(next) => next,
                        Err(broken) => {
                            self.sources.clear();
                            return Some(Err(broken));
                        }
                    };
                }
            }
            // The empty key stands before the first row of each source.
            if !row.0.is_empty() {
                return Some(Ok(row));
            }
        }
    }
}
