//! How fast DataRows are encoded, by type, in text and in binary: the elements of the throughput are values.

use std::hint::black_box;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use duckgate::types::rows::{ColumnShape, RowEncoder};
use duckgate::types::{BuiltinTypes, OutputSettings, PgType, Value, arrow as arrays, oid, phys};

const ROWS: usize = 2048;
/// Columns of the same type, so that a row's frame weighs little.
const COLUMNS: usize = 8;

/// Values that look like real ones: all different, of varied length.
fn cases() -> Vec<(&'static str, PgType, fn(i64) -> Value)> {
    // A multiplicative hash spreads the row number.
    fn spread(i: i64) -> i64 {
        i.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64) >> 20
    }
    vec![
        ("smallint", PgType::new(oid::INT2), |i| Value::Int2(spread(i) as i16)),
        ("integer", PgType::new(oid::INT4), |i| Value::Int4(spread(i) as i32)),
        ("bigint", PgType::new(oid::INT8), |i| Value::Int8(spread(i))),
        ("numeric(15,2)", PgType::numeric(15, 2), |i| {
            Value::Numeric(format!("{}.{:02}", spread(i) % 1_000_000_000, i % 100).into())
        }),
        ("numeric", PgType::new(oid::NUMERIC), |i| Value::Numeric(format!("{}.{:04}", spread(i), i % 10_000).into())),
        ("double precision", PgType::new(oid::FLOAT8), |i| Value::Float8(spread(i) as f64 / 1000.0)),
        ("boolean", PgType::new(oid::BOOL), |i| Value::Bool(i % 2 == 0)),
        ("text", PgType::new(oid::TEXT), |i| {
            Value::text("carefully final deposits".get(..(i % 24) as usize).unwrap_or(""))
        }),
        ("char(10)", PgType::with(oid::BPCHAR, 14), |i| Value::text(["TRUCK", "MAIL", "AIR"][(i % 3) as usize])),
        ("date", PgType::new(oid::DATE), |i| Value::Date((8000 + i % 4000) as i32)),
        ("timestamp", PgType::new(oid::TIMESTAMP), |i| {
            Value::Timestamp(1_700_000_000_000_000 + spread(i) % 1_000_000_000)
        }),
        ("timestamptz", PgType::new(oid::TIMESTAMPTZ), |i| {
            Value::TimestampTz(1_700_000_000_000_000 + spread(i) % 1_000_000_000)
        }),
        ("interval", PgType::new(oid::INTERVAL), |i| Value::Interval {
            months: (i % 30) as i32,
            days: (i % 40) as i32,
            micros: spread(i) % 1_000_000_000,
        }),
        ("uuid", PgType::new(oid::UUID), |i| Value::Uuid(spread(i) as u64 as u128 | (i as u128) << 64)),
        ("bytea", PgType::new(oid::BYTEA), |i| Value::Bytea(spread(i).to_be_bytes().as_slice().into())),
    ]
}

fn encode(c: &mut Criterion) {
    let settings = OutputSettings { time_zone: "Europe/Berlin".into(), ..OutputSettings::default() };
    for (name, format) in [("text", 0), ("binary", 1)] {
        let mut group = c.benchmark_group(format!("encode_rows/{name}"));
        group.throughput(Throughput::Elements((ROWS * COLUMNS) as u64));
        for (type_name, ty, make) in cases() {
            let carrier = phys(ty, &BuiltinTypes).expect("a type of the table");
            let values: Vec<Value> = (1..=ROWS as i64).map(make).collect();
            let array = arrays::array_from_values(&values, &carrier).expect("array");
            let columns = (0..COLUMNS).map(|i| (format!("c{i}"), Arc::clone(&array)));
            let batch = RecordBatch::try_from_iter(columns).expect("batch");
            let shape = ColumnShape { ty, phys: carrier, format, row: None };
            let shapes = std::iter::repeat_n(shape, COLUMNS);
            let mut encoder = RowEncoder::new(shapes, settings.clone(), &BuiltinTypes).expect("encoder");
            let mut out = Vec::with_capacity(8 << 20);
            group.bench_function(type_name, |b| {
                b.iter(|| {
                    out.clear();
                    encoder.encode(&batch, 0, ROWS, &mut out).expect("rows");
                    black_box(out.len())
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, encode);
criterion_main!(benches);
