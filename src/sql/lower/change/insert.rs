//! INSERT: the source as a query over which defaults, checks and the conflict rule are put.
//!
//! `INSERT INTO t (a) VALUES (1)` → `INSERT INTO "public"."t" AS t1 ("a") SELECT s1."c0" FROM (VALUES (CAST(1 AS INTEGER))) AS s1(c0)`,
//! with a CHECK: `SELECT CASE WHEN NOT (s1."c0" > 0) THEN CAST(error(…) AS INTEGER) ELSE s1."c0" END AS c0 …`

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::registry;
use crate::sql::Command;
use crate::sql::analyze::walk;
use crate::sql::ddl::physical::FILLER;
use crate::sql::lower::ir::{self, Alias, Node, Scalar, Select};
use crate::sql::lower::query::from::{column_name, table_name};
use crate::sql::lower::value::array::{derived, plain_query};
use crate::sql::lower::{Lowered, Lowerer, Probe};
use crate::tree::{
    CastHow, ConflictAction, Expr, ExprKind, Insert, InsertSource, OnConflict, Relation, Returning, Source,
};
use crate::types::{PgType, Phys, oid};

use super::check::{Guard, RowText};
use super::conflict::may_conflict;

/// Rows that are looked at one by one before they are written.
const PROBED_ROWS: usize = 16;

/// The table that is written.
pub(crate) fn target_table(target: &Relation) -> Result<&Arc<registry::Relation>> {
    match &target.source {
        Source::Table { def, .. } => Ok(def),
        _ => Err(Error::unsupported("writing to what is not a table")),
    }
}

impl Lowerer<'_> {
    pub(crate) fn insert(mut self, insert: &Insert) -> Result<Lowered> {
        let def = Arc::clone(target_table(&insert.target)?);
        let alias = Alias::Rel(insert.target.id.0);
        let ctes = self.ctes(&insert.ctes)?;
        let recursive = insert.recursive && ctes.iter().any(|c| c.recursive);
        let (columns, types) = self.written_columns(insert)?;
        let source = self.insert_source(insert, &types)?;
        let source = self.last_of_each_key(insert, source)?;
        let probe = self.probe(insert, &def, &source)?;
        let source = self.guarded_source(insert, &def, source)?;
        let source = ir::Query { ctes, recursive, ..source };
        self.enter_table(&insert.target, &def, alias)?;
        let conflict = insert.on_conflict.as_ref().filter(|c| may_conflict(c, &def));
        let conflict = conflict.map(|c| self.conflict(c, insert, &def)).transpose()?;
        let returning = self.insert_returning(&insert.returning, alias)?;
        let phys = returning.iter().map(|r| r.phys.clone()).collect();
        let table = table_name(&def);
        let statement = ir::Statement::Insert { table, alias, columns, source, conflict, returning };
        let lowered = self.done(statement, (insert.returning.columns.clone(), phys), Command::Insert, Some(def));
        Ok(Lowered { probe, ..lowered })
    }

    /// The rows of VALUES with what their guards say of them, if that is asked for.
    fn probe(
        &mut self,
        insert: &Insert,
        def: &Arc<registry::Relation>,
        source: &ir::Query,
    ) -> Result<Option<Box<Probe>>> {
        let few = matches!(&insert.source, InsertSource::Values(rows) if rows.len() <= PROBED_ROWS);
        let plain = insert.ctes.is_empty() && insert.on_conflict.is_none() && !insert.columns.is_empty();
        if !self.cx.probed || !few || !plain || def.is_partition() || def.is_partitioned() {
            return Ok(None);
        }
        let alias = self.make();
        let (guards, row) = self.guards(insert, def, source, alias)?;
        let columns = insert.columns.iter().filter_map(|i| insert.target.columns.get(usize::from(*i)));
        let columns = columns.map(|column| column.attnum).collect();
        let values = source.columns.iter().enumerate();
        let mut targets: Vec<Scalar> =
            values.map(|(i, phys)| Scalar::column(alias, ir::output_name(i), phys.clone())).collect();
        targets.push(super::check::first_broken(guards, row.as_ref()));
        let types = targets.iter().map(|target| target.phys.clone()).collect();
        let select = Select { targets, from: vec![derived(source.clone(), alias)], ..Select::default() };
        Ok(Some(Box::new(Probe { rows: plain_query(select, types), columns })))
    }

    /// RETURNING as DuckDB's INSERT takes it.
    pub(crate) fn insert_returning(&mut self, returning: &Returning, alias: Alias) -> Result<Vec<Scalar>> {
        let mut returning = self.returning(returning, alias)?;
        returning.iter_mut().for_each(|value| unqualify(value, alias));
        Ok(returning)
    }

    /// Names and types of the columns that are written; at least one, because DuckDB wants one.
    pub(crate) fn written_columns(&self, insert: &Insert) -> Result<(Vec<Arc<str>>, Vec<PgType>)> {
        let def = target_table(&insert.target)?;
        let mut names = Vec::new();
        let mut types = Vec::new();
        let first: Vec<u16> = if insert.columns.is_empty() { vec![0] } else { insert.columns.clone() };
        if insert.target.columns.is_empty() {
            if !matches!(insert.source, InsertSource::Values(_)) {
                return Err(Error::unsupported("INSERT of a query's rows into a table without columns"));
            }
            return Ok((vec![FILLER.into()], vec![PgType::new(oid::BOOL)]));
        }
        for index in first {
            let column = insert
                .target
                .columns
                .get(usize::from(index))
                .ok_or_else(|| Error::internal("INSERT into a column that is not there"))?;
            names.push(column_name(def, column)?);
            types.push(column.ty);
        }
        Ok((names, types))
    }

    pub(crate) fn insert_source(&mut self, insert: &Insert, types: &[PgType]) -> Result<ir::Query> {
        let stored = types.iter().map(|ty| self.phys(*ty)).collect::<Result<Vec<Phys>>>()?;
        let query = match &insert.source {
            InsertSource::Values(_) if insert.columns.is_empty() => {
                let rows = vec![stored.iter().map(|p| Scalar::null(p.clone())).collect()];
                crate::sql::lower::query::set_op::query_of(ir::Body::Values(rows), stored.clone())
            }
            InsertSource::Values(rows) => {
                let rows = rows
                    .iter()
                    .map(|row| {
                        row.iter()
                            .zip(&stored)
                            .map(|(e, phys)| {
                                let value = self.expr(e)?;
                                self.coerce(value, phys)
                            })
                            .collect::<Result<Vec<_>>>()
                    })
                    .collect::<Result<Vec<_>>>()?;
                if rows.iter().flatten().any(is_set_returning) {
                    return Err(Error::unsupported("a set-returning function in VALUES"));
                }
                self.factored(rows, stored)
            }
            InsertSource::Query { query, rel, exprs } => {
                let mut inner = self.query(query)?;
                // Numbers are drawn in the order of the query's rows: what comes out of OFFSET is one thread's.
                if exprs.iter().any(crate::sql::lower::value::routine::acts)
                    && inner.limit.is_none()
                    && inner.offset.is_none()
                {
                    inner.offset = Some(Scalar::number(0, Phys::Int8));
                }
                let alias = Alias::Rel(rel.0);
                let columns = inner
                    .columns
                    .iter()
                    .enumerate()
                    .map(|(i, p)| (crate::sql::lower::Means::Column(ir::output_name(i)), p.clone()))
                    .collect();
                self.rels.insert(*rel, crate::sql::lower::Rel { alias, columns });
                let targets = self.stored(exprs, &stored)?;
                let from = vec![derived(inner, alias)];
                plain_query(Select { targets, from, ..Select::default() }, stored.clone())
            }
            InsertSource::Feed { rel, exprs, filter } => {
                let alias = Alias::Rel(rel.id.0);
                let from = vec![self.feed(rel, alias)?];
                let targets = self.stored(exprs, &stored)?;
                let filter = filter.as_ref().map(|f| self.expr(f)).transpose()?.map(asked_of_each);
                plain_query(Select { targets, from, filter, ..Select::default() }, stored.clone())
            }
        };
        Ok(query)
    }

    /// Expressions in the types that their columns are stored in.
    pub(crate) fn stored(&mut self, exprs: &[crate::tree::Expr], stored: &[Phys]) -> Result<Vec<Scalar>> {
        exprs
            .iter()
            .zip(stored)
            .map(|(e, phys)| {
                let value = self.expr(e)?;
                self.coerce(value, phys)
            })
            .collect()
    }

    /// The source with what DuckDB does not check by itself: CHECK constraints, and ON CONFLICT's second time.
    pub(crate) fn guarded_source(
        &mut self,
        insert: &Insert,
        def: &Arc<registry::Relation>,
        source: ir::Query,
    ) -> Result<ir::Query> {
        let alias = self.make();
        let (guards, row) = self.guards(insert, def, &source, alias)?;
        if guards.is_empty() {
            return Ok(source);
        }
        let columns = source.columns.clone();
        let mut targets: Vec<Scalar> = columns
            .iter()
            .enumerate()
            .map(|(i, phys)| Scalar::column(alias, ir::output_name(i), phys.clone()))
            .collect();
        super::check::guard_first(&mut targets, guards, row.as_ref());
        let select = Select { targets, from: vec![derived(source, alias)], ..Select::default() };
        Ok(plain_query(select, columns))
    }

    /// What new rows, called `alias`, must not be, and their text for errors.
    fn guards(
        &mut self,
        insert: &Insert,
        def: &Arc<registry::Relation>,
        source: &ir::Query,
        alias: Alias,
    ) -> Result<(Vec<Guard>, Option<RowText>)> {
        let value_of = |index: u16| {
            let at = insert.columns.iter().position(|c| *c == index)?;
            Some(Scalar::column(alias, ir::output_name(at), source.columns.get(at)?.clone()))
        };
        let single = matches!(&insert.source, InsertSource::Values(rows) if rows.len() <= 1);
        let mut guards = Vec::new();
        // Of a feed's rows the last of each key is left.
        let once = single || matches!(&insert.source, InsertSource::Feed { .. });
        if let Some(conflict) = &insert.on_conflict
            && !single
            && !super::upsert::wanted(insert, def, &self.cx.snapshot)
        {
            if !once {
                guards.extend(self.second_time(conflict, value_of)?);
                guards.extend(self.shared_keys(conflict, def, value_of)?);
            }
            guards.extend(self.null_keys(conflict, insert, def, value_of)?);
        }
        if let Some(rules) = &insert.rules {
            guards.extend(self.rule_guards(&rules.checks, rules.new_row, (def, &insert.target), &value_of)?);
        }
        guards.extend(self.routing_guards(def, &insert.target, &value_of, None)?);
        guards.extend(Self::not_null_guards(def, &insert.target, &value_of, &|index| never_null(insert, index)));
        guards.extend(self.check_guards(def, &insert.target, &value_of)?);
        let row = match guards.is_empty() {
            true => None,
            false => self.row_text(def, &insert.target, &value_of, &self::written(insert), guards.len()),
        };
        Ok((guards, row))
    }

    /// RETURNING: DuckDB knows only the target's columns there, and no subqueries.
    pub(crate) fn returning(&mut self, returning: &Returning, target: Alias) -> Result<Vec<Scalar>> {
        let mut values = Vec::with_capacity(returning.exprs.len());
        for (e, field) in returning.exprs.iter().zip(&returning.columns) {
            let value = self.expr(e)?;
            let value = self.output_column(value, field.ty)?;
            if !is_of_target(&value, target) {
                return Err(Error::unsupported("what RETURNING of this INSERT … ON CONFLICT computes")
                    .hint("Return the columns, and compute with them in the next statement."));
            }
            values.push(value);
        }
        Ok(values)
    }
}

/// DuckDB's INSERT knows its target in RETURNING by its alias or by its name, depending on ON CONFLICT; a bare column
/// name means the same in both.
fn unqualify(value: &mut Scalar, target: Alias) {
    match &mut value.node {
        Node::Column(alias, name) if *alias == target => {
            value.node = Node::Bare(name.clone());
        }
        Node::Column(..)
        | Node::Subquery(_)
        | Node::Exists(_)
        | Node::Quantified { .. }
        | Node::Aggregate(_)
        | Node::Text(_)
        | Node::Literal(_)
        | Node::Type
        | Node::Bare(_)
        | Node::Variable(_)
        | Node::Param(_) => {}
        Node::Template { args, .. } => args.iter_mut().for_each(|part| unqualify(part, target)),
        Node::Cast(inner) => unqualify(inner, target),
        Node::And(all) | Node::Or(all) => all.iter_mut().for_each(|part| unqualify(part, target)),
        Node::Case { whens, otherwise } => {
            for (test, then) in whens {
                unqualify(test, target);
                unqualify(then, target);
            }
            if let Some(otherwise) = otherwise {
                unqualify(otherwise, target);
            }
        }
    }
}

/// True if what is inserted into the column cannot be NULL: constants, and what sequences give.
fn never_null(insert: &Insert, index: u16) -> bool {
    let known = |e: &Expr| {
        let mut e = e;
        while let ExprKind::Cast { arg, .. } = &e.kind {
            e = arg;
        }
        match &e.kind {
            ExprKind::Const(value) => !matches!(value, crate::types::Value::Null),
            ExprKind::NextValue(_) => true,
            _ => false,
        }
    };
    let Some(at) = insert.columns.iter().position(|c| *c == index) else { return false };
    match &insert.source {
        InsertSource::Values(rows) => rows.iter().all(|row| row.get(at).is_some_and(known)),
        InsertSource::Query { query: _, rel: _, exprs } | InsertSource::Feed { rel: _, exprs, filter: _ } => {
            exprs.get(at).is_some_and(known)
        }
    }
}

/// The columns that the statement gives values for, in INSERT and in its ON CONFLICT DO UPDATE.
fn written(insert: &Insert) -> Vec<u16> {
    let mut written = insert.named.clone();
    if let Some(OnConflict { action: ConflictAction::Update { sets, filter: _ }, .. }) = &insert.on_conflict {
        written.extend(sets.iter().map(|(column, _)| *column));
    }
    written
}

fn is_set_returning(value: &Scalar) -> bool {
    matches!(&value.node, Node::Template { text, .. } if text.starts_with("unnest("))
}

/// True if the expression has in it what DuckDB's RETURNING does not take: queries, parameters, and what is computed by the
/// session's settings.
pub(crate) fn asks_session(e: &Expr) -> bool {
    // Their texts are the same for everybody.
    let settled = |ty: PgType| {
        matches!(ty.oid, oid::BOOL | oid::INT2 | oid::INT4 | oid::INT8 | oid::NUMERIC | oid::TEXT | oid::VARCHAR)
            || matches!(ty.oid, oid::BPCHAR | oid::UUID | oid::UNKNOWN)
    };
    let mut found = crate::sql::lower::steer::arms::has_query(e);
    let _ = walk(e, 0, &mut |e, _| {
        found |= match &e.kind {
            ExprKind::Param(_) | ExprKind::Session(..) => true,
            // What looks at something (sizes, locks) is a query of its own.
            ExprKind::Call(call) => {
                let func = call.func;
                func.volatility == b's' || func.volatility == b'v' && !crate::sql::lower::value::call::draws(func)
            }
            ExprKind::Cast { arg: _, how: CastHow::Function(func), explicit: _ } => func.volatility == b's',
            ExprKind::Cast { arg, how: CastHow::InOut, explicit: _ } => !settled(arg.ty) || !settled(e.ty),
            _ => false,
        };
        Ok(!found)
    });
    found
}

/// True if the value has nothing in it but the target's columns.
pub(crate) fn is_of_target(value: &Scalar, target: Alias) -> bool {
    let mut parts: Vec<&Scalar> = Vec::new();
    match &value.node {
        Node::Column(alias, _) if *alias != target => return false,
        // DuckDB's RETURNING takes no parameters.
        Node::Subquery(_) | Node::Exists(_) | Node::Quantified { .. } | Node::Param(_) => return false,
        Node::Aggregate(_)
        | Node::Text(_)
        | Node::Literal(_)
        | Node::Type
        | Node::Column(..)
        | Node::Bare(_)
        | Node::Variable(_) => {}
        // A function's own query (pg_database_size()).
        Node::Template { text, .. } if text.contains("SELECT") => return false,
        Node::Template { args, .. } => parts.extend(args),
        Node::Cast(inner) => parts.push(inner),
        Node::And(all) | Node::Or(all) => parts.extend(all),
        Node::Case { whens, otherwise } => {
            for (test, then) in whens {
                parts.push(test);
                parts.push(then);
            }
            parts.extend(otherwise.as_deref());
        }
    }
    parts.into_iter().all(|part| is_of_target(part, target))
}

/// A condition of COPY FROM that is asked of each row: one that DuckDB knows to be false it would not read the feed for, which
/// waits until somebody does.
fn asked_of_each(filter: Scalar) -> Scalar {
    Scalar::when(Scalar::template("(random() >= 0)", Vec::new(), Phys::Bool), filter, Scalar::bool(false))
}
