//! What became of a case so far, as its requester may be told it: a few steps, the last ones.

use crate::time::Timestamp;

/// Steps that are remembered: the first, which is when it began, and the latest.
const MOST_STEPS: usize = 9;

/// Something that happened in a case at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub at: Timestamp,
    pub what: Milestone,
}

/// What happened. Nothing that only the house may know is among it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Milestone {
    /// The requester's first mail came.
    Opened,
    /// The bot answered.
    Answered,
    /// It went to humans.
    HandedOver,
    /// The requester wrote something further.
    Added,
    /// A human answered.
    Replied,
    Closed,
    Reopened,
}

impl Milestone {
    pub const ALL: [Milestone; 7] = [
        Milestone::Opened,
        Milestone::Answered,
        Milestone::HandedOver,
        Milestone::Added,
        Milestone::Replied,
        Milestone::Closed,
        Milestone::Reopened,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Milestone::Opened => "opened",
            Milestone::Answered => "answered",
            Milestone::HandedOver => "handed-over",
            Milestone::Added => "added",
            Milestone::Replied => "replied",
            Milestone::Closed => "closed",
            Milestone::Reopened => "reopened",
        }
    }

    /// Of replies two are told: where the last is called back, the one before it is what happened.
    fn most_in_a_row(self) -> usize {
        match self {
            Milestone::Replied => 2,
            _ => 1,
        }
    }
}

/// The steps of a case, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Course(Vec<Step>);

impl Course {
    pub fn from_steps(steps: Vec<Step>) -> Course {
        Course(steps)
    }

    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The last such step never happened; the one before it stands again.
    pub fn take_back(&mut self, what: Milestone) {
        if let Some(last) = self.0.iter().rposition(|step| step.what == what) {
            self.0.remove(last);
        }
    }

    /// What is done many times in a row is told once, with the last time.
    pub fn add(&mut self, what: Milestone, at: Timestamp) {
        let row = self.0.iter().rev().take_while(|step| step.what == what).count();
        if row >= what.most_in_a_row() {
            self.0.remove(self.0.len() - row);
        }
        self.0.push(Step { at, what });
        if self.0.len() > MOST_STEPS {
            self.0.remove(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_and_the_latest_are_remembered() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut course = Course::default();
        course.add(Milestone::Opened, at(0));
        for n in 1..100 {
            course.add(if n % 2 == 0 { Milestone::Added } else { Milestone::Replied }, at(n));
            course.add(Milestone::Added, at(n));
        }
        assert_eq!(course.steps().len(), MOST_STEPS);
        assert_eq!((course.steps()[0].what, course.steps()[0].at), (Milestone::Opened, at(0)));
        assert_eq!(course.steps().last().map(|step| step.at), Some(at(99)));
    }

    #[test]
    fn of_replies_in_a_row_the_one_before_the_last_stands_when_that_is_taken_back() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut course = Course::default();
        course.add(Milestone::Opened, at(0));
        (1..=3).for_each(|n| course.add(Milestone::Added, at(n)));
        (4..=6).for_each(|n| course.add(Milestone::Replied, at(n)));
        course.add(Milestone::Closed, at(7));
        course.take_back(Milestone::Replied);
        let steps: Vec<_> = course.steps().iter().map(|step| (step.what, step.at)).collect();
        let want = [(Milestone::Opened, 0), (Milestone::Added, 3), (Milestone::Replied, 5), (Milestone::Closed, 7)];
        assert_eq!(steps, want.map(|(what, second)| (what, at(second))));
        (0..3).for_each(|_| course.take_back(Milestone::Replied));
        assert_eq!(course.steps().len(), 3);
    }
}
