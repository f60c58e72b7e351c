//! `[[rule]]`, `[[rule.boost]]` and `[rule.do]`.

use std::collections::BTreeMap;

use super::condition::Reading;
use super::inline_test::timestamp;
use super::reader::{Table, Text, Value};
use super::taxonomy::name;
use super::weigh::Weighed;
use super::{Loader, dangling, duration, label};
use crate::address::Address;
use crate::ids::{CategoryId, RuleId, TemplateName};
use crate::problem::Problems;
use crate::rules::condition::When;
use crate::rules::judgement::{Notified, Wish};
use crate::rules::lint::ALLOWABLE;
use crate::rules::reason::SECRET;
use crate::rules::rule::{Actions, Allow, Boost, HandoffAction, Phase, PriorityChange, Redact, Reply, Rule, Status};
use crate::rules::taxonomy::{Priority, THRESHOLD, UNCLASSIFIED};

/// In `redact`: what the rule finds of secrets.
const SECRETS: &str = "secrets";
/// What a rule tells its readers and not the engine.
const NOTES: [&str; 5] = ["description", "owner", "refs", "false_positives", "added"];

impl<'t> Loader<'t> {
    pub(super) fn rule(&mut self, place: usize, id: RuleId, mut table: Table<'t>, faults: &mut Problems) -> Rule {
        table.skip(&NOTES);
        let title = label(table.take("title"), faults);
        let status = table
            .text("status", faults)
            .and_then(|text| text.one_of("status", &Status::ALL, Status::as_str, faults))
            .unwrap_or(Status::Stable);
        let enabled = table.boolean("enabled", faults).unwrap_or(true);
        let phase = table
            .text("phase", faults)
            .and_then(|text| text.one_of("phase", &Phase::ALL, Phase::as_str, faults))
            .unwrap_or(Phase::Classify);
        let priority = table.integer("priority", faults).unwrap_or(0);
        let mut moment = |key| table.take(key).and_then(|value| timestamp(&value, faults));
        let valid = (moment("valid_from"), moment("valid_until"));
        let review_by = table.take("review_by").and_then(|value| date(&value, faults));
        let allows = table.tables("allow", faults).into_iter().filter_map(|allow| self::allow(allow, faults)).collect();
        let scope = table.take("scope").map(|value| self.segments_of(&value, faults));
        let (category, weights) = self.weights(phase, &mut table, faults);

        let mut reading = Reading::of(place, phase);
        let weighed = match table.table("weigh", faults) {
            Some(keywords) => self.weighed(category.as_ref(), keywords, faults),
            None => Weighed::default(),
        };
        let mut when = self.conditions(&mut reading, &mut table, !weighed.is_empty(), faults);
        if when.is_empty() {
            when.any = weighed.any();
        }
        let boosts = table.tables("boost", faults).into_iter();
        let boosts = boosts.filter_map(|boost| self.boost(&mut reading, category.as_ref(), boost, faults));
        let boosts = boosts.chain(weighed.boosts()).collect();
        let actions = match table.table("do", faults) {
            Some(actions) => self.actions(&reading, actions, faults),
            None => Actions::default(),
        };
        let tests = table.tables("test", faults).into_iter().map(|test| self.inline_test(test, faults)).collect();
        let (source, span) = (table.file().clone(), table.span());
        table.finish(faults);
        Rule {
            id,
            title,
            phase,
            status,
            enabled,
            category,
            source,
            span,
            priority,
            valid,
            review_by,
            allows,
            weights,
            scope,
            when,
            boosts,
            actions,
            tests,
        }
    }

    /// `category` with `weight`, and `weights` for more categories.
    fn weights(
        &mut self,
        phase: Phase,
        table: &mut Table<'t>,
        faults: &mut Problems,
    ) -> (Option<CategoryId>, Vec<(CategoryId, f64)>) {
        let keys = ["category", "weight", "weights", "weigh"];
        if phase != Phase::Classify
            && let Some(key) = keys.into_iter().find(|key| table.has(key))
        {
            faults.push(
                table
                    .error(format!("`{key}` in a rule of the phase `{}`, which adds no points", phase.as_str()))
                    .code("E09")
                    .help("take it out, or leave `phase` away"),
            );
        }
        let category = table.text("category", faults);
        let weight = table.number("weight", faults);
        let mut weights = Vec::new();
        let category = category.and_then(|text| {
            if text.text == UNCLASSIFIED {
                let problem = text.error("`other` is what is left when no category wins: no rule adds to it");
                faults.push(problem.code("E09"));
            }
            self.known_category(&text, faults)
        });
        // Where keywords are weighed, that one of them is there is worth nothing more.
        let weight = weight.or((!table.has("weigh")).then_some(THRESHOLD));
        weights.extend(category.clone().zip(weight));
        for (key, value) in table.table("weights", faults).into_iter().flat_map(Table::rest) {
            if let (Some(category), Some(weight)) = (self.known_category(&key, faults), value.number(faults)) {
                weights.push((category, weight));
            }
        }
        (category, weights)
    }

    fn conditions(
        &mut self,
        reading: &mut Reading,
        table: &mut Table<'t>,
        weighed: bool,
        faults: &mut Problems,
    ) -> When {
        let Some(mut when) = table.table("when", faults) else {
            if reading.phase != Phase::Route && !weighed {
                faults.push(
                    table
                        .error("a rule without conditions would hold for every mail")
                        .code("E09")
                        .help("give it a `[rule.when]`"),
                );
            }
            return When::default();
        };
        let faults_before = faults.0.len();
        let (conditions, shape) = self.top(reading, &mut when, faults);
        if reading.phase != Phase::Classify {
            self.shapes.insert(reading.place, shape);
        }
        let span = when.span();
        when.finish(faults);
        // A condition that has a fault is not in them, and is told already.
        let without_fault = faults.0.len() == faults_before;
        if without_fault && conditions.is_empty() {
            let problem = table.file().error(span, "there is no condition in `all`, `any` or `none`");
            faults.push(problem.code("E09"));
        }
        conditions
    }

    fn boost(
        &mut self,
        reading: &mut Reading,
        category: Option<&CategoryId>,
        mut table: Table<'t>,
        faults: &mut Problems,
    ) -> Option<Boost> {
        let weight = table.require("weight", faults).and_then(|value| value.number(faults));
        let capture = table.text("capture", faults);
        let condition = match table.has("re") {
            true => self.pattern(reading, &mut table, faults),
            false => {
                reading.boost = weight;
                if !table.has("kw") {
                    faults.push(table.error("a boost has `kw` or `re`").code("E09"));
                }
                self.words(reading, &mut table, faults)
            }
        };
        reading.boost = None;
        if category.is_none() {
            faults.push(table.error("a boost of a rule that has no category").code("E09"));
        }
        table.finish(faults);
        self.set.extend(capture.as_ref().map(|capture| capture.text.to_owned()));
        Some(Boost { condition: condition?, weight: weight?, capture: capture.map(|capture| capture.text.to_owned()) })
    }

    fn actions(&mut self, reading: &Reading, mut table: Table<'t>, faults: &mut Problems) -> Actions {
        let reply = table.text("reply", faults).and_then(|text| reply(&text, faults));
        let group = table.text("group", faults).and_then(|text| self.known_group(&text, faults));
        let priority = table.text("priority", faults).and_then(|text| priority(&text, faults));
        let tags = table.texts("tags", faults).iter().map(|tag| tag.text.to_owned()).collect();
        let mut set = BTreeMap::new();
        for (field, value) in table.table("set", faults).into_iter().flat_map(Table::rest) {
            if let Some(text) = value.text(faults) {
                check_placeholders(&text, &reading.captures, faults);
                self.set.push(field.text.to_owned());
                set.insert(field.text.to_owned(), text.text.to_owned());
            }
        }
        let ask = table.texts("ask", faults);
        for field in &ask {
            if self.taxonomy.field(field.text).is_none() {
                let known = self.taxonomy.fields().iter().map(|known| known.id.as_str());
                faults.push(dangling("field", field).did_you_mean(field.text, known));
            }
        }
        let handoff = table.table("handoff", faults).map(|table| self.handoff(table, faults));
        let close = table.take("close").and_then(|value| close(&value, faults));
        let ask_template = table.take("ask_template").and_then(|value| {
            if ask.is_empty() {
                let problem = value.error("`ask_template` asks for fields, and `ask` names none").code("E09");
                faults.push(problem);
            }
            self::reply(&value.text(faults)?, faults)
        });
        let notify = table.texts("notify", faults);
        let notify = notify.iter().filter_map(|text| self.notified(text, faults)).collect();
        let redact = table.texts("redact", faults);
        let redact = self.redact(reading, &redact, faults);
        let wish = table.text("wish", faults);
        let wish = wish.and_then(|text| text.one_of("wish", &Wish::ALL, Wish::as_str, faults));
        let mut truth = |key| table.boolean(key, faults).unwrap_or(false);
        let actions = Actions {
            reply,
            group,
            priority,
            tags,
            set,
            ask: ask.iter().map(|field| field.text.to_owned()).collect(),
            handoff,
            suppress: truth("suppress"),
            forward: truth("forward"),
            offer_human: truth("offer_human"),
            close,
            stop: truth("stop"),
            ask_template,
            notify,
            redact,
            wish,
        };
        if let Some(span) =
            reading.automatic.as_ref().filter(|_| actions.reply.is_some() || actions.ask_template.is_some())
        {
            let what = "this rule answers mail that it knows to be automatic by its header";
            let problem = table.file().error(span.clone(), what).code("E08");
            self.findings.of_rule(reading.place, problem.help("take the `reply` out: two robots never stop"));
        }
        if actions.stop && reading.phase == Phase::Classify {
            faults.push(
                table
                    .error("`stop` in a rule that adds points: all such rules are asked, in no order")
                    .code("E09")
                    .help("`stop` belongs to the phases guard and route"),
            );
        }
        table.finish(faults);
        actions
    }

    /// An address, or a group.
    fn notified(&self, text: &Text<'t>, faults: &mut Problems) -> Option<Notified> {
        if !text.text.contains('@') {
            return self.known_group(text, faults).map(Notified::Group);
        }
        match Address::parse(text.text) {
            Ok(address) => Some(Notified::Address(address)),
            Err(error) => {
                let problem = text.error(format!("`{}` is no address", text.text)).code("E09");
                faults.push(problem.help(error.to_string()));
                None
            }
        }
    }

    /// `"secrets"`, or fields whose values nobody shall read.
    fn redact(&mut self, reading: &Reading, texts: &[Text<'t>], faults: &mut Problems) -> Redact {
        let mut redact = Redact::default();
        for text in texts {
            if text.text != SECRETS {
                self.asked_fields.push(text.clone());
                redact.fields.push(text.text.to_owned());
                continue;
            }
            redact.secrets = true;
            if !reading.finds_secrets && reading.captures.iter().all(|capture| capture != SECRET) {
                faults.push(
                    text.error("nothing in this rule finds a secret")
                        .code("E09")
                        .help("add `{ secret = \"password\" }`, or a regex with a group `(?P<secret>…)`"),
                );
            }
        }
        redact
    }

    /// `{ to = "by-category" or a group, reason = … }`.
    fn handoff(&mut self, mut table: Table<'t>, faults: &mut Problems) -> HandoffAction {
        let to = table.text("to", faults).filter(|to| to.text != "by-category");
        let reason = table.text("reason", faults);
        table.finish(faults);
        HandoffAction {
            to: to.and_then(|to| self.known_group(&to, faults)),
            reason: reason.map_or("rule", |reason| reason.text).to_owned(),
        }
    }
}

/// A template's name; `{hours}` in it stands for `open` and `closed`.
fn reply(text: &Text<'_>, faults: &mut Problems) -> Option<Reply> {
    check_placeholders(text, &["hours".to_owned()], faults);
    let named = |hours: &str, faults: &mut Problems| {
        let filled = text.text.replace("{hours}", hours);
        name(&Text { text: &filled, ..text.clone() }, TemplateName::parse, faults)
    };
    let open = named("open", faults)?;
    Some(Reply { open, closed: named("closed", faults)?, span: text.span.clone() })
}

/// `{ code = "W02", reason = "…" }`.
fn allow(mut table: Table<'_>, faults: &mut Problems) -> Option<Allow> {
    let code = table.require("code", faults).and_then(|code| code.text(faults));
    let reason = table.text("reason", faults);
    if reason.is_none_or(|reason| reason.text.trim().is_empty()) {
        let problem = table.error("a finding is allowed without a reason").code("E10");
        faults.push(problem.help("say why it is right here: `reason = \"…\"`"));
    }
    table.finish(faults);
    let code = code?;
    code.one_of("code of a finding that can be allowed", &ALLOWABLE, |code| code, faults)?;
    Some(Allow { code: code.text.to_owned(), span: code.span })
}

/// `2026-10-01`.
fn date(value: &Value<'_>, faults: &mut Problems) -> Option<(crate::time::Date, std::ops::Range<usize>)> {
    let written = value.literal(faults)?;
    match written.parse() {
        Ok(date) => Some((date, value.span())),
        Err(_) => {
            let problem = value.error(format!("`{written}` is no date")).code("E09");
            faults.push(problem.help("write it as `2026-10-01`"));
            None
        }
    }
}

/// `high`, or `+1` for a step up.
fn priority(text: &Text<'_>, faults: &mut Problems) -> Option<PriorityChange> {
    if text.text.starts_with(['+', '-'])
        && let Ok(steps) = text.text.parse()
    {
        return Some(PriorityChange::Raise(steps));
    }
    let priority = text.one_of("priority", &Priority::ALL, Priority::as_str, faults);
    priority.map(PriorityChange::Set)
}

/// `true`, or `{ after = "72h" }`.
fn close(value: &Value<'_>, faults: &mut Problems) -> Option<std::time::Duration> {
    if let Some(now) = value.as_boolean() {
        return now.then_some(std::time::Duration::ZERO);
    }
    let mut table = value.table(faults)?;
    let after = table.require("after", faults).and_then(|after| after.text(faults));
    table.finish(faults);
    duration(&after?, faults)
}

/// Every `{name}` in the text is one of these.
fn check_placeholders(text: &Text<'_>, known: &[String], faults: &mut Problems) {
    let mut rest = text.text;
    while let Some((_, behind)) = rest.split_once('{') {
        let Some((name, after)) = behind.split_once('}') else {
            faults.push(text.error("a `{` without its `}`").code("E06"));
            return;
        };
        if !known.iter().any(|one| one == name) {
            faults.push(
                text.error(format!("nothing in this rule captures `{{{name}}}`"))
                    .code("E06")
                    .did_you_mean(name, known.iter().map(String::as_str)),
            );
        }
        rest = after;
    }
}
