//! The planner: a working snapshot, and what has been decided so far.

use std::sync::Arc;

use super::{DdlPlan, Step, physical, store};
use crate::engine::{self, Kind, Rendered, Writes};
use crate::error::{Error, Report, Result, Severity, SqlState};
use crate::policy::Permit;
use crate::registry::{
    Change, Constraint, ConstraintKind, Index, Managed, Name, Namespace, Relation, RelationKind, Role, SequenceCount,
    Snapshot, UserType,
};
use crate::sql::{Command, Context, Plan};
use crate::types::{Oid, Phys};

pub struct Planner<'a> {
    pub cx: &'a Context,
    /// The snapshot with all changes so far.
    pub after: Snapshot,
    pub plan: DdlPlan,
    /// True while schema files are applied: file-managed objects may be changed.
    pub for_files: bool,
    /// How new objects are managed.
    pub managed_as: Managed,
}

impl<'a> Planner<'a> {
    pub fn new(cx: &'a Context) -> Self {
        Self { cx, after: (*cx.snapshot).clone(), plan: DdlPlan::default(), for_files: false, managed_as: Managed::Sql }
    }

    /// The plan, with the rows that keep its changes.
    pub fn finish(mut self) -> Result<DdlPlan> {
        self.nothing_permanent_has_temporary_types()?;
        for (relation, sql) in store::keep(&self.plan.changes, &self.cx.snapshot)? {
            match relation {
                Some(oid) => self.command_on(oid, engine::Change::REDEFINES, sql),
                None => self.command(sql),
            }
        }
        Ok(self.plan)
    }

    pub fn tag(&mut self, tag: &str) {
        tag.clone_into(&mut self.plan.tag);
    }

    pub fn notice(&mut self, message: String) {
        self.plan.notices.push(Report::notice(message));
    }

    /// IF NOT EXISTS: the notice has the code that the error would have.
    pub fn exists(&mut self, code: SqlState, message: &str) {
        self.plan.notices.push(Report { code, ..Report::notice(format!("{message}, skipping")) });
    }

    /// For who has set client_min_messages to debug1.
    pub fn debug(&mut self, message: String) {
        self.plan.notices.push(Report { severity: Severity::Debug, ..Report::notice(message) });
    }

    pub fn change(&mut self, change: Change) {
        self.after.apply_in_place(&change);
        self.plan.changes.push(change);
    }

    /// A command in DuckDB's SQL, made by this module from names it has quoted itself. What it does to a relation that others
    /// know is said where the relation's definition is kept ([`Self::finish`]).
    pub fn command(&mut self, sql: String) {
        self.plan.steps.push(Step::Command(command(sql)));
    }

    /// A command that changes rows of a table whose definition stays.
    pub fn command_on(&mut self, table: Oid, change: engine::Change, sql: String) {
        let rendered = |rendered| Rendered { writes: Writes::Table(table, change), ..rendered };
        self.plan.steps.push(Step::Command(command(sql).map(rendered)));
    }

    /// A query in DuckDB's SQL, `SELECT 1 …`, that must find nothing.
    pub fn verify_sql(&mut self, sql: String, error: Error) {
        let plan = Plan {
            permit: Permit::system(Rendered { columns: vec![Phys::Int4], ..rendered(sql, Kind::Rows) }),
            params: Vec::new(),
            fields: Vec::new(),
            phys: vec![Phys::Int4],
            command: Command::Select,
            target: None,
            before: Vec::new(),
            after: Vec::new(),
            writes: false,
            depends: Arc::default(),
            once: false,
            locks: Vec::new(),
            keys: None,
            row_locks: Vec::new(),
            changes: None,
            added: None,
            probe: None,
            arbitrates: false,
            upserts: Vec::new(),
            adds_up: false,
            doomed: None,
            call: None,
            places: 0,
        };
        self.plan.steps.push(Step::Verify(plan, error));
    }

    pub fn put_namespace(&mut self, namespace: Namespace) {
        self.change(Change::PutNamespace(Arc::new(namespace)));
    }

    pub fn put_relation(&mut self, relation: Relation) {
        let relation = self.with_default_acl(relation);
        self.change(Change::PutRelation(Arc::new(relation)));
    }

    pub fn put_type(&mut self, ty: UserType) {
        self.change(Change::PutType(Arc::new(ty)));
    }

    pub fn put_role(&mut self, role: Role) {
        self.change(Change::PutRole(Arc::new(role)));
    }

    /// Puts a sequence; `restart` is the next value from now on (`None`: goes on from where it is).
    pub fn put_sequence(&mut self, mut relation: Relation, restart: Option<i64>) {
        if let RelationKind::Sequence(definition) = &mut relation.kind
            && let Some(first) = restart
        {
            self.plan.forgotten.push(definition.count_of(relation.oid));
            definition.count = Some(SequenceCount { number: self.after.counters.allocate_oid(), first });
        }
        self.put_relation(relation);
    }

    /// How new objects are managed.
    pub fn managed(&self) -> Managed {
        self.managed_as.clone()
    }

    /// Refuses DDL over SQL on what a schema file defines, and on the system's own objects.
    pub fn may_change(&self, managed: &Managed, what: &str, name: &str) -> Result<()> {
        match managed {
            Managed::Sql => Ok(()),
            Managed::File { .. } if self.for_files => Ok(()),
            Managed::File { path, line } => {
                let message = format!("{what} \"{name}\" is defined by a schema file");
                Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message).hint(format!(
                    "Change {}, line {line}, and reload the schema files (SELECT duckgate.reload(), or duckgate apply).",
                    path.display()
                )))
            }
            Managed::System => {
                let message = format!("permission denied: \"{name}\" is a system {what}");
                Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
            }
        }
    }

    /// An existing relation of any kind; 42P01 otherwise.
    pub fn relation(&self, namespace: &str, name: &str) -> Result<Arc<Relation>> {
        self.after.relation(namespace, name).cloned().ok_or_else(|| {
            Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", shown(namespace, name)))
        })
    }

    /// A table that may be changed.
    pub fn own_table(&self, namespace: &str, name: &str) -> Result<Relation> {
        let relation = self.relation(namespace, name)?;
        if !matches!(relation.kind, RelationKind::Table) {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not a table")));
        }
        self.may_change(&relation.managed, "table", name)?;
        Ok((*relation).clone())
    }

    pub fn role(&self, name: &str) -> Result<Arc<Role>> {
        self.after.role(name).cloned().ok_or_else(|| crate::registry::privileges::missing_role(name))
    }

    pub fn role_name(&self, oid: Oid) -> Name {
        self.after.role_by_oid(oid).map_or_else(|| oid.to_string().into(), |r| r.name.clone())
    }

    /// Must a new relation be refused (or skipped, with a notice: gives false)? The namespace must be there.
    pub fn name_is_free(&mut self, namespace: &str, name: &str, temporary: bool, if_not_exists: bool) -> Result<bool> {
        if !temporary && !self.after.namespaces.contains_key(namespace) {
            return Err(no_namespace(namespace));
        }
        if matches!(namespace, "pg_catalog" | "information_schema") && !temporary {
            let message = format!("permission denied to create \"{namespace}.{name}\"");
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
                .detail("System catalog modifications are currently disallowed."));
        }
        if !self.after.relation_name_taken(namespace, name) {
            return Ok(true);
        }
        if if_not_exists {
            self.exists(SqlState::DUPLICATE_TABLE, &format!("relation \"{name}\" already exists"));
            return Ok(false);
        }
        Err(Error::new(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists")))
    }

    /// A relation to be made is the name of a type as well (heap_create_with_catalog).
    pub fn type_is_free(&self, namespace: &str, name: &str) -> Result<()> {
        if self.after.user_type(namespace, name).is_none() {
            return Ok(());
        }
        Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{name}\" already exists")).hint(
            "A relation has an associated type of the same name, so you must use a name that doesn't conflict with any \
             existing type.",
        ))
    }

    /// The relations that have a foreign key to this one, itself not counted.
    pub fn referencing(&self, oid: Oid) -> Vec<(Arc<Relation>, Name)> {
        let mut found: Vec<(Arc<Relation>, Name)> = Vec::new();
        for relation in self.after.relations.values().filter(|r| r.oid != oid) {
            // What a partition has from above is counted there.
            for constraint in relation.constraints.iter().filter(|c| c.parent.is_none()) {
                if physical::foreign_target(constraint) == Some(oid) {
                    found.push((relation.clone(), constraint.name.clone()));
                }
            }
        }
        found.sort_by_key(|(r, _)| r.oid);
        found
    }

    /// The foreign keys that rest on a unique index, those of the table itself among them: table and name.
    pub fn resting_on(&self, table: &Relation, index: &Index) -> Vec<(Arc<Relation>, Name)> {
        let rests = |c: &Constraint| match &c.kind {
            ConstraintKind::ForeignKey { target, target_columns, .. } => {
                c.parent.is_none()
                    && *target == table.oid
                    && table.referenced_index(target_columns).is_some_and(|i| i.oid == index.oid)
            }
            ConstraintKind::PrimaryKey { .. }
            | ConstraintKind::Unique { .. }
            | ConstraintKind::Check { .. }
            | ConstraintKind::Exclusion { .. } => false,
        };
        // The table may be in the middle of a change.
        let own = Arc::new(table.clone());
        let others = self.after.relations.values().filter(|r| r.oid != table.oid);
        let all = others.chain([&own]).flat_map(|r| r.constraints.iter().filter(|c| rests(c)).map(move |c| (r, c)));
        let mut found: Vec<_> = all.map(|(r, c)| (r.clone(), c.name.clone(), c.oid)).collect();
        found.sort_by_key(|(_, _, oid)| *oid);
        found.into_iter().map(|(relation, name, _)| (relation, name)).collect()
    }

    /// Sequences that columns of this table own.
    pub fn owned_sequences(&self, table: Oid) -> Vec<Arc<Relation>> {
        let owned = self.after.owned_sequences.get(&table).map(Vec::as_slice).unwrap_or_default();
        let mut found: Vec<_> = owned.iter().filter_map(|oid| self.after.relation_by_oid(*oid)).cloned().collect();
        found.sort_by_key(|r| r.oid);
        found
    }
}

/// `namespace.name` as messages have it: PostgreSQL repeats what was written; without that, the search path decides.
fn shown(namespace: &str, name: &str) -> String {
    if namespace == "public" || namespace == crate::registry::bootstrap::TEMPORARY {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

pub fn no_namespace(name: &str) -> Error {
    Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{name}\" does not exist"))
}

pub fn rendered(sql: String, kind: Kind) -> Rendered {
    Rendered {
        sql: sql.into(),
        params: Vec::new(),
        columns: Vec::new(),
        kind,
        writes: Writes::Nothing,
        keyed: None,
        prompt: false,
    }
}

/// A query of the gateway's own about tables that a statement of the session has changed.
pub(super) fn question(sql: String, columns: Vec<Phys>) -> Permit<Rendered> {
    Permit::system(Rendered { columns, ..rendered(sql, Kind::Rows) })
}

pub fn command(sql: String) -> Permit<Rendered> {
    Permit::system(rendered(sql, Kind::Command))
}
