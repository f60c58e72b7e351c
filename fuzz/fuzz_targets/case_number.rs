//! Case numbers and identifiers in what people write.
#![no_main]

use huixin::ids::{CaseNumber, MessageId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(number) = CaseNumber::parse(text) {
        assert_eq!(CaseNumber::parse(&number.to_string()), Some(number));
        assert_eq!(CaseNumber::parse(&number.compact()), Some(number));
        assert_eq!(CaseNumber::from_bits(number.bits()), number);
    }
    let found = CaseNumber::find_in(text, 10);
    assert!(found.len() <= 10);
    for number in found {
        assert_eq!(CaseNumber::find_in(&number.to_string(), 10), [number]);
    }
    if let Some(id) = MessageId::parse(text) {
        assert_eq!(MessageId::parse(id.as_str()), Some(id));
    }
});
