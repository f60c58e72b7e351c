//! What lies on disk: the only types that know JSON. Each mirrors a type of ours (`serde(remote)`), so the form
//! on disk is written down here and nowhere else, and the compiler sees to it that nothing is left out.
//!
//! A payload is one version byte and JSON. A field may be added with `#[serde(default)]`; a change of meaning
//! takes a new version byte, whose reader stands beside the old one. `tests/fixtures/journal-v1.log` is read
//! by a test for ever.

mod case;
mod form;
mod glance;
mod rows;

pub(super) use form::OnDisk;
pub(super) use glance::{Glance, GlancedDecision, glance};
pub(super) use rows::{STATE_FORMAT, read_row, row};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::case::{CaseV1, StepV1, TimerV1, WorkV1};
use self::form::{As, is_default, list, maybe, mirrors, one};
use super::StoreError;
use super::journal::Position;
use super::record::{Asked, Changed, Decided, Manners, Orders, Outcome, Record, StartMark, Why};
use crate::address::{Address, ReversePath};
use crate::case::{
    Absence, Case, Cause, Folded, Haste, Lesson, Prints, Robot, Scope, Step, Suppression, Timer, Tripped, Twin, Work,
};
use crate::ids::{CaseNumber, MailHash, MailboxName, MessageId, RequestId};
use crate::mailbox::Place;
use crate::outgoing::{Content, Envelope, Leaves, Outgoing, Purpose};
use crate::time::Timestamp;

/// The version written now.
const VERSION: u8 = 1;

/// The payload of a record. It is read back before it is handed out, so nothing is ever written that could
/// not be read at the next start.
pub(super) fn encode(record: &Record) -> Result<Vec<u8>, StoreError> {
    let mut payload = vec![VERSION];
    serde_json::to_writer(&mut payload, &As(record)).map_err(|e| StoreError::Refused(e.to_string()))?;
    match decode(&payload) {
        Ok(read) if read == *record => Ok(payload),
        Ok(_) => Err(StoreError::Refused("it would read back differently".into())),
        Err(why) => Err(StoreError::Refused(format!("it would not read back: {why}"))),
    }
}

/// The record in a payload of any version; the error is for a person.
pub(super) fn decode(payload: &[u8]) -> Result<Record, String> {
    read(payload).map(|As(record)| record)
}

/// What stands behind the version byte, or as much of it as `T` asks for.
fn read<'p, T: Deserialize<'p>>(payload: &'p [u8]) -> Result<T, String> {
    match payload.split_first() {
        Some((&VERSION, json)) => serde_json::from_slice(json).map_err(|e| e.to_string()),
        Some((version, _)) => {
            Err(format!("the record has version {version}; this program reads version {VERSION}, a newer one wrote it"))
        }
        None => Err("the record is empty".into()),
    }
}

mirrors! {
    Record: RecordV1,
    Decided: DecidedV1,
    Changed: ChangedV1,
    Asked: AskedV1,
    Outcome: OutcomeV1,
    Why: WhyV1,
    StartMark: StartMarkV1,
    Place: PlaceV1,
    Case: CaseV1,
    Work: WorkV1,
    Timer: TimerV1,
    Step: StepV1,
    Orders: OrdersV1,
    Absence: AbsenceV1,
    Leaves: LeavesV1,
    Suppression: SuppressionV1,
    Manners: MannersV1,
    Tripped: TrippedV1,
    Haste: HasteV1,
    Robot: RobotV1,
    Folded: FoldedV1,
    Outgoing: OutgoingV1,
    Envelope: EnvelopeV1,
    Content: ContentV1,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Record", rename_all = "kebab-case")]
enum RecordV1 {
    Started {
        #[serde(with = "one")]
        mailbox: MailboxName,
        #[serde(with = "one")]
        mark: StartMark,
    },
    Taken {
        #[serde(with = "one")]
        mailbox: MailboxName,
        #[serde(with = "one")]
        place: Place,
        #[serde(with = "one")]
        hash: MailHash,
        attempt: u32,
        at: Timestamp,
    },
    Decided(#[serde(with = "one")] Box<Decided>),
    Again {
        #[serde(with = "one")]
        mailbox: MailboxName,
        #[serde(with = "one")]
        place: Place,
        #[serde(with = "one")]
        hash: MailHash,
        at: Timestamp,
    },
    Settled {
        #[serde(with = "one")]
        mailbox: MailboxName,
        #[serde(with = "list")]
        places: Vec<Place>,
    },
    Vanished {
        #[serde(with = "one")]
        mailbox: MailboxName,
        #[serde(with = "one")]
        place: Place,
        at: Timestamp,
    },
    Changed(#[serde(with = "one")] Box<Changed>),
    Digested {
        at: Timestamp,
        #[serde(with = "one")]
        to: Address,
        through: u64,
        #[serde(with = "one")]
        mail: Outgoing,
    },
    Reported {
        at: Timestamp,
        through: u64,
        #[serde(with = "list")]
        mails: Vec<Outgoing>,
    },
    Released {
        at: Timestamp,
        by: String,
        reason: String,
    },
    Told {
        at: Timestamp,
        #[serde(with = "one")]
        notice: Outgoing,
    },
    SendStart {
        #[serde(with = "one")]
        message_id: MessageId,
        attempt: u32,
        at: Timestamp,
    },
    Sent {
        #[serde(with = "one")]
        message_id: MessageId,
        at: Timestamp,
        response: String,
    },
    Deferred {
        #[serde(with = "one")]
        message_id: MessageId,
        attempt: u32,
        at: Timestamp,
        until: Timestamp,
        why: String,
    },
    Failed {
        #[serde(with = "one")]
        message_id: MessageId,
        at: Timestamp,
        why: String,
        #[serde(with = "maybe")]
        notice: Option<Outgoing>,
    },
    Asked(#[serde(with = "one")] Box<Asked>),
    Repaired {
        at: Timestamp,
        #[serde(with = "one")]
        position: Position,
        octets: u64,
    },
    Forgotten {
        at: Timestamp,
        #[serde(with = "list")]
        mails: Vec<MailHash>,
    },
    Erased {
        at: Timestamp,
        #[serde(with = "list")]
        cases: Vec<CaseNumber>,
        #[serde(with = "list")]
        mails: Vec<MailHash>,
        #[serde(with = "list")]
        withdrawn: Vec<MessageId>,
    },
    Compacted {
        at: Timestamp,
        by_age: bool,
        #[serde(with = "list")]
        cases: Vec<CaseNumber>,
    },
    Drawn {
        at: Timestamp,
        #[serde(with = "list")]
        spent: Vec<Scope>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Decided")]
struct DecidedV1 {
    #[serde(with = "one")]
    mailbox: MailboxName,
    #[serde(with = "one")]
    place: Place,
    #[serde(with = "one")]
    hash: MailHash,
    at: Timestamp,
    delivered: Timestamp,
    #[serde(with = "one")]
    outcome: Outcome,
    #[serde(with = "maybe")]
    case: Option<Case>,
    #[serde(with = "list")]
    known_as: Vec<MessageId>,
    #[serde(with = "maybe")]
    twin: Option<Twin>,
    #[serde(with = "list")]
    outgoing: Vec<Outgoing>,
    #[serde(with = "list")]
    spent: Vec<Scope>,
    #[serde(default, with = "list", skip_serializing_if = "Vec::is_empty")]
    suppressed: Vec<Suppression>,
    #[serde(default, with = "one", skip_serializing_if = "is_default")]
    orders: Orders,
    #[serde(default, with = "one", skip_serializing_if = "is_default")]
    manners: Manners,
    #[serde(with = "one")]
    why: Why,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Manners")]
struct MannersV1 {
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    came_back: Option<CaseNumber>,
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    tripped: Option<Tripped>,
    #[serde(default, with = "of_someone", skip_serializing_if = "Option::is_none")]
    haste: Option<(Scope, Haste)>,
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    folded: Option<Folded>,
}

/// `[who, what]`, or none.
mod of_someone {
    use super::*;

    pub fn serialize<S: Serializer>(value: &Option<(Scope, Haste)>, to: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(|(scope, haste)| (As(scope), As(haste))).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<(Scope, Haste)>, D::Error> {
        let value = Option::<(As<Scope>, As<Haste>)>::deserialize(from)?;
        Ok(value.map(|(As(scope), As(haste))| (scope, haste)))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Tripped")]
struct TrippedV1 {
    at: Timestamp,
    #[serde(with = "one")]
    cause: Cause,
    count: u32,
    limit: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Haste")]
struct HasteV1 {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answered: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    quick: Vec<Timestamp>,
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    robot: Option<Robot>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Robot")]
struct RobotV1 {
    until: Timestamp,
    #[serde(with = "one")]
    case: CaseNumber,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Folded")]
struct FoldedV1 {
    #[serde(with = "list")]
    to: Vec<Address>,
    #[serde(with = "one")]
    case: CaseNumber,
    #[serde(with = "one")]
    mail: MailHash,
    at: Timestamp,
    #[serde(with = "maybe")]
    from: Option<Address>,
    subject: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Orders")]
struct OrdersV1 {
    #[serde(default, with = "list", skip_serializing_if = "Vec::is_empty")]
    released: Vec<MessageId>,
    #[serde(default, with = "list", skip_serializing_if = "Vec::is_empty")]
    withdrawn: Vec<MessageId>,
    #[serde(default, with = "one", skip_serializing_if = "is_default")]
    internal: Prints,
    #[serde(default, with = "list", skip_serializing_if = "Vec::is_empty")]
    absences: Vec<Absence>,
    #[serde(default, with = "list", skip_serializing_if = "Vec::is_empty")]
    learned: Vec<Lesson>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Absence")]
struct AbsenceV1 {
    #[serde(with = "one")]
    agent: Address,
    until: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Changed")]
struct ChangedV1 {
    at: Timestamp,
    #[serde(with = "one")]
    case: Case,
    #[serde(with = "list")]
    outgoing: Vec<Outgoing>,
    #[serde(with = "list")]
    spent: Vec<Scope>,
    #[serde(with = "one")]
    why: Why,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Asked")]
struct AskedV1 {
    #[serde(with = "one")]
    request: RequestId,
    at: Timestamp,
    by: String,
    what: String,
    said: String,
    #[serde(with = "one")]
    done: Record,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Outcome", rename_all = "kebab-case")]
enum OutcomeV1 {
    Opened(#[serde(with = "one")] CaseNumber),
    Appended(#[serde(with = "one")] CaseNumber),
    Own(#[serde(with = "maybe")] Option<CaseNumber>),
    Duplicate(#[serde(with = "maybe")] Option<CaseNumber>),
    Quarantined(#[serde(with = "maybe")] Option<CaseNumber>),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Why")]
struct WhyV1(Vec<(String, String)>);

#[derive(Serialize, Deserialize)]
#[serde(remote = "StartMark")]
struct StartMarkV1 {
    at: Timestamp,
    uid_validity: u32,
    uid_next: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Place", rename_all = "kebab-case")]
enum PlaceV1 {
    Imap { uid_validity: u32, uid: u32 },
    Maildir { file: String },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Leaves", rename_all = "kebab-case")]
enum LeavesV1 {
    AtOnce,
    At(Timestamp),
    WhenReleased,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Suppression")]
struct SuppressionV1 {
    #[serde(with = "one")]
    address: Address,
    until: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Outgoing")]
struct OutgoingV1 {
    #[serde(with = "one")]
    message_id: MessageId,
    #[serde(with = "one")]
    purpose: Purpose,
    #[serde(with = "maybe")]
    case: Option<CaseNumber>,
    #[serde(with = "one")]
    envelope: Envelope,
    #[serde(with = "one")]
    content: Content,
    #[serde(default, with = "one", skip_serializing_if = "is_default")]
    leaves: Leaves,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Envelope")]
struct EnvelopeV1 {
    #[serde(with = "one")]
    from: ReversePath,
    #[serde(with = "one")]
    to: Address,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Content")]
struct ContentV1 {
    head: String,
    #[serde(with = "maybe")]
    original: Option<MailHash>,
    tail: String,
}
