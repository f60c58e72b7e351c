//! The outbox beside a running bot: the mails that have not left.

use std::path::Path;

use super::journal::Mark;
use super::segments::{damaged, path_of, payload_at, starts_in};
use super::state::{Aside, OutboxItem};
use super::{StoreError, beside, checkpoint, schema};
use crate::outgoing::Outgoing;

/// How often the checkpoint is read again: the bot may put another in its place at any moment.
const LOOKS: usize = 5;

/// The mails in the outbox, the one that waits longest first.
pub fn waiting(data: &Path) -> Result<Vec<OutboxItem>, StoreError> {
    let mut items = aside(data)?.outbox()?;
    items.sort_by_key(|item| (item.position, item.index));
    Ok(items)
}

/// The mail itself, as it was written down.
pub fn waiting_mail(data: &Path, item: &OutboxItem) -> Result<Outgoing, StoreError> {
    let (dir, position) = (data.join("journal"), item.position.0);
    let starts = starts_in(&dir)?;
    let start = starts[..starts.partition_point(|start| *start <= position)].last().copied().unwrap_or(0);
    let missing = |why: &str| damaged(&path_of(&dir, start), start, position, why);
    let payload = payload_at(&dir, start, position)?.ok_or_else(|| missing("the record has left"))?;
    let record = schema::decode(&payload).map_err(|why| missing(&why))?;
    let mail = record.outgoing().get(item.index as usize).cloned();
    mail.ok_or_else(|| StoreError::Trouble(format!("the journal does not hold the mail {}", item.message_id)))
}

/// What the state would say now.
fn aside(data: &Path) -> Result<Aside, StoreError> {
    let mut looks = 0;
    loop {
        looks += 1;
        let tables = match looks < LOOKS {
            true => checkpoint::tables(data, false),
            // One that belongs to another journal is of no use; what it said is read in this one.
            false => Vec::new(),
        };
        let mut aside = Aside::over(tables);
        let from = aside.mark;
        let agrees =
            beside::records_after(data, from, |position, mark, record| Ok(aside.push(position, mark, &record)?))?;
        if agrees || from == Mark::default() {
            return Ok(aside);
        }
    }
}
