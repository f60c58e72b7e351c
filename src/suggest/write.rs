//! The rules file an admin gets: plain, in order, with what there is to know about each rule beside it.

use std::fmt::Write as _;

use super::{Bar, Specimen, Suggestion};
use crate::ids::CategoryId;
use crate::rules::Status;

/// What stands in a file beside the keywords.
pub struct FileNotes<'n> {
    pub status: Status,
    /// For the categories that the file defines.
    pub bar: Bar,
    /// Categories that are defined elsewhere.
    pub known: &'n dyn Fn(&CategoryId) -> bool,
    /// What was taken for what, the most frequent first.
    pub confusions: &'n [(String, CategoryId, usize)],
    /// The tests of each suggestion, in the same order.
    pub specimens: &'n [Vec<Specimen>],
    /// Said in the first lines.
    pub head: &'n [String],
}

/// Categories named in a note on what is mistaken for a category.
const MAX_NAMED: usize = 4;

/// The whole file.
pub fn rules_file(suggestions: &[Suggestion], notes: &FileNotes<'_>) -> String {
    let mut file = String::new();
    for line in notes.head {
        let _ = writeln!(file, "# {line}");
    }
    file.push_str("schema = 1\n");
    for (place, suggestion) in suggestions.iter().enumerate() {
        let category = quoted(suggestion.category.as_str());
        if !(notes.known)(&suggestion.category) {
            let _ = write!(
                file,
                "\n[[category]]\nid = {category}\nlabel = {}\nthreshold = {}\nmargin = {}\n",
                quoted(&suggestion.label),
                points(notes.bar.threshold),
                points(notes.bar.margin),
            );
        }
        let _ = write!(
            file,
            "\n[[rule]]\nid = {}\ntitle = {}\nstatus = \"{}\"\ncategory = {category}\n",
            quoted(&suggestion.rule_name()),
            quoted(&suggestion.label),
            notes.status.as_str(),
        );
        let _ = writeln!(file, "description = \"learnt from {} examples\"", suggestion.examples);
        let mistaken = notes.confusions.iter().filter(|(_, got, _)| *got == suggestion.category).take(MAX_NAMED);
        let mistaken: Vec<String> = mistaken.map(|(wanted, _, count)| format!("{wanted} ({count})")).collect();
        if !mistaken.is_empty() {
            let _ = writeln!(file, "false_positives = {}", quoted(&mistaken.join(", ")));
        }
        file.push_str("\n[rule.weigh]\n");
        for (keyword, weight) in &suggestion.keywords {
            let _ = writeln!(file, "{} = {}", quoted(keyword), points(*weight));
        }
        for specimen in notes.specimens.get(place).into_iter().flatten() {
            let want = match specimen.own {
                true => format!("{{ match = true, category = {category} }}"),
                false => format!("{{ not_category = {category} }}"),
            };
            let _ = write!(file, "\n[[rule.test]]\nbody = {}\nwant = {want}\n", quoted(&specimen.text));
        }
    }
    file
}

/// A number of TOML, which has a point in it.
fn points(value: f64) -> String {
    format!("{value:?}")
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_what_a_person_needs_to_judge_it() {
        let suggestion = Suggestion {
            label: "Card \"lost\"".into(),
            category: CategoryId::parse("card-lost").unwrap(),
            examples: 12,
            keywords: vec![("lost*".into(), 3.25), ("退信".into(), 1.0), ("pin".into(), -2.0)],
        };
        let specimens = [vec![
            Specimen { text: "I lost my card".into(), own: true },
            Specimen { text: "pin \\ lost".into(), own: false },
        ]];
        let file = rules_file(
            &[suggestion],
            &FileNotes {
                status: Status::Shadow,
                bar: Bar { threshold: 5.0, margin: 0.75 },
                known: &|_| false,
                confusions: &[("pin".into(), CategoryId::parse("card-lost").unwrap(), 3)],
                specimens: &specimens,
                head: &["Suggested.".into()],
            },
        );
        assert_eq!(
            file,
            r#"# Suggested.
schema = 1

[[category]]
id = "card-lost"
label = "Card \"lost\""
threshold = 5.0
margin = 0.75

[[rule]]
id = "suggest.card-lost"
title = "Card \"lost\""
status = "shadow"
category = "card-lost"
description = "learnt from 12 examples"
false_positives = "pin (3)"

[rule.weigh]
"lost*" = 3.25
"退信" = 1.0
"pin" = -2.0

[[rule.test]]
body = "I lost my card"
want = { match = true, category = "card-lost" }

[[rule.test]]
body = "pin \\ lost"
want = { not_category = "card-lost" }
"#
        );
    }
}
