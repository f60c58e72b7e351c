//! A mail that a change of the rules is said not to matter for is judged alike before and after it.

use std::fs;
use std::path::{Path, PathBuf};

use huixin::app;
use huixin::language::Language;
use huixin::message::Message;
use huixin::problem::SourceText;
use huixin::rules::{self, Change, Input, Judgement, Rules};
use toml::{Table, Value};

/// The tables of every shipped rule file.
type Files = Vec<Table>;

#[test]
fn a_mail_beyond_a_change_is_judged_alike_under_both() {
    let (files, mails) = (shipped(), mails());
    let before = loaded(&files).expect("the shipped rules have no error");
    let judged: Vec<Judgement> = mails.iter().map(|mail| judgement(&before, mail)).collect();
    let (mut beyond, mut within, mut changed) = (0, 0, 0);
    for (name, files) in changes(&files) {
        let Some(after) = loaded(&files) else { continue };
        let Some(change) = Change::between(&before, &after) else { continue };
        for (mail, was) in mails.iter().zip(&judged) {
            let differs = judged_otherwise(was, &judgement(&after, mail), &before, &after);
            if change.may_matter(mail) {
                within += 1;
                changed += usize::from(differs);
            } else {
                beyond += 1;
                assert!(!differs, "{name}: {}", mail.subject);
            }
        }
    }
    println!("{beyond} beyond the change, {within} within, {changed} of them judged otherwise");
    // Else the test shows nothing.
    assert!(beyond > within && changed > 20, "{beyond} {within} {changed}");
}

#[test]
fn a_change_matters_for_mails_with_its_words_or_for_all() {
    let files = shipped();
    let change = |edit: &dyn Fn(&mut Files)| {
        let mut edited = files.clone();
        edit(&mut edited);
        Change::between(&loaded(&files).unwrap(), &loaded(&edited).unwrap())
    };
    let mails = mails();
    let matters = |change: Option<Change>| {
        let change = change.expect("a change that is told by words");
        mails.iter().filter(|mail| change.may_matter(mail)).count()
    };
    assert_eq!(matters(change(&|_| {})), 0, "nothing changed");
    let without_tests = change(&|files| {
        each(files, "rule", &mut |rule| {
            rule.remove("test");
        });
    });
    assert_eq!(matters(without_tests), 0, "tests are no part of a rule");
    let file = change(&|files| files.push("schema = 1\n[lists]\nunused = [\"邮箱\"]\n".parse().unwrap()));
    assert_eq!(matters(file), 0, "a list that no rule names");
    let group = |files: &mut Files| {
        let group = "[[group]]\nid = \"more\"\nlabel = \"more\"\n".parse().unwrap();
        files.push(group);
    };
    assert!(change(&group).is_none(), "what all rules share");
    let rule = |when: &str| {
        let text = format!(
            "[[rule]]\nid = \"more\"\nphase = \"route\"\n[rule.when]\nall = [{when}]\n[rule.do]\ntags = [\"x\"]\n"
        );
        change(&|files| files.push(text.parse().unwrap()))
    };
    assert!(rule("{ lang = \"zh\" }").is_none(), "a rule that needs no word");
    let word = rule("{ kw = \"邮箱\" }").expect("a rule that needs a word");
    let told = |text: &str| word.may_matter(&mail(text, text));
    assert!(told("我的郵箱") && !told("发票"));
}

/// Small changes of every kind: rules out of force, other weights, thresholds, lists.
fn changes(files: &Files) -> Vec<(String, Files)> {
    const EVERY: usize = 10;
    let mut changes = Vec::new();
    let mut change = |name: String, kind: &str, at: usize, edit: &dyn Fn(&mut Table)| {
        let mut edited = files.clone();
        let mut next = 0;
        each(&mut edited, kind, &mut |table| {
            if next == at {
                edit(table);
            }
            next += 1;
        });
        changes.push((name, edited));
    };
    for at in (0..count(files, "rule")).step_by(EVERY) {
        change(format!("rule {at} is a draft"), "rule", at, &|rule| {
            rule.insert("status".into(), "draft".into());
        });
        change(format!("rule {at} weighs more"), "rule", at + 1, &|rule| {
            if rule.contains_key("weight") {
                rule.insert("weight".into(), 9.5.into());
            }
        });
    }
    for at in (0..count(files, "category")).step_by(EVERY) {
        change(format!("category {at} needs more"), "category", at, &|category| {
            category.insert("threshold".into(), 12.5.into());
            category.insert("answer_threshold".into(), 13.0.into());
        });
    }
    for (at, file) in files.iter().enumerate() {
        for name in file.get("lists").and_then(Value::as_table).into_iter().flat_map(Table::keys).take(1) {
            let mut edited = files.clone();
            edited[at]["lists"][name] = Value::Array(vec!["邮件".into()]);
            changes.push((format!("list {name}"), edited));
        }
    }
    changes
}

fn each(files: &mut Files, kind: &str, edit: &mut dyn FnMut(&mut Table)) {
    for file in files {
        let tables = file.get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten();
        tables.filter_map(Value::as_table_mut).for_each(&mut *edit);
    }
}

fn count(files: &Files, kind: &str) -> usize {
    files.iter().filter_map(|file| file.get(kind)?.as_array()).map(Vec::len).sum()
}

/// Does anything differ that has a say in what is done?
fn judged_otherwise(was: &Judgement, is: &Judgement, before: &Rules, after: &Rules) -> bool {
    let of_category = |rules: &Rules, judgement: &Judgement| {
        let won = judgement.category.as_ref()?;
        let category = rules.taxonomy().category(&won.category)?;
        Some((category.group.clone(), category.bot_may_answer))
    };
    was != is || of_category(before, was) != of_category(after, is)
}

/// Without the rules in shadow, which have no say.
fn judgement(rules: &Rules, mail: &Message) -> Judgement {
    let now = "2026-01-07T14:30:00+08:00".parse().unwrap();
    let language = mail.language.language().unwrap_or(Language::Zh);
    let mut judgement = rules.judge(&Input::first(mail, language, now));
    judgement.hits.retain(|hit| !hit.shadow);
    judgement
}

/// None where the change leaves a fault.
fn loaded(files: &Files) -> Option<Rules> {
    let texts = files.iter().enumerate().map(|(at, file)| SourceText::new(at.to_string(), file.to_string()));
    let (rules, problems) = rules::load(&texts.collect::<Vec<_>>());
    (!problems.has_errors()).then_some(rules)
}

fn shipped() -> Files {
    in_folder("rules", "toml").iter().map(|file| fs::read_to_string(file).unwrap().parse().unwrap()).collect()
}

/// Every other fixture, and people's sentences.
fn mails() -> Vec<Message> {
    let fixtures: Vec<PathBuf> = in_folder("tests/fixtures/mails", "eml").into_iter().step_by(2).collect();
    let fixtures = fixtures.iter().map(|file| app::read(&fs::read(file).unwrap()));
    let labelled = fs::read_to_string(root().join("tests/labelled/zh.tsv")).unwrap();
    let sentences = labelled.lines().skip(1).step_by(60).filter_map(|line| line.split_once('\t'));
    fixtures.chain(sentences.map(|(_, text)| mail("你好", text))).collect()
}

fn mail(subject: &str, text: &str) -> Message {
    let head = "From: li@example.net\r\nTo: support@example.com\r\nContent-Type: text/plain; charset=utf-8\r\n";
    app::read(format!("{head}Subject: {subject}\r\n\r\n{text}\r\n").as_bytes())
}

fn in_folder(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|file| file.extension().is_some_and(|is| is == ending)).collect();
    files.sort();
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
