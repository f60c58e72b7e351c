//! The servers that mail comes from and goes to, and how the bot logs in.

use std::time::Duration;

use secrecy::SecretString;

#[derive(Debug, Clone)]
pub enum Source {
    Maildir { path: String },
    Imap(Box<Imap>),
}

#[derive(Debug, Clone)]
pub struct Imap {
    pub server: Server,
    pub login: Login,
    pub folder: String,
    /// Set on a mail once it is committed.
    pub keyword: Option<String>,
    /// Where a mail is moved once it is committed.
    pub move_to: Option<String>,
    /// The longest time between two looks, whatever the server says or does not say.
    pub poll: Duration,
}

#[derive(Debug, Clone)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// A file with the certificates of an own authority, PEM.
    pub ca_file: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// From the first octet (RFC 8314 §3): the default.
    Implicit,
    StartTls,
    /// Only to this machine itself.
    Plain,
}

#[derive(Debug, Clone)]
pub struct Login {
    pub user: String,
    pub auth: Auth,
    pub secret: Secret,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    Login,
    Plain,
    /// The secret is an access token.
    XOAuth2,
}

/// Where a password or token is found.
#[derive(Debug, Clone)]
pub enum Secret {
    /// From the environment.
    Given(SecretString),
    File(String),
    /// A program and its arguments; what it prints is the secret.
    Command(Vec<String>),
}

#[derive(Debug, Clone)]
pub enum Relay {
    /// A folder that receives what would have been sent.
    Maildir {
        path: String,
    },
    Smtp(Box<Smtp>),
}

#[derive(Debug, Clone)]
pub struct Smtp {
    pub server: Server,
    pub login: Option<Login>,
    /// Our name in EHLO.
    pub hello: String,
    pub connections: usize,
    /// Octets of the largest mail we hand over.
    pub largest: u64,
    /// How long to wait after the final dot (RFC 5321 §4.5.3.2.6 asks for ten minutes).
    pub final_dot: Duration,
}
