//! Arrow streams: what loads, what does not, and what is said then; streams that no writer writes.

use std::sync::Arc;

use ::arrow::array::*;
use ::arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, TimeUnit};
use ::arrow::ipc::writer::StreamWriter;
use ::arrow::record_batch::RecordBatch;

use super::*;

fn stream(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let fields: Vec<_> = columns.iter().map(|(name, a)| Field::new(*name, a.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns.into_iter().map(|(_, a)| a).collect()).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
    writer.write(&batch).unwrap();
    // Of no rows Arrow's writer says that their runs end at 0, which its reader refuses.
    if !schema.fields().iter().any(|field| matches!(field.data_type(), DataType::RunEndEncoded(..))) {
        writer.write(&batch.slice(0, 0)).unwrap();
    }
    writer.into_inner().unwrap()
}

fn one(ty: PgType) -> Vec<CopyColumn> {
    columns(&[("a", ty)])
}

fn load(ty: PgType, array: ArrayRef) -> Result<String> {
    let data = stream(vec![("a", array)]);
    let columns = one(ty);
    let mut decoder = Decoder::new(&options(CopyFormat::Arrow), source(&columns), Encoding::UTF8)?;
    decoder.feed(&data)?;
    decoder.finish()?;
    let mut cells = Vec::new();
    while let Some(done) = decoder.take()? {
        for row in 0..done.batch.num_rows() {
            let value = arrow::value_at(done.batch.column(0).as_ref(), row, &columns[0].phys);
            cells.push(match value {
                Value::Null => "NULL".into(),
                value => crate::types::text::format(&value, ty, &OutputSettings::default(), &BuiltinTypes),
            });
        }
    }
    Ok(cells.join(";"))
}

#[test]
fn columns_are_matched_by_name_in_any_order_and_in_pieces_of_any_size() {
    let numbers: ArrayRef = Arc::new(Decimal128Array::from(vec![150, -200]).with_precision_and_scale(10, 2).unwrap());
    let data = stream(vec![
        ("c", numbers),
        ("b", Arc::new(StringArray::from(vec![Some("x"), None]))),
        ("a", Arc::new(Int32Array::from(vec![1, 2]))),
    ]);
    for piece in [1, 3, 64, 1000, usize::MAX] {
        let rows = decode(&options(CopyFormat::Arrow), &abc(), &data, piece.min(data.len())).unwrap();
        assert_eq!(text(&rows), "1|x|1.50;2|NULL|-2.00");
    }
}

#[test]
fn columns_that_are_missing_are_told_and_unknown_ones_are_errors() {
    let decoder = |columns: Vec<(&str, ArrayRef)>| {
        let mut decoder = Decoder::new(&options(CopyFormat::Arrow), source(&abc()), Encoding::UTF8).unwrap();
        decoder.feed(&stream(columns)).map(|()| decoder.present())
    };
    let ints = || Arc::new(Int32Array::from(vec![1])) as ArrayRef;
    assert_eq!(decoder(vec![("a", ints())]).unwrap(), Some(vec![0]));
    let decimals: ArrayRef = Arc::new(Decimal128Array::from(vec![1]).with_precision_and_scale(5, 0).unwrap());
    assert_eq!(decoder(vec![("c", decimals), ("a", ints())]).unwrap(), Some(vec![0, 2]));
    let unknown = decoder(vec![("a", ints()), ("A", ints())]).unwrap_err();
    assert_eq!(unknown.code(), SqlState::UNDEFINED_COLUMN);
    assert_eq!(decoder(vec![("a", ints()), ("a", ints())]).unwrap_err().code(), SqlState::DUPLICATE_COLUMN);
    let wrong = decoder(vec![("b", ints())]).unwrap_err();
    assert_eq!(wrong.code(), SqlState::DATATYPE_MISMATCH);
    assert_eq!(wrong.report().message, "column \"b\" is of type text but the Arrow data has Int32");
}

#[test]
fn types_are_cast_where_nothing_is_lost() {
    let numeric = PgType::numeric(6, 2);
    let decimals = |values: Vec<i128>, scale| -> ArrayRef {
        Arc::new(Decimal128Array::from(values).with_precision_and_scale(20, scale).unwrap())
    };
    let dictionary: DictionaryArray<Int32Type> = vec![Some("7"), None, Some("7")].into_iter().collect();
    let numbers = DictionaryArray::new(
        Int8Array::from(vec![Some(1), None, Some(1)]),
        Arc::new(Int64Array::from(vec![50, 70])) as ArrayRef,
    );
    let ends = || Int32Array::from(vec![2, 3, 4]);
    let runs = RunArray::<Int32Type>::try_new(&ends(), &Int64Array::from(vec![Some(7), None, Some(9)])).unwrap();
    let texts = RunArray::<Int32Type>::try_new(&ends(), &StringArray::from(vec!["a text", "", "b"])).unwrap();
    let pairs = vec![Some(vec![Some(1), Some(2)]), None, Some(vec![Some(3), None])];
    let pairs = FixedSizeListArray::from_iter_primitive::<Int64Type, _, _>(pairs, 2);
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None]), None, Some(vec![])]);
    let cases: Vec<(PgType, ArrayRef, &str)> = vec![
        (PgType::new(oid::INT2), Arc::new(Int64Array::from(vec![Some(-7), None])), "-7;NULL"),
        (PgType::new(oid::INT8), Arc::new(UInt8Array::from(vec![255])), "255"),
        (PgType::new(oid::INT4), decimals(vec![1200, -300], 2), "12;-3"),
        (
            PgType::new(oid::FLOAT8),
            Arc::new(Float32Array::from(vec![0.5, f32::NAN, f32::INFINITY])),
            "0.5;NaN;Infinity",
        ),
        (PgType::new(oid::FLOAT4), Arc::new(Float64Array::from(vec![0.25])), "0.25"),
        (PgType::new(oid::FLOAT8), Arc::new(Int64Array::from(vec![1 << 53])), "9.007199254740992e+15"),
        (numeric, Arc::new(Int32Array::from(vec![5])), "5.00"),
        (numeric, decimals(vec![15000], 4), "1.50"),
        (PgType::new(oid::NUMERIC), decimals(vec![15000], 4), "1.5000"),
        (PgType::new(oid::NUMERIC), Arc::new(Int64Array::from(vec![i64::MIN])), "-9223372036854775808"),
        (PgType::new(oid::DATE), Arc::new(Date64Array::from(vec![86_400_000])), "1970-01-02"),
        (
            PgType::new(oid::TIMESTAMP),
            Arc::new(TimestampNanosecondArray::from(vec![1_000])),
            "1970-01-01 00:00:00.000001",
        ),
        (PgType::new(oid::TIMESTAMP), Arc::new(TimestampSecondArray::from(vec![60])), "1970-01-01 00:01:00"),
        (
            PgType::new(oid::TIMESTAMPTZ),
            Arc::new(TimestampMillisecondArray::from(vec![0]).with_timezone("+02:00")),
            "1970-01-01 00:00:00+00",
        ),
        (PgType::new(oid::TIME), Arc::new(Time32SecondArray::from(vec![3600])), "01:00:00"),
        (PgType::new(oid::INTERVAL), Arc::new(DurationMillisecondArray::from(vec![90_000])), "00:01:30"),
        (PgType::new(oid::TEXT), Arc::new(LargeStringArray::from(vec!["a"])), "a"),
        (
            PgType::new(oid::TEXT),
            Arc::new(StringViewArray::from(vec!["a long text that is not inlined"])),
            "a long text that is not inlined",
        ),
        (PgType::new(oid::INT4), Arc::new(dictionary), "7;NULL;7"),
        (PgType::new(oid::INT8), Arc::new(numbers), "70;NULL;70"),
        (PgType::new(oid::INT2), Arc::new(runs), "7;7;NULL;9"),
        (PgType::new(oid::TEXT), Arc::new(texts), "a text;a text;;b"),
        (PgType::new(oid::INT4_ARRAY), Arc::new(pairs), "{1,2};NULL;{3,NULL}"),
        (PgType::with(oid::VARCHAR, 7), Arc::new(StringArray::from(vec!["abc   "])), "abc"),
        (
            PgType::new(oid::UUID),
            Arc::new(FixedSizeBinaryArray::try_from_iter([[7u8; 16]].iter()).unwrap()),
            "07070707-0707-0707-0707-070707070707",
        ),
        (PgType::new(oid::JSONB), Arc::new(StringArray::from(vec!["{\"b\":1, \"a\":2}"])), "{\"a\": 2, \"b\": 1}"),
        (PgType::new(oid::BYTEA), Arc::new(LargeBinaryArray::from(vec![&b"\x01"[..]])), "\\x01"),
        (PgType::new(oid::BOOL), Arc::new(NullArray::new(2)), "NULL;NULL"),
        (PgType::new(oid::INT8_ARRAY), Arc::new(lists), "{1,NULL};NULL;{}"),
    ];
    for (ty, array, expected) in cases {
        let from = array.data_type().clone();
        assert_eq!(load(ty, array).unwrap_or_else(|e| panic!("{from} to {ty:?}: {e}")), expected, "{from} to {ty:?}");
    }
}

#[test]
fn what_would_be_lost_is_an_error_with_its_row() {
    let numeric = PgType::numeric(4, 2);
    let decimals = |values: Vec<i128>, scale| -> ArrayRef {
        Arc::new(Decimal128Array::from(values).with_precision_and_scale(20, scale).unwrap())
    };
    let lists = ListArray::from_iter_primitive::<::arrow::datatypes::Int64Type, _, _>(vec![
        Some(vec![Some(1)]),
        Some(vec![Some(2), Some(1 << 40)]),
    ]);
    let cases: Vec<(PgType, ArrayRef, &str, &str)> = vec![
        (PgType::new(oid::INT2), Arc::new(Int32Array::from(vec![1, 40_000])), "22003", "line 2, column a: \"40000\""),
        (PgType::new(oid::INT8), Arc::new(UInt64Array::from(vec![u64::MAX])), "22003", "line 1, column a"),
        (PgType::new(oid::FLOAT4), Arc::new(Float64Array::from(vec![0.1])), "22003", "line 1, column a: \"0.1\""),
        (PgType::new(oid::FLOAT8), Arc::new(Int64Array::from(vec![(1 << 53) + 1])), "22003", "line 1, column a"),
        (PgType::new(oid::INT4), decimals(vec![100, 150], 2), "22003", "line 2, column a: \"1.50\""),
        (numeric, decimals(vec![12345], 3), "22003", "line 1, column a: \"12.345\""),
        (numeric, Arc::new(Int32Array::from(vec![100])), "22003", "line 1, column a: \"100\""),
        (PgType::new(oid::TIMESTAMP), Arc::new(TimestampNanosecondArray::from(vec![1])), "22003", "line 1, column a"),
        (
            PgType::with(oid::TIMESTAMP, 0),
            Arc::new(TimestampMillisecondArray::from(vec![1])),
            "22008",
            "line 1, column a",
        ),
        (PgType::new(oid::DATE), Arc::new(Date32Array::from(vec![i32::MAX])), "22008", "line 1, column a"),
        (PgType::new(oid::TIME), Arc::new(Time64MicrosecondArray::from(vec![-1])), "22008", "line 1, column a"),
        (
            PgType::with(oid::VARCHAR, 7),
            Arc::new(StringArray::from(vec![Some("abc"), None, Some("abcd")])),
            "22001",
            "line 3, column a: \"abcd\"",
        ),
        (PgType::new(oid::INT4), Arc::new(StringArray::from(vec!["1", "x"])), "22P02", "line 2, column a: \"x\""),
        (PgType::new(oid::TEXT), Arc::new(StringArray::from(vec!["a", "b\0"])), "22021", "line 2, column a"),
        (PgType::new(oid::INT4_ARRAY), Arc::new(lists), "22003", "line 2, column a"),
    ];
    for (ty, array, code, context) in cases {
        let from = array.data_type().clone();
        let error = load(ty, array).expect_err("an error");
        assert_eq!(error.code().as_str(), code, "{from} to {ty:?}: {error}");
        let said = format!("{:?}", error.report());
        assert!(said.contains(&format!("COPY t, {context}").replace('"', "\\\"")), "{from} to {ty:?}: {said}");
    }
}

#[test]
fn types_that_lose_are_refused_before_the_first_row() {
    // A run may say the same long list for many rows.
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None])]);
    let runs = RunArray::<Int32Type>::try_new(&Int32Array::from(vec![1 << 20]), &lists).unwrap();
    let cases: Vec<(u32, ArrayRef)> = vec![
        (oid::INT4, Arc::new(Float64Array::from(vec![1.0]))),
        (oid::NUMERIC, Arc::new(Float64Array::from(vec![1.0]))),
        (oid::TEXT, Arc::new(Int32Array::from(vec![1]))),
        (oid::BOOL, Arc::new(Int32Array::from(vec![1]))),
        (oid::TIMESTAMP, Arc::new(TimestampMicrosecondArray::from(vec![1]).with_timezone("UTC"))),
        (oid::TIMESTAMPTZ, Arc::new(TimestampMicrosecondArray::from(vec![1]))),
        (oid::DATE, Arc::new(TimestampMicrosecondArray::from(vec![1]))),
        (oid::BYTEA, Arc::new(StringArray::from(vec!["x"]))),
        (oid::INT4_ARRAY, Arc::new(runs)),
    ];
    for (ty, array) in cases {
        let from = array.data_type().clone();
        let loaded = load(PgType::new(ty), array);
        // Text is read by the type's input function, bytea's among them.
        if from == DataType::Utf8 {
            assert_eq!(loaded.unwrap(), "\\x78");
            continue;
        }
        assert_eq!(loaded.unwrap_err().code(), SqlState::DATATYPE_MISMATCH, "{from}");
    }
}

/// Whatever comes of it, it comes without a panic and soon.
fn swallow(data: &[u8]) -> Result<u64> {
    let mut decoder = Decoder::new(&options(CopyFormat::Arrow), source(&abc()), Encoding::UTF8)?;
    for piece in data.chunks(97) {
        decoder.feed(piece)?;
        while decoder.take()?.is_some() {}
    }
    decoder.finish()?;
    Ok(decoder.rows())
}

#[test]
fn streams_that_are_cut_or_garbled_are_errors_at_most() {
    let dictionary: DictionaryArray<Int32Type> = (0..50).map(|i| Some(["x", "yy"][i % 2])).collect();
    let data = stream(vec![("a", Arc::new(Int32Array::from_iter_values(0..50))), ("b", Arc::new(dictionary))]);
    assert_eq!(swallow(&data).unwrap(), 50);
    for end in 0..data.len() {
        let cut = swallow(&data[..end]);
        assert!(cut.is_err() || end + 8 >= data.len() || cut.is_ok_and(|rows| rows == 50 || rows == 0), "cut at {end}");
    }
    for at in 0..data.len() {
        for bit in [0x01, 0x80, 0xff] {
            let mut garbled = data.clone();
            garbled[at] ^= bit;
            let _ = swallow(&garbled);
        }
    }
}

#[test]
fn lengths_are_not_believed() {
    let data = stream(vec![("a", Arc::new(Int32Array::from(vec![1; 100])))]);
    let mut long = vec![0xff; 4];
    long.extend_from_slice(&u32::MAX.to_le_bytes());
    long.extend_from_slice(&[0; 100]);
    assert_eq!(swallow(&long).unwrap_err().code(), SqlState::BAD_COPY_FILE_FORMAT);
    let mut decoder =
        Decoder::new(&options(CopyFormat::Arrow), CopySource { max_row: 300, ..source(&abc()) }, Encoding::UTF8)
            .unwrap();
    assert_eq!(decoder.feed(&data).unwrap_err().code(), SqlState::PROGRAM_LIMIT_EXCEEDED);
    let nulls = stream(vec![("a", Arc::new(NullArray::new(1 << 30)))]);
    assert_eq!(swallow(&nulls).unwrap_err().code(), SqlState::BAD_COPY_FILE_FORMAT);
}

/// One long text, said by every row: 210 MB of half a megabyte.
#[test]
fn what_is_said_once_for_many_rows_is_written_out_for_some_at_once() {
    let values = Arc::new(StringArray::from(vec!["x".repeat(1 << 19)]));
    let said =
        |rows| DictionaryArray::<Int32Type>::new(Int32Array::from(vec![0; rows]), Arc::clone(&values) as ArrayRef);
    let mut decoder = Decoder::new(&options(CopyFormat::Arrow), source(&abc()), Encoding::UTF8).unwrap();
    decoder.feed(&stream(vec![("b", Arc::new(said(400)))])).unwrap();
    let mut rows = 0;
    while let Some(done) = decoder.take().unwrap() {
        let texts = done.batch.column(0).as_string::<i32>();
        assert!(
            texts.value_data().len() <= 64 << 20 && texts.iter().all(|text| text.is_some_and(|t| t.len() == 1 << 19))
        );
        rows += texts.len();
    }
    assert_eq!(rows, 400);
    // A row cannot be taken in part.
    let element = Arc::new(Field::new("item", said(1).data_type().clone(), true));
    let lists = ListArray::new(element, ::arrow::buffer::OffsetBuffer::from_lengths([400]), Arc::new(said(400)), None);
    let error = load(PgType::new(oid::TEXT_ARRAY), Arc::new(lists)).unwrap_err();
    assert_eq!(error.code(), SqlState::PROGRAM_LIMIT_EXCEEDED);
}

#[test]
fn what_is_sent_is_what_can_be_loaded() {
    let columns = columns(&[
        ("a", PgType::new(oid::INT4)),
        ("b", PgType::new(oid::TEXT)),
        ("c", PgType::numeric(10, 2)),
        ("d", PgType::new(oid::TIMESTAMPTZ)),
        ("e", PgType::new(oid::NUMERIC)),
        ("f", PgType::new(oid::UUID)),
        ("g", PgType::new(oid::INTERVAL)),
        ("h", PgType::with(oid::BPCHAR, 9)),
        ("i", PgType::new(oid::INT4_ARRAY)),
    ]);
    let rows = "1\tx\t1.50\t2020-01-01 00:00:00+00\t1.500\t00000000-0000-0000-0000-000000000007\t1 mon\tab\t{1,NULL}\n\
                \\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\n";
    let mut text = Decoder::new(&options(CopyFormat::Text), source(&columns), Encoding::UTF8).unwrap();
    text.feed(rows.as_bytes()).unwrap();
    text.finish().unwrap();
    let batch = text.take().unwrap().unwrap().batch;
    let mut encoder = ArrowEncoder::new(&columns, OutputSettings::default(), &BuiltinTypes).unwrap();
    let part = encoder.encode(&batch, &BuiltinTypes).unwrap();
    assert_eq!(part.ends().last(), Some(&part.body.len()));
    let out = [part.head, part.body, encoder.finish().unwrap().head].concat();
    let schema = ::arrow::ipc::reader::StreamReader::try_new(out.as_slice(), None).unwrap();
    let sent: Vec<_> =
        ::arrow::array::RecordBatchReader::schema(&schema).fields().iter().map(|f| f.data_type().clone()).collect();
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    assert_eq!(sent[..4], [DataType::Int32, DataType::Utf8, DataType::Decimal128(10, 2), utc]);
    let mut decoder = Decoder::new(&options(CopyFormat::Arrow), source(&columns), Encoding::UTF8).unwrap();
    decoder.feed(&out).unwrap();
    decoder.finish().unwrap();
    let back = decoder.take().unwrap().unwrap().batch;
    assert_eq!(back.columns(), batch.columns());
}

/// By pyarrow: 3,000 rows in three batches, with `a` NULL in each seventh, a dictionary, booleans.
fn compressed(codec: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/copy_recorded");
    std::fs::read(folder.join(format!("compressed.{codec}"))).unwrap()
}

fn decode_compressed(data: &[u8], max_row: usize) -> Result<Vec<String>> {
    let columns =
        columns(&[("a", PgType::new(oid::INT4)), ("b", PgType::new(oid::TEXT)), ("c", PgType::new(oid::BOOL))]);
    let source = CopySource { max_row, ..source(&columns) };
    let mut decoder = Decoder::new(&options(CopyFormat::Arrow), source, Encoding::UTF8)?;
    let mut rows = Vec::new();
    for piece in data.chunks(700) {
        decoder.feed(piece)?;
    }
    decoder.finish()?;
    while let Some(done) = decoder.take()? {
        for row in 0..done.batch.num_rows() {
            let values = columns.iter().enumerate();
            let values = values.map(|(i, c)| arrow::value_at(done.batch.column(i).as_ref(), row, &c.phys));
            rows.push(format!("{:?}", values.collect::<Vec<_>>()));
        }
    }
    Ok(rows)
}

#[test]
fn compressed_batches_are_read() {
    for codec in ["lz4", "zstd"] {
        let rows = decode_compressed(&compressed(codec), 1 << 20).unwrap();
        assert_eq!(rows.len(), 3000, "{codec}");
        for (i, row) in rows.iter().enumerate() {
            let a = if i % 7 == 0 { Value::Null } else { Value::Int4(i as i32) };
            let values = vec![a, Value::Text(format!("word {}", i % 50).into()), Value::Bool(i % 3 == 0)];
            assert_eq!(*row, format!("{values:?}"), "{codec}, row {i}");
        }
    }
}

#[test]
fn what_compressed_batches_come_to_is_limited_and_has_the_length_that_they_say() {
    for codec in ["lz4", "zstd"] {
        let data = compressed(codec);
        // A column of a thousand integers is longer than that, compressed it is not.
        assert_eq!(decode_compressed(&data, 3500).unwrap_err().code(), SqlState::PROGRAM_LIMIT_EXCEEDED, "{codec}");
        let whole = decode_compressed(&data, 1 << 20).unwrap();
        let mut refused = 0;
        for at in (0..data.len()).step_by(97) {
            let mut data = data.clone();
            data[at] ^= 0x55;
            match decode_compressed(&data, 1 << 20) {
                Ok(rows) => assert!(rows.len() <= whole.len()),
                Err(error) => {
                    let known = !error.code().as_str().starts_with("XX");
                    assert!(known, "{codec}, byte {at}: {error}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 20, "{codec}: {refused}");
    }
}

/// The messages of a stream: description and body.
fn messages(mut data: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut messages = Vec::new();
    while data.len() > 8 {
        let length = u32::from_le_bytes(data[4..8].try_into().unwrap()) as usize;
        let header = &data[8..8 + length];
        let body = ::arrow::ipc::root_as_message(header).unwrap().bodyLength() as usize;
        messages.push((header.to_vec(), data[8 + length..8 + length + body].to_vec()));
        data = &data[8 + length + body..];
    }
    messages
}

fn joined(messages: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut data = Vec::new();
    for (header, body) in messages {
        data.extend([0xff; 4]);
        data.extend((header.len() as u32).to_le_bytes());
        data.extend(header);
        data.extend(body);
    }
    data
}

fn has_batch(header: &[u8]) -> bool {
    ::arrow::ipc::root_as_message(header).unwrap().header_as_record_batch().is_some()
}

#[test]
fn compressed_batches_have_no_more_buffers_than_their_schema_and_none_twice() {
    let whole = messages(&compressed("lz4"));
    assert_eq!(decode_compressed(&joined(&whole), 1 << 20).unwrap().len(), 3000);
    // Three columns' buffers under a schema of one.
    let narrow = stream(vec![("c", Arc::new(BooleanArray::from(vec![true])) as ArrayRef)]);
    let batch = whole.iter().find(|(header, _)| has_batch(header)).unwrap();
    let mixed = [messages(&narrow)[0].clone(), batch.clone()];
    let error = decode_compressed(&joined(&mixed), 1 << 20).unwrap_err();
    assert_eq!(error.report().message, "invalid Arrow stream: a batch has more buffers than its schema");
    // Each buffer is the whole body.
    let mut shared = whole.clone();
    let (header, body) = shared.iter_mut().find(|(header, _)| has_batch(header)).unwrap();
    let message = ::arrow::ipc::root_as_message(header).unwrap();
    let listed = message.header_as_record_batch().unwrap().buffers().unwrap();
    let (at, count) = (listed.bytes().as_ptr() as usize - header.as_ptr() as usize, listed.len());
    for buffer in header[at..at + 16 * count].chunks_mut(16) {
        buffer[..8].fill(0);
        buffer[8..].copy_from_slice(&(body.len() as i64).to_le_bytes());
    }
    let error = decode_compressed(&joined(&shared), 1 << 20).unwrap_err();
    assert_eq!(error.report().message, "invalid Arrow stream: buffers that lie in each other");
}
