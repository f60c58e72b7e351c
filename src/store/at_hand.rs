//! Mails that were written down a moment ago and leave in a moment: kept in memory, so that each need not be read from
//! the journal and decoded together with all that was decided beside it.
//!
//! As many as there is room for. In a backlog what is kept is what leaves next, for the outbox empties in order; what is
//! written down when there is no room is read from the journal. A mail is given once: another attempt reads the journal.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::journal::Position;
use crate::outgoing::{Leaves, Outgoing};

/// Octets of the texts that are kept: some hundreds of mails.
const ROOM: usize = 2 << 20;
/// Octets of the journal behind which a mail, which something keeps from leaving, makes room.
const LONG_AGO: u64 = 8 << 20;

#[derive(Default)]
pub struct AtHand {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// By the record and the place in it.
    mails: BTreeMap<(Position, u32), Outgoing>,
    octets: usize,
}

impl AtHand {
    /// Keeps those of the mails of this record that may leave at once, as far as there is room.
    pub fn keep(&self, position: Position, mails: &[Outgoing]) {
        if mails.is_empty() {
            return;
        }
        let mut kept = self.lock();
        while let Some((place, _)) = kept.mails.first_key_value()
            && place.0.0.saturating_add(LONG_AGO) < position.0
        {
            let place = *place;
            kept.take(place);
        }
        for (index, mail) in (0..).zip(mails).filter(|(_, mail)| mail.leaves == Leaves::AtOnce) {
            if kept.octets + octets(mail) <= ROOM {
                kept.octets += octets(mail);
                kept.mails.insert((position, index), mail.clone());
            }
        }
    }

    /// Gives a mail away, if it is here.
    pub fn take(&self, position: Position, index: u32) -> Option<Outgoing> {
        self.lock().take((position, index))
    }

    /// Nothing is kept of what was erased.
    pub fn clear(&self) {
        *self.lock() = Kept::default();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn take(&mut self, place: (Position, u32)) -> Option<Outgoing> {
        let mail = self.mails.remove(&place)?;
        self.octets -= octets(&mail);
        Some(mail)
    }
}

fn octets(mail: &Outgoing) -> usize {
    mail.content.head.len() + mail.content.tail.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Address, ReversePath};
    use crate::ids::MessageId;
    use crate::outgoing::{Content, Envelope, Purpose};

    fn mail(octets: usize, leaves: Leaves) -> Outgoing {
        Outgoing {
            message_id: MessageId::parse("a@b").unwrap(),
            purpose: Purpose::Notice,
            case: None,
            envelope: Envelope { from: ReversePath::Null, to: Address::parse("ops@example.com").unwrap() },
            content: Content { head: "x".repeat(octets), original: None, tail: String::new() },
            leaves,
        }
    }

    #[test]
    fn what_leaves_next_is_at_hand_once_and_within_the_room() {
        let at_hand = AtHand::default();
        let third = mail(ROOM / 3, Leaves::AtOnce);
        at_hand.keep(Position(10), &[mail(1, Leaves::WhenReleased), third.clone()]);
        for position in [20, 30, 40] {
            at_hand.keep(Position(position), std::slice::from_ref(&third));
        }
        assert_eq!(at_hand.take(Position(10), 0), None, "nobody knows when it is released");
        assert_eq!(at_hand.take(Position(10), 1), Some(third.clone()));
        assert_eq!(at_hand.take(Position(10), 1), None);
        assert_eq!(at_hand.take(Position(40), 0), None, "there was no room for it");
        at_hand.keep(Position(50), std::slice::from_ref(&third));
        assert_eq!(at_hand.take(Position(50), 0), Some(third.clone()), "now there is");
        at_hand.keep(Position(31 + LONG_AGO), &[mail(2 * ROOM, Leaves::AtOnce)]);
        assert_eq!(
            (at_hand.take(Position(20), 0), at_hand.take(Position(30), 0)),
            (None, None),
            "they were kept for long"
        );
        assert_eq!(at_hand.lock().octets, 0);
    }
}
