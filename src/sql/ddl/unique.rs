//! Unique keys that DuckDB has no index for (over expressions, of some rows, with NULLs that are equal, deferrable), as
//! questions: the session asks them, in the name of nobody, after what was written (`session::uniques`).

use std::sync::Arc;

use super::keys::FIRST_OWN_ROW;
use super::physical::{column_ident, column_type, table_name};
use super::planner::question;
use crate::engine::Rendered;
use crate::error::{Error, Result, SqlState};
use crate::policy::Permit;
use crate::registry::{CheckedKey, Constraint, Name, Relation, builtin, expression};
use crate::sql::Context;
use crate::sql::analyze::Stored;
use crate::sql::lower::over_row;
use crate::types::{Oid, PgType, Phys};

/// A unique key with its table.
#[derive(Debug, Clone)]
pub struct UniqueKey {
    pub relation: Arc<Relation>,
    /// The constraint's or the index's.
    pub oid: Oid,
    pub name: Name,
    pub constraint: Option<Constraint>,
    /// The columns that it is made from.
    pub columns: Vec<i16>,
    pub parts: Vec<Part>,
    predicate: Option<String>,
    nulls_not_distinct: bool,
}

/// One column of the key.
#[derive(Debug, Clone)]
pub struct Part {
    /// The column or expression, as it is shown.
    pub shown: String,
    pub ty: PgType,
    pub phys: Phys,
    /// Over a row that goes by `t0`.
    sql: String,
}

/// Which rows were written.
#[derive(Debug, Clone, Copy)]
pub enum Written {
    /// Nobody knows.
    Anything,
    /// Those that the transaction has appended, from that number on.
    Since(i64),
    /// Those whose numbers are in that table of kept rows, under these numbers or new ones.
    Kept(u32),
}

impl Written {
    fn test(self, alias: &str) -> String {
        match self {
            Self::Anything => "true".to_owned(),
            Self::Since(row) => format!("{alias}.r >= {row}"),
            Self::Kept(table) => {
                let kept = format!("SELECT k.c0 FROM temp.main.dg_step_{table} AS k");
                format!("({alias}.r IN ({kept}) OR {alias}.r >= {FIRST_OWN_ROW})")
            }
        }
    }
}

impl UniqueKey {
    /// # Errors
    /// 0A000 if DuckDB does not compare the key's values as PostgreSQL does.
    pub fn new(cx: &Context, relation: &Arc<Relation>, key: &CheckedKey<'_>) -> Result<Self> {
        let cx = Context { role: builtin::SUPERUSER, ..cx.clone() };
        let mut parts = Vec::with_capacity(key.keys.len());
        for (num, text) in &key.keys {
            let part = match text {
                Some(text) => {
                    let value = over_row(text, Stored::IndexExpression, relation, &cx)?;
                    Part { shown: value.shown, ty: value.ty, phys: value.phys, sql: value.sql }
                }
                None => {
                    let column = relation.column_by_num(*num);
                    let column = column.ok_or_else(|| Error::internal("a key over a missing column"))?;
                    let sql = format!("t0.{}", column_ident(relation, column));
                    let phys = column_type(column.ty, &cx.snapshot)?;
                    Part { shown: expression::quote(&column.name), ty: column.ty, phys, sql }
                }
            };
            comparable(&part)?;
            parts.push(part);
        }
        let predicate = key.predicate.map(|text| over_row(text, Stored::IndexPredicate, relation, &cx)).transpose()?;
        Ok(Self {
            relation: relation.clone(),
            oid: key.oid,
            name: key.name.clone(),
            constraint: key.constraint.cloned(),
            columns: key.columns().collect(),
            parts,
            predicate: predicate.map(|p| p.sql),
            nulls_not_distinct: key.nulls_not_distinct,
        })
    }

    fn types(&self) -> Vec<Phys> {
        self.parts.iter().map(|part| part.phys.clone()).collect()
    }

    fn each(&self, part: impl Fn(usize) -> String, separator: &str) -> String {
        (0..self.parts.len()).map(part).collect::<Vec<_>>().join(separator)
    }

    /// The keys of the rows that have one, with the rows' numbers.
    fn rows(&self) -> String {
        let shown = self.each(|i| format!("{} AS c{i}", self.parts[i].sql), ", ");
        let mut tests: Vec<String> = self.predicate.iter().map(|p| format!("({p})")).collect();
        if !self.nulls_not_distinct {
            tests.extend(self.parts.iter().map(|part| format!("({}) IS NOT NULL", part.sql)));
        }
        let tests = if tests.is_empty() { "true".to_owned() } else { tests.join(" AND ") };
        format!("SELECT t0.rowid AS r, {shown} FROM {} AS t0 WHERE {tests}", table_name(&self.relation))
    }

    /// The keys that were written, at most `most`.
    pub fn written(&self, written: Written, most: usize) -> Permit<Rendered> {
        let (rows, test, shown) = (self.rows(), written.test("s"), self.each(|i| format!("s.c{i}"), ", "));
        question(format!("SELECT DISTINCT {shown} FROM ({rows}) AS s WHERE {test} LIMIT {most}"), self.types())
    }

    /// A key among those that were written which occurs twice.
    pub fn duplicate(&self, written: Written) -> Permit<Rendered> {
        let (rows, shown) = (self.rows(), self.each(|i| format!("s.c{i}"), ", "));
        let only = match written {
            Written::Anything => String::new(),
            Written::Since(_) | Written::Kept(_) => {
                let same = self.each(|i| format!("w.c{i} IS NOT DISTINCT FROM s.c{i}"), " AND ");
                format!(" WHERE EXISTS (SELECT 1 FROM ({rows}) AS w WHERE {} AND {same})", written.test("w"))
            }
        };
        let sql = format!(
            "SELECT {shown} FROM ({rows}) AS s{only} GROUP BY {shown} HAVING count(*) > 1 ORDER BY min(s.r) LIMIT 1"
        );
        question(sql, self.types())
    }

    /// 23505 for a key that is there already.
    pub fn violated(&self, shown: Option<String>) -> Error {
        let error = self.error(format!("duplicate key value violates unique constraint \"{}\"", self.name));
        match shown {
            Some(key) => error.detail(format!("Key {key} already exists.")),
            None => error,
        }
    }

    /// 23505 for rows that were there before the key.
    pub fn not_unique(&self, shown: Option<String>) -> Error {
        let error = self.error(format!("could not create unique index \"{}\"", self.name));
        match shown {
            Some(key) => error.detail(format!("Key {key} is duplicated.")),
            None => error.detail("Duplicate keys exist."),
        }
    }

    fn error(&self, message: String) -> Error {
        Error::new(SqlState::UNIQUE_VIOLATION, message)
            .table(&*self.relation.namespace, &*self.relation.name)
            .constraint(&*self.name)
    }
}

/// Grouping by what carries the type must be PostgreSQL's equality.
fn comparable(part: &Part) -> Result<()> {
    let fits = matches!(
        &part.phys,
        Phys::Bool
            | Phys::Int2
            | Phys::Int4
            | Phys::Int8
            | Phys::Oid
            | Phys::Float4
            | Phys::Float8
            | Phys::Decimal { .. }
            | Phys::Bytea
            | Phys::Date
            | Phys::Time
            | Phys::Timestamp
            | Phys::TimestampTz
            | Phys::Uuid
            | Phys::Enum(_)
            | Phys::Text
            | Phys::Char(_)
    ) || matches!(&part.phys, Phys::Coded(ty) if !crate::types::coded::needs_key(*ty));
    if fits {
        return Ok(());
    }
    Err(Error::unsupported("a unique key of this type").hint("Use another expression for the key."))
}
