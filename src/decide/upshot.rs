//! What would come of a mail, as far as rules and templates have a say in it, without writing a letter: what
//! `huixin rules backtest` compares, over thousands of mails.
//!
//! Budgets, suppressions and proofs of the sender are left aside. They were what they were on that day, and would hide
//! what a change of the rules changes.

use std::cell::OnceCell;

use super::{Mail, Plan, group, heard, plan, question, screened};
use crate::case::Facts;
use crate::ids::{CategoryId, GroupId, TemplateName};
use crate::message::Message;
use crate::playbook::Playbook;
use crate::rules::{Change, Judgement, Suppose};
use crate::screen::Screening;
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
        let threading = thread::thread(mail.message, facts);
        let heard = match &threading {
            Threading::Follows { case, .. } => Some(heard::heard(mail.message, &case.said).into_owned()),
            Threading::Twin(_) | Threading::New => None,
        };
        Foresight { mail: *mail, facts: facts.clone(), playbook, now, threading, screening: OnceCell::new(), heard }
    }

    /// Is it foreseen alike under two playbooks of one configuration between whose rules there is this change?
    /// A no may be wrong, a yes is not: of templates only the names have a say.
    pub fn is_beyond(&self, change: &Change) -> bool {
        !change.may_matter(self.heard.as_ref().unwrap_or(self.mail.message))
    }

    /// What would come of it; `suppose` changes one rule.
    pub fn under(&self, playbook: &Playbook, suppose: Option<Suppose<'_>>) -> Foreseen {
        let mail = &Mail { message: self.heard.as_ref().unwrap_or(self.mail.message), ..self.mail };
        let before = match &self.threading {
            Threading::Follows { case, .. } => Some(case.as_ref()),
            Threading::Twin(_) | Threading::New => None,
        };
        let (screening, threading) =
            (self.screening.get_or_init(|| screened(mail, self.playbook, self.now)), &self.threading);
        let question = question(mail, before, &self.facts, screening, playbook, self.now);
        let judgement = match suppose {
            None => playbook.rules().judge(&question),
            Some(suppose) => playbook.rules().judge_as_if(&question, suppose),
        };
        let plan = plan(mail, screening, threading, before, &judgement, playbook, self.now).with_copy(&judgement);
        let upshot = Upshot {
            category: judgement.category.as_ref().map(|won| won.category.clone()),
            reply: plan.template().filter(|_| judgement.suppressed_by.is_none()).cloned(),
            // Nobody is told of what is only recorded; who has the case stays as it was.
            group: match plan {
                Plan::Record => before.map_or(&mail.mailbox.group, |case| &case.group).clone(),
                _ => group(before, mail, &judgement, playbook),
            },
            handoff: plan.goes_to_humans() || (judgement.suppressed_by.is_some() && plan.template().is_some()),
        };
        Foreseen { upshot, judgement }
    }
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
