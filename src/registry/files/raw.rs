//! The format of schema files, as it is written. `schemas/duckgate.schema.json` is generated from these types.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Deserialize as DeriveDeserialize, Serialize};
use toml::Spanned;

/// A schema file of Duckgate: tables, enums, roles and grants, any number of each.
#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Duckgate schema file")]
pub struct File {
    /// The namespace (PostgreSQL's schema) of everything in this file that does not name its own. Default: public.
    #[schemars(with = "Option<Namespace>")]
    pub namespace: Option<Spanned<Namespace>>,
    /// Tables.
    #[serde(default, rename = "table")]
    #[schemars(with = "Vec<Table>")]
    pub tables: Vec<Spanned<Table>>,
    /// Enumerated types.
    #[serde(default, rename = "enum")]
    #[schemars(with = "Vec<Enum>")]
    pub enums: Vec<Spanned<Enum>>,
    /// Roles: who may log in, and groups of them.
    #[serde(default, rename = "role")]
    #[schemars(with = "Vec<Role>")]
    pub roles: Vec<Spanned<Role>>,
    /// Who may do what with which tables or namespaces.
    #[serde(default, rename = "grant")]
    #[schemars(with = "Vec<Grant>")]
    pub grants: Vec<Spanned<Grant>>,
}

/// A namespace: its name alone, or a table with more about it.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Namespace {
    Name(String),
    Full(NamespaceTable),
}

#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamespaceTable {
    pub name: String,
    pub comment: Option<String>,
    /// The role that owns it. Default: the first superuser.
    pub owner: Option<String>,
}

/// One table.
#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Its namespace, if it is not the file's.
    #[schemars(with = "Option<String>")]
    pub namespace: Option<Spanned<String>>,
    pub comment: Option<String>,
    /// The role that owns it. Default: the first superuser.
    #[schemars(with = "Option<String>")]
    pub owner: Option<Spanned<String>>,
    /// Its columns, in order: `name = "type …"`, or `name = { type = "…", … }`.
    #[schemars(with = "std::collections::BTreeMap<String, Column>")]
    pub columns: IndexMap<Spanned<String>, Spanned<Column>>,
    /// The columns of the primary key.
    #[schemars(with = "Option<Names>")]
    pub primary_key: Option<Spanned<Names>>,
    /// What a bulk load does with a row whose key is in the table already: fail, keep the old row, or replace it.
    #[serde(default)]
    pub on_conflict: OnConflict,
    /// Unique constraints over several columns.
    #[serde(default)]
    #[schemars(with = "Vec<Unique>")]
    pub unique: Vec<Spanned<Unique>>,
    /// Foreign keys over several columns.
    #[serde(default)]
    #[schemars(with = "Vec<ForeignKey>")]
    pub foreign_key: Vec<Spanned<ForeignKey>>,
    /// Conditions that every row meets.
    #[serde(default)]
    #[schemars(with = "Vec<Check>")]
    pub check: Vec<Spanned<Check>>,
    #[serde(default)]
    #[schemars(with = "Vec<Index>")]
    pub index: Vec<Spanned<Index>>,
    /// Who may do what with this table.
    #[serde(default)]
    #[schemars(with = "Vec<TableGrant>")]
    pub grant: Vec<Spanned<TableGrant>>,
    /// Which rows roles may see and write (PostgreSQL's policies). A table with one shows no other rows to anybody but its
    /// owner, superusers and roles with bypass_rls.
    #[serde(default)]
    #[schemars(with = "Vec<RowRule>")]
    pub row_rule: Vec<Spanned<RowRule>>,
    /// What roles read in the place of columns.
    #[serde(default)]
    #[schemars(with = "Vec<ColumnMask>")]
    pub mask: Vec<Spanned<ColumnMask>>,
    /// The row rules hold for the table's owner too.
    #[serde(default)]
    pub force_row_rules: bool,
}

/// One name, or several.
#[derive(Debug, Clone, DeriveDeserialize, JsonSchema)]
#[serde(untagged)]
pub enum Names {
    One(String),
    Several(Vec<String>),
}

impl Names {
    pub fn list(&self) -> Vec<&str> {
        match self {
            Self::One(name) => vec![name],
            Self::Several(names) => names.iter().map(String::as_str).collect(),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, DeriveDeserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// The load fails (PostgreSQL's behaviour).
    #[default]
    Error,
    /// The row that is there stays.
    Ignore,
    /// The new row takes its place.
    Update,
}

/// A column: its definition as CREATE TABLE has it after the name (`"bigint not null"`), or a table.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Column {
    Short(String),
    Full(Box<ColumnTable>),
}

#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnTable {
    /// A PostgreSQL type: integer, numeric(12,2), varchar(20), timestamptz, text[], an enum of the files … What CREATE
    /// TABLE allows after it (not null, default …) may follow.
    #[serde(rename = "type")]
    #[schemars(with = "String")]
    pub ty: Spanned<String>,
    #[serde(default)]
    pub not_null: bool,
    /// An SQL expression (a text constant has SQL's quotes: `"'open'"`), or a number or boolean.
    #[schemars(with = "Option<Literal>")]
    pub default: Option<Spanned<Literal>>,
    /// Numbers from a sequence: "always", or "by default" where INSERT may give its own.
    pub identity: Option<Identity>,
    /// An SQL expression over other columns, computed and stored with each row.
    #[schemars(with = "Option<String>")]
    pub generated: Option<Spanned<String>>,
    #[serde(default)]
    pub primary_key: bool,
    #[serde(default)]
    pub unique: bool,
    /// A foreign key: `"table"` (its primary key) or `"table(column)"`.
    #[schemars(with = "Option<String>")]
    pub references: Option<Spanned<String>>,
    /// A condition that every row meets.
    #[schemars(with = "Option<String>")]
    pub check: Option<Spanned<String>>,
    pub comment: Option<String>,
}

/// An SQL expression, or a constant that TOML can write.
#[derive(Debug, Clone, DeriveDeserialize, JsonSchema)]
#[serde(untagged)]
pub enum Literal {
    Bool(bool),
    Integer(i64),
    Float(f64),
    Expression(String),
}

#[derive(Debug, Clone, Copy, DeriveDeserialize, JsonSchema)]
pub enum Identity {
    #[serde(rename = "always")]
    Always,
    #[serde(rename = "by default")]
    ByDefault,
}

#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unique {
    /// Default: PostgreSQL's name, `table_column_key`.
    pub name: Option<String>,
    pub columns: Vec<String>,
}

#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForeignKey {
    /// Default: PostgreSQL's name, `table_column_fkey`.
    pub name: Option<String>,
    pub columns: Vec<String>,
    /// `"table"` (its primary key) or `"table(column, …)"`.
    #[schemars(with = "String")]
    pub references: Spanned<String>,
}

#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Default: PostgreSQL's name, `table_column_check`.
    pub name: Option<String>,
    /// An SQL expression.
    #[schemars(with = "String")]
    pub expression: Spanned<String>,
}

#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// Default: PostgreSQL's name, `table_column_idx`.
    pub name: Option<String>,
    /// Columns, each with an optional `desc`.
    pub columns: Vec<String>,
    #[serde(default)]
    pub unique: bool,
    pub comment: Option<String>,
}

/// A grant inside a table.
#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableGrant {
    /// Roles, or "public" for everybody.
    #[schemars(with = "Names")]
    pub to: Spanned<Names>,
    /// select, insert, update, delete, truncate, references, or all.
    #[schemars(with = "Names")]
    pub privileges: Spanned<Names>,
    /// Only these columns (select, insert, update, references).
    #[schemars(with = "Option<Names>")]
    pub columns: Option<Spanned<Names>>,
}

/// A row rule: what CREATE POLICY makes. Several for a role: a row that one of them lets through is seen; restrictive ones must
/// all let it through besides.
#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowRule {
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Roles, or "public" for everybody (the default).
    #[schemars(with = "Option<Names>")]
    pub to: Option<Spanned<Names>>,
    #[serde(default)]
    pub command: RuleCommand,
    /// An SQL condition: the rows that may be seen and changed.
    #[schemars(with = "Option<String>")]
    pub using: Option<Spanned<String>>,
    /// An SQL condition that rows must meet that are written. Default: `using`.
    #[schemars(with = "Option<String>")]
    pub with_check: Option<Spanned<String>>,
    #[serde(default)]
    pub restrictive: bool,
}

#[derive(Debug, Clone, Copy, Default, DeriveDeserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleCommand {
    #[default]
    All,
    Select,
    Insert,
    Update,
    Delete,
}

/// A mask: wherever these roles read the column, they read this. The first mask of a column that is for a role counts.
#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnMask {
    #[schemars(with = "String")]
    pub column: Spanned<String>,
    /// Roles, or "public" for everybody but the owner (the default).
    #[schemars(with = "Option<Names>")]
    pub to: Option<Spanned<Names>>,
    /// An SQL expression over the row's columns (a text constant has SQL's quotes: `"'***'"`), or `"NULL"`.
    #[schemars(with = "String")]
    pub expression: Spanned<String>,
}

/// A grant on tables or namespaces.
#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Roles, or "public" for everybody.
    #[schemars(with = "Names")]
    pub to: Spanned<Names>,
    /// For tables: select, insert, update, delete, truncate, references, or all. For namespaces: usage, create, or all.
    #[schemars(with = "Names")]
    pub privileges: Spanned<Names>,
    /// Tables of the files: `"orders"`, `"sales.orders"`.
    #[serde(rename = "on")]
    #[schemars(with = "Option<Names>")]
    pub tables: Option<Spanned<Names>>,
    /// Namespaces, instead of tables.
    #[schemars(with = "Option<Names>")]
    pub namespaces: Option<Spanned<Names>>,
    /// Only these columns of the one table.
    #[schemars(with = "Option<Names>")]
    pub columns: Option<Spanned<Names>>,
}

#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Enum {
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    #[schemars(with = "Option<String>")]
    pub namespace: Option<Spanned<String>>,
    /// Its values, in order.
    #[schemars(with = "Vec<String>")]
    pub labels: Spanned<Vec<String>>,
    pub comment: Option<String>,
}

#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// May it connect? Default: false, a group.
    #[serde(default)]
    pub login: bool,
    #[serde(default)]
    pub superuser: bool,
    /// Has it the privileges of the roles it is a member of? Default: true.
    #[serde(default = "yes")]
    pub inherit: bool,
    #[serde(default)]
    pub create_role: bool,
    #[serde(default)]
    pub create_db: bool,
    #[serde(default)]
    pub bypass_rls: bool,
    /// `"env:NAME"`, `"file:PATH"`, or a SCRAM-SHA-256 verifier (`duckgate role password` prints one). Never the
    /// password itself.
    #[schemars(with = "Option<String>")]
    pub password: Option<Spanned<String>>,
    /// How many sessions it may have at once.
    pub connection_limit: Option<u32>,
    /// Roles that it is a member of.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub member_of: Vec<Spanned<String>>,
    /// Settings of its sessions, as ALTER ROLE … SET.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, String>")]
    pub settings: IndexMap<String, String>,
    pub comment: Option<String>,
}

fn yes() -> bool {
    true
}

/// Reads a string or a table, keeping the spans inside (serde's untagged enums lose them).
struct StringOr<T, F>(F, std::marker::PhantomData<T>);

impl<'de, T, F, O> Visitor<'de> for StringOr<T, F>
where
    T: Deserialize<'de>,
    F: FnOnce(Result<String, T>) -> O,
{
    type Value = O;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string or a table")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<O, E> {
        Ok(self.0(Ok(text.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<O, A::Error> {
        T::deserialize(de::value::MapAccessDeserializer::new(map)).map(|t| self.0(Err(t)))
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let make = |found: Result<String, ColumnTable>| match found {
            Ok(text) => Self::Short(text),
            Err(table) => Self::Full(Box::new(table)),
        };
        deserializer.deserialize_any(StringOr(make, std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for Namespace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let make = |found: Result<String, NamespaceTable>| match found {
            Ok(text) => Self::Name(text),
            Err(table) => Self::Full(table),
        };
        deserializer.deserialize_any(StringOr(make, std::marker::PhantomData))
    }
}
