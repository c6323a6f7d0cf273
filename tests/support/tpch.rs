//! TPC-H: its data as the generator's `|`-separated files, its queries, and the same in DuckDB in-process.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};

/// In an order in which foreign keys are satisfied.
pub const TABLES: [&str; 8] = ["region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem"];

/// TPC-H data of one scale factor, as files in a folder.
pub struct Data {
    pub scale: f64,
    folder: PathBuf,
}

impl Data {
    /// Generates the files that are not there yet.
    pub fn generate(folder: &Path, scale: f64) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let data = Self { scale, folder: folder.to_path_buf() };
        for table in TABLES {
            if !data.file(table).exists() {
                let part = folder.join(format!("{table}.part"));
                data.write(table, &part);
                std::fs::rename(part, data.file(table)).expect("renamed");
            }
        }
        data
    }

    pub fn file(&self, table: &str) -> PathBuf {
        self.folder.join(format!("{table}.tbl"))
    }

    fn write(&self, table: &str, path: &Path) {
        let s = self.scale;
        match table {
            "region" => lines(path, RegionGenerator::new(s, 1, 1).iter()),
            "nation" => lines(path, NationGenerator::new(s, 1, 1).iter()),
            "supplier" => lines(path, SupplierGenerator::new(s, 1, 1).iter()),
            "customer" => lines(path, CustomerGenerator::new(s, 1, 1).iter()),
            "part" => lines(path, PartGenerator::new(s, 1, 1).iter()),
            "partsupp" => lines(path, PartSuppGenerator::new(s, 1, 1).iter()),
            "orders" => lines(path, OrderGenerator::new(s, 1, 1).iter()),
            "lineitem" => lines(path, LineItemGenerator::new(s, 1, 1).iter()),
            other => panic!("{other}"),
        }
    }

    /// The file in pieces of about 64 KiB, for COPY.
    pub fn chunks(&self, table: &str) -> impl Iterator<Item = Vec<u8>> + use<> {
        use std::io::Read;
        let mut file = File::open(self.file(table)).expect("generated");
        std::iter::from_fn(move || {
            let mut chunk = vec![0; 64 * 1024];
            let n = file.read(&mut chunk).expect("read");
            chunk.truncate(n);
            (n > 0).then_some(chunk)
        })
    }

    /// Loads the same files into DuckDB.
    pub fn load_into_duckdb(&self, connection: &duckdb::Connection) {
        for statement in schema() {
            connection.execute_batch(&statement).unwrap_or_else(|e| panic!("{statement}: {e}"));
        }
        for table in TABLES {
            let sql = format!(
                "INSERT INTO {table} SELECT * FROM read_csv('{}', delim = '|', header = false, quote = '', escape = '',
                 columns = {{{}}})",
                self.file(table).display(),
                columns(connection, table)
            );
            connection.execute_batch(&sql).unwrap_or_else(|e| panic!("{table}: {e}"));
        }
    }
}

fn columns(connection: &duckdb::Connection, table: &str) -> String {
    let sql = "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index";
    let mut statement = connection.prepare(sql).expect("prepared");
    let rows = statement
        .query_map([table], |row| Ok(format!("'{}': '{}'", row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .expect("rows");
    rows.map(|row| row.expect("a row")).collect::<Vec<_>>().join(", ")
}

/// Without the `|` at each line's end that the generator writes and COPY does not take.
fn lines<T: std::fmt::Display>(path: &Path, rows: impl Iterator<Item = T>) {
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    let mut line = String::new();
    for row in rows {
        use std::fmt::Write as _;
        line.clear();
        write!(line, "{row}").expect("formatted");
        writeln!(out, "{}", line.strip_suffix('|').unwrap_or(&line)).expect("written");
    }
    out.flush().expect("written");
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tpch")
}

/// CREATE TABLE for each table.
pub fn schema() -> Vec<String> {
    let text = std::fs::read_to_string(folder().join("schema.sql")).expect("schema.sql");
    text.split(";\n").map(str::trim).filter(|s| !s.is_empty()).map(str::to_string).collect()
}

/// The text of query `n`, 1 to 22.
pub fn query(n: usize, scale: f64) -> String {
    let text = std::fs::read_to_string(folder().join(format!("q{n:02}.sql"))).expect("a query");
    text.replace(":fraction", &format!("{:.10}", 0.0001 / scale))
}
