//! A table: sorted rows in one file that is written once and never changed.
//!
//! ```text
//! block · block · … · filter · index · trailer
//! block    rows in the order of their keys, then their CRC-32
//! row      length of the key (u16) · length of the value (u32) · key · value
//! filter   bits by which most keys that are not here are known without reading a block
//! index    of each block: where it begins (u64) · length of its first key (u16) · that key
//! trailer  where filter and index begin · rows · from and to which place in the journal · checksum of the frame that
//!          ends there · format · CRC-32 of filter to trailer · magic
//! ```
//!
//! All numbers are big-endian. Filter and index stay in memory, some 25 bits for each row; a block is read and checked
//! whenever it is asked, so a flipped bit is found before it is used.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Broken;
use crate::store::folder;
use crate::store::journal::Mark;
use crate::store::schema::STATE_FORMAT;

/// A key and its value; without one, the row is gone, whatever an older table says.
pub type Row = (Vec<u8>, Option<Vec<u8>>);

#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    file: File,
    blocks: Vec<Block>,
    /// Where the last block ends.
    end: u64,
    filter: Filter,
    /// What stands in the journal from here to there has made this table.
    pub from: u64,
    pub mark: Mark,
    pub rows: u64,
}

/// Where a block begins, and its first key.
#[derive(Debug)]
struct Block {
    at: u64,
    first: Box<[u8]>,
}

/// A table of which not all rows are written.
pub struct Writing {
    out: BufWriter<File>,
    /// Octets of the blocks so far.
    at: u64,
    /// The rows of the next one.
    block: Vec<u8>,
    index: Vec<u8>,
    filter: Filter,
    rows: u64,
}

/// The rows of a table from one key to before another.
pub struct Scan {
    table: Arc<Table>,
    from: Vec<u8>,
    /// None means to the end.
    to: Option<Vec<u8>>,
    /// The next block to read.
    next: usize,
    block: Vec<u8>,
    offset: usize,
    done: bool,
}

/// A Bloom filter.
#[derive(Debug)]
struct Filter {
    bits: Vec<u8>,
}

/// Octets of a block before its last row: what one look-up reads.
const BLOCK: usize = 8 << 10;
/// Bits for each row and bits set for each key: one key in a hundred is looked for in vain.
const FILTER_BITS: u64 = 10;
const FILTER_HASHES: u64 = 6;
/// The length of a value that says the row is gone.
const GONE: u32 = u32::MAX;
const ROW_HEAD: usize = 6;
const CHECKSUM: usize = 4;
const MAGIC: [u8; 4] = *b"hxt1";
const TRAILER: usize = 5 * 8 + 4 + 4 + CHECKSUM + 4;

impl Table {
    /// Writes `rows`, which come in order, at most `most` of them, and makes the file durable.
    #[cfg(test)]
    pub fn write(
        path: &Path,
        from: u64,
        mark: Mark,
        most: u64,
        rows: impl Iterator<Item = Result<Row, Broken>>,
    ) -> Result<(), Broken> {
        let mut table = Writing::begin(path, most)?;
        for row in rows {
            table.push(row?)?;
        }
        table.end(from, mark)
    }

    pub fn open(path: &Path) -> Result<Table, Broken> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let wrong = |what: &str| Broken::new(format!("{}: {what}", path.display()));
        let trailer_at = length.checked_sub(TRAILER as u64).ok_or_else(|| wrong("too short for a table"))?;
        let mut trailer = [0; TRAILER];
        file.read_exact_at(&mut trailer, trailer_at)?;
        let number = |at: usize| trailer[at..at + 8].iter().fold(0u64, |number, octet| number << 8 | u64::from(*octet));
        let (filter_at, index_at, rows, from) = (number(0), number(8), number(16), number(24));
        let mark = Mark { end: number(32), checksum: (number(40) >> 32) as u32 };
        let (format, checksum) = (number(40) as u32, (number(48) >> 32) as u32);
        if trailer[TRAILER - 4..] != MAGIC || filter_at > index_at || index_at > trailer_at {
            return Err(wrong("this is no table, or not all of one"));
        }
        let mut rest = vec![0; (length - filter_at) as usize];
        file.read_exact_at(&mut rest, filter_at)?;
        if crc32fast::hash(&rest[..rest.len() - CHECKSUM - 4]) != checksum {
            return Err(wrong("the checksum of its index is wrong"));
        }
        if format != STATE_FORMAT {
            return Err(wrong("it was written by another version"));
        }
        let (filter, index) = rest.split_at((index_at - filter_at) as usize);
        let index = &index[..index.len() - TRAILER];
        let blocks = read_index(index).ok_or_else(|| wrong("its index is not readable"))?;
        let filter = Filter { bits: filter.to_vec() };
        Ok(Table { path: path.to_owned(), file, blocks, end: filter_at, filter, from, mark, rows })
    }

    /// The row with this key, if the table says anything about it. `hash` is the key's.
    pub fn get(&self, key: &[u8], hash: u64) -> Result<Option<Option<Vec<u8>>>, Broken> {
        if !self.filter.may_hold(hash) {
            return Ok(None);
        }
        let after = self.blocks.partition_point(|block| *block.first <= *key);
        let Some(at) = after.checked_sub(1) else { return Ok(None) };
        let block = self.block(at)?;
        let mut offset = 0;
        while let Some((found, value, next)) = row_at(&block, offset) {
            if found >= key {
                return Ok((found == key).then(|| value.map(<[u8]>::to_vec)));
            }
            offset = next;
        }
        Ok(None)
    }

    /// Might the table say anything about this key?
    pub fn may_hold(&self, hash: u64) -> bool {
        self.filter.may_hold(hash)
    }

    /// The rows from one key to before another, or to the end, in order.
    pub fn scan(self: &Arc<Table>, from: &[u8], to: Option<Vec<u8>>) -> Scan {
        let after = self.blocks.partition_point(|block| *block.first <= *from);
        Scan {
            table: Arc::clone(self),
            from: from.to_vec(),
            to,
            next: after.saturating_sub(1),
            block: Vec::new(),
            offset: 0,
            done: false,
        }
    }

    /// Reads everything once.
    pub fn verify(&self) -> Result<(), Broken> {
        (0..self.blocks.len()).try_for_each(|at| self.block(at).map(drop))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A block without its checksum, which is right.
    fn block(&self, at: usize) -> Result<Vec<u8>, Broken> {
        let wrong = || Broken::new(format!("{}: block {at} is damaged", self.path.display()));
        let begin = self.blocks[at].at;
        let end = self.blocks.get(at + 1).map_or(self.end, |next| next.at);
        let length = end.checked_sub(begin).filter(|length| *length > CHECKSUM as u64).ok_or_else(wrong)?;
        let mut bytes = vec![0; length as usize];
        self.file.read_exact_at(&mut bytes, begin)?;
        let checksum = bytes.split_off(bytes.len() - CHECKSUM);
        match crc32fast::hash(&bytes).to_be_bytes() == *checksum {
            true => Ok(bytes),
            false => Err(wrong()),
        }
    }
}

impl Writing {
    /// A table of at most `most` rows.
    pub fn begin(path: &Path, most: u64) -> Result<Writing, Broken> {
        let file = folder::private().write(true).create(true).truncate(true).open(path)?;
        let (out, filter) = (BufWriter::with_capacity(1 << 20, file), Filter::for_rows(most));
        Ok(Writing { out, at: 0, block: Vec::with_capacity(2 * BLOCK), index: Vec::new(), filter, rows: 0 })
    }

    /// The next row, in the order of the keys.
    pub fn push(&mut self, (key, value): Row) -> Result<(), Broken> {
        let key_length = key_length(&key)?.to_be_bytes();
        if self.block.is_empty() {
            self.index.extend_from_slice(&self.at.to_be_bytes());
            self.index.extend_from_slice(&key_length);
            self.index.extend_from_slice(&key);
        }
        self.filter.insert(hash(&key));
        self.rows += 1;
        self.block.extend_from_slice(&key_length);
        let length = value.as_ref().map_or(GONE, |value| value.len() as u32);
        self.block.extend_from_slice(&length.to_be_bytes());
        self.block.extend_from_slice(&key);
        self.block.extend_from_slice(value.as_deref().unwrap_or_default());
        if self.block.len() >= BLOCK {
            self.at += put_block(&mut self.out, &mut self.block)?;
        }
        Ok(())
    }

    /// That was the last one: makes the file durable.
    pub fn end(mut self, from: u64, mark: Mark) -> Result<(), Broken> {
        if !self.block.is_empty() {
            self.at += put_block(&mut self.out, &mut self.block)?;
        }
        let mut rest = self.filter.bits;
        let index_at = self.at + rest.len() as u64;
        rest.append(&mut self.index);
        for number in [self.at, index_at, self.rows, from, mark.end] {
            rest.extend_from_slice(&number.to_be_bytes());
        }
        rest.extend_from_slice(&mark.checksum.to_be_bytes());
        rest.extend_from_slice(&STATE_FORMAT.to_be_bytes());
        rest.extend_from_slice(&crc32fast::hash(&rest).to_be_bytes());
        rest.extend_from_slice(&MAGIC);
        self.out.write_all(&rest)?;
        Ok(self.out.into_inner().map_err(|e| e.into_error())?.sync_all()?)
    }
}

impl Iterator for Scan {
    type Item = Result<Row, Broken>;

    fn next(&mut self) -> Option<Result<Row, Broken>> {
        while !self.done {
            if let Some((key, value, next)) = row_at(&self.block, self.offset) {
                self.offset = next;
                self.done = self.to.as_ref().is_some_and(|to| *key >= **to);
                if !self.done && *key >= *self.from {
                    return Some(Ok((key.to_vec(), value.map(<[u8]>::to_vec))));
                }
            } else if self.next < self.table.blocks.len() {
                match self.table.block(self.next) {
                    Ok(block) => (self.block, self.offset) = (block, 0),
                    Err(broken) => {
                        self.done = true;
                        return Some(Err(broken));
                    }
                }
                self.next += 1;
            } else {
                self.done = true;
            }
        }
        None
    }
}

impl Filter {
    fn for_rows(rows: u64) -> Filter {
        Filter { bits: vec![0; (rows * FILTER_BITS / 8 + 8) as usize] }
    }

    fn insert(&mut self, hash: u64) {
        for bit in Filter::places(hash, self.bits.len()) {
            self.bits[bit / 8] |= 1 << (bit % 8);
        }
    }

    fn may_hold(&self, hash: u64) -> bool {
        Filter::places(hash, self.bits.len()).all(|bit| self.bits[bit / 8] & 1 << (bit % 8) != 0)
    }

    fn places(hash: u64, octets: usize) -> impl Iterator<Item = usize> {
        let (step, bits) = (hash.rotate_left(32) | 1, octets as u128 * 8);
        // As far into the bits as the number is into all numbers: a division would take most of the time.
        (0..FILTER_HASHES).map(move |n| ((u128::from(hash.wrapping_add(n.wrapping_mul(step))) * bits) >> 64) as usize)
    }
}

/// FNV-1a with a last stir: it lies on disk, so it is our own, and nobody gains by keys that meet.
pub fn hash(key: &[u8]) -> u64 {
    let hash = key
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3));
    (hash ^ hash >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A key, its value if there is one, and where the next row begins.
type RowAt<'a> = (&'a [u8], Option<&'a [u8]>, usize);

/// The row that begins at `offset` of a block.
fn row_at(block: &[u8], offset: usize) -> Option<RowAt<'_>> {
    let head = block.get(offset..offset + ROW_HEAD)?;
    let key_end = offset + ROW_HEAD + usize::from(u16::from_be_bytes([head[0], head[1]]));
    let key = block.get(offset + ROW_HEAD..key_end)?;
    match u32::from_be_bytes([head[2], head[3], head[4], head[5]]) {
        GONE => Some((key, None, key_end)),
        length => {
            let end = key_end + length as usize;
            Some((key, Some(block.get(key_end..end)?), end))
        }
    }
}

fn read_index(mut index: &[u8]) -> Option<Vec<Block>> {
    let mut blocks = Vec::new();
    while !index.is_empty() {
        let (at, rest) = index.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (first, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        blocks.push(Block { at: u64::from_be_bytes(*at), first: first.into() });
        index = rest;
    }
    Some(blocks)
}

fn put_block(out: &mut impl Write, block: &mut Vec<u8>) -> Result<u64, Broken> {
    let checksum = crc32fast::hash(block);
    block.extend_from_slice(&checksum.to_be_bytes());
    out.write_all(block)?;
    let written = block.len() as u64;
    block.clear();
    Ok(written)
}

fn key_length(key: &[u8]) -> Result<u16, Broken> {
    u16::try_from(key.len()).map_err(|_| Broken::new("a key of the state is too long for a table"))
}
