//! A journal of any bytes: the walk ends, and what it calls a frame is one.
#![no_main]

use huixin::store::{End, frame_at, next_after, walk};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u32, u16, &[u8])| {
    let (base, offset, bytes) = (u64::from(input.0), usize::from(input.1), input.2);
    let mut last = base;
    let end = walk(bytes, base, None, |frame| {
        assert_eq!(frame.position, last);
        assert_eq!(frame_at(bytes, base, (frame.position - base) as usize), Some(frame));
        last = frame.end;
        Ok::<(), ()>(())
    });
    match end {
        Ok(End::Whole) => assert_eq!(last, base + bytes.len() as u64),
        Ok(End::Fault(position)) => assert_eq!(position, last),
        Err(()) => unreachable!(),
    }
    if let Some(frame) = next_after(bytes, base, offset) {
        assert!(frame.position > base + offset as u64);
    }
});
