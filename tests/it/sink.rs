//! An SMTP server that takes every mail and keeps it in memory, falls silent where it is told to, and knows what it
//! has taken when the client has not heard so.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub struct Sink {
    pub port: u16,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    taken: Vec<Taken>,
    /// The step that is reached and not answered: `DATA` or `.`.
    silent_at: Option<&'static str>,
    /// How often the server has fallen silent.
    silences: usize,
    /// Recipients that do not exist begin so.
    refused: Option<&'static str>,
}

/// A mail that the server has taken: the final dot was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub to: String,
    pub mail: String,
}

impl Taken {
    pub fn id(&self) -> &str {
        self.field("Message-ID")
    }

    pub fn field(&self, name: &str) -> &str {
        let head = self.mail.split("\r\n\r\n").next().unwrap_or_default();
        let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_default()
    }
}

impl Sink {
    pub fn start() -> Sink {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let noted = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let noted = noted.clone();
                std::thread::spawn(move || serve(stream, &noted));
            }
        });
        Sink { port, shared }
    }

    /// From now on this step is not answered any more; `None` mends it.
    pub fn be_silent_at(&self, step: Option<&'static str>) {
        self.shared.lock().unwrap().silent_at = step;
    }

    pub fn silences(&self) -> usize {
        self.shared.lock().unwrap().silences
    }

    /// Refuses recipients that begin so.
    pub fn refuse(&self, beginning: &'static str) {
        self.shared.lock().unwrap().refused = Some(beginning);
    }

    /// All mails taken so far, in order.
    pub fn taken(&self) -> Vec<Taken> {
        self.shared.lock().unwrap().taken.clone()
    }

    /// By Message-ID, how often each was taken; copies of one mail must be the same byte for byte.
    #[track_caller]
    pub fn copies(&self) -> BTreeMap<String, usize> {
        let mut copies: BTreeMap<String, (Taken, usize)> = BTreeMap::new();
        for taken in self.taken() {
            let (first, times) = copies.entry(taken.id().to_owned()).or_insert_with(|| (taken.clone(), 0));
            assert_eq!(*first, taken, "a second copy is not the same mail");
            *times += 1;
        }
        copies.into_iter().map(|(id, (_, times))| (id, times)).collect()
    }
}

/// Speaks until the client goes.
fn serve(stream: TcpStream, shared: &Mutex<Shared>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut stream = BufReader::new(stream);
    let (mut to, mut line) = (String::new(), String::new());
    answer(&mut stream, "220 sink.example.org ESMTP")?;
    loop {
        read_line(&mut stream, &mut line)?;
        let word = line.trim_end().split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match word.as_str() {
            "EHLO" => answer(&mut stream, "250-sink.example.org\r\n250-8BITMIME\r\n250 SMTPUTF8")?,
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                match shared.lock().unwrap().refused.is_some_and(|beginning| to.starts_with(beginning)) {
                    true => answer(&mut stream, "550 5.1.1 no such user")?,
                    false => answer(&mut stream, "250 2.1.5 ok")?,
                }
            }
            "DATA" => {
                keep_silent_at("DATA", shared);
                answer(&mut stream, "354 go on")?;
                let mut mail = String::new();
                loop {
                    read_line(&mut stream, &mut line)?;
                    match line.strip_prefix('.') {
                        Some("\r\n") => break,
                        Some(rest) => mail.push_str(rest),
                        None => mail.push_str(&line),
                    }
                }
                shared.lock().unwrap().taken.push(Taken { to: to.clone(), mail });
                keep_silent_at(".", shared);
                answer(&mut stream, "250 2.0.0 taken")?;
            }
            "QUIT" => return answer(&mut stream, "221 2.0.0 bye"),
            _ => answer(&mut stream, "250 2.0.0 ok")?,
        }
    }
}

fn keep_silent_at(step: &str, shared: &Mutex<Shared>) {
    let mut shared = shared.lock().unwrap();
    if shared.silent_at == Some(step) {
        shared.silences += 1;
        drop(shared);
        loop {
            std::thread::park();
        }
    }
}

fn answer(stream: &mut BufReader<TcpStream>, reply: &str) -> Option<()> {
    stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).ok()
}

fn read_line(stream: &mut BufReader<TcpStream>, line: &mut String) -> Option<()> {
    let mut bytes = Vec::new();
    stream.read_until(b'\n', &mut bytes).ok().filter(|length| *length > 0)?;
    *line = String::from_utf8_lossy(&bytes).into_owned();
    Some(())
}
