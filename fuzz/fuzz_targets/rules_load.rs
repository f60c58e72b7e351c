//! A rule file of any text: rules, or faults with their places. Rules without a fault judge a mail.
#![no_main]

use std::collections::BTreeMap;

use huixin::language::Language;
use huixin::message::{self, Limits};
use huixin::problem::SourceText;
use huixin::rules::{self, Input};
use huixin::time::Timestamp;
use libfuzzer_sys::fuzz_target;

const TAXONOMY: &str = include_str!("../../rules/taxonomy.toml");
const MAIL: &[u8] = include_bytes!("../../src/cli/demo/mails/01-554-dt-spm.eml");

fuzz_target!(|text: &str| {
    let mut files = vec![SourceText::new("fuzzed.toml", text)];
    if !text.contains("[[category]]") {
        files.push(SourceText::new("taxonomy.toml", TAXONOMY));
    }
    let (rules, problems) = rules::load(&files);
    for problem in &problems.0 {
        problem.draw(false, 80);
    }
    if problems.has_errors() {
        return;
    }
    let message = message::read(MAIL, &Limits::default());
    rules.judge(&Input::first(&message, Language::Zh, Timestamp::UNIX_EPOCH));
    rules.run_tests(&|mail| message::read(mail, &Limits::default()), &BTreeMap::new());
});
