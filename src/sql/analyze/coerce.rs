//! Coercion (parse_coerce): which types turn into which, and the cast expressions that do it.

use super::types::proc;
use super::{Analyzer, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::facts::{self, CastMethod, Proc};
use crate::tree::CastHow;
use crate::types::{Oid, PgType, Value, oid};

pub use crate::facts::CastContext;

/// How one type gets to another (CoercionPathType); None is "not at all".
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pathway {
    Relabel,
    Function(&'static Proc),
    ArrayElements,
    InOut,
}

pub(crate) fn is_polymorphic(ty: Oid) -> bool {
    matches!(
        ty,
        oid::ANYELEMENT
            | oid::ANYARRAY
            | oid::ANYNONARRAY
            | oid::ANYENUM
            | oid::ANYRANGE
            | oid::ANYMULTIRANGE
            | oid::ANYCOMPATIBLE
            | oid::ANYCOMPATIBLEARRAY
            | oid::ANYCOMPATIBLENONARRAY
            | oid::ANYCOMPATIBLERANGE
            | oid::ANYCOMPATIBLEMULTIRANGE
    )
}

impl Analyzer<'_> {
    /// find_coercion_pathway.
    pub(crate) fn pathway(&self, target: Oid, source: Oid, context: CastContext) -> Option<Pathway> {
        let (source, target) = (self.base_oid(source), self.base_oid(target));
        if source == target {
            return Some(Pathway::Relabel);
        }
        if let Some(cast) = facts::cast(source, target) {
            if context < cast.context {
                return None;
            }
            return match cast.method {
                CastMethod::Function => proc(cast.func).ok().map(Pathway::Function),
                CastMethod::InOut => Some(Pathway::InOut),
                CastMethod::Binary => Some(Pathway::Relabel),
            };
        }
        let (from, to) = (self.type_facts(source), self.type_facts(target));
        if from.element != 0
            && to.element != 0
            && !matches!(target, oid::OIDVECTOR | oid::INT2VECTOR)
            && self.pathway(to.element, from.element, context).is_some()
        {
            return Some(Pathway::ArrayElements);
        }
        // To an enum or from one there is no entry in pg_cast either: text and I/O conversion are what remains.
        if context >= CastContext::Assignment && to.category == b'S' {
            return Some(Pathway::InOut);
        }
        if context >= CastContext::Explicit && from.category == b'S' {
            return Some(Pathway::InOut);
        }
        None
    }

    /// can_coerce_type for one pair, polymorphic targets aside.
    pub(crate) fn can_coerce(&self, source: Oid, target: Oid, context: CastContext) -> bool {
        if source == target || target == oid::ANY || is_polymorphic(target) || source == oid::UNKNOWN {
            return true;
        }
        if self.pathway(target, source, context).is_some() {
            return true;
        }
        let is_row = |ty| self.type_facts(self.base_oid(ty)).kind == b'c';
        (source == oid::RECORD && is_row(target)) || (target == oid::RECORD && is_row(source))
    }

    /// can_coerce_type for an argument list: each pair, and polymorphic parameters together.
    pub(crate) fn can_coerce_all(&self, sources: &[Oid], targets: &[Oid], context: CastContext) -> bool {
        sources.iter().zip(targets).all(|(s, t)| self.can_coerce(*s, *t, context))
            && (!targets.iter().any(|t| is_polymorphic(*t)) || self.generic_consistent(sources, targets))
    }

    /// coerce_to_target_type: None if there is no way.
    pub(crate) fn coerce_to(
        &mut self,
        expr: Expr,
        target: PgType,
        context: CastContext,
        explicit: bool,
    ) -> Result<Option<Expr>> {
        if !self.can_coerce(expr.ty.oid, target.oid, context) {
            return Ok(None);
        }
        let changes = expr.ty.oid != target.oid;
        let mut coerced = self.coerce_type(expr, target, context, explicit)?;
        if changes && target.typmod >= 0 && target.typmod != coerced.ty.typmod {
            hide_cast(&mut coerced);
        }
        self.coerce_typmod(coerced, target, explicit).map(Some)
    }

    /// coerce_type: to `target`, whose modifier matters only for literals of intervals. The caller has asked
    /// [`Analyzer::can_coerce`].
    pub(crate) fn coerce_type(
        &mut self,
        expr: Expr,
        target: PgType,
        context: CastContext,
        explicit: bool,
    ) -> Result<Expr> {
        let source = expr.ty.oid;
        if source == target.oid {
            return Ok(expr);
        }
        match target.oid {
            oid::ANY | oid::ANYELEMENT | oid::ANYNONARRAY | oid::ANYCOMPATIBLE | oid::ANYCOMPATIBLENONARRAY => {
                return Ok(expr);
            }
            oid::ANYARRAY | oid::ANYENUM | oid::ANYRANGE | oid::ANYCOMPATIBLEARRAY | oid::ANYMULTIRANGE
                if source != oid::UNKNOWN =>
            {
                let base = self.base_type(expr.ty);
                return Ok(if base.oid == source { expr } else { cast(expr, base, CastHow::Domain(source), explicit) });
            }
            _ => {}
        }
        if let Some(domain) = self.domain_of_elements(target.oid) {
            return self.coerce_elements(expr, target, domain, (context, explicit));
        }
        if source == oid::UNKNOWN && !matches!(expr.kind, ExprKind::Collate { .. }) {
            return self.coerce_unknown(expr, target, explicit);
        }
        if let ExprKind::Collate { arg, collation } = expr.kind {
            // The coercion goes under COLLATE, if the target can have one.
            let coerced = self.coerce_type(*arg, target, context, explicit)?;
            let (ty, pos) = (coerced.ty, expr.pos);
            return Ok(match self.type_facts(ty.oid).category {
                b'S' => Expr { kind: ExprKind::Collate { arg: Box::new(coerced), collation }, ty, pos },
                _ => coerced,
            });
        }
        let base = self.base_type(PgType::new(target.oid));
        if let Some(pathway) = self.pathway(target.oid, source, context) {
            let how = self.cast_how(pathway, source, base.oid, context)?;
            let mut result = expr;
            if self.base_oid(source) != base.oid || self.is_domain(source) {
                let unwrapped = self.base_oid(source);
                result = if unwrapped == base.oid {
                    cast(result, PgType::new(base.oid), CastHow::Relabel, explicit)
                } else {
                    // int4 to bit(n): the function takes the modifier, so that nothing else applies it.
                    let sized = matches!(&how, CastHow::Function(f) if f.args.len() > 1);
                    let to = if sized { PgType::with(base.oid, target.typmod) } else { PgType::new(base.oid) };
                    cast(result, to, how, explicit)
                };
            }
            return self.coerce_domain(result, target, explicit);
        }
        if source == oid::RECORD && self.type_facts(base.oid).kind == b'c' {
            return self.row_to_composite(expr, target, context, explicit);
        }
        if target.oid == oid::RECORD {
            return Ok(cast(expr, target, CastHow::Relabel, explicit));
        }
        // Only pseudo-types get here: values of type anyarray, which a few columns of the catalog have.
        Err(Error::unsupported(format!("a value of type {} here", self.type_name(source))))
    }

    /// An unknown literal or parameter takes on the target type.
    fn coerce_unknown(&mut self, expr: Expr, target: PgType, explicit: bool) -> Result<Expr> {
        let base = self.base_type(target);
        match expr.kind {
            ExprKind::Const(Value::Null) => {
                let null = Expr { kind: ExprKind::Const(Value::Null), ty: PgType::new(base.oid), pos: expr.pos };
                self.coerce_domain(null, target, explicit)
            }
            ExprKind::Const(Value::Text(text)) => {
                // Only an interval's input needs the modifier; the others are cut to it afterwards.
                let typmod = if base.oid == oid::INTERVAL { base.typmod } else { -1 };
                let ty = PgType::with(base.oid, typmod);
                if let Some(moment) = super::literal::current_moment(&text, base.oid, expr.pos) {
                    return self.coerce_domain(moment, target, explicit);
                }
                // What the input function looks up stands in the constant, not at a place of the text.
                let places = self.places.take();
                let value = self.input(&text, ty).map_err(|e| e.at(expr.pos));
                self.places = places;
                let value = value?;
                self.note_literal(expr.pos, &value, ty);
                if self.hides_domain(base.oid) && !(matches!(value, Value::Row(_)) && self.shows_its_domains(base.oid))
                {
                    let message =
                        format!("a literal of type {}, which has a domain inside", self.type_name(target.oid));
                    return Err(Error::unsupported(message).hint("Write ROW(…) and ARRAY[…].").at(expr.pos));
                }
                if let (Value::Row(fields), true) = (&value, self.has_domain_field(base.oid)) {
                    // Field by field, as ROW(…): the domains' conditions are for the statement to ask.
                    let field = |(ty, value): &(PgType, Value)| {
                        let ty = PgType::new(self.base_oid(ty.oid));
                        Expr { kind: ExprKind::Const(value.clone()), ty, pos: expr.pos }
                    };
                    let kind = ExprKind::Row(fields.iter().map(field).collect());
                    let row = Expr { kind, ty: PgType::new(oid::RECORD), pos: expr.pos };
                    return self.row_to_composite(row, target, CastContext::Explicit, explicit);
                }
                let literal = Expr { kind: ExprKind::Const(value), ty, pos: expr.pos };
                self.coerce_domain(literal, target, explicit)
            }
            ExprKind::Param(n) => self.coerce_param(n, target, expr.pos),
            // Output columns of subqueries are resolved to text before anyone sees them.
            kind => {
                let expr = Expr { kind, ty: PgType::new(oid::TEXT), pos: expr.pos };
                self.coerce_type(expr, target, CastContext::Explicit, explicit)
            }
        }
    }

    /// variable_coerce_param_hook: the first use of a parameter decides its type.
    fn coerce_param(&mut self, n: u16, target: PgType, pos: u32) -> Result<Expr> {
        self.untyped_params.remove(&(pos, n));
        match self.params[usize::from(n)] {
            None => self.params[usize::from(n)] = Some(target.oid),
            Some(known) if known == target.oid => {}
            Some(known) => {
                let detail = format!("{} versus {}", self.type_name(known), self.type_name(target.oid));
                let message = format!("inconsistent types deduced for parameter ${}", n + 1);
                return Err(Error::new(SqlState::AMBIGUOUS_PARAMETER, message).detail(detail).at(pos));
            }
        }
        self.param_of(n, target.oid, pos)
    }

    fn has_domain_field(&self, row: Oid) -> bool {
        self.row_type_relation(row).is_some_and(|row| row.columns.iter().any(|column| self.is_domain(column.ty.oid)))
    }

    /// Has a value of this type parts (fields, and parts of elements and fields) that are of a domain? An array of a domain's
    /// values does not count: its elements are asked for themselves.
    fn hides_domain(&self, ty: Oid) -> bool {
        let base = self.base_oid(ty);
        let element = self.type_facts(base).element;
        if element != 0 {
            return self.hides_domain(element);
        }
        self.row_type_relation(base).is_some_and(|row| {
            let mut types = row.columns.iter().map(|column| column.ty.oid);
            types.any(|ty| self.is_domain(ty) || self.domain_of_elements(ty).is_some() || self.hides_domain(ty))
        })
    }

    /// Of a row type: are all of these its own fields?
    fn shows_its_domains(&self, row: Oid) -> bool {
        self.row_type_relation(row).is_some_and(|row| {
            let mut others = row.columns.iter().map(|column| column.ty.oid).filter(|ty| !self.is_domain(*ty));
            !others.any(|ty| self.domain_of_elements(ty).is_some() || self.hides_domain(ty))
        })
    }

    /// A parameter of a type that is known. What the client gives is read as a value of the type under a domain: the domain's own
    /// conditions are for the statement to ask.
    pub(super) fn param_of(&mut self, n: u16, ty: Oid, pos: u32) -> Result<Expr> {
        self.asked(&ExprKind::Param(n), PgType::new(ty), (false, pos))?.ok_or_else(|| {
            let message = format!("a parameter of type {}, which has arrays of rows with domains", self.type_name(ty));
            Error::unsupported(message).hint("Give the fields: ARRAY[ROW($1, $2)::type].").at(pos)
        })
    }

    /// A value that a loader sends for a column, which its input function has read: what is left are the conditions of domains.
    pub(super) fn sent_value(&mut self, kind: &ExprKind, ty: PgType) -> Result<Expr> {
        self.asked(kind, ty, (true, 0))?.ok_or_else(|| {
            let what = self.type_name(ty.oid);
            Error::unsupported(format!("COPY FROM of a column of type {what}, which has arrays of rows with domains"))
                .hint("Send the fields apart and INSERT … SELECT ARRAY[ROW(…)].")
        })
    }

    /// A value that was read without the conditions of the domains of its type, with these asked: of the value, of an array's
    /// elements, of a row's fields. None for arrays of rows. `sized`: the domain's modifier was applied where it was read.
    fn asked(&mut self, read: &ExprKind, ty: PgType, (sized, pos): (bool, u32)) -> Result<Option<Expr>> {
        let base = self.base_type(ty);
        let plain = |ty: PgType, sized: bool| {
            let ty = if sized { ty } else { PgType::new(ty.oid) };
            Expr { kind: read.clone(), ty, pos }
        };
        let value = if let Some(domain) = self.domain_of_elements(base.oid) {
            let element = self.base_type(PgType::new(domain));
            if self.hides_domain(element.oid) {
                return Ok(None);
            }
            let array = PgType::with(self.array_of(element.oid)?, element.typmod);
            let value = self.coerce_typmod(plain(array, sized), array, false)?;
            cast(value, base, CastHow::ArrayElements(Box::new(CastHow::Domain(domain))), false)
        } else if self.hides_domain(base.oid) {
            let row = self.row_type_relation(base.oid).filter(|_| self.type_facts(base.oid).element == 0);
            let Some(row) = row.cloned() else { return Ok(None) };
            let mut fields = Vec::with_capacity(row.columns.len());
            for (i, column) in row.columns.iter().enumerate() {
                let field = ExprKind::Field { row: Box::new(plain(base, true)), field: i as u16 };
                let Some(field) = self.asked(&field, column.ty, (false, pos))? else { return Ok(None) };
                fields.push(field);
            }
            let there = ExprKind::IsNull { arg: Box::new(plain(base, true)), not: true, whole: true };
            let there = Expr { kind: there, ty: PgType::new(oid::BOOL), pos };
            let row = Expr { kind: ExprKind::Row(fields), ty: base, pos };
            Expr { kind: ExprKind::Case { simple: false, whens: vec![(there, row)], otherwise: None }, ty: base, pos }
        } else {
            plain(base, sized || !self.is_domain(ty.oid))
        };
        self.coerce_domain(value, ty, false).map(Some)
    }

    /// The domain of whose values a type is an array.
    fn domain_of_elements(&self, array: Oid) -> Option<Oid> {
        Some(self.type_facts(array).element).filter(|element| *element != 0 && self.is_domain(*element))
    }

    /// To an array of a domain's values: by way of the array of its base type, to whose elements the domain's checks apply then.
    fn coerce_elements(
        &mut self,
        expr: Expr,
        target: PgType,
        domain: Oid,
        (context, explicit): (CastContext, bool),
    ) -> Result<Expr> {
        let base = self.base_type(PgType::new(domain));
        let array = PgType::with(self.array_of(base.oid)?, base.typmod);
        let plain = self.coerce_type(expr, array, context, explicit)?;
        let mut sized = self.coerce_typmod(plain, array, explicit)?;
        if explicit {
            hide_cast(&mut sized);
        }
        let how = CastHow::ArrayElements(Box::new(CastHow::Domain(domain)));
        Ok(cast(sized, PgType::new(target.oid), how, explicit))
    }

    /// coerce_to_domain, for a value that has the domain's base type already.
    fn coerce_domain(&mut self, expr: Expr, target: PgType, explicit: bool) -> Result<Expr> {
        if !self.is_domain(target.oid) {
            return Ok(expr);
        }
        let base = self.base_type(PgType::new(target.oid));
        let mut expr = self.coerce_typmod(expr, base, explicit)?;
        if explicit {
            hide_cast(&mut expr);
        }
        Ok(cast(expr, PgType::new(target.oid), CastHow::Domain(target.oid), explicit))
    }

    fn cast_how(&self, pathway: Pathway, source: Oid, target: Oid, context: CastContext) -> Result<CastHow> {
        let (from, to) = (self.type_facts(self.base_oid(source)), self.type_facts(target));
        Ok(match pathway {
            Pathway::Relabel => CastHow::Relabel,
            Pathway::Function(func) => CastHow::Function(func),
            Pathway::InOut if to.kind == b'e' => CastHow::EnumIn,
            Pathway::InOut if from.kind == b'e' => CastHow::EnumOut,
            Pathway::InOut => CastHow::InOut,
            Pathway::ArrayElements => {
                let inner = self
                    .pathway(to.element, from.element, context)
                    .ok_or_else(|| Error::internal("array elements lost their cast"))?;
                CastHow::ArrayElements(Box::new(self.cast_how(inner, from.element, to.element, context)?))
            }
        })
    }

    /// coerce_type_typmod: applies a modifier that the value does not have yet.
    pub(crate) fn coerce_typmod(&mut self, expr: Expr, target: PgType, explicit: bool) -> Result<Expr> {
        if target.typmod < 0 || target.typmod == expr.ty.typmod {
            return Ok(expr);
        }
        let element = self.type_facts(target.oid).element;
        let how = if element != 0 { CastHow::ArrayElements(Box::new(CastHow::Typmod)) } else { CastHow::Typmod };
        let ty = PgType::with(expr.ty.oid, target.typmod);
        Ok(cast(expr, ty, how, explicit))
    }

    /// coerce_record_to_complex: to a composite type, or to a domain over one.
    fn row_to_composite(&mut self, expr: Expr, target: PgType, context: CastContext, explicit: bool) -> Result<Expr> {
        let base = self.base_type(PgType::new(target.oid));
        let Some(relation) = self.row_type_relation(base.oid).cloned() else {
            return Err(Error::unsupported("a cast to this composite type"));
        };
        let ExprKind::Row(items) = expr.kind else {
            return Err(cannot_cast(&self.type_name(oid::RECORD), &self.type_name(target.oid)).at(expr.pos));
        };
        if items.len() != relation.columns.len() {
            let detail = if items.len() < relation.columns.len() {
                "Input has too few columns."
            } else {
                "Input has too many columns."
            };
            return Err(cannot_cast("record", &self.type_name(target.oid)).detail(detail).at(expr.pos));
        }
        let mut coerced = Vec::with_capacity(items.len());
        for (item, column) in items.into_iter().zip(&relation.columns) {
            let (from, pos) = (item.ty.oid, item.pos);
            let Some(item) = self.coerce_to(item, column.ty, context, explicit)? else {
                return Err(cannot_cast(&self.type_name(from), &self.type_name(column.ty.oid)).at(pos));
            };
            coerced.push(item);
        }
        let row = Expr { kind: ExprKind::Row(coerced), ty: PgType::new(base.oid), pos: expr.pos };
        self.coerce_domain(row, target, explicit)
    }

    /// coerce_to_boolean, for WHERE and kin.
    pub(crate) fn coerce_boolean(&mut self, expr: Expr, construct: &str) -> Result<Expr> {
        self.coerce_specific(expr, oid::BOOL, construct)
    }

    /// coerce_to_specific_type: an assignment cast to `target`, or "argument of X must be type …".
    pub(crate) fn coerce_specific(&mut self, expr: Expr, target: Oid, construct: &str) -> Result<Expr> {
        let (from, pos) = (expr.ty.oid, expr.pos);
        if let Some(expr) = self.coerce_to(expr, PgType::new(target), CastContext::Assignment, false)? {
            return Ok(expr);
        }
        let message = format!(
            "argument of {construct} must be type {}, not type {}",
            self.type_name(target),
            self.type_name(from)
        );
        Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(pos))
    }

    /// An explicit cast: `CAST(x AS t)`, `x::t`, `t 'x'`.
    pub(crate) fn explicit_cast(&mut self, expr: Expr, target: PgType, pos: u32) -> Result<Expr> {
        let (from, arg_pos) = (expr.ty.oid, expr.pos);
        match self.coerce_to(expr, target, CastContext::Explicit, true)? {
            Some(expr) => Ok(expr),
            None => Err(cannot_cast(&self.type_name(from), &self.type_name(target.oid)).at(if pos > 0 {
                pos
            } else {
                arg_pos
            })),
        }
    }

    /// What is still unknown at the end becomes text (resolveTargetListUnknowns).
    pub(crate) fn resolve_unknown(&mut self, expr: Expr) -> Result<Expr> {
        if expr.ty.oid != oid::UNKNOWN {
            return Ok(expr);
        }
        self.coerce_type(expr, PgType::new(oid::TEXT), CastContext::Implicit, false)
    }
}

pub(crate) fn cast(expr: Expr, ty: PgType, how: CastHow, explicit: bool) -> Expr {
    let pos = expr.pos;
    Expr { kind: ExprKind::Cast { arg: Box::new(expr), how, explicit }, ty, pos }
}

/// Of two casts that were written as one only the outer shows (hide_coercion_node).
fn hide_cast(expr: &mut Expr) {
    match &mut expr.kind {
        // The modifier of a domain applies inside it.
        ExprKind::Cast { how: CastHow::Domain(_) | CastHow::Typmod, .. } => {}
        ExprKind::Cast { explicit, .. } => *explicit = false,
        _ => {}
    }
}

pub(crate) fn cannot_cast(from: &str, to: &str) -> Error {
    Error::new(SqlState::CANNOT_COERCE, format!("cannot cast type {from} to {to}"))
}
