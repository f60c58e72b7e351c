//! All integration tests, in one binary: two cores link slowly.

mod layers;
mod rig;
mod smtp_peer;
mod smtp_postfix;
