//! All integration tests, in one binary: two cores link slowly.

mod layers;
mod smtp_peer;
