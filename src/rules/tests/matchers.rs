//! Every kind of condition and action, one small rule each.

use std::time::Duration;

use super::*;

/// Does a rule with this condition hold?
fn holds(condition: &str, input: &Input<'_>) -> bool {
    let text = format!("[[rule]]\nid = 'tested'\nphase = 'guard'\n[rule.when]\nall = [{condition}]\n");
    let (rules, problems) = load(&files(&[("t", TAXONOMY), ("r", &text)]));
    assert!(!problems.has_errors(), "{problems}");
    rules.judge(input).hit(&RuleId::parse("tested").unwrap()).is_some()
}

#[test]
fn what_is_known_of_the_sender_and_the_case_can_be_asked_for() {
    let mut message = mail("", "你好");
    message.to[0].address = Some("s+Billing@example.org".parse().unwrap());
    let input = Input {
        tier: Some("vip"),
        age: Duration::from_secs(3 * 24 * 60 * 60),
        open_cases: 2,
        proofs: Proofs { dkim: Proof::Pass, dmarc: Proof::Fail, ..Proofs::default() },
        ..input(&message)
    };
    let cases = [
        ("{ tier = 'vip' }", true),
        ("{ tier = ['gold', 'vip'] }", true),
        ("{ tier = 'gold' }", false),
        ("{ rcpt_tag = 'billing' }", true),
        ("{ rcpt_tag = ['sales', 'BILLING'] }", true),
        ("{ rcpt_tag = 'sales' }", false),
        ("{ age = '>=3d' }", true),
        ("{ age = '<72h' }", false),
        ("{ age = '>15m' }", true),
        ("{ open_cases = '>=2' }", true),
        ("{ open_cases = 1 }", false),
        ("{ auth = 'dkim:pass' }", true),
        ("{ auth = 'spf:pass' }", false),
        ("{ auth = 'spf:unknown' }", true),
        ("{ auth = ['spf:pass', 'dmarc:fail'] }", true),
        ("{ auth = 'from:pass' }", false),
    ];
    for (condition, want) in cases {
        assert_eq!(holds(condition, &input), want, "{condition}");
    }
}

#[test]
fn m11_a_code_is_read_only_where_something_says_that_it_is_one() {
    let cases = [
        ("smtp:550", "错误代码550错误", true),
        ("smtp:55x", "发信时提示 ５５３", true),
        ("smtp:550", "共 550 元", false),
        ("smtp:550", "订单 15500，代码见附件", false),
        ("smtp:550", "550 5.7.1 not authenticated", true),
        ("smtp:5.7.1", "550 5.7.1 not authenticated", true),
        ("smtp:5.7.x", "550-5.7.26 not authenticated", true),
        ("smtp:5.7.1", "Foxmail 5.7.1 用不了", false),
        ("smtp:5.7.1", "错误 10.5.7.1", false),
        ("smtp:554", "554 DT:SPM 163 smtp10", true),
        ("smtp:554", "这一句很长很长很长很长很长很长很长很长很长很长很长很长 554 也是", false),
        ("smtp:451", "451 was the error", true),
        ("smtp:4xx", "エラー 451 が出ます", true),
        ("smtp:550", "拨打 400-550-0000，错误多多", false),
    ];
    for (code, text, want) in cases {
        let message = mail("", text);
        assert_eq!(holds(&format!("{{ code = '{code}' }}"), &input(&message)), want, "{code} in {text}");
    }
    let report = read(
        "From: MAILER-DAEMON@example.org\r\nTo: s@example.org\r\nSubject: failed\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nerror 451 somewhere\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.example.org\r\n\r\n\
         Final-Recipient: rfc822; a@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b--\r\n"
            .as_bytes(),
    );
    for (code, want) in [("smtp:5.1.1", true), ("smtp:550", true), ("smtp:451", false)] {
        assert_eq!(holds(&format!("{{ code = '{code}' }}"), &input(&report)), want, "the report outranks: {code}");
    }
}

#[test]
fn m12_a_denied_word_is_dropped_where_the_rule_says_so() {
    for (text, dropped) in
        [("不用转人工", true), ("能不能转人工", false), ("请转人工", false), ("不转人工，算了还是转人工", false)]
    {
        let message = mail("", text);
        assert!(holds("{ kw = '转人工' }", &input(&message)));
        assert_eq!(holds("{ kw = '转人工', neg = 'drop' }", &input(&message)), !dropped, "{text}");
    }
}

#[test]
fn words_in_sequence_need_no_regex() {
    let cases = [
        ("{ seq = ['发送', '失败'] }", "邮件发送总是失败", true),
        ("{ seq = ['发送', '失败'] }", "失败了，重新发送", false),
        ("{ seq = ['发送', '失败'], within = 2 }", "发送总是失败", true),
        ("{ seq = ['发送', '失败'], within = 1 }", "发送总是失败", false),
        ("{ seq = ['发送', ['失败', '不成功']], within = 4 }", "發送\n一直不成功", true),
        ("{ seq = ['@send_fail', '附件', '大'], within = 5 }", "发送失败，附件太大", true),
        ("{ seq = ['发送', '附件', '大'], within = 5 }", "发送大附件", false),
        ("{ seq = ['mail', 'error'] }", "email, no errors, mail error", true),
        ("{ seq = ['mail', 'error'] }", "email with errors", false),
        ("{ seq = ['转', '工'], within = 1, squeeze = true }", "转 - 人 - 工", true),
    ];
    for (condition, text, want) in cases {
        let lists = "[lists]\nsend_fail = ['发送失败']\n";
        let rule = format!("{lists}[[rule]]\nid = 'tested'\nphase = 'guard'\n[rule.when]\nall = [{condition}]\n");
        let (rules, _) = load(&files(&[("t", TAXONOMY), ("r", &rule)]));
        let message = mail("", text);
        let judgement = rules.judge(&input(&message));
        assert_eq!(!judgement.hits.is_empty(), want, "{condition} in {text}");
    }
    let message = mail("", "昨天發送一直不成功！");
    let text = "[[rule]]\nid = 'r'\nphase = 'guard'\n[rule.when]\nall = [{ seq = ['发送', '不成功'] }]\n";
    let judgement = rules(&[text]).judge(&input(&message));
    assert_eq!(judgement.hits[0].evidence[0].text, "發送一直不成功");
}

#[test]
fn attachments_are_asked_for_by_name_type_and_size_and_their_text_is_read() {
    let mut message = mail("", "见附件");
    message.attachments.push(message::Attachment::new(
        "shot.bin",
        "application/octet-stream",
        b"\x89PNG\r\n\x1a\n0000",
    ));
    message.attachments.push(message::Attachment::new("smtp.log", "text/plain", "错误：550 5.7.1 拒绝".as_bytes()));
    message.attachments[0].size = 3 * 1024 * 1024;
    let cases = [
        ("{ attachment = { mime = 'image/*' } }", true),
        ("{ attachment = { mime = ['video/mp4', 'text/plain'] } }", true),
        ("{ attachment = { mime = 'image/*', ext = 'log' } }", false),
        ("{ attachment = { name_re = '^SMTP' } }", true),
        ("{ attachment = { min_mb = 2 } }", true),
        ("{ attachment = { min_mb = 2, max_mb = 2.5 } }", false),
        ("{ attachment = { max_mb = 1, count = 1 } }", true),
        ("{ kw = '拒绝', in = 'attachment.text' }", true),
        ("{ kw = '拒绝' }", false),
        ("{ code = 'smtp:550', in = 'attachment.text' }", true),
    ];
    for (condition, want) in cases {
        assert_eq!(holds(condition, &input(&message)), want, "{condition}");
    }
}

#[test]
fn a_rule_has_its_time() {
    let text = "[[rule]]\nid = 'holiday'\nphase = 'guard'\nvalid_from = 2026-10-01T00:00:00+08:00\n\
                valid_until = '2026-10-08T00:00:00+08:00'\n[rule.when]\nall = [{ kw = ['发票'] }]\n\
                [[rule]]\nid = 'other'\nphase = 'guard'\n[rule.when]\nall = [{ rule = 'holiday' }]\n\
                [[rule.test]]\nbody = '发票'\nnow = '2026-10-02T00:00:00+08:00'\nwant = { match = true }\n\
                [[rule.test]]\nbody = '发票'\nwant = { match = false }\n";
    let rules = rules(&[text]);
    let message = mail("", "发票");
    for (now, hits) in
        [("2026-09-30T23:59:59+08:00", 0), ("2026-10-01T00:00:00+08:00", 2), ("2026-10-08T00:00:00+08:00", 0)]
    {
        let judgement = rules.judge(&Input { now: now.parse().unwrap(), ..input(&message) });
        assert_eq!(judgement.hits.len(), hits, "{now}");
    }
    assert_eq!(rules.run_tests(&read, &BTreeMap::new()).0.failed, 0);
}

#[test]
fn secrets_are_found_and_told_to_be_masked_whoever_wins() {
    let text = r#"
[[rule]]
id = "guard.secret"
phase = "guard"
[rule.when]
any = [{ secret = ["password", "bank-card"] }, { re = '暗号(?P<secret>\w{4,8})' }]
[rule.do]
redact = "secrets"
[[rule]]
id = "billing"
category = "billing.sales"
weight = 1
[rule.when]
any = [{ kw = ["续费"] }]
[rule.do]
redact = ["client"]
"#;
    let rules_text = format!(
        "{text}[[rule]]\nid = 'x'\ncategory = 'billing.sales'\nweight = 5\n[rule.when]\nany = [{{ kw = ['付款'] }}]\n"
    );
    let rules = rules(&[&rules_text]);
    let redact = |body: &str| rules.judge(&input(&mail("", body))).redact;
    assert_eq!(redact("密码：Ab12345!，卡号 4111 1111 1111 1111"), ["4111 1111 1111 1111", "Ab12345"]);
    assert_eq!(redact("暗号芝麻开门，续费\n客户端：Outlook 2019"), ["Outlook 2019", "芝麻开门"]);
    assert_eq!(redact("忘记密码"), Vec::<String>::new());
    let many: String = (0..500).map(|n| format!("密码：Ab12345{n}\n")).collect();
    assert_eq!(redact(&many).len(), 500);
    // The subject of the mail before is not judged twice, and what stands in it is still a secret.
    let follow_up = mail("Re: password: Ab12345!", "你好");
    assert_eq!(rules.judge(&Input { subject_unchanged: true, ..input(&follow_up) }).redact, ["Ab12345"]);
}

#[test]
fn a_rule_notifies_and_asks_first_with_a_template_of_its_own() {
    let text = r#"
[[rule]]
id = "r"
category = "deliver.bounce"
[rule.when]
any = [{ kw = ["退信"] }]
[rule.do]
reply = "kb/bounce"
ask = ["error_code", "client"]
ask_template = "ask/bounce"
notify = ["emergency", "ops@example.com"]
[[rule.test]]
body = "退信"
want = { reply = "ask/bounce", ask = ["error_code", "client"], notify = ["emergency", "ops@example.com"] }
[[rule.test]]
body = "退信，错误代码：550\n客户端：Foxmail"
want = { reply = "kb/bounce", ask = [] }
[[rule.test]]
body = "你好"
want = { match = false, notify = [], redact = [] }
"#;
    let rules = rules(&[text]);
    let (summary, problems) = rules.run_tests(&read, &BTreeMap::new());
    assert_eq!((summary.passed, problems.to_string()), (3, String::new()));
    let templates: Vec<String> = rules.templates().iter().map(|(name, ..)| name.to_string()).collect();
    assert_eq!(templates, ["kb/bounce", "ask/bounce"]);
}

#[test]
fn a_test_may_be_a_whole_mail_and_a_whole_moment() {
    let text = r#"
[[rule]]
id = "r"
phase = "guard"
[rule.when]
all = [{ kw = ["退信"] }, { tier = "vip" }, { age = ">=1h" }, { open_cases = ">0" }, { auth = "dkim:pass" }, { attachment = { ext = "log", min_mb = 2 } }]
[[rule.test]]
body = "退信"
tier = "vip"
age = "2h"
open_cases = 1
auth = ["dkim:pass", "spf:fail"]
attachments = ["a.png", { name = "b.log", type = "text/plain", text = "x", size_mb = 2.5 }]
want = { match = true }
[[rule.test]]
eml = "mails/one.eml"
want = { match = false }
[[rule.test]]
eml = "mails/none.eml"
want = { match = false }
"#;
    let rules = rules(&[text]);
    let mails = BTreeMap::from([("mails/one.eml".to_owned(), b"From: a@example.org\r\n\r\nhello\r\n".to_vec())]);
    let (summary, problems) = rules.run_tests(&read, &mails);
    assert_eq!((summary.passed, summary.failed), (2, 1));
    assert!(problems.to_string().contains("error[E03]: there is no mail `mails/none.eml`"), "{problems}");
}
