//! Prints the language of `sql::lower::ir` as DuckDB's SQL: everything qualified and quoted, every cast explicit.

mod scalar;

use std::collections::HashMap;
use std::fmt::Write;

use super::lower::ir::{
    Alias, Body, Conflict, Cte, From, Order, OrderKey, Query, Sample, Scalar, Select, Statement, TableName,
};

/// What is printed so far. Parameters are numbered as they occur: lowering may have asked for some that nothing uses in
/// the end, and DuckDB knows those only that it reads.
#[derive(Default)]
pub(super) struct Text {
    sql: String,
    params: Vec<u16>,
    numbers: HashMap<u16, usize>,
    /// DuckDB may keep the statement's plan: see [`scalar::write`].
    planned_once: bool,
}

impl Text {
    /// The number, from 1, of the statement's parameter `n`.
    fn number(&mut self, n: u16) -> usize {
        // There may be tens of thousands.
        *self.numbers.entry(n).or_insert_with(|| {
            self.params.push(n);
            self.params.len()
        })
    }
}

impl std::ops::Deref for Text {
    type Target = String;
    fn deref(&self) -> &String {
        &self.sql
    }
}

impl std::ops::DerefMut for Text {
    fn deref_mut(&mut self) -> &mut String {
        &mut self.sql
    }
}

/// Room for the text of most statements, in bytes.
const LENGTH: usize = 2048;

/// The statement's text, and which of its parameters `$1`, `$2` … are.
pub fn statement(statement: &Statement) -> (String, Vec<u16>) {
    let planned_once = matches!(statement, Statement::Insert { .. });
    let mut out = Text { sql: String::with_capacity(LENGTH), planned_once, ..Text::default() };
    write_statement(&mut out, statement);
    (out.sql, out.params)
}

/// The text of one value, for comparing two of them.
pub fn scalar(value: &Scalar) -> String {
    let mut out = Text::default();
    scalar::write(&mut out, value);
    out.sql
}

/// Drops what [`Statement::Keep`] has made.
pub fn drop_kept(table: u32) -> String {
    format!("DROP TABLE IF EXISTS temp.main.dg_step_{table}")
}

/// A column's name: as it is if it is one of those that the program makes (`a7`, `c0`), else in quotes.
pub(super) fn write_name(out: &mut Text, name: &str) {
    let digits = name.strip_prefix(['a', 'c']).unwrap_or_default();
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        out.push_str(name);
    } else {
        out.push_str(&quote(name));
    }
}

/// An identifier in quotes.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string literal. NUL cannot occur in PostgreSQL's text.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn write_statement(out: &mut Text, statement: &Statement) {
    match statement {
        Statement::Query(query) => write_query(out, query),
        Statement::Insert { table, alias, columns, source, conflict, returning } => {
            out.push_str("INSERT INTO ");
            write_table(out, table);
            out.push_str(" AS ");
            write_alias(out, *alias);
            if !columns.is_empty() {
                out.push_str(" (");
                list(out, columns, |out, name| write_name(out, name));
                out.push(')');
            }
            out.push(' ');
            write_query(out, source);
            if let Some(conflict) = conflict {
                write_conflict(out, conflict);
            }
            write_returning(out, returning);
        }
        Statement::Update { ctes, recursive, table, alias, sets, from, filter, returning } => {
            write_ctes(out, ctes, *recursive);
            out.push_str("UPDATE ");
            write_table(out, table);
            out.push_str(" AS ");
            write_alias(out, *alias);
            out.push_str(" SET ");
            write_sets(out, sets);
            if !from.is_empty() {
                out.push_str(" FROM ");
                list(out, from, write_from);
            }
            write_clause(out, " WHERE ", filter.as_ref());
            write_returning(out, returning);
        }
        Statement::Delete { ctes, recursive, table, alias, using, filter, returning } => {
            write_ctes(out, ctes, *recursive);
            out.push_str("DELETE FROM ");
            write_table(out, table);
            out.push_str(" AS ");
            write_alias(out, *alias);
            if !using.is_empty() {
                out.push_str(" USING ");
                list(out, using, write_from);
            }
            write_clause(out, " WHERE ", filter.as_ref());
            write_returning(out, returning);
        }
        Statement::Keep { table, query } => {
            let _ = write!(out, "CREATE OR REPLACE TEMP TABLE dg_step_{table} AS ");
            // As a derived table: the columns get their names c0, c1 … whatever the query is.
            write_kept(out, query);
        }
        Statement::Explain { analyze, statement } => {
            // As JSON: the session makes PostgreSQL's lines of it.
            out.push_str(if *analyze { "EXPLAIN (ANALYZE, FORMAT json) " } else { "EXPLAIN (FORMAT json) " });
            write_statement(out, statement);
        }
    }
}

fn write_kept(out: &mut Text, query: &Query) {
    out.push_str("SELECT * FROM (");
    write_query(out, query);
    out.push_str(") AS s0");
    if !query.columns.is_empty() {
        out.push('(');
        for i in 0..query.columns.len() {
            numbered(out, if i > 0 { ", c" } else { "c" }, i);
        }
        out.push(')');
    }
}

fn write_sets(out: &mut Text, sets: &[(std::sync::Arc<str>, Scalar)]) {
    list(out, sets, |out, (name, value)| {
        write_name(out, name);
        out.push_str(" = ");
        scalar::write(out, value);
    });
}

fn write_conflict(out: &mut Text, conflict: &Conflict) {
    out.push_str(" ON CONFLICT");
    if !conflict.columns.is_empty() {
        out.push_str(" (");
        list(out, &conflict.columns, |out, name| write_name(out, name));
        out.push(')');
    }
    match &conflict.sets {
        None => out.push_str(" DO NOTHING"),
        Some(sets) => {
            out.push_str(" DO UPDATE SET ");
            write_sets(out, sets);
            write_clause(out, " WHERE ", conflict.filter.as_ref());
        }
    }
}

fn write_returning(out: &mut Text, returning: &[Scalar]) {
    if !returning.is_empty() {
        out.push_str(" RETURNING ");
        write_targets(out, returning);
    }
}

fn write_targets(out: &mut Text, targets: &[Scalar]) {
    for (i, target) in targets.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        scalar::write(out, target);
        numbered(out, " AS c", i);
    }
}

fn write_clause(out: &mut Text, keyword: &str, value: Option<&Scalar>) {
    if let Some(value) = value {
        out.push_str(keyword);
        scalar::write(out, value);
    }
}

pub(super) fn write_query(out: &mut Text, query: &Query) {
    write_ctes(out, &query.ctes, query.recursive);
    match &query.body {
        Body::Select(select) => write_select(out, select),
        Body::SetOp { op, left, right } => {
            for (i, side) in [left, right].into_iter().enumerate() {
                if i == 1 {
                    let _ = write!(out, " {op} ");
                }
                out.push('(');
                write_query(out, side);
                out.push(')');
            }
        }
        Body::Values(rows) => {
            out.push_str("VALUES ");
            list(out, rows, |out, row| {
                out.push('(');
                list(out, row, scalar::write);
                out.push(')');
            });
        }
    }
    write_order(out, &query.order_by);
    write_clause(out, " LIMIT ", query.limit.as_ref());
    write_clause(out, " OFFSET ", query.offset.as_ref());
}

fn write_ctes(out: &mut Text, ctes: &[Cte], recursive: bool) {
    if ctes.is_empty() {
        return;
    }
    out.push_str(if recursive { "WITH RECURSIVE " } else { "WITH " });
    list(out, ctes, |out, cte| {
        let _ = write!(out, "cte{}(", cte.id);
        for i in 0..cte.query.columns.len() {
            numbered(out, if i > 0 { ", c" } else { "c" }, i);
        }
        out.push_str(") AS ");
        match cte.materialized {
            Some(true) => out.push_str("MATERIALIZED "),
            Some(false) => out.push_str("NOT MATERIALIZED "),
            None => {}
        }
        out.push('(');
        write_query(out, &cte.query);
        out.push(')');
    });
    out.push(' ');
}

fn write_select(out: &mut Text, select: &Select) {
    out.push_str("SELECT ");
    if select.distinct {
        out.push_str("DISTINCT ");
    }
    if !select.distinct_on.is_empty() {
        out.push_str("DISTINCT ON (");
        list(out, &select.distinct_on, write_key);
        out.push_str(") ");
    }
    write_targets(out, &select.targets);
    if !select.from.is_empty() {
        out.push_str(" FROM ");
        list(out, &select.from, write_from);
    }
    write_clause(out, " WHERE ", select.filter.as_ref());
    if let Some(sets) = &select.group_by {
        out.push_str(" GROUP BY ");
        match sets.as_slice() {
            [set] if !set.is_empty() => list(out, set, scalar::write),
            sets => {
                out.push_str("GROUPING SETS (");
                list(out, sets, |out, set| {
                    out.push('(');
                    list(out, set, scalar::write);
                    out.push(')');
                });
                out.push(')');
            }
        }
    }
    write_clause(out, " HAVING ", select.having.as_ref());
    write_clause(out, " QUALIFY ", select.qualify.as_ref());
}

fn write_from(out: &mut Text, from: &From) {
    match from {
        From::Table { name, alias, sample } => {
            write_table(out, name);
            out.push_str(" AS ");
            write_alias(out, *alias);
            if let Some(Sample { bernoulli, percent, seed }) = sample {
                let method = if *bernoulli { "bernoulli" } else { "system" };
                let _ = write!(out, " TABLESAMPLE {method}({percent} PERCENT)");
                if let Some(seed) = seed {
                    let _ = write!(out, " REPEATABLE ({seed})");
                }
            }
        }
        From::Function { text, args, alias, columns } => {
            scalar::write_template(out, text, args);
            out.push_str(" AS ");
            write_alias(out, *alias);
            if !columns.is_empty() {
                out.push('(');
                list(out, columns, |out, name| write_name(out, name));
                out.push(')');
            }
        }
        From::Query { query, alias, lateral } => {
            out.push_str(if *lateral { "LATERAL (" } else { "(" });
            write_query(out, query);
            out.push_str(") AS ");
            write_alias(out, *alias);
            // VALUES gives its own column names.
            out.push('(');
            for i in 0..query.columns.len() {
                numbered(out, if i > 0 { ", c" } else { "c" }, i);
            }
            out.push(')');
        }
        From::With { from, alias, columns } => {
            out.push_str(if is_lateral(from) { "LATERAL (SELECT " } else { "(SELECT " });
            write_alias(out, *alias);
            out.push_str(".*");
            for (name, value) in columns {
                out.push_str(", ");
                scalar::write(out, value);
                out.push_str(" AS ");
                write_name(out, name);
            }
            out.push_str(" FROM ");
            write_from(out, from);
            out.push_str(") AS ");
            write_alias(out, *alias);
        }
        From::Join { kind, left, right, on } => {
            out.push('(');
            write_from(out, left);
            let _ = write!(out, " {kind} ");
            write_from(out, right);
            write_clause(out, " ON ", on.as_ref());
            out.push(')');
        }
    }
}

fn is_lateral(from: &From) -> bool {
    match from {
        From::Query { lateral, .. } => *lateral,
        From::With { from, .. } => is_lateral(from),
        From::Table { .. } | From::Function { .. } | From::Join { .. } => false,
    }
}

fn write_table(out: &mut Text, table: &TableName) {
    match table {
        TableName::Relation(oid) => {
            numbered(out, "r", *oid);
        }
        TableName::Cte(id) => {
            numbered(out, "cte", *id);
        }
        TableName::Kept(n) => {
            let _ = write!(out, "temp.main.dg_step_{n}");
        }
    }
}

pub(super) fn write_alias(out: &mut Text, alias: Alias) {
    match alias {
        Alias::Rel(n) => numbered(out, "t", n),
        Alias::Made(n) => numbered(out, "s", n),
        Alias::Excluded => out.push_str("excluded"),
    }
}

/// A name that ends with a number: what a statement's text is most made of.
fn numbered(out: &mut Text, name: &str, n: impl itoa::Integer) {
    out.push_str(name);
    out.push_str(itoa::Buffer::new().format(n));
}

pub(super) fn write_order(out: &mut Text, order_by: &[Order]) {
    if order_by.is_empty() {
        return;
    }
    out.push_str(" ORDER BY ");
    list(out, order_by, |out, order| {
        write_key(out, &order.key);
        out.push_str(if order.descending { " DESC" } else { " ASC" });
        out.push_str(if order.nulls_first { " NULLS FIRST" } else { " NULLS LAST" });
    });
}

fn write_key(out: &mut Text, key: &OrderKey) {
    match key {
        OrderKey::Position(n) => {
            let _ = write!(out, "{n}");
        }
        // A bare literal would be taken for a position.
        OrderKey::Scalar(value) => scalar::write(out, value),
    }
}

pub(super) fn list<T>(out: &mut Text, items: &[T], mut each: impl FnMut(&mut Text, &T)) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        each(out, item);
    }
}
