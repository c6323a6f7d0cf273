//! Unique keys that DuckDB has no index for (over expressions, of some rows, with NULLs that are equal, deferrable), and
//! EXCLUDE constraints, as questions: the session asks them, in the name of nobody, after what was written (`session::uniques`).

use std::sync::Arc;

use super::keys::FIRST_OWN_ROW;
use super::physical::{column_ident, column_type, table_name};
use super::planner::question;
use crate::engine::Rendered;
use crate::error::{Error, Result, SqlState};
use crate::facts::OPERATORS;
use crate::policy::Permit;
use crate::registry::{CheckedKey, Column, Constraint, Name, Relation, builtin, expression};
use crate::sql::Context;
use crate::sql::analyze::Stored;
use crate::sql::lower::{self, over_row};
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
    exclusion: Option<Exclusion>,
}

/// When two rows exclude each other: these parts are equal, and the test holds of the pair.
#[derive(Debug, Clone)]
struct Exclusion {
    equal: Vec<usize>,
    /// Over a row that goes by `t0`, with the parts of both rows by these names.
    test: Option<String>,
    names: Vec<[String; 2]>,
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
    /// What is compared in its place, and what carries that.
    key: (String, Phys),
}

/// Which rows were written.
#[derive(Debug, Clone, Copy)]
pub enum Written {
    /// Nobody knows, but that it was the later of two that meet.
    Anything,
    /// Any of those that are there.
    All,
    /// Those that the transaction has appended, from that number on.
    Since(i64),
    /// Those whose numbers are in that table of kept rows, under these numbers or new ones.
    Kept(u32),
}

impl Written {
    fn test(self, alias: &str) -> String {
        match self {
            Self::Anything | Self::All => "true".to_owned(),
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
    /// 0A000 if what it is made from cannot be had over stored values.
    pub fn new(cx: &Context, relation: &Arc<Relation>, key: &CheckedKey<'_>) -> Result<Self> {
        let cx = Context { role: builtin::SUPERUSER, ..cx.clone() };
        let mut parts = Vec::with_capacity(key.keys.len());
        for (num, text) in &key.keys {
            let part = match text {
                Some(text) => {
                    let value = over_row(text, Stored::IndexExpression, relation, &cx)?;
                    Part { shown: value.shown, ty: value.ty, phys: value.phys, sql: value.sql, key: value.key }
                }
                None => {
                    let column = relation.column_by_num(*num);
                    let column = column.ok_or_else(|| Error::internal("a key over a missing column"))?;
                    let phys = column_type(column.ty, &cx.snapshot)?;
                    let (sql, key, key_phys) = lower::column_key(0, &relation.physical_column(column), &phys);
                    Part { shown: expression::quote(&column.name), ty: column.ty, phys, sql, key: (key, key_phys) }
                }
            };
            if key.operators.is_empty() && part.phys == Phys::Void {
                return Err(Error::unsupported("a unique key over NULL").hint("Use another expression for the key."));
            }
            parts.push(part);
        }
        let predicate = key.predicate.map(|text| over_row(text, Stored::IndexPredicate, relation, &cx)).transpose()?;
        let exclusion = match key.operators {
            [] => None,
            operators => Some(Exclusion::new(&cx, relation, &parts, operators)?),
        };
        Ok(Self {
            relation: relation.clone(),
            oid: key.oid,
            name: key.name.clone(),
            constraint: key.constraint.cloned(),
            columns: key.columns().collect(),
            parts,
            predicate: predicate.map(|p| p.sql),
            nulls_not_distinct: key.nulls_not_distinct,
            exclusion,
        })
    }

    fn types(&self) -> Vec<Phys> {
        self.parts.iter().map(|part| part.phys.clone()).collect()
    }

    fn each(&self, part: impl Fn(usize) -> String, separator: &str) -> String {
        (0..self.parts.len()).map(part).collect::<Vec<_>>().join(separator)
    }

    /// The keys of the rows that have one (`c0` …), what is compared in their place (`k0` …), and the rows' numbers.
    fn rows(&self) -> String {
        let shown = self.each(|i| format!("{} AS c{i}, {} AS k{i}", self.parts[i].sql, self.parts[i].key.0), ", ");
        let mut tests: Vec<String> = self.predicate.iter().map(|p| format!("({p})")).collect();
        if !self.nulls_not_distinct {
            tests.extend(self.parts.iter().map(|part| format!("({}) IS NOT NULL", part.sql)));
        }
        let tests = if tests.is_empty() { "true".to_owned() } else { tests.join(" AND ") };
        format!("SELECT t0.rowid AS r, {shown} FROM {} AS t0 WHERE {tests}", table_name(&self.relation))
    }

    /// What was written by which others' rows may meet it, at most `most` of it: the keys; what of them must be equal.
    pub fn written(&self, written: Written, most: usize) -> Permit<Rendered> {
        let (rows, test) = (self.rows(), written.test("s"));
        let told: Vec<usize> = match &self.exclusion {
            None => (0..self.parts.len()).collect(),
            Some(exclusion) => exclusion.equal.clone(),
        };
        let (mut shown, mut types): (Vec<String>, Vec<Phys>) =
            told.iter().map(|i| (format!("s.k{i}"), self.parts[*i].key.1.clone())).unzip();
        if told.is_empty() {
            shown.push("1".to_owned());
            types.push(Phys::Int4);
        }
        let shown = shown.join(", ");
        question(format!("SELECT DISTINCT {shown} FROM ({rows}) AS s WHERE {test} LIMIT {most}"), types)
    }

    /// Whether what [`Self::written`] gives tells which rows may meet: two that differ in it do not.
    pub fn is_told(&self) -> bool {
        let told = |part: &Part| !has_floats(&part.phys);
        match &self.exclusion {
            None => self.parts.iter().all(told),
            Some(exclusion) => !exclusion.equal.is_empty() && exclusion.equal.iter().all(|i| told(&self.parts[*i])),
        }
    }

    /// A key among those that were written which occurs twice; of an exclusion that of a row, and of one that it meets.
    pub fn duplicate(&self, written: Written) -> Permit<Rendered> {
        if let Some(exclusion) = &self.exclusion {
            return self.excluded(exclusion, written);
        }
        let (rows, keys) = (self.rows(), self.each(|i| format!("s.k{i}"), ", "));
        // Of values that are equal and look apart, the one that came.
        let pick = if matches!(written, Written::All) { "first" } else { "last" };
        let shown = self.each(|i| format!("{pick}(s.c{i} ORDER BY {}, s.r)", written.test("s")), ", ");
        let only = match written {
            Written::Anything | Written::All => String::new(),
            Written::Since(_) | Written::Kept(_) => {
                let same = self.each(|i| format!("w.k{i} IS NOT DISTINCT FROM s.k{i}"), " AND ");
                format!(" WHERE EXISTS (SELECT 1 FROM ({rows}) AS w WHERE {} AND {same})", written.test("w"))
            }
        };
        let sql = format!(
            "SELECT {shown} FROM ({rows}) AS s{only} GROUP BY {keys} HAVING count(*) > 1 ORDER BY min(s.r) LIMIT 1"
        );
        question(sql, self.types())
    }

    fn excluded(&self, exclusion: &Exclusion, written: Written) -> Permit<Rendered> {
        let rows = self.rows();
        // The later of two is the one that meets the other.
        let order = match written {
            Written::Anything | Written::Since(_) => "w.r > s.r",
            Written::Kept(_) | Written::All => "w.r <> s.r",
        };
        let mut on = vec![order.to_owned(), written.test("w")];
        on.extend(exclusion.equal.iter().map(|i| format!("w.k{i} = s.k{i}")));
        let columns = exclusion.names.iter().enumerate();
        let columns = columns.map(|(i, [own, other])| format!("w.c{i} AS {own}, s.c{i} AS {other}"));
        let columns = columns.collect::<Vec<_>>().join(", ");
        let pairs = format!(
            "SELECT w.r AS r, s.r AS s, {columns} FROM ({rows}) AS w JOIN ({rows}) AS s ON {}",
            on.join(" AND ")
        );
        let of = |side: usize| exclusion.names.iter().map(move |names| format!("t0.{}", names[side]));
        let shown = of(0).chain(of(1)).collect::<Vec<_>>().join(", ");
        let test = exclusion.test.as_deref().unwrap_or("true");
        let sql = format!("SELECT {shown} FROM ({pairs}) AS t0 WHERE {test} ORDER BY t0.r, t0.s LIMIT 1");
        question(sql, [self.types(), self.types()].concat())
    }

    /// The types of what [`Self::duplicate`] gives.
    pub fn found_types(&self) -> Vec<Phys> {
        match self.exclusion {
            None => self.types(),
            Some(_) => [self.types(), self.types()].concat(),
        }
    }

    /// 23P01 for a row that meets one which is there; the two keys.
    fn conflicts(&self, shown: Option<[String; 2]>) -> Error {
        let message = format!("conflicting key value violates exclusion constraint \"{}\"", self.name);
        let detail = match shown {
            Some([own, other]) => format!("Key {own} conflicts with existing key {other}."),
            None => "Key conflicts with existing key.".to_owned(),
        };
        self.error(SqlState::EXCLUSION_VIOLATION, message).detail(detail)
    }

    /// 23505 for a key that is there already (23P01 of an exclusion). `shown`: the key, the one that it meets.
    pub fn violated(&self, shown: Option<Vec<String>>) -> Error {
        if self.exclusion.is_some() {
            return self.conflicts(shown.and_then(|shown| shown.try_into().ok()));
        }
        let shown = shown.and_then(|shown| shown.into_iter().next());
        let error = self.error(
            SqlState::UNIQUE_VIOLATION,
            format!("duplicate key value violates unique constraint \"{}\"", self.name),
        );
        match shown {
            Some(key) => error.detail(format!("Key {key} already exists.")),
            None => error,
        }
    }

    /// 23505 for rows that were there before the key.
    pub fn not_unique(&self, shown: Option<Vec<String>>) -> Error {
        if self.exclusion.is_some() {
            let message = format!("could not create exclusion constraint \"{}\"", self.name);
            return self.error(SqlState::EXCLUSION_VIOLATION, message).detail(match shown.as_deref() {
                Some([own, other]) => format!("Key {own} conflicts with key {other}."),
                _ => "Key conflicts exist.".to_owned(),
            });
        }
        let shown = shown.and_then(|shown| shown.into_iter().next());
        let message = format!("could not create unique index \"{}\"", self.name);
        let error = self.error(SqlState::UNIQUE_VIOLATION, message);
        match shown {
            Some(key) => error.detail(format!("Key {key} is duplicated.")),
            None => error.detail("Duplicate keys exist."),
        }
    }

    fn error(&self, code: SqlState, message: String) -> Error {
        Error::new(code, message).table(&*self.relation.namespace, &*self.relation.name).constraint(&*self.name)
    }
}

impl Exclusion {
    /// # Errors
    /// 0A000 if an operator cannot be had over stored values.
    fn new(cx: &Context, relation: &Relation, parts: &[Part], operators: &[Oid]) -> Result<Self> {
        let mut pair = Relation { columns: Vec::new(), ..relation.clone() };
        let (mut equal, mut texts, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (i, (part, oid)) in parts.iter().zip(operators).enumerate() {
            let operator = OPERATORS.by_oid(*oid).ok_or_else(|| Error::internal("an operator that is none"))?;
            let mut sides = [String::new(), String::new()];
            for (side, name) in ["a", "b"].into_iter().enumerate() {
                let column = pair_column(2 * i + side, format!("{name}{i}"), part.ty)?;
                sides[side] = column_ident(&pair, &column);
                pair.columns.push(column);
            }
            names.push(sides);
            let own = operator.left == part.ty.oid && operator.right == part.ty.oid;
            match operator.name == "=" && own {
                true => equal.push(i),
                false => texts.push(format!("(a{i} OPERATOR(pg_catalog.{}) b{i})", operator.name)),
            }
        }
        let test = match texts.as_slice() {
            [] => None,
            texts => Some(over_row(&texts.join(" AND "), Stored::IndexPredicate, &pair, cx)?.sql),
        };
        Ok(Self { equal, test, names })
    }
}

fn pair_column(at: usize, name: String, ty: PgType) -> Result<Column> {
    let num = i16::try_from(at + 1).map_err(Error::internal)?;
    Ok(Column {
        num,
        name: name.into(),
        ty,
        not_null: false,
        collation: 0,
        default: None,
        identity: None,
        generated: None,
        acl: Default::default(),
        comment: None,
    })
}

/// Zeros of both signs are equal, and have different bytes.
fn has_floats(phys: &Phys) -> bool {
    match phys {
        Phys::Float4 | Phys::Float8 => true,
        Phys::List(element) => has_floats(element),
        Phys::Shaped(fields) | Phys::Row(fields) => fields.iter().any(has_floats),
        _ => false,
    }
}
