//! What the database is: namespaces, relations, types, sequences, roles and grants, as one immutable [`Snapshot`].
//!
//! A statement reads one snapshot from beginning to end. Whoever changes the schema makes [`Change`]s, which give a new
//! snapshot; inside a transaction the session works on its own ([`Overlay`]), and the changes reach the others at COMMIT.

/// The built-in objects of a new database.
pub mod bootstrap;
/// From drafts to objects.
pub mod build;
/// OIDs of what every database has.
pub mod builtin;
mod change;
mod checked;
mod constraint;
mod defaults;
pub mod depend;
mod details;
pub mod draft;
/// Expressions kept as text.
pub mod expression;
/// Extensions and what of them works.
pub mod extension;
pub mod files;
mod function;
mod lookup;
mod model;
/// Names that PostgreSQL chooses.
pub mod names;
/// What belongs to relations, by OID.
pub mod objects;
/// Operator classes of indexes.
pub mod opclass;
/// Partition trees.
pub mod partition;
mod physical;
/// PostgreSQL's own roles.
pub mod predefined;
/// Privileges: who may do what, by ACLs, ownership and membership.
pub mod privileges;
mod publish;
mod rules;
/// The schema as one session sees it.
pub mod seen;
/// Storage parameters of tables and indexes.
pub mod storage_options;
mod user_type;
/// SCRAM verifiers of passwords.
pub mod verifier;

pub use change::{Change, ObjectClass};
pub use checked::CheckedKey;
pub use constraint::{Constraint, ConstraintKind, FkAction, ForeignKey};
pub use defaults::{DefaultAcl, DefaultKind};
pub use details::{Details, Statistics, StatisticsKinds};
pub use function::{Function, FunctionBody, Language, NAME_LISTS, Parameter, ParameterMode, polymorphic};
pub use model::*;
pub use partition::{Edge, KeyPart, PartitionBound, PartitionKey, PartitionOf, Partitioning, Strategy};
pub use physical::{INTERNAL_SCHEMA, Storage, physical_name};
pub use publish::{Counters, Overlay, Pending, Registry};
pub use rules::{CheckOption, Mask, Policy, PolicyCommand, RowSecurity, Rules, ViewOver};
