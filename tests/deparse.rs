//! Definitions as PostgreSQL prints them: views, defaults and checks, from our trees, against what PostgreSQL 15 says.
//!
//! The cases are `tests/deparse/cases.txt`: a query, `DEFAULT column expression` or `CHECK expression`, then what is printed.
//! `DUCKGATE_RECORD='host=… user=… dbname=…'` writes that anew from a PostgreSQL whose database has `tests/deparse/schema.sql`.

#[path = "analyze/fixture.rs"]
#[allow(dead_code, reason = "shared with the tests of analysis")]
mod fixture;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use duckgate::error::{Error, Result};
use duckgate::registry::ConstraintKind;
use duckgate::registry::seen::Seen;
use duckgate::sql::analyze::{analyze, kept};
use duckgate::sql::deparse::{Style, stored};
use duckgate::sql::{CompiledBody, Context, compile, ddl, parse};
use duckgate::tree::Statement;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deparse")
}

/// What is made, and how it is printed.
struct Case {
    what: String,
    plain: String,
    pretty: String,
}

fn read() -> Vec<Case> {
    let text = fs::read_to_string(folder().join("cases.txt")).expect("a readable case file");
    let mut cases = Vec::new();
    for block in text.split("\n\n") {
        let of = |mark: char| {
            let lines = block.lines().filter_map(|l| l.strip_prefix(mark));
            lines.collect::<Vec<_>>().join("\n")
        };
        let what = block.lines().find(|l| !l.starts_with(['#', '|', ':']));
        if let Some(what) = what {
            cases.push(Case { what: what.to_owned(), plain: of('|'), pretty: of(':') });
        }
    }
    cases
}

/// The statement that makes what a case is about.
fn statement(what: &str) -> String {
    if let Some(check) = what.strip_prefix("CHECK ") {
        return format!("ALTER TABLE t ADD CONSTRAINT made CHECK ({check})");
    }
    match what.strip_prefix("DEFAULT ").and_then(|d| d.split_once(' ')) {
        Some((column, default)) => format!("ALTER TABLE t ALTER {column} SET DEFAULT {default}"),
        None => format!("CREATE VIEW made AS {what}"),
    }
}

fn changed(cx: &Context, sql: &str) -> Result<Context> {
    let parsed = parse(sql)?;
    let [statement] = parsed.as_slice() else { return Err(Error::internal("not one statement")) };
    let CompiledBody::Ddl(permit) = compile(statement, cx, &[])?.body else {
        return Err(Error::internal("no DDL"));
    };
    let changes = ddl::plan(&permit, cx)?.changes;
    Ok(Context { snapshot: Arc::new(cx.snapshot.apply(&changes)), ..cx.clone() })
}

fn ours(what: &str, cx: &Context, style: Style) -> Result<String> {
    let cx = changed(cx, &statement(what))?;
    let seen = Seen::new(Arc::clone(&cx.snapshot), Arc::clone(&cx.search_path), cx.role);
    let table = cx.snapshot.relation("public", "t").expect("the table");
    let text = if what.starts_with("CHECK ") {
        table.constraints.iter().find_map(|c| match &c.kind {
            ConstraintKind::Check { expression, .. } => Some(expression.clone()),
            _ => None,
        })
    } else if let Some((column, _)) = what.strip_prefix("DEFAULT ").and_then(|d| d.split_once(' ')) {
        table.column(column).and_then(|c| c.default.clone())
    } else {
        return stored::view(cx.snapshot.relation("public", "made").expect("the view"), &cx, &seen, style);
    };
    // DEFAULT NULL is none.
    let Some(text) = text else { return Ok(String::new()) };
    stored::kept_expression(&text, table.oid, &cx, &seen, style).map(|(text, _)| text)
}

#[test]
fn definitions_are_printed_as_postgresql_prints_them() {
    if let Ok(target) = std::env::var("DUCKGATE_RECORD") {
        record(&target);
    }
    let schema = fs::read_to_string(folder().join("schema.sql")).expect("a readable schema");
    let cx = fixture::context_of(&schema);
    let mut failures = Vec::new();
    let cases = read();
    for case in &cases {
        for (style, expected) in [(Style::PLAIN, &case.plain), (Style::PRETTY, &case.pretty)] {
            let got = ours(&case.what, &cx, style).unwrap_or_else(|e| format!("error: {e}"));
            if got != *expected {
                failures.push(format!("{}\n  expected\n{expected}\n  got\n{got}", case.what));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {} differ:\n\n{}", failures.len(), cases.len() * 2, failures.join("\n\n"));
}

/// Writes the case file anew from what PostgreSQL prints.
fn record(target: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let blocks = runtime.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(target, tokio_postgres::NoTls).await.expect("PostgreSQL to record from");
        let driver = tokio::spawn(connection);
        let mut blocks = Vec::new();
        for case in read() {
            client.batch_execute("BEGIN").await.expect("BEGIN");
            let made = client.batch_execute(&statement(&case.what)).await;
            let row = match made {
                Ok(()) => client.query_opt(&question(&case.what), &[]).await.expect("a definition"),
                Err(error) => {
                    println!("left out: {}: {:?}", case.what, error.as_db_error().map(|e| e.message()));
                    client.batch_execute("ROLLBACK").await.expect("ROLLBACK");
                    continue;
                }
            };
            let mut block = case.what.clone();
            for (i, mark) in [(0, '|'), (1, ':')] {
                let text: Option<String> = row.as_ref().and_then(|r| r.get(i));
                for line in text.iter().flat_map(|t| t.lines()) {
                    block.push_str(&format!("\n{mark}{line}"));
                }
            }
            blocks.push(block);
            client.batch_execute("ROLLBACK").await.expect("ROLLBACK");
        }
        drop(client);
        let _ = driver.await;
        blocks
    });
    let path = folder().join("cases.txt");
    let text = fs::read_to_string(&path).expect("a readable case file");
    let head = text.lines().take_while(|l| l.starts_with('#')).collect::<Vec<_>>().join("\n");
    fs::write(path, format!("{head}\n\n{}\n", blocks.join("\n\n"))).expect("a writable case file");
}

/// What asks PostgreSQL for the definition.
fn question(what: &str) -> String {
    if what.starts_with("CHECK ") {
        return "SELECT pg_get_expr(conbin, conrelid), pg_get_expr(conbin, conrelid, true) FROM pg_constraint
            WHERE conname = 'made'"
            .to_owned();
    }
    match what.strip_prefix("DEFAULT ").and_then(|d| d.split_once(' ')) {
        Some((column, _)) => format!(
            "SELECT pg_get_expr(adbin, adrelid), pg_get_expr(adbin, adrelid, true) FROM pg_attrdef d
             JOIN pg_attribute a ON attrelid = adrelid AND attnum = adnum WHERE attname = '{column}' AND adrelid = 't'::regclass"
        ),
        None => "SELECT pg_get_viewdef('made'::regclass), pg_get_viewdef('made'::regclass, true)".to_owned(),
    }
}

/// Counts how many queries of a folder of `.sql` files come back from their printed text: for looking, not for checking.
#[test]
#[ignore = "looks at a folder that DUCKGATE_CORPUS names"]
fn corpus() {
    let Ok(folder) = std::env::var("DUCKGATE_CORPUS") else { return };
    let schema = std::env::var("DUCKGATE_SCHEMA").expect("a schema");
    let mut base = fixture::context_of("");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).expect("the folder").flatten().map(|e| e.path()).collect();
    paths.sort();
    paths.insert(0, schema.into());
    let (mut good, mut all) = (0, 0);
    for (n, path) in paths.iter().enumerate() {
        let text = fs::read_to_string(path).unwrap_or_default();
        let text: String = text.lines().filter(|l| !l.starts_with('\\')).collect::<Vec<_>>().join("\n");
        let mut cx = base.clone();
        for sql in text.split_inclusive(";\n") {
            let Ok(parsed) = parse(sql) else { continue };
            for statement in &parsed {
                match analyze(statement, &cx, &[]).map(|a| a.statement) {
                    Ok(Statement::Query(query)) => {
                        all += 1;
                        match kept::printed(&query, &cx) {
                            Some(_) => good += 1,
                            None => println!("{}: {}", path.display(), statement.text.replace('\n', " ")),
                        }
                    }
                    Ok(Statement::Ddl(_)) => {
                        if let Ok(CompiledBody::Ddl(permit)) = compile(statement, &cx, &[]).map(|c| c.body)
                            && let Ok(plan) = ddl::plan(&permit, &cx)
                        {
                            cx.snapshot = Arc::new(cx.snapshot.apply(&plan.changes));
                        }
                    }
                    _ => {}
                }
            }
        }
        if n == 0 {
            base = cx;
        }
    }
    println!("{good} of {all}");
}
