//! Names that look like SQL, or like places in templates, in every place where a name can stand: what is answered is what
//! a plain name gives, with the name in it.

use super::*;

/// Stands for the name in the script and in its expected answers.
const NAME: &str = "zq z";

const HOSTILE: &[&str] = &[
    "{0}",
    "{1}{2}",
    "{*}",
    "se{*}cret",
    "{1*}",
    "{session}",
    "'",
    "\"",
    "\\",
    "' ||(select string_agg(ssn,',')from public.secret)||'",
    "\"; drop table public.secret; --",
    "$1",
    "--",
    "/*",
    "%s{}",
    "t1\".\"c0",
    "a.b",
    "ÄÖ'{0}\"",
    "☃ {0}",
];

/// Statements with [`NAME`] in the places of names.
const SCRIPT: &[&str] = &[
    "CREATE SCHEMA \"zq z\"",
    "CREATE TYPE \"zq z\".\"t zq z\" AS ENUM ('one', 'zq z''')",
    "CREATE DOMAIN \"zq z\".\"d zq z\" AS int CONSTRAINT \"dc zq z\" CHECK (value <> 7)",
    "CREATE SEQUENCE \"zq z\".\"s zq z\"",
    "CREATE TABLE \"zq z\".\"zq z\" (\"zq z\" int CONSTRAINT \"p zq z\" PRIMARY KEY, \"b zq z\" text DEFAULT 'zq z',
        CONSTRAINT \"k zq z\" CHECK (\"b zq z\" <> 'bad'), CONSTRAINT \"u zq z\" UNIQUE (\"b zq z\"))",
    "CREATE TABLE \"zq z\".\"f zq z\" (\"zq z\" int CONSTRAINT \"fk zq z\" REFERENCES \"zq z\".\"zq z\", n text NOT NULL)",
    "CREATE INDEX \"i zq z\" ON \"zq z\".\"f zq z\" (\"zq z\")",
    "INSERT INTO \"zq z\".\"zq z\" VALUES (1, 'one'), (2, 'no') RETURNING \"zq z\", \"zq z\".\"b zq z\"",
    "INSERT INTO \"zq z\".\"zq z\" (\"zq z\") VALUES (3) RETURNING \"b zq z\"",
    "INSERT INTO \"zq z\".\"zq z\" VALUES (9, 'bad')",
    "UPDATE \"zq z\".\"zq z\" SET \"b zq z\" = 'bad' WHERE \"zq z\" = 1",
    "INSERT INTO \"zq z\".\"zq z\" VALUES (1, 'again')",
    "INSERT INTO \"zq z\".\"zq z\" VALUES (8, 'one')",
    "INSERT INTO \"zq z\".\"f zq z\" VALUES (99, 'x')",
    "INSERT INTO \"zq z\".\"f zq z\" VALUES (1, NULL)",
    "INSERT INTO \"zq z\".\"f zq z\" VALUES (1, 'x')",
    "DELETE FROM \"zq z\".\"zq z\" WHERE \"zq z\" = 1",
    "INSERT INTO \"zq z\".\"zq z\" AS \"zq z\" VALUES (1, 'uno') ON CONFLICT (\"zq z\") DO UPDATE SET \"b zq z\" = excluded.\"b zq z\"
        RETURNING \"zq z\".\"b zq z\"",
    "SELECT * FROM \"zq z\".\"zq z\" ORDER BY \"zq z\"",
    "SELECT \"zq z\".\"zq z\" AS \"zq z\", count(*) AS \"c zq z\" FROM \"zq z\".\"zq z\" \"zq z\" GROUP BY \"zq z\".\"zq z\" ORDER BY \"zq z\"",
    "WITH \"zq z\" (\"zq z\") AS (SELECT 5) SELECT \"zq z\" FROM \"zq z\"",
    "WITH RECURSIVE \"zq z\" (\"zq z\") AS (SELECT 1 UNION ALL SELECT \"zq z\" + 1 FROM \"zq z\" WHERE \"zq z\" < 3) SELECT * FROM \"zq z\"",
    "SELECT \"zq z\".\"zq z\" FROM (VALUES (1)) AS \"zq z\" (\"zq z\")",
    "SELECT \"zq z\" FROM generate_series(1, 2) AS \"zq z\"",
    "SELECT row_number() OVER \"zq z\" FROM \"zq z\".\"zq z\" WINDOW \"zq z\" AS (ORDER BY \"zq z\")",
    "SELECT \"b zq z\"::\"zq z\".\"t zq z\" FROM \"zq z\".\"zq z\" WHERE \"zq z\" = 2",
    "SELECT 'nosuch'::\"zq z\".\"t zq z\"",
    "SELECT \"zq z\"::\"zq z\".\"d zq z\" FROM \"zq z\".\"zq z\" ORDER BY 1",
    "SELECT (\"zq z\" + 6)::\"zq z\".\"d zq z\" FROM \"zq z\".\"zq z\" WHERE \"zq z\" = 1",
    "SELECT tableoid = '\"zq z\".\"zq z\"'::regclass, '\"zq z\".\"zq z\"'::regclass::text <> '' FROM \"zq z\".\"zq z\" LIMIT 1",
    "SELECT nextval('\"zq z\".\"s zq z\"')",
    "CREATE VIEW \"zq z\".\"v zq z\" (\"zq z\") AS SELECT \"b zq z\" FROM \"zq z\".\"zq z\" WHERE \"zq z\" = 2",
    "SELECT \"zq z\" FROM \"zq z\".\"v zq z\" \"zq z\"",
    "CREATE TEMP TABLE \"zq z\" (\"zq z\" text); INSERT INTO \"zq z\" VALUES ('t'); SELECT * FROM \"zq z\"",
    "CREATE TABLE \"zq z\".\"as zq z\" AS SELECT \"zq z\" FROM \"zq z\".\"zq z\"",
    "ALTER TABLE \"zq z\".\"f zq z\" ADD COLUMN \"new zq z\" text DEFAULT 'zq z'",
    "ALTER TABLE \"zq z\".\"f zq z\" RENAME COLUMN n TO \"n zq z\"",
    "ALTER TABLE \"zq z\".\"f zq z\" ALTER COLUMN \"n zq z\" TYPE varchar(99) USING \"n zq z\" || 'zq z'",
    "SELECT * FROM \"zq z\".\"f zq z\"",
    "ALTER TABLE \"zq z\".\"f zq z\" RENAME TO \"g zq z\"",
    "SELECT \"zq z\", \"n zq z\", \"new zq z\" FROM \"zq z\".\"g zq z\" AS \"zq z\" FOR UPDATE",
    "COPY \"zq z\".\"zq z\" (\"zq z\") TO STDOUT",
    "COMMENT ON TABLE \"zq z\".\"zq z\" IS 'zq z'",
    "CREATE ROLE \"zq z\"; GRANT SELECT (\"zq z\") ON \"zq z\".\"zq z\" TO \"zq z\"; SET ROLE \"zq z\"; SELECT * FROM public.secret; RESET ROLE",
    "RESET ROLE",
    "PREPARE \"zq z\" AS SELECT 1; EXECUTE \"zq z\"; DEALLOCATE \"zq z\"",
    "BEGIN; DECLARE \"zq z\" CURSOR FOR SELECT 1; FETCH \"zq z\"; SAVEPOINT \"zq z\"; RELEASE \"zq z\"; ROLLBACK",
    "SET search_path TO \"zq z\"; SELECT count(*) FROM \"v zq z\"; SELECT current_schema(); RESET search_path",
    "EXPLAIN SELECT 1",
    "DROP TABLE pg_temp.\"zq z\"; DROP SCHEMA \"zq z\" CASCADE",
    "SELECT * FROM public.secret",
];

/// The script's answers with a name in [`NAME`]'s place; in literals its quotes are doubled, in identifiers the others.
async fn answers(name: &str) -> Vec<String> {
    let gateway = gateway().await;
    let mut session = open(&gateway);
    simple(&mut session, "CREATE TABLE public.secret (ssn text); INSERT INTO public.secret VALUES ('hidden')").await;
    let mut answers = Vec::new();
    for statement in SCRIPT {
        let mut text = String::new();
        let mut delimiter = None;
        let mut rest = *statement;
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix(NAME) {
                let doubled = |quote: char| name.replace(quote, &format!("{quote}{quote}"));
                // A name in quotes inside a literal ('"zq z"'::regclass) has both.
                match delimiter {
                    Some('\'') if text.ends_with(['"', ' ']) && rest[NAME.len()..].starts_with('"') => {
                        text.push_str(&doubled('"').replace('\'', "''"));
                    }
                    Some(quote) => text.push_str(&doubled(quote)),
                    None => panic!("a bare name in {statement}"),
                }
                rest = after;
                continue;
            }
            match (c, delimiter) {
                ('\'' | '"', None) => delimiter = Some(c),
                (c, Some(open)) if c == open => delimiter = None,
                _ => {}
            }
            text.push(c);
            rest = &rest[c.len_utf8()..];
        }
        answers.push(statement.to_string());
        answers.extend(simple(&mut session, &text).await);
    }
    answers
}

#[tokio::test]
async fn hostile_names_are_names() {
    let plain = answers(NAME).await;
    let internal: Vec<&[String]> = plain.windows(3).filter(|w| w[2].starts_with("E XX000")).collect();
    assert!(internal.is_empty(), "{internal:?}");
    let mut failures = Vec::new();
    for name in HOSTILE {
        let expected: Vec<String> = plain
            .iter()
            .map(|line| match line {
                line if SCRIPT.contains(&line.as_str()) => line.clone(),
                // A type's name is shown as an identifier.
                line if line.contains(" for enum ") => line.replace(NAME, &name.replace('"', "\"\"")),
                line if line.contains(" value for domain ") => match line.split_once(" violates ") {
                    Some((domain, check)) => {
                        let domain = domain.replace(NAME, &name.replace('"', "\"\""));
                        format!("{domain} violates {}", check.replace(NAME, name))
                    }
                    None => line.replace(NAME, &name.replace('"', "\"\"")),
                },
                line => line.replace(NAME, name),
            })
            .collect();
        let given = answers(name).await;
        for (i, (expected, given)) in expected.iter().zip(&given).enumerate() {
            if expected != given {
                let statement = plain[..i].iter().rev().find(|l| SCRIPT.contains(&l.as_str()));
                failures.push(format!("{name}: {}\n  expected {expected}\n  given    {given}", statement.unwrap()));
            }
        }
        if expected.len() != given.len() {
            failures.push(format!("{name}: {} lines, not {}", given.len(), expected.len()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Control characters, which error texts and an older form of lowering used as marks.
#[tokio::test]
async fn control_characters_in_names_mark_nothing() {
    let mut session = open(&gateway().await);
    simple(&mut session, "CREATE TABLE public.secret (ssn text); INSERT INTO public.secret VALUES ('hidden')").await;
    for mark in ['\u{1}', '\u{2}', '\u{7f}'] {
        let column = format!("{mark}(SELECT ssn FROM public.secret)");
        let made = simple(&mut session, &format!("CREATE TABLE m (a int, \"{column}\" text)")).await;
        if made[0].starts_with("E 42601") {
            // The parser keeps this mark for itself, and refuses it in clients' names.
            continue;
        }
        assert_eq!(made, ["C CREATE TABLE", "Z I"]);
        simple(&mut session, "INSERT INTO m VALUES (1, 'mine')").await;
        let rows = simple(&mut session, &format!("SELECT \"{column}\" FROM m")).await;
        assert_eq!(rows[1], "D mine");
        let rows = simple(&mut session, "SELECT m FROM m").await;
        assert!(rows[1].contains("mine"), "{rows:?}");
        let rows = simple(&mut session, &format!("UPDATE m SET a = 2 RETURNING \"{column}\"")).await;
        assert_eq!(rows[1], "D mine");
        simple(&mut session, "DROP TABLE m").await;
    }
}
