//! Answers that are not let loose yet: they wait for an agent's word, or never leave.

use super::{Plan, Silence};
use crate::config::Rollout;
use crate::ids::TemplateName;
use crate::playbook::Playbook;
use crate::rules::Judgement;

/// A plan after it was asked how its answer is let loose.
pub(super) struct Loosed {
    pub plan: Plan,
    /// Why the answer does not leave by itself.
    pub silence: Option<Silence>,
    /// What agents see of an answer that never leaves.
    pub draft: Option<TemplateName>,
}

/// An answer of a rule goes by the rule's word, its category's or everybody's. The bare word that a human has the mail is no
/// answer to approve; it stays silent only where everything does.
pub(super) fn let_loose(plan: Plan, judgement: &Judgement, playbook: &Playbook) -> Loosed {
    let Some(template) = plan.template().cloned() else {
        return Loosed { plan, silence: None, draft: None };
    };
    let rollouts = &playbook.config().rollout;
    let rollout = match judgement.reply.as_ref() == Some(&template) {
        true => {
            let category = judgement.category.as_ref().map(|won| &won.category);
            rollouts.of(judgement.replying.as_ref(), category)
        }
        false if rollouts.all == Rollout::Shadow => Rollout::Shadow,
        false => Rollout::Send,
    };
    match rollout {
        Rollout::Send => Loosed { plan, silence: None, draft: None },
        // Whoever is to approve it must have it.
        Rollout::Approve => Loosed { plan: Plan::HandOff(template), silence: Some(Silence::Approval), draft: None },
        Rollout::Shadow => {
            // Humans look at what is asked, and what stays as it is stays so.
            let plan = if matches!(plan, Plan::Tell(_)) { Plan::Mention } else { Plan::Show };
            Loosed { plan, silence: Some(Silence::Shadow), draft: Some(template) }
        }
    }
}
