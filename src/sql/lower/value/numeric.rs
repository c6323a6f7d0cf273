//! `numeric`: DuckDB's DECIMAL where precision and scale are known and the result is exact, decimal text otherwise.
//!
//! `l_extendedprice * (1 - l_discount)` → `(t1."l_extendedprice" * (CAST('1' AS DECIMAL(1,0)) - t1."l_discount"))`,
//! `a / b` → `dg_numeric_div(CAST(a AS VARCHAR), CAST(b AS VARCHAR))`
//!
//! A decimal's PostgreSQL display scale is its type's, unless [`Scalar::dscale`] says it differs by row.

use crate::error::{Error, Result};
use crate::facts::Proc;
use crate::sql::lower::ir::{Node, Scalar, template};
use crate::sql::lower::{Decimals, Lowerer};
use crate::types::{MAX_DECIMAL_PRECISION, Phys};

/// Up to here DuckDB keeps decimals in 64 bits.
const FAST_PRECISION: u8 = 18;
/// Digits before the point that must be left for a result in 64 bits to be tried.
const FAST_INTEGER_DIGITS: u8 = 12;
/// The same for 128 bits where the formal precision is beyond 38.
const WIDE_INTEGER_DIGITS: u8 = 20;

pub(crate) fn decimal(phys: &Phys) -> Option<(u8, u8)> {
    match phys {
        Phys::Decimal { precision, scale } => Some((*precision, *scale)),
        _ => None,
    }
}

fn of(precision: u8, scale: u8) -> Phys {
    Phys::Decimal { precision, scale }
}

/// Decimal text, with the display scale that PostgreSQL has.
pub(crate) fn decimal_text(value: Scalar) -> Scalar {
    if value.phys == Phys::Void {
        return value.cast(Phys::Numeric);
    }
    let Some((precision, scale)) = decimal(&value.phys) else { return value };
    let dscale = value.dscale.clone();
    // DuckDB prints DECIMAL(2,2) without the zero before the point.
    let value = Scalar { dscale: None, ..value };
    let text = if precision == scale && precision < MAX_DECIMAL_PRECISION {
        value.cast(of(precision + 1, scale)).cast(Phys::Text)
    } else if precision == scale {
        Scalar::template("replace(CAST({0} AS VARCHAR), '.', '0.')", vec![value], Phys::Text)
    } else {
        value.cast(Phys::Text)
    };
    let text = Scalar { phys: Phys::Numeric, ..text };
    match dscale {
        Some(scale) => Scalar::call("dg_numeric_round", vec![text, scale.cast(Phys::Int4)], Phys::Numeric),
        None => text,
    }
}

/// Bytes that sort and compare as the numeric does.
pub(crate) fn numeric_key(value: Scalar) -> Scalar {
    Scalar::call("dg_numeric_key", vec![decimal_text(Scalar { dscale: None, ..value })], Phys::Bytea)
}

/// A value as it may leave the expression it is in: a display scale that differs by row goes into text.
pub(crate) fn settled(value: Scalar) -> Scalar {
    if value.dscale.is_some() { decimal_text(value) } else { value }
}

impl Lowerer<'_> {
    /// See [`decimal_text`].
    pub(crate) fn to_text(&self, value: Scalar) -> Scalar {
        decimal_text(value)
    }

    /// See [`settled`].
    pub(crate) fn settle(&self, value: Scalar) -> Scalar {
        settled(value)
    }

    /// A value in another physical type of the same PostgreSQL type (decimals among each other and to text).
    pub(crate) fn coerce(&self, value: Scalar, to: &Phys) -> Result<Scalar> {
        if value.phys == *to && value.dscale.is_none() {
            return Ok(value);
        }
        Ok(match (&value.phys, to) {
            (Phys::Void, _) => value.cast(to.clone()),
            (Phys::Char(_) | Phys::Text, Phys::Padded) => super::blanks::padded(value),
            (Phys::Char(_), Phys::Char(_) | Phys::Text) => Scalar { phys: to.clone(), ..value },
            (Phys::Text, Phys::Jsonb | Phys::Citext) | (Phys::Jsonb | Phys::Citext, Phys::Text) => {
                Scalar { phys: to.clone(), ..value }
            }
            (Phys::List(from), Phys::List(element))
                if matches!(
                    (&**from, &**element),
                    (Phys::Text, Phys::Jsonb | Phys::Citext) | (Phys::Jsonb | Phys::Citext, Phys::Text)
                ) =>
            {
                Scalar { phys: to.clone(), ..value }
            }
            (Phys::Padded, Phys::Char(_)) => Scalar { phys: to.clone(), ..super::blanks::trimmed(value) },
            (Phys::Decimal { .. } | Phys::Numeric, Phys::Numeric) => self.to_text(value),
            (Phys::Decimal { scale: from, .. }, Phys::Decimal { scale, .. }) if from == scale => {
                Scalar { dscale: None, ..value }.cast(to.clone())
            }
            // numeric(p,s) is coerced before it gets here; a bare numeric never meets a decimal column.
            (Phys::Decimal { .. } | Phys::Numeric, Phys::Decimal { .. }) => {
                Scalar { dscale: None, ..value }.cast(to.clone())
            }
            (Phys::List(from), Phys::List(_)) if **from == Phys::Void => value.cast(to.clone()),
            (Phys::List(from), Phys::List(element)) if from != element => {
                let variable = Scalar::new(Node::Variable(super::compare::ELEMENT), (**from).clone());
                let body = self.coerce(variable, element)?;
                let text = template!["list_transform({0}, lambda ", super::compare::ELEMENT, ": {1})"];
                Scalar::template(text, vec![value, body], to.clone())
            }
            (Phys::Shaped(_), _) | (Phys::List(_), Phys::Shaped(_)) => self.coerce_shaped(value, to)?,
            (Phys::Row(from), Phys::Row(fields)) if from.len() == fields.len() => self.coerce_row(value, fields)?,
            (Phys::Row(_), Phys::Row(_)) => return Err(records_differ()),
            // An array of more dimensions than what it meets, or than its column has.
            (Phys::List(_), other) if !matches!(other, Phys::List(_)) => {
                return Err(Error::unsupported("an array of more than one dimension here"));
            }
            (other, Phys::List(_)) if !matches!(other, Phys::List(_) | Phys::Text) => {
                return Err(Error::unsupported("an array of more than one dimension here"));
            }
            _ => value.cast(to.clone()),
        })
    }

    /// One physical type for values of one PostgreSQL type that meet in a CASE, an array, a VALUES list.
    /// Decimals of different scales meet in text unless `by_row` allows a scale that differs by row.
    pub(crate) fn meet(&self, values: Vec<Scalar>, by_row: bool) -> Result<(Vec<Scalar>, Phys)> {
        let known: Vec<Phys> = values.iter().map(known_phys).filter(|p| *p != Phys::Void).collect();
        let Some(first) = known.first() else { return Ok((values, Phys::Void)) };
        let mut target = first.clone();
        let mut differs = values.iter().any(|v| v.dscale.is_some());
        for phys in known.iter().skip(1) {
            match (decimal(&target), decimal(phys)) {
                (Some((p1, s1)), Some((p2, s2))) => {
                    let scale = s1.max(s2);
                    let precision = (p1 - s1).max(p2 - s2) + scale;
                    differs |= s1 != s2;
                    target = if precision <= MAX_DECIMAL_PRECISION { of(precision, scale) } else { Phys::Numeric };
                }
                _ if target == Phys::Numeric || *phys == Phys::Numeric => target = Phys::Numeric,
                _ if !may_meet(&target, phys) => return Err(records_differ()),
                _ => target = meet_phys(&target, phys),
            }
        }
        if differs && !by_row && decimal(&target).is_some() {
            target = Phys::Numeric;
        }
        if let Phys::Row(fields) = &target {
            // Where all are NULL, as the first one that has a type.
            let own = |at: usize| {
                let mut fields =
                    values.iter().filter_map(|v| if let Phys::Row(fields) = &v.phys { fields.get(at) } else { None });
                fields.find(|f| **f != Phys::Void).cloned().unwrap_or(Phys::Text)
            };
            let settled = fields.iter().enumerate().map(|(at, f)| if *f == Phys::Void { own(at) } else { f.clone() });
            target = Phys::Row(settled.collect());
        }
        if differs && decimal(&target).is_some() {
            return Ok((values, target));
        }
        let values = values.into_iter().map(|v| self.coerce(v, &target)).collect::<Result<_>>()?;
        Ok((values, target))
    }

    /// The display scale of a value, as an integer expression.
    pub(crate) fn dscale_of(&self, value: &Scalar) -> Scalar {
        match (&value.dscale, decimal(&value.phys)) {
            (Some(scale), _) => (**scale).clone(),
            (None, Some((_, scale))) => Scalar::int4(i32::from(scale)),
            (None, None) => Scalar::null(Phys::Int4),
        }
    }

    /// +, - and * of two numerics.
    pub(crate) fn numeric_arithmetic(&self, op: char, left: Scalar, right: Scalar) -> Scalar {
        let native = match op {
            '+' => "dg_numeric_add",
            '-' => "dg_numeric_sub",
            _ => "dg_numeric_mul",
        };
        let (Some((p1, s1)), Some((p2, s2))) = (decimal(&left.phys), decimal(&right.phys)) else {
            return Scalar::call(native, vec![self.to_text(left), self.to_text(right)], Phys::Numeric);
        };
        let needed = exact_result(op, (p1, s1), (p2, s2));
        let given = duckdb_result(op, (p1, s1), (p2, s2));
        let widened_result = duckdb_result(op, (p1.max(FAST_PRECISION + 1), s1), (p2, s2));
        // Constants cost nothing at any width.
        let fast = self.decimals == Decimals::Fast && !(is_constant(&left) && is_constant(&right));
        let text = |left, right| Scalar::call(native, vec![self.to_text(left), self.to_text(right)], Phys::Numeric);
        let (Some(given), Some(widened_result)) = (given, widened_result) else { return text(left, right) };
        let enough = |(precision, scale): (u8, u8), digits: u8| fast && scale + digits <= precision;
        let narrow = given.0 <= FAST_PRECISION;
        let (result, widen) = if needed <= u16::from(given.0) || (narrow && enough(given, FAST_INTEGER_DIGITS)) {
            (given, false)
        } else if narrow && needed <= u16::from(widened_result.0) {
            // A nineteen-digit operand makes DuckDB compute in 128 bits.
            (widened_result, true)
        } else if enough(widened_result, WIDE_INTEGER_DIGITS) {
            (widened_result, narrow)
        } else {
            return text(left, right);
        };
        let scale = result.1;
        let dscale = (left.dscale.is_some() || right.dscale.is_some()).then(|| {
            let scales = vec![self.dscale_of(&left), self.dscale_of(&right)];
            let text = if op == '*' { "({0} + {1})" } else { "greatest({0}, {1})" };
            Box::new(Scalar::template(text, scales, Phys::Int4))
        });
        let left = if widen { widened(left, s1) } else { left };
        let node = Scalar::template(template!["({0} ", op, " {1})"], vec![left, right], of(result.0, scale));
        Scalar { dscale, ..node }
    }

    /// / and % of two numerics, and other functions over decimal text.
    pub(crate) fn numeric_native(&self, name: &'static str, args: Vec<Scalar>) -> Scalar {
        let args = args.into_iter().map(|a| self.to_text(a)).collect();
        Scalar::call(name, args, Phys::Numeric)
    }

    pub(crate) fn numeric_negate(&self, value: Scalar) -> Scalar {
        if decimal(&value.phys).is_none() {
            return Scalar::call("dg_numeric_uminus", vec![self.to_text(value)], Phys::Numeric);
        }
        let (phys, dscale) = (value.phys.clone(), value.dscale.clone());
        Scalar { dscale, ..Scalar::template("(-{0})", vec![value], phys) }
    }

    pub(crate) fn numeric_abs(&self, value: Scalar) -> Scalar {
        if decimal(&value.phys).is_none() {
            return Scalar::call("dg_numeric_abs", vec![self.to_text(value)], Phys::Numeric);
        }
        let (phys, dscale) = (value.phys.clone(), value.dscale.clone());
        Scalar { dscale, ..Scalar::template("abs({0})", vec![value], phys) }
    }

    /// Comparison: by value, whatever the scales.
    pub(crate) fn numeric_compare(&mut self, op: &'static str, left: Scalar, right: Scalar) -> Scalar {
        // `c_acctbal > (SELECT avg(c_acctbal) …)`: the one value is brought to the column's scale, not each to a key.
        if let Some(of_left) = decimal(&left.phys)
            && let Some(bound) = self.bound_at_scale(op, &right, of_left)
        {
            return Scalar::template(template!["({0} ", op, " {1})"], vec![left, bound], Phys::Bool);
        }
        if let Some(of_right) = decimal(&right.phys)
            && let Some(bound) = self.bound_at_scale(flipped(op), &left, of_right)
        {
            return Scalar::template(template!["({0} ", op, " {1})"], vec![bound, right], Phys::Bool);
        }
        let (left, right) = self.numeric_keys(left, right);
        Scalar::template(template!["({0} ", op, " {1})"], vec![left, right], Phys::Bool)
    }

    /// Two numerics in a form that DuckDB compares rightly: decimals, or keys.
    pub(crate) fn numeric_keys(&self, left: Scalar, right: Scalar) -> (Scalar, Scalar) {
        let direct = match (decimal(&left.phys), decimal(&right.phys)) {
            (Some((p1, s1)), Some((p2, s2))) => {
                let scale = s1.max(s2);
                (p1 - s1).max(p2 - s2) + scale <= MAX_DECIMAL_PRECISION
                    || (self.decimals == Decimals::Fast && scale + WIDE_INTEGER_DIGITS <= MAX_DECIMAL_PRECISION)
            }
            _ => left.phys == Phys::Void || right.phys == Phys::Void,
        };
        if direct { (left, right) } else { (self.numeric_key(left), self.numeric_key(right)) }
    }

    /// For `decimal(…,scale) op (SELECT numeric text)`: the subquery with its value rounded to that scale in the
    /// direction that leaves the comparison as it is (`d < t` is `d < ceil(t)`). Only where no NaN can come.
    fn bound_at_scale(&mut self, op: &str, value: &Scalar, (precision, scale): (u8, u8)) -> Option<Scalar> {
        let native = match op {
            "<" | ">=" => "dg_numeric_ceil",
            ">" | "<=" => "dg_numeric_floor",
            _ => return None,
        };
        let Node::Subquery(query) = &value.node else { return None };
        let crate::sql::lower::ir::Body::Select(select) = &query.body else { return None };
        let [target] = select.targets.as_slice() else { return None };
        if target.phys != Phys::Numeric || select.distinct || !select.distinct_on.is_empty() || !is_of_decimals(target)
        {
            return None;
        }
        let power = Scalar::literal(format!("1{}", "0".repeat(usize::from(scale))), Phys::Numeric);
        let scaled = Scalar::call("dg_numeric_mul", vec![target.clone(), power], Phys::Numeric);
        if precision + 1 + scale > MAX_DECIMAL_PRECISION {
            return None;
        }
        let whole = Scalar::call(native, vec![scaled], Phys::Numeric).cast(of(MAX_DECIMAL_PRECISION, 0));
        // Beyond what the column can hold, the bound may as well be the first value that it cannot.
        let limit = |sign: &str| {
            let text = format!("{sign}1{}", "0".repeat(usize::from(precision)));
            Scalar::literal(text, Phys::Text).cast(of(MAX_DECIMAL_PRECISION, 0))
        };
        let clamped = Scalar::template(
            "greatest(least({0}, {1}), {2})",
            vec![whole, limit(""), limit("-")],
            of(MAX_DECIMAL_PRECISION, 0),
        );
        let unit = Scalar::literal(unit_text(scale), Phys::Text).cast(of(scale + 1, scale));
        let bound = Scalar::template("({0} * {1})", vec![clamped, unit], of(MAX_DECIMAL_PRECISION, scale));
        let bound = bound.cast(of(precision + 1, scale));
        let mut query = query.clone();
        if let crate::sql::lower::ir::Body::Select(select) = &mut query.body {
            select.targets = vec![bound.clone()];
        }
        query.columns = vec![bound.phys.clone()];
        Some(Scalar::new(Node::Subquery(query), bound.phys))
    }

    /// See [`numeric_key`].
    pub(crate) fn numeric_key(&self, value: Scalar) -> Scalar {
        numeric_key(value)
    }

    /// `numeric(p,s)`: rounds half away from zero; 22003 beyond p digits.
    pub(crate) fn numeric_typmod(&self, value: Scalar, precision: u16, scale: i16, to: &Phys) -> Scalar {
        let value = Scalar { dscale: None, ..value };
        match (decimal(&value.phys), to) {
            (_, Phys::Decimal { .. }) => value.cast(to.clone()),
            _ => {
                let args =
                    vec![self.to_text(value), Scalar::int4(i32::from(precision)), Scalar::int4(i32::from(scale))];
                Scalar::call("dg_numeric_typmod", args, Phys::Numeric)
            }
        }
    }

    /// The numeric cast functions, by their name and the physical types.
    pub(crate) fn numeric_conversion(&self, func: &'static Proc, arg: Scalar) -> Result<Option<Scalar>> {
        let (from, to) = match func.args.as_slice() {
            [from] => (*from, func.result),
            _ => return Ok(None),
        };
        use crate::types::oid;
        Ok(Some(match (from, to) {
            (oid::INT2 | oid::INT4 | oid::INT8, oid::NUMERIC) => int_to_numeric(arg),
            (oid::NUMERIC, oid::INT2 | oid::INT4 | oid::INT8) => {
                let phys = self.phys(crate::types::PgType::new(to))?;
                let native = match phys {
                    Phys::Int2 => "dg_numeric_to_int2",
                    Phys::Int4 => "dg_numeric_to_int4",
                    _ => "dg_numeric_to_int8",
                };
                match decimal(&arg.phys) {
                    // DuckDB rounds decimals half away from zero, as PostgreSQL does.
                    Some(_) => Scalar { dscale: None, ..arg }.cast(phys),
                    None if arg.phys == Phys::Void => arg.cast(phys),
                    None => Scalar::call(native, vec![arg], phys),
                }
            }
            (oid::NUMERIC, oid::FLOAT8) => match decimal(&arg.phys) {
                // Up to fifteen digits the quotient of two exact doubles is the nearest double.
                Some((p, _)) if p <= 15 => Scalar { dscale: None, ..arg }.cast(Phys::Float8),
                _ if arg.phys == Phys::Void => arg.cast(Phys::Float8),
                _ => Scalar::call("dg_numeric_to_float8", vec![self.to_text(arg)], Phys::Float8),
            },
            (oid::NUMERIC, oid::FLOAT4) => {
                if arg.phys == Phys::Void {
                    arg.cast(Phys::Float4)
                } else {
                    Scalar::call("dg_numeric_to_float4", vec![self.to_text(arg)], Phys::Float4)
                }
            }
            (oid::FLOAT8, oid::NUMERIC) => Scalar::call("dg_float8_to_numeric", vec![arg], Phys::Numeric),
            (oid::FLOAT4, oid::NUMERIC) => Scalar::call("dg_float4_to_numeric", vec![arg], Phys::Numeric),
            _ => return Ok(None),
        }))
    }
}

fn is_constant(value: &Scalar) -> bool {
    match &value.node {
        Node::Text(_) | Node::Literal(_) => true,
        Node::Cast(inner) => is_constant(inner),
        Node::Template { args, draw: 0, .. } => args.iter().all(is_constant),
        _ => false,
    }
}

fn flipped(op: &str) -> &'static str {
    match op {
        "<" => ">",
        ">" => "<",
        "<=" => ">=",
        ">=" => "<=",
        _ => "=",
    }
}

/// `0.01` for scale 2.
fn unit_text(scale: u8) -> String {
    if scale == 0 { "1".into() } else { format!("0.{}1", "0".repeat(usize::from(scale) - 1)) }
}

/// True if every numeric text in it is computed from decimals: no NaN and no infinity can be in it.
fn is_of_decimals(value: &Scalar) -> bool {
    match &value.node {
        Node::Text(_) | Node::Literal(_) => true,
        Node::Column(..) | Node::Bare(_) | Node::Param(_) | Node::Variable(_) => value.phys != Phys::Numeric,
        Node::Template { text, args, .. } => !text.contains("float") && args.iter().all(is_of_decimals),
        Node::Cast(inner) => is_of_decimals(inner),
        Node::Aggregate(aggregate) => aggregate.args.iter().all(is_of_decimals),
        Node::Type | Node::And(_) | Node::Or(_) | Node::Case { .. } => false,
        Node::Subquery(_) | Node::Exists(_) | Node::Quantified { .. } => false,
    }
}

/// The digits that hold every exact result.
fn exact_result(op: char, (p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> u16 {
    let (p1, s1, p2, s2) = (u16::from(p1), u16::from(s1), u16::from(p2), u16::from(s2));
    if op == '*' { p1 + p2 } else { (p1 - s1).max(p2 - s2) + s1.max(s2) + 1 }
}

/// The type that DuckDB gives to an operation on two decimals, which it checks for overflow where it is not enough.
fn duckdb_result(op: char, (p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> Option<(u8, u8)> {
    let needed = exact_result(op, (p1, s1), (p2, s2));
    let narrow = p1.max(p2) <= FAST_PRECISION;
    let scale = if op == '*' { s1 + s2 } else { s1.max(s2) };
    if scale > MAX_DECIMAL_PRECISION {
        return None;
    }
    let capped = narrow && needed > u16::from(FAST_PRECISION) && (op != '*' || scale < FAST_PRECISION);
    let limit = if capped { FAST_PRECISION } else { MAX_DECIMAL_PRECISION };
    Some((needed.min(u16::from(limit)) as u8, scale))
}

fn widened(value: Scalar, scale: u8) -> Scalar {
    Scalar { dscale: None, ..value }.cast(of(FAST_PRECISION + 1, scale.min(FAST_PRECISION)))
}

/// An integer as the smallest decimal that holds its type; a constant as its own digits.
fn int_to_numeric(arg: Scalar) -> Scalar {
    if arg.is_null_literal() {
        return Scalar::text("NULL", Phys::Void);
    }
    if let Node::Cast(inner) = &arg.node
        && let Node::Text(text) = &inner.node
        && let Some(phys) = super::constant::exact_decimal(text)
    {
        return Scalar::literal(&**text, Phys::Text).cast(phys);
    }
    let digits = match arg.phys {
        Phys::Int2 => 5,
        Phys::Int4 => 10,
        _ => 19,
    };
    arg.cast(of(digits, 0))
}

/// Other physical types of one PostgreSQL type that meet: lists of decimals, rows; the wider one.
fn meet_phys(left: &Phys, right: &Phys) -> Phys {
    if let Some(met) = super::blanks::meet(left, right) {
        return met;
    }
    if let (Some(a), Some(b)) = (left.array_element(), right.array_element())
        && (left.shaped_element().is_some() || right.shaped_element().is_some())
    {
        let met = meet_phys(&Phys::List(Box::new(a.clone())), &Phys::List(Box::new(b.clone())));
        return met.array_element().map_or(met.clone(), |element| Phys::shaped(element.clone()));
    }
    match (left, right) {
        (Phys::List(a), Phys::List(b)) if super::blanks::meet(a, b).is_some() => Phys::List(Box::new(meet_phys(a, b))),
        (Phys::List(a), Phys::List(b)) if a != b => match (decimal(a), decimal(b)) {
            (Some((p1, s1)), Some((p2, s2))) if s1 == s2 => Phys::List(Box::new(of(p1.max(p2), s1))),
            (Some(_) | None, _) if **a == Phys::Void => right.clone(),
            (_, _) if **b == Phys::Void => left.clone(),
            _ => Phys::List(Box::new(Phys::Numeric)),
        },
        (Phys::Row(a), Phys::Row(b)) if a.len() == b.len() => {
            Phys::Row(a.iter().zip(b.iter()).map(|(a, b)| meet_field(a, b)).collect())
        }
        _ => left.clone(),
    }
}

/// What carries a value, with [`Phys::Void`] for a field of a row that is just NULL: that meets a field of any type.
fn known_phys(value: &Scalar) -> Phys {
    match (&value.phys, &value.node) {
        (Phys::Row(fields), Node::Template { args, .. }) if fields.len() == args.len() => {
            let field = |(field, arg): (&Phys, &Scalar)| if arg.is_null_literal() { Phys::Void } else { field.clone() };
            Phys::Row(fields.iter().zip(args).map(field).collect())
        }
        _ => value.phys.clone(),
    }
}

/// False for records whose fields are of other types, or more: PostgreSQL lets each row have columns of its own, a STRUCT does not.
fn may_meet(left: &Phys, right: &Phys) -> bool {
    let text = |phys: &Phys| matches!(phys, Phys::Text | Phys::Char(_) | Phys::Padded | Phys::Jsonb | Phys::Citext);
    let number = |phys: &Phys| decimal(phys).is_some() || *phys == Phys::Numeric;
    let field = |(left, right): (&Phys, &Phys)| {
        left == right
            || *left == Phys::Void
            || *right == Phys::Void
            || (text(left) && text(right))
            || (number(left) && number(right))
            || (left.array_element().is_some() && right.array_element().is_some() && may_meet(left, right))
            || (matches!((left, right), (Phys::Row(_), Phys::Row(_))) && may_meet(left, right))
    };
    match (left, right) {
        (Phys::Row(a), Phys::Row(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(field),
        _ => match (left.array_element(), right.array_element()) {
            (Some(a @ Phys::Row(_)), Some(b @ Phys::Row(_))) => may_meet(a, b),
            _ => true,
        },
    }
}

fn records_differ() -> Error {
    Error::unsupported("records of different columns in one column or array")
        .hint("Cast each of them to the same composite type, or give them the same columns.")
}

fn meet_field(left: &Phys, right: &Phys) -> Phys {
    match (decimal(left), decimal(right)) {
        (Some((p1, s1)), Some((p2, s2))) if s1 == s2 => of(p1.max(p2), s1),
        (Some(_), _) | (_, Some(_)) => Phys::Numeric,
        _ if *left == Phys::Void => right.clone(),
        _ => meet_phys(left, right),
    }
}
