//! An SMTP server that follows a script, and the relay that is sent to it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use huixin::address::{Address, ReversePath};
use huixin::outgoing::{Accepted, Envelope, Relay, SendError};
use huixin::smtp::{Settings, SmtpRelay, Timeouts, Tls};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{listen, serve_each};

/// What the server does when a step is reached.
#[derive(Clone)]
pub enum Say {
    Text(Vec<u8>),
    /// Says nothing more.
    Silence,
    /// Closes the connection.
    Close,
    /// Says this, then closes without reading on.
    Last(Vec<u8>),
}

pub fn text(reply: &str) -> Say {
    Say::Text(format!("{reply}\r\n").into_bytes())
}

pub fn last(reply: &str) -> Say {
    Say::Last(format!("{reply}\r\n").into_bytes())
}

/// A server that follows a script: for each step (`CONNECT`, `EHLO`, … `DATA`, `CONTENT`, `DOT`) and each
/// connection, counted from 0, what it says. `None` is what an ordinary server says.
pub struct Peer {
    pub port: u16,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    /// Every line outside of a mail's content.
    lines: Vec<String>,
    /// The content of each mail between `354` and the final dot, dots undoubled.
    mails: Vec<Vec<u8>>,
}

impl Peer {
    pub async fn start(script: impl Fn(&str, usize) -> Option<Say> + Send + Sync + 'static) -> Peer {
        let (listener, port) = listen().await;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (script, noted) = (Arc::new(script), seen.clone());
        serve_each(listener, move |stream, number| {
            noted.lock().unwrap().connections = number + 1;
            let (script, noted) = (script.clone(), noted.clone());
            async move { serve(stream, number, &*script, &noted).await }
        });
        Peer { port, seen }
    }

    /// The same, and it takes commands together (RFC 2920) if `pipelining`.
    pub async fn start_with(
        pipelining: bool,
        script: impl Fn(&str, usize) -> Option<Say> + Send + Sync + 'static,
    ) -> Peer {
        let offers = "250-peer.example.com\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 0";
        let ehlo = move |step: &str| (pipelining && step == "EHLO").then(|| text(offers));
        Peer::start(move |step, number| script(step, number).or_else(|| ehlo(step))).await
    }

    pub fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    pub fn lines(&self) -> Vec<String> {
        self.seen.lock().unwrap().lines.clone()
    }

    /// Waits until a line has come.
    pub async fn heard(&self, line: &str) {
        let heard = async {
            while !self.lines().iter().any(|heard| heard == line) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(LONG, heard).await.is_ok(), "no {line} in {:?}", self.lines());
    }

    pub fn mails(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().mails.clone()
    }
}

fn ordinary(step: &str) -> Say {
    match step {
        "CONNECT" => text("220 peer.example.com ESMTP"),
        "EHLO" => text("250-peer.example.com\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN XOAUTH2\r\n250 SIZE 0"),
        "AUTH" => text("235 2.7.0 welcome"),
        "DATA" => text("354 go on"),
        "DOT" => text("250 2.0.0 Ok: queued as 4F1"),
        "QUIT" => last("221 bye"),
        _ => text("250 ok"),
    }
}

async fn serve(
    stream: TcpStream,
    number: usize,
    script: &(dyn Fn(&str, usize) -> Option<Say> + Send + Sync),
    seen: &Mutex<Seen>,
) {
    let mut stream = BufReader::new(stream);
    let mut step = "CONNECT".to_owned();
    loop {
        match script(&step, number).unwrap_or_else(|| ordinary(&step)) {
            Say::Text(bytes) => stream.write_all(&bytes).await.unwrap(),
            Say::Last(bytes) => return stream.write_all(&bytes).await.unwrap(),
            Say::Silence => return std::future::pending().await,
            Say::Close => return,
        }
        if step == "DATA" {
            if let Some(say) = script("CONTENT", number) {
                let mut some = [0; 10_000];
                stream.read_exact(&mut some).await.unwrap();
                match say {
                    Say::Last(bytes) => return stream.write_all(&bytes).await.unwrap(),
                    Say::Silence => return std::future::pending().await,
                    _ => return,
                }
            }
            let Some(mail) = content(&mut stream).await else {
                return;
            };
            seen.lock().unwrap().mails.push(mail);
            step = "DOT".into();
            continue;
        }
        let mut line = Vec::new();
        match stream.read_until(b'\n', &mut line).await {
            Ok(n) if n > 0 => {}
            _ => return,
        }
        let line = String::from_utf8(line).unwrap();
        let line = line.strip_suffix("\r\n").expect("a command ends with CRLF").to_owned();
        step = line.split(' ').next().unwrap().to_owned();
        seen.lock().unwrap().lines.push(line);
    }
}

/// Reads up to CRLF.CRLF and not one other form of it (RFC 5321 §4.1.1.4); the dots of the rest are undoubled.
pub async fn content(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut mail = Vec::new();
    let mut begun = 0;
    while let Ok(byte) = stream.read_u8().await {
        mail.push(byte);
        if byte != b'\n' || mail.len() < 2 || mail[mail.len() - 2] != b'\r' {
            continue;
        }
        if &mail[begun..] == b".\r\n" {
            mail.truncate(begun);
            return Some(mail);
        }
        if mail[begun] == b'.' {
            mail.remove(begun);
        }
        begun = mail.len();
    }
    None
}

/// Long enough that only a step made short on purpose can run out of time.
pub const LONG: Duration = Duration::from_secs(30);

pub fn patient() -> Timeouts {
    Timeouts {
        connect: LONG,
        greeting: LONG,
        command: LONG,
        mail: LONG,
        rcpt: LONG,
        data: LONG,
        block: LONG,
        dot: LONG,
    }
}

pub fn settings(port: u16) -> Settings {
    Settings {
        host: "127.0.0.1".into(),
        port,
        tls: Tls::Plain,
        extra_ca: None,
        auth: None,
        hello: "bot.example.com".into(),
        timeouts: patient(),
        max_size: 50 << 20,
    }
}

pub fn relay(port: u16) -> SmtpRelay {
    SmtpRelay::new(settings(port)).unwrap()
}

pub fn envelope() -> Envelope {
    Envelope {
        from: ReversePath::Address(Address::parse("bounces@example.com").unwrap()),
        to: Address::parse("customer@example.org").unwrap(),
    }
}

pub const MAIL: &[u8] = b"From: support@example.com\r\nSubject: x\r\n\r\nhello\r\n";

/// A mail to nobody in particular.
pub fn a_mail() -> (Envelope, &'static [u8]) {
    (envelope(), MAIL)
}

pub async fn send(relay: &mut SmtpRelay) -> Result<Accepted, SendError> {
    relay.send(&envelope(), MAIL).await
}

pub fn kind(result: &Result<Accepted, SendError>) -> &'static str {
    match result {
        Ok(_) => "accepted",
        Err(SendError::Refused(_)) => "refused",
        Err(SendError::PutOff(_)) => "put off",
        Err(SendError::RelayTrouble(_)) => "relay",
        Err(SendError::LoginRefused(_)) => "login",
        Err(SendError::InDoubt(_)) => "in doubt",
    }
}

pub fn why(result: Result<Accepted, SendError>) -> String {
    result.unwrap_err().to_string()
}
