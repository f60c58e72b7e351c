//! All integration tests, in one binary: two cores link slowly.

// The fuzz targets take their macro from a crate of this name.
extern crate self as libfuzzer_sys;

mod actions;
mod authority;
mod before_tls;
mod bot;
mod bounces;
mod crash_points;
mod decisions;
mod demo;
mod disk_faults;
mod doses;
mod drafts;
mod egress;
mod fixtures;
mod fuzz_targets;
mod gold;
mod guide;
mod hostile;
mod hostile_mails;
mod hostile_peers;
mod imap_faults;
mod imap_peer;
mod kills;
mod knowledge;
mod layers;
mod leaks;
mod malformed;
mod manners;
mod office;
mod operator;
mod pdf;
mod peer;
mod poison;
mod power_cut;
mod regression;
mod reload;
mod replay;
mod replies;
mod rig;
mod rules_commands;
mod scenarios;
mod sending;
mod sink;
mod smtp_faults;
mod smtp_peer;
mod smtp_postfix;
mod soak;
mod suggest;
mod taking;
mod tour;
mod whole_way;

pub(crate) use fuzz_targets::libfuzzer::fuzz_target;
