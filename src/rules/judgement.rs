//! What is asked of the rules, and what they say.
//!
//! A [`Judgement`] is complete: with it `explain` tells which words in the mail made which rule hold, what that
//! was worth, and why the answer is what it is.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::rule::Phase;
use super::segment::Segment;
use super::taxonomy::Priority;
use crate::address::Address;
use crate::ids::{CategoryId, GroupId, RuleId, TemplateName};
use crate::language::Language;
use crate::message::Message;
use crate::time::Timestamp;

/// A mail, and what is known about its case.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub message: &'a Message,
    pub case: CaseMoment,
    /// The language the answer will be in.
    pub language: Language,
    pub now: Timestamp,
    /// The subject is the one of the mail before: it has been judged already.
    pub subject_unchanged: bool,
    /// Mails received in this case, this one included.
    pub exchanges: u32,
    /// Automatic replies sent in this case.
    pub answers: u32,
    /// Who has the case, or the mailbox where it is new: their working hours count until the rules name a
    /// group.
    pub group: Option<&'a GroupId>,
    /// The kind of customer, as bot.toml names it.
    pub tier: Option<&'a str>,
    /// Who looks after this kind of customer, where no rule says otherwise.
    pub tier_group: Option<&'a GroupId>,
    /// Since the case was opened; zero where it is new.
    pub age: Duration,
    /// Cases of this sender that are not closed, other than this one.
    pub open_cases: u32,
    pub proofs: Proofs,
}

/// What is known of who sent the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Proofs {
    pub dkim: Proof,
    pub spf: Proof,
    pub dmarc: Proof,
    /// All in all: may the domain in From be believed?
    pub from: Proof,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Proof {
    Pass,
    Fail,
    #[default]
    Unknown,
}

/// At which moment of its case a mail comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CaseMoment {
    New,
    /// The bot has answered.
    Reply,
    /// The bot has offered a human.
    Offered,
    /// Humans have it.
    HandedOff,
    Closed,
}

/// Who is told of a mail beside the group that gets it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notified {
    Group(GroupId),
    Address(Address),
}

/// What the requester wants of the case itself, beside an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wish {
    /// Nothing at all: thanks.
    Nothing,
    /// To hear how it stands.
    Status,
    /// All that was written in it.
    Transcript,
}

impl Wish {
    pub const ALL: [Wish; 3] = [Wish::Nothing, Wish::Status, Wish::Transcript];

    pub fn as_str(self) -> &'static str {
        match self {
            Wish::Nothing => "nothing",
            Wish::Status => "status",
            Wish::Transcript => "transcript",
        }
    }
}

/// What the rules say about one mail.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Judgement {
    /// What it is about; none where no category was sure.
    pub category: Option<Won>,
    /// All categories that got or lost points, the highest score first.
    pub scores: Vec<CategoryScore>,
    /// All rules that held, in the order they were asked.
    pub hits: Vec<Hit>,
    /// None as well when a rule says that nothing shall be answered.
    pub reply: Option<TemplateName>,
    /// Who shall have it; none: whoever has the mailbox.
    pub group: Option<GroupId>,
    pub handoff: Option<Handoff>,
    /// The rule because of which nothing is answered.
    pub suppressed_by: Option<RuleId>,
    pub priority: Priority,
    /// Whose answer it is.
    pub replying: Option<RuleId>,
    /// What would be answered if the rules were sure enough.
    pub suggested: Option<TemplateName>,
    /// Sorted, each once.
    pub tags: Vec<String>,
    /// What the mail says, and what rules set.
    pub fields: BTreeMap<String, String>,
    /// Fields to ask for: wanted and not found.
    pub ask: Vec<String>,
    /// The reply does nothing but ask for them.
    pub asks: bool,
    pub offer_human: bool,
    /// Humans get a copy, whatever is answered.
    pub forward: bool,
    /// The case is closed after this long without a mail; zero: now.
    pub close: Option<Duration>,
    /// Told in a few words; each once.
    pub notify: Vec<Notified>,
    pub wish: Option<Wish>,
    /// Stretches of the mail that nobody shall read: masked wherever they would be shown.
    pub redact: Vec<String>,
    /// Why there is no category. None where there is one, or where a guard stopped before the question.
    pub why_not: Option<Ambiguity>,
}

/// The category that a mail is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Won {
    pub category: CategoryId,
    pub score: f64,
    /// Its lead over the second best.
    pub margin: f64,
    /// Enough of both that its rules may answer.
    pub sure: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CategoryScore {
    pub category: CategoryId,
    pub score: f64,
    pub threshold: f64,
    /// The strongest first.
    pub contributions: Vec<Contribution>,
}

/// What one rule, or one boost of it, added to a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    pub rule: RuleId,
    /// The weight in the rule times the factor of the segment.
    pub weight: f64,
    pub evidence: Vec<Evidence>,
}

/// A rule that held.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub rule: RuleId,
    pub phase: Phase,
    /// It had no effect.
    pub shadow: bool,
    pub evidence: Vec<Evidence>,
}

/// Words of the original text that made a condition hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub segment: Segment,
    /// Octets in the segment as it stands in the message; in a header field, in its value.
    pub range: Range<usize>,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handoff {
    /// None: whoever has the mailbox.
    pub to: Option<GroupId>,
    pub reason: String,
}

/// Why no category won.
#[derive(Debug, Clone, PartialEq)]
pub enum Ambiguity {
    /// No rule had anything to say for any category.
    Nothing,
    BelowThreshold {
        category: CategoryId,
        score: f64,
        threshold: f64,
    },
    TooClose {
        first: CategoryId,
        second: CategoryId,
        lead: f64,
        margin: f64,
    },
}

impl std::fmt::Display for Notified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Notified::Group(group) => write!(f, "{group}"),
            Notified::Address(address) => write!(f, "{address}"),
        }
    }
}

impl<'a> Input<'a> {
    /// The first mail of somebody of whom nothing is known.
    pub fn first(message: &'a Message, language: Language, now: Timestamp) -> Input<'a> {
        Input {
            message,
            case: CaseMoment::New,
            language,
            now,
            subject_unchanged: false,
            exchanges: 1,
            answers: 0,
            group: None,
            tier: None,
            tier_group: None,
            age: Duration::ZERO,
            open_cases: 0,
            proofs: Proofs::default(),
        }
    }
}

impl Proof {
    pub const ALL: [Proof; 3] = [Proof::Pass, Proof::Fail, Proof::Unknown];

    pub fn as_str(self) -> &'static str {
        match self {
            Proof::Pass => "pass",
            Proof::Fail => "fail",
            Proof::Unknown => "unknown",
        }
    }
}

impl CaseMoment {
    pub const ALL: [CaseMoment; 5] =
        [CaseMoment::New, CaseMoment::Reply, CaseMoment::Offered, CaseMoment::HandedOff, CaseMoment::Closed];

    pub fn as_str(self) -> &'static str {
        match self {
            CaseMoment::New => "new",
            CaseMoment::Reply => "reply",
            CaseMoment::Offered => "offered",
            CaseMoment::HandedOff => "handed-off",
            CaseMoment::Closed => "closed",
        }
    }

    /// `handed_off` and the name of the case's state, `with-agents`, say the same as `handed-off`.
    pub fn parse(text: &str) -> Option<CaseMoment> {
        match text {
            "handed_off" | "with-agents" => Some(CaseMoment::HandedOff),
            text => CaseMoment::ALL.into_iter().find(|moment| moment.as_str() == text),
        }
    }
}

impl Judgement {
    /// Does it end the case now, and not after a time?
    pub fn closes_at_once(&self) -> bool {
        self.close.is_some_and(|after| after.is_zero())
    }

    /// Did this rule hold, with or without effect?
    pub fn hit(&self, rule: &RuleId) -> Option<&Hit> {
        self.hits.iter().find(|hit| hit.rule == *rule)
    }

    pub fn score_of(&self, category: &CategoryId) -> f64 {
        self.scores.iter().find(|score| score.category == *category).map_or(0.0, |score| score.score)
    }
}
