//! The decimal types that lowering reckons with are those that DuckDB gives.

use super::support::Db;
use crate::sql::lower::ir::Scalar;
use crate::sql::lower::{Decimals, Lowerer};
use crate::sql::render;
use crate::types::Phys;

#[tokio::test]
async fn arithmetic_on_decimals_has_the_type_that_duckdb_gives() {
    let db = Db::empty();
    let types = [(1, 0), (4, 2), (15, 2), (16, 2), (18, 6), (18, 17), (19, 0), (31, 4), (38, 2), (38, 30)];
    for mode in [Decimals::Fast, Decimals::Wide] {
        let lowerer = Lowerer::new(&db.context, mode);
        for left in types {
            for right in types {
                for op in ['+', '-', '*'] {
                    let of =
                        |(precision, scale)| Scalar::text("0", Phys::Void).cast(Phys::Decimal { precision, scale });
                    let value = lowerer.numeric_arithmetic(op, of(left), of(right));
                    if value.phys == Phys::Numeric {
                        continue;
                    }
                    let sql = format!("SELECT typeof({})", render::scalar(&value));
                    let ty = db.text(&sql).await;
                    assert_eq!(ty, value.phys.duckdb(), "{mode:?} {left:?} {op} {right:?}: {sql}");
                }
            }
        }
    }
}
