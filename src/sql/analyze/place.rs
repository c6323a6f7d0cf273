//! Assignment to parts of columns (transformAssignmentIndirection): elements, slices, fields, and parts of those.

use sqlparser::ast::{self, AccessExpr};

use super::{Analyzer, CastContext, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::sql::parse::fold;
use crate::tree::{CastHow, Place, Subscript};
use crate::types::{PgType, Value, oid};

/// How many assignments to fields inside elements of one column a statement may have: each repeats those before it.
const MAX_INNER_PARTS: usize = 8;

/// A column's new value that was made by assignments to its parts.
pub(crate) fn is_put(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Put { .. } => true,
        ExprKind::Cast { arg, how: CastHow::Domain(_), explicit: false } => is_put(arg),
        _ => false,
    }
}

/// DEFAULT for a part of a column.
pub(crate) fn no_default(place: &[AccessExpr]) -> Error {
    let message = match place.first() {
        Some(AccessExpr::Dot(_)) => "cannot set a subfield to DEFAULT",
        Some(AccessExpr::Subscript(_)) | None => "cannot set an array element to DEFAULT",
    };
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}

/// How many assignments in a column's value so far went through an element.
fn inner_parts(e: &Expr) -> usize {
    match &e.kind {
        ExprKind::Put { whole, place, value } => {
            let through = matches!(place, Place::Items(_)) && is_put(value);
            inner_parts(whole) + usize::from(through)
        }
        ExprKind::Cast { arg, .. } => inner_parts(arg),
        _ => 0,
    }
}

impl Analyzer<'_> {
    /// `whole` with `value` at the place, which is not empty; `name` is the column's, for messages.
    pub(crate) fn put(&mut self, whole: Expr, place: &[AccessExpr], value: Expr, name: &str) -> Result<Expr> {
        let target = whole.ty;
        let base = self.base_type(target);
        let whole = match whole.kind {
            ExprKind::Cast { arg, how: CastHow::Domain(_), explicit: false } if is_put(&arg) => *arg,
            ExprKind::Const(Value::Null) => Expr { ty: base, ..whole },
            _ if base.oid != target.oid => super::coerce::cast(whole, base, CastHow::Domain(target.oid), false),
            _ => whole,
        };
        let put = match place.first() {
            Some(AccessExpr::Dot(ast::Expr::Identifier(field))) => {
                self.put_field(whole, field, &place[1..], value, name)?
            }
            Some(AccessExpr::Subscript(_)) => {
                let count = place.iter().take_while(|a| matches!(a, AccessExpr::Subscript(_))).count();
                self.put_items(whole, place.split_at(count), value, name)?
            }
            Some(AccessExpr::Dot(_)) | None => return Err(Error::unsupported("an assignment to this place")),
        };
        if base.oid == target.oid {
            return Ok(put);
        }
        let (from, pos) = (put.ty.oid, put.pos);
        self.coerce_to(put, target, CastContext::Assignment, false)?
            .ok_or_else(|| super::coerce::cannot_cast(&self.type_name(from), &self.type_name(target.oid)).at(pos))
    }

    /// The value for a part: of the part, or put into it.
    fn part(
        &mut self,
        part: Expr,
        rest: &[AccessExpr],
        value: Expr,
        name: &str,
        mismatch: impl FnOnce(&str, &str) -> String,
    ) -> Result<Expr> {
        if !rest.is_empty() {
            return self.put(part, rest, value, name);
        }
        let (from, pos, wanted) = (value.ty.oid, part.pos, part.ty);
        match self.coerce_to(value, wanted, CastContext::Assignment, false)? {
            Some(value) => Ok(value),
            None => {
                let message = mismatch(&self.type_name(wanted.oid), &self.type_name(from));
                Err(Error::new(SqlState::DATATYPE_MISMATCH, message)
                    .hint("You will need to rewrite or cast the expression.")
                    .at(pos))
            }
        }
    }

    fn put_field(
        &mut self,
        mut whole: Expr,
        field: &ast::Ident,
        rest: &[AccessExpr],
        value: Expr,
        name: &str,
    ) -> Result<Expr> {
        let called = fold(field);
        let shown = self.type_name(whole.ty.oid);
        let Some(relation) = self.row_type_relation(whole.ty.oid).cloned() else {
            let message = format!(
                "cannot assign to field \"{called}\" of column \"{name}\" because its type {shown} is not a composite type"
            );
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(whole.pos));
        };
        let Some(at) = relation.columns.iter().position(|c| c.name == called) else {
            let message = format!(
                "cannot assign to field \"{called}\" of column \"{name}\" because there is no such column in data type {shown}"
            );
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message).at(whole.pos));
        };
        let (index, ty) = (at as u16, relation.columns[at].ty);
        // What was put into the same field before is put into once more, not repeated.
        let part = match take_field(&mut whole, index) {
            Some(before) => before,
            None => Expr { kind: ExprKind::Field { row: Box::new(whole.clone()), field: index }, ty, pos: whole.pos },
        };
        let mismatch = |wanted: &str, from: &str| {
            format!("subfield \"{called}\" is of type {wanted} but expression is of type {from}")
        };
        let value = self.part(part, rest, value, &called, mismatch)?;
        let (row, pos) = (whole.ty, whole.pos);
        let kind = ExprKind::Put { whole: Box::new(whole), place: Place::Field(index), value: Box::new(value) };
        Ok(Expr { kind, ty: row, pos })
    }

    fn put_items(
        &mut self,
        whole: Expr,
        (subscripts, rest): (&[AccessExpr], &[AccessExpr]),
        value: Expr,
        name: &str,
    ) -> Result<Expr> {
        if whole.ty.oid == oid::JSONB {
            return self.put_jsonb(whole, (subscripts, rest), value, name);
        }
        if whole.ty.oid == oid::HSTORE {
            return self.put_hstore(whole, (subscripts, rest), value, name);
        }
        if !rest.is_empty() && inner_parts(&whole) >= MAX_INNER_PARTS {
            return Err(Error::unsupported("so many assignments to fields of a column's elements").at(whole.pos));
        }
        let element = self.subscripts(whole, subscripts)?;
        let (ty, pos) = (element.ty, element.pos);
        let ExprKind::Subscript { array, indices } = element.kind.clone() else {
            return Err(Error::internal("a subscript that is none"));
        };
        if matches!(array.ty.oid, oid::INT2VECTOR | oid::OIDVECTOR | oid::NAME) {
            return Err(
                Error::unsupported(format!("assignment to elements of {}", self.type_name(array.ty.oid))).at(pos)
            );
        }
        if !rest.is_empty() && indices.iter().any(|i| matches!(i, Subscript::Slice(..))) {
            let shown = self.type_name(ty.oid);
            let message =
                format!("cannot assign to field of column \"{name}\" because its type {shown} is not a composite type");
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(pos));
        }
        let mismatch = |wanted: &str, from: &str| {
            format!("subscripted assignment to \"{name}\" requires type {wanted} but expression is of type {from}")
        };
        let value = self.part(element, rest, value, name, mismatch)?;
        let whole_ty = array.ty;
        let kind = ExprKind::Put { whole: array, place: Place::Items(indices), value: Box::new(value) };
        Ok(Expr { kind, ty: whole_ty, pos })
    }

    fn put_jsonb(
        &mut self,
        whole: Expr,
        (subscripts, rest): (&[AccessExpr], &[AccessExpr]),
        value: Expr,
        name: &str,
    ) -> Result<Expr> {
        let (ty, pos) = (whole.ty, whole.pos);
        if !rest.is_empty() {
            let message =
                format!("cannot assign to field of column \"{name}\" because its type jsonb is not a composite type");
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(pos));
        }
        let index = |access| self.jsonb_subscript(access, pos).map(Subscript::Index);
        let indices = subscripts.iter().map(index).collect::<Result<_>>()?;
        let mismatch = |wanted: &str, from: &str| {
            format!("subscripted assignment to \"{name}\" requires type {wanted} but expression is of type {from}")
        };
        let part = Expr { kind: ExprKind::Const(Value::Null), ty, pos };
        let value = self.part(part, &[], value, name, mismatch)?;
        let kind = ExprKind::Put { whole: Box::new(whole), place: Place::Items(indices), value: Box::new(value) };
        Ok(Expr { kind, ty, pos })
    }

    fn put_hstore(
        &mut self,
        whole: Expr,
        (subscripts, rest): (&[AccessExpr], &[AccessExpr]),
        value: Expr,
        name: &str,
    ) -> Result<Expr> {
        let (ty, pos) = (whole.ty, whole.pos);
        if let Some(AccessExpr::Dot(field)) = rest.first() {
            let field = if let ast::Expr::Identifier(ident) = field { fold(ident) } else { "".into() };
            let message = format!(
                "cannot assign to field \"{field}\" of column \"{name}\" because its type text is not a composite type"
            );
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(pos));
        }
        let indices = vec![Subscript::Index(self.hstore_subscript(subscripts)?)];
        let mismatch = |wanted: &str, from: &str| {
            format!("subscripted assignment to \"{name}\" requires type {wanted} but expression is of type {from}")
        };
        let part = Expr { kind: ExprKind::Const(Value::Null), ty: PgType::new(oid::TEXT), pos };
        let value = self.part(part, &[], value, name, mismatch)?;
        let kind = ExprKind::Put { whole: Box::new(whole), place: Place::Items(indices), value: Box::new(value) };
        Ok(Expr { kind, ty, pos })
    }

    /// The type of what is written to a place; the type itself if there is no such place (the assignment says so).
    pub(crate) fn place_type(&self, ty: PgType, place: &[AccessExpr]) -> PgType {
        let mut ty = ty;
        let mut at = 0;
        while let Some(step) = place.get(at) {
            let base = self.base_type(ty);
            match step {
                AccessExpr::Dot(ast::Expr::Identifier(field)) => {
                    let name = fold(field);
                    let relation = self.row_type_relation(base.oid);
                    let column = relation.and_then(|r| r.columns.iter().find(|c| c.name == name));
                    let Some(column) = column else { return ty };
                    ty = column.ty;
                    at += 1;
                }
                AccessExpr::Dot(_) => return ty,
                AccessExpr::Subscript(_) => {
                    let run = place[at..].iter().take_while(|a| matches!(a, AccessExpr::Subscript(_)));
                    let slice = run.clone().any(|a| matches!(a, AccessExpr::Subscript(ast::Subscript::Slice { .. })));
                    at += run.count();
                    if base.oid == oid::HSTORE {
                        ty = PgType::new(oid::TEXT);
                    } else if !slice && base.oid != oid::JSONB {
                        ty = PgType::with(self.type_facts(base.oid).element, base.typmod);
                    }
                }
            }
        }
        ty
    }
}

/// Takes the value that was put into a field of the row before, with its place.
fn take_field(row: &mut Expr, field: u16) -> Option<Expr> {
    let ExprKind::Put { whole, place: Place::Field(at), value } = &mut row.kind else { return None };
    if *at != field {
        return take_field(whole, field);
    }
    let value = (**value).clone();
    *row = (**whole).clone();
    Some(value)
}
