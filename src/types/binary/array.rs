//! Arrays, vectors and row values in binary.

use bytes::BufMut;

use super::{decode, decode_codec, encode, insufficient, left_over};
use crate::error::{Error, Result, SqlState};
use crate::types::table::codec;
use crate::types::{ArrayValue, Oid, PgType, TypeLookup, Value};

const MAX_DIMS: i32 = 6;

/// Reads big-endian words off the front of a message.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn i32(&mut self) -> Result<i32> {
        let (head, rest) = self.0.split_first_chunk::<4>().ok_or_else(insufficient)?;
        self.0 = rest;
        Ok(i32::from_be_bytes(*head))
    }

    /// A length word and that many bytes; `None` for -1 (NULL).
    pub fn item(&mut self) -> Result<Option<&'a [u8]>> {
        let length = self.i32()?;
        if length == -1 {
            return Ok(None);
        }
        let length = usize::try_from(length).map_err(|_| insufficient())?;
        if length > self.0.len() {
            return Err(insufficient());
        }
        let (item, rest) = self.0.split_at(length);
        self.0 = rest;
        Ok(Some(item))
    }
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_BINARY_REPRESENTATION, message)
}

/// `array_recv` for arrays of `element`.
pub fn decode_array(data: &[u8], element: PgType, types: &dyn TypeLookup) -> Result<ArrayValue> {
    let mut r = Reader(data);
    let ndim = r.i32()?;
    if ndim < 0 {
        return Err(invalid(format!("invalid number of dimensions: {ndim}")));
    }
    if ndim > MAX_DIMS {
        return Err(Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("number of array dimensions ({ndim}) exceeds the maximum allowed ({MAX_DIMS})"),
        ));
    }
    let flags = r.i32()?;
    if flags != 0 && flags != 1 {
        return Err(invalid("invalid array flags".into()));
    }
    let sent = r.i32()? as Oid;
    // A domain's arrays carry the domain or its base; the elements are decoded as what is expected.
    if sent != element.oid && crate::types::base_type(element, types).oid != sent {
        return Err(Error::new(
            SqlState::DATATYPE_MISMATCH,
            format!(
                "binary data has array element type {sent} ({}) instead of expected {} ({})",
                crate::types::name::format_type(PgType::new(sent), types),
                element.oid,
                crate::types::name::format_type(PgType::new(element.oid), types)
            ),
        ));
    }
    let mut dims = Vec::new();
    let mut count: i64 = i64::from(ndim > 0);
    for _ in 0..ndim {
        let (length, lower) = (r.i32()?, r.i32()?);
        let upper = i64::from(lower) + i64::from(length) - 1;
        if length < 0 || upper > i64::from(i32::MAX) {
            return Err(Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("array lower bound is too large: {lower}"),
            ));
        }
        count = count.saturating_mul(i64::from(length));
        dims.push((length, lower));
    }
    // Each element takes four bytes at least: what cannot be there is not allocated for.
    if count > (r.0.len() / 4) as i64 {
        return Err(insufficient());
    }
    let (codec, typmod) = codec(element, types)?;
    let mut items = Vec::with_capacity(count as usize);
    for _ in 0..count {
        items.push(match r.item()? {
            None => Value::Null,
            Some(bytes) => decode_codec(bytes, element, &codec, typmod, types).map_err(|e| element_error(e, &items))?,
        });
    }
    if !r.0.is_empty() {
        return Err(left_over());
    }
    if items.is_empty() {
        dims.clear();
    }
    Ok(ArrayValue { element: element.oid, dims, items })
}

/// Names the element whose bytes were too many.
fn element_error(mut error: Error, before: &[Value]) -> Error {
    if error.code() == SqlState::INVALID_BINARY_REPRESENTATION
        && error.report().message == "incorrect binary data format"
    {
        error.report_mut().message = format!("improper binary format in array element {}", before.len() + 1);
    }
    error
}

/// `int2vectorrecv`, `oidvectorrecv`: an array of one dimension from 0 without NULLs.
pub fn decode_vector(data: &[u8], element: Oid, types: &dyn TypeLookup) -> Result<Value> {
    let mut array = decode_array(data, PgType::new(element), types)?;
    let flat = matches!(array.dims.as_slice(), [] | [(_, 0)]) && !array.items.iter().any(Value::is_null);
    if !flat {
        let name = if element == crate::types::oid::INT2 { "int2vector" } else { "oidvector" };
        return Err(invalid(format!("invalid {name} data")));
    }
    array.dims.iter_mut().for_each(|d| d.1 = 1);
    Ok(Value::Array(array))
}

/// `record_recv`: each field brings its type, which must be the composite type's.
pub fn decode_record(data: &[u8], ty: PgType, types: &dyn TypeLookup) -> Result<Value> {
    let Some(known) = crate::types::text::record::composite_fields(ty, types) else {
        let message = "input of anonymous composite types is not implemented";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    };
    let mut r = Reader(data);
    let count = r.i32()?;
    if usize::try_from(count) != Ok(known.len()) {
        let message = format!("wrong number of columns: {count}, expected {}", known.len());
        return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
    }
    // Eight bytes a field at least.
    if count < 0 || count as usize > r.0.len() / 8 {
        return Err(insufficient());
    }
    let mut fields = Vec::with_capacity(count as usize);
    for i in 0..count as usize {
        let mut ty = PgType::new(r.i32()? as Oid);
        if let Some(wanted) = known.get(i) {
            if ty.oid != wanted.oid {
                let name = |ty: Oid| crate::types::name::format_type(PgType::new(ty), types);
                let message = format!(
                    "binary data has type {} ({}) instead of expected {} ({}) in record column {}",
                    ty.oid,
                    name(ty.oid),
                    wanted.oid,
                    name(wanted.oid),
                    i + 1
                );
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            }
            ty = *wanted;
        }
        let value = match r.item()? {
            None => Value::Null,
            Some(bytes) => decode(bytes, ty, types)?,
        };
        fields.push((ty, value));
    }
    if r.0.is_empty() { Ok(Value::Row(fields)) } else { Err(left_over()) }
}

/// Appends a length word and the value.
fn put_item(value: &Value, ty: PgType, types: &dyn TypeLookup, out: &mut Vec<u8>) {
    if value.is_null() {
        return out.put_i32(-1);
    }
    let at = out.len();
    out.put_i32(0);
    encode(value, ty, types, out);
    let length = (out.len() - at - 4) as i32;
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

/// `array_send`.
pub fn encode_array(array: &ArrayValue, ty: PgType, types: &dyn TypeLookup, out: &mut Vec<u8>) {
    let element = PgType::with(array.element, ty.typmod);
    let vector = matches!(ty.oid, crate::types::oid::INT2VECTOR | crate::types::oid::OIDVECTOR);
    // An empty vector still has its one dimension.
    let dims: &[(i32, i32)] = if array.dims.is_empty() && vector { &[(0, 0)] } else { &array.dims };
    out.put_i32(dims.len() as i32);
    out.put_i32(i32::from(array.items.iter().any(Value::is_null)));
    out.put_u32(array.element);
    for (length, lower) in dims {
        out.put_i32(*length);
        out.put_i32(if vector { 0 } else { *lower });
    }
    for item in &array.items {
        put_item(item, element, types, out);
    }
}

/// `record_send`.
pub fn encode_record(fields: &[(PgType, Value)], types: &dyn TypeLookup, out: &mut Vec<u8>) {
    out.put_i32(fields.len() as i32);
    for (ty, value) in fields {
        out.put_u32(ty.oid);
        put_item(value, *ty, types, out);
    }
}
