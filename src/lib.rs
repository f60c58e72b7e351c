//! huixin (回信, "the letter in reply") answers an organisation's support mail.
//!
//! This file is the plan of the house. The modules are listed floor by floor, a blank line between
//! floors. A module uses only modules of the floors above its own; neighbours on a floor do not know
//! each other; nothing above the I/O line reads a file, a socket, a clock or a random number.
//! `tests/it/layers.rs` reads this list and keeps it true, so the plan has one home. ARCHITECTURE.md
//! walks through the rooms.

#![forbid(unsafe_code)]

// words: what the other rooms speak in
pub mod address;
pub mod fold;
pub mod ids;
pub mod language;
pub mod patterns;
pub mod problem;
pub mod time;

// nouns: what the bot handles
pub mod case;
pub mod config;
pub mod mailbox;
pub mod message;
pub mod outgoing;

// judgement: one question each, answered from values alone
pub mod agent;
pub mod compose;
pub mod rules;
pub mod screen;
pub mod thread;

// playbook: what an admin wrote, checked together, and what labelled mail would want written
pub mod playbook;
pub mod suggest;

// decide: one mail, one decision
pub mod decide;

// ---- I/O below this line ----

// where the process dies when a test asks for it, and where it does not
pub mod caught;
pub mod failpoint;

// a folder that one process has
pub mod lock;

// edges: the world, one crate behind each door
pub mod dns;
pub mod imap;
pub mod maildir;
pub mod maillog;
pub mod secret;
pub mod smtp;
pub mod store;

// flows: a loop is a step repeated
pub mod chores;
pub mod delivery;
pub mod ingest;
pub mod upkeep;

// past: archived mail decided once more
pub mod replay;

// roof: the bot as a whole
pub mod app;

// and the handle a person takes it by
pub mod cli;
