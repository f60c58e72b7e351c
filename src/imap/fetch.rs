//! Mails by their UIDs: in batches, or alone.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use async_imap::imap_proto::AttributeValue;

use super::error::SessionError;
use super::session::{Allowance, Session};
use super::uids;
use crate::mailbox::{Fetched, Listed, Place};

/// Mails of one FETCH: beyond it a batch is hardly faster, and each mail of a broken batch costs a round trip.
const BATCH_MAILS: usize = 50;
/// Octets of one FETCH, so that a batch in a blackhole is given up within minutes.
pub const BATCH_OCTETS: u64 = 8 * 1024 * 1024;
/// Octets kept of a mail above the cap: any head, and enough of the body to tell what it is about. One
/// partial fetch brings both; a head asked for by itself could be of any size.
pub const CUT_OCTETS: u64 = 256 * 1024;

/// The UID of a mail of ours; 0, which no mail has, for one of a Maildir.
pub fn uid(mail: &Listed) -> u32 {
    match mail.place {
        Place::Imap { uid, .. } => uid,
        Place::Maildir { .. } => 0,
    }
}

/// Cuts `mails` into batches of at most [`BATCH_MAILS`] and [`BATCH_OCTETS`]; a larger mail is one alone.
pub fn batches<'a, 'b>(mails: &'b [&'a Listed]) -> Vec<&'b [&'a Listed]> {
    let mut batches = Vec::new();
    let mut rest = mails;
    while !rest.is_empty() {
        let mut octets = 0;
        let fits = rest.iter().take(BATCH_MAILS).take_while(|mail| {
            octets += mail.size;
            octets <= BATCH_OCTETS
        });
        let (batch, behind) = rest.split_at(fits.count().max(1));
        batches.push(batch);
        rest = behind;
    }
    batches
}

/// Fetches the mails named by `asked`, whole or up to `cut`, into `bodies`; what arrived before an error stays
/// there. A mail is taken under a UID that was asked for, only once, and only while `room` octets hold it (F18): a
/// server may send more than it announced.
pub async fn bodies(
    session: &mut Session,
    asked: &[u32],
    cut: Option<u64>,
    literal: u64,
    octets: u64,
    mut room: u64,
    bodies: &mut HashMap<u32, Vec<u8>>,
) -> Result<(), SessionError> {
    // BODY.PEEK, for \Seen is the humans' (I02).
    let (items, offset) = match cut {
        Some(cut) => (format!("UID BODY.PEEK[]<0.{cut}>"), Some(0)),
        None => ("UID BODY.PEEK[]".to_owned(), None),
    };
    let wanted: HashSet<u32> = asked.iter().copied().collect();
    for set in uids::sets(asked) {
        let allowance = Allowance { literal, octets };
        session
            .uid_fetch(&set, &items, allowance, |attributes| {
                let uid = attributes.iter().find_map(|attribute| match attribute {
                    AttributeValue::Uid(uid) => Some(*uid),
                    _ => None,
                });
                let body = attributes.iter().find_map(|attribute| match attribute {
                    AttributeValue::BodySection { section: None, index, data: Some(data) } if *index == offset => {
                        Some(data)
                    }
                    _ => None,
                });
                if let (Some(uid), Some(body)) = (uid, body)
                    && wanted.contains(&uid)
                    && body.len() as u64 <= room
                    && let Entry::Vacant(place) = bodies.entry(uid)
                {
                    room -= body.len() as u64;
                    place.insert(body.to_vec());
                }
            })
            .await?;
    }
    Ok(())
}

/// Fetches one mail up to `cap` octets. Gone is what the server, asked for its UID alone, does not list.
pub async fn alone(session: &mut Session, uid: u32, cap: u64) -> Result<Fetched, SessionError> {
    let mut bodies = HashMap::new();
    self::bodies(session, &[uid], Some(cap), cap, cap, cap, &mut bodies).await?;
    if let Some(body) = bodies.remove(&uid) {
        return Ok(match (body.len() as u64) < cap {
            true => Fetched::Whole(body),
            false => Fetched::Cut(cut(body)),
        });
    }
    match present(session, &[uid]).await?.contains_key(&uid) {
        false => Ok(Fetched::Vanished),
        true => Err(SessionError::Unreadable { during: "FETCH", why: "the mail is there, its text is not".to_owned() }),
    }
}

fn cut(mut body: Vec<u8>) -> Vec<u8> {
    body.truncate(CUT_OCTETS as usize);
    body.shrink_to_fit();
    body
}

/// Which of `asked` are in the folder, and whether they are flagged `\Deleted`.
pub async fn present(session: &mut Session, asked: &[u32]) -> Result<HashMap<u32, bool>, SessionError> {
    let wanted: HashSet<u32> = asked.iter().copied().collect();
    let mut present = HashMap::new();
    for set in uids::sets(asked) {
        let listed = |attributes: &[AttributeValue<'_>]| {
            let uid = attributes.iter().find_map(|attribute| match attribute {
                AttributeValue::Uid(uid) => Some(*uid),
                _ => None,
            });
            let deleted = attributes.iter().any(|attribute| match attribute {
                AttributeValue::Flags(flags) => flags.iter().any(|flag| flag.eq_ignore_ascii_case("\\Deleted")),
                _ => false,
            });
            if let Some(uid) = uid.filter(|uid| wanted.contains(uid)) {
                present.insert(uid, deleted);
            }
        };
        session.uid_fetch(&set, "UID FLAGS", Allowance::default(), listed).await?;
    }
    Ok(present)
}
