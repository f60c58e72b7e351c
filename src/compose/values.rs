//! What a template may speak of: case numbers, the organisation's own words, codes out of a mail.

use std::collections::BTreeMap;

use minijinja::Value;

use super::clean::{Block, Line};

/// Characters of a value that stands in a sentence.
const MAX_TEXT: usize = 200;
/// Items of a list: more is not read by anybody.
const MAX_ITEMS: usize = 50;
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

/// At most one of each: a number as servers give them (three digits, Winsock's five), an enhanced status code
/// (RFC 3463), a hexadecimal code, a provider's token such as `DT:SPM` or `ORA-01017`; `HTTP` or `SMTP` before them.
/// A telephone number or a word has no place among them.
fn is_code(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let words = if matches!(words[0], "HTTP" | "SMTP") { &words[1..] } else { &words[..] };
    let mut kinds: Vec<u8> = words.iter().map(|word| code_kind(word)).collect();
    let count = kinds.len();
    kinds.sort_unstable();
    kinds.dedup();
    (1..=MAX_CODE_WORDS).contains(&count) && kinds.len() == count && !kinds.contains(&b'-')
}

/// A letter for the kind of code a word is; `-` for none.
fn code_kind(word: &str) -> u8 {
    let digits =
        |text: &str, lengths: &[usize]| lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let capitals =
        |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase());
    let parts: Vec<&str> = word.split('.').collect();
    if digits(word, &[3]) || (digits(word, &[5]) && word.starts_with("10")) {
        b'n'
    } else if parts.len() == 3 && digits(parts[0], &[1]) && parts[1..].iter().all(|part| digits(part, &[1, 2, 3])) {
        b'e'
    } else if let Some(hex) = word.strip_prefix("0x") {
        if hex.len() == 8 && hex.bytes().all(|b| b.is_ascii_hexdigit()) { b'x' } else { b'-' }
    } else if let Some((left, right)) = word.split_once(':') {
        if capitals(left, 2) && capitals(right, 3) { b't' } else { b'-' }
    } else if let Some((left, right)) = word.split_once('-') {
        if capitals(left, 3) && digits(right, &[4, 5]) { b't' } else { b'-' }
    } else {
        b'-'
    }
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
            "CALL 8005551234",
            "800 555 123",
            "WIN:5000 TODAY",
            "BUYIT:NOW",
            "55512 34567",
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
