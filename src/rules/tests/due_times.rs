//! When so much has been worked: a table computed by hand, over the shipped calendars and some of other zones.

use super::super::load;
use crate::problem::SourceText;
use crate::time::{Calendar, Date, Timestamp};
use jiff::SignedDuration;
use jiff::civil::date;

const OTHERS: &str = r#"
schema = 1
[[calendar]]
id = "new-york"
zone = "America/New_York"
days = ["mon", "tue", "wed", "thu", "fri"]
hours = ["09:00-17:00"]
[[calendar]]
id = "new-york-always"
zone = "America/New_York"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
hours = ["00:00-24:00"]
[[calendar]]
id = "berlin"
zone = "Europe/Berlin"
days = ["mon", "tue", "wed", "thu", "fri"]
hours = ["13:00-17:00", "08:00-12:00"]
[[calendar]]
id = "london-nights"
zone = "Europe/London"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
hours = ["22:00-24:00", "00:00-06:00"]
[[calendar]]
id = "sydney"
zone = "Australia/Sydney"
days = ["mon", "tue", "wed", "thu", "fri"]
hours = ["09:00-17:00"]
[[calendar]]
id = "kolkata"
zone = "Asia/Kolkata"
days = ["mon", "tue", "wed", "thu", "fri", "sat"]
hours = ["10:00-18:00"]
"#;

/// Calendar, begin, minutes worked, end.
const DUE: [(&str, &str, i64, &str); 64] = [
    // An ordinary week: 23 November 2026 is a Monday.
    ("cn", "2026-11-23T10:00+08:00", 120, "2026-11-23T12:00+08:00"),
    ("cn", "2026-11-23T17:00+08:00", 120, "2026-11-24T10:00+08:00"),
    ("cn", "2026-11-27T17:30+08:00", 60, "2026-11-30T09:30+08:00"),
    ("cn", "2026-11-28T12:00+08:00", 60, "2026-11-30T10:00+08:00"),
    ("cn", "2026-11-23T18:00+08:00", 30, "2026-11-24T09:30+08:00"),
    ("cn", "2026-11-23T08:59+08:00", 540, "2026-11-23T18:00+08:00"),
    ("cn", "2026-11-23T09:00+08:00", 540, "2026-11-23T18:00+08:00"),
    ("cn", "2026-11-23T09:00+08:00", 541, "2026-11-24T09:01+08:00"),
    ("cn", "2026-11-23T00:00+08:00", 45 * 60, "2026-11-27T18:00+08:00"),
    ("cn", "2026-11-23T00:00+08:00", 46 * 60, "2026-11-30T10:00+08:00"),
    // The year's end: 1 to 3 January off, Sunday the 4th worked.
    ("cn", "2025-12-31T17:00+08:00", 120, "2026-01-04T10:00+08:00"),
    ("cn", "2025-12-31T18:30+08:00", 60, "2026-01-04T10:00+08:00"),
    ("cn", "2026-01-02T12:00+08:00", 600, "2026-01-05T10:00+08:00"),
    ("cn", "2024-12-31T17:00+08:00", 120, "2025-01-02T10:00+08:00"),
    // 春节 2026: Saturday the 14th worked, 15 to 23 February off, Saturday the 28th worked.
    ("cn", "2026-02-13T17:00+08:00", 120, "2026-02-14T10:00+08:00"),
    ("cn", "2026-02-14T17:00+08:00", 120, "2026-02-24T10:00+08:00"),
    ("cn", "2026-02-16T10:00+08:00", 480, "2026-02-24T17:00+08:00"),
    ("cn", "2026-02-14T09:00+08:00", 1080, "2026-02-24T18:00+08:00"),
    ("cn", "2026-02-27T17:30+08:00", 60, "2026-02-28T09:30+08:00"),
    ("cn", "2026-02-28T17:30+08:00", 60, "2026-03-02T09:30+08:00"),
    // 清明节, 劳动节, 端午节 2026.
    ("cn", "2026-04-03T16:00+08:00", 240, "2026-04-07T11:00+08:00"),
    ("cn", "2026-04-30T17:00+08:00", 180, "2026-05-06T11:00+08:00"),
    ("cn", "2026-05-08T17:00+08:00", 120, "2026-05-09T10:00+08:00"),
    ("cn", "2026-05-09T17:00+08:00", 120, "2026-05-11T10:00+08:00"),
    ("cn", "2026-05-03T12:00+08:00", 28 * 60, "2026-05-09T10:00+08:00"),
    ("cn", "2026-06-18T17:00+08:00", 120, "2026-06-22T10:00+08:00"),
    // 中秋节 and 国庆节 2026: Sunday 20 September and Saturday 10 October worked.
    ("cn", "2026-09-18T17:00+08:00", 120, "2026-09-20T10:00+08:00"),
    ("cn", "2026-09-20T17:00+08:00", 120, "2026-09-21T10:00+08:00"),
    ("cn", "2026-09-24T17:00+08:00", 120, "2026-09-28T10:00+08:00"),
    ("cn", "2026-09-30T17:00+08:00", 120, "2026-10-08T10:00+08:00"),
    ("cn", "2026-09-30T17:00+08:00", 28 * 60, "2026-10-10T18:00+08:00"),
    ("cn", "2026-10-09T16:00+08:00", 720, "2026-10-12T10:00+08:00"),
    // 2025.
    ("cn", "2025-01-24T17:00+08:00", 120, "2025-01-26T10:00+08:00"),
    ("cn", "2025-01-27T17:00+08:00", 120, "2025-02-05T10:00+08:00"),
    ("cn", "2025-02-07T17:00+08:00", 120, "2025-02-08T10:00+08:00"),
    ("cn", "2025-04-27T09:30+08:00", 60, "2025-04-27T10:30+08:00"),
    ("cn", "2025-05-30T17:00+08:00", 120, "2025-06-03T10:00+08:00"),
    ("cn", "2025-09-28T17:00+08:00", 120, "2025-09-29T10:00+08:00"),
    ("cn", "2025-09-30T17:00+08:00", 660, "2025-10-10T10:00+08:00"),
    ("cn", "2025-10-10T17:00+08:00", 120, "2025-10-11T10:00+08:00"),
    // Japan: 振替休日, 国民の休日, and a year that ends in an ordinary week.
    ("jp", "2026-05-01T17:00+09:00", 120, "2026-05-07T10:00+09:00"),
    ("jp", "2026-09-18T17:00+09:00", 120, "2026-09-24T10:00+09:00"),
    ("jp", "2026-11-02T17:00+09:00", 120, "2026-11-04T10:00+09:00"),
    ("jp", "2026-12-31T17:00+09:00", 120, "2027-01-04T10:00+09:00"),
    ("jp", "2025-02-21T17:30+09:00", 60, "2025-02-25T09:30+09:00"),
    ("jp", "2025-11-21T17:00+09:00", 120, "2025-11-25T10:00+09:00"),
    ("jp", "2027-03-19T17:00+09:00", 120, "2027-03-23T10:00+09:00"),
    // Clocks that jump: 8 March and 1 November in New York, 29 March and 25 October in Europe.
    ("new-york", "2026-03-06T16:00-05:00", 120, "2026-03-09T10:00-04:00"),
    ("new-york", "2026-10-30T16:30-04:00", 60, "2026-11-02T09:30-05:00"),
    ("new-york-always", "2026-03-08T01:30-05:00", 60, "2026-03-08T03:30-04:00"),
    ("new-york-always", "2026-11-01T00:30-04:00", 180, "2026-11-01T02:30-05:00"),
    ("new-york-always", "2026-03-07T12:00-05:00", 1440, "2026-03-08T13:00-04:00"),
    ("berlin", "2026-03-27T16:00+01:00", 120, "2026-03-30T09:00+02:00"),
    ("berlin", "2026-10-23T11:00+02:00", 180, "2026-10-23T15:00+02:00"),
    ("berlin", "2026-10-23T16:00+02:00", 120, "2026-10-26T09:00+01:00"),
    ("london-nights", "2026-03-28T22:00+00:00", 240, "2026-03-29T03:00+01:00"),
    ("london-nights", "2026-10-24T23:00+01:00", 240, "2026-10-25T02:00+00:00"),
    ("london-nights", "2026-10-24T22:00+01:00", 540, "2026-10-25T06:00+00:00"),
    ("sydney", "2026-04-03T16:00+11:00", 120, "2026-04-06T10:00+10:00"),
    ("sydney", "2026-10-02T16:30+10:00", 60, "2026-10-05T09:30+11:00"),
    // Half an hour beside the others, and a moment named in Greenwich.
    ("kolkata", "2026-08-15T17:00+05:30", 120, "2026-08-17T11:00+05:30"),
    ("kolkata", "2026-08-14T12:00+00:00", 60, "2026-08-15T10:30+05:30"),
    // Around the clock.
    ("always", "2026-10-03T03:00+08:00", 120, "2026-10-03T05:00+08:00"),
    ("always", "2026-12-31T23:30+08:00", 60, "2027-01-01T00:30+08:00"),
];

fn taxonomy() -> super::super::Rules {
    let shipped = [
        SourceText::new("taxonomy.toml", include_str!("../../../rules/taxonomy.toml")),
        SourceText::new("holidays.toml", include_str!("../../../rules/holidays.toml")),
        SourceText::new("others.toml", OTHERS),
    ];
    let (rules, problems) = load(&shipped);
    assert!(!problems.has_errors(), "{problems}");
    rules
}

#[test]
fn what_was_computed_by_hand_is_due_then() {
    let rules = taxonomy();
    let at = |text: &str| -> Timestamp { text.parse().unwrap_or_else(|error| panic!("{text}: {error}")) };
    for (calendar, start, minutes, due) in DUE {
        let found = rules.taxonomy().calendar_named(calendar).unwrap();
        let is = found.after(at(start), SignedDuration::from_mins(minutes));
        assert_eq!(is, Some(at(due)), "{calendar}: {minutes} minutes after {start}");
    }
}

/// 国民の祝日に関する法律, with the equinoxes as they are computed from 1980 to 2099.
fn japan(year: i16) -> Vec<Date> {
    let monday = |month, nth: i8| {
        let first = date(year, month, 1);
        let to_monday = (7 - first.weekday().to_monday_zero_offset()) % 7;
        date(year, month, 1 + to_monday + 7 * (nth - 1))
    };
    let equinox = |month, base: f64| {
        let since = f64::from(year - 1980);
        date(year, month, (base + 0.242194 * since - (since / 4.0).floor()).floor() as i8)
    };
    let mut days = vec![
        date(year, 1, 1),
        monday(1, 2),
        date(year, 2, 11),
        date(year, 2, 23),
        equinox(3, 20.8431),
        date(year, 4, 29),
        date(year, 5, 3),
        date(year, 5, 4),
        date(year, 5, 5),
        monday(7, 3),
        date(year, 8, 11),
        monday(9, 3),
        equinox(9, 23.2488),
        monday(10, 2),
        date(year, 11, 3),
        date(year, 11, 23),
    ];
    let named = days.clone();
    for day in &named {
        if day.weekday() == jiff::civil::Weekday::Sunday {
            let mut next = day.tomorrow().unwrap();
            while named.contains(&next) {
                next = next.tomorrow().unwrap();
            }
            days.push(next);
        }
        let between = day.tomorrow().unwrap();
        if !named.contains(&between) && named.contains(&between.tomorrow().unwrap()) {
            days.push(between);
        }
    }
    days.sort();
    days.dedup();
    days
}

#[test]
fn the_holidays_of_japan_are_those_of_the_law() {
    let rules = taxonomy();
    let calendar: &Calendar = rules.taxonomy().calendar_named("jp").unwrap();
    for year in 2025..=2027 {
        let listed: Vec<Date> = calendar.holidays.off.iter().copied().filter(|day| day.year() == year).collect();
        assert_eq!(listed, japan(year), "{year}");
    }
}

/// A make-up day is a weekend's, and 调休 neither gives nor takes: every make-up day pays for a weekday that is off.
#[test]
fn the_make_up_days_of_china_are_days_of_a_weekend() {
    let rules = taxonomy();
    let calendar = rules.taxonomy().calendar_named("cn").unwrap();
    for day in &calendar.holidays.make_up {
        assert!(day.weekday().to_monday_zero_offset() >= 5, "{day}");
    }
    // Statutory days off since 2025 (全国年节及纪念日放假办法): 13 a year.
    for year in [2025, 2026] {
        let of_year = |days: &std::collections::BTreeSet<Date>| {
            days.iter().copied().filter(|day| day.year() == year).collect::<Vec<_>>()
        };
        let weekdays =
            of_year(&calendar.holidays.off).iter().filter(|day| day.weekday().to_monday_zero_offset() < 5).count();
        assert!(weekdays <= 13 + of_year(&calendar.holidays.make_up).len(), "{year}");
    }
}

#[test]
fn a_year_that_nobody_wrote_down_is_named() {
    let rules = taxonomy();
    let missing = |day: Date| rules.taxonomy().missing_years(day).0.len();
    assert_eq!(missing(date(2026, 10, 31)), 0);
    assert_eq!(missing(date(2027, 6, 1)), 1, "China 2027 is announced in November 2026");
    let told = rules.taxonomy().missing_years(date(2027, 12, 1)).to_string();
    for what in ["of 2027 only the holidays that the law of `cn`", "no holidays of 2028 are known for `jp`"] {
        assert!(told.contains(what), "{told}");
    }
    // The Spring Festival is one whatever will be announced around it.
    let calendar = rules.taxonomy().calendar_named("cn").unwrap();
    assert!(calendar.holidays.off.contains(&date(2027, 2, 8)));
}

#[test]
fn holidays_that_contradict_themselves_are_refused() {
    let bad = |text: &str| load(&[SourceText::new("h.toml", format!("schema = 1\n{text}"))]).1.to_string();
    let year = "[[holidays]]\nregion = \"x\"\nyear = 2026\n";
    for (text, what) in [
        (format!("{year}off = [\"2027-01-01\"]"), "2027-01-01 is not in 2026"),
        (format!("{year}off = [\"2026-01-01\"]\nmake_up = [\"2026-01-01\"]"), "both a day off and a make-up day"),
        (format!("{year}{year}"), "there twice"),
        (format!("{year}off = [\"2026-13-01\"]"), "is no day"),
        ("[[holidays]]\nregion = \"x\"\nyear = 90000".into(), "is no year"),
        (
            "[[calendar]]\nid = \"a\"\nzone = \"Asia/Tokyo\"\nregion = \"nowhere\"".into(),
            "there is no region `nowhere`",
        ),
    ] {
        let told = bad(&text);
        assert!(told.contains(what), "{told}");
    }
}
