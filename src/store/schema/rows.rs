//! The rows of the state. They are made anew from the journal whenever their number changes, so there is no older form.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::form::{As, OnDisk, is_default, maybe, mirrors, one};
use crate::case::AgentFacts;
use crate::ids::{CaseNumber, MailboxName, MessageId};
use crate::mailbox::{Cursor, Place};
use crate::outgoing::{Envelope, Purpose};
use crate::store::journal::Position;
use crate::store::record::{Outcome, StartMark};
use crate::store::state::{Ledgered, MailboxRow, OutboxItem};
use crate::time::Timestamp;

/// The number of their form.
pub(in crate::store) const STATE_FORMAT: u32 = 6;

/// A row of the state.
pub(in crate::store) fn row<T: OnDisk>(value: &T) -> Vec<u8> {
    serde_json::to_vec(&As(value)).expect("a row has text keys and plain values")
}

/// Reads a row of the state; the error is for a person.
pub(in crate::store) fn read_row<T: OnDisk>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map(|As(value)| value).map_err(|e| e.to_string())
}

mirrors! {
    Ledgered: LedgeredRow,
    MailboxRow: MailboxRowMirror,
    OutboxItem: OutboxRow,
    AgentFacts: AgentRow,
    Position: PositionRow,
    Cursor: CursorRow,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Ledgered")]
struct LedgeredRow {
    #[serde(with = "one")]
    outcome: Outcome,
    at: Timestamp,
    #[serde(with = "one")]
    mailbox: MailboxName,
    #[serde(with = "one")]
    place: Place,
    #[serde(with = "one")]
    position: Position,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "MailboxRow")]
struct MailboxRowMirror {
    #[serde(with = "maybe")]
    started: Option<StartMark>,
    #[serde(with = "maybe")]
    cursor: Option<Cursor>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OutboxItem")]
struct OutboxRow {
    #[serde(with = "one")]
    message_id: MessageId,
    #[serde(with = "maybe")]
    case: Option<CaseNumber>,
    #[serde(with = "one")]
    purpose: Purpose,
    #[serde(with = "one")]
    envelope: Envelope,
    queued: Timestamp,
    due: Timestamp,
    attempts: u32,
    last: Option<String>,
    #[serde(with = "maybe")]
    started: Option<Position>,
    #[serde(with = "one")]
    position: Position,
    index: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    held: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    released: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AgentFacts")]
struct AgentRow {
    open: u32,
    assigned: Option<Timestamp>,
    away_until: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Position")]
struct PositionRow(u64);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Cursor")]
struct CursorRow {
    uid_validity: u32,
    uid: u32,
}
