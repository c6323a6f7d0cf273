//! Whole rows on the nullable side of an outer join: NULL where there was no row, which takes a column that says so.
//!
//! `SELECT count(t) FROM a LEFT JOIN b AS t ON …` → `CASE WHEN t2.rowid IS NULL THEN NULL ELSE struct_pack(…) END`

use crate::error::{Error, Result};
use crate::sql::lower::ir::{self, Alias, From, Scalar, Select};
use crate::sql::lower::value::array::{derived, plain_query};
use crate::sql::lower::{Lowerer, Means};
use crate::tree::{FromItem, JoinKind, RelId, Source};
use crate::types::Phys;

/// What tells that a relation had a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// DuckDB's row number of a table.
    RowId,
    /// A column behind its own, added once it is asked for.
    Column,
}

impl Lowerer<'_> {
    /// Notes the relations that a join may extend with NULLs.
    pub(crate) fn note_nullable(&mut self, kind: JoinKind, left: &FromItem, right: &FromItem) {
        if matches!(kind, JoinKind::Left | JoinKind::Full) {
            self.nullable_side(right);
        }
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            self.nullable_side(left);
        }
    }

    fn nullable_side(&mut self, item: &FromItem) {
        match item {
            FromItem::Join(join) => {
                self.nullable_side(&join.left);
                self.nullable_side(&join.right);
            }
            FromItem::Relation(relation) => {
                let presence = match &relation.source {
                    Source::Table { def, only: false, .. }
                        if !def.is_partition() && def.columns.iter().all(|c| !c.name.eq_ignore_ascii_case("rowid")) =>
                    {
                        Presence::RowId
                    }
                    _ => Presence::Column,
                };
                self.nullable.insert(relation.id, presence);
            }
        }
    }

    /// `row`, or NULL where an outer join found none.
    pub(crate) fn present_or_null(&mut self, rel: RelId, row: Scalar) -> Result<Scalar> {
        let Some(presence) = self.nullable.get(&rel).copied() else { return Ok(row) };
        let known = self.rels.get(&rel).ok_or_else(|| Error::internal(format!("lower: unknown relation {rel:?}")))?;
        let there = match presence {
            Presence::RowId => Scalar::column(known.alias, "rowid", Phys::Int8),
            Presence::Column => {
                self.wanted.push(known.alias);
                Scalar::column(known.alias, ir::output_name(known.columns.len()), Phys::Bool)
            }
        };
        let phys = row.phys.clone();
        Ok(Scalar::when(there.is_null(), Scalar::null(phys), row))
    }

    /// Adds the columns that were asked for to the relations of a FROM list.
    pub(crate) fn add_presence(&mut self, from: &mut [From]) {
        if self.wanted.is_empty() {
            return;
        }
        for item in from {
            match item {
                From::Join { left, right, .. } => {
                    self.add_presence(std::slice::from_mut(left));
                    self.add_presence(std::slice::from_mut(right));
                }
                From::Query { query, alias, .. } if self.wanted.contains(alias) => {
                    let columns = query.columns.clone();
                    let inner = self.make();
                    let own = std::mem::replace(&mut **query, plain_query(Select::default(), Vec::new()));
                    **query = self.marked(derived(own, inner), inner, columns);
                    let done = *alias;
                    self.wanted.retain(|w| *w != done);
                }
                From::Table { alias, .. } | From::Function { alias, .. } if self.wanted.contains(alias) => {
                    let done = *alias;
                    let rel = self.rels.values().find(|r| r.alias == done);
                    let columns: Vec<Phys> = rel.iter().flat_map(|r| r.columns.iter().map(|c| c.1.clone())).collect();
                    let names: Vec<_> = rel.iter().flat_map(|r| r.columns.iter().map(|c| c.0.clone())).collect();
                    // Only relations whose columns go by c0, c1 … can be put into a query under the same names.
                    let numbered = |(i, n): (usize, &Means)| matches!(n, Means::Column(n) if *n == ir::output_name(i));
                    if !names.iter().enumerate().all(numbered) {
                        continue;
                    }
                    let inner = self.make();
                    let mut table = item.clone();
                    if let From::Table { alias, .. } | From::Function { alias, .. } = &mut table {
                        *alias = inner;
                    }
                    let query = self.marked(table, inner, columns);
                    *item = From::Query { query: Box::new(query), alias: done, lateral: false };
                    self.wanted.retain(|w| *w != done);
                }
                From::With { from, .. } => self.add_presence(std::slice::from_mut(from)),
                From::Query { .. } | From::Table { .. } | From::Function { .. } => {}
            }
        }
    }

    fn marked(&mut self, from: From, alias: Alias, mut columns: Vec<Phys>) -> ir::Query {
        let mut targets: Vec<Scalar> = columns
            .iter()
            .enumerate()
            .map(|(i, phys)| Scalar::column(alias, ir::output_name(i), phys.clone()))
            .collect();
        targets.push(Scalar::bool(true));
        columns.push(Phys::Bool);
        plain_query(Select { targets, from: vec![from], ..Select::default() }, columns)
    }
}
