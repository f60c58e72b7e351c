//! Many patterns, one look: does any of them stand in a text, and where?
//!
//! A mail is asked hundreds of things ("does a mail system write here, in any of eleven languages?") and nearly all
//! of the answers are no. So a pattern is taken apart into its alternatives, and of each the words are found that
//! it cannot do without. One pass over the text looks for all those words together; only an alternative whose
//! words are there is asked in earnest. What makes a question slow is what words a text has outside ASCII (`\b`)
//! and how far two of them stand apart (`.{0,60}`), so each is asked first without both.

mod late;

pub use late::{LateRegex, make_room, put_away};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// Literals of one pattern. With more of them than this it is asked of every text.
const MAX_LITERALS: usize = 256;
/// Octets of a literal worth looking for: a single letter stands in every text.
const MIN_LITERAL: usize = 2;

/// Octets of a compiled pattern; the usual limit of `regex`.
const MAX_COMPILED: usize = 10 << 20;

/// Patterns that are part of the program, without regard to case.
#[derive(Debug)]
pub struct Patterns {
    words: AhoCorasick,
    /// For each word the alternatives that need it.
    needed_by: Vec<u32>,
    /// All alternatives for the beginning of a text in one, and which they are: it is left after a few characters.
    beginning: Option<LateRegex>,
    at_the_beginning: Vec<u32>,
    /// Others without a word that they need.
    always: Vec<u32>,
    alternatives: Vec<Alternative>,
}

/// One way to say it.
#[derive(Debug)]
struct Alternative {
    /// The pattern it belongs to, counted as they were given.
    pattern: usize,
    /// Without word boundaries and distances, where it has some: never less than what is meant.
    roughly: Option<LateRegex>,
    meant: LateRegex,
}

impl Patterns {
    /// Compiles patterns that are part of the program. A backslash at the end of a line and the blanks after it are
    /// taken out, so that a list of words may be broken into lines.
    ///
    /// # Panics
    ///
    /// If one is not a pattern, which the tests of whoever wrote it would show.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Patterns {
        let (mut words, mut needed_by): (Vec<String>, Vec<u32>) = Default::default();
        let (mut always, mut alternatives) = (Vec::new(), Vec::new());
        let (mut beginnings, mut at_the_beginning) = (Vec::new(), Vec::new());
        for (pattern, written) in patterns.into_iter().enumerate() {
            let written: String = written.split("\\\n").map(str::trim_start).collect();
            let parsed = ParserBuilder::new().case_insensitive(true).build().parse(&written);
            for hir in apart(parsed.expect("the patterns of the program are tested with it")) {
                let place = alternatives.len() as u32;
                alternatives.push(Alternative::new(pattern, &hir));
                if hir.properties().look_set_prefix().contains(Look::Start) {
                    beginnings.push(roughly(&hir));
                    at_the_beginning.push(place);
                    continue;
                }
                match literals(&hir).filter(|words| words.iter().all(|word| word.len() >= MIN_LITERAL)) {
                    Some(found) => {
                        needed_by.extend(found.iter().map(|_| place));
                        words.extend(found);
                    }
                    None => always.push(place),
                }
            }
        }
        // Without a table of all states: each text is read somewhat slower, in far less memory.
        let kind = Some(AhoCorasickKind::ContiguousNFA);
        let words = AhoCorasick::builder().ascii_case_insensitive(true).kind(kind).build(words);
        Patterns {
            words: words.expect("the words of some patterns"),
            needed_by,
            beginning: (!beginnings.is_empty()).then(|| late(&Hir::alternation(beginnings))),
            at_the_beginning,
            always,
            alternatives,
        }
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.candidates(text, |alternative| alternative.is_match(text))
    }

    /// Do the words of a pattern stand in a text? Without them no pattern does.
    pub fn words_in(&self, text: &str) -> bool {
        self.candidates(text, |alternative| alternative.is_roughly(text))
    }

    /// The first of the patterns, as they were given, that stands in a text.
    pub fn first(&self, text: &str) -> Option<usize> {
        let mut first: Option<usize> = None;
        self.candidates(text, |alternative| {
            if first.is_none_or(|first| alternative.pattern < first) && alternative.is_match(text) {
                first = Some(alternative.pattern);
            }
            first == Some(0)
        });
        first
    }

    /// Where the leftmost of them begins.
    pub fn start(&self, text: &str) -> Option<usize> {
        let mut start: Option<usize> = None;
        self.candidates(text, |alternative| {
            let found = if alternative.is_roughly(text) { alternative.meant.get().find(text) } else { None };
            start = start.into_iter().chain(found.map(|found| found.start())).min();
            start == Some(0)
        });
        start
    }

    /// Asks the alternatives whose words are in the text, each once, until one says that it is enough.
    fn candidates(&self, text: &str, mut enough: impl FnMut(&Alternative) -> bool) -> bool {
        let begins = self.beginning.as_ref().is_some_and(|beginning| beginning.get().is_match(text));
        let at_the_beginning = if begins { self.at_the_beginning.as_slice() } else { &[] };
        if self.always.iter().chain(at_the_beginning).any(|place| enough(&self.alternatives[*place as usize])) {
            return true;
        }
        if self.needed_by.is_empty() {
            return false;
        }
        let mut asked = Asked::default();
        self.words.find_overlapping_iter(text).any(|found| {
            let place = self.needed_by[found.pattern().as_usize()];
            asked.first_time(place) && enough(&self.alternatives[place as usize])
        })
    }
}

/// Alternatives that were asked about a text.
#[derive(Default)]
struct Asked {
    first: u128,
    more: Vec<u32>,
}

impl Asked {
    fn first_time(&mut self, place: u32) -> bool {
        if place < u128::BITS {
            let bit = 1 << place;
            let new = self.first & bit == 0;
            self.first |= bit;
            return new;
        }
        let new = !self.more.contains(&place);
        if new {
            self.more.push(place);
        }
        new
    }
}

impl Alternative {
    fn new(pattern: usize, meant: &Hir) -> Alternative {
        let roughly = roughly(meant);
        let roughly = (&roughly != meant).then(|| late(&roughly));
        Alternative { pattern, roughly, meant: late(meant) }
    }

    fn is_roughly(&self, text: &str) -> bool {
        self.roughly.as_ref().unwrap_or(&self.meant).get().is_match(text)
    }

    fn is_match(&self, text: &str) -> bool {
        self.is_roughly(text) && (self.roughly.is_none() || self.meant.get().is_match(text))
    }
}

fn late(hir: &Hir) -> LateRegex {
    let late = LateRegex::trusted(hir.to_string(), MAX_COMPILED);
    // The tests compile all of them.
    debug_assert!(regex::Regex::new(late.as_str()).is_ok(), "{}", late.as_str());
    late
}

/// The alternatives of a pattern: `a|b` and `^(?:a|b)$` are two.
fn apart(hir: Hir) -> Vec<Hir> {
    match hir.into_kind() {
        HirKind::Alternation(parts) => parts.into_iter().flat_map(apart).collect(),
        HirKind::Capture(capture) => apart(*capture.sub),
        HirKind::Concat(parts) => {
            let is_choice = |part: &Hir| matches!(part.kind(), HirKind::Alternation(_) | HirKind::Capture(_));
            let choices: Vec<usize> = (0..parts.len()).filter(|at| is_choice(&parts[*at])).collect();
            let [at] = choices[..] else { return vec![Hir::concat(parts)] };
            let whole = |part: Hir| {
                let mut whole = parts.clone();
                whole[at] = part;
                Hir::concat(whole)
            };
            apart(parts[at].clone()).into_iter().map(whole).collect()
        }
        kind => vec![rebuilt(kind)],
    }
}

/// The pattern without word boundaries, and with any distance where one is given: what it matches is never less.
fn roughly(hir: &Hir) -> Hir {
    match hir.kind().clone() {
        HirKind::Look(Look::WordUnicode | Look::WordAscii) => Hir::empty(),
        HirKind::Repetition(repetition) => {
            let max = repetition.max.filter(|max| *max < 5);
            let sub = Box::new(roughly(&repetition.sub));
            Hir::repetition(Repetition { max, sub, ..repetition })
        }
        HirKind::Capture(capture) => roughly(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(roughly).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(roughly).collect()),
        kind => rebuilt(kind),
    }
}

fn rebuilt(kind: HirKind) -> Hir {
    match kind {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(repetition) => Hir::repetition(repetition),
        HirKind::Capture(capture) => Hir::capture(capture),
        HirKind::Concat(parts) => Hir::concat(parts),
        HirKind::Alternation(parts) => Hir::alternation(parts),
    }
}

/// A set of literals of which one stands in every match, ASCII letters in lower case; `None` if it cannot be told,
/// or if there are too many.
fn literals(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(_) | HirKind::Class(_) => Some(vec![spelt(hir)?]),
        HirKind::Capture(capture) => literals(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => literals(&repetition.sub),
        // The best of the parts: the one whose shortest literal is longest. Letters in a row are one part.
        HirKind::Concat(parts) => {
            let (mut found, mut row): (Vec<Vec<String>>, String) = Default::default();
            for part in parts {
                match spelt(part) {
                    Some(letters) => row.push_str(&letters),
                    None => {
                        found.push(vec![std::mem::take(&mut row)]);
                        found.extend(literals(part));
                    }
                }
            }
            found.push(vec![row]);
            found
                .into_iter()
                .filter(|words| words.iter().all(|word| !word.is_empty()))
                .max_by_key(|words| (words.iter().map(String::len).min(), std::cmp::Reverse(words.len())))
        }
        HirKind::Alternation(parts) => {
            let words: Vec<String> = parts.iter().map(literals).collect::<Option<Vec<_>>>()?.concat();
            (words.len() <= MAX_LITERALS).then_some(words)
        }
        _ => None,
    }
}

/// What this part spells, if there is only one way to spell it. `[Kk\u{212A}]` is a `k`: nobody writes the sign of
/// the Kelvin for one.
fn spelt(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(String::from_utf8(literal.0.to_vec()).ok()?.to_ascii_lowercase()),
        HirKind::Class(Class::Unicode(class)) => {
            let mut chars = class.ranges().iter().take(4).flat_map(|range| [range.start(), range.end()]);
            let few = class.ranges().iter().map(|range| range.len()).sum::<usize>() <= 3;
            let letter = chars.clone().next()?.to_ascii_lowercase();
            let same = |c: char| c.to_ascii_lowercase() == letter || matches!(c, '\u{212A}' | 'ſ');
            (few && letter.is_ascii_alphabetic() && chars.all(same)).then(|| letter.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_found_in_any_case_and_only_where_its_words_are_whole() {
        let patterns = Patterns::new([r"\bbin ich\b", "自动|(?:out|away) of \\\n   Office", r"a{2}\d"]);
        let cases = [
            ("da bin ich wieder", Some(0)),
            ("da bin ichs", None),
            ("ärbin ich", None),
            ("请勿自动回复, bin ich", Some(0)),
            ("请勿自动回复", Some(1)),
            ("I am AWAY of office", Some(1)),
            ("AA7", Some(2)),
            ("aa", None),
            ("", None),
        ];
        for (text, first) in cases {
            assert_eq!((patterns.first(text), patterns.is_match(text)), (first, first.is_some()), "{text}");
        }
        assert!(patterns.words_in("da bin ichs") && !patterns.words_in("da bin es"));
        assert_eq!(patterns.start("wie bin ich weg, 自动"), Some(4));
    }

    #[test]
    fn a_pattern_is_asked_only_where_its_words_are() {
        let words = |pattern: &str| {
            let hir = ParserBuilder::new().case_insensitive(true).build().parse(pattern).unwrap();
            apart(hir).iter().map(literals).collect::<Vec<_>>()
        };
        let some = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(words("mask"), [some(&["mask"])]);
        assert_eq!(words("^(?:退信|mail box)$"), [some(&["退信"]), some(&["mail box"])]);
        assert_eq!(words(r"user\b.{0,80}\b(?:unknown|gone) (?:here|now)"), [some(&["user"])]);
        assert_eq!(words(r"[ab]+ \d"), [some(&[" "])]);
        assert_eq!(words(r"(?:ü|é)\w*"), [None]);
    }
}
