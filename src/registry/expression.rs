//! Expressions kept as text: are they well formed, and which columns do they name?

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, visit_expressions};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::Name;
pub use crate::types::name::quote;

/// Parses the text as one expression; the error is the parser's message. What it means is analysis' affair.
pub fn parse(text: &str) -> Result<Expr, String> {
    let dialect = PostgreSqlDialect {};
    let clean = |e: sqlparser::parser::ParserError| e.to_string().replace("sql parser error: ", "");
    let mut parser = Parser::new(&dialect).try_with_sql(text).map_err(clean)?;
    let expr = parser.parse_expr().map_err(clean)?;
    match parser.peek_token().token {
        sqlparser::tokenizer::Token::EOF => Ok(expr),
        other => Err(format!("unexpected \"{other}\" after the expression")),
    }
}

/// The columns that an expression names, as positions in `columns`, in order. Names are folded as PostgreSQL folds them;
/// a qualified name counts by its last part (an expression of a table can name no other).
pub fn columns_named(text: &str, columns: &[Name]) -> Vec<usize> {
    let Ok(expr) = parse(text) else { return Vec::new() };
    let mut found = Vec::new();
    let mut note = |ident: &Ident| {
        let name = fold(ident);
        if let Some(i) = columns.iter().position(|c| **c == *name)
            && !found.contains(&i)
        {
            found.push(i);
        }
    };
    let _: ControlFlow<()> = visit_expressions(&expr, |e| {
        match e {
            Expr::Identifier(ident) => note(ident),
            Expr::CompoundIdentifier(parts) => parts.last().into_iter().for_each(&mut note),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    found.sort_unstable();
    found
}

/// An identifier as PostgreSQL reads it: folded to lower case unless quoted.
pub fn fold(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// An expression with one column's name changed, for ALTER TABLE … RENAME COLUMN; unchanged if it does not parse.
pub fn rename_column(text: &str, from: &str, to: &str) -> String {
    let Ok(mut expr) = parse(text) else { return text.to_owned() };
    let mut changed = false;
    let mut rename = |ident: &mut Ident| {
        if fold(ident) == from {
            *ident = Ident::with_quote('"', to);
            changed = true;
        }
    };
    let _: ControlFlow<()> = sqlparser::ast::visit_expressions_mut(&mut expr, |e| {
        match e {
            Expr::Identifier(ident) => rename(ident),
            Expr::CompoundIdentifier(parts) => parts.last_mut().into_iter().for_each(&mut rename),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    if changed { expr.to_string() } else { text.to_owned() }
}
