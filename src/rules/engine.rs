//! Judging a mail: guard, classify, route.
//!
//! A function of values: same rules, same input, same judgement, whatever the order of the files. Guards come
//! first, in order of priority, then id. Then every classifying rule adds to scores (see `score`). Last the
//! routing rules, in order, which see what was decided.
//!
//! Where several rules want to say the same thing (which reply, which group, whom to hand to, what to ask), the
//! first guard has the word, then the first routing rule, then the winning category's strongest rule, then the
//! category itself. Tags unite, steps of priority add up.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::Rules;
use super::code::{self, Code};
use super::condition::Condition;
use super::field::value_of;
use super::judgement::{Evidence, Handoff, Hit, Input, Judgement, Won};
use super::reason::Reason;
use super::rule::{Phase, Rule};
use super::said::Said;
use super::score::{self, Points, Score};
use super::segment::{Segment, Segments, Views};
use super::vocabulary::Sightings;
use crate::fold::fold;
use crate::ids::{GroupId, RuleId};
use crate::time::Hours;

/// One mail being judged.
pub(super) struct Judge<'r, 'm> {
    pub(super) rules: &'r Rules,
    pub(super) input: &'m Input<'m>,
    pub(super) views: &'m Views<'m>,
    pub(super) sightings: Sightings,
    pub(super) fields: BTreeMap<String, String>,
    /// Of whoever has the case as far as is known in this phase.
    pub(super) hours: Hours,
    /// Known from the routing phase on.
    pub(super) won: Option<Won>,
    pub(super) best_score: f64,
    /// Why each rule holds, if it was asked, in this phase where other rules have a say in it. A rule that is being asked
    /// stands here as not holding, so that rules in a circle end.
    reasons: Reasons,
    /// Rules that may hold, for the words that were seen. The others are not asked: of thousands a mail wakes a few.
    awake: Vec<bool>,
    /// The same of the boosts of all rules.
    boosts_awake: Vec<bool>,
    /// What boosts are known to count, in their order, and what those count that were asked.
    known_boosts: Factors,
    asked_boosts: Factors,
    pub(super) depth: Depth,
    /// Read when the first rule asks.
    codes: OnceCell<Vec<Code>>,
    supposing: Supposing,
    watcher: Option<&'m mut dyn Watcher>,
    hits: Vec<Hit>,
    /// Fields that a rule has set.
    set: BTreeSet<String>,
    /// What rules that redact have found, and the fields they name.
    secrets: BTreeSet<String>,
    hidden_fields: BTreeSet<&'r str>,
}

/// Why each rule holds, or that it does not, of those of which it is known.
type Reasons = Vec<Option<Option<Rc<Reason>>>>;

/// By its place among all boosts, what one counts beside its weight; none if it does not hold.
type Factors = Vec<(usize, Option<f64>)>;

/// What was found out about a mail that is the same for all sets of rules that look for it in the same way.
#[derive(Default)]
pub(super) struct Known {
    /// Of the rules that are settled; empty: nothing.
    pub(super) reasons: Reasons,
    /// Of boosts that are settled.
    pub(super) boosts: Factors,
    pub(super) fields: Option<BTreeMap<String, String>>,
}

/// What is taken for true beside the rules as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Supposing {
    Nothing,
    /// This rule counts as stable, because its own test asks, or to see what it would change.
    InForce(usize),
    /// This rule is not there.
    Absent(usize),
}

/// How much of a judgement is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    Whole,
    /// Without the scores: a hundred words in a mail speak for something, and to write each of them down costs more than
    /// to judge by them.
    WithoutScores,
    /// What is to be done, without the rules that say so either.
    Gist,
}

/// Looks over the judge's shoulder: it sees each rule at the moment at which it is asked, with all that is known by
/// then.
pub(super) trait Watcher {
    fn asked<'r>(&mut self, judge: &mut Judge<'r, '_>, index: usize, reason: Option<&Reason>);
}

pub(super) fn judge(rules: &Rules, input: &Input<'_>, supposing: Supposing, depth: Depth) -> Judgement {
    let views = Views::of(input.message, rules.segments, !input.subject_unchanged);
    let mut judge = Judge::of(rules, input, &views, supposing);
    judge.depth = depth;
    judge.run()
}

/// The gist, for a mail in whose views the words of the rules have been looked for, and what was found out on the way.
pub(super) fn gist<'m>(
    rules: &Rules,
    input: &'m Input<'m>,
    views: &'m Views<'m>,
    sightings: Sightings,
    known: Known,
) -> (Judgement, Known) {
    let fields = known.fields.unwrap_or_else(|| rules.form.read(&rules.taxonomy.fields, views));
    let mut judge = Judge::new(rules, input, views, sightings, Supposing::Nothing, fields.clone());
    judge.depth = Depth::Gist;
    if !known.reasons.is_empty() {
        judge.reasons = known.reasons;
    }
    judge.known_boosts = known.boosts;
    judge.known_boosts.sort_unstable_by_key(|(place, _)| *place);
    let judgement = judge.run();
    (judgement, Known { reasons: judge.reasons, boosts: judge.asked_boosts, fields: Some(fields) })
}

/// Judges with somebody watching. All segments are folded, so that a word can be shown where nobody looked for it;
/// the judgement is the same.
pub(super) fn watch<'m>(
    rules: &Rules,
    input: &'m Input<'m>,
    supposing: Supposing,
    watcher: &'m mut dyn Watcher,
) -> Judgement {
    let views = Views::of(input.message, Segment::ALL.into_iter().collect(), !input.subject_unchanged);
    let mut judge = Judge::of(rules, input, &views, supposing);
    // The rules whose words are missing are asked as well, to see what they miss.
    judge.awake.fill(true);
    judge.boosts_awake.fill(true);
    judge.watcher = Some(watcher);
    judge.run()
}

impl<'r, 'm> Judge<'r, 'm> {
    fn of(rules: &'r Rules, input: &'m Input<'m>, views: &'m Views<'m>, supposing: Supposing) -> Judge<'r, 'm> {
        let fields = rules.form.read(&rules.taxonomy.fields, views);
        Judge::new(rules, input, views, rules.vocabulary.read(views.all()), supposing, fields)
    }

    fn new(
        rules: &'r Rules,
        input: &'m Input<'m>,
        views: &'m Views<'m>,
        sightings: Sightings,
        supposing: Supposing,
        fields: BTreeMap<String, String>,
    ) -> Judge<'r, 'm> {
        let awake = rules.gates.rules.awake(sightings.all());
        let boosts_awake = rules.gates.boosts.awake(sightings.all());
        Judge {
            rules,
            input,
            views,
            sightings,
            fields,
            hours: Hours::Open,
            won: None,
            best_score: 0.0,
            reasons: vec![None; rules.rules.len()],
            awake,
            boosts_awake,
            known_boosts: Vec::new(),
            asked_boosts: Vec::new(),
            depth: Depth::Whole,
            codes: OnceCell::new(),
            supposing,
            watcher: None,
            hits: Vec::new(),
            set: BTreeSet::new(),
            secrets: BTreeSet::new(),
            hidden_fields: BTreeSet::new(),
        }
    }

    fn run(&mut self) -> Judgement {
        let mut judgement = Judgement::default();
        let mut said = Said::default();
        let taxonomy = &self.rules.taxonomy;
        let unclassified = taxonomy.unclassified();

        let at_first = self.input.group.or(unclassified.and_then(|category| category.group.as_ref()));
        self.begin(at_first);
        let mut stopped = false;
        for index in &self.rules.guards {
            if let Some(rule) = self.ask(*index) {
                said.hear(rule);
                stopped = rule.actions.stop;
                if stopped {
                    break;
                }
            }
        }

        let mut category = unclassified;
        if !stopped {
            self.begin(at_first);
            let points = self.classify();
            let (scores, outcome) = score::decide(taxonomy, points);
            self.best_score = scores.first().map_or(0.0, |best| best.score);
            let mut strongest: Vec<&'r Rule> = Vec::new();
            match outcome {
                Ok(won) => {
                    category = taxonomy.category(&won.category);
                    strongest = self.strongest(&scores);
                    for also in scores.iter().skip(1).filter(|other| other.score >= other.threshold) {
                        said.tags.insert(format!("also:{}", also.category));
                    }
                    self.won = Some(won);
                }
                Err(why) => judgement.why_not = Some(why),
            }
            if self.depth == Depth::Whole {
                judgement.scores = scores.into_iter().map(Score::told).collect();
            }
            for rule in &strongest {
                self.set_fields(rule);
            }

            let so_far = said
                .group
                .or_else(|| strongest.iter().find_map(|rule| rule.actions.group.as_ref()))
                .or(self.input.tier_group)
                .or_else(|| category.and_then(|category| category.group.as_ref()));
            self.begin(so_far.or(at_first));
            for index in &self.rules.routes {
                if let Some(rule) = self.ask(*index) {
                    said.hear(rule);
                    if rule.actions.stop {
                        break;
                    }
                }
            }
            let reply = said.reply;
            // Who looks after this kind of customer goes before the group of a matter, not before what cannot wait.
            said.group = said.group.or(self.input.tier_group);
            strongest.into_iter().for_each(|rule| said.hear(rule));
            judgement.suggested = said.reply(&self.fields).map(|reply| reply.open.clone());
            // Sure enough to say who gets the mail, and not to answer it.
            if !self.won.as_ref().is_some_and(|won| won.sure) {
                said.reply = reply;
            }
        }

        let of_category = || category.and_then(|category| category.group.as_ref());
        let group = said.group.or(self.input.tier_group).or_else(of_category);
        let handoff = said.handoff.map(|(to, reason)| Handoff { to: to.or(group).cloned(), reason: reason.to_owned() });
        let whose_hours = handoff.as_ref().and_then(|handoff| handoff.to.as_ref()).or(group);
        let hours = taxonomy.hours(whose_hours.or(at_first), self.input.now);
        let redact = self.redactions();
        let asks = said.asks(&self.fields);
        let priority = said.priority.or(category.map(|category| category.priority));
        let fields = std::mem::take(&mut self.fields);
        Judgement {
            category: self.won.take(),
            hits: std::mem::take(&mut self.hits),
            reply: said.reply(&fields).map(|reply| if hours.is_open() { &reply.open } else { &reply.closed }).cloned(),
            replying: said.reply(&fields).and(said.reply).map(|rule| rule.id.clone()),
            group: group.cloned(),
            handoff,
            suppressed_by: said.suppressed_by.cloned(),
            priority: priority.unwrap_or_default().raised(said.raise),
            tags: said.tags.into_iter().collect(),
            asks,
            ask: said.ask.unwrap_or_default().iter().filter(|field| !fields.contains_key(*field)).cloned().collect(),
            fields,
            offer_human: said.offer_human,
            forward: said.forward,
            close: said.close,
            notify: said.notify.into_iter().cloned().collect(),
            wish: said.wish,
            redact,
            ..judgement
        }
    }

    /// A phase begins: conditions see what the phases before have found, and `hours` are this group's.
    fn begin(&mut self, group: Option<&GroupId>) {
        for (reason, _) in self.reasons.iter_mut().zip(&self.rules.settled).filter(|(_, settled)| !**settled) {
            *reason = None;
        }
        self.hours = self.rules.taxonomy.hours(group, self.input.now);
    }

    /// Why this rule holds, if it does.
    pub(super) fn reason_of(&mut self, index: usize) -> Option<Rc<Reason>> {
        if !self.awake[index] {
            return None;
        }
        if let Some(known) = &self.reasons[index] {
            return known.clone();
        }
        self.reasons[index] = Some(None);
        let rule = &self.rules.rules[index];
        let mut reason = Reason::default();
        if !self.when(&rule.when, rule.scope, &[], &mut reason) {
            return None;
        }
        let reason = Some(Rc::new(reason));
        self.reasons[index] = Some(reason.clone());
        reason
    }

    /// The codes that mail systems said.
    pub(super) fn codes(&self) -> &[Code] {
        self.codes.get_or_init(|| code::codes(self.views))
    }

    pub(super) fn has_effect(&self, index: usize) -> bool {
        let rule = &self.rules.rules[index];
        let in_force = match self.supposing {
            Supposing::InForce(tested) if tested == index => true,
            Supposing::Absent(absent) if absent == index => false,
            _ => rule.in_force(),
        };
        in_force && rule.is_valid(self.input.now)
    }

    /// Asks one rule and writes down that it held. Gives it back if it has an effect.
    fn ask(&mut self, index: usize) -> Option<&'r Rule> {
        if !self.awake[index] {
            return None;
        }
        let rule = &self.rules.rules[index];
        let effect = self.has_effect(index);
        let in_shadow = rule.in_shadow() && rule.is_valid(self.input.now);
        if !effect && !in_shadow {
            return None;
        }
        let reason = self.reason_of(index);
        if let Some(watcher) = self.watcher.take() {
            watcher.asked(self, index, reason.as_deref());
            self.watcher = Some(watcher);
        }
        let reason = reason?;
        if effect {
            // Whatever else is decided, and whoever wins.
            let redact = &rule.actions.redact;
            self.secrets.extend(reason.secrets.iter().filter(|_| redact.secrets).cloned());
            self.hidden_fields.extend(redact.fields.iter().map(String::as_str));
        }
        if self.depth != Depth::Gist {
            self.hits.push(Hit {
                rule: rule.id.clone(),
                phase: rule.phase,
                shadow: !effect,
                evidence: reason.evidence.clone(),
            });
        }
        if effect && rule.phase != Phase::Classify {
            self.set_fields(rule);
        }
        effect.then_some(rule)
    }

    fn classify(&mut self) -> Vec<Points<'r>> {
        let mut all = Vec::new();
        for index in &self.rules.classifiers {
            let Some(rule) = self.ask(*index) else { continue };
            let Some(reason) = self.reason_of(*index) else {
                continue;
            };
            let begin = all.len();
            for (category, weight) in &rule.weights {
                let evidence = self.kept(|| reason.evidence.clone());
                let points = Points { category, rule: &rule.id, weight: weight * reason.factor(), evidence };
                self.add(&mut all, begin, points);
            }
            let Some(category) = &rule.category else { continue };
            for (boost, place) in rule.boosts.iter().zip(self.rules.gates.boosts_of(*index)) {
                if !self.boosts_awake[place] {
                    continue;
                }
                if let Some((factor, evidence)) = self.boost(&boost.condition, rule.scope, place) {
                    let points = Points { category, rule: &rule.id, weight: boost.weight * factor, evidence };
                    self.add(&mut all, begin, points);
                }
            }
        }
        all
    }

    /// What a boost counts beside its weight, and what for; none if it does not hold.
    fn boost(
        &mut self,
        condition: &'r Condition,
        scope: Option<Segments>,
        place: usize,
    ) -> Option<(f64, Vec<Evidence>)> {
        if let Ok(at) = self.known_boosts.binary_search_by_key(&place, |(place, _)| *place) {
            return self.known_boosts[at].1.map(|factor| (factor, Vec::new()));
        }
        let found = match condition {
            Condition::Words(words) if words.min == 1 && self.depth != Depth::Whole => {
                self.words_factor(words, scope).map(|factor| (factor, Vec::new()))
            }
            condition => {
                let mut more = Reason::default();
                let holds = self.holds(condition, scope, &[], &mut more);
                holds.then(|| (more.factor(), self.kept(|| more.evidence)))
            }
        };
        if self.depth == Depth::Gist {
            self.asked_boosts.push((place, found.as_ref().map(|(factor, _)| *factor)));
        }
        found
    }

    /// Adds the points of a rule to those of others; its own begin there, and are one for each category where nobody wants
    /// to see what for.
    fn add(&self, all: &mut Vec<Points<'r>>, begin: usize, points: Points<'r>) {
        let same = all[begin..].iter_mut().find(|known| known.category == points.category);
        match same.filter(|_| self.depth != Depth::Whole) {
            Some(known) => known.weight += points.weight,
            None => all.push(points),
        }
    }

    /// The evidence, where anybody wants to see it.
    fn kept(&self, evidence: impl FnOnce() -> Vec<Evidence>) -> Vec<Evidence> {
        if self.depth == Depth::Whole { evidence() } else { Vec::new() }
    }

    /// What the rules that say so have found, as it is written in the mail: longest first, so that a part of a
    /// secret does not take the rest of it apart.
    fn redactions(&mut self) -> Vec<String> {
        let mut found = std::mem::take(&mut self.secrets);
        found.extend(self.hidden_fields.iter().filter_map(|field| self.fields.get(*field).cloned()));
        let mut found: Vec<String> = found.into_iter().filter(|text| !text.trim().is_empty()).collect();
        found.sort_by_key(|text| std::cmp::Reverse(text.len()));
        found
    }

    /// The rules that spoke for the winning category, the strongest first.
    fn strongest(&self, scores: &[Score<'r>]) -> Vec<&'r Rule> {
        let mut by_rule: BTreeMap<&RuleId, f64> = BTreeMap::new();
        for points in scores.first().into_iter().flat_map(|best| &best.points) {
            *by_rule.entry(points.rule).or_default() += points.weight;
        }
        let mut strongest: Vec<(f64, &'r Rule)> = by_rule
            .into_iter()
            .filter(|(_, weight)| *weight > 0.0)
            .filter_map(|(id, weight)| Some((weight, self.rules.rule(id)?)))
            .collect();
        // Stable: of equals the one whose id comes first.
        strongest.sort_by(|a, b| b.0.total_cmp(&a.0));
        strongest.into_iter().map(|(_, rule)| rule).collect()
    }

    /// `set = { error_code = "{code}" }`, and what boosts captured. What a rule sets stands above what was
    /// found in the text; what was set first stays.
    fn set_fields(&mut self, rule: &'r Rule) {
        let Some(index) = self.rules.index_of(&rule.id) else {
            return;
        };
        let mut values: Vec<(&str, String)> = Vec::new();
        if let Some(reason) = self.reason_of(index) {
            for (field, template) in &rule.actions.set {
                values.extend(filled(template, &reason.captures).map(|value| (field.as_str(), value)));
            }
        }
        // What they found is wanted here as it is written.
        let depth = std::mem::replace(&mut self.depth, Depth::Whole);
        for boost in &rule.boosts {
            let mut reason = Reason::default();
            if let Some(field) = &boost.capture
                && self.holds(&boost.condition, rule.scope, &[], &mut reason)
                && let Some(evidence) = reason.evidence.first()
            {
                let folded = fold(&evidence.text);
                let whole = 0..folded.text().len();
                values.push((field, value_of(&evidence.text, &folded, whole)));
            }
        }
        self.depth = depth;
        for (field, value) in values {
            if self.set.insert(field.to_owned()) {
                self.fields.insert(field.to_owned(), value);
            }
        }
    }
}

/// The text with every `{name}` replaced; none if a capture found nothing.
fn filled(template: &str, captures: &BTreeMap<String, String>) -> Option<String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}')?;
        text.push_str(before);
        text.push_str(captures.get(name)?);
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}
