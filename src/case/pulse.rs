//! The pulse of the bot: how many answers leave from hour to hour, and which of the last came back. By it the breaker
//! knows that something is wrong, whatever the mails look like one by one.

use crate::case::{Grain, Window};
use crate::ids::CaseNumber;
use crate::time::Timestamp;

/// What the automatic answers have done lately.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pulse {
    /// Answers of the last hour, as far as they left after the breaker was released.
    recent: Window,
    /// Answers from hour to hour, for seven days.
    hours: Window,
    /// The last answers, oldest first.
    last: Vec<Act>,
}

/// An answer, by its case, and whether it came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    pub case: CaseNumber,
    pub came_back: bool,
}

/// The breaker has opened: no automatic answer leaves until somebody releases it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tripped {
    pub at: Timestamp,
    pub cause: Cause,
    /// What was counted, with the answer or the bounce that was one too many, and the figure it passed.
    pub count: u32,
    pub limit: u32,
}

/// Which limit was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// More answers within an hour than are ever meant to leave.
    Hour,
    /// Many times more than in an ordinary hour of the week.
    Median,
    /// Too many of the last answers came back.
    Bounces,
}

const RECENT: Grain = Grain { slot: 5, span: HOUR };
const HOURS: Grain = Grain { slot: HOUR, span: 7 * 24 * HOUR };
const HOUR: i64 = 60;
/// Answers remembered one by one.
const LAST: usize = 100;
/// Of so many answers the breaker counts those that came back.
pub const JUDGED: usize = 50;
/// An ordinary hour is known once answers have left in so many hours of the week: a working day or two.
const LEAST_HOURS: usize = 12;

impl Pulse {
    pub fn from_parts(recent: Window, hours: Window, last: Vec<Act>) -> Pulse {
        Pulse { recent, hours, last }
    }

    pub fn parts(&self) -> (&Window, &Window, &[Act]) {
        (&self.recent, &self.hours, &self.last)
    }

    /// An answer leaves.
    pub fn answered(&mut self, case: CaseNumber, now: Timestamp) {
        self.recent.add(RECENT, now);
        self.hours.add(HOURS, now);
        self.last.push(Act { case, came_back: false });
        let over = self.last.len().saturating_sub(LAST);
        self.last.drain(..over);
    }

    /// An answer in this case came back. Each counts once, however often its return is told.
    pub fn came_back(&mut self, case: CaseNumber) {
        let act = self.last.iter_mut().rev().find(|act| act.case == case && !act.came_back);
        if let Some(act) = act {
            act.came_back = true;
        }
    }

    /// The breaker is released: what made it open is not held against the bot a second time.
    pub fn released(&mut self) {
        self.recent = Window::default();
        self.last.clear();
    }

    /// Answers of the last hour.
    pub fn last_hour(&self, now: Timestamp) -> u32 {
        self.recent.within(RECENT, HOUR, now)
    }

    /// How many of the last `of` answers came back.
    pub fn bounces(&self, of: usize) -> u32 {
        self.last.iter().rev().take(of).filter(|act| act.came_back).count() as u32
    }

    /// Answers of an ordinary hour: the median of the hours of the last seven days in which any left, without the
    /// present one. The still hours do not count, or a desk that sleeps at night would ordinarily answer nobody. None
    /// for a bot too young to know.
    pub fn ordinary_hour(&self, now: Timestamp) -> Option<u32> {
        let present = HOURS.slot_of(now);
        let past = self.hours.slots().iter().filter(|(at, _)| (present - HOURS.span..present).contains(at));
        let mut counts: Vec<u32> = past.map(|(_, count)| *count).collect();
        counts.sort_unstable();
        (counts.len() >= LEAST_HOURS).then(|| counts[counts.len() / 2])
    }

    /// The cases of the last answers, newest first.
    pub fn cases(&self) -> impl Iterator<Item = Act> {
        self.last.iter().rev().copied()
    }
}

impl Cause {
    pub const ALL: [Cause; 3] = [Cause::Hour, Cause::Median, Cause::Bounces];

    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Hour => "hour",
            Cause::Median => "median",
            Cause::Bounces => "bounces",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn case(n: u64) -> CaseNumber {
        CaseNumber::from_bits(n)
    }

    #[test]
    fn an_ordinary_hour_is_that_of_the_busy_hours_of_a_week() {
        let mut pulse = Pulse::default();
        for day in 0..3 {
            for hour in 9..17 {
                for n in 0..10 + hour {
                    pulse.answered(case(1), at((day * 24 + hour) * 60 + n));
                }
            }
            let known = pulse.ordinary_hour(at((day * 24 + 20) * 60));
            assert_eq!(known, if day == 0 { None } else { Some(23) }, "day {day}");
        }
        assert_eq!(pulse.ordinary_hour(at(30 * 24 * 60)), None, "a month later nothing is known any more");
        assert_eq!(pulse.last_hour(at((2 * 24 + 17) * 60)), 26);
    }

    #[test]
    fn an_answer_comes_back_once_and_release_forgets() {
        let mut pulse = Pulse::default();
        (0..60).for_each(|n| pulse.answered(case(n % 30), at(0)));
        (0..9).for_each(|_| pulse.came_back(case(7)));
        pulse.came_back(case(1000));
        assert_eq!((pulse.bounces(JUDGED), pulse.bounces(LAST)), (1, 2), "two answers of that case, one of them older");
        (0..200).for_each(|_| pulse.answered(case(3), at(0)));
        assert_eq!(pulse.cases().count(), LAST);
        pulse.came_back(case(3));
        assert_eq!((pulse.bounces(LAST), pulse.last_hour(at(59))), (1, 260));
        pulse.released();
        assert_eq!((pulse.bounces(LAST), pulse.last_hour(at(0))), (0, 0));
        assert_eq!(pulse.ordinary_hour(at(60)), None);
    }
}
