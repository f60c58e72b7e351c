//! What a process has used, as Linux tells it in /proc.

use std::fs;
use std::time::Duration;

/// USER_HZ, which is 100 on every Linux (time(7)).
const TICKS: u64 = 100;

pub struct Process(pub u32);

impl Process {
    /// Time on a processor, for itself and in the kernel.
    pub fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        // The name of the program, in brackets, may hold anything; the fields behind it begin with the third.
        let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks = |field: usize| fields.get(field - 3).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
        Duration::from_millis((ticks(14) + ticks(15)) * 1000 / TICKS)
    }

    /// Memory now, in MB.
    pub fn memory(&self) -> f64 {
        self.status("VmRSS:") as f64 / 1024.0
    }

    /// The most memory it has had, in MB.
    pub fn peak_memory(&self) -> f64 {
        self.status("VmHWM:") as f64 / 1024.0
    }

    /// How often a thread of it has waited, by the name of the thread.
    pub fn waits(&self) -> Vec<(String, u64)> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.0)).into_iter().flatten().flatten();
        let mut waits: Vec<(String, u64)> = threads
            .map(|thread| {
                let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
                (name(&status), field(&status, "voluntary_ctxt_switches:"))
            })
            .collect();
        waits.sort();
        waits
    }

    fn status(&self, name: &str) -> u64 {
        field(&fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap_or_default(), name)
    }
}

fn name(status: &str) -> String {
    status.lines().next().and_then(|line| line.split_whitespace().nth(1)).unwrap_or_default().to_owned()
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
