//! A session with a server whose every word is known beforehand: what the fuzzer plays, without a socket.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::session::{Session, Unopened};
use super::wire::Wire;
use super::{Settings, dial};
use crate::outgoing::{Accepted, Envelope, SendError};

/// What became of a mail, and what was said to the server.
pub struct Rehearsed {
    pub result: Result<Accepted, SendError>,
    pub said: Vec<u8>,
}

/// Hands one mail to a server that says `words` and nothing else: some lines each time it is spoken to, as many as
/// the octet before them counts.
pub async fn rehearse(words: &[u8], settings: &Settings, envelope: &Envelope, mail: &[u8]) -> Rehearsed {
    let said = Arc::default();
    let mut words = Words { words: words.to_vec(), read: 0, may: 0, said: Arc::clone(&said) };
    words.turn();
    let result = play(words, settings, envelope, mail).await;
    let said = said.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Rehearsed { result, said }
}

async fn play(mut words: Words, settings: &Settings, envelope: &Envelope, mail: &[u8]) -> Result<Accepted, SendError> {
    dial::greeting(&mut words, &settings.timeouts).await.map_err(SendError::RelayTrouble)?;
    let (wire, heard) = Wire::new(words, SocketAddr::from((Ipv4Addr::LOCALHOST, 25)));
    let session = Session::over(Box::new(wire), heard, settings).await;
    let mut session = session.map_err(|unopened| match unopened {
        Unopened::Trouble(why) => SendError::RelayTrouble(why),
        Unopened::LoginRefused(why) => SendError::LoginRefused(why),
    })?;
    session.mail(envelope, mail, settings).await?;
    session.hand_over(envelope, mail, &settings.timeouts).await
}

/// What a server will say, turn by turn.
struct Words {
    words: Vec<u8>,
    read: usize,
    /// How far may be read before the server is spoken to again.
    may: usize,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Words {
    /// The server's turn: the next octet counts the lines that it says, one to eight.
    fn turn(&mut self) {
        let Some(count) = self.words.get(self.read) else { return };
        let lines = usize::from(*count % 8) + 1;
        self.read += 1;
        let ends = self.words[self.read..].iter().enumerate().filter(|(_, octet)| **octet == b'\n');
        self.may = ends.map(|(at, _)| self.read + at + 1).take(lines).last().unwrap_or(self.words.len());
    }
}

impl AsyncRead for Words {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let rest = &self.words[self.read..self.may];
        let octets = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..octets]);
        self.read += octets;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Words {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).extend(octets);
        if self.read >= self.may {
            self.turn();
        }
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
