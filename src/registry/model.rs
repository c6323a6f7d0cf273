//! The model: what a snapshot is made of. Plain data, shared by `Arc`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Constraint, Storage};
use crate::types::{Oid, PgType};

pub type Name = Arc<str>;

/// The whole schema at one moment. Cheap to clone: everything in it is shared.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Grows with each published snapshot; part of the plan cache's key.
    pub version: u64,
    pub database: Name,
    pub namespaces: HashMap<Name, Arc<Namespace>>,
    /// By namespace and name. Views, sequences and indexes share one name space with tables, as in PostgreSQL.
    pub relations: HashMap<(Name, Name), Arc<Relation>>,
    pub relation_oids: HashMap<Oid, (Name, Name)>,
    /// The tables of indexes by namespace and name, and how many constraints have a name: kept with `relations`, so that
    /// choosing a name does not look at every table.
    pub index_names: HashMap<(Name, Name), Oid>,
    pub constraint_names: HashMap<(Name, Name), usize>,
    /// The sequences that columns own, by table.
    pub owned_sequences: HashMap<Oid, Vec<Oid>>,
    /// User-defined types by namespace and name.
    pub types: HashMap<(Name, Name), Arc<UserType>>,
    pub type_oids: HashMap<Oid, (Name, Name)>,
    pub functions: HashMap<Oid, Arc<super::Function>>,
    /// Functions of one name, oldest first.
    pub function_names: HashMap<(Name, Name), Vec<Oid>>,
    pub extensions: HashMap<Name, Arc<super::extension::Extension>>,
    /// Default privileges, by OID.
    pub default_acls: HashMap<Oid, Arc<super::DefaultAcl>>,
    pub roles: HashMap<Name, Arc<Role>>,
    pub role_oids: HashMap<Oid, Name>,
    /// Gives out OIDs and version numbers; shared by all snapshots that come from one another.
    pub counters: super::Counters,
    /// Grants on the database itself (CREATE, CONNECT, TEMPORARY); see [`Acl`] for what an empty one means.
    pub database_acl: Acl,
    pub database_comment: Option<String>,
    /// The schema in force now with the transaction's own changes on it, where others have changed it since this snapshot was
    /// taken: a transaction keeps its names and shapes, but privileges are judged by this (see `privileges.rs`).
    pub rights: Option<Arc<Snapshot>>,
    /// What [`Snapshot::objects`] has found.
    pub derived: super::objects::Derived,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Namespace {
    pub oid: Oid,
    pub name: Name,
    pub owner: Oid,
    pub acl: Acl,
    pub comment: Option<String>,
    pub managed: Managed,
}

/// Who may change an object's definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Managed {
    /// A schema file defines it: DDL over SQL is refused, with a hint that names the file.
    File { path: PathBuf, line: u32 },
    /// DDL over SQL defines it.
    Sql,
    /// The gateway itself (pg_catalog, information_schema, public).
    System,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Relation {
    pub oid: Oid,
    pub namespace: Name,
    pub name: Name,
    pub owner: Oid,
    pub managed: Managed,
    pub temporary: bool,
    pub kind: RelationKind,
    pub columns: Vec<Column>,
    pub constraints: Vec<Constraint>,
    pub indexes: Vec<Index>,
    pub acl: Acl,
    pub comment: Option<String>,
    /// The row type and its array, as PostgreSQL makes with each relation.
    pub row_type: Oid,
    pub row_array_type: Oid,
    /// What a bulk load does with a row whose key is there already.
    #[serde(default)]
    pub on_conflict: OnConflictDefault,
    #[serde(default)]
    pub storage: Storage,
    /// The highest attnum among the columns that were dropped: it is not given out again.
    #[serde(default)]
    pub last_dropped: i16,
    /// Row security and masks.
    #[serde(default)]
    pub rules: super::Rules,
    #[serde(default)]
    pub partitioning: super::Partitioning,
    #[serde(default)]
    pub details: super::Details,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum RelationKind {
    Table,
    /// The text of its SELECT, as it will be analyzed with `search_path` at definition time.
    View {
        definition: String,
        search_path: Vec<Name>,
    },
    /// A view whose rows are kept, in a table of its own; not `populated` after WITH NO DATA.
    MaterializedView {
        definition: String,
        search_path: Vec<Name>,
        populated: bool,
    },
    Sequence(Sequence),
    /// A type that CREATE TYPE … AS (…) made: nothing but its row type.
    Composite,
    /// A view of pg_catalog or information_schema, answered by the catalog.
    System,
}

impl RelationKind {
    /// Has it rows of its own in the engine?
    pub const fn is_stored(&self) -> bool {
        match self {
            Self::Table | Self::MaterializedView { .. } => true,
            Self::View { .. } | Self::Sequence(_) | Self::Composite | Self::System => false,
        }
    }

    /// The text of a view's or materialized view's query, and the path along which it is read.
    pub fn definition(&self) -> Option<(&str, &[Name])> {
        match self {
            Self::View { definition, search_path } | Self::MaterializedView { definition, search_path, .. } => {
                Some((definition, search_path))
            }
            Self::Table | Self::Sequence(_) | Self::Composite | Self::System => None,
        }
    }

    /// The same kind with another text of its query; others are as they were.
    pub fn with_definition(mut self, text: String, path: Vec<Name>) -> Self {
        match &mut self {
            Self::View { definition, search_path } | Self::MaterializedView { definition, search_path, .. } => {
                (*definition, *search_path) = (text, path);
            }
            Self::Table | Self::Sequence(_) | Self::Composite | Self::System => {}
        }
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum OnConflictDefault {
    #[default]
    Error,
    Ignore,
    Update,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sequence {
    pub ty: Oid,
    pub start: i64,
    pub increment: i64,
    pub min: i64,
    pub max: i64,
    pub cache: i64,
    pub cycle: bool,
    /// The table (OID) and column number that own it.
    pub owned_by: Option<(Oid, i16)>,
    /// Where the engine counts what is given out, if that is not under the sequence's own OID: RESTART begins another count,
    /// so that it comes into force with its transaction (PostgreSQL's new relfilenode).
    #[serde(default)]
    pub count: Option<SequenceCount>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceCount {
    /// A number of the same kind as OIDs, and never one of an object.
    pub number: Oid,
    /// What is given out first.
    pub first: i64,
}

impl Sequence {
    /// The number under which the engine counts what the sequence with this OID has given out.
    pub fn count_of(&self, oid: Oid) -> Oid {
        self.count.map_or(oid, |count| count.number)
    }

    /// What is given out first.
    pub fn first(&self) -> i64 {
        self.count.map_or(self.start, |count| count.first)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Column {
    /// attnum: from 1, never reused after a drop.
    pub num: i16,
    pub name: Name,
    pub ty: PgType,
    pub not_null: bool,
    /// The collation that was declared, if it is not the type's own (0). Text compares byte by byte whatever it is; what would
    /// sort by another one than C is refused.
    #[serde(default)]
    pub collation: Oid,
    /// An SQL expression in PostgreSQL's dialect.
    pub default: Option<String>,
    pub identity: Option<Identity>,
    /// GENERATED ALWAYS AS (expression) STORED.
    pub generated: Option<String>,
    pub acl: Acl,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub always: bool,
    /// The sequence (relation OID) that feeds it.
    pub sequence: Oid,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Index {
    pub oid: Oid,
    pub name: Name,
    pub unique: bool,
    /// attnum, or 0 with an expression.
    pub keys: Vec<IndexKey>,
    /// INCLUDE's columns (attnum): what the catalog shows; they are no part of the key.
    #[serde(default)]
    pub included: Vec<i16>,
    pub predicate: Option<String>,
    #[serde(default)]
    pub nulls_not_distinct: bool,
    /// The columns that expressions and the predicate read.
    #[serde(default)]
    pub reads: Vec<i16>,
    pub method: Name,
    /// True if it stands behind a primary key or unique constraint of the same name.
    pub of_constraint: bool,
    pub comment: Option<String>,
    /// In a partition: the index of its parent that this one comes from. Inside DuckDB there is the root's alone.
    #[serde(default)]
    pub parent: Option<Oid>,
    /// WITH's, `name=value`: what the catalog shows.
    #[serde(default)]
    pub options: Vec<String>,
}

impl Index {
    /// Whether a column is among its keys (expressions aside) or INCLUDE's.
    pub fn has_column(&self, num: i16) -> bool {
        self.keys.iter().any(|key| key.column == num) || self.included.contains(&num)
    }

    /// Whether its expressions or its predicate name a column.
    pub fn names_column(&self, name: &Name) -> bool {
        let mut texts = self.keys.iter().filter_map(|key| key.expression.as_ref()).chain(&self.predicate);
        texts.any(|text| !super::expression::columns_named(text, std::slice::from_ref(name)).is_empty())
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IndexKey {
    pub column: i16,
    pub expression: Option<String>,
    /// What an expression's column is called (FigureIndexColname); `None`: "expr".
    #[serde(default)]
    pub name: Option<Name>,
    pub descending: bool,
    pub nulls_first: bool,
    /// The operator class, if it is not the one that the type has by default.
    #[serde(default)]
    pub opclass: Option<Name>,
}

impl IndexKey {
    /// A column in the order that is the default.
    pub const fn of_column(column: i16) -> Self {
        Self { column, expression: None, name: None, descending: false, nulls_first: false, opclass: None }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UserType {
    pub oid: Oid,
    pub array_oid: Oid,
    pub namespace: Name,
    pub name: Name,
    pub owner: Oid,
    pub managed: Managed,
    pub kind: UserTypeKind,
    #[serde(default)]
    pub acl: Acl,
    pub comment: Option<String>,
    /// Of a domain: what is said of its constraints.
    #[serde(default)]
    pub constraint_comments: Vec<(Name, String)>,
    /// Of an enum to which ADD VALUE has put labels between others: where the catalog says that each is (enumsortorder).
    #[serde(default)]
    pub label_places: Vec<f32>,
    /// Of an enum: labels that the running transaction has added; nobody else sees them yet.
    #[serde(skip)]
    pub fresh_labels: Vec<Name>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum UserTypeKind {
    Enum {
        labels: Arc<[Name]>,
    },
    Domain {
        base: PgType,
        /// That of its columns; 0: the base type's.
        #[serde(default)]
        collation: Oid,
        not_null: bool,
        default: Option<String>,
        checks: Vec<(Name, String)>,
    },
    /// Its multirange is a type of its own, which comes and goes with it.
    Range {
        subtype: Oid,
        multirange: Oid,
        opclass: Oid,
    },
    Multirange {
        range: Oid,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Role {
    pub oid: Oid,
    pub name: Name,
    pub superuser: bool,
    pub login: bool,
    pub inherit: bool,
    pub create_role: bool,
    pub create_db: bool,
    pub bypass_rls: bool,
    pub connection_limit: Option<u32>,
    /// Seconds since 1970, after which a password is no longer good.
    pub valid_until: Option<i64>,
    /// A SCRAM-SHA-256 verifier in PostgreSQL's form; never a plain password.
    pub verifier: Option<String>,
    /// Roles (OIDs) that this one is a direct member of.
    pub member_of: Vec<Membership>,
    /// Settings from ALTER ROLE … SET.
    pub settings: Vec<(Name, String)>,
    /// The same with IN DATABASE: they come after those.
    #[serde(default)]
    pub database_settings: Vec<(Name, String)>,
    pub managed: Managed,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    pub role: Oid,
    pub admin: bool,
}

/// Who may do what with one object (or one column): PostgreSQL's aclitem list. An empty list is PostgreSQL's NULL: the
/// owner may do everything, others what the kind of object gives to PUBLIC. The first GRANT or REVOKE writes that out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acl(pub Vec<Grant>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Role OID; 0 is PUBLIC.
    pub grantee: Oid,
    pub grantor: Oid,
    pub privileges: Privileges,
    pub with_grant: Privileges,
}

/// A set of privileges, as bits.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Privileges(pub u16);

impl Privileges {
    pub const NONE: Self = Self(0);
    pub const SELECT: Self = Self(1);
    pub const INSERT: Self = Self(2);
    pub const UPDATE: Self = Self(4);
    pub const DELETE: Self = Self(8);
    pub const TRUNCATE: Self = Self(16);
    pub const REFERENCES: Self = Self(32);
    pub const TRIGGER: Self = Self(64);
    pub const USAGE: Self = Self(128);
    pub const CREATE: Self = Self(256);
    pub const EXECUTE: Self = Self(512);
    pub const TEMPORARY: Self = Self(1024);
    pub const CONNECT: Self = Self(2048);
    pub const ALL_TABLE: Self = Self(1 | 2 | 4 | 8 | 16 | 32 | 64);
    pub const ALL_COLUMN: Self = Self(1 | 2 | 4 | 32);
    pub const ALL_NAMESPACE: Self = Self(128 | 256);
    pub const ALL_SEQUENCE: Self = Self(1 | 4 | 128);
    pub const ALL_FUNCTION: Self = Self::EXECUTE;
    pub const ALL_DATABASE: Self = Self(256 | 1024 | 2048);

    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub const fn intersect(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl std::fmt::Debug for Privileges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = [
            "SELECT",
            "INSERT",
            "UPDATE",
            "DELETE",
            "TRUNCATE",
            "REFERENCES",
            "TRIGGER",
            "USAGE",
            "CREATE",
            "EXECUTE",
            "TEMP",
            "CONNECT",
        ];
        let set: Vec<_> = names.iter().enumerate().filter(|(i, _)| self.0 & (1 << i) != 0).map(|(_, n)| *n).collect();
        f.write_str(&set.join("|"))
    }
}

impl Snapshot {
    pub fn relation(&self, namespace: &str, name: &str) -> Option<&Arc<Relation>> {
        // A tuple of borrowed names cannot look up a map of owned ones without an allocation; Arc<str> is cheap enough.
        self.relations.get(&(Name::from(namespace), Name::from(name)))
    }

    pub fn relation_by_oid(&self, oid: Oid) -> Option<&Arc<Relation>> {
        self.relation_oids.get(&oid).and_then(|key| self.relations.get(key))
    }

    /// An index by name, with its table.
    pub fn index(&self, namespace: &str, name: &str) -> Option<(&Arc<Relation>, &Index)> {
        let table = self.relation_by_oid(*self.index_names.get(&(Name::from(namespace), Name::from(name)))?)?;
        table.indexes.iter().find(|i| &*i.name == name).map(|i| (table, i))
    }

    /// The table of the statistics object of that name.
    pub fn statistics(&self, namespace: &str, name: &str) -> Option<&Arc<Relation>> {
        let has = |r: &&Arc<Relation>| r.details.statistics.iter().any(|s| *s.name == *name);
        self.relations.values().filter(|r| *r.namespace == *namespace).find(has)
    }

    pub fn user_type(&self, namespace: &str, name: &str) -> Option<&Arc<UserType>> {
        self.types.get(&(Name::from(namespace), Name::from(name)))
    }

    /// Has the session something of its own in it?
    pub fn has_temporary(&self) -> bool {
        self.relations.values().any(|r| r.temporary) || self.types.values().any(|t| t.is_temporary())
    }

    /// A user-defined type by its OID or by the OID of its array.
    pub fn user_type_by_oid(&self, oid: Oid) -> Option<&Arc<UserType>> {
        self.type_oids.get(&oid).and_then(|key| self.types.get(key))
    }

    pub fn role(&self, name: &str) -> Option<&Arc<Role>> {
        self.roles.get(name)
    }

    pub fn role_by_oid(&self, oid: Oid) -> Option<&Arc<Role>> {
        self.role_oids.get(&oid).and_then(|name| self.roles.get(name))
    }
}

impl Relation {
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| &*c.name == name)
    }

    pub fn column_by_num(&self, num: i16) -> Option<&Column> {
        self.columns.iter().find(|c| c.num == num)
    }
}
