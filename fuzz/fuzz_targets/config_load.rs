//! A bot.toml of any text: a configuration, or faults with their places.
#![no_main]

use huixin::config;
use huixin::problem::SourceText;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(problems) = config::load(&SourceText::new("bot.toml", text), &[]) {
        assert!(problems.has_errors());
        for problem in &problems.0 {
            problem.draw(false, 80);
        }
    }
});
