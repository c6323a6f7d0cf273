//! GRANT and REVOKE on objects. Membership in roles is our own command parser's.

use sqlparser::ast::{self, Action, GrantObjects, GranteeName, GranteesType, ObjectName};

use super::super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, Privileges, RelationKind};
use crate::sql::parse::{self, RawTypeGrant};
use crate::tree::{Ddl, GrantChange, GrantTarget, GrantedPrivilege, WANTED_ALL};
use crate::types::PgType;

impl Analyzer<'_> {
    pub(super) fn grant(&mut self, grant: &ast::Grant) -> Result<Ddl> {
        let ast::Grant { privileges, objects, grantees, with_grant_option, as_grantor, granted_by, current_grants } =
            grant;
        if as_grantor.is_some() || current_grants.is_some() {
            return Err(Error::syntax("syntax error in GRANT"));
        }
        self.granted_by(granted_by.as_ref().map(parse::role::of_ident).as_ref())?;
        Ok(Ddl::Grant(GrantChange {
            revoke: false,
            grant_option_only: false,
            with_grant_option: *with_grant_option,
            privileges: self.privileges(privileges)?,
            on: self.grant_target(objects.as_ref())?,
            grantees: self.grantees(grantees)?,
            cascade: false,
        }))
    }

    pub(super) fn revoke(&mut self, revoke: &ast::Revoke) -> Result<Ddl> {
        self.granted_by(revoke.granted_by.as_ref().map(parse::role::of_ident).as_ref())?;
        Ok(Ddl::Grant(GrantChange {
            revoke: true,
            grant_option_only: self.parsed.extras.grant_option_for,
            with_grant_option: false,
            privileges: self.privileges(&revoke.privileges)?,
            on: self.grant_target(revoke.objects.as_ref())?,
            grantees: self.grantees(&revoke.grantees)?,
            cascade: matches!(revoke.cascade, Some(ast::CascadeOption::Cascade)),
        }))
    }

    pub(super) fn granted_by(&self, by: Option<&Name>) -> Result<()> {
        let current = self.role_name(parse::role::CURRENT);
        match by.map(|by| self.role_name(by)) {
            Some(name) if name != current => {
                Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "grantor must be current user"))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn privileges(&self, privileges: &ast::Privileges) -> Result<Vec<GrantedPrivilege>> {
        let actions = match privileges {
            ast::Privileges::All { .. } => {
                return Ok(vec![GrantedPrivilege { privileges: WANTED_ALL, columns: Vec::new() }]);
            }
            ast::Privileges::Actions(actions) => actions,
        };
        let mut list = Vec::new();
        for action in actions {
            let (privileges, columns) = match action {
                Action::Select { columns } => (Privileges::SELECT, columns.as_ref()),
                Action::Insert { columns } => (Privileges::INSERT, columns.as_ref()),
                Action::Update { columns } => (Privileges::UPDATE, columns.as_ref()),
                Action::References { columns } => (Privileges::REFERENCES, columns.as_ref()),
                Action::Delete => (Privileges::DELETE, None),
                Action::Truncate => (Privileges::TRUNCATE, None),
                Action::Trigger => (Privileges::TRIGGER, None),
                Action::Usage => (Privileges::USAGE, None),
                Action::Create { obj_type: None } => (Privileges::CREATE, None),
                Action::Connect => (Privileges::CONNECT, None),
                Action::Temporary => (Privileges::TEMPORARY, None),
                Action::Execute { obj_type: None } => (Privileges::EXECUTE, None),
                other => {
                    let message = format!("unrecognized privilege type \"{}\"", other.to_string().to_lowercase());
                    return Err(Error::syntax(message));
                }
            };
            let columns = columns.map(|c| self.names(c)).unwrap_or_default();
            list.push(GrantedPrivilege { privileges, columns });
        }
        Ok(list)
    }

    fn grant_target(&self, objects: Option<&GrantObjects>) -> Result<GrantTarget> {
        let relations = |names: &[ObjectName]| -> Result<Vec<(Name, Name)>> {
            let mut list = Vec::new();
            for name in names {
                let name = self.qualified(name)?;
                if self.find_relation(name.namespace.as_deref(), &name.name)?.is_none() {
                    return Err(self.no_relation(name.namespace.as_deref(), &name.name, 0));
                }
                list.push(self.existing(&name)?);
            }
            Ok(list)
        };
        let single = |names: &[ObjectName]| names.iter().map(|n| self.single(n)).collect::<Result<Vec<_>>>();
        match objects {
            None => Err(Error::syntax("syntax error in GRANT")),
            Some(GrantObjects::Tables(names) | GrantObjects::Views(names)) => {
                Ok(GrantTarget::Relations(relations(names)?))
            }
            Some(GrantObjects::Sequences(names)) => Ok(GrantTarget::Sequences(relations(names)?)),
            Some(GrantObjects::AllTablesInSchema { schemas } | GrantObjects::AllViewsInSchema { schemas }) => {
                Ok(GrantTarget::AllRelationsIn(single(schemas)?))
            }
            Some(GrantObjects::AllSequencesInSchema { schemas }) => Ok(GrantTarget::AllSequencesIn(single(schemas)?)),
            Some(GrantObjects::Schemas(names)) => Ok(GrantTarget::Namespaces(single(names)?)),
            Some(GrantObjects::Databases(names)) => {
                for name in single(names)? {
                    if name != self.ctx.snapshot.database {
                        let message = format!("database \"{name}\" does not exist");
                        return Err(Error::new(SqlState::INVALID_CATALOG_NAME, message));
                    }
                }
                Ok(GrantTarget::Database)
            }
            Some(other) => Err(Error::unsupported(format!("GRANT or REVOKE on {other}"))),
        }
    }

    /// USAGE of types (ExecGrant_Type).
    pub(super) fn grant_on_types(&self, grant: &RawTypeGrant) -> Result<Ddl> {
        let RawTypeGrant { revoke, domain, option, privileges, names, grantees, cascade, granted_by } = grant;
        self.granted_by(granted_by.as_ref())?;
        let mut types = Vec::with_capacity(names.len());
        for name in names {
            let Some(found) = self.find_type(name.namespace.as_deref(), &name.name) else {
                let message = format!("type \"{}\" does not exist", name.name);
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
            };
            let facts = self.type_facts(found);
            if facts.category == b'A' && facts.element != 0 {
                return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, "cannot set privileges of array types")
                    .hint("Set the privileges of the element type instead."));
            }
            if *domain && self.base_type(PgType::new(found)).oid == found {
                let message = format!("\"{}\" is not a domain", name.name);
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            let snapshot = &self.ctx.snapshot;
            let composite = snapshot.relation_of_row(found).is_some_and(|r| matches!(r.kind, RelationKind::Composite));
            if !composite && snapshot.user_type_by_oid(found).is_none() {
                let (verb, name) = (if *revoke { "REVOKE" } else { "GRANT" }, &name.name);
                return Err(Error::unsupported(format!("{verb} on type \"{name}\", which no CREATE TYPE has made")));
            }
            types.push(found);
        }
        let option = *option || self.parsed.extras.grant_option_for;
        Ok(Ddl::Grant(GrantChange {
            revoke: *revoke,
            grant_option_only: *revoke && option,
            with_grant_option: !*revoke && option,
            privileges: vec![GrantedPrivilege { privileges: *privileges, columns: Vec::new() }],
            on: GrantTarget::Types(types),
            grantees: grantees.iter().map(|g| g.as_ref().map(|name| self.role_name(name))).collect(),
            cascade: *cascade,
        }))
    }

    fn role_named(&self, name: &ast::ObjectName) -> Result<Name> {
        let plain = match name.0.as_slice() {
            [part] => part.as_ident(),
            _ => None,
        };
        plain.map_or_else(|| self.single(name), |ident| Ok(self.role_name(&parse::role::of_ident(ident))))
    }

    fn grantees(&self, grantees: &[ast::Grantee]) -> Result<Vec<Option<Name>>> {
        let mut list = Vec::new();
        for ast::Grantee { grantee_type, name } in grantees {
            let name = match name {
                Some(GranteeName::ObjectName(name)) => Some(self.role_named(name)?),
                Some(GranteeName::UserHost { .. }) => return Err(Error::syntax("syntax error in the list of roles")),
                None => None,
            };
            match (grantee_type, name) {
                (GranteesType::Public, _) | (_, None) => list.push(None),
                (GranteesType::None | GranteesType::Group | GranteesType::Role | GranteesType::User, Some(name)) => {
                    list.push((&*name != "public").then_some(name));
                }
                _ => return Err(Error::syntax("syntax error in the list of roles")),
            }
        }
        Ok(list)
    }
}
