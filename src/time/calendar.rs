//! The calendar of a group: working hours, days off, make-up days (调休).

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::{Date, Holidays, Timestamp};

/// When the people of a group are there.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    pub zone: TimeZone,
    /// Working hours, Monday first; a day without any is a day off. The spans of a day lie in order and apart.
    pub week: [Vec<Span>; 7],
    /// The days that are not what their weekday says.
    pub holidays: Holidays,
    /// The hours of a working day in which answers take longer.
    pub peak: Vec<Span>,
}

/// A part of a day, from and to in minutes after midnight; `to` is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    from: u16,
    to: u16,
}

/// `9:00–18:00`, as people write it.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Span { from, to } = self;
        write!(f, "{}:{:02}–{}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

/// How a moment lies to the working hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hours {
    Open,
    Closed,
    /// Open, and busy.
    Peak,
}

impl Hours {
    pub const ALL: [Hours; 3] = [Hours::Open, Hours::Closed, Hours::Peak];

    pub fn as_str(self) -> &'static str {
        match self {
            Hours::Open => "open",
            Hours::Closed => "closed",
            Hours::Peak => "peak",
        }
    }

    pub fn is_open(self) -> bool {
        self != Hours::Closed
    }
}

/// Longest look ahead for working hours, in days: over a year nobody waits.
const LOOK_AHEAD: usize = 366;

impl Calendar {
    /// Around the clock, every day.
    pub fn always() -> Calendar {
        Calendar {
            zone: TimeZone::UTC,
            week: std::array::from_fn(|_| vec![Span { from: 0, to: DAY }]),
            holidays: Holidays::default(),
            peak: Vec::new(),
        }
    }

    pub fn moment(&self, now: Timestamp) -> Hours {
        let local = now.to_zoned(self.zone.clone());
        let minute = local.hour() as u16 * 60 + local.minute() as u16;
        let within = |spans: &[Span]| spans.iter().any(|span| span.from <= minute && minute < span.to);
        if !within(self.hours_of(local.date())) {
            Hours::Closed
        } else if within(&self.peak) {
            Hours::Peak
        } else {
            Hours::Open
        }
    }

    /// The first moment from `now` on that is open: `now` itself, or when work next begins. None if it never
    /// does.
    pub fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        if self.moment(now).is_open() {
            return Some(now);
        }
        let today = now.to_zoned(self.zone.clone()).date();
        today.series(jiff::Span::new().days(1)).take(LOOK_AHEAD).find_map(|day| {
            let openings = self.hours_of(day).iter().filter_map(|span| self.instant(day, span.from));
            openings.filter(|opening| *opening > now).min()
        })
    }

    /// The moment at which `worked` has been worked since `start`. None if that takes more than a year.
    pub fn after(&self, start: Timestamp, worked: SignedDuration) -> Option<Timestamp> {
        let mut left = worked;
        let first = start.to_zoned(self.zone.clone()).date();
        for day in first.series(jiff::Span::new().days(1)).take(LOOK_AHEAD) {
            for span in self.hours_of(day) {
                let (Some(from), Some(to)) = (self.instant(day, span.from), self.instant(day, span.to)) else {
                    continue;
                };
                let from = from.max(start);
                let room = to.duration_since(from);
                if room.is_positive() && room >= left {
                    return Some(from + left);
                }
                if room.is_positive() {
                    left -= room;
                }
            }
        }
        None
    }

    /// The moment `minute` minutes after midnight of a day, as the clocks of the zone show them; 24:00 is the next
    /// midnight.
    fn instant(&self, day: Date, minute: u16) -> Option<Timestamp> {
        let (day, minute) = if minute == DAY { (day.tomorrow().ok()?, 0) } else { (day, minute) };
        let time = day.at((minute / 60) as i8, (minute % 60) as i8, 0, 0);
        Some(time.to_zoned(self.zone.clone()).ok()?.timestamp())
    }

    fn hours_of(&self, day: Date) -> &[Span] {
        if self.holidays.make_up.contains(&day) {
            self.week.iter().find(|hours| !hours.is_empty()).map_or(&[], Vec::as_slice)
        } else if self.holidays.off.contains(&day) {
            &[]
        } else {
            &self.week[usize::from(day.weekday().to_monday_zero_offset() as u8)]
        }
    }
}

const DAY: u16 = 24 * 60;

/// The spans in order, with those that touch made one: an hour is worked once, however often it is written.
pub fn in_order(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort();
    let mut apart: Vec<Span> = Vec::new();
    for span in spans {
        match apart.last_mut().filter(|last| span.from <= last.to) {
            Some(last) => last.to = last.to.max(span.to),
            None => apart.push(span),
        }
    }
    apart
}

impl Span {
    /// From midnight to midnight.
    pub const DAY: Span = Span { from: 0, to: DAY };

    /// Reads `09:00-18:00`; the end may be `24:00`. Hours over midnight are two spans.
    pub fn parse(text: &str) -> Option<Span> {
        let (from, to) = text.split_once('-')?;
        let span = Span { from: minutes(from)?, to: minutes(to)? };
        (span.from < span.to && span.to <= DAY).then_some(span)
    }
}

/// `9:30` in minutes after midnight, up to `24:00`.
fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60).then_some(hour * 60 + minute).filter(|_| hour <= 24)
}

/// A time of day such as `09:00`, in minutes after midnight.
pub fn minute_of_day(text: &str) -> Option<u16> {
    minutes(text).filter(|minute| *minute < DAY)
}

/// The last moment up to now at which the clocks of a zone showed so many minutes after midnight.
pub fn last_at(minute: u16, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let today = now.to_zoned(zone.clone()).date();
    let at = |day: Date| {
        let time = day.at((minute / 60) as i8, (minute % 60) as i8, 0, 0);
        Some(time.to_zoned(zone.clone()).ok()?.timestamp())
    };
    at(today).filter(|at| *at <= now).or_else(|| at(today.yesterday().ok()?))
}

/// The place of a day in [`Calendar::week`], by the first three letters of its English name.
pub fn weekday(name: &str) -> Option<usize> {
    const DAYS: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
    DAYS.iter().position(|day| format!("{day:?}").to_ascii_lowercase()[..3] == *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::zone;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn workdays() -> Calendar {
        let hours = vec![Span::parse("09:00-12:00").unwrap(), Span::parse("13:30-18:00").unwrap()];
        Calendar {
            zone: zone("Asia/Shanghai").unwrap(),
            week: std::array::from_fn(|day| if day < 5 { hours.clone() } else { Vec::new() }),
            holidays: Holidays {
                off: (1..=7).map(|day| jiff::civil::date(2026, 10, day)).collect(),
                make_up: [jiff::civil::date(2026, 10, 10)].into(),
            },
            peak: vec![Span::parse("10:00-12:00").unwrap()],
        }
    }

    #[test]
    fn working_hours_holidays_and_make_up_days() {
        let cases = [
            ("2026-09-30T09:00:00+08:00", Hours::Open, "2026-09-30T09:00:00+08:00"),
            ("2026-09-30T08:59:59+08:00", Hours::Closed, "2026-09-30T09:00:00+08:00"),
            ("2026-09-30T10:30:00+08:00", Hours::Peak, "2026-09-30T10:30:00+08:00"),
            ("2026-09-30T12:00:00+08:00", Hours::Closed, "2026-09-30T13:30:00+08:00"),
            ("2026-09-30T02:30:00Z", Hours::Peak, "2026-09-30T02:30:00Z"),
            ("2026-09-30T18:00:00+08:00", Hours::Closed, "2026-10-08T09:00:00+08:00"),
            ("2026-10-01T10:00:00+08:00", Hours::Closed, "2026-10-08T09:00:00+08:00"),
            ("2026-10-10T14:00:00+08:00", Hours::Open, "2026-10-10T14:00:00+08:00"),
            ("2026-10-11T14:00:00+08:00", Hours::Closed, "2026-10-12T09:00:00+08:00"),
        ];
        let calendar = workdays();
        for (now, hours, next) in cases {
            assert_eq!(calendar.moment(at(now)), hours, "{now}");
            assert_eq!(calendar.next_opening(at(now)), Some(at(next)), "{now}");
        }
    }

    #[test]
    fn a_clock_that_jumps_is_followed() {
        let mut calendar = workdays();
        calendar.zone = zone("America/New_York").unwrap();
        // 2026-03-08: clocks go from 02:00 to 03:00. Friday evening to Monday morning is an hour shorter.
        assert_eq!(calendar.next_opening(at("2026-03-06T20:00:00-05:00")), Some(at("2026-03-09T09:00:00-04:00")));
    }

    #[test]
    fn working_time_is_counted_over_breaks_weekends_holidays_and_make_up_days() {
        let hours = |hours| SignedDuration::from_hours(hours);
        let cases = [
            ("2026-09-28T09:00:00+08:00", hours(2), "2026-09-28T11:00:00+08:00"),
            ("2026-09-28T11:00:00+08:00", hours(2), "2026-09-28T14:30:00+08:00"),
            ("2026-09-28T08:00:00+08:00", hours(3), "2026-09-28T12:00:00+08:00"),
            ("2026-09-28T12:30:00+08:00", hours(1), "2026-09-28T14:30:00+08:00"),
            ("2026-09-28T17:00:00+08:00", hours(2), "2026-09-29T10:00:00+08:00"),
            ("2026-09-25T17:00:00+08:00", hours(2), "2026-09-28T10:00:00+08:00"),
            ("2026-09-30T17:00:00+08:00", hours(2), "2026-10-08T10:00:00+08:00"),
            ("2026-10-09T17:00:00+08:00", hours(2), "2026-10-10T10:00:00+08:00"),
            ("2026-10-10T17:30:00+08:00", hours(1), "2026-10-12T09:30:00+08:00"),
        ];
        let calendar = workdays();
        for (start, worked, due) in cases {
            assert_eq!(calendar.after(at(start), worked), Some(at(due)), "{start}");
        }
        // 2026-03-08 has no hour from two to three in New York.
        let always = Calendar { zone: zone("America/New_York").unwrap(), ..Calendar::always() };
        let start = at("2026-03-08T00:30:00-05:00");
        assert_eq!(always.after(start, hours(3)), Some(start + hours(3)));
    }

    #[test]
    fn always_is_open_and_never_has_no_next_opening() {
        let now = at("2026-10-03T03:00:00Z");
        assert_eq!(Calendar::always().moment(now), Hours::Open);
        let never = Calendar { week: Default::default(), ..workdays() };
        assert_eq!(Calendar { holidays: Holidays::default(), ..never }.next_opening(now), None);
    }

    #[test]
    fn an_hour_written_twice_is_worked_once() {
        let spans = |texts: &[&str]| texts.iter().map(|text| Span::parse(text).unwrap()).collect::<Vec<_>>();
        let read = in_order(spans(&["13:00-18:00", "09:00-12:00", "11:00-13:00", "20:00-21:00"]));
        assert_eq!(read, spans(&["09:00-18:00", "20:00-21:00"]));
    }

    #[test]
    fn a_time_of_day_was_today_or_yesterday() {
        let zone = zone("Asia/Shanghai").unwrap();
        let nine = minute_of_day("09:00").unwrap();
        for (now, last) in [
            ("2026-11-24T09:00+08:00", "2026-11-24T09:00+08:00"),
            ("2026-11-24T08:59+08:00", "2026-11-23T09:00+08:00"),
            ("2026-11-24T00:00Z", "2026-11-23T01:00Z"),
            ("2027-01-01T23:59+08:00", "2027-01-01T09:00+08:00"),
        ] {
            assert_eq!(last_at(nine, &zone, at(now)), Some(at(last)), "{now}");
        }
        assert_eq!((minute_of_day("24:00"), minute_of_day("9"), minute_of_day("9:60")), (None, None, None));
    }

    #[test]
    fn a_span_is_part_of_one_day() {
        for good in ["09:00-18:00", "0:00-24:00", "9:05 - 9:06"] {
            assert!(Span::parse(good).is_some(), "{good}");
        }
        for bad in ["", "9-18", "18:00-09:00", "09:00-09:00", "23:00-24:01", "09:60-10:00", "a:b-c:d", "-1:00-2:00"] {
            assert!(Span::parse(bad).is_none(), "{bad}");
        }
        assert_eq!((weekday("mon"), weekday("sun"), weekday("Mon")), (Some(0), Some(6), None));
        assert!(zone("Asia/Nowhere").is_none());
    }
}
