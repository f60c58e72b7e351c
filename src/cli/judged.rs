//! What the rules said about a mail, in lines: `explain` prints it.

use super::terminal::one_line;
use crate::decide::told;
use crate::language::Language;
use crate::playbook::Playbook;
use crate::rules::{Asked, CategoryScore, Evidence, Failure, Judgement, Phase, Rules, Trace};

/// Characters of what a condition looks for.
const LOOKED_FOR: usize = 200;

/// Lines of a label and a text; an empty label belongs to the one before.
pub type Lines = Vec<(&'static str, String)>;

/// Every rule that held, what it was worth, what came of the scores.
pub fn judgement(judgement: &Judgement, playbook: &Playbook) -> Lines {
    let mut lines = Lines::new();
    for hit in judgement.hits.iter().filter(|hit| hit.phase != Phase::Classify || hit.shadow) {
        let shadow = if hit.shadow { " (shadow: no effect)" } else { "" };
        lines.push((hit.phase.as_str(), format!("{}{shadow}  {}", hit.rule, evidence(&hit.evidence))));
    }
    for score in &judgement.scores {
        lines.push(("score", scored(score, playbook)));
        lines.extend(score.contributions.iter().map(|points| ("", told::points(points, true, Language::En))));
    }
    match (&judgement.category, &judgement.why_not) {
        (Some(won), _) => {
            let needs = playbook.rules().taxonomy().category(&won.category);
            lines.push(("category", told::won(won, needs, won.category.as_str(), Language::En)));
        }
        (None, Some(why_not)) => {
            lines.push(("category", format!("none: {}", told::ambiguity(why_not, ToString::to_string, Language::En))));
        }
        (None, None) => {}
    }
    lines
}

/// The rules that came closest to holding, each with the condition that it failed.
pub fn near_misses(traces: &[Trace]) -> Lines {
    let mut lines = Lines::new();
    for trace in traces {
        if let Asked::Failed(failure) = &trace.asked {
            let label = if lines.is_empty() { "nearly" } else { "" };
            let evidence = evidence(&failure.evidence);
            let found = format!("{}  {}: {}  {evidence}", trace.rule, failure.path, failure.found);
            lines.push((label, found.trim_end().to_owned()));
        }
    }
    lines
}

/// Why a rule did not hold, or that it did.
pub fn why_not(trace: &Trace, rules: &Rules) -> Lines {
    let place = rules.rule(&trace.rule).map(|rule| {
        let (line, column) = rule.source.line_column(rule.span.start);
        format!("{}  {}:{line}:{column}", trace.rule, rule.source.name)
    });
    let mut lines = vec![("why not", place.unwrap_or_default())];
    match &trace.asked {
        Asked::Held(found) => lines.push(("", format!("it held: {}", evidence(found)))),
        Asked::StoppedBy(rule) => lines.push(("", format!("it was not asked: {rule} came first, and has `stop`"))),
        Asked::Failed(failure) => lines.extend(failed(failure)),
    }
    if let Some(rule) = rules.rule(&trace.rule).filter(|rule| !rule.in_force()) {
        let state = if rule.enabled { rule.status.as_str() } else { "not enabled" };
        lines.push(("", format!("it is {state}, and has no effect whatever it finds")));
    }
    lines
}

fn failed(failure: &Failure) -> Lines {
    let looked_in = match failure.looked_in.is_empty() {
        true => String::new(),
        false => format!(" in {}", failure.looked_in),
    };
    let evidence = evidence(&failure.evidence);
    vec![
        ("fails at", failure.path.clone()),
        ("wanted", format!("{}{looked_in}", one_line(&failure.looked_for, LOOKED_FOR))),
        ("found", format!("{}  {evidence}", failure.found).trim_end().to_owned()),
        ("would do", failure.remedy.clone()),
    ]
}

fn scored(score: &CategoryScore, playbook: &Playbook) -> String {
    let label = playbook.category_label(&score.category, Language::Zh);
    told::score(score, &format!("{} {label}", score.category), Language::En)
}

/// Each piece with the octets it takes in its part of the mail.
fn evidence(evidence: &[Evidence]) -> String {
    told::evidence(evidence, true, Language::En)
}
