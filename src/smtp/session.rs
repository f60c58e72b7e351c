//! One SMTP session: EHLO and login, then mail after mail, step by step.

use std::fmt::Display;
use std::future::poll_fn;
use std::pin::pin;
use std::slice::Chunks;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism as Sasl};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands;
use lettre::transport::smtp::extension::ClientId;
use secrecy::ExposeSecret;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsConnector;

use super::dial::dial;
use super::reply::Reply;
use super::verdict::{self, Step};
use super::wire::Heard;
use super::{Auth, Mechanism, Settings, Timeouts};
use crate::address::ReversePath;
use crate::caught::caught;
use crate::outgoing::{Accepted, Envelope, SendError};

/// Octets of the content that are written in one go; [`Timeouts::block`] is the time for one.
const BLOCK: usize = 64 * 1024;
/// How long a server may take to say goodbye, or why it cut us off: nothing depends on it.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// What a server said that lettre panics at.
const UNREADABLE: &str = "the server's answer cannot be read";

/// What lettre makes of an answer; none if it panics.
type Heeded<T> = Option<Result<T, lettre::transport::smtp::Error>>;

pub struct Session {
    connection: AsyncSmtpConnection,
    heard: Heard,
    offers: Offers,
    /// RCPT and DATA were written together with MAIL, and their answers are still to be read.
    ahead: bool,
}

/// What the server offers in its answer to EHLO (S07).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Offers {
    /// RFC 6152.
    eight_bit_mime: bool,
    /// RFC 6531.
    smtp_utf8: bool,
    /// RFC 2920.
    pipelining: bool,
    /// RFC 1870: the octets of the largest mail; 0 when there is no fixed maximum.
    size: Option<u64>,
    /// The mechanisms of AUTH (RFC 4954), in upper case.
    auth: Vec<String>,
}

/// Why there is no session: the relay's trouble, whichever it is.
#[derive(Debug)]
pub enum Unopened {
    Trouble(String),
    /// A 5yz to AUTH (RFC 4954 §6).
    LoginRefused(String),
}

impl From<String> for Unopened {
    fn from(why: String) -> Unopened {
        Unopened::Trouble(why)
    }
}

impl Session {
    /// Connects, greets and logs in.
    pub async fn open(settings: &Settings, tls: &TlsConnector) -> Result<Session, Unopened> {
        let (stream, heard) = dial(settings, tls).await?;
        Session::over(stream, heard, settings).await
    }

    /// The same on a stream on which the server has greeted us.
    pub async fn over(
        stream: Box<dyn AsyncTokioStream>,
        heard: Heard,
        settings: &Settings,
    ) -> Result<Session, Unopened> {
        let hello = ClientId::Domain(settings.hello.clone());
        let longest = settings.timeouts.command;
        let connecting = AsyncSmtpConnection::connect_with_transport(stream, &hello);
        let connection = match timeout(longest, caught(connecting)).await {
            Ok(Some(Ok(connection))) => connection,
            Ok(Some(Err(e))) => return Err(format!("EHLO failed: {e}").into()),
            Ok(None) => return Err(format!("EHLO failed: {UNREADABLE}").into()),
            Err(_) => return Err(format!("no answer to EHLO within {longest:?}").into()),
        };
        let offers = heard.next().map(|reply| Offers::of(&reply)).unwrap_or_default();
        let mut session = Session { connection, heard, offers, ahead: false };
        if let Some(auth) = &settings.auth {
            session.log_in(auth, longest).await?;
        }
        Ok(session)
    }

    /// The first step of a transaction, which commits to nothing. Where the server takes commands together, RCPT and
    /// DATA go with it (RFC 2920 §3.1): one round trip instead of three.
    pub async fn mail(&mut self, envelope: &Envelope, bytes: &[u8], settings: &Settings) -> Result<(), SendError> {
        let mut command = self.offers.mail_command(envelope, bytes).map_err(SendError::Refused)?;
        if self.offers.pipelining {
            command = format!("{command}{}{DATA}", rcpt_command(envelope));
            self.ahead = true;
        }
        self.step(Step::Mail, Some(command), settings.timeouts.mail).await.map(drop)
    }

    /// The rest of the transaction.
    pub async fn hand_over(
        &mut self,
        envelope: &Envelope,
        bytes: &[u8],
        times: &Timeouts,
    ) -> Result<Accepted, SendError> {
        let written = self.ahead;
        self.step(Step::Rcpt, (!written).then(|| rcpt_command(envelope)), times.rcpt).await?;
        self.step(Step::Data, (!written).then(|| DATA.to_owned()), times.data).await?;
        self.ahead = false;
        let reply = self.content(bytes, times).await?;
        Ok(Accepted { response: reply.to_string() })
    }

    /// Says QUIT if the server is still talking to us, and closes. A server that may be waiting for a content, which it
    /// may do after it has refused the recipient, would read a QUIT as its first line: there we only close.
    pub async fn leave(&mut self) {
        if self.heard.is_reply() && !self.ahead {
            let _ = timeout(LAST_WORDS, caught(self.connection.abort())).await;
        }
    }

    /// One command, unless it was written before, and its answer, which is the hoped-for one or an error.
    async fn step(&mut self, step: Step, command: Option<String>, longest: Duration) -> Result<Reply, SendError> {
        let said = match command {
            Some(command) => self.say(command, longest).await,
            None => self.hear(longest).await,
        };
        match said {
            Ok(reply) if step == Step::Data && reply.code == 354 => Ok(reply),
            Ok(reply) if step != Step::Data && reply.is_positive() => Ok(reply),
            Ok(reply) => Err(verdict::of_reply(step, &reply)),
            Err(why) => Err(verdict::of_silence(step, &format!("{why} ({})", step.as_str()))),
        }
    }

    /// The answer to a command that was written with others.
    async fn hear(&mut self, longest: Duration) -> Result<Reply, String> {
        let answered = timeout(longest, caught(self.connection.read_response())).await;
        self.in_time(answered, longest)
    }

    async fn say(&mut self, command: impl Display, longest: Duration) -> Result<Reply, String> {
        let answered = timeout(longest, caught(self.connection.command(command))).await;
        self.in_time(answered, longest)
    }

    fn in_time<T>(&self, answered: Result<Heeded<T>, Elapsed>, longest: Duration) -> Result<Reply, String> {
        answered.map_or_else(|_| Err(format!("no answer within {longest:?}")), |answered| self.answer(answered))
    }

    /// What the server said, whether lettre could read it or not. What it said before we asked is no answer.
    fn answer<T>(&self, result: Heeded<T>) -> Result<Reply, String> {
        match (self.heard.next(), result) {
            (Some(reply), _) => Ok(reply),
            (None, Some(Ok(_))) => Err("the server answered before it was asked".into()),
            (None, Some(Err(e))) => Err(e.to_string()),
            (None, None) => Err(UNREADABLE.into()),
        }
    }

    /// The lines of the mail with their dots doubled (RFC 5321 §4.5.2), the final dot, and the answer.
    async fn content(&mut self, bytes: &[u8], times: &Timeouts) -> Result<Reply, SendError> {
        // lettre ends the last line itself, before the dot.
        let lines = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
        let progress = Progress::begin();
        let blocks = Blocks { rest: lines.chunks(BLOCK), progress: &progress };
        let sent = {
            let mut sending = pin!(caught(self.connection.message_iter(blocks)));
            let mut limit = pin!(sleep_until(progress.now(times).1));
            // Each block begins its own time, and so does the dot.
            poll_fn(|cx| {
                if let Poll::Ready(result) = sending.as_mut().poll(cx) {
                    return Poll::Ready(Some(result));
                }
                let (_, deadline) = progress.now(times);
                if limit.deadline() != deadline {
                    limit.as_mut().reset(deadline);
                }
                limit.as_mut().poll(cx).map(|()| None)
            })
            .await
        };
        let (step, _) = progress.now(times);
        let said = match sent {
            Some(Some(Err(_))) if step == Step::Content => self.why_cut_off().await,
            Some(result) => self.answer(result),
            None => Err("no progress in time".into()),
        };
        match said {
            Ok(reply) if step == Step::Dot && reply.is_positive() => Ok(reply),
            Ok(reply) => Err(verdict::of_reply(step, &reply)),
            Err(why) => Err(verdict::of_silence(step, &format!("{why} ({})", step.as_str()))),
        }
    }

    /// A server that closes in the middle of the content may have said why, such as `552`.
    async fn why_cut_off(&mut self) -> Result<Reply, String> {
        match timeout(LAST_WORDS, caught(self.connection.read_response())).await {
            Ok(result) => self.answer(result),
            Err(_) => Err("the connection broke".into()),
        }
    }

    /// RFC 4954 §4. Only ever called under TLS or on the loopback interface.
    async fn log_in(&mut self, auth: &Auth, longest: Duration) -> Result<(), Unopened> {
        let wanted = auth.mechanism.as_str();
        if !self.offers.auth.iter().any(|offered| offered == wanted) {
            let offered = self.offers.auth.join(" ");
            return Err(format!("the server does not offer AUTH {wanted}, but {offered:?}").into());
        }
        // A secret may come from a command that takes its time.
        let secret = auth.secret.clone();
        let secret = tokio::task::spawn_blocking(move || secret()).await.map_err(|e| e.to_string())??;
        let credentials = Credentials::new(auth.user.clone(), secret.expose_secret().to_owned());
        let turn = |mechanism, challenge: Option<&str>| {
            commands::Auth::new(mechanism, credentials.clone(), challenge.map(str::to_owned)).map_err(|e| e.to_string())
        };
        let (first, rest) = match auth.mechanism {
            Mechanism::Plain => (turn(Sasl::Plain, None)?, vec![]),
            Mechanism::XOAuth2 => (turn(Sasl::Xoauth2, None)?, vec![]),
            // The order is fixed; what servers write in their challenges is not (`334 DXNlcm5hbWU6`).
            Mechanism::Login => (
                turn(Sasl::Login, None)?,
                vec![turn(Sasl::Login, Some("Username"))?, turn(Sasl::Login, Some("Password"))?],
            ),
        };
        let in_auth = |why| format!("{why} (AUTH)");
        let mut reply = self.say(first, longest).await.map_err(in_auth)?;
        for next in rest {
            if reply.code == 334 {
                reply = self.say(next, longest).await.map_err(in_auth)?;
            }
        }
        // XOAUTH2 explains a refusal in a challenge, and refuses only after an empty answer.
        if reply.code == 334 {
            reply = self.say("\r\n", longest).await.map_err(in_auth)?;
        }
        if reply.code == 235 {
            return Ok(());
        }
        self.leave().await;
        let why = format!("{reply} to AUTH {wanted}");
        Err(if reply.code / 100 == 5 { Unopened::LoginRefused(why) } else { Unopened::Trouble(why) })
    }
}

const DATA: &str = "DATA\r\n";

fn rcpt_command(envelope: &Envelope) -> String {
    format!("RCPT TO:<{}>\r\n", envelope.to)
}

impl Offers {
    fn of(reply: &Reply) -> Offers {
        let mut offers = Offers::default();
        for line in reply.extensions() {
            // RFC 5321 §4.1.1.1: keywords in any case. `AUTH=LOGIN` is what servers of 1999 wrote.
            let line = line.to_ascii_uppercase().replacen("AUTH=", "AUTH ", 1);
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("8BITMIME") => offers.eight_bit_mime = true,
                Some("PIPELINING") => offers.pipelining = true,
                Some("SMTPUTF8") => offers.smtp_utf8 = true,
                Some("SIZE") => offers.size = Some(words.next().and_then(|n| n.parse().ok()).unwrap_or(0)),
                Some("AUTH") => offers.auth.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        offers
    }

    /// `MAIL FROM` with the parameters that this mail needs and the server offers, or why it cannot go here.
    fn mail_command(&self, envelope: &Envelope, bytes: &[u8]) -> Result<String, String> {
        let from = match &envelope.from {
            ReversePath::Null => String::new(),
            ReversePath::Address(address) => address.to_string(),
        };
        let mut command = format!("MAIL FROM:<{from}>");
        if let Some(most) = self.size {
            if most > 0 && bytes.len() as u64 > most {
                return Err(format!("the mail has {} octets; the relay takes {most} at most (SIZE)", bytes.len()));
            }
            command += &format!(" SIZE={}", bytes.len());
        }
        if !bytes.is_ascii() {
            if !self.eight_bit_mime {
                return Err("the mail has 8-bit octets and the relay does not offer 8BITMIME".into());
            }
            command += " BODY=8BITMIME";
        }
        // A local part cannot be written in ASCII; a domain always is (RFC 6531 §3.2).
        if !from.is_ascii() || envelope.to.is_international() {
            if !self.smtp_utf8 {
                let address = if from.is_ascii() { envelope.to.to_string() } else { from };
                return Err(format!("{address} needs SMTPUTF8, which the relay does not offer"));
            }
            command += " SMTPUTF8";
        }
        Ok(command + "\r\n")
    }
}

/// How far the content has come: lettre asks for the next block when the last one is written, and finds none
/// before it writes the final dot.
struct Progress(Mutex<(Step, Instant)>);

impl Progress {
    fn begin() -> Progress {
        Progress(Mutex::new((Step::Content, Instant::now())))
    }

    fn reached(&self, step: Step) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (step, Instant::now());
    }

    /// The step, and until when it may last.
    fn now(&self, times: &Timeouts) -> (Step, Instant) {
        let (step, since) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let longest = if step == Step::Dot { times.dot } else { times.block };
        (step, since + longest)
    }
}

struct Blocks<'a> {
    rest: Chunks<'a, u8>,
    progress: &'a Progress,
}

impl<'a> Iterator for Blocks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let block = self.rest.next();
        self.progress.reached(match block {
            Some(_) => Step::Content,
            None => Step::Dot,
        });
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;

    fn offers(lines: &[&str]) -> Offers {
        let mut text = "250-mail.example.com\r\n".to_owned();
        for line in lines {
            text += &format!("250-{line}\r\n");
        }
        text += "250 HELP\r\n";
        Offers::of(&Reply::take(text.as_bytes()).unwrap().unwrap().0)
    }

    fn envelope(from: &str, to: &str) -> Envelope {
        Envelope {
            from: match from {
                "" => ReversePath::Null,
                from => ReversePath::Address(Address::parse(from).unwrap()),
            },
            to: Address::parse(to).unwrap(),
        }
    }

    /// S07: what is offered, what is sent from whom to whom, and the command or the refusal.
    #[test]
    fn s07_parameters_are_given_when_needed_and_offered() {
        #[rustfmt::skip]
        type Case = (&'static [&'static str], &'static str, &'static str, &'static str, Result<&'static str, &'static str>);
        let table: [Case; 13] = [
            (&[], "a@example.com", "b@example.org", "x", Ok("MAIL FROM:<a@example.com>\r\n")),
            (&[], "", "b@example.org", "x", Ok("MAIL FROM:<>\r\n")),
            (&["SIZE"], "", "b@example.org", "x", Ok("MAIL FROM:<> SIZE=1\r\n")),
            (&["size 0"], "", "b@example.org", "xy", Ok("MAIL FROM:<> SIZE=2\r\n")),
            (&["SIZE 2"], "", "b@example.org", "xy", Ok("MAIL FROM:<> SIZE=2\r\n")),
            (&["SIZE 1"], "", "b@example.org", "xy", Err("takes 1 at most")),
            (&["8BITMIME"], "", "b@example.org", "x", Ok("MAIL FROM:<>\r\n")),
            (&["8bitmime"], "", "b@example.org", "é", Ok("MAIL FROM:<> BODY=8BITMIME\r\n")),
            (&["SMTPUTF8"], "", "b@example.org", "é", Err("8BITMIME")),
            (&["SMTPUTF8"], "", "张三@example.org", "x", Ok("MAIL FROM:<> SMTPUTF8\r\n")),
            (&["8BITMIME"], "", "张三@example.org", "x", Err("张三@example.org needs SMTPUTF8")),
            (&["8BITMIME"], "李四@example.com", "b@example.org", "x", Err("李四@example.com needs SMTPUTF8")),
            (
                &["SMTPUTF8", "8BITMIME", "SIZE 9"],
                "a@例子.公司",
                "b@example.org",
                "é",
                Ok("MAIL FROM:<a@xn--fsqu00a.xn--55qx5d> SIZE=2 BODY=8BITMIME\r\n"),
            ),
        ];
        for (lines, from, to, bytes, want) in table {
            match (offers(lines).mail_command(&envelope(from, to), bytes.as_bytes()), want) {
                (Ok(command), Ok(want)) => assert_eq!(command, want),
                (Err(why), Err(want)) => assert!(why.contains(want), "{why}"),
                (got, want) => panic!("{lines:?} {from} {to}: {got:?}, not {want:?}"),
            }
        }
    }

    #[test]
    fn the_mechanisms_of_auth_are_read_in_both_spellings() {
        let offers = offers(&["AUTH PLAIN login", "AUTH=LOGIN XOAUTH2"]);
        assert_eq!(offers.auth, ["PLAIN", "LOGIN", "LOGIN", "XOAUTH2"]);
    }
}
