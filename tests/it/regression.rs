//! What the simulator (`tests/sim`) has found, each fault by itself: a disk that is full or breaks at one write, mail
//! that goes while it is fetched, a clock that was ahead.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use huixin::delivery::Delivery;
use huixin::ids::{MailHash, MailboxName};
use huixin::ingest::{Ingest, IngestError};
use huixin::mailbox::{Fetched, Known, Listed, Listing, Place, Source, SourceError};
use huixin::outgoing::{Accepted, Envelope, Relay, SendError};
use huixin::playbook::Playbook;
use huixin::store::{Disk, Record, SEGMENT, Store, StoreError};
use huixin::time::{Clock, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::office::PATIENCE;
use crate::shipped;

/// A disk that fails at one write, and knows whether everything on it is safe.
#[derive(Default)]
struct Weak {
    /// Writes that still go well before one fails; below zero none does.
    left: AtomicI64,
    /// The write fails for good, and not for want of room.
    breaks: AtomicBool,
    safe: AtomicBool,
}

impl Weak {
    fn new() -> Arc<Weak> {
        Arc::new(Weak { left: AtomicI64::new(i64::MAX), ..Weak::default() })
    }

    fn fails_after(&self, writes: i64) {
        self.left.store(writes, SeqCst);
    }
}

struct OnWeak(Arc<Weak>);

impl Disk for OnWeak {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.0.left.fetch_sub(1, SeqCst) == 0 {
            let broken = io::Error::other("broken");
            return Err(if self.0.breaks.load(SeqCst) { broken } else { io::ErrorKind::StorageFull.into() });
        }
        self.0.safe.store(false, SeqCst);
        file.write_all_at(bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.0.safe.store(true, SeqCst);
        file.sync_data()
    }
}

/// A mailbox of mails 1, 2, 3 …, of which some go between the listing and the fetch.
#[derive(Clone)]
struct Inbox {
    mails: Vec<Vec<u8>>,
    gone: Vec<u32>,
    disk: Arc<Weak>,
    /// Mails settled, and whether everything was on disk then.
    settled: Arc<Mutex<Vec<(u32, bool)>>>,
    name: MailboxName,
}

fn place(uid: u32) -> Place {
    Place::Imap { uid_validity: 7, uid }
}

impl Source for Inbox {
    fn name(&self) -> &MailboxName {
        &self.name
    }

    async fn list(&mut self, known: Known, _: usize) -> Result<Listing, SourceError> {
        let from = known.cursor.map_or(1, |cursor| cursor.uid + 1);
        let listed = |uid| Listed { place: place(uid), size: 100, delivered: at(60), junk: false };
        let mails = (from..=self.mails.len() as u32).map(listed).collect();
        Ok(Listing { uid_validity: 7, uid_next: 1, mails, more: false })
    }

    async fn fetch(&mut self, mails: &[Listed]) -> Result<Vec<(Place, Fetched)>, SourceError> {
        let content = |mail: &Listed| match mail.place {
            Place::Imap { uid, .. } if !self.gone.contains(&uid) => {
                Fetched::Whole(self.mails[uid as usize - 1].clone())
            }
            _ => Fetched::Vanished,
        };
        Ok(mails.iter().map(|mail| (mail.place.clone(), content(mail))).collect())
    }

    async fn settle(&mut self, places: &[Place]) -> Result<(), SourceError> {
        let safe = self.disk.safe.load(SeqCst);
        let uids = places.iter().map(|place| match place {
            Place::Imap { uid, .. } => (*uid, safe),
            Place::Maildir { .. } => unreachable!("all places are on a server"),
        });
        self.settled.lock().unwrap().extend(uids);
        Ok(())
    }

    async fn wait(&mut self, _: Duration) -> Result<(), SourceError> {
        Ok(())
    }
}

/// Accepts everything after the errors it has to say first.
#[derive(Clone, Default)]
struct Script {
    errors: Arc<Mutex<Vec<SendError>>>,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Relay for Script {
    async fn send(&mut self, envelope: &Envelope, _: &[u8]) -> Result<Accepted, SendError> {
        if let Some(error) = self.errors.lock().unwrap().pop() {
            return Err(error);
        }
        self.taken.lock().unwrap().push(envelope.to.to_string());
        Ok(Accepted { response: "250 ok".into() })
    }

    async fn close(&mut self) {}
}

struct Desk {
    folder: tempfile::TempDir,
    disk: Arc<Weak>,
    store: Store,
    ingest: Ingest<Inbox>,
    delivery: Delivery<Script>,
    script: Script,
    now: Arc<AtomicI64>,
    _playbook: watch::Sender<Arc<Playbook>>,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

impl Desk {
    fn new(mails: usize) -> Desk {
        Desk::over(tempfile::tempdir().unwrap(), mails)
    }

    fn over(folder: tempfile::TempDir, mails: usize) -> Desk {
        let disk = Weak::new();
        let (store, _) = Store::open_on(&folder.path().join("data"), Box::new(OnWeak(disk.clone())), SEGMENT).unwrap();
        let (_playbook, playbook) = watch::channel(shipped::unchanged());
        let now = Arc::new(AtomicI64::new(60));
        let clock: Clock = {
            let now = now.clone();
            Arc::new(move || at(now.load(SeqCst)))
        };
        let source = Inbox {
            mails: (1..=mails).map(mail).collect(),
            gone: Vec::new(),
            disk: disk.clone(),
            settled: Arc::default(),
            name: MailboxName::parse("support").unwrap(),
        };
        let shutdown = CancellationToken::new();
        let ingest = Ingest::new(source, store.clone(), playbook.clone(), clock.clone(), Duration::ZERO, shutdown);
        let script = Script::default();
        let delivery = Delivery::new(vec![script.clone(); 2], store.clone(), playbook, clock, PATIENCE);
        Desk { folder, disk, store, ingest, delivery, script, now, _playbook }
    }

    /// The process dies and starts again.
    fn again(self, mails: usize) -> Desk {
        let Desk { folder, store, ingest, delivery, .. } = self;
        drop((store, ingest, delivery));
        Desk::over(folder, mails)
    }

    fn is_decided(&self, n: usize) -> bool {
        self.store.taken(&MailHash::of(&mail(n))).unwrap().is_some()
    }
}

fn mail(n: usize) -> Vec<u8> {
    format!(
        "From: c{n}@example.org\r\nTo: support@example.com\r\nMessage-ID: <m{n}@example.org>\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n邮件被退回 554 DT:SPM\r\n"
    )
    .into_bytes()
}

fn is_full<T, E: std::error::Error>(result: &Result<T, E>) -> bool {
    result.as_ref().is_err_and(|error| error.to_string().contains("disk is full"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_vanishes_takes_no_other_with_it_when_the_process_dies() {
    let mut desk = Desk::new(2);
    desk.ingest.source.gone = vec![2];
    // The first look is written down, and the next write is the last.
    desk.disk.fails_after(2);
    desk.disk.breaks.store(true, SeqCst);
    let died = desk.ingest.step().await;
    assert!(matches!(died, Err(IngestError::Store(StoreError::Fatal(_)))), "{died:?}");
    let mut desk = desk.again(2);
    desk.ingest.step().await.unwrap();
    assert!(desk.is_decided(1), "mail 1 is skipped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_was_archived_at_the_crash_and_vanishes_while_it_is_fetched_is_not_lost() {
    let mut desk = Desk::new(0);
    desk.ingest.step().await.unwrap();
    desk.ingest.source.mails = vec![mail(1)];
    let hash = desk.store.archive().put(&mail(1)).unwrap();
    let mailbox = MailboxName::parse("support").unwrap();
    desk.store.append(Record::Taken { mailbox, place: place(1), hash, attempt: 1, at: at(60) }).unwrap();
    desk.ingest.source.gone = vec![1];
    desk.ingest.step().await.unwrap();
    desk.ingest.source.mails.clear();
    desk.ingest.step().await.unwrap();
    assert!(desk.is_decided(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_batch_that_a_full_disk_has_left_is_on_disk_before_the_mailbox_is_told() {
    let mut desk = Desk::new(2);
    // The first look, two attempts, one decision.
    desk.disk.fails_after(4);
    assert!(is_full(&desk.ingest.step().await));
    assert!(desk.ingest.source.settled.lock().unwrap().is_empty());
    desk.ingest.step().await.unwrap();
    assert_eq!(*desk.ingest.source.settled.lock().unwrap(), [(1, true), (2, true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_left_is_on_disk_when_the_queue_rests() {
    let mut desk = Desk::new(3);
    desk.ingest.step().await.unwrap();
    desk.delivery.step().await.unwrap();
    assert_eq!(desk.script.taken.lock().unwrap().len(), 3);
    assert!(desk.disk.safe.load(SeqCst), "a power cut would send them again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_whose_attempt_has_begun_leaves_also_when_the_disk_is_too_full_for_the_next() {
    let mut desk = Desk::new(2);
    desk.ingest.step().await.unwrap();
    desk.disk.fails_after(1);
    assert!(is_full(&desk.delivery.step().await));
    assert_eq!(desk.script.taken.lock().unwrap().len(), 1);
    desk.delivery.step().await.unwrap();
    assert_eq!((desk.script.taken.lock().unwrap().len(), desk.store.outbox_len().unwrap()), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn f20_a_clock_that_was_ahead_holds_nothing_back() {
    const YEARS: i64 = 10 * 365 * 86_400;
    for error in [SendError::PutOff("451 later".into()), SendError::RelayTrouble("connection refused".into())] {
        let mut desk = Desk::new(1);
        desk.ingest.step().await.unwrap();
        desk.script.errors.lock().unwrap().push(error.clone());
        desk.now.fetch_add(YEARS, SeqCst);
        desk.delivery.step().await.unwrap();
        desk.now.fetch_add(3_600 - YEARS, SeqCst);
        desk.delivery.step().await.unwrap();
        assert_eq!(*desk.script.taken.lock().unwrap(), ["c1@example.org"], "{error}");
    }
}
