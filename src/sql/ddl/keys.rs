//! Foreign keys as questions: DuckDB's tables do not have them; the session asks, in the name of nobody, whether what a
//! statement has written keeps to them (`session::keys`).

use std::borrow::Cow;
use std::sync::Arc;

use super::physical::{self, column_ident, column_type, table_name};
use super::pipeline;
use super::planner::{self, question};
use crate::engine::{self, Kind, Rendered, Writes};
use crate::error::{Error, Result, SqlState};
use crate::policy::Permit;
use crate::registry::bootstrap::TEMPORARY;
use crate::registry::{
    Acl, Change, Column, Constraint, FkAction, ForeignKey, Managed, OnConflictDefault, Relation, RelationKind,
    Snapshot, Storage, builtin, expression,
};
use crate::sql::lower::{Operand, are_same};
use crate::sql::{Context, KeptRows, Plan};
use crate::types::{Oid, Phys, oid};

/// The number of the first row that a transaction of DuckDB's appends to a table; those of committed rows are below it.
pub const FIRST_OWN_ROW: i64 = 36_028_797_018_960_000;

/// A foreign key with both its tables.
#[derive(Debug, Clone)]
pub struct Key {
    pub child: Arc<Relation>,
    pub parent: Arc<Relation>,
    pub constraint: Constraint,
    pub columns: Vec<i16>,
    pub target_columns: Vec<i16>,
    pub on_delete: FkAction,
    pub on_update: FkAction,
    pub match_full: bool,
    /// What carries the columns.
    pub child_types: Vec<Phys>,
    pub parent_types: Vec<Phys>,
}

impl Key {
    fn new(snapshot: &Snapshot, child: &Arc<Relation>, key: ForeignKey<'_>) -> Result<Option<Self>> {
        let Some(parent) = snapshot.relation_by_oid(key.target) else { return Ok(None) };
        let types = |relation: &Relation, columns: &[i16]| {
            let columns = columns.iter().filter_map(|num| relation.column_by_num(*num));
            columns.map(|c| column_type(c.ty, snapshot)).collect::<Result<Vec<Phys>>>()
        };
        Ok(Some(Self {
            child: child.clone(),
            parent: parent.clone(),
            constraint: key.constraint.clone(),
            columns: key.columns.to_vec(),
            target_columns: key.target_columns.to_vec(),
            on_delete: key.on_delete,
            on_update: key.on_update,
            match_full: key.match_full,
            child_types: types(child, key.columns)?,
            parent_types: types(parent, key.target_columns)?,
        }))
    }

    /// One foreign key of a table; `None` if there is none of that OID.
    pub fn find(snapshot: &Snapshot, table: Oid, constraint: Oid) -> Result<Option<Self>> {
        let Some(child) = snapshot.relation_by_oid(table) else { return Ok(None) };
        match child.foreign_keys().find(|key| key.constraint.oid == constraint) {
            Some(key) => Self::new(snapshot, child, key),
            None => Ok(None),
        }
    }

    /// All of a schema, in the order in which they were made.
    pub fn all(snapshot: &Snapshot) -> Result<Vec<Arc<Self>>> {
        let mut found = Vec::new();
        for child in snapshot.relations.values() {
            for key in child.foreign_keys() {
                found.extend(Self::new(snapshot, child, key)?.map(Arc::new));
            }
        }
        found.sort_by_key(|key| key.constraint.oid);
        Ok(found)
    }

    /// 42804 if the columns of both sides do not compare.
    pub fn is_possible(&self, types: &Snapshot) -> Result<()> {
        let (own, target) = ((&*self.child, &self.columns[..]), (&*self.parent, &self.target_columns[..]));
        physical::comparable_types(&self.constraint.name, own, target, types)
    }

    pub fn child_side(&self) -> Side<'_> {
        Side { relation: &self.child, columns: &self.columns, types: &self.child_types }
    }

    pub fn parent_side(&self) -> Side<'_> {
        Side { relation: &self.parent, columns: &self.target_columns, types: &self.parent_types }
    }

    fn violation(&self, message: String) -> Error {
        Error::new(SqlState::FOREIGN_KEY_VIOLATION, message)
            .table(&*self.child.namespace, &*self.child.name)
            .constraint(&*self.constraint.name)
    }

    fn at_child(&self) -> Error {
        self.violation(format!(
            "insert or update on table \"{}\" violates foreign key constraint \"{}\"",
            self.child.name, self.constraint.name
        ))
    }

    /// A row of the child has no parent. `values` are its key's as text, if they may be shown.
    pub fn missing(&self, values: Option<&[String]>) -> Error {
        let key = key_text(self.child_side(), values);
        self.at_child().detail(format!("{key} is not present in table \"{}\".", self.parent.name))
    }

    /// MATCH FULL, and some columns are NULL.
    pub fn mixed(&self) -> Error {
        self.at_child().detail("MATCH FULL does not allow mixing of null and nonnull key values.")
    }

    /// A key of the parent is gone, and the child has it.
    pub fn referenced(&self, values: Option<&[String]>) -> Error {
        let key = key_text(self.parent_side(), values);
        let (parent, name, child) = (&self.parent.name, &self.constraint.name, &self.child.name);
        let message = format!(
            "update or delete on table \"{parent}\" violates foreign key constraint \"{name}\" on table \"{child}\""
        );
        self.violation(message).detail(format!("{key} is still referenced from table \"{child}\"."))
    }
}

/// `Key (a, b)=(1, 2)`
fn key_text(side: Side<'_>, values: Option<&[String]>) -> String {
    let Some(values) = values else { return "Key".to_owned() };
    let names = side.columns.iter().filter_map(|n| side.relation.column_by_num(*n)).map(|c| c.name.to_string());
    format!("Key ({})=({})", names.collect::<Vec<_>>().join(", "), values.join(", "))
}

/// One side of a foreign key: a table and the columns of the key, by number, in the constraint's order, with what carries them.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    pub relation: &'a Relation,
    pub columns: &'a [i16],
    pub types: &'a [Phys],
}

/// What rows go by in questions (`t0`, `t1`, `t2`): those of the child or of the only table, of the parent, of a table of kept rows.
const CHILD: u32 = 0;
const PARENT: u32 = 1;
const KEPT: u32 = 2;

impl Side<'_> {
    fn names(&self) -> Result<Vec<Cow<'_, str>>> {
        let name = |num: &i16| {
            let column = self.relation.column_by_num(*num);
            column
                .map(|c| self.relation.physical_column(c))
                .ok_or_else(|| Error::internal("a key over a missing column"))
        };
        self.columns.iter().map(name).collect()
    }

    fn idents(&self) -> Result<Vec<String>> {
        Ok(self.names()?.iter().map(|name| physical::quote(name)).collect())
    }

    /// The table.
    fn table(&self) -> String {
        table_name(self.relation)
    }
}

fn all(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" AND ")
}

/// That a row of the child refers to one of the parent.
fn refers(child: Side<'_>, parent: Side<'_>) -> Result<String> {
    let (ours, theirs) = (child.names()?, parent.names()?);
    let (ours, theirs) = (ours.iter().zip(child.types), theirs.iter().zip(parent.types));
    Ok(are_same(ours.zip(theirs).map(|((own, own_type), (name, ty))| {
        ((Operand::Column(PARENT, name), ty), (Operand::Column(CHILD, own), own_type))
    })))
}

/// `t0."a" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM parent AS t1 WHERE t1."k" = t0."a")`
fn is_orphan(child: Side<'_>, parent: Side<'_>) -> Result<String> {
    let present = all(child.idents()?.iter().map(|c| format!("t0.{c} IS NOT NULL")));
    let same = refers(child, parent)?;
    Ok(format!("{present} AND NOT EXISTS (SELECT 1 FROM {} AS t1 WHERE {same})", parent.table()))
}

fn shown(idents: &[String]) -> String {
    idents.iter().map(|c| format!("t0.{c}")).collect::<Vec<_>>().join(", ")
}

/// Is there a row with this key? Its values are the parameters, carried as `types` say; `referring` if they are those of a row
/// that refers to it, and otherwise those of one that it refers to.
pub fn has(side: Side<'_>, types: Vec<Phys>, referring: bool) -> Result<Permit<Rendered>> {
    let names = side.names()?;
    let same = are_same(names.iter().zip(side.types).zip(&types).zip(0..).map(|(((name, own), given), i)| {
        let (own, given) = ((Operand::Column(CHILD, name), own), (Operand::Param(i), given));
        if referring { (own, given) } else { (given, own) }
    }));
    let sql = format!("SELECT 1 FROM {} AS t0 WHERE {same} LIMIT 1", side.table());
    Ok(question(sql, vec![Phys::Int4]).map(|rendered| Rendered { params: types, ..rendered }))
}

/// The rows that the transaction has appended since, at most `most`: number and columns.
pub fn appended(side: Side<'_>, types: Vec<Phys>, since: i64, most: usize) -> Result<Permit<Rendered>> {
    let columns = shown(&side.idents()?);
    let sql = format!("SELECT t0.rowid, {columns} FROM {} AS t0 WHERE t0.rowid >= {since} LIMIT {most}", side.table());
    Ok(question(sql, std::iter::once(Phys::Int8).chain(types).collect()))
}

/// The number of the last row.
pub fn last_row(relation: &Relation, since: i64) -> Permit<Rendered> {
    let sql = format!("SELECT max(t0.rowid) FROM {} AS t0 WHERE t0.rowid >= {since}", table_name(relation));
    question(sql, vec![Phys::Int8])
}

/// Removes the rows from that number on, which the transaction has appended.
pub fn remove_from(relation: &Relation, row: i64) -> Permit<Rendered> {
    let sql = format!("DELETE FROM {} AS t0 WHERE t0.rowid >= {row}", table_name(relation));
    // Nobody else has seen them: for others they were never there.
    let writes = Writes::Table(relation.oid, engine::Change::APPENDS);
    question(sql, Vec::new()).map(|rendered| Rendered { kind: Kind::Change, writes, ..rendered })
}

/// Which rows of the child are looked at.
#[derive(Clone, Copy)]
pub enum Written<'a> {
    Anything,
    /// Those that the transaction has appended, from that number on.
    Since(i64),
    /// What an UPDATE has made of its rows.
    Kept(&'a KeptRows),
}

impl Written<'_> {
    /// The rows, called `t0`, and a condition that goes before others.
    fn source(self, child: Side<'_>) -> Result<(String, String)> {
        let table = child.table();
        Ok(match self {
            Self::Anything => (format!("{table} AS t0"), String::new()),
            Self::Since(row) => (format!("{table} AS t0"), format!("t0.rowid >= {row} AND ")),
            Self::Kept(kept) => {
                let idents = child.idents()?;
                let named = child.columns.iter().zip(&idents).map(|(num, ident)| {
                    Ok(format!("t2.c{} AS {ident}", kept.new(*num).map_or_else(|| kept.old(*num), Ok)?))
                });
                let columns = named.collect::<Result<Vec<_>>>()?.join(", ");
                (
                    format!("(SELECT {columns}, t2.c0 AS rowid FROM {} AS t2) AS t0", kept_table(kept.table)),
                    String::new(),
                )
            }
        })
    }
}

/// A key of the child that the parent does not have, in the child's types: that of its first row, as PostgreSQL would find it.
pub fn orphan(child: Side<'_>, parent: Side<'_>, types: Vec<Phys>, rows: Written<'_>) -> Result<Permit<Rendered>> {
    let (from, first) = rows.source(child)?;
    let (columns, test) = (shown(&child.idents()?), is_orphan(child, parent)?);
    Ok(question(format!("SELECT {columns} FROM {from} WHERE {first}{test} ORDER BY t0.rowid LIMIT 1"), types))
}

/// A key of which some columns are NULL and some are not.
pub fn mixed(child: Side<'_>, rows: Written<'_>) -> Result<Permit<Rendered>> {
    let idents = child.idents()?;
    let (from, first) = rows.source(child)?;
    let some = |what: &str| idents.iter().map(|c| format!("t0.{c} {what}")).collect::<Vec<_>>().join(" OR ");
    let (null, present) = (some("IS NULL"), some("IS NOT NULL"));
    let sql = format!("SELECT 1 FROM {from} WHERE {first}({null}) AND ({present}) LIMIT 1");
    Ok(question(sql, vec![Phys::Int4]))
}

/// That a row of the child refers to what a row of the parent was.
fn refers_to_old(child: Side<'_>, parent: Side<'_>, kept: &KeptRows) -> Result<String> {
    let old = parent.columns.iter().map(|num| Ok(format!("c{}", kept.old(*num)?))).collect::<Result<Vec<_>>>()?;
    let (ours, theirs) = (child.names()?, old.iter().zip(parent.types));
    let ours = ours.iter().zip(child.types);
    Ok(are_same(theirs.zip(ours).map(|((old, ty), (name, own_type))| {
        ((Operand::Column(KEPT, old), ty), (Operand::Column(CHILD, name), own_type))
    })))
}

/// A key of the child that one of the kept rows had, and the parent no longer has.
pub fn orphan_of(child: Side<'_>, parent: Side<'_>, types: Vec<Phys>, kept: &KeptRows) -> Result<Permit<Rendered>> {
    let (ours, test) = (child.idents()?, is_orphan(child, parent)?);
    let same = refers_to_old(child, parent, kept)?;
    let rows = format!("SELECT 1 FROM {} AS t2 WHERE {same}", kept_table(kept.table));
    let sql = format!(
        "SELECT {} FROM {} AS t0 WHERE EXISTS ({rows}) AND {test} ORDER BY t0.rowid LIMIT 1",
        shown(&ours),
        child.table()
    );
    Ok(question(sql, types))
}

/// A key of the child that one of the kept rows had, whether the parent has it again or not.
pub fn child_of(child: Side<'_>, parent: Side<'_>, types: Vec<Phys>, kept: &KeptRows) -> Result<Permit<Rendered>> {
    let (ours, same) = (child.idents()?, refers_to_old(child, parent, kept)?);
    let changed = changed(parent.columns, kept)?;
    let rows = format!("SELECT 1 FROM {} AS t2 WHERE {same}{changed}", kept_table(kept.table));
    let sql =
        format!("SELECT {} FROM {} AS t0 WHERE EXISTS ({rows}) ORDER BY t0.rowid LIMIT 1", shown(&ours), child.table());
    Ok(question(sql, types))
}

/// ` AND (t2.c1 IS DISTINCT FROM t2.c4 OR …)`: of an UPDATE's rows, those whose key is another now.
fn changed(columns: &[i16], kept: &KeptRows) -> Result<String> {
    if kept.deleted {
        return Ok(String::new());
    }
    let differs = columns
        .iter()
        .filter_map(|num| kept.new(*num).map(|new| (num, new)))
        .map(|(num, new)| Ok(format!("t2.c{} IS DISTINCT FROM t2.c{new}", kept.old(*num)?)))
        .collect::<Result<Vec<_>>>()?;
    Ok(format!(" AND ({})", if differs.is_empty() { "false".to_owned() } else { differs.join(" OR ") }))
}

/// The keys over these columns that the kept rows had (`old`) or have now, of those whose key is another now; at most `most`.
pub fn kept_keys(
    columns: &[i16],
    types: Vec<Phys>,
    kept: &KeptRows,
    old: bool,
    most: usize,
) -> Result<Permit<Rendered>> {
    let at = |num: &i16| match kept.new(*num).filter(|_| !old) {
        Some(at) => Ok(format!("t2.c{at}")),
        None => kept.old(*num).map(|at| format!("t2.c{at}")),
    };
    let shown = columns.iter().map(at).collect::<Result<Vec<_>>>()?.join(", ");
    let changed = changed(columns, kept)?;
    let sql = format!("SELECT DISTINCT {shown} FROM {} AS t2 WHERE true{changed} LIMIT {most}", kept_table(kept.table));
    Ok(question(sql, types))
}

fn kept_table(number: u32) -> String {
    format!("temp.main.dg_step_{number}")
}

/// What carries out an action of a foreign key: a table with the keys that are gone (and what has become of them), a
/// statement on the child that reads it, and what drops it.
pub struct Following {
    pub fill: Permit<Rendered>,
    pub plan: Plan,
    pub drop: Permit<Rendered>,
}

/// Plans what the rows of the child do when their keys are gone: as PostgreSQL's triggers, in the name of nobody. `number`
/// is the table's.
pub fn follow(cx: &Context, key: &Key, kept: &KeptRows, action: FkAction, number: Oid) -> Result<Following> {
    let keys = key_table(key, number);
    let mut columns = Vec::new();
    for (at, num) in key.target_columns.iter().enumerate() {
        let (old, new) = (kept.old(*num)?, kept.new(*num));
        let ident = |column: usize| column_ident(&keys, &keys.columns[column]);
        columns.push(format!("t2.c{old} AS {}", ident(2 * at)));
        columns.push(format!("t2.c{} AS {}", new.unwrap_or(old), ident(2 * at + 1)));
    }
    let (table, changed) = (table_name(&keys), changed(&key.target_columns, kept)?);
    let sql = format!(
        "CREATE OR REPLACE TEMP TABLE {table} AS SELECT DISTINCT {} FROM {} AS t2 WHERE true{changed}",
        columns.join(", "),
        kept_table(kept.table)
    );
    let mut after = (*cx.snapshot).clone();
    let text = following_text(key, &keys, action, kept.deleted);
    after.apply_in_place(&Change::PutRelation(Arc::new(keys)));
    let plan = pipeline::question_after(cx, &after, &text)?;
    Ok(Following {
        fill: planner::command(sql),
        plan,
        drop: planner::command(format!("DROP TABLE IF EXISTS temp.main.{table}")),
    })
}

/// The table of keys, as a relation of the session: `o1, n1, o2, n2 …`, old and new.
fn key_table(key: &Key, number: Oid) -> Relation {
    let mut columns = Vec::new();
    for (at, num) in key.target_columns.iter().enumerate() {
        let Some(like) = key.parent.column_by_num(*num) else { continue };
        for name in [format!("o{}", at + 1), format!("n{}", at + 1)] {
            columns.push(Column {
                num: columns.len() as i16 + 1,
                name: name.into(),
                not_null: false,
                default: None,
                identity: None,
                generated: None,
                acl: Acl::default(),
                comment: None,
                ..like.clone()
            });
        }
    }
    Relation {
        oid: number,
        namespace: TEMPORARY.into(),
        name: format!("dg_keys_{number}").into(),
        owner: builtin::SUPERUSER,
        managed: Managed::Sql,
        temporary: true,
        kind: RelationKind::Table,
        columns,
        constraints: Vec::new(),
        indexes: Vec::new(),
        acl: Acl::default(),
        comment: None,
        row_type: 0,
        row_array_type: 0,
        on_conflict: OnConflictDefault::default(),
        rules: Default::default(),
        storage: Storage::Numbered,
        last_dropped: 0,
        partitioning: Default::default(),
        details: Default::default(),
    }
}

/// The columns, of those by these names, that what follows sets: all, if a DELETE's SET names none.
fn set_names<'a>(key: &'a Key, names: &'a [String], deleted: bool) -> impl Iterator<Item = (usize, &'a String)> {
    let sets = if deleted { key.constraint.delete_sets.as_slice() } else { &[] };
    let is_set = move |i: usize| sets.is_empty() || key.columns.get(i).is_some_and(|num| sets.contains(num));
    names.iter().enumerate().filter(move |(i, _)| is_set(*i))
}

/// `DELETE FROM child AS c USING keys AS k WHERE c.a = k.o1`, `UPDATE child AS c SET a = k.n1 FROM keys AS k WHERE …`
fn following_text(key: &Key, keys: &Relation, action: FkAction, deleted: bool) -> String {
    let child = format!("{}.{}", expression::quote(&key.child.namespace), expression::quote(&key.child.name));
    let keys = format!("{}.{}", expression::quote(&keys.namespace), expression::quote(&keys.name));
    let columns = key.columns.iter().filter_map(|num| key.child.column_by_num(*num));
    let names: Vec<String> = columns.map(|c| expression::quote(&c.name)).collect();
    let same = all(names.iter().enumerate().map(|(i, name)| format!("c.{name} = k.o{}", i + 1)));
    if deleted && action == FkAction::Cascade {
        return format!("DELETE FROM {child} AS c USING {keys} AS k WHERE {same}");
    }
    let set = set_names(key, &names, deleted).map(|(i, name)| match action {
        FkAction::Cascade => format!("{name} = k.n{}", i + 1),
        FkAction::SetDefault => format!("{name} = DEFAULT"),
        FkAction::SetNull | FkAction::NoAction | FkAction::Restrict => format!("{name} = NULL"),
    });
    let set = set.collect::<Vec<_>>().join(", ");
    format!("UPDATE {child} AS c SET {set} FROM {keys} AS k WHERE {same}")
}

/// The statement that PostgreSQL's trigger would run for one row, as the CONTEXT of its errors shows it.
pub fn following_context(key: &Key, action: FkAction, deleted: bool) -> String {
    let quoted = |name: &str| physical::quote(name);
    let table = format!("{}.{}", quoted(&key.child.namespace), quoted(&key.child.name));
    let columns: Vec<_> = key.columns.iter().filter_map(|num| key.child.column_by_num(*num)).collect();
    let names: Vec<String> = columns.iter().map(|c| quoted(&c.name)).collect();
    let cascades = action == FkAction::Cascade && !deleted;
    let first = if cascades { names.len() + 1 } else { 1 };
    let text = |of: Option<&Column>| match of.map(|c| c.ty.oid) {
        Some(oid::VARCHAR) => "::pg_catalog.text",
        _ => "",
    };
    let same = all(columns.iter().zip(&key.target_columns).enumerate().map(|(i, (column, target))| {
        let (theirs, ours) = (text(key.parent.column_by_num(*target)), text(Some(column)));
        format!("${}{theirs} OPERATOR(pg_catalog.=) {}{ours}", first + i, names[i])
    }));
    let set = set_names(key, &names, deleted).map(|(i, name)| match action {
        FkAction::Cascade => format!("{name} = ${}", i + 1),
        FkAction::SetDefault => format!("{name} = DEFAULT"),
        FkAction::SetNull | FkAction::NoAction | FkAction::Restrict => format!("{name} = NULL"),
    });
    let set = set.collect::<Vec<_>>().join(", ");
    match action == FkAction::Cascade && deleted {
        true => format!("SQL statement \"DELETE FROM ONLY {table} WHERE {same}\""),
        false => format!("SQL statement \"UPDATE ONLY {table} SET {set} WHERE {same}\""),
    }
}
