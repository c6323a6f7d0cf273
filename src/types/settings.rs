//! The session settings that text input and output of values depend on.

use std::sync::Arc;

/// DateStyle's output half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DateStyle {
    #[default]
    Iso,
    Sql,
    Postgres,
    German,
}

/// DateStyle's order of fields, for input and some outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DateOrder {
    #[default]
    Mdy,
    Dmy,
    Ymd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum IntervalStyle {
    #[default]
    Postgres,
    PostgresVerbose,
    SqlStandard,
    Iso8601,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ByteaOutput {
    #[default]
    Hex,
    Escape,
}

/// What values look like as text, and how text is read; cheap to clone, part of a plan's key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OutputSettings {
    pub date_style: DateStyle,
    pub date_order: DateOrder,
    pub interval_style: IntervalStyle,
    pub bytea_output: ByteaOutput,
    pub extra_float_digits: i8,
    /// An IANA zone name, or a POSIX-style offset, as the session's TimeZone setting has it.
    pub time_zone: Arc<str>,
    /// What the client's text comes and goes in.
    pub client_encoding: super::encoding::Encoding,
}

impl Default for OutputSettings {
    fn default() -> Self {
        Self {
            date_style: DateStyle::default(),
            date_order: DateOrder::default(),
            interval_style: IntervalStyle::default(),
            bytea_output: ByteaOutput::default(),
            extra_float_digits: 1,
            time_zone: "UTC".into(),
            client_encoding: super::encoding::Encoding::UTF8,
        }
    }
}
