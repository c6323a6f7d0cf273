//! The check: what the walk found against what the role may do.

use super::Authority;
use super::walk::{Found, SequenceCall, Use, Walk};
use crate::error::{Error, Result, SqlState};
use crate::facts::Proc;
use crate::registry::{Function, Name, Privileges, Relation, RelationKind, Snapshot, predefined};
use crate::tree::*;
use crate::types::Oid;

/// Checks one statement, whole. Gives back what it uses, also when it is refused.
pub fn statement(statement: &Statement, authority: &Authority) -> (Found, Result<()>) {
    let mut walk = Walk::new(authority.role);
    let done = self::walk(statement, authority, &mut walk)
        .and_then(|()| read_files(&walk.found, authority))
        .and_then(|()| judge(&walk.found, &authority.snapshot))
        .and_then(|()| super::collation::check(statement, &walk.found));
    (walk.found, done)
}

fn read_files(found: &Found, authority: &Authority) -> Result<()> {
    let Authority { snapshot, role, row_security: _, ways } = authority;
    found
        .files
        .iter()
        .try_for_each(|(function, paths)| super::files::may_read(function, paths, (*role, *ways), snapshot))
}

fn walk(statement: &Statement, authority: &Authority, walk: &mut Walk) -> Result<()> {
    match statement {
        Statement::Query(query) => walk.query(query),
        Statement::Insert(insert) => walk.insert(insert),
        Statement::Update(update) => walk.update(update),
        Statement::Delete(delete) => walk.delete(delete),
        Statement::Merge(merge) => walk.merge(merge),
        Statement::Copy(copy) => {
            super::files::check(copy, authority)?;
            let Copy { direction, options: _ } = &**copy;
            match direction {
                CopyDirection::In { insert, table: _, columns: _ } => {
                    walk.insert(insert);
                    way(authority, authority.ways.copy_from, "use COPY FROM", "duckgate.copy_from")?;
                }
                CopyDirection::Out { statement, relation: _ } => {
                    self::walk(statement, authority, walk)?;
                    way(authority, authority.ways.copy_to, "use COPY TO", "duckgate.copy_to")?;
                }
            }
        }
        Statement::Explain(explain) => {
            let Explain { statement: inner, analyze: _, verbose: _, costs: _, format: _ } = &**explain;
            return self::walk(inner, authority, walk);
        }
        Statement::Ddl(ddl) => {
            if !super::ddl::is_own_affair(ddl, authority) {
                way(authority, authority.ways.ddl, "change the schema", "duckgate.ddl")?;
            }
            super::ddl::check(ddl, authority, walk)?;
        }
        Statement::Utility(utility) => self::utility(utility, authority, walk)?,
    }
    Ok(())
}

/// 42501 if the role is kept from a way that is not open to it.
fn way(authority: &Authority, open: bool, what: &str, setting: &str) -> Result<()> {
    if open || authority.snapshot.is_superuser(authority.role) {
        return Ok(());
    }
    let hint = format!("A superuser can allow it with ALTER ROLE … SET {setting} = on.");
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied to {what}")).hint(hint))
}

/// Checks an expression of a rule over a row of its table: what its subqueries read, the role reads; functions are called by the
/// current user.
pub fn rule(expr: &Expr, role: Oid, user: Oid, authority: &Authority) -> Result<()> {
    let mut walk = Walk::of_rule(role, user);
    walk.own_row_expr(expr);
    judge(&walk.found, &authority.snapshot)
}

/// Checks an expression over a row of its own.
pub fn expression(expr: &Expr, authority: &Authority) -> Result<()> {
    let mut walk = Walk::new(authority.role);
    walk.own_row_expr(expr);
    // Only functions' bodies can read tables here, and what they read would come without its rules and masks.
    if !walk.found.uses.is_empty() {
        return Err(Error::unsupported("a function that reads tables, in a check, a domain or a key")
            .hint("Use a function of its arguments alone."));
    }
    judge(&walk.found, &authority.snapshot)
}

fn utility(utility: &Utility, authority: &Authority, walk: &mut Walk) -> Result<()> {
    match utility {
        Utility::Execute { name: _, args } => {
            walk.exprs(args);
            Ok(())
        }
        Utility::Declare { name: _, options: _, query } => self::walk(query, authority, walk),
        Utility::Lock { tables, below: _, mode, nowait: _ } => lock(tables, *mode, authority),
        Utility::Maintain { command, tables, outside_block: _ } => maintain(*command, tables, authority),
        // SET ROLE and SET SESSION AUTHORIZATION ask for rights of session_user, which the session knows; it checks them
        // with [`Snapshot::is_member`]. Settings have their own rules, in the session. The body of PREPARE is compiled
        // and checked at EXECUTE.
        Utility::SetRole { .. } | Utility::SetSessionAuthorization { .. } => Ok(()),
        Utility::Begin { .. }
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
        | Utility::SetConstraints { .. } => Ok(()),
    }
}

/// LockTableAclCheck: what is enough depends on the mode.
fn lock(tables: &[std::sync::Arc<Relation>], mode: LockMode, authority: &Authority) -> Result<()> {
    let enough: &[Privileges] = match mode {
        LockMode::AccessShare => &[Privileges::SELECT],
        LockMode::RowExclusive => &[Privileges::INSERT, Privileges::UPDATE, Privileges::DELETE, Privileges::TRUNCATE],
        LockMode::RowShare
        | LockMode::ShareUpdateExclusive
        | LockMode::Share
        | LockMode::ShareRowExclusive
        | LockMode::Exclusive
        | LockMode::AccessExclusive => &[Privileges::UPDATE, Privileges::DELETE, Privileges::TRUNCATE],
    };
    for table in tables {
        let has = authority.snapshot.relation_privileges(authority.role, table);
        if !enough.iter().any(|p| has.contains(*p)) {
            return Err(denied(table));
        }
    }
    Ok(())
}

fn maintain(command: MaintainCommand, tables: &[std::sync::Arc<Relation>], authority: &Authority) -> Result<()> {
    let (snapshot, role) = (&authority.snapshot, authority.role);
    match command {
        MaintainCommand::Checkpoint if !snapshot.has_rights_of(role, predefined::CHECKPOINT) => Err(Error::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            "must be superuser or have privileges of pg_checkpoint to do CHECKPOINT",
        )),
        // PostgreSQL skips tables of others with a warning in VACUUM and ANALYZE; both change nothing that a role sees.
        MaintainCommand::Checkpoint | MaintainCommand::Vacuum | MaintainCommand::Analyze => Ok(()),
        MaintainCommand::Reindex | MaintainCommand::Cluster => {
            tables.iter().try_for_each(|table| must_own(snapshot, role, table))
        }
    }
}

/// 42501 unless the role owns the relation.
pub fn must_own(snapshot: &Snapshot, role: Oid, relation: &Relation) -> Result<()> {
    if snapshot.relation_now(relation).is_some_and(|now| snapshot.has_rights_of(role, now.owner)) {
        return Ok(());
    }
    let (kind, name) = (kind_word(relation), &relation.name);
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("must be owner of {kind} {name}")))
}

/// 42501 unless the role may look into the namespace.
pub fn must_use_namespace(snapshot: &Snapshot, role: Oid, namespace: &str, needed: Privileges) -> Result<()> {
    let Some(namespace) = snapshot.namespaces.get(namespace) else { return Ok(()) };
    if snapshot.namespace_privileges(role, namespace).contains(needed) {
        return Ok(());
    }
    let name = &namespace.name;
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for schema {name}")))
}

fn judge(found: &Found, snapshot: &Snapshot) -> Result<()> {
    if let Some(rel) = found.stray() {
        return Err(Error::internal(format!("policy: relation {rel:?} is referred to but nowhere in the statement")));
    }
    for used in &found.uses {
        judge_relation(found, used, snapshot)?;
    }
    if found.kept {
        return Ok(());
    }
    for (func, role) in &found.functions {
        judge_function(func, *role, snapshot)?;
    }
    for (function, role) in &found.routines {
        judge_routine(function, *role, snapshot)?;
    }
    for call in &found.sequences {
        judge_sequence(call, snapshot)?;
    }
    Ok(())
}

fn judge_relation(found: &Found, used: &Use, snapshot: &Snapshot) -> Result<()> {
    let def = &used.def;
    let Some(now) = snapshot.relation_now(def) else {
        return Err(Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", def.name)));
    };
    // What a view shows is a rule as grants are: a transaction that knows an older form of it must not go by that.
    if view_text(now) != view_text(def) {
        let message = "could not serialize access due to concurrent update";
        return Err(Error::new(SqlState::T_R_SERIALIZATION_FAILURE, message)
            .detail(format!("Another transaction has replaced view \"{}\".", def.name)));
    }
    if snapshot.is_superuser(used.role) {
        return Ok(());
    }
    // Of a query that is kept, what its views and functions read was asked for when these were made.
    let asked = used.in_view || def.temporary || found.kept && used.inner;
    if !asked {
        must_use_namespace(snapshot, used.role, &def.namespace, Privileges::USAGE)?;
    }
    if found.kept {
        return Ok(());
    }
    // So must not one that knows other rules than there are now.
    if now.rules != def.rules {
        let message = "could not serialize access due to concurrent update";
        return Err(Error::new(SqlState::T_R_SERIALIZATION_FAILURE, message)
            .detail(format!("Another transaction has changed the rules of table \"{}\".", def.name)));
    }
    let whole = snapshot.relation_privileges(used.role, def);
    let selected = found.selected(used);
    let mut required = used.required;
    if found.reads(used) {
        required = required.union(Privileges::SELECT);
    }
    // DELETE and TRUNCATE have no column privileges.
    for privilege in [Privileges::DELETE, Privileges::TRUNCATE] {
        if required.contains(privilege) && !whole.contains(privilege) {
            return Err(denied(def));
        }
    }
    let columns =
        [(Privileges::SELECT, &selected), (Privileges::INSERT, &used.inserted), (Privileges::UPDATE, &used.updated)];
    for (privilege, columns) in columns {
        if required.contains(privilege) && !whole.contains(privilege) {
            let allowed = if columns.is_empty() {
                // Nothing is named (count(*), DEFAULT VALUES, FOR UPDATE): any one column will do.
                snapshot.any_column_privileges(used.role, def).contains(privilege)
            } else {
                columns.iter().all(|num| column_allows(snapshot, used.role, def, *num, privilege))
            };
            if !allowed {
                return Err(denied(def));
            }
        }
    }
    Ok(())
}

fn judge_routine(function: &Function, role: Oid, snapshot: &Snapshot) -> Result<()> {
    let Some(now) = snapshot.function_now(function.oid) else {
        let message = format!("function {} does not exist", function.name);
        return Err(Error::new(SqlState::UNDEFINED_FUNCTION, message));
    };
    // As with a view: what it does, and in whose name, is a rule.
    if (&now.body, now.definer, now.owner) != (&function.body, function.definer, function.owner) {
        let message = "could not serialize access due to concurrent update";
        return Err(Error::new(SqlState::T_R_SERIALIZATION_FAILURE, message)
            .detail(format!("Another transaction has replaced function \"{}\".", function.name)));
    }
    if snapshot.function_privileges(role, function).contains(Privileges::EXECUTE) {
        return Ok(());
    }
    let message = format!("permission denied for function {}", function.name);
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
}

fn view_text(relation: &Relation) -> Option<(&str, &[Name])> {
    match &relation.kind {
        RelationKind::View { definition, search_path } => Some((definition, search_path)),
        // What a materialized view shows are its rows, which are data.
        RelationKind::Table
        | RelationKind::MaterializedView { .. }
        | RelationKind::Sequence(_)
        | RelationKind::Composite
        | RelationKind::System => None,
    }
}

fn column_allows(snapshot: &Snapshot, role: Oid, def: &Relation, num: i16, privilege: Privileges) -> bool {
    // System columns (negative) have no grants of their own: tableoid and kin need the whole relation.
    def.column_by_num(num).is_some_and(|c| snapshot.column_privileges(role, def, c).contains(privilege))
}

/// Built-in functions that PostgreSQL 15 does not let PUBLIC execute (pg_proc.proacl of a new database), all overloads.
const SUPERUSER_FUNCTIONS: &[&str] = &[
    "lo_export",
    "lo_import",
    "pg_backup_start",
    "pg_backup_stop",
    "pg_config",
    "pg_create_restore_point",
    "pg_current_logfile",
    "pg_get_backend_memory_contexts",
    "pg_get_shmem_allocations",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_log_backend_memory_contexts",
    "pg_ls_archive_statusdir",
    "pg_ls_dir",
    "pg_ls_logdir",
    "pg_ls_logicalmapdir",
    "pg_ls_logicalsnapdir",
    "pg_ls_replslotdir",
    "pg_ls_tmpdir",
    "pg_ls_waldir",
    "pg_promote",
    "pg_read_binary_file",
    "pg_read_file",
    "pg_reload_conf",
    "pg_replication_origin_advance",
    "pg_replication_origin_create",
    "pg_replication_origin_drop",
    "pg_replication_origin_oid",
    "pg_replication_origin_progress",
    "pg_replication_origin_session_is_setup",
    "pg_replication_origin_session_progress",
    "pg_replication_origin_session_reset",
    "pg_replication_origin_session_setup",
    "pg_replication_origin_xact_reset",
    "pg_replication_origin_xact_setup",
    "pg_rotate_logfile",
    "pg_show_all_file_settings",
    "pg_show_replication_origin_status",
    "pg_stat_file",
    "pg_stat_have_stats",
    "pg_stat_reset",
    "pg_stat_reset_replication_slot",
    "pg_stat_reset_shared",
    "pg_stat_reset_single_function_counters",
    "pg_stat_reset_single_table_counters",
    "pg_stat_reset_slru",
    "pg_stat_reset_subscription_stats",
    "pg_switch_wal",
    "pg_wal_replay_pause",
    "pg_wal_replay_resume",
];

fn judge_function(func: &'static Proc, role: Oid, snapshot: &Snapshot) -> Result<()> {
    if SUPERUSER_FUNCTIONS.contains(&func.name) && !snapshot.is_superuser(role) {
        let name = func.name;
        return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for function {name}")));
    }
    Ok(())
}

/// An identity column's own sequence needs nothing beyond INSERT on its table.
fn judge_sequence(call: &SequenceCall, snapshot: &Snapshot) -> Result<()> {
    let SequenceCall { sequence, what, role, inserting } = *call;
    let Some(relation) = snapshot.relation_by_oid(sequence) else {
        return Err(Error::new(SqlState::UNDEFINED_TABLE, format!("relation with OID {sequence} does not exist")));
    };
    if let RelationKind::Sequence(definition) = &relation.kind
        && let Some((table, column)) = definition.owned_by
        && inserting == Some(table)
        && snapshot
            .relation_by_oid(table)
            .and_then(|t| t.column_by_num(column))
            .is_some_and(|c| c.identity.is_some_and(|i| i.sequence == sequence))
    {
        return Ok(());
    }
    may_use_sequence(snapshot, role, relation, what)
}

/// 42501 unless the role may call such a function on the sequence. The natives that carry the functions out ask this too:
/// which sequence they get may be known at execution only.
pub fn may_use_sequence(snapshot: &Snapshot, role: Oid, sequence: &Relation, what: SequenceUse) -> Result<()> {
    let has = snapshot.relation_privileges(role, sequence);
    let one_of: &[Privileges] = match what {
        SequenceUse::Next => &[Privileges::USAGE, Privileges::UPDATE],
        SequenceUse::Current => &[Privileges::USAGE, Privileges::SELECT],
        SequenceUse::Set => &[Privileges::UPDATE],
    };
    if one_of.iter().any(|p| has.contains(*p)) { Ok(()) } else { Err(denied(sequence)) }
}

/// What a function does with a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SequenceUse {
    Next,
    /// currval, lastval.
    Current,
    Set,
}

impl SequenceUse {
    pub fn of(function: &str) -> Option<Self> {
        match function {
            "nextval" => Some(Self::Next),
            "currval" | "pg_sequence_last_value" => Some(Self::Current),
            "setval" => Some(Self::Set),
            _ => None,
        }
    }
}

/// PostgreSQL's word for the kind of a relation in these messages.
pub fn kind_word(relation: &Relation) -> &'static str {
    match relation.kind {
        RelationKind::Table => "table",
        RelationKind::View { .. } => "view",
        RelationKind::MaterializedView { .. } => "materialized view",
        // Its views have definitions, but for those that are always empty.
        RelationKind::System => "table",
        RelationKind::Sequence(_) => "sequence",
        RelationKind::Composite => "type",
    }
}

pub fn denied(relation: &Relation) -> Error {
    let (kind, name) = (kind_word(relation), &relation.name);
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for {kind} {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::PROCS;
    use crate::types::oid;

    /// Functions of a relation's OID that need no privilege on it, or ask for it themselves.
    const OTHERS: &[&str] = &[
        "regclassout",
        "regclasssend",
        "pg_nextoid",
        "pg_index_has_property",
        "pg_index_column_has_property",
        "pg_get_serial_sequence",
        "has_sequence_privilege",
        "pg_total_relation_size",
        "pg_relation_size",
        "pg_table_size",
        "pg_indexes_size",
        "pg_relation_filenode",
        "pg_relation_filepath",
        "pg_extension_config_dump",
        "pg_partition_tree",
        "pg_partition_root",
        "pg_partition_ancestors",
        "pg_relation_is_updatable",
        "pg_column_is_updatable",
        "pg_get_replica_identity_index",
        "pg_relation_is_publishable",
        "gin_clean_pending_list",
        "brin_summarize_new_values",
        "brin_summarize_range",
        "brin_desummarize_range",
        // Which sequence is known at execution only: the function asks itself.
        "lastval",
    ];

    /// These show rows or a sequence's numbers, and would have to ask: they have no entry among the signatures.
    const REFUSED: &[&str] =
        &["table_to_xml", "table_to_xmlschema", "table_to_xml_and_xmlschema", "pg_sequence_parameters"];

    /// A function that is added for sequences has to be decided here: by name, as pg_proc has them.
    #[test]
    fn every_function_of_sequences_has_its_privilege() {
        let mut undecided = Vec::new();
        for proc in &PROCS.all {
            let sequence = proc.args.contains(&oid::REGCLASS) || proc.name.contains("sequence");
            let decided = [OTHERS, REFUSED].iter().any(|list| list.contains(&proc.name));
            if sequence && SequenceUse::of(proc.name).is_none() && !decided {
                undecided.push(proc.name);
            }
        }
        assert_eq!(undecided, Vec::<&str>::new());
    }
}
