//! Codes that mail systems say: `550`, `5.7.1`, `554 DT:SPM`.
//!
//! 550 is also a price and the end of a telephone number. So three digits are a code only where something says so:
//! a cue nearby (错误代码 550), an enhanced status behind them (RFC 3463), or the token of a provider (`DT:SPM`). What
//! a delivery report says in its fields outranks what people copy out of it: where there is one, only it counts.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::segment::{Segment, Segments, Views};

/// A code in a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Code {
    /// The view it stands in, and where in the folded text.
    pub(super) view: usize,
    pub(super) range: Range<usize>,
    /// `550` (RFC 5321 §4.2).
    basic: Option<[u8; 3]>,
    /// `5.7.1`.
    enhanced: Option<[u16; 3]>,
}

/// What a rule asks for: `smtp:550`, `smtp:55x`, `smtp:5.7.1`, `smtp:5.7.x`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CodePattern {
    Basic([Option<u8>; 3]),
    Enhanced([Option<u16>; 3]),
}

/// Characters between a cue and its code.
const CUE_DISTANCE: usize = 20;
/// Codes read out of one mail: a log has thousands, and the first ones tell what it is about.
const MAX_CODES: usize = 32;

/// A basic code with or without an enhanced one behind it, or an enhanced one alone; what a provider adds.
static CODE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?x) (?-u:\b)
        (?: (?P<basic>[245][0-9][0-9]) (?-u:\b) (?: [\ \#:-]{1,3} (?P<behind>[245]\.[0-9]{1,3}\.[0-9]{1,3}) (?-u:\b) )?
            (?P<token> [\ :-]{1,3} (?:dt|mi|ip)\ ?:\ ?[a-z0-9]+ )?
          | (?P<alone>[245]\.[0-9]{1,3}\.[0-9]{1,3}) (?-u:\b) )";
    Regex::new(pattern).expect("the pattern of codes is a regex")
});
static CUE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"错误|代码|返回|提示|报错|退信|エラー|(?-u:\b)(?:code|error|smtp|status)")
        .expect("the cues are a regex")
});

/// All codes of a mail, as far as a rule may look.
pub(super) fn codes(views: &Views<'_>) -> Vec<Code> {
    let reported = codes_in(views, |segment| segment == Segment::Report);
    if !reported.is_empty() {
        return reported;
    }
    codes_in(views, |segment| segment != Segment::Headers && segment != Segment::AttachmentName)
}

fn codes_in(views: &Views<'_>, wanted: impl Fn(Segment) -> bool) -> Vec<Code> {
    let mut codes = Vec::new();
    for (view, of) in views.all().iter().enumerate().filter(|(_, view)| wanted(view.segment)) {
        let text = of.folded.text();
        for found in CODE.captures_iter(text) {
            let whole = found.get_match().range();
            let is_code = of.segment == Segment::Report
                || found.name("behind").is_some()
                || found.name("token").is_some()
                || (is_whole(text, &whole) && has_cue(text, &whole));
            if is_code && codes.len() < MAX_CODES {
                let enhanced = found.name("behind").or(found.name("alone"));
                codes.push(Code {
                    view,
                    basic: found.name("basic").and_then(|basic| basic.as_str().as_bytes().try_into().ok()),
                    enhanced: enhanced.and_then(|status| numbers(status.as_str())),
                    range: whole,
                });
            }
        }
    }
    codes
}

/// Not a piece of `10.5.7.1`, `1,550.00` or `550-0000`.
fn is_whole(text: &str, range: &Range<usize>) -> bool {
    let mut before = text[..range.start].chars().rev();
    let mut behind = text[range.end..].chars();
    let joins = |first: Option<char>, second: Option<char>| {
        first.is_some_and(|c| matches!(c, '.' | ',' | '-')) && second.is_some_and(|c| c.is_ascii_digit())
    };
    !joins(before.next(), before.next()) && !joins(behind.next(), behind.next())
}

/// Does a cue stand in the twenty characters before or behind?
fn has_cue(text: &str, range: &Range<usize>) -> bool {
    let begin = text[..range.start].char_indices().rev().nth(CUE_DISTANCE - 1).map_or(0, |(at, _)| at);
    let end = text[range.end..].char_indices().nth(CUE_DISTANCE).map_or(text.len(), |(at, _)| range.end + at);
    CUE.is_match(&text[begin..range.start]) || CUE.is_match(&text[range.end..end])
}

fn numbers(status: &str) -> Option<[u16; 3]> {
    let mut numbers = status.split('.').map(|number| number.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

impl Code {
    pub(super) fn is_in(&self, views: &Views<'_>, segments: Option<Segments>) -> bool {
        let segment = views.all()[self.view].segment;
        // Unless a rule says where, a code is looked for where people and mail systems say one.
        match segments {
            Some(segments) => segments.contains(segment),
            None => segment == Segment::Report || views.is_default(segment),
        }
    }
}

impl CodePattern {
    /// Reads `smtp:55x` and the like.
    pub(super) fn parse(text: &str) -> Option<CodePattern> {
        let code = text.strip_prefix("smtp:")?;
        if let [class, subject, detail] = code.split('.').collect::<Vec<_>>().as_slice() {
            let number = |part: &str| match part {
                "x" => Some(None),
                number => number.parse().ok().filter(|number| *number < 1_000).map(Some),
            };
            return Some(CodePattern::Enhanced([number(class)?, number(subject)?, number(detail)?]));
        }
        let digits: Vec<Option<u8>> = code
            .bytes()
            .map(|digit| match digit {
                b'x' => Some(None),
                digit => digit.is_ascii_digit().then_some(Some(digit)),
            })
            .collect::<Option<_>>()?;
        let pattern: [Option<u8>; 3] = digits.try_into().ok()?;
        pattern[0].is_some_and(|class| matches!(class, b'2' | b'4' | b'5')).then_some(CodePattern::Basic(pattern))
    }

    pub(super) fn matches(&self, code: &Code) -> bool {
        match self {
            CodePattern::Basic(wanted) => code.basic.is_some_and(|basic| fits(wanted, &basic)),
            CodePattern::Enhanced(wanted) => code.enhanced.is_some_and(|enhanced| fits(wanted, &enhanced)),
        }
    }
}

fn fits<T: PartialEq>(wanted: &[Option<T>; 3], found: &[T; 3]) -> bool {
    wanted.iter().zip(found).all(|(wanted, found)| wanted.as_ref().is_none_or(|wanted| wanted == found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_of_codes_is_a_code_with_gaps() {
        for good in ["smtp:550", "smtp:55x", "smtp:5xx", "smtp:5.7.1", "smtp:5.7.x", "smtp:x.2.2"] {
            assert!(CodePattern::parse(good).is_some(), "{good}");
        }
        for bad in
            ["550", "smtp:", "smtp:55", "smtp:350", "smtp:xxx", "smtp:5.7", "smtp:5.7.1.1", "smtp:55é", "smtp:5.a.1"]
        {
            assert!(CodePattern::parse(bad).is_none(), "{bad}");
        }
    }
}
