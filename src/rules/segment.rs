//! The parts of a mail that a condition can look into, and their folded views.
//!
//! Who wrote a word when decides what it means: 转人工 in a quoted answer of ours is no request. So text is
//! matched part by part, and every part has its weight.

use std::borrow::Cow;
use std::fmt;

use super::vocabulary::Look;
use crate::fold::{Folded, fold};
use crate::ids::CaseNumber;
use crate::message::{Message, Report};

/// A part of a mail, in the order in which evidence is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    Subject,
    /// The fresh text.
    Body,
    Forwarded,
    Quoted,
    Signature,
    /// File names of attachments, a line each.
    AttachmentName,
    /// What stands in attachments that are plain text: logs, tables.
    AttachmentText,
    /// What a delivery report says.
    Report,
    /// `Name: value`, a line each, undecoded.
    Headers,
    /// The names that a sender gives themselves in From and Reply-To, a line each.
    SenderName,
}

impl Segment {
    pub const ALL: [Segment; 10] = [
        Segment::Subject,
        Segment::Body,
        Segment::Forwarded,
        Segment::Quoted,
        Segment::Signature,
        Segment::AttachmentName,
        Segment::AttachmentText,
        Segment::Report,
        Segment::Headers,
        Segment::SenderName,
    ];

    /// The word in rule files.
    pub fn as_str(self) -> &'static str {
        match self {
            Segment::Subject => "subject",
            Segment::Body => "body",
            Segment::Forwarded => "forwarded",
            Segment::Quoted => "quoted",
            Segment::Signature => "signature",
            Segment::AttachmentName => "attachment.name",
            Segment::AttachmentText => "attachment.text",
            Segment::Report => "attachment.dsn",
            Segment::Headers => "headers",
            Segment::SenderName => "from.name",
        }
    }

    pub fn parse(text: &str) -> Option<Segment> {
        Segment::ALL.into_iter().find(|segment| segment.as_str() == text)
    }

    /// What a hit in this part counts. A subject says in five words what the mail is about; a forwarded mail
    /// was written by somebody else; what is quoted or signed may gate a rule but proves nothing.
    pub fn factor(self) -> f64 {
        match self {
            Segment::Subject => 1.5,
            Segment::Body
            | Segment::AttachmentName
            | Segment::AttachmentText
            | Segment::Report
            | Segment::Headers
            | Segment::SenderName => 1.0,
            Segment::Forwarded => 0.5,
            Segment::Quoted | Segment::Signature => 0.0,
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Segments(u16);

impl Segments {
    pub(super) fn insert(&mut self, segment: Segment) {
        self.0 |= 1 << segment as u16;
    }

    pub(super) fn contains(self, segment: Segment) -> bool {
        self.0 & 1 << segment as u16 != 0
    }

    /// In the order in which evidence is listed.
    pub(super) fn iter(self) -> impl Iterator<Item = Segment> {
        Segment::ALL.into_iter().filter(move |segment| self.contains(*segment))
    }

    pub(super) fn union(self, other: Segments) -> Segments {
        Segments(self.0 | other.0)
    }
}

impl FromIterator<Segment> for Segments {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Segments {
        let mut set = Segments::default();
        segments.into_iter().for_each(|segment| set.insert(segment));
        set
    }
}

/// Octets of a segment that are matched: people come to the point, logs do not.
const MAX_TEXT: usize = 64 * 1024;
/// A fresh text shorter than this says "see below": then the forwarded mail is looked at as well.
const SHORT_TEXT: usize = 10;

/// One segment of one mail, with its views.
pub(super) struct View<'a> {
    pub(super) segment: Segment,
    pub(super) original: Cow<'a, str>,
    pub(super) folded: Folded,
    /// Where it is not the same.
    pub(super) squeezed: Option<Folded>,
}

impl<'a> View<'a> {
    /// None where nothing stands there.
    fn of(message: &'a Message, segment: Segment) -> Option<View<'a>> {
        let original = cut(text_of(message, segment));
        let begin = match segment {
            Segment::Subject => original.len() - bare_subject(&original).len(),
            _ => 0,
        };
        let folded = fold(&original[begin..]).within(begin);
        let squeezed = match folded.squeeze() {
            Cow::Borrowed(_) => None,
            Cow::Owned(squeezed) => Some(squeezed),
        };
        (!folded.text().is_empty()).then_some(View { segment, original, folded, squeezed })
    }

    /// The text as these words are looked for in.
    pub(super) fn look(&self, look: Look) -> &Folded {
        match look {
            Look::Folded => &self.folded,
            Look::Squeezed => self.squeezed.as_ref().unwrap_or(&self.folded),
        }
    }
}

/// The segments of one mail that any rule asks for.
pub(super) struct Views<'a> {
    views: Vec<View<'a>>,
    /// The subject, where it is that of the mail before.
    old_subject: Option<View<'a>>,
    default: Segments,
}

impl<'a> Views<'a> {
    /// Folds the segments of `needed`. A subject that is the same as in the mail before has been judged
    /// already, and is left out.
    pub(super) fn of(message: &'a Message, needed: Segments, with_subject: bool) -> Views<'a> {
        let default = default_segments(message);
        let needed = needed.union(default);
        let views = Segment::ALL
            .into_iter()
            .filter(|segment| needed.contains(*segment))
            .filter(|segment| with_subject || *segment != Segment::Subject)
            .filter_map(|segment| View::of(message, segment))
            .collect();
        let old_subject = if with_subject { None } else { View::of(message, Segment::Subject) };
        Views { views, old_subject, default }
    }

    /// Is it looked into where a rule does not say where?
    pub(super) fn is_default(&self, segment: Segment) -> bool {
        self.default.contains(segment)
    }

    pub(super) fn all(&self) -> &[View<'a>] {
        &self.views
    }

    /// Where is looked if nothing is said.
    pub(super) fn default_segments(&self) -> Segments {
        self.default
    }

    /// The views of these segments; where nothing is said, of subject and fresh text.
    pub(super) fn of_segments(&self, segments: Option<Segments>) -> impl Iterator<Item = (usize, &View<'a>)> {
        let segments = segments.unwrap_or(self.default);
        self.views.iter().enumerate().filter(move |(_, view)| segments.contains(view.segment))
    }

    /// The subject that was left out as judged before, where these segments have the subject.
    pub(super) fn old_subject(&self, segments: Option<Segments>) -> Option<&View<'a>> {
        let wanted = segments.unwrap_or(self.default).contains(Segment::Subject);
        self.old_subject.as_ref().filter(|_| wanted)
    }
}

fn default_segments(message: &Message) -> Segments {
    let mut segments = Segments::from_iter([Segment::Subject, Segment::Body]);
    if message.segments.fresh.chars().filter(|c| !c.is_whitespace()).count() < SHORT_TEXT {
        segments.insert(Segment::Forwarded);
    }
    segments
}

fn text_of(message: &Message, segment: Segment) -> Cow<'_, str> {
    match segment {
        Segment::Subject => Cow::Borrowed(&message.subject),
        Segment::Body => Cow::Borrowed(&message.segments.fresh),
        Segment::Forwarded => Cow::Borrowed(&message.segments.forwarded),
        Segment::Quoted => Cow::Borrowed(&message.segments.quoted),
        Segment::Signature => Cow::Borrowed(&message.segments.signature),
        Segment::AttachmentName => {
            let names = message.attachments.iter().flat_map(|attachment| attachment.names());
            Cow::Owned(names.map(|name| format!("{name}\n")).collect())
        }
        Segment::AttachmentText => {
            Cow::Owned(message.attachments.iter().map(|attachment| format!("{}\n", attachment.text)).collect())
        }
        Segment::Report => match &message.report {
            Some(Report::Delivery { outcomes, .. }) => {
                let lines = outcomes.iter().map(|outcome| match outcome.status {
                    Some(status) => format!("{status} {}\n", outcome.diagnostic),
                    None => format!("{}\n", outcome.diagnostic),
                });
                Cow::Owned(lines.collect())
            }
            _ => Cow::Borrowed(""),
        },
        Segment::Headers => {
            Cow::Owned(message.fields.iter().map(|field| format!("{}: {}\n", field.name, field.value)).collect())
        }
        Segment::SenderName => {
            let people = message.from.iter().chain(&message.reply_to);
            Cow::Owned(people.map(|person| format!("{}\n", person.name)).collect())
        }
    }
}

fn cut(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.len() <= MAX_TEXT {
        return text;
    }
    let end = text.floor_char_boundary(MAX_TEXT);
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    }
}

/// What stands behind `[案号 EPRV-JQK5-2]`, which we wrote ourselves.
fn behind_case_number(subject: &str) -> Option<&str> {
    let (mark, behind) = subject.strip_prefix('[')?.split_once(']')?;
    (!CaseNumber::find_in(mark, 1).is_empty()).then_some(behind)
}

/// The subject behind `Re:`, `转发：` and the like, which mail programs wrote: 转发 there is no question about
/// forwarding (RFC 5322 §3.6.5; RFC 5256 §2.1 for the forms).
fn bare_subject(subject: &str) -> &str {
    const PREFIXES: [&str; 14] =
        ["re", "fw", "fwd", "aw", "wg", "sv", "tr", "回复", "回覆", "答复", "答覆", "转发", "轉發", "返信"];
    const MORE_PREFIXES: [&str; 2] = ["転送", "轉寄"];
    let mut rest = subject.trim_start();
    loop {
        let behind = PREFIXES.iter().chain(&MORE_PREFIXES).find_map(|prefix| {
            let head = rest.get(..prefix.len())?;
            if !head.eq_ignore_ascii_case(prefix) {
                return None;
            }
            let tail = rest[prefix.len()..].trim_start();
            tail.strip_prefix(':').or_else(|| tail.strip_prefix('：'))
        });
        match behind.or_else(|| behind_case_number(rest)) {
            Some(behind) => rest = behind.trim_start(),
            None => return rest,
        }
    }
}
