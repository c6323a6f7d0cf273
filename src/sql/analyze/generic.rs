//! Polymorphic types (check_generic_type_consistency, enforce_generic_type_consistency).

use super::coerce::is_polymorphic;
use super::{Analyzer, CastContext};
use crate::error::{Error, Result, SqlState};
use crate::facts::RANGE_ROWS;
use crate::types::{Oid, oid};

/// What the polymorphic parameters of one call stand for.
#[derive(Default)]
struct Families {
    element: Option<Oid>,
    array: Option<Oid>,
    range: Option<Oid>,
    multirange: Option<Oid>,
    compatible: Option<Oid>,
}

fn is_compatible_family(ty: Oid) -> bool {
    matches!(ty, oid::ANYCOMPATIBLE | oid::ANYCOMPATIBLEARRAY | oid::ANYCOMPATIBLENONARRAY | oid::ANYCOMPATIBLERANGE)
}

/// The row of pg_range in which a column has this value: the range, its multirange and its subtype.
fn range_row(column: &str, value: Oid) -> Option<[Oid; 3]> {
    let t = &*RANGE_ROWS;
    let at = |name: &str| t.columns.iter().position(|c| *c == name);
    let by = at(column)?;
    let row = t.rows.iter().find(|r| r[by].and_then(|v| v.parse().ok()) == Some(value))?;
    let field = |name: &str| row[at(name)?]?.parse().ok();
    Some([field("rngtypid")?, field("rngmultitypid")?, field("rngsubtype")?])
}

impl Analyzer<'_> {
    /// Whether the actual types could be given to a function with these polymorphic parameters.
    pub(crate) fn generic_consistent(&self, actual: &[Oid], declared: &[Oid]) -> bool {
        self.families(actual, declared).is_ok()
    }

    /// The declared types with every polymorphic one replaced, and the result type.
    pub(crate) fn enforce_generic(&self, actual: &[Oid], declared: &[Oid], result: Oid) -> Result<(Vec<Oid>, Oid)> {
        if !declared.iter().any(|d| is_polymorphic(*d)) && !is_polymorphic(result) {
            return Ok((declared.to_vec(), result));
        }
        let family = |ty: &&Oid| is_polymorphic(**ty) && !is_compatible_family(**ty);
        let unknown = actual.iter().zip(declared).any(|(a, d)| (*a, *d) == (oid::ANYARRAY, oid::ANYARRAY));
        if unknown && declared.iter().filter(family).count() > 1 {
            let message = "cannot determine element type of \"anyarray\" argument";
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        let families = self.families(actual, declared)?;
        let replace = |declared: Oid, actual: Option<Oid>| -> Result<Oid> {
            let undetermined = || {
                let message = "could not determine polymorphic type because input has type unknown".to_owned();
                Error::new(SqlState::DATATYPE_MISMATCH, message)
            };
            Ok(match declared {
                oid::ANYELEMENT | oid::ANYNONARRAY | oid::ANYENUM => families.element.ok_or_else(undetermined)?,
                oid::ANYARRAY => match (families.array, families.element) {
                    (Some(array), _) => array,
                    (None, Some(element)) => self.array_of(element)?,
                    (None, None) => undetermined_array(actual).ok_or_else(undetermined)?,
                },
                // A range does not follow from its element: other ranges may be over the same.
                oid::ANYRANGE => families.range.ok_or_else(undetermined)?,
                oid::ANYMULTIRANGE => families.multirange.ok_or_else(undetermined)?,
                oid::ANYCOMPATIBLE | oid::ANYCOMPATIBLENONARRAY => families.compatible.unwrap_or(oid::TEXT),
                oid::ANYCOMPATIBLEARRAY => self.array_of(families.compatible.unwrap_or(oid::TEXT))?,
                oid::ANYCOMPATIBLERANGE | oid::ANYCOMPATIBLEMULTIRANGE => {
                    return Err(Error::unsupported("a function of compatible range types"));
                }
                other => other,
            })
        };
        let args = declared.iter().zip(actual).map(|(d, a)| replace(*d, Some(*a))).collect::<Result<Vec<_>>>()?;
        Ok((args, replace(result, None)?))
    }

    pub(crate) fn array_of(&self, element: Oid) -> Result<Oid> {
        if matches!(element, oid::INT2VECTOR | oid::OIDVECTOR) {
            return Err(Error::unsupported(format!("an array of {}", self.type_name(element))));
        }
        match self.type_facts(element).array {
            0 => {
                let message = format!("could not find array type for data type {}", self.type_name(element));
                Err(Error::new(SqlState::UNDEFINED_OBJECT, message))
            }
            array => Ok(array),
        }
    }

    fn families(&self, actual: &[Oid], declared: &[Oid]) -> Result<Families> {
        let mut found = Families::default();
        let mut compatible = Vec::new();
        for (declared, actual) in declared.iter().zip(actual) {
            if *actual == oid::UNKNOWN || !is_polymorphic(*declared) {
                continue;
            }
            let base = self.base_oid(*actual);
            let facts = self.type_facts(base);
            match *declared {
                oid::ANYELEMENT => self.settle(&mut found.element, *actual, "anyelement")?,
                oid::ANYNONARRAY => {
                    if facts.element != 0 {
                        return Err(mismatch(format!(
                            "type matched to anynonarray is an array type: {}",
                            self.type_name(*actual)
                        )));
                    }
                    self.settle(&mut found.element, *actual, "anyelement")?;
                }
                oid::ANYENUM => {
                    if facts.kind != b'e' {
                        return Err(mismatch(format!(
                            "type matched to anyenum is not an enum type: {}",
                            self.type_name(*actual)
                        )));
                    }
                    self.settle(&mut found.element, *actual, "anyelement")?;
                }
                // Statistics columns of pg_catalog are anyarray themselves.
                oid::ANYARRAY if *actual == oid::ANYARRAY => {}
                oid::ANYARRAY => {
                    let element = self.element_of(base, "anyarray")?;
                    self.settle(&mut found.array, base, "anyarray")?;
                    self.settle(&mut found.element, element, "anyelement")?;
                }
                oid::ANYRANGE | oid::ANYMULTIRANGE => {
                    let (column, what, kind) = match *declared {
                        oid::ANYRANGE => ("rngtypid", "anyrange", "range"),
                        _ => ("rngmultitypid", "anymultirange", "multirange"),
                    };
                    let of = *declared == oid::ANYMULTIRANGE;
                    let users = crate::types::coded::range::range_of(base, &*self.ctx.snapshot);
                    let users = users.filter(|(_, multi)| base >= oid::FIRST_USER && *multi == of);
                    let row = users.map(|(r, _)| [r.range, r.multirange, r.subtype]);
                    let Some([range, multirange, element]) = row.or_else(|| range_row(column, base)) else {
                        return Err(mismatch(format!(
                            "argument declared {what} is not a {kind} type but type {}",
                            self.type_name(*actual)
                        )));
                    };
                    self.settle(&mut found.range, range, "anyrange")?;
                    self.settle(&mut found.multirange, multirange, "anymultirange")?;
                    self.settle(&mut found.element, element, "anyelement")?;
                }
                oid::ANYCOMPATIBLE => compatible.push(base),
                oid::ANYCOMPATIBLENONARRAY if facts.element != 0 => {
                    return Err(mismatch("type matched to anycompatiblenonarray is an array type".into()));
                }
                oid::ANYCOMPATIBLENONARRAY => compatible.push(base),
                oid::ANYCOMPATIBLEARRAY => compatible.push(self.element_of(base, "anycompatiblearray")?),
                other if is_compatible_family(other) => return Err(Error::unsupported("anycompatiblerange")),
                _ => return Err(Error::unsupported("anycompatiblemultirange")),
            }
        }
        if !compatible.is_empty() {
            let Some(common) = self.common_type_of(&compatible) else {
                return Err(mismatch("arguments of anycompatible family cannot be cast to a common type".into()));
            };
            if !compatible.iter().all(|c| self.can_coerce(*c, common, CastContext::Implicit)) {
                return Err(mismatch("arguments of anycompatible family cannot be cast to a common type".into()));
            }
            found.compatible = Some(common);
        }
        Ok(found)
    }

    fn element_of(&self, array: Oid, declared: &str) -> Result<Oid> {
        match self.type_facts(array).element {
            0 => {
                let shown = self.type_name(array);
                Err(mismatch(format!("argument declared {declared} is not an array but type {shown}")))
            }
            element => Ok(element),
        }
    }

    fn settle(&self, slot: &mut Option<Oid>, ty: Oid, declared: &str) -> Result<()> {
        match *slot {
            None => *slot = Some(ty),
            Some(known) if known == ty => {}
            Some(known) => {
                let detail = format!("{} versus {}", self.type_name(known), self.type_name(ty));
                let message = format!("arguments declared \"{declared}\" are not all alike");
                return Err(mismatch(message).detail(detail));
            }
        }
        Ok(())
    }
}

/// anyarray given to anyarray stays what it is.
fn undetermined_array(actual: Option<Oid>) -> Option<Oid> {
    (actual == Some(oid::ANYARRAY)).then_some(oid::ANYARRAY)
}

fn mismatch(message: String) -> Error {
    Error::new(SqlState::DATATYPE_MISMATCH, message)
}
