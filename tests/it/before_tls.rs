//! V19, T02 to T05: what is said before TLS can be anybody's word. Whatever it is, neither the name nor the password
//! leaves in the clear, and nothing is believed that was said before.

use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use huixin::ids::MailboxName;
use huixin::imap::{self, ImapSource};
use huixin::mailbox::{Known, Source, SourceError};
use huixin::outgoing::{Relay, SendError};
use huixin::smtp::{self, SmtpRelay};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::peer::{self, AUTHORITY};

const USER: &str = "support@example.com";
const PASSWORD: &str = "hunter2";

/// Says a greeting, then its next answer to each line; and remembers all it hears.
struct Parrot {
    port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Parrot {
    async fn start(says: Vec<Vec<u8>>) -> Parrot {
        let (listener, port) = peer::listen().await;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let noted = heard.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut octets = [0; 4096];
                for next in &says {
                    if stream.write_all(next).await.is_err() {
                        break;
                    }
                    match stream.read(&mut octets).await {
                        Ok(read) if read > 0 => noted.lock().unwrap().extend(&octets[..read]),
                        _ => break,
                    }
                }
                while let Ok(read @ 1..) = stream.read(&mut octets).await {
                    noted.lock().unwrap().extend(&octets[..read]);
                }
            }
        });
        Parrot { port, heard }
    }

    /// Nothing of the account, in whatever form, and in the clear nothing but `allowed`.
    fn check(&self, case: &str, allowed: &[&str]) {
        let heard = self.heard.lock().unwrap();
        let text = String::from_utf8_lossy(&heard).into_owned();
        // As AUTHENTICATE PLAIN, AUTH LOGIN and XOAUTH2 write them, wherever in three octets they begin.
        let forms =
            [USER, "support", PASSWORD, "aHVudGVy", "h1bnRlcj", "odW50ZXIy", "c3VwcG9yd", "N1cHBvcn", "zdXBwb3J0"];
        for form in forms {
            assert!(!text.contains(form), "{case}: {form} in {text:?}");
        }
        // A TLS handshake begins with 22, 3 (RFC 8446 §5.1).
        let clear = heard.windows(2).position(|pair| pair == [22, 3]).map_or(&heard[..], |at| &heard[..at]);
        let clear = String::from_utf8_lossy(clear).into_owned();
        assert!(clear.split_terminator("\r\n").all(|line| allowed.contains(&line)), "{case}: {clear:?}");
    }
}

/// How long nothing is waited for that does not come.
const SHORT: Duration = Duration::from_millis(700);
/// How long a handshake may take on a machine that is busy.
const LONG: Duration = Duration::from_secs(60);

fn mailbox(port: u16, auth: imap::Auth, tls: imap::Tls, ca: &[u8], patience: Duration) -> ImapSource {
    let name = MailboxName::parse("support").unwrap();
    let secret = Arc::new(|| Ok(PASSWORD.to_owned().into()));
    let mut settings = imap::Settings::new(name, "localhost", USER, secret);
    (settings.port, settings.tls, settings.auth) = (port, tls, auth);
    settings.extra_ca = Some(ca.to_vec());
    (settings.patience.connect, settings.patience.answer) = (patience, patience);
    ImapSource::new(settings).unwrap()
}

fn relay(port: u16, mechanism: smtp::Mechanism, tls: smtp::Tls, ca: &[u8]) -> SmtpRelay {
    SmtpRelay::new(smtp::Settings {
        host: "localhost".into(),
        port,
        tls,
        extra_ca: Some(ca.to_vec()),
        auth: Some(smtp::Auth { user: USER.into(), mechanism, secret: Arc::new(|| Ok(PASSWORD.to_owned().into())) }),
        hello: "bot.example.com".into(),
        timeouts: smtp::Timeouts {
            connect: SHORT,
            greeting: SHORT,
            command: SHORT,
            mail: SHORT,
            rcpt: SHORT,
            data: SHORT,
            block: SHORT,
            dot: SHORT,
        },
        max_size: 1 << 20,
    })
    .unwrap()
}

/// What a server of another kind, a server that was tampered with, or somebody on the way says to a client that wants
/// STARTTLS: a greeting, then an answer to each line.
const IMAP: [&[&str]; 26] = [
    &["* PREAUTH welcome\r\n"],
    &["* PREAUTH welcome\r\n* CAPABILITY IMAP4rev1\r\nL1 OK\r\n"],
    &["* preauth [CAPABILITY IMAP4rev1 STARTTLS] welcome\r\n"],
    &["* BYE [REFERRAL imap://evil.example/] go there\r\n"],
    &["* OK hi\r\n", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nL1 OK\r\n"],
    &["* OK hi\r\n", "* CAPABILITY IMAP4rev1 XSTARTTLS STARTTLSX AUTH=PLAIN\r\nL1 OK\r\n"],
    &["* OK hi\r\n", "L1 OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] STARTTLS\r\n"],
    &["* OK hi\r\n", "L1 NO capabilities are secret\r\n"],
    &["* OK hi\r\n", "L1 BAD what\r\n"],
    &["* OK hi\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nL1 OK\r\n", "L2 OK\r\n", "L3 OK in\r\n"],
    &["* OK hi\r\n", "* CAPABILITY IMAP4rev1 STARTTLS\r\nL1 OK\r\n", "L2 NO not now\r\n"],
    &["* OK hi\r\n", "* CAPABILITY IMAP4rev1 STARTTLS\r\nL1 OK\r\n", "L2 BAD what\r\n"],
    &["* OK hi\r\n", "* CAPABILITY IMAP4rev1 STARTTLS\r\nL1 OK\r\n", "L2 NO [REFERRAL imap://evil.example/] x\r\n"],
    &["* OK hi\r\n", "* CAPABILITY IMAP4rev1 STARTTLS\r\nL1 OK\r\n", "* BYE\r\n"],
    &["* OK hi\r\n", "* CAPABILITY IMAP4rev1 STARTTLS\r\nL1 OK\r\n", "+ tell me\r\n"],
    &["* OK hi\r\n", "* CAPABILITY IMAP4rev1 STARTTLS\r\nL1 OK\r\n", "* PREAUTH in\r\n"],
    // In the segment of the answer: what would count as said under TLS.
    &[
        "* OK hi\r\n",
        "* CAPABILITY IMAP4rev1 STARTTLS\r\nL1 OK\r\n",
        "L2 OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n",
    ],
    &["* OK hi\r\n", "* CAPABILITY IMAP4rev1 STARTTLS\r\nL1 OK\r\n", "L2 OK go\r\nL1 OK\r\nL2 OK in\r\n* PREAUTH\r\n"],
    &["* OK hi\r\n", "* CAPABILITY IMAP4rev1 STARTTLS\r\nL1 OK\r\n", "L2 OK go\r\n "],
    &["* OK hi\r\n", "* CAPABILITY IMAP4rev1 STARTTLS\r\nL1 OK\r\n", "L2 OK go\r\n\r\n"],
    &["* OK hi\r\n", "* CAPABILITY IMAP4rev1 STARTTLS\r\nL1 OK\r\n", "L2 OK go\r\n\0"],
    // STARTTLS is answered before it is asked for, and then nothing like TLS comes.
    &["* OK hi\r\n", "* CAPABILITY IMAP4rev1 STARTTLS\r\nL1 OK\r\nL2 OK go\r\n", "* OK it is plain\r\n"],
    &[
        "* OK hi\r\n",
        "* CAPABILITY IMAP4rev1 STARTTLS\r\nL1 OK\r\n",
        "L2 OK go\r\n",
        "* CAPABILITY IMAP4rev1\r\nL1 OK\r\n",
    ],
    &["* OK hi\r\n", "* CAPABILITY IMAP4rev1 STARTTLS\r\nL1 OK\r\n", "L2 OK go\r\n", "\x15\x03\x01\0\x02\x02\x28"],
    &["220 smtp.example.com ESMTP\r\n"],
    &["HTTP/1.1 400 Bad Request\r\n\r\n"],
];

const SMTP: [&[&str]; 21] = [
    &["220 hi\r\n", "250-x\r\n250 AUTH PLAIN LOGIN XOAUTH2\r\n"],
    &["220 hi\r\n", "250-x\r\n250 STARTTLSX\r\n"],
    &["220 hi\r\n", "250-STARTTLS\r\n250 AUTH PLAIN\r\n"],
    &["220 hi\r\n", "250 STARTTLS\r\n"],
    &["220 hi\r\n", "502 what\r\n", "250 x\r\n", "235 in\r\n"],
    &["220 hi\r\n", "421 busy\r\n"],
    &["554 no\r\n"],
    &["220 hi\r\n250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n", "220 go\r\n", "235 in\r\n"],
    &["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "454 not now\r\n"],
    &["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "501 what\r\n"],
    &["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "250 go\r\n", "235 in\r\n"],
    &["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "334 \r\n"],
    &["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "235 in\r\n"],
    &["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n250-x\r\n250 AUTH PLAIN\r\n"],
    &["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n235 in\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n"],
    &["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n "],
    &["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n\r\n"],
    &["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n220 go\r\n", "250-x\r\n250 AUTH PLAIN\r\n", "235 in\r\n"],
    &["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n", "250-x\r\n250 AUTH PLAIN\r\n", "235 in\r\n"],
    &["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n", "\x15\x03\x01\0\x02\x02\x28"],
    &["* OK IMAP4rev1 ready\r\n"],
];

fn octets(says: &[&str]) -> Vec<Vec<u8>> {
    says.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[tokio::test]
async fn v19_no_word_before_tls_costs_the_mailbox_its_password() {
    for (n, says) in IMAP.into_iter().enumerate() {
        for auth in [imap::Auth::Login, imap::Auth::Plain, imap::Auth::XOAuth2] {
            // Each opening with one way to log in; the ways do not matter before TLS.
            if n % 3 != auth as usize {
                continue;
            }
            let parrot = Parrot::start(octets(says)).await;
            let mut source = mailbox(parrot.port, auth, imap::Tls::StartTls, AUTHORITY, SHORT);
            let listed = source.list(Known::default(), 10).await;
            assert!(matches!(listed, Err(SourceError::Trouble(_))), "{says:?}: {listed:?}");
            drop(source);
            parrot.check(&format!("{says:?}"), &["L1 CAPABILITY", "L2 STARTTLS"]);
        }
    }
}

#[tokio::test]
async fn v19_no_word_before_tls_costs_the_relay_its_password() {
    // A firewall that "inspects" SMTP writes over the word, so that nobody takes up TLS.
    let overwritten = format!("250-x\r\n250-{}\r\n250 AUTH PLAIN\r\n", "STARTTLS".replace(char::is_alphabetic, "X"));
    let behind_a_firewall = ["220 hi\r\n", &overwritten];
    let dialogues = [&SMTP[..], &[&behind_a_firewall]].concat();
    for (n, says) in dialogues.into_iter().enumerate() {
        let mechanism = [smtp::Mechanism::Plain, smtp::Mechanism::Login, smtp::Mechanism::XOAuth2][n % 3];
        let parrot = Parrot::start(octets(says)).await;
        let mut relay = relay(parrot.port, mechanism, smtp::Tls::StartTls, AUTHORITY);
        let (envelope, mail) = peer::smtp::a_mail();
        let sent = relay.send(&envelope, mail).await;
        assert!(matches!(sent, Err(SendError::RelayTrouble(_))), "{says:?}: {sent:?}");
        drop(relay);
        parrot.check(&format!("{says:?}"), &["EHLO bot.example.com", "STARTTLS"]);
    }
}

/// A ServerHello of TLS 1.0 (RFC 2246 §7.4.1.3), with a cipher that its clients had.
fn tls_1_0() -> Vec<u8> {
    let mut hello = vec![22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 0x2f, 0]);
    hello
}

/// T02: an old TLS, no TLS at all, and what is no certificate.
#[tokio::test]
async fn t02_where_tls_was_due_nothing_else_will_do() {
    let instead: [Vec<u8>; 5] =
        [tls_1_0(), b"* OK hi\r\n".to_vec(), b"220 hi\r\n".to_vec(), vec![0; 64], vec![21, 3, 3, 0, 2, 2, 70]];
    for says in instead {
        let case = format!("{says:?}");
        // Each says its piece to what the client says first.
        let parrot = Parrot::start(vec![Vec::new(), says.clone()]).await;
        let mut source = mailbox(parrot.port, imap::Auth::Plain, imap::Tls::Implicit, AUTHORITY, SHORT);
        assert!(matches!(source.list(Known::default(), 10).await, Err(SourceError::Trouble(_))), "{case}");
        parrot.check(&case, &[]);
        let mut relay = relay(parrot.port, smtp::Mechanism::Plain, smtp::Tls::Implicit, AUTHORITY);
        let (envelope, mail) = peer::smtp::a_mail();
        assert!(matches!(relay.send(&envelope, mail).await, Err(SendError::RelayTrouble(_))), "{case}");
        parrot.check(&case, &[]);
    }
}

/// T02: certificates of an authority that is trusted, which are no good all the same, and one that nobody vouches for.
#[tokio::test]
async fn t02_an_expired_a_future_and_a_self_signed_certificate_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let openssl = |arguments: &str| {
        let ran = Command::new("openssl").current_dir(folder.path()).args(arguments.split_whitespace()).output();
        let ran = ran.unwrap();
        assert!(ran.status.success(), "{arguments}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -days 2 -keyout ca.key -out ca.pem -subj /CN=authority"));
    openssl(&format!("req -new {key} -keyout server.key -out server.csr -subj /CN=localhost"));
    openssl(&format!(
        "req -x509 {key} -days 2 -keyout self.key -out self.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    ));
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "ca.cnf",
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n\
         x509_extensions=x\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=DNS:localhost\n\
         basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n",
    );
    write("serial", "01\n");
    let ca = fs::read(folder.path().join("ca.pem")).unwrap();
    let periods = [
        ("good", "20200101000000Z", "20991231000000Z"),
        ("expired", "20200101000000Z", "20200201000000Z"),
        ("future", "20990101000000Z", "20991231000000Z"),
    ];
    for (name, from, to) in periods {
        write("index", "");
        openssl(&format!(
            "ca -batch -config ca.cnf -cert ca.pem -keyfile ca.key -in server.csr -out {name}.pem -notext \
             -startdate {from} -enddate {to}"
        ));
    }
    for (name, key, want) in
        [("good", "server", true), ("expired", "server", false), ("future", "server", false), ("self", "self", false)]
    {
        let mut pem = fs::read(folder.path().join(format!("{name}.pem"))).unwrap();
        pem.extend(fs::read(folder.path().join(format!("{key}.key"))).unwrap());
        for starttls in [false, true] {
            let heard = peer::tls_host(pem.clone(), starttls).await;
            let tls = if starttls { imap::Tls::StartTls } else { imap::Tls::Implicit };
            let mut source = mailbox(heard.0, imap::Auth::Login, tls, &ca, LONG);
            let error = source.list(Known::default(), 10).await.unwrap_err().to_string();
            let told = heard.1.lock().unwrap().iter().any(|line| line.contains(PASSWORD));
            assert_eq!(told, want, "{name}, STARTTLS {starttls}: {error}");
        }
    }
}
