//! From HTML to lines of text, in one pass over its tokens.
//!
//! No tree is built, so no nesting can make it slow; nothing is rendered, fetched or executed. The containers
//! that mail programs put around quotes and signatures are known, so that lines carry where they come from.

mod tag;

use std::borrow::Cow;

use html5gum::{DefaultEmitter, Token, Tokenizer};

use super::Limits;
use super::line::{Line, Origin};
use super::text;
use tag::{Effect, begins_earlier_mail, effect, is_block, is_closed_by_its_like, is_paragraph, is_tight, is_void};

type StartTag = html5gum::StartTag<()>;

/// What HTML says to a reader.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    pub(super) lines: Vec<Line>,
    /// Longer or deeper than the limits.
    pub(super) cut: bool,
}

/// Reads HTML as its reader would: hidden parts left out, blocks on lines of their own, cells apart.
pub(super) fn render(html: &str, limits: &Limits) -> Rendered {
    let looked_at = text::cut(html, limits.html);
    let mut renderer =
        Renderer { most_depth: limits.html_depth, cut: looked_at.len() < html.len(), ..Renderer::default() };
    // Without a tree the tokenizer must be told that <script>, <style> and <title> hold no markup.
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(looked_at, emitter) {
        match token {
            Ok(Token::StartTag(tag)) => renderer.open(&tag),
            Ok(Token::EndTag(tag)) => renderer.close(&tag.name),
            Ok(Token::String(text)) => renderer.text(&String::from_utf8_lossy(&text)),
            Ok(_) => {}
            Err(never) => match never {},
        }
    }
    renderer.finish()
}

/// HTML without the pictures written into it (`src="data:image/png;base64,…"`): they would use up the limit before
/// the text is reached.
pub(super) fn without_embedded(html: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    const MARK: &[u8] = b";base64,";
    /// A shorter run of letters may be text that follows the word.
    const LEAST: usize = 256;
    let mut kept = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(found) = html[at..].iter().position(|octet| *octet == MARK[0]) {
        at += found;
        if !html[at..].starts_with(MARK) {
            at += 1;
            continue;
        }
        let data = at + MARK.len();
        let length =
            html[data..].iter().take_while(|octet| octet.is_ascii_alphanumeric() || b"+/=\r\n".contains(octet)).count();
        if length >= LEAST {
            kept.extend_from_slice(&html[start..data]);
            start = data + length;
        }
        at = data + length;
    }
    if start == 0 {
        return html;
    }
    kept.extend_from_slice(&html[start..]);
    Cow::Owned(kept)
}

#[derive(Default)]
struct Renderer {
    lines: Vec<Line>,
    line: String,
    origin: Origin,
    /// Open elements that have an end tag.
    open: Vec<(Vec<u8>, Effect)>,
    /// Elements opened beyond `most_depth`, counted only.
    beyond: usize,
    most_depth: usize,
    hidden: usize,
    quotes: usize,
    signatures: usize,
    preformatted: usize,
    /// A blank, the next cell, a list item or an empty line comes before the next character.
    blank: bool,
    cell: bool,
    item: bool,
    paragraph: bool,
    /// A no-break space stands alone in the line: so editors write an empty line.
    spacer: bool,
    /// The paragraph opened last has no empty lines around it.
    tight: bool,
    cut: bool,
}

impl Renderer {
    fn open(&mut self, tag: &StartTag) {
        let name = tag.name.as_slice();
        self.break_before(name, tag);
        if is_void(name) {
            return;
        }
        let effect = effect(tag);
        if is_closed_by_its_like(name) {
            if self.open.last().is_some_and(|(last, _)| last == name) {
                self.pop();
            }
            if effect == Effect::Nothing || self.beyond > 0 {
                return;
            }
        }
        if self.open.len() >= self.most_depth {
            self.beyond += usize::from(!is_closed_by_its_like(name));
            self.cut = true;
            return;
        }
        if let Some(count) = self.count(effect) {
            *count += 1;
        }
        self.open.push((name.to_vec(), effect));
    }

    fn close(&mut self, name: &[u8]) {
        if is_void(name) {
            // `</br>` is read as `<br>`, as browsers do.
            if name == b"br" {
                self.end_line();
            }
            return;
        }
        if is_block(name) {
            self.finish_line();
            self.paragraph |= is_paragraph(name) && !self.tight;
            self.tight = false;
        }
        if self.beyond > 0 {
            if !is_closed_by_its_like(name) {
                self.beyond -= 1;
            }
            return;
        }
        // An end tag closes what was left open inside its element; one that nothing opened closes nothing.
        if let Some(at) = self.open.iter().rposition(|(open, _)| open == name) {
            while self.open.len() > at {
                self.pop();
            }
        }
    }

    fn pop(&mut self) {
        if let Some((_, effect)) = self.open.pop()
            && let Some(count) = self.count(effect)
        {
            *count -= 1;
        }
    }

    /// How many elements with this effect are open.
    fn count(&mut self, effect: Effect) -> Option<&mut usize> {
        match effect {
            Effect::Nothing => None,
            Effect::Hidden => Some(&mut self.hidden),
            Effect::Quote => Some(&mut self.quotes),
            Effect::Signature => Some(&mut self.signatures),
            Effect::Preformatted => Some(&mut self.preformatted),
        }
    }

    fn break_before(&mut self, name: &[u8], tag: &StartTag) {
        match name {
            b"br" => self.end_line(),
            b"hr" => {
                self.finish_line();
                self.mark(Origin::Rule);
            }
            b"td" | b"th" => self.cell = true,
            name if is_block(name) => {
                self.finish_line();
                if begins_earlier_mail(tag) {
                    self.mark(Origin::Head);
                }
                self.item |= name == b"li";
                if is_paragraph(name) {
                    self.tight = is_tight(tag) || self.item;
                    self.paragraph |= !self.tight;
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.hidden > 0 {
            return;
        }
        for c in text.chars() {
            match c {
                '\n' if self.preformatted > 0 => self.end_line(),
                '\r' if self.preformatted > 0 => {}
                '\t' | ' ' if self.preformatted > 0 => self.line.push(c),
                // Newsletters pad their first line with these.
                '\u{200B}' | '\u{200C}' | '\u{FEFF}' | '\u{00AD}' | '\u{034F}' => {}
                c if c.is_whitespace() => {
                    self.blank = true;
                    self.spacer |= c == '\u{A0}';
                }
                c => self.put(c),
            }
        }
    }

    fn put(&mut self, c: char) {
        if self.line.trim().is_empty() {
            if std::mem::take(&mut self.paragraph) && self.lines.last().is_some_and(|line| !line.is_blank()) {
                self.lines.push(Line::default());
            }
            if std::mem::take(&mut self.item) {
                self.line.push_str("- ");
            }
            self.origin = match (self.quotes, self.signatures) {
                (0, 0) => Origin::Unsaid,
                (0, _) => Origin::Signature,
                _ => Origin::Quote,
            };
        } else if self.cell {
            self.line.push('\t');
        } else if self.blank {
            self.line.push(' ');
        }
        self.blank = false;
        self.cell = false;
        self.spacer = false;
        self.line.push(c);
    }

    /// Ends the line if anything stands in it.
    fn finish_line(&mut self) {
        if !self.line.trim().is_empty() {
            self.end_line();
        } else {
            self.paragraph |= self.spacer;
        }
        self.blank = false;
        self.cell = false;
        self.spacer = false;
    }

    /// Ends the line even if it is empty.
    fn end_line(&mut self) {
        if self.hidden > 0 {
            return;
        }
        let line = std::mem::take(&mut self.line);
        self.lines.push(Line { text: line.trim_end().to_owned(), origin: self.origin });
        self.origin = Origin::Unsaid;
        self.blank = false;
    }

    /// A line without text, for what the markup says.
    fn mark(&mut self, origin: Origin) {
        if self.hidden == 0 {
            self.lines.push(Line { text: String::new(), origin });
        }
    }

    fn finish(mut self) -> Rendered {
        self.hidden = 0;
        self.finish_line();
        Rendered { lines: self.lines, cut: self.cut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &str) -> String {
        let lines = render(html, &Limits::default()).lines;
        let lines: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        lines.join("\n").trim().to_owned()
    }

    #[test]
    fn html_is_read_as_its_reader_would() {
        let cases = [
            ("<p>您好</p><p>附件发不出去</p>", "您好\n\n附件发不出去"),
            ("a<br>b<br><br>c", "a\nb\n\nc"),
            ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
            ("a  \n b&nbsp;&nbsp;c &lt;x@y&gt; &#20320;", "a b c <x@y> 你"),
            ("<table><tr><td>用户</td><td>密码</td></tr><tr><td>1</td><td>2</td></tr></table>", "用户\t密码\n1\t2"),
            ("<ul><li>一</li><li><p>二</p></li></ul>", "- 一\n- 二"),
            ("<style>p{}</style><title>t</title><script>x<b></script>y", "y"),
            ("<div style='display: none'>x</div>y<p hidden>z</p>", "y"),
            ("<span style=\"mso-hide:all\">x<span>y</span></span>z", "z"),
            ("a<!-- b -->c<![if !x]>d<![endif]>", "acd"),
            ("<pre>a\n  b</pre>c", "a\n  b\n\nc"),
            ("<p class=MsoNormal>a</p><p class=MsoNormal>b</p>", "a\nb"),
            ("a<hr>b", "a\n\nb"),
            ("<p>a<p>b", "a\n\nb"),
            ("<b>a</i></b></span> c", "a c"),
            ("a < b && c > d", "a < b && c > d"),
            ("", ""),
        ];
        for (html, want) in cases {
            assert_eq!(text(html), want, "{html}");
        }
    }

    #[test]
    fn lines_know_the_container_they_come_from() {
        let origins = |html: &str| -> Vec<Origin> {
            render(html, &Limits::default())
                .lines
                .iter()
                .filter(|line| !line.is_blank())
                .map(|line| line.origin)
                .collect()
        };
        use Origin::{Quote, Signature, Unsaid};
        assert_eq!(origins("a<blockquote>b<br>c</blockquote>d"), [Unsaid, Quote, Quote, Unsaid]);
        assert_eq!(origins("<div>a</div><div class='x_gmail_quote'><div>b</div></div>c"), [Unsaid, Quote, Unsaid]);
        assert_eq!(origins("a<div id=Signature>b</div>"), [Unsaid, Signature]);
        assert_eq!(origins("<blockquote style='margin:0 0 0 40px; border: none;'>a</blockquote>"), [Unsaid]);
        // The outer end tag closes the quote that was left open.
        assert_eq!(origins("<div>a<blockquote>b</div>c"), [Unsaid, Quote, Unsaid]);
    }

    #[test]
    fn pictures_inside_do_not_use_up_the_limit() {
        let html = format!("<img src=\"data:image/png;base64,{}\">您好", "iVBORw0K".repeat(1_000));
        let kept = without_embedded(Cow::Borrowed(html.as_bytes()));
        assert_eq!(kept.as_ref(), "<img src=\"data:image/png;base64,\">您好".as_bytes());
        assert!(matches!(without_embedded(Cow::Borrowed(b"see ;base64, here")), Cow::Borrowed(_)));
    }

    #[test]
    fn a_deep_or_long_text_is_cut_and_still_read() {
        let deep = render(&format!("{}x", "<div>".repeat(100_000)), &Limits::default());
        assert!(deep.cut && deep.lines.iter().any(|line| line.text == "x"));
        let long = render(&"字".repeat(400_000), &Limits::default());
        assert!(long.cut && long.lines[0].text.len() <= 512 << 10);
    }
}
