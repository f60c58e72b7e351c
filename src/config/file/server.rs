//! Where mail comes from and where it leaves: folders and servers.

use serde::Deserialize;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaildirTable {
    pub path: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImapTable {
    pub host: String,
    pub port: Option<u16>,
    pub tls: String,
    pub ca_file: Option<String>,
    pub user: String,
    pub auth: String,
    pub password: Option<String>,
    pub password_file: Option<String>,
    pub password_command: Option<Vec<String>>,
    pub folder: String,
    pub keyword: Option<String>,
    pub move_to: Option<String>,
    pub poll_seconds: u64,
}

impl Default for ImapTable {
    fn default() -> ImapTable {
        ImapTable {
            host: String::new(),
            port: None,
            tls: "implicit".into(),
            ca_file: None,
            user: String::new(),
            auth: "login".into(),
            password: None,
            password_file: None,
            password_command: None,
            folder: "INBOX".into(),
            keyword: None,
            move_to: None,
            poll_seconds: 60,
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RelayTable {
    pub bounce_address: Option<String>,
    pub maildir: Option<MaildirTable>,
    pub smtp: Option<SmtpTable>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmtpTable {
    pub host: String,
    pub port: Option<u16>,
    pub tls: String,
    pub ca_file: Option<String>,
    pub user: Option<String>,
    pub auth: String,
    pub password: Option<String>,
    pub password_file: Option<String>,
    pub password_command: Option<Vec<String>>,
    pub hello: Option<String>,
    pub connections: usize,
    pub largest_mb: u32,
    pub final_dot_seconds: u64,
}

impl Default for SmtpTable {
    fn default() -> SmtpTable {
        SmtpTable {
            host: String::new(),
            port: None,
            tls: "implicit".into(),
            ca_file: None,
            user: None,
            auth: "plain".into(),
            password: None,
            password_file: None,
            password_command: None,
            hello: None,
            connections: 4,
            largest_mb: 20,
            final_dot_seconds: 600,
        }
    }
}
