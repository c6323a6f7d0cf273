//! The unique keys that decide in ON CONFLICT, over the rows that are there and those that are proposed.

use crate::error::{Error, Result};
use crate::facts::OPERATORS;
use crate::registry::{self, Snapshot};
use crate::sql::analyze::{self, Stored};
use crate::tree::{Expr, ExprKind, OnConflict, RelColumn, RelId};
use crate::types::{Oid, Phys};

use super::super::rules::value_in;
use super::Of;
use crate::sql::lower::ir::Scalar;
use crate::sql::lower::{Lowerer, Rel};

/// A unique key in which rows may conflict.
pub(super) struct ConflictKey {
    pub parts: Vec<KeyPart>,
    /// Over which rows it is.
    pub predicate: Option<String>,
    /// NULLS NOT DISTINCT
    pub equal_nulls: bool,
    /// EXCLUDE: which operators must not all hold. Nothing: the key is unique.
    pub operators: Vec<Oid>,
}

pub(super) enum KeyPart {
    Column(u16),
    /// In PostgreSQL's words.
    Expression(String),
}

/// A key's values over one row, and whether the row has it.
pub(super) struct KeyOf {
    pub values: Vec<Scalar>,
    /// The predicate, and (but for NULLS NOT DISTINCT) that nothing is NULL.
    pub has: Vec<Scalar>,
}

/// The keys that decide: the arbiter, or all that come before one that is deferrable.
pub(super) fn keys_of(conflict: &OnConflict, def: &registry::Relation, types: &Snapshot) -> Vec<ConflictKey> {
    let end = def.first_deferrable().map(|(_, index)| index);
    let comes_before = |index: Option<Oid>| end.is_none_or(|end| index.is_some_and(|index| index < end));
    let checked = def.checked_keys(types).filter(|key| match conflict.checked {
        Some(oid) => key.oid == oid,
        None => {
            let index = key.constraint.map_or(Some(key.oid), |constraint| def.index_of(constraint));
            conflict.arbiter.is_empty() && comes_before(index)
        }
    });
    let place = |num: i16| def.columns.iter().position(|c| c.num == num).map(|at| at as u16);
    let checked = checked.filter_map(|key| {
        let part = |(num, text): &(i16, Option<&str>)| match text {
            Some(text) => Some(KeyPart::Expression((*text).to_owned())),
            None => place(*num).map(KeyPart::Column),
        };
        let parts = key.keys.iter().map(part).collect::<Option<Vec<_>>>()?;
        let (predicate, equal_nulls) = (key.predicate.map(Into::into), key.nulls_not_distinct);
        Some(ConflictKey { parts, predicate, equal_nulls, operators: key.operators.to_vec() })
    });
    let mut keys: Vec<ConflictKey> = checked.collect();
    let mut native: Vec<Vec<u16>> = match (conflict.checked, conflict.arbiter.as_slice()) {
        (Some(_), _) => Vec::new(),
        (None, []) => {
            let native = native_keys(def, &comes_before, types);
            native.iter().filter_map(|key| key.iter().map(|num| place(*num)).collect()).collect()
        }
        (None, arbiter) => vec![arbiter.to_vec()],
    };
    native.iter_mut().for_each(|key| key.sort_unstable());
    native.sort();
    native.dedup();
    let plain = |key: Vec<u16>| ConflictKey {
        parts: key.into_iter().map(KeyPart::Column).collect(),
        predicate: None,
        equal_nulls: false,
        operators: Vec::new(),
    };
    keys.extend(native.into_iter().map(plain));
    keys
}

/// The columns of the keys that DuckDB has indexes for.
fn native_keys(def: &registry::Relation, wanted: &dyn Fn(Option<Oid>) -> bool, types: &Snapshot) -> Vec<Vec<i16>> {
    let constraints = def.constraints.iter().filter(|constraint| constraint.is_native(def, types));
    let constraints = constraints.filter(|constraint| wanted(def.index_of(constraint)));
    let constraints = constraints.filter_map(|constraint| match &constraint.kind {
        registry::ConstraintKind::PrimaryKey { columns } | registry::ConstraintKind::Unique { columns, .. } => {
            Some(columns.clone())
        }
        registry::ConstraintKind::ForeignKey { .. }
        | registry::ConstraintKind::Check { .. }
        | registry::ConstraintKind::Exclusion { .. } => None,
    });
    let indexes =
        def.indexes.iter().filter(|index| index.unique && !index.of_constraint && index.is_native(def, types));
    let indexes = indexes.filter(|index| wanted(Some(index.oid)));
    constraints.chain(indexes.map(|index| index.keys.iter().map(|key| key.column).collect())).collect()
}

impl Lowerer<'_> {
    /// A key over a row: `value_of` gives the columns; what it does not give is NULL.
    pub(super) fn key_over(
        &mut self,
        key: &ConflictKey,
        of: Of<'_>,
        value_of: &dyn Fn(u16) -> Option<Scalar>,
    ) -> Result<KeyOf> {
        let (target, name) = (&of.insert.target, &of.def.name);
        let all = || (0..target.columns.len()).map(|i| value_of(i as u16)).collect::<Vec<_>>();
        let mut values = Vec::with_capacity(key.parts.len());
        for part in &key.parts {
            let value = match part {
                KeyPart::Column(index) => match value_of(*index) {
                    Some(value) => value,
                    None => Scalar::null(self.phys(target.columns[usize::from(*index)].ty)?),
                },
                KeyPart::Expression(text) => {
                    self.stored_expression((text, Stored::IndexExpression), name, &target.columns, all())?
                }
            };
            values.push(if key.operators.is_empty() { self.sort_key(value)? } else { value });
        }
        let mut has = Vec::new();
        if !key.equal_nulls {
            has.extend(values.iter().cloned().map(Scalar::is_not_null));
        }
        if let Some(text) = &key.predicate {
            let holds = self.stored_expression((text, Stored::IndexPredicate), name, &target.columns, all())?;
            has.push(Scalar::template("({0} IS TRUE)", vec![holds], Phys::Bool));
        }
        Ok(KeyOf { values, has })
    }

    /// That a row which is there and a proposed one have the same key.
    pub(super) fn same_key(&mut self, key: &ConflictKey, of: Of<'_>, there: &Rel, new: &KeyOf) -> Result<Scalar> {
        let old = self.key_over(key, of, &value_in(Some(there)))?;
        let same = if key.equal_nulls { "({0} IS NOT DISTINCT FROM {1})" } else { "({0} = {1})" };
        let pairs = old.values.into_iter().zip(new.values.iter().cloned());
        let mut tests: Vec<Scalar> = match key.operators.is_empty() {
            true => pairs.map(|(a, b)| Scalar::template(same, vec![a, b], Phys::Bool)).collect(),
            false => {
                let parts = key.parts.iter().zip(&key.operators).zip(pairs);
                parts.map(|((part, operator), pair)| self.excludes(part, *operator, of, pair)).collect::<Result<_>>()?
            }
        };
        if key.predicate.is_some() {
            tests.extend(old.has.into_iter().next_back());
            tests.extend(new.has.last().cloned());
        }
        Scalar::and(tests).ok_or_else(|| Error::internal("lower: a key without columns"))
    }
}

impl Lowerer<'_> {
    /// That an operator of EXCLUDE holds between two values of a part of its key.
    fn excludes(&mut self, part: &KeyPart, operator: Oid, of: Of<'_>, (a, b): (Scalar, Scalar)) -> Result<Scalar> {
        let target = &of.insert.target;
        let ty = match part {
            KeyPart::Column(index) => target.columns[usize::from(*index)].ty,
            KeyPart::Expression(text) => {
                let row = (&of.def.name[..], RelId(0));
                analyze::expression(text, Stored::IndexExpression, row, &target.columns, self.cx)?.ty
            }
        };
        let operator = OPERATORS.by_oid(operator).ok_or_else(|| Error::internal("an operator that is none"))?;
        let text = format!("a OPERATOR(pg_catalog.{}) b", operator.name);
        let side = |name: &str, attnum| RelColumn { name: name.into(), ty, attnum };
        let sides = [side("a", 1), side("b", 2)];
        self.stored_expression((&text, Stored::IndexPredicate), "", &sides, vec![Some(a), Some(b)])
    }
}

impl ConflictKey {
    /// Whether SET may give a row another key. `column = excluded.column` does not: the two rows are equal in each column of
    /// the key, and in its predicate and each expression, if SET takes all that these read from the proposed row, or nothing.
    pub(super) fn moves(&self, sets: &[(u16, Expr)], Of { insert, def, conflict }: Of<'_>, types: &Snapshot) -> bool {
        let num_of = |index: u16| def.columns.get(usize::from(index)).map(|column| column.num);
        let checked = def.checked_keys(types).find(|key| Some(key.oid) == conflict.checked);
        let reads: &[i16] = checked.as_ref().map_or(&[], |key| key.reads);
        let is_column =
            |index: u16| self.parts.iter().any(|part| matches!(part, KeyPart::Column(own) if *own == index));
        let is_of = |index: u16| is_column(index) || num_of(index).is_some_and(|num| reads.contains(&num));
        let is_proposed = |(index, value): &(u16, Expr)| matches!(&value.kind, ExprKind::Column { rel, column } if column == index && Some(*rel) == insert.excluded);
        let in_both =
            |num: &i16| (0..def.columns.len() as u16).any(|index| num_of(index) == Some(*num) && is_column(index));
        let mut computed = reads.iter().filter(|num| !in_both(num));
        let is_taken = |num: &i16| sets.iter().any(|(index, _)| num_of(*index) == Some(*num));
        sets.iter().any(|set| is_of(set.0) && !is_proposed(set))
            || computed.clone().any(is_taken) && !computed.all(is_taken)
    }
}
