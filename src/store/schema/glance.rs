//! A record read at a glance: what a replay asks of it, and no more. Letters, which are nearly all of a record, are read
//! over, most of the reasons too, and so is what other records say.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

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
    #[serde(default)]
    pub(in crate::store) why: GlancedWhy,
}

/// Those lines of the reasons that a replay asks for: where a mail went, what it was about, and the answer.
#[derive(Default)]
pub(in crate::store) struct GlancedWhy(pub(in crate::store) Vec<(String, String)>);

/// The keys of those lines.
const ASKED: [&str; 3] = ["thread", "category", "template"];

impl<'de> Deserialize<'de> for GlancedWhy {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<GlancedWhy, D::Error> {
        struct Lines;

        impl<'de> Visitor<'de> for Lines {
            type Value = GlancedWhy;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("lines of a key and a text")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut lines: A) -> Result<GlancedWhy, A::Error> {
                let mut asked = Vec::new();
                while let Some(Line(key, text)) = lines.next_element()? {
                    if ASKED.contains(&key.as_ref()) {
                        asked.push((key.into_owned(), text.into_owned()));
                    }
                }
                Ok(GlancedWhy(asked))
            }
        }

        from.deserialize_seq(Lines)
    }
}

#[derive(Deserialize)]
struct Line<'l>(#[serde(borrow)] Cow<'l, str>, #[serde(borrow)] Cow<'l, str>);

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
