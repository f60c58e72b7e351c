//! What the servers and the disk reach by themselves, with nothing of ours in between.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::rig::{PASSWORD, Rig};
use crate::sink::Taken;

/// Mails a second of one `UID FETCH 1:*` with all bodies, over one connection without TLS.
pub fn fetch(rig: &Rig, mails: usize) -> f64 {
    let mut imap = BufReader::new(TcpStream::connect(("127.0.0.1", rig.imap_port)).expect("Dovecot"));
    let say = |imap: &mut BufReader<TcpStream>, line: &str| {
        imap.get_mut().write_all(format!("{line}\r\n").as_bytes()).expect("Dovecot");
        drain(imap);
    };
    say(&mut imap, &format!("a LOGIN support {{{}+}}\r\n{PASSWORD}", PASSWORD.len()));
    say(&mut imap, "a SELECT INBOX");
    let begun = Instant::now();
    say(&mut imap, "a UID FETCH 1:* (UID BODY.PEEK[])");
    mails as f64 / begun.elapsed().as_secs_f64()
}

/// Octets of the longest last line of an answer.
const TAIL: usize = 4096;

/// Reads up to the tagged answer, which ends what was read.
fn drain(imap: &mut BufReader<TcpStream>) {
    let mut buffer = vec![0; 256 << 10];
    let mut tail: Vec<u8> = Vec::new();
    loop {
        let read = imap.read(&mut buffer).expect("Dovecot");
        assert!(read > 0, "Dovecot has closed the connection");
        tail.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&tail[tail.len().saturating_sub(TAIL)..]).into_owned();
        if text.ends_with("\r\n") && text.lines().next_back().is_some_and(|line| line.starts_with("a ")) {
            return;
        }
        tail.drain(..tail.len().saturating_sub(TAIL));
    }
}

/// Mails a second that an SMTP server accepts over `connections` kept open, with pipelined commands.
pub fn submit(port: u16, mails: &[Taken], connections: usize) -> f64 {
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let stream = TcpStream::connect(("127.0.0.1", port)).expect("an SMTP server");
                stream.set_nodelay(true).expect("a socket");
                let mut smtp = BufReader::new(stream);
                reply(&mut smtp, "220");
                smtp.get_mut().write_all(b"EHLO bench.example.org\r\n").expect("an SMTP server");
                reply(&mut smtp, "250");
                while let Some(mail) = mails.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let eight_bit = if mail.bytes.is_ascii() { "" } else { " BODY=8BITMIME" };
                    let commands = format!("MAIL FROM:<{}>{eight_bit}\r\nRCPT TO:<{}>\r\nDATA\r\n", mail.from, mail.to);
                    smtp.get_mut().write_all(commands.as_bytes()).expect("an SMTP server");
                    ["250", "250", "354"].iter().for_each(|code| reply(&mut smtp, code));
                    smtp.get_mut().write_all(&dotted(&mail.bytes)).expect("an SMTP server");
                    reply(&mut smtp, "250");
                }
            });
        }
    });
    mails.len() as f64 / begun.elapsed().as_secs_f64()
}

fn reply(smtp: &mut BufReader<TcpStream>, code: &str) {
    loop {
        let mut line = String::new();
        smtp.read_line(&mut line).expect("a reply");
        assert!(line.starts_with(code), "{line}");
        if line.as_bytes().get(3) != Some(&b'-') {
            return;
        }
    }
}

fn dotted(mail: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(mail.len() + 64);
    for line in mail.split_inclusive(|b| *b == b'\n') {
        if line.starts_with(b".") {
            content.push(b'.');
        }
        content.extend_from_slice(line);
    }
    content.extend_from_slice(b".\r\n");
    content
}

/// Appends of 4 KB a second, `shared` of them for each fdatasync.
pub fn appends(folder: &Path, shared: usize) -> f64 {
    let path = folder.join("appends");
    let mut file = File::create(&path).expect("a file");
    let rounds = 200;
    let begun = Instant::now();
    for _ in 0..rounds {
        for _ in 0..shared {
            file.write_all(&[b'x'; 4096]).expect("a write");
        }
        file.sync_data().expect("a sync");
    }
    let rate = (rounds * shared) as f64 / begun.elapsed().as_secs_f64();
    let _ = std::fs::remove_file(path);
    rate
}
