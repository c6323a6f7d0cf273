//! TPC-H's tables as lines of COPY text.

use std::fmt::Display;
use std::io::Write as _;

use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};

/// Appends the next line; false at the end.
pub type Source = Box<dyn FnMut(&mut Vec<u8>) -> bool + Send>;

pub struct Table {
    pub name: &'static str,
    /// About how many rows: lineitem's number is only known once they are made.
    pub rows: u64,
    pub source: Source,
}

/// Rows at scale factor 1.
const LINES: f64 = 6_001_215.0;

/// All eight, those that others refer to first.
pub fn tables(scale: f64) -> [Table; 8] {
    let table = |name, rows: i64, source| Table { name, rows: rows.unsigned_abs(), source };
    let parts = PartGenerator::calculate_row_count(scale, 1, 1);
    [
        table("region", 5, source(RegionGenerator::new(scale, 1, 1).iter())),
        table("nation", 25, source(NationGenerator::new(scale, 1, 1).iter())),
        table("part", parts, source(PartGenerator::new(scale, 1, 1).iter())),
        table(
            "supplier",
            SupplierGenerator::calculate_row_count(scale, 1, 1),
            source(SupplierGenerator::new(scale, 1, 1).iter()),
        ),
        table("partsupp", parts * 4, source(PartSuppGenerator::new(scale, 1, 1).iter())),
        table(
            "customer",
            CustomerGenerator::calculate_row_count(scale, 1, 1),
            source(CustomerGenerator::new(scale, 1, 1).iter()),
        ),
        table(
            "orders",
            OrderGenerator::calculate_row_count(scale, 1, 1),
            source(OrderGenerator::new(scale, 1, 1).iter()),
        ),
        table("lineitem", (LINES * scale) as i64, source(LineItemGenerator::new(scale, 1, 1).iter())),
    ]
}

/// The generator prints each row with a separator behind every column, the last one too, where COPY has none.
fn source<T: Display>(mut rows: impl Iterator<Item = T> + Send + 'static) -> Source {
    Box::new(move |out| {
        let Some(row) = rows.next() else { return false };
        // Writing to memory does not fail.
        let _ = write!(out, "{row}");
        if out.last() == Some(&b'|') {
            out.pop();
        }
        out.push(b'\n');
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_copy_lines_without_a_last_separator() {
        let mut tables = tables(0.001);
        for (table, columns) in tables.iter_mut().zip([3, 4, 9, 7, 5, 8, 9, 16]) {
            let mut line = Vec::new();
            assert!((table.source)(&mut line), "{}", table.name);
            let line = String::from_utf8(line).expect("text");
            assert_eq!(line.trim_end().split('|').count(), columns, "{line}");
        }
    }
}
