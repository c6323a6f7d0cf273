//! Complaints as data: a file, and what is said about it.

use super::*;

fn complaints(text: &str) -> Vec<String> {
    let loaded = load_texts(vec![("t.toml".into(), text.to_owned())]);
    loaded.diagnostics.iter().map(ToString::to_string).collect()
}

#[test]
fn a_file_of_every_kind_of_object_is_understood() {
    let text = r#"
namespace = "shop"

[[enum]]
name = "mood"
labels = ["sad", "happy"]

[[table]]
name = "item"
comment = "things"
on_conflict = "update"
[table.columns]
id = "bigserial primary key"
zeta = "varchar(20) not null default 'x'"
alpha = { type = "numeric(12,2)", default = 0, check = "alpha >= 0", comment = "price" }
feeling = "mood"
tags = "text[]"
at = { type = "timestamptz", not_null = true, default = "now()" }
[[table.unique]]
columns = ["zeta", "alpha"]
[[table.index]]
columns = ["at desc"]

[[table]]
name = "sale"
primary_key = ["id", "line"]
[table.columns]
id = "integer"
line = "smallint"
item = "bigint not null references item(id)"

[[role]]
name = "reader"
login = true
[[grant]]
to = "reader"
on = "item"
privileges = "select"
columns = ["id", "zeta"]
"#;
    let loaded = load_texts(vec![("t.toml".into(), text.to_owned())]);
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    let item = &loaded.schema.tables[0];
    let names: Vec<&str> = item.columns.iter().map(|c| &*c.name).collect();
    assert_eq!(names, ["id", "zeta", "alpha", "feeling", "tags", "at"]);
    assert_eq!(item.columns[0].sequence, Some(None));
    assert_eq!(loaded.schema.tables[1].constraints.len(), 2);
    assert_eq!(loaded.schema.grants[0].columns.len(), 2);
}

#[test]
fn every_error_is_told_in_one_pass_with_its_place_and_what_would_be_right() {
    let text = r#"nmespace = "x"

[[table]]
name = "a"
primary_key = ["idd"]
[table.columns]
id = "interger"
n = "numeric(50,2)"
d = { type = "text", defualt = "x" }
e = { type = "text", default = "open" }
g = "integer default 'many'"
f = "bigint references b"

[[table]]
name = "a"
[table.columns]
id = "integer"

[[role]]
name = "r"
password = "secret"
member_of = ["q"]

[[grant]]
to = "rr"
on = "aa"
privileges = "selct"
"#;
    let found = complaints(text);
    let expected = [
        "t.toml:1:1: error: unknown key \"nmespace\"\n    help: did you mean \"namespace\"?",
        "t.toml:5:15: error: table \"a\" has no column \"idd\"\n    help: did you mean \"id\"?",
        "t.toml:7:6: error: column \"id\": type \"interger\" does not exist\n    help: did you mean \"integer\"?",
        "t.toml:8:5: error: column \"n\": numeric(50,2) cannot be stored as declared",
        "t.toml:9:22: error: unknown key \"defualt\"\n    help: did you mean \"default\"?",
        "t.toml:10:32: error: default of column \"e\" names a column, which a default cannot\n    help: a text constant has SQL's quotes: \"'open'\"",
        "t.toml:11:5: error: default of column \"g\": invalid input syntax for type integer: \"many\"",
        "t.toml:12:5: error: foreign key to table \"b\", which no file defines",
        "t.toml:15:8: error: table \"a\" is defined twice\n    help: the first definition is in t.toml, line 4",
        "t.toml:21:12: error: a password does not belong in a schema file",
        "t.toml:22:14: error: member of role \"q\", which no file defines",
        "t.toml:25:6: error: grant to role \"rr\", which no file defines\n    help: did you mean \"r\"?",
        "t.toml:26:6: error: grant on table \"aa\", which no file defines\n    help: did you mean \"a\"?",
    ];
    for line in expected {
        assert!(found.iter().any(|f| f.starts_with(line)), "missing: {line}\nfound:\n{}", found.join("\n"));
    }
}

#[test]
fn what_a_file_that_cannot_be_read_may_define_is_not_told_as_missing() {
    let access = "[[role]]\nname = \"r\"\n\n[[grant]]\nto = \"r\"\non = \"a\"\nprivileges = \"select\"\n";
    let of = |table: &str| {
        let texts = [("a.toml", table), ("access.toml", access)].map(|(path, text)| (path.into(), text.to_owned()));
        load_texts(texts.into()).diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let broken = of("[[table]]\nname = \"a\n");
    assert!(broken.iter().all(|f| f.starts_with("a.toml:")) && !broken.is_empty(), "{broken:?}");
    let other = of("[[table]]\nname = \"b\"\n[table.columns]\nid = \"integer\"\n");
    assert!(other.iter().any(|f| f.contains("grant on table \"a\", which no file defines")), "{other:?}");
}

#[test]
fn what_is_not_toml_is_told_with_its_place() {
    let found = complaints("[[table]]\nname = \"a\n[table.columns]\nid = integer\n");
    assert!(found.iter().all(|f| f.contains("not valid TOML")) && !found.is_empty(), "{found:?}");
    assert!(found[0].starts_with("t.toml:2:"), "{found:?}");
}

#[test]
fn a_thousand_files_load_without_growing_slow() {
    let files = (0..1000)
        .map(|i| {
            let columns: String = (0..20).map(|c| format!("c{c} = \"numeric(12,2) not null default 0\"\n")).collect();
            let text = format!(
                "[[table]]\nname = \"t{i}\"\nprimary_key = \"id\"\n[table.columns]\nid = \"bigint\"\n{columns}"
            );
            (std::path::PathBuf::from(format!("t{i}.toml")), text)
        })
        .collect();
    let start = std::time::Instant::now();
    let loaded = load_texts(files);
    let took = start.elapsed();
    assert!(!loaded.has_errors());
    assert_eq!(loaded.schema.tables.len(), 1000);
    // A release build takes a small part of the second that is promised; this build and a busy machine get more time,
    // and what is quadratic would still take minutes.
    assert!(took.as_secs_f64() < 10.0, "{took:?}");
}

#[test]
fn the_published_json_schema_is_in_step() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/duckgate.schema.json");
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    if std::env::var_os("DUCKGATE_WRITE_JSON_SCHEMA").is_some() {
        std::fs::write(&path, json_schema()).unwrap();
        return;
    }
    assert!(published == json_schema(), "run the tests once with DUCKGATE_WRITE_JSON_SCHEMA=1");
}

#[test]
fn the_sample_schema_has_no_errors() {
    let loaded = load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas"));
    let errors: Vec<_> = loaded.diagnostics.iter().filter(|d| d.level == Level::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert!(loaded.schema.tables.len() >= 8);
}
