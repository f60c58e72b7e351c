//! What rules say, each in its turn.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Priority;
use super::judgement::{Notified, Wish};
use super::rule::{PriorityChange, Reply, Rule};
use crate::ids::{GroupId, RuleId};

/// What rules have said so far, in order of precedence: who comes first stays.
#[derive(Default)]
pub(super) struct Said<'r> {
    /// The first rule that says what to answer.
    pub(super) reply: Option<&'r Rule>,
    pub(super) group: Option<&'r GroupId>,
    pub(super) handoff: Option<(Option<&'r GroupId>, &'r str)>,
    pub(super) priority: Option<Priority>,
    pub(super) raise: i32,
    pub(super) tags: BTreeSet<String>,
    pub(super) ask: Option<&'r [String]>,
    pub(super) suppressed_by: Option<&'r RuleId>,
    pub(super) close: Option<Duration>,
    pub(super) forward: bool,
    pub(super) offer_human: bool,
    pub(super) notify: BTreeSet<&'r Notified>,
    pub(super) wish: Option<Wish>,
}

impl<'r> Said<'r> {
    pub(super) fn hear(&mut self, rule: &'r Rule) {
        let actions = &rule.actions;
        if actions.reply.is_some() || actions.ask_template.is_some() {
            self.reply = self.reply.or(Some(rule));
        }
        self.group = self.group.or(actions.group.as_ref());
        self.handoff =
            self.handoff.or(actions.handoff.as_ref().map(|handoff| (handoff.to.as_ref(), handoff.reason.as_str())));
        match actions.priority {
            Some(PriorityChange::Set(priority)) => self.priority = self.priority.or(Some(priority)),
            Some(PriorityChange::Raise(steps)) => self.raise = self.raise.saturating_add(steps),
            None => {}
        }
        self.tags.extend(actions.tags.iter().cloned());
        if self.ask.is_none() && !actions.ask.is_empty() {
            self.ask = Some(&actions.ask);
        }
        if actions.suppress {
            self.suppressed_by = self.suppressed_by.or(Some(&rule.id));
        }
        self.close = self.close.or(actions.close);
        self.forward |= actions.forward;
        self.offer_human |= actions.offer_human;
        self.notify.extend(&actions.notify);
        self.wish = self.wish.or(actions.wish);
    }

    /// Is the reply what asks for the missing fields?
    pub(super) fn asks(&self, fields: &BTreeMap<String, String>) -> bool {
        let actions = self.reply.filter(|_| self.suppressed_by.is_none());
        let asks = actions.and_then(|rule| rule.actions.ask_template.as_ref());
        asks.is_some_and(|asks| self.reply(fields).is_some_and(|reply| std::ptr::eq(reply, asks)))
    }

    /// What is answered: what asks for the missing fields, as long as one is missing.
    pub(super) fn reply(&self, fields: &BTreeMap<String, String>) -> Option<&'r Reply> {
        let actions = &self.reply.filter(|_| self.suppressed_by.is_none())?.actions;
        let missing = actions.ask.iter().any(|field| !fields.contains_key(field));
        actions.ask_template.as_ref().filter(|_| missing).or(actions.reply.as_ref())
    }
}
