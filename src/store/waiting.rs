//! The outbox beside a running bot: the mails that have not left.

use std::path::Path;

use super::state::OutboxItem;
use super::{StoreError, beside};
use crate::outgoing::Outgoing;

/// The mails in the outbox, the one that waits longest first.
pub fn waiting(data: &Path) -> Result<Vec<OutboxItem>, StoreError> {
    let mut items = beside::state(data)?.outbox()?;
    items.sort_by_key(|item| (item.position, item.index));
    Ok(items)
}

/// The mail itself, as it was written down.
pub fn waiting_mail(data: &Path, item: &OutboxItem) -> Result<Outgoing, StoreError> {
    let missing = || StoreError::Trouble(format!("the journal does not hold the mail {}", item.message_id));
    let record = beside::record(data, item.position)?.ok_or_else(missing)?;
    let mail = record.outgoing().get(item.index as usize).cloned();
    mail.ok_or_else(missing)
}
