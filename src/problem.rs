//! A fault in a file that an admin wrote: what, where (file:line:column), why, and what to do.
//!
//! Configuration, rules and templates report all their faults as [`Problem`]s, several at once, and each is
//! drawn with the offending line. A playbook with an error does not start; a warning is only told.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

/// The text of one file, kept so that a fault can be drawn with its line.
#[derive(Debug, Clone)]
pub struct SourceText {
    /// As the admin would name it: relative to where bot.toml is.
    pub name: String,
    pub text: Arc<str>,
}

impl SourceText {
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> SourceText {
        SourceText { name: name.into(), text: text.into() }
    }

    /// A fault at a byte range of this file.
    pub fn error(&self, span: Range<usize>, what: impl Into<String>) -> Problem {
        Problem { severity: Severity::Error, code: None, what: what.into(), at: Some((self.clone(), span)), help: None }
    }

    /// Something worth an admin's attention at a byte range of this file.
    pub fn warning(&self, span: Range<usize>, what: impl Into<String>) -> Problem {
        Problem { severity: Severity::Warning, ..self.error(span, what) }
    }

    /// Line and column, both from 1, the column in characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset.min(self.text.len())).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Warning,
    Error,
}

/// One fault.
#[derive(Debug, Clone)]
pub struct Problem {
    pub severity: Severity,
    /// A stable code of the lint list, such as `E03`.
    pub code: Option<&'static str>,
    pub what: String,
    /// The file and the byte range in it; none when the fault is not in a text (an environment variable).
    pub at: Option<(SourceText, Range<usize>)>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Problem {
    /// A fault that is in no file, such as one in the environment or a missing folder.
    pub fn outside(what: impl Into<String>) -> Problem {
        Problem { severity: Severity::Error, code: None, what: what.into(), at: None, help: None }
    }

    pub fn code(mut self, code: &'static str) -> Problem {
        self.code = Some(code);
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }

    /// Adds "did you mean `…`?" when one of `known` is close to what was written.
    pub fn did_you_mean<'a>(self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Problem {
        match closest(written, known) {
            Some(word) => self.help(format!("did you mean `{word}`?")),
            None => self,
        }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Draws the fault with its line, in colour or not, at most `width` columns wide.
    pub fn draw(&self, colour: bool, width: usize) -> String {
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let mut drawn = String::new();
        let handler = GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false);
        match handler.render_report(&mut drawn, &Drawn::from(self)) {
            Ok(()) => format!("{self}\n{drawn}"),
            Err(_) => self.to_string(),
        }
    }
}

/// `file:line:column: error[E03]: what; help`, one line, made for grep and for editors.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((source, span)) = &self.at {
            let (line, column) = source.line_column(span.start);
            write!(f, "{}:{line}:{column}: ", source.name)?;
        }
        f.write_str(if self.is_error() { "error" } else { "warning" })?;
        if let Some(code) = self.code {
            write!(f, "[{code}]")?;
        }
        write!(f, ": {}", self.what)?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

/// All faults of one load, in the order of the files.
#[derive(Debug, Clone, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    pub fn extend(&mut self, other: Problems) {
        self.0.extend(other.0);
    }

    pub fn has_errors(&self) -> bool {
        self.0.iter().any(Problem::is_error)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Problems {
        Problems(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The word of `known` that `written` was probably meant to be.
pub fn closest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|word| (strsim::jaro_winkler(written, word), word))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

/// A [`Problem`] in the form miette draws; the headline is ours, so this one carries only line and caret.
#[derive(Debug)]
struct Drawn {
    what: String,
    source: Option<NamedSource<String>>,
    span: Option<Range<usize>>,
}

impl From<&Problem> for Drawn {
    fn from(problem: &Problem) -> Drawn {
        Drawn {
            what: problem.what.clone(),
            source: problem.at.as_ref().map(|(s, _)| NamedSource::new(&s.name, s.text.to_string())),
            span: problem.at.as_ref().map(|(_, span)| span.clone()),
        }
    }
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Drawn {}

impl Diagnostic for Drawn {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::new(Some("here".into()), span.start, span.len().max(1)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_file_line_column_what_and_what_to_do() {
        let source = SourceText::new("bot.toml", "[reply]\n# 中文\nbudgit = 3\n");
        let at = source.text.find("budgit").unwrap();
        let problem =
            source.error(at..at + 6, "unknown key `budgit`").code("E01").did_you_mean("budgit", ["budget", "language"]);
        assert_eq!(problem.to_string(), "bot.toml:3:1: error[E01]: unknown key `budgit`; did you mean `budget`?");
        let drawn = problem.draw(false, 100);
        assert!(drawn.contains("budgit = 3"), "{drawn}");
        assert_eq!(source.line_column(source.text.find('文').unwrap()), (2, 4));
        assert_eq!(source.line_column(10_000), (4, 1));
    }
}
