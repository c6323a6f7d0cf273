//! Functions that look into arrays or make them anew, over lists.
//!
//! `array_remove(a, 1)` → `list_filter(a, lambda v: v IS DISTINCT FROM 1)`,
//! `array_positions(a, 1)` → the numbers of the items that are not distinct from 1, `array_fill(0, ARRAY[3])` → three items

use crate::error::{Error, Result, SqlState};
use crate::facts::Proc;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{Node, Scalar, Variable, template};
use crate::types::Phys;

use super::raise::{VALUE, raise_message, raise_with};

impl Lowerer<'_> {
    pub(crate) fn array_search(&mut self, func: &'static Proc, args: &[Scalar]) -> Result<Option<Scalar>> {
        let value = match (func.name, args) {
            ("array_position", [list, item, rest @ ..]) => self.array_position(list, item, rest.first())?,
            ("array_positions", [list, item]) => {
                let (positions, _) = self.positions(list, item)?;
                positions.cast(Phys::List(Box::new(Phys::Int4)))
            }
            ("array_remove", [list, item]) => {
                let (list, _, phys, name, same) = self.matching(list, item)?;
                let text = template!("list_filter({0}, lambda ", name, ": NOT {1})");
                Scalar::template(text, vec![list, same], phys)
            }
            ("array_replace", [list, from, to]) => {
                let (list, to, phys) = self.list_and_item(list.clone(), to.clone())?;
                let (list, _, _, name, same) = self.matching(&list, from)?;
                let Phys::List(element) = phys.clone() else {
                    return Err(Error::internal("lower: array_replace of no array"));
                };
                let item = Scalar::new(Node::Variable(name), *element);
                let text = template!("list_transform({0}, lambda ", name, ": CASE WHEN {1} THEN {2} ELSE {3} END)");
                Scalar::template(text, vec![list, same, to, item], phys)
            }
            ("array_dims", [list]) => {
                Scalar::template("CASE WHEN len({0}) > 0 THEN '[1:' || len({0}) || ']' END", args_of(list), Phys::Text)
            }
            ("trim_array", [list, count]) => {
                let message = format!("number of elements to trim must be between 0 and {VALUE}");
                let length = Scalar::template("CAST(len({0}) AS VARCHAR)", args_of(list), Phys::Text);
                let error = raise_with(&Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message), length, &list.phys);
                let text = "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL WHEN {1} < 0 OR {1} > len({0}) THEN {2} \
                            ELSE list_slice({0}, 1, len({0}) - {1}) END";
                Scalar::template(text, vec![list.clone(), count.clone(), error], list.phys.clone())
            }
            ("array_fill", [item, dims, bounds @ ..]) => self.array_fill(item, dims, bounds.first())?,
            ("width_bucket", [operand, thresholds]) => self.width_bucket(operand, thresholds)?,
            _ => return Ok(None),
        };
        Ok(Some(value))
    }

    /// The list and the item in one type, a variable for the list's items, and whether it equals the item.
    fn matching(&mut self, list: &Scalar, item: &Scalar) -> Result<(Scalar, Scalar, Phys, Variable, Scalar)> {
        let (list, item, phys) = self.list_and_item(list.clone(), item.clone())?;
        let Phys::List(element) = phys.clone() else {
            return Err(Error::unsupported("a search in this type"));
        };
        self.made += 1;
        let name = Variable(self.made);
        let variable = Scalar::new(Node::Variable(name), *element);
        let (left, right) = self.keys_of(variable, item.clone())?;
        let same = Scalar::template("({0} IS NOT DISTINCT FROM {1})", vec![left, right], Phys::Bool);
        Ok((list, item, phys, name, same))
    }

    /// The numbers of the items that equal `item`, and the list.
    fn positions(&mut self, list: &Scalar, item: &Scalar) -> Result<(Scalar, Scalar)> {
        let (list, _, _, name, same) = self.matching(list, item)?;
        let text = template!("list_transform({0}, lambda ", name, ": {1})");
        let tests = Scalar::template(text, vec![list.clone(), same], Phys::List(Box::new(Phys::Bool)));
        let positions = self.bind_once(tests, |this, tests| {
            this.made += 1;
            let number = Variable(this.made);
            let text = template!(
                "list_filter(generate_series(1, len({0})), lambda ",
                number,
                ": list_extract({0}, ",
                number,
                "))"
            );
            Ok(Scalar::template(text, vec![tests], Phys::List(Box::new(Phys::Int8))))
        })?;
        Ok((positions, list))
    }

    fn array_position(&mut self, list: &Scalar, item: &Scalar, start: Option<&Scalar>) -> Result<Scalar> {
        let (positions, _) = self.positions(list, item)?;
        let Some(start) = start else {
            return Ok(Scalar::template("list_extract({0}, 1)", vec![positions], Phys::Int8).cast(Phys::Int4));
        };
        self.made += 1;
        let name = Variable(self.made);
        let message = "initial position must not be null";
        let error = raise_message(SqlState::NULL_VALUE_NOT_ALLOWED, message, &Phys::Int8);
        let text = template!(
            "CASE WHEN {0} IS NULL THEN NULL WHEN {1} IS NULL THEN {2} \
             ELSE list_extract(list_filter({0}, lambda ",
            name,
            ": ",
            name,
            " >= {1}), 1) END"
        );
        Ok(Scalar::template(text, vec![positions, start.clone(), error], Phys::Int8).cast(Phys::Int4))
    }

    /// How many thresholds are at or below the operand.
    fn width_bucket(&mut self, operand: &Scalar, thresholds: &Scalar) -> Result<Scalar> {
        let (list, operand, phys) = self.list_and_item(thresholds.clone(), operand.clone())?;
        let Phys::List(element) = phys else { return Err(Error::internal("lower: thresholds that are no array")) };
        self.made += 1;
        let name = Variable(self.made);
        let (left, right) = self.keys_of(Scalar::new(Node::Variable(name), *element), operand.clone())?;
        let below = Scalar::template("({0} <= {1})", vec![left, right], Phys::Bool);
        let message = "thresholds array must not contain NULLs";
        let error = raise_message(SqlState::NULL_VALUE_NOT_ALLOWED, message, &Phys::Int4);
        let text = template!(
            "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL WHEN list_count({1}) < len({1}) THEN {3} \
             ELSE CAST(len(list_filter({1}, lambda ",
            name,
            ": {2})) AS INTEGER) END"
        );
        Ok(Scalar::template(text, vec![operand, list, below, error], Phys::Int4))
    }
}

fn args_of(list: &Scalar) -> Vec<Scalar> {
    vec![list.clone()]
}
