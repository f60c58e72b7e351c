//! `huixin rules test`: the tests that stand beside the rules, and what came of those that fail.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::super::terminal::Progress;
use super::super::{Done, Exit, Trouble};
use super::{configured, count, load, named};
use crate::app;
use crate::rules::{TestOutcome, TestRun, TestSummary};

#[derive(clap::Args)]
pub struct Options {
    /// Only the tests of this rule.
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// Write the results as JUnit XML, which most build servers show.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub fn run(file: &Path, options: Options) -> Done {
    let (rules, texts) = load(&configured(file)?)?;
    let only = options.rule.as_deref().map(|id| named(&rules, id)).transpose()?;
    let mut progress = Progress::new(rules.count_tests(only.as_ref()), "testing");
    let (mut summary, mut runs) = (TestSummary::default(), Vec::new());
    let mut begun = Instant::now();
    for run in rules.each_test(only.as_ref(), &app::read, &texts.mails) {
        summary.count(run.outcome);
        if matches!(run.outcome, TestOutcome::Failed | TestOutcome::Surprise) {
            print!("{}", told(&run));
        }
        runs.push((run, begun.elapsed()));
        begun = Instant::now();
        progress.step();
    }
    drop(progress);
    if let Some(path) = &options.junit {
        std::fs::write(path, junit(&runs, &summary))
            .map_err(|error| Trouble::new(Exit::IoErr, anyhow::anyhow!("{}: {error}", path.display())))?;
    }
    println!(
        "{} passed, {} failed, {} failed as expected, {} expected to fail and passed",
        summary.passed, summary.failed, summary.expected_failures, summary.surprises
    );
    match summary.failed {
        0 => Ok(Exit::Ok),
        failed => Err(Trouble::new(Exit::Config, anyhow::anyhow!("{} failed", count(failed, "test")))),
    }
}

/// A test that went wrong: where it stands, and line by line what was wanted and what came.
fn told(run: &TestRun) -> String {
    let (line, column) = run.source.line_column(run.span.start);
    let mut text = format!("{}:{line}:{column}: `{}` of {}\n", run.source.name, run.name, run.rule);
    if run.outcome == TestOutcome::Surprise {
        text.push_str("  it was expected to fail and passes: take `xfail` away\n");
    }
    for difference in &run.differences {
        // Writing to a String does not fail.
        let _ = writeln!(text, "  {}\n    - {}\n    + {}", difference.what, difference.wanted, difference.got);
    }
    text
}

/// The form that Ant's JUnit task writes and build servers read: a suite for each rule, a case for each test.
fn junit(runs: &[(TestRun, Duration)], summary: &TestSummary) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let total: Duration = runs.iter().map(|(_, took)| *took).sum();
    let _ = writeln!(
        xml,
        "<testsuites name=\"huixin rules\" tests=\"{}\" failures=\"{}\" errors=\"0\" time=\"{:.3}\">",
        runs.len(),
        summary.failed,
        total.as_secs_f64()
    );
    for suite in runs.chunk_by(|a, b| a.0.rule == b.0.rule) {
        let Some((first, _)) = suite.first() else { continue };
        let of = |wanted| suite.iter().filter(|(run, _)| run.outcome == wanted).count();
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" file=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{:.3}\">",
            escaped(first.rule.as_str()),
            escaped(&first.source.name),
            suite.len(),
            of(TestOutcome::Failed),
            of(TestOutcome::ExpectedFailure),
            suite.iter().map(|(_, took)| *took).sum::<Duration>().as_secs_f64()
        );
        for (run, took) in suite {
            let _ = write!(
                xml,
                "    <testcase classname=\"{}\" name=\"{}\" line=\"{}\" time=\"{:.3}\"",
                escaped(run.rule.as_str()),
                escaped(&run.name),
                run.source.line_column(run.span.start).0,
                took.as_secs_f64()
            );
            xml.push_str(&outcome(run));
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

/// What stands in a `testcase`, and its end.
fn outcome(run: &TestRun) -> String {
    match run.outcome {
        TestOutcome::Passed => "/>\n".into(),
        TestOutcome::Failed => {
            let lines: Vec<String> = run.differences.iter().map(|difference| difference.to_string()).collect();
            let first = lines.first().map_or("", String::as_str);
            format!(
                ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
                escaped(first),
                escaped(&lines.join("\n"))
            )
        }
        TestOutcome::ExpectedFailure => ">\n      <skipped message=\"xfail\"/>\n    </testcase>\n".into(),
        TestOutcome::Surprise => {
            ">\n      <system-out>expected to fail and passes: take xfail away</system-out>\n    </testcase>\n".into()
        }
    }
}

/// XML 1.0 §2.4 for the marks, §2.2 for the characters that may not stand there in any form.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' | '\r' => escaped.push(' '),
            '\u{0}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => escaped.push('\u{FFFD}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_holds_no_mark_and_no_character_that_it_must_not() {
        assert_eq!(escaped("<a & \"b\">\u{0}\u{B}\n"), "&lt;a &amp; &quot;b&quot;&gt;\u{FFFD}\u{FFFD}&#10;");
    }
}
