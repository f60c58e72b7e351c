//! Does a decision still hold that was made a moment ago, on what was known then?
//!
//! What another mail was answered meanwhile changes the figures that everybody's answers are counted by, and seldom what
//! they allow. So the figures are not compared, but what a decision asks of them. All else that is known must be equal.

use super::breaker::{self, Beat};
use super::budget::{self, Exhausted};
use super::{Decision, Effect, customer, ration};
use crate::case::{Facts, Scope, Window};
use crate::playbook::Playbook;
use crate::time::Timestamp;

/// Mails of one decision. No more of them are asked for in a ration, as long as a decision has no more.
const MAILS: u32 = 16;

/// What the counts allow.
#[derive(PartialEq)]
struct Allowed {
    of_scopes: Vec<OfScope>,
    /// Too many answers come back.
    slowed: bool,
    /// The next answer opens the breaker.
    trips: bool,
}

#[derive(PartialEq)]
struct OfScope {
    untouched: bool,
    exhausted: Option<Exhausted>,
    /// Mails that may still go to agents, as far as a decision asks.
    room: u32,
}

/// Was the decision about a mail whose facts were `earlier` the same if they were `facts`?
pub fn holds(decision: &Decision, earlier: &Facts, facts: &Facts, playbook: &Playbook, now: Timestamp) -> bool {
    // What opens the breaker or counts a bounce asks for figures.
    let asks_figures = |effect: &Effect| matches!(effect, Effect::Trip(_) | Effect::CameBack(_));
    let mails = decision.outgoing().count() + decision.why.folded.len();
    mails < MAILS as usize
        && !decision.effects.iter().any(asks_figures)
        && earlier.equal_but_counts(facts)
        // Nobody is told how long another group takes.
        && decision.case().is_none_or(|case| {
            let [was, is] = [earlier, facts].map(|facts| customer::wait(&case.group, facts, playbook, now));
            was == is
        })
        && allowed(earlier, playbook, now) == allowed(facts, playbook, now)
}

fn allowed(facts: &Facts, playbook: &Playbook, now: Timestamp) -> Allowed {
    let config = playbook.config();
    let of_scope = |(scope, window): (&Scope, &Window)| OfScope {
        untouched: window.is_untouched(),
        exhausted: budget::exhausted(std::slice::from_ref(scope), &facts.budgets, &config.budget, now),
        room: ration::room(scope, &facts.budgets, &config.budget, now).min(MAILS),
    };
    Allowed {
        of_scopes: facts.budgets.iter().map(of_scope).collect(),
        slowed: budget::slowed(&facts.pulse, &facts.budgets, &config.breaker, now).is_some(),
        trips: breaker::trips(Beat::Answer, &facts.pulse, &config.breaker, now).is_some(),
    }
}
