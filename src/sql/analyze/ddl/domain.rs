//! CREATE DOMAIN and ALTER DOMAIN: the base type, and expressions over VALUE.

use sqlparser::ast::DataType;

use super::super::{Analyzer, stored};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, UserTypeKind};
use crate::tree::{AlterDomain, Ddl, NewDomain, QualifiedName, RelColumn};
use crate::types::PgType;

impl Analyzer<'_> {
    pub(super) fn create_domain(
        &mut self,
        name: &QualifiedName,
        (ty, collation): (&DataType, Option<&QualifiedName>),
        default: Option<String>,
        not_null: bool,
        checks: &[(Option<Name>, String)],
    ) -> Result<Ddl> {
        let (namespace, name) = self.new_name(name, false)?;
        // As DefineDomain, which tells no position of what is wrong with the type.
        let base = self.data_type(ty).map_err(|mut error| {
            error.report_mut().position = None;
            error
        })?;
        if crate::facts::TYPES.by_oid(base.oid).is_some_and(|t| t.kind == b'p') {
            let message = format!("\"{}\" is not a valid base type for a domain", self.type_name(base.oid));
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        let collation = match collation {
            Some(named) => {
                self.collatable(base)?;
                self.collation_of((named.namespace.as_deref(), &named.name), 0)?
            }
            None => 0,
        };
        let mut checks = checks.to_vec();
        for (_, text) in &mut checks {
            *text = self.domain_check(base, text)?;
        }
        // As DefineDomain, which copies the inner domain's: what becomes of that later is nothing to this one.
        let mut default = default.or_else(|| self.domain_default_of(base));
        stored::check_default((&name, base), &mut default, self.ctx)?;
        let domain = NewDomain { base, collation, not_null, default, checks };
        Ok(Ddl::CreateDomain { namespace, name, domain })
    }

    pub(super) fn alter_domain(&mut self, name: &QualifiedName, change: &AlterDomain) -> Result<Ddl> {
        let (namespace, name) = self.existing_type(name);
        let known = self.ctx.snapshot.user_type(&namespace, &name).map(|t| t.kind.clone());
        let mut change = change.clone();
        if let Some(UserTypeKind::Domain { base, .. }) = known {
            match &mut change {
                AlterDomain::AddCheck { name: _, expression } => *expression = self.domain_check(base, expression)?,
                AlterDomain::SetDefault(default) => stored::check_default((&name, base), default, self.ctx)?,
                AlterDomain::SetNotNull(_)
                | AlterDomain::DropConstraint { .. }
                | AlterDomain::RenameConstraint { .. }
                | AlterDomain::Validate { .. }
                | AlterDomain::Rename { .. }
                | AlterDomain::SetOwner { .. } => {}
            }
        }
        if let AlterDomain::SetOwner { to } = &mut change {
            *to = self.role_name(to);
        }
        Ok(Ddl::AlterDomain { namespace, name, change })
    }

    fn domain_check(&self, base: PgType, text: &str) -> Result<String> {
        let column = RelColumn { name: "value".into(), ty: base, attnum: 1 };
        stored::check_condition(text, "value", &[column], self.ctx)
    }
}
