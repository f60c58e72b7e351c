//! What would come of a mail, as far as rules and templates have a say in it, without writing a letter: what
//! `huixin rules backtest` compares, over thousands of mails.
//!
//! Budgets, suppressions and proofs of the sender are left aside. They were what they were on that day, and would hide
//! what a change of the rules changes.

use std::cell::OnceCell;
use std::time::Duration;

use super::plan::Plan;
use super::scene::Scene;
use super::{Mail, group, heard, question, screened};
use crate::case::{Case, Facts};
use crate::ids::{CategoryId, GroupId, TemplateName};
use crate::message::Message;
use crate::playbook::Playbook;
use crate::rules::{Change, Input, Judgement, Suppose, Wish};
use crate::screen::{self, Screening};
use crate::thread::{self, Threading};
use crate::time::Timestamp;

/// See the module text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upshot {
    pub category: Option<CategoryId>,
    /// What the requester would be answered with.
    pub reply: Option<TemplateName>,
    /// Who has the case.
    pub group: GroupId,
    /// Humans get the mail.
    pub handoff: bool,
}

/// One thing in which two upshots may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Aspect {
    Category,
    Reply,
    Group,
    Handoff,
}

/// A mail, decided once more.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreseen {
    pub upshot: Upshot,
    pub judgement: Judgement,
}

impl Aspect {
    pub const ALL: [Aspect; 4] = [Aspect::Category, Aspect::Reply, Aspect::Group, Aspect::Handoff];

    pub fn as_str(self) -> &'static str {
        match self {
            Aspect::Category => "category",
            Aspect::Reply => "reply",
            Aspect::Group => "group",
            Aspect::Handoff => "handoff",
        }
    }
}

impl Upshot {
    /// What this aspect is, in a word.
    pub fn told(&self, aspect: Aspect) -> &str {
        match aspect {
            Aspect::Category => self.category.as_ref().map_or("none", CategoryId::as_str),
            Aspect::Reply => self.reply.as_ref().map_or("none", TemplateName::as_str),
            Aspect::Group => self.group.as_str(),
            Aspect::Handoff if self.handoff => "to humans",
            Aspect::Handoff => "no humans",
        }
    }

    /// In what the other differs from this.
    pub fn changes(&self, other: &Upshot) -> impl Iterator<Item = Aspect> {
        Aspect::ALL.into_iter().filter(|aspect| self.told(*aspect) != other.told(*aspect))
    }
}

/// A mail, threaded once and screened once at most, to be decided under several playbooks of one configuration.
pub struct Foresight<'a> {
    mail: Mail<'a>,
    facts: Facts,
    playbook: &'a Playbook,
    now: Timestamp,
    threading: Threading,
    screening: OnceCell<Screening>,
    /// The mail without our own lines, where it follows others.
    heard: Option<Message>,
}

impl<'a> Foresight<'a> {
    /// Of the playbook only its configuration is asked.
    pub fn of(mail: &Mail<'a>, facts: &Facts, playbook: &'a Playbook, now: Timestamp) -> Foresight<'a> {
        let threading = thread::thread(mail.message, facts, playbook.key(), true, Duration::ZERO, now);
        let heard = match &threading {
            Threading::Follows { case, .. } => Some(heard::heard(mail.message, &case.said).into_owned()),
            Threading::Twin(_) | Threading::New | Threading::Continues(_) => None,
        };
        Foresight { mail: *mail, facts: facts.clone(), playbook, now, threading, screening: OnceCell::new(), heard }
    }

    /// What would come of it; `suppose` changes one rule.
    pub fn under(&self, playbook: &Playbook, suppose: Option<Suppose<'_>>) -> Foreseen {
        let question = self.question();
        let judgement = match suppose {
            None => playbook.rules().judge_without_scores(&question),
            Some(suppose) => playbook.rules().judge_as_if(&question, suppose),
        };
        Foreseen { upshot: self.upshot(playbook, &judgement), judgement }
    }

    /// What would come of it under each of two playbooks with this change between their rules; none if it is surely
    /// the same, which is found out without doing everything twice.
    pub fn shift(&self, before: &Playbook, after: &Playbook, change: &Change<'_>) -> Option<(Upshot, Upshot)> {
        let (one, other) = change.judge(&self.question())?;
        if self.gist(before, &one) == self.gist(after, &other) {
            return None;
        }
        let (from, to) = (self.upshot(before, &one), self.upshot(after, &other));
        (from != to).then_some((from, to))
    }

    fn question(&self) -> Input<'_> {
        let mail = &self.mail();
        let authentication = screen::authenticate(mail.message, self.playbook.desk(), mail.findings);
        question(mail, self.before(), &self.facts, &authentication, self.playbook, self.now)
    }

    fn upshot(&self, playbook: &Playbook, judgement: &Judgement) -> Upshot {
        let (mail, before) = (&self.mail(), self.before());
        let screening = self.screening.get_or_init(|| screened(mail, self.playbook, self.now));
        let scene = Scene { mail, screening, threading: &self.threading, before, judgement, playbook, now: self.now };
        let plan = Plan::of(&scene).with_copy(judgement);
        Upshot {
            category: judgement.category.as_ref().map(|won| won.category.clone()),
            reply: plan.template().filter(|_| judgement.suppressed_by.is_none()).cloned(),
            // Nobody is told of what is only recorded; who has the case stays as it was.
            group: match plan.moves_the_case() {
                false => before.map_or(&mail.mailbox.group, |case| &case.group).clone(),
                true => group(before, mail, judgement, playbook),
            },
            handoff: plan.goes_to_humans() || (judgement.suppressed_by.is_some() && plan.template().is_some()),
        }
    }

    fn gist<'j>(&self, playbook: &Playbook, judgement: &'j Judgement) -> Gist<'j> {
        let category = judgement.category.as_ref().map(|won| &won.category);
        let group = group(self.before(), &self.mail(), judgement, playbook);
        Gist {
            category,
            reply: judgement.reply.as_ref(),
            handed_off: judgement.handoff.is_some(),
            forward: judgement.forward,
            closes: judgement.closes_at_once(),
            wish: judgement.wish,
            asks: judgement.asks,
            suppressed: judgement.suppressed_by.is_some(),
            may_answer_alone: category.is_some_and(|category| playbook.may_answer_alone(category)),
            handoff_template: playbook.handoff_template(&group, self.now),
            group,
        }
    }

    fn mail(&self) -> Mail<'_> {
        Mail { message: self.heard.as_ref().unwrap_or(self.mail.message), ..self.mail }
    }

    fn before(&self) -> Option<&Case> {
        match &self.threading {
            Threading::Follows { case, .. } => Some(case),
            Threading::Twin(_) | Threading::New | Threading::Continues(_) => None,
        }
    }
}

/// All that an upshot takes from a judgement and a playbook: where it is the same the upshot is, whatever the mail, and
/// nobody needs to screen it.
#[derive(PartialEq)]
struct Gist<'j> {
    category: Option<&'j CategoryId>,
    reply: Option<&'j TemplateName>,
    handed_off: bool,
    forward: bool,
    closes: bool,
    wish: Option<Wish>,
    asks: bool,
    suppressed: bool,
    may_answer_alone: bool,
    handoff_template: TemplateName,
    group: GroupId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upshots_differ_in_their_aspects() {
        let one = Upshot {
            category: CategoryId::parse("a").ok(),
            reply: TemplateName::parse("kb/a").ok(),
            group: GroupId::parse("g").unwrap(),
            handoff: false,
        };
        let other = Upshot { category: None, handoff: true, ..one.clone() };
        assert_eq!(one.changes(&other).collect::<Vec<_>>(), [Aspect::Category, Aspect::Handoff]);
        assert_eq!((other.told(Aspect::Category), other.told(Aspect::Handoff)), ("none", "to humans"));
        assert_eq!(one.changes(&one).count(), 0);
    }
}
