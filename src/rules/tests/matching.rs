//! Matching, point by point, with Chinese and Japanese in mind: how text is seen before any rule is asked.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::ids::{CaseNumber, Key, MailHash};

/// What a rule with this condition finds in the body, as it stands in the original.
fn found(condition: &str, body: &str) -> Option<String> {
    let text = format!("[[rule]]\nid = 'tested'\nphase = 'guard'\n[rule.when]\nall = [{condition}]\n");
    let (rules, problems) = load(&files(&[("t", TAXONOMY), ("r", &text)]));
    assert!(!problems.has_errors(), "{problems}");
    let message = mail("", body);
    let judgement = rules.judge(&input(&message));
    judgement.hits.first().and_then(|hit| hit.evidence.first()).map(|evidence| evidence.text.clone())
}

/// Each line: a condition, a text, and what is found in it; empty for nothing.
fn check(cases: &[(&str, &str, &str)]) {
    for (condition, body, want) in cases {
        assert_eq!(found(condition, body).unwrap_or_default(), *want, "{condition} in {body}");
    }
}

#[test]
fn m01_evidence_is_what_the_customer_wrote() {
    check(&[
        ("{ kw = '554 dt:spm' }", "提示５５４　ＤＴ：\u{200B}ＳＰＭ！", "５５４　ＤＴ：\u{200B}ＳＰＭ"),
        ("{ kw = '(株)' }", "㈱ABC", "㈱"),
        ("{ kw = '发票' }", "開\u{FEFF}發\u{AD}票", "發\u{AD}票"),
    ]);
    for invisible in
        "\u{AD}\u{34F}\u{61C}\u{115F}\u{17B4}\u{180B}\u{200B}\u{202A}\u{2060}\u{3164}\u{FE0F}\u{FEFF}\u{FFA0}".chars()
    {
        assert!(found("{ kw = '转人工' }", &format!("转{invisible}人工")).is_some(), "U+{:04X}", invisible as u32);
    }
}

#[test]
fn m02_forms_of_one_character_are_one_on_both_sides() {
    check(&[
        ("{ kw = 'ＤＴ：ＳＰＭ' }", "dt:spm", "dt:spm"),
        ("{ kw = 'メール' }", "ﾒｰﾙが届かない", "ﾒｰﾙ"),
        ("{ kw = '人工' }", "转⼈工", "⼈工"),
        ("{ re = '代码[：:]5{2}0' }", "代码：５５０", "代码：５５０"),
    ]);
}

#[test]
fn m03_traditional_and_simplified_are_one_character_by_character() {
    check(&[
        ("{ kw = '邮件被退回' }", "郵件被退回", "郵件被退回"),
        ("{ kw = '查詢' }", "查询", "查询"),
        ("{ kw = '查找' }", "查詢", ""),
        ("{ kw = '账号' }", "帳號与帐号", "帳號"),
        ("{ kw = '登录' }", "登入", ""),
    ]);
}

#[test]
fn m04_edges_are_for_ascii_and_not_for_han() {
    check(&[
        ("{ kw = '550' }", "代码550错误", "550"),
        ("{ kw = '550' }", "550.", "550"),
        ("{ kw = '550' }", "15500 5501 550a", ""),
        (r"{ re = '\b550\b' }", "错误代码550错误", "550"),
        (r"{ re = '\b550\b' }", "15500", ""),
        ("{ kw = '人工' }", "转人工吧", "人工"),
    ]);
}

#[test]
fn m05_separators_between_han_are_squeezed_out_where_a_rule_says_so() {
    check(&[
        ("{ kw = '转人工', squeeze = true }", "转 人 工", "转 人 工"),
        ("{ kw = '转人工', squeeze = true }", "转*人·工", "转*人·工"),
        ("{ kw = '转人工', squeeze = true }", "请转。人工", ""),
        ("{ kw = '转人工', squeeze = true }", "请转\n人工", ""),
        ("{ kw = '转人工' }", "转 人 工", ""),
    ]);
}

#[test]
fn m06_case_and_runs_of_blanks_do_not_matter() {
    check(&[
        ("{ kw = 'Talk to a human' }", "TALK  to\na   HUMAN", "TALK  to\na   HUMAN"),
        ("{ kw = 'kelvin' }", "\u{212A}elvin", "\u{212A}elvin"),
        ("{ kw = 'strasse' }", "Straße", "Straße"),
        ("{ kw = 'bounce' }", "bounced", ""),
    ]);
}

#[test]
fn m07_emoji_stand_beside_words_and_are_none() {
    check(&[
        ("{ kw = '550' }", "❗550❗", "550"),
        ("{ kw = '❗' }", "急❗\u{FE0F}急", "❗"),
        ("{ kw = '转人工', word = 'on' }", "👉转人工👈", "转人工"),
    ]);
}

#[test]
fn m09_a_subject_is_judged_without_what_programs_put_before_it() {
    let number = CaseNumber::mint(&Key::from_bytes([1; 32]), &MailHash::of(b"x"), 0).to_string();
    let rule = format!(
        "[[rule]]\nid = 'a'\nphase = 'guard'\n[rule.when]\nall = [{{ kw = ['案号', '{number}', '转发', '回复'] }}]\n\
         [[rule]]\nid = 'b'\nphase = 'guard'\n[rule.when]\nall = [{{ kw = '退信' }}]\n"
    );
    let rules = rules(&[&rule]);
    for prefix in ["Re: ", "回复：转发：", "Re: [案号 N] ", "[Case N] ", "答复: [案号 N] Re: ", "返信: 転送: "]
    {
        let message = mail(&format!("{}退信", prefix.replace('N', &number)), "");
        let judgement = rules.judge(&input(&message));
        let hits: Vec<&str> = judgement.hits.iter().map(|hit| hit.rule.as_str()).collect();
        assert_eq!(hits, ["b"], "{prefix}");
        assert_eq!(judgement.hits[0].evidence[0].text, "退信");
    }
    let again = mail("Re: 退信", "");
    assert!(rules.judge(&Input { subject_unchanged: true, ..input(&again) }).hits.is_empty());
}

#[test]
fn m10_words_of_all_languages_count_whatever_the_language_of_the_mail() {
    check(&[
        ("{ kw = { zh = ['退信'], en = ['bounced'], ja = ['返送され'] } }", "邮件 bounced 了", "bounced"),
        ("{ kw = { zh = ['退信'], en = ['bounced'], ja = ['返送され'] } }", "メールが返送されました", "返送され"),
    ]);
    for (text, want) in
        [("鮮の果园的订单", "zh"), ("メールが届きません", "ja"), ("No mail arrives", "en"), ("550 错误 error", "zh")]
    {
        let message = read(format!("From: a@example.org\r\n\r\n{text}\r\n").as_bytes());
        assert_eq!(message.language.language().map(|language| language.as_str()), Some(want), "{text}");
    }
}

/// Pieces of regexes, and of texts in which these are nearly or wholly found, too often, and broken over lines.
const PIECES: [&str; 20] = [
    "邮件",
    "(?:退信|删|ab c)",
    "[发寄]",
    "[不没]?出",
    "(?:信(?:被退)?|x)",
    "[^。，]{0,4}",
    ".{1,3}",
    ".*",
    "[^\\n]{2,40}",
    "(?:删.?除)+",
    "\\b550\\b",
    "\\d",
    "(未达|a{2,3})",
    "(?:邮件.{0,2}退信|[发寄]出)",
    "^",
    "$",
    "(?:)",
    "(?:错误|代码)?",
    "\\s*",
    "人",
];
const WORDS: [&str; 24] = [
    "邮件", "邮", "件", "退信", "删", "ab c", "ab\nc", "AB", "发", "寄", "不", "没出", "出", "信", "被退", "x", "。",
    "，", "550", "除", "未达", "aaa", "\n", "人",
];

fn several(of: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec((select(of), 1..40usize), 1..most).prop_map(|pieces| {
        let again = |many: usize| if many == 39 { 39 } else { 1 };
        pieces.into_iter().map(|(piece, many)| piece.repeat(again(many))).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_regex_is_found_wherever_it_matches(
        regex in proptest::collection::vec(select(&PIECES[..]), 1..5).prop_map(|pieces| pieces.concat()),
        other in proptest::collection::vec(select(&PIECES[..]), 0..4).prop_map(|pieces| pieces.concat()),
        texts in proptest::collection::vec(several(&WORDS, 12), 40),
    ) {
        let regex = if other.is_empty() { regex } else { format!("{regex}|{other}") };
        let rule = format!("[[rule]]\nid = 'tested'\nphase = 'guard'\n[rule.when]\nall = [{{ re = '{regex}', in = ['body'] }}]\n");
        let (rules, _) = load(&files(&[("t", TAXONOMY), ("r", &rule)]));
        let meant = pattern::Pattern::parse(&regex).unwrap().regex.now();
        for text in texts {
            let message = mail("", &text);
            let matches = meant.is_match(crate::fold::fold(&text).text());
            prop_assert_eq!(rules.judge(&input(&message)).hits.len(), usize::from(matches), "{} in {:?}", regex, text);
        }
    }
}
