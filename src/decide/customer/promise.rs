//! What an answer promises: a time that the clocks keep, and why it may be later than usual.

use super::status::moment;
use crate::case::Case;
use crate::compose::Values;
use crate::decide::clock;
use crate::playbook::Playbook;
use crate::time::{Hours, Timestamp};

/// Sets `promise.due`, by when a human answers at the latest, and `promise.busy`: many are asking right now.
pub(in crate::decide) fn promise(values: &mut Values, case: &Case, playbook: &Playbook, now: Timestamp) {
    let due = clock::promise(case, playbook, now).filter(|due| *due > now);
    let due = due.map(|due| moment(case, due, case.language, playbook));
    let hours = playbook.rules().taxonomy().hours(Some(&case.group), now);
    values.text("promise.due", &due.unwrap_or_default()).flag("promise.busy", hours == Hours::Peak);
}
