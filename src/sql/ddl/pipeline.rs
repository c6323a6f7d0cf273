//! Statements that a schema change runs itself, through the same compiler as everybody's.

use std::sync::Arc;

use super::rebuild::{ColumnSource, Rebuild};
use crate::error::{Error, Result};
use crate::policy::Permit;
use crate::registry::expression::quote;
use crate::registry::{Acl, Change, Column, Relation, Snapshot, builtin};
use crate::sql::analyze::kept;
use crate::sql::compile::{self, compile};
use crate::sql::lower::{Decimals, lower};
use crate::sql::{CompiledBody, Context, Plan, parse};
use crate::tree::{self, Ddl, Expr, ExprKind, InsertSource, Overriding, RelColumn, RelId, Returning, Statement};
use crate::types::Oid;

/// The context in which a change's own statements are compiled: the new snapshot, in which the tables that are changed
/// are the asking role's own and without rules, since whether it may change them has been checked. What else their expressions use (a
/// default's sequence, a function) is judged as in any statement of that role.
fn context(cx: &Context, mut after: Snapshot, own: &[Oid]) -> Context {
    for oid in own {
        let Some(table) = after.relation_by_oid(*oid).cloned() else { continue };
        let columns = table.columns.iter().map(|c| Column { acl: Acl::default(), ..c.clone() }).collect();
        let rules = Default::default();
        let table = Relation { owner: cx.role, acl: Acl::default(), columns, rules, ..(*table).clone() };
        after.apply_in_place(&Change::PutRelation(Arc::new(table)));
    }
    let version = after.version;
    // A version of its own: nothing that is compiled against this snapshot may be found again under another's.
    after.version = version ^ (1 << 63);
    Context { snapshot: Arc::new(after), ..cx.clone() }
}

/// Relation ids beyond those that analysis gives out.
const TARGET: RelId = RelId(u32::MAX - 1);
const SOURCE: RelId = RelId(u32::MAX - 2);

/// `INSERT INTO table <query>` for CREATE TABLE AS, from the query that the permit allows.
pub fn insert_query(cx: &Context, after: &Snapshot, table: &Arc<Relation>, permit: &Permit<Ddl>) -> Result<Plan> {
    let cx = Context { snapshot: Arc::new(after.clone()), ..cx.clone() };
    let insert = permit.clone().try_map(|ddl| match ddl {
        Ddl::CreateTableAs { query, .. } => Ok(insert(table, query)),
        _ => Err(Error::internal("CREATE TABLE AS became something else")),
    })?;
    compile::plan(insert, &cx.snapshot, |insert| lower(&insert, &cx, Decimals::Fast))
}

/// `INSERT INTO view <its query>` for REFRESH, with the rights of the view's owner alone.
pub fn refresh_query(cx: &Context, after: &Snapshot, view: &Arc<Relation>) -> Result<Plan> {
    let cx = context(&Context { role: view.owner, ..cx.clone() }, after.clone(), &[view.oid]);
    let Some((definition, path)) = view.kind.definition() else {
        return Err(Error::internal(format!("{} has no query", view.name)));
    };
    let query = kept::stored_query(definition, path, &cx)?;
    match compile::compile_statement(insert(view, Box::new(query)), Vec::new(), &cx)?.body {
        CompiledBody::Plan(plan) => Ok(plan),
        _ => Err(Error::internal("REFRESH became something else")),
    }
}

fn insert(table: &Arc<Relation>, query: Box<tree::Query>) -> Statement {
    let columns: Vec<RelColumn> =
        table.columns.iter().map(|c| RelColumn { name: c.name.clone(), ty: c.ty, attnum: c.num }).collect();
    let all: Vec<u16> = (0..columns.len()).filter_map(|i| u16::try_from(i).ok()).collect();
    let exprs = all
        .iter()
        .zip(&columns)
        .map(|(i, c)| Expr { kind: ExprKind::Column { rel: SOURCE, column: *i }, ty: c.ty, pos: 0 })
        .collect();
    Statement::Insert(Box::new(tree::Insert {
        ctes: Vec::new(),
        recursive: false,
        target: tree::Relation {
            id: TARGET,
            alias: table.name.clone(),
            source: tree::Source::Table { def: table.clone(), only: false, sample: None },
            columns,
            lateral: false,
            pos: 0,
        },
        columns: all.clone(),
        named: all,
        source: InsertSource::Query { query, rel: SOURCE, exprs },
        on_conflict: None,
        excluded: None,
        xmax: None,
        returning: Returning::default(),
        overriding: Overriding::System,
        rules: None,
        through: None,
    }))
}

/// `INSERT INTO new (…) SELECT … FROM aside` of a rebuild whose columns are not simply copied.
pub fn refill(cx: &Context, after: &Snapshot, change: &Rebuild, aside: &Relation) -> Result<Plan> {
    let Rebuild { old, new, sources } = change;
    let mut scratch = after.clone();
    let own = [aside.oid, new.oid];
    scratch.apply_in_place(&Change::PutRelation(Arc::new(aside.clone())));
    let mut into = Vec::new();
    let mut from = Vec::new();
    for column in &new.columns {
        if column.generated.is_some() {
            continue;
        }
        let source = match (sources.get(&column.num), old.column_by_num(column.num)) {
            (Some(ColumnSource::Expression(text)), _) => text.clone(),
            (None, Some(old)) => quote(&old.name),
            // What is left out of an INSERT gets its default.
            (Some(ColumnSource::Default), _) | (None, None) => continue,
        };
        into.push(quote(&column.name));
        from.push(source);
    }
    let namespace = quote(&new.namespace);
    // Where nothing is kept, each row is one of defaults.
    let into = if into.is_empty() { String::new() } else { format!(" ({})", into.join(", ")) };
    let text = format!(
        "INSERT INTO {namespace}.{}{into} OVERRIDING SYSTEM VALUE SELECT {} FROM {}.{} AS {}",
        quote(&new.name),
        from.join(", "),
        quote(&old.namespace),
        quote(&aside.name),
        quote(&old.name),
    );
    compile_text(&context(cx, scratch, &own), &text)
}

/// A query for a row of the table for which the condition is true.
pub fn violations(cx: &Context, after: &Snapshot, table: &Relation, condition: &str) -> Result<Plan> {
    let (namespace, name) = (quote(&table.namespace), quote(&table.name));
    let text = format!("SELECT 1 FROM {namespace}.{name} WHERE {condition} LIMIT 1");
    // The condition is kept text, or going to be.
    compile_text(&context(&kept::context(cx), after.clone(), &[table.oid]), &text)
}

/// Copies a partition's rows into a table of their own.
pub fn copy_rows(cx: &Context, after: &Snapshot, from: &Relation, to: &Relation) -> Result<Plan> {
    let mut scratch = after.clone();
    scratch.apply_in_place(&Change::PutRelation(Arc::new(to.clone())));
    let columns: Vec<String> = from.columns.iter().map(|c| quote(&c.name)).collect();
    let columns = columns.join(", ");
    let (to, from) = (super::partition::sql_name(to), super::partition::sql_name(from));
    let text = format!("INSERT INTO {to} ({columns}) SELECT {columns} FROM {from}");
    let cx = Context { role: builtin::SUPERUSER, ..context(&kept::context(cx), scratch, &[]) };
    compile_text(&cx, &text).map(keyless)
}

/// Deletes a partition's rows. Nothing follows from that by foreign keys.
pub fn delete_rows(cx: &Context, after: &Snapshot, table: &Relation) -> Result<Plan> {
    let text = format!("DELETE FROM {}", super::partition::sql_name(table));
    question_after(&kept::context(cx), after, &text).map(keyless)
}

fn keyless(plan: Plan) -> Plan {
    let before = plan.before.into_iter().map(keyless).collect();
    Plan { keys: None, before, ..plan }
}

/// A query of the gateway's own about what is in the database now.
pub fn question(cx: &Context, text: &str) -> Result<Plan> {
    question_after(cx, &cx.snapshot, text)
}

/// A query about what will be there after a change.
pub fn question_after(cx: &Context, after: &Snapshot, text: &str) -> Result<Plan> {
    let told = Some(cx.reader());
    let cx = Context { role: builtin::SUPERUSER, told, ..context(cx, after.clone(), &[]) };
    compile_text(&cx, text)
}

fn compile_text(cx: &Context, text: &str) -> Result<Plan> {
    let parsed = parse::parse(text)?;
    let [statement] = parsed.as_slice() else {
        return Err(Error::internal(format!("one statement was expected: {text}")));
    };
    match compile(statement, cx, &[])?.body {
        CompiledBody::Plan(plan) => Ok(plan),
        _ => Err(Error::internal(format!("a query was expected: {text}"))),
    }
}
