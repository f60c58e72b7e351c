//! What a record does to the state: the one function for live work, for replay and for a rebuild.
//!
//! It reads rows, and it writes rows into a [`Change`]; the change reaches sled in one atomic batch together
//! with the mark of how far the journal has been applied, or a table if there is much of it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::layers::{Layers, Rows, after};
use super::table::{Row, Table};
use super::{Broken, Ledgered, MailboxRow, OutboxItem, keys, manners, quarantine};
use crate::case::{AgentFacts, Case, CaseState, Load, Scope, Suppression, Window};
use crate::ids::{CaseNumber, MailHash, MailboxName, MessageId};
use crate::mailbox::{Cursor, Place};
use crate::outgoing::{Outgoing, Purpose};
use crate::store::journal::{Mark, Position};
use crate::store::record::{Changed, Decided, Orders, Outcome, Record};
use crate::store::schema::{self, OnDisk};
use crate::time::Timestamp;

/// Characters kept of what the relay said last: a row has at most 4 KB, the whole is in the journal.
const LAST_WORDS: usize = 500;

/// Rows to be written, seen by those who read after them.
pub(super) struct Change<'a> {
    writes: Writes,
    /// Those before them, while they become a table.
    full: Option<Arc<Writes>>,
    below: Cow<'a, Layers>,
}

/// Rows by their keys; none where a row is gone.
pub(super) type Writes = HashMap<Vec<u8>, Option<Vec<u8>>>;

impl<'a> Change<'a> {
    pub fn new(below: Cow<'a, Layers>) -> Change<'a> {
        Change { writes: Writes::new(), full: None, below }
    }

    /// All of it or nothing.
    pub fn apply(self) -> Result<(), Broken> {
        self.below.put(self.writes.into_iter())
    }

    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// What there is so far, to be made a table of, and what lies below it. The one before it is [`Change::filed`].
    pub fn fill(&mut self) -> (Arc<Writes>, Layers) {
        let full = Arc::new(std::mem::take(&mut self.writes));
        self.full = Some(Arc::clone(&full));
        (full, self.below.clone().into_owned())
    }

    /// What was full is this table, together with what was in sled.
    pub fn filed(&mut self, table: Arc<Table>) {
        self.full = None;
        let below = self.below.to_mut();
        below.recent = None;
        below.tables.insert(0, table);
    }

    /// The tables below, the newest first.
    pub fn tables(&mut self) -> &mut Vec<Arc<Table>> {
        &mut self.below.to_mut().tables
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
        Ok(self.find(key)?.map(Cow::into_owned))
    }

    pub fn row<T: OnDisk>(&self, key: &[u8]) -> Result<Option<T>, Broken> {
        match self.find(key)? {
            Some(bytes) => Ok(Some(schema::read_row(&bytes).map_err(Broken::new)?)),
            None => Ok(None),
        }
    }

    fn find(&self, key: &[u8]) -> Result<Option<Cow<'_, [u8]>>, Broken> {
        let full = || self.full.as_ref().and_then(|full| full.get(key));
        match self.writes.get(key).or_else(full) {
            Some(written) => Ok(written.as_deref().map(Cow::Borrowed)),
            None => Ok(self.below.get(key)?.map(Cow::Owned)),
        }
    }

    /// The rows whose keys begin with `prefix`, in order. All rows of the change are looked at: for those who ask, not for
    /// the fold.
    pub fn scan(&self, prefix: &[u8]) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), Broken>> {
        let newer = [Some(&self.writes), self.full.as_deref()].into_iter().flatten();
        self.below.over(newer.map(|rows| in_order(rows, prefix)).collect(), prefix, after(prefix))
    }

    pub fn put(&mut self, key: Vec<u8>, value: impl Into<Vec<u8>>) {
        self.writes.insert(key, Some(value.into()));
    }

    pub fn remove(&mut self, key: Vec<u8>) {
        // Most of what is removed came a few records before: nothing below needs to be told.
        let is_full = self.full.as_ref().is_some_and(|full| full.contains_key(&key));
        match !is_full && self.below.is_without(&key) {
            true => self.writes.remove(&key),
            false => self.writes.insert(key, None),
        };
    }
}

/// The rows whose keys begin with `prefix`, in order.
pub(super) fn in_order<'a>(rows: &'a Writes, prefix: &[u8]) -> Rows<'a> {
    let mut rows: Vec<_> = rows.iter().filter(|(key, _)| key.starts_with(prefix)).collect();
    rows.sort_unstable();
    Box::new(rows.into_iter().map(|(key, value)| Ok::<Row, Broken>((key.clone(), value.clone()))))
}

/// Does to the state what the record at `position` says; `mark` is where its frame ends.
pub(super) fn fold(change: &mut Change<'_>, position: Position, mark: Mark, record: &Record) -> Result<(), Broken> {
    match record {
        Record::Started { mailbox, mark } => {
            let row = MailboxRow { started: Some(*mark), cursor: None };
            change.put(keys::mailbox(mailbox), schema::row(&row));
        }
        Record::Taken { mailbox, place, hash, attempt, .. } => {
            change.put(keys::attempts(hash), attempt.to_be_bytes());
            change.put(keys::pending(mailbox, place), *hash.as_bytes());
        }
        Record::Decided(decided) => {
            placed(change, &decided.mailbox, &decided.place, Some(&decided.hash))?;
            decide(change, position, decided)?;
        }
        Record::Again { mailbox, place, hash, .. } => placed(change, mailbox, place, Some(hash))?,
        Record::Vanished { mailbox, place: place @ Place::Maildir { .. }, .. } => {
            change.remove(keys::pending(mailbox, place));
        }
        Record::Vanished { mailbox, place, .. } => placed(change, mailbox, place, None)?,
        Record::Settled { mailbox, places } => {
            for place in places {
                change.remove(keys::unsettled(mailbox, place));
                // A settled mail has left `new/`: another mail may come under its name.
                if let Place::Maildir { .. } = place {
                    change.remove(keys::placed(mailbox, place));
                }
            }
        }
        Record::Changed(changed) => amend(change, position, changed)?,
        Record::Digested { at, to, through, mail } => {
            manners::digested(change, to, *through, *at)?;
            enqueue(change, position, *at, std::slice::from_ref(mail))?;
        }
        Record::Reported { at, through, mails } => {
            manners::reported(change, *at, *through);
            enqueue(change, position, *at, mails)?;
        }
        Record::Released { .. } => manners::released(change, position)?,
        Record::Told { at, notice } => enqueue(change, position, *at, std::slice::from_ref(notice))?,
        Record::SendStart { message_id, attempt, .. } => {
            if let Some(mut item) = item(change, message_id)? {
                change.remove(keys::due(item.due, message_id));
                item.attempts = *attempt;
                item.started = Some(position);
                put_item(change, &item);
            }
        }
        Record::Sent { message_id, at, .. } => {
            if let Some(item) = item(change, message_id)? {
                if item.purpose == Purpose::Answer {
                    manners::answer_left(change, &item.envelope.to, *at)?;
                }
                finish(change, position, &item)?;
            }
        }
        Record::Deferred { message_id, attempt, until, why, .. } => {
            if let Some(mut item) = item(change, message_id)? {
                change.remove(keys::due(item.due, message_id));
                item.attempts = *attempt;
                item.started = None;
                item.due = *until;
                item.last = Some(why.chars().take(LAST_WORDS).collect());
                change.put(keys::due(item.due, message_id), []);
                put_item(change, &item);
                note(change, position, item.case);
            }
        }
        Record::Failed { message_id, at, notice, .. } => {
            withdraw(change, position, message_id)?;
            enqueue(change, position, *at, notice.as_slice())?;
        }
        Record::Erased { at, cases, mails, withdrawn } => {
            withdrawn.iter().try_for_each(|id| withdraw(change, position, id))?;
            mails.iter().for_each(|hash| change.remove(keys::quarantined(hash)));
            cases.iter().try_for_each(|number| erase(change, position, *at, *number))?;
        }
        Record::Compacted { at, by_age, cases } => {
            cases.iter().for_each(|number| change.remove(keys::erased(*number)));
            if *by_age {
                change.put(keys::COMPACTED.to_vec(), at.as_second().to_be_bytes());
            }
        }
        Record::Drawn { at, spent } => spend(change, spent, *at)?,
        // What is known of a mail outlives its bytes.
        Record::Repaired { .. } | Record::Forgotten { .. } => {}
        Record::Asked(asked) => {
            change.put(keys::asked(&asked.request), position.0.to_be_bytes());
            match &asked.done {
                // A mail decided anew: its mailbox was told when it was decided first.
                Record::Decided(decided) => {
                    change.remove(keys::quarantined(&decided.hash));
                    decide(change, position, decided)?;
                }
                done => return fold(change, position, mark, done),
            }
        }
    }
    let mut applied = mark.end.to_be_bytes().to_vec();
    applied.extend_from_slice(&mark.checksum.to_be_bytes());
    change.put(keys::APPLIED.to_vec(), applied);
    Ok(())
}

fn decide(change: &mut Change<'_>, position: Position, decided: &Decided) -> Result<(), Broken> {
    let ledgered = Ledgered {
        outcome: decided.outcome,
        at: decided.at,
        mailbox: decided.mailbox.clone(),
        place: decided.place.clone(),
        position,
    };
    change.put(keys::ledger(&decided.hash), schema::row(&ledgered));
    change.remove(keys::attempts(&decided.hash));
    if let Outcome::Quarantined(case) = decided.outcome {
        quarantine::came(change, &decided.hash, position, case);
    }
    if let Some(number) = decided.outcome.case() {
        for id in &decided.known_as {
            // The first mail with this Message-ID keeps it: a later one may be a stranger's.
            if change.get(&keys::inbound(id))?.is_none() {
                change.put(keys::inbound(id), number.bits().to_be_bytes());
            }
        }
        if let Some(twin) = &decided.twin {
            let mut value = number.bits().to_be_bytes().to_vec();
            value.extend_from_slice(&decided.at.as_second().to_be_bytes());
            change.put(keys::twin(twin), value);
        }
        note(change, position, Some(number));
    }
    if let Some(case) = &decided.case {
        put_case(change, position, decided.at, case)?;
    }
    spend(change, &decided.spent, decided.at)?;
    suppress(change, &decided.suppressed)?;
    obey(change, position, decided.at, decided.outcome.case(), &decided.orders)?;
    manners::answered(change, &decided.outgoing, decided.at)?;
    manners::minded(change, &decided.manners)?;
    enqueue(change, position, decided.at, &decided.outgoing)
}

/// What humans ordered beside a change of the case.
fn obey(
    change: &mut Change<'_>,
    position: Position,
    at: Timestamp,
    case: Option<CaseNumber>,
    orders: &Orders,
) -> Result<(), Broken> {
    for id in &orders.released {
        if let Some(mut item) = item(change, id)?.filter(|item| item.held) {
            (item.held, item.released, item.queued, item.due) = (false, true, at, at);
            change.put(keys::due(item.due, id), []);
            put_item(change, &item);
        }
    }
    for id in &orders.withdrawn {
        if let Some(item) = item(change, id)?.filter(|item| item.started.is_none()) {
            finish(change, position, &item)?;
        }
    }
    if let Some(number) = case.filter(|_| !orders.internal.is_empty()) {
        change.put(keys::internal(number, position), orders.internal.to_string());
    }
    for absence in &orders.absences {
        let mut known: AgentFacts = change.row(&keys::agent(&absence.agent))?.unwrap_or_default();
        known.away_until = Some(absence.until);
        change.put(keys::agent(&absence.agent), schema::row(&known));
    }
    Ok(())
}

fn amend(change: &mut Change<'_>, position: Position, changed: &Changed) -> Result<(), Broken> {
    put_case(change, position, changed.at, &changed.case)?;
    spend(change, &changed.spent, changed.at)?;
    manners::answered(change, &changed.outgoing, changed.at)?;
    enqueue(change, position, changed.at, &changed.outgoing)
}

fn put_case(change: &mut Change<'_>, position: Position, at: Timestamp, case: &Case) -> Result<(), Broken> {
    let before: Option<Case> = change.row(&keys::case(case.number))?;
    for timer in before.iter().flat_map(|case| &case.work.timers) {
        change.remove(keys::timer(timer.at, case.number));
    }
    for timer in &case.work.timers {
        change.put(keys::timer(timer.at, case.number), []);
    }
    share(change, at, before.as_ref(), case)?;
    queue(change, before.as_ref(), case)?;
    if let Some(into) = case.work.merged {
        change.put(keys::merged(into, case.number), []);
    }
    change.put(keys::case(case.number), schema::row(case));
    if let Some(requester) = &case.requester {
        change.put(keys::requester(requester, case.number), []);
    }
    note(change, position, Some(case.number));
    Ok(())
}

/// From here on the case is not found any more. What else the state knows of it leaves when the state is made anew.
fn erase(change: &mut Change<'_>, position: Position, at: Timestamp, number: CaseNumber) -> Result<(), Broken> {
    change.put(keys::erased(number), position.0.to_be_bytes());
    let Some(case) = change.row::<Case>(&keys::case(number))? else { return Ok(()) };
    for timer in &case.work.timers {
        change.remove(keys::timer(timer.at, number));
    }
    if let Some(requester) = &case.requester {
        change.remove(keys::requester(requester, number));
    }
    if let Some(into) = case.work.merged {
        change.remove(keys::merged(into, number));
    }
    change.remove(keys::case(number));
    let gone = Case { state: CaseState::Closed, ..case.clone() };
    queue(change, Some(&case), &gone)?;
    share(change, at, Some(&case), &gone)
}

/// Counts the case with the agent who has it now, and no more with the one who had it.
fn share(change: &mut Change<'_>, at: Timestamp, before: Option<&Case>, now: &Case) -> Result<(), Broken> {
    let holder = |case: &Case| case.work.agent.clone().filter(|_| case.state != CaseState::Closed);
    let (had, has) = (before.and_then(holder), holder(now));
    if had == has {
        return Ok(());
    }
    for (agent, more) in had.iter().map(|agent| (agent, false)).chain(has.iter().map(|agent| (agent, true))) {
        let mut known: AgentFacts = change.row(&keys::agent(agent))?.unwrap_or_default();
        known.open = if more { known.open + 1 } else { known.open.saturating_sub(1) };
        if more {
            known.assigned = Some(at);
        }
        change.put(keys::agent(agent), schema::row(&known));
    }
    Ok(())
}

/// Counts the case with the group that owes its requester an answer.
fn queue(change: &mut Change<'_>, before: Option<&Case>, now: &Case) -> Result<(), Broken> {
    let group = |case: &Case| case.awaits_answer().then(|| case.group.clone());
    let (had, has) = (before.and_then(group), group(now));
    if had == has {
        return Ok(());
    }
    let mut load: Load = change.row(keys::LOAD)?.unwrap_or_default();
    had.iter().for_each(|group| load.goes(group));
    has.iter().for_each(|group| load.comes(group));
    change.put(keys::LOAD.to_vec(), schema::row(&load));
    Ok(())
}

/// The frame at `position` belongs to the history of this case.
fn note(change: &mut Change<'_>, position: Position, case: Option<CaseNumber>) {
    if let Some(number) = case {
        change.put(keys::entry(number, position), []);
    }
}

/// Nothing is left to do for the mail in this place but to tell the mailbox.
fn placed(
    change: &mut Change<'_>,
    mailbox: &MailboxName,
    place: &Place,
    hash: Option<&MailHash>,
) -> Result<(), Broken> {
    change.remove(keys::pending(mailbox, place));
    if hash.is_some() {
        change.put(keys::unsettled(mailbox, place), []);
    }
    let hash: &[u8] = hash.map_or(&[], |hash| hash.as_bytes());
    change.put(keys::placed(mailbox, place), hash);
    if let Place::Imap { uid_validity, uid } = *place {
        let mut row: MailboxRow = change.row(&keys::mailbox(mailbox))?.unwrap_or_default();
        row.cursor = match row.cursor {
            Some(cursor) if cursor.uid_validity == uid_validity => Some(Cursor { uid: cursor.uid.max(uid), ..cursor }),
            // Another UIDVALIDITY: all UIDs are new (RFC 9051 §2.3.1.1).
            _ => Some(Cursor { uid_validity, uid }),
        };
        change.put(keys::mailbox(mailbox), schema::row(&row));
    }
    Ok(())
}

fn spend(change: &mut Change<'_>, scopes: &[Scope], at: Timestamp) -> Result<(), Broken> {
    for scope in scopes {
        let key = keys::budget(scope);
        let mut window = change.get(&key)?.map_or_else(Window::default, |bytes| super::window_from(&bytes));
        window.spend(scope, at);
        change.put(key, super::window_bytes(&window));
    }
    Ok(())
}

/// The longest suppression of an address holds.
fn suppress(change: &mut Change<'_>, suppressions: &[Suppression]) -> Result<(), Broken> {
    for suppression in suppressions {
        let key = keys::suppressed(&suppression.scope());
        let held = change.get(&key)?.map(|bytes| super::moment(&bytes)).transpose()?;
        if held.is_none_or(|held| held < suppression.until) {
            change.put(key, suppression.until.as_second().to_be_bytes());
        }
    }
    Ok(())
}

/// Puts mails into the outbox, due when they may leave.
fn enqueue(change: &mut Change<'_>, position: Position, at: Timestamp, mails: &[Outgoing]) -> Result<(), Broken> {
    for (index, mail) in mails.iter().enumerate() {
        let item = OutboxItem::new(mail, at, position, index as u32);
        if !item.held {
            change.put(keys::due(item.due, &item.message_id), []);
        }
        if let Some(number) = item.case {
            change.put(keys::queue(number, position, item.index), item.message_id.as_str());
            note(change, position, Some(number));
        }
        put_item(change, &item);
    }
    count(change, |length| length + mails.len() as u64)
}

/// Takes a mail out of the outbox, if it is there.
fn withdraw(change: &mut Change<'_>, position: Position, id: &MessageId) -> Result<(), Broken> {
    item(change, id)?.map_or(Ok(()), |item| finish(change, position, &item))
}

/// Takes a mail out of the outbox; what became of it is in the journal.
fn finish(change: &mut Change<'_>, position: Position, item: &OutboxItem) -> Result<(), Broken> {
    change.remove(keys::due(item.due, &item.message_id));
    change.remove(keys::outbox(&item.message_id));
    if let Some(number) = item.case {
        change.remove(keys::queue(number, item.position, item.index));
    }
    note(change, position, item.case);
    count(change, |length| length.saturating_sub(1))
}

fn count(change: &mut Change<'_>, new: impl FnOnce(u64) -> u64) -> Result<(), Broken> {
    let length = super::number(change.get(keys::OUTBOX_LENGTH)?.as_deref())?;
    change.put(keys::OUTBOX_LENGTH.to_vec(), new(length).to_be_bytes());
    Ok(())
}

fn item(change: &Change<'_>, id: &MessageId) -> Result<Option<OutboxItem>, Broken> {
    change.row(&keys::outbox(id))
}

fn put_item(change: &mut Change<'_>, item: &OutboxItem) {
    change.put(keys::outbox(&item.message_id), schema::row(item));
}
