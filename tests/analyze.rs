//! Parse analysis against PostgreSQL's: statements with the result columns, parameters or error that PostgreSQL 15 gives.
//!
//! The cases are `tests/analyze/*.txt`: a statement, then `=>` lines. `DUCKGATE_RECORD='host=… user=… dbname=analyze_cases'`
//! writes the `=>` lines anew from a PostgreSQL whose database has `tests/analyze/schema.sql`.

#[path = "analyze/fixture.rs"]
mod fixture;

use std::fs;
use std::path::{Path, PathBuf};

use duckgate::error::Error;
use duckgate::sql::analyze::{Analyzed, analyze};
use duckgate::sql::{Context, parse};
use duckgate::tree::{Field, Statement};
use duckgate::types::name::format_type;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/analyze")
}

/// A statement and the lines that follow it.
struct Case {
    sql: String,
    expected: Vec<String>,
}

fn read(path: &Path) -> Vec<Case> {
    let text = fs::read_to_string(path).expect("a readable case file");
    let mut cases = Vec::new();
    for block in text.split("\n\n") {
        let lines: Vec<&str> = block.lines().filter(|l| !l.starts_with('#')).collect();
        let (expected, sql): (Vec<&str>, Vec<&str>) = lines.iter().partition(|l| l.starts_with("=> "));
        if !sql.is_empty() {
            cases.push(Case { sql: sql.join("\n"), expected: expected.iter().map(|l| (*l).to_owned()).collect() });
        }
    }
    cases
}

fn columns_of(statement: &Statement) -> Vec<Field> {
    match statement {
        Statement::Query(q) => q.columns.clone(),
        Statement::Insert(i) => i.returning.columns.clone(),
        Statement::Update(u) => u.returning.columns.clone(),
        Statement::Delete(d) => d.returning.columns.clone(),
        _ => Vec::new(),
    }
}

fn describe_error(error: &Error) -> Vec<String> {
    let report = error.report();
    let at = report.position.map(|p| format!(" at {p}")).unwrap_or_default();
    let mut lines = vec![format!("=> error {}{at}: {}", report.code, report.message)];
    lines.extend(report.detail.iter().map(|d| format!("=> detail: {d}")));
    lines.extend(report.hint.iter().map(|h| format!("=> hint: {h}")));
    lines
}

/// What our analysis says, in the form of the case files.
fn ours(sql: &str, ctx: &Context) -> Vec<String> {
    let result = (|| {
        let parsed = parse(sql)?;
        let [statement] = parsed.as_slice() else {
            return Err(Error::internal("not one statement"));
        };
        analyze(statement, ctx, &[])
    })();
    match result {
        Err(error) => describe_error(&error),
        Ok(Analyzed { statement, params, relations: _ }) => {
            let mut lines: Vec<String> = columns_of(&statement)
                .iter()
                .map(|f| format!("=> {} {}", f.name, format_type(f.ty, &*ctx.snapshot)))
                .collect();
            lines.extend(params.iter().map(|p| format!("=> ${}", format_type(*p, &*ctx.snapshot))));
            if lines.is_empty() {
                lines.push("=> ok".to_owned());
            }
            lines
        }
    }
}

#[test]
fn analysis_says_what_postgresql_says() {
    let ctx = fixture::context();
    let mut failures = Vec::new();
    let mut count = 0;
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder()).expect("the case folder").flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "txt")) {
        let ours_only = path.file_stem().is_some_and(|s| s == "ours");
        if let (false, Ok(target)) = (ours_only, std::env::var("DUCKGATE_RECORD")) {
            record(path, &target);
        }
        for case in read(path) {
            count += 1;
            let got = ours(&case.sql, &ctx);
            if got != case.expected {
                failures.push(format!(
                    "{}:\n{}\n  expected\n{}\n  got\n{}",
                    path.file_name().unwrap_or_default().to_string_lossy(),
                    case.sql,
                    case.expected.join("\n"),
                    got.join("\n")
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {count} cases differ:\n\n{}", failures.len(), failures.join("\n\n"));
}

/// Writes a file's `=>` lines from what PostgreSQL says to Parse and Describe.
fn record(path: &Path, target: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let cases = read(path);
    let comments: Vec<String> = fs::read_to_string(path)
        .expect("a readable case file")
        .lines()
        .take_while(|l| l.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let blocks = runtime.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(target, tokio_postgres::NoTls).await.expect("PostgreSQL to record from");
        let driver = tokio::spawn(connection);
        let mut blocks = Vec::new();
        for case in &cases {
            let lines = recorded(&client, &case.sql).await;
            blocks.push(format!("{}\n{}", case.sql, lines.join("\n")));
        }
        drop(client);
        let _ = driver.await;
        blocks
    });
    let head = if comments.is_empty() { String::new() } else { format!("{}\n\n", comments.join("\n")) };
    fs::write(path, format!("{head}{}\n", blocks.join("\n\n"))).expect("a writable case file");
}

async fn recorded(client: &tokio_postgres::Client, sql: &str) -> Vec<String> {
    let name = |oid: u32, typmod: i32| async move {
        let row = client.query_one("select format_type($1, $2)", &[&oid, &typmod]).await.expect("format_type");
        row.get::<_, String>(0)
    };
    match client.prepare(sql).await {
        Err(error) => {
            let Some(error) = error.as_db_error() else { return vec!["=> lost".into()] };
            let at = match error.position() {
                Some(tokio_postgres::error::ErrorPosition::Original(p)) => format!(" at {p}"),
                _ => String::new(),
            };
            let mut lines = vec![format!("=> error {}{at}: {}", error.code().code(), error.message())];
            lines.extend(error.detail().map(|d| format!("=> detail: {d}")));
            lines.extend(error.hint().map(|h| format!("=> hint: {h}")));
            lines
        }
        Ok(statement) => {
            let mut lines = Vec::new();
            for column in statement.columns() {
                let ty = name(column.type_().oid(), column.type_modifier()).await;
                lines.push(format!("=> {} {ty}", column.name()));
            }
            for param in statement.params() {
                lines.push(format!("=> ${}", name(param.oid(), -1).await));
            }
            if lines.is_empty() {
                lines.push("=> ok".to_owned());
            }
            lines
        }
    }
}

/// Counts how many statements of a folder of `.sql` files are analyzed: for looking, not for checking.
#[test]
#[ignore = "looks at a folder that DUCKGATE_CORPUS names"]
fn corpus() {
    let Ok(folder) = std::env::var("DUCKGATE_CORPUS") else { return };
    let ctx = match std::env::var("DUCKGATE_SCHEMA") {
        Ok(path) => fixture::context_of(&fs::read_to_string(path).expect("a readable schema")),
        Err(_) => fixture::context(),
    };
    let mut stack = vec![PathBuf::from(folder)];
    let (mut good, mut all) = (0, 0);
    while let Some(path) = stack.pop() {
        if path.is_dir() {
            stack.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|e| e.path()));
            continue;
        }
        if path.extension().is_none_or(|e| e != "sql") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a readable file");
        all += 1;
        let result =
            parse(&text).and_then(|all| all.iter().map(|p| analyze(p, &ctx, &[])).collect::<Result<Vec<_>, _>>());
        match result {
            Ok(analyzed) => {
                good += 1;
                compare_columns(&path, analyzed.last().map(|a| columns_of(&a.statement)).unwrap_or_default());
            }
            Err(error) => println!("{}: {error} pos {:?}", path.display(), error.report().position),
        }
    }
    println!("{good} of {all}");
}

/// Where PostgreSQL's result lies beside a statement as JSON, its columns must be ours.
fn compare_columns(path: &Path, ours: Vec<Field>) {
    let Ok(text) = fs::read_to_string(path.with_extension("json")) else { return };
    let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) else { return };
    let Some(columns) = value["columns"].as_array() else { return };
    let theirs: Vec<(String, u64)> = columns
        .iter()
        .map(|c| (c["name"].as_str().unwrap_or_default().to_owned(), c["oid"].as_u64().unwrap_or_default()))
        .collect();
    let ours: Vec<(String, u64)> = ours.iter().map(|f| (f.name.to_string(), u64::from(f.ty.oid))).collect();
    if ours != theirs {
        let differing: Vec<_> = ours.iter().zip(&theirs).filter(|(a, b)| a != b).collect();
        println!("{}: columns differ: {differing:?} ({} and {})", path.display(), ours.len(), theirs.len());
    }
}

/// Deep statements either work or fail with 54001; none takes the process down, on a small stack neither.
#[test]
fn deep_statements_do_no_harm() {
    let nested = |n: usize| format!("select {}1{}", "(".repeat(n), ")".repeat(n));
    let chain = |link: &str, n: usize| format!("select true{}", link.repeat(n));
    let cases = [
        (nested(100), true),
        (nested(100_000), false),
        (chain(" or true", 2_500), true),
        (chain(" and true", 100_000), false),
        (format!("select 1{}", " + 1".repeat(1_000)), true),
        (format!("select 1{}", " + 1".repeat(50_000)), false),
        (format!("select {}1", "- ".repeat(50_000)), false),
        (format!("select {}true", "not ".repeat(50_000)), false),
        (format!("select 1{}", " union select 1".repeat(1_000)), true),
        (format!("select 1 in ({})", vec!["1"; 20_000].join(", ")), true),
        (format!("values {}", vec!["(1, 'a')"; 20_000].join(", ")), true),
    ];
    let run = move || {
        let ctx = fixture::context();
        for (sql, good) in cases {
            let result = parse(&sql).and_then(|p| p.iter().try_for_each(|p| analyze(p, &ctx, &[]).map(drop)));
            let shown: String = sql.chars().take(60).collect();
            match result {
                Ok(()) => assert!(good, "{shown} … should be too deep"),
                Err(e) => assert!(!good && e.code().as_str() == "54001", "{shown} …: {e}"),
            }
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).expect("a thread").join().expect("no harm");
}

/// How long the parser and analysis may take for a statement of the test below, unoptimized and under load: a hang is
/// what it looks for.
const HANG: std::time::Duration = std::time::Duration::from_secs(30);

/// Chains of whatever can be chained, and nestings that the grammar tries twice: an answer or an error, soon.
#[test]
fn chains_and_nestings_do_not_hang() {
    const CHAINS: &[(&str, &str, &str)] = &[
        ("select 1", "+1", ""),
        ("select 'a'", "||'a'", ""),
        ("select 1", " = 1", ""),
        ("select 1", "^1", ""),
        ("select true", " or true", ""),
        ("select true", " and true", ""),
        ("select ", "not ", "true"),
        ("select ", "- ", "1"),
        ("select ", "@ ", "1"),
        ("select 1", "::int", ""),
        ("select 1", "::text::int", ""),
        ("select (array[1])", "[1]", ""),
        ("select (array[1])", "[1:1]", ""),
        ("select ", "a.", "b"),
        ("select ", "\"a\".", "b"),
        ("select (row(1))", ".a", ""),
        ("select 1", " is null", ""),
        ("select 1", " notnull", ""),
        ("select true", " is true", ""),
        ("select 1", " is distinct from 1", ""),
        ("select true", " is not distinct from true", ""),
        ("select 'x'", " collate \"C\"", ""),
        ("select now()", " at time zone 'utc'", ""),
        ("select 'a'", " like 'a'", ""),
        ("select 'a'", " similar to 'a'", ""),
        ("select 'a'", " ~ 'a'", ""),
        ("select 1", " in (1)", ""),
        ("select 1", " = any(array[1])", ""),
        ("select 1", " @> any(array[1])", ""),
        ("select 1", " between 1 and 1", ""),
        ("select 1", " between symmetric 1 and 1", ""),
        ("select 1", " operator(pg_catalog.+) 1", ""),
        ("select '{}'::jsonb", "->'a'", ""),
        ("select ", "case when false then 1 else ", "1"),
        ("select 1", " union select 1", ""),
        ("select 1", " union all select 1", ""),
        ("select 1 from (select 1) a ", "cross join (select 1) b ", ""),
        ("select * from a ", "join b ", "on true"),
        ("select * from ", "a.", "b"),
        ("select 1 ", "for update ", ""),
    ];
    /// What opens, what is in the middle, what shuts.
    const NESTINGS: &[(&str, &str, &str)] = &[
        ("(", "1", ")"),
        ("(1,", "1", ")"),
        ("(select ", "1", ")"),
        ("((select 1) union ", "select 1", ")"),
        ("array[", "1", "]"),
        ("abs(", "1", ")"),
        ("substring(", "'a'", " from 1)"),
        ("substring(", "'a'", ", 1)"),
        ("substring(", "'a'", " similar 'a' escape 'b')"),
        ("substring(", "'a'", " for 1 from 1)"),
        ("overlay(", "'a'", " placing 'a' from 1)"),
        ("position('a' in ", "'a'", ")"),
        ("trim(both 'x' from ", "'a'", ")"),
        ("extract(year from ", "now()", ")"),
        ("cast(", "1", " as int)"),
        ("interval (", "1", ")"),
        ("floor(", "1 1", ")"),
        ("cast(", "1 1", " as int)"),
        ("case when true then ", "1", " end"),
        ("case when true then ", "1 1", " end"),
        ("exists(select ", "1 1", ")"),
        ("(", "true", " between symmetric true and true)"),
        ("true between symmetric true and (", "true", ")"),
    ];
    let run = || {
        let ctx = fixture::context();
        let attempt = |sql: &str| {
            let begun = std::time::Instant::now();
            let result = parse(sql).and_then(|p| p.iter().try_for_each(|p| analyze(p, &ctx, &[]).map(drop)));
            let shown: String = sql.chars().take(60).collect();
            let code = result.err().map(|e| e.code().as_str().to_owned());
            assert_ne!(code.as_deref(), Some("XX000"), "{shown} … of {} bytes", sql.len());
            assert!(begun.elapsed() < HANG, "{shown} … of {} bytes took {:?}", sql.len(), begun.elapsed());
        };
        for (begin, link, end) in CHAINS {
            for n in [100, 2_000, 60_000] {
                attempt(&format!("{begin}{}{end}", link.repeat(n)));
            }
        }
        for (open, middle, shut) in NESTINGS {
            for n in [24, 190, 60_000] {
                attempt(&format!("select {}{middle}{}", open.repeat(n), shut.repeat(n)));
            }
        }
        attempt(&"select 1;".repeat(20_000));
    };
    // A quarter of what the gateway's threads have (cli::serve).
    std::thread::Builder::new().stack_size(16 << 20).spawn(run).expect("a thread").join().expect("no harm");
}
