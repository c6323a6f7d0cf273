//! Input, output and binary functions, numeric arithmetic and COPY against what a real PostgreSQL answered
//! (tests/types/*.tsv, recorded by scripts/record-types.py). What differs stands in tests/types/gaps.tsv with its
//! reason; a difference that is not listed fails, and so does a listed one that is gone.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use ::arrow::record_batch::RecordBatch;
use duckgate::copy::{CopyColumn, CopySource, Decoder, Encoder};
use duckgate::error::{Error, Result};
use duckgate::tree::{CopyFormat, CopyHeader, CopyOnError, CopyOptions};
use duckgate::types::numeric::{Numeric, receive_decimal};
use duckgate::types::rows::{ColumnShape, RowEncoder};
use duckgate::types::{
    BuiltinTypes, ByteaOutput, DateOrder, DateStyle, IntervalStyle, OutputSettings, PgType, Value, arrow, binary, name,
    phys, text,
};

type Row = HashMap<String, Option<String>>;

/// Undoes the escapes of COPY's text format.
fn unescape(field: &str) -> Option<String> {
    if field == "\\N" {
        return None;
    }
    let mut out = String::new();
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('v') => out.push('\u{b}'),
            Some(other) => out.push(other),
            None => {}
        }
    }
    Some(out)
}

fn table(file: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/types").join(file);
    let content = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut lines = content.split('\n').filter(|l| !l.is_empty());
    let header: Vec<&str> = lines.next().expect("a header").split('\t').collect();
    lines.map(|line| header.iter().map(|h| (*h).to_owned()).zip(line.split('\t').map(unescape)).collect()).collect()
}

fn field<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name).and_then(Option::as_deref).unwrap_or("")
}

/// Compares answers, and differences with the list of gaps.
struct Judge {
    suite: &'static str,
    gaps: HashMap<String, bool>,
    failures: Vec<String>,
    checked: usize,
}

impl Judge {
    fn new(suite: &'static str) -> Self {
        let gaps = table("gaps.tsv");
        let gaps = gaps.iter().filter(|g| field(g, "suite") == suite).map(|g| (field(g, "case").to_owned(), false));
        Self { suite, gaps: gaps.collect(), failures: Vec::new(), checked: 0 }
    }

    fn compare(&mut self, case: &str, expected: &str, got: &str) {
        self.checked += 1;
        if expected == got {
            return;
        }
        match self.gaps.get_mut(case) {
            Some(used) => *used = true,
            None => self.failures.push(format!("{case:?}\n    PostgreSQL {expected}\n    here       {got}")),
        }
    }

    fn finish(self) {
        assert!(self.checked > 100, "{}: only {} cases", self.suite, self.checked);
        let stale: Vec<&String> = self.gaps.iter().filter(|(_, used)| !**used).map(|(case, _)| case).collect();
        assert!(
            self.failures.is_empty() && stale.is_empty(),
            "{}: {} of {} differ\n{}\ngaps that are gone: {stale:?}",
            self.suite,
            self.failures.len(),
            self.checked,
            self.failures.join("\n")
        );
    }
}

fn settings(text: &str) -> OutputSettings {
    let mut s = OutputSettings::default();
    for pair in text.split(';').filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=').expect("name=value");
        match name {
            "datestyle" => {
                let (style, order) = value.split_once(',').expect("style,order");
                s.date_style = match style {
                    "ISO" => DateStyle::Iso,
                    "SQL" => DateStyle::Sql,
                    "Postgres" => DateStyle::Postgres,
                    _ => DateStyle::German,
                };
                s.date_order = match order {
                    "MDY" => DateOrder::Mdy,
                    "DMY" => DateOrder::Dmy,
                    _ => DateOrder::Ymd,
                };
            }
            "intervalstyle" => {
                s.interval_style = match value {
                    "postgres" => IntervalStyle::Postgres,
                    "postgres_verbose" => IntervalStyle::PostgresVerbose,
                    "sql_standard" => IntervalStyle::SqlStandard,
                    _ => IntervalStyle::Iso8601,
                };
            }
            "bytea_output" => s.bytea_output = ByteaOutput::Escape,
            "extra_float_digits" => s.extra_float_digits = value.parse().expect("digits"),
            "timezone" => s.time_zone = value.into(),
            other => panic!("setting {other}"),
        }
    }
    s
}

fn failure(error: &Error) -> String {
    let r = error.report();
    let detail = r.detail.as_ref().map(|d| format!(" DETAIL {d}")).unwrap_or_default();
    format!("{} {}{detail}", r.code, r.message)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The value in a batch of one row gives the same text and bytes in a DataRow, where a batch can carry it.
fn through_rows(case: &str, value: &Value, ty: PgType, settings: &OutputSettings, written: &str, sent: &[u8]) {
    let Some(carrier) = phys(ty, &BuiltinTypes) else { return };
    let array = match arrow::array_from_values(std::slice::from_ref(value), &carrier) {
        Ok(array) => array,
        Err(e) => return assert_eq!(e.code().as_str(), "0A000", "{case:?}: {e}"),
    };
    let batch = RecordBatch::try_from_iter([("c", array)]).expect("batch");
    for (format, expected) in [(0, written.as_bytes()), (1, sent)] {
        let shape = ColumnShape { ty, phys: carrier.clone(), format, row: None };
        let mut encoder = RowEncoder::new([shape], settings.clone(), &BuiltinTypes).expect("encoder");
        let mut out = Vec::new();
        encoder.encode(&batch, 0, 1, &mut out).expect("row");
        // D, length, one column, its length.
        let length = (expected.len() + 10) as u32;
        assert_eq!(out[..7], [b"D".as_slice(), &length.to_be_bytes(), &[0, 1]].concat()[..], "{case:?}");
        assert_eq!(&out[11..], expected, "{case:?} in format {format}");
    }
}

#[test]
fn values_are_read_and_written_as_postgresql_reads_and_writes_them() {
    let mut judge = Judge::new("values");
    for row in table("values.tsv") {
        let (declared, input) = (field(&row, "declared"), field(&row, "input"));
        let case = format!("{declared} {input} {}", field(&row, "settings"));
        let settings = settings(field(&row, "settings"));
        let answer = || -> Result<(String, String)> {
            let ty = name::parse_type(declared, &BuiltinTypes)?;
            let value = text::parse(input, ty, &settings, &BuiltinTypes)?;
            let mut out = Vec::new();
            binary::encode(&value, ty, &BuiltinTypes, &mut out);
            let again = binary::decode(&out, ty, &BuiltinTypes)?;
            let written = text::format(&value, ty, &settings, &BuiltinTypes);
            through_rows(&case, &value, ty, &settings, &written, &out);
            if let Some(duckgate::types::Phys::Decimal { precision, scale }) = phys(ty, &BuiltinTypes)
                && let Some(unscaled) = receive_decimal(&out, precision, scale)
            {
                let long = Numeric::receive(&out).expect("numeric").to_decimal128(u32::from(scale));
                assert_eq!(Some(unscaled), long, "{case:?} straight from binary");
            }
            assert_eq!(text::format(&again, ty, &settings, &BuiltinTypes), written, "{case:?} through binary");
            Ok((written, hex(&out)))
        };
        let expected = if field(&row, "code") == "00000" {
            format!("{:?} {}", field(&row, "result"), field(&row, "hex"))
        } else {
            let detail = row["detail"].as_ref().map(|d| format!(" DETAIL {d}")).unwrap_or_default();
            format!("{} {}{detail}", field(&row, "code"), field(&row, "result"))
        };
        let got = match answer() {
            Ok((written, hex)) => format!("{written:?} {hex}"),
            Err(e) => failure(&e),
        };
        judge.compare(&case, &expected, &got);
    }
    judge.finish();
}

#[test]
fn numeric_calculates_as_postgresql_does() {
    let mut judge = Judge::new("numeric");
    for row in table("numeric.tsv") {
        let case = field(&row, "declared");
        let words: Vec<&str> = case.split(' ').collect();
        let answer = || -> Result<String> {
            let a = Numeric::parse(words[1])?;
            let b = || Numeric::parse(words[2]);
            let digits = || words[2].parse::<i32>().expect("digits");
            let result = match words[0] {
                "add" => a.add(&b()?)?,
                "sub" => a.sub(&b()?)?,
                "mul" => a.mul(&b()?)?,
                "div" => a.div(&b()?)?,
                "rem" => a.rem(&b()?)?,
                "div_trunc" => a.div_trunc(&b()?)?,
                "cmp" => {
                    let (b, order) = (b()?, a.compare(&b()?));
                    assert_eq!(a.sort_key().cmp(&b.sort_key()), order, "keys of {case}");
                    return Ok((order as i32).to_string());
                }
                "ceil" => a.ceil(),
                "floor" => a.floor(),
                "sqrt" => a.sqrt()?,
                "ln" => a.ln()?,
                "log10" => a.log10()?,
                "exp" => a.exp()?,
                "abs" => a.abs(),
                "sign" => a.sign(),
                "power" => a.power(&b()?)?,
                "log" => a.log(&b()?)?,
                "round" => a.round(digits())?,
                "trunc" => a.trunc(digits()),
                "min_scale" => return Ok(a.min_scale().map(|n| n.to_string()).unwrap_or_default()),
                "trim_scale" => a.trim_scale(),
                other => panic!("operation {other}"),
            };
            Ok(result.to_string())
        };
        let expected = match field(&row, "code") {
            "00000" => field(&row, "result").to_owned(),
            code => format!("{code} {}", field(&row, "result")),
        };
        let got = answer().unwrap_or_else(|e| failure(&e));
        judge.compare(case, &expected, &got);
    }
    judge.finish();
}

/// The options of a recorded case; they are few and written in one way.
fn copy_options(text: &str, names: &[&str]) -> CopyOptions {
    let csv = text.contains("FORMAT csv");
    let quoted = |word: &str| {
        let rest = &text[text.find(word)? + word.len()..];
        let body = rest.split_once('\'')?.1;
        let end = body.rfind('\'').unwrap_or(body.len());
        Some(body[..end].split("',").next().unwrap_or("").replace("''", "'").replace("\\\\", "\\"))
    };
    let byte = |word: &str, default: u8| quoted(word).and_then(|q| q.bytes().next()).unwrap_or(default);
    let list = |word: &str| {
        if text.contains(word) { names.iter().position(|n| *n == "b").into_iter().collect() } else { Vec::new() }
    };
    let quote = byte("QUOTE ", b'"');
    CopyOptions {
        file: None,
        format: if csv { CopyFormat::Csv } else { CopyFormat::Text },
        delimiter: byte("DELIMITER ", if csv { b',' } else { b'\t' }),
        null: quoted(", NULL ").unwrap_or_else(|| if csv { String::new() } else { "\\N".into() }),
        default: None,
        header: if text.contains("HEADER match") {
            CopyHeader::Match
        } else if text.contains("HEADER") {
            CopyHeader::Yes
        } else {
            CopyHeader::No
        },
        quote,
        escape: byte("ESCAPE ", quote),
        force_quote: Vec::new(),
        force_not_null: list("FORCE_NOT_NULL"),
        force_null: list("FORCE_NULL"),
        encoding: None,
        freeze: false,
        on_error: CopyOnError::Stop,
        verbose: false,
        rejects: None,
        batch: None,
    }
}

#[test]
fn copy_reads_and_writes_as_postgresql_does() {
    let mut judge = Judge::new("copy");
    for row in table("copy.tsv") {
        let definition = field(&row, "columns");
        // A comma within parentheses is not followed by a blank.
        let columns: Vec<(&str, &str)> = definition.split(", ").filter_map(|c| c.split_once(' ')).collect();
        let columns: Vec<CopyColumn> = columns
            .iter()
            .map(|(column, ty)| {
                let ty = name::parse_type(ty, &BuiltinTypes).expect("type");
                CopyColumn { name: (*column).into(), ty, phys: phys(ty, &BuiltinTypes).expect("phys"), row: None }
            })
            .collect();
        let names: Vec<&str> = columns.iter().map(|c| &*c.name).collect();
        let options = copy_options(field(&row, "options"), &names);
        // The bytes were recorded as the characters of the same numbers.
        let data: Vec<u8> = field(&row, "data").chars().map(|c| c as u32 as u8).collect();
        let case = format!("{definition} {} {:?}", field(&row, "options"), field(&row, "data"));
        let expected = if field(&row, "code") == "00000" {
            format!("{:?} {:?}", field(&row, "text"), field(&row, "csv"))
        } else {
            format!("{} {} CONTEXT {:?}", field(&row, "code"), field(&row, "result"), row["context"])
        };
        for piece in [1, 3, 100_000] {
            let got = match round_trip(&options, &columns, &data, piece) {
                Ok((text, csv)) => format!("{text:?} {csv:?}"),
                Err(e) => format!("{} {} CONTEXT {:?}", e.code(), e.report().message, e.report().context),
            };
            judge.compare(&case, &expected, &got);
        }
    }
    judge.finish();
}

/// What COPY TO writes as text and as csv of what COPY FROM has read.
fn round_trip(options: &CopyOptions, columns: &[CopyColumn], data: &[u8], piece: usize) -> Result<(String, String)> {
    let source = CopySource {
        table: "t".into(),
        columns: columns.to_vec(),
        settings: OutputSettings::default(),
        types: Arc::new(BuiltinTypes),
        now: None,
        max_row: 1 << 20,
    };
    let mut decoder = Decoder::new(options, source, duckgate::types::encoding::Encoding::UTF8)?;
    for chunk in data.chunks(piece) {
        decoder.feed(chunk)?;
    }
    decoder.finish()?;
    let batches: Vec<_> = std::iter::from_fn(|| decoder.take().transpose()).collect::<Result<_>>()?;
    let write = |format: &str| -> Result<String> {
        let options = copy_options(format, &[]);
        let mut encoder = Encoder::new(&options, columns, OutputSettings::default(), &BuiltinTypes)?;
        let mut out = Vec::new();
        for done in &batches {
            encoder.encode(&done.batch, 0, done.batch.num_rows(), &BuiltinTypes, &mut out)?;
        }
        encoder.finish(&mut out)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    };
    Ok((write("FORMAT text")?, write("FORMAT csv")?))
}
