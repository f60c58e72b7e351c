//! Where the mails of a story come from and go: a mailbox and a relay, in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use huixin::ids::MailboxName;
use huixin::mailbox::{Fetched, Known, Listed, Listing, Place, Source, SourceError};
use huixin::outgoing::{Accepted, Envelope, Relay, SendError};
use huixin::time::Timestamp;

/// The mailbox, in memory.
#[derive(Clone, Default)]
pub(super) struct Postbox(pub(super) Arc<Mutex<Vec<Laid>>>);

/// When it came, and what.
pub(super) type Laid = (Timestamp, Vec<u8>);

impl Source for Postbox {
    fn name(&self) -> &MailboxName {
        static NAME: OnceLock<MailboxName> = OnceLock::new();
        NAME.get_or_init(|| MailboxName::parse("support").unwrap())
    }

    async fn list(&mut self, known: Known, most: usize) -> Result<Listing, SourceError> {
        let mails = self.0.lock().unwrap();
        let after = known.cursor.map_or(0, |cursor| cursor.uid);
        let listed = mails.iter().zip(1..).filter(|(_, uid)| *uid > after).take(most);
        let mails: Vec<Listed> = listed
            .map(|((delivered, bytes), uid)| Listed {
                place: Place::Imap { uid_validity: 1, uid },
                size: bytes.len() as u64,
                delivered: *delivered,
                junk: false,
            })
            .collect();
        Ok(Listing { uid_validity: 1, uid_next: 1, mails, more: false })
    }

    async fn fetch(&mut self, mails: &[Listed]) -> Result<Vec<(Place, Fetched)>, SourceError> {
        let held = self.0.lock().unwrap();
        let bytes = |place: &Place| match place {
            Place::Imap { uid, .. } => held[*uid as usize - 1].1.clone(),
            Place::Maildir { .. } => unreachable!("no folder here"),
        };
        Ok(mails.iter().map(|mail| (mail.place.clone(), Fetched::Whole(bytes(&mail.place)))).collect())
    }

    async fn settle(&mut self, _: &[Place]) -> Result<(), SourceError> {
        Ok(())
    }

    async fn wait(&mut self, _: Duration) -> Result<(), SourceError> {
        Ok(())
    }
}

/// Takes everything, and remembers it.
#[derive(Clone, Default)]
pub(super) struct Taken(pub(super) Arc<Mutex<VecDeque<Left>>>);

/// To whom, and what.
pub(super) type Left = (Envelope, Vec<u8>);

impl Relay for Taken {
    async fn send(&mut self, envelope: &Envelope, bytes: &[u8]) -> Result<Accepted, SendError> {
        self.0.lock().unwrap().push_back((envelope.clone(), bytes.to_vec()));
        Ok(Accepted { response: "250 ok".into() })
    }

    async fn close(&mut self) {}
}
