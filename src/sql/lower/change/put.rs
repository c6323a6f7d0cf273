//! Assignment to parts of columns: the column's new value.
//!
//! `SET a[3] = 1` → `list_concat(list_concat(list_resize(a, 2), [1]), list_slice(a, 4, len(a)))`,
//! `SET c.f = 1` → the row with another value in that field, `SET j['a'] = '1'` → `dg_jsonb_assign(j, ['a'], '1', false)`

use crate::error::{Error, Result, SqlState};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{Node, Scalar};
use crate::sql::lower::value::raise::{raise, raise_message};
use crate::tree::{Expr, Place, Subscript};
use crate::types::{PgType, Phys, oid};

/// How many elements an array may have.
const MAX_ELEMENTS: i32 = 134_217_727;

impl Lowerer<'_> {
    pub(crate) fn put(&mut self, whole: &Expr, place: &Place, value: &Expr, ty: PgType) -> Result<Scalar> {
        let phys = self.phys(ty)?;
        let row = self.expr(whole)?;
        let row = self.coerce(row, &phys)?;
        match place {
            Place::Field(field) => {
                let Phys::Row(fields) = &phys else { return Err(Error::internal("lower: a field of no row")) };
                let fields = fields.clone();
                let value = self.expr(value)?;
                let mut values = Vec::with_capacity(fields.len());
                for (i, phys) in fields.iter().enumerate() {
                    values.push(match i == usize::from(*field) {
                        true => self.coerce(value.clone(), phys)?,
                        false => crate::sql::lower::value::row::field_of(row.clone(), i, phys.clone()),
                    });
                }
                self.row_of(values)
            }
            Place::Items(indices) if row.phys == Phys::Jsonb => self.put_jsonb(row, indices, value),
            Place::Items(indices) if row.phys == Phys::Coded(oid::HSTORE) => self.put_hstore(row, indices, value),
            Place::Items(indices) => self.put_items(row, indices, value),
        }
    }

    fn put_jsonb(&mut self, json: Scalar, indices: &[Subscript], value: &Expr) -> Result<Scalar> {
        let mut path = Vec::with_capacity(indices.len());
        let mut of_array = false;
        for index in indices {
            let Subscript::Index(index) = index else { return Err(Error::internal("lower: a slice of jsonb")) };
            let index = self.expr(index)?;
            of_array |= path.is_empty() && index.phys == Phys::Int4;
            path.push(if index.phys == Phys::Text { index } else { index.cast(Phys::Text) });
        }
        let texts = Phys::List(Box::new(Phys::Text));
        let path = Scalar::template("[{*}]", path, texts);
        let value = self.expr(value)?;
        let args = vec![json, path, value, Scalar::bool(of_array)];
        Ok(Scalar::call("dg_jsonb_assign", args, Phys::Jsonb))
    }

    /// `h['a'] = 'b'` → `dg_hstore_concat(h, dg_hstore_pair('a', 'b'))`
    fn put_hstore(&mut self, map: Scalar, indices: &[Subscript], value: &Expr) -> Result<Scalar> {
        let [Subscript::Index(key)] = indices else { return Err(Error::internal("lower: subscripts of hstore")) };
        let (key, value, phys) = (self.expr(key)?, self.expr(value)?, map.phys.clone());
        self.bind_once(key, |this, key| {
            this.bind_once(map, |_, map| {
                let message = "hstore subscript in assignment must not be null";
                let missing = raise_message(SqlState::NULL_VALUE_NOT_ALLOWED, message, &phys);
                let pair = Scalar::call("dg_hstore_pair", vec![key.clone(), value], phys.clone());
                let text =
                    "CASE WHEN {0} IS NULL THEN {1} WHEN {2} IS NULL THEN {3} ELSE dg_hstore_concat({2}, {3}) END";
                Ok(Scalar::template(text, vec![key, missing, map, pair], phys))
            })
        })
    }

    fn put_items(&mut self, list: Scalar, indices: &[Subscript], value: &Expr) -> Result<Scalar> {
        if crate::sql::lower::value::shaped::is_shaped(&list.phys) {
            return self.put_shaped(list, indices, value);
        }
        let Phys::List(element) = list.phys.clone() else {
            return Err(Error::unsupported("assignment to elements of this type"));
        };
        let [index] = indices else { return Ok(several_dimensions(list)) };
        let value = self.expr(value)?;
        match index {
            Subscript::Index(index) => {
                let index = self.expr(index)?;
                let value = self.coerce(value, &element)?;
                self.bind_once(index, |this, i| this.bind_once(list, |_, list| Ok(with_item(list, i, value))))
            }
            Subscript::Slice(from, to) => {
                let from = from.as_ref().map(|e| self.expr(e)).transpose()?;
                let to = to.as_ref().map(|e| self.expr(e)).transpose()?;
                let phys = list.phys.clone();
                let value = self.coerce(value, &phys)?;
                self.bind_once(list, |this, list| {
                    this.bind_once(value, |this, value| {
                        let complete = from.is_some() && to.is_some();
                        let from = from.unwrap_or_else(|| Scalar::int4(1));
                        let to = to.unwrap_or_else(|| Scalar::template("len({0})", vec![list.clone()], Phys::Int8));
                        this.bind_once(from, |this, from| {
                            this.bind_once(to, |_, to| Ok(with_slice(list, (from, to), value, complete)))
                        })
                    })
                })
            }
        }
    }
}

fn null_subscript(phys: &Phys) -> Scalar {
    let message = "array subscript in assignment must not be null";
    raise_message(SqlState::NULL_VALUE_NOT_ALLOWED, message, phys)
}

fn other_bounds(phys: &Phys) -> Scalar {
    let error = Error::unsupported("an array whose subscripts do not begin with 1")
        .hint("Assign to the element with subscript 1 first, or declare the column with several pairs of brackets.");
    raise(&error, phys)
}

fn too_large(phys: &Phys) -> Scalar {
    let message = format!("array size exceeds the maximum allowed ({MAX_ELEMENTS})");
    raise_message(SqlState::PROGRAM_LIMIT_EXCEEDED, &message, phys)
}

/// Several subscripts of an array of one dimension (or none, which would get more).
fn several_dimensions(list: Scalar) -> Scalar {
    let phys = list.phys.clone();
    let wrong = raise_message(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts", &phys);
    let more = Error::unsupported("an array of more than one dimension in a column that was declared with one")
        .hint("A column takes such arrays if it is declared with several pairs of brackets.");
    let more = raise(&more, &phys);
    Scalar::template("CASE WHEN len({0}) > 0 THEN {1} ELSE {2} END", vec![list, wrong, more], phys)
}

fn with_item(list: Scalar, index: Scalar, value: Scalar) -> Scalar {
    let phys = list.phys.clone();
    let errors = (null_subscript(&phys), other_bounds(&phys), too_large(&phys));
    let most = Scalar::int4(MAX_ELEMENTS);
    let text = "CASE WHEN {1} IS NULL THEN {3} WHEN {1} > {6} THEN {5} \
                WHEN {1} < 1 OR ({1} > 1 AND coalesce(len({0}), 0) = 0) THEN {4} \
                ELSE list_concat(list_concat(list_resize(coalesce({0}, []), {1} - 1), [{2}]), \
                list_slice(coalesce({0}, []), CAST({1} AS BIGINT) + 1, len({0}))) END";
    Scalar::template(text, vec![list, index, value, errors.0, errors.1, errors.2, most], phys)
}

fn with_slice(list: Scalar, (from, to): (Scalar, Scalar), value: Scalar, complete: bool) -> Scalar {
    let phys = list.phys.clone();
    let subscript_error = |message: &str| raise_message(SqlState::ARRAY_SUBSCRIPT_ERROR, message, &phys);
    let incomplete = raise(
        &Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "array slice subscript must provide both boundaries")
            .detail("When assigning to a slice of an empty array value, slice boundaries must be fully specified."),
        &phys,
    );
    let empty = Scalar::template("(coalesce(len({0}), 0) = 0)", vec![list.clone()], Phys::Bool);
    let count = Scalar::template("(CAST({1} AS BIGINT) - {0} + 1)", vec![from.clone(), to.clone()], Phys::Int8);
    let is = |text: &'static str, args: Vec<Scalar>| Scalar::template(text, args, Phys::Bool);
    let mut whens = vec![
        (is("({0} IS NULL OR {1} IS NULL)", vec![from.clone(), to.clone()]), null_subscript(&phys)),
        // A NULL slice changes nothing; of a NULL array it makes an empty one.
        (value.clone().is_null(), Scalar::template("coalesce({0}, [])", vec![list.clone()], phys.clone())),
    ];
    if !complete {
        whens.push((empty.clone(), incomplete));
    }
    whens.extend([
        (
            is("({0} > {1} AND NOT {2})", vec![from.clone(), to.clone(), empty.clone()]),
            subscript_error("upper bound cannot be less than lower bound"),
        ),
        (is("({0} > {1})", vec![to.clone(), Scalar::int4(MAX_ELEMENTS)]), too_large(&phys)),
        (is("(len({0}) < {1})", vec![value.clone(), count.clone()]), subscript_error("source array too small")),
        (is("({0} < 1 OR ({0} > 1 AND {1}))", vec![from.clone(), empty]), other_bounds(&phys)),
    ]);
    let text = "list_concat(list_concat(list_resize(coalesce({0}, []), {1} - 1), list_slice({3}, 1, {4})), \
                list_slice(coalesce({0}, []), CAST({2} AS BIGINT) + 1, len({0})))";
    let assigned = Scalar::template(text, vec![list, from, to, value, count], phys.clone());
    Scalar::new(Node::Case { whens, otherwise: Some(Box::new(assigned)) }, phys)
}
