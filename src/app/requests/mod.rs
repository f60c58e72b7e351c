//! What an operator wants changed: done by the bot while it runs, by the command itself while no bot does.
//!
//! A command that finds the data folder in use lays its request into `requests/` there and waits. The bot looks into that
//! folder every second, takes a request by renaming its file, does it, and lays the answer beside it. What is
//! done and who asked for it are one record of the journal, so a request that a crash cut short is done once. A
//! request that the bot has not taken is withdrawn when the command has waited long enough.
//!
//! To add a request: a variant of [`Request`], its words, and an arm of [`Clerk::answer`].

mod breaker;
mod folder;
mod forget;
mod outbox;
mod quarantine;

pub use folder::Folder;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::address::Address;
use crate::ids::{MailHash, MessageId, RequestId};
use crate::playbook::Playbook;
use crate::store::{Asked, Record, Store, StoreError, View};
use crate::time::{Clock, Timestamp};

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A mail of the outbox is due now.
    RetryMail(MessageId),
    /// A mail of the outbox is never sent.
    DropMail { id: MessageId, reason: String },
    /// A mail in quarantine is read again and decided anew.
    RetryQuarantined(MailHash),
    /// A mail in quarantine needs nothing more.
    DropQuarantined { hash: MailHash, reason: String },
    /// The breaker is closed again.
    ReleaseBreaker { reason: String },
    /// Everything about a person leaves.
    Forget(Address),
}

/// A request as it is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    pub id: RequestId,
    /// Who asks, as they say themselves.
    pub by: String,
    pub request: Request,
}

/// What came of it, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Done(String),
    /// It cannot be done, and trying again does not help. Nothing was changed.
    Refused(String),
    /// Not now. Nothing was changed.
    Later(String),
}

/// Between two looks into the folder.
const LOOK: Duration = Duration::from_secs(1);

impl Request {
    /// The words that say it, as a person would type them.
    pub fn words(&self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self {
            Request::RetryMail(id) => words(&["outbox", "retry", id.as_str()]),
            Request::DropMail { id, reason } => words(&["outbox", "drop", id.as_str(), reason]),
            Request::RetryQuarantined(hash) => words(&["quarantine", "retry", &hash.to_string()]),
            Request::DropQuarantined { hash, reason } => words(&["quarantine", "drop", &hash.to_string(), reason]),
            Request::ReleaseBreaker { reason } => words(&["breaker", "release", reason]),
            Request::Forget(who) => words(&["forget", &who.to_string()]),
        }
    }

    /// What is written down of it, in the journal and in the log: of who is forgotten, nothing.
    fn noted(&self) -> Vec<String> {
        match self {
            Request::Forget(_) => vec!["forget".to_owned(), "somebody".to_owned()],
            other => other.words(),
        }
    }

    pub fn parse(words: &[&str]) -> Option<Request> {
        Some(match words {
            ["outbox", "retry", id] => Request::RetryMail(MessageId::parse(id)?),
            ["outbox", "drop", id, reason] => {
                Request::DropMail { id: MessageId::parse(id)?, reason: (*reason).to_owned() }
            }
            ["quarantine", "retry", hash] => Request::RetryQuarantined(MailHash::parse(hash)?),
            ["quarantine", "drop", hash, reason] => {
                Request::DropQuarantined { hash: MailHash::parse(hash)?, reason: (*reason).to_owned() }
            }
            ["forget", who] => Request::Forget(Address::parse(who).ok()?),
            ["breaker", "release", reason] => Request::ReleaseBreaker { reason: (*reason).to_owned() },
            _ => return None,
        })
    }
}

/// What a request changes, decided inside the store's critical section.
enum Change {
    /// This is written down, and this is said.
    Write(Box<Record>, String),
    /// Nothing is written down.
    Leave(Answer),
}

/// Does what is asked for.
pub struct Clerk {
    pub store: Store,
    pub clock: Clock,
    /// A bot runs, whose mails may be on their way right now; else the attempts of a bot that died are in doubt.
    pub running: bool,
    /// Today's playbook, asked for when a mail has to be decided; the error is for a person.
    pub playbook: Box<dyn Fn() -> Result<Arc<Playbook>, String> + Send + Sync>,
}

impl Clerk {
    /// Does it, once; asked again it says again what it said.
    pub fn answer(&self, posted: &Posted) -> Result<Answer, StoreError> {
        match self.answered(posted) {
            Err(error) if error.is_temporary() => Ok(Answer::Later(format!("{error}; nothing was changed"))),
            Err(error) if error.is_local() => Ok(Answer::Refused(format!("{error}; nothing was changed"))),
            answer => answer,
        }
    }

    fn answered(&self, posted: &Posted) -> Result<Answer, StoreError> {
        if let Some(asked) = self.store.asked(&posted.id)? {
            return Ok(Answer::Done(asked.said));
        }
        let now = (self.clock)();
        match &posted.request {
            Request::RetryMail(id) => {
                self.write(posted, now, |view| outbox::retry(view, id, posted, self.running, now))
            }
            Request::DropMail { id, reason } => {
                self.write(posted, now, |view| outbox::drop(view, id, reason, posted, self.running, now))
            }
            Request::RetryQuarantined(hash) => match quarantine::read(&self.store, hash, &self.playbook)? {
                Err(why) => Ok(Answer::Refused(why)),
                Ok(read) => self.write(posted, now, |view| quarantine::retry(view, &read, &posted.by, now)),
            },
            Request::DropQuarantined { hash, reason } => {
                self.write(posted, now, |view| quarantine::drop(view, hash, reason, &posted.by, now))
            }
            Request::ReleaseBreaker { reason } => {
                self.write(posted, now, |view| breaker::release(view, reason, posted, self.running, now))
            }
            Request::Forget(who) => self.write(posted, now, |view| forget::forget(view, who, self.running, now)),
        }
    }

    /// Decides and writes down in one stroke, durably.
    fn write(
        &self,
        posted: &Posted,
        at: Timestamp,
        decide: impl FnOnce(&View<'_>) -> Result<Change, StoreError>,
    ) -> Result<Answer, StoreError> {
        let mut answer = None;
        self.store.consider(|view| {
            Ok(match decide(view)? {
                Change::Write(done, said) => {
                    answer = Some(Answer::Done(said.clone()));
                    let (request, by, what) = (posted.id.clone(), posted.by.clone(), posted.request.noted().join(" "));
                    Some(Record::Asked(Box::new(Asked { request, at, by, what, said, done: *done })))
                }
                Change::Leave(refusal) => {
                    answer = Some(refusal);
                    None
                }
            })
        })?;
        self.store.sync()?;
        answer.ok_or_else(|| StoreError::Refused("nobody decided about the request".into()))
    }
}

/// The bot's side: takes requests out of the folder until shutdown.
pub async fn run(folder: Folder, clerk: Clerk, shutdown: CancellationToken) -> Result<(), anyhow::Error> {
    let desk = Arc::new((folder, clerk));
    loop {
        // Another thread is woken only for work.
        if desk.0.has_something() {
            let desk = desk.clone();
            tokio::task::spawn_blocking(move || look(&desk.0, &desk.1)).await??;
        }
        if shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
            return Ok(());
        }
    }
}

/// Does what lies in the folder. Trouble with the folder is the command's trouble, which waits in vain and says so.
fn look(folder: &Folder, clerk: &Clerk) -> Result<(), StoreError> {
    let taken = match folder.take() {
        Ok(taken) => taken,
        Err(error) => {
            tracing::warn!("requests cannot be taken: {error}");
            return Ok(());
        }
    };
    for (id, posted) in taken {
        let answer = match &posted {
            Ok(posted) => clerk.answer(posted)?,
            Err(why) => Answer::Refused(format!("the request cannot be understood: {why}")),
        };
        let what = posted.map_or_else(|_| "?".into(), |posted| posted.request.noted()[..2].join(" "));
        tracing::info!(request = %id, what, done = matches!(answer, Answer::Done(_)), "asked by the operator");
        if let Err(error) = folder.answer(&id, &answer) {
            tracing::warn!(request = %id, "the answer cannot be handed over: {error}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::ReversePath;
    use crate::outgoing::{Content, Envelope, Outgoing, Purpose};

    fn id(text: &str) -> MessageId {
        MessageId::parse(text).unwrap()
    }

    /// A clerk with one mail in its outbox.
    fn clerk(folder: &std::path::Path, running: bool) -> Clerk {
        let (store, _) = Store::open(folder).unwrap();
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let notice = Outgoing {
            message_id: id("a@b"),
            purpose: Purpose::Notice,
            case: None,
            envelope: Envelope { from: ReversePath::Null, to: Address::parse("ops@example.com").unwrap() },
            content: Content { head: "Subject: x\r\n\r\n".into(), original: None, tail: String::new() },
            leaves: Default::default(),
        };
        store.append(Record::Told { at, notice }).unwrap();
        Clerk { store, clock: Arc::new(move || at), running, playbook: Box::new(|| Err("none".into())) }
    }

    fn posted(n: u64, request: Request) -> Posted {
        Posted { id: RequestId::new(1_000, n), by: "li".into(), request }
    }

    #[test]
    fn what_was_asked_is_done_once_however_often_it_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let clerk = clerk(folder.path(), true);
        let drop = posted(1, Request::DropMail { id: id("a@b"), reason: "told".into() });
        let first = clerk.answer(&drop).unwrap();
        assert_eq!(first, Answer::Done("<a@b> will not be sent".into()));
        let records = clerk.store.stats().unwrap().records;
        assert_eq!(clerk.answer(&drop).unwrap(), first);
        assert_eq!(clerk.store.stats().unwrap().records, records);
        let again = clerk.answer(&posted(2, drop.request)).unwrap();
        assert!(matches!(&again, Answer::Refused(why) if why.contains("not in the outbox any more")), "{again:?}");
        assert_eq!(clerk.store.stats().unwrap().records, records);
    }

    #[test]
    fn a_mail_on_its_way_is_left_alone_while_the_bot_runs() {
        let folder = tempfile::tempdir().unwrap();
        let mut clerk = clerk(folder.path(), true);
        let at = (clerk.clock)();
        clerk.store.append(Record::SendStart { message_id: id("a@b"), attempt: 1, at }).unwrap();
        let retry = posted(1, Request::RetryMail(id("a@b")));
        assert!(matches!(clerk.answer(&retry).unwrap(), Answer::Later(_)));
        clerk.running = false;
        let answer = clerk.answer(&retry).unwrap();
        assert!(matches!(&answer, Answer::Done(said) if said.contains("no known end")), "{answer:?}");
    }

    #[test]
    fn only_an_open_breaker_is_released() {
        let folder = tempfile::tempdir().unwrap();
        let clerk = clerk(folder.path(), true);
        let release = posted(1, Request::ReleaseBreaker { reason: "looked".into() });
        assert!(matches!(clerk.answer(&release).unwrap(), Answer::Refused(_)));
        assert_eq!(clerk.store.stats().unwrap().records, 1, "nothing is written down");
    }

    #[test]
    fn a_request_reads_back_from_its_words() {
        let id = MessageId::parse("a@b").unwrap();
        let (hash, reason) = (MailHash::of(b"x"), "told by telephone".to_owned());
        for request in [
            Request::RetryMail(id.clone()),
            Request::DropMail { id, reason: reason.clone() },
            Request::RetryQuarantined(hash),
            Request::DropQuarantined { hash, reason },
            Request::ReleaseBreaker { reason: "looked".into() },
            Request::ReleaseBreaker { reason: String::new() },
            Request::Forget(Address::parse("Ann.Lee+x@example.org").unwrap()),
        ] {
            let words = request.words();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            assert_eq!(Request::parse(&words), Some(request));
        }
        for wrong in [&[][..], &["outbox"], &["outbox", "retry", "no id"], &["outbox", "drop", "a@b"], &["run", "rm"]] {
            assert_eq!(Request::parse(wrong), None, "{wrong:?}");
        }
    }
}
