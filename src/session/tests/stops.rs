//! Native functions stop when their statement is to, and make no more than there is room for.

use std::time::{Duration, Instant};

use super::*;

#[tokio::test]
async fn natives_heed_the_statements_time() {
    let mut session = open(&gateway().await);
    simple(&mut session, "set statement_timeout = '300ms'").await;
    for sql in [
        "select jsonb_path_exists((select jsonb_agg(i) from generate_series(1, 30000) i), \
         '$ ? (@[*] == $.a || @[*] > @[*]+1 || (exists ($[*] ? (@ == $[*] && @ < 0))))')",
        "select length(regexp_replace(repeat('a', 300000), 'a', '\\&\\&\\&\\&\\&\\&\\&\\&\\&\\&', 'g')) \
         from generate_series(1, 100000)",
        "select max(length(to_char(g, repeat('9', 1000000)))) from generate_series(1, 100000) g",
        "do $$ begin loop end loop; end $$",
        "do $$ begin while true loop perform 1; end loop; exception when others then null; end $$",
    ] {
        let begun = Instant::now();
        let answer = simple(&mut session, sql).await;
        assert_eq!(answer[0], "E 57014 canceling statement due to statement timeout", "{sql}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{sql} took {:?}", begun.elapsed());
    }
    simple(&mut session, "reset statement_timeout").await;
    // The flag of what was stopped is not the next one's.
    assert_eq!(simple(&mut session, "select jsonb_path_exists('[1]', '$[*] ? (@ == 1)')").await[1], "D t");
}

/// Compiling is a session's work like any other: thousands of conditions take longer than this.
#[tokio::test]
async fn a_statement_that_is_compiled_heeds_its_time() {
    let mut session = open(&gateway().await);
    simple(&mut session, "create table compiled(a int, b text)").await;
    let sql =
        format!("select 1 from compiled where {}", vec!["(a = 1 and b like 'x%' or a is null)"; 2_000].join(" or "));
    simple(&mut session, "set statement_timeout = '1ms'").await;
    assert_eq!(simple(&mut session, &sql).await[0], "E 57014 canceling statement due to statement timeout");
}

#[tokio::test]
async fn natives_make_no_more_than_there_is_room_for() {
    let mut session = open(&gateway().await);
    for sql in [
        "select cardinality(string_to_array(repeat('a,', 20000000), ','))",
        "select length(array_agg(repeat('a', 100000))::text) from generate_series(1, 12000)",
        "select length(to_char(1, repeat('9', 200000000)))",
        "select cardinality(('{' || repeat('1,', 20000000) || '1}')::int[])",
    ] {
        let answer = simple(&mut session, sql).await;
        assert!(["E 53200", "E 54000"].iter().any(|code| answer[0].starts_with(code)), "{sql}: {answer:?}");
    }
    assert_eq!(simple(&mut session, "select cardinality(string_to_array(repeat('a,', 1000), ','))").await[1], "D 1001");
}

#[tokio::test]
async fn what_a_savepoint_made_immediate_is_deferred_again() {
    let mut session = open(&gateway().await);
    for sql in [
        "create table stops_p(id int primary key)",
        "create table stops_c(p int references stops_p deferrable initially deferred)",
        "begin",
        "savepoint a",
        "set constraints all immediate",
        "rollback to a",
        "insert into stops_c values (1)",
        "insert into stops_p values (1)",
    ] {
        let answer = simple(&mut session, sql).await;
        assert!(answer[0].starts_with("C "), "{sql}: {answer:?}");
    }
    assert_eq!(simple(&mut session, "commit").await[0], "C COMMIT");
}

#[tokio::test]
async fn ranges_and_cases_of_single_characters() {
    let mut session = open(&gateway().await);
    for (sql, expected) in [
        ("select make_timestamp(294277, 1, 1, 0, 0, 0)", "E 22008 timestamp out of range: 294277-01-01 0:00:00"),
        ("select make_timestamp(294000, 12, 31, 23, 59, 59)", "D 294000-12-31 23:59:59"),
        ("select initcap('ßb ÉCOLE')", "D ßb École"),
        ("select 'é' ~ '[[:alpha:]]'", "D t"),
        ("select 'É' ~ '^[[:lower:]]'", "D f"),
        ("select 'a1' ~ '^[[:alnum:]_]+$'", "D t"),
    ] {
        let answer = simple(&mut session, sql).await;
        assert!(answer.iter().any(|line| line == expected), "{sql}: {answer:?}");
    }
}

/// Each level takes its part of the stack: a process that overflows it is gone with all its clients.
#[test]
fn blocks_inside_of_blocks_are_counted_through_do_inside_of_do() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let run = move || runtime().block_on(deep_blocks());
    // As much as the gateway's threads have.
    std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap().join().unwrap();
}

async fn deep_blocks() {
    let mut session = open(&gateway().await);
    let nested = |dos: usize, ifs: usize| {
        (0..dos).fold("select 1".to_owned(), |inner, n| {
            let (begin, end) = ("if true then ".repeat(ifs), "end if; ".repeat(ifs));
            format!("do $q{n}$ begin {begin} execute $e{n}${inner}$e{n}$; {end} end $q{n}$")
        })
    };
    for (dos, ifs) in [(15, 60), (15, 190), (40, 1), (1, 390)] {
        let answer = simple(&mut session, &nested(dos, ifs)).await;
        assert_eq!(answer[0], "E 54001 stack depth limit exceeded", "{dos} of {ifs}");
    }
    for (dos, ifs) in [(1, 60), (3, 10)] {
        assert_eq!(simple(&mut session, &nested(dos, ifs)).await[0], "C DO", "{dos} of {ifs}");
    }
}

/// Work that grows by a power of the nesting holds up everybody on the thread.
#[tokio::test]
async fn arrays_inside_of_arrays_and_brackets_behind_a_type() {
    let mut session = open(&gateway().await);
    let arrays = |levels: usize| format!("select {}1{}", "array[".repeat(levels), "]".repeat(levels));
    assert_eq!(simple(&mut session, &arrays(6)).await[1], "D {{{{{{1}}}}}}");
    let answer = simple(&mut session, &arrays(200)).await;
    assert_eq!(answer[0], "E 54000 number of array dimensions (7) exceeds the maximum allowed (6)");
    let brackets = |pairs: usize| format!("select null::int{}", "[]".repeat(pairs));
    assert_eq!(simple(&mut session, &brackets(50_000)).await[0], "E 54001 stack depth limit exceeded");
    assert!(simple(&mut session, &brackets(100)).await.contains(&"C SELECT 1".to_owned()));
}
