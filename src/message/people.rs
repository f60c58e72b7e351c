//! Who is named in an address field (RFC 5322 §3.4), obsolete forms included (§4.4).
//!
//! Encoded-words are left alone here: they are decoded after parsing, in display names only (RFC 2047 §5), so
//! that `=?utf-8?q?agent=40corp.example=3e?=@evil.example` never names anybody at corp.example.

/// One mailbox, or the name of a group, as written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Mailbox {
    /// The display name, else the comment: unquoted, not decoded.
    pub(super) name: String,
    /// The addr-spec without blanks and comments; empty for the name of a group.
    pub(super) address: String,
}

/// Reads an unfolded address list and gives at most `most` mailboxes. A group gives its own name, without
/// an address, and then its members: whoever counts the people in From sees that it was not one plain mailbox.
pub(super) fn mailboxes(list: &str, most: usize) -> Vec<Mailbox> {
    let mut reader = Reader { chars: list.chars().peekable(), most, ..Reader::default() };
    reader.run();
    reader.found
}

struct Reader<I: Iterator<Item = char>> {
    chars: std::iter::Peekable<I>,
    most: usize,
    found: Vec<Mailbox>,
    /// Words read since the last separator, quoted or not.
    phrase: String,
    /// A quoted string or a blank stands before the next character of the phrase.
    blank: bool,
    /// Text in parentheses since the last separator.
    comment: String,
    /// What stands between angle brackets.
    angle: Option<String>,
    /// Bare names before a comma, as in `Doe, John <john@example.com>`: they belong to the next address.
    before_comma: String,
}

impl Default for Reader<std::str::Chars<'_>> {
    fn default() -> Self {
        Reader {
            chars: "".chars().peekable(),
            most: 0,
            found: Vec::new(),
            phrase: String::new(),
            blank: false,
            comment: String::new(),
            angle: None,
            before_comma: String::new(),
        }
    }
}

impl<I: Iterator<Item = char>> Reader<I> {
    fn run(&mut self) {
        while let Some(c) = self.chars.next() {
            if self.found.len() >= self.most {
                return;
            }
            match c {
                '"' => self.quoted(),
                '(' => self.comment(),
                '<' => {
                    // A second address without a comma is a second mailbox, not a longer first one.
                    if self.angle.is_some() {
                        self.end();
                    }
                    self.angle = Some(self.angle());
                }
                ',' => self.end_before_comma(),
                ';' => self.end(),
                ':' if self.angle.is_none() && !self.phrase.contains('@') => self.open_group(),
                c if c.is_whitespace() => self.blank = true,
                c => self.push(c),
            }
        }
        self.end();
    }

    fn push(&mut self, c: char) {
        if std::mem::take(&mut self.blank) && !self.phrase.is_empty() {
            self.phrase.push(' ');
        }
        self.phrase.push(c);
    }

    /// RFC 5322 §3.2.4. In a local part (`"a b"@example.com`) the quotes stay, or it would read differently.
    fn quoted(&mut self) {
        let mut text = String::new();
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => text.extend(self.chars.next()),
                '"' => break,
                c => text.push(c),
            }
        }
        if self.chars.peek() == Some(&'@') {
            text = format!("\"{text}\"");
        }
        for c in text.chars() {
            self.push(c);
        }
    }

    /// RFC 5322 §3.2.2: comments nest; counting needs no stack.
    fn comment(&mut self) {
        let mut depth = 1;
        if !self.comment.is_empty() {
            self.comment.push(' ');
        }
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => self.comment.extend(self.chars.next()),
                '(' => depth += 1,
                ')' if depth == 1 => break,
                ')' => depth -= 1,
                c => self.comment.push(c),
            }
        }
        self.blank = true;
    }

    fn angle(&mut self) -> String {
        let mut address = String::new();
        let mut comments = 0;
        for c in self.chars.by_ref() {
            match c {
                '(' => comments += 1,
                ')' if comments > 0 => comments -= 1,
                _ if comments > 0 => {}
                '>' => break,
                c if c.is_whitespace() => {}
                c => address.push(c),
            }
        }
        self.blank = true;
        address
    }

    fn open_group(&mut self) {
        let name = std::mem::take(&mut self.phrase);
        self.clear();
        self.found.push(Mailbox { name, address: String::new() });
    }

    fn end_before_comma(&mut self) {
        let bare = self.angle.is_none() && !self.phrase.is_empty() && !self.phrase.contains('@');
        if !bare {
            return self.end();
        }
        if !self.before_comma.is_empty() {
            self.before_comma.push_str(", ");
        }
        self.before_comma.push_str(&self.phrase);
        self.phrase.clear();
        self.blank = false;
    }

    fn end(&mut self) {
        let phrase = std::mem::take(&mut self.phrase);
        let comment = std::mem::take(&mut self.comment);
        let before = std::mem::take(&mut self.before_comma);
        let angle = self.angle.take();
        self.clear();
        let joined = match (before.is_empty(), phrase.is_empty()) {
            (true, _) => phrase,
            (false, true) => before,
            (false, false) if angle.is_some() => format!("{before}, {phrase}"),
            (false, false) => {
                self.found.push(Mailbox { name: String::new(), address: before });
                phrase
            }
        };
        match angle {
            Some(address) => {
                self.found.push(Mailbox { name: if joined.is_empty() { comment } else { joined }, address })
            }
            // Without angle brackets the phrase is the address, whatever it looks like.
            None if !joined.is_empty() => self.found.push(Mailbox { name: comment, address: joined }),
            None => {}
        }
    }

    fn clear(&mut self) {
        self.phrase.clear();
        self.comment.clear();
        self.before_comma.clear();
        self.blank = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &str, want: &[(&str, &str)]) {
        let found = mailboxes(list, 100);
        let found: Vec<(&str, &str)> =
            found.iter().map(|mailbox| (mailbox.name.as_str(), mailbox.address.as_str())).collect();
        assert_eq!(found, want, "{list}");
    }

    #[test]
    fn mailboxes_are_read_in_every_form_people_write() {
        check("a@example.com", &[("", "a@example.com")]);
        check("<a@example.com>", &[("", "a@example.com")]);
        check("张三 <a@example.com>", &[("张三", "a@example.com")]);
        check("a@example.com (Ann)", &[("Ann", "a@example.com")]);
        check(
            "\"Doe, \\\"J\\\"\" <j@example.com>, b@example.com",
            &[("Doe, \"J\"", "j@example.com"), ("", "b@example.com")],
        );
        check("Doe, John <j@example.com>", &[("Doe, John", "j@example.com")]);
        check("Ann (who (nested)) <a(x)@example.com >", &[("Ann", "a@example.com")]);
        check("a@example.com; b@example.com", &[("", "a@example.com"), ("", "b@example.com")]);
        check("=?utf-8?q?a?= <a@example.com>", &[("=?utf-8?q?a?=", "a@example.com")]);
        check("MAILER-DAEMON (Mail System)", &[("Mail System", "MAILER-DAEMON")]);
        check("\"a b\"@example.com", &[("", "\"a b\"@example.com")]);
        check("", &[]);
        check(", ,", &[]);
    }

    #[test]
    fn several_people_and_groups_are_seen_as_such() {
        check("a@x.org, b@y.org", &[("", "a@x.org"), ("", "b@y.org")]);
        check("<a@x.org> <b@y.org>", &[("", "a@x.org"), ("", "b@y.org")]);
        check("undisclosed-recipients:;", &[("undisclosed-recipients", "")]);
        check("g: a@x.org;", &[("g", ""), ("", "a@x.org")]);
        check("g: A <a@x.org>, b@x.org; c@x.org", &[("g", ""), ("A", "a@x.org"), ("", "b@x.org"), ("", "c@x.org")]);
        check("<@a.org,@b.org:c@d.org>", &[("", "@a.org,@b.org:c@d.org")]);
    }

    #[test]
    fn an_encoded_word_never_becomes_an_address() {
        check(
            "=?utf-8?q?agent=40corp.example=3e?=@evil.example",
            &[("", "=?utf-8?q?agent=40corp.example=3e?=@evil.example")],
        );
    }

    #[test]
    fn what_is_never_closed_ends_with_the_field() {
        check("\"Ann <a@example.com>", &[("", "Ann <a@example.com>")]);
        check("Ann <a@example.com", &[("Ann", "a@example.com")]);
        check("a@example.com (Ann", &[("Ann", "a@example.com")]);
        assert_eq!(mailboxes(&"a@b.c,".repeat(1_000), 10).len(), 10);
        assert_eq!(mailboxes(&"(".repeat(100_000), 10), []);
    }
}
