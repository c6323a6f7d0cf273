//! ADD [CONSTRAINT name] UNIQUE | PRIMARY KEY USING INDEX (transformIndexConstraint): an index becomes a key's.

use sqlparser::ast;

use super::super::Analyzer;
use super::table::new_constraint;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, Relation};
use crate::sql::parse;
use crate::tree::{NewConstraint, NewConstraintKind};

impl Analyzer<'_> {
    /// The index, and the constraint that it makes.
    pub(super) fn key_using_index(
        &self,
        relation: &Relation,
        given: &ast::ConstraintUsingIndex,
        primary: bool,
    ) -> Result<(Name, NewConstraint)> {
        let name = parse::fold(&given.index_name);
        let pos = self.constraint_position(given);
        if relation.is_partitioned() {
            let message = "ALTER TABLE / ADD CONSTRAINT USING INDEX is not supported on partitioned tables";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(pos));
        }
        let Some((table, index)) = self.ctx.snapshot.index(&relation.namespace, &name) else {
            let message = format!("index \"{name}\" does not exist");
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message).at(pos));
        };
        let state = |message: String| Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message).at(pos));
        if index.of_constraint {
            return state(format!("index \"{name}\" is already associated with a constraint"));
        }
        if table.oid != relation.oid {
            return state(format!("index \"{name}\" does not belong to table \"{}\"", relation.name));
        }
        let wrong = |message: String| {
            Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .detail("Cannot create a primary key or unique constraint using such an index.")
                .at(pos))
        };
        if !index.unique {
            return wrong(format!("\"{name}\" is not a unique index"));
        }
        if index.keys.iter().any(|key| key.expression.is_some()) {
            return wrong(format!("index \"{name}\" contains expressions"));
        }
        if index.predicate.is_some() {
            return wrong(format!("\"{name}\" is a partial index"));
        }
        if let Some(at) = index.keys.iter().position(|key| key.descending || key.nulls_first) {
            return wrong(format!("index \"{name}\" column number {} does not have default sorting behavior", at + 1));
        }
        let columns = index.keys.iter().filter_map(|key| relation.column_by_num(key.column));
        let columns: Vec<Name> = columns.map(|column| column.name.clone()).collect();
        let kind = match primary {
            true => NewConstraintKind::PrimaryKey { columns },
            false => NewConstraintKind::Unique { columns, nulls_not_distinct: index.nulls_not_distinct },
        };
        let mut constraint = new_constraint(given.name.as_ref(), kind, given.characteristics.as_ref())?;
        constraint.name.get_or_insert_with(|| name.clone());
        let included = index.included.iter().filter_map(|num| relation.column_by_num(*num));
        constraint.included = included.map(|column| column.name.clone()).collect();
        Ok((name, constraint))
    }
    /// Where the constraint begins: behind the ADD before the index's name.
    fn constraint_position(&self, given: &ast::ConstraintUsingIndex) -> u32 {
        let tokens = &self.parsed.tokens;
        let before = tokens.iter().take_while(|t| t.span.start < given.index_name.span.start).count();
        let add = (0..before).rev().find(|at| parse::is(tokens.get(*at), "add"));
        add.and_then(|at| tokens.get(at + 1)).map_or(0, |t| self.pos(t.span))
    }
}
