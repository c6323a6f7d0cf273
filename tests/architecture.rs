//! The rules of the house, checked on the source text: file headers, layers, who may name what, sizes, docs in step.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The layers from the bottom up; modules of one row stand beside each other. A module uses those of rows below, and
/// its own. `observe` may be used from anywhere.
const LAYERS: &[&[&str]] = &[
    &["error"],
    &["config"],
    &["facts"],
    &["types"],
    &["search"],
    &["registry"],
    &["tree"],
    &["policy"],
    &["engine"],
    &["copy"],
    &["catalog"],
    &["sql"],
    &["session"],
    &["wire"],
    &["server"],
    &["cli"],
];

/// Uses that go up, each with its reason.
const UPWARD: &[(&str, &str, &str)] =
    &[("src/config.rs", "engine", "resolved configuration is handed to the engine in the engine's own words")];

/// Crates that only one module names, so that they can be changed there alone.
const OWNED_CRATES: &[(&str, &[&str])] =
    &[("duckdb", &["engine"]), ("sqlparser", &["sql", "registry"]), ("tokio_rustls", &["wire"])];

/// Files that make a permit for what the gateway does on its own behalf.
const SYSTEM_PERMITS: &[&str] = &[
    // The steps of a schema change that policy has allowed, and its reading of the tables concerned.
    "src/sql/ddl/planner.rs",
    // The gateway's own metadata.
    "src/server/system.rs",
];

/// Files over the limit, each with the reason why it is one.
const LONG_FILES: &[(&str, &str)] =
    &[("src/types/datetime/decode.rs", "PostgreSQL's date and time input is one state machine")];
const LONG: usize = 600;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&root().join(folder), &mut paths);
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a source file");
            (path.strip_prefix(root()).expect("inside").to_string_lossy().into_owned(), text)
        })
        .collect()
}

/// `src/engine/pool.rs` → `engine`.
fn module_of(file: &str) -> &str {
    file.strip_prefix("src/").and_then(|f| f.split(['/', '.']).next()).unwrap_or_default()
}

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

/// Code only: no comments, no string literals, nothing from the tests' module at the file's end on. A `use` that takes
/// several lines is one.
fn code(text: &str) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, String)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("#[cfg(test)]") {
            break;
        }
        if line.trim_start().starts_with("//") {
            continue;
        }
        match out.last_mut() {
            Some((_, last)) if is_open_use(last) => last.push_str(line.trim()),
            _ => out.push((number + 1, without_strings(line))),
        }
    }
    out
}

fn is_open_use(line: &str) -> bool {
    let start = line.trim_start();
    (start.starts_with("use ") || start.starts_with("pub use ")) && !line.contains(';')
}

fn without_strings(line: &str) -> String {
    let (mut out, mut inside, mut escaped) = (String::new(), false, false);
    for c in line.chars() {
        match (inside, escaped, c) {
            (false, _, '"') => inside = true,
            (false, ..) => out.push(c),
            (true, true, _) => escaped = false,
            (true, false, '\\') => escaped = true,
            (true, false, '"') => inside = false,
            (true, ..) => {}
        }
    }
    out.split("//").next().unwrap_or_default().to_string()
}

/// The modules of this crate that a line of code names: `crate::a::b`, `crate::{a, b::c}`.
fn named_modules(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        if line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &line[at + "crate::".len()..];
        let word = |s: &str| s.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        match rest.strip_prefix('{') {
            Some(list) => {
                let (mut depth, mut item) = (0, String::new());
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => out.push(word(std::mem::take(&mut item).trim())),
                        c => item.push(c),
                    }
                }
                out.push(word(item.trim()));
            }
            None => out.push(word(rest)),
        }
    }
    out.retain(|m| !m.is_empty());
    out
}

#[test]
fn every_file_says_first_what_lives_in_it() {
    let silent: Vec<_> = ["src", "tests", "benches", "build.rs"]
        .iter()
        .flat_map(|folder| rust_files(folder))
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(file, _)| file)
        .collect();
    assert!(silent.is_empty(), "these files do not open with `//!`: {silent:#?}");
}

#[test]
fn modules_use_only_what_lies_below_them() {
    let mut wrong = Vec::new();
    for (file, text) in rust_files("src") {
        let module = module_of(&file);
        if matches!(module, "main" | "lib" | "observe") || file.ends_with("tests.rs") || file.contains("/tests/") {
            continue;
        }
        let own = rank(module).unwrap_or_else(|| panic!("{module} is in no layer: add it to LAYERS"));
        for (number, line) in code(&text) {
            for used in named_modules(&line) {
                let Some(other) = rank(&used) else { continue };
                let listed = UPWARD.iter().any(|(from, to, _)| *from == file && *to == used);
                if used != module && other >= own && !listed {
                    wrong.push(format!("{file}:{number}: {module} uses {used}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "uses that go up: {wrong:#?}");
}

#[test]
fn each_foreign_crate_has_its_owner() {
    let mut wrong = Vec::new();
    for (file, text) in rust_files("src") {
        for (number, line) in code(&text) {
            for (name, owners) in OWNED_CRATES {
                let names = line
                    .match_indices(&format!("{name}::"))
                    .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
                if names && !owners.contains(&module_of(&file)) {
                    wrong.push(format!("{file}:{number}: {name} belongs to {owners:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn permits_of_the_system_are_made_only_where_the_list_says() {
    let callers: BTreeSet<String> = rust_files("src")
        .into_iter()
        .filter(|(file, _)| !file.starts_with("src/policy/") && !file.contains("/tests"))
        .filter(|(_, text)| code(text).iter().any(|(_, line)| line.contains("Permit::system(")))
        .map(|(file, _)| file)
        .collect();
    let listed: BTreeSet<String> = SYSTEM_PERMITS.iter().map(|s| s.to_string()).collect();
    assert_eq!(callers, listed, "Permit::system has other callers than the list");
}

#[test]
fn files_are_short_or_have_a_reason() {
    let long: Vec<_> = ["src", "tests", "benches"]
        .iter()
        .flat_map(|folder| rust_files(folder))
        .map(|(file, text)| (file, text.lines().count()))
        .filter(|(file, lines)| *lines > LONG && !LONG_FILES.iter().any(|(listed, _)| listed == file))
        .collect();
    assert!(long.is_empty(), "over {LONG} lines: {long:#?}");
    for (file, _) in LONG_FILES {
        let lines = fs::read_to_string(root().join(file)).map_or(0, |t| t.lines().count());
        assert!(lines > LONG, "{file} is not long (any more): take it off the list");
    }
}

#[test]
fn no_wildcard_hides_a_new_kind_of_statement_from_the_rules() {
    // A match that ends in `_ => Ok(…)` in policy would let through what nobody thought of.
    let open: Vec<_> = rust_files("src/policy")
        .into_iter()
        .flat_map(|(file, text)| {
            code(&text)
                .into_iter()
                .filter(|(_, line)| line.trim_start().starts_with("_ => Ok("))
                .map(move |(number, _)| format!("{file}:{number}"))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(open.is_empty(), "{open:#?}");
}

#[test]
fn every_row_of_the_compatibility_table_names_tests_that_exist() {
    let Ok(text) = fs::read_to_string(root().join("docs/compatibility.md")) else { return };
    let mut wrong = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, l)| l.starts_with("| ") && !l.starts_with("| ---")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').collect();
        let proof = cells.last().expect("a cell");
        if proof.trim() == "test" {
            continue;
        }
        let files: Vec<_> = proof.split('`').skip(1).step_by(2).collect();
        if files.is_empty() {
            wrong.push(format!("docs/compatibility.md:{}: names no test", number + 1));
        }
        for file in files {
            let (path, name) = file.split_once("::").unwrap_or((file, ""));
            match fs::read_to_string(root().join(path)) {
                Ok(text) if text.contains(name) => {}
                _ => wrong.push(format!("docs/compatibility.md:{}: there is no {file}", number + 1)),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_map_of_the_large_rooms_names_their_files_and_no_others() {
    let text: &'static str = fs::read_to_string(root().join("docs/architecture.md")).expect("the map").leak();
    let section = text.split("## ").find(|part| part.starts_with("The large rooms")).expect("the large rooms");
    let mut wrong = Vec::new();
    for room in ["sql/lower", "sql/ddl", "session", "engine"] {
        let part = section.split("\n**").find(|part| part.starts_with(&format!("`{room}`"))).expect("a room");
        // Words in backticks in the tables are files and folders of the room, or of the folder in the row's first cell.
        let words = |cell: &'static str| cell.split('`').skip(1).step_by(2);
        let mut named: BTreeMap<PathBuf, BTreeSet<&str>> = BTreeMap::new();
        for line in part.lines().filter(|line| line.starts_with("| ")) {
            let (what, files) = line[2..].split_once('|').expect("two cells");
            named.entry(Path::new(room).join(words(what).next().unwrap_or_default())).or_default().extend(words(files));
        }
        for (room, named) in named {
            let folder = root().join("src").join(&room);
            for name in &named {
                let name = name.trim_end_matches('/');
                if *name != *"mod.rs" && !folder.join(name).is_dir() && !folder.join(format!("{name}.rs")).is_file() {
                    wrong.push(format!("{} has no {name}", room.display()));
                }
            }
            for entry in fs::read_dir(&folder).expect("the room").flatten() {
                let file = entry.file_name().to_string_lossy().into_owned();
                if let Some(name) = file.strip_suffix(".rs")
                    && !["mod", "tests"].contains(&name)
                    && !named.contains(name)
                {
                    wrong.push(format!("{}/{file} is not in docs/architecture.md", room.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn uses_are_found_in_every_way_of_writing_them() {
    assert_eq!(named_modules("use crate::types::Oid;"), ["types"]);
    assert_eq!(named_modules("use crate::{error::{Error, Result}, engine, sql::lower};"), ["error", "engine", "sql"]);
    let several = code("use crate::{\n    a::B,\n    c,\n};\nfn x() {}");
    assert_eq!(named_modules(&several[0].1), ["a", "c"]);
    assert_eq!(named_modules("let x: crate::tree::Field = other_crate::types::y();"), ["tree"]);
}
