//! All integration tests, in one binary: two cores link slowly.

mod actions;
mod bot;
mod bounces;
mod decisions;
mod demo;
mod fixtures;
mod gold;
mod guide;
mod hostile;
mod hostile_mails;
mod imap_peer;
mod knowledge;
mod layers;
mod manners;
mod operator;
mod peer;
mod reload;
mod replay;
mod rig;
mod rules_commands;
mod sending;
mod smtp_peer;
mod smtp_postfix;
mod suggest;
mod taking;
mod whole_way;
