//! From the outbox to the relay: one step starts what is due, and writes down what became of it.
//!
//! The attempt is written and synced before `MAIL FROM`; its result is written before the connection takes the
//! next mail. One mail of a case is on its way at a time, so the mails of a case leave in order. Trouble of the
//! relay rests the whole queue and counts against no mail.

mod schedule;

pub use schedule::{Next, Patience};

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::decide;
use crate::failpoint;
use crate::ids::MessageId;
use crate::maillog;
use crate::outgoing::{Outgoing, Purpose, Relay, SendError};
use crate::playbook::Playbook;
use crate::store::{OutboxItem, Position, Record, Store, StoreError};
use crate::time::{Clock, Timestamp};

/// How often the outbox is looked at when nothing says that it changed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// The shortest wait between two looks.
const LET_PASS: Duration = Duration::from_millis(20);

/// Empties the outbox over several connections.
pub struct Delivery<R> {
    pub store: Store,
    pub playbook: watch::Receiver<Arc<Playbook>>,
    pub clock: Clock,
    pub patience: Patience,
    /// The connections that carry no mail right now.
    idle: Vec<R>,
    back: (mpsc::UnboundedSender<Finished<R>>, mpsc::UnboundedReceiver<Finished<R>>),
    on_their_way: usize,
    /// Troubles of the relay in a row, and until when the queue rests.
    failures: u32,
    rests_until: Option<Timestamp>,
    /// How often mails have failed that had waited for too long already, since the start of the process.
    late: HashMap<MessageId, u32>,
    tasks: TaskTracker,
    /// The last result that was written down and is not yet known to be on disk.
    unsynced: Option<Position>,
}

/// A connection comes back with what became of its mail.
struct Finished<R> {
    relay: R,
    item: OutboxItem,
    result: Result<crate::outgoing::Accepted, SendError>,
    took: Duration,
}

impl<R: Relay + 'static> Delivery<R> {
    pub fn new(
        relays: Vec<R>,
        store: Store,
        playbook: watch::Receiver<Arc<Playbook>>,
        clock: Clock,
        patience: Patience,
    ) -> Delivery<R> {
        let back = mpsc::unbounded_channel();
        let (on_their_way, failures, rests_until) = (0, 0, None);
        Delivery {
            store,
            playbook,
            clock,
            patience,
            idle: relays,
            back,
            on_their_way,
            failures,
            rests_until,
            late: HashMap::new(),
            tasks: TaskTracker::new(),
            unsynced: None,
        }
    }

    /// Repeats the step until `shutdown`; then waits for the mails on their way. An error is one that only a
    /// restart or a person can mend.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), StoreError> {
        self.recover().await?;
        let mut changed = self.store.queued();
        while !shutdown.is_cancelled() {
            // Marked as seen before the look, so that what comes during the look wakes the next wait.
            changed.mark_unchanged();
            match self.start_due().await {
                Ok(()) => {}
                Err(error) if error.is_temporary() => tracing::error!("{error}; sending nothing for now"),
                Err(error) => return Err(error),
            }
            let wait = self.until_next_due()?;
            tokio::select! {
                finished = self.back.1.recv() => if let Some(finished) = finished { self.finish_all(finished)? },
                _ = changed.changed() => {}
                () = tokio::time::sleep(wait) => {}
                () = shutdown.cancelled() => {}
            }
        }
        self.drain().await
    }

    /// Sends everything that is due now and returns when each mail has its result.
    pub async fn step(&mut self) -> Result<(), StoreError> {
        let mut started = self.start_due().await;
        while self.on_their_way > 0 {
            if let Some(finished) = self.back.1.recv().await {
                self.finish_all(finished)?;
            }
            if started.is_ok() {
                started = self.start_due().await;
            }
        }
        started
    }

    /// What a crash left in doubt is tried again or reported, by purpose and age.
    pub async fn recover(&mut self) -> Result<(), StoreError> {
        for item in self.store.in_doubt()? {
            let now = (self.clock)();
            let next = self.patience.in_doubt(item.purpose, item.attempts, item.queued, now);
            let record = self.deferred_or_failed(&item, next, "the process ended during the attempt".into(), now)?;
            self.unsynced = Some(self.store.append(record)?);
        }
        Ok(())
    }

    /// Hands due mails to idle connections, each attempt on disk before it begins. The same fdatasync makes the
    /// results durable that were written since the last one: what has left must not be in doubt for long.
    async fn start_due(&mut self) -> Result<(), StoreError> {
        let now = (self.clock)();
        let (mut begun, mut refused) = (Vec::new(), Ok(()));
        for item in self.startable(now)? {
            // The operator may have dropped it a moment ago.
            let start = self.store.consider(|view| {
                let (message_id, attempt) = (item.message_id.clone(), item.attempts + 1);
                let waits = view.outbox_item(&message_id)?.is_some_and(|now| now.started.is_none());
                Ok(waits.then_some(Record::SendStart { message_id, attempt, at: now }))
            });
            match start {
                Ok(None) => {}
                Ok(Some(position)) => {
                    self.unsynced = Some(position);
                    begun.push(item);
                }
                // Those before it have begun and are sent all the same: nobody would look after them.
                Err(error) => {
                    refused = Err(error);
                    break;
                }
            }
        }
        if let Some(position) = self.unsynced.take() {
            self.store.synced(position).await?;
        }
        for item in begun {
            let outgoing = self.store.outgoing(&item)?;
            let original = match &outgoing.content.original {
                Some(hash) => Some(self.store.archive().get(hash)?),
                None => None,
            };
            if let Some(relay) = self.idle.pop() {
                self.send(relay, OutboxItem { attempts: item.attempts + 1, ..item }, outgoing, original);
            }
        }
        refused
    }

    /// What can begin now, at most one mail for each idle connection.
    fn startable(&self, now: Timestamp) -> Result<Vec<OutboxItem>, StoreError> {
        // A rest that would last longer than any began under a clock that was ahead.
        let rests = |until: Timestamp| now < until && schedule::is_near(until, now);
        if self.idle.is_empty() || self.rests_until.is_some_and(rests) {
            return Ok(Vec::new());
        }
        // A relay that was in trouble is tried with one mail.
        let most = if self.failures > 0 { 1 - self.on_their_way.min(1) } else { self.idle.len() };
        self.store.due(now, most)
    }

    fn send(&mut self, mut relay: R, item: OutboxItem, outgoing: Outgoing, original: Option<Vec<u8>>) {
        let back = self.back.0.clone();
        self.on_their_way += 1;
        self.tasks.spawn(async move {
            let bytes = outgoing.content.bytes(original.as_deref());
            failpoint::reached("C12");
            let begun = tokio::time::Instant::now();
            let result = relay.send(&outgoing.envelope, &bytes).await;
            // Without a receiver the flow has ended, and the next start finds the mail in doubt.
            let _ = back.send(Finished { relay, item, result, took: begun.elapsed() });
        });
    }

    /// Writes down what became of this mail and of those that came back with it; they share one fdatasync.
    fn finish_all(&mut self, first: Finished<R>) -> Result<(), StoreError> {
        self.finish(first)?;
        while let Ok(next) = self.back.1.try_recv() {
            self.finish(next)?;
        }
        Ok(())
    }

    /// Writes down what became of a mail.
    fn finish(&mut self, finished: Finished<R>) -> Result<(), StoreError> {
        let Finished { relay, item, result, took } = finished;
        self.idle.push(relay);
        self.on_their_way -= 1;
        let now = (self.clock)();
        let to = maillog::person(self.store.key(), &item.envelope.to);
        let case = item.case.map(|case| case.to_string()).unwrap_or_default();
        let record = match result {
            Ok(accepted) => {
                self.failures = 0;
                self.late.remove(&item.message_id);
                maillog!(
                    done(item.purpose),
                    case = case,
                    to = to,
                    id = item.message_id.as_str(),
                    attempt = item.attempts,
                    ms = took.as_millis(),
                    response = maillog::words(self.store.key(), &accepted.response),
                );
                Record::Sent { message_id: item.message_id.clone(), at: now, response: accepted.response }
            }
            Err(error) => {
                if !error.is_the_relays() {
                    self.failures = 0;
                }
                let patience = self.patience;
                let next = match &error {
                    SendError::RelayTrouble(_) => {
                        patience.relay_trouble(self.rest(now, schedule::pause), item.queued, now)
                    }
                    SendError::LoginRefused(_) => {
                        patience.relay_trouble(self.rest(now, schedule::login_pause), item.queued, now)
                    }
                    SendError::PutOff(_) => self.patience.put_off(item.attempts, item.queued, now, fastrand::f64()),
                    SendError::InDoubt(_) => self.patience.in_doubt(item.purpose, item.attempts, item.queued, now),
                    SendError::Refused(_) => Next::GiveUp,
                };
                // Trouble of the relay is not an attempt of the mail's.
                let attempt = item.attempts - u32::from(error.is_the_relays());
                self.deferred_or_failed(&OutboxItem { attempts: attempt, ..item }, next, error.to_string(), now)?
            }
        };
        failpoint::reached(crash_point(&record));
        self.unsynced = Some(self.store.append(record)?);
        failpoint::reached_after("C15", || drop(self.store.sync()));
        Ok(())
    }

    /// The queue rests after trouble of the relay, longer each time.
    fn rest(&mut self, now: Timestamp, pause: fn(u32, f64) -> Duration) -> Timestamp {
        self.failures += 1;
        let until = now.checked_add(pause(self.failures, fastrand::f64())).unwrap_or(now);
        self.rests_until = Some(until);
        until
    }

    /// When a mail is tried again; `None` if it is given up.
    fn again(&mut self, next: Next, id: &MessageId) -> Option<Timestamp> {
        match next {
            Next::TryAt(until) => Some(until),
            Next::Late(until) => {
                let tries = self.late.entry(id.clone()).or_default();
                *tries += 1;
                (*tries < schedule::LATE_TRIES).then_some(until)
            }
            Next::GiveUp => None,
        }
    }

    fn deferred_or_failed(
        &mut self,
        item: &OutboxItem,
        next: Next,
        why: String,
        now: Timestamp,
    ) -> Result<Record, StoreError> {
        let to = maillog::person(self.store.key(), &item.envelope.to);
        let case = item.case.map(|case| case.to_string()).unwrap_or_default();
        let (purpose, id) = (item.purpose.as_str(), item.message_id.as_str());
        Ok(match self.again(next, &item.message_id) {
            Some(until) => {
                maillog!(
                    "deferred",
                    purpose = purpose,
                    case = case,
                    to = to,
                    id = id,
                    attempt = item.attempts,
                    until = until,
                    why = maillog::words(self.store.key(), &why)
                );
                let (message_id, attempt) = (item.message_id.clone(), item.attempts);
                Record::Deferred { message_id, at: now, until, why, attempt }
            }
            None => {
                self.late.remove(&item.message_id);
                maillog!(
                    "failed",
                    purpose = purpose,
                    case = case,
                    to = to,
                    id = id,
                    attempt = item.attempts,
                    why = maillog::words(self.store.key(), &why)
                );
                let playbook = self.playbook.borrow().clone();
                let case = match item.case {
                    Some(number) => self.store.case(number)?,
                    None => None,
                };
                let failed = decide::Undelivered {
                    purpose: item.purpose,
                    to: &item.envelope.to,
                    case: case.as_ref(),
                    why: &why,
                };
                let notice = decide::undelivered(&failed, &item.message_id, &playbook, now);
                Record::Failed { message_id: item.message_id.clone(), at: now, why, notice }
            }
        })
    }

    fn until_next_due(&self) -> Result<Duration, StoreError> {
        let now = (self.clock)();
        let Some(due) = self.store.next_due()?.filter(|_| !self.idle.is_empty()) else {
            return Ok(LOOK_AGAIN);
        };
        let wake = self.rests_until.map_or(due, |until| due.max(until));
        // A mail may be due and yet have to let an earlier one of its case go first.
        Ok(Duration::try_from(wake.duration_since(now)).unwrap_or(Duration::ZERO).clamp(LET_PASS, LOOK_AGAIN))
    }

    /// Waits for the mails on their way and says goodbye to the relay.
    async fn drain(mut self) -> Result<(), StoreError> {
        while self.on_their_way > 0 {
            match self.back.1.recv().await {
                Some(finished) => self.finish_all(finished)?,
                None => break,
            }
        }
        if let Some(position) = self.unsynced {
            self.store.synced(position).await?;
        }
        for relay in &mut self.idle {
            relay.close().await;
        }
        Ok(())
    }
}

/// Where the process dies when the answer of the relay was heard and is not written down.
fn crash_point(heard: &Record) -> &'static str {
    if matches!(heard, Record::Sent { .. }) { "C14" } else { "C16" }
}

/// The word of the mail log for a mail that has left.
fn done(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Answer => "answered",
        Purpose::Relay => "relayed",
        Purpose::Receipt => "receipted",
        Purpose::Forward => "forwarded",
        Purpose::Notice => "noticed",
    }
}
