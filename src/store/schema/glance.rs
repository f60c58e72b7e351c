//! A record read at a glance: what a replay asks of it, and no more. Letters and reasons, which are nearly all of a
//! record, are read over, and so is what other records say.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::record::Outcome;
use super::{list, one, read};
use crate::case::Lesson;
use crate::ids::{CaseNumber, MailHash, MailboxName};
use crate::time::Timestamp;

/// See the module text.
pub(in crate::store) enum Glance {
    Decided(GlancedDecision),
    /// A case changed without a mail.
    Changed(CaseNumber),
    Other,
}

/// A decision without what it led to.
#[derive(Deserialize)]
pub(in crate::store) struct GlancedDecision {
    #[serde(with = "one")]
    pub(in crate::store) mailbox: MailboxName,
    #[serde(with = "one")]
    pub(in crate::store) hash: MailHash,
    pub(in crate::store) at: Timestamp,
    pub(in crate::store) delivered: Timestamp,
    #[serde(with = "one")]
    pub(in crate::store) outcome: Outcome,
    /// Is the case told, as it stands after it?
    pub(in crate::store) case: Option<IgnoredAny>,
    #[serde(default)]
    pub(in crate::store) orders: GlancedOrders,
}

/// What an agent's mail taught.
#[derive(Deserialize, Default)]
pub(in crate::store) struct GlancedOrders {
    #[serde(default, with = "list")]
    pub(in crate::store) learned: Vec<Lesson>,
}

/// A record stands on disk as an object with one key, its kind: those of other kinds are keys that are not asked for.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct GlanceV1 {
    decided: Option<GlancedDecision>,
    changed: Option<GlancedChange>,
}

#[derive(Deserialize)]
struct GlancedChange {
    case: GlancedCase,
}

#[derive(Deserialize)]
struct GlancedCase {
    #[serde(with = "one")]
    number: CaseNumber,
}

/// The record in a payload of any version, at a glance; the error is for a person.
pub(in crate::store) fn glance(payload: &[u8]) -> Result<Glance, String> {
    let seen: GlanceV1 = read(payload)?;
    Ok(match (seen.decided, seen.changed) {
        (Some(decided), _) => Glance::Decided(decided),
        (None, Some(changed)) => Glance::Changed(changed.case.number),
        (None, None) => Glance::Other,
    })
}
