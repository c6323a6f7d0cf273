//! Syntax trees as text that is read again: what a table file or the catalog keeps of a definition.

use std::fmt::Display;
use std::ops::ControlFlow;

use sqlparser::ast::{self, Expr, Ident, ObjectName, ObjectNamePart, Value, ValueWithSpan, VisitMut, VisitorMut};

use crate::sql::render;

/// The text of an expression or a query that gives the same tree when it is parsed.
///
/// sqlparser's own Display does not: it takes two quotes side by side inside a value, and a quote behind a
/// backslash, for one that is escaped already, so `'a''''b'` comes back as `a'b`.
pub fn printed<T: VisitMut + Clone + Display>(node: &T) -> String {
    let mut node = node.clone();
    let _: ControlFlow<()> = node.visit(&mut Quoting);
    node.to_string()
}

/// Puts what is quoted into the places that Display leaves as they are.
struct Quoting;

impl VisitorMut for Quoting {
    type Break = ();

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        match &value.value {
            Value::SingleQuotedString(text) => value.value = Value::Placeholder(render::literal(text)),
            Value::NationalStringLiteral(text) => {
                value.value = Value::Placeholder(format!("N{}", render::literal(text)))
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<()> {
        names(relation);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => ident(name),
            Expr::CompoundIdentifier(parts) => parts.iter_mut().for_each(ident),
            Expr::Function(ast::Function { name, .. }) => names(name),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn names(name: &mut ObjectName) {
    for part in &mut name.0 {
        if let ObjectNamePart::Identifier(part) = part {
            ident(part);
        }
    }
}

fn ident(name: &mut Ident) {
    if name.quote_style == Some('"') && name.value.contains('"') {
        *name = Ident { value: format!("\"{}\"", name.value.replace('"', "\"\"")), quote_style: None, span: name.span };
    }
}
