//! A minimal file for every code of the lint, beside one that is right.

use super::*;

fn rule(id: &str, more: &str) -> String {
    format!("[[rule]]\nid = '{id}'\n{more}\n")
}

fn classify(id: &str, category: &str, when: &str) -> String {
    rule(id, &format!("category = '{category}'\n[rule.when]\n{when}"))
}

fn codes(text: &str) -> Vec<&'static str> {
    let (rules, mut problems) = load(&files(&[("t", TAXONOMY), ("r", text)]));
    if !problems.has_errors() {
        problems.extend(rules.run_tests(&read, &BTreeMap::new()).1);
        problems.extend(rules.due_for_review("2026-06-01".parse().unwrap()));
    }
    let mut codes: Vec<&str> = problems.0.iter().filter_map(|problem| problem.code).collect();
    codes.sort();
    codes.dedup();
    // What every small file here lacks, unless it is about tests.
    if !text.contains("# tests") {
        codes.retain(|code| *code != "W01");
    }
    codes
}

#[test]
fn every_code_has_its_smallest_file() {
    let any = |kw: &str| classify("a", "deliver.bounce", &format!("any = [{{ kw = {kw} }}]"));
    let both =
        "[[rule.test]]\nbody = '退信'\nwant = { match = true }\n[[rule.test]]\nbody = 'x'\nwant = { match = false }\n";
    let stop = "phase = 'guard'\npriority = 9\n[rule.when]\nany = [{ kw = ['退信', '被退'] }]\n[rule.do]\nstop = true";
    let tested = |test: &str| format!("# tests\n{}{test}", any("'退信'"));
    let cases: Vec<(&str, String, bool)> = vec![
        ("E01", rule("a", "categry = 'x'\n[rule.when]\nany = [{ kw = '退信' }]"), true),
        ("E02", any("'退信'") + &any("'退信'"), true),
        ("E03", any("'@none'"), true),
        ("E04", classify("a", "deliver.bounce", "any = [{ re = '退(?=信)' }]"), true),
        ("E05", classify("a", "deliver.bounce", "any = [{ rule = 'a' }]"), true),
        ("E06", any("'退信'") + "[rule.do]\nset = { cause = '{code}' }", true),
        ("E07", rule("a", "category = 'deliver.bounce'\nweight = 1\n[rule.when]\nany = [{ kw = '退信' }]"), true),
        ("E08", classify("a", "deliver.bounce", "all = [{ header = 'List-Id' }]") + "[rule.do]\nreply = 'x'", true),
        (
            "E08",
            classify("a", "deliver.bounce", "all = [{ kw = '退信' }]\nnone = [{ header = 'List-Id' }]")
                + "[rule.do]\nreply = 'x'",
            false,
        ),
        ("E09", any("'退信'") + "[rule.do]\npriority = 'hgh'", true),
        ("W01", tested(""), true),
        ("W01", tested("[[rule.test]]\nbody = '退信'\nwant = { match = true }\n"), true),
        ("W01", tested(both), false),
        ("W02", any("['发票', '退']"), true),
        ("W02", any("['退信']"), false),
        ("W03", classify("a", "deliver.bounce", "any = [{ kw = '550', word = 'off' }]"), true),
        ("W03", classify("a", "deliver.bounce", "any = [{ kw = '退信', word = 'off' }]"), false),
        ("W04", classify("a", "deliver.bounce", r"any = [{ re = '\b退信' }]"), true),
        ("W04", classify("a", "deliver.bounce", r"any = [{ re = '\b550\b退信' }]"), false),
        ("W05", any("['郵件退回', '邮件退回']"), true),
        ("W05", any("[' 退信']"), true),
        ("W05", any("['郵件退回', 'Bounce']"), false),
        ("W06", any("['退信', '收到退信']"), true),
        ("W06", any("['send', 'resend']"), false),
        ("W07", any("'退信'") + &classify("b", "billing.sales", "any = [{ kw = '退信' }]"), true),
        (
            "W07",
            any("'退信'") + &classify("b", "billing.sales", "any = [{ kw = '退信' }]\nall = [{ kw = '发票' }]"),
            false,
        ),
        ("W08", rule("a", stop) + &rule("b", "phase = 'guard'\n[rule.when]\nall = [{ kw = ['收到退信'] }]"), true),
        ("W08", rule("a", stop) + &rule("b", "phase = 'guard'\n[rule.when]\nall = [{ kw = ['退信', '退回'] }]"), false),
        (
            "W08",
            rule("a", stop) + &rule("b", "phase = 'guard'\npriority = 10\n[rule.when]\nall = [{ kw = ['退信'] }]"),
            false,
        ),
        (
            "W08",
            rule("a", stop) + &rule("b", "phase = 'guard'\n[rule.when]\nall = [{ kw = ['退信'], in = 'quoted' }]"),
            false,
        ),
        ("W10", classify("a", "deliver.bounce", "any = [{ kw = '退信' }, { none = [{ kw = '发票' }] }]"), true),
        ("W10", classify("a", "deliver.bounce", "any = [{ kw = '退信' }]\nnone = [{ kw = '发票' }]"), false),
        ("W11", classify("a", "deliver.bounce", r"any = [{ re = '\d+' }]"), true),
        ("W12", format!("[lists]\nx = ['退回']\n{}", any("'退信'")), true),
        ("W12", format!("[lists]\nx = ['退回']\n{}", any("'@x'")), false),
        ("W13", any("{ zh = ['退信'], en = ['bounced'] }"), true),
        ("W13", any("{ zh = ['退信'], en = ['bounced'], ja = ['返送され'] }"), false),
        (
            "W14",
            rule("a", "review_by = 2026-05-31\ncategory = 'deliver.bounce'\n[rule.when]\nany = [{ kw = '退信' }]"),
            true,
        ),
        (
            "W14",
            rule("a", "review_by = 2026-06-01\ncategory = 'deliver.bounce'\n[rule.when]\nany = [{ kw = '退信' }]"),
            false,
        ),
        ("W17", tested(&both.replace("'x'", "'身份证 11010519491231002X'")), true),
        ("W17", tested(&both.replace("'x'", "'电话 13800138000'")), true),
        ("W17", tested(&both.replace("'x'", "'身份证 110105194912310021'")), false),
        ("W18", any("['登录失败']"), true),
        ("W18", any("['登录失败', '登入失敗']"), false),
        ("W19", any("['⼈工退信']"), true),
        ("W19", any("['ехchange']"), true),
        ("W19", any("['ＤＴ：ＳＰＭ']"), false),
        (
            "W20",
            tested(&(both.to_owned() + "[[rule.test]]\nbody = '退信'\nwant = { match = true }\nxfail = true\n")),
            true,
        ),
        ("W21", any("'退信'").replacen("category", "allow = [{ code = 'W02', reason = 'x' }]\ncategory", 1), true),
        ("E10", any("'退'").replacen("category", "allow = [{ code = 'W02' }]\ncategory", 1), true),
    ];
    let wrong: Vec<String> = (cases.iter())
        .map(|(code, text, wanted)| (text, codes(text), if *wanted { vec![*code] } else { Vec::new() }))
        .filter(|(_, told, wanted)| told != wanted)
        .map(|(text, told, wanted)| format!("{told:?}, wanted {wanted:?}\n{text}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_finding_that_is_allowed_with_a_reason_is_not_told() {
    let cases = [
        ("W02", classify("a", "deliver.bounce", "any = [{ kw = ['发票', '退'] }]")),
        ("W04", classify("a", "deliver.bounce", r"any = [{ re = '\b退信' }]")),
        ("W11", classify("a", "deliver.bounce", r"any = [{ re = '\d+' }]")),
        ("W13", classify("a", "deliver.bounce", "any = [{ kw = { zh = ['退信'] } }]")),
        ("W01", "# tests\n".to_owned() + &classify("a", "deliver.bounce", "any = [{ kw = '退信' }]")),
        ("E08", classify("a", "deliver.bounce", "all = [{ header = 'List-Id' }]") + "[rule.do]\nreply = 'x'"),
    ];
    for (code, text) in cases {
        assert!(codes(&text).contains(&code), "{text}");
        let allow = format!("allow = [{{ code = '{code}', reason = 'it is meant so' }}]\ncategory");
        let allowed = text.replacen("category", &allow, 1);
        assert_eq!(codes(&allowed), Vec::<&str>::new(), "{allowed}");
    }
}
