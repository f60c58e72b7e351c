//! What an answer promises, a time that the clocks keep; and what it expects, by how many wait and how many answer.

use std::time::Duration;

use super::status::moment;
use crate::case::{Case, Facts};
use crate::compose::Values;
use crate::decide::{assign, clock};
use crate::ids::GroupId;
use crate::playbook::Playbook;
use crate::time::{Hours, Timestamp};

/// Minutes of working time that people are told to expect: nobody can tell a wait more closely. Beyond the last, only the
/// promise is told.
const WAITS: [u32; 9] = [15, 30, 60, 120, 180, 240, 360, 480, 960];
/// In peak hours everything takes so much longer, in percent: outside of them answers come 40 % sooner.
const PEAK_PERCENT: u32 = 167;
/// A moment is told by the nearest quarter of an hour.
const QUARTER: i64 = 15 * 60;

/// Sets `promise.due`, by when a human answers at the latest; `promise.expected`, about when, if that is sooner; and
/// `promise.busy`: many are asking right now.
pub(in crate::decide) fn promise(values: &mut Values, case: &Case, facts: &Facts, playbook: &Playbook, now: Timestamp) {
    let due = clock::promise(case, playbook, now).filter(|due| *due > now);
    let expected = expected(&case.group, facts, playbook, now);
    let sooner = expected.filter(|expected| due.is_some_and(|due| *expected < due));
    let told = |at: Option<Timestamp>| at.map(|at| moment(case, at, case.language, playbook)).unwrap_or_default();
    let overloaded = due.is_some() && reckons(playbook) && sooner.is_none();
    values
        .text("promise.due", &told(due))
        .text("promise.expected", &told(sooner))
        .flag("promise.busy", overloaded || is_peak(&case.group, playbook, now));
}

/// How long one more who asks this group waits, in minutes of its working time; none where it is not reckoned, or too long
/// to be told.
pub(in crate::decide) fn wait(group: &GroupId, facts: &Facts, playbook: &Playbook, now: Timestamp) -> Option<u32> {
    let each = u32::from(playbook.config().handoff.case_minutes);
    let present = assign::present(group, facts, playbook, now).max(1) as u32;
    let minutes = facts.load.of(group).saturating_add(1).saturating_mul(each).div_ceil(present);
    let minutes = match is_peak(group, playbook, now) {
        true => minutes.saturating_mul(PEAK_PERCENT).div_ceil(100),
        false => minutes,
    };
    WAITS.into_iter().find(|wait| minutes <= *wait).filter(|_| reckons(playbook))
}

fn expected(group: &GroupId, facts: &Facts, playbook: &Playbook, now: Timestamp) -> Option<Timestamp> {
    let minutes = wait(group, facts, playbook, now)?;
    let at = clock::later(playbook, group, now, Duration::from_secs(60 * u64::from(minutes)))?;
    Timestamp::from_second((at.as_second() + QUARTER / 2).div_euclid(QUARTER) * QUARTER).ok()
}

fn reckons(playbook: &Playbook) -> bool {
    playbook.config().handoff.case_minutes > 0
}

fn is_peak(group: &GroupId, playbook: &Playbook, now: Timestamp) -> bool {
    playbook.rules().taxonomy().hours(Some(group), now) == Hours::Peak
}
