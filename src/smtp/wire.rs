//! The stream under lettre's connection, which hears what lettre does not tell.
//!
//! lettre waits for a greeting on every stream it is given, but there is none after STARTTLS; it forgets what
//! the server says about SIZE; it cannot read a reply with octets above 127, a bare `250` or a `571`; and its
//! reading of a line has no bound. So this stream first plays back a greeting, remembers the reply that is
//! being said, shows lettre ASCII only, and ends a reply that will not end.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::reply::{MAX_REPLY, Reply};

/// What lettre reads as the greeting, in place of the one that we have read ourselves.
const GREETING: &[u8] = b"220 \r\n";

/// What the server has said since we last wrote to it.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Said>>);

#[derive(Default)]
struct Said {
    bytes: Vec<u8>,
    /// Octets of the replies that were taken.
    taken: usize,
}

impl Heard {
    /// The next reply, if the bytes heard are one: commands that were written together are answered one by one.
    pub fn next(&self) -> Option<Reply> {
        let mut said = self.said();
        let (reply, octets) = Reply::take(&said.bytes[said.taken..]).ok()??;
        said.taken += octets;
        Some(reply)
    }

    /// Has the server said anything that we understand?
    pub fn is_reply(&self) -> bool {
        matches!(Reply::take(&self.said().bytes), Ok(Some(_)))
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        // It is whole at any moment: a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub struct Wire<S> {
    stream: S,
    peer: SocketAddr,
    /// What of [`GREETING`] is still to be played back.
    playback: &'static [u8],
    heard: Heard,
}

impl<S> Wire<S> {
    /// A stream on which the greeting has been read already.
    pub fn new(stream: S, peer: SocketAddr) -> (Wire<S>, Heard) {
        let heard = Heard::default();
        let wire = Wire { stream, peer, playback: GREETING, heard: heard.clone() };
        (wire, heard)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.playback.is_empty() {
            let (now, later) = self.playback.split_at(self.playback.len().min(buf.remaining()));
            buf.put_slice(now);
            self.playback = later;
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        std::task::ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let fresh = &mut buf.filled_mut()[before..];
        let mut heard = self.heard.said();
        if heard.bytes.len() + fresh.len() > MAX_REPLY {
            let why = format!("a reply of more than {MAX_REPLY} octets");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, why)));
        }
        heard.bytes.extend_from_slice(fresh);
        for byte in fresh.iter_mut().filter(|byte| !byte.is_ascii()) {
            *byte = b'?';
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        *self.heard.said() = Said::default();
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> AsyncTokioStream for Wire<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

/// Nothing of what goes over the wire is shown: it may be a password.
impl<S> fmt::Debug for Wire<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({})", self.peer)
    }
}
