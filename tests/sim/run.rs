//! One seed: a plan is thrown, faults strike, the process dies and rises, and at last everything comes to rest.

use std::future::{Future, poll_fn};
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use huixin::case::Clues;
use huixin::config::Keep;
use huixin::delivery::{Delivery, Patience};
use huixin::ids::MailboxName;
use huixin::ingest::{Ingest, IngestError};
use huixin::outgoing::Outgoing;
use huixin::playbook::Playbook;
use huixin::store::{Record, SEGMENT, Store, StoreError};
use huixin::time::Timestamp;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::doors::{SimDisk, SimRelay, SimSource};
use super::model::Ended;
use super::playbook::{KEY, playbook};
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
                bot.store.compact(&KEEP, later).map(|done| format!("{} segments are thinner", done.segments))
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

    /// The process goes down, in order or not, and comes up again until it stays up.
    async fn fall_and_rise(&mut self) -> Result<(), String> {
        loop {
            self.fall()?;
            match self.rise().await {
                Ok(()) if self.world.has_crashed() => {}
                other => return other,
            }
        }
    }

    fn fall(&mut self) -> Result<(), String> {
        self.world.observe();
        let died = self.world.has_crashed();
        self.world.lock().store = None;
        self.bot = None;
        let world = self.world.clone();
        let inner = &mut *world.lock();
        inner.tally.crashes += 1;
        inner.disk.poisoned = false;
        let journal = self.bench.folder.join("journal");
        let Some(start) = last_segment(&journal) else { return Ok(()) };
        let path = journal.join(format!("{start:016x}.log"));
        let length = path.metadata().map_err(|error| error.to_string())?.len();
        // kill -9 leaves what was written; a power cut leaves what was synced, and some of the rest.
        let safe = inner.durable().saturating_sub(start).min(length);
        let mut keep = length;
        if died && self.faults.power && self.plan.bool() {
            keep = safe + self.plan.u64(..=length - safe);
        }
        if self.bench.wrong == Wrong::SyncedFramesLost && self.faults.power {
            keep = self.plan.u64(..=length);
            let _ = std::fs::remove_file(journal.join("synced"));
        }
        if self.bench.wrong == Wrong::AttemptsForgotten && inner.wrong_poison {
            keep = safe;
            inner.wrong_poison = false;
        }
        if keep < length {
            let file = std::fs::OpenOptions::new().write(true).open(&path).map_err(|error| error.to_string())?;
            file.set_len(keep).map_err(|error| error.to_string())?;
            if self.plan.bool() {
                // The length was on disk and the octets were not.
                file.set_len(length).map_err(|error| error.to_string())?;
            }
            inner.tell(|| format!("{} octets of the journal are lost, {safe} were safe", length - keep));
        }
        self.damage_state();
        Ok(())
    }

    /// What becomes of the view in a crash: it may be late, ahead of the journal, damaged or gone.
    fn damage_state(&mut self) {
        let folder = &self.bench.folder;
        match self.plan.u8(..10) {
            0..=1 => states(folder).for_each(|state| drop(std::fs::remove_dir_all(state))),
            2 => drop(std::fs::write(folder.join("state.opened"), "another boot")),
            3 => states(folder).for_each(|state| drop(std::fs::write(state.join("db"), vec![0x5a; 4_000]))),
            _ => {}
        }
        let tables = std::fs::read_dir(folder.join("checkpoint")).into_iter().flatten().flatten();
        for table in tables {
            match self.upkeep.u8(..10) {
                0 => drop(std::fs::remove_file(table.path())),
                1 => {
                    let length = self.upkeep.u64(..table.metadata().map_or(1, |meta| meta.len().max(1)));
                    let file = std::fs::OpenOptions::new().write(true).open(table.path());
                    file.and_then(|file| file.set_len(length)).unwrap();
                }
                _ => {}
            }
        }
    }

    async fn rise(&mut self) -> Result<(), String> {
        let folder = &self.bench.folder;
        let (store, opened) = loop {
            let disk = SimDisk { world: self.world.clone(), reserve: folder.join("journal/reserve") };
            match Store::open_on(folder, Box::new(disk), self.segment) {
                Ok(opened) => break opened,
                // Work that the crash overtook still lets go of the old one: on another thread, or as a task of this
                // runtime, which is dropped when its turn comes.
                Err(StoreError::Locked { .. }) => {
                    tokio::task::yield_now().await;
                    std::thread::sleep(Duration::from_micros(100));
                }
                Err(error) => return Err(format!("the store does not open: {error}")),
            }
        };
        self.world.rise();
        self.world
            .lock()
            .tell(|| format!("up: {}", opened.to_string().split(" were cut off").next().unwrap_or_default()));
        self.learn(&store)?;
        self.compare(&store)?;
        let (sender, playbook) = watch::channel(self.bench.playbook.clone());
        let world = self.world.clone();
        let clock = Arc::new(move || world.now());
        let source = SimSource { name: MailboxName::parse("support").unwrap(), world: self.world.clone() };
        let shutdown = CancellationToken::new();
        let ingest =
            Ingest::new(source, store.clone(), playbook.clone(), clock.clone(), Duration::from_secs(60), shutdown);
        let life = self.world.lock().tally.crashes;
        let relays = vec![SimRelay { world: self.world.clone(), life }; self.relays];
        let mut delivery = Delivery::new(relays, store.clone(), playbook, clock, PATIENCE);
        if self.bench.wrong != Wrong::DoubtForgotten {
            let went = drive(&self.world, pin!(delivery.recover())).await;
            match went {
                Went::Done(Ok(())) => {}
                Went::Done(Err(error)) if error.is_fatal() || error.is_temporary() => self.world.crash(),
                Went::Done(Err(error)) => return Err(format!("recovery: {error}")),
                Went::Crashed | Went::Paused => self.world.crash(),
            }
        }
        self.bot = Some(Bot { store, ingest, delivery, _playbook: sender });
        Ok(())
    }

    /// What is on disk now, and whether the store says the same.
    fn learn(&self, store: &Store) -> Result<(), String> {
        let journal = self.bench.folder.join("journal");
        let start = last_segment(&journal).unwrap_or(0);
        let length = journal.join(format!("{start:016x}.log")).metadata().map_or(0, |meta| meta.len());
        let mut guard = self.world.lock();
        let inner = &mut *guard;
        (inner.disk.base, inner.disk.written, inner.disk.synced) = (start, length, length);
        let end = start + length;
        let letters = std::mem::take(&mut inner.letters);
        let cut = inner.model.cut(end, &letters);
        inner.letters = letters;
        cut?;
        // What was written in the last moment before the crash is looked at only now.
        inner.disk.fresh.retain(|(_, written)| *written <= end);
        inner.store = Some(store.clone());
        drop(guard);
        self.world.observe();
        let inner = &mut *self.world.lock();
        if inner.model.end() != end {
            return Err(format!("{} octets of the journal were written, {end} are there", inner.model.end()));
        }
        // Whom the bot forgot in the crash it may write to again, byte for byte the same.
        let Inner { model, relay, .. } = inner;
        for (id, acceptances) in &mut relay.accepted {
            let forgotten = model.is_waiting(id);
            acceptances.iter_mut().for_each(|acceptance| acceptance.excused |= forgotten);
        }
        Ok(())
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
            waits = self.waits(&bot.store)?;
            if waits.is_empty() {
                self.compare(&bot.store)?;
                self.compare_journal(&bot.store)?;
                return self.check_nothing_lost();
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

    /// What is still to be done; nothing, when everything is at rest.
    fn waits(&self, store: &Store) -> Result<String, String> {
        let text = |error: StoreError| error.to_string();
        let name = MailboxName::parse("support").unwrap();
        let mut waits: Vec<String> = Vec::new();
        for item in store.outbox().map_err(text)? {
            let item = item.map_err(text)?;
            waits.push(format!("{} (due {}, begun {:?}) leaves", item.message_id, item.due, item.started));
        }
        waits.extend(store.pending(&name).map_err(text)?.iter().map(|(place, _)| format!("{place} is pending")));
        waits.extend(store.unsettled(&name, 9).map_err(text)?.iter().map(|place| format!("{place} is unsettled")));
        let inner = self.world.lock();
        let mailbox = &inner.mailbox;
        let undone = mailbox.mails.iter().filter(|held| !held.done);
        waits.extend(undone.map(|held| format!("letter {} lies at {}", held.letter, mailbox.place(held.uid))));
        Ok(waits.join(", "))
    }

    /// Does the state say what the journal says?
    fn compare(&self, store: &Store) -> Result<(), String> {
        let text = |error: StoreError| error.to_string();
        let inner = &*self.world.lock();
        let model = &inner.model;
        let mut differs = Vec::new();
        let cases = store.cases().map_err(text)?.collect::<Result<Vec<_>, _>>().map_err(text)?;
        if !cases.iter().eq(model.cases.values()) {
            differs.push("the cases");
        }
        let ledger = store.ledger().map_err(text)?.collect::<Result<Vec<_>, _>>().map_err(text)?;
        let same = ledger.iter().all(|(hash, row)| {
            model.decided.get(hash).is_some_and(|decided| decided.outcome == row.outcome && decided.place == row.place)
        });
        if ledger.len() != model.decided.len() || !same {
            differs.push("the ledger");
        }
        let outbox = store.outbox().map_err(text)?.collect::<Result<Vec<_>, _>>().map_err(text)?;
        let same = outbox.iter().all(|item| {
            let held = model.outbox.get(&item.message_id).filter(|held| held.end.is_none());
            held.is_some_and(|held| held.attempts == item.attempts && held.begun.is_some() == item.started.is_some())
        });
        if outbox.len() != model.outbox.values().filter(|held| held.end.is_none()).count() || !same {
            differs.push("the outbox");
        }
        let scopes = model.budgets.keys().cloned().collect();
        let facts = store.facts(&Clues { scopes, ..Clues::default() }, inner.now()).map_err(text)?;
        if facts.budgets != model.budgets {
            differs.push("the budgets");
        }
        match differs.is_empty() {
            true => Ok(()),
            false => Err(format!("the state is not what the journal says: {}", differs.join(", "))),
        }
    }

    /// Is every record still there as it was written, but for what a compaction may leave out?
    fn compare_journal(&self, store: &Store) -> Result<(), String> {
        let inner = &*self.world.lock();
        let mut known = inner.model.records().peekable();
        let mut wrong = 0;
        let read = store.records(|position, record| {
            while let Some((_, gone)) = known.next_if(|(written, _)| *written < position.0) {
                wrong += usize::from(!matches!(gone, Record::Taken { .. } | Record::SendStart { .. }));
            }
            let written = known.next().filter(|(written, _)| *written == position.0);
            wrong += usize::from(!written.is_some_and(|(_, written)| is_same(written, record)));
            Ok(())
        });
        read.map_err(|error| error.to_string())?;
        wrong += known.count();
        if wrong == 0 { Ok(()) } else { Err("the journal is not what was written".into()) }
    }

    fn check_nothing_lost(&self) -> Result<(), String> {
        let inner = &*self.world.lock();
        for (n, letter) in inner.letters.iter().enumerate() {
            let mut places = inner.mailbox.places.iter().filter(|(_, held)| **held == n);
            let unfetchable =
                places.any(|(place, _)| inner.mailbox.unfetched.contains_key(place) && inner.model.knows(place));
            let ended = inner.model.decided.contains_key(&letter.hash) || inner.mailbox.taken_away.contains(&n);
            if !ended && !unfetchable {
                return Err(format!("letter {n}, {:?}, is lost", letter.kind));
            }
        }
        // A note that stood for a mail gives way to the mail when that can be fetched after all.
        let mut taken = inner.model.taken.keys();
        if let Some(hash) = taken.find(|hash| inner.letters.iter().any(|letter| letter.hash == **hash)) {
            return Err(format!("{} was taken and never decided", hash.short()));
        }
        for (id, item) in &inner.model.outbox {
            let accepted = inner.relay.accepted.contains_key(id.as_str());
            match item.end {
                None => return Err(format!("{id} was never sent")),
                Some(Ended::Sent) if !accepted => return Err(format!("{id} is written down as sent and was not")),
                Some(Ended::Sent | Ended::Failed) => {}
            }
        }
        Ok(())
    }
}

impl Drop for Life<'_> {
    fn drop(&mut self) {
        // The store holds the disk, the disk the world, and the world the store.
        let store = self.world.lock().store.take();
        drop((store, self.bot.take()));
    }
}

/// Is this what was written, or what is left of it when letters have lost their texts?
fn is_same(written: &Record, mut read: Record) -> bool {
    let letters: &mut [Outgoing] = match &mut read {
        Record::Decided(decided) => &mut decided.outgoing,
        Record::Failed { notice, .. } => notice.as_mut_slice(),
        Record::Told { notice, .. } => std::slice::from_mut(notice),
        _ => &mut [],
    };
    let forgotten = letters.iter_mut().zip(written.outgoing()).filter(|(is, _)| is.content.is_forgotten());
    forgotten.for_each(|(is, was)| is.content.clone_from(&was.content));
    *written == read
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

/// The folders of sled, over whichever checkpoint.
fn states(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let is_state = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name == "state" || name.starts_with("state-")
    };
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).filter(is_state)
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

fn last_segment(journal: &Path) -> Option<u64> {
    let entries = std::fs::read_dir(journal).ok()?;
    let starts = entries.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        u64::from_str_radix(name.strip_suffix(".log")?, 16).ok()
    });
    starts.max()
}
