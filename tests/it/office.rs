//! The flows of the bot, stepped by hand over servers in this process: a store, a playbook, a clock that stands.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use huixin::delivery::{Delivery, Patience};
use huixin::ids::{Key, MailHash, MailboxName, MessageId};
use huixin::imap::{self, ImapSource, Pace};
use huixin::ingest::{Ingest, IngestError};
use huixin::mailbox::Source;
use huixin::playbook::Playbook;
use huixin::smtp::{self, SmtpRelay};
use huixin::store::Store;
use huixin::time::{Clock, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::peer::mailhost::{DONE, PASSWORD};
use crate::shipped;

/// How long delivery tries, as it is shipped.
pub const PATIENCE: Patience =
    Patience { give_up: Duration::from_secs(96 * 3600), answer_in_doubt: Duration::from_secs(3600) };

/// When these tests take place: a minute before a mail host of theirs says that its mail came.
pub fn beginning() -> Timestamp {
    "2026-11-24T01:59:00Z".parse().unwrap()
}

pub struct Office {
    pub store: Store,
    pub now: Arc<Mutex<Timestamp>>,
    folder: tempfile::TempDir,
    playbook: watch::Receiver<Arc<Playbook>>,
}

impl Office {
    pub fn new() -> Office {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(&folder.path().join("data")).unwrap();
        let (_, playbook) = watch::channel(playbook());
        Office { store, now: Arc::new(Mutex::new(beginning())), folder, playbook }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    pub fn ingest<S: Source>(&self, source: S) -> Ingest<S> {
        let shutdown = CancellationToken::new();
        Ingest::new(source, self.store.clone(), self.playbook.clone(), self.clock(), Duration::ZERO, shutdown)
    }

    pub fn delivery(&self, relay: SmtpRelay) -> Delivery<SmtpRelay> {
        Delivery::new(vec![relay], self.store.clone(), self.playbook.clone(), self.clock(), PATIENCE)
    }

    pub fn pass(&self, time: Duration) {
        let mut now = self.now.lock().unwrap();
        *now = now.checked_add(time).unwrap();
    }

    /// The mails that wait to leave.
    pub fn outbox(&self) -> BTreeSet<MessageId> {
        self.store.outbox().unwrap().map(|item| item.unwrap().message_id).collect()
    }

    pub fn cases(&self) -> usize {
        self.store.cases().unwrap().count()
    }

    pub fn is_decided(&self, mail: &[u8]) -> bool {
        self.store.decided(&MailHash::of(mail)).unwrap().is_some()
    }

    fn clock(&self) -> Clock {
        let now = self.now.clone();
        Arc::new(move || *now.lock().unwrap())
    }
}

/// The shipped rules, with budgets that no test of ours uses up. Made once: it takes a second.
pub fn playbook() -> Arc<Playbook> {
    static PLAYBOOK: OnceLock<Arc<Playbook>> = OnceLock::new();
    let make = || {
        let mut text = shipped::bot_toml();
        for budget in ["unknown_hour", "unknown_day", "domain_hour", "domain_day", "global_hour", "global_day"] {
            let line = text.lines().find(|line| line.starts_with(&format!("{budget} ="))).unwrap().to_owned();
            text = text.replace(&line, &format!("{budget} = 100000"));
        }
        Arc::new(shipped::playbook(text, Key::from_bytes([5; 32])))
    };
    PLAYBOOK.get_or_init(make).clone()
}

/// A mailbox on a host of this process. Whatever fails is tried again at once.
pub fn mailbox(port: u16, change: impl FnOnce(&mut imap::Settings)) -> ImapSource {
    let name = MailboxName::parse("support").unwrap();
    let secret = Arc::new(|| Ok(PASSWORD.to_owned().into()));
    let mut settings = imap::Settings::new(name, "localhost", "support", secret);
    settings.port = port;
    settings.tls = imap::Tls::Plain;
    settings.after.move_to = Some(DONE.to_owned());
    settings.patience.answer = Duration::from_secs(60);
    let moment = Duration::from_millis(1);
    settings.pace = Pace {
        first: moment,
        longest: moment,
        longest_after_work: moment,
        refused_first: moment,
        refused_longest: moment,
        failures_an_hour: usize::MAX,
        refusals_an_hour: usize::MAX,
    };
    change(&mut settings);
    ImapSource::new(settings).unwrap()
}

pub fn relay(port: u16, change: impl FnOnce(&mut smtp::Settings)) -> SmtpRelay {
    let secret = Arc::new(|| Ok(PASSWORD.to_owned().into()));
    let mut settings = smtp::Settings {
        host: "127.0.0.1".into(),
        port,
        tls: smtp::Tls::Plain,
        extra_ca: None,
        auth: Some(smtp::Auth { user: "support".into(), mechanism: smtp::Mechanism::Plain, secret }),
        hello: "bot.example.com".into(),
        timeouts: smtp::Timeouts::default(),
        max_size: 50 << 20,
    };
    change(&mut settings);
    SmtpRelay::new(settings).unwrap()
}

/// A customer's question that the shipped rules answer.
pub fn question(n: usize) -> Vec<u8> {
    format!(
        "From: c{n}@example.org\r\nTo: support@example.com\r\nMessage-ID: <m{n}@example.org>\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n邮件被退回 554 DT:SPM\r\n"
    )
    .into_bytes()
}

/// Steps until a look finds nothing new and everything is settled, whatever goes wrong on the way. Gives the number
/// of steps that failed.
pub async fn take_all(office: &Office, ingest: &mut Ingest<ImapSource>, most: usize) -> usize {
    let mut failed = 0;
    for _ in 0..most {
        match step(ingest).await {
            Some(0) if office.store.unsettled(ingest.source.name(), 1).unwrap().is_empty() => return failed,
            Some(_) => {}
            None => failed += 1,
        }
    }
    panic!("there is still something to do after {most} steps");
}

/// How many mails a step committed; none, too, if it found more than it took. `None` after trouble of the source,
/// which is the only trouble there may be.
pub async fn step(ingest: &mut Ingest<ImapSource>) -> Option<usize> {
    match ingest.step().await {
        Ok(progress) => Some(progress.committed + usize::from(progress.more)),
        Err(IngestError::Source(_)) => None,
        Err(error) => panic!("{error}"),
    }
}
