//! From hits to a judgement.

use super::*;

#[test]
fn a_judgement_tells_what_it_was_made_of() {
    let rules = rules(&[BOUNCE, HANDOFF]);
    let message = mail("", "Hi，郵件被退回：５５４　ＤＴ：ＳＰＭ，和發票有關？");
    let judgement = rules.judge(&input(&message));
    assert_eq!(category(&judgement), "deliver.bounce");
    let score = &judgement.scores[0];
    assert_eq!((score.score, score.threshold), (8.0, 5.0));
    let told: Vec<(f64, &str)> = score
        .contributions
        .iter()
        .map(|contribution| (contribution.weight, contribution.evidence[0].text.as_str()))
        .collect();
    assert_eq!(told, [(6.0, "５５４　ＤＴ：ＳＰＭ"), (1.5, "被退回"), (0.5, "發票")]);
    for evidence in score.contributions.iter().flat_map(|contribution| &contribution.evidence) {
        assert_eq!(evidence.segment, Segment::Body);
        assert_eq!(message.segments.fresh[evidence.range.clone()], evidence.text);
    }
    assert_eq!(judgement.fields["error_code"], "554");
    assert_eq!(judgement.fields["cause"], "發票", "what a customer wrote keeps its characters");
    assert_eq!(judgement.ask, ["client"]);
    assert!(judgement.offer_human && judgement.why_not.is_none());
}

#[test]
fn a_narrow_lead_and_a_low_score_are_left_to_humans() {
    let two = r#"
[[rule]]
id = "a"
category = "billing.sales"
weight = 6
weights = { "deliver.bounce" = -2 }
[rule.when]
any = [{ kw = ["发票"] }]
[[rule]]
id = "b"
category = "deliver.bounce"
weight = 6
[rule.when]
any = [{ kw = ["退信"] }]
[[rule]]
id = "c"
category = "deliver.attachment"
weight = 4
[rule.when]
any = [{ kw = ["附件"] }]
[[rule]]
id = "d"
category = "deliver.bounce"
weight = 1
[rule.when]
any = [{ kw = ["550", "554"], min = 2 }]
[[rule]]
id = "e"
category = "deliver.attachment"
weight = 3
[rule.when]
any = [{ kw = ["上传"] }]
"#;
    let rules = rules(&[two]);
    let judge = |body: &str| rules.judge(&input(&mail("", body)));
    let clear = judge("发票");
    assert_eq!(clear.category.map(|won| (won.score, won.margin)), Some((6.0, 6.0)));
    assert_eq!((clear.group.unwrap().as_str(), clear.priority), ("billing", Priority::Low));
    // 6 to 4: enough of a lead. 6 to 5: not.
    assert_eq!(category(&judge("发票 退信")), "billing.sales");
    let close = judge("发票 退信 550 554");
    assert_eq!(
        close.why_not,
        Some(Ambiguity::TooClose {
            first: CategoryId::parse("billing.sales").unwrap(),
            second: CategoryId::parse("deliver.bounce").unwrap(),
            lead: 1.0,
            margin: 1.5
        })
    );
    assert_eq!(close.group.unwrap().as_str(), "triage");
    assert_eq!(judge("退信 550 550").scores[0].score, 6.0, "one keyword twice is one keyword");
    assert!(matches!(judge("附件").why_not, Some(Ambiguity::BelowThreshold { score: 4.0, .. })));
    let both = judge("附件上传 发票");
    assert_eq!(both.tags, Vec::<String>::new());
    assert!(matches!(both.why_not, Some(Ambiguity::TooClose { .. })));
    assert_eq!(judge("附件上传").category.map(|won| won.score), Some(7.0));
}

#[test]
fn what_is_not_sure_enough_names_a_category_and_answers_nothing() {
    let taxonomy = r#"
schema = 1
[[category]]
id = "deliver.bounce"
threshold = 2.0
margin = 0.0
answer_threshold = 5.0
answer_margin = 1.5
group = "mail-tech"
[[category]]
id = "other"
[[group]]
id = "mail-tech"
[[rule]]
id = "a"
category = "deliver.bounce"
weight = 3.0
[rule.when]
any = [{ kw = "退信" }]
[rule.do]
reply = "kb/bounce"
tags = ["bounced"]
[[rule]]
id = "b"
category = "deliver.bounce"
weight = 3.0
[rule.when]
any = [{ kw = "550" }]
"#;
    let (rules, problems) = load(&[SourceText::new("rules.toml", taxonomy)]);
    assert!(!problems.has_errors(), "{problems}");
    let judge = |body: &str| rules.judge(&input(&mail("", body)));
    let unsure = judge("退信");
    assert_eq!(
        (category(&unsure), unsure.reply.is_none(), unsure.category.as_ref().unwrap().sure),
        ("deliver.bounce", true, false)
    );
    assert_eq!(
        (unsure.group.unwrap().as_str(), unsure.tags.as_slice()),
        ("mail-tech", ["bounced".to_owned()].as_slice())
    );
    let sure = judge("退信 550");
    assert!(sure.reply.is_some() && sure.category.unwrap().sure);
}

#[test]
fn the_order_of_files_and_rules_means_nothing() {
    let more = r#"
[[rule]]
id = "z"
phase = "guard"
priority = 90
[rule.when]
any = [{ kw = ["人工服务"] }]
[rule.do]
reply = "other"
[[rule]]
id = "y"
category = "deliver.bounce"
weight = 6.0
[rule.when]
any = [{ kw = "@returned" }]
[rule.do]
reply = "kb/y"
"#;
    let message = mail("退信", "人工服务，被退回 554 DT:SPM");
    let mut all = files(&[("t", TAXONOMY), ("a", BOUNCE), ("b", HANDOFF), ("c", more)]);
    let first = load(&all).0.judge(&input(&message));
    assert_eq!(first.reply.as_ref().unwrap().as_str(), "handoff/open", "of equal guards the first id");
    for _ in 0..all.len() {
        all.rotate_left(1);
        let (rules, problems) = load(&all);
        assert!(problems.is_empty());
        assert_eq!(rules.judge(&input(&message)), first);
    }
    all.reverse();
    assert_eq!(load(&all).0.judge(&input(&message)), first);
}

#[test]
fn guards_stop_and_suppress_and_routes_see_what_was_decided() {
    let text = r#"
[[rule]]
id = "advert"
phase = "guard"
[rule.when]
all = [{ kw = ["代开"] }, { none = [{ kw = ["退信"] }] }]
[rule.do]
suppress = true
group = "triage"
stop = true
[[rule]]
id = "bounce"
category = "deliver.bounce"
[rule.when]
any = [{ kw = ["退信"] }]
[rule.do]
reply = "kb/bounce"
close = { after = "3d" }
[[rule]]
id = "route.bounce"
phase = "route"
priority = 5
[rule.when]
all = [{ category = "deliver.*" }, { score = ">=7" }, { hours = "open" }]
[rule.do]
group = "emergency"
reply = "ack"
priority = "urgent"
forward = true
stop = true
[[rule]]
id = "route.none"
phase = "route"
[rule.when]
all = [{ category = "other" }]
[rule.do]
handoff = { to = "emergency", reason = "unclear" }
[[rule]]
id = "route.repeated"
phase = "route"
[rule.when]
any = [{ exchanges = ">=3" }, { bot_replies = 2 }]
[rule.do]
tags = ["repeated"]
"#;
    let rules = rules(&[text]);
    let judge = |subject: &str, body: &str| rules.judge(&input(&mail(subject, body)));
    let advert = judge("", "代开，请联系");
    assert_eq!(advert.suppressed_by.as_ref().unwrap().as_str(), "advert");
    assert_eq!((advert.reply, advert.why_not, advert.scores.len()), (None, None, 0));

    let weak = judge("", "退信");
    assert_eq!(weak.reply.unwrap().as_str(), "kb/bounce");
    assert_eq!(weak.close, Some(std::time::Duration::from_secs(3 * 24 * 60 * 60)));
    let strong = judge("退信", "代开 退信");
    assert_eq!(strong.reply.unwrap().as_str(), "ack");
    assert_eq!((strong.group.unwrap().as_str(), strong.priority), ("emergency", Priority::Urgent));
    assert!(strong.forward && strong.suppressed_by.is_none());

    let unclear = judge("", "你好");
    let handoff = unclear.handoff.unwrap();
    assert_eq!((handoff.to.unwrap().as_str(), handoff.reason.as_str()), ("emergency", "unclear"));
    assert!(unclear.tags.is_empty());
    let message = mail("", "你好");
    let third = Input { exchanges: 3, ..input(&message) };
    assert_eq!(rules.judge(&third).tags, ["repeated"]);

    let templates: Vec<String> = rules.templates().iter().map(|(name, _, _)| name.to_string()).collect();
    assert_eq!(templates, ["kb/bounce", "ack"]);
}

#[test]
fn a_shadow_rule_is_told_and_has_no_effect() {
    let text = |status: &str| {
        format!(
            "[[rule]]\nid = 'r'\nstatus = '{status}'\ncategory = 'deliver.bounce'\n\
             [rule.when]\nany = [{{ kw = ['退信'] }}]\n[rule.do]\nreply = 'x'\n\
             [[rule.test]]\nbody = '退信'\nwant = {{ match = true, category = 'deliver.bounce' }}\n"
        )
    };
    for (status, hits, won) in [("draft", 0, "none"), ("shadow", 1, "none"), ("deprecated", 1, "deliver.bounce")] {
        let rules = rules(&[&text(status)]);
        let judgement = rules.judge(&input(&mail("", "退信")));
        assert_eq!((judgement.hits.len(), category(&judgement)), (hits, won), "{status}");
        assert_eq!(
            rules.run_tests(&read, &Default::default()).0.passed,
            1,
            "{status}: its own test takes it for stable"
        );
    }
}

#[test]
fn hours_are_those_of_whoever_has_the_case() {
    let rules = rules(&[HANDOFF]);
    let message = mail("", "转人工");
    let emergency = GroupId::parse("emergency").unwrap();
    let night: Timestamp = "2026-01-07T23:00:00+08:00".parse().unwrap();
    let at_night = Input { now: night, ..input(&message) };
    assert_eq!(rules.judge(&at_night).reply.unwrap().as_str(), "handoff/closed");
    assert_eq!(rules.taxonomy().hours(Some(&emergency), night), crate::time::Hours::Open);
    assert_eq!(rules.taxonomy().calendar(&emergency), None);
}
