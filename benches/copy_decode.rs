//! How fast COPY data becomes record batches, and batches COPY data, by format, on rows like TPC-H's lineitem.

use std::hint::black_box;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use duckgate::copy::{CopyColumn, CopySource, Decoder, Encoder};
use duckgate::tree::{CopyFormat, CopyHeader, CopyOnError, CopyOptions};
use duckgate::types::{BuiltinTypes, OutputSettings, PgType, oid, phys};

const ROWS: usize = 20_000;
/// What a socket gives at once.
const PIECE: usize = 64 << 10;

fn columns() -> Vec<CopyColumn> {
    let money = PgType::numeric(15, 2);
    let (int, date, text) = (PgType::new(oid::INT4), PgType::new(oid::DATE), PgType::with(oid::VARCHAR, 48));
    let flag = PgType::with(oid::BPCHAR, 5);
    [
        ("orderkey", PgType::new(oid::INT8)),
        ("partkey", int),
        ("suppkey", int),
        ("linenumber", int),
        ("quantity", money),
        ("extendedprice", money),
        ("discount", money),
        ("tax", money),
        ("returnflag", flag),
        ("linestatus", flag),
        ("shipdate", date),
        ("commitdate", date),
        ("receiptdate", date),
        ("shipinstruct", text),
        ("shipmode", text),
        ("comment", text),
    ]
    .into_iter()
    .map(|(name, ty)| CopyColumn {
        name: name.into(),
        ty,
        phys: phys(ty, &BuiltinTypes).expect("a type of the table"),
        row: None,
    })
    .collect()
}

fn options(format: CopyFormat) -> CopyOptions {
    CopyOptions {
        format,
        delimiter: if format == CopyFormat::Csv { b',' } else { b'|' },
        null: if format == CopyFormat::Csv { String::new() } else { "\\N".into() },
        default: None,
        header: CopyHeader::No,
        quote: b'"',
        escape: b'"',
        force_quote: Vec::new(),
        force_not_null: Vec::new(),
        force_null: Vec::new(),
        encoding: None,
        freeze: false,
        on_error: CopyOnError::Stop,
        verbose: false,
        rejects: None,
        batch: None,
    }
}

fn decode(format: CopyFormat, data: &[u8]) -> Vec<RecordBatch> {
    let source = CopySource {
        table: "lineitem".into(),
        columns: columns(),
        settings: OutputSettings::default(),
        types: Arc::new(BuiltinTypes),
        now: None,
        max_row: 1 << 20,
    };
    let mut decoder =
        Decoder::new(&options(format), source, duckgate::types::encoding::Encoding::UTF8).expect("decoder");
    let mut batches = Vec::new();
    for piece in data.chunks(PIECE) {
        decoder.feed(piece).expect("rows");
        batches.extend(std::iter::from_fn(|| decoder.take().expect("rows")).map(|d| d.batch));
    }
    decoder.finish().expect("end");
    batches.extend(std::iter::from_fn(|| decoder.take().expect("rows")).map(|d| d.batch));
    batches
}

fn encode(format: CopyFormat, batches: &[RecordBatch], out: &mut Vec<u8>) {
    let mut encoder =
        Encoder::new(&options(format), &columns(), OutputSettings::default(), &BuiltinTypes).expect("encoder");
    for batch in batches {
        encoder.encode(batch, 0, batch.num_rows(), &BuiltinTypes, out).expect("rows");
    }
    encoder.finish(out).expect("encoder");
}

fn copy(c: &mut Criterion) {
    let text: String = (0..ROWS)
        .map(|i| {
            format!(
                "{}|{}|{}|{}|{}.00|{}.{:02}|0.0{}|0.0{}|N|O|1996-03-{:02}|1996-02-12|1996-0{}-22|DELIVER IN PERSON|TRUCK|egular courts above the {i}\n",
                i / 4 + 1, i * 7919 % 200_000, i * 31 % 10_000, i % 7 + 1, i % 50 + 1, 900 + i % 90_000, i % 100, i % 10, i % 9, i % 28 + 1, i % 9 + 1
            )
        })
        .collect();
    let batches = decode(CopyFormat::Text, text.as_bytes());
    for (name, format) in [("text", CopyFormat::Text), ("csv", CopyFormat::Csv), ("binary", CopyFormat::Binary)] {
        let mut data = Vec::new();
        encode(format, &batches, &mut data);
        let mut group = c.benchmark_group("copy");
        group.throughput(Throughput::Bytes(data.len() as u64)).sample_size(20);
        group.bench_function(format!("decode/{name}"), |b| b.iter(|| black_box(decode(format, &data).len())));
        let mut out = Vec::with_capacity(data.len() + 1024);
        group.bench_function(format!("encode/{name}"), |b| {
            b.iter(|| {
                out.clear();
                encode(format, &batches, &mut out);
                black_box(out.len())
            });
        });
        group.finish();
    }
}

criterion_group!(benches, copy);
criterion_main!(benches);
