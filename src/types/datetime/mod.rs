//! Dates, times, intervals and zones: text input and output as PostgreSQL's.

pub mod civil;
mod decode;
mod fields;
mod format;
mod input;
mod interval;
mod token;
pub mod zone;

pub use fields::offset_of_text;
pub use format::{
    short_date, write_date, write_interval, write_time, write_timestamp, write_timestamptz, write_timetz,
};
pub use input::{
    parse_date, parse_time, parse_timestamp, parse_timestamptz, parse_timetz, round_time, round_timestamp,
    valid_timestamp,
};
pub use interval::{coerce_interval, parse_interval};

/// Is this word (in small letters) an abbreviation of a time zone?
pub fn is_abbreviation(word: &str) -> bool {
    token::abbreviation(word).is_some()
}

/// `infinity` of dates (DuckDB's convention).
pub const DATE_INFINITY: i32 = i32::MAX;
pub const DATE_NEG_INFINITY: i32 = -i32::MAX;
/// `infinity` of timestamps (DuckDB's convention).
pub const TIMESTAMP_INFINITY: i64 = i64::MAX;
pub const TIMESTAMP_NEG_INFINITY: i64 = -i64::MAX;

pub const MICROS_PER_SECOND: i64 = 1_000_000;
pub const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;
pub const MICROS_PER_HOUR: i64 = 60 * MICROS_PER_MINUTE;
pub const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;

/// Days from 1970-01-01 to 2000-01-01, PostgreSQL's epoch on the wire.
pub const PG_EPOCH_DAYS: i32 = 10_957;
pub const PG_EPOCH_MICROS: i64 = PG_EPOCH_DAYS as i64 * MICROS_PER_DAY;

/// The first day that PostgreSQL's types hold: 4714-11-24 BC, in days since 1970.
pub const MIN_DATE: i32 = -2_440_588;
/// The last day of `date`: 5874897-12-31.
pub const MAX_DATE: i32 = 2_145_042_905;
