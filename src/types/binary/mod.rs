//! Binary input and output of every type: PostgreSQL's receive and send functions.
//!
//! Lengths on the wire are checked against the bytes that are there before anything is allocated.

mod array;

use std::sync::Arc;

use bytes::BufMut;

use super::coded::inet::Inet;
use super::datetime::{
    DATE_INFINITY, DATE_NEG_INFINITY, MICROS_PER_DAY, PG_EPOCH_DAYS, PG_EPOCH_MICROS, TIMESTAMP_INFINITY,
    TIMESTAMP_NEG_INFINITY,
};
use super::numeric::Numeric;
use super::table::{Codec, codec};
use super::text::{limit_length, normalize_jsonb, validate_json};
use super::{PgType, TypeLookup, Value, name, oid};
use crate::error::{Error, Result, SqlState};

/// `insufficient data left in message` (08P01).
pub(crate) fn insufficient() -> Error {
    Error::new(SqlState::PROTOCOL_VIOLATION, "insufficient data left in message")
}

/// What is left over after a receive function has read all it reads (22P03). The caller, who knows which value it was,
/// may replace the message with PostgreSQL's `incorrect binary data format in bind parameter 1`.
pub(crate) fn left_over() -> Error {
    Error::new(SqlState::INVALID_BINARY_REPRESENTATION, "incorrect binary data format")
}

/// Exactly N bytes.
fn fixed<const N: usize>(data: &[u8]) -> Result<[u8; N]> {
    match data.len().cmp(&N) {
        std::cmp::Ordering::Less => Err(insufficient()),
        std::cmp::Ordering::Equal => data.try_into().map_err(|_| left_over()),
        std::cmp::Ordering::Greater => Err(left_over()),
    }
}

/// Text as it comes over the wire: UTF-8 without zero bytes (22021).
pub fn text(data: &[u8]) -> Result<&str> {
    let at = match std::str::from_utf8(data) {
        Ok(text) => match memchr::memchr(0, data) {
            None => return Ok(text),
            Some(at) => at,
        },
        Err(e) => memchr::memchr(0, &data[..e.valid_up_to()]).unwrap_or(e.valid_up_to()),
    };
    // PostgreSQL shows the bytes of the character as its first byte promises them.
    let promised = match data[at] {
        0xf0..=0xf7 => 4,
        0xe0..=0xef => 3,
        0xc0..=0xdf => 2,
        _ => 1,
    };
    let shown: Vec<String> = data[at..].iter().take(promised).map(|b| format!("0x{b:02x}")).collect();
    Err(Error::new(
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
    ))
}

/// The type's receive function, its modifier applied. The data is the value's bytes, without a length word.
pub fn decode(data: &[u8], ty: PgType, types: &dyn TypeLookup) -> Result<Value> {
    let (codec, typmod) = codec(ty, types)?;
    decode_codec(data, ty, &codec, typmod, types)
}

fn decode_codec(data: &[u8], ty: PgType, codec: &Codec, typmod: i32, types: &dyn TypeLookup) -> Result<Value> {
    Ok(match codec {
        Codec::Bool => Value::Bool(fixed::<1>(data)?[0] != 0),
        Codec::Int2 => Value::Int2(i16::from_be_bytes(fixed(data)?)),
        Codec::Int4 => Value::Int4(i32::from_be_bytes(fixed(data)?)),
        Codec::Int8 | Codec::Xid8 => Value::Int8(i64::from_be_bytes(fixed(data)?)),
        Codec::Oid | Codec::Reg(_) => Value::Oid(u32::from_be_bytes(fixed(data)?)),
        Codec::Float4 => Value::Float4(f32::from_be_bytes(fixed(data)?)),
        Codec::Float8 => Value::Float8(f64::from_be_bytes(fixed(data)?)),
        Codec::Numeric => {
            let value = Numeric::receive(data)?.coerce(PgType::with(oid::NUMERIC, typmod))?;
            Value::Numeric(value.as_text().into())
        }
        Codec::Text => Value::text(text(data)?),
        Codec::Xml => {
            let text = text(data)?;
            super::text::xml::check(text)?;
            Value::text(text)
        }
        Codec::Inet => Value::Bytea(Inet::receive(data, false)?.encode().into()),
        Codec::Cidr => Value::Bytea(Inet::receive(data, true)?.encode().into()),
        Codec::Range(ty) => {
            let of = super::coded::range::range_of(*ty, types);
            let of = of.ok_or_else(|| Error::internal("a range of no range type"))?;
            Value::Bytea(super::coded::range::receive(data, of, types)?.into())
        }
        Codec::PgLsn => Value::Bytea(fixed::<8>(data)?.as_slice().into()),
        Codec::Snapshot => Value::text(super::text::snapshot::receive(data)?),
        Codec::Hstore => Value::Bytea(super::coded::hstore::Hstore::receive(data)?.encode().into()),
        Codec::TsVector => Value::Bytea(super::coded::tsvector::TsVector::receive(data)?.encode().into()),
        Codec::TsQuery => Value::Bytea(super::coded::tsquery::encode(&super::coded::tsquery::receive(data)?).into()),
        Codec::Geometry(ty) => Value::Bytea(super::coded::geometry::receive(data, *ty)?.into()),
        Codec::MacAddr => Value::Bytea(fixed::<6>(data)?.as_slice().into()),
        // Six bytes are those of a macaddr.
        Codec::MacAddr8 => match data {
            [a, b, c, d, e, f] => Value::Bytea([*a, *b, *c, 0xff, 0xfe, *d, *e, *f].as_slice().into()),
            _ => Value::Bytea(fixed::<8>(data)?.as_slice().into()),
        },
        Codec::Varchar => Value::text(limit_length(text(data)?, typmod, "character varying")?),
        Codec::Bpchar => {
            let cut = limit_length(text(data)?, typmod, "character")?;
            Value::text(if typmod >= 4 { cut.trim_end_matches(' ') } else { cut })
        }
        Codec::Name => Value::text(super::text::cut_name(text(data)?)),
        Codec::CharByte => Value::text(super::text::char_byte_text(fixed::<1>(data)?[0])),
        Codec::Bytea => Value::Bytea(data.into()),
        Codec::Json => {
            let text = text(data)?;
            validate_json(text)?;
            Value::text(text)
        }
        Codec::Jsonb => match data.split_first() {
            None => return Err(insufficient()),
            Some((1, rest)) => Value::text(normalize_jsonb(text(rest)?)?),
            Some((version, _)) => {
                return Err(Error::new(
                    SqlState::INTERNAL_ERROR,
                    format!("unsupported jsonb version number {version}"),
                ));
            }
        },
        Codec::Bit => Value::text(super::text::bits::parse_bit(&super::text::bits::receive(data)?, typmod)?),
        Codec::VarBit => Value::text(super::text::bits::parse_varbit(&super::text::bits::receive(data)?, typmod)?),
        Codec::JsonPath => match data.split_first() {
            None => return Err(insufficient()),
            Some((1, rest)) => Value::text(super::text::jsonpath::normalize_jsonpath(text(rest)?)?),
            Some((version, _)) => {
                return Err(Error::new(
                    SqlState::INTERNAL_ERROR,
                    format!("unsupported jsonpath version number {version}"),
                ));
            }
        },
        Codec::Date => Value::Date(date_from_wire(i32::from_be_bytes(fixed(data)?))?),
        Codec::Time => {
            let micros = i64::from_be_bytes(fixed(data)?);
            check_time(micros)?;
            Value::Time(super::datetime::round_time(micros, typmod))
        }
        Codec::TimeTz => {
            let bytes: [u8; 12] = fixed(data)?;
            let (micros, west) = (be_i64(&bytes), be_i32(&bytes[8..]));
            check_time(micros)?;
            if west.unsigned_abs() > super::datetime::zone::MAX_OFFSET as u32 {
                return Err(Error::new(
                    SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
                    "time zone displacement out of range",
                ));
            }
            Value::TimeTz(super::datetime::round_time(micros, typmod), -west)
        }
        Codec::Timestamp => Value::Timestamp(super::datetime::round_timestamp(
            timestamp_from_wire(i64::from_be_bytes(fixed(data)?))?,
            typmod,
        )?),
        Codec::TimestampTz => Value::TimestampTz(super::datetime::round_timestamp(
            timestamp_from_wire(i64::from_be_bytes(fixed(data)?))?,
            typmod,
        )?),
        Codec::Interval => {
            let bytes: [u8; 16] = fixed(data)?;
            let (months, days, micros) =
                super::datetime::coerce_interval(be_i32(&bytes[12..]), be_i32(&bytes[8..]), be_i64(&bytes), typmod)?;
            Value::Interval { months, days, micros }
        }
        Codec::Uuid => Value::Uuid(u128::from_be_bytes(fixed(data)?)),
        Codec::Tid => {
            let bytes: [u8; 6] = fixed(data)?;
            Value::text(format!("({},{})", be_i32(&bytes) as u32, u16::from_be_bytes([bytes[4], bytes[5]])))
        }
        Codec::Void => Value::text(""),
        Codec::Record => array::decode_record(data, ty, types)?,
        Codec::Int2Vector => array::decode_vector(data, oid::INT2, types)?,
        Codec::OidVector => array::decode_vector(data, oid::OID, types)?,
        Codec::Array(element) => Value::Array(array::decode_array(data, PgType::with(*element, typmod), types)?),
        Codec::Enum(labels) => {
            let label = text(data)?;
            match labels.iter().find(|l| &***l == label) {
                Some(label) => Value::Text(Arc::clone(label)),
                None => {
                    let ty = super::base_type(ty, types);
                    return Err(Error::new(
                        SqlState::INVALID_TEXT_REPRESENTATION,
                        format!("invalid input value for enum {}: \"{label}\"", name::format_type(ty, types)),
                    ));
                }
            }
        }
    })
}

fn be_i64(bytes: &[u8]) -> i64 {
    bytes[..8].iter().fold(0, |n, b| n << 8 | i64::from(*b))
}

fn be_i32(bytes: &[u8]) -> i32 {
    bytes[..4].iter().fold(0, |n, b| n << 8 | i32::from(*b))
}

fn check_time(micros: i64) -> Result<()> {
    if (0..=MICROS_PER_DAY).contains(&micros) {
        return Ok(());
    }
    Err(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "time out of range"))
}

/// Days since 2000 → days since 1970; PostgreSQL's infinities are the ends of the integer range.
pub fn date_from_wire(days: i32) -> Result<i32> {
    match days {
        i32::MAX => Ok(DATE_INFINITY),
        i32::MIN => Ok(DATE_NEG_INFINITY),
        _ => days
            .checked_add(PG_EPOCH_DAYS)
            .filter(|d| (super::datetime::MIN_DATE..=super::datetime::MAX_DATE).contains(d))
            .ok_or_else(|| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range")),
    }
}

/// Days since 1970 → days since 2000.
#[inline]
pub fn date_to_wire(days: i32) -> i32 {
    match days {
        DATE_INFINITY => i32::MAX,
        DATE_NEG_INFINITY => i32::MIN,
        _ => days.wrapping_sub(PG_EPOCH_DAYS),
    }
}

/// Microseconds since 2000 → microseconds since 1970.
pub fn timestamp_from_wire(micros: i64) -> Result<i64> {
    match micros {
        i64::MAX => Ok(TIMESTAMP_INFINITY),
        i64::MIN => Ok(TIMESTAMP_NEG_INFINITY),
        _ => micros
            .checked_add(PG_EPOCH_MICROS)
            .filter(|m| *m >= i64::from(super::datetime::MIN_DATE) * MICROS_PER_DAY && *m < TIMESTAMP_INFINITY)
            .ok_or_else(|| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp out of range")),
    }
}

/// Microseconds since 1970 → microseconds since 2000.
#[inline]
pub fn timestamp_to_wire(micros: i64) -> i64 {
    match micros {
        TIMESTAMP_INFINITY => i64::MAX,
        TIMESTAMP_NEG_INFINITY => i64::MIN,
        _ => micros.wrapping_sub(PG_EPOCH_MICROS),
    }
}

/// The type's send function, appended without a length word. NULL writes nothing.
///
/// The value is trusted to be of the type; a numeric whose text is not one is sent as NaN.
pub fn encode(value: &Value, ty: PgType, types: &dyn TypeLookup, out: &mut Vec<u8>) {
    match value {
        Value::Null => {}
        Value::Bool(b) => out.put_u8(u8::from(*b)),
        Value::Int2(n) => out.put_i16(*n),
        Value::Int4(n) => out.put_i32(*n),
        Value::Int8(n) => out.put_i64(*n),
        Value::Oid(n) => out.put_u32(*n),
        Value::Float4(f) => out.put_f32(*f),
        Value::Float8(f) => out.put_f64(*f),
        Value::Numeric(text) => Numeric::parse(text).unwrap_or(Numeric::NaN).send(out),
        Value::Text(text) => encode_text(text, ty, types, out),
        Value::Bytea(bytes) => {
            if !super::coded::send(out, bytes, super::base_type(ty, types).oid, types) {
                out.put_slice(bytes);
            }
        }
        Value::Date(days) => out.put_i32(date_to_wire(*days)),
        Value::Time(micros) => out.put_i64(*micros),
        Value::TimeTz(micros, east) => {
            out.put_i64(*micros);
            out.put_i32(-east);
        }
        Value::Timestamp(micros) | Value::TimestampTz(micros) => out.put_i64(timestamp_to_wire(*micros)),
        Value::Interval { months, days, micros } => {
            out.put_i64(*micros);
            out.put_i32(*days);
            out.put_i32(*months);
        }
        Value::Uuid(uuid) => out.put_u128(*uuid),
        Value::Array(array) => array::encode_array(array, ty, types, out),
        Value::Row(fields) => array::encode_record(fields, types, out),
    }
}

/// What text-carried types send: mostly the text itself.
fn encode_text(text: &str, ty: PgType, types: &dyn TypeLookup, out: &mut Vec<u8>) {
    let ty = super::base_type(ty, types);
    match ty.oid {
        oid::JSONB | oid::JSONPATH => {
            out.put_u8(1);
            out.put_slice(text.as_bytes());
        }
        oid::BIT | oid::VARBIT => super::text::bits::send(text, out),
        oid::CHAR => out.put_u8(super::text::char_byte(text)),
        oid::XML => out.put_slice(super::text::xml::shown(text).as_bytes()),
        oid::TID => put_tid(text, out),
        oid::PG_SNAPSHOT | oid::TXID_SNAPSHOT => super::text::snapshot::send(text, out),
        oid::BPCHAR => {
            out.put_slice(text.as_bytes());
            super::text::pad_bpchar(out, text, ty.typmod);
        }
        _ => out.put_slice(text.as_bytes()),
    }
}

/// `(block,offset)` as six bytes.
pub(crate) fn put_tid(text: &str, out: &mut Vec<u8>) {
    let inner = text.trim_start_matches('(').trim_end_matches(')');
    let (block, offset) = inner.split_once(',').unwrap_or(("0", "0"));
    out.put_u32(block.parse().unwrap_or(0));
    out.put_u16(offset.parse().unwrap_or(0));
}
