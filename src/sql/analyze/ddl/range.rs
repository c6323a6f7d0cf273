//! CREATE TYPE … AS RANGE.

use sqlparser::ast::UserDefinedTypeRangeOption as RangeOption;

use super::super::Analyzer;
use super::super::coerce::is_polymorphic;
use crate::error::{Error, Result, SqlState};
use crate::facts::{self, TYPES, Table};
use crate::tree::{Ddl, QualifiedName};
use crate::types::{Oid, PgType};

/// B-trees' access method.
const BTREE: &str = "403";

impl Analyzer<'_> {
    pub(super) fn create_range(&self, name: &QualifiedName, options: &[RangeOption]) -> Result<Ddl> {
        let (namespace, name) = self.new_name(name, false)?;
        let (mut subtype, mut opclass, mut multirange, mut collated) = (None, None, None, false);
        for option in options {
            let twice = match option {
                RangeOption::Subtype(ty) => {
                    let without_position = |mut error: Error| {
                        error.report_mut().position = None;
                        error
                    };
                    subtype.replace(self.data_type(ty).map_err(without_position)?).is_some()
                }
                RangeOption::SubtypeOpClass(class) => opclass.replace(self.qualified(class)?.name).is_some(),
                RangeOption::Collation(collation) => {
                    crate::sql::parse::known_collation(&self.qualified(collation)?.name)?;
                    std::mem::replace(&mut collated, true)
                }
                RangeOption::MultirangeTypeName(name) => multirange.replace(self.qualified(name)?.name).is_some(),
                // An estimate for indexes of another kind: nothing depends on it here.
                RangeOption::SubtypeDiff(_) => false,
                RangeOption::Canonical(_) => {
                    return Err(Error::unsupported("CREATE TYPE … AS RANGE with a canonical function")
                        .hint("Leave it out: bounds are kept as they are written then."));
                }
            };
            if twice {
                return Err(Error::syntax("conflicting or redundant options"));
            }
        }
        let Some(subtype) = subtype else { return Err(Error::syntax("type attribute \"subtype\" is required")) };
        if TYPES.by_oid(subtype.oid).is_some_and(|t| t.kind == b'p') {
            let message = format!("range subtype cannot be {}", self.type_name(subtype.oid));
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        if collated && TYPES.by_oid(self.base_oid(subtype.oid)).is_none_or(|t| t.collation == 0) {
            let message = "range collation specified but subtype does not support collation";
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        let opclass = self.order_of(subtype, opclass.as_deref())?;
        Ok(Ddl::CreateRange { namespace, name, subtype: subtype.oid, opclass, multirange })
    }

    /// findRangeSubOpclass: the class of B-trees that is named, or the type's own.
    fn order_of(&self, subtype: PgType, named: Option<&str>) -> Result<Oid> {
        let base = self.base_oid(subtype.oid);
        let extensions = facts::of_extensions("pg_opclass").into_iter();
        let rows = facts::recorded("pg_opclass")
            .into_iter()
            .chain(extensions)
            .flat_map(|t| t.rows.iter().map(move |r| (t, *r)));
        let field = |t: &'static Table, r: facts::Row, column: &str| t.get(r, column).unwrap_or_default();
        let classes: Vec<_> = rows.filter(|(t, r)| field(t, *r, "opcmethod") == BTREE).collect();
        let oid = |t: &'static Table, r: facts::Row| field(t, r, "oid").parse::<Oid>().unwrap_or(0);
        let takes = |t: &'static Table, r: facts::Row| {
            let input: Oid = field(t, r, "opcintype").parse().unwrap_or(0);
            let relabelled = facts::cast(base, input)
                .is_some_and(|c| c.method == facts::CastMethod::Binary && c.context == facts::CastContext::Implicit);
            input == base || relabelled || self.generic_consistent(&[base], &[input]) && is_polymorphic(input)
        };
        let Some(named) = named else {
            let own = classes.iter().find(|(t, r)| takes(t, *r) && field(t, *r, "opcdefault") == "t");
            return own.map(|(t, r)| oid(t, *r)).ok_or_else(|| {
                let message = format!(
                    "data type {} has no default operator class for access method \"btree\"",
                    self.type_name(subtype.oid)
                );
                Error::new(SqlState::UNDEFINED_OBJECT, message).hint(
                    "You must specify an operator class for the range type or define a default operator class for the subtype.",
                )
            });
        };
        let Some((t, r)) = classes.iter().find(|(t, r)| field(t, *r, "opcname") == named) else {
            let message = format!("operator class \"{named}\" does not exist for access method \"btree\"");
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        };
        if !takes(t, *r) {
            let message =
                format!("operator class \"{named}\" does not accept data type {}", self.type_name(subtype.oid));
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        Ok(oid(t, *r))
    }
}
