//! What time brings: work that no mail starts. Timers of cases run down, and what was folded is told in digests.
//!
//! Each is written down like a decision about a mail, and what is to be sent goes by the outbox like everything else. A
//! pass costs what is due, not what exists: the store keeps the timers in the order of time.

mod said;

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

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
/// Cases looked after in one step, before others get a turn with the store.
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
        let timers = attempted("timers", || {
            while self.ring()? == BATCH {}
            Ok(())
        });
        let digests = attempted("digests", || self.step().map(drop));
        let report = attempted("the report", || self.report().map(drop));
        timers.and(digests).and(report)
    }

    /// Looks after at most one batch of cases whose timers have run down. Gives how many there were.
    pub fn ring(&self) -> Result<usize, StoreError> {
        let due = self.store.alarms((self.clock)(), BATCH)?;
        let playbook = self.playbook.borrow().clone();
        for number in &due {
            match self.look_after(*number, &playbook) {
                Err(StoreError::Refused(why)) => self.put_off(*number, &why)?,
                looked_after => looked_after.map(drop)?,
            }
        }
        Ok(due.len())
    }

    /// There is something wrong with the program, or with this case: it costs the others nothing.
    fn put_off(&self, number: CaseNumber, why: &str) -> Result<(), StoreError> {
        let at = (self.clock)();
        let until = at.checked_add(PUT_OFF).unwrap_or(Timestamp::MAX);
        tracing::error!("nothing that time brings could be done in case {number}; again at {until}: {why}");
        self.store.consider(|view| {
            let Some(mut case) = view.case(number)? else { return Ok(None) };
            case.work.put_off(at, until);
            let why = Why(vec![("put-off".into(), why.to_owned())]);
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
            Some(case) => {
                caught::or_words(|| said::said(&self.store, &case, playbook)).map_err(StoreError::Refused)??
            }
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
        let mut tally = Tally::default();
        let through = self.store.records_from(from, |record| {
            count(&mut tally, &record, &playbook);
            Ok(())
        })?;
        for case in self.store.cases()? {
            tally.stands(&case?, &playbook, now);
        }
        let mails = report::reports(&tally, &playbook, now);
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
            let (mails, through) = self.store.folded(&to, IN_A_DIGEST)?;
            let Some(mail) = decide::digest(&to, &mails, &playbook, now) else { continue };
            maillog!("digest", to = maillog::person(self.store.key(), &to), mails = mails.len());
            self.store.append(Record::Digested { at: now, to, through, mail })?;
            written += 1;
        }
        Ok(written)
    }
}

/// Work that must not be in the way of other work: where it panics or is refused, the log says so.
fn attempted(name: &str, work: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
    match caught::or_words(work) {
        Err(why) | Ok(Err(StoreError::Refused(why))) => {
            tracing::error!("{name} could not be looked after: {why}");
            Ok(())
        }
        Ok(done) => done,
    }
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
