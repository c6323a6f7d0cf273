//! WITH (parse_cte): queries and data-modifying statements by name, recursive ones too.

use std::sync::Arc;

use sqlparser::ast::{self, SetExpr, SetOperator, SetQuantifier};

use super::from::{Item, fields_to_columns};
use super::recursion::Plan;
use super::scope::{CteEntry, Scope};
use super::{Analyzer, CteId};
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::sql::parse::fold;
use crate::sql::parse::rewrite::CteClauses;
use crate::tree::{Body, Cte, CteBody, Field, Query, Relation, SetOp, Source};
use crate::types::PgType;

impl Analyzer<'_> {
    /// The CTEs of a WITH, put into the current level's scope one by one. True: WITH RECURSIVE.
    pub(crate) fn with_clause(&mut self, with: Option<&ast::With>) -> Result<(Vec<Cte>, bool)> {
        let Some(with) = with else { return Ok((Vec::new(), false)) };
        let mut names: Vec<Name> = Vec::new();
        for cte in &with.cte_tables {
            let name = fold(&cte.alias.name);
            if names.contains(&name) {
                let message = format!("WITH query name \"{name}\" specified more than once");
                return Err(Error::new(SqlState::DUPLICATE_ALIAS, message).at(self.pos(cte.alias.name.span)));
            }
            names.push(name);
        }
        let plan = if with.recursive {
            self.recursion(with)?
        } else {
            Plan { order: (0..names.len()).collect(), recursive: vec![false; names.len()] }
        };
        let mut out = Vec::with_capacity(with.cte_tables.len());
        if !with.recursive {
            self.scope().future_ctes = names;
        }
        for index in plan.order {
            if !with.recursive {
                self.scope().future_ctes.remove(0);
            }
            let cte = self.cte(&with.cte_tables[index], plan.recursive[index])?;
            out.push(cte);
        }
        let recursive = out.iter().any(|c| c.recursive);
        Ok((out, recursive))
    }

    fn cte(&mut self, cte: &ast::Cte, recursive: bool) -> Result<Cte> {
        let name = fold(&cte.alias.name);
        if self.clauses(cte).is_some() && !recursive {
            return Err(Error::syntax("WITH query is not recursive").at(self.pos(cte.alias.name.span)));
        }
        let id = self.new_cte();
        let materialized = cte.materialized.as_ref().map(|m| matches!(m, ast::CteAsMaterialized::Materialized));
        let ((query, columns, recursive), size) = self.measured(|a| a.cte_body(cte, &name, id, recursive))?;
        let columns = rename(columns, cte, &name).map_err(|e| e.at(self.pos(cte.alias.name.span)))?;
        self.scope().ctes.push(CteEntry {
            name: Arc::clone(&name),
            id,
            columns: columns.clone(),
            added: 0,
            in_progress: false,
            size,
        });
        let named = cte.alias.columns.len() as u16;
        let extended = self.clauses(cte).is_some();
        Ok(Cte { id, name, query, columns, materialized, recursive, named, extended })
    }

    fn cte_body(
        &mut self,
        cte: &ast::Cte,
        name: &Name,
        id: CteId,
        recursive: bool,
    ) -> Result<(CteBody, Vec<Field>, bool)> {
        Ok(match &*cte.query.body {
            SetExpr::Merge(_) => {
                let message = "MERGE not supported in WITH query";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(self.pos(cte.alias.name.span)));
            }
            SetExpr::Insert(s) | SetExpr::Update(s) | SetExpr::Delete(s) => {
                if self.scopes.len() > 1 {
                    let message = "WITH clause containing a data-modifying statement must be at the top level";
                    let pos = self.pos(cte.alias.name.span);
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(pos));
                }
                self.data_modifying(s)?
            }
            _ if recursive => self.recursive_cte(cte, name, id)?,
            _ => {
                let mut query = self.query(&cte.query)?;
                self.resolve_unknown_outputs(&mut query)?;
                let columns = query.columns.clone();
                (CteBody::Query(Box::new(query)), columns, false)
            }
        })
    }

    fn data_modifying(&mut self, statement: &ast::Statement) -> Result<(CteBody, Vec<Field>, bool)> {
        Ok(match statement {
            ast::Statement::Insert(insert) => {
                let insert = self.insert(insert)?;
                let columns = insert.returning.columns.clone();
                (CteBody::Insert(Box::new(insert)), columns, false)
            }
            ast::Statement::Update(update) => {
                let update = self.update(update)?;
                let columns = update.returning.columns.clone();
                (CteBody::Update(Box::new(update)), columns, false)
            }
            ast::Statement::Delete(delete) => {
                let delete = self.delete(delete)?;
                let columns = delete.returning.columns.clone();
                (CteBody::Delete(Box::new(delete)), columns, false)
            }
            _ => return Err(Error::internal("no data-modifying statement")),
        })
    }

    /// `non-recursive term UNION [ALL] recursive term`: the first decides the columns' types, the second may read them.
    fn recursive_cte(&mut self, cte: &ast::Cte, name: &Name, id: CteId) -> Result<(CteBody, Vec<Field>, bool)> {
        let mut query = &*cte.query;
        while let SetExpr::Query(inner) = &*query.body {
            query = inner;
        }
        let SetExpr::SetOperation { left, op: SetOperator::Union, set_quantifier, right } = &*query.body else {
            return Err(Error::internal("recursive CTE without UNION"));
        };
        // The level of the CTE's own query.
        self.scopes.push(Scope::default());
        let all = matches!(set_quantifier, SetQuantifier::All);
        let result = self.recursive_terms(cte, name, id, query.with.as_ref(), (left, all, right));
        self.scopes.pop();
        result
    }

    fn recursive_terms(
        &mut self,
        cte: &ast::Cte,
        name: &Name,
        id: CteId,
        with: Option<&ast::With>,
        (left, all, right): (&SetExpr, bool, &SetExpr),
    ) -> Result<(CteBody, Vec<Field>, bool)> {
        let (inner_ctes, _) = self.with_clause(with)?;
        let (mut left, mut right) = (left, right);
        let mut start = self.query(&as_query(left))?;
        self.resolve_unknown_outputs(&mut start)?;
        let mut columns = rename(start.columns.clone(), cte, name)?;
        let extended;
        let mut added = 0;
        if let Some(clauses) = self.clauses(cte) {
            let names: Vec<Name> = columns.iter().map(|f| Arc::clone(&f.name)).collect();
            extended = self.search_and_cycle(name, &names, &clauses, (left, right))?;
            (left, right, added) = (&extended.left, &extended.right, extended.names.len());
            start = self.query(&as_query(left))?;
            self.resolve_unknown_outputs(&mut start)?;
            columns = start.columns.clone();
        }
        self.scope().ctes.push(CteEntry {
            name: Arc::clone(name),
            id,
            columns: columns.clone(),
            added,
            in_progress: true,
            size: Default::default(),
        });
        let step = self.query(&as_query(right))?;
        self.scope().ctes.pop();
        if step.columns.len() != start.columns.len() {
            return Err(Error::syntax("each UNION query must have the same number of columns"));
        }
        self.check_recursive_types(name, &columns, &start, &step)?;
        if !all {
            for (i, column) in columns.iter().enumerate() {
                self.check_groupable(column.ty.oid, super::setop::output_pos(&start, i))?;
            }
        }
        for (column, next) in columns.iter_mut().zip(&step.columns) {
            column.row = column.row.take().filter(|row| next.row.as_ref() == Some(row));
        }
        let step = self.fit_outputs(step, &columns)?;
        let output_rel = self.new_rel();
        let query = Query {
            ctes: inner_ctes,
            ..Query::of(
                Body::SetOp { op: SetOp::Union, all, left: Box::new(start), right: Box::new(step) },
                columns.clone(),
                output_rel,
            )
        };
        Ok((CteBody::Query(Box::new(query)), columns, true))
    }

    /// SEARCH and CYCLE of a query, by the parenthesis before them.
    fn clauses(&self, cte: &ast::Cte) -> Option<CteClauses> {
        let closed = self.pos(cte.closing_paren_token.0.span);
        self.parsed.extras.cte_clauses.iter().find(|(pos, _)| *pos == closed).map(|(_, clauses)| clauses.clone())
    }

    /// The recursive term must not need another type than the non-recursive one has.
    fn check_recursive_types(&self, name: &Name, columns: &[Field], start: &Query, step: &Query) -> Result<()> {
        for (i, (have, next)) in columns.iter().zip(&step.columns).enumerate() {
            let both = self.common_type(&[(have.ty.oid, 0), (next.ty.oid, 0)], "UNION")?;
            let typmod = if have.ty == next.ty { have.ty.typmod } else { -1 };
            if both != have.ty.oid || typmod != have.ty.typmod {
                let message = format!(
                    "recursive query \"{name}\" column {} has type {} in non-recursive term but type {} overall",
                    i + 1,
                    self.type_name_with(have.ty),
                    self.type_name_with(PgType::with(both, typmod))
                );
                let pos = super::setop::output_pos(start, i);
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message)
                    .at(pos)
                    .hint("Cast the output of the non-recursive term to the correct type."));
            }
        }
        Ok(())
    }

    /// A CTE read in FROM; None if no CTE has that name.
    pub(crate) fn cte_item(&mut self, name: &str, alias: Option<&ast::TableAlias>, pos: u32) -> Result<Option<Item>> {
        let Some(entry) = self.find_cte(name) else { return Ok(None) };
        let size = entry.size;
        let (id, own, columns) = (entry.id, Arc::clone(&entry.name), entry.columns.clone());
        let in_progress = entry.in_progress;
        // What SEARCH and CYCLE add is no part of `*` in the query itself.
        let own_columns = if in_progress { columns.len() - entry.added } else { columns.len() };
        if in_progress {
            self.scope().reads_recursion = true;
        }
        if columns.is_empty() {
            let message = format!("WITH query \"{own}\" does not have a RETURNING clause");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(pos));
        }
        self.note_size(size)?;
        let rel = self.new_rel();
        self.origins.insert(rel, columns.iter().map(|f| f.origin).collect());
        self.keep_records(rel, &columns);
        let mut shown = fields_to_columns(&columns);
        shown.iter_mut().skip(own_columns).for_each(|c| c.attnum = -1);
        let relation = Relation {
            id: rel,
            alias: alias.map_or(own, |a| fold(&a.name)),
            source: Source::Cte(id),
            columns: shown,
            lateral: false,
            pos,
        };
        self.relation_item(relation, alias).map(Some)
    }
}

pub(crate) fn as_query(body: &SetExpr) -> ast::Query {
    if let SetExpr::Query(query) = body {
        return (**query).clone();
    }
    ast::Query {
        with: None,
        body: Box::new(body.clone()),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: vec![],
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: vec![],
    }
}

/// Columns under the names that `WITH name (a, b)` gives.
fn rename(mut columns: Vec<Field>, cte: &ast::Cte, name: &str) -> Result<Vec<Field>> {
    let aliases = &cte.alias.columns;
    if aliases.len() > columns.len() {
        let message = format!(
            "WITH query \"{name}\" has {} columns available but {} columns specified",
            columns.len(),
            aliases.len()
        );
        return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message));
    }
    for (column, alias) in columns.iter_mut().zip(aliases) {
        column.name = fold(&alias.name);
    }
    Ok(columns)
}
