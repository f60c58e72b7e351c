//! What time brings: work that no mail starts. Timers of cases run down, and what was folded is told in digests.
//!
//! Each is written down like a decision about a mail, and what is to be sent goes by the outbox like everything else. A
//! pass costs what is due, not what exists: the store keeps the timers in the order of time.

mod said;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::address::Address;
use crate::case::{Alarm, Case};
use crate::caught;
use crate::decide;
use crate::decide::report::{self, Tally};
use crate::ids::CaseNumber;
use crate::maillog;
use crate::outgoing::Purpose;
use crate::playbook::Playbook;
use crate::store::{Changed, Outcome, Position, Record, Store, StoreError, Why};
use crate::time::{Clock, Timestamp};

/// Between two looks: nobody is promised more than minutes.
const LOOK: Duration = Duration::from_secs(30);
/// Cases that the store is asked for at a time.
const BATCH: usize = 64;
/// How long the timers of a case wait that cannot be looked after: an update may mend what is wrong.
const PUT_OFF: SignedDuration = SignedDuration::from_hours(1);
/// Mails named in one digest: a mail of a megabyte or so at the most. The others wait for the next.
const IN_A_DIGEST: u64 = 10_000;

/// See the module text.
pub struct Chores {
    pub store: Store,
    pub playbook: watch::Receiver<Arc<Playbook>>,
    pub clock: Clock,
}

impl Chores {
    /// Repeats the step until `shutdown`. An error is one that only a restart or a person can mend.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), StoreError> {
        while shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            match self.all() {
                Ok(()) => {}
                Err(error) if error.is_temporary() => tracing::error!("{error}; the chores wait"),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// One that cannot be done keeps none of the others from being done.
    fn all(&self) -> Result<(), StoreError> {
        let timers = attempted("the timers", || self.ring());
        let digests = attempted("the digests", || self.step());
        let report = attempted("the report", || self.report());
        timers.and(digests).and(report).map(drop)
    }

    /// Looks after every case whose timers have run down. Gives how many were moved on.
    pub fn ring(&self) -> Result<usize, StoreError> {
        let playbook = self.playbook.borrow().clone();
        each_due(|most| self.store.alarms((self.clock)(), most), |number| self.move_on(number, &playbook))
    }

    /// False if the timers of the case could not be touched at all.
    fn move_on(&self, number: CaseNumber, playbook: &Playbook) -> Result<bool, StoreError> {
        match or_stopped(|| self.look_after(number, playbook)) {
            Err(error) if error.is_local() => {
                tracing::error!("nothing that time brings could be done in case {number}: {error}");
                Ok(attempted(&format!("case {number}"), || self.put_off(number, error.to_string()))?.is_some())
            }
            looked_after => looked_after.map(|_| true),
        }
    }

    /// There is something wrong with the program, or with this case: it costs the others nothing.
    fn put_off(&self, number: CaseNumber, why: String) -> Result<(), StoreError> {
        let at = (self.clock)();
        let until = at.checked_add(PUT_OFF).unwrap_or(Timestamp::MAX);
        self.store.consider(|view| {
            let Some(mut case) = view.case(number)? else { return Ok(None) };
            case.work.put_off(at, until);
            let why = Why(vec![("put-off".into(), why)]);
            Ok(Some(Record::Changed(Box::new(Changed { at, case, outgoing: Vec::new(), spent: Vec::new(), why }))))
        })?;
        Ok(())
    }

    /// The case is read inside the store's critical section: a mail that came meanwhile has changed it.
    fn look_after(&self, number: CaseNumber, playbook: &Playbook) -> Result<Position, StoreError> {
        let at = (self.clock)();
        let wants_all =
            |case: &Case| case.work.timers.iter().any(|timer| timer.what == Alarm::Transcript && timer.at <= at);
        let said = match self.store.case(number)?.filter(wants_all) {
            Some(case) => said::said(&self.store, &case, playbook)?,
            None => Vec::new(),
        };
        self.store.decide(|view| {
            let case = view.case(number)?.ok_or_else(|| StoreError::Rebuilt(format!("case {number} is missing")))?;
            let facts = view.facts(&decide::clues_of(&case), at)?;
            let rung = decide::ring(&case, &decide::Found { facts, said }, playbook, at);
            for (_, alarm) in rung.why.iter().filter(|(key, _)| key == "alarm") {
                maillog!("alarm", case = number, alarm = alarm, state = rung.case.state.as_str());
            }
            let (case, outgoing, spent) = (rung.case, rung.outgoing, rung.spent);
            Ok(Record::Changed(Box::new(Changed { at, case, outgoing, spent, why: Why(rung.why) })))
        })
    }

    /// Tells the leads how the desk did since the last report, once a day. Gives the number of mails.
    pub fn report(&self) -> Result<usize, StoreError> {
        let (playbook, now) = (self.playbook.borrow().clone(), (self.clock)());
        let Some(due) = report::due(&playbook, now) else { return Ok(0) };
        let (at, from) = match self.store.reported()? {
            Some(last) => last,
            // The first day begins now: what was before is history.
            None => {
                let through = self.store.end()?;
                self.store.append(Record::Reported { at: now, through, mails: Vec::new() })?;
                return Ok(0);
            }
        };
        // A clock that was ahead must not silence the reports for as long.
        if due <= at && at <= now {
            return Ok(0);
        }
        let end = self.store.end()?;
        let told = attempted("the report of this day", || self.tell_leads(from, now, &playbook))?;
        match told {
            Some(count) => Ok(count),
            // It would be refused again in thirty seconds, after a day of the journal and every case have been read.
            None => {
                self.store.append(Record::Reported { at: now, through: end, mails: Vec::new() })?;
                Ok(0)
            }
        }
    }

    fn tell_leads(&self, from: u64, now: Timestamp, playbook: &Playbook) -> Result<usize, StoreError> {
        let mut tally = Tally::default();
        let through = self.store.records_from(from, |record| {
            count(&mut tally, &record, playbook);
            Ok(())
        })?;
        for case in self.store.cases()? {
            tally.stands(&case?, playbook, now);
        }
        let mails = report::reports(&tally, playbook, now);
        let count = mails.len();
        maillog!("report", leads = count);
        self.store.append(Record::Reported { at: now, through, mails })?;
        Ok(count)
    }

    /// Writes the digests that are due. Gives their number.
    pub fn step(&self) -> Result<usize, StoreError> {
        let (playbook, now) = (self.playbook.borrow().clone(), (self.clock)());
        let between = Duration::from_secs(u64::from(playbook.config().budget.digest_minutes) * 60);
        let mut written = 0;
        for (to, line) in self.store.digests()? {
            // A digest that seems to have been sent in the future was sent under a clock that was ahead.
            let waits = line.since <= now && now < line.since.checked_add(between).unwrap_or(Timestamp::MAX);
            if waits {
                continue;
            }
            let name = format!("the digest of {}", maillog::person(self.store.key(), &to));
            let sent = attempted(&name, || self.digest(to, now, &playbook))?;
            written += usize::from(sent == Some(true));
        }
        Ok(written)
    }

    /// False if there is no mailbox that it could come from.
    fn digest(&self, to: Address, now: Timestamp, playbook: &Playbook) -> Result<bool, StoreError> {
        let (mails, through) = self.store.folded(&to, IN_A_DIGEST)?;
        let Some(mail) = decide::digest(&to, &mails, playbook, now) else { return Ok(false) };
        maillog!("digest", to = maillog::person(self.store.key(), &to), mails = mails.len());
        self.store.append(Record::Digested { at: now, to, through, mail })?;
        Ok(true)
    }
}

/// Does the work for each that is due, some asked for at a time. Who stays due all the same has had their turn, and is in
/// nobody's way. Gives for how many it was done.
fn each_due(
    due: impl Fn(usize) -> Result<Vec<CaseNumber>, StoreError>,
    mut work: impl FnMut(CaseNumber) -> Result<bool, StoreError>,
) -> Result<usize, StoreError> {
    let (mut done, mut stuck) = (0, HashSet::new());
    loop {
        let mut batch = due(BATCH + stuck.len())?;
        batch.retain(|number| !stuck.contains(number));
        for number in &batch {
            match work(*number)? {
                true => done += 1,
                false => drop(stuck.insert(*number)),
            }
        }
        if batch.len() < BATCH {
            return Ok(done);
        }
    }
}

/// Work that must not be in the way of other work: where it panics or is refused, the log says so, and there is none.
fn attempted<T>(name: &str, work: impl FnOnce() -> Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match or_stopped(work) {
        Err(error) if error.is_local() => {
            tracing::error!("{name} could not be looked after: {error}");
            Ok(None)
        }
        done => done.map(Some),
    }
}

fn or_stopped<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    caught::or_words(work).unwrap_or_else(|why| Err(StoreError::Stopped(why)))
}

/// What a record says of how the desk did.
fn count(tally: &mut Tally, record: &Record, playbook: &Playbook) {
    match record.plain() {
        Record::Taken { hash, .. } => tally.ledger.took(*hash),
        Record::Decided(decided) => {
            tally.ledger.decided(decided.hash, decided.outcome.as_str());
            if let (Outcome::Opened(_), Some(case)) = (decided.outcome, &decided.case) {
                tally.opened(&case.group);
            }
            let answered = decided.outgoing.iter().any(|mail| mail.purpose == Purpose::Answer);
            tally.reasons(&decided.why.0, answered, playbook.rules());
        }
        Record::Again { .. } => tally.ledger.again(),
        Record::Changed(changed) => tally.rang(&changed.case.group, &changed.why.0),
        Record::Vanished { .. } => tally.ledger.vanished += 1,
        Record::Failed { .. } => tally.failed += 1,
        _ => {}
    }
    record.outgoing().iter().for_each(|mail| tally.sent(mail.purpose));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Key, MailHash};

    #[test]
    fn who_stays_due_is_in_nobodys_way() {
        let number = |n: usize| CaseNumber::mint(&Key::from_bytes([1; 32]), &MailHash::of(&n.to_be_bytes()), 0);
        let due = std::cell::RefCell::new((1..=5 * BATCH).map(number).collect::<Vec<_>>());
        let stuck: HashSet<_> = (1..=3 * BATCH).map(number).collect();
        let mut turns = 0;
        let done = each_due(
            |most| Ok(due.borrow().iter().copied().take(most).collect()),
            |number| {
                turns += 1;
                if stuck.contains(&number) {
                    return Ok(false);
                }
                due.borrow_mut().retain(|other| *other != number);
                Ok(true)
            },
        );
        assert_eq!((done.unwrap(), turns), (2 * BATCH, 5 * BATCH));
        assert_eq!(due.into_inner().len(), stuck.len());
    }
}
