//! What the time brings: timers of cases that have run down, each written down like a decision about a mail.
//!
//! A pass costs what is due, not what exists: the store keeps the timers in the order of time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::decide;
use crate::ids::CaseNumber;
use crate::maillog;
use crate::playbook::Playbook;
use crate::store::{Changed, Record, Store, StoreError, Why};
use crate::time::Clock;

/// Cases looked after before others get a turn with the store.
const BATCH: usize = 64;
/// How often the timers are looked at: nobody is promised more than minutes.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Looks after the timers of all cases.
pub struct Chores {
    pub store: Store,
    pub playbook: watch::Receiver<Arc<Playbook>>,
    pub clock: Clock,
}

impl Chores {
    /// Repeats the step until `shutdown`. An error is one that only a restart or a person can mend.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), StoreError> {
        loop {
            match self.step().await {
                Ok(BATCH) => continue,
                Ok(_) => {}
                Err(error) if error.is_temporary() => tracing::error!("{error}; timers wait"),
                Err(error) => return Err(error),
            }
            if shutdown.run_until_cancelled(tokio::time::sleep(LOOK_AGAIN)).await.is_none() {
                return Ok(());
            }
        }
    }

    /// Looks after at most one batch of cases whose timers have run down. Gives how many there were.
    pub async fn step(&self) -> Result<usize, StoreError> {
        let now = (self.clock)();
        let due = self.store.alarms(now, BATCH)?;
        let playbook = self.playbook.borrow().clone();
        let mut last = None;
        for number in &due {
            last = Some(self.look_after(*number, &playbook)?);
        }
        if let Some(position) = last {
            self.store.synced(position).await?;
        }
        Ok(due.len())
    }

    /// The case is read inside the store's critical section: a mail that came meanwhile has changed it.
    fn look_after(&self, number: CaseNumber, playbook: &Playbook) -> Result<crate::store::Position, StoreError> {
        let at = (self.clock)();
        self.store.decide(|view| {
            let case = view.case(number)?.ok_or_else(|| StoreError::Rebuilt(format!("case {number} is missing")))?;
            let rung = decide::ring(&case, playbook, at);
            for (_, alarm) in rung.why.iter().filter(|(key, _)| key == "alarm") {
                maillog!("alarm", case = number, alarm = alarm, state = rung.case.state.as_str());
            }
            let (case, outgoing) = (rung.case, rung.outgoing);
            Ok(Record::Changed(Box::new(Changed { at, case, outgoing, spent: Vec::new(), why: Why(rung.why) })))
        })
    }
}
