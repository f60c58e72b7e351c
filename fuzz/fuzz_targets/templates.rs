//! A template of any text: it is refused with its fault's place, or it renders, or says why not.
#![no_main]

use huixin::compose::{MAX_ANSWER_TEXT, Templates, Values};
use huixin::ids::TemplateName;
use huixin::language::Language;
use huixin::problem::SourceText;
use libfuzzer_sys::fuzz_target;

const VARIABLES: [&str; 6] = ["case.number", "group.label", "hours.text", "missing", "org.name", "fields.code"];

fuzz_target!(|text: &str| {
    let name = |name: &str| TemplateName::parse(name).expect("a name");
    let part = SourceText::new("part/footer.zh.txt", "{{ org.name }}\n");
    let files = [
        (name("kb/fuzzed"), Language::Zh, SourceText::new("kb/fuzzed.zh.txt", text)),
        (name("part/footer"), Language::Zh, part.clone()),
        (name("part/greeting"), Language::Zh, part.clone()),
        (name("part/human"), Language::Zh, part.clone()),
        (name("part/missing"), Language::Zh, part),
    ];
    let (templates, problems) = Templates::load(&files, &VARIABLES, Language::Zh);
    for problem in &problems.0 {
        problem.draw(false, 80);
    }
    if problems.has_errors() {
        return;
    }
    let mut values = Values::new();
    values.text("case.number", "K7F3-9QD2-X").text("org.name", "Example").code("fields.code", "550 5.7.1");
    if let Ok(written) = templates.render(&name("kb/fuzzed"), Language::Zh, &values) {
        assert!(written.body().len() <= MAX_ANSWER_TEXT);
        assert!(!written.subject().contains(['\r', '\n']));
    }
});
