//! FROM: tables, views, subqueries, CTEs and functions (transformFromClauseItem).

use std::sync::Arc;

use sqlparser::ast::{self, TableFactor};

use super::position::query_start;
use super::scope::{Clause, NsItem};
use super::{Analyzer, Expr, ExprKind, RelColumn, RelId};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, Relation as TableDef, RelationKind};
use crate::sql::parse::{self, fold};
use crate::tree::{Field, FromItem, Query, Relation, Sample, Source};
use crate::types::{PgType, oid};

/// An analyzed FROM item and what it puts into the namespace.
pub(crate) type Item = (FromItem, Vec<NsItem>);

impl Analyzer<'_> {
    /// The FROM list, left to right, each item in scope of the next as far as LATERAL goes.
    pub(crate) fn range_table(&mut self, from: &[ast::TableWithJoins]) -> Result<Vec<FromItem>> {
        // What UPDATE and DELETE change is there before their FROM, and no part of it.
        set_lateral(&mut self.scope().items, true, false);
        let mut items = Vec::with_capacity(from.len());
        for table in from {
            let (item, mut namespace) = self.table_with_joins(table)?;
            self.check_conflicts(&self.scopes[self.scopes.len() - 1].items, &namespace)?;
            set_lateral(&mut namespace, true, true);
            self.scope().items.append(&mut namespace);
            items.push(item);
        }
        let scope = self.scope();
        set_lateral(&mut scope.items, false, true);
        Ok(items)
    }

    pub(crate) fn table_with_joins(&mut self, table: &ast::TableWithJoins) -> Result<Item> {
        self.deeper(|a| {
            let mut left = a.table_factor(&table.relation)?;
            for join in &table.joins {
                left = a.join(left, join)?;
            }
            Ok(left)
        })
    }

    pub(crate) fn table_factor(&mut self, factor: &TableFactor) -> Result<Item> {
        match factor {
            TableFactor::Table {
                name, alias, args, with_hints, version, with_ordinality, partitions, sample, ..
            } => {
                if !with_hints.is_empty() || version.is_some() || !partitions.is_empty() {
                    return Err(Error::unsupported("this table syntax").at(self.pos_of(name)));
                }
                if let Some(args) = args {
                    no_sample(sample.is_some())?;
                    return self.function_item(name, &args.args, alias.as_ref(), *with_ordinality, false);
                }
                if let Some(call) = self.value_function_named(name)? {
                    no_sample(sample.is_some())?;
                    let (_, function, pos) = self.name_parts(name)?;
                    return self.function_relation(vec![call], function, alias.as_ref(), *with_ordinality, pos);
                }
                self.table_item(name, alias.as_ref(), sample.as_ref())
            }
            TableFactor::Derived { lateral, subquery, alias, sample } => {
                no_sample(sample.is_some())?;
                self.derived(*lateral, subquery, alias.as_ref())
            }
            TableFactor::Function { lateral, name, args, with_ordinality, alias } => {
                self.function_item(name, args, alias.as_ref(), *with_ordinality, *lateral)
            }
            TableFactor::UNNEST { alias, array_exprs, with_ordinality, .. } => {
                self.unnest_item(array_exprs, alias.as_ref(), *with_ordinality)
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let (item, namespace) = self.table_with_joins(table_with_joins)?;
                match alias {
                    None => Ok((item, namespace)),
                    Some(alias) => self.alias_join(item, namespace, alias),
                }
            }
            other => {
                let text = other.to_string();
                let word = text.split_whitespace().next().unwrap_or_default().to_uppercase();
                Err(Error::unsupported(format!("{word} in FROM")))
            }
        }
    }

    /// A name in FROM: a CTE, a table, or a view.
    fn table_item(
        &mut self,
        name: &ast::ObjectName,
        alias: Option<&ast::TableAlias>,
        sample: Option<&ast::TableSampleKind>,
    ) -> Result<Item> {
        self.check_relation_name(name)?;
        let (namespace, table, pos) = self.name_parts(name)?;
        if namespace.is_none()
            && let Some(item) = self.cte_item(&table, alias, pos)?
        {
            return if sample.is_some() { Err(only_of_tables().at(pos)) } else { Ok(item) };
        }
        let Some(def) = self.find_relation(namespace.as_deref(), &table).map_err(|e| e.at(pos))? else {
            return Err(self.not_in_query(namespace.as_deref(), &table, pos));
        };
        self.note_relation_name(name, def.oid, alias.is_none());
        let sampled = match def.kind {
            RelationKind::Table | RelationKind::MaterializedView { .. } => true,
            RelationKind::System => !crate::catalog::is_system_view(def.oid),
            _ => false,
        };
        if sample.is_some() && !sampled {
            return Err(only_of_tables().at(pos));
        }
        let sample = sample.map(|s| self.sample(s)).transpose()?;
        let source = match &def.kind {
            // Whether a materialized view has been populated is asked when it is read.
            RelationKind::Table | RelationKind::MaterializedView { .. } => {
                Source::Table { def: Arc::clone(&def), only: self.parsed.extras.only.contains(&pos), sample }
            }
            // Empty would say that there are none.
            RelationKind::System if &*def.name == "pg_statistic" => {
                return Err(Error::unsupported("reading pg_statistic")
                    .hint("The engine's statistics are its own; pg_stats has no rows.")
                    .at(pos));
            }
            RelationKind::System => Source::System { def: Arc::clone(&def), sample },
            RelationKind::View { definition, search_path } => {
                let query = self.expand_view(&def, definition, search_path)?;
                Source::View {
                    def: Arc::clone(&def),
                    query: Box::new(query),
                    owner: (!def.rules.invoker).then_some(def.owner),
                }
            }
            RelationKind::Composite => return Err(super::dml::no_rows(&table).at(pos)),
            RelationKind::Sequence(_) => Source::Sequence { def: Arc::clone(&def) },
        };
        let id = self.new_rel();
        self.rel_tables.insert(id, Arc::clone(&def));
        let columns = read_columns(&def);
        self.origins.insert(id, columns.iter().map(|c| (def.oid, c.attnum)).collect());
        let (shown, namespace) = match alias {
            Some(alias) => (fold(&alias.name), None),
            None => (Arc::clone(&def.name), Some(Arc::clone(&def.namespace))),
        };
        let relation = Relation { id, alias: shown, source, columns, lateral: false, pos };
        let (item, mut items) = self.relation_item(relation, alias)?;
        for ns in &mut items {
            ns.namespace = namespace.clone();
            ns.row_type = match (&def.kind, def.row_type) {
                // It has columns, but no type of rows.
                (RelationKind::Sequence(_), _) => 0,
                (_, 0) => oid::RECORD,
                (_, row_type) => row_type,
            };
        }
        Ok((item, items))
    }

    /// Puts a relation into the namespace, under its alias and with its columns' aliases.
    pub(crate) fn relation_item(&mut self, mut relation: Relation, alias: Option<&ast::TableAlias>) -> Result<Item> {
        if let Some(alias) = alias {
            let visible = relation.columns.iter().filter(|c| c.attnum >= 0).count();
            if alias.columns.len() > visible {
                let message = format!(
                    "table \"{}\" has {visible} columns available but {} columns specified",
                    relation.alias,
                    alias.columns.len()
                );
                return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message));
            }
            let named = relation.columns.iter_mut().filter(|c| c.attnum >= 0);
            for (column, alias) in named.zip(&alias.columns) {
                column.name = fold(&alias.name);
            }
        }
        self.note_relation()?;
        let item = NsItem::new(Arc::clone(&relation.alias), relation.id, &relation.columns);
        self.scope().rels.push(relation.id);
        Ok((FromItem::Relation(Box::new(relation)), vec![item]))
    }

    pub(crate) fn expand_view(&mut self, def: &TableDef, definition: &str, search_path: &[Name]) -> Result<Query> {
        if self.views.contains(&def.oid) {
            let message = format!("infinite recursion detected in rules for relation \"{}\"", def.name);
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        let parsed = parse::parse(definition)?;
        let [parsed] = parsed.as_slice() else {
            return Err(Error::internal(format!("view {} is not one statement", def.name)));
        };
        let parse::Body::Statement(statement) = &*parsed.body else {
            return Err(Error::internal(format!("view {} is not a query", def.name)));
        };
        let ast::Statement::Query(query) = &**statement else {
            return Err(Error::internal(format!("view {} is not a query", def.name)));
        };
        let mut ctx = super::kept::context(self.ctx);
        // What was there when a view of an older file was made is meant: a session's temporary tables are not.
        let kept = |name: &&Name| def.temporary || !name.starts_with("pg_temp");
        ctx.search_path = search_path.iter().filter(kept).cloned().collect();
        let mut inner = Analyzer::new(&ctx, parsed);
        inner.next_rel = self.next_rel;
        inner.next_cte = self.next_cte;
        inner.depth = self.depth;
        inner.relations = self.relations;
        inner.routines = self.routines;
        inner.views = self.views.clone();
        inner.views.push(def.oid);
        inner.calls = self.calls.clone();
        // A position inside the view's text would point nowhere in the client's.
        let strip = |mut e: Error| {
            e.report_mut().position = None;
            e.context(format!("view \"{}\"", def.name))
        };
        let mut query = inner.query(query).map_err(strip)?;
        inner.resolve_unknown_outputs(&mut query)?;
        self.next_rel = inner.next_rel;
        self.next_cte = inner.next_cte;
        self.relations = inner.relations;
        self.routines = inner.routines;
        self.note_height(inner.height)?;
        Ok(query)
    }

    fn derived(&mut self, lateral: bool, subquery: &ast::Query, alias: Option<&ast::TableAlias>) -> Result<Item> {
        let Some(alias) = alias else {
            return Err(Error::syntax(if matches!(&*subquery.body, ast::SetExpr::Values(_)) {
                "VALUES in FROM must have an alias"
            } else {
                "subquery in FROM must have an alias"
            })
            .hint("For example, FROM (SELECT ...) [AS] foo.")
            .at(self.paren_before(query_start(subquery))));
        };
        let mut query = self.subquery_in_from(subquery, lateral)?;
        self.resolve_unknown_outputs(&mut query)?;
        let id = self.new_rel();
        self.origins.insert(id, query.columns.iter().map(|f| f.origin).collect());
        self.keep_records(id, &query.columns);
        let columns = fields_to_columns(&query.columns);
        let relation = Relation {
            id,
            alias: fold(&alias.name),
            source: Source::Subquery(Box::new(query)),
            columns,
            lateral,
            pos: self.pos(alias.name.span),
        };
        self.relation_item(relation, Some(alias))
    }

    /// A subquery sees its FROM list's other items only if LATERAL; outer levels it always sees.
    fn subquery_in_from(&mut self, subquery: &ast::Query, lateral: bool) -> Result<Query> {
        let before = std::mem::replace(&mut self.scope().lateral_active, lateral);
        let query = self.query(subquery);
        self.scope().lateral_active = before;
        query
    }

    fn sample(&mut self, kind: &ast::TableSampleKind) -> Result<Sample> {
        let (ast::TableSampleKind::BeforeTableAlias(sample) | ast::TableSampleKind::AfterTableAlias(sample)) = kind;
        let bernoulli = match sample.name {
            Some(ast::TableSampleMethod::Bernoulli) => true,
            Some(ast::TableSampleMethod::System) => false,
            _ => return Err(Error::unsupported("this sampling method")),
        };
        let Some(quantity) = &sample.quantity else { return Err(Error::syntax("syntax error at end of input")) };
        let percent = self.in_clause(Clause::From, |a| a.expr(&quantity.value))?;
        let percent = self.coerce_specific(percent, oid::FLOAT4, "TABLESAMPLE")?;
        let seed = match &sample.seed {
            Some(seed) => {
                let seed = self.value(&seed.value)?;
                Some(self.coerce_specific(seed, oid::FLOAT8, "REPEATABLE")?)
            }
            None => None,
        };
        Ok(Sample { bernoulli, percent, seed })
    }

    /// A function in FROM.
    fn function_item(
        &mut self,
        name: &ast::ObjectName,
        args: &[ast::FunctionArg],
        alias: Option<&ast::TableAlias>,
        ordinality: bool,
        lateral: bool,
    ) -> Result<Item> {
        let pos = self.pos_of(name);
        let (namespace, function, _) = self.name_parts(name)?;
        if &*function == parse::rewrite::ROWS {
            return self.rows_from(args, alias, ordinality, pos);
        }
        if &*function == "unnest" && namespace.as_deref().is_none_or(|n| n == "pg_catalog") && args.len() > 1 {
            let exprs = args.iter().map(plain_arg).collect::<Result<Vec<_>>>()?;
            return self.unnest_item_refs(&exprs, alias, ordinality);
        }
        if namespace.is_none() && self.reads_files(&function) {
            return self.file_item(&function, args, alias, (ordinality, pos));
        }
        let call = self.in_lateral(|a| a.in_clause(Clause::From, |a| a.function_in_from(name, args)))?;
        let _ = lateral;
        self.function_relation(vec![call], function, alias, ordinality, pos)
    }

    /// `ROWS FROM (f(…), g(…))`.
    fn rows_from(
        &mut self,
        functions: &[ast::FunctionArg],
        alias: Option<&ast::TableAlias>,
        ordinality: bool,
        pos: u32,
    ) -> Result<Item> {
        let mut calls = Vec::with_capacity(functions.len());
        let mut first = None;
        for function in functions {
            let expr = plain_arg(function)?;
            let ast::Expr::Function(f) = expr else {
                return Err(Error::syntax("syntax error in ROWS FROM").at(self.pos_of(expr)));
            };
            let (_, name, _) = self.name_parts(&f.name)?;
            // unnest() of several arrays is as many functions.
            if let ast::FunctionArguments::List(list) = &f.args
                && &*name == "unnest"
                && list.args.len() > 1
            {
                for array in &list.args {
                    let array = plain_arg(array)?;
                    let call = self.in_lateral(|a| {
                        a.in_clause(Clause::From, |a| {
                            let arg = a.expr(array)?;
                            a.call_by_name("unnest", vec![arg], pos)
                        })
                    })?;
                    calls.push((name.clone(), call));
                }
                first.get_or_insert(name);
                continue;
            }
            first.get_or_insert_with(|| name.clone());
            let call = self.in_lateral(|a| a.in_clause(Clause::From, |a| a.function(f)))?;
            calls.push((name, call));
        }
        let name = first.ok_or_else(|| Error::syntax("syntax error in ROWS FROM").at(pos))?;
        self.named_functions(calls, name, alias, ordinality, pos)
    }

    fn unnest_item(&mut self, arrays: &[ast::Expr], alias: Option<&ast::TableAlias>, ordinality: bool) -> Result<Item> {
        let refs: Vec<&ast::Expr> = arrays.iter().collect();
        self.unnest_item_refs(&refs, alias, ordinality)
    }

    /// `unnest(a, b)` is ROWS FROM (unnest(a), unnest(b)).
    fn unnest_item_refs(
        &mut self,
        arrays: &[&ast::Expr],
        alias: Option<&ast::TableAlias>,
        ordinality: bool,
    ) -> Result<Item> {
        let mut calls = Vec::with_capacity(arrays.len());
        let pos = arrays.first().map_or(0, |a| self.pos_of(*a));
        for array in arrays {
            calls.push(self.in_lateral(|a| {
                a.in_clause(Clause::From, |a| {
                    let arg = a.expr(array)?;
                    a.call_by_name("unnest", vec![arg], pos)
                })
            })?);
        }
        self.function_relation(calls, "unnest".into(), alias, ordinality, pos)
    }

    /// Functions in FROM see the items to their left, LATERAL or not.
    fn in_lateral<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = std::mem::replace(&mut self.scope().lateral_active, true);
        let result = step(self);
        self.scope().lateral_active = before;
        result
    }

    fn function_relation(
        &mut self,
        calls: Vec<Expr>,
        function: Name,
        alias: Option<&ast::TableAlias>,
        ordinality: bool,
        pos: u32,
    ) -> Result<Item> {
        let calls = calls.into_iter().map(|call| (Arc::clone(&function), call)).collect();
        self.named_functions(calls, function, alias, ordinality, pos)
    }

    /// Functions with their names, which their columns have unless there is but one and an alias.
    fn named_functions(
        &mut self,
        calls: Vec<(Name, Expr)>,
        function: Name,
        alias: Option<&ast::TableAlias>,
        ordinality: bool,
        pos: u32,
    ) -> Result<Item> {
        let shown = alias.map_or_else(|| Arc::clone(&function), |a| fold(&a.name));
        let mut columns = Vec::new();
        let single = calls.len() == 1;
        for (name, call) in &calls {
            let scalar_name = if single && alias.is_some() { &shown } else { name };
            self.function_columns(call, scalar_name, alias, &mut columns)?;
        }
        if ordinality {
            columns.push(RelColumn { name: "ordinality".into(), ty: PgType::new(oid::INT8), attnum: 0 });
        }
        let id = self.new_rel();
        self.origins.insert(id, vec![(0, 0); columns.len()]);
        if columns.len() == 1 {
            self.function_rels.insert(id);
        }
        let calls = calls.into_iter().map(|(_, call)| call).collect();
        let source = Source::Function { calls, ordinality };
        // A function may read what stands to its left: it is always lateral.
        let relation = Relation { id, alias: shown, source, columns, lateral: true, pos };
        self.relation_item(relation, alias)
    }

    /// The columns that one function gives: its OUT parameters, a composite's columns, a column definition list, or one
    /// column named after the function or its alias.
    fn function_columns(
        &mut self,
        call: &Expr,
        scalar_name: &Name,
        alias: Option<&ast::TableAlias>,
        columns: &mut Vec<RelColumn>,
    ) -> Result<()> {
        let mut args: (Vec<&Expr>, Vec<_>) = (Vec::new(), Vec::new());
        super::check::children(call, &mut args.0, &mut args.1);
        if args.0.into_iter().any(super::call::makes_rows) {
            let message = "set-returning functions must appear at top level of FROM";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(call.pos));
        }
        let func = match &call.kind {
            ExprKind::Call(c) | ExprKind::SetReturning(c) => Some(c.func),
            _ => None,
        };
        if let Some(func) = func
            && func.out_args.len() > 1
        {
            let args: Vec<_> = match &call.kind {
                ExprKind::Call(c) | ExprKind::SetReturning(c) => c.args.iter().map(|a| a.ty.oid).collect(),
                _ => Vec::new(),
            };
            for (name, ty) in &func.out_args {
                let (_, ty) = self.enforce_generic(&args, &func.args, *ty)?;
                columns.push(RelColumn { name: (*name).into(), ty: PgType::new(ty), attnum: 0 });
            }
            return Ok(());
        }
        let defined = alias.filter(|a| a.columns.iter().any(|c| c.data_type.is_some()));
        let routine = match &call.kind {
            ExprKind::Routine(routine) => Some(routine),
            _ => None,
        };
        if let Some(routine) = routine
            && call.ty.oid == oid::RECORD
            && routine.function.outputs().next().is_some()
        {
            if let Some(alias) = defined {
                let message = "a column definition list is redundant for a function with OUT parameters";
                return Err(Error::syntax(message).at(self.pos(alias.columns[0].name.span)));
            }
            columns.extend(fields_to_columns(&routine.body.columns));
            return Ok(());
        }
        if call.ty.oid == oid::RECORD {
            let Some(alias) = defined else {
                let message = "a column definition list is required for functions returning \"record\"";
                return Err(Error::syntax(message).at(call.pos));
            };
            for column in &alias.columns {
                let Some(ty) = &column.data_type else {
                    return Err(Error::syntax("syntax error").at(self.pos(column.name.span)));
                };
                let ty = self.data_type(ty)?;
                columns.push(RelColumn { name: fold(&column.name), ty, attnum: 0 });
            }
            if let Some(routine) = routine {
                self.fits_definition(&routine.body.columns, &columns[columns.len() - alias.columns.len()..])?;
            }
            return Ok(());
        }
        if let Some(alias) = defined {
            let message = "a column definition list is only allowed for functions returning \"record\"";
            return Err(Error::syntax(message).at(self.pos(alias.columns[0].name.span)));
        }
        // A domain over a composite type has its columns, too.
        let base = self.base_oid(call.ty.oid);
        if self.type_facts(base).kind == b'c'
            && let Some(relation) = self.row_type_relation(base)
        {
            columns.extend(relation.columns.iter().map(|c| RelColumn {
                name: Arc::clone(&c.name),
                ty: c.ty,
                attnum: 0,
            }));
            return Ok(());
        }
        // A single OUT parameter gives the column its name; an alias overrides it.
        let name = match func {
            Some(func) if func.out_args.len() == 1 => func.out_args[0].0.into(),
            _ => match routine.and_then(|r| r.function.outputs().next()) {
                Some(output) if !output.name.is_empty() => Arc::clone(&output.name),
                Some(_) | None => Arc::clone(scalar_name),
            },
        };
        columns.push(RelColumn { name, ty: call.ty, attnum: 0 });
        Ok(())
    }

    /// The target of INSERT, UPDATE, DELETE and COPY: a table, with its columns.
    pub(crate) fn target_relation(&mut self, def: &Arc<TableDef>, alias: Name, pos: u32) -> Relation {
        let id: RelId = self.new_rel();
        self.rel_tables.insert(id, Arc::clone(def));
        let columns = read_columns(def);
        self.origins.insert(id, columns.iter().map(|c| (def.oid, c.attnum)).collect());
        let only = self.parsed.extras.only.contains(&pos);
        let source = Source::Table { def: Arc::clone(def), only, sample: None };
        Relation { id, alias, source, columns, lateral: false, pos }
    }
}

pub(crate) fn plain_arg(arg: &ast::FunctionArg) -> Result<&ast::Expr> {
    match arg {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Ok(expr),
        _ => Err(Error::unsupported("a named argument here")),
    }
}

pub(crate) fn table_columns(def: &TableDef) -> Vec<RelColumn> {
    def.columns.iter().map(|c| RelColumn { name: Arc::clone(&c.name), ty: c.ty, attnum: c.num }).collect()
}

/// The columns of a table in a statement. Where its rows are those of partitions, their `tableoid` is no constant: a column that
/// only its name finds.
fn read_columns(def: &TableDef) -> Vec<RelColumn> {
    let mut columns = table_columns(def);
    if def.is_partitioned() {
        columns.push(RelColumn { name: "tableoid".into(), ty: PgType::new(oid::OID), attnum: TABLEOID });
    }
    columns
}

/// The number of `tableoid`.
const TABLEOID: i16 = -6;

pub(crate) fn fields_to_columns(fields: &[Field]) -> Vec<RelColumn> {
    fields.iter().map(|f| RelColumn { name: Arc::clone(&f.name), ty: f.ty, attnum: 0 }).collect()
}

pub(crate) fn set_lateral(items: &mut [NsItem], lateral_only: bool, lateral_ok: bool) {
    for item in items {
        item.lateral_only = lateral_only;
        item.lateral_ok = lateral_ok;
    }
}

/// PostgreSQL's grammar has TABLESAMPLE behind names alone.
fn no_sample(sampled: bool) -> Result<()> {
    match sampled {
        true => Err(Error::syntax("syntax error at or near \"TABLESAMPLE\"")),
        false => Ok(()),
    }
}

fn only_of_tables() -> Error {
    let message = "TABLESAMPLE clause can only be applied to tables and materialized views";
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}
