//! `LIKE source [INCLUDING …]` among the elements of CREATE TABLE (transformTableLikeClause): what a table takes over.

use super::super::Analyzer;
use super::super::kept::Names;
use super::super::stored::{self, Stored};
use crate::error::{Error, Result, SqlState};
use crate::registry::draft::{Excluding, NewExclusion};
use crate::registry::{Constraint, ConstraintKind, Index, IndexKey, Name, Relation, RelationKind};
use crate::sql::parse::{Included, LikeClause};
use crate::tree::{LikeTable, NewColumn, NewConstraint, NewConstraintKind};
use crate::types::Oid;

impl Analyzer<'_> {
    /// The source's columns and constraints, as far as they are included.
    pub(super) fn like_clause(
        &self,
        clause: &LikeClause,
        columns: &mut Vec<NewColumn>,
        constraints: &mut Vec<NewConstraint>,
    ) -> Result<LikeTable> {
        let LikeClause { name, included, before: _ } = clause;
        let Some(source) = self.find_relation(name.namespace.as_deref(), &name.name)? else {
            return Err(self.no_relation(name.namespace.as_deref(), &name.name, name.pos));
        };
        if matches!(source.kind, RelationKind::Sequence(_)) {
            let message = format!("relation \"{}\" is invalid in LIKE clause", source.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .detail("This operation is not supported for sequences.")
                .at(name.pos));
        }
        let has_comments = source.columns.iter().any(|c| c.comment.is_some())
            || source.constraints.iter().any(|c| c.comment.is_some())
            || source.indexes.iter().any(|i| i.comment.is_some())
            || included.has(Included::STATISTICS) && source.details.statistics.iter().any(|s| s.comment.is_some());
        if included.has(Included::COMMENTS) && has_comments {
            return Err(Error::unsupported("LIKE … INCLUDING COMMENTS of a table with comments")
                .hint("Leave it out and comment on the new table."));
        }
        let before = columns.len();
        for column in &source.columns {
            columns.push(self.like_column(&source, column, *included)?);
        }
        self.like_constraints(&source, *included, constraints)?;
        let indexes = source.indexes.iter().filter(|index| included.has(Included::INDEXES) && !index.of_constraint);
        let indexes = indexes.map(|index| self.like_index(&source, index, before)).collect::<Result<_>>()?;
        let statistics = source.details.statistics.iter().filter(|_| included.has(Included::STATISTICS));
        let statistics = statistics.map(|s| Ok((s.kinds, numbers_after(&source, &s.columns, before)?)));
        let statistics = statistics.collect::<Result<_>>()?;
        Ok(LikeTable { source, indexes, statistics })
    }

    /// Kept text as it means the same here, along the session's search path.
    fn like_text(&self, source: &Relation, text: &str, kind: Stored) -> Result<String> {
        let scope = super::super::from::table_columns(source);
        let places = stored::places(text, kind, (&source.name, &scope), None, self.ctx)?;
        Names::in_full(&self.ctx.snapshot).write(text, &places, &self.ctx.snapshot)
    }

    fn like_column(
        &self,
        source: &Relation,
        column: &crate::registry::Column,
        included: Included,
    ) -> Result<NewColumn> {
        let definition =
            column.identity.and_then(|identity| match &self.ctx.snapshot.relation_by_oid(identity.sequence)?.kind {
                RelationKind::Sequence(sequence) => Some(sequence.clone()),
                RelationKind::Table
                | RelationKind::View { .. }
                | RelationKind::MaterializedView { .. }
                | RelationKind::Composite
                | RelationKind::System => None,
            });
        let identity = column.identity.filter(|_| included.has(Included::IDENTITY));
        let text = |text: &Option<String>, what, kind| {
            let text = text.as_ref().filter(|_| included.has(what));
            text.map(|text| self.like_text(source, text, kind)).transpose()
        };
        Ok(NewColumn {
            name: column.name.clone(),
            ty: column.ty,
            collation: column.collation,
            not_null: column.not_null,
            default: text(&column.default, Included::DEFAULTS, Stored::Default)?,
            generated: text(&column.generated, Included::GENERATED, Stored::Generated)?,
            sequence: identity.map(|i| Some(i.always)),
            sequence_options: identity.and(definition),
        })
    }

    fn like_constraints(
        &self,
        source: &Relation,
        included: Included,
        constraints: &mut Vec<NewConstraint>,
    ) -> Result<()> {
        let names = |numbers: &[i16]| -> Vec<Name> {
            numbers.iter().filter_map(|n| source.column_by_num(*n)).map(|c| c.name.clone()).collect()
        };
        for constraint in &source.constraints {
            // Keys are indexes and get names of their own; foreign keys are never taken over.
            let (name, kind) = match &constraint.kind {
                ConstraintKind::Check { expression, columns: _ } if included.has(Included::CONSTRAINTS) => {
                    let expression = self.like_text(source, expression, Stored::Check)?;
                    (Some(constraint.name.clone()), NewConstraintKind::Check { expression })
                }
                ConstraintKind::PrimaryKey { columns } if included.has(Included::INDEXES) => {
                    (None, NewConstraintKind::PrimaryKey { columns: names(columns) })
                }
                ConstraintKind::Unique { columns, nulls_not_distinct } if included.has(Included::INDEXES) => {
                    let nulls_not_distinct = *nulls_not_distinct;
                    (None, NewConstraintKind::Unique { columns: names(columns), nulls_not_distinct })
                }
                ConstraintKind::Exclusion { columns: _, operators } if included.has(Included::INDEXES) => {
                    (None, self.like_exclusion(source, constraint, operators)?)
                }
                ConstraintKind::Check { .. }
                | ConstraintKind::PrimaryKey { .. }
                | ConstraintKind::Unique { .. }
                | ConstraintKind::ForeignKey { .. }
                | ConstraintKind::Exclusion { .. } => continue,
            };
            let index = source.indexes.iter().find(|i| i.of_constraint && i.name == constraint.name);
            constraints.push(NewConstraint {
                name,
                kind,
                included: index.map_or_else(Vec::new, |index| names(&index.included)),
                deferrable: constraint.deferrable,
                initially_deferred: constraint.initially_deferred,
                not_valid: false,
                no_inherit: constraint.no_inherit,
                delete_sets: Vec::new(),
            });
        }
        Ok(())
    }

    fn like_exclusion(
        &self,
        source: &Relation,
        constraint: &Constraint,
        operators: &[Oid],
    ) -> Result<NewConstraintKind> {
        let index = source.indexes.iter().find(|index| index.of_constraint && index.name == constraint.name);
        let index = index.ok_or_else(|| Error::internal("an exclusion constraint without its index"))?;
        let mut elements = Vec::with_capacity(index.keys.len());
        for (key, operator) in index.keys.iter().zip(operators) {
            let text = key.expression.as_deref();
            elements.push(Excluding {
                column: source.column_by_num(key.column).map(|column| column.name.clone()),
                expression: text.map(|text| self.like_text(source, text, Stored::IndexExpression)).transpose()?,
                name: key.name.clone(),
                opclass: key.opclass.clone(),
                operator: crate::facts::OPERATORS.by_oid(*operator).map_or("", |row| row.name).to_owned(),
                operator_oid: *operator,
            });
        }
        let predicate = index.predicate.as_deref();
        let predicate = predicate.map(|text| self.like_text(source, text, Stored::IndexPredicate)).transpose()?;
        Ok(NewConstraintKind::Exclusion(Box::new(NewExclusion { method: index.method.clone(), elements, predicate })))
    }

    /// An index over the columns of the new table, of which so many are before those of the source (generateClonedIndexStmt).
    fn like_index(&self, source: &Relation, index: &Index, before: usize) -> Result<Index> {
        let numbers = |of: &[i16]| numbers_after(source, of, before);
        let key = |key: &IndexKey| -> Result<IndexKey> {
            let expression = key.expression.as_ref();
            let expression =
                expression.map(|text| self.like_text(source, text, Stored::IndexExpression)).transpose()?;
            let column = if key.column == 0 { 0 } else { number_after(source, key.column, before)? };
            Ok(IndexKey { column, expression, ..key.clone() })
        };
        let predicate = index.predicate.as_ref();
        Ok(Index {
            oid: 0,
            name: Name::from(""),
            keys: index.keys.iter().map(key).collect::<Result<_>>()?,
            included: numbers(&index.included)?,
            reads: numbers(&index.reads)?,
            predicate: predicate.map(|text| self.like_text(source, text, Stored::IndexPredicate)).transpose()?,
            comment: None,
            parent: None,
            ..index.clone()
        })
    }
}

/// The number of a source's column in the new table, of which so many are before those of the source.
fn number_after(source: &Relation, num: i16, before: usize) -> Result<i16> {
    let at = source.columns.iter().position(|column| column.num == num);
    let at = at.ok_or_else(|| Error::internal("LIKE takes over a column that is not there"))?;
    Ok((before + at + 1) as i16)
}

fn numbers_after(source: &Relation, of: &[i16], before: usize) -> Result<Vec<i16>> {
    of.iter().map(|num| number_after(source, *num, before)).collect()
}
