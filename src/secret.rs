//! Passwords and tokens: read when they are needed, from where the admin keeps them, shown to nobody.
//!
//! A file and a command are read anew at each login, so a changed password needs no restart.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use secrecy::SecretString;

/// Octets of a secret: an OAuth token has a few thousand.
const MAX_SECRET: usize = 16 * 1024;
/// How long a `password_command` may take: it asks a key store on the way to a login, not a human.
const COMMAND_TIME: Duration = Duration::from_secs(10);

/// Where a secret comes from.
#[derive(Debug, Clone)]
pub enum Keeper {
    Given(SecretString),
    /// `password_file`: nobody but its owner may read it.
    File(PathBuf),
    /// `password_command`: a program and its arguments, run without a shell; its output is the secret.
    Command(Vec<String>),
}

/// Fetches the secret. It may wait for a disk or a program: not to be called where nothing may block.
pub type Provider = Arc<dyn Fn() -> Result<SecretString, String> + Send + Sync>;

impl Keeper {
    pub fn provider(self) -> Provider {
        Arc::new(move || self.fetch())
    }

    pub fn fetch(&self) -> Result<SecretString, String> {
        match self {
            Keeper::Given(secret) => Ok(secret.clone()),
            Keeper::File(path) => from_file(path).map_err(|why| format!("password_file {}: {why}", path.display())),
            // The arguments may be telling; the program's name is not.
            Keeper::Command(words) => from_command(words, COMMAND_TIME).map_err(|why| {
                let program = words.first().map_or("(empty)", String::as_str);
                format!("password_command {program}: {why}")
            }),
        }
    }
}

fn from_file(path: &Path) -> Result<SecretString, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let metadata = file.metadata().map_err(|e| e.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a file".into());
    }
    // Asked of the open file: nobody can put another in its place in between.
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!("others can read it (mode {mode:03o}); say chmod 600 {}", path.display()));
    }
    secret_of(read_bounded(file).map_err(|e| e.to_string())?)
}

fn from_command(words: &[String], longest: Duration) -> Result<SecretString, String> {
    let (program, arguments) = words.split_first().ok_or("it names no program")?;
    let deadline = Instant::now() + longest;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let output = child.stdout.take().ok_or("it has no output")?;
    let (sender, receiver) = mpsc::channel();
    // A thread of its own, since a read from a pipe cannot be given up; it ends with the pipe.
    thread::spawn(move || sender.send(read_bounded(output)));
    let finished = receiver
        .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        .ok()
        .and_then(|read| Some((read, wait_until(&mut child, deadline)?)));
    let Some((read, status)) = finished else {
        // It may have just ended by itself; then there is nothing to kill.
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("no answer within {longest:?}"));
    };
    if !status.success() {
        return Err(format!("it failed with {status}"));
    }
    secret_of(read.map_err(|e| e.to_string())?)
}

fn wait_until(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            _ => return None,
        }
    }
}

fn read_bounded(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_SECRET as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// One line of text; its end, which editors and `echo` add, is not part of it.
fn secret_of(bytes: Vec<u8>) -> Result<SecretString, String> {
    if bytes.len() > MAX_SECRET {
        return Err(format!("it has more than {MAX_SECRET} octets"));
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    match line {
        "" => Err("it is empty".into()),
        line if line.contains(char::is_control) => Err("it has more than one line or a control character".into()),
        line => Ok(SecretString::from(line)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use secrecy::ExposeSecret;

    use super::*;

    fn shown(secret: Result<SecretString, String>) -> Result<String, String> {
        secret.map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn a_file_gives_its_line_to_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        for (bytes, mode, want) in [
            (&b"hunter2\n"[..], 0o600, Ok("hunter2")),
            (b"hunter2", 0o400, Ok("hunter2")),
            (b"with space \r\n", 0o600, Ok("with space ")),
            ("密码\n".as_bytes(), 0o600, Ok("密码")),
            (b"", 0o600, Err("it is empty")),
            (b"\n", 0o600, Err("it is empty")),
            (b"a\nb\n", 0o600, Err("more than one line")),
            (b"\xff\xfe", 0o600, Err("not UTF-8")),
            (&[b'x'; MAX_SECRET + 1], 0o600, Err("more than 16384 octets")),
            (b"hunter2\n", 0o640, Err("say chmod 600")),
            (b"hunter2\n", 0o604, Err("mode 604")),
            (b"hunter2\n", 0o620, Err("say chmod 600")),
        ] {
            // A file that is not writable cannot be written again.
            let _ = fs::remove_file(&path);
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            match (shown(Keeper::File(path.clone()).fetch()), want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want),
                (Err(why), Err(want)) => {
                    assert!(why.contains(want) && why.contains("password_file"), "{why}");
                    assert!(!why.contains("hunter2"), "{why}");
                }
                (got, want) => panic!("{bytes:?} {mode:o}: {got:?}, not {want:?}"),
            }
        }
        assert!(Keeper::File(folder.path().join("none")).fetch().is_err());
        assert!(Keeper::File(folder.path().to_owned()).fetch().is_err());
    }

    #[test]
    fn a_command_gives_its_output_without_a_shell() {
        for (words, want) in [
            (&["echo", "hunter2"][..], Ok("hunter2")),
            (&["printf", "%s", "$HOME;`id`"], Ok("$HOME;`id`")),
            (&["sh", "-c", "echo hunter2; exit 3"], Err("exit status: 3")),
            (&["true"], Err("it is empty")),
            (&["/nonexistent/program", "secret-argument"], Err("password_command /nonexistent/program")),
            (&[], Err("it names no program")),
        ] {
            let words = words.iter().map(|word| word.to_string()).collect();
            match (shown(Keeper::Command(words).fetch()), want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want),
                (Err(why), Err(want)) => {
                    assert!(why.contains(want), "{why}");
                    assert!(!why.contains("hunter2") && !why.contains("secret-argument"), "{why}");
                }
                (got, want) => panic!("{got:?}, not {want:?}"),
            }
        }
    }

    #[test]
    fn a_command_that_does_not_end_is_ended() {
        // With its output open, with its output closed, and with a child of its own that holds it open.
        for script in ["exec sleep 600", "exec >&-; exec sleep 600", "sleep 30; true"] {
            let words = ["sh", "-c", script].map(str::to_owned);
            let why = shown(from_command(&words, Duration::from_millis(100))).unwrap_err();
            assert!(why.contains("no answer within 100ms"), "{script}: {why}");
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let keeper = Keeper::Given("hunter2".to_owned().into());
        assert!(!format!("{keeper:?} {:?}", keeper.fetch()).contains("hunter2"));
        assert_eq!(shown(keeper.provider()()), Ok("hunter2".into()));
    }
}
