//! COPY (BeginCopyFrom, BeginCopyTo): the table or query.

use std::sync::Arc;

use sqlparser::ast;

use super::Analyzer;
use super::copy_feed::CopyFeed;
use super::copy_options::{Copied, Raw, finish, raw_options};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Relation as TableDef, RelationKind};
use crate::sql::parse::{self, CopyStatement, CopySubject};
use crate::tree::{Copy, CopyDirection, CopyOptions, Field, QualifiedName, Query, Returning, Statement};

impl Analyzer<'_> {
    pub(crate) fn copy(&mut self, copy: &CopyStatement) -> Result<Statement> {
        let raw = raw_options(&copy.options, copy.from)?;
        let file = copy.file.as_deref().map(|path| server_file(path, copy.from)).transpose()?;
        let (direction, mut options) = match &copy.subject {
            CopySubject::Query(statement) => {
                let statement = if raw.is_json() {
                    Statement::Query(Box::new(self.json_of(statement)?))
                } else {
                    self.statement(statement)?
                };
                let columns = match &statement {
                    Statement::Query(query) => &query.columns,
                    Statement::Insert(insert) => returned(&insert.returning)?,
                    Statement::Update(update) => returned(&update.returning)?,
                    Statement::Delete(delete) => returned(&delete.returning)?,
                    _ => return Err(Error::unsupported("COPY of this statement")),
                };
                let names: Vec<_> = match raw.is_json() {
                    true => Vec::new(),
                    false => columns.iter().map(|f| Arc::clone(&f.name)).collect(),
                };
                let direction = CopyDirection::Out { statement: Box::new(statement), relation: 0 };
                (direction, finish(raw, copy.from, &Copied { names: &names, of: None }, Vec::new())?)
            }
            CopySubject::Table { name, columns } => self.copy_table(copy, raw, name, columns)?,
        };
        options.file = file;
        Ok(Statement::Copy(Box::new(Copy { direction, options })))
    }

    fn copy_table(
        &mut self,
        copy: &CopyStatement,
        raw: Raw,
        name: &QualifiedName,
        columns: &[(Arc<str>, u32)],
    ) -> Result<(CopyDirection, CopyOptions)> {
        let namespace = name.namespace.as_deref();
        let Some(def) = self.find_relation(namespace, &name.name)? else {
            // COPY opens its table without a parse state: its error has no position.
            return Err(self.no_relation(namespace, &name.name, 0));
        };
        let chosen = self.copy_columns(&def, columns)?;
        let names: Vec<Arc<str>> = chosen.iter().map(|c| Arc::clone(&def.columns[usize::from(*c)].name)).collect();
        if !copy.from {
            if def.kind.definition().is_some() {
                let message = format!("cannot copy from {} \"{}\"", crate::policy::kind_word(&def), def.name);
                return Err(
                    Error::new(SqlState::WRONG_OBJECT_TYPE, message).hint("Try the COPY (SELECT ...) TO variant.")
                );
            }
            if def.is_partitioned() {
                let message = format!("cannot copy from partitioned table \"{}\"", def.name);
                return Err(
                    Error::new(SqlState::WRONG_OBJECT_TYPE, message).hint("Try the COPY (SELECT ...) TO variant.")
                );
            }
            if let RelationKind::Composite = def.kind {
                return Err(super::dml::no_rows(&def.name));
            }
            if let RelationKind::Sequence(_) = def.kind {
                let message = format!("cannot copy from sequence \"{}\"", def.name);
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            let query = self.select_columns(&def, &names, raw.is_json())?;
            let statement = Box::new(Statement::Query(Box::new(query)));
            let direction = CopyDirection::Out { statement, relation: def.oid };
            return Ok((direction, finish(raw, false, &Copied { names: &names, of: Some(&def) }, Vec::new())?));
        }
        match def.kind {
            RelationKind::Table => {}
            RelationKind::View { .. } | RelationKind::MaterializedView { .. } | RelationKind::Sequence(_) => {
                let message = format!("cannot copy to {} \"{}\"", crate::policy::kind_word(&def), def.name);
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            RelationKind::Composite | RelationKind::System => self.check_writable(&def, "copy to")?,
        }
        let on_conflict = raw.on_conflict;
        let options = finish(raw, true, &Copied { names: &names, of: Some(&def) }, self.defaulted(&def, &chosen))?;
        if options.freeze && def.is_partitioned() {
            let message = "cannot perform COPY FREEZE on a partitioned table";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let feed = CopyFeed {
            sent: &chosen,
            flagged: options.default.as_ref().map_or(&[], |default| &default.columns),
            on_conflict: on_conflict.unwrap_or(def.on_conflict),
        };
        let insert = self.feed_insert(&def, &feed, copy.filter.as_deref())?;
        let columns = chosen.iter().map(|c| def.columns[usize::from(*c)].num).collect();
        Ok((CopyDirection::In { insert: Box::new(insert), table: def, columns }, options))
    }

    /// Which of the columns have a default, by their places among them.
    fn defaulted(&self, def: &TableDef, chosen: &[u16]) -> Vec<usize> {
        let has = |(_, column): &(usize, &u16)| self.has_default(&def.columns[usize::from(**column)]);
        chosen.iter().enumerate().filter(has).map(|(place, _)| place).collect()
    }

    /// CopyGetAttnums: all columns but generated ones, or those that are named.
    fn copy_columns(&self, def: &TableDef, columns: &[(Arc<str>, u32)]) -> Result<Vec<u16>> {
        if columns.is_empty() {
            let plain = def.columns.iter().enumerate().filter(|(_, c)| c.generated.is_none() && c.num > 0);
            return Ok(plain.map(|(i, _)| i as u16).collect());
        }
        let mut chosen = Vec::with_capacity(columns.len());
        for (name, _) in columns {
            let column = self.column_index_of(def, name, 0)?;
            if def.columns[usize::from(column)].generated.is_some() {
                return Err(Error::new(
                    SqlState::INVALID_COLUMN_REFERENCE,
                    format!("column \"{name}\" is a generated column"),
                )
                .detail("Generated columns cannot be used in COPY."));
            }
            if chosen.contains(&column) {
                let message = format!("column \"{name}\" specified more than once");
                return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
            }
            chosen.push(column);
        }
        Ok(chosen)
    }

    /// `SELECT columns FROM table`, for COPY table TO.
    fn select_columns(&mut self, def: &TableDef, names: &[Arc<str>], json: bool) -> Result<Query> {
        let quote = |n: &str| format!("\"{}\"", n.replace('"', "\"\""));
        let list: Vec<String> = names.iter().map(|n| quote(n)).collect();
        let text = format!("SELECT {} FROM {}.{}", list.join(", "), quote(&def.namespace), quote(&def.name));
        let parsed = parse::parse(&text)?;
        match parsed.first().map(|p| &*p.body) {
            Some(parse::Body::Statement(statement)) if json => self.json_of(statement),
            Some(parse::Body::Statement(statement)) => self.only_query(statement),
            _ => Err(Error::internal("COPY made no statement")),
        }
    }

    /// Each row of a query as a JSON object: `SELECT row_to_json(q) FROM (query) AS q`.
    fn json_of(&mut self, statement: &ast::Statement) -> Result<Query> {
        let ast::Statement::Query(query) = statement else {
            return Err(Error::unsupported("COPY of a data-modifying statement as JSON")
                .hint("Use another format, and row_to_json in RETURNING."));
        };
        let parsed = parse::parse("SELECT pg_catalog.row_to_json(q) FROM (SELECT) AS q")?;
        let Some(parse::Body::Statement(wrapper)) = parsed.first().map(|p| &*p.body) else {
            return Err(Error::internal("COPY made no statement"));
        };
        let mut wrapper = wrapper.clone();
        if let ast::Statement::Query(outer) = &mut *wrapper
            && let ast::SetExpr::Select(select) = &mut *outer.body
            && let Some(from) = select.from.first_mut()
            && let ast::TableFactor::Derived { subquery, .. } = &mut from.relation
        {
            subquery.clone_from(query);
            return self.only_query(&wrapper);
        }
        Err(Error::internal("COPY made another statement"))
    }

    fn only_query(&mut self, statement: &ast::Statement) -> Result<Query> {
        match self.statement(statement)? {
            Statement::Query(query) => Ok(*query),
            _ => Err(Error::internal("COPY made no query")),
        }
    }
}

/// PostgreSQL reads relative names in its own folder, which is nobody's here, and writes none.
fn server_file(path: &str, from: bool) -> Result<Arc<str>> {
    if std::path::Path::new(path).is_absolute() {
        return Ok(path.into());
    }
    if path.contains("://") {
        return Err(Error::unsupported("COPY with a URL").hint("Fetch it, and COPY the file."));
    }
    let message = format!("relative path not allowed for COPY {} file", if from { "from" } else { "to" });
    Err(Error::new(SqlState::INVALID_NAME, message))
}

/// The columns that a change gives back.
fn returned(returning: &Returning) -> Result<&Vec<Field>> {
    match returning.exprs.is_empty() {
        false => Ok(&returning.columns),
        true => Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "COPY query must have a RETURNING clause")),
    }
}
