//! Taking mail from a Maildir, step by step: what was there before, what a crash left, what cannot be settled.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use huixin::app;
use huixin::case::Scope;
use huixin::dns::Dns;
use huixin::ids::{MailHash, MailboxName};
use huixin::ingest::{Ingest, Progress};
use huixin::mailbox::{Fetched, Known, Listed, Listing, Place, Source, SourceError};
use huixin::maildir::MaildirSource;
use huixin::outgoing::{Outgoing, Purpose};
use huixin::playbook::Playbook;
use huixin::store::{Outcome, QUARANTINED, Record, Store};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::shipped;

/// A bot over a Maildir of its own, stepped by hand.
struct Desk {
    folder: tempfile::TempDir,
    store: Store,
    playbook: watch::Receiver<Arc<Playbook>>,
    ingest: Ingest<MaildirSource>,
}

impl Desk {
    /// `change` edits the text of the shipped bot.toml.
    fn new(change: impl FnOnce(String) -> String) -> Desk {
        Desk::in_folder(tempfile::tempdir().unwrap(), change)
    }

    fn in_folder(folder: tempfile::TempDir, change: impl FnOnce(String) -> String) -> Desk {
        for part in ["mail", "mail/tmp", "mail/new", "mail/cur"] {
            fs::create_dir(folder.path().join(part)).unwrap();
        }
        let (store, _) = Store::open(&folder.path().join("data")).unwrap();
        let playbook = shipped::playbook(change(shipped::bot_toml()), store.key().clone());
        let (_, playbook) = watch::channel(Arc::new(playbook));
        let ingest = ingest(source(folder.path()), &store, &playbook);
        Desk { folder, store, playbook, ingest }
    }

    /// Lays a question that the rules know into the mailbox.
    fn lay(&self, n: usize) -> Vec<u8> {
        let mail = format!(
            "From: c{n}@example.org\r\nTo: support@example.com\r\nMessage-ID: <m{n}@example.org>\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n邮件被退回 554 DT:SPM\r\n"
        );
        let path = self.folder.path().join(format!("mail/new/{n:04}"));
        fs::write(path, &mail).unwrap();
        mail.into_bytes()
    }

    /// Writes down that this attempt at mail `n` has begun; what a crash leaves of it.
    fn take(&self, n: usize, hash: MailHash, attempt: u32) {
        let (mailbox, place) = (MailboxName::parse("support").unwrap(), Place::Maildir { file: format!("{n:04}") });
        self.store.append(Record::Taken { mailbox, place, hash, attempt, at: app::now() }).unwrap();
    }

    async fn step(&mut self) -> Progress {
        self.ingest.step().await.unwrap()
    }

    fn is_answered(&self, mail: &[u8]) -> Option<bool> {
        let decided = self.store.decided(&MailHash::of(mail)).unwrap()?;
        Some(decided.outgoing.iter().any(|outgoing| outgoing.purpose == Purpose::Answer))
    }

    fn waiting(&self) -> usize {
        fs::read_dir(self.folder.path().join("mail/new")).unwrap().count()
    }
}

fn source(folder: &Path) -> MaildirSource {
    MaildirSource::new(MailboxName::parse("support").unwrap(), folder.join("mail"), 1 << 20)
}

fn ingest<S: Source>(source: S, store: &Store, playbook: &watch::Receiver<Arc<Playbook>>) -> Ingest<S> {
    Ingest::new(source, store.clone(), playbook.clone(), app::clock(), Duration::ZERO, CancellationToken::new())
}

/// Longer than the grain of file times, the tick of the kernel, so that what was laid before lies before what comes now. No
/// date can be written instead: when a file came is the one of its times that nobody can set.
async fn a_moment_later() {
    tokio::time::sleep(Duration::from_millis(30)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_from_before_the_first_start_is_recorded_and_never_answered() {
    let mut desk = Desk::new(|text| text);
    let old = desk.lay(1);
    a_moment_later().await;
    assert_eq!(desk.step().await.committed, 1);
    let new = desk.lay(2);
    assert_eq!(desk.step().await.committed, 1);
    assert_eq!((desk.is_answered(&old), desk.is_answered(&new)), (Some(false), Some(true)));
    assert_eq!(desk.waiting(), 0, "both are settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_is_left_alone_keeps_no_new_mail_waiting() {
    let mut desk = Desk::new(|text| text.replace("existing = \"case\"", "existing = \"leave\""));
    let old: Vec<Vec<u8>> = (0..300).map(|n| desk.lay(n)).collect();
    a_moment_later().await;
    assert_eq!(desk.step().await, Progress { committed: 0, more: false });
    let new = desk.lay(300);
    assert_eq!(desk.step().await.committed, 1);
    assert_eq!(desk.is_answered(&new), Some(true));
    assert_eq!((desk.is_answered(&old[7]), desk.waiting()), (None, 300));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_was_archived_at_the_crash_and_is_gone_since_is_not_lost() {
    let mut desk = Desk::new(|text| text);
    desk.step().await;
    let mail = desk.lay(1);
    let hash = desk.store.archive().put(&mail).unwrap();
    desk.take(1, hash, 1);
    fs::remove_file(desk.folder.path().join("mail/new/0001")).unwrap();
    desk.step().await;
    assert_eq!(desk.is_answered(&mail), Some(true));
}

/// A mailbox out of which no mail can be fetched.
struct Unfetched(MaildirSource);

impl Source for Unfetched {
    fn name(&self) -> &MailboxName {
        self.0.name()
    }

    async fn list(&mut self, known: Known, most: usize) -> Result<Listing, SourceError> {
        self.0.list(known, most).await
    }

    async fn fetch(&mut self, mails: &[Listed]) -> Result<Vec<(Place, Fetched)>, SourceError> {
        match mails.first() {
            Some(mail) => Err(SourceError::Mail { place: mail.place.clone(), why: "out of order".into() }),
            None => Ok(Vec::new()),
        }
    }

    async fn settle(&mut self, places: &[Place]) -> Result<(), SourceError> {
        self.0.settle(places).await
    }

    async fn wait(&mut self, longest: Duration) -> Result<(), SourceError> {
        self.0.wait(longest).await
    }
}

/// Found by the simulator, seed 5000627: a full disk keeps a mail from its decision, and then it cannot be fetched again.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_mail_that_cannot_be_fetched_again_what_was_archived_is_read_and_no_note() {
    let mut desk = Desk::new(|text| text);
    desk.step().await;
    let (archived, never) = (desk.lay(1), desk.lay(2));
    let hash = desk.store.archive().put(&archived).unwrap();
    desk.take(1, hash, 1);
    let mut ingest = ingest(Unfetched(source(desk.folder.path())), &desk.store, &desk.playbook);
    // Each is tried three times, and a step ends with the first trouble.
    for _ in 0..7 {
        let _ = ingest.step().await;
    }
    assert_eq!(desk.is_answered(&archived), Some(true));
    assert_eq!((desk.is_answered(&never), desk.waiting()), (None, 0), "of the other there is a note");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_has_killed_its_reader_three_times_is_quarantined_and_the_others_go_on() {
    let mut desk = Desk::new(|text| text);
    desk.step().await;
    let (poison, good) = (desk.lay(1), desk.lay(2));
    let hash = desk.store.archive().put(&poison).unwrap();
    (1..=3).for_each(|attempt| desk.take(1, hash, attempt));
    assert_eq!(desk.step().await.committed, 2);
    assert_eq!(desk.is_answered(&good), Some(true));
    let decided = desk.store.decided(&hash).unwrap().unwrap();
    assert!(matches!(decided.outcome, Outcome::Quarantined(Some(_))));
    assert_eq!(decided.outgoing.len(), 1);
    assert_eq!(decided.outgoing[0].purpose, Purpose::Notice);
    assert_eq!(desk.store.archive().get(&hash).unwrap(), poison);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_cannot_be_written_down_costs_its_mail_and_no_other() {
    let at = app::now();
    let mut first = Desk::new(|text| text);
    first.step().await;
    first.ingest.clock = Arc::new(move || at);
    let mail = first.lay(1);
    first.step().await;
    let notice = first.store.decided(&MailHash::of(&mail)).unwrap().unwrap().outgoing.swap_remove(0);

    // The same bot anew, in whose outbox there is a mail of that name already.
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::copy(first.folder.path().join("data/key"), folder.path().join("data/key")).unwrap();
    let mut desk = Desk::in_folder(folder, |text| text);
    desk.step().await;
    desk.ingest.clock = Arc::new(move || at);
    let notice = Outgoing { case: None, ..notice };
    desk.store.append(Record::Told { at: app::now(), notice }).unwrap();
    let (mail, again, good) = (desk.lay(1), desk.lay(1), desk.lay(2));
    fs::write(desk.folder.path().join("mail/new/0003"), &again).unwrap();
    assert_eq!(desk.step().await.committed, 3);
    assert_eq!(desk.is_answered(&good), Some(true));
    let decided = desk.store.decided(&MailHash::of(&mail)).unwrap().unwrap();
    assert!(matches!(decided.outcome, Outcome::Quarantined(Some(_))), "{:?}", decided.outcome);
    let reason = &decided.why.0.iter().find(|(key, _)| key == QUARANTINED).unwrap().1;
    assert!(reason.starts_with("decision-refused: a mail <"), "{reason}");
    assert_eq!((desk.store.cases().unwrap().count(), desk.waiting()), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_in_another_place_are_one_mail() {
    let mut desk = Desk::new(|text| text);
    desk.step().await;
    let mail = desk.lay(1);
    desk.step().await;
    fs::write(desk.folder.path().join("mail/new/again"), &mail).unwrap();
    assert_eq!(desk.step().await.committed, 1);
    assert_eq!(desk.store.cases().unwrap().count(), 1);
    assert_eq!(desk.store.outbox_len().unwrap(), 1);
    assert_eq!(desk.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn h05_the_signatures_of_a_mail_are_checked_before_it_is_decided() {
    use mail_auth::crypto::Ed25519Key;
    use mail_auth::{dkim::DkimSigner, headers::HeaderWriter};

    // Key and record of RFC 8463 §A.1 and §A.2.
    let secret = [
        157, 97, 177, 157, 239, 253, 90, 96, 186, 132, 74, 244, 146, 236, 44, 196, 68, 73, 197, 105, 123, 50, 105, 25,
        112, 59, 172, 3, 28, 174, 127, 96,
    ];
    let public = [
        215, 90, 152, 1, 130, 177, 10, 183, 213, 75, 254, 211, 201, 100, 7, 58, 14, 225, 114, 243, 218, 166, 35, 37,
        175, 2, 26, 104, 247, 7, 81, 26,
    ];
    let record = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let records = [("s1._domainkey.example.org", Some(record)), ("_dmarc.example.org", Some("v=DMARC1; p=reject"))];
    let mut desk = Desk::new(|text| text);
    desk.ingest.dns = Some(Dns::of_records(&records).unwrap());
    desk.step().await;

    let plain = desk.lay(1);
    let key = Ed25519Key::from_seed_and_public_key(&secret, &public).unwrap();
    let signer = DkimSigner::from_key(key).domain("example.org").selector("s1").headers(["From", "To"]);
    let lay = |n: usize, mail: &str| {
        let mail = mail.replace("c1@", &format!("c{n}@")).replace("<m1@", &format!("<m{n}@"));
        let signed = format!("{}{mail}", signer.sign(mail.as_bytes()).unwrap().to_header()).into_bytes();
        (n, signed)
    };
    let text = String::from_utf8(plain.clone()).unwrap();
    let right = lay(2, &text);
    let (n, wrong) = lay(3, &text);
    let wrong = (n, String::from_utf8(wrong).unwrap().replace("554 DT:SPM", "554 DT:SPM!").into_bytes());
    for (n, mail) in [&right, &wrong] {
        fs::write(desk.folder.path().join(format!("mail/new/{n:04}")), mail).unwrap();
    }
    assert_eq!(desk.step().await.committed, 3);
    let told = |mail: &[u8]| {
        let decided = desk.store.decided(&MailHash::of(mail)).unwrap().unwrap();
        let told = decided.why.0.iter().find(|(key, _)| key == "authentication").unwrap().1.clone();
        (told, desk.is_answered(mail), decided.spent.contains(&Scope::Unknown))
    };
    let expect = |told: &str, answered, unknown| (told.to_owned(), Some(answered), unknown);
    assert_eq!(told(&plain), expect("unknown (dkim unknown, dmarc unknown)", true, true));
    assert_eq!(told(&right.1), expect("pass by signature (dkim pass, dmarc unknown)", true, false));
    assert_eq!(told(&wrong.1), expect("fail by signature (dkim fail, dmarc unknown)", false, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_mail_under_a_used_name_is_another_mail() {
    let mut desk = Desk::new(|text| text);
    desk.step().await;
    let mails = [1, 2, 3].map(|n| {
        let mail = desk.lay(n);
        fs::rename(desk.folder.path().join(format!("mail/new/{n:04}")), desk.folder.path().join(format!("mail/{n}")))
            .unwrap();
        mail
    });
    for n in [1, 2, 3] {
        fs::rename(desk.folder.path().join(format!("mail/{n}")), desk.folder.path().join("mail/new/mail.eml")).unwrap();
        assert_eq!(desk.step().await.committed, 1);
    }
    assert!(mails.iter().all(|mail| desk.is_answered(mail) == Some(true)));
    assert_eq!(fs::read_dir(desk.folder.path().join("mail/cur")).unwrap().count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_with_the_longest_name_is_settled_like_any_other() {
    let mut desk = Desk::new(|text| text);
    desk.step().await;
    let mail = desk.lay(1);
    fs::rename(desk.folder.path().join("mail/new/0001"), desk.folder.path().join("mail/new").join("x".repeat(254)))
        .unwrap();
    desk.lay(2);
    assert_eq!(desk.step().await.committed, 2);
    assert_eq!((desk.is_answered(&mail), desk.waiting()), (Some(true), 0));
}
