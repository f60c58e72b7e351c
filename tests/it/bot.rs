//! The bot as a process of its own, connected to a [`Rig`]: what a person runs.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::rig::{HOST, PASSWORD, Rig};

/// How long a bot may take for what it does in seconds, on a machine that is busy compiling.
const PATIENCE: Duration = Duration::from_secs(180);

const PROGRAM: &str = env!("CARGO_BIN_EXE_huixin");

const ONE_RULE: &str = r#"schema = 1
[[rule]]
id = "deliver.bounce.554-dt-spm"
title = { en = "554 DT:SPM" }
status = "stable"
category = "deliver.bounce"
weight = 18.0
[rule.when]
any = [{ re = 'dt:spm' }]
[rule.do]
reply = "kb/554-dt-spm"
[[rule.test]]
name = "plain"
body = "554 DT:SPM"
want = { match = true }
[[rule.test]]
name = "something else"
body = "Does the choir rehearse?"
want = { match = false }
"#;

/// More mail than budgets and breaker let through; how they hold is shown elsewhere.
const LIFTED: &str = r#"
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
"#;

/// A configured bot, running or not. Killed when dropped.
pub struct Bot {
    folder: tempfile::TempDir,
    child: Option<Child>,
    /// Variables of its environment.
    environment: Vec<(String, PathBuf)>,
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
{LIFTED}"#,
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
        Bot { folder, child: None, environment: Vec::new() }
    }

    /// A bot with a Maildir `in/` whose mail leaves over one connection to a [`Sink`](crate::sink::Sink) at `port`.
    /// `changes` replaces pieces of bot.toml.
    pub fn with_sink(port: u16, changes: &[(&str, &str)]) -> Bot {
        let bot = Bot::local();
        let relay = format!(
            "smtp = {{ host = \"127.0.0.1\", port = {port}, tls = \"plain\", hello = \"bot.example.com\", connections = 1 }}"
        );
        let lifted = format!("verify_dkim = false\n{LIFTED}");
        bot.change(&[("maildir.path = \"out\"", &relay), ("verify_dkim = false\n", &lifted)]);
        bot.change(changes);
        bot.with_one_rule()
    }

    /// Gives the bot one rule in the place of all: it starts twenty times as fast.
    pub fn with_one_rule(self) -> Bot {
        let folder = self.folder.path().join("one");
        fs::create_dir(&folder).unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        for file in ["taxonomy.toml", "holidays.toml"] {
            fs::copy(shipped.join(file), folder.join(file)).unwrap();
        }
        fs::write(folder.join("one.toml"), ONE_RULE).unwrap();
        let file = self.folder.path().join("bot.toml");
        let text = fs::read_to_string(&file).unwrap();
        let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("rules = ")).collect();
        lines.insert(1, "rules = \"one\"");
        fs::write(file, lines.join("\n")).unwrap();
        self
    }

    /// Replaces pieces of bot.toml.
    pub fn change(&self, changes: &[(&str, &str)]) {
        let file = self.folder.path().join("bot.toml");
        let mut text = fs::read_to_string(&file).unwrap();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        fs::write(file, text).unwrap();
    }

    /// Lays a mail into `in/`: whole, then visible.
    pub fn lay(&self, name: &str, mail: &[u8]) {
        let folder = self.folder.path().join("in");
        fs::write(folder.join("tmp").join(name), mail).unwrap();
        fs::rename(folder.join("tmp").join(name), folder.join("new").join(name)).unwrap();
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
        Bot { folder, child: None, environment: Vec::new() }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sets a variable of the environment in which it starts.
    pub fn set(&mut self, name: &str, value: &Path) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Asks the bot to read its files again now.
    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// Starts the bot and returns when it says that it is running, once more than before.
    pub fn start(&mut self) {
        let before = self.starts();
        self.spawn();
        self.wait("the start", |bot| {
            assert!(!bot.has_ended(), "the bot has ended\n{}", bot.log());
            bot.starts() > before
        });
    }

    /// How often it has said that it is running.
    pub fn starts(&self) -> usize {
        self.log().matches("huixin is running").count()
    }

    /// Starts the bot and does not wait.
    pub fn spawn(&mut self) {
        self.spawn_with(&[]);
    }

    /// The same with variables of the environment, such as `HUIXIN_DIES_AT` (src/failpoint.rs).
    pub fn spawn_with(&mut self, environment: &[(&str, &str)]) {
        self.spawn_as(&mut Command::new(PROGRAM), environment);
    }

    /// The same by another program, which is given the command line of the bot at the end of its own.
    pub fn spawn_under(&mut self, wrapper: &[&str]) {
        self.spawn_as(Command::new(wrapper[0]).args(&wrapper[1..]).arg(PROGRAM), &[]);
    }

    fn spawn_as(&mut self, command: &mut Command, environment: &[(&str, &str)]) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_path()).unwrap();
        let command = command.arg("run").current_dir(self.folder.path());
        let own = self.environment.iter().map(|(name, value)| (name, value));
        let command = command.envs(own).envs(environment.iter().copied());
        self.child = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    /// The number of the process that runs.
    pub fn process(&self) -> u32 {
        self.child.as_ref().expect("a running bot").id()
    }

    /// Stops the process in full flight; it can go on, or be killed.
    pub fn halt(&self) {
        self.signal("-STOP");
    }

    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").arg(name).arg(self.process().to_string()).status().unwrap().success());
    }

    /// The bot's folder as the running bot sees it, with what is mounted for it alone.
    pub fn root(&self) -> PathBuf {
        let folder = self.folder.path().strip_prefix("/").unwrap();
        Path::new("/proc").join(self.process().to_string()).join("root").join(folder)
    }

    /// What another command of the program says where the running bot is.
    pub fn inside(&self, arguments: &[&str]) -> String {
        let output = Command::new(PROGRAM).current_dir(self.root()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until the bot ends by itself; gives the exit code, which one that died by a signal has not.
    pub fn wait_end(&mut self) -> Option<i32> {
        self.wait("the end of the bot", Bot::has_ended);
        self.child.take().unwrap().wait().unwrap().code()
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    /// Starts the bot and waits until it has looked into its mailbox, which it tells at its first start.
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
        self.child.as_ref()?;
        self.signal("-INT");
        self.wait_end()
    }

    /// Another command of the program, beside the running bot: exit code, standard output, standard error.
    pub fn command(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        self.command_with(arguments, &[])
    }

    /// The same in this environment.
    pub fn command_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
        let mut command = Command::new(PROGRAM);
        command.envs(environment.iter().copied());
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

pub fn copy(from: &Path, to: &Path) {
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
