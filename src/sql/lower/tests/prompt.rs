//! Changes of few rows: what DuckDB keeps the plan of, and what may run where it is asked for.

use super::support::Db;

fn sql(db: &Db, case: &str) -> String {
    db.plan(case).unwrap().permit.get().sql.to_string()
}

#[tokio::test]
async fn a_parameter_that_is_cast_again_keeps_the_type_that_it_was_given() {
    let db = Db::empty();
    let insert = sql(&db, "INSERT INTO t (a) VALUES ($1::smallint)");
    assert!(insert.contains("CASE WHEN true THEN CAST($2 AS SMALLINT) END"), "{insert}");
    let insert = sql(&db, "INSERT INTO t (a) VALUES ($1)");
    assert!(insert.contains("(VALUES (CAST($2 AS INTEGER)"), "{insert}");
    let select = sql(&db, "SELECT a FROM t WHERE a = $1::smallint");
    assert!(!select.contains("CASE WHEN true"), "{select}");
}

#[tokio::test]
async fn changes_of_given_rows_are_prompt() {
    let db = Db::empty();
    let prompt = |case: &str| db.plan(case).unwrap().permit.get().prompt;
    for case in [
        "INSERT INTO t (a) VALUES ($1)",
        "INSERT INTO t (a) VALUES (1), (2) RETURNING a",
        "INSERT INTO t (a) SELECT $1::int",
        "UPDATE t SET b = b + $2 WHERE a = $1",
        "DELETE FROM t WHERE a = $1",
    ] {
        assert!(prompt(case), "{case}");
    }
    for case in [
        "INSERT INTO t (a) SELECT a FROM t",
        "INSERT INTO t (a) VALUES ((SELECT max(a) FROM t))",
        "INSERT INTO t (a) VALUES (random()::int)",
        "INSERT INTO t (a) SELECT generate_series(1, $1)",
        "INSERT INTO t (a) SELECT pg_advisory_xact_lock(1) IS NULL::int",
        "UPDATE t SET a = $1",
        "DELETE FROM t",
        "SELECT a FROM t WHERE a = $1",
    ] {
        if let Ok(plan) = db.plan(case) {
            assert!(!plan.permit.get().prompt, "{case}");
        }
    }
}
