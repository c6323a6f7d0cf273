//! The texts inside values in binary format.

use std::borrow::Cow;

use bytes::BufMut;

use crate::error::{Error, Result, SqlState};
use crate::types::name::enum_labels;
use crate::types::table::element_type;
use crate::types::{PgType, TypeLookup, base_type, oid};

/// Where a type's text stands in its binary form.
enum Place {
    /// It is all text.
    All,
    /// After a byte that tells the version.
    AfterVersion,
    Elements(PgType),
    Nowhere,
}

fn place(ty: PgType, types: &dyn TypeLookup) -> Place {
    let ty = base_type(ty, types);
    if let Some(element) = element_type(ty.oid, types) {
        return Place::Elements(PgType::new(element));
    }
    match ty.oid {
        oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME | oid::JSON | oid::XML | oid::UNKNOWN | oid::CSTRING => {
            Place::All
        }
        oid::JSONB | oid::JSONPATH => Place::AfterVersion,
        other if enum_labels(other, types).is_some() => Place::All,
        _ => Place::Nowhere,
    }
}

/// A value in binary format with its texts converted.
///
/// # Errors
/// Those of `convert`; 22P03 for an array that is none.
pub fn binary<'a>(
    value: &'a [u8],
    ty: PgType,
    types: &dyn TypeLookup,
    convert: &dyn Fn(&[u8]) -> Result<Vec<u8>>,
) -> Result<Cow<'a, [u8]>> {
    match place(ty, types) {
        Place::Nowhere => Ok(Cow::Borrowed(value)),
        Place::All => convert(value).map(Cow::Owned),
        Place::AfterVersion => {
            let Some((version, text)) = value.split_first() else { return Ok(Cow::Borrowed(value)) };
            let mut out = vec![*version];
            out.append(&mut convert(text)?);
            Ok(Cow::Owned(out))
        }
        Place::Elements(element) => elements(value, element, types, convert).map(Cow::Owned),
    }
}

fn elements(
    value: &[u8],
    element: PgType,
    types: &dyn TypeLookup,
    convert: &dyn Fn(&[u8]) -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    const HEAD: usize = 12;
    const DIMENSION: usize = 8;
    let malformed = || Error::new(SqlState::INVALID_BINARY_REPRESENTATION, "insufficient data left in message");
    let dimensions = value.first_chunk::<4>().map(|d| i32::from_be_bytes(*d)).ok_or_else(malformed)?;
    let head = usize::try_from(dimensions).ok().and_then(|n| n.checked_mul(DIMENSION)).map(|n| n.saturating_add(HEAD));
    let (head, mut rest) = head.and_then(|at| value.split_at_checked(at)).ok_or_else(malformed)?;
    let mut out = head.to_vec();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            out.put_i32(-1);
            rest = after;
            continue;
        };
        let item;
        (item, rest) = after.split_at_checked(length).ok_or_else(malformed)?;
        let item = binary(item, element, types, convert)?;
        out.put_i32(i32::try_from(item.len()).unwrap_or(i32::MAX));
        out.put_slice(&item);
    }
    Ok(out)
}
