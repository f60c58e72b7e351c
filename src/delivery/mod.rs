//! From the outbox to the relay: one step starts what is due, and writes down what became of it.
//!
//! The attempt is written and synced before `MAIL FROM`; its result is written before the connection takes the
//! next mail. No more attempts begin than there are connections: whatever ends the process leaves no more mails in
//! doubt. Those that begin together wait for the disk together, and meanwhile the others go on. One mail of a case is on
//! its way at a time, so the mails of a case leave in order. Trouble of the relay rests the whole queue and counts
//! against no mail.

mod schedule;

pub use schedule::{Next, Patience};

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::decide;
use crate::failpoint;
use crate::ids::MessageId;
use crate::maillog;
use crate::outgoing::{Accepted, Purpose, Relay, SendError};
use crate::playbook::Playbook;
use crate::store::{OutboxItem, Position, Record, Store, StoreError};
use crate::time::{Clock, Timestamp};

/// How often the outbox is looked at when nothing says that it changed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// The shortest wait between two looks.
const LET_PASS: Duration = Duration::from_millis(20);

/// Mails looked up at a time: behind ten thousand that have just left, a look is long.
const LOOK_AHEAD: usize = 64;

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
    /// Mails that were due at the last look, and have not begun.
    due: VecDeque<OutboxItem>,
    tasks: TaskTracker,
    /// The last result that was written down and is not yet known to be on disk.
    unsynced: Option<Position>,
}

/// A connection comes back with what became of its mail.
struct Finished<R> {
    relay: R,
    item: OutboxItem,
    /// The outer error is one of the store: nothing was sent.
    result: Result<Result<Accepted, SendError>, StoreError>,
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
            due: VecDeque::new(),
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
            match self.start_due() {
                Ok(()) => {}
                Err(error) if error.is_temporary() => tracing::error!("{error}; sending nothing for now"),
                Err(error) => return Err(error),
            }
            let wait = self.until_next_due()?;
            tokio::select! {
                finished = self.back.1.recv() => if let Some(finished) = finished { self.finish_all(finished)? },
                durable = until_durable(&self.store, self.unsynced) => {
                    durable?;
                    self.unsynced = None;
                }
                _ = changed.changed() => {}
                () = tokio::time::sleep(wait) => {}
                () = shutdown.cancelled() => {}
            }
        }
        self.drain().await
    }

    /// Sends everything that is due now and returns when each mail has its result.
    pub async fn step(&mut self) -> Result<(), StoreError> {
        let mut started = self.start_due();
        while self.on_their_way > 0 {
            if let Some(finished) = self.back.1.recv().await {
                self.finish_all(finished)?;
            }
            if started.is_ok() {
                started = self.start_due();
            }
        }
        if let Some(position) = self.unsynced.take() {
            self.store.synced(position).await?;
        }
        started
    }

    /// What a crash left in doubt is tried again or reported, by purpose and age.
    pub async fn recover(&mut self) -> Result<(), StoreError> {
        for item in self.store.in_doubt()? {
            let now = (self.clock)();
            let next = self.patience.in_doubt(item.purpose, item.attempts, item.queued, now);
            let record = self.deferred_or_failed(&item, next, "the process ended during the attempt".into(), now)?;
            self.unsynced = Some(self.write_down(record)?);
        }
        Ok(())
    }

    /// Hands due mails to idle connections, which begin when their attempts are on disk. The same fdatasync makes the
    /// results durable that were written since the last one: what has left must not be in doubt for long.
    fn start_due(&mut self) -> Result<(), StoreError> {
        let now = (self.clock)();
        let most = self.may_begin(now);
        let (mut begun, mut refused, mut has_looked) = (Vec::new(), Ok(()), false);
        while begun.len() < most {
            let Some(item) = self.due.pop_front() else {
                if has_looked {
                    break;
                }
                has_looked = true;
                self.due = self.store.due(now, most.max(LOOK_AHEAD))?.into();
                continue;
            };
            // Since the look the operator may have dropped it, or the breaker may have opened.
            let start = self.store.consider(|view| {
                let (message_id, attempt) = (item.message_id.clone(), item.attempts + 1);
                let may_begin = view.may_begin(&message_id)?;
                Ok(may_begin.then_some(Record::SendStart { message_id, attempt, at: now }))
            });
            match start {
                Ok(None) => {}
                Ok(Some(position)) => {
                    self.unsynced = Some(position);
                    let item = OutboxItem { attempts: item.attempts + 1, ..item };
                    begun.extend(self.idle.pop().map(|relay| (relay, item)));
                }
                // Those before it have begun and are sent all the same: nobody would look after them.
                Err(error) => {
                    refused = Err(error);
                    break;
                }
            }
        }
        if !begun.is_empty()
            && let Some(position) = self.unsynced.take()
        {
            self.send(begun, position);
        }
        refused
    }

    /// How many mails can begin now, at most one for each idle connection.
    fn may_begin(&self, now: Timestamp) -> usize {
        // A rest that would last longer than any began under a clock that was ahead.
        let rests = |until: Timestamp| now < until && schedule::is_near(until, now);
        match () {
            () if self.rests_until.is_some_and(rests) => 0,
            // A relay that was in trouble is tried with one mail.
            () if self.failures > 0 => self.idle.len().min(1 - self.on_their_way.min(1)),
            () => self.idle.len(),
        }
    }

    /// Sends mails as soon as everything up to `position` is on disk, where their attempts were written down.
    fn send(&mut self, begun: Vec<(R, OutboxItem)>, position: Position) {
        let (store, back, tasks) = (self.store.clone(), self.back.0.clone(), self.tasks.clone());
        self.on_their_way += begun.len();
        self.tasks.spawn(async move {
            // They leave in their order, and none of them before it is `ready`.
            let _ = store.synced(position).await;
            for (relay, item) in begun {
                tasks.spawn(carry(relay, item, position, store.clone(), back.clone()));
            }
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
        let record = match result? {
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
        self.unsynced = Some(self.write_down(record)?);
        failpoint::reached_after("C15", || drop(self.store.sync()));
        Ok(())
    }

    /// Writes down what became of a mail: that it failed, in any case, if the notice about it cannot be written.
    fn write_down(&self, record: Record) -> Result<Position, StoreError> {
        let Record::Failed { message_id, at, why, notice: notice @ Some(_) } = record else {
            return self.store.append(record);
        };
        let failed = |notice| Record::Failed { message_id: message_id.clone(), at, why: why.clone(), notice };
        match self.store.append(failed(notice)) {
            Err(refused) if refused.is_local() => {
                tracing::error!(id = message_id.as_str(), "nobody is told that this mail failed: {refused}");
                self.store.append(failed(None))
            }
            written => written,
        }
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
        if self.idle.is_empty() {
            return Ok(LOOK_AGAIN);
        }
        let now = (self.clock)();
        let Some(due) = self.store.next_due()? else {
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

/// Sends one mail and brings the connection back with what became of it.
async fn carry<R: Relay>(
    mut relay: R,
    item: OutboxItem,
    position: Position,
    store: Store,
    back: mpsc::UnboundedSender<Finished<R>>,
) {
    let mut took = Duration::ZERO;
    let result = match ready(&store, &item, position).await {
        Ok(bytes) => {
            failpoint::reached("C12");
            let begun = tokio::time::Instant::now();
            let result = relay.send(&item.envelope, &bytes).await;
            took = begun.elapsed();
            Ok(result)
        }
        Err(error) => Err(error),
    };
    // Without a receiver the flow has ended, and the next start finds the mail in doubt.
    let _ = back.send(Finished { relay, item, result, took });
}

/// The bytes of a mail whose attempt is on disk.
async fn ready(store: &Store, item: &OutboxItem, position: Position) -> Result<Vec<u8>, StoreError> {
    store.synced(position).await?;
    let content = store.outgoing(item)?.content;
    let original = match &content.original {
        Some(hash) => Some(store.archive().get_or_note(hash)?),
        None => None,
    };
    Ok(content.bytes(original.as_deref()))
}

/// Returns when the record at this position is on disk; never, if there is none to wait for.
async fn until_durable(store: &Store, position: Option<Position>) -> Result<(), StoreError> {
    match position {
        Some(position) => store.synced(position).await,
        None => std::future::pending().await,
    }
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
