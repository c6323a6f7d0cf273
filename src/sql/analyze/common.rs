//! The common type of several expressions (select_common_type), for CASE, UNION, VALUES, ARRAY and kin.

use super::{Analyzer, CastContext, Expr};
use crate::error::{Error, Result, SqlState};
use crate::types::{Oid, PgType, oid};

impl Analyzer<'_> {
    /// select_common_type. `context` is how messages call the construct ("CASE", "UNION" …).
    pub(crate) fn common_type(&self, types: &[(Oid, u32)], context: &str) -> Result<Oid> {
        let Some((first, _)) = types.first() else { return Ok(oid::TEXT) };
        if *first != oid::UNKNOWN && types.iter().all(|(t, _)| t == first) {
            return Ok(*first);
        }
        let mut chosen = self.base_oid(*first);
        for (ty, pos) in &types[1..] {
            let ty = self.base_oid(*ty);
            if ty == oid::UNKNOWN || ty == chosen {
                continue;
            }
            if chosen == oid::UNKNOWN {
                chosen = ty;
                continue;
            }
            let (have, new) = (self.type_facts(chosen), self.type_facts(ty));
            if have.category != new.category {
                let message =
                    format!("{context} types {} and {} cannot be matched", self.type_name(chosen), self.type_name(ty));
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(*pos));
            }
            if !have.preferred
                && self.can_coerce(chosen, ty, CastContext::Implicit)
                && !self.can_coerce(ty, chosen, CastContext::Implicit)
            {
                chosen = ty;
            }
        }
        Ok(if chosen == oid::UNKNOWN { oid::TEXT } else { chosen })
    }

    /// The same without an error, for anycompatible.
    pub(crate) fn common_type_of(&self, types: &[Oid]) -> Option<Oid> {
        let with_pos: Vec<(Oid, u32)> = types.iter().map(|t| (*t, 0)).collect();
        self.common_type(&with_pos, "").ok()
    }

    pub(crate) fn common_type_of_exprs(&self, exprs: &[Expr], context: &str) -> Result<PgType> {
        let types: Vec<(Oid, u32)> = exprs.iter().map(|e| (e.ty.oid, e.pos)).collect();
        let ty = self.common_type(&types, context)?;
        Ok(PgType::with(ty, common_typmod(exprs.iter().map(|e| e.ty), ty)))
    }

    /// coerce_to_common_type; the modifier is the common one already.
    pub(crate) fn coerce_common(&mut self, expr: Expr, ty: PgType, context: &str) -> Result<Expr> {
        if expr.ty.oid == ty.oid {
            return Ok(expr);
        }
        if !self.can_coerce(expr.ty.oid, ty.oid, CastContext::Implicit) {
            let message = format!(
                "{context} could not convert type {} to {}",
                self.type_name(expr.ty.oid),
                self.type_name(ty.oid)
            );
            return Err(Error::new(SqlState::CANNOT_COERCE, message).at(expr.pos));
        }
        self.coerce_type(expr, PgType::new(ty.oid), CastContext::Implicit, false)
    }

    /// All expressions to their common type.
    pub(crate) fn unify(&mut self, exprs: Vec<Expr>, context: &str) -> Result<(Vec<Expr>, PgType)> {
        let ty = self.common_type_of_exprs(&exprs, context)?;
        let exprs = exprs.into_iter().map(|e| self.coerce_common(e, ty, context)).collect::<Result<Vec<_>>>()?;
        Ok((exprs, ty))
    }
}

/// select_common_typmod: the modifier that all share, else none.
pub(crate) fn common_typmod(types: impl Iterator<Item = PgType>, common: Oid) -> i32 {
    let mut modifier = None;
    for ty in types {
        if ty.oid != common || modifier.is_some_and(|m| m != ty.typmod) {
            return -1;
        }
        modifier = Some(ty.typmod);
    }
    modifier.unwrap_or(-1)
}
