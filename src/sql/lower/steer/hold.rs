//! What can fail stays above the rules: DuckDB moves a condition below a filter or join only if it cannot fail, but not of
//! every function does it know that it can.
//!
//! In a statement to which rules apply, `chr(a) > 'x'` → `coalesce(chr(a), CAST(error(nullif(a, a)::VARCHAR) AS VARCHAR)) > 'x'`: the
//! second value is NULL, but for DuckDB it may be an error. (Its parts are there twice or more often, so DuckDB computes them for all
//! rows: of NULLs the cast costs nothing, of the column's values it took longer than all the rest.)

use crate::facts::Proc;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{Node, Scalar};
use crate::tree::{CastHow, Expr, ExprKind};
use crate::types::{Phys, Value, oid};

impl Lowerer<'_> {
    /// The value of `e`, marked if it may fail where rules hide rows.
    pub(crate) fn held(&self, e: &Expr, value: Scalar) -> Scalar {
        if !self.held || value.phys == Phys::Void || !may_fail(e) || cannot_fail(&value) || is_known_to_fail(&value) {
            return value;
        }
        let Some(unknown) = unknown(&value) else { return value };
        let (phys, dscale) = (value.phys.clone(), value.dscale.clone());
        let unknown = unknown.cast(phys.clone());
        let value = Scalar { dscale: None, ..value };
        Scalar { dscale, ..Scalar::template("coalesce({0}, {1})", vec![value, unknown], phys) }
    }
}

impl Lowerer<'_> {
    /// COALESCE's values, of which all but the first run only where those before are NULL. DuckDB's common subexpressions are computed
    /// once, in front, also those inside COALESCE; into a CASE whose condition it does not know it does not look. (An expression that is
    /// there twice counts as a whole, but not if it is held: `error` is volatile. Then its parts do.)
    pub(crate) fn lazily(&self, values: Vec<Scalar>) -> Vec<Scalar> {
        let late = |(at, value): (usize, Scalar)| {
            let always = at == 0 || !self.held || matches!(value.node, Node::Column(..));
            let Some(unknown) = unknown(&value).filter(|_| !always) else { return value };
            let (phys, dscale) = (value.phys.clone(), value.dscale.clone());
            let value = Scalar { dscale: None, ..value };
            let whens = vec![(unknown.cast(Phys::Text).is_null(), value)];
            Scalar { dscale, ..Scalar::new(Node::Case { whens, otherwise: None }, phys) }
        };
        values.into_iter().enumerate().map(late).collect()
    }
}

/// NULL, of which DuckDB does not know that it is no error; made from a column of the value where there is one. None for what is fixed.
fn unknown(value: &Scalar) -> Option<Scalar> {
    match a_column(value) {
        Some(column) => {
            let null = Scalar::template("nullif({0}, {0})", vec![column.clone()], column.phys.clone());
            Some(Scalar::template("error({0})", vec![null.cast(Phys::Text)], Phys::Void))
        }
        None if is_fixed(value) => None,
        None => Some(Scalar::text("error(CASE WHEN random() < 0 THEN '' END)", Phys::Void)),
    }
}

/// Functions that PostgreSQL does not call leakproof, and that cannot fail here: comparisons of values that are there
/// already, and what only looks at a text.
const SAFE: &[&str] = &[
    "numeric_eq",
    "numeric_ne",
    "numeric_lt",
    "numeric_le",
    "numeric_gt",
    "numeric_ge",
    "numeric_cmp",
    "uuid_eq",
    "uuid_ne",
    "uuid_lt",
    "uuid_le",
    "uuid_gt",
    "uuid_ge",
    "enum_eq",
    "enum_ne",
    "enum_lt",
    "enum_le",
    "enum_gt",
    "enum_ge",
    "char_length",
    "character_length",
    "length",
    "octet_length",
    "lower",
    "upper",
    "starts_with",
];

/// The same, of texts and numbers of characters.
const SAFE_OF_TEXT: &[&str] =
    &["textcat", "left", "right", "btrim", "ltrim", "rtrim", "reverse", "strpos", "position", "md5"];

fn is_safe_of_text(func: &Proc) -> bool {
    SAFE_OF_TEXT.contains(&func.name) && func.args.iter().all(|ty| matches!(*ty, oid::TEXT | oid::INT4))
}

/// Arithmetic that is DuckDB's own, of which it knows that it can fail.
fn is_arithmetic(func: &Proc) -> bool {
    let number = |ty: &u32| matches!(*ty, oid::INT2 | oid::INT4 | oid::INT8 | oid::FLOAT4 | oid::FLOAT8);
    let name = ["pl", "mi", "mul", "um"].iter().any(|end| func.name.ends_with(end));
    name && !func.args.is_empty() && func.args.iter().all(number)
}

fn is_safe(func: &Proc) -> bool {
    func.leakproof || SAFE.contains(&func.name) || is_safe_of_text(func) || is_arithmetic(func)
}

/// LIKE fails by its pattern alone.
fn is_like(func: &Proc) -> bool {
    matches!(func.name, "textlike" | "textnlike" | "bpcharlike" | "bpcharnlike")
}

/// Is there nothing in it that can fail by the values that it gets?
pub(crate) fn never_fails(e: &Expr) -> bool {
    let mut never = true;
    let _ = crate::sql::analyze::walk(e, 0, &mut |part, _| {
        let computes = matches!(&part.kind, ExprKind::Call(call) if is_arithmetic(call.func));
        never &= !may_fail(part) && !computes;
        Ok(never)
    });
    never
}

/// Whether the outermost operation of an expression may fail by the values that it gets.
pub(crate) fn may_fail(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Const(_)
        | ExprKind::Param(_)
        | ExprKind::Column { .. }
        | ExprKind::WholeRow(_)
        | ExprKind::Session(_, _)
        | ExprKind::Default
        | ExprKind::Grouping(_)
        | ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::Not(_)
        | ExprKind::IsNull { .. }
        | ExprKind::IsBool { .. }
        | ExprKind::Case { .. }
        | ExprKind::Coalesce(_)
        | ExprKind::Exists(_)
        | ExprKind::Row(_)
        | ExprKind::Field { .. }
        | ExprKind::Collate { .. }
        // What they take together is above the rules; their arguments are held.
        | ExprKind::Aggregate(_)
        | ExprKind::Window(_)
        | ExprKind::Array { nested: false, .. }
        | ExprKind::SetReturning(_) => false,
        ExprKind::Routine(r) => crate::sql::analyze::plain_targets(&r.body).is_none(),
        ExprKind::Call(call) => match call.args.as_slice() {
            [_, pattern] if is_like(call.func) => {
                !matches!(&pattern.kind, ExprKind::Const(Value::Text(p)) if !p.ends_with('\\'))
            }
            _ => !is_safe(call.func),
        },
        ExprKind::Distinct { eq, .. } | ExprKind::NullIf { eq, .. } => !is_safe(eq),
        ExprKind::AnyAll { op, .. } => !is_safe(op),
        ExprKind::RowCompare { ops, .. } | ExprKind::AnyAllSubquery { ops, .. } => !ops.iter().all(|op| is_safe(op)),
        ExprKind::Cast { arg, how: CastHow::Typmod, explicit: _ } if crate::sql::lower::value::longest::fits(arg, e.ty) => false,
        ExprKind::Cast { arg: _, how, explicit: _ } => cast_may_fail(how),
        ExprKind::MinMax { .. }
        | ExprKind::ScalarSubquery(_)
        | ExprKind::ArraySubquery(_)
        | ExprKind::Array { nested: true, .. }
        | ExprKind::Subscript { .. }
        | ExprKind::Put { .. }
        | ExprKind::NextValue(_)
        | ExprKind::Extended { .. } => true,
    }
}

fn cast_may_fail(how: &CastHow) -> bool {
    match how {
        CastHow::Relabel | CastHow::EnumOut => false,
        CastHow::Function(func) => !is_safe(func),
        CastHow::InOut
        | CastHow::ArrayElements(_)
        | CastHow::Typmod
        | CastHow::EnumIn
        | CastHow::Domain(_)
        | CastHow::Row(_) => true,
    }
}

/// What DuckDB does with values of its own types: a comparison (PostgreSQL's may be one of two types), an integer
/// as a decimal that has place for it, a part of a text.
fn cannot_fail(value: &Scalar) -> bool {
    match &value.node {
        Node::Column(..) => true,
        Node::Cast(inner) => match (&inner.phys, &value.phys) {
            (Phys::Int2 | Phys::Int4 | Phys::Int8, Phys::Decimal { precision, scale }) => {
                let digits = match inner.phys {
                    Phys::Int2 => 5,
                    Phys::Int4 => 10,
                    _ => 19,
                };
                precision - scale >= digits
            }
            _ => false,
        },
        Node::Template { text, args, draw: 0 } => match &**text {
            // An operation that does nothing: its operand is held by itself.
            "{0}" | "({0})" => true,
            "({0} = {1})" | "({0} <> {1})" | "({0} < {1})" | "({0} <= {1})" | "({0} > {1})" | "({0} >= {1})" => {
                args.iter().all(|arg| is_fixed(arg) || matches!(arg.node, Node::Column(..)))
            }
            // They are written so only where the numbers fit.
            "substring({0}, {1}, {2})" | "substring({0}, {1})" => true,
            _ => false,
        },
        _ => false,
    }
}

/// Whether DuckDB knows that it can fail: decimals are computed by its own operators, and what has something in it that is held
/// stays where it is as a whole. (That there are decimals computed in it says nothing: `a * 0.0` may become a constant.)
fn is_known_to_fail(value: &Scalar) -> bool {
    let decimals =
        |args: &[Scalar]| [value].into_iter().chain(args).all(|part| matches!(part.phys, Phys::Decimal { .. }));
    match &value.node {
        Node::Template { text, args, draw: _ } => match &**text {
            "({0} + {1})" | "({0} - {1})" | "({0} * {1})" if decimals(args) => true,
            _ => has_held(value),
        },
        _ => has_held(value),
    }
}

fn has_held(value: &Scalar) -> bool {
    match &value.node {
        Node::Cast(inner) => has_held(inner),
        Node::Template { text, args, draw: _ } => match &**text {
            "coalesce({0}, {1})" if args.get(1).is_some_and(is_error) => true,
            // Of a lambda's body it knows nothing, and an arm may be left out.
            text if ["lambda ", "TRY", "CASE ", "SELECT ", "coalesce("].iter().any(|word| text.contains(word)) => false,
            _ => args.iter().any(has_held),
        },
        _ => false,
    }
}

fn is_error(value: &Scalar) -> bool {
    match &value.node {
        Node::Cast(inner) => is_error(inner),
        Node::Template { text, .. } => text.starts_with("error("),
        Node::Text(text) => text.starts_with("error("),
        _ => false,
    }
}

/// A column that the value is made from.
fn a_column(value: &Scalar) -> Option<&Scalar> {
    match &value.node {
        Node::Column(..) => Some(value),
        Node::Template { args, .. } => args.iter().find_map(a_column),
        Node::Cast(inner) => a_column(inner),
        Node::And(parts) | Node::Or(parts) => parts.iter().find_map(a_column),
        Node::Case { whens, otherwise } => {
            let parts = whens.iter().flat_map(|(test, then)| [test, then]);
            parts.chain(otherwise.as_deref()).find_map(a_column)
        }
        Node::Quantified { left, .. } => a_column(left),
        // Inside a lambda or another query it is not this row's, and an aggregate's argument is many rows'.
        Node::Aggregate(_)
        | Node::Subquery(_)
        | Node::Exists(_)
        | Node::Text(_)
        | Node::Literal(_)
        | Node::Type
        | Node::Bare(_)
        | Node::Variable(_)
        | Node::Param(_) => None,
    }
}

/// True if the value is the same for all rows: where it fails, it fails without looking at one.
fn is_fixed(value: &Scalar) -> bool {
    match &value.node {
        Node::Text(_) | Node::Literal(_) | Node::Type | Node::Param(_) => true,
        Node::Template { args, .. } => args.iter().all(is_fixed),
        Node::Cast(inner) => is_fixed(inner),
        Node::And(parts) | Node::Or(parts) => parts.iter().all(is_fixed),
        Node::Case { whens, otherwise } => {
            whens.iter().all(|(test, then)| is_fixed(test) && is_fixed(then))
                && otherwise.as_deref().is_none_or(is_fixed)
        }
        Node::Column(..)
        | Node::Bare(_)
        | Node::Variable(_)
        | Node::Aggregate(_)
        | Node::Subquery(_)
        | Node::Exists(_)
        | Node::Quantified { .. } => false,
    }
}
