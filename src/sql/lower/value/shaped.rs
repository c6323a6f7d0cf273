//! Arrays of any shape: STRUCTs of all items and of the shape ([`crate::types::shaped`]).
//!
//! `ARRAY[[1, 2], [3, 4]]` → `struct_pack(f1 := [1, 2, 3, 4], f2 := [2, 2, 2, 1, 1])`,
//! `a[1][2]` → `list_extract(struct_extract(a, 'f1'), dg_shape_at(struct_extract(a, 'f2'), [1, 2]))`, `unnest(a)` → of the items

use crate::error::{Error, Result, SqlState};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{Node, Scalar, template};
use crate::sql::signatures::native::shape::OMITTED;
use crate::tree::{Expr, ExprKind, Subscript};
use crate::types::shaped::{MAX_DIMENSIONS, check_dimensions};
use crate::types::{PgType, Phys, oid};

use super::raise::{raise, raise_message};
use super::row::field_of;

/// What a list of arrays that differ in shape says.
const RAGGED: &str = "multidimensional arrays must have array expressions with matching dimensions";

/// Where arrays are put together to one of a dimension more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nest {
    /// `ARRAY[…]`: empty ones and NULLs make an empty array.
    Written,
    /// array_agg() and `ARRAY(SELECT …)`, which take neither.
    Gathered,
}

pub(crate) fn is_shaped(phys: &Phys) -> bool {
    matches!(phys, Phys::Shaped(_))
}

pub(crate) fn list_of(element: Phys) -> Phys {
    Phys::List(Box::new(element))
}

pub(crate) fn ints() -> Phys {
    list_of(Phys::Int4)
}

pub(crate) fn longs() -> Phys {
    list_of(Phys::Int8)
}

/// All items of an array in one list; of a list itself.
pub(crate) fn items_of(array: Scalar) -> Scalar {
    match array.phys.shaped_element().cloned() {
        Some(element) => field_of(array, 0, list_of(element)),
        None => array,
    }
}

/// The shape of an array of any carrier.
pub(crate) fn shape_of(array: Scalar) -> Scalar {
    if is_shaped(&array.phys) {
        return field_of(array, 1, ints());
    }
    let text = "CASE WHEN len({0}) > 0 THEN [1, CAST(len({0}) AS INTEGER), 1] WHEN {0} IS NOT NULL THEN [] END";
    Scalar::template(text, vec![array], Phys::Void).cast(ints())
}

/// The array with these items and this shape; NULL if the items are.
pub(crate) fn packed(items: Scalar, shape: Scalar) -> Scalar {
    let element = match &items.phys {
        Phys::List(element) => (**element).clone(),
        _ => Phys::Void,
    };
    let text = "CASE WHEN {0} IS NOT NULL THEN struct_pack(f1 := {0}, f2 := {1}) END";
    Scalar::template(text, vec![items, shape], Phys::shaped(element))
}

/// Are these its items as they stand, counted from 0?
pub(crate) fn is_vector(ty: PgType) -> bool {
    matches!(ty.oid, oid::INT2VECTOR | oid::OIDVECTOR)
}

/// The array of these items, whose shape is known.
pub(crate) fn constant(items: Vec<Scalar>, element: Phys, shape: &[i32]) -> Scalar {
    let items = Scalar::template("[{*}]", items, Phys::Void).cast(list_of(element.clone()));
    let numbers = shape.iter().map(|n| Scalar::number(*n, Phys::Void)).collect();
    let shape = Scalar::template("[{*}]", numbers, Phys::Void).cast(ints());
    Scalar::template("struct_pack(f1 := {0}, f2 := {1})", vec![items, shape], Phys::shaped(element))
}

/// The dimensions of an array that is written out.
fn written_dimensions(e: &Expr) -> Option<Vec<usize>> {
    let ExprKind::Array { items, nested } = &e.kind else { return None };
    let mut out = vec![items.len()];
    if *nested {
        // Each item is asked once: asked twice at each level, the innermost would be asked two to the power of the levels.
        let mut inner = items.iter().map(written_dimensions);
        let first = inner.next()??;
        if inner.any(|i| i.as_ref() != Some(&first)) {
            return None;
        }
        out.extend(first);
    }
    Some(out)
}

fn written_items<'e>(e: &'e Expr, out: &mut Vec<&'e Expr>) {
    match &e.kind {
        ExprKind::Array { items, .. } => items.iter().for_each(|item| written_items(item, out)),
        _ => out.push(e),
    }
}

/// The key by which DuckDB compares arrays as PostgreSQL does.
pub(crate) fn shaped_key(value: Scalar) -> Scalar {
    let items = super::compare::sort_key(items_of(value.clone()));
    packed(items, shape_of(value))
}

impl Lowerer<'_> {
    /// Computes `value` once, whatever it weighs: what is made of it stands in lambdas, which compute it for each item.
    pub(crate) fn once(
        &mut self,
        value: Scalar,
        body: impl FnOnce(&mut Self, Scalar) -> Result<Scalar>,
    ) -> Result<Scalar> {
        if matches!(value.node, Node::Column(..) | Node::Variable(_)) {
            return body(self, value);
        }
        let variable = self.variable();
        let value = self.settle(value);
        let inner = body(self, Scalar::new(Node::Variable(variable), value.phys.clone()))?;
        let inner = self.settle(inner);
        let phys = inner.phys.clone();
        let text = template!["(list_transform([{0}], lambda ", variable, ": {1})[1])"];
        Ok(Scalar::template(text, vec![value, inner], phys))
    }

    /// An array in the other carrier, or with elements that are carried otherwise.
    pub(crate) fn coerce_shaped(&self, value: Scalar, to: &Phys) -> Result<Scalar> {
        if value.is_null_literal() {
            return Ok(Scalar::null(to.clone()));
        }
        let (Some(_), Some(element)) = (value.phys.array_element(), to.array_element()) else {
            return Err(Error::unsupported("an array of more than one dimension here"));
        };
        let cheap = value.is_cheap();
        let seen = match cheap {
            true => value.clone(),
            false => Scalar::new(Node::Variable(super::compare::ELEMENT), value.phys.clone()),
        };
        let items = self.coerce(items_of(seen.clone()), &list_of(element.clone()))?;
        let made = match to {
            Phys::Shaped(_) => {
                let text = "CASE WHEN {2} IS NOT NULL THEN struct_pack(f1 := {0}, f2 := {1}) END";
                Scalar::template(text, vec![items, shape_of(seen.clone()), seen], to.clone())
            }
            _ => {
                let error =
                    Error::unsupported("an array of several dimensions, or whose subscripts do not begin with 1, here")
                        .hint("A column takes such arrays if it is declared with several pairs of brackets.");
                let text = "CASE WHEN {1} IS NULL OR len({1}) = 0 OR ({1}[1] = 1 AND {1}[3] = 1) THEN {0} ELSE {2} END";
                Scalar::template(text, vec![items, shape_of(seen), raise(&error, to)], to.clone())
            }
        };
        if cheap {
            return Ok(made);
        }
        let text = template!["(list_transform([{0}], lambda ", super::compare::ELEMENT, ": {1})[1])"];
        Ok(Scalar::template(text, vec![value, made], to.clone()))
    }

    /// `int2vector` or `oidvector` as the array that it is: its first item has the subscript 0.
    pub(crate) fn from_zero(&mut self, vector: Scalar) -> Result<Scalar> {
        let Phys::List(_) = vector.phys else { return Ok(vector) };
        self.once(vector, |_, vector| {
            let text = "CASE WHEN len({0}) > 0 THEN [1, CAST(len({0}) AS INTEGER), 0] WHEN {0} IS NOT NULL THEN [] END";
            let shape = Scalar::template(text, vec![vector.clone()], Phys::Void).cast(ints());
            Ok(packed(vector, shape))
        })
    }

    /// The array as one of any shape.
    fn shaped(&self, value: Scalar) -> Result<Scalar> {
        match &value.phys {
            Phys::List(element) => {
                let to = Phys::shaped((**element).clone());
                self.coerce_shaped(value, &to)
            }
            _ => Ok(value),
        }
    }

    /// `ARRAY[…]` of arrays.
    pub(crate) fn nested_array(&mut self, items: &[Expr]) -> Result<Scalar> {
        let mut shapes = items.iter().map(written_dimensions);
        let first = shapes.next().flatten();
        if let Some(inner) = first.filter(|f| f.iter().all(|n| *n > 0))
            && shapes.all(|s| s.as_ref() == Some(&inner))
        {
            // Of arrays that are too deep PostgreSQL tells the innermost.
            check_dimensions(inner.len().min(MAX_DIMENSIONS) + 1)?;
            let mut leaves = Vec::new();
            items.iter().for_each(|item| written_items(item, &mut leaves));
            let values = leaves.into_iter().map(|e| self.expr(e)).collect::<Result<Vec<_>>>()?;
            let (values, element) = self.meet(values, false)?;
            if element != Phys::Void {
                let lengths = std::iter::once(items.len()).chain(inner.iter().copied()).map(|n| n as i32);
                let shape: Vec<i32> = std::iter::once(inner.len() as i32 + 1)
                    .chain(lengths)
                    .chain(std::iter::repeat_n(1, inner.len() + 1))
                    .collect();
                return Ok(constant(values, element, &shape));
            }
        }
        let values = self.exprs(items)?;
        let (values, phys) = self.meet(values, false)?;
        if phys.array_element().is_none() {
            return Err(Error::unsupported("an array of arrays of this kind"));
        }
        let values = values.into_iter().map(|v| self.shaped(v)).collect::<Result<Vec<_>>>()?;
        let phys = values.first().map_or(Phys::Void, |v| v.phys.clone());
        let list = Scalar::template("[{*}]", values, Phys::Void).cast(list_of(phys));
        self.nest(list, Nest::Written)
    }

    /// A list of arrays of one shape as an array of a dimension more.
    pub(crate) fn nest(&mut self, list: Scalar, how: Nest) -> Result<Scalar> {
        self.once(list, |this, list| {
            let Phys::List(array) = list.phys.clone() else { return Err(Error::internal("lower: no list of arrays")) };
            let Some(element) = array.array_element().cloned() else {
                return Err(Error::internal("lower: a list of what are no arrays"));
            };
            let name = this.variable();
            let item = Scalar::new(Node::Variable(name), (*array).clone());
            let each = template!["list_transform({0}, lambda ", name, ": {1})"];
            let parts = Scalar::template(each.clone(), vec![list.clone(), items_of(item.clone())], Phys::Void);
            let items = Scalar::template("flatten({0})", vec![parts], Phys::Void).cast(list_of(element));
            let shape = Scalar::template("coalesce({0}, [])", vec![shape_of(item)], ints());
            let shapes = Scalar::template(each, vec![list.clone(), shape], list_of(ints()));
            let outer = this.once(shapes, |_, shapes| {
                let error = |code, message: &str| raise_message(code, message, &ints());
                let differs = match how {
                    Nest::Written => RAGGED,
                    Nest::Gathered => "cannot accumulate arrays of different dimensionality",
                };
                let text = match how {
                    Nest::Written => {
                        "CASE WHEN len(list_distinct({0})) > 1 THEN {2} \
                         ELSE dg_shape_outer(len({0}), coalesce(list_extract({0}, 1), [])) END"
                    }
                    Nest::Gathered => {
                        "CASE WHEN list_count({1}) < len({1}) THEN {3} WHEN len(list_distinct({0})) > 1 THEN {2} \
                         WHEN list_contains({0}, []) THEN {4} \
                         ELSE dg_shape_outer(len({0}), coalesce(list_extract({0}, 1), [])) END"
                    }
                };
                let args = vec![
                    shapes,
                    list.clone(),
                    error(SqlState::ARRAY_SUBSCRIPT_ERROR, differs),
                    error(SqlState::NULL_VALUE_NOT_ALLOWED, "cannot accumulate null arrays"),
                    error(SqlState::ARRAY_SUBSCRIPT_ERROR, "cannot accumulate empty arrays"),
                ];
                Ok(Scalar::template(text, args, ints()))
            })?;
            Ok(packed(items, outer))
        })
    }

    /// Subscripts of an array of any shape, or several of a list: an item for one each, else NULL; with a slice among
    /// them all are slices.
    pub(crate) fn shaped_subscript(&mut self, value: Scalar, indices: &[Subscript]) -> Result<Scalar> {
        check_dimensions(indices.len())?;
        let value = self.shaped(value)?;
        let Some(element) = value.phys.shaped_element().cloned() else {
            return Err(Error::unsupported("a subscript of this type"));
        };
        if indices.iter().any(|i| matches!(i, Subscript::Slice(..))) {
            let (lows, highs) = self.slice_bounds(indices)?;
            return self.once(value, |this, value| {
                let args = vec![shape_of(value.clone()), lows, highs];
                let plan = Scalar::call("dg_shape_slice", args, longs());
                this.planned(items_of(value), plan)
            });
        }
        let mut subscripts = Vec::with_capacity(indices.len());
        for index in indices {
            let Subscript::Index(index) = index else { continue };
            subscripts.push(self.expr(index)?);
        }
        let subscripts = Scalar::template("[{*}]", subscripts, Phys::Void).cast(longs());
        self.once(value, |_, value| {
            let at = Scalar::call("dg_shape_at", vec![shape_of(value.clone()), subscripts], Phys::Int8);
            Ok(Scalar::template("list_extract({0}, {1})", vec![items_of(value), at], element))
        })
    }

    /// The lower and the upper bounds of slices, with [`OMITTED`] for those that are left out.
    fn slice_bounds(&mut self, indices: &[Subscript]) -> Result<(Scalar, Scalar)> {
        let (mut lows, mut highs) = (Vec::with_capacity(indices.len()), Vec::with_capacity(indices.len()));
        let omitted = || Scalar::number(OMITTED, Phys::Void).cast(Phys::Int8);
        for index in indices {
            match index {
                // A single subscript among slices goes from 1.
                Subscript::Index(i) => {
                    lows.push(Scalar::int4(1));
                    highs.push(self.expr(i)?);
                }
                Subscript::Slice(from, to) => {
                    lows.push(from.as_ref().map_or_else(|| Ok(omitted()), |e| self.expr(e))?);
                    highs.push(to.as_ref().map_or_else(|| Ok(omitted()), |e| self.expr(e))?);
                }
            }
        }
        let list = |bounds| Scalar::template("[{*}]", bounds, Phys::Void).cast(longs());
        Ok((list(lows), list(highs)))
    }

    /// The array that a native's plan makes of a list's items; NULL if the plan is.
    pub(crate) fn planned(&mut self, items: Scalar, plan: Scalar) -> Result<Scalar> {
        self.once(items, |this, items| {
            let element = match &items.phys {
                Phys::List(element) => (**element).clone(),
                _ => return Err(Error::internal("lower: the items of no array")),
            };
            this.once(plan, |this, plan| {
                let name = this.variable();
                let text = template![
                    "CASE WHEN {0} IS NOT NULL THEN struct_pack(f1 := list_transform(list_slice({0}, {0}[1] + 2, len({0})), lambda ",
                    name,
                    ": list_extract({1}, ",
                    name,
                    ")), f2 := CAST(list_slice({0}, 2, {0}[1] + 1) AS INTEGER[])) END"
                ];
                Ok(Scalar::template(text, vec![plan, items], Phys::shaped(element)))
            })
        })
    }

    /// `a[i][j] = value` and `a[i:j] = value` where the array has any shape.
    pub(crate) fn put_shaped(&mut self, array: Scalar, indices: &[Subscript], value: &Expr) -> Result<Scalar> {
        check_dimensions(indices.len())?;
        let Some(element) = array.phys.shaped_element().cloned() else {
            return Err(Error::unsupported("assignment to elements of this type"));
        };
        let phys = array.phys.clone();
        let value = self.expr(value)?;
        let empty = |phys: &Phys| Scalar::text("[]", Phys::Void).cast(phys.clone());
        let known = |list: Scalar| {
            let phys = list.phys.clone();
            Scalar::template("coalesce({0}, {1})", vec![list, empty(&phys)], phys)
        };
        if indices.iter().any(|i| matches!(i, Subscript::Slice(..))) {
            let (lows, highs) = self.slice_bounds(indices)?;
            let value = self.coerce(items_of(value), &list_of(element))?;
            return self.once(array, |this, array| {
                this.once(value, |this, value| {
                    let items = known(items_of(array.clone()));
                    let count = Scalar::template("len({0})", vec![value.clone()], Phys::Int8);
                    let args = vec![known(shape_of(array.clone())), lows, highs, count];
                    let plan = Scalar::call("dg_shape_put_slice", args, longs());
                    let list = items.phys.clone();
                    let all = Scalar::template("list_concat({0}, {1})", vec![items, known(value.clone())], list);
                    let made = this.planned(all, plan)?;
                    // A NULL slice changes nothing; of a NULL array it makes an empty one.
                    let none = packed(empty(&list_of(element_of(&phys))), empty(&ints()));
                    let as_it_was = Scalar::template("coalesce({0}, {1})", vec![array, none], phys.clone());
                    Ok(Scalar::when(value.is_null(), as_it_was, made))
                })
            });
        }
        let mut subscripts = Vec::with_capacity(indices.len());
        for index in indices {
            let Subscript::Index(index) = index else { continue };
            subscripts.push(self.expr(index)?);
        }
        let subscripts = Scalar::template("[{*}]", subscripts, Phys::Void).cast(longs());
        let value = self.coerce(value, &element)?;
        self.once(array, |this, array| {
            let items = known(items_of(array.clone()));
            let plan = Scalar::call("dg_shape_put", vec![known(shape_of(array)), subscripts], longs());
            let list = items.phys.clone();
            let all = Scalar::template("list_append({0}, {1})", vec![items, value], list);
            this.planned(all, plan)
        })
    }

    /// The items and the shape of an array, one by one, for [`Self::map_items`].
    fn map_shaped(
        &mut self,
        array: Scalar,
        body: impl FnOnce(&mut Self, Scalar) -> Result<Scalar>,
    ) -> Result<(Scalar, Scalar)> {
        let (items, shape) = (items_of(array.clone()), shape_of(array));
        let Phys::List(element) = items.phys.clone() else {
            return Err(Error::internal("lower: the items of no array"));
        };
        let variable = self.variable();
        let body = body(self, Scalar::new(Node::Variable(variable), *element))?;
        let body = self.settle(body);
        let phys = list_of(body.phys.clone());
        let text = template!["list_transform({0}, lambda ", variable, ": {1})"];
        Ok((Scalar::template(text, vec![items, body], phys), shape))
    }

    /// The array with each item made anew.
    pub(crate) fn map_items(
        &mut self,
        array: Scalar,
        body: impl FnOnce(&mut Self, Scalar) -> Result<Scalar>,
    ) -> Result<Scalar> {
        self.once(array, |this, array| {
            let (items, shape) = this.map_shaped(array, body)?;
            Ok(packed(items, shape))
        })
    }

    /// The text of an array, or its JSON: what `body` writes of each item, in brackets as the shape says.
    pub(crate) fn shaped_text(
        &mut self,
        array: Scalar,
        native: &'static str,
        separator: Option<Scalar>,
        body: impl FnOnce(&mut Self, Scalar) -> Result<Scalar>,
    ) -> Result<Scalar> {
        self.once(array, |this, array| {
            let (texts, shape) = this.map_shaped(array, body)?;
            let args = [texts, shape].into_iter().chain(separator).collect();
            Ok(Scalar::call(native, args, Phys::Text))
        })
    }
}

fn element_of(phys: &Phys) -> Phys {
    phys.array_element().cloned().unwrap_or(Phys::Void)
}
