//! The days of a country that are not what their weekday says, by year, as its government announces them.
//!
//! Governments announce a year at a time. Until they do, only what the law fixes can be written down; which other days are
//! off, and which weekends are worked for them, is not guessed, and `huixin check` asks for it.

use std::collections::{BTreeMap, BTreeSet};

use super::Date;

/// Days off, and days worked all the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holidays {
    /// Days off, whatever the day of the week.
    pub off: BTreeSet<Date>,
    /// Days on which people make up for a holiday (调休): worked like the first working day of the week.
    pub make_up: BTreeSet<Date>,
}

/// The years of a country that are written down.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Region {
    pub years: BTreeMap<i16, Year>,
}

/// A country's holidays in a year.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Year {
    pub days: Holidays,
    /// The government has said so; else they are what the law fixes, and not all.
    pub announced: bool,
}

/// From this month on the next year is asked for: China announces it early in November, Japan in February.
const NEXT_YEAR_FROM: i8 = 11;

impl Holidays {
    pub fn extend(&mut self, other: &Holidays) {
        self.off.extend(&other.off);
        self.make_up.extend(&other.make_up);
    }
}

impl Region {
    /// The days of all years.
    pub fn holidays(&self) -> Holidays {
        let mut all = Holidays::default();
        self.years.values().for_each(|year| all.extend(&year.days));
        all
    }

    /// The years that are wanted by now and are not there as announced.
    pub fn missing(&self, today: Date) -> Vec<i16> {
        let next = (today.month() >= NEXT_YEAR_FROM).then_some(today.year() + 1);
        let wanted = std::iter::once(today.year()).chain(next);
        wanted.filter(|year| !self.years.get(year).is_some_and(|year| year.announced)).collect()
    }
}

/// The days of `2026-10-01`, or of `2026-10-01..2026-10-07` with its last day; none if it is neither.
pub fn days(text: &str) -> Option<Vec<Date>> {
    /// No holiday is longer.
    const LONGEST: usize = 31;
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let (first, last): (Date, Date) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let days: Vec<Date> =
        first.series(jiff::Span::new().days(1)).take_while(|day| *day <= last).take(LONGEST + 1).collect();
    (!days.is_empty() && days.len() <= LONGEST).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_holiday_is_a_day_or_a_run_of_days() {
        let written = |text| days(text).map(|days| (days.len(), days[0], *days.last().unwrap()));
        assert_eq!(written("2026-10-01"), Some((1, date(2026, 10, 1), date(2026, 10, 1))));
        assert_eq!(written("2026-12-30..2027-01-02"), Some((4, date(2026, 12, 30), date(2027, 1, 2))));
        for bad in ["", "..", "2026-10-07..2026-10-01", "2026-02-30", "2026-01-01..2026-12-31", "2026-10-01..7"] {
            assert_eq!(days(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_next_year_is_asked_for_in_november() {
        let year = |announced| Year { announced, ..Year::default() };
        let region = Region { years: [(2026, year(true)), (2027, year(false))].into() };
        for (today, missing) in [
            (date(2026, 10, 31), vec![]),
            (date(2026, 11, 1), vec![2027]),
            (date(2027, 1, 1), vec![2027]),
            (date(2027, 11, 1), vec![2027, 2028]),
        ] {
            assert_eq!(region.missing(today), missing, "{today}");
        }
    }
}
