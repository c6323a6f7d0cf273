//! Commands that are not queries: DDL, settings, transactions, cursors.

use std::sync::Arc;

use super::{
    AlterTable, CursorOptions, Discard, Expr, FetchDirection, LikeTable, LockMode, MaintainCommand, NewPolicy,
    PolicyChange, Query, Statement, TransactionModes,
};
use crate::error::Error;
pub use crate::registry::draft::{NewColumn, NewConstraint, NewConstraintKind, NewTable, OnCommit};
use crate::registry::{self, Name, Privileges};
use crate::types::{Oid, PgType};

/// A name that may have a namespace; `pos` for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualifiedName {
    pub namespace: Option<Name>,
    pub name: Name,
    pub pos: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropBehavior {
    Restrict,
    Cascade,
}

/// Schema changes. Names are resolved to a namespace; existence is checked when the change is made.
/// A statement inside of CREATE SCHEMA.
#[derive(Debug, Clone)]
pub struct SchemaElement {
    pub text: Arc<str>,
    /// How many characters of the whole statement stand before it.
    pub offset: u32,
    /// The namespace that it names, which must be the new one.
    pub namespace: Option<Name>,
}

impl SchemaElement {
    /// An error in it, as one of the whole statement.
    pub fn place(&self, mut error: Error) -> Error {
        let report = error.report_mut();
        report.position = report.position.map(|position| position + self.offset);
        error
    }
}

#[derive(Debug, Clone)]
pub enum Ddl {
    CreateNamespace {
        name: Name,
        if_not_exists: bool,
        owner: Option<Name>,
        elements: Vec<SchemaElement>,
    },
    /// `like` are the tables that LIKE clauses name: what was taken from them is in `table` already.
    CreateTable {
        table: NewTable,
        if_not_exists: bool,
        like: Vec<LikeTable>,
    },
    /// `with_data` is false for WITH NO DATA. CREATE MATERIALIZED VIEW is one with a `definition`: its query's text as kept.
    CreateTableAs {
        namespace: Name,
        name: Name,
        temporary: bool,
        columns: Vec<Name>,
        query: Box<Query>,
        if_not_exists: bool,
        with_data: bool,
        on_commit: OnCommit,
        unlogged: bool,
        /// WITH's, `name=value`.
        options: Vec<String>,
        definition: Option<String>,
    },
    /// REFRESH MATERIALIZED VIEW; its query is run in the name of its owner.
    Refresh {
        view: Arc<registry::Relation>,
        concurrently: bool,
        with_data: bool,
    },
    CreateView {
        namespace: Name,
        name: Name,
        columns: Vec<Name>,
        definition: String,
        query: Box<Query>,
        or_replace: bool,
        temporary: bool,
        /// It is so because of what it reads.
        becomes_temporary: bool,
        /// security_invoker.
        invoker: bool,
        /// security_barrier.
        barrier: bool,
        check_option: Option<registry::CheckOption>,
    },
    CreateIndex {
        namespace: Name,
        name: Option<Name>,
        table: Name,
        index: registry::Index,
        if_not_exists: bool,
        /// ON ONLY: partitions have it when theirs is attached.
        only: bool,
    },
    CreateSequence {
        namespace: Name,
        name: Name,
        sequence: registry::Sequence,
        if_not_exists: bool,
        temporary: bool,
        unlogged: bool,
    },
    AlterSequence {
        namespace: Name,
        name: Name,
        sequence: SequenceChange,
        if_exists: bool,
    },
    CreateEnum {
        namespace: Name,
        name: Name,
        labels: Vec<Name>,
    },
    CreateRange {
        namespace: Name,
        name: Name,
        subtype: Oid,
        /// The order of the subtype's values: pg_opclass's OID.
        opclass: Oid,
        multirange: Option<Name>,
    },
    /// ALTER TYPE … of an enum; the last three of any type.
    AlterEnum {
        namespace: Name,
        name: Name,
        change: AlterEnum,
    },
    /// `namespace` is what SCHEMA names, or where things are made.
    CreateExtension {
        name: Name,
        namespace: Name,
        if_not_exists: bool,
    },
    /// ALTER EXTENSION … UPDATE.
    UpdateExtension {
        name: Name,
        version: Option<String>,
    },
    CreateComposite {
        namespace: Name,
        name: Name,
        columns: Vec<(Name, PgType)>,
    },
    /// ALTER TYPE … ATTRIBUTE.
    AlterComposite {
        namespace: Name,
        name: Name,
        changes: Vec<AlterAttribute>,
    },
    CreateDomain {
        namespace: Name,
        name: Name,
        domain: NewDomain,
    },
    AlterDomain {
        namespace: Name,
        name: Name,
        change: AlterDomain,
    },
    AlterNamespace {
        name: Name,
        rename: Option<Name>,
        owner: Option<Name>,
    },
    /// ALTER TABLE, VIEW, SEQUENCE or INDEX with actions that they share; `kind` is the word that was written.
    AlterTable {
        kind: ObjectKind,
        namespace: Name,
        name: Name,
        actions: Vec<AlterTable>,
        if_exists: bool,
        /// ALTER TABLE ONLY of a table that has partitions.
        only: bool,
    },
    Drop {
        kind: ObjectKind,
        names: Vec<(Name, Name)>,
        if_exists: bool,
        behavior: DropBehavior,
    },
    Comment {
        kind: ObjectKind,
        namespace: Name,
        name: Name,
        column: Option<Name>,
        comment: Option<String>,
    },
    Truncate {
        tables: Vec<Arc<registry::Relation>>,
        restart_identity: bool,
        cascade: bool,
    },
    Grant(GrantChange),
    Function(super::FunctionDdl),
    DefaultPrivileges(DefaultPrivileges),
    /// DROP IF EXISTS of what there is none of.
    Nothing {
        tag: String,
        notices: Vec<String>,
    },
    CreatePolicy {
        namespace: Name,
        table: Name,
        policy: NewPolicy,
    },
    AlterPolicy {
        namespace: Name,
        table: Name,
        name: Name,
        change: PolicyChange,
    },
    DropPolicy {
        namespace: Name,
        table: Name,
        name: Name,
        if_exists: bool,
    },
    CreateRole {
        name: Name,
        options: RoleOptions,
    },
    AlterRole {
        name: Name,
        options: RoleOptions,
    },
    /// `setting` is `None` for RESET ALL; `value` is `None` for RESET of one.
    AlterRoleSet {
        name: Name,
        /// IN DATABASE.
        database: Option<Name>,
        setting: Option<Name>,
        value: Option<String>,
    },
    RenameRole {
        name: Name,
        to: Name,
    },
    DropRole {
        names: Vec<Name>,
        if_exists: bool,
    },
    /// REASSIGN OWNED BY these roles.
    ReassignOwned {
        roles: Vec<Name>,
        to: Name,
    },
    DropOwned {
        roles: Vec<Name>,
        behavior: DropBehavior,
    },
    GrantRole {
        roles: Vec<Name>,
        members: Vec<Name>,
        admin: bool,
        revoke: bool,
        /// GRANTED BY, which is kept of nobody.
        grantor: Option<Name>,
        /// Written ALTER GROUP: the tag says so.
        alter: bool,
    },
}

#[derive(Debug, Clone)]
pub enum AlterEnum {
    /// `place`: `Some((true, x))` is BEFORE x, `Some((false, x))` AFTER x, `None` at the end.
    AddValue {
        label: Name,
        if_not_exists: bool,
        place: Option<(bool, Name)>,
    },
    RenameValue {
        from: Name,
        to: Name,
    },
    Rename {
        to: Name,
    },
    SetOwner {
        to: Name,
    },
    SetNamespace {
        to: Name,
    },
}

/// A change of a composite type's attribute.
#[derive(Debug, Clone)]
pub enum AlterAttribute {
    Add { name: Name, ty: PgType },
    Drop { name: Name, if_exists: bool, behavior: DropBehavior },
    SetType { name: Name, ty: PgType },
    Rename { from: Name, to: Name },
}

/// A domain as CREATE DOMAIN gives it: texts are expressions in PostgreSQL's dialect, those of checks over VALUE.
#[derive(Debug, Clone)]
pub struct NewDomain {
    pub base: PgType,
    /// 0: the base type's.
    pub collation: Oid,
    pub not_null: bool,
    pub default: Option<String>,
    pub checks: Vec<(Option<Name>, String)>,
}

#[derive(Debug, Clone)]
pub enum AlterDomain {
    SetDefault(Option<String>),
    SetNotNull(bool),
    AddCheck { name: Option<Name>, expression: String },
    DropConstraint { name: Name, if_exists: bool },
    RenameConstraint { from: Name, to: Name },
    Validate { name: Name },
    Rename { to: Name },
    SetOwner { to: Name },
}

#[derive(Debug, Clone, Default)]
pub struct SequenceChange {
    /// ALTER SEQUENCE … AS.
    pub ty: Option<Oid>,
    pub start: Option<i64>,
    pub increment: Option<i64>,
    pub min: Option<Option<i64>>,
    pub max: Option<Option<i64>>,
    pub cache: Option<i64>,
    pub cycle: Option<bool>,
    /// RESTART, with or without a value.
    pub restart: Option<Option<i64>>,
    pub owned_by: Option<Option<(Oid, i16)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    Namespace,
    Table,
    View,
    MaterializedView,
    Index,
    Sequence,
    Type,
    Domain,
    Column,
    Constraint,
    Policy,
    Role,
    Database,
    Extension,
}

#[derive(Debug, Clone)]
pub struct GrantChange {
    pub revoke: bool,
    /// GRANT OPTION FOR.
    pub grant_option_only: bool,
    pub with_grant_option: bool,
    pub privileges: Vec<GrantedPrivilege>,
    pub on: GrantTarget,
    /// Role names; `None` is PUBLIC.
    pub grantees: Vec<Option<Name>>,
    /// REVOKE … CASCADE: what others gave on goes, too.
    pub cascade: bool,
}

/// What ALL [PRIVILEGES] is before the kind of object is known.
pub const WANTED_ALL: Privileges = Privileges(u16::MAX);

/// ALTER DEFAULT PRIVILEGES.
#[derive(Debug, Clone)]
pub struct DefaultPrivileges {
    pub roles: Vec<Name>,
    /// Empty: in all of them.
    pub namespaces: Vec<Name>,
    pub kind: registry::DefaultKind,
    pub revoke: bool,
    pub option_only: bool,
    pub with_option: bool,
    pub privileges: Privileges,
    pub grantees: Vec<Option<Name>>,
    pub cascade: bool,
}

#[derive(Debug, Clone)]
pub struct GrantedPrivilege {
    pub privileges: Privileges,
    /// Column names; empty for the whole object.
    pub columns: Vec<Name>,
}

#[derive(Debug, Clone)]
pub enum GrantTarget {
    Relations(Vec<(Name, Name)>),
    AllRelationsIn(Vec<Name>),
    AllSequencesIn(Vec<Name>),
    Sequences(Vec<(Name, Name)>),
    Namespaces(Vec<Name>),
    /// By OID.
    Functions(Vec<Oid>),
    Types(Vec<Oid>),
    AllFunctionsIn {
        kind: super::RoutineKind,
        namespaces: Vec<Name>,
    },
    Database,
}

#[derive(Debug, Clone, Default)]
pub struct RoleOptions {
    pub superuser: Option<bool>,
    pub login: Option<bool>,
    pub inherit: Option<bool>,
    pub create_role: Option<bool>,
    pub create_db: Option<bool>,
    pub bypass_rls: Option<bool>,
    pub connection_limit: Option<i64>,
    pub valid_until: Option<String>,
    /// A plain password or a verifier; `Some(None)` is PASSWORD NULL.
    pub password: Option<Option<String>>,
    pub member_of: Vec<Name>,
    pub members: Vec<Name>,
}

/// What the session carries out by itself.
#[derive(Debug, Clone)]
pub enum Utility {
    Begin {
        modes: TransactionModes,
        /// Written START TRANSACTION: the tag says so.
        start: bool,
    },
    Commit {
        chain: bool,
    },
    Rollback {
        chain: bool,
    },
    Savepoint(Name),
    ReleaseSavepoint(Name),
    RollbackTo(Name),
    SetTransaction {
        modes: TransactionModes,
        session: bool,
    },
    /// `value` is None for SET … TO DEFAULT.
    Set {
        name: String,
        value: Option<String>,
        local: bool,
    },
    Reset {
        name: Option<String>,
    },
    Show {
        name: Option<String>,
    },
    SetRole {
        name: Option<Name>,
        local: bool,
    },
    SetSessionAuthorization {
        name: Option<Name>,
        local: bool,
    },
    Discard(Discard),
    Prepare {
        name: Name,
        types: Vec<PgType>,
        body: Arc<str>,
        offset: u32,
    },
    Execute {
        name: Name,
        args: Vec<Expr>,
    },
    Deallocate {
        name: Option<Name>,
    },
    Declare {
        name: Name,
        options: CursorOptions,
        query: Box<Statement>,
    },
    Fetch {
        cursor: Name,
        direction: FetchDirection,
        move_only: bool,
    },
    CloseCursor {
        name: Option<Name>,
    },
    /// DO: a block of PL/pgSQL, as it was written. What it says is compiled, and allowed or not, as it comes to it.
    Do {
        text: Arc<str>,
        /// How many characters of the statement are before it; `None` if it is not in there as it is.
        offset: Option<u32>,
    },
    Listen(Name),
    Unlisten(Option<Name>),
    Notify {
        channel: Name,
        payload: String,
    },
    /// LOCK TABLE; `below` are the partitions of those that are named, which nobody asks privileges for.
    Lock {
        tables: Vec<Arc<registry::Relation>>,
        below: Vec<Arc<registry::Relation>>,
        mode: LockMode,
        nowait: bool,
    },
    /// VACUUM, ANALYZE, CHECKPOINT, REINDEX, CLUSTER: maintenance.
    Maintain {
        command: MaintainCommand,
        tables: Vec<Arc<registry::Relation>>,
        /// What the message calls the command if it may not run inside a transaction block.
        outside_block: Option<&'static str>,
    },
    /// PREPARE TRANSACTION: there is none, as where max_prepared_transactions is 0.
    PrepareTransaction,
    SetConstraints {
        /// Schema and name of each; none are all.
        names: Vec<(Option<Name>, Name)>,
        deferred: bool,
    },
}
