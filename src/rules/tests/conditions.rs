//! What a condition sees of a mail, and what it does not.

use super::*;

#[test]
fn a_subject_weighs_more_and_is_judged_once() {
    let rules = rules(&[BOUNCE]);
    let message = mail("Re: 回复：退信 554 DT:SPM", "如题");
    let judgement = rules.judge(&input(&message));
    assert_eq!(judgement.scores[0].score, (6.0 + 1.5) * 1.5);
    let evidence = &judgement.hits[0].evidence[0];
    assert_eq!((evidence.segment, evidence.text.as_str()), (Segment::Subject, "554 DT:SPM"));
    assert_eq!(&message.subject[evidence.range.clone()], "554 DT:SPM");
    let again = rules.judge(&Input { subject_unchanged: true, ..input(&message) });
    assert_eq!((category(&again), again.why_not.clone()), ("none", Some(Ambiguity::Nothing)));
}

#[test]
fn who_wrote_a_word_decides_whether_it_counts() {
    let rules = rules(&[BOUNCE, HANDOFF]);
    let mut message = mail("", "谢谢，已经解决了，麻烦你们了");
    message.segments.quoted = "提示 554 DT:SPM 时请转人工".into();
    message.segments.signature = "联系客服 400".into();
    let judgement = rules.judge(&input(&message));
    assert!(judgement.hits.is_empty(), "{:?}", judgement.hits);

    let mut message = mail("", "请看下面");
    message.segments.forwarded = "554 DT:SPM 被退回".into();
    let judgement = rules.judge(&input(&message));
    assert!(judgement.hits.is_empty(), "the rule names its segments");
    assert_eq!(category(&judgement), "none");

    let billing = r#"
[[rule]]
id = "billing"
category = "billing.sales"
weight = 10
[rule.when]
any = [{ kw = ["续费"] }]
"#;
    let rules = self::rules(&[billing]);
    let mut message = mail("", "请看下面");
    message.segments.forwarded = "我想续费".into();
    let judgement = rules.judge(&input(&message));
    assert_eq!((category(&judgement), judgement.scores[0].score), ("billing.sales", 5.0));
    message.segments.fresh = "这是一封足够长的信，下面只是参考".into();
    assert_eq!(category(&rules.judge(&input(&message))), "none");
}

#[test]
fn conditions_that_look_elsewhere_than_into_the_text() {
    let cases = [
        (r#"{ header = "x-kind", is = "Big" }"#, true),
        (r#"{ header = "X-Kind", contains = "ig" }"#, true),
        (r#"{ header = "X-Kind", re = '^b(?P<rest>..)$' }"#, true),
        (r#"{ header = "X-Kind", present = false }"#, false),
        (r#"{ header = "X-None", present = false }"#, true),
        (r#"{ header = "X-None", contains = "" }"#, false),
        (r#"{ from = "C@example.com" }"#, true),
        (r#"{ from_domain = "example.com" }"#, true),
        (r#"{ from_domain = "*.com" }"#, false),
        (r#"{ from_domain = "*.example.com" }"#, false),
        (r#"{ to = ["x@example.org", "s@example.org"] }"#, true),
        (r#"{ lang = ["ja", "zh"] }"#, true),
        (r#"{ hours = "peak" }"#, false),
        (r#"{ hours = "open" }"#, true),
        (r#"{ case = "offered" }"#, false),
        (r#"{ attachment = { ext = ["PNG", ".jpg"] } }"#, true),
        (r#"{ attachment = { ext = "png", count = ">=2" } }"#, false),
        (r#"{ attachment = { count = 0 } }"#, false),
        (r#"{ kw = ["error"], in = "attachment.name" }"#, true),
        (r#"{ field = "error_code" }"#, true),
        (r#"{ field = "error_code", is = "550" }"#, true),
        (r#"{ field = "client", missing = true }"#, true),
        (r#"{ rule = "other" }"#, true),
        (r#"{ rule = "draft" }"#, false),
        (r#"{ any = [{ lang = "en" }, { kw = ["代码"] }] }"#, true),
        (r#"{ kw = ["code"], word = "off" }"#, true),
        (r#"{ kw = ["code"] }"#, false),
        (r#"{ kw = ["代码"], word = "on" }"#, false),
    ];
    let mut message = mail("", "错误代码：550，见附件。mycodes");
    message.fields.push(Field { name: "X-Kind".into(), value: "BIG".into() });
    message.attachments.push(message::Attachment::new("error.png", "image/png", b"x"));
    for (condition, want) in cases {
        let text = format!(
            "[[rule]]\nid = 'tested'\nphase = 'guard'\n[rule.when]\nall = [{condition}]\n\
             [[rule]]\nid = 'other'\n[rule.when]\nall = [{{ kw = ['代码'] }}]\n\
             [[rule]]\nid = 'draft'\nstatus = 'draft'\n[rule.when]\nall = [{{ kw = ['代码'] }}]\n"
        );
        let (rules, problems) = load(&files(&[("t", TAXONOMY), ("r", &text)]));
        // `*.com` is refused as a domain, and so never holds.
        assert!(!problems.has_errors() || condition.contains("*.com"), "{problems}");
        let held = rules.judge(&input(&message)).hit(&RuleId::parse("tested").unwrap()).is_some();
        assert_eq!(held && !problems.has_errors(), want, "{condition}");
    }
}

#[test]
fn a_form_is_read_and_not_asked_for_again() {
    let text = r#"
[[rule]]
id = "r"
category = "deliver.bounce"
[rule.when]
any = [{ kw = ["退信"] }]
[rule.do]
ask = ["error_code", "client"]
"#;
    let rules = rules(&[text]);
    let cases = [
        ("退信\n错误代码：5.7.1 未认证\n客户端：Outlook 2019", "5.7.1 未认证", "Outlook 2019"),
        ("退信 错误代码:550客户端:Chrome 120", "550", "Chrome 120"),
        ("退信\n错误代码：\n客户端：____", "", ""),
        ("退信，Error Code = ５５０", "550", ""),
        ("退信，错误代码：550，见附件。试过 554 报错", "550", ""),
        ("退信，报错代码是550", "550", ""),
        ("退信，型号15500", "", ""),
    ];
    for (body, code, client) in cases {
        let judgement = rules.judge(&input(&mail("", body)));
        let field = |id: &str| judgement.fields.get(id).cloned().unwrap_or_default();
        assert_eq!((field("error_code"), field("client")), (code.into(), client.into()), "{body}");
        let asked = judgement.ask.contains(&"client".to_owned());
        assert_eq!(asked, client.is_empty(), "{body}");
    }
}

#[test]
fn nothing_a_stranger_writes_makes_judging_slow_or_panic() {
    let rules = rules(&[BOUNCE, HANDOFF]);
    let texts = [
        "转".to_owned() + &"-".repeat(200_000) + "人工",
        "554 ".repeat(50_000),
        "e".to_owned() + &"\u{301}".repeat(100_000),
        "\u{200B}".repeat(100_000),
        "错误代码：".repeat(10_000),
        "\u{FDFA}".repeat(20_000),
        "\n \n".repeat(50_000),
    ];
    for text in texts {
        let message = mail(&text[..text.floor_char_boundary(900)].replace('\n', " "), &text);
        let judgement = rules.judge(&input(&message));
        for evidence in judgement.hits.iter().flat_map(|hit| &hit.evidence) {
            assert!(evidence.range.end <= text.len());
        }
    }
}
