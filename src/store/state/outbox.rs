//! The outbox as the state knows it: the mails that have not left, and which of them may.

use std::collections::HashSet;
use std::time::Duration;

use super::lookup::Lookup;
use super::{Broken, keys, number};
use crate::case::Pending;
use crate::ids::{CaseNumber, MessageId};
use crate::outgoing::{Envelope, Leaves, Outgoing, Purpose};
use crate::store::journal::Position;
use crate::store::schema;
use crate::time::{Timestamp, of_days};

/// A mail in the outbox. Its text is in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxItem {
    pub message_id: MessageId,
    pub case: Option<CaseNumber>,
    pub purpose: Purpose,
    pub envelope: Envelope,
    /// When it was written down.
    pub queued: Timestamp,
    /// When the next attempt is due.
    pub due: Timestamp,
    /// Attempts begun so far.
    pub attempts: u32,
    /// What the relay said last.
    pub last: Option<String>,
    /// Where the attempt now under way was written down.
    pub started: Option<Position>,
    /// The record that holds its text, and which of the mails in it.
    pub position: Position,
    pub index: u32,
    /// It waits for a human's word, and is not due before.
    pub held: bool,
    /// A human has let it go.
    pub released: bool,
}

impl OutboxItem {
    /// The mail that was written down as the `index`-th of the record at `position`.
    pub(in crate::store) fn new(mail: &Outgoing, queued: Timestamp, position: Position, index: u32) -> OutboxItem {
        OutboxItem {
            message_id: mail.message_id.clone(),
            case: mail.case,
            purpose: mail.purpose,
            envelope: mail.envelope.clone(),
            queued,
            due: match mail.leaves {
                Leaves::At(at) => at.max(queued),
                Leaves::AtOnce | Leaves::WhenReleased => queued,
            },
            attempts: 0,
            last: None,
            started: None,
            position,
            index,
            held: mail.leaves == Leaves::WhenReleased,
            released: false,
        }
    }
}

/// Nothing is put off for longer than this at a time (see the waits of delivery).
const LONGEST_WAIT: Duration = of_days(1);

impl Lookup {
    /// Are there mails of a case that have not left?
    pub fn has_queue(&self, case: CaseNumber) -> Result<bool, Broken> {
        Ok(self.rows.keys(&keys::queues(case)).next().transpose()?.is_some())
    }

    /// The mails of a case that have not left, in the order in which they were written down.
    pub fn queue(&self, case: CaseNumber) -> Result<Vec<OutboxItem>, Broken> {
        let mut queue = Vec::new();
        for id in self.rows.values(&keys::queues(case)) {
            let id = id?;
            let id = std::str::from_utf8(&id).ok().and_then(MessageId::parse);
            let item = id.map(|id| self.outbox_item(&id)).transpose()?.flatten();
            queue.push(item.ok_or_else(|| Broken::new(format!("a queued mail of case {case} is not in the outbox")))?);
        }
        Ok(queue)
    }

    /// The same as a decision is told of them.
    pub(super) fn pending_of(&self, case: CaseNumber) -> Result<Vec<Pending>, Broken> {
        let pending = |item: OutboxItem| Pending {
            message_id: item.message_id,
            to: item.envelope.to,
            to_requester: item.purpose.is_to_requester(),
            held: item.held,
            of_a_human: item.purpose == Purpose::Relay || item.released,
            started: item.started.is_some() || item.attempts > 0,
        };
        Ok(self.queue(case)?.into_iter().map(pending).collect())
    }

    pub fn outbox(&self) -> impl Iterator<Item = Result<OutboxItem, Broken>> + use<> {
        self.rows.values(keys::OUTBOX).map(|value| schema::read_row(&value?).map_err(Broken::new))
    }

    pub fn outbox_item(&self, id: &MessageId) -> Result<Option<OutboxItem>, Broken> {
        self.row(&keys::outbox(id))
    }

    pub fn outbox_length(&self) -> Result<u64, Broken> {
        number(self.rows.get(keys::OUTBOX_LENGTH)?.as_deref())
    }

    /// Mails whose next attempt is due, at most one of each case.
    pub fn due(&self, now: Timestamp, most: usize) -> Result<Vec<OutboxItem>, Broken> {
        let (mut found, mut cases) = (Vec::new(), HashSet::new());
        let tripped = self.tripped()?.is_some();
        let is_due = |item: &Result<OutboxItem, Broken>| item.as_ref().map_or(true, |item| item.due <= now);
        for item in self.waiting().take_while(is_due).chain(self.astray(now)) {
            let item = item?;
            if found.len() == most {
                break;
            }
            if !is_held(&item, tripped) && !self.must_wait(&item)? && item.case.is_none_or(|case| cases.insert(case)) {
                found.push(item);
            }
        }
        Ok(found)
    }

    /// Does nothing keep a mail, whose time has come, from leaving?
    pub fn may_begin(&self, id: &MessageId) -> Result<bool, Broken> {
        let Some(item) = self.outbox_item(id)?.filter(|item| item.started.is_none() && !item.held) else {
            return Ok(false);
        };
        Ok(!is_held(&item, self.tripped()?.is_some()) && !self.must_wait(&item)?)
    }

    /// When the next attempt may begin; what waits for another mail of its case is not counted.
    pub fn next_due(&self) -> Result<Option<Timestamp>, Broken> {
        let tripped = self.tripped()?.is_some();
        for item in self.waiting() {
            let item = item?;
            if !is_held(&item, tripped) && !self.must_wait(&item)? {
                return Ok(Some(item.due));
            }
        }
        Ok(None)
    }

    /// Mails that wait for an attempt, the most urgent first.
    fn waiting(&self) -> impl Iterator<Item = Result<OutboxItem, Broken>> {
        self.rows.keys(keys::DUE).map(|key| self.waiting_at(&key?))
    }

    /// Mails that wait for longer than anything waits: the clock was ahead when they were put off.
    fn astray(&self, now: Timestamp) -> impl Iterator<Item = Result<OutboxItem, Broken>> {
        let from = keys::due_at(now.checked_add(LONGEST_WAIT).unwrap_or(now));
        let to = keys::due_at(Timestamp::MAX);
        self.rows.between(&from, &to).map(|key| self.waiting_at(&key?))
    }

    fn waiting_at(&self, key: &[u8]) -> Result<OutboxItem, Broken> {
        let id = keys::due_id(key).ok_or_else(|| Broken::new("a due mail is not readable"))?;
        self.outbox_item(&id)?.ok_or_else(|| Broken::new(format!("the due mail {id} is not in the outbox")))
    }

    /// One mail of a case is under way at a time, and mails of a case to one recipient leave in order. A mail
    /// to somebody else may overtake: a customer's full mailbox must not keep the case from its group.
    fn must_wait(&self, item: &OutboxItem) -> Result<bool, Broken> {
        let Some(case) = item.case else { return Ok(false) };
        for other in self.queue(case)? {
            let earlier = (other.position, other.index) < (item.position, item.index);
            if other.started.is_some() || (earlier && !other.held && other.envelope.to == item.envelope.to) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// While the breaker is open, answers stay in the outbox.
fn is_held(item: &OutboxItem, tripped: bool) -> bool {
    tripped && item.purpose == Purpose::Answer
}
