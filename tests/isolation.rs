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
