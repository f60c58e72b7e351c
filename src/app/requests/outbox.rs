//! What an operator decides about a mail of the outbox.

use super::{Answer, Change, Posted};
use crate::ids::MessageId;
use crate::store::{OutboxItem, Record, StoreError, View};
use crate::time::Timestamp;

/// It is due now.
pub(super) fn retry(
    view: &View<'_>,
    id: &MessageId,
    posted: &Posted,
    running: bool,
    now: Timestamp,
) -> Result<Change, StoreError> {
    Ok(match find(view, id, running)? {
        Err(answer) => Change::Leave(answer),
        Ok(item) => {
            let why = format!("due now: {} asked for it", posted.by);
            let (message_id, attempt) = (id.clone(), item.attempts);
            let when = if running { "now" } else { "now; it leaves when the bot runs" };
            let said = format!("{id} is due {when}{}", doubt(&item));
            Change::Write(Box::new(Record::Deferred { message_id, attempt, at: now, until: now, why }), said)
        }
    })
}

/// It is never sent. There is no notice: whoever would be told has asked for it.
pub(super) fn drop(
    view: &View<'_>,
    id: &MessageId,
    reason: &str,
    posted: &Posted,
    running: bool,
    now: Timestamp,
) -> Result<Change, StoreError> {
    Ok(match find(view, id, running)? {
        Err(answer) => Change::Leave(answer),
        Ok(item) => {
            let why = format!("dropped by {}: {reason}", posted.by);
            let said = format!("{id} will not be sent{}", doubt(&item));
            Change::Write(Box::new(Record::Failed { message_id: id.clone(), at: now, why, notice: None }), said)
        }
    })
}

/// The mail, or why nothing can be done about it. What is on its way must not be changed.
fn find(view: &View<'_>, id: &MessageId, running: bool) -> Result<Result<OutboxItem, Answer>, StoreError> {
    Ok(match view.outbox_item(id)? {
        None => Err(Answer::Refused(format!("{id} is not in the outbox any more; nothing was changed"))),
        Some(item) if running && item.started.is_some() => {
            Err(Answer::Later(format!("{id} is on its way to the relay right now; nothing was changed")))
        }
        Some(item) => Ok(item),
    })
}

fn doubt(item: &OutboxItem) -> &'static str {
    match item.started {
        Some(_) => "\nits last attempt has no known end: the relay may have it already",
        None => "",
    }
}
