//! Functions and operators of ranges and multiranges.
//!
//! `r @> 3` → `dg_range_contains(r, dg_range_of_int4(3))`, `lower(r)` → `dg_range_lower_int4(r)`; comparisons are those of the bytes

use crate::error::{Error, Result};
use crate::facts::Proc;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::Scalar;
use crate::sql::signatures::native::RANGE_SUBTYPES;
use crate::types::coded::range::{RangeType, has_values, range_of, range_type};
use crate::types::{Oid, PgType, Phys, oid};

/// The natives over one subtype: what carries it, and their names.
fn natives_of(subtype: Oid) -> Result<(Phys, [&'static str; 5])> {
    let subtype = if subtype == oid::VARCHAR { oid::TEXT } else { subtype };
    let found = RANGE_SUBTYPES.into_iter().find(|(of, ..)| *of == subtype);
    found.map(|(_, phys, names)| (phys, names)).ok_or_else(|| Error::unsupported("ranges of this type"))
}

/// The native for a function of one or two sets, and whether it takes them the other way round.
fn native_of(name: &str, args: usize) -> Option<(&'static str, bool)> {
    let plain = |native| Some((native, false));
    match name {
        "isempty" => plain("dg_range_isempty"),
        "lower_inc" => plain("dg_range_lower_inc"),
        "upper_inc" => plain("dg_range_upper_inc"),
        "lower_inf" => plain("dg_range_lower_inf"),
        "upper_inf" => plain("dg_range_upper_inf"),
        "range_union" => plain("dg_range_union"),
        "multirange_union" => plain("dg_multirange_union"),
        "range_minus" => plain("dg_range_minus"),
        "multirange_minus" => plain("dg_multirange_minus"),
        "range_intersect" | "multirange_intersect" => plain("dg_range_intersect"),
        "range_merge" if args == 2 => plain("dg_range_merge"),
        _ => {
            let verb = name.strip_prefix("multirange_").or_else(|| name.strip_prefix("range_"))?;
            let verb = verb.strip_suffix("_multirange").or_else(|| verb.strip_suffix("_range")).unwrap_or(verb);
            match verb {
                "overlaps" => plain("dg_range_overlaps"),
                "contains" => plain("dg_range_contains"),
                "contained_by" => Some(("dg_range_contains", true)),
                "before" => plain("dg_range_before"),
                "after" => Some(("dg_range_before", true)),
                "overleft" => plain("dg_range_overleft"),
                "overright" => plain("dg_range_overright"),
                "adjacent" => plain("dg_range_adjacent"),
                _ => None,
            }
        }
    }
}

/// True for a function of signatures/range.rs.
fn is_of_ranges(func: &Proc) -> bool {
    let set = |ty: &Oid| matches!(*ty, oid::ANYRANGE | oid::ANYMULTIRANGE) || range_type(*ty).is_some();
    func.args.iter().any(set) || set(&func.result)
}

impl Lowerer<'_> {
    fn range_of(&self, ty: Oid) -> Option<(RangeType, bool)> {
        range_of(ty, &*self.cx.snapshot)
    }

    /// The text of a value of a user's range type; `None` for any other.
    pub(crate) fn range_text(&mut self, value: &Scalar, ty: PgType) -> Result<Option<Scalar>> {
        let Some((of, multi)) = self.users_range(ty)? else { return Ok(None) };
        let session = self.session_id();
        let subtype = Scalar::number(of.subtype, Phys::Void).cast(Phys::Oid);
        let args = vec![session, value.clone(), subtype, Scalar::bool(multi)];
        Ok(Some(Scalar::call("dg_range_out", args, Phys::Text)))
    }

    /// Text as a value of a user's range type; `None` for any other.
    pub(crate) fn range_in(&mut self, text: &Scalar, ty: PgType) -> Result<Option<Scalar>> {
        let Some((of, multi)) = self.users_range(ty)? else { return Ok(None) };
        let session = self.session_id();
        let subtype = Scalar::number(of.subtype, Phys::Void).cast(Phys::Oid);
        let args = vec![session, text.clone(), subtype, Scalar::bool(multi)];
        Ok(Some(Scalar::call("dg_range_in", args, self.phys(PgType::new(ty.oid))?)))
    }

    /// What a user's range type is over: a type of PostgreSQL's own that bounds can be of.
    fn users_range(&self, ty: PgType) -> Result<Option<(RangeType, bool)>> {
        let found = self.range_of(ty.oid).filter(|_| ty.oid >= oid::FIRST_USER);
        match found {
            Some((of, _)) if !has_values(of.subtype) => Err(Error::unsupported("values of a range over this type")),
            found => Ok(found),
        }
    }

    /// A function of ranges; `None` for any other.
    pub(crate) fn range_function(&mut self, func: &Proc, args: &[Scalar], ty: PgType) -> Result<Option<Scalar>> {
        if !is_of_ranges(func) {
            return Ok(None);
        }
        let phys = self.phys(PgType::new(ty.oid))?;
        if let Some((native, turned)) = native_of(func.name, args.len()) {
            let mut args = args.to_vec();
            if turned {
                args.reverse();
            }
            return Ok(Some(Scalar::call(native, args, phys)));
        }
        // A constructor of a user's range type goes by another's name: it is the call's type that says which one it makes.
        let constructed = range_type(func.result).and_then(|_| self.range_of(ty.oid));
        if let (Some((of, false)), [lower, upper, rest @ ..]) = (constructed, args) {
            let (element, [canonical, .., plain]) = natives_of(of.subtype)?;
            let make = if ty.oid < oid::FIRST_USER { canonical } else { plain };
            let flags = rest.first().cloned().unwrap_or_else(|| Scalar::literal("[)", Phys::Text));
            let bounds = (self.coerce(lower.clone(), &element)?, self.coerce(upper.clone(), &element)?);
            return Ok(Some(Scalar::call(make, vec![bounds.0, bounds.1, flags], phys)));
        }
        if let Some((_, true)) = range_type(func.result) {
            return Ok(Some(match args {
                [] => Scalar::literal("", Phys::Text).cast(phys),
                [list] if matches!(list.phys, Phys::List(_)) => {
                    Scalar::call("dg_multirange_make", vec![list.clone()], phys)
                }
                [range, ..] => range.clone().cast(phys),
            }));
        }
        match (func.name, args) {
            ("multirange", [range]) => Ok(Some(range.clone().cast(phys))),
            ("range_merge", [set]) => Ok(Some(Scalar::call("dg_range_merge", vec![set.clone(), set.clone()], phys))),
            ("lower" | "upper", [set]) => {
                let (element, [_, lower, upper, ..]) = natives_of(ty.oid)?;
                let native = if func.name == "lower" { lower } else { upper };
                Ok(Some(Scalar::call(native, vec![set.clone()], element)))
            }
            ("range_contains_elem" | "multirange_contains_elem", [set, element]) => {
                self.contains_element(set, element).map(Some)
            }
            ("elem_contained_by_range" | "elem_contained_by_multirange", [element, set]) => {
                self.contains_element(set, element).map(Some)
            }
            ("range_cmp" | "multirange_cmp", [left, right]) => {
                let keys = vec![self.sort_key(left.clone())?, self.sort_key(right.clone())?];
                let text = "CASE WHEN {0} < {1} THEN -1 WHEN {0} = {1} THEN 0 WHEN {0} > {1} THEN 1 END";
                Ok(Some(Scalar::template(text, keys, Phys::Int4)))
            }
            _ => Ok(None),
        }
    }

    fn contains_element(&mut self, set: &Scalar, element: &Scalar) -> Result<Scalar> {
        let Phys::Coded(ty) = set.phys else { return Ok(Scalar::null(Phys::Bool)) };
        let Some((of, _)) = self.range_of(ty) else { return Err(Error::internal("lower: a range of no range type")) };
        let (phys, [_, _, _, single, _]) = natives_of(of.subtype)?;
        let element = self.coerce(element.clone(), &phys)?;
        let element = Scalar::call(single, vec![element], Phys::Bytea);
        Ok(Scalar::call("dg_range_contains", vec![set.clone(), element], Phys::Bool))
    }

    /// `unnest(multirange)`: the list of its members.
    pub(crate) fn multirange_members(&mut self, set: Scalar, ty: PgType) -> Result<Scalar> {
        let phys = Phys::List(Box::new(self.phys(ty)?));
        Ok(Scalar::call("dg_multirange_members", vec![set], phys))
    }
}
