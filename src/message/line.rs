//! The lines of a text, and what each looks like: a quote, the head of an earlier mail, a signature mark.

use super::quote::{self, Earlier};
use super::signature;

/// A line of the text, and where the markup says that it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Origin {
    /// Plain text, or markup that says nothing about it.
    #[default]
    Unsaid,
    Quote,
    Signature,
    /// A line drawn across the page, without text.
    Rule,
    /// An earlier mail begins here; no text.
    Head,
}

impl Line {
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// Octets of the shortest line that says something about its writer: `De: x`.
const LEAST_OCTETS: usize = 5;

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Blank,
    Text,
    Quote,
    /// `On … wrote:`.
    Attribution,
    /// A divider or a header block: everything below is an earlier mail.
    Head(Earlier),
    /// The signature mark.
    Mark,
    Ruler,
    /// In a signature by its markup, or what a mail program says about itself.
    Signed,
}

/// The lines of a plain text.
pub(super) fn plain_lines(text: &str) -> impl Iterator<Item = Line> + '_ {
    text.split('\n').map(|line| Line { text: line.trim_end().to_owned(), origin: Origin::Unsaid })
}

/// The kind of every line.
pub(super) fn kinds(lines: &[Line]) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::with_capacity(lines.len());
    let mut fenced = false;
    while kinds.len() < lines.len() {
        let at = kinds.len();
        // Code between fences is text, whatever it looks like.
        if lines[at].text.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let (kind, length) = if lines[at].origin == Origin::Rule {
            (Kind::Ruler, 1)
        } else if lines[at].origin == Origin::Head {
            let block = quote::header_block(texts(&lines[at + 1..]), true);
            (Kind::Head(Earlier::Answered), 1 + block)
        } else if lines[at].is_blank() {
            (Kind::Blank, 1)
        } else if fenced {
            (Kind::Text, 1)
        } else {
            let above = kinds.iter().rev().find(|kind| **kind != Kind::Blank);
            kind(&lines[at..], above.copied())
        };
        kinds.extend(std::iter::repeat_n(kind, length));
    }
    kinds.truncate(lines.len());
    kinds
}

fn texts(lines: &[Line]) -> impl Iterator<Item = &str> {
    lines.iter().map(|line| line.text.as_str())
}

/// The kind of the first line, and how many lines share it because they are one thing. `above` is the kind of the
/// line above it that is not blank.
fn kind(lines: &[Line], above: Option<Kind>) -> (Kind, usize) {
    let line = lines[0].text.as_str();
    if is_quoted(&lines[0]) {
        // Gmail and Apple Mail put the attribution inside the quote.
        return match above {
            Some(Kind::Quote | Kind::Attribution) => (Kind::Quote, 1),
            _ => match attribution(lines) {
                0 => (Kind::Quote, 1),
                length => (Kind::Attribution, length),
            },
        };
    }
    if line.trim().len() < LEAST_OCTETS {
        return match (signature::is_mark(line), signature::is_ruler(line)) {
            (true, _) => (Kind::Mark, 1),
            (_, true) => (Kind::Ruler, 1),
            _ => (Kind::Text, 1),
        };
    }
    if let Some(earlier) = quote::divider(line) {
        // The header block below belongs to the divider.
        let blanks = lines[1..].iter().take_while(|line| line.is_blank()).count();
        let block = quote::header_block(texts(&lines[1 + blanks..]), true);
        let length = if block > 0 { 1 + blanks + block } else { 1 };
        return (Kind::Head(earlier), length);
    }
    if lines[0].origin == Origin::Signature || signature::is_advertisement(line) {
        return (Kind::Signed, 1);
    }
    if signature::is_mark(line) {
        return (Kind::Mark, 1);
    }
    if signature::is_ruler(line) {
        return (Kind::Ruler, 1);
    }
    match quote::header_block(texts(lines), above == Some(Kind::Ruler)) {
        0 => {}
        length => return (Kind::Head(Earlier::Answered), length),
    }
    match attribution(lines) {
        0 => (Kind::Text, 1),
        length => (Kind::Attribution, length),
    }
}

/// How many lines from the first on are one attribution.
fn attribution(lines: &[Line]) -> usize {
    quote::attribution(texts(lines), |length| {
        let below = lines[length..].iter().find(|line| !line.is_blank());
        // A few programs quote with bars; without an attribution above it a bar is part of a table.
        below.is_some_and(|line| is_quoted(line) || line.text.starts_with('|'))
    })
}

fn is_quoted(line: &Line) -> bool {
    line.origin == Origin::Quote || quote::is_quoted(&line.text)
}
