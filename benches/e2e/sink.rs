//! An SMTP server that takes every mail and keeps it in no file: what the bot reaches when nothing behind it is slow.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// A mail as it was handed over.
#[derive(Clone)]
pub struct Taken {
    pub from: String,
    pub to: String,
    pub bytes: Vec<u8>,
}

/// What the sink was told, and when.
#[derive(Default)]
pub struct Book {
    /// The first mails, as many as were asked for.
    pub kept: Vec<Taken>,
    /// To whom each mail went and when it was accepted.
    pub accepted: Vec<(String, SystemTime)>,
}

pub struct Sink {
    pub port: u16,
    pub book: Arc<Mutex<Book>>,
}

impl Sink {
    /// Listens for as long as the process lives; keeps the bytes of the first `keep` mails.
    pub fn start(keep: usize) -> Sink {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let book = Arc::<Mutex<Book>>::default();
        let shared = book.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let book = shared.clone();
                // A connection that breaks is the bot's to notice.
                std::thread::spawn(move || serve(stream, &book, keep));
            }
        });
        Sink { port, book }
    }
}

fn serve(stream: TcpStream, book: &Mutex<Book>, keep: usize) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::with_capacity(64 << 10, stream);
    let mut answers = String::from("220 sink.example.org ESMTP\r\n");
    let (mut from, mut to) = (String::new(), String::new());
    loop {
        // Commands that came together are answered together (RFC 2920 §3.2).
        if reader.buffer().is_empty() && !answers.is_empty() {
            writer.write_all(answers.as_bytes())?;
            answers.clear();
        }
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let command = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer = match command.as_str() {
            "EHLO" => "250-sink.example.org\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
            "MAIL" => {
                from = address(&line);
                "250 2.1.0 Ok\r\n"
            }
            "RCPT" => {
                to = address(&line);
                "250 2.1.5 Ok\r\n"
            }
            "DATA" => {
                answers += "354 End data with <CR><LF>.<CR><LF>\r\n";
                writer.write_all(answers.as_bytes())?;
                answers.clear();
                let bytes = content(&mut reader)?;
                let mut book = book.lock().expect("the book");
                book.accepted.push((to.clone(), SystemTime::now()));
                if book.kept.len() < keep {
                    book.kept.push(Taken { from: from.clone(), to: to.clone(), bytes });
                }
                "250 2.0.0 Ok: queued as SINK\r\n"
            }
            "QUIT" => {
                writer.write_all(b"221 2.0.0 Bye\r\n")?;
                return Ok(());
            }
            "RSET" | "NOOP" => "250 2.0.0 Ok\r\n",
            _ => "502 5.5.2 Error: command not recognized\r\n",
        };
        answers += answer;
    }
}

/// The lines up to the final dot, dots undone.
fn content(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(16 << 10);
    loop {
        let start = bytes.len();
        if reader.read_until(b'\n', &mut bytes)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if bytes[start..] == *b".\r\n" {
            bytes.truncate(start);
            return Ok(bytes);
        }
        if bytes[start] == b'.' {
            bytes.remove(start);
        }
    }
}

fn address(line: &str) -> String {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map(|(address, _)| address.to_owned()).unwrap_or_default()
}
