//! The breaker: when all automatic answers stop, and what the operator is told of it.
//!
//! The budgets bound what one sender, one domain or one hour can cost. The breaker sees what they cannot: a desk that
//! answers many times more than it ever did, or whose answers come back. Mail is taken and forwarded as before; only
//! the answers stop, until a person has looked and releases it.

use super::mails::notice_of;
use crate::address::Address;
use crate::case::{Cause, Facts, JUDGED, Pulse, Tripped, pseudonym};
use crate::compose::Values;
use crate::config::{self, Mailbox};
use crate::ids::CaseNumber;
use crate::language::Language;
use crate::outgoing::Outgoing;
use crate::playbook::{OwnTemplates, Playbook};
use crate::time::Timestamp;

/// Answers shown to the operator, by their cases.
const SHOWN: usize = 20;
/// Senders shown, those with most answers first.
const TOP: usize = 5;

/// What one mail does to the pulse.
#[derive(Debug, Clone, Copy)]
pub(super) enum Beat {
    /// An answer would leave.
    Answer,
    /// An answer in this case came back.
    Return(CaseNumber),
}

/// Does the breaker open by this mail? An answer that would be one too many does not leave any more.
pub(super) fn trips(beat: Beat, pulse: &Pulse, breaker: &config::Breaker, now: Timestamp) -> Option<Tripped> {
    let over = |cause, count, limit| (count > limit).then_some(Tripped { at: now, cause, count, limit });
    match beat {
        Beat::Answer => {
            let count = pulse.last_hour(now) + 1;
            let by_hour = Some(breaker.answers_hour).filter(|limit| *limit > 0);
            let ordinary = pulse.ordinary_hour(now).filter(|_| breaker.times_median > 0);
            let by_median = ordinary.map(|hour| hour.saturating_mul(breaker.times_median).max(breaker.least_hour));
            by_hour
                .and_then(|limit| over(Cause::Hour, count, limit))
                .or_else(|| by_median.and_then(|limit| over(Cause::Median, count, limit)))
        }
        Beat::Return(case) => {
            let mut pulse = pulse.clone();
            pulse.came_back(case);
            let limit = JUDGED as u32 * breaker.bounce_percent / 100;
            let count = pulse.bounces(JUDGED);
            (breaker.bounce_percent > 0).then(|| over(Cause::Bounces, count, limit)).flatten()
        }
    }
}

/// What the operator is told: which limit, the figures, the last answers and whose they were. Nobody's address and
/// nothing a stranger wrote.
pub(super) fn notice(
    tripped: &Tripped,
    facts: &Facts,
    mailbox: &Mailbox,
    playbook: &Playbook,
    now: Timestamp,
) -> Option<Outgoing> {
    let language = playbook.config().handoff.language;
    let person = |to: &Option<Address>| to.as_ref().map_or("-".to_owned(), |to| pseudonym(playbook.key(), to));
    let acts: Vec<String> =
        facts.answered.iter().take(SHOWN).map(|(case, to)| format!("{case}  {}", person(to))).collect();
    let senders = top(facts.answered.iter().map(|(_, to)| person(to)));
    let fill = |values: &mut Values| {
        values.text("notice.why", &cause(tripped, language));
        values.text("notice.figures", &figures(&facts.pulse, language, now));
        values.list("notice.senders", senders.iter().map(String::as_str));
        values.list("notice.acts", acts.iter().map(String::as_str));
    };
    notice_of(playbook, mailbox, OwnTemplates::BREAKER, &format!("breaker {now}"), fill, now)
}

/// The most frequent first, with how often they occur.
fn top(people: impl Iterator<Item = String>) -> Vec<String> {
    let mut counts: Vec<(String, u32)> = Vec::new();
    for person in people {
        match counts.iter_mut().find(|(known, _)| *known == person) {
            Some((_, count)) => *count += 1,
            None => counts.push((person, 1)),
        }
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.into_iter().take(TOP).map(|(person, count)| format!("{person}  {count}")).collect()
}

/// Which limit was passed, in a sentence.
pub fn cause(tripped: &Tripped, language: Language) -> String {
    let Tripped { cause, count, limit, .. } = tripped;
    match (cause, language) {
        (Cause::Hour, Language::Zh) => {
            format!("一小时内的自动答复达到 {count} 封，上限为 {limit} 封（breaker.answers_hour）")
        }
        (Cause::Hour, Language::En) => {
            format!("{count} automatic answers within an hour; the limit is {limit} (breaker.answers_hour)")
        }
        (Cause::Hour, Language::Ja) => {
            format!("1時間の自動返信が{count}通に達しました。上限は{limit}通です（breaker.answers_hour）")
        }
        (Cause::Median, Language::Zh) => {
            format!(
                "一小时内的自动答复达到 {count} 封，远多于近七天的平常水平（上限 {limit} 封，breaker.times_median）"
            )
        }
        (Cause::Median, Language::En) => format!(
            "{count} automatic answers within an hour, far more than in an ordinary hour of the last seven days \
             (the limit is {limit}, breaker.times_median)"
        ),
        (Cause::Median, Language::Ja) => format!(
            "1時間の自動返信が{count}通に達し、直近7日間の通常の水準を大きく超えました（上限{limit}通、\
             breaker.times_median）"
        ),
        (Cause::Bounces, Language::Zh) => {
            format!("最近 {JUDGED} 封自动答复中有 {count} 封被退回，超过 {limit} 封（breaker.bounce_percent）")
        }
        (Cause::Bounces, Language::En) => format!(
            "{count} of the last {JUDGED} automatic answers came back; the limit is {limit} (breaker.bounce_percent)"
        ),
        (Cause::Bounces, Language::Ja) => format!(
            "直近{JUDGED}通の自動返信のうち{count}通が戻りました。上限は{limit}通です（breaker.bounce_percent）"
        ),
    }
}

fn figures(pulse: &Pulse, language: Language, now: Timestamp) -> String {
    let (hour, bounces) = (pulse.last_hour(now), pulse.bounces(JUDGED));
    let ordinary = pulse.ordinary_hour(now).map_or("-".to_owned(), |hour| hour.to_string());
    match language {
        Language::Zh => {
            format!("最近一小时已答复 {hour} 封；平常每小时 {ordinary} 封；最近 {JUDGED} 封中退回 {bounces} 封")
        }
        Language::En => format!(
            "{hour} answers left within the last hour; an ordinary hour has {ordinary}; {bounces} of the last {JUDGED} \
             came back"
        ),
        Language::Ja => {
            format!("直近1時間の返信{hour}通、通常は1時間に{ordinary}通、直近{JUDGED}通のうち戻り{bounces}通")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn case(n: u64) -> CaseNumber {
        CaseNumber::from_bits(n)
    }

    fn tripped(beat: Beat, pulse: &Pulse, minute: i64) -> Option<(Cause, u32, u32)> {
        let tripped = trips(beat, pulse, &config::Breaker::default(), at(minute))?;
        Some((tripped.cause, tripped.count, tripped.limit))
    }

    #[test]
    fn f37_the_answer_after_the_three_hundredth_of_an_hour_does_not_leave() {
        let mut pulse = Pulse::default();
        for n in 0..300 {
            assert_eq!(tripped(Beat::Answer, &pulse, 30), None, "{n}");
            pulse.answered(case(n), at(30));
        }
        assert_eq!(tripped(Beat::Answer, &pulse, 31), Some((Cause::Hour, 301, 300)));
        assert_eq!(tripped(Beat::Answer, &pulse, 99), None, "more than an hour later");
        let off = config::Breaker { answers_hour: 0, times_median: 0, ..config::Breaker::default() };
        assert_eq!(trips(Beat::Answer, &pulse, &off, at(30)), None);
        pulse.released();
        assert_eq!(tripped(Beat::Answer, &pulse, 31), None, "released is released");
    }

    #[test]
    fn f37_five_times_an_ordinary_hour_is_too_much_and_a_quiet_desk_has_a_floor() {
        for (ordinary, limit) in [(3, 60), (20, 100), (58, 290)] {
            let mut pulse = Pulse::default();
            for hour in 0..40 {
                (0..ordinary).for_each(|_| pulse.answered(case(1), at(hour * 60)));
            }
            let now = 50 * 60;
            for n in 0..limit {
                assert_eq!(tripped(Beat::Answer, &pulse, now), None, "{ordinary} {n}");
                pulse.answered(case(2), at(now));
            }
            assert_eq!(tripped(Beat::Answer, &pulse, now), Some((Cause::Median, limit + 1, limit)), "{ordinary}");
        }
    }

    #[test]
    fn f37_sixteen_of_the_last_fifty_answers_that_came_back_are_too_many() {
        let mut pulse = Pulse::default();
        (0..60).for_each(|n| pulse.answered(case(n), at(n as i64 * 60)));
        for n in 45..60 {
            assert_eq!(tripped(Beat::Return(case(n)), &pulse, 0), None, "{n}");
            pulse.came_back(case(n));
        }
        assert_eq!(tripped(Beat::Return(case(59)), &pulse, 0), None, "the same one again");
        assert_eq!(tripped(Beat::Return(case(5)), &pulse, 0), None, "an older one");
        assert_eq!(tripped(Beat::Return(case(20)), &pulse, 0), Some((Cause::Bounces, 16, 15)));
    }

    #[test]
    fn who_was_answered_most_comes_first() {
        let people = ["b", "a", "c", "b", "d", "e", "f", "b", "a"].map(String::from);
        assert_eq!(top(people.into_iter()), ["b  3", "a  2", "c  1", "d  1", "e  1"]);
    }
}
