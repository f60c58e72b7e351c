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

    /// It never happened.
    pub fn forget(&mut self, what: Milestone) {
        self.0.retain(|step| step.what != what);
    }

    /// What is done many times in a row is told once, with the last time.
    pub fn add(&mut self, what: Milestone, at: Timestamp) {
        match self.0.last_mut() {
            Some(last) if last.what == what => last.at = at,
            _ => self.0.push(Step { at, what }),
        }
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
}
