//! What one call of a function may make, and what is refused by name.

use super::*;

async fn run(session: &mut Session, text: &str) -> String {
    let lines = simple(session, text).await;
    assert!(!lines.iter().any(|l| l.starts_with("E XX000")), "{lines:?}");
    let shown: Vec<&str> =
        lines.iter().filter(|l| l.starts_with("D ") || l.starts_with("E ")).map(String::as_str).collect();
    shown.join("; ")
}

/// The engine of these tests has 512 MB.
#[tokio::test]
async fn a_function_makes_no_more_than_its_budget() {
    let mut session = open(&gateway().await);
    let refused = [
        "select length(lpad('x', 1073741824))",
        "select length(rpad('x', 2000000000, 'ab'))",
        "select length(repeat('x', 1073741824))",
        "select length(format('%1100000000s', 'x'))",
        "select length(replace(repeat('a', 100000), 'a', repeat('b', 100000)))",
        "select length(array_to_string(string_to_array(repeat('a,', 100000), ','), repeat('b', 100000)))",
    ];
    for statement in refused {
        assert_eq!(run(&mut session, statement).await, "E 54000 requested length too large", "{statement}");
    }
    let out_of_memory = [
        "select length(lpad('x', 500000000))",
        "select length(repeat('ab', 250000000))",
        "select count(length(g::int::bit(1000000))) from generate_series(1, 2000) g",
        "select count(length((case when g > 0 then B'1' end)::bit(1000000))) from generate_series(1, 2000) g",
        "select length(format('%500000000s', 'x'))",
        // DuckDB throws while results are written into its vectors.
        "select count(array_to_string(array[lpad('x', 1000000), g::text], '-')) from generate_series(1, 1200) g",
        "select count(length(lpad('x', 1000000 + g::int))) from generate_series(1, 2000) g",
        "select length(regexp_replace(repeat('a', 100000), 'a', repeat('b', 100000), 'g'))",
    ];
    for statement in out_of_memory {
        assert_eq!(run(&mut session, statement).await, "E 53200 out of memory", "{statement}");
    }
    let taken = [
        (
            "select lpad('hi', 7, 'xyz'), rpad('hi', 7, 'xyz'), lpad('hello', 2), lpad('é', 3, 'ü'), rpad('a', 3, '')",
            "D xyzxyhi|hixyzxy|he|üüé|a",
        ),
        ("select replace('abcabc', 'b', 'xx'), replace('abc', '', 'x'), replace('aaa', 'a', '')", "D axxcaxxc|abc|"),
        (
            "select length(B'101'::bit(100000)), substring(B'101'::bit(100000) from 2 for 3), length(5::bit(70000))",
            "D 100000|010|70000",
        ),
        ("select length(repeat('x', 1000000)), length(lpad('x', 1000000, 'ab'))", "D 1000000|1000000"),
    ];
    for (statement, expected) in taken {
        assert_eq!(run(&mut session, statement).await, expected, "{statement}");
    }
}

/// DuckDB would leave out (7, 'a') of the first for the sake of (1, 'a'), which does not go in itself.
#[tokio::test]
async fn rows_that_share_one_of_several_keys_are_not_dropped() {
    let mut session = open(&gateway().await);
    run(&mut session, "create table x(id int primary key, k text unique); insert into x values (1, 'f')").await;
    run(&mut session, "insert into x values (1, 'a'), (7, 'a') on conflict do nothing").await;
    run(&mut session, "insert into x values (1, 'a'), (8, 'b'), (9, null) on conflict do nothing").await;
    run(&mut session, "insert into x values (1, 'z'), (1, 'z'), (10, 'c') on conflict (id) do nothing").await;
    assert_eq!(run(&mut session, "select * from x order by id").await, "D 1|f; D 7|a; D 8|b; D 9|NULL; D 10|c");
    // RETURNING is read when the rows are found; PostgreSQL's queries in it see what was there before.
    for (returned, seen) in [("(select count(*) from x)", "5"), ("exists (select from x y where y.id = 22)", "f")] {
        let text =
            format!("insert into x values (22, 's'), (10, 't') on conflict (id) do nothing returning {returned}");
        assert_eq!(run(&mut session, &text).await, format!("D {seen}"), "{text}");
        run(&mut session, "delete from x where id = 22").await;
    }
}

#[tokio::test]
async fn what_cannot_be_explained_is_refused_by_name() {
    let mut session = open(&gateway().await);
    run(&mut session, "create table t(a int); prepare p as select * from t").await;
    for (statement, expected) in [
        ("explain execute p", "E 0A000 EXPLAIN EXECUTE is not supported"),
        ("explain analyze create table u as select 1", "E 0A000 EXPLAIN ANALYZE CREATE TABLE AS is not supported"),
    ] {
        assert_eq!(run(&mut session, statement).await, expected, "{statement}");
    }
    for statement in
        ["explain create table u as select * from t", "begin; explain declare c cursor for select * from t; rollback"]
    {
        assert!(run(&mut session, statement).await.contains(" on t"), "{statement}");
    }
    assert!(run(&mut session, "select * from u").await.starts_with("E 42P01"));
}

/// DuckDB has no enum of no labels.
#[tokio::test]
async fn columns_of_an_enum_wait_for_its_first_label() {
    let mut session = open(&gateway().await);
    run(&mut session, "create type e as enum (); create table t(a int)").await;
    for (statement, name) in [
        ("create table u(x e)", "e"),
        ("create table u(x e[])", "e[]"),
        ("alter table t add column x e", "e"),
        ("create temp table u(x e)", "e"),
    ] {
        let expected = format!("E 0A000 a column of type {name} is not supported");
        assert_eq!(run(&mut session, statement).await, expected, "{statement}");
    }
    run(&mut session, "alter type e add value 'a'; create table u(x e, y e[])").await;
    let rows = run(&mut session, "insert into u values ('a', '{a,a}'); select x, y from u").await;
    assert!(rows.contains("{a,a}"), "{rows}");
}

/// A CHECK runs with the rights of whoever writes.
#[tokio::test]
async fn checks_are_judged_too() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    run(&mut root, "create role bob login; grant create on schema public to bob").await;
    let mut bob = open_as(&gateway, "bob", &[]).unwrap();
    let statement = "create table own(a int, check (pg_reload_conf())); insert into own values (1)";
    let answer = run(&mut bob, statement).await;
    assert!(answer.starts_with("E 42501") || answer.starts_with("E 0A000"), "{answer}");
}

/// DuckDB's foreign keys are between columns of one type.
#[tokio::test]
async fn columns_of_foreign_keys_change_their_type() {
    let mut session = open(&gateway().await);
    let made =
        "create table p(id int primary key); create table c(id int primary key, p int constraint fk references p);
                insert into p values (1); insert into c values (2, 1)";
    assert_eq!(run(&mut session, made).await, "");
    let changed = "alter table c alter p type bigint; alter table p alter id type bigint;
                   create table d(p smallint references p); insert into d values (1); select * from c";
    assert_eq!(run(&mut session, changed).await, "D 2|1");
    assert!(run(&mut session, "insert into d values (9)").await.starts_with("E 23503"));
    assert!(run(&mut session, "insert into c values (3, 9)").await.starts_with("E 23503"));
    assert!(run(&mut session, "delete from p").await.starts_with("E 23503"));
}

/// Four statements run at once here.
#[tokio::test]
async fn a_role_leaves_a_place_to_the_statements_of_others() {
    let gateway = gateway().await;
    let mut other = open(&gateway);
    assert_eq!(run(&mut other, "create role app login").await, "");
    let mut sessions: Vec<Session> = (0..5).map(|_| open_as(&gateway, "app", &[]).unwrap()).collect();
    let began = std::time::Instant::now();
    let busy = futures::future::join_all(sessions.iter_mut().map(|session| run(session, "select pg_sleep(2)")));
    let others = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let asked = std::time::Instant::now();
        (run(&mut other, "select 1").await, asked.elapsed())
    };
    let (_, (answer, took)) = futures::join!(busy, others);
    assert_eq!(answer, "D 1");
    assert!(took < Duration::from_millis(1200), "{took:?}: all places were taken");
    assert!(began.elapsed() >= Duration::from_millis(3900), "five of two seconds each, three at once");
}

/// As PostgreSQL answers.
#[tokio::test]
async fn vacuum_and_analyze_of_others_tables_are_warned_of() {
    let gateway = gateway().await;
    let mut owner = open(&gateway);
    let made = "create role app login; create table doc(id int); create table tree(k int); create table leaf(k int)";
    assert_eq!(run(&mut owner, made).await, "");
    let mut app = open_as(&gateway, "app", &[]).unwrap();
    for (text, verb) in [("analyze doc", "analyze"), ("vacuum doc", "vacuum"), ("vacuum analyze doc", "vacuum")] {
        let lines = simple(&mut app, text).await;
        let warning = format!("N 01000 skipping \"doc\" --- only table or database owner can {verb} it");
        assert!(lines.contains(&warning), "{text}: {lines:?}");
        assert!(!simple(&mut owner, text).await.iter().any(|line| line.starts_with("N ")), "{text}");
    }
    assert_eq!(
        run(&mut app, "alter table tree attach partition leaf default").await,
        "E 42501 must be owner of table tree"
    );
}

#[tokio::test]
async fn more_migrations_than_there_are_waiting_threads_take_turns() {
    let gateway = gateway().await;
    let mut first = open(&gateway);
    let waiters = gateway.limits().lock_waiters + 4;
    let lock = |timeout: &str| {
        format!("WITH s AS (SELECT set_config('lock_timeout', '{timeout}', true)) SELECT pg_advisory_lock(7) FROM s")
    };
    assert_eq!(simple(&mut first, &lock("30s")).await, ["T pg_advisory_lock:2278", "D ", "C SELECT 1", "Z I"]);
    let all = |timeout: &'static str| {
        let each = (0..waiters).map(|_| {
            let (mut session, lock) = (open(&gateway), lock(timeout));
            async move {
                let lines = simple(&mut session, &lock).await;
                let shown =
                    simple(&mut session, "SELECT pg_advisory_unlock_all(), current_setting('lock_timeout')").await;
                (lines, shown[1].clone())
            }
        });
        futures::future::join_all(each)
    };
    for (lines, timeout) in all("200ms").await {
        assert_eq!(lines, ["E 55P03 canceling statement due to lock timeout", "Z I"]);
        assert_eq!(timeout, "D |0");
    }
    let (each, released) = tokio::join!(all("30s"), async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        simple(&mut first, "SELECT pg_advisory_unlock(7)").await
    });
    assert_eq!(released[1], "D t");
    for (lines, timeout) in each {
        assert_eq!(lines, ["T pg_advisory_lock:2278", "D ", "C SELECT 1", "Z I"]);
        assert_eq!(timeout, "D |0");
    }
}

#[tokio::test]
async fn texts_that_are_too_long_to_be_compiled_are_refused_while_they_are_read() {
    let gateway = gateway().await;
    let mut session = open(&gateway);
    for long in [
        format!("values {}", vec!["(1)"; 300_000].join(",")),
        format!("select array[{}]", vec!["1"; 600_000].join(",")),
        format!("prepare p as select {}", vec!["1"; 600_000].join("+")),
    ] {
        assert_eq!(run(&mut session, &long).await, "E 53200 out of memory");
    }
    // What was taken has been given back, and who sends less does not notice.
    let fits = format!("select count(*) from (values {}) v", vec!["(1)"; 20_000].join(","));
    for _ in 0..20 {
        assert_eq!(run(&mut session, &fits).await, "D 20000");
    }
}

#[tokio::test]
async fn what_is_sought_in_a_long_text_takes_no_product_of_their_lengths() {
    let gateway = gateway().await;
    let mut session = open(&gateway);
    for (expression, value) in [
        ("length(translate(repeat('x', 600000), repeat('y', 600000) || 'x', ''))", "0"),
        ("translate('añb', repeat('ü', 40) || 'ñba', repeat('-', 40) || '12')", "12"),
        ("strpos(repeat('a', 6000000) || 'b', repeat('a', 100000) || 'c')", "0"),
        ("position(repeat('a', 100000) || 'b' in 'ü' || repeat('a', 6000000) || 'b')", "5900002"),
    ] {
        assert_eq!(run(&mut session, &format!("select {expression}")).await, format!("D {value}"));
    }
}
