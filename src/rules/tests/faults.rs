//! Every fault in a rule file is told, with its place.

use super::*;

#[test]
fn every_fault_is_told_with_its_place() {
    let rule = |line: &str| format!("[[rule]]\nid = 'r'\n{line}\n[rule.when]\nall = [{{ kw = ['x'] }}]\n");
    let when = |condition: &str| format!("[[rule]]\nid = 'r'\n[rule.when]\nall = [{condition}]\n");
    let act = |action: &str| format!("{}[rule.do]\n{action}\n", rule(""));
    let cases = [
        (rule("categry = 'billing.sales'"), "r:3:1: error[E01]: unknown key `categry`; did you mean `category`?"),
        (
            rule("category = 'biling.sales'"),
            "r:3:12: error[E03]: there is no category `biling.sales`; did you mean `billing.sales`?",
        ),
        (rule("status = 'stabel'"), "r:3:10: error[E09]: `stabel` is no status; did you mean `stable`?"),
        (rule("priority = 'high'"), "r:3:12: error[E09]: expected a whole number, found a text"),
        (rule("category = 'other'"), "r:3:12: error[E09]: `other` is what is left when no category wins"),
        (
            rule("phase = 'guard'\nweight = 1"),
            "r:1:1: error[E09]: `weight` in a rule of the phase `guard`, which adds no points; take it out, or leave `phase` away",
        ),
        (rule("weights = { nope = 1 }"), "r:3:13: error[E03]: there is no category `nope`"),
        (rule("[[rule]]\nid = 'r'"), "r:4:6: error[E02]: the id `r` is used twice; it is used in r:2 first"),
        ("[[rule]]\nid = 'R 1'\n".into(), "r:2:6: error[E09]: `R 1` is no name"),
        (
            "[[rule]]\nid = 'r'\n".into(),
            "r:1:1: error[E09]: a rule without conditions would hold for every mail; give it a `[rule.when]`",
        ),
        ("[[rule]]\nid = r\n".into(), "this is not TOML"),
        ("schema = 2\n".into(), "r:1:10: error: this file is written for schema 2, and this program reads 1"),
        (when("{ kws = ['x'] }"), "r:4:10: error[E01]: unknown key `kws`; did you mean `kw`?"),
        (when("{ auth = 'dkim:ok' }"), "error[E09]: `ok` is no result; use one of pass, fail, unknown"),
        (when("{ code = '550' }"), "error[E09]: `550` is no code; write `smtp:550`, `smtp:55x` or `smtp:5.7.1`"),
        (when("{ seq = ['a'] }"), "error[E09]: a sequence has two steps or more, each with a word"),
        (when("{ secret = 'pasword' }"), "error[E09]: `pasword` is no kind of secret; did you mean `password`?"),
        (when("{ age = '3' }"), "error[E09]: `3` is no comparison of times"),
        (act("redact = 'secrets'"), "error[E09]: nothing in this rule finds a secret"),
        (act("notify = ['a@b']"), "error[E09]: `a@b` is no address"),
        (act("ask_template = 'x'"), "error[E09]: `ask_template` asks for fields, and `ask` names none"),
        (rule("review_by = 'soon'"), "error[E09]: `soon` is no date"),
        (rule("allow = [{ code = 'W02' }]"), "error[E10]: a finding is allowed without a reason"),
        (rule("allow = [{ code = 'E01', reason = 'x' }]"), "`E01` is no code of a finding that can be allowed"),
        (rule("allow = [{ code = 'W02', reason = 'x' }]"), "warning[W21]: W02 is allowed and not found"),
        (when("{ kw = ['x'], lang = 'zh' }"), "r:4:8: error[E01]: `kw` and `lang` stand in one condition"),
        (when("{ kw = '@sendfail' }"), "r:4:15: error[E03]: there is no list `sendfail`; did you mean `send_fail`?"),
        (when("{ kw = ['\u{200B}'] }"), "r:4:16: error[E09]: nothing that can be seen is in this keyword"),
        (when("{ kw = ['x'], min = 2 }"), "r:4:28: error[E09]: `min` is 2, of 1 keywords"),
        (when("{ kw = ['x'], in = ['sujet'] }"), "error[E09]: `sujet` is no segment; did you mean `subject`?"),
        (when("{ re = 'ab(?=c)' }"), "r:4:18: error[E04]: the regex is not valid: look-around"),
        (when("{ re = '\\w{5000}x' }"), "error[E04]: the regex takes more than 1048576 octets when compiled"),
        (when("{ re = '\\d+' }"), "r:4:15: warning[W11]: this regex has no word"),
        (when("{ rule = 'q' }"), "r:4:17: error[E03]: there is no rule `q`"),
        (when("{ rule = 'r' }"), "r:4:17: error[E05]: `r` asks this rule in turn"),
        (when("{ category = 'other' }"), "error[E09]: `category` is not yet known in the phase `classify`"),
        (when("{ exchanges = '=>3' }"), "error[E09]: `=>3` is no comparison"),
        (when("{ from = 'a' }"), "error[E09]: `a` is no address"),
        (when("{ field = 'colour' }"), "error[E03]: there is no field `colour`"),
        (when(""), "r:3:1: error[E09]: there is no condition in `all`, `any` or `none`"),
        (act("reply = 'a/{hour}'"), "r:7:9: error[E06]: nothing in this rule captures `{hour}`; did you mean `hours`?"),
        (act("set = { error_code = '{kode}' }"), "error[E06]: nothing in this rule captures `{kode}`"),
        (act("group = 'mail-tec'"), "error[E03]: there is no group `mail-tec`; did you mean `mail-tech`?"),
        (act("ask = ['colour']"), "r:7:8: error[E03]: there is no field `colour`"),
        (act("stop = true"), "error[E09]: `stop` in a rule that adds points"),
        (act("close = { after = '3 days' }"), "error[E09]: `3 days` is no length of time"),
        (act("handof = { to = 'x' }"), "error[E01]: unknown key `handof`; did you mean `handoff`?"),
        (act("[[rule.test]]\nwant = { mach = true }"), "r:8:10: error[E01]: unknown key `mach`; did you mean `match`?"),
        (act("[[rule.test]]\nnow = 'noon'\nwant = {}"), "error[E09]: `noon` is no moment"),
        (
            rule("category = 'billing.sales'\nweight = 3"),
            "t:13:6: error[E07]: all rules together give `billing.sales` 4.5 points, and it needs 5",
        ),
        (
            "[[group]]\nid = 'g'\ncalendar = 'workday'\n".into(),
            "error[E03]: there is no calendar `workday`; did you mean `workdays`?",
        ),
        (
            "[[calendar]]\nid = 'c'\nzone = 'Asia/Beijing'\nhours = ['9-18']\n".into(),
            "error[E09]: there is no time zone `Asia/Beijing`",
        ),
        ("[[category]]\nid = 'other'\n".into(), "error[E02]: the category `other` is there twice"),
    ];
    let lists = "[lists]\nsend_fail = ['x']\n";
    for (text, want) in &cases {
        let (_, problems) = load(&files(&[("t", TAXONOMY), ("r", text), ("l", lists)]));
        let told = problems.to_string();
        assert!(told.contains(want), "{text}\n--- told:\n{told}\n--- wanted:\n{want}");
    }
    let circle = "[[rule]]\nid = 'a'\n[rule.when]\nall = [{ rule = 'b' }]\n\
                  [[rule]]\nid = 'b'\n[rule.when]\nall = [{ rule = 'a' }]\n";
    let (rules, problems) = load(&files(&[("r", circle)]));
    assert_eq!(problems.to_string().matches("E05").count(), 2, "{problems}");
    assert!(rules.judge(&input(&mail("", "x"))).hits.is_empty(), "a circle ends");
}

#[test]
fn several_faults_are_told_at_once_and_in_the_order_of_the_files() {
    let a = "[[rule]]\nid = 'b'\nx = 1\n[rule.when]\nall = [{ kw = ['x'] }]\n[rule.do]\ngroup = 'q'\n";
    let b = "[[rule]]\nid = 'a'\ny = 1\n[rule.when]\nall = [{ kw = ['x'] }]\n";
    let (_, problems) = load(&files(&[("t", TAXONOMY), ("first", a), ("second", b)]));
    let places: Vec<String> = problems.0.iter().map(|problem| problem.to_string()[..10].to_owned()).collect();
    assert_eq!(places, ["first:3:1:", "first:7:9:", "second:3:1"]);
}
