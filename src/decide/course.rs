//! The course that a mail takes: what is planned, and what of it may happen.

use super::breaker::{self, Beat};
use super::gate::gate;
use super::rollout::{self, Loosed};
use super::scene::Scene;
use super::{Plan, Silence, dead_letter};
use crate::case::{Facts, Tripped};
use crate::ids::{CaseNumber, TemplateName};

pub(super) struct Course {
    pub plan: Plan,
    /// Why no automatic answer leaves, where one might have.
    pub silence: Option<Silence>,
    /// What agents see of an answer that never leaves.
    pub draft: Option<TemplateName>,
    /// The case whose answer this mail says to have come back.
    pub came_back: Option<CaseNumber>,
    /// The breaker opens by this mail.
    pub tripped: Option<Tripped>,
}

impl Course {
    pub fn of(scene: &Scene<'_>, facts: &Facts) -> Course {
        let Scene { mail, screening, before, judgement, playbook, now, .. } = *scene;
        let plan = Plan::of(scene).with_copy(judgement);
        let gate = gate(scene, &plan, facts);
        let would_answer = gate.is_ok() && plan.template().is_some();
        let came_back = dead_letter::came_back(mail, screening, before, playbook);
        let beat = came_back.map(Beat::Return).or(would_answer.then_some(Beat::Answer));
        let tripped = beat
            .filter(|_| facts.tripped.is_none())
            .and_then(|beat| breaker::trips(beat, &facts.pulse, &playbook.config().breaker, now));
        let gate = gate.and(tripped.map_or(Ok(()), |tripped| Err(Silence::Breaker(tripped.at))));
        let (plan, silence) = plan.through(gate);
        let Loosed { plan, silence: kept, draft } = rollout::let_loose(plan, judgement, playbook);
        Course { plan, silence: silence.or(kept), draft, came_back, tripped }
    }
}
