//! A case as it lies in the journal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::form::{is_default, list, maybe, one};
use crate::address::Address;
use crate::case::{Alarm, Case, CaseState, Course, Milestone, Priority, Said, Step, Timer, Topic, Work};
use crate::ids::{CaseNumber, CategoryId, GroupId, MailboxName, MessageId, TemplateName};
use crate::language::Language;
use crate::time::Timestamp;

#[derive(Serialize, Deserialize)]
#[serde(remote = "Case")]
pub(super) struct CaseV1 {
    #[serde(with = "one")]
    number: CaseNumber,
    #[serde(with = "one")]
    state: CaseState,
    #[serde(with = "one")]
    mailbox: MailboxName,
    #[serde(with = "maybe")]
    requester: Option<Address>,
    #[serde(with = "one")]
    language: Language,
    #[serde(with = "maybe")]
    category: Option<CategoryId>,
    #[serde(with = "one")]
    group: GroupId,
    opened: Timestamp,
    touched: Timestamp,
    received: u32,
    answers: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    acknowledgements: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    statuses: u32,
    forwards: u32,
    #[serde(default, with = "maybe")]
    last_answer: Option<TemplateName>,
    #[serde(default, with = "one", skip_serializing_if = "Said::is_empty")]
    said: Said,
    #[serde(default, with = "one", skip_serializing_if = "is_default")]
    work: Work,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Work")]
pub(super) struct WorkV1 {
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    agent: Option<Address>,
    #[serde(default, with = "one", skip_serializing_if = "is_default")]
    priority: Priority,
    #[serde(default, with = "list", skip_serializing_if = "Vec::is_empty")]
    thread: Vec<MessageId>,
    #[serde(default, skip_serializing_if = "is_default")]
    fields: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "is_default")]
    asked: bool,
    #[serde(default, with = "list", skip_serializing_if = "Vec::is_empty")]
    timers: Vec<Timer>,
    #[serde(default, skip_serializing_if = "is_default")]
    relays: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    closed: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_default")]
    rating: Option<u8>,
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    merged: Option<CaseNumber>,
    #[serde(default, skip_serializing_if = "is_default")]
    surveyed: bool,
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    topic: Option<Topic>,
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    continues: Option<CaseNumber>,
    #[serde(default, skip_serializing_if = "is_default")]
    chasers: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    chased: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_default")]
    added: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    warned: bool,
    #[serde(default, with = "steps", skip_serializing_if = "is_default")]
    course: Course,
}

/// The steps of a case, in order.
mod steps {
    use serde::{Deserializer, Serializer};

    use super::*;

    pub fn serialize<S: Serializer>(course: &Course, to: S) -> Result<S::Ok, S::Error> {
        list::serialize(course.steps(), to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Course, D::Error> {
        list::deserialize(from).map(Course::from_steps)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Step")]
pub(super) struct StepV1 {
    at: Timestamp,
    #[serde(with = "one")]
    what: Milestone,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Timer")]
pub(super) struct TimerV1 {
    at: Timestamp,
    #[serde(with = "one")]
    what: Alarm,
}
