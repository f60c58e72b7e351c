//! How dialogues with an IMAP server begin, and the mailbox that is opened in them.

use std::sync::Arc;
use std::time::Duration;

use huixin::ids::MailboxName;
use huixin::imap::{ImapSource, Pace, Patience, Settings, Tls};
use huixin::mailbox::{Known, Listing, Place, Source, SourceError};

use super::Peer;

/// Long enough that only what is made short on purpose can run out of time.
pub const LONG: Duration = Duration::from_secs(60);

pub const LOGIN: &str = r#"
S: * OK ready
C: CAPABILITY
S: * CAPABILITY IMAP4rev1
S: = OK done
C: LOGIN "u" "p"
S: = OK [CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS] welcome
"#;

/// A server that can do nothing beyond RFC 3501.
pub const PLAIN_LOGIN: &str = r#"
S: * OK ready
C: CAPABILITY
S: * CAPABILITY IMAP4rev1
S: = OK done
C: LOGIN "u" "p"
S: = OK welcome
C: CAPABILITY
S: * CAPABILITY IMAP4rev1
S: = OK done
"#;

pub const SELECT: &str = r#"
C: SELECT "INBOX"
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
S: * 2 EXISTS
S: * OK [PERMANENTFLAGS (\Deleted \Seen \*)] limited
S: * OK [UIDVALIDITY 7] valid
S: * OK [UIDNEXT 3] next
S: = OK [READ-WRITE] done
"#;

/// Two mails of five octets.
pub const LIST: &str = r#"
C: UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)
S: * 1 FETCH (UID 1 FLAGS (\Seen) INTERNALDATE "17-Jul-2026 02:44:25 -0700" RFC822.SIZE 5)
S: * 2 FETCH (UID 2 FLAGS ($Junk) INTERNALDATE " 7-Jul-2026 02:44:25 +0800" RFC822.SIZE 5)
S: = OK done
"#;

fn settings(peer: &Peer) -> Settings {
    let name = MailboxName::parse("support").unwrap();
    let mut settings = Settings::new(name, "localhost", "u", Arc::new(|| Ok("p".to_owned().into())));
    settings.port = peer.port;
    settings.tls = Tls::Plain;
    settings.poll = Duration::from_millis(200);
    settings.lively = Duration::ZERO;
    settings.patience = Patience { connect: LONG, answer: LONG, ..Patience::default() };
    settings.pace = Pace {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(1),
        longest_after_work: Duration::from_millis(1),
        ..Pace::default()
    };
    settings
}

pub fn source(peer: &Peer, change: impl FnOnce(&mut Settings)) -> ImapSource {
    let mut settings = settings(peer);
    change(&mut settings);
    ImapSource::new(settings).unwrap()
}

pub fn place(uid: u32) -> Place {
    Place::Imap { uid_validity: 7, uid }
}

pub fn uids(listing: &Listing) -> Vec<Place> {
    listing.mails.iter().map(|mail| mail.place.clone()).collect()
}

/// Plays `script` to a client that looks for mail; how that ends.
pub async fn look(script: &str, change: impl FnOnce(&mut Settings)) -> Result<Listing, SourceError> {
    let peer = Peer::play([script]).await;
    let mut source = source(&peer, change);
    let listing = source.list(Known::default(), 10).await;
    drop(source);
    peer.end().await;
    listing
}
