//! Instants, and when people work.
//!
//! Time is handed in everywhere above the I/O line; nothing here reads a clock. The zones are those compiled
//! in, so that the same calendar means the same hours on every machine.

mod calendar;
mod holidays;

pub use calendar::{Calendar, Hours, Span, in_order, last_at, minute_of_day, weekday};
pub use holidays::{Holidays, Region, Year, days};

use std::sync::Arc;
use std::time::Duration;

pub use jiff::Timestamp;
pub use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Reads the clock, where it is handed in: below the I/O line, and in tests that set it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The day of a moment, as it is in Greenwich: near enough for dates that are looked at once a week.
pub fn day(moment: Timestamp) -> Date {
    moment.to_zoned(TimeZone::UTC).date()
}

/// The day of a moment in Greenwich, counted from 1970; 0 before.
pub fn day_number(moment: Timestamp) -> u32 {
    u32::try_from(moment.as_second().div_euclid(24 * 60 * 60)).unwrap_or(0)
}

/// So many times 24 hours.
pub const fn of_days(count: u32) -> Duration {
    Duration::from_secs(count as u64 * 24 * 60 * 60)
}

/// The zone of a name such as `Asia/Shanghai`.
pub fn zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}
