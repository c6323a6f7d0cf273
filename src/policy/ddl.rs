//! Who may change the schema: ownership, CREATE on the namespace, grant options, CREATEROLE.
//!
//! What does not exist is not complained about here: planning says so, in PostgreSQL's words.

mod grant;
mod reference;
mod types;

use super::Authority;
use super::check::{denied, must_own, must_use_namespace};
use super::roles::only_password;
use super::walk::Walk;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, Privileges, Relation, bootstrap};
use crate::tree::*;
use crate::types::Oid;

/// Checks one schema change; `walk` collects what the queries inside read.
pub fn check(ddl: &Ddl, authority: &Authority, walk: &mut Walk) -> Result<()> {
    let who = Who { authority };
    match ddl {
        // Each of its elements is asked for when its turn has come.
        Ddl::CreateNamespace { name: _, if_not_exists: _, owner, elements: _ } => {
            who.must_have_database(Privileges::CREATE)?;
            who.must_become(owner.as_ref())
        }
        Ddl::CreateTable { table, if_not_exists: _, like } => {
            let sources = like.iter().map(|LikeTable { source, indexes: _, statistics: _ }| source);
            sources.into_iter().try_for_each(|source| who.may_read(source))?;
            who.create_table(table)
        }
        Ddl::CreateTableAs {
            namespace,
            name: _,
            temporary,
            columns: _,
            query,
            if_not_exists: _,
            with_data: _,
            on_commit: _,
            unlogged: _,
            options: _,
            definition: _,
        } => {
            walk.query(query);
            who.must_create_in(namespace, *temporary)?;
            who.may_use_types(query.columns.iter().map(|c| c.ty.oid))
        }
        Ddl::CreateView {
            namespace,
            name,
            columns: _,
            definition: _,
            query,
            or_replace,
            temporary,
            becomes_temporary: _,
            invoker: _,
            barrier: _,
            check_option: _,
        } => {
            walk.query(query);
            walk.found.kept = true;
            if *or_replace {
                who.must_own_relation(namespace, name)?;
            }
            who.must_create_in(namespace, *temporary)?;
            who.may_use_types(query.columns.iter().map(|c| c.ty.oid))
        }
        Ddl::Refresh { view, concurrently: _, with_data: _ } => must_own(who.snapshot(), who.role(), view),
        Ddl::CreateIndex { namespace, name: _, table, index: _, if_not_exists: _, only: _ } => {
            who.must_own_relation(namespace, table)
        }
        Ddl::CreateSequence { namespace, name: _, sequence, if_not_exists: _, temporary, unlogged: _ } => {
            who.must_create_in(namespace, *temporary)?;
            who.may_belong_to(who.role(), sequence.owned_by)
        }
        Ddl::AlterSequence { namespace, name, sequence, if_exists: _ } => {
            who.must_own_relation(namespace, name)?;
            let owner = who.snapshot().relation(namespace, name).map_or(who.role(), |s| s.owner);
            who.may_belong_to(owner, sequence.owned_by.flatten())
        }
        Ddl::CreateEnum { namespace, name: _, labels: _ } => who.must_create_type_in(namespace),
        Ddl::CreateRange { namespace, name: _, subtype: _, opclass: _, multirange: _ } => {
            who.must_create_type_in(namespace)
        }
        Ddl::CreateExtension { name, namespace: _, if_not_exists: _ } => who.may_create_extension(name),
        Ddl::UpdateExtension { name, version: _ } => who.must_own_extension(name),
        Ddl::CreateComposite { namespace, name: _, columns } => {
            who.must_create_type_in(namespace)?;
            who.may_use_types(columns.iter().map(|(_, ty)| ty.oid))
        }
        Ddl::AlterComposite { namespace, name, changes } => {
            who.must_own_type(namespace, name)?;
            who.may_use_types(changes.iter().filter_map(|change| match change {
                AlterAttribute::Add { name: _, ty } | AlterAttribute::SetType { name: _, ty } => Some(ty.oid),
                AlterAttribute::Drop { .. } | AlterAttribute::Rename { .. } => None,
            }))
        }
        Ddl::CreateDomain { namespace, name: _, domain } => {
            who.must_create_type_in(namespace)?;
            who.may_use_types([domain.base.oid])
        }
        Ddl::AlterDomain { namespace, name, change } => {
            who.must_own_type(namespace, name)?;
            match change {
                AlterDomain::SetOwner { to } => who.must_become(Some(to)),
                AlterDomain::SetDefault(_)
                | AlterDomain::SetNotNull(_)
                | AlterDomain::AddCheck { .. }
                | AlterDomain::DropConstraint { .. }
                | AlterDomain::RenameConstraint { .. }
                | AlterDomain::Validate { .. }
                | AlterDomain::Rename { .. } => Ok(()),
            }
        }
        Ddl::AlterEnum { namespace, name, change } => {
            who.must_own_type(namespace, name)?;
            match change {
                AlterEnum::SetOwner { to } => who.must_become(Some(to)),
                AlterEnum::SetNamespace { to } => who.must_create_in(to, false),
                AlterEnum::AddValue { .. } | AlterEnum::RenameValue { .. } | AlterEnum::Rename { .. } => Ok(()),
            }
        }
        Ddl::AlterNamespace { name, rename, owner } => {
            who.must_own_namespace(name)?;
            if rename.is_some() {
                who.must_have_database(Privileges::CREATE)?;
            }
            who.must_become(owner.as_ref())
        }
        Ddl::AlterTable { kind: _, namespace, name, actions, if_exists: _, only: _ } => {
            who.alter_table(namespace, name, actions, walk)
        }
        Ddl::Drop { kind, names, if_exists: _, behavior: _ } => {
            names.iter().try_for_each(|(namespace, name)| who.may_drop(*kind, namespace, name))
        }
        Ddl::Comment { kind, namespace, name, column: _, comment: _ } => who.may_comment(*kind, namespace, name),
        Ddl::Truncate { tables, restart_identity: _, cascade: _ } => who.may_truncate(tables),
        Ddl::Grant(grant) => who.may_grant(grant),
        Ddl::Function(function) => super::function::check(&who, function),
        Ddl::Nothing { tag: _, notices: _ } => Ok(()),
        // What others make is theirs to give.
        Ddl::DefaultPrivileges(of) => of.roles.iter().try_for_each(|role| who.must_become(Some(role))),
        Ddl::CreatePolicy { namespace, table, policy: _ }
        | Ddl::AlterPolicy { namespace, table, name: _, change: _ } => who.must_own_relation(namespace, table),
        Ddl::DropPolicy { namespace, table, name, if_exists: _ } => {
            let relation = who.snapshot().relation(namespace, table);
            match relation.is_some_and(|r| r.rules.policies.iter().any(|p| p.name == *name)) {
                true => who.must_own_relation(namespace, table),
                false => Ok(()),
            }
        }
        Ddl::CreateRole { name: _, options } => who.may_create_role(options),
        Ddl::AlterRole { name, options } => who.may_alter_role(name, options),
        Ddl::RenameRole { name, to: _ } => who.must_administer(name, "must be superuser to rename superusers"),
        Ddl::AlterRoleSet { name, database: _, setting, value: _ } => {
            if let Some(setting) = setting
                && crate::facts::needs_superuser(setting)
                && !who.is_superuser()
            {
                return Err(privilege(format!("permission denied to set parameter \"{setting}\"")));
            }
            if who.is_self(name) {
                return Ok(());
            }
            who.must_administer(name, "must be superuser to alter superusers")
        }
        Ddl::DropRole { names, if_exists: _ } => {
            who.must_create_roles("permission denied to drop role")?;
            names.iter().try_for_each(|name| who.not_above(name, "must be superuser to drop superusers"))
        }
        Ddl::ReassignOwned { roles, to } => {
            roles.iter().try_for_each(|role| who.may_dispose(role, "reassign"))?;
            who.may_dispose(to, "reassign")
        }
        Ddl::DropOwned { roles, behavior: _ } => roles.iter().try_for_each(|role| who.may_dispose(role, "drop")),
        Ddl::GrantRole { roles, members: _, admin: _, revoke: _, grantor, alter: _ } => {
            roles.iter().try_for_each(|role| who.may_grant_role(role, grantor.as_deref()))
        }
    }
}

/// What concerns nobody but the role's own session or login: temporary tables, its own password and settings.
pub fn is_own_affair(ddl: &Ddl, authority: &Authority) -> bool {
    let who = Who { authority };
    let temporary = |namespace: &Name| &**namespace == crate::registry::bootstrap::TEMPORARY;
    match ddl {
        Ddl::CreateTable { table, .. } => table.temporary,
        Ddl::CreateTableAs { temporary, .. }
        | Ddl::CreateView { temporary, .. }
        | Ddl::CreateSequence { temporary, .. } => *temporary,
        Ddl::CreateIndex { namespace, .. }
        | Ddl::AlterSequence { namespace, .. }
        | Ddl::AlterTable { namespace, .. } => temporary(namespace),
        Ddl::Drop { names, .. } => names.iter().all(|(namespace, _)| temporary(namespace)),
        // These change rows, not the schema.
        Ddl::Truncate { .. } | Ddl::Refresh { .. } => true,
        Ddl::Nothing { .. } => true,
        Ddl::AlterRole { name, options } => who.is_self(name) && only_password(options),
        Ddl::AlterRoleSet { name, .. } => who.is_self(name),
        Ddl::CreateNamespace { .. }
        | Ddl::AlterNamespace { .. }
        | Ddl::CreateEnum { .. }
        | Ddl::CreateRange { .. }
        | Ddl::AlterEnum { .. }
        | Ddl::CreateComposite { .. }
        | Ddl::AlterComposite { .. }
        | Ddl::CreateDomain { .. }
        | Ddl::AlterDomain { .. }
        | Ddl::CreateExtension { .. }
        | Ddl::UpdateExtension { .. }
        | Ddl::Comment { .. }
        | Ddl::Grant(_)
        | Ddl::Function(_)
        | Ddl::DefaultPrivileges(_)
        | Ddl::CreatePolicy { .. }
        | Ddl::AlterPolicy { .. }
        | Ddl::DropPolicy { .. }
        | Ddl::CreateRole { .. }
        | Ddl::RenameRole { .. }
        | Ddl::DropRole { .. }
        | Ddl::ReassignOwned { .. }
        | Ddl::DropOwned { .. }
        | Ddl::GrantRole { .. } => false,
    }
}

/// The asking role, with the questions that a schema change raises.
pub(super) struct Who<'a> {
    authority: &'a Authority,
}

impl Who<'_> {
    pub(super) fn snapshot(&self) -> &crate::registry::Snapshot {
        &self.authority.snapshot
    }

    pub(super) fn role(&self) -> Oid {
        self.authority.role
    }

    pub(super) fn is_superuser(&self) -> bool {
        self.snapshot().is_superuser(self.role())
    }

    pub(super) fn is_self(&self, name: &str) -> bool {
        self.snapshot().role(name).is_some_and(|r| r.oid == self.role())
    }

    pub(super) fn owns(&self, owner: Oid) -> bool {
        self.snapshot().has_rights_of(self.role(), owner)
    }

    fn must_have_database(&self, needed: Privileges) -> Result<()> {
        if self.snapshot().database_privileges(self.role()).contains(needed) {
            return Ok(());
        }
        let name = &self.snapshot().database;
        Err(privilege(format!("permission denied for database {name}")))
    }

    pub(super) fn must_create_in(&self, namespace: &str, temporary: bool) -> Result<()> {
        if temporary {
            let name = &self.snapshot().database;
            return if self.snapshot().database_privileges(self.role()).contains(Privileges::TEMPORARY) {
                Ok(())
            } else {
                Err(privilege(format!("permission denied to create temporary tables in database \"{name}\"")))
            };
        }
        must_use_namespace(self.snapshot(), self.role(), namespace, Privileges::CREATE)
    }

    fn must_create_type_in(&self, namespace: &str) -> Result<()> {
        self.must_create_in(namespace, namespace == bootstrap::TEMPORARY)
    }

    /// To give something to a role one must be a member of it.
    pub(super) fn must_become(&self, owner: Option<&Name>) -> Result<()> {
        let Some(role) = owner.and_then(|name| self.snapshot().role(name)) else { return Ok(()) };
        if self.snapshot().is_member(self.role(), role.oid) {
            return Ok(());
        }
        Err(privilege(format!("must be member of role \"{}\"", role.name)))
    }

    /// REASSIGN OWNED, DROP OWNED: what a role has is its members' to dispose of.
    fn may_dispose(&self, role: &str, what: &str) -> Result<()> {
        match self.snapshot().role(role) {
            Some(role) if !self.snapshot().is_member(self.role(), role.oid) => {
                Err(privilege(format!("permission denied to {what} objects")))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn must_own_relation(&self, namespace: &str, name: &str) -> Result<()> {
        let Some(relation) = self.snapshot().relation(namespace, name) else { return Ok(()) };
        must_own(self.snapshot(), self.role(), relation)
    }

    /// OWNED BY: a sequence goes with a table of its own owner (process_owned_by).
    fn may_belong_to(&self, owner: Oid, owned_by: Option<(Oid, i16)>) -> Result<()> {
        let Some((table, _)) = owned_by else { return Ok(()) };
        match self.snapshot().relation_by_oid(table) {
            Some(table) if table.owner != owner => Err(Error::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                "sequence must have same owner as table it is linked to",
            )),
            Some(_) | None => Ok(()),
        }
    }

    fn must_own_type(&self, namespace: &str, name: &str) -> Result<()> {
        let composite = || self.snapshot().composite(namespace, name).map(|r| r.owner);
        match self.snapshot().user_type(namespace, name).map(|ty| ty.owner).or_else(composite) {
            Some(owner) if !self.owns(owner) => Err(privilege(format!("must be owner of type {name}"))),
            Some(_) | None => Ok(()),
        }
    }

    fn must_own_namespace(&self, name: &str) -> Result<()> {
        match self.snapshot().namespaces.get(name) {
            Some(namespace) if !self.owns(namespace.owner) => Err(privilege(format!("must be owner of schema {name}"))),
            Some(_) | None => Ok(()),
        }
    }

    /// LIKE tells of a table what SELECT on it does.
    fn may_read(&self, source: &Relation) -> Result<()> {
        must_use_namespace(self.snapshot(), self.role(), &source.namespace, Privileges::USAGE)?;
        if let crate::registry::RelationKind::Composite = source.kind {
            return self.may_use_types([source.row_type]);
        }
        if self.snapshot().relation_privileges(self.role(), source).contains(Privileges::SELECT) {
            return Ok(());
        }
        Err(denied(source))
    }

    fn create_table(&self, table: &NewTable) -> Result<()> {
        let NewTable {
            namespace,
            name: _,
            temporary,
            unlogged: _,
            columns,
            constraints,
            on_commit: _,
            partitioning,
            options: _,
        } = table;
        self.must_create_in(namespace, *temporary)?;
        if let Some(parent) = partitioning.of.as_ref().and_then(|of| self.snapshot().relation_by_oid(of.parent)) {
            must_own(self.snapshot(), self.role(), parent)?;
        }
        self.may_use_types(columns.iter().map(|c| c.ty.oid))?;
        constraints.iter().try_for_each(|c| self.may_reference(c))
    }

    fn alter_table(&self, namespace: &str, name: &str, actions: &[AlterTable], walk: &mut Walk) -> Result<()> {
        // The name may be an index's (ALTER INDEX, and ALTER TABLE takes one too); each is silent for what it does not find.
        self.must_own_relation(namespace, name)?;
        self.must_own_index(namespace, name)?;
        for action in actions {
            match action {
                AlterTable::AddColumn { column, constraints, if_not_exists: _ } => {
                    self.may_use_types([column.ty.oid])?;
                    constraints.iter().try_for_each(|c| self.may_reference(c))?;
                }
                AlterTable::AddConstraint(constraint) => self.may_reference(constraint)?,
                AlterTable::SetNamespace { to } => self.must_create_in(to, false)?,
                AlterTable::RenameTable { to: _ } => {
                    self.must_create_in(namespace, self.is_temporary(namespace, name))?
                }
                AlterTable::SetOwner { to } => {
                    self.must_become(Some(to))?;
                    // The new owner must be able to have it there.
                    if !self.is_superuser()
                        && let Some(owner) = self.snapshot().role(to)
                    {
                        must_use_namespace(self.snapshot(), owner.oid, namespace, Privileges::CREATE)?;
                    }
                }
                AlterTable::SetType { column: _, ty, using, collation: _ } => {
                    self.may_use_types([ty.oid])?;
                    // Only this table's columns can be named in USING; its functions are checked.
                    using.iter().for_each(|(_, expr)| walk.own_row_expr(expr));
                }
                // What comes into a tree, or leaves it, must be the role's own, too.
                AlterTable::AttachPartition { partition, bound: _ }
                | AlterTable::DetachPartition { partition, concurrently: _ } => {
                    self.must_own_relation(&partition.0, &partition.1)?;
                }
                AlterTable::Tune(tuning) if tuning.iter().any(makes_statistics) => {
                    self.must_create_in(namespace, self.is_temporary(namespace, name))?;
                }
                AlterTable::Triggers { all: true, enabled: _ } => self.may_silence_keys(namespace, name)?,
                // Whose partition is the tree's owner's affair already.
                AlterTable::AttachIndex { index: _ }
                | AlterTable::TakeIndex { .. }
                | AlterTable::DropColumn { .. }
                | AlterTable::RenameColumn { .. }
                | AlterTable::SetDefault { .. }
                | AlterTable::SetNotNull { .. }
                | AlterTable::DropConstraint { .. }
                | AlterTable::RenameConstraint { .. }
                | AlterTable::ValidateConstraint { .. }
                | AlterTable::DeferConstraint { .. }
                | AlterTable::SetIdentity { .. }
                | AlterTable::DropExpression { .. }
                | AlterTable::AlterIdentity { .. }
                | AlterTable::RowSecurity(_)
                | AlterTable::ViewSecurity { .. }
                | AlterTable::SetLogged(_)
                | AlterTable::Triggers { .. }
                | AlterTable::Tune(_) => {}
            }
        }
        Ok(())
    }

    /// Foreign keys stand for their triggers, which are a superuser's affair (EnableDisableTrigger).
    fn may_silence_keys(&self, namespace: &str, name: &str) -> Result<()> {
        let Some(table) = self.snapshot().relation(namespace, name) else { return Ok(()) };
        if self.is_superuser() || self.snapshot().foreign_keys_about(table).is_empty() {
            return Ok(());
        }
        Err(privilege("permission denied: the triggers of a foreign key are system triggers"))
    }

    fn is_temporary(&self, namespace: &str, name: &str) -> bool {
        self.snapshot().relation(namespace, name).is_some_and(|r| r.temporary)
    }

    fn may_drop(&self, kind: ObjectKind, namespace: &str, name: &str) -> Result<()> {
        match kind {
            ObjectKind::Table | ObjectKind::View | ObjectKind::MaterializedView | ObjectKind::Sequence => {
                // The owner of the namespace may drop what others made in it.
                let space = self.snapshot().namespaces.get(namespace);
                if space.is_some_and(|n| self.owns(n.owner)) {
                    return Ok(());
                }
                self.must_own_relation(namespace, name)
            }
            ObjectKind::Index => self.must_own_index(namespace, name),
            ObjectKind::Type | ObjectKind::Domain => self.must_own_type(namespace, name),
            ObjectKind::Namespace => self.must_own_namespace(name),
            ObjectKind::Role => self.must_create_roles("permission denied to drop role"),
            ObjectKind::Column | ObjectKind::Constraint | ObjectKind::Policy => self.must_own_relation(namespace, name),
            // There is but one, a superuser's; another's name is not there, as planning says.
            ObjectKind::Database if *name == *self.snapshot().database && !self.is_superuser() => {
                Err(privilege(format!("must be owner of database {name}")))
            }
            ObjectKind::Database => Ok(()),
            ObjectKind::Extension => self.must_own_extension(name),
        }
    }

    /// All of those that there are may be made by who may create in the database (they are trusted).
    fn may_create_extension(&self, name: &str) -> Result<()> {
        if self.snapshot().database_privileges(self.role()).contains(Privileges::CREATE) {
            return Ok(());
        }
        Err(privilege(format!("permission denied to create extension \"{name}\""))
            .hint("Must have CREATE privilege on current database to create this extension."))
    }

    fn must_own_extension(&self, name: &str) -> Result<()> {
        match self.snapshot().extensions.get(name) {
            Some(found) if !self.owns(found.owner) => Err(privilege(format!("must be owner of extension {name}"))),
            Some(_) | None => Ok(()),
        }
    }

    fn must_own_index(&self, namespace: &str, name: &str) -> Result<()> {
        match self.snapshot().index(namespace, name) {
            Some((table, _)) if !self.owns(table.owner) => Err(privilege(format!("must be owner of index {name}"))),
            Some(_) | None => Ok(()),
        }
    }

    fn may_comment(&self, kind: ObjectKind, namespace: &str, name: &str) -> Result<()> {
        match kind {
            ObjectKind::Role => {
                let message = "must be superuser to alter superuser roles or change superuser attribute";
                self.must_administer(name, message)
            }
            ObjectKind::Database => self.must_be_superuser(),
            ObjectKind::Table | ObjectKind::View | ObjectKind::MaterializedView | ObjectKind::Sequence => {
                self.must_own_relation(namespace, name)
            }
            ObjectKind::Column | ObjectKind::Constraint | ObjectKind::Policy => {
                match self.snapshot().relation(namespace, name) {
                    Some(of) if !self.owns(of.owner) => Err(privilege(format!("must be owner of relation {name}"))),
                    Some(_) | None => Ok(()),
                }
            }
            ObjectKind::Index => self.must_own_index(namespace, name),
            ObjectKind::Type | ObjectKind::Domain => self.must_own_type(namespace, name),
            ObjectKind::Namespace => self.must_own_namespace(name),
            ObjectKind::Extension => self.must_own_extension(name),
        }
    }

    fn may_truncate(&self, tables: &[std::sync::Arc<Relation>]) -> Result<()> {
        for table in tables {
            must_use_namespace(self.snapshot(), self.role(), &table.namespace, Privileges::USAGE)?;
            if !self.snapshot().relation_privileges(self.role(), table).contains(Privileges::TRUNCATE) {
                return Err(denied(table));
            }
        }
        Ok(())
    }

    fn must_be_superuser(&self) -> Result<()> {
        if self.is_superuser() { Ok(()) } else { Err(privilege("must be superuser")) }
    }
}

pub(super) fn privilege(message: impl Into<String>) -> Error {
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
}

/// CREATE STATISTICS puts something into the table's namespace.
fn makes_statistics(tuning: &Tuning) -> bool {
    matches!(tuning, Tuning::Statistics(_, StatisticsChange::Create { .. } | StatisticsChange::Rename { .. }))
}
