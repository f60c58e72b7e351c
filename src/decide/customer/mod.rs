//! What the requester may do with their case by mail: join it anew, ask how it stands, end it, say what they think of
//! it.
//!
//! All of it is the requester's alone: an outsider who holds a thread of the case, or a sender proven false, is heard by
//! humans and changes nothing. Nothing here raises a priority: who asks three times waits no longer and no shorter than
//! who asks once.

mod asked;
mod chaser;
mod end;
mod join;
mod promise;
mod rating;
mod status;
mod transcript;

pub(super) use asked::{kept, learn, missing, offers_a_human};
pub(super) use chaser::{chased, remind, settled};
pub use end::clues_of;
pub(super) use end::{close, may_write, survey};
pub(super) use join::placed;
pub(super) use promise::{promise, wait};
pub(super) use rating::may_be_asked;
pub(super) use status::fill;
pub(super) use transcript::transcript;
pub use transcript::{Speaker, Utterance, heard_from, said_to};

use self::rating::{POOR, Rating};
use super::{Mail, Plan, Why};
use crate::case::{Case, CaseState, Milestone};
use crate::config::SenderPolicy;
use crate::ids::CaseNumber;
use crate::playbook::{OwnTemplates, Playbook, own};
use crate::rules::{Judgement, Wish};
use crate::screen::{Screening, Verdict};
use crate::thread::{self, Because, Threading};
use crate::time::Timestamp;

/// Characters of a mail that only asks how it stands. A longer one says something that humans must read.
const LONGEST_CHASER: usize = 160;

/// What a mail wants of its case, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    /// Thanks.
    Nothing,
    Status,
    /// The matter is settled.
    Close,
    Transcript,
    /// What they think of it.
    Rate(Rating),
}

/// What is to be done with a mail of the requester that wants something of the case itself; none if it is to be read for
/// what it says.
pub(super) fn plan(
    mail: &Mail<'_>,
    case: &Case,
    threading: &Threading,
    screening: &Screening,
    judgement: &Judgement,
    playbook: &Playbook,
) -> Option<Plan> {
    if screening.authentication.verdict == Verdict::Fail || !thread::is_requester(mail.message, case) {
        return None;
    }
    let certain = is_certain(threading, screening, playbook);
    let humans_have_it = matches!(case.state, CaseState::WithAgents | CaseState::Waiting);
    match want(mail, case, judgement)? {
        Want::Nothing => Some(Plan::Record),
        // Said once more.
        Want::Close if case.state == CaseState::Closed => Some(Plan::Record),
        Want::Close if certain => Some(Plan::Close),
        // What anybody may have written ends nothing. Thanks are no news either way.
        Want::Close if judgement.wish == Some(Wish::Nothing) => Some(Plan::Record),
        Want::Close => Some(Plan::Mention),
        Want::Rate(_) if !certain => Some(Plan::Mention),
        // Read by a human where it says more than a mark, or says that we did not help.
        Want::Rate(rating) => Some(match rating.says_more || rating.stars < POOR {
            true => Plan::Mention,
            false => Plan::Record,
        }),
        // Everything that was said goes to whom is proven only; else a human decides.
        Want::Transcript => is_known(screening, playbook).then(|| Plan::Transcribe(own(OwnTemplates::TRANSCRIPT))),
        Want::Status if humans_have_it || case.state == CaseState::Closed => {
            Some(Plan::Tell(own(OwnTemplates::STATUS)))
        }
        // Nobody has it yet: the rules hand it over.
        Want::Status => None,
    }
}

fn want(mail: &Mail<'_>, case: &Case, judgement: &Judgement) -> Option<Want> {
    if let Some(rating) = rating::read(case, &mail.message.segments.fresh) {
        return Some(Want::Rate(rating));
    }
    // Thanks for an answer of the bot settle the matter; what humans have is settled by a word about it.
    let bot_has_it = matches!(case.state, CaseState::New | CaseState::Answered | CaseState::Offered);
    let closes = judgement.closes_at_once();
    if closes && (bot_has_it || judgement.wish != Some(Wish::Nothing)) {
        return Some(Want::Close);
    }
    match judgement.wish? {
        Wish::Nothing => Some(Want::Nothing),
        Wish::Status => is_chaser(mail, Some(case), judgement).then_some(Want::Status),
        Wish::Transcript => Some(Want::Transcript),
    }
}

/// Does the mail ask for progress and say nothing else?
fn is_chaser(mail: &Mail<'_>, case: Option<&Case>, judgement: &Judgement) -> bool {
    let category = judgement.category.as_ref().filter(|won| won.sure).map(|won| &won.category);
    let says_more = category.is_some_and(|category| case.is_some_and(|case| case.category.as_ref() != Some(category)));
    judgement.wish == Some(Wish::Status)
        && !says_more
        && judgement.handoff.as_ref().is_none_or(|handoff| handoff.reason == "status-query")
        && mail.message.attachments.is_empty()
        && mail.message.segments.fresh.trim().chars().count() <= LONGEST_CHASER
}

/// Did the requester write a new mail into a case that humans have? Then they are told where it went. With the number in
/// its subject it is an answer: our subjects have it, and many a mail program keeps nothing else of a thread.
pub(super) fn is_told_where(mail: &Mail<'_>, threading: &Threading) -> bool {
    let is_new = matches!(threading, Threading::Follows { because, .. } if because.is_new_mail());
    is_new && CaseNumber::find_in(&mail.message.subject, 1).is_empty()
}

/// Is it somebody else's mail in this case?
pub(super) fn is_outsider(threading: &Threading) -> bool {
    matches!(threading, Threading::Follows { because: Because::OwnMessageIdFromOther, .. })
}

/// Is its sender proven, where anybody is asked for a proof?
pub(super) fn is_known(screening: &Screening, playbook: &Playbook) -> bool {
    screening.authentication.verdict == Verdict::Pass || playbook.config().reply.senders == SenderPolicy::Off
}

/// Is it the requester who writes, as far as the end of a case asks? Their domain says so, or they answer a mail that was
/// sent to them alone: many an honest server signs nothing. A number, a subject and an address anybody may write.
pub(super) fn is_certain(threading: &Threading, screening: &Screening, playbook: &Playbook) -> bool {
    let answers_us = matches!(threading, Threading::Follows { because, .. } if because.is_proof());
    screening.authentication.verdict != Verdict::Fail && (is_known(screening, playbook) || answers_us)
}

/// What the requester thinks of the case, if this mail says so.
pub(super) fn rate(mail: &Mail<'_>, case: &mut Case, why: &Why, playbook: &Playbook) {
    if let Some(rating) = rating::read(case, &mail.message.segments.fresh)
        && is_certain(&why.threading, &why.screening, playbook)
        && thread::is_requester(mail.message, case)
    {
        case.work.rating = Some(rating.stars);
    }
}

/// Keeps in the case what this mail was to its course. `before` is where it stood.
pub(super) fn remember(case: &mut Case, before: Option<CaseState>, plan: &Plan, answered: bool, now: Timestamp) {
    let course = &mut case.work.course;
    match before {
        None => course.add(Milestone::Opened, now),
        Some(_) if !plan.moves_the_case() || *plan == Plan::Close => {}
        Some(CaseState::Closed) => course.add(Milestone::Reopened, now),
        Some(_) => course.add(Milestone::Added, now),
    }
    match plan {
        Plan::Resolve(_) if answered => course.add(Milestone::Answered, now),
        Plan::Show | Plan::HandOff(_) if before != Some(CaseState::WithAgents) => {
            course.add(Milestone::HandedOver, now)
        }
        _ => {}
    }
    if before == Some(CaseState::Closed) && case.state != CaseState::Closed {
        case.work.closed = None;
    }
}
