//! COPY's formats from end to end: what PostgreSQL 15 unloads is loaded and unloaded again byte for byte, and random tables
//! of every type come back from each format as they went.
//!
//! `tests/copy_recorded/` has the files: schema.sql and rows.sql by hand, the rest by PostgreSQL's
//! `COPY (SELECT * FROM every_type ORDER BY id) TO STDOUT (FORMAT …)`, with TimeZone UTC.

mod support;

use std::path::Path;

use support::protocol::{Connection, Failure, frame, query};
use support::server::{Options, Server};

const FORMATS: [&str; 6] = ["text", "csv", "binary", "arrow", "parquet", "json"];

fn recorded(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/copy_recorded").join(name)).expect(name)
}

fn run(connection: &mut Connection, sql: &str) {
    connection.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
}

fn unload(connection: &mut Connection, sql: &str) -> Vec<u8> {
    connection.send(&query(sql)).unwrap_or_else(|e| panic!("{e}"));
    let mut data = Vec::new();
    loop {
        let message = connection.read().unwrap_or_else(|e| panic!("{sql}: {e}"));
        match message.tag {
            b'd' => data.extend(message.body),
            b'E' => panic!("{sql}: {:?}", support::protocol::fields(&message.body)),
            b'Z' => return data,
            _ => {}
        }
    }
}

/// Loads data cut into pieces of that size.
fn load(connection: &mut Connection, table: &str, format: &str, data: &[u8], piece: usize) {
    let pieces = data.chunks(piece).map(<[u8]>::to_vec);
    let sql = format!("COPY {table} FROM STDIN (FORMAT {format})");
    connection.copy_in(&sql, pieces).unwrap_or_else(|e| panic!("{sql}: {e}"));
}

fn connect(server: &Server) -> Connection {
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    run(&mut connection, "SET timezone = 'UTC'");
    connection
}

#[test]
fn what_postgresql_unloads_is_loaded_and_unloaded_byte_for_byte() {
    let server = Server::start(&Options::default());
    let mut connection = connect(&server);
    let schema = String::from_utf8(recorded("schema.sql")).expect("UTF-8");
    run(&mut connection, &schema);
    for format in ["text", "csv", "binary"] {
        let data = recorded(&format!("every_type.{format}"));
        for piece in [1, 113, 1 << 20] {
            run(&mut connection, "TRUNCATE every_type");
            load(&mut connection, "every_type", format, &data, piece);
            for other in ["text", "csv", "binary"] {
                let sql = format!("COPY (SELECT * FROM every_type ORDER BY id) TO STDOUT (FORMAT {other})");
                let given = unload(&mut connection, &sql);
                let expected = recorded(&format!("every_type.{other}"));
                assert!(
                    given == expected,
                    "{format} by {piece} to {other}:\n{}\nexpected\n{}",
                    String::from_utf8_lossy(&given),
                    String::from_utf8_lossy(&expected)
                );
            }
        }
    }
}

/// A generator that gives the same rows each time.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.next(from.len() as u64) as usize]
    }

    fn text(&mut self) -> String {
        let parts = [
            "a", "Z", " ", "\t", "\n", "\r", "\\", "\"", "'", ",", "\\.", "\\N", "ä", "漢", "😀", "{", "}", "NULL",
            ";", "\u{1}",
        ];
        (0..self.next(6)).map(|_| self.pick(&parts)).collect()
    }

    /// A literal of the type, without quotes.
    fn literal(&mut self, ty: &str) -> String {
        let number = |random: &mut Self| {
            let sign = random.pick(&["", "-"]);
            let digits = random.next(18) + 1;
            let whole: String = (0..digits).map(|_| char::from(b'0' + random.next(10) as u8)).collect();
            format!("{sign}{whole}")
        };
        match ty {
            "bool" => self.pick(&["true", "false"]).into(),
            "int2" => (self.next(65_536) as i64 - 32_768).to_string(),
            "int4" => (self.next(1 << 32) as i64 - (1 << 31)).to_string(),
            "int8" => number(self),
            "float4" | "float8" => {
                let plain = format!("{}e{}", number(self), self.next(20));
                self.pick(&["0", "-0", "NaN", "Infinity", "-Infinity", "1.5", &plain]).into()
            }
            "numeric" => format!("{}.{}", number(self), self.next(1_000_000)),
            "numeric(12,2)" => format!("{}.{:02}", self.next(9_999_999_999), self.next(100)),
            "date" => format!("{:04}-{:02}-{:02}", self.next(9999) + 1, self.next(12) + 1, self.next(28) + 1),
            "time" => {
                format!("{:02}:{:02}:{:02}.{:06}", self.next(24), self.next(60), self.next(60), self.next(1_000_000))
            }
            "timetz" => format!("{}+{:02}", self.literal("time"), self.next(15)),
            "timestamp" => format!("{} {}", self.literal("date"), self.literal("time")),
            "timestamptz" => format!("{}+00", self.literal("timestamp")),
            "interval" => format!("{} mons {} days {} secs", self.next(99), self.next(99), self.next(99_999)),
            "uuid" => format!("{:08x}-0000-4000-8000-{:012x}", self.next(1 << 32), self.next(1 << 48)),
            "bytea" => (0..self.next(9)).fold("\\x".to_owned(), |hex, _| format!("{hex}{:02x}", self.next(256))),
            "json" | "jsonb" => format!("{{\"a\": [{}, null, \"ä\\n\"]}}", self.next(1000)),
            _ => match ty.strip_suffix("[]") {
                Some(element) => {
                    let item = |random: &mut Self| match random.next(4) {
                        0 => "NULL".to_owned(),
                        _ => {
                            let text = random.literal(element);
                            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
                        }
                    };
                    let items: Vec<String> = (0..self.next(4)).map(|_| item(self)).collect();
                    format!("{{{}}}", items.join(","))
                }
                None => self.text(),
            },
        }
    }
}

const TYPES: [&str; 24] = [
    "bool",
    "int2",
    "int4",
    "int8",
    "float4",
    "float8",
    "numeric",
    "numeric(12,2)",
    "text",
    "varchar",
    "bytea",
    "date",
    "time",
    "timetz",
    "timestamp",
    "timestamptz",
    "interval",
    "uuid",
    "json",
    "jsonb",
    "int4[]",
    "text[]",
    "numeric[]",
    "timestamp[]",
];

#[test]
fn random_tables_come_back_as_they_went() {
    let server = Server::start(&Options::default());
    let mut connection = connect(&server);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..12 {
        let width = random.next(6) as usize + 1;
        let types: Vec<&str> = (0..width).map(|_| random.pick(&TYPES)).collect();
        let columns: Vec<String> = types.iter().enumerate().map(|(i, ty)| format!("c{i} {ty}")).collect();
        for table in ["went", "came"] {
            run(&mut connection, &format!("DROP TABLE IF EXISTS {table}"));
            run(&mut connection, &format!("CREATE TABLE {table} (row_number int4, {})", columns.join(", ")));
        }
        let rows = random.next(40);
        for row in 0..rows {
            let mut values = vec![row.to_string()];
            for ty in &types {
                values.push(match random.next(6) {
                    0 => "NULL".to_owned(),
                    _ => format!("'{}'::{ty}", random.literal(ty).replace('\'', "''")),
                });
            }
            run(&mut connection, &format!("INSERT INTO went VALUES ({})", values.join(", ")));
        }
        let all = |connection: &mut Connection, table: &str| {
            let sql = format!("COPY (SELECT * FROM {table} ORDER BY row_number) TO STDOUT (FORMAT binary)");
            unload(connection, &sql)
        };
        let went = all(&mut connection, "went");
        for format in FORMATS {
            // Arrow has no infinite dates and json no difference between NULL and null.
            if format == "json" && types.iter().any(|ty| ty.starts_with("json")) {
                continue;
            }
            run(&mut connection, "TRUNCATE came");
            let data = unload(&mut connection, &format!("COPY went TO STDOUT (FORMAT {format})"));
            load(&mut connection, "came", format, &data, random.next(5000) as usize + 1);
            let came = all(&mut connection, "came");
            assert!(came == went, "round {round}: {types:?} in {format}:\n{}", String::from_utf8_lossy(&data));
        }
    }
}

#[test]
fn data_that_are_cut_short_or_changed_are_refused_or_loaded_and_nothing_else() {
    let server = Server::start(&Options::default());
    let mut connection = connect(&server);
    let schema = String::from_utf8(recorded("schema.sql")).expect("UTF-8");
    run(&mut connection, &schema);
    let mut random = Random(0x0123_4567_89ab_cdef);
    let text = recorded("every_type.text");
    load(&mut connection, "every_type", "text", &text, text.len());
    let samples: Vec<(&str, Vec<u8>)> = FORMATS
        .iter()
        .map(|format| (*format, unload(&mut connection, &format!("COPY (SELECT id, flag, large, exact, words, bytes, at_tz, key, docb, ints, texts FROM every_type WHERE id <> 4) TO STDOUT (FORMAT {format})"))))
        .collect();
    for round in 0..180 {
        let (format, sample) = &samples[round % samples.len()];
        let mut data = sample.clone();
        for _ in 0..=random.next(3) {
            let at = random.next(data.len() as u64) as usize;
            match random.next(4) {
                0 => data.truncate(at.max(1)),
                1 => data[at] ^= 1 << random.next(8),
                2 => data[at] = random.pick(&["\0", "\u{7f}", "\\", "\"", "\n", "{", "-"]).as_bytes()[0],
                _ => {
                    let length = (random.next(8) as usize).min(data.len() - at);
                    data.drain(at..at + length);
                }
            }
            if data.is_empty() {
                break;
            }
        }
        run(&mut connection, "TRUNCATE every_type");
        let columns = "id, flag, large, exact, words, bytes, at_tz, key, docb, ints, texts";
        connection
            .send(&query(&format!("COPY every_type ({columns}) FROM STDIN (FORMAT {format})")))
            .unwrap_or_else(|e| panic!("{e}"));
        for piece in data.chunks(random.next(300) as usize + 1) {
            connection.send(&frame(b'd', piece)).unwrap_or_else(|e| panic!("{e}"));
        }
        connection.send(&frame(b'c', b"")).unwrap_or_else(|e| panic!("{e}"));
        loop {
            let message = connection.read().unwrap_or_else(|e| panic!("round {round}, {format}: {e}"));
            match message.tag {
                b'E' => {
                    let fields = support::protocol::fields(&message.body);
                    let code = fields.iter().find(|(k, _)| *k == 'C').map(|(_, v)| v.as_str()).unwrap_or_default();
                    assert!(!code.starts_with("XX"), "round {round}, {format}: {fields:?}");
                }
                b'Z' => break,
                _ => {}
            }
        }
    }
}

/// Where the rows of binary data begin that follow each other from there on, and at last where the trailer does.
fn binary_rows(data: &[u8]) -> Vec<usize> {
    let mut at = 19;
    let mut rows = vec![at];
    while data[at..at + 2] != [0xff, 0xff] {
        let fields = u16::from_be_bytes([data[at], data[at + 1]]);
        at += 2;
        for _ in 0..fields {
            let length = i32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]);
            at += 4 + length.max(0) as usize;
        }
        rows.push(at);
    }
    rows
}

const WIDE: &str = "(b bool, id int8, s int2, i int4, f float8, r float4, d date, t timestamp, z timestamptz, n4 numeric(4,1), \
                    n9 numeric(9,2), n15 numeric(15,2), n numeric, v varchar(6), c char(5), w text, y bytea, u uuid, a int4[])";
const WIDE_ROWS: &str = "SELECT i % 7 > 2, i, i % 9000, CASE WHEN i % 11 > 0 THEN -i END, i / 7.0, i::float4, date '1999-12-31' + i % 9000, \
    CASE WHEN i % 5000 = 1 THEN timestamp 'infinity' ELSE timestamp '2001-02-03' + i * interval '1 min' END, \
    CASE WHEN i % 3 > 0 THEN timestamptz '2001-02-03' - i * interval '1 s' END, i % 900 - 0.5, CASE WHEN i % 13 = 0 THEN NULL ELSE i * 1.25 END, \
    i * -1000000.01, i * 1.000000000000000001, CASE i % 4 WHEN 0 THEN 'äöüßéè' WHEN 1 THEN NULL ELSE 'a' || i % 100 END, \
    left('abcde', i % 6), repeat(chr(97 + i % 26), i % 90) || CASE WHEN i % 10 = 0 THEN '€' ELSE '' END || repeat('x', 700), \
    decode('00ff', 'hex'), '00000000-0000-0000-0000-000000000001', CASE WHEN i % 100 = 0 THEN ARRAY[i, NULL] END FROM generate_series(1, 25000) i";

/// The threads that load decode binary rows, straight into the engine's columns; what a transaction may have to do again is made into
/// batches by the session.
#[test]
fn binary_rows_are_the_same_whoever_decodes_them() {
    let server = Server::start(&Options::default());
    let mut connection = connect(&server);
    for table in ["went", "came"] {
        run(&mut connection, &format!("CREATE TABLE {table} {WIDE}"));
    }
    run(&mut connection, &format!("INSERT INTO went {WIDE_ROWS}"));
    let data = unload(&mut connection, "COPY went TO STDOUT (FORMAT binary)");
    // So much that several threads load: twice the rows.
    let rows = &data[19..data.len() - 2];
    let twice = [&data[..], &[]].concat();
    let twice = [&twice[..data.len() - 2], rows, &data[data.len() - 2..]].concat();
    assert!(twice.len() > 40 << 20, "{} bytes", twice.len());
    for (block, data, times, piece) in [(false, &twice, 2, 300_000), (false, &data, 1, 7000), (true, &data, 1, 100_000)]
    {
        run(&mut connection, "TRUNCATE came");
        if block {
            run(&mut connection, "BEGIN");
        }
        load(&mut connection, "came", "binary", data, piece);
        if block {
            run(&mut connection, "COMMIT");
        }
        let all = "SELECT *, count(*) FROM came GROUP BY b, id, s, i, f, r, d, t, z, n4, n9, n15, n, v, c, w, y, u, a";
        let missing = format!("SELECT count(*) FROM (SELECT *, {times}::int8 FROM went EXCEPT {all}) x");
        assert_eq!(connection.query(&missing).expect("counted")[0][0].as_deref(), Some("0"), "{block} {piece}");
        let count = connection.query("SELECT count(*) FROM came").expect("counted");
        assert_eq!(count[0][0].as_deref(), Some((25_000 * times).to_string().as_str()));
    }
    first_wrong_row(&mut connection, &twice);
}

/// Of several wrong rows the first is the error, with its line, whichever thread has met its own first.
fn first_wrong_row(connection: &mut Connection, data: &[u8]) {
    let rows = binary_rows(data);
    // The first byte of the text w.
    let place = |row: usize| {
        let mut at = rows[row] + 2;
        for _ in 0..15 {
            let length = i32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]);
            at += 4 + length.max(0) as usize;
        }
        at + 4
    };
    run(connection, "TRUNCATE came");
    for (first, others) in [(3, vec![4, 30_000]), (40_000, vec![40_001, 45_000, 49_000]), (49_999, vec![])] {
        let mut wrong = data.to_vec();
        others.iter().chain([&first]).for_each(|row| wrong[place(*row)] = 0xff);
        // What is no row comes last.
        let end = rows[rows.len() - 1];
        wrong[end] = 0;
        for block in [false, true] {
            if block {
                run(connection, "BEGIN");
            }
            let pieces = wrong.chunks(200_000).map(<[u8]>::to_vec);
            let outcome = connection.copy_in("COPY came FROM STDIN (FORMAT binary)", pieces);
            let Err(Failure::Server(fields)) = outcome else { panic!("{outcome:?}") };
            let field = |key| fields.iter().find(|(k, _)| *k == key).map(|(_, text)| text.clone());
            assert_eq!(field('C').as_deref(), Some("22021"), "{fields:?}");
            assert_eq!(field('W'), Some(format!("COPY came, line {}, column w", first + 1)));
            if block {
                run(connection, "ROLLBACK");
            }
        }
    }
    // Without a word from the client that there is no more.
    let mut silent = data[..rows[2]].to_vec();
    silent[place(1)] = 0xff;
    connection.send(&query("COPY came FROM STDIN (FORMAT binary)")).unwrap_or_else(|e| panic!("{e}"));
    connection.send(&frame(b'd', &silent)).unwrap_or_else(|e| panic!("{e}"));
    let fields = loop {
        let message = connection.read().unwrap_or_else(|e| panic!("{e}"));
        if message.tag == b'E' {
            break support::protocol::fields(&message.body);
        }
    };
    assert!(fields.contains(&('W', "COPY came, line 2, column w".into())), "{fields:?}");
    connection.send(&frame(b'c', b"")).unwrap_or_else(|e| panic!("{e}"));
    while connection.read().unwrap_or_else(|e| panic!("{e}")).tag != b'Z' {}
    let count = connection.query("SELECT count(*) FROM came").expect("counted");
    assert_eq!(count[0][0].as_deref(), Some("0"));
}
