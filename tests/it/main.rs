//! All integration tests, in one binary: two cores link slowly.

mod bot;
mod decisions;
<<<<<<< HEAD
mod demo;
=======
mod fixtures;
>>>>>>> fixtures
mod imap_peer;
mod layers;
mod peer;
mod rig;
mod sending;
mod smtp_peer;
mod smtp_postfix;
mod taking;
mod whole_way;
