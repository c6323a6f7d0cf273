//! A jsonpath's text, as `jsonpath_out` prints it.

use std::fmt::Write;

use super::{Item, JsonPath, Kind, LAST, Method, with_stack};

fn priority(item: &Item) -> u8 {
    match &item.kind {
        Kind::Binary(op, ..) => op.priority(),
        Kind::StartsWith(..) => 2,
        Kind::Plus(_) | Kind::Minus(_) => 5,
        _ => 6,
    }
}

/// `jsonpath_out`.
pub(super) fn print(path: &JsonPath) -> String {
    let mut out = String::new();
    if path.strict {
        out.push_str("strict ");
    }
    put(&mut out, &path.root, false, true);
    out
}

fn quoted(out: &mut String, text: &str) {
    out.push_str(&crate::types::text::json::tree::quote(text));
}

fn put(out: &mut String, item: &Item, in_key: bool, brackets: bool) {
    with_stack(|| put_item(out, item, in_key, brackets));
}

fn put_item(out: &mut String, item: &Item, in_key: bool, brackets: bool) {
    let operand = |out: &mut String, arg: &Item| put(out, arg, false, priority(arg) <= priority(item));
    let open = |out: &mut String| out.push_str(if brackets { "(" } else { "" });
    let shut = |out: &mut String| out.push_str(if brackets { ")" } else { "" });
    match &item.kind {
        Kind::Null => out.push_str("null"),
        Kind::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Kind::Number(n) if item.next.is_some() => {
            let _ = write!(out, "({})", n.as_text());
        }
        Kind::Number(n) => out.push_str(&n.as_text()),
        Kind::String(s) => quoted(out, s),
        Kind::Variable(name) => {
            out.push('$');
            quoted(out, name);
        }
        Kind::Root => out.push('$'),
        Kind::Current => out.push('@'),
        Kind::Last => out.push_str("last"),
        Kind::Key(key) => {
            out.push_str(if in_key { "." } else { "" });
            quoted(out, key);
        }
        Kind::AnyKey => out.push_str(if in_key { ".*" } else { "*" }),
        Kind::AnyArray => out.push_str("[*]"),
        Kind::Index(subscripts) => {
            out.push('[');
            for (i, (from, to)) in subscripts.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                put(out, from, false, false);
                if let Some(to) = to {
                    out.push_str(" to ");
                    put(out, to, false, false);
                }
            }
            out.push(']');
        }
        Kind::Any(first, last) => {
            out.push_str(if in_key { "." } else { "" });
            let _ = match (*first, *last) {
                (0, LAST) => write!(out, "**"),
                (LAST, LAST) => write!(out, "**{{last}}"),
                (a, b) if a == b => write!(out, "**{{{a}}}"),
                (LAST, b) => write!(out, "**{{last to {b}}}"),
                (a, LAST) => write!(out, "**{{{a} to last}}"),
                (a, b) => write!(out, "**{{{a} to {b}}}"),
            };
        }
        Kind::Method(Method::Datetime(Some(template))) => {
            out.push_str(".datetime(");
            quoted(out, template);
            out.push(')');
        }
        Kind::Method(method) => {
            let _ = write!(out, ".{}()", method.name());
        }
        Kind::Filter(arg) => {
            out.push_str("?(");
            put(out, arg, false, false);
            out.push(')');
        }
        Kind::Binary(op, left, right) => {
            open(out);
            operand(out, left);
            let _ = write!(out, " {} ", op.text());
            operand(out, right);
            shut(out);
        }
        Kind::StartsWith(left, right) => {
            open(out);
            operand(out, left);
            out.push_str(" starts with ");
            operand(out, right);
            shut(out);
        }
        Kind::LikeRegex { arg, pattern, flags } => {
            open(out);
            operand(out, arg);
            out.push_str(" like_regex ");
            quoted(out, pattern);
            if !flags.is_empty() {
                let _ = write!(out, " flag \"{flags}\"");
            }
            shut(out);
        }
        Kind::Plus(arg) | Kind::Minus(arg) => {
            open(out);
            out.push(if matches!(item.kind, Kind::Plus(_)) { '+' } else { '-' });
            operand(out, arg);
            shut(out);
        }
        Kind::Not(arg) => {
            out.push_str("!(");
            put(out, arg, false, false);
            out.push(')');
        }
        Kind::IsUnknown(arg) => {
            out.push('(');
            put(out, arg, false, false);
            out.push_str(") is unknown");
        }
        Kind::Exists(arg) => {
            out.push_str("exists (");
            put(out, arg, false, false);
            out.push(')');
        }
    }
    if let Some(next) = &item.next {
        put(out, next, true, true);
    }
}
