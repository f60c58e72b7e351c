//! A mail that a change of the rules is said not to matter for is judged alike before and after it.

use std::fs;
use std::path::{Path, PathBuf};

use huixin::app::{self, files};
use huixin::case::Facts;
use huixin::decide::{Foresight, Mail, decide};
use huixin::ids::{Key, MailHash};
use huixin::language::Language;
use huixin::message::Message;
use huixin::playbook::Texts;
use huixin::problem::SourceText;
use huixin::rules::{self, Change, Input, Judgement, Rules};
use toml::{Table, Value};

/// The tables of every shipped rule file.
type Files = Vec<Table>;

#[test]
fn a_mail_is_judged_under_a_change_as_under_each_of_its_sides() {
    let (files, mails) = (shipped(), mails());
    let before = loaded(&files).expect("the shipped rules have no error");
    let judged: Vec<Judgement> = mails.iter().map(|mail| judgement(&before, mail)).collect();
    let (mut beyond, mut within, mut changed) = (0, 0, 0);
    for (name, files) in changes(&files) {
        let Some(after) = loaded(&files) else { continue };
        let change = Change::between(&before, &after);
        for (mail, was) in mails.iter().zip(&judged) {
            let is = judgement(&after, mail);
            let differs = judged_otherwise(was, &is, &before, &after);
            match change.judge(&question(mail)) {
                Some((one, other)) => {
                    within += 1;
                    changed += usize::from(differs);
                    assert_eq!((one, other), (gist(was), gist(&is)), "{name}: {}", mail.subject);
                }
                None => {
                    beyond += 1;
                    assert!(!differs, "{name}: {}", mail.subject);
                }
            }
        }
    }
    println!("{beyond} beyond the change, {within} within, {changed} of them judged otherwise");
    // Else the test shows nothing.
    assert!(beyond > within && changed > 20, "{beyond} {within} {changed}");
}

#[test]
fn what_shifts_is_what_is_decided_otherwise_when_all_is_decided_twice() {
    let configured = files::configured(&root().join("bot.toml")).unwrap();
    let texts = files::texts(&configured).unwrap();
    let playbook = |files: &Files| {
        let rules = files.iter().enumerate().map(|(at, file)| SourceText::new(at.to_string(), file.to_string()));
        let texts = Texts { rules: rules.collect(), ..texts.clone() };
        app::playbook_of(&configured, &texts, Key::from_bytes([7; 32])).unwrap().0
    };
    let mut files = shipped();
    each(&mut files, "rule", &mut |rule| {
        rule.remove("test");
    });
    let before = playbook(&files);
    let more = |what: &str| format!("[[group]]\nid = \"{what}\"\nlabel = \"{what}\"\n").parse().unwrap();
    let edits: [&dyn Fn(&mut Files); 3] = [
        &|files| {
            files.push(more("more"));
            each(files, "category", &mut |category| {
                category.insert("answer_threshold".into(), 40.0.into());
            });
        },
        // Only who gets it, and whether the bot may answer.
        &|files| {
            files.push(more("others"));
            each(files, "category", &mut |category| {
                category.insert("group".into(), "others".into());
                category.insert("bot_may_answer".into(), false.into());
            });
        },
        &|files| {
            let mut at = 0;
            each(files, "rule", &mut |rule| {
                at += 1;
                if at % 7 == 0 {
                    rule.insert("enabled".into(), false.into());
                }
            });
        },
    ];
    let (mails, now) = (mails(), "2026-01-07T14:30:00+08:00".parse().unwrap());
    for edit in edits {
        let mut edited = files.clone();
        edit(&mut edited);
        let after = playbook(&edited);
        let change = Change::between(before.rules(), after.rules());
        let mut shifted = 0;
        for message in &mails {
            let (mailbox, hash) = (&after.config().mailboxes[0], MailHash::of(message.text.as_bytes()));
            let mail = Mail { mailbox, hash, message, findings: None, delivered: now, junk: false, baseline: false };
            let case = decide(&mail, &Facts::default(), &before, now).case().cloned();
            let follows = Facts { by_signed: case.into_iter().collect(), ..Facts::default() };
            for facts in [Facts::default(), follows] {
                let foresight = Foresight::of(&mail, &facts, &after, now);
                let (from, to) = (foresight.under(&before, None).upshot, foresight.under(&after, None).upshot);
                let want = (from != to).then_some((from, to));
                shifted += usize::from(want.is_some());
                assert_eq!(foresight.shift(&before, &after, &change), want, "{}", message.subject);
            }
        }
        assert!(shifted > 20, "{shifted}");
    }
}

#[test]
fn a_change_matters_for_mails_with_its_words_or_for_all() {
    let (files, mails) = (shipped(), mails());
    let before = loaded(&files).unwrap();
    let mattering = |mails: &[Message], edit: &dyn Fn(&mut Files)| {
        let mut edited = files.clone();
        edit(&mut edited);
        let after = loaded(&edited).unwrap();
        let change = Change::between(&before, &after);
        mails.iter().filter(|mail| change.judge(&question(mail)).is_some()).count()
    };
    let matters = |edit: &dyn Fn(&mut Files)| mattering(&mails, edit);
    assert_eq!(matters(&|_| {}), 0, "nothing changed");
    let without_tests = |files: &mut Files| {
        each(files, "rule", &mut |rule| {
            rule.remove("test");
        });
    };
    assert_eq!(matters(&without_tests), 0, "tests are no part of a rule");
    let file = |files: &mut Files| files.push("schema = 1\n[lists]\nunused = [\"邮箱\"]\n".parse().unwrap());
    assert_eq!(matters(&file), 0, "a list that no rule names");
    let group = |files: &mut Files| {
        let group = "[[group]]\nid = \"more\"\nlabel = \"more\"\n".parse().unwrap();
        files.push(group);
    };
    assert_eq!(matters(&group), mails.len(), "what all rules share");
    let rule = |when: &str| {
        let text = format!(
            "[[rule]]\nid = \"more\"\nphase = \"route\"\n[rule.when]\nall = [{when}]\n[rule.do]\ntags = [\"x\"]\n"
        );
        move |files: &mut Files| files.push(text.parse().unwrap())
    };
    assert_eq!(matters(&rule("{ lang = \"zh\" }")), mails.len(), "a rule that needs no word");
    let told = |text: &str| mattering(&[mail(text, text)], &rule("{ kw = \"邮箱\" }")) == 1;
    assert!(told("我的郵箱") && !told("发票"));
    let keyword = |files: &mut Files| {
        each(files, "rule", &mut |rule| {
            let first = rule.get_mut("when").and_then(|when| when.get_mut("any")?.get_mut(0)?.get_mut("kw"));
            let keywords = first.and_then(|keywords| keywords.get_mut("zh")?.as_array_mut());
            keywords.into_iter().for_each(|keywords| keywords.push("雪人".into()));
        });
    };
    let told = |text: &str| mattering(&[mail(text, text)], &keyword) == 1;
    assert!(told("雪人") && !told("密码忘了，邮箱登录不了，发件被退回"), "a keyword more in every rule");
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
    let mut judgement = rules.judge(&question(mail));
    let without_scores = Judgement { scores: Vec::new(), ..judgement.clone() };
    assert_eq!(rules.judge_without_scores(&question(mail)), without_scores, "{}", mail.subject);
    judgement.hits.retain(|hit| !hit.shadow);
    judgement
}

/// Without what tells how it came about.
fn gist(judgement: &Judgement) -> Judgement {
    Judgement { hits: Vec::new(), scores: Vec::new(), ..judgement.clone() }
}

fn question(mail: &Message) -> Input<'_> {
    let now = "2026-01-07T14:30:00+08:00".parse().unwrap();
    Input::first(mail, mail.language.language().unwrap_or(Language::Zh), now)
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

/// Every other fixture, people's sentences, and the gold set.
fn mails() -> Vec<Message> {
    let fixtures: Vec<PathBuf> = in_folder("tests/fixtures/mails", "eml").into_iter().step_by(2).collect();
    let fixtures = fixtures.iter().map(|file| app::read(&fs::read(file).unwrap()));
    let labelled = fs::read_to_string(root().join("tests/labelled/zh.tsv")).unwrap();
    let sentences = labelled.lines().skip(1).step_by(60).filter_map(|line| line.split_once('\t'));
    let sentences = sentences.map(|(_, text)| mail("你好", text));
    let gold = in_folder("tests/gold", "toml").into_iter().flat_map(|file| {
        let file: Table = fs::read_to_string(file).unwrap().parse().unwrap();
        let mails = file.get("mail").and_then(Value::as_array).cloned().unwrap_or_default();
        mails.into_iter().map(|said| mail(said["subject"].as_str().unwrap(), said["body"].as_str().unwrap()))
    });
    fixtures.chain(sentences).chain(gold).collect()
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
