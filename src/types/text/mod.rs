//! Text input and output of every type: PostgreSQL's input and output functions.

pub mod array;
pub mod bits;
pub mod digits;
mod float;
pub mod json;
pub mod jsonpath;
mod range;
pub(crate) mod record;
pub(crate) mod reg;
mod scalar;
pub mod snapshot;
pub(super) mod xml;

use std::sync::Arc;

use bytes::BufMut;

use super::coded::{self, inet::Inet};
use super::datetime::{self, zone::Zone};
use super::numeric::Numeric;
use super::table::{Codec, codec};
use super::{ByteaOutput, OutputSettings, PgType, TypeLookup, Value, name, oid};
use crate::error::{Error, Result, SqlState};

pub use array::{parse_array, put_field, write_array, write_record};
pub use float::{format_g, parse_f32, parse_f64, write_f32, write_f64};
pub use json::{normalize_jsonb, validate_json};
pub use range::{parse_range, parse_range_with, write_range};
pub use record::{split_record, typed, typed_row};
pub use reg::{search_configuration, split_name};
pub use scalar::{char_byte, char_byte_text, parse_bool, parse_bytea, parse_int, parse_uuid, write_bytea, write_uuid};

/// C's isspace in PostgreSQL's eyes.
pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches(is_space)
}

pub(crate) fn invalid_syntax(ty: &str, text: &str) -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("invalid input syntax for type {ty}: \"{text}\""))
}

/// What an input function reads besides the text.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    pub settings: &'a OutputSettings,
    pub types: &'a dyn TypeLookup,
    /// The transaction's time in microseconds since 1970, for `now`, `today` …; without it they are refused (0A000).
    pub now: Option<i64>,
}

/// The type's input function, its modifier applied. `now`, `today` and kin are refused: see [`parse_with`].
pub fn parse(text: &str, ty: PgType, settings: &OutputSettings, types: &dyn TypeLookup) -> Result<Value> {
    parse_with(text, ty, &Input { settings, types, now: None })
}

/// The type's input function, its modifier applied.
pub fn parse_with(text: &str, ty: PgType, input: &Input<'_>) -> Result<Value> {
    let (codec, typmod) = codec(ty, input.types)?;
    parse_codec(text, ty, &codec, typmod, input)
}

fn parse_codec(text: &str, ty: PgType, codec: &Codec, typmod: i32, input: &Input<'_>) -> Result<Value> {
    Ok(match codec {
        Codec::Bool => Value::Bool(parse_bool(text)?),
        Codec::Int2 => Value::Int2(parse_int(text, "smallint")?),
        Codec::Int4 => Value::Int4(parse_int(text, "integer")?),
        Codec::Int8 => Value::Int8(parse_int(text, "bigint")?),
        Codec::Oid => Value::Oid(scalar::parse_oid(text, ty.oid)?),
        Codec::Xid8 => Value::Int8(scalar::parse_c_unsigned(text) as i64),
        Codec::Reg(kind) => Value::Oid(reg::parse(text, *kind, input.types)?),
        Codec::Tid => Value::text(scalar::parse_tid(text)?),
        Codec::Float4 => Value::Float4(parse_f32(text)?),
        Codec::Float8 => Value::Float8(parse_f64(text)?),
        Codec::Numeric => {
            Value::Numeric(Numeric::parse_typed(text, PgType::with(oid::NUMERIC, typmod))?.as_text().into())
        }
        Codec::Text => Value::text(text),
        Codec::Xml => {
            xml::check(text)?;
            Value::text(text)
        }
        Codec::Inet => Value::Bytea(Inet::parse(text, false)?.encode().into()),
        Codec::Cidr => Value::Bytea(Inet::parse(text, true)?.encode().into()),
        Codec::Range(ty) => {
            let of = coded::range::range_of(*ty, input.types);
            let of = of.ok_or_else(|| Error::internal("a range of no range type"))?;
            Value::Bytea(parse_range(text, of, input)?.into())
        }
        Codec::PgLsn => Value::Bytea(coded::lsn::parse(text)?.as_slice().into()),
        Codec::Snapshot => Value::text(snapshot::parse(text)?),
        Codec::Hstore => Value::Bytea(coded::hstore::Hstore::parse(text)?.encode().into()),
        Codec::TsVector => Value::Bytea(coded::tsvector::TsVector::parse(text)?.encode().into()),
        Codec::TsQuery => Value::Bytea(coded::tsquery::encode(&coded::tsquery::parse(text)?).into()),
        Codec::Geometry(ty) => Value::Bytea(coded::geometry::parse(text, *ty)?.into()),
        Codec::MacAddr => Value::Bytea(coded::mac::parse(text)?.as_slice().into()),
        Codec::MacAddr8 => Value::Bytea(coded::mac::parse8(text)?.as_slice().into()),
        Codec::Varchar => Value::Text(limit_length(text, typmod, "character varying")?.into()),
        Codec::Bpchar => {
            let text = limit_length(text, typmod, "character")?;
            // What carries char(n) has no padding.
            Value::text(if typmod >= 4 { text.trim_end_matches(' ') } else { text })
        }
        Codec::CharByte => Value::text(scalar::parse_char_byte(text)),
        Codec::Name => Value::text(cut_name(text)),
        Codec::Bytea => Value::Bytea(parse_bytea(text)?.into()),
        Codec::Json => {
            validate_json(text)?;
            Value::text(text)
        }
        Codec::Jsonb => Value::text(normalize_jsonb(text)?),
        Codec::Bit => Value::text(bits::parse_bit(text, typmod)?),
        Codec::VarBit => Value::text(bits::parse_varbit(text, typmod)?),
        Codec::JsonPath => Value::text(jsonpath::normalize_jsonpath(text)?),
        Codec::Date => Value::Date(datetime::parse_date(text, input)?),
        Codec::Time => Value::Time(datetime::parse_time(text, typmod, input)?),
        Codec::TimeTz => {
            let (micros, east) = datetime::parse_timetz(text, typmod, input)?;
            Value::TimeTz(micros, east)
        }
        Codec::Timestamp => Value::Timestamp(datetime::parse_timestamp(text, typmod, input)?),
        Codec::TimestampTz => Value::TimestampTz(datetime::parse_timestamptz(text, typmod, input)?),
        Codec::Interval => {
            let (months, days, micros) = datetime::parse_interval(text, typmod, input.settings.interval_style)?;
            Value::Interval { months, days, micros }
        }
        Codec::Uuid => Value::Uuid(parse_uuid(text)?),
        Codec::Void => Value::text(""),
        Codec::Record => record::parse_record(text, ty, input)?,
        Codec::Int2Vector => scalar::parse_vector(text, oid::INT2)?,
        Codec::OidVector => scalar::parse_vector(text, oid::OID)?,
        Codec::Array(element) => Value::Array(parse_array(text, PgType::with(*element, typmod), input)?),
        Codec::Enum(labels) => match labels.iter().find(|l| &***l == text) {
            Some(label) => Value::Text(Arc::clone(label)),
            None => {
                return Err(Error::new(
                    SqlState::INVALID_TEXT_REPRESENTATION,
                    format!(
                        "invalid input value for enum {}: \"{text}\"",
                        name::format_type(super::base_type(ty, input.types), input.types)
                    ),
                ));
            }
        },
    })
}

/// `varchar(n)` and `char(n)`: what is too long is cut if only blanks are lost, else 22001.
pub fn limit_length<'a>(text: &'a str, typmod: i32, ty: &str) -> Result<&'a str> {
    if typmod < 4 {
        return Ok(text);
    }
    let limit = typmod as usize - 4;
    // Bytes bound characters from above.
    if text.len() <= limit {
        return Ok(text);
    }
    match text.char_indices().nth(limit) {
        None => Ok(text),
        Some((at, _)) if text[at..].bytes().all(|b| b == b' ') => Ok(&text[..at]),
        Some(_) => {
            Err(Error::new(SqlState::STRING_DATA_RIGHT_TRUNCATION, format!("value too long for type {ty}({limit})")))
        }
    }
}

/// `name`: at most 63 bytes, cut at a character's border.
pub fn cut_name(text: &str) -> &str {
    let mut end = text.len().min(63);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The type's output function.
pub fn format(value: &Value, ty: PgType, settings: &OutputSettings, types: &dyn TypeLookup) -> String {
    let mut out = Vec::new();
    write(&mut out, value, ty, &Output::new(settings, types));
    String::from_utf8_lossy(&out).into_owned()
}

/// What an output function reads besides the value. Make one for many values: it holds the time zone, resolved.
pub struct Output<'a> {
    pub settings: &'a OutputSettings,
    pub types: &'a dyn TypeLookup,
    pub zone: Zone,
}

impl<'a> Output<'a> {
    pub fn new(settings: &'a OutputSettings, types: &'a dyn TypeLookup) -> Self {
        // The session validated the setting; a zone that has gone since prints as UTC, with the offset that says so.
        let zone = Zone::find(&settings.time_zone).unwrap_or_else(Zone::utc);
        Self { settings, types, zone }
    }
}

/// The type's output function, appended to a buffer. NULL writes nothing.
pub fn write(out: &mut Vec<u8>, value: &Value, ty: PgType, output: &Output<'_>) {
    let settings = output.settings;
    match value {
        Value::Null => {}
        Value::Bool(b) => out.put_u8(if *b { b't' } else { b'f' }),
        Value::Int2(n) => digits::put_int(out, i64::from(*n)),
        Value::Int4(n) => digits::put_int(out, i64::from(*n)),
        Value::Int8(n) if ty.oid == oid::XID8 => digits::put_uint(out, *n as u64),
        Value::Int8(n) => digits::put_int(out, *n),
        Value::Oid(n) => reg::write(out, *n, ty.oid, output.types),
        Value::Float4(f) => write_f32(out, *f, settings.extra_float_digits),
        Value::Float8(f) => write_f64(out, *f, settings.extra_float_digits),
        Value::Numeric(text) => out.put_slice(text.as_bytes()),
        Value::Text(text) => write_text(out, text, ty, output.types),
        Value::Bytea(bytes) => {
            if ty.oid == oid::BYTEA || !coded::write(out, bytes, super::base_type(ty, output.types).oid, output) {
                write_bytea(out, bytes, settings.bytea_output);
            }
        }
        Value::Date(days) => datetime::write_date(out, *days, settings),
        Value::Time(micros) => datetime::write_time(out, *micros),
        Value::TimeTz(micros, east) => datetime::write_timetz(out, *micros, *east),
        Value::Timestamp(micros) => datetime::write_timestamp(out, *micros, settings),
        Value::TimestampTz(micros) => datetime::write_timestamptz(out, *micros, &output.zone, settings),
        Value::Interval { months, days, micros } => {
            datetime::write_interval(out, *months, *days, *micros, settings.interval_style);
        }
        Value::Uuid(uuid) => write_uuid(out, *uuid),
        Value::Array(array) => write_array(out, array, ty, output),
        Value::Row(fields) => write_record(out, fields, output),
    }
}

/// Text of any type that is carried as text; `char(n)` gets its blanks back.
fn write_text(out: &mut Vec<u8>, text: &str, ty: PgType, types: &dyn TypeLookup) {
    let ty = if ty.oid >= oid::FIRST_USER { super::base_type(ty, types) } else { ty };
    if ty.oid == oid::XML {
        return out.put_slice(xml::shown(text).as_bytes());
    }
    out.put_slice(text.as_bytes());
    if ty.oid == oid::BPCHAR {
        pad_bpchar(out, text, ty.typmod);
    }
}

/// Appends the blanks that `char(n)` has and storage leaves out.
pub fn pad_bpchar(out: &mut Vec<u8>, text: &str, typmod: i32) {
    if typmod >= 4 {
        let length = typmod as usize - 4;
        let have = if text.len() >= length { text.chars().count() } else { char_count(text) };
        if have < length {
            out.put_bytes(b' ', length - have);
        }
    }
}

/// Text with blanks behind it up to a number of characters.
pub fn padded(text: &str, length: u32) -> String {
    let have = char_count(text);
    let mut out = String::with_capacity(text.len() + (length as usize).saturating_sub(have));
    out.push_str(text);
    out.extend(std::iter::repeat_n(' ', (length as usize).saturating_sub(have)));
    out
}

fn char_count(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

/// For tests and callers outside the row path: the hex or escape form of bytes.
pub fn bytea_text(bytes: &[u8], output: ByteaOutput) -> String {
    let mut out = Vec::new();
    write_bytea(&mut out, bytes, output);
    String::from_utf8_lossy(&out).into_owned()
}
