//! Native functions: what DuckDB lacks or does otherwise, in Rust, a vector at a time.

mod bits;
mod conflicts;
mod datetime;
mod degrees;
mod dmetaphone;
mod drawn;
mod figures;
mod float;
mod geometry;
mod hash_partition;
mod hstore;
mod integer;
mod io;
mod json;
mod json_array;
mod json_assign;
mod json_edit;
mod jsonpath;
mod lsn;
mod metaphone;
mod moment;
mod network;
mod numeric;

mod pattern;
mod range;
mod regexp;
mod regexp_syntax;
mod row_text;
mod search;
mod search_text;
mod sha224;
pub(crate) mod shape;
mod spelling;
mod statistics;
mod template;
mod text;
mod text_more;
mod trigrams;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray, StringBuilder};

use crate::catalog::asker;
use crate::engine::vector::*;
use crate::engine::{Native, NativeAggregate};
use crate::error::{Error, Result, SqlState};
use crate::types::arrow::{array_from_values, value_at};
use crate::types::{OutputSettings, Phys, Value};

pub(crate) use range::SUBTYPES as RANGE_SUBTYPES;

/// All native scalar functions.
pub fn all() -> Vec<Native> {
    let mut all = Vec::new();
    all.extend(bits::natives());
    all.extend(integer::natives());
    all.extend(float::natives());
    all.extend(numeric::natives());
    all.extend(io::natives());
    all.extend(json::natives());
    all.extend(jsonpath::natives());
    all.extend(crate::catalog::natives());

    all.extend(text::natives());
    all.extend(text_more::natives());
    all.extend(row_text::natives());
    all.extend(pattern::natives());
    all.extend(datetime::natives());
    all.extend(template::natives());
    all.extend(moment::natives());
    all.extend(degrees::natives());
    all.extend(drawn::natives());
    all.extend(hash_partition::natives());
    all.extend(geometry::natives());
    all.extend(figures::natives());
    all.extend(network::natives());
    all.extend(lsn::natives());
    all.extend(range::natives());
    all.extend(hstore::natives());
    all.extend(search::natives());
    all.extend(search_text::natives());
    all.extend(shape::natives());
    all.extend(conflicts::natives());
    all.extend(spelling::natives());
    all.extend(trigrams::natives());

    all
}

/// All native aggregates.
pub fn aggregates() -> Vec<NativeAggregate> {
    let mut all = numeric::aggregates();
    all.extend(statistics::aggregates());
    all.extend(bits::aggregates());
    all
}

/// As `native_values`, with the session's settings of input and output; its first argument is the session's number.
fn session_values(
    name: &'static str,
    args: Vec<Phys>,
    result: Phys,
    f: impl Fn(&OutputSettings, &[Value]) -> Result<Value> + Send + Sync + 'static,
) -> Native {
    let mut all = vec![Phys::Int8];
    all.extend(args.iter().cloned());
    Native {
        name,
        args: all,
        varargs: None,
        result: result.clone(),
        strict: true,
        volatile: false,
        body: Arc::new(move |arrays, rows| {
            let mut values = Vec::with_capacity(rows);
            if rows == 0 {
                return array_from_values(&values, &result);
            }
            let settings = asker(downcast::<i64>(arrays, 0)?.value(0))?.view.output_settings();
            for row in 0..rows {
                if arrays.iter().any(|a| a.is_null(row)) {
                    values.push(Value::Null);
                    continue;
                }
                let given: Vec<Value> =
                    arrays[1..].iter().zip(&args).map(|(a, phys)| value_at(&**a, row, phys)).collect();
                values.push(f(&settings, &given)?);
            }
            array_from_values(&values, &result)
        }),
    }
}

/// `value out of range` and its kin.
pub(crate) fn out_of_range(message: &str) -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
}
