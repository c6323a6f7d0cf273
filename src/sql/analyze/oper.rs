//! Operators (parse_oper): which one a name and two types mean, and the call of its function.

use super::resolve::{Candidate, Choice};
use super::types::proc;
use super::{Analyzer, CastContext, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::facts::{OPERATORS, Operator, Proc};
use crate::tree::{Call, CallForm};
use crate::types::coded::{geometry, is_orderless};
use crate::types::{Oid, PgType, oid};

#[derive(Clone, Copy)]
struct Op {
    row: &'static Operator,
    args: [Oid; 2],
}

impl Candidate for Op {
    fn args(&self) -> &[Oid] {
        if self.row.left == 0 { &self.args[1..] } else { &self.args }
    }
}

/// An operator that was found, with its argument types made concrete.
pub(crate) struct Found {
    pub row: &'static Operator,
    pub func: &'static Proc,
    pub args: Vec<Oid>,
    pub result: Oid,
}

impl Analyzer<'_> {
    /// oper() and left_oper(): `left` is None for a prefix operator.
    pub(crate) fn find_operator(&self, name: &str, left: Option<Oid>, right: Oid, pos: u32) -> Result<Found> {
        let inputs: Vec<Oid> = left.into_iter().chain([right]).collect();
        let row = match self.exact_operator(name, left, right) {
            Some(row) => row,
            None => {
                let candidates: Vec<Op> = self
                    .operators(name)
                    .into_iter()
                    .filter(|o| (o.left == 0) == left.is_none())
                    .map(|row| Op { row, args: [row.left, row.right] })
                    .collect();
                match self.choose(&inputs, &candidates) {
                    Choice::One(op) => op.row,
                    Choice::None => return Err(self.operator_error(name, left, right, false).at(pos)),
                    Choice::Ambiguous => return Err(self.operator_error(name, left, right, true).at(pos)),
                }
            }
        };
        let declared: Vec<Oid> = if row.left == 0 { vec![row.right] } else { vec![row.left, row.right] };
        let (args, result) = self.enforce_generic(&inputs, &declared, row.result)?;
        if geometry::name(row.left).is_some() && matches!(row.name, "=" | "<>" | "<" | "<=" | ">" | ">=") {
            // By their areas, lengths or numbers of points: nothing that the engine's own comparisons know.
            let what = format!("{} between values of type {}", row.name, self.type_name(row.left));
            return Err(Error::unsupported(what).hint("~= says whether two of them are the same.").at(pos));
        }
        if row.left == oid::RECORD
            && let Some(part) = inputs.iter().find_map(|ty| self.orderless_part(*ty))
        {
            let wanted = if matches!(row.name, "=" | "<>") { "an equality operator" } else { "a comparison function" };
            let message = format!("could not identify {wanted} for type {}", self.type_name(part));
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, message));
        }
        let func = proc(row.proc_)?;
        self.check_elements(func.name, &args)?;
        Ok(Found { row, func, args, result })
    }

    /// The operators of that name: PostgreSQL's own, and those of extensions along the search path, or in the namespace that stands
    /// before it. (No operator has a dot in it.)
    fn operators(&self, name: &str) -> Vec<&'static Operator> {
        if let Some((namespace, name)) = name.rsplit_once('.') {
            let extensions = self.ctx.snapshot.extensions_in(namespace);
            return extensions.flat_map(|extension| OPERATORS.by_name(&extension.key(name))).collect();
        }
        let mut found: Vec<&'static Operator> = OPERATORS.by_name(name).collect();
        if !self.ctx.snapshot.extensions.is_empty() {
            for extension in self.search_path().flat_map(|n| self.ctx.snapshot.extensions_in(n)) {
                found.extend(OPERATORS.by_name(&extension.key(name)));
            }
        }
        found
    }

    /// What compares an array's elements needs an order of them, or their equality.
    pub(crate) fn check_elements(&self, func: &str, args: &[Oid]) -> Result<()> {
        let wanted = match func {
            "array_eq" | "array_ne" | "arraycontains" | "arraycontained" | "arrayoverlap" | "array_position"
            | "array_positions" | "array_remove" | "array_replace" => "an equality operator",
            "array_lt" | "array_le" | "array_gt" | "array_ge" | "btarraycmp" | "array_larger" | "array_smaller"
            | "max" | "min" => "a comparison function",
            _ => return Ok(()),
        };
        match args.first().and_then(|array| self.orderless_element(*array)) {
            Some(element) => {
                let message = format!("could not identify {wanted} for type {}", self.type_name(element));
                Err(Error::new(SqlState::UNDEFINED_FUNCTION, message))
            }
            None => Ok(()),
        }
    }

    /// The element type of an array whose elements have no order.
    pub(crate) fn orderless_element(&self, array: Oid) -> Option<Oid> {
        let element = self.type_facts(self.base_oid(array)).element;
        (element != 0 && is_orderless(self.base_oid(element))).then_some(element)
    }

    /// What values of a type are made of (elements, fields) and that has no order, if there is something.
    pub(crate) fn orderless_part(&self, ty: Oid) -> Option<Oid> {
        let base = self.base_oid(ty);
        if is_orderless(base) {
            return Some(base);
        }
        let element = self.type_facts(base).element;
        if element != 0 {
            return self.orderless_part(element);
        }
        let row = self.row_type_relation(base)?;
        row.columns.iter().find_map(|column| self.orderless_part(column.ty.oid))
    }

    /// binary_oper_exact: an unknown side is taken for the other's type.
    fn exact_operator(&self, name: &str, left: Option<Oid>, right: Oid) -> Option<&'static Operator> {
        let find = |l: Oid, r: Oid| {
            let is = |o: &&'static Operator| o.left == l && o.right == r;
            // A name has a dot where its namespace is written: then there is none of PostgreSQL's by it.
            let own = OPERATORS.by_name(name).find(is);
            let others = || match self.ctx.snapshot.extensions.is_empty() {
                true => None,
                false => self.operators(name).into_iter().find(is),
            };
            own.or_else(others)
        };
        let Some(left) = left else { return find(0, right) };
        let (l, r, was_unknown) = match (left, right) {
            (oid::UNKNOWN, oid::UNKNOWN) => (left, right, false),
            (oid::UNKNOWN, known) => (known, known, true),
            (known, oid::UNKNOWN) => (known, known, true),
            both => (both.0, both.1, false),
        };
        find(l, r).or_else(|| {
            let base = self.base_oid(l);
            (was_unknown && base != l).then(|| find(base, base)).flatten()
        })
    }

    fn operator_error(&self, name: &str, left: Option<Oid>, right: Oid, ambiguous: bool) -> Error {
        let shown = match left {
            Some(left) => format!("{} {name} {}", self.type_name(left), self.type_name(right)),
            None => format!("{name} {}", self.type_name(right)),
        };
        if ambiguous {
            return Error::new(SqlState::AMBIGUOUS_FUNCTION, format!("operator is not unique: {shown}"))
                .hint("Could not choose a best candidate operator. You might need to add explicit type casts.");
        }
        let hint = if left.is_some() {
            "No operator matches the given name and argument types. You might need to add explicit type casts."
        } else {
            "No operator matches the given name and argument type. You might need to add an explicit type cast."
        };
        Error::new(SqlState::UNDEFINED_FUNCTION, format!("operator does not exist: {shown}")).hint(hint)
    }

    /// make_op.
    pub(crate) fn operator(&mut self, name: &str, left: Option<Expr>, right: Expr, pos: u32) -> Result<Expr> {
        let found = self.find_operator(name, left.as_ref().map(|l| l.ty.oid), right.ty.oid, pos)?;
        let mut args = Vec::with_capacity(2);
        for (arg, ty) in left.into_iter().chain([right]).zip(&found.args) {
            args.push(self.coerce_type(arg, PgType::new(*ty), CastContext::Implicit, false)?);
        }
        super::collation::agree(&args)?;
        let call =
            Call { func: found.func, args, operator: Some(found.row.oid), variadic: false, form: CallForm::Plain };
        Ok(Expr { kind: ExprKind::Call(Box::new(call)), ty: PgType::new(found.result), pos })
    }

    /// make_scalar_array_op: `left op ANY/ALL (array)`.
    pub(crate) fn array_operator(&mut self, name: &str, all: bool, left: Expr, array: Expr, pos: u32) -> Result<Expr> {
        let wrong = |message: &str| Error::new(SqlState::WRONG_OBJECT_TYPE, message).at(pos);
        let element = match array.ty.oid {
            oid::UNKNOWN => oid::UNKNOWN,
            ty => match self.type_facts(self.base_oid(ty)).element {
                // int2vector and oidvector pass for arrays here.
                0 if ty == oid::INT2VECTOR => oid::INT2,
                0 if ty == oid::OIDVECTOR => oid::OID,
                0 => return Err(wrong("op ANY/ALL (array) requires array on right side")),
                element => element,
            },
        };
        let found = self.find_operator(name, Some(left.ty.oid), element, pos)?;
        if found.result != oid::BOOL {
            return Err(wrong("op ANY/ALL (array) requires operator to yield boolean"));
        }
        let left = self.coerce_type(left, PgType::new(found.args[0]), CastContext::Implicit, false)?;
        let wanted = match array.ty.oid {
            vector @ (oid::INT2VECTOR | oid::OIDVECTOR) if element == found.args[1] => vector,
            // What compares records compares those of a type, too.
            array if found.args[1] == oid::RECORD && self.type_facts(element).kind == b'c' => array,
            _ => self.array_of(found.args[1])?,
        };
        let array = self.coerce_type(array, PgType::new(wanted), CastContext::Implicit, false)?;
        let kind = ExprKind::AnyAll { op: found.func, all, left: Box::new(left), array: Box::new(array) };
        Ok(Expr { kind, ty: PgType::new(oid::BOOL), pos })
    }
}
