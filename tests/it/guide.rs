//! The documents tell the truth: the recipe of docs/rules.md, done word for word beside the shipped rules, is sound, and
//! the tests that docs/standards.md and docs/faults.md name are there.

use std::fs;
use std::path::{Path, PathBuf};

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

#[test]
fn every_test_that_a_document_names_is_there() {
    fn walk(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let code = fs::read_to_string(&path).unwrap();
                files.push((path.with_extension(""), code));
            }
        }
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    ["src", "tests"].iter().for_each(|folder| walk(&root.join(folder), &mut files));
    // A test's name is a sentence; a shorter name may be anything.
    let is_sentence = |name: &str| {
        name.matches('_').count() >= 3 && name.chars().all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    // Before `::` stands the file, or its folder, or both.
    let is_there = |module: &str, name: &str| {
        let test = format!("fn {name}(");
        let modules: Vec<&str> = module.split("::").filter(|module| !module.is_empty()).collect();
        let has = |path: &Path| modules.iter().all(|module| path.iter().any(|part| part == *module));
        files.iter().any(|(path, code)| has(path) && code.contains(&test))
    };
    for document in ["docs/standards.md", "docs/faults.md"] {
        let text = fs::read_to_string(root.join(document)).unwrap();
        let named = text.split('`').skip(1).step_by(2).map(|quoted| quoted.rsplit_once("::").unwrap_or(("", quoted)));
        let missing: Vec<_> = named.filter(|(module, name)| is_sentence(name) && !is_there(module, name)).collect();
        assert!(missing.is_empty(), "{document}: {missing:#?}");
    }
}

#[test]
fn the_service_starts_what_the_program_knows_and_what_the_guide_describes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let unit = fs::read_to_string(root.join("dist/huixin.service")).unwrap();
    let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap();
    let bot = Bot::local();
    let folder = bot.folder().to_str().unwrap().to_owned();
    let command = value("ExecStart").replace("/etc/huixin", &folder);
    let (program, arguments) = command.split_once(' ').unwrap();
    // What `run` is given, `check` is.
    let arguments: Vec<&str> = arguments.split(' ').map(|word| if word == "run" { "check" } else { word }).collect();
    assert!(arguments.contains(&"check"), "{command}");
    let (code, out, err) = bot.command(&arguments);
    assert_eq!(code, Some(0), "{out}{err}");
    let guide = fs::read_to_string(root.join("docs/operating.md")).unwrap();
    let named = [
        "/etc/huixin",
        &format!("/var/lib/{}", value("StateDirectory")),
        Path::new(program).parent().unwrap().to_str().unwrap(),
    ]
    .map(|path| (path.to_owned(), guide.contains(path)));
    assert!(named.iter().all(|(_, is_named)| *is_named), "{named:?}");
}
