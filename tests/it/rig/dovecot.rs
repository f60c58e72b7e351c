//! Dovecot 2.3: IMAP over the Maildirs, and the logins of Postfix's submission port.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::daemon::{self, Daemon};
use super::{MAIL_OWNER, PASSWORD, USERS};

/// What Dovecot offers, as far as we may use it.
const OFFERS: &str = "IMAP4rev1 SASL-IR ID ENABLE IDLE LITERAL+ CHILDREN UIDPLUS MOVE ESEARCH SEARCHRES NAMESPACE";

pub struct Dovecot {
    folder: PathBuf,
    ports: [u16; 2],
    running: Option<Daemon>,
}

impl Dovecot {
    /// Starts a server that does not offer `without`, unless that is empty.
    pub fn start(rig: &Path, imap_port: u16, imaps_port: u16, without: &str) -> Dovecot {
        let folder = rig.join("dovecot");
        fs::create_dir(&folder).unwrap();
        let users: String = USERS.iter().map(|user| format!("{user}:{{PLAIN}}{PASSWORD}\n")).collect();
        fs::write(folder.join("users"), users).unwrap();
        let mut text = configuration(rig, imap_port, imaps_port);
        if !without.is_empty() {
            let offers: Vec<&str> = OFFERS.split(' ').filter(|offer| *offer != without).collect();
            text += &format!("imap_capability = {}\n", offers.join(" "));
        }
        fs::write(folder.join("dovecot.conf"), text).unwrap();
        let mut dovecot = Dovecot { folder, ports: [imap_port, imaps_port], running: None };
        dovecot.run();
        dovecot
    }

    pub fn run(&mut self) {
        let program = daemon::installed(&["/usr/sbin/dovecot"], "dovecot-core");
        daemon::installed(&["/usr/lib/dovecot/imap"], "dovecot-imapd");
        let mut command = Command::new(program);
        command.arg("-F").arg("-c").arg(self.folder.join("dovecot.conf"));
        let master = self.folder.join("run/master.pid");
        let leader = || fs::read_to_string(&master).ok()?.trim().parse().ok();
        self.running = Some(Daemon::start(command, &self.ports, &self.log_file(), leader));
    }

    pub fn stop(&mut self) {
        if let Some(daemon) = self.running.take() {
            daemon.stop();
        }
    }

    pub fn doveadm(&self, arguments: &[&str]) -> Result<String, String> {
        let program = daemon::installed(&["/usr/bin/doveadm"], "dovecot-core");
        let mut command = Command::new(program);
        command.arg("-c").arg(self.folder.join("dovecot.conf")).args(arguments);
        daemon::output(&mut command)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("dovecot.log")
    }
}

/// Writes an empty list of UIDs under another UIDVALIDITY and removes what was derived from the old one.
/// Made by hand, since Dovecot takes the time for a new UIDVALIDITY and would not change it within a second.
pub fn forget_uids(maildir: &Path) {
    let list = maildir.join("dovecot-uidlist");
    let header = fs::read_to_string(&list).unwrap_or_default();
    let old = header.split_whitespace().find_map(|word| word.strip_prefix('V')?.parse::<u32>().ok()).unwrap_or(1);
    for entry in fs::read_dir(maildir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("dovecot.index") || name.starts_with("dovecot-uid") {
            fs::remove_file(path).unwrap();
        }
    }
    fs::write(&list, format!("3 V{} N1 G{:032x}\n", old + 1, old + 1)).unwrap();
    chown(&list, Some(MAIL_OWNER), Some(MAIL_OWNER)).unwrap();
}

fn configuration(rig: &Path, imap_port: u16, imaps_port: u16) -> String {
    let rig = rig.display();
    format!(
        "\
base_dir = {rig}/dovecot/run
state_dir = {rig}/dovecot/state
log_path = {rig}/dovecot/dovecot.log
protocols = imap
listen = 127.0.0.1

ssl = yes
ssl_cert = <{rig}/server.pem
ssl_key = <{rig}/server.key
disable_plaintext_auth = no
auth_mechanisms = plain login
# A wrong password is answered at once: the tests try some.
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = username_format=%n {rig}/dovecot/users
}}
userdb {{
  driver = static
  args = uid={MAIL_OWNER} gid={MAIL_OWNER} home={rig}/mail/%n
}}

mail_location = maildir:{rig}/mail/%n
first_valid_uid = 1
mail_max_userip_connections = 1000
namespace inbox {{
  inbox = yes
}}

service imap-login {{
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = {imaps_port}
  }}
}}
service auth {{
  # Where Postfix asks.
  unix_listener {rig}/dovecot/postfix-auth {{
    mode = 0666
  }}
}}
"
    )
}
