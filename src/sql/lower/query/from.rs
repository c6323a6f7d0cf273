//! FROM: tables, views, subqueries, CTEs, joins. Each relation goes by `t<id>` and is entered in the scope.
//!
//! `FROM orders o JOIN customer c ON …` → `FROM ("public"."orders" AS t1 INNER JOIN "public"."customer" AS t2 ON …)`

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::registry;
use crate::sql::lower::ir::walk::{columns_mut, has, is_query};
use crate::sql::lower::ir::{self, Alias, From, Piece, Scalar, TableName, Template};
use crate::sql::lower::value::array::{derived, plain_query};
use crate::sql::lower::{Lowerer, Means, Rel};
use crate::tree::{FileScan, FromItem, Join, JoinKind, RelColumn, Relation, Sample, Source};
use crate::types::Phys;

/// A table's name inside DuckDB.
pub(crate) fn table_name(def: &registry::Relation) -> TableName {
    TableName::Relation(def.oid)
}

/// A column's name inside DuckDB, by its place among the target's.
pub(crate) fn column_name(def: &registry::Relation, column: &RelColumn) -> Result<std::sync::Arc<str>> {
    let found = def.column_by_num(column.attnum).map(|c| def.kept_column_name(c));
    found.ok_or_else(|| Error::internal(format!("lower: no column {} in {}", column.attnum, def.name)))
}

/// A materialized view can be read once it has been filled.
fn populated(def: &registry::Relation) -> Result<()> {
    let registry::RelationKind::MaterializedView { populated: false, .. } = def.kind else { return Ok(()) };
    let message = format!("materialized view \"{}\" has not been populated", def.name);
    Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
        .hint("Use the REFRESH MATERIALIZED VIEW command."))
}

impl Lowerer<'_> {
    pub(crate) fn from_items(&mut self, items: &[FromItem]) -> Result<Vec<From>> {
        items.iter().map(|item| self.from_item(item)).collect()
    }

    pub(crate) fn from_item(&mut self, item: &FromItem) -> Result<From> {
        match item {
            FromItem::Relation(relation) => self.relation(relation),
            FromItem::Join(join) => self.join(join),
        }
    }

    fn join(&mut self, join: &Join) -> Result<From> {
        let left = self.from_item(&join.left)?;
        let right = self.from_item(&join.right)?;
        self.note_nullable(join.kind, &join.left, &join.right);
        let mut sides = [
            crate::sql::lower::steer::one_sided::relations(&join.left),
            crate::sql::lower::steer::one_sided::relations(&join.right),
        ];
        let mut drawn = self.drawn_out(join, &mut sides)?;
        let on = drawn.on.take();
        let on = on.as_ref().or(join.on.as_ref());
        let [left, right] = drawn.joined(left, right).map(Box::new);
        let on = match (on.map(|on| crate::sql::lower::steer::one_sided::joined_by(join, on, &sides)), join.kind) {
            (None, _) => None,
            (Some(on), JoinKind::Left | JoinKind::Right | JoinKind::Full) => Some(self.outer_condition(&sides, &on)?),
            (Some(on), JoinKind::Cross | JoinKind::Inner) => Some(self.expr(&on)?),
        };
        let kind = match join.kind {
            JoinKind::Cross => "CROSS JOIN",
            JoinKind::Inner => "INNER JOIN",
            JoinKind::Left => "LEFT JOIN",
            JoinKind::Right => "RIGHT JOIN",
            JoinKind::Full => "FULL JOIN",
        };
        if join.kind == JoinKind::Cross {
            // A cross join with a condition is an inner join (QUALified by policy, say).
            let kind = if on.is_some() { "INNER JOIN" } else { kind };
            return Ok(From::Join { kind, left, right, on });
        }
        let mut on = on.unwrap_or_else(|| Scalar::bool(true));
        let mut right = right;
        if let From::Query { query, alias, lateral: true } = &mut *right
            && join.lateral
            && kind == "LEFT JOIN"
            && has(&on, &is_query)
        {
            let inner = self.make();
            self.ask_inside(query, (*alias, inner), std::mem::replace(&mut on, Scalar::bool(true)));
        }
        Ok(From::Join { kind, left, right, on: Some(on) })
    }

    /// DuckDB takes no queries in the condition of a join with what is lateral: the condition goes into that.
    /// `a LEFT JOIN LATERAL (q) AS b ON a.x IN (SELECT …)` → `a LEFT JOIN LATERAL (SELECT … FROM (q) AS b1 WHERE a.x IN (SELECT …)) AS b ON TRUE`
    fn ask_inside(&mut self, query: &mut ir::Query, (alias, inner): (Alias, Alias), mut on: Scalar) {
        columns_mut(&mut on, &mut |of, _, _| {
            if *of == alias {
                *of = inner;
            }
        });
        let columns = query.columns.clone();
        let output = |(i, phys): (usize, &Phys)| Scalar::column(inner, ir::output_name(i), phys.clone());
        let targets = columns.iter().enumerate().map(output).collect();
        let asked = std::mem::replace(query, plain_query(ir::Select::default(), Vec::new()));
        let select =
            ir::Select { targets, from: vec![derived(asked, inner)], filter: Some(on), ..ir::Select::default() };
        *query = plain_query(select, columns);
    }

    fn relation(&mut self, relation: &Relation) -> Result<From> {
        let alias = Alias::Rel(relation.id.0);
        self.shapes.insert(relation.id, self.shape_of(relation));
        let from = match &relation.source {
            Source::Table { def, only, sample } => {
                populated(def)?;
                self.depends.elusive |= sample.is_some();
                let sample = sample.as_ref().map(constant_sample).transpose()?;
                if def.is_partition() || *only && def.is_partitioned() {
                    return self.partition(relation, def, (*only, sample), alias);
                }
                self.depends.tables.insert(def.oid);
                self.enter_table(relation, def, alias)?;
                From::Table { name: table_name(def), alias, sample }
            }
            Source::System { def, sample } => {
                self.depends.elusive = true;
                let sample = sample.as_ref().map(constant_sample).transpose()?;
                self.system_table(relation, def, alias, sample)?
            }
            Source::Sequence { def } => {
                // What is drawn of it is kept with the statement, as what nextval() gives is: it may be done again.
                self.enter_named(relation, def, alias);
                let sequence = Scalar::number(def.oid, Phys::Void).cast(Phys::Oid);
                let args = vec![self.session_id(), sequence];
                From::Function { text: "dg_sequence({*})".into(), args, alias, columns: vec![] }
            }
            Source::View { def: _, query, owner: _ } => self.subquery_relation(relation, query, alias)?,
            Source::Subquery(query) => self.subquery_relation(relation, query, alias)?,
            Source::Cte(id) => {
                let columns = self.ctes.get(id).cloned().ok_or_else(|| match self.finds {
                    true => Error::unsupported("FOR UPDATE in a subquery that reads a WITH query of the one around it"),
                    false => Error::internal(format!("lower: unknown WITH query {id:?}")),
                })?;
                self.enter(relation, alias, columns);
                let name = self.kept.get(id).map_or(TableName::Cte(id.0), |kept| TableName::Kept(*kept));
                From::Table { name, alias, sample: None }
            }
            Source::Function { calls, ordinality } => self.function_relation(relation, calls, *ordinality, alias)?,
            Source::Feed => self.feed(relation, alias)?,
            Source::File(scan) => self.file(relation, scan, alias)?,
        };
        Ok(from)
    }

    /// Enters a relation whose columns are named c0, c1 ….
    pub(crate) fn enter(&mut self, relation: &Relation, alias: Alias, columns: Vec<Phys>) {
        let columns =
            columns.into_iter().enumerate().map(|(i, phys)| (Means::Column(ir::output_name(i)), phys)).collect();
        self.rels.insert(relation.id, Rel { alias, columns });
    }

    /// Enters a table: its columns go by their own names; `tableoid` is a constant, other system columns are refused.
    pub(crate) fn enter_table(&mut self, relation: &Relation, def: &registry::Relation, alias: Alias) -> Result<()> {
        let columns = self.table_columns(relation, def)?;
        self.rels.insert(relation.id, Rel { alias, columns });
        Ok(())
    }

    pub(crate) fn table_columns(&self, relation: &Relation, def: &registry::Relation) -> Result<Vec<(Means, Phys)>> {
        relation
            .columns
            .iter()
            .map(|column| {
                let means = match (column.attnum, &*column.name) {
                    (n, _) if n > 0 => Means::Column(column_name(def, column)?),
                    (_, "tableoid") if def.is_partitioned() => Means::Routed(Arc::new(def.clone())),
                    (_, "tableoid") => Means::Oid(def.named_oid()),
                    _ => Means::Nothing,
                };
                // A type that DuckDB cannot carry matters only if the column is used.
                let phys = if matches!(means, Means::Nothing) { Phys::Void } else { self.phys(column.ty)? };
                Ok((means, phys))
            })
            .collect()
    }

    /// Enters what a function of the gateway answers: its columns go by the names that the relation itself has.
    fn enter_named(&mut self, relation: &Relation, def: &registry::Relation, alias: Alias) {
        let columns = relation
            .columns
            .iter()
            .map(|column| {
                let own = def.columns.iter().find(|c| c.num == column.attnum).map_or(&column.name, |c| &c.name);
                let means = match (column.attnum, &*column.name) {
                    (n, "tableoid") if n <= 0 => Means::Oid(def.oid),
                    _ => Means::Column(own.clone()),
                };
                // Types that only system tables have are carried as text.
                (means, self.phys(column.ty).unwrap_or(Phys::Text))
            })
            .collect();
        self.rels.insert(relation.id, Rel { alias, columns });
    }

    fn system_table(
        &mut self,
        relation: &Relation,
        def: &registry::Relation,
        alias: Alias,
        sample: Option<ir::Sample>,
    ) -> Result<From> {
        self.enter_named(relation, def, alias);
        let name = match &*def.namespace {
            "pg_catalog" => def.name.to_string(),
            namespace => format!("{namespace}.{}", def.name),
        };
        let args = vec![self.session_id(), Scalar::literal(name, Phys::Text)];
        let text = sample.map_or_else(|| "dg_system({*})".into(), |sample| sampled("dg_system({*})", &sample));
        Ok(From::Function { text, args, alias, columns: vec![] })
    }

    fn subquery_relation(&mut self, relation: &Relation, query: &crate::tree::Query, alias: Alias) -> Result<From> {
        let tells = self.table_row_below(relation, query)?;
        let after_filter = crate::sql::lower::steer::left_to_right::after_filter(query);
        let query = after_filter.as_ref().unwrap_or(query);
        let mut query = self.in_from(|this| this.query(query))?;
        self.enter(relation, alias, query.columns.clone());
        if let Some(below) = tells {
            self.tell_row(relation, below, &mut query)?;
        }
        Ok(From::Query { query: Box::new(query), alias, lateral: relation.lateral })
    }

    /// COPY FROM: the feed's number is a parameter.
    pub(crate) fn feed(&mut self, relation: &Relation, alias: Alias) -> Result<From> {
        let columns = relation.columns.iter().map(|c| self.phys(c.ty)).collect::<Result<Vec<_>>>()?;
        let names = (0..columns.len()).map(ir::output_name).collect();
        self.enter(relation, alias, columns);
        let number = self.param(crate::sql::ParamSource::Feed, Phys::Int8);
        Ok(From::Function { text: "duckgate_feed({0})".into(), args: vec![number], alias, columns: names })
    }

    /// `read_csv('/dir/x.csv')` → `dg_file(1)`, whose number the engine knows.
    fn file(&mut self, relation: &Relation, scan: &Arc<FileScan>, alias: Alias) -> Result<From> {
        self.depends.elusive = true;
        self.depends.files.push(Arc::clone(scan));
        let columns = relation.columns.iter().map(|c| self.phys(c.ty)).collect::<Result<Vec<_>>>()?;
        let names = (0..columns.len()).map(ir::output_name).collect();
        self.enter(relation, alias, columns);
        let number = Scalar::number(scan.number as i64, Phys::Int8);
        Ok(From::Function { text: "dg_file({0})".into(), args: vec![number], alias, columns: names })
    }
}

/// A sample of what a function gives, row by row: its rows stand in no blocks that SYSTEM could take.
fn sampled(function: &'static str, sample: &ir::Sample) -> Template {
    let percent = format!("{:.9}", sample.percent);
    let mut text = vec![Piece::Word("(SELECT * FROM "), Piece::Word(function), Piece::Word(" TABLESAMPLE bernoulli(")];
    text.extend(percent.chars().map(Piece::Char));
    text.push(Piece::Word(" PERCENT)"));
    if let Some(seed) = sample.seed {
        text.extend([Piece::Word(" REPEATABLE ("), Piece::Number(seed), Piece::Word(")")]);
    }
    text.push(Piece::Word(")"));
    Template::of(&text)
}

/// TABLESAMPLE of constants.
fn constant_sample(sample: &Sample) -> Result<ir::Sample> {
    let unknown = || Error::unsupported("TABLESAMPLE with an argument that is not a constant");
    let percent = crate::sql::lower::value::constant::const_float(&sample.percent).ok_or_else(unknown)?;
    if !(0.0..=100.0).contains(&percent) {
        return Err(Error::new(SqlState::INVALID_TABLESAMPLE_ARGUMENT, "sample percentage must be between 0 and 100"));
    }
    let seed = match &sample.seed {
        None => None,
        Some(seed) => Some(crate::sql::lower::value::constant::const_float(seed).ok_or_else(unknown)? as i64),
    };
    Ok(ir::Sample { bernoulli: sample.bernoulli, percent, seed })
}
