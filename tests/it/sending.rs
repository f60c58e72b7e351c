//! Sending, step by step, over a relay that answers by a script: what each answer does to the outbox.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use huixin::address::{Address, ReversePath};
use huixin::app;
use huixin::case::Case;
use huixin::delivery::Delivery;
use huixin::ids::{CaseNumber, GroupId, MailHash, MailboxName, MessageId};
use huixin::language::Language;
use huixin::mailbox::Place;
use huixin::outgoing::{Accepted, Content, Envelope, Leaves, Outgoing, Purpose, Relay, SendError};
use huixin::store::{Decided, Outcome, Record, Store};
use huixin::time::Timestamp;
use tokio::sync::watch;

use crate::office::PATIENCE;
use crate::shipped;

/// What the relay was given, and what it will say; it accepts when the script has ended.
#[derive(Clone, Default)]
struct Script {
    said: Arc<Mutex<VecDeque<SendError>>>,
    /// What it says once to the mail with this subject.
    said_to: Arc<Mutex<Vec<(String, SendError)>>>,
    given: Arc<Mutex<Vec<Given>>>,
}

/// To whom, and what.
type Given = (String, Vec<u8>);

impl Relay for Script {
    async fn send(&mut self, envelope: &Envelope, bytes: &[u8]) -> Result<Accepted, SendError> {
        self.given.lock().unwrap().push((envelope.to.to_string(), bytes.to_vec()));
        let mut said_to = self.said_to.lock().unwrap();
        let subject = subject(bytes);
        if let Some(at) = said_to.iter().position(|(name, _)| *name == subject) {
            return Err(said_to.remove(at).1);
        }
        match self.said.lock().unwrap().pop_front() {
            Some(error) => Err(error),
            None => Ok(Accepted { response: "250 ok".into() }),
        }
    }

    async fn close(&mut self) {}
}

struct Post {
    folder: tempfile::TempDir,
    store: Store,
    script: Script,
    now: Arc<Mutex<Timestamp>>,
    delivery: Delivery<Script>,
}

impl Post {
    fn new() -> Post {
        Post::over(tempfile::tempdir().unwrap())
    }

    fn over(folder: tempfile::TempDir) -> Post {
        let (store, _) = Store::open(folder.path()).unwrap();
        let (_, playbook) = watch::channel(shipped::unchanged());
        let script = Script::default();
        let now = Arc::new(Mutex::new(at(0)));
        let clock = {
            let now = now.clone();
            Arc::new(move || *now.lock().unwrap())
        };
        let relays = vec![script.clone(), script.clone()];
        let delivery = Delivery::new(relays, store.clone(), playbook, clock, PATIENCE);
        Post { folder, store, script, now, delivery }
    }

    /// Puts one mail of case `case` into the outbox.
    fn write(&self, case: u64, name: &str, purpose: Purpose, to: &str) -> MessageId {
        let number = CaseNumber::from_bits(case);
        let message_id = MessageId::parse(&format!("{name}@example.com")).unwrap();
        let outgoing = Outgoing {
            message_id: message_id.clone(),
            purpose,
            case: Some(number),
            envelope: Envelope {
                from: ReversePath::Address(Address::parse("support@example.com").unwrap()),
                to: Address::parse(to).unwrap(),
            },
            content: Content { head: format!("Subject: {name}\r\n\r\n"), original: None, tail: String::new() },
            leaves: Default::default(),
        };
        let now = *self.now.lock().unwrap();
        let mailbox = MailboxName::parse("support").unwrap();
        let case = Case::new(number, mailbox.clone(), GroupId::parse("triage").unwrap(), Language::En, now);
        let (place, hash) = (Place::Maildir { file: name.into() }, MailHash::of(name.as_bytes()));
        let decided = Decided {
            case: Some(case),
            outgoing: vec![outgoing],
            ..Decided::new(mailbox, place, hash, Outcome::Opened(number), now)
        };
        self.store.append(Record::Decided(Box::new(decided))).unwrap();
        message_id
    }

    fn says(&self, errors: &[SendError]) {
        self.script.said.lock().unwrap().extend(errors.iter().cloned());
    }

    async fn step_at(&mut self, second: i64) {
        *self.now.lock().unwrap() = at(second);
        self.delivery.step().await.unwrap();
    }

    /// The subjects handed to the relay so far.
    fn given(&self) -> Vec<String> {
        let given = self.script.given.lock().unwrap();
        given.iter().map(|(_, bytes)| subject(bytes)).collect()
    }
}

/// The subject of a mail that [`Post::write`] wrote, or of another.
fn subject(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default().to_owned()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn put_off() -> SendError {
    SendError::PutOff("451 later".into())
}

fn trouble() -> SendError {
    SendError::RelayTrouble("connection refused".into())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_mail_leaves_the_outbox() {
    let mut post = Post::new();
    post.write(1, "a", Purpose::Answer, "a@example.org");
    post.step_at(0).await;
    assert_eq!(post.given(), ["a"]);
    assert_eq!(post.store.outbox_len().unwrap(), 0);
    post.step_at(9).await;
    assert_eq!(post.given().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_put_off_is_tried_again_byte_for_byte_the_same() {
    let mut post = Post::new();
    post.write(1, "a", Purpose::Answer, "a@example.org");
    post.says(&[put_off()]);
    post.step_at(0).await;
    post.step_at(30).await;
    assert_eq!(post.given().len(), 1, "not before its time");
    post.step_at(120).await;
    let given = post.script.given.lock().unwrap().clone();
    assert_eq!(given.len(), 2);
    assert_eq!(given[0], given[1]);
    assert_eq!(post.store.outbox_len().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_mail_is_not_tried_again_and_the_operator_is_told() {
    let mut post = Post::new();
    post.write(1, "a", Purpose::Forward, "gone@example.com");
    post.says(&[SendError::Refused("550 no such user".into())]);
    post.step_at(0).await;
    let given = post.script.given.lock().unwrap().clone();
    assert_eq!(
        given.iter().map(|(to, _)| to.as_str()).collect::<Vec<_>>(),
        ["gone@example.com", "operator@example.com"]
    );
    let notice = app::read(&given[1].1);
    assert!(notice.text.contains("550 no such user") && notice.text.contains("gone@example.com"), "{}", notice.text);
    assert_eq!(post.store.outbox_len().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_mail_failed_is_written_down_where_the_notice_cannot_be() {
    let refused = || [SendError::Refused("550 no such user".into())];
    let mut first = Post::new();
    first.write(1, "a", Purpose::Forward, "gone@example.com");
    first.says(&refused());
    first.step_at(0).await;
    let notice = app::read(&first.script.given.lock().unwrap()[1].1).message_id.unwrap();

    // The same bot anew, in whose outbox there is a mail of that name already.
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(first.folder.path().join("key"), folder.path().join("key")).unwrap();
    let mut post = Post::over(folder);
    post.write(1, "a", Purpose::Forward, "gone@example.com");
    let envelope = Envelope { from: ReversePath::Null, to: Address::parse("operator@example.com").unwrap() };
    let content = Content { head: "Subject: b\r\n\r\n".into(), original: None, tail: String::new() };
    let (purpose, leaves) = (Purpose::Notice, Leaves::WhenReleased);
    let held = Outgoing { message_id: notice.clone(), purpose, case: None, envelope, content, leaves };
    post.store.append(Record::Told { at: at(0), notice: held }).unwrap();
    post.says(&refused());
    post.step_at(0).await;
    let left: Vec<MessageId> = post.store.outbox().unwrap().map(|item| item.unwrap().message_id).collect();
    assert_eq!((post.given(), left), (vec!["a".to_owned()], vec![notice]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_fails_is_the_end() {
    let mut post = Post::new();
    post.write(1, "a", Purpose::Answer, "gone@example.org");
    post.says(&[SendError::Refused("550".into()), SendError::Refused("550".into())]);
    post.step_at(0).await;
    assert_eq!((post.script.given.lock().unwrap().len(), post.store.outbox_len().unwrap()), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_of_the_relay_rests_the_queue_and_counts_against_no_mail() {
    let mut post = Post::new();
    for n in 0..20 {
        post.write(n, &format!("m{n}"), Purpose::Answer, &format!("c{n}@example.org"));
    }
    post.says(&vec![trouble(); 8]);
    post.step_at(0).await;
    let tried = post.given().len();
    assert!(tried <= 2, "the queue rests: {tried} tries");
    for second in [2, 5, 10, 20, 40, 80, 160, 320, 640, 1300, 2000, 3000] {
        post.step_at(second).await;
    }
    assert_eq!(post.store.outbox_len().unwrap(), 0, "all left when the relay was back");
    assert_eq!(post.given().len(), 20 + 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_is_tried_ten_times_an_hour_at_most() {
    let mut post = Post::new();
    for n in 0..20 {
        post.write(n, &format!("m{n}"), Purpose::Answer, &format!("c{n}@example.org"));
    }
    post.says(&vec![SendError::LoginRefused("535".into()); 1_000]);
    for second in 0..3600 {
        post.step_at(second).await;
    }
    assert!(post.given().len() <= 10, "{}", post.given().len());
    assert_eq!(post.store.outbox_len().unwrap(), 20, "no mail has failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_tried_for_ever_whoevers_fault_it_is() {
    for error in [put_off(), trouble()] {
        let mut post = Post::new();
        post.write(1, "a", Purpose::Answer, "a@example.org");
        post.says(&vec![error; 2_000]);
        for hour in 0..140 {
            post.step_at(hour * 3600).await;
        }
        let left: Vec<_> = post.store.outbox().unwrap().map(|item| item.unwrap().purpose).collect();
        assert_eq!(left, [Purpose::Notice], "the answer is given up, and the operator will hear of it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_of_one_case_to_one_person_leave_in_order_and_others_overtake() {
    let mut post = Post::new();
    post.write(1, "first", Purpose::Answer, "a@example.org");
    post.write(1, "second", Purpose::Answer, "a@example.org");
    post.write(1, "forward", Purpose::Forward, "agents@example.com");
    post.write(2, "other", Purpose::Answer, "b@example.org");
    post.script.said_to.lock().unwrap().push(("first".into(), put_off()));
    post.step_at(0).await;
    let given = post.given();
    assert!(!given.contains(&"second".to_owned()), "{given:?}");
    post.step_at(200).await;
    let given = post.given();
    assert_eq!(given.len(), 5);
    assert_eq!(given.iter().filter(|name| *name == "first").count() + 3, 5, "{given:?}");
    assert_eq!(given.last().unwrap(), "second");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_in_doubt_is_sent_again_if_it_is_young_or_for_humans() {
    let post = Post::new();
    for (name, purpose) in [("answer", Purpose::Answer), ("twice", Purpose::Answer), ("forward", Purpose::Forward)] {
        let to = format!("{name}@example.org");
        let case = name.len() as u64 * 7 + to.len() as u64;
        let message_id = post.write(case, name, purpose, &to);
        let attempt = if name == "twice" { 2 } else { 1 };
        post.store.append(Record::SendStart { message_id, attempt, at: at(0) }).unwrap();
    }
    let Post { folder, store, delivery, script, .. } = post;
    drop((store, delivery, script));
    let mut post = Post::over(folder);
    *post.now.lock().unwrap() = at(60);
    post.delivery.recover().await.unwrap();
    post.step_at(120).await;
    let mut given: Vec<String> = post.script.given.lock().unwrap().iter().map(|(to, _)| to.clone()).collect();
    given.sort();
    assert_eq!(given, ["answer@example.org", "forward@example.org", "operator@example.com"]);
    assert!(post.folder.path().exists());
}
