//! INSERT (transformInsertStmt): sources, defaults, ON CONFLICT.

use std::sync::Arc;

use sqlparser::ast::{self, SetExpr};

use super::arbiter::Arbiter;
use super::dml::{Writable, WriteTarget, is_default};
use super::scope::{Clause, NsItem, Scope, Xmax};
use super::{Analyzer, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::registry::Relation as TableDef;
use crate::sql::parse::fold;
use crate::tree::{ConflictAction, Insert, InsertSource, OnConflict, Overriding, Query, RelId, Relation, Returning};
use crate::types::{PgType, Value};

/// A value for a column of a row: an expression that is coerced already, or the column's default.
pub(super) enum Cell {
    Value(Expr),
    Default,
}

/// A row's columns with their values.
type Cells = Vec<(u16, Cell)>;

/// Columns with their new values.
type Sets = Vec<(u16, Expr)>;

impl Analyzer<'_> {
    pub(crate) fn insert(&mut self, insert: &ast::Insert) -> Result<Insert> {
        let foreign = insert.or.is_some()
            || insert.ignore
            || insert.overwrite
            || insert.replace_into
            || !insert.assignments.is_empty()
            || insert.partitioned.is_some()
            || !insert.after_columns.is_empty()
            || insert.insert_alias.is_some()
            || insert.output.is_some();
        if foreign {
            return Err(Error::unsupported("this INSERT syntax"));
        }
        let ast::TableObject::TableName(name) = &insert.table else {
            return Err(Error::unsupported("INSERT into a function or query"));
        };
        let written = self.writable(name, "insert into")?;
        let alias = insert.table_alias.as_ref().map(|a| fold(&a.alias));
        self.scopes.push(Scope::default());
        self.scope().view.clone_from(&written.view);
        let result = self.insert_in_scope(insert, &written, alias);
        self.scopes.pop();
        result
    }

    /// OVERRIDING of the INSERT that begins with this word.
    pub(super) fn overriding(&self, insert: &ast::helpers::attached_token::AttachedToken) -> Overriding {
        let pos = self.pos(insert.0.span);
        let found = self.parsed.extras.overriding.iter().find(|(at, _)| *at == pos);
        found.map_or(Overriding::Default, |(_, overriding)| *overriding)
    }

    fn insert_in_scope(&mut self, insert: &ast::Insert, written: &Writable, alias: Option<Arc<str>>) -> Result<Insert> {
        let def = Arc::clone(&written.def);
        let overriding = self.overriding(&insert.insert_token);
        let shown = alias.clone().unwrap_or_else(|| Arc::clone(&written.name));
        let hidden = NsItem::new(shown, crate::tree::RelId(0), &super::from::table_columns(&def));
        self.scope().hidden.push(hidden);
        let listed = self.insert_columns(&def, &insert.columns)?;
        let (source, named, columns) = match &insert.source {
            None => {
                let row = self.fill_row(&def, Vec::new(), overriding)?;
                (InsertSource::Values(vec![row.1]), Vec::new(), row.0)
            }
            Some(query) => match plain_values(query) {
                Some(values) => self.insert_values(&def, listed, values, overriding)?,
                None => self.insert_query(&def, listed, query, overriding)?,
            },
        };
        self.scope().hidden.clear();
        let source = self.drawn_first(&def, source, &columns)?;
        let target = self.enter_target(written, alias);
        let (on_conflict, excluded) = match &insert.on {
            None => (None, None),
            Some(ast::OnInsert::OnConflict(_)) if written.view.is_some() => {
                return Err(
                    Error::unsupported("ON CONFLICT of an INSERT into a view").hint("Insert into the table itself.")
                );
            }
            Some(ast::OnInsert::OnConflict(clause)) => {
                let (clause, excluded) = self.on_conflict(&def, &target, clause)?;
                (Some(clause), excluded)
            }
            Some(_) => return Err(Error::syntax("syntax error at or near \"DUPLICATE\"")),
        };
        let (returning, xmax) = self.returning_of_insert(insert, &target, on_conflict.as_ref())?;
        let read: Vec<&Expr> = returning.exprs.iter().collect();
        let (through, rules) = self.through(None, &read, &named);
        Ok(Insert {
            ctes: Vec::new(),
            recursive: false,
            target,
            columns,
            named,
            source,
            on_conflict,
            excluded,
            xmax,
            returning,
            overriding,
            rules,
            through,
        })
    }

    /// RETURNING, where `xmax` tells rows that were there from new ones; and its relation, if it is asked for.
    fn returning_of_insert(
        &mut self,
        insert: &ast::Insert,
        target: &Relation,
        conflict: Option<&OnConflict>,
    ) -> Result<(Returning, Option<RelId>)> {
        let of = conflict.map(|_| self.new_rel());
        let outer = self.xmax.replace(Xmax { target: target.id, level: self.scopes.len(), of });
        let returning = self.returning(insert.returning.as_deref());
        self.xmax = outer;
        let returning = returning?;
        let mut asked = false;
        for e in &returning.exprs {
            super::check::walk(e, 0, &mut |e, _| {
                asked |= matches!(&e.kind, ExprKind::Column { rel, .. } if Some(*rel) == of);
                Ok(true)
            })?;
        }
        Ok((returning, of.filter(|_| asked)))
    }

    /// checkInsertTargets. None: no list was written.
    pub(super) fn insert_columns(&self, def: &TableDef, names: &[ast::ObjectName]) -> Result<Option<Vec<WriteTarget>>> {
        if names.is_empty() {
            return Ok(None);
        }
        let mut out: Vec<WriteTarget> = Vec::with_capacity(names.len());
        for name in names {
            let target = self.set_target(def, name)?;
            // Of a column several parts may be given, but nothing beside the whole.
            let again = |t: &&WriteTarget| t.column == target.column && (t.place.is_empty() || target.place.is_empty());
            let named_again = self.scopes.last().is_none_or(|s| s.view.is_none());
            if named_again && out.iter().find(again).is_some() {
                let name = &def.columns[usize::from(target.column)].name;
                let message = format!("column \"{name}\" specified more than once");
                return Err(Error::new(SqlState::DUPLICATE_COLUMN, message).at(target.pos));
            }
            out.push(target);
        }
        Ok(Some(out))
    }

    /// As [`Self::columns_for`]. Two columns of a view may be one of its table.
    fn match_columns(
        &self,
        def: &TableDef,
        listed: Option<Vec<WriteTarget>>,
        count: usize,
        extra_pos: impl Fn(usize) -> u32,
    ) -> Result<Vec<WriteTarget>> {
        let targets = self.columns_for(def, listed, count, extra_pos)?;
        for (i, target) in targets.iter().enumerate() {
            let again = |t: &&WriteTarget| t.column == target.column && (t.place.is_empty() || target.place.is_empty());
            if targets[..i].iter().any(|t| again(&t)) {
                return Err(super::dml::assigned_twice(&def.columns[usize::from(target.column)].name));
            }
        }
        Ok(targets)
    }

    /// The columns for a row of `count` values.
    fn columns_for(
        &self,
        def: &TableDef,
        listed: Option<Vec<WriteTarget>>,
        count: usize,
        extra_pos: impl Fn(usize) -> u32,
    ) -> Result<Vec<WriteTarget>> {
        match listed {
            None => {
                let view = self.scopes.last().and_then(|s| s.view.as_ref()).filter(|v| v.def.oid == def.oid);
                let width = view.map_or(def.columns.len(), |v| v.width());
                if count > width {
                    let message = "INSERT has more expressions than target columns";
                    return Err(Error::syntax(message).at(extra_pos(width)));
                }
                let column = |at: usize| match view {
                    Some(view) => view.nth(at),
                    None => Ok(at as u16),
                };
                (0..count).map(|at| Ok(WriteTarget { column: column(at)?, place: Vec::new(), pos: 0 })).collect()
            }
            Some(listed) if count > listed.len() => {
                Err(Error::syntax("INSERT has more expressions than target columns").at(extra_pos(listed.len())))
            }
            Some(listed) if count < listed.len() => {
                Err(Error::syntax("INSERT has more target columns than expressions").at(listed[count].pos))
            }
            Some(listed) => Ok(listed),
        }
    }

    pub(super) fn insert_values(
        &mut self,
        def: &Arc<TableDef>,
        listed: Option<Vec<WriteTarget>>,
        values: &ast::Values,
        overriding: Overriding,
    ) -> Result<(InsertSource, Vec<u16>, Vec<u16>)> {
        let mut rows = Vec::with_capacity(values.rows.len());
        let (mut named, mut columns) = (Vec::new(), Vec::new());
        let first = values.rows.first().map(|r| &r.content[..]).unwrap_or_default();
        let width = first.len();
        let targets = self.match_columns(def, listed, width, |i| self.pos_of(&first[i]))?;
        for row in &values.rows {
            let items = &row.content;
            if items.len() != width {
                let pos = items.first().map_or(0, |e| self.pos_of(e));
                return Err(Error::syntax("VALUES lists must all be the same length").at(pos));
            }
            let mut cells: Cells = Vec::with_capacity(items.len());
            for (item, target) in items.iter().zip(&targets) {
                if target.place.is_empty() {
                    cells.push((target.column, self.insert_cell(def, target.column, item, overriding)?));
                } else if is_default(item) {
                    return Err(super::place::no_default(&target.place).at(target.pos));
                } else {
                    let value = self.in_clause(Clause::Values, |a| a.expr(item))?;
                    self.insert_part(def, target, value, overriding, &mut cells)?;
                }
            }
            named = cells.iter().map(|(column, _)| *column).collect();
            let (mut all, mut exprs) = self.fill_row(def, cells, overriding)?;
            if values.rows.len() == 1 {
                // In the order of the table (rewriteTargetListIU): `currval` reads what a default has drawn before it.
                let computed = |column: u16| def.columns[usize::from(column)].generated.is_some();
                let mut row: Vec<(u16, Expr)> = all.into_iter().zip(exprs).collect();
                row.sort_by_key(|(column, _)| (computed(*column), *column));
                (all, exprs) = row.into_iter().unzip();
            }
            rows.push(exprs);
            columns = all;
        }
        Ok((InsertSource::Values(rows), named, columns))
    }

    /// `INSERT INTO t (a[1], …)`: of NULL, or of what was put into the column before.
    fn insert_part(
        &mut self,
        def: &Arc<TableDef>,
        target: &WriteTarget,
        value: Expr,
        overriding: Overriding,
        cells: &mut Cells,
    ) -> Result<()> {
        let column = &def.columns[usize::from(target.column)];
        if !self.takes_value(def, target.column, overriding)? {
            return Ok(());
        }
        let at = cells.iter().position(|(c, _)| *c == target.column);
        let null = Expr { kind: ExprKind::Const(Value::Null), ty: column.ty, pos: target.pos };
        let whole = match at.map(|at| std::mem::replace(&mut cells[at].1, Cell::Default)) {
            Some(Cell::Value(whole)) => whole,
            Some(Cell::Default) | None => null,
        };
        let put = self.in_clause(Clause::Values, |a| a.put(whole, &target.place, value, &column.name))?;
        match at {
            Some(at) => cells[at].1 = Cell::Value(put),
            None => cells.push((target.column, Cell::Value(put))),
        }
        Ok(())
    }

    fn insert_cell(
        &mut self,
        def: &Arc<TableDef>,
        column: u16,
        item: &ast::Expr,
        overriding: Overriding,
    ) -> Result<Cell> {
        if is_default(item) {
            return Ok(Cell::Default);
        }
        let target = &def.columns[usize::from(column)];
        let expr = self.in_clause(Clause::Values, |a| a.expr(item))?;
        if !self.takes_value(def, column, overriding)? {
            return Ok(Cell::Default);
        }
        self.assign(expr, target.ty, &target.name, "column").map(Cell::Value)
    }

    /// Whether a given value is used for the column; an error where only DEFAULT may be given.
    fn takes_value(&self, def: &TableDef, column: u16, overriding: Overriding) -> Result<bool> {
        let target = &def.columns[usize::from(column)];
        let name = &target.name;
        let message = format!("cannot insert a non-DEFAULT value into column \"{name}\"");
        if target.generated.is_some() {
            return Err(Error::new(SqlState::GENERATED_ALWAYS, message)
                .detail(format!("Column \"{name}\" is a generated column.")));
        }
        match (target.identity, overriding) {
            (Some(_), Overriding::User) => Ok(false),
            (Some(identity), Overriding::Default) if identity.always => {
                Err(Error::new(SqlState::GENERATED_ALWAYS, message)
                    .detail(format!("Column \"{name}\" is an identity column defined as GENERATED ALWAYS."))
                    .hint("Use OVERRIDING SYSTEM VALUE to override."))
            }
            _ => Ok(true),
        }
    }

    /// All columns of one row: what was given, then defaults, then generated columns.
    pub(super) fn fill_row(
        &mut self,
        def: &Arc<TableDef>,
        cells: Cells,
        _overriding: Overriding,
    ) -> Result<(Vec<u16>, Vec<Expr>)> {
        let mut columns = Vec::with_capacity(def.columns.len());
        let mut exprs = Vec::with_capacity(def.columns.len());
        for (column, cell) in cells {
            let target = &def.columns[usize::from(column)];
            match cell {
                Cell::Value(expr) => exprs.push(expr),
                Cell::Default if target.generated.is_some() => continue,
                Cell::Default => exprs.push(self.column_default(def, target)?),
            }
            columns.push(column);
        }
        for (i, column) in def.columns.iter().enumerate() {
            let i = i as u16;
            if columns.contains(&i) || column.generated.is_some() {
                continue;
            }
            exprs.push(self.column_default(def, column)?);
            columns.push(i);
        }
        for (i, column) in def.columns.iter().enumerate() {
            let Some(text) = &column.generated else { continue };
            let value = self.generated(def, column, text, |n| {
                columns.iter().position(|c| *c == n).and_then(|at| exprs.get(at)).cloned()
            })?;
            exprs.push(value);
            columns.push(i as u16);
        }
        Ok((columns, exprs))
    }

    fn insert_query(
        &mut self,
        def: &Arc<TableDef>,
        listed: Option<Vec<WriteTarget>>,
        query: &ast::Query,
        overriding: Overriding,
    ) -> Result<(InsertSource, Vec<u16>, Vec<u16>)> {
        let mut query = self.query(query)?;
        let targets = self.match_columns(def, listed, query.columns.len(), |i| super::setop::output_pos(&query, i))?;
        let rel = self.new_rel();
        let mut cells: Cells = Vec::with_capacity(targets.len());
        for (i, target) in targets.iter().enumerate() {
            let part = match target.place.is_empty() {
                true => def.columns[usize::from(target.column)].ty,
                false => self.place_type(def.columns[usize::from(target.column)].ty, &target.place),
            };
            let value = self.query_output(&mut query, rel, i, part)?;
            if target.place.is_empty() {
                cells.push((target.column, self.query_cell(def, value, target.column, overriding)?));
            } else {
                self.insert_part(def, target, value, overriding, &mut cells)?;
            }
        }
        let named = cells.iter().map(|(column, _)| *column).collect();
        let (columns, exprs) = self.fill_row(def, cells, overriding)?;
        Ok((InsertSource::Query { query: Box::new(query), rel, exprs }, named, columns))
    }

    /// One output of the source query. An unknown literal takes the type of what is written in place.
    fn query_output(
        &mut self,
        query: &mut Query,
        rel: crate::tree::RelId,
        output: usize,
        written: PgType,
    ) -> Result<Expr> {
        if query.columns[output].ty.oid == crate::types::oid::UNKNOWN {
            // Without the modifier: what is too long must fail, which the assignment below sees to.
            let ty = PgType::new(self.base_type(written).oid);
            self.coerce_output(query, output, ty, super::CastContext::Assignment)?;
        }
        let kind = ExprKind::Column { rel, column: output as u16 };
        let pos = match &query.body {
            crate::tree::Body::Select(select) => select.targets.get(output).map_or(0, |t| t.pos),
            _ => 0,
        };
        Ok(Expr { kind, ty: query.columns[output].ty, pos })
    }

    /// One output of the source query as a column's value.
    fn query_cell(&mut self, def: &Arc<TableDef>, expr: Expr, column: u16, overriding: Overriding) -> Result<Cell> {
        let target = &def.columns[usize::from(column)];
        if !self.takes_value(def, column, overriding)? {
            return Ok(Cell::Default);
        }
        self.assign(expr, target.ty, &target.name, "column").map(Cell::Value)
    }

    pub(super) fn on_conflict(
        &mut self,
        def: &Arc<TableDef>,
        target: &Relation,
        clause: &ast::OnConflict,
    ) -> Result<(OnConflict, Option<crate::tree::RelId>)> {
        let Arbiter { columns: arbiter, checked, read } = self.arbiter(def, target, clause.conflict_target.as_ref())?;
        let ast::OnConflictAction::DoUpdate(update) = &clause.action else {
            return Ok((OnConflict { arbiter, checked, read, action: ConflictAction::Nothing }, None));
        };
        if clause.conflict_target.is_none() {
            let message = "ON CONFLICT DO UPDATE requires inference specification or constraint name";
            let pos = self.pos_of_words("on", "conflict");
            return Err(Error::syntax(message).hint("For example, ON CONFLICT (column_name).").at(pos));
        }
        if def.checked_keys(&*self.ctx.snapshot).any(|key| Some(key.oid) == checked && !key.operators.is_empty()) {
            let message = "ON CONFLICT DO UPDATE not supported with exclusion constraints";
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        let excluded = self.new_rel();
        let item = NsItem::new("excluded".into(), excluded, &target.columns);
        self.scope().items.push(item);
        self.scope().rels.push(excluded);
        let result = self.conflict_update(def, target, update);
        self.scope().items.retain(|i| i.rel != Some(excluded));
        let (sets, filter) = result?;
        let action = ConflictAction::Update { sets, filter };
        Ok((OnConflict { arbiter, checked, read, action }, Some(excluded)))
    }

    fn conflict_update(
        &mut self,
        def: &Arc<TableDef>,
        target: &Relation,
        update: &ast::DoUpdate,
    ) -> Result<(Sets, Option<Expr>)> {
        let sets = self.assignments(def, target, &update.assignments)?;
        let filter = match &update.selection {
            Some(expr) => Some(self.condition(expr, Clause::Where, "WHERE")?),
            None => None,
        };
        Ok((sets, filter))
    }
}

/// A bare VALUES list, without WITH, ORDER BY or LIMIT.
fn plain_values(query: &ast::Query) -> Option<&ast::Values> {
    match &*query.body {
        SetExpr::Values(values)
            if query.with.is_none()
                && query.order_by.is_none()
                && query.limit_clause.is_none()
                && query.fetch.is_none() =>
        {
            Some(values)
        }
        _ => None,
    }
}
