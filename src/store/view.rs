//! What a decision may ask of the store.

use std::cell::RefCell;

use super::state::{Broken, Lookup, State, guarded};
use super::{Archive, Inner, Ledgered, OutboxItem, Record, StoreError};
use crate::address::Address;
use crate::case::{Case, Clues, Facts, Pulse, Tripped};
use crate::ids::{CaseNumber, MailHash, MessageId, RequestId};
use crate::time::Timestamp;

/// The state inside the critical section of [`Store::decide`]: nothing changes while it is looked at.
pub struct View<'a> {
    state: &'a State,
    inner: &'a Inner,
    broken: RefCell<Option<Broken>>,
}

impl<'a> View<'a> {
    pub(super) fn of(state: &'a State, inner: &'a Inner) -> View<'a> {
        View { state, inner, broken: RefCell::new(None) }
    }

    /// The state could not answer: nothing was decided on the truth.
    pub(super) fn into_broken(self) -> Option<Broken> {
        self.broken.into_inner()
    }

    pub fn facts(&self, clues: &Clues, now: Timestamp) -> Result<Facts, StoreError> {
        self.ask(|state| state.facts(clues, now))
    }

    pub fn taken(&self, hash: &MailHash) -> Result<Option<Ledgered>, StoreError> {
        self.ask(|state| state.taken(hash))
    }

    pub fn attempts(&self, hash: &MailHash) -> Result<u32, StoreError> {
        self.ask(|state| state.attempts(hash))
    }

    pub fn case(&self, number: CaseNumber) -> Result<Option<Case>, StoreError> {
        self.ask(|state| state.case(number))
    }

    /// The last records of a case, in order, at most `most`.
    pub fn history(&self, number: CaseNumber, most: usize) -> Result<Vec<Record>, StoreError> {
        let entries = self.ask(|state| state.latest(number, most))?;
        entries.into_iter().filter_map(|position| self.inner.journal.record(position).transpose()).collect()
    }

    pub fn archive(&self) -> &Archive {
        &self.inner.archive
    }

    pub fn outbox_item(&self, id: &MessageId) -> Result<Option<OutboxItem>, StoreError> {
        self.ask(|state| state.outbox_item(id))
    }

    /// The case in which this one goes on, if it was merged into another; else itself.
    pub fn goes_on(&self, number: CaseNumber) -> Result<Option<Case>, StoreError> {
        self.ask(|state| state.goes_on(number))
    }

    /// The mails of a case that have not left, in the order in which they were written down.
    pub fn queue(&self, case: CaseNumber) -> Result<Vec<OutboxItem>, StoreError> {
        self.ask(|state| state.queue(case))
    }

    /// The cases of a requester, counted as one person.
    pub fn cases_of(&self, requester: &Address) -> Result<Vec<Case>, StoreError> {
        self.ask(|state| state.cases_of(requester))
    }

    /// Does nothing keep a mail of the outbox, whose time has come, from leaving?
    pub fn may_begin(&self, id: &MessageId) -> Result<bool, StoreError> {
        self.ask(|state| state.may_begin(id))
    }

    pub fn asked(&self, request: &RequestId) -> Result<bool, StoreError> {
        Ok(self.ask(|state| state.asked(request))?.is_some())
    }

    /// The breaker, if it is open.
    pub fn tripped(&self) -> Result<Option<Tripped>, StoreError> {
        self.ask(Lookup::tripped)
    }

    /// Whose the cases of the last answers are, the newest first.
    pub fn answered(&self, pulse: &Pulse) -> Result<Vec<(CaseNumber, Option<Address>)>, StoreError> {
        self.ask(|state| state.answered(pulse))
    }

    pub fn outbox_len(&self) -> Result<u64, StoreError> {
        self.ask(Lookup::outbox_length)
    }

    fn ask<T>(&self, question: impl FnOnce(&Lookup) -> Result<T, Broken>) -> Result<T, StoreError> {
        guarded(|| question(self.state)).map_err(|broken| {
            self.broken.replace(Some(broken.clone()));
            StoreError::from(broken)
        })
    }
}
