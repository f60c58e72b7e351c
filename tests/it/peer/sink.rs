//! An SMTP server that takes every mail and remembers it.

use std::sync::{Arc, Mutex};

use super::host::{Host, Moment, Server, Way};

/// The mails taken so far, by all connections: to whom, and what.
#[derive(Clone, Default)]
pub struct Sink(Arc<Mutex<Mails>>);

type Mails = Vec<(String, Vec<u8>)>;

impl Sink {
    pub fn mails(&self) -> Mails {
        self.0.lock().unwrap().clone()
    }

    /// A mail counts as taken when its final dot has been read, whatever the client hears of it.
    pub async fn serve(&self, fault: impl Fn(Moment<'_>, &[u8]) -> Way + Send + Sync + 'static) -> Host {
        let taken = self.0.clone();
        Host::start(
            move || Session { taken: taken.clone(), to: String::new(), content: None, just_taken: false },
            fault,
        )
        .await
    }
}

struct Session {
    taken: Arc<Mutex<Mails>>,
    to: String,
    /// Between DATA and the final dot.
    content: Option<Vec<u8>>,
    /// The last reply was that to a final dot.
    just_taken: bool,
}

impl Server for Session {
    fn greeting(&mut self) -> Vec<u8> {
        b"220 sink ESMTP\r\n".to_vec()
    }

    fn hear(&mut self, line: &str) -> Vec<Vec<u8>> {
        if let Some(content) = &mut self.content {
            if line != "." {
                content.extend(line.strip_prefix('.').unwrap_or(line).as_bytes());
                content.extend(b"\r\n");
                return Vec::new();
            }
            let mail = (std::mem::take(&mut self.to), self.content.take().unwrap_or_default());
            self.taken.lock().unwrap().push(mail);
            self.just_taken = true;
            return vec![b"250 2.0.0 taken\r\n".to_vec()];
        }
        self.just_taken = false;
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let reply = match verb.as_str() {
            "EHLO" => "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-AUTH PLAIN\r\n250 SIZE",
            "AUTH" => "235 2.7.0 welcome",
            "MAIL" | "RSET" | "NOOP" => {
                self.to.clear();
                "250 2.1.0 ok"
            }
            "RCPT" => {
                self.to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                "250 2.1.5 ok"
            }
            "DATA" => {
                self.content = Some(Vec::new());
                "354 go on"
            }
            "QUIT" => "221 2.0.0 bye",
            _ => "502 5.5.2 what?",
        };
        vec![format!("{reply}\r\n").into_bytes()]
    }

    fn overruled(&mut self, by: &[u8]) {
        if !by.starts_with(b"3") {
            self.content = None;
        }
        if self.just_taken && by.starts_with(b"4") | by.starts_with(b"5") {
            self.taken.lock().unwrap().pop();
        }
    }
}
