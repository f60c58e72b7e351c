//! The octets of a connection. Until the login we read them line by line, so that whatever a server has sent
//! too early is still in our hands (RFC 9051 §6.2.1, T04); after it async-imap reads through the gauge.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::gauge::{Excess, Gauge};

/// A line before the login: a greeting, capabilities, a challenge.
const MAX_DIALOGUE_LINE: usize = 64 * 1024;

/// TCP, or TLS over it.
pub trait Link: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}

impl<L: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Link for L {}

pub struct Wire<L> {
    link: L,
    /// Read from the link and not yet handed on.
    unread: Vec<u8>,
    gauge: Gauge,
    /// Too much came; nothing is read any more.
    excess: Option<Excess>,
}

impl<L: Link> Wire<L> {
    pub fn new(link: L) -> Wire<L> {
        Wire { link, unread: Vec::new(), gauge: Gauge::new(), excess: None }
    }

    /// The next line without its end. Text that is not UTF-8 is made readable, for we only look at ASCII.
    pub async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.unread.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(line.trim_ascii_end()).into_owned());
            }
            if self.unread.len() > MAX_DIALOGUE_LINE {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line without end"));
            }
            let mut octets = [0; 1024];
            match self.link.read(&mut octets).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => self.unread.extend(&octets[..read]),
            }
        }
    }

    pub async fn send(&mut self, line: &str) -> io::Result<()> {
        // One write, so that it leaves as one segment; several would be several TLS records.
        let octets = secrecy::zeroize::Zeroizing::new(format!("{line}\r\n"));
        self.link.write_all(octets.as_bytes()).await?;
        self.link.flush().await
    }

    /// The server has sent more than we have read.
    pub fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    pub fn into_link(self) -> L {
        self.link
    }

    /// From now on literals of so many octets may come.
    pub fn allow(&mut self, literal: usize) {
        self.gauge.allow(literal);
    }

    /// The same wire, whatever is beneath it.
    pub fn boxed(self) -> Wire<Box<dyn Link>>
    where
        L: 'static,
    {
        Wire { link: Box::new(self.link), unread: self.unread, gauge: self.gauge, excess: self.excess }
    }
}

impl<L: Link> AsyncRead for Wire<L> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        if this.excess.is_none() {
            if this.unread.is_empty() {
                ready!(Pin::new(&mut this.link).poll_read(context, buffer))?;
            } else {
                let taken = this.unread.len().min(buffer.remaining());
                buffer.put_slice(&this.unread[..taken]);
                this.unread.drain(..taken);
            }
            // What came in the same breath before the excess may be a whole mail.
            let (good, counted) = this.gauge.count(&buffer.filled()[before..]);
            buffer.set_filled(before + good);
            this.excess = counted.err();
        }
        match this.excess {
            Some(excess) if buffer.filled().len() == before => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, excess)))
            }
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl<L: Link> AsyncWrite for Wire<L> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.link).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.link).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.link).poll_shutdown(context)
    }
}

/// Says nothing of what is on it: passwords are.
impl<L> fmt::Debug for Wire<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}
