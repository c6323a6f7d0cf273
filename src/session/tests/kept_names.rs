//! What kept text names: the objects that were meant when it was made, whoever uses it, and under whatever name they go now.

use super::*;

fn rows(lines: &[String]) -> Vec<&str> {
    lines.iter().filter(|l| l.starts_with("D ") || l.starts_with("E ")).map(String::as_str).collect()
}

async fn run(session: &mut Session, text: &str) -> Vec<String> {
    rows(&simple(session, text).await).into_iter().map(str::to_owned).collect()
}

const MADE: &str = "
    create schema app; create schema other;
    create type app.mood as enum ('ok', 'new'); create sequence app.ids start 7; create table app.emp(id int, name text);
    insert into app.emp values (1, 'ann'); create type public.mood as enum ('zzz'); create sequence public.ids start 1000;
    create table public.emp(id int, name text); insert into public.emp values (9, 'other');
    create role bob login; grant usage, create on schema app, public, other to bob; grant usage on sequence app.ids to bob;
    set search_path = app, public;
    create domain level as text check (value::mood is not null);
    create table tq(id int default nextval('ids'), m text check (m::mood is not null),
                    g text generated always as (case when m = 'ok' then 'yes' end) stored, d date default '02/01/2020');
    create index on tq ((m || 'x')) where 'new'::mood > 'ok'::mood;
    create view v as select * from emp;
    grant all on tq, v to bob";

/// The types, sequences and tables of the path of who made it, not those of who uses it.
#[tokio::test]
async fn the_writers_search_path_does_not_matter() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    assert_eq!(run(&mut root, MADE).await, Vec::<String>::new());
    let mut bob = open_as(&gateway, "bob", &[]).unwrap();
    for path in ["public", "other", "pg_catalog", "app, public", ""] {
        run(&mut bob, "set datestyle = 'SQL, DMY'").await;
        run(&mut bob, &format!("set search_path = {}", if path.is_empty() { "''" } else { path })).await;
        let made = run(&mut bob, "insert into app.tq(m) values ('ok') returning m, g, d = date '2020-02-01'").await;
        assert_eq!(made, ["D ok|yes|t"], "{path}");
        let refused = run(&mut bob, "insert into app.tq(m) values ('zzz')").await;
        assert!(refused[0].starts_with("E 22P02"), "{path}: {refused:?}");
        assert_eq!(run(&mut bob, "select name from app.v").await, ["D ann"], "{path}");
        let refused = run(&mut bob, "select 'zzz'::app.level").await;
        assert!(refused[0].starts_with("E 22P02"), "{path}: {refused:?}");
    }
    let drawn = run(&mut root, "select min(id) >= 7, max(id) < 100 from app.tq").await;
    assert_eq!(drawn, ["D t|t"]);
    // Temporary objects stand in for nothing either, nor does what is made later in front of it on the path.
    let later = "create temp table emp(id int, name text); insert into emp values (5, 'temp');
                 create temp sequence ids; set search_path = other, app, public; create table other.emp(id int, name text);
                 insert into other.emp values (6, 'later')";
    assert_eq!(run(&mut bob, later).await, Vec::<String>::new());
    assert_eq!(run(&mut bob, "select name from app.v").await, ["D ann"]);
}

#[tokio::test]
async fn kept_text_follows_renames() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    assert_eq!(run(&mut root, MADE).await, Vec::<String>::new());
    let renamed = "alter type app.mood rename to feeling; alter sequence app.ids rename to numbers;
                   alter table app.emp rename to person; create type app.mood as enum ('other');
                   create sequence app.ids; create table app.emp(id int, name text)";
    assert_eq!(run(&mut root, renamed).await, Vec::<String>::new());
    let made = run(&mut root, "insert into app.tq(m) values ('new') returning id, m").await;
    assert_eq!(made, ["D 7|new"]);
    assert!(run(&mut root, "insert into app.tq(m) values ('other')").await[0].starts_with("E 22P02"));
    assert_eq!(run(&mut root, "select name from app.v").await, ["D ann"]);
    assert_eq!(run(&mut root, "select 'ok'::app.level").await, ["D ok"]);
    let moved = "create schema far; alter table app.person set schema far; alter sequence app.numbers set schema far;
                 alter table app.tq rename to tw; insert into app.tw(m) values ('ok') returning id";
    assert_eq!(run(&mut root, moved).await, ["D 9"]);
    assert_eq!(run(&mut root, "select name from app.v").await, ["D ann"]);
    let moved =
        "alter view app.v rename to w; create view app.x as select w.name from app.w; alter view app.w rename to y;
                 select name from app.x";
    assert_eq!(run(&mut root, moved).await, ["D ann"]);
}

/// `*` is what it was when the view was made.
#[tokio::test]
async fn a_star_in_a_view_does_not_grow() {
    let mut session = open(&gateway().await);
    let made = "create table a(x int, y int); create table b(x int, z int); insert into a values (1, 2); insert into b values (1, 3);
                create view v1 as select * from a join b using (x); create view v2 as select b.*, a.y from a, b;
                create view v3 as select * from (select * from a) s; create view v4 as with q as (select * from b) select * from q;
                alter table a add w int default 9; alter table b add q int default 8";
    assert_eq!(run(&mut session, made).await, Vec::<String>::new());
    for (query, expected) in [("v1", "D 1|2|3"), ("v2", "D 1|3|2"), ("v3", "D 1|2"), ("v4", "D 1|3")] {
        assert_eq!(run(&mut session, &format!("select * from {query}")).await, [expected], "{query}");
    }
}

#[tokio::test]
async fn what_kept_text_names_is_not_dropped_under_it() {
    let mut session = open(&gateway().await);
    assert_eq!(run(&mut session, MADE).await, Vec::<String>::new());
    run(&mut session, "create type alone as enum ('x'); create view uses as select 'x'::alone as a").await;
    for (statement, expected) in [
        ("drop type app.mood", "E 2BP01 cannot drop type mood because other objects depend on it"),
        ("drop type app.alone", "E 2BP01 cannot drop type alone because other objects depend on it"),
        ("drop sequence app.ids", "E 2BP01 cannot drop sequence ids because other objects depend on it"),
        ("drop table app.emp", "E 2BP01 cannot drop table emp because other objects depend on it"),
    ] {
        assert_eq!(run(&mut session, statement).await, [expected], "{statement}");
    }
    assert_eq!(
        run(&mut session, "drop type public.mood; drop sequence public.ids; drop table public.emp").await,
        Vec::<String>::new()
    );
    assert_eq!(run(&mut session, "drop view uses; drop type alone").await, Vec::<String>::new());
}

/// LIKE takes over what is meant, not what is written.
#[tokio::test]
async fn like_takes_over_what_is_meant() {
    let mut session = open(&gateway().await);
    let made = "create type mood as enum ('ok'); create table t(m text default 'ok'::mood check (m::mood is not null));
                create schema app; create type app.mood as enum ('zzz'); set search_path = app, public;
                create table u (like public.t including all); insert into u default values; select m from u";
    assert_eq!(run(&mut session, made).await, ["D ok"]);
    assert!(run(&mut session, "insert into u values ('zzz')").await[0].starts_with("E 22P02"));
}

/// A name that has to be quoted is seen in a view as any other.
#[tokio::test]
async fn a_column_that_a_view_reads_keeps_its_type() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    let made = r#"create table wide(a int, "W n" text, "q""q" text, plain text); insert into wide values (1, 'shown', 'x', 'y');
                  create view narrow as select "W n" from wide where "q""q" = 'x' and plain = 'y'"#;
    assert_eq!(run(&mut root, made).await, Vec::<String>::new());
    for column in [r#""W n""#, r#""q""q""#, "plain"] {
        for change in ["drop column {}", "alter column {} type int using 1"] {
            let refused = run(&mut root, &format!("alter table wide {}", change.replace("{}", column))).await;
            assert!(refused[0].starts_with("E 0A000") || refused[0].starts_with("E 2BP01"), "{column}: {refused:?}");
        }
    }
    for (column, to) in [(r#""W n""#, "plainer"), (r#""q""q""#, r#""W n""#), ("plain", r#""select""#)] {
        let renamed = run(&mut root, &format!("alter table wide rename column {column} to {to}")).await;
        assert_eq!(renamed, Vec::<String>::new(), "{column}");
        assert_eq!(run(&mut root, r#"select "W n" from narrow"#).await, ["D shown"], "{column}");
    }
}

/// Every way in which a name without a relation's could come to mean a column that is added later, or renamed.
#[tokio::test]
async fn views_read_the_columns_that_they_were_made_over() {
    const VIEWS: [(&str, &str); 12] = [
        ("outer", "select a from t where exists (select 1 from u where u.k = x)"),
        ("scalar", "select a, (select max(k) from u where k = x) m from t"),
        ("inside", "select a from t where a in (select x from u)"),
        ("natural", "select * from t natural join w"),
        ("using", "select a, q.m from (t join w using (a)) join (select 1 as m, 1 as k) q on q.m = 1"),
        ("full_using", "select a, m from t full join w using (a)"),
        ("star", "select * from t, u"),
        ("grouped", "select x as k, count(*) from t group by k"),
        ("ordered", "select a as y, x from t order by y limit 1"),
        ("lateral", "select a, l.m from t, lateral (select k + x as m from u) l"),
        ("inner_from", "select a from (select a, x from t) q where x > 0 and exists (select k from u where a = k)"),
        ("cte", "with q as (select a, x from t) select a from q where exists (select 1 from u where k = x)"),
    ];
    let gateway = gateway().await;
    let mut root = open(&gateway);
    let made = "create table t (a int, x int); insert into t values (1, 10), (2, 20);
                create table u (k int); insert into u values (10), (1); create table w (a int, m int);
                insert into w values (1, 5), (3, 6)";
    assert_eq!(run(&mut root, made).await, Vec::<String>::new());
    let mut before = Vec::new();
    for (name, query) in VIEWS {
        assert_eq!(run(&mut root, &format!("create view v_{name} as {query}")).await, Vec::<String>::new(), "{name}");
        before.push(run(&mut root, &format!("select * from v_{name}")).await);
    }
    let added = "alter table u add column x int; alter table u add column a int; alter table u add column m int;
                 alter table w add column x int; update w set x = 99; update u set x = 1000, a = 2000;
                 alter table t add column k int; alter table t add column y int; update t set k = -a, y = -a;
                 alter table t add column m int; alter table w add column k int";
    for change in added.split(';') {
        assert_eq!(run(&mut root, change).await, Vec::<String>::new(), "{change}");
    }
    for ((name, _), before) in VIEWS.iter().zip(&before) {
        assert_eq!(run(&mut root, &format!("select * from v_{name}")).await, *before, "{name} after ADD COLUMN");
    }
    let renamed = "alter table t rename column x to xx; alter table t rename column a to aa;
                   alter table u rename column k to kk; alter table w rename column a to ww";
    for change in renamed.split(';') {
        assert_eq!(run(&mut root, change).await, Vec::<String>::new(), "{change}");
    }
    for ((name, _), before) in VIEWS.iter().zip(&before) {
        assert_eq!(run(&mut root, &format!("select * from v_{name}")).await, *before, "{name} after RENAME");
    }
    // A view's own column, which another view reads.
    let nested = "create view n1 as select a, m from v_natural; create view n2 as select m from n1 where a = 1;
                  alter table n1 rename column m to mm; alter view n1 rename a to m";
    assert_eq!(run(&mut root, nested).await, Vec::<String>::new());
    assert_eq!(run(&mut root, "select * from n2").await, ["D 5"]);
    assert_eq!(run(&mut root, "select m, mm from n1").await, ["D 1|5"]);
}

/// What stands in the text beside the names must come through as well.
#[tokio::test]
async fn views_keep_what_was_written() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    let made = "create table t (a int, b int); insert into t values (1, 1), (2, 1), (3, 2);
        create view excluded as select a, sum(a) over (order by b groups between unbounded preceding and current row
            exclude ties) s from t;
        create view tied as select a from t order by b fetch first 1 rows with ties;
        create view rolled as select a, b, count(*) n from t group by grouping sets (rollup (a, b), (b));
        create view functions as select x.g, x.h from rows from (generate_series(1, 2), generate_series(5, 7)) as x (g, h);
        create view compared as select row(a, b) < row(2, null::int) as c from t;
        create view varied as select concat(variadic array['a', a::text]) as c from t";
    assert_eq!(run(&mut root, made).await, Vec::<String>::new());
    for (view, rows) in [
        ("select a, s from excluded order by a", vec!["D 1|1", "D 2|2", "D 3|6"]),
        ("select a from tied order by a", vec!["D 1", "D 2"]),
        ("select count(*) from rolled", vec!["D 9"]),
        ("select * from functions order by h", vec!["D 1|5", "D 2|6", "D NULL|7"]),
        ("select c from compared order by c", vec!["D f", "D t", "D NULL"]),
        ("select c from varied order by c", vec!["D a1", "D a2", "D a3"]),
    ] {
        assert_eq!(run(&mut root, view).await, rows, "{view}");
    }
}
