//! `huixin rules …` as an admin meets it: the program itself, in a folder with a few rules of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use huixin::app;
use huixin::case::Case;
use huixin::ids::{CaseNumber, GroupId, MailboxName};
use huixin::language::Language;
use huixin::mailbox::Place;
use huixin::store::{Decided, Outcome, Record, Store};

const TAXONOMY: &str = r#"schema = 1
[[category]]
id = "deliver.bounce"
label = { zh = "退信", en = "Returned mail", ja = "返送メール" }
group = "mail-tech"
bot_may_answer = true
[[category]]
id = "billing.invoice"
label = { zh = "发票", en = "Invoices", ja = "請求書" }
group = "billing"
bot_may_answer = true
[[category]]
id = "other"
group = "triage"
[[group]]
id = "mail-tech"
label = { zh = "邮件技术组", en = "Mail & Technology <1>", ja = "メール技術" }
[[group]]
id = "billing"
[[group]]
id = "triage"
[[field]]
id = "client"
names = { zh = ["客户端"], en = ["client"] }
"#;

const RULES: &str = r#"schema = 1

# What came back.
[[rule]]
id = "bounce.550"
title = { zh = "550 退信", en = "550 bounce" }
description = "A relay refused the mail."
category = "deliver.bounce"
weight = 6.0
[rule.when]
all = [{ kw = ["550"] }]
except = { zh = ["不是550"] }
[rule.do]
reply = "kb/bounce"
[[rule.test]]
name = "plain"
body = "退信代码550"
want = { match = true, category = "deliver.bounce" }
[[rule.test]]
name = "a longer number"
body = "订单15500"
want = { match = false }

[[rule]]
id = "invoice"
category = "billing.invoice"
weight = 6.0
[rule.when]
any = [{ kw = { zh = ["发票"], en = ["invoice"] } }]
[rule.do]
reply = "kb/invoice"
[[rule.test]]
name = "zh"
body = "请给我开发票"
want = { category = "billing.invoice" }
[[rule.test]]
name = "no invoice"
body = "你好"
want = { match = false }
"#;

/// A folder with bot.toml, two rules and the templates that the code itself needs.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
}

/// How a command ended.
pub(crate) struct Ran {
    code: i32,
    pub out: String,
    err: String,
}

impl Desk {
    pub fn new() -> Desk {
        let desk = Desk { folder: tempfile::tempdir().unwrap() };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::copy(root.join("bot.toml"), desk.path("bot.toml")).unwrap();
        for part in ["ack", "added", "agent", "close", "handoff", "notice", "part", "status"] {
            let to = desk.path("templates").join(part);
            fs::create_dir_all(&to).unwrap();
            for entry in fs::read_dir(root.join("templates").join(part)).unwrap() {
                let from = entry.unwrap().path();
                fs::copy(&from, to.join(from.file_name().unwrap())).unwrap();
            }
        }
        for name in ["bounce", "invoice"] {
            for language in ["zh", "en", "ja"] {
                desk.write(&format!("templates/kb/{name}.{language}.txt"), &format!("Subject: {name}\n\n{name}\n"));
            }
        }
        // bot.toml gives mailbox.support to `triage`, and knows of `mail-tech`.
        desk.write("rules/taxonomy.toml", TAXONOMY);
        desk.write("rules/rules.toml", RULES);
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces a piece of a file, which must be there.
    pub fn change(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{from}");
        self.write(name, &text.replacen(from, to, 1));
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn mail(&self, name: &str, subject: &str, body: &str) {
        let head =
            "From: Li Lei <lilei@example.net>\r\nTo: support@example.com\r\nDate: Wed, 7 Jan 2026 14:30:00 +0800\r\n";
        let rest = format!("Message-ID: <{name}@example.net>\r\nSubject: {subject}\r\n\r\n{body}\r\n");
        self.write(name, &format!("{head}{rest}"));
    }

    pub fn rules(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_huixin"))
            .current_dir(self.folder.path())
            .arg("rules")
            .args(arguments)
            .env("USER", "lilei")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    #[track_caller]
    pub fn says(&self, code: i32, out: &[&str]) -> &Ran {
        let (all, got) = (format!("{}\n{}", self.out, self.err), self.code);
        assert_eq!(got, code, "{all}");
        for wanted in out {
            assert!(all.contains(wanted), "`{wanted}` is not in:\n{all}");
        }
        self
    }

    #[track_caller]
    fn is_silent_about(&self, word: &str) -> &Ran {
        assert!(!self.out.contains(word), "`{word}` is in:\n{}", self.out);
        self
    }
}

#[test]
fn check_shows_faults_with_their_lines_for_people_and_for_programs() {
    let desk = Desk::new();
    desk.rules(&["check"]).says(0, &["2 rules, 4 tests passed", "0 errors"]);
    desk.change("rules/rules.toml", "category = \"billing.invoice\"", "category = \"billing.invioce\"");
    let drawn = desk.rules(&["check"]);
    drawn.says(78, &["rules.toml:26:12", "there is no category `billing.invioce`", "did you mean `billing.invoice`?"]);
    let ran = desk.rules(&["check", "--json"]);
    ran.says(78, &[]);
    let first: serde_json::Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
    assert_eq!(first["line"], 26);
    assert_eq!(first["column"], 12);
    assert_eq!(first["code"], "E03");
    assert_eq!(first["severity"], "error");
    assert!(first["file"].as_str().unwrap().ends_with("rules.toml"));
}

#[test]
fn test_shows_wanted_and_got_and_writes_junit() {
    let desk = Desk::new();
    desk.rules(&["test"]).says(0, &["4 passed, 0 failed"]);
    desk.change("rules/rules.toml", "body = \"订单15500\"", "body = \"<&> 550\"");
    let ran = desk.rules(&["test", "--junit", "junit.xml"]);
    ran.says(78, &[": `a longer number` of bounce.550", "  match\n    - false\n    + true", "1 test failed"]);
    desk.rules(&["test", "--rule", "invoice"]).says(0, &["2 passed, 0 failed"]);
    desk.rules(&["test", "--rule", "invoise"]).says(64, &["there is no rule `invoise`; did you mean `invoice`?"]);
    let parsed = Command::new("python3")
        .args(["-c", "import sys, xml.etree.ElementTree as x; t = x.parse(sys.argv[1]).getroot(); print(t.get('tests'), t.get('failures'), len(t.findall('testsuite/testcase')), t.find('.//failure').get('message'))"])
        .arg(desk.path("junit.xml"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(parsed.stdout).unwrap(), "4 1 4 match is true, wanted false\n");
}

#[test]
fn explain_says_why_a_rule_does_not_hold() {
    let desk = Desk::new();
    desk.mail("1.eml", "hello", "=?订单15500");
    let ran = desk.rules(&["explain", "1.eml", "--why-not", "bounce.550"]);
    ran.says(0, &["bounce.550  rules/rules.toml:", "all[1]", "only as part of a longer word or number", "“15500”"]);
    ran.says(0, &["`word = \"off\"`"]);
    desk.mail("2.eml", "hello", "error 550");
    desk.rules(&["explain", "2.eml", "--why-not", "bounce.550"])
        .says(0, &["6.0 of 5.0  deliver.bounce", "body 6..9 “550”", "6.0 ahead of the next (needs 1.5)", "it held"]);
    desk.rules(&["explain", "1.eml", "--why-not", "bounce"]).says(64, &["did you mean `bounce.550`?"]);
}

#[test]
fn explain_shows_no_secret() {
    let desk = Desk::new();
    let secret = "[[rule]]\nid = \"secret\"\nphase = \"guard\"\nscope = [\"subject\", \"body\"]\n\
                  [rule.when]\nall = [{ secret = [\"password\"] }]\n[rule.do]\nredact = \"secrets\"\n";
    desk.write("rules/secret.toml", &format!("schema = 1\n{secret}"));
    desk.mail("1.eml", "我的密码是 Abc12345", "密码是 Abc12345，打不开");
    let ran = desk.rules(&["explain", "1.eml"]);
    ran.says(0, &["subject   我的密码是 ▮▮▮▮"]);
    assert!(!ran.out.contains("Abc12345"), "{}", ran.out);
}

#[test]
fn coverage_names_what_no_test_shows_and_fails_below_its_bar() {
    let desk = Desk::new();
    let ran = desk.rules(&["coverage", "--min", "90"]);
    ran.says(
        0,
        &["100.0 %  2 of 2 rules with keywords", "invoice\n  no test in en\n  any[1]: 1 of 2 keywords never: invoice"],
    );
    ran.says(0, &["bounce.550\n  except[1]: never"]);
    desk.change(
        "rules/rules.toml",
        "body = \"退信代码550\"\nwant = { match = true, category = \"deliver.bounce\" }",
        "body = \"你好\"\nwant = { match = false }",
    );
    desk.rules(&["coverage", "--min", "90"]).says(78, &["50.0 %", "it held in no passing test", "90 % are asked for"]);
    desk.rules(&["coverage", "--summary"]).says(0, &[]).is_silent_about("it held in no passing test");
}

#[test]
fn fmt_keeps_comments_and_says_which_files_changed() {
    let desk = Desk::new();
    desk.rules(&["fmt"]).says(0, &["rules/taxonomy.toml"]);
    desk.write("rules/more.toml", "schema=1\n[lists]\n# why\na = [ \"x\",\"y\" ]   # both\n");
    desk.rules(&["fmt", "--check"]).says(78, &["rules/more.toml", "1 file not in the usual form"]);
    desk.rules(&["fmt"]).says(0, &["rules/more.toml"]);
    assert_eq!(desk.read("rules/more.toml"), "schema = 1\n\n[lists]\n# why\na = [\"x\", \"y\"]   # both\n");
    desk.rules(&["fmt", "--check"]).says(0, &[]);
    desk.write("rules/more.toml", "schema = = 1\n");
    desk.rules(&["fmt"]).says(78, &["this is not TOML"]);
}

/// Lays mails into the archive and the journal as a bot would have: each opens a case of its own, decided now.
fn archive(desk: &Desk, mails: &[(&str, &str)]) {
    let (store, _) = Store::open(&desk.path("var/data")).unwrap();
    let mailbox = MailboxName::parse("support").unwrap();
    for (at, (subject, body)) in mails.iter().enumerate() {
        let head =
            "From: Li Lei <lilei@example.net>\r\nTo: support@example.com\r\nDate: Wed, 7 Jan 2026 14:30:00 +0800\r\n";
        let mail = format!("{head}Message-ID: <{at}@example.net>\r\nSubject: {subject}\r\n\r\n{body}\r\n");
        let hash = store.archive().put(mail.as_bytes()).unwrap();
        let (now, number) = (app::now(), CaseNumber::from_bits(at as u64));
        let group = GroupId::parse("triage").unwrap();
        let case = Case::new(number, mailbox.clone(), group, Language::Zh, now);
        let (place, outcome) = (Place::Maildir { file: at.to_string() }, Outcome::Opened(number));
        let decided = Decided { case: Some(case), ..Decided::new(mailbox.clone(), place, hash, outcome, now) };
        store.append(Record::Decided(Box::new(decided))).unwrap();
    }
    store.sync().unwrap();
}

const MAILS: [(&str, &str); 4] =
    [("退信", "代码550"), ("退信", "错误 550 怎么办"), ("发票", "请开发票"), ("你好", "你好，在吗")];

#[test]
fn backtest_shows_what_would_change_and_says_so_by_its_exit_code() {
    let desk = Desk::new();
    archive(&desk, &MAILS);
    desk.rules(&["backtest"]).says(64, &["there is no applied revision to compare with"]);
    desk.rules(&["apply"]).says(0, &["this is the first revision"]);
    desk.rules(&["backtest"]).says(0, &["0 of 4 mails would be decided otherwise (0.0 %)"]);
    desk.change("rules/rules.toml", "reply = \"kb/bounce\"", "reply = \"kb/invoice\"");
    let ran = desk.rules(&["backtest", "--since", "1d"]);
    ran.says(
        1,
        &["reply     kb/bounce → kb/invoice: 2 mails", "退信", "2 of 4 mails would be decided otherwise (50.0 %)"],
    );
    // Beside a bot that runs: it holds the lock of its data.
    let (held, _) = Store::open(&desk.path("var/data")).unwrap();
    desk.rules(&["backtest", "--since", "all"]).says(1, &["2 of 4 mails"]);
    drop(held);
    desk.mail("mails/a.eml", "x", "error 550");
    desk.rules(&["backtest", "--mails", "mails"]).says(1, &["a.eml", "1 of 1 mail would"]);
    fs::create_dir(desk.path("other")).unwrap();
    fs::copy(desk.path("rules/rules.toml"), desk.path("other/rules.toml")).unwrap();
    fs::copy(desk.path("rules/taxonomy.toml"), desk.path("other/taxonomy.toml")).unwrap();
    desk.rules(&["backtest", "--against", "other"]).says(0, &["0 of 4 mails"]);
    desk.rules(&["backtest", "--against", "zzz"]).says(64, &["neither a folder nor a revision"]);
    desk.rules(&["backtest", "--since", "soon"]).says(64, &["write `30d`, `12h` or `all`"]);
}

#[test]
fn apply_checks_compares_and_keeps_and_rollback_puts_the_files_back() {
    let desk = Desk::new();
    archive(&desk, &MAILS);
    desk.rules(&["history"]).says(0, &["nothing was applied yet"]);
    desk.rules(&["apply"]).says(0, &["is in force"]);
    desk.rules(&["apply"]).says(0, &["is in force already"]);
    let first = desk.read("rules/rules.toml");

    // A fault replaces nothing.
    for (name, text) in [("rules.toml", first.as_str()), ("taxonomy.toml", TAXONOMY)] {
        desk.write(&format!("next/rules/{name}"), text);
    }
    desk.change(
        "next/rules/rules.toml",
        "want = { category = \"billing.invoice\" }",
        "want = { category = \"other\" }",
    );
    desk.rules(&["apply", "next"]).says(78, &["test `zh` of `invoice` fails"]);
    assert_eq!(desk.read("rules/rules.toml"), first);

    // Too much changes.
    desk.change(
        "next/rules/rules.toml",
        "want = { category = \"other\" }",
        "want = { category = \"billing.invoice\" }",
    );
    desk.change("next/rules/rules.toml", "reply = \"kb/bounce\"", "reply = \"kb/invoice\"");
    desk.write("next/rules/more.toml", "schema = 1\n");
    desk.rules(&["apply", "next"]).says(1, &["not applied: 50.0 %", "say --yes"]);
    assert_eq!(desk.read("rules/rules.toml"), first);
    let ran = desk.rules(&["apply", "next", "--yes"]);
    ran.says(0, &["the files that were there are kept as", "is in force"]);
    assert_eq!(desk.read("rules/rules.toml"), desk.read("next/rules/rules.toml"));
    assert!(desk.path("rules/more.toml").exists());
    desk.rules(&["check"]).says(0, &[]);

    let history = desk.rules(&["history"]);
    history.says(0, &["applied by lilei, 2 of 4 mails changed"]);
    let second = history.out.split_whitespace().next().unwrap().to_owned();
    let diff = desk.rules(&["history", &second[..6]]);
    diff.says(0, &["--- a/rules/rules.toml", "-reply = \"kb/bounce\"", "+reply = \"kb/invoice\"", "--- /dev/null"]);

    desk.rules(&["rollback", "zzz"]).says(64, &["no single revision begins with `zzz`"]);
    desk.rules(&["rollback"]).says(0, &["is in force again"]);
    assert_eq!(desk.read("rules/rules.toml"), first);
    assert!(!desk.path("rules/more.toml").exists());
    desk.rules(&["history"]).says(0, &["rolled back by lilei"]);
    desk.rules(&["rollback", &second]).says(0, &[]);
    assert!(desk.path("rules/more.toml").exists());
}

#[test]
fn shadow_and_stats_tell_what_rules_did_and_would_have_done() {
    let desk = Desk::new();
    archive(&desk, &MAILS);
    desk.rules(&["shadow"]).says(0, &["no rule has `status = \"shadow\"`"]);
    let ran = desk.rules(&["stats"]);
    ran.says(0, &["4 mails, 0 could not be read"]);
    let row = ran.out.lines().find(|line| line.contains("bounce.550")).unwrap();
    assert_eq!(row.split_whitespace().skip(1).take(4).collect::<Vec<_>>(), ["stable", "2", "2", "0"]);
    desk.change("rules/rules.toml", "id = \"bounce.550\"", "id = \"bounce.550\"\nstatus = \"shadow\"");
    let ran = desk.rules(&["shadow"]);
    ran.says(
        0,
        &["bounce.550: held for 2 mails, would change 2", "category  none → deliver.bounce: 2", "4 mails looked at"],
    );
}

#[test]
fn check_tells_with_past_mail_which_rule_holds_too_often() {
    let desk = Desk::new();
    let mails: Vec<(&str, &str)> = (0..100).map(|at| ("你好", if at % 4 == 0 { "550" } else { "请问" })).collect();
    archive(&desk, &mails);
    assert!(!desk.rules(&["check"]).err.contains("W15"));
    let ran = desk.rules(&["check", "--since", "1d"]);
    ran.says(0, &["warning[W15]: `bounce.550` holds for 25 of 100 mails, more than a fifth"]);
    let allow = "id = \"bounce.550\"\nallow = [{ code = \"W15\", reason = \"a relay's own desk\" }]";
    desk.change("rules/rules.toml", "id = \"bounce.550\"", allow);
    assert!(!desk.rules(&["check", "--since", "1d"]).err.contains("W15"));
    desk.rules(&["check", "--since", "soon"]).says(64, &["`soon` is no length of time"]);
}

#[test]
fn docs_are_pages_that_link_to_each_other_and_hold_no_markup_of_an_admin() {
    let desk = Desk::new();
    desk.change("rules/rules.toml", "A relay refused the mail.", "A relay <b>refused</b> *it*.");
    desk.rules(&["docs", "--out", "book"]).says(0, &["6 pages in book"]);
    let html = desk.read("book/rules/bounce.550.html");
    for piece in [
        "description: A relay &lt;b&gt;refused&lt;/b&gt; *it*.",
        "<a href=\"../categories/deliver.bounce.html\">deliver.bounce</a>",
        "<a href=\"../index.html\">",
        "answers with kb/bounce",
        "all of these: “550”",
    ] {
        assert!(html.contains(piece), "{piece} in {html}");
    }
    let markdown = desk.read("book/index.md");
    assert!(markdown.contains("* [bounce.550](rules/bounce.550.md) 550 退信"), "{markdown}");
    assert!(desk.read("book/rules/bounce.550.md").contains("A relay \\<b\\>refused\\</b\\> \\*it\\*."));
    // Every link leads to a page.
    for (folder, page) in
        [("", "index"), ("rules/", "bounce.550"), ("rules/", "invoice"), ("categories/", "deliver.bounce")]
    {
        let text = desk.read(&format!("book/{folder}{page}.html"));
        for to in text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(desk.path("book").join(folder).join(to).exists(), "{to} from {page}");
        }
    }
}
