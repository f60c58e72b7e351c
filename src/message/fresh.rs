//! The fresh text: what this person wrote now.
//!
//! Every line gets a kind from what it looks like and, in HTML, from the container it stands in. Then the
//! pieces are cut from the outside in: the mail below, the signature, the quotes at the end. A quote that is
//! answered below it, point by point, stays: without it the answer says nothing. When cutting would leave
//! nothing, nothing is cut but the lines that only introduce what stands below them: a mail passed on without a
//! word is what its sender wants us to read.

use super::Segments;
use super::quote::{self, Earlier};
use super::signature;

/// A line of the text, and where the markup says that it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Origin {
    /// Plain text, or markup that says nothing about it.
    #[default]
    Unsaid,
    Quote,
    Signature,
    /// A line drawn across the page, without text.
    Rule,
}

impl Line {
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// The lines of a plain text.
pub(super) fn plain_lines(text: &str) -> impl Iterator<Item = Line> + '_ {
    text.split('\n').map(|line| Line {
        text: line.trim_end().to_owned(),
        origin: Origin::Unsaid,
    })
}

/// Lines after which a text below a quote is an answer, and not what a person leaves standing there.
const LEFT_STANDING: usize = 7;

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Blank,
    Text,
    Quote,
    /// `On … wrote:`.
    Attribution,
    /// A divider or a header block: everything below is an earlier mail.
    Head(Earlier),
    /// The signature mark.
    Mark,
    Ruler,
    /// In a signature by its markup, or what a mail program says about itself.
    Signed,
}

/// Whose a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Fresh,
    Quoted,
    Forwarded,
    Signature,
}

/// Takes a text apart.
pub(super) fn segments(lines: &[Line]) -> Segments {
    let cutter = Cutter::cut(lines);
    if cutter.has_fresh_text() || lines.iter().all(|line| line.origin == Origin::Unsaid) {
        return cutter.segments();
    }
    // All of it stands in containers for quotes: the markup says nothing here.
    let unmarked: Vec<Line> = lines
        .iter()
        .map(|line| Line {
            text: line.text.clone(),
            origin: Origin::Unsaid,
        })
        .collect();
    Cutter::cut(&unmarked).segments()
}

fn kinds(lines: &[Line]) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::with_capacity(lines.len());
    let mut fenced = false;
    while kinds.len() < lines.len() {
        let at = kinds.len();
        // Code between fences is text, whatever it looks like.
        if lines[at].text.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let (kind, length) = if lines[at].origin == Origin::Rule {
            (Kind::Ruler, 1)
        } else if lines[at].is_blank() {
            (Kind::Blank, 1)
        } else if fenced {
            (Kind::Text, 1)
        } else {
            let above = kinds.iter().rev().find(|kind| **kind != Kind::Blank);
            kind(&lines[at..], above == Some(&Kind::Ruler))
        };
        kinds.extend(std::iter::repeat_n(kind, length));
    }
    kinds.truncate(lines.len());
    kinds
}

/// The kind of the first line, and how many lines share it because they are one thing.
fn kind(lines: &[Line], below_ruler: bool) -> (Kind, usize) {
    let texts = || lines.iter().map(|line| line.text.as_str());
    let line = lines[0].text.as_str();
    if is_quoted(&lines[0]) {
        return (Kind::Quote, 1);
    }
    if let Some(earlier) = quote::divider(line) {
        // The header block below belongs to the divider.
        let blanks = lines[1..].iter().take_while(|line| line.is_blank()).count();
        let block = quote::header_block(texts().skip(1 + blanks), true);
        let length = if block > 0 { 1 + blanks + block } else { 1 };
        return (Kind::Head(earlier), length);
    }
    if lines[0].origin == Origin::Signature || signature::is_advertisement(line) {
        return (Kind::Signed, 1);
    }
    if signature::is_mark(line) {
        return (Kind::Mark, 1);
    }
    if signature::is_ruler(line) {
        return (Kind::Ruler, 1);
    }
    match quote::header_block(texts(), below_ruler) {
        0 => {}
        length => return (Kind::Head(Earlier::Answered), length),
    }
    let quote_follows = |length: usize| {
        let below = lines[length..].iter().find(|line| !line.is_blank());
        below.is_some_and(is_quoted)
    };
    match quote::attribution(texts(), quote_follows) {
        0 => (Kind::Text, 1),
        length => (Kind::Attribution, length),
    }
}

fn is_quoted(line: &Line) -> bool {
    line.origin == Origin::Quote || quote::is_quoted(&line.text)
}

struct Cutter<'a> {
    lines: &'a [Line],
    kinds: Vec<Kind>,
    pieces: Vec<Piece>,
}

impl<'a> Cutter<'a> {
    fn cut(lines: &'a [Line]) -> Cutter<'a> {
        let kinds = kinds(lines);
        let pieces = kinds
            .iter()
            .map(|kind| match kind {
                Kind::Signed => Piece::Signature,
                _ => Piece::Fresh,
            })
            .collect();
        let mut cutter = Cutter { lines, kinds, pieces };
        let end = cutter.cut_below();
        cutter.cut_attributed(end);
        cutter.cut_trailing_quotes(end);
        cutter.cut_signed_name(end);
        if !cutter.has_fresh_text() {
            cutter.restore();
        }
        cutter
    }

    /// Cuts at the first line that says that an earlier mail or a signature is below. Gives the end of what is
    /// left to look at.
    fn cut_below(&mut self) -> usize {
        let all = self.kinds.len();
        let ends = self.text_ends();
        let mut text_above = false;
        for (at, ends_text) in ends.into_iter().enumerate() {
            match self.kinds[at] {
                Kind::Text => text_above = true,
                // Nothing stands above: the mail below is all there is.
                Kind::Head(earlier) if !text_above => self.pieces[at] = piece(earlier),
                Kind::Head(earlier) => {
                    let start = self.ruler_above(at);
                    self.give(start..all, piece(earlier));
                    return start;
                }
                Kind::Mark | Kind::Ruler if text_above && ends_text => {
                    let below = (at..all).find(|line| self.is_earlier(*line)).unwrap_or(all);
                    self.give(at..below, Piece::Signature);
                    let earlier = match self.kinds.get(below) {
                        Some(Kind::Head(earlier)) => piece(*earlier),
                        _ => Piece::Quoted,
                    };
                    self.give(below..all, earlier);
                    return at;
                }
                _ => {}
            }
        }
        all
    }

    fn is_earlier(&self, line: usize) -> bool {
        matches!(self.kinds[line], Kind::Head(_) | Kind::Attribution | Kind::Quote)
    }

    /// For every line: is it a mark or a drawn line that ends the text? People draw lines between the parts of a
    /// text as well.
    fn text_ends(&self) -> Vec<bool> {
        let all = self.kinds.len();
        let mut ends = vec![false; all];
        // Where the next earlier mail and the next text begin, seen from the line looked at.
        let (mut earlier, mut text) = (all, all);
        for at in (0..all).rev() {
            match self.kinds[at] {
                Kind::Mark => ends[at] = true,
                Kind::Ruler => {
                    let lines = || self.lines[text..earlier].iter().map(|line| line.text.as_str());
                    ends[at] = text >= earlier
                        || signature::is_underscores(&self.lines[at].text)
                        || signature::is_signature(lines())
                        || signature::is_footer(lines());
                }
                Kind::Text => text = at,
                _ if self.is_earlier(at) => (earlier, text) = (at, at),
                _ => {}
            }
        }
        ends
    }

    /// The line drawn above a header block belongs to it.
    fn ruler_above(&self, at: usize) -> usize {
        (0..at)
            .rev()
            .take_while(|line| matches!(self.kinds[*line], Kind::Blank | Kind::Ruler | Kind::Mark))
            .filter(|line| self.kinds[*line] != Kind::Blank)
            .last()
            .unwrap_or(at)
    }

    /// Cuts from `On … wrote:` on, or only that line where the answer stands below the quote.
    fn cut_attributed(&mut self, end: usize) {
        let rest = self.rests(end);
        let last_quote = (0..end)
            .rfind(|line| self.kinds[*line] == Kind::Quote)
            .map_or(0, |line| line + 1);
        let below = (last_quote..end)
            .filter(|line| self.kinds[*line] == Kind::Text)
            .count();
        let (mut above, mut first_text) = (0, 0);
        for at in 0..end {
            match self.kinds[at] {
                Kind::Text if above == 0 => (above, first_text) = (1, at),
                Kind::Text => above += 1,
                Kind::Attribution => {
                    self.pieces[at] = Piece::Quoted;
                    if self.kinds.get(at + 1) == Some(&Kind::Attribution) && at + 1 < end {
                        continue;
                    }
                    let Rest { next, quotes } = rest[at + 1];
                    let top_posted = above > 0 && !(above == 1 && self.is_greeting(first_text));
                    if next != Some(Kind::Quote) {
                        if above > 0 {
                            // Quoted without marks, to the end.
                            return self.give(at..end, Piece::Quoted);
                        }
                    } else if quotes == 1 && !top_posted && below > 0 {
                        return self.give(at..last_quote, Piece::Quoted);
                    } else if quotes == 1 && above > 0 && below < LEFT_STANDING {
                        self.give(at..last_quote, Piece::Quoted);
                        return self.give(last_quote..end, Piece::Signature);
                    }
                }
                _ => {}
            }
        }
    }

    /// For every line up to `end`: what comes from there on.
    fn rests(&self, end: usize) -> Vec<Rest> {
        let mut rests = vec![Rest::default(); end + 1];
        for at in (0..end).rev() {
            let after = rests[at + 1];
            rests[at] = match self.kinds[at] {
                Kind::Blank | Kind::Signed | Kind::Attribution => after,
                Kind::Quote => Rest {
                    next: Some(Kind::Quote),
                    quotes: after.quotes + usize::from(after.next != Some(Kind::Quote)),
                },
                kind => Rest {
                    next: Some(kind),
                    ..after
                },
            };
        }
        rests
    }

    /// A line that only greets, above an answer below the quote.
    fn is_greeting(&self, at: usize) -> bool {
        let line = self.lines[at].text.trim();
        line.chars().count() <= 30 && line.ends_with([',', '，', ':', '：', '、'])
    }

    fn cut_trailing_quotes(&mut self, end: usize) {
        let trailing =
            |line: &usize| !(self.kinds[*line] == Kind::Text && self.pieces[*line] == Piece::Fresh);
        let start = (0..end).rev().take_while(trailing).last().unwrap_or(end);
        if !self.has_fresh_text() {
            return;
        }
        // A quote that begins with "forwarded message" was passed on.
        let mut to = None;
        for at in start..end {
            match self.kinds[at] {
                Kind::Quote => {
                    let to = *to.get_or_insert_with(|| {
                        quote::divider(&self.lines[at].text).map_or(Piece::Quoted, piece)
                    });
                    self.give(at..at + 1, to);
                }
                Kind::Ruler | Kind::Mark => self.give(at..at + 1, Piece::Signature),
                Kind::Blank => {}
                _ => to = None,
            }
        }
    }

    /// A name behind a dash, alone in the last paragraph.
    fn cut_signed_name(&mut self, end: usize) {
        let mut texts = (0..end)
            .rev()
            .filter(|line| self.kinds[*line] == Kind::Text && self.pieces[*line] == Piece::Fresh);
        let (Some(last), Some(_)) = (texts.next(), texts.next()) else {
            return;
        };
        if self.kinds[last - 1] == Kind::Blank && signature::is_signed_name(&self.lines[last].text) {
            self.pieces[last] = Piece::Signature;
        }
    }

    /// Nothing would be left, so everything stays but the lines that introduce what is below them.
    fn restore(&mut self) {
        let introduces = |kind: &Kind| matches!(kind, Kind::Attribution | Kind::Head(_));
        let nothing_else = self
            .kinds
            .iter()
            .all(|kind| introduces(kind) || *kind == Kind::Blank);
        for (piece, kind) in self.pieces.iter_mut().zip(&self.kinds) {
            if nothing_else || !introduces(kind) {
                *piece = Piece::Fresh;
            }
        }
    }

    fn give(&mut self, lines: std::ops::Range<usize>, to: Piece) {
        for piece in &mut self.pieces[lines] {
            if *piece == Piece::Fresh {
                *piece = to;
            }
        }
    }

    fn has_fresh_text(&self) -> bool {
        let mut lines = self.pieces.iter().zip(&self.kinds);
        lines.any(|line| line == (&Piece::Fresh, &Kind::Text))
    }

    fn segments(&self) -> Segments {
        let piece = |wanted: Piece| {
            let lines: Vec<&str> = self
                .lines
                .iter()
                .zip(&self.pieces)
                .filter(|(_, piece)| **piece == wanted)
                .map(|(line, _)| line.text.as_str())
                .collect();
            trim_lines(&lines)
        };
        Segments {
            fresh: piece(Piece::Fresh),
            quoted: piece(Piece::Quoted),
            forwarded: piece(Piece::Forwarded),
            signature: piece(Piece::Signature),
        }
    }
}

/// What comes after a line: the next thing that is not blank, and how many quotes with text between them.
#[derive(Debug, Clone, Copy, Default)]
struct Rest {
    next: Option<Kind>,
    quotes: usize,
}

fn piece(earlier: Earlier) -> Piece {
    match earlier {
        Earlier::Answered => Piece::Quoted,
        Earlier::PassedOn => Piece::Forwarded,
    }
}

/// Joins lines without the blank ones around them; the indent of the first line stays.
fn trim_lines(lines: &[&str]) -> String {
    let filled = |line: &&str| !line.trim().is_empty();
    match (lines.iter().position(filled), lines.iter().rposition(filled)) {
        (Some(first), Some(last)) => lines[first..=last].join("\n"),
        _ => String::new(),
    }
}
