//! The bot as a process of its own, connected to a [`Rig`]: what a person runs.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::rig::{HOST, PASSWORD, Rig};

/// How long a start may take on a machine that is busy compiling.
const PATIENCE: Duration = Duration::from_secs(60);

/// A configured bot, running or not. Killed when dropped.
pub struct Bot {
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Bot {
    /// Writes a configuration for the mailbox `support` of the rig: IMAP over TLS, submission over TLS with a
    /// login. `changes` replaces pieces of bot.toml.
    pub fn configure(rig: &Rig, changes: &[(&str, &str)]) -> Bot {
        let folder = tempfile::Builder::new().prefix("bot").tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let write = |name: &str, text: &[u8], mode: u32| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        };
        write("ca.pem", &rig.ca_pem, 0o644);
        write("secret", PASSWORD.as_bytes(), 0o600);
        let mut text = format!(
            r#"[bot]
data = "data"
rules = {rules:?}
templates = {templates:?}
operator = "postmaster@example.com"

{organisation}
[mailbox.support]
addresses = ["support@example.com"]

[mailbox.support.imap]
host = "{HOST}"
port = {imap}
ca_file = "ca.pem"
user = "support"
auth = "plain"
password_file = "secret"
keyword = "huixin"

[relay.smtp]
host = "{HOST}"
port = {smtp}
ca_file = "ca.pem"
user = "support"
auth = "plain"
password_file = "secret"
hello = "bot.example.com"

[handoff]
to = ["agent@example.com"]

[reply]
verify_dkim = false

[budget]
unknown_hour = 100000
unknown_day = 100000
domain_hour = 100000
domain_day = 100000
first_time_day = 100000
global_hour = 100000
global_day = 100000
forwards_to_hour = 100000

[breaker]
answers_hour = 0
times_median = 0
"#,
            rules = root.join("rules"),
            templates = root.join("templates"),
            organisation = organisation(root),
            imap = rig.imaps_port,
            smtp = rig.submission_port,
        );
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        write("bot.toml", text.as_bytes(), 0o644);
        Bot { folder, child: None }
    }

    /// A bot with Maildirs on both sides, `in/` and `out/`, and with rules and templates of its own, copies of the
    /// shipped ones, in its folder.
    pub fn local() -> Bot {
        let folder = tempfile::Builder::new().prefix("bot").tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for part in ["in/tmp", "in/new", "in/cur", "out/tmp", "out/new", "out/cur"] {
            fs::create_dir_all(folder.path().join(part)).unwrap();
        }
        for part in ["rules", "templates"] {
            copy(&root.join(part), &folder.path().join(part));
        }
        let text = format!(
            r#"[bot]
data = "data"
operator = "postmaster@example.com"

{organisation}
[mailbox.support]
addresses = ["support@example.com"]
maildir.path = "in"

[relay]
maildir.path = "out"

[handoff]
to = ["agent@example.com"]

[reply]
verify_dkim = false
"#,
            organisation = organisation(root),
        );
        fs::write(folder.path().join("bot.toml"), text).unwrap();
        Bot { folder, child: None }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asks the bot to read its files again now.
    pub fn hang_up(&self) {
        let child = self.child.as_ref().expect("a running bot");
        let sent = Command::new("kill").arg("-HUP").arg(child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Starts the bot and returns when it says that it is running.
    pub fn start(&mut self) {
        self.spawn();
        self.wait_log("huixin is running");
    }

    /// Starts the bot and does not wait.
    pub fn spawn(&mut self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_path()).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_huixin"))
            .current_dir(self.folder.path())
            .arg("run")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Starts the bot and waits until it has looked into its mailbox for the first time.
    pub fn start_and_look(&mut self) {
        self.start();
        self.wait_log("event=\"looked\"");
    }

    /// As `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// As Ctrl-C; gives the exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let mut child = self.child.take()?;
        let sent = Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
        assert!(sent.success());
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the bot does not stop\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Another command of the program, beside the running bot: exit code, standard output, standard error.
    pub fn command(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_huixin"));
        let output = command.current_dir(self.folder.path()).args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// All that the bot has logged so far, over all its starts.
    pub fn log(&self) -> String {
        let mut text = String::new();
        if let Ok(mut file) = fs::File::open(self.log_path()) {
            let _ = file.read_to_string(&mut text);
        }
        text
    }

    /// Lines of the mail log about one kind of event, such as `received`.
    pub fn events(&self, event: &str) -> Vec<String> {
        let mark = format!("event=\"{event}\"");
        self.log().lines().filter(|line| line.contains(&mark)).map(String::from).collect()
    }

    /// Waits until the log holds a text.
    pub fn wait_log(&mut self, text: &str) {
        self.wait(&format!("{text:?} in the log"), |bot| bot.log().contains(text));
    }

    /// Waits until something holds.
    pub fn wait(&mut self, what: &str, mut holds: impl FnMut(&mut Bot) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.kill();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The organisation of the shipped configuration: the shipped templates speak of it.
fn organisation(root: &Path) -> String {
    let shipped = fs::read_to_string(root.join("bot.toml")).unwrap();
    let from = shipped.find("[organisation]").unwrap();
    let rest = &shipped[from..];
    rest[..rest.find("\n\n").unwrap()].to_owned() + "\n"
}
