//! May an answer leave? And by what it is counted if it does.

use super::budget::{self, Says};
use super::scene::Scene;
use super::{Plan, Silence, customer};
use crate::case::{Facts, Scope};
use crate::thread;

/// May the answer of this plan leave?
pub(super) fn gate(scene: &Scene<'_>, plan: &Plan, facts: &Facts) -> Result<(), Silence> {
    let Scene { screening, before, judgement, playbook, now, .. } = *scene;
    if !playbook.config().reply.enabled {
        return Err(Silence::Disabled);
    }
    if !screening.answerable() {
        return Err(Silence::Screening);
    }
    if let Some(rule) = &judgement.suppressed_by {
        return Err(Silence::Rule(rule.clone()));
    }
    let sender = screening.answer_to.as_ref().map(|address| Scope::Sender(address.counting_key()));
    if let Some(until) = sender.and_then(|sender| facts.suppressed.get(&sender)).filter(|until| **until > now) {
        return Err(Silence::Suppressed(*until));
    }
    let budget = &playbook.config().budget;
    let says = plan.template().map(Says::of);
    if let Some(limit) = says.and_then(|says| budget::exhausted_in(before, says, budget)) {
        return Err(Silence::CaseBudget(limit));
    }
    let scopes = scopes(scene, facts);
    let over = budget::exhausted(&scopes, &facts.budgets, budget, now)
        .or_else(|| budget::slowed(&facts.pulse, &facts.budgets, &playbook.config().breaker, now));
    match (over, facts.tripped) {
        (Some(exhausted), _) => Err(Silence::Budget(exhausted)),
        (None, Some(tripped)) => Err(Silence::Breaker(tripped.at)),
        (None, None) => Ok(()),
    }
}

/// Everything an answer is counted by. Who is authenticated does not draw on the budget of the unknown but, the first
/// time they are answered, on that of newcomers; and nobody is unknown where nobody is asked for a proof. Only what opens
/// a case is counted by its subject: in a case, a subject is meant to come again.
pub(super) fn scopes(scene: &Scene<'_>, facts: &Facts) -> Vec<Scope> {
    let Scene { mail, screening, before, playbook, .. } = *scene;
    let known = customer::is_known(screening, playbook);
    let to = screening.answer_to.as_ref();
    let mut scopes = to.map(|to| thread::scopes(to, mail.message)).unwrap_or_default();
    let answered_before = scopes.iter().any(|scope| {
        matches!(scope, Scope::Sender(_)) && facts.budgets.get(scope).is_some_and(|window| !window.is_untouched())
    });
    scopes.retain(|scope| match scope {
        Scope::Unknown => !known,
        Scope::FirstTime => known && !answered_before,
        Scope::Subject(_) => before.is_none(),
        _ => true,
    });
    scopes
}
