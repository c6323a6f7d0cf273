//! How long schema files take from the disk to a plan: read and resolved, checked for what they mean, planned against an
//! empty database, and compared with one that is as they say. `cargo bench --bench schema_files [-- FILES COLUMNS]`.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use duckgate::catalog;
use duckgate::registry::files;
use duckgate::registry::{Change, Snapshot, bootstrap, builtin};
use duckgate::sql::ddl::files::{Answers, check, plan};
use duckgate::sql::{Context, Dialect};
use duckgate::types::OutputSettings;

/// Runs of each step; the best counts, as everything else on the machine only adds.
const RUNS: usize = 5;

fn main() {
    // `cargo test --benches` and `cargo bench` pass flags of their own.
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let (count, columns) = (numbers.first().copied().unwrap_or(1000), numbers.get(1).copied().unwrap_or(20));
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), count, columns);

    let loaded = files::load(folder.path());
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    let empty = context(empty());
    let nothing = Answers::new();
    let first = plan(&loaded.schema, &empty, false, &nothing).expect("a plan");
    let full = context(empty.snapshot.apply(&first.plan.changes));

    println!("{count} files, a table of {columns} columns in each (best of {RUNS} runs)");
    report("read and resolved", &|| drop(files::load(folder.path())));
    report("checked for what they mean", &|| assert!(check(&loaded.schema, &empty, true).is_empty()));
    report("planned, nothing there", &|| drop(plan(&loaded.schema, &empty, false, &nothing).expect("a plan")));
    report("compared, nothing to do", &|| {
        let same = plan(&loaded.schema, &full, false, &nothing).expect("a plan");
        assert!(same.changes.is_empty() && same.asks.is_empty(), "{:#?}", same.changes);
    });
    report("all of a start: read, checked, compared", &|| {
        let loaded = files::load(folder.path());
        assert!(check(&loaded.schema, &full, false).is_empty());
        drop(plan(&loaded.schema, &full, false, &nothing).expect("a plan"));
    });
}

fn report(what: &str, step: &dyn Fn()) {
    let time = |()| {
        let start = Instant::now();
        step();
        start.elapsed()
    };
    let best = (0..RUNS).map(|_| time(())).min().unwrap_or(Duration::ZERO);
    println!("{:>9.1} ms  {what}", best.as_secs_f64() * 1000.0);
}

/// One file a table, with what real ones have: keys, a check, an index, defaults, a foreign key to the table before.
fn write(folder: &Path, count: usize, columns: usize) {
    for i in 0..count {
        let mut text = format!(
            "[[table]]\nname = \"table_{i}\"\ncomment = \"number {i}\"\nprimary_key = \"id\"\n\n[table.columns]\nid = \"bigint generated always as identity\"\n"
        );
        for c in 0..columns.saturating_sub(2) {
            let ty = match c % 6 {
                0 => "numeric(12,2) not null default 0 check (c0 >= 0)".replace("c0", &format!("c{c}")),
                1 => "text not null default 'none'".to_owned(),
                2 => "timestamptz not null default now()".to_owned(),
                3 => "varchar(40)".to_owned(),
                4 => "date".to_owned(),
                _ => "integer".to_owned(),
            };
            text.push_str(&format!("c{c} = \"{ty}\"\n"));
        }
        if i > 0 {
            text.push_str(&format!("before = \"bigint references table_{}\"\n", i - 1));
        }
        text.push_str("\n[[table.index]]\ncolumns = [\"c1\", \"c2 desc\"]\n\n[[table.grant]]\nto = \"public\"\nprivileges = \"select\"\n");
        std::fs::write(folder.join(format!("table_{i}.toml")), text).expect("written");
    }
}

fn empty() -> Snapshot {
    let mut snapshot = bootstrap::snapshot("duckgate", "duckgate");
    for relation in catalog::relations() {
        snapshot.apply_in_place(&Change::PutRelation(relation.clone()));
    }
    snapshot
}

fn context(snapshot: Snapshot) -> Context {
    Context {
        snapshot: Arc::new(snapshot),
        role: builtin::SUPERUSER,
        session_role: builtin::SUPERUSER,
        search_path: ["pg_catalog", "public"].map(Into::into).into(),
        creation_namespace: Some("public".into()),
        settings: OutputSettings::default(),
        dialect: Dialect::default(),
        standard_strings: true,
        row_security: true,
        check_bodies: true,
        ways: Default::default(),
        files: None,
        held: false,
        told: None,
        probed: false,
        scratch: 0,
        shaped: Default::default(),
        given: Default::default(),
        touched: Default::default(),
    }
}
