//! What a template may speak of: case numbers, the organisation's own words, codes out of a mail.

use std::collections::BTreeMap;

use minijinja::Value;

use super::clean::{Block, Line};

/// Characters of a value that stands in a sentence.
const MAX_TEXT: usize = 200;
/// Items of a list: more is not read by anybody.
const MAX_ITEMS: usize = 50;
/// Characters of a code, such as `550 5.7.1` or `0x80070005`.
const MAX_CODE: usize = 32;
/// Words of a code: with more of them a stranger could say something.
const MAX_CODE_WORDS: usize = 3;

/// Named values for one rendering. A dot in a name makes a table: `case.number` is `number` in `case`.
#[derive(Debug, Clone, Default)]
pub struct Values(BTreeMap<String, Node>);

#[derive(Debug, Clone)]
enum Node {
    Leaf(Value),
    Table(Values),
}

impl Values {
    pub fn new() -> Values {
        Values::default()
    }

    /// A text on one line, capped.
    pub fn text(&mut self, name: &str, text: &str) -> &mut Values {
        self.set(name, Value::from(Line::new(text, MAX_TEXT).as_str()))
    }

    /// A text of several lines, in the organisation's own words: an address, a list of links.
    pub fn block(&mut self, name: &str, text: &Block) -> &mut Values {
        self.set(name, Value::from(text.as_str()))
    }

    pub fn flag(&mut self, name: &str, flag: bool) -> &mut Values {
        self.set(name, Value::from(flag))
    }

    /// Texts to go through with `{% for %}`; the first of them, up to a limit.
    pub fn list<'a>(&mut self, name: &str, texts: impl IntoIterator<Item = &'a str>) -> &mut Values {
        let texts = texts.into_iter().take(MAX_ITEMS);
        self.set(name, texts.map(|text| Value::from(Line::new(text, MAX_TEXT).as_str())).collect())
    }

    /// Tables to go through with `{% for %}`.
    pub fn rows(&mut self, name: &str, rows: impl IntoIterator<Item = Values>) -> &mut Values {
        self.set(name, rows.into_iter().take(MAX_ITEMS).map(Values::into_value).collect())
    }

    /// A code found in a stranger's mail. It is set only if it looks like a code and cannot be read as a
    /// sentence, an address or a link: an answer must not carry a stranger's words.
    pub fn code(&mut self, name: &str, code: &str) -> &mut Values {
        if is_code(code) { self.text(name, code) } else { self }
    }

    /// Makes the tables of a dotted name exist, so that asking for what is not in them is allowed.
    pub(super) fn make_tables(&mut self, name: &str) {
        if let Some((table, rest)) = name.split_once('.') {
            let node = self.0.entry(table.to_owned()).or_insert_with(|| Node::Table(Values::new()));
            if let Node::Table(values) = node {
                values.make_tables(rest);
            }
        }
    }

    pub(super) fn into_value(self) -> Value {
        let table: BTreeMap<String, Value> = self
            .0
            .into_iter()
            .map(|(name, node)| match node {
                Node::Leaf(value) => (name, value),
                Node::Table(values) => (name, values.into_value()),
            })
            .collect();
        Value::from(table)
    }

    fn set(&mut self, name: &str, value: Value) -> &mut Values {
        match name.split_once('.') {
            None => {
                self.0.insert(name.to_owned(), Node::Leaf(value));
            }
            Some((table, rest)) => {
                let node = self.0.entry(table.to_owned()).or_insert_with(|| Node::Table(Values::new()));
                if let Node::Leaf(_) = node {
                    *node = Node::Table(Values::new());
                }
                if let Node::Table(values) = node {
                    values.set(rest, value);
                }
            }
        }
        self
    }
}

/// ASCII letters and digits with `-`, `_`, `:` and single blanks between, dots only between digits, with a
/// digit or a colon somewhere.
fn is_code(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |i: Option<usize>| i.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_digit);
    let allowed = bytes.iter().enumerate().all(|(i, b)| match b {
        b'.' => digit(i.checked_sub(1)) && digit(Some(i + 1)),
        b'-' | b'_' | b':' | b' ' => true,
        b => b.is_ascii_alphanumeric(),
    });
    allowed
        && (1..=MAX_CODE).contains(&bytes.len())
        && text.split(' ').count() <= MAX_CODE_WORDS
        && bytes.iter().any(|b| b.is_ascii_digit() || *b == b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_code_and_nothing_a_stranger_could_say() {
        for code in ["554", "550 5.7.1", "DT:SPM", "MI:SFQ", "0x80070005", "HTTP 502", "ORA-01017"] {
            assert!(is_code(code), "{code}");
        }
        for text in [
            "",
            "buy now",
            "example.com",
            "1.example.com",
            "http://1",
            "a@b.1",
            "call me on 5551234",
            "退款1",
            "1\r\nBcc",
            "{{1}}",
            "123456789012345678901234567890123",
        ] {
            assert!(!is_code(text), "{text}");
        }
    }

    #[test]
    fn dots_make_tables() {
        let mut values = Values::new();
        values
            .text("case.number", "K7F3-9QD2-X")
            .flag("case.new", true)
            .list("missing", ["a\nb", "c"])
            .code("fields.code", "not a code at all");
        values.make_tables("fields.code");
        values.make_tables("case.number");
        assert_eq!(
            values.into_value().to_string(),
            "{'case': {'new': True, 'number': 'K7F3-9QD2-X'}, 'fields': {}, 'missing': ['a b', 'c']}"
        );
    }
}
