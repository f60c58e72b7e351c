//! What each rule was made of, for comparison with another revision: see `change`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use toml::de::{DeTable, DeValue};

use crate::ids::RuleId;
use crate::rules::change::Makings;
use crate::rules::taxonomy::UNCLASSIFIED;

/// One spelling of a value, and the texts and keys that stand in it.
#[derive(Default, Clone)]
struct Written {
    text: String,
    named: BTreeSet<String>,
}

/// What of a rule is not written down.
const APART: [&str; 5] = ["when", "scope", "boost", "weigh", "test"];

pub(super) fn of<'t>(documents: impl Iterator<Item = &'t DeTable<'t>>) -> Makings {
    let mut makings = Makings::default();
    let mut rules: Vec<(RuleId, Written)> = Vec::new();
    let mut categories: BTreeMap<String, Written> = BTreeMap::new();
    for document in documents {
        for (key, value) in document {
            let key: &str = key.get_ref();
            match (key, value.get_ref()) {
                // Every file has its schema, and all have the same. Lists are part of the conditions that name them.
                ("schema" | "lists", _) => {}
                ("category", DeValue::Array(tables)) => {
                    for category in tables {
                        let id = id_of(category.get_ref()).unwrap_or_default();
                        if id == UNCLASSIFIED {
                            makings.common += &Written::of(category.get_ref()).text;
                        }
                        categories.insert(id.to_owned(), Written::of(category.get_ref()));
                    }
                }
                ("rule", DeValue::Array(tables)) => {
                    for rule in tables {
                        if let Some(id) = id_of(rule.get_ref()).and_then(|id| RuleId::parse(id).ok()) {
                            rules.push((id, Written::of_rule(rule.get_ref())));
                        }
                    }
                }
                (key, value) => {
                    let _ = writeln!(makings.common, "{key} {}", Written::of(value).text);
                }
            }
        }
    }
    makings.rules = rules.into_iter().map(|(id, rule)| (id, rule.with_parts(&categories))).collect();
    makings
}

fn id_of<'a>(value: &'a DeValue<'_>) -> Option<&'a str> {
    value.get("id").and_then(|id| id.get_ref().as_str())
}

impl Written {
    fn of(value: &DeValue<'_>) -> Written {
        let mut written = Written::default();
        written.add(value);
        written
    }

    /// Its conditions are left to whoever can compare them, and its tests judge it and are no part of it.
    fn of_rule(rule: &DeValue<'_>) -> Written {
        let mut written = Written::default();
        if let DeValue::Table(table) = rule {
            for (key, value) in table.iter().filter(|(key, _)| !APART.contains(&key.get_ref().as_ref())) {
                written.add_text(key.get_ref());
                written.add(value.get_ref());
            }
        }
        written
    }

    fn add(&mut self, value: &DeValue<'_>) {
        match value {
            DeValue::Table(table) => {
                self.text.push('{');
                for (key, value) in table {
                    self.add_text(key.get_ref());
                    self.add(value.get_ref());
                }
                self.text.push('}');
            }
            DeValue::Array(array) => {
                self.text.push('[');
                array.iter().for_each(|value| self.add(value.get_ref()));
                self.text.push(']');
            }
            DeValue::String(text) => self.add_text(text),
            DeValue::Integer(number) => self.add_word(number),
            DeValue::Float(number) => self.add_word(number),
            DeValue::Boolean(is) => self.add_word(is),
            DeValue::Datetime(time) => self.add_word(time),
        }
    }

    fn add_text(&mut self, text: &str) {
        self.add_word(&format_args!("{text:?}"));
        self.named.insert(text.to_owned());
    }

    fn add_word(&mut self, word: &dyn std::fmt::Display) {
        let _ = write!(self.text, "{word} ");
    }

    /// With what it names, and what that names.
    fn with_parts(mut self, parts: &BTreeMap<String, Written>) -> String {
        let mut open: Vec<String> = self.named.iter().cloned().collect();
        while let Some(name) = open.pop() {
            if let Some(part) = parts.get(&name) {
                let _ = write!(self.text, "\n{name:?} {}", part.text);
                open.extend(part.named.iter().filter(|name| self.named.insert((*name).clone())).cloned());
            }
        }
        self.text
    }
}
