//! The bot's own key, and the short proofs made with it.
//!
//! One 256-bit key, kept in the data folder, makes case numbers unguessable and lets the bot know its own
//! Message-IDs and addresses again. A proof is HMAC-SHA-256 (RFC 2104) over a purpose and its parts, cut to
//! 80 bits, which nobody guesses over mail (RFC 2104 §5 asks for at least 80); comparison takes the same
//! time for every wrong proof.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::CROCKFORD;

/// The key. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct Key([u8; 32]);

/// Octets of a proof.
const PROOF: usize = 10;

/// 80 bits that only a holder of the key can make, as 16 base32 digits in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof(String);

impl Key {
    pub fn from_bytes(bytes: [u8; 32]) -> Key {
        Key(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The whole HMAC over a purpose and its parts. Parts are framed by their length, so that no two lists
    /// of parts give the same input.
    pub fn tag(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.mac(purpose, parts).finalize().into_bytes().into()
    }

    pub fn prove(&self, purpose: &str, parts: &[&[u8]]) -> Proof {
        Proof(base32(&self.tag(purpose, parts)[..PROOF]))
    }

    /// Is `proof` what [`Key::prove`] gives for the same purpose and parts? In constant time.
    pub fn verify(&self, purpose: &str, parts: &[&[u8]], proof: &str) -> bool {
        match unbase32(proof) {
            Some(bytes) if bytes.len() == PROOF => self.mac(purpose, parts).verify_truncated_left(&bytes).is_ok(),
            _ => false,
        }
    }

    fn mac(&self, purpose: &str, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
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
}
