//! Comparison of two values of one type, and the key by which DuckDB sorts and groups them as PostgreSQL does.
//!
//! Most types compare alike in both. Numerics in text compare by `dg_numeric_key`; enums by their position, which
//! DuckDB's ENUM does too.

use crate::error::{Error, Result, SqlState};
use crate::facts::{self, Proc};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{Node, Scalar, Variable, template, walk};
use crate::tree::Expr;
use crate::types::{PgType, Phys, oid};

/// What DuckDB may sort, group and compare in place of a value: the value itself for nearly all types.
pub(crate) fn sort_key(value: Scalar) -> Scalar {
    if !value.phys.needs_key() {
        return Scalar { dscale: None, ..value };
    }
    match value.phys.clone() {
        Phys::Numeric => super::numeric::numeric_key(value),
        Phys::Padded => super::blanks::trimmed(value),
        Phys::Jsonb => crate::sql::lower::query::aggregate::jsonb_key(value),
        Phys::Citext => Scalar::template("lower({0})", vec![value], Phys::Text),
        Phys::Interval => interval_key(value),
        // DuckDB knows their order, but not where it makes keys of its own (in aggregates).
        Phys::TimeTz => Scalar::call("dg_timetz_key", vec![value], Phys::Int8),
        Phys::Coded(ty) => {
            let phys = value.phys.clone();
            let key = if ty == oid::TSQUERY { "dg_tsquery_key" } else { "dg_range_key" };
            Scalar::call(key, vec![value], phys)
        }
        Phys::List(element) => {
            let body = sort_key(Scalar::new(Node::Variable(ELEMENT), (*element).clone()));
            let phys = Phys::List(Box::new(body.phys.clone()));
            Scalar::template(template!["list_transform({0}, lambda ", ELEMENT, ": {1})"], vec![value, body], phys)
        }
        Phys::Shaped(_) => super::shaped::shaped_key(value),
        Phys::Row(fields) => {
            let keys = fields.iter().enumerate();
            let keys = keys.map(|(i, phys)| sort_key(super::row::field_of(value.clone(), i, phys.clone())));
            let key = super::row::row(keys.collect());
            // Of no row there is no key.
            let phys = key.phys.clone();
            Scalar::template("CASE WHEN {0} IS NOT NULL THEN {1} END", vec![value, key], phys)
        }
        _ => value,
    }
}

impl Lowerer<'_> {
    /// `left op right` by a comparison operator's function; the values are lowered already.
    pub(crate) fn compare(&mut self, op: &'static Proc, left: Scalar, right: Scalar) -> Result<Scalar> {
        let (left, right) = beside(left, right);
        let Some(name) = comparison(op) else {
            return self.apply(op, vec![left, right], &[], PgType::new(oid::BOOL));
        };
        if op.args.first() == Some(&oid::NUMERIC) {
            return Ok(self.numeric_compare(name, left, right));
        }
        if matches!(
            op.args.first(),
            Some(&(oid::ANYENUM | oid::ANYARRAY | oid::ANYRANGE | oid::ANYMULTIRANGE | oid::RECORD))
        ) {
            return self.compare_structured(name, left, right);
        }
        if op.args.first() == Some(&oid::BPCHAR) {
            let keys = vec![super::blanks::trimmed(left), super::blanks::trimmed(right)];
            return Ok(Scalar::template(template!["({0} ", name, " {1})"], keys, Phys::Bool));
        }
        if op.args == [oid::INTERVAL, oid::INTERVAL] {
            let keys = vec![interval_key(left), interval_key(right)];
            return Ok(Scalar::template(template!["({0} ", name, " {1})"], keys, Phys::Bool));
        }
        if let Some(value) = super::datetime::compare_date(name, op, &left, &right) {
            return Ok(value);
        }
        if let [oid::DATE, oid::TIMESTAMPTZ | oid::TIMESTAMP] | [oid::TIMESTAMPTZ | oid::TIMESTAMP, oid::DATE] =
            op.args.as_slice()
        {
            let to = op.args.iter().find(|ty| **ty != oid::DATE);
            let moments = [left, right].map(|value| self.from_midnight(value, to == Some(&oid::TIMESTAMPTZ)));
            return Ok(Scalar::template(template!["({0} ", name, " {1})"], moments.into(), Phys::Bool));
        }
        self.apply(op, vec![left, right], &[], PgType::new(oid::BOOL))
    }

    /// A date beside a moment is its beginning; one that no moment reaches is beyond all of them, and less than infinity. DuckDB's
    /// own cast goes by the session's zone, but what it knows of the columns' bounds does not.
    pub(crate) fn from_midnight(&mut self, value: Scalar, zoned: bool) -> Scalar {
        match (&value.phys, zoned) {
            (Phys::Date, true) => Scalar::call("dg_date_at_zone", vec![self.session_id(), value], Phys::TimestampTz),
            (Phys::Date, false) => Scalar::call("dg_date_at", vec![value], Phys::Timestamp),
            _ => value,
        }
    }

    fn compare_structured(&self, name: &'static str, left: Scalar, right: Scalar) -> Result<Scalar> {
        if let (Phys::Row(a), Phys::Row(b)) = (&left.phys, &right.phys)
            && let Some(error) = dissimilar(a, b)?
        {
            // Rows of which one is NULL are not looked into.
            let raised = super::raise::raise(&error, &Phys::Bool);
            let text = "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL ELSE {2} END";
            return Ok(Scalar::template(text, vec![left, right, raised], Phys::Bool));
        }
        let (values, _) = self.meet(vec![left, right], false)?;
        let values = values.into_iter().map(|v| self.sort_key(v)).collect::<Result<Vec<_>>>()?;
        Ok(compared(name, values))
    }

    /// See [`sort_key`].
    pub(crate) fn sort_key(&self, value: Scalar) -> Result<Scalar> {
        Ok(sort_key(value))
    }

    /// `IS [NOT] DISTINCT FROM`.
    pub(crate) fn distinct_from(&mut self, eq: &'static Proc, left: &Expr, right: &Expr, not: bool) -> Result<Scalar> {
        let (left, right) = beside(self.expr(left)?, self.expr(right)?);
        let word = if not { "IS NOT DISTINCT FROM" } else { "IS DISTINCT FROM" };
        let (left, right) = if eq.args.first() == Some(&oid::NUMERIC) {
            self.numeric_keys(left, right)
        } else if eq.args.first() == Some(&oid::JSONB) {
            (
                crate::sql::lower::query::aggregate::jsonb_key(left),
                crate::sql::lower::query::aggregate::jsonb_key(right),
            )
        } else if eq.args.first() == Some(&oid::BPCHAR) {
            (super::blanks::trimmed(left), super::blanks::trimmed(right))
        } else if comparison(eq) == Some("=") {
            let (values, _) = self.meet(vec![left, right], false)?;
            let mut keys = values.into_iter().map(|v| self.sort_key(v)).collect::<Result<Vec<_>>>()?.into_iter();
            match (keys.next(), keys.next()) {
                (Some(left), Some(right)) => (left, right),
                _ => return Err(Error::internal("lower: two values became fewer")),
            }
        } else {
            return Err(Error::unsupported(format!("IS DISTINCT FROM by {}", eq.name)));
        };
        Ok(Scalar::template(template!["({0} ", word, " {1})"], vec![left, right], Phys::Bool))
    }

    /// `NULLIF(a, b)`: a, or NULL if `a = b`.
    pub(crate) fn null_if(&mut self, eq: &'static Proc, left: &Expr, right: &Expr) -> Result<Scalar> {
        let (left, right) = (self.expr(left)?, self.expr(right)?);
        let left = self.settle(left);
        self.bind_once(left, |this, left| {
            let test = this.compare(eq, left.clone(), right)?;
            Ok(Scalar::when(test, Scalar::null(left.phys.clone()), left))
        })
    }

    /// GREATEST and LEAST, which ignore NULLs in both databases.
    pub(crate) fn min_max(&mut self, greatest: bool, args: &[Expr], ty: PgType) -> Result<Scalar> {
        let values = self.exprs(args)?;
        let (values, phys) = self.meet(values, false)?;
        if values.iter().all(Scalar::is_null_literal) {
            return Ok(Scalar::null(phys));
        }
        if matches!(ty.oid, oid::JSON | oid::JSONB) || matches!(phys, Phys::Row(_)) {
            return Err(Error::unsupported("GREATEST or LEAST of this type"));
        }
        if phys.needs_key() {
            // The list of (key, place, value), its first or last; of equal ones the first written.
            let mut pairs = Vec::with_capacity(values.len());
            for (value, place) in values.into_iter().zip(0..) {
                let parts =
                    vec![self.sort_key(value.clone())?, Scalar::int4(if greatest { -place } else { place }), value];
                pairs.push(Scalar::template("{'k': {0}, 'i': {1}, 'v': {2}}", parts, Phys::Void));
            }
            let function = if greatest { "list_max" } else { "list_min" };
            let text = template!["(", function, "(list_filter([{*}], lambda p: p.v IS NOT NULL)).v)"];
            return Ok(Scalar::template(text, pairs, phys));
        }
        let name = if greatest { "greatest" } else { "least" };
        if phys == Phys::Float4 {
            // DuckDB makes keys of these and values of them again, and 0 of -0; float8 it compares as it is.
            let values = values.into_iter().map(|value| value.cast(Phys::Float8)).collect();
            return Ok(Scalar::call(name, values, Phys::Float8).cast(phys));
        }
        Ok(Scalar::call(name, values, phys))
    }
}

/// Does it hang on a row?
fn reads(value: &Scalar) -> bool {
    walk::has(value, &|node| matches!(node, Node::Column(..) | Node::Bare(_) | Node::Variable(_) | Node::Aggregate(_)))
}

/// Two values that are compared: what is beside a constant is computed ([`kept_whole`]).
pub(crate) fn beside(left: Scalar, right: Scalar) -> (Scalar, Scalar) {
    match (reads(&left), reads(&right)) {
        (true, false) => (kept_whole(left), right),
        (false, true) => (left, kept_whole(right)),
        _ => (left, right),
    }
}

/// `x + 1`, computed. Beside a constant DuckDB would make `x = 4` of `x + 1 = 5`, of a sum of it one of x: and never find what
/// leaves the range (22003). What greatest() of one value gives is that value, at no cost.
pub(crate) fn kept_whole(value: Scalar) -> Scalar {
    let moved = |text: &str, args: &[Scalar]| match text {
        "({0} + {1})" | "({0} - {1})" | "({0} * {1})" => args.iter().any(|arg| !reads(arg)),
        "(0::SMALLINT - {0})" | "(0::INTEGER - {0})" | "(0::BIGINT - {0})" => true,
        _ => false,
    };
    match &value.node {
        Node::Template { text, args, .. }
            if matches!(value.phys, Phys::Int2 | Phys::Int4 | Phys::Int8) && moved(text, args) =>
        {
            let phys = value.phys.clone();
            Scalar::template("greatest({0})", vec![value], phys)
        }
        _ => value,
    }
}

/// Two values, by a comparison's word. DuckDB makes a BETWEEN of a lower and an upper bound, which it does not have for lists and
/// rows: their bounds do not look like ones.
pub(crate) fn compared(word: &'static str, values: Vec<Scalar>) -> Scalar {
    let nested = |value: &Scalar| matches!(value.phys, Phys::List(_) | Phys::Shaped(_) | Phys::Row(_));
    let text = match word {
        "<" | "<=" | ">" | ">=" if values.iter().any(nested) => template!["(({0} ", word, " {1}) = TRUE)"],
        _ => template!["({0} ", word, " {1})"],
    };
    Scalar::template(text, values, Phys::Bool)
}

/// DuckDB compares months, then days, then the rest, which differs where their signs do (`1 mon -1 day`, `-1 day 23:59`).
fn interval_key(value: Scalar) -> Scalar {
    Scalar::call("dg_interval_key", vec![value], Phys::Interval)
}

/// What PostgreSQL says to two records whose first columns differ in type (record_eq and kin). Where the first ones agree
/// it depends on their values whether it gets to the others: that is refused.
fn dissimilar(left: &[Phys], right: &[Phys]) -> Result<Option<Error>> {
    let ty = |phys: &Phys| phys.default_type().oid;
    let differs = |(a, b): (&Phys, &Phys)| *a != Phys::Void && *b != Phys::Void && ty(a) != ty(b);
    let at = left.iter().zip(right).position(differs);
    match at {
        None if left.len() == right.len() => Ok(None),
        Some(0) => {
            let name = |phys: &Phys| crate::types::name::format_type(phys.default_type(), &crate::types::BuiltinTypes);
            let message = format!(
                "cannot compare dissimilar column types {} and {} at record column 1",
                name(&left[0]),
                name(&right[0])
            );
            Ok(Some(Error::new(SqlState::DATATYPE_MISMATCH, message)))
        }
        _ => Err(Error::unsupported("a comparison of records of different types")
            .hint("Compare the columns, or give both records the same type.")),
    }
}

/// The operator that a comparison function carries out.
pub(crate) fn comparison(op: &Proc) -> Option<&'static str> {
    static NAMES: std::sync::LazyLock<crate::facts::Map<u32, &'static str>> = std::sync::LazyLock::new(|| {
        facts::OPERATORS
            .all
            .iter()
            .filter(|o| matches!(o.name, "=" | "<>" | "<" | "<=" | ">" | ">="))
            .map(|o| (o.proc_, o.name))
            .collect()
    });
    NAMES.get(&op.oid).copied()
}

/// The variable over a list's elements where lists are walked without numbers of their own; inner ones hide it.
pub(crate) const ELEMENT: Variable = Variable(0);

/// A comparison operator in the program's own words.
pub(crate) fn comparison_word(op: &str) -> Result<&'static str> {
    const WORDS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];
    let known = WORDS.into_iter().find(|word| *word == op);
    known.ok_or_else(|| Error::internal(format!("lower: {op} is no comparison")))
}
