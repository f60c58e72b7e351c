//! The outbox as the journal tells it, beside a running bot: the mails that have not left.
//!
//! It says what the state would say of the same journal (`state/fold.rs`); a test holds the two together.

use std::collections::HashMap;
use std::path::Path;

use super::journal::Position;
use super::record::Record;
use super::state::OutboxItem;
use super::{StoreError, beside};
use crate::ids::MessageId;
use crate::outgoing::Outgoing;

/// The mails in the outbox, the one that waits longest first.
pub fn waiting(data: &Path) -> Result<Vec<OutboxItem>, StoreError> {
    let mut items: HashMap<MessageId, OutboxItem> = HashMap::new();
    beside::records(data, |position, record| {
        match &record {
            Record::SendStart { message_id, attempt, .. } => {
                if let Some(item) = items.get_mut(message_id) {
                    item.attempts = *attempt;
                    item.started = Some(position);
                }
            }
            Record::Deferred { message_id, attempt, until, why, .. } => {
                if let Some(item) = items.get_mut(message_id) {
                    item.attempts = *attempt;
                    item.started = None;
                    item.due = *until;
                    item.last = Some(why.clone());
                }
            }
            Record::Decided(decided) => {
                for id in &decided.orders.released {
                    if let Some(item) = items.get_mut(id).filter(|item| item.held) {
                        (item.held, item.queued, item.due) = (false, decided.at, decided.at);
                    }
                }
                for id in &decided.orders.withdrawn {
                    if items.get(id).is_some_and(|item| item.started.is_none()) {
                        items.remove(id);
                    }
                }
            }
            Record::Sent { message_id, .. } | Record::Failed { message_id, .. } => {
                items.remove(message_id);
            }
            _ => {}
        }
        let queued = match &record {
            Record::Decided(decided) => decided.at,
            Record::Changed(changed) => changed.at,
            Record::Told { at, .. }
            | Record::Digested { at, .. }
            | Record::Reported { at, .. }
            | Record::Failed { at, .. } => *at,
            _ => return Ok(()),
        };
        for (index, mail) in record.outgoing().iter().enumerate() {
            let item = OutboxItem::new(mail, queued, position, index as u32);
            items.insert(item.message_id.clone(), item);
        }
        Ok(())
    })?;
    let mut items: Vec<OutboxItem> = items.into_values().collect();
    items.sort_by_key(|item| (item.position, item.index));
    Ok(items)
}

/// The mail itself, as it was written down.
pub fn waiting_mail(data: &Path, item: &OutboxItem) -> Result<Outgoing, StoreError> {
    let mut found = None;
    beside::records(data, |position: Position, record| {
        if position == item.position {
            found = record.outgoing().get(item.index as usize).cloned();
        }
        Ok(())
    })?;
    found.ok_or_else(|| StoreError::Trouble(format!("the journal does not hold the mail {}", item.message_id)))
}
