//! How many mails agents get one by one: what is over is told in a digest, so that a storm of one sender does not bury
//! what the others wrote.
//!
//! Nothing is lost by it. The mail is in its case, and the next digest names it.

use crate::address::Address;
use crate::case::{Budgets, Scope};
use crate::config::Budget;
use crate::time::Timestamp;

/// The automatic mail that belongs to no case is counted as one sender's: From says nothing there, and whoever forges
/// ten thousand reports forges as many senders.
const AUTOMATIC: &str = "automatic";

const HOUR: i64 = 60;

/// What may still be sent to agents about one mail.
pub(super) struct Ration<'a> {
    spent: &'a Budgets,
    budget: &'a Budget,
    of: Scope,
    now: Timestamp,
    /// Who is sent something about this mail, once for each piece.
    sent: Vec<Address>,
    /// Who is told in a digest instead.
    folded: Vec<Address>,
}

impl<'a> Ration<'a> {
    /// For a mail of this sender; `None` for automatic mail that belongs to no case.
    pub fn new(sender: Option<&Address>, spent: &'a Budgets, budget: &'a Budget, now: Timestamp) -> Ration<'a> {
        Ration { spent, budget, of: of(sender), now, sent: Vec::new(), folded: Vec::new() }
    }

    /// May this agent be sent one more mail? If not, they are told in a digest.
    pub fn allows(&mut self, to: &Address) -> bool {
        let used = |scope: &Scope| self.spent.get(scope).map_or(0, |window| window.count(scope, HOUR, self.now));
        let already = self.sent.iter().filter(|sent| *sent == to).count() as u32;
        let allowed = used(&self.of) < self.budget.forwards_of_hour
            && used(&forwards_to(to)) + already < self.budget.forwards_to_hour;
        let list = if allowed { &mut self.sent } else { &mut self.folded };
        if allowed || !list.contains(to) {
            list.push(to.clone());
        }
        allowed
    }

    /// Who is told in a digest, and what was drawn on.
    pub fn settle(self) -> (Vec<Address>, Vec<Scope>) {
        let of = (!self.sent.is_empty()).then_some(self.of);
        (self.folded, of.into_iter().chain(self.sent.iter().map(forwards_to)).collect())
    }
}

/// What mails to an agent are counted by.
pub fn forwards_to(to: &Address) -> Scope {
    Scope::ForwardsTo(to.counting_key())
}

/// What forwards about a sender's mails are counted by.
fn of(sender: Option<&Address>) -> Scope {
    Scope::ForwardsOf(sender.map_or(AUTOMATIC.to_owned(), Address::counting_key))
}

/// How many mails to agents this scope still allows; none where no mails to agents are counted.
pub(super) fn room(scope: &Scope, spent: &Budgets, budget: &Budget, now: Timestamp) -> u32 {
    let limit = match scope {
        Scope::ForwardsOf(_) => budget.forwards_of_hour,
        Scope::ForwardsTo(_) => budget.forwards_to_hour,
        _ => 0,
    };
    limit.saturating_sub(spent.get(scope).map_or(0, |window| window.count(scope, HOUR, now)))
}

/// Everything that forwards about a mail of this sender may be counted by.
pub fn scopes<'a>(sender: Option<&Address>, agents: impl Iterator<Item = &'a Address>) -> Vec<Scope> {
    [of(sender), of(None)].into_iter().chain(agents.map(forwards_to)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// How many of `mails` mails, one a second, from so many senders, are sent to the agent one by one?
    fn sent(mails: i64, senders: i64) -> usize {
        let (agent, budget, mut spent) = (address("agent@example.com"), Budget::default(), Budgets::new());
        let one = |n: i64| {
            let sender = address(&format!("s{}@example.org", n % senders));
            let mut ration = Ration::new(Some(&sender), &spent, &budget, at(n));
            let allowed = ration.allows(&agent);
            let (folded, scopes) = ration.settle();
            assert_eq!(folded.len() + usize::from(allowed), 1, "sent or folded");
            for scope in scopes {
                spent.entry(scope.clone()).or_default().spend(&scope, at(n));
            }
            allowed
        };
        (0..mails).map(one).filter(|allowed| *allowed).count()
    }

    #[test]
    fn f34_an_agent_gets_twenty_mails_of_one_sender_and_sixty_in_all_within_an_hour() {
        assert_eq!(sent(20, 1), 20);
        assert_eq!(sent(1000, 1), 20);
        assert_eq!(sent(60, 60), 60);
        assert_eq!(sent(1000, 1000), 60);
    }

    #[test]
    fn pieces_of_one_mail_count_one_by_one() {
        let budget = Budget { forwards_to_hour: 2, ..Budget::default() };
        let (spent, agent) = (Budgets::new(), address("agent@example.com"));
        let mut ration = Ration::new(None, &spent, &budget, at(0));
        let allowed: Vec<bool> = (0..4).map(|_| ration.allows(&agent)).collect();
        assert_eq!(allowed, [true, true, false, false]);
        let (folded, scopes) = ration.settle();
        assert_eq!(folded, [agent]);
        assert_eq!(scopes.len(), 3);
    }
}
