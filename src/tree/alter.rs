//! What ALTER TABLE does, one action after the other; ALTER VIEW, INDEX and SEQUENCE share some of it.

use super::{DropBehavior, Expr, SequenceChange, SwitchRowSecurity, Tuning};
use crate::registry::draft::{NewColumn, NewConstraint};
use crate::registry::{self, Name};
use crate::types::{Oid, PgType};
/// One action.
#[derive(Debug, Clone)]
pub enum AlterTable {
    AddColumn {
        column: NewColumn,
        constraints: Vec<NewConstraint>,
        if_not_exists: bool,
    },
    DropColumn {
        name: Name,
        if_exists: bool,
        behavior: DropBehavior,
    },
    RenameColumn {
        from: Name,
        to: Name,
    },
    RenameTable {
        to: Name,
    },
    SetNamespace {
        to: Name,
    },
    SetDefault {
        column: Name,
        default: Option<String>,
    },
    SetNotNull {
        column: Name,
        not_null: bool,
    },
    SetType {
        column: Name,
        ty: PgType,
        using: Option<(String, Box<Expr>)>,
        /// 0: the type's own.
        collation: Oid,
    },
    AddConstraint(NewConstraint),
    /// USING INDEX: this index becomes the one of the key that the next action adds.
    TakeIndex {
        name: Name,
        to: Name,
    },
    DropConstraint {
        name: Name,
        if_exists: bool,
        behavior: DropBehavior,
    },
    ValidateConstraint {
        name: Name,
    },
    /// ALTER CONSTRAINT … [NOT] DEFERRABLE, INITIALLY …: when it is checked.
    DeferConstraint {
        name: Name,
        deferrable: bool,
        initially_deferred: bool,
    },
    RenameConstraint {
        from: Name,
        to: Name,
    },
    SetOwner {
        to: Name,
    },
    /// ADD GENERATED … AS IDENTITY (`Some(always)`) and DROP IDENTITY (`None`).
    SetIdentity {
        column: Name,
        always: Option<bool>,
        options: Option<registry::Sequence>,
        /// SEQUENCE NAME: what its sequence is called, if not as PostgreSQL would.
        sequence: Option<Name>,
        if_exists: bool,
    },
    /// A generated column becomes a plain one, with the values that it has.
    DropExpression {
        column: Name,
        if_exists: bool,
    },
    /// SET GENERATED (`always`), SET of the sequence's options, RESTART.
    AlterIdentity {
        column: Name,
        always: Option<bool>,
        change: SequenceChange,
    },
    RowSecurity(SwitchRowSecurity),
    AttachPartition {
        partition: (Name, Name),
        bound: registry::PartitionBound,
    },
    DetachPartition {
        partition: (Name, Name),
        concurrently: bool,
    },
    /// ALTER INDEX … ATTACH PARTITION another index.
    AttachIndex {
        index: (Name, Name),
    },
    /// SET (security_invoker = …, security_barrier = …) of a view.
    ViewSecurity {
        invoker: Option<bool>,
        barrier: Option<bool>,
    },
    /// SET LOGGED and SET UNLOGGED.
    SetLogged(bool),
    /// ENABLE and DISABLE TRIGGER ALL, or USER: there are none but those that stand for foreign keys, which are of ALL alone.
    Triggers {
        all: bool,
        enabled: bool,
    },
    /// What tunes PostgreSQL's storage and statistics.
    Tune(Vec<Tuning>),
}
