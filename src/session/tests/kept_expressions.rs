//! Expressions that tables keep: what may stand in them, with PostgreSQL 15's errors, and with whose rights they run.

use super::*;

/// Statements and the error that PostgreSQL gives. `sx` has `a int, t timestamptz`.
const REFUSED: &[(&str, &str)] = &[
    ("create table sy(a int default (select 1))", "0A000 cannot use subquery in DEFAULT expression"),
    ("create table sy(a int default (1 + (select 1)))", "0A000 cannot use subquery in DEFAULT expression"),
    ("create table sy(a int default count(*))", "42803 aggregate functions are not allowed in DEFAULT expressions"),
    (
        "create table sy(a int default row_number() over ())",
        "42P20 window functions are not allowed in DEFAULT expressions",
    ),
    (
        "create table sy(a int default generate_series(1,2))",
        "0A000 set-returning functions are not allowed in DEFAULT expressions",
    ),
    ("create table sy(a int, b int default a + 1)", "0A000 cannot use column reference in DEFAULT expression"),
    ("create table sy(a int default $1)", "42P02 there is no parameter $1"),
    ("create table sy(a int, check (a > (select 1)))", "0A000 cannot use subquery in check constraint"),
    ("create table sy(a int check (exists (select 1)))", "0A000 cannot use subquery in check constraint"),
    ("create table sy(a int, check (a in (select 1)))", "0A000 cannot use subquery in check constraint"),
    ("create table sy(a int, check (array(select 1) = '{}'))", "0A000 cannot use subquery in check constraint"),
    (
        "create table sy(a int, check (case when a > 1 then coalesce(a, (select 1)) > 1 end))",
        "0A000 cannot use subquery in check constraint",
    ),
    ("create table sy(a int, check (count(a) > 1))", "42803 aggregate functions are not allowed in check constraints"),
    (
        "create table sy(a int, check (row_number() over () > 1))",
        "42P20 window functions are not allowed in check constraints",
    ),
    (
        "create table sy(a int, check (generate_series(1,2) > 1))",
        "0A000 set-returning functions are not allowed in check constraints",
    ),
    (
        "create table sy(a int, b int generated always as ((select a)) stored)",
        "0A000 cannot use subquery in column generation expression",
    ),
    (
        "create table sy(a int, b int generated always as (count(a)) stored)",
        "42803 aggregate functions are not allowed in column generation expressions",
    ),
    (
        "create table sy(a int, b int generated always as (row_number() over ()) stored)",
        "42P20 window functions are not allowed in column generation expressions",
    ),
    (
        "create table sy(a int, b int generated always as (generate_series(1,a)) stored)",
        "0A000 set-returning functions are not allowed in column generation expressions",
    ),
    (
        "create table sy(a int, b float generated always as (random()) stored)",
        "42P17 generation expression is not immutable",
    ),
    (
        "create table sy(a int, b text generated always as (current_user) stored)",
        "42P17 generation expression is not immutable",
    ),
    (
        "create table sy(t timestamptz, b text generated always as (t::text) stored)",
        "42P17 generation expression is not immutable",
    ),
    (
        "create table sy(d date, b text generated always as (d || 'x') stored)",
        "42P17 generation expression is not immutable",
    ),
    ("create index on sx ((a + (select 1)))", "0A000 cannot use subquery in index expression"),
    ("create index on sx ((count(a)))", "42803 aggregate functions are not allowed in index expressions"),
    ("create index on sx ((row_number() over ()))", "42P20 window functions are not allowed in index expressions"),
    (
        "create index on sx ((generate_series(1,a)))",
        "0A000 set-returning functions are not allowed in index expressions",
    ),
    ("create index on sx ((random()))", "42P17 functions in index expression must be marked IMMUTABLE"),
    ("create index on sx ((t::date))", "42P17 functions in index expression must be marked IMMUTABLE"),
    ("create index on sx (a) where a > (select 1)", "0A000 cannot use subquery in index predicate"),
    ("create index on sx (a) where count(a) > 1", "42803 aggregate functions are not allowed in index predicates"),
    (
        "create index on sx (a) where row_number() over () > 1",
        "42P20 window functions are not allowed in index predicates",
    ),
    (
        "create index on sx (a) where generate_series(1,a) > 1",
        "0A000 set-returning functions are not allowed in index predicates",
    ),
    ("create index on sx (a) where a > random()", "42P17 functions in index predicate must be marked IMMUTABLE"),
    ("alter table sx alter a type int using (select 1)", "0A000 cannot use subquery in transform expression"),
    (
        "alter table sx alter a type int using count(a)",
        "42803 aggregate functions are not allowed in transform expressions",
    ),
    (
        "alter table sx alter a type int using row_number() over ()",
        "42P20 window functions are not allowed in transform expressions",
    ),
    (
        "alter table sx alter a type int using generate_series(1,a)",
        "0A000 set-returning functions are not allowed in transform expressions",
    ),
    ("alter table sx alter a set default (select 1)", "0A000 cannot use subquery in DEFAULT expression"),
    ("alter table sx add b int default (select 1)", "0A000 cannot use subquery in DEFAULT expression"),
    (
        "alter table sx add b int generated always as ((select 1)) stored",
        "0A000 cannot use subquery in column generation expression",
    ),
    ("alter table sx add check (a > (select 1))", "0A000 cannot use subquery in check constraint"),
    ("prepare px(int) as select $1; execute px((select 1))", "0A000 cannot use subquery in EXECUTE parameter"),
    ("copy sx from stdin where a > (select 1)", "0A000 cannot use subquery in COPY FROM WHERE condition"),
];

/// What PostgreSQL takes.
const TAKEN: &[&str] = &[
    "create table s1(a int, b text generated always as (a || 'x') stored, c int generated always as (a * 2) stored)",
    "create table s2(a int, check (a > random()::int))",
    "create table s3(a int default floor(random() * 6), t timestamptz default now(), u text default current_user)",
    "create table s4(d date, y int generated always as (extract(year from d)) stored, check (d > date '2000-01-01'))",
    "create table s5(n numeric, t text generated always as (n::text) stored, l text generated always as (lower(n::text)) stored)",
    "create index on s1 ((a + 1)) where a > 2",
    "insert into s1 values (1)",
];

fn error(lines: &[String]) -> String {
    lines.iter().find_map(|l| l.strip_prefix("E ")).unwrap_or("no error").to_owned()
}

#[tokio::test]
async fn kept_expressions_are_over_one_row() {
    let mut session = open(&gateway().await);
    simple(&mut session, "create table sx(a int, t timestamptz)").await;
    for (statement, expected) in REFUSED {
        assert_eq!(error(&simple(&mut session, statement).await), *expected, "{statement}");
    }
    for statement in TAKEN {
        assert_eq!(error(&simple(&mut session, statement).await), "no error", "{statement}");
    }
    let sequence = "create sequence sq; create table sy(a int, check (nextval('sq') > 0))";
    assert!(error(&simple(&mut session, sequence).await).starts_with("0A000"));
}

/// What a schema change runs at once (a new column's default, the rows against a new check) runs with the asking role's
/// rights, except for the table itself, which is its own.
#[tokio::test]
async fn a_schema_change_runs_expressions_as_its_role() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    let made = simple(
        &mut root,
        "create role bob login; grant create on schema public to bob; create sequence sq; create sequence free;
         grant usage on sequence free to bob; create table public.secret(ssn text); insert into secret values ('s')",
    )
    .await;
    assert_eq!(error(&made), "no error");
    let mut bob = open_as(&gateway, "bob", &[]).unwrap();
    let made = simple(
        &mut bob,
        "create table lk(a int); insert into lk values (1); revoke all on lk from bob;
         alter table lk add f int default nextval('free'); alter table lk add x int default 5;
         alter table lk add check (x = 5)",
    )
    .await;
    assert_eq!(error(&made), "no error");
    let oid = simple(&mut root, "select 'sq'::regclass::oid").await[1][2..].to_owned();
    for statement in [
        "alter table lk add c int default nextval('sq')",
        "alter table lk alter a type int using setval('sq', 77)::int",
        "alter table lk add c bigint default setval('sq', 5)",
        "alter table lk add c bigint default setval((OID + (random() * 0)::int)::oid::regclass, 5)",
        "alter table lk add c bigint default nextval((OID + (random() * 0)::int)::oid::regclass)",
    ] {
        let statement = statement.replace("OID", &oid);
        assert_eq!(
            error(&simple(&mut bob, &statement).await),
            "42501 permission denied for sequence sq",
            "{statement}"
        );
    }
    let leak = "alter table lk add s text default (select string_agg(ssn, ',') from secret)";
    assert_eq!(error(&simple(&mut bob, leak).await), "0A000 cannot use subquery in DEFAULT expression");
    assert_eq!(simple(&mut root, "select f, x, nextval('sq') from lk").await[1], "D 1|5|1");
}

/// nextval needs USAGE or UPDATE, currval and lastval USAGE or SELECT, setval UPDATE, however the sequence is named.
#[tokio::test]
async fn sequence_functions_ask_for_their_privilege() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    simple(&mut root, "create role bob login; create sequence sq").await;
    let mut bob = open_as(&gateway, "bob", &[]).unwrap();
    let oid = simple(&mut root, "select 'sq'::regclass::oid").await[1][2..].to_owned();
    let names = ["'sq'".to_owned(), format!("({oid} + (random() * 0)::int)::oid::regclass")];
    let denied = "42501 permission denied for sequence sq";
    let allowed = [
        ("select", [denied, "no error", denied]),
        ("usage", ["no error", "no error", denied]),
        ("update", ["no error", denied, "no error"]),
    ];
    for (privilege, expected) in allowed {
        simple(&mut root, "grant update on sq to bob").await;
        simple(&mut bob, "select nextval('sq')").await;
        simple(&mut root, &format!("revoke all on sq from bob; grant {privilege} on sq to bob")).await;
        for sq in &names {
            for (call, expected) in ["nextval({})", "currval({})", "setval({}, 9)"].iter().zip(expected) {
                let text = format!("select {}", call.replace("{}", sq));
                assert_eq!(error(&simple(&mut bob, &text).await), expected, "{privilege}: {text}");
            }
        }
        assert_eq!(error(&simple(&mut bob, "select setval('sq', 9, false)").await), expected[2]);
        assert_eq!(error(&simple(&mut bob, "select lastval()").await), expected[1]);
    }
}
