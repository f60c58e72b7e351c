//! The room as a whole: files in, judgements out.

mod conditions;
mod due_times;
mod faults;
mod judging;
mod lint;
mod matchers;
mod matching;
mod tracing;
mod weighing;

use super::*;
use crate::ids::{CategoryId, GroupId};
use crate::language::Language;
use crate::message::{self, Field, Limits};
use crate::time::Timestamp;

const TAXONOMY: &str = r#"
schema = 1
[[category]]
id = "deliver.bounce"
label = { zh = "退信", en = "Returned mail", ja = "返送メール" }
group = "mail-tech"
bot_may_answer = true
[[category]]
id = "deliver.attachment"
group = "mail-tech"
sla = { first = "4h", follow_up = "1d" }
[[category]]
id = "billing.sales"
group = "billing"
priority = "low"
[[category]]
id = "other"
group = "triage"
[[group]]
id = "mail-tech"
label = "Mail Technology"
calendar = "workdays"
[[group]]
id = "billing"
calendar = "workdays"
[[group]]
id = "triage"
calendar = "workdays"
[[group]]
id = "emergency"
[[calendar]]
id = "workdays"
zone = "Asia/Shanghai"
days = ["mon", "tue", "wed", "thu", "fri"]
hours = ["09:00-18:00"]
peak = ["10:00-12:00"]
holidays = ["2026-10-01", 2026-10-02]
make_up_days = ["2026-10-10"]
[[field]]
id = "error_code"
label = { zh = "错误代码", en = "error code", ja = "エラーコード" }
names = { zh = ["错误代码"], en = ["error code"] }
re = ['(?:错误|代码|code|error)[^\n]{0,20}?(?P<value>\b[245]\d\d\b)']
[[field]]
id = "client"
names = { zh = ["客户端"] }
[[field]]
id = "cause"
"#;

const BOUNCE: &str = r#"
[lists]
returned = { zh = ["退信", "被退回", "发不出去"], en = ["bounced", "undeliverable"], ja = ["返送され"] }

[[rule]]
id = "deliver.bounce.spm"
title = { zh = "内容被拒", en = "Content rejected" }
category = "deliver.bounce"
weight = 6.0
refs = ["S0-18"]
[rule.when]
all = [{ re = '(?P<code>554)[ -]?(?:5\.\d\.\d )?DT:SPM\b', in = ["subject", "body", "attachment.dsn"] }]
none = [{ header = "Auto-Submitted", present = true }]
[[rule.boost]]
kw = "@returned"
weight = 1.5
[[rule.boost]]
kw = { zh = ["发票", "代开"] }
weight = 0.5
capture = "cause"
[rule.do]
reply = "kb/554"
tags = ["smtp-554"]
set = { error_code = "{code}" }
ask = ["error_code", "client"]
offer_human = true
[[rule.test]]
name = "plain"
body = "邮件被退回，提示“554 DT:SPM”"
want = { category = "deliver.bounce", reply = "kb/554", group = "mail-tech", fields = { error_code = "554" }, ask = ["client"], score_min = 7.0 }
[[rule.test]]
name = "full-width with ideographic blanks"
subject = "退信：５５４　ＤＴ：ＳＰＭ"
body = "如题"
want = { match = true, fields = { error_code = "554" } }
[[rule.test]]
name = "traditional, with zero-width blanks"
body = "郵件被退回 554\u200B DT:\u200BSPM"
want = { match = true, category = "deliver.bounce" }
[[rule.test]]
name = "digits inside a longer number"
body = "订单 15540，型号 DT:SPMX"
want = { match = false, category = "other", reply = false }
[[rule.test]]
name = "known gap: only in a screenshot"
body = "报错见截图"
attachments = ["error.png"]
want = { match = true }
xfail = true
"#;

const HANDOFF: &str = r#"
[[rule]]
id = "meta.handoff"
phase = "guard"
priority = 90
[rule.when]
any = [{ kw = { zh = ["转人工", "人工服务", "联系客服"], en = ["talk to a human", "human agent"], ja = ["有人対応"] }, squeeze = true }]
except = { zh = ["不用转人工", "无需人工"], en = ["don't need a human agent"] }
none = [{ case = "handed_off" }]
[rule.do]
handoff = { to = "by-category", reason = "explicit-request" }
reply = "handoff/{hours}"
priority = "+1"
tags = ["human-requested"]
[[rule.test]]
body = "转 人 工！！"
want = { handoff = true, tags = ["human-requested"], priority = "high" }
[[rule.test]]
body = "轉*人*工，謝謝"
want = { handoff = true }
[[rule.test]]
body = "请转。人工办理"
want = { handoff = false }
[[rule.test]]
body = "不用转人工服务，我自己解决了"
want = { handoff = false, priority = "normal" }
[[rule.test]]
body = "不 用 转 人 工"
want = { handoff = false }
[[rule.test]]
body = "不用转人工。算了，还是转人工吧"
want = { handoff = true }
[[rule.test]]
body = "Please let me TALK to\na Human about this"
want = { handoff = true }
[[rule.test]]
body = "I don't need a human agent"
want = { handoff = false }
[[rule.test]]
body = "人工服务"
now = "2026-10-01T11:00:00+08:00"
want = { reply = "handoff/closed" }
[[rule.test]]
body = "人工服务"
now = 2026-09-30T11:00:00+08:00
want = { reply = "handoff/open" }
[[rule.test]]
body = "人工服务，邮件被退回 554 DT:SPM"
want = { reply = "handoff/open", category = "deliver.bounce", group = "mail-tech" }
[[rule.test]]
body = "转人工"
case = "handed-off"
want = { handoff = false, match = false }
"#;

fn files(texts: &[(&str, &str)]) -> Vec<SourceText> {
    texts.iter().map(|(name, text)| SourceText::new(*name, *text)).collect()
}

/// The taxonomy with these rules, which have no fault.
fn rules(texts: &[&str]) -> Rules {
    let mut all = vec![SourceText::new("taxonomy.toml", TAXONOMY)];
    all.extend(texts.iter().enumerate().map(|(i, text)| SourceText::new(format!("{i}.toml"), *text)));
    let (rules, problems) = load(&all);
    assert!(problems.is_empty(), "{problems}");
    rules
}

fn read(raw: &[u8]) -> Message {
    message::read(raw, &Limits::default())
}

fn mail(subject: &str, body: &str) -> Message {
    let mut mail = read(format!("From: c@example.com\r\nTo: s@example.org\r\nSubject: {subject}\r\n\r\nx").as_bytes());
    mail.segments.fresh = body.to_owned();
    mail
}

fn input(message: &Message) -> Input<'_> {
    Input::first(message, Language::Zh, "2026-01-07T14:30:00+08:00".parse().unwrap())
}

fn category(judgement: &Judgement) -> &str {
    judgement.category.as_ref().map_or("none", |won| won.category.as_str())
}

#[test]
fn inline_tests_pass_fail_and_surprise() {
    let (summary, problems) = rules(&[BOUNCE, HANDOFF]).run_tests(&read, &BTreeMap::new());
    assert!(problems.is_empty(), "{problems}");
    let want = TestSummary { passed: 16, expected_failures: 1, ..TestSummary::default() };
    assert_eq!(summary, want);

    let wrong = BOUNCE
        .replace("reply = \"kb/554\", group", "reply = \"kb/550\", group")
        .replace("body = \"报错见截图\"", "body = \"554 DT:SPM\"");
    let (summary, problems) = rules(&[&wrong]).run_tests(&read, &BTreeMap::new());
    assert_eq!((summary.failed, summary.surprises), (1, 1));
    let told: Vec<String> = problems.0.iter().map(|problem| problem.to_string()).collect();
    assert_eq!(
        told,
        [
            "0.toml:27:1: error: test `plain` of `deliver.bounce.spm` fails: reply is kb/554, wanted kb/550",
            "0.toml:44:1: warning[W20]: test `known gap: only in a screenshot` of `deliver.bounce.spm` was \
             expected to fail and passes; take `xfail` away",
        ]
    );
}
