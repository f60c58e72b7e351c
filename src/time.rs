//! Instants, and the calendar of a group: working hours, holidays, make-up days.
//!
//! Time is handed in everywhere above the I/O line; nothing here reads a clock.

pub use jiff::Timestamp;
