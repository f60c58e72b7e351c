//! What is looked up in the state: the questions of those who decide, deliver and tell, answered from its rows.

use std::collections::{BTreeMap, HashMap};

use super::keys;
use super::layers::Layers;
use super::{Broken, Ledgered, MailboxRow, hash_from, moment, number, window_from};
use crate::address::Address;
use crate::case::{AgentFacts, Budgets, Case, CaseState, Clues, Facts, Prints, Scope, Twin, Window};
use crate::ids::{CaseNumber, MailHash, MailboxName, RequestId};
use crate::mailbox::Place;
use crate::store::journal::{Mark, Position};
use crate::store::schema::{self, OnDisk};
use crate::time::Timestamp;

/// The rows, to be asked.
pub struct Lookup {
    pub(super) rows: Layers,
}

/// Another mail is the same mail only within this time; later the requester means it.
const TWIN_SECONDS: i64 = 7 * 24 * 60 * 60;
/// Cases of one requester that are counted.
const MAX_COUNTED: usize = 100;
/// Cases merged into each other one after the other that are followed.
const MOST_MERGES: usize = 8;
/// Open cases of one requester that a mail may turn out to be about.
const MAX_OPEN: usize = 8;

impl Lookup {
    /// Up to where the journal has been applied.
    pub fn applied(&self) -> Result<Mark, Broken> {
        let Some(bytes) = self.rows.get(keys::APPLIED)? else {
            return Ok(Mark::default());
        };
        let end = bytes.get(..8).and_then(|end| end.try_into().ok());
        let checksum = bytes.get(8..).and_then(|checksum| checksum.try_into().ok());
        match (end, checksum) {
            (Some(end), Some(checksum)) => {
                Ok(Mark { end: u64::from_be_bytes(end), checksum: u32::from_be_bytes(checksum) })
            }
            _ => Err(Broken::new("the mark of the state has the wrong length")),
        }
    }

    pub fn mailbox(&self, name: &MailboxName) -> Result<MailboxRow, Broken> {
        let mut row: MailboxRow = self.row(&keys::mailbox(name))?.unwrap_or_default();
        // A mail that was taken and is not decided yet holds the cursor back, whatever was decided after it.
        if let Some(cursor) = &mut row.cursor {
            for (place, _) in self.pending(name)? {
                if let Place::Imap { uid_validity, uid } = place
                    && uid_validity == cursor.uid_validity
                {
                    cursor.uid = cursor.uid.min(uid.saturating_sub(1));
                }
            }
        }
        Ok(row)
    }

    pub fn pending(&self, mailbox: &MailboxName) -> Result<Vec<(Place, MailHash)>, Broken> {
        let prefix = keys::all_pending(mailbox);
        self.rows
            .scan(&prefix)
            .map(|entry| {
                let (key, hash) = entry?;
                let place = keys::place_after(&prefix, &key);
                place.zip(hash_from(&hash)).ok_or_else(|| Broken::new("a pending mail is not readable"))
            })
            .collect()
    }

    pub fn taken(&self, hash: &MailHash) -> Result<Option<Ledgered>, Broken> {
        self.row(&keys::ledger(hash))
    }

    /// Is a mail that was taken from this place not decided yet?
    pub fn is_pending(&self, mailbox: &MailboxName, place: &Place) -> Result<bool, Broken> {
        self.rows.contains(keys::pending(mailbox, place))
    }

    /// When the journal was made thinner last.
    pub fn compacted(&self) -> Result<Option<Timestamp>, Broken> {
        self.rows.get(keys::COMPACTED)?.map(|at| moment(&at)).transpose()
    }

    /// The cases that are being erased, and where that was written down.
    pub fn erased(&self) -> Result<HashMap<CaseNumber, Position>, Broken> {
        let rows = self.rows.scan(keys::ERASED).map(|row| {
            let (key, position) = row?;
            let case = CaseNumber::from_bits(number(key.get(keys::ERASED.len()..))?);
            Ok((case, Position(number(Some(&position))?)))
        });
        rows.collect()
    }

    /// The record of a request that was done.
    pub fn asked(&self, request: &RequestId) -> Result<Option<Position>, Broken> {
        let found = self.rows.get(keys::asked(request))?;
        found.map(|position| number(Some(&position)).map(Position)).transpose()
    }

    /// Is the mail in this place decided, or gone?
    pub fn placed(&self, mailbox: &MailboxName, place: &Place) -> Result<bool, Broken> {
        self.rows.contains(keys::placed(mailbox, place))
    }

    /// Places of decided mails of which the mailbox has not been told.
    pub fn unsettled(&self, mailbox: &MailboxName, most: usize) -> Result<Vec<Place>, Broken> {
        let prefix = keys::all_unsettled(mailbox);
        let places = self.rows.keys(&prefix).take(most).map(|key| {
            keys::place_after(&prefix, &key?).ok_or_else(|| Broken::new("an unsettled mail is not readable"))
        });
        places.collect()
    }

    pub fn attempts(&self, hash: &MailHash) -> Result<u32, Broken> {
        let value = self.rows.get(keys::attempts(hash))?;
        let bytes = value.as_deref().and_then(|bytes| bytes.try_into().ok());
        Ok(bytes.map_or(0, u32::from_be_bytes))
    }

    pub fn facts(&self, clues: &Clues, now: Timestamp) -> Result<Facts, Broken> {
        let mut merged = BTreeMap::new();
        let mut facts = Facts {
            by_signed: self.cases_with(clues.signed.iter().copied(), &mut merged)?,
            by_number: self.cases_with(clues.numbers.iter().copied(), &mut merged)?,
            ..Facts::default()
        };
        let mut referenced = Vec::new();
        for id in &clues.references {
            if let Some(value) = self.rows.get(keys::inbound(id))? {
                referenced.push(CaseNumber::from_bits(number(Some(&value))?));
            }
        }
        facts.by_reference = self.cases_with(referenced.into_iter(), &mut merged)?;
        facts.merged = merged;
        for candidate in &clues.candidates {
            if !self.rows.contains(keys::case(*candidate))? {
                facts.free_number = Some(*candidate);
                break;
            }
        }
        if let Some(twin) = &clues.twin {
            facts.twin = self.twin(twin, now)?;
        }
        if let Some(sender) = &clues.sender {
            (facts.open_cases, facts.of_sender) = self.open_cases(sender)?;
        }
        facts.budgets = clues
            .scopes
            .iter()
            .map(|scope| {
                let value = self.rows.get(keys::budget(scope))?;
                let window = value.map_or_else(Window::default, |bytes| window_from(&bytes));
                Ok((scope.clone(), window))
            })
            .collect::<Result<Budgets, Broken>>()?;
        if let Some(case) = facts.by_signed.first().map(|case| case.number) {
            // What was internal before the cases were made one is so still.
            for case in self.with_merged(case)? {
                facts.internal.extend(&self.internal(case)?);
            }
            facts.waiting = self.pending_of(case)?;
        }
        for agent in &clues.agents {
            let known = self.agent(agent)?;
            if known != AgentFacts::default() {
                facts.agents.insert(agent.clone(), known);
            }
        }
        facts.load = self.row(keys::LOAD)?.unwrap_or_default();
        for scope in clues.scopes.iter().filter(|scope| matches!(scope, Scope::Sender(_))) {
            if let Some(until) = self.rows.get(keys::suppressed(scope))? {
                facts.suppressed.insert(scope.clone(), moment(&until)?);
            }
        }
        self.manners(clues, &mut facts)?;
        Ok(facts)
    }

    pub fn case(&self, number: CaseNumber) -> Result<Option<Case>, Broken> {
        self.row(&keys::case(number))
    }

    /// Cases of which a timer has run down, the longest due first.
    pub fn alarms(&self, now: Timestamp, most: usize) -> Result<Vec<CaseNumber>, Broken> {
        let mut cases = Vec::new();
        for key in self.rows.between(keys::TIMERS, &keys::timers_after(now)) {
            let case = keys::timer_case(&key?).ok_or_else(|| Broken::new("a timer is not readable"))?;
            if !cases.contains(&case) {
                cases.push(case);
            }
            if cases.len() == most {
                break;
            }
        }
        Ok(cases)
    }

    /// Fingerprints of everything internal in a case.
    fn internal(&self, case: CaseNumber) -> Result<Prints, Broken> {
        let mut all = Prints::default();
        for value in self.rows.values(&keys::all_internal(case)) {
            let value = value?;
            let text = std::str::from_utf8(&value).ok().and_then(Prints::parse);
            all.extend(&text.ok_or_else(|| Broken::new("the fingerprints of a case are not readable"))?);
        }
        Ok(all)
    }

    /// How much an agent has to do, and whether they are there.
    pub fn agent(&self, agent: &Address) -> Result<AgentFacts, Broken> {
        self.row(&keys::agent(agent)).map(Option::unwrap_or_default)
    }

    pub fn cases_of(&self, requester: &Address) -> Result<Vec<Case>, Broken> {
        let prefix = keys::requesters(requester);
        let mut numbers = Vec::new();
        for key in self.rows.keys(&prefix) {
            numbers.push(CaseNumber::from_bits(number(key?.get(prefix.len()..))?));
        }
        numbers.into_iter().filter_map(|number| self.case(number).transpose()).collect()
    }

    /// How many cases of a requester are not closed, and those touched last, among their [`MAX_COUNTED`] first: an
    /// address with thousands of cases must not make every further mail slow.
    fn open_cases(&self, requester: &Address) -> Result<(u32, Vec<Case>), Broken> {
        let prefix = keys::requesters(requester);
        let mut open = Vec::new();
        for key in self.rows.keys(&prefix).take(MAX_COUNTED) {
            let case = self.case(CaseNumber::from_bits(number(key?.get(prefix.len()..))?))?;
            open.extend(case.filter(|case| case.state != CaseState::Closed));
        }
        let count = open.len() as u32;
        open.sort_by_key(|case| std::cmp::Reverse((case.touched, case.number)));
        open.truncate(MAX_OPEN);
        Ok((count, open))
    }

    /// The frames that tell the history of a case and of those merged into it, in order.
    pub fn entries(&self, case: CaseNumber) -> Result<Vec<Position>, Broken> {
        let mut positions = Vec::new();
        for case in self.with_merged(case)? {
            let prefix = keys::entries(case);
            for key in self.rows.keys(&prefix) {
                positions.push(Position(number(key?.get(prefix.len()..))?));
            }
        }
        positions.sort();
        positions.dedup();
        Ok(positions)
    }

    /// The case in which this one goes on, if it was merged into another; else itself.
    pub fn goes_on(&self, number: CaseNumber) -> Result<Option<Case>, Broken> {
        let mut found = self.case(number)?;
        for _ in 0..MOST_MERGES {
            let Some(into) = found.as_ref().and_then(|case| case.work.merged) else { break };
            found = self.case(into)?;
        }
        Ok(found)
    }

    /// The case, and those that were merged into it one after the other.
    fn with_merged(&self, case: CaseNumber) -> Result<Vec<CaseNumber>, Broken> {
        let (mut cases, mut looked_at) = (vec![case], 0);
        while let Some(into) = cases.get(looked_at).copied() {
            let prefix = keys::all_merged(into);
            for key in self.rows.keys(&prefix) {
                let merged = CaseNumber::from_bits(number(key?.get(prefix.len()..))?);
                if !cases.contains(&merged) {
                    cases.push(merged);
                }
            }
            looked_at += 1;
        }
        Ok(cases)
    }

    /// The last of them, in order, at most `most`.
    pub fn latest(&self, case: CaseNumber, most: usize) -> Result<Vec<Position>, Broken> {
        let mut latest = self.entries(case)?;
        latest.drain(..latest.len().saturating_sub(most));
        Ok(latest)
    }

    pub fn cases(&self) -> impl Iterator<Item = Result<Case, Broken>> + use<> {
        self.rows.values(keys::CASES).map(|value| schema::read_row(&value?).map_err(Broken::new))
    }

    pub fn ledger(&self) -> impl Iterator<Item = Result<(MailHash, Ledgered), Broken>> + use<> {
        self.rows.scan(keys::LEDGER).map(|entry| {
            let (key, value) = entry?;
            let hash = hash_from(&key[keys::LEDGER.len()..])
                .ok_or_else(|| Broken::new("a key of the ledger is not a hash"))?;
            Ok((hash, schema::read_row(&value).map_err(Broken::new)?))
        })
    }

    fn twin(&self, twin: &Twin, now: Timestamp) -> Result<Option<CaseNumber>, Broken> {
        let Some(value) = self.rows.get(keys::twin(twin))? else {
            return Ok(None);
        };
        let case = CaseNumber::from_bits(number(value.get(..8))?);
        let at = number(value.get(8..))? as i64;
        Ok((now.as_second() - at <= TWIN_SECONDS).then_some(case))
    }

    /// Every row, for tests that compare two states.
    #[cfg(test)]
    pub fn dump(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.rows.scan(b"").map(|row| row.unwrap()).collect()
    }

    /// The cases of these numbers, each once; in the place of one that was merged stands the one it goes on in.
    fn cases_with(
        &self,
        numbers: impl Iterator<Item = CaseNumber>,
        merged: &mut BTreeMap<CaseNumber, CaseNumber>,
    ) -> Result<Vec<Case>, Broken> {
        let mut cases: Vec<Case> = Vec::new();
        for number in numbers {
            let mut found = self.case(number)?;
            for _ in 0..MOST_MERGES {
                let Some(into) = found.as_ref().and_then(|case| case.work.merged) else { break };
                merged.insert(number, into);
                found = self.case(into)?;
            }
            cases.extend(found.filter(|found| cases.iter().all(|case| case.number != found.number)));
        }
        Ok(cases)
    }

    pub(super) fn row<T: OnDisk>(&self, key: &[u8]) -> Result<Option<T>, Broken> {
        match self.rows.get(key)? {
            Some(bytes) => Ok(Some(schema::read_row(&bytes).map_err(Broken::new)?)),
            None => Ok(None),
        }
    }
}
