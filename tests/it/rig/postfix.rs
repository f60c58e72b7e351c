//! Postfix 3.7: takes mail for two domains and puts it into the Maildirs; asks no name server and sends
//! nothing anywhere else.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::daemon::{self, Daemon};
use super::{MAIL_OWNER, USERS};

pub struct Postfix {
    folder: PathBuf,
    ports: [u16; 2],
    running: Option<Daemon>,
}

impl Postfix {
    pub fn start(rig: &Path, smtp_port: u16, submission_port: u16) -> Postfix {
        let folder = rig.join("postfix");
        for part in ["", "etc", "spool", "data"] {
            fs::create_dir(folder.join(part)).unwrap();
        }
        // It insists on owning this one.
        let owner = daemon::output(Command::new("id").args(["-u", "postfix"]))
            .unwrap_or_else(|_| panic!("there is no user postfix: install the Debian package postfix"));
        chown(folder.join("data"), owner.trim().parse().ok(), None).unwrap();
        fs::write(folder.join("etc/main.cf"), main_cf(rig)).unwrap();
        fs::write(folder.join("etc/master.cf"), master_cf(smtp_port, submission_port)).unwrap();
        fs::write(folder.join("etc/mailboxes"), mailboxes()).unwrap();
        let mut postfix = Postfix { folder, ports: [smtp_port, submission_port], running: None };
        postfix.run();
        postfix
    }

    pub fn run(&mut self) {
        let program = daemon::installed(&["/usr/sbin/postfix"], "postfix");
        let mut command = Command::new(program);
        command.arg("-c").arg(self.folder.join("etc")).arg("start-fg");
        let master = self.folder.join("spool/pid/master.pid");
        let leader = || fs::read_to_string(&master).ok()?.trim().parse().ok();
        self.running = Some(Daemon::start(command, &self.ports, &self.log_file(), leader));
    }

    pub fn stop(&mut self) {
        if let Some(daemon) = self.running.take() {
            daemon.stop();
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("maillog")
    }
}

/// Who gets mail where, under `virtual_mailbox_base`; a `/` at the end makes it a Maildir.
fn mailboxes() -> String {
    let mut table: String = USERS.iter().map(|user| format!("{user}@example.com {user}/\n")).collect();
    for user in ["customer", "stranger"] {
        table += &format!("{user}@example.org {user}/\n");
    }
    table + "@example.org world/\n"
}

fn main_cf(rig: &Path) -> String {
    let rig = rig.display();
    format!(
        "\
compatibility_level = 3.6
queue_directory = {rig}/postfix/spool
data_directory = {rig}/postfix/data
maillog_file = {rig}/postfix/maillog
maillog_file_prefixes = {rig}

myhostname = mail.example.com
mydestination =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = reject_unauth_destination
default_transport = error:5.4.4 there is no outside world
disable_dns_lookups = yes
smtp_host_lookup = native
smtpd_peername_lookup = no
# Adds no Message-ID and no Date: what arrives is what was sent.
local_header_rewrite_clients =

virtual_mailbox_domains = example.com, example.org
virtual_mailbox_base = {rig}/mail
virtual_mailbox_maps = texthash:{rig}/postfix/etc/mailboxes
virtual_uid_maps = static:{MAIL_OWNER}
virtual_gid_maps = static:{MAIL_OWNER}
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
message_size_limit = 52428800
recipient_delimiter = +

smtpd_tls_security_level = may
smtpd_tls_cert_file = {rig}/server.pem
smtpd_tls_key_file = {rig}/server.key
smtpd_sasl_type = dovecot
smtpd_sasl_path = {rig}/dovecot/postfix-auth

# Mail that was put off comes soon; nobody is slowed down.
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
in_flow_delay = 0
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
"
    )
}

/// One line a service: type, private, unprivileged, chroot, wake-up, process limit, command.
fn master_cf(smtp_port: u16, submission_port: u16) -> String {
    format!(
        "\
127.0.0.1:{smtp_port} inet n - n - - smtpd
127.0.0.1:{submission_port} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"
    )
}
