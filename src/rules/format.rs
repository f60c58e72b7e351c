//! One way to write a rule file, for `huixin rules fmt`.
//!
//! The text is taken apart into the tokens of TOML and put together again with other blanks between them, so comments,
//! the order of keys and the way a value is quoted stay as they are. Lines are broken where the author broke them;
//! what is settled is the rest: blanks around `=`, `,` and brackets, two blanks of indent for what stands in brackets, a comma behind
//! the last item of an array that ends on its own line, one empty line before each `[[rule]]` and nowhere two.

use toml_parser::Source;
use toml_parser::lexer::{Token, TokenKind};

/// The same file in the usual form. `None` for a text that is not TOML, and for one whose meaning would change, which
/// is not expected of any.
pub fn format(text: &str) -> Option<String> {
    let before: toml::Table = text.parse().ok()?;
    let source = Source::new(text);
    let tokens: Vec<Token> = source.lex().into_vec();
    let mut writer = Writer::default();
    for (at, token) in tokens.iter().enumerate() {
        let written = source.get(*token)?.as_str();
        match token.kind() {
            TokenKind::Eof => {}
            TokenKind::Newline => writer.newlines += 1,
            TokenKind::Whitespace => writer.blanks = written.len(),
            kind => {
                if writer.at_line_start() && writer.open.is_empty() && begins_family(&tokens[at..]) {
                    writer.set_apart();
                }
                writer.write(kind, written);
            }
        }
    }
    let formatted = writer.finish();
    (formatted.parse::<toml::Table>().ok()? == before).then_some(formatted)
}

/// Is this the head of a table that stands for itself, `[[rule]]`, and not of a part of it, `[rule.when]`?
fn begins_family(tokens: &[Token]) -> bool {
    let line = || tokens.iter().take_while(|token| token.kind() != TokenKind::Newline);
    line().next().is_some_and(|first| first.kind() == TokenKind::LeftSquareBracket)
        && line().all(|token| !matches!(token.kind(), TokenKind::Dot | TokenKind::Equals))
}

#[derive(Default)]
struct Writer {
    text: String,
    /// Line breaks since the last token.
    newlines: usize,
    /// Blanks since the last token.
    blanks: usize,
    /// The indent of this line.
    indent: usize,
    /// For each open bracket the indent of the line it stands in: what is in it goes one further, and brackets opened
    /// together are one step.
    open: Vec<usize>,
    before: Option<TokenKind>,
    /// The last token that is no comment, and where it ends.
    last: Option<(TokenKind, usize)>,
    /// Where the comment lines begin that stand right above.
    comments: Option<usize>,
}

impl Writer {
    fn at_line_start(&self) -> bool {
        self.before.is_none() || self.newlines > 0
    }

    /// An empty line goes before what comes now, and before the comment lines that belong to it.
    fn set_apart(&mut self) {
        match self.comments {
            // At the head of the file, or apart already.
            Some(start) if self.newlines == 1 && (start == 0 || self.text[..start].ends_with("\n\n")) => {}
            Some(start) if self.newlines == 1 => self.text.insert(start, '\n'),
            _ if !self.text.is_empty() => self.newlines = 2,
            _ => {}
        }
    }

    fn write(&mut self, kind: TokenKind, written: &str) {
        let closes = matches!(kind, TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket);
        if closes {
            self.settle_comma(kind);
        }
        let begins_line = self.at_line_start();
        match begins_line {
            true => self.break_line(closes),
            false => self.text.push_str(&" ".repeat(self.gap(kind))),
        }
        let is_comment = kind == TokenKind::Comment;
        if !(is_comment && begins_line && self.open.is_empty()) {
            self.comments = None;
        } else if self.comments.is_none() || self.newlines > 1 {
            self.comments = Some(self.text.len());
        }
        self.text.push_str(if is_comment { written.trim_end() } else { written });
        if !is_comment {
            self.last = Some((kind, self.text.len()));
        }
        if matches!(kind, TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket) {
            self.open.push(self.indent);
        } else if closes {
            self.open.pop();
        }
        (self.before, self.newlines, self.blanks) = (Some(kind), 0, 0);
    }

    /// At most one empty line, and none inside the brackets at their ends or at the head of the file.
    fn break_line(&mut self, closes: bool) {
        if self.text.is_empty() {
            return;
        }
        let opened = matches!(self.before, Some(TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket));
        let most = if opened || closes { 1 } else { 2 };
        self.text.push_str(&"\n".repeat(self.newlines.min(most)));
        self.indent = self.open.last().map_or(0, |line| line + usize::from(!closes));
        self.text.push_str(&"  ".repeat(self.indent));
    }

    /// Blanks between the last token of this line and the next.
    fn gap(&self, kind: TokenKind) -> usize {
        use TokenKind::*;
        match (self.before, kind) {
            // Comments behind values often stand in a column.
            (_, Comment) => self.blanks.max(1),
            (_, Comma | Dot) | (Some(Dot), _) => 0,
            (Some(LeftCurlyBracket), RightCurlyBracket) => 0,
            (Some(LeftCurlyBracket), _) | (_, RightCurlyBracket) => 1,
            (Some(LeftSquareBracket), _) | (_, RightSquareBracket) => 0,
            // `[[` is one mark in the head of a table.
            (Some(Equals | Comma), _) | (_, Equals) => 1,
            _ => self.blanks.min(1),
        }
    }

    /// The last item of an array has a comma if the bracket is on a line of its own, and none if it is not.
    fn settle_comma(&mut self, closing: TokenKind) {
        let Some((last, end)) = self.last else { return };
        let own_line = self.newlines > 0;
        match last {
            TokenKind::Comma if !own_line && self.before == Some(TokenKind::Comma) => {
                self.text.pop();
                // What stands before the comma now stands last; all that matters is that it is no bracket and no comma.
                self.before = Some(TokenKind::Atom);
            }
            TokenKind::Comma | TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => {}
            _ if own_line && closing == TokenKind::RightSquareBracket => {
                self.text.insert(end, ',');
            }
            _ => {}
        }
    }

    fn finish(mut self) -> String {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_commas_are_settled_and_nothing_else() {
        let cases = [
            ("a=1\n", "a = 1\n"),
            (
                "\n\n a  =  [ 1,2 , ]  # why  \r\n\r\n\r\n\r\nb={x=1,y=[ ]}\n\n",
                "a = [1, 2]  # why\n\nb = { x = 1, y = [] }\n",
            ),
            ("a = [\n    1, # one\n  2 # two\n\n  ]\n", "a = [\n  1, # one\n  2, # two\n]\n"),
            ("a = [\n\n# none yet\n]", "a = [\n  # none yet\n]\n"),
            ("a = [{ b = [\n1\n] }]", "a = [{ b = [\n  1,\n] }]\n"),
            ("[[ rule ]]\nid=\"a\"\n[ rule . when ]\nall=[]\n", "[[rule]]\nid = \"a\"\n[rule.when]\nall = []\n"),
            (
                "x = 1\n# about a\n# and b\n[[rule]]\nid = 'a'\n[[rule.test]]\nbody = '''\n a =  1 '''\n[[rule]]\n",
                "x = 1\n\n# about a\n# and b\n[[rule]]\nid = 'a'\n[[rule.test]]\nbody = '''\n a =  1 '''\n\n[[rule]]\n",
            ),
            ("# top\n\n[[rule]]\n", "# top\n\n[[rule]]\n"),
            ("now = 2026-01-07 14:30:00+08:00\n", "now = 2026-01-07 14:30:00+08:00\n"),
            ("a.\"b c\" . d = -1.5\n", "a.\"b c\".d = -1.5\n"),
            ("", ""),
        ];
        for (text, want) in cases {
            assert_eq!(format(text).as_deref(), Some(want), "{text}");
            assert_eq!(format(want).as_deref(), Some(want), "again: {want}");
        }
        assert_eq!(format("a = \n"), None);
    }
}
