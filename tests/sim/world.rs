//! The world of one seed: clock, mailbox, relay and disk as they really are, the dice, and what has happened.
//!
//! Four dice, one for each door and one for the plan, so that no thread of the store can take another's throw.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use huixin::mailbox::Place;
use huixin::store::{Position, Store};
use huixin::time::Timestamp;

use super::letters::{Letter, Ours};
use super::model::Model;
use super::wrong::Wrong;

/// Events that a failure shows.
const TOLD: usize = 40;

#[derive(Clone)]
pub struct World(Arc<Shared>);

struct Shared {
    world: Mutex<Inner>,
    crashed: AtomicBool,
    paused: AtomicBool,
}

/// What can go wrong in this seed; each seed has some of it, so that none hides behind another.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    pub fetch: bool,
    pub cut: bool,
    pub put_off: bool,
    pub refused: bool,
    pub down: bool,
    pub doubt: bool,
    pub full: bool,
    pub broken_disk: bool,
    pub crash: bool,
    pub power: bool,
    pub reset: bool,
    pub second_client: bool,
    pub clock: bool,
    pub poison: bool,
    pub late: bool,
    pub pause: bool,
}

pub struct Inner {
    pub seed: u64,
    pub wrong: Wrong,
    pub faults: Faults,
    /// How often a fault strikes, in percent.
    pub rate: u8,
    /// The time as it really is, and how far the bot's clock is off.
    pub time: Timestamp,
    pub skew: i64,
    /// How often the bot's clock has jumped.
    pub jumps: u32,
    pub letters: Vec<Letter>,
    pub mailbox: Mailbox,
    pub relay: Outbound,
    pub disk: Platter,
    pub model: Model,
    /// To read back what was written; none while the bot is down.
    pub store: Option<Store>,
    pub source_dice: fastrand::Rng,
    pub relay_dice: fastrand::Rng,
    pub disk_dice: fastrand::Rng,
    events: VecDeque<String>,
    pub broken: Option<String>,
    /// A wrong bot has not written down the attempt that killed it.
    pub wrong_poison: bool,
    pub tally: Tally,
}

/// What happened in all, for the report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub seeds: u64,
    pub letters: u64,
    pub sent: u64,
    pub twice: u64,
    pub crashes: u64,
    pub faults: u64,
    pub quarantined: u64,
    pub records: u64,
}

/// The folder on the server, or the Maildir.
pub struct Mailbox {
    pub is_maildir: bool,
    /// Done mail is moved away; else it stays and is flagged.
    pub moves: bool,
    pub validity: u32,
    pub next: u32,
    pub mails: Vec<Held>,
    /// What the mailbox was told to do, for mails that are no longer in it.
    pub done: Vec<Held>,
    /// Letters that another client has taken away, before anybody says that they are done.
    pub taken_away: Vec<usize>,
    /// The letter that lay in each place.
    pub places: HashMap<Place, usize>,
    /// How often the mail in each place could not be fetched.
    pub unfetched: HashMap<Place, u32>,
    /// The number up to which the last listing went, for a wrong cursor.
    pub listed: u32,
}

#[derive(Debug, Clone)]
pub struct Held {
    pub uid: u32,
    pub letter: usize,
    pub delivered: Timestamp,
    pub done: bool,
}

/// What the relay has taken.
#[derive(Default)]
pub struct Outbound {
    pub accepted: HashMap<String, Vec<Acceptance>>,
    pub ours: Vec<Ours>,
    /// How often each mail was tried, for a wrong retry.
    pub tries: HashMap<String, u32>,
}

pub struct Acceptance {
    pub bytes: Vec<u8>,
    /// The bot was not told, or has forgotten it in a crash before it could write it down.
    pub excused: bool,
    /// An answer that must not be sent again when it is in doubt.
    pub is_old: bool,
}

/// The journal's disk: what is written, and what of it is safe.
#[derive(Default)]
pub struct Platter {
    /// Where the file begins that is being written.
    pub base: u64,
    pub written: u64,
    pub synced: u64,
    /// Frames written that nobody has looked at yet: where they begin and end.
    pub fresh: Vec<(u64, u64)>,
    pub writes_refused: u32,
    /// A poison mail is about to be read.
    pub poisoned: bool,
}

impl World {
    pub fn new(inner: Inner) -> World {
        World(Arc::new(Shared {
            world: Mutex::new(inner),
            crashed: AtomicBool::new(false),
            paused: AtomicBool::new(false),
        }))
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.world.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The process is gone from here on: nothing it still does has an effect.
    pub fn crash(&self) {
        self.0.crashed.store(true, SeqCst);
    }

    pub fn has_crashed(&self) -> bool {
        self.0.crashed.load(SeqCst)
    }

    pub fn rise(&self) {
        self.0.crashed.store(false, SeqCst);
        self.resume();
    }

    pub fn pause(&self) {
        self.0.paused.store(true, SeqCst);
    }

    pub fn is_paused(&self) -> bool {
        self.0.paused.load(SeqCst)
    }

    pub fn resume(&self) {
        self.0.paused.store(false, SeqCst);
    }

    /// The bot's clock.
    pub fn now(&self) -> Timestamp {
        self.lock().now()
    }

    /// Looks at everything that was written since the last look.
    pub fn observe(&self) {
        let (store, fresh) = {
            let mut inner = self.lock();
            (inner.store.clone(), std::mem::take(&mut inner.disk.fresh))
        };
        let Some(store) = store else { return };
        for (position, end) in fresh {
            match store.record(Position(position)) {
                Ok(record) => {
                    let inner = &mut *self.lock();
                    let time = inner.time;
                    if let Err(why) = inner.model.push(position, end, time, record, &inner.letters, inner.jumps) {
                        inner.fail(why);
                    }
                }
                Err(error) => self.lock().fail(format!("the record at {position} cannot be read back: {error}")),
            }
        }
    }
}

impl Inner {
    pub fn now(&self) -> Timestamp {
        self.time.checked_add(jiff_seconds(self.skew)).unwrap_or(self.time)
    }

    pub fn pass(&mut self, time: Duration) {
        self.time = self.time.checked_add(time).unwrap_or(self.time);
    }

    pub fn tell(&mut self, event: impl FnOnce() -> String) {
        if self.events.len() == TOLD {
            self.events.pop_front();
        }
        let event = format!("{} {}", self.time, event());
        self.events.push_back(event);
    }

    /// A promise is broken; the first one counts.
    pub fn fail(&mut self, why: impl Into<String>) {
        let why = why.into();
        self.tell(|| format!("BROKEN: {why}"));
        self.broken.get_or_insert(why);
    }

    pub fn events(&self) -> String {
        self.events.iter().map(|event| format!("  {event}\n")).collect()
    }

    /// Everything up to here is on disk.
    pub fn durable(&self) -> u64 {
        self.disk.base + self.disk.synced
    }

    /// Does a fault that this seed has strike now?
    pub fn strikes(&mut self, dice: Die, has: impl FnOnce(&Faults) -> bool) -> bool {
        let (has, rate) = (has(&self.faults), self.rate);
        let dice = match dice {
            Die::Source => &mut self.source_dice,
            Die::Relay => &mut self.relay_dice,
            Die::Disk => &mut self.disk_dice,
        };
        let strikes = has && dice.u8(..100) < rate;
        self.tally.faults += u64::from(strikes);
        strikes
    }

    /// A letter comes in.
    pub fn arrive(&mut self, count: usize) {
        for _ in 0..count {
            let n = self.letters.len();
            let poison = self.faults.poison;
            let letter =
                super::letters::write(self.seed, n, &mut self.source_dice, &self.letters, &self.relay.ours, poison);
            let twin = letter.twin_of.map(|of| format!(", a copy of letter {of}")).unwrap_or_default();
            self.tell(|| format!("letter {n} {:?} from {} {}{twin}", letter.kind, letter.from, letter.hash.short()));
            self.letters.push(letter);
            self.mailbox.deliver(n, self.time);
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Die {
    Source,
    Relay,
    Disk,
}

impl Platter {
    /// A whole frame stands at `offset` of the file that is being written.
    pub fn wrote(&mut self, offset: u64, length: u64) {
        if offset == 0 {
            self.base += self.written;
            (self.written, self.synced) = (0, 0);
        }
        self.written = offset + length;
        let begin = self.base + offset;
        self.fresh.push((begin, begin + length));
    }
}

impl Mailbox {
    pub fn deliver(&mut self, letter: usize, delivered: Timestamp) {
        let uid = self.next;
        self.next += 1;
        self.mails.push(Held { uid, letter, delivered, done: false });
        self.places.insert(self.place(uid), letter);
    }

    pub fn place(&self, uid: u32) -> Place {
        match self.is_maildir {
            true => Place::Maildir { file: format!("{uid:06}.sim") },
            false => Place::Imap { uid_validity: self.validity, uid },
        }
    }

    /// Every mail gets another name (RFC 9051 §2.3.1.1).
    pub fn reset(&mut self) {
        self.validity += 1;
        self.next = 1;
        for held in std::mem::take(&mut self.mails) {
            let uid = self.next;
            self.next += 1;
            self.places.insert(self.place(uid), held.letter);
            self.mails.push(Held { uid, ..held });
        }
    }
}

fn jiff_seconds(seconds: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_secs(seconds)
}

impl Inner {
    pub fn new(seed: u64, wrong: Wrong, faults: Faults, rate: u8, mailbox: Mailbox, time: Timestamp) -> Inner {
        let dice = |door: u64| fastrand::Rng::with_seed(seed ^ (door << 56).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Inner {
            seed,
            wrong,
            faults,
            rate,
            time,
            skew: 0,
            jumps: 0,
            letters: Vec::new(),
            mailbox,
            relay: Outbound::default(),
            disk: Platter::default(),
            model: Model::new(seed),
            store: None,
            source_dice: dice(1),
            relay_dice: dice(2),
            disk_dice: dice(3),
            events: VecDeque::new(),
            broken: None,
            wrong_poison: false,
            tally: Tally { seeds: 1, ..Tally::default() },
        }
    }
}
