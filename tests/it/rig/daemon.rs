//! A server that runs in the foreground as our child, in a process group of its own.

use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::PATIENCE;

/// The first of `paths` that exists; a test that needs what is not installed fails and says what to install.
pub fn installed(paths: &[&str], package: &str) -> PathBuf {
    match paths.iter().find(|path| Path::new(path).exists()) {
        Some(path) => path.into(),
        None => panic!("{} is missing: install the Debian package {package}", paths[0]),
    }
}

/// Runs a command to its end: what it wrote, or what it complained about.
pub fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().unwrap();
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!(
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}

pub struct Daemon {
    child: Child,
    ports: Vec<u16>,
    /// The process that ends the others when it is told to end.
    leader: u32,
}

impl Daemon {
    /// Starts a server and waits until all `ports` greet. `leader` is asked for the process to be told to
    /// end, when that is not the child itself.
    pub fn start(mut command: Command, ports: &[u16], log: &Path, leader: impl Fn() -> Option<u32>) -> Daemon {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let (true, Some(leader)) = (ports.iter().all(listens), leader()) {
                return Daemon { child, ports: ports.to_vec(), leader };
            }
            let ended = child.try_wait().unwrap();
            if ended.is_some() || Instant::now() >= deadline {
                signal("KILL", &format!("-{}", child.id()));
                let log = std::fs::read_to_string(log).unwrap_or_default();
                panic!("{command:?} does not serve {ports:?} ({ended:?}):\n{log}");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        signal("TERM", &self.leader.to_string());
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let ended = matches!(self.child.try_wait(), Ok(Some(_)) | Err(_));
            // The last process may hold a port a moment longer than the first one lives.
            if ended && !self.ports.iter().any(listens) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        for group in [self.leader, self.child.id()] {
            signal("KILL", &format!("-{group}"));
        }
        let _ = self.child.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Reaped already when it was stopped: the number may be another process's by now.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.end();
        }
    }
}

fn listens(port: &u16) -> bool {
    TcpStream::connect(("127.0.0.1", *port)).is_ok()
}

fn signal(name: &str, process: &str) {
    let _ = Command::new("kill").args(["-s", name, "--", process]).stderr(Stdio::null()).status();
}
