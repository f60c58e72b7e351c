//! Just enough SMTP and IMAP, by hand, to look at the servers with nobody's library in between.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use super::PATIENCE;

pub struct Dialogue {
    stream: BufReader<TcpStream>,
}

impl Dialogue {
    pub fn smtp(port: u16) -> Dialogue {
        let mut smtp = Dialogue::open(port);
        smtp.reply();
        smtp.smtp_command("EHLO test.example.org").unwrap();
        smtp
    }

    pub fn imap(port: u16) -> Dialogue {
        let mut imap = Dialogue::open(port);
        imap.line();
        imap
    }

    fn open(port: u16) -> Dialogue {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Dialogue { stream: BufReader::new(stream) }
    }

    pub fn say(&mut self, line: &str) {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).unwrap();
        assert!(!line.is_empty(), "the server has closed the connection");
        String::from_utf8_lossy(&line).into_owned()
    }

    /// Reads up to a line that contains this.
    pub fn until(&mut self, text: &str) {
        while !self.line().contains(text) {}
    }

    /// One mail; a refusal is the reply.
    pub fn send(&mut self, from: &str, to: &str, mail: &[u8]) -> Result<(), String> {
        let eight_bit = if mail.is_ascii() { "" } else { " BODY=8BITMIME" };
        self.smtp_command(&format!("MAIL FROM:<{from}>{eight_bit}"))?;
        self.smtp_command(&format!("RCPT TO:<{to}>"))?;
        self.smtp_command("DATA")?;
        let mut content = Vec::with_capacity(mail.len() + 64);
        for line in mail.split_inclusive(|b| *b == b'\n') {
            if line.starts_with(b".") {
                content.push(b'.');
            }
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            content.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
            content.extend_from_slice(b"\r\n");
        }
        content.push(b'.');
        self.stream.get_mut().write_all(&content).unwrap();
        self.smtp_command("")?;
        self.smtp_command("QUIT").map(drop)
    }

    fn smtp_command(&mut self, line: &str) -> Result<String, String> {
        self.say(line);
        let reply = self.reply();
        if reply.starts_with(['2', '3']) { Ok(reply) } else { Err(reply) }
    }

    fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let line = self.line();
            reply += &line;
            if line.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
        }
    }

    /// One IMAP command: all lines of its answer, when it ends with OK. No literal of these tests looks like
    /// the end of one.
    pub fn command(&mut self, command: &str) -> Result<String, String> {
        self.say(&format!("a {command}"));
        let mut answer = String::new();
        loop {
            let line = self.line();
            answer += &line;
            if line.starts_with("a OK") {
                return Ok(answer);
            }
            if line.starts_with("a ") {
                return Err(answer);
            }
        }
    }

    /// With the password as a literal: it may hold any character.
    pub fn login(&mut self, user: &str, password: &str) {
        self.command(&format!("LOGIN {user} {{{}+}}\r\n{password}", password.len())).unwrap();
    }
}
