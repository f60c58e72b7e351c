//! All integration tests, in one binary: two cores link slowly.

mod imap_peer;
mod layers;
mod peer;
mod smtp_peer;
