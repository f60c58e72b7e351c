//! One seed: a plan is thrown, faults strike, the process dies and rises, and at last everything comes to rest.

mod audit;
mod crash;

use std::future::{Future, poll_fn};
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use huixin::config::Keep;
use huixin::delivery::{Delivery, Patience};
use huixin::ingest::{Ingest, IngestError};
use huixin::playbook::Playbook;
use huixin::store::{SEGMENT, Store, StoreError};
use huixin::time::Timestamp;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use self::audit::{check_nothing_lost, compare, compare_journal};
use self::crash::states;
use super::doors::{SimRelay, SimSource};
use super::playbook::{KEY, playbook};
use super::thinner::thin_wrongly;
use super::world::{Faults, Inner, Mailbox, Tally, World};
use super::wrong::Wrong;

const PATIENCE: Patience =
    Patience { give_up: Duration::from_secs(96 * 3600), answer_in_doubt: Duration::from_secs(3600) };
/// A compaction comes so much later than everything it looks at, and then letters need not be kept for long.
const LATER: Duration = Duration::from_secs(40 * 24 * 3600);
const KEEP: Keep = Keep { mail_days: 0, quarantine_days: 0, letter_days: 1, case_days: 0 };
/// Rounds after the last fault within which everything must have come to rest.
const ROUNDS_TO_REST: u64 = 100;

/// Where one thread runs its seeds: a folder in memory, a runtime, a playbook.
pub struct Bench {
    folder: PathBuf,
    runtime: Runtime,
    playbook: Arc<Playbook>,
    wrong: Wrong,
    _keep: tempfile::TempDir,
}

/// A promise was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub seed: u64,
    pub why: String,
    pub events: String,
}

impl Bench {
    pub fn new(wrong: Wrong) -> Bench {
        let memory = Path::new("/dev/shm");
        let keep = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let folder = keep.path().join("data");
        std::fs::create_dir_all(folder.join("journal")).unwrap();
        std::fs::write(folder.join("key"), KEY).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Bench { folder, runtime, playbook: playbook(wrong), wrong, _keep: keep }
    }

    /// Lives through one seed.
    pub fn run(&self, seed: u64) -> Result<Tally, Broken> {
        self.sweep();
        // The spread of retries is thrown by the program itself.
        fastrand::seed(seed);
        let mut life = Life::new(self, seed);
        let lived = self.runtime.block_on(life.live());
        let inner = &mut *life.world.lock();
        match lived.err().or(inner.broken.take()) {
            Some(why) => Err(Broken { seed, why, events: inner.events() }),
            None => Ok(Tally {
                letters: inner.letters.len() as u64,
                records: inner.model.len() as u64,
                quarantined: inner.model.quarantined() as u64,
                ..inner.tally
            }),
        }
    }

    /// Empties the folder, but for the key and the room kept back, which cost time.
    fn sweep(&self) {
        for part in ["archive", "checkpoint", "state.broken"] {
            let _ = std::fs::remove_dir_all(self.folder.join(part));
        }
        states(&self.folder).for_each(|state| drop(std::fs::remove_dir_all(state)));
        let _ = std::fs::remove_file(self.folder.join("state.opened"));
        for file in std::fs::read_dir(self.folder.join("journal")).unwrap() {
            let path = file.unwrap().path();
            if path.file_name().is_some_and(|name| name != "reserve") {
                std::fs::remove_file(path).unwrap();
            }
        }
    }
}

/// The bot while it is up.
struct Bot {
    store: Store,
    ingest: Ingest<SimSource>,
    delivery: Delivery<SimRelay>,
    _playbook: watch::Sender<Arc<Playbook>>,
}

struct Life<'a> {
    bench: &'a Bench,
    world: World,
    plan: fastrand::Rng,
    /// When there is a checkpoint, and what becomes of it in a crash.
    upkeep: fastrand::Rng,
    faults: Faults,
    /// Octets of a file of the journal.
    segment: u64,
    relays: usize,
    bot: Option<Bot>,
}

/// How a step went on.
enum Went<T> {
    Done(T),
    Crashed,
    Paused,
}

impl<'a> Life<'a> {
    fn new(bench: &'a Bench, seed: u64) -> Life<'a> {
        let mut plan = fastrand::Rng::with_seed(seed);
        let mut has = || plan.u8(..3) == 0;
        let faults = Faults {
            fetch: has(),
            cut: has(),
            put_off: has(),
            refused: has(),
            down: has(),
            doubt: has(),
            full: has(),
            broken_disk: has(),
            crash: has(),
            power: has(),
            reset: has(),
            second_client: has(),
            clock: has(),
            poison: has(),
            late: has(),
            pause: has(),
        };
        // A process that dies at every other step gets nowhere, while a relay may well be bad for hours.
        let rates = if faults.crash || faults.broken_disk { [2, 5, 10, 20] } else { [5, 10, 25, 60] };
        let rate = plan.choice(rates).unwrap_or(5);
        let relays = if plan.bool() { 1 } else { 3 };
        let segment = if plan.u8(..4) == 0 { 20_000 } else { SEGMENT };
        let mailbox = Mailbox {
            is_maildir: plan.u8(..3) == 0,
            moves: plan.bool(),
            validity: 7,
            next: 1 + plan.u32(..40),
            mails: Vec::new(),
            done: Vec::new(),
            taken_away: Vec::new(),
            places: Default::default(),
            unfetched: Default::default(),
            listed: 0,
        };
        let start: Timestamp = "2026-11-24T02:00:00Z".parse().unwrap();
        let mut inner = Inner::new(seed, bench.wrong, faults, rate, mailbox, start);
        let there = plan.usize(..3);
        inner.arrive(there);
        inner.pass(Duration::from_secs(60));
        let upkeep = fastrand::Rng::with_seed(!seed);
        Life { bench, world: World::new(inner), plan, upkeep, faults, segment, relays, bot: None }
    }

    async fn live(&mut self) -> Result<(), String> {
        self.rise().await?;
        for _ in 0..self.plan.usize(6..22) {
            self.act().await?;
            self.check()?;
        }
        self.rest().await
    }

    async fn act(&mut self) -> Result<(), String> {
        if self.upkeep.u8(..32) == 0 {
            self.keep_up().await?;
        }
        match self.plan.u8(..100) {
            0..=24 => {
                let count = self.plan.usize(1..4);
                self.world.lock().arrive(count);
            }
            25..=54 => self.take().await?,
            55..=77 => self.send().await?,
            78..=89 => {
                let seconds = self.plan.choice([1, 20, 70, 400, 2_000, 4_000, 30_000]).unwrap_or(1);
                self.world.lock().pass(Duration::from_secs(seconds));
            }
            90..=92 if self.faults.reset => {
                let inner = &mut *self.world.lock();
                if !inner.mailbox.is_maildir {
                    inner.mailbox.reset();
                    inner.tell(|| "UIDVALIDITY changes".into());
                }
            }
            93..=94 if self.faults.clock => {
                let seconds = self.plan.choice([-86_400, -3_600, -60, 3_600, 86_400, 315_000_000]).unwrap_or(0);
                let inner = &mut *self.world.lock();
                // A clock that is wrong is set right the next time.
                inner.skew = if inner.skew == 0 { seconds } else { 0 };
                inner.jumps += 1;
                let skew = inner.skew;
                inner.tell(|| format!("the clock is {skew} s ahead"));
            }
            95..=99 if self.faults.crash || self.faults.power => {
                if self.plan.u8(..3) > 0 {
                    self.world.crash();
                }
                self.world.lock().tell(|| "the process ends".into());
                self.fall_and_rise().await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// One step of ingest; where it is paused, delivery has its turn in between.
    async fn take(&mut self) -> Result<(), String> {
        let Some(Bot { mut ingest, mut delivery, store, _playbook }) = self.bot.take() else { return Ok(()) };
        let (mut crashed, mut failed) = (false, None);
        {
            let mut step = pin!(ingest.step());
            loop {
                match drive(&self.world, step.as_mut()).await {
                    Went::Crashed => crashed = true,
                    Went::Done(Ok(_) | Err(IngestError::Source(_) | IngestError::Stopped)) => {}
                    Went::Done(Err(IngestError::Store(error))) => failed = Some(error),
                    Went::Done(Err(error)) => return Err(format!("ingest: {error}")),
                    Went::Paused => {
                        self.world.lock().tell(|| "delivery in between".into());
                        match sending(&self.world, &mut delivery).await {
                            Went::Done(Ok(())) => {
                                self.world.resume();
                                continue;
                            }
                            Went::Done(Err(error)) => failed = Some(error),
                            Went::Crashed | Went::Paused => crashed = true,
                        }
                        self.world.resume();
                        if !crashed && failed.as_ref().is_some_and(StoreError::is_temporary) {
                            failed = None;
                            continue;
                        }
                    }
                }
                break;
            }
        }
        self.bot = Some(Bot { store, ingest, delivery, _playbook });
        self.after(crashed, failed, "ingest").await
    }

    /// One step of delivery.
    async fn send(&mut self) -> Result<(), String> {
        let Some(bot) = &mut self.bot else { return Ok(()) };
        match sending(&self.world, &mut bot.delivery).await {
            Went::Crashed | Went::Paused => self.after(true, None, "delivery").await,
            Went::Done(Err(error)) => self.after(false, Some(error), "delivery").await,
            Went::Done(Ok(())) => {
                self.world.observe();
                let inner = &mut *self.world.lock();
                let written = inner.model.last_result();
                if written > inner.durable() && inner.wrong == Wrong::Nothing {
                    inner.fail("delivery rests while results of its sends are not on disk");
                }
                Ok(())
            }
        }
    }

    /// A checkpoint or a compaction, which may come at any time and change nothing that anybody sees.
    async fn keep_up(&mut self) -> Result<(), String> {
        let Some(bot) = &self.bot else { return Ok(()) };
        self.world.observe();
        let made = match self.upkeep.bool() {
            true => bot.store.checkpoint().map(|_| "a checkpoint".to_owned()),
            false => {
                let later = self.world.now().checked_add(LATER).map_err(|error| error.to_string())?;
                let done = bot.store.compact(&KEEP, later);
                thin_wrongly(self.bench.wrong, &self.bench.folder.join("journal"));
                done.map(|done| format!("{} segments are thinner", done.segments))
            }
        };
        self.world.observe();
        self.world.lock().tell(|| made.as_ref().map_or_else(|error| error.to_string(), String::clone));
        self.after(self.world.has_crashed(), made.err(), "upkeep").await
    }

    async fn after(&mut self, crashed: bool, failed: Option<StoreError>, whose: &str) -> Result<(), String> {
        match failed {
            _ if crashed => self.fall_and_rise().await,
            None => Ok(()),
            Some(error) if error.is_temporary() => {
                self.world.lock().tell(|| format!("{whose}: {error}"));
                Ok(())
            }
            Some(error) if error.is_fatal() => {
                self.world.lock().tell(|| format!("{whose}: {error}"));
                self.fall_and_rise().await
            }
            Some(error) => Err(format!("{whose}: {error}")),
        }
    }

    fn check(&mut self) -> Result<(), String> {
        self.world.observe();
        match self.world.lock().broken.clone() {
            Some(why) => Err(why),
            None => Ok(()),
        }
    }

    /// The faults stop. Everything comes to rest, and nothing was lost.
    async fn rest(&mut self) -> Result<(), String> {
        self.faults = Faults::default();
        {
            let inner = &mut *self.world.lock();
            inner.faults = Faults::default();
            inner.disk.writes_refused = 0;
            inner.skew = 0;
            inner.tell(|| "the faults stop".into());
        }
        let mut waits = "the bot is never up".to_owned();
        for round in 0..ROUNDS_TO_REST {
            self.take().await?;
            self.send().await?;
            self.check()?;
            let Some(bot) = &self.bot else { continue };
            waits = audit::waits(&bot.store, &self.world)?;
            if waits.is_empty() {
                compare(&bot.store, &self.world)?;
                compare_journal(&bot.store, &self.world)?;
                return check_nothing_lost(&self.world);
            }
            let next = bot.store.next_due().map_err(|error| error.to_string())?;
            let inner = &mut *self.world.lock();
            let now = inner.now();
            let wait =
                next.map_or(Duration::ZERO, |next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
            // The queue may rest although a mail is due, and a mail may wait for a time that a wrong clock has named.
            inner.pass(wait.clamp(Duration::from_secs(1 + 10 * round), Duration::from_secs(6 * 3600)));
        }
        Err(format!("it does not come to rest: {waits}"))
    }
}

impl Drop for Life<'_> {
    fn drop(&mut self) {
        // The store holds the disk, the disk the world, and the world the store.
        let store = self.world.lock().store.take();
        drop((store, self.bot.take()));
    }
}

/// Polls a step until it is done, or until the process is gone.
async fn drive<F: Future>(world: &World, mut step: Pin<&mut F>) -> Went<F::Output> {
    poll_fn(|context| {
        if world.has_crashed() {
            return Poll::Ready(Went::Crashed);
        }
        let polled = step.as_mut().poll(context);
        if world.has_crashed() {
            return Poll::Ready(Went::Crashed);
        }
        match polled {
            Poll::Ready(output) => Poll::Ready(Went::Done(output)),
            Poll::Pending if world.is_paused() => Poll::Ready(Went::Paused),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// One step of delivery, which nothing pauses.
async fn sending(world: &World, delivery: &mut Delivery<SimRelay>) -> Went<Result<(), StoreError>> {
    let mut step = pin!(delivery.step());
    poll_fn(|context| {
        if world.has_crashed() {
            return Poll::Ready(Went::Crashed);
        }
        let polled = step.as_mut().poll(context).map(Went::Done);
        if world.has_crashed() { Poll::Ready(Went::Crashed) } else { polled }
    })
    .await
}
