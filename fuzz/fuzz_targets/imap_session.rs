//! An IMAP server of any words: a session ends, holds what it asked for and nothing else, within its limits.
#![no_main]

use huixin::imap::rehearsal::{MAX_MAIL, MOST, rehearse};
use huixin::mailbox::Place;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
}

// Where imap-proto panics is caught (src/caught.rs); what is not caught still ends the target.
fuzz_target!(init: quiet_about("imap-proto"), |words: &[u8]| {
    let rehearsed = RUNTIME.with(|runtime| runtime.block_on(rehearse(words)));
    let Some(listing) = rehearsed.listing else {
        assert!(rehearsed.bodies.is_empty());
        return;
    };
    let uids: Vec<u32> = listing
        .mails
        .iter()
        .map(|mail| match mail.place {
            Place::Imap { uid_validity, uid } if uid_validity == listing.uid_validity && uid > 0 => uid,
            _ => panic!("{:?}", mail.place),
        })
        .collect();
    assert!(uids.len() <= MOST && uids.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(rehearsed.bodies.keys().all(|uid| uids.contains(uid)));
    assert!(rehearsed.bodies.values().map(|body| body.len() as u64).sum::<u64>() <= MAX_MAIL);
});

/// Says what panics, except what this crate does.
fn quiet_about(of_crate: &'static str) {
    std::panic::set_hook(Box::new(move |what| {
        if !what.location().is_some_and(|place| place.file().contains(of_crate)) {
            eprintln!("{what}");
        }
    }));
}
