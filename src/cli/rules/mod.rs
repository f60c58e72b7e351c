//! `huixin rules …`: the tools of whoever tunes the rules, one file a command.

mod suggest;

use std::path::Path;

use super::Done;

#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Write rules from texts that people have sorted, for you to look through.
    Suggest(suggest::Options),
}

pub fn run(file: &Path, options: Options) -> Done {
    match options.command {
        Command::Suggest(options) => suggest::run(file, options),
    }
}
