//! A playbook of two rules, compiled once: what it says does not matter here, only that it answers alone, hands off,
//! and has budgets small enough to be used up within a seed.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use huixin::app;
use huixin::config;
use huixin::ids::Key;
use huixin::playbook::{Playbook, Texts};
use huixin::problem::SourceText;

use super::wrong::Wrong;

/// The bot's key, in every seed the same, so that one playbook serves all.
pub const KEY: [u8; 32] = [7; 32];

pub const AGENTS: [&str; 2] = ["agents@example.com", "tech@example.com"];
pub const OPERATOR: &str = "operator@example.com";
pub const SUPPORT: &str = "support@example.com";
/// What the rule that answers alone looks for.
pub const KNOWN: &str = "How do I reset the frobnicator?";
pub const UNKNOWN: &str = "Does the choir rehearse on Thursday this week?";

const RULES: &str = r#"
schema = 1

[[rule]]
id = "desk.reset"
title = { zh = "重置", en = "Reset", ja = "リセット" }
status = "stable"
category = "desk.reset"
weight = 8.0
[rule.when]
any = [{ kw = { en = ["frobnicator"] } }]
[rule.do]
reply = "kb/554-dt-spm"
group = "tech"
offer_human = true
[[rule.test]]
name = "plain"
body = "How do I reset the frobnicator?"
want = { match = true, category = "desk.reset" }
[[rule.test]]
name = "another thing"
body = "How do I reset the toaster?"
want = { match = false }

[[category]]
id = "desk.reset"
label = { zh = "重置", en = "Reset", ja = "リセット" }
group = "tech"
priority = "normal"
threshold = 5.0
margin = 1.5
bot_may_answer = true

[[group]]
id = "tech"
label = { zh = "技术", en = "Tech", ja = "技術" }
calendar = "always"

[[group]]
id = "triage"
label = { zh = "值班", en = "Desk", ja = "窓口" }
calendar = "always"

[[calendar]]
id = "always"
zone = "UTC"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
hours = ["00:00-24:00"]
"#;

const BUDGETS: &str = "case_answers = 3\nsender_hour = 2\nsender_day = 4\ndomain_hour = 4\ndomain_day = 7\n\
                       unknown_hour = 7\nunknown_day = 12\nglobal_hour = 7\nglobal_day = 12\nsuppress_days = 30\n";

/// The playbook that the simulated bot gets: the right one, or one in which something is forgotten.
pub fn playbook(wrong: Wrong) -> Arc<Playbook> {
    static RIGHT: OnceLock<Arc<Playbook>> = OnceLock::new();
    let changed = wrong.settings();
    if changed.is_empty() { RIGHT.get_or_init(|| assembled(&[])).clone() } else { assembled(changed) }
}

/// Made of the shipped settings and templates.
fn assembled(changed: &[(&str, &str)]) -> Arc<Playbook> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shipped = std::fs::read_to_string(root.join("bot.toml")).unwrap();
    let (before, rest) = shipped.split_once("[budget]").unwrap();
    let (_, after) = rest.split_once("[delivery]").unwrap();
    let mut text = format!("{before}[budget]\n{BUDGETS}[delivery]{after}\n[group.tech]\nto = [\"{}\"]\n", AGENTS[1]);
    let usual = [
        ("authentication_servers = []", "authentication_servers = [\"mx.example.com\"]"),
        ("verify_dkim = true", "verify_dkim = false"),
        ("# bounce_address = \"support+bounce@example.com\"", "bounce_address = \"support+bounce@example.com\""),
    ];
    for (from, to) in usual.iter().chain(changed) {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let config = config::load(&SourceText::new("bot.toml", text), &[]).unwrap();
    let configured = app::files::Configured { config, folder: root.to_owned() };
    let shipped = app::files::texts(&configured).unwrap();
    let own = |name: &str| {
        ["ack/", "added/", "agent/", "close/", "handoff/", "notice/", "part/", "status/"]
            .iter()
            .any(|part| name.starts_with(part))
    };
    let templates = shipped.templates.into_iter();
    let templates = templates.filter(|(name, ..)| own(name.as_str()) || name.as_str() == "kb/554-dt-spm").collect();
    let texts = Texts { rules: vec![SourceText::new("sim.toml", RULES)], templates, mails: Default::default() };
    match Playbook::assemble(configured.config, &texts, Key::from_bytes(KEY), &app::read) {
        Ok((playbook, ..)) => Arc::new(playbook),
        Err(problems) => panic!("{problems}"),
    }
}
