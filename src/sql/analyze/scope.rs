//! Names in scope: query levels, their relations and columns, and looking them up (parse_relation).

use std::sync::Arc;

use super::stored::Stored;
use super::{Analyzer, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::registry::build::SYSTEM_COLUMNS;
use crate::tree::{CteId, Field, RelColumn, RelId};
use crate::types::{Oid, PgType, Value, oid};

/// The clause that an expression stands in, for what may stand there and how messages call it (ParseExprKind).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Clause {
    #[default]
    Other,
    From,
    JoinOn,
    Where,
    Having,
    Filter,
    Target,
    GroupBy,
    OrderBy,
    DistinctOn,
    Limit,
    Offset,
    WindowPartition,
    WindowOrder,
    WindowFrame,
    Values,
    Update,
    Returning,
    CopyWhere,
    MergeWhen,
    Execute,
    Call,
    Stored(Stored),
}

impl Clause {
    /// How messages call the clause where aggregates, window functions or sets are refused; None where they may stand.
    pub(crate) fn refuses_aggregates(self) -> Option<&'static str> {
        Some(match self {
            Self::From => "functions in FROM",
            Self::JoinOn => "JOIN conditions",
            Self::Where => "WHERE",
            Self::Filter => "FILTER",
            Self::GroupBy => "GROUP BY",
            Self::Limit => "LIMIT",
            Self::Offset => "OFFSET",
            Self::WindowFrame => "window RANGE",
            Self::Values => "VALUES",
            Self::Update => "UPDATE",
            Self::Returning => "RETURNING",
            Self::CopyWhere => "COPY FROM WHERE conditions",
            Self::MergeWhen => "MERGE WHEN conditions",
            Self::Execute => "EXECUTE parameters",
            Self::Call => "CALL arguments",
            Self::Stored(stored) => stored.many(),
            Self::Other => "this expression",
            _ => return None,
        })
    }

    pub(crate) fn refuses_windows(self) -> Option<&'static str> {
        Some(match self {
            Self::Target | Self::OrderBy | Self::DistinctOn => return None,
            Self::Having => "HAVING",
            Self::WindowPartition | Self::WindowOrder | Self::WindowFrame => "window definitions",
            other => return other.refuses_aggregates(),
        })
    }

    pub(crate) fn refuses_sets(self) -> Option<&'static str> {
        Some(match self {
            Self::Target | Self::OrderBy | Self::DistinctOn | Self::GroupBy | Self::From => return None,
            Self::WindowPartition | Self::WindowOrder => return None,
            Self::Values => return Some("VALUES"),
            Self::Having => "HAVING",
            other => return other.refuses_aggregates(),
        })
    }
}

/// One column of a namespace item: its name, and the expression that it stands for.
#[derive(Debug, Clone)]
pub(crate) struct NsColumn {
    pub name: Name,
    pub expr: Expr,
    /// System columns are found by name but are no part of `*`.
    pub hidden: bool,
}

/// A relation or join as names see it (ParseNamespaceItem).
#[derive(Debug, Clone)]
pub(crate) struct NsItem {
    pub alias: Name,
    /// The namespace of a table that goes by its own name: `public.t.a` finds it.
    pub namespace: Option<Name>,
    /// None for a join.
    pub rel: Option<RelId>,
    pub row_type: Oid,
    /// Shared: each join sees the items of its sides.
    pub columns: Arc<[NsColumn]>,
    pub rel_visible: bool,
    pub cols_visible: bool,
    pub lateral_only: bool,
    pub lateral_ok: bool,
}

/// A CTE as queries under its WITH see it.
#[derive(Debug, Clone)]
pub(crate) struct CteEntry {
    pub name: Name,
    pub id: CteId,
    pub columns: Vec<Field>,
    /// How many of its columns (the last) SEARCH and CYCLE add.
    pub added: usize,
    /// It is being analyzed: who reads it is its recursive term.
    pub in_progress: bool,
    /// What it adds wherever it is read.
    pub size: super::size::Size,
}

/// One query level.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub items: Vec<NsItem>,
    pub ctes: Vec<CteEntry>,
    /// CTEs of the same WITH that come later.
    pub future_ctes: Vec<Name>,
    /// Relations that exist but cannot be referred to here (INSERT's target in its source).
    pub hidden: Vec<NsItem>,
    /// What the statement of this level changes.
    pub target: Option<RelId>,
    /// The view that the target was named as.
    pub view: Option<Arc<super::view_target::ViewTarget>>,
    /// All relations of this level, joined ones too.
    pub rels: Vec<RelId>,
    pub lateral_active: bool,
    pub clause: Clause,
    pub in_aggregate: bool,
    /// Inside of an aggregate's FILTER: the level ([`Analyzer::aggregate_level`]) of that aggregate.
    pub filtered: Option<usize>,
    pub has_aggregates: bool,
    /// A relation of this level is the recursive query that the level belongs to.
    pub reads_recursion: bool,
    pub has_windows: bool,
    pub windows: Vec<(Name, crate::tree::WindowSpec)>,
    /// Grouping expressions, for GROUPING().
    pub grouping_calls: Vec<(Vec<Expr>, u32)>,
}

impl Scope {
    /// A relation's columns under a name, as `expression` gives them.
    pub(crate) fn add_columns(&mut self, alias: &str, rel: RelId, columns: &[RelColumn]) {
        self.rels.push(rel);
        self.items.push(NsItem::new(alias.into(), rel, columns));
    }
}

impl NsItem {
    pub(crate) fn new(alias: Name, rel: RelId, columns: &[RelColumn]) -> Self {
        let column = |(i, c): (usize, &RelColumn)| NsColumn {
            name: Arc::clone(&c.name),
            expr: Expr { kind: ExprKind::Column { rel, column: i as u16 }, ty: c.ty, pos: 0 },
            hidden: c.attnum < 0,
        };
        Self {
            alias,
            namespace: None,
            rel: Some(rel),
            row_type: oid::RECORD,
            columns: columns.iter().enumerate().map(column).collect(),
            rel_visible: true,
            cols_visible: true,
            lateral_only: false,
            lateral_ok: true,
        }
    }
}

impl Analyzer<'_> {
    pub(crate) fn scope(&mut self) -> &mut Scope {
        if self.scopes.is_empty() {
            self.scopes.push(Scope::default());
        }
        let last = self.scopes.len() - 1;
        &mut self.scopes[last]
    }

    /// Runs a step with another clause, and gives the old one back.
    pub(crate) fn in_clause<T>(&mut self, clause: Clause, step: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = std::mem::replace(&mut self.scope().clause, clause);
        let result = step(self);
        self.scope().clause = before;
        result
    }

    /// An unqualified column (colNameToVar): the innermost level that has it.
    pub(crate) fn find_column(&mut self, name: &str, pos: u32) -> Result<Option<Expr>> {
        for scope in self.scopes.iter().rev() {
            let mut found: Option<&NsColumn> = None;
            for item in scope.items.iter().filter(|i| i.cols_visible && (!i.lateral_only || scope.lateral_active)) {
                for column in item.columns.iter().filter(|c| &*c.name == name) {
                    if found.is_some() {
                        let message = format!("column reference \"{name}\" is ambiguous");
                        return Err(Error::new(SqlState::AMBIGUOUS_COLUMN, message).at(pos));
                    }
                    check_lateral(scope, item, pos)?;
                    found = Some(column);
                }
            }
            if let Some(column) = found {
                return Ok(Some(at(column.expr.clone(), pos)));
            }
        }
        Ok(None)
    }

    /// The namespace item that a (qualified) relation name means (refnameNamespaceItem).
    pub(crate) fn find_item(&self, namespace: Option<&str>, name: &str, pos: u32) -> Result<Option<&NsItem>> {
        for scope in self.scopes.iter().rev() {
            let mut found: Option<&NsItem> = None;
            for item in scope.items.iter().filter(|i| i.rel_visible && (!i.lateral_only || scope.lateral_active)) {
                let matches = &*item.alias == name
                    && match namespace {
                        None => true,
                        Some(namespace) => item.namespace.as_deref() == Some(namespace),
                    };
                if !matches {
                    continue;
                }
                if found.is_some() {
                    let message = format!("table reference \"{name}\" is ambiguous");
                    return Err(Error::new(SqlState::AMBIGUOUS_ALIAS, message).at(pos));
                }
                check_lateral(scope, item, pos)?;
                found = Some(item);
            }
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// errorMissingRTE.
    pub(crate) fn missing_relation(&self, namespace: Option<&str>, name: &str, pos: u32) -> Error {
        let shown = namespace.map_or_else(|| name.to_owned(), |n| format!("{n}.{name}"));
        let items = || self.scopes.iter().rev().flat_map(|s| &s.items);
        // Under an alias the table's own name is gone.
        let aliased = items().find(|i| {
            let def = i.rel.and_then(|r| self.rel_tables.get(&r));
            i.namespace.is_none() && def.is_some_and(|d| &*d.name == name && *i.alias != *d.name)
        });
        if let Some(item) = aliased {
            let message = format!("invalid reference to FROM-clause entry for table \"{name}\"");
            return Error::new(SqlState::UNDEFINED_TABLE, message)
                .hint(format!("Perhaps you meant to reference the table alias \"{}\".", item.alias))
                .at(pos);
        }
        let hidden = items().chain(self.scopes.iter().rev().flat_map(|s| &s.hidden)).find(|i| &*i.alias == name);
        match hidden {
            Some(item) if namespace.is_none() => {
                let message = format!("invalid reference to FROM-clause entry for table \"{name}\"");
                let hint = format!(
                    "There is an entry for table \"{}\", but it cannot be referenced from this part of the query.",
                    item.alias
                );
                Error::new(SqlState::UNDEFINED_TABLE, message).hint(hint).at(pos)
            }
            _ => Error::new(SqlState::UNDEFINED_TABLE, format!("missing FROM-clause entry for table \"{shown}\""))
                .at(pos),
        }
    }

    /// errorMissingColumn, with the hint that PostgreSQL gives for near misses.
    pub(crate) fn missing_column(&self, relation: Option<&str>, name: &str, pos: u32) -> Error {
        let shown = relation.map_or_else(|| format!("\"{name}\""), |r| format!("{r}.{name}"));
        let error = Error::new(SqlState::UNDEFINED_COLUMN, format!("column {shown} does not exist")).at(pos);
        let unreachable = self.scopes.iter().flat_map(|s| {
            let lateral = s.items.iter().filter(|i| i.lateral_only && !s.lateral_active);
            lateral.chain(&s.hidden)
        });
        let mut unreachable = unreachable.filter(|i| i.columns.iter().any(|c| !c.hidden && &*c.name == name));
        if let (None, Some(item)) = (relation, unreachable.next()) {
            return error.hint(format!(
                "There is a column named \"{name}\" in table \"{}\", but it cannot be referenced from this part of the query.",
                item.alias
            ));
        }
        let mut best: Option<(usize, String)> = None;
        let mut ties = 0;
        for item in self.scopes.iter().flat_map(|s| &s.items).filter(|i| i.rel.is_some()) {
            if relation.is_some_and(|r| r != &*item.alias) {
                continue;
            }
            for column in item.columns.iter().filter(|c| !c.hidden) {
                let distance = levenshtein(&column.name, name);
                // PostgreSQL looks no further than half the name, and at most three edits.
                if distance > 3 || distance * 2 > name.chars().count() {
                    continue;
                }
                match &best {
                    Some((d, _)) if *d < distance => {}
                    Some((d, _)) if *d == distance => ties += 1,
                    _ => {
                        best = Some((distance, format!("{}.{}", item.alias, column.name)));
                        ties = 0;
                    }
                }
            }
        }
        match best {
            Some((_, near)) if ties == 0 => {
                error.hint(format!("Perhaps you meant to reference the column \"{near}\"."))
            }
            _ => error,
        }
    }

    /// A system column that every table has; `xmax` only in RETURNING of an INSERT.
    pub(crate) fn system_column(&self, item: &NsItem, name: &str, pos: u32) -> Result<Option<Expr>> {
        let Some(rel) = item.rel else { return Ok(None) };
        let Some(def) = self.rel_tables.get(&rel) else { return Ok(None) };
        let (value, ty) = match name {
            "tableoid" if def.is_partitioned() => return Ok(None),
            "tableoid" => (def.oid, oid::OID),
            // Rows of the catalog have one age.
            "xmin" if matches!(def.kind, crate::registry::RelationKind::System) => (2, oid::XID),
            "xmax" => match self.xmax {
                Some(Xmax { target, level, .. })
                    if target == rel && level == self.scopes.len() && def.is_partitioned() =>
                {
                    let message = "cannot retrieve a system column in this context";
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
                }
                Some(Xmax { target, level, of }) if target == rel && level == self.scopes.len() => match of {
                    Some(of) => {
                        let kind = ExprKind::Column { rel: of, column: 0 };
                        return Ok(Some(Expr { kind, ty: PgType::new(oid::XID), pos }));
                    }
                    // No transaction has changed or locked a row that is new.
                    None => (0, oid::XID),
                },
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        self.system_read.borrow_mut().push(rel);
        let constant = Expr { kind: ExprKind::Const(Value::Oid(value)), ty: PgType::new(ty), pos };
        if !self.nullable.contains(&rel) {
            return Ok(Some(constant));
        }
        // NULL where an outer join found no row, which a column that is never NULL tells.
        let told = def.columns.iter().position(|c| c.not_null).and_then(|i| item.columns.get(i));
        let told = told.ok_or_else(|| {
            let what = format!("the system column \"{name}\" on the nullable side of an outer join");
            Error::unsupported(what).hint("The table has no column that is NOT NULL.").at(pos)
        })?;
        let there = ExprKind::IsNull { arg: Box::new(at(told.expr.clone(), pos)), not: true, whole: false };
        let there = Expr { kind: there, ty: PgType::new(oid::BOOL), pos };
        let kind = ExprKind::Case { simple: false, whens: vec![(there, constant)], otherwise: None };
        Ok(Some(Expr { kind, ty: PgType::new(ty), pos }))
    }

    /// What `step` gives, and the relations of which it has read a system column that is a constant.
    pub(crate) fn noting_system_columns<T>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<(T, Vec<RelId>)> {
        let outer = std::mem::take(self.system_read.get_mut());
        let done = step(self);
        let read = std::mem::replace(self.system_read.get_mut(), outer);
        Ok((done?, read))
    }

    /// System columns in an expression that is kept: a CHECK and a generated column take but `tableoid`, or none.
    pub(crate) fn refuse_kept_system_column(&self, name: &str, pos: u32) -> Result<()> {
        // A domain's value goes by that name, and has no row around it.
        let row = self.scopes.last().filter(|scope| scope.items.iter().any(|item| &*item.alias != "value"));
        let Some(Clause::Stored(kind)) = row.map(|scope| scope.clause) else { return Ok(()) };
        if !SYSTEM_COLUMNS.contains(&name) {
            return Ok(());
        }
        let invalid = |message| Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).at(pos));
        match kind {
            Stored::Check if name != "tableoid" => {
                invalid(format!("system column \"{name}\" reference in check constraint is invalid"))
            }
            Stored::Generated if name != "tableoid" => {
                invalid(format!("cannot use system column \"{name}\" in column generation expression"))
            }
            Stored::Check | Stored::Generated | Stored::Policy | Stored::Mask | Stored::Transform => {
                Err(Error::unsupported(format!("the system column \"{name}\" in an expression of a table")).at(pos))
            }
            // These have words of their own.
            Stored::Default
            | Stored::IndexExpression
            | Stored::IndexPredicate
            | Stored::PartitionKey
            | Stored::PartitionBound => Ok(()),
        }
    }

    /// System columns that DuckDB has nothing for.
    pub(crate) fn refuse_system_column(name: &str, pos: u32) -> Result<()> {
        match name {
            "ctid" | "xmin" | "xmax" | "cmin" | "cmax" => {
                Err(Error::unsupported(format!("the system column \"{name}\"")).at(pos))
            }
            _ => Ok(()),
        }
    }

    /// Refuses two items of one name (checkNameSpaceConflicts).
    pub(crate) fn check_conflicts(&self, left: &[NsItem], right: &[NsItem]) -> Result<()> {
        for a in left.iter().filter(|i| i.rel_visible) {
            for b in right.iter().filter(|i| i.rel_visible && i.alias == a.alias) {
                // Two tables of different namespaces may go by the same name.
                if a.namespace.is_some() && b.namespace.is_some() && a.namespace != b.namespace {
                    continue;
                }
                let message = format!("table name \"{}\" specified more than once", b.alias);
                return Err(Error::new(SqlState::DUPLICATE_ALIAS, message));
            }
        }
        Ok(())
    }

    /// The CTE of that name, innermost first; true beside it if its level is the current one.
    pub(crate) fn find_cte(&mut self, name: &str) -> Option<&mut CteEntry> {
        self.scopes.iter_mut().rev().find_map(|s| s.ctes.iter_mut().rev().find(|c| &*c.name == name))
    }
}

fn check_lateral(scope: &Scope, item: &NsItem, pos: u32) -> Result<()> {
    if !item.lateral_only || item.lateral_ok {
        return Ok(());
    }
    let message = format!("invalid reference to FROM-clause entry for table \"{}\"", item.alias);
    let error = Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).at(pos);
    Err(if scope.target.is_some() && scope.target == item.rel {
        error.hint(format!(
            "There is an entry for table \"{}\", but it cannot be referenced from this part of the query.",
            item.alias
        ))
    } else {
        error.detail("The combining JOIN type must be INNER or LEFT for a LATERAL reference.")
    })
}

pub(crate) fn at(mut expr: Expr, pos: u32) -> Expr {
    expr.pos = pos;
    expr
}

fn levenshtein(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let change = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Where `xmax` is known: RETURNING of an INSERT, outside of its subqueries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Xmax {
    pub target: RelId,
    /// The number of open scopes there.
    pub level: usize,
    /// The relation of its only column; `None` without ON CONFLICT.
    pub of: Option<RelId>,
}
