//! Savepoints against PostgreSQL: random transactions with its recorded answers, and what only the gateway can say (40001).
//!
//! `scripts/random-savepoints.py` makes as many as one likes and compares with a real PostgreSQL; a few of them are recorded
//! in tests/savepoints/programs.txt.

mod support;

use support::protocol::{Connection, cstr, data_row, fields, query};
use support::server::{Options, Server};

/// One statement and its answer, as scripts/random-savepoints.py writes them.
type Step<'a> = (&'a str, &'a str);

fn programs(text: &str) -> Vec<(&str, Vec<Step<'_>>)> {
    let mut programs: Vec<(&str, Vec<Step<'_>>)> = Vec::new();
    let mut sql = "";
    for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        if let Some(name) = line.strip_prefix("== ") {
            programs.push((name, Vec::new()));
        } else if let Some(answer) = line.strip_prefix('\t') {
            programs.last_mut().expect("a program").1.push((sql, answer));
        } else {
            sql = line;
        }
    }
    programs
}

/// The answer to a simple query as one line.
fn answer(connection: &mut Connection, sql: &str) -> String {
    connection.send(&query(sql)).expect("sent");
    let (mut names, mut rows, mut tag, mut error) = (None, Vec::new(), String::new(), None);
    loop {
        let message = connection.read().expect("an answer");
        match message.tag {
            b'T' => names = Some(column_names(&message.body)),
            b'D' => {
                let texts = data_row(&message.body).into_iter().map(|value| match value {
                    Some(bytes) => String::from_utf8(bytes).expect("text"),
                    None => "NULL".into(),
                });
                rows.push(texts.collect::<Vec<_>>());
            }
            b'C' => tag = cstr(&message.body).0,
            b'E' => error = fields(&message.body).into_iter().find(|(key, _)| *key == 'C').map(|(_, code)| code),
            b'Z' => break,
            _ => {}
        }
    }
    if let Some(code) = error {
        return format!("ERROR {code}");
    }
    let Some(names) = names else { return tag };
    if !sql.contains("ORDER BY") && !sql.starts_with("FETCH") {
        rows.sort();
    }
    let rows: Vec<String> = rows.iter().map(|row| row.join("|")).collect();
    format!("{tag} ({}) {}", names.join(","), rows.join(" "))
}

fn column_names(body: &[u8]) -> Vec<String> {
    let mut rest = &body[2..];
    let mut names = Vec::new();
    while !rest.is_empty() {
        let (name, after) = cstr(rest);
        names.push(name);
        rest = &after[18..];
    }
    names
}

#[test]
fn random_transactions_answer_as_postgresql_does() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/savepoints/programs.txt"));
    let text = text.expect("tests/savepoints/programs.txt");
    let programs = programs(&text);
    assert!(programs.len() >= 30, "{} programs", programs.len());
    let server = Server::start(&Options::default());
    let mut failures = Vec::new();
    for (name, steps) in &programs {
        let mut connection = server.target.connect().expect("connected");
        for sql in ["SET client_min_messages = error", "SET timezone = 'UTC'"] {
            connection.query(sql).expect("set");
        }
        for (number, (sql, expected)) in steps.iter().enumerate() {
            let got = answer(&mut connection, sql);
            if got.trim_end() != expected.trim_end() {
                failures.push(format!("program {name}, step {number}: {sql}\n  - {expected}\n  + {got}"));
                break;
            }
        }
    }
    assert!(failures.is_empty(), "{} of {} programs differ:\n{}", failures.len(), programs.len(), failures.join("\n"));
}

/// Two sessions: `b:` before a statement is the other one's. Each with what is answered.
fn scenario(server: &Server, steps: &[Step<'_>]) {
    let mut sessions = [0, 1].map(|_| server.target.connect().expect("connected"));
    for (number, (sql, expected)) in steps.iter().enumerate() {
        let (session, sql) = sql.strip_prefix("b: ").map_or((0, *sql), |sql| (1, sql));
        let got = answer(&mut sessions[session], sql);
        assert_eq!(got.trim_end(), *expected, "step {number}: {sql}");
    }
}

#[test]
fn what_others_commit_meanwhile_matters_only_where_it_is_read() {
    let server = Server::start(&Options::default());
    scenario(
        &server,
        &[
            ("CREATE TABLE t (id int4 PRIMARY KEY, n int4)", "CREATE TABLE"),
            ("CREATE TABLE o (id int4)", "CREATE TABLE"),
            ("INSERT INTO t VALUES (1, 1)", "INSERT 0 1"),
            // Rows of one's own making: others may do what they like.
            ("BEGIN", "BEGIN"),
            ("INSERT INTO t VALUES (2, 2) RETURNING id", "INSERT 0 1 (id) 2"),
            ("SAVEPOINT s", "SAVEPOINT"),
            ("SELECT 1/(n - n) FROM generate_series(1, 1) n", "ERROR 22012"),
            ("b: INSERT INTO t VALUES (3, 3)", "INSERT 0 1"),
            ("ROLLBACK TO s", "ROLLBACK"),
            ("SELECT count(*) FROM t", "SELECT 1 (count) 3"),
            ("COMMIT", "COMMIT"),
            // A change that read another table, which is another one now.
            ("BEGIN", "BEGIN"),
            ("INSERT INTO o SELECT count(*) FROM t", "INSERT 0 1"),
            ("SELECT id FROM o", "SELECT 1 (id) 3"),
            ("SAVEPOINT s", "SAVEPOINT"),
            ("SELECT 1/(n - n) FROM generate_series(1, 1) n", "ERROR 22012"),
            ("b: INSERT INTO t VALUES (4, 4)", "INSERT 0 1"),
            ("ROLLBACK TO s", "ERROR 40001"),
            ("SELECT 1", "ERROR 25P02"),
            ("ROLLBACK TO s", "ERROR 3B001"),
            ("ROLLBACK", "ROLLBACK"),
            // The same, with another table changed.
            ("BEGIN", "BEGIN"),
            ("INSERT INTO o SELECT count(*) FROM t", "INSERT 0 1"),
            ("SAVEPOINT s", "SAVEPOINT"),
            ("SELECT 1/(n - n) FROM generate_series(1, 1) n", "ERROR 22012"),
            ("b: INSERT INTO o VALUES (77)", "INSERT 0 1"),
            ("ROLLBACK TO s", "ROLLBACK"),
            ("SELECT id FROM o", "SELECT 2 (id) 4 77"),
            ("COMMIT", "COMMIT"),
            // A row that another wants to take meanwhile; who knows beforehand which it is would wait for it.
            ("BEGIN", "BEGIN"),
            ("UPDATE t SET n = n + 1 WHERE id = 1", "UPDATE 1"),
            ("SAVEPOINT s", "SAVEPOINT"),
            ("UPDATE t SET n = n + 1 WHERE id = 1", "UPDATE 1"),
            ("SELECT 1/(n - n) FROM generate_series(1, 1) n", "ERROR 22012"),
            ("b: UPDATE t SET n = 0 WHERE n = (SELECT min(n) FROM t)", "ERROR 40001"),
            ("ROLLBACK TO s", "ROLLBACK"),
            ("SELECT n FROM t WHERE id = 1", "SELECT 1 (n) 2"),
            ("COMMIT", "COMMIT"),
            // A table that was only changed after the savepoint may be redefined by others meanwhile.
            ("BEGIN", "BEGIN"),
            ("CREATE TABLE n (id int4)", "CREATE TABLE"),
            ("INSERT INTO n VALUES (1)", "INSERT 0 1"),
            ("SAVEPOINT s", "SAVEPOINT"),
            ("UPDATE o SET id = id + 1", "UPDATE 2"),
            ("SELECT 1/(n - n) FROM generate_series(1, 1) n", "ERROR 22012"),
            ("b: CREATE INDEX ON o (id)", "CREATE INDEX"),
            ("b: ALTER TABLE o ADD COLUMN more int4 DEFAULT 5", "ALTER TABLE"),
            ("ROLLBACK TO s", "ROLLBACK"),
            ("INSERT INTO n SELECT more FROM o", "INSERT 0 2"),
            ("COMMIT", "COMMIT"),
            ("SELECT sum(id) FROM n", "SELECT 1 (sum) 11"),
        ],
    );
}

#[test]
fn no_update_is_lost_whichever_way_duckdb_makes_it() {
    let server = Server::start(&Options::default());
    // By what cannot be known beforehand: otherwise the second would wait for the first.
    let (in_place, anew) = (
        "UPDATE t SET n = n + 100 WHERE n = (SELECT min(n) FROM t)",
        "UPDATE t SET n = n + 10 WHERE n = (SELECT min(n) FROM t) RETURNING n",
    );
    for (mine, other, tag) in [
        (in_place, anew, "UPDATE 1 (n)"),
        (anew, in_place, "UPDATE 1"),
        (in_place, "DELETE FROM t WHERE n = (SELECT min(n) FROM t)", "DELETE 1"),
    ] {
        let mut sessions = [0, 1].map(|_| server.target.connect().expect("connected"));
        for sql in [
            "DROP TABLE IF EXISTS t",
            "CREATE TABLE t (id int4 PRIMARY KEY, n int4)",
            "INSERT INTO t VALUES (1, 1)",
            "BEGIN",
            mine,
        ] {
            sessions[0].query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        }
        let others = answer(&mut sessions[1], other);
        let commit = answer(&mut sessions[0], "COMMIT");
        // One of the two has to be told.
        let told = [others.as_str(), commit.as_str()].contains(&"ERROR 40001");
        assert!(told && (others.starts_with(tag) || commit == "COMMIT"), "{mine}; {other}: {others}, {commit}");
    }
    // Different tables, or the same way on different rows, do not meet.
    scenario(
        &server,
        &[
            ("DROP TABLE IF EXISTS t", "DROP TABLE"),
            ("CREATE TABLE t (id int4 PRIMARY KEY, n int4)", "CREATE TABLE"),
            ("CREATE TABLE u (id int4 PRIMARY KEY, n int4)", "CREATE TABLE"),
            ("INSERT INTO t VALUES (1, 1), (2, 2)", "INSERT 0 2"),
            ("INSERT INTO u VALUES (1, 1)", "INSERT 0 1"),
            ("BEGIN", "BEGIN"),
            ("UPDATE t SET n = 5 WHERE id = 1", "UPDATE 1"),
            ("b: UPDATE t SET n = 6 WHERE id = 2", "UPDATE 1"),
            ("b: UPDATE u SET n = 6 RETURNING n", "UPDATE 1 (n) 6"),
            ("b: INSERT INTO t VALUES (3, 3)", "INSERT 0 1"),
            ("COMMIT", "COMMIT"),
        ],
    );
}

#[test]
fn a_first_statement_waits_for_the_row_that_another_holds() {
    let server = Server::start(&Options::default());
    let mut holder = server.target.connect().expect("connected");
    for sql in ["CREATE TABLE t (id int4, n int4)", "INSERT INTO t VALUES (1, 1)", "BEGIN", "UPDATE t SET n = 2"] {
        holder.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    let target = server.target.clone();
    let waiter =
        std::thread::spawn(move || answer(&mut target.connect().expect("connected"), "UPDATE t SET n = n + 10"));
    std::thread::sleep(std::time::Duration::from_millis(200));
    holder.query("COMMIT").expect("committed");
    assert_eq!(waiter.join().expect("an answer"), "UPDATE 1");
    assert_eq!(answer(&mut holder, "SELECT n FROM t"), "SELECT 1 (n) 12");
}

#[test]
fn a_repeatable_read_keeps_its_snapshot_or_says_40001() {
    let server = Server::start(&Options::default());
    scenario(
        &server,
        &[
            ("CREATE TABLE t (id int4)", "CREATE TABLE"),
            ("BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN"),
            ("SELECT count(*) FROM t", "SELECT 1 (count) 0"),
            ("SAVEPOINT s", "SAVEPOINT"),
            ("b: INSERT INTO t VALUES (1)", "INSERT 0 1"),
            // Nothing was done and nothing failed: nothing has to be done again.
            ("ROLLBACK TO s", "ROLLBACK"),
            ("SELECT count(*) FROM t", "SELECT 1 (count) 0"),
            ("SELECT 1/(n - n) FROM generate_series(1, 1) n", "ERROR 22012"),
            ("ROLLBACK TO s", "ERROR 40001"),
            ("ROLLBACK", "ROLLBACK"),
            ("BEGIN ISOLATION LEVEL SERIALIZABLE", "BEGIN"),
            ("SAVEPOINT s", "SAVEPOINT"),
            ("INSERT INTO t VALUES (2)", "INSERT 0 1"),
            ("ROLLBACK TO s", "ROLLBACK"),
            ("SELECT count(*) FROM t", "SELECT 1 (count) 1"),
            ("b: INSERT INTO t VALUES (3)", "INSERT 0 1"),
            ("SELECT count(*) FROM t", "SELECT 1 (count) 1"),
            ("COMMIT", "COMMIT"),
        ],
    );
}

/// What the transaction has done before cannot be done again (it asked what is running), and need not be.
#[test]
fn going_back_after_a_bulk_change_does_nothing_again_where_rows_were_added_or_refused() {
    let server = Server::start(&Options::default());
    let count = "SELECT count(*), sum(id), count(DISTINCT k) FROM t";
    scenario(
        &server,
        &[
            (
                "CREATE TABLE t (id int4 PRIMARY KEY, n int4 NOT NULL CHECK (n < 9), u text UNIQUE, k bigserial, d uuid DEFAULT gen_random_uuid())",
                "CREATE TABLE",
            ),
            ("CREATE TABLE child (t int4 REFERENCES t, what text)", "CREATE TABLE"),
            ("CREATE TABLE log (n int8)", "CREATE TABLE"),
            ("BEGIN", "BEGIN"),
            ("INSERT INTO log SELECT least(count(*), 1) FROM pg_stat_activity", "INSERT 0 1"),
            ("INSERT INTO t (id, n) SELECT i, 1 FROM generate_series(1, 1000) AS i", "INSERT 0 1000"),
            ("SAVEPOINT a", "SAVEPOINT"),
            ("INSERT INTO t (id, n) VALUES (2001, 2) RETURNING id, k", "INSERT 0 1 (id,k) 2001|1001"),
            ("INSERT INTO t (id, n, u) VALUES (2002, 2, 'x'), (2003, 3, NULL)", "INSERT 0 2"),
            ("SAVEPOINT b", "SAVEPOINT"),
            ("INSERT INTO t (id, n) VALUES (2004, 4)", "INSERT 0 1"),
            ("INSERT INTO t (id, n) VALUES (7, 7)", "ERROR 23505"),
            ("ROLLBACK TO b", "ROLLBACK"),
            (count, "SELECT 1 (count,sum,count) 1003|506506|1003"),
            // What another savepoint has taken back leaves a gap among the rows.
            ("INSERT INTO t (id, n) VALUES (2004, 4)", "INSERT 0 1"),
            ("INSERT INTO child VALUES (2004, 'one')", "INSERT 0 1"),
            ("INSERT INTO child VALUES (5000, 'none')", "ERROR 23503"),
            ("ROLLBACK TO a", "ROLLBACK"),
            (count, "SELECT 1 (count,sum,count) 1000|500500|1000"),
            ("INSERT INTO t (id, n, u) VALUES (3001, 1, 'y')", "INSERT 0 1"),
            ("SAVEPOINT a", "SAVEPOINT"),
            ("INSERT INTO t (id, n, u) VALUES (3002, 1, 'y')", "ERROR 23505"),
            ("ROLLBACK TO a", "ROLLBACK"),
            ("INSERT INTO t (id, n, u) VALUES (3002, 1, 'z'), (3003, 1, 'z')", "ERROR 23505"),
            ("ROLLBACK TO a", "ROLLBACK"),
            ("INSERT INTO t (id, n) VALUES (3002, 10)", "ERROR 23514"),
            ("ROLLBACK TO a", "ROLLBACK"),
            ("INSERT INTO t (id, n) VALUES (3002, NULL)", "ERROR 23502"),
            ("ROLLBACK TO a", "ROLLBACK"),
            ("INSERT INTO t (id, n, u) VALUES (3002, 1, 'z')", "INSERT 0 1"),
            ("b: SELECT count(*) FROM t", "SELECT 1 (count) 0"),
            ("COMMIT", "COMMIT"),
            (count, "SELECT 1 (count,sum,count) 1002|506503|1002"),
            ("INSERT INTO t (id, n, u) VALUES (2004, 1, 'x')", "INSERT 0 1"),
            ("INSERT INTO t (id, n) VALUES (3001, 1)", "ERROR 23505"),
            ("SELECT * FROM log", "SELECT 1 (n) 1"),
            // Not here: the engine has met the error, and what cannot be done again would have to be.
            ("BEGIN", "BEGIN"),
            ("INSERT INTO log SELECT least(count(*), 1) FROM pg_stat_activity", "INSERT 0 1"),
            ("SAVEPOINT a", "SAVEPOINT"),
            ("SELECT 1 / (n - n) FROM log", "ERROR 22012"),
            ("ROLLBACK TO a", "ERROR 40001"),
            ("ROLLBACK", "ROLLBACK"),
        ],
    );
}

#[test]
fn a_transaction_too_large_to_go_back_says_so_and_can_be_rolled_back() {
    let flags = ["--limit-journal-bytes", "20kB", "--limit-savepoints", "2"].map(String::from).to_vec();
    let server = Server::start(&Options { flags, ..Options::default() });
    let long = format!("INSERT INTO t VALUES ('{}')", "x".repeat(30_000));
    scenario(
        &server,
        &[
            ("CREATE TABLE t (a text)", "CREATE TABLE"),
            ("BEGIN", "BEGIN"),
            ("INSERT INTO t VALUES ('short')", "INSERT 0 1"),
            ("SAVEPOINT a", "SAVEPOINT"),
            (&long, "INSERT 0 1"),
            ("SAVEPOINT b", "SAVEPOINT"),
            ("ROLLBACK TO b", "ROLLBACK"),
            ("SELECT count(*) FROM t", "SELECT 1 (count) 2"),
            ("SELECT 1/(n - n) FROM generate_series(1, 1) n", "ERROR 22012"),
            ("ROLLBACK TO b", "ERROR 53400"),
            // What came before it can be done again.
            ("ROLLBACK TO a", "ROLLBACK"),
            ("SELECT count(*) FROM t", "SELECT 1 (count) 1"),
            ("SAVEPOINT b", "SAVEPOINT"),
            ("SAVEPOINT c", "ERROR 54000"),
            ("ROLLBACK TO b", "ROLLBACK"),
            ("COMMIT", "COMMIT"),
            ("SELECT count(*) FROM t", "SELECT 1 (count) 1"),
        ],
    );
}

#[test]
fn copy_below_a_savepoint_is_kept_on_disk() {
    let flags = ["--limit-journal-bytes", "64kB"].map(String::from).to_vec();
    let server = Server::start(&Options { flags, ..Options::default() });
    let mut connection = server.target.connect().expect("connected");
    let rows = || (0..50_000).map(|i| format!("{i}\trow {i}\n").into_bytes());
    let count = |connection: &mut Connection| answer(connection, "SELECT count(*), sum(id) FROM t");
    for sql in ["CREATE TABLE t (k int4 GENERATED BY DEFAULT AS IDENTITY, id int8, s text)", "BEGIN", "SAVEPOINT a"] {
        connection.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    connection.copy_in("COPY t (id, s) FROM STDIN", rows()).expect("copied");
    let whole = count(&mut connection);
    assert_eq!(whole, "SELECT 1 (count,sum) 50000|1249975000");
    let keys = answer(&mut connection, "SELECT sum(k * id) FROM t");
    connection.query("SAVEPOINT b").expect("a savepoint");
    connection.copy_in("COPY t (id, s) FROM STDIN", rows()).expect("copied");
    for _ in 0..2 {
        connection.query("SELECT 1/(n - n) FROM generate_series(1, 1) n").expect_err("a division");
        connection.query("ROLLBACK TO b").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(count(&mut connection), whole);
        // Each row has the key that it had.
        assert_eq!(answer(&mut connection, "SELECT sum(k * id) FROM t"), keys);
    }
    connection.query("ROLLBACK TO a").expect("back");
    assert_eq!(count(&mut connection), "SELECT 1 (count,sum) 0|NULL");
    // Before the first savepoint only memory is used for it.
    for sql in ["ROLLBACK", "BEGIN"] {
        connection.query(sql).expect("a new transaction");
    }
    connection.copy_in("COPY t (id, s) FROM STDIN", rows()).expect("copied");
    connection.query("SAVEPOINT a").expect("a savepoint");
    assert_eq!(answer(&mut connection, "SELECT 1/(n - n) FROM generate_series(1, 1) n"), "ERROR 22012");
    assert_eq!(answer(&mut connection, "ROLLBACK TO a"), "ERROR 53400");
}
