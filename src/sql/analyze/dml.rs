//! UPDATE, DELETE, RETURNING, and what they share with INSERT: targets, assignments, defaults.

use std::sync::Arc;

use sqlparser::ast;

use super::scope::{Clause, NsItem, Scope};
use super::stored::Stored;
use super::{Analyzer, CastContext, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Column, Relation as TableDef, RelationKind, UserTypeKind};
use crate::sql::parse::fold;
use crate::tree::{
    Body, Delete, FromItem, Query, RelColumn, RelId, Relation, Returning, Select, Source, Statement, Update,
};
use crate::types::{PgType, Value, oid};

impl Analyzer<'_> {
    /// `WITH … INSERT | UPDATE | DELETE`.
    pub(crate) fn dml_under_with(&mut self, with: Option<&ast::With>, dml: &ast::Statement) -> Result<Statement> {
        self.scopes.push(Scope::default());
        let result = self.dml_in_scope(with, dml);
        self.scopes.pop();
        result
    }

    fn dml_in_scope(&mut self, with: Option<&ast::With>, dml: &ast::Statement) -> Result<Statement> {
        let (ctes, recursive) = self.with_clause(with)?;
        Ok(match dml {
            ast::Statement::Insert(insert) => {
                let insert = self.insert(insert)?;
                Statement::Insert(Box::new(crate::tree::Insert { ctes, recursive, ..insert }))
            }
            ast::Statement::Update(update) => {
                let update = self.update(update)?;
                Statement::Update(Box::new(Update { ctes, recursive, ..update }))
            }
            ast::Statement::Delete(delete) => {
                let delete = self.delete(delete)?;
                Statement::Delete(Box::new(Delete { ctes, recursive, ..delete }))
            }
            ast::Statement::Merge(merge) => {
                if with.is_some_and(|with| with.recursive) {
                    return Err(Error::syntax("WITH RECURSIVE is not supported for MERGE statement"));
                }
                Statement::Merge(Box::new(self.merge_into(merge, ctes)?))
            }
            _ => return Err(Error::internal("no data-modifying statement")),
        })
    }

    /// The table that a statement writes to.
    pub(crate) fn writable(&mut self, name: &ast::ObjectName, verb: &'static str) -> Result<Writable> {
        let (namespace, table, pos) = self.name_parts(name)?;
        let Some(def) = self.find_relation(namespace.as_deref(), &table).map_err(|e| e.at(pos))? else {
            return Err(self.not_in_query(namespace.as_deref(), &table, pos));
        };
        if matches!(def.kind, RelationKind::View { .. }) && verb != MERGE {
            let view = Arc::new(self.view_target(&def, verb)?);
            return Ok(Writable { def: Arc::clone(&view.def), name: Arc::clone(&def.name), pos, view: Some(view) });
        }
        self.check_writable(&def, verb)?;
        Ok(Writable { name: Arc::clone(&def.name), def, pos, view: None })
    }

    /// The relation that a statement writes to, in scope.
    pub(crate) fn enter_target(&mut self, written: &Writable, alias: Option<Arc<str>>) -> Relation {
        let (aliased, shown) = (alias.is_some(), alias.unwrap_or_else(|| Arc::clone(&written.name)));
        match &written.view {
            None => {
                let target = self.target_relation(&written.def, shown, written.pos);
                self.scope_target(&target, &written.def, aliased);
                target
            }
            Some(view) => {
                let target = Relation { alias: shown, pos: written.pos, ..view.base.clone() };
                self.scope_view(&target, view, aliased);
                target
            }
        }
    }

    pub(crate) fn check_writable(&self, def: &TableDef, verb: &str) -> Result<()> {
        match def.kind {
            RelationKind::Table => Ok(()),
            RelationKind::View { .. } => {
                let message = match verb {
                    MERGE => format!("cannot execute MERGE on relation \"{}\"", def.name),
                    _ => format!("cannot {verb} view \"{}\"", def.name),
                };
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                    .detail("This operation is not supported for views.")
                    .hint("Change the table itself."))
            }
            RelationKind::Sequence(_) | RelationKind::MaterializedView { .. } => {
                let message = format!("cannot change {} \"{}\"", crate::policy::kind_word(def), def.name);
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
            RelationKind::Composite => Err(no_rows(&def.name)),
            RelationKind::System => {
                let message = format!("permission denied: \"{}\" is a system catalog", def.name);
                Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
            }
        }
    }

    /// Puts the target into the current level's namespace.
    pub(crate) fn scope_target(&mut self, relation: &Relation, def: &TableDef, aliased: bool) {
        let mut item = NsItem::new(Arc::clone(&relation.alias), relation.id, &relation.columns);
        item.row_type = if def.row_type == 0 { oid::RECORD } else { def.row_type };
        if !aliased {
            item.namespace = Some(Arc::clone(&def.namespace));
        }
        let scope = self.scope();
        scope.target = Some(relation.id);
        scope.rels.push(relation.id);
        scope.items.push(item);
    }

    pub(crate) fn update(&mut self, update: &ast::Update) -> Result<Update> {
        if update.or.is_some() || update.limit.is_some() || !update.order_by.is_empty() || update.output.is_some() {
            return Err(Error::unsupported("this UPDATE syntax"));
        }
        self.scopes.push(Scope::default());
        let result = self.update_in_scope(update);
        self.scopes.pop();
        result
    }

    fn update_in_scope(&mut self, update: &ast::Update) -> Result<Update> {
        let (def, target) = self.dml_target(&update.table, "update")?;
        let from = match &update.from {
            None => Vec::new(),
            Some(ast::UpdateTableFromKind::AfterSet(from) | ast::UpdateTableFromKind::BeforeSet(from)) => {
                self.range_table(from)?
            }
        };
        let sets = self.assignments(&def, &target, &update.assignments)?;
        let mut filter = match &update.selection {
            Some(expr) => Some(self.condition(expr, Clause::Where, "WHERE")?),
            None => None,
        };
        let returning = self.returning(update.returning.as_deref())?;
        // What generated columns follow from is the table's affair.
        let named = sets.iter().filter(|(n, _)| def.columns[usize::from(*n)].generated.is_none());
        let written: Vec<u16> = named.clone().map(|(n, _)| *n).collect();
        let condition = filter.clone();
        let read: Vec<&Expr> = named.map(|(_, e)| e).chain(&condition).chain(&returning.exprs).collect();
        let (through, rules) = self.through(Some(&mut filter), &read, &written);
        Ok(Update { ctes: Vec::new(), recursive: false, target, sets, from, filter, returning, rules, through })
    }

    pub(crate) fn dml_target(
        &mut self,
        table: &ast::TableWithJoins,
        verb: &'static str,
    ) -> Result<(Arc<TableDef>, Relation)> {
        let ast::TableFactor::Table { name, alias, args: None, .. } = &table.relation else {
            return Err(Error::syntax("syntax error at the statement's table"));
        };
        if !table.joins.is_empty() {
            return Err(Error::syntax(format!("a join is no target of {verb}")));
        }
        let written = self.writable(name, verb)?;
        let target = self.enter_target(&written, alias.as_ref().map(|a| fold(&a.name)));
        Ok((written.def, target))
    }

    /// SET of UPDATE and of ON CONFLICT DO UPDATE, with the generated columns that follow from it.
    pub(crate) fn assignments(
        &mut self,
        def: &Arc<TableDef>,
        target: &Relation,
        assignments: &[ast::Assignment],
    ) -> Result<Vec<(u16, Expr)>> {
        let mut sets: Vec<(u16, Expr)> = Vec::with_capacity(assignments.len());
        self.in_clause(Clause::Update, |a| {
            for assignment in assignments {
                a.assignment(def, assignment, &mut sets)?;
            }
            Ok(())
        })?;
        for (i, column) in def.columns.iter().enumerate() {
            let Some(text) = &column.generated else { continue };
            let generated = self.generated(def, column, text, |n| {
                sets.iter().find(|(i, _)| *i == n).map(|(_, e)| e.clone()).or_else(|| {
                    let ty = target.columns.get(usize::from(n))?.ty;
                    Some(Expr { kind: ExprKind::Column { rel: target.id, column: n }, ty, pos: 0 })
                })
            })?;
            super::drawn::not_drawn_again("UPDATE", &generated)?;
            sets.retain(|(n, _)| usize::from(*n) != i);
            sets.push((i as u16, generated));
        }
        Ok(sets)
    }

    fn assignment(
        &mut self,
        def: &Arc<TableDef>,
        assignment: &ast::Assignment,
        sets: &mut Vec<(u16, Expr)>,
    ) -> Result<()> {
        match &assignment.target {
            ast::AssignmentTarget::ColumnName(name) => {
                let target = self.set_target(def, name)?;
                self.set_item(def, &target, &assignment.value, sets)
            }
            ast::AssignmentTarget::Tuple(names) => {
                let columns = names.iter().map(|n| self.set_target(def, n)).collect::<Result<Vec<_>>>()?;
                let mut value = &assignment.value;
                while let ast::Expr::Nested(inner) = value {
                    value = inner;
                }
                match value {
                    ast::Expr::Tuple(items) => self.set_items(def, &columns, items, sets),
                    ast::Expr::Subquery(query) => self.set_from_subquery(def, &columns, query, sets),
                    ast::Expr::Function(f) if super::types::last_name(&f.name).as_ref() == "row" => {
                        let ast::FunctionArguments::List(list) = &f.args else {
                            return Err(Error::syntax("syntax error"));
                        };
                        let mut items = Vec::with_capacity(list.args.len());
                        for arg in &list.args {
                            items.push(super::from::plain_arg(arg)?.clone());
                        }
                        self.set_items(def, &columns, &items, sets)
                    }
                    single if columns.len() == 1 => self.set_items(def, &columns, std::slice::from_ref(single), sets),
                    _ => Err(Error::new(
                        SqlState::FEATURE_NOT_SUPPORTED,
                        "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression",
                    )),
                }
            }
        }
    }

    fn set_items(
        &mut self,
        def: &Arc<TableDef>,
        columns: &[WriteTarget],
        items: &[ast::Expr],
        sets: &mut Vec<(u16, Expr)>,
    ) -> Result<()> {
        if columns.len() != items.len() {
            let pos = items.first().map_or(0, |i| self.paren_before(ast::Spanned::span(i)));
            return Err(Error::syntax("number of columns does not match number of values").at(pos));
        }
        for (column, item) in columns.iter().zip(items) {
            self.set_item(def, column, item, sets)?;
        }
        Ok(())
    }

    fn set_item(
        &mut self,
        def: &Arc<TableDef>,
        target: &WriteTarget,
        item: &ast::Expr,
        sets: &mut Vec<(u16, Expr)>,
    ) -> Result<()> {
        if target.place.is_empty() {
            let expr = self.assigned_value(def, target.column, item)?;
            return self.add_set(def, sets, target.column, expr);
        }
        if is_default(item) {
            return Err(super::place::no_default(&target.place).at(target.pos));
        }
        self.may_be_set(def, target.column)?;
        let value = self.expr(item)?;
        self.set_part(def, target, value, sets)
    }

    /// `SET a[1] = …`: of the column as it is, or as the statement has it so far.
    fn set_part(
        &mut self,
        def: &Arc<TableDef>,
        target: &WriteTarget,
        value: Expr,
        sets: &mut Vec<(u16, Expr)>,
    ) -> Result<()> {
        let column = &def.columns[usize::from(target.column)];
        let before = sets.iter().position(|(c, _)| *c == target.column);
        let whole = match before {
            Some(at) if super::place::is_put(&sets[at].1) => {
                std::mem::replace(&mut sets[at].1, Expr { kind: ExprKind::Default, ty: column.ty, pos: 0 })
            }
            Some(_) => return Err(assigned_twice(&column.name)),
            None => {
                let rel = self.scope().target.ok_or_else(|| Error::internal("SET without a target"))?;
                Expr { kind: ExprKind::Column { rel, column: target.column }, ty: column.ty, pos: target.pos }
            }
        };
        let put = self.put(whole, &target.place, value, &column.name)?;
        match before {
            Some(at) => sets[at].1 = put,
            None => sets.push((target.column, put)),
        }
        Ok(())
    }

    /// `(a, b) = (SELECT x, y …)`: one scalar subquery for each column.
    fn set_from_subquery(
        &mut self,
        def: &Arc<TableDef>,
        columns: &[WriteTarget],
        query: &ast::Query,
        sets: &mut Vec<(u16, Expr)>,
    ) -> Result<()> {
        for (i, column) in columns.iter().enumerate() {
            let mut inner = self.query(query)?;
            self.resolve_unknown_outputs(&mut inner)?;
            if inner.columns.len() != columns.len() {
                return Err(Error::syntax("number of columns does not match number of values"));
            }
            let value = self.scalar_of(inner, i);
            if !column.place.is_empty() {
                self.set_part(def, column, value, sets)?;
                continue;
            }
            let target = &def.columns[usize::from(column.column)];
            let (ty, name) = (target.ty, Arc::clone(&target.name));
            let expr = self.assign(value, ty, &name, "column")?;
            self.add_set(def, sets, column.column, expr)?;
        }
        Ok(())
    }

    /// `(SELECT column FROM (query))`.
    fn scalar_of(&mut self, query: Query, column: usize) -> Expr {
        let rel = self.new_rel();
        let field = query.columns[column].clone();
        let columns = super::from::fields_to_columns(&query.columns);
        let kind = ExprKind::Column { rel, column: column as u16 };
        let target = Expr { kind, ty: field.ty, pos: 0 };
        let relation = Relation {
            id: rel,
            alias: "unnamed_subquery".into(),
            source: Source::Subquery(Box::new(query)),
            columns,
            lateral: false,
            pos: 0,
        };
        let select = Select::of(vec![target], vec![FromItem::Relation(Box::new(relation))]);
        let ty = field.ty;
        let outer = Query::of(Body::Select(Box::new(select)), vec![field], self.new_rel());
        Expr { kind: ExprKind::ScalarSubquery(Box::new(outer)), ty, pos: 0 }
    }

    fn add_set(&self, def: &TableDef, sets: &mut Vec<(u16, Expr)>, column: u16, expr: Expr) -> Result<()> {
        if sets.iter().any(|(c, _)| *c == column) {
            return Err(assigned_twice(&def.columns[usize::from(column)].name));
        }
        sets.push((column, expr));
        Ok(())
    }

    /// The column that INSERT or SET names, and the part of it (`t.a` is a field of a column to PostgreSQL, too).
    pub(crate) fn set_target(&self, def: &TableDef, name: &ast::ObjectName) -> Result<WriteTarget> {
        let idents: Vec<&ast::Ident> = name.0.iter().filter_map(|p| p.as_ident()).collect();
        let (ident, place) = match idents.as_slice() {
            [ident] => (ident, None),
            [ident, mark] => {
                let kept = crate::sql::parse::kept_place(mark).and_then(|n| self.parsed.extras.places.get(n));
                let Some(kept) = kept else {
                    // MERGE's columns are the target's own.
                    self.column_index(def, ident)?;
                    return Err(Error::unsupported("an assignment to a field in MERGE").at(self.pos(ident.span)));
                };
                (ident, Some(kept))
            }
            _ => return Err(Error::syntax("syntax error")),
        };
        let place = place.cloned().unwrap_or_default();
        Ok(WriteTarget { column: self.column_index(def, ident)?, place, pos: self.pos(ident.span) })
    }

    /// The index of a named column among the table's columns.
    pub(crate) fn column_index(&self, def: &TableDef, ident: &ast::Ident) -> Result<u16> {
        self.column_index_of(def, &fold(ident), self.pos(ident.span))
    }

    pub(crate) fn column_index_of(&self, def: &TableDef, name: &str, pos: u32) -> Result<u16> {
        if let Some(view) = self.scopes.last().and_then(|s| s.view.as_ref()).filter(|v| v.def.oid == def.oid) {
            return view.column(name, pos);
        }
        match def.columns.iter().position(|c| &*c.name == name) {
            Some(i) => Ok(i as u16),
            None => {
                let message = format!("column \"{name}\" of relation \"{}\" does not exist", def.name);
                Err(Error::new(SqlState::UNDEFINED_COLUMN, message).at(pos))
            }
        }
    }

    /// The right side of `SET column = …`; DEFAULT is the column's default.
    fn assigned_value(&mut self, def: &Arc<TableDef>, column: u16, value: &ast::Expr) -> Result<Expr> {
        let target = &def.columns[usize::from(column)];
        if is_default(value) && self.scopes.last().is_some_and(|s| s.view.is_some()) {
            // A view's columns have no defaults of their own, and the table's do not count.
            self.may_be_set(def, column)?;
            let null = Expr { kind: ExprKind::Const(Value::Null), ty: PgType::new(oid::UNKNOWN), pos: 0 };
            return self.coerce_type(null, target.ty, CastContext::Assignment, false);
        }
        if is_default(value) {
            return self.column_default(def, target);
        }
        self.may_be_set(def, column)?;
        let expr = self.expr(value)?;
        self.assign(expr, target.ty, &target.name, "column")
    }

    /// Whether UPDATE may give the column a value other than DEFAULT.
    fn may_be_set(&self, def: &TableDef, column: u16) -> Result<()> {
        let target = &def.columns[usize::from(column)];
        if target.generated.is_some() || target.identity.is_some_and(|i| i.always) {
            let name = &target.name;
            let why = if target.generated.is_some() {
                format!("Column \"{name}\" is a generated column.")
            } else {
                format!("Column \"{name}\" is an identity column defined as GENERATED ALWAYS.")
            };
            let message = format!("column \"{name}\" can only be updated to DEFAULT");
            return Err(Error::new(SqlState::GENERATED_ALWAYS, message).detail(why));
        }
        Ok(())
    }

    /// transformAssignedExpr's coercion.
    pub(crate) fn assign(&mut self, expr: Expr, ty: PgType, column: &str, what: &str) -> Result<Expr> {
        let (from, pos) = (expr.ty.oid, expr.pos);
        match self.coerce_to(expr, ty, CastContext::Assignment, false)? {
            Some(expr) => Ok(expr),
            None => {
                let message = format!(
                    "{what} \"{column}\" is of type {} but expression is of type {}",
                    self.type_name(ty.oid),
                    self.type_name(from)
                );
                Err(Error::new(SqlState::DATATYPE_MISMATCH, message)
                    .hint("You will need to rewrite or cast the expression.")
                    .at(pos))
            }
        }
    }

    /// What DEFAULT means for a column: its identity, its default, or NULL. Generated columns are filled in elsewhere.
    pub(crate) fn column_default(&mut self, def: &TableDef, column: &Column) -> Result<Expr> {
        if let Some(identity) = column.identity {
            let next = Expr { kind: ExprKind::NextValue(identity.sequence), ty: PgType::new(oid::INT8), pos: 0 };
            return self.assign(next, column.ty, &column.name, "column");
        }
        let default = column.default.clone().or_else(|| self.domain_default_of(column.ty));
        let Some(text) = &default else {
            let null = Expr { kind: ExprKind::Const(Value::Null), ty: PgType::new(oid::UNKNOWN), pos: 0 };
            return self.coerce_type(null, column.ty, CastContext::Assignment, false);
        };
        let expr =
            super::assigned_expression(text, Stored::Default, ("", RelId(0)), &[], (&column.name, column.ty), self.ctx);
        let mut expr = expr.map_err(|mut e| {
            e.report_mut().position = None;
            e.context(format!("default of column \"{}\" of table \"{}\"", column.name, def.name))
        })?;
        expr.pos = 0;
        Ok(expr)
    }

    /// True if what [`Self::column_default`] gives is more than NULL.
    pub(crate) fn has_default(&self, column: &Column) -> bool {
        column.identity.is_some() || column.default.is_some() || self.domain_default_of(column.ty).is_some()
    }

    /// What a column without a default of its own gets from its domain.
    pub(super) fn domain_default_of(&self, ty: PgType) -> Option<String> {
        // The array of a domain goes by another OID.
        let of = self.ctx.snapshot.user_type_by_oid(ty.oid).filter(|t| t.oid == ty.oid)?;
        match &of.kind {
            UserTypeKind::Domain { base: _, collation: _, not_null: _, default, checks: _ } => default.clone(),
            UserTypeKind::Enum { .. } | UserTypeKind::Range { .. } | UserTypeKind::Multirange { .. } => None,
        }
    }

    /// A generated column's expression, each column in it replaced by what `value` gives for it.
    pub(crate) fn generated(
        &mut self,
        def: &TableDef,
        column: &Column,
        text: &str,
        value: impl Fn(u16) -> Option<Expr>,
    ) -> Result<Expr> {
        let rel = self.new_rel();
        let columns: Vec<RelColumn> = super::from::table_columns(def);
        let of = (&*column.name, column.ty);
        let mut expr = super::assigned_expression(text, Stored::Generated, (&def.name, rel), &columns, of, self.ctx)
            .map_err(|mut e| {
                e.report_mut().position = None;
                e
            })?;
        super::check::substitute(&mut expr, rel, &value);
        Ok(expr)
    }

    pub(crate) fn delete(&mut self, delete: &ast::Delete) -> Result<Delete> {
        if !delete.tables.is_empty() || delete.limit.is_some() || !delete.order_by.is_empty() {
            return Err(Error::unsupported("this DELETE syntax"));
        }
        self.scopes.push(Scope::default());
        let result = self.delete_in_scope(delete);
        self.scopes.pop();
        result
    }

    fn delete_in_scope(&mut self, delete: &ast::Delete) -> Result<Delete> {
        let (ast::FromTable::WithFromKeyword(tables) | ast::FromTable::WithoutKeyword(tables)) = &delete.from;
        let [table] = tables.as_slice() else {
            return Err(Error::syntax("syntax error at or near \",\""));
        };
        let (_, target) = self.dml_target(table, "delete from")?;
        let using = match &delete.using {
            Some(using) => self.range_table(using)?,
            None => Vec::new(),
        };
        let mut filter = match &delete.selection {
            Some(expr) => Some(self.condition(expr, Clause::Where, "WHERE")?),
            None => None,
        };
        let returning = self.returning(delete.returning.as_deref())?;
        let condition = filter.clone();
        let read: Vec<&Expr> = condition.iter().chain(&returning.exprs).collect();
        let (through, rules) = self.through(Some(&mut filter), &read, &[]);
        Ok(Delete { ctes: Vec::new(), recursive: false, target, using, filter, returning, rules, through })
    }

    pub(crate) fn returning(&mut self, items: Option<&[ast::SelectItem]>) -> Result<Returning> {
        let Some(items) = items else { return Ok(Returning::default()) };
        let (mut targets, system) = self.noting_system_columns(|a| a.targets(items, Clause::Returning))?;
        for target in &mut targets {
            let placeholder = Expr { kind: ExprKind::Default, ty: target.expr.ty, pos: 0 };
            let expr = std::mem::replace(&mut target.expr, placeholder);
            target.expr = self.resolve_unknown(expr)?;
        }
        let columns = self.fields(&targets);
        Ok(Returning { exprs: targets.into_iter().map(|t| t.expr).collect(), columns, system })
    }
}

/// What MERGE is called where others are called by their messages' words.
pub(super) const MERGE: &str = "merge into";

/// The relation that a statement names as what it writes to.
pub(crate) struct Writable {
    /// The table, which is below `view` if that is named.
    pub def: Arc<TableDef>,
    /// The name of what is named.
    pub name: Arc<str>,
    pub pos: u32,
    pub view: Option<Arc<super::view_target::ViewTarget>>,
}

/// What INSERT or SET writes: a column, or a part of it.
pub(crate) struct WriteTarget {
    pub column: u16,
    /// The way to the part; empty for the whole column.
    pub place: crate::sql::parse::Place,
    pub pos: u32,
}

/// A composite type where a table is wanted.
pub(crate) fn no_rows(name: &str) -> Error {
    Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is a composite type"))
}

pub(super) fn assigned_twice(column: &str) -> Error {
    Error::syntax(format!("multiple assignments to same column \"{column}\""))
}

/// The word DEFAULT, which sqlparser reads as a name.
pub(crate) fn is_default(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Identifier(i) if i.quote_style.is_none() && i.value.eq_ignore_ascii_case("default"))
}
