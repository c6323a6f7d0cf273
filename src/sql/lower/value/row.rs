//! Row values: STRUCTs with fields f1, f2 …
//!
//! `ROW(1, 'a')` → `{'f1': 1, 'f2': 'a'}`, `(a, b) < (c, d)` → `(a < c OR (a = c AND b < d))`, `t` → a row of its columns

use crate::error::{Error, Result};
use crate::facts::Proc;
use crate::sql::lower::ir::{Node, Piece, Scalar, Template, template};
use crate::sql::lower::{Lowerer, Means};
use crate::tree::{Expr, RelId};
use crate::types::{PgType, Phys, RowTypes};

/// Field `index` (from 0) of a row.
pub(crate) fn field_of(row: Scalar, index: usize, phys: Phys) -> Scalar {
    Scalar::template(template!["struct_extract({0}, 'f", index + 1, "')"], vec![row], phys)
}

/// All fields of a row.
pub(crate) fn fields(row: &Scalar) -> Result<Vec<Scalar>> {
    let Phys::Row(fields) = &row.phys else { return Err(Error::internal("lower: no row")) };
    Ok(fields.iter().enumerate().map(|(i, phys)| field_of(row.clone(), i, phys.clone())).collect())
}

/// A row of these.
pub(crate) fn row(fields: Vec<Scalar>) -> Scalar {
    if fields.is_empty() {
        return Scalar::template("struct_pack(f1 := TRUE)", fields, Phys::Row([].into()));
    }
    let fields: Vec<Scalar> = fields.into_iter().map(super::numeric::settled).collect();
    let phys = Phys::Row(fields.iter().map(|f| f.phys.clone()).collect());
    let mut text = vec![Piece::Word("struct_pack(")];
    for i in 0..fields.len() {
        let comma = if i > 0 { ", f" } else { "f" };
        text.extend([comma.into(), (i + 1).into(), " := {".into(), i.into(), Piece::Word("}")]);
    }
    text.push(Piece::Word(")"));
    Scalar::template(Template::of(&text), fields, phys)
}

impl Lowerer<'_> {
    /// See [`row`].
    pub(crate) fn row_of(&self, fields: Vec<Scalar>) -> Result<Scalar> {
        Ok(row(fields))
    }

    /// A row with its fields carried otherwise.
    pub(crate) fn coerce_row(&self, row: Scalar, fields: &[Phys]) -> Result<Scalar> {
        let Phys::Row(from) = row.phys.clone() else { return Err(Error::internal("lower: no row")) };
        if row.is_null_literal() {
            return Ok(Scalar::null(Phys::Row(fields.into())));
        }
        let values = from
            .iter()
            .zip(fields)
            .enumerate()
            .map(|(i, (from, to))| self.coerce(field_of(row.clone(), i, from.clone()), to));
        let values = values.collect::<Result<Vec<_>>>()?;
        let made = self.row_of(values)?;
        let phys = made.phys.clone();
        Ok(Scalar::template("CASE WHEN {0} IS NOT DISTINCT FROM NULL THEN NULL ELSE {1} END", vec![row, made], phys))
    }

    /// Columns of rows that are taken whole, by their names.
    pub(crate) fn fields_of<const N: usize>(&mut self, fields: [(&Expr, &str); N]) -> Result<[Scalar; N]> {
        let mut out = Vec::with_capacity(N);
        for (row, name) in fields {
            let shape = self.shape(Some(row), row.ty)?;
            let at = shape.0.iter().position(|field| *field.name == *name);
            let row = self.expr(row)?;
            let phys = match (&row.phys, at) {
                (Phys::Row(fields), Some(at)) => fields.get(at).cloned(),
                _ => None,
            };
            let (Some(at), Some(phys)) = (at, phys) else {
                return Err(Error::unsupported("this function of a row that is not a whole one of its catalog"));
            };
            out.push(field_of(row, at, phys));
        }
        out.try_into().map_err(|_| Error::internal("lower: fields"))
    }

    /// `t` as a value; NULL where an outer join found no row.
    pub(crate) fn whole_row(&mut self, rel: RelId) -> Result<Scalar> {
        if let Some(values) = self.substitutes.get(&rel).cloned() {
            let values: Option<Vec<Scalar>> = values.into_iter().collect();
            let values =
                values.ok_or_else(|| Error::unsupported("the whole row that is written, in an expression over it"))?;
            let fields = values.into_iter().map(|value| {
                let value = self.as_guarded(rel, value);
                self.of_own_level(rel, value)
            });
            let fields = fields.collect();
            return self.row_of(fields);
        }
        let known = self.rels.get(&rel).ok_or_else(|| Error::internal(format!("lower: unknown relation {rel:?}")))?;
        let fields = known
            .columns
            .iter()
            .filter_map(|(means, phys)| match means {
                Means::Column(name) => Some(Scalar::column(known.alias, name.clone(), phys.clone())),
                Means::Oid(_) | Means::Routed(_) | Means::Nothing => None,
            })
            .collect();
        let row = self.row_of(fields)?;
        self.present_or_null(rel, row)
    }

    /// A row as record_out writes it; NULL fields are empty.
    pub(crate) fn record_text(&mut self, row: Scalar, shape: &RowTypes) -> Result<Scalar> {
        let Phys::Row(fields) = row.phys.clone() else { return Err(Error::internal("lower: no row")) };
        if fields.len() != shape.0.len() {
            return Err(super::record::unknown_fields());
        }
        self.bind_once(row, |this, row| {
            let mut args = vec![row.clone()];
            let mut pieces = vec![Piece::Word("CASE WHEN {0} IS NOT DISTINCT FROM NULL THEN NULL ELSE '('")];
            for (i, (field, phys)) in shape.0.iter().zip(fields.iter()).enumerate() {
                let value = field_of(row.clone(), i, phys.clone());
                let text = this.output(value, field.ty)?;
                let text = Scalar::call("dg_record_field", vec![text], Phys::Text);
                pieces.extend([
                    Piece::Word(if i > 0 { " || ',' || coalesce({" } else { " || coalesce({" }),
                    Piece::from(args.len()),
                    Piece::Word("}, '')"),
                ]);
                args.push(text);
            }
            pieces.push(Piece::Word(" || ')' END"));
            Ok(Scalar::template(Template::of(&pieces), args, Phys::Text))
        })
    }

    pub(crate) fn field(&mut self, row: &Expr, field: u16, ty: PgType) -> Result<Scalar> {
        let value = self.expr(row)?;
        let phys = match &value.phys {
            Phys::Row(fields) => fields.get(usize::from(field)).cloned(),
            _ => None,
        };
        let phys = match phys {
            Some(phys) => phys,
            None => self.phys(ty)?,
        };
        if value.is_null_literal() {
            return Ok(Scalar::null(phys));
        }
        Ok(field_of(value, usize::from(field), phys))
    }

    /// Row comparison by pairs: = and <> of all, the others by the first pair that differs.
    pub(crate) fn row_compare(
        &mut self,
        op_name: &str,
        ops: &[&'static Proc],
        left: &[Expr],
        right: &[Expr],
    ) -> Result<Scalar> {
        let left = self.exprs(left)?;
        let right = self.exprs(right)?;
        self.row_compare_values(op_name, ops, left, right)
    }

    pub(crate) fn row_compare_values(
        &mut self,
        op_name: &str,
        ops: &[&'static Proc],
        left: Vec<Scalar>,
        right: Vec<Scalar>,
    ) -> Result<Scalar> {
        if op_name == "=" || op_name == "<>" {
            let pairs = ops
                .iter()
                .zip(left.into_iter().zip(right))
                .map(|(op, (l, r))| self.compare(op, l, r))
                .collect::<Result<Vec<_>>>()?;
            let node = if op_name == "=" { Node::And(pairs) } else { Node::Or(pairs) };
            return Ok(Scalar::new(node, Phys::Bool));
        }
        let op_name = super::compare::comparison_word(op_name)?;
        let strict = if op_name.starts_with('<') { "<" } else { ">" };
        let pairs: Vec<(Scalar, Scalar)> = left.into_iter().zip(right).collect();
        let mut result: Option<Scalar> = None;
        for (i, (l, r)) in pairs.into_iter().enumerate().rev() {
            let keys = self.keys_of(l, r)?;
            let compare = |word: &'static str| super::compare::compared(word, vec![keys.0.clone(), keys.1.clone()]);
            result = Some(match result {
                None if i + 1 == ops.len() => compare(op_name),
                None => compare(op_name),
                Some(rest) => {
                    let equal = Scalar::new(Node::And(vec![compare("="), rest]), Phys::Bool);
                    Scalar::new(Node::Or(vec![compare(strict), equal]), Phys::Bool)
                }
            });
        }
        result.ok_or_else(|| Error::internal("lower: comparison of empty rows"))
    }

    /// Two values of one type in a form that DuckDB compares rightly.
    pub(crate) fn keys_of(&mut self, left: Scalar, right: Scalar) -> Result<(Scalar, Scalar)> {
        let numeric = |p: &Phys| matches!(p, Phys::Decimal { .. } | Phys::Numeric);
        if numeric(&left.phys) || numeric(&right.phys) {
            return Ok(self.numeric_keys(left, right));
        }
        if let (Phys::Date, other @ (Phys::TimestampTz | Phys::Timestamp))
        | (other @ (Phys::TimestampTz | Phys::Timestamp), Phys::Date) = (&left.phys, &right.phys)
        {
            let zoned = *other == Phys::TimestampTz;
            return Ok((self.from_midnight(left, zoned), self.from_midnight(right, zoned)));
        }
        let structured = |p: &Phys| matches!(p, Phys::Row(_) | Phys::List(_) | Phys::Shaped(_));
        if left.phys != right.phys && structured(&left.phys) && structured(&right.phys) {
            let (met, _) = self.meet(vec![left, right], false)?;
            let [left, right]: [Scalar; 2] = met.try_into().map_err(|_| Error::internal("lower: two values met"))?;
            return Ok((self.sort_key(left)?, self.sort_key(right)?));
        }
        Ok((self.sort_key(left)?, self.sort_key(right)?))
    }
}
