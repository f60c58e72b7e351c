//! All integration tests, in one binary: two cores link slowly.

mod bot;
mod decisions;
mod hostile;
mod imap_peer;
mod layers;
mod peer;
mod rig;
mod smtp_peer;
mod smtp_postfix;
mod whole_way;
