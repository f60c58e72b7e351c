//! The effects of a decision, sorted into the fields of its record.

use crate::case::{Case, Scope, Suppression};
use crate::decide::Effect;
use crate::outgoing::Outgoing;
use crate::store::{Manners, Orders};

#[derive(Default)]
pub(super) struct Effects {
    pub case: Option<Case>,
    pub outgoing: Vec<Outgoing>,
    pub spent: Vec<Scope>,
    pub suppressed: Vec<Suppression>,
    pub orders: Orders,
    pub manners: Manners,
}

impl FromIterator<Effect> for Effects {
    fn from_iter<I: IntoIterator<Item = Effect>>(effects: I) -> Effects {
        let mut sorted = Effects::default();
        for effect in effects {
            match effect {
                Effect::Open(case) | Effect::Append(case) => sorted.case = Some(case),
                Effect::Send(mail) => sorted.outgoing.push(mail),
                Effect::Spend(scope) => sorted.spent.push(scope),
                Effect::Suppress(suppression) => sorted.suppressed.push(suppression),
                Effect::Release(id) => sorted.orders.released.push(id),
                Effect::Withdraw(id) => sorted.orders.withdrawn.push(id),
                Effect::Internal(prints) => sorted.orders.internal.extend(&prints),
                Effect::Away(absence) => sorted.orders.absences.push(absence),
                Effect::Learn(lesson) => sorted.orders.learned.push(lesson),
                Effect::CameBack(case) => sorted.manners.came_back = Some(case),
                Effect::Trip(tripped) => sorted.manners.tripped = Some(tripped),
                Effect::Hurry(sender, haste) => sorted.manners.haste = Some((sender, haste)),
                Effect::Fold(folded) => sorted.manners.folded = Some(folded),
            }
        }
        sorted
    }
}
