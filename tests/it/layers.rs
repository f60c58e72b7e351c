//! The plan of the house (src/lib.rs) is true: a module uses only the floors above its own, nothing above the
//! I/O line touches the world, and every third-party crate with a wide surface has one door.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors as lib.rs lists them: module → (floor, is it below the I/O line?).
fn floors() -> BTreeMap<String, (usize, bool)> {
    let plan = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let (mut floor, mut below_line, mut modules) = (0, false, BTreeMap::new());
    for line in plan.lines() {
        if line.is_empty() {
            floor += 1;
        } else if line.contains("I/O below this line") {
            below_line = true;
        } else if let Some(name) = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) {
            modules.insert(name.to_owned(), (floor, below_line));
        }
    }
    modules
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file that ships, with its module, its path and its code: no comments and no tests, which stand at the
/// end of their file, in a `tests.rs` or in a folder `tests/`.
fn sources() -> Vec<(String, String, String)> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    let src = root().join("src");
    let mut files = Vec::new();
    walk(&src, &mut files);
    files.sort();
    files
        .into_iter()
        .filter_map(|file| {
            let path = file.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
            let module = path.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let ships = module != "lib"
                && module != "main"
                && !path.split('/').any(|part| part.trim_end_matches(".rs") == "tests");
            ships.then(|| (module, path, code.join("\n")))
        })
        .collect()
}

/// The modules of this crate that a text names as `crate::x` or inside `use crate::{x, y::…}`.
fn uses(code: &str) -> Vec<String> {
    let mut used = Vec::new();
    for piece in code.split("crate::").skip(1) {
        match piece.strip_prefix('{') {
            Some(group) => {
                let (mut depth, mut word) = (1, String::new());
                for c in group.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 || (depth == 1 && c == ',') {
                        used.push(word.split("::").next().unwrap().trim().to_owned());
                        word.clear();
                    } else {
                        word.push(c);
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            None => used.push(piece.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()),
        }
    }
    used
}

#[test]
fn a_module_uses_only_the_floors_above_its_own() {
    let floors = floors();
    assert!(floors.len() > 20, "the plan in lib.rs was not read");
    let mut wrong = Vec::new();
    for (module, path, code) in sources() {
        let (floor, _) = floors[&module];
        for used in uses(&code) {
            match floors.get(&used) {
                Some((other, _)) if used != module && *other >= floor => {
                    wrong.push(format!("src/{path} uses crate::{used}, which is not on a floor above"));
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_above_the_line_touches_the_world() {
    let world = [
        "std::fs",
        "std::net::Tcp",
        "std::net::Udp",
        "ToSocketAddrs",
        "std::env",
        "std::process",
        "std::thread",
        "std::io",
        "tokio::",
        "Timestamp::now",
        "SystemTime::now",
        "Instant::now",
        "fastrand",
        "getrandom",
        "println!",
        "eprintln!",
        "tracing::",
    ];
    let floors = floors();
    let mut wrong = Vec::new();
    for (module, path, code) in sources() {
        if !floors[&module].1 {
            wrong.extend(world.iter().filter(|word| code.contains(**word)).map(|word| format!("src/{path}: {word}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_crate_one_door() {
    let doors = [
        ("sled::", vec!["store/state/"]),
        ("async_imap::", vec!["imap/"]),
        ("lettre::transport", vec!["smtp/"]),
        ("mail_parser::", vec!["message/parse/"]),
        ("minijinja::", vec!["compose/"]),
        ("toml::", vec!["config/", "rules/", "cli/demo"]),
        ("toml_parser::", vec!["rules/format.rs"]),
        (
            "serde_json::",
            vec!["store/schema", "app/requests/", "app/revisions.rs", "compose/", "suggest/labelled.rs", "cli/"],
        ),
        ("miette::", vec!["problem.rs"]),
        ("clap::", vec!["cli/"]),
        ("html5gum::", vec!["message/html.rs"]),
        ("ferrous_opencc::", vec!["fold.rs"]),
        ("mail_auth::", vec!["dns/"]),
        ("unicode_security::", vec!["screen/lookalike.rs"]),
    ];
    let mut wrong = Vec::new();
    for (_, path, code) in sources() {
        for (name, allowed) in &doors {
            // `toml::` is also the end of other paths.
            let named = code
                .match_indices(name)
                .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
            if named && !allowed.iter().any(|door| path.starts_with(door)) {
                wrong.push(format!("src/{path} uses {name}, whose door is {}", allowed.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
