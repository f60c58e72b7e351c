//! What a person types: one file a command.
//!
//! Results go to standard output, everything else to standard error; colour and progress bars only on a
//! terminal. Exit codes follow sysexits.h: 0 done, 1 a comparison found differences, 64 wrong usage, 65 a mail or file cannot be used, 69 a
//! server is not there, 70 a fault of ours, 74 disk trouble, 75 try again later (another process has the
//! data), 78 a fault in configuration, rules or templates.

// As those of the standard library, for every command: whoever reads our output may have gone (`| head`), and a
// command then does the rest of its work in silence.
macro_rules! print {
    ($($text:tt)*) => { $crate::cli::terminal::put(std::io::stdout(), format_args!($($text)*)) };
}
macro_rules! println {
    ($($text:tt)*) => { $crate::cli::terminal::put(std::io::stdout(), format_args!("{}\n", format_args!($($text)*))) };
}
macro_rules! eprint {
    ($($text:tt)*) => { $crate::cli::terminal::put(std::io::stderr(), format_args!($($text)*)) };
}
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::cli::terminal::put(std::io::stderr(), format_args!("{}\n", format_args!($($text)*))) };
}

mod backup;
mod breaker;
mod check;
mod compact;
mod demo;
mod explain;
mod figures;
mod forget;
mod inspect;
mod judged;
mod key;
mod ledger;
mod operator;
mod outbox;
mod quarantine;
mod rebuild;
mod reconcile;
mod repair;
mod restore;
mod rules;
mod run;
mod terminal;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The exit codes we use, by their names in sysexits.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Ok = 0,
    /// As diff(1): what was compared differs.
    Differs = 1,
    Usage = 64,
    DataErr = 65,
    NoInput = 66,
    Unavailable = 69,
    Software = 70,
    IoErr = 74,
    TempFail = 75,
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Answers an organisation's support mail (回信: the letter in reply).
///
/// Mail is taken from a mailbox, answered from a template with a case number, and what no rule resolves is
/// forwarded to the right humans.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    /// The configuration.
    #[arg(long, short, global = true, value_name = "FILE", default_value = "bot.toml", env = "HUIXIN_CONFIG")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Watch the mailboxes, answer and forward, until stopped by Ctrl-C or SIGTERM.
    Run(run::Options),
    /// Show the main job on sample mails, in folders under var/demo; nothing leaves the machine.
    Demo(demo::Options),
    /// Check configuration, rules, templates and permissions.
    Check(check::Options),
    /// Show how mails are read and screened.
    Inspect(inspect::Options),
    /// Show the whole decision about mails, and what would be sent. Changes nothing.
    Explain(explain::Options),
    /// Check, test, explain, compare, apply and document the rules.
    Rules(rules::Options),
    /// List every mail that was taken and what became of it. Works beside a running bot.
    Ledger(ledger::Options),
    /// List, show, retry and drop mails that have not left.
    Outbox(outbox::Options),
    /// Show the breaker, which stops all automatic answers when something is wrong, and release it.
    Breaker(breaker::Options),
    /// List and show mails that could not be handled. Works beside a running bot.
    Quarantine(quarantine::Options),
    /// Copy everything that must not be lost into a new folder. Works beside a running bot.
    Backup(backup::Options),
    /// Make a data folder of a backup, after verifying all of it.
    Restore(restore::Options),
    /// Make a damaged journal whole again, and take the mails again whose decision was lost.
    Repair(repair::Options),
    /// Make the state anew from the journal.
    Rebuild(figures::Figures),
    /// Let what has been kept long enough leave archive and journal now.
    Compact(figures::Figures),
    /// Erase everything about one person. Works while the bot runs, and while it does not.
    Forget(forget::Options),
    /// Show the bot's keys, and put a new one in the place of the present one.
    Key(key::Options),
}

/// Runs the command named by the arguments of the process.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // `--help` and `--version` are no errors; clap's own code for the others is 2.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Ok.into() };
        }
    };
    let config = arguments.config;
    let result = match arguments.command {
        Command::Run(options) => run::run(&config, options),
        Command::Demo(options) => demo::run(&config, options),
        Command::Check(options) => check::run(&config, options),
        Command::Inspect(options) => inspect::run(&config, options),
        Command::Explain(options) => explain::run(&config, options),
        Command::Rules(options) => rules::run(&config, options),
        Command::Ledger(options) => ledger::run(&config, options),
        Command::Outbox(options) => outbox::run(&config, options),
        Command::Breaker(options) => breaker::run(&config, options),
        Command::Quarantine(options) => quarantine::run(&config, options),
        Command::Backup(options) => backup::run(&config, options),
        Command::Restore(options) => restore::run(&config, options),
        Command::Repair(options) => repair::run(&config, options),
        Command::Rebuild(options) => rebuild::run(&config, options),
        Command::Compact(options) => compact::run(&config, options),
        Command::Forget(options) => forget::run(&config, options),
        Command::Key(options) => key::run(&config, options),
    };
    match result {
        Ok(exit) => terminal::unwritten().map_or_else(
            || exit.into(),
            |error| {
                terminal::report(&error.into());
                Exit::IoErr.into()
            },
        ),
        Err(trouble) => {
            terminal::report(&trouble.error);
            trouble.exit.into()
        }
    }
}

/// A command that could not do its work: what to say, and the exit code that goes with it.
struct Trouble {
    exit: Exit,
    error: anyhow::Error,
}

impl Trouble {
    fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Trouble {
        Trouble { exit, error: error.into() }
    }
}

type Done = Result<Exit, Trouble>;
