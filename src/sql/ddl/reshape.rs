//! ALTER TYPE under columns: their values are made anew, field by field, where a composite type has other attributes or an enum other
//! labels.
//!
//! `c` → `CASE WHEN c IS NOT NULL THEN struct_pack(f1 := struct_extract(c, 'f2'), f2 := NULL::VARCHAR) END`

use std::collections::HashMap;
use std::sync::Arc;

use super::planner::Planner;
use super::rebuild::Made;
use crate::error::{Error, Result};
use crate::registry::{Relation, Snapshot};
use crate::sql::analyze::kept::Relabelled;
use crate::types::{PgType, Phys, base_type, phys, table::element_type};

/// The snapshots in which a type is as it was and as it will be.
struct Altered<'a> {
    before: &'a Snapshot,
    after: &'a Snapshot,
    /// An enum's label that goes by another name.
    label: Option<&'a Relabelled<'a>>,
}

impl Planner<'_> {
    /// The composite type has other attributes in the snapshot now than `old` has: all tables with columns that have it inside are made
    /// anew, and views mean what they meant.
    ///
    /// # Errors
    /// 0A000 if an expression that such a table keeps, or a view over it, cannot be read any more.
    pub fn reshape_columns(&mut self, old: &Relation) -> Result<()> {
        let after = self.after.clone();
        let mut before = after.clone();
        before.apply_in_place(&crate::registry::Change::PutRelation(Arc::new(old.clone())));
        let mut relations: Vec<Arc<Relation>> =
            self.columns_holding(&[old.row_type, old.row_array_type]).into_iter().map(|(r, _)| r).collect();
        relations.dedup_by_key(|r| r.oid);
        for relation in &relations {
            self.texts_still_read(relation)?;
            self.columns_follow(&before, relation)?;
        }
        self.reshape(&relations, &before, None)
    }

    /// Makes those of the relations anew in DuckDB that carry values in another way than in `before`.
    ///
    /// # Errors
    /// 0A000 if a value cannot be carried over.
    pub fn reshape(
        &mut self,
        relations: &[Arc<Relation>],
        before: &Snapshot,
        label: Option<&Relabelled<'_>>,
    ) -> Result<()> {
        let after = self.after.clone();
        let altered = Altered { before, after: &after, label };
        // A partition's rows are in the table of its root, which has the same columns.
        for table in relations.iter().filter(|r| r.kind.is_stored() && !r.is_partition()) {
            let mut made: HashMap<i16, Made<'_>> = HashMap::new();
            for column in &table.columns {
                if altered.changes(column.ty) {
                    let ty = column.ty;
                    // What cannot be carried at all is refused here, so that the closure has nothing to refuse.
                    altered.value("x", ty)?;
                    let altered = &altered;
                    made.insert(column.num, Box::new(move |old| altered.value(old, ty).unwrap_or_default()));
                }
            }
            if !made.is_empty() {
                // Texts may have been written anew since.
                let table = self.after.relation_by_oid(table.oid).cloned().unwrap_or_else(|| Arc::clone(table));
                self.carry_over(&table, &made)?;
            }
        }
        Ok(())
    }
}

impl Altered<'_> {
    fn changes(&self, ty: PgType) -> bool {
        phys(ty, self.before) != phys(ty, self.after)
            || self.fields(ty).is_some_and(|(old, new)| {
                let numbers = |r: &Relation| r.columns.iter().map(|c| c.num).collect::<Vec<_>>();
                numbers(old) != numbers(new) || new.columns.iter().any(|c| self.changes(c.ty))
            })
            || element_type(base_type(ty, self.after).oid, self.after).is_some_and(|e| self.changes(PgType::new(e)))
    }

    /// The relation whose row type this is, before and after.
    fn fields(&self, ty: PgType) -> Option<(&Relation, &Relation)> {
        let ty = base_type(ty, self.after);
        let relation = *self.after.objects().row_types.get(&ty.oid)?;
        // An array of rows goes by the same key.
        let new = self.after.relation_by_oid(relation).filter(|r| r.row_type == ty.oid)?;
        let old = self.before.relation_by_oid(relation).unwrap_or(new);
        Some((old, new))
    }

    /// DuckDB's expression that makes of a value of the type as it was one of the type as it is.
    fn value(&self, old: &str, ty: PgType) -> Result<String> {
        if !self.changes(ty) {
            return Ok(old.to_owned());
        }
        let refused = || Error::unsupported("ALTER TYPE of a type that a column of this kind has inside");
        if let Some(Phys::Enum(labels)) = phys(ty, self.after) {
            // DuckDB casts between enums by label.
            let text = format!("CAST({old} AS VARCHAR)");
            let renamed = self.label.filter(|label| label.of == base_type(ty, self.after).oid);
            let text = match renamed {
                Some(Relabelled { from, to, .. }) => {
                    let (from, to) = (from.replace('\'', "''"), to.replace('\'', "''"));
                    format!("CASE {text} WHEN '{from}' THEN '{to}' ELSE {text} END")
                }
                None => text,
            };
            return Ok(format!("CAST({text} AS {})", Phys::Enum(labels).duckdb()));
        }
        if let Some((from, into)) = self.fields(ty) {
            let mut fields = Vec::with_capacity(into.columns.len());
            for (i, column) in into.columns.iter().enumerate() {
                let value = match from.columns.iter().position(|c| c.num == column.num) {
                    Some(at) => self.value(&format!("struct_extract({old}, 'f{}')", at + 1), column.ty)?,
                    None => format!("NULL::{}", phys(column.ty, self.after).ok_or_else(refused)?.duckdb()),
                };
                fields.push(format!("f{} := {value}", i + 1));
            }
            if fields.is_empty() {
                // As `Phys::duckdb` has it.
                fields.push("f1 := NULL::BOOLEAN".to_owned());
            }
            return Ok(format!("CASE WHEN {old} IS NOT NULL THEN struct_pack({}) END", fields.join(", ")));
        }
        let base = base_type(ty, self.after);
        let element = element_type(base.oid, self.after).ok_or_else(refused)?;
        let element = PgType::with(element, base.typmod);
        // A name of its own for each level: an inner list must not hide the outer one's element.
        let name = format!("x{}", old.len());
        let items = |list: &str| {
            Ok::<_, Error>(format!("list_transform({list}, lambda {name}: {})", self.value(&name, element)?))
        };
        match phys(ty, self.before) {
            Some(Phys::List(_)) => items(old),
            Some(Phys::Shaped(_)) => {
                let list = items(&format!("struct_extract({old}, 'f1')"))?;
                let shape = format!("struct_extract({old}, 'f2')");
                Ok(format!("CASE WHEN {old} IS NOT NULL THEN struct_pack(f1 := {list}, f2 := {shape}) END"))
            }
            _ => Err(refused()),
        }
    }
}
