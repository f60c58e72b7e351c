//! When to connect again (RFC 9051 §7.1, RFC 5530): soon after a session that worked, ever later after ones
//! that did not, and latest after a refused login, for a host locks an account that keeps knocking.
//!
//! Pure: the time and the dice are handed in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How often a server is bothered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The first delay; each further one is twice as long.
    pub first: Duration,
    /// The longest delay after sessions that did nothing for us.
    pub longest: Duration,
    /// The longest delay after sessions that worked and then broke: their mail is waiting.
    pub longest_after_work: Duration,
    /// The first delay after a refused login.
    pub refused_first: Duration,
    pub refused_longest: Duration,
    /// Connections in vain within any hour.
    pub failures_an_hour: usize,
    /// Refused logins within any hour.
    pub refusals_an_hour: usize,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(15 * 60),
            longest_after_work: Duration::from_secs(30),
            refused_first: Duration::from_secs(5 * 60),
            refused_longest: Duration::from_secs(60 * 60),
            failures_an_hour: 30,
            refusals_an_hour: 10,
        }
    }
}

/// How a session ended, or that there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It brought mail, or lasted.
    Served,
    /// It did something for us, and soon broke.
    Broke,
    /// It did nothing for us: no connection, no TLS, no folder.
    InVain,
    /// The server did not accept our name or password.
    Refused,
}

/// A session that lasted this long is no part of a row of breaks.
pub const LASTING: Duration = Duration::from_secs(5 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The delays of one mailbox.
#[derive(Debug)]
pub struct Backoff {
    pace: Pace,
    /// How many ended the same way in a row.
    breaks: u32,
    failures: u32,
    refusals: u32,
    /// When they ended, within the last hour.
    failed_at: VecDeque<Instant>,
    refused_at: VecDeque<Instant>,
    not_before: Option<Instant>,
}

impl Backoff {
    pub fn new(pace: Pace) -> Backoff {
        Backoff {
            pace,
            breaks: 0,
            failures: 0,
            refusals: 0,
            failed_at: VecDeque::new(),
            refused_at: VecDeque::new(),
            not_before: None,
        }
    }

    /// How long until the next connection may be made.
    pub fn wait(&self, now: Instant) -> Duration {
        self.not_before.map_or(Duration::ZERO, |then| then.saturating_duration_since(now))
    }

    /// Notes the end of a session; `dice` is in 0..1 and spreads the delay from three to five quarters, so
    /// that the bots of one host do not come back in step.
    pub fn ended(&mut self, how: Ended, now: Instant, dice: f64) {
        let pace = self.pace;
        let (delay, full) = match how {
            Ended::Served => {
                (self.breaks, self.failures, self.refusals) = (0, 0, 0);
                (pace.first, None)
            }
            Ended::Broke => {
                (self.failures, self.refusals) = (0, 0);
                let delay = doubled(pace.first, &mut self.breaks, pace.longest_after_work);
                (delay, None)
            }
            Ended::InVain => {
                let delay = doubled(pace.first, &mut self.failures, pace.longest);
                (delay, note(&mut self.failed_at, now, pace.failures_an_hour))
            }
            Ended::Refused => {
                let delay = doubled(pace.refused_first, &mut self.refusals, pace.refused_longest);
                (delay, note(&mut self.refused_at, now, pace.refusals_an_hour))
            }
        };
        let then = now + delay.mul_f64(0.75 + dice.clamp(0.0, 1.0) / 2.0);
        self.not_before = Some(full.map_or(then, |full| then.max(full)));
    }
}

/// `first`, doubled for each in a row, at most `longest`; and one more in the row.
fn doubled(first: Duration, row: &mut u32, longest: Duration) -> Duration {
    let delay = first.saturating_mul(2_u32.saturating_pow(*row)).min(longest);
    *row = row.saturating_add(1);
    delay
}

/// Notes one more within the hour. When the hour is full: when there is room in it again.
fn note(within_the_hour: &mut VecDeque<Instant>, now: Instant, most: usize) -> Option<Instant> {
    within_the_hour.push_back(now);
    while within_the_hour.len() > most.max(1) {
        within_the_hour.pop_front();
    }
    within_the_hour.front().filter(|_| within_the_hour.len() >= most).map(|first| *first + HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connects as soon as allowed, each time ending in the same way; the offsets of the connections.
    fn knocks(backoff: &mut Backoff, how: Ended, within: Duration, dice: f64) -> Vec<Duration> {
        let start = Instant::now();
        let mut now = start;
        let mut knocks = Vec::new();
        loop {
            now += backoff.wait(now);
            if now.duration_since(start) >= within {
                return knocks;
            }
            knocks.push(now.duration_since(start));
            backoff.ended(how, now, dice);
        }
    }

    #[test]
    fn a_server_that_is_down_is_asked_ever_later() {
        let mut backoff = Backoff::new(Pace::default());
        let seconds: Vec<u64> = knocks(&mut backoff, Ended::InVain, 2 * HOUR, 0.5)
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).as_secs())
            .collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900, 900]);
    }

    #[test]
    fn no_hour_sees_more_than_thirty_connections_in_vain_or_ten_refused_logins() {
        let hasty = Pace {
            longest: Duration::from_secs(1),
            refused_first: Duration::from_secs(1),
            refused_longest: Duration::from_secs(1),
            ..Pace::default()
        };
        for (how, most) in [(Ended::InVain, 30), (Ended::Refused, 10)] {
            for dice in [0.0, 0.5, 1.0] {
                let knocks = knocks(&mut Backoff::new(hasty), how, 5 * HOUR, dice);
                for first in &knocks {
                    let within = knocks.iter().filter(|at| **at >= *first && **at < *first + HOUR);
                    assert!(within.count() <= most, "{how:?} {dice}");
                }
            }
        }
    }

    #[test]
    fn a_session_that_worked_is_resumed_within_a_minute_and_never_in_a_tight_loop() {
        let mut backoff = Backoff::new(Pace::default());
        let knocks = knocks(&mut backoff, Ended::Broke, HOUR, 1.0);
        assert!(knocks.windows(2).all(|pair| {
            let gap = pair[1] - pair[0];
            gap >= Duration::from_secs(1) && gap < Duration::from_secs(60)
        }));
        // One that brought mail begins a new row.
        let now = Instant::now();
        for _ in 0..2 {
            backoff.ended(Ended::Served, now, 0.5);
            assert_eq!(backoff.wait(now), Duration::from_secs(1));
        }
    }

    #[test]
    fn work_ends_a_row_of_failures() {
        let mut backoff = Backoff::new(Pace::default());
        let now = Instant::now();
        for _ in 0..6 {
            backoff.ended(Ended::InVain, now, 0.5);
        }
        backoff.ended(Ended::Broke, now, 0.5);
        assert_eq!(backoff.wait(now), Duration::from_secs(1));
        backoff.ended(Ended::InVain, now, 0.5);
        assert_eq!(backoff.wait(now), Duration::from_secs(1));
    }

    #[test]
    fn a_refused_login_waits_longer_than_anything_else() {
        let mut backoff = Backoff::new(Pace::default());
        let knocks = knocks(&mut backoff, Ended::Refused, HOUR, 0.0);
        assert!(knocks.len() <= 5, "{knocks:?}");
        assert!(knocks[1] >= Duration::from_secs(3 * 60));
    }
}
