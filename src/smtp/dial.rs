//! From a host name to a protected stream on which the server has greeted us.
//!
//! The plain-text dialogue before STARTTLS is our own and short: after each reply nothing more may have come,
//! so an answer that somebody put behind the `220` to STARTTLS never counts as said under TLS (T04;
//! RFC 3207 §4.2, CVE-2011-0411).

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::reply::{MAX_REPLY, Reply};
use super::wire::{Heard, Wire};
use super::{Settings, Timeouts, Tls};

/// The public certification authorities and those of `extra_ca`; TLS 1.2 at the least (RFC 8997).
pub fn tls_connector(extra_ca: Option<&[u8]>) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(pem) = extra_ca {
        let mut added = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|e| e.to_string())?;
            roots.add(certificate).map_err(|e| e.to_string())?;
            added += 1;
        }
        if added == 0 {
            return Err("there is no certificate in it".into());
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Connects as [`Settings::tls`] says, and hears the greeting. Any failure here is the relay's trouble.
pub async fn dial(settings: &Settings, tls: &TlsConnector) -> Result<(Box<dyn AsyncTokioStream>, Heard), String> {
    let times = &settings.timeouts;
    let mut tcp =
        within(times.connect, "connecting", TcpStream::connect((settings.host.as_str(), settings.port))).await?;
    // Commands are small and each waits for its answer.
    tcp.set_nodelay(true).map_err(|e| e.to_string())?;
    let peer = tcp.peer_addr().map_err(|e| e.to_string())?;

    match settings.tls {
        // S08: the address we have reached decides, not the name.
        Tls::Plain if !peer.ip().to_canonical().is_loopback() => {
            Err("a connection without TLS is for the loopback interface only".into())
        }
        Tls::Plain => {
            greeting(&mut tcp, times).await?;
            let (wire, heard) = Wire::new(tcp, peer);
            Ok((Box::new(wire), heard))
        }
        Tls::Implicit => {
            let mut stream = secure(tcp, settings, tls).await?;
            greeting(&mut stream, times).await?;
            let (wire, heard) = Wire::new(stream, peer);
            Ok((Box::new(wire), heard))
        }
        Tls::StartTls => {
            greeting(&mut tcp, times).await?;
            start_tls(&mut tcp, settings).await?;
            let (wire, heard) = Wire::new(secure(tcp, settings, tls).await?, peer);
            Ok((Box::new(wire), heard))
        }
    }
}

async fn secure(
    tcp: TcpStream,
    settings: &Settings,
    tls: &TlsConnector,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, String> {
    let host = settings.host.clone();
    let name = ServerName::try_from(host).map_err(|e| format!("no name for a certificate: {e}"))?;
    within(settings.timeouts.connect, "the TLS handshake", tls.connect(name, tcp)).await
}

pub async fn greeting(stream: &mut (impl AsyncRead + Unpin), times: &Timeouts) -> Result<(), String> {
    let reply = hear(stream, times.greeting, "the greeting").await?;
    match reply.code {
        220 => Ok(()),
        _ => Err(format!("{reply} as greeting")),
    }
}

/// RFC 3207 §4: EHLO, STARTTLS, and what was said so far is forgotten.
async fn start_tls(tcp: &mut TcpStream, settings: &Settings) -> Result<(), String> {
    let longest = settings.timeouts.command;
    say(tcp, longest, &format!("EHLO {}\r\n", settings.hello)).await?;
    let reply = hear(tcp, longest, "EHLO").await?;
    if !reply.is_positive() {
        return Err(format!("{reply} to EHLO"));
    }
    if !reply.extensions().any(|line| line.eq_ignore_ascii_case("STARTTLS")) {
        return Err("the server does not offer STARTTLS, or somebody on the way has removed it".into());
    }
    say(tcp, longest, "STARTTLS\r\n").await?;
    let reply = hear(tcp, longest, "STARTTLS").await?;
    match reply.code {
        220 => Ok(()),
        _ => Err(format!("{reply} to STARTTLS")),
    }
}

async fn say(tcp: &mut TcpStream, longest: Duration, command: &str) -> Result<(), String> {
    within(longest, "a command", tcp.write_all(command.as_bytes())).await
}

/// Hears one reply, behind which nothing may follow.
async fn hear(stream: &mut (impl AsyncRead + Unpin), longest: Duration, to: &str) -> Result<Reply, String> {
    let mut said = Vec::with_capacity(512);
    let hearing = async {
        loop {
            match Reply::take(&said).map_err(|e| e.to_string())? {
                Some((reply, taken)) if taken == said.len() => return Ok(reply),
                Some(_) => return Err(format!("the server said more than its answer to {to}")),
                None if said.len() > MAX_REPLY => return Err(format!("the answer to {to} does not end")),
                None => {}
            }
            match stream.read_buf(&mut said).await {
                Ok(0) => {
                    return Err(format!("the server closed the connection before {to} was answered"));
                }
                Ok(_) => {}
                Err(e) => return Err(e.to_string()),
            }
        }
    };
    match timeout(longest, hearing).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer to {to} within {longest:?}")),
    }
}

async fn within<T>(
    longest: Duration,
    what: impl Display,
    step: impl Future<Output = io::Result<T>>,
) -> Result<T, String> {
    match timeout(longest, step).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(e)) => Err(format!("{what} failed: {e}")),
        Err(_) => Err(format!("{what} took longer than {longest:?}")),
    }
}
