//! A session with a server whose every word is known beforehand: what the fuzzer plays, without a socket.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::error::SessionError;
use super::session::Session;
use super::settings::{AfterCommit, Settings};
use super::{fetch, login, look, settle};
use crate::ids::MailboxName;
use crate::mailbox::{Known, Listing};

/// Octets of a mail that is fetched whole here.
pub const MAX_MAIL: u64 = 64 * 1024;
/// Mails asked for.
pub const MOST: usize = 10;

/// How far a session came.
#[derive(Debug, Default)]
pub struct Rehearsed {
    pub listing: Option<Listing>,
    /// The mails fetched, by UID.
    pub bodies: HashMap<u32, Vec<u8>>,
}

/// Plays a whole session: login, look, fetch, settle, idle. It ends at the first error, and `words` are all that
/// the server will ever say.
pub async fn rehearse(words: &[u8]) -> Rehearsed {
    let mut rehearsed = Rehearsed::default();
    // Where it ends is the server's choice; that it ends is ours.
    let _ = play(words, &mut rehearsed).await;
    rehearsed
}

async fn play(words: &[u8], rehearsed: &mut Rehearsed) -> Result<(), SessionError> {
    let name = MailboxName::parse("support").map_err(|_| SessionError::Unsafe("the name".to_owned()))?;
    let settings = Settings::new(name, "localhost", "u", Arc::new(|| Ok("p".to_owned().into())));
    let logged_in = login::log_in_over(&settings, &"p".to_owned().into(), Words(words.to_vec(), 0)).await?;
    let mut session = Session::new(logged_in, settings.patience);
    let selected = session.select("INBOX").await?;
    let listing = look::look(&mut session, &selected, Known::default(), MOST).await?;
    let uids: Vec<u32> = listing.mails.iter().map(fetch::uid).collect();
    rehearsed.listing = Some(listing);
    fetch::bodies(&mut session, &uids, None, MAX_MAIL, 0, MAX_MAIL, &mut rehearsed.bodies).await?;
    if let Some(last) = uids.last() {
        fetch::alone(&mut session, *last, MAX_MAIL).await?;
    }
    let after = AfterCommit { keyword: Some("$Huixin".to_owned()), move_to: Some("Done".to_owned()) };
    settle::settle(&mut session, &selected, &after, &uids).await?;
    session.idle(Duration::from_millis(1)).await.map(drop)
}

/// What a server will say, and how much of it is read. What is said to it goes nowhere.
#[derive(Debug)]
struct Words(Vec<u8>, usize);

impl AsyncRead for Words {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let rest = &self.0[self.1..];
        let octets = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..octets]);
        self.1 += octets;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Words {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
