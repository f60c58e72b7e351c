//! When to try again, and when to give up.

use std::time::Duration;

use crate::outgoing::Purpose;
use crate::time::Timestamp;

/// Waits between the attempts for one mail; the last one repeats (RFC 5321 §4.5.4.1 asks for thirty minutes
/// and more between attempts, after a few quick ones for greylisting).
const WAITS: [u64; 8] = [60, 5 * 60, 15 * 60, 30 * 60, 60 * 60, 2 * 60 * 60, 3 * 60 * 60, 4 * 60 * 60];
/// The first and the longest pause of a relay in trouble.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 60);
/// How long nobody logs in after a refused login.
const LOGIN_PAUSE: Duration = Duration::from_secs(10 * 60);
/// A mail in doubt is tried again after this, so that a relay that is just restarting is not hit at once.
const DOUBT_WAIT: Duration = Duration::from_secs(30);
/// An automatic answer in doubt is sent at most this often in all.
const DOUBTFUL_ANSWERS: u32 = 2;

/// A mail that has waited for as long as a mail may wait is given up at this failure more, and they are this far apart
/// at least: a clock that is ahead for an hour must not end what is put off in that hour, nor a host that was off for a week
/// what it finds in the outbox.
pub const LATE_TRIES: u32 = 6;
const LATE_WAIT: Duration = Duration::from_secs(15 * 60);

/// What to do with a mail that did not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    TryAt(Timestamp),
    /// It has waited for too long: one of its last tries then, or none.
    Late(Timestamp),
    GiveUp,
}

/// How patient delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    pub give_up: Duration,
    /// How old an automatic answer in doubt may be, to be sent again.
    pub answer_in_doubt: Duration,
}

impl Patience {
    /// After the relay put a mail off at its `attempt`-th attempt. `jitter` in 0..1 spreads the attempts of
    /// many mails by a quarter.
    pub fn put_off(&self, attempt: u32, created: Timestamp, now: Timestamp, jitter: f64) -> Next {
        let wait = WAITS[(attempt.max(1) as usize - 1).min(WAITS.len() - 1)];
        let spread = Duration::from_secs_f64(wait as f64 * (1.0 + jitter.clamp(0.0, 1.0) / 4.0));
        self.at(after(now, spread), created, now)
    }

    /// After trouble of the relay, which rests until `rested`. No mail is tried for ever, whoever's fault it is.
    pub fn relay_trouble(&self, rested: Timestamp, created: Timestamp, now: Timestamp) -> Next {
        self.at(rested, created, now)
    }

    /// After a mail's fate became unknown: humans' mail is sent again, byte for byte the same; an automatic
    /// answer only while it is young, since two answers are worse than none.
    pub fn in_doubt(&self, purpose: Purpose, attempt: u32, created: Timestamp, now: Timestamp) -> Next {
        let young = now < after(created, self.answer_in_doubt);
        match purpose {
            Purpose::Answer if !young || attempt >= DOUBTFUL_ANSWERS => Next::GiveUp,
            _ => self.at(after(now, DOUBT_WAIT), created, now),
        }
    }

    fn at(&self, next: Timestamp, created: Timestamp, now: Timestamp) -> Next {
        match next > after(created, self.give_up) {
            true => Next::Late(next.max(after(now, LATE_WAIT))),
            false => Next::TryAt(next),
        }
    }
}

/// How long the whole queue rests after the `failures`-th trouble of the relay in a row.
pub fn pause(failures: u32, jitter: f64) -> Duration {
    let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(16)));
    pause.min(LONGEST_PAUSE).mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 4.0)
}

/// The same after a refused login: at most ten logins an hour, the first of each connection among them, since a host
/// locks an account that is tried more often.
pub fn login_pause(_failures: u32, jitter: f64) -> Duration {
    LOGIN_PAUSE.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 4.0)
}

/// May the end of a rest that began before `now` be as far off as this?
pub fn is_near(until: Timestamp, now: Timestamp) -> bool {
    until <= after(now, LONGEST_PAUSE.max(LOGIN_PAUSE).mul_f64(1.25))
}

fn after(time: Timestamp, wait: Duration) -> Timestamp {
    time.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { give_up: Duration::from_secs(96 * 3600), answer_in_doubt: Duration::from_secs(3600) };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_mail_is_tried_for_four_days_and_then_late() {
        let (mut now, mut attempts) = (0, 0);
        while let Next::TryAt(next) = PATIENCE.put_off(attempts + 1, at(0), at(now), 0.0) {
            assert!(next > at(now));
            now = next.as_second();
            attempts += 1;
        }
        assert!((25..40).contains(&attempts), "{attempts}");
        assert!(now > 91 * 3600 && now <= 96 * 3600, "{now}");
    }

    #[test]
    fn a_relay_in_trouble_is_asked_at_most_thirty_times_an_hour() {
        let (mut now, mut failures) = (Duration::ZERO, 0);
        while now < Duration::from_secs(3600) {
            failures += 1;
            now += pause(failures, 0.0);
        }
        assert!(failures <= 30, "{failures}");
        assert_eq!(pause(u32::MAX, 0.0), LONGEST_PAUSE);
    }

    #[test]
    fn two_answers_are_worse_than_none() {
        let doubt = |purpose, attempt, age| PATIENCE.in_doubt(purpose, attempt, at(0), at(age));
        assert_eq!(doubt(Purpose::Answer, 1, 60), Next::TryAt(at(90)));
        assert_eq!(doubt(Purpose::Answer, 2, 60), Next::GiveUp);
        assert_eq!(doubt(Purpose::Answer, 1, 3600), Next::GiveUp);
        assert_eq!(doubt(Purpose::Forward, 9, 7200), Next::TryAt(at(7230)));
        assert_eq!(doubt(Purpose::Forward, 9, 97 * 3600), Next::Late(at(97 * 3600 + 900)));
    }
}
