//! The ledger: what is appended stays, in its order and once, and what is trimmed is gone.

use arrow::array::{Array as _, AsArray as _, Int64Array, StringArray};
use arrow::datatypes::Int64Type;

use super::*;
use crate::engine::Ledger;

fn columns() -> Vec<(String, Phys)> {
    vec![("at".into(), Phys::TimestampTz), ("n".into(), Phys::Int8), ("t".into(), Phys::Text)]
}

fn batch(numbers: std::ops::Range<i64>) -> RecordBatch {
    let at = arrow::array::TimestampMicrosecondArray::from_iter_values(numbers.clone()).with_timezone("UTC");
    let text = numbers.clone().map(|n| (n % 3 != 0).then(|| format!("number {n}, and a tail")));
    let columns: Vec<(&str, arrow::array::ArrayRef)> = vec![
        ("at", Arc::new(at)),
        ("n", Arc::new(Int64Array::from_iter_values(numbers))),
        ("t", Arc::new(text.collect::<StringArray>())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn numbers(ledger: &Ledger) -> Vec<i64> {
    let batches = ledger.read(&[1]).unwrap().map(|batch| batch.unwrap());
    batches.flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

#[test]
fn rows_stay_in_their_order_and_columns_are_read_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/ledger.duckdb");
    let ledger = Ledger::open(&path, columns()).unwrap();
    assert_eq!((ledger.rows(), numbers(&ledger)), (0, vec![]));
    ledger.append(&batch(0..5000), &mut None).unwrap();
    let before = ledger.read(&[2, 0]).unwrap();
    ledger.append(&batch(5000..5001), &mut None).unwrap();
    assert_eq!(numbers(&ledger), (0..5001).collect::<Vec<_>>());
    // Who has begun to read reads what was there; and rows alone are counted.
    let (mut rows, mut row) = (0, 0);
    for batch in before {
        let batch = batch.unwrap();
        let texts = batch.column(0).as_string::<i32>();
        for i in 0..texts.len() {
            let expected = (row % 3 != 0).then(|| format!("number {row}, and a tail"));
            assert_eq!(texts.is_valid(i).then(|| texts.value(i).to_owned()), expected);
            row += 1;
        }
        rows += batch.num_rows();
    }
    assert_eq!(rows, 5000);
    assert_eq!(ledger.read(&[]).unwrap().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 5001);
    ledger.close();
    drop(ledger);
    let again = Ledger::open(&path, columns()).unwrap();
    assert_eq!((again.rows(), numbers(&again).len()), (5001, 5001));
}

#[test]
fn what_is_appended_again_under_its_number_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("x.duckdb"), columns()).unwrap();
    let mut number = None;
    ledger.append(&batch(0..3), &mut number).unwrap();
    // As if it had been written and DuckDB had said that it was not.
    ledger.append(&batch(0..3), &mut number).unwrap();
    ledger.close();
    ledger.append(&batch(0..3), &mut number).unwrap();
    ledger.append(&batch(3..4), &mut None).unwrap();
    assert_eq!(numbers(&ledger), [0, 1, 2, 3]);
}

#[test]
fn what_is_trimmed_is_gone_and_its_room_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.duckdb");
    let ledger = Ledger::open(&path, columns()).unwrap();
    ledger.append(&batch(0..10), &mut None).unwrap();
    ledger.trim(Some(4), None).unwrap();
    assert_eq!((ledger.rows(), numbers(&ledger)), (4, vec![6, 7, 8, 9]));
    ledger.trim(None, Some((0, 8))).unwrap();
    assert_eq!((ledger.rows(), numbers(&ledger)), (2, vec![8, 9]));
    ledger.trim(Some(0), None).unwrap();
    assert_eq!((ledger.rows(), numbers(&ledger)), (0, vec![]));
    let mut most = 0;
    for round in 0..60 {
        ledger.append(&batch(round * 50_000..(round + 1) * 50_000), &mut None).unwrap();
        ledger.trim(Some(50_000), None).unwrap();
        most = most.max(std::fs::metadata(&path).map_or(0, |file| file.len()));
    }
    assert_eq!(ledger.rows(), 50_000);
    // Three million rows of about 40 bytes went through it.
    assert!(most < 40 << 20, "{most} bytes");
}

#[test]
fn a_database_of_something_else_is_no_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.duckdb");
    std::fs::write(&path, "no database at all").unwrap();
    let error = Ledger::open(&path, columns()).map(drop).unwrap_err();
    assert!(error.to_string().contains("x.duckdb"), "{error}");
    std::fs::remove_file(&path).unwrap();
    let database = crate::engine::raw::Database::open(Some(&path), &[]).unwrap();
    crate::engine::raw::RawConnection::open(&database).unwrap().run("CREATE TABLE t (a INT)").unwrap();
    drop(database);
    let error = Ledger::open(&path, columns()).map(drop).unwrap_err();
    assert!(error.to_string().contains("something else"), "{error}");
}
