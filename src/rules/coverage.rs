//! What the inline tests have shown to work: the rules, conditions, keywords and languages that a passing test
//! exercises, and those that none does.
//!
//! A keyword of `all`, `any` or a boost is exercised when it stands in the mail of a passing test for which the rule
//! holds; one of `none` or `except` when it is seen where it was looked for.

use std::collections::{BTreeMap, BTreeSet};

use super::Rules;
use super::condition::{Condition, When};
use super::engine::{self, Judge, Supposing, Watcher};
use super::inline_test::{self, TestOutcome};
use super::reason::{Mask, Reason, is_masked};
use super::rule::Rule;
use super::segment::Segments;
use super::vocabulary::{Look, Needle};
use super::words::WordsIn;
use crate::ids::RuleId;
use crate::language::{self, Language};
use crate::message::Message;

/// See the module text. By id.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    pub rules: Vec<RuleCoverage>,
}

#[derive(Debug, Clone)]
pub struct RuleCoverage {
    pub rule: RuleId,
    /// It held in a passing test.
    pub held: bool,
    pub matchers: Vec<Matcher>,
}

/// One condition that looks at the mail.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// Where it stands: `all[2]`, `any[1].none[1]`, `boost[1]`.
    pub path: String,
    /// What it looks for.
    pub told: String,
    /// It is no veto and hides nothing.
    pub speaks_for: bool,
    pub exercised: bool,
    /// Its keywords, folded, and whether each was exercised.
    pub keywords: Vec<(String, bool)>,
}

impl Coverage {
    /// Rules with keywords of which a passing test has found one, and all rules with keywords.
    pub fn keyword_rules(&self) -> (usize, usize) {
        let with_keywords = self.rules.iter().filter(|rule| rule.keywords().next().is_some());
        with_keywords.fold((0, 0), |(covered, all), rule| {
            let exercised = rule.held && rule.keywords().any(|(_, exercised)| *exercised);
            (covered + usize::from(exercised), all + 1)
        })
    }

    /// As [`Coverage::keyword_rules`], for the conditions.
    pub fn matchers(&self) -> (usize, usize) {
        let all = self.rules.iter().flat_map(|rule| &rule.matchers);
        all.fold((0, 0), |(covered, all), matcher| (covered + usize::from(matcher.exercised), all + 1))
    }

    /// As [`Coverage::keyword_rules`], for the keywords.
    pub fn keywords(&self) -> (usize, usize) {
        let all = self.rules.iter().flat_map(RuleCoverage::keywords);
        all.fold((0, 0), |(covered, all), (_, exercised)| (covered + usize::from(*exercised), all + 1))
    }
}

impl RuleCoverage {
    fn keywords(&self) -> impl Iterator<Item = &(String, bool)> {
        self.matchers.iter().flat_map(|matcher| &matcher.keywords)
    }

    /// The languages that keywords for the rule are in and no test shows. Told by script: a keyword in Han alone is taken for
    /// Chinese, one without letters for none.
    pub fn silent_languages(&self) -> Vec<Language> {
        let of = |wanted: bool| -> BTreeSet<Language> {
            let speaking = self.matchers.iter().filter(|matcher| matcher.speaks_for);
            let keywords =
                speaking.flat_map(|matcher| &matcher.keywords).filter(|(_, exercised)| *exercised || !wanted);
            keywords.filter_map(|(word, _)| language_of(word)).collect()
        };
        of(false).difference(&of(true)).copied().collect()
    }
}

/// One kana is enough here: a keyword has no room for three.
fn language_of(keyword: &str) -> Option<Language> {
    let kana = |c: char| matches!(c, '\u{3041}'..='\u{309F}' | '\u{30A1}'..='\u{30FA}');
    if keyword.contains(kana) {
        return Some(Language::Ja);
    }
    language::detect(keyword).language()
}

pub(super) fn of(
    rules: &Rules,
    read: &dyn Fn(&[u8]) -> Message,
    mails: &BTreeMap<String, Vec<u8>>,
    step: &mut dyn FnMut(),
) -> Coverage {
    let mut tally = Tally { rules: rules.rules.iter().map(blank).collect() };
    // In the order of the tests, which is that of the rules.
    let mut runs = inline_test::each(rules, None, read, mails);
    for (place, rule) in rules.rules.iter().enumerate() {
        for test in &rule.tests {
            let passed = runs.next().is_some_and(|run| run.outcome == TestOutcome::Passed);
            if passed && let Ok(message) = test.mail.read(read, mails) {
                engine::watch(rules, &test.input(&message), Supposing::InForce(place), &mut tally);
            }
            step();
        }
    }
    let rules = rules.rules.iter().zip(tally.rules).map(|(rule, seen)| RuleCoverage {
        rule: rule.id.clone(),
        held: seen.held,
        matchers: leaves(rule)
            .into_iter()
            .zip(seen.leaves)
            .map(|(leaf, (exercised, needles))| Matcher {
                path: leaf.path,
                told: rules.tell(leaf.condition),
                speaks_for: leaf.role == Role::For,
                exercised,
                keywords: match leaf.condition {
                    Condition::Words(words) => {
                        let word = |needle: &Needle| rules.vocabulary.word(*needle).to_owned();
                        words.needles.iter().map(|needle| (word(needle), needles.contains(needle))).collect()
                    }
                    _ => Vec::new(),
                },
            })
            .collect(),
    });
    Coverage { rules: rules.collect() }
}

/// A condition that has no groups in it.
struct Leaf<'r> {
    path: String,
    role: Role,
    condition: &'r Condition,
    /// The `except` of all groups it stands in.
    hidden_by: Vec<&'r Condition>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It speaks for the rule.
    For,
    /// It stands in a `none`.
    Veto,
    /// It stands in an `except`.
    Mask,
}

struct Tally {
    rules: Vec<Seen>,
}

/// What was seen of one rule: of each leaf, whether it worked and which of its keywords.
struct Seen {
    held: bool,
    leaves: Vec<(bool, BTreeSet<Needle>)>,
}

fn blank(rule: &Rule) -> Seen {
    Seen { held: false, leaves: leaves(rule).iter().map(|_| (false, BTreeSet::new())).collect() }
}

fn leaves(rule: &Rule) -> Vec<Leaf<'_>> {
    let mut found = Vec::new();
    collect(&rule.when, "", Role::For, &[], &mut found);
    for (at, boost) in rule.boosts.iter().enumerate() {
        let path = format!("boost[{}]", at + 1);
        found.push(Leaf { path, role: Role::For, condition: &boost.condition, hidden_by: Vec::new() });
    }
    found
}

fn collect<'r>(when: &'r When, path: &str, role: Role, hidden_by: &[&'r Condition], found: &mut Vec<Leaf<'r>>) {
    let hidden_by: Vec<&Condition> = hidden_by.iter().copied().chain(&when.except).collect();
    let groups = [("all", &when.all, role), ("any", &when.any, role), ("none", &when.none, Role::Veto)];
    for (name, group, role) in groups.into_iter().chain([("except", &when.except, Role::Mask)]) {
        // An `except` is looked for in both views: its keywords are told once.
        let twin = |condition: &&Condition| matches!(condition, Condition::Words(words) if role == Role::Mask && words.look == Look::Squeezed);
        for (at, condition) in group.iter().filter(|condition| !twin(condition)).enumerate() {
            let dot = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{dot}{name}[{}]", at + 1);
            match condition {
                Condition::Group(inner) => collect(inner, &path, role, &hidden_by, found),
                condition => found.push(Leaf { path, role, condition, hidden_by: hidden_by.clone() }),
            }
        }
    }
}

impl Watcher for Tally {
    fn asked<'r>(&mut self, judge: &mut Judge<'r, '_>, index: usize, reason: Option<&Reason>) {
        let rule = &judge.rules.rules[index];
        let Some(seen) = self.rules.get_mut(index) else { return };
        seen.held |= reason.is_some();
        for (leaf, (exercised, needles)) in leaves(rule).iter().zip(&mut seen.leaves) {
            if leaf.role == Role::For && reason.is_none() {
                continue;
            }
            let masks: Vec<Mask> = match leaf.role {
                Role::Mask => Vec::new(),
                Role::For | Role::Veto => leaf.hidden_by.iter().flat_map(|except| judge.masks(except)).collect(),
            };
            if let Condition::Words(words) = leaf.condition {
                needles.extend(judge.found(words, rule.scope, &masks, leaf.role == Role::Mask));
            }
            *exercised |= match leaf.role {
                Role::Mask => !judge.masks(leaf.condition).is_empty(),
                Role::For | Role::Veto => judge.holds(leaf.condition, rule.scope, &masks, &mut Reason::default()),
            };
        }
    }
}

impl Judge<'_, '_> {
    /// The keywords that stand in the mail and count; what hides others may stand anywhere.
    fn found(&self, words: &WordsIn, scope: Option<Segments>, masks: &[Mask], anywhere: bool) -> Vec<Needle> {
        let wanted = self.in_scope(words.segments.or(scope));
        let counts = |needle: &&Needle| {
            self.sightings.of(**needle).any(|seen| {
                let view = &self.views.all()[seen.view];
                let range = words.range_of(view, seen).filter(|_| anywhere || wanted[seen.view]);
                let denied = words.drop_denied && words.is_denied(view, seen);
                range.is_some_and(|range| !denied && !is_masked(masks, view.segment, &range))
            })
        };
        words.needles.iter().filter(counts).copied().collect()
    }
}
