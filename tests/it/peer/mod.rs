//! A peer that speaks by a script, for dialogues no real server would have with us.
//!
//! A script is a text, one step a line:
//!
//! ```text
//! S: * OK ready              send a line; `=` at its beginning stands for the tag the client used last
//! S> {10}                    send without a line's end
//! C: LOGIN "u" "p"           the client must send this, under any tag
//! C> DONE                    the client must send this, without a tag
//! TLS localhost              go on in TLS, with the certificate of that name
//! CLOSE                      close the connection
//! ```
//!
//! Lines that follow one another leave in one segment. After the last step the client may only go. One
//! script is played for each connection; after the last one nobody listens any more.

pub mod host;
pub mod imap;
pub mod mailhost;
pub mod sink;
pub mod smtp;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

/// The authority that signed the peers' certificates.
pub const AUTHORITY: &[u8] = include_bytes!("tls/authority.pem");

/// How long a peer waits for the next word of a client that has lost its way.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Peer {
    pub port: u16,
    playing: JoinHandle<Result<(), String>>,
    /// How many scripts have been said to their end.
    said: watch::Receiver<usize>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Peer {
    pub async fn play<S: Into<String>>(scripts: impl IntoIterator<Item = S>) -> Peer {
        let scripts: Vec<String> = scripts.into_iter().map(Into::into).collect();
        let (listener, port) = listen().await;
        let (saying, said) = watch::channel(0);
        let playing = tokio::spawn(async move {
            for (number, script) in scripts.iter().enumerate() {
                let accepted = timeout(PATIENCE, listener.accept()).await;
                let Ok(Ok((stream, _))) = accepted else {
                    return Err(format!("nobody came for script {number}"));
                };
                let played = timeout(PATIENCE, perform(script, stream, &saying)).await;
                played
                    .unwrap_or(Err("the client kept silent".to_owned()))
                    .map_err(|why| format!("script {number}: {why}"))?;
            }
            Ok(())
        });
        Peer { port, playing, said }
    }

    /// Waits until the script of this number, counted from 0, has been said to its end.
    pub async fn all_said(&self, script: usize) {
        self.said.clone().wait_for(|said| *said > script).await.expect("the peer has broken off");
    }

    /// All scripts were played to their end. The client must be gone.
    pub async fn end(self) {
        let played = timeout(PATIENCE, self.playing).await;
        played.expect("the peer is still waiting").unwrap().unwrap_or_else(|why| panic!("{why}"));
    }
}

async fn perform(script: &str, stream: TcpStream, saying: &watch::Sender<usize>) -> Result<(), String> {
    stream.set_nodelay(true).unwrap();
    let mut stream: Box<dyn Stream> = Box::new(stream);
    let mut tag = String::new();
    let mut unsent = Vec::new();
    for step in script.lines().filter(|line| !line.is_empty()) {
        let (kind, text) = step.split_once(' ').unwrap_or((step, ""));
        if !kind.starts_with('S') {
            // The client may be gone already, and that may be what the test wants.
            let _ = stream.write_all(&unsent).await;
            let _ = stream.flush().await;
            unsent.clear();
        }
        match kind {
            "S:" | "S>" => {
                let text = match text.strip_prefix('=') {
                    Some(rest) => format!("{tag}{rest}"),
                    None => text.to_owned(),
                };
                unsent.extend(text.as_bytes());
                if kind == "S:" {
                    unsent.extend(b"\r\n");
                }
            }
            "C:" => {
                let line = line(&mut stream).await.ok_or(format!("gone before: {text}"))?;
                let (its_tag, command) = line.split_once(' ').unwrap_or(("", &line));
                tag = its_tag.to_owned();
                same(text, command)?;
            }
            "C>" => {
                let line = line(&mut stream).await.ok_or(format!("gone before: {text}"))?;
                same(text, &line)?;
            }
            "TLS" => {
                stream = Box::new(match acceptor(text).accept(stream).await {
                    Ok(stream) => stream,
                    // A client that does not trust us goes; the script ends here.
                    Err(_) => return Ok(()),
                });
            }
            "CLOSE" => return Ok(()),
            _ => return Err(format!("no such step: {step}")),
        }
    }
    let _ = stream.write_all(&unsent).await;
    let _ = stream.flush().await;
    saying.send_modify(|said| *said += 1);
    match line(&mut stream).await {
        None => Ok(()),
        Some(line) => Err(format!("the client went on: {line}")),
    }
}

/// A listener on a port of its own, and the port.
pub async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Serves every connection, counted from 0, beside the others.
fn serve_each<F>(listener: TcpListener, mut serve: impl FnMut(TcpStream, usize) -> F + Send + 'static) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        let mut number = 0;
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, number));
            number += 1;
        }
    })
}

/// A port at which nobody listens, as long as its socket is kept: it is bound, so that no other test gets it, and never
/// opened to connections.
pub fn nobody() -> (u16, Socket) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    (socket.local_addr().unwrap().as_socket().unwrap().port(), socket)
}

/// A server with the certificate and key of `pem`, from the first octet or after STARTTLS; its port, and the lines
/// it hears under TLS. It refuses every login.
pub async fn tls_host(pem: Vec<u8>, starttls: bool) -> (u16, Arc<Mutex<Vec<String>>>) {
    let (listener, port) = listen().await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let noted = heard.clone();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream: Box<dyn Stream> = Box::new(stream);
        if starttls {
            stream.write_all(b"* OK hi\r\n").await.unwrap();
            line(&mut stream).await;
            stream.write_all(b"* CAPABILITY IMAP4rev1 STARTTLS\r\nL1 OK\r\n").await.unwrap();
            line(&mut stream).await;
            stream.write_all(b"L2 OK go\r\n").await.unwrap();
        }
        let Ok(stream) = acceptor_of(&pem).accept(stream).await else { return };
        let mut stream: Box<dyn Stream> = Box::new(stream);
        if !starttls {
            let _ = stream.write_all(b"* OK hi\r\n").await;
        }
        while let Some(said) = line(&mut stream).await {
            let tag = said.split(' ').next().unwrap_or_default();
            let answer = match said.contains("CAPABILITY") {
                true => format!("* CAPABILITY IMAP4rev1\r\n{tag} OK\r\n"),
                false => format!("{tag} NO\r\n"),
            };
            noted.lock().unwrap().push(said);
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, heard)
}

fn same(expected: &str, said: &str) -> Result<(), String> {
    match said == expected {
        true => Ok(()),
        false => Err(format!("expected: {expected}\n    said: {said}")),
    }
}

/// The client's next line, octet by octet, so that TLS finds what follows; `None` when it is gone.
async fn line(stream: &mut Box<dyn Stream>) -> Option<String> {
    let mut line = Vec::new();
    loop {
        match stream.read_u8().await {
            Ok(b'\n') => return String::from_utf8(line).ok(),
            Ok(b'\r') => {}
            Ok(octet) => line.push(octet),
            Err(_) => return None,
        }
    }
}

fn acceptor(name: &str) -> TlsAcceptor {
    let pem: &[u8] = match name {
        "localhost" => include_bytes!("tls/localhost.pem"),
        "stranger" => include_bytes!("tls/stranger.pem"),
        _ => panic!("no certificate for {name}"),
    };
    acceptor_of(pem)
}

fn acceptor_of(pem: &[u8]) -> TlsAcceptor {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(pem).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
