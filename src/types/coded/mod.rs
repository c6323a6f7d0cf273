//! Types that DuckDB has nothing for, carried as bytes that sort as their values do: DuckDB compares, groups, joins and
//! indexes them without knowing what they are. Text and binary forms are made of the bytes.

mod bounds;
pub mod geometry;
pub mod hstore;
pub mod inet;
pub mod lsn;
pub mod mac;
pub mod range;
pub mod tsquery;
pub mod tsvector;
pub mod tsword;

use super::text::Output;
use super::{Oid, TypeLookup, oid};

/// True for a type that is carried so.
pub fn is_coded(ty: Oid) -> bool {
    matches!(
        ty,
        oid::INET | oid::CIDR | oid::MACADDR | oid::MACADDR8 | oid::HSTORE | oid::PG_LSN | oid::TSVECTOR | oid::TSQUERY
    ) || geometry::name(ty).is_some()
        || range::range_type(ty).is_some()
}

/// True for a type that PostgreSQL can neither sort nor group, whatever operators it has.
pub fn is_orderless(ty: Oid) -> bool {
    matches!(ty, oid::JSON | oid::XML | oid::PG_SNAPSHOT | oid::TXID_SNAPSHOT) || geometry::name(ty).is_some()
}

/// True for a type of whose bytes a part is left out where values are compared ([`range::key`], [`tsquery::key`]).
pub fn needs_key(ty: Oid) -> bool {
    // What users' own are over is not known here.
    matches!(ty, oid::NUMRANGE | oid::NUMMULTIRANGE | oid::TSQUERY) || ty >= oid::FIRST_USER
}

/// Appends the type's text; false if the type is not carried so.
pub fn write(out: &mut Vec<u8>, bytes: &[u8], ty: Oid, output: &Output<'_>) -> bool {
    match ty {
        oid::INET | oid::CIDR => out.extend_from_slice(inet::Inet::decode(bytes).text(ty == oid::CIDR).as_bytes()),
        oid::MACADDR | oid::MACADDR8 => out.extend_from_slice(mac::text(bytes).as_bytes()),
        oid::HSTORE => hstore::Hstore::decode(bytes).write(out),
        oid::TSVECTOR => tsvector::TsVector::decode(bytes).write(out),
        oid::TSQUERY => tsquery::write(out, &tsquery::decode(bytes)),
        oid::PG_LSN => out.extend_from_slice(lsn::text(bytes).as_bytes()),
        _ if geometry::name(ty).is_some() => geometry::write(out, bytes, ty, output.settings.extra_float_digits),
        _ => match range::range_of(ty, output.types) {
            Some(of) => super::text::write_range(out, bytes, of, output),
            None => return false,
        },
    }
    true
}

/// Appends the type's binary form; false if the type is not carried so.
pub fn send(out: &mut Vec<u8>, bytes: &[u8], ty: Oid, types: &dyn TypeLookup) -> bool {
    match ty {
        oid::INET | oid::CIDR => inet::Inet::decode(bytes).send(ty == oid::CIDR, out),
        oid::MACADDR | oid::MACADDR8 | oid::PG_LSN => out.extend_from_slice(bytes),
        oid::HSTORE => hstore::Hstore::decode(bytes).send(out),
        oid::TSVECTOR => tsvector::TsVector::decode(bytes).send(out),
        oid::TSQUERY => tsquery::send(out, &tsquery::decode(bytes)),
        _ if geometry::name(ty).is_some() => out.extend_from_slice(bytes),
        _ => match range::range_of(ty, types) {
            Some(of) => range::send(out, bytes, of, types),
            None => return false,
        },
    }
    true
}
