//! All integration tests, in one binary: two cores link slowly.

mod bot;
mod bounces;
mod decisions;
mod demo;
mod imap_peer;
mod layers;
mod peer;
mod rig;
mod smtp_peer;
mod smtp_postfix;
mod taking;
mod whole_way;
