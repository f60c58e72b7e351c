//! The findings that can be made while files are loaded: words that do not do what they seem to do, rules that can
//! never be reached, lists that nobody uses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use super::Loader;
use super::reader::Text;
use crate::fold::{fold, is_han_or_kana, is_ignorable};
use crate::ids::CategoryId;
use crate::language::Language;
use crate::problem::Problem;
use crate::rules::inline_test::InlineTest;
use crate::rules::rule::{Phase, Rule};
use crate::rules::secrets::SecretKind;
use crate::rules::segment::Segments;
use crate::rules::taxonomy::MARGIN;
use crate::rules::vocabulary::Look;
use crate::rules::words::Edges;

/// Words of one list that are held against each other; a longer list is made by a program.
const MAX_COMPARED: usize = 500;

/// Words that people in Taiwan and Hong Kong, and people on the mainland, have for one thing, folded.
const REGIONAL: [(&str, &str); 4] = [("登录", "登入"), ("网络", "网路"), ("服务器", "伺服器"), ("短信", "简讯")];

/// A keyword as written and as it is looked for.
#[derive(Clone)]
pub(super) struct Keyword<'t> {
    pub(super) text: Text<'t>,
    pub(super) folded: String,
    /// The language it is listed under, if it is. One word of two languages may stand in both lists.
    pub(super) language: Option<Language>,
}

/// The keywords of one condition.
pub(super) struct KeywordSet<'t> {
    pub(super) place: usize,
    /// Where the whole of it stands.
    pub(super) whole: Text<'t>,
    /// Those that stand here, without those of lists; and with them.
    pub(super) own: Vec<Keyword<'t>>,
    pub(super) all: Vec<Keyword<'t>>,
    pub(super) edges: Edges,
    pub(super) min: usize,
    /// It stands in a `none`.
    pub(super) vetoing: bool,
    /// In `any` at the top of the rule, or alone in `all`; or a boost, with its weight.
    pub(super) top: Option<&'static str>,
    pub(super) boost: Option<f64>,
    /// The languages of the table, if it is one.
    pub(super) languages: Option<Vec<Language>>,
}

/// A condition at the top of a rule, as far as rules are compared.
#[derive(Default)]
pub(super) struct Shape {
    pub(super) all: Vec<Item>,
    pub(super) any: Vec<Item>,
    pub(super) none: Vec<Item>,
    pub(super) except: Option<String>,
}

#[derive(Clone)]
pub(super) struct Item {
    /// As written, without blanks.
    pub(super) source: String,
    pub(super) words: Option<Words>,
}

#[derive(Clone)]
pub(super) struct Words {
    pub(super) folded: Vec<String>,
    pub(super) look: Look,
    pub(super) edges: Edges,
    pub(super) min: usize,
    pub(super) segments: Option<Segments>,
    pub(super) drop_denied: bool,
}

impl<'t> Loader<'t> {
    pub(super) fn lint(&mut self, rules: &[Rule]) {
        let sets = std::mem::take(&mut self.keyword_sets);
        for set in &sets {
            let place = Some(set.place);
            self.words_alone(place, &set.own, set.edges, set.vetoing);
            if set.min == 1 {
                self.redundant(place, &set.own);
            }
            if !set.vetoing && set.boost.is_none() {
                self.regional(place, &set.own, &set.all);
                self.languages(place, &set.whole, set.languages.as_deref());
            }
        }
        let lists: Vec<(&'t str, Vec<Text<'t>>)> =
            self.lists.iter().map(|(name, texts)| (*name, texts.clone())).collect();
        for (name, texts) in lists {
            let words: Vec<Keyword<'t>> = texts.into_iter().filter_map(Keyword::of).collect();
            let Some(first) = words.first().map(|word| word.text.clone()) else { continue };
            self.words_alone(None, &words, Edges::Auto, false);
            self.redundant(None, &words);
            self.regional(None, &words, &words);
            if !self.used_lists.contains(name) {
                let what = format!("no rule uses the list `{name}`");
                self.findings.of_files(first.warning(what).code("W12").help("take it out"));
            }
        }
        self.two_masters(rules, &sets);
        self.shadowed(rules);
        for (place, rule) in rules.iter().enumerate() {
            rule.tests.iter().for_each(|test| self.private(place, test));
        }
    }

    fn tell(&mut self, place: Option<usize>, problem: Problem) {
        match place {
            Some(place) => self.findings.of_rule(place, problem),
            None => self.findings.of_files(problem),
        }
    }

    /// What is to be said of a word without looking at others.
    fn words_alone(&mut self, place: Option<usize>, words: &[Keyword<'t>], edges: Edges, vetoing: bool) {
        let mut seen: BTreeMap<(&str, Option<Language>), &Text<'t>> = BTreeMap::new();
        for Keyword { text, folded, language } in words {
            let mut chars = folded.chars();
            if !vetoing && chars.next().is_some_and(is_han_or_kana) && chars.next().is_none() {
                let problem =
                    text.warning(format!("`{}` is one character: it stands in words of every kind", text.text));
                self.tell(place, problem.code("W02").help("write the word it stands for"));
            }
            if edges == Edges::Off && folded.chars().all(|c| c.is_ascii_alphanumeric()) {
                let problem = text.warning(format!("`{}` is looked for inside of other words and numbers", text.text));
                self.tell(place, problem.code("W03").help("leave `word = \"off\"` away"));
            }
            if text.text.trim() != text.text || text.text.contains(is_ignorable) {
                let problem = text.warning("blanks at the ends and characters that cannot be seen are not looked for");
                self.tell(place, problem.code("W05").help(format!("write `{folded}`")));
            }
            if let Some(other) = seen.insert((folded, *language), text) {
                let what = match other.text == text.text {
                    true => format!("`{}` is there twice", text.text),
                    false => format!("`{}` and `{}` are the same once folded: `{folded}`", text.text, other.text),
                };
                self.tell(place, text.warning(what).code("W05").help("take one of them out"));
            }
            if let Some(odd) = text.text.chars().find(|c| is_odd(*c)).or_else(|| foreign(text.text)) {
                let what =
                    format!("`{odd}` (U+{:04X}) in `{}` only looks like the usual character", odd as u32, text.text);
                self.tell(place, text.warning(what).code("W19").help("type it anew"));
            }
        }
    }

    /// Whoever contains a shorter keyword of the same list adds nothing.
    fn redundant(&mut self, place: Option<usize>, words: &[Keyword<'t>]) {
        if words.len() > MAX_COMPARED {
            return;
        }
        for longer in words {
            let inside = |shorter: &&Keyword<'t>| {
                shorter.folded.len() < longer.folded.len() && is_inside(&shorter.folded, &longer.folded, Edges::Auto)
            };
            if let Some(shorter) = words.iter().find(inside) {
                let what = format!("wherever `{}` stands, `{}` stands as well", longer.text.text, shorter.text.text);
                let problem = longer.text.warning(what).code("W06");
                self.tell(place, problem.help("take the longer one out"));
            }
        }
    }

    fn regional(&mut self, place: Option<usize>, own: &[Keyword<'t>], all: &[Keyword<'t>]) {
        for (mainland, taiwan) in REGIONAL {
            for (here, there) in [(mainland, taiwan), (taiwan, mainland)] {
                let lacks = !all.iter().any(|word| word.folded.contains(there));
                if let Some(word) = own.iter().find(|word| word.folded.contains(here)).filter(|_| lacks) {
                    let what = format!("`{here}` is also called `{there}`, and no keyword here says so");
                    let variant = word.folded.replace(here, there);
                    self.tell(place, word.text.warning(what).code("W18").help(format!("add `{variant}`")));
                }
            }
        }
    }

    fn languages(&mut self, place: Option<usize>, whole: &Text<'t>, given: Option<&[Language]>) {
        let Some(given) = given else { return };
        let lacking: Vec<&str> = Language::ALL
            .iter()
            .filter(|language| !given.contains(language))
            .map(|language| language.as_str())
            .collect();
        if !lacking.is_empty() {
            let what = format!("there are no keywords in {}", lacking.join(" and "));
            self.tell(place, whole.warning(what).code("W13").help("add them, or allow it with a reason"));
        }
    }

    /// One keyword that alone speaks for two categories about equally loud decides nothing.
    fn two_masters(&mut self, rules: &[Rule], sets: &[KeywordSet<'t>]) {
        let mut masters: BTreeMap<&str, Vec<(&CategoryId, f64, &Text<'t>, usize)>> = BTreeMap::new();
        for set in sets.iter().filter(|set| set.min == 1 && !set.vetoing) {
            let rule = &rules[set.place];
            let suffices = match set.top {
                Some("any") => rule.when.all.is_empty(),
                Some("all") => rule.when.all.len() == 1 && rule.when.any.is_empty(),
                _ => false,
            };
            let Some(category) = rule.category.as_ref().filter(|_| suffices && rule.in_force()) else { continue };
            let Some((_, weight)) = rule.weights.iter().find(|(id, weight)| id == category && *weight > 0.0) else {
                continue;
            };
            for word in &set.all {
                masters.entry(&word.folded).or_default().push((category, *weight, &word.text, set.place));
            }
        }
        let mut told = Vec::new();
        for (word, of) in &masters {
            for (index, (category, weight, text, place)) in of.iter().enumerate() {
                let other = of[..index]
                    .iter()
                    .find(|(other, other_weight, ..)| other != category && (other_weight - weight).abs() < MARGIN);
                if let Some((other, ..)) = other {
                    let what = format!("`{word}` alone speaks for `{category}` and as loud for `{other}`");
                    told.push((*place, text.warning(what).code("W07").help("change a weight, or ask for more words")));
                }
            }
        }
        told.into_iter().for_each(|(place, problem)| self.findings.of_rule(place, problem));
    }

    /// A rule behind a `stop` that holds whenever it would.
    fn shadowed(&mut self, rules: &[Rule]) {
        for phase in [Phase::Guard, Phase::Route] {
            let mut order: Vec<usize> = (0..rules.len()).filter(|place| rules[*place].phase == phase).collect();
            order.sort_by_key(|place| std::cmp::Reverse(rules[*place].priority));
            for (at, place) in order.iter().enumerate() {
                let stops = order[..at].iter().find(|before| {
                    let earlier = &rules[**before];
                    earlier.actions.stop
                        && earlier.in_force()
                        && earlier.valid == (None, None)
                        && self.shapes.get(before).zip(self.shapes.get(place)).is_some_and(|(a, b)| b.implies(a))
                        && (earlier.scope == rules[*place].scope)
                });
                if let Some(before) = stops {
                    let rule = &rules[*place];
                    let what = format!("`{}` never comes so far: `{}` stops before it", rule.id, rules[*before].id);
                    let problem = rule.source.warning(rule.span.clone(), what).code("W08");
                    self.findings.of_rule(*place, problem.help("raise its `priority`, or narrow the other rule"));
                }
            }
        }
    }

    /// What is written into a test is read by everybody who reads the rules.
    fn private(&mut self, place: usize, test: &InlineTest) {
        static MOBILE: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"(?:^|[^0-9a-z])1[3-9][0-9]{9}(?:$|[^0-9a-z])").expect("a mobile number is a regex")
        });
        let text = fold(&format!("{}\n{}", test.mail.subject, test.mail.body));
        let kind = SecretKind::ALL.into_iter().find(|kind| !kind.find(text.text()).is_empty()).map(SecretKind::as_str);
        if let Some(kind) = kind.or(MOBILE.is_match(text.text()).then_some("mobile number")) {
            let what = format!("a {kind} stands in this test");
            let problem = test.source.warning(test.span.clone(), what).code("W17");
            self.findings.of_rule(place, problem.help("write one that cannot be anybody's"));
        }
    }
}

impl<'t> Keyword<'t> {
    /// None for a reference to a list.
    pub(super) fn of(text: Text<'t>) -> Option<Keyword<'t>> {
        let folded = fold(text.text).text().trim().to_owned();
        (!text.text.starts_with('@') && !folded.is_empty()).then_some(Keyword { text, folded, language: None })
    }
}

impl Shape {
    /// Does this hold only if the other does? Never a wrong yes: what is not understood is no.
    fn implies(&self, other: &Shape) -> bool {
        let all = || self.all.iter();
        let for_all = other.all.iter().all(|wanted| all().any(|item| item.implies(wanted)));
        let for_any = other.any.is_empty()
            || all().any(|item| other.any.iter().any(|wanted| item.implies(wanted)))
            || (!self.any.is_empty()
                && self.any.iter().all(|item| other.any.iter().any(|wanted| item.implies(wanted))));
        let for_none = other.none.iter().all(|veto| self.none.iter().any(|own| own.source == veto.source));
        let has_condition = !other.all.is_empty() || !other.any.is_empty();
        has_condition && for_all && for_any && for_none && (other.except.is_none() || other.except == self.except)
    }
}

impl Item {
    fn implies(&self, other: &Item) -> bool {
        if self.source == other.source {
            return true;
        }
        let (Some(own), Some(other)) = (&self.words, &other.words) else { return false };
        let same_way = own.look == other.look
            && own.edges == other.edges
            && other.min == 1
            && !other.drop_denied
            && own.segments.is_none_or(|own| other.segments.is_some_and(|other| other.union(own) == other))
            && (own.segments.is_some() || other.segments.is_none());
        same_way && own.folded.iter().all(|word| other.folded.iter().any(|inner| is_inside(inner, word, own.edges)))
    }
}

/// Is a hit of `longer` always a hit of `shorter`?
fn is_inside(shorter: &str, longer: &str, edges: Edges) -> bool {
    longer.match_indices(shorter).any(|(at, _)| edges.fit(longer, at..at + shorter.len()))
}

/// Radicals, compatibility ideographs, letters for formulas: NFKC makes others of them, and nobody types them on purpose.
fn is_odd(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{2FDF}' | '\u{F900}'..='\u{FAFF}' | '\u{1D400}'..='\u{1D7FF}' | '\u{2F800}'..='\u{2FA1F}')
}

/// A Cyrillic or Greek letter in a word of Latin ones.
fn foreign(text: &str) -> Option<char> {
    let is_foreign = |c: &char| matches!(c, '\u{370}'..='\u{52F}');
    let is_mixed =
        |word: &&str| word.contains(|c: char| c.is_ascii_alphabetic()) && word.chars().any(|c| is_foreign(&c));
    text.split(|c: char| !c.is_alphabetic()).find(is_mixed)?.chars().find(is_foreign)
}

/// Names of lists in a `kw`.
pub(super) fn lists_in<'t>(texts: &[Text<'t>]) -> BTreeSet<&'t str> {
    texts.iter().filter_map(|text| text.text.strip_prefix('@')).collect()
}
