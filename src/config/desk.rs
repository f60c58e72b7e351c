//! Who sits at the desk: how a group shares its cases, and what is known of an agent.

use crate::address::Address;
use crate::language::Language;

/// The people of a group, and how they share its cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub to: Vec<Address>,
    pub sharing: Sharing,
    /// Who hears when the group has let a time pass.
    pub leads: Vec<Address>,
}

/// Who of a group gets a new case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sharing {
    /// Everybody who is there; whoever claims it, or answers first, has it.
    Everybody,
    /// Whoever was given one longest ago.
    InTurn,
    /// Whoever has the fewest.
    LeastOpen,
}

impl Sharing {
    pub const ALL: [Sharing; 3] = [Sharing::Everybody, Sharing::InTurn, Sharing::LeastOpen];

    pub fn as_str(self) -> &'static str {
        match self {
            Sharing::Everybody => "everybody",
            Sharing::InTurn => "in-turn",
            Sharing::LeastOpen => "least-open",
        }
    }
}

/// What is known of an agent beside their address in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Names the agent in bot.toml.
    pub name: String,
    pub address: Address,
    /// None named: all.
    pub languages: Vec<Language>,
    /// A calendar of the taxonomy; none: the group's.
    pub calendar: Option<String>,
}

impl Agent {
    pub fn speaks(&self, language: Language) -> bool {
        self.languages.is_empty() || self.languages.contains(&language)
    }
}
