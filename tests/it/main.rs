//! All integration tests, in one binary: two cores link slowly.

mod layers;
