//! The bot's own key, and the short proofs made with it.
//!
//! One 256-bit key, kept in the data folder, makes case numbers unguessable and lets the bot know its own
//! Message-IDs and addresses again. A proof is HMAC-SHA-256 (RFC 2104) over a purpose and its parts, cut to
//! 80 bits, which nobody guesses over mail (RFC 2104 §5 asks for at least 80); comparison takes the same
//! time for every wrong proof.
//!
//! A key can be followed by another. What the former one proved is believed for as long as was said then: threads and
//! tokens outlive the change, and a key that has leaked does not outlive its day.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::CROCKFORD;

/// The key. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct Key {
    now: [u8; 32],
    /// Those before it, the newest first.
    former: Vec<Former>,
}

/// A key that makes no proofs any more.
#[derive(Clone)]
struct Former {
    bytes: [u8; 32],
    /// The last day on which its proofs are believed, counted from 1970 in Greenwich.
    last_day: u32,
}

/// Octets of a former key in the key file: the key, and its last day.
const FORMER: usize = 32 + 4;
/// Former keys that are kept: whoever changes the key more often means to forget the oldest.
const MOST_FORMER: usize = 8;

/// Octets of a proof.
const PROOF: usize = 10;

/// 80 bits that only a holder of the key can make, as 16 base32 digits in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof(String);

impl Key {
    pub fn from_bytes(bytes: [u8; 32]) -> Key {
        Key { now: bytes, former: Vec::new() }
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.now
    }

    /// The key and those before it, as they lie in a file; none if these are no such octets.
    pub fn from_file(octets: &[u8]) -> Option<Key> {
        let (now, rest) = octets.split_first_chunk::<32>()?;
        let former = rest.chunks(FORMER).map(|chunk| {
            let (bytes, day) = chunk.split_first_chunk::<32>()?;
            Some(Former { bytes: *bytes, last_day: u32::from_be_bytes(day.try_into().ok()?) })
        });
        Some(Key { now: *now, former: former.collect::<Option<_>>()? })
    }

    pub fn to_file(&self) -> Vec<u8> {
        let mut octets = self.now.to_vec();
        for former in &self.former {
            octets.extend_from_slice(&former.bytes);
            octets.extend_from_slice(&former.last_day.to_be_bytes());
        }
        octets
    }

    /// A new key after this one, whose proofs are believed to the end of `last_day`. Those that have had their day are
    /// forgotten.
    pub fn followed_by(&self, new: [u8; 32], last_day: u32, today: u32) -> Key {
        let mut former = vec![Former { bytes: self.now, last_day }];
        former.extend(self.former.iter().filter(|former| former.last_day >= today).cloned());
        former.truncate(MOST_FORMER);
        Key { now: new, former }
    }

    /// How many former keys are known, and the last day of each, the newest first.
    pub fn former(&self) -> impl Iterator<Item = u32> {
        self.former.iter().map(|former| former.last_day)
    }

    /// The whole HMAC over a purpose and its parts. Parts are framed by their length, so that no two lists
    /// of parts give the same input.
    pub fn tag(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.mac(purpose, parts).finalize().into_bytes().into()
    }

    pub fn prove(&self, purpose: &str, parts: &[&[u8]]) -> Proof {
        Proof(base32(&self.tag(purpose, parts)[..PROOF]))
    }

    /// Is `proof` what [`Key::prove`] gives, or gave under a former key, for the same purpose and parts? In constant
    /// time for each key.
    pub fn verify(&self, purpose: &str, parts: &[&[u8]], proof: &str) -> bool {
        self.verify_on(0, purpose, parts, proof)
    }

    /// As [`Key::verify`], by the keys that are believed on this day: for what grants authority.
    pub fn verify_on(&self, today: u32, purpose: &str, parts: &[&[u8]], proof: &str) -> bool {
        let Some(bytes) = unbase32(proof).filter(|bytes| bytes.len() == PROOF) else {
            return false;
        };
        let believed = self.former.iter().filter(|former| former.last_day >= today).map(|former| &former.bytes);
        // All keys are tried: how long it takes tells nothing of which one fits.
        let fits = std::iter::once(&self.now)
            .chain(believed)
            .filter(|key| mac(key, purpose, parts).verify_truncated_left(&bytes).is_ok());
        fits.count() > 0
    }

    fn mac(&self, purpose: &str, parts: &[&[u8]]) -> Hmac<Sha256> {
        mac(&self.now, purpose, parts)
    }
}

fn mac(key: &[u8; 32], purpose: &str, parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Proof {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Lower-case Crockford base32 of a whole number of 5-octet groups.
fn base32(bytes: &[u8]) -> String {
    bytes
        .chunks(5)
        .flat_map(|group| {
            let bits = group.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            (0..8).rev().map(move |i| CROCKFORD[(bits >> (5 * i)) as usize & 31].to_ascii_lowercase() as char)
        })
        .collect()
}

fn unbase32(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(8) {
        return None;
    }
    let values: Option<Vec<u64>> = text
        .bytes()
        .map(|c| CROCKFORD.iter().position(|d| *d == c.to_ascii_uppercase()).map(|value| value as u64))
        .collect();
    Some(
        values?
            .chunks(8)
            .flat_map(|group| {
                group.iter().fold(0_u64, |bits, value| bits << 5 | value).to_be_bytes().into_iter().skip(3)
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_its_purpose_and_its_parts_make_a_proof() {
        let key = Key::from_bytes([1; 32]);
        let proof = key.prove("a", &[b"x", b"y"]);
        assert_eq!(proof.as_str().len(), 16);
        assert!(key.verify("a", &[b"x", b"y"], proof.as_str()));
        assert!(key.verify("a", &[b"x", b"y"], &proof.as_str().to_uppercase()), "mail systems change case");
        assert!(!key.verify("a", &[b"xy", b""], proof.as_str()));
        assert!(!key.verify("b", &[b"x", b"y"], proof.as_str()));
        assert!(!Key::from_bytes([2; 32]).verify("a", &[b"x", b"y"], proof.as_str()));
        for wrong in ["", "x", "uuuuuuuuuuuuuuuu", &proof.as_str()[..8], &format!("{proof}00000000")] {
            assert!(!key.verify("a", &[b"x", b"y"], wrong), "{wrong}");
        }
        assert_eq!(format!("{key:?}"), "Key(…)");
    }

    #[test]
    fn a_former_key_is_believed_to_the_end_of_its_day() {
        let first = Key::from_bytes([1; 32]);
        let second = first.followed_by([2; 32], 100, 10);
        let third = second.followed_by([3; 32], 200, 50);
        let proof = |key: &Key| key.prove("a", &[b"x"]).to_string();
        let holds = |proof: &str, day| third.verify_on(day, "a", &[b"x"], proof);
        for (key, last) in [(&first, 100), (&second, 200), (&third, u32::MAX)] {
            assert!(holds(&proof(key), 0) && holds(&proof(key), last));
            assert!(last == u32::MAX || !holds(&proof(key), last + 1));
        }
        assert_ne!(proof(&third), proof(&first), "the newest key makes the proofs");
        let late = third.followed_by([4; 32], 300, 150);
        assert_eq!(late.former().collect::<Vec<_>>(), [300, 200], "the first key has had its day");
        assert!(!Key::from_bytes([3; 32]).verify("a", &[b"x"], &proof(&first)));
    }

    #[test]
    fn a_key_and_those_before_it_are_read_back() {
        let mut key = Key::from_bytes([1; 32]);
        assert_eq!(key.to_file(), [1; 32]);
        for n in 2..20 {
            key = key.followed_by([n; 32], 1_000 + u32::from(n), 10);
        }
        let read = Key::from_file(&key.to_file()).unwrap();
        assert_eq!(read.to_file(), key.to_file());
        assert_eq!(read.former().count(), MOST_FORMER);
        for wrong in [0, 31, 33, 67, 69] {
            assert!(Key::from_file(&vec![1; wrong]).is_none(), "{wrong}");
        }
    }
}
