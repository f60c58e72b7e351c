//! The rows by which the bot minds its manners: the pulse of its answers, the breaker, senders in haste, and what agents
//! are to be told in a digest.

use super::fold::Change;
use super::lookup::Lookup;
use super::{Broken, keys, number, window_bytes, window_from};
use crate::address::Address;
use crate::case::{Act, Case, Clues, Facts, Folded, Haste, Pulse, Scope, Tripped, Window};
use crate::ids::CaseNumber;
use crate::outgoing::{Outgoing, Purpose};
use crate::store::journal::Position;
use crate::store::record::Manners;
use crate::store::schema;
use crate::time::Timestamp;

/// Mails that wait for a digest, as numbers in the line of their agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The first that waits, and the next to come.
    pub first: u64,
    pub next: u64,
    /// Since when somebody waits: the last digest, or the first mail after it.
    pub since: Timestamp,
}

/// Answers leave.
pub fn answered(change: &mut Change<'_>, mails: &[Outgoing], at: Timestamp) -> Result<(), Broken> {
    let cases: Vec<CaseNumber> =
        mails.iter().filter(|mail| mail.purpose == Purpose::Answer).filter_map(|mail| mail.case).collect();
    if cases.is_empty() {
        return Ok(());
    }
    let mut pulse = pulse_in(change)?;
    cases.into_iter().for_each(|case| pulse.answered(case, at));
    change.put(keys::PULSE.to_vec(), pulse_bytes(&pulse));
    Ok(())
}

/// An answer has left: from now on, who writes again at once does so in haste.
pub fn answer_left(change: &mut Change<'_>, to: &Address, at: Timestamp) -> Result<(), Broken> {
    let key = keys::haste(&Scope::Sender(to.counting_key()));
    let mut haste: Haste = change.row(&key)?.unwrap_or_default();
    haste.answer_left(at);
    change.put(key, schema::row(&haste));
    Ok(())
}

/// What a decision says about manners.
pub fn minded(change: &mut Change<'_>, manners: &Manners) -> Result<(), Broken> {
    if let Some(case) = manners.came_back {
        let mut pulse = pulse_in(change)?;
        pulse.came_back(case);
        change.put(keys::PULSE.to_vec(), pulse_bytes(&pulse));
    }
    if let Some(tripped) = &manners.tripped {
        change.put(keys::TRIPPED.to_vec(), schema::row(tripped));
    }
    if let Some((sender, haste)) = &manners.haste {
        change.put(keys::haste(sender), schema::row(haste));
    }
    if let Some(folded) = &manners.folded {
        for to in &folded.to {
            let key = keys::digest(to);
            let line = change.get(&key)?.map(|bytes| line_from(&bytes)).transpose()?;
            let line = line.unwrap_or(Line { first: 0, next: 0, since: folded.at });
            change.put(keys::folded(to, line.next), schema::row(folded));
            change.put(key, line_bytes(&Line { next: line.next + 1, ..line }));
        }
    }
    Ok(())
}

/// A digest names everything before `through`.
pub fn digested(change: &mut Change<'_>, to: &Address, through: u64, at: Timestamp) -> Result<(), Broken> {
    let key = keys::digest(to);
    let Some(line) = change.get(&key)?.map(|bytes| line_from(&bytes)).transpose()? else { return Ok(()) };
    let through = through.clamp(line.first, line.next);
    (line.first..through).for_each(|at| change.remove(keys::folded(to, at)));
    match through == line.next {
        true => change.remove(key),
        false => change.put(key, line_bytes(&Line { first: through, since: at, ..line })),
    }
    Ok(())
}

/// The leads were told.
pub fn reported(change: &mut Change<'_>, at: Timestamp, through: u64) {
    let mut value = at.as_second().to_be_bytes().to_vec();
    value.extend_from_slice(&through.to_be_bytes());
    change.put(keys::REPORTED.to_vec(), value);
}

/// Somebody has released the breaker.
pub fn released(change: &mut Change<'_>, position: Position) -> Result<(), Broken> {
    let mut pulse = pulse_in(change)?;
    pulse.released();
    change.put(keys::PULSE.to_vec(), pulse_bytes(&pulse));
    change.remove(keys::TRIPPED.to_vec());
    change.put(keys::RELEASED.to_vec(), position.0.to_be_bytes());
    Ok(())
}

impl Lookup {
    /// What `facts` are to say of manners.
    pub(super) fn manners(&self, clues: &Clues, facts: &mut Facts) -> Result<(), Broken> {
        facts.pulse = self.rows.get(keys::PULSE)?.map(|bytes| pulse_from(&bytes)).transpose()?.unwrap_or_default();
        facts.tripped = self.tripped()?;
        if let Some(sender) = &clues.sender {
            facts.haste = self.row(&keys::haste(&Scope::Sender(sender.counting_key())))?.unwrap_or_default();
        }
        if let Some(robot) = facts.haste.robot {
            facts.robots_case = self.case(robot.case)?;
        }
        Ok(())
    }

    /// When the leads were told last, and up to where in the journal.
    pub fn reported(&self) -> Result<Option<(Timestamp, u64)>, Broken> {
        let Some(value) = self.rows.get(keys::REPORTED)? else { return Ok(None) };
        let (at, through) = value.split_at_checked(8).ok_or_else(|| Broken::new("the last report is not readable"))?;
        Ok(Some((super::moment(at)?, number(Some(through))?)))
    }

    /// The breaker, if it is open.
    pub fn tripped(&self) -> Result<Option<Tripped>, Broken> {
        self.row(keys::TRIPPED)
    }

    /// Whose the cases of the last answers are, the newest first.
    pub fn answered(&self, pulse: &Pulse) -> Result<Vec<(CaseNumber, Option<Address>)>, Broken> {
        let requester = |case: Option<Case>| case.and_then(|case| case.requester);
        pulse.cases().map(|act| Ok((act.case, requester(self.case(act.case)?)))).collect()
    }

    /// Who waits for a digest.
    pub fn digests(&self) -> Result<Vec<(Address, Line)>, Broken> {
        let rows = self.rows.scan(keys::DIGESTS).map(|row| {
            let (key, line) = row?;
            let to = std::str::from_utf8(&key[keys::DIGESTS.len()..]).ok().and_then(|to| Address::parse(to).ok());
            Ok((to.ok_or_else(|| Broken::new("who waits for a digest is not readable"))?, line_from(&line)?))
        });
        rows.collect()
    }

    /// The mails that wait for the digest of `to`, oldest first, at most `most`, and the number after the last.
    pub fn folded(&self, to: &Address, most: u64) -> Result<(Vec<Folded>, u64), Broken> {
        let Some(line) = self.rows.get(keys::digest(to))? else { return Ok((Vec::new(), 0)) };
        let line = line_from(&line)?;
        let through = line.next.min(line.first.saturating_add(most));
        let mail = |at| self.row(&keys::folded(to, at))?.ok_or_else(|| Broken::new("a folded mail is missing"));
        Ok(((line.first..through).map(mail).collect::<Result<_, _>>()?, through))
    }
}

pub fn pulse_in(change: &Change<'_>) -> Result<Pulse, Broken> {
    Ok(change.get(keys::PULSE)?.map(|bytes| pulse_from(&bytes)).transpose()?.unwrap_or_default())
}

/// Two windows, each after its length in octets, and nine octets for each answer: a kilobyte or two, where JSON would
/// pass the four that a row may have.
fn pulse_bytes(pulse: &Pulse) -> Vec<u8> {
    let (recent, hours, last) = pulse.parts();
    let mut bytes = Vec::new();
    for window in [recent, hours] {
        let slots = window_bytes(window);
        bytes.extend_from_slice(&(slots.len() as u16).to_be_bytes());
        bytes.extend_from_slice(&slots);
    }
    for act in last {
        bytes.extend_from_slice(&act.case.bits().to_be_bytes());
        bytes.push(u8::from(act.came_back));
    }
    bytes
}

fn pulse_from(bytes: &[u8]) -> Result<Pulse, Broken> {
    let broken = || Broken::new("the pulse is not readable");
    let window = |bytes: &'_ [u8]| -> Option<(Window, usize)> {
        let length = usize::from(u16::from_be_bytes(*bytes.first_chunk::<2>()?));
        Some((window_from(bytes.get(2..2 + length)?), 2 + length))
    };
    let (recent, end) = window(bytes).ok_or_else(broken)?;
    let (hours, length) = window(&bytes[end..]).ok_or_else(broken)?;
    let (acts, rest) = bytes[end + length..].as_chunks::<9>();
    let act = |&[a, b, c, d, e, f, g, h, back]: &[u8; 9]| {
        let case = CaseNumber::from_bits(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
        Act { case, came_back: back != 0 }
    };
    match rest.is_empty() {
        true => Ok(Pulse::from_parts(recent, hours, acts.iter().map(act).collect())),
        false => Err(broken()),
    }
}

fn line_bytes(line: &Line) -> Vec<u8> {
    let parts = [line.first.to_be_bytes(), line.next.to_be_bytes(), line.since.as_second().to_be_bytes()];
    parts.concat()
}

fn line_from(bytes: &[u8]) -> Result<Line, Broken> {
    let part = |at: usize| number(Some(bytes.get(at..at + 8).unwrap_or_default()));
    Ok(Line { first: part(0)?, next: part(8)?, since: super::moment(bytes.get(16..).unwrap_or_default())? })
}
