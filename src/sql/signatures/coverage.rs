//! How many of PostgreSQL's functions are given, refused and missing, by family: docs/functions.md, generated.
//!
//! `DUCKGATE_RECORD=1 cargo test --lib coverage` writes the file; without it the test compares.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{How, entry, signature};
use crate::facts::{self, Proc};

/// What stands in the table for a function.
enum State {
    Given,
    Refused(&'static str),
    Missing,
}

fn state(proc_: &'static Proc) -> State {
    match entry(proc_).map(|e| e.how) {
        None => State::Missing,
        Some(How::Refused(reason)) => State::Refused(reason),
        Some(
            How::Template(_)
            | How::When(..)
            | How::Native(_)
            | How::SessionNative(_)
            | How::Aggregate(_)
            | How::Special,
        ) => State::Given,
    }
}

/// Families in the table's order; the first whose test holds has the function. The last two are not called by queries.
fn family(proc_: &Proc) -> &'static str {
    let ty = |oid: u32| facts::TYPES.by_oid(oid).map_or("", |t| t.name);
    let types: Vec<&str> = proc_.args.iter().chain([&proc_.result]).map(|oid| ty(*oid)).collect();
    let has = |names: &[&str]| types.iter().any(|t| names.contains(&t.trim_start_matches('_')));
    let first = |names: &[&str]| {
        types.first().is_some_and(|t| names.contains(&t.trim_start_matches('_')))
            || types.last().is_some_and(|t| names.contains(&t.trim_start_matches('_')))
    };
    let of_catalog =
        ["pg_", "has_", "current_", "inet_", "txid_", "lo_", "binary_upgrade", "row_security", "obj_desc", "col_desc"];
    match () {
        () if has(&[
            "internal",
            "cstring",
            "trigger",
            "event_trigger",
            "language_handler",
            "fdw_handler",
            "index_am_handler",
            "table_am_handler",
            "tsm_handler",
        ]) || proc_.name.ends_with("recv")
            || proc_.name.ends_with("send")
            || proc_.name.ends_with("typmodin")
            || proc_.name.starts_with("hash")
            || proc_.name.contains("_hash")
            || proc_.name.starts_with("bt") && proc_.name.ends_with("cmp")
            || proc_.name.contains("accum")
            || proc_.name.contains("combine")
            || proc_.name.starts_with("in_range") =>
        {
            "input, output and support functions"
        }
        () if proc_.kind == b'a' => "aggregates",
        () if proc_.kind == b'w' => "window functions",
        () if has(&["point", "lseg", "path", "box", "polygon", "line", "circle"]) => "geometry",
        () if has(&["inet", "cidr", "macaddr", "macaddr8"]) => "network addresses",
        () if has(&["tsvector", "tsquery", "gtsvector"]) || proc_.name.starts_with("ts_") => "text search",
        () if types.iter().any(|t| t.contains("range")) => "ranges",
        () if has(&["bit", "varbit"]) => "bit strings",
        () if has(&["money"]) => "money",
        () if has(&["xml"]) || proc_.name.contains("xml") => "xml",
        () if has(&["json", "jsonb", "jsonpath"]) => "json",
        () if of_catalog.iter().any(|p| proc_.name.starts_with(p)) => "session, catalog and administration",
        () if types.iter().any(|t| t.starts_with("any") && t.contains("array")) => "arrays",
        () if first(&["date", "time", "timetz", "timestamp", "timestamptz", "interval"]) => "dates and times",
        () if first(&["bytea"]) => "byte strings",
        () if first(&["int2", "int4", "int8", "float4", "float8", "numeric"])
            && !has(&["text", "bpchar", "varchar", "name"]) =>
        {
            "numbers"
        }
        () if has(&["text", "bpchar", "varchar", "name", "char"]) => "text",
        () => "everything else",
    }
}

/// The document's text.
fn document() -> String {
    let mut families: BTreeMap<&str, Vec<&'static Proc>> = BTreeMap::new();
    for proc_ in facts::PROCS.all.iter().filter(|p| p.extension.is_none()) {
        families.entry(family(proc_)).or_default().push(proc_);
    }
    let mut table = String::new();
    let mut lists = String::new();
    let mut sums = [0; 3];
    for (name, procs) in &families {
        let mut counts = [0; 3];
        let (mut refused, mut missing) = (Vec::new(), Vec::new());
        for proc_ in procs {
            match state(proc_) {
                State::Given => counts[0] += 1,
                State::Refused(reason) => {
                    counts[1] += 1;
                    refused.push(format!("- `{}`: {reason}", signature(proc_)));
                }
                State::Missing => {
                    counts[2] += 1;
                    missing.push(format!("`{}`", signature(proc_)));
                }
            }
        }
        sums.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
        let _ = writeln!(table, "| {name} | {} | {} | {} |", counts[0], counts[1], counts[2]);
        refused.sort();
        missing.sort();
        let _ = writeln!(lists, "\n## {name}\n");
        if !refused.is_empty() {
            let _ = writeln!(lists, "Refused:\n\n{}\n", refused.join("\n"));
        }
        if counts[0] == 0 {
            let _ = writeln!(lists, "None is given.");
        } else if *name == "input, output and support functions" {
            let _ = writeln!(lists, "Queries do not call them; the types' own input and output stand in `types`.");
        } else if missing.is_empty() {
            let _ = writeln!(lists, "None is missing.");
        } else {
            let _ = writeln!(lists, "Missing: {}", missing.join(", "));
        }
    }
    let _ = writeln!(table, "| all | {} | {} | {} |", sums[0], sums[1], sums[2]);
    format!(
        "# PostgreSQL's functions\n\nGenerated from `sql::signatures` (`DUCKGATE_RECORD=1 cargo test --lib coverage`); a test keeps it \
         in step. The functions of pg_proc, those that carry out operators and casts among them. *Given*: with PostgreSQL's \
         result. *Refused*: known, and answered with 0A000 for the reason below. *Missing*: answered with 0A000.\n\n\
         | family | given | refused | missing |\n|---|---|---|---|\n{table}{lists}"
    )
}

#[test]
fn the_table_of_functions_is_in_step() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/functions.md");
    let now = document();
    if std::env::var_os("DUCKGATE_RECORD").is_some() {
        std::fs::write(path, &now).expect("docs/functions.md is written");
        return;
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == now, "docs/functions.md: DUCKGATE_RECORD=1 cargo test --lib coverage");
}
