//! Who answers our answers faster than people read them.

use std::time::Duration;

use crate::ids::CaseNumber;
use crate::time::{Timestamp, of_days};

/// What a sender did with our answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Haste {
    /// When the last answer left, if they have not written in haste since.
    pub answered: Option<Timestamp>,
    /// Their mails that came in haste, oldest first.
    pub quick: Vec<Timestamp>,
    /// They are a program.
    pub robot: Option<Robot>,
}

/// A sender who is taken for a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Robot {
    pub until: Timestamp,
    /// The case that collects their mails.
    pub case: CaseNumber,
}

/// What counts as haste, and for how long it is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A mail that comes within this after our answer comes in haste.
    pub turn_around: Duration,
    /// So many of them within a day are a program's; 0: nobody is taken for one.
    pub times: u32,
    /// How long a sender is taken for a program.
    pub lasts: Duration,
}

/// Mails in haste that lie further apart are chance.
const NEAR: Duration = of_days(1);
/// A mailbox tells when a mail came to the second, and its clock is not ours.
const BLUR: Duration = Duration::from_secs(2);
/// Mails in haste remembered of one sender.
const MOST: usize = 10;

impl Haste {
    /// An answer to them left.
    pub fn answer_left(&mut self, at: Timestamp) {
        self.answered = Some(at);
    }

    /// Does a mail that came at `delivered` answer our last answer in haste?
    pub fn is_quick(&self, delivered: Timestamp, patience: &Patience) -> bool {
        let window = self.answered.map(|at| (earlier(at, BLUR), later(at, patience.turn_around)));
        patience.times > 0 && window.is_some_and(|(from, to)| (from..=to).contains(&delivered))
    }

    /// After a mail in haste that went to `case`. Each answer of ours is answered in haste once: a person who
    /// writes five mails in a minute is only eager.
    pub fn after_quick(&self, case: CaseNumber, patience: &Patience, now: Timestamp) -> Haste {
        let near = self.quick.iter().filter(|at| later(**at, NEAR) >= now);
        let mut quick: Vec<Timestamp> = near.copied().chain([now]).collect();
        quick.drain(..quick.len().saturating_sub(MOST));
        let found = quick.len() as u32 >= patience.times.min(MOST as u32);
        let robot = Robot { until: later(now, patience.lasts), case };
        Haste { answered: None, quick, robot: if found { Some(robot) } else { self.robot } }
    }

    /// As whom they are known at `now`.
    pub fn robot_at(&self, now: Timestamp) -> Option<Robot> {
        self.robot.filter(|robot| robot.until > now)
    }
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { turn_around: Duration::from_secs(60), times: 3, lasts: Duration::from_secs(7 * 24 * 3600) };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Answers leave at these seconds, mails come after them by these: when is the sender found to be a program?
    fn found(dialogue: &[(i64, i64)]) -> Option<i64> {
        let mut haste = Haste::default();
        for (answer, after) in dialogue {
            haste.answer_left(at(*answer));
            for again in 0..3 {
                let came = at(answer + after + again);
                if haste.is_quick(came, &PATIENCE) {
                    haste = haste.after_quick(CaseNumber::from_bits(1), &PATIENCE, came);
                }
            }
            if haste.robot_at(at(answer + after)).is_some() {
                return Some(answer + after);
            }
        }
        None
    }

    #[test]
    fn three_answers_in_haste_are_a_programs() {
        let days = |n: i64| n * 24 * 3600;
        assert_eq!(found(&[(0, 1), (1200, 1), (2400, 1)]), Some(2401));
        assert_eq!(found(&[(0, 1), (1200, 58), (2400, 3600), (9000, 60)]), Some(9060));
        assert_eq!(found(&[(0, 1), (1200, 1), (2400, 61)]), None, "a minute is enough to read");
        assert_eq!(found(&[(0, 1), (1200, 1), (2400, -10)]), None, "written before our answer left");
        assert_eq!(found(&[(0, 1), (days(1) + 60, 1), (days(2) + 60, 1)]), None, "days apart");
        let robot = Haste { robot: Some(Robot { until: at(10), case: CaseNumber::from_bits(1) }), ..Haste::default() };
        assert_eq!((robot.robot_at(at(9)).is_some(), robot.robot_at(at(10)).is_some()), (true, false));
    }
}
