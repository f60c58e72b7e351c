//! From the files of rules/ to [`Rules`], and every fault in them.
//!
//! Any file may hold any of the tables; order comes from phase, priority and id, never from file names. First
//! everything that has a name is collected, then the rules are compiled against those names, so that a rule
//! may use what a later file defines.

mod condition;
mod inline_test;
mod keywords;
mod lint;
mod makings;
mod operand;
mod reader;
mod rule;
mod taxonomy;
mod weigh;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::de::DeTable;

use lint::{KeywordSet, Shape};
use reader::{Table, Text, Value};

use super::field::Form;
use super::gate::Gates;
use super::lint::Findings;
use super::rule::{Phase, Rule};
use super::segment::{Segment, Segments};
use super::taxonomy::Taxonomy;
use super::vocabulary::Words;
use super::{Label, Rules};
use crate::ids::{CategoryId, GroupId, RuleId};
use crate::language::Language;
use crate::problem::{Problem, Problems, SourceText};

/// The version of the format that we read.
const SCHEMA: i64 = 1;

/// Compiles the texts of rules/*.toml. The rules are to be used only if no problem is an error.
pub fn load(files: &[SourceText]) -> (Rules, Problems) {
    let mut faults = Problems::default();
    let mut documents = Vec::new();
    for file in files {
        let (document, errors) = DeTable::parse_recoverable(&file.text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            faults.push(file.error(span, format!("this is not TOML: {}", error.message().trim_end())));
        }
        documents.push((file, document));
    }
    if faults.has_errors() {
        // What half a file names and does not name would only distract.
        return (Rules::default(), faults);
    }
    let mut loader = Loader::default();
    let mut tables = Vec::new();
    for (file, document) in &documents {
        loader.collect(Table::new(file, document.span(), document.get_ref()), &mut tables, &mut faults);
    }
    loader.check_taxonomy(&mut faults);
    let mut rules = loader.compile(tables, &mut faults);
    rules.makings = makings::of(documents.iter().map(|(_, document)| document.get_ref()));
    faults.0.sort_by_key(|fault| {
        let at = fault.at.as_ref();
        at.map(|(source, span)| {
            let file = files.iter().position(|file| file.name == source.name);
            (file, span.start)
        })
    });
    (rules, faults)
}

/// All that has a name, and the words of all rules.
#[derive(Default)]
struct Loader<'t> {
    taxonomy: Taxonomy,
    /// Where each category stands.
    categories: Vec<(Text<'t>, CategoryId)>,
    /// What names of the taxonomy refer to, with where they do: checked when all is known.
    pending: Vec<(Named, Text<'t>)>,
    /// Calendars and the country whose holidays they have.
    regional: Vec<(String, Text<'t>)>,
    lists: BTreeMap<&'t str, Vec<Text<'t>>>,
    /// The place of each rule among the rules.
    places: BTreeMap<&'t str, usize>,
    words: Words,
    segments: Segments,
    /// Fields that rules set.
    set: Vec<String>,
    /// Fields that conditions ask for.
    asked_fields: Vec<Text<'t>>,
    /// Which rule asks which other, and where.
    edges: Vec<(usize, usize, Text<'t>)>,
    /// Tiers that conditions ask for, and where: they are in bot.toml.
    tiers: Vec<(String, SourceText, Range<usize>)>,
    findings: Findings,
    /// What is looked at when all is loaded.
    keyword_sets: Vec<KeywordSet<'t>>,
    used_lists: BTreeSet<&'t str>,
    /// The conditions of each guard and route rule.
    shapes: BTreeMap<usize, Shape>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Group,
    Calendar,
}

/// A rule's table, and its id as written and as read.
type Found<'t> = (Text<'t>, RuleId, Table<'t>);

impl<'t> Loader<'t> {
    /// Reads what has a name out of one file.
    fn collect(&mut self, mut root: Table<'t>, rules: &mut Vec<Found<'t>>, faults: &mut Problems) {
        if let Some(schema) = root.take("schema")
            && let Some(version) = schema.integer(faults)
            && version != SCHEMA
        {
            faults.push(
                schema
                    .error(format!("this file is written for schema {version}, and this program reads {SCHEMA}"))
                    .help("use the program that goes with the file"),
            );
        }
        if let Some(lists) = root.table("lists", faults) {
            for (name, value) in lists.rest() {
                let words = keyword_texts(&value, faults);
                if self.lists.insert(name.text, words).is_some() {
                    faults.push(name.error(format!("the list `{}` is there twice", name.text)).code("E02"));
                }
            }
        }
        for table in root.tables("category", faults) {
            self.category(table, faults);
        }
        for table in root.tables("group", faults) {
            self.group(table, faults);
        }
        for table in root.tables("calendar", faults) {
            self.calendar(table, faults);
        }
        for table in root.tables("holidays", faults) {
            self.holidays(table, faults);
        }
        for table in root.tables("field", faults) {
            self.field(table, faults);
        }
        for mut table in root.tables("rule", faults) {
            if let Some(text) = table.require("id", faults).and_then(|id| id.text(faults))
                && let Some(id) = taxonomy::name(&text, RuleId::parse, faults)
            {
                rules.push((text, id, table));
            }
        }
        root.finish(faults);
    }

    fn compile(mut self, mut tables: Vec<Found<'t>>, faults: &mut Problems) -> Rules {
        // By id, so that nothing depends on the order of files; of two with one id the first stays.
        tables.sort_by(|a, b| a.0.text.cmp(b.0.text));
        tables.dedup_by(|second, first| {
            let twice = second.0.text == first.0.text;
            if twice {
                let (line, _) = first.0.file.line_column(first.0.span.start);
                faults.push(
                    second
                        .0
                        .error(format!("the id `{}` is used twice", second.0.text))
                        .code("E02")
                        .help(format!("it is used in {}:{line} first", first.0.file.name)),
                );
            }
            twice
        });
        self.places = tables.iter().enumerate().map(|(place, (id, _, _))| (id.text, place)).collect();
        let mut rules = Vec::new();
        for (place, (_, id, table)) in tables.into_iter().enumerate() {
            rules.push(self.rule(place, id, table, faults));
        }
        self.check_circles(&rules, faults);
        self.check_fields(faults);
        self.check_reachable(&rules, faults);
        let form = Form::of(&self.taxonomy.fields).unwrap_or_else(|error| {
            faults.push(Problem::outside(format!("the fields have too many names: {}", error.what)));
            Form::default()
        });
        let vocabulary = self.words.build();
        let asked = |phase: Phase| {
            let mut places: Vec<usize> = (0..rules.len()).filter(|place| rules[*place].phase == phase).collect();
            // Stable: of equals the one whose id comes first.
            places.sort_by_key(|place| std::cmp::Reverse(rules[*place].priority));
            places
        };
        let gates = Gates::of_rules(&rules, vocabulary.len());
        self.lint(&rules);
        faults.extend(self.findings.settle(&rules));
        Rules {
            form,
            gates,
            settled: rules.iter().map(|rule| rule.when.is_settled()).collect(),
            tiers: self.tiers,
            guards: asked(Phase::Guard),
            classifiers: (0..rules.len()).filter(|place| rules[*place].phase == Phase::Classify).collect(),
            routes: asked(Phase::Route),
            taxonomy: self.taxonomy,
            vocabulary,
            segments: self.segments,
            rules,
            makings: Default::default(),
        }
    }

    /// Rules that ask each other in a circle never come to an answer; nor does one that asks for what is
    /// decided after it.
    fn check_circles(&self, rules: &[Rule], faults: &mut Problems) {
        for (from, to, text) in &self.edges {
            if rules[*to].phase == Phase::Route && rules[*from].phase != Phase::Route {
                faults.push(text.error(format!("`{}` is a route rule, which is asked later", text.text)).code("E09"));
            }
            let mut reached = vec![*to];
            let mut next = 0;
            while let Some(place) = reached.get(next).copied() {
                for (_, further, _) in self.edges.iter().filter(|(start, _, _)| *start == place) {
                    if !reached.contains(further) {
                        reached.push(*further);
                    }
                }
                next += 1;
            }
            if reached.contains(from) {
                faults.push(
                    text.error(format!("`{}` asks this rule in turn: the rules go in a circle", text.text)).code("E05"),
                );
            }
        }
    }

    /// A field that is asked for can be found in a mail or set by a rule.
    fn check_fields(&self, faults: &mut Problems) {
        for text in &self.asked_fields {
            if self.taxonomy.field(text.text).is_none() && self.set.iter().all(|set| set != text.text) {
                let known = self.taxonomy.fields.iter().map(|field| field.id.as_str());
                let known = known.chain(self.set.iter().map(String::as_str));
                faults.push(dangling("field", text).did_you_mean(text.text, known));
            }
        }
    }

    /// If every rule for a category held in the subject, the category would reach its threshold. One that no
    /// rule speaks for is left alone: it may be there for its group, or for rules to come.
    fn check_reachable(&self, rules: &[Rule], faults: &mut Problems) {
        for (text, category) in &self.categories {
            let Some(category) = self.taxonomy.categories.get(category) else {
                continue;
            };
            let of_weights = |rule: &Rule| -> Vec<f64> {
                let own = rule.weights.iter().filter(|(id, _)| *id == category.id).map(|(_, weight)| *weight);
                let boosts = rule.boosts.iter().filter(|_| rule.category.as_ref() == Some(&category.id));
                own.chain(boosts.map(|boost| boost.weight)).filter(|weight| *weight > 0.0).collect()
            };
            let weights: Vec<f64> = rules.iter().flat_map(of_weights).collect();
            let most = weights.iter().sum::<f64>() * Segment::Subject.factor();
            if !weights.is_empty() && most < category.threshold {
                faults.push(
                    text.error(format!(
                        "all rules together give `{}` {most} points, and it needs {}",
                        category.id, category.threshold
                    ))
                    .code("E07")
                    .help("lower its `threshold`, or raise the `weight` of its rules"),
                );
            }
        }
    }

    fn known_category(&self, text: &Text<'t>, faults: &mut Problems) -> Option<CategoryId> {
        let found = self.taxonomy.categories.keys().find(|id| id.as_str() == text.text).cloned();
        if found.is_none() {
            let known = self.taxonomy.categories.keys().map(CategoryId::as_str);
            faults.push(dangling("category", text).did_you_mean(text.text, known));
        }
        found
    }

    fn known_group(&self, text: &Text<'t>, faults: &mut Problems) -> Option<GroupId> {
        let found = self.taxonomy.groups.keys().find(|id| id.as_str() == text.text).cloned();
        if found.is_none() {
            let known = self.taxonomy.groups.keys().map(GroupId::as_str);
            faults.push(dangling("group", text).did_you_mean(text.text, known));
        }
        found
    }
}

fn dangling(what: &str, text: &Text<'_>) -> Problem {
    text.error(format!("there is no {what} `{}`", text.text)).code("E03")
}

/// Keywords as they may be written: a text, a list, or a table of lists by language. The languages are for
/// the reader: keywords of all of them are always looked for.
fn keyword_texts<'t>(value: &Value<'t>, faults: &mut Problems) -> Vec<Text<'t>> {
    let Some(mut table) = value.as_table() else {
        return value.texts(faults);
    };
    let mut texts = Vec::new();
    for language in Language::ALL {
        texts.extend(table.texts(language.as_str(), faults));
    }
    table.finish(faults);
    texts
}

/// `{ zh = "…", en = "…", ja = "…" }`, or one text for all languages.
fn label(value: Option<Value<'_>>, faults: &mut Problems) -> Label {
    let mut label = Label::default();
    let Some(value) = value else { return label };
    if let Some(text) = value.as_text() {
        let all = Language::ALL.map(|language| (language, text.text.to_owned()));
        label.by_language = all.into();
    } else if let Some(mut table) = value.table(faults) {
        for language in Language::ALL {
            if let Some(text) = table.text(language.as_str(), faults) {
                label.by_language.insert(language, text.text.to_owned());
            }
        }
        table.finish(faults);
    }
    label
}

fn duration(text: &Text<'_>, faults: &mut Problems) -> Option<std::time::Duration> {
    let duration = length_of_time(text.text);
    if duration.is_none() {
        let problem = text.error(format!("`{}` is no length of time", text.text)).code("E09");
        faults.push(problem.help("write a whole number and s, m, h or d, such as `4h`"));
    }
    duration
}

/// `90s`, `15m`, `4h`, `3d`.
fn length_of_time(text: &str) -> Option<std::time::Duration> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds: u64 = match &text[number.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    number.trim().parse::<u64>().ok()?.checked_mul(seconds).map(std::time::Duration::from_secs)
}
