//! A whole bot under a clock of the test, stepped by hand, and a relay that keeps what it is given.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use huixin::case::Case;
use huixin::chores::Chores;
use huixin::delivery::Delivery;
use huixin::ids::{CaseNumber, MailHash, MailboxName};
use huixin::ingest::Ingest;
use huixin::maildir::MaildirSource;
use huixin::outgoing::{Accepted, Envelope, Leaves, Outgoing, Purpose, Relay, SendError};
use huixin::playbook::Playbook;
use huixin::store::{Decided, Record, Store};
use huixin::time::{Clock, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::office::PATIENCE;
use crate::shipped;

/// What left: when, to whom, as what.
#[derive(Debug, Clone)]
pub(super) struct Left {
    pub(super) at: Timestamp,
    pub(super) to: String,
    pub(super) mail: String,
}

#[derive(Clone)]
struct Kept {
    left: Arc<Mutex<Vec<Left>>>,
    clock: Clock,
}

impl Relay for Kept {
    async fn send(&mut self, envelope: &Envelope, bytes: &[u8]) -> Result<Accepted, SendError> {
        let mail = String::from_utf8_lossy(bytes).into_owned();
        self.left.lock().unwrap().push(Left { at: (self.clock)(), to: envelope.to.to_string(), mail });
        Ok(Accepted { response: "250 ok".into() })
    }

    async fn close(&mut self) {}
}

/// A bot, stepped by hand.
pub(super) struct Bot {
    pub(super) folder: tempfile::TempDir,
    pub(super) address: String,
    pub(super) now: Arc<Mutex<Timestamp>>,
    pub(super) clock: Clock,
    pub(super) left: Arc<Mutex<Vec<Left>>>,
    laid: usize,
    text: String,
    /// Compiled once.
    playbook: Option<Arc<Playbook>>,
    pub(super) house: Option<House>,
}

/// What a restart builds anew.
pub(super) struct House {
    store: Store,
    ingest: Ingest<MaildirSource>,
    delivery: Delivery<Kept>,
    chores: Chores,
}

impl Bot {
    pub(super) async fn new(address: &str, change: impl FnOnce(String) -> String) -> Bot {
        let folder = tempfile::tempdir().unwrap();
        for part in ["mail", "mail/tmp", "mail/new", "mail/cur"] {
            fs::create_dir(folder.path().join(part)).unwrap();
        }
        let text = change(shipped::bot_toml().replace("support@example.com", address));
        // A Tuesday morning in Shanghai, and later than any real one: of the two times of a file in a Maildir the later counts,
        // and one of them is this machine's.
        let now = Arc::new(Mutex::new("2099-11-24T02:00:00Z".parse().unwrap()));
        let read = now.clone();
        let clock: Clock = Arc::new(move || *read.lock().unwrap());
        let (address, left) = (address.to_owned(), Arc::default());
        let mut bot = Bot { folder, address, now, clock, left, laid: 0, text, playbook: None, house: None };
        bot.start();
        bot.work().await;
        bot.pass(60);
        bot
    }

    pub(super) fn start(&mut self) {
        self.house = None;
        let (store, _) = Store::open(&self.folder.path().join("data")).unwrap();
        let make = || Arc::new(shipped::playbook(self.text.clone(), store.key().clone()));
        let playbook = self.playbook.get_or_insert_with(make);
        let (_, newest) = watch::channel(playbook.clone());
        let source =
            MaildirSource::new(MailboxName::parse("support").unwrap(), self.folder.path().join("mail"), 1 << 20);
        let stop = CancellationToken::new();
        let clock = self.clock.clone();
        let ingest = Ingest::new(source, store.clone(), newest.clone(), clock.clone(), Duration::ZERO, stop);
        let relays = vec![Kept { left: self.left.clone(), clock: clock.clone() }];
        let delivery = Delivery::new(relays, store.clone(), newest.clone(), clock.clone(), PATIENCE);
        let chores = Chores { store: store.clone(), playbook: newest, clock };
        self.house = Some(House { store, ingest, delivery, chores });
    }

    pub(super) fn house(&mut self) -> &mut House {
        self.house.as_mut().unwrap()
    }

    pub(super) fn playbook(&self) -> &Playbook {
        self.playbook.as_ref().unwrap()
    }

    /// What time brings in cases, until nothing more is due.
    pub(super) fn ring(&mut self) {
        while self.house().chores.ring().unwrap() > 0 {}
    }

    /// Gives the number of mails in which the leads are told how the desk did.
    pub(super) fn report(&mut self) -> usize {
        self.house().chores.report().unwrap()
    }

    /// Puts a mail into the outbox, never to be sent, of the same name as this one: which is refused then.
    pub(super) fn takes_the_name_of(&self, mail: Outgoing) {
        let notice = Outgoing { case: None, leaves: Leaves::WhenReleased, ..mail };
        self.store().append(Record::Told { at: (self.clock)(), notice }).unwrap();
    }

    pub(super) fn store(&self) -> &Store {
        &self.house.as_ref().unwrap().store
    }

    pub(super) fn pass(&self, seconds: u64) {
        let mut now = self.now.lock().unwrap();
        *now = now.checked_add(Duration::from_secs(seconds)).unwrap();
    }

    pub(super) fn lay(&mut self, mail: &str) -> MailHash {
        self.lay_octets(mail.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes())
    }

    pub(super) fn lay_octets(&mut self, mail: Vec<u8>) -> MailHash {
        let path = self.folder.path().join(format!("mail/new/{:06}", self.laid));
        self.laid += 1;
        fs::write(&path, &mail).unwrap();
        let at = u64::try_from((self.clock)().as_second()).unwrap();
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(at)).unwrap();
        MailHash::of(&mail)
    }

    /// A new mail with its own subject and Message-ID.
    pub(super) fn ask(&mut self, from: &str, text: &str) -> MailHash {
        let n = self.laid;
        let (to, domain) = (self.address.clone(), from.split('@').nth(1).unwrap());
        self.lay(&format!(
            "From: {from}\nTo: {to}\nSubject: question {n}\nMessage-ID: <m{n}@{domain}>\nMIME-Version: 1.0\n\
             Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}\n"
        ))
    }

    pub(super) async fn take(&mut self) {
        while self.house().ingest.step().await.unwrap().more {}
    }

    /// Takes, sends, and does what time brings.
    pub(super) async fn work(&mut self) {
        self.take().await;
        self.house().chores.step().unwrap();
        self.house().delivery.step().await.unwrap();
    }

    pub(super) fn left(&self) -> Vec<Left> {
        self.left.lock().unwrap().clone()
    }

    pub(super) fn left_to(&self, to: &str) -> Vec<Left> {
        self.left().into_iter().filter(|left| left.to == to).collect()
    }

    pub(super) fn decided(&self, mail: &MailHash) -> Decided {
        self.store().decided(mail).unwrap().unwrap()
    }

    pub(super) fn case_of(&self, mail: &MailHash) -> CaseNumber {
        self.decided(mail).outcome.case().unwrap()
    }

    pub(super) fn cases(&self) -> BTreeMap<CaseNumber, Case> {
        self.store().cases().unwrap().map(|case| case.map(|case| (case.number, case)).unwrap()).collect()
    }

    /// Automatic answers in the journal.
    pub(super) fn answers(&self) -> usize {
        let mut answers = 0;
        let count = |_, record: Record| {
            answers += record.outgoing().iter().filter(|mail| mail.purpose == Purpose::Answer).count();
            Ok(())
        };
        self.store().records(count).unwrap();
        answers
    }
}
