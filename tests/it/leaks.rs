//! What comes in does not go out again: words of strangers, and codes meant for one pair of eyes.

use huixin::app;
use huixin::case::Facts;
use huixin::decide::Decision;
use huixin::ids::Right;
use huixin::language::Language;

use crate::doses::{dose, report};
use crate::replies::desk::{AGENT, COLLEAGUE, Desk, decide_bytes};

const BORDER: &str =
    "Received: from out.example by mx.example.com with ESMTPS id 1; Tue, 24 Nov 2026 02:00:00 +0000\r\n";
/// Who works here.
const PEOPLE: [&str; 3] = [AGENT, COLLEAGUE, "operator@example.com"];

/// Fields of a mail, `$` where the canary sits.
const FIELDS: [&str; 26] = [
    "From: \"$\" <li@customer.example>",
    "From: li@customer.example ($)",
    "Subject: $",
    "Subject: Re: [案号 $] $",
    "To: \"$\" <support@example.com>",
    "Cc: \"$\" <$@example.net>",
    "Bcc: $@example.net",
    "Reply-To: \"$\" <li@customer.example>",
    "Sender: $@example.net",
    "Date: Tue, 24 Nov 2026 10:00:00 +0800 ($)",
    "Comments: $",
    "Keywords: $, $",
    "Organization: $",
    "X-Mailer: $",
    "User-Agent: $",
    "X-Priority: 1 $",
    "Thread-Topic: $",
    "List-Unsubscribe-Post: $",
    "X-Originating-IP: [$]",
    "Errors-To: $@example.net",
    "Disposition-Notification-To: $@example.net",
    "Content-Language: $",
    "X-RT-Original-Encoding: $",
    "Received: from $ by x.example; Tue, 24 Nov 2026 01:00:00 +0000",
    "Return-Path: <$@customer.example>",
    "Content-Description: $",
];

/// Texts with a canary in what they quote, sign and fill in.
const TEXTS: [&str; 8] = [
    "我发送邮件被退回，提示“554 DT:SPM $”，请问怎么办？\n$",
    "您好，我是 $，发送失败。\n错误代码：$\n完整报错：550 5.7.1 $\n操作步骤：$",
    "转人工 $",
    "Does the choir of $ rehearse on Thursday?",
    "I forgot my password. My name is $.\n\n-- \n$\nPhone $",
    "パスワードを忘れました。$\n\n> $",
    "账号被盗了，我的账号是 $@customer.example，网址 http://$.example/$",
    "怎么注销账号？$",
];

fn canaries(n: usize, text: &str) -> String {
    text.replace('$', &format!("qzcny{n}x"))
}

fn mail(n: usize) -> Vec<u8> {
    let field = FIELDS[n % FIELDS.len()];
    let name = field.split(':').next().unwrap();
    // All the others as well, each of which may stand once.
    let rest: String = FIELDS
        .iter()
        .filter(|other| !other.starts_with(&format!("{name}:")) && n.is_multiple_of(2))
        .filter(|other| !["Subject: Re", "From: li", "Return-Path"].iter().any(|twice| other.starts_with(twice)))
        .map(|other| canaries(n, other) + "\r\n")
        .collect();
    let from = if rest.contains("From: ") || name == "From" { "" } else { "From: li@customer.example\r\n" };
    let to = if rest.contains("To: ") && rest.contains("<support@") || name == "To" {
        ""
    } else {
        "To: support@example.com\r\n"
    };
    let text = canaries(n, TEXTS[(n / FIELDS.len()) % TEXTS.len()]).replace('\n', "\r\n");
    let attached = canaries(
        n,
        "Content-Type: text/plain; name=\"$.txt\"\r\nContent-Disposition: attachment; filename=\"$.txt\"\r\n\r\n$\r\n",
    );
    format!(
        "{BORDER}{}\r\n{rest}{from}{to}Message-ID: <m{n}@customer.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; \
         boundary=\"b{}\"\r\n\r\n--b{1}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: \
         8bit\r\n\r\n{text}\r\n--b{1}\r\n{attached}--b{1}--\r\n",
        canaries(n, field),
        canaries(n, "$"),
    )
    .into_bytes()
}

/// What leaves for anybody who does not work here: to whom, and all that is in it.
fn outside(decision: &Decision) -> Vec<(String, String)> {
    let strangers = decision.outgoing().filter(|mail| !PEOPLE.contains(&&*mail.envelope.to.to_string()));
    strangers
        .map(|mail| {
            let read = app::read(mail.content.head.as_bytes());
            let shown = format!("{}\n{}\n{}", mail.content.head, read.subject, read.text);
            (mail.envelope.to.to_string(), shown)
        })
        .collect()
}

#[test]
fn f41_no_word_of_a_mail_stands_in_what_its_sender_or_anybody_outside_gets() {
    let desk = Desk::open(Language::Zh);
    let (mut answers, mut leaked) = (0, Vec::new());
    let mails = dose(104, 1_040);
    for n in 0..mails {
        let bytes = mail(n);
        assert!(String::from_utf8_lossy(&bytes).contains(&canaries(n, "$")));
        for (to, shown) in outside(&decide_bytes(&desk.playbook, desk.now, &bytes, &Facts::default())) {
            answers += 1;
            if shown.contains("qzcny") || to.contains("qzcny") {
                leaked.push(format!("{}: {to} {shown}", FIELDS[n % FIELDS.len()]));
            }
        }
    }
    assert!(leaked.is_empty(), "{} leaked: {}", leaked.len(), leaked[0]);
    assert!(answers * 3 > mails, "{answers} answers to {mails} mails: most are answered");
    report("f41", format!("{mails} mails, {answers} answers"), "0 canaries");
}

/// Who sends codes, and from where.
const SERVICES: [(&str, &str); 20] = [
    ("Slack", "feedback@slack.com"),
    ("Slack", "no-reply@slack.com"),
    ("Apple", "appleid@id.apple.com"),
    ("Google", "no-reply@accounts.google.com"),
    ("Atlassian", "noreply@id.atlassian.com"),
    ("GitHub", "noreply@github.com"),
    ("Microsoft", "account-security-noreply@accountprotection.microsoft.com"),
    ("微信团队", "weixinteam@tencent.com"),
    ("支付宝", "service@mail.alipay.com"),
    ("阿里云", "system@notice.aliyun.com"),
    ("腾讯云", "cloud_noreply@tencent.com"),
    ("网易", "passport@service.netease.com"),
    ("京东", "newsletter@jd.com"),
    ("PayPal", "service@paypal.com"),
    ("Amazon", "account-update@amazon.com"),
    ("Zoom", "no-reply@zoom.us"),
    ("Notion", "notify@mail.notion.so"),
    ("楽天", "myrakuten@rakuten.co.jp"),
    ("Yahoo! JAPAN", "account-master@mail.yahoo.co.jp"),
    ("Dropbox", "no-reply@dropbox.com"),
];

/// What they say; `#` is the code, `$` the service.
const CODES: [&str; 10] = [
    "Subject: $ confirmation code: #\n\nYour confirmation code is below. Enter it in your open browser window.\n\n#\n",
    "Subject: Verify your email address\n\nPlease confirm your email address to finish signing up: https://$.example/verify?token=#\n",
    "Subject: 【$】验证码\n\n您的验证码为 #，10 分钟内有效。请勿告诉他人。\n",
    "Subject: $安全验证\n\n您正在进行邮箱验证，本次验证码为：\n#\n如非本人操作，请忽略本邮件。\n",
    "Subject: $ 認証コード\n\n認証コード: #\nこのコードを他人に教えないでください。\n",
    "Subject: 【$】ワンタイムパスワードのお知らせ\n\nワンタイムパスワード：#\n有効期限は10分です。\n",
    "Subject: Your $ login code\n\nHere is your login code: #. It expires in 10 minutes. If you didn't try to log in, ignore this email.\n",
    "Subject: Sign in to $\n\nClick the magic link to sign in: https://login.example/magic/#\n",
    "Subject: $ 重置密码\n\n请点击以下链接重置密码：https://reset.example/?code=#\n链接 30 分钟内有效。\n",
    "Subject: # is your $ code\n\n# is your one-time passcode (OTP). Do not share it.\n",
];

#[test]
fn f45_v01_v29_two_hundred_codes_of_other_services_reach_nobody_outside() {
    let desk = Desk::open(Language::Zh);
    let token = desk.playbook.token(desk.case.number, Right::Reply, &AGENT.parse().unwrap(), desk.now).detail();
    let id = &desk.forwards[0].message_id;
    let ways = [
        "To: support@example.com\r\n".to_owned(),
        format!("To: support+{token}@example.com\r\n"),
        format!("To: support@example.com\r\nIn-Reply-To: {id}\r\n"),
    ];
    let (mut count, mut outside_of, mut codes) = (0, Vec::new(), Vec::new());
    for (service, address) in SERVICES {
        for (n, text) in CODES.iter().enumerate() {
            let code = format!("{}", 481_516 + 7 * count);
            let text = text.replace('#', &code).replace('$', service);
            let (subject, text) = text.split_once("\n\n").unwrap();
            let domain = address.rsplit_once('@').unwrap().1;
            let proof = match count % 3 {
                // A forged one, as well.
                2 => BORDER.to_owned(),
                _ => format!(
                    "Authentication-Results: mx.example.com; dkim=pass header.d={domain}; dmarc=pass header.from={domain}\r\n{BORDER}"
                ),
            };
            let to = &ways[n % ways.len()];
            let bytes = format!(
                "{proof}From: \"{service}\" <{address}>\r\n{to}{subject}\r\nMessage-ID: <o{count}@{domain}>\r\nMIME-Version: \
                 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}",
                text.replace('\n', "\r\n")
            )
            .into_bytes();
            count += 1;
            let signed = if n % ways.len() == 0 { Vec::new() } else { vec![desk.case.clone()] };
            let facts = Facts { by_signed: signed, internal: desk.internal.clone(), ..Facts::default() };
            for (to, shown) in outside(&decide_bytes(&desk.playbook, desk.now, &bytes, &facts)) {
                outside_of.push(format!("{address}, {subject}: to {to}"));
                if shown.contains(&code) {
                    codes.push(format!("{address}, {subject}: to {to}"));
                }
            }
        }
    }
    println!("{count} codes: {} mails to anybody outside, {} with a code", outside_of.len(), codes.len());
    assert!(codes.is_empty(), "{codes:#?}");
    assert!(outside_of.is_empty(), "{} of {count} answered:\n{}", outside_of.len(), outside_of.join("\n"));
    assert_eq!(count, 200);
}
