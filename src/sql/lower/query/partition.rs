//! Partition trees, whose rows are in the root's table: a partition is read below a filter, and what is written is held against bounds.
//!
//! `SELECT * FROM p` → `FROM (SELECT a1 AS c0, a2 AS c1 FROM r<root> AS s1 WHERE <bound>) AS t1`; `INSERT INTO t` → the first value
//! written becomes `CASE WHEN (<bound> OR <bound> …) IS NOT TRUE THEN error('DG␁23514…') … ELSE value END`.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::registry::partition::{Strategy, part_text};
use crate::registry::{self, ConstraintKind, Privileges, expression};
use crate::sql::Context;
use crate::sql::analyze::{self, Stored};
use crate::sql::compile;
use crate::tree::{self, CteBody, Expr, ExprKind, RelColumn, RelId, Relation, Source, TargetRules};
use crate::types::{Oid, PgType, Phys, Value};

use super::from::table_name;
use crate::policy;
use crate::sql::lower::change::check::Guard;
use crate::sql::lower::ir::{self, Alias, From, Node, Scalar, Select};
use crate::sql::lower::value::array::plain_query;
use crate::sql::lower::{Lowerer, Means};

/// Relation ids from here on stand for the rows of targets that are partitions.
const TARGET_ROWS: u32 = 3 << 29;

/// The statement with stored forms in place of the partitions that it writes to; `None` if it writes to none.
pub(crate) fn placed(statement: &tree::Statement, cx: &Context) -> Result<Option<tree::Statement>> {
    let mut placing = Placing { cx, next: TARGET_ROWS };
    let mut changed = statement.clone();
    let ctes = match &mut changed {
        tree::Statement::Query(query) => &mut query.ctes,
        tree::Statement::Insert(insert) => &mut insert.ctes,
        tree::Statement::Update(update) => &mut update.ctes,
        tree::Statement::Delete(delete) => &mut delete.ctes,
        tree::Statement::Merge(_) => {
            return Err(Error::unsupported("MERGE into a partition").hint("Merge into the partitioned table."));
        }
        tree::Statement::Copy(_)
        | tree::Statement::Explain(_)
        | tree::Statement::Ddl(_)
        | tree::Statement::Utility(_) => return Ok(None),
    };
    for cte in ctes {
        match &mut cte.query {
            CteBody::Query(_) => {}
            CteBody::Insert(insert) => placing.insert(insert)?,
            CteBody::Update(update) => placing.update(update)?,
            CteBody::Delete(delete) => placing.delete(delete)?,
        }
    }
    match &mut changed {
        tree::Statement::Insert(insert) => placing.insert(insert)?,
        tree::Statement::Update(update) => placing.update(update)?,
        tree::Statement::Delete(delete) => placing.delete(delete)?,
        tree::Statement::Query(_)
        | tree::Statement::Merge(_)
        | tree::Statement::Copy(_)
        | tree::Statement::Explain(_)
        | tree::Statement::Ddl(_)
        | tree::Statement::Utility(_) => {}
    }
    Ok(Some(changed))
}

/// Does a statement write to a partition, or to ONLY a partitioned table?
pub(crate) fn writes_to_one(statement: &tree::Statement) -> bool {
    let concerned = |target: &Relation| match &target.source {
        Source::Table { def, only, .. } => def.is_partition() || *only && def.is_partitioned(),
        _ => false,
    };
    let (ctes, target) = match statement {
        tree::Statement::Query(query) => (&query.ctes, None),
        tree::Statement::Insert(insert) => (&insert.ctes, Some(&insert.target)),
        tree::Statement::Update(update) => (&update.ctes, Some(&update.target)),
        tree::Statement::Delete(delete) => (&delete.ctes, Some(&delete.target)),
        tree::Statement::Merge(merge) => (&merge.ctes, Some(&merge.target)),
        tree::Statement::Copy(_)
        | tree::Statement::Explain(_)
        | tree::Statement::Ddl(_)
        | tree::Statement::Utility(_) => return false,
    };
    target.is_some_and(concerned)
        || ctes.iter().any(|cte| match &cte.query {
            CteBody::Query(_) => false,
            CteBody::Insert(insert) => concerned(&insert.target),
            CteBody::Update(update) => concerned(&update.target),
            CteBody::Delete(delete) => concerned(&delete.target),
        })
}

struct Placing<'a> {
    cx: &'a Context,
    next: u32,
}

impl Placing<'_> {
    fn fresh(&mut self) -> RelId {
        self.next += 1;
        RelId(self.next)
    }

    /// Puts the stored form in; gives the condition under which a row of the root's table is one of the target's.
    fn target(&self, target: &mut Relation) -> Result<Option<String>> {
        let Source::Table { def, only, sample: _ } = &mut target.source else { return Ok(None) };
        if *only && def.is_partitioned() {
            if def.is_partition() {
                *def = stored_form(def, self.cx)?;
                renumber(&mut target.columns, def);
            }
            return Ok(Some("false".to_owned()));
        }
        if !def.is_partition() {
            return Ok(None);
        }
        let condition = self.cx.snapshot.condition_below(def, None);
        *def = stored_form(def, self.cx)?;
        renumber(&mut target.columns, def);
        Ok(condition)
    }

    fn insert(&mut self, insert: &mut tree::Insert) -> Result<()> {
        self.target(&mut insert.target).map(|_| ())
    }

    fn update(&mut self, update: &mut tree::Update) -> Result<()> {
        let condition = self.target(&mut update.target)?;
        self.visible(&update.target, &mut update.rules, condition)
    }

    fn delete(&mut self, delete: &mut tree::Delete) -> Result<()> {
        let condition = self.target(&mut delete.target)?;
        self.visible(&delete.target, &mut delete.rules, condition)
    }

    /// Only rows inside of the bound are seen and changed.
    fn visible(
        &mut self,
        target: &Relation,
        rules: &mut Option<Box<TargetRules>>,
        condition: Option<String>,
    ) -> Result<()> {
        let Some(condition) = condition else { return Ok(()) };
        let Source::Table { def, .. } = &target.source else { return Ok(()) };
        let (row, new_row) = match rules {
            Some(rules) => (rules.row, rules.new_row),
            None => (self.fresh(), self.fresh()),
        };
        let bound = analyzed(&condition, def, row, self.cx)?;
        let rules = rules.get_or_insert_with(|| {
            let (masks, checks) = (Vec::new(), Vec::new());
            Box::new(TargetRules { row, filter: None, masks, new_row, checks, conflict: None, deleted: Vec::new() })
        });
        rules.filter = Some(match rules.filter.take() {
            None => bound,
            Some(filter) => Expr { ty: filter.ty, pos: 0, kind: ExprKind::And(vec![bound, filter]) },
        });
        Ok(())
    }
}

fn stored_form(def: &Arc<registry::Relation>, cx: &Context) -> Result<Arc<registry::Relation>> {
    let made = cx.snapshot.stored_form(def);
    made.ok_or_else(|| Error::internal(format!("partition \"{}\" does not fit its table", def.name)))
}

/// The numbers of a stored form; its columns are in the same order.
fn renumber(columns: &mut [RelColumn], def: &registry::Relation) {
    for (column, stored) in columns.iter_mut().zip(&def.columns) {
        column.attnum = stored.num;
    }
}

fn columns_of(def: &registry::Relation) -> Vec<RelColumn> {
    def.columns.iter().map(|c| RelColumn { name: Arc::clone(&c.name), ty: c.ty, attnum: c.num }).collect()
}

/// A condition over the columns of `def` as those of relation `row`.
fn analyzed(condition: &str, def: &registry::Relation, row: RelId, cx: &Context) -> Result<Expr> {
    let e = analyze::expression(condition, Stored::Check, (&def.name, row), &columns_of(def), cx)?;
    let permit = policy::check_expression(e, &compile::authority(cx))?;
    Ok(permit.get().clone())
}

impl Lowerer<'_> {
    /// A partition, or ONLY a partitioned table, in FROM.
    pub(crate) fn partition(
        &mut self,
        relation: &Relation,
        def: &Arc<registry::Relation>,
        (only, sample): (bool, Option<ir::Sample>),
        alias: Alias,
    ) -> Result<From> {
        let stored = if def.is_partition() { stored_form(def, self.cx)? } else { Arc::clone(def) };
        self.depends.tables.insert(stored.oid);
        let condition = match only && def.is_partitioned() {
            true => Some("false".to_owned()),
            false => self.cx.snapshot.condition_below(def, None),
        };
        let inner = self.make();
        let mut source = relation.clone();
        renumber(&mut source.columns, &stored);
        let (mut targets, mut means) = (Vec::new(), Vec::new());
        for (what, phys) in self.table_columns(&source, &stored)? {
            let Means::Column(name) = &what else {
                means.push((what, phys));
                continue;
            };
            means.push((Means::Column(ir::output_name(targets.len())), phys.clone()));
            targets.push(Scalar::column(inner, name.clone(), phys));
        }
        if targets.is_empty() {
            targets.push(Scalar::bool(true));
        }
        let own = columns_of(&stored);
        let values = stored.columns.iter().map(|c| {
            let phys = self.phys(c.ty).ok()?;
            Some(Scalar::column(inner, stored.physical_column(c), phys))
        });
        let values: Vec<Option<Scalar>> = values.collect();
        let filter = condition.map(|text| self.check_expression(&text, &stored.name, &own, values)).transpose()?;
        self.held |= filter.is_some();
        let columns = targets.iter().map(|t| t.phys.clone()).collect();
        let from = vec![From::Table { name: table_name(&stored), alias: inner, sample }];
        let query = plain_query(Select { targets, from, filter, ..Select::default() }, columns);
        self.rels.insert(relation.id, crate::sql::lower::Rel { alias, columns: means });
        Ok(From::Query { query: Box::new(query), alias, lateral: false })
    }

    /// `tableoid` of a partitioned table's row: that of the partition which has it. `values` are its columns.
    pub(crate) fn routed_oid(
        &mut self,
        def: &Arc<registry::Relation>,
        values: Vec<Option<Scalar>>,
        phys: &Phys,
    ) -> Result<Scalar> {
        let (snapshot, top) = (self.cx.snapshot.clone(), def.named_oid());
        let own = columns_of(def);
        let mut whens = Vec::new();
        for leaf in snapshot.partition_descendants(top).into_iter().filter(|r| !r.is_partitioned()) {
            let value = oid_value(leaf.oid, phys);
            let Some(condition) = snapshot.condition_below(leaf, Some(top)) else {
                return Ok(value);
            };
            whens.push((self.check_expression(&condition, &def.name, &own, values.clone())?, value));
        }
        if whens.is_empty() {
            return Ok(Scalar::null(phys.clone()));
        }
        Ok(Scalar::new(Node::Case { whens, otherwise: None }, phys.clone()))
    }

    /// The partition that has a row with these values; NULL for none.
    pub(crate) fn leaf_of(
        &mut self,
        def: &Arc<registry::Relation>,
        target: &Relation,
        values: Vec<Option<Scalar>>,
    ) -> Result<Scalar> {
        let snapshot = self.cx.snapshot.clone();
        let named = snapshot.relation_by_oid(def.named_oid());
        let below = snapshot.partition_descendants(def.named_oid());
        let mut whens = Vec::new();
        for leaf in named.into_iter().chain(below).filter(|r| !r.is_partitioned()) {
            let Some(condition) = snapshot.condition_below(leaf, None) else { continue };
            let holds = self.check_expression(&condition, &def.name, &target.columns, values.clone())?;
            whens.push((holds, oid_value(leaf.oid, &Phys::Oid)));
        }
        let none = Scalar::null(Phys::Oid);
        Ok(if whens.is_empty() {
            none
        } else {
            Scalar::new(Node::Case { whens, otherwise: Some(Box::new(none)) }, Phys::Oid)
        })
    }

    /// satisfies_hash_partition: the hashes of the key's columns, taken together, have this remainder.
    pub(crate) fn hash_partition(
        &mut self,
        parent: &Expr,
        (modulus, remainder): (&Expr, &Expr),
        keys: &[Expr],
    ) -> Result<Scalar> {
        // As conditions of partitions say it. Of other calls PostgreSQL says at each row what is wrong with them.
        let (ExprKind::Const(Value::Oid(of)), ExprKind::Const(Value::Int4(m)), ExprKind::Const(Value::Int4(r))) =
            (&parent.kind, &modulus.kind, &remainder.kind)
        else {
            return Err(unlike_a_condition());
        };
        let key = self.cx.snapshot.relation_by_oid(*of).and_then(|table| table.partitioning.key.clone());
        let fits = key.is_some_and(|key| key.strategy == Strategy::Hash && key.parts.len() == keys.len());
        if !fits || *r < 0 || r >= m {
            return Err(unlike_a_condition());
        }
        let mut hash = Scalar::number(0i64, Phys::Void).cast(Phys::Int8);
        for key in keys {
            let value = self.expr(key)?;
            let native = match &value.phys {
                Phys::Bool => "dg_hash_bool",
                Phys::Int2 => "dg_hash_int2",
                Phys::Int4 => "dg_hash_int4",
                Phys::Int8 => "dg_hash_int8",
                Phys::Oid => "dg_hash_oid",
                Phys::Text => "dg_hash_text",
                Phys::Date => "dg_hash_date",
                Phys::Timestamp => "dg_hash_timestamp",
                Phys::TimestampTz => "dg_hash_timestamptz",
                Phys::Uuid => "dg_hash_uuid",
                Phys::Float4
                | Phys::Float8
                | Phys::Decimal { .. }
                | Phys::Numeric
                | Phys::Char(_)
                | Phys::Padded
                | Phys::Jsonb
                | Phys::Citext
                | Phys::Bytea
                | Phys::Coded(_)
                | Phys::Time
                | Phys::TimeTz
                | Phys::Interval
                | Phys::Enum(_)
                | Phys::List(_)
                | Phys::Shaped(_)
                | Phys::Row(_)
                | Phys::Void => return Err(Error::unsupported("the hash of a partition key of this type")),
            };
            let own = Scalar::call(native, vec![value], Phys::Int8);
            hash = Scalar::call("dg_hash_combine", vec![hash, own], Phys::Int8);
        }
        let args = vec![hash, self.expr(modulus)?, self.expr(remainder)?];
        Ok(Scalar::call("dg_hash_satisfies", args, Phys::Bool))
    }

    /// The guards that a row of a partitioned table has a partition to go to (ExecFindPartition), per table on the way. With
    /// `touched`, none if no column of a partition key is among these.
    pub(crate) fn routing_guards(
        &mut self,
        def: &Arc<registry::Relation>,
        target: &Relation,
        value_of: &dyn Fn(u16) -> Option<Scalar>,
        touched: Option<&[u16]>,
    ) -> Result<Vec<Guard>> {
        if !def.is_partitioned() || !self.touches_key(def, target, touched) {
            return Ok(Vec::new());
        }
        let (snapshot, top) = (self.cx.snapshot.clone(), def.named_oid());
        let values: Vec<Option<Scalar>> = (0..target.columns.len()).map(|i| value_of(i as u16)).collect();
        let mut guards = Vec::new();
        // The bound of what is named comes first.
        guards.extend(self.bound_guard(def, target, &values)?);
        let below = snapshot.partition_descendants(top);
        let named = snapshot.relation_by_oid(top).cloned();
        for table in named.iter().chain(below).filter(|r| r.is_partitioned()) {
            let Some(routed) = snapshot.routed_condition(table.oid) else { continue };
            let text = match snapshot.condition_below(table, Some(top)) {
                Some(inside) => format!("NOT ({inside}) OR {routed}"),
                None => routed,
            };
            let holds = self.check_expression(&text, &def.name, &target.columns, values.clone())?;
            let message = format!("no partition of relation \"{}\" found for row", table.name);
            let error = Error::new(SqlState::CHECK_VIOLATION, message).table(&*table.namespace, &*table.name);
            let error = self.without_partition(error, table, target, &values)?;
            let failed = Scalar::template("({0} IS NOT TRUE)", vec![holds], Phys::Bool);
            // The test itself raises: its detail is of its own.
            let whens = vec![(failed, error)];
            let test = Scalar::new(Node::Case { whens, otherwise: Some(Box::new(Scalar::bool(false))) }, Phys::Bool);
            guards.push((test, Error::internal("a row without a partition")));
        }
        Ok(guards)
    }

    /// Raises the error, with the key's values for who may read them (ExecBuildSlotPartitionKeyDescription).
    fn without_partition(
        &mut self,
        error: Error,
        table: &Arc<registry::Relation>,
        target: &Relation,
        values: &[Option<Scalar>],
    ) -> Result<Scalar> {
        let (snapshot, role) = (self.cx.snapshot.clone(), self.cx.reader());
        let Some(key) = table.partitioning.key.clone() else {
            return Ok(crate::sql::lower::value::raise::raise(&error, &Phys::Bool));
        };
        let select = Privileges::SELECT;
        let readable = snapshot.relation_privileges(role, table).contains(select)
            || key.parts.iter().all(|part| {
                let column = table.column_by_num(part.column);
                column.is_some_and(|c| snapshot.column_privileges(role, table, c).contains(select))
            });
        if !readable || !snapshot.shows_values(role, table) {
            return Ok(crate::sql::lower::value::raise::raise(&error, &Phys::Bool));
        }
        let mut names = Vec::new();
        let mut shown = vec![Scalar::literal(", ", Phys::Text)];
        for part in &key.parts {
            let text = part_text(table, part);
            let value = self.check_expression(&text, &table.name, &target.columns, values.to_vec())?;
            let value = self.output(value, PgType::new(part.ty.oid))?;
            shown.push(Scalar::template("coalesce({0}, 'null')", vec![value], Phys::Text));
            names.push(match &part.expression {
                Some(expression) => expression.clone(),
                None => text,
            });
        }
        let detail = format!(
            "Partition key of the failing row contains ({}) = ({}).",
            names.join(", "),
            crate::sql::lower::value::raise::VALUE
        );
        let values = Scalar::call("concat_ws", shown, Phys::Text);
        Ok(crate::sql::lower::value::raise::raise_with(&error.detail(detail), values, &Phys::Bool))
    }

    fn bound_guard(
        &mut self,
        def: &registry::Relation,
        target: &Relation,
        values: &[Option<Scalar>],
    ) -> Result<Option<Guard>> {
        let Some(condition) = self.cx.snapshot.condition_below(def, None) else { return Ok(None) };
        let holds = self.check_expression(&condition, &def.name, &target.columns, values.to_vec())?;
        let message = format!("new row for relation \"{}\" violates partition constraint", def.name);
        let error = Error::new(SqlState::CHECK_VIOLATION, message).table(&*def.namespace, &*def.name);
        Ok(Some((Scalar::template("({0} IS NOT TRUE)", vec![holds], Phys::Bool), error)))
    }

    /// What only some partitions ask of a row, and what the partition that is named asks: NOT NULLs and CHECKs of partitions
    /// below `def`, then its own bound if it has no partitions (with some it was asked before the row went to one).
    pub(crate) fn partition_guards(
        &mut self,
        def: &Arc<registry::Relation>,
        target: &Relation,
        value_of: &dyn Fn(u16) -> Option<Scalar>,
        touched: Option<&[u16]>,
    ) -> Result<Vec<Guard>> {
        let values: Vec<Option<Scalar>> = (0..target.columns.len()).map(|i| value_of(i as u16)).collect();
        // DuckDB holds the root's NOT NULLs; an INSERT asks for all of them itself.
        let mut guards = match touched {
            Some(touched) if def.is_partition() => {
                Self::not_null_guards(def, target, value_of, &|index| !touched.contains(&index))
            }
            _ => Vec::new(),
        };
        if !def.is_partitioned() {
            if def.is_partition() && self.touches_key(def, target, touched) {
                guards.extend(self.bound_guard(def, target, &values)?);
            }
            return Ok(guards);
        }
        let (snapshot, top) = (self.cx.snapshot.clone(), def.named_oid());
        let moves = self.touches_key(def, target, touched);
        let touched: Option<Vec<&str>> = touched.map(|touched| {
            touched.iter().filter_map(|i| target.columns.get(usize::from(*i))).map(|c| &*c.name).collect()
        });
        for part in snapshot.partition_descendants(top) {
            for (text, names, error) in own_conditions(part, def) {
                if !moves && touched.as_ref().is_some_and(|t| !names.iter().any(|n| t.contains(&&**n))) {
                    continue;
                }
                let text = match snapshot.condition_below(part, Some(top)) {
                    Some(inside) => format!("NOT ({inside}) OR ({text})"),
                    None => text,
                };
                let holds = self.check_expression(&text, &part.name, &target.columns, values.clone())?;
                guards.push((Scalar::template("(NOT {0})", vec![holds], Phys::Bool), error));
            }
        }
        Ok(guards)
    }

    /// Whether a statement that sets these columns may move a row.
    pub(crate) fn touches_key(&self, def: &registry::Relation, target: &Relation, touched: Option<&[u16]>) -> bool {
        let Some(touched) = touched else { return true };
        let named = self.cx.snapshot.relation_by_oid(def.named_oid());
        let Some(names) = named.and_then(|named| self.cx.snapshot.partition_key_columns(named)) else { return true };
        touched.iter().filter_map(|i| target.columns.get(usize::from(*i))).any(|c| names.contains(&c.name))
    }
}

/// The CHECKs and NOT NULLs that a partition has and the table above does not: condition, columns, error.
fn own_conditions(part: &registry::Relation, above: &registry::Relation) -> Vec<(String, Vec<registry::Name>, Error)> {
    let mut found = Vec::new();
    for column in part.columns.iter().filter(|c| c.not_null) {
        if above.column(&column.name).is_some_and(|c| c.not_null) {
            continue;
        }
        let message = format!(
            "null value in column \"{}\" of relation \"{}\" violates not-null constraint",
            column.name, part.name
        );
        let error = Error::new(SqlState::NOT_NULL_VIOLATION, message)
            .table(&*part.namespace, &*part.name)
            .column(&*column.name);
        found.push((format!("{} IS NOT NULL", expression::quote(&column.name)), vec![column.name.clone()], error));
    }
    for constraint in part.constraints.iter().filter(|c| c.parent.is_none()) {
        let ConstraintKind::Check { expression, columns } = &constraint.kind else { continue };
        let message =
            format!("new row for relation \"{}\" violates check constraint \"{}\"", part.name, constraint.name);
        let error = Error::new(SqlState::CHECK_VIOLATION, message)
            .table(&*part.namespace, &*part.name)
            .constraint(&*constraint.name);
        let names = columns.iter().filter_map(|n| part.column_by_num(*n)).map(|c| c.name.clone()).collect();
        // NULL meets a CHECK.
        found.push((format!("({expression}) IS NOT FALSE"), names, error));
    }
    found
}

fn oid_value(oid: Oid, phys: &Phys) -> Scalar {
    Scalar::number(oid, Phys::Void).cast(phys.clone())
}

fn unlike_a_condition() -> Error {
    Error::unsupported("satisfies_hash_partition() other than in the condition of a partition")
        .hint("Select tableoid, or from the partition.")
}
