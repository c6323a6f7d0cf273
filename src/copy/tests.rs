//! Decoding in pieces of any size gives the same rows; encoding and decoding are inverse.

mod arrow_streams;

use std::sync::Arc;

use super::*;
use crate::error::SqlState;
use crate::tree::{CopyHeader, CopyOnError};
use crate::types::{BuiltinTypes, Value, arrow, oid, phys};

fn options(format: CopyFormat) -> CopyOptions {
    let csv = format == CopyFormat::Csv;
    CopyOptions {
        file: None,
        format,
        delimiter: if csv { b',' } else { b'\t' },
        null: if csv { String::new() } else { "\\N".into() },
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

fn columns(types: &[(&str, PgType)]) -> Vec<CopyColumn> {
    types
        .iter()
        .map(|(name, ty)| CopyColumn {
            name: (*name).into(),
            ty: *ty,
            phys: phys(*ty, &BuiltinTypes).expect("type"),
            row: None,
        })
        .collect()
}

fn source(columns: &[CopyColumn]) -> CopySource {
    CopySource {
        table: "t".into(),
        columns: columns.to_vec(),
        settings: OutputSettings::default(),
        types: Arc::new(BuiltinTypes),
        now: None,
        max_row: 1 << 20,
    }
}

fn abc() -> Vec<CopyColumn> {
    columns(&[("a", PgType::new(oid::INT4)), ("b", PgType::new(oid::TEXT)), ("c", PgType::numeric(10, 2))])
}

fn decode(options: &CopyOptions, columns: &[CopyColumn], data: &[u8], piece: usize) -> Result<Vec<Vec<Value>>> {
    let mut decoder = Decoder::new(options, source(columns), Encoding::UTF8)?;
    let mut rows = Vec::new();
    let mut take = |decoder: &mut Decoder| -> Result<()> {
        while let Some(done) = decoder.take()? {
            for row in 0..done.batch.num_rows() {
                let value = |(i, c): (usize, &CopyColumn)| arrow::value_at(done.batch.column(i).as_ref(), row, &c.phys);
                rows.push(columns.iter().enumerate().map(value).collect());
            }
        }
        Ok(())
    };
    for chunk in data.chunks(piece) {
        decoder.feed(chunk)?;
        take(&mut decoder)?;
    }
    decoder.finish()?;
    take(&mut decoder)?;
    Ok(rows)
}

fn text(rows: &[Vec<Value>]) -> String {
    let settings = OutputSettings::default();
    let cell = |v: &Value| match v {
        Value::Null => "NULL".into(),
        v => crate::types::text::format(v, PgType::new(oid::TEXT), &settings, &BuiltinTypes),
    };
    rows.iter().map(|r| r.iter().map(cell).collect::<Vec<_>>().join("|")).collect::<Vec<_>>().join(";")
}

#[test]
fn rows_are_the_same_whatever_the_size_of_the_pieces() {
    let cases: [(CopyFormat, &str, &str); 7] = [
        (CopyFormat::Text, "1\tx\t1.5\n2\t\\N\t-2\n", "1|x|1.50;2|NULL|-2.00"),
        (CopyFormat::Text, "1\ta\\tb\\\\c\\x41\\101\t0\r\n2\tx\\\n\t1\r\n", "1|a\tb\\cAA|0.00;2|x\n|1.00"),
        (CopyFormat::Text, "1\tx\t1.5\n\\.\nrubbish", "1|x|1.50"),
        (CopyFormat::Text, "1\tx\t1.5", "1|x|1.50"),
        (CopyFormat::Csv, "1,\"a \"\"b\"\"\n,c\",2.345\n2,,\n", "1|a \"b\"\n,c|2.35;2|NULL|NULL"),
        (CopyFormat::Csv, "1,\"\",1\r2,a\"b\"c,2\r", "1||1.00;2|abc|2.00"),
        (CopyFormat::Csv, "1,x,1\n\\.\n", "1|x|1.00"),
    ];
    for (format, data, expected) in cases {
        for piece in [1, 2, 3, 7, 1000] {
            let rows = decode(&options(format), &abc(), data.as_bytes(), piece);
            let rows = rows.unwrap_or_else(|e| panic!("{data:?} by {piece}: {e}"));
            assert_eq!(text(&rows), expected, "{data:?} by {piece}");
        }
    }
}

#[test]
fn errors_name_line_and_column_as_postgresql_does() {
    let cases = [
        (CopyFormat::Text, "1\tx\n", "22P04", "missing data for column \"c\"", "COPY t, line 1: \"1\tx\""),
        (
            CopyFormat::Text,
            "1\tx\t1\t2\n",
            "22P04",
            "extra data after last expected column",
            "COPY t, line 1: \"1\tx\t1\t2\"",
        ),
        (
            CopyFormat::Text,
            "1\tx\t1\nz\ty\t2\n",
            "22P02",
            "invalid input syntax for type integer: \"z\"",
            "COPY t, line 2, column a: \"z\"",
        ),
        (
            CopyFormat::Csv,
            "1,\"x\ny\",1\n2,z,123456789.1\n",
            "22003",
            "numeric field overflow",
            "COPY t, line 3, column c: \"123456789.1\"",
        ),
        (
            CopyFormat::Csv,
            "1,x,1\n\\.\r2,y,2\n",
            "22P04",
            "end-of-copy marker does not match previous newline style",
            "COPY t, line 2",
        ),
        (CopyFormat::Csv, "1,\"x\n", "22P04", "unterminated CSV quoted field", "COPY t, line 1: \"1,\"x\n\""),
        (CopyFormat::Text, "1\tx\t1\n2\tx\t1\r\n", "22P04", "literal carriage return found in data", "COPY t, line 2"),
        (
            CopyFormat::Text,
            "1\t\u{0}\t1\n",
            "22021",
            "invalid byte sequence for encoding \"UTF8\": 0x00",
            "COPY t, line 1",
        ),
    ];
    for (format, data, code, message, context) in cases {
        let error = decode(&options(format), &abc(), data.as_bytes(), 4).expect_err(data);
        let report = error.report();
        assert_eq!((report.code.as_str(), report.message.as_str()), (code, message), "{data:?}");
        assert_eq!(report.context.as_deref(), Some(context), "{data:?}");
    }
}

/// Texts are looked at when a batch is full: what is wrong before them in the data still comes first.
#[test]
fn the_first_wrong_field_of_binary_data_is_the_error() {
    let columns = columns(&[
        ("a", PgType::new(oid::INT4)),
        ("b", PgType::new(oid::TEXT)),
        ("c", PgType::with(oid::VARCHAR, 4 + 3)),
        ("d", PgType::new(oid::BOOL)),
    ]);
    let row = |fields: [&[u8]; 4]| {
        let fields = fields.map(|field| [&(field.len() as u32).to_be_bytes()[..], field].concat());
        [&4i16.to_be_bytes()[..], &fields.concat()].concat()
    };
    let one = &1i32.to_be_bytes()[..];
    let fine = row([one, b"fine", b"abc ", &[1]]);
    let short = row([b"12345", b"fine", b"abc", &[1]]);
    let (long, zero, cut) =
        (row([one, b"b", b"abcd", &[1]]), row([one, b"\0", b"abc", &[0]]), row([one, b"\xc3", b"", &[0]]));
    let both = row([one, b"\xff", b"c\xff", &[1]]);
    let then = row([one, b"\xff", b"abcd", &[1]]);
    // Rows that are none from one field on, and as a whole.
    let none = |before: [&[u8]; 2]| {
        [&row([before[0], before[1], b"", &[1]])[..10 + before[0].len() + before[1].len()], &[0xff; 3], &[0xf0]]
            .concat()
    };
    let (size, late, many) = (none([one, b"b"]), none([b"12345", b"b"]), [&[0, 5][..], &fine[2..]].concat());
    for (rows, code, context) in [
        (vec![&fine, &zero, &short], "22021", "COPY t, line 2, column b"),
        (vec![&fine, &short, &zero], "22P03", "COPY t, line 2, column a"),
        (vec![&fine, &cut, &long], "22021", "COPY t, line 2, column b"),
        (vec![&fine, &long, &cut], "22001", "COPY t, line 2, column c"),
        (vec![&both], "22021", "COPY t, line 1, column b"),
        (vec![&then], "22021", "COPY t, line 1, column b"),
        (vec![&cut, &fine], "22021", "COPY t, line 1, column b"),
        (vec![&fine, &size], "22P04", "COPY t, line 2, column c"),
        (vec![&fine, &late], "22P03", "COPY t, line 2, column a"),
        (vec![&cut, &fine, &size], "22021", "COPY t, line 1, column b"),
        (vec![&none([one, b"\xff"])], "22021", "COPY t, line 1, column b"),
        (vec![&fine, &many], "22P04", "COPY t, line 2"),
        (vec![&short, &many], "22P03", "COPY t, line 1, column a"),
    ] {
        for (before, end) in [(0, true), (BATCH_ROWS + 5, true), (3, false)] {
            let begin = [&super::binary::SIGNATURE[..], &[0; 8], &fine.repeat(before)].concat();
            let mut data = rows.iter().fold(begin, |data, row| [&data[..], row].concat());
            // A file that is cut is an error of its own, behind the others.
            data.extend(if end { &[0xff, 0xff][..] } else { &[0, 4, 0] });
            let line: usize = context.split(&[' ', ','][..]).nth(4).and_then(|line| line.parse().ok()).expect("a line");
            let context = context.replace(&format!("line {line}"), &format!("line {}", line + before));
            for piece in [1, 13, data.len()] {
                let error = decode(&options(CopyFormat::Binary), &columns, &data, piece).expect_err("wrong");
                let report = error.report();
                assert_eq!((report.code.as_str(), report.context.as_deref()), (code, Some(&*context)), "{report:?}");
            }
        }
    }
}

#[test]
fn a_row_beyond_the_limit_is_refused_before_it_is_complete() {
    let mut decoder = Decoder::new(&options(CopyFormat::Csv), source(&abc()), Encoding::UTF8).expect("decoder");
    let mut failed = None;
    for _ in 0..3 {
        if let Err(e) = decoder.feed(&[b'x'; 600_000]) {
            failed = Some(e);
            break;
        }
    }
    assert_eq!(failed.expect("an error").code().as_str(), "54000");
}

#[test]
fn what_is_encoded_is_decoded_to_the_same() {
    let columns = abc();
    let data = b"1\tx,\"y\\n\t1.50\n-2147483648\t\\N\t-99999999.99\n3\t\\\\N\t\\N\n4\t\t0\n";
    let rows = decode(&options(CopyFormat::Text), &columns, data, 1000).expect("rows");
    let mut decoder = Decoder::new(&options(CopyFormat::Text), source(&columns), Encoding::UTF8).expect("decoder");
    decoder.feed(data).expect("feed");
    decoder.finish().expect("finish");
    let batch = decoder.take().expect("no error").expect("batch").batch;
    for format in [CopyFormat::Text, CopyFormat::Csv, CopyFormat::Binary] {
        let mut o = options(format);
        o.header = if format == CopyFormat::Binary { CopyHeader::No } else { CopyHeader::Match };
        let mut encoder = Encoder::new(&o, &columns, OutputSettings::default(), &BuiltinTypes).expect("encoder");
        let mut out = Vec::new();
        encoder.encode(&batch, 0, batch.num_rows(), &BuiltinTypes, &mut out).expect("encode");
        encoder.finish(&mut out).expect("end");
        for piece in [1, 5, 1000] {
            let again = decode(&o, &columns, &out, piece).unwrap_or_else(|e| panic!("{format:?}: {e}"));
            assert_eq!(again, rows, "{format:?}");
        }
    }
}

#[test]
fn rows_with_wrong_fields_are_skipped_where_errors_are_ignored() {
    let ignoring =
        |limit| CopyOptions { on_error: CopyOnError::Ignore { limit }, verbose: true, ..options(CopyFormat::Text) };
    let data = b"1\ta\t1.5\nx\tb\t2\n3\tc\ty\n4\td\t123456789012\n5\te\t5\n";
    for piece in [1, 1000] {
        let rows = decode(&ignoring(None), &abc(), data, piece).expect("rows");
        assert_eq!(text(&rows), "1|a|1.50;5|e|5.00");
    }
    let mut decoder = Decoder::new(&ignoring(Some(3)), source(&abc()), Encoding::UTF8).expect("decoder");
    decoder.feed(data).expect("three are allowed");
    assert_eq!(decoder.skipped(), 3);
    assert_eq!(
        decoder.notices(),
        [
            "skipping row due to data type incompatibility at line 2 for column \"a\": \"x\"",
            "skipping row due to data type incompatibility at line 3 for column \"c\": \"y\"",
            "skipping row due to data type incompatibility at line 4 for column \"c\": \"123456789012\"",
        ]
    );
    let error = decode(&ignoring(Some(2)), &abc(), data, 1000).expect_err("too many");
    assert_eq!(error.report().message, "skipped more than REJECT_LIMIT (2) rows due to data type incompatibility");
    // Rows of the wrong shape are errors still.
    for data in ["x\tb\t2\tmore\n", "1\tb\n"] {
        let error = decode(&ignoring(None), &abc(), data.as_bytes(), 1000).expect_err("an error");
        assert_eq!(error.code(), SqlState::BAD_COPY_FILE_FORMAT);
    }
    let rows = decode(&ignoring(None), &abc(), b"x\tb\n1\tb\t2\n", 1000).expect("a wrong field comes first");
    assert_eq!(text(&rows), "1|b|2.00");
}
