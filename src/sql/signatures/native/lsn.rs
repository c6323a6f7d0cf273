//! Arithmetic of pg_lsn, over the eight bytes that carry it.

use super::*;
use crate::types::numeric::Numeric;

pub(super) fn natives() -> Vec<Native> {
    vec![
        native1::<NumericText, [u8]>("dg_lsn", |bytes| place(&Numeric::parse(bytes)?).map(Some)),
        native2::<[u8], [u8], NumericText>("dg_lsn_distance", |a, b| {
            Ok(Some((i128::from(number(a)) - i128::from(number(b))).to_string()))
        }),
        native2::<[u8], NumericText, [u8]>("dg_lsn_plus", |at, bytes| {
            let bytes = finite(bytes, "cannot add NaN to pg_lsn")?;
            place(&Numeric::from_i128(number(at).into()).add(&bytes)?).map(Some)
        }),
        native2::<[u8], NumericText, [u8]>("dg_lsn_minus", |at, bytes| {
            let bytes = finite(bytes, "cannot subtract NaN from pg_lsn")?;
            place(&Numeric::from_i128(number(at).into()).sub(&bytes)?).map(Some)
        }),
    ]
}

fn number(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_be_bytes)
}

/// 0A000 with this message for NaN.
fn finite(bytes: &str, message: &str) -> Result<Numeric> {
    let number = Numeric::parse(bytes)?;
    if number.is_nan() { Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)) } else { Ok(number) }
}

/// `numeric_pg_lsn`: rounded to a whole byte.
fn place(number: &Numeric) -> Result<Vec<u8>> {
    let refused = |what: &str| Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot convert {what} to pg_lsn"));
    match number {
        Numeric::NaN => Err(refused("NaN")),
        Numeric::PosInfinity | Numeric::NegInfinity => Err(refused("infinity")),
        Numeric::Finite(_) => {
            let whole = number.round(0)?.to_decimal128(0).and_then(|n| u64::try_from(n).ok());
            let whole = whole.ok_or_else(|| Error::new(SqlState::INVALID_PARAMETER_VALUE, "pg_lsn out of range"))?;
            Ok(whole.to_be_bytes().to_vec())
        }
    }
}
