//! Which statements are look-ups by key, and how they are said as such.

use super::support::Db;

fn keyed(db: &Db, case: &str) -> Option<String> {
    db.plan(case).unwrap().permit.get().keyed.as_ref().map(|keyed| keyed.sql.replace('\0', "place"))
}

#[tokio::test]
async fn look_ups_by_key_have_a_form_without_parameters() {
    let db = Db::empty();
    let keyed = |case: &str| keyed(&db, case);
    let one = keyed("SELECT a FROM t WHERE a = $1").unwrap();
    assert!(!one.contains('$'), "{one}");
    assert!(one.contains("(SELECT dg_key_int4(CAST(place AS BIGINT), 0) AS c0) AS s0(c0)"), "{one}");
    assert!(keyed("SELECT a FROM t WHERE $1 = a AND a > 3 ORDER BY a LIMIT 5").is_some());
    assert!(keyed("SELECT a + 1 FROM t WHERE a = $1::bigint").is_some());
    let limited = keyed("SELECT a FROM t WHERE a = $1 LIMIT $2 OFFSET $3").unwrap();
    assert!(
        limited.contains(" OFFSET CASE WHEN") && limited.contains("dg_key_int8(CAST(place AS BIGINT), 2)"),
        "{limited}"
    );
    let lasting = |case: &str| db.plan(case).unwrap().permit.get().keyed.as_ref().is_some_and(|keyed| keyed.lasting);
    assert!(lasting("SELECT a FROM t WHERE a = $1"));
    for case in [
        "SELECT a + 1 FROM t WHERE a = $1",
        "SELECT a FROM t WHERE a = $1 AND a > 3",
        "SELECT a FROM t WHERE a = $1::bigint",
        "SELECT a FROM t WHERE a = $1 ORDER BY a",
        "SELECT a FROM t WHERE a = $1 LIMIT 5",
    ] {
        assert!(!lasting(case), "{case}");
    }
    let two = keyed("SELECT 1 FROM t WHERE a = $2 AND a = $1").unwrap();
    assert!(two.contains("dg_key_int4(CAST(place AS BIGINT), 0) AS c0") && two.contains(", 1) AS c1"), "{two}");
}

#[tokio::test]
async fn what_is_more_than_a_look_up_has_none() {
    let db = Db::empty();
    for case in [
        "SELECT a FROM t",
        "SELECT a FROM t WHERE a = 1",
        "SELECT a FROM t WHERE a > $1",
        "SELECT a FROM t WHERE a = $1 LIMIT (SELECT $2::int)",
        "SELECT a FROM t WHERE a = $1 + 1",
        "SELECT a, $2::int FROM t WHERE a = $1",
        "SELECT random() FROM t WHERE a = $1",
        "SELECT a FROM t WHERE a = $1 AND random() < 1",
        "SELECT a FROM t WHERE a = $1 OR a = 3",
        "SELECT count(*) FROM t WHERE a = $1 GROUP BY a",
        "SELECT DISTINCT a FROM t WHERE a = $1",
        "SELECT x.a FROM t x, t y WHERE x.a = $1",
        "SELECT a FROM t WHERE a = $1 AND EXISTS (SELECT 1 FROM t)",
        "SELECT (SELECT 1) FROM t WHERE a = $1",
        "WITH c AS (SELECT 1 AS a) SELECT a FROM c WHERE a = $1",
        "SELECT pg_advisory_lock(1) FROM t WHERE a = $1",
        "SELECT a FROM t WHERE a = $1 AND pg_sleep(1) IS NULL",
        "DELETE FROM t WHERE a = $1 RETURNING a",
    ] {
        let Ok(plan) = db.plan(case) else { continue };
        assert_eq!(plan.permit.get().keyed, None, "{case}");
    }
}
