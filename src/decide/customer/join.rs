//! Where a mail belongs, when more must be known for it than the mail itself: what it is about, and what it wants.

use std::time::Duration;

use super::{is_chaser, rating};
use crate::case::{Case, CaseState, Facts};
use crate::decide::{Mail, collected, heard, question, screened};
use crate::playbook::Playbook;
use crate::rules::{Judgement, Wish};
use crate::screen::{self, Kind, Verdict};
use crate::thread::{self, Because, Threading};
use crate::time::{Timestamp, of_days};

const DAY: Duration = of_days(1);

/// The whole of threading.
pub(in crate::decide) fn placed(mail: &Mail<'_>, facts: &Facts, playbook: &Playbook, now: Timestamp) -> Threading {
    let authentication = screen::authenticate(mail.message, playbook.desk(), mail.findings);
    let believed = authentication.verdict != Verdict::Fail;
    let cases = &playbook.config().cases;
    let lately = DAY * cases.same_matter_days;
    let by_itself = thread::thread(mail.message, facts, playbook.key(), believed, lately, now);
    let judge = |mail: &Mail<'_>, before: Option<&Case>| {
        playbook.rules().judge_without_scores(&question(mail, before, facts, &authentication, playbook, now))
    };
    let threading = match by_itself {
        // Whose mail may be about a case of theirs; only then is it worth the asking.
        Threading::New if believed && !mail.baseline => {
            let has_case = thread::open_cases(mail.message, facts, Duration::MAX, now).next().is_some();
            match has_case && screened(mail, playbook, now).kind == Kind::Human {
                true => by_meaning(mail, facts, &judge(mail, None), lately, now),
                false => Threading::New,
            }
        }
        Threading::Follows { case, because } if is_long_closed(&case, because, DAY * cases.reopen_days, now) => {
            let heard = heard::heard(mail.message, &case.said);
            let heard = Mail { message: &heard, ..*mail };
            let judgement = judge(&heard, Some(&case));
            // What does not ask to be dealt with stays where it belongs.
            let is_settled = judgement.wish.is_some_and(|wish| wish != Wish::Status)
                || judgement.closes_at_once()
                || rating::read(&case, &heard.message.segments.fresh).is_some()
                || is_chaser(&heard, Some(&case), &judgement)
                || screened(&heard, playbook, now).kind != Kind::Human;
            match is_settled {
                true => Threading::Follows { case, because },
                false => Threading::Continues(case.number),
            }
        }
        threading => threading,
    };
    collected(threading, facts, now)
}

/// Which open case of the sender a mail means that names none: the one it is about, or the last one if it only asks how
/// things stand.
fn by_meaning(mail: &Mail<'_>, facts: &Facts, judgement: &Judgement, lately: Duration, now: Timestamp) -> Threading {
    let follows = |case: &Case, because| Threading::Follows { case: Box::new(case.clone()), because };
    if is_chaser(mail, None, judgement) {
        let last = thread::open_cases(mail.message, facts, Duration::MAX, now).next();
        return last.map_or(Threading::New, |case| follows(case, Because::Chaser));
    }
    let category = judgement.category.as_ref().filter(|won| won.sure).map(|won| &won.category);
    let same = category.and_then(|category| thread::same_matter(mail.message, category, facts, lately, now));
    same.map_or(Threading::New, |case| follows(case, Because::SameMatter))
}

/// Was it closed so long ago that a further mail is a new matter? Somebody else's mail is none in any case.
fn is_long_closed(case: &Case, because: Because, within: Duration, now: Timestamp) -> bool {
    let closed = case.work.closed.unwrap_or(case.touched);
    let within = jiff::SignedDuration::try_from(within).unwrap_or(jiff::SignedDuration::MAX);
    case.state == CaseState::Closed
        && !matches!(because, Because::OwnMessageIdFromOther | Because::Robot | Because::AgentsToken)
        && now.duration_since(closed) > within
}
