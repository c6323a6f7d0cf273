//! How DuckDB gives PostgreSQL's result for each function, operator, aggregate and window function.
//!
//! Every signature of pg_proc that may be used has an [`Entry`] here (operators and casts by the function that carries
//! them out). What has no entry is refused: so no difference between the two databases is passed on unseen.
//!
//! To add one: a line in the family's file, keyed `name(argument types)` with pg_type's names, and recorded cases.
//!
//! Conventions. An argument arrives in the physical type of its PostgreSQL type; `numeric` arrives as decimal text
//! (`Phys::Numeric`) and leaves as such, except for what lowering does itself ([`How::Special`]).

mod aggregate;
mod array;
mod bits;
mod bytea;
mod catalog;
mod citext;
mod contrib;
#[cfg(test)]
mod coverage;
mod datetime;
mod geometry;
mod hstore;
mod json;
mod math;
pub mod native;
mod network;
mod range;
mod search;
mod system;
mod text;
pub(in crate::sql) use text::padding_is_no_matter;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::engine::{Native, NativeAggregate};
use crate::facts::{self, Oid, Proc};
use crate::tree::{Expr, ExprKind};
use crate::types::Value;

/// How a function is given.
#[derive(Debug, Clone, Copy)]
pub enum How {
    /// DuckDB SQL over the rendered arguments `{0}`, `{1}` …; `{*}` is all of them, comma-separated;
    /// `{session}` is the session's number.
    Template(&'static str),
    /// The first template if the arguments pass the test (a constant pattern, say), the second way otherwise.
    When(fn(&[Expr]) -> bool, &'static str, &'static How),
    /// A native function with the arguments in order.
    Native(&'static str),
    /// A native function whose first argument is the session's number.
    SessionNative(&'static str),
    /// A DuckDB aggregate or window function by name; the result is cast to the physical type of the PostgreSQL result.
    Aggregate(&'static str),
    /// `sql::lower` knows it by name.
    Special,
    /// Known, and refused for this reason.
    Refused(&'static str),
}

/// One signature's entry.
#[derive(Debug)]
pub struct Entry {
    pub proc_: &'static Proc,
    pub how: How,
    /// True if it cannot fail for any argument: such a call may run on rows that a filter hides.
    pub total: bool,
}

/// One line of a family's list.
pub(crate) type Line = (&'static str, How);

/// The comparison functions of B-trees: -1, 0 or 1.
const CMP: &str = "CASE WHEN {0} < {1} THEN -1 WHEN {0} = {1} THEN 0 WHEN {0} > {1} THEN 1 END";

/// An expression that raises `message` with a SQLSTATE inside DuckDB (engine::error decodes it).
macro_rules! raise {
    ($code:literal, $message:literal) => {
        concat!("error('DG\u{1}", $code, "\u{1}", $message, "')")
    };
}
pub(crate) use raise;

static ENTRIES: LazyLock<facts::Map<Oid, Entry>> = LazyLock::new(|| {
    let by_signature: HashMap<String, &'static Proc> =
        facts::PROCS.all.iter().map(|proc_| (signature(proc_), proc_)).collect();
    let mut entries = facts::Map::default();
    for (family, lines) in families() {
        for (key, how) in lines {
            let Some(proc_) = by_signature.get(key.as_ref() as &str) else {
                debug_assert!(false, "signatures/{family}: no function {key} in PostgreSQL");
                continue;
            };
            let total = matches!(how, How::Template(t) if is_comparison(proc_) && !t.contains("error("));
            let twice = entries.insert(proc_.oid, Entry { proc_, how, total }).is_some();
            debug_assert!(!twice, "signatures/{family}: {key} has an entry already");
        }
    }
    entries
});

fn families() -> Vec<(&'static str, Vec<(std::borrow::Cow<'static, str>, How)>)> {
    fn lines(list: &[Line]) -> Vec<(std::borrow::Cow<'static, str>, How)> {
        list.iter().map(|(key, how)| ((*key).into(), *how)).collect()
    }
    vec![
        ("compare", comparisons()),
        ("math", lines(math::ENTRIES)),
        ("text", lines(text::ENTRIES)),
        ("datetime", lines(datetime::ENTRIES)),
        ("bytea", lines(bytea::ENTRIES)),
        ("bits", lines(bits::ENTRIES)),
        ("json", lines(json::ENTRIES)),
        ("aggregate", lines(aggregate::ENTRIES)),
        ("array", lines(array::ENTRIES)),
        ("geometry", lines(geometry::ENTRIES)),
        ("citext", lines(citext::ENTRIES)),
        ("hstore", lines(hstore::ENTRIES)),
        ("contrib", lines(contrib::ENTRIES)),
        ("network", lines(network::ENTRIES)),
        ("range", lines(range::ENTRIES)),
        ("search", lines(search::ENTRIES)),
        ("system", lines(system::ENTRIES)),
        ("catalog", lines(catalog::ENTRIES)),
        ("catalog's families", catalog::families()),
    ]
}

/// `name(type, …)` with pg_type's names, as families key their lines.
pub fn signature(proc_: &Proc) -> String {
    let args: Vec<&str> = proc_.args.iter().map(|oid| facts::TYPES.by_oid(*oid).map_or("record", |t| t.name)).collect();
    format!("{}({})", proc_.name, args.join(","))
}

/// The entry of a function; `None` if it is not known here.
pub fn entry(proc_: &'static Proc) -> Option<&'static Entry> {
    ENTRIES.get(&proc_.oid)
}

/// True for a function that does something to the session each time that it is called.
pub fn once(proc_: &Proc) -> bool {
    proc_.name == "pg_notify" || proc_.name.contains("_advisory_")
}

/// All entries, for the generated documentation and the catalog.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    ENTRIES.values()
}

/// The native scalar functions that the entries name.
pub fn natives() -> Vec<Native> {
    native::all()
}

/// The native aggregates that the entries name.
pub fn aggregates() -> Vec<NativeAggregate> {
    native::aggregates()
}

fn is_comparison(proc_: &Proc) -> bool {
    facts::OPERATORS.all.iter().any(|o| o.proc_ == proc_.oid && matches!(o.name, "=" | "<>" | "<" | "<=" | ">" | ">="))
}

/// Types whose physical values DuckDB compares as PostgreSQL compares them.
const COMPARABLE: &[&str] = &[
    "bool",
    "int2",
    "int4",
    "int8",
    "oid",
    "float4",
    "float8",
    "text",
    "name",
    "bpchar",
    "char",
    "bytea",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "uuid",
    "regclass",
    "xid",
    "cid",
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "pg_lsn",
    "tsvector",
];

/// The comparison operators' functions, for all pairs of comparable types that PostgreSQL has.
fn comparisons() -> Vec<(std::borrow::Cow<'static, str>, How)> {
    let name = |oid: Oid| facts::TYPES.by_oid(oid).map_or("", |t| t.name);
    facts::OPERATORS
        .all
        .iter()
        .filter(|o| COMPARABLE.contains(&name(o.left)) && COMPARABLE.contains(&name(o.right)))
        .filter_map(|o| {
            // Beyond ASCII its text is in octal.
            let bytes = name(o.left) == "char";
            let template = match o.name {
                "<" if bytes => "((dg_char_to_int4({0}) & 255) < (dg_char_to_int4({1}) & 255))",
                "<=" if bytes => "((dg_char_to_int4({0}) & 255) <= (dg_char_to_int4({1}) & 255))",
                ">" if bytes => "((dg_char_to_int4({0}) & 255) > (dg_char_to_int4({1}) & 255))",
                ">=" if bytes => "((dg_char_to_int4({0}) & 255) >= (dg_char_to_int4({1}) & 255))",
                "=" => "({0} = {1})",
                "<>" => "({0} <> {1})",
                "<" => "({0} < {1})",
                "<=" => "({0} <= {1})",
                ">" => "({0} > {1})",
                ">=" => "({0} >= {1})",
                _ => return None,
            };
            Some((signature(facts::PROCS.by_oid(o.proc_)?).into(), How::Template(template)))
        })
        .collect()
}

/// The text of argument `i`, if it is a constant.
fn const_text(args: &[Expr], i: usize) -> Option<&str> {
    match &args.get(i)?.kind {
        ExprKind::Const(Value::Text(text)) => Some(text),
        _ => None,
    }
}

/// The value of argument `i`, if it is an integer constant.
fn const_int(args: &[Expr], i: usize) -> Option<i64> {
    match &args.get(i)?.kind {
        ExprKind::Const(Value::Int4(n)) => Some(i64::from(*n)),
        ExprKind::Const(Value::Int8(n)) => Some(*n),
        ExprKind::Const(Value::Int2(n)) => Some(i64::from(*n)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_names_a_function_of_postgresql_once() {
        let known: std::collections::HashSet<String> = facts::PROCS.all.iter().map(signature).collect();
        let mut seen = std::collections::HashSet::new();
        for (family, lines) in families() {
            for (key, _) in lines {
                assert!(known.contains(key.as_ref() as &str), "{family}: PostgreSQL has no {key}");
                assert!(seen.insert(key.to_string()) || family == "compare", "{family}: {key} stands twice");
            }
        }
    }

    #[test]
    fn every_native_that_a_line_names_exists() {
        let mut names: std::collections::HashSet<&str> = natives().iter().map(|n| n.name).collect();
        names.extend(aggregates().iter().map(|a| a.name));
        for entry in entries() {
            let how = match entry.how {
                How::When(_, _, otherwise) => *otherwise,
                how => how,
            };
            match how {
                How::Native(name) | How::SessionNative(name) => {
                    assert!(names.contains(name), "{} has no native {name}", signature(entry.proc_));
                }
                How::Template(template) => {
                    for part in template.split("dg_").skip(1) {
                        let name = format!("dg_{}", part.split('(').next().unwrap_or_default());
                        assert!(names.contains(name.as_str()), "{} has no native {name}", signature(entry.proc_));
                    }
                }
                How::When(..) | How::Aggregate(_) | How::Special | How::Refused(_) => {}
            }
        }
    }
}
