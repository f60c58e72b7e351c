//! Labelled texts out of the tables people have: CSV, TSV and JSON.
//!
//! Exports of help desks and spreadsheets agree on little. So delimiter and columns are found by looking: the
//! label is what few different values repeat in, the text is the longest of the rest. Whoever knows better
//! names the columns.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Example;

/// Which columns to take, by name or by number from 1. What is not said is found by looking.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    pub text: Option<String>,
    pub label: Option<String>,
}

/// Why a table gives no examples.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    #[error("this is not JSON: {0}")]
    NotJson(String),
    #[error("this JSON is no list of texts with labels; a list of objects, of pairs, or texts by label would be one")]
    NoTable,
    #[error("the file has several parts ({0}); name those to read behind a `#`, such as `FILE#{1}`")]
    Parts(String, String),
    #[error("there is no part `{0}` in it")]
    NoPart(String),
    #[error("there is no column `{0}`; the columns are {1}")]
    NoColumn(String, String),
    #[error("which column is the text and which the label cannot be seen; name them")]
    Unclear,
}

/// Rows of cells, the names of the columns among them or apart.
struct Table {
    header: Option<Vec<String>>,
    rows: Vec<Vec<String>>,
}

/// Names that columns of texts and of labels have.
const TEXT_NAMES: [&str; 16] = [
    "text",
    "utterance",
    "query",
    "question",
    "sentence",
    "body",
    "message",
    "content",
    "document",
    "description",
    "文本",
    "内容",
    "问题",
    "正文",
    "句子",
    "本文",
];
const LABEL_NAMES: [&str; 14] = [
    "label",
    "category",
    "intent",
    "class",
    "topic",
    "topic_group",
    "group",
    "target",
    "标签",
    "类别",
    "分类",
    "意图",
    "ラベル",
    "カテゴリ",
];
/// Rows by which the delimiter is known.
const LOOKED_AT: usize = 20;

/// Reads the examples of one file. `parts` are names of lists inside a JSON file. Rows without text or label
/// are left out.
pub fn read_table(text: &str, parts: Option<&str>, columns: &Columns) -> Result<Vec<Example>, TableError> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let table = match text.trim_start().starts_with(['{', '[']) {
        true => json(text, parts)?,
        false => match delimiter(text) {
            '\t' => Table { header: None, rows: text.lines().map(tab_separated).collect() },
            delimiter => Table { header: None, rows: delimited(text, delimiter) },
        },
    };
    table.examples(columns)
}

impl Table {
    fn examples(mut self, columns: &Columns) -> Result<Vec<Example>, TableError> {
        self.rows.retain(|row| row.iter().any(|cell| !cell.trim().is_empty()));
        if self.header.is_none() && self.begins_with_names(columns) {
            self.header = Some(self.rows.remove(0));
        }
        let label = match self.named(columns.label.as_deref(), &LABEL_NAMES)? {
            Some(label) => label,
            None => self.least_varied(self.named(columns.text.as_deref(), &TEXT_NAMES)?)?,
        };
        let text = match self.named(columns.text.as_deref(), &TEXT_NAMES)? {
            Some(text) if text != label => text,
            _ => self.longest(label)?,
        };
        if self.header.is_none() && self.looks_named(label) {
            self.rows.remove(0);
        }
        let cell = |row: &[String], column: usize| row.get(column).map_or("", |cell| cell.trim()).to_owned();
        let examples = self.rows.iter().map(|row| Example { label: cell(row, label), text: cell(row, text) });
        Ok(examples.filter(|example| !example.label.is_empty() && !example.text.is_empty()).collect())
    }

    /// The first row has a name in it that columns have, or that was asked for.
    fn begins_with_names(&self, columns: &Columns) -> bool {
        let asked = |cell: &str| [&columns.text, &columns.label].into_iter().flatten().any(|name| name == cell);
        let usual = |cell: &str| {
            let cell = cell.trim().to_lowercase();
            TEXT_NAMES.iter().chain(&LABEL_NAMES).any(|name| *name == cell)
        };
        self.rows.first().is_some_and(|first| first.iter().any(|cell| asked(cell.trim()) || usual(cell)))
    }

    /// The first row is no example: what stands where the others have their label is nobody else's label, and
    /// those repeat.
    fn looks_named(&self, label: usize) -> bool {
        let labels = || self.rows.iter().filter_map(|row| row.get(label));
        let different: BTreeSet<&String> = labels().collect();
        let first = self.rows.first().and_then(|row| row.get(label));
        let alone = first.is_some_and(|first| labels().filter(|other| *other == first).count() == 1);
        alone && self.rows.len() > different.len() * REPEATED
    }

    /// The column that was asked for, or one with a usual name.
    fn named(&self, asked: Option<&str>, usual: &[&str]) -> Result<Option<usize>, TableError> {
        let width = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let header = self.header.as_deref().unwrap_or_default();
        let Some(asked) = asked else {
            let is = |name: &&str| header.iter().position(|cell| cell.trim().to_lowercase() == **name);
            return Ok(usual.iter().find_map(is));
        };
        if let Some(column) = header.iter().position(|cell| cell.trim() == asked) {
            return Ok(Some(column));
        }
        match asked.parse::<usize>() {
            Ok(number) if (1..=width).contains(&number) => Ok(Some(number - 1)),
            _ => {
                let known = match header.is_empty() {
                    true => format!("1 to {width}"),
                    false => header.join(", "),
                };
                Err(TableError::NoColumn(asked.to_owned(), known))
            }
        }
    }

    fn columns(&self) -> impl Iterator<Item = (usize, Vec<&str>)> {
        let width = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column)).map(|cell| cell.trim());
        (0..width).map(move |column| (column, cells(column).filter(|cell| !cell.is_empty()).collect()))
    }

    fn least_varied(&self, text: Option<usize>) -> Result<usize, TableError> {
        let others = self.columns().filter(|(column, _)| Some(*column) != text);
        let varied = others.map(|(column, cells)| (cells.iter().collect::<BTreeSet<_>>().len(), column));
        // A column of one value is a constant; one that never repeats is no label.
        let repeating = varied.filter(|(different, _)| *different > 1 && *different * 2 <= self.rows.len());
        repeating.min().map(|(_, column)| column).ok_or(TableError::Unclear)
    }

    fn longest(&self, label: usize) -> Result<usize, TableError> {
        let others = self.columns().filter(|(column, _)| *column != label);
        let lengths = others.map(|(column, cells)| (cells.iter().map(|cell| cell.len()).sum::<usize>(), column));
        // Of equals the first.
        let longest = lengths.max_by_key(|(length, column)| (*length, std::cmp::Reverse(*column)));
        longest.map(|(_, column)| column).ok_or(TableError::Unclear)
    }
}

/// How often labels are there on average, at least, before the first row is judged by its not being there again.
const REPEATED: usize = 4;

/// The character that splits the first lines into equally many cells, most of them.
fn delimiter(text: &str) -> char {
    let lines = || text.lines().filter(|line| !line.trim().is_empty()).take(LOOKED_AT);
    let in_all = |delimiter: char| lines().map(|line| line.matches(delimiter).count()).min().unwrap_or(0);
    if in_all('\t') > 0 {
        return '\t';
    }
    let first = lines().next().unwrap_or_default();
    if in_all(';') > 0 && first.matches(';').count() >= first.matches(',').count() { ';' } else { ',' }
}

/// A line of TSV. A quote is an ordinary character, unless it embraces the cell, as spreadsheets write it.
fn tab_separated(line: &str) -> Vec<String> {
    let cell = |cell: &str| match cell.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => cell.to_owned(),
    };
    line.split('\t').map(cell).collect()
}

/// RFC 4180, with a delimiter of choice: a cell in quotes may have delimiters, line breaks and doubled quotes.
fn delimited(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut begins) = (false, true);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => {
                cell.push('"');
                rest.next();
            }
            '"' if quoted => quoted = false,
            c if quoted => cell.push(c),
            '"' if begins => (quoted, begins) = (true, false),
            '\r' if rest.peek() == Some(&'\n') => {}
            '\n' => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
                begins = true;
            }
            c if c == delimiter => {
                row.push(std::mem::take(&mut cell));
                begins = true;
            }
            c => {
                cell.push(c);
                begins = false;
            }
        }
    }
    if !row.is_empty() || !cell.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}

fn json(text: &str, parts: Option<&str>) -> Result<Table, TableError> {
    let whole = match serde_json::from_str::<Value>(text) {
        Ok(whole) => whole,
        // A value a line.
        Err(error) => text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| serde_json::from_str(line).map_err(|_| TableError::NotJson(error.to_string())))
            .collect::<Result<Vec<Value>, _>>()
            .map(Value::Array)?,
    };
    let Some(parts) = parts else { return rows(&whole) };
    let mut table = Table { header: None, rows: Vec::new() };
    for name in parts.split(',') {
        let part = rows(whole.get(name.trim()).ok_or_else(|| TableError::NoPart(name.trim().to_owned()))?)?;
        table.header = part.header;
        table.rows.extend(part.rows);
    }
    Ok(table)
}

fn rows(value: &Value) -> Result<Table, TableError> {
    let objects: Vec<&Value> = match value {
        Value::Array(items) => items.iter().collect(),
        // `{ "0": { "query": …, "label": … }, … }`
        Value::Object(items) if items.values().all(Value::is_object) => items.values().collect(),
        Value::Object(items) => {
            let names = || items.keys().map(String::as_str);
            let texts =
                items.values().all(|list| list.as_array().is_some_and(|list| list.iter().all(Value::is_string)));
            if !texts {
                let first = names().next().unwrap_or_default().to_owned();
                return Err(TableError::Parts(names().collect::<Vec<_>>().join(", "), first));
            }
            // `{ "label": ["text", …], … }`
            let of_label = |(label, list): (&String, &Value)| -> Vec<Vec<String>> {
                let texts = list.as_array().into_iter().flatten();
                texts.map(|text| vec![cell(text), label.clone()]).collect()
            };
            let header = Some(vec!["text".to_owned(), "label".to_owned()]);
            return Ok(Table { header, rows: items.iter().flat_map(of_label).collect() });
        }
        _ => return Err(TableError::NoTable),
    };
    let header: Option<Vec<String>> =
        objects.first().and_then(|first| first.as_object()).map(|first| first.keys().cloned().collect());
    let rows = objects.into_iter().map(|row| match (row, &header) {
        (Value::Object(row), Some(header)) => {
            Ok(header.iter().map(|name| row.get(name).map_or(String::new(), cell)).collect())
        }
        (Value::Array(row), None) => Ok(row.iter().map(cell).collect()),
        _ => Err(TableError::NoTable),
    });
    let rows = rows.collect::<Result<_, _>>()?;
    Ok(Table { header, rows })
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let examples = read_table(text, None, &Columns::default()).unwrap();
        examples.into_iter().map(|example| (example.label, example.text)).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(label, text)| (label.to_string(), text.to_string())).collect()
    }

    #[test]
    fn tables_of_many_shapes_are_read() {
        let want = pairs(&[("pin", "change, my pin"), ("card", "where is \"my\" card"), ("pin", "pin")]);
        for table in [
            "text,label\n\"change, my pin\",pin\n\"where is \"\"my\"\" card\",card\r\npin,pin\n",
            "Category;id;Text\npin;1;change, my pin\ncard;2;\"where is \"\"my\"\" card\"\npin;3;pin",
            "label\ttext\npin\tchange, my pin\ncard\twhere is \"my\" card\npin\tpin\n",
            "\u{FEFF}标签\t文本\npin\t\"change, my pin\"\ncard\t\"where is \"\"my\"\" card\"\npin\tpin\n",
            r#"[{"id":1,"text":"change, my pin","intent":"pin"},{"intent":"card","text":"where is \"my\" card"},{"text":"pin","intent":"pin"}]"#,
            r#"{"0":{"query":"change, my pin","label":"pin"},"1":{"query":"where is \"my\" card","label":"card"},"2":{"query":"pin","label":"pin"}}"#,
            "{\"text\":\"change, my pin\",\"label\":\"pin\"}\n{\"text\":\"where is \\\"my\\\" card\",\"label\":\"card\"}\n{\"text\":\"pin\",\"label\":\"pin\"}\n",
        ] {
            assert_eq!(read(table), want, "{table}");
        }
        let by_label = read(r#"{"pin":["change, my pin","pin"],"card":["where is my card"]}"#);
        assert_eq!(by_label.iter().filter(|(label, _)| label == "pin").count(), 2);
    }

    #[test]
    fn columns_without_names_are_known_by_what_is_in_them() {
        let mut table = String::from("Ticket,Topic,Number\n");
        for number in 0..20 {
            table += &format!("\"how do I print, case {number}\",{},{number}\n", ["printer", "screen"][number % 2]);
        }
        let examples = read(&table);
        assert_eq!((examples.len(), examples[0].clone()), (20, ("printer".into(), "how do I print, case 0".into())));
        let bare: String = (0..12).map(|n| format!("{}\t问题{n}怎么办\n", ["甲", "乙"][n % 2])).collect();
        assert_eq!((read(&bare).len(), read(&bare)[1].clone()), (12, ("乙".into(), "问题1怎么办".into())));
        let pairs_only = r#"[["where is it","a"],["lost it","b"],["found it","a"],["never mind","b"]]"#;
        assert_eq!(read(pairs_only)[1], ("b".into(), "lost it".into()));
    }

    #[test]
    fn columns_and_parts_can_be_named() {
        let columns = Columns { text: Some("b".into()), label: Some("3".into()) };
        let examples = read_table("a,b,c\nx,y,z\n", None, &columns).unwrap();
        assert_eq!(examples, [Example { label: "z".into(), text: "y".into() }]);
        let parted = r#"{"train":[["x y","l"],["y","l"],["z","k"],["w","k"]],"val":[["v","l"]],"note":[["n","k"]]}"#;
        let columns = Columns { text: Some("1".into()), label: Some("2".into()) };
        assert_eq!(read_table(parted, Some("train,val"), &columns).unwrap().len(), 5);
    }

    #[test]
    fn what_is_no_table_says_what_would_be_one() {
        let error = |text: &str, parts: Option<&str>, columns: &Columns| {
            read_table(text, parts, columns).unwrap_err().to_string()
        };
        let any = Columns::default();
        assert!(error("{\"a\":[[1]],\"b\":[]}", None, &any).contains("(a, b); name those to read behind a `#`"));
        assert!(error("{\"a\":[]}", Some("c"), &any).contains("no part `c`"));
        assert!(error("{\"a\":", None, &any).contains("not JSON"));
        assert!(error("[1,2]", None, &any).contains("no list of texts"));
        assert!(error("one\ntwo\nthree", None, &any).contains("cannot be seen"));
        let wrong = Columns { label: Some("kind".into()), ..Columns::default() };
        assert!(error("text,label\na,b", None, &wrong).contains("no column `kind`; the columns are text, label"));
    }
}
