//! Functions that draw from outside the data: random numbers and the clock, through the session's tape.

use std::sync::Arc;
use std::time::SystemTime;

use crate::catalog::asker;
use crate::engine::Native;
use crate::engine::tape::{self, Source};
use crate::engine::vector::downcast;
use crate::error::{Error, Result};
use crate::types::arrow::array_from_values;
use crate::types::{Phys, Value};

pub(super) fn natives() -> Vec<Native> {
    vec![
        native("dg_random", Source::Random, Phys::Float8, random, |drawn| {
            Ok(Value::Float8(f64::from_bits(drawn as u64)))
        }),
        native("dg_gen_random_uuid", Source::Uuid, Phys::Uuid, uuid, |drawn| Ok(Value::Uuid(drawn as u128))),
        native("dg_clock_timestamp", Source::Clock, Phys::TimestampTz, clock, |drawn| {
            i64::try_from(drawn).map(Value::TimestampTz).map_err(Error::internal)
        }),
    ]
}

fn random() -> i128 {
    i128::from(rand::random::<f64>().to_bits())
}

fn uuid() -> i128 {
    uuid::Uuid::new_v4().as_u128() as i128
}

fn clock() -> i128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_micros() as i128)
}

/// A native whose argument is the session's number; its value is what the tape gives.
fn native(
    name: &'static str,
    source: Source,
    result: Phys,
    draw: fn() -> i128,
    value: fn(i128) -> Result<Value>,
) -> Native {
    let phys = result.clone();
    let body = move |args: &[arrow::array::ArrayRef], rows: usize| {
        let mut values = Vec::with_capacity(rows);
        if rows > 0 {
            let session = asker(downcast::<i64>(args, 0)?.value(0))?;
            for _ in 0..rows {
                let drawn = tape::draw(&*session.view, source, || Ok(Some(draw())))?;
                values.push(value(drawn.unwrap_or_default())?);
            }
        }
        array_from_values(&values, &phys)
    };
    Native { name, args: vec![Phys::Int8], varargs: None, result, strict: false, volatile: true, body: Arc::new(body) }
}
