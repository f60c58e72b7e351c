//! The state as a command sees it that runs beside the bot, which has sled for itself: the tables of the checkpoint, and over
//! them in memory what the journal says since.

use std::borrow::Cow;
use std::sync::Arc;

use super::fold::{Change, fold};
use super::layers::Layers;
use super::table::Table;
use super::{Broken, Ledgered, OutboxItem, guarded, keys, manners, number, quarantine};
use crate::case::{Case, Pulse, Tripped};
use crate::ids::{CaseNumber, MailHash};
use crate::store::journal::{Mark, Position};
use crate::store::record::Record;
use crate::store::schema;

/// See the module text.
pub struct Aside {
    change: Change<'static>,
    /// Up to where the tables know the journal.
    pub mark: Mark,
}

/// Rows in memory: some 500 MB. A bot makes a checkpoint long before.
const MOST_ROWS: usize = 2_000_000;

impl Aside {
    /// Over these tables, the newest first.
    pub fn over(tables: Vec<Arc<Table>>) -> Aside {
        let mark = tables.first().map_or_else(Mark::default, |table| table.mark);
        Aside { change: Change::new(Cow::Owned(Layers { recent: None, tables })), mark }
    }

    pub fn push(&mut self, position: Position, mark: Mark, record: &Record) -> Result<(), Broken> {
        guarded(|| fold(&mut self.change, position, mark, record))?;
        match self.change.len() > MOST_ROWS {
            true => Err(Broken::new("there is no checkpoint of a long journal; `huixin rebuild` makes one")),
            false => Ok(()),
        }
    }

    /// The case, as it stands now.
    pub fn case(&self, number: CaseNumber) -> Result<Option<Case>, Broken> {
        guarded(|| self.change.row(&keys::case(number)))
    }

    /// What became of the mail with these bytes; none if it was not decided.
    pub fn taken(&self, hash: &MailHash) -> Result<Option<Ledgered>, Broken> {
        guarded(|| self.change.row(&keys::ledger(hash)))
    }

    /// The frames that tell the history of a case, in order.
    pub fn entries(&self, case: CaseNumber) -> Result<Vec<Position>, Broken> {
        let prefix = keys::entries(case);
        let entry = |row: Result<(Vec<u8>, _), _>| Ok(Position(number(row?.0.get(prefix.len()..))?));
        guarded(|| self.change.scan(&prefix).map(entry).collect())
    }

    /// Where each mail in quarantine was decided, in the order in which they were, and its case.
    pub fn quarantined(&self) -> Result<Vec<(Position, Option<CaseNumber>)>, Broken> {
        guarded(|| quarantine::all(&self.change))
    }

    /// The answers of the last week, and the breaker if it is open.
    pub fn pulse(&self) -> Result<(Pulse, Option<Tripped>), Broken> {
        guarded(|| Ok((manners::pulse_in(&self.change)?, self.change.row(keys::TRIPPED)?)))
    }

    /// Where somebody released the breaker last.
    pub fn released(&self) -> Result<Option<Position>, Broken> {
        let row = guarded(|| self.change.get(keys::RELEASED))?;
        row.map(|row| Ok(Position(number(Some(&row))?))).transpose()
    }

    /// All mails in the outbox, in no particular order.
    pub fn outbox(&self) -> Result<Vec<OutboxItem>, Broken> {
        let rows = guarded(|| self.change.scan(keys::OUTBOX).collect::<Result<Vec<_>, _>>())?;
        rows.into_iter().map(|(_, row)| schema::read_row(&row).map_err(Broken::new)).collect()
    }
}
