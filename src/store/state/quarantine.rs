//! Which mails are in quarantine, and where the journal says why: they are few among many, and people ask for them.

use super::fold::Change;
use super::{Broken, keys, number};
use crate::ids::{CaseNumber, MailHash};
use crate::store::journal::Position;

/// A mail could not be read, and has this case, as the record at `position` says.
pub fn came(change: &mut Change<'_>, hash: &MailHash, position: Position, case: Option<CaseNumber>) {
    let mut row = position.0.to_be_bytes().to_vec();
    row.extend(case.iter().flat_map(|case| case.bits().to_be_bytes()));
    change.put(keys::quarantined(hash), row);
}

/// Where each mail in quarantine was decided, in the order in which they were, and its case.
pub fn all(change: &Change<'_>) -> Result<Vec<(Position, Option<CaseNumber>)>, Broken> {
    let rows = change.scan(keys::QUARANTINED).map(|row| {
        let (_, row) = row?;
        Ok((Position(number(row.get(..8))?), case_of(&row)?))
    });
    let mut found = rows.collect::<Result<Vec<_>, Broken>>()?;
    found.sort();
    Ok(found)
}

fn case_of(row: &[u8]) -> Result<Option<CaseNumber>, Broken> {
    let bits = row.get(8..).filter(|bits| !bits.is_empty());
    bits.map(|bits| Ok(CaseNumber::from_bits(number(Some(bits))?))).transpose()
}
