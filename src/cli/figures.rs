//! The figures that a command ends with: a sentence for people, or JSON for programs.

use std::fmt::Display;

use serde_json::Value;

#[derive(clap::Args)]
pub struct Figures {
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

impl Figures {
    pub fn print(&self, figures: &Value, sentence: impl Display) {
        match self.json {
            true => println!("{figures}"),
            false => println!("{sentence}"),
        }
    }
}
