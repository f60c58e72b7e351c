//! What is missing is asked for once, and only what is missing; what was told is kept.

use crate::case::{Case, CaseState};
use crate::decide::Why;
use crate::rules::Judgement;

/// Values that are kept of a case: the row of a case is read with every mail, and must stay small.
const MOST_FIELDS: usize = 10;
/// Characters of one.
const MOST_CHARS: usize = 40;

/// The fields that the requester is asked for; none who has been asked before.
pub(in crate::decide) fn missing<'w>(case: &'w Case, why: &'w Why) -> impl Iterator<Item = &'w String> {
    let told = |field: &String| why.judgement.fields.contains_key(field) || case.work.fields.contains_key(field);
    let asks = !case.work.asked;
    why.judgement.ask.iter().filter(move |field| asks && !told(field))
}

/// Keeps what the requester told us. A value told later is the better one.
pub(in crate::decide) fn learn(case: &mut Case, judgement: &Judgement) {
    for (field, value) in &judgement.fields {
        let known = &mut case.work.fields;
        if known.len() < MOST_FIELDS || known.contains_key(field) {
            known.insert(field.clone(), kept(value));
        }
    }
}

/// As much of a value as a case remembers.
pub(in crate::decide) fn kept(value: &str) -> String {
    value.chars().take(MOST_CHARS).collect()
}

/// Is this answer at least the second that the bot gives in the case? Then it asks outright whether a human shall help
/// (B-03).
pub(in crate::decide) fn offers_a_human(case: &Case) -> bool {
    case.solutions() > 0 && !matches!(case.state, CaseState::WithAgents | CaseState::Waiting)
}
