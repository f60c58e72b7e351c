//! A rule, as compiled from its file.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::condition::{Condition, When};
use super::inline_test::InlineTest;
use super::judgement::{Notified, Wish};
use super::segment::Segments;
use super::taxonomy::{Label, Priority};
use crate::ids::{CategoryId, GroupId, RuleId, TemplateName};
use crate::problem::SourceText;
use crate::time::{Date, Timestamp};

/// A rule: when its conditions hold, it adds to the score of a category, or acts.
#[derive(Debug)]
pub struct Rule {
    pub id: RuleId,
    pub title: Label,
    pub phase: Phase,
    pub status: Status,
    pub enabled: bool,
    pub category: Option<CategoryId>,
    /// The file it stands in, and where.
    pub source: SourceText,
    pub span: Range<usize>,
    pub(super) priority: i64,
    /// It is asked from then on, and no longer than until then.
    pub(super) valid: (Option<Timestamp>, Option<Timestamp>),
    /// When somebody shall look whether it is still right.
    pub(super) review_by: Option<(Date, Range<usize>)>,
    /// Findings of the lint that are meant to be there.
    pub(super) allows: Vec<Allow>,
    /// Points for each category, [`Rule::category`] among them.
    pub(super) weights: Vec<(CategoryId, f64)>,
    /// Where its words are looked for when a condition does not say.
    pub(super) scope: Option<Segments>,
    pub(super) when: When,
    pub(super) boosts: Vec<Boost>,
    pub(super) actions: Actions,
    pub(super) tests: Vec<InlineTest>,
}

/// When a rule is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Before anything is scored, in order of priority.
    Guard,
    /// All of them, adding to scores.
    Classify,
    /// After the category is known, in order of priority.
    Route,
}

/// How far a rule is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Only its own tests ask it.
    Draft,
    /// It is asked, and what it would have done is told, but it has no effect.
    Shadow,
    Stable,
    /// In force, and to be replaced.
    Deprecated,
}

/// Evidence that adds to a rule that holds, and is never required.
#[derive(Debug)]
pub(super) struct Boost {
    pub(super) condition: Condition,
    pub(super) weight: f64,
    /// The field that keeps what was found.
    pub(super) capture: Option<String>,
}

/// `{ code = "W02", reason = "…" }`: a finding that is not told.
#[derive(Debug, Clone)]
pub(super) struct Allow {
    pub(super) code: String,
    pub(super) span: Range<usize>,
}

/// What a rule wants done.
#[derive(Debug, Default)]
pub(super) struct Actions {
    pub(super) reply: Option<Reply>,
    pub(super) group: Option<GroupId>,
    pub(super) priority: Option<PriorityChange>,
    pub(super) tags: Vec<String>,
    pub(super) set: BTreeMap<String, String>,
    pub(super) ask: Vec<String>,
    pub(super) handoff: Option<HandoffAction>,
    pub(super) suppress: bool,
    pub(super) forward: bool,
    pub(super) offer_human: bool,
    pub(super) close: Option<Duration>,
    pub(super) stop: bool,
    /// The reply as long as one of the fields in `ask` is not known.
    pub(super) ask_template: Option<Reply>,
    pub(super) notify: Vec<Notified>,
    pub(super) redact: Redact,
    pub(super) wish: Option<Wish>,
}

/// What nobody shall read.
#[derive(Debug, Default)]
pub(super) struct Redact {
    /// What the rule's `secret` conditions and its captures of that name found.
    pub(super) secrets: bool,
    /// The values of these fields.
    pub(super) fields: Vec<String>,
}

/// The template of a reply; `{hours}` in its name makes two of it.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) open: TemplateName,
    pub(super) closed: TemplateName,
    pub(super) span: Range<usize>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum PriorityChange {
    Set(Priority),
    Raise(i32),
}

#[derive(Debug)]
pub(super) struct HandoffAction {
    /// None: whoever takes care of the category.
    pub(super) to: Option<GroupId>,
    pub(super) reason: String,
}

impl Phase {
    pub const ALL: [Phase; 3] = [Phase::Guard, Phase::Classify, Phase::Route];

    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Guard => "guard",
            Phase::Classify => "classify",
            Phase::Route => "route",
        }
    }
}

impl Status {
    pub const ALL: [Status; 4] = [Status::Draft, Status::Shadow, Status::Stable, Status::Deprecated];

    pub fn as_str(self) -> &'static str {
        match self {
            Status::Draft => "draft",
            Status::Shadow => "shadow",
            Status::Stable => "stable",
            Status::Deprecated => "deprecated",
        }
    }
}

impl Rule {
    /// Has it any effect?
    pub fn in_force(&self) -> bool {
        self.enabled && matches!(self.status, Status::Stable | Status::Deprecated)
    }

    /// Is it in its time?
    pub(super) fn is_valid(&self, now: Timestamp) -> bool {
        let (from, until) = self.valid;
        from.is_none_or(|from| from <= now) && until.is_none_or(|until| now < until)
    }

    /// Has it no points of its own, only those of the evidence it adds up? Such a rule holds wherever there is any.
    pub fn only_weighs(&self) -> bool {
        self.weights.is_empty() && !self.boosts.is_empty()
    }

    /// Is a finding with this code meant to be there?
    pub fn allows(&self, code: &str) -> bool {
        self.allows.iter().any(|allow| allow.code == code)
    }

    /// Is it asked, and its answer told, without effect?
    pub fn in_shadow(&self) -> bool {
        self.enabled && self.status == Status::Shadow
    }
}
