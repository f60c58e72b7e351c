//! People as the log and the reports know them.

use crate::address::Address;
use crate::ids::Key;

/// A keyed hash and the domain (`k3v9x2ta@example.com`): the same for one person wherever it stands, and nobody's name.
pub fn pseudonym(key: &Key, address: &Address) -> String {
    let proof = key.prove("maillog", &[address.counting_key().as_bytes()]);
    format!("{}@{}", &proof.as_str()[..8], address.domain())
}
