//! A regex of a rule: folded like the text it is matched against, with the words it cannot do without.
//!
//! The pattern is parsed, changed in its parsed form and printed again, so that `(?P<code>５５４)` and `[Ａ-Ｃ]`
//! mean what they say in folded text. `\b` becomes the ASCII word boundary: Han characters are letters to
//! Unicode, and `\b550\b` would not match in 错误代码550错误.

use std::ops::Range;

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition};

use super::skeleton::Skeleton;
use crate::fold::{fold, is_han_or_kana};
use crate::patterns::LateRegex;

/// Octets of a compiled regex. `.{0,20}` over Unicode takes some 20 KB; what needs more is a list of words.
const MAX_COMPILED: usize = 1 << 20;
/// Groups within groups.
const MAX_NESTING: u32 = 64;
/// Characters of a class that are folded one by one; a larger class is a script.
const MAX_FOLDED_CLASS: usize = 1_000;
/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) regex: LateRegex,
    /// The names of its captures.
    pub(super) names: Vec<String>,
    /// The words that stand wherever it matches.
    pub(super) skeleton: Skeleton<String>,
    /// A `\b` stands beside a Han character or kana and nothing of ASCII: it then asks for an ASCII letter there.
    pub(super) edge_beside_han: bool,
}

/// Why a pattern is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PatternError {
    pub(super) what: String,
    /// Where in the pattern.
    pub(super) at: Option<Range<usize>>,
    pub(super) help: Option<&'static str>,
}

impl Pattern {
    pub(super) fn parse(pattern: &str) -> Result<Pattern, PatternError> {
        let parsed = ParserBuilder::new().nest_limit(MAX_NESTING).build().parse(pattern).map_err(PatternError::from)?;
        let folded = fold_hir(parsed);
        let skeleton = Skeleton::of(&folded);
        let names = names(&folded);
        let regex = LateRegex::new(folded.to_string(), MAX_COMPILED).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => PatternError {
                what: format!("the regex takes more than {MAX_COMPILED} octets when compiled"),
                at: None,
                help: Some("use smaller repetitions, or keywords"),
            },
            other => PatternError { what: format!("the regex is not accepted: {other}"), at: None, help: None },
        })?;
        let edge_beside_han = edge_beside_han(&folded);
        Ok(Pattern { regex, names, skeleton, edge_beside_han })
    }
}

impl From<regex_syntax::Error> for PatternError {
    fn from(error: regex_syntax::Error) -> PatternError {
        use regex_syntax::ast::ErrorKind as Ast;
        let (what, span, help) = match &error {
            regex_syntax::Error::Parse(error) => {
                let help = match error.kind() {
                    Ast::UnsupportedLookAround => Some("use `except`, or `none` with a condition of its own"),
                    Ast::UnsupportedBackreference => Some("write the text out"),
                    _ => None,
                };
                (error.kind().to_string(), Some(*error.span()), help)
            }
            regex_syntax::Error::Translate(error) => (error.kind().to_string(), Some(*error.span()), None),
            other => (other.to_string(), None, None),
        };
        PatternError {
            what: format!("the regex is not valid: {what}"),
            at: span.map(|span| span.start.offset..span.end.offset),
            help,
        }
    }
}

fn names(hir: &Hir) -> Vec<String> {
    match hir.kind() {
        HirKind::Capture(capture) => {
            capture.name.iter().map(|name| name.to_string()).chain(names(&capture.sub)).collect()
        }
        HirKind::Repetition(repetition) => names(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().flat_map(names).collect(),
        _ => Vec::new(),
    }
}

fn fold_hir(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => Hir::literal(fold(text).text().as_bytes()),
            Err(_) => Hir::literal(literal.0),
        },
        HirKind::Class(Class::Unicode(class)) => Hir::class(Class::Unicode(fold_class(class))),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(match look {
            Look::WordUnicode => Look::WordAscii,
            Look::WordStartUnicode => Look::WordStartAscii,
            Look::WordEndUnicode => Look::WordEndAscii,
            Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
            Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
            other => other,
        }),
        HirKind::Repetition(repetition) => {
            let sub = fold_hir(*repetition.sub);
            Hir::repetition(Repetition { sub: Box::new(sub), ..repetition })
        }
        HirKind::Capture(capture) => {
            let sub = fold_hir(*capture.sub);
            Hir::capture(Capture { sub: Box::new(sub), ..capture })
        }
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(fold_hir).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.into_iter().map(fold_hir).collect()),
    }
}

/// The class of the folded characters. A negated class (one that holds the last character of Unicode) is
/// negated again after what it leaves out was folded: `[^，]` must not match the `,` that `，` becomes.
fn fold_class(mut class: ClassUnicode) -> ClassUnicode {
    let negated = class.ranges().last().is_some_and(|range| range.end() == char::MAX);
    if negated {
        class.negate();
    }
    let size: usize = class.ranges().iter().map(|range| range.len()).sum();
    let mut folded = ClassUnicode::empty();
    if size <= MAX_FOLDED_CLASS {
        for c in class.ranges().iter().flat_map(|range| range.start()..=range.end()) {
            let text = fold(c.encode_utf8(&mut [0; 4]));
            let mut chars = text.text().chars();
            let single = chars.next().filter(|_| chars.next().is_none()).unwrap_or(c);
            folded.push(ClassUnicodeRange::new(single, single));
        }
    } else {
        folded.union(&class);
        for range in class.ranges().iter().filter(|range| range.start() <= 'Z') {
            for c in (range.start()..=range.end().min('Z')).filter(char::is_ascii_uppercase) {
                let lower = c.to_ascii_lowercase();
                folded.push(ClassUnicodeRange::new(lower, lower));
            }
        }
    }
    if negated {
        folded.negate();
    }
    folded
}

fn edge_beside_han(hir: &Hir) -> bool {
    let is_edge = |hir: &Hir| matches!(hir.kind(), HirKind::Look(Look::WordAscii));
    match hir.kind() {
        HirKind::Concat(parts) => {
            let beside = (0..parts.len()).filter(|at| is_edge(&parts[*at])).any(|at| {
                let left = at.checked_sub(1).and_then(|before| end_character(&parts[before], false));
                let right = parts.get(at + 1).and_then(|behind| end_character(behind, true));
                let is_han = |c: Option<char>| c.is_some_and(is_han_or_kana);
                let is_ascii = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
                is_han(left) && !is_ascii(right) || is_han(right) && !is_ascii(left)
            });
            beside || parts.iter().any(edge_beside_han)
        }
        HirKind::Alternation(parts) => parts.iter().any(edge_beside_han),
        HirKind::Capture(capture) => edge_beside_han(&capture.sub),
        HirKind::Repetition(repetition) => edge_beside_han(&repetition.sub),
        _ => false,
    }
}

/// The first or the last character of what a part matches, if it is always the same or one branch's.
fn end_character(hir: &Hir, first: bool) -> Option<char> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let mut chars = std::str::from_utf8(&literal.0).ok()?.chars();
            if first { chars.next() } else { chars.next_back() }
        }
        HirKind::Capture(capture) => end_character(&capture.sub, first),
        HirKind::Repetition(repetition) if repetition.min > 0 => end_character(&repetition.sub, first),
        HirKind::Concat(parts) => end_character(if first { parts.first()? } else { parts.last()? }, first),
        // `\d` and the like are on the ASCII side of an edge.
        HirKind::Class(Class::Unicode(class)) => {
            class.ranges().iter().any(|range| range.start() <= '0' && '0' <= range.end()).then_some('0')
        }
        HirKind::Alternation(parts) => {
            parts.iter().filter_map(|part| end_character(part, first)).find(|c| is_han_or_kana(*c))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::parse(pattern).unwrap().regex.get().is_match(fold(text).text())
    }

    #[test]
    fn a_pattern_is_folded_like_the_text() {
        let cases = [
            (r"\b550\b", "错误代码550错误", true),
            (r"\b550\b", "订单15500", false),
            (r"\b550\b", "550a", false),
            ("DT[：:]SPM", "dt:spm", true),
            ("ＤＴ：ＳＰＭ", "dt:spm", true),
            ("(?i)Dt:sPm", "DT:SPM", true),
            ("郵件[被遭]退", "邮件被退", true),
            ("[Ａ-Ｃ]{3}", "cab", true),
            ("[A-Z\u{4E00}-\u{9FFF}]{2}", "X人", true),
            ("^[^，]+$", "a，b", false),
            ("^[^A]+$", "bcd", true),
            ("^[^A]+$", "bad", false),
            (r"帳号\s+锁定", "账号\n鎖定", true),
            ("(?m)^human$", "x\n  HUMAN\n", true),
            (".{2}k", "\u{1F600}!K", true),
        ];
        for (pattern, text, want) in cases {
            assert_eq!(matches(pattern, text), want, "{pattern} in {text}");
        }
    }

    #[test]
    fn an_edge_beside_a_han_character_is_seen() {
        for (pattern, want) in [
            (r"\b退信", true),
            (r"(?:错误|failed)\b", true),
            (r"(\b(退信)|x)", true),
            (r"\b55\d\b错误", false),
            (r"\b550 ?错误", false),
            (r"错误 ?\bcode\b", false),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().edge_beside_han, want, "{pattern}");
        }
    }

    #[test]
    fn what_cannot_be_matched_in_linear_time_and_space_is_refused() {
        let cases = [
            ("a(?=b)", "look-around"),
            (r"(a)\1", "backreferences"),
            ("a(", "unclosed group"),
            (r"\w{5000}", "octets when compiled"),
        ];
        for (pattern, why) in cases {
            let error = Pattern::parse(pattern).unwrap_err();
            assert!(error.what.contains(why), "{pattern}: {}", error.what);
        }
        assert_eq!(Pattern::parse("ab(?=c)").unwrap_err().at, Some(2..5));
        assert!(Pattern::parse(&format!("{}a{}", "(".repeat(100), ")".repeat(100))).is_err());
    }
}
