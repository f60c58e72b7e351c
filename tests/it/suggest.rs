//! `huixin rules suggest`, from a table of labelled texts to a rules file that judges and can be let loose.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn suggest(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_huixin"));
    command.args(["--config", "none.toml", "rules", "suggest"]).args(arguments).current_dir(folder);
    command.output().unwrap()
}

/// Three categories of different sizes in two languages, and talk about none of them.
fn examples() -> String {
    let openings = ["", "hello, ", "please help: ", "你好，", "急！", "since monday "];
    let said = [
        ("退信", ["郵件被退回來了", "收到退信通知", "the mail bounced", "it was returned to sender", "发出去就退信"]),
        ("password", ["忘记密码了", "密码不对", "i forgot my password", "reset the password", "cannot sign in"]),
        ("Billing?", ["请开发票", "发票抬头错了", "where is my invoice", "the invoice is wrong", "can i get a refund"]),
        ("none", ["今天天气不错", "how are you", "nice weather", "谢谢", "see you on friday"]),
        ("rare", ["api", "api", "", "", ""]),
    ];
    let mut table = String::from("category,text\n");
    for opening in openings {
        for (label, texts) in &said {
            for text in texts.iter().filter(|text| !text.is_empty()) {
                let _ = writeln!(table, "{label},\"{opening}{text}\"");
            }
        }
    }
    // One of twelve is too much: ten are left.
    let (mut kept, mut rare) = (String::new(), 0);
    for line in table.lines() {
        rare += usize::from(line.starts_with("rare"));
        if !line.starts_with("rare") || rare <= 10 {
            let _ = writeln!(kept, "{line}");
        }
    }
    kept
}

#[test]
fn labelled_texts_become_shadow_rules_with_tests() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mail.csv"), examples()).unwrap();
    let evaluation =
        "text\tlabel\n我的邮件退信了\t退信\nI need a new password\tpassword\n发票呢\tBilling?\nhi there\tnone\n";
    fs::write(folder.path().join("more.tsv"), evaluation).unwrap();
    let arguments =
        ["--input", "mail.csv", "--out-of-scope", "none", "--evaluate", "more.tsv", "--out", "rules.toml", "--each"];
    let output = suggest(folder.path(), &arguments);
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for wanted in [
        "3 categories from 130 texts",
        "nothing for `rare`: 10 examples are too few",
        "chosen by the input, each part by rules learnt from the others",
        "more.tsv\n  texts in scope        3\n  best guess right      100.00 %",
        "left alone            100.00 %",
        "30 examples",
    ] {
        assert!(report.contains(wanted), "{wanted:?} is not in\n{report}");
    }

    let rules = fs::read_to_string(folder.path().join("rules.toml")).unwrap();
    assert_eq!(rules.matches("status = \"shadow\"").count(), 3);
    assert_eq!(rules.matches("[[rule]]").count(), 3);
    assert!(rules.contains("id = \"billing\"\nlabel = \"Billing?\""), "{rules}");
    assert!(rules.contains("[rule.weigh]\n") && rules.contains("[[rule.test]]"), "{rules}");
    assert!(!rules.contains("\"rare\""), "{rules}");
    let source = huixin::problem::SourceText::new("rules.toml", rules);
    let (loaded, problems) = huixin::rules::load(&[source]);
    assert!(!problems.has_errors(), "{problems}");
    let (tests, problems) = loaded.run_tests(&huixin::app::read, &Default::default());
    assert!(!problems.has_errors() && tests.passed >= 6, "{problems} {tests:?}");

    // What somebody may have worked on stays.
    assert_eq!(suggest(folder.path(), &arguments).status.code(), Some(64));
}

#[test]
fn the_same_examples_give_the_same_rules_to_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mail.csv"), examples()).unwrap();
    let once = suggest(folder.path(), &["--input", "mail.csv", "--weights", "5"]);
    let again = suggest(folder.path(), &["--input", "mail.csv", "--weights", "5"]);
    assert!(once.status.success() && once.stdout == again.stdout);
    let rules = String::from_utf8(once.stdout).unwrap();
    for weighed in rules.split("[rule.weigh]\n").skip(1) {
        let keywords = weighed.lines().take_while(|line| !line.is_empty()).count();
        assert!((1..=5).contains(&keywords), "{weighed}");
    }
}

#[test]
fn what_cannot_be_learnt_from_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("few.csv"), "text,label\na b,x\nc d,y\n").unwrap();
    for (arguments, code, why) in [
        (&["--input", "few.csv"][..], 65, "fewer than two categories with more than 10 examples"),
        (&["--input", "none.csv"], 66, "cannot read none.csv"),
        (
            &["--input", "few.csv", "--label-column", "kind"],
            65,
            "there is no column `kind`; the columns are text, label",
        ),
        (&[], 64, "--input"),
    ] {
        let output = suggest(folder.path(), arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.contains(why) && output.stdout.is_empty(), "{told}");
    }
}
