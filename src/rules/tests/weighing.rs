//! `[rule.weigh]`: every keyword with its points.

use super::*;

const WEIGHED: &str = r#"
[[rule]]
id = "bounce"
category = "deliver.bounce"
[rule.weigh]
"declin*" = 3.5
"退信" = 2.0
"550" = 1.25
"附件" = -1.5
[[rule]]
id = "attachment"
category = "deliver.attachment"
weight = 4.0
weigh = { "附件" = 2.0, "upload*" = 1.0 }
when = { none = [{ kw = "退信" }] }
"#;

fn scores(subject: &str, body: &str) -> Vec<(String, f64)> {
    let judgement = rules(&[WEIGHED]).judge(&input(&mail(subject, body)));
    judgement.scores.iter().map(|score| (score.category.to_string(), score.score)).collect()
}

#[test]
fn every_keyword_that_is_there_adds_its_points_once() {
    let bounce = |points: f64| ("deliver.bounce".to_owned(), points);
    let attachment = |points: f64| ("deliver.attachment".to_owned(), points);
    let cases = [
        ("", "退信，退信", vec![bounce(2.0)]),
        ("", "It was DECLINED: 550", vec![bounce(4.75), attachment(4.0)]),
        ("", "predeclined 5501", vec![attachment(4.0)]),
        ("退信", "退信 decline", vec![bounce(6.5)]),
        ("", "附件 uploading", vec![attachment(7.0), bounce(-1.5)]),
        ("", "退信 附件", vec![bounce(0.5)]),
    ];
    for (subject, body, want) in cases {
        assert_eq!(scores(subject, body), want, "{subject} / {body}");
    }
}

#[test]
fn a_keyword_tells_what_it_was_worth() {
    let judgement = rules(&[WEIGHED]).judge(&input(&mail("", "Declined with 550")));
    let told: Vec<(f64, &str)> = judgement.scores[0]
        .contributions
        .iter()
        .map(|contribution| (contribution.weight, contribution.evidence[0].text.as_str()))
        .collect();
    assert_eq!(told, [(3.5, "Declin"), (1.25, "550")]);
}

#[test]
fn what_cannot_be_weighed_is_refused() {
    let rule = |keys: &str| format!("[[rule]]\nid = \"a\"\n{keys}\n");
    for (keys, what) in [
        ("weigh = { a = 1 }", "`weigh` in a rule that has no category"),
        ("category = \"billing.sales\"\nweigh = {}", "there is no keyword in it"),
        ("category = \"billing.sales\"\nweigh = { \"*\" = 9 }", "nothing that can be seen is in this keyword"),
        ("category = \"billing.sales\"\nweigh = { \"帳號\" = 9, \"账号\" = 1 }", "is there in another spelling"),
        ("phase = \"guard\"\nweigh = { a = 1 }", "`weigh` in a rule of the phase `guard`"),
        ("category = \"billing.sales\"\nweigh = { a = \"b\" }", "a number"),
    ] {
        let (_, problems) = load(&files(&[("taxonomy", TAXONOMY), ("r", &rule(keys))]));
        assert!(problems.to_string().contains(what), "{keys}: {problems}");
    }
}

#[test]
fn a_rule_that_is_outweighed_stands_back() {
    let tests = r#"
[[rule]]
id = "bounce"
category = "deliver.bounce"
weigh = { "退信" = 5.5, "附件" = -1.5 }
[[rule.test]]
body = "收到退信"
want = { match = true, category = "deliver.bounce" }
[[rule.test]]
body = "退信里的附件"
want = { not_category = "deliver.bounce" }
"#;
    let (summary, problems) = rules(&[tests]).run_tests(&read, &Default::default());
    assert!(problems.is_empty() && summary.passed == 2, "{problems}");
}
