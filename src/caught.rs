//! Where the process does not die: a crate that panics at what a server says.
//!
//! imap-proto 0.17 panics at some answers (`* OK [ALERT]` directly followed by a Chinese character, `INTERNALDATE NIL`),
//! lettre 0.11 at a line of blanks in the answer to EHLO. No server may stop us: its answer is one that cannot be read.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// What the work gives; none if it panics. What it borrowed may then be half changed, and belongs to a connection that
/// is not used again.
pub async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        polled.map_or(Poll::Ready(None), |polled| polled.map(Some))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_before_or_after_a_wait_is_no_result() {
        assert_eq!(caught(async { 1 }).await, Some(1));
        let panics = async |wait: bool| {
            if wait {
                tokio::task::yield_now().await;
            }
            "what a server says".parse::<u32>().expect("a number")
        };
        assert_eq!((caught(panics(false)).await, caught(panics(true)).await), (None, None));
    }
}
