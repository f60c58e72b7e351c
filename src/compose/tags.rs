//! The tags of a template, looked at before the first rendering.
//!
//! minijinja finds faults of syntax when it compiles, but an unknown filter or a missing part only when it
//! meets one. A playbook with a fault must not start, so what a template may use is a short list here, and
//! everything else is a fault with its place.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Block tags a template may use: enough to leave a sentence out and to go through a list.
pub(super) const KEYWORDS: &[&str] = &["if", "elif", "else", "endif", "for", "endfor", "set", "endset", "include"];
/// Filters, as in `{{ name | upper }}`.
pub(super) const FILTERS: &[&str] =
    &["default", "first", "join", "last", "length", "lower", "replace", "trim", "upper"];
/// Tests, as in `{% if name is defined %}`.
pub(super) const TESTS: &[&str] = &["defined", "undefined"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `{{ … }}`
    Print,
    /// `{% … %}`
    Block,
    /// `{# … #}`
    Comment,
}

/// One tag with its braces.
#[derive(Debug, Clone)]
pub(super) struct Tag {
    pub kind: Kind,
    /// Where in the text.
    pub span: Range<usize>,
    /// The tag with the inside of its string literals blanked, every byte in its place.
    pub code: String,
}

/// What is wrong with a tag: where, what, what was written, and the words it could have been.
pub(super) struct Fault {
    pub span: Range<usize>,
    pub what: String,
    pub written: String,
    pub known: &'static [&'static str],
}

/// A pattern of this file, compiled at its first use.
macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($text).expect("a pattern of ours is right"));
    };
}

pattern!(FIRST_WORD, r"^\{%[-+]?\s*(\w+)");
pattern!(FILTER, r"\|\s*(\w+)");
pattern!(TEST, r"\bis\s+(?:not\s+)?(\w+)");
pattern!(METHOD, r"\.\s*(\w+)\s*\(");
pattern!(INCLUDE, r#"^\{%[-+]?\s*include\s+["']([^"']*)["']\s*[-+]?%\}$"#);

/// All tags, in order. A tag that is not closed ends the list; minijinja complains about it.
pub(super) fn tags(text: &str) -> Vec<Tag> {
    let (mut tags, mut from) = (Vec::new(), 0);
    while let Some(start) = text[from..].find('{').map(|at| from + at) {
        let (kind, close) = match text.as_bytes().get(start + 1) {
            Some(b'{') => (Kind::Print, "}}"),
            Some(b'%') => (Kind::Block, "%}"),
            Some(b'#') => (Kind::Comment, "#}"),
            _ => {
                from = start + 1;
                continue;
            }
        };
        let rest = &text[start + 2..];
        let (inside, end) = match kind {
            Kind::Comment => (String::new(), rest.find(close)),
            Kind::Print | Kind::Block => blank_strings(rest, close),
        };
        let Some(end) = end else { break };
        let end = start + 2 + end + close.len();
        let code = format!("{}{inside}{close}", &text[start..start + 2]);
        tags.push(Tag { kind, span: start..end, code });
        from = end;
    }
    tags
}

/// The text before `close` with the inside of its string literals made blanks, and where `close` begins.
fn blank_strings(text: &str, close: &str) -> (String, Option<usize>) {
    let (mut code, mut quote) = (String::new(), None);
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if quote.is_none() && text[at..].starts_with(close) {
            return (code, Some(at));
        }
        let ends = quote == Some(c) && !escaped;
        if quote.is_none() || ends {
            code.push(c);
        } else {
            code.extend(std::iter::repeat_n(' ', c.len_utf8()));
        }
        escaped = quote.is_some() && c == '\\' && !escaped;
        match c {
            _ if ends => quote = None,
            '"' | '\'' if quote.is_none() => quote = Some(c),
            _ => {}
        }
    }
    (code, None)
}

/// Everything in the tags that is not on the short list.
pub(super) fn faults(tags: &[Tag]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for tag in tags.iter().filter(|tag| tag.kind != Kind::Comment) {
        let mut check = |pattern: &Regex, noun: &str, known: &'static [&'static str]| {
            for found in pattern.captures_iter(&tag.code).filter_map(|found| found.get(1)) {
                if !known.contains(&found.as_str()) {
                    faults.push(Fault {
                        span: tag.span.start + found.start()..tag.span.start + found.end(),
                        what: format!("a template has no {noun} `{}`", found.as_str()),
                        written: found.as_str().to_owned(),
                        known,
                    });
                }
            }
        };
        check(&FIRST_WORD, "tag", KEYWORDS);
        check(&FILTER, "filter", FILTERS);
        check(&TEST, "test", TESTS);
        check(&METHOD, "method", &[]);
    }
    faults
}

/// The parts a template includes, each with the place of its tag; `None` where the name is not written out.
pub(super) fn includes<'a>(text: &'a str, tags: &[Tag]) -> Vec<(Range<usize>, Option<&'a str>)> {
    tags.iter()
        .filter(|tag| {
            let word = FIRST_WORD.captures(&tag.code).and_then(|found| found.get(1));
            word.is_some_and(|word| word.as_str() == "include")
        })
        .map(|tag| {
            let name = INCLUDE.captures(&text[tag.span.clone()]).and_then(|found| found.get(1));
            (tag.span.clone(), name.map(|name| name.as_str()))
        })
        .collect()
}

/// Where a variable stands in the tags: `org.phone` as a whole word, else its first word.
pub(super) fn place_of(variable: &str, tags: &[Tag]) -> Range<usize> {
    let first = variable.split('.').next().unwrap_or(variable);
    [variable, first]
        .into_iter()
        .find_map(|word| {
            tags.iter().filter(|tag| tag.kind != Kind::Comment).find_map(|tag| {
                let part_of_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
                tag.code.match_indices(word).find_map(|(at, word)| {
                    let before = tag.code[..at].chars().next_back().is_some_and(part_of_word);
                    let after = tag.code[at + word.len()..].chars().next().is_some_and(part_of_word);
                    let start = tag.span.start + at;
                    (!before && (!after || word == first)).then(|| start..start + word.len())
                })
            })
        })
        .unwrap_or(0..0)
}

/// Marks the tags that end a line of text, so that the line break after them stays.
///
/// A tag alone on its line takes the line with it (`trim_blocks`), or every `{% if %}` would leave a gap.
/// After `…{% endif %}` at the end of a sentence the same rule would glue two lines together; there the
/// blank before `%}` becomes the `+` that switches it off. No byte moves, so places in the text stay right.
pub(super) fn keep_line_ends(text: &str) -> String {
    let tags = tags(text);
    let mut kept = text.as_bytes().to_vec();
    for tag in tags.iter().filter(|tag| tag.kind == Kind::Block) {
        if !text[tag.span.end..].starts_with('\n') {
            continue;
        }
        let line_start = text[..tag.span.end].rfind('\n').map_or(0, |newline| newline + 1);
        let alone = !tags
            .iter()
            .any(|other| other.kind == Kind::Print && (line_start..tag.span.end).contains(&other.span.start))
            && outside_tags(text, &tags, line_start..tag.span.end).trim().is_empty();
        let before_close = tag.span.end - "%}".len() - 1;
        if !alone && kept[before_close] == b' ' {
            kept[before_close] = b'+';
        }
    }
    // Only a blank became a plus, so this is the same UTF-8.
    String::from_utf8(kept).unwrap_or_else(|_| text.to_owned())
}

/// What stands between the tags of a line.
fn outside_tags(text: &str, tags: &[Tag], line: Range<usize>) -> String {
    let mut outside = String::new();
    let mut from = line.start;
    for tag in tags.iter().filter(|tag| line.contains(&tag.span.start)) {
        outside.push_str(text.get(from..tag.span.start).unwrap_or_default());
        from = tag.span.end;
    }
    outside.push_str(text.get(from..line.end).unwrap_or_default());
    outside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_on_the_list_is_a_fault_with_its_place() {
        let cases = [
            ("{{ a | uper }}", vec!["uper"]),
            ("{{ a | upper }} | uper {# | uper #}", vec![]),
            ("{{ \"}} | x is y\" | upper | lower }}", vec![]),
            ("{% macro a() %}", vec!["macro"]),
            ("{%- import 'x' as y %}", vec!["import"]),
            ("{% if a is not defined and b is odd %}", vec!["odd"]),
            ("{{ a.items() }} {{ a | join(', ') }}", vec!["items"]),
            ("{{ 'it\\'s | x' }}{", vec![]),
            ("{{ open", vec![]),
        ];
        for (text, want) in cases {
            let found: Vec<_> = faults(&tags(text)).into_iter().map(|fault| text[fault.span].to_owned()).collect();
            assert_eq!(found, want, "{text}");
        }
    }

    #[test]
    fn a_part_is_included_by_its_name() {
        let text = "{% include \"part/footer\" %}{% include name %}{%- include 'part/x' -%}";
        let names: Vec<_> = includes(text, &tags(text)).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, [Some("part/footer"), None, Some("part/x")]);
    }

    #[test]
    fn only_tags_behind_text_keep_their_line_end() {
        let cases = [
            ("{% if a %}\nx\n{% endif %}\n", "{% if a %}\nx\n{% endif %}\n"),
            ("x{% if a %}y{% endif %}\nz", "x{% if a %}y{% endif+%}\nz"),
            ("{{ a }}{% endif %}\n", "{{ a }}{% endif+%}\n"),
            ("  {% if a %}{% else %}\n", "  {% if a %}{% else %}\n"),
            ("x{% endif -%}\n", "x{% endif -%}\n"),
        ];
        for (text, want) in cases {
            assert_eq!(keep_line_ends(text), want, "{text}");
        }
    }
}
