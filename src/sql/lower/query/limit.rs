//! LIMIT and OFFSET: NULL is none, a negative one is 2201W or 2201X.
//!
//! `LIMIT $1` → `LIMIT CASE WHEN CAST($1 AS BIGINT) < 0 THEN CAST(error(…) AS BIGINT) ELSE CAST($1 AS BIGINT) END`

use crate::error::{Error, Result, SqlState};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::Scalar;
use crate::tree::{Expr, ExprKind};
use crate::types::{Phys, Value};

impl Lowerer<'_> {
    pub(crate) fn row_count(&mut self, e: Option<&Expr>, offset: bool) -> Result<Option<Scalar>> {
        let Some(e) = e else { return Ok(None) };
        let (code, message) = if offset {
            (SqlState::INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE, "OFFSET must not be negative")
        } else {
            (SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, "LIMIT must not be negative")
        };
        // Plain numbers stay plain: DuckDB takes nothing else in a correlated subquery.
        if matches!(&e.kind, ExprKind::Const(Value::Null)) {
            return Ok(None);
        }
        if let Some(n) = crate::sql::lower::value::constant::const_int(e) {
            if n < 0 {
                return Err(Error::new(code, message));
            }
            return Ok(Some(Scalar::number(n, Phys::Int8)));
        }
        let value = self.expr(e)?;
        let value = match value.phys {
            Phys::Int8 => value,
            Phys::Void => return Ok(None),
            _ => value.cast(Phys::Int8),
        };
        self.bind_once(value, |_, value| {
            let error = crate::sql::lower::value::raise::raise_message(code, message, &Phys::Int8);
            let test = Scalar::template("({0} < 0)", vec![value.clone()], Phys::Bool);
            Ok(Scalar::when(test, error, value))
        })
        .map(Some)
    }
}
