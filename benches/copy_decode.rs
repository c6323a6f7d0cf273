//! How fast COPY data becomes record batches, and batches COPY data, by format, on rows like TPC-H's lineitem.

use std::hint::black_box;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use duckgate::copy::{ArrowEncoder, CopyColumn, CopySource, Decoder, Encoder, Part, Ready};
use duckgate::engine::write_alone;
use duckgate::tree::{CopyFormat, CopyHeader, CopyOnError, CopyOptions};
use duckgate::types::encoding::Encoding;
use duckgate::types::{BuiltinTypes, OutputSettings, PgType, oid, phys};

const ROWS: usize = 50_000;
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
        file: None,
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

fn source() -> CopySource {
    CopySource {
        table: "lineitem".into(),
        columns: columns(),
        settings: OutputSettings::default(),
        types: Arc::new(BuiltinTypes),
        now: None,
        max_row: 64 << 20,
    }
}

fn decode(format: CopyFormat, data: &[u8]) -> Vec<RecordBatch> {
    let mut decoder = Decoder::new(&options(format), source(), Encoding::UTF8).expect("decoder");
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
    let json: Vec<u8> = {
        let mut lines = arrow_json(&batches);
        lines.push(b'\n');
        lines
    };
    for (name, format) in FORMATS {
        let mut data = Vec::new();
        match format {
            CopyFormat::Arrow => encode_arrow(&batches, &mut data),
            CopyFormat::Json => data.clone_from(&json),
            _ => encode(format, &batches, &mut data),
        }
        let mut group = c.benchmark_group("copy");
        group.throughput(Throughput::Bytes(data.len() as u64)).sample_size(20);
        group.bench_function(format!("decode/{name}"), |b| b.iter(|| black_box(decode(format, &data).len())));
        if format == CopyFormat::Binary {
            // As the threads that load have it: straight into the engine's vectors.
            group.bench_function("decode/binary rows told", |b| b.iter(|| black_box(blocks(&data, false))));
            group.bench_function("decode/binary into vectors", |b| b.iter(|| black_box(blocks(&data, true))));
        }
        let mut out = Vec::with_capacity(data.len() + 1024);
        // Of json the engine makes the text.
        if format != CopyFormat::Json {
            group.bench_function(format!("encode/{name}"), |b| {
                b.iter(|| {
                    out.clear();
                    match format {
                        CopyFormat::Arrow => encode_arrow(&batches, &mut out),
                        _ => encode(format, &batches, &mut out),
                    }
                    black_box(out.len())
                });
            });
        }
        group.finish();
    }
}

const FORMATS: [(&str, CopyFormat); 5] = [
    ("text", CopyFormat::Text),
    ("csv", CopyFormat::Csv),
    ("binary", CopyFormat::Binary),
    ("arrow", CopyFormat::Arrow),
    ("json", CopyFormat::Json),
];

/// Binary data told into rows, and those written into vectors.
fn blocks(data: &[u8], write: bool) -> usize {
    let mut decoder = Decoder::new(&options(CopyFormat::Binary), source(), Encoding::UTF8).expect("decoder");
    let columns: Vec<_> = columns().into_iter().map(|column| column.phys).collect();
    let mut rows = 0;
    let mut take = |decoder: &mut Decoder| {
        while let Some(Ready::Block(block)) = decoder.take_ready().expect("rows") {
            rows += block.rows();
            if write {
                write_alone(block.as_ref(), &columns, None).expect("rows");
            }
        }
    };
    for piece in data.chunks(PIECE) {
        decoder.feed(piece).expect("rows");
        take(&mut decoder);
    }
    decoder.finish().expect("end");
    take(&mut decoder);
    rows
}

fn encode_arrow(batches: &[RecordBatch], out: &mut Vec<u8>) {
    let mut encoder = ArrowEncoder::new(&columns(), OutputSettings::default(), &BuiltinTypes).expect("encoder");
    let mut add = |part: Part| {
        out.extend_from_slice(&part.head);
        out.extend_from_slice(&part.body);
    };
    for batch in batches {
        add(encoder.encode(batch, &BuiltinTypes).expect("rows"));
    }
    add(encoder.finish().expect("encoder"));
}

/// An object a line, of the texts that the rows' values have.
fn arrow_json(batches: &[RecordBatch]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(CopyFormat::Csv, batches, &mut out);
    let names: Vec<_> = columns().into_iter().map(|column| column.name).collect();
    let line = |line: &str| {
        let fields =
            line.split(',').zip(&names).map(|(value, name)| format!("\"{name}\":\"{}\"", value.trim_matches('"')));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    };
    String::from_utf8(out).expect("UTF-8").lines().map(line).collect::<Vec<_>>().join("\n").into_bytes()
}

criterion_group!(benches, copy);
criterion_main!(benches);
