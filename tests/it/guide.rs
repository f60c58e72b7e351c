//! docs/rules.md tells the truth: its recipe, done word for word beside the shipped rules, is sound.

use std::fs;
use std::path::Path;

use crate::bot::Bot;

/// The fenced blocks of a Markdown text whose first line names a file: ```` ```toml rules/x.toml ````.
fn files(text: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for block in text.split("\n```").skip(1).step_by(2) {
        let (head, body) = block.split_once('\n').unwrap();
        if let Some((_, name)) = head.split_once(' ') {
            files.push((name.to_owned(), format!("{body}\n")));
        }
    }
    files
}

#[test]
fn the_recipe_of_the_guide_is_sound() {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md")).unwrap();
    let bot = Bot::local();
    let files = files(&guide);
    assert_eq!(files.len(), 4, "three templates and a rule");
    for (name, text) in files {
        fs::write(bot.folder().join(name), text).unwrap();
    }
    let (code, out, err) = bot.command(&["rules", "check"]);
    assert_eq!((code, err.contains("recall")), (Some(0), false), "{out}{err}");
    let (code, out, err) = bot.command(&["rules", "test", "--rule", "send.recall"]);
    assert_eq!(code, Some(0), "{out}{err}");
}

#[test]
fn both_guides_have_the_same_chapters_and_the_same_rule() {
    let read = |name: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let (english, chinese) = (read("docs/rules.md"), read("docs/zh/rules.md"));
    let chapters = |text: &str| text.lines().filter(|line| line.starts_with("## ")).count();
    assert_eq!(chapters(&english), chapters(&chinese));
    let condition = |text: &str| {
        let from = text.find("[rule.when]").unwrap();
        text[from..from + text[from..].find("[[rule.test]]").unwrap()].to_owned()
    };
    assert_eq!(condition(&english), condition(&chinese));
}
