//! A secret in a mail is masked in every view of it: whatever prints, sends, logs or keeps what was written.

use std::fs;
use std::path::{Path, PathBuf};

use huixin::app;
use huixin::message::Message;

use crate::bot::Bot;

/// One of each kind.
const SECRETS: [&str; 8] = [
    "Abc12345",
    "Qwert987!",
    "483920",
    "11010519491231002X",
    "4111 1111 1111 1111",
    "AKIAIOSFODNN7EXAMPLE",
    // These stand nowhere else than in the name of a file and of the sender.
    "Zq81mwKp",
    "Wt55rrZz",
];

const MAIL: &str = "From: =?utf-8?q?Li_Abc12345_pwd_Wt55rrZz?= <li@customer.example>\r\n\
    To: support@example.com\r\n\
    Message-ID: <first@customer.example>\r\n\
    Subject: =?utf-8?b?5a+G56CB5pivIEFiYzEyMzQ177yM55m75b2V5aSx6LSl?=\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
    登录失败，邮件被退回 554 DT:SPM，请转人工。密码是 Abc12345，验证码：483920，身份证 11010519491231002X，\r\n\
    卡号 4111 1111 1111 1111，key AKIAIOSFODNN7EXAMPLE。\r\n\r\n\
    在 2026年11月23日，Li 写道：\r\n> 口令：Qwert987!\r\n\
    --b\r\nContent-Type: text/plain; name=\"Abc12345_password_Zq81mwKp.log\"\r\n\
    Content-Disposition: attachment; filename=\"Abc12345_password_Zq81mwKp.log\"\r\n\r\n\
    password: Qwert987!\r\n--b--\r\n";

/// A rule on trial, so that there is something to show of it.
const ON_TRIAL: &str = r#"schema = 1
[[rule]]
id = "trial.login"
title = { en = "on trial" }
status = "shadow"
category = "feedback.suggestion"
weight = 90.0
[rule.when]
any = [{ kw = { zh = ["登录失败"] } }]
[[rule.test]]
name = "plain"
body = "登录失败"
want = { match = true }
[[rule.test]]
name = "something else"
body = "你好"
want = { match = false }
"#;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn shown(text: &str) -> Vec<&'static str> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    SECRETS.into_iter().filter(|secret| text.contains(secret) || digits.contains(&secret.replace(' ', ""))).collect()
}

/// All that a person may read in a mail.
fn read(file: &Path) -> (Message, String) {
    let bytes = fs::read(file).unwrap();
    let mail = app::read(&bytes);
    let files: String = mail.attachments.iter().map(|file| format!("{}\n{}\n", file.name, file.text)).collect();
    let text = format!("{}\n{}\n{}\n{files}", String::from_utf8_lossy(&bytes), mail.subject, mail.text);
    (mail, text)
}

#[test]
fn every_view_of_a_mail_has_its_secrets_masked() {
    let mut bot = Bot::local();
    let trial = bot.folder().join("rules/99-trial.toml");
    fs::write(&trial, ON_TRIAL).unwrap();
    bot.set("HUIXIN__LOG__LEVEL", Path::new("trace"));
    bot.start_and_look();
    bot.lay("first", MAIL.as_bytes());
    bot.wait("the forward", |bot| !bot.events("forwarded").is_empty() && !bot.events("answered").is_empty());
    let answer = files(&bot.folder().join("out"))
        .iter()
        .map(|file| read(file).0)
        .find(|mail| mail.recipients().any(|to| to.to_string() == "li@customer.example"));
    let answer = answer.unwrap();
    // The subject was judged with the mail before, and has its secret still.
    let second = format!(
        "From: li@customer.example\r\nTo: support@example.com\r\nMessage-ID: <second@customer.example>\r\n\
         In-Reply-To: {}\r\nSubject: =?utf-8?b?UmU6IOWvhueggeaYryBBYmMxMjM0Ne+8jOeZu+W9leWksei0pQ==?=\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n换了网络也一样，附上截图。\r\n",
        answer.message_id.unwrap()
    );
    bot.lay("second", second.as_bytes());
    bot.wait("the second forward", |bot| bot.events("forwarded").len() == 2);
    bot.stop();

    let mut views: Vec<(String, String)> = vec![("the log".into(), bot.log())];
    for file in files(&bot.folder().join("out")) {
        let (mail, text) = read(&file);
        views.push((format!("the mail “{}”", mail.subject), text));
    }
    for part in ["journal", "state"] {
        for file in files(&bot.folder().join("data").join(part)) {
            let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
            views.push((file.display().to_string(), text));
        }
    }
    let other = bot.folder().join("other");
    fs::create_dir(&other).unwrap();
    for file in ["taxonomy.toml", "holidays.toml"] {
        fs::copy(bot.folder().join("rules").join(file), other.join(file)).unwrap();
    }
    fs::copy(&trial, other.join("trial.toml")).unwrap();
    let mail = bot.folder().join("mail.eml");
    fs::write(&mail, MAIL).unwrap();
    let mail = mail.to_str().unwrap();
    // What is asked, how it ends, and what shows that the mail was told of.
    let commands: [(&[&str], i32, &str); 12] = [
        (&["inspect", mail], 0, "subject   密码是 ▮▮▮▮，登录失败"),
        (&["inspect", "--json", mail], 0, "▮▮▮▮_password_▮▮▮▮.log"),
        (&["inspect", "--offline", mail], 0, "身份证 ▮▮▮▮"),
        (&["inspect", "--offline", "--json", mail], 0, "口令：▮▮▮▮"),
        (&["explain", mail], 0, "密码是 ▮▮▮▮，登录失败"),
        (&["explain", "--raw", mail], 0, "Content-Type"),
        (&["explain", "--why-not", "guard.secret", mail], 0, "it held: subject"),
        (&["explain", "--why-not", "trial.login", mail], 0, "登录失败"),
        (&["rules", "backtest", "--against", "other"], 1, "密码是 ▮▮▮▮，登录失败"),
        (&["rules", "shadow"], 0, "密码是 ▮▮▮▮，登录失败"),
        (&["ledger"], 0, "opened"),
        (&["rules", "stats"], 0, "guard.secret"),
    ];
    for (arguments, code, mark) in commands {
        let (got, out, err) = bot.command(arguments);
        assert_eq!(got, Some(code), "{arguments:?}\n{out}{err}");
        assert!(out.contains(mark), "no “{mark}” in {arguments:?}\n{out}");
        views.push((format!("{arguments:?}"), format!("{out}{err}")));
    }
    let masked = views.iter().filter(|(_, text)| text.contains("▮▮▮▮")).count();
    assert!(masked >= 9, "{masked} views of the text");
    let leaks: Vec<String> = views
        .iter()
        .filter(|(_, text)| !shown(text).is_empty())
        .map(|(view, text)| format!("{view} shows {:?}:\n{text}", shown(text)))
        .collect();
    assert!(leaks.is_empty(), "{}", leaks.join("\n\n"));

    // Who must see them says so; and what was taken is explained with where it went then.
    let taken: Vec<String> =
        files(&bot.folder().join("data/archive")).iter().map(|file| file.display().to_string()).collect();
    let archived: Vec<&str> = taken.iter().map(String::as_str).filter(|file| file.ends_with(".eml")).collect();
    let (code, out, err) = bot.command(&[&["explain"][..], &archived].concat());
    assert_eq!(code, Some(0), "{err}");
    for why in ["a new matter", "it answers a mail of ours, known by its Message-ID"] {
        assert!(out.lines().any(|line| line.starts_with("            ") && line.contains(why)), "no “{why}”\n{out}");
    }
    assert_eq!(out.matches("\n  then ").count(), 2, "{out}");
    for arguments in
        [&["inspect", "--unmasked", "--json", mail][..], &["inspect", "--offline", "--unmasked", "--json", mail]]
    {
        let (_, out, _) = bot.command(arguments);
        assert_eq!(shown(&out).len(), SECRETS.len(), "{out}");
    }
}
