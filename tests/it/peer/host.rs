//! A server that speaks as it should, and a fault on its line.
//!
//! A [`Server`] answers each line of its client. What it answers goes, response by response, past a fault, which
//! may cut, stall, drip or say something else. So a fault can be put at every place of a whole session, which no
//! script could list.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::{listen, serve_each};

/// One side of a dialogue in lines.
pub trait Server: Send + 'static {
    fn greeting(&mut self) -> Vec<u8>;
    /// The responses to a line of the client's, each with its line end. A response may be of several lines.
    fn hear(&mut self, line: &str) -> Vec<Vec<u8>>;
    /// The client is told this instead of what the server said last.
    fn overruled(&mut self, _by: &[u8]) {}
}

/// Where in a session a response is said.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Counted from 0, as are the responses within it.
    pub connection: usize,
    pub response: usize,
    /// The line that is answered; empty for the greeting.
    pub to: &'a str,
}

/// What becomes of a response.
#[derive(Debug, Clone)]
pub enum Way {
    Whole,
    /// Something else in its place.
    Say(Vec<u8>),
    /// So many octets of it; then the connection closes.
    Cut(usize),
    /// The same, and what is on its way is thrown away (RST).
    Reset(usize),
    /// So many octets of it; then nothing more, on an open connection.
    Silence(usize),
    /// Octet by octet, with a pause before each.
    Drip(Duration),
    Late(Duration),
    /// These octets again and again, as long as the client takes them.
    Endless(Vec<u8>),
}

/// What a host has seen and done.
#[derive(Debug, Default)]
pub struct Seen {
    pub connections: usize,
    /// The lines of all connections, in the order of their coming.
    pub lines: Vec<String>,
    /// Responses of the connection that had most of them.
    pub responses: usize,
    /// Octets that left towards clients.
    pub sent: u64,
}

pub struct Host {
    pub port: u16,
    seen: Arc<Mutex<Seen>>,
    listening: JoinHandle<()>,
}

type Fault = dyn Fn(Moment<'_>, &[u8]) -> Way + Send + Sync;

impl Host {
    /// Serves every connection with a server that `open` makes.
    pub async fn start<S: Server>(
        open: impl Fn() -> S + Send + 'static,
        fault: impl Fn(Moment<'_>, &[u8]) -> Way + Send + Sync + 'static,
    ) -> Host {
        let (listener, port) = listen().await;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (noted, fault): (_, Arc<Fault>) = (seen.clone(), Arc::new(fault));
        let listening = serve_each(listener, move |stream, connection| {
            noted.lock().unwrap().connections = connection + 1;
            let line = Line { stream: BufReader::new(stream), fault: fault.clone(), seen: noted.clone(), connection };
            line.serve(open())
        });
        Host { port, seen, listening }
    }

    pub fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    pub fn responses(&self) -> usize {
        self.seen.lock().unwrap().responses
    }

    pub fn sent(&self) -> u64 {
        self.seen.lock().unwrap().sent
    }

    pub fn lines(&self) -> Vec<String> {
        self.seen.lock().unwrap().lines.clone()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// One connection.
struct Line {
    stream: BufReader<TcpStream>,
    fault: Arc<Fault>,
    seen: Arc<Mutex<Seen>>,
    connection: usize,
}

impl Line {
    /// Serves until either side goes.
    async fn serve(mut self, mut server: impl Server) {
        let _ = self.stream.get_ref().set_nodelay(true);
        let (mut to, mut said) = (String::new(), vec![server.greeting()]);
        let mut count = 0;
        loop {
            for response in said {
                let moment = Moment { connection: self.connection, response: count, to: &to };
                let way = (self.fault)(moment, &response);
                count += 1;
                {
                    let mut seen = self.seen.lock().unwrap();
                    seen.responses = seen.responses.max(count);
                }
                if let Way::Say(other) = &way {
                    server.overruled(other);
                }
                if self.say(way, response).await.is_none() {
                    return;
                }
            }
            let mut line = Vec::new();
            match self.stream.read_until(b'\n', &mut line).await {
                Ok(octets) if octets > 0 => {}
                _ => return,
            }
            to = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
            self.seen.lock().unwrap().lines.push(to.clone());
            said = server.hear(&to);
        }
    }

    /// `None` when the connection is over.
    async fn say(&mut self, way: Way, response: Vec<u8>) -> Option<()> {
        let part = |octets: usize| response[..octets.min(response.len())].to_vec();
        match way {
            Way::Whole => self.write(&response).await,
            Way::Say(other) => self.write(&other).await,
            Way::Cut(octets) => {
                self.write(&part(octets)).await;
                None
            }
            Way::Reset(octets) => {
                self.write(&part(octets)).await;
                let _ = SockRef::from(self.stream.get_ref()).set_linger(Some(Duration::ZERO));
                None
            }
            Way::Silence(octets) => {
                self.write(&part(octets)).await;
                std::future::pending().await
            }
            Way::Drip(pause) => {
                for octet in &response {
                    tokio::time::sleep(pause).await;
                    self.write(&[*octet]).await?;
                }
                Some(())
            }
            Way::Late(pause) => {
                tokio::time::sleep(pause).await;
                self.write(&response).await
            }
            Way::Endless(octets) => loop {
                self.write(&octets).await?;
            },
        }
    }

    async fn write(&mut self, octets: &[u8]) -> Option<()> {
        self.stream.write_all(octets).await.ok()?;
        self.seen.lock().unwrap().sent += octets.len() as u64;
        Some(())
    }
}
