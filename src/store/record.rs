//! What is written down: one record, one frame, all of it or nothing.

use super::journal::Position;
use crate::address::Address;
use crate::case::{Absence, Case, Folded, Haste, Lesson, Prints, Scope, Suppression, Tripped, Twin};
use crate::ids::{CaseNumber, MailHash, MailboxName, MessageId, RequestId};
use crate::mailbox::Place;
use crate::outgoing::Outgoing;
use crate::time::Timestamp;

/// Something that happened, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// The first look into a mailbox.
    Started { mailbox: MailboxName, mark: StartMark },
    /// A mail is in the archive and is about to be read, for the `attempt`-th time.
    Taken { mailbox: MailboxName, place: Place, hash: MailHash, attempt: u32, at: Timestamp },
    /// What was decided about a mail: the commit point.
    Decided(Box<Decided>),
    /// A mail decided earlier lies in another place too.
    Again { mailbox: MailboxName, place: Place, hash: MailHash, at: Timestamp },
    /// A mail was gone before it could be fetched.
    Vanished { mailbox: MailboxName, place: Place, at: Timestamp },
    /// The mailbox has been told what is decided: mails flagged, moved, or left alone, as configured.
    Settled { mailbox: MailboxName, places: Vec<Place> },
    /// A case changed without a mail: by time, or by a human at the terminal.
    Changed(Box<Changed>),
    /// An agent is sent a digest of the mails folded for them up to `through`.
    Digested { at: Timestamp, to: Address, through: u64, mail: Outgoing },
    /// The leads are told how the desk did, by everything that stands in the journal before this octet.
    Reported { at: Timestamp, through: u64, mails: Vec<Outgoing> },
    /// A person has released the breaker.
    Released { at: Timestamp, by: String, reason: String },
    /// The operator is told something about the bot itself.
    Told { at: Timestamp, notice: Outgoing },
    /// An attempt to send begins. Without a result after it, it is in doubt.
    SendStart { message_id: MessageId, attempt: u32, at: Timestamp },
    /// The relay has taken the mail.
    Sent { message_id: MessageId, at: Timestamp, response: String },
    /// The relay has not taken the mail; the next attempt is at `until`.
    Deferred { message_id: MessageId, attempt: u32, at: Timestamp, until: Timestamp, why: String },
    /// The mail will not be sent any more; a human hears of it by the notice.
    Failed { message_id: MessageId, at: Timestamp, why: String, notice: Option<Outgoing> },
    /// An operator asked for something, and it was done: the request and what it changed stand in one frame, so that it
    /// is done once.
    Asked(Box<Asked>),
    /// Here the journal was damaged and has been repaired: so many octets from this position of the old one on are lost.
    Repaired { at: Timestamp, position: Position, octets: u64 },
    /// These mails have been kept long enough and leave the archive.
    Forgotten { at: Timestamp, mails: Vec<MailHash> },
    /// What is known of these cases is erased: from here on nobody is told of them, the mails leave the archive, and
    /// those of the outbox are never sent. It names nobody.
    Erased { at: Timestamp, cases: Vec<CaseNumber>, mails: Vec<MailHash>, withdrawn: Vec<MessageId> },
    /// The journal has been made thinner, by what is old enough or only by what is to be erased; and nothing is left to erase
    /// of these cases.
    Compacted { at: Timestamp, by_age: bool, cases: Vec<CaseNumber> },
    /// What stays of a record about an erased case: what it drew on budgets that others share.
    Drawn { at: Timestamp, spent: Vec<Scope> },
}

/// How a mailbox stood at the first look: what was in it before is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartMark {
    pub at: Timestamp,
    /// 0 in a Maildir, as is `uid_next`.
    pub uid_validity: u32,
    /// The first UID that is ours to take.
    pub uid_next: u32,
}

/// The decision about one mail, with everything it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    pub mailbox: MailboxName,
    pub place: Place,
    pub hash: MailHash,
    pub at: Timestamp,
    /// When the mail was delivered to the mailbox.
    pub delivered: Timestamp,
    pub outcome: Outcome,
    /// The case as it stands now.
    pub case: Option<Case>,
    /// Identifiers that lead later mails to this case: the mail's own Message-ID first.
    pub known_as: Vec<MessageId>,
    pub twin: Option<Twin>,
    pub outgoing: Vec<Outgoing>,
    /// The budgets that the automatic replies were drawn from, one entry for each reply and budget.
    pub spent: Vec<Scope>,
    /// Addresses that get no automatic answers from now on.
    pub suppressed: Vec<Suppression>,
    pub orders: Orders,
    pub manners: Manners,
    pub why: Why,
}

impl Decided {
    /// A decision about a mail, from which nothing follows yet.
    pub fn new(mailbox: MailboxName, place: Place, hash: MailHash, outcome: Outcome, at: Timestamp) -> Decided {
        Decided {
            mailbox,
            place,
            hash,
            at,
            delivered: at,
            outcome,
            case: None,
            known_as: Vec::new(),
            twin: None,
            outgoing: Vec::new(),
            spent: Vec::new(),
            suppressed: Vec::new(),
            orders: Orders::default(),
            manners: Manners::default(),
            why: Why::default(),
        }
    }
}

/// What humans' mails change beside the case itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Orders {
    /// Held mails that may leave now.
    pub released: Vec<MessageId>,
    /// Mails that shall not leave, and had not begun to.
    pub withdrawn: Vec<MessageId>,
    /// Fingerprints of internal text in the case.
    pub internal: Prints,
    pub absences: Vec<Absence>,
    /// What they teach about the rules.
    pub learned: Vec<Lesson>,
}

/// What a mail did to the manners of the bot, beside what was spent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manners {
    /// The case whose answer came back.
    pub came_back: Option<CaseNumber>,
    /// The breaker opened.
    pub tripped: Option<Tripped>,
    /// The sender wrote in haste: who, and what is known of them now.
    pub haste: Option<(Scope, Haste)>,
    /// Agents are told of the mail in a digest.
    pub folded: Option<Folded>,
}

/// A case changed by time or by a human.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub at: Timestamp,
    pub case: Case,
    pub outgoing: Vec<Outgoing>,
    pub spent: Vec<Scope>,
    pub why: Why,
}

/// What an operator asked for and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub request: RequestId,
    pub at: Timestamp,
    pub by: String,
    /// The request in words.
    pub what: String,
    /// What the operator was answered, and is answered again.
    pub said: String,
    /// What it changed; never another request.
    pub done: Record,
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    Opened(CaseNumber),
    Appended(CaseNumber),
    /// A mail of our own that came back.
    Own(Option<CaseNumber>),
    /// The same mail as one before, on another way.
    Duplicate(Option<CaseNumber>),
    /// It could not be handled; its bytes and the reason are kept.
    Quarantined(Option<CaseNumber>),
}

/// Why it was decided so, for people: a few lines of (key, text).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Why(pub Vec<(String, String)>);

impl Record {
    /// What happened, whether or not somebody asked for it.
    pub fn plain(&self) -> &Record {
        match self {
            Record::Asked(asked) => &asked.done,
            record => record,
        }
    }

    /// As [`Record::plain`].
    pub fn into_plain(self) -> Record {
        match self {
            Record::Asked(asked) => asked.done,
            record => record,
        }
    }

    /// When it was written down; what was settled tells no time.
    pub fn at(&self) -> Option<Timestamp> {
        Some(match self.plain() {
            Record::Started { mark, .. } => mark.at,
            Record::Decided(decided) => decided.at,
            Record::Changed(changed) => changed.at,
            Record::Taken { at, .. }
            | Record::Again { at, .. }
            | Record::Vanished { at, .. }
            | Record::Told { at, .. }
            | Record::SendStart { at, .. }
            | Record::Sent { at, .. }
            | Record::Deferred { at, .. }
            | Record::Failed { at, .. }
            | Record::Digested { at, .. }
            | Record::Released { at, .. }
            | Record::Reported { at, .. }
            | Record::Repaired { at, .. }
            | Record::Forgotten { at, .. }
            | Record::Erased { at, .. }
            | Record::Compacted { at, .. }
            | Record::Drawn { at, .. } => *at,
            Record::Settled { .. } | Record::Asked(_) => return None,
        })
    }

    /// The mails that this record puts into the outbox.
    pub fn outgoing(&self) -> &[Outgoing] {
        match self.plain() {
            Record::Decided(decided) => &decided.outgoing,
            Record::Changed(changed) => &changed.outgoing,
            Record::Failed { notice, .. } => notice.as_slice(),
            Record::Told { notice, .. } => std::slice::from_ref(notice),
            Record::Digested { mail, .. } => std::slice::from_ref(mail),
            Record::Reported { mails, .. } => mails,
            _ => &[],
        }
    }

    /// What became of a mail that was on its way: must find room also when the disk is full.
    pub(super) fn is_result(&self) -> bool {
        matches!(self, Record::Sent { .. } | Record::Deferred { .. } | Record::Failed { .. })
    }
}

impl Outcome {
    pub fn case(&self) -> Option<CaseNumber> {
        match self {
            Outcome::Opened(case) | Outcome::Appended(case) => Some(*case),
            Outcome::Own(case) | Outcome::Duplicate(case) | Outcome::Quarantined(case) => *case,
        }
    }

    pub fn as_str(&self) -> &'static str {
        match self {
            Outcome::Opened(_) => "opened",
            Outcome::Appended(_) => "appended",
            Outcome::Own(_) => "own",
            Outcome::Duplicate(_) => "duplicate",
            Outcome::Quarantined(_) => "quarantined",
        }
    }
}

impl Why {
    pub fn push(&mut self, key: impl Into<String>, text: impl Into<String>) {
        self.0.push((key.into(), text.into()));
    }
}
