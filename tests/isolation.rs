//! Several sessions at once, step by step: who waits for whom, and what each is told. The scenarios and PostgreSQL's answers
//! (recorded by scripts/isolation.py) are in tests/isolation; where the gateway's answer is another, that stands below.

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use support::protocol::{Connection, Failure, Message, cstr, data_row, fields, query};
use support::server::{Options, Server};

/// How long nothing comes from a session that waits.
const SILENCE: Duration = Duration::from_millis(60);
const PATIENCE: Duration = Duration::from_secs(60);

struct Step<'a> {
    line: &'a str,
    expected: &'a str,
}

/// The scenarios of a file: name, what is to be set up, steps.
fn scenarios(text: &str) -> Vec<(&str, Vec<&str>, Vec<Step<'_>>)> {
    let mut found: Vec<(&str, Vec<&str>, Vec<Step<'_>>)> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix("== ") {
            found.push((name, Vec::new(), Vec::new()));
            continue;
        }
        let (_, setup, steps) = found.last_mut().expect("a scenario");
        let last = steps.last_mut();
        if let Some(sql) = line.strip_prefix("setup: ") {
            setup.push(sql);
        } else if let Some(ours) = line.strip_prefix("\t! ") {
            last.expect("a step").expected = ours;
        } else if let Some(answer) = line.strip_prefix('\t') {
            last.expect("a step").expected = answer;
        } else {
            steps.push(Step { line, expected: "" });
        }
    }
    found
}

/// One session, and what it has said so far to the statement that it is at.
struct Session {
    connection: Connection,
    heard: Vec<Message>,
    sql: String,
    /// It has yet to be answered.
    asks: bool,
}

impl Session {
    fn begin(&mut self, sql: &str) {
        self.connection.send(&query(sql)).expect("sent");
        sql.clone_into(&mut self.sql);
        self.heard.clear();
        self.asks = true;
    }

    /// The answer as one line, or `waits`.
    fn answer(&mut self, patience: Duration) -> String {
        if !self.asks {
            return "waits for nothing".to_owned();
        }
        self.connection.timeout = patience;
        loop {
            match self.connection.read() {
                Ok(message) if message.tag == b'Z' => {
                    self.asks = false;
                    return told(&self.heard, &self.sql);
                }
                Ok(message) => self.heard.push(message),
                Err(Failure::Timeout) => return "waits".to_owned(),
                Err(failure) => return format!("{failure}"),
            }
        }
    }
}

fn told(messages: &[Message], sql: &str) -> String {
    let (mut names, mut rows, mut tag) = (None, Vec::new(), String::new());
    for message in messages {
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
            b'E' => {
                let code = fields(&message.body).into_iter().find(|(key, _)| *key == 'C').map(|(_, code)| code);
                return format!("ERROR {}", code.unwrap_or_default());
            }
            _ => {}
        }
    }
    let Some(names) = names else { return tag };
    if !sql.contains("ORDER BY") {
        rows.sort();
    }
    let rows: Vec<String> = rows.iter().map(|row| row.join("|")).collect();
    format!("{tag} ({}) {}", names.join(","), rows.join(" ")).trim_end().to_owned()
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

fn connect(server: &Server) -> Connection {
    let mut connection = server.target.connect().expect("connected");
    connection.query("SET search_path = iso, public").expect("set");
    connection
}

/// Runs a scenario; gives the steps that were answered otherwise.
fn run(server: &Server, name: &str, setup: &[&str], steps: &[Step<'_>]) -> Vec<String> {
    let mut control = connect(server);
    for sql in ["DROP SCHEMA IF EXISTS iso CASCADE", "CREATE SCHEMA iso"].iter().chain(setup) {
        control.query(sql).unwrap_or_else(|failure| panic!("{name}: {sql}: {failure}"));
    }
    let mut sessions = BTreeMap::new();
    let mut wrong = Vec::new();
    for Step { line, expected } in steps {
        let (who, sql) = (&line[..1], line[2..].trim());
        let session = sessions.entry(who).or_insert_with(|| Session {
            connection: connect(server),
            heard: Vec::new(),
            sql: String::new(),
            asks: false,
        });
        if !sql.is_empty() {
            session.begin(sql);
        }
        let got = session.answer(if *expected == "waits" { SILENCE } else { PATIENCE });
        if got != *expected {
            wrong.push(format!("{name}\n  {line}\n  - {expected}\n  + {got}"));
            // What follows is another story.
            break;
        }
    }
    drop(sessions);
    wrong
}

fn file(text: &str) {
    let server = Server::start(&Options::default());
    let all = scenarios(text);
    let wrong: Vec<String> = all.iter().flat_map(|(name, setup, steps)| run(&server, name, setup, steps)).collect();
    assert!(wrong.is_empty(), "{} of {} scenarios differ:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

#[test]
fn locks_keep_others_away_as_postgresql_does() {
    file(include_str!("isolation/locks.txt"));
}

#[test]
fn anomalies_are_those_that_are_documented() {
    file(include_str!("isolation/anomalies.txt"));
}

#[test]
fn schema_changes_of_different_objects_do_not_meet_and_of_the_same_one_wait() {
    file(include_str!("isolation/schema.txt"));
}

#[test]
fn two_bookings_that_overlap_are_not_both_committed() {
    file(include_str!("isolation/exclusion.txt"));
}

/// What a migration tool sends, with its own table of versions; `who` has a schema of its own.
fn migration(who: usize) -> Vec<String> {
    let statements = [
        "CREATE TABLE author (id serial PRIMARY KEY, name varchar(40) NOT NULL UNIQUE)",
        "CREATE TYPE kind AS ENUM ('paper', 'screen')",
        "CREATE TABLE book (id bigserial PRIMARY KEY, title text NOT NULL, kind kind, author_id int4 NOT NULL REFERENCES author)",
        "CREATE INDEX book_title ON book (lower(title))",
        "INSERT INTO author (name) VALUES ('ann'), ('bob')",
        "INSERT INTO book (title, kind, author_id) SELECT name || '!', 'paper', id FROM author",
        "SAVEPOINT first",
        "ALTER TABLE book ADD COLUMN price numeric(8,2) DEFAULT 1.50 NOT NULL",
        "ALTER TABLE book ALTER COLUMN title TYPE varchar(80)",
        "ROLLBACK TO first",
        "ALTER TABLE book ADD COLUMN price numeric(8,2) DEFAULT 2.50 NOT NULL, ADD CHECK (price > 0)",
        "CREATE UNIQUE INDEX book_once ON book (title) WHERE price > 0",
        "ALTER TABLE author RENAME COLUMN name TO called",
        "CREATE VIEW prices AS SELECT called, price FROM author JOIN book ON author_id = author.id",
        "CREATE TABLE tree (id int4) PARTITION BY RANGE (id)",
        "CREATE TABLE leaf PARTITION OF tree FOR VALUES FROM (0) TO (10)",
        "ALTER TABLE tree DETACH PARTITION leaf",
        "CREATE TEMP TABLE mine ON COMMIT DROP AS SELECT id FROM book",
        "COMMENT ON TABLE book IS 'what is read'",
        "GRANT SELECT ON book TO PUBLIC",
        "ALTER TYPE kind ADD VALUE 'ear'",
        "DROP TABLE leaf",
    ];
    let schema = format!("migrates_{who}");
    let begin = ["BEGIN".to_owned(), format!("CREATE SCHEMA {schema}"), format!("SET LOCAL search_path = {schema}")];
    let end = [format!("INSERT INTO public.migrations VALUES ({who}, 'done')"), "COMMIT".to_owned()];
    begin.into_iter().chain(statements.map(str::to_owned)).chain(end).collect()
}

#[test]
fn migrations_of_different_schemas_run_side_by_side_and_none_fails() {
    let server = Server::start(&Options::default());
    connect(&server).query("CREATE TABLE public.migrations (who int4 PRIMARY KEY, said text)").expect("made");
    std::thread::scope(|scope| {
        for who in 0..6 {
            let server = &server;
            scope.spawn(move || {
                let mut connection = server.target.connect().expect("connected");
                connection.timeout = PATIENCE;
                for round in 0..3 {
                    for sql in migration(who * 10 + round) {
                        connection.query(&sql).unwrap_or_else(|failure| panic!("{who}, {round}: {sql}: {failure}"));
                    }
                }
            });
        }
    });
    let rows = connect(&server).query("SELECT count(*) FROM public.migrations").expect("counted");
    assert_eq!(rows, [[Some("18".to_owned())]]);
}

/// Statements that are compiled before they have their tables' locks find, now and then, that the schema is another one since.
#[test]
fn statements_of_every_kind_go_on_beside_schema_changes_of_other_tables() {
    const ROUNDS: usize = 60;
    let server = Server::start(&Options::default());
    connect(&server).query("CREATE TABLE t AS SELECT 1 AS a").expect("made");
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let changes = scope.spawn(|| {
            let mut connection = connect(&server);
            while !ended.load(Ordering::Relaxed) {
                connection.query("CREATE TABLE other (a int4)").expect("made");
                connection.query("DROP TABLE other").expect("dropped");
            }
        });
        let mut connection = connect(&server);
        let statements = [
            "COPY t TO STDOUT",
            "COPY (SELECT a FROM t) TO STDOUT (FORMAT arrow)",
            "EXPLAIN SELECT a FROM t",
            "INSERT INTO t VALUES (2)",
            "BEGIN; DECLARE c CURSOR FOR SELECT a FROM t; COMMIT",
        ];
        let mut failed = Vec::new();
        for _ in 0..ROUNDS {
            for sql in statements {
                failed.extend(connection.query(sql).err().map(|failure| format!("{sql}: {failure}")));
            }
            let loaded = connection.copy_in("COPY t FROM STDIN", [b"3\n".to_vec()].into_iter());
            failed.extend(loaded.err().map(|failure| format!("COPY FROM: {failure}")));
        }
        ended.store(true, Ordering::Relaxed);
        changes.join().expect("changed");
        assert_eq!(failed, [""; 0]);
    });
}

/// What a statement gives, or the SQLSTATE of its error.
fn attempt(connection: &mut Connection, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
    connection.query(sql).map_err(|failure| failure.to_string())
}

fn number(rows: &[Vec<Option<String>>]) -> i64 {
    rows[0][0].as_deref().expect("a number").parse().expect("a number")
}

/// Workers that take their jobs in each of the ways that queues are written in, and one that looks after them: rows are changed in
/// place, removed, and removed and written anew, all in one table at once, and never two workers the same row.
#[test]
fn workers_of_a_queue_lose_nothing_and_none_fails() {
    const WORKERS: usize = 8;
    const JOBS: usize = 240;
    const NEXT: &str = "SELECT id FROM jobs WHERE state = 'new' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED";
    let server = Server::start(&Options::default());
    let mut control = connect(&server);
    for sql in [
        "CREATE SCHEMA iso",
        "CREATE TABLE jobs (id int4 PRIMARY KEY, state text NOT NULL, tries int4 NOT NULL DEFAULT 0, beat int4 NOT NULL DEFAULT 0)",
        "CREATE INDEX ON jobs (state)",
        "CREATE TABLE log (job int4 NOT NULL, worker int4 NOT NULL)",
        &format!("INSERT INTO jobs (id, state) SELECT i, 'new' FROM generate_series(1, {JOBS}) i"),
    ] {
        control.query(sql).expect("made");
    }
    let work = |worker: usize| -> Result<(), String> {
        let mut own = server.target.connect().expect("connected");
        own.timeout = PATIENCE;
        let connection = &mut own;
        connection.query("SET search_path = iso, public").expect("set");
        for round in worker.. {
            let one = |rows: Vec<Vec<Option<String>>>| rows.first().and_then(|row| row[0].clone());
            let id = match round % 5 {
                0 => {
                    attempt(connection, "BEGIN")?;
                    let id = one(attempt(connection, NEXT)?);
                    if let Some(id) = &id {
                        attempt(connection, &format!("INSERT INTO log VALUES ({id}, {worker})"))?;
                        attempt(connection, &format!("UPDATE jobs SET state = 'done' WHERE id = {id}"))?;
                    }
                    attempt(connection, "COMMIT")?;
                    id
                }
                1 => {
                    let taken = format!("UPDATE jobs SET state = 'mine' WHERE id = ({NEXT}) RETURNING id");
                    let id = one(attempt(connection, &taken)?);
                    if let Some(id) = &id {
                        attempt(connection, "BEGIN")?;
                        attempt(connection, &format!("INSERT INTO log VALUES ({id}, {worker})"))?;
                        attempt(connection, &format!("UPDATE jobs SET tries = tries + 1 WHERE id = {id}"))?;
                        attempt(connection, &format!("UPDATE jobs SET state = 'done' WHERE id = {id} AND tries = 1"))?;
                        attempt(connection, "COMMIT")?;
                    }
                    id
                }
                2 => {
                    attempt(connection, "BEGIN")?;
                    let id = one(attempt(connection, &format!("DELETE FROM jobs WHERE id = ({NEXT}) RETURNING id"))?);
                    if let Some(id) = &id {
                        attempt(connection, &format!("INSERT INTO log VALUES ({id}, {worker})"))?;
                    }
                    attempt(connection, "COMMIT")?;
                    id
                }
                3 => {
                    let taken = format!(
                        "WITH next AS ({NEXT}) UPDATE jobs SET state = 'done', tries = 1 FROM next WHERE jobs.id = next.id RETURNING jobs.id"
                    );
                    attempt(connection, "BEGIN")?;
                    let id = one(attempt(connection, &taken)?);
                    if let Some(id) = &id {
                        attempt(connection, &format!("INSERT INTO log VALUES ({id}, {worker})"))?;
                    }
                    attempt(connection, "COMMIT")?;
                    id
                }
                // Its own row, by another column than the key.
                _ => {
                    attempt(connection, &format!("UPDATE jobs SET beat = beat + 1 WHERE tries = -{worker} - 1"))?;
                    Some(String::new())
                }
            };
            if id.is_none() {
                return Ok(());
            }
        }
        Ok(())
    };
    for worker in 0..WORKERS {
        let sql = format!("INSERT INTO jobs VALUES ({}, 'own', -{worker} - 1)", 1000 + worker);
        control.query(&sql).expect("added");
    }
    let ended: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let work = &work;
        let all: Vec<_> = (0..WORKERS).map(|worker| scope.spawn(move || work(worker))).collect();
        all.into_iter().map(|thread| thread.join().expect("worked")).collect()
    });
    assert_eq!(ended, vec![Ok(()); WORKERS]);
    let count = |sql: &str| number(&connect(&server).query(sql).expect("counted"));
    assert_eq!(count("SELECT count(*) FROM log"), JOBS as i64, "each job is done once");
    assert_eq!(count("SELECT count(DISTINCT job) FROM log"), JOBS as i64);
    assert_eq!(count("SELECT count(*) FROM jobs WHERE id < 1000 AND state <> 'done'"), 0);
}

#[test]
fn upserts_of_many_clients_lose_nothing() {
    const CLIENTS: usize = 8;
    const ROUNDS: usize = 60;
    const KEYS: usize = 3;
    let server = Server::start(&Options::default());
    let mut control = connect(&server);
    for sql in [
        "CREATE SCHEMA iso",
        "CREATE TABLE plain (k int4 PRIMARY KEY, n int4 NOT NULL)",
        "CREATE TABLE named (id serial PRIMARY KEY, k text UNIQUE, n int4 NOT NULL)",
        "CREATE TABLE parts (k int4 PRIMARY KEY, n int4 NOT NULL) PARTITION BY LIST (k)",
        "CREATE TABLE parts_of_one PARTITION OF parts FOR VALUES IN (1)",
        "CREATE TABLE parts_of_others PARTITION OF parts DEFAULT",
        "CREATE TABLE within (k int4 PRIMARY KEY, n int4 NOT NULL)",
    ] {
        control.query(sql).expect("made");
    }
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let server = &server;
            scope.spawn(move || {
                let mut connection = connect(server);
                connection.timeout = PATIENCE;
                for round in 0..ROUNDS {
                    let key = (client + round) % KEYS;
                    let returning = if round % 2 == 0 { "RETURNING n" } else { "" };
                    for sql in [
                        format!(
                            "INSERT INTO plain VALUES ({key}, 1) ON CONFLICT (k) DO UPDATE SET n = plain.n + 1 {returning}"
                        ),
                        format!(
                            "INSERT INTO named (k, n) VALUES ('{key}', 1) ON CONFLICT (k) DO UPDATE SET n = named.n + 1"
                        ),
                        format!(
                            "INSERT INTO parts VALUES ({key}, 1) ON CONFLICT (k) DO UPDATE SET n = parts.n + (SELECT 1)"
                        ),
                        format!(
                            "WITH x AS (INSERT INTO within VALUES ({key}, 1) ON CONFLICT (k) DO UPDATE SET n = within.n + 1 RETURNING n) SELECT n FROM x"
                        ),
                    ] {
                        connection.query(&sql).unwrap_or_else(|failure| panic!("{client}, {round}: {sql}: {failure}"));
                    }
                }
            });
        }
    });
    for table in ["plain", "named", "parts", "within"] {
        let sum = number(&connect(&server).query(&format!("SELECT sum(n) FROM {table}")).expect("summed"));
        assert_eq!(sum, (CLIENTS * ROUNDS) as i64, "{table}");
    }
}

/// Each client moves between rows of its own and rows of all: of its own it never fails; what all count together is what was committed.
#[test]
fn changes_in_all_ways_lose_nothing_and_those_of_different_rows_never_fail() {
    const CLIENTS: usize = 6;
    const ROUNDS: usize = 60;
    let server = Server::start(&Options::default());
    let mut control = connect(&server);
    for sql in [
        "CREATE SCHEMA iso",
        "CREATE TABLE t (id int4 PRIMARY KEY, owner int4 NOT NULL, label text UNIQUE, n int4 NOT NULL DEFAULT 0)",
        &format!("INSERT INTO t SELECT i, i / 10, 'l' || i, 0 FROM generate_series(0, {}) i", CLIENTS * 10 + 9),
    ] {
        control.query(sql).expect("made");
    }
    // One way to count row `id` of `owner` up by one.
    let way = |which: usize, id: usize, owner: usize| match which % 7 {
        0 => format!("UPDATE t SET n = n + 1 WHERE id = {id}"),
        1 => format!("UPDATE t SET n = n + 1 WHERE id = {id} RETURNING n"),
        2 => format!("UPDATE t SET n = n + 1, label = label || '' WHERE id = {id}"),
        3 => format!("UPDATE t SET n = n + 1 WHERE owner = {owner} AND id % 10 = {}", id % 10),
        4 => format!("UPDATE t SET n = n + 1, label = 'l{id}' WHERE label = 'l{id}' RETURNING id"),
        5 => format!("UPDATE t SET n = t.n + 1 FROM (VALUES ({id})) v (id) WHERE v.id = t.id"),
        _ => format!(
            "INSERT INTO t VALUES ({id}, {owner}, 'l{id}', 1) ON CONFLICT (id) DO UPDATE SET n = t.n + excluded.n"
        ),
    };
    let counted: usize = std::thread::scope(|scope| {
        let (server, way) = (&server, &way);
        let clients = (0..CLIENTS).map(|client| {
            scope.spawn(move || {
                let mut connection = connect(server);
                connection.timeout = PATIENCE;
                let mut seed = client as u64 + 1;
                let mut random = |below: usize| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (seed >> 33) as usize % below
                };
                let mut counted = 0;
                for round in 0..ROUNDS {
                    let shared = round % 2 == 1;
                    let owner = if shared { CLIENTS } else { client };
                    let mut statements: Vec<String> = (0..1 + random(3))
                        .map(|_| (random(7), owner * 10 + random(10)))
                        .map(|(which, id)| way(which, id, owner))
                        .collect();
                    let steps = statements.len();
                    if steps > 1 || random(2) == 0 {
                        statements.insert(0, "BEGIN".into());
                        statements.push("COMMIT".into());
                    }
                    let failed = statements
                        .iter()
                        .find_map(|sql| connection.query(sql).err().map(|failure| format!("{sql}: {failure}")));
                    match failed {
                        None => counted += steps,
                        Some(failure) => {
                            assert!(shared, "{client}, {round}: {failure}");
                            assert!(failure.contains("40001") || failure.contains("40P01"), "{failure}");
                            connection.query("ROLLBACK").expect("rolled back");
                        }
                    }
                }
                counted
            })
        });
        let clients: Vec<_> = clients.collect();
        clients.into_iter().map(|client| client.join().expect("counted")).sum()
    });
    let rows = connect(&server).query("SELECT sum(n), count(*) FROM t").expect("summed");
    assert_eq!(rows, [[Some(counted.to_string()), Some((CLIENTS * 10 + 10).to_string())]]);
}

/// PostgreSQL 17's setting: the session ends, whatever its transaction is at; what ends in time is not meant.
#[test]
fn transaction_timeout_ends_sessions_whose_transactions_take_too_long() {
    let server = Server::start(&Options::default());
    let mut control = server.target.connect().expect("connected");
    control.query("CREATE TABLE t (a int4)").expect("made");
    let begun = |sqls: &[&str]| {
        let mut connection = server.target.connect().expect("connected");
        connection.timeout = PATIENCE;
        for sql in sqls {
            connection.query(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
        }
        connection
    };
    let last_word = |mut connection: Connection| -> Vec<String> {
        let error = loop {
            let message = connection.read().expect("a last message");
            if message.tag == b'E' {
                break message;
            }
        };
        assert!(connection.read().is_err(), "it was the last");
        let told = fields(&error.body).into_iter();
        told.filter(|(key, _)| matches!(key, 'S' | 'C')).map(|(_, value)| value).collect()
    };
    for before in [
        ["SET transaction_timeout = '1s'", "BEGIN", "INSERT INTO t VALUES (1)"],
        ["BEGIN", "INSERT INTO t VALUES (1)", "SET LOCAL transaction_timeout = 1000"],
    ] {
        assert_eq!(last_word(begun(&before)), ["FATAL", "25P04"], "{before:?}");
    }
    for asked in ["SELECT pg_sleep(60)", "BEGIN; INSERT INTO t VALUES (1); SELECT pg_sleep(60)"] {
        let mut connection = begun(&["SET transaction_timeout = 1000"]);
        connection.send(&query(asked)).expect("sent");
        assert_eq!(last_word(connection), ["FATAL", "25P04"], "{asked}");
    }
    let mut quick = begun(&["SET transaction_timeout = '4s'"]);
    for _ in 0..6 {
        quick.query("BEGIN; INSERT INTO t VALUES (2); SELECT pg_sleep(0.5)").expect("in time");
        quick.query("COMMIT").expect("in time");
        std::thread::sleep(Duration::from_millis(300));
    }
    let mut lifted = begun(&["SET transaction_timeout = '2s'", "BEGIN", "SET LOCAL transaction_timeout = 0"]);
    std::thread::sleep(Duration::from_millis(2300));
    lifted.query("COMMIT").expect("without a limit");
    assert_eq!(control.query("SELECT count(*) FROM t").expect("counted"), [[Some("6".to_owned())]]);
}
