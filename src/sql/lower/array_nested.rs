//! Arrays of several dimensions where their number is known before anything runs: lists of lists, all of one shape.
//!
//! `ARRAY[[1, 2], [3, 4]]` → `[[1, 2], [3, 4]]`, `a[1][2]` → `list_extract(list_extract(a, 1), 2)`, `unnest(a)` → of `flatten(a)`

use crate::error::{Error, Result, SqlState};
use crate::facts::Proc;
use crate::tree::{Expr, ExprKind, Subscript};
use crate::types::Phys;

use super::Lowerer;
use super::ir::{Node, Scalar, Variable, template};
use super::raise::{raise, raise_message};

/// How many dimensions PostgreSQL's arrays have at most.
const MAX_DIMENSIONS: usize = 6;
/// What a list of arrays that differ in shape says.
pub(super) const RAGGED: &str = "multidimensional arrays must have array expressions with matching dimensions";

/// The number of lists inside each other.
pub(super) fn depth(phys: &Phys) -> usize {
    match phys {
        Phys::List(element) => 1 + depth(element),
        _ => 0,
    }
}

fn leaf(phys: &Phys) -> Phys {
    match phys {
        Phys::List(element) => leaf(element),
        other => other.clone(),
    }
}

/// All items of all dimensions in one list.
pub(super) fn flat(list: Scalar) -> Scalar {
    let mut list = list;
    while let Phys::List(element) = list.phys.clone()
        && matches!(*element, Phys::List(_))
    {
        list = Scalar::template("flatten({0})", vec![list], *element);
    }
    list
}

/// Refuses a function that takes lists of one dimension only.
pub(super) fn refuse_nested(func: &Proc, args: &[Scalar]) -> Result<()> {
    if args.iter().all(|a| depth(&a.phys) < 2) || matches!(func.name, "pg_typeof" | "num_nulls" | "num_nonnulls") {
        return Ok(());
    }
    Err(Error::unsupported(format!("function {} of an array of more than one dimension", func.name)))
}

/// The dimensions of an array that is written out.
fn written_dimensions(e: &Expr) -> Option<Vec<usize>> {
    let ExprKind::Array { items, nested } = &e.kind else { return None };
    let mut out = vec![items.len()];
    if *nested {
        let first = written_dimensions(items.first()?)?;
        if items.iter().any(|i| written_dimensions(i).as_ref() != Some(&first)) {
            return None;
        }
        out.extend(first);
    }
    Some(out)
}

impl Lowerer<'_> {
    /// `ARRAY[…]` of arrays.
    pub(super) fn nested_array(&mut self, items: &[Expr]) -> Result<Scalar> {
        let values = self.exprs(items)?;
        let (values, element) = self.meet(values, false)?;
        let wide = depth(&element);
        if wide == 0 || wide >= MAX_DIMENSIONS {
            return Err(Error::unsupported("an array of arrays of this kind"));
        }
        let phys = Phys::List(Box::new(element));
        let list = Scalar::template("[{*}]", values, Phys::Void).cast(phys);
        let mut shapes = items.iter().map(written_dimensions);
        let first = shapes.next().flatten();
        if first.as_ref().is_some_and(|f| f.iter().all(|n| *n > 0)) && shapes.all(|s| s == first) {
            return Ok(list);
        }
        self.rectangular(list, SqlState::ARRAY_SUBSCRIPT_ERROR, RAGGED)
    }

    /// The list, if all of its items are of one shape; of empty ones an empty array.
    pub(super) fn rectangular(&mut self, list: Scalar, code: SqlState, message: &str) -> Result<Scalar> {
        let Phys::List(element) = list.phys.clone() else {
            return Err(Error::internal("lower: an array that is no list"));
        };
        self.made += 1;
        let name = Variable(self.made);
        let item = Scalar::new(Node::Variable(name), (*element).clone());
        let shape = shape_text(item, depth(&element));
        let error = raise_message(code, message, &list.phys);
        self.bind_once(list, |_, list| {
            let phys = list.phys.clone();
            let text = template!(
                "CASE WHEN {0} IS NULL THEN NULL WHEN len(list_distinct(list_transform({0}, lambda ",
                name,
                ": {1}))) > 1 THEN {2} WHEN coalesce(len(list_extract({0}, 1)), 0) = 0 THEN [] ELSE {0} END"
            );
            Ok(Scalar::template(text, vec![list, shape, error], phys))
        })
    }

    /// Subscripts of an array of several dimensions, or several of one: an item for one each, else NULL; with a slice
    /// among them all are slices.
    pub(super) fn nested_subscript(&mut self, value: Scalar, indices: &[Subscript]) -> Result<Scalar> {
        let dimensions = depth(&value.phys);
        if indices.len() > MAX_DIMENSIONS {
            let message = format!(
                "number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMENSIONS})",
                indices.len()
            );
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        if indices.iter().any(|i| matches!(i, Subscript::Slice(..))) {
            return self.nested_slice(value, indices);
        }
        let item = leaf(&value.phys);
        let mut current = value;
        for index in indices {
            let Subscript::Index(index) = index else { continue };
            let index = self.expr(index)?;
            let Phys::List(element) = current.phys.clone() else { return Ok(Scalar::null(item)) };
            current = self.bind_once(index, |_, i| {
                Ok(Scalar::template("CASE WHEN {1} > 0 THEN list_extract({0}, {1}) END", vec![current, i], *element))
            })?;
        }
        Ok(if indices.len() == dimensions { current } else { Scalar::null(item) })
    }

    fn nested_slice(&mut self, value: Scalar, indices: &[Subscript]) -> Result<Scalar> {
        let phys = value.phys.clone();
        let mut bounds = Vec::with_capacity(indices.len());
        for index in indices {
            let (from, to) = match index {
                // A single subscript among slices goes from 1.
                Subscript::Index(i) => (None, Some(self.expr(i)?)),
                Subscript::Slice(from, to) => {
                    let from = from.as_ref().map(|e| self.expr(e)).transpose()?;
                    (from, to.as_ref().map(|e| self.expr(e)).transpose()?)
                }
            };
            bounds.push((from.unwrap_or_else(|| Scalar::int4(1)), to));
        }
        if bounds.len() > depth(&phys) {
            return Ok(Scalar::template("CASE WHEN {0} IS NOT NULL THEN [] END", vec![value], phys));
        }
        let given: Vec<Scalar> =
            bounds.iter().flat_map(|(from, to)| std::iter::once(from.clone()).chain(to.clone())).collect();
        self.bind_once(value, |this, value| {
            let sliced = this.slice_dimension(value.clone(), &bounds);
            // A NULL bound makes the whole NULL; a dimension without items makes it empty.
            let nulls: Vec<Scalar> = given.into_iter().chain([value]).map(Scalar::is_null).collect();
            let any_null = Scalar::new(Node::Or(nulls), Phys::Bool);
            this.bind_once(sliced, |_, sliced| {
                let text = "CASE WHEN {1} THEN NULL WHEN len({0}) = 0 OR len({2}) = 0 THEN [] ELSE {0} END";
                let items = flat(sliced.clone());
                Ok(Scalar::template(text, vec![sliced, any_null, items], phys))
            })
        })
    }

    fn slice_dimension(&mut self, value: Scalar, bounds: &[(Scalar, Option<Scalar>)]) -> Scalar {
        let Some(((from, to), rest)) = bounds.split_first() else { return value };
        let phys = value.phys.clone();
        let to = to.clone().unwrap_or_else(|| Scalar::template("len({0})", vec![value.clone()], Phys::Int8));
        let text = "CASE WHEN {2} < 1 THEN [] ELSE list_slice({0}, greatest({1}, 1), {2}) END";
        let sliced = Scalar::template(text, vec![value, from.clone(), to], phys.clone());
        let Phys::List(element) = phys.clone() else { return sliced };
        if rest.is_empty() {
            return sliced;
        }
        self.made += 1;
        let name = Variable(self.made);
        let inner = self.slice_dimension(Scalar::new(Node::Variable(name), *element), rest);
        Scalar::template(template!("list_transform({0}, lambda ", name, ": {1})"), vec![sliced, inner], phys)
    }

    /// array_dims() and its kin of several dimensions; `None` for other functions.
    pub(super) fn nested_function(&mut self, func: &'static Proc, args: &[Scalar]) -> Result<Option<Scalar>> {
        let Some(list) = args.first() else { return Ok(None) };
        let dimensions = depth(&list.phys);
        let mut lengths = Vec::with_capacity(dimensions);
        let mut inner = list.clone();
        while let Phys::List(element) = inner.phys.clone() {
            lengths.push(Scalar::template("CAST(len({0}) AS INTEGER)", vec![inner.clone()], Phys::Int4));
            inner = Scalar::template("list_extract({0}, 1)", vec![inner], *element);
        }
        let by_dimension = |values: Vec<Scalar>, wanted: &Scalar| {
            let numbered = values.into_iter().enumerate();
            let whens = numbered.map(|(i, value)| {
                let number = Scalar::int4(i as i32 + 1);
                (Scalar::template("({0} = {1})", vec![wanted.clone(), number], Phys::Bool), value)
            });
            Scalar::new(Node::Case { whens: whens.collect(), otherwise: None }, Phys::Int4)
        };
        let value = match (func.name, args) {
            ("array_length" | "array_upper", [_, wanted]) => by_dimension(lengths, wanted),
            ("array_lower", [_, wanted]) => by_dimension(vec![Scalar::int4(1); dimensions], wanted),
            ("array_ndims", [_]) => Scalar::int4(dimensions as i32),
            ("array_dims", [_]) => {
                let parts = lengths.into_iter().map(|n| Scalar::template("'[1:' || {0} || ']'", vec![n], Phys::Text));
                Scalar::template("concat({*})", parts.collect(), Phys::Text)
            }
            ("cardinality", [list]) => {
                let text = "CAST(len({0}) AS INTEGER)";
                return Ok(Some(Scalar::template(text, vec![flat(list.clone())], Phys::Int4)));
            }
            ("array_cat", [left, right]) => return self.nested_cat(left, right).map(Some),
            _ => return Ok(None),
        };
        // An empty array has no dimensions.
        let phys = value.phys.clone();
        Ok(Some(Scalar::template("CASE WHEN len({0}) > 0 THEN {1} END", vec![list.clone(), value], phys)))
    }

    fn nested_cat(&mut self, left: &Scalar, right: &Scalar) -> Result<Scalar> {
        let (l, r) = (depth(&left.phys), depth(&right.phys));
        let wrap = |item: &Scalar| {
            let phys = Phys::List(Box::new(item.phys.clone()));
            Scalar::template("CASE WHEN len({0}) > 0 THEN [{0}] ELSE [] END", vec![item.clone()], phys)
        };
        let (left, right) = match (l, r) {
            _ if l == r => (left.clone(), right.clone()),
            _ if l == r + 1 => (left.clone(), wrap(right)),
            _ if l + 1 == r => (wrap(left), right.clone()),
            _ => {
                let message = "cannot concatenate incompatible arrays";
                return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message));
            }
        };
        let (mut values, phys) = self.meet(vec![left, right], false)?;
        let unknown = Error::unsupported("concatenation of a NULL array with one of more dimensions");
        values.push(raise(&unknown, &phys));
        let text = if l == r {
            "CASE WHEN {0} IS NULL THEN {1} WHEN {1} IS NULL THEN {0} ELSE list_concat({0}, {1}) END"
        } else {
            "CASE WHEN {0} IS NULL OR {1} IS NULL THEN {2} ELSE list_concat({0}, {1}) END"
        };
        let joined = Scalar::template(text, values, phys);
        self.rectangular(joined, SqlState::ARRAY_SUBSCRIPT_ERROR, "cannot concatenate incompatible arrays")
    }
}

/// The lengths of all dimensions of an array, as text.
fn shape_text(item: Scalar, dimensions: usize) -> Scalar {
    let mut parts = Vec::with_capacity(dimensions);
    let mut current = item;
    while let Phys::List(element) = current.phys.clone() {
        parts.push(Scalar::template("coalesce(len({0}), 0) || ','", vec![current.clone()], Phys::Text));
        current = Scalar::template("list_extract({0}, 1)", vec![current], *element);
    }
    Scalar::template("concat({*})", parts, Phys::Text)
}
