//! `huixin rules coverage`: what no passing test has shown to work.

use std::path::Path;

use super::super::terminal::{Progress, one_line};
use super::super::{Done, Exit, Trouble};
use super::{configured, load};
use crate::app;
use crate::rules::{Coverage, RuleCoverage};

#[derive(clap::Args)]
pub struct Options {
    /// Fail if fewer rules with keywords than this share (in percent) are exercised.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min: Option<u8>,
    /// The figures only.
    #[arg(long)]
    summary: bool,
}

/// Keywords of one condition that are listed; the rest is counted.
const MAX_LISTED: usize = 8;
/// Characters of what a condition looks for.
const TOLD: usize = 80;

pub fn run(file: &Path, options: Options) -> Done {
    let (rules, texts) = load(&configured(file)?)?;
    // The tests run twice: once to see which pass, once to look over the judge's shoulder.
    let mut progress = Progress::new(rules.count_tests(None), "testing");
    let coverage = rules.coverage(&app::read, &texts.mails, &mut || progress.step());
    drop(progress);
    if !options.summary {
        coverage.rules.iter().filter_map(gaps).for_each(|gaps| print!("{gaps}"));
    }
    let percent = figures(&coverage);
    match options.min {
        Some(min) if percent < f64::from(min) => Err(Trouble::new(
            Exit::Config,
            anyhow::anyhow!("{percent:.1} % of the rules with keywords are exercised, and {min} % are asked for"),
        )),
        _ => Ok(Exit::Ok),
    }
}

/// Prints the figures; gives the share of rules with keywords that are exercised, in percent.
fn figures(coverage: &Coverage) -> f64 {
    let share = |(covered, all): (usize, usize)| if all == 0 { 100.0 } else { covered as f64 * 100.0 / all as f64 };
    let held = coverage.rules.iter().filter(|rule| rule.held).count();
    let rows = [
        ("rules that held in a passing test", (held, coverage.rules.len())),
        ("rules with keywords that are exercised", coverage.keyword_rules()),
        ("conditions", coverage.matchers()),
        ("keywords", coverage.keywords()),
    ];
    for (what, figures) in rows {
        println!("{:6.1} %  {} of {} {what}", share(figures), figures.0, figures.1);
    }
    share(coverage.keyword_rules())
}

/// What is not exercised of a rule; none if all is.
fn gaps(rule: &RuleCoverage) -> Option<String> {
    let mut lines = Vec::new();
    if !rule.held {
        lines.push("  it held in no passing test".to_owned());
    }
    let languages: Vec<&str> = rule.silent_languages().iter().map(|language| language.as_str()).collect();
    if !languages.is_empty() {
        lines.push(format!("  no test in {}", languages.join(", ")));
    }
    for matcher in &rule.matchers {
        let silent: Vec<&str> =
            matcher.keywords.iter().filter(|(_, exercised)| !exercised).map(|(word, _)| word.as_str()).collect();
        if !matcher.exercised {
            lines.push(format!("  {}: never: {}", matcher.path, one_line(&matcher.told, TOLD)));
        } else if !silent.is_empty() {
            let listed = silent.iter().take(MAX_LISTED).copied().collect::<Vec<_>>().join(" · ");
            let all = matcher.keywords.len();
            lines.push(format!("  {}: {} of {all} keywords never: {listed}", matcher.path, silent.len()));
        }
    }
    (!lines.is_empty()).then(|| format!("{}\n{}\n", rule.rule, lines.join("\n")))
}
