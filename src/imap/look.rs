//! What lies in the folder that we have not taken yet.
//!
//! A folder may hold a million mails, and its UIDs may lie far apart. So it is listed in windows of UIDs, and
//! only as many mails are kept as were asked for.

use std::collections::BTreeMap;

use async_imap::imap_proto::AttributeValue;

use super::error::SessionError;
use super::session::{Allowance, Selected, Session};
use crate::mailbox::{Known, Listed, Listing, Place};
use crate::time::Timestamp;

/// UIDs asked for at first; a window that comes back empty doubles the next.
const WINDOW: u32 = 500;
/// The widest window: its lines, should every UID be there, are some ten megabytes.
const MAX_WINDOW: u32 = 128 * 1024;
/// Octets of a listing's line.
const LISTED_LINE: u64 = 200;

/// Lists what is above the cursor, window by window (I01, I03, I04).
pub async fn look(
    session: &mut Session,
    selected: &Selected,
    known: Known,
    most: usize,
) -> Result<Listing, SessionError> {
    let (uid_validity, uid_next) = (selected.uid_validity, selected.uid_next);
    let taken = match known.cursor {
        Some(cursor) if cursor.uid_validity == uid_validity => cursor.uid,
        // Never looked into, or all its mails have new names.
        _ => 0,
    };
    session.looks();
    let mut found = BTreeMap::new();
    let mut width = WINDOW;
    let mut from = taken.checked_add(1);
    while let Some(first) = from {
        // RFC 9051 §2.3.1.1: UIDNEXT is a prediction; what came since is above it, so the last window is open.
        let last = first.checked_add(width).filter(|last| uid_next.is_some_and(|next| *last < next));
        let window = Window { first, last, width };
        let before = found.len();
        list_window(session, uid_validity, &window, |uid, listed| {
            found.insert(uid, listed);
            if found.len() > most.saturating_add(1) {
                found.pop_last();
            }
        })
        .await?;
        if found.len() > most {
            break;
        }
        width = match found.len() == before {
            true => width.saturating_mul(2).min(MAX_WINDOW),
            false => WINDOW,
        };
        from = last.and_then(|last| last.checked_add(1));
    }
    let more = found.len() > most;
    let above = found.last_key_value().map_or(0, |(uid, _)| uid.saturating_add(1));
    Ok(Listing {
        uid_validity,
        uid_next: uid_next.unwrap_or(0).max(above),
        mails: found.into_values().take(most).collect(),
        more,
    })
}

/// UIDs asked for at once.
struct Window {
    first: u32,
    /// `None`: as far as they go.
    last: Option<u32>,
    width: u32,
}

impl Window {
    fn holds(&self, uid: u32) -> bool {
        uid >= self.first && self.last.is_none_or(|last| uid <= last)
    }
}

async fn list_window(
    session: &mut Session,
    uid_validity: u32,
    window: &Window,
    mut each: impl FnMut(u32, Listed) + Send,
) -> Result<(), SessionError> {
    let set = match window.last {
        Some(last) => format!("{}:{last}", window.first),
        None => format!("{}:*", window.first),
    };
    let allowance = Allowance { literal: 0, octets: u64::from(window.width) * LISTED_LINE };
    let items = "UID FLAGS INTERNALDATE RFC822.SIZE";
    session
        .uid_fetch(&set, items, allowance, |attributes| {
            // RFC 9051 §6.4.9: `n:*` names the last mail even when that is below n (I03).
            if let Some((uid, listed)) = listed(uid_validity, attributes)
                && window.holds(uid)
            {
                each(uid, listed);
            }
        })
        .await
}

/// A mail as FETCH describes it; `None` for a FETCH that only tells of changed flags.
fn listed(uid_validity: u32, attributes: &[AttributeValue<'_>]) -> Option<(u32, Listed)> {
    let (mut uid, mut size, mut delivered, mut junk) = (None, None, None, false);
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(number) => uid = Some(*number),
            AttributeValue::Rfc822Size(octets) => size = Some(u64::from(*octets)),
            AttributeValue::InternalDate(text) => delivered = internal_date(text),
            AttributeValue::Flags(flags) => {
                junk = flags.iter().any(|flag| flag.eq_ignore_ascii_case("$Junk"));
            }
            _ => {}
        }
    }
    let uid = uid.filter(|uid| *uid != 0)?;
    let listed = Listed {
        place: Place::Imap { uid_validity, uid },
        size: size?,
        // A server that cannot say when it came delivered it, at the latest, now.
        delivered: delivered.unwrap_or_else(Timestamp::now),
        junk,
    };
    Some((uid, listed))
}

/// RFC 9051 §9 `date-time`: ` 7-Feb-1994 21:52:25 -0800`.
fn internal_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::strtime::parse("%d-%b-%Y %H:%M:%S %z", text.trim()).and_then(|parsed| parsed.to_timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internal_date_is_an_instant() {
        let cases = [
            ("17-Jul-1996 02:44:25 -0700", Some("1996-07-17T09:44:25Z")),
            (" 7-Feb-1994 21:52:25 -0800", Some("1994-02-08T05:52:25Z")),
            ("01-Jan-2026 08:00:00 +0800", Some("2026-01-01T00:00:00Z")),
            ("", None),
            ("yesterday", None),
            ("32-Jan-2026 08:00:00 +0800", None),
        ];
        for (text, expected) in cases {
            let found = internal_date(text).map(|at| at.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_window_holds_its_uids_and_not_the_last_mail_below_it() {
        let open = Window { first: 8, last: None, width: WINDOW };
        assert!(!open.holds(7) && open.holds(8) && open.holds(u32::MAX));
        let closed = Window { last: Some(9), ..open };
        assert!(!closed.holds(7) && closed.holds(9) && !closed.holds(10));
    }

    #[test]
    fn only_a_fetch_with_uid_and_size_is_a_mail() {
        let uid = AttributeValue::Uid(7);
        let size = AttributeValue::Rfc822Size(12);
        let junk = || AttributeValue::Flags(vec!["\\Seen".into(), "$junk".into()]);
        let (found, mail) = listed(3, &[junk(), uid, size]).unwrap();
        assert_eq!((found, mail.size, mail.junk), (7, 12, true));
        assert_eq!(mail.place, Place::Imap { uid_validity: 3, uid: 7 });
        assert!(listed(3, &[AttributeValue::Uid(7), junk()]).is_none());
        assert!(listed(3, &[AttributeValue::Rfc822Size(1)]).is_none());
        assert!(listed(3, &[AttributeValue::Uid(0), AttributeValue::Rfc822Size(1)]).is_none());
    }
}
