//! The fresh text: what this person wrote now.
//!
//! Every line gets a kind from what it looks like and, in HTML, from the container it stands in. Then the
//! pieces are cut from the outside in: the mail below, the signature, the quotes at the end. A quote that is
//! answered below it, point by point, stays: without it the answer says nothing. When cutting would leave
//! nothing, nothing is cut but the lines that only introduce what stands below them: a mail passed on without a
//! word is what its sender wants us to read.

use super::Segments;
use super::line::{Kind, Line, Origin, kinds};
use super::quote::{self, Earlier};
use super::signature;

/// Lines after which a text below a quote is an answer, and not what a person leaves standing there.
const LEFT_STANDING: usize = 7;

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
    let unmarked: Vec<Line> =
        lines.iter().map(|line| Line { text: line.text.clone(), origin: Origin::Unsaid }).collect();
    Cutter::cut(&unmarked).segments()
}

struct Cutter<'a> {
    lines: &'a [Line],
    kinds: Vec<Kind>,
    pieces: Vec<Piece>,
    /// Nothing would have been left.
    uncut: bool,
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
        let mut cutter = Cutter { lines, kinds, pieces, uncut: false };
        let end = cutter.cut_below();
        cutter.cut_attributed(end);
        cutter.cut_trailing_quotes(end);
        cutter.cut_signed_name(end);
        cutter.cut_card(end);
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
                Kind::Head(earlier) if !text_above => {
                    self.uncut = true;
                    self.pieces[at] = piece(earlier);
                }
                Kind::Head(earlier) => {
                    let start = self.ruler_above(at);
                    self.give(start..all, piece(earlier));
                    return start;
                }
                Kind::Mark | Kind::Ruler if text_above && ends_text => {
                    let below = (at..all).find(|line| self.is_earlier(*line)).unwrap_or(all);
                    let earlier = match self.kinds.get(below) {
                        Some(Kind::Head(earlier)) => piece(*earlier),
                        _ => Piece::Quoted,
                    };
                    let signed = below == all || self.kinds[at..below].contains(&Kind::Text);
                    self.give(at..below, if signed { Piece::Signature } else { earlier });
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
        // Where the next earlier mail and the next text begin, and how many lines with anything in them come before
        // that mail, seen from the line looked at.
        let (mut earlier, mut text, mut filled) = (all, all, 0);
        // The next mark or earlier mail: what stands below a mark says nothing about the lines above it.
        let mut close = all;
        for at in (0..all).rev() {
            let kind = self.kinds[at];
            if kind == Kind::Mark {
                ends[at] = true;
            } else if kind == Kind::Ruler {
                // `Get Outlook for iOS <https://…>` is nobody's card.
                let own = |line: &usize| self.kinds[*line] != Kind::Signed;
                let to = if text < close { close } else { earlier };
                let lines = || (text..to).filter(own).map(|line| self.lines[line].text.as_str());
                let nothing_more = text == earlier && matches!(self.kinds.get(earlier), None | Some(Kind::Head(_)));
                let few = text < earlier && filled <= signature::FOOTER_LINES;
                ends[at] = nothing_more
                    || signature::is_underscores(&self.lines[at].text)
                    || few && (signature::is_signature(lines()) || signature::is_footer(lines()));
            } else if kind == Kind::Text {
                text = at;
            }
            if kind == Kind::Mark {
                close = at;
            }
            if self.is_earlier(at) {
                (earlier, text, filled, close) = (at, at, 0, at);
            } else if kind != Kind::Blank {
                filled += 1;
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
        let last_quote = (0..end).rfind(|line| self.kinds[*line] == Kind::Quote).map_or(0, |line| line + 1);
        let below = (last_quote..end).filter(|line| self.kinds[*line] == Kind::Text).count();
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
                kind => Rest { next: Some(kind), ..after },
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
        let trailing = |line: &usize| !(self.kinds[*line] == Kind::Text && self.pieces[*line] == Piece::Fresh);
        let start = (0..end).rev().take_while(trailing).last().unwrap_or(end);
        if !self.has_fresh_text() {
            return;
        }
        // A quote that begins with "forwarded message" was passed on.
        let mut to = None;
        for at in start..end {
            match self.kinds[at] {
                Kind::Quote => {
                    let to =
                        *to.get_or_insert_with(|| quote::divider(&self.lines[at].text).map_or(Piece::Quoted, piece));
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
        let mut texts =
            (0..end).rev().filter(|line| self.kinds[*line] == Kind::Text && self.pieces[*line] == Piece::Fresh);
        let (Some(last), Some(_)) = (texts.next(), texts.next()) else {
            return;
        };
        if self.kinds[last - 1] == Kind::Blank && signature::is_signed_name(&self.lines[last].text) {
            self.pieces[last] = Piece::Signature;
        }
    }

    /// A card without a mark, between the text and the mail below, as Foxmail sets it: apart from the text by more than
    /// an empty line. Above nothing it stays: people end a request with how they can be reached.
    fn cut_card(&mut self, end: usize) {
        let is_text = |line: &usize| self.kinds[*line] == Kind::Text && self.pieces[*line] == Piece::Fresh;
        let Some(last) = (0..end).rfind(is_text).filter(|_| end < self.kinds.len()) else {
            return;
        };
        let Some(first) = (0..=last).rev().take_while(is_text).last() else {
            return;
        };
        let gap = (0..first).rev().take_while(|line| self.kinds[*line] == Kind::Blank).count();
        let text_above = (0..first).any(|line| is_text(&line));
        let lines = || self.lines[first..=last].iter().map(|line| line.text.as_str());
        if gap >= 2 && text_above && signature::is_card(lines()) {
            self.give(first..end, Piece::Signature);
        }
    }

    /// Nothing would be left, so everything stays but the lines that introduce what is below them.
    fn restore(&mut self) {
        self.uncut = true;
        let introduces = |kind: &Kind| matches!(kind, Kind::Attribution | Kind::Head(_));
        let nothing_else = self.kinds.iter().all(|kind| introduces(kind) || *kind == Kind::Blank);
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
            uncut: self.uncut,
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

#[cfg(test)]
mod tests;
