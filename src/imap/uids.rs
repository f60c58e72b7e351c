//! Sets of UIDs, as commands name them (RFC 9051 §9 `sequence-set`).

use std::fmt::Write as _;

/// Octets of a set in one command: RFC 7162 §4 advises clients to keep a whole command below 8192.
const MAX_SET: usize = 4096;

/// `uids` in as few sets as fit in commands, in ascending order; neighbours are written as a range, never
/// anything between them that is not ours.
pub fn sets(uids: &[u32]) -> Vec<String> {
    let mut uids = uids.to_vec();
    uids.sort_unstable();
    uids.dedup();
    let mut sets = Vec::new();
    let mut set = String::new();
    for run in uids.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        if set.len() > MAX_SET - "4294967295:4294967295,".len() {
            sets.push(std::mem::take(&mut set));
        }
        if !set.is_empty() {
            set.push(',');
        }
        // Writing to a String cannot fail.
        let _ = match run {
            [one] => write!(set, "{one}"),
            [first, .., last] => write!(set, "{first}:{last}"),
            [] => Ok(()),
        };
    }
    if !set.is_empty() {
        sets.push(set);
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_a_range_and_gaps_stay_gaps() {
        let cases: [(&[u32], &[&str]); 5] = [
            (&[], &[]),
            (&[7], &["7"]),
            (&[3, 1, 2, 3], &["1:3"]),
            (&[1, 2, 4, 6, 7], &["1:2,4,6:7"]),
            (&[u32::MAX - 1, u32::MAX], &["4294967294:4294967295"]),
        ];
        for (uids, expected) in cases {
            assert_eq!(sets(uids), expected);
        }
    }

    #[test]
    fn a_set_fits_in_a_command() {
        let uids: Vec<u32> = (0..10_000).map(|n| 4_000_000_000 + 2 * n).collect();
        let sets = sets(&uids);
        assert!(sets.iter().all(|set| set.len() <= MAX_SET));
        let back: Vec<u32> = sets.iter().flat_map(|set| set.split(',')).map(|uid| uid.parse().unwrap()).collect();
        assert_eq!(back, uids);
    }
}
