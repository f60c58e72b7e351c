//! How many automatic replies may leave: caps that need no cooperation from the other side.
//!
//! Whatever another robot sends, it gets a few replies an hour and a few more a day, and a flood of forged
//! senders gets what one small budget holds. What is over goes to humans instead; nothing is dropped.

use crate::case::{Budgets, Scope};
use crate::config::Budget;
use crate::time::Timestamp;

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

/// A budget that is used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exhausted {
    pub scope: Scope,
    pub limit: u32,
    pub minutes: i64,
}

/// The first budget of `scopes` that does not allow one more reply at `now`.
pub fn exhausted(scopes: &[Scope], spent: &Budgets, budget: &Budget, now: Timestamp) -> Option<Exhausted> {
    scopes.iter().find_map(|scope| {
        let window = spent.get(scope)?;
        limits(scope, budget)
            .into_iter()
            .find(|(minutes, limit)| window.count(scope, *minutes, now) >= *limit)
            .map(|(minutes, limit)| Exhausted { scope: scope.clone(), limit, minutes })
    })
}

fn limits(scope: &Scope, budget: &Budget) -> Vec<(i64, u32)> {
    match scope {
        Scope::Sender(_) => vec![(HOUR, budget.sender_hour), (DAY, budget.sender_day)],
        Scope::Domain(domain) if budget.free_mail.contains(domain) => vec![(HOUR, budget.free_mail_hour)],
        Scope::Domain(_) => vec![(HOUR, budget.domain_hour), (DAY, budget.domain_day)],
        Scope::Unknown => vec![(HOUR, budget.unknown_hour), (DAY, budget.unknown_day)],
        Scope::Global => vec![(HOUR, budget.global_hour), (DAY, budget.global_day)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_robot_sends_it_gets_three_replies_an_hour_and_five_a_day() {
        let scopes = [Scope::Sender("robot@example.com".into()), Scope::Global];
        let (mut spent, mut sent) = (Budgets::new(), Vec::new());
        for second in (0..26 * 3600).step_by(20) {
            let now = Timestamp::from_second(second).unwrap();
            if exhausted(&scopes, &spent, &Budget::default(), now).is_none() {
                for scope in &scopes {
                    spent.entry(scope.clone()).or_default().spend(scope, now);
                }
                sent.push(second);
            }
        }
        let most_within = |span: i64| {
            sent.iter().map(|from| sent.iter().filter(|at| (*from..*from + span).contains(*at)).count()).max()
        };
        assert_eq!(most_within(3600), Some(3));
        assert_eq!(most_within(24 * 3600), Some(5));
    }

    #[test]
    fn a_mail_host_for_everyone_is_counted_by_its_own_limit() {
        let scope = Scope::Domain("qq.com".into());
        let now = Timestamp::from_second(0).unwrap();
        let mut spent = Budgets::new();
        for _ in 0..150 {
            spent.entry(scope.clone()).or_default().spend(&scope, now);
        }
        assert_eq!(exhausted(std::slice::from_ref(&scope), &spent, &Budget::default(), now), None);
        let small = Budget { free_mail: Vec::new(), ..Budget::default() };
        let over = exhausted(std::slice::from_ref(&scope), &spent, &small, now).unwrap();
        assert_eq!((over.limit, over.minutes), (20, 60));
    }
}
