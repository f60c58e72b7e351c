//! Mails that are taken together are drafted side by side and decided one after the other: the outcome is that of
//! taking each alone.

use std::fs::{self, File};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use huixin::ids::{MailHash, MailboxName};
use huixin::ingest::Ingest;
use huixin::maildir::MaildirSource;
use huixin::outgoing::Purpose;
use huixin::playbook::Playbook;
use huixin::store::{Decided, Store};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::office::beginning;
use crate::shipped;

struct Desk {
    folder: tempfile::TempDir,
    store: Store,
    ingest: Ingest<MaildirSource>,
}

impl Desk {
    async fn new(playbook: &Arc<Playbook>) -> Desk {
        let folder = tempfile::tempdir().unwrap();
        for part in ["mail", "mail/tmp", "mail/new", "mail/cur"] {
            fs::create_dir(folder.path().join(part)).unwrap();
        }
        let (store, _) = Store::open(&folder.path().join("data")).unwrap();
        let (_, playbook) = watch::channel(playbook.clone());
        let source = MaildirSource::new(MailboxName::parse("support").unwrap(), folder.path().join("mail"), 1 << 20);
        let (clock, shutdown) = (Arc::new(beginning), CancellationToken::new());
        let mut ingest = Ingest::new(source, store.clone(), playbook, clock, Duration::ZERO, shutdown);
        ingest.step().await.unwrap();
        Desk { folder, store, ingest }
    }

    /// Lays a mail that came a minute after the first look.
    fn lay(&self, n: usize, mail: &[u8]) {
        let path = self.folder.path().join(format!("mail/new/{n:04}"));
        fs::write(&path, mail).unwrap();
        let came = SystemTime::from(beginning()) + Duration::from_secs(60);
        File::options().write(true).open(path).unwrap().set_modified(came).unwrap();
    }

    /// Without the moment in which its file came to lie there, which is that of this machine.
    fn decided(&self, mail: &[u8]) -> Decided {
        let decided = self.store.decided(&MailHash::of(mail)).unwrap().expect("a decision");
        Decided { delivered: beginning(), ..decided }
    }
}

/// Mails that have to do with each other: one person writes often, a thread goes on, one mail comes on two ways.
fn mails(seed: u64, count: usize) -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut mails: Vec<Vec<u8>> = Vec::new();
    for n in 0..count {
        let from = format!("c{}@d{}.example", random.usize(..4), random.usize(..2));
        let head = |more: &str| {
            format!(
                "From: {from}\r\nTo: support@example.com\r\nMessage-ID: <m{n}@example.org>\r\n{more}\
                 Content-Type: text/plain; charset=utf-8\r\n"
            )
        };
        let earlier = random.usize(..n.max(1));
        let mail = match random.u8(..8) {
            0..=2 => head("Subject: 退信\r\n") + "\r\n邮件被退回 554 DT:SPM\r\n",
            3 => head(&format!("Subject: {n}\r\n")) + "\r\nDoes the choir rehearse on Friday?\r\n",
            4..=5 => head(&format!("Subject: Re: x\r\nReferences: <m{earlier}@example.org>\r\n")) + "\r\n还是不行\r\n",
            6 if n > 0 => format!("X-Way: {n}\r\n{}", String::from_utf8_lossy(&mails[earlier])),
            6 => head("") + "\r\nfirst\r\n",
            _ => head("Auto-Submitted: auto-replied\r\nSubject: away\r\n") + "\r\nI am away.\r\n",
        };
        mails.push(mail.into_bytes());
    }
    mails
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_taken_together_are_decided_as_if_each_came_alone() {
    // Its budgets end in the middle of a hundred mails.
    let playbook = shipped::unchanged();
    let (mut silenced, mut answered) = (0, 0);
    for seed in 0..6 {
        let mails = mails(seed, 120);
        let (mut together, mut alone) = (Desk::new(&playbook).await, Desk::new(&playbook).await);
        mails.iter().enumerate().for_each(|(n, mail)| together.lay(n, mail));
        assert_eq!(together.ingest.step().await.unwrap().committed, mails.len());
        for (n, mail) in mails.iter().enumerate() {
            alone.lay(n, mail);
            assert_eq!(alone.ingest.step().await.unwrap().committed, 1);
        }
        for (n, mail) in mails.iter().enumerate() {
            let decided = together.decided(mail);
            assert_eq!(decided, alone.decided(mail), "seed {seed}, mail {n}: {}", String::from_utf8_lossy(mail));
            answered += usize::from(decided.outgoing.iter().any(|mail| mail.purpose == Purpose::Answer));
            silenced += usize::from(decided.why.0.iter().any(|(key, _)| key == "silence"));
        }
    }
    assert!(answered > 60 && silenced > 60, "{answered} answered, {silenced} not: budgets end in between");
}
