//! GROUP BY, grouping sets, GROUPING().
//!
//! A grouping expression that DuckDB would group wrongly (numeric text: 1.0 and 1.00 are one group) is grouped by its
//! key, and stands in the targets as the first value of its group.

use crate::error::{Error, Result};
use crate::sql::lower::ir::Scalar;
use crate::sql::lower::{Grouped, Lowerer};
use crate::tree::GroupBy;
use crate::types::Phys;

use super::aggregate::Clauses;

impl Lowerer<'_> {
    /// The grouping sets in DuckDB's terms. Leaves the select's frame on `grouped` and `grouping`.
    pub(crate) fn group_by(&mut self, group: Option<&GroupBy>) -> Result<Option<Vec<Vec<Scalar>>>> {
        let mut frame = Vec::new();
        let mut keys = Vec::new();
        let several = group.is_some_and(|g| g.sets.len() > 1);
        for e in group.map(|g| g.exprs.as_slice()).unwrap_or_default() {
            let value = self.expr(e)?;
            let value = self.settle(value);
            if value.phys.needs_key() {
                let key = self.sort_key(value.clone())?;
                let text = crate::sql::render::scalar(&value);
                let plain = Clauses { distinct: false, order_by: Vec::new(), filter: None, over: None };
                let phys = value.phys.clone();
                let mut stands_for = plain.call("first", vec![value], phys.clone());
                if several {
                    let test = Scalar::template("(GROUPING({0}) = 0)", vec![key.clone()], Phys::Bool);
                    stands_for = Scalar::when(test, stands_for, Scalar::null(phys));
                }
                frame.push(Grouped { text, stands_for });
                keys.push(key);
            } else {
                keys.push(value);
            }
        }
        // One value a group, since the key is grouped by: as keys of their own they change no group.
        let dependent = group.map(|g| g.dependent.as_slice()).unwrap_or_default();
        let dependent: Vec<Scalar> = dependent.iter().map(|e| self.expr(e)).collect::<Result<_>>()?;
        let sets = group.map(|g| {
            let keys = |set: &Vec<u16>| -> Vec<Scalar> {
                set.iter().filter_map(|i| keys.get(usize::from(*i))).chain(&dependent).cloned().collect()
            };
            g.sets.iter().map(keys).collect()
        });
        self.grouped.push(frame);
        self.grouping.push(keys);
        Ok(sets)
    }

    pub(crate) fn end_group(&mut self) {
        self.grouped.pop();
        self.grouping.pop();
    }

    /// What stands for a grouping expression outside of aggregates.
    pub(crate) fn ungroup(&self, value: Scalar) -> Scalar {
        if self.grouped.iter().all(Vec::is_empty) || !value.phys.needs_key() {
            return value;
        }
        let text = crate::sql::render::scalar(&value);
        let known = self.grouped.iter().flatten().find(|g| g.text == text);
        known.map_or(value, |g| g.stands_for.clone())
    }

    pub(crate) fn grouping_call(&mut self, indexes: &[u16]) -> Result<Scalar> {
        let keys = self.grouping.last().map(Vec::as_slice).unwrap_or_default();
        let args = indexes
            .iter()
            .map(|i| keys.get(usize::from(*i)).cloned())
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Error::internal("lower: GROUPING of no grouping expression"))?;
        Ok(Scalar::template("CAST(GROUPING({*}) AS INTEGER)", args, Phys::Int4))
    }
}
