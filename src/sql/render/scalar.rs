//! Values. Whatever is not one token is put in parentheses or is a call, so that templates can be nested blindly.

use std::fmt::Write;

use super::{Text, list, literal, numbered, write_alias, write_name, write_order, write_query};
use crate::sql::lower::ir::{Aggregate, Node, Over, Scalar, Template};

/// A parameter that is cast again. DuckDB takes a cast of a parameter for its type, and where a second cast says another, it
/// plans the statement anew for each execution, also an INSERT of values, whose plan it would keep.
const SETTLED: &str = "CASE WHEN true THEN {0} END";

pub(super) fn write(out: &mut Text, value: &Scalar) {
    match &value.node {
        Node::Text(text) => out.push_str(text),
        Node::Column(alias, name) => {
            write_alias(out, *alias);
            out.push('.');
            write_name(out, name);
        }
        Node::Literal(text) => out.push_str(&literal(text)),
        Node::Type => out.push_str(&value.phys.duckdb()),
        Node::Bare(name) => write_name(out, name),
        Node::Variable(variable) => {
            let _ = write!(out, "{variable}");
        }
        Node::Param(n) => {
            let number = out.number(*n);
            numbered(out, "CAST($", number);
            write_type(out, value);
        }
        Node::Template { text, args, .. } => {
            if let [Scalar { node: Node::Param(_), .. }] = args.as_slice()
                && out.planned_once
                && (text.contains("::") || text.contains("CAST("))
            {
                let settled = Scalar::template(SETTLED, args.clone(), args[0].phys.clone());
                return write(out, &Scalar::template(text.clone(), vec![settled], value.phys.clone()));
            }
            if is_call(text) {
                write_template(out, text, args);
            } else {
                out.push('(');
                write_template(out, text, args);
                out.push(')');
            }
        }
        Node::Cast(inner) => {
            out.push_str("CAST(");
            match &inner.node {
                Node::Param(_) if out.planned_once => write_template(out, &SETTLED.into(), std::slice::from_ref(inner)),
                _ => write(out, inner),
            }
            write_type(out, value);
        }
        Node::Aggregate(aggregate) => write_aggregate(out, aggregate),
        Node::And(parts) => write_chain(out, parts, " AND "),
        Node::Or(parts) => write_chain(out, parts, " OR "),
        Node::Case { whens, otherwise } => {
            out.push_str("CASE");
            for (test, then) in whens {
                out.push_str(" WHEN ");
                write(out, test);
                out.push_str(" THEN ");
                write(out, then);
            }
            if let Some(otherwise) = otherwise {
                out.push_str(" ELSE ");
                write(out, otherwise);
            }
            out.push_str(" END");
        }
        Node::Subquery(query) => {
            out.push('(');
            write_query(out, query);
            out.push(')');
        }
        Node::Exists(query) => {
            out.push_str("EXISTS (");
            write_query(out, query);
            out.push(')');
        }
        Node::Quantified { left, op, query } => {
            out.push('(');
            write(out, left);
            out.push(' ');
            out.push_str(op);
            out.push_str(" (");
            write_query(out, query);
            out.push_str("))");
        }
    }
}

/// The end of a cast.
fn write_type(out: &mut Text, value: &Scalar) {
    out.push_str(" AS ");
    out.push_str(&value.phys.duckdb());
    out.push(')');
}

/// `name(…)` or `(…)` whose first parenthesis closes at the very end.
fn is_call(text: &str) -> bool {
    let Some(open) = text.find('(') else { return false };
    if !text[..open].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') || text.contains('\'') {
        return false;
    }
    let mut depth = 0usize;
    for (i, b) in text.bytes().enumerate().skip(open) {
        match b {
            b'(' => depth += 1,
            b')' => {
                depth -= 1;
                if depth == 0 {
                    return i + 1 == text.len();
                }
            }
            _ => {}
        }
    }
    false
}

fn write_chain(out: &mut Text, parts: &[Scalar], word: &str) {
    out.push('(');
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.push_str(word);
        }
        write(out, part);
    }
    out.push(')');
}

fn write_aggregate(out: &mut Text, aggregate: &Aggregate) {
    out.push_str(aggregate.name);
    out.push('(');
    if aggregate.distinct {
        out.push_str("DISTINCT ");
    }
    list(out, &aggregate.args, write);
    write_order(out, &aggregate.order_by);
    out.push(')');
    if let Some(filter) = &aggregate.filter {
        out.push_str(" FILTER (WHERE ");
        write(out, filter);
        out.push(')');
    }
    if let Some(over) = &aggregate.over {
        write_over(out, over);
    }
}

fn write_over(out: &mut Text, over: &Over) {
    out.push_str(" OVER (");
    if !over.partition_by.is_empty() {
        out.push_str("PARTITION BY ");
        list(out, &over.partition_by, write);
    }
    write_order(out, &over.order_by);
    if let Some((frame, args)) = &over.frame {
        out.push(' ');
        write_template(out, frame, args);
    }
    out.push(')');
}

/// Replaces `{n}`, `{n*}` and `{*}`; braces of other kinds (struct literals) pass.
pub(super) fn write_template(out: &mut Text, text: &Template, args: &[Scalar]) {
    let mut rest: &str = text;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        rest = &rest[open..];
        let close = rest.find('}').unwrap_or(0);
        let inside = rest.get(1..close).unwrap_or_default();
        let tail = inside.strip_suffix('*').map(|from| if from.is_empty() { Some(0) } else { from.parse().ok() });
        if let Some(tail) = tail.flatten().and_then(|from: usize| args.get(from..)) {
            list(out, tail, write);
            rest = &rest[close + 1..];
        } else if let Some(arg) = inside.parse::<usize>().ok().and_then(|n| args.get(n)) {
            write(out, arg);
            rest = &rest[close + 1..];
        } else {
            out.push('{');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
}
