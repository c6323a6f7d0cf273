//! VALUES of many rows, which are computed another way than few.

use super::*;

/// The same rows by one INSERT and one by one, over constants of all kinds, NULLs, defaults and what differs in kind from row to row.
#[tokio::test]
async fn many_rows_of_values_are_what_they_are_one_by_one() {
    let mut session = open(&gateway().await);
    let columns = "id serial, i int, b bigint, t text, v varchar(3), c char(4), n numeric, d numeric(10,2), f float8, o boolean, \
                   day date, at timestamptz, iv interval, u uuid, j jsonb, a int[], e text default 'x' || 'y', r double precision default random()";
    for table in ["many", "single"] {
        simple(&mut session, &format!("create table {table} ({columns})")).await;
    }
    let row = |i: i64| {
        let null = |at: i64, text: String| if (i + at) % 7 == 0 { "NULL".to_owned() } else { text };
        let values = [
            null(0, i.to_string()),
            null(1, if i % 2 == 0 { "9223372036854775807".into() } else { format!("-{i}") }),
            null(2, format!("'it''s {i}'")),
            null(3, format!("'{}'", i % 1000)),
            null(4, format!("'{}'", i % 100)),
            null(5, format!("{i}.{i}")),
            null(6, if i % 3 == 0 { "'7.255'".into() } else { format!("{i}.5") }),
            null(7, if i % 5 == 0 { "'NaN'".into() } else { format!("{i}e-3") }),
            null(8, (i % 2 == 0).to_string()),
            null(9, format!("date '2026-01-01' + {i}")),
            null(10, format!("'2026-01-01 00:00:00+0{}'", i % 9)),
            null(11, format!("interval '{i} days 1 hour'")),
            null(12, format!("'00000000-0000-0000-0000-{i:012}'")),
            null(13, format!("'{{\"k\": [{i}, null]}}'")),
            null(14, format!("array[{i}, null]")),
            if i % 4 == 0 { "DEFAULT".into() } else { format!("'e{i}'") },
        ];
        format!("({})", values.join(", "))
    };
    let names = "i, b, t, v, c, n, d, f, o, day, at, iv, u, j, a, e";
    let rows: Vec<String> = (1..=100).map(row).collect();
    let lines = simple(&mut session, &format!("insert into many ({names}) values {}", rows.join(", "))).await;
    assert!(lines.iter().any(|line| line == "C INSERT 0 100"), "{lines:?}");
    for row in &rows {
        simple(&mut session, &format!("insert into single ({names}) values {row}")).await;
    }
    let all = |table: &str| format!("select id, {names}, r between 0 and 1 from {table} order by id");
    let (many, single) = (simple(&mut session, &all("many")).await, simple(&mut session, &all("single")).await);
    assert!(many.len() > 100, "{many:?}");
    assert_eq!(many, single);
    let drawn = simple(&mut session, "select count(distinct r), count(distinct id) from many").await;
    assert!(drawn.iter().any(|line| line == "D 100|100"), "{drawn:?}");
}

/// What a sequence gives goes from value to value of a row, then to the next row.
#[tokio::test]
async fn sequences_are_asked_row_by_row() {
    let mut session = open(&gateway().await);
    simple(&mut session, "create sequence s; create table t (a int, b int, c int)").await;
    let rows = vec!["(nextval('s'), currval('s'), 1)"; 50].join(", ");
    simple(&mut session, &format!("insert into t values {rows}")).await;
    let lines = simple(&mut session, "select count(*), count(*) filter (where a = b), max(a) from t").await;
    assert!(lines.iter().any(|line| line == "D 50|50|50"), "{lines:?}");
}
