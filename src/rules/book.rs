//! The rules as a book for people: a page for each rule and each category, with links between them.
//!
//! A page is made once, as headings and lines, and written as Markdown and as HTML. Whatever an admin wrote is
//! escaped in both.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::rule::{Phase, PriorityChange, Rule};
use super::taxonomy::Category;
use super::{Label, Rules};
use crate::language::Language;
use crate::problem::SourceText;

/// One page.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its path without ending: `rules/deliver.bounce`, `index`.
    pub path: String,
    pub title: String,
    sections: Vec<(&'static str, Vec<Line>)>,
}

/// A line of a list: pieces of text, some of them links to the path of another page.
type Line = Vec<(String, Option<String>)>;

/// What a rule tells its readers: keys and texts, as they stand in the file.
const NOTES: [&str; 6] = ["description", "owner", "refs", "false_positives", "added", "review_by"];

/// All pages, the index first.
pub fn book(rules: &Rules, files: &[SourceText]) -> Vec<Page> {
    let notes = notes(files);
    let mut index = Page { path: "index".into(), title: "Rules".into(), sections: Vec::new() };
    let categories = rules.taxonomy.categories();
    index.sections.push((
        "Categories",
        categories.map(|category| link(&category_path(category), &category.label, category.id.as_str())).collect(),
    ));
    for (phase, heading) in
        [(Phase::Guard, "Guard rules"), (Phase::Classify, "Classifying rules"), (Phase::Route, "Route rules")]
    {
        let of_phase = rules.rules.iter().filter(|rule| rule.phase == phase);
        index
            .sections
            .push((heading, of_phase.map(|rule| link(&rule_path(rule), &rule.title, rule.id.as_str())).collect()));
    }
    let mut pages = vec![index];
    pages.extend(rules.taxonomy.categories().map(|category| category_page(rules, category)));
    pages.extend(rules.rules.iter().map(|rule| rule_page(rules, rule, notes.get(rule.id.as_str()))));
    pages
}

fn rule_page(rules: &Rules, rule: &Rule, notes: Option<&Line>) -> Page {
    let mut about = titles(&rule.title);
    about.push(plain(format!(
        "phase {}, {}{}",
        rule.phase.as_str(),
        rule.status.as_str(),
        if rule.enabled { "" } else { ", not enabled" }
    )));
    about.extend(notes.into_iter().flatten().map(|(note, _)| plain(note.clone())));
    about.push(plain(format!("written in {}, line {}", rule.source.name, rule.source.line_column(rule.span.start).0)));
    let points = rule.weights.iter().map(|(category, weight)| {
        let id = category.as_str();
        vec![(format!("{weight:+} for "), None), (id.to_owned(), Some(format!("categories/{}", file_name(id))))]
    });
    let boosts =
        rule.boosts.iter().map(|boost| plain(format!("{:+} more for {}", boost.weight, rules.tell(&boost.condition))));
    let mut conditions = Vec::new();
    let when = &rule.when;
    let groups = [
        ("all of these", &when.all),
        ("any of these", &when.any),
        ("none of these", &when.none),
        ("hidden by these", &when.except),
    ];
    for (how, group) in groups {
        conditions.extend(group.iter().map(|condition| plain(format!("{how}: {}", rules.tell(condition)))));
    }
    let tests = rule
        .tests
        .iter()
        .map(|test| plain(format!("{}{}", test.label(), if test.xfail { " (known gap)" } else { "" })));
    let sections = vec![
        ("About", about),
        ("Holds for", conditions),
        ("Points", points.chain(boosts).collect()),
        ("Does", actions(rule)),
        ("Tests", tests.collect()),
        ("See also", vec![vec![("all rules".to_owned(), Some("index".to_owned()))]]),
    ];
    Page { path: rule_path(rule), title: rule.id.to_string(), sections }
}

fn category_page(rules: &Rules, category: &Category) -> Page {
    let mut about = titles(&category.label);
    about.push(plain(format!("needs {} points, {} ahead of the next", category.threshold, category.margin)));
    let group = category.group.as_ref().map_or("nobody", |group| group.as_str());
    about.push(plain(format!("goes to {group}, priority {}", category.priority.as_str())));
    about.push(plain(if category.bot_may_answer {
        "the bot may answer alone".into()
    } else {
        "humans get the mail as well".into()
    }));
    let speaking = rules.rules.iter().filter_map(|rule| {
        let (_, weight) = rule.weights.iter().find(|(id, _)| *id == category.id)?;
        Some(vec![(format!("{weight:+} "), None), (rule.id.to_string(), Some(rule_path(rule)))])
    });
    let sections = vec![
        ("About", about),
        ("Rules", speaking.collect()),
        ("See also", vec![vec![("all categories".to_owned(), Some("index".to_owned()))]]),
    ];
    Page { path: category_path(category), title: category.id.to_string(), sections }
}

fn actions(rule: &Rule) -> Vec<Line> {
    let actions = &rule.actions;
    let mut lines = Vec::new();
    let mut line = |text: String| lines.push(plain(text));
    if let Some(reply) = &actions.reply {
        line(match reply.open == reply.closed {
            true => format!("answers with {}", reply.open),
            false => format!("answers with {}, outside working hours with {}", reply.open, reply.closed),
        });
    }
    if let Some(handoff) = &actions.handoff {
        let to = handoff.to.as_ref().map_or("whoever has the category", |group| group.as_str());
        line(format!("hands the case to {to}: {}", handoff.reason));
    }
    if let Some(group) = &actions.group {
        line(format!("gives the case to {group}"));
    }
    match actions.priority {
        Some(PriorityChange::Set(priority)) => line(format!("sets the priority {}", priority.as_str())),
        Some(PriorityChange::Raise(steps)) => line(format!("moves the priority by {steps:+}")),
        None => {}
    }
    for (what, words) in [("tags", &actions.tags), ("asks for", &actions.ask)] {
        if !words.is_empty() {
            line(format!("{what} {}", words.join(", ")));
        }
    }
    if !actions.notify.is_empty() {
        let told: Vec<String> = actions.notify.iter().map(ToString::to_string).collect();
        line(format!("notifies {}", told.join(", ")));
    }
    if let Some(wish) = actions.wish {
        line(format!("takes it that the requester wants of the case: {}", wish.as_str()));
    }
    let flags = [
        (actions.redact.secrets, "masks the secrets it finds"),
        (actions.suppress, "lets nothing be answered"),
        (actions.forward, "sends humans a copy"),
        (actions.offer_human, "offers a human"),
        (actions.close.is_some(), "closes the case"),
        (actions.stop, "ends its phase"),
    ];
    flags.into_iter().filter(|(set, _)| *set).for_each(|(_, what)| line(what.to_owned()));
    lines
}

/// The notes of every rule. The engine has no use for them, so they are read where they are shown.
fn notes(files: &[SourceText]) -> BTreeMap<String, Line> {
    let mut notes = BTreeMap::new();
    for file in files {
        let Ok(table) = file.text.parse::<toml::Table>() else { continue };
        let rules = table.get("rule").and_then(toml::Value::as_array).into_iter().flatten();
        for rule in rules {
            let Some(id) = rule.get("id").and_then(toml::Value::as_str) else { continue };
            let told = NOTES.iter().filter_map(|key| {
                let value = match rule.get(key)? {
                    toml::Value::String(text) => text.clone(),
                    toml::Value::Array(items) => {
                        items.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join(", ")
                    }
                    other => other.to_string(),
                };
                Some((format!("{}: {value}", key.replace('_', " ")), None))
            });
            notes.insert(id.to_owned(), told.collect());
        }
    }
    notes
}

fn titles(label: &Label) -> Vec<Line> {
    let named = Language::ALL.into_iter().filter(|language| label.has(*language));
    named.map(|language| plain(format!("{language}: {}", label.in_language(language)))).collect()
}

fn plain(text: String) -> Line {
    vec![(text, None)]
}

fn link(path: &str, label: &Label, id: &str) -> Line {
    vec![(id.to_owned(), Some(path.to_owned())), (format!(" {}", label.in_language(Language::Zh)), None)]
}

fn rule_path(rule: &Rule) -> String {
    format!("rules/{}", file_name(rule.id.as_str()))
}

fn category_path(category: &Category) -> String {
    format!("categories/{}", file_name(category.id.as_str()))
}

/// An id may have a `/` in it; a page has none, and stands one folder below the index.
fn file_name(id: &str) -> String {
    id.replace('/', "~")
}

impl Page {
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n", markdown(&self.title));
        self.write(
            &mut text,
            |text, heading| format_to(text, &format!("\n## {heading}\n\n")),
            |text, line| {
                let pieces = line.iter().map(|(piece, to)| match to {
                    None => markdown(piece),
                    Some(to) => format!("[{}]({})", markdown(piece), self.way_to(to, "md")),
                });
                format_to(text, &format!("* {}\n", pieces.collect::<String>()));
            },
        );
        text
    }

    pub fn html(&self) -> String {
        let title = html(&self.title);
        let mut text = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n"
        );
        self.write(
            &mut text,
            |text, heading| format_to(text, &format!("<h2>{heading}</h2>\n")),
            |text, line| {
                let pieces = line.iter().map(|(piece, to)| match to {
                    None => html(piece),
                    Some(to) => format!("<a href=\"{}\">{}</a>", html(&self.way_to(to, "html")), html(piece)),
                });
                format_to(text, &format!("<p>{}</p>\n", pieces.collect::<String>()));
            },
        );
        text.push_str("</body>\n</html>\n");
        text
    }

    fn write(&self, text: &mut String, heading: impl Fn(&mut String, &str), line: impl Fn(&mut String, &Line)) {
        for (name, lines) in self.sections.iter().filter(|(_, lines)| !lines.is_empty()) {
            heading(text, name);
            lines.iter().for_each(|one| line(text, one));
        }
    }

    /// Pages other than the index stand one folder down.
    fn way_to(&self, path: &str, ending: &str) -> String {
        let up = if self.path.contains('/') { "../" } else { "" };
        format!("{up}{path}.{ending}")
    }
}

fn format_to(text: &mut String, more: &str) {
    // Writing to a String does not fail.
    let _ = text.write_str(more);
}

/// CommonMark §2.4: any mark may have a backslash before it; a line break would end the item.
fn markdown(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' => escaped.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '&' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

fn html(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
