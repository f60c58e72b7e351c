//! Where the log goes: standard error, for people or as JSON.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::Log;
use crate::maillog;

/// Starts the log of this process; a second start is ignored.
pub fn start(log: &Log) {
    // The level is for our own lines. The mail log is not silenced by it, and what libraries tell at `debug` and
    // `trace` may hold passwords and mails.
    let filter = format!("warn,huixin={level},{mail}=info", level = log.level, mail = maillog::TARGET);
    let filter = EnvFilter::builder().parse_lossy(filter);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match log.json {
        true => builder.json().flatten_event(true).try_init(),
        false => {
            let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            builder.with_ansi(colour).try_init()
        }
    };
}
