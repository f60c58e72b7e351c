//! A real mail host for a test: Postfix takes mail by SMTP, Dovecot serves it by IMAP, both from one folder of
//! Maildirs. Each [`Rig`] has its own ports on 127.0.0.1, its own folder and its own certificate authority, so
//! several run at a time; it is gone when it is dropped.
//!
//! The organisation is `example.com`, whose recipients are [`USERS`] and nobody else; its customers are at
//! `example.org`, where everybody exists and who has no mailbox of their own shares that of `world`.
//! Postfix starts only as root, which a container's tests are.

mod ca;
mod daemon;
mod dovecot;
mod postfix;
mod wire;

use std::fs;
use std::io;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use dovecot::Dovecot;
use postfix::Postfix;
use wire::Dialogue;

/// The users of `example.com`, each with a mailbox; `customer` and `stranger` are at `example.org` too.
pub const USERS: [&str; 8] = ["support", "agent", "agent2", "bounces", "postmaster", "customer", "stranger", "world"];
/// The password of every user.
pub const PASSWORD: &str = "pässword 1";
/// The certificate names this host and no address: connect to it by name.
pub const HOST: &str = "localhost";

/// How long a mail may be on its way, and a daemon take to start or stop, on a machine that is busy compiling.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// The owner of all mail: `nobody` on every Unix that Debian runs on.
const MAIL_OWNER: u32 = 65534;

pub struct Rig {
    /// IMAP without TLS.
    pub imap_port: u16,
    /// IMAP over TLS.
    pub imaps_port: u16,
    /// SMTP, with STARTTLS if wanted and without a login.
    pub smtp_port: u16,
    /// SMTP over TLS, only after a login as one of [`USERS`].
    pub submission_port: u16,
    /// The certificate of the authority that has signed [`HOST`]'s.
    pub ca_pem: Vec<u8>,
    // In the order in which they have to go.
    postfix: Postfix,
    dovecot: Dovecot,
    folder: tempfile::TempDir,
    _claims: [UdpSocket; 4],
}

impl Rig {
    /// Starts both servers and returns when they answer.
    pub fn start() -> Rig {
        Rig::start_without("")
    }

    /// The same, with an IMAP server that does not offer this, such as `MOVE`.
    pub fn start_without(offer: &str) -> Rig {
        let folder = tempfile::Builder::new().prefix("rig").tempdir().unwrap();
        // Servers under other users pass through it.
        fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let ca_pem = ca::make(folder.path(), HOST);
        fs::create_dir(folder.path().join("mail")).unwrap();
        chown(folder.path().join("mail"), Some(MAIL_OWNER), Some(MAIL_OWNER)).unwrap();
        for user in USERS {
            make_maildir(&folder.path().join("mail").join(user)).unwrap();
        }
        let ports: [(u16, UdpSocket); 4] = std::array::from_fn(|_| claim_port());
        let [imap_port, imaps_port, smtp_port, submission_port] = ports.each_ref().map(|(port, _)| *port);
        let dovecot = Dovecot::start(folder.path(), imap_port, imaps_port, offer);
        let postfix = Postfix::start(folder.path(), smtp_port, submission_port);
        let _claims = ports.map(|(_, claim)| claim);
        Rig { imap_port, imaps_port, smtp_port, submission_port, ca_pem, postfix, dovecot, folder, _claims }
    }

    /// The Maildir that is this user's INBOX; other folders lie in it as `.Name`.
    pub fn maildir(&self, user: &str) -> PathBuf {
        self.folder.path().join("mail").join(user)
    }

    /// Hands a mail to Postfix by SMTP and returns when Postfix has it. `from` may be empty, for `<>`.
    pub fn deliver(&self, from: &str, to: &str, mail: &[u8]) {
        self.try_deliver(from, to, mail).unwrap_or_else(|reply| panic!("{to}: {reply}"));
    }

    /// The same; a refusal is the reply that Postfix gave.
    pub fn try_deliver(&self, from: &str, to: &str, mail: &[u8]) -> Result<(), String> {
        Dialogue::smtp(self.smtp_port).send(from, to, mail)
    }

    /// Lays a mail into this user's INBOX without Postfix, as a delivery agent does: whole, then visible.
    pub fn lay(&self, user: &str, mail: &[u8]) {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let name = format!("{}.Q{}.rig", since.as_micros(), COUNT.fetch_add(1, Ordering::Relaxed));
        let (tmp, new) = (self.maildir(user).join("tmp").join(&name), self.maildir(user).join("new").join(&name));
        fs::write(&tmp, mail).unwrap();
        chown(&tmp, Some(MAIL_OWNER), Some(MAIL_OWNER)).unwrap();
        fs::rename(tmp, new).unwrap();
    }

    /// The mails in this user's INBOX, in the order of their file names, which begin with the time.
    pub fn mails(&self, user: &str) -> Vec<Vec<u8>> {
        self.mails_in(&self.maildir(user))
    }

    /// The mails in a Maildir, such as `maildir("support").join(".Done")`.
    pub fn mails_in(&self, maildir: &Path) -> Vec<Vec<u8>> {
        let mut paths: Vec<_> = ["cur", "new"]
            .iter()
            .filter_map(|part| fs::read_dir(maildir.join(part)).ok())
            .flatten()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
        // A mail may be renamed between the two: it will be there at the next look.
        paths.iter().filter_map(|path| fs::read(path).ok()).collect()
    }

    /// Waits until a mail that `wanted` likes is in the INBOX of `user`, and returns it.
    pub fn wait_mail(&self, user: &str, wanted: impl Fn(&[u8]) -> bool, longest: Duration) -> Vec<u8> {
        let deadline = Instant::now() + longest;
        loop {
            let mails = self.mails(user);
            if let Some(mail) = mails.iter().find(|mail| wanted(mail)) {
                return mail.clone();
            }
            if Instant::now() >= deadline {
                let shown: Vec<String> = mails.iter().map(|mail| beginning(mail)).collect();
                panic!(
                    "no such mail for {user} within {longest:?}; there are {}: {shown:#?}\n{}",
                    mails.len(),
                    self.logs()
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Gives the INBOX of `user` another UIDVALIDITY and its mails other UIDs, as a restore from a backup
    /// does. Open IMAP connections are closed.
    pub fn reset_uid_validity(&mut self, user: &str) {
        self.dovecot.stop();
        dovecot::forget_uids(&self.maildir(user));
        self.dovecot.run();
    }

    /// What a person at another mail program does: moves a mail of the INBOX into a folder, which is created.
    pub fn move_mail(&self, user: &str, uid: u32, folder: &str) {
        self.doveadm(&["mailbox", "create", "-u", user, folder]).ok();
        let uid = uid.to_string();
        self.doveadm(&["move", "-u", user, folder, "mailbox", "INBOX", "uid", &uid]).unwrap();
    }

    /// Runs `doveadm` on this Dovecot, such as `["fetch", "-u", "support", "uid flags", "all"]`.
    pub fn doveadm(&self, arguments: &[&str]) -> Result<String, String> {
        self.dovecot.doveadm(arguments)
    }

    /// Open IMAP connections are closed.
    pub fn dovecot_restart(&mut self) {
        self.dovecot.stop();
        self.dovecot.run();
    }

    pub fn postfix_stop(&mut self) {
        self.postfix.stop();
    }

    pub fn postfix_start(&mut self) {
        self.postfix.run();
    }

    /// What both servers have written, for a test that fails.
    pub fn logs(&self) -> String {
        self.dovecot.log() + &self.postfix.log()
    }
}

/// Enough of a mail to know it again.
fn beginning(mail: &[u8]) -> String {
    String::from_utf8_lossy(&mail[..mail.len().min(600)]).into_owned()
}

fn make_maildir(folder: &Path) -> io::Result<()> {
    for part in ["", "tmp", "new", "cur"] {
        fs::create_dir(folder.join(part))?;
        chown(folder.join(part), Some(MAIL_OWNER), Some(MAIL_OWNER))?;
    }
    Ok(())
}

/// A port of 127.0.0.1 that nobody listens on, and the claim to it, which is kept as long as the port is used.
///
/// Below 32768, whence Linux takes the ports of outgoing connections, so that none of those takes it before our server
/// does; and never twice in one process. Tests of another process look for ports in the same way: who has the UDP port
/// of the same number has the port, also while its server does not listen yet or has stopped. Whether a stranger listens
/// is asked by connecting. A listener of our own, opened to try and closed again, would stay open for a moment in a
/// child that another thread is just starting, and be in our server's way.
fn claim_port() -> (u16, UdpSocket) {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = (std::process::id() % 10_000) as u16;
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if let Ok(claim) = UdpSocket::bind(("127.0.0.1", port))
            && TcpStream::connect(("127.0.0.1", port)).is_err()
        {
            return (port, claim);
        }
    }
}

#[test]
fn the_rig_delivers_and_serves_mail() {
    let mut rig = Rig::start();
    let mail = b"From: customer@example.org\r\nTo: support@example.com\r\nSubject: hello\r\n\r\n.one\r\n..two\r\n";
    rig.deliver("customer@example.org", "support+detail@example.com", mail);
    let stored = rig.wait_mail("support", |mail| mail.ends_with(b".one\n..two\n"), PATIENCE);
    assert!(stored.starts_with(b"Return-Path: <customer@example.org>\n"));
    rig.deliver("", "anybody@example.org", mail);
    rig.wait_mail("world", |mail| mail.starts_with(b"Return-Path: <>"), PATIENCE);
    let refused = rig.try_deliver("a@example.org", "nobody@example.com", mail);
    assert!(refused.unwrap_err().starts_with("550 5.1.1"));
    assert!(rig.try_deliver("a@example.org", "a@example.net", mail).is_err());

    // Visible by IMAP, with keywords that stay, and idle notices mail as it comes.
    let mut imap = Dialogue::imap(rig.imap_port);
    imap.command("LOGIN agent \"wrong\"").unwrap_err();
    imap.login("support", PASSWORD);
    assert!(imap.command("CAPABILITY").unwrap().contains(" UIDPLUS"));
    let selected = imap.command("SELECT INBOX").unwrap();
    assert!(selected.contains("* 1 EXISTS") && selected.contains("\\*)"), "{selected}");
    assert!(imap.command("UID STORE 1 +FLAGS (huixin-done)").is_ok());
    assert!(imap.command("UID FETCH 1 (FLAGS BODY.PEEK[])").unwrap().contains("..two\r\n"));
    imap.say("i IDLE");
    imap.until("+ ");
    rig.deliver("customer@example.org", "support@example.com", mail);
    imap.until("* 2 EXISTS");

    // A second person moves a mail.
    rig.move_mail("support", 1, "Done");
    imap.until("EXPUNGE");
    assert_eq!(rig.mails_in(&rig.maildir("support").join(".Done")).len(), 1);
    let flags = rig.doveadm(&["fetch", "-u", "support", "flags", "mailbox", "Done", "all"]).unwrap();
    assert!(flags.contains("huixin-done"), "{flags}");

    // Another UIDVALIDITY: the same mail under another name.
    let validity = |rig: &Rig| rig.doveadm(&["mailbox", "status", "-u", "support", "uidvalidity", "INBOX"]).unwrap();
    let before = validity(&rig);
    rig.reset_uid_validity("support");
    assert_ne!(validity(&rig), before);
    let uids = rig.doveadm(&["fetch", "-u", "support", "uid", "mailbox", "INBOX", "all"]).unwrap();
    assert_eq!(uids.trim(), "uid: 1");

    // Postfix away and back, with the mail it had.
    rig.postfix_stop();
    assert!(TcpStream::connect(("127.0.0.1", rig.smtp_port)).is_err(), "Postfix still answers");
    rig.postfix_start();
    rig.deliver("agent@example.com", "customer@example.org", b"Subject: back\r\n\r\n");
    rig.wait_mail("customer", |mail| mail.windows(4).any(|w| w == b"back"), PATIENCE);
}

#[test]
fn two_rigs_run_side_by_side() {
    let rigs = [Rig::start(), Rig::start()];
    rigs[0].deliver("a@example.org", "agent@example.com", b"Subject: first\r\n\r\n");
    rigs[0].wait_mail("agent", |_| true, PATIENCE);
    assert!(rigs[1].mails("agent").is_empty());
}
