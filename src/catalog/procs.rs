//! Functions' definitions as PostgreSQL writes them: pg_get_functiondef and kin, for its own functions and for users'.

use super::functions::{Asker, ask};
use crate::engine::Native;
use crate::engine::directory::Deparsed;
use crate::engine::vector::{Oid as OidArg, native2, native3};
use crate::error::{Error, Result, SqlState};
use crate::facts::{self, Proc};
use crate::registry::expression::quote;
use crate::registry::{Function, ParameterMode as Mode, builtin};
use crate::types::Oid;

pub(super) fn natives() -> Vec<Native> {
    let native = |name, f: fn(&Asker, &Shown) -> Result<Option<String>>| {
        native2::<i64, OidArg, str>(name, move |s, oid| {
            let asker = ask(s)?;
            let Some(function) = shown(&asker, oid) else { return Ok(None) };
            f(&asker, &function)
        })
    };
    vec![
        native("dg_pg_get_function_result", |asker, f| Ok(result(asker, f))),
        native("dg_pg_get_function_arguments", |asker, f| Ok(Some(arguments(asker, f, true)))),
        native("dg_pg_get_function_identity_arguments", |asker, f| Ok(Some(arguments(asker, f, false)))),
        native("dg_pg_get_functiondef", definition),
        native("dg_pg_get_function_sqlbody", |_, f| Ok(f.body.clone())),
        native3::<i64, OidArg, i32, str>("dg_pg_get_function_arg_default", |s, oid, n| {
            let Some(function) = shown(&ask(s)?, oid) else { return Ok(None) };
            let Ok(n) = usize::try_from(n - 1) else { return Ok(None) };
            if !function.arguments.get(n).is_some_and(|a| a.mode.is_input()) {
                return Ok(None);
            }
            let before = function.arguments[..n].iter().filter(|a| a.mode.is_input()).count();
            let first = function.inputs() - function.defaults.len();
            Ok(before.checked_sub(first).and_then(|i| function.defaults.get(i)).cloned())
        }),
    ]
}

/// What is told of a function.
struct Shown {
    namespace: String,
    name: String,
    kind: u8,
    arguments: Vec<Argument>,
    /// Of the last input arguments.
    defaults: Vec<String>,
    /// How many direct arguments an ordered-set aggregate has.
    ordered: Option<usize>,
    result: Oid,
    returns_set: bool,
    language: &'static str,
    volatility: u8,
    parallel: u8,
    strict: bool,
    definer: bool,
    leakproof: bool,
    cost: String,
    rows: String,
    support: Option<&'static str>,
    /// The body of RETURN and BEGIN ATOMIC.
    body: Option<String>,
    source: String,
    library: Option<String>,
    settings: Vec<(String, String)>,
}

impl Shown {
    fn inputs(&self) -> usize {
        self.arguments.iter().filter(|a| a.mode.is_input()).count()
    }
}

struct Argument {
    mode: Mode,
    name: String,
    ty: Oid,
}

fn shown(asker: &Asker, oid: Oid) -> Option<Shown> {
    match facts::PROCS.by_oid(oid) {
        Some(function) => match function.extension {
            Some(extension) => {
                let namespace = asker.snapshot.extension_namespace(extension)?;
                Some(Shown { namespace: namespace.to_string(), ..own(function) })
            }
            None => Some(own(function)),
        },
        None => asker.snapshot.function_by_oid(oid).map(|f| users(asker, f)),
    }
}

fn own(function: &'static Proc) -> Shown {
    let text = |column: &str| field(function, column).map(str::to_owned);
    let support = field(function, "prosupport").and_then(|s| s.parse().ok());
    Shown {
        namespace: if function.namespace == builtin::PG_CATALOG { "pg_catalog" } else { "information_schema" }
            .to_owned(),
        name: function.name.to_owned(),
        kind: function.kind,
        arguments: all(function),
        defaults: defaults(function),
        ordered: matches!(function.agg_kind, b'o' | b'h').then_some(function.agg_direct_args),
        result: function.result,
        returns_set: function.returns_set,
        language: match field(function, "prolang") {
            Some("14") => "sql",
            Some("13") => "c",
            _ => "internal",
        },
        volatility: function.volatility,
        parallel: field(function, "proparallel").and_then(|p| p.bytes().next()).unwrap_or(b'u'),
        strict: function.strict,
        definer: false,
        leakproof: function.leakproof,
        cost: text("procost").unwrap_or_else(|| "1".to_owned()),
        rows: text("prorows").unwrap_or_else(|| "0".to_owned()),
        support: support.and_then(|s| facts::PROCS.by_oid(s)).map(|f| f.name),
        body: text("prosqlbody"),
        source: text("prosrc").unwrap_or_default(),
        library: text("probin"),
        settings: Vec::new(),
    }
}

fn printed(asker: &Asker, what: Deparsed<'_>) -> Option<String> {
    asker.view.deparsed(what, false).map(|p| p.text.to_string())
}

fn users(asker: &Asker, function: &Function) -> Shown {
    let default = |text: &String| {
        printed(asker, Deparsed::Expression { text, relation: function.oid }).unwrap_or_else(|| text.clone())
    };
    let body = function.bound_text().map(|kept| printed(asker, Deparsed::Body(function.oid)).unwrap_or(kept));
    let arguments = function.parameters.iter();
    Shown {
        namespace: function.namespace.to_string(),
        name: function.name.to_string(),
        kind: if function.procedure { b'p' } else { b'f' },
        arguments: arguments.map(|p| Argument { mode: p.mode, name: p.name.to_string(), ty: p.ty }).collect(),
        defaults: function.inputs().filter_map(|p| p.default.as_ref()).map(default).collect(),
        ordered: None,
        result: function.result,
        returns_set: function.returns_set,
        language: function.body.language.name(),
        volatility: function.volatility,
        parallel: function.parallel,
        strict: function.strict,
        definer: function.definer,
        leakproof: function.leakproof,
        cost: function.cost.to_string(),
        rows: function.rows.to_string(),
        support: None,
        body,
        source: function.body.source.clone().unwrap_or_default(),
        library: None,
        settings: function.settings.iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
    }
}

fn field(function: &Proc, column: &str) -> Option<&'static str> {
    facts::PROC_ROWS.get(function.row, column)
}

/// All arguments, of whatever mode.
fn all(function: &'static Proc) -> Vec<Argument> {
    let types = facts::items(field(function, "proallargtypes"));
    let modes = facts::items(field(function, "proargmodes"));
    let types: Vec<Oid> = match types.is_empty() {
        true => function.args.clone(),
        false => types.iter().filter_map(|t| t.parse().ok()).collect(),
    };
    let mode = |i: usize| match modes.get(i) {
        Some(&"o") => Mode::Out,
        Some(&"b") => Mode::InOut,
        Some(&"v") => Mode::Variadic,
        Some(&"t") => Mode::Table,
        _ => Mode::In,
    };
    let name = |i: usize| function.names.get(i).copied().unwrap_or_default().to_owned();
    types.into_iter().enumerate().map(|(i, ty)| Argument { mode: mode(i), name: name(i), ty }).collect()
}

/// The defaults of the last arguments: the recorded list, split at its own commas.
fn defaults(function: &Proc) -> Vec<String> {
    let Some(list) = field(function, "proargdefaults") else { return Vec::new() };
    let (mut depth, mut quoted, mut start) = (0_usize, false, 0);
    let mut items = Vec::new();
    for (at, c) in list.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                items.push(list[start..at].trim().to_owned());
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(list[start..].trim().to_owned());
    items
}

fn type_name(asker: &Asker, ty: Oid) -> String {
    super::names::type_text(&asker.seen, ty, None)
}

fn argument(asker: &Asker, a: &Argument) -> String {
    let mode = match a.mode {
        Mode::In | Mode::Table => "",
        Mode::Out => "OUT ",
        Mode::InOut => "INOUT ",
        Mode::Variadic => "VARIADIC ",
    };
    let name = if a.name.is_empty() { String::new() } else { format!("{} ", quote(&a.name)) };
    format!("{mode}{name}{}", type_name(asker, a.ty))
}

/// print_function_arguments: all but TABLE's columns; an ordered-set aggregate's after ORDER BY.
fn arguments(asker: &Asker, function: &Shown, with_defaults: bool) -> String {
    let all: Vec<&Argument> = function.arguments.iter().filter(|a| a.mode != Mode::Table).collect();
    let defaults = if with_defaults { function.defaults.as_slice() } else { &[] };
    let first_default = function.inputs().saturating_sub(defaults.len());
    let mut text = String::new();
    let (mut inputs, mut printed) = (0_usize, 0_usize);
    let push = |text: &mut String, printed: &mut usize, written: String| {
        if Some(*printed) == function.ordered {
            text.push_str(if *printed > 0 { " ORDER BY " } else { "ORDER BY " });
        } else if *printed > 0 {
            text.push_str(", ");
        }
        text.push_str(&written);
        *printed += 1;
    };
    for (i, a) in all.iter().enumerate() {
        // A procedure's inputs are told apart from its outputs.
        let input = function.kind == b'p' && a.mode == Mode::In;
        let mut written = format!("{}{}", if input { "IN " } else { "" }, argument(asker, a));
        if a.mode != Mode::Out {
            if let Some(default) = inputs.checked_sub(first_default).and_then(|n| defaults.get(n)) {
                written.push_str(" DEFAULT ");
                written.push_str(default);
            }
            inputs += 1;
        }
        push(&mut text, &mut printed, written);
        // The last argument of a variadic ordered-set aggregate stands on both sides.
        if Some(printed) == function.ordered && i + 1 == all.len() {
            push(&mut text, &mut printed, argument(asker, a));
        }
    }
    text
}

fn result(asker: &Asker, function: &Shown) -> Option<String> {
    if function.kind == b'p' {
        return None;
    }
    let columns = function.arguments.iter().filter(|a| a.mode == Mode::Table);
    let table: Vec<String> = columns.map(|a| argument(asker, a)).collect();
    if !table.is_empty() {
        return Some(format!("TABLE({})", table.join(", ")));
    }
    let ty = type_name(asker, function.result);
    Some(if function.returns_set { format!("SETOF {ty}") } else { ty })
}

/// The whole CREATE OR REPLACE FUNCTION.
fn definition(asker: &Asker, function: &Shown) -> Result<Option<String>> {
    if function.kind == b'a' {
        let message = format!("\"{}\" is an aggregate function", function.name);
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
    }
    let word = if function.kind == b'p' { "PROCEDURE" } else { "FUNCTION" };
    let mut text = format!(
        "CREATE OR REPLACE {word} {}.{}({})\n",
        quote(&function.namespace),
        quote(&function.name),
        arguments(asker, function, true),
    );
    if let Some(result) = result(asker, function) {
        text.push_str(&format!(" RETURNS {result}\n"));
    }
    text.push_str(&format!(" LANGUAGE {}\n", function.language));
    let words = attributes(function);
    if !words.is_empty() {
        text.push_str(&format!(" {}\n", words.join(" ")));
    }
    for (name, value) in &function.settings {
        text.push_str(&format!(" SET {} TO {}\n", quote(name), setting_text(name, value)));
    }
    match &function.body {
        Some(body) => text.push_str(&format!("{body}\n")),
        None => {
            let source = &function.source;
            let library = function.library.as_ref().map(|file| format!("'{file}', ")).unwrap_or_default();
            let word = if function.kind == b'p' { "procedure" } else { "function" };
            let mut tag = format!("${word}$");
            while source.contains(&tag) {
                tag = format!("{}x$", &tag[..tag.len() - 1]);
            }
            text.push_str(&format!("AS {library}{tag}{source}{tag}\n"));
        }
    }
    Ok(Some(text))
}

/// A setting's value as SET takes it: a list of names as strings, anything else as one.
fn setting_text(name: &str, value: &str) -> String {
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    if !crate::registry::NAME_LISTS.contains(&name) {
        return literal(value);
    }
    let bare = |item: &str| {
        let item = item.trim();
        let inner = item.strip_prefix('"').and_then(|i| i.strip_suffix('"'));
        literal(&inner.map_or_else(|| item.to_owned(), |inner| inner.replace("\"\"", "\"")))
    };
    // Commas inside of quoted names are rarer than names with them are useful.
    value.split(',').map(bare).collect::<Vec<_>>().join(", ")
}

fn attributes(function: &Shown) -> Vec<String> {
    let mut words = Vec::new();
    if function.kind == b'w' {
        words.push("WINDOW".to_owned());
    }
    match function.volatility {
        b'i' => words.push("IMMUTABLE".to_owned()),
        b's' => words.push("STABLE".to_owned()),
        _ => {}
    }
    match function.parallel {
        b's' => words.push("PARALLEL SAFE".to_owned()),
        b'r' => words.push("PARALLEL RESTRICTED".to_owned()),
        _ => {}
    }
    if function.strict {
        words.push("STRICT".to_owned());
    }
    if function.definer {
        words.push("SECURITY DEFINER".to_owned());
    }
    if function.leakproof {
        words.push("LEAKPROOF".to_owned());
    }
    if function.cost != if matches!(function.language, "sql" | "plpgsql") { "100" } else { "1" } {
        words.push(format!("COST {}", function.cost));
    }
    if !matches!(&*function.rows, "0" | "1000") {
        words.push(format!("ROWS {}", function.rows));
    }
    if let Some(support) = function.support {
        words.push(format!("SUPPORT {support}"));
    }
    words
}
