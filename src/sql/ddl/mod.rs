//! Schema changes: a [`tree::Ddl`](crate::tree::Ddl) becomes changes of the registry and steps for DuckDB.
//!
//! One file for each kind of object. Every file works on the [`Planner`], whose snapshot already has the changes made so
//! far; what a change of a relation means for DuckDB is said in one place ([`physical`]).

mod alter;
mod cascade;
mod comment;
mod composite;
mod create;
mod defaults;
mod depends;
mod domain;
mod drop;
mod drop_type;
mod elements;
mod extension;
/// Schema files: what the database lacks of them.
pub mod files;
mod follow;
mod function;
mod grant;
mod index;
mod kept;
pub mod keys;
pub mod loads;
/// What a schema change locks.
pub mod locks;
mod materialized;
mod overload;
mod owned;
/// Partition trees.
pub mod partition;
pub(in crate::sql) mod physical;
mod pipeline;
mod planner;
mod policy;
mod range;
mod rebuild;
mod references;
mod renumber;
mod reshape;
mod roles;
mod sequence;
/// The tables of `duckgate_internal`, in which the registry is kept.
pub mod store;
mod truncate;
mod type_users;
mod types;
pub mod unique;
mod view;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::Rendered;
use crate::error::{Error, Report, Result};
use crate::observe::audit::Access;
use crate::policy::Permit;
use crate::registry::{Change, ObjectClass, Snapshot};
use crate::sql::{Context, Depends, Plan};
use crate::tree::{Ddl, DropBehavior, ObjectKind, OnCommit};
use crate::types::Oid;

pub use physical::{create_table, table_name};
use planner::Planner;
pub use references::references;
pub use renumber::{renumber, unkey};

/// What carrying out one DDL statement takes, in this order, in one transaction: `steps` in DuckDB, `changes` in the
/// transaction's snapshot. The steps include the rows of `duckgate_internal.objects` that
/// keep the changes.
#[derive(Debug, Clone, Default)]
pub struct DdlPlan {
    pub changes: Vec<Change>,
    pub steps: Vec<Step>,
    /// The counts of sequences that nobody draws from after COMMIT.
    pub forgotten: Vec<Oid>,
    pub notices: Vec<Report>,
    /// The command tag: `CREATE TABLE`.
    pub tag: String,
    /// True for CREATE TABLE AS: the number of rows that the last [`Step::Plan`] changed follows the tag (`SELECT 5`).
    pub counts_rows: bool,
    /// Temporary tables that were made, and what becomes of them at the end of each transaction, if something does.
    pub on_commit: Vec<(Oid, OnCommit)>,
    /// Tables that TRUNCATE has emptied.
    pub emptied: Vec<Oid>,
    /// Tables that are made anew, or whose rows were looked at or moved for a change of their partitions: nobody may have changed
    /// them meanwhile.
    pub moved: Vec<Oid>,
    /// What statements inside of this one have asked for.
    pub accesses: Vec<Arc<Access>>,
}

impl DdlPlan {
    /// What its commands would do again as they did, if done again in another snapshot: they look at no more than the relations that
    /// they change. `None`: at anything (a domain's tables, say).
    pub fn depends(&self, before: &Snapshot) -> Option<Depends> {
        let mut tables: BTreeSet<Oid> = self.emptied.iter().chain(&self.moved).copied().collect();
        for change in &self.changes {
            let (class, oid) = change.key();
            match class {
                ObjectClass::Relation => drop(tables.insert(oid)),
                ObjectClass::Type if before.user_type_by_oid(oid).is_some() => return None,
                ObjectClass::Type
                | ObjectClass::Role
                | ObjectClass::Namespace
                | ObjectClass::Function
                | ObjectClass::DefaultAcl
                | ObjectClass::Database
                | ObjectClass::Extension => {}
            }
        }
        Some(Depends { tables, elusive: false, files: Vec::new() })
    }
}

#[derive(Debug, Clone)]
pub enum Step {
    /// A command without parameters and results.
    Command(Permit<Rendered>),
    /// A statement compiled against the new snapshot, whose parameters the session binds (filling a new column with
    /// its default, say). Its results are dropped.
    Plan(Plan),
    /// A query that must give no row; if it does, this is the error (a constraint that existing rows violate).
    Verify(Plan, Error),
    /// The rows of a table are checked for one of its foreign keys, which the changes have brought.
    Key(Arc<keys::Key>),
    /// The rows of a table are checked for a unique key of the session's.
    Unique(Arc<unique::UniqueKey>),
}

/// Plans one schema change. `cx.snapshot` is the transaction's own; `cx.role` owns what is made.
pub fn plan(ddl: &Permit<Ddl>, cx: &Context) -> Result<DdlPlan> {
    let mut planner = Planner::new(cx);
    match ddl.get() {
        Ddl::CreateNamespace { name, if_not_exists, owner, elements } => {
            planner.create_namespace(name, *if_not_exists, owner.as_ref())?;
            if !elements.is_empty() {
                let after = planner.after.clone();
                let mut plan = planner.finish()?;
                elements::add(&mut plan, after, name, elements, cx)?;
                return Ok(plan);
            }
        }
        Ddl::AlterNamespace { name, rename, owner } => {
            planner.alter_namespace(name, rename.as_ref(), owner.as_ref())?;
        }
        Ddl::CreateTable { table, if_not_exists, like } => planner.create_table(table, *if_not_exists, like)?,
        Ddl::CreateTableAs {
            namespace,
            name,
            temporary,
            columns,
            query,
            if_not_exists,
            with_data,
            on_commit,
            unlogged,
            options,
            definition,
        } => {
            let key = (namespace.clone(), name.clone());
            let definition = definition.as_deref();
            let as_query = create::AsQuery {
                unlogged: *unlogged,
                options,
                columns,
                query,
                with_data: *with_data,
                on_commit: *on_commit,
                definition,
            };
            planner.create_table_as(key, *temporary, as_query, *if_not_exists, ddl)?;
        }
        Ddl::Refresh { view, concurrently, with_data } => planner.refresh(view, *concurrently, *with_data)?,
        Ddl::CreateView {
            namespace,
            name,
            columns,
            definition,
            query,
            or_replace,
            temporary,
            becomes_temporary,
            invoker,
            barrier,
            check_option,
        } => {
            if *becomes_temporary {
                planner.notice(format!("view \"{name}\" will be a temporary view"));
            }
            let key = (namespace.clone(), name.clone());
            let options = (*temporary, *invoker, *barrier, *check_option);
            planner.create_view(key, columns, definition, query, *or_replace, options)?;
        }
        Ddl::CreateIndex { namespace, name, table, index, if_not_exists, only } => {
            planner.create_index((namespace, table), name.as_ref(), index, (*if_not_exists, *only))?;
        }
        Ddl::CreateSequence { namespace, name, sequence, if_not_exists, temporary, unlogged } => {
            let key = (namespace.clone(), name.clone());
            planner.create_sequence(key, sequence, *if_not_exists, *temporary, *unlogged)?;
        }
        Ddl::AlterSequence { namespace, name, sequence, if_exists } => {
            planner.alter_sequence(namespace, name, sequence, *if_exists)?;
        }
        Ddl::CreateEnum { namespace, name, labels } => planner.create_enum(namespace, name, labels)?,
        Ddl::CreateRange { namespace, name, subtype, opclass, multirange } => {
            planner.create_range(namespace, name, (*subtype, *opclass), multirange.as_ref())?;
        }
        Ddl::CreateExtension { name, namespace, if_not_exists } => {
            planner.create_extension(name, namespace, *if_not_exists)?;
        }
        Ddl::UpdateExtension { name, version } => planner.update_extension(name, version.as_deref())?,
        Ddl::CreateComposite { namespace, name, columns } => planner.create_composite(namespace, name, columns)?,
        Ddl::AlterComposite { namespace, name, changes } => planner.alter_composite(namespace, name, changes)?,
        Ddl::CreateDomain { namespace, name, domain } => planner.create_domain(namespace, name, domain)?,
        Ddl::AlterDomain { namespace, name, change } => planner.alter_domain(namespace, name, change)?,
        Ddl::AlterEnum { namespace, name, change } => planner.alter_enum(namespace, name, change)?,
        Ddl::AlterTable { kind, namespace, name, actions, if_exists, only } => {
            planner.alter_table(*kind, (namespace, name), actions, (*if_exists, *only))?;
        }
        Ddl::Drop { kind, names, if_exists, behavior } => planner.drop_objects(*kind, names, *if_exists, *behavior)?,
        Ddl::Comment { kind, namespace, name, column, comment } => {
            planner.comment(*kind, (namespace, name), column.as_ref(), comment.as_deref())?;
        }
        Ddl::Truncate { tables, restart_identity, cascade } => planner.truncate(tables, *restart_identity, *cascade)?,
        Ddl::Grant(grant) => planner.grant(grant)?,
        Ddl::Nothing { tag, notices } => {
            planner.tag(tag);
            notices.iter().for_each(|notice| planner.notice(notice.clone()));
        }
        Ddl::DefaultPrivileges(of) => planner.default_privileges(of)?,
        Ddl::Function(function) => planner.function(function)?,
        Ddl::CreatePolicy { namespace, table, policy } => planner.create_policy(namespace, table, policy)?,
        Ddl::AlterPolicy { namespace, table, name, change } => planner.alter_policy(namespace, table, name, change)?,
        Ddl::DropPolicy { namespace, table, name, if_exists } => {
            planner.drop_policy(namespace, table, name, *if_exists)?;
        }
        Ddl::CreateRole { name, options } => planner.create_role(name, options)?,
        Ddl::AlterRole { name, options } => planner.alter_role(name, options)?,
        Ddl::RenameRole { name, to } => planner.rename_role(name, to)?,
        Ddl::AlterRoleSet { name, database, setting, value } => {
            planner.alter_role_set(name, database.as_ref(), setting.as_ref(), value.as_deref())?;
        }
        Ddl::DropRole { names, if_exists } => planner.drop_roles(names, *if_exists)?,
        Ddl::ReassignOwned { roles, to } => planner.reassign_owned(roles, to)?,
        Ddl::DropOwned { roles, behavior } => planner.drop_owned(roles, *behavior)?,
        Ddl::GrantRole { roles, members, admin, revoke, grantor: _, alter } => {
            planner.grant_role(roles, members, *admin, *revoke)?;
            if *alter {
                planner.tag("ALTER ROLE");
            }
        }
    }
    planner.finish()
}

/// Plans what ON COMMIT does to temporary tables at the end of a transaction.
pub fn at_commit(tables: &[(Oid, OnCommit)], cx: &Context) -> Result<DdlPlan> {
    let with = |wanted: OnCommit| tables.iter().filter(move |(_, on_commit)| *on_commit == wanted);
    let relation = |(oid, _): &(Oid, OnCommit)| cx.snapshot.relation_by_oid(*oid).cloned();
    let cx = Context { role: crate::registry::builtin::SUPERUSER, ..cx.clone() };
    let mut planner = Planner::new(&cx);
    let emptied: Vec<_> = with(OnCommit::DeleteRows).filter_map(relation).collect();
    planner.empty_at_commit(&emptied)?;
    let dropped = with(OnCommit::Drop).filter_map(relation).map(|r| (r.namespace.clone(), r.name.clone()));
    planner.drop_objects(ObjectKind::Table, &dropped.collect::<Vec<_>>(), true, DropBehavior::Cascade)?;
    planner.finish()
}
