//! What a statement asked for, in words: for the audit. Made from what the walk found, whether it is allowed or not.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Applied;
use super::check::SequenceUse;
use super::walk::{Found, Use};
use crate::observe::audit::{Access, Object, Privilege, Rules};
use crate::registry::{Name, Privileges, Relation, RelationKind, Snapshot};
use crate::tree::{Copy, CopyDirection, Ddl, FunctionDdl, GrantTarget, Statement, Utility};
use crate::types::Oid;

/// The objects that the statement reads, writes or changes.
pub fn asked(statement: &Statement, found: &Found, role: Oid, snapshot: &Snapshot) -> Access {
    // What a query that is kept reads is asked for when it is used.
    let mut objects = if found.kept { Vec::new() } else { used(found, snapshot) };
    objects.extend(found.files.iter().flat_map(|(_, paths)| files(paths, role, snapshot)));
    let inner = innermost(statement);
    let changed = match inner {
        Statement::Ddl(ddl) => changed(ddl, snapshot),
        Statement::Utility(utility) => utility_objects(utility),
        Statement::Query(_)
        | Statement::Insert(_)
        | Statement::Update(_)
        | Statement::Delete(_)
        | Statement::Merge(_)
        | Statement::Explain(_) => Vec::new(),
        Statement::Copy(copy) => file(copy),
    };
    let role = name(role, snapshot);
    objects.extend(changed.into_iter().map(|(schema, of, word)| object(&schema, &of, role.clone(), vec![whole(word)])));
    Access { objects, rules: Vec::new() }
}

fn used(found: &Found, snapshot: &Snapshot) -> Vec<Object> {
    let mut objects = Vec::new();
    for used in found.uses.iter().filter(|used| tells(used)) {
        let privileges = privileges(found, used);
        if !privileges.is_empty() {
            objects.push(object(&used.def.namespace, &used.def.name, name(used.role, snapshot), privileges));
        }
    }
    for call in &found.sequences {
        if let Some(sequence) = snapshot.relation_by_oid(call.sequence) {
            let word = match call.what {
                SequenceUse::Next => "USAGE",
                SequenceUse::Current => "SELECT",
                SequenceUse::Set => "UPDATE",
            };
            let role = name(call.role, snapshot);
            objects.push(object(&sequence.namespace, &sequence.name, role, vec![whole(word)]));
        }
    }
    for (function, caller) in &found.routines {
        objects.push(object(&function.namespace, &function.name, name(*caller, snapshot), vec![whole("EXECUTE")]));
    }
    objects
}

/// Files of the server that are read.
pub fn files(paths: &[Name], role: Oid, snapshot: &Snapshot) -> Vec<Object> {
    let role = name(role, snapshot);
    paths.iter().map(|path| object(&"".into(), path, role.clone(), vec![whole("READ FILE")])).collect()
}

/// The file of the server.
fn file(copy: &Copy) -> Vec<Changed> {
    let word = match &copy.direction {
        CopyDirection::In { .. } => "READ FILE",
        CopyDirection::Out { .. } => "WRITE FILE",
    };
    copy.options.file.iter().map(|path| ("".into(), path.clone(), word)).collect()
}

/// The rules that went into it, in words.
pub fn rules(applied: &[Applied], snapshot: &Snapshot) -> Vec<Rules> {
    let rule = |Applied { table, role, filtered: _, policies, masked }: &Applied| Rules {
        schema: table.namespace.clone(),
        table: table.name.clone(),
        role: name(*role, snapshot),
        policies: policies.iter().cloned().collect(),
        masks: masked.iter().cloned().collect(),
    };
    applied.iter().map(rule).collect()
}

/// What EXPLAIN explains.
fn innermost(statement: &Statement) -> &Statement {
    match statement {
        Statement::Explain(explain) => innermost(&explain.statement),
        other => other,
    }
}

/// What a system view reads inside is no news.
fn tells(used: &Use) -> bool {
    let system = matches!(used.def.kind, RelationKind::System)
        || matches!(&*used.def.namespace, "pg_catalog" | "information_schema");
    !(used.in_view && system)
}

fn name(role: Oid, snapshot: &Snapshot) -> Name {
    snapshot.role_by_oid(role).map_or_else(|| "".into(), |r| r.name.clone())
}

fn object(schema: &Name, name: &Name, role: Name, privileges: Vec<Privilege>) -> Object {
    Object { schema: schema.clone(), name: name.clone(), role, privileges }
}

fn whole(word: &'static str) -> Privilege {
    Privilege { word, columns: Vec::new() }
}

fn names(relation: &Relation, columns: &BTreeSet<i16>) -> Vec<Name> {
    columns.iter().filter_map(|num| relation.column_by_num(*num)).map(|c| c.name.clone()).collect()
}

fn privileges(found: &Found, used: &Use) -> Vec<Privilege> {
    let selected = found.selected(used);
    let required = if found.reads(used) { used.required.union(Privileges::SELECT) } else { used.required };
    let none = BTreeSet::new();
    let kinds = [
        (Privileges::SELECT, "SELECT", &selected),
        (Privileges::INSERT, "INSERT", &used.inserted),
        (Privileges::UPDATE, "UPDATE", &used.updated),
        (Privileges::DELETE, "DELETE", &none),
    ];
    let asked = kinds.into_iter().filter(|(privilege, ..)| required.contains(*privilege));
    asked.map(|(_, word, columns)| Privilege { word, columns: names(&used.def, columns) }).collect()
}

type Changed = (Name, Name, &'static str);

fn utility_objects(utility: &Utility) -> Vec<Changed> {
    let of = |tables: &[Arc<Relation>], word: &'static str| {
        tables.iter().map(|t| (t.namespace.clone(), t.name.clone(), word)).collect()
    };
    match utility {
        Utility::Lock { tables, below: _, mode: _, nowait: _ } => of(tables, "LOCK"),
        Utility::Maintain { command: _, tables, outside_block: _ } => of(tables, "MAINTAIN"),
        Utility::SetRole { name: Some(name), local: _ } => vec![("".into(), name.clone(), "SET ROLE")],
        Utility::SetSessionAuthorization { name: Some(name), local: _ } => {
            vec![("".into(), name.clone(), "SET SESSION AUTHORIZATION")]
        }
        Utility::SetRole { name: None, .. }
        | Utility::SetSessionAuthorization { name: None, .. }
        | Utility::Declare { .. }
        | Utility::Execute { .. }
        | Utility::Begin { .. }
        | Utility::Commit { .. }
        | Utility::Rollback { .. }
        | Utility::Savepoint(_)
        | Utility::ReleaseSavepoint(_)
        | Utility::RollbackTo(_)
        | Utility::SetTransaction { .. }
        | Utility::Set { .. }
        | Utility::Reset { .. }
        | Utility::Show { .. }
        | Utility::Discard(_)
        | Utility::Prepare { .. }
        | Utility::Deallocate { .. }
        | Utility::Fetch { .. }
        | Utility::CloseCursor { .. }
        | Utility::Do { .. }
        | Utility::Listen(_)
        | Utility::Unlisten(_)
        | Utility::Notify { .. }
        | Utility::PrepareTransaction
        | Utility::SetConstraints { .. } => Vec::new(),
    }
}

fn functions_of(functions: &[Oid], word: &'static str, snapshot: &Snapshot) -> Vec<Changed> {
    let found = functions.iter().filter_map(|oid| snapshot.function_by_oid(*oid));
    found.map(|f| (f.namespace.clone(), f.name.clone(), word)).collect()
}

fn types_of(types: &[Oid], word: &'static str, snapshot: &Snapshot) -> Vec<Changed> {
    let name = |oid: &Oid| match snapshot.user_type_by_oid(*oid) {
        Some(ty) => Some((ty.namespace.clone(), ty.name.clone(), word)),
        None => snapshot.relation_of_row(*oid).map(|r| (r.namespace.clone(), r.name.clone(), word)),
    };
    types.iter().filter_map(name).collect()
}

/// What a schema change changes.
fn changed(ddl: &Ddl, snapshot: &Snapshot) -> Vec<Changed> {
    let one = |schema: &Name, name: &Name, word| vec![(schema.clone(), name.clone(), word)];
    let no: Name = "".into();
    let roles = |names: &[Name], word: &'static str| names.iter().map(|n| ("".into(), n.clone(), word)).collect();
    match ddl {
        Ddl::CreateNamespace { name, .. } => one(&no, name, "CREATE SCHEMA"),
        Ddl::AlterNamespace { name, .. } => one(&no, name, "ALTER SCHEMA"),
        Ddl::CreateTable { table, .. } => one(&table.namespace, &table.name, "CREATE TABLE"),
        Ddl::CreateTableAs { namespace, name, .. } => one(namespace, name, "CREATE TABLE"),
        Ddl::Refresh { view, .. } => one(&view.namespace, &view.name, "REFRESH"),
        Ddl::CreateView { namespace, name, .. } => one(namespace, name, "CREATE VIEW"),
        Ddl::CreateIndex { namespace, table, .. } => one(namespace, table, "CREATE INDEX"),
        Ddl::CreateSequence { namespace, name, .. } => one(namespace, name, "CREATE SEQUENCE"),
        Ddl::AlterSequence { namespace, name, .. } => one(namespace, name, "ALTER SEQUENCE"),
        Ddl::CreateEnum { namespace, name, .. } | Ddl::CreateRange { namespace, name, .. } => {
            one(namespace, name, "CREATE TYPE")
        }
        Ddl::AlterEnum { namespace, name, .. } => one(namespace, name, "ALTER TYPE"),
        Ddl::CreateComposite { namespace, name, .. } => one(namespace, name, "CREATE TYPE"),
        Ddl::AlterComposite { namespace, name, .. } => one(namespace, name, "ALTER TYPE"),
        Ddl::CreateDomain { namespace, name, .. } => one(namespace, name, "CREATE DOMAIN"),
        Ddl::AlterDomain { namespace, name, .. } => one(namespace, name, "ALTER DOMAIN"),
        Ddl::CreateExtension { name, .. } => one(&no, name, "CREATE EXTENSION"),
        Ddl::UpdateExtension { name, .. } => one(&no, name, "ALTER EXTENSION"),
        Ddl::AlterTable { namespace, name, .. } => one(namespace, name, "ALTER"),
        Ddl::Drop { names, .. } => names.iter().map(|(s, n)| (s.clone(), n.clone(), "DROP")).collect(),
        Ddl::Comment { namespace, name, .. } => one(namespace, name, "COMMENT"),
        Ddl::Truncate { tables, .. } => {
            tables.iter().map(|t| (t.namespace.clone(), t.name.clone(), "TRUNCATE")).collect()
        }
        Ddl::Grant(grant) => {
            let word = if grant.revoke { "REVOKE" } else { "GRANT" };
            match &grant.on {
                GrantTarget::Relations(names) | GrantTarget::Sequences(names) => {
                    names.iter().map(|(s, n)| (s.clone(), n.clone(), word)).collect()
                }
                GrantTarget::AllRelationsIn(schemas)
                | GrantTarget::AllSequencesIn(schemas)
                | GrantTarget::Namespaces(schemas) => schemas.iter().map(|s| (s.clone(), "".into(), word)).collect(),
                GrantTarget::Functions(functions) => functions_of(functions, word, snapshot),
                GrantTarget::Types(types) => types_of(types, word, snapshot),
                GrantTarget::AllFunctionsIn { kind: _, namespaces } => {
                    namespaces.iter().map(|s| (s.clone(), "".into(), word)).collect()
                }
                GrantTarget::Database => one(&no, &no, word),
            }
        }
        Ddl::Function(function) => match function {
            FunctionDdl::Create(new) => one(&new.function.namespace, &new.function.name, "CREATE FUNCTION"),
            FunctionDdl::Alter { function, .. } => functions_of(&[*function], "ALTER FUNCTION", snapshot),
            FunctionDdl::Drop { functions, .. } => functions_of(functions, "DROP", snapshot),
            FunctionDdl::Comment { function, .. } => functions_of(&[*function], "COMMENT", snapshot),
        },
        Ddl::Nothing { .. } => Vec::new(),
        Ddl::DefaultPrivileges(of) => roles(&of.roles, "ALTER DEFAULT PRIVILEGES"),
        Ddl::CreatePolicy { namespace, table, .. } => one(namespace, table, "CREATE POLICY"),
        Ddl::AlterPolicy { namespace, table, .. } => one(namespace, table, "ALTER POLICY"),
        Ddl::DropPolicy { namespace, table, .. } => one(namespace, table, "DROP POLICY"),
        Ddl::CreateRole { name, .. } => one(&no, name, "CREATE ROLE"),
        Ddl::AlterRole { name, .. } | Ddl::AlterRoleSet { name, .. } | Ddl::RenameRole { name, .. } => {
            one(&no, name, "ALTER ROLE")
        }
        Ddl::DropRole { names, .. } => roles(names, "DROP ROLE"),
        Ddl::ReassignOwned { roles: of, to: _ } => roles(of, "REASSIGN OWNED"),
        Ddl::DropOwned { roles: of, behavior: _ } => roles(of, "DROP OWNED"),
        Ddl::GrantRole { roles: of, revoke, .. } => roles(of, if *revoke { "REVOKE ROLE" } else { "GRANT ROLE" }),
    }
}
