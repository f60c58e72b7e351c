//! Rows on their way into sled: kept in memory until there are many, and read as if they were there.
//!
//! sled writes to its file, and waits for it, at every batch it is given. Most rows live for moments only (a mail in the
//! outbox is put there, begun, sent and gone), and the journal knows them all. So sled is given what has gathered, in
//! one atomic batch together with the mark of how far the journal has been applied. What a kill takes from memory is
//! replayed, as anything else that sled has not seen.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use super::Broken;
use super::table::Row;

/// Rows that gather at the most: sled takes them, and a start replays them, in some tens of milliseconds.
const MOST_ROWS: usize = 4_096;
/// How long rows gather, if more come after them. Without any there is nobody to write them, and no need.
const LONGEST: Duration = Duration::from_secs(2);
/// Rows of memory that a scan takes along at first; it takes twice as many each time.
const FIRST_CHUNK: usize = 16;

/// A tree of sled, and what it is to be given.
#[derive(Clone)]
pub struct Recent {
    tree: sled::Tree,
    gathered: Arc<RwLock<Gathered>>,
}

#[derive(Default)]
struct Gathered {
    /// None where sled has a row that is gone.
    rows: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    since: Option<Instant>,
}

impl Recent {
    pub fn new(tree: sled::Tree) -> Recent {
        Recent { tree, gathered: Arc::default() }
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
        let gathered = self.read()?;
        match gathered.rows.get(key) {
            Some(value) => Ok(value.clone()),
            None => Ok(self.tree.get(key)?.map(|value| value.to_vec())),
        }
    }

    /// The rows from a key to before another, or to the end, in order.
    pub fn range(
        &self,
        from: &[u8],
        to: Option<&[u8]>,
    ) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), Broken>> + Send + use<> {
        // A map has no range that ends before it begins.
        let to = to.map(|to| to.max(from));
        let scan = Scan {
            recent: self.clone(),
            from: Bound::Included(from.to_vec()),
            to: to.map_or(Bound::Unbounded, |to| Bound::Excluded(to.to_vec())),
            chunk: VecDeque::new(),
            size: FIRST_CHUNK,
            is_last: false,
            below: None,
            peeked: None,
        };
        scan.filter_map(|row| match row {
            Ok((key, value)) => value.map(|value| Ok((key, value))),
            Err(broken) => Some(Err(broken)),
        })
    }

    /// How many rows there are at the most.
    pub fn most(&self) -> Result<usize, Broken> {
        Ok(self.tree.len() + self.read()?.rows.len())
    }

    /// Puts rows there, and takes away those without a value: all of them or none.
    pub fn put(&self, rows: impl Iterator<Item = Row>) -> Result<(), Broken> {
        let full = {
            let mut gathered = self.write()?;
            for (key, value) in rows {
                // A row that sled has never seen leaves nothing behind: it need not be stepped over.
                match value.is_some() || self.tree.contains_key(&key)? {
                    true => drop(gathered.rows.insert(key, value)),
                    false => drop(gathered.rows.remove(&key)),
                }
            }
            let since = *gathered.since.get_or_insert_with(Instant::now);
            gathered.rows.len() >= MOST_ROWS || since.elapsed() >= LONGEST
        };
        if full { self.hand_over() } else { Ok(()) }
    }

    /// Gives sled what has gathered.
    pub fn hand_over(&self) -> Result<(), Broken> {
        let mut gathered = self.write()?;
        let mut batch = sled::Batch::default();
        for (key, value) in &gathered.rows {
            match value {
                Some(value) => batch.insert(&**key, &**value),
                None => batch.remove(&**key),
            }
        }
        self.tree.apply_batch(batch)?;
        // Not before: whoever looks while the state is being mended sees all of it.
        *gathered = Gathered::default();
        Ok(())
    }

    fn read(&self) -> Result<RwLockReadGuard<'_, Gathered>, Broken> {
        self.gathered.read().map_err(|_| died())
    }

    fn write(&self) -> Result<RwLockWriteGuard<'_, Gathered>, Broken> {
        self.gathered.write().map_err(|_| died())
    }
}

fn died() -> Broken {
    Broken::new("a thread died while it wrote the state")
}

/// A walk over memory and sled at once. It takes the rows of memory along in chunks, each with an iterator of sled made
/// at the same moment: whatever is handed over meanwhile is seen in one of them.
struct Scan {
    recent: Recent,
    /// Where the next chunk begins.
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    chunk: VecDeque<Row>,
    size: usize,
    /// Behind this chunk there is nothing more in memory.
    is_last: bool,
    below: Option<sled::Iter>,
    peeked: Option<Row>,
}

impl Scan {
    fn next_chunk(&mut self) -> Result<(), Broken> {
        let gathered = self.recent.read()?;
        let bounds = (self.from.clone(), self.to.clone());
        let ours = gathered.rows.range(bounds.clone()).take(self.size);
        self.chunk = ours.map(|(key, value)| (key.clone(), value.clone())).collect();
        self.below = Some(self.recent.tree.range(bounds));
        drop(gathered);
        self.is_last = self.chunk.len() < self.size;
        if let Some((last, _)) = self.chunk.back() {
            self.from = Bound::Excluded(last.clone());
        }
        self.size *= 2;
        self.peek()
    }

    fn peek(&mut self) -> Result<(), Broken> {
        let next = self.below.as_mut().and_then(Iterator::next).transpose()?;
        self.peeked = next.map(|(key, value)| (key.to_vec(), Some(value.to_vec())));
        Ok(())
    }

    fn step(&mut self) -> Result<Option<Row>, Broken> {
        if self.below.is_none() || (self.chunk.is_empty() && !self.is_last) {
            self.next_chunk()?;
        }
        let order = match (self.chunk.front(), &self.peeked) {
            (Some((ours, _)), Some((below, _))) => below.cmp(ours),
            (Some(_), None) => std::cmp::Ordering::Greater,
            (None, _) => std::cmp::Ordering::Less,
        };
        if order.is_lt() {
            let row = self.peeked.take();
            self.peek()?;
            return Ok(row);
        }
        if order.is_eq() {
            self.peek()?;
        }
        Ok(self.chunk.pop_front())
    }
}

impl Iterator for Scan {
    type Item = Result<Row, Broken>;

    fn next(&mut self) -> Option<Result<Row, Broken>> {
        self.step().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recent() -> Recent {
        Recent::new((*sled::Config::new().temporary(true).open().unwrap()).clone())
    }

    /// Whatever was handed over and whatever was not, the rows read are those of a plain map.
    #[test]
    fn what_is_read_does_not_depend_on_where_it_lies() {
        let recent = recent();
        let mut random = fastrand::Rng::with_seed(3);
        let mut want: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for round in 0..400 {
            let mut rows = BTreeMap::new();
            for _ in 0..random.usize(..20) {
                let key = vec![random.u8(..3), random.u8(..40)];
                let value = random.bool().then(|| vec![random.u8(..)]);
                match &value {
                    Some(value) => drop(want.insert(key.clone(), value.clone())),
                    None => drop(want.remove(&key)),
                }
                rows.insert(key, value);
            }
            recent.put(rows.into_iter()).unwrap();
            if round % 7 == 0 {
                recent.hand_over().unwrap();
            }
            let (from, to) = ([random.u8(..3), random.u8(..40)], [random.u8(1..4), random.u8(..40)]);
            let (from, to) = (from.min(to).to_vec(), from.max(to).to_vec());
            let rows: Vec<_> = recent.range(&from, Some(&to)).map(Result::unwrap).collect();
            let there = want.range(from.clone()..to);
            assert_eq!(rows, there.map(|(key, value)| (key.clone(), value.clone())).collect::<Vec<_>>());
            assert_eq!(recent.range(&from, None).count(), want.range(from.clone()..).count());
            assert_eq!(recent.get(&from).unwrap().as_ref(), want.get(&from));
        }
        assert_eq!(recent.range(&[2], Some(&[1])).count(), 0, "backwards there is nothing");
    }

    #[test]
    fn a_walk_sees_what_is_handed_over_under_its_feet() {
        let recent = recent();
        let key = |n: u8| vec![1, n];
        recent.put((0..100).map(|n| (key(n), Some(vec![n])))).unwrap();
        let mut seen = Vec::new();
        for (at, row) in recent.range(&[1], None).enumerate() {
            seen.push(row.unwrap().0);
            if at == 3 || at == 40 {
                recent.hand_over().unwrap();
            }
        }
        assert_eq!(seen, (0..100).map(key).collect::<Vec<_>>());
    }

    #[test]
    fn a_row_that_came_and_went_leaves_nothing_behind() {
        let recent = recent();
        let row = |value: Option<u8>| std::iter::once((vec![7], value.map(|value| vec![value])));
        recent.put(row(Some(1))).unwrap();
        recent.put(row(None)).unwrap();
        assert!(recent.read().unwrap().rows.is_empty());
        recent.put(row(Some(1))).unwrap();
        recent.hand_over().unwrap();
        recent.put(row(None)).unwrap();
        assert_eq!((recent.read().unwrap().rows.len(), recent.get(&[7]).unwrap()), (1, None));
        recent.hand_over().unwrap();
        assert_eq!(recent.most().unwrap(), 0);
    }
}
