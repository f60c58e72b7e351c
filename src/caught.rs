//! Where the process does not die: a crate that panics at what a server says, and our own work on one thing, which shall
//! not stop the work on all others.
//!
//! imap-proto 0.17 panics at some answers (`* OK [ALERT]` directly followed by a Chinese character, `INTERNALDATE NIL`),
//! lettre 0.11 at a line of blanks in the answer to EHLO. No server may stop us: its answer is one that cannot be read.

use std::any::Any;
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

/// What the work gives, or what it said when it panicked. What it borrowed may then be half changed.
pub fn or_words<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| words(&*panic))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "for no stated reason".into())
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

    #[test]
    fn what_a_panic_says_is_heard() {
        assert_eq!(or_words(|| 1), Ok(1));
        assert_eq!(or_words::<u32>(|| panic!("plain")), Err("plain".into()));
        assert_eq!(or_words::<u32>(|| panic!("with {}", 2)), Err("with 2".into()));
        assert_eq!(or_words::<u32>(|| std::panic::panic_any(3)), Err("for no stated reason".into()));
    }
}
