//! Why a rule does not hold, and what the tests have shown to work.

use super::*;

const TRACED: &str = r#"
[[rule]]
id = "traced"
category = "deliver.bounce"
weight = 6.0
[rule.when]
all = [{ kw = ["550"] }, { any = [{ kw = ["退信", "被拒"], min = 2 }, { kw = ["bounced"] }] }, { lang = "zh" }]
none = [{ kw = ["已解决"] }, { header = "X-Loop", present = true }]
except = { zh = ["不是550"] }
[[rule]]
id = "spaced"
category = "deliver.bounce"
[rule.when]
any = [{ kw = ["转人工"] }]
"#;

/// Judges a text and says why the rule failed: path, what was found, the evidence.
fn failure(rule: &str, body: &str) -> (String, String, String) {
    let rules = rules(&[TRACED]);
    let message = read(body.as_bytes());
    let trace = rules.trace(&input(&message), &RuleId::parse(rule).unwrap()).unwrap();
    match trace.asked {
        Asked::Failed(failure) => {
            let evidence: Vec<String> =
                failure.evidence.iter().map(|one| format!("{} {}", one.segment, one.text)).collect();
            (failure.path, failure.found, evidence.join(", "))
        }
        other => (format!("{other:?}"), String::new(), String::new()),
    }
}

#[test]
fn the_first_condition_that_fails_is_named_with_what_is_there_instead() {
    let cases = [
        ("traced", "x: y\n\n你好", "all[1]", "nothing of it", ""),
        ("traced", "x: y\n\n订单15500", "all[1]", "only as part of a longer word or number", "body 15500"),
        ("traced", "x: y\n\n这不是550错误", "all[1]", "it is there, and hidden by `except`", "body 不是550"),
        ("traced", "x: y\n\n你好\n\n> 代码550\n", "all[1]", "only in quoted", "quoted 550"),
        ("traced", "x: y\n\n550 退信", "all[2].any[1]", "1 of 2 different ones", "body 退信"),
        ("traced", "x: y\n\n550 退信，被拒，已解决", "none[1]", "it is there, and vetoes the rule", "body 已解决"),
        ("traced", "X-Loop: a\n\n550 退信，被拒", "none[2]", "it is there, and vetoes the rule", "headers a"),
        ("spaced", "x: y\n\n转 人 工", "any[1]", "only with blanks or marks between its characters", "body 转 人 工"),
    ];
    for (rule, body, path, found, evidence) in cases {
        assert_eq!(failure(rule, body), (path.into(), found.into(), evidence.into()), "{body}");
    }
    assert!(failure("traced", "x: y\n\n550 退信，被拒").0.starts_with("Held"));
}

#[test]
fn a_rule_that_was_not_asked_names_who_came_first() {
    let stop = r#"
[[rule]]
id = "first"
phase = "guard"
[rule.when]
any = [{ kw = "停用" }]
[rule.do]
stop = true
"#;
    let rules = rules(&[TRACED, stop]);
    let message = mail("停用", "550");
    let trace = rules.trace(&input(&message), &RuleId::parse("traced").unwrap()).unwrap();
    assert_eq!(trace.asked, Asked::StoppedBy(RuleId::parse("first").unwrap()));
}

#[test]
fn near_misses_are_the_rules_of_which_most_held() {
    let rules = rules(&[TRACED]);
    let message = mail("", "550 退信 转 人 工");
    let near = rules.near_misses(&input(&message), 5);
    let ids: Vec<&str> = near.iter().map(|trace| trace.rule.as_str()).collect();
    assert_eq!(ids, ["traced", "spaced"]);
    assert!(rules.near_misses(&input(&mail("", "你好")), 5).is_empty());
}

#[test]
fn watching_changes_no_judgement() {
    let rules = rules(&[TRACED, BOUNCE, HANDOFF]);
    for body in ["550 退信 被拒", "554 DT:SPM 退信", "转人工\n\n> 550"] {
        let message = mail("退信", body);
        let (message, plain) = (input(&message), rules.judge(&input(&message)));
        assert_eq!(rules.judge_as_if(&message, Suppose::InForce(&RuleId::parse("traced").unwrap())), plain, "{body}");
    }
    let message = mail("", "550 退信 被拒");
    let without = rules.judge_as_if(&input(&message), Suppose::Absent(&RuleId::parse("traced").unwrap()));
    assert_eq!((category(&rules.judge(&input(&message))), category(&without)), ("deliver.bounce", "none"));
}

#[test]
fn coverage_knows_rules_conditions_keywords_and_languages() {
    let tested = r#"
[[rule]]
id = "tested"
category = "deliver.bounce"
weight = 6.0
[rule.when]
any = [{ kw = { zh = ["退信", "被拒"], en = ["bounced"], ja = ["送信できない"] } }]
none = [{ kw = "已解决" }]
except = ["不退信"]
[[rule.test]]
body = "退信"
want = { match = true }
[[rule.test]]
body = "the mail bounced"
want = { match = false }
xfail = true
[[rule.test]]
body = "退信，已解决"
want = { match = false }
[[rule]]
id = "untested"
category = "deliver.bounce"
[rule.when]
any = [{ kw = "被退" }]
"#;
    let mut steps = 0;
    let coverage = rules(&[tested]).coverage(&read, &BTreeMap::new(), &mut || steps += 1);
    assert_eq!(steps, 3);
    assert_eq!((coverage.keyword_rules(), coverage.matchers(), coverage.keywords()), ((1, 2), (2, 4), (2, 7)));
    let [tested, untested] = &coverage.rules[..] else { panic!("there are two rules") };
    assert!(tested.held && !untested.held);
    // A test that fails as expected shows nothing.
    assert_eq!(tested.silent_languages(), [Language::En, Language::Ja]);
    let told: Vec<(&str, bool)> = tested.matchers.iter().map(|one| (one.path.as_str(), one.exercised)).collect();
    assert_eq!(told, [("any[1]", true), ("none[1]", true), ("except[1]", false)]);
}
