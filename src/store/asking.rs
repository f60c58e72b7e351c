//! What the store tells whoever asks: of mail taken, of cases, of mail leaving, and of the journal itself.

use tokio::sync::watch;

use super::journal::{Mark, Position};
use super::state::{Ledgered, Line, Lookup, OutboxItem};
use super::{Asked, Decided, MailboxState, Record, Store, StoreError, schema};
use crate::address::Address;
use crate::case::{Case, Clues, Facts, Folded, Tripped};
use crate::ids::{CaseNumber, MailHash, MailboxName, MessageId, RequestId};
use crate::mailbox::{Known, Place};
use crate::outgoing::Outgoing;
use crate::time::Timestamp;

impl Store {
    // Mail taken.

    pub fn mailbox(&self, name: &MailboxName) -> Result<MailboxState, StoreError> {
        let row = self.ask(|state| state.mailbox(name))?;
        Ok(MailboxState { known: Known { cursor: row.cursor }, started: row.started })
    }

    /// Mails taken and archived but not decided, left so by a crash; their bytes are in the archive.
    pub fn pending(&self, mailbox: &MailboxName) -> Result<Vec<(Place, MailHash)>, StoreError> {
        self.ask(|state| state.pending(mailbox))
    }

    /// What became of the mail with these bytes; `None` if it was not decided yet.
    pub fn taken(&self, hash: &MailHash) -> Result<Option<Ledgered>, StoreError> {
        self.ask(|state| state.taken(hash))
    }

    /// The whole decision about the mail with these bytes.
    pub fn decided(&self, hash: &MailHash) -> Result<Option<Decided>, StoreError> {
        let Some(ledgered) = self.taken(hash)? else { return Ok(None) };
        match self.record(ledgered.position)?.into_plain() {
            Record::Decided(decided) => Ok(Some(*decided)),
            _ => Err(self.inner.journal.damaged(ledgered.position, "this record is no decision")),
        }
    }

    /// The request with this name, if it was done.
    pub fn asked(&self, request: &RequestId) -> Result<Option<Asked>, StoreError> {
        let Some(position) = self.ask(|state| state.asked(request))? else { return Ok(None) };
        match self.inner.journal.record(position)? {
            Some(Record::Asked(asked)) => Ok(Some(*asked)),
            Some(_) => Err(self.inner.journal.damaged(position, "this record is no request")),
            None => Ok(None),
        }
    }

    /// Is the mail in this place decided, or gone?
    pub fn is_placed(&self, mailbox: &MailboxName, place: &Place) -> Result<bool, StoreError> {
        self.ask(|state| state.placed(mailbox, place))
    }

    /// Places of decided mails of which the mailbox has not been told, at most `most`.
    pub fn unsettled(&self, mailbox: &MailboxName, most: usize) -> Result<Vec<Place>, StoreError> {
        self.ask(|state| state.unsettled(mailbox, most))
    }

    /// How often a mail has been taken without being decided.
    pub fn attempts(&self, hash: &MailHash) -> Result<u32, StoreError> {
        self.ask(|state| state.attempts(hash))
    }

    pub fn facts(&self, clues: &Clues, now: Timestamp) -> Result<Facts, StoreError> {
        self.ask(|state| state.facts(clues, now))
    }

    /// All mails decided, in no particular order.
    pub fn ledger(&self) -> Result<impl Iterator<Item = Result<(MailHash, Ledgered), StoreError>> + use<>, StoreError> {
        Ok(self.state()?.ledger().map(|row| row.map_err(StoreError::from)))
    }

    // Cases.

    pub fn case(&self, number: CaseNumber) -> Result<Option<Case>, StoreError> {
        self.ask(|state| state.case(number))
    }

    /// The case in which this one goes on, if it was merged into another; else itself.
    pub fn goes_on(&self, number: CaseNumber) -> Result<Option<Case>, StoreError> {
        self.ask(|state| state.goes_on(number))
    }

    /// Cases of which a timer has run down by `now`, the longest due first, at most `most`.
    pub fn alarms(&self, now: Timestamp, most: usize) -> Result<Vec<CaseNumber>, StoreError> {
        self.ask(|state| state.alarms(now, most))
    }

    /// The cases of a requester, counted as one person (see [`Address::counting_key`]).
    pub fn cases_of(&self, requester: &Address) -> Result<Vec<Case>, StoreError> {
        self.ask(|state| state.cases_of(requester))
    }

    /// All cases, by number.
    pub fn cases(&self) -> Result<impl Iterator<Item = Result<Case, StoreError>> + use<>, StoreError> {
        Ok(self.state()?.cases().map(|row| row.map_err(StoreError::from)))
    }

    /// What happened in a case, in order: decisions, changes, mails sent, deferred and failed.
    pub fn history(&self, number: CaseNumber) -> Result<Vec<(Position, Record)>, StoreError> {
        let entries = self.ask(|state| state.entries(number))?;
        let left = |position| Ok(self.inner.journal.record(position)?.map(|record| (position, record)));
        entries.into_iter().filter_map(|position| left(position).transpose()).collect()
    }

    /// The last records of a case, in order, at most `most`.
    pub fn latest(&self, number: CaseNumber, most: usize) -> Result<Vec<Record>, StoreError> {
        let entries = self.ask(|state| state.latest(number, most))?;
        entries.into_iter().filter_map(|position| self.inner.journal.record(position).transpose()).collect()
    }

    // Mail leaving.

    /// Mails whose next attempt is due, at most `most`, one of each case.
    pub fn due(&self, now: Timestamp, most: usize) -> Result<Vec<OutboxItem>, StoreError> {
        self.ask(|state| state.due(now, most))
    }

    /// Changes whenever mail has been put into the outbox.
    pub fn queued(&self) -> watch::Receiver<u64> {
        self.inner.queued.subscribe()
    }

    /// When the next attempt may begin.
    pub fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.ask(Lookup::next_due)
    }

    /// Mails whose sending had begun before the store was opened: the relay may have taken them or not.
    pub fn in_doubt(&self) -> Result<Vec<OutboxItem>, StoreError> {
        let opened = self.inner.opened;
        let mut items = self.ask(|state| {
            let of_old = |item: &OutboxItem| item.started.is_some_and(|started| started < opened);
            state.outbox().filter(|item| item.as_ref().map_or(true, of_old)).collect::<Result<Vec<_>, _>>()
        })?;
        items.sort_by_key(|item| (item.position, item.index));
        Ok(items)
    }

    /// All mails in the outbox, in no particular order.
    pub fn outbox(&self) -> Result<impl Iterator<Item = Result<OutboxItem, StoreError>> + use<>, StoreError> {
        Ok(self.state()?.outbox().map(|row| row.map_err(StoreError::from)))
    }

    pub fn outbox_item(&self, id: &MessageId) -> Result<Option<OutboxItem>, StoreError> {
        self.ask(|state| state.outbox_item(id))
    }

    pub fn outbox_len(&self) -> Result<u64, StoreError> {
        self.ask(Lookup::outbox_length)
    }

    /// The mail itself, as it was written down.
    pub fn outgoing(&self, item: &OutboxItem) -> Result<Outgoing, StoreError> {
        let at_hand = self.inner.at_hand.take(item.position, item.index);
        if let Some(mail) = at_hand.filter(|mail| mail.message_id == item.message_id) {
            return Ok(mail);
        }
        let record = self.record(item.position)?;
        match record.outgoing().get(item.index as usize) {
            Some(mail) if mail.message_id == item.message_id => Ok(mail.clone()),
            _ => Err(self.inner.journal.damaged(item.position, "the outgoing mail is not in this record")),
        }
    }

    // Manners.

    /// The breaker, if it is open.
    pub fn tripped(&self) -> Result<Option<Tripped>, StoreError> {
        self.ask(Lookup::tripped)
    }

    /// Who waits for a digest.
    pub fn digests(&self) -> Result<Vec<(Address, Line)>, StoreError> {
        self.ask(Lookup::digests)
    }

    /// The mails that wait for the digest of an agent, oldest first, at most `most`, and the number after the last.
    pub fn folded(&self, to: &Address, most: u64) -> Result<(Vec<Folded>, u64), StoreError> {
        self.ask(|state| state.folded(to, most))
    }

    /// When the leads were told last how the desk did, and up to where in the journal.
    pub fn reported(&self) -> Result<Option<(Timestamp, u64)>, StoreError> {
        self.ask(|state| state.reported())
    }

    /// Hands over every record from an octet of the journal on, each verified, and says where it ended.
    pub fn records_from(
        &self,
        from: u64,
        mut each: impl FnMut(Record) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let journal = &self.inner.journal;
        journal.walk_from(from, |frame| {
            let position = Position(frame.position);
            each(schema::decode(frame.payload).map_err(|why| journal.damaged(position, &why))?)
        })
    }

    /// The octet behind the last record.
    pub fn end(&self) -> Result<u64, StoreError> {
        Ok(self.inner.journal.mark()?.end)
    }

    // The journal.

    /// One record that is still there, its checksum verified.
    pub fn record(&self, position: Position) -> Result<Record, StoreError> {
        let journal = &self.inner.journal;
        journal.record(position)?.ok_or_else(|| journal.damaged(position, "the record that stood here has left"))
    }

    /// Hands over every record since the beginning, each verified: what `huixin check` reads.
    pub fn records(&self, mut each: impl FnMut(Position, Record) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let journal = &self.inner.journal;
        journal.replay(Mark::default(), |frame| {
            let position = Position(frame.position);
            let record = schema::decode(frame.payload).map_err(|why| journal.damaged(position, &why))?;
            each(position, record)
        })?;
        Ok(())
    }
}
