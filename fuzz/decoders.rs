//! What the fuzz target and `tests/copy_fuzz.rs` share: bytes through one of COPY's decoders, as a client would send them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use duckgate::copy::{CopyColumn, CopySource, DecodedBatch, Decoder, Ready};
use duckgate::engine::write_alone;
use duckgate::error::Result;
use duckgate::tree::{CopyDefault, CopyFormat, CopyHeader, CopyOnError, CopyOptions};
use duckgate::types::encoding::Encoding;
use duckgate::types::{BuiltinTypes, OutputSettings, PgType, Phys, name, phys};

/// A limit that small input can reach.
const MAX_ROW: usize = 64 << 10;

const COLUMNS: [(&str, &str); 14] = [
    ("id", "int4"),
    ("flag", "bool"),
    ("large", "int8"),
    ("real", "float8"),
    ("exact", "numeric"),
    ("price", "numeric(12,2)"),
    ("words", "text"),
    ("short", "varchar(5)"),
    ("bytes", "bytea"),
    ("day", "date"),
    ("at", "timestamptz"),
    ("span", "interval"),
    ("docb", "jsonb"),
    ("texts", "text[]"),
];

fn column((name, ty): &(&str, &str)) -> CopyColumn {
    let ty: PgType = name::parse_type(ty, &BuiltinTypes).expect("a type");
    CopyColumn { name: (*name).into(), ty, phys: phys(ty, &BuiltinTypes).expect("its carrier"), row: None }
}

fn options(choice: u8) -> CopyOptions {
    let format = match choice % 5 {
        0 => CopyFormat::Text,
        1 => CopyFormat::Csv,
        2 => CopyFormat::Binary,
        3 => CopyFormat::Arrow,
        _ => CopyFormat::Json,
    };
    let csv = format == CopyFormat::Csv;
    let bit = |n: u8| (choice / 5) & (1 << n) != 0;
    let all = || if bit(0) { (0..COLUMNS.len()).collect() } else { Vec::new() };
    CopyOptions {
        file: None,
        format,
        delimiter: if csv { b',' } else { b'\t' },
        null: if csv { String::new() } else { "\\N".into() },
        default: bit(1).then(|| CopyDefault { marker: Some("\\D".into()), columns: vec![1, 3, 5] }),
        header: if bit(2) { CopyHeader::Match } else { CopyHeader::No },
        quote: b'"',
        escape: if bit(3) { b'\\' } else { b'"' },
        force_quote: Vec::new(),
        force_not_null: all(),
        force_null: all(),
        encoding: bit(4).then(|| "LATIN1".into()),
        freeze: false,
        on_error: if bit(5) { CopyOnError::Ignore { limit: Some(100) } } else { CopyOnError::Stop },
        verbose: bit(5),
        rejects: None,
        batch: None,
    }
}

/// Runs the bytes through the decoder that the first of them choose. Errors are as good as rows; a panic is not, nor more
/// rows than there can be, nor binary rows of which the engine's own vectors get others.
pub fn run(data: &[u8]) {
    let [choice, piece, data @ ..] = data else { return };
    let columns: Vec<_> = COLUMNS.iter().map(column).collect();
    let source = CopySource {
        table: "t".into(),
        columns: columns.clone(),
        settings: OutputSettings::default(),
        types: Arc::new(BuiltinTypes),
        now: Some(0),
        max_row: MAX_ROW,
    };
    let Ok(mut decoder) = Decoder::new(&options(*choice), source.clone(), Encoding::UTF8) else { return };
    let other = Decoder::new(&options(*choice), source, Encoding::UTF8).ok();
    let mut blocks = Blocks {
        decoder: other.filter(Decoder::leaves_undecoded),
        columns: columns.into_iter().map(|column| column.phys).collect(),
    };
    let mut rows = 0;
    for piece in data.chunks(usize::from(*piece) + 1) {
        let fed = decoder.feed(piece);
        blocks.decoder.iter_mut().for_each(|decoder| drop(decoder.feed(piece)));
        if fed.is_err() || !take(&mut decoder, &mut blocks, &mut rows) {
            return;
        }
    }
    blocks.decoder.iter_mut().for_each(|decoder| drop(decoder.finish()));
    if decoder.finish().is_ok() {
        take(&mut decoder, &mut blocks, &mut rows);
    }
    // A column of nulls in Arrow needs no bytes; every other row needs one.
    assert!(rows <= data.len() + (1 << 21), "{rows} rows of {} bytes", data.len());
}

/// The same data, as the engine's threads decode them.
struct Blocks {
    decoder: Option<Decoder>,
    columns: Vec<Phys>,
}

fn take(decoder: &mut Decoder, blocks: &mut Blocks, rows: &mut usize) -> bool {
    decoder.notices();
    decoder.rejected();
    loop {
        let decoded = decoder.take();
        blocks.compare(&decoded);
        match decoded {
            Ok(Some(decoded)) => *rows += decoded.batch.num_rows(),
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

impl Blocks {
    fn compare(&mut self, decoded: &Result<Option<DecodedBatch>>) {
        let Some(decoder) = &mut self.decoder else { return };
        match (decoder.take_ready(), decoded) {
            (Ok(Some(Ready::Block(block))), decoded) => {
                let mut columns: Vec<Vec<ArrayRef>> = vec![Vec::new(); self.columns.len()];
                let mut see = |column: usize, rows: ArrayRef| columns[column].push(rows);
                match (write_alone(block.as_ref(), &self.columns, Some(&mut see)), decoded) {
                    (Ok(()), Ok(Some(decoded))) => {
                        for (column, pieces) in columns.iter().enumerate() {
                            let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
                            let all = concat(&pieces).expect("of one type");
                            assert_eq!(&all, decoded.batch.column(column), "column {column}");
                        }
                    }
                    (Err(ours), Err(theirs)) => assert_eq!(ours.to_string(), theirs.to_string()),
                    (ours, theirs) => panic!("{ours:?} {:?}", theirs.as_ref().map(|_| ())),
                }
            }
            (Ok(None), Ok(None)) => {}
            (Err(ours), Err(theirs)) => assert_eq!(ours.to_string(), theirs.to_string()),
            (_, theirs) => panic!("{:?}", theirs.as_ref().map(|_| ())),
        }
    }
}
