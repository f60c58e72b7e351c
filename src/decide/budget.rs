//! How many automatic replies may leave: caps that need no cooperation from the other side.
//!
//! Whatever another robot sends, it gets a few replies an hour and a few more a day, and a flood of forged
//! senders gets what one small budget holds. What is over goes to humans instead; nothing is dropped.

use crate::case::{Budgets, Case, Pulse, Scope};
use crate::config::{Breaker, Budget};
use crate::ids::TemplateName;
use crate::time::Timestamp;

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;
/// Of so many answers those that came back are counted, before answers are slowed down.
const OF_HUNDRED: usize = 100;

/// A budget that is used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exhausted {
    pub scope: Scope,
    pub limit: u32,
    pub minutes: i64,
}

/// What a reply says, as far as a case may hear it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// That humans have it: templates under `ack/` and `handoff/`. Said once.
    Received,
    /// Something that helps.
    Answer,
    /// How the case stands: templates under `status/`.
    Status,
    /// That a mail was added to the case: templates under `added/`.
    Added,
}

impl Says {
    pub fn of(template: &TemplateName) -> Says {
        match template.as_str().split_once('/').map_or("", |(folder, _)| folder) {
            "ack" | "handoff" => Says::Received,
            "status" => Says::Status,
            "added" => Says::Added,
            _ => Says::Answer,
        }
    }

    /// How often it was said in a case.
    fn times(self, case: &Case) -> u32 {
        match self {
            Says::Received => case.acknowledgements,
            Says::Status => case.statuses,
            Says::Added => case.work.added,
            Says::Answer => case.solutions(),
        }
    }

    /// How often it may be said in a case.
    fn limit(self, budget: &Budget) -> u32 {
        match self {
            Says::Received => budget.case_acknowledgements,
            Says::Status => budget.case_statuses,
            Says::Added => budget.case_added,
            Says::Answer => budget.case_answers,
        }
    }
}

/// The budget of a case, if it does not allow one more reply of this kind.
pub fn exhausted_in(case: Option<&Case>, says: Says, budget: &Budget) -> Option<u32> {
    let limit = says.limit(budget);
    (case.map_or(0, |case| says.times(case)) >= limit).then_some(limit)
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

/// Answers that come back harm the name of the desk (and a host takes their sender for a spammer): while too many do,
/// answers leave slowly.
pub fn slowed(pulse: &Pulse, spent: &Budgets, breaker: &Breaker, now: Timestamp) -> Option<Exhausted> {
    let slow = breaker.slow_percent > 0 && pulse.bounces(OF_HUNDRED) > breaker.slow_percent;
    let left = spent.get(&Scope::Global).map_or(0, |window| window.count(&Scope::Global, HOUR, now));
    let over = Exhausted { scope: Scope::Global, limit: breaker.slow_hour, minutes: HOUR };
    (slow && left >= breaker.slow_hour).then_some(over)
}

fn limits(scope: &Scope, budget: &Budget) -> Vec<(i64, u32)> {
    match scope {
        Scope::Sender(_) => vec![(HOUR, budget.sender_hour), (DAY, budget.sender_day)],
        Scope::Subject(_) => vec![(DAY, budget.subject_day)],
        Scope::Domain(domain) if budget.free_mail.contains(domain) => vec![(HOUR, budget.free_mail_hour)],
        Scope::Domain(_) => vec![(HOUR, budget.domain_hour), (DAY, budget.domain_day)],
        Scope::Unknown => vec![(HOUR, budget.unknown_hour), (DAY, budget.unknown_day)],
        Scope::FirstTime => vec![(DAY, budget.first_time_day)],
        Scope::Global => vec![(HOUR, budget.global_hour), (DAY, budget.global_day)],
        // Mails to agents: what is over is folded (`ration`), never silenced.
        Scope::ForwardsOf(_) | Scope::ForwardsTo(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CaseNumber;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn whatever_a_robot_sends_it_gets_three_replies_an_hour_and_five_a_day() {
        let scopes = [Scope::Sender("robot@example.com".into()), Scope::Global];
        let (mut spent, mut sent) = (Budgets::new(), Vec::new());
        for second in (0..26 * 3600).step_by(20) {
            let now = at(second);
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
    fn each_budget_holds_what_it_says_and_not_one_more() {
        let key = || "ann@example.org".to_owned();
        for (scope, limit, minutes) in [
            (Scope::Sender(key()), 3, HOUR),
            (Scope::Subject("0123456789ab".into()), 1, DAY),
            (Scope::Domain("example.org".into()), 20, HOUR),
            (Scope::Domain("qq.com".into()), 200, HOUR),
            (Scope::Unknown, 30, HOUR),
            (Scope::FirstTime, 2_000, DAY),
            (Scope::Global, 600, HOUR),
        ] {
            let (budget, mut spent) = (Budget::default(), Budgets::new());
            let over = |spent: &Budgets, now| exhausted(std::slice::from_ref(&scope), spent, &budget, now);
            for n in 0..limit {
                assert_eq!(over(&spent, at(0)), None, "{scope:?} after {n}");
                spent.entry(scope.clone()).or_default().spend(&scope, at(0));
            }
            assert_eq!(over(&spent, at(0)), Some(Exhausted { scope: scope.clone(), limit, minutes }));
            // The clock is set back: nothing is refilled.
            assert!(over(&spent, at(-3600 * 20)).is_some(), "{scope:?}");
        }
    }

    #[test]
    fn each_budget_of_a_day_holds_what_it_says() {
        for (scope, limit) in [
            (Scope::Sender("ann@example.org".into()), 5),
            (Scope::Domain("example.org".into()), 100),
            (Scope::Unknown, 200),
            (Scope::Global, 5_000),
        ] {
            let (budget, mut spent, mut left) = (Budget::default(), Budgets::new(), 0);
            for second in (0..24 * 3600).step_by(7) {
                if exhausted(std::slice::from_ref(&scope), &spent, &budget, at(second)).is_none() {
                    spent.entry(scope.clone()).or_default().spend(&scope, at(second));
                    left += 1;
                }
            }
            assert_eq!(left, limit, "{scope:?}");
        }
    }

    #[test]
    fn a_mail_host_for_everyone_is_counted_by_its_own_limit() {
        let scope = Scope::Domain("qq.com".into());
        let mut spent = Budgets::new();
        for _ in 0..150 {
            spent.entry(scope.clone()).or_default().spend(&scope, at(0));
        }
        assert_eq!(exhausted(std::slice::from_ref(&scope), &spent, &Budget::default(), at(0)), None);
        let small = Budget { free_mail: Vec::new(), ..Budget::default() };
        let over = exhausted(std::slice::from_ref(&scope), &spent, &small, at(0)).unwrap();
        assert_eq!((over.limit, over.minutes), (20, 60));
    }

    #[test]
    fn more_than_five_answers_back_in_a_hundred_slow_the_rest_down() {
        let (mut pulse, mut spent) = (Pulse::default(), Budgets::new());
        for n in 0..100 {
            pulse.answered(CaseNumber::from_bits(n), at(0));
        }
        (0..10).for_each(|_| spent.entry(Scope::Global).or_default().spend(&Scope::Global, at(0)));
        let over = |pulse: &Pulse, spent: &Budgets| slowed(pulse, spent, &Breaker::default(), at(0));
        for n in 0..6 {
            assert_eq!(over(&pulse, &spent), None, "{n}");
            pulse.came_back(CaseNumber::from_bits(n));
        }
        assert_eq!(over(&pulse, &spent).map(|over| over.limit), Some(10));
        assert_eq!(over(&pulse, &Budgets::new()), None, "ten an hour still leave");
        let off = Breaker { slow_percent: 0, ..Breaker::default() };
        assert_eq!(slowed(&pulse, &spent, &off, at(0)), None);
    }
}
