//! Functions of arrays of any shape.
//!
//! `array_upper(a, 1)` → from the numbers of the shape, `a || b` → `list_concat` of the items with `dg_shape_cat` of the shapes

use crate::error::{Error, Result, SqlState};
use crate::facts::Proc;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{Scalar, template};
use crate::sql::signatures::native::shape::OMITTED;
use crate::types::Phys;

use super::raise::{VALUE, raise_message, raise_with};
use super::shaped::{ints, is_shaped, items_of, list_of, longs, packed, shape_of};

impl Lowerer<'_> {
    /// Array functions where an argument has any shape; `None` for others.
    pub(crate) fn shaped_function(&mut self, func: &'static Proc, args: &[Scalar]) -> Result<Option<Scalar>> {
        let of_shape = |array: &Scalar, text: &'static str, more: Option<&Scalar>| {
            let args = std::iter::once(shape_of(array.clone())).chain(more.cloned()).collect();
            Scalar::template(text, args, Phys::Int4)
        };
        Ok(Some(match (func.name, args) {
            ("array_length", [array, n]) if is_shaped(&array.phys) => {
                of_shape(array, "CASE WHEN {1} BETWEEN 1 AND {0}[1] THEN {0}[1 + {1}] END", Some(n))
            }
            ("array_lower", [array, n]) if is_shaped(&array.phys) => {
                of_shape(array, "CASE WHEN {1} BETWEEN 1 AND {0}[1] THEN {0}[1 + {0}[1] + {1}] END", Some(n))
            }
            ("array_upper", [array, n]) if is_shaped(&array.phys) => {
                let text = "CASE WHEN {1} BETWEEN 1 AND {0}[1] THEN {0}[1 + {0}[1] + {1}] + {0}[1 + {1}] - 1 END";
                of_shape(array, text, Some(n))
            }
            ("array_ndims", [array]) => of_shape(array, "{0}[1]", None),
            ("array_dims", [array]) => Scalar::call("dg_shape_dims", vec![shape_of(array.clone())], Phys::Text),
            ("cardinality", [array]) => {
                Scalar::template("CAST(len({0}) AS INTEGER)", vec![items_of(array.clone())], Phys::Int4)
            }
            ("array_cat", [left, right]) => self.shaped_cat(left, right)?,
            ("array_append", [array, item]) => self.shaped_grow(array, item, true)?,
            ("array_prepend", [item, array]) => self.shaped_grow(array, item, false)?,
            ("trim_array", [array, count]) => self.shaped_trim(array, count)?,
            ("array_replace", [array, from, to]) => {
                let (array, to, _) = self.list_and_item(array.clone(), to.clone())?;
                self.once(array, |this, array| {
                    let args = [items_of(array.clone()), from.clone(), to];
                    let Some(items) = this.array_search(func, &args)? else {
                        return Err(Error::internal("lower: array_replace without a list"));
                    };
                    Ok(packed(items, shape_of(array)))
                })?
            }
            ("array_position" | "array_positions" | "array_remove", [array, rest @ ..]) if is_shaped(&array.phys) => {
                self.shaped_search(func, array, rest)?
            }
            _ => return Ok(None),
        }))
    }

    fn shaped_cat(&mut self, left: &Scalar, right: &Scalar) -> Result<Scalar> {
        let (values, phys) = self.meet(vec![left.clone(), right.clone()], false)?;
        let mut values = values.into_iter();
        let (Some(left), Some(right)) = (values.next(), values.next()) else {
            return Err(Error::internal("lower: two values became fewer"));
        };
        self.once(left, |this, left| {
            this.once(right, |_, right| {
                let list = items_of(left.clone()).phys;
                let both = vec![items_of(left.clone()), items_of(right.clone())];
                let items = Scalar::template("list_concat({0}, {1})", both, list);
                let shape = vec![shape_of(left.clone()), shape_of(right.clone())];
                let shape = Scalar::call("dg_shape_cat", shape, ints());
                let text = "CASE WHEN {0} IS NULL THEN {1} WHEN {1} IS NULL THEN {0} \
                            ELSE struct_pack(f1 := {2}, f2 := {3}) END";
                Ok(Scalar::template(text, vec![left, right, items, shape], phys))
            })
        })
    }

    fn shaped_grow(&mut self, array: &Scalar, item: &Scalar, behind: bool) -> Result<Scalar> {
        let (array, item, phys) = self.list_and_item(array.clone(), item.clone())?;
        self.once(array, |_, array| {
            let list = items_of(array.clone()).phys;
            let text = match behind {
                true => "list_append(coalesce({0}, []), {1})",
                false => "list_prepend({1}, coalesce({0}, []))",
            };
            let items = Scalar::template(text, vec![items_of(array.clone()), item], list);
            let shape = Scalar::template("coalesce({0}, [])", vec![shape_of(array)], ints());
            let shape = Scalar::call("dg_shape_grow", vec![shape], ints());
            Ok(Scalar::template("struct_pack(f1 := {0}, f2 := {1})", vec![items, shape], phys))
        })
    }

    /// Without so many items at the end of its first dimension.
    fn shaped_trim(&mut self, array: &Scalar, count: &Scalar) -> Result<Scalar> {
        let count = count.clone();
        self.once(array.clone(), |this, array| {
            let shape = shape_of(array.clone());
            let length = Scalar::template("coalesce({0}[2], 0)", vec![shape.clone()], Phys::Int4);
            let message = format!("number of elements to trim must be between 0 and {VALUE}");
            let error = Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message);
            let error = raise_with(&error, length.clone().cast(Phys::Text), &longs());
            let last = Scalar::template(
                "[coalesce(CAST({0}[2 + {0}[1]] AS BIGINT) + {0}[2] - 1 - {1}, 0)]",
                vec![shape.clone(), count.clone()],
                longs(),
            );
            let low = Scalar::template("[{0}]", vec![Scalar::number(OMITTED, Phys::Void)], Phys::Void).cast(longs());
            let slice = Scalar::call("dg_shape_slice", vec![shape, low, last], longs());
            let text = "CASE WHEN {0} IS NULL THEN NULL WHEN {0} < 0 OR {0} > {1} THEN {2} ELSE {3} END";
            let plan = Scalar::template(text, vec![count, length, error, slice], longs());
            this.planned(items_of(array), plan)
        })
    }

    /// array_position() and its kin, which take one dimension only but heed its lower bound.
    fn shaped_search(&mut self, func: &'static Proc, array: &Scalar, rest: &[Scalar]) -> Result<Scalar> {
        let message = match func.name {
            "array_remove" => "removing elements from multidimensional arrays is not supported",
            _ => "searching for elements in multidimensional arrays is not supported",
        };
        self.once(array.clone(), |this, array| {
            let shape = shape_of(array.clone());
            let before = Scalar::template("(coalesce({0}[3], 1) - 1)", vec![shape.clone()], Phys::Int4);
            let mut args = vec![items_of(array)];
            args.extend(rest.iter().cloned());
            if let Some(start) = args.get_mut(2) {
                *start = Scalar::template("({0} - {1})", vec![start.clone(), before.clone()], Phys::Int4);
            }
            let Some(found) = this.array_search(func, &args)? else {
                return Err(Error::internal("lower: a search without a list"));
            };
            let value = match func.name {
                "array_position" => Scalar::template("({0} + {1})", vec![found, before], Phys::Int4),
                "array_positions" => {
                    let name = this.variable();
                    let text = template!["list_transform({0}, lambda ", name, ": ", name, " + {1})"];
                    Scalar::template(text, vec![found, before], Phys::Void).cast(ints())
                }
                _ => this.once(found, |_, found| {
                    let count = Scalar::template("CAST(len({0}) AS INTEGER)", vec![found.clone()], Phys::Int4);
                    let text = "CASE WHEN {0} > 0 THEN [1, {0}, {1} + 1] ELSE [] END";
                    let shape = Scalar::template(text, vec![count, before], Phys::Void).cast(ints());
                    Ok(packed(found, shape))
                })?,
            };
            let phys = value.phys.clone();
            let refused = raise_message(SqlState::FEATURE_NOT_SUPPORTED, message, &phys);
            Ok(Scalar::template("CASE WHEN {0}[1] > 1 THEN {1} ELSE {2} END", vec![shape, refused, value], phys))
        })
    }

    /// array_fill(): the lengths are known when it runs.
    pub(crate) fn array_fill(&mut self, item: &Scalar, dims: &Scalar, bounds: Option<&Scalar>) -> Result<Scalar> {
        let item = self.settle(item.clone());
        let phys = Phys::shaped(item.phys.clone());
        let list = list_of(item.phys.clone());
        let given = Scalar::bool(bounds.is_some());
        let bounds = bounds.cloned().unwrap_or_else(|| Scalar::null(ints()));
        let shape = Scalar::call("dg_shape_fill", vec![dims.clone(), bounds, given], ints());
        self.once(shape, |_, shape| {
            let count = Scalar::call("dg_shape_count", vec![shape.clone()], Phys::Int8);
            let items = Scalar::template("list_resize([{0}], {1}, {0})", vec![item, count], Phys::Void).cast(list);
            Ok(Scalar::template("struct_pack(f1 := {0}, f2 := {1})", vec![items, shape], phys))
        })
    }

    /// The subscripts of a dimension, one after the other.
    pub(crate) fn shaped_subscripts(&mut self, array: Scalar, n: Scalar, reverse: Option<Scalar>) -> Result<Scalar> {
        self.once(array, |_, array| {
            let reverse = reverse.unwrap_or_else(|| Scalar::bool(false));
            let text = "CASE WHEN {1} BETWEEN 1 AND {0}[1] THEN CASE WHEN {2} IS NULL THEN NULL WHEN {2} THEN \
                        generate_series(CAST({0}[1 + {0}[1] + {1}] + {0}[1 + {1}] - 1 AS BIGINT), CAST({0}[1 + {0}[1] + {1}] AS BIGINT), -1) \
                        ELSE generate_series(CAST({0}[1 + {0}[1] + {1}] AS BIGINT), CAST({0}[1 + {0}[1] + {1}] + {0}[1 + {1}] - 1 AS BIGINT)) END END";
            Ok(Scalar::template(text, vec![shape_of(array), n, reverse], longs()).cast(ints()))
        })
    }

    /// Arguments of a function that takes lists: what has another shape is refused when it is met.
    pub(crate) fn plain_arguments(&mut self, func: &Proc, args: Vec<Scalar>) -> Result<Vec<Scalar>> {
        let whole = matches!(func.name, "arraycontains" | "arraycontained" | "arrayoverlap");
        let as_they_are = matches!(func.name, "pg_typeof" | "num_nulls" | "num_nonnulls" | "count");
        let single = args.len() == 1;
        args.into_iter()
            .map(|arg| match arg.phys.shaped_element().cloned() {
                Some(_) if matches!(func.name, "json_object" | "jsonb_object") => {
                    let wrong = "wrong number of array subscripts";
                    match single {
                        // Rows of two are pairs, one after the other.
                        true => self.items_within(arg, 2, wrong, Some("array must have two columns")),
                        false => self.items_within(arg, 1, wrong, None),
                    }
                }
                Some(_) if func.name == "width_bucket" => {
                    self.items_within(arg, 1, "thresholds must be one-dimensional array", None)
                }
                Some(_) if func.name == "array_fill" => {
                    self.items_within(arg, 1, "wrong number of array subscripts", None)
                }
                Some(_) if as_they_are => Ok(arg),
                // They look at the items alone.
                Some(_) if whole => Ok(items_of(arg)),
                Some(element) => self.coerce_shaped(arg, &list_of(element)),
                None => Ok(arg),
            })
            .collect()
    }

    /// The items of an array of so many dimensions at most, of which a second one has two items if that is asked for.
    fn items_within(&mut self, array: Scalar, most: i32, wrong: &str, pairs: Option<&str>) -> Result<Scalar> {
        self.once(array, |_, array| {
            let (items, shape) = (items_of(array.clone()), shape_of(array));
            let phys = items.phys.clone();
            let error = |message: &str| raise_message(SqlState::ARRAY_SUBSCRIPT_ERROR, message, &phys);
            let args = vec![shape, Scalar::int4(most), error(wrong), error(pairs.unwrap_or(wrong)), items];
            let text = match pairs {
                Some(_) => "CASE WHEN {0}[1] > {1} THEN {2} WHEN {0}[1] = {1} AND {0}[3] <> 2 THEN {3} ELSE {4} END",
                None => "CASE WHEN {0}[1] > {1} THEN {2} ELSE {4} END",
            };
            Ok(Scalar::template(text, args, phys))
        })
    }
}
