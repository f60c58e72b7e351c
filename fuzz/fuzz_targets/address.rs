//! What is taken for an address re-parses to itself, in every form it is written in.
#![no_main]

use huixin::address::{self, Address};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(domain) = address::parse_domain(text) {
        assert_eq!(address::parse_domain(&domain).as_ref(), Some(&domain));
    }
    let Ok(address) = Address::parse(text) else {
        return;
    };
    let written = address.to_string();
    assert!(written.len() <= address::MAX_ADDRESS);
    assert!(!written.contains([' ', '<', '>', ',', '"', '\r', '\n', '\0']));
    assert_eq!(Address::parse(&written).as_ref(), Ok(&address));
    assert!(address.matches(&address));
    assert!(!address.counting_key().is_empty());
    if let Some(detailed) = address.with_detail('+', "x") {
        assert_eq!(detailed.counting_key(), address.counting_key());
    }
});
