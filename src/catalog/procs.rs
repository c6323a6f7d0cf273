//! Functions' definitions as PostgreSQL writes them: pg_get_functiondef and kin, for its own functions.

use super::functions::{Asker, ask};
use crate::engine::Native;
use crate::engine::vector::{Oid as OidArg, native2, native3};
use crate::error::{Error, Result, SqlState};
use crate::facts::{self, Proc};
use crate::registry::expression::quote;
use crate::types::Oid;

pub(super) fn natives() -> Vec<Native> {
    let native = |name, f: fn(&Asker, &'static Proc) -> Result<Option<String>>| {
        native2::<i64, OidArg, str>(name, move |s, oid| {
            let Some(function) = facts::PROCS.by_oid(oid) else { return Ok(None) };
            f(&ask(s)?, function)
        })
    };
    vec![
        native("dg_pg_get_function_result", |asker, f| Ok(result(asker, f))),
        native("dg_pg_get_function_arguments", |asker, f| Ok(Some(arguments(asker, f, true)))),
        native("dg_pg_get_function_identity_arguments", |asker, f| Ok(Some(arguments(asker, f, false)))),
        native("dg_pg_get_functiondef", definition),
        native("dg_pg_get_function_sqlbody", |_, f| Ok(field(f, "prosqlbody").map(str::to_owned))),
        native3::<i64, OidArg, i32, str>("dg_pg_get_function_arg_default", |_, oid, n| {
            let Some(function) = facts::PROCS.by_oid(oid) else { return Ok(None) };
            let Ok(n) = usize::try_from(n - 1) else { return Ok(None) };
            let input = |mode: &Mode| matches!(mode, Mode::In | Mode::InOut | Mode::Variadic);
            let arguments = all(function);
            if !arguments.get(n).is_some_and(|a| input(&a.mode)) {
                return Ok(None);
            }
            let before = arguments[..n].iter().filter(|a| input(&a.mode)).count();
            let defaults = defaults(function);
            let first = function.args.len() - defaults.len();
            Ok(before.checked_sub(first).and_then(|i| defaults.get(i)).map(|d| (*d).to_owned()))
        }),
    ]
}

fn field(function: &Proc, column: &str) -> Option<&'static str> {
    facts::PROC_ROWS.get(function.row, column)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    In,
    Out,
    InOut,
    Variadic,
    Table,
}

struct Argument {
    mode: Mode,
    name: &'static str,
    ty: Oid,
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
    let name = |i: usize| function.names.get(i).copied().unwrap_or_default();
    types.into_iter().enumerate().map(|(i, ty)| Argument { mode: mode(i), name: name(i), ty }).collect()
}

/// The defaults of the last arguments: the recorded list, split at its own commas.
fn defaults(function: &Proc) -> Vec<&'static str> {
    let Some(list) = field(function, "proargdefaults") else { return Vec::new() };
    let (mut depth, mut quoted, mut start) = (0_usize, false, 0);
    let mut items = Vec::new();
    for (at, c) in list.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                items.push(list[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(list[start..].trim());
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
    let name = if a.name.is_empty() { String::new() } else { format!("{} ", quote(a.name)) };
    format!("{mode}{name}{}", type_name(asker, a.ty))
}

/// print_function_arguments: all but TABLE's columns; an ordered-set aggregate's after ORDER BY.
fn arguments(asker: &Asker, function: &'static Proc, with_defaults: bool) -> String {
    let all: Vec<Argument> = all(function).into_iter().filter(|a| a.mode != Mode::Table).collect();
    let defaults = if with_defaults { defaults(function) } else { Vec::new() };
    let first_default = function.args.len().saturating_sub(defaults.len());
    let ordered = matches!(function.agg_kind, b'o' | b'h').then_some(function.agg_direct_args);
    let mut text = String::new();
    let (mut inputs, mut printed) = (0_usize, 0_usize);
    let push = |text: &mut String, printed: &mut usize, written: String| {
        if Some(*printed) == ordered {
            text.push_str(if *printed > 0 { " ORDER BY " } else { "ORDER BY " });
        } else if *printed > 0 {
            text.push_str(", ");
        }
        text.push_str(&written);
        *printed += 1;
    };
    for (i, a) in all.iter().enumerate() {
        let mut written = argument(asker, a);
        if a.mode != Mode::Out {
            if let Some(default) = inputs.checked_sub(first_default).and_then(|n| defaults.get(n)) {
                written.push_str(" DEFAULT ");
                written.push_str(default);
            }
            inputs += 1;
        }
        push(&mut text, &mut printed, written);
        // The last argument of a variadic ordered-set aggregate stands on both sides.
        if Some(printed) == ordered && i + 1 == all.len() {
            push(&mut text, &mut printed, argument(asker, a));
        }
    }
    text
}

fn result(asker: &Asker, function: &'static Proc) -> Option<String> {
    if function.kind == b'p' {
        return None;
    }
    let table: Vec<String> =
        all(function).iter().filter(|a| a.mode == Mode::Table).map(|a| argument(asker, a)).collect();
    if !table.is_empty() {
        return Some(format!("TABLE({})", table.join(", ")));
    }
    let ty = type_name(asker, function.result);
    Some(if function.returns_set { format!("SETOF {ty}") } else { ty })
}

/// The whole CREATE OR REPLACE FUNCTION.
fn definition(asker: &Asker, function: &'static Proc) -> Result<Option<String>> {
    if function.kind == b'a' {
        let message = format!("\"{}\" is an aggregate function", function.name);
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
    }
    let namespace =
        if function.namespace == crate::registry::builtin::PG_CATALOG { "pg_catalog" } else { "information_schema" };
    let language = match field(function, "prolang") {
        Some("14") => "sql",
        Some("13") => "c",
        _ => "internal",
    };
    let mut text = format!(
        "CREATE OR REPLACE FUNCTION {namespace}.{}({})\n RETURNS {}\n LANGUAGE {language}\n",
        quote(function.name),
        arguments(asker, function, true),
        result(asker, function).unwrap_or_default(),
    );
    let mut words = Vec::new();
    if function.kind == b'w' {
        words.push("WINDOW".to_owned());
    }
    match function.volatility {
        b'i' => words.push("IMMUTABLE".to_owned()),
        b's' => words.push("STABLE".to_owned()),
        _ => {}
    }
    match field(function, "proparallel") {
        Some("s") => words.push("PARALLEL SAFE".to_owned()),
        Some("r") => words.push("PARALLEL RESTRICTED".to_owned()),
        _ => {}
    }
    if function.strict {
        words.push("STRICT".to_owned());
    }
    if function.leakproof {
        words.push("LEAKPROOF".to_owned());
    }
    let cost = field(function, "procost").unwrap_or("1");
    if cost != if language == "sql" { "100" } else { "1" } {
        words.push(format!("COST {cost}"));
    }
    let rows = field(function, "prorows").unwrap_or("0");
    if !matches!(rows, "0" | "1000") {
        words.push(format!("ROWS {rows}"));
    }
    if let Some(support) =
        field(function, "prosupport").and_then(|s| s.parse().ok()).and_then(|s| facts::PROCS.by_oid(s))
    {
        words.push(format!("SUPPORT {}", support.name));
    }
    if !words.is_empty() {
        text.push_str(&format!(" {}\n", words.join(" ")));
    }
    match field(function, "prosqlbody") {
        Some(body) => text.push_str(&format!("{body}\n")),
        None => {
            let source = field(function, "prosrc").unwrap_or_default();
            let library = field(function, "probin").map(|file| format!("'{file}', ")).unwrap_or_default();
            text.push_str(&format!("AS {library}$function${source}$function$\n"));
        }
    }
    Ok(Some(text))
}
