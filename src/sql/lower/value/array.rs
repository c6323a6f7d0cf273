//! Arrays: LISTs where they have one dimension from 1; others are in `shaped.rs`.
//!
//! `ARRAY[1, 2]` → `[1, 2]`, `a[i]` → NULL outside of the bounds, `a[2:3]`, `ARRAY(SELECT …)` → `(SELECT coalesce(list(c0), []) FROM …)`

use crate::error::{Error, Result};
use crate::facts::Proc;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{self, Alias, Body, From, Node, Scalar, Select};
use crate::sql::lower::query::aggregate::Clauses;
use crate::tree::{Expr, Query, Subscript};
use crate::types::{PgType, Phys, oid};

use super::shaped::{Nest, is_shaped, is_vector};

impl Lowerer<'_> {
    pub(crate) fn array(&mut self, items: &[Expr], nested: bool, ty: PgType) -> Result<Scalar> {
        if nested {
            return self.nested_array(items);
        }
        let values = self.exprs(items)?;
        let (values, mut element) = self.meet(values, false)?;
        if element == Phys::Void {
            element = match self.phys(ty)? {
                Phys::List(element) => *element,
                _ => return Err(Error::internal("lower: ARRAY of no array type")),
            };
        }
        let phys = Phys::List(Box::new(element));
        let list = Scalar::template("[{*}]", values, Phys::Void);
        Ok(list.cast(phys))
    }

    pub(crate) fn array_subquery(&mut self, query: &Query) -> Result<Scalar> {
        let inner = self.inner_query(query)?;
        let element = inner.columns.first().cloned().unwrap_or(Phys::Void);
        let phys = Phys::List(Box::new(element.clone()));
        let alias = self.make();
        let column = Scalar::column(alias, ir::output_name(0), element);
        let query = gathered(column, derived(inner, alias), &phys);
        let arrays = phys.array_element().is_some_and(|element| element.array_element().is_some());
        let list = Scalar::new(Node::Subquery(Box::new(query)), phys);
        if arrays { self.nest(list, Nest::Gathered) } else { Ok(list) }
    }

    pub(crate) fn subscript(&mut self, array: &Expr, indices: &[Subscript]) -> Result<Scalar> {
        let value = self.expr(array)?;
        let [index] = indices else { return self.shaped_subscript(value, indices) };
        if is_shaped(&value.phys) {
            return self.shaped_subscript(value, indices);
        }
        // Vectors and names count from 0.
        if is_vector(array.ty) && matches!(index, Subscript::Slice(..)) {
            let value = self.from_zero(value)?;
            return self.shaped_subscript(value, indices);
        }
        let from_zero = is_vector(array.ty) || array.ty.oid == oid::NAME;
        let (Phys::List(element), false) = (value.phys.clone(), from_zero) else {
            return self.subscript_from_zero(value, index);
        };
        // Of a NULL alone DuckDB would not know the item's type.
        if value.is_null_literal() && matches!(index, Subscript::Index(_)) {
            return Ok(Scalar::null(*element));
        }
        match index {
            Subscript::Index(i) => {
                let i = self.expr(i)?;
                if i.is_null_literal() {
                    let text = "CASE WHEN {1} > 0 THEN list_extract({0}, {1}) END";
                    return Ok(Scalar::template(text, vec![value, i], Phys::Void).cast(*element));
                }
                // DuckDB counts negative subscripts from the end; PostgreSQL has nothing there.
                if let Node::Cast(inner) = &i.node
                    && let Node::Text(text) = &inner.node
                    && text.parse::<i64>().is_ok_and(|n| n > 0)
                {
                    return Ok(Scalar::template("list_extract({0}, {1})", vec![value, i], *element));
                }
                self.bind_once(i, |_, i| {
                    let text = "CASE WHEN {1} > 0 THEN list_extract({0}, {1}) END";
                    Ok(Scalar::template(text, vec![value, i], *element))
                })
            }
            Subscript::Slice(from, to) => {
                let phys = value.phys.clone();
                let from = from.as_ref().map(|e| self.expr(e)).transpose()?;
                let to = to.as_ref().map(|e| self.expr(e)).transpose()?;
                let from = from.unwrap_or_else(|| Scalar::int4(1));
                self.bind_once(value, |_, value| {
                    let to = to.unwrap_or_else(|| Scalar::template("len({0})", vec![value.clone()], Phys::Int8));
                    let text = "CASE WHEN {1} IS NULL OR {2} IS NULL THEN NULL WHEN {2} < 1 THEN {0}[1:0] \
                                ELSE list_slice({0}, greatest({1}, 1), {2}) END";
                    Ok(Scalar::template(text, vec![value, from, to], phys))
                })
            }
        }
    }

    fn subscript_from_zero(&mut self, value: Scalar, index: &Subscript) -> Result<Scalar> {
        let (text, phys, index) = match (value.phys.clone(), index) {
            (Phys::List(element), Subscript::Index(index)) => ("list_extract({0}, {1} + 1)", *element, index),
            (Phys::Text, Subscript::Index(index)) => ("substr({0}, {1} + 1, 1)", Phys::Text, index),
            _ => return Err(Error::unsupported("a subscript of this type")),
        };
        let index = self.expr(index)?;
        self.bind_once(index, |_, index| {
            let item = Scalar::template(text, vec![value, index.clone()], phys.clone());
            Ok(Scalar::template("CASE WHEN {1} >= 0 THEN {0} END", vec![item, index], phys))
        })
    }

    /// Fails for functions that would give a label that is not committed.
    pub(crate) fn labels_are_safe(&self, function: &str, ty: PgType) -> Result<()> {
        let (Ok(Phys::Enum(labels)), Some(found)) = (self.phys(ty), self.cx.snapshot.user_type_by_oid(ty.oid)) else {
            return Ok(());
        };
        let given = match function {
            "enum_first" => labels.first().into_iter().collect(),
            "enum_last" => labels.last().into_iter().collect(),
            _ => labels.iter().collect::<Vec<_>>(),
        };
        given.into_iter().try_for_each(|label| found.check_label_is_safe(label))
    }

    /// Array functions that are this module's own.
    pub(crate) fn array_function(&mut self, func: &'static Proc, args: &[Scalar]) -> Result<Option<Scalar>> {
        if args.iter().any(|a| is_shaped(&a.phys)) && takes_arrays(func.name) {
            if let Some(value) = self.shaped_function(func, args)? {
                return Ok(Some(value));
            }
            let args = self.plain_arguments(func, args.to_vec())?;
            return self.array_function(func, &args);
        }
        let result = |list: Scalar| Ok(Some(list));
        match (func.name, args) {
            ("array_append", [list, item]) => {
                let (list, item, phys) = self.list_and_item(list.clone(), item.clone())?;
                result(Scalar::template("list_append(coalesce({0}, []), {1})", vec![list, item], phys))
            }
            ("array_prepend", [item, list]) => {
                let (list, item, phys) = self.list_and_item(list.clone(), item.clone())?;
                result(Scalar::template("list_prepend({1}, coalesce({0}, []))", vec![list, item], phys))
            }
            ("array_cat", [left, right]) => {
                let (values, phys) = self.meet(vec![left.clone(), right.clone()], false)?;
                let text = "CASE WHEN {0} IS NULL THEN {1} WHEN {1} IS NULL THEN {0} ELSE list_concat({0}, {1}) END";
                result(Scalar::template(text, values, phys))
            }
            ("enum_first" | "enum_last" | "enum_range", [value]) => {
                let Phys::Enum(labels) = value.phys.clone() else { return Ok(None) };
                let all = Phys::List(Box::new(value.phys.clone()));
                if func.name == "enum_range" {
                    return result(Scalar::template("enum_range({0})", vec![Scalar::null(value.phys.clone())], all));
                }
                let label = if func.name == "enum_first" { labels.first() } else { labels.last() };
                let Some(label) = label else { return Ok(None) };
                result(Scalar::literal(label.clone(), Phys::Text).cast(value.phys.clone()))
            }
            ("enum_range", [from, to]) => {
                let ((Phys::Enum(labels), _) | (_, Phys::Enum(labels))) = (&from.phys, &to.phys) else {
                    return Ok(None);
                };
                let last = Scalar::number(labels.len() as u32, Phys::Int8);
                let phys = Phys::Enum(labels.clone());
                let none = Scalar::null(phys.clone());
                let ends = [from, to].map(|end| end.clone().cast(phys.clone()));
                let [from, to] = ends;
                let text = "list_slice(enum_range({0}), coalesce(enum_code({1})::BIGINT + 1, 1), coalesce(enum_code({2})::BIGINT + 1, {3}))";
                result(Scalar::template(text, vec![none, from, to, last], Phys::List(Box::new(phys))))
            }
            ("array_length" | "cardinality" | "array_upper" | "array_lower" | "array_ndims", _) => {
                result(array_size(func.name, args))
            }
            _ => self.array_search(func, args),
        }
    }

    pub(crate) fn list_and_item(&mut self, list: Scalar, item: Scalar) -> Result<(Scalar, Scalar, Phys)> {
        let single = Scalar::template("[{0}]", vec![item.clone()], Phys::List(Box::new(item.phys.clone())));
        let (_, phys) = self.meet(vec![list.clone(), single], false)?;
        let list = self.coerce(list, &phys)?;
        let item = match &phys {
            Phys::List(element) => self.coerce(item, element)?,
            other => match other.shaped_element() {
                Some(element) => self.coerce(item, element)?,
                None => item,
            },
        };
        Ok((list, item, phys))
    }
}

/// The array functions of this module and of `array_search.rs`.
fn takes_arrays(name: &str) -> bool {
    name.starts_with("array_") || matches!(name, "cardinality" | "trim_array" | "width_bucket")
}

/// The length of a list is NULL for an empty array, as for a dimension that it does not have.
fn array_size(name: &str, args: &[Scalar]) -> Scalar {
    let text = match name {
        "cardinality" => "CAST(len({0}) AS INTEGER)",
        "array_ndims" => "CASE WHEN len({0}) > 0 THEN 1 END",
        "array_lower" => "CASE WHEN {1} = 1 AND len({0}) > 0 THEN 1 END",
        _ => "CASE WHEN {1} = 1 AND len({0}) > 0 THEN CAST(len({0}) AS INTEGER) END",
    };
    Scalar::template(text, args.to_vec(), Phys::Int4)
}

/// A query that is nothing but a select.
pub(crate) fn plain_query(select: Select, columns: Vec<Phys>) -> ir::Query {
    ir::Query {
        ctes: Vec::new(),
        recursive: false,
        body: Body::Select(Box::new(select)),
        order_by: Vec::new(),
        limit: None,
        offset: None,
        columns,
    }
}

/// The list of a column. The order of the relation is the order of the list: DuckDB keeps it (preserve_insertion_order).
pub(crate) fn gathered(column: Scalar, from: From, phys: &Phys) -> ir::Query {
    let clauses = Clauses { distinct: false, order_by: Vec::new(), filter: None, over: None };
    let list = clauses.call("list", vec![column], phys.clone());
    let list = Scalar::template("coalesce({0}, [])", vec![list], Phys::Void).cast(phys.clone());
    plain_query(Select { targets: vec![list], from: vec![from], ..Select::default() }, vec![phys.clone()])
}

/// A query's output as a relation under an alias.
pub(crate) fn derived(query: ir::Query, alias: Alias) -> From {
    From::Query { query: Box::new(query), alias, lateral: false }
}
