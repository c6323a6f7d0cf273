//! RETURNING that asks the sequences which give its rows their numbers: refused where there are several rows.

use crate::error::{Error, Result};
use crate::sql::analyze::{plain_targets, walk, walk_query};
use crate::tree::{self, Expr, ExprKind, InsertSource};
use crate::types::{Oid, Value};

/// RETURNING is computed when all rows are written: what it asks of a sequence that gives them numbers is the last row's.
pub(crate) fn returning_asks(statement: &tree::Statement) -> Result<()> {
    let (returning, moved, several_rows) = match statement {
        tree::Statement::Insert(insert) => {
            let (exprs, query): (Vec<&Expr>, _) = match &insert.source {
                InsertSource::Values(rows) => (rows.iter().flatten().collect(), None),
                InsertSource::Query { query, rel: _, exprs } => (exprs.iter().collect(), Some(query)),
                InsertSource::Feed { .. } => return Ok(()),
            };
            let several_rows = match &insert.source {
                InsertSource::Values(rows) => rows.len() > 1,
                _ => query.is_none_or(|query| plain_targets(query).is_none()),
            };
            let mut moved = Vec::new();
            exprs.into_iter().for_each(|e| numbers(e, &mut moved, false));
            if let Some(query) = query {
                let _ = walk_query(query, 0, &mut |e, _| Ok(number(e, &mut moved, false)));
            }
            (&insert.returning, moved, several_rows)
        }
        tree::Statement::Update(update) => {
            let mut moved = Vec::new();
            update.sets.iter().for_each(|(_, e)| numbers(e, &mut moved, false));
            (&update.returning, moved, true)
        }
        _ => return Ok(()),
    };
    let mut asked = Vec::new();
    returning.exprs.iter().for_each(|e| numbers(e, &mut asked, true));
    let same = |a: &Option<Oid>, b: &Option<Oid>| a.is_none() || b.is_none() || a == b;
    if several_rows && asked.iter().any(|a| moved.iter().any(|b| same(a, b))) {
        return Err(Error::unsupported(
            "currval() or lastval() in RETURNING of several rows that get the sequence's numbers",
        )
        .hint("Return the column that has the number."));
    }
    Ok(())
}

/// The sequences that an expression moves, or (`looks`) asks in any way; `None` is any.
fn numbers(e: &Expr, out: &mut Vec<Option<Oid>>, looks: bool) {
    let _ = walk(e, 0, &mut |e, _| Ok(number(e, out, looks)));
}

fn number(e: &Expr, out: &mut Vec<Option<Oid>>, looks: bool) -> bool {
    match &e.kind {
        ExprKind::NextValue(of) => out.push(Some(*of)),
        ExprKind::Call(call) if matches!(call.func.name, "nextval" | "setval") || looks && is_look(call.func.name) => {
            out.push(match call.args.first() {
                Some(Expr { kind: ExprKind::Const(Value::Oid(of)), .. }) => Some(*of),
                _ => None,
            });
        }
        _ => {}
    }
    true
}

fn is_look(name: &str) -> bool {
    matches!(name, "currval" | "lastval")
}
