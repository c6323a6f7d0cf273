//! Text to a value of a type, until the type table's own codec is called here.

use super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::types::{PgType, Value, oid};

pub(crate) fn parse(text: &str, ty: PgType, a: &Analyzer<'_>) -> Result<Value> {
    let invalid = || {
        let name = a.type_name(ty.oid);
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("invalid input syntax for type {name}: \"{text}\""))
    };
    let t = text.trim();
    Ok(match ty.oid {
        oid::INT2 => Value::Int2(t.parse().map_err(|_| invalid())?),
        oid::INT4 => Value::Int4(t.parse().map_err(|_| invalid())?),
        oid::INT8 => Value::Int8(t.parse().map_err(|_| invalid())?),
        oid::OID | oid::XID | oid::CID => Value::Oid(t.parse().map_err(|_| invalid())?),
        oid::FLOAT4 => Value::Float4(t.parse().map_err(|_| invalid())?),
        oid::FLOAT8 => Value::Float8(t.parse().map_err(|_| invalid())?),
        oid::NUMERIC => Value::Numeric(t.into()),
        oid::BOOL => match t.to_ascii_lowercase().as_str() {
            "t" | "true" | "y" | "yes" | "on" | "1" => Value::Bool(true),
            "f" | "false" | "n" | "no" | "off" | "0" => Value::Bool(false),
            _ => return Err(invalid()),
        },
        _ => Value::text(text),
    })
}
