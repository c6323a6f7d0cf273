//! COPY FROM as an insert whose rows the client sends.
//!
//! The feed has the copied columns, and behind them a boolean one for each that has a default where DEFAULT may stand in the
//! data: `COPY t (a, b) … DEFAULT '\D'` with a default for b inserts `a, CASE WHEN flag THEN default ELSE b END`.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlparser::ast;

use super::Analyzer;
use super::check::{substitute, walk};
use super::drawn::{draws, none_drawn_again};
use super::insert::Cell;
use super::scope::{Clause, Scope};
use crate::error::{Error, Result, SqlState};
use crate::registry::{ConstraintKind, OnConflictDefault, Relation as TableDef};
use crate::sql::parse;
use crate::tree::{
    ConflictAction, Expr, ExprKind, Insert, InsertSource, OnConflict, Overriding, RelColumn, RelId, Relation, Source,
};
use crate::types::{PgType, oid};

/// What a client sends, and what becomes of it.
pub(super) struct CopyFeed<'a> {
    /// The copied columns.
    pub sent: &'a [u16],
    /// Those of them, by their places, that may be DEFAULT.
    pub flagged: &'a [usize],
    pub on_conflict: OnConflictDefault,
}

impl Analyzer<'_> {
    /// An insert whose rows the client sends.
    pub(super) fn feed_insert(
        &mut self,
        def: &Arc<TableDef>,
        feed: &CopyFeed<'_>,
        filter: Option<&ast::Expr>,
    ) -> Result<Insert> {
        self.scopes.push(Scope::default());
        let result = self.feed_insert_in_scope(def, feed, filter);
        self.scopes.pop();
        result
    }

    fn feed_insert_in_scope(
        &mut self,
        def: &Arc<TableDef>,
        feed: &CopyFeed<'_>,
        filter: Option<&ast::Expr>,
    ) -> Result<Insert> {
        let all = super::from::table_columns(def);
        let sent: Vec<_> = feed.sent.iter().map(|i| all[usize::from(*i)].clone()).collect();
        let rel = self.new_rel();
        let values = self.feed_values(def, feed, rel, &sent)?;
        let filter = match filter {
            None => None,
            Some(filter) => {
                let (columns, defaults) = self.filtered(def, feed, &all, &values)?;
                self.scope().add_columns(&def.name, rel, &columns);
                let mut filter = self.condition(filter, Clause::CopyWhere, "WHERE")?;
                with_defaults(&mut filter, rel, &defaults)?;
                self.scope().items.clear();
                Some(filter)
            }
        };
        let cells = feed.sent.iter().copied().zip(values.into_iter().map(Cell::Value)).collect();
        let (written, exprs) = self.fill_row(def, cells, Overriding::System)?;
        none_drawn_again("COPY FROM", def, &written, &exprs)?;
        let target = self.target_relation(def, Arc::clone(&def.name), 0);
        self.scope_target(&target, def, false);
        let (on_conflict, excluded) = self.feed_conflict(def, &target, feed)?;
        let flag = RelColumn { name: "".into(), ty: PgType::new(oid::BOOL), attnum: 0 };
        let columns = sent.into_iter().chain(std::iter::repeat_n(flag, feed.flagged.len())).collect();
        let feed_rel =
            Relation { id: rel, alias: Arc::clone(&def.name), source: Source::Feed, columns, lateral: false, pos: 0 };
        Ok(Insert {
            ctes: Vec::new(),
            recursive: false,
            target,
            columns: written,
            named: feed.sent.to_vec(),
            source: InsertSource::Feed { rel: feed_rel, exprs, filter },
            on_conflict,
            excluded,
            xmax: None,
            returning: crate::tree::Returning::default(),
            overriding: Overriding::System,
            rules: None,
            through: None,
        })
    }

    /// What each copied column gets: its field, or its default where the flag says so.
    fn feed_values(
        &mut self,
        def: &Arc<TableDef>,
        feed: &CopyFeed<'_>,
        rel: RelId,
        sent: &[RelColumn],
    ) -> Result<Vec<Expr>> {
        let column = |at: usize| ExprKind::Column { rel, column: at as u16 };
        let mut values = Vec::with_capacity(sent.len());
        for (place, own) in sent.iter().enumerate() {
            let field = self.sent_value(&column(place), own.ty)?;
            values.push(match feed.flagged.iter().position(|flagged| *flagged == place) {
                None => field,
                Some(nth) => {
                    let default = self.column_default(def, &def.columns[usize::from(feed.sent[place])])?;
                    let flag = Expr { kind: column(sent.len() + nth), ty: PgType::new(oid::BOOL), pos: 0 };
                    let kind = ExprKind::Case {
                        simple: false,
                        whens: vec![(flag, default)],
                        otherwise: Some(Box::new(field)),
                    };
                    Expr { kind, ty: own.ty, pos: 0 }
                }
            });
        }
        Ok(values)
    }

    /// What WHERE sees: the columns that are sent, then those that are not; and the values of those that are no fields.
    fn filtered(
        &mut self,
        def: &TableDef,
        feed: &CopyFeed<'_>,
        all: &[RelColumn],
        values: &[Expr],
    ) -> Result<(Vec<RelColumn>, BTreeMap<u16, Expr>)> {
        let flagged = feed.flagged.iter().filter_map(|place| Some((*place as u16, values.get(*place)?.clone())));
        let mut defaults: BTreeMap<u16, Expr> = flagged.collect();
        let mut columns: Vec<RelColumn> = feed.sent.iter().map(|i| all[usize::from(*i)].clone()).collect();
        // Behind the fields of the feed there are the flags.
        let flag = RelColumn { name: "".into(), ty: PgType::new(oid::BOOL), attnum: -1 };
        columns.extend(std::iter::repeat_n(flag, feed.flagged.len()));
        for (i, column) in def.columns.iter().enumerate() {
            if feed.sent.contains(&(i as u16)) || column.generated.is_some() {
                continue;
            }
            defaults.insert(columns.len() as u16, self.column_default(def, column)?);
            columns.push(all[i].clone());
        }
        Ok((columns, defaults))
    }

    /// ON_CONFLICT as the clause that INSERT would have.
    fn feed_conflict(
        &mut self,
        def: &Arc<TableDef>,
        target: &Relation,
        feed: &CopyFeed<'_>,
    ) -> Result<(Option<OnConflict>, Option<RelId>)> {
        match feed.on_conflict {
            OnConflictDefault::Error => Ok((None, None)),
            OnConflictDefault::Ignore => {
                let action = ConflictAction::Nothing;
                Ok((Some(OnConflict { arbiter: Vec::new(), checked: None, read: Vec::new(), action }), None))
            }
            OnConflictDefault::Update => {
                let clause = update_clause(def, feed.sent)?;
                let (clause, excluded) = self.on_conflict(def, target, &clause)?;
                Ok((Some(clause), excluded))
            }
        }
    }
}

/// WHERE sees a row with its defaults.
fn with_defaults(filter: &mut Expr, rel: RelId, defaults: &BTreeMap<u16, Expr>) -> Result<()> {
    let mut drawn_twice = false;
    walk(filter, 0, &mut |part, _| {
        if let ExprKind::Column { rel: of, column } = part.kind
            && of == rel
        {
            drawn_twice |= defaults.get(&column).is_some_and(draws);
        }
        Ok(true)
    })?;
    if drawn_twice {
        return Err(Error::unsupported("COPY FROM WHERE over a column whose default differs from row to row")
            .hint("Load the rows without WHERE and delete those that are not wanted, or send no DEFAULT."));
    }
    substitute(filter, rel, &|column| defaults.get(&column).cloned());
    Ok(())
}

/// True if what COPY writes depends on the order of its rows: numbers are drawn for them, or of several with one key one is
/// kept.
pub(crate) fn needs_order(insert: &Insert) -> bool {
    let InsertSource::Feed { rel: _, exprs, filter } = &insert.source else { return true };
    insert.on_conflict.is_some() || exprs.iter().chain(filter).any(draws)
}

/// `ON CONFLICT (key) DO UPDATE SET column = excluded.column, …` over the copied columns.
fn update_clause(def: &TableDef, sent: &[u16]) -> Result<ast::OnConflict> {
    let of = |primary: bool| {
        def.constraints.iter().find_map(move |constraint| match &constraint.kind {
            ConstraintKind::PrimaryKey { columns } if primary => Some(columns),
            ConstraintKind::Unique { columns, .. } if !primary => Some(columns),
            ConstraintKind::PrimaryKey { .. }
            | ConstraintKind::Unique { .. }
            | ConstraintKind::ForeignKey { .. }
            | ConstraintKind::Check { .. }
            | ConstraintKind::Exclusion { .. } => None,
        })
    };
    let Some(key) = of(true).or_else(|| of(false)) else {
        let message = format!("COPY ON_CONFLICT update needs a key, and \"{}\" has none", def.name);
        return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message)
            .hint("Give the table a primary key or a unique constraint."));
    };
    let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let keys: Vec<String> = key.iter().filter_map(|num| def.column_by_num(*num)).map(|c| quote(&c.name)).collect();
    let columns = sent.iter().map(|i| &def.columns[usize::from(*i)]);
    let mut sets: Vec<String> = columns.filter(|c| !key.contains(&c.num)).map(|c| quote(&c.name)).collect();
    if sets.is_empty() {
        sets.clone_from(&keys);
    }
    let sets: Vec<String> = sets.into_iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let text = format!("INSERT INTO t VALUES (1) ON CONFLICT ({}) DO UPDATE SET {}", keys.join(", "), sets.join(", "));
    let parsed = parse::parse(&text)?;
    if let Some(parse::Body::Statement(statement)) = parsed.first().map(|p| &*p.body)
        && let ast::Statement::Insert(insert) = &**statement
        && let Some(ast::OnInsert::OnConflict(clause)) = &insert.on
    {
        return Ok(clause.clone());
    }
    Err(Error::internal("COPY made no ON CONFLICT"))
}
