//! The 22 queries of TPC-H: each compiles, and none calls a native function for each row of a large table.

use std::path::Path;

use super::support::Db;
use crate::types::{BuiltinTypes, name};

const TABLES: [&str; 8] = ["region", "nation", "part", "supplier", "partsupp", "customer", "orders", "lineitem"];

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The database with TPC-H's tables, by the columns of their schema files.
fn tpch() -> Db {
    let mut db = Db::empty();
    for (i, table) in TABLES.iter().enumerate() {
        let file = std::fs::read_to_string(folder("schemas/tpch").join(format!("{table}.toml"))).unwrap();
        let columns: Vec<_> = file
            .lines()
            .skip_while(|line| *line != "[table.columns]")
            .filter_map(|line| line.split_once(" = "))
            .map_while(|(column, ty)| {
                let ty = ty.trim().trim_matches('"').trim_end_matches(" not null");
                Some((column.trim(), name::parse_type(ty, &BuiltinTypes).ok()?))
            })
            .collect();
        db.add_table(17000 + 10 * i as u32, table, &columns);
    }
    db
}

#[test]
fn the_22_queries_compile_without_natives_on_their_hot_paths() {
    let db = tpch();
    let out = std::env::var_os("DUCKGATE_TPCH_SQL");
    let mut wrong = Vec::new();
    for n in 1..=22 {
        let sql = std::fs::read_to_string(folder("tests/tpch").join(format!("q{n:02}.sql"))).unwrap();
        match db.plan(&sql.replace(":fraction", "0.0001")) {
            Ok(plan) => {
                let sql = &plan.permit.get().sql;
                if let Some(folder) = &out {
                    std::fs::write(Path::new(folder).join(format!("q{n:02}.sql")), sql.as_bytes()).unwrap();
                }
                if sql.contains("dg_numeric_key") || sql.contains("dg_in_") || sql.contains("dg_out_") {
                    wrong.push(format!("Q{n}: {sql}"));
                }
            }
            Err(error) => wrong.push(format!("Q{n}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
