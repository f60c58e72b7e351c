//! What an operator decides about the breaker.

use super::{Answer, Change, Posted};
use crate::store::{Record, StoreError, View};
use crate::time::Timestamp;

/// Automatic answers leave again.
pub(super) fn release(
    view: &View<'_>,
    reason: &str,
    posted: &Posted,
    running: bool,
    now: Timestamp,
) -> Result<Change, StoreError> {
    if view.tripped()?.is_none() {
        return Ok(Change::Leave(Answer::Refused("the breaker is closed: there is nothing to release".into())));
    }
    let when = if running { "" } else { " when the bot runs" };
    let said = format!("released: automatic answers leave again{when}");
    Ok(Change::Write(Box::new(Record::Released { at: now, by: posted.by.clone(), reason: reason.to_owned() }), said))
}
